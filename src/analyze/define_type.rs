//! CREATE and ALTER of types: enums, composites, domains.
//!
//! A type by itself holds nothing. What an enum's value is called is what every such column shows.

use super::alter::{KEPT, users_of_type};
use super::define::bare_level;
use super::definition::{Definition, Of, Over, Touch};
use super::known::Known;
use super::resolver::{Outcome, Resolver, not_understood};
use crate::catalog::TypeInfo;
use crate::sql::string;
use pg_query::NodeEnum;
use pg_query::protobuf::{AlterEnumStmt, CompositeTypeStmt, ConstrType, CreateDomainStmt, CreateEnumStmt, Node};
use std::sync::Arc;

/// Types of the server's own. Texts of functions mean by these what stands first in the session's path.
const BUILT_IN: [&str; 79] = [
    "bit",
    "bool",
    "box",
    "bpchar",
    "bytea",
    "char",
    "cid",
    "cidr",
    "circle",
    "date",
    "datemultirange",
    "daterange",
    "float4",
    "float8",
    "inet",
    "int2",
    "int2vector",
    "int4",
    "int4multirange",
    "int4range",
    "int8",
    "int8multirange",
    "int8range",
    "interval",
    "json",
    "jsonb",
    "jsonpath",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "numeric",
    "nummultirange",
    "numrange",
    "oid",
    "oid8",
    "oidvector",
    "path",
    "pg_lsn",
    "pg_snapshot",
    "point",
    "polygon",
    "record",
    "refcursor",
    "regclass",
    "regcollation",
    "regconfig",
    "regdatabase",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
    "text",
    "tid",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "tsmultirange",
    "tsquery",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "tsvector",
    "txid_snapshot",
    "unknown",
    "uuid",
    "varbit",
    "varchar",
    "void",
    "xid",
    "xid8",
    "xml",
];

impl<'a> Resolver<'a> {
    /// Resolves what makes or alters a type; false if it does neither.
    pub(super) fn type_definition(&mut self, node: &mut NodeEnum, definition: &mut Definition) -> Outcome<bool> {
        match node {
            NodeEnum::CompositeTypeStmt(CompositeTypeStmt { typevar, coldeflist }) => {
                let Some(range) = typevar else { return not_understood("CREATE TYPE", -1) };
                self.new_name(range, definition)?;
                for column in coldeflist {
                    let Some(NodeEnum::ColumnDef(column)) = &mut column.node else {
                        return not_understood("CREATE TYPE", -1);
                    };
                    let at = column.location;
                    if column.raw_default.is_some() || !column.constraints.is_empty() {
                        return not_understood("a column definition", at);
                    }
                    if let Some(name) = &mut column.type_name {
                        self.type_name(name, Known::Untyped, at)?;
                    }
                }
            }
            NodeEnum::CreateEnumStmt(CreateEnumStmt { type_name, vals: _ }) => self.new_type(type_name, definition)?,
            NodeEnum::AlterEnumStmt(alter) => self.alter_enum(alter, definition)?,
            NodeEnum::CreateDomainStmt(create) => self.create_domain(create, definition)?,
            _no_type => return Ok(false),
        }
        Ok(true)
    }

    /// The name of a new type, with its schema written out.
    fn new_type(&self, names: &mut Vec<Node>, definition: &mut Definition) -> Outcome<()> {
        let parts: Vec<String> = names.iter().filter_map(string).map(str::to_owned).collect();
        let (schema, name) = match parts.as_slice() {
            [name] => (None, name),
            [schema, name] => (Some(schema.as_str()), name),
            _other => return not_understood(format!("type {}", parts.join(".")), -1),
        };
        let schema = self.schema_of_new(schema, -1)?;
        called_anew(name, definition)?;
        *names = [schema.as_str(), name].map(super::columns::text_node).into();
        Ok(())
    }

    /// `VALUE` stands for what is held against a condition.
    fn of_domain(&mut self, constraint: &mut Node) -> Outcome<()> {
        let Some(NodeEnum::Constraint(constraint)) = &mut constraint.node else {
            return not_understood("such a constraint", -1);
        };
        match ConstrType::try_from(constraint.contype) {
            Ok(ConstrType::ConstrNull | ConstrType::ConstrNotnull | ConstrType::ConstrCheck) => {}
            Ok(ConstrType::ConstrDefault) => {
                if !constraint.raw_expr.as_ref().is_some_and(|value| self.is_even(value)) {
                    return not_understood("a domain's default that is more than a constant", constraint.location);
                }
            }
            Ok(_) | Err(_) => return not_understood("such a constraint", constraint.location),
        }
        let Some(expression) = &mut constraint.raw_expr else { return Ok(()) };
        // It stays as it is written: `VALUE` is a word there, not a column.
        let mut copy = expression.clone();
        self.levels.push(bare_level("", [Arc::from("value")].into_iter()));
        let resolved = self.expression(&mut copy, KEPT);
        self.levels.pop();
        resolved.map(|_| ())
    }

    fn create_domain(&mut self, create: &mut CreateDomainStmt, definition: &mut Definition) -> Outcome<()> {
        let CreateDomainStmt { domainname, type_name, coll_clause: _, constraints } = create;
        self.new_type(domainname, definition)?;
        if let Some(name) = type_name {
            self.type_name(name, Known::Untyped, -1)?;
        }
        constraints.iter_mut().try_for_each(|constraint| self.of_domain(constraint))
    }

    fn alter_enum(&mut self, alter: &mut AlterEnumStmt, definition: &mut Definition) -> Outcome<()> {
        let AlterEnumStmt {
            type_name,
            old_val,
            new_val,
            new_val_neighbor: _,
            new_val_is_after: _,
            skip_if_new_val_exists: _,
        } = alter;
        let parts: Vec<&str> = type_name.iter().filter_map(string).collect();
        if old_val.is_empty() {
            // No row has a value that is new.
            return Ok(());
        }
        for word in [old_val, new_val] {
            definition.touches.push((Touch::Word(word.as_str().into()), None));
        }
        for info in self.types_of(&parts)? {
            self.of_type(info, |relation, column| {
                let of = Of::Columns(vec![Arc::clone(&column)]);
                definition.over.push(Over { relation, of, at: None });
                for touch in [Touch::Column, Touch::Rewritten] {
                    definition.touches.push((touch(relation, Arc::clone(&column)), None));
                }
            });
        }
        Ok(())
    }

    /// The columns of tables that have a type, or are made of it.
    fn of_type(&self, info: &TypeInfo, mut each: impl FnMut(u32, Arc<str>)) {
        for (relation, column) in users_of_type(self.context.catalog, info.oid) {
            each(relation.oid, Arc::clone(&column.name));
        }
    }
}

/// Notes that a type is called so from now on, and an array of it as the server calls arrays.
pub(super) fn called_anew(name: &str, definition: &mut Definition) -> Outcome<()> {
    if BUILT_IN.contains(&name.trim_start_matches('_')) {
        return not_understood(format!("a type that is called {name} as one of the server's own"), -1);
    }
    let words = [Arc::from(name), Arc::from(format!("_{name}"))];
    definition.touches.extend(words.map(|word| (Touch::Word(word), None)));
    Ok(())
}
