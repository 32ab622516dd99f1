//! What loads but is probably not meant.

use super::document::Word;
use super::fideslang;
use super::narrow::Narrow;
use super::raw::Verdict;
use super::report::{Finding, Findings, Lint};
use super::rules::{Point, Rule, Wanted, decide};
use super::tags::TableTags;
use super::{Policy, PurposeId};
use crate::vocab::Right;
use rustc_hash::FxHashSet;
use std::ptr;

/// The lints that need no catalog.
pub(super) fn of_policy(policy: &Policy) -> Vec<Lint> {
    let mut findings = Findings::default();
    clauses(policy, &mut findings);
    purposes(policy, &mut findings);
    recipients(policy, &mut findings);
    shadowed(policy, &mut findings);
    fideslang::check(policy, &mut findings);
    for rule in &policy.rules {
        without_budget(policy, rule, &mut findings);
        unreachable(policy, rule, &mut findings);
        for table in &policy.tables {
            missing_conditions(policy, &Asking::Rule(rule), table, &mut findings);
        }
    }
    for narrow in &policy.narrows {
        narrows_nothing(policy, narrow, &mut findings);
        for table in &policy.tables {
            missing_conditions(policy, &Asking::Narrow(narrow), table, &mut findings);
        }
    }
    findings.into_lints(&policy.sources)
}

