//! Why a statement was refused, as a report: SQLSTATE, message, detail, hint, position. Never a data value.

use std::fmt::Write as _;
use std::sync::Arc;

/// A five-character SQLSTATE (PostgreSQL documentation, appendix A).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SqlState(pub &'static str);

impl SqlState {
    pub const INSUFFICIENT_PRIVILEGE: SqlState = SqlState("42501");
    pub const FEATURE_NOT_SUPPORTED: SqlState = SqlState("0A000");
    pub const SYNTAX_ERROR: SqlState = SqlState("42601");
    pub const INVALID_PARAMETER_VALUE: SqlState = SqlState("22023");
    pub const ACTIVE_SQL_TRANSACTION: SqlState = SqlState("25001");
    pub const UNDEFINED_TABLE: SqlState = SqlState("42P01");
    pub const UNDEFINED_COLUMN: SqlState = SqlState("42703");
    pub const WRONG_OBJECT_TYPE: SqlState = SqlState("42809");
    pub const UNDEFINED_FUNCTION: SqlState = SqlState("42883");
    pub const AMBIGUOUS_COLUMN: SqlState = SqlState("42702");
    pub const AMBIGUOUS_ALIAS: SqlState = SqlState("42P09");
    pub const DUPLICATE_ALIAS: SqlState = SqlState("42712");
    pub const INVALID_COLUMN_REFERENCE: SqlState = SqlState("42P10");
    pub const TOO_MANY_COLUMNS: SqlState = SqlState("54011");
    pub const STATEMENT_TOO_COMPLEX: SqlState = SqlState("54001");
    pub const PROGRAM_LIMIT_EXCEEDED: SqlState = SqlState("54000");
}

/// A clause of the privacy document that a rule comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// The clause's id in the pack's register, e.g. `B-1d`.
    pub id: Arc<str>,
    /// The document's title.
    pub document: Arc<str>,
    /// The document's date as the policy writes it, e.g. `2023-08-24`; empty if none is given.
    pub dated: Arc<str>,
    /// The quoted words.
    pub words: Arc<str>,
}

impl Clause {
    /// The clause as a refusal quotes it: `clause B-1d of the document (2023-08-24): "its words"`.
    pub fn quoted(&self) -> String {
        let dated = if self.dated.is_empty() { String::new() } else { format!(" ({})", self.dated) };
        format!("clause {} of {}{dated}: \"{}\"", self.id, self.document, self.words)
    }
}

/// Why a column is closed to a purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A rule denies or forbids it.
    Rule { rule: Arc<str>, clause: Option<Arc<Clause>> },
    /// A rule shows a mask that cannot be shown, or would be undone.
    Mask { rule: Arc<str>, why: &'static str },
    /// No rule permits it. `clause`: the nearest forbidding or governing clause, if the policy names one.
    NoRule,
    /// It carries no tag and the policy says `untagged = "deny"`.
    Untagged,
    /// The session declares no purpose.
    NoPurpose,
    /// A system relation or column that tells of data (statistics, other sessions' queries, secrets), or is unknown.
    System,
    /// A temporary table of the session: it holds what the session was shown.
    Temporary,
}

/// A closed column that a statement wants to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The relation, schema-qualified as Postgres would quote it.
    pub relation: Arc<str>,
    /// The column; `None` where the relation's very rows are closed (`count(*)`).
    pub column: Option<Arc<str>>,
    /// The categories the column carries, e.g. `conversation_data`.
    pub categories: Arc<[Arc<str>]>,
    /// Whose data it is, e.g. `end_user`.
    pub subject: Option<Arc<str>>,
    /// The views through which the statement reaches it, e.g. `view public.adults`.
    pub through: Option<Arc<str>>,
    pub cause: Cause,
}

/// A construct that the core does not understand well enough to let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotUnderstood {
    /// What it is, in SQL words: `UPDATE`, `TABLESAMPLE`, `function pg_read_file`.
    pub what: Arc<str>,
    /// Byte offset in the statement text, where known.
    pub at: Option<u32>,
}

impl NotUnderstood {
    pub fn new(what: impl Into<Arc<str>>, at: Option<u32>) -> NotUnderstood {
        NotUnderstood { what: what.into(), at }
    }
}

/// A name that Postgres would not resolve either; reported with Postgres's own code and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    pub code: SqlState,
    pub message: Arc<str>,
    /// Byte offset in the statement text, where known.
    pub at: Option<u32>,
}

/// An error report to the client in place of a statement's execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: SqlState,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// One-based position in characters in the text the client sent (protocol field `P`); 0 means none.
    pub position: u32,
    /// What was closed, for the audit record; empty for refusals of another kind.
    pub closed: Vec<Closed>,
}

impl Refusal {
    /// A refusal that carries only a code and a message.
    pub fn new(code: SqlState, message: impl Into<String>) -> Refusal {
        Refusal { code, message: message.into(), detail: None, hint: None, position: 0, closed: Vec::new() }
    }

    pub fn with_detail(mut self, detail: impl Into<String>) -> Refusal {
        self.detail = Some(detail.into());
        self
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Refusal {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the position from a byte offset into `text`.
    pub fn with_position(mut self, text: &str, at: Option<u32>) -> Refusal {
        self.position = at.map_or(0, |at| character_position(text, at as usize));
        self
    }

    /// The refusal as lines of text, as a terminal shows it.
    pub fn report(&self) -> String {
        let mut out = format!("ERROR {}: {}", self.code.0, self.message);
        if let Some(detail) = &self.detail {
            let _ = write!(out, "\nDETAIL: {detail}");
        }
        if let Some(hint) = &self.hint {
            let _ = write!(out, "\nHINT: {hint}");
        }
        out
    }
}

/// The one-based character position of a byte offset, as Postgres counts error positions.
pub fn character_position(text: &str, byte: usize) -> u32 {
    let byte = byte.min(text.len());
    let end = (0..=byte).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..end].chars().count() as u32 + 1
}

/// Character positions of a text that is asked for many.
pub struct Positions<'t> {
    text: &'t str,
    /// How many characters stand before each block of bytes; empty if a character is a byte.
    before: Vec<u32>,
}

impl<'t> Positions<'t> {
    const BLOCK: usize = 64;

    pub fn new(text: &'t str) -> Positions<'t> {
        let mut before = Vec::new();
        if !text.is_ascii() {
            let mut count = 0;
            for block in text.as_bytes().chunks(Self::BLOCK) {
                before.push(count);
                count += begun(block);
            }
        }
        Positions { text, before }
    }

    /// [`character_position`] of a byte.
    pub fn of(&self, byte: usize) -> u32 {
        let byte = byte.min(self.text.len());
        if self.before.is_empty() {
            return byte as u32 + 1;
        }
        let end = (0..=byte).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
        let block = (end / Self::BLOCK).min(self.before.len() - 1);
        self.before[block] + begun(&self.text.as_bytes()[block * Self::BLOCK..end]) + 1
    }
}

/// How many characters begin in these bytes of a text.
fn begun(bytes: &[u8]) -> u32 {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count() as u32
}

#[cfg(test)]
mod tests {
    use super::{Positions, character_position};

    #[test]
    fn positions_are_those_of_characters() {
        for text in ["", "plain", "é", &"aé€😀".repeat(40), &"x".repeat(200)] {
            let positions = Positions::new(text);
            for byte in 0..text.len() + 3 {
                assert_eq!(positions.of(byte), character_position(text, byte), "{byte} of {text}");
            }
        }
    }
}
