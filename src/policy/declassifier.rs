//! Declassifiers: views and functions that the policy declares to give something weaker than what they are made of.
//!
//! One that is in force is judged by its own tags, like a table: the catalog that a policy is tied to says so of the view,
//! and for a function it holds a relation of one column, its result, that no statement can name. One whose definition is
//! not the pinned one is not in force: it is judged by what it reads, like any other.

use super::Policy;
use super::document::Word;
use super::load::{Loader, Registered, clause_of};
use super::opened::{self, Pattern};
use super::parameter::Parameter;
use super::raw::RawDeclassifier;
use super::report::{Finding, Findings, Place};
use super::rules::Trees;
use super::tags::TableTags;
use crate::analyze::FunctionRead;
use crate::catalog::{Body, Catalog, Column, Declared, Function, FunctionKind, Relation, RelationKind};
use crate::sql::{Visitor, on_deep_stack, parse, walk};
use crate::vocab::{AttNum, Clause, NotUnderstood, Oid, UsageSet};
use pg_query::NodeEnum;
use pg_query::protobuf::Node;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::Arc;

/// The column that stands for what a function returns.
pub(super) const RESULT: &str = "result";

/// How deep views in views are looked through for conditions that do not hold.
const DEEPEST: usize = 32;

impl Loader {
    /// Declassifiers; their tags join those of tables.
    pub(super) fn declassifiers(
        &mut self,
        trees: &Trees,
        parameters: &[Parameter],
        clauses: &[Registered],
        tables: &mut Vec<TableTags>,
    ) -> Vec<Declassifier> {
        let apart = self.apart(trees);
        let mut all = Vec::new();
        for RawDeclassifier { clause, definition, result, mut tags } in std::mem::take(&mut self.raw.declassifiers) {
            let place = tags.name.place.clone();
            let clause = clause_of(&clause, clauses, &mut self.findings);
            let (what, name) = match result {
                None => (What::View, self.table_name(&tags.name)),
                Some(categories) => {
                    let Some(pattern) = opened::one_function(&tags.name, &mut self.findings) else { continue };
                    tags.columns.push((Word { text: RESULT.into(), place: place.clone() }, categories));
                    let name = (Arc::from(""), Arc::clone(&tags.name.text));
                    (What::Function(pattern), Some(name))
                }
            };
            let Some(name) = name else { continue };
            let tags = self.table(tags, name, trees, &apart, parameters);
            let (schema, name) = (Arc::clone(&tags.schema), Arc::clone(&tags.table));
            let definition = definition.map(|word| word.text);
            all.extend(clause.map(|clause| Declassifier { place, schema, name, what, definition, clause }));
            tables.push(tags);
        }
        all
    }
}

/// What is declared.
#[derive(Debug)]
pub(super) enum What {
    View,
    Function(Pattern),
}

/// A declassifier. Its tags are among those of tables.
#[derive(Debug)]
pub(super) struct Declassifier {
    pub(super) place: Place,
    /// Where its tags stand; empty for a function.
    pub(super) schema: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) what: What,
    /// `sha256:…`, the definition that it is declared for.
    pub(super) definition: Option<Arc<str>>,
    pub(super) clause: Arc<Clause>,
}

/// The declassifiers in force over a catalog.
#[derive(Debug, Default)]
pub(super) struct Declaring {
    /// The catalog that says what is declared; `None` where nothing is.
    pub(super) catalog: Option<Arc<Catalog>>,
    /// What declared functions read: their result.
    pub(super) results: FxHashMap<Oid, Arc<[FunctionRead]>>,
    pub(super) findings: Findings,
}

/// Whether a relation of this name would be a declassifier.
pub(super) fn is_name_of_one(policy: &Policy, schema: &str, name: &str) -> bool {
    policy.declassifiers.iter().any(|declared| *declared.schema == *schema && *declared.name == *name)
}

