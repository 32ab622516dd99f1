//! Temporary tables: whether one may be used, what a statement leaves in it, and what that depends on.
//!
//! See [`crate::policy::Lineage`]. What is stored was judged as any output is; here it is written down what it came from, so
//! that the session can hold it against whatever is done with it later.

use super::flow::{Flowing, Origin, conditions, control};
use super::plan::{Changes, Flow, Into, Keeping};
use super::report;
use super::view::View;
use crate::analyze::{ColumnSource, Made, Place, Resolved, Runs, Verb, Write};
use crate::catalog::{Relation, TEMPORARY, quote_qualified};
use crate::policy::{Lineage, Owner, Seen, Trace, Unusable};
use crate::vocab::{AttNum, NotUnderstood, Oid, Refusal, SqlState};
use pg_query::NodeEnum;
use pg_query::protobuf::Node;
use std::sync::Arc;

/// Refuses the use of temporary tables that were not made under what is in force, and calls that one could get in the way of.
pub(super) fn permit(view: &View, text: &str, resolved: &Resolved) -> Result<(), Box<Refusal>> {
    let bound = view.bound();
    if bound.catalog().temporary().is_empty() {
        return Ok(());
    }
    let owner = view.owner();
    for reference in &resolved.relations {
        let Some(why) = bound.unusable(reference.relation, owner.as_ref()) else { continue };
        let at = u32::try_from(reference.origin).ok();
        let name = bound.catalog().relation(reference.relation).map_or("", |relation| &*relation.name);
        let message = match why {
            Unusable::Unknown => {
                let what = format!("temporary table {name}, which was not made by a statement that was understood,");
                return Err(Box::new(report::not_understood(view, text, &NotUnderstood::new(what, at))));
            }
            Unusable::Otherwise => {
                let under = report::reader(view).unwrap_or_else(|| "no purpose".to_owned());
                format!("temporary table \"{name}\" was not made under {under} as it is in force")
            }
            Unusable::Moved => format!("what temporary table \"{name}\" was made of is ruled otherwise by now"),
        };
        let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .with_detail(
                "What is in it was read under one purpose, recipient and policy, and may be used under no other.",
            )
            .with_hint("Drop it, and make it anew.");
        return Err(Box::new(refusal.with_position(text, at)));
    }
    let shadowing = |relation: &&Relation| bound.catalog().relations().iter().any(|other| other.name == relation.name);
    if runs_unseen(view, resolved)
        && let Some(relation) = bound.catalog().temporary().iter().find(shadowing)
    {
        let what = format!(
            "a call of functions of users while temporary table {} stands before another relation of that name",
            relation.name
        );
        return Err(Box::new(report::not_understood(view, text, &NotUnderstood::new(what, None))));
    }
    Ok(())
}

/// Whether a statement runs functions of users, by a call or on a write: they may find temporary tables, and make some.
fn runs_unseen(view: &View, resolved: &Resolved) -> bool {
    let catalog = view.bound().catalog();
    let fires = |write: &Write| {
        let landings = super::landing::landings(catalog, write);
        landings.iter().any(|landing| {
            let relation = landing.relation;
            !relation.triggers.is_empty() || !relation.calls.is_empty() || relation.has_rules
        })
    };
    !resolved.functions.is_empty() || resolved.calls_users || resolved.writes.iter().any(fires)
}

