//! Temporary tables under restricted purposes.
//!
//! What goes in is judged as if it were shown: so what is in one was, or could have been, released to the session, and
//! reading it back tells nothing new. That holds as long as it stays with the session and its purpose. So what other tables
//! gave is not stored anywhere else, and nothing runs beside temporary tables whose text the server reads by name: they
//! come first there.

use super::landing::landings;
use super::plan::{Defines, Temporary, Text};
use super::report;
use super::view::View;
use crate::analyze::{Definition, Resolved, Runs, Write};
use crate::catalog::{Body, Filled, Function, FunctionKind, Relation, is_temporary, quote_qualified};
use crate::vocab::{NotUnderstood, Oid, Refusal, SqlState};
use pg_query::NodeEnum;

/// Holds a statement against the rules above.
pub(super) fn permit(view: &View, text: &str, resolved: &Resolved) -> Result<(), Box<Refusal>> {
    let catalog = view.bound().catalog();
    let definition = resolved.definition.as_ref();
    let defines = definition.is_some_and(|definition| definition.temporary);
    // What is there may always go.
    if definition.is_some_and(|definition| definition.temporary && definition.fresh.is_some()) {
        may_have(view)?;
    }
    let is_own = |oid: Oid| catalog.relation(oid).is_some_and(is_temporary);
    let refuse = |what: &str, at: i32| {
        Err(Box::new(report::not_understood(view, text, &NotUnderstood::new(what, u32::try_from(at).ok()))))
    };
    if (catalog.temporary().is_some() || defines)
        && let Some(what) = late_text(view, resolved)
    {
        return Err(Box::new(late(&what)));
    }
    let Some(own) = resolved.relations.iter().find(|reference| is_own(reference.relation)) else { return Ok(()) };
    let written = resolved.writes.iter().any(|write| is_own(write.relation));
    let elsewhere = resolved.writes.iter().find(|write| !is_own(write.relation));
    if let Some(write) = elsewhere.filter(|_| written) {
        return refuse("a statement that writes to temporary tables and others", write.at);
    }
    if !resolved.sent.is_empty() {
        return refuse("what is sent to others, in a statement with temporary tables,", own.origin);
    }
    if definition.is_some_and(|definition| !definition.temporary) {
        return refuse("a definition over a temporary table", own.origin);
    }
    let filled = catalog.temporary().is_none_or(|temporary| temporary.filled == Filled::FromTables);
    match elsewhere.filter(|_| filled) {
        Some(_) => Err(Box::new(kept(view).with_position(text, u32::try_from(own.origin).ok()))),
        None => Ok(()),
    }
}

/// Whether the purpose may have temporary tables.
fn may_have(view: &View) -> Result<(), Box<Refusal>> {
    let policy = view.bound().policy();
    let refused = |message: String, hint: &str| {
        Err(Box::new(Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_hint(hint.to_owned())))
    };
    let Some(purpose) = view.purpose() else {
        return refused("no purpose is declared, so there may be no temporary tables".to_owned(), "Declare a purpose.");
    };
    let reader = report::reader(view).unwrap_or_default();
    if !policy.has_temporary(purpose) {
        let hint = "The policy says so: temporary_tables = \"refuse\".";
        return refused(format!("{reader} may have no temporary tables"), hint);
    }
    if policy.max_rows(purpose).is_some() {
        let hint = "The policy bounds how many rows it reads at once: max_rows.";
        return refused(format!("{reader} may have no temporary tables, which collect rows"), hint);
    }
    Ok(())
}

/// The refusal to store what temporary tables were given by others.
fn kept(view: &View) -> Refusal {
    let reader = report::reader(view).unwrap_or_default();
    let message = format!("{reader} may not store elsewhere what depends on its temporary tables");
    Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
        .with_detail(
            "Rows of other tables were put into temporary tables of this session: they may be shown, not stored.",
        )
        .with_hint(
            "Write from the other tables themselves, or in a session whose temporary tables hold only what it sent.",
        )
}

