//! What a table has from those that it hangs on, by foreign keys: `follows = "account_id -> public.accounts"` brings the
//! conditions of a row's account, `subject_key = "conversation_id -> public.conversations.user_id"` the person it is about.
//!
//! Both hold only where the server keeps the key: every row has its parent, and just one. A condition becomes an `EXISTS` as
//! one could have written it, so that whatever is true of those is true of it.

use super::bind::Linked;
use super::condition::{self, Condition};
use super::document::{Word, with_suggestion};
use super::exists;
use super::load::{self, Loader};
use super::opened;
use super::parameter::Parameter;
use super::report::{Finding, Findings};
use super::ruling::{Hop, SubjectKey};
use super::tags::{Named, TableTags};
use crate::catalog::{Catalog, Column, FIRST_USER_OID, ForeignKey, Relation, RelationKind};
use crate::sql::on_deep_stack;
use crate::vocab::{AttNum, Oid};
use rustc_hash::FxHashMap;
use std::sync::Arc;

const ARROW: &str = "->";

/// A table that another hangs on.
#[derive(Debug, Clone)]
pub(super) struct Follow {
    pub(super) word: Word,
    /// The columns of the foreign key.
    pub(super) columns: Vec<Arc<str>>,
    pub(super) schema: Arc<str>,
    pub(super) table: Arc<str>,
}

impl Follow {
    fn shown(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }
}

/// Reads `column -> schema.table`, or `(column, column) -> schema.table`.
fn follow(word: &Word) -> Option<Follow> {
    let (columns, target) = word.text.split_once(ARROW)?;
    let (schema, table) = load::table_name(target.trim())?;
    let columns = columns.trim();
    let list = columns.strip_prefix('(').and_then(|list| list.strip_suffix(')')).unwrap_or(columns);
    let columns: Vec<Arc<str>> = list.split(',').map(|name| name.trim().into()).collect();
    let named = columns.iter().all(|name: &Arc<str>| !name.is_empty() && !name.contains(['(', ')']));
    named.then(|| Follow { word: word.clone(), columns, schema, table })
}

/// A path to the column that says which person a row is about: a column of the table itself, then others by keys.
#[derive(Debug, PartialEq, Eq)]
struct Path {
    own: Arc<str>,
    /// Schema, table and column.
    further: Vec<(Arc<str>, Arc<str>, Arc<str>)>,
}

fn path(written: &str) -> Option<Path> {
    let mut parts = written.split(ARROW).map(str::trim);
    let own = parts.next().filter(|name| !name.is_empty())?.into();
    let further = parts.map(opened::column_name).collect::<Option<Vec<_>>>()?;
    Some(Path { own, further })
}

/// The table's own column of a subject key.
pub(super) fn own_column(written: &str) -> &str {
    written.split_once(ARROW).map_or(written, |(own, _)| own.trim())
}

/// The further columns of a subject key: schema, table and column.
pub(super) fn further(written: &str) -> Vec<(Arc<str>, Arc<str>, Arc<str>)> {
    path(written).map_or_else(Vec::new, |path| path.further)
}

/// Reports a subject key that is no path.
pub(super) fn check_key(word: &Word, findings: &mut Findings) {
    if word.text.contains(ARROW) && path(&word.text).is_none() {
        let label = "written `column`, or `column -> schema.table.column`, through the foreign key of that column";
        findings.add(Finding::new(format!("`{}` is no path to a column", word.text), &word.place, label));
    }
}

impl Loader {
    /// The tables that one follows.
    pub(super) fn follows(&mut self, words: &[Word]) -> Vec<Follow> {
        let mut all: Vec<Follow> = Vec::new();
        for word in words {
            match follow(word) {
                Some(follow) => all.push(follow),
                None => {
                    let label = "written `column -> schema.table`, or `(column, column) -> schema.table`";
                    let message = format!("`{}` follows no table", word.text);
                    self.findings.add(Finding::new(message, &word.place, label));
                }
            }
        }
        all
    }
}

