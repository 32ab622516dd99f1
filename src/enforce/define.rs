//! Whether a purpose may define what a statement defines: tables, views, indexes.
//!
//! It takes the right, `ddl = true`. What a definition reads is judged as any read. Beside it, a definition must not tell of
//! what is hidden (a unique index fails where two hidden rows are alike), keep a guard that was put in for one purpose, or
//! leave what was read where others may read it.

use super::flow;
use super::judge::{context, data};
use super::plan::Plan;
use super::report;
use super::utility::is_seen_whole;
use super::view::{Encoding, View};
use crate::analyze::{Definition, Openness, Place, Resolved, Rulings, Runs, drop_own, is_temporary};
use crate::catalog::{RelationKind, quote_qualified};
use crate::policy::{ColumnRuling, Effect};
use crate::vocab::{Cause, NotUnderstood, Refusal, Right, SqlState};
use pg_query::protobuf::Node;
use std::sync::Arc;

/// What [`crate::sql::Kind::Define`] calls `COMMENT ON`.
const COMMENT: &str = "COMMENT";

/// Judges a definition.
pub(super) fn judge(view: &View, text: &str, words: &str, mut tree: Node) -> Result<Plan, Box<Refusal>> {
    if view.encoding() == Encoding::Overlapping {
        let reason = NotUnderstood::new(super::OVERLAPPING, None);
        return Err(Box::new(report::not_understood(view, text, &reason)));
    }
    if let Err(refused) = may_define(view, words) {
        if view.purpose().is_none() || !is_temporary(&tree, &context(view)) {
            return Err(refused);
        }
        // Of what nobody has seen only a table of the session's own may go.
        drop_own(&mut tree, &context(view));
    }
    if words == COMMENT && view.bound().policy().reads_comments() {
        let purpose = report::purpose_name(view).map_or("", |name| &**name);
        let message = format!("purpose \"{purpose}\" may not comment: the policy reads its tags from comments");
        let hint = "Whoever comments changes the policy: do it under an unrestricted purpose, or around the proxy.";
        return Err(Box::new(Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_hint(hint)));
    }
    data(view, text, tree).map(Plan::Rewrite)
}

/// Whether the purpose may define what others see.
fn may_define(view: &View, words: &str) -> Result<(), Box<Refusal>> {
    if view.purpose().is_some_and(|purpose| view.bound().policy().may_define(purpose)) {
        return Ok(());
    }
    let message = match report::reader(view) {
        Some(reader) => format!("{reader} may not change the schema ({words})"),
        None => format!("no purpose is declared, so the schema may not be changed ({words})"),
    };
    let hint = "The policy says which purposes may: ddl = true.";
    Err(Box::new(Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_hint(hint)))
}

/// Holds a definition whose query is permitted against the rules above.
pub(super) fn permit(view: &View, text: &str, resolved: &Resolved) -> Result<(), Box<Refusal>> {
    let Some(definition) = &resolved.definition else { return Ok(()) };
    let Definition { runs, fresh, made, over, dropped, temporary } = definition;
    let bound = view.bound();
    if *temporary {
        return Ok(());
    }
    may_define(view, "of what is not temporary")?;
    if let Some((schema, name)) = fresh.as_ref().filter(|(schema, name)| bound.policy().declares(schema, name)) {
        let message = format!("the policy declares what {} is", quote_qualified(schema, name));
        let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .with_detail("What is made under this name would be shown as what was declared.")
            .with_hint("Make it under an unrestricted purpose, or under another name.");
        return Err(Box::new(refusal));
    }
    let name = |oid: &u32| {
        let relation = bound.catalog().relation(*oid);
        relation.map_or_else(String::new, |relation| quote_qualified(&relation.schema, &relation.name))
    };
    let reader = report::reader(view).unwrap_or_default();
    for (oid, at) in over {
        if !is_seen_whole(view, *oid) {
            let message = format!(
                "{reader} may not define anything over {}, of which something is closed to it or filtered",
                name(oid)
            );
            let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
                .with_detail("Whether it succeeds, and what is written later, would tell of it.".to_owned());
            return Err(Box::new(refusal.with_position(text, *at)));
        }
    }
    for (oid, at) in dropped {
        let Some(relation) = bound.catalog().relation(*oid) else { continue };
        for relation in bound.catalog().with_descendants(relation) {
            let ruling = bound.ruling_for(view.reader(), Right::Delete, relation);
            let tagged = |column: &&ColumnRuling| column.effect != Effect::Allow && column.cause != Cause::Untagged;
            let kept = !relation.is_by_lineage() && ruling.columns.iter().any(|column| tagged(&column));
            let hides = !bound.ruling(view.reader(), relation).rows.is_empty() || !ruling.rows.is_empty();
            if kept || hides {
                let message = format!("{reader} may not drop {}, whose rows it may not delete", name(oid));
                return Err(Box::new(Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_position(text, *at)));
            }
        }
    }
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