/// Finds what a policy declares, and says in a copy of the catalog what is in force.
pub(super) fn declare(policy: &Policy, catalog: &Arc<Catalog>) -> Declaring {
    let mut declaring = Declaring::default();
    if policy.declassifiers.is_empty() {
        return declaring;
    }
    let mut snapshot = catalog.snapshot().clone();
    for (number, declassifier) in policy.declassifiers.iter().enumerate() {
        match &declassifier.what {
            What::View => {
                let Some((oid, declared)) = view(declassifier, policy, catalog, &mut declaring.findings) else {
                    continue;
                };
                if let Some(relation) = snapshot.relations.iter_mut().find(|relation| relation.oid == oid) {
                    relation.declared = Some(declared);
                }
            }
            What::Function(pattern) => {
                let Some(function) = function(declassifier, pattern, catalog, &mut declaring.findings) else {
                    continue;
                };
                // Numbers that no relation has: the server counts from below.
                let oid = Oid::MAX - Oid::try_from(number).unwrap_or(Oid::MAX);
                snapshot.relations.push(result(declassifier, function, oid));
                let read = FunctionRead { relation: oid, columns: vec![(0, UsageSet::EMPTY)] };
                declaring.results.insert(function.oid, Arc::from([read]));
            }
        }
    }
    declaring.catalog = Some(Arc::new(Catalog::new(snapshot, catalog.version())));
    declaring
}

/// What stands for what a function returns. It has no schema, so nothing can name it.
fn result(declassifier: &Declassifier, function: &Function, oid: Oid) -> Relation {
    let column = Column {
        number: AttNum(1),
        name: RESULT.into(),
        type_oid: function.returns,
        type_sql: "unknown".into(),
        not_null: false,
        nondeterministic: false,
        generated: false,
    };
    let kind = RelationKind::MaterializedView;
    let relation = Relation::new(oid, &declassifier.schema, &declassifier.name, kind, vec![column]);
    Relation { declared: Some(Declared::Result), ..relation }
}

/// The view that a declassifier names, if it is in force.
fn view(
    declassifier: &Declassifier,
    policy: &Policy,
    catalog: &Catalog,
    findings: &mut Findings,
) -> Option<(Oid, Declared)> {
    // That there is none of this name the tags' own lint says.
    let relation = catalog.relation_in(&declassifier.schema, &declassifier.name)?;
    let declared = match relation.kind {
        _lineage if !relation.is_by_lineage() => None,
        RelationKind::View => Some(Declared::Computed),
        RelationKind::MaterializedView => Some(Declared::Kept),
        RelationKind::Table | RelationKind::PartitionedTable | RelationKind::ForeignTable | RelationKind::Sequence => {
            None
        }
    };
    let Some(declared) = declared else {
        let message = format!("`{}.{}` cannot be declared", declassifier.schema, declassifier.name);
        let label = format!("it is a {}, and no view of users", relation.kind.word());
        findings.add(Finding::new(message, &declassifier.place, label));
        return None;
    };
    let digest = relation.definition.as_deref().map(digest);
    if !pinned(declassifier, digest.as_deref(), findings) {
        return None;
    }
    conditions_below(declassifier, relation, policy, catalog, findings);
    Some((relation.oid, declared))
}

/// The function that a declassifier names, if it is in force.
fn function<'c>(
    declassifier: &Declassifier,
    pattern: &Pattern,
    catalog: &'c Catalog,
    findings: &mut Findings,
) -> Option<&'c Function> {
    let functions = &catalog.snapshot().functions;
    let found: Vec<&Function> = functions.iter().filter(|function| pattern.nearness(function).is_some()).collect();
    let mut closed = |label: String| {
        let message = format!("`{}` cannot be declared", declassifier.name);
        findings.add(Finding::new(message, &declassifier.place, label));
        None
    };
    let [function] = found.as_slice() else {
        return match found.len() {
            0 if functions.is_empty() => None,
            0 => closed("there is no such function".to_owned()),
            some => closed(format!("{some} functions have this name: write its types")),
        };
    };
    let in_sql = match &function.body {
        Body::Text(_) | Body::Parsed(_) => true,
        Body::Unreadable | Body::Internal(_) => false,
    };
    match function.kind {
        FunctionKind::Function if function.extension.is_some() => closed("it belongs to an extension".to_owned()),
        // The server may put its query in the statement's place, and run the statement's conditions on hidden rows.
        FunctionKind::Function if function.set && in_sql => {
            closed("it returns a set and is written in SQL: declare a view, or write it in PL/pgSQL".to_owned())
        }
        FunctionKind::Function => pinned(declassifier, function.digest.as_deref(), findings).then_some(*function),
        FunctionKind::Procedure | FunctionKind::Aggregate | FunctionKind::Window => {
            closed("it is no plain function".to_owned())
        }
    }
}