/// Reports tables that follow what has no section, or themselves.
pub(super) fn check(tables: &[TableTags], findings: &mut Findings) {
    let at = |follow: &Follow| {
        tables.iter().position(|table| *table.schema == *follow.schema && *table.table == *follow.table)
    };
    for (start, table) in tables.iter().enumerate() {
        for follow in &table.follows {
            let Some(parent) = at(follow) else {
                let message = format!("`{}` has no section, so no conditions to follow", follow.shown());
                let finding = Finding::new(message, &follow.word.place, "no [table.…] of that name");
                let known: Vec<String> =
                    tables.iter().map(|table| format!("{}.{}", table.schema, table.table)).collect();
                findings.add(with_suggestion(finding, &follow.shown(), known.iter().map(String::as_str)));
                continue;
            };
            // A ring is reported once, at the first of its tables.
            let ring = |other: usize| reaches(tables, &at, other, start) && reaches(tables, &at, start, other);
            if reaches(tables, &at, parent, start) && !(0..start).any(ring) {
                let message = format!("`{}.{}` follows itself", table.schema, table.table);
                findings.add(Finding::new(message, &follow.word.place, "by this, or by what that follows"));
            }
        }
    }
}

/// Whether following leads from one table to another; it does from each to itself.
fn reaches(tables: &[TableTags], at: &impl Fn(&Follow) -> Option<usize>, from: usize, to: usize) -> bool {
    let (mut reached, mut next) = (vec![from], 0);
    while let Some(now) = reached.get(next).copied() {
        for above in tables[now].follows.iter().filter_map(at) {
            if !reached.contains(&above) {
                reached.push(above);
            }
        }
        next += 1;
    }
    reached.contains(&to)
}

/// How a foreign key is known to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// The server keeps it.
    Held,
    /// The table is yet to be made: its key would lead to the primary key.
    ToCome,
}

/// The columns of a foreign key, each with the one that it refers to.
type Pairs = Vec<(Arc<str>, Arc<str>)>;

/// A step over a foreign key.
#[derive(Debug)]
pub(super) struct Step<'c> {
    pub(super) parent: &'c Relation,
    /// The key's columns, each with the one of the parent that it equals.
    pub(super) pairs: Pairs,
}

/// Conditions that a table gains; without one where it would ask for more than a condition may hold.
type Gained = Vec<Named<Option<Condition>>>;

/// The conditions that tables have from those they follow.
pub(super) struct Inheriting<'a> {
    linked: &'a Linked<'a>,
    parameters: &'a [Parameter],
    /// By relation; `None` where one cannot be followed: then none of the others' conditions stands for it.
    known: FxHashMap<Oid, Option<Gained>>,
    /// The relations on the way to the one that is looked at.
    open: Vec<Oid>,
}

