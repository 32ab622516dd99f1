//! What the files say, shape by shape, before any name is looked up.
//!
//! Each subject of the language is read by a file of its own; `Raw` holds what all the files of a pack say.

mod clause;
mod declassifier;
mod effect;
mod mask;
mod narrow;
mod never_together;
mod parameter;
mod pattern;
mod purpose;
mod role;
mod rule;
mod table;
mod tree;

use super::document::{Fields, Value, Word, entries, with_suggestion};
use super::opened::{self, RawOpened};
use super::parameter::Parameter;
use super::report::{Finding, Findings, Place};
use super::tree::Declared;
use crate::vocab::Right;
pub(super) use clause::RawClause;
pub(super) use declassifier::RawDeclassifier;
pub(super) use effect::Verdict;
pub(super) use narrow::RawNarrow;
pub(super) use never_together::RawNeverTogether;
pub(super) use pattern::RawPattern;
pub use purpose::{Budget, MaxRows, Over};
pub(super) use purpose::{Demand, Mode, PurposeSettings, RawPurpose, TemporaryTables};
pub(super) use role::RawRole;
pub(super) use rule::{RawPoints, RawRule};
use rustc_hash::FxHashMap;
use std::sync::Arc;
pub(super) use table::{Measures, RawCondition, RawTable};
use toml::de::DeTable;
pub(super) use tree::RawApart;

/// Everything the files of a pack declare.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) pack: Option<RawPack>,
    pub(super) subjects: Vec<Declared>,
    pub(super) categories: Vec<Declared>,
    pub(super) purposes: Vec<RawPurpose>,
    pub(super) recipients: Vec<Declared>,
    /// Tags that may not meet on one column: the category that says so, and what it may not meet.
    pub(super) apart: Vec<RawApart>,
    /// Categories that may not meet in one statement.
    pub(super) never_together: Vec<RawNeverTogether>,
    pub(super) clauses: Vec<RawClause>,
    pub(super) rules: Vec<RawRule>,
    pub(super) narrows: Vec<RawNarrow>,
    pub(super) tables: Vec<RawTable>,
    pub(super) patterns: Vec<RawPattern>,
    pub(super) declassifiers: Vec<RawDeclassifier>,
    pub(super) roles: Vec<RawRole>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) functions: Vec<RawOpened>,
    pub(super) rewrites: Vec<RawOpened>,
    pub(super) systems: Vec<RawOpened>,
    /// Where each name was declared first, by kind.
    seen: FxHashMap<(&'static str, Arc<str>), Place>,
}

#[derive(Debug)]
pub(super) struct RawPack {
    pub(super) name: Option<Word>,
    pub(super) document: Option<Word>,
    pub(super) dated: Option<Arc<str>>,
    pub(super) untagged: Option<Word>,
    /// Where it says that comments are read.
    pub(super) comments: Option<Place>,
    /// Whose categories it has beside its own.
    pub(super) taxonomy: Option<Word>,
    /// Keys that it adds to Fideslang's.
    pub(super) extension: Vec<Word>,
    /// Where it says that there is a lock file.
    pub(super) lock: Option<Place>,
}

/// Reads an optional string.
pub(super) fn word(fields: &mut Fields<'_>, key: &'static str, findings: &mut Findings) -> Option<Word> {
    fields.take(key).and_then(|value| value.word(findings))
}

/// Reads a string or a list of them; missing is empty.
pub(super) fn words(fields: &mut Fields<'_>, key: &'static str, findings: &mut Findings) -> Vec<Word> {
    fields.take(key).and_then(|value| value.words(findings)).unwrap_or_default()
}

/// Reads `rights`; left out it is the right to read.
fn rights(fields: &mut Fields<'_>, findings: &mut Findings) -> Vec<Right> {
    let Some(value) = fields.take("rights") else { return vec![Right::Read] };
    let mut rights = Vec::new();
    for word in value.words(findings).unwrap_or_default() {
        let right = match &*word.text {
            "read" => Right::Read,
            "insert" => Right::Insert,
            "update" => Right::Update,
            "delete" => Right::Delete,
            other => {
                let finding = Finding::new(format!("unknown right `{other}`"), &word.place, "not a right");
                findings.add(with_suggestion(finding, other, ["read", "insert", "update", "delete"].into_iter()));
                continue;
            }
        };
        if !rights.contains(&right) {
            rights.push(right);
        }
    }
    rights
}

/// Reads a string that must be there.
fn needed(fields: &mut Fields<'_>, key: &'static str, of: &Place, findings: &mut Findings) -> Option<Word> {
    let value = fields.take(key);
    if value.is_none() {
        findings.add(Finding::new(format!("`{key}` is missing"), of, "needed here"));
    }
    value.and_then(|value| value.word(findings))
}

