//! Reads functions, operators, casts, types and sequences, with what they run and what they are made of.

use super::answer::{Row, Unreadable};
use super::{Answers, Names, Topic};
use crate::catalog::{
    Body, CastInfo, CastMethod, FIRST_USER_OID, Function, FunctionKind, Operator, OutColumn, SequenceUser, Snapshot,
    TypeInfo, TypeKind,
};
use crate::vocab::{AttNum, Oid};
use std::sync::Arc;

/// The extension that owns an object: a join, given the catalog and the column with the object's number.
fn owner(catalog: &str, oid: &str) -> String {
    format!(
        "LEFT JOIN pg_depend e ON e.classid = '{catalog}'::regclass AND e.objid = {oid} AND e.objsubid = 0
                AND e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e'
         LEFT JOIN pg_extension x ON x.oid = e.refobjid"
    )
}

/// Bodies are read only of functions that are written in SQL and belong to no extension. `prosqlbody` came with 14.
pub(super) fn functions(server_version: u32, since: Oid) -> String {
    let parsed = if server_version >= 140_000 { "pg_get_function_sqlbody(p.oid)" } else { "NULL::text" };
    let own = format!("p.oid >= {FIRST_USER_OID} AND x.oid IS NULL");
    let readable = format!("{own} AND l.lanname IN ('sql', 'internal')");
    format!(
        "SELECT n.nspname, p.proname, p.prokind::text,
                CASE WHEN p.provariadic <> 0 THEN -1 ELSE p.pronargs END::int2,
                p.proretset, p.prorettype, x.extname, p.proallargtypes, p.proargmodes::text[], p.proargnames,
                p.oid, p.pronargdefaults, p.proargtypes::oid[],
                CASE WHEN p.oid >= {FIRST_USER_OID} THEN pg_catalog.oidvectortypes(p.proargtypes) ELSE '' END,
                t.typtype = 'c', CASE WHEN {readable} THEN p.prosrc END, CASE WHEN {readable} THEN {parsed} END,
                p.proconfig,
                CASE WHEN p.oid >= {FIRST_USER_OID} THEN
                    (SELECT ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
                                  a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]::oid[]
                       FROM pg_aggregate a WHERE a.aggfnoid = p.oid)
                END,
                l.lanname = 'internal', CASE WHEN {own} THEN pg_catalog.pg_get_expr(p.proargdefaults, 0) END,
                CASE WHEN {own} AND p.prokind <> 'a' THEN
                    encode(sha256(convert_to(pg_catalog.pg_get_functiondef(p.oid), 'UTF8')), 'hex')
                END, p.provolatile = 'v'
           FROM pg_proc p
           JOIN pg_namespace n ON n.oid = p.pronamespace
           JOIN pg_language l ON l.oid = p.prolang
           JOIN pg_type t ON t.oid = p.prorettype
           {}
          WHERE p.oid >= {since}
          ORDER BY p.oid",
        owner("pg_proc", "p.oid")
    )
}

pub(super) fn operators() -> String {
    format!(
        "SELECT n.nspname, o.oprname, o.oprleft, o.oprright, o.oprcode::oid, x.extname
           FROM pg_operator o
           JOIN pg_namespace n ON n.oid = o.oprnamespace
           {}
          ORDER BY o.oid",
        owner("pg_operator", "o.oid")
    )
}

pub(super) fn casts() -> String {
    format!(
        "SELECT k.castsource, k.casttarget, t.typname, k.castcontext <> 'e', k.castfunc, x.extname,
                k.castmethod::text
           FROM pg_cast k
           JOIN pg_type t ON t.oid = k.casttarget
           {}
          WHERE k.oid >= {FIRST_USER_OID} OR k.castfunc >= {FIRST_USER_OID}
          ORDER BY k.oid",
        owner("pg_cast", "k.oid")
    )
}

