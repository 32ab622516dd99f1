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
use super::sequences::sees_numbers;
use super::utility::may_signal;
use super::view::View;
use crate::analyze::{ColumnSource, Outlet, Place, RelationUse, Resolved, Sent, Verb, Write};
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

impl Origin {
    fn name(self, view: &View) -> String {
        match self {
            Origin::Column(source) => {
                let relation = view.bound().catalog().relation(source.relation);
                let column = relation.and_then(|relation| relation.columns.get(source.index));
                let column = column.map_or_else(String::new, |column| quote_identifier(&column.name));
                format!("{}.{column}", name_of(view, source.relation))
            }
            Origin::Rows(oid) => format!("the rows of {}", name_of(view, oid)),
        }
    }
}

fn name_of(view: &View, oid: Oid) -> String {
    let relation = view.bound().catalog().relation(oid);
    relation.map_or_else(String::new, |relation| quote_qualified(&relation.schema, &relation.name))
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
        let control = control(view, &resolved.relations, Some(write.at));
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

/// Holds what a statement puts into channels and sequences against those who find it there.
pub(super) fn permit_sent(view: &View, text: &str, resolved: &Resolved) -> Result<(), Box<Refusal>> {
    let policy = view.bound().policy();
    for Sent { to, at, sources } in &resolved.sent {
        let into = match to {
            Outlet::Channel(channel) => {
                may_signal(view, text, channel, "notify", *at)?;
                format!("the channel \"{channel}\"")
            }
            Outlet::Sequence(oid) => format!("the sequence {}", name_of(view, *oid)),
        };
        let values = sources.iter().map(|source| Origin::Column(*source)).filter(|origin| tells(view, *origin));
        let control = control(view, &resolved.relations, None);
        let origins: Vec<Origin> = values.chain(control.into_iter().map(|flowing| flowing.origin)).collect();
        let finds = |purpose: &PurposeId| {
            !policy.is_unrestricted(*purpose)
                && match to {
                    Outlet::Channel(channel) => policy.may_signal(*purpose, channel),
                    Outlet::Sequence(oid) => sees_numbers(view, *purpose, *oid),
                }
        };
        for finder in policy.purposes().filter(finds) {
            let hidden = |origin: &Origin| Some((*origin, hidden_from(view, finder, *origin)?));
            let Some((origin, why)) = origins.iter().find_map(hidden) else { continue };
            let not = match why {
                Why::Closed => "may not read it",
                Why::Filtered => "may not read all of it",
            };
            let (source, finder) = (origin.name(view), policy.purpose_name(finder));
            let message =
                format!("this would carry {source} to {into}, where purpose \"{finder}\" finds it, which {not}");
            let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_position(text, *at);
            let hint = "A value may be put only where everyone who finds it there may read its sources.";
            return Err(Box::new(refusal.with_hint(hint)));
        }
    }
    Ok(())
}

/// Why a purpose may not see the source of something that is not of a row it sees, if it may not.
fn hidden_from(view: &View, reader: PurposeId, origin: Origin) -> Option<Why> {
    let bound = view.bound();
    let oid = match origin {
        Origin::Column(source) => source.relation,
        Origin::Rows(oid) => oid,
    };
    let ruling = bound.ruling(Some(reader), bound.catalog().relation(oid)?);
    match open(&ruling, origin) {
        false => Some(Why::Closed),
        true => (!ruling.rows.is_empty()).then_some(Why::Filtered),
    }
}

/// Whether a ruling leaves a source as it is.
fn open(ruling: &RelationRuling, origin: Origin) -> bool {
    match origin {
        Origin::Column(source) => ruling.columns.get(source.index).is_some_and(|c| c.effect == Effect::Allow),
        Origin::Rows(_) => ruling.countable(),
    }
}

/// What decides which rows are written, or what is sent; `write` is where what is written stands.
fn control(view: &View, references: &[RelationUse], write: Option<i32>) -> Vec<Flowing> {
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
            let reached = reached(stored, &written.name);
            // What a condition on the reader's rows is made of tells by whether there is a row.
            let decides =
                |index: &usize| target.rows.iter().any(|row| row.columns.contains(&stored.columns[*index].name));
            let into = reached.iter().find(|index| seen(index));
            if into.is_none() && !(target.countable() && reached.iter().any(decides)) {
                continue;
            }
            let values =
                assigned.sources.iter().map(|source| Flowing { origin: Origin::Column(*source), own: assigned.own });
            for flowing in values.chain(control.iter().copied()) {
                if !tells(self.view, flowing.origin) {
                    continue;
                }
                if let Some(why) = self.hidden(flowing) {
                    let column = into.map(|index| &stored.columns[*index].name);
                    let at = assigned.at.or(u32::try_from(self.write.at).ok());
                    return Err(self.refusal(stored, column, flowing.origin, why, at));
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
        if !open(&ruling, flowing.origin) {
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
        let reader = self.view.bound().policy().purpose_name(self.reader);
        let message = format!(
            "this would carry {source} into {target}: purpose \"{reader}\" may read {target}, but {not} {source}"
        );
        let mut refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_position(self.text, at);
        if let Origin::Column(source) = origin
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

impl Why {
    fn not(self) -> &'static str {
        match self {
            Why::Closed => "not",
            Why::Filtered => "not all of",
        }
    }
}