impl<'a> Inheriting<'a> {
    pub(super) fn new(linked: &'a Linked<'a>, parameters: &'a [Parameter]) -> Inheriting<'a> {
        Inheriting { linked, parameters, known: FxHashMap::default(), open: Vec::new() }
    }

    /// What a relation has from those it follows, beside what it says itself.
    pub(super) fn of(&mut self, relation: &Relation, keys: Keys, findings: &mut Findings) -> Vec<Named<Condition>> {
        let all = self.gained(relation, keys, findings).unwrap_or_default();
        let lost = |name: &str| all.iter().any(|other| *other.name.text == *name && other.value.is_none());
        let whole = all.iter().filter(|named| !lost(&named.name.text));
        whole.filter_map(|named| Some(Named { name: named.name.clone(), value: named.value.clone()? })).collect()
    }

    fn gained(&mut self, relation: &Relation, keys: Keys, findings: &mut Findings) -> Option<Gained> {
        if let Some(known) = self.known.get(&relation.oid) {
            return known.clone();
        }
        let linked = self.linked;
        let Some(tags) = linked.tags.get(&relation.oid).filter(|tags| !tags.follows.is_empty()) else {
            return Some(Vec::new());
        };
        // Sections make no ring; parents by inheritance could.
        if self.open.contains(&relation.oid) {
            return None;
        }
        self.open.push(relation.oid);
        let mut all = Some(Vec::new());
        for follow in &tags.follows {
            let gained = self.gained_by(relation, tags, follow, keys, findings);
            all = all.zip(gained).map(|(mut all, gained)| {
                all.extend(gained);
                all
            });
        }
        self.open.pop();
        self.known.insert(relation.oid, all.clone());
        all
    }

    /// The conditions that one table brings; `None` where it cannot be followed.
    fn gained_by(
        &mut self,
        relation: &Relation,
        tags: &TableTags,
        follow: &Follow,
        keys: Keys,
        findings: &mut Findings,
    ) -> Option<Gained> {
        let linked = self.linked;
        let cannot = |what: &str, why: String| {
            let message = format!("`{}.{}` cannot follow {what}`{}`", relation.schema, relation.name, follow.shown());
            Finding::new(message, &follow.word.place, why)
                .help("what rules with such conditions cover here stays closed")
        };
        let step = match step(linked.catalog, relation, follow, keys) {
            Ok(step) => step,
            Err(why) => {
                findings.add(cannot("", why));
                return None;
            }
        };
        let mut all: Gained = Vec::new();
        for above in linked.with_ancestors(step.parent.oid) {
            let Some(parent) = linked.catalog.relation(above) else { continue };
            let own = linked.tags.get(&above).into_iter().flat_map(|tags| &tags.conditions);
            let own = own.map(|named| Named { name: named.name.clone(), value: Some(named.value.clone()) });
            let mut conditions: Gained = own.collect();
            conditions.extend(self.gained(parent, Keys::Held, findings)?);
            for named in conditions.iter().filter(|named| tags.condition(&named.name.text).is_none()) {
                let name = Word { text: Arc::clone(&named.name.text), place: follow.word.place.clone() };
                let read = |condition| followed(condition, &step, self.parameters);
                let value = named.value.as_ref().map(read).transpose().unwrap_or_else(|why| {
                    findings.add(cannot(&format!("the condition `{}` of ", name.text), why));
                    None
                });
                all.push(Named { name, value });
            }
        }
        Some(all)
    }
}

/// The condition of a row that another meets: of those that refer to it by a foreign key. Where it is negated that is done of the
/// other row: a row whose parent is not to be seen meets neither.
fn followed(of: &Condition, step: &Step<'_>, parameters: &[Parameter]) -> Result<Condition, String> {
    on_deep_stack(|| {
        let own = |name: &str| step.pairs.iter().find(|(_, referenced)| **referenced == *name).map(|(own, _)| own);
        // What the key holds equal need not be looked up.
        let by_key = of.others.is_empty() && of.columns.iter().all(|name| own(name).is_some());
        let of_child = |sql: &str| {
            let mut expression = condition::parse(sql)?;
            if by_key {
                exists::rename(&mut expression, &|name| own(name).map(|own| vec![condition::string(own)]))?;
            } else {
                expression = exists::of_parent(expression, &of.others, step)?;
            }
            condition::understood(expression, parameters)
        };
        let mut condition = of_child(&of.sql)?;
        condition.negated = of_child(&of.negated)?.sql;
        Ok(condition)
    })
}

/// The step that a table takes to one that it follows, or why it cannot.
fn step<'c>(catalog: &'c Catalog, relation: &Relation, follow: &Follow, keys: Keys) -> Result<Step<'c>, String> {
    let parent = catalog
        .relation_in(&follow.schema, &follow.table)
        .filter(|parent| is_one_table(catalog, parent))
        .ok_or_else(|| format!("`{}` is no table, or has children that no key refers to", follow.shown()))?;
    let pairs = match keys {
        Keys::Held => held(catalog, relation, parent, &follow.columns)?,
        Keys::ToCome => {
            let referenced: Vec<Arc<str>> = parent
                .primary_key
                .iter()
                .filter_map(|number| Some(Arc::clone(&column(parent, *number)?.name)))
                .collect();
            if referenced.len() != follow.columns.len() {
                return Err("it has another number of columns than the primary key".to_owned());
            }
            follow.columns.iter().map(Arc::clone).zip(referenced).collect()
        }
    };
    Ok(Step { parent, pairs })
}

/// Whether a key refers to all rows that a scan of the relation reads: those of inheritance children it would not.
fn is_one_table(catalog: &Catalog, relation: &Relation) -> bool {
    match relation.kind {
        RelationKind::PartitionedTable => true,
        RelationKind::Table => catalog.with_descendants(relation).len() == 1,
        RelationKind::View | RelationKind::MaterializedView | RelationKind::ForeignTable | RelationKind::Sequence => {
            false
        }
    }
}

