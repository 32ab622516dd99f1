//! Reads relations with their columns, definitions and comments, and the roles.

use super::answer::Unreadable;
use super::{Answers, Names, Topic, written};
use crate::catalog::{Column, Relation, RelationKind, Role};
use crate::vocab::{AttNum, Oid};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Names of the first set of columns are those of [`Relation`].
pub(super) fn relations(since: Oid) -> String {
    format!(
        "
    SELECT c.oid, n.nspname, c.relname, c.relkind::text,
           (SELECT i.indkey::int2[] FROM pg_index i
             WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid AND i.indimmediate),
           ARRAY(SELECT h.inhparent FROM pg_inherits h WHERE h.inhrelid = c.oid ORDER BY h.inhparent),
           EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.ev_type <> '1'),
           (SELECT p.partattrs::int2[] FROM pg_partitioned_table p WHERE p.partrelid = c.oid),
           coalesce(c.reloptions::text ~ 'check_option=', false),
           ARRAY(SELECT s.oid FROM (
                 SELECT i.indexrelid FROM pg_index i WHERE i.indrelid IN (c.oid, nullif(c.reltoastrelid, 0))
                 UNION ALL SELECT nullif(c.reltoastrelid, 0)) AS s(oid) WHERE s.oid IS NOT NULL ORDER BY s.oid),
           EXISTS (SELECT FROM pg_depend d LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
                    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype = 'n'
                      AND w.ev_type IS DISTINCT FROM '1'
                      AND d.classid NOT IN ('pg_constraint'::regclass, 'pg_attrdef'::regclass, 'pg_proc'::regclass,
                                            'pg_class'::regclass, 'pg_type'::regclass))
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
       AND n.nspname <> 'pg_toast' AND c.oid >= {since}
     ORDER BY c.oid"
    )
}

/// Definitions of users' views. Writing one locks the relations in it, so those on which someone else holds or awaits an
/// exclusive lock are left out, unless the lock is short; the refresh after their change will have them.
pub(super) const DEFINITIONS: &str = "
      WITH held AS MATERIALIZED (
             SELECT relation FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation IS NOT NULL
                AND pid IS DISTINCT FROM pg_backend_pid()),
           busy AS MATERIALIZED (
             SELECT r.ev_class FROM held h
               JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = h.relation
                               AND d.classid = 'pg_rewrite'::regclass
               JOIN pg_rewrite r ON r.oid = d.objid)
    SELECT c.oid, CASE WHEN c.oid NOT IN (SELECT ev_class FROM busy) THEN pg_catalog.pg_get_viewdef(c.oid) END
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('v', 'm') AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')";

/// From 18 on a column may be marked NOT NULL while rows from before are not checked.
pub(super) fn columns(since: Oid) -> String {
    format!(
        "
    SELECT a.attrelid, a.attnum, a.attname, a.atttypid, pg_catalog.format_type(a.atttypid, a.atttypmod),
           a.attnotnull AND NOT EXISTS (
               SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND NOT k.convalidated
                  AND k.conkey = ARRAY[a.attnum]),
           coalesce(NOT l.collisdeterministic, false), a.attgenerated <> ''
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
      LEFT JOIN pg_collation l ON l.oid = a.attcollation
     WHERE a.attnum > 0 AND NOT a.attisdropped
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't' AND c.oid >= {since}
     ORDER BY a.attrelid, a.attnum"
    )
}

/// Comments that may hold tags.
pub(super) const COMMENTS: &str = r"
    SELECT d.objoid, d.objsubid::int2, d.description FROM pg_description d
     WHERE d.classoid = 'pg_class'::regclass AND d.description ~ '\[\s*(category|subject|subject_key|default)\s*:'
     ORDER BY d.objoid, d.objsubid";

