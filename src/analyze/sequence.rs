//! Sequence functions: which sequence a call asks, draws from or sets.
//!
//! Which one is known where the call names it, or the column that it belongs to (`pg_get_serial_sequence`). Otherwise the
//! server finds out when the statement runs, and it can be any.

use super::label::{Label, Outlet, SequenceUse};
use super::resolver::{Outcome, Resolver, not_understood, unresolved};
use crate::catalog::{Relation, RelationKind, is_temporary};
use crate::sql::string;
use crate::vocab::{Oid, SqlState};
use pg_query::NodeEnum;
use pg_query::protobuf::{FuncCall, Node, a_const::Val};

/// The sequences that a call can mean.
enum Meant {
    /// One of these; of none where the column has no sequence, and the result is null.
    These(Vec<Oid>),
    Any,
}

impl Resolver<'_> {
    /// Notes the sequences of a call of `nextval`, `currval`, `lastval` or `setval`; `set` is the label of a value that one
    /// is set to, which whoever draws from it is told.
    pub(super) fn sequence(&mut self, call: &FuncCall, set: Option<&Label>) -> Outcome<()> {
        let location = call.location;
        let at = u32::try_from(location).ok();
        let meant = match call.args.first() {
            Some(argument) => self.sequences_meant(argument, location)?,
            // `lastval()`: the one that was drawn from last, by a trigger perhaps.
            None => Meant::Any,
        };
        match (meant, set) {
            (Meant::These(oids), set) => {
                for oid in oids {
                    if let Some(value) = set {
                        self.send(Outlet::Sequence(oid), value, "setval", location)?;
                    }
                    self.sequences.push(SequenceUse { sequence: Some(oid), at });
                }
            }
            (Meant::Any, Some(value)) if !value.columns().is_empty() => {
                return not_understood("setval of a sequence that is not a constant to a value of columns", location);
            }
            (Meant::Any, _) => self.sequences.push(SequenceUse { sequence: None, at }),
        }
        Ok(())
    }

    fn sequences_meant(&self, argument: &Node, at: i32) -> Outcome<Meant> {
        if let Some(name) = constant_name(argument) {
            let relation = self.relation_meant(&name, at)?;
            return match relation.kind {
                RelationKind::Sequence => Ok(Meant::These(vec![relation.oid])),
                RelationKind::Table
                | RelationKind::PartitionedTable
                | RelationKind::View
                | RelationKind::MaterializedView
                | RelationKind::ForeignTable => {
                    let message = format!("\"{}\" is not a sequence", relation.name);
                    unresolved(SqlState::WRONG_OBJECT_TYPE, message, -1)
                }
            };
        }
        let Some((table, column)) = self.serial_column(argument) else { return Ok(Meant::Any) };
        let table = self.relation_meant(&table, at)?;
        let number = table.columns.iter().find(|known| *known.name == *column).map(|column| column.number);
        let users = self.context.catalog.snapshot().sequence_users.iter();
        let users = users.filter(|user| user.table == table.oid && Some(user.column) == number);
        Ok(Meant::These(users.map(|user| user.sequence).collect()))
    }

    fn relation_meant(&self, name: &[String], at: i32) -> Outcome<&Relation> {
        let (catalog, path) = (self.context.catalog, self.context.path);
        let found = match name {
            [name] => catalog.find_relation(path, name),
            [schema, name] => catalog.relation_in(schema, name),
            _other => None,
        };
        if found.is_some_and(is_temporary) {
            return not_understood("a temporary table that is named by a text", at);
        }
        let missing = || format!("relation \"{}\" does not exist", name.join("."));
        found.map_or_else(|| unresolved(SqlState::UNDEFINED_TABLE, missing(), at), Ok)
    }

    /// The table and the column of `pg_get_serial_sequence('table', 'column')`.
    fn serial_column(&self, node: &Node) -> Option<(Vec<String>, String)> {
        let Some(NodeEnum::FuncCall(call)) = &uncast(node)?.node else { return None };
        let name: Vec<&str> = call.funcname.iter().filter_map(string).collect();
        let schema = match name.as_slice() {
            ["pg_get_serial_sequence"] => None,
            ["pg_catalog", "pg_get_serial_sequence"] => Some("pg_catalog"),
            _other => return None,
        };
        let [table, column] = call.args.as_slice() else { return None };
        let known = !call.func_variadic && !self.has_rival(schema, "pg_get_serial_sequence");
        known.then(|| Some((qualified_name(constant(table)?)?, constant(column)?.to_owned())))?
    }
}

/// A relation's name from a constant, perhaps cast to `regclass`, as `stringToQualifiedNameList` reads it.
fn constant_name(node: &Node) -> Option<Vec<String>> {
    qualified_name(constant(uncast(node)?)?)
}

/// What is cast to `regclass` or `text`, if anything is.
fn uncast(node: &Node) -> Option<&Node> {
    let Some(NodeEnum::TypeCast(cast)) = &node.node else { return Some(node) };
    let parts: Vec<&str> = cast.type_name.as_ref()?.names.iter().filter_map(string).collect();
    let plain = matches!(parts.as_slice(), ["regclass" | "text"] | ["pg_catalog", "regclass" | "text"]);
    plain.then(|| uncast(cast.arg.as_ref()?))?
}

/// The text of a constant, perhaps cast to `regclass` or `text`.
pub(super) fn constant(node: &Node) -> Option<&str> {
    let Some(NodeEnum::AConst(value)) = &uncast(node)?.node else { return None };
    match value.val.as_ref()? {
        Val::Sval(text) => Some(&text.sval),
        Val::Ival(_) | Val::Fval(_) | Val::Boolval(_) | Val::Bsval(_) => None,
    }
}

/// Splits `schema.name`; what is not quoted is folded to lower case. `None` where it is none, or the number of a relation.
pub(super) fn qualified_name(text: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.trim().chars().peekable();
    while let Some(c) = characters.next() {
        let part = parts.last_mut()?;
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                part.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            c if quoted => part.push(c),
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '$') => part.push(c.to_ascii_lowercase()),
            _space_or_foreign => return None,
        }
    }
    let number = parts.len() == 1 && text.trim().starts_with(|c: char| c.is_ascii_digit());
    (!quoted && !number && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}
