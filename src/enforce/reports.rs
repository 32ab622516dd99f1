//! Whether the server's errors and notices on a statement may quote data.

use super::plan::{Plan, Reports};
use super::view::View;
use crate::analyze::{Resolved, Verb};
use crate::catalog::{ForeignKey, ReferentialAction, Relation};
use crate::sql::Kind;
use crate::vocab::Oid;
use std::sync::Arc;

/// How the server's errors and notices on a statement reach the client, under a restricted view. What a transaction has
/// touched the session remembers until its end, so its end has no data of its own.
pub(super) fn of_plan(kind: &Kind, plan: &Plan) -> Reports {
    match (plan, kind) {
        (Plan::Rewrite(rewritten), _) => rewritten.reports,
        // The report is the proxy's own.
        (Plan::Refuse(_), _) => Reports::Verbatim,
        (
            Plan::Forward,
            Kind::Transaction(_)
            | Kind::Set(_)
            | Kind::Show(_)
            | Kind::Discard(_)
            | Kind::Deallocate(_)
            | Kind::Close(_)
            | Kind::Signal(_),
        ) => Reports::Verbatim,
        // As discreet as what it names, which the session knows.
        (Plan::Forward, Kind::Fetch(_)) => Reports::Verbatim,
        // What it evaluates is not known here.
        (
            Plan::Forward,
            Kind::Read
            | Kind::Unread
            | Kind::Write
            | Kind::Bulk
            | Kind::Call
            | Kind::Explain
            | Kind::Prepare(_)
            | Kind::Execute(_)
            | Kind::Declare(_)
            | Kind::Lock
            | Kind::Define(_)
            | Kind::Other(_),
        ) => Reports::Discreet,
    }
}

/// What the server may quote of what a statement reaches. An error can show a whole row, so one closed column, used or
/// not, keeps all of a relation back.
pub(super) fn of_data(view: &View, resolved: &Resolved) -> Reports {
    let bound = view.bound();
    let catalog = bound.catalog();
    let whole = |relation: &Relation| bound.ruling(view.reader(), relation).whole();
    // A failing row of a child shows columns that its parent lacks.
    let whole_family = |oid: Oid| {
        let relation = catalog.relation(oid);
        relation.is_some_and(|relation| catalog.with_descendants(relation).into_iter().all(whole))
    };
    let passes = |(schema, name): &(Arc<str>, Arc<str>)| {
        let mut meant = catalog.functions(name).filter(|function| function.schema == *schema).peekable();
        meant.peek().is_some() && meant.all(|function| bound.messages_pass(view.purpose(), function))
    };
    // What functions of users raise is their own, also of those that the server calls on a write: anything of the database.
    let truncates = resolved.writes.iter().any(|write| write.verbs.contains(&Verb::TruncateCascade));
    let acts = |key: &ForeignKey| truncates || [key.on_delete, key.on_update] != [ReferentialAction::Refuse; 2];
    let changed = follow(view, resolved, acts);
    let mut changed =
        changed.iter().filter_map(|oid| catalog.relation(*oid)).flat_map(|changed| catalog.with_descendants(changed));
    // A definition may fire event triggers.
    let calls = resolved.calls_users
        || resolved.definition.is_some()
        || changed.any(|relation| called(relation).any(|function| !passes(function)));
    let mut tables = catalog.relations().iter().filter(|relation| !is_system(relation));
    let told = calls && !tables.all(whole);
    let reached = resolved.relations.iter().all(|reference| whole_family(reference.relation));
    if !told && reached && follow(view, resolved, |_| true).into_iter().all(whole_family) {
        Reports::Verbatim
    } else {
        Reports::Discreet
    }
}

/// The functions of users that the server calls on a write, by schema and name.
fn called(relation: &Relation) -> impl Iterator<Item = &(Arc<str>, Arc<str>)> {
    let triggers = relation.triggers.iter().map(|trigger| &trigger.function);
    triggers.chain(relation.calls.iter().map(|call| &call.function))
}

fn is_system(relation: &Relation) -> bool {
    matches!(&*relation.schema, "pg_catalog" | "information_schema")
}

/// The relations that a statement writes, and those that refer to them by keys of this kind, and so on.
fn follow(view: &View, resolved: &Resolved, kind: impl Fn(&ForeignKey) -> bool) -> Vec<Oid> {
    let catalog = view.bound().catalog();
    let mut found: Vec<Oid> = resolved.writes.iter().map(|write| write.relation).collect();
    let mut at = 0;
    while let Some(oid) = found.get(at).copied() {
        at += 1;
        let family = catalog.relation(oid).map(|relation| catalog.with_descendants(relation)).unwrap_or_default();
        for (table, key) in family.into_iter().flat_map(|relation| catalog.references_to(relation.oid)) {
            if kind(key) && !found.contains(&table.oid) {
                found.push(table.oid);
            }
        }
    }
    found
}
