//! Sequences: who may draw from them.

use super::report;
use super::view::View;
use crate::analyze::SequenceUse;
use crate::catalog::{Relation, RelationKind, quote_qualified};
use crate::policy::Reader;
use crate::vocab::{AttNum, Oid, Refusal, Right, SqlState};

/// Checks the sequences that a statement draws from or sets: who may insert where the numbers go may.
pub(super) fn check_sequences(view: &View, text: &str, sequences: &[SequenceUse]) -> Result<(), Box<Refusal>> {
    let catalog = view.bound().catalog();
    for SequenceUse { sequence, at } in sequences {
        let is_sequence = |relation: &&Relation| relation.kind == RelationKind::Sequence;
        let may_draw = |sequence: &Relation| {
            view.reader().is_some_and(|reader| has_a_column(view, reader, sequence.oid, &[Right::Insert]))
        };
        let closed = match sequence {
            Some(oid) => catalog.relation(*oid).filter(|sequence| !may_draw(sequence)),
            None => catalog.relations().iter().filter(is_sequence).find(|sequence| !may_draw(sequence)),
        };
        let Some(closed) = closed else { continue };
        let name = quote_qualified(&closed.schema, &closed.name);
        let message = match report::reader(view) {
            Some(reader) => format!("{reader} may not draw from sequence {name}"),
            None => format!("no purpose is declared, so sequence {name} may not be drawn from"),
        };
        let detail = match sequence {
            Some(_) => "Only who may insert into a column that the sequence numbers may draw from it.",
            None => "Which sequence the statement means is not known before it runs, so it could be this one.",
        };
        let refusal =
            Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_detail(detail).with_position(text, *at);
        return Err(Box::new(refusal));
    }
    Ok(())
}

/// Whether a reader learns which numbers a sequence gives: it may draw them, or read where they go.
pub(super) fn sees_numbers(view: &View, reader: Reader, sequence: Oid) -> bool {
    has_a_column(view, reader, sequence, &[Right::Insert, Right::Read])
}

/// Whether a reader has one of these rights to a column that the sequence numbers; one that numbers none is judged by
/// its own tags.
fn has_a_column(view: &View, reader: Reader, sequence: Oid, rights: &[Right]) -> bool {
    let bound = view.bound();
    let catalog = bound.catalog();
    let has = |relation: &Relation, number: Option<AttNum>| {
        rights.iter().any(|right| {
            let ruling = bound.ruling_for(Some(reader), *right, relation);
            let meant = |column: AttNum| number.is_none_or(|number| number == column);
            ruling.columns.iter().any(|column| meant(column.number) && column.effect.tells())
        })
    };
    let users = catalog.snapshot().sequence_users.iter().filter(|user| user.sequence == sequence);
    let mut users = users.peekable();
    if users.peek().is_none() {
        return catalog.relation(sequence).is_some_and(|sequence| has(sequence, None));
    }
    users.any(|user| catalog.relation(user.table).is_some_and(|table| has(table, Some(user.column))))
}
