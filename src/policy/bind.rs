//! Tying the policy's names to a catalog's numbers.
//!
//! A child (a partition, an inheritance child) has its ancestors' tags beside its own, by column name. A parent's column
//! has its descendants' tags too, because a scan of the parent reads them. A column that neither its table nor an
//! ancestor tags is untagged, whatever its descendants say.

use super::Policy;
use super::bound::{Lack, Patterned, UntaggedColumn};
use super::comments;
use super::condition::Condition;
use super::constant::oid;
use super::document::{with_suggestion, written};
use super::exists::OF;
use super::follow::{self, Inheriting, Keys};
use super::late::later_columns;
use super::lint;
use super::lock::{Lock, Unnamed};
use super::parameter::ParameterType;
use super::pattern;
use super::report::{Finding, Findings};
use super::ruling::{RowsPerSubject, SubjectKey};
use super::system::{self, Openness};
use super::tags::{TableTags, Untagged};
use super::tree::{CategoryId, SubjectId};
use crate::catalog::{Catalog, Column, Relation, RelationKind, quote_qualified};
use crate::vocab::{ColumnId, Oid};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::sync::Arc;

/// Bounds the walk over parents and children; Postgres allows no cycles, a snapshot read from JSON might.
const DEEPEST: usize = 64;

/// Whose data and what data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tag {
    pub(super) subject: Option<SubjectId>,
    pub(super) category: CategoryId,
}

/// The tags of one column.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ColumnTags {
    /// Its own and its ancestors'. Empty: the column is untagged.
    pub(super) own: Vec<Tag>,
    /// Its descendants'.
    pub(super) below: Vec<Tag>,
}

/// A condition of a relation, where it can be used there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Usable {
    /// All of these: one by the relation's own tags and one by each ancestor's that differs.
    All(Vec<Condition>),
    /// It reads a column that is not there, or a descendant means something else by it, or one that it should have of a table that it
    /// follows is missing.
    No,
}

/// The tags of one relation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RelationTags {
    /// One for each column, in the order of the relation's columns.
    pub(super) columns: Vec<ColumnTags>,
    pub(super) conditions: FxHashMap<Arc<str>, Usable>,
    /// What says which person a row is about: its own tags or its nearest ancestor's, where no row can lack it.
    pub(super) subject_key: Option<SubjectKey>,
    /// How many rows a person has at most, or count at most where numbers are told with noise.
    pub(super) rows_per_subject: Option<RowsPerSubject>,
    /// What values of each column count as at least and at most there.
    pub(super) bounds: Arc<[Option<(i64, i64)>]>,
}

/// What binding finds.
#[derive(Debug, Default)]
pub(super) struct Binding {
    pub(super) relations: FxHashMap<Oid, RelationTags>,
    pub(super) untagged: Vec<UntaggedColumn>,
    pub(super) findings: Findings,
    /// Comments that cannot be read, or say something else than the files; patterns that disagree.
    pub(super) errors: Findings,
    pub(super) patterned: Vec<Patterned>,
}

pub(super) fn bind(policy: &Policy, catalog: &Catalog) -> Binding {
    let mut binding = Binding::default();
    for table in &policy.tables {
        match catalog.relation_in(&table.schema, &table.table) {
            Some(relation) => check_table(table, relation, catalog, &mut binding.findings),
            None => unknown_table(table, catalog, &mut binding.findings),
        }
    }
    let mut linked = linked(policy, catalog, &mut binding.errors);
    linked.inherit(policy, &mut binding.findings);
    if let Some(lock) = &policy.lock {
        lock.check(catalog, &linked.unnamed(), &mut binding.findings);
    }
    let tagged = |relation: &Relation| linked.tags.get(&relation.oid).map(Cow::as_ref);
    binding.patterned = pattern::report(policy, tagged, catalog.relations(), &mut binding.findings);
    for relation in catalog.relations() {
        if system::openness(relation) != Openness::User {
            continue;
        }
        if let Some(tags) = tagged(relation).filter(|tags| !tags.patterned.is_empty()) {
            let section = policy.tags_of(&relation.schema, &relation.name);
            lint::of_patterned(policy, tags, section, &mut binding.findings);
        }
        let bound = linked.relation(relation);
        for (column, tags) in relation.columns.iter().zip(&bound.columns) {
            if tags.own.is_empty() && relation.kind != RelationKind::Sequence && !relation.is_by_lineage() {
                let own = linked.tags_of(&linked.with_ancestors(relation.oid));
                let lack = if linked.locks_out(&own, &column.name) { Lack::NotLocked } else { Lack::NoTag };
                binding.untagged.push(untagged(relation, column, lack));
            }
        }
        binding.relations.insert(relation.oid, bound);
    }
    binding
}

