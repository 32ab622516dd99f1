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
use pg_query::protobuf::{ColumnRef, Node, TypeName, a_const::Val};

/// What is known of an expression's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// There is no expression: the operand that a prefix operator lacks.
    Absent,
    /// A literal or a parameter without a declared type: it takes whatever type is expected.
    Untyped,
    /// This type.
    Type(Oid),
    Nothing,
}

/// `pg_type.oid` of the pseudo-types that stand for many: `record`, `any`, `anyarray`, `anyelement`, `anynonarray`,
/// `anyenum`, `anyrange`, `record[]`, `anymultirange`, `anycompatible` and its kin.
const POLYMORPHIC: [Oid; 14] = [2249, 2276, 2277, 2283, 2776, 3500, 3831, 2287, 4537, 4538, 5077, 5078, 5079, 5080];

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

impl Resolver<'_> {
    /// The type of a resolved expression, as far as it is easily told.
    pub(super) fn known(&self, node: Option<&Node>) -> Known {
        let Some(node) = node else { return Known::Absent };
        match &node.node {
            Some(NodeEnum::ColumnRef(reference)) => self.type_of_column(reference).map_or(Known::Nothing, Known::Type),
            Some(NodeEnum::AConst(value)) => match &value.val {
                Some(Val::Sval(_)) => Known::Untyped,
                Some(Val::Ival(_)) => Known::Type(23),
                Some(Val::Boolval(_)) => Known::Type(16),
                // A large integer or a numeric; a bit string.
                Some(Val::Fval(_) | Val::Bsval(_)) => Known::Nothing,
                None => {
                    if value.isnull {
                        Known::Untyped
                    } else {
                        Known::Type(23)
                    }
                }
            },
            Some(NodeEnum::ParamRef(parameter)) => self.type_of_parameter(parameter.number),
            Some(NodeEnum::TypeCast(cast)) => {
                cast.type_name.as_ref().and_then(|name| self.named_type(name)).map_or(Known::Nothing, Known::Type)
            }
            Some(_) | None => Known::Nothing,
        }
    }

    fn type_of_parameter(&self, number: i32) -> Known {
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        match index.and_then(|index| self.declared_parameter(index)) {
            None | Some(0 | 705) => Known::Untyped,
            Some(super::utility::SOME_TYPE) => Known::Nothing,
            Some(declared) => Known::Type(declared),
        }
    }

    /// The type of a column that is the column of a relation, passed on unchanged.
    fn type_of_column(&self, reference: &ColumnRef) -> Option<Oid> {
        let parts: Vec<&str> = reference.fields.iter().filter_map(string).collect();
        let [alias, name] = parts.as_slice() else { return None };
        let place = self.find_entry(None, alias, -1).ok()??;
        let Columns::Known(columns) = self.columns_at(place) else { return None };
        let (relation, index) = columns.iter().find(|column| &*column.name == *name)?.typed?;
        Some(self.relation_of(relation)?.columns.get(index)?.type_oid)
    }

    /// The number of a type that a cast names, where the name can mean only one.
    pub(super) fn named_type(&self, name: &TypeName) -> Option<Oid> {
        if !name.array_bounds.is_empty() {
            return None;
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

    /// Whether a value of which so much is known can be passed, without a cast that is written, as a type.
    pub(super) fn reaches(&self, from: Known, to: Oid) -> bool {
        let from = match from {
            Known::Absent => return to == 0,
            _present if to == 0 => return false,
            Known::Untyped | Known::Nothing => return true,
            Known::Type(oid) => oid,
        };
        if from == to || POLYMORPHIC.contains(&to) {
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
