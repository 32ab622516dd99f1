//! Where masks cannot stand: columns that they do not fit, pseudonyms that the database cannot make, and what is written
//! where masks are read.

use super::bind::ColumnTags;
use super::raw::Verdict;
use super::report::{Finding, Findings};
use super::rules::{Point, Rule, decide};
use super::tree::{CategoryId, SubjectId};
use super::{Bound, Effect, Mask, Policy};
use crate::catalog::Column;
use crate::vocab::{Cause, Right};
use rustc_hash::FxHashMap;

/// Why a column stays closed that a mask does not fit.
const NO_FIT: &str = "its mask does not fit the column's type";
/// Why a column stays closed that would be shown as a pseudonym.
const NOT_INSTALLED: &str =
    "the database has no function for pseudonyms, or another: run what `wherefore install` writes";
/// Why a column cannot be written that is read as a pseudonym.
const PLANTED: &str =
    "who reads a column as pseudonyms may not write it: known values would show which pseudonyms they have";

/// Why a column stays closed that a rule would show masked; `None` where nothing is in the way.
pub(super) fn unfit(mask: &Mask, column: &Column, pseudonyms: bool) -> Option<&'static str> {
    match mask {
        mask if !mask.fits(column) => Some(NO_FIT),
        Mask::Pseudonym(_) if !pseudonyms => Some(NOT_INSTALLED),
        _fits => None,
    }
}

/// Why a column is closed to writing that is read as a pseudonym, by the rule that shows it so.
pub(super) fn planted(read: &Cause) -> Cause {
    match read {
        Cause::Rule { rule, clause: _ } | Cause::Mask { rule, why: _ } => {
            Cause::Mask { rule: std::sync::Arc::clone(rule), why: PLANTED }
        }
        Cause::NoRule | Cause::Untagged | Cause::NoPurpose | Cause::System | Cause::Temporary => read.clone(),
    }
}

impl Policy {
    /// The keys that its pseudonyms need.
    pub fn pseudonym_keys(&self) -> Vec<String> {
        let key = |rule: &Rule| match &rule.verdict {
            Verdict::Give(Effect::Mask(Mask::Pseudonym(pseudonym))) => Some(pseudonym.key.to_string()),
            Verdict::Give(_) | Verdict::Forbid => None,
        };
        let mut keys: Vec<String> = self.rules.iter().filter_map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// Reports what is probably not meant about masks.
pub(super) fn check(bound: &Bound, findings: &mut Findings) {
    for rule in &bound.policy.rules {
        let Verdict::Give(Effect::Mask(mask)) = &rule.verdict else { continue };
        check_columns(bound, rule, mask, findings);
        if let (Mask::Pseudonym(_), false) = (mask, bound.pseudonyms) {
            let message = format!("rule `{}` shows pseudonyms, which this database cannot make", rule.id.text);
            let finding = Finding::new(message, &rule.id.place, "what it would show stays closed");
            findings.add(finding.help("the function is missing or another: run what `wherefore install` writes"));
        }
    }
    check_writes(bound, findings);
}

/// Reports columns that a rule masks with what is not sure to give a value of their type.
fn check_columns(bound: &Bound, rule: &Rule, mask: &Mask, findings: &mut Findings) {
    let mut columns: Vec<String> = Vec::new();
    for relation in bound.catalog.relations() {
        let Some(tags) = bound.relations.get(&relation.oid) else { continue };
        for (column, tags) in relation.columns.iter().zip(&tags.columns) {
            if !mask.fits(column) && decides(bound, rule, tags) {
                columns.push(format!("{}.{} ({})", relation.name, column.name, column.type_sql));
            }
        }
    }
    if !columns.is_empty() {
        let message = format!("the mask of rule `{}` does not fit every column it masks", rule.id.text);
        let finding = Finding::new(message, &rule.id.place, "a mask never fails, so these stay closed");
        findings.add(finding.help(columns.join(", ")));
    }
}

/// Reports columns that a purpose reads masked and may update: whoever saves every field of a row, as object mappers do,
/// overwrites the value with its mask. What is read as a pseudonym stays closed to writing.
fn check_writes(bound: &Bound, findings: &mut Findings) {
    let policy = &bound.policy;
    let given = |right, point| {
        let rule = decide(&policy.rules, &policy.trees, right, point)?;
        match &rule.verdict {
            Verdict::Give(effect) => Some((rule, effect)),
            Verdict::Forbid => None,
        }
    };
    let mut columns: FxHashMap<(Option<SubjectId>, CategoryId), Vec<String>> = FxHashMap::default();
    for relation in bound.catalog.relations() {
        let Some(tags) = bound.relations.get(&relation.oid) else { continue };
        for (column, tags) in relation.columns.iter().zip(&tags.columns) {
            for tag in &tags.own {
                let known = columns.entry((tag.subject, tag.category)).or_default();
                known.push(format!("{}.{}", relation.name, column.name));
            }
        }
    }
    let pseudonym = |effect: &Effect| matches!(effect, Effect::Mask(Mask::Pseudonym(_)));
    for rule in &policy.rules {
        let (mut masked, mut closed): (Vec<String>, Vec<String>) = Default::default();
        for reader in policy.readers() {
            let (mut masks, mut pseudonyms): (Vec<&String>, Vec<&String>) = Default::default();
            for ((subject, category), tagged) in &columns {
                let point = Point::of(*subject, *category, *reader);
                let Some((_, read @ Effect::Mask(_))) = given(Right::Read, point) else { continue };
                let grants = |right| matches!(given(right, point), Some((by, Effect::Allow)) if std::ptr::eq(by, rule));
                match pseudonym(read) {
                    true if grants(Right::Insert) || grants(Right::Update) => pseudonyms.extend(tagged),
                    false if grants(Right::Update) => masks.extend(tagged),
                    _not_written => {}
                }
            }
            for (names, found) in [(&mut masks, &mut masked), (&mut pseudonyms, &mut closed)] {
                names.sort_unstable();
                names.dedup();
                if !names.is_empty() {
                    let names = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
                    found.push(format!("under `{}`: {names}", policy.keyed(*reader)));
                }
            }
        }
        let mut report = |found: Vec<String>, message: String, label: &str| {
            if !found.is_empty() {
                findings.add(Finding::new(message, &rule.id.place, label).help(found.join("; ")));
            }
        };
        let message = format!("rule `{}` lets a purpose update what it reads masked", rule.id.text);
        report(masked, message, "whoever saves a row as it was read overwrites the value with its mask");
        let message = format!("rule `{}` lets a purpose write what it reads as pseudonyms", rule.id.text);
        report(closed, message, "known values would show which pseudonyms they have, so these stay closed to writing");
    }
}

/// Whether a rule decides on a column for some reader.
pub(super) fn decides(bound: &Bound, rule: &Rule, tags: &ColumnTags) -> bool {
    let policy = &bound.policy;
    policy.readers().iter().any(|reader| {
        tags.own.iter().chain(&tags.below).any(|tag| {
            let point = Point::of(tag.subject, tag.category, *reader);
            decide(&policy.rules, &policy.trees, Right::Read, point).is_some_and(|decided| std::ptr::eq(decided, rule))
        })
    })
}
