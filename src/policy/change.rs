//! A policy with one rule changed: what its tests have to notice.

use super::raw::{Raw, Verdict};
use super::ruling::Effect;
use super::{Loaded, Policy, PolicyErrors, SourceFile, load};
use crate::vocab::Usage;
use std::fmt;
use std::sync::Arc;

/// One change to one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The rule's id.
    pub rule: Arc<str>,
    pub what: Alteration,
}

/// What becomes of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alteration {
    Removed,
    /// It gives the values as they are.
    Opened,
    /// It gives what it gives for this usage too.
    Given(Usage),
    /// A condition of it is gone.
    Without(Arc<str>),
}

impl fmt::Display for Alteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Alteration::Removed => f.write_str("removed"),
            Alteration::Opened => f.write_str("widened to `allow`"),
            Alteration::Given(usage) => write!(f, "with usage `{}`", usage.word()),
            Alteration::Without(condition) => write!(f, "without `{condition}`"),
        }
    }
}

impl Policy {
    /// Every change that takes a rule away or makes it wider.
    pub fn changes(&self) -> Vec<Change> {
        let mut all = Vec::new();
        for rule in &self.rules {
            let id = &rule.id.text;
            let mut add = |what| all.push(Change { rule: Arc::clone(id), what });
            add(Alteration::Removed);
            if rule.verdict != Verdict::Give(Effect::Allow) {
                add(Alteration::Opened);
            }
            rule.closed.iter().for_each(|usage| add(Alteration::Given(usage)));
            rule.conditions.iter().for_each(|wanted| add(Alteration::Without(Arc::clone(&wanted.written.text))));
        }
        for narrow in &self.narrows {
            let changed = |what| Change { rule: Arc::clone(&narrow.id.text), what };
            all.extend(
                narrow.conditions.iter().map(|wanted| changed(Alteration::Without(Arc::clone(&wanted.written.text)))),
            );
        }
        all
    }

    /// Reads a pack as [`Policy::parse`] does, with one rule changed.
    pub fn parse_changed(files: &[SourceFile], change: &Change) -> Result<Loaded, PolicyErrors> {
        load::parse_with(files, |raw| alter(raw, change))
    }
}

fn alter(raw: &mut Raw, change: &Change) {
    let Change { rule, what } = change;
    if let (Some(narrow), Alteration::Without(condition)) =
        (raw.narrows.iter_mut().find(|known| known.id.text == *rule), what)
    {
        narrow.conditions.retain(|word| word.text != *condition);
        return;
    }
    let Some(at) = raw.rules.iter().position(|known| known.id.text == *rule) else { return };
    match what {
        Alteration::Removed => {
            raw.rules.remove(at);
        }
        Alteration::Opened => {
            raw.rules[at].verdict = Some(Verdict::Give(Effect::Allow));
            raw.rules[at].except.clear();
        }
        Alteration::Given(usage) => raw.rules[at].closed.remove(*usage),
        Alteration::Without(condition) => raw.rules[at].conditions.retain(|word| word.text != *condition),
    }
}
