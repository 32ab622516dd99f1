//! From what the files say to a policy: every name looked up, every error reported.

use super::apart::Apart;
use super::condition;
use super::document::{Word, list, with_suggestion};
use super::fideslang;
use super::follow;
use super::lint;
use super::lock::{self, Lock};
use super::narrow::Narrow;
use super::never_together::NeverTogether;
use super::opened::{self, Opened, RawOpened};
use super::pack::Pack;
use super::parameter::{Parameter, ParameterId, ValueSource};
use super::principal::Grant;
use super::raw::{PurposeSettings, Raw, RawCondition, RawNarrow, RawPoints, RawPurpose, RawRule, RawTable};
use super::report::{Finding, Findings, Lint, Place, PolicyErrors, Sources};
use super::rules::{self, Point, Rule, Sense, Trees, Wanted};
use super::tags::{Named, TableTags};
use super::tree::{CategoryId, Tree};
use super::{Policy, PurposeId, SourceFile, reader};
use crate::vocab::Clause;
use miette::NamedSource;
use rustc_hash::{FxHashMap, FxHashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use toml::de::DeTable;

/// A policy that loads, and what is probably not meant in it.
#[derive(Debug)]
pub struct Loaded {
    pub policy: Policy,
    /// In the order of the files.
    pub lints: Vec<Lint>,
}

/// A clause with what the lints need to know of it.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) clause: Arc<Clause>,
    /// Where in the document it stands.
    pub(super) section: Option<Arc<str>>,
    pub(super) place: Place,
    /// Why no rule cites it, as the pack says.
    pub(super) without_rule: Option<Word>,
}

/// A purpose with what is said about it beyond its place in the tree.
#[derive(Debug)]
pub(super) struct PurposeTraits {
    pub(super) unrestricted: bool,
    /// It may change the schema.
    pub(super) ddl: bool,
    /// Channels it may listen to and notify.
    pub(super) listen: Box<[Arc<str>]>,
    pub(super) title: Option<Arc<str>>,
    pub(super) settings: PurposeSettings,
}

pub(super) fn parse(files: &[SourceFile]) -> Result<Loaded, PolicyErrors> {
    parse_with(files, |_| ())
}

/// Reads a pack whose declarations are changed before they are looked at.
pub(super) fn parse_with(files: &[SourceFile], alter: impl FnOnce(&mut Raw)) -> Result<Loaded, PolicyErrors> {
    let source = |file: &SourceFile| NamedSource::new(&file.path, Arc::from(file.text.as_str()));
    let sources = Arc::new(Sources(files.iter().map(source).collect()));
    let mut findings = Findings::default();
    let mut raw = Raw::default();
    let mut readable = true;
    let mut lock = None;
    for (file, text) in files.iter().enumerate() {
        let (table, errors) = DeTable::parse_recoverable(&text.text);
        if errors.is_empty() && lock::is_lock(&text.path) {
            lock = Some(Lock::read(file, table.get_ref(), &mut findings));
            continue;
        }
        if errors.is_empty() {
            raw.read(file, table.get_ref(), &mut findings);
            continue;
        }
        readable = false;
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            findings.add(Finding::new(error.message(), &Place { file, span }, "here"));
        }
    }
    // In a file that cannot be read names may be missing, so looking them up would report errors that are none.
    if !readable {
        return Err(findings.into_errors(&sources));
    }
    alter(&mut raw);
    let loader = Loader { raw, findings, sources, lock, version: version(files) };
    loader.resolve()
}

/// A hash of the files, in the order of their paths.
fn version(files: &[SourceFile]) -> u64 {
    let mut sorted: Vec<(&str, &str)> = files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    sorted.sort_unstable();
    let mut hasher = DefaultHasher::new();
    sorted.hash(&mut hasher);
    hasher.finish()
}

pub(super) struct Loader {
    pub(super) raw: Raw,
    pub(super) findings: Findings,
    sources: Arc<Sources>,
    lock: Option<Lock>,
    version: u64,
}

/// What a policy opens by name.
struct Openings {
    functions: Vec<Opened>,
    rewrites: Vec<Opened>,
    systems: Vec<Opened>,
}

