//! The temporary tables of one session: what is in them was read under one purpose, and is judged by what it was made of.
//!
//! A value in a temporary table is what the purpose saw when it was stored: as it is, masked, or an aggregate of enough
//! people. So whoever stored it may read it again, as long as nothing about its sources is ruled otherwise; nobody else may.
//! What its sources may not be used for it may not be used for, what they may not meet it may not meet, and where it is
//! written on, whoever may read it there must be permitted to read them.

use super::{Bound, ColumnRuling, Effect, Filter, Reader, RelationRuling, Values};
use crate::analyze::ColumnSource;
use crate::catalog::Relation;
use crate::vocab::{AttNum, Cause, Oid, Usage};
use std::sync::Arc;

/// Something that a row or a value of a temporary table depends on, by numbers that outlast names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trace {
    /// A column as the purpose saw it.
    Column { relation: Oid, number: AttNum, effect: Effect },
    /// A column as it is stored: a row condition read it.
    Stored { relation: Oid, number: AttNum },
    /// That a relation has the rows that it has, or those of them that the purpose saw.
    Rows { relation: Oid, seen: Seen },
}

/// How many rows of a relation the purpose saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    All,
    /// Conditions hid others.
    Some,
}

/// Under what a temporary table was made: under anything else it is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub reader: Reader,
    /// The policy's version.
    pub policy: u64,
    pub values: Values,
}

/// What a temporary table was made of. It only ever grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    pub owner: Owner,
    /// What the values of columns depend on.
    pub columns: Vec<(AttNum, Vec<Trace>)>,
    /// What decides which rows there are, and which of them were changed.
    pub rows: Vec<Trace>,
}

impl Lineage {
    pub fn new(owner: Owner) -> Lineage {
        Lineage { owner, columns: Vec::new(), rows: Vec::new() }
    }

    /// Takes over what another was made of; whether anything is new.
    pub fn absorb(&mut self, other: &Lineage) -> bool {
        let mut grown = absorb(&mut self.rows, &other.rows);
        for (number, traces) in &other.columns {
            let known = match self.columns.iter().position(|(known, _)| known == number) {
                Some(at) => at,
                None => {
                    self.columns.push((*number, Vec::new()));
                    self.columns.len() - 1
                }
            };
            grown |= absorb(&mut self.columns[known].1, traces);
        }
        grown
    }

    fn traces(&self) -> impl Iterator<Item = &Trace> {
        self.columns.iter().flat_map(|(_, traces)| traces).chain(&self.rows)
    }

    /// What a column's values are made of; a generated one is computed from any of the others.
    fn values(&self, relation: &Relation, index: usize) -> impl Iterator<Item = &Trace> {
        let column = relation.columns.get(index).map(|column| (column.number, column.generated));
        let own = move |(number, _): &&(AttNum, Vec<Trace>)| {
            column.is_none_or(|(own, generated)| generated || own == *number)
        };
        self.columns.iter().filter(own).flat_map(|(_, traces)| traces)
    }
}

fn absorb(known: &mut Vec<Trace>, more: &[Trace]) -> bool {
    let before = known.len();
    for trace in more {
        if !known.contains(trace) {
            known.push(trace.clone());
        }
    }
    known.len() > before
}

/// A temporary table as a session has it.
#[derive(Debug, Clone)]
pub struct TemporaryTable {
    pub relation: Relation,
    /// `None` where nobody has seen how it was made or filled.
    pub lineage: Option<Lineage>,
}

/// Why a temporary table may not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// It was made by what was never understood.
    Unknown,
    /// It was made under something else.
    Otherwise,
    /// What it was made of is gone, or ruled otherwise by now.
    Moved,
}

/// A temporary table, held against a catalog.
#[derive(Debug)]
struct Held {
    table: TemporaryTable,
    /// Its sources are what they were.
    stands: bool,
    ruling: Arc<RelationRuling>,
    closed: Arc<RelationRuling>,
}

/// Those of one session.
#[derive(Debug)]
pub(super) struct Temporaries {
    version: u64,
    held: Box<[Held]>,
}

impl Temporaries {
    pub(super) fn none() -> Temporaries {
        Temporaries { version: 0, held: Box::default() }
    }

    pub(super) fn hold(bound: &Bound, tables: Vec<TemporaryTable>, version: u64) -> Temporaries {
        let held = tables.into_iter().map(|table| {
            let lineage = table.lineage.as_ref();
            Held {
                stands: lineage.is_some_and(|lineage| lineage.traces().all(|trace| bound.stands(lineage, trace))),
                ruling: Arc::new(bound.ruling_on_temporary(&table, Effect::Allow)),
                closed: Arc::new(bound.ruling_on_temporary(&table, Effect::Deny)),
                table,
            }
        });
        Temporaries { version, held: held.collect() }
    }

    fn get(&self, oid: Oid) -> Option<&Held> {
        self.held.iter().find(|held| held.table.relation.oid == oid)
    }

    /// The ruling on a relation, if it is temporary. Whoever made it may do anything with it.
    pub(super) fn ruling(&self, reader: Option<Reader>, relation: &Relation) -> Option<Arc<RelationRuling>> {
        let held = self.get(relation.oid)?;
        let owner = held.table.lineage.as_ref().map(|lineage| lineage.owner.reader);
        let own = held.stands && owner.is_some() && owner == reader;
        Some(Arc::clone(if own { &held.ruling } else { &held.closed }))
    }
}

