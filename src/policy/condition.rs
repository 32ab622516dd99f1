//! Row conditions: one boolean expression over a table's own columns and what `EXISTS` says of others, checked node by node and
//! written anew.
//!
//! A condition runs inside every guard of its table, under whatever search path and settings the client has. So little
//! is let through: columns, constants, comparisons, AND, OR, NOT, IS NULL, IN, BETWEEN, the statement's time and
//! intervals. Operators and types are written with `pg_catalog`, so that no operator or type of a user's can take their
//! place; `IN` and `BETWEEN`, which cannot be qualified, are written as the comparisons they stand for.

use super::exists::{Link, OWN, OtherTable, column_name};
use super::moments::{self, Moments};
use super::parameter::{self, Parameter, ParameterId, ParameterType};
use crate::sql::{empty_select, on_deep_stack};
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AConst, AExpr, AExprKind, BoolExpr, BoolExprType, BoolTestType, BooleanTest, ColumnRef, FuncCall, Node, NullTest,
    NullTestType, ParamRef, ParseResult, RawStmt, ResTarget, SelectStmt, SqlValueFunction, SqlValueFunctionOp,
    TypeCast, TypeName, a_const,
};
use std::sync::Arc;

/// The longest condition, in bytes.
const LONGEST: usize = 4096;

/// A condition that has been understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    /// The expression as it is sent, over bare columns; in parentheses unless it is one column.
    pub(super) sql: Arc<str>,
    /// `(sql IS NOT TRUE)`; of one that it has from a parent, that the parent is there and its own is not true.
    pub(super) negated: Arc<str>,
    /// The columns it reads, in order of their first use.
    pub(super) columns: Vec<Arc<str>>,
    /// Columns cast to a date or time, and that type: they must have it already, or the cast could fail and show the
    /// value, or mean another moment under another TimeZone.
    pub(super) cast_to_time: Vec<(Arc<str>, Arc<str>)>,
    /// What is compared with moments.
    pub(super) moments: Moments,
    /// Columns with the parameters that they are compared with.
    pub(super) compared: Vec<(Arc<str>, ParameterId, ParameterType)>,
    /// The whole condition is `column = $parameter`.
    pub(super) equality: Option<(Arc<str>, ParameterId)>,
    /// Other tables that it reads. Their columns are named with the alias in what is said of types above.
    pub(super) others: Vec<OtherTable>,
    /// What is equal in every row for which it holds.
    pub(super) links: Vec<Link>,
}

