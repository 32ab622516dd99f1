//! What the files say, shape by shape, before any name is looked up.

use super::document::{Fields, Shape, Value, Word, entries, with_suggestion};
use super::opened::{self, RawOpened};
use super::report::{Finding, Findings, Place};
use super::ruling::{Effect, Mask};
use super::tree::Declared;
use crate::vocab::Right;
use rustc_hash::FxHashMap;
use std::sync::Arc;
use toml::de::DeTable;

/// Everything the files of a pack declare.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) pack: Option<RawPack>,
    pub(super) subjects: Vec<Declared>,
    pub(super) categories: Vec<Declared>,
    pub(super) purposes: Vec<RawPurpose>,
    /// Tags that may not meet on one column: the category that says so, and what it may not meet.
    pub(super) apart: Vec<RawApart>,
    pub(super) clauses: Vec<RawClause>,
    pub(super) rules: Vec<RawRule>,
    pub(super) tables: Vec<RawTable>,
    pub(super) roles: Vec<RawRole>,
    pub(super) functions: Vec<RawOpened>,
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
}

#[derive(Debug)]
pub(super) struct RawPurpose {
    pub(super) node: Declared,
    /// Where it says `unrestricted = true`.
    pub(super) unrestricted: Option<Place>,
    /// Whether it says `ddl = true`.
    pub(super) ddl: bool,
    /// Channels it may listen to and notify.
    pub(super) listen: Vec<Word>,
    pub(super) title: Option<Word>,
}

#[derive(Debug)]
pub(super) struct RawApart {
    pub(super) category: Word,
    pub(super) categories: Vec<Word>,
    pub(super) subjects: Vec<Word>,
}

#[derive(Debug)]
pub(super) struct RawClause {
    pub(super) id: Word,
    pub(super) section: Option<Word>,
    pub(super) words: Word,
    pub(super) document: Option<Word>,
    pub(super) dated: Option<Arc<str>>,
    /// Why no rule cites it.
    pub(super) without_rule: Option<Word>,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Open, or masked, or denied where no deeper rule says otherwise.
    Give(Effect),
    /// Denied, and nothing below may say otherwise.
    Forbid,
}

#[derive(Debug)]
pub(super) struct RawRule {
    pub(super) id: Word,
    pub(super) clause: Option<Word>,
    pub(super) subjects: Vec<Word>,
    pub(super) categories: Vec<Word>,
    pub(super) purposes: Vec<Word>,
    pub(super) rights: Vec<Right>,
    pub(super) conditions: Vec<Word>,
    pub(super) except: Vec<Word>,
    /// `None` where the rule has an error in it.
    pub(super) verdict: Option<Verdict>,
}

/// A named condition of a table, as written.
#[derive(Debug)]
pub(super) struct RawCondition {
    pub(super) name: Word,
    pub(super) sql: Word,
}

#[derive(Debug)]
pub(super) struct RawTable {
    pub(super) name: Word,
    pub(super) subject: Option<Word>,
    pub(super) subject_key: Option<Word>,
    pub(super) default: Option<Word>,
    pub(super) columns: Vec<(Word, Vec<Word>)>,
    pub(super) conditions: Vec<RawCondition>,
}

#[derive(Debug)]
pub(super) struct RawRole {
    pub(super) name: Word,
    pub(super) purposes: Vec<Word>,
    pub(super) default: Option<Word>,
}

/// Reads an optional string.
pub(super) fn word(fields: &mut Fields<'_>, key: &'static str, findings: &mut Findings) -> Option<Word> {
    fields.take(key).and_then(|value| value.word(findings))
}

