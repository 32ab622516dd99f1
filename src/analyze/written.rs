//! What is recorded of a statement's writes.

use super::label::ColumnSource;
use crate::vocab::{Oid, Right};
use pg_query::protobuf::Node;
use std::rc::Rc;

/// How a relation that is written to is read.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// For each column, in order, what stands in its place; `None` where it is the column itself.
    pub columns: Vec<Option<Rc<Node>>>,
    /// Conditions on the rows that may be changed, their columns written `alias.column`.
    pub rows: Vec<Node>,
}

/// One INSERT, UPDATE, DELETE, MERGE, TRUNCATE or COPY FROM of a statement.
#[derive(Debug, Clone)]
pub struct Write {
    pub relation: Oid,
    /// Byte offset of the target's name; that of its `RelationUse` too.
    pub at: i32,
    pub manner: Manner,
    pub verbs: Vec<Verb>,
    pub assigned: Vec<Assignment>,
    /// Columns that a row may get from their default: those that an INSERT leaves out, and those set to `DEFAULT`.
    pub defaulted: Vec<usize>,
}

/// How rows of the target are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// By the statement's own conditions, or none.
    Plain,
    /// By a conflict: `ON CONFLICT DO UPDATE`.
    Upsert,
    /// By the join of a MERGE.
    Merge,
}

/// What is done with rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Insert,
    Update,
    Delete,
    Truncate,
    TruncateCascade,
}

impl Verb {
    /// The right it takes.
    pub fn right(self) -> Right {
        match self {
            Verb::Insert => Right::Insert,
            Verb::Update => Right::Update,
            Verb::Delete | Verb::Truncate | Verb::TruncateCascade => Right::Delete,
        }
    }
}

/// A column that gets a value.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// Its index in `Relation::columns`.
    pub index: usize,
    /// Insert or update.
    pub right: Right,
    pub at: Option<u32>,
    /// The columns that the value depends on.
    pub sources: Vec<ColumnSource>,
    /// They are all of the very row that is written.
    pub own: bool,
    /// A new row's: with `ON CONFLICT` it decides whether the row meets one that is there, and so which rows are written.
    pub arbitrates: bool,
}