/// Whether a definition is the one that is declared.
fn pinned(declassifier: &Declassifier, digest: Option<&str>, findings: &mut Findings) -> bool {
    let written = digest.map(|digest| format!("definition = \"sha256:{digest}\""));
    let shown = if declassifier.schema.is_empty() { String::new() } else { format!("{}.", declassifier.schema) };
    let name = format!("{shown}{}", declassifier.name);
    let (message, label, holds) = match &declassifier.definition {
        Some(pin) if digest.is_some_and(|digest| **pin == *format!("sha256:{digest}")) => return true,
        Some(_) => {
            let message = format!("`{name}` is not what was declared");
            (message, "its definition has changed: it is judged by what it reads, like any other", false)
        }
        None => {
            let message = format!("declassifier `{name}` is not pinned");
            (message, "whoever replaces its definition decides what it shows", true)
        }
    };
    let finding = Finding::new(message, &declassifier.place, label);
    let help = written.map(|written| format!("when you have read what it is now: {written}"));
    findings.add(match help {
        Some(help) => finding.help(help),
        None => finding,
    });
    holds
}

/// SHA-256 of a text, in hexadecimal digits.
fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// Says which conditions of tables do not hold within a declared view.
fn conditions_below(
    declassifier: &Declassifier,
    view: &Relation,
    policy: &Policy,
    catalog: &Catalog,
    findings: &mut Findings,
) {
    let mut reads = vec![view];
    let mut at = 0;
    while let Some(relation) = reads.get(at).copied().filter(|_| at < DEEPEST) {
        at += 1;
        for below in relations_in(relation.definition.as_deref().unwrap_or_default(), catalog) {
            if reads.iter().all(|known| known.oid != below.oid) {
                reads.push(below);
            }
        }
    }
    let conditioned = |table: &&TableTags| {
        let read = reads[1..].iter().any(|below| below.schema == table.schema && below.name == table.table);
        read && !table.conditions.is_empty()
    };
    for table in policy.tables.iter().filter(conditioned) {
        let names: Vec<&str> = table.conditions.iter().map(|named| &*named.name.text).collect();
        let message = format!(
            "`{}.{}` shows rows of `{}.{}` whether or not they meet its conditions",
            declassifier.schema, declassifier.name, table.schema, table.table
        );
        let label = format!("no condition holds within a declassifier: {}", names.join(", "));
        let help = "write them into its definition where they are meant";
        findings.add(Finding::new(message, &declassifier.place, label).help(help));
    }
}

/// The relations that a definition names.
fn relations_in<'c>(definition: &str, catalog: &'c Catalog) -> Vec<&'c Relation> {
    struct Names(Vec<(String, String)>);
    impl Visitor for Names {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            if let Some(NodeEnum::RangeVar(range)) = &node.node {
                self.0.push((range.schemaname.clone(), range.relname.clone()));
            }
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let names = on_deep_stack(|| {
        let mut names = Names(Vec::new());
        for mut statement in parse(definition).unwrap_or_default() {
            // What cannot be walked names fewer: only a lint is lost.
            let _ = walk(&mut statement.tree, &mut names);
        }
        names.0
    });
    names.iter().filter_map(|(schema, name)| catalog.relation_in(schema, name)).collect()
}
