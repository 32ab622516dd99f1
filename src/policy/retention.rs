//! How long rows are kept: which of a relation are past it, and for whom.
//!
//! A purpose has lost a row once one of the ends that its rules ask for has come: a `retention.…` condition that does not hold
//! any more, or `erased`. A row is due for deletion once every purpose that keeps it has lost it. A purpose keeps what it may read, but for those
//! that a `[[narrow]]` with an end leaves out by `except`, and those that ask for what is past: they read what is still there.

use super::bind::{ColumnTags, RelationTags, Usable};
use super::condition::Condition;
use super::constant::oid;
use super::rules::{Point, Sense, Wanted};
use super::{Bound, Effect, OWN, Reader, RelationRuling, RowCondition};
use crate::catalog::{Relation, RelationKind, quote_identifier, quote_qualified};
use crate::vocab::{Clause, Oid, Right};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What ends in a relation, and for whom.
#[derive(Debug)]
pub struct Retention {
    pub relation: Oid,
    pub extent: Rows,
    pub ends: Vec<End>,
    pub holders: Vec<Holders>,
    /// Who reads what is still there, and keeps nothing.
    pub left_out: Vec<Reader>,
    /// The rows that nobody keeps any more; `None` where someone keeps them without end, or nobody reads them.
    pub due: Option<Past>,
    /// Columns that nobody keeps any more in other rows than these.
    pub parts: Vec<Part>,
}

/// Which rows are meant by a relation's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Those of its children too: they end as its own do.
    WithChildren,
    /// Its own: some child ends otherwise, and is told of apart.
    Own,
}

/// What brings rows to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// `erased`, `retention.account`.
    pub name: Arc<str>,
    pub test: Test,
    /// The rules and narrows that ask for it.
    pub asked: Vec<(Arc<str>, Option<Arc<Clause>>)>,
    /// The one moment of the row that it reads.
    pub since: Option<Arc<str>>,
}

/// Whether it can be told of a row that its end has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// By this expression over the relation's columns, the relation being called [`OWN`].
    Sql(Arc<str>),
    /// Only where parameters have values.
    Needs(Vec<Arc<str>>),
    /// Not here: it does not fit the relation, and what it bounds is closed.
    Unusable,
}

/// Readers with the same ends, by their places; none: they keep rows without end.
#[derive(Debug, PartialEq, Eq)]
pub struct Holders {
    pub readers: Vec<Reader>,
    pub ends: BTreeSet<usize>,
}

/// Categories that end apart from the rows that they are in.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    pub categories: Vec<Arc<str>>,
    pub past: Past,
}

/// Rows for which of each of these sets one end at least has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past(Vec<BTreeSet<usize>>);

impl Past {
    /// What everyone who keeps rows has lost; `None` where someone never does, or nobody keeps them.
    fn of(ends: &[&BTreeSet<usize>]) -> Option<Past> {
        if ends.is_empty() || ends.iter().any(|ends| ends.is_empty()) {
            return None;
        }
        // Who has more ends has lost whatever is lost by fewer of them.
        let smaller = |ends: &BTreeSet<usize>, other: &BTreeSet<usize>| other != ends && other.is_subset(ends);
        let mut least: Vec<BTreeSet<usize>> = Vec::new();
        for set in ends {
            if !ends.iter().any(|other| smaller(set, other)) && !least.contains(set) {
                least.push((*set).clone());
            }
        }
        least.sort();
        Some(Past(least))
    }
}

impl Retention {
    /// A condition that the rows meet of which this is said.
    pub fn sql(&self, past: &Past) -> String {
        let all: Vec<String> = past.0.iter().map(|ends| format!("({})", self.any_of(ends))).collect();
        all.join(" AND ")
    }

    /// A condition that the rows meet for which one of these ends has come.
    pub fn any_of(&self, ends: &BTreeSet<usize>) -> String {
        let come = |end: &usize| match &self.ends[*end].test {
            Test::Sql(sql) => format!("{sql} IS NOT TRUE"),
            Test::Needs(_) | Test::Unusable => "false".to_owned(),
        };
        ends.iter().map(come).collect::<Vec<_>>().join(" OR ")
    }

    /// `FROM` and `DELETE FROM` say so.
    pub fn named(&self, relation: &Relation) -> String {
        let only = match self.extent {
            Rows::WithChildren => "",
            Rows::Own => "ONLY ",
        };
        let name = quote_qualified(&relation.schema, &relation.name);
        format!("{only}{name} AS {}", quote_identifier(OWN))
    }

    /// Whether it comes to the same, whichever relation it is about.
    fn ends_like(&self, other: &Retention) -> bool {
        self.ends == other.ends && self.holders == other.holders && self.due == other.due && self.parts == other.parts
    }
}

