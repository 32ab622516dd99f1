//! Whom rows are about, as far as aggregates must know: a lint where they don't.

use super::masked::decides;
use super::raw::Verdict;
use super::report::{Finding, Findings};
use super::{Bound, Effect};

/// Reports tables of which a rule would release aggregates, but nobody knows whom their rows are about.
pub(super) fn check(bound: &Bound, findings: &mut Findings) {
    for rule in &bound.policy.rules {
        let Verdict::Give(Effect::Aggregate(_)) = &rule.verdict else { continue };
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