impl Loader {
    fn resolve(mut self) -> Result<Loaded, PolicyErrors> {
        let pack = self.pack();
        lock::demanded(&pack, self.lock.as_ref(), &mut self.findings);
        let (trees, traits) = self.trees(&pack);
        let clauses = self.clauses(&pack);
        for (_, word) in traits.iter().flat_map(|traits| traits.settings.clauses()) {
            clause_of(word, &clauses, &mut self.findings);
        }
        let parameters = std::mem::take(&mut self.raw.parameters);
        let apart = self.apart(&trees);
        let mut tables = self.tables(&trees, &apart, &parameters);
        follow::check(&tables, &mut self.findings);
        let patterns = self.patterns(&pack, &trees, &apart);
        let declassifiers = self.declassifiers(&trees, &parameters, &clauses, &mut tables);
        let conditions: Vec<Arc<str>> =
            tables.iter().flat_map(|table| &table.conditions).map(|named| Arc::clone(&named.name.text)).collect();
        let rules = std::mem::take(&mut self.raw.rules);
        let rules: Vec<Rule> =
            rules.into_iter().filter_map(|raw| self.rule(raw, &trees, &clauses, &conditions)).collect();
        let narrows = std::mem::take(&mut self.raw.narrows);
        let narrows = narrows.into_iter().filter_map(|raw| self.narrow(raw, &trees, &clauses, &conditions)).collect();
        let roles = self.roles(&trees, &parameters);
        let Openings { functions, rewrites, systems } = self.opened(&trees, &clauses);
        let never_together = self.never_together(&trees, &clauses);
        rules::check(&rules, &trees, &mut self.findings);
        let Loader { raw: _, findings, sources, lock, version } = self;
        if !findings.is_empty() {
            return Err(findings.into_errors(&sources));
        }
        let mut policy = Policy {
            version,
            pack,
            trees,
            traits,
            clauses,
            rules,
            narrows,
            tables,
            patterns,
            declassifiers,
            parameters,
            roles,
            readers: Vec::new(),
            functions,
            rewrites,
            systems,
            never_together,
            apart,
            lock,
            sources,
        };
        policy.readers = reader::readers(&policy);
        let lints = lint::of_policy(&policy);
        Ok(Loaded { policy, lints })
    }

    fn never_together(&mut self, trees: &Trees, clauses: &[Registered]) -> Vec<NeverTogether> {
        let findings = &mut self.findings;
        let mut all = Vec::new();
        for raw in std::mem::take(&mut self.raw.never_together) {
            let categories =
                raw.categories.iter().filter_map(|word| trees.categories.resolve(word, findings)).collect();
            let purposes = raw.purposes.iter().filter_map(|word| trees.purposes.resolve(word, findings)).collect();
            let recipients =
                raw.recipients.iter().filter_map(|word| trees.recipients.resolve(word, findings)).collect();
            let clause = raw.clause.as_ref().and_then(|word| clause_of(word, clauses, findings));
            all.push(NeverTogether { place: raw.place, categories, purposes, recipients, clause });
        }
        all
    }

    fn opened(&mut self, trees: &Trees, clauses: &[Registered]) -> Openings {
        let findings = &mut self.findings;
        let mut resolve = |kind, raw: Vec<RawOpened>| -> Vec<Opened> {
            raw.into_iter().filter_map(|raw| opened::resolve(kind, raw, trees, clauses, findings)).collect()
        };
        Openings {
            functions: resolve(opened::Kind::Function, std::mem::take(&mut self.raw.functions)),
            rewrites: resolve(opened::Kind::Rewrite, std::mem::take(&mut self.raw.rewrites)),
            systems: resolve(opened::Kind::System, std::mem::take(&mut self.raw.systems)),
        }
    }

    fn pack(&mut self) -> Pack {
        let Some(raw) = &self.raw.pack else {
            let nowhere = Place { file: 0, span: 0..0 };
            if self.sources.0.is_empty() {
                let empty = NamedSource::new("(no file)", Arc::from(""));
                self.sources = Arc::new(Sources(vec![empty]));
            }
            self.findings.add(
                Finding::new("the policy has no [pack]", &nowhere, "none of the files has one")
                    .help("[pack]\nname = \"…\"\ndocument = \"…\"\nuntagged = \"deny\""),
            );
            return Pack::default();
        };
        Pack::of(raw, &mut self.findings)
    }

