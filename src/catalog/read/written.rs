//! Reads what the server does of its own accord when a row is written: constraints, unique indexes, foreign keys,
//! triggers, and the functions that all of these call.

use super::answer::{Row, Unreadable};
use super::{Answers, Names, Topic};
use crate::catalog::{Call, ForeignKey, ReferentialAction, Tie, Trigger};
use crate::vocab::{AttNum, Oid};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// By relation.
#[derive(Default)]
pub(super) struct Written {
    pub(super) ties: FxHashMap<Oid, Vec<Tie>>,
    pub(super) foreign_keys: FxHashMap<Oid, Vec<ForeignKey>>,
    pub(super) triggers: FxHashMap<Oid, Vec<Trigger>>,
    pub(super) calls: FxHashMap<Oid, Vec<Call>>,
}

/// Constraints by their columns, or every column where one reads whole rows; unique indexes and those with expressions or
/// predicates, and generated columns, by what they depend on: their expression, up to PostgreSQL 14 the column itself.
pub(super) const TIES: &str = "
    SELECT c.conrelid, c.conname, coalesce(nullif(c.conkey, '{}'), every.columns), c.contype <> 'c', false
      FROM pg_constraint c, LATERAL (
               SELECT array_agg(a.attnum ORDER BY a.attnum) AS columns FROM pg_attribute a
                WHERE a.attrelid = c.conrelid AND a.attnum > 0 AND NOT a.attisdropped) every
     WHERE c.contype IN ('c', 'u', 'p', 'x') AND c.conrelid <> 0
    UNION ALL
    SELECT i.indrelid, c.relname, array_agg(DISTINCT d.refobjsubid::int2), bool_or(i.indisunique OR i.indisexclusion), false
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
     WHERE i.indisunique OR i.indisexclusion OR i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
     GROUP BY 1, 2
    UNION ALL
    SELECT a.attrelid, a.attname, array_agg(DISTINCT d.refobjsubid::int2), false, true
      FROM pg_attribute a JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
      JOIN pg_depend d ON (d.classid, d.objid, d.objsubid)
                          IN (('pg_attrdef'::regclass, f.oid, 0), ('pg_class'::regclass, a.attrelid, a.attnum))
                      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid > 0
     WHERE a.attgenerated <> ''
     GROUP BY 1, 2
     ORDER BY 1, 2";

/// One with PERIOD (18) leads to whatever rows cover the time between them, not to one row.
pub(super) fn foreign_keys(server_version: u32) -> String {
    let period = if server_version >= 180_000 { "conperiod" } else { "false" };
    format!(
        "SELECT conrelid, conkey, confrelid, confkey, confdeltype::text, confupdtype::text,
                convalidated AND NOT condeferrable AND NOT {period}
           FROM pg_constraint WHERE contype = 'f' ORDER BY conrelid, conname"
    )
}

