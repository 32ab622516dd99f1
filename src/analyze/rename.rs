//! New names for what is there, and new schemas; ALTER SEQUENCE.

use super::alter::IfMissing;
use super::definition::{Definition, Touch};
use super::label::SequenceUse;
use super::resolver::{Outcome, Resolver, not_understood, unresolved};
use super::{Trouble, define};
use crate::catalog::{
    Body, FIRST_USER_OID, Function, Relation, RelationKind, Step, TypeInfo, TypeKind, truncate_identifier,
};
use crate::sql::string;
use crate::vocab::SqlState;
use pg_query::NodeEnum;
use pg_query::protobuf::{AlterObjectSchemaStmt, AlterSeqStmt, Node, ObjectType, RangeVar, RenameStmt};
use std::sync::Arc;

impl<'a> Resolver<'a> {
    pub(super) fn rename(&mut self, rename: &mut RenameStmt, definition: &mut Definition) -> Outcome<()> {
        let RenameStmt { rename_type, relation_type: _, relation, object, subname, newname, behavior: _, missing_ok } =
            rename;
        let Ok(kind) = ObjectType::try_from(*rename_type) else { return not_understood("RENAME", -1) };
        match (kind, relation) {
            (ObjectType::ObjectTable | ObjectType::ObjectIndex | ObjectType::ObjectSequence, Some(range)) => {
                // An index goes by no rule of a policy. Under that word the server renames tables too: those that are known, and
                // those that somebody brings under the name before it is done.
                let at = u32::try_from(range.location).ok();
                let relation = match self.renamed(range, IfMissing::from(*missing_ok)) {
                    Err(Trouble::Unresolved(_)) if kind == ObjectType::ObjectIndex && !*missing_ok => None,
                    other => Some(other?),
                };
                let Some(relation) = relation else {
                    definition.touches.push((Touch::Name(newname.as_str().into()), at));
                    return Ok(());
                };
                self.renamed_to(relation, Arc::clone(&relation.schema), newname.as_str().into(), at, definition)
            }
            (ObjectType::ObjectColumn, Some(range)) => {
                let at = u32::try_from(range.location).ok();
                let relation = self.renamed(range, IfMissing::from(*missing_ok))?;
                if !matches!(relation.kind, RelationKind::Table | RelationKind::PartitionedTable) {
                    return not_understood(format!("RENAME of a column of a {}", relation.kind.word()), range.location);
                }
                let Some(column) = relation.columns.iter().find(|column| *column.name == **subname) else {
                    let message = format!("column \"{subname}\" does not exist");
                    return unresolved(SqlState::UNDEFINED_COLUMN, message, -1);
                };
                let (column, name) = (Arc::clone(&column.name), Arc::<str>::from(newname.as_str()));
                if relation.columns.iter().any(|known| known.name == name) {
                    let message = format!("column \"{name}\" of relation \"{}\" already exists", relation.name);
                    return unresolved(SqlState("42701"), message, -1);
                }
                for name in [&column, &name] {
                    definition.touches.push((Touch::Column(relation.oid, Arc::clone(name)), at));
                }
                definition.steps.push(Step::ColumnRenamed { relation: relation.oid, column, name });
                Ok(())
            }
            // What a constraint is called says nothing.
            (ObjectType::ObjectTabconstraint, Some(range)) => {
                self.renamed(range, IfMissing::from(*missing_ok)).map(|_| ())
            }
            (ObjectType::ObjectType, None) => {
                let names = match object.as_ref().and_then(|object| object.node.as_ref()) {
                    Some(NodeEnum::List(list)) => list.items.iter().filter_map(string).collect::<Vec<&str>>(),
                    Some(_) | None => return not_understood("a type's name", -1),
                };
                let types = self.types_of(&names)?;
                if types.is_empty() || !types.iter().all(|info| info.kind == TypeKind::Enum) {
                    return not_understood("another name for a type that is no enum", -1);
                }
                // A policy names functions by the types that they take.
                types.into_iter().try_for_each(|info| self.taken_by_none(Some(info)))?;
                definition.touches.extend(names.last().map(|word| (Touch::Word((*word).into()), None)));
                super::define_type::called_anew(newname, definition)
            }
            (_other, _) => not_understood("RENAME of such an object", -1),
        }
    }

