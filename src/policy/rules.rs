//! Rules, and which of them decides.
//!
//! Nothing is permitted that no rule permits. Of the rules that match a subject, a category and a purpose the most
//! specific decides: the one whose nodes are the deepest, where a rule that leaves a dimension out is the least specific
//! in it. Two rules that meet somewhere without either being more specific must agree, or a third rule must stand
//! exactly where they meet; else the policy does not load. A forbid is final: nothing below it may permit.

use super::document::Word;
use super::raw::Verdict;
use super::report::{Finding, Findings};
use super::ruling::{Effect, Filter};
use super::tree::{CategoryId, SubjectId, Tree};
use super::{PurposeId, Reader, RecipientId};
use crate::vocab::{Clause, Right, UsageSet};
use std::sync::Arc;

/// The four trees of a policy.
#[derive(Debug)]
pub(super) struct Trees {
    pub(super) subjects: Tree<SubjectId>,
    pub(super) categories: Tree<CategoryId>,
    pub(super) purposes: Tree<PurposeId>,
    pub(super) recipients: Tree<RecipientId>,
}

/// What is asked about: whose data, what data, what for, for whom. A rule stands at one or more such points; `None` in a rule is
/// every node, `None` in a question is data about no declared subject, or no recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) subject: Option<SubjectId>,
    pub(super) category: Option<CategoryId>,
    pub(super) purpose: Option<PurposeId>,
    pub(super) recipient: Option<RecipientId>,
}

impl Point {
    /// What a reader asks about.
    pub(super) fn of(subject: Option<SubjectId>, category: CategoryId, reader: Reader) -> Point {
        Point { subject, category: Some(category), purpose: Some(reader.purpose), recipient: reader.recipient }
    }
}

impl Trees {
    pub(super) fn covers(&self, above: Point, below: Point) -> bool {
        self.subjects.covers(above.subject, below.subject)
            && self.categories.covers(above.category, below.category)
            && self.purposes.covers(above.purpose, below.purpose)
            && self.recipients.covers(above.recipient, below.recipient)
    }

    /// Where two points meet; `None` where nothing is covered by both.
    fn meet(&self, a: Point, b: Point) -> Option<Point> {
        Some(Point {
            subject: self.subjects.meet(a.subject, b.subject)?,
            category: self.categories.meet(a.category, b.category)?,
            purpose: self.purposes.meet(a.purpose, b.purpose)?,
            recipient: self.recipients.meet(a.recipient, b.recipient)?,
        })
    }

    /// Whether one of these purposes, or one above the point's, is left out there.
    pub(super) fn excepts(&self, except: &[PurposeId], point: Point) -> bool {
        except.iter().any(|node| self.purposes.covers(Some(*node), point.purpose))
    }

    /// The point in words: `end_user × conversation_data × analytics`, and `× provider` where it names a recipient.
    pub(super) fn words(&self, point: Point) -> String {
        let subject = point.subject.map_or("every subject", |node| &**self.subjects.name(node));
        let category = point.category.map_or("every category", |node| &**self.categories.name(node));
        let purpose = point.purpose.map_or("every purpose", |node| &**self.purposes.name(node));
        let recipient = point.recipient.map_or(String::new(), |node| format!(" × {}", self.recipients.name(node)));
        format!("{subject} × {category} × {purpose}{recipient}")
    }
}

/// `not erased`, `consent.marketing`.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// As the rule writes it.
    pub(super) written: Word,
    /// The condition's own name.
    pub(super) condition: Arc<str>,
    pub(super) sense: Sense,
}

/// Whether a condition is to hold or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    Holds,
    DoesNotHold,
}

/// A rule of the policy.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: Word,
    pub(super) clause: Option<Arc<Clause>>,
    pub(super) points: Vec<Point>,
    pub(super) rights: Vec<Right>,
    pub(super) conditions: Vec<Wanted>,
    /// The purposes that a forbid leaves out.
    pub(super) except: Vec<PurposeId>,
    pub(super) verdict: Verdict,
    pub(super) filter: Filter,
    /// Usages that it closes though it gives something.
    pub(super) closed: UsageSet,
}

impl Rule {
    /// Whether nothing is seen under it.
    pub(super) fn closes(&self) -> bool {
        match &self.verdict {
            Verdict::Forbid | Verdict::Give(Effect::Deny) => true,
            Verdict::Give(Effect::Allow | Effect::Mask(_) | Effect::Aggregate(_)) => false,
        }
    }

    /// Whether two rules come to the same.
    fn agrees(&self, other: &Rule) -> bool {
        let wants = |rule: &Rule| {
            let mut names: Vec<Arc<str>> =
                rule.conditions.iter().map(|wanted| Arc::clone(&wanted.written.text)).collect();
            names.sort();
            names
        };
        (self.closes() && other.closes())
            || (self.verdict == other.verdict
                && self.filter == other.filter
                && self.closed == other.closed
                && wants(self) == wants(other))
    }