impl Bound {
    /// Every table whose rows end for someone, or are said to, in the catalog's order.
    pub fn retention(&self) -> Vec<Retention> {
        let stored = || self.catalog.relations().iter().filter(|relation| is_stored(relation));
        let of = |relation: &Relation| self.retention_of(relation, self.relations.get(&relation.oid)?);
        let mut found: FxHashMap<Oid, Retention> =
            stored().filter_map(|relation| Some((relation.oid, of(relation)?))).collect();
        let mut whole: Vec<Oid> = Vec::new();
        let mut counted_above: FxHashSet<Oid> = FxHashSet::default();
        for relation in stored() {
            let family = self.catalog.with_descendants(relation);
            let Some(own) = found.get(&relation.oid) else { continue };
            if family.iter().all(|member| found.get(&member.oid).is_some_and(|member| member.ends_like(own))) {
                whole.push(relation.oid);
                counted_above.extend(family.iter().map(|member| member.oid).filter(|oid| *oid != relation.oid));
            }
        }
        for oid in whole {
            found.entry(oid).and_modify(|own| own.extent = Rows::WithChildren);
        }
        let told = stored().filter(|relation| !counted_above.contains(&relation.oid));
        told.filter_map(|relation| found.remove(&relation.oid)).collect()
    }

    fn retention_of(&self, relation: &Relation, tags: &RelationTags) -> Option<Retention> {
        let mut ends: Vec<End> = Vec::new();
        let mut kept: Vec<(Reader, BTreeSet<usize>, Arc<RelationRuling>)> = Vec::new();
        let mut left_out = Vec::new();
        for reader in self.policy.readers() {
            let ruling = self.ruling(Some(*reader), relation);
            if ruling.columns.iter().all(|column| column.effect == Effect::Deny) {
                continue;
            }
            let of_reader: BTreeSet<usize> = ruling
                .rows
                .iter()
                .filter(|row| is_end(&row.name))
                .map(|row| note(&mut ends, self.asked_for(relation, row), row))
                .collect();
            let of_reader: BTreeSet<usize> =
                of_reader.into_iter().filter(|end| matches!(ends[*end].test, Test::Sql(_))).collect();
            if of_reader.is_empty()
                && (ruling.rows.iter().any(|row| is_past(&row.name)) || self.is_left_out(*reader, &ruling, tags))
            {
                left_out.push(*reader);
                continue;
            }
            kept.push((*reader, of_reader, ruling));
        }
        self.add_unasked(relation, tags, &mut ends);
        if ends.is_empty() {
            return None;
        }
        let all: Vec<&BTreeSet<usize>> = kept.iter().map(|(_, ends, _)| ends).collect();
        let due = Past::of(&all);
        let mut holders: Vec<Holders> = Vec::new();
        for (reader, ends, _) in &kept {
            match holders.iter_mut().find(|known| known.ends == *ends) {
                Some(known) => known.readers.push(*reader),
                None => holders.push(Holders { readers: vec![*reader], ends: ends.clone() }),
            }
        }
        let mut parts: Vec<Part> = Vec::new();
        for at in 0..relation.columns.len() {
            let readers = kept.iter().filter(|(_, _, ruling)| ruling.columns[at].effect != Effect::Deny);
            let of_column: Vec<&BTreeSet<usize>> = readers.clone().map(|(_, ends, _)| ends).collect();
            let Some(past) = Past::of(&of_column).filter(|past| due.as_ref() != Some(past)) else { continue };
            let categories = readers.flat_map(|(_, _, ruling)| ruling.columns[at].categories.iter().map(Arc::clone));
            let place = parts.iter().position(|part| part.past == past).unwrap_or_else(|| {
                parts.push(Part { categories: Vec::new(), past });
                parts.len() - 1
            });
            for category in categories {
                if !parts[place].categories.contains(&category) {
                    parts[place].categories.push(category);
                }
            }
        }
        Some(Retention { relation: relation.oid, extent: Rows::Own, ends, holders, left_out, due, parts })
    }

    /// The end that a reader asks for by a condition on rows.
    fn asked_for(&self, relation: &Relation, row: &RowCondition) -> End {
        let needs: Vec<Arc<str>> = row
            .parameters
            .iter()
            .map(|(parameter, _)| Arc::clone(self.policy.parameters[usize::from(parameter.0)].name()))
            .collect();
        End {
            name: row.name.strip_prefix("not ").unwrap_or(&row.name).into(),
            test: if needs.is_empty() { Test::Sql(Arc::clone(&row.sql)) } else { Test::Needs(needs) },
            asked: Vec::new(),
            since: since(relation, &row.columns),
        }
    }