/// Reads a string or a list of them; missing is empty.
pub(super) fn words(fields: &mut Fields<'_>, key: &'static str, findings: &mut Findings) -> Vec<Word> {
    fields.take(key).and_then(|value| value.words(findings)).unwrap_or_default()
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
                let node = node("a subject", &name, &value, findings, |_, _| ());
                self.subjects.extend(node);
            }
        }
        for (name, value) in named(top.take("category"), findings) {
            if self.first("category", &name, findings) {
                let apart = &mut self.apart;
                let node = node("a category", &name, &value, findings, |fields, findings| {
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
                self.purposes.extend(purpose(&name, &value, findings));
            }
        }
        for (name, value) in named(top.take("clause"), findings) {
            if self.first("clause", &name, findings) {
                self.clauses.extend(clause(&name, &value, findings));
            }
        }
        if let Some(value) = top.take("rule") {
            for value in value.tables(findings) {
                if let Some(rule) = rule(&value, findings)
                    && self.first("rule", &rule.id, findings)
                {
                    self.rules.push(rule);
                }
            }
        }
        for (name, value) in named(top.take("table"), findings) {
            if self.first("table", &name, findings) {
                self.tables.extend(tags(&name, &value, findings));
            }
        }
        for (name, value) in named(top.take("role"), findings) {
            if self.first("role", &name, findings) {
                self.roles.extend(role(&name, &value, findings));
            }
        }
        for (name, value) in named(top.take("function"), findings) {
            if self.first("function", &name, findings) {
                self.functions.extend(opened::read(opened::Kind::Function, &name, &value, findings));
            }
        }
        for (name, value) in named(top.take("system"), findings) {
            if self.first("system relation", &name, findings) {
                self.systems.extend(opened::read(opened::Kind::System, &name, &value, findings));
            }
        }
        let later = ["recipient", "parameter", "never_together", "include", "declassifier", "pattern", "test", "view"];
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
        self.pack = Some(RawPack {
            name: word(&mut fields, "name", findings),
            document: word(&mut fields, "document", findings),
            dated: fields.take("dated").and_then(|value| value.date(findings)),
            untagged: word(&mut fields, "untagged", findings),
        });
        fields.finish(&["require_tls", "mode", "stars"], findings);
    }
}

/// The named tables under a top-level key: `[purpose.x]`.
fn named<'t>(value: Option<Value<'t>>, findings: &mut Findings) -> Vec<(Word, Value<'t>)> {
    value.and_then(|value| value.entries(findings)).unwrap_or_default()
}