/// What a statement leaves in temporary tables; `None` where it leaves nothing.
pub(super) fn keeping(view: &View, text: &str, resolved: &Resolved) -> Result<Option<Arc<Keeping>>, Box<Refusal>> {
    let bound = view.bound();
    let mut flows: Vec<Flow> = Vec::new();
    let mut changes = Changes::Values;
    for write in resolved.writes.iter().filter(|write| bound.is_temporary(write.relation)) {
        let Some(relation) = bound.catalog().relation(write.relation) else { continue };
        let mut lineage = Lineage::new(owned(view, text)?);
        lineage.rows = decides(view, resolved, Some(write));
        for assigned in &write.assigned {
            if let Some(column) = relation.columns.get(assigned.index) {
                add(&mut lineage, column.number, values(view, &assigned.sources));
            }
        }
        let fills = write.verbs.iter().any(|verb| matches!(verb, Verb::Insert | Verb::Update));
        if fills {
            if topmost(&resolved.tree) != Some(write.at) {
                // What it returns would be taken for what was there before.
                let what = "a write to a temporary table inside another statement";
                let reason = NotUnderstood::new(what, u32::try_from(write.at).ok());
                return Err(Box::new(report::not_understood(view, text, &reason)));
            }
            keeps_no_hidden_rows(view, text, resolved)?;
        }
        flows.push(Flow { into: Into::Table(relation.oid), lineage });
    }
    if let Some(definition) = resolved.definition.as_ref().filter(|definition| definition.temporary) {
        changes = Changes::Tables;
        if let Some((_, name)) = definition.fresh.as_ref().filter(|(schema, _)| **schema == *TEMPORARY) {
            let mut lineage = Lineage::new(owned(view, text)?);
            if definition.runs == Runs::Query {
                keeps_no_hidden_rows(view, text, resolved)?;
                lineage.rows = decides(view, resolved, None);
            }
            if let Some(Made { relation, sources, at: _ }) = &definition.made {
                for (column, sources) in relation.columns.iter().zip(sources) {
                    add(&mut lineage, column.number, values(view, sources));
                }
            }
            flows.push(Flow { into: Into::Named(Arc::clone(name)), lineage });
        }
    }
    let temporary = bound.catalog().temporary();
    if !temporary.is_empty() && runs_unseen(view, resolved) {
        // What a function does with what it gets and reads, and with whatever stands in the session, nobody sees.
        changes = Changes::Tables;
        let all: Vec<ColumnSource> = resolved
            .relations
            .iter()
            .flat_map(|reference| {
                reference
                    .columns
                    .iter()
                    .map(|column| ColumnSource { relation: reference.relation, index: column.index })
            })
            .collect();
        for relation in temporary {
            let mut lineage = Lineage::new(owned(view, text)?);
            lineage.rows = decides(view, resolved, None);
            for trace in values(view, &all) {
                push(&mut lineage.rows, trace);
            }
            flows.push(Flow { into: Into::Table(relation.oid), lineage });
        }
    }
    flows.retain(|flow| {
        matches!(flow.into, Into::Named(_)) || !flow.lineage.rows.is_empty() || !flow.lineage.columns.is_empty()
    });
    if flows.is_empty() && changes == Changes::Values {
        return Ok(None);
    }
    Ok(Some(Arc::new(Keeping { changes, flows: flows.into() })))
}

/// Where the relation stands that the statement itself writes to.
fn topmost(tree: &Node) -> Option<i32> {
    let range = match tree.node.as_ref()? {
        NodeEnum::InsertStmt(insert) => insert.relation.as_ref(),
        NodeEnum::UpdateStmt(update) => update.relation.as_ref(),
        NodeEnum::MergeStmt(merge) => merge.relation.as_ref(),
        NodeEnum::CopyStmt(copy) => copy.relation.as_ref(),
        NodeEnum::PrepareStmt(prepare) => return topmost(prepare.query.as_deref()?),
        NodeEnum::ExplainStmt(explain) => return topmost(explain.query.as_deref()?),
        _another => None,
    };
    range.map(|range| range.location)
}

/// Whose a temporary table will be.
fn owned(view: &View, text: &str) -> Result<Owner, Box<Refusal>> {
    view.owner().ok_or_else(|| {
        Box::new(report::not_understood(view, text, &NotUnderstood::new("a temporary table without a purpose", None)))
    })
}

