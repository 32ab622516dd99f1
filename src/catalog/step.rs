//! A catalog as a definition will leave it, as far as a policy goes by it: names, columns, parents, and what the server keeps.

use super::lookup::Catalog;
use super::model::{Column, ForeignKey, Relation, Snapshot};
use crate::vocab::{AttNum, Oid};
use std::sync::Arc;

/// What a definition does to a relation that is there. Columns are those of the relation that is named, and of its children
/// those of the same names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Renamed { relation: Oid, schema: Arc<str>, name: Arc<str> },
    ColumnRenamed { relation: Oid, column: Arc<str>, name: Arc<str> },
    ColumnAdded { relation: Oid, column: Column },
    ColumnDropped { relation: Oid, column: Arc<str> },
    NotNull { relation: Oid, column: Arc<str> },
    KeyAdded { relation: Oid, key: ForeignKey },
    ParentAdded { relation: Oid, parent: Oid },
    ParentDropped { relation: Oid, parent: Oid },
}

impl Step {
    /// The relation that is altered.
    pub fn relation(&self) -> Oid {
        match self {
            Step::Renamed { relation, schema: _, name: _ }
            | Step::ColumnRenamed { relation, column: _, name: _ }
            | Step::ColumnAdded { relation, column: _ }
            | Step::ColumnDropped { relation, column: _ }
            | Step::NotNull { relation, column: _ }
            | Step::KeyAdded { relation, key: _ }
            | Step::ParentAdded { relation, parent: _ }
            | Step::ParentDropped { relation, parent: _ } => *relation,
        }
    }
}

impl Catalog {
    /// The catalog after these steps, without what a policy has declared in it.
    pub fn after(&self, steps: &[Step]) -> Catalog {
        let mut snapshot = self.snapshot().clone();
        snapshot.relations.retain(|relation| relation.declared != Some(super::Declared::Result));
        for relation in &mut snapshot.relations {
            relation.declared = None;
        }
        for step in steps {
            let below = self.relation(step.relation()).map_or_else(Vec::new, |relation| {
                self.with_descendants(relation).into_iter().map(|relation| relation.oid).collect()
            });
            take(&mut snapshot, step, &below);
        }
        Catalog::new(snapshot, self.version())
    }
}

fn take(snapshot: &mut Snapshot, step: &Step, below: &[Oid]) {
    for relation in snapshot.relations.iter_mut().filter(|relation| below.contains(&relation.oid)) {
        let itself = relation.oid == step.relation();
        let named = |relation: &Relation, name: &str| relation.columns.iter().position(|known| *known.name == *name);
        match step {
            Step::Renamed { relation: _, schema, name } if itself => {
                (relation.schema, relation.name) = (Arc::clone(schema), Arc::clone(name));
            }
            Step::ColumnRenamed { relation: _, column, name } => {
                if let Some(at) = named(relation, column) {
                    relation.columns[at].name = Arc::clone(name);
                    for tie in relation.ties.iter_mut().filter(|tie| tie.computes && tie.name == *column) {
                        tie.name = Arc::clone(name);
                    }
                }
            }
            Step::ColumnAdded { relation: _, column } => {
                if named(relation, &column.name).is_none() {
                    // A number that no column has had.
                    let number = AttNum(i16::MAX - i16::try_from(relation.columns.len()).unwrap_or(0));
                    relation.columns.push(Column { number, ..column.clone() });
                }
            }
            Step::ColumnDropped { relation: _, column } => relation.columns.retain(|known| known.name != *column),
            Step::NotNull { relation: _, column } => {
                if let Some(at) = named(relation, column) {
                    relation.columns[at].not_null = true;
                }
            }
            Step::KeyAdded { relation: _, key } if itself => relation.foreign_keys.push(key.clone()),
            Step::ParentAdded { relation: _, parent } if itself => relation.parents.push(*parent),
            Step::ParentDropped { relation: _, parent } if itself => relation.parents.retain(|known| known != parent),
            Step::Renamed { relation: _, schema: _, name: _ }
            | Step::KeyAdded { relation: _, key: _ }
            | Step::ParentAdded { relation: _, parent: _ }
            | Step::ParentDropped { relation: _, parent: _ } => {}
        }
    }
}
