//! The statements that a DBA might run to delete what is due.

use super::Counted;
use super::count::SETTINGS;
use crate::catalog::{Catalog, ReferentialAction, quote_qualified};
use std::fmt::Write as _;

/// One transaction: what refers to a table before the table.
pub(super) fn deletes(catalog: &Catalog, counted: &[Counted<'_>]) -> String {
    let mut left: Vec<&Counted<'_>> = counted.iter().filter(|table| table.due() > 0).collect();
    if left.is_empty() {
        return "-- nothing is due for deletion\n".to_owned();
    }
    let mut out =
        format!("-- {}: rows that nobody keeps any more. Look at each before it is run.\n", catalog.database());
    let _ = writeln!(out, "BEGIN;\n{SETTINGS};");
    while !left.is_empty() {
        let is_referred_to = |table: &Counted<'_>| {
            let others = left.iter().filter(|other| other.relation.oid != table.relation.oid);
            others.flat_map(|other| &other.relation.foreign_keys).any(|key| key.references == table.relation.oid)
        };
        // Tables that refer to each other come as they are.
        let next = left.iter().position(|table| !is_referred_to(table)).unwrap_or(0);
        delete(&mut out, catalog, counted, left.remove(next));
    }
    out + "COMMIT;\n"
}

fn delete(out: &mut String, catalog: &Catalog, counted: &[Counted<'_>], table: &Counted<'_>) {
    let Counted { relation, retention, counts: _ } = table;
    let Some(due) = &retention.due else { return };
    let _ = writeln!(out, "\n-- {}", super::report::rows(table.due()));
    for (other, key) in catalog.references_to(relation.oid).filter(|(other, _)| other.oid != relation.oid) {
        let name = quote_qualified(&other.schema, &other.name);
        let deleted = counted.iter().any(|table| table.relation.oid == other.oid && table.due() > 0);
        match key.on_delete {
            ReferentialAction::Refuse if deleted => {}
            ReferentialAction::Refuse => {
                let _ = writeln!(out, "-- fails where rows of {name} still refer to it");
            }
            ReferentialAction::Cascade => {
                let _ = writeln!(out, "-- rows of {name} that refer to it go with it (ON DELETE CASCADE)");
            }
            ReferentialAction::Set => {
                let _ = writeln!(out, "-- rows of {name} that refer to it stay, and lose the reference");
            }
        }
    }
    let _ = writeln!(out, "DELETE FROM {}\n WHERE {};", retention.named(relation), retention.sql(due));
}