fn untagged(relation: &Relation, column: &Column, lack: Lack) -> UntaggedColumn {
    UntaggedColumn {
        id: ColumnId { relation: relation.oid, column: column.number },
        relation: quote_qualified(&relation.schema, &relation.name).into(),
        column: Arc::clone(&column.name),
        lack,
    }
}

/// The columns that tags cover without naming them, whatever the lock file lists.
pub(super) fn unnamed(policy: &Policy, catalog: &Catalog) -> Unnamed {
    linked(policy, catalog, &mut Findings::default()).unnamed()
}

fn linked<'p>(policy: &'p Policy, catalog: &'p Catalog, errors: &mut Findings) -> Linked<'p> {
    let tags = tags_by_relation(policy, catalog, errors);
    Linked { policy, catalog, untagged: policy.untagged(), lock: policy.lock.as_ref(), tags }
}

/// The tags that a table would have that is not there yet.
pub(super) fn tags_of_new(policy: &Policy, catalog: &Catalog, relation: &Relation) -> RelationTags {
    let named = |table: &&TableTags| *table.schema == *relation.schema && *table.table == *relation.name;
    let section = policy.tables.iter().find(named);
    let findings = &mut Findings::default();
    let own = pattern::tags(policy, relation, section, |_| false, findings);
    let follows = own.as_ref().is_some_and(|tags| !tags.follows.is_empty());
    let mut tags = if follows { tags_by_relation(policy, catalog, findings) } else { FxHashMap::default() };
    tags.extend(own.map(|tags| (relation.oid, tags)));
    let mut linked = Linked { policy, catalog, untagged: policy.untagged(), lock: policy.lock.as_ref(), tags };
    if follows {
        let gained = Inheriting::new(&linked, &policy.parameters).of(relation, Keys::ToCome, findings);
        linked.tags.entry(relation.oid).and_modify(|tags| tags.to_mut().conditions.extend(gained));
    }
    linked.relation(relation)
}

/// Carries the tags of an earlier binding of the same policy over by column number, and keeps tables' defaults from columns
/// that appeared later.
pub(super) fn keep_tags(
    binding: &mut Binding,
    policy: &Policy,
    catalog: &Catalog,
    before: &Catalog,
    known: &FxHashMap<Oid, RelationTags>,
) {
    let Binding { relations, untagged, findings: _, errors: _, patterned: _ } = binding;
    let linked = linked(policy, catalog, &mut Findings::default());
    let late = later_columns(&linked, before, known);
    for (oid, tags) in relations {
        let Some(relation) = catalog.relation(*oid) else { continue };
        let earlier = before.relation(*oid).zip(known.get(oid));
        let RelationTags { columns, conditions, subject_key: _, rows_per_subject: _, bounds: _ } = tags;
        for (column, tags) in relation.columns.iter().zip(columns) {
            let is_late = linked.with_ancestors(*oid).iter().any(|oid| late.contains(&(*oid, &*column.name)));
            // Where what is untagged is open a default can only close more than that.
            if is_late && policy.untagged() == Untagged::Deny && !tags.own.is_empty() {
                tags.own.clear();
                if !relation.is_by_lineage() {
                    untagged.push(self::untagged(relation, column, Lack::NoTag));
                }
            }
            let kept = earlier.and_then(|(earlier, tags)| {
                let place = earlier.columns.iter().position(|other| other.number == column.number)?;
                tags.columns.get(place)
            });
            // Rows were shown by these conditions: with others, or none, an old tag may close a column further, and open none.
            let held = earlier.is_some_and(|(_, earlier)| earlier.conditions == *conditions);
            if let Some(kept) = kept {
                if held || !tags.own.is_empty() || policy.untagged() == Untagged::Allow {
                    add_missing(&mut tags.own, &kept.own);
                }
                add_missing(&mut tags.below, &kept.below);
            }
        }
    }
}

