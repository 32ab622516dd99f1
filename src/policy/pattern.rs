//! Tags by what tables and columns are called: `[pattern."public.*"]` with `columns."*_email" = "contact.email"`.
//!
//! A column that its table, or an ancestor of it, tags by name is left alone; what a pattern tags goes before the table's
//! `default`. Patterns are about tables: what views show is judged by what they read. Where two disagree the column stays
//! closed, and a column that appeared after the policy was first bound is covered by none ([`super::bind::keep_tags`]): whoever
//! may add a column and choose its name would choose who reads it.

use super::Policy;
use super::apart::Apart;
use super::bound::Patterned;
use super::document::Word;
use super::load::Loader;
use super::pack::Pack;
use super::raw::{Measures, RawPattern};
use super::report::{Finding, Findings, Place};
use super::rules::Trees;
use super::system::{self, Openness};
use super::tags::{Named, TableTags, Untagged};
use super::tree::{CategoryId, SubjectId};
use crate::catalog::{Relation, RelationKind, quote_qualified};
use std::borrow::Cow;
use std::sync::Arc;

/// One `[pattern."…"]`.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) place: Place,
    pub(super) schema: Arc<str>,
    pub(super) table: Arc<str>,
    /// Whose data the tables hold that no section names.
    pub(super) subject: Option<SubjectId>,
    pub(super) columns: Vec<Named<Vec<CategoryId>>>,
}

/// A line of a pattern: the tables and columns that it is about.
type Line<'p> = (&'p Pattern, &'p Named<Vec<CategoryId>>);

impl Loader {
    /// The patterns, which need untagged columns to be closed.
    pub(super) fn patterns(&mut self, pack: &Pack, trees: &Trees, apart: &[Apart]) -> Vec<Pattern> {
        let mut all = Vec::new();
        for RawPattern { name, subject, columns } in std::mem::take(&mut self.raw.patterns) {
            let columns = self.columns(columns, subject.as_ref(), trees, apart);
            let tables = self.table_name(&name);
            let findings = &mut self.findings;
            let subject = subject.and_then(|word| trees.subjects.resolve(&word, findings));
            if pack.untagged == Untagged::Allow {
                let label = "what two patterns disagree on, and a column that is added later, would be open";
                findings.add(Finding::new("patterns need `untagged = \"deny\"`", &name.place, label));
            }
            let place = name.place;
            all.extend(tables.map(|(schema, table)| Pattern { place, schema, table, subject, columns }));
        }
        all
    }
}

impl Pattern {
    fn is_about(&self, relation: &Relation) -> bool {
        let table = match relation.kind {
            RelationKind::Table | RelationKind::PartitionedTable | RelationKind::ForeignTable => true,
            RelationKind::View | RelationKind::MaterializedView | RelationKind::Sequence => false,
        };
        table
            && relation.declared.is_none()
            && system::openness(relation) == Openness::User
            && matches(&self.schema, &relation.schema)
            && matches(&self.table, &relation.name)
    }
}

/// The lines that speak of a column.
fn lines<'p>(policy: &'p Policy, relation: &Relation, column: &str) -> Vec<Line<'p>> {
    let about = policy.patterns.iter().filter(|pattern| pattern.is_about(relation));
    let lines = about.flat_map(|pattern| pattern.columns.iter().map(move |line| (pattern, line)));
    lines.filter(|(_, line)| matches(&line.name.text, column)).collect()
}

/// The tags of a relation by its section, if it has one, and by patterns. Columns that an ancestor names are left alone.
pub(super) fn tags<'p>(
    policy: &'p Policy,
    relation: &Relation,
    section: Option<&'p TableTags>,
    named_above: impl Fn(&str) -> bool,
    errors: &mut Findings,
) -> Option<Cow<'p, TableTags>> {
    let mut found: Vec<(&Arc<str>, Vec<Line<'p>>)> = Vec::new();
    for column in &relation.columns {
        if section.is_some_and(|section| section.names(&column.name)) || named_above(&column.name) {
            continue;
        }
        let lines = lines(policy, relation, &column.name);
        if !lines.is_empty() {
            found.push((&column.name, lines));
        }
    }
    let Some((_, first)) = found.first() else { return section.map(Cow::Borrowed) };
    let mut tags = section.cloned().unwrap_or_else(|| TableTags {
        place: first[0].0.place.clone(),
        schema: Arc::clone(&relation.schema),
        table: Arc::clone(&relation.name),
        subject: None,
        subject_key: None,
        default: None,
        columns: Vec::new(),
        patterned: Vec::new(),
        conditions: Vec::new(),
        follows: Vec::new(),
        measures: Measures::default(),
    });
    let agreed = section.is_some() || {
        let all: Vec<Line<'_>> = found.iter().flat_map(|(_, lines)| lines.iter().copied()).collect();
        tags.subject = all[0].0.subject;
        let same = |(a, _): &Line<'_>, (b, _): &Line<'_>| a.subject == b.subject;
        let over = format!("about whose data table `{}.{}` holds", relation.schema, relation.name);
        differing(&all, same, &over, errors)
    };
    for (column, lines) in found {
        let over = format!("on column `{}.{}.{column}`", relation.schema, relation.name);
        let line = lines[0].1;
        let same = |(_, a): &Line<'_>, (_, b): &Line<'_>| {
            a.value.iter().all(|tag| b.value.contains(tag)) && b.value.iter().all(|tag| a.value.contains(tag))
        };
        let name = Word { text: Arc::clone(column), place: line.name.place.clone() };
        let before = errors.len();
        for apart in &policy.apart {
            Apart::check(apart, &policy.trees, &name, &line.value, tags.subject, errors);
        }
        let stands = differing(&lines, same, &over, errors) && errors.len() == before && agreed;
        // Without categories it is untagged, which closes it.
        let value = if stands { line.value.clone() } else { Vec::new() };
        tags.patterned.push(Named { name, value });
    }
    Some(Cow::Owned(tags))
}

