//! What is known of an expression's type, and whether a value of it can be passed where another type is expected.
//!
//! Only so much as keeps a user's function or operator from being taken for a rival that it cannot be: where a type is
//! not known, or in doubt, everything is reachable.

use super::resolver::Resolver;
use super::scope::Columns;
use crate::catalog::{FIRST_USER_OID, TypeInfo, TypeKind};
use crate::sql::string;
use crate::vocab::Oid;
use pg_query::NodeEnum;
use pg_query::protobuf::{AExpr, AExprKind, ColumnRef, FuncCall, Node, TypeName, a_const::Val};

/// What is known of an expression's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// There is no expression: the operand that a prefix operator lacks.
    Absent,
    /// A literal or a parameter without a declared type: it takes whatever type is expected.
    Untyped,
    /// This type.
    Type(Oid),
    /// One of the types that came with the server.
    BuiltIn,
    /// Some type: of the users' types one that is in play ([`Resolver::is_in_play`]).
    Typed,
    /// Perhaps a literal, perhaps any type.
    Nothing,
}

/// `pg_type.oid` of the pseudo-types that stand for many: `record`, `any`, `anyarray`, `anyelement`, `anynonarray`,
/// `anyenum`, `anyrange`, `record[]`, `anymultirange`, `anycompatible` and its kin.
pub(super) const POLYMORPHIC: [Oid; 14] =
    [2249, 2276, 2277, 2283, 2776, 3500, 3831, 2287, 4537, 4538, 5077, 5078, 5079, 5080];

/// `pg_type.oid` of `unknown`.
const UNKNOWN: Oid = 705;
const BOOL: Oid = 16;
const INT4: Oid = 23;
const TEXT: Oid = 25;

/// Types that a cast is often written to: `pg_type.typname` and `oid`.
const BUILT_IN: [(&str, Oid); 22] = [
    ("bool", 16),
    ("bytea", 17),
    ("int8", 20),
    ("int2", 21),
    ("int4", 23),
    ("text", 25),
    ("oid", 26),
    ("json", 114),
    ("float4", 700),
    ("float8", 701),
    ("inet", 869),
    ("bpchar", 1042),
    ("varchar", 1043),
    ("date", 1082),
    ("time", 1083),
    ("timestamp", 1114),
    ("timestamptz", 1184),
    ("interval", 1186),
    ("numeric", 1700),
    ("uuid", 2950),
    ("jsonb", 3802),
    ("regclass", 2205),
];

/// How far an expression is looked into.
const DEEPEST: usize = 6;

