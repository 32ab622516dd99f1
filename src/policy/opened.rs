//! What a policy opens by name: functions that may be called, relations whose rules may rewrite a write, and system
//! relations that may be read.
//!
//! A function is opened by `schema.name`, by `schema.name(types)` or by `schema.*`, and says what it reads beyond its
//! arguments. The nearest entry counts. Rules say what they read beyond their own relation. An entry whose `reads` name
//! what the database lacks opens nothing.

use super::document::{Fields, Value, Word};
use super::load::{Registered, clause_of, table_name};
use super::raw::{word, words};
use super::report::{Finding, Findings, Place};
use super::rules::Trees;
use super::{Policy, PurposeId};
use crate::analyze::{FunctionRead, Listable, Rewrites, is_trusted_extension, listable};
use crate::catalog::{Catalog, Function, Relation, pseudonyms};
use crate::vocab::{Clause, Oid, Usage, UsageSet};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// An entry as written.
#[derive(Debug)]
pub(super) struct RawOpened {
    name: Word,
    /// `None` for a system relation, and where it is missing.
    reads: Option<Vec<Word>>,
    purposes: Vec<Word>,
    clause: Option<Word>,
    messages: Messages,
}

/// What becomes of the errors and notices that a function raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Messages {
    /// They may hold anything: where the policy keeps something back they are filtered.
    Filtered,
    /// The policy says that they hold nothing of tables that the statement does not show.
    Pass,
}

/// What kind of entry it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Function,
    /// The rules of a relation.
    Rewrite,
    System,
}

/// Reads `[function."…"]`, `[rewrite."…"]` or `[system."…"]`.
pub(super) fn read(kind: Kind, name: &Word, value: &Value<'_>, findings: &mut Findings) -> Option<RawOpened> {
    let what = match kind {
        Kind::Function => "a function",
        Kind::Rewrite => "rules of a relation",
        Kind::System => "a system relation",
    };
    let mut fields = Fields::new(what, value, findings)?;
    let reads = match kind {
        Kind::System => None,
        Kind::Function | Kind::Rewrite => match fields.take("reads") {
            Some(value) => value.words_or_none(findings),
            None => {
                let label = match kind {
                    Kind::Rewrite => "which tables and columns do its rules read beyond its own? [] for none",
                    Kind::Function | Kind::System => {
                        "which tables and columns does it read beyond its arguments? [] for none"
                    }
                };
                findings.add(Finding::new("`reads` is missing", &name.place, label));
                None
            }
        },
    };
    let purposes = words(&mut fields, "purpose", findings);
    let clause = word(&mut fields, "clause", findings);
    let messages = match kind {
        Kind::System => Messages::Filtered,
        Kind::Function | Kind::Rewrite => match word(&mut fields, "messages", findings) {
            None => Messages::Filtered,
            Some(word) if &*word.text == "pass" => Messages::Pass,
            Some(word) => {
                let label = "`pass`, or leave it out: they are filtered then";
                findings.add(Finding::new(format!("`{}` is no way for messages", word.text), &word.place, label));
                Messages::Filtered
            }
        },
    };
    word(&mut fields, "note", findings);
    fields.finish(&[], findings);
    Some(RawOpened { name: name.clone(), reads, purposes, clause, messages })
}

/// A function's name as an entry gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    schema: Arc<str>,
    /// `None` for every function of the schema.
    name: Option<Arc<str>>,
    /// Types as `pg_proc` would write them, where the entry gives them.
    arguments: Option<Vec<String>>,
}

/// An entry whose names are looked up as far as the policy goes.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) place: Place,
    pattern: Pattern,
    reads: Vec<Word>,
    /// Under which purposes; empty: under all.
    purposes: Vec<PurposeId>,
    pub(super) clause: Option<Arc<Clause>>,
    messages: Messages,
}

