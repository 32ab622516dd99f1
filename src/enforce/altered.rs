//! What a definition does to relations that are there: what it evaluates over their rows, what goes with it, and what its new
//! names would open.

use super::report;
use super::utility::is_seen_whole;
use super::view::View;
use crate::analyze::{Dropped, Of, Over, Touch};
use crate::catalog::{Relation, RelationKind, Step, quote_identifier, quote_qualified};
use crate::policy::{ColumnRuling, Effect, Widened};
use crate::vocab::{Cause, Oid, Refusal, Right, SqlState};
use std::sync::Arc;

fn name(relation: &Relation) -> String {
    quote_qualified(&relation.schema, &relation.name)
}

fn refused(message: String, detail: &str, text: &str, at: Option<u32>) -> Box<Refusal> {
    let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_detail(detail.to_owned());
    Box::new(refusal.with_position(text, at))
}

/// Whether the purpose may know what is evaluated, and may delete what goes.
pub(super) fn permit(view: &View, text: &str, over: &[Over], dropped: &[Dropped]) -> Result<(), Box<Refusal>> {
    let catalog = view.bound().catalog();
    let reader = report::reader(view).unwrap_or_default();
    for Over { relation, of, at } in over {
        let Some(named) = catalog.relation(*relation) else { continue };
        let name = name(named);
        let seen = match of {
            Of::Whole => is_seen_whole(view, *relation),
            Of::Columns(columns) => sees(view, named, columns),
        };
        if !seen {
            let message =
                format!("{reader} may not define anything over {name}, of which something is closed to it or filtered");
            let detail = "Whether it succeeds, and what is written later, would tell of it.";
            return Err(refused(message, detail, text, *at));
        }
    }
    for Dropped { relation, columns, at } in dropped {
        let Some(named) = catalog.relation(*relation) else { continue };
        for relation in catalog.with_descendants(named) {
            if !may_go(view, relation, columns.as_deref()) {
                let what = match columns.as_deref() {
                    Some([column, ..]) => format!("{}.{}, whose values", name(named), quote_identifier(column)),
                    Some([]) | None => format!("{}, whose rows", name(named)),
                };
                let message = format!("{reader} may not drop {what} it may not delete");
                return Err(Box::new(Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_position(text, *at)));
            }
        }
    }
    Ok(())
}

/// Whether every row of a table and its children is shown, and these columns as they are.
fn sees(view: &View, relation: &Relation, columns: &[Arc<str>]) -> bool {
    view.bound().catalog().with_descendants(relation).into_iter().all(|relation| {
        let ruling = view.bound().ruling(view.reader(), relation);
        let is_table = matches!(relation.kind, RelationKind::Table | RelationKind::PartitionedTable);
        let open = |name: &Arc<str>| {
            let index = relation.columns.iter().position(|column| column.name == *name);
            index.is_none_or(|index| ruling.is_raw(index))
        };
        is_table && ruling.countable() && !ruling.hides_rows() && columns.iter().all(open)
    })
}

/// Whether what is in a relation may be deleted, or in columns of it.
fn may_go(view: &View, relation: &Relation, columns: Option<&[Arc<str>]>) -> bool {
    let bound = view.bound();
    let ruling = bound.ruling_for(view.reader(), Right::Delete, relation);
    let meant = |column: &ColumnRuling| {
        let known = relation.columns.iter().find(|known| known.number == column.number);
        columns.is_none_or(|columns| known.is_some_and(|known| columns.contains(&known.name)))
    };
    let tagged = |column: &&ColumnRuling| column.effect != Effect::Allow && column.cause != Cause::Untagged;
    let kept = !relation.is_by_lineage() && ruling.columns.iter().filter(|column| meant(column)).any(|c| tagged(&c));
    let hides = !bound.ruling(view.reader(), relation).rows.is_empty() || !ruling.rows.is_empty();
    !kept && !hides
}

/// Whether what a definition calls by other names, or keeps otherwise, opens nothing to anybody.
pub(super) fn permit_names(view: &View, text: &str, steps: &[Step]) -> Result<(), Box<Refusal>> {
    let bound = view.bound();
    if steps.is_empty() {
        return Ok(());
    }
    let Some(Widened { reader, right, relation, column }) = bound.widened_by(steps) else { return Ok(()) };
    let what = match column {
        Some(column) => format!("{}.{}", name(&relation), quote_identifier(&column)),
        None => format!("the rows of {}", name(&relation)),
    };
    let reader = bound.policy().reader_words(reader);
    let message = format!("after this {reader} could {} more of {what} than before", right.word());
    let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
        .with_detail("The policy goes by names, and by what the server keeps.")
        .with_hint("Change the policy with it, and define it under an unrestricted purpose.");
    Err(Box::new(refusal.with_position(text, None)))
}