fn add_missing(tags: &mut Vec<Tag>, kept: &[Tag]) {
    for tag in kept {
        if !tags.contains(tag) {
            tags.push(*tag);
        }
    }
}

fn unknown_table(table: &TableTags, catalog: &Catalog, findings: &mut Findings) {
    if table.schema.is_empty() {
        // A function's result: a lint of its own says why it is not there.
        return;
    }
    let name = format!("{}.{}", table.schema, table.table);
    let finding = Finding::new(
        format!("database `{}` has no table `{name}`", catalog.database()),
        &table.place,
        "these tags are of no use",
    );
    let user = catalog.relations().iter().filter(|relation| system::openness(relation) == Openness::User);
    let known: Vec<String> = user.map(|relation| format!("{}.{}", relation.schema, relation.name)).collect();
    findings.add(with_suggestion(finding, &name, known.iter().map(String::as_str)));
}

/// Tags and conditions that name columns the table lacks.
fn check_table(table: &TableTags, relation: &Relation, catalog: &Catalog, findings: &mut Findings) {
    let meant = |condition| Meant { condition, relation, catalog };
    let name = format!("{}.{}", table.schema, table.table);
    let known = || relation.columns.iter().map(|column| &*column.name);
    let has = |column: &str| known().any(|known| known == column);
    let columns = table.columns.iter().map(|named| (&named.name, &*named.name.text));
    let key = table.subject_key.as_ref().map(|key| (key, follow::own_column(&key.text)));
    let bounded = table.measures.bounds.iter().map(|(name, _)| (name, &*name.text));
    for (word, column) in columns.chain(key).chain(bounded).filter(|(_, column)| !has(column)) {
        let message = format!("table `{name}` has no column `{column}`");
        findings.add(with_suggestion(Finding::new(message, &word.place, "not a column"), column, known()));
    }
    if let Some((word, _)) = key.filter(|(word, column)| &*word.text != *column && has(column))
        && follow::subject_key(catalog, relation, word).is_none()
    {
        let message = format!("the subjects of `{name}` cannot be found");
        let label =
            "each step needs a valid foreign key of one column, of a type of the server's own, that is NOT NULL";
        findings.add(Finding::new(message, &word.place, label));
    }
    for named in &table.conditions {
        if let Some(missing) = named.value.columns.iter().find(|column| !has(column)) {
            let message = format!("condition `{}` reads a column that `{name}` lacks", named.name.text);
            let label = format!("no column `{missing}`; what the condition bounds stays closed");
            findings.add(Finding::new(message, &named.name.place, label));
        } else if let Some(missing) = meant(&named.value).missing() {
            let message = format!("condition `{}` reads what is not there", named.name.text);
            let label = format!("{missing}; what the condition bounds stays closed");
            findings.add(Finding::new(message, &named.name.place, label));
        } else if let Some(column) = meant(&named.value).mismatched() {
            let message = format!("condition `{}` compares a parameter with a column of another type", named.name.text);
            let label = format!("`{column}`; what the condition bounds stays closed");
            findings.add(Finding::new(message, &named.name.place, label));
        } else if !meant(&named.value).fits() {
            let message = format!("condition `{}` depends on the session's settings, or could fail", named.name.text);
            let label = "it casts or compares dates of different types; what the condition bounds stays closed";
            findings.add(Finding::new(message, &named.name.place, label));
        }
    }
}

