//! Refusals in words: what was closed, to which purpose, by which rule and clause, and what could be declared instead.

use super::view::View;
use crate::catalog::{Column, Relation, quote_identifier, quote_qualified};
use crate::policy::RowCondition;
use crate::policy::{ColumnRuling, Opens};
use crate::vocab::{AttNum, Cause, Closed, NotUnderstood, Oid, Refusal, Right, SqlState, Unresolved, Usage};
use std::fmt::Write as _;
use std::sync::Arc;

/// How many purposes a hint names.
const PURPOSES_IN_HINT: usize = 8;
/// How many columns a message names before it says how many more there are.
const COLUMNS_IN_MESSAGE: usize = 12;

/// The refusal for columns that are closed to a right. `places` says which columns of the catalog they are, for the hint.
pub(super) fn closed(
    view: &View,
    text: &str,
    right: Right,
    closed: Vec<Closed>,
    places: &[(Oid, Option<AttNum>)],
    at: Option<u32>,
) -> Refusal {
    let names: Vec<String> = closed.iter().map(name_of).collect();
    let named = listed(&names, COLUMNS_IN_MESSAGE);
    let message = match reader(view) {
        Some(reader) => format!("{reader} may not {} {named}", right.word()),
        None if right == Right::Read => format!("no purpose is declared, so {named} may not be read"),
        None => format!("no purpose is declared, so nothing may be written to {named}"),
    };
    let detail = detail(&closed);
    let hint = hint(view, right, places);
    let mut refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_position(text, at);
    refusal.detail = Some(detail);
    refusal.hint = hint;
    refusal.closed = closed;
    refusal
}

/// `public.messages.body`, or `the rows of public.messages`.
pub(super) fn name_of(closed: &Closed) -> String {
    match &closed.column {
        Some(column) => format!("{}.{}", closed.relation, crate::catalog::quote_identifier(column)),
        None => format!("the rows of {}", closed.relation),
    }
}

