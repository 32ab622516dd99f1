//! Copying never launders: a value may be stored in a column only if everyone who may read that column may read every
//! source of the value, and of the conditions that decide which rows are written.
//!
//! "Everyone" is every restricted purpose of the policy. A source is a column, or the rows of a relation; it counts if
//! the purpose in force sees it as it is (a mask tells nothing). Where a reader sees only some rows of a source, what is
//! copied out of them must not outlive the condition: only a row's own columns may be written into it again.
//!
//! Not a source is what the statement itself gives: a look-up by given values finds a row that whoever writes it could
//! name anyway.

use super::report;
use super::view::View;
use crate::analyze::{ColumnSource, Place, RelationUse, Resolved, Verb, Write};
use crate::catalog::{Column, Relation, quote_identifier, quote_qualified};
use crate::policy::{Effect, PurposeId, RelationRuling};
use crate::vocab::{Closed, Oid, Refusal, SqlState, Usage};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Something that a write depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Column(ColumnSource),
    /// That a relation has the rows that it has.
    Rows(Oid),
}

/// A source, and whether it belongs to the very row that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Flowing {
    origin: Origin,
    own: bool,
}

/// Usages by which a column decides which rows are written, and how many.
const DECIDING: [Usage; 5] = [Usage::Filter, Usage::Join, Usage::Group, Usage::Sort, Usage::Aggregate];

/// Holds every write of a statement against those who may read what it writes to.
pub(super) fn permit(view: &View, text: &str, resolved: &Resolved) -> Result<(), Box<Refusal>> {
    for write in &resolved.writes {
        let control = control(view, &resolved.relations, write);
        let valued = write.assigned.iter().any(|assigned| !assigned.sources.is_empty());
        if control.is_empty() && !valued {
            continue;
        }
        let policy = view.bound().policy();
        for reader in policy.purposes().filter(|purpose| !policy.is_unrestricted(*purpose)) {
            let mut reading = Reading { view, text, write, reader, known: FxHashMap::default() };
            let Some(relation) = reading.relation(write.relation) else { continue };
            // A row may land in, or belong to, any partition or child, where it can be read on its own.
            for target in view.bound().catalog().with_descendants(relation) {
                reading.check(relation, target, &control)?;
            }
        }
    }
    Ok(())
}

/// What decides which rows are written.
fn control(view: &View, references: &[RelationUse], write: &Write) -> Vec<Flowing> {
    let mut control = Vec::new();
    for reference in references {
        // The target of another write of the statement is written, not read, unless its columns are used.
        let own = reference.at == write.at;
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

/// Whether the purpose in force sees the source as it is.
fn tells(view: &View, origin: Origin) -> bool {
    let Origin::Column(source) = origin else { return true };
    let bound = view.bound();
    let Some(relation) = bound.catalog().relation(source.relation) else { return true };
    let ruling = bound.ruling(view.purpose(), relation);
    !matches!(ruling.columns.get(source.index).map(|column| &column.effect), Some(Effect::Mask(_)))
}

/// One purpose that may read what is written.
struct Reading<'a> {
    view: &'a View,
    text: &'a str,
    write: &'a Write,
    reader: PurposeId,
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

    /// Holds what flows against the reader's view of one relation that the rows may be in.
    fn check(&mut self, named: &Relation, stored: &Relation, control: &[Flowing]) -> Result<(), Box<Refusal>> {
        let Some(target) = self.ruling(stored.oid) else { return Ok(()) };
        for assigned in &self.write.assigned {
            let seen = |index: &usize| target.columns.get(*index).is_some_and(|c| c.effect == Effect::Allow);
            // Who sees a mask, or nothing, learns nothing of the value.
            let Some(written) = named.columns.get(assigned.index) else { continue };
            let Some(into) = reached(stored, &written.name).into_iter().find(seen) else { continue };
            let values =
                assigned.sources.iter().map(|source| Flowing { origin: Origin::Column(*source), own: assigned.own });
            for flowing in values.chain(control.iter().copied()) {
                if !tells(self.view, flowing.origin) {
                    continue;
                }
                if let Some(why) = self.hidden(flowing) {
                    let column = stored.columns.get(into);
                    let at = assigned.at.or(u32::try_from(self.write.at).ok());
                    return Err(self.refusal(stored, column.map(|column| &column.name), flowing.origin, why, at));
                }
            }
        }
        let moves = self.write.verbs.iter().any(|verb| match verb {
            Verb::Insert | Verb::Delete => true,
            Verb::Update | Verb::Truncate | Verb::TruncateCascade => false,
        });
        if moves && target.countable() {
            for flowing in control {
                if let Some(why) = self.hidden(*flowing) {
                    return Err(self.refusal(stored, None, flowing.origin, why, u32::try_from(self.write.at).ok()));
                }
            }
        }
        Ok(())
    }

    /// Why the reader may not see a source, if it may not.
    fn hidden(&mut self, flowing: Flowing) -> Option<Why> {
        let oid = match flowing.origin {
            Origin::Column(source) => source.relation,
            Origin::Rows(oid) => oid,
        };
        let ruling = self.ruling(oid)?;
        let open = match flowing.origin {
            Origin::Column(source) => ruling.columns.get(source.index).is_some_and(|c| c.effect == Effect::Allow),
            Origin::Rows(_) => ruling.countable(),
        };
        if !open {
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
        let name = |oid: Oid| {
            let relation = self.relation(oid);
            relation.map_or_else(String::new, |relation| quote_qualified(&relation.schema, &relation.name))
        };
        let target = match column {
            Some(column) => format!("{}.{}", name(stored.oid), quote_identifier(column)),
            None => format!("the rows of {}", name(stored.oid)),
        };
        let (source, index) = match origin {
            Origin::Column(source) => {
                let relation = self.relation(source.relation);
                let column = relation.and_then(|relation| relation.columns.get(source.index));
                let column = column.map_or_else(String::new, |column| quote_identifier(&column.name));
                (format!("{}.{column}", name(source.relation)), Some(source))
            }
            Origin::Rows(oid) => (format!("the rows of {}", name(oid)), None),
        };
        let reader = self.view.bound().policy().purpose_name(self.reader);
        let not = match why {
            Why::Closed => "not",
            Why::Filtered => "not all of",
        };
        let message = format!(
            "this would carry {source} into {target}: purpose \"{reader}\" may read {target}, but {not} {source}"
        );
        let mut refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_position(self.text, at);
        if let Some(source) = index
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

/// A column, by its name, and those that the server computes from it.
fn reached(relation: &Relation, name: &Arc<str>) -> Vec<usize> {
    let Some(index) = relation.columns.iter().position(|column| column.name == *name) else { return Vec::new() };
    let number = relation.columns[index].number;
    let mut reached = vec![index];
    for tie in relation.ties.iter().filter(|tie| tie.columns.contains(&number)) {
        let computed = |column: &Column| column.generated && column.name == tie.name;
        reached.extend(relation.columns.iter().position(computed));
    }
    reached
}

/// Why a reader may not see a source.
#[derive(Debug, Clone, Copy)]
enum Why {
    Closed,
    /// It sees some of the rows only.
    Filtered,
}