impl Resolver<'_> {
    /// The type of a resolved expression, as far as it is easily told.
    pub(super) fn known(&self, node: Option<&Node>) -> Known {
        node.map_or(Known::Absent, |node| self.known_within(node, DEEPEST))
    }

    /// What a value is compared with in `value IN (…)` and `value BETWEEN … AND …`. The constants of a list take the type
    /// that they and the value have in common.
    pub(super) fn known_in_list(&self, value: Known, list: Option<&Node>) -> Known {
        let Some(Some(NodeEnum::List(list))) = list.map(|node| &node.node) else { return Known::Nothing };
        let each: Vec<Known> = list.items.iter().map(|item| self.known(Some(item))).collect();
        match value {
            Known::Type(oid) if oid < FIRST_USER_OID && each.iter().all(|one| *one == Known::Untyped) => value,
            value => each.into_iter().fold(value, |one, other| self.either(one, other)),
        }
    }

    /// What an operator compares of the elements of an array.
    pub(super) fn known_elements(&self, array: Option<&Node>) -> Known {
        match self.known(array) {
            Known::Type(oid) if oid < FIRST_USER_OID => Known::BuiltIn,
            Known::Type(_) | Known::Typed => Known::Typed,
            other @ (Known::Absent | Known::Untyped | Known::BuiltIn | Known::Nothing) => other,
        }
    }

    /// What holds of both.
    fn either(&self, one: Known, other: Known) -> Known {
        match (one, other) {
            (one, other) if one == other => one,
            (Known::Nothing | Known::Untyped | Known::Absent, _)
            | (_, Known::Nothing | Known::Untyped | Known::Absent) => Known::Nothing,
            (one, other) if self.is_built_in_value(one) && self.is_built_in_value(other) => Known::BuiltIn,
            _different => Known::Typed,
        }
    }

    fn known_within(&self, node: &Node, depth: usize) -> Known {
        let Some(node) = &node.node else { return Known::Nothing };
        let Some(depth) = depth.checked_sub(1) else {
            return if may_be_untyped(node) { Known::Nothing } else { Known::Typed };
        };
        match node {
            NodeEnum::ColumnRef(reference) => self.type_of_column(reference),
            NodeEnum::AConst(value) => match &value.val {
                Some(Val::Sval(_)) => Known::Untyped,
                Some(Val::Ival(_)) => Known::Type(INT4),
                Some(Val::Boolval(_)) => Known::Type(BOOL),
                // A large integer or a numeric; a bit string.
                Some(Val::Fval(_) | Val::Bsval(_)) => Known::BuiltIn,
                None if value.isnull => Known::Untyped,
                None => Known::Type(INT4),
            },
            NodeEnum::ParamRef(parameter) => self.type_of_parameter(parameter.number),
            NodeEnum::TypeCast(cast) => {
                cast.type_name.as_ref().and_then(|name| self.named_type(name)).map_or(Known::Typed, Known::Type)
            }
            NodeEnum::AIndirection(indirection) => {
                let (Some(value), [step]) = (&indirection.arg, indirection.indirection.as_slice()) else {
                    return Known::Typed;
                };
                let Known::Type(row) = self.known_within(value, depth) else { return Known::Typed };
                let info = self.context.catalog.type_of(row).filter(|info| info.oid == row);
                let field = info.zip(string(step)).and_then(|(info, name)| {
                    let at = info.names.iter().position(|field| **field == *name)?;
                    info.parts.get(at).copied()
                });
                field.map_or(Known::Typed, declared)
            }
            NodeEnum::BoolExpr(_) | NodeEnum::NullTest(_) | NodeEnum::BooleanTest(_) => Known::Type(BOOL),
            NodeEnum::SqlvalueFunction(_) | NodeEnum::MergeSupportFunc(_) => Known::BuiltIn,
            NodeEnum::AExpr(expr) => match AExprKind::try_from(expr.kind) {
                Ok(AExprKind::AexprOp) => self.type_of_operation(expr, depth),
                // Postgres wants a boolean of these.
                Ok(
                    AExprKind::AexprOpAny
                    | AExprKind::AexprOpAll
                    | AExprKind::AexprDistinct
                    | AExprKind::AexprNotDistinct
                    | AExprKind::AexprIn
                    | AExprKind::AexprBetween
                    | AExprKind::AexprNotBetween
                    | AExprKind::AexprBetweenSym
                    | AExprKind::AexprNotBetweenSym,
                ) => Known::Type(BOOL),
                Ok(
                    AExprKind::AexprNullif
                    | AExprKind::AexprLike
                    | AExprKind::AexprIlike
                    | AExprKind::AexprSimilar
                    | AExprKind::Undefined,
                )
                | Err(_) => Known::Typed,
            },
            NodeEnum::FuncCall(call) => self.type_of_call(call),
            NodeEnum::JsonFuncExpr(function) => {
                let name = function.output.as_ref().and_then(|output| output.type_name.as_ref());
                name.and_then(|name| self.named_type(name)).map_or(Known::Typed, Known::Type)
            }
            NodeEnum::CoalesceExpr(coalesce) => self.common(&coalesce.args, depth),
            NodeEnum::MinMaxExpr(extreme) => self.common(&extreme.args, depth),
            NodeEnum::AArrayExpr(array) => match self.common(&array.elements, depth) {
                Known::Type(oid) if oid >= FIRST_USER_OID => self.array_of(oid).map_or(Known::Typed, Known::Type),
                Known::Type(_) | Known::BuiltIn => Known::BuiltIn,
                Known::Absent | Known::Untyped | Known::Typed | Known::Nothing => Known::Typed,
            },
            NodeEnum::CollateClause(collate) => {
                collate.arg.as_ref().map_or(Known::Nothing, |value| self.known_within(value, depth))
            }
            other if may_be_untyped(other) => Known::Nothing,
            _typed => Known::Typed,
        }
    }

    /// The type that several values have in common.
    fn common(&self, nodes: &[Node], depth: usize) -> Known {
        let mut common = Known::Type(TEXT);
        let mut typed = false;
        for node in nodes {
            let known = self.known_within(node, depth);
            common = match (known, common) {
                (Known::Untyped, common) => common,
                (first, _) if !typed => first,
                (Known::Type(one), Known::Type(other)) if one == other => Known::Type(one),
                (one, other) if self.is_built_in_value(one) && self.is_built_in_value(other) => Known::BuiltIn,
                _different => return Known::Typed,
            };
            typed |= known != Known::Untyped;
        }
        common
    }

    fn is_built_in_value(&self, known: Known) -> bool {
        match known {
            Known::BuiltIn | Known::Untyped | Known::Absent => true,
            Known::Type(oid) => oid < FIRST_USER_OID,
            Known::Typed | Known::Nothing => false,
        }
    }

    /// An operation of the server's own on its own types gives one of its own types.
    fn type_of_operation(&self, expr: &AExpr, depth: usize) -> Known {
        let [name] = expr.name.as_slice() else { return Known::Nothing };
        let operand = |node: &Option<Box<Node>>| match node {
            Some(node) => self.known_within(node, depth),
            None => Known::Absent,
        };
        let (left, right) = (operand(&expr.lexpr), operand(&expr.rexpr));
        let rival = |operator: &crate::catalog::Operator| {
            self.context.path.searches(&operator.schema)
                && self.reaches(left, operator.left)
                && self.reaches(right, operator.right)
        };
        let own = self.is_built_in_value(left) && self.is_built_in_value(right);
        let captured = string(name).is_none_or(|name| self.context.catalog.operators(name).any(rival));
        if own && !captured { Known::BuiltIn } else { Known::Typed }
    }

    /// A call that can only give a type of the server's own.
    fn type_of_call(&self, call: &FuncCall) -> Known {
        let parts: Vec<&str> = call.funcname.iter().filter_map(string).collect();
        let (schema, name) = match parts.as_slice() {
            [name] => (None, *name),
            [schema, name] => (Some(*schema), *name),
            _other => return Known::Nothing,
        };
        let functions = self.context.catalog.functions(name).filter(|function| match schema {
            Some(schema) => *function.schema == *schema,
            None => self.context.path.searches(&function.schema),
        });
        let mut returns = functions.map(|function| function.returns);
        let Some(first) = returns.next() else { return Known::Typed };
        returns.fold(declared(first), |known, other| self.either(known, declared(other)))
    }

    fn type_of_parameter(&self, number: i32) -> Known {
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        match index.and_then(|index| self.declared_parameter(index)) {
            None | Some(0 | UNKNOWN) => Known::Untyped,
            Some(super::utility::SOME_TYPE) => Known::Typed,
            Some(oid) => declared(oid),
        }
    }

    /// The type of a column; its number where it is the column of a relation, passed on unchanged.
    fn type_of_column(&self, reference: &ColumnRef) -> Known {
        let number = || {
            let parts: Vec<&str> = reference.fields.iter().filter_map(string).collect();
            let [alias, name] = parts.as_slice() else { return None };
            let place = self.find_entry(None, alias, -1).ok()??;
            let Columns::Known(columns) = self.columns_at(place) else { return None };
            let (relation, index) = columns.iter().find(|column| &*column.name == *name)?.typed?;
            Some(self.relation_of(relation)?.columns.get(index)?.type_oid)
        };
        number().map_or(Known::Typed, declared)
    }

    /// The number of a type that a cast names, where the name can mean only one.
    pub(super) fn named_type(&self, name: &TypeName) -> Option<Oid> {
        if !name.array_bounds.is_empty() {
            let element = TypeName { array_bounds: Vec::new(), ..name.clone() };
            return self.named_type(&element).and_then(|element| self.array_of(element));
        }
        let parts: Vec<&str> = name.names.iter().filter_map(string).collect();
        let built_in = |name: &str| BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, oid)| *oid);
        match parts.as_slice() {
            ["pg_catalog", name] => built_in(name),
            [schema, name] => self.context.catalog.types(name).find(|found| &*found.schema == *schema).map(|t| t.oid),
            [name] => match self.context.catalog.types(name).next() {
                None => built_in(name),
                Some(found) if built_in(name).is_none() && self.context.path.searches(&found.schema) => {
                    let only = self.context.catalog.types(name).count() == 1;
                    only.then_some(found.oid)
                }
                Some(_) => None,
            },
            _other => None,
        }
    }

    /// The type of arrays of a user's type.
    fn array_of(&self, element: Oid) -> Option<Oid> {
        let info = self.context.catalog.type_of(element).filter(|info| info.oid == element)?;
        Some(info.array).filter(|array| *array != 0)
    }

    /// Whether a value of which so much is known can be passed, without a cast that is written, as a type.
    pub(super) fn reaches(&self, from: Known, to: Oid) -> bool {
        let from = match from {
            Known::Absent => return to == 0,
            _present if to == 0 => return false,
            Known::Untyped | Known::Nothing => return true,
            _typed if POLYMORPHIC.contains(&to) => return true,
            Known::BuiltIn => return self.built_in_reaches(to),
            Known::Typed => return self.some_value_reaches(to),
            Known::Type(oid) => oid,
        };
        if from == to {
            return true;
        }
        let (from, to) = (self.bottom(from), self.bottom(to));
        let is_row = |oid| self.context.catalog.type_of(oid).is_some_and(|info| info.kind == TypeKind::Composite);
        let built_in = |oid: Oid| oid < FIRST_USER_OID;
        // A row passes as its parent's; which built-in types pass as which is not held here.
        if from == to || (built_in(from) && built_in(to)) || (is_row(from) && is_row(to)) {
            return true;
        }
        let mut casts = self.context.catalog.casts().iter();
        casts.any(|cast| cast.implicit && self.bottom(cast.source) == from && self.bottom(cast.target) == to)
    }

    /// Whether some value in the statement passes as a type.
    fn some_value_reaches(&self, to: Oid) -> bool {
        let to = self.bottom(to);
        // A row without a type of its own passes as any.
        let is_row = self.context.catalog.type_of(to).is_none_or(|info| info.kind == TypeKind::Composite);
        let there = |oid: Oid| oid < FIRST_USER_OID || self.is_in_play(oid);
        let mut casts = self.context.catalog.casts().iter();
        to < FIRST_USER_OID
            || is_row
            || self.is_in_play(to)
            || casts.any(|cast| cast.implicit && self.bottom(cast.target) == to && there(self.bottom(cast.source)))
    }

    /// Whether some type that came with the server passes as a type.
    fn built_in_reaches(&self, to: Oid) -> bool {
        let bottom = self.bottom(to);
        let mut casts = self.context.catalog.casts().iter();
        bottom < FIRST_USER_OID
            || casts.any(|cast| {
                cast.implicit && self.bottom(cast.source) < FIRST_USER_OID && self.bottom(cast.target) == bottom
            })
    }

    /// The type below arrays and domains.
    pub(super) fn bottom(&self, oid: Oid) -> Oid {
        let mut oid = oid;
        // Domains over domains end somewhere; a snapshot read from JSON might not.
        for _ in 0..32 {
            match self.context.catalog.type_of(oid) {
                Some(TypeInfo { kind: TypeKind::Domain, parts, .. }) if !parts.is_empty() => oid = parts[0],
                Some(info) => return info.oid,
                None => return oid,
            }
        }
        oid
    }
}