fn clauses(policy: &Policy, findings: &mut Findings) {
    let rules = policy.rules.iter().map(|rule| (&rule.id, &rule.clause));
    for (id, clause) in rules.chain(policy.narrows.iter().map(|narrow| (&narrow.id, &narrow.clause))) {
        if clause.is_none() {
            let message = format!("rule `{}` cites no clause", id.text);
            findings.add(Finding::new(message, &id.place, "on what words does it rest?"));
        }
    }
    for apart in policy.never_together.iter().filter(|apart| apart.clause.is_none()) {
        findings.add(Finding::new("this never_together cites no clause", &apart.place, "on what words does it rest?"));
    }
    for (known, covered) in policy.clauses.iter().zip(policy.coverage()) {
        let id = &known.clause.id;
        match (&known.without_rule, covered.enforced_by.is_empty()) {
            (None, true) => {
                let finding = Finding::new(format!("no rule cites clause `{id}`"), &known.place, "nothing enforces it");
                findings.add(finding.help("where that is meant, say why: `without_rule = \"…\"`"));
            }
            (Some(why), false) => {
                let message = format!("clause `{id}` says it has no rule, but rules cite it");
                findings.add(Finding::new(message, &why.place, "no longer true"));
            }
            (None, false) | (Some(_), true) => {}
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

/// Purposes under which a rule tells with noise, and that have no budget to tell it out of.
fn without_budget(policy: &Policy, rule: &Rule, findings: &mut Findings) {
    let noisy =
        matches!(&rule.verdict, Verdict::Give(effect) if effect.aggregate().is_some_and(|told| told.noise.is_some()));
    if !noisy {
        return;
    }
    let trees = &policy.trees;
    let lacks = |purpose: &PurposeId| {
        let mut points = rule.points.iter();
        points.any(|point| trees.purposes.covers(point.purpose, Some(*purpose)))
            && policy.budgets(*purpose).is_empty()
            && !policy.is_unrestricted(*purpose)
    };
    let lacking: Vec<&str> = policy.purposes().filter(lacks).map(|purpose| &**policy.purpose_name(purpose)).collect();
    if !lacking.is_empty() {
        let message = format!("rule `{}` tells nothing to purposes without a budget", rule.id.text);
        let finding = Finding::new(message, &rule.id.place, "noise is told out of the `budget` of a purpose");
        findings.add(finding.help(lacking.join(", ")));
    }
}

fn shadowed(policy: &Policy, findings: &mut Findings) {
    for purpose in policy.trees.purposes.nodes().filter(|purpose| policy.is_shadowed(*purpose)) {
        let word = policy.trees.purposes.word(purpose);
        let message = format!("purpose `{}` is in shadow mode: nothing is enforced under it", word.text);
        findings.add(Finding::new(message, &word.place, "statements pass as they are sent"));
    }
}

fn recipients(policy: &Policy, findings: &mut Findings) {
    let trees = &policy.trees;
    for recipient in trees.recipients.nodes() {
        let stands = |below| policy.roles.values().any(|grant| grant.recipient == Some(below));
        if !trees.recipients.nodes().any(|below| trees.recipients.covers(Some(recipient), Some(below)) && stands(below))
        {
            let word = trees.recipients.word(recipient);
            let message = format!("no role stands for recipient `{}`", word.text);
            findings.add(Finding::new(message, &word.place, "nobody reads for it"));
        }
    }
    for grant in policy.roles.values().filter(|grant| grant.recipient.is_some()) {
        if let Some(purpose) = grant.purposes.iter().find(|purpose| policy.is_unrestricted(**purpose)) {
            let purpose = policy.purpose_name(*purpose);
            let message = format!("role `{}` has a recipient and may declare `{purpose}`", grant.name.text);
            findings.add(Finding::new(message, &grant.name.place, "which is unrestricted: no rule bounds it"));
        }
    }
}

/// A rule is reached if it decides at one of its own points, or under a purpose below it, or for a recipient below it.
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
        let readers = trees.recipients.nodes().filter(|below| trees.recipients.covers(point.recipient, Some(*below)));
        let recipients: Vec<_> = std::iter::once(point.recipient).chain(readers.map(Some)).collect();
        let decides = |purpose| {
            rule.rights.iter().any(|right| {
                recipients.iter().any(|recipient| {
                    let point = Point { purpose, recipient: *recipient, ..*point };
                    let decided = decide(&policy.rules, trees, *right, point);
                    decided.is_some_and(|decided| ptr::eq(decided, rule))
                })
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

/// A rule whose conditions bound nothing, because no rule permits anything there.
fn narrows_nothing(policy: &Policy, narrow: &Narrow, findings: &mut Findings) {
    let asking = Asking::Narrow(narrow);
    if !policy.tables.iter().any(|table| asking.covers_of(policy, table)) {
        let message = format!("narrow `{}` bounds nothing", narrow.id.text);
        findings.add(Finding::new(message, &narrow.id.place, "no rule opens to it what a table carries"));
    }
}

/// What asks for conditions: a rule where it decides, or a narrow wherever another rule permits.
enum Asking<'p> {
    Rule(&'p Rule),
    Narrow(&'p Narrow),
}

impl<'p> Asking<'p> {
    fn parts(&self) -> (&'p Word, &'p [Wanted], &'p [Right]) {
        match self {
            Asking::Rule(rule) => (&rule.id, &rule.conditions, &rule.rights),
            Asking::Narrow(narrow) => (&narrow.id, &narrow.conditions, &narrow.rights),
        }
    }

    /// Whether it asks for its conditions at a point.
    fn asks(&self, policy: &Policy, right: Right, point: Point) -> bool {
        let decided = decide(&policy.rules, &policy.trees, right, point);
        match self {
            Asking::Rule(rule) => decided.is_some_and(|decided| ptr::eq(decided, *rule)),
            Asking::Narrow(narrow) => {
                narrow.covers(&policy.trees, right, point) && decided.is_some_and(|decided| !decided.closes())
            }
        }
    }

    /// Whether it asks for its conditions somewhere in a table.
    fn covers_of(&self, policy: &Policy, table: &TableTags) -> bool {
        let (_, _, rights) = self.parts();
        let points = table.all_categories().into_iter().flat_map(|category| {
            policy.readers().iter().map(move |reader| Point::of(table.subject, category, *reader))
        });
        points.into_iter().any(|point| rights.iter().any(|right| self.asks(policy, *right, point)))
    }
}

/// Conditions that a table lacks for what patterns tag in it, and would not miss but for them.
pub(super) fn of_patterned(policy: &Policy, table: &TableTags, section: Option<&TableTags>, findings: &mut Findings) {
    let narrows = policy.narrows.iter().map(Asking::Narrow);
    for asking in policy.rules.iter().map(Asking::Rule).chain(narrows) {
        if !section.is_some_and(|section| asking.covers_of(policy, section)) {
            missing_conditions(policy, &asking, table, findings);
        }
    }
}

/// Tables that a rule would open if they had the conditions it asks for.
fn missing_conditions(policy: &Policy, asking: &Asking<'_>, table: &TableTags, findings: &mut Findings) {
    let (id, conditions, _) = asking.parts();
    let missing = conditions.iter().find(|wanted| !policy.has_condition(table, &wanted.condition));
    let Some(missing) = missing.filter(|_| asking.covers_of(policy, table)) else { return };
    let name = format!("{}.{}", table.schema, table.table);
    let message = format!("table `{name}` has no condition `{}`, which rule `{}` asks for", missing.condition, id.text);
    let finding = Finding::new(message, &missing.written.place, "not a condition of that table");
    findings.add(
        finding
            .also(&table.place, "what the rule covers here stays closed")
            .help("if the rows of this table need no condition, say so: \"true\" or \"false\""),
    );
}
