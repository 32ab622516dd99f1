//! Where a write lands: the columns whose values change with it, and the relations that gain or lose rows, also those that
//! the server changes on its behalf (partitions and children, generated columns, cascades of foreign keys).

use crate::analyze::{Verb, Write};
use crate::catalog::{Catalog, Column, ReferentialAction, Relation};
use crate::vocab::{AttNum, Right};

/// What a write does to one relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Landing<'a> {
    pub(super) relation: &'a Relation,
    /// Columns that get another value, by index, each with the assignment that the value, or that it changes, comes from:
    /// an index into [`Write::assigned`].
    pub(super) columns: Vec<(usize, Option<usize>)>,
    /// Rows come or go.
    pub(super) rows: bool,
    /// It is the relation that the statement names, or a child: what is written into a row may be of that row.
    pub(super) named: bool,
}

/// What becomes of a relation's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stay,
    Deleted,
    /// With every table that refers to it.
    Truncated,
}

/// Everything that a write may change. A cycle of foreign keys ends where nothing new is reached.
pub(super) fn landings<'a>(catalog: &'a Catalog, write: &Write) -> Vec<Landing<'a>> {
    let Some(named) = catalog.relation(write.relation) else { return Vec::new() };
    let mut found: Vec<Landing<'a>> = Vec::new();
    let rows = write.verbs.iter().any(|verb| matches!(verb, Verb::Insert | Verb::Delete));
    for relation in catalog.with_descendants(named) {
        let mut columns = Vec::new();
        for (at, assigned) in write.assigned.iter().enumerate() {
            if let Some(column) = named.columns.get(assigned.index) {
                columns.extend(reached(relation, &column.name).into_iter().map(|index| (index, Some(at))));
            }
        }
        found.push(Landing { relation, columns, rows, named: true });
    }
    let fate = match (write.verbs.contains(&Verb::TruncateCascade), write.verbs.contains(&Verb::Delete)) {
        (true, _) => Fate::Truncated,
        (false, true) => Fate::Deleted,
        (false, false) => Fate::Stay,
    };
    // Rows that go, and keys that change.
    let mut edge: Vec<(Landing<'a>, Fate)> = Vec::new();
    for landing in &found {
        let updated =
            |(_, by): &&(usize, Option<usize>)| by.is_some_and(|at| write.assigned[at].right == Right::Update);
        let columns = landing.columns.iter().filter(updated).copied().collect();
        edge.push((Landing { columns, ..landing.clone() }, fate));
    }
    while let Some((landing, fate)) = edge.pop() {
        for (next, fate) in cascaded(catalog, &landing, fate) {
            let known = |other: &Landing<'_>| {
                other.relation.oid == next.relation.oid
                    && (other.rows || !next.rows)
                    && next.columns.iter().all(|column| other.columns.contains(column))
            };
            if !found.iter().any(known) {
                found.push(next.clone());
                edge.push((next, fate));
            }
        }
    }
    found
}

/// What foreign keys do to the tables that refer to a relation whose rows go or whose columns change.
fn cascaded<'a>(catalog: &'a Catalog, landing: &Landing<'a>, fate: Fate) -> Vec<(Landing<'a>, Fate)> {
    let mut found = Vec::new();
    for (table, key) in catalog.references_to(landing.relation.oid) {
        let mut columns: Vec<(&AttNum, Option<usize>)> = Vec::new();
        let mut next = Fate::Stay;
        match (fate, key.on_delete) {
            (Fate::Stay, _) | (Fate::Deleted, ReferentialAction::Refuse) => {}
            (Fate::Truncated, _) => next = Fate::Truncated,
            (Fate::Deleted, ReferentialAction::Cascade) => next = Fate::Deleted,
            (Fate::Deleted, ReferentialAction::Set) => columns.extend(key.columns.iter().map(|number| (number, None))),
        }
        let goes = next != Fate::Stay;
        for (index, by) in &landing.columns {
            let number = landing.relation.columns[*index].number;
            let Some(place) = key.referenced.iter().position(|referenced| *referenced == number) else { continue };
            match key.on_update {
                ReferentialAction::Refuse => {}
                ReferentialAction::Cascade => columns.extend(key.columns.get(place).map(|number| (number, *by))),
                // That it was changed is what the others tell.
                ReferentialAction::Set => columns.extend(key.columns.iter().map(|number| (number, *by))),
            }
        }
        if !goes && columns.is_empty() {
            continue;
        }
        for relation in catalog.with_descendants(table) {
            let mut changed = Vec::new();
            for (number, by) in &columns {
                let name = table.columns.iter().find(|column| column.number == **number).map(|column| &column.name);
                let indexes = name.map(|name| reached(relation, name)).unwrap_or_default();
                changed.extend(indexes.into_iter().map(|index| (index, *by)));
            }
            found.push((Landing { relation, columns: changed, rows: goes, named: false }, next));
        }
    }
    found
}

/// A column, by its name, and those that the server computes from it.
fn reached(relation: &Relation, name: &str) -> Vec<usize> {
    let Some(index) = relation.columns.iter().position(|column| *column.name == *name) else { return Vec::new() };
    let number = relation.columns[index].number;
    let mut reached = vec![index];
    for tie in relation.ties.iter().filter(|tie| tie.columns.contains(&number)) {
        let computed = |column: &Column| column.generated && column.name == tie.name;
        reached.extend(relation.columns.iter().position(computed));
    }
    reached
}
