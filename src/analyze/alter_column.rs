//! Columns that are added, dropped and changed.

use super::alter::{Altered, KEPT, calling, columns_in};
use super::define::SERIAL;
use super::definition::{Definition, Dropped};
use super::known::Known;
use super::label::ColumnSource;
use super::resolver::{Outcome, Resolver, not_understood};
use super::written::{Assignment, Manner, Verb, Write};
use crate::catalog::{Column, Step, TypeKind};
use crate::sql::string;
use crate::vocab::{AttNum, Right};
use pg_query::NodeEnum;
use pg_query::protobuf::{ColumnDef, ConstrType, Node, TypeCast, TypeName};
use std::sync::Arc;

/// Functions that give a new column the same kind of value in every row, and never fail.
const EVEN: [&str; 6] =
    ["now", "gen_random_uuid", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "random"];

/// Whoever sees which numbers a sequence gives is known by the columns that it numbers.
const OTHERS_SEQUENCE: &str = "a default that draws from a sequence of others";

impl<'a> Resolver<'a> {
    pub(super) fn add_column(
        &mut self,
        column: &mut ColumnDef,
        altered: Altered<'a>,
        definition: &mut Definition,
    ) -> Outcome<()> {
        let at = column.location;
        if column.raw_default.is_some() {
            return not_understood("a column definition", at);
        }
        let (mut looks, mut computed, mut not_null, mut generated) = (false, false, false, false);
        let mut read: Vec<Arc<str>> = Vec::new();
        if let Some(name) = &mut column.type_name {
            let serial = is_serial(name);
            // Its conditions are held against the default in every row, and a number is drawn for each.
            looks |= serial || self.names_domain(name);
            computed |= serial;
            not_null |= serial;
            if !serial {
                self.type_name(name, Known::Untyped, at)?;
            }
        }
        let mut fills = false;
        for constraint in &mut column.constraints {
            let Some(NodeEnum::Constraint(constraint)) = &mut constraint.node else {
                return not_understood("a column constraint", at);
            };
            match ConstrType::try_from(constraint.contype) {
                Ok(ConstrType::ConstrNotnull) => not_null = true,
                Ok(ConstrType::ConstrDefault) => {
                    let even = constraint.raw_expr.as_ref().is_some_and(|value| self.is_even(value));
                    fills |= even;
                    computed |= !even;
                }
                Ok(ConstrType::ConstrIdentity) => (computed, fills) = (true, true),
                Ok(ConstrType::ConstrGenerated) => (computed, generated) = (true, true),
                Ok(ConstrType::ConstrCheck | ConstrType::ConstrPrimary | ConstrType::ConstrUnique) => looks = true,
                Ok(ConstrType::ConstrForeign) => looks = true,
                Ok(_harmless) => {}
                Err(_) => return not_understood("a column constraint", at),
            }
            if let Some(expression) = &constraint.raw_expr {
                let fresh = Arc::<str>::from(column.colname.as_str());
                let without = columns_in_but(expression, altered, &fresh)?;
                read.extend(without);
            }
            let drawn = self.sequences.len();
            self.new_constraint(constraint, definition)?;
            if self.sequences.len() > drawn {
                return not_understood(OTHERS_SEQUENCE, at);
            }
        }
        if computed {
            self.rewritten(altered)?;
        }
        // A column that may not be null, and is given no value, fails where there is a row.
        if looks || computed || (not_null && !fills) || !read.is_empty() {
            altered.over(read, definition);
        }
        let name = Arc::<str>::from(column.colname.as_str());
        definition.undeciding.push((altered.table.oid, Arc::clone(&name), u32::try_from(at).ok()));
        let column = Column {
            number: AttNum(0),
            name,
            type_oid: 0,
            type_sql: "".into(),
            not_null,
            nondeterministic: false,
            generated,
        };
        definition.steps.push(Step::ColumnAdded { relation: altered.table.oid, column });
        Ok(())
    }

    /// Whether a type by that name is a domain.
    fn names_domain(&self, name: &TypeName) -> bool {
        let parts: Vec<&str> = name.names.iter().filter_map(string).collect();
        let found = match parts.as_slice() {
            [name] => self.types_in_sight(None, name),
            [schema, name] => self.types_in_sight(Some(schema), name),
            _other => Vec::new(),
        };
        found.iter().any(|info| info.kind == TypeKind::Domain)
    }

    /// Whether a default is the same for every row, or of the same kind, and cannot fail where there is one: a constant that is
    /// not null, perhaps cast, or what takes nothing.
    fn is_even(&self, node: &Node) -> bool {
        match &node.node {
            Some(NodeEnum::AConst(constant)) => !constant.isnull,
            Some(NodeEnum::TypeCast(cast)) => {
                let TypeCast { arg, type_name, location: _ } = &**cast;
                let plain = type_name.as_ref().is_some_and(|name| !self.names_domain(name));
                plain && arg.as_ref().is_some_and(|arg| self.is_even(arg))
            }
            Some(NodeEnum::SqlvalueFunction(_)) => true,
            Some(NodeEnum::FuncCall(call)) => {
                let name: Vec<&str> = call.funcname.iter().filter_map(string).collect();
                let (schema, name) = match name.as_slice() {
                    [name] => (None, *name),
                    ["pg_catalog", name] => (Some("pg_catalog"), *name),
                    _other => return false,
                };
                call.args.is_empty() && EVEN.contains(&name) && !self.has_rival(schema, name)
            }
            Some(_) | None => false,
        }
    }

