//! The words that every other module speaks in. `docs/glossary.md` defines them for readers.

mod refusal;
mod usage;

pub use refusal::{Cause, Clause, Closed, NotUnderstood, Positions, Refusal, SqlState, Unresolved, character_position};
pub use usage::{Right, Usage, UsageSet};

/// A Postgres object identifier.
pub type Oid = u32;

/// A column's number within its relation (`pg_attribute.attnum`); user columns count from 1, system columns are negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct AttNum(pub i16);

/// A column of a base relation. Tags stick to this pair, not to names, so a rename does not lose them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnId {
    pub relation: Oid,
    pub column: AttNum,
}