pub(super) fn read(answers: &Answers, names: &mut Names) -> Result<Vec<Relation>, Unreadable> {
    let mut columns: FxHashMap<Oid, Vec<Column>> = FxHashMap::default();
    for row in answers.of(Topic::Columns) {
        columns.entry(row.number(0)?).or_default().push(Column {
            number: AttNum(row.number(1)?),
            name: names.get(row.text(2)?),
            type_oid: row.number(3)?,
            type_sql: names.get(row.text(4)?),
            not_null: row.truth(5)?,
            nondeterministic: row.truth(6)?,
            generated: row.truth(7)?,
        });
    }
    let mut written = written::read(answers, names)?;
    let mut definitions: FxHashMap<Oid, Arc<str>> = FxHashMap::default();
    for row in answers.of(Topic::Definitions) {
        if let Some(definition) = row.cell(1)? {
            definitions.insert(row.number(0)?, definition.into());
        }
    }
    let mut comments: FxHashMap<Oid, Vec<(AttNum, Arc<str>)>> = FxHashMap::default();
    for row in answers.of(Topic::Comments) {
        comments.entry(row.number(0)?).or_default().push((AttNum(row.number(1)?), row.text(2)?.into()));
    }
    let numbers = |numbers: Vec<i16>| numbers.into_iter().map(AttNum).collect();
    let mut relations = Vec::new();
    for row in answers.of(Topic::Relations) {
        let oid: Oid = row.number(0)?;
        relations.push(Relation {
            oid,
            schema: names.get(row.text(1)?),
            name: names.get(row.text(2)?),
            kind: relation_kind(row.text(3)?),
            columns: columns.remove(&oid).unwrap_or_default(),
            primary_key: numbers(row.numbers(4)?),
            parents: row.numbers(5)?,
            ties: written.ties.remove(&oid).unwrap_or_default(),
            foreign_keys: written.foreign_keys.remove(&oid).unwrap_or_default(),
            triggers: written.triggers.remove(&oid).unwrap_or_default(),
            calls: written.calls.remove(&oid).unwrap_or_default(),
            has_rules: row.truth(6)?,
            is_hung_on: row.truth(10)?,
            check_option: row.truth(8)?,
            partition_key: numbers(row.numbers(7)?),
            storage: row.numbers(9)?,
            comments: comments.remove(&oid).unwrap_or_default(),
            definition: definitions.remove(&oid),
            declared: None,
        });
    }
    Ok(relations)
}

fn relation_kind(kind: &str) -> RelationKind {
    match kind {
        "p" => RelationKind::PartitionedTable,
        "v" => RelationKind::View,
        "m" => RelationKind::MaterializedView,
        "f" => RelationKind::ForeignTable,
        "S" => RelationKind::Sequence,
        _ => RelationKind::Table,
    }
}

/// Every role with all the roles it is a member of, at whatever distance.
pub(super) fn roles(answers: &Answers, names: &mut Names) -> Result<Vec<Role>, Unreadable> {
    let mut by_oid: Vec<(Oid, Arc<str>)> = Vec::new();
    for row in answers.of(Topic::Roles) {
        by_oid.push((row.number(0)?, names.get(row.text(1)?)));
    }
    let mut direct: FxHashMap<Oid, Vec<Oid>> = FxHashMap::default();
    for row in answers.of(Topic::Members) {
        direct.entry(row.number(0)?).or_default().push(row.number(1)?);
    }
    let name_of: FxHashMap<Oid, Arc<str>> = by_oid.iter().cloned().collect();
    let role = |(oid, name): &(Oid, Arc<str>)| {
        let mut seen = BTreeSet::new();
        let mut next = vec![*oid];
        while let Some(oid) = next.pop() {
            let parents = direct.get(&oid).into_iter().flatten();
            next.extend(parents.filter(|parent| seen.insert(**parent)));
        }
        let member_of = seen.iter().filter_map(|oid| name_of.get(oid).cloned()).collect();
        Role { name: Arc::clone(name), member_of }
    };
    Ok(by_oid.iter().map(role).collect())
}