    /// Ends that the table names and nobody asks for.
    fn add_unasked(&self, relation: &Relation, tags: &RelationTags, ends: &mut Vec<End>) {
        let mut unasked: Vec<(&Arc<str>, &Usable)> = tags
            .conditions
            .iter()
            .filter(|(name, _)| is_name_of_end(name) && !ends.iter().any(|end| end.name == **name))
            .collect();
        unasked.sort_by_key(|(name, _)| Arc::clone(name));
        for (name, usable) in unasked {
            let end = |test, columns: &[Arc<str>]| End {
                name: Arc::clone(name),
                test,
                asked: Vec::new(),
                since: since(relation, columns),
            };
            let Usable::All(conditions) = usable else {
                ends.push(end(Test::Unusable, &[]));
                continue;
            };
            for condition in conditions {
                if let Some(test) = self.test_of(name, condition) {
                    ends.push(end(test, &condition.columns));
                }
            }
        }
    }

    /// How it is told that the end of that name has come; `None` where the table writes that there is none.
    fn test_of(&self, name: &str, condition: &Condition) -> Option<Test> {
        // Not the negated condition itself: where a parent is not to be seen, that does not mean that it asked to be erased.
        let (sql, never) = match name {
            ERASED => (format!("({} IS NOT TRUE)", condition.sql).into(), "false"),
            _that_must_hold => (Arc::clone(&condition.sql), "true"),
        };
        if condition.sql.trim_matches(['(', ')']) == never {
            return None;
        }
        let needs = condition.parameters().into_iter();
        let needs: Vec<Arc<str>> =
            needs.map(|parameter| Arc::clone(self.policy.parameters[usize::from(parameter.0)].name())).collect();
        Some(if needs.is_empty() { Test::Sql(sql) } else { Test::Needs(needs) })
    }

    /// Whether what the reader sees of a relation is bounded for others by a narrow with an end that leaves it out.
    fn is_left_out(&self, reader: Reader, ruling: &RelationRuling, tags: &RelationTags) -> bool {
        let trees = &self.policy.trees;
        let seen = tags.columns.iter().zip(&ruling.columns).filter(|(_, column)| column.effect != Effect::Deny);
        let points: Vec<Point> = seen
            .flat_map(|(ColumnTags { own, below }, _)| own.iter().chain(below))
            .map(|tag| Point::of(tag.subject, tag.category, reader))
            .collect();
        self.policy.narrows.iter().any(|narrow| {
            narrow.rights.contains(&Right::Read)
                && narrow.conditions.iter().any(wants_end)
                && points.iter().any(|point| {
                    narrow.points.iter().any(|above| trees.covers(*above, *point))
                        && trees.excepts(&narrow.except, *point)
                })
        })
    }
}

const ERASED: &str = "erased";

/// Whether rows are stored under its name, and can be deleted by it.
fn is_stored(relation: &Relation) -> bool {
    let stored = match relation.kind {
        RelationKind::Table | RelationKind::PartitionedTable | RelationKind::ForeignTable => true,
        RelationKind::View | RelationKind::MaterializedView | RelationKind::Sequence => false,
    };
    stored && relation.declared.is_none()
}

fn is_name_of_end(name: &str) -> bool {
    name == ERASED || name.starts_with("retention.")
}

/// Whether a condition, as a rule writes it, lets rows end.
fn is_end(written: &str) -> bool {
    match written.strip_prefix("not ") {
        Some(name) => name == ERASED,
        None => is_name_of_end(written) && written != ERASED,
    }
}

/// Whether it asks for the rows that are past their end.
fn is_past(written: &str) -> bool {
    is_name_of_end(written.strip_prefix("not ").unwrap_or(written)) && !is_end(written)
}

fn wants_end(wanted: &Wanted) -> bool {
    is_name_of_end(&wanted.condition) && (wanted.sense == Sense::DoesNotHold) == (*wanted.condition == *ERASED)
}

/// Adds who asks for an end, and gives its place.
fn note(ends: &mut Vec<End>, end: End, row: &RowCondition) -> usize {
    let at = ends.iter().position(|known| known.name == end.name && known.test == end.test).unwrap_or_else(|| {
        ends.push(end);
        ends.len() - 1
    });
    let source = (Arc::clone(&row.rule), row.clause.clone());
    if !ends[at].asked.contains(&source) {
        ends[at].asked.push(source);
    }
    at
}

/// The one `timestamptz` among these columns.
fn since(relation: &Relation, columns: &[Arc<str>]) -> Option<Arc<str>> {
    let is_moment = |name: &&Arc<str>| {
        relation.columns.iter().any(|column| column.name == **name && column.type_oid == oid::TIMESTAMPTZ)
    };
    let mut moments = columns.iter().filter(is_moment);
    match (moments.next(), moments.next()) {
        (Some(one), None) => Some(Arc::clone(one)),
        (None | Some(_), _) => None,
    }
}
