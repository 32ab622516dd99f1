//! What a policy says of a catalog after a definition, held against what it said before.
//!
//! A policy goes by names, and a definition can give a name to something else: rename a closed column to an open one, bring a
//! table into the place of one that a condition reads, drop the column whose rule hides rows. So the policy is bound to the
//! catalog that the definition will leave, by its names alone, as a proxy that starts anew would, and as it will be in force
//! until then; nobody may have more of anything than before. What that means for one kind of rule nothing here needs to know.

use super::bind;
use super::bound::Bound;
use super::ruling::{Effect, RelationRuling, RowCondition, RowsPerSubject, SubjectKey};
use super::tags::TableTags;
use super::{Filter, Mask, Reader, follow};
use crate::catalog::{Relation, Step};
use crate::vocab::{AttNum, Oid, Right};
use std::sync::Arc;

/// What somebody would have more of than before.
#[derive(Debug)]
pub struct Widened {
    pub reader: Reader,
    pub right: Right,
    /// As it will be.
    pub relation: Relation,
    /// `None`: its rows.
    pub column: Option<Arc<str>>,
}

/// A relation with the ruling on it, before a definition or after.
struct Side<'a> {
    bound: &'a Bound,
    relation: &'a Relation,
    ruling: &'a RelationRuling,
}

/// How the columns of one side are found on the other.
#[derive(Clone, Copy)]
enum Same {
    /// It is the same relation.
    Number,
    /// Its rows are read by way of another.
    Name,
}

impl Bound {
    /// The first that somebody would have more of after these steps.
    pub fn widened_by(&self, steps: &[Step]) -> Option<Widened> {
        let catalog = Arc::new(self.catalog.after(steps));
        let by_name = |catalog| Bound::new(Arc::clone(&self.policy), catalog);
        let before = by_name(Arc::new(self.catalog.after(&[])));
        before.widened_to(&by_name(Arc::clone(&catalog)), steps).or_else(|| {
            // Until then tags stick to columns' numbers, and conditions do not.
            self.widened_to(&Bound::succeeding(Arc::clone(&self.policy), catalog, Some(self)), steps)
        })
    }

    fn widened_to(&self, after: &Bound, steps: &[Step]) -> Option<Widened> {
        for relation in after.catalog.relations() {
            let touched = steps.iter().any(|step| step.relation() == relation.oid);
            let tags = after.relations.get(&relation.oid);
            let retagged = tags != self.relations.get(&relation.oid);
            let reads_others = tags.is_some_and(|tags| {
                let usable = |usable: &bind::Usable| match usable {
                    bind::Usable::All(conditions) => conditions.iter().any(|condition| !condition.others.is_empty()),
                    bind::Usable::No => false,
                };
                tags.conditions.values().any(usable)
            });
            let Some(known) = self.catalog.relation(relation.oid) else { continue };
            if touched || retagged || reads_others {
                let widened = self.widened(known, after, relation, Same::Number);
                if widened.is_some() {
                    return widened;
                }
            }
        }
        // What is read by way of a new parent.
        steps.iter().find_map(|step| {
            let Step::ParentAdded { relation, parent } = step else { return None };
            let (child, parent) = (self.catalog.relation(*relation)?, after.catalog.relation(*parent)?);
            self.widened(child, after, parent, Same::Name)
        })
    }

    fn widened(&self, before: &Relation, after: &Bound, relation: &Relation, same: Same) -> Option<Widened> {
        for reader in self.policy.readers() {
            for right in [Right::Read, Right::Insert, Right::Update, Right::Delete] {
                let (had, has) =
                    (self.ruling_for(Some(*reader), right, before), after.ruling_for(Some(*reader), right, relation));
                let had = Side { bound: self, relation: before, ruling: &had };
                let has = Side { bound: after, relation, ruling: &has };
                if let Some(column) = has.more_than(&had, same) {
                    return Some(Widened { reader: *reader, right, relation: relation.clone(), column });
                }
            }
            let purpose = Some(reader.purpose);
            if after.rewrites(purpose, relation.oid).is_some() && self.rewrites(purpose, before.oid).is_none() {
                let relation = relation.clone();
                return Some(Widened { reader: *reader, right: Right::Read, relation, column: None });
            }
        }
        None
    }

