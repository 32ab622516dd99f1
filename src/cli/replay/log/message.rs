//! What the message of a record says was executed (`log_statement`, `log_min_duration_statement`, their samples).

/// A statement that was executed.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli::replay) struct Executed {
    pub(in crate::cli::replay) text: String,
}

/// The statement in the message of a record. Parses and binds are none yet, and rows that are fetched later from a portal
/// are of a statement that was counted before. `EXECUTE name` stands for the statement that the detail says was prepared.
pub(super) fn executed(message: &str, detail: Option<&str>) -> Option<Executed> {
    let message = without_duration(message);
    if let Some(text) = message.strip_prefix("statement: ") {
        let prepared = detail.and_then(|detail| detail.strip_prefix("prepare: "));
        return Some(Executed { text: prepared.unwrap_or(text).to_owned() });
    }
    let rest = message.strip_prefix("execute ")?;
    if rest.starts_with("fetch from ") {
        return None;
    }
    let (_name, text) = rest.split_once(": ")?;
    Some(Executed { text: text.to_owned() })
}

/// The message behind `duration: 0.123 ms  `.
fn without_duration(message: &str) -> &str {
    let behind = message.strip_prefix("duration: ").and_then(|rest| rest.split_once(" ms  "));
    behind.map_or(message, |(_milliseconds, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_executed_is_found() {
        for (message, detail, expected) in [
            ("statement: SELECT 1", None, Some("SELECT 1")),
            ("duration: 0.123 ms  statement: SELECT 1", None, Some("SELECT 1")),
            ("execute <unnamed>: SELECT $1", Some("parameters: $1 = '1'"), Some("SELECT $1")),
            ("duration: 1.5 ms  execute S_1/C_2: SELECT 'a: b'", None, Some("SELECT 'a: b'")),
            ("statement: EXECUTE p(1)", Some("prepare: PREPARE p AS SELECT 1"), Some("PREPARE p AS SELECT 1")),
            ("duration: 0.123 ms", None, None),
            ("duration: 0.1 ms  parse <unnamed>: SELECT $1", None, None),
            ("duration: 0.1 ms  bind <unnamed>: SELECT $1", None, None),
            ("execute fetch from S_1/C_2: SELECT 1", None, None),
            ("checkpoint starting: time", None, None),
        ] {
            let found = executed(message, detail).map(|Executed { text }| text);
            assert_eq!(found.as_deref(), expected, "{message}");
        }
    }
}
