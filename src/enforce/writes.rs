//! Whether a purpose may write what a statement writes.
//!
//! The right to insert, update or delete is its own right per category. Beside it stand the rules that keep a write from
//! reaching or telling of what the purpose may not see: row conditions, what the server does of its own accord
//! (cascades, triggers), and constraints that tie a written column to a closed one. What is copied is held against those
//! who may read it in [`super::flow`].

use super::landing::landings;
use super::report;
use super::view::View;
use crate::analyze::{Assignment, Manner, Resolved, Verb, Write};
use crate::catalog::{ForeignKey, ReferentialAction, Relation, quote_identifier, quote_qualified};
use crate::policy::{Effect, Mask, ParameterId, RelationRuling, RowCondition};
use crate::vocab::{AttNum, Closed, NotUnderstood, Oid, Refusal, Right, SqlState};
use std::sync::Arc;

/// Holds every write of a statement against the rights and rows of the purpose.
pub(super) fn permit(view: &View, text: &str, resolved: &Resolved) -> Result<(), Box<Refusal>> {
    for write in &resolved.writes {
        let Some(relation) = view.bound().catalog().relation(write.relation) else {
            let reason = NotUnderstood::new("a relation that vanished", offset(write));
            return Err(Box::new(report::not_understood(view, text, &reason)));
        };
        let judged = Judged { view, text, write, relation };
        judged.rights()?;
        judged.planted()?;
        judged.plants_nothing()?;
        judged.rows(resolved)?;
        judged.what_decides()?;
        judged.own_accord()?;
        judged.ties()?;
        judged.finds()?;
    }
    Ok(())
}

fn offset(write: &Write) -> Option<u32> {
    u32::try_from(write.at).ok()
}

/// Whether updated rows may go to another partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    Stay,
    Move,
}

/// One write that is being judged.
pub(super) struct Judged<'a> {
    pub(super) view: &'a View,
    pub(super) text: &'a str,
    pub(super) write: &'a Write,
    relation: &'a Relation,
}

