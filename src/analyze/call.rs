//! Function calls, operators and types: whether they are what they seem, and may be used.
//!
//! Functions and operators stay unqualified in the text (their names appear in error messages); that a user's function
//! or operator could capture them is checked against the catalog instead.

use super::builtin;
use super::columns::{Value, column_node};
use super::label::Label;
use super::resolver::{Outcome, Resolver, Use, not_understood, unresolved};
use super::scope::Columns;
use crate::catalog::{Catalog, FunctionKind, TypeKind};
use crate::sql::{Visitor, is_json_aggregate, set_config_name, string, walk};
use crate::vocab::{NotUnderstood, SqlState, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{FuncCall, Node, TypeName};

/// Settings that `set_config` may change from within a query: they shape a session's speed and output only. asyncpg
/// switches `jit` off so.
const HARMLESS_SETTINGS: [&str; 4] = ["jit", "datestyle", "timezone", "extra_float_digits"];

impl Resolver<'_> {
    /// A function call. `node` is replaced where `f(t)` means the column `t.f`.
    pub(super) fn call(&mut self, node: &mut Node, usage: Use) -> Outcome<Value> {
        let Some(NodeEnum::FuncCall(call)) = &mut node.node else { return Ok(Value::of(Label::none())) };
        let location = call.location;
        let name: Vec<String> = call.funcname.iter().filter_map(string).map(str::to_owned).collect();
        if let ([name], true) = (name.as_slice(), is_plain_unary(call))
            && self.context.catalog.functions(name).next().is_none()
            && let Some(column) = self.projection(name, call, usage)?
        {
            *node = column_node(&column.0, location);
            return Ok(column.1);
        }
        let function = self.permitted_call(&name, call)?;
        let FuncCall {
            funcname: _,
            args,
            agg_order,
            agg_filter,
            over,
            agg_within_group: _,
            agg_star: _,
            agg_distinct: _,
            func_variadic: _,
            funcformat: _,
            location: _,
        } = &mut **call;
        let aggregate = over.is_some() || builtin::is_aggregate(&function);
        // What the target list of a view aggregates counts once the statement reaches it.
        let deferred = self.inside.is_some() && usage.is_none();
        let inner = if aggregate && !deferred { Some(Usage::Aggregate) } else { usage };
        let mut label = self.expressions(args, inner)?;
        label = label.join(&self.sort_list(agg_order)?);
        if let Some(filter) = agg_filter {
            label = label.join(&self.expression(filter, Some(Usage::Filter))?);
        }
        if let Some(window) = over {
            label = label.join(&self.window(window)?);
        }
        Ok(Value::of(label))
    }

    /// `f(t)` where `t` is a row and no function `f` exists: the column `t.f`.
    fn projection(
        &mut self,
        name: &str,
        call: &mut FuncCall,
        usage: Use,
    ) -> Outcome<Option<(super::scope::Written, Value)>> {
        let Some(Node { node: Some(NodeEnum::ColumnRef(argument)) }) = call.args.first() else { return Ok(None) };
        let [field] = argument.fields.as_slice() else { return Ok(None) };
        let Some(row) = string(field) else { return Ok(None) };
        let at = argument.location;
        if !matches!(self.find_column(row, at)?, super::resolver::Found::Nothing) {
            return Ok(None);
        }
        let Some(place) = self.find_entry(None, row, at)? else { return Ok(None) };
        self.column_of(place, name, usage, at)
    }

    /// The column of an entry by name, recorded as used.
    pub(super) fn column_of(
        &mut self,
        place: super::resolver::Place,
        name: &str,
        usage: Use,
        at: i32,
    ) -> Outcome<Option<(super::scope::Written, Value)>> {
        let Columns::Known(columns) = self.columns_at(place) else { return Ok(None) };
        let mut matches = columns.iter().filter(|column| &*column.name == name);
        match (matches.next(), matches.next()) {
            (Some(column), None) => {
                let column = column.clone();
                Ok(Some((column.written.clone(), self.use_column(place, column, usage, at))))
            }
            (Some(_), Some(_)) => {
                unresolved(SqlState::AMBIGUOUS_COLUMN, format!("column reference \"{name}\" is ambiguous"), at)
            }
            (None, _) => Ok(None),
        }
    }

    /// Checks that a function may be called as it is; returns its bare name.
    fn permitted_call(&mut self, name: &[String], call: &FuncCall) -> Outcome<String> {
        let at = call.location;
        let (schema, function) = match name {
            [function] => (None, function),
            [schema, function] => (Some(schema.as_str()), function),
            _other => return not_understood(format!("function {}", name.join(".")), at),
        };
        if function == "set_config" {
            self.no_rival(function, at)?;
            return match set_config_name(call) {
                Some(name) if HARMLESS_SETTINGS.contains(&&*name) => Ok(function.clone()),
                Some(_) | None => not_understood("function set_config inside a query", at),
            };
        }
        self.permitted_function(schema, function, at)?;
        Ok(function.clone())
    }

    /// Checks that a function of that name is one that may be called, whatever its arguments.
    fn permitted_function(&self, schema: Option<&str>, function: &str, at: i32) -> Outcome<()> {
        match schema {
            None => self.no_rival(function, at)?,
            Some("pg_catalog") => {}
            Some("information_schema") if builtin::permitted_in_information_schema(function) => return Ok(()),
            Some(schema) => return not_understood(format!("function {schema}.{function}"), at),
        }
        if builtin::permitted(function) {
            return Ok(());
        }
        if !self.is_function(function) && builtin::is_type(function) {
            // `regtype('int4')`: a cast.
            return Ok(());
        }
        if !self.is_function(function) {
            return unresolved(SqlState::UNDEFINED_FUNCTION, format!("function {function} does not exist"), at);
        }
        not_understood(format!("function {function}"), at)
    }

    /// A user's function of that name along the path could be meant, or could capture the call.
    fn no_rival(&self, function: &str, at: i32) -> Outcome<()> {
        let rival = self.context.catalog.functions(function).find(|other| {
            let overload = other.extension && builtin::permitted(function);
            &*other.schema != "pg_catalog" && self.context.path.searches(&other.schema) && !overload
        });
        match rival {
            Some(rival) => not_understood(format!("function {}.{}", rival.schema, rival.name), at),
            None => Ok(()),
        }
    }

    /// Whether there may be a function of that name. A snapshot without functions does not tell.
    fn is_function(&self, name: &str) -> bool {
        let catalog = self.context.catalog;
        catalog.functions(name).next().is_some() || catalog.snapshot().functions.is_empty()
    }

    /// Checks `value.name`. Where the value has no such field Postgres calls the function of that name on it, so that
    /// `('/etc/passwd'::text).pg_read_file` reads a file. Likewise a type: `(value).checked` casts to the domain `checked`.
    pub(super) fn attribute(&self, name: &str, at: i32) -> Outcome<()> {
        if self.is_own_type(name) || self.is_own_type(name.trim_start_matches('_')) {
            return not_understood(format!("a field or a cast by the name of the type {name}"), at);
        }
        if self.is_function(name) { self.permitted_function(None, name, at) } else { Ok(()) }
    }

    /// Checks that an operator written unqualified, or implied, can only be a built-in or an extension's.
    pub(super) fn operator(&mut self, name: &str, at: i32) -> Outcome<()> {
        let rival = self
            .context
            .catalog
            .operators(name)
            .find(|operator| !operator.extension && self.context.path.searches(&operator.schema));
        match rival {
            Some(rival) => not_understood(format!("operator {}.{}", rival.schema, rival.name), at),
            None => Ok(()),
        }
    }

    /// Checks an operator by the name list of an expression (`=`, or `OPERATOR(schema.=)`).
    pub(super) fn operator_name(&mut self, name: &[Node], at: i32) -> Outcome<()> {
        let parts: Vec<&str> = name.iter().filter_map(string).collect();
        match parts.as_slice() {
            [] => Ok(()),
            ["BETWEEN" | "NOT BETWEEN" | "BETWEEN SYMMETRIC" | "NOT BETWEEN SYMMETRIC"] => {
                self.operator(">=", at)?;
                self.operator("<=", at)
            }
            [operator] => self.operator(operator, at),
            ["pg_catalog", _] => Ok(()),
            [schema, operator] => {
                let known = self.context.catalog.operators(operator).any(|o| o.extension && &*o.schema == *schema);
                if known { Ok(()) } else { not_understood(format!("operator {schema}.{operator}"), at) }
            }
            _other => not_understood(format!("operator {}", parts.join(".")), at),
        }
    }

    /// Checks a type that a value is cast to.
    pub(super) fn type_name(&mut self, name: &mut TypeName, at: i32) -> Outcome<()> {
        let TypeName { names, type_oid: _, setof: _, pct_type, typmods, typemod: _, array_bounds: _, location } = name;
        let at = if *location >= 0 { *location } else { at };
        if *pct_type {
            return not_understood("%TYPE", at);
        }
        if self.context.catalog.snapshot().casts.iter().any(|cast| !cast.extension) {
            return not_understood("a cast, in a database with casts by functions of its users", at);
        }
        self.expressions(typmods, None)?;
        let parts: Vec<&str> = names.iter().filter_map(string).collect();
        let catalog = self.context.catalog;
        let (schema, name) = match parts.as_slice() {
            [name] => (None, *name),
            ["pg_catalog", _] => return Ok(()),
            [schema, name] => (Some(*schema), *name),
            _other => return not_understood(format!("type {}", parts.join(".")), at),
        };
        let in_sight = |s: &str| schema.map_or_else(|| self.context.path.searches(s), |schema| schema == s);
        let shown = parts.join(".");
        for found in catalog.types(name).filter(|found| in_sight(&found.schema)) {
            match (found.kind, found.extension) {
                (TypeKind::Enum | TypeKind::Range | TypeKind::Multirange, _) | (_, true) => {}
                // A domain's CHECK may call any function.
                (TypeKind::Base | TypeKind::Composite | TypeKind::Domain | TypeKind::Pseudo, false) => {
                    return not_understood(format!("type {shown}"), at);
                }
            }
        }
        // Arrays are named by their elements: `_people` is an array of rows, `_checked` one of a domain.
        let element = name.trim_start_matches('_');
        let row = catalog.is_relation_name(name) && schema != Some("information_schema");
        if row || (element.len() < name.len() && self.is_own_type(element)) {
            return not_understood(format!("a cast to the type {shown}"), at);
        }
        // A type of an extension, a built-in one, or none; the server tells.
        Ok(())
    }

    /// Whether any schema has a type of that name: declared, or a relation's row type.
    fn is_own_type(&self, name: &str) -> bool {
        self.context.catalog.types(name).next().is_some() || self.context.catalog.is_relation_name(name)
    }
}