/// Looks up what an entry names within the policy.
pub(super) fn resolve(
    kind: Kind,
    raw: RawOpened,
    trees: &Trees,
    clauses: &[Registered],
    findings: &mut Findings,
) -> Option<Opened> {
    let RawOpened { name, reads, purposes, clause, messages } = raw;
    let purposes = purposes.iter().filter_map(|word| trees.purposes.resolve(word, findings)).collect();
    let clause = clause.and_then(|word| clause_of(&word, clauses, findings));
    let pattern = match kind {
        Kind::Function => function_pattern(&name, findings)?,
        Kind::Rewrite => relation_pattern(&name, findings)?,
        Kind::System => system_name(&name, findings)?,
    };
    let reads = reads.unwrap_or_default();
    for word in &reads {
        if read_name(&word.text).is_none() {
            let label = "written `schema.table` or `schema.table.column`";
            findings.add(Finding::new(format!("`{}` is no table or column", word.text), &word.place, label));
        }
    }
    Some(Opened { place: name.place, pattern, reads, purposes, clause, messages })
}

fn function_pattern(name: &Word, findings: &mut Findings) -> Option<Pattern> {
    let (bare, arguments) = match name.text.split_once('(') {
        None => (&*name.text, None),
        Some((bare, rest)) => match rest.trim_end().strip_suffix(')') {
            Some(list) => (bare.trim_end(), Some(types(list))),
            None => ("", None),
        },
    };
    let Some((schema, function)) = table_name(bare) else {
        let label = "written `schema.name`, `schema.name(type, type)` or `schema.*`";
        findings.add(Finding::new(format!("`{}` is no function", name.text), &name.place, label));
        return None;
    };
    let every = &*function == "*";
    if &*schema == pseudonyms::SCHEMA {
        let label = "only guards call what makes pseudonyms";
        findings.add(Finding::new(format!("`{}` cannot be opened", name.text), &name.place, label));
        return None;
    }
    let built_in = matches!(&*schema, "pg_catalog" | "information_schema");
    if built_in && (every || &*schema != "pg_catalog" || listable(&function) == Listable::No) {
        let message = format!("`{}` cannot be opened", name.text);
        let label = "it runs SQL, reads files or relations, or is not known: what it tells cannot be bounded";
        findings.add(Finding::new(message, &name.place, label));
        return None;
    }
    Some(Pattern { schema, name: (!every).then_some(function), arguments })
}

/// A function that is named by itself, and did not come with the server.
pub(super) fn one_function(name: &Word, findings: &mut Findings) -> Option<Pattern> {
    let pattern = function_pattern(name, findings)?;
    if pattern.name.is_none() || &*pattern.schema == "pg_catalog" {
        let label = "a function of users, written `schema.name` or `schema.name(type, type)`";
        findings.add(Finding::new(format!("`{}` is no declassifier", name.text), &name.place, label));
        return None;
    }
    Some(pattern)
}

fn relation_pattern(name: &Word, findings: &mut Findings) -> Option<Pattern> {
    let Some((schema, relation)) = table_name(&name.text) else {
        let label = "a table or view with rules, written `schema.name`, or `schema.*`";
        findings.add(Finding::new(format!("`{}` is no relation", name.text), &name.place, label));
        return None;
    };
    Some(Pattern { schema, name: (&*relation != "*").then_some(relation), arguments: None })
}

fn system_name(name: &Word, findings: &mut Findings) -> Option<Pattern> {
    let full = if name.text.contains('.') { name.text.to_string() } else { format!("pg_catalog.{}", name.text) };
    match table_name(&full) {
        Some((schema, relation)) if &*schema == "pg_catalog" && !super::system::holds_values(&relation) => {
            Some(Pattern { schema, name: Some(relation), arguments: None })
        }
        Some((schema, _)) if &*schema == "pg_catalog" => {
            let label = "it holds values of columns: it would open what the policy closes";
            findings.add(Finding::new(format!("`{}` cannot be opened", name.text), &name.place, label));
            None
        }
        Some(_) | None => {
            let label = "a relation of `pg_catalog`; other relations are tagged by [table.…]";
            findings.add(Finding::new(format!("`{}` is no system relation", name.text), &name.place, label));
            None
        }
    }
}

