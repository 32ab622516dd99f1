//! Clause coverage: what of a pack enforces each clause of its document, and which tests show it.

use super::term::{Paint, Tone, wrap};
use super::trial::Case;
use crate::policy::{Coverage, Policy};
use std::fmt::Write as _;

/// The width of what is said of a clause.
const WIDTH: usize = 84;
/// The width of the number of its tests.
const COUNT: usize = 8;

/// The clauses of a policy, with how many tests show each.
pub(super) struct Clauses {
    covered: Vec<(Coverage, usize)>,
}

impl Clauses {
    pub(super) fn of(policy: &Policy, tests: &[Case]) -> Clauses {
        let shown = |covered: &Coverage| {
            tests.iter().filter(|test| test.clause.as_deref() == Some(&*covered.clause.id)).count()
        };
        let with_tests = |covered: Coverage| {
            let tests = shown(&covered);
            (covered, tests)
        };
        Clauses { covered: policy.coverage().into_iter().map(with_tests).collect() }
    }

    /// Those that something enforces and no test shows, of a pack that has tests.
    pub(super) fn untested(&self) -> Vec<&str> {
        if self.covered.iter().all(|(_, tests)| *tests == 0) {
            return Vec::new();
        }
        let untested = self.covered.iter().filter(|(covered, tests)| *tests == 0 && !covered.enforced_by.is_empty());
        untested.map(|(covered, _)| &*covered.clause.id).collect()
    }

    /// `24 clauses: 22 enforced and tested, 2 with a reason why not`.
    pub(super) fn summary(&self) -> String {
        let count =
            |wanted: fn(&(Coverage, usize)) -> bool| self.covered.iter().filter(|clause| wanted(clause)).count();
        let parts = [
            (count(|(covered, tests)| !covered.enforced_by.is_empty() && *tests > 0), "enforced and tested"),
            (count(|(covered, tests)| !covered.enforced_by.is_empty() && *tests == 0), "enforced without a test"),
            (
                count(|(c, _)| c.enforced_by.is_empty() && c.without_rule.is_some()),
                "with a reason why no rule cites them",
            ),
            (count(|(c, _)| c.enforced_by.is_empty() && c.without_rule.is_none()), "that nothing enforces"),
        ];
        let parts = parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}"));
        format!("{} clauses: {}", self.covered.len(), parts.collect::<Vec<_>>().join(", "))
    }

    /// Each clause: how many tests show it, and what enforces it or why nothing does.
    pub(super) fn render(&self, paint: Paint) -> String {
        let widest = self.covered.iter().map(|(covered, _)| covered.clause.id.chars().count()).max().unwrap_or(0);
        let indent = " ".repeat(widest + COUNT + 4);
        let mut out = String::new();
        for (Coverage { clause, enforced_by, without_rule }, tests) in &self.covered {
            let (tone, count) = match (enforced_by.is_empty(), tests) {
                (true, 0) => (Tone::Faint, String::new()),
                (false, 0) => (Tone::Bad, "no test".to_owned()),
                (_, 1) => (Tone::Good, "1 test".to_owned()),
                (_, tests) => (Tone::Good, format!("{tests} tests")),
            };
            let by = match (enforced_by.is_empty(), without_rule) {
                (false, _) => wrap(&indent, WIDTH, &enforced_by.join(", ")),
                (true, Some(why)) => paint.tone(Tone::Faint, &wrap(&indent, WIDTH, why)).into_owned(),
                (true, None) => paint.tone(Tone::Bad, "nothing enforces it").into_owned(),
            };
            let count = format!("{count:<COUNT$}");
            let _ = writeln!(out, "{:<widest$}  {}  {by}", clause.id, paint.tone(tone, &count));
        }
        out
    }
}
