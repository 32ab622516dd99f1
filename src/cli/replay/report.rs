//! What a replay found, for people and for machines.

use super::judge::{Declared, Fate, Verdict};
use super::tally::{Change, Finding, Group, Tally};
use crate::cli::term::{Paint, Tone, table, wrap};
use serde::Serialize;
use std::fmt::Write as _;

/// The width of wrapped text.
const WIDTH: usize = 104;
/// How many characters of an example are shown.
const EXAMPLE: usize = 240;
const INDENT: &str = "            ";

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn purpose(declared: &Declared) -> &str {
    match declared {
        Declared::Purpose(name) => name,
        Declared::None => "no purpose",
    }
}

fn application(name: &str) -> &str {
    if name.is_empty() { "(not told)" } else { name }
}

/// A part of the report: what kind of findings, and which.
struct Section {
    title: &'static str,
    tone: Tone,
    wanted: fn(&Finding) -> bool,
}

const OF_ONE: [Section; 2] = [
    Section { title: "refused", tone: Tone::Refused, wanted: |finding| finding.outcome.after.fate == Fate::Refused },
    Section { title: "rewritten", tone: Tone::Sql, wanted: |finding| finding.outcome.after.fate == Fate::Rewritten },
];

const OF_TWO: [Section; 3] = [
    Section {
        title: "newly refused",
        tone: Tone::Refused,
        wanted: |f| f.outcome.change() == Some(Change::NewlyRefused),
    },
    Section {
        title: "newly answered",
        tone: Tone::Good,
        wanted: |f| f.outcome.change() == Some(Change::NewlyAnswered),
    },
    Section { title: "changed", tone: Tone::Sql, wanted: |f| f.outcome.change() == Some(Change::Otherwise) },
];

/// The report for people, with at most so many findings of a kind.
pub(super) fn text(tally: &Tally, most: usize, paint: Paint) -> String {
    let mut out = String::new();
    let heads = ["application", "purpose", "statements", "unchanged", "rewritten", "refused"].map(str::to_owned);
    let row = |(name, declared, group): &(&str, &Declared, &Group)| {
        let counts = [group.statements(), group.unchanged, group.rewritten, group.refused];
        let names = [application(name), purpose(declared)].map(str::to_owned);
        names.into_iter().chain(counts.map(grouped)).map(Some).collect::<Vec<_>>()
    };
    let groups = tally.groups();
    let rows: Vec<_> = groups.iter().take(most).map(row).collect();
    if !rows.is_empty() {
        out.push_str(&table(paint, "", &heads, &rows));
    }
    if let Some(more) = groups.len().checked_sub(most).filter(|more| *more > 0) {
        let _ = writeln!(out, "… and {more} more");
    }
    let sections: &[Section] = if tally.compares { &OF_TWO } else { &OF_ONE };
    for Section { title, tone, wanted } in sections {
        let mut found: Vec<(&str, &Declared, Finding)> = Vec::new();
        for (name, declared, group) in &groups {
            found.extend(Tally::findings(group).into_iter().filter(wanted).map(|finding| (*name, *declared, finding)));
        }
        if found.is_empty() {
            continue;
        }
        found.sort_by_key(|(_, _, finding)| std::cmp::Reverse(finding.count));
        let _ = writeln!(out, "\n{}", paint.tone(*tone, title));
        for (name, declared, finding) in found.iter().take(most) {
            listed(name, declared, finding, paint, &mut out);
        }
        if let Some(more) = found.len().checked_sub(most).filter(|more| *more > 0) {
            let _ = writeln!(out, "  … and {more} more (--most)");
        }
    }
    let _ = writeln!(out, "\n{}", summary(tally));
    out
}

