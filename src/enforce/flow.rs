//! Copying never launders: a value may be stored in a column only if everyone who may read that column may read every
//! source of the value, and of the conditions that decide which rows are written: the statement's, and those of the purpose in
//! force that the reader's own do not repeat. A column by which a reader's condition decides which rows it sees counts as read.
//!
//! "Everyone" is every restricted purpose of the policy, with every recipient that a session under it can have. A source is a column, or the rows of a relation; it counts if
//! the purpose in force learns something of it (of some masks nobody does). Where a reader sees only some rows of a source, what is
//! copied out of them must not outlive the condition: only a row's own columns may be written into it again.
//!
//! Not a source is what the statement itself gives: a look-up by given values finds a row that whoever writes it could
//! name anyway.

use super::landing::{Landing, landings};
use super::report;
use super::view::View;
use crate::analyze::{Assignment, ColumnSource, Made, Manner, Place, RelationUse, Resolved, Verb, Write};
use crate::catalog::{Relation, is_temporary, quote_identifier, quote_qualified};
use crate::policy::{Effect, Mask, Reader, RelationRuling, RowCondition, Slices};
use crate::vocab::{Closed, Oid, Refusal, Right, SqlState, Usage};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Something that a write depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// As the statement sees it.
    Column(ColumnSource),
    /// As it is stored: a row condition of the policy reads it.
    Stored(ColumnSource),
    /// That a relation has the rows that it has.
    Rows(Oid),
}

impl Origin {
    pub(super) fn name(self, view: &View) -> String {
        match self {
            Origin::Column(source) | Origin::Stored(source) => {
                let relation = view.bound().catalog().relation(source.relation);
                let column = relation.and_then(|relation| relation.columns.get(source.index));
                let column = column.map_or_else(String::new, |column| quote_identifier(&column.name));
                format!("{}.{column}", name_of(view, source.relation))
            }
            Origin::Rows(oid) => format!("the rows of {}", name_of(view, oid)),
        }
    }
}

pub(super) fn name_of(view: &View, oid: Oid) -> String {
    let relation = view.bound().catalog().relation(oid);
    relation.map_or_else(String::new, |relation| quote_qualified(&relation.schema, &relation.name))
}

/// A source, and whether it belongs to the very row that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flowing {
    pub(super) origin: Origin,
    pub(super) own: bool,
}

/// A row condition of the purpose in force: the rows that a statement reads or writes meet it, so whoever sees that they were
/// tells of the columns that it reads.
pub(super) struct Condition {
    relation: Oid,
    row: RowCondition,
    /// It bounds the very rows that are written.
    own: bool,
    pub(super) columns: Vec<Flowing>,
}

impl Condition {
    /// Whether whoever sees only rows that meet `other` learns nothing from this one. The reader's parameters may have other
    /// values: then it sees none of the rows that were written, or the values are the same after all.
    fn is_met_by(&self, other: &RowCondition) -> bool {
        let alike = self.row.parameters.is_empty() || (self.own && self.row.slices == Slices::Disjoint);
        self.row.sql == other.sql && alike
    }
}

/// Usages by which a column decides which rows are written, and how many.
const DECIDING: [Usage; 5] = [Usage::Filter, Usage::Join, Usage::Group, Usage::Sort, Usage::Aggregate];

/// Holds every write of a statement against those who may read what it writes to.
pub(super) fn permit(view: &View, text: &str, resolved: &Resolved) -> Result<(), Box<Refusal>> {
    for write in &resolved.writes {
        // Nobody else reads what is temporary.
        if view.bound().catalog().relation(write.relation).is_some_and(is_temporary) {
            continue;
        }
        let mut control = control(view, &resolved.relations, Some(write.at));
        control.extend(arbitrating(view, write));
        let conditions = conditions(view, &resolved.relations, Some(write));
        let valued = write.assigned.iter().any(|assigned| !assigned.sources.is_empty());
        if control.is_empty() && conditions.is_empty() && !valued {
            continue;
        }
        let landings = landings(view.bound().catalog(), write);
        for reader in view.bound().policy().readers() {
            let mut reading = Reading { view, text, write, reader: *reader, known: FxHashMap::default() };
            // Who sees only rows that meet a condition anyway learns nothing from it.
            let is_unmet = |condition: &&Condition| {
                let met = |row: &RowCondition| condition.is_met_by(row);
                !reading
                    .ruling(condition.relation)
                    .is_some_and(|ruling| ruling.countable() && ruling.rows.iter().any(met))
            };
            let unmet: Vec<&Condition> = conditions.iter().filter(is_unmet).collect();
            for landing in &landings {
                let mut control = control.clone();
                for condition in &unmet {
                    let here = landing.relation.oid == condition.relation;
                    let beyond =
                        condition.columns.iter().filter(|flowing| !(here && reading.follows(condition, flowing)));
                    control.extend(beyond);
                }
                reading.check(landing, &control)?;
            }
        }
    }
    Ok(())
}

