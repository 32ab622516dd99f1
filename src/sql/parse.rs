//! Text to syntax tree, by Postgres's own grammar (libpg_query, version 18), on a stack that hostile nesting cannot
//! overflow.
//!
//! INVARIANT: trees are parsed, walked, cloned and dropped inside [`on_deep_stack`]. libpg_query refuses trees that are
//! nested deeper than 10,000 protobuf messages, so the depth of every recursion here is bounded by that.

use super::ffi;
use crate::vocab::{Refusal, SqlState};
use pg_query::protobuf::{Node, ParseResult, RawStmt};
use prost::Message;
use std::ffi::CString;
use std::ops::Range;

/// Stack kept free for recursion over a tree, 10,000 messages deep, twice over.
const STACK_RED_ZONE: usize = 80 << 20;
/// The stack that a thread should have on which statements are judged. It is reserved, not used: only the pages that a
/// statement needs are ever touched. On a smaller one long expressions are refused by libpg_query, which measures it.
pub const STACK_BYTES: usize = 128 << 20;

/// Runs `work` with enough stack for the deepest tree the parser lets through. Costs nothing on a thread whose stack is
/// big already, as the proxy's worker threads' are.
pub fn on_deep_stack<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK_RED_ZONE, STACK_BYTES, work)
}

/// One statement of a text.
#[derive(Debug, Clone)]
pub struct Statement {
    pub tree: Node,
    /// Bytes of the text that belong to it: from the end of the statement before (its semicolon excluded) to its own
    /// end. Space and comments in front belong to it; behind the last statement's semicolon too.
    pub span: Range<usize>,
}

/// Why a text could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub code: SqlState,
    pub message: String,
    /// One-based position in characters; 0 if unknown.
    pub position: u32,
}

impl From<Unreadable> for Refusal {
    fn from(unreadable: Unreadable) -> Refusal {
        let Unreadable { code, message, position } = unreadable;
        Refusal { position, ..Refusal::new(code, message) }
    }
}

/// What Postgres's lexer may spend on runs of operator characters: some hundredths of a second.
const MOST_LEXING: usize = 32 << 20;

/// An estimate of what the lexer spends on runs of operator characters. At every comment that begins inside one, and at every
/// `+`, it reads to the end of the run and gives back all but a few characters: a megabyte of `/*/*` or `+++` takes it
/// minutes.
fn lexing_cost(text: &str) -> usize {
    let is_operator = |byte: &u8| b"~!@#^&|`?+-*/%<>=".contains(byte);
    text.as_bytes()
        .chunk_by(|one, other| is_operator(one) && is_operator(other))
        .filter(|run| run.len() > 1 && is_operator(&run[0]))
        .map(|run| {
            let again =
                run.windows(2).filter(|pair| *pair == b"/*").count() + run.iter().filter(|byte| **byte == b'+').count();
            run.len().saturating_mul(again)
        })
        .fold(0, usize::saturating_add)
}

pub(super) fn lexes_too_long(text: &str) -> bool {
    lexing_cost(text) > MOST_LEXING
}

/// Parses a text into its statements. Call inside [`on_deep_stack`].
pub fn parse(text: &str) -> Result<Vec<Statement>, Unreadable> {
    let refuse = |code, message: &str| Unreadable { code, message: message.to_owned(), position: 0 };
    if lexes_too_long(text) {
        return Err(refuse(SqlState::STATEMENT_TOO_COMPLEX, "operators or comments are nested too deeply"));
    }
    let Ok(terminated) = CString::new(text) else {
        return Err(refuse(SqlState::SYNTAX_ERROR, "statement contains a NUL byte"));
    };
    let serialized = ffi::parse_serialized(&terminated).map_err(|error| {
        let code = match error.message.as_str() {
            m if m.contains("nested too deeply") || m.contains("stack depth") => SqlState::STATEMENT_TOO_COMPLEX,
            _ => SqlState::SYNTAX_ERROR,
        };
        Unreadable { code, message: error.message, position: error.position }
    })?;
    let result = ParseResult::decode(serialized.as_slice())
        .map_err(|_| refuse(SqlState::STATEMENT_TOO_COMPLEX, "the syntax tree could not be read back"))?;
    let ParseResult { version: _, stmts } = result;
    let mut statements: Vec<Statement> = Vec::with_capacity(stmts.len());
    let mut start = 0;
    for RawStmt { stmt, stmt_location, stmt_len } in stmts {
        let Some(tree) = stmt else { continue };
        let begin = usize::try_from(stmt_location).unwrap_or(0);
        let end = match usize::try_from(stmt_len) {
            Ok(0) | Err(_) => text.len(),
            Ok(length) => begin + length,
        };
        if text.get(start..end).is_none() {
            return Err(refuse(SqlState::SYNTAX_ERROR, "a statement of this message could not be told from the next"));
        }
        statements.push(Statement { tree: *tree, span: start..end });
        start = (end + 1).min(text.len());
    }
    if let Some(last) = statements.last_mut() {
        // Comments behind the last semicolon may declare a purpose.
        last.span.end = text.len();
    }
    Ok(statements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_the_lexer_reads_again_and_again_are_refused() {
        for (piece, count, most) in
            [("/*", 100_000, 0), ("+", 100_000, 0), ("*", 100_000, usize::MAX), ("a+b ", 100_000, usize::MAX)]
        {
            let cost = lexing_cost(&piece.repeat(count));
            assert_eq!(cost <= MOST_LEXING, most > 0, "{piece}: {cost}");
        }
        let refused = parse(&"/*".repeat(100_000)).expect_err("refused");
        assert_eq!(refused.code, SqlState::STATEMENT_TOO_COMPLEX);
        assert!(parse("/*********** a ************/ SELECT 1 + +1 /* /* */ */").is_ok());
    }
}