/// `tgtype`: 4 INSERT, 8 DELETE, 16 UPDATE, 32 TRUNCATE.
pub(super) const TRIGGERS: &str = "
    SELECT t.tgrelid, t.tgname, n.nspname, p.proname, t.tgtype,
           n.nspname = 'pg_catalog' OR EXISTS (
               SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
      FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' ORDER BY t.tgrelid, t.tgname";

/// Functions, and those of operators, that are neither built in nor an extension's: in defaults, also those of domains, in
/// constraints, indexes and partition keys. Objects of an extension are the
/// extension's own affair.
pub(super) const CALLS: &str = "
    WITH called AS (
        SELECT d.classid, d.objid, d.objsubid, coalesce(p.oid, o.oprcode::oid) AS function
          FROM pg_depend d
          LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
          LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
         WHERE d.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_class'::regclass, 'pg_type'::regclass)
           AND (p.oid IS NOT NULL OR o.oid IS NOT NULL)
    ), used AS (
        SELECT f.adrelid AS relation, a.attname AS by,
               CASE WHEN a.attgenerated = '' THEN a.attnum END AS number, c.function
          FROM called c JOIN pg_attrdef f ON c.classid = 'pg_attrdef'::regclass AND f.oid = c.objid
          JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
        UNION ALL
        SELECT a.attrelid, a.attname, CASE WHEN a.attgenerated = '' THEN a.attnum END, c.function
          FROM called c JOIN pg_attribute a
               ON c.classid = 'pg_class'::regclass AND c.objsubid > 0 AND a.attrelid = c.objid AND a.attnum = c.objsubid
        UNION ALL
        SELECT k.conrelid, k.conname, NULL, c.function
          FROM called c JOIN pg_constraint k ON c.classid = 'pg_constraint'::regclass AND k.oid = c.objid
         WHERE k.conrelid <> 0
        UNION ALL
        SELECT i.indrelid, r.relname, NULL, c.function
          FROM called c JOIN pg_index i ON c.classid = 'pg_class'::regclass AND i.indexrelid = c.objid
          JOIN pg_class r ON r.oid = i.indexrelid
        UNION ALL
        SELECT t.relid, k.relname, NULL, c.function
          FROM called c JOIN pg_partitioned_table p ON c.classid = 'pg_class'::regclass AND p.partrelid = c.objid
          JOIN pg_class k ON k.oid = p.partrelid, LATERAL pg_partition_tree(p.partrelid) t
        UNION ALL
        SELECT a.attrelid, a.attname, a.attnum, c.function
          FROM called c JOIN pg_type t ON c.classid = 'pg_type'::regclass AND t.oid = c.objid AND t.typdefaultbin IS NOT NULL
          JOIN pg_attribute a ON a.atttypid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.atthasdef
    )
    SELECT u.relation, u.by, u.number, n.nspname, p.proname
      FROM used u JOIN pg_proc p ON p.oid = u.function JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname <> 'pg_catalog'
       AND NOT EXISTS (SELECT FROM pg_depend e
                        WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
     ORDER BY 1, 2, 4, 5";

pub(super) fn read(answers: &Answers, names: &mut Names) -> Result<Written, Unreadable> {
    let mut written = Written::default();
    for row in answers.of(Topic::Ties) {
        let tie = Tie {
            name: names.get(row.text(1)?),
            columns: numbers(&row, 2)?,
            compares: row.truth(3)?,
            computes: row.truth(4)?,
        };
        written.ties.entry(row.number(0)?).or_default().push(tie);
    }
    for row in answers.of(Topic::ForeignKeys) {
        written.foreign_keys.entry(row.number(0)?).or_default().push(ForeignKey {
            columns: numbers(&row, 1)?,
            references: row.number(2)?,
            referenced: numbers(&row, 3)?,
            on_delete: action(row.text(4)?),
            on_update: action(row.text(5)?),
            valid: row.truth(6)?,
        });
    }
    for row in answers.of(Topic::Triggers) {
        let kind: i16 = row.number(4)?;
        let function: (Arc<str>, Arc<str>) = (names.get(row.text(2)?), names.get(row.text(3)?));
        written.triggers.entry(row.number(0)?).or_default().push(Trigger {
            name: names.get(row.text(1)?),
            function,
            extension: row.truth(5)?,
            on_insert: kind & 4 != 0,
            on_delete: kind & 8 != 0,
            on_update: kind & 16 != 0,
            on_truncate: kind & 32 != 0,
        });
    }
    for row in answers.of(Topic::Calls) {
        written.calls.entry(row.number(0)?).or_default().push(Call {
            by: names.get(row.text(1)?),
            column: row.number_if_any(2)?.map(AttNum),
            function: (names.get(row.text(3)?), names.get(row.text(4)?)),
        });
    }
    Ok(written)
}

/// Numbers of columns. There always are some.
fn numbers(row: &Row<'_>, at: usize) -> Result<Vec<AttNum>, Unreadable> {
    row.text(at)?;
    Ok(row.numbers(at)?.into_iter().map(AttNum).collect())
}

fn action(kind: &str) -> ReferentialAction {
    match kind {
        "c" => ReferentialAction::Cascade,
        "n" | "d" => ReferentialAction::Set,
        _no_action_or_restrict => ReferentialAction::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use super::foreign_keys;

    #[test]
    fn keys_with_periods_lead_to_no_one_row() {
        assert!(foreign_keys(180_000).contains("AND NOT conperiod"));
        assert!(!foreign_keys(170_010).contains("conperiod"));
    }
}
