//! Conditions on columns that are released in aggregates only: comparisons with constants, none of which can fail.

use super::{Fact, found};
use crate::analyze::Context;
use crate::catalog::{Catalog, Column, FIRST_USER_OID, Function, TypeKind};
use crate::sql::string;
use crate::vocab::Oid;
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AArrayExpr, AExpr, AExprKind, BoolExpr, BoolExprType, BooleanTest, List, Node, NullTest, TypeCast, TypeName,
    a_const::Val,
};

/// The conditions that a condition is the conjunction of.
pub(super) fn conjuncts(node: Node) -> Vec<Node> {
    match node.node {
        Some(NodeEnum::BoolExpr(all)) if all.boolop == BoolExprType::AndExpr as i32 => {
            all.args.into_iter().flat_map(conjuncts).collect()
        }
        one => vec![Node { node: one }],
    }
}

/// `pg_type.oid` of the server's own types whose values are compared without a chance to fail.
const COMPARABLE: [Oid; 19] =
    [16, 20, 21, 23, 25, 700, 701, 829, 869, 650, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1700, 2950];

/// Those of them two equal values of which are not always written alike, so that a group's key could show which of its
/// rows came first.
const WRITTEN_SEVERALLY: [Oid; 5] = [700, 701, 1042, 1186, 1700];

/// Arrays of numbers, texts, dates and times, for `= ANY ($1)`.
const ARRAYS: [Oid; 9] = [1005, 1007, 1016, 1009, 1015, 1182, 1115, 1185, 2951];

const NUMERIC: Oid = 1700;
const FLOATS: [Oid; 2] = [700, 701];
const INTEGERS: [Oid; 3] = [20, 21, 23];
const TEXTS: [Oid; 2] = [25, 1043];

impl Fact<'_> {
    pub(super) fn is_comparable(&self, column: &Column) -> bool {
        is_comparable(self.catalog(), column)
    }

    /// Whether a column may be a key of groups: what stands for a group is the same whichever row it is taken from.
    pub(super) fn is_key(&self, column: &Column) -> bool {
        // The scale that a column of type numeric has is that of each value.
        let scaled = column.type_oid == NUMERIC && column.type_sql.contains('(');
        self.is_comparable(column)
            && !column.nondeterministic
            && (scaled || !WRITTEN_SEVERALLY.contains(&column.type_oid))
    }
}

pub(super) fn is_comparable(catalog: &Catalog, column: &Column) -> bool {
    let kind = catalog.type_of(column.type_oid).map(|info| info.kind);
    COMPARABLE.contains(&column.type_oid) || kind == Some(TypeKind::Enum)
}

/// Whether the server compares two columns as a unique index over either does.
pub(super) fn compare_alike(catalog: &Catalog, one: &Column, other: &Column) -> bool {
    let (first, second) = (one.type_oid, other.type_oid);
    let family = |family: &[Oid]| family.contains(&first) && family.contains(&second);
    is_comparable(catalog, one)
        && !one.nondeterministic
        && !other.nondeterministic
        && (first == second || family(&INTEGERS) || family(&TEXTS))
}

/// Whether an operator can be none but the server's own comparison.
pub(super) fn compares(name: &[Node], type_oid: Oid, signs: &[&str], context: &Context<'_>) -> bool {
    let names: Vec<&str> = name.iter().filter_map(string).collect();
    let (qualified, sign) = match names.as_slice() {
        [sign] => (false, *sign),
        ["pg_catalog", sign] => (true, *sign),
        _another_schema => return false,
    };
    // One of users over the server's own types could be meant.
    let mut rivals = context.catalog.operators(sign).filter(|operator| {
        context.path.searches(&operator.schema)
            && [operator.left, operator.right]
                .iter()
                .any(|oid| *oid == type_oid || (*oid != 0 && *oid < FIRST_USER_OID))
            && operator.extension.is_none()
    });
    signs.contains(&sign) && (qualified || rivals.next().is_none())
}

const COMPARISONS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];

/// What the columns in a condition are.
#[derive(Default, Clone, Copy)]
struct Names {
    aggregated: bool,
    open: bool,
}

impl Names {
    fn and(self, other: Names) -> Names {
        Names { aggregated: self.aggregated || other.aggregated, open: self.open || other.open }
    }
}

/// Whether a condition compares columns of the reference with constants and cannot fail. Open columns and others may not
/// meet in one: with `id <= 10 OR (id = 11 AND pay > 5000)` the number of rows would tell of one person.
pub(super) fn plain(node: &Node, fact: &Fact<'_>) -> bool {
    columns_of(node, fact).is_some_and(|names| !(names.aggregated && names.open))
}