/// Holds a table that a query makes against those who may read what the policy tags under its name.
pub(super) fn permit_made(view: &View, text: &str, resolved: &Resolved, made: &Made) -> Result<(), Box<Refusal>> {
    let Made { relation, sources, at } = made;
    let assigned = sources.iter().enumerate().map(|(index, sources)| Assignment {
        index,
        right: Right::Insert,
        at: *at,
        sources: sources.clone(),
        own: false,
        arbitrates: false,
    });
    let write = Write {
        relation: relation.oid,
        at: at.and_then(|at| i32::try_from(at).ok()).unwrap_or(-1),
        manner: Manner::Plain,
        verbs: vec![Verb::Insert],
        assigned: assigned.collect(),
        defaulted: Vec::new(),
    };
    let columns = (0..sources.len()).map(|index| (index, Some(index))).collect();
    let landing = Landing { relation, columns, rows: true, named: true };
    let mut control = control(view, &resolved.relations, None);
    control.extend(conditions(view, &resolved.relations, None).into_iter().flat_map(|condition| condition.columns));
    for reader in view.bound().policy().readers() {
        let mut reading = Reading { view, text, write: &write, reader: *reader, known: FxHashMap::default() };
        reading.check(&landing, &control)?;
    }
    Ok(())
}

/// What decides which rows are written, or what is sent; `write` is where what is written stands.
pub(super) fn control(view: &View, references: &[RelationUse], write: Option<i32>) -> Vec<Flowing> {
    let mut control = Vec::new();
    for reference in references {
        // The target of another write of the statement is written, not read, unless its columns are used.
        let own = Some(reference.at) == write;
        if !matches!(reference.place, Place::Target) {
            control.push(Flowing { origin: Origin::Rows(reference.relation), own: false });
        }
        for column in &reference.columns {
            // What a function, operator or cast does with what it reads is not followed into each value.
            let decides = DECIDING.iter().any(|usage| column.usages.contains(*usage));
            // A look-up finds the row that its own write is about, and is a condition of any other write.
            let elsewhere = !own && column.usages.contains(Usage::Lookup);
            if decides || elsewhere || reference.is_of_function() {
                let source = ColumnSource { relation: reference.relation, index: column.index };
                control.push(Flowing { origin: Origin::Column(source), own });
            }
        }
    }
    control.retain(|flowing| tells(view, flowing.origin));
    control
}

/// What decides whether new rows meet others.
fn arbitrating<'a>(view: &'a View, write: &'a Write) -> impl Iterator<Item = Flowing> + 'a {
    let deciding = write.assigned.iter().filter(|assigned| assigned.arbitrates);
    let flowing = |source: &ColumnSource| Flowing { origin: Origin::Column(*source), own: false };
    deciding.flat_map(|assigned| &assigned.sources).map(flowing).filter(|flowing| tells(view, flowing.origin))
}

/// The row conditions that are put into the statement.
pub(super) fn conditions(view: &View, references: &[RelationUse], write: Option<&Write>) -> Vec<Condition> {
    let bound = view.bound();
    let mut found: Vec<Condition> = Vec::new();
    for reference in references {
        let Some(relation) = bound.catalog().relation(reference.relation) else { continue };
        let written = write.filter(|write| write.at == reference.at);
        let own = written.is_some();
        let mut rulings = vec![bound.ruling(view.reader(), relation)];
        if let Some(write) = written {
            let rights = write.verbs.iter().map(|verb| verb.right()).filter(|right| *right != Right::Insert);
            rulings.extend(rights.map(|right| bound.ruling_for(view.reader(), right, relation)));
        }
        if written.is_some_and(|write| write.verbs.iter().all(|verb| *verb == Verb::Insert)) {
            // New rows are bound by nothing.
            continue;
        }
        for row in rulings.iter().flat_map(|ruling| ruling.rows.iter()) {
            if own && row.equality.is_some() {
                // A look-up by a value that is given.
                continue;
            }
            let index = |name: &Arc<str>| relation.columns.iter().position(|column| column.name == *name);
            let source = |index| ColumnSource { relation: relation.oid, index };
            let flowing = |index| Flowing { origin: Origin::Stored(source(index)), own };
            let others = row.reads.iter().map(|(oid, index)| ColumnSource { relation: *oid, index: *index });
            let others = others.map(|source| Flowing { origin: Origin::Stored(source), own: false });
            let columns = row.columns.iter().filter_map(index).map(flowing).chain(others).collect();
            found.push(Condition { relation: relation.oid, row: row.clone(), own, columns });
        }
    }
    found
}