impl Judged<'_> {
    fn ruling(&self, right: Right) -> Arc<RelationRuling> {
        self.view.bound().ruling_for(self.view.reader(), right, self.relation)
    }

    pub(super) fn not_understood(&self, what: impl Into<Arc<str>>) -> Box<Refusal> {
        let reason = NotUnderstood::new(what, offset(self.write));
        Box::new(report::not_understood(self.view, self.text, &reason))
    }

    fn name(&self) -> String {
        quote_qualified(&self.relation.schema, &self.relation.name)
    }

    pub(super) fn refused(&self, message: String, detail: String) -> Box<Refusal> {
        let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_detail(detail);
        Box::new(refusal.with_position(self.text, offset(self.write)))
    }

    pub(super) fn reader(&self) -> String {
        report::reader(self.view).unwrap_or_else(|| "no purpose".to_owned())
    }

    /// The columns that are written, by right.
    fn rights(&self) -> Result<(), Box<Refusal>> {
        for right in [Right::Insert, Right::Update, Right::Delete] {
            if !self.write.verbs.iter().any(|verb| verb.right() == right) {
                continue;
            }
            let columns: Vec<usize> = match right {
                // Deleting a row takes every category in it.
                Right::Delete => (0..self.relation.columns.len()).collect(),
                Right::Read | Right::Insert | Right::Update => {
                    let of_right = self.write.assigned.iter().filter(|assigned| assigned.right == right);
                    of_right.map(|assigned| assigned.index).collect()
                }
            };
            let at = self.write.assigned.iter().filter(|assigned| assigned.right == right).find_map(|a| a.at);
            closed_to(self.view, self.text, right, self.relation, &columns, at.or(offset(self.write)))?;
            if right == Right::Delete {
                // A child's row goes with columns that its parent lacks.
                for child in self.view.bound().catalog().with_descendants(self.relation).into_iter().skip(1) {
                    let columns: Vec<usize> = (0..child.columns.len()).collect();
                    closed_to(self.view, self.text, right, child, &columns, offset(self.write))?;
                }
            }
        }
        Ok(())
    }

    /// Columns that follow what is written (generated ones, foreign keys), and are read as pseudonyms: known values would show
    /// which pseudonyms they have.
    fn planted(&self) -> Result<(), Box<Refusal>> {
        let bound = self.view.bound();
        for landing in landings(bound.catalog(), self.write) {
            let read = bound.ruling(self.view.reader(), landing.relation);
            let pseudonym = |(index, _): &&(usize, Option<usize>)| {
                let effect = read.columns.get(*index).map(|column| &column.effect);
                matches!(effect, Some(Effect::Mask(Mask::Pseudonym(_))))
            };
            let Some((index, _)) = landing.columns.iter().find(pseudonym) else { continue };
            let into = quote_qualified(&landing.relation.schema, &landing.relation.name);
            let column = quote_identifier(&landing.relation.columns[*index].name);
            let message = format!(
                "{} may not write to {} what {into}.{column} follows, which it reads as pseudonyms",
                self.reader(),
                self.name()
            );
            return Err(self.refused(message, "known values would show which pseudonyms they have".to_owned()));
        }
        Ok(())
    }

    /// Rows of one's own making, or values, among those that are released in aggregates only would tell of the others.
    fn plants_nothing(&self) -> Result<(), Box<Refusal>> {
        let read = self.ruling(Right::Read);
        let Some(least) = read.min_subjects() else { return Ok(()) };
        let counts = |index: usize| {
            let effect = read.columns.get(index).map(|column| &column.effect);
            read.subject_key.as_ref().is_some_and(|key| key.index == index)
                || effect.is_some_and(|effect| effect.aggregate().is_some())
        };
        if self.write.verbs.contains(&Verb::Insert) || self.updated().any(|assigned| counts(assigned.index)) {
            let message = format!("{} may not write what it reads of {} in aggregates", self.reader(), self.name());
            let detail = format!("With {} known rows among them an aggregate tells of one person.", least - 1);
            return Err(self.refused(message, detail));
        }
        Ok(())
    }

    /// The rows that may be reached, and what decides about them.
    fn rows(&self, resolved: &Resolved) -> Result<(), Box<Refusal>> {
        let read = self.ruling(Right::Read);
        let verb = |verb: Verb| self.write.verbs.contains(&verb);
        if verb(Verb::Insert) && !self.ruling(Right::Insert).rows.is_empty() {
            self.new_rows()?;
        }
        let rights = self.write.verbs.iter().map(|verb| verb.right()).filter(|right| *right != Right::Insert);
        let mut rows = read.rows.to_vec();
        for right in rights {
            rows.extend(self.ruling(right).rows.iter().cloned());
        }
        if self.write.verbs.iter().any(|verb| *verb != Verb::Insert) {
            self.children_have(&rows)?;
        }
        if rows.is_empty() {
            return Ok(());
        }
        match self.write.manner {
            Manner::Plain => {}
            Manner::Upsert => {
                let what = format!("ON CONFLICT DO UPDATE on {}, whose rows are filtered", self.name());
                return Err(self.not_understood(what));
            }
            Manner::Merge => {
                return Err(self.not_understood(format!("MERGE into {}, whose rows are filtered", self.name())));
            }
        }
        if verb(Verb::Truncate) || verb(Verb::TruncateCascade) {
            return Err(self.not_understood(format!("TRUNCATE of {}, whose rows are filtered", self.name())));
        }
        let reference = resolved.relations.iter().find(|reference| reference.at == self.write.at);
        if let Some((name, _)) = reference.and_then(|reference| reference.system.first()) {
            let what = format!("system column {name} of {} (its rows are filtered)", self.name());
            return Err(self.not_understood(what));
        }
        for assigned in self.updated() {
            let Some(column) = self.relation.columns.get(assigned.index) else { continue };
            if let Some(row) = rows.iter().find(|row| row.columns.contains(&column.name)) {
                let message = format!(
                    "{} may not update {}.{}, by which condition \"{}\" decides what it sees",
                    self.reader(),
                    self.name(),
                    column.name,
                    row.name
                );
                return Err(self.refused(message, report::of_condition(row)));
            }
        }
        Ok(())
    }

    /// Whether nothing stands between the values of new rows, which must meet conditions, and the table.
    fn new_rows(&self) -> Result<(), Box<Refusal>> {
        let bound = self.view.bound();
        let known = self.ruling(Right::Insert);
        if self.write.manner == Manner::Merge {
            return Err(
                self.not_understood(format!("MERGE into {}, whose new rows must meet a condition", self.name()))
            );
        }
        for relation in bound.catalog().with_descendants(self.relation) {
            let rows = bound.ruling_for(self.view.reader(), Right::Insert, relation);
            let beside = rows.rows.iter().any(|row| known.rows.iter().all(|known| known.sql != row.sql));
            if beside || relation.triggers.iter().any(|trigger| trigger.on_insert) {
                let name = quote_qualified(&relation.schema, &relation.name);
                let why = if beside { "conditions of its own" } else { "triggers that could change new rows" };
                let what =
                    format!("INSERT into {}, whose new rows must meet a condition: {name} has {why},", self.name());
                return Err(self.not_understood(what));
            }
        }
        Ok(())
    }

    /// Whether the children's rows are bound by no condition beside the parent's, which alone is put into the statement.
    fn children_have(&self, rows: &[RowCondition]) -> Result<(), Box<Refusal>> {
        let bound = self.view.bound();
        for child in bound.catalog().with_descendants(self.relation).into_iter().skip(1) {
            for right in [Right::Read, Right::Update, Right::Delete] {
                let concerned = right == Right::Read || self.write.verbs.iter().any(|verb| verb.right() == right);
                let ruling = bound.ruling_for(self.view.reader(), right, child);
                let beside = ruling.rows.iter().any(|row| rows.iter().all(|known| known.sql != row.sql));
                if concerned && beside {
                    let child = quote_qualified(&child.schema, &child.name);
                    let what = format!("a write to {} that reaches {child}, whose rows are filtered", self.name());
                    return Err(self.not_understood(what));
                }
            }
        }
        Ok(())
    }

    /// The names of the columns that are given values by a right.
    fn named(&self, right: Right) -> Vec<&Arc<str>> {
        let of_right = self.write.assigned.iter().filter(|assigned| assigned.right == right);
        of_right.filter_map(|assigned| Some(&self.relation.columns.get(assigned.index)?.name)).collect()
    }

    fn updated(&self) -> impl Iterator<Item = &Assignment> {
        self.write.assigned.iter().filter(|assigned| assigned.right == Right::Update)
    }

    /// What the server does of its own accord: triggers and cascades.
    fn own_accord(&self) -> Result<(), Box<Refusal>> {
        let catalog = self.view.bound().catalog();
        let column = |index: usize| self.relation.columns.get(index).map(|column| &column.name);
        let updated = self.named(Right::Update);
        let defaulted: Vec<&Arc<str>> = self.write.defaulted.iter().filter_map(|index| column(*index)).collect();
        for relation in catalog.with_descendants(self.relation) {
            self.triggers(relation, &self.write.verbs)?;
            if self.write.verbs.iter().any(|verb| matches!(verb, Verb::Insert | Verb::Update)) {
                self.calls(relation, &defaulted)?;
            }
            if self.write.verbs.contains(&Verb::TruncateCascade) || self.write.verbs.contains(&Verb::Delete) {
                self.deletion_from(relation, &mut Vec::new())?;
            }
            self.update_of_keys(relation, &updated, &mut Vec::new())?;
        }
        Ok(())
    }

    /// Rows that go, or lose their reference, with deleted ones.
    fn deletion_from(&self, relation: &Relation, seen: &mut Vec<Oid>) -> Result<(), Box<Refusal>> {
        if seen.contains(&relation.oid) {
            return Ok(());
        }
        seen.push(relation.oid);
        let truncates = self.write.verbs.contains(&Verb::TruncateCascade);
        for (table, key) in self.view.bound().catalog().references_to(relation.oid) {
            let action = if truncates { ReferentialAction::Cascade } else { key.on_delete };
            if !truncates {
                self.key_is_open(relation, table, key)?;
            }
            match action {
                ReferentialAction::Refuse if self.in_scope(relation, table, key, Right::Read) => {}
                ReferentialAction::Refuse => self.referenced_by(table)?,
                ReferentialAction::Cascade => {
                    let every: Vec<usize> = (0..table.columns.len()).collect();
                    match self.in_scope(relation, table, key, Right::Delete) {
                        true => self.follow(table, Right::Delete, &every)?,
                        false => self.cascade(table, Right::Delete, &every)?,
                    }
                    for below in self.view.bound().catalog().with_descendants(table) {
                        self.deletion_from(below, seen)?;
                    }
                }
                ReferentialAction::Set => self.key_follows(table, key, &mut Vec::new())?,
            }
        }
        Ok(())
    }

    /// Whether a foreign key holds is a comparison of its columns, on both sides.
    fn key_is_open(&self, relation: &Relation, table: &Relation, key: &ForeignKey) -> Result<(), Box<Refusal>> {
        let bound = self.view.bound();
        let open = |relation: &Relation, numbers: &[AttNum]| {
            let ruling = bound.ruling(self.view.reader(), relation);
            all_open(relation, &ruling, numbers)
        };
        if open(relation, &key.referenced) && open(table, &key.columns) {
            return Ok(());
        }
        let referencing = quote_qualified(&table.schema, &table.name);
        let message = format!(
            "{} may not write to {} what {referencing} refers to by columns that are closed to it",
            self.reader(),
            self.name()
        );
        Err(self.refused(message, "whether the write succeeds would tell of them".to_owned()))
    }

    /// The columns of a foreign key are set on the statement's behalf, and what refers to them in turn.
    fn key_follows(&self, table: &Relation, key: &ForeignKey, seen: &mut Vec<Oid>) -> Result<(), Box<Refusal>> {
        let columns = numbers_to_indexes(table, &key.columns);
        self.cascade(table, Right::Update, &columns)?;
        let names: Vec<&Arc<str>> = columns.iter().filter_map(|index| Some(&table.columns.get(*index)?.name)).collect();
        for below in self.view.bound().catalog().with_descendants(table) {
            self.tied(below, &names, &[], Rows::Stay)?;
            self.calls(below, &names)?;
        }
        if seen.contains(&table.oid) {
            return Ok(());
        }
        seen.push(table.oid);
        self.update_of_keys(table, &names, seen)
    }

    /// Whether every row that refers to one that may be reached may be reached too: both are bounded by the same parameters
    /// alone, by columns that the foreign key holds equal.
    fn in_scope(&self, relation: &Relation, table: &Relation, key: &ForeignKey, right: Right) -> bool {
        let bound = self.view.bound();
        let reader = self.view.reader();
        let plain = |of: &Relation, number: &AttNum, name: &Arc<str>| {
            of.columns.iter().any(|column| column.number == *number && column.name == *name && !column.nondeterministic)
        };
        let known = bound.ruling(reader, relation);
        let referred = |number: &AttNum, parameter: ParameterId| {
            let mut equalities = known.rows.iter().filter_map(|row| row.equality.as_ref());
            equalities.any(|(name, by)| *by == parameter && plain(relation, number, name))
        };
        let mut family = bound.catalog().with_descendants(table).into_iter();
        family.all(|table| {
            let (read, right) = (bound.ruling(reader, table), bound.ruling_for(reader, right, table));
            let rows = read.rows.iter().chain(right.rows.iter());
            let met = |(name, parameter): &(Arc<str>, ParameterId)| {
                key.columns
                    .iter()
                    .zip(&key.referenced)
                    .any(|(own, other)| plain(table, own, name) && referred(other, *parameter))
            };
            read.countable() && rows.into_iter().all(|row| row.equality.as_ref().is_some_and(met))
        })
    }

    /// Columns of other tables that follow an updated key.
    fn update_of_keys(
        &self,
        relation: &Relation,
        names: &[&Arc<str>],
        seen: &mut Vec<Oid>,
    ) -> Result<(), Box<Refusal>> {
        for (table, key) in self.view.bound().catalog().references_to(relation.oid) {
            let referenced = numbers_to_indexes(relation, &key.referenced);
            if !referenced.iter().any(|index| names.contains(&&relation.columns[*index].name)) {
                continue;
            }
            self.key_is_open(relation, table, key)?;
            match key.on_update {
                ReferentialAction::Refuse => self.referenced_by(table)?,
                ReferentialAction::Cascade | ReferentialAction::Set => self.key_follows(table, key, seen)?,
            }
        }
        Ok(())
    }

    /// A table whose rows keep the write from succeeding: that it has some must not be told.
    fn referenced_by(&self, table: &Relation) -> Result<(), Box<Refusal>> {
        let ruling = self.view.bound().ruling(self.view.reader(), table);
        if ruling.countable() && ruling.rows.is_empty() {
            return Ok(());
        }
        let referencing = quote_qualified(&table.schema, &table.name);
        let message = format!(
            "{} may not write to {} what {referencing} refers to, whose rows are closed to it or filtered",
            self.reader(),
            self.name()
        );
        Err(self.refused(message, "whether the write succeeds would tell of them".to_owned()))
    }

    /// A table that the server writes to on the statement's behalf.
    fn cascade(&self, table: &Relation, right: Right, columns: &[usize]) -> Result<(), Box<Refusal>> {
        let bound = self.view.bound();
        closed_to(self.view, self.text, right, table, columns, offset(self.write))?;
        let filtered = [Right::Read, right]
            .iter()
            .any(|right| !bound.ruling_for(self.view.reader(), *right, table).rows.is_empty());
        if filtered {
            let cascaded = quote_qualified(&table.schema, &table.name);
            let what = format!("a write to {} that reaches {cascaded}, whose rows are filtered", self.name());
            return Err(self.not_understood(what));
        }
        self.follow(table, right, columns)
    }

    /// The rights and triggers of a table whose rows follow.
    fn follow(&self, table: &Relation, right: Right, columns: &[usize]) -> Result<(), Box<Refusal>> {
        let bound = self.view.bound();
        closed_to(self.view, self.text, right, table, columns, offset(self.write))?;
        let verb = match right {
            Right::Update => Verb::Update,
            // What TRUNCATE reaches is truncated, too.
            Right::Read | Right::Insert | Right::Delete if self.write.verbs.contains(&Verb::TruncateCascade) => {
                Verb::TruncateCascade
            }
            Right::Read | Right::Insert | Right::Delete => Verb::Delete,
        };
        bound.catalog().with_descendants(table).into_iter().try_for_each(|table| self.triggers(table, &[verb]))
    }

    /// Whether a conflict shows which row has a key that is not read as it is. A conflict target cannot be masked.
    fn finds(&self) -> Result<(), Box<Refusal>> {
        if self.write.manner != Manner::Upsert {
            return Ok(());
        }
        let read = self.ruling(Right::Read);
        let hidden = |assigned: &&Assignment| assigned.arbitrates && !read.is_raw(assigned.index);
        let Some(assigned) = self.write.assigned.iter().find(hidden) else { return Ok(()) };
        let column = self.relation.columns.get(assigned.index).map_or("", |column| &column.name);
        let message = format!(
            "{} may not update rows of {} by {column}, which it does not see as it is",
            self.reader(),
            self.name()
        );
        Err(self.refused(message, "which row is updated would tell whose it is".to_owned()))
    }

    /// Constraints, indexes and generated columns that tie a written column to one that is closed: whether the write
    /// succeeds would tell of the closed one.
    fn ties(&self) -> Result<(), Box<Refusal>> {
        let bound = self.view.bound();
        let (updated, inserted) = (self.named(Right::Update), self.named(Right::Insert));
        let relations = bound.catalog().with_descendants(self.relation);
        let moves = relations.iter().any(|relation| {
            let by = |number: &AttNum| {
                let column = relation.columns.iter().find(|column| column.number == *number);
                column.is_none_or(|column| updated.contains(&&column.name))
            };
            !updated.is_empty() && relation.partition_key.iter().any(by)
        });
        let rows = if moves { Rows::Move } else { Rows::Stay };
        relations.into_iter().try_for_each(|relation| self.tied(relation, &updated, &inserted, rows))
    }

    /// Whether a relation ties what is written of it to what is closed.
    fn tied(
        &self,
        relation: &Relation,
        updated: &[&Arc<str>],
        inserted: &[&Arc<str>],
        rows: Rows,
    ) -> Result<(), Box<Refusal>> {
        let read = self.view.bound().ruling(self.view.reader(), relation);
        if rows == Rows::Move && !all_open(relation, &read, &relation.partition_key) {
            let message = format!(
                "{} may not move rows of {} between partitions: columns that decide are closed to it",
                self.reader(),
                self.name()
            );
            return Err(self.refused(message, "whether the write succeeds would tell of them".to_owned()));
        }
        for tie in &relation.ties {
            let tied = numbers_to_indexes(relation, &tie.columns);
            let name = |index: usize| &relation.columns[index].name;
            // A row that moves to another partition is inserted there with all its columns.
            let touched = rows == Rows::Move || tied.iter().any(|index| updated.contains(&name(*index)));
            // A new row's closed columns have their defaults; together with what is given they are compared with others.
            let met = tie.compares && tied.iter().any(|index| inserted.contains(&name(*index)));
            let closed = tied.iter().copied().find(|index| {
                // The generated column itself is no source of its value.
                let own = relation.columns[*index].generated && *name(*index) == tie.name;
                let given = !touched && inserted.contains(&name(*index));
                !own && !given && !read.is_raw(*index)
            });
            if let (true, Some(index)) = (touched || met, closed) {
                let message = format!(
                    "{} may not write to {} what {} ties to {}, which is closed to it",
                    self.reader(),
                    self.name(),
                    tie.name,
                    name(index)
                );
                return Err(self.refused(message, "whether the write succeeds would tell of it".to_owned()));
            }
        }
        Ok(())
    }
}