/// What a condition's columns are on a relation: its own, and those of the other tables that it reads.
struct Meant<'c> {
    condition: &'c Condition,
    relation: &'c Relation,
    catalog: &'c Catalog,
}

impl<'c> Meant<'c> {
    fn type_of(&self, name: &str) -> Option<Oid> {
        let (relation, name) = match name.split_once(OF) {
            Some((alias, name)) => {
                let other = self.condition.others.iter().find(|other| *other.alias == *alias)?;
                (self.catalog.relation_in(&other.schema, &other.table)?, name)
            }
            None => (self.relation, name),
        };
        relation.columns.iter().find(|column| *column.name == *name).map(|column| column.type_oid)
    }

    /// The first thing that it reads of other tables and that is not there, in words.
    fn missing(&self) -> Option<String> {
        self.condition.others.iter().find_map(|other| {
            let name = format!("{}.{}", other.schema, other.table);
            let Some(relation) = self.catalog.relation_in(&other.schema, &other.table) else {
                return Some(format!("there is no table `{name}`"));
            };
            if !matches!(relation.kind, RelationKind::Table | RelationKind::PartitionedTable) {
                return Some(format!("`{name}` is a {}, and a condition reads tables", relation.kind.word()));
            }
            let has = |name: &Arc<str>| relation.columns.iter().any(|column| column.name == *name);
            other.columns.iter().find(|column| !has(column)).map(|column| format!("no column `{name}.{column}`"))
        })
    }

    /// The first column that a parameter of another type is compared with.
    fn mismatched(&self) -> Option<String> {
        let fits = |name: &Arc<str>, kind: ParameterType| self.type_of(name).is_some_and(|t| kind.compares_with(t));
        let wrong = self.condition.compared.iter().find(|(name, _, kind)| !fits(name, *kind));
        wrong.map(|(name, _, _)| name.replace(OF, "."))
    }

    /// Whether it can be evaluated on the relation without an error, and means the same in every session.
    fn fits(&self) -> bool {
        let named = |name: &str| match name {
            "date" => oid::DATE,
            "timestamp" => oid::TIMESTAMP,
            _timestamptz => oid::TIMESTAMPTZ,
        };
        let same = |(name, target): &(Arc<str>, Arc<str>)| self.type_of(name) == Some(named(target));
        self.condition.columns.iter().all(|name| self.type_of(name).is_some())
            && self.missing().is_none()
            && self.condition.cast_to_time.iter().all(same)
            && self.condition.moments.fit(&|name| self.type_of(name))
            && self.mismatched().is_none()
    }
}

/// The tables that the policy tags, by its files or by comments.
fn tags_by_relation<'p>(
    policy: &'p Policy,
    catalog: &Catalog,
    errors: &mut Findings,
) -> FxHashMap<Oid, Cow<'p, TableTags>> {
    let tagged = |table: &'p TableTags| Some((catalog.relation_in(&table.schema, &table.table)?.oid, table));
    let by_file: FxHashMap<Oid, &TableTags> = policy.tables.iter().filter_map(tagged).collect();
    let user = catalog.relations().iter().filter(|relation| system::openness(relation) == Openness::User);
    let sections = Linked {
        policy,
        catalog,
        untagged: policy.untagged(),
        lock: None,
        tags: by_file.iter().map(|(oid, table)| (*oid, Cow::Borrowed(*table))).collect(),
    };
    let tags = |relation: &Relation| {
        let section = by_file.get(&relation.oid).copied();
        let above = sections.tags_of(&sections.with_ancestors(relation.oid));
        let named_above = |column: &str| above.iter().any(|table| table.names(column));
        let file = pattern::tags(policy, relation, section, named_above, errors);
        Some((relation.oid, comments::tags(policy, relation, section, file, errors)?))
    };
    user.filter_map(tags).collect()
}

/// The catalog with the tables that the policy tags.
pub(super) struct Linked<'p> {
    policy: &'p Policy,
    pub(super) catalog: &'p Catalog,
    untagged: Untagged,
    lock: Option<&'p Lock>,
    pub(super) tags: FxHashMap<Oid, Cow<'p, TableTags>>,
}