/// The refusal of what may take a temporary table for another.
fn late(what: &str) -> Refusal {
    let message = "functions whose text names relations are not understood beside temporary tables";
    Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        .with_detail(format!(
            "This would run {what}: a name in it would mean a temporary table if there is one of that name."
        ))
        .with_hint("Use another session, or DISCARD ALL first. A function with a body BEGIN ATOMIC can be run.")
}

/// What a permitted statement has to do with temporary tables.
pub(super) fn marks(view: &View, resolved: &Resolved) -> Temporary {
    let catalog = view.bound().catalog();
    let is_own = |oid: Oid| catalog.relation(oid).is_some_and(is_temporary);
    let defines = match &resolved.definition {
        Some(definition) if definition.temporary && definition.fresh.is_some() => Defines::Makes,
        Some(definition) if definition.temporary => Defines::Changes,
        Some(_) | None => Defines::Nothing,
    };
    let queried = |definition: &Definition| definition.temporary && definition.runs == Runs::Query;
    let fills =
        resolved.writes.iter().any(|write| is_own(write.relation)) || resolved.definition.as_ref().is_some_and(queried);
    let from_tables = resolved.relations.iter().any(|reference| !is_own(reference.relation));
    Temporary {
        defines,
        text: if late_text(view, resolved).is_some() { Text::Late } else { Text::Certain },
        fills: if fills && from_tables { Filled::FromTables } else { Filled::ByClient },
    }
}

/// Whether a statement stores elsewhere what temporary tables hold when it runs: by then they may hold something else.
pub(super) fn is_stored(view: &View, resolved: &Resolved) -> bool {
    let catalog = view.bound().catalog();
    let is_own = |oid: Oid| catalog.relation(oid).is_some_and(is_temporary);
    resolved.writes.iter().any(|write| !is_own(write.relation))
        && resolved.relations.iter().any(|reference| is_own(reference.relation))
}

/// What may run of which the server reads the text by name.
fn late_text(view: &View, resolved: &Resolved) -> Option<String> {
    let catalog = view.bound().catalog();
    let uncertain = |oid: &Oid| match catalog.function(*oid) {
        Some(function) if is_certain(function) => None,
        Some(function) => Some(format!("function {}", quote_qualified(&function.schema, &function.name))),
        None => Some("an unknown function".to_owned()),
    };
    if let Some(function) = resolved.functions.iter().find_map(uncertain) {
        return Some(function);
    }
    let called = |write: &Write| landings(catalog, write).iter().find_map(|landing| calls(landing.relation));
    if let Some(called) = resolved.writes.iter().find_map(called) {
        return Some(called);
    }
    let declared = |oid: Oid| catalog.relation(oid).filter(|relation| relation.declared.is_some());
    if let Some(view) = resolved.relations.iter().find_map(|reference| declared(reference.relation)) {
        return Some(format!("view {}", quote_qualified(&view.schema, &view.name)));
    }
    // A view is kept as it was written.
    let view_text = matches!(resolved.tree.node, Some(NodeEnum::ViewStmt(_)));
    (resolved.runs_text || resolved.runs_listed || view_text).then(|| "text of its own".to_owned())
}

/// What a function runs is known beforehand: it was compiled, or its names were bound when it was made. What an aggregate
/// calls counts by itself.
fn is_certain(function: &Function) -> bool {
    let bound = match function.body {
        Body::Parsed(_) | Body::Internal(_) => true,
        Body::Text(_) | Body::Unreadable => false,
    };
    bound || function.extension.is_some() || function.kind == FunctionKind::Aggregate
}

/// What a write to a relation calls of users.
fn calls(relation: &Relation) -> Option<String> {
    let of = quote_qualified(&relation.schema, &relation.name);
    let own = relation.triggers.iter().find(|trigger| !trigger.extension);
    let trigger = own.map(|trigger| format!("trigger {} of {of}", trigger.name));
    let call = || {
        relation.calls.first().map(|call| format!("function {}", quote_qualified(&call.function.0, &call.function.1)))
    };
    trigger.or_else(call).or_else(|| relation.has_rules.then(|| format!("rules of {of}")))
}