    fn trees(&mut self, pack: &Pack) -> (Trees, Vec<PurposeTraits>) {
        let mut traits = Vec::new();
        let mut purposes = Vec::new();
        for RawPurpose { node, unrestricted, ddl, listen, title, settings } in std::mem::take(&mut self.raw.purposes) {
            // A grant covers what is below it: it must not hand out what is never checked.
            if let (Some(place), Some(parent)) = (&unrestricted, &node.parent) {
                let message = format!("purpose `{}` is unrestricted but below `{}`", node.name.text, parent.text);
                let label = "whoever may declare the parent could declare this";
                self.findings.add(Finding::new(message, place, label).also(&parent.place, "its parent"));
            }
            let title = title.map(|word| word.text);
            let listen = listen.into_iter().map(|word| word.text).collect();
            traits.push(PurposeTraits { unrestricted: unrestricted.is_some(), ddl, listen, title, settings });
            purposes.push(node);
        }
        if let Some(place) = &pack.taxonomy {
            let of_taxonomy = fideslang::categories(place, &self.raw.categories);
            self.raw.categories.extend(of_taxonomy);
        }
        let findings = &mut self.findings;
        let trees = Trees {
            subjects: Tree::build(std::mem::take(&mut self.raw.subjects), findings),
            categories: Tree::build(std::mem::take(&mut self.raw.categories), findings),
            purposes: Tree::build(purposes, findings),
            recipients: Tree::build(std::mem::take(&mut self.raw.recipients), findings),
        };
        (trees, traits)
    }

    fn clauses(&mut self, pack: &Pack) -> Vec<Registered> {
        let clause = |raw: super::raw::RawClause| Registered {
            clause: Arc::new(Clause {
                id: raw.id.text,
                document: raw.document.map_or_else(|| Arc::clone(&pack.document), |word| word.text),
                dated: raw.dated.unwrap_or_else(|| Arc::clone(&pack.dated)),
                words: raw.words.text,
            }),
            section: raw.section.map(|word| word.text),
            place: raw.id.place,
            without_rule: raw.without_rule,
        };
        std::mem::take(&mut self.raw.clauses).into_iter().map(clause).collect()
    }

    fn tables(&mut self, trees: &Trees, apart: &[Apart], parameters: &[Parameter]) -> Vec<TableTags> {
        let mut tables = Vec::new();
        for raw in std::mem::take(&mut self.raw.tables) {
            let name = self.table_name(&raw.name);
            let nameless = name.is_none();
            // What else is wrong with it is told at once.
            let tags = self.table(raw, name.unwrap_or_default(), trees, apart, parameters);
            if !nameless {
                tables.push(tags);
            }
        }
        tables
    }

    pub(super) fn table_name(&mut self, name: &Word) -> Option<(Arc<str>, Arc<str>)> {
        let found = table_name(&name.text);
        if found.is_none() {
            let label = "written `schema.name`; a part that holds a dot in double quotes";
            self.findings.add(Finding::new(format!("`{}` is no table", name.text), &name.place, label));
        }
        found
    }

    pub(super) fn table(
        &mut self,
        raw: RawTable,
        (schema, table): (Arc<str>, Arc<str>),
        trees: &Trees,
        apart: &[Apart],
        parameters: &[Parameter],
    ) -> TableTags {
        let columns = self.columns(raw.columns, raw.subject.as_ref(), trees, apart);
        let findings = &mut self.findings;
        let subject = raw.subject.as_ref().and_then(|word| trees.subjects.resolve(word, findings));
        let default = raw.default.as_ref().and_then(|word| trees.categories.resolve(word, findings));
        if let (Some(word), Some(category)) = (&raw.default, default) {
            for rule in apart {
                rule.check(trees, word, &[category], subject, findings);
            }
        }
        let mut conditions = Vec::new();
        let mut names: FxHashSet<Arc<str>> = FxHashSet::default();
        for RawCondition { name, sql } in raw.conditions {
            names.insert(Arc::clone(&name.text));
            match condition::read(&sql.text, parameters) {
                Ok(condition) => conditions.push(Named { name, value: condition }),
                Err(reason) => {
                    let message = format!("condition `{}` cannot be used", name.text);
                    findings.add(Finding::new(message, &sql.place, reason));
                }
            }
        }
        if let Some(key) = &raw.subject_key {
            follow::check_key(key, &mut self.findings);
        }
        let follows = self.follows(&raw.follows);
        TableTags {
            place: raw.name.place,
            schema,
            table,
            subject,
            subject_key: raw.subject_key,
            default,
            columns,
            patterned: Vec::new(),
            conditions,
            follows,
            measures: raw.measures,
        }
    }