fn listed(name: &str, declared: &Declared, finding: &Finding, paint: Paint, out: &mut String) {
    let Finding { outcome, count, examples } = finding;
    let by = format!("{} under {}", application(name), purpose(declared));
    let _ = writeln!(out, "{:>10}  {}", grouped(*count), paint.tone(Tone::Strong, &by));
    if let Some(before) = &outcome.before {
        let _ = writeln!(out, "{INDENT}was: {}", told(before));
        let _ = writeln!(out, "{INDENT}now: {}", told(&outcome.after));
    } else {
        let _ = writeln!(out, "{INDENT}{}", told(&outcome.after));
    }
    for example in examples.iter().take(1) {
        let mut cut: String = example.chars().take(EXAMPLE).collect();
        if cut.len() < example.len() {
            cut.push('…');
        }
        let _ = writeln!(out, "{INDENT}{}", paint.tone(Tone::Sql, &wrap(INDENT, WIDTH, &cut)));
    }
}

fn told(verdict: &Verdict) -> String {
    let Verdict { fate, code, reason, detail } = verdict;
    let text = match (fate, code) {
        (Fate::Unchanged, _) => "unchanged".to_owned(),
        (Fate::Rewritten, _) => reason.clone(),
        (Fate::Refused, Some(code)) => format!("{code}: {reason}"),
        (Fate::Refused, None) => reason.clone(),
    };
    let text = detail.as_ref().map_or(text.clone(), |detail| format!("{text}\n{detail}"));
    wrap(INDENT, WIDTH, &text)
}

fn summary(tally: &Tally) -> String {
    let mut out = format!("{} statements", grouped(tally.statements()));
    if tally.lines > 0 {
        let _ = write!(out, " of {} lines", grouped(tally.lines));
    }
    let total = |count: fn(&Group) -> u64| tally.groups().iter().map(|(_, _, group)| count(group)).sum::<u64>();
    let counts = [total(|g| g.unchanged), total(|g| g.rewritten), total(|g| g.refused)].map(grouped);
    let _ = write!(out, ": {} unchanged, {} rewritten, {} refused", counts[0], counts[1], counts[2]);
    if tally.compares {
        let [refused, answered, otherwise] = [Change::NewlyRefused, Change::NewlyAnswered, Change::Otherwise]
            .map(|change| grouped(tally.changed(change)));
        let _ = write!(out, "; {refused} newly refused, {answered} newly answered, {otherwise} changed");
    }
    for (count, what) in [
        (tally.elsewhere, "in other databases"),
        (tally.own, "of the proxy's own"),
        (tally.unread, "could not be read"),
    ] {
        if count > 0 {
            let _ = write!(out, "; {} {what}", grouped(count));
        }
    }
    out
}

#[derive(Serialize)]
struct Whole<'t> {
    statements: u64,
    lines: u64,
    unread: u64,
    elsewhere: u64,
    own: u64,
    groups: Vec<OfGroup<'t>>,
}

#[derive(Serialize)]
struct OfGroup<'t> {
    application: Option<&'t str>,
    purpose: Option<&'t str>,
    unchanged: u64,
    rewritten: u64,
    refused: u64,
    findings: Vec<OfFinding>,
}

#[derive(Serialize)]
struct OfFinding {
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Verdict>,
    after: Verdict,
    examples: Vec<String>,
}

impl<'t> OfGroup<'t> {
    fn new((name, declared, group): (&'t str, &'t Declared, &'t Group)) -> OfGroup<'t> {
        let of_finding = |finding: Finding| OfFinding {
            count: finding.count,
            before: finding.outcome.before.as_deref().cloned(),
            after: (*finding.outcome.after).clone(),
            examples: finding.examples,
        };
        OfGroup {
            application: Some(name).filter(|name| !name.is_empty()),
            purpose: match declared {
                Declared::Purpose(name) => Some(name),
                Declared::None => None,
            },
            unchanged: group.unchanged,
            rewritten: group.rewritten,
            refused: group.refused,
            findings: Tally::findings(group).into_iter().map(of_finding).collect(),
        }
    }
}

/// The report for machines: one object.
pub(super) fn json(tally: &Tally) -> String {
    let whole = Whole {
        statements: tally.statements(),
        lines: tally.lines,
        unread: tally.unread,
        elsewhere: tally.elsewhere,
        own: tally.own,
        groups: tally.groups().into_iter().map(OfGroup::new).collect(),
    };
    serde_json::to_string_pretty(&whole).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"].map(str::to_owned));
    }
}