    fn leaves_out(&self, trees: &Trees, point: Point) -> bool {
        trees.excepts(&self.except, point)
    }
}

/// One point of one rule.
#[derive(Debug, Clone, Copy)]
struct Facet<'r> {
    rule: &'r Rule,
    point: Point,
}

fn facets(rules: &[Rule]) -> impl Iterator<Item = Facet<'_>> {
    rules.iter().flat_map(|rule| rule.points.iter().map(move |point| Facet { rule, point: *point }))
}

/// The rule that decides, if any matches.
pub(super) fn decide<'r>(rules: &'r [Rule], trees: &Trees, right: Right, point: Point) -> Option<&'r Rule> {
    let matching = facets(rules).filter(|facet| {
        facet.rule.rights.contains(&right) && trees.covers(facet.point, point) && !facet.rule.leaves_out(trees, point)
    });
    // Any order that puts the deeper later will do: where it is not the order of specificity, the rules agree. Purposes
    // come first because a rule that names the purpose tells the most when it is quoted.
    let rank = |facet: &Facet<'_>| {
        let Point { subject, category, purpose, recipient } = facet.point;
        let who = (trees.purposes.depth(purpose), trees.recipients.depth(recipient));
        let depths = (who, trees.subjects.depth(subject), trees.categories.depth(category));
        (facet.rule.verdict == Verdict::Forbid, depths)
    };
    let mut best: Option<Facet<'r>> = None;
    for facet in matching {
        if best.is_none_or(|best| rank(&facet) > rank(&best)) {
            best = Some(facet);
        }
    }
    best.map(|facet| facet.rule)
}

/// Reports every pair of rules of which it is not clear which decides, and every permit below a forbid.
pub(super) fn check(rules: &[Rule], trees: &Trees, findings: &mut Findings) {
    for (at, first) in rules.iter().enumerate() {
        for second in &rules[at + 1..] {
            if first.agrees(second) || !first.rights.iter().any(|right| second.rights.contains(right)) {
                continue;
            }
            if let Some(clash) = clash(rules, trees, first, second) {
                findings.add(clash);
            }
        }
    }
}

/// The first point at which two rules that do not agree clash.
fn clash(rules: &[Rule], trees: &Trees, first: &Rule, second: &Rule) -> Option<Finding> {
    for a in &first.points {
        for b in &second.points {
            let Some(meet) = trees.meet(*a, *b) else { continue };
            if first.leaves_out(trees, meet) || second.leaves_out(trees, meet) {
                continue;
            }
            let (forbid, permit) = match (&first.verdict, &second.verdict) {
                (Verdict::Forbid, Verdict::Give(_)) => (Some((first, *a)), (second, *b)),
                (Verdict::Give(_), Verdict::Forbid) => (Some((second, *b)), (first, *a)),
                (Verdict::Forbid, Verdict::Forbid) | (Verdict::Give(_), Verdict::Give(_)) => (None, (second, *b)),
            };
            if let Some((forbid, point)) = forbid
                && point != permit.1
                && trees.covers(point, permit.1)
            {
                let message = format!("rule `{}` permits what rule `{}` forbids", permit.0.id.text, forbid.id.text);
                let help = format!(
                    "both match {}; a forbid is final unless it says `except = [\"…\"]` itself",
                    trees.words(meet)
                );
                let finding = Finding::new(message, &permit.0.id.place, "permits below the forbid");
                return Some(finding.also(&forbid.id.place, "forbids").help(help));
            }
            // Whom data goes to is said last: a forbid for a recipient holds whatever is permitted without a word of recipients.
            let for_a_recipient =
                |forbid: Point, permit: Point| forbid.recipient.is_some() && permit.recipient.is_none();
            if forbid.is_some_and(|(_, point)| for_a_recipient(point, permit.1)) {
                continue;
            }
            let ordered = a != b && (trees.covers(*a, *b) || trees.covers(*b, *a));
            // A forbid decides wherever it meets a rule above it, and so does whatever stands exactly where they meet.
            let settled = |rule: &Rule| {
                let rights = first.rights.iter().filter(|right| second.rights.contains(right));
                rule.points.contains(&meet)
                    && !rule.leaves_out(trees, meet)
                    && rights.clone().all(|right| rule.rights.contains(right))
            };
            if ordered || (*a != meet && *b != meet && rules.iter().any(settled)) {
                continue;
            }
            let message = format!("rules `{}` and `{}` tie", first.id.text, second.id.text);
            let help = format!(
                "both match {} with different effects and neither is more specific; make one of them narrower, or add a \
                 rule exactly there",
                trees.words(meet)
            );
            let finding =
                Finding::new(message, &second.id.place, "decides otherwise").also(&first.id.place, "this rule");
            return Some(finding.help(help));
        }
    }
    None
}
