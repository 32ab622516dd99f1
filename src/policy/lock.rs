//! The lock file: which columns a policy tags without naming them.
//!
//! A `default` gives a category to whatever column a table has. So that a column that is added later does not get it before anyone has
//! looked, `wherefore check --write-lock` writes down the columns that were there, and with `lock = true` in `[pack]` no other is covered.
//! A column that stands neither in the lock file nor by its name in the policy is untagged, and so closed.

use super::document::{Fields, Value, Word, basic, entries, written};
use super::load::table_name;
use super::pack::Pack;
use super::report::{Finding, Findings, Place};
use super::tags::{TableTags, Untagged};
use crate::catalog::{Catalog, Relation};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use toml::de::DeTable;

/// What a lock file is called, in the pack's folder.
pub const LOCK_FILE: &str = "policy.lock";

const HEAD: &str = "# The columns that the policy tags without naming them, written by `wherefore check --write-lock`. A column that is\n\
                    # neither here nor named in the policy is closed. Look at what changes here as at any change of the policy.\n";

/// Columns that tags cover without naming them, by the table whose tags those are.
pub(super) type Unnamed = BTreeMap<String, BTreeSet<Arc<str>>>;

/// What a lock file lists of one table.
#[derive(Debug)]
struct Locked {
    place: Place,
    schema: Arc<str>,
    table: Arc<str>,
    columns: Vec<Word>,
}

/// A lock file that has been read.
#[derive(Debug)]
pub(super) struct Lock {
    file: usize,
    tables: Vec<Locked>,
}

/// Whether the path of a pack's file is that of its lock file.
pub(super) fn is_lock(path: &str) -> bool {
    path.rsplit(['/', '\\']).next() == Some(LOCK_FILE)
}

impl Lock {
    pub(super) fn read(file: usize, table: &DeTable<'_>, findings: &mut Findings) -> Lock {
        let mut top = Fields::of("a lock file", entries(table, file));
        let mut tables = Vec::new();
        for (name, value) in top.take("table").and_then(|value| value.entries(findings)).unwrap_or_default() {
            tables.extend(Locked::read(&name, &value, findings));
        }
        top.finish(&[], findings);
        Lock { file, tables }
    }

    /// Whether a column was there when the file was written.
    pub(super) fn lists(&self, tags: &TableTags, column: &str) -> bool {
        let of_table = |locked: &&Locked| locked.schema == tags.schema && locked.table == tags.table;
        let mut columns = self.tables.iter().filter(of_table).flat_map(|locked| &locked.columns);
        columns.any(|known| &*known.text == column)
    }

    /// What is listed and no longer needed, or no longer there.
    pub(super) fn check(&self, catalog: &Catalog, unnamed: &Unnamed, findings: &mut Findings) {
        for locked in &self.tables {
            let name = written(&locked.schema, &locked.table);
            let Some(relation) = catalog.relation_in(&locked.schema, &locked.table) else {
                let message =
                    format!("{LOCK_FILE} lists a table `{name}` that database `{}` lacks", catalog.database());
                findings.add(Finding::new(message, &locked.place, "stale").help(WRITE_ANEW));
                continue;
            };
            let there = |column: &Arc<str>| {
                let family = catalog.with_descendants(relation);
                family.iter().any(|relation: &&Relation| relation.columns.iter().any(|known| known.name == *column))
            };
            let covered = unnamed.get(&name);
            for word in &locked.columns {
                let why = match (covered.is_some_and(|covered| covered.contains(&word.text)), there(&word.text)) {
                    (true, _) => continue,
                    (false, true) => "that the policy names, or does not tag at all",
                    (false, false) => "that the table lacks",
                };
                let message = format!("{LOCK_FILE} lists a column `{name}.{}` {why}", word.text);
                findings.add(Finding::new(message, &word.place, "stale").help(WRITE_ANEW));
            }
        }
    }
}

const WRITE_ANEW: &str = "write it anew with `wherefore check --write-lock`, and look at what changes";

impl Locked {
    fn read(name: &Word, value: &Value<'_>, findings: &mut Findings) -> Option<Locked> {
        let Some((schema, table)) = table_name(&name.text) else {
            findings.add(Finding::new(format!("`{}` is no table", name.text), &name.place, "written `schema.name`"));
            return None;
        };
        let mut fields = Fields::new("a table of the lock file", value, findings)?;
        let columns = fields.take("columns").and_then(|value| value.words_or_none(findings)).unwrap_or_default();
        fields.finish(&[], findings);
        Some(Locked { place: name.place.clone(), schema, table, columns })
    }
}

/// A lock file goes with `lock = true`, and that with `untagged = "deny"`: where what is untagged is open it would open what it should close.
pub(super) fn demanded(pack: &Pack, lock: Option<&Lock>, findings: &mut Findings) {
    match (&pack.lock, lock) {
        (Some(place), None) => {
            let message = format!("the pack says `lock = true` and has no {LOCK_FILE}");
            let finding = Finding::new(message, place, "needs the file beside it");
            findings.add(finding.help("`wherefore check POLICY_DIR --write-lock --url …` writes it"));
        }
        (None, Some(lock)) => {
            let place = Place { file: lock.file, span: 0..0 };
            let finding = Finding::new(format!("there is a {LOCK_FILE}, and nothing asks for it"), &place, "not used");
            findings.add(finding.help("[pack]\nlock = true"));
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
    if let (Some(place), Untagged::Allow) = (&pack.lock, pack.untagged) {
        let label = "a column that it does not list would be open";
        findings.add(Finding::new("`lock` needs `untagged = \"deny\"`", place, label));
    }
}

/// The text of a lock file: one column a line, in order.
pub(super) fn text(unnamed: &Unnamed) -> String {
    let mut out = HEAD.to_owned();
    for (table, columns) in unnamed {
        let _ = writeln!(out, "\n[table.{}]\ncolumns = [", basic(table));
        for column in columns {
            let _ = writeln!(out, "    {},", basic(column));
        }
        out.push_str("]\n");
    }
    out
}