    /// The categories of columns, where they may meet.
    pub(super) fn columns(
        &mut self,
        raw: Vec<(Word, Vec<Word>)>,
        subject: Option<&Word>,
        trees: &Trees,
        apart: &[Apart],
    ) -> Vec<Named<Vec<CategoryId>>> {
        let findings = &mut self.findings;
        let subject = subject.and_then(|word| trees.subjects.find(&word.text));
        let mut columns = Vec::new();
        for (column, words) in raw {
            let categories: Vec<CategoryId> =
                words.iter().filter_map(|word| trees.categories.resolve(word, findings)).collect();
            for rule in apart {
                rule.check(trees, &column, &categories, subject, findings);
            }
            columns.push(Named { name: column, value: categories });
        }
        columns
    }

    pub(super) fn apart(&mut self, trees: &Trees) -> Vec<Apart> {
        let findings = &mut self.findings;
        let mut all = Vec::new();
        for raw in std::mem::take(&mut self.raw.apart) {
            let categories =
                raw.categories.iter().filter_map(|word| trees.categories.resolve(word, findings)).collect();
            let subjects = raw.subjects.iter().filter_map(|word| trees.subjects.resolve(word, findings)).collect();
            let category = trees.categories.find(&raw.category.text);
            all.extend(category.map(|category| Apart { category, place: raw.category.place, categories, subjects }));
        }
        all
    }

    /// `None` for a rule with an error in it: whether it ties with others is not worth telling.
    fn rule(&mut self, raw: RawRule, trees: &Trees, clauses: &[Registered], conditions: &[Arc<str>]) -> Option<Rule> {
        let findings = &mut self.findings;
        let before = findings.len();
        let clause = raw.clause.as_ref().and_then(|word| clause_of(word, clauses, findings));
        let points = points(trees, &raw.points, findings);
        let except = raw.except.iter().filter_map(|word| trees.purposes.resolve(word, findings)).collect();
        let wanted = raw.conditions.iter().map(|word| wanted(word.clone(), conditions, findings)).collect();
        let (id, rights, verdict) = (raw.id, raw.rights, raw.verdict?);
        let (filter, closed) = (raw.filter, raw.closed);
        let rule = Rule { id, clause, points, rights, conditions: wanted, except, verdict, filter, closed };
        (findings.len() == before).then_some(rule)
    }

    fn narrow(
        &mut self,
        raw: RawNarrow,
        trees: &Trees,
        clauses: &[Registered],
        conditions: &[Arc<str>],
    ) -> Option<Narrow> {
        let findings = &mut self.findings;
        let before = findings.len();
        let RawNarrow { id, clause, points: named, rights, conditions: wants, except } = raw;
        let clause = clause.as_ref().and_then(|word| clause_of(word, clauses, findings));
        let points = points(trees, &named, findings);
        let except = except.iter().filter_map(|word| trees.purposes.resolve(word, findings)).collect();
        let conditions = wants.into_iter().map(|word| wanted(word, conditions, findings)).collect();
        let narrow = Narrow { id, clause, points, rights, conditions, except };
        (findings.len() == before).then_some(narrow)
    }

    fn roles(&mut self, trees: &Trees, parameters: &[Parameter]) -> FxHashMap<Arc<str>, Grant> {
        let findings = &mut self.findings;
        let mut roles = FxHashMap::default();
        for raw in std::mem::take(&mut self.raw.roles) {
            let granted: Vec<PurposeId> =
                raw.purposes.iter().filter_map(|word| trees.purposes.resolve(word, findings)).collect();
            let covered =
                |purpose: &PurposeId| granted.iter().any(|node| trees.purposes.covers(Some(*node), Some(*purpose)));
            let default = raw.default.as_ref().and_then(|word| {
                let purpose = trees.purposes.resolve(word, findings)?;
                if !granted.is_empty() && !covered(&purpose) {
                    let names: Vec<&str> = raw.purposes.iter().map(|word| &*word.text).collect();
                    let message = format!("role `{}` may not declare its own default", raw.name.text);
                    let finding = Finding::new(message, &word.place, "not covered by its purposes");
                    findings.add(finding.help(format!("it is granted {}", list(&names))));
                }
                Some(purpose)
            });
            let purposes = trees.purposes.nodes().filter(covered).collect();
            let values = raw.parameters.iter().filter_map(|(name, value)| given(name, value, parameters, findings));
            let values = values.collect();
            let recipient = raw.recipient.as_ref().and_then(|word| trees.recipients.resolve(word, findings));
            let certificates = raw.certificates.into_iter().map(|word| word.text).collect();
            let grant = Grant { name: raw.name, purposes, default, recipient, values, certificates };
            roles.insert(Arc::clone(&grant.name.text), grant);
        }
        roles
    }
}

