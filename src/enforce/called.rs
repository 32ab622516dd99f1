//! Functions of users that the server calls on a write's behalf: those of triggers, defaults, generated columns,
//! constraints and indexes.

use super::judge::context;
use super::sequences::check_sequences;
use super::writes::Judged;
use crate::analyze::{FunctionRead, Verb, on_its_own};
use crate::catalog::{Column, Function, Relation, RelationKind, Trigger, quote_qualified};
use crate::policy::Reader;
use crate::vocab::{Refusal, UsageSet};
use std::sync::Arc;

impl Judged<'_> {
    /// Triggers that fire on what is done with a relation.
    pub(super) fn triggers(&self, relation: &Relation, verbs: &[Verb]) -> Result<(), Box<Refusal>> {
        // A row that is updated may move to another partition: deleted here, inserted there.
        let moves = relation.kind == RelationKind::PartitionedTable || !relation.parents.is_empty();
        let fires = |trigger: &&Trigger| {
            verbs.iter().any(|verb| match verb {
                Verb::Insert => trigger.on_insert,
                Verb::Update => trigger.on_update || (moves && (trigger.on_insert || trigger.on_delete)),
                Verb::Delete => trigger.on_delete,
                Verb::Truncate | Verb::TruncateCascade => trigger.on_truncate,
            })
        };
        for trigger in relation.triggers.iter().filter(|trigger| !trigger.extension).filter(fires) {
            self.server_calls(&format!("trigger {}", trigger.name), relation, &trigger.function, None)?;
        }
        Ok(())
    }

    /// A user's function that the server calls on the statement's behalf: the policy must list it, or it must be seen
    /// through, and what it reads must be open as it is. Where its result is `stored`, also to those who may read it there.
    fn server_calls(
        &self,
        by: &str,
        relation: &Relation,
        (schema, name): &(Arc<str>, Arc<str>),
        stored: Option<&Column>,
    ) -> Result<(), Box<Refusal>> {
        let bound = self.view.bound();
        let mut meant = bound.catalog().functions(name).filter(|function| function.schema == *schema).peekable();
        let known = meant.peek().is_some();
        let mut sees_too_much = None;
        let mut open = |function: &Function| -> Result<bool, Box<Refusal>> {
            let Ok(done) = on_its_own(function, &context(self.view)) else { return Ok(false) };
            check_sequences(self.view, self.text, &done.sequences)?;
            sees_too_much =
                sees_too_much.or_else(|| stored.and_then(|into| self.reads_past(relation, into, &done.reads)));
            Ok(done.reads.iter().all(|read| self.may_read(self.view.reader(), read)))
        };
        let open = meant.try_fold(true, |all, function| open(function).map(|one| all && one))?;
        let of = quote_qualified(&relation.schema, &relation.name);
        match sees_too_much {
            _closed if !known || !open => {
                Err(self.not_understood(format!("function {schema}.{name}, which {by} of {of} calls,")))
            }
            None => Ok(()),
            Some(reader) => {
                let reader = bound.policy().reader_words(reader);
                let message = format!(
                    "this would carry what function {schema}.{name} reads into {of}.{by}: {reader} may read \
                     {of}.{by}, but not what it is made from"
                );
                let detail = "a value may be stored only where everyone who may read it there may read its sources";
                Err(self.refused(message, detail.to_owned()))
            }
        }
    }

    /// Whether a reader may read what a function reads, as it is and in every row.
    fn may_read(&self, reader: Option<Reader>, read: &FunctionRead) -> bool {
        let bound = self.view.bound();
        bound.catalog().relation(read.relation).is_some_and(|relation| {
            let ruling = bound.ruling(reader, relation);
            let raw = |(index, _): &(usize, UsageSet)| ruling.is_raw(*index);
            !ruling.hides_rows() && ruling.countable() && read.columns.iter().all(raw)
        })
    }

    /// A reader that may read a column, but not what a function reads whose result is stored in it.
    fn reads_past(&self, relation: &Relation, into: &Column, reads: &[FunctionRead]) -> Option<Reader> {
        let bound = self.view.bound();
        let sees = |reader: &Reader| {
            let ruling = bound.ruling(Some(*reader), relation);
            ruling.columns.iter().any(|column| column.number == into.number && column.effect.tells())
        };
        let past = |reader: &Reader| !reads.iter().all(|read| self.may_read(Some(*reader), read));
        bound.policy().readers().iter().copied().find(|reader| sees(reader) && past(reader))
    }

    /// Functions of users in defaults, generated columns, constraints and indexes: they can read what they like.
    pub(super) fn calls(&self, relation: &Relation, defaulted: &[&Arc<str>]) -> Result<(), Box<Refusal>> {
        for call in &relation.calls {
            let column = |known: &&Column| match call.column {
                Some(number) => known.number == number,
                None => known.generated && known.name == call.by,
            };
            let column = relation.columns.iter().find(column);
            let called = call.column.is_none() || column.is_none_or(|column| defaulted.contains(&&column.name));
            if called {
                self.server_calls(&call.by, relation, &call.function, column)?;
            }
        }
        Ok(())
    }
}