fn columns_of(node: &Node, fact: &Fact<'_>) -> Option<Names> {
    let of = |node: &Node| {
        let (index, column) = fact.column(node)?;
        let aggregated = fact.is_aggregated(index);
        fact.is_comparable(column).then_some((column, Names { aggregated, open: !aggregated }))
    };
    match node.node.as_ref()? {
        NodeEnum::ColumnRef(_) => of(node).filter(|(column, _)| column.type_oid == 16).map(|(_, names)| names),
        NodeEnum::BoolExpr(logical) => {
            let BoolExpr { xpr: _, boolop: _, args, location: _ } = &**logical;
            args.iter().try_fold(Names::default(), |names, arg| Some(names.and(columns_of(arg, fact)?)))
        }
        NodeEnum::NullTest(test) => {
            let NullTest { xpr: _, arg, nulltesttype: _, argisrow: _, location: _ } = &**test;
            of(arg.as_ref()?).map(|(_, names)| names)
        }
        NodeEnum::BooleanTest(test) => {
            let BooleanTest { xpr: _, arg, booltesttype: _, location: _ } = &**test;
            columns_of(arg.as_ref()?, fact)
        }
        NodeEnum::AExpr(expr) => {
            let AExpr { kind, name, lexpr, rexpr, rexpr_list_start: _, rexpr_list_end: _, location: _ } = &**expr;
            let (left, right) = (lexpr.as_deref()?, rexpr.as_deref()?);
            let kind = AExprKind::try_from(*kind).ok()?;
            if let (AExprKind::AexprOp, Some((column, names))) = (kind, of(right)) {
                let fits = compares(name, column.type_oid, &COMPARISONS, fact.context);
                return (fits && is_constant(left, column, fact)).then_some(names);
            }
            let (column, names) = of(left)?;
            let constant = |node: &Node| is_constant(node, column, fact);
            let constants = |node: &Node| match &node.node {
                Some(NodeEnum::List(List { items })) => items.iter().all(constant),
                Some(NodeEnum::AArrayExpr(AArrayExpr { elements, location: _, list_start: _, list_end: _ })) => {
                    elements.iter().all(constant)
                }
                Some(_) | None => constant(node),
            };
            let signs: &[&str] = match kind {
                AExprKind::AexprOp | AExprKind::AexprOpAny | AExprKind::AexprOpAll => &COMPARISONS,
                AExprKind::AexprIn | AExprKind::AexprDistinct | AExprKind::AexprNotDistinct => &["=", "<>"],
                AExprKind::AexprBetween
                | AExprKind::AexprNotBetween
                | AExprKind::AexprBetweenSym
                | AExprKind::AexprNotBetweenSym => {
                    &["BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC", "NOT BETWEEN SYMMETRIC"]
                }
                // A pattern can be wrong, and what it is held against tells whether that is noticed.
                AExprKind::AexprLike
                | AExprKind::AexprIlike
                | AExprKind::AexprSimilar
                | AExprKind::AexprNullif
                | AExprKind::Undefined => return None,
            };
            let bounds: &[&str] = if signs[0] == "BETWEEN" { &["<=", ">="] } else { &[] };
            let native = |sign: &&str| compares(&[super::text(sign)], column.type_oid, &[*sign], fact.context);
            let fits = compares(name, column.type_oid, signs, fact.context) && bounds.iter().all(native);
            (fits && constants(right)).then_some(names)
        }
        _more => None,
    }
}

/// Whether a value is the same for every row, and is known without an error before the first.
pub(super) fn is_constant(node: &Node, column: &Column, fact: &Fact<'_>) -> bool {
    match &node.node {
        Some(NodeEnum::AConst(_)) => true,
        Some(NodeEnum::ParamRef(param)) => {
            let Some(place) = usize::try_from(param.number).ok().and_then(|number| number.checked_sub(1)) else {
                return false;
            };
            let declared = fact.context.parameters.get(place).copied().unwrap_or(0);
            // A number compared with a float becomes one, and not every number can.
            let float = FLOATS.contains(&declared) && column.type_oid == NUMERIC;
            let known = declared == 0 || COMPARABLE.contains(&declared) || ARRAYS.contains(&declared);
            known && !float && fact.parameters_fit
        }
        // Read when the statement is, not when it runs.
        Some(NodeEnum::TypeCast(_)) => text_as(node, &NAMES_OF_TYPES, fact).is_some(),
        Some(NodeEnum::AExpr(expr)) => is_moment_shifted(expr, fact),
        _more => is_moment(node, fact),
    }
}

const NAMES_OF_TYPES: [&str; 19] = [
    "text",
    "varchar",
    "bpchar",
    "bool",
    "int2",
    "int4",
    "int8",
    "numeric",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "interval",
    "uuid",
    "inet",
    "cidr",
    "macaddr",
    "boolean",
    "name",
];

/// Whether a PREPARE declares its parameters as nothing but types whose values compare with others without a cast that could
/// fail.
pub(super) fn parameters_fit(tree: &Node, catalog: &Catalog) -> bool {
    let Some(NodeEnum::PrepareStmt(prepare)) = &tree.node else { return true };
    prepare.argtypes.iter().all(|node| match &node.node {
        Some(NodeEnum::TypeName(name)) => own_type(name, catalog).is_some_and(|own| NAMES_OF_TYPES.contains(&own)),
        Some(_) | None => false,
    })
}