/// A domain's parts are its base, a range's its subtype and its multirange, a multirange's its range, a row's its columns.
/// A range compares by the first support function of its operator class. Multiranges came with 14. The rows of
/// temporary tables are types, too, which others have nothing to do with.
pub(super) fn types(server_version: u32, since: Oid) -> String {
    let multirange = if server_version >= 140_000 { "r.rngmultitypid" } else { "0::oid" };
    format!(
        "SELECT t.oid, n.nspname, t.typname, t.typtype::text, t.typarray, x.extname,
                CASE t.typtype
                     WHEN 'd' THEN ARRAY[t.typbasetype]
                     WHEN 'c' THEN ARRAY(SELECT a.atttypid FROM pg_attribute a
                                          WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
                                          ORDER BY a.attnum)
                     ELSE ARRAY(SELECT CASE t.oid WHEN r.rngtypid THEN p.oid ELSE r.rngtypid END
                                  FROM pg_range r CROSS JOIN LATERAL unnest(ARRAY[r.rngsubtype, {multirange}]) AS p(oid)
                                 WHERE (r.rngtypid = t.oid AND p.oid <> 0) OR ({multirange} = t.oid AND p.oid = t.oid))
                END,
                ARRAY(SELECT f FROM (
                      SELECT unnest(ARRAY[t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout]::oid[])
                      UNION
                      SELECT unnest(ARRAY[r.rngcanonical, r.rngsubdiff]::oid[]) FROM pg_range r WHERE r.rngtypid = t.oid
                      UNION
                      SELECT s.amproc::oid FROM pg_range r
                        JOIN pg_opclass o ON o.oid = r.rngsubopc
                        JOIN pg_amproc s ON s.amprocfamily = o.opcfamily AND s.amproclefttype = o.opcintype
                       WHERE r.rngtypid = t.oid
                ) AS run(f) WHERE f >= {FIRST_USER_OID} ORDER BY f),
                ARRAY(SELECT pg_catalog.pg_get_expr(k.conbin, 0) FROM pg_constraint k
                       WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.oid),
                ARRAY(SELECT a.attname FROM pg_attribute a
                       WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped AND t.typtype = 'c'
                       ORDER BY a.attnum)
           FROM pg_type t
           JOIN pg_namespace n ON n.oid = t.typnamespace
           {}
          WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast') AND n.nspname !~ '^pg_(toast_)?temp_' AND t.oid >= {since}
            AND NOT EXISTS (SELECT FROM pg_type b WHERE b.typarray = t.oid)
          ORDER BY t.oid",
        owner("pg_type", "t.oid")
    )
}

/// A sequence belongs to a column (`serial`, `OWNED BY`, `GENERATED AS IDENTITY`), or a default calls it.
pub(super) const SEQUENCE_USERS: &str = "
    SELECT d.objid, d.refobjid, d.refobjsubid::int2
      FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' AND c.relpersistence <> 't'
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
       AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
    UNION
    SELECT d.refobjid, f.adrelid, f.adnum
      FROM pg_depend d JOIN pg_class c ON c.oid = d.refobjid AND c.relkind = 'S' AND c.relpersistence <> 't'
      JOIN pg_attrdef f ON f.oid = d.objid
     WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
     ORDER BY 1, 2, 3";