/// Whether these columns are open as they are. A number that is no column's stands for an expression, which may read them all.
fn all_open(relation: &Relation, ruling: &RelationRuling, numbers: &[AttNum]) -> bool {
    let indexes = numbers_to_indexes(relation, numbers);
    match indexes.len() == numbers.len() {
        true => indexes.into_iter().all(|index| ruling.is_raw(index)),
        false => (0..relation.columns.len()).all(|index| ruling.is_raw(index)),
    }
}

/// The indexes of columns by their numbers.
fn numbers_to_indexes(relation: &Relation, numbers: &[AttNum]) -> Vec<usize> {
    let index = |number: &AttNum| relation.columns.iter().position(|column| column.number == *number);
    numbers.iter().filter_map(index).collect()
}

/// A refusal where any of these columns is closed to a right.
fn closed_to(
    view: &View,
    text: &str,
    right: Right,
    relation: &Relation,
    columns: &[usize],
    at: Option<u32>,
) -> Result<(), Box<Refusal>> {
    let ruling = view.bound().ruling_for(view.reader(), right, relation);
    let mut closed: Vec<Closed> = Vec::new();
    let mut places: Vec<(Oid, Option<AttNum>)> = Vec::new();
    for index in columns {
        let (Some(column), Some(verdict)) = (relation.columns.get(*index), ruling.columns.get(*index)) else {
            let reason = NotUnderstood::new("a column that the policy does not know", at);
            return Err(Box::new(report::not_understood(view, text, &reason)));
        };
        // A mask is for reading.
        if verdict.effect != Effect::Allow {
            super::judge::add(&mut closed, &mut places, &None, relation, Some((column.number, &column.name)), verdict);
        }
    }
    if columns.is_empty()
        && !ruling.countable()
        && let Some(verdict) = ruling.columns.first()
    {
        super::judge::add(&mut closed, &mut places, &None, relation, None, verdict);
    }
    if closed.is_empty() {
        return Ok(());
    }
    Err(Box::new(report::closed(view, text, right, closed, &places, at)))
}
