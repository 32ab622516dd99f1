//! The session's temporary tables: which there are the server says, what they were made of the session remembers.
//!
//! After whatever may have made or dropped one (a definition, the end of a transaction with one, a function of users) the
//! server is asked on the session's own connection, and until it has answered nothing is judged. What a table was made of
//! is known by its number and only grows: a rollback takes rows back, and leaves what was written down here. A table that
//! nobody has seen being made is not understood.

use super::machine::Session;
use super::named::Act;
use super::queue::Entry;
use super::settings::{Reach, Settings, State, Temporary};
use crate::catalog::{Column, Relation, RelationKind, TEMPORARY};
use crate::enforce::{Changes, Flow, Into, Judged, Keeping, Plan, Planned};
use crate::policy::{Bound, Lineage, TemporaryTable};
use crate::sql::{Discard, Kind};
use crate::vocab::{AttNum, Oid};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Every relation of the session's temporary schema, a row for each column. Operators are qualified: the search path is the
/// client's. What has triggers, rules or relatives was not made by a statement that was understood.
pub const QUESTION: &str = "SELECT c.oid, c.relname, c.relkind, c.relhastriggers OR c.relhasrules OR c.relhassubclass \
    OR EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid OPERATOR(pg_catalog.=) c.oid), \
    a.attnum, a.attname, a.atttypid, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, \
    a.attgenerated OPERATOR(pg_catalog.<>) '', l.collisdeterministic \
    FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid \
    AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped \
    LEFT JOIN pg_catalog.pg_collation l ON l.oid OPERATOR(pg_catalog.=) a.attcollation \
    WHERE c.relnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema() \
    AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}') ORDER BY c.oid, a.attnum LIMIT 10001";

/// Columns of an answer.
const WIDTH: usize = 11;

/// The most columns of temporary tables that a session may have: beyond that none is understood.
const MOST_COLUMNS: usize = 10_000;

/// Numbers what sessions keep: no two have ever had the same.
static VERSIONS: AtomicU64 = AtomicU64::new(0);

/// The temporary tables of one session.
#[derive(Debug, Default)]
pub struct Temps {
    /// The server must be asked for them.
    pub doubtful: bool,
    /// As the server has named them.
    relations: Vec<(Relation, Origin)>,
    /// What those were made of that were made by statements that were understood.
    lineages: FxHashMap<Oid, Lineage>,
    /// What is being made, by name, until the server says what became of it.
    making: FxHashMap<Arc<str>, Lineage>,
    /// See [`Bound::temporary_version`].
    version: u64,
    /// The snapshot with these tables, and the one that it was made from.
    over: Option<(Arc<Bound>, Arc<Bound>)>,
}

/// Whether a relation can be one that a statement has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Plain,
    /// It has what no statement that is understood gives it.
    Odd,
}

impl Temps {
    pub fn is_empty(&self) -> bool {
        self.relations.is_empty()
    }

    /// See [`Bound::temporary_version`].
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The snapshot as this session sees it.
    pub fn over(&mut self, bound: &Arc<Bound>) -> Arc<Bound> {
        if self.version == 0 {
            return Arc::clone(bound);
        }
        if let Some((_, over)) = self.over.as_ref().filter(|(under, _)| Arc::ptr_eq(under, bound)) {
            return Arc::clone(over);
        }
        let table = |(relation, origin): &(Relation, Origin)| TemporaryTable {
            relation: relation.clone(),
            lineage: self.lineages.get(&relation.oid).filter(|_| *origin == Origin::Plain).cloned(),
        };
        let over = Arc::new(bound.with_temporary(self.relations.iter().map(table).collect(), self.version));
        self.over = Some((Arc::clone(bound), Arc::clone(&over)));
        over
    }

    /// Remembers what is about to flow into tables that are there; whether anything is new.
    fn absorb(&mut self, flows: &[Flow]) -> bool {
        let mut grown = false;
        for Flow { into, lineage } in flows {
            // What another purpose has made is not written to.
            if let Into::Table(oid) = into
                && let Some(known) = self.lineages.get_mut(oid).filter(|known| known.owner == lineage.owner)
            {
                grown |= known.absorb(lineage);
            }
        }
        if grown {
            self.renew();
        }
        grown
    }

    /// Remembers what a table is about to be made of.
    fn make(&mut self, flows: &[Flow]) {
        for Flow { into, lineage } in flows {
            let Into::Named(name) = into else { continue };
            match self.making.get_mut(name) {
                Some(known) if known.owner == lineage.owner => {
                    known.absorb(lineage);
                }
                Some(_) | None => {
                    self.making.insert(Arc::clone(name), lineage.clone());
                }
            }
        }
    }

