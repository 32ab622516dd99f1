//! Statements around statements: EXPLAIN, PREPARE, EXECUTE, cursors, locks, channels.

use super::judge::data;
use super::plan::{Names, Plan, Sight};
use super::report;
use super::view::{Encoding, View};
use crate::analyze::{Place, RelationUse};
use crate::catalog::RelationKind;
use crate::policy::RelationRuling;
use crate::sql::{Declare, Hold, Kind, Signal};
use crate::vocab::{NotUnderstood, Oid, Refusal, SqlState};
use pg_query::protobuf::Node;
use std::sync::Arc;

/// Judges a utility whose tree holds what it is about.
pub(super) fn judge(view: &View, text: &str, kind: &Kind, tree: Node) -> Result<Plan, Box<Refusal>> {
    let refuse = |what: &str| Err(Box::new(report::not_understood(view, text, &NotUnderstood::new(what, None))));
    if view.encoding() == Encoding::Overlapping {
        return refuse(super::OVERLAPPING);
    }
    let rewritten = data(view, text, tree)?;
    match kind {
        Kind::Explain => match rewritten.sight {
            Sight::Whole => {}
            Sight::Columns | Sight::Rows => return Err(Box::new(plan_refusal())),
        },
        Kind::Declare(Declare { name: _, hold: Hold::With }) if rewritten.sight == Sight::Rows => {
            return Err(Box::new(held_refusal()));
        }
        Kind::Declare(_) if rewritten.names == Names::Late => {
            return refuse(
                "a cursor over functions that run SQL given as text, whose names may mean something else when it is read,",
            );
        }
        Kind::Declare(_) | Kind::Prepare(_) | Kind::Execute(_) | Kind::Lock | Kind::Define(_) => {}
        Kind::Read
        | Kind::Unread
        | Kind::Write
        | Kind::Bulk
        | Kind::Call
        | Kind::Transaction(_)
        | Kind::Set(_)
        | Kind::Show(_)
        | Kind::Discard(_)
        | Kind::Deallocate(_)
        | Kind::Fetch(_)
        | Kind::Close(_)
        | Kind::Signal(_)
        | Kind::Other(_) => return refuse("a utility of another kind"),
    }
    Ok(Plan::Rewrite(rewritten))
}

/// The refusal for a plan of relations that are not seen whole: its costs and estimates, and which plan it is, depend on
/// the size of the table with all its columns and rows, and on statistics of them.
pub fn plan_refusal() -> Refusal {
    Refusal::new(
        SqlState::INSUFFICIENT_PRIVILEGE,
        "the plan of a statement that does not see its tables whole is not shown",
    )
    .with_detail("Costs and estimates tell of hidden rows, and of closed columns.")
    .with_hint("Explain it under a purpose that sees every row and column of its tables.")
}

/// The refusal for a cursor that would go on showing rows after what hides them has changed.
fn held_refusal() -> Refusal {
    let message = "a cursor WITH HOLD over a table whose rows are filtered is not understood";
    Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        .with_detail("It would keep showing rows that the policy hides by now, such as after a withdrawn consent.")
        .with_hint("Declare it without WITH HOLD, and read it in the same transaction.")
}

/// LISTEN, UNLISTEN and NOTIFY. What is sent to a channel reaches everyone who listens, whatever their purpose.
pub(super) fn signal(view: &View, text: &str, signal: &Signal) -> Result<Plan, Box<Refusal>> {
    let (channel, word) = match signal {
        Signal::Unlisten(_) => return Ok(Plan::Forward),
        Signal::Listen(channel) => (channel, "listen to"),
        Signal::Notify(channel) => (channel, "notify"),
    };
    may_signal(view, text, channel, word, None).map(|()| Plan::Forward)
}

/// Whether the purpose in force may use a channel.
pub(super) fn may_signal(
    view: &View,
    text: &str,
    channel: &str,
    word: &str,
    at: Option<u32>,
) -> Result<(), Box<Refusal>> {
    let policy = view.bound().policy();
    if view.purpose().is_some_and(|purpose| policy.may_signal(purpose, channel)) {
        return Ok(());
    }
    let message = match report::reader(view) {
        Some(reader) => format!("{reader} may not {word} the channel \"{channel}\""),
        None => format!("no purpose is declared, so the channel \"{channel}\" may not be used"),
    };
    let hint = format!("The policy's purposes name their channels: listen = [\"{channel}\"].");
    Err(Box::new(Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_hint(hint).with_position(text, at)))
}

/// How much of a relation a statement sees that refers to it.
pub(super) fn sight(view: &View, reference: &RelationUse, ruling: &Arc<RelationRuling>) -> Sight {
    if !ruling.rows.is_empty() {
        return Sight::Rows;
    }
    if matches!(reference.place, Place::View | Place::Inlined) {
        // What it reads has references of its own.
        return Sight::Whole;
    }
    if ruling.whole() && is_seen_whole(view, reference.relation) { Sight::Whole } else { Sight::Columns }
}

/// Whether a relation and everything below it are tables that hide nothing.
pub(super) fn is_seen_whole(view: &View, relation: Oid) -> bool {
    let bound = view.bound();
    let mut left = vec![relation];
    let mut seen: Vec<Oid> = Vec::new();
    while let Some(oid) = left.pop() {
        if seen.contains(&oid) {
            continue;
        }
        seen.push(oid);
        let Some(relation) = bound.catalog().relation(oid) else { return false };
        let table = match relation.kind {
            RelationKind::Table | RelationKind::PartitionedTable => true,
            // What they read has statistics of its own.
            RelationKind::View
            | RelationKind::MaterializedView
            | RelationKind::ForeignTable
            | RelationKind::Sequence => false,
        };
        if !table || !bound.ruling(view.reader(), relation).whole() {
            return false;
        }
        left.extend_from_slice(bound.catalog().children(oid));
    }
    true
}
