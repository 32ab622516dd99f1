//! Query levels and what is visible in them, after Postgres's `ParseNamespaceItem`.

use super::label::{BaseColumn, Label};
use pg_query::protobuf::Node;
use std::rc::Rc;
use std::sync::Arc;

/// How a column is written so that it can mean only this column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Written {
    /// `alias.column`.
    Qualified(Arc<str>, Arc<str>),
    /// `column`: a merged column of JOIN … USING, or one of a sub-query without an alias; it has no other name, and
    /// the level it stands in is sure to have it.
    Bare(Arc<str>),
    /// What stands in the place of a column of a relation that is written to, or whose rows are locked.
    Instead(Rc<Node>),
}

/// A column that can be referenced.
#[derive(Debug, Clone)]
pub(super) struct Visible {
    pub name: Arc<str>,
    pub written: Written,
    pub label: Label,
    /// The base column of this very level that it is, where it is one.
    pub base: Option<BaseColumn>,
    /// The base column whose value it passes on unchanged, from whatever level: its type and collation are known.
    pub typed: Option<BaseColumn>,
    pub star: Star,
}

/// Whether a star stands for a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Star {
    Expands,
    /// Where stars stand for all columns; a column of a relation that the purpose may not see.
    Closed,
    /// A column that SEARCH or CYCLE makes, inside the CTE itself.
    LeftOut,
}

/// The columns of a range-table entry.
#[derive(Debug, Clone)]
pub(super) enum Columns {
    Known(Rc<[Visible]>),
    /// A function whose result columns are not known; it can hold no column of a relation.
    Opaque(Label),
}

/// What a star or a whole-row reference of an entry stands for.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A base relation: the number of its use.
    Base(usize),
    /// A view: the number of its use.
    View(usize),
    /// A sub-query, CTE, function, VALUES list or aliased join.
    Derived,
}

/// An entry of the namespace.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The alias; `None` for a join without alias and a sub-query without one.
    pub name: Option<Arc<str>>,
    /// The schema, where the entry is a base relation without an alias and may be referenced by `schema.name`.
    pub schema: Option<Arc<str>>,
    /// Whether `name.column` and `name.*` find it.
    pub by_name: bool,
    /// Whether a bare `column` finds it, and `*` includes it.
    pub by_column: bool,
    pub columns: Columns,
    pub source: Source,
    /// It stands on the nullable side of an outer join of this level.
    pub nullable: bool,
}

/// The relations of a level whose rows are locked as far as LIMIT lets them through.
#[derive(Debug, Default)]
pub(super) enum Locked {
    #[default]
    None,
    These(Vec<String>),
    All,
}

impl Locked {
    pub fn takes(&self, alias: &str) -> bool {
        match self {
            Locked::None => false,
            Locked::These(names) => names.iter().any(|name| name == alias),
            Locked::All => true,
        }
    }
}

/// One query level.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub locked: Locked,
    pub entries: Vec<Entry>,
    /// Entries below this index are siblings that the expression at hand may not see (a join's ON clause).
    pub from: usize,
    /// Set while a sub-query in FROM that is not LATERAL is resolved: it must not see its siblings.
    pub hidden: bool,
    /// Base columns of this level's own relations referenced where GROUP BY governs, with how they are written.
    pub governed: Vec<(BaseColumn, Written)>,
    /// Set while clauses are resolved that GROUP BY governs.
    pub governing: bool,
}

/// A common table expression in sight.
#[derive(Debug, Clone)]
pub(super) struct Cte {
    pub name: Arc<str>,
    pub columns: Columns,
}

/// The CTEs of one WITH clause.
#[derive(Debug, Default)]
pub(super) struct CteFrame {
    pub ready: Vec<Cte>,
    /// Names of WITH RECURSIVE that are in sight but not resolved yet.
    pub pending: Vec<Arc<str>>,
}