/// One argument and nothing that only functions have.
fn is_plain_unary(call: &FuncCall) -> bool {
    call.args.len() == 1
        && call.agg_order.is_empty()
        && call.agg_filter.is_none()
        && call.over.is_none()
        && !(call.agg_within_group || call.agg_star || call.agg_distinct || call.func_variadic)
}

/// Whether a query says by what it groups.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Grouping {
    ByKeys,
    /// An aggregate would make one row of all.
    None,
}

/// Whether a target of a query can be replaced by a constant without a change in the number of rows.
pub(super) fn is_row_neutral(node: &mut Node, catalog: &Catalog, grouping: Grouping) -> bool {
    struct Calls<'a> {
        catalog: &'a Catalog,
        grouping: Grouping,
    }
    impl Visitor for Calls<'_> {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            let several = || Err(NotUnderstood::new("a function that decides how many rows there are", None));
            if node.node.as_ref().is_some_and(is_json_aggregate) && self.grouping == Grouping::None {
                return several();
            }
            let Some(NodeEnum::FuncCall(call)) = &node.node else { return Ok(()) };
            let name = call.funcname.iter().filter_map(string).next_back().unwrap_or_default();
            let aggregate = call.over.is_none()
                && (builtin::is_aggregate(name)
                    || self.catalog.functions(name).any(|function| function.kind == FunctionKind::Aggregate));
            let set = self.catalog.functions(name).any(|function| function.set);
            if set || (aggregate && self.grouping == Grouping::None) {
                return several();
            }
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    walk(node, &mut Calls { catalog, grouping }).is_ok()
}
