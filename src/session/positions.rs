//! Error positions, mapped from the text that was sent back to the text that the client sent.

use std::sync::Arc;

/// A one-based position moved by `offset` characters; 0 stays "none".
pub fn shift(position: u32, offset: u32) -> u32 {
    if position == 0 { 0 } else { position + offset }
}

/// Where a position stands by a rewriter's table: the last entry at or before it, and the distance from there.
pub fn by_table(table: &[(u32, u32)], position: u32) -> u32 {
    match table.partition_point(|entry| entry.0 <= position).checked_sub(1).and_then(|at| table.get(at)) {
        // A position between two entries belongs to the earlier one.
        Some((_, original)) => *original,
        None => 0,
    }
}

/// One statement's part of an assembled text.
#[derive(Debug)]
pub struct Part {
    /// Characters of the sent text before this statement.
    pub sent: u32,
    /// Characters of the client's text before it.
    pub original: u32,
    /// The rewriter's table, if the statement was rewritten.
    pub table: Option<Arc<[(u32, u32)]>>,
}

/// The parts of a text, in order.
#[derive(Debug, Default)]
pub struct Positions(pub Vec<Part>);

impl Positions {
    /// Where a position of the sent text stands in the client's.
    pub fn original(&self, position: u32) -> u32 {
        let at = self.0.partition_point(|part| part.sent < position).saturating_sub(1);
        match self.0.get(at) {
            None => position,
            Some(part) => {
                let within = position.saturating_sub(part.sent);
                match &part.table {
                    Some(table) => shift(by_table(table, within), part.original),
                    None => within + part.original,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps() {
        let table: Arc<[(u32, u32)]> = Arc::from([(1, 1), (20, 8)]);
        let positions = Positions(vec![
            Part { sent: 0, original: 0, table: Some(table) },
            Part { sent: 30, original: 12, table: None },
        ]);
        for (sent, original) in [(1, 1), (19, 1), (20, 8), (25, 8), (31, 13), (40, 22)] {
            assert_eq!(positions.original(sent), original, "{sent}");
        }
    }
}
