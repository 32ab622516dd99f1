//! What conditions read of other tables, tied to a catalog.

use super::bound::Bound;
use super::condition::Condition;
use super::exists::{Link, OF};
use super::rules::Sense;
use super::{ColumnOf, Hop, Reader, Slices};
use crate::catalog::{ReferentialAction, Relation};
use crate::vocab::{AttNum, Oid, Right};
use rustc_hash::FxHashSet;
use std::sync::{Arc, PoisonError};

/// What a condition reads of other tables.
pub(super) struct ReadOfOthers {
    pub(super) reads: Arc<[ColumnOf]>,
    pub(super) anchors: Arc<[Oid]>,
    pub(super) ties: Arc<[(Arc<str>, Arc<str>)]>,
}

impl Bound {
    /// The columns by which conditions on other tables decide what a reader sees or may write, of children too. Memoised.
    pub fn deciding(&self, reader: Reader) -> Arc<FxHashSet<ColumnOf>> {
        if let Some(known) = self.deciding.read().unwrap_or_else(PoisonError::into_inner).get(&reader) {
            return Arc::clone(known);
        }
        let mut found = FxHashSet::default();
        for relation in self.catalog.relations().iter().filter(|relation| self.relations.contains_key(&relation.oid)) {
            for right in [Right::Read, Right::Insert, Right::Update, Right::Delete] {
                let ruling = self.ruling_for(Some(reader), right, relation);
                found.extend(ruling.rows.iter().flat_map(|row| row.reads.iter().copied()));
                // Whom rows are about decides of how many people there are.
                if let (Some(key), Right::Read, Some(_)) = (&ruling.subject_key, right, ruling.min_subjects()) {
                    found.extend(key.through.iter().flat_map(|hop| self.columns_of(hop)));
                }
            }
        }
        let found = Arc::new(found);
        let mut deciding = self.deciding.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(deciding.entry(reader).or_insert(found))
    }

    /// The columns by which a subject is looked up in another table, also in its children.
    fn columns_of(&self, hop: &Hop) -> Vec<ColumnOf> {
        let Some(named) = self.catalog.relation(hop.relation) else { return Vec::new() };
        let names = [hop.referenced, hop.shown].map(|index| named.columns.get(index).map(|column| &column.name));
        let of = |relation: &Relation| {
            let index = |name: &&Arc<str>| relation.columns.iter().position(|column| column.name == **name);
            names.iter().flatten().filter_map(index).map(|index| (relation.oid, index)).collect::<Vec<_>>()
        };
        self.catalog.with_descendants(named).into_iter().flat_map(of).collect()
    }

    /// What a condition reads of other tables, also of their children.
    pub(super) fn read_of_others(&self, condition: &Condition, at: &Relation, sense: Sense) -> ReadOfOthers {
        let (mut reads, mut anchors, mut ties) = (Vec::new(), Vec::new(), Vec::new());
        for other in &condition.others {
            let Some(named) = self.catalog.relation_in(&other.schema, &other.table) else { continue };
            for relation in self.catalog.with_descendants(named) {
                let index = |name: &Arc<str>| relation.columns.iter().position(|column| column.name == *name);
                reads.extend(other.columns.iter().filter_map(index).map(|index| (relation.oid, index)));
            }
            let name = |of: &Relation, number: AttNum| {
                of.columns.iter().find(|column| column.number == number).map(|column| Arc::clone(&column.name))
            };
            let tied = |own: &Arc<str>, referenced: &Arc<str>| {
                let referenced = format!("{}{OF}{referenced}", other.alias);
                condition.links.iter().any(|link| match link {
                    Link::Columns(a, b) => (a == own && **b == *referenced) || (**a == *referenced && b == own),
                    Link::Parameter(_) => false,
                })
            };
            for key in at.foreign_keys.iter().filter(|key| key.valid && key.references == named.oid) {
                let pairs = key.columns.iter().zip(&key.referenced);
                let pairs = pairs.map(|(own, referenced)| Some((name(at, *own)?, name(named, *referenced)?)));
                let Some(pairs) = pairs.collect::<Option<Vec<_>>>() else { continue };
                if condition.others.len() != 1 || !pairs.iter().all(|(own, referenced)| tied(own, referenced)) {
                    continue;
                }
                // A key that is set to null on a delete takes a row out of `not`, though what hides it was there.
                if sense == Sense::Holds || key.on_delete != ReferentialAction::Set {
                    anchors.push(named.oid);
                }
                ties.extend(pairs);
            }
        }
        ReadOfOthers { reads: reads.into(), anchors: anchors.into(), ties: ties.into() }
    }

    /// Whether the rows that meet a condition for different values of its parameters are apart: each parameter equals a column
    /// of the row, or of rows of other tables to which equalities lead by their primary keys.
    pub(super) fn slices(&self, condition: &Condition) -> Slices {
        let mut reached: Vec<&str> = Vec::new();
        let known = |reached: &[&str], name: &str| match name.split_once(OF) {
            Some((alias, _)) => reached.contains(&alias),
            None => true,
        };
        for _ in &condition.others {
            for other in &condition.others {
                let Some(relation) = self.catalog.relation_in(&other.schema, &other.table) else { continue };
                let leads = |number: &AttNum| {
                    let column = relation.columns.iter().find(|column| column.number == *number);
                    let name = column.map(|column| format!("{}{OF}{}", other.alias, column.name)).unwrap_or_default();
                    condition.links.iter().any(|link| match link {
                        Link::Columns(a, b) => {
                            (**a == *name && known(&reached, b)) || (**b == *name && known(&reached, a))
                        }
                        Link::Parameter(_) => false,
                    })
                };
                let one = !relation.primary_key.is_empty()
                    && relation.primary_key.iter().all(leads)
                    && self.catalog.with_descendants(relation).len() == 1;
                if one && !reached.contains(&&*other.alias) {
                    reached.push(&other.alias);
                }
            }
        }
        let equal = condition.links.iter().filter(|link| match link {
            Link::Parameter(name) => known(&reached, name),
            Link::Columns(_, _) => false,
        });
        if equal.count() == condition.compared.len() { Slices::Disjoint } else { Slices::Overlapping }
    }
}