fn listed(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// One line for each reason, with the columns it closes.
pub(super) fn detail(closed: &[Closed]) -> String {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for column in closed {
        let reason = reason(column);
        let name = column.column.as_deref().unwrap_or("(rows)");
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    let mut out = String::new();
    for (reason, names) in reasons {
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = write!(out, "{}: {reason}", names.join(", "));
    }
    out
}

pub(super) fn reason(closed: &Closed) -> String {
    let mut out = String::new();
    if !closed.categories.is_empty() {
        let _ = write!(out, "category {}", closed.categories.join(", "));
        if let Some(subject) = &closed.subject {
            let _ = write!(out, " of {subject}");
        }
        out.push_str("; ");
    }
    if let Some(through) = &closed.through {
        let _ = write!(out, "read through {through}; ");
    }
    match &closed.cause {
        Cause::Rule { rule, clause } => {
            let _ = write!(out, "rule \"{rule}\"");
            if let Some(clause) = clause {
                let _ = write!(out, ", {}", clause.quoted());
            }
        }
        Cause::Mask { rule, why } => {
            let _ = write!(out, "rule \"{rule}\", but {why}");
        }
        Cause::NoRule => out.push_str("no rule permits it"),
        Cause::Untagged => out.push_str("it carries no tag, and untagged columns are denied"),
        Cause::NoPurpose => out.push_str("tagged data is read for a purpose only"),
        Cause::Temporary => out.push_str("a temporary table of the session"),
        Cause::System => out.push_str("a part of the system catalogs that tells of data or of other sessions"),
    }
    out
}

pub(super) fn hint(view: &View, right: Right, places: &[(Oid, Option<AttNum>)]) -> Option<String> {
    let mut purposes = view.bound().purposes_that_open(view.principal(), right, places, PURPOSES_IN_HINT);
    // Through a materialized view a purpose may be refused what it may read from the table.
    purposes.retain(|(name, _)| purpose_name(view) != Some(name));
    match (purposes.split_first(), view.purpose()) {
        (Some(((first, _), _)), _) => {
            let told = |(name, opens): &(Arc<str>, Opens)| match opens {
                Opens::AsTheyAre | Opens::Masked | Opens::Everything => format!("\"{name}\""),
                Opens::InAggregates => format!("\"{name}\" (in aggregates)"),
            };
            let all = purposes.iter().map(told).collect::<Vec<_>>().join(", ");
            Some(format!("This role may declare {all} for this, e.g. SET wherefore.purpose = '{first}'."))
        }
        (None, None) => {
            let policy = view.bound().policy();
            let may: Vec<String> =
                view.principal().purposes.iter().map(|id| policy.purpose_name(*id).to_string()).collect();
            Some(match (may.is_empty(), &view.principal().disagreement) {
                (true, Some(disagreement)) => disagreement.words(),
                (true, None) => "This role may declare no purpose.".to_owned(),
                (false, _) => format!("This role may declare {}: SET wherefore.purpose = '…'.", may.join(", ")),
            })
        }
        (None, Some(_)) => Some("No purpose that this role may declare opens this.".to_owned()),
    }
}

/// The rule that asks for a condition, and its clause.
pub(super) fn of_condition(row: &RowCondition) -> String {
    let clause = row.clause.as_ref().map_or_else(String::new, |clause| format!(", {}", clause.quoted()));
    format!("rule \"{}\"{clause}", row.rule)
}

/// A column that the purpose gets, but not for this.
pub(super) fn closed_usage(
    view: &View,
    text: &str,
    relation: &Relation,
    column: &Column,
    verdict: &ColumnRuling,
    (usage, cause): (Usage, &Cause),
    at: Option<u32>,
) -> Refusal {
    let closed = Closed {
        relation: quote_qualified(&relation.schema, &relation.name).into(),
        column: Some(Arc::clone(&column.name)),
        categories: Arc::clone(&verdict.categories),
        subject: verdict.subject.clone(),
        through: None,
        cause: cause.clone(),
    };
    let does = match usage {
        Usage::Output => "show or store",
        Usage::Filter | Usage::Lookup => "filter by",
        Usage::Join => "join by",
        Usage::Group => "group by",
        Usage::Sort => "sort by",
        Usage::Aggregate => "aggregate",
    };
    let (name, purpose) = (name_of(&closed), purpose_name(view).map_or("", |purpose| purpose));
    let message = format!("purpose \"{purpose}\" may not {does} {name} (usage {})", usage.word());
    let detail = detail(std::slice::from_ref(&closed));
    let mut refusal =
        Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_detail(detail).with_position(text, at);
    refusal.closed = vec![closed];
    refusal
}

/// The refusal for a condition on a column that may only be looked up in.
pub(super) fn looked_up_only(
    view: &View,
    text: &str,
    relation: &Relation,
    column: &Column,
    verdict: &ColumnRuling,
    at: Option<u32>,
) -> Refusal {
    let closed = Closed {
        relation: quote_qualified(&relation.schema, &relation.name).into(),
        column: Some(Arc::clone(&column.name)),
        categories: Arc::clone(&verdict.categories),
        subject: verdict.subject.clone(),
        through: None,
        cause: verdict.cause.clone(),
    };
    let (name, reader) = (name_of(&closed), reader(view).unwrap_or_default());
    let message = format!("{reader} may look {name} up by one given value, and filter by it in no other way");
    let hint = format!(
        "Write {} = $1 as a condition of the statement's own WHERE, beside nothing but AND, and once; not through a view.",
        quote_identifier(&column.name)
    );
    let detail = detail(std::slice::from_ref(&closed));
    let mut refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_detail(detail).with_hint(hint);
    refusal.closed = vec![closed];
    refusal.with_position(text, at)
}

/// The refusal for what is not understood.
pub(super) fn not_understood(view: &View, text: &str, reason: &NotUnderstood) -> Refusal {
    let message = match reader(view) {
        Some(reader) => format!("{reader} is restricted, and {} is not understood", reason.what),
        None => format!("no purpose is declared, and {} is not understood", reason.what),
    };
    Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        .with_detail("Under a restricted purpose only what is understood is sent to the database.")
        .with_position(text, reason.at)
}

/// The refusal for a name that does not resolve, in Postgres's own words.
pub(super) fn unresolved(text: &str, reason: &Unresolved) -> Refusal {
    Refusal::new(reason.code, reason.message.as_ref()).with_position(text, reason.at)
}

/// Who reads, in words: `purpose "delivery" for recipient "provider"`.
pub(super) fn reader(view: &View) -> Option<String> {
    view.reader().map(|reader| view.bound().policy().reader_words(reader))
}

pub(super) fn purpose_name(view: &View) -> Option<&Arc<str>> {
    view.purpose().map(|purpose| view.bound().policy().purpose_name(purpose))
}