    /// A relation that is renamed.
    fn renamed(&mut self, range: &mut RangeVar, if_missing: IfMissing) -> Outcome<&'a Relation> {
        let at = range.location;
        let relation = self.there(range, if_missing)?;
        self.names(relation, at)?;
        Ok(relation)
    }

    fn renamed_to(
        &mut self,
        relation: &'a Relation,
        schema: Arc<str>,
        name: Arc<str>,
        at: Option<u32>,
        definition: &mut Definition,
    ) -> Outcome<()> {
        match relation.kind {
            RelationKind::Table | RelationKind::PartitionedTable => {}
            // Its numbers are told by its name.
            RelationKind::Sequence => self.sequences.push(SequenceUse { sequence: Some(relation.oid), at }),
            // What a view shows goes by its definition, not by its name: no rule would see that it is another.
            RelationKind::View | RelationKind::MaterializedView | RelationKind::ForeignTable => {
                return not_understood(format!("another name for a {}", relation.kind.word()), -1);
            }
        }
        if self.context.catalog.relation_in(&schema, &name).is_some() {
            return unresolved(SqlState("42P07"), format!("relation \"{name}\" already exists"), -1);
        }
        let rows = self.context.catalog.types(&relation.name).find(|info| info.schema == relation.schema);
        self.taken_by_none(rows)?;
        definition.fresh = Some((Arc::clone(&schema), Arc::clone(&name)));
        definition.touches.push((Touch::Rows(relation.oid), at));
        definition.steps.push(Step::Renamed { relation: relation.oid, schema, name });
        Ok(())
    }

    pub(super) fn set_schema(&mut self, alter: &mut AlterObjectSchemaStmt, definition: &mut Definition) -> Outcome<()> {
        let AlterObjectSchemaStmt { object_type, relation, object: _, newschema, missing_ok } = alter;
        let schema: Arc<str> = truncate_identifier(newschema).into();
        let there = self.context.catalog.snapshot().schemas.iter().any(|known| **known == *schema);
        if !there || schema.starts_with("pg_") || &*schema == "information_schema" {
            return not_understood(format!("SET SCHEMA {schema}"), -1);
        }
        match (ObjectType::try_from(*object_type), relation) {
            (Ok(ObjectType::ObjectTable | ObjectType::ObjectSequence), Some(range)) => {
                let at = u32::try_from(range.location).ok();
                let relation = self.renamed(range, IfMissing::from(*missing_ok))?;
                self.renamed_to(relation, schema, Arc::clone(&relation.name), at, definition)
            }
            (Ok(_) | Err(_), _) => not_understood("SET SCHEMA of such an object", -1),
        }
    }

    /// Types that a statement may mean by these names.
    pub(super) fn types_of(&self, names: &[&str]) -> Outcome<Vec<&'a TypeInfo>> {
        match names {
            [name] => Ok(self.types_in_sight(None, name)),
            [schema, name] => Ok(self.types_in_sight(Some(schema), name)),
            _other => not_understood(format!("type {}", names.join(".")), -1),
        }
    }

    fn taken_by_none(&self, info: Option<&TypeInfo>) -> Outcome<()> {
        let Some(info) = info else { return Ok(()) };
        let takes = |oid: &u32| *oid == info.oid || (*oid == info.array && info.array != 0);
        let functions = &self.context.catalog.snapshot().functions;
        match functions.iter().find(|function| !is_of_type(function) && function.argument_types.iter().any(takes)) {
            Some(function) => {
                not_understood(format!("another name for a type that function {} takes", function.name), -1)
            }
            None => Ok(()),
        }
    }

    pub(super) fn alter_sequence(&mut self, alter: &mut AlterSeqStmt) -> Outcome<()> {
        let AlterSeqStmt { sequence, options, for_identity: _, missing_ok } = alter;
        let Some(range) = sequence else { return not_understood("ALTER SEQUENCE", -1) };
        let at = range.location;
        let sequence = self.renamed(range, IfMissing::from(*missing_ok))?;
        if sequence.kind != RelationKind::Sequence {
            let message = format!("\"{}\" is not a sequence", sequence.name);
            return unresolved(SqlState::WRONG_OBJECT_TYPE, message, at);
        }
        // Its limits are held against the number that it has reached.
        self.sequences.push(SequenceUse { sequence: Some(sequence.oid), at: u32::try_from(at).ok() });
        match options.iter_mut().find(|option| define::is_option(option, "owned_by")) {
            Some(option) => self.owned_by(option, sequence, at),
            None => Ok(()),
        }
    }

    /// Who sees a sequence's numbers is known by the columns that it numbers: it must be one of them already.
    fn owned_by(&mut self, option: &mut Node, sequence: &Relation, at: i32) -> Outcome<()> {
        let other = || not_understood("a sequence OWNED BY a column that it does not number", at);
        let Some(NodeEnum::DefElem(option)) = &mut option.node else { return other() };
        let Some(Some(NodeEnum::List(list))) = option.arg.as_mut().map(|arg| &mut arg.node) else { return other() };
        let names: Vec<String> = list.items.iter().filter_map(string).map(str::to_owned).collect();
        let (schema, table, column) = match names.as_slice() {
            [table, column] => ("", table, column),
            [schema, table, column] => (schema.as_str(), table, column),
            _none => return other(),
        };
        let table = self.find_relation(schema, table, at)?;
        let number = table.columns.iter().find(|known| *known.name == **column).map(|column| column.number);
        let users = &self.context.catalog.snapshot().sequence_users;
        let numbers = users
            .iter()
            .any(|user| user.sequence == sequence.oid && user.table == table.oid && Some(user.column) == number);
        if !numbers {
            return other();
        }
        let written = [&table.schema, &table.name].map(|name| super::columns::text_node(name));
        let column = super::columns::text_node(column);
        list.items = written.into_iter().chain([column]).collect();
        Ok(())
    }
}

/// Whether a function is the server's own, or made with a type: a range's constructors are the server's under other names.
pub(super) fn is_of_type(function: &Function) -> bool {
    function.oid < FIRST_USER_OID || matches!(function.body, Body::Internal(_))
}