/// Whether the purpose in force learns something of the source.
pub(super) fn tells(view: &View, origin: Origin) -> bool {
    let Origin::Column(source) = origin else { return true };
    mask(view, source).is_none_or(|mask| mask.tells())
}

/// What the purpose in force sees of a column, where that is a mask.
fn mask(view: &View, source: ColumnSource) -> Option<Mask> {
    let bound = view.bound();
    let ruling = bound.ruling(view.reader(), bound.catalog().relation(source.relation)?);
    match &ruling.columns.get(source.index)?.effect {
        Effect::Mask(mask) => Some(mask.clone()),
        Effect::Allow | Effect::Aggregate(_) | Effect::Deny => None,
    }
}

/// Whether a ruling shows all that the purpose in force sees of a source: the value, or the very mask.
pub(super) fn open(view: &View, ruling: &RelationRuling, origin: Origin) -> bool {
    match origin {
        Origin::Column(source) => {
            let shown = ruling.columns.get(source.index).map(|column| &column.effect);
            ruling.is_raw(source.index) || mask(view, source).is_some_and(|mask| shown == Some(&Effect::Mask(mask)))
        }
        Origin::Stored(source) => ruling.is_raw(source.index),
        Origin::Rows(_) => ruling.countable(),
    }
}

/// One reader that may read what is written.
struct Reading<'a> {
    view: &'a View,
    text: &'a str,
    write: &'a Write,
    reader: Reader,
    known: FxHashMap<Oid, Arc<RelationRuling>>,
}

