//! What loads but is probably not meant.

use super::Policy;
use super::report::{Finding, Findings, Lint};
use super::rules::{Point, Rule, decide};
use super::tags::TableTags;
use rustc_hash::FxHashSet;
use std::ptr;

/// The lints that need no catalog.
pub(super) fn of_policy(policy: &Policy) -> Vec<Lint> {
    let mut findings = Findings::default();
    clauses(policy, &mut findings);
    purposes(policy, &mut findings);
    for rule in &policy.rules {
        unreachable(policy, rule, &mut findings);
        for table in &policy.tables {
            missing_conditions(policy, rule, table, &mut findings);
        }
    }
    findings.into_lints(&policy.sources)
}

fn clauses(policy: &Policy, findings: &mut Findings) {
    let mut cited = FxHashSet::default();
    for rule in &policy.rules {
        match &rule.clause {
            Some(clause) => {
                cited.insert(&clause.id);
            }
            None => {
                let message = format!("rule `{}` cites no clause", rule.id.text);
                findings.add(Finding::new(message, &rule.id.place, "on what words does it rest?"));
            }
        }
    }
    cited.extend(policy.never_together.iter().filter_map(|apart| apart.clause.as_ref()).map(|clause| &clause.id));
    for apart in policy.never_together.iter().filter(|apart| apart.clause.is_none()) {
        findings.add(Finding::new("this never_together cites no clause", &apart.place, "on what words does it rest?"));
    }
    let opened = policy.functions.iter().chain(&policy.systems);
    cited.extend(opened.filter_map(|entry| entry.clause.as_ref()).map(|clause| &clause.id));
    for known in &policy.clauses {
        let id = &known.clause.id;
        match (&known.without_rule, cited.contains(id)) {
            (None, false) => {
                let finding = Finding::new(format!("no rule cites clause `{id}`"), &known.place, "nothing enforces it");
                findings.add(finding.help("where that is meant, say why: `without_rule = \"…\"`"));
            }
            (Some(place), true) => {
                let message = format!("clause `{id}` says it has no rule, but rules cite it");
                findings.add(Finding::new(message, place, "no longer true"));
            }
            (None, true) | (Some(_), false) => {}
        }
    }
}

fn purposes(policy: &Policy, findings: &mut Findings) {
    let granted: FxHashSet<_> = policy.roles.values().flat_map(|grant| grant.purposes.iter().copied()).collect();
    for purpose in policy.trees.purposes.nodes().filter(|purpose| !granted.contains(purpose)) {
        let word = policy.trees.purposes.word(purpose);
        findings.add(Finding::new(
            format!("no role may declare purpose `{}`", word.text),
            &word.place,
            "granted to no one",
        ));
    }
}

/// A rule is reached if it decides at one of its own points, or under a purpose below it.
fn unreachable(policy: &Policy, rule: &Rule, findings: &mut Findings) {
    let trees = &policy.trees;
    let restricted = |point: &Point| match point.purpose {
        Some(node) => trees
            .purposes
            .nodes()
            .any(|below| trees.purposes.covers(Some(node), Some(below)) && !policy.is_unrestricted(below)),
        None => true,
    };
    if !rule.points.iter().any(restricted) {
        let message = format!("rule `{}` stands under unrestricted purposes only", rule.id.text);
        findings.add(Finding::new(message, &rule.id.place, "they are never judged"));
        return;
    }
    for point in &rule.points {
        let below = trees.purposes.nodes().filter(|below| trees.purposes.covers(point.purpose, Some(*below)));
        let here = std::iter::once(point.purpose).chain(below.map(Some));
        let decides = |purpose| {
            rule.rights.iter().any(|right| {
                let decided = decide(&policy.rules, trees, *right, Point { purpose, ..*point });
                decided.is_some_and(|decided| ptr::eq(decided, rule))
            })
        };
        if here.into_iter().any(decides) {
            continue;
        }
        let message = format!("rule `{}` never decides for {}", rule.id.text, trees.words(*point));
        let mut finding = Finding::new(message, &rule.id.place, "unreachable");
        if let Some(other) = rule.rights.first().and_then(|right| decide(&policy.rules, trees, *right, *point)) {
            finding = finding.also(&other.id.place, "this one decides");
        }
        findings.add(finding);
    }
}

/// Tables that a rule would open if they had the conditions it asks for.
fn missing_conditions(policy: &Policy, rule: &Rule, table: &TableTags, findings: &mut Findings) {
    let missing = rule.conditions.iter().find(|wanted| table.condition(&wanted.condition).is_none());
    let Some(missing) = missing else { return };
    let decides = |point: Point| {
        let decided = rule.rights.iter().filter_map(|right| decide(&policy.rules, &policy.trees, *right, point));
        decided.into_iter().any(|decided| ptr::eq(decided, rule))
    };
    let purposes = || policy.trees.purposes.nodes().filter(|purpose| !policy.is_unrestricted(*purpose));
    let covered = table.all_categories().into_iter().any(|category| {
        purposes()
            .any(|purpose| decides(Point { subject: table.subject, category: Some(category), purpose: Some(purpose) }))
    });
    if covered {
        let name = format!("{}.{}", table.schema, table.table);
        let message =
            format!("table `{name}` has no condition `{}`, which rule `{}` asks for", missing.condition, rule.id.text);
        let finding = Finding::new(message, &missing.written.place, "not a condition of that table");
        findings.add(
            finding
                .also(&table.place, "what the rule covers here stays closed")
                .help("if the rows of this table need no condition, say so: \"true\" or \"false\""),
        );
    }
}