/// What an entry says that a function reads: `schema.table` or `schema.table.column`.
struct ReadName {
    schema: Arc<str>,
    table: Arc<str>,
    column: Option<Arc<str>>,
}

fn read_name(written: &str) -> Option<ReadName> {
    if let Some((schema, table)) = table_name(written) {
        return Some(ReadName { schema, table, column: None });
    }
    column_name(written).map(|(schema, table, column)| ReadName { schema, table, column: Some(column) })
}

/// Splits `schema.table.column`; a part that holds a dot stands in double quotes.
pub(super) fn column_name(written: &str) -> Option<(Arc<str>, Arc<str>, Arc<str>)> {
    let at = match written.strip_suffix('"') {
        Some(rest) => rest.rfind('"')?.checked_sub(1).filter(|at| written[*at..].starts_with('.'))?,
        None => written.rfind('.')?,
    };
    let (table, column) = (&written[..at], &written[at + 1..]);
    let column = column.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(column);
    let (schema, table) = table_name(table)?;
    (!column.is_empty()).then(|| (schema, table, column.into()))
}

/// The types of an argument list as `pg_proc` writes them.
fn types(list: &str) -> Vec<String> {
    let one = |written: &str| {
        let lower = written.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
        let bare = lower.strip_prefix("pg_catalog.").unwrap_or(&lower);
        let (element, brackets) = bare.split_at(bare.find('[').unwrap_or(bare.len()));
        let name = match element.trim_end() {
            "int" | "int4" => "integer",
            "int2" => "smallint",
            "int8" => "bigint",
            "bool" => "boolean",
            "float4" => "real",
            "float8" | "float" => "double precision",
            "varchar" => "character varying",
            "char" | "bpchar" => "character",
            "decimal" => "numeric",
            "timestamp" => "timestamp without time zone",
            "timestamptz" => "timestamp with time zone",
            "time" => "time without time zone",
            "timetz" => "time with time zone",
            "varbit" => "bit varying",
            other => other,
        };
        format!("{name}{brackets}")
    };
    list.split(',').filter(|written| !written.trim().is_empty()).map(one).collect()
}

impl Pattern {
    /// How near the name is to a function's; `None` if it is another's.
    pub(super) fn nearness(&self, function: &Function) -> Option<u8> {
        let Pattern { schema, name, arguments } = self;
        if *schema != function.schema {
            return None;
        }
        match (name, arguments) {
            (None, _) => Some(0),
            (Some(name), _) if *name != function.name => None,
            (Some(_), None) => Some(1),
            (Some(_), Some(wanted)) => (types(&function.signature) == *wanted).then_some(2),
        }
    }
}

impl Opened {
    fn covers(&self, policy: &Policy, purpose: PurposeId) -> bool {
        let covers = |node: &PurposeId| policy.trees.purposes.covers(Some(*node), Some(purpose));
        self.purposes.is_empty() || self.purposes.iter().any(covers)
    }

    /// How near the entry is to a function; `None` if it is not about it.
    fn nearness(&self, function: &Function) -> Option<u8> {
        self.pattern.nearness(function)
    }

    /// What it is about, as it is written.
    pub(super) fn shown(&self) -> String {
        let Pattern { schema, name, arguments } = &self.pattern;
        let arguments = arguments.as_ref().map_or_else(String::new, |types| format!("({})", types.join(", ")));
        format!("{schema}.{}{arguments}", name.as_deref().unwrap_or("*"))
    }
}

/// The functions that a policy opens, with what they read in one database; one for each of its entries.
#[derive(Debug, Default)]
pub(super) struct BoundFunctions(Box<[Option<Arc<[FunctionRead]>>]>);

