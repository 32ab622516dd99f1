//! A policy at a glance: what each purpose gets of each category of each subject.

use super::narrow::Narrow;
use super::raw::Verdict;
use super::rules::{Point, Rule, decide};
use super::ruling::Aggregate;
use super::tree::{CategoryId, Node, SubjectId, Tree};
use super::{Effect, Filter, Policy, Reader, RecipientId};
use crate::vocab::{Clause, Right, UsageSet};
use std::sync::Arc;

/// Purposes × categories, one part for each subject.
#[derive(Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Whom it is about; `None` for those without a recipient.
    pub recipient: Option<Arc<str>>,
    pub purposes: Vec<Heading>,
    pub parts: Vec<Part>,
}

/// A node of a tree, in the order of the tree: below its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    pub name: Arc<str>,
    pub title: Option<Arc<str>>,
    /// A purpose under which nothing is enforced.
    pub shadowed: bool,
    /// 0 for a root.
    pub depth: usize,
}

/// What there is about one subject.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// `None` for tables that name no subject.
    pub subject: Option<Arc<str>>,
    pub rows: Vec<Row>,
}

/// One category.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    pub category: Heading,
    /// One for each purpose of the matrix.
    pub cells: Vec<Cell>,
}

/// What a purpose gets of a category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub gets: Gets,
    /// What conditions compare: what it gets, or in a look-up what the column holds.
    pub filter: Filter,
    /// The usages that are closed all the same.
    pub closed: UsageSet,
    /// The conditions that rows must meet, as the rule writes them.
    pub conditions: Vec<Arc<str>>,
    /// The rule that decides; `None` where no rule matches, or none is asked.
    pub rule: Option<Arc<str>>,
    pub clause: Option<Arc<Clause>>,
}

impl Cell {
    fn without_rule(gets: Gets) -> Cell {
        let (filter, closed) = (Filter::AsShown, UsageSet::EMPTY);
        Cell { gets, filter, closed, conditions: Vec::new(), rule: None, clause: None }
    }
}

/// What a purpose gets, in the order of strictness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gets {
    /// The purpose is not judged at all.
    Everything,
    Raw,
    /// What stands in a value's place, in words.
    Masked(String),
    /// Aggregates over enough subjects.
    Aggregated(Aggregate),
    /// No rule permits it.
    Nothing,
    /// A rule denies it.
    Denied,
    /// A rule forbids it for good.
    Forbidden,
}

/// Which categories of a subject are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Those that tables of the policy carry.
    Tagged,
    /// Every declared one.
    Declared,
}

impl Policy {
    /// What each purpose may do of one kind, for a recipient or without one. A policy without tables is shown whole.
    pub fn matrix(&self, right: Right, extent: Extent, recipient: Option<RecipientId>) -> Matrix {
        let purposes = ordered(&self.trees.purposes);
        let categories = ordered(&self.trees.categories);
        let subjects = self.trees.subjects.nodes().map(Some).chain([None]);
        let whole = extent == Extent::Declared || self.tables.is_empty();
        let shown = |subject: Option<SubjectId>, category: CategoryId| {
            let of_subject = self.tables.iter().filter(|table| table.subject == subject);
            whole || of_subject.flat_map(|table| table.all_categories()).any(|carried| carried == category)
        };
        let part = |subject: Option<SubjectId>| Part {
            subject: subject.map(|subject| Arc::clone(self.trees.subjects.name(subject))),
            rows: categories
                .iter()
                .filter(|category| shown(subject, **category))
                .map(|category| Row {
                    category: heading(&self.trees.categories, *category, None),
                    cells: purposes
                        .iter()
                        .map(|purpose| self.cell(right, subject, *category, Reader { purpose: *purpose, recipient }))
                        .collect(),
                })
                .collect(),
        };
        Matrix {
            recipient: recipient.map(|recipient| Arc::clone(self.recipient_name(recipient))),
            parts: subjects.map(part).filter(|part| !part.rows.is_empty()).collect(),
            purposes: purposes
                .iter()
                .map(|purpose| Heading {
                    shadowed: self.is_shadowed(*purpose),
                    ..heading(&self.trees.purposes, *purpose, self.purpose_title(*purpose))
                })
                .collect(),
        }
    }

    fn cell(&self, right: Right, subject: Option<SubjectId>, category: CategoryId, reader: Reader) -> Cell {
        if self.is_unrestricted(reader.purpose) {
            return Cell::without_rule(Gets::Everything);
        }
        let point = Point::of(subject, category, reader);
        match decide(&self.rules, &self.trees, right, point) {
            None => Cell::without_rule(Gets::Nothing),
            Some(rule) => {
                let mut cell = of_rule(rule);
                let bounded = |narrow: &&Narrow| !rule.closes() && narrow.covers(&self.trees, right, point);
                for wanted in self.narrows.iter().filter(bounded).flat_map(|narrow| &narrow.conditions) {
                    if !cell.conditions.contains(&wanted.written.text) {
                        cell.conditions.push(Arc::clone(&wanted.written.text));
                    }
                }
                cell
            }
        }
    }
}

fn of_rule(rule: &Rule) -> Cell {
    let gets = match &rule.verdict {
        Verdict::Forbid => Gets::Forbidden,
        Verdict::Give(Effect::Deny) => Gets::Denied,
        Verdict::Give(Effect::Allow) => Gets::Raw,
        Verdict::Give(Effect::Aggregate(aggregate)) => Gets::Aggregated(*aggregate),
        Verdict::Give(Effect::Mask(mask)) => Gets::Masked(mask.words()),
    };
    Cell {
        gets,
        filter: rule.filter,
        closed: rule.closed,
        conditions: rule.conditions.iter().map(|wanted| Arc::clone(&wanted.written.text)).collect(),
        rule: Some(Arc::clone(&rule.id.text)),
        clause: rule.clause.clone(),
    }
}

fn heading<I: Node>(tree: &Tree<I>, node: I, title: Option<&Arc<str>>) -> Heading {
    Heading {
        name: Arc::clone(tree.name(node)),
        title: title.cloned(),
        shadowed: false,
        depth: tree.depth(Some(node)).saturating_sub(1),
    }
}

/// The nodes of a tree, each below its parent.
fn ordered<I: Node>(tree: &Tree<I>) -> Vec<I> {
    fn add<I: Node>(tree: &Tree<I>, node: I, out: &mut Vec<I>) {
        out.push(node);
        for below in tree.nodes().filter(|below| tree.parent(*below) == Some(node)) {
            add(tree, below, out);
        }
    }
    let mut out = Vec::new();
    for root in tree.nodes().filter(|node| tree.parent(*node).is_none()) {
        add(tree, root, &mut out);
    }
    out
}