    /// Whether what a column holds decides about rows: a condition of the policy reads it, or it says whom a row is about.
    pub fn decides(&self, relation: &Relation, column: &str) -> bool {
        let lineage = self.lineage(relation);
        let is_of = |schema: &str, table: &str| lineage.iter().any(|one| *one.schema == *schema && *one.name == *table);
        let own = |table: &TableTags| {
            is_of(&table.schema, &table.table)
                && (table.conditions.iter().any(|named| named.value.columns.iter().any(|read| **read == *column))
                    || table.follows.iter().any(|follow| follow.columns.iter().any(|own| **own == *column))
                    || table.subject_key.as_ref().is_some_and(|key| follow::own_column(&key.text) == column))
        };
        // Also those that it has from tables that it follows.
        let bound = |relation: &&Relation| {
            let conditions = self.relations.get(&relation.oid).into_iter().flat_map(|tags| tags.conditions.values());
            conditions.flat_map(|usable| match usable {
                bind::Usable::All(conditions) => conditions.as_slice(),
                bind::Usable::No => &[],
            })
        };
        // Keys as they were found, also by comments.
        let name = |relation: Oid, index: usize| {
            let relation = self.catalog.relation(relation)?;
            Some((relation.oid, Arc::clone(&relation.columns.get(index)?.name)))
        };
        let here = |(oid, name): (Oid, Arc<str>)| *name == *column && lineage.iter().any(|one| one.oid == oid);
        let keyed = self.relations.iter().any(|(oid, tags)| {
            tags.subject_key.as_ref().is_some_and(|key| {
                let hops =
                    key.through.iter().flat_map(|hop| [(hop.relation, hop.referenced), (hop.relation, hop.shown)]);
                hops.chain([(*oid, key.index)]).filter_map(|(oid, index)| name(oid, index)).any(here)
            })
        });
        keyed
            || self.policy.tables.iter().any(own)
            || lineage.iter().flat_map(bound).any(|condition| condition.columns.iter().any(|read| **read == *column))
            || self.is_read_elsewhere(&is_of, Some(column))
    }

    /// Whether conditions on other tables read what is in a relation, or above or below it.
    pub fn decides_by_rows(&self, relation: &Relation) -> bool {
        let lineage = self.lineage(relation);
        self.is_read_elsewhere(
            &|schema, table| lineage.iter().any(|one| *one.schema == *schema && *one.name == *table),
            None,
        )
    }

    /// Whether what a relation has from another hangs on its foreign keys, or on its primary key how many rows a person has.
    pub fn hangs_on_keys(&self, relation: &Relation) -> bool {
        let lineage = self.lineage(relation);
        let own = |table: &&TableTags| lineage.iter().any(|one| one.schema == table.schema && one.name == table.table);
        let path = |table: &TableTags| {
            let key = table.subject_key.as_ref().map(|key| &*key.text);
            !table.follows.is_empty() || key.is_some_and(|key| key != follow::own_column(key))
        };
        let further = |table: &TableTags| {
            let steps = table.subject_key.as_ref().map_or_else(Vec::new, |key| follow::further(&key.text));
            steps.iter().any(|(schema, name, _)| lineage.iter().any(|one| one.schema == *schema && one.name == *name))
        };
        let hops = |tags: &bind::RelationTags| {
            let mut hops = tags.subject_key.iter().flat_map(|key| key.through.iter());
            hops.any(|hop| lineage.iter().any(|one| one.oid == hop.relation))
        };
        let bound = |relation: &&Relation| {
            let tags = self.relations.get(&relation.oid);
            let through = tags.and_then(|tags| tags.subject_key.as_ref()).is_some_and(|key| !key.through.is_empty());
            through || tags.is_some_and(|tags| tags.rows_per_subject == Some(RowsPerSubject::One))
        };
        self.policy.tables.iter().filter(own).any(path)
            || self.policy.tables.iter().any(further)
            || self.relations.values().any(hops)
            || lineage.iter().any(bound)
    }

    /// Whether somebody reads a column otherwise than as it is: what is made of it depends on its type.
    pub fn is_transformed(&self, relation: &Relation, column: &str) -> bool {
        let Some(index) = relation.columns.iter().position(|known| *known.name == *column) else { return true };
        self.policy.readers().iter().any(|reader| {
            let ruling = self.ruling_for(Some(*reader), Right::Read, relation);
            let effect = ruling.columns.get(index).map(|column| &column.effect);
            matches!(effect, Some(Effect::Mask(_) | Effect::Aggregate(_)) | None)
        })
    }

    /// Whether a reader would know values of a column that is new after these steps among those that it reads transformed.
    pub fn plants_after(&self, steps: &[Step], reader: Reader, relation: Oid, column: &str) -> bool {
        let after = Bound::new(Arc::clone(&self.policy), Arc::new(self.catalog.after(steps)));
        let Some(relation) = after.catalog.relation(relation) else { return true };
        let ruling = after.ruling_for(Some(reader), Right::Read, relation);
        let index = relation.columns.iter().position(|known| *known.name == *column);
        let effect = index.and_then(|index| ruling.columns.get(index)).map(|column| &column.effect);
        let pseudonym = matches!(effect, Some(Effect::Mask(Mask::Pseudonym(_)) | Effect::Aggregate(_)) | None);
        pseudonym || ruling.min_subjects().is_some()
    }

    /// Whether conditions on other tables read one of this name.
    pub fn decides_as(&self, schema: &str, name: &str) -> bool {
        self.is_read_elsewhere(&|of: &str, table: &str| *of == *schema && *table == *name, None)
    }