/// Adds what this module reads.
pub(super) fn read(answers: &Answers, snapshot: &mut Snapshot, names: &mut Names) -> Result<(), Unreadable> {
    for row in answers.of(Topic::Functions) {
        snapshot.functions.push(function(&row, names)?);
    }
    for row in answers.of(Topic::Operators) {
        let schema = row.text(0)?;
        let operators = if schema == "pg_catalog" { &mut snapshot.own_operators } else { &mut snapshot.operators };
        operators.push(Operator {
            schema: names.get(schema),
            name: names.get(row.text(1)?),
            left: row.number(2)?,
            right: row.number(3)?,
            function: row.number(4)?,
            extension: extension(&row, 5, names)?,
        });
    }
    for row in answers.of(Topic::Casts) {
        snapshot.casts.push(CastInfo {
            source: row.number(0)?,
            target: row.number(1)?,
            target_name: names.get(row.text(2)?),
            implicit: row.truth(3)?,
            function: row.number(4)?,
            method: match row.text(6)? {
                "b" => CastMethod::Binary,
                "i" => CastMethod::Text,
                _ => CastMethod::Function,
            },
            extension: extension(&row, 5, names)?,
        });
    }
    for row in answers.of(Topic::Types) {
        snapshot.types.push(TypeInfo {
            oid: row.number(0)?,
            schema: names.get(row.text(1)?),
            name: names.get(row.text(2)?),
            kind: type_kind(row.text(3)?),
            array: row.number(4)?,
            parts: row.numbers(6)?.into(),
            functions: row.numbers(7)?.into(),
            names: row.texts(9)?.iter().map(|name| names.get(name)).collect(),
            checks: row.texts(8)?.into_iter().map(Arc::from).collect(),
            extension: extension(&row, 5, names)?,
        });
    }
    for row in answers.of(Topic::SequenceUsers) {
        snapshot.sequence_users.push(SequenceUser {
            sequence: row.number(0)?,
            table: row.number(1)?,
            column: AttNum(row.number(2)?),
        });
    }
    Ok(())
}

fn extension(row: &Row<'_>, at: usize, names: &mut Names) -> Result<Option<Arc<str>>, Unreadable> {
    Ok(row.cell(at)?.map(|name| names.get(name)))
}

fn type_kind(kind: &str) -> TypeKind {
    match kind {
        "c" => TypeKind::Composite,
        "d" => TypeKind::Domain,
        "e" => TypeKind::Enum,
        "r" => TypeKind::Range,
        "m" => TypeKind::Multirange,
        "p" => TypeKind::Pseudo,
        _ => TypeKind::Base,
    }
}

fn function(row: &Row<'_>, names: &mut Names) -> Result<Function, Unreadable> {
    let types: Vec<Oid> = row.numbers(7)?;
    let modes = row.texts(8)?;
    let all_names = row.texts(9)?;
    let mut out = Vec::new();
    // OUT, INOUT and TABLE arguments are the columns of the result.
    for (at, (type_oid, mode)) in types.iter().zip(&modes).enumerate() {
        if matches!(&**mode, "o" | "b" | "t") {
            let name = all_names.get(at).map_or("", |name| &**name);
            let name = if name.is_empty() { format!("column{}", out.len() + 1) } else { name.to_owned() };
            out.push(OutColumn { name: names.get(&name), type_oid: *type_oid });
        }
    }
    let is_input = |at: usize| modes.get(at).is_none_or(|mode| matches!(&**mode, "i" | "b" | "v"));
    let inputs = all_names.iter().enumerate().filter(|(at, _)| is_input(*at));
    let argument_names = inputs.map(|(_, name)| names.get(name)).collect();
    let internal = row.truth(19)?;
    let body = match (row.cell(16)?, row.cell(15)?) {
        (Some(parsed), _) => Body::Parsed(parsed.into()),
        (None, Some(text)) if internal => Body::Internal(text.into()),
        (None, Some(text)) => Body::Text(text.into()),
        (None, None) => Body::Unreadable,
    };
    Ok(Function {
        oid: row.number(10)?,
        schema: names.get(row.text(0)?),
        name: names.get(row.text(1)?),
        kind: match row.text(2)? {
            "p" => FunctionKind::Procedure,
            "a" => FunctionKind::Aggregate,
            "w" => FunctionKind::Window,
            _ => FunctionKind::Function,
        },
        arguments: row.number(3)?,
        defaults: row.number(11)?,
        default_values: row.cell(20)?.map(Arc::from),
        argument_types: row.numbers(12)?.into(),
        argument_names,
        signature: names.get(row.text(13)?),
        set: row.truth(4)?,
        volatile: row.truth(22)?,
        out,
        returns: row.number(5)?,
        returns_row: row.truth(14)?,
        extension: extension(row, 6, names)?,
        body,
        settings: row.texts(17)?.into_iter().map(Arc::from).collect(),
        parts: row.numbers(18)?.into_iter().filter(|part| *part != 0).collect(),
        digest: row.cell(21)?.map(Arc::from),
    })
}