impl Bound {
    /// The same for a session that has temporary tables. `version` is a number that no other session's have had.
    pub fn with_temporary(&self, tables: Vec<TemporaryTable>, version: u64) -> Bound {
        let relations = tables.iter().map(|table| table.relation.clone()).collect();
        let held = Temporaries::hold(self, tables, version);
        Bound {
            policy: Arc::clone(&self.policy),
            catalog: Arc::new(self.catalog.with_temporary(relations)),
            relations: Arc::clone(&self.relations),
            functions: Arc::clone(&self.functions),
            results: Arc::clone(&self.results),
            rewrites: Arc::clone(&self.rewrites),
            // Whoever checks or describes a policy has no session.
            untagged: Box::default(),
            patterned: Box::default(),
            pseudonyms: self.pseudonyms,
            lints: Box::default(),
            errors: Box::default(),
            rulings: Arc::clone(&self.rulings),
            deciding: Arc::clone(&self.deciding),
            temporary: held,
        }
    }

    /// A number that tells the temporary tables of a session, and what they were made of, from any others; 0 for none.
    pub fn temporary_version(&self) -> u64 {
        self.temporary.version
    }

    /// Whether a relation is a temporary table of the session's.
    pub fn is_temporary(&self, oid: Oid) -> bool {
        self.temporary.get(oid).is_some()
    }

    /// Why a temporary table may not be used by whoever this is; `None` if it may, or is none.
    pub fn unusable(&self, oid: Oid, owner: Option<&Owner>) -> Option<Unusable> {
        let held = self.temporary.get(oid)?;
        match &held.table.lineage {
            None => Some(Unusable::Unknown),
            Some(lineage) if Some(&lineage.owner) != owner => Some(Unusable::Otherwise),
            Some(_) => (!held.stands).then_some(Unusable::Moved),
        }
    }

    /// What a column of a temporary table depends on, and with it its rows; `None` where it is none.
    pub fn traces_of(&self, source: ColumnSource) -> Option<Vec<&Trace>> {
        let held = self.temporary.get(source.relation)?;
        let lineage = held.table.lineage.as_ref()?;
        Some(lineage.values(&held.table.relation, source.index).chain(&lineage.rows).collect())
    }

    /// What the rows of a temporary table depend on; `None` where it is none.
    pub fn traces_of_rows(&self, oid: Oid) -> Option<&[Trace]> {
        Some(&self.temporary.get(oid)?.table.lineage.as_ref()?.rows)
    }

    /// Whether a source is ruled as it was when it was read.
    fn stands(&self, lineage: &Lineage, trace: &Trace) -> bool {
        let (Trace::Column { relation, .. } | Trace::Stored { relation, .. } | Trace::Rows { relation, .. }) = trace;
        let Some(relation) = self.catalog().relation(*relation) else { return false };
        let ruling = self.ruling(Some(lineage.owner.reader), relation);
        let column = |number: &AttNum| ruling.columns.iter().find(|column| column.number == *number);
        match trace {
            Trace::Column { relation: _, number, effect } => {
                column(number).is_some_and(|column| column.effect == *effect)
            }
            Trace::Stored { relation: _, number } => column(number).is_some(),
            Trace::Rows { relation: _, seen } => *seen == Seen::Some || !ruling.hides_rows(),
        }
    }

    /// The rulings on what a column's values are made of.
    fn sources(&self, lineage: &Lineage, relation: &Relation, index: usize) -> Vec<ColumnRuling> {
        let ruling = |trace: &Trace| {
            let Trace::Column { relation, number, effect: _ } = trace else { return None };
            let ruling = self.ruling(Some(lineage.owner.reader), self.catalog().relation(*relation)?);
            ruling.columns.iter().find(|column| column.number == *number).cloned()
        };
        lineage.values(relation, index).filter_map(ruling).collect()
    }

    /// What its owner, or somebody else, may do with a temporary table.
    fn ruling_on_temporary(&self, table: &TemporaryTable, effect: Effect) -> RelationRuling {
        let TemporaryTable { relation, lineage } = table;
        let column = |(index, column): (usize, &crate::catalog::Column)| {
            let mut closed: Vec<(Usage, Cause)> = Vec::new();
            let mut categories: Vec<Arc<str>> = Vec::new();
            let mut subject = None;
            for source in lineage.iter().flat_map(|lineage| self.sources(lineage, relation, index)) {
                for (usage, cause) in source.closed.iter() {
                    if !closed.iter().any(|(known, _)| known == usage) {
                        closed.push((*usage, cause.clone()));
                    }
                }
                for category in source.categories.iter() {
                    if !categories.contains(category) {
                        categories.push(Arc::clone(category));
                    }
                }
                subject = subject.or(source.subject);
            }
            ColumnRuling {
                number: column.number,
                effect: effect.clone(),
                filter: Filter::AsShown,
                closed: closed.into(),
                categories: categories.into(),
                subject,
                cause: Cause::Temporary,
            }
        };
        RelationRuling {
            relation: relation.oid,
            columns: relation.columns.iter().enumerate().map(column).collect(),
            rows: Box::default(),
            subject_key: None,
            rows_per_subject: None,
            bounds: Arc::default(),
            declared: None,
        }
    }
}
