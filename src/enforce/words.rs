//! What was decided, in words, for people: what `wherefore explain` and `EXPLAIN (WHEREFORE)` say.

use super::explain::{ColumnReport, Explanation, RelationReport};
use super::plan::Plan;
use super::view::{Limits, View};
use crate::policy::Effect;
use crate::sql::Kind;
use crate::vocab::{Cause, Usage, UsageSet};

/// What the purpose gets of a column.
pub fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Allow => "the value".to_owned(),
        Effect::Mask(mask) => mask.words(),
        Effect::Aggregate(aggregate) => aggregate.to_string(),
        Effect::Deny => "nothing".to_owned(),
    }
}

/// The usages that are closed.
pub fn not_for(closed: UsageSet) -> String {
    let words: Vec<&str> = closed.iter().map(Usage::word).collect();
    if words.is_empty() { String::new() } else { format!(", not for {}", words.join(", ")) }
}

/// Why.
pub fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Rule { rule, clause: Some(clause) } => format!("rule {rule}, clause {}", clause.id),
        Cause::Rule { rule, clause: None } => format!("rule {rule}"),
        Cause::Mask { rule, why } => format!("rule {rule}, but {why}"),
        Cause::NoRule => "no rule permits it".to_owned(),
        Cause::Untagged => "it carries no tag".to_owned(),
        Cause::NoPurpose => "no purpose is declared".to_owned(),
        Cause::Temporary => "it is a temporary table of the session".to_owned(),
        Cause::System => "it belongs to the system".to_owned(),
    }
}

/// The kind of a statement.
pub fn kind(kind: &Kind) -> &str {
    match kind {
        Kind::Read => "read",
        Kind::Unread => "not read",
        Kind::Write | Kind::Bulk => "write",
        Kind::Call => "CALL",
        Kind::Transaction(_) => "transaction control",
        Kind::Set(_) => "setting",
        Kind::Show(_) => "SHOW",
        Kind::Discard(_) => "DISCARD",
        Kind::Deallocate(_) => "DEALLOCATE",
        Kind::Explain => "EXPLAIN",
        Kind::Prepare(_) => "PREPARE",
        Kind::Execute(_) => "EXECUTE",
        Kind::Declare(_) => "DECLARE CURSOR",
        Kind::Fetch(_) => "FETCH",
        Kind::Close(_) => "CLOSE",
        Kind::Lock => "LOCK TABLE",
        Kind::Define(words) => words,
        Kind::Signal(_) => "LISTEN or NOTIFY",
        Kind::Other(words) => words,
    }
}

/// How a relation stands in what is sent, given what becomes of the statement.
pub fn stands(relation: &RelationReport, plan: &Plan) -> &'static str {
    match (relation.guarded, plan) {
        (false, _) if relation.rows.is_empty() => ", open as it is",
        (false, _) => ", some of its rows",
        (true, Plan::Forward | Plan::Rewrite(_)) => ", a guard stands in for it",
        (true, Plan::Refuse(_)) => ", not open as it is",
    }
}

/// The explanation of one statement, line by line.
pub(super) fn lines(view: &View, limits: &Limits, explanation: &Explanation) -> Vec<String> {
    let mut lines = vec![format!("kind: {}", kind(&explanation.kind))];
    let policy = view.bound().policy();
    lines.push(format!("purpose: {}", view.purpose().map_or("none", |purpose| policy.purpose_name(purpose))));
    if view.shadowed() {
        lines.push("mode: shadow: it passes as it was sent; this is what would become of it".to_owned());
    }
    if let Some(recipient) = view.principal().recipient {
        lines.push(format!("recipient: {}", policy.recipient_name(recipient)));
    }
    for relation in &explanation.relations {
        let stands = stands(relation, &explanation.plan);
        lines.push(format!("relation: {} AS {}{stands}", relation.relation, relation.alias));
        lines.extend(relation.columns.iter().map(column));
        lines.extend(relation.rows.iter().map(|row| {
            let clause = row.clause.as_ref().map_or_else(String::new, |clause| format!(", clause {clause}"));
            format!("    only rows where: {} (rule {}{clause})", row.condition, row.rule)
        }));
    }
    match &explanation.plan {
        Plan::Forward if !view.restricted() => {
            lines.push("decision: permitted, sent as it is: the purpose does not restrict".to_owned());
        }
        Plan::Forward => lines.push("decision: permitted, sent as it is".to_owned()),
        Plan::Rewrite(rewritten) => {
            lines.push("decision: permitted, rewritten".to_owned());
            lines.push(format!("sent: {}", rewritten.text));
        }
        Plan::Refuse(refusal) => {
            lines.push(format!("decision: refused ({})", refusal.code.0));
            lines.push(format!("message: {}", refusal.message));
            let more = [("detail", &refusal.detail), ("hint", &refusal.hint)];
            lines.extend(more.into_iter().filter_map(|(name, text)| Some(format!("{name}: {}", text.as_ref()?))));
        }
    }
    lines.extend(explanation.nearest(view, limits).iter().map(|text| format!("permitted instead: {text}")));
    lines
}

/// `    email: output; contact.email of user; nothing (rule r, clause c)`
fn column(column: &ColumnReport) -> String {
    let usages: Vec<&str> = column.usages.iter().map(Usage::word).collect();
    let of = column.subject.as_ref().map_or_else(String::new, |subject| format!(" of {subject}"));
    let categories = column.categories.join(", ");
    let gets = format!("{}{}", effect(&column.effect), not_for(column.closed));
    let by = cause(&column.cause);
    format!("    {}: {}; {categories}{of}; {gets} ({by})", column.column, usages.join(", "))
}