/// Whether what a definition changes, or gives a name to, is nothing by which others find what they read.
pub(super) fn permit_touches(
    view: &View,
    text: &str,
    steps: &[Step],
    touches: &[(Touch, Option<u32>)],
) -> Result<(), Box<Refusal>> {
    let bound = view.bound();
    let relation = |oid: &Oid| bound.catalog().relation(*oid);
    for (touch, at) in touches {
        match touch {
            Touch::Column(oid, column) => {
                let Some(relation) = relation(oid) else { continue };
                let what = || format!("{}.{}", name(relation), quote_identifier(column));
                if bound.decides(relation, column) {
                    return Err(deciding(&what(), text, *at));
                }
                if let Some(by) = bound.speaks_of_column(relation, column) {
                    return Err(spoken(&by, &what(), text, *at));
                }
            }
            Touch::Default(oid, column) => {
                let Some(relation) = relation(oid) else { continue };
                let all = bound.catalog().with_descendants(relation);
                if !all.into_iter().all(|relation| may_fill(view, Right::Insert, relation, column)) {
                    return Err(planting(view, &format!("{}.{}", name(relation), quote_identifier(column)), text, *at));
                }
            }
            Touch::Filled(oid, column) => {
                let Some(relation) = relation(oid) else { continue };
                if view.reader().is_none_or(|reader| bound.plants_after(steps, reader, *oid, column)) {
                    return Err(planting(view, &format!("{}.{}", name(relation), quote_identifier(column)), text, *at));
                }
            }
            Touch::Type(oid, column) => {
                let Some(relation) = relation(oid) else { continue };
                let all = bound.catalog().with_descendants(relation);
                if all.into_iter().any(|relation| bound.is_transformed(relation, column)) {
                    let what = format!("{}.{}", name(relation), quote_identifier(column));
                    let message = format!("somebody reads {what} masked or in aggregates, which depends on its type");
                    return Err(refused(message, "Define it under an unrestricted purpose.", text, *at));
                }
            }
            Touch::Rewritten(oid, column) => {
                let Some(relation) = relation(oid) else { continue };
                let all = bound.catalog().with_descendants(relation);
                if !all.into_iter().all(|relation| may_fill(view, Right::Update, relation, column)) {
                    let reader = report::reader(view).unwrap_or_default();
                    let what = format!("{}.{}", name(relation), quote_identifier(column));
                    let message = format!("{reader} may not write the values of {what} again: it may not update them");
                    return Err(refused(message, "Every value would be another.", text, *at));
                }
            }
            Touch::Rows(oid) => {
                let Some(relation) = relation(oid) else { continue };
                if bound.decides_by_rows(relation) {
                    return Err(deciding(&name(relation), text, *at));
                }
                if let Some(by) = bound.speaks_of_table(&relation.name) {
                    return Err(spoken(&by, &name(relation), text, *at));
                }
            }
            Touch::Keys(oid) => {
                let Some(relation) = relation(oid) else { continue };
                if bound.hangs_on_keys(relation) {
                    return Err(deciding(&format!("the keys of {}", name(relation)), text, *at));
                }
            }
            Touch::Name(called) => {
                if bound.names(called) {
                    return Err(deciding(&format!("what is called {}", quote_identifier(called)), text, *at));
                }
                if let Some(by) = bound.speaks_of_table(called) {
                    return Err(spoken(&by, called, text, *at));
                }
            }
            Touch::Word(word) => {
                if let Some(by) = bound.speaks_of(word) {
                    return Err(spoken(&by, &format!("\"{word}\""), text, *at));
                }
            }
            Touch::Comments => {
                if bound.policy().reads_comments() {
                    let message = "the policy reads its tags from comments, which would come with the table".to_owned();
                    return Err(refused(message, "Leave them out: EXCLUDING COMMENTS.", text, *at));
                }
            }
        }
    }
    Ok(())
}

/// Whether a purpose may decide what is in a column: what others write into it when they leave it out, or all of it.
fn may_fill(view: &View, right: Right, relation: &Relation, column: &str) -> bool {
    let bound = view.bound();
    let Some(index) = relation.columns.iter().position(|known| *known.name == *column) else { return false };
    let ruling = bound.ruling_for(view.reader(), right, relation);
    let open = |column: &ColumnRuling| column.effect == Effect::Allow || column.cause == Cause::Untagged;
    ruling.columns.get(index).is_some_and(open) && bound.ruling(view.reader(), relation).min_subjects().is_none()
}

fn planting(view: &View, what: &str, text: &str, at: Option<u32>) -> Box<Refusal> {
    let reader = report::reader(view).unwrap_or_default();
    let message = format!("{reader} may not give {what} a default: it may not insert there, or reads it transformed");
    refused(message, "Others would write what it knows.", text, at)
}

/// The refusal for what texts speak of.
pub(super) fn spoken(by: &str, what: &str, text: &str, at: Option<u32>) -> Box<Refusal> {
    let message = format!("{by} speaks of {what}, and would read something else");
    let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
        .with_detail("The policy opens or declares functions, which find out what names mean when they run.")
        .with_hint("Define it under an unrestricted purpose.");
    Box::new(refusal.with_position(text, at))
}

/// The refusal for what the policy's conditions read.
pub(super) fn deciding(what: &str, text: &str, at: Option<u32>) -> Box<Refusal> {
    let message = format!("a condition of the policy, or the subject key of a table, reads {what}");
    let detail = "What is defined here would decide who sees which rows.";
    let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
        .with_detail(detail)
        .with_hint("Define it under an unrestricted purpose.");
    Box::new(refusal.with_position(text, at))
}