    /// Takes over which tables there are. `None` if that cannot be read. Between transactions nothing that is gone comes
    /// back.
    fn learn(&mut self, rows: &[String], between: bool) -> Option<()> {
        let mut relations: Vec<(Relation, Origin)> = Vec::new();
        for row in rows.chunks(WIDTH) {
            let [oid, name, kind, odd, number, column, type_oid, type_sql, not_null, generated, deterministic] = row
            else {
                return None;
            };
            let oid: Oid = oid.parse().ok()?;
            if relations.last().is_none_or(|(last, _)| last.oid != oid) {
                let (kind, plain) = match kind.as_str() {
                    "r" => (RelationKind::Table, odd == "f"),
                    "S" => (RelationKind::Sequence, false),
                    "v" => (RelationKind::View, false),
                    _other => (RelationKind::ForeignTable, false),
                };
                let origin = if plain { Origin::Plain } else { Origin::Odd };
                relations.push((Relation::new(oid, TEMPORARY, name, kind, Vec::new()), origin));
            }
            let (last, _) = relations.last_mut()?;
            if !number.is_empty() {
                last.columns.push(Column {
                    number: AttNum(number.parse().ok()?),
                    name: column.as_str().into(),
                    type_oid: type_oid.parse().ok()?,
                    type_sql: type_sql.as_str().into(),
                    not_null: not_null == "t",
                    nondeterministic: deterministic == "f",
                    generated: generated == "t",
                });
            }
        }
        let many = rows.len() > MOST_COLUMNS * WIDTH;
        if between {
            self.lineages.retain(|oid, _| relations.iter().any(|(relation, _)| relation.oid == *oid));
        }
        for (relation, origin) in &mut relations {
            if many {
                *origin = Origin::Odd;
            }
            let made = self.making.remove(&relation.name);
            match (self.lineages.get_mut(&relation.oid), made) {
                // It was there before, and is not made again.
                (Some(known), Some(made)) if known.owner == made.owner => {
                    known.absorb(&made);
                }
                (Some(_), _) | (None, None) => {}
                (None, Some(made)) => {
                    self.lineages.insert(relation.oid, made);
                }
            }
        }
        self.making.clear();
        self.relations = relations;
        self.renew();
        Some(())
    }

    fn renew(&mut self) {
        self.over = None;
        self.version = if self.relations.is_empty() { 0 } else { VERSIONS.fetch_add(1, Ordering::Relaxed) + 1 };
    }
}

/// What a judged statement leaves in temporary tables.
pub fn keeping(judged: &Judged) -> Option<&Arc<Keeping>> {
    match judged {
        Judged::One(Planned { plan: Plan::Rewrite(rewritten), .. }) => rewritten.keeping.as_ref(),
        Judged::One(Planned { plan: Plan::Forward | Plan::Refuse(_), .. }) | Judged::Many(_) | Judged::Empty => None,
    }
}

/// Whether which temporary tables there are may be otherwise after a statement.
pub fn changes_tables(judged: &Judged) -> bool {
    let discards = match judged {
        Judged::One(planned) => planned.statement.kind == Kind::Discard(Discard::Temp),
        Judged::Many(_) | Judged::Empty => false,
    };
    discards || keeping(judged).is_some_and(|keeping| keeping.changes == Changes::Tables)
}

impl Session {
    /// Remembers what a statement that may be sent puts into tables that are there. What it is judged under later may be
    /// another view for it.
    pub(super) fn keep(&mut self, judged: &Judged) {
        if let Some(keeping) = keeping(judged)
            && self.temps.absorb(&keeping.flows)
        {
            self.views.clear();
        }
    }

    /// What a statement that is about to be executed may do to the session's tables.
    pub(super) fn follow_temps(&mut self, state: &mut State, entry: &mut Entry, act: &Act<'_>) {
        // A procedure may do anything.
        let unseen = !self.temps.is_empty()
            && match act.kind {
                Kind::Call => true,
                Kind::Execute(execute) => match self.statement_named(execute.name.as_bytes(), &entry.effects) {
                    Ok(Some(statement)) => statement.traits.temps,
                    Ok(None) | Err(_) => true,
                },
                _seen => false,
            };
        if (unseen || changes_tables(act.judged)) && act.view.restricted() {
            self.doubt_temps(state, act.judged);
            entry.settle = true;
            entry.temps = true;
        }
    }

    /// A statement is about to be executed after which only the server knows what there is.
    pub(super) fn doubt_temps(&mut self, state: &mut State, judged: &Judged) {
        if let Some(keeping) = keeping(judged) {
            self.temps.make(&keeping.flows);
        }
        state.set(Reach::Session, |settings| Settings { path: None, ..settings.clone() });
        state.temps = Temporary::Doubtful;
    }

    /// Takes over the server's answer to [`QUESTION`].
    pub(super) fn learn_temps(&mut self, rows: &[String]) -> Result<(), String> {
        let between = self.status == b'I';
        let learnt = self.temps.learn(rows, between);
        self.views.clear();
        learnt.ok_or_else(|| "the server does not tell the session's temporary tables".to_owned())
    }
}
