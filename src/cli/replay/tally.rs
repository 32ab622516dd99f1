//! What statements met, counted per application and purpose.

use super::judge::{Declared, Fate, Verdict};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// How many pairs of application and purpose are told apart; the applications of further ones are counted together.
const MOST_GROUPS: usize = 2_000;
/// How many kinds of findings a group tells apart.
const MOST_FINDINGS: usize = 1_000;
/// How many examples a finding keeps.
const EXAMPLES: usize = 3;
/// Applications beyond [`MOST_GROUPS`].
const OTHERS: &str = "(others)";

/// What a statement meets, and met before where two policies are compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Outcome {
    pub(super) before: Option<Arc<Verdict>>,
    pub(super) after: Arc<Verdict>,
}

/// What a change of policy means for a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    NewlyRefused,
    NewlyAnswered,
    /// It answers, but something else than before; or it is refused for another reason.
    Otherwise,
}

impl Outcome {
    pub(super) fn change(&self) -> Option<Change> {
        let before = self.before.as_ref()?;
        match (before.fate, self.after.fate) {
            (Fate::Unchanged | Fate::Rewritten, Fate::Refused) => Some(Change::NewlyRefused),
            (Fate::Refused, Fate::Unchanged | Fate::Rewritten) => Some(Change::NewlyAnswered),
            (Fate::Refused, Fate::Refused) | (Fate::Unchanged | Fate::Rewritten, Fate::Unchanged | Fate::Rewritten) => {
                (*before != self.after).then_some(Change::Otherwise)
            }
        }
    }

    /// Whether it is worth a line of its own.
    fn is_finding(&self) -> bool {
        match self.before {
            Some(_) => self.change().is_some(),
            None => self.after.fate != Fate::Unchanged,
        }
    }
}

/// Statements that met the same.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) outcome: Outcome,
    pub(super) count: u64,
    /// Without literals.
    pub(super) examples: Vec<String>,
}

/// The statements of one application under one purpose.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) unchanged: u64,
    pub(super) rewritten: u64,
    pub(super) refused: u64,
    findings: FxHashMap<Outcome, (u64, Vec<String>)>,
}

impl Group {
    pub(super) fn statements(&self) -> u64 {
        self.unchanged + self.rewritten + self.refused
    }
}

/// Everything that was counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) compares: bool,
    pub(super) lines: u64,
    /// Lines that are no record of the log's format, or statements whose text the server does not show.
    pub(super) unread: u64,
    /// Statements in other databases.
    pub(super) elsewhere: u64,
    /// Statements by which the proxy itself reads the catalog.
    pub(super) own: u64,
    groups: FxHashMap<(Arc<str>, Declared), Group>,
}

impl Tally {
    pub(super) fn new(compares: bool) -> Tally {
        Tally { compares, ..Tally::default() }
    }

    pub(super) fn add(
        &mut self,
        application: Option<&str>,
        declared: &Declared,
        outcome: &Outcome,
        shown: &str,
        times: u64,
    ) {
        let mut place: (Arc<str>, Declared) = (application.unwrap_or_default().into(), declared.clone());
        if self.groups.len() >= MOST_GROUPS && !self.groups.contains_key(&place) {
            place.0 = OTHERS.into();
        }
        let group = self.groups.entry(place).or_default();
        *match outcome.after.fate {
            Fate::Unchanged => &mut group.unchanged,
            Fate::Rewritten => &mut group.rewritten,
            Fate::Refused => &mut group.refused,
        } += times;
        if !outcome.is_finding() {
            return;
        }
        if let Some((count, examples)) = group.findings.get_mut(outcome) {
            *count += times;
            if examples.len() < EXAMPLES && examples.iter().all(|example| example != shown) {
                examples.push(shown.to_owned());
            }
        } else if group.findings.len() < MOST_FINDINGS {
            group.findings.insert(outcome.clone(), (times, vec![shown.to_owned()]));
        }
    }

    /// The groups, those with most statements first.
    pub(super) fn groups(&self) -> Vec<(&str, &Declared, &Group)> {
        let mut all: Vec<_> =
            self.groups.iter().map(|((application, declared), group)| (&**application, declared, group)).collect();
        all.sort_by(|one, other| {
            let by_count = other.2.statements().cmp(&one.2.statements());
            by_count.then_with(|| (one.0, one.1).cmp(&(other.0, other.1)))
        });
        all
    }

    /// What was found of a group, the most frequent first.
    pub(super) fn findings(group: &Group) -> Vec<Finding> {
        let finding = |(outcome, (count, examples)): (&Outcome, &(u64, Vec<String>))| {
            let mut examples = examples.clone();
            examples.sort();
            Finding { outcome: outcome.clone(), count: *count, examples }
        };
        let mut all: Vec<Finding> = group.findings.iter().map(finding).collect();
        all.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.outcome.after.cmp(&other.outcome.after)));
        all
    }

    pub(super) fn statements(&self) -> u64 {
        self.groups.values().map(Group::statements).sum()
    }

    /// Statements that are refused; where policies are compared, those that were not before.
    pub(super) fn alarms(&self) -> u64 {
        match self.compares {
            true => self.changed(Change::NewlyRefused),
            false => self.groups.values().map(|group| group.refused).sum(),
        }
    }

    /// How many statements a change of policy changes so.
    pub(super) fn changed(&self, change: Change) -> u64 {
        let findings = self.groups.values().flat_map(|group| &group.findings);
        findings.filter(|(outcome, _)| outcome.change() == Some(change)).map(|(_, (count, _))| count).sum()
    }
}
