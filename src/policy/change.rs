//! A policy with one declaration changed: what its tests have to notice.

use super::raw::{PurposeSettings, Raw, RawNarrow, RawPoints, RawRule, Verdict};
use super::ruling::Effect;
use super::{Loaded, Policy, PolicyErrors, SourceFile, load};
use crate::analyze::Stars;
use crate::vocab::{Right, Usage};
use regex::Regex;
use std::fmt;
use std::sync::Arc;

/// One change to one declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub of: Declaration,
    pub what: Alteration,
}

/// What is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declaration {
    /// A rule or narrow, by its id.
    Rule(Arc<str>),
    /// A purpose, by its name.
    Purpose(Arc<str>),
    /// A `never_together`, by its place among them and its categories.
    NeverTogether(usize, Arc<str>),
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alteration {
    Removed,
    /// A rule gives the values as they are.
    Opened,
    /// A rule gives what it gives for this usage too.
    Given(Usage),
    /// A condition is gone.
    Without(Arc<str>),
    /// One of several names that it bounds is gone: the key, and the name.
    NotFor(&'static str, Arc<str>),
    /// A right that it bounds is gone.
    NotOf(Right),
    /// What a purpose asks for is gone, by its key.
    Undemanded(&'static str),
    /// Any justification will do.
    AnyReason,
    /// Stars mean the other thing.
    OtherStars,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            Declaration::Rule(id) => write!(f, "rule `{id}` ")?,
            Declaration::Purpose(name) => write!(f, "purpose `{name}` ")?,
            Declaration::NeverTogether(_, categories) => write!(f, "never_together of {categories} ")?,
        }
        match &self.what {
            Alteration::Removed => f.write_str("removed"),
            Alteration::Opened => f.write_str("widened to `allow`"),
            Alteration::Given(usage) => write!(f, "with usage `{}`", usage.word()),
            Alteration::Without(condition) => write!(f, "without `{condition}`"),
            Alteration::NotFor(key, name) => write!(f, "without {key} `{name}`"),
            Alteration::NotOf(right) => write!(f, "without right `{}`", right.word()),
            Alteration::Undemanded(key) => write!(f, "without `{key}`"),
            Alteration::AnyReason => f.write_str("with any justification"),
            Alteration::OtherStars => f.write_str("with stars that mean the other thing"),
        }
    }
}

const JUSTIFICATION: &str = "justification";
const NAMED_COLUMNS_ONLY: &str = "named_columns_only";
const REQUIRE_TLS: &str = "require_tls";
const MAX_ROWS: &str = "max_rows";

impl Policy {
    /// Every change that takes a declaration away or makes what is permitted wider.
    pub fn changes(&self) -> Vec<Change> {
        let mut all = Vec::new();
        for rule in &self.rules {
            let mut add = |what| all.push(Change { of: Declaration::Rule(Arc::clone(&rule.id.text)), what });
            add(Alteration::Removed);
            if rule.verdict != Verdict::Give(Effect::Allow) {
                add(Alteration::Opened);
            }
            rule.closed.iter().for_each(|usage| add(Alteration::Given(usage)));
            rule.conditions.iter().for_each(|wanted| add(Alteration::Without(Arc::clone(&wanted.written.text))));
        }
        for narrow in &self.narrows {
            let mut add = |what| all.push(Change { of: Declaration::Rule(Arc::clone(&narrow.id.text)), what });
            add(Alteration::Removed);
            if narrow.conditions.len() > 1 {
                narrow.conditions.iter().for_each(|wanted| add(Alteration::Without(Arc::clone(&wanted.written.text))));
            }
            let trees = &self.trees;
            let named = [
                (
                    "subject",
                    distinct(narrow.points.iter().filter_map(|at| at.subject.map(|node| trees.subjects.name(node)))),
                ),
                (
                    "category",
                    distinct(narrow.points.iter().filter_map(|at| at.category.map(|node| trees.categories.name(node)))),
                ),
                (
                    "purpose",
                    distinct(narrow.points.iter().filter_map(|at| at.purpose.map(|node| trees.purposes.name(node)))),
                ),
                (
                    "recipient",
                    distinct(
                        narrow.points.iter().filter_map(|at| at.recipient.map(|node| trees.recipients.name(node))),
                    ),
                ),
            ];
            // Of one name nothing would be left but all of them.
            for (key, names) in named.into_iter().filter(|(_, names)| names.len() > 1) {
                names.into_iter().for_each(|name| add(Alteration::NotFor(key, name)));
            }
            // What is updated or deleted must be there to be read: there the bound of reading holds too.
            let reads = narrow.rights.contains(&Right::Read);
            let follows = |right: &Right| reads && matches!(right, Right::Update | Right::Delete);
            let rights = narrow.rights.iter().filter(|right| narrow.rights.len() > 1 && !follows(right));
            rights.for_each(|right| add(Alteration::NotOf(*right)));
        }
        for (at, apart) in self.never_together.iter().enumerate() {
            let names: Vec<&Arc<str>> = apart.categories.iter().map(|node| self.trees.categories.name(*node)).collect();
            let told: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let of = Declaration::NeverTogether(at, told.join(", ").into());
            all.push(Change { of: of.clone(), what: Alteration::Removed });
            // Of two nothing would be left that can meet.
            for name in names.iter().filter(|_| names.len() > 2) {
                all.push(Change { of: of.clone(), what: Alteration::NotFor("category", Arc::clone(name)) });
            }
        }
        for (purpose, traits) in self.trees.purposes.nodes().zip(&self.traits) {
            let of = Declaration::Purpose(Arc::clone(self.trees.purposes.name(purpose)));
            let mut add = |what| all.push(Change { of: of.clone(), what });
            // Without its budget nothing is told with noise: that permits less.
            let PurposeSettings {
                justification,
                named_columns_only,
                require_tls,
                max_rows,
                mode: _,
                stars,
                temporary_tables: _,
                budget: _,
            } = &traits.settings;
            if justification.is_some() {
                add(Alteration::Undemanded(JUSTIFICATION));
                add(Alteration::AnyReason);
            }
            if named_columns_only.as_ref().is_some_and(|demand| demand.asked) {
                add(Alteration::Undemanded(NAMED_COLUMNS_ONLY));
            }
            if require_tls.as_ref().is_some_and(|demand| demand.asked) {
                add(Alteration::Undemanded(REQUIRE_TLS));
            }
            if max_rows.is_some() {
                add(Alteration::Undemanded(MAX_ROWS));
            }
            if stars.is_some() {
                add(Alteration::OtherStars);
            }
        }
        all
    }

