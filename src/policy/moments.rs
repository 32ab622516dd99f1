//! Conditions and the clock: what a date means depends on the session's TimeZone, DateStyle and IntervalStyle, which the
//! client sets. So a condition may compare moments only in ways that mean the same under any of them.
//!
//! A `timestamptz` column may be compared with now(), plus or minus an interval, or with a constant that carries its
//! offset (`timestamptz '2026-01-31 00:00:00+00'`). Columns of other date types may be compared with their own kind only.

use super::constant::oid;
use super::exists::column_name;
use crate::vocab::Oid;
use pg_query::NodeEnum;
use pg_query::protobuf::{AConst, AExpr, Node, TypeCast, a_const::Val};
use std::sync::Arc;

/// The columns of a condition that are compared with something whose meaning may depend on the session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Moments {
    /// Compared with a plain string: the column must not be a date.
    pub(super) texts: Vec<Arc<str>>,
    /// Compared with a moment: the column must be a `timestamptz`.
    pub(super) moments: Vec<Arc<str>>,
    /// Compared with each other: if one is a date the other is one of the same type.
    pub(super) pairs: Vec<(Arc<str>, Arc<str>)>,
}

/// What stands on one side of an operator.
enum Side {
    Text,
    Moment,
    Interval,
    Column(Arc<str>),
    Other,
}

impl Moments {
    /// Notes a comparison or addition; both operands have been read.
    pub(super) fn note(&mut self, left: &Node, right: &Node) -> Result<(), String> {
        match (side(left)?, side(right)?) {
            (Side::Column(a), Side::Column(b)) => self.pairs.push((a, b)),
            (Side::Column(column), Side::Text) | (Side::Text, Side::Column(column)) => self.texts.push(column),
            (Side::Column(column), Side::Moment | Side::Interval)
            | (Side::Moment | Side::Interval, Side::Column(column)) => self.moments.push(column),
            (Side::Moment, Side::Text) | (Side::Text, Side::Moment) => {
                return Err(ambiguous("a date in a plain string"));
            }
            (Side::Interval, Side::Text) | (Side::Text, Side::Interval) => {
                return Err(ambiguous("an interval in a plain string"));
            }
            (Side::Other, _)
            | (_, Side::Other)
            | (Side::Moment | Side::Interval, Side::Moment | Side::Interval)
            | (Side::Text, Side::Text) => {}
        }
        Ok(())
    }

    /// Whether the columns have types for which the comparisons mean the same in every session.
    pub(super) fn fit(&self, type_of: &dyn Fn(&str) -> Option<Oid>) -> bool {
        let type_of = |name: &Arc<str>| type_of(name).unwrap_or_default();
        self.texts.iter().all(|column| !is_temporal(type_of(column)))
            && self.moments.iter().all(|column| type_of(column) == oid::TIMESTAMPTZ)
            && self
                .pairs
                .iter()
                .all(|(a, b)| type_of(a) == type_of(b) || !(is_temporal(type_of(a)) || is_temporal(type_of(b))))
    }
}

/// Whether an operand is a moment or an interval.
pub(super) fn is_of_time(node: &Node) -> Result<bool, String> {
    Ok(matches!(side(node)?, Side::Moment | Side::Interval))
}

/// `date`, `time`, `timestamp`, `timestamptz`, `interval`, `timetz`.
fn is_temporal(type_oid: u32) -> bool {
    matches!(type_oid, oid::DATE | 1083 | oid::TIMESTAMP | oid::TIMESTAMPTZ | 1186 | 1266)
}

fn ambiguous(what: &str) -> String {
    format!("{what} depends on the session's DateStyle and TimeZone; write timestamptz '2026-01-31 00:00:00+00'")
}

fn side(node: &Node) -> Result<Side, String> {
    Ok(match &node.node {
        Some(NodeEnum::AConst(AConst { val: Some(Val::Sval(_)), .. })) => Side::Text,
        Some(NodeEnum::ColumnRef(column)) => match column_name(&column.fields) {
            Some(name) => Side::Column(name.into()),
            None => Side::Other,
        },
        Some(NodeEnum::FuncCall(_)) => Side::Moment,
        Some(NodeEnum::TypeCast(cast)) => cast_side(cast)?,
        Some(NodeEnum::AExpr(expression)) => sum_side(expression)?,
        _a_boolean_or_a_number => Side::Other,
    })
}

/// A constant of a written type, or a column cast.
fn cast_side(cast: &TypeCast) -> Result<Side, String> {
    let names = cast.type_name.as_ref().map_or(&[][..], |name| &name.names);
    let name = names.iter().filter_map(crate::sql::string).next_back().unwrap_or_default();
    let constant = match cast.arg.as_ref().and_then(|arg| arg.node.as_ref()) {
        Some(NodeEnum::AConst(AConst { val: Some(Val::Sval(text)), .. })) => Some(text.sval.as_str()),
        _not_a_string => None,
    };
    match (name, constant) {
        ("interval", _) => Ok(Side::Interval),
        ("timestamptz", Some(text)) if is_absolute(text) => Ok(Side::Moment),
        ("timestamptz" | "timestamp" | "date" | "time", Some(text)) => Err(ambiguous(&format!("the moment `{text}`"))),
        _any_other_type => Ok(Side::Other),
    }
}

/// A moment plus or minus an interval is a moment; a column plus or minus one is still about the column.
fn sum_side(expression: &AExpr) -> Result<Side, String> {
    let sign = expression.name.iter().filter_map(crate::sql::string).next_back();
    let (Some("+" | "-"), Some(left), Some(right)) = (sign, &expression.lexpr, &expression.rexpr) else {
        return Ok(Side::Other);
    };
    Ok(match (side(left)?, side(right)?) {
        (Side::Column(column), Side::Interval) | (Side::Interval, Side::Column(column)) => Side::Column(column),
        (Side::Moment, _) | (_, Side::Moment) => Side::Moment,
        (Side::Interval, Side::Interval) => Side::Interval,
        (
            Side::Text | Side::Column(_) | Side::Other | Side::Interval,
            Side::Text | Side::Column(_) | Side::Other | Side::Interval,
        ) => Side::Other,
    })
}

/// `YYYY-MM-DD HH:MM:SS` with an offset or Z: the one form that no setting reads otherwise.
fn is_absolute(text: &str) -> bool {
    let Some((moment, offset)) = text.split_at_checked(19) else { return false };
    let shape = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(b, p)| if p == b'0' { b.is_ascii_digit() } else { b == p })
    };
    let date = shape(moment, "0000-00-00 00:00:00") || shape(moment, "0000-00-00T00:00:00");
    let zone = ["+00", "-00", "+00:00", "-00:00"].iter().any(|pattern| shape(offset, pattern));
    date && (zone || offset == "Z")
}

#[cfg(test)]
mod tests {
    use super::is_absolute;

    #[test]
    fn only_moments_with_an_offset_are_absolute() {
        for text in ["2026-01-31 00:00:00+00", "2026-01-31T10:00:00Z", "2026-01-31 00:00:00-08:30"] {
            assert!(is_absolute(text), "{text}");
        }
        for text in ["2026-01-31", "2026-01-31 00:00:00", "01/02/2026 00:00:00+00", "today", "2026-01-31 00:00:00 PST"]
        {
            assert!(!is_absolute(text), "{text}");
        }
    }
}
