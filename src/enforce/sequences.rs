//! Sequences: who may draw from them.

use super::report;
use super::view::View;
use crate::analyze::SequenceUse;
use crate::catalog::quote_qualified;
use crate::policy::Effect;
use crate::vocab::{Refusal, Right, SqlState};

/// Checks the sequences that a statement draws from: who may insert where the numbers go may draw them.
pub(super) fn check_sequences(view: &View, text: &str, sequences: &[SequenceUse]) -> Result<(), Box<Refusal>> {
    let bound = view.bound();
    let catalog = bound.catalog();
    for SequenceUse { sequence, at } in sequences {
        let users = catalog.snapshot().sequence_users.iter().filter(|user| user.sequence == *sequence);
        let mut tables = users.filter_map(|user| Some((catalog.relation(user.table)?, user.column)));
        let may_insert = tables.any(|(table, number)| {
            let ruling = bound.ruling_for(view.purpose(), Right::Insert, table);
            ruling.columns.iter().any(|column| column.number == number && column.effect == Effect::Allow)
        });
        if may_insert {
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
