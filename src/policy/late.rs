//! Columns that came after their relation was first seen: what does not name them does not open them.

use super::bind::{Linked, RelationTags};
use crate::catalog::Catalog;
use crate::vocab::Oid;
use rustc_hash::{FxHashMap, FxHashSet};

/// Columns that appeared since a relation was first seen, and that no table of the policy names for it: neither a default nor a
/// pattern covers them. One that was kept from a default stays so. Of a relation that appeared itself, a default does: the
/// policy names it. A pattern does not.
pub(super) fn later_columns<'c>(
    linked: &Linked<'c>,
    before: &Catalog,
    known: &FxHashMap<Oid, RelationTags>,
) -> FxHashSet<(Oid, &'c str)> {
    let mut late = FxHashSet::default();
    for relation in linked.catalog.relations() {
        let earlier = before.relation(relation.oid).zip(known.get(&relation.oid));
        let lineage = linked.with_ancestors(relation.oid);
        let own = linked.tags_of(&lineage);
        let above = |oid| before.relation(oid).map_or_else(Vec::new, |relation| relation.parents.clone());
        let known_above = linked.reach(relation.oid, above);
        let gained = lineage.iter().filter(|oid| **oid != relation.oid && !known_above.contains(oid)).copied();
        let gained = gained.collect::<Vec<Oid>>();
        for column in &relation.columns {
            let appeared = match earlier {
                Some((earlier, tags)) => {
                    let place = earlier.columns.iter().position(|other| other.number == column.number);
                    match place.and_then(|at| tags.columns.get(at)) {
                        // What a new parent gives it is not of the table's own default or pattern.
                        Some(kept) => {
                            let mut given = linked.tags_of(&gained).into_iter();
                            kept.own.is_empty() && !given.any(|table| !table.categories(&column.name).is_empty())
                        }
                        None => true,
                    }
                }
                None => {
                    let patterned =
                        |oid: &&Oid| linked.tags.get(oid).is_some_and(|tags| tags.is_patterned(&column.name));
                    let mut by_pattern = lineage.iter().filter(patterned).peekable();
                    by_pattern.peek().is_some() && by_pattern.all(|oid| before.relation(*oid).is_none())
                }
            };
            if appeared && !own.iter().any(|table| table.names(&column.name)) {
                late.insert((relation.oid, &*column.name));
            }
        }
    }
    late
}