/// Whether all lines agree; else the first two that do not are named.
fn differing(
    lines: &[Line<'_>],
    same: impl Fn(&Line<'_>, &Line<'_>) -> bool,
    over: &str,
    errors: &mut Findings,
) -> bool {
    let Some(other) = lines.iter().find(|line| !same(&lines[0], line)) else { return true };
    let shown = |(pattern, line): &Line<'_>| format!("`{}.{}.{}`", pattern.schema, pattern.table, line.name.text);
    let message = format!("patterns {} and {} disagree {over}", shown(&lines[0]), shown(other));
    let finding = Finding::new(message, &lines[0].1.name.place, "this one");
    errors.add(
        finding
            .also(&other.1.name.place, "and this one; what they disagree on stays closed")
            .help("a tag by name goes before every pattern"),
    );
    false
}

/// What each line of the patterns tags, and a lint for each that tags nothing.
pub(super) fn report<'t>(
    policy: &Policy,
    tagged: impl Fn(&Relation) -> Option<&'t TableTags>,
    relations: &[Relation],
    findings: &mut Findings,
) -> Vec<Patterned> {
    let mut all = Vec::new();
    for pattern in &policy.patterns {
        for line in &pattern.columns {
            let mut columns = Vec::new();
            for relation in relations.iter().filter(|relation| pattern.is_about(relation)) {
                let Some(tags) = tagged(relation) else { continue };
                let here = tags.patterned.iter().filter(|column| matches(&line.name.text, &column.name.text));
                let table = quote_qualified(&relation.schema, &relation.name);
                columns.extend(here.map(|column| format!("{table}.{}", column.name.text)));
            }
            if columns.is_empty() {
                let message = format!("pattern `{}.{}.{}` tags nothing", pattern.schema, pattern.table, line.name.text);
                findings.add(Finding::new(
                    message,
                    &line.name.place,
                    "no column is called so, or tags by name go before",
                ));
            }
            let categories = line.value.iter().map(|tag| Arc::clone(policy.trees.categories.name(*tag)));
            all.push(Patterned {
                tables: format!("{}.{}", pattern.schema, pattern.table),
                called: Arc::clone(&line.name.text),
                categories: categories.collect(),
                columns,
            });
        }
    }
    all
}

/// Whether a name is of a form: `*` stands for any characters, `?` for one.
fn matches(form: &str, name: &str) -> bool {
    let (form, name): (Vec<char>, Vec<char>) = (form.chars().collect(), name.chars().collect());
    let (mut at, mut read) = (0, 0);
    // Where the last star stood, and how much of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    while read < name.len() {
        match form.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some('?') => (at, read) = (at + 1, read + 1),
            Some(c) if *c == name[read] => (at, read) = (at + 1, read + 1),
            Some(_) | None => {
                let Some((stood, taken)) = star else { return false };
                star = Some((stood, taken + 1));
                (at, read) = (stood + 1, taken + 1);
            }
        }
    }
    form[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        for (form, name, expected) in [
            ("*", "", true),
            ("*", "anything", true),
            ("*_email", "work_email", true),
            ("*_email", "_email", true),
            ("*_email", "email", false),
            ("*_email", "work_email_of", false),
            ("email*", "email", true),
            ("*mail*", "the_mailbox", true),
            ("a*b*c", "axxbyybzc", true),
            ("a*b*c", "axxbyyb", false),
            ("address_?", "address_1", true),
            ("address_?", "address_", false),
            ("address_?", "address_10", false),
            ("address?*", "address_10", true),
            ("Email", "email", false),
            ("naïve?", "naïveé", true),
            ("", "", true),
            ("", "x", false),
            ("**x**", "x", true),
        ] {
            assert_eq!(matches(form, name), expected, "{form} {name}");
        }
        // No form takes longer than its length times the name's.
        assert!(!matches(&"*a".repeat(30), &"a".repeat(29)));
    }
}
