//! Sequences: who may draw from them.

use super::report;
use super::view::View;
use crate::analyze::SequenceUse;
use crate::catalog::quote_qualified;
use crate::policy::{Effect, PurposeId};
use crate::vocab::{Oid, Refusal, Right, SqlState};

/// Checks the sequences that a statement draws from: who may insert where the numbers go may draw them.
pub(super) fn check_sequences(view: &View, text: &str, sequences: &[SequenceUse]) -> Result<(), Box<Refusal>> {
    let bound = view.bound();
    let catalog = bound.catalog();
    for SequenceUse { sequence, at } in sequences {
        if view.purpose().is_some_and(|purpose| has_a_column(view, purpose, *sequence, &[Right::Insert])) {
            continue;
        }
        let name = catalog.relation(*sequence).map_or_else(String::new, |s| quote_qualified(&s.schema, &s.name));
        let message = match report::purpose_name(view) {
            Some(purpose) => format!("purpose \"{purpose}\" may not draw from sequence {name}"),
            None => format!("no purpose is declared, so sequence {name} may not be drawn from"),
        };
        let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .with_detail("Only who may insert into a column that the sequence numbers may draw from it.")
            .with_position(text, *at);
        return Err(Box::new(refusal));
    }
    Ok(())
}

/// Whether a purpose learns which numbers a sequence gives: it may draw them, or read where they go.
pub(super) fn sees_numbers(view: &View, purpose: PurposeId, sequence: Oid) -> bool {
    has_a_column(view, purpose, sequence, &[Right::Insert, Right::Read])
}

/// Whether a purpose has one of these rights to a column that the sequence numbers.
fn has_a_column(view: &View, purpose: PurposeId, sequence: Oid, rights: &[Right]) -> bool {
    let bound = view.bound();
    let catalog = bound.catalog();
    let users = catalog.snapshot().sequence_users.iter().filter(|user| user.sequence == sequence);
    let mut tables = users.filter_map(|user| Some((catalog.relation(user.table)?, user.column)));
    tables.any(|(table, number)| {
        rights.iter().any(|right| {
            let ruling = bound.ruling_for(Some(purpose), *right, table);
            ruling.columns.iter().any(|column| column.number == number && column.effect == Effect::Allow)
        })
    })
}
