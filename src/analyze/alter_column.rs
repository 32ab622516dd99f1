//! Columns that are added, dropped and changed.

use super::alter::{Altered, KEPT, calls_nothing, columns_in};
use super::define::SERIAL;
use super::definition::{Definition, Dropped, Of, Over, Touch};
use super::known::Known;
use super::resolver::{Outcome, Resolver, not_understood};
use crate::catalog::{Column, Step, TypeKind};
use crate::sql::string;
use crate::vocab::AttNum;
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AArrayExpr, ColumnDef, ConstrType, Node, SqlValueFunction, SqlValueFunctionOp, TypeCast, TypeName,
};
use std::sync::Arc;

/// Functions that give a column the same kind of value in every row, never fail, and tell of nobody.
const EVEN: [&str; 6] =
    ["now", "gen_random_uuid", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "random"];

/// Those of them that are volatile.
const DRAWN: [&str; 3] = ["gen_random_uuid", "clock_timestamp", "random"];

/// Defaults that are put where rows are, or others insert: no more than [`Resolver::is_even`].
const UNEVEN: &str = "a default that is more than a constant, the time or a random value";

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
                Ok(ConstrType::ConstrDefault) => match &constraint.raw_expr {
                    Some(value) if is_null(value) => {}
                    Some(value) if self.is_even(value) => {
                        // Drawn for each row, it may fail to fit there.
                        computed |= is_drawn(value);
                        fills = true;
                    }
                    Some(_) | None => return not_understood(UNEVEN, at),
                },
                Ok(ConstrType::ConstrIdentity) => (computed, fills) = (true, true),
                Ok(ConstrType::ConstrGenerated) => (computed, generated) = (true, true),
                Ok(ConstrType::ConstrPrimary) => (looks, not_null) = (true, true),
                Ok(ConstrType::ConstrCheck | ConstrType::ConstrUnique) => looks = true,
                Ok(ConstrType::ConstrForeign) => {
                    looks = true;
                    altered.touches(Touch::Keys(altered.table.oid), definition);
                }
                Ok(_harmless) => {}
                Err(_) => return not_understood("a column constraint", at),
            }
            if let Some(expression) = &constraint.raw_expr {
                read.extend(columns_in(expression, altered.table, &definition.added)?);
            }
            let used = self.uses.len();
            let refers = constraint.pktable.is_some();
            self.new_constraint(constraint, definition)?;
            if self.uses.len() > used && !refers {
                // It would be written into every row, to whoever may read the column.
                return not_understood("a new column with what functions read", at);
            }
        }
        if computed {
            // Every row is written anew: what the server computes of each it computes again.
            calls_nothing(altered.table, altered.at)?;
        }
        // A column that may not be null, and is given no value, fails where there is a row.
        if looks || computed || (not_null && !fills) || !read.is_empty() {
            altered.over(read, definition);
        }
        let name = Arc::<str>::from(column.colname.as_str());
        altered.touches(Touch::Column(altered.table.oid, Arc::clone(&name)), definition);
        if fills || computed {
            altered.touches(Touch::Filled(altered.table.oid, Arc::clone(&name)), definition);
        }
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

    /// Whether a type by that name is the server's own or an enum, whose values run nothing.
    fn names_plain(&self, name: &TypeName) -> bool {
        let parts: Vec<&str> = name.names.iter().filter_map(string).collect();
        let found = match parts.as_slice() {
            [name] => self.types_in_sight(None, name),
            ["pg_catalog", _] => Vec::new(),
            [schema, name] => self.types_in_sight(Some(schema), name),
            _other => return false,
        };
        found.iter().all(|info| info.kind == TypeKind::Enum)
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
    /// not null, perhaps cast to a type of the server's own or an enum, or what takes nothing. Where users have made casts that
    /// nobody need write, nothing but a bare constant is known to stay what it is.
    pub(super) fn is_even(&self, node: &Node) -> bool {
        if let Some(NodeEnum::AConst(constant)) = &node.node {
            return !constant.isnull;
        }
        let plain = |oid: u32| match self.context.catalog.type_of(oid) {
            Some(info) => matches!(info.kind, TypeKind::Enum | TypeKind::Domain),
            None => true,
        };
        let mut casts = self.context.catalog.casts().iter();
        !casts.any(|cast| cast.implicit && cast.extension.is_none() && plain(cast.source)) && self.is_plain(node)
    }

    fn is_plain(&self, node: &Node) -> bool {
        match &node.node {
            Some(NodeEnum::AConst(constant)) => !constant.isnull,
            Some(NodeEnum::TypeCast(cast)) => {
                let TypeCast { arg, type_name, location: _ } = &**cast;
                let plain = type_name.as_ref().is_some_and(|name| self.names_plain(name));
                plain && arg.as_ref().is_some_and(|arg| self.is_plain(arg))
            }
            Some(NodeEnum::AArrayExpr(array)) => {
                let AArrayExpr { elements, location: _, list_start: _, list_end: _ } = array;
                elements.iter().all(|element| self.is_plain(element))
            }
            Some(NodeEnum::SqlvalueFunction(value)) => {
                let SqlValueFunction { xpr: _, op, r#type: _, typmod: _, location: _ } = &**value;
                matches!(
                    SqlValueFunctionOp::try_from(*op),
                    Ok(SqlValueFunctionOp::SvfopCurrentDate
                        | SqlValueFunctionOp::SvfopCurrentTime
                        | SqlValueFunctionOp::SvfopCurrentTimeN
                        | SqlValueFunctionOp::SvfopCurrentTimestamp
                        | SqlValueFunctionOp::SvfopCurrentTimestampN
                        | SqlValueFunctionOp::SvfopLocaltime
                        | SqlValueFunctionOp::SvfopLocaltimeN
                        | SqlValueFunctionOp::SvfopLocaltimestamp
                        | SqlValueFunctionOp::SvfopLocaltimestampN)
                )
            }
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

    pub(super) fn drop_column(&mut self, name: &str, altered: Altered<'a>, definition: &mut Definition) -> Outcome<()> {
        let column = Arc::clone(&altered.column(name)?.name);
        let relation = altered.table.oid;
        altered.touches(Touch::Column(relation, Arc::clone(&column)), definition);
        // A foreign key may go with it.
        if altered.table.foreign_keys.iter().any(|key| numbers(altered, &key.columns, name)) {
            altered.touches(Touch::Keys(relation), definition);
        }
        definition.steps.push(Step::ColumnDropped { relation, column: Arc::clone(&column) });
        definition.dropped.push(Dropped { relation, columns: Some(vec![column]), at: altered.place() });
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
        let column = Arc::clone(&column.name);
        altered.touches(Touch::Column(altered.table.oid, Arc::clone(&column)), definition);
        let Some(expression) = expression else { return Ok(()) };
        altered.touches(Touch::Default(altered.table.oid, column), definition);
        let mut node = Node { node: Some(expression.clone()) };
        if !is_null(&node) && !self.is_even(&node) {
            return not_understood(UNEVEN, altered.at);
        }
        self.expression(&mut node, KEPT)?;
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
        calls_nothing(table, altered.at)?;
        self.type_open(column.type_oid, altered.at)?;
        let mut read = vec![Arc::clone(&column.name)];
        if let Some(using) = &mut changed.raw_default {
            if !self.is_cast_of(using, &column.name) {
                return not_understood("USING with more than casts of the column", altered.at);
            }
            read.extend(columns_in(using, table, &[])?);
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
            if is_serial(name) || !self.names_plain(name) {
                return not_understood("ALTER COLUMN … TYPE to what is no plain type or enum", altered.at);
            }
            self.type_name(name, Known::Type(column.type_oid), altered.at)?;
        }
        for touch in [Touch::Column, Touch::Type, Touch::Rewritten] {
            altered.touches(touch(table.oid, Arc::clone(&column.name)), definition);
        }
        // Its keys are held against the other side again.
        let catalog = self.context.catalog;
        for key in table.foreign_keys.iter().filter(|key| key.columns.contains(&column.number)) {
            altered.touches(Touch::Keys(table.oid), definition);
            definition.over.push(Over { relation: key.references, of: Of::Whole, at: altered.place() });
        }
        for (other, key) in catalog.references_to(table.oid) {
            if key.referenced.contains(&column.number) {
                definition.touches.push((Touch::Keys(other.oid), altered.place()));
                definition.over.push(Over { relation: other.oid, of: Of::Whole, at: altered.place() });
            }
        }
        Ok(())
    }
}

impl Resolver<'_> {
    /// Whether an expression is a column, perhaps cast, or what may be a default.
    fn is_cast_of(&self, node: &Node, column: &str) -> bool {
        match &node.node {
            Some(NodeEnum::ColumnRef(reference)) => {
                matches!(reference.fields.as_slice(), [one] if string(one) == Some(column))
            }
            Some(NodeEnum::TypeCast(cast)) => {
                let TypeCast { arg, type_name, location: _ } = &**cast;
                let plain = type_name.as_ref().is_some_and(|name| self.names_plain(name));
                plain && arg.as_ref().is_some_and(|arg| self.is_cast_of(arg, column))
            }
            Some(_) | None => self.is_even(node),
        }
    }
}

/// Whether a column is among these numbers.
fn numbers(altered: Altered<'_>, numbers: &[AttNum], name: &str) -> bool {
    altered.table.columns.iter().any(|column| *column.name == *name && numbers.contains(&column.number))
}

fn is_null(node: &Node) -> bool {
    matches!(&node.node, Some(NodeEnum::AConst(constant)) if constant.isnull)
}

/// Whether a default is another for each row.
fn is_drawn(node: &Node) -> bool {
    match &node.node {
        Some(NodeEnum::FuncCall(call)) => {
            call.funcname.last().and_then(string).is_some_and(|name| DRAWN.contains(&name))
        }
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_ref().is_some_and(|arg| is_drawn(arg)),
        Some(NodeEnum::AArrayExpr(array)) => array.elements.iter().any(is_drawn),
        Some(_) | None => false,
    }
}

pub(super) fn is_serial(name: &TypeName) -> bool {
    matches!(name.names.as_slice(), [one] if string(one).is_some_and(|one| SERIAL.contains(&one)))
}