/// Refuses to keep what was read of rows that conditions bound: it would go on being there after consent is withdrawn.
fn keeps_no_hidden_rows(view: &View, text: &str, resolved: &Resolved) -> Result<(), Box<Refusal>> {
    let bound = view.bound();
    if view.purpose().is_some_and(|purpose| bound.policy().keeps_rows(purpose)) {
        return Ok(());
    }
    for reference in &resolved.relations {
        let Some(relation) = bound.catalog().relation(reference.relation) else { continue };
        let written = resolved.writes.iter().find(|write| write.at == reference.at);
        let only_inserted = written.is_some_and(|write| write.verbs.iter().all(|verb| *verb == Verb::Insert));
        let named_only = reference.place == Place::Target && reference.columns.is_empty() && written.is_none();
        if only_inserted || named_only || !bound.ruling(view.reader(), relation).hides_rows() {
            continue;
        }
        let name = quote_qualified(&relation.schema, &relation.name);
        let message = format!(
            "{} may not keep rows of {name} in a temporary table: conditions decide which it sees",
            report::reader(view).unwrap_or_default()
        );
        let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .with_detail("The table would go on showing them where a condition, such as consent, no longer does.")
            .with_hint("The policy can let a purpose keep them: temporary_rows = \"kept\".");
        return Err(Box::new(refusal.with_position(text, u32::try_from(reference.origin).ok())));
    }
    Ok(())
}

/// What decides which rows are stored or changed.
fn decides(view: &View, resolved: &Resolved, write: Option<&Write>) -> Vec<Trace> {
    let mut traces = Vec::new();
    let deciding = control(view, &resolved.relations, write.map(|write| write.at));
    let met = conditions(view, &resolved.relations, write).into_iter().flat_map(|condition| condition.columns);
    for Flowing { origin, own: _ } in deciding.into_iter().chain(met) {
        if let Some(trace) = trace(view, origin) {
            push(&mut traces, trace);
        }
    }
    traces
}

/// What values depend on, of which the purpose learns something.
fn values(view: &View, sources: &[ColumnSource]) -> Vec<Trace> {
    let mut traces = Vec::new();
    for source in sources {
        for origin in expanded(view, Origin::Column(*source)) {
            if super::flow::tells(view, origin)
                && let Some(trace) = trace(view, origin)
            {
                push(&mut traces, trace);
            }
        }
    }
    traces
}

fn push(traces: &mut Vec<Trace>, trace: Trace) {
    if !traces.contains(&trace) {
        traces.push(trace);
    }
}

fn add(lineage: &mut Lineage, number: AttNum, traces: Vec<Trace>) {
    if !traces.is_empty() {
        lineage.columns.push((number, traces));
    }
}

/// An origin by numbers that last.
fn trace(view: &View, origin: Origin) -> Option<Trace> {
    let bound = view.bound();
    let of = |source: ColumnSource| {
        let relation = bound.catalog().relation(source.relation)?;
        let ruling = bound.ruling(view.reader(), relation);
        let column = ruling.columns.get(source.index)?;
        Some((relation.oid, column.number, column.effect.clone()))
    };
    Some(match origin {
        Origin::Column(source) => {
            let (relation, number, effect) = of(source)?;
            Trace::Column { relation, number, effect }
        }
        Origin::Stored(source) => {
            let (relation, number, _) = of(source)?;
            Trace::Stored { relation, number }
        }
        Origin::Rows(oid) => {
            let ruling = bound.ruling(view.reader(), bound.catalog().relation(oid)?);
            Trace::Rows { relation: oid, seen: if ruling.hides_rows() { Seen::Some } else { Seen::All } }
        }
    })
}

/// What an origin comes down to: of a temporary table, what that was made of.
pub(super) fn expanded(view: &View, origin: Origin) -> Vec<Origin> {
    let bound = view.bound();
    let traces: Vec<&Trace> = match origin {
        Origin::Column(source) | Origin::Stored(source) => match bound.traces_of(source) {
            Some(traces) => traces,
            None => return vec![origin],
        },
        Origin::Rows(oid) => match bound.traces_of_rows(oid) {
            Some(traces) => traces.iter().collect(),
            None => return vec![origin],
        },
    };
    let source = |relation: Oid, number: AttNum| {
        let known = bound.catalog().relation(relation)?;
        let index = known.columns.iter().position(|column| column.number == number)?;
        Some(ColumnSource { relation, index })
    };
    let origin = |trace: &&Trace| match trace {
        Trace::Column { relation, number, effect: _ } => source(*relation, *number).map(Origin::Column),
        Trace::Stored { relation, number } => source(*relation, *number).map(Origin::Stored),
        Trace::Rows { relation, seen: _ } => Some(Origin::Rows(*relation)),
    };
    // INVARIANT: a table whose sources are gone is not usable, so nothing is left out here.
    traces.iter().filter_map(origin).collect()
}