/// Reads a node of a tree. `fides` and `dpv` only name it in the vocabularies of others.
fn node(
    what: &'static str,
    name: &Word,
    value: &Value<'_>,
    findings: &mut Findings,
    more: impl FnOnce(&mut Fields<'_>, &mut Findings),
) -> Option<Declared> {
    let mut fields = Fields::new(what, value, findings)?;
    let parent = word(&mut fields, "parent", findings);
    for key in ["title", "fides", "dpv"] {
        word(&mut fields, key, findings);
    }
    more(&mut fields, findings);
    fields.finish(&[], findings);
    Some(Declared { name: name.clone(), parent })
}

fn purpose(name: &Word, value: &Value<'_>, findings: &mut Findings) -> Option<RawPurpose> {
    let mut fields = Fields::new("a purpose", value, findings)?;
    let parent = word(&mut fields, "parent", findings);
    let title = word(&mut fields, "title", findings);
    for key in ["fides", "dpv"] {
        word(&mut fields, key, findings);
    }
    let unrestricted =
        fields.take("unrestricted").and_then(|value| value.truth(findings)?.then(|| value.place.clone()));
    let listen = words(&mut fields, "listen", findings);
    let ddl = fields.take("ddl").and_then(|value| value.truth(findings)).unwrap_or(false);
    if let Some(mode) = word(&mut fields, "mode", findings) {
        match &*mode.text {
            "enforce" => {}
            "shadow" => findings.add(Finding::new("`shadow` is not supported yet", &mode.place, "only `enforce` is")),
            other => {
                findings.add(Finding::new(format!("unknown mode `{other}`"), &mode.place, "only `enforce` is known"))
            }
        }
    }
    let later = ["justification", "require_tls", "named_columns_only", "max_rows", "stars", "subject", "parameters"];
    fields.finish(&later, findings);
    Some(RawPurpose { node: Declared { name: name.clone(), parent }, unrestricted, ddl, listen, title })
}

fn clause(id: &Word, value: &Value<'_>, findings: &mut Findings) -> Option<RawClause> {
    let mut fields = Fields::new("a clause", value, findings)?;
    let clause = (
        word(&mut fields, "section", findings),
        needed(&mut fields, "words", &id.place, findings),
        word(&mut fields, "document", findings),
        fields.take("dated").and_then(|value| value.date(findings)),
        word(&mut fields, "without_rule", findings),
    );
    fields.finish(&[], findings);
    let (section, words, document, dated, without_rule) = clause;
    Some(RawClause { id: id.clone(), section, words: words?, document, dated, without_rule })
}

fn rule(value: &Value<'_>, findings: &mut Findings) -> Option<RawRule> {
    let before = findings.len();
    let mut fields = Fields::new("a rule", value, findings)?;
    let id = needed(&mut fields, "id", &value.place, findings);
    let clause = word(&mut fields, "clause", findings);
    let subjects = words(&mut fields, "subject", findings);
    let categories = words(&mut fields, "category", findings);
    let purposes = words(&mut fields, "purpose", findings);
    let rights = match fields.take("rights") {
        Some(value) => rights(&value, findings),
        None => vec![Right::Read],
    };
    let conditions = words(&mut fields, "where", findings);
    let except = fields.take_keyed("except");
    let effect = fields.take("effect");
    word(&mut fields, "note", findings);
    if effect.is_none() {
        let label = "needed here: allow, deny, forbid or a mask";
        findings.add(Finding::new("`effect` is missing", &value.place, label));
    }
    let verdict = effect.and_then(|value| verdict(&value, findings));
    let later = [
        "output",
        "filter",
        "join",
        "group",
        "sort",
        "aggregate",
        "usage",
        "recipient",
        "role",
        "principal",
        "parameters",
        "justification",
        "never_together",
        "named_columns_only",
        "max_rows",
    ];
    fields.finish(&later, findings);
    let id = id?;
    if let Some(verdict) = &verdict {
        check_parts(&id, verdict, &rights, &conditions, except.as_ref().map(|(key, _)| key), findings);
    }
    let except = except.and_then(|(_, value)| value.words(findings)).unwrap_or_default();
    let verdict = verdict.filter(|_| findings.len() == before);
    Some(RawRule { id, clause, subjects, categories, purposes, rights, conditions, except, verdict })
}

/// The parts of a rule that only some effects can have.
fn check_parts(
    id: &Word,
    verdict: &Verdict,
    rights: &[Right],
    conditions: &[Word],
    except: Option<&Word>,
    findings: &mut Findings,
) {
    let closes = match verdict {
        Verdict::Forbid | Verdict::Give(Effect::Deny) => true,
        Verdict::Give(Effect::Allow | Effect::Mask(_)) => false,
    };
    if let (true, Some(first)) = (closes, conditions.first()) {
        let message = format!("rule `{}` closes its columns under a condition", id.text);
        let help = "`where` says which rows a permit shows; a rule that closes columns closes them in every row";
        findings.add(Finding::new(message, &first.place, "no row is shown anyway").help(help));
    }
    if let (false, Some(except)) = (*verdict == Verdict::Forbid, except) {
        findings.add(Finding::new("`except` belongs to a forbid", &except.place, "this rule forbids nothing"));
    }
    if matches!(verdict, Verdict::Give(Effect::Mask(_))) && rights.iter().any(|right| *right != Right::Read) {
        findings.add(Finding::new(
            format!("rule `{}` masks what is written", id.text),
            &id.place,
            "a mask is for `rights = [\"read\"]` only",
        ));
    }
}

fn rights(value: &Value<'_>, findings: &mut Findings) -> Vec<Right> {
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

fn verdict(value: &Value<'_>, findings: &mut Findings) -> Option<Verdict> {
    match value.shape() {
        Shape::Word(word) => match &*word.text {
            "allow" => Some(Verdict::Give(Effect::Allow)),
            "deny" => Some(Verdict::Give(Effect::Deny)),
            "forbid" => Some(Verdict::Forbid),
            later @ ("aggregate" | "lookup") => {
                not_yet(later, &word.place, findings);
                None
            }
            other => {
                let finding = Finding::new(format!("unknown effect `{other}`"), &word.place, "not an effect");
                let known = ["allow", "deny", "forbid", "{ mask = … }"];
                findings.add(with_suggestion(finding, other, known.into_iter()));
                None
            }
        },
        Shape::Table => {
            let mut fields = Fields::new("an effect", value, findings)?;
            let mask = fields.take("mask");
            let missing = mask.is_none() && fields.is_empty();
            let mask = mask.and_then(|value| self::mask(&value, findings));
            fields.finish(&["aggregate", "lookup"], findings);
            if missing {
                findings.add(Finding::new("the effect is empty", &value.place, "for example { mask = \"null\" }"));
            }
            mask.map(|mask| Verdict::Give(Effect::Mask(mask)))
        }
        Shape::Other => {
            findings.add(Finding::new("an effect is a string or a table", &value.place, "neither of the two"));
            None
        }
    }
}

/// The masks of a later version.
const LATER_MASKS: [&str; 10] =
    ["partial", "hash", "pseudonym", "generalise", "generalize", "date", "number", "inet", "postal_code", "jsonb"];

fn mask(value: &Value<'_>, findings: &mut Findings) -> Option<Mask> {
    match value.shape() {
        Shape::Word(word) if &*word.text == "null" => Some(Mask::Null),
        Shape::Word(word) if LATER_MASKS.contains(&&*word.text) => {
            not_yet(&word.text, &word.place, findings);
            None
        }
        Shape::Word(word) => {
            let finding = Finding::new(format!("unknown mask `{}`", word.text), &word.place, "not a mask");
            findings.add(with_suggestion(finding, &word.text, ["null", "{ constant = \"…\" }"].into_iter()));
            None
        }
        Shape::Table => {
            let mut fields = Fields::new("a mask", value, findings)?;
            let constant = word(&mut fields, "constant", findings);
            fields.finish(&LATER_MASKS, findings);
            constant.map(|word| Mask::Constant(word.text))
        }
        Shape::Other => {
            findings.add(Finding::new("a mask is a string or a table", &value.place, "neither of the two"));
            None
        }
    }
}

fn not_yet(what: &str, place: &Place, findings: &mut Findings) {
    let finding = Finding::new(format!("`{what}` is not supported yet"), place, "would have to be ignored");
    findings.add(finding.help("nothing in a policy is ignored: deny until it is"));
}

/// Groups of conditions, `consent.marketing`, beside the plain ones in `conditions`.
const CONDITION_GROUPS: [&str; 3] = ["consent", "retention", "scope"];

fn tags(name: &Word, value: &Value<'_>, findings: &mut Findings) -> Option<RawTable> {
    let mut fields = Fields::new("a table", value, findings)?;
    let subject = word(&mut fields, "subject", findings);
    let subject_key = word(&mut fields, "subject_key", findings);
    let default = word(&mut fields, "default", findings);
    let mut columns = Vec::new();
    for (column, value) in named(fields.take("columns"), findings) {
        columns.extend(value.words(findings).map(|categories| (column, categories)));
    }
    let mut conditions = Vec::new();
    if let Some((name, value)) = fields.take_keyed("erased") {
        conditions.extend(value.word(findings).map(|sql| RawCondition { name, sql }));
    }
    for group in CONDITION_GROUPS {
        for (name, value) in named(fields.take(group), findings) {
            let name = Word { text: format!("{group}.{}", name.text).into(), place: name.place };
            conditions.extend(value.word(findings).map(|sql| RawCondition { name, sql }));
        }
    }
    for (name, value) in named(fields.take("conditions"), findings) {
        let reserved = &*name.text == "erased" || name.text.contains(['.', ' ']) || name.text.is_empty();
        if reserved {
            let message = format!("`{}` is no name for a condition of your own", name.text);
            let label = "one word; `erased`, `consent.…`, `retention.…` and `scope.…` are keys of the table itself";
            findings.add(Finding::new(message, &name.place, label));
        }
        conditions.extend(value.word(findings).map(|sql| RawCondition { name, sql }));
    }
    fields.finish(&["declassifies", "subject_path", "subjects", "patterns", "default_lock"], findings);
    Some(RawTable { name: name.clone(), subject, subject_key, default, columns, conditions })
}

fn role(name: &Word, value: &Value<'_>, findings: &mut Findings) -> Option<RawRole> {
    let mut fields = Fields::new("a role", value, findings)?;
    word(&mut fields, "title", findings);
    let purposes = fields.take("purposes");
    if purposes.is_none() {
        findings.add(Finding::new("`purposes` is missing", &name.place, "which purposes may it declare?"));
    }
    let purposes = purposes.and_then(|value| value.words(findings)).unwrap_or_default();
    let default = word(&mut fields, "default", findings);
    fields.finish(&["recipient", "parameters", "certificate", "justification", "require_tls"], findings);
    Some(RawRole { name: name.clone(), purposes, default })
}