/// The bare name of a type of the server's own.
fn own_type<'n>(name: &'n TypeName, catalog: &Catalog) -> Option<&'n str> {
    let parts: Vec<&str> = name.names.iter().filter_map(string).collect();
    match parts.as_slice() {
        ["pg_catalog", own] => Some(*own),
        [own] if catalog.types(own).next().is_none() => Some(*own),
        _a_users => None,
    }
}

/// The text in `'text'::type`, where the type is one of these.
fn text_as<'n>(node: &'n Node, types: &[&str], fact: &Fact<'_>) -> Option<&'n str> {
    let NodeEnum::TypeCast(cast) = node.node.as_ref()? else { return None };
    let TypeCast { arg, type_name, location: _ } = &**cast;
    let name = type_name.as_ref()?;
    let own = own_type(name, fact.catalog())?;
    let Some(NodeEnum::AConst(value)) = arg.as_ref()?.node.as_ref() else { return None };
    match value.val.as_ref()? {
        Val::Sval(text) if types.contains(&own) && name.array_bounds.is_empty() => Some(&text.sval),
        _other => None,
    }
}

/// `now()`, `CURRENT_DATE` …
fn is_moment(node: &Node, fact: &Fact<'_>) -> bool {
    match &node.node {
        Some(NodeEnum::SqlvalueFunction(_)) => true,
        Some(NodeEnum::FuncCall(call)) => {
            let names: Vec<&str> = call.funcname.iter().filter_map(string).collect();
            let name = match names.as_slice() {
                ["pg_catalog", name] => *name,
                [name] if !has_rival(name, fact.context) => *name,
                _a_users => return false,
            };
            call.args.is_empty() && matches!(name, "now" | "transaction_timestamp" | "statement_timestamp")
        }
        Some(_) | None => false,
    }
}

/// `now() - interval '30 days'`, `CURRENT_DATE - 30`: not far enough to be out of range.
fn is_moment_shifted(expr: &AExpr, fact: &Fact<'_>) -> bool {
    let AExpr { kind, name, lexpr, rexpr, rexpr_list_start: _, rexpr_list_end: _, location: _ } = expr;
    let (Some(left), Some(right)) = (lexpr.as_deref(), rexpr.as_deref()) else { return false };
    let near = match &right.node {
        Some(NodeEnum::AConst(value)) => {
            matches!(&value.val, Some(Val::Ival(days)) if days.ival.unsigned_abs() < 100_000)
        }
        Some(NodeEnum::TypeCast(_)) => text_as(right, &["interval"], fact).is_some_and(is_short),
        Some(_) | None => false,
    };
    *kind == AExprKind::AexprOp as i32 && compares(name, 0, &["+", "-"], fact.context) && is_moment(left, fact) && near
}

/// `30 days`.
fn is_short(interval: &str) -> bool {
    let Some((number, unit)) = interval.split_once(' ') else { return false };
    let units = ["second", "minute", "hour", "day", "week", "month", "year"];
    number.len() < 5
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && units.contains(&unit.strip_suffix('s').unwrap_or(unit))
}

/// Functions of the server that answer otherwise each time: with them a query that is run again within a statement could
/// aggregate other rows.
const RESTLESS: [&str; 16] = [
    "random",
    "random_normal",
    "setseed",
    "gen_random_uuid",
    "clock_timestamp",
    "timeofday",
    "nextval",
    "currval",
    "lastval",
    "setval",
    "set_config",
    "pg_notify",
    "pg_sleep",
    "pg_sleep_for",
    "pg_sleep_until",
    "txid_current",
];

/// Whether a function of users could be meant by a bare name.
pub(super) fn has_rival(name: &str, context: &Context<'_>) -> bool {
    let mut functions = context.catalog.functions(name).filter(|function| &*function.schema != "pg_catalog");
    functions.any(|function| context.path.searches(&function.schema))
}

/// The first function in a tree that may answer otherwise each time.
pub(super) fn restless(node: &Node, context: &Context<'_>) -> Option<String> {
    let is_users = |function: &Function, schema: Option<&str>| {
        let meant = match schema {
            Some(schema) => *function.schema == *schema,
            None => context.path.searches(&function.schema),
        };
        meant && &*function.schema != "pg_catalog" && function.extension.is_none()
    };
    let name_of = |node: &Node| {
        let Some(NodeEnum::FuncCall(call)) = &node.node else { return None };
        let names: Vec<&str> = call.funcname.iter().filter_map(string).collect();
        let (name, schema) = (*names.last()?, names.len().checked_sub(2).map(|at| names[at]));
        let users = context.catalog.functions(name).any(|function| is_users(function, schema));
        (users || RESTLESS.contains(&name)).then(|| name.to_owned())
    };
    let first = std::cell::RefCell::new(None);
    let any = found(node, |node| match name_of(node) {
        Some(name) => {
            first.borrow_mut().get_or_insert(format!("function {name}"));
            true
        }
        None => false,
    });
    any.then(|| first.take().unwrap_or_else(|| "something".to_owned()))
}