impl BoundFunctions {
    /// The nearest entry about a function, with what it reads, where it opens the function for the purpose.
    fn nearest<'p>(
        &self,
        policy: &'p Policy,
        purpose: PurposeId,
        function: &Function,
    ) -> Option<(&'p Opened, Arc<[FunctionRead]>)> {
        let entries = policy.functions.iter().zip(&self.0);
        let near = entries.filter_map(|(entry, reads)| Some((entry.nearness(function)?, entry, reads)));
        let (_, entry, reads) = near.max_by_key(|(nearness, _, _)| *nearness)?;
        let closed = function.extension.as_ref().is_some_and(|owner| !is_trusted_extension(owner));
        reads.clone().filter(|_| entry.covers(policy, purpose) && !closed).map(|reads| (entry, reads))
    }

    /// What a function reads, where the policy opens it for the purpose.
    pub(super) fn listed(
        &self,
        policy: &Policy,
        purpose: PurposeId,
        function: &Function,
    ) -> Option<Arc<[FunctionRead]>> {
        self.nearest(policy, purpose, function).map(|(_, reads)| reads)
    }

    /// Whether the policy lets what a function raises pass.
    pub(super) fn messages_pass(&self, policy: &Policy, purpose: PurposeId, function: &Function) -> bool {
        self.nearest(policy, purpose, function).is_some_and(|(entry, _)| entry.messages == Messages::Pass)
    }
}

/// The relations whose rules a policy opens: the entry's index, with what they read in one database.
#[derive(Debug, Default)]
pub(super) struct BoundRewrites(FxHashMap<Oid, (usize, Arc<[FunctionRead]>)>);

impl BoundRewrites {
    /// What a policy says of a relation's rules, where it opens them for the purpose.
    pub(super) fn listed(&self, policy: &Policy, purpose: PurposeId, relation: Oid) -> Option<Rewrites> {
        let (index, reads) = self.0.get(&relation)?;
        let entry = policy.rewrites.get(*index).filter(|entry| entry.covers(policy, purpose))?;
        Some(Rewrites { reads: Arc::clone(reads), messages_pass: entry.messages == Messages::Pass })
    }
}

/// What entries say that functions and rules read: schema, table and, where they name one, column.
pub(super) fn read_by_name(policy: &Policy) -> impl Iterator<Item = (Arc<str>, Arc<str>, Option<Arc<str>>)> {
    let words = policy.functions.iter().chain(&policy.rewrites).flat_map(|entry| &entry.reads);
    words.filter_map(|word| {
        let ReadName { schema, table, column } = read_name(&word.text)?;
        Some((schema, table, column))
    })
}

/// Whether a policy opens functions of users.
pub(super) fn opens_of_users(policy: &Policy) -> bool {
    policy.functions.iter().any(|entry| &*entry.pattern.schema != "pg_catalog")
}

/// Ties the entries about rules to a catalog. What names a relation counts before what names its schema.
pub(super) fn bind_rewrites(policy: &Policy, catalog: &Catalog, findings: &mut Findings) -> BoundRewrites {
    let mut bound = FxHashMap::default();
    let (schemas, named): (Vec<_>, Vec<_>) =
        policy.rewrites.iter().enumerate().partition(|(_, entry)| entry.pattern.name.is_none());
    for (index, entry) in schemas.into_iter().chain(named) {
        let Pattern { schema, name, arguments: _ } = &entry.pattern;
        let about = |relation: &&Relation| {
            relation.schema == *schema && name.as_ref().is_none_or(|name| relation.name == *name) && relation.has_rules
        };
        let mut ruled = catalog.snapshot().relations.iter().filter(about).map(|relation| relation.oid).peekable();
        if ruled.peek().is_none() {
            let message = format!("database `{}` has no rules on `{}`", catalog.database(), entry.shown());
            findings.add(Finding::new(message, &entry.place, "opens nothing"));
        }
        if let Some(reads) = reads(entry, catalog, findings) {
            bound.extend(ruled.map(|relation| (relation, (index, Arc::clone(&reads)))));
        }
    }
    BoundRewrites(bound)
}

