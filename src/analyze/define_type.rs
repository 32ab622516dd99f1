//! CREATE, ALTER and DROP of types: enums, composites, ranges, domains.
//!
//! A type by itself holds nothing. What a domain is held to is evaluated over every column that has it; what an enum's value is
//! called is what every such column shows; and with a type go its columns.

use super::alter::{KEPT, users_of_type};
use super::alter_column::updated;
use super::define::bare_level;
use super::definition::{Definition, Dropped, Of, Over};
use super::known::Known;
use super::rename::{is_of_type, type_parts};
use super::resolver::{Outcome, Resolver, not_understood};
use crate::catalog::{Function, TypeInfo};
use crate::sql::string;
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AlterDomainStmt, AlterEnumStmt, CompositeTypeStmt, ConstrType, CreateDomainStmt, CreateEnumStmt, CreateRangeStmt,
    DefElem, DropBehavior, DropStmt, Node,
};
use std::sync::Arc;

/// What a range may be given: nothing that runs.
const OF_RANGES: [&str; 3] = ["subtype", "collation", "multirange_type_name"];

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
            NodeEnum::CreateEnumStmt(CreateEnumStmt { type_name, vals: _ }) => self.new_type(type_name)?,
            NodeEnum::CreateRangeStmt(CreateRangeStmt { type_name, params }) => {
                self.new_type(type_name)?;
                for param in params {
                    let Some(NodeEnum::DefElem(option)) = &mut param.node else {
                        return not_understood("CREATE TYPE", -1);
                    };
                    let DefElem { defnamespace: _, defname, arg, defaction: _, location, arg_location: _ } =
                        &mut **option;
                    if !OF_RANGES.contains(&defname.as_str()) {
                        return not_understood(format!("a range with {defname}"), *location);
                    }
                    if let Some(Some(NodeEnum::TypeName(name))) = arg.as_mut().map(|arg| &mut arg.node)
                        && defname == "subtype"
                    {
                        self.type_name(name, Known::Untyped, *location)?;
                    }
                }
            }
            NodeEnum::AlterEnumStmt(alter) => self.alter_enum(alter, definition)?,
            NodeEnum::CreateDomainStmt(create) => self.create_domain(create)?,
            NodeEnum::AlterDomainStmt(alter) => self.alter_domain(alter, definition)?,
            _no_type => return Ok(false),
        }
        Ok(true)
    }

    /// The name of a new type, with its schema written out.
    fn new_type(&self, names: &mut Vec<Node>) -> Outcome<()> {
        let parts: Vec<String> = names.iter().filter_map(string).map(str::to_owned).collect();
        let (schema, name) = match parts.as_slice() {
            [name] => (None, name),
            [schema, name] => (Some(schema.as_str()), name),
            _other => return not_understood(format!("type {}", parts.join(".")), -1),
        };
        let schema = self.schema_of_new(schema, -1)?;
        *names = [schema.as_str(), name].map(super::columns::text_node).into();
        Ok(())
    }

    /// `VALUE` stands for what is held against a condition.
    fn of_domain(&mut self, constraint: &mut Node) -> Outcome<()> {
        let Some(NodeEnum::Constraint(constraint)) = &mut constraint.node else {
            return not_understood("such a constraint", -1);
        };
        match ConstrType::try_from(constraint.contype) {
            Ok(
                ConstrType::ConstrNull
                | ConstrType::ConstrNotnull
                | ConstrType::ConstrDefault
                | ConstrType::ConstrCheck,
            ) => {}
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

    fn create_domain(&mut self, create: &mut CreateDomainStmt) -> Outcome<()> {
        let CreateDomainStmt { domainname, type_name, coll_clause: _, constraints } = create;
        self.new_type(domainname)?;
        if let Some(name) = type_name {
            self.type_name(name, Known::Untyped, -1)?;
        }
        constraints.iter_mut().try_for_each(|constraint| self.of_domain(constraint))
    }

    fn alter_domain(&mut self, alter: &mut AlterDomainStmt, definition: &mut Definition) -> Outcome<()> {
        let AlterDomainStmt { subtype, type_name, name: _, def, behavior: _, missing_ok: _ } = alter;
        let parts: Vec<String> = type_name.iter().filter_map(string).map(str::to_owned).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let domains = self.types_of(&parts)?;
        match subtype.as_str() {
            // DROP NOT NULL, DROP CONSTRAINT.
            "N" | "X" => Ok(()),
            "T" => {
                // A default for every column that has none.
                for info in domains {
                    self.of_type(info, |relation, column, _| definition.undeciding.push((relation, column, None)));
                }
                match def {
                    Some(expression) => self.expression(expression, KEPT).map(|_| ()),
                    None => Ok(()),
                }
            }
            "O" | "C" | "V" => {
                if let Some(condition) = def {
                    self.of_domain(condition)?;
                }
                for info in domains {
                    // Which of its conditions it is does not matter.
                    self.type_info_open(info, -1)?;
                    self.of_type(info, |relation, column, _| {
                        definition.over.push(Over { relation, of: Of::Columns(vec![column]), at: None });
                    });
                }
                Ok(())
            }
            _other => not_understood("ALTER DOMAIN", -1),
        }
    }

    fn alter_enum(&mut self, alter: &mut AlterEnumStmt, definition: &mut Definition) -> Outcome<()> {
        let AlterEnumStmt {
            type_name,
            old_val,
            new_val: _,
            new_val_neighbor: _,
            new_val_is_after: _,
            skip_if_new_val_exists: _,
        } = alter;
        let parts: Vec<&str> = type_name.iter().filter_map(string).collect();
        if old_val.is_empty() {
            // No row has a value that is new.
            return Ok(());
        }
        for info in self.types_of(&parts)? {
            self.of_type(info, |relation, column, index| {
                let of = Of::Columns(vec![Arc::clone(&column)]);
                definition.over.push(Over { relation, of, at: None });
                definition.undeciding.push((relation, column, None));
                definition.writes.push(updated(relation, index, -1, Vec::new()));
            });
        }
        Ok(())
    }

    /// The columns of tables that have a type, or are made of it.
    fn of_type(&self, info: &TypeInfo, mut each: impl FnMut(u32, Arc<str>, usize)) {
        for (relation, column) in users_of_type(self.context.catalog, info.oid) {
            if let Some(index) = relation.columns.iter().position(|known| known.number == column.number) {
                each(relation.oid, Arc::clone(&column.name), index);
            }
        }
    }

    pub(super) fn drop_types(&mut self, drop: &mut DropStmt, definition: &mut Definition) -> Outcome<()> {
        let DropStmt { objects, remove_type: _, behavior, missing_ok: _, concurrent: _ } = drop;
        if *behavior != DropBehavior::DropCascade as i32 {
            return Ok(());
        }
        for object in objects.iter() {
            let Some(NodeEnum::TypeName(name)) = &object.node else { return not_understood("a name in DROP", -1) };
            for info in self.types_of(&type_parts(name))? {
                let is = |oid: u32| oid == info.oid || (oid == info.array && info.array != 0);
                let functions = &self.context.catalog.snapshot().functions;
                let mut users = functions.iter().filter(|function| !is_of_type(function));
                let takes = |function: &&Function| function.argument_types.iter().any(|oid| is(*oid));
                if let Some(function) = users.find(|function| takes(function) || is(function.returns)) {
                    return not_understood(format!("DROP TYPE with function {}", function.name), -1);
                }
                self.of_type(info, |relation, column, _| {
                    definition.dropped.push(Dropped { relation, columns: Some(vec![column]), at: None });
                });
            }
        }
        Ok(())
    }
}
