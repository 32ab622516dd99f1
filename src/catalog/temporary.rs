//! Temporary tables of a session, laid over the snapshot that is shared.
//!
//! They hold nothing but what the session was shown or gave itself, so that all of them is open to it; what else is known of
//! them, keys above all, is left out: it could be gone by the time that a statement runs.

use super::Relation;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The name by which every session knows the schema of its own temporary relations.
pub const TEMPORARY: &str = "pg_temp";

/// Whether a relation is a temporary one of the session's.
pub fn is_temporary(relation: &Relation) -> bool {
    *relation.schema == *TEMPORARY
}

/// The temporary relations of one session, as its server has told of them.
#[derive(Debug, Default)]
pub struct OwnTables {
    /// No others in this process have it. 0: there are none.
    number: u64,
    /// In schema [`TEMPORARY`].
    tables: Vec<Relation>,
    /// Names of others, of which nothing may be used.
    others: Vec<Arc<str>>,
}

impl OwnTables {
    /// Those of an answer; the last ones where it tells the same, so that what was planned for them holds.
    pub fn told(tables: Vec<Relation>, others: Vec<Arc<str>>, last: Option<&Arc<OwnTables>>) -> Arc<OwnTables> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        if let Some(same) = last.filter(|last| last.tables == tables && last.others == others) {
            return Arc::clone(same);
        }
        let number = match tables.is_empty() && others.is_empty() {
            true => 0,
            false => LAST.fetch_add(1, Ordering::Relaxed) + 1,
        };
        Arc::new(OwnTables { number, tables, others })
    }

    pub fn is_empty(&self) -> bool {
        self.number == 0
    }

    pub fn tables(&self) -> &[Relation] {
        &self.tables
    }

    /// Whether one of that name is there.
    pub fn has(&self, name: &str) -> bool {
        self.tables.iter().any(|table| *table.name == *name) || self.is_other(name)
    }

    /// Whether one of that name is there of which nothing may be used.
    pub fn is_other(&self, name: &str) -> bool {
        self.others.iter().any(|other| **other == *name)
    }
}

/// Where the rows of a session's temporary tables come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filled {
    /// The client alone.
    ByClient,
    /// Other tables, too.
    FromTables,
}

/// What is laid over the catalog for a session that has or may have temporary tables.
#[derive(Debug)]
pub struct Temporaries {
    pub own: Arc<OwnTables>,
    pub filled: Filled,
}

impl Temporaries {
    /// What plans are known by: the tables themselves are not kept with them.
    pub fn key(&self) -> (u64, Filled) {
        (self.own.number, self.filled)
    }
}