/// The clause of that id.
pub(super) fn clause_of(word: &Word, clauses: &[Registered], findings: &mut Findings) -> Option<Arc<Clause>> {
    let found = clauses.iter().find(|known| known.clause.id == word.text);
    if found.is_none() {
        let finding = Finding::new(format!("unknown clause `{}`", word.text), &word.place, "not declared");
        findings.add(with_suggestion(finding, &word.text, clauses.iter().map(|known| &*known.clause.id)));
    }
    found.map(|known| Arc::clone(&known.clause))
}

/// A value that a role gives a parameter.
fn given(
    name: &Word,
    value: &Word,
    parameters: &[Parameter],
    findings: &mut Findings,
) -> Option<(ParameterId, Arc<str>)> {
    let Some(at) = parameters.iter().position(|known| known.name.text == name.text) else {
        let finding = Finding::new(format!("unknown parameter `{}`", name.text), &name.place, "not declared");
        findings.add(with_suggestion(finding, &name.text, parameters.iter().map(|known| &*known.name.text)));
        return None;
    };
    let parameter = &parameters[at];
    if parameter.source != ValueSource::Principal {
        let message = format!("a role gives parameter `{}`, whose values come from elsewhere", name.text);
        let finding = Finding::new(message, &name.place, "needs from = \"principal\"");
        findings.add(finding.also(&parameter.name.place, "declared here"));
        return None;
    }
    match parameter.read(&value.text) {
        Ok(value) => Some((ParameterId(at as u16), value)),
        Err(wanted) => {
            let message = format!("the value of parameter `{}` must be {wanted}", name.text);
            findings.add(Finding::new(message, &value.place, "is not"));
            None
        }
    }
}

/// The points at which a rule stands.
fn points(trees: &Trees, named: &RawPoints, findings: &mut Findings) -> Vec<Point> {
    let RawPoints { subjects, categories, purposes, recipients } = named;
    let subjects = dimension(subjects, &trees.subjects, findings);
    let categories = dimension(categories, &trees.categories, findings);
    let purposes = dimension(purposes, &trees.purposes, findings);
    let recipients = dimension(recipients, &trees.recipients, findings);
    let mut points = Vec::with_capacity(subjects.len() * categories.len() * purposes.len() * recipients.len());
    for subject in subjects {
        for category in &categories {
            for purpose in &purposes {
                let point = |recipient| Point { subject, category: *category, purpose: *purpose, recipient };
                points.extend(recipients.iter().copied().map(point));
            }
        }
    }
    points
}

/// The nodes that a rule names in one dimension; a dimension left out is every node.
fn dimension<I: super::tree::Node>(words: &[Word], tree: &Tree<I>, findings: &mut Findings) -> Vec<Option<I>> {
    if words.is_empty() {
        return vec![None];
    }
    words.iter().filter_map(|word| tree.resolve(word, findings)).map(Some).collect()
}

fn wanted(word: Word, conditions: &[Arc<str>], findings: &mut Findings) -> Wanted {
    let (name, sense) = match word.text.strip_prefix("not ") {
        Some(name) => (name.trim_start(), Sense::DoesNotHold),
        None => (&*word.text, Sense::Holds),
    };
    if !conditions.iter().any(|known| &**known == name) {
        let finding = Finding::new(format!("no table has a condition `{name}`"), &word.place, "not declared");
        findings.add(with_suggestion(finding, name, conditions.iter().map(|known| &**known)));
    }
    Wanted { condition: name.into(), sense, written: word }
}

/// Splits `schema.name`. The name is taken as the catalog holds it: not folded to lower case.
pub(super) fn table_name(written: &str) -> Option<(Arc<str>, Arc<str>)> {
    let mut parts: Vec<String> = vec![String::new()];
    let mut quoted = false;
    for c in written.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            c => parts.last_mut()?.push(c),
        }
    }
    match parts.as_slice() {
        [schema, table] if !quoted && !schema.is_empty() && !table.is_empty() => {
            Some((schema.as_str().into(), table.as_str().into()))
        }
        _ => None,
    }
}