    pub(super) fn is_read_elsewhere(&self, is_of: &dyn Fn(&str, &str) -> bool, column: Option<&str>) -> bool {
        let mut written = self.policy.tables.iter().flat_map(|table| &table.conditions).map(|named| &named.value);
        let inherited = self.relations.values().flat_map(|tags| tags.conditions.values());
        let mut inherited = inherited.flat_map(|usable| match usable {
            bind::Usable::All(conditions) => conditions.as_slice(),
            bind::Usable::No => &[],
        });
        let reads = |condition: &super::condition::Condition| {
            condition.others.iter().any(|other| {
                is_of(&other.schema, &other.table)
                    && column.is_none_or(|column| other.columns.iter().any(|read| **read == *column))
            })
        };
        let key = |table: &TableTags| {
            let steps = table.subject_key.as_ref().map_or_else(Vec::new, |key| follow::further(&key.text));
            steps
                .iter()
                .any(|(schema, name, shown)| is_of(schema, name) && column.is_none_or(|column| **shown == *column))
        };
        written.any(reads) || inherited.any(reads) || self.policy.tables.iter().any(key)
    }
}

impl Side<'_> {
    /// The first column of which there is more than on the other side; `Some(None)` where that is the rows.
    fn more_than(&self, before: &Side<'_>, same: Same) -> Option<Option<Arc<str>>> {
        if !self.ruling.tells_of_rows() {
            return None;
        }
        let known = |row: &RowCondition| self.ruling.rows.iter().any(|other| self.same_row(other, before, row, same));
        if !before.ruling.tells_of_rows() || !before.ruling.rows.iter().all(known) {
            return Some(None);
        }
        let pairs = self.relation.columns.iter().zip(self.ruling.columns.iter());
        for (column, has) in pairs {
            let counterpart = before.relation.columns.iter().position(|known| match same {
                Same::Number => known.number == column.number,
                Same::Name => known.name == column.name,
            });
            let Some(had) = counterpart.and_then(|at| before.ruling.columns.get(at)) else { continue };
            let more = match (&had.effect, &has.effect) {
                (_, Effect::Deny) | (Effect::Allow, _) => false,
                (had, has) => had != has,
            };
            let found = has.filter == Filter::LookUp && had.filter != Filter::LookUp && had.effect != Effect::Allow;
            let freed = |usage| !has.closed.iter().any(|(closed, _)| *closed == usage);
            let freed = has.effect != Effect::Deny && had.closed.iter().any(|(usage, _)| freed(*usage));
            let measures = |side: &Side<'_>, number: AttNum| {
                let at = side.relation.columns.iter().position(|column| column.number == number);
                (side.ruling.rows_per_subject, at.and_then(|at| side.ruling.bounds.get(at).copied().flatten()))
            };
            let alike = self.key() == before.key() && measures(self, has.number) == measures(before, had.number);
            let counted = matches!(has.effect, Effect::Aggregate(_)) && !alike;
            // Categories that never meet, and whose data it is.
            let parted = |category| !has.categories.contains(category);
            let parted =
                has.effect != Effect::Deny && (had.categories.iter().any(parted) || had.subject != has.subject);
            if more || found || freed || counted || parted {
                return Some(Some(Arc::clone(&column.name)));
            }
        }
        None
    }

    /// Whether a condition reads what another reads, and says the same of it.
    fn same_row(&self, row: &RowCondition, before: &Side<'_>, other: &RowCondition, same: Same) -> bool {
        let own = |side: &Side<'_>, row: &RowCondition| {
            let column = |name: &Arc<str>| side.relation.columns.iter().find(|column| column.name == *name);
            let column = |name: &Arc<str>| {
                column(name).map(|column| match same {
                    Same::Number => (column.number, column.type_oid),
                    Same::Name => (AttNum(0), column.type_oid),
                })
            };
            row.columns.iter().map(column).collect::<Option<Vec<_>>>()
        };
        let others = |side: &Side<'_>, row: &RowCondition| {
            let of = |(oid, index): &(Oid, usize)| Some((*oid, side.number(*oid, *index)?));
            row.reads.iter().map(of).collect::<Option<Vec<_>>>()
        };
        row.sql == other.sql
            && row.parameters == other.parameters
            && own(self, row).is_some_and(|read| Some(read) == own(before, other))
            && others(self, row).is_some_and(|read| Some(read) == others(before, other))
    }

    fn number(&self, relation: Oid, index: usize) -> Option<AttNum> {
        Some(self.bound.catalog().relation(relation)?.columns.get(index)?.number)
    }

    /// The way to the person a row is about, by numbers.
    fn key(&self) -> Option<Vec<(Oid, AttNum)>> {
        let SubjectKey { index, through } = self.ruling.subject_key.as_ref()?;
        let mut steps = vec![(self.relation.oid, self.relation.columns.get(*index)?.number)];
        for hop in through.iter() {
            steps.push((hop.relation, self.number(hop.relation, hop.referenced)?));
            steps.push((hop.relation, self.number(hop.relation, hop.shown)?));
        }
        Some(steps)
    }
}
