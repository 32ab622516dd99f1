//! What is recorded of a statement's use of relations and columns, and the labels that carry it through sub-queries.

use crate::vocab::{Oid, Usage, UsageSet};
use pg_query::protobuf::Node;
use std::rc::Rc;
use std::sync::Arc;

/// Where a reference to a relation stands in what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the statement, or in a definition that takes a view's place there. A guard may stand in for it.
    Text,
    /// The relation that is written to. No guard can stand in for it.
    Target,
    /// In the statement, with LIMIT and a lock on its rows. It stays, since a lock in a guard would take rows that the
    /// statement passes over; its masks stand where its columns are named.
    Locked,
    /// A view whose reference stays as it is.
    View,
    /// A view whose definition takes its place.
    Inlined,
    /// In the definition of a view that stays: what the statement reaches of it is open as it is.
    Within,
    /// In the definition of a materialized view, or in a function. What was stored can be neither masked nor filtered any
    /// more; in a function nothing can stand in for a relation.
    Stored,
}

/// A lock that the statement takes on rows of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lock {
    /// On those that it returns.
    Returned,
    /// On as many as LIMIT lets through; what waits in line with SKIP LOCKED counts on no others being locked.
    Limited,
}

/// Which columns a guard for a relation must offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Those that the statement names.
    Named,
    /// All, in the table's order, because the statement counts them by position. Those that it does not name are NULL.
    All,
}

/// One reference to a relation.
#[derive(Debug, Clone)]
pub struct RelationUse {
    pub relation: Oid,
    /// Byte offset of the reference in the text, or a number beyond any text in the definition of a view; unique in the
    /// statement, and how the rewriter finds it again.
    pub at: i32,
    /// Byte offset of what the statement itself names: the relation, or the outermost view that reads it.
    pub origin: i32,
    pub place: Place,
    /// The views and the function through which the statement reaches it, from the outermost inwards.
    pub through: Option<Arc<str>>,
    /// The name by which the statement knows it.
    pub alias: Arc<str>,
    /// For each column of the relation, in order: the name it has under the alias.
    pub names: Vec<Arc<str>>,
    /// The columns that the statement names, directly or by a star, ascending by index.
    pub columns: Vec<ColumnUse>,
    /// Where its whole row is used as a value, which exposes every column and fixes their order.
    pub whole_row: Option<u32>,
    pub lock: Option<Lock>,
    pub offer: Offer,
    /// System columns used (`ctid`, `xmin`, `tableoid` …) and where.
    pub system: Vec<(Arc<str>, Option<u32>)>,
    /// Conditions of the statement on this relation alone that may be copied behind a fence: strict, leakproof, and not
    /// from the nullable side of an outer join. Their columns are written `alias.column`.
    pub copyable: Vec<Node>,
    /// The column that says whom a row is about, where the statement's aggregates over it are counted by that.
    pub subject: Option<usize>,
    /// A query that it stands in depends on the rows of one around that.
    pub correlated: bool,
    /// The condition of the statement that looks a row up by what one of its columns holds, written like those.
    pub lookup: Option<Node>,
    /// Whether the statement looks a row up in it by what a column holds that is shown as something else.
    pub looks_up: bool,
}

/// A column of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnSource {
    pub relation: Oid,
    /// Its index in `Relation::columns`.
    pub index: usize,
}

/// A relation that a function reads, and which of its columns, how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionRead {
    pub relation: Oid,
    /// Indexes in `Relation::columns`.
    pub columns: Vec<(usize, UsageSet)>,
}

/// A sequence that the statement draws from, sets, or asks what it drew last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceUse {
    /// `None` where only the server knows which: any.
    pub sequence: Option<Oid>,
    /// Byte offset of the call.
    pub at: Option<u32>,
}

/// What a statement puts by a function where other sessions find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub to: Outlet,
    /// Byte offset of the call.
    pub at: Option<u32>,
    /// What it is made of.
    pub sources: Vec<ColumnSource>,
}

/// Where a function puts a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlet {
    /// `pg_notify`.
    Channel(Arc<str>),
    /// `setval`.
    Sequence(Oid),
}

/// A column of a relation reference, by its index in `Relation::columns`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnUse {
    pub index: usize,
    pub usages: UsageSet,
    /// Byte offset of the first mention.
    pub at: Option<u32>,
}

/// A base column reference: the number of the relation reference and the column's index.
pub(super) type BaseColumn = (usize, usize);

/// The base columns that a value depends on, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Label(Option<Rc<[BaseColumn]>>);

impl Label {
    pub fn none() -> Label {
        Label(None)
    }

    pub fn of(column: BaseColumn) -> Label {
        Label(Some(Rc::from([column])))
    }

    pub fn columns(&self) -> &[BaseColumn] {
        self.0.as_deref().unwrap_or(&[])
    }

    /// The label without the columns of one use.
    pub fn without(&self, number: usize) -> Label {
        match self.columns().iter().any(|(of, _)| *of == number) {
            true => Label(Some(self.columns().iter().filter(|(of, _)| *of != number).copied().collect())),
            false => self.clone(),
        }
    }

    /// The union of two labels. Shares an operand where it already holds the other.
    pub fn join(self, other: &Label) -> Label {
        let (mine, theirs) = (self.columns(), other.columns());
        if theirs.iter().all(|column| mine.binary_search(column).is_ok()) {
            return self;
        }
        let mut union: Vec<BaseColumn> = mine.iter().chain(theirs).copied().collect();
        union.sort_unstable();
        union.dedup();
        Label(Some(union.into()))
    }
}

impl RelationUse {
    /// Whether a function reads it, and not the statement or a view.
    pub fn is_of_function(&self) -> bool {
        self.at < -1
    }

    /// A reference of which nothing is used yet.
    pub(super) fn new(relation: Oid, at: i32, alias: Arc<str>, names: Vec<Arc<str>>) -> RelationUse {
        RelationUse {
            relation,
            at,
            origin: at,
            place: Place::Text,
            through: None,
            alias,
            names,
            columns: Vec::new(),
            whole_row: None,
            lock: None,
            offer: Offer::Named,
            system: Vec::new(),
            copyable: Vec::new(),
            subject: None,
            correlated: false,
            lookup: None,
            looks_up: false,
        }
    }

    /// Notes a lock on its rows.
    pub(super) fn lock(&mut self, lock: Lock) {
        self.lock = self.lock.max(Some(lock));
    }

    /// Records a use of a column.
    pub(super) fn record(&mut self, index: usize, usage: Option<Usage>, at: Option<u32>) {
        let slot = match self.columns.binary_search_by_key(&index, |column| column.index) {
            Ok(slot) => slot,
            Err(slot) => {
                self.columns.insert(slot, ColumnUse { index, usages: UsageSet::EMPTY, at });
                slot
            }
        };
        if let Some(usage) = usage {
            self.columns[slot].usages.insert(usage);
        }
    }
}