/// What is known of a value of a declared type: of a pseudo-type's any type can be meant.
fn declared(oid: Oid) -> Known {
    if POLYMORPHIC.contains(&oid) { Known::Typed } else { Known::Type(oid) }
}

/// Whether Postgres may take an expression, not a literal in a cast or a target list, for one without a type.
fn may_be_untyped(node: &NodeEnum) -> bool {
    !matches!(
        node,
        NodeEnum::ColumnRef(_)
            | NodeEnum::TypeCast(_)
            | NodeEnum::FuncCall(_)
            | NodeEnum::AExpr(_)
            | NodeEnum::AIndirection(_)
            | NodeEnum::AArrayExpr(_)
            | NodeEnum::BoolExpr(_)
            | NodeEnum::NullTest(_)
            | NodeEnum::BooleanTest(_)
            | NodeEnum::CaseExpr(_)
            | NodeEnum::CoalesceExpr(_)
            | NodeEnum::MinMaxExpr(_)
            | NodeEnum::RowExpr(_)
            | NodeEnum::SubLink(_)
            | NodeEnum::SqlvalueFunction(_)
            | NodeEnum::MergeSupportFunc(_)
            | NodeEnum::GroupingFunc(_)
            | NodeEnum::XmlExpr(_)
            | NodeEnum::XmlSerialize(_)
    )
}
