//! Reads the temporary relations of the session that asks.

use super::answer::{Answer, Unreadable};
use crate::catalog::{Column, Relation, RelationKind, TEMPORARY};
use crate::vocab::{AttNum, Oid};
use std::sync::Arc;

/// One row for each column, and one for a relation without any. A relation that is not plain (parents, rules, triggers, row
/// security), or has a column of rows or of a domain that the server evaluates anything of users for, has a null for the number of its column.
pub const TEMPORARY_RELATIONS: &str = "
    SELECT c.oid, c.relname, CASE WHEN p.plain THEN a.attnum END, a.attname, a.atttypid,
           pg_catalog.format_type(a.atttypid, a.atttypmod), coalesce(NOT l.collisdeterministic, false),
           coalesce(a.attgenerated <> '', false), p.plain
      FROM pg_class c
      CROSS JOIN LATERAL (
           SELECT c.relkind = 'r' AND NOT c.relhasrules AND NOT c.relhastriggers AND NOT c.relhassubclass
              AND NOT c.relrowsecurity AND c.reloftype = 0
              AND NOT EXISTS (SELECT FROM pg_inherits h WHERE c.oid IN (h.inhrelid, h.inhparent))
              AND NOT EXISTS (
                  SELECT FROM pg_attribute b JOIN pg_type t ON t.oid = b.atttypid LEFT JOIN pg_type e ON e.oid = t.typelem
                    LEFT JOIN pg_type d ON d.oid = t.typbasetype LEFT JOIN pg_type f ON f.oid = d.typelem
                   WHERE b.attrelid = c.oid AND b.attnum > 0 AND NOT b.attisdropped
                     AND (t.typtype IN ('c', 'p') OR e.typtype IN ('c', 'd', 'p') OR d.typtype IN ('c', 'd', 'p')
                          OR f.typtype IN ('c', 'd', 'p') OR t.typtype = 'd' AND (
                              t.typdefaultbin IS NOT NULL OR t.typnamespace = pg_catalog.pg_my_temp_schema()
                              OR EXISTS (SELECT FROM pg_constraint k JOIN pg_depend u ON u.objid = k.oid
                                          WHERE k.contypid = t.oid AND u.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
                                            AND u.refobjid >= 16384 AND u.refobjid <> t.oid))))) AS p(plain)
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_collation l ON l.oid = a.attcollation
     WHERE c.relnamespace = pg_catalog.pg_my_temp_schema() AND c.relkind NOT IN ('i', 'I')
     ORDER BY c.oid, a.attnum";

/// Plain tables, and the names of all other relations.
pub fn temporary(answer: &Answer) -> Result<(Vec<Relation>, Vec<Arc<str>>), Unreadable> {
    let (mut tables, mut others): (Vec<Relation>, Vec<Arc<str>>) = (Vec::new(), Vec::new());
    for row in answer.rows() {
        let (oid, name): (Oid, &str) = (row.number(0)?, row.text(1)?);
        if !row.truth(8)? {
            others.push(name.into());
            continue;
        }
        if tables.last().is_none_or(|table| table.oid != oid) {
            tables.push(Relation::new(oid, TEMPORARY, name, RelationKind::Table, Vec::new()));
        }
        let (Some(number), Some(table)) = (row.number_if_any(2)?, tables.last_mut()) else { continue };
        table.columns.push(Column {
            number: AttNum(number),
            name: row.text(3)?.into(),
            type_oid: row.number(4)?,
            type_sql: row.text(5)?.into(),
            // Only what cannot change without another column is told of a temporary table.
            not_null: false,
            nondeterministic: row.truth(6)?,
            generated: row.truth(7)?,
        });
    }
    Ok((tables, others))
}
