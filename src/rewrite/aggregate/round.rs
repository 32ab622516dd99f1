//! Numbers that are told as multiples of a step. They keep the type that the server gives them.

use super::call::number;
use crate::catalog::Column;
use crate::sql::{Visitor, expression, string, walk};
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::{ColumnRef, Node};

/// What an aggregate answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Bigint,
    Numeric,
    Real,
    Double,
}

impl Number {
    /// Of `count`, or of an aggregate of this column.
    pub(super) fn of(name: Option<&str>, column: Option<&Column>) -> Number {
        let type_oid = column.map_or(0, |column| column.type_oid);
        match name {
            Some("count") => Number::Bigint,
            Some("sum") if number::SMALL_INTEGERS.contains(&type_oid) => Number::Bigint,
            Some("sum") if type_oid == number::FLOAT4 => Number::Real,
            _other if number::FLOATS.contains(&type_oid) => Number::Double,
            _other => Number::Numeric,
        }
    }

    pub(super) fn sql(self) -> &'static str {
        match self {
            Number::Bigint => "int8",
            Number::Numeric => "numeric",
            Number::Real => "float4",
            Number::Double => "float8",
        }
    }
}

/// The nearest multiple of the step. Zero is added for a float's sake: it would keep the sign of what was rounded to zero.
pub(super) fn rounded(told: Node, number: Number, step: u32) -> Option<Node> {
    let exact = match number {
        Number::Bigint | Number::Numeric => "numeric",
        Number::Real | Number::Double => "float8",
    };
    let sql = format!(
        "CAST(pg_catalog.round(CAST({TOLD} AS pg_catalog.{exact}) OPERATOR(pg_catalog./) {step}) OPERATOR(pg_catalog.*) {step} \
         OPERATOR(pg_catalog.+) 0 AS pg_catalog.{})",
        number.sql()
    );
    filled(&sql, [told])
}

/// Stand in an expression of ours for what is put there, in this order.
pub(super) const TOLD: &str = "\"wherefore told\"";
pub(super) const OTHER: &str = "\"wherefore other\"";

/// An expression of ours with nodes in the places of [`TOLD`] and [`OTHER`].
pub(super) fn filled<const N: usize>(sql: &str, nodes: [Node; N]) -> Option<Node> {
    struct Filler(Vec<(&'static str, Node)>);
    impl Visitor for Filler {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            if let Some(NodeEnum::ColumnRef(ColumnRef { fields, location: _ })) = &node.node
                && let [name] = fields.as_slice()
                && let Some(at) = self.0.iter().position(|(slot, _)| string(name) == Some(slot.trim_matches('"')))
            {
                *node = self.0.swap_remove(at).1;
            }
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let mut node = expression(sql)?;
    let mut filler = Filler([TOLD, OTHER].into_iter().zip(nodes).collect());
    walk(&mut node, &mut filler).ok()?;
    filler.0.is_empty().then_some(node)
}