/// Whether the policy opens a system relation for the purpose.
pub(super) fn opens_system(policy: &Policy, purpose: PurposeId, schema: &str, name: &str) -> bool {
    policy.systems.iter().any(|entry| {
        let Pattern { schema: of, name: named, arguments: _ } = &entry.pattern;
        **of == *schema && named.as_deref() == Some(name) && entry.covers(policy, purpose)
    })
}

/// Ties the entries to a catalog.
pub(super) fn bind(policy: &Policy, catalog: &Catalog, findings: &mut Findings) -> BoundFunctions {
    // A snapshot without functions does not tell.
    let told = !catalog.snapshot().functions.is_empty();
    let bound = policy.functions.iter().map(|entry| {
        let shown = entry.shown();
        let about = |function: &&Function| entry.nearness(function).is_some();
        let found: Vec<&Function> = catalog.snapshot().functions.iter().filter(about).collect();
        if found.is_empty() && told {
            let message = format!("database `{}` has no function `{shown}`", catalog.database());
            let finding = Finding::new(message, &entry.place, "opens nothing");
            let same_name = |function: &&Function| entry.pattern.name.as_ref() == Some(&function.name);
            let known = catalog.snapshot().functions.iter().filter(same_name);
            let known: Vec<String> = known.map(|f| format!("`{}.{}({})`", f.schema, f.name, f.signature)).collect();
            let finding =
                if known.is_empty() { finding } else { finding.help(format!("there is {}", known.join(", "))) };
            findings.add(finding);
        }
        let closed =
            |function: &&&Function| function.extension.as_ref().is_some_and(|owner| !is_trusted_extension(owner));
        if let Some(function) = found.iter().find(closed) {
            let owner = function.extension.as_deref().unwrap_or_default();
            let message = format!("`{}.{}` stays closed", function.schema, function.name);
            let label = format!("extension {owner} takes SQL, names or files: what it reads cannot be bounded");
            findings.add(Finding::new(message, &entry.place, label));
        }
        let opaque = found.iter().filter(|function| function.extension.is_none() && function.is_opaque()).count();
        if entry.pattern.name.is_none() && &*entry.pattern.schema == "public" && opaque > 0 {
            let message = format!("`{shown}` opens {opaque} functions that cannot be seen through");
            let label = "and what anyone puts into that schema later";
            let help = "name them one by one, or keep those that may be called in a schema of their own";
            findings.add(Finding::new(message, &entry.place, label).help(help));
        }
        if &*entry.pattern.schema == "pg_catalog"
            && entry.pattern.name.as_ref().is_some_and(|name| listable(name) == Listable::Open)
        {
            findings.add(Finding::new(format!("`{shown}` is open anyway"), &entry.place, "under every purpose"));
        }
        reads(entry, catalog, findings)
    });
    BoundFunctions(bound.collect())
}

/// What an entry reads, in the catalog's numbers.
fn reads(entry: &Opened, catalog: &Catalog, findings: &mut Findings) -> Option<Arc<[FunctionRead]>> {
    let mut all = Vec::new();
    let mut whole = true;
    let usages: UsageSet = [Usage::Output, Usage::Filter].into_iter().collect();
    for word in &entry.reads {
        let found = read_name(&word.text).and_then(|ReadName { schema, table, column }| {
            let relation = catalog.relation_in(&schema, &table)?;
            let columns = match column {
                None => (0..relation.columns.len()).collect(),
                Some(column) => vec![relation.columns.iter().position(|known| known.name == column)?],
            };
            let columns = columns.into_iter().map(|index| (index, usages)).collect();
            Some(FunctionRead { relation: relation.oid, columns })
        });
        match found {
            Some(read) => all.push(read),
            None => {
                let message = format!("`{}` reads `{}`, which is not there", entry.shown(), word.text);
                findings.add(Finding::new(message, &word.place, "it stays closed"));
                whole = false;
            }
        }
    }
    whole.then(|| all.into())
}