    /// Every row is written anew: what the server computes of each it computes again.
    fn rewritten(&self, altered: Altered<'_>) -> Outcome<()> {
        match altered.table.calls.iter().find(|call| call.column.is_none()) {
            Some(call) => calling(&call.function.1, altered.at),
            None => Ok(()),
        }
    }

    pub(super) fn drop_column(
        &mut self,
        name: &str,
        missing_ok: bool,
        altered: Altered<'a>,
        definition: &mut Definition,
    ) -> Outcome<()> {
        let column = match altered.column(name) {
            Ok(column) => column,
            Err(_) if missing_ok => return Ok(()),
            Err(trouble) => return Err(trouble),
        };
        let mut columns = vec![Arc::clone(&column.name)];
        // What is computed from it goes too, with CASCADE.
        for tie in altered.table.ties.iter().filter(|tie| tie.columns.contains(&column.number)) {
            let computed = altered.table.columns.iter().filter(|column| column.generated && column.name == tie.name);
            columns.extend(computed.map(|column| Arc::clone(&column.name)));
        }
        let relation = altered.table.oid;
        let gone = columns.iter().map(|column| Step::ColumnDropped { relation, column: Arc::clone(column) });
        definition.steps.extend(gone);
        definition.dropped.push(Dropped { relation, columns: Some(columns), at: altered.place() });
        Ok(())
    }

    pub(super) fn column_default(
        &mut self,
        name: &str,
        expression: Option<&mut NodeEnum>,
        altered: Altered<'a>,
        definition: &mut Definition,
    ) -> Outcome<()> {
        let column = altered.column(name)?;
        let users = &self.context.catalog.snapshot().sequence_users;
        if users.iter().any(|user| user.table == altered.table.oid && user.column == column.number) {
            return not_understood("the default of a column that a sequence numbers", altered.at);
        }
        definition.undeciding.push((altered.table.oid, Arc::clone(&column.name), altered.place()));
        let Some(expression) = expression else { return Ok(()) };
        let mut node = Node { node: Some(expression.clone()) };
        let drawn = self.sequences.len();
        self.expression(&mut node, KEPT)?;
        if self.sequences.len() > drawn {
            return not_understood(OTHERS_SEQUENCE, altered.at);
        }
        if let Some(resolved) = node.node {
            *expression = resolved;
        }
        Ok(())
    }

    /// `ALTER COLUMN … TYPE … USING …`: every value is written again.
    pub(super) fn retype(
        &mut self,
        name: &str,
        changed: &mut ColumnDef,
        altered: Altered<'a>,
        definition: &mut Definition,
    ) -> Outcome<()> {
        let table = altered.table;
        let column = altered.column(name)?;
        self.rewritten(altered)?;
        self.type_open(column.type_oid, altered.at)?;
        let mut read = vec![Arc::clone(&column.name)];
        if let Some(using) = &mut changed.raw_default {
            read.extend(columns_in(using, table)?);
            self.expression(using, KEPT)?;
        }
        let mut names: Vec<Arc<str>> = read.clone();
        // Its indexes and constraints are made again.
        for tie in table.ties.iter().filter(|tie| tie.columns.contains(&column.number)) {
            let tied = table.columns.iter().filter(|column| tie.columns.contains(&column.number));
            names.extend(tied.map(|column| Arc::clone(&column.name)));
        }
        altered.over(names, definition);
        if let Some(name) = &mut changed.type_name {
            if is_serial(name) {
                return not_understood("a serial type", altered.at);
            }
            self.type_name(name, Known::Type(column.type_oid), altered.at)?;
        }
        definition.undeciding.push((table.oid, Arc::clone(&column.name), altered.place()));
        let index = |name: &Arc<str>| table.columns.iter().position(|column| column.name == *name);
        let sources = read.iter().filter_map(index).map(|index| ColumnSource { relation: table.oid, index });
        let sources: Vec<ColumnSource> = sources.collect();
        let Some(index) = index(&column.name) else { return Ok(()) };
        definition.writes.push(updated(table.oid, index, altered.at, sources));
        Ok(())
    }
}

/// A write to one column of every row, of what is in the row.
pub(super) fn updated(relation: u32, index: usize, at: i32, sources: Vec<ColumnSource>) -> Write {
    let place = u32::try_from(at).ok();
    Write {
        relation,
        at,
        manner: Manner::Plain,
        verbs: vec![Verb::Update],
        assigned: vec![Assignment { index, right: Right::Update, at: place, sources, own: true, arbitrates: false }],
        defaulted: Vec::new(),
    }
}

/// The columns in an expression, but for one that is not there yet.
fn columns_in_but(expression: &Node, altered: Altered<'_>, fresh: &Arc<str>) -> Outcome<Vec<Arc<str>>> {
    let mut table = altered.table.clone();
    let known = table.columns.iter().any(|column| column.name == *fresh);
    if !known {
        let column = Column {
            number: AttNum(0),
            name: Arc::clone(fresh),
            type_oid: 0,
            type_sql: "".into(),
            not_null: false,
            nondeterministic: false,
            generated: false,
        };
        table.columns.push(column);
    }
    let mut columns = columns_in(expression, &table)?;
    columns.retain(|column| known || column != fresh);
    Ok(columns)
}

pub(super) fn is_serial(name: &TypeName) -> bool {
    matches!(name.names.as_slice(), [one] if string(one).is_some_and(|one| SERIAL.contains(&one)))
}
