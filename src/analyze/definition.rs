//! What a definition does beside what its query reads.

use super::label::ColumnSource;
use crate::catalog::{Relation, Step};
use crate::vocab::Oid;
use std::sync::Arc;

/// What a definition does beside what its query reads.
#[derive(Debug, Default)]
pub struct Definition {
    pub runs: Runs,
    /// The schema and name of what will be there.
    pub fresh: Option<(Arc<str>, Arc<str>)>,
    /// The table that a query fills.
    pub made: Option<Made>,
    /// What it evaluates over rows that are there, or refers to: it must not tell of what is hidden there.
    pub over: Vec<Over>,
    /// What goes with it.
    pub dropped: Vec<Dropped>,
    /// Columns that it adds: what expressions say of them tells nothing of what was there.
    pub added: Vec<Arc<str>>,
    /// What it changes of names, and of what the server keeps.
    pub steps: Vec<Step>,
    /// What the policy must be asked of by name.
    pub touches: Vec<(Touch, Option<u32>)>,
}

/// What a definition runs when it is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Runs {
    /// Nothing over a relation of users, or what `over` says.
    #[default]
    Nothing,
    /// A query, once: guards stand in it.
    Query,
    /// A query that is kept, and must be kept as it was written: no guard may be needed in it.
    KeptQuery,
}

/// A table that a query makes.
#[derive(Debug)]
pub struct Made {
    /// What will be there, as far as names go; its number is 0.
    pub relation: Relation,
    /// For each column, what its values depend on.
    pub sources: Vec<Vec<ColumnSource>>,
    pub at: Option<u32>,
}

/// Something that a definition changes, or gives a name to, and by which others may find what they read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touch {
    /// A column that comes, goes, gets or had a name, or other values than people write.
    Column(Oid, Arc<str>),
    /// A column that is given a default: whoever leaves it out writes that.
    Default(Oid, Arc<str>),
    /// A new column with a value in every row that is there.
    Filled(Oid, Arc<str>),
    /// A column of another type.
    Type(Oid, Arc<str>),
    /// A column whose every value is written again.
    Rewritten(Oid, Arc<str>),
    /// A relation that other rows are found under, or its rows under another name.
    Rows(Oid),
    /// A relation whose keys change.
    Keys(Oid),
    /// A name for what may turn out to be a relation.
    Name(Arc<str>),
    /// A value of an enum, or a type.
    Word(Arc<str>),
    /// Comments come with what is new.
    Comments,
}

/// A relation over whose rows, and those of its children, something is evaluated.
#[derive(Debug)]
pub struct Over {
    pub relation: Oid,
    pub of: Of,
    pub at: Option<u32>,
}

/// Of what a definition can tell whether it succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// Everything in the relation.
    Whole,
    /// That there are rows, and what these columns hold.
    Columns(Vec<Arc<str>>),
}

impl Of {
    /// That there are rows.
    pub fn rows() -> Of {
        Of::Columns(Vec::new())
    }
}

/// A relation that goes with all that is in it, or columns of it.
#[derive(Debug)]
pub struct Dropped {
    pub relation: Oid,
    /// `None`: the relation.
    pub columns: Option<Vec<Arc<str>>>,
    pub at: Option<u32>,
}
