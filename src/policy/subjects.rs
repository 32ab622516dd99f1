//! Whom rows are about, as far as aggregates must know: a lint where they don't.

use super::masked::decides;
use super::raw::Verdict;
use super::report::{Finding, Findings};
use super::rules::Rule;
use super::{Bound, Effect};
use crate::catalog::noise;

/// Reports tables of which a rule would release aggregates, but nobody knows whom their rows are about.
pub(super) fn check(bound: &Bound, findings: &mut Findings) {
    for rule in &bound.policy.rules {
        let Verdict::Give(Effect::Aggregate(aggregate)) = &rule.verdict else { continue };
        if aggregate.noise.is_some() {
            noisy(bound, rule, findings);
        }
        let lacking = bound.catalog.relations().iter().filter(|relation| {
            let tags = bound.relations.get(&relation.oid).filter(|tags| tags.subject_key.is_none());
            !relation.is_by_lineage()
                && tags.is_some_and(|tags| tags.columns.iter().any(|column| decides(bound, rule, column)))
        });
        let tables: Vec<String> = lacking.map(|relation| format!("{}.{}", relation.schema, relation.name)).collect();
        if !tables.is_empty() {
            let message = format!("rule `{}` releases nothing of tables without a subject key", rule.id.text);
            let label = "subjects are counted by `subject_key`, a column that is NOT NULL";
            findings.add(Finding::new(message, &rule.id.place, label).help(tables.join(", ")));
        }
    }
}

/// Reports what a rule tells nothing of with noise, because nobody says how much one person counts.
fn noisy(bound: &Bound, rule: &Rule, findings: &mut Findings) {
    let (mut endless, mut unbounded) = (Vec::new(), Vec::new());
    for relation in bound.catalog.relations().iter().filter(|relation| !relation.is_by_lineage()) {
        let Some(tags) = bound.relations.get(&relation.oid) else { continue };
        let decided: Vec<usize> =
            (0..tags.columns.len()).filter(|index| decides(bound, rule, &tags.columns[*index])).collect();
        let name = format!("{}.{}", relation.schema, relation.name);
        if !decided.is_empty() && tags.subject_key.is_some() && tags.rows_per_subject.is_none() {
            endless.push(name.clone());
        }
        let of = |index: &usize| {
            let column = &relation.columns[*index];
            let bounded = tags.bounds.get(*index).copied().flatten().is_some();
            (NUMBERS.contains(&column.type_oid)
                && !bounded
                && !tags.subject_key.as_ref().is_some_and(|key| key.is(*index)))
            .then(|| format!("{name}.{}", column.name))
        };
        unbounded.extend(decided.iter().filter_map(of));
    }
    let mut report = |names: Vec<String>, what: &str, label: &str| {
        if !names.is_empty() {
            let message = format!("rule `{}` {what}", rule.id.text);
            findings.add(Finding::new(message, &rule.id.place, label).help(names.join(", ")));
        }
    };
    let database =
        if noise::installed(&bound.catalog) { Vec::new() } else { vec![bound.catalog.database().to_owned()] };
    report(database, "tells with noise, which this database cannot make", "run what `wherefore install` writes");
    let label = "how many rows of a person count? `rows_per_subject`";
    report(endless, "tells nothing of tables that do not bound a person's rows", label);
    let label = "within which bounds do values count? `bounds`";
    report(unbounded, "tells no sum and no average of columns without bounds", label);
}

/// `pg_type.oid` of numbers: `smallint`, `integer`, `bigint`, `real`, `double precision`, `numeric`.
const NUMBERS: [u32; 6] = [21, 23, 20, 700, 701, 1700];