impl Raw {
    /// Adds what one file says.
    pub(super) fn read(&mut self, file: usize, table: &DeTable<'_>, findings: &mut Findings) {
        let mut top = Fields::of("a policy file", entries(table, file));
        if let Some((key, value)) = top.take_keyed("pack") {
            self.pack(&key, &value, findings);
        }
        for (name, value) in named(top.take("subject"), findings) {
            if self.first("subject", &name, findings) {
                let node = tree::node("a subject", &name, &value, findings, |_, _| ());
                self.subjects.extend(node);
            }
        }
        for (name, value) in named(top.take("category"), findings) {
            if self.first("category", &name, findings) {
                let apart = &mut self.apart;
                let node = tree::node("a category", &name, &value, findings, |fields, findings| {
                    let categories = words(fields, "never_with", findings);
                    let subjects = words(fields, "never_about", findings);
                    if !(categories.is_empty() && subjects.is_empty()) {
                        apart.push(RawApart { category: name.clone(), categories, subjects });
                    }
                });
                self.categories.extend(node);
            }
        }
        for (name, value) in named(top.take("purpose"), findings) {
            if self.first("purpose", &name, findings) {
                self.purposes.extend(purpose::purpose(&name, &value, findings));
            }
        }
        for (name, value) in named(top.take("recipient"), findings) {
            if self.first("recipient", &name, findings) {
                self.recipients.extend(tree::node("a recipient", &name, &value, findings, |_, _| ()));
            }
        }
        for (name, value) in named(top.take("clause"), findings) {
            if self.first("clause", &name, findings) {
                self.clauses.extend(clause::clause(&name, &value, findings));
            }
        }
        if let Some(value) = top.take("rule") {
            for value in value.tables(findings) {
                if let Some(rule) = rule::rule(&value, findings)
                    && self.first("rule", &rule.id, findings)
                {
                    self.rules.push(rule);
                }
            }
        }
        if let Some(value) = top.take("narrow") {
            for value in value.tables(findings) {
                if let Some(narrow) = narrow::narrow(&value, findings)
                    && self.first("rule", &narrow.id, findings)
                {
                    self.narrows.push(narrow);
                }
            }
        }
        if let Some(value) = top.take("never_together") {
            for value in value.tables(findings) {
                self.never_together.extend(never_together::never_together(&value, findings));
            }
        }
        for (name, value) in named(top.take("table"), findings) {
            if self.first("table", &name, findings) {
                self.tables.extend(table::tags(&name, &value, findings));
            }
        }
        for (name, value) in named(top.take("pattern"), findings) {
            if self.first("pattern", &name, findings) {
                self.patterns.extend(pattern::pattern(&name, &value, findings));
            }
        }
        for (name, value) in named(top.take("declassifier"), findings) {
            // Its tags stand in a table's place.
            if self.first("table", &name, findings) {
                self.declassifiers.extend(declassifier::declassifier(&name, &value, findings));
            }
        }
        for (name, value) in named(top.take("role"), findings) {
            if self.first("role", &name, findings) {
                self.roles.extend(role::role(&name, &value, findings));
            }
        }
        for (name, value) in named(top.take("parameter"), findings) {
            if self.first("parameter", &name, findings) {
                self.parameters.extend(parameter::parameter(&name, &value, findings));
            }
        }
        for (name, value) in named(top.take("function"), findings) {
            if self.first("function", &name, findings) {
                self.functions.extend(opened::read(opened::Kind::Function, &name, &value, findings));
            }
        }
        for (name, value) in named(top.take("rewrite"), findings) {
            if self.first("relation with rules", &name, findings) {
                self.rewrites.extend(opened::read(opened::Kind::Rewrite, &name, &value, findings));
            }
        }
        for (name, value) in named(top.take("system"), findings) {
            if self.first("system relation", &name, findings) {
                self.systems.extend(opened::read(opened::Kind::System, &name, &value, findings));
            }
        }
        let later = ["include", "test", "view"];
        top.finish(&later, findings);
    }

    /// Whether the name is declared for the first time in all the files.
    fn first(&mut self, kind: &'static str, name: &Word, findings: &mut Findings) -> bool {
        let Some(before) = self.seen.get(&(kind, Arc::clone(&name.text))) else {
            self.seen.insert((kind, Arc::clone(&name.text)), name.place.clone());
            return true;
        };
        let message = format!("{kind} `{}` is declared twice", name.text);
        findings.add(Finding::new(message, &name.place, "again here").also(before, "first here"));
        false
    }

    fn pack(&mut self, key: &Word, value: &Value<'_>, findings: &mut Findings) {
        let whole = Word { text: "pack".into(), place: key.place.clone() };
        if !self.first("section", &whole, findings) {
            return;
        }
        let Some(mut fields) = Fields::new("[pack]", value, findings) else { return };
        // Whoever reads the files has added what it names.
        words(&mut fields, "include", findings);
        let mut said = |key, findings: &mut Findings| {
            let (key, value) = fields.take_keyed(key)?;
            value.truth(findings).filter(|said| *said).map(|_| key.place)
        };
        let (comments, lock) = (said("comments", findings), said("lock", findings));
        self.pack = Some(RawPack {
            name: word(&mut fields, "name", findings),
            document: word(&mut fields, "document", findings),
            dated: fields.take("dated").and_then(|value| value.date(findings)),
            untagged: word(&mut fields, "untagged", findings),
            comments,
            lock,
            taxonomy: word(&mut fields, "taxonomy", findings),
            extension: words(&mut fields, "fideslang_extension", findings),
        });
        fields.finish(&["require_tls", "mode", "stars"], findings);
    }
}

/// The named tables under a top-level key: `[purpose.x]`.
fn named<'t>(value: Option<Value<'t>>, findings: &mut Findings) -> Vec<(Word, Value<'t>)> {
    value.and_then(|value| value.entries(findings)).unwrap_or_default()
}