impl<'a> Reading<'a> {
    fn relation(&self, oid: Oid) -> Option<&'a Relation> {
        self.view.bound().catalog().relation(oid)
    }

    fn ruling(&mut self, oid: Oid) -> Option<Arc<RelationRuling>> {
        let relation = self.relation(oid)?;
        let (view, reader) = (self.view, self.reader);
        let ruling = self.known.entry(oid).or_insert_with(|| view.bound().ruling(Some(reader), relation));
        Some(Arc::clone(ruling))
    }

    /// Whether what a condition reads of another table's rows the reader may read of the same rows: it sees the rows that were
    /// written by one value of a parameter, and by the same value those that decided about them.
    fn follows(&mut self, condition: &Condition, flowing: &Flowing) -> bool {
        let Origin::Stored(source) = flowing.origin else { return false };
        if flowing.own || !condition.own {
            return false;
        }
        let (Some(written), Some(deciding)) = (self.ruling(condition.relation), self.ruling(source.relation)) else {
            return false;
        };
        let by = |ruling: &RelationRuling, column: &Arc<str>| {
            let mut equal = ruling.rows.iter().filter_map(|row| row.equality.as_ref());
            equal.find(|(name, _)| name == column).map(|(_, parameter)| *parameter)
        };
        let of_the_same = |(own, other): &(Arc<str>, Arc<str>)| {
            let Some(parameter) = by(&written, own) else { return false };
            deciding.rows.iter().all(|row| row.equality == Some((Arc::clone(other), parameter)))
        };
        deciding.is_raw(source.index) && condition.row.ties.iter().any(of_the_same)
    }

    /// What the reader sees of a relation that is changed, or made.
    fn target(&mut self, relation: &Relation) -> Option<Arc<RelationRuling>> {
        match relation.oid {
            0 => Some(Arc::new(self.view.bound().ruling_on_new(Some(self.reader), relation))),
            oid => self.ruling(oid),
        }
    }

    /// Holds what flows against the reader's view of one relation that is changed.
    fn check(&mut self, landing: &Landing<'_>, control: &[Flowing]) -> Result<(), Box<Refusal>> {
        let stored = landing.relation;
        let Some(target) = self.target(stored) else { return Ok(()) };
        // What conditions on other tables read of this one.
        let deciding = self.view.bound().deciding(self.reader);
        for (index, by) in &landing.columns {
            let Some(column) = stored.columns.get(*index) else { continue };
            // A mask that keeps a part shows a part of whatever is stored there.
            let seen = target.tells(*index);
            // Which rows the reader sees tells of the columns that decide it. Else who sees a null, or nothing, learns nothing.
            let decides = (target.tells_of_rows() && target.rows.iter().any(|row| row.columns.contains(&column.name)))
                || deciding.contains(&(stored.oid, *index));
            if !seen && !decides {
                continue;
            }
            let assigned = by.and_then(|at| self.write.assigned.get(at));
            let own = assigned.is_some_and(|assigned| assigned.own);
            let sources = assigned.into_iter().flat_map(|assigned| &assigned.sources);
            let values = sources.map(|source| Flowing { origin: Origin::Column(*source), own });
            let values = values.filter(|flowing| tells(self.view, flowing.origin)).collect::<Vec<_>>();
            let at = assigned.and_then(|assigned| assigned.at).or(u32::try_from(self.write.at).ok());
            self.none_hidden(&values, landing, seen.then_some(&column.name), at)?;
            self.none_hidden(control, landing, seen.then_some(&column.name), at)?;
        }
        if landing.rows && (target.tells_of_rows() || deciding.iter().any(|(of, _)| *of == stored.oid)) {
            self.none_hidden(control, landing, None, u32::try_from(self.write.at).ok())?;
        }
        Ok(())
    }

    /// Refuses what the reader may not see. `into` is the column that it flows into, or else the rows.
    fn none_hidden(
        &mut self,
        flowing: &[Flowing],
        landing: &Landing<'_>,
        into: Option<&Arc<str>>,
        at: Option<u32>,
    ) -> Result<(), Box<Refusal>> {
        for Flowing { origin, own } in flowing {
            // What is of the row that is named is of one that follows it by a foreign key where both see the same rows.
            let own = *own && (landing.named || self.sees_the_same_rows());
            if let Some(why) = self.hidden(Flowing { origin: *origin, own }) {
                return Err(self.refusal(landing.relation, into, *origin, why, at));
            }
        }
        Ok(())
    }

    /// Whether the rows that the write may reach meet all the reader's conditions on them.
    fn sees_the_same_rows(&mut self) -> bool {
        let Some(reader) = self.ruling(self.write.relation) else { return false };
        let Some(relation) = self.relation(self.write.relation) else { return false };
        let writer = self.view.bound().ruling(self.view.reader(), relation);
        // Where a parameter decides, the reader's may have another value.
        let same = |row: &RowCondition, known: &RowCondition| known.sql == row.sql && row.parameters.is_empty();
        reader.rows.iter().all(|row| writer.rows.iter().any(|known| same(row, known)))
    }

    /// Why the reader may not see a source, if it may not.
    fn hidden(&mut self, flowing: Flowing) -> Option<Why> {
        let oid = match flowing.origin {
            Origin::Column(source) | Origin::Stored(source) => source.relation,
            Origin::Rows(oid) => oid,
        };
        let Some(ruling) = self.ruling(oid) else { return Some(Why::Closed) };
        if !open(self.view, &ruling, flowing.origin) {
            return Some(Why::Closed);
        }
        (!ruling.rows.is_empty() && !flowing.own).then_some(Why::Filtered)
    }

    fn refusal(
        &mut self,
        stored: &Relation,
        column: Option<&Arc<str>>,
        origin: Origin,
        why: Why,
        at: Option<u32>,
    ) -> Box<Refusal> {
        let into = quote_qualified(&stored.schema, &stored.name);
        let target = match column {
            Some(column) => format!("{into}.{}", quote_identifier(column)),
            None => format!("the rows of {into}"),
        };
        let (source, not) = (origin.name(self.view), why.not());
        let reader = self.view.bound().policy().reader_words(self.reader);
        let message =
            format!("this would carry {source} into {target}: {reader} may read {target}, but {not} {source}");
        let mut refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_position(self.text, at);
        if let Origin::Column(source) | Origin::Stored(source) = origin
            && let (Some(relation), Some(ruling)) = (self.relation(source.relation), self.ruling(source.relation))
            && let (Some(column), Some(verdict)) =
                (relation.columns.get(source.index), ruling.columns.get(source.index))
        {
            let closed = Closed {
                relation: quote_qualified(&relation.schema, &relation.name).into(),
                column: Some(Arc::clone(&column.name)),
                categories: Arc::clone(&verdict.categories),
                subject: verdict.subject.clone(),
                through: None,
                cause: verdict.cause.clone(),
            };
            refusal.detail = Some(format!("{}: {}", column.name, report::reason(&closed)));
            refusal.closed = vec![closed];
        }
        refusal.hint =
            Some("A value may be stored only where everyone who may read it there may read its sources.".into());
        Box::new(refusal)
    }
}

/// Why a reader may not see a source.
#[derive(Debug, Clone, Copy)]
pub(super) enum Why {
    Closed,
    /// It sees some of the rows only.
    Filtered,
}

impl Why {
    fn not(self) -> &'static str {
        match self {
            Why::Closed => "not",
            Why::Filtered => "not all of",
        }
    }
}
