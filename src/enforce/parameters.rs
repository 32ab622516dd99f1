//! Parameters that a statement needs and that have no value: its rows are not shown.

use super::report;
use super::view::View;
use crate::analyze::Resolved;
use crate::catalog::{Relation, quote_qualified};
use crate::policy::{Missing, ParameterId, RowCondition};
use crate::vocab::{Refusal, SqlState};

/// Refuses a statement whose rows are bounded by a parameter without a value.
pub(super) fn permit(view: &View, text: &str, resolved: &Resolved) -> Result<(), Box<Refusal>> {
    let bound = view.bound();
    for reference in &resolved.relations {
        let Some(relation) = bound.catalog().relation(reference.relation) else { continue };
        let mut rulings = vec![bound.ruling(view.reader(), relation)];
        for write in resolved.writes.iter().filter(|write| write.at == reference.at) {
            rulings.extend(write.verbs.iter().map(|verb| bound.ruling_for(view.reader(), verb.right(), relation)));
        }
        for row in rulings.iter().flat_map(|ruling| ruling.rows.iter()) {
            let missing = |(parameter, missing): &&(ParameterId, Missing)| {
                *missing == Missing::Refuses && view.principal().values.get(*parameter).is_none()
            };
            if let Some((parameter, _)) = row.parameters.iter().find(missing) {
                let at = u32::try_from(reference.origin).ok();
                return Err(Box::new(refusal(view, relation, row, *parameter).with_position(text, at)));
            }
        }
    }
    Ok(())
}

fn refusal(view: &View, relation: &Relation, row: &RowCondition, parameter: ParameterId) -> Refusal {
    let mut parameters = view.bound().policy().parameters();
    let parameter = parameters.find(|(known, _)| *known == parameter).map(|(_, parameter)| parameter);
    let name = parameter.map_or("", |parameter| &**parameter.name());
    let message = format!(
        "parameter \"{name}\" has no value, and condition \"{}\" shows rows of {} by it",
        row.name,
        quote_qualified(&relation.schema, &relation.name)
    );
    let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_detail(report::of_condition(row));
    match parameter {
        Some(parameter) => refusal.with_hint(parameter.how()),
        None => refusal,
    }
}