/// The pairs of the foreign key over these columns that every row meets, in the relation and its children: it is kept, and none
/// of the columns can be null.
fn held(catalog: &Catalog, relation: &Relation, parent: &Relation, columns: &[Arc<str>]) -> Result<Pairs, String> {
    let of = |relation: &Relation| {
        // Several that lead to the same table by other columns lead to other rows.
        let mut keys = relation.foreign_keys.iter().filter_map(|key| pairs(relation, parent, key, columns));
        let key = keys.next().filter(|first| keys.all(|other| other == *first));
        let filled = |name: &Arc<str>| relation.columns.iter().any(|column| column.name == *name && column.not_null);
        key.filter(|_| columns.iter().all(filled))
    };
    let shown = columns.join(", ");
    let (first, others) = (of(relation), catalog.with_descendants(relation));
    let alike = others.iter().all(|other| of(other) == first);
    first
        .filter(|_| alike)
        .ok_or_else(|| format!("it needs a valid foreign key on `{shown}` that is NOT NULL, in its children too"))
}

fn pairs(relation: &Relation, parent: &Relation, key: &ForeignKey, columns: &[Arc<str>]) -> Option<Pairs> {
    let pair = |(own, referenced): (&AttNum, &AttNum)| {
        Some((Arc::clone(&column(relation, *own)?.name), Arc::clone(&column(parent, *referenced)?.name)))
    };
    if !key.valid || key.references != parent.oid || key.columns.len() != columns.len() {
        return None;
    }
    let pairs: Option<Vec<_>> = key.columns.iter().zip(&key.referenced).map(pair).collect();
    pairs.filter(|pairs| columns.iter().all(|name| pairs.iter().any(|(own, _)| own == name)))
}

fn column(relation: &Relation, number: AttNum) -> Option<&Column> {
    relation.columns.iter().find(|column| column.number == number)
}

/// The way from a row to the person it is about, where every row has one.
pub(super) fn subject_key(catalog: &Catalog, relation: &Relation, word: &Word) -> Option<SubjectKey> {
    let Path { own, further } = path(&word.text)?;
    let found = |relation: &Relation, name: &Arc<str>| {
        relation.columns.iter().position(|column| column.name == *name && column.not_null)
    };
    let index = found(relation, &own)?;
    let (mut at, mut from) = (relation, own);
    let mut through = Vec::with_capacity(further.len());
    for (schema, table, name) in further {
        let parent = catalog.relation_in(&schema, &table).filter(|parent| is_one_table(catalog, parent))?;
        let pairs = held(catalog, at, parent, std::slice::from_ref(&from)).ok()?;
        let [(_, referenced)] = pairs.as_slice() else { return None };
        let (referenced, shown) = (found(parent, referenced)?, found(parent, &name)?);
        // What they are compared by is the server's own operator.
        let built_in = |column: Option<&Column>| column.is_some_and(|column| column.type_oid < FIRST_USER_OID);
        let own = at.columns.iter().find(|column| column.name == from);
        if !built_in(own) || !built_in(parent.columns.get(referenced)) {
            return None;
        }
        through.push(Hop { relation: parent.oid, referenced, shown });
        (at, from) = (parent, name);
    }
    Some(SubjectKey { index, through: through.into() })
}

#[cfg(test)]
mod tests {
    use super::{Path, own_column, path};

    #[test]
    fn paths_to_subjects() {
        let further = |steps: &[[&str; 3]]| {
            steps.iter().map(|[schema, table, column]| ((*schema).into(), (*table).into(), (*column).into())).collect()
        };
        for (written, own, steps) in [
            ("id", "id", &[][..]),
            ("a_id -> public.a.user_id", "a_id", &[["public", "a", "user_id"]]),
            ("a_id->public.a.b_id->s.b.user_id", "a_id", &[["public", "a", "b_id"], ["s", "b", "user_id"]]),
            ("a_id -> \"my.schema\".a.\"x.y\"", "a_id", &[["my.schema", "a", "x.y"]]),
        ] {
            assert_eq!(path(written), Some(Path { own: own.into(), further: further(steps) }), "{written}");
            assert_eq!(own_column(written), own);
        }
        for wrong in ["", "-> public.a.b", "a ->", "a -> b", "a -> b.c", "a -> b.c.d.e", "a -> b..c"] {
            assert_eq!(path(wrong), None, "{wrong}");
        }
    }
}
