//! Whether a purpose may define what a statement defines: tables, views, indexes.
//!
//! It takes the right, `ddl = true`. What a definition reads is judged as any read. Beside it, a definition must not tell of
//! what is hidden (a unique index fails where two hidden rows are alike), keep a guard that was put in for one purpose, or
//! leave what was read where others may read it.

use super::altered;
use super::flow;
use super::judge::data;
use super::plan::Plan;
use super::report;
use super::view::{Encoding, View};
use crate::analyze::{Definition, Openness, Place, Resolved, Rulings, Runs};
use crate::catalog::{RelationKind, quote_qualified};
use crate::vocab::{NotUnderstood, Refusal, SqlState};
use pg_query::protobuf::Node;
use std::sync::Arc;

/// What [`crate::sql::Kind::Define`] calls `COMMENT ON`.
const COMMENT: &str = "COMMENT";

/// Judges a definition.
pub(super) fn judge(view: &View, text: &str, words: &str, tree: Node) -> Result<Plan, Box<Refusal>> {
    if view.encoding() == Encoding::Overlapping {
        let reason = NotUnderstood::new(super::OVERLAPPING, None);
        return Err(Box::new(report::not_understood(view, text, &reason)));
    }
    if !view.purpose().is_some_and(|purpose| view.bound().policy().may_define(purpose)) {
        let message = match report::reader(view) {
            Some(reader) => format!("{reader} may not change the schema ({words})"),
            None => format!("no purpose is declared, so the schema may not be changed ({words})"),
        };
        let hint = "The policy says which purposes may: ddl = true.";
        return Err(Box::new(Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_hint(hint)));
    }
    if words == COMMENT && view.bound().policy().reads_comments() {
        let purpose = report::purpose_name(view).map_or("", |name| &**name);
        let message = format!("purpose \"{purpose}\" may not comment: the policy reads its tags from comments");
        let hint = "Whoever comments changes the policy: do it under an unrestricted purpose, or around the proxy.";
        return Err(Box::new(Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_hint(hint)));
    }
    data(view, text, tree).map(Plan::Rewrite)
}

/// Holds a definition whose query is permitted against the rules above.
pub(super) fn permit(view: &View, text: &str, resolved: &Resolved) -> Result<(), Box<Refusal>> {
    let Some(definition) = &resolved.definition else { return Ok(()) };
    let Definition { runs, fresh, made, over, dropped, added: _, steps, touches } = definition;
    let bound = view.bound();
    if let Some((schema, name)) = fresh.as_ref().filter(|(schema, name)| bound.policy().declares(schema, name)) {
        let message = format!("the policy declares what {} is", quote_qualified(schema, name));
        let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .with_detail("What is made under this name would be shown as what was declared.")
            .with_hint("Make it under an unrestricted purpose, or under another name.");
        return Err(Box::new(refusal));
    }
    if let Some((schema, name)) = fresh {
        // Empty, too: a condition can be that nothing is there.
        if bound.decides_as(schema, name) {
            return Err(altered::deciding(&quote_qualified(schema, name), text, None));
        }
        // With a relation come the type of its rows, and an array of that.
        let array = || bound.speaks_of(&format!("_{name}"));
        if let Some(what) = bound.speaks_of_table(name).or_else(array) {
            return Err(altered::spoken(&what, name, text, None));
        }
    }
    altered::permit(view, text, over, dropped)?;
    altered::permit_touches(view, text, steps, touches)?;
    altered::permit_names(view, text, steps)?;
    if *runs == Runs::KeptQuery {
        kept_as_written(view, text, resolved)?;
    }
    made.as_ref().map_or(Ok(()), |made| flow::permit_made(view, text, resolved, made))
}

/// A query that is kept must need no guard.
fn kept_as_written(view: &View, text: &str, resolved: &Resolved) -> Result<(), Box<Refusal>> {
    for reference in &resolved.relations {
        let Some(relation) = view.bound().catalog().relation(reference.relation) else { continue };
        let raw = reference.columns.iter().all(|column| view.openness(relation, column.index) == Openness::Open);
        let inlined = reference.place == Place::Inlined;
        if !raw || view.filtered(relation) || inlined || relation.kind == RelationKind::Sequence {
            let what = format!(
                "a materialized view over {}.{}, whose rows are filtered or columns masked,",
                relation.schema, relation.name
            );
            let reason = NotUnderstood::new(Arc::<str>::from(what), u32::try_from(reference.origin).ok());
            return Err(Box::new(report::not_understood(view, text, &reason)));
        }
    }
    Ok(())
}