impl Condition {
    /// The parameters that it needs, each once.
    pub(super) fn parameters(&self) -> Vec<ParameterId> {
        let mut all: Vec<ParameterId> = self.compared.iter().map(|(_, parameter, _)| *parameter).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Reads a condition, or says what in it cannot be.
pub(super) fn read(sql: &str, parameters: &[Parameter]) -> Result<Condition, String> {
    if sql.len() > LONGEST {
        return Err(format!("longer than {LONGEST} bytes"));
    }
    let sql = parameter::numbered(sql, parameters)?;
    on_deep_stack(|| understood(parse(&sql)?, parameters))
}

/// The condition that an expression is.
pub(super) fn understood(expression: Node, parameters: &[Parameter]) -> Result<Condition, String> {
    let mut reader = Reader::new(parameters);
    let expression = reader.expression(expression)?;
    reader.every_parameter_is_compared()?;
    let negated = boolean_test(expression.clone(), BoolTestType::IsNotTrue);
    Ok(Condition {
        sql: parenthesised(&expression, parameters)?,
        negated: parenthesised(&negated, parameters)?,
        equality: reader.equality(&expression),
        links: reader.links_of(&expression),
        others: reader.others,
        columns: reader.columns,
        cast_to_time: reader.cast_to_time,
        moments: reader.moments,
        compared: reader.compared,
    })
}

/// Parses `SELECT (sql)` and takes the one expression out of it; anything beside it is an error.
pub(super) fn parse(sql: &str) -> Result<Node, String> {
    // The line break ends a `--` comment, which would otherwise swallow the parenthesis.
    let parsed = pg_query::parse(&format!("SELECT (\n{sql}\n)"), 0).map_err(|error| match error {
        pg_query::Error::Parse(message) => message,
        other => other.to_string(),
    })?;
    let one = || "it must be one expression".to_owned();
    let ParseResult { version: _, stmts } = parsed.protobuf;
    let [RawStmt { stmt: Some(statement), stmt_location: _, stmt_len: _ }] =
        <[RawStmt; 1]>::try_from(stmts).map_err(|_| one())?
    else {
        return Err(one());
    };
    let Some(NodeEnum::SelectStmt(select)) = statement.node else { return Err(one()) };
    let bare = SelectStmt { target_list: Vec::new(), ..(*select).clone() };
    if bare != empty_select() {
        return Err(one());
    }
    let [Node { node: Some(NodeEnum::ResTarget(target)) }] =
        <[Node; 1]>::try_from(select.target_list).map_err(|_| one())?
    else {
        return Err(one());
    };
    let ResTarget { name, indirection, val, location: _ } = *target;
    if !name.is_empty() || !indirection.is_empty() {
        return Err(one());
    }
    val.map(|node| *node).ok_or_else(one)
}

/// What a reader has seen of an expression.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    parameters: &'a [Parameter],
    pub(super) others: Vec<OtherTable>,
    pub(super) links: Vec<Link>,
    /// Within an EXISTS: its tables, and those of the EXISTS around it.
    pub(super) inside: Vec<usize>,
    columns: Vec<Arc<str>>,
    cast_to_time: Vec<(Arc<str>, Arc<str>)>,
    moments: Moments,
    compared: Vec<(Arc<str>, ParameterId, ParameterType)>,
    /// How many references to parameters were read, and how many of them are compared with a column.
    references: (usize, usize),
}

impl<'a> Reader<'a> {
    fn new(parameters: &'a [Parameter]) -> Reader<'a> {
        Reader {
            parameters,
            others: Vec::new(),
            links: Vec::new(),
            inside: Vec::new(),
            columns: Vec::new(),
            cast_to_time: Vec::new(),
            moments: Moments::default(),
            compared: Vec::new(),
            references: (0, 0),
        }
    }

    fn parameter(&mut self, reference: ParamRef) -> Result<Node, String> {
        let ParamRef { number, location: _ } = reference;
        self.parameter_of(number)?;
        self.references.0 += 1;
        Ok(wrap(NodeEnum::ParamRef(ParamRef { number, location: 0 })))
    }

    fn parameter_of(&self, number: i32) -> Result<(ParameterId, ParameterType), String> {
        let at = u16::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let known = at.and_then(|at| Some((ParameterId(at), self.parameters.get(usize::from(at))?.kind)));
        known.ok_or_else(|| "it has a parameter that is not declared".to_owned())
    }

    /// Notes a column that is compared with a parameter.
    fn note_parameter(&mut self, left: &Node, right: &Node) -> Result<(), String> {
        let (column, number) = match (&left.node, &right.node) {
            (Some(NodeEnum::ColumnRef(column)), Some(NodeEnum::ParamRef(reference)))
            | (Some(NodeEnum::ParamRef(reference)), Some(NodeEnum::ColumnRef(column))) => (column, reference.number),
            _no_comparison_with_one => return Ok(()),
        };
        let (parameter, kind) = self.parameter_of(number)?;
        let name = column_name(&column.fields).unwrap_or_default();
        self.compared.push((name.into(), parameter, kind));
        self.references.1 += 1;
        Ok(())
    }

    fn every_parameter_is_compared(&self) -> Result<(), String> {
        let (read, compared) = self.references;
        match read == compared {
            true => Ok(()),
            false => Err("a parameter is compared with a column, and nothing else".to_owned()),
        }
    }

    /// The column and parameter of `column = $parameter`.
    fn equality(&self, expression: &Node) -> Option<(Arc<str>, ParameterId)> {
        let Some(NodeEnum::AExpr(expression)) = &expression.node else { return None };
        if expression.name.last().and_then(crate::sql::string) != Some("=") {
            return None;
        }
        let operand = |node: &Option<Box<Node>>| node.as_ref().and_then(|node| node.node.clone());
        match (operand(&expression.lexpr), operand(&expression.rexpr)) {
            (Some(NodeEnum::ColumnRef(_)), Some(NodeEnum::ParamRef(_)))
            | (Some(NodeEnum::ParamRef(_)), Some(NodeEnum::ColumnRef(_))) => {
                self.compared.first().map(|(column, parameter, _)| (Arc::clone(column), *parameter))
            }
            _another_condition => None,
        }
    }

    fn boxed(&mut self, node: Option<Box<Node>>) -> Result<Box<Node>, String> {
        Ok(Box::new(self.expression(*node.ok_or("it has an empty operand")?)?))
    }

    /// Checks a node and everything below it, and gives it back as it is to be sent.
    pub(super) fn expression(&mut self, node: Node) -> Result<Node, String> {
        let Some(node) = node.node else { return Err("it has an empty operand".to_owned()) };
        match node {
            NodeEnum::ColumnRef(column) => self.column(column),
            NodeEnum::AConst(constant) => constant_node(constant),
            NodeEnum::BoolExpr(expression) => {
                let BoolExpr { xpr: _, boolop, args, location: _ } = *expression;
                if BoolExprType::try_from(boolop).is_err() || boolop == BoolExprType::Undefined as i32 {
                    return Err("it has an unknown logical operator".to_owned());
                }
                let args = args.into_iter().map(|arg| self.expression(arg)).collect::<Result<_, _>>()?;
                Ok(wrap(NodeEnum::BoolExpr(Box::new(BoolExpr { xpr: None, boolop, args, location: 0 }))))
            }
            NodeEnum::NullTest(test) => {
                let NullTest { xpr: _, arg, nulltesttype, argisrow: _, location: _ } = *test;
                let arg = Some(self.boxed(arg)?);
                if NullTestType::try_from(nulltesttype).is_err() {
                    return Err("it has an unknown test".to_owned());
                }
                let test = NullTest { xpr: None, arg, nulltesttype, argisrow: false, location: 0 };
                Ok(wrap(NodeEnum::NullTest(Box::new(test))))
            }
            NodeEnum::BooleanTest(test) => {
                let BooleanTest { xpr: _, arg, booltesttype, location: _ } = *test;
                let arg = self.boxed(arg)?;
                let kind = BoolTestType::try_from(booltesttype).map_err(|_| "it has an unknown test".to_owned())?;
                Ok(boolean_test(*arg, kind))
            }
            NodeEnum::AExpr(expression) => self.operator(*expression),
            NodeEnum::TypeCast(cast) => self.cast(*cast),
            NodeEnum::FuncCall(call) => function(*call),
            NodeEnum::SqlvalueFunction(function) => value_function(&function),
            NodeEnum::SubLink(link) => self.exists(*link),
            NodeEnum::ParamRef(reference) => self.parameter(reference),
            // Not our own enum: whatever else the grammar can make is no part of a condition.
            _ => Err("a condition is made of columns, constants, comparisons, AND, OR, NOT, IS NULL, IN, BETWEEN, \
                      now() and intervals only"
                .to_owned()),
        }
    }

    fn column(&mut self, column: ColumnRef) -> Result<Node, String> {
        let ColumnRef { fields, location: _ } = column;
        let names: Option<Vec<&str>> = fields.iter().map(crate::sql::string).collect();
        let name: Arc<str> = match names.as_deref() {
            Some([name]) => (*name).into(),
            Some([OWN, name]) if !self.inside.is_empty() => (*name).into(),
            Some([qualifier, name]) => {
                self.qualified(qualifier, name)?;
                return Ok(wrap(NodeEnum::ColumnRef(ColumnRef { fields, location: 0 })));
            }
            _a_star_or_more => return Err("a column is named by its bare name".to_owned()),
        };
        if !self.columns.contains(&name) {
            self.columns.push(Arc::clone(&name));
        }
        let own = (!self.inside.is_empty()).then(|| string(OWN));
        let fields = own.into_iter().chain([string(&name)]).collect();
        Ok(wrap(NodeEnum::ColumnRef(ColumnRef { fields, location: 0 })))
    }

    fn operator(&mut self, expression: AExpr) -> Result<Node, String> {
        let AExpr { kind, name, lexpr, rexpr, rexpr_list_start: _, rexpr_list_end: _, location: _ } = expression;
        let kind = AExprKind::try_from(kind).map_err(|_| "it has an unknown operator".to_owned())?;
        match kind {
            AExprKind::AexprOp => {
                let sign = sign(&name)?;
                if lexpr.is_none() {
                    return Err(format!("operator `{sign}` stands before its operand"));
                }
                let (left, right) = (self.boxed(lexpr)?, self.boxed(rexpr)?);
                self.binary(sign, *left, *right)
            }
            AExprKind::AexprIn => {
                let sign = sign(&name)?;
                // The grammar writes NOT IN as IN with the operator `<>`.
                let all = sign == "<>";
                let left = self.tested(lexpr)?;
                let Some(NodeEnum::List(items)) = rexpr.and_then(|node| node.node) else {
                    return Err("IN takes a list of constants".to_owned());
                };
                let mut args = Vec::with_capacity(items.items.len());
                for item in items.items {
                    let item = self.expression(item)?;
                    args.push(self.binary(sign, left.clone(), item)?);
                }
                let boolop = if all { BoolExprType::AndExpr } else { BoolExprType::OrExpr };
                Ok(logical(boolop, args))
            }
            AExprKind::AexprBetween => {
                let left = self.tested(lexpr)?;
                let Some(NodeEnum::List(bounds)) = rexpr.and_then(|node| node.node) else {
                    return Err("BETWEEN takes two bounds".to_owned());
                };
                let [low, high] = <[Node; 2]>::try_from(bounds.items).map_err(|_| "BETWEEN takes two bounds")?;
                let (low, high) = (self.expression(low)?, self.expression(high)?);
                let low = self.binary(">=", left.clone(), low)?;
                let high = self.binary("<=", left, high)?;
                Ok(logical(BoolExprType::AndExpr, vec![low, high]))
            }
            AExprKind::Undefined
            | AExprKind::AexprOpAny
            | AExprKind::AexprOpAll
            | AExprKind::AexprDistinct
            | AExprKind::AexprNotDistinct
            | AExprKind::AexprNullif
            | AExprKind::AexprLike
            | AExprKind::AexprIlike
            | AExprKind::AexprSimilar
            | AExprKind::AexprNotBetween
            | AExprKind::AexprBetweenSym
            | AExprKind::AexprNotBetweenSym => {
                Err("of the operators only comparisons, IN, BETWEEN, + and - may stand in a condition".to_owned())
            }
        }
    }

    /// An operator between two operands that have been read.
    fn binary(&mut self, sign: &str, left: Node, right: Node) -> Result<Node, String> {
        self.moments.note(&left, &right)?;
        self.note_parameter(&left, &right)?;
        if matches!(sign, "+" | "-") && !moments::is_of_time(&left)? && !moments::is_of_time(&right)? {
            return Err(
                "only moments and intervals are added: numbers may overflow, and a condition must not fail".to_owned()
            );
        }
        Ok(binary(sign, left, right))
    }

    /// What IN and BETWEEN test is written several times over, so it must be small.
    fn tested(&mut self, node: Option<Box<Node>>) -> Result<Node, String> {
        let node = *self.boxed(node)?;
        match &node.node {
            Some(NodeEnum::ColumnRef(_) | NodeEnum::FuncCall(_)) => Ok(node),
            _ => Err("IN and BETWEEN test a column or now()".to_owned()),
        }
    }

    /// A constant may be cast to any built-in type, where it fails the same for every row. A column may be cast only
    /// where no value can make the cast fail: its error would show the value.
    fn cast(&mut self, cast: TypeCast) -> Result<Node, String> {
        let TypeCast { arg, type_name, location: _ } = cast;
        let arg = self.boxed(arg)?;
        let Some(type_name) = type_name else { return Err("a cast lacks its type".to_owned()) };
        let (name, type_name) = built_in(type_name)?;
        match &arg.node {
            Some(NodeEnum::AConst(_)) => {}
            Some(NodeEnum::ColumnRef(_)) if name == "text" => {}
            Some(NodeEnum::ColumnRef(column)) if matches!(name.as_str(), "date" | "timestamp" | "timestamptz") => {
                if let Some(column) = column_name(&column.fields) {
                    self.cast_to_time.push((column.into(), name.as_str().into()));
                }
            }
            _ => return Err(format!("the cast to {name} could fail on a value, and the error would show it")),
        }
        Ok(wrap(NodeEnum::TypeCast(Box::new(TypeCast { arg: Some(arg), type_name: Some(type_name), location: 0 }))))
    }
}

pub(super) fn wrap(node: NodeEnum) -> Node {
    Node { node: Some(node) }
}

pub(super) fn string(text: &str) -> Node {
    wrap(NodeEnum::String(pg_query::protobuf::String { sval: text.to_owned() }))
}

fn boolean_test(arg: Node, kind: BoolTestType) -> Node {
    let arg = Some(Box::new(arg));
    wrap(NodeEnum::BooleanTest(Box::new(BooleanTest { xpr: None, arg, booltesttype: kind as i32, location: 0 })))
}

pub(super) fn logical(kind: BoolExprType, mut args: Vec<Node>) -> Node {
    if args.len() == 1 {
        return args.remove(0);
    }
    wrap(NodeEnum::BoolExpr(Box::new(BoolExpr { xpr: None, boolop: kind as i32, args, location: 0 })))
}

pub(super) fn binary(sign: &str, left: Node, right: Node) -> Node {
    wrap(NodeEnum::AExpr(Box::new(AExpr {
        kind: AExprKind::AexprOp as i32,
        name: vec![string("pg_catalog"), string(sign)],
        lexpr: Some(Box::new(left)),
        rexpr: Some(Box::new(right)),
        rexpr_list_start: 0,
        rexpr_list_end: 0,
        location: 0,
    })))
}

/// The operators of a condition: none of them fails on a value, but for overflow of a date.
const SIGNS: [&str; 8] = ["=", "<>", "<", "<=", ">", ">=", "+", "-"];

fn sign(name: &[Node]) -> Result<&'static str, String> {
    let part = |node: &Node| match &node.node {
        Some(NodeEnum::String(text)) => Some(text.sval.clone()),
        _ => None,
    };
    let parts: Option<Vec<String>> = name.iter().map(part).collect();
    let parts = parts.ok_or("it has an unknown operator")?;
    let written = match parts.as_slice() {
        [sign] => sign,
        [schema, sign] if schema == "pg_catalog" => sign,
        _ => return Err("an operator of another schema may not stand in a condition".to_owned()),
    };
    SIGNS
        .into_iter()
        .find(|sign| sign == written)
        .ok_or_else(|| format!("operator `{written}` may not stand in a condition"))
}

fn constant_node(constant: AConst) -> Result<Node, String> {
    let AConst { isnull, location: _, val } = constant;
    match &val {
        Some(a_const::Val::Ival(_) | a_const::Val::Fval(_) | a_const::Val::Boolval(_) | a_const::Val::Sval(_)) => {}
        None if isnull => {}
        Some(a_const::Val::Bsval(_)) | None => return Err("a bit string may not stand in a condition".to_owned()),
    }
    Ok(wrap(NodeEnum::AConst(AConst { isnull, location: 0, val })))
}

/// Built-in types whose literals a condition may need.
const TYPES: [&str; 17] = [
    "text",
    "varchar",
    "bpchar",
    "bool",
    "int2",
    "int4",
    "int8",
    "numeric",
    "float4",
    "float8",
    "date",
    "timestamp",
    "timestamptz",
    "interval",
    "uuid",
    "inet",
    "time",
];

fn built_in(type_name: TypeName) -> Result<(String, TypeName), String> {
    let TypeName { names, type_oid: _, setof, pct_type, typmods, typemod, array_bounds, location: _ } = type_name;
    let part = |node: &Node| match &node.node {
        Some(NodeEnum::String(text)) => text.sval.clone(),
        _ => String::new(),
    };
    let parts: Vec<String> = names.iter().map(part).collect();
    let name = match parts.as_slice() {
        [name] => name,
        [schema, name] if schema == "pg_catalog" => name,
        _ => return Err("a type of another schema may not stand in a condition".to_owned()),
    };
    if setof || pct_type || !array_bounds.is_empty() || !TYPES.contains(&name.as_str()) {
        return Err(format!("type {name} may not stand in a condition"));
    }
    // `interval '2' year` and `numeric(10,2)` carry modifiers; they are constants or the condition is refused.
    let mut kept = Vec::with_capacity(typmods.len());
    for modifier in typmods {
        match modifier.node {
            Some(NodeEnum::AConst(constant)) => kept.push(constant_node(constant)?),
            _ => return Err(format!("the modifier of type {name} is not a constant")),
        }
    }
    let names = vec![string("pg_catalog"), string(name)];
    let typed = TypeName { names, type_oid: 0, setof, pct_type, typmods: kept, typemod, array_bounds, location: 0 };
    Ok((name.clone(), typed))
}

/// The statement's time. `now()` stands still for a transaction, so consent withdrawn meanwhile would not count.
fn statement_time() -> Node {
    wrap(NodeEnum::FuncCall(Box::new(FuncCall {
        funcname: vec![string("pg_catalog"), string("statement_timestamp")],
        args: Vec::new(),
        agg_order: Vec::new(),
        agg_filter: None,
        over: None,
        agg_within_group: false,
        agg_star: false,
        agg_distinct: false,
        func_variadic: false,
        funcformat: pg_query::protobuf::CoercionForm::CoerceExplicitCall as i32,
        location: 0,
    })))
}

fn function(call: FuncCall) -> Result<Node, String> {
    let part = |node: &Node| match &node.node {
        Some(NodeEnum::String(text)) => text.sval.clone(),
        _ => String::new(),
    };
    let parts: Vec<String> = call.funcname.iter().map(part).collect();
    let name = match parts.as_slice() {
        [name] => name.as_str(),
        [schema, name] if schema == "pg_catalog" => name.as_str(),
        _ => "",
    };
    if !matches!(name, "now" | "statement_timestamp" | "transaction_timestamp") {
        return Err(format!("function `{}` may not stand in a condition; only now() may", parts.join(".")));
    }
    // Nothing beside the name: the same call without its place and spelling.
    let plain = FuncCall {
        funcname: call.funcname.clone(),
        location: call.location,
        ..match statement_time().node {
            Some(NodeEnum::FuncCall(time)) => *time,
            _ => return Err("the statement's time cannot be written".to_owned()),
        }
    };
    if plain != call {
        return Err(format!("`{name}` takes no arguments"));
    }
    Ok(statement_time())
}

fn value_function(function: &SqlValueFunction) -> Result<Node, String> {
    let SqlValueFunction { xpr: _, op, r#type: _, typmod: _, location: _ } = function;
    match SqlValueFunctionOp::try_from(*op) {
        Ok(SqlValueFunctionOp::SvfopCurrentTimestamp) => Ok(statement_time()),
        Ok(SqlValueFunctionOp::SvfopCurrentDate | SqlValueFunctionOp::SvfopLocaltimestamp) => {
            Err("what day it is depends on the session's TimeZone, which the client sets; use now()".to_owned())
        }
        Ok(_) | Err(_) => Err("of the session's values only now() may stand in a condition".to_owned()),
    }
}

/// The expression in parentheses, so that it may stand beside any operator; a bare column needs none.
fn parenthesised(expression: &Node, parameters: &[Parameter]) -> Result<Arc<str>, String> {
    let text = print(expression, parameters)?;
    Ok(if let Some(NodeEnum::ColumnRef(_)) = expression.node { text } else { format!("({text})").into() })
}

/// Prints an expression, and reads it again: what is sent must be what was understood.
fn print(expression: &Node, parameters: &[Parameter]) -> Result<Arc<str>, String> {
    let target = ResTarget {
        name: String::new(),
        indirection: Vec::new(),
        val: Some(Box::new(expression.clone())),
        location: 0,
    };
    let select = SelectStmt { target_list: vec![wrap(NodeEnum::ResTarget(Box::new(target)))], ..empty_select() };
    let text = NodeEnum::SelectStmt(Box::new(select))
        .deparse(pg_query::DeparseOptions::default())
        .map_err(|error| error.to_string())?;
    let Some(text) = text.strip_prefix("SELECT ") else { return Err("it cannot be written".to_owned()) };
    let again = Reader::new(parameters).expression(parse(text)?)?;
    if again != *expression {
        return Err(format!("it cannot be written without changing its meaning: {text}"));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn conditions_are_written_anew() {
        let check = |sql: &str, sent: &str| {
            let condition = read(sql, &[]).unwrap();
            assert_eq!(&*condition.sql, sent, "{sql}");
            // What was written is itself a condition, and written alike.
            assert_eq!(read(sent, &[]).unwrap(), condition, "{sent}");
        };
        check("marketing_consent", "marketing_consent");
        check("deleted_at IS NOT NULL", "(deleted_at IS NOT NULL)");
        check("a and not b or c", "((a AND NOT b) OR c)");
        check(
            "created_at > now() - interval '2 years'",
            "(created_at OPERATOR(pg_catalog.>) (pg_catalog.statement_timestamp() OPERATOR(pg_catalog.-) '2 years'::interval))",
        );
        check("kind in ('a', 'b')", "(kind OPERATOR(pg_catalog.=) 'a' OR kind OPERATOR(pg_catalog.=) 'b')");
        check("kind not in ('a', 'b')", "(kind OPERATOR(pg_catalog.<>) 'a' AND kind OPERATOR(pg_catalog.<>) 'b')");
        check("x between 1 and -2", "(x OPERATOR(pg_catalog.>=) 1 AND x OPERATOR(pg_catalog.<=) -2)");
        check(
            "current_timestamp < until::timestamptz -- why\n",
            "(pg_catalog.statement_timestamp() OPERATOR(pg_catalog.<) until::timestamp with time zone)",
        );
        check("\"Odd name\" = E'it''s \\n'", "(\"Odd name\" OPERATOR(pg_catalog.=) 'it''s \n')");
        check("x = 1.5 and z is not false", "(x OPERATOR(pg_catalog.=) 1.5 AND z IS NOT FALSE)");
    }

    #[test]
    fn a_negated_condition_holds_where_the_condition_is_null() {
        assert_eq!(&*read("erased", &[]).unwrap().negated, "(erased IS NOT TRUE)");
        assert_eq!(&*read("a or b", &[]).unwrap().negated, "((a OR b) IS NOT TRUE)");
    }

    #[test]
    fn other_things_are_not_conditions() {
        let check = |sql: &str, reason: &str| {
            let error = read(sql, &[]).unwrap_err();
            assert!(error.contains(reason), "{sql}: {error}");
        };
        let form = "a condition is made of";
        check("", "syntax error");
        check("a, b", form);
        check("a) FROM secrets WHERE (b", "one expression");
        check("a); DROP TABLE x; SELECT (b", "one expression");
        check("a) AS x, (b", "one expression");
        check("a) INTO x WHERE (b", "one expression");
        check("a AS b", "syntax error");
        check("a UNION SELECT b", "syntax error");
        check("EXISTS (SELECT 1)", "which rows");
        check("EXISTS (SELECT FROM public.c c)", "which rows");
        check("EXISTS (SELECT FROM consents c WHERE c.a = b)", "written with its schema");
        check("EXISTS (SELECT c.a FROM public.c c WHERE c.a = b)", "SELECT FROM tables");
        check("EXISTS (SELECT FROM public.c c WHERE c.a = b LIMIT 1)", "SELECT FROM tables");
        check("EXISTS (SELECT FROM public.c c WHERE d.a = b)", "no table of this EXISTS");
        check("EXISTS (SELECT FROM public.c \"$own\" WHERE a = b)", "an alias of its own");
        check("EXISTS (SELECT FROM public.c c, public.d c WHERE c.a = b)", "an alias of its own");
        check("EXISTS (SELECT FROM public.c c JOIN public.d d ON true WHERE c.a = b)", "separated by commas");
        check("EXISTS (SELECT FROM f(1) c WHERE c.a = b)", "separated by commas");
        check("EXISTS (SELECT FROM public.c c WHERE lower(c.a) = b)", "function `lower`");
        check(
            "EXISTS (SELECT FROM public.c c WHERE c.b = b AND EXISTS (SELECT FROM public.d c WHERE c.a = b))",
            "an alias of its own",
        );
        check(
            "EXISTS (SELECT FROM public.c c WHERE EXISTS (SELECT FROM public.d d WHERE d.a = c.a) AND d.a = c.b)",
            "no table of this EXISTS",
        );
        check("EXISTS (SELECT FROM public.c c WHERE c.a = b) AND c.a = 1", "bare name");
        check("a = (SELECT c.a FROM public.c c)", "of sub-selects only EXISTS");
        check("a IN (SELECT b FROM c)", "of sub-selects only EXISTS");
        check("(SELECT a)", "sub-select");
        check("u.a", "bare name");
        check("u.*", "bare name");
        check("*", "syntax error");
        check("lower(a) = 'x'", "function `lower`");
        check("clock_timestamp() > a", "function `clock_timestamp`");
        check("now(1)", "no arguments");
        check("now() OVER () > a", "no arguments");
        check("public.now() > a", "function `public.now`");
        check("a OPERATOR(public.=) 1", "another schema");
        check("a LIKE 'x%'", "of the operators");
        check("a ~ 'x'", "operator `~`");
        check("a / 0 = 1", "operator `/`");
        check("- a > 1", "before its operand");
        check("a::int = 1", "could fail on a value");
        check("(a = b)::text = 'x'", "could fail on a value");
        check("a::public.citext = 'x'", "another schema");
        check("'x'::regclass = a", "type regclass");
        check("customer_id = $customer", "`$customer` is no parameter");
        check("customer_id = $1", "`$1` is no parameter");
        check("a = $$x$$", "between dollar signs");
        check("current_date > a", "TimeZone");
        check("current_user = a", "only now()");
        check("CASE WHEN a THEN b END", form);
        check("a = ANY (b)", "of the operators");
        check("(a BETWEEN 1 AND 2) BETWEEN b AND c", "test a column");
        check("a IS DISTINCT FROM b", "of the operators");
        check("ROW(a, b) = ROW(1, 2)", form);
        check("a[1] = 2", form);
        check("(a).b = 1", form);
        check("a COLLATE \"C\" = 'x'", form);
        check("B'1' = a", "bit string");
        check("coalesce(a, b)", form);
        check(&"(".repeat(5000), "longer than");
        // Depth is an answer, one way or the other, and never a crash.
        assert!(read(&format!("{}a", "NOT ".repeat(10)), &[]).is_ok());
        for depth in [100, 500, 1000] {
            drop(read(&format!("{}a", "NOT ".repeat(depth)), &[]));
        }
    }
}