impl Linked<'_> {
    /// Gives tables the conditions of those that they follow.
    fn inherit(&mut self, policy: &Policy, findings: &mut Findings) {
        let mut inheriting = Inheriting::new(self, &policy.parameters);
        let relations = self.catalog.relations().iter();
        let gained = relations.map(|relation| (relation.oid, inheriting.of(relation, Keys::Held, findings)));
        let gained: Vec<_> = gained.filter(|(_, gained)| !gained.is_empty()).collect();
        for (oid, gained) in gained {
            self.tags.entry(oid).and_modify(|tags| tags.to_mut().conditions.extend(gained));
        }
    }

    /// The columns of every relation that its tags or those of its ancestors cover without naming them.
    fn unnamed(&self) -> Unnamed {
        let mut all = Unnamed::new();
        for relation in self.catalog.relations() {
            for table in self.tags_of(&self.with_ancestors(relation.oid)) {
                let covered = relation.columns.iter().filter(|column| table.covers_unnamed(&column.name));
                let covered: Vec<Arc<str>> = covered.map(|column| Arc::clone(&column.name)).collect();
                if !covered.is_empty() {
                    all.entry(written(&table.schema, &table.table)).or_default().extend(covered);
                }
            }
        }
        all
    }

    /// Whether tags would cover a column without naming it, and the lock file does not list it. Then it has none: what is left of
    /// several could be weaker.
    fn locks_out(&self, own: &[&TableTags], column: &str) -> bool {
        let Some(lock) = self.lock else { return false };
        own.iter().any(|table| table.covers_unnamed(column) && !lock.lists(table, column))
    }

    /// Everything reached by `step` from a relation, without itself.
    pub(super) fn reach(&self, start: Oid, step: impl Fn(Oid) -> Vec<Oid>) -> Vec<Oid> {
        let mut found: Vec<Oid> = Vec::new();
        let mut edge = vec![start];
        for _ in 0..DEEPEST {
            let next: Vec<Oid> = edge.iter().flat_map(|oid| step(*oid)).collect();
            edge = Vec::new();
            for oid in next {
                if oid != start && !found.contains(&oid) {
                    found.push(oid);
                    edge.push(oid);
                }
            }
        }
        found
    }

    /// Whether a table would have a condition of those that it follows, and does not: what is left of another's could be weaker.
    fn lacks(&self, table: &TableTags, name: &str) -> bool {
        !table.follows.is_empty() && table.condition(name).is_none() && self.policy.has_condition(table, name)
    }

    pub(super) fn tags_of(&self, relations: &[Oid]) -> Vec<&TableTags> {
        relations.iter().filter_map(|oid| self.tags.get(oid).map(Cow::as_ref)).collect()
    }

    /// A relation and its ancestors.
    pub(super) fn with_ancestors(&self, oid: Oid) -> Vec<Oid> {
        let parents = |oid| self.catalog.relation(oid).map_or_else(Vec::new, |relation| relation.parents.clone());
        let mut all = vec![oid];
        all.extend(self.reach(oid, parents));
        all
    }

    fn relation(&self, relation: &Relation) -> RelationTags {
        let own = self.tags_of(&self.with_ancestors(relation.oid));
        let below = self.tags_of(&self.reach(relation.oid, |oid| self.catalog.children(oid).to_vec()));
        let column_tags = |tables: &[&TableTags], column: &str| {
            let mut tags: Vec<Tag> = Vec::new();
            for table in tables {
                for category in table.categories(column) {
                    let tag = Tag { subject: table.subject, category: *category };
                    if !tags.contains(&tag) {
                        tags.push(tag);
                    }
                }
            }
            tags
        };
        let columns = relation.columns.iter().map(|column| ColumnTags {
            own: if self.locks_out(&own, &column.name) { Vec::new() } else { column_tags(&own, &column.name) },
            below: column_tags(&below, &column.name),
        });
        let mut columns: Vec<ColumnTags> = columns.collect();
        inherit_of_sources(relation, self.untagged, &mut columns);
        let key = own.iter().find_map(|table| table.subject_key.as_ref());
        let subject_key = key.and_then(|key| follow::subject_key(self.catalog, relation, key));
        // By way of another table a person may have many rows, whatever the row's own column is.
        let is_single = |key: &SubjectKey| key.through.is_empty() && self.is_key(relation, key.index);
        let single = subject_key.as_ref().is_some_and(is_single);
        let declared = || own.iter().find_map(|table| table.measures.rows_per_subject).map(RowsPerSubject::Count);
        let rows_per_subject = if single { Some(RowsPerSubject::One) } else { declared() };
        let bounds = relation.columns.iter().map(|column| {
            let bounds = own.iter().flat_map(|table| &table.measures.bounds);
            bounds.clone().find(|(name, _)| name.text == column.name).map(|(_, bounds)| *bounds)
        });
        let (bounds, conditions) = (bounds.collect(), conditions(relation, self, &own, &below));
        RelationTags { columns, conditions, subject_key, rows_per_subject, bounds }
    }

    /// Whether a column has each value once in a relation: it is the primary key, which holds for itself, not for what
    /// inherits from it.
    fn is_key(&self, relation: &Relation, index: usize) -> bool {
        let alone = match relation.kind {
            RelationKind::Table => self.catalog.children(relation.oid).is_empty(),
            RelationKind::PartitionedTable => true,
            RelationKind::View
            | RelationKind::MaterializedView
            | RelationKind::ForeignTable
            | RelationKind::Sequence => false,
        };
        alone && relation.columns.get(index).is_some_and(|column| relation.primary_key == [column.number])
    }
}

