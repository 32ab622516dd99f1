//! Columns that are released in aggregates only: their thresholds are put in place, or the statement is refused.

use super::judge::add;
use super::plan::{Charge, Purse};
use super::report;
use super::view::View;
use crate::analyze::{Context, RelationUse, Resolved};
use crate::catalog::Relation;
use crate::policy::{Budget, Demanded, Effect, PurposeId, RelationRuling};
use crate::rewrite::{Released, Standing, Unreleased, is_aggregated, release};
use crate::vocab::{AttNum, Closed, NotUnderstood, Oid, Refusal, Right, SqlState};
use std::sync::Arc;

/// The form of the query that may read such columns.
const PERMITTED: &str = "Permitted is one query that selects from the table, joined to others by their primary keys, \
     WHERE open columns say what they like and such a column is compared with constants; its GROUP BY and the arguments of \
     count, sum, avg, stddev, variance, corr, covar and regr take such a column alone.";

/// Puts thresholds around what a statement aggregates. Returns what executing it costs, where its numbers are told with
/// noise.
pub(super) fn permit(
    view: &View,
    text: &str,
    resolved: &mut Resolved,
    context: &Context<'_>,
) -> Result<Option<Arc<Charge>>, Box<Refusal>> {
    let catalog = view.bound().catalog();
    let relations: Vec<RelationUse> = resolved.relations.clone();
    let rulings: Vec<(&RelationUse, &Relation, Arc<RelationRuling>)> = relations
        .iter()
        .filter_map(|reference| {
            let relation = catalog.relation(reference.relation)?;
            Some((reference, relation, view.bound().ruling(view.reader(), relation)))
        })
        .collect();
    let standings: Vec<Standing<'_>> =
        rulings.iter().map(|(reference, relation, ruling)| Standing { relation, ruling, reference }).collect();
    let Some(first) = standings.iter().find(|standing| is_aggregated(standing)) else { return Ok(None) };
    if resolved.runs_users_set(catalog) {
        return Err(Box::new(refusal(view, text, first, "a function that returns a set may run beside it")));
    }
    let Released { references, epsilon } = match release(&mut resolved.tree, &standings, context) {
        Ok(released) => released,
        Err(Unreleased { reference, why }) => {
            let found = standings.iter().find(|standing| standing.reference.at == reference);
            return Err(match found {
                Some(standing) => Box::new(refusal(view, text, standing, &why)),
                None => Box::new(report::not_understood(view, text, &NotUnderstood::new(&*why, None))),
            });
        }
    };
    let keys: Vec<(i32, Option<usize>)> = standings
        .iter()
        .map(|standing| (standing.reference.at, standing.ruling.subject_key.as_ref().map(|key| key.index)))
        .filter(|(at, _)| references.contains(at))
        .collect();
    let charge = match epsilon {
        0 => None,
        epsilon => {
            let stored = !resolved.writes.is_empty() || resolved.definition.is_some();
            let charge = match charge(view, epsilon) {
                _ if stored => Err("what is told with noise is told to the client, not stored".to_owned()),
                charge => charge,
            };
            let standing = standings.iter().find(|standing| references.contains(&standing.reference.at));
            Some(charge.map_err(|why| match standing {
                Some(standing) => Box::new(refusal(view, text, standing, &why)),
                None => Box::new(report::not_understood(view, text, &NotUnderstood::new(why, None))),
            })?)
        }
    };
    for reference in &mut resolved.relations {
        let key = keys.iter().find(|(at, _)| *at == reference.at);
        reference.subject = key.and_then(|(_, key)| *key);
    }
    Ok(charge)
}

/// What is to be paid out of which budgets, or why nothing can.
fn charge(view: &View, epsilon: u64) -> Result<Arc<Charge>, String> {
    let policy = view.bound().policy();
    let budgets = view.purpose().map_or_else(Vec::new, |purpose| policy.budgets(purpose));
    if budgets.is_empty() {
        return Err("the purpose has no `budget` for what is told with noise".to_owned());
    }
    let purse = |(purpose, Demanded { asked, clause }): (PurposeId, Demanded<Budget>)| {
        let Budget { epsilon, seconds } = asked;
        Purse { purpose: Arc::clone(policy.purpose_name(purpose)), budget: u64::from(epsilon), seconds, clause }
    };
    Ok(Arc::new(Charge { epsilon, purses: budgets.into_iter().map(purse).collect() }))
}

/// The refusal of a use that no aggregate releases.
pub(super) fn refusal(view: &View, text: &str, standing: &Standing<'_>, why: &str) -> Refusal {
    let Standing { relation, ruling, reference } = standing;
    let mut closed: Vec<Closed> = Vec::new();
    let mut places: Vec<(Oid, Option<AttNum>)> = Vec::new();
    let mut first: Option<u32> = None;
    let used = |index: usize| reference.columns.iter().find(|column| column.index == index);
    for (index, (column, verdict)) in relation.columns.iter().zip(&ruling.columns).enumerate() {
        let Effect::Aggregate(_) = verdict.effect else { continue };
        if let Some(used) = used(index) {
            first = [first, used.at].into_iter().flatten().min();
            let column = Some((column.number, &column.name));
            add(&mut closed, &mut places, &reference.through, relation, column, verdict);
        }
    }
    if closed.is_empty()
        && let Some(verdict) = ruling.columns.iter().find(|column| column.effect.aggregate().is_some())
    {
        first = u32::try_from(reference.origin).ok();
        add(&mut closed, &mut places, &reference.through, relation, None, verdict);
    }
    let names: Vec<String> = closed.iter().map(report::name_of).collect();
    let purpose = report::reader(view).map_or_else(String::new, |reader| format!("{reader} "));
    let least = ruling.min_subjects().unwrap_or(0);
    let message =
        format!("{purpose}may read {} in aggregates over at least {least} subjects only, and {why}", names.join(", "));
    let mut refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message).with_position(text, first);
    refusal.detail = Some(report::detail(&closed));
    let others = report::hint(view, Right::Read, &places);
    refusal.hint = Some(others.map_or_else(|| PERMITTED.to_owned(), |others| format!("{PERMITTED} {others}")));
    refusal.closed = closed;
    refusal
}