    /// Reads a pack as [`Policy::parse`] does, with one declaration changed.
    pub fn parse_changed(files: &[SourceFile], change: &Change) -> Result<Loaded, PolicyErrors> {
        load::parse_with(files, |raw| alter(raw, change))
    }
}

fn distinct<'n>(names: impl Iterator<Item = &'n Arc<str>>) -> Vec<Arc<str>> {
    let mut all: Vec<Arc<str>> = Vec::new();
    for name in names {
        if !all.contains(name) {
            all.push(Arc::clone(name));
        }
    }
    all
}

fn alter(raw: &mut Raw, Change { of, what }: &Change) {
    match of {
        Declaration::Rule(id) => {
            if let Some(at) = raw.narrows.iter().position(|known| known.id.text == *id) {
                match what {
                    Alteration::Removed => drop(raw.narrows.remove(at)),
                    other => alter_narrow(&mut raw.narrows[at], other),
                }
            } else if let Some(at) = raw.rules.iter().position(|known| known.id.text == *id) {
                match what {
                    Alteration::Removed => drop(raw.rules.remove(at)),
                    other => alter_rule(&mut raw.rules[at], other),
                }
            }
        }
        Declaration::Purpose(name) => {
            let mut purposes = raw.purposes.iter_mut();
            if let Some(purpose) = purposes.find(|known| known.node.name.text == *name) {
                alter_demands(&mut purpose.settings, what);
            }
        }
        Declaration::NeverTogether(at, _) => match what {
            Alteration::NotFor(_, name) => raw.never_together[*at].categories.retain(|word| word.text != *name),
            _removed => drop(raw.never_together.remove(*at)),
        },
    }
}

fn alter_rule(rule: &mut RawRule, what: &Alteration) {
    match what {
        Alteration::Opened => {
            rule.verdict = Some(Verdict::Give(Effect::Allow));
            rule.except.clear();
        }
        Alteration::Given(usage) => rule.closed.remove(*usage),
        Alteration::Without(condition) => rule.conditions.retain(|word| word.text != *condition),
        Alteration::Removed
        | Alteration::NotFor(_, _)
        | Alteration::NotOf(_)
        | Alteration::Undemanded(_)
        | Alteration::AnyReason
        | Alteration::OtherStars => {}
    }
}

fn alter_narrow(narrow: &mut RawNarrow, what: &Alteration) {
    let RawPoints { subjects, categories, purposes, recipients } = &mut narrow.points;
    match what {
        Alteration::Without(condition) => narrow.conditions.retain(|word| word.text != *condition),
        Alteration::NotFor(key, name) => {
            let names = match *key {
                "subject" => subjects,
                "category" => categories,
                "purpose" => purposes,
                _recipient => recipients,
            };
            names.retain(|word| word.text != *name);
        }
        Alteration::NotOf(right) => narrow.rights.retain(|known| known != right),
        Alteration::Removed
        | Alteration::Opened
        | Alteration::Given(_)
        | Alteration::Undemanded(_)
        | Alteration::AnyReason
        | Alteration::OtherStars => {}
    }
}

fn alter_demands(settings: &mut PurposeSettings, what: &Alteration) {
    match what {
        Alteration::Undemanded(JUSTIFICATION) => settings.justification = None,
        Alteration::Undemanded(REQUIRE_TLS) => settings.require_tls = None,
        Alteration::Undemanded(MAX_ROWS) => settings.max_rows = None,
        Alteration::Undemanded(_named_columns_only) => settings.named_columns_only = None,
        Alteration::AnyReason => {
            if let (Some(demand), Ok(any)) = (&mut settings.justification, Regex::new("")) {
                demand.asked = any;
            }
        }
        Alteration::OtherStars => {
            settings.stars = settings.stars.map(|stars| match stars {
                Stars::Whole => Stars::Permitted,
                Stars::Permitted => Stars::Whole,
            });
        }
        Alteration::Removed
        | Alteration::Opened
        | Alteration::Given(_)
        | Alteration::Without(_)
        | Alteration::NotFor(_, _)
        | Alteration::NotOf(_) => {}
    }
}