/// A generated column has the tags of the columns that it is computed from beside its own; computed from an untagged one
/// it is untagged, where that closes it.
fn inherit_of_sources(relation: &Relation, untagged: Untagged, tags: &mut [ColumnTags]) {
    for (at, column) in relation.columns.iter().enumerate().filter(|(_, column)| column.generated) {
        let Some(tie) = relation.ties.iter().find(|tie| tie.computes && tie.name == column.name) else { continue };
        let columns = relation.columns.iter().enumerate();
        let sources = columns.filter(|(source, other)| *source != at && tie.columns.contains(&other.number));
        let sources: Vec<usize> = sources.map(|(source, _)| source).collect();
        let closed = untagged == Untagged::Deny && sources.iter().any(|source| tags[*source].own.is_empty());
        for source in sources {
            let (own, below) = (tags[source].own.clone(), tags[source].below.clone());
            add_missing(&mut tags[at].own, &own);
            add_missing(&mut tags[at].below, &below);
        }
        if closed {
            tags[at].own.clear();
        }
    }
}

/// The conditions of a relation by name: its own and its ancestors'.
fn conditions(
    relation: &Relation,
    linked: &Linked<'_>,
    own: &[&TableTags],
    below: &[&TableTags],
) -> FxHashMap<Arc<str>, Usable> {
    let mut all: FxHashMap<Arc<str>, Vec<Condition>> = FxHashMap::default();
    for named in own.iter().flat_map(|table| &table.conditions) {
        let known = all.entry(Arc::clone(&named.name.text)).or_default();
        if !known.contains(&named.value) {
            known.push(named.value.clone());
        }
    }
    let usable = |(name, conditions): (Arc<str>, Vec<Condition>)| {
        // A scan of the parent reads the children's rows, to which only the parent's conditions would be applied.
        let meant_otherwise = below
            .iter()
            .flat_map(|table| &table.conditions)
            .filter(|named| named.name.text == name)
            .any(|other| !conditions.contains(&other.value));
        let catalog = linked.catalog;
        let fits = conditions.iter().all(|condition| Meant { condition, relation, catalog }.fits());
        let usable = if fits && !meant_otherwise && !own.iter().any(|table| linked.lacks(table, &name)) {
            Usable::All(conditions)
        } else {
            Usable::No
        };
        (name, usable)
    };
    all.into_iter().map(usable).collect()
}
