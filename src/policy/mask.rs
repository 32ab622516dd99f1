//! What stands in for a masked value: which columns a mask fits, and its SQL.
//!
//! A mask never raises an error, whatever value the column holds, means the same in every session, and has the column's
//! type. Hence every function and operator is one of `pg_catalog`, times are cut in UTC, and values at the edges of a type
//! that arithmetic could leave become null. Masking what is masked changes nothing, but for pseudonyms.

use super::constant::{self, oid};
use crate::catalog::{Column, pseudonyms, quote_literal};
use std::sync::Arc;

/// What a purpose gets in a value's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mask {
    Null,
    /// The constant's text, cast to the column's type. That it casts is checked when the policy is bound to a catalog.
    Constant(Arc<str>),
    /// The first and last characters of a text. At least three characters are hidden, and as many as are shown; a text that
    /// is too short for that shows none.
    Partial {
        first: u16,
        last: u16,
    },
    /// The first characters of a postal code, of which at least two are hidden.
    PostalCode(u16),
    /// A date or time, cut to the beginning of such a unit.
    Date(DateUnit),
    /// A number, cut towards zero to a multiple of this, which is plain digits with at most one point.
    Number(Arc<str>),
    /// An address without what identifies a host: so many bits of an IPv4 address, and twice as many of an IPv6 one.
    Inet(u8),
    /// An object with some of its keys.
    Jsonb(Keys, Arc<[Arc<str>]>),
    /// A keyed hash that has the column's type, the same for the same value under one purpose.
    Pseudonym(Pseudonym),
}

/// Units that dates are cut to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateUnit {
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
}

impl DateUnit {
    pub const ALL: [DateUnit; 7] = [
        DateUnit::Hour,
        DateUnit::Day,
        DateUnit::Week,
        DateUnit::Month,
        DateUnit::Quarter,
        DateUnit::Year,
        DateUnit::Decade,
    ];

    /// Its name in a policy and in `date_trunc`.
    pub fn word(self) -> &'static str {
        match self {
            DateUnit::Hour => "hour",
            DateUnit::Day => "day",
            DateUnit::Week => "week",
            DateUnit::Month => "month",
            DateUnit::Quarter => "quarter",
            DateUnit::Year => "year",
            DateUnit::Decade => "decade",
        }
    }
}

/// What becomes of the keys of an object that a mask lists. What does not stand at its top is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// They are all that is left.
    Keep,
    /// They are left out.
    Remove,
    /// Their values are replaced by `"***"`.
    Hide,
}

impl Keys {
    pub const ALL: [Keys; 3] = [Keys::Keep, Keys::Remove, Keys::Hide];

    /// Its name in a policy.
    pub fn word(self) -> &'static str {
        match self {
            Keys::Keep => "keep",
            Keys::Remove => "remove",
            Keys::Hide => "hide",
        }
    }
}

/// Of what a pseudonym is made beside the value. The key itself never leaves the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pseudonym {
    /// The name of a key in the database.
    pub key: Arc<str>,
    /// The purpose in force, and the recipient, for which all pseudonyms of a value are alike; empty in a rule.
    pub purpose: Arc<str>,
}

impl Mask {
    /// What it shows, in words.
    pub fn words(&self) -> String {
        match self {
            Mask::Null => "NULL".to_owned(),
            Mask::Constant(constant) => format!("'{constant}'"),
            Mask::Partial { first, last: 0 } => format!("the first {first} characters"),
            Mask::Partial { first: 0, last } => format!("the last {last} characters"),
            Mask::Partial { first, last } => format!("the first {first} and last {last} characters"),
            Mask::PostalCode(first) => format!("the first {first} of a postal code"),
            Mask::Date(unit) => format!("its {}", unit.word()),
            Mask::Number(step) => format!("a multiple of {step}"),
            Mask::Inet(bits) => format!("its network of {bits} bits"),
            Mask::Jsonb(Keys::Keep, keys) => format!("the keys {}", keys.join(", ")),
            Mask::Jsonb(Keys::Remove, keys) => format!("all but the keys {}", keys.join(", ")),
            Mask::Jsonb(Keys::Hide, keys) => format!("all but the values of {}", keys.join(", ")),
            Mask::Pseudonym(_) => "a pseudonym".to_owned(),
        }
    }

    /// Whether it depends on the value, so that who sees it learns something of it.
    pub fn tells(&self) -> bool {
        match self {
            Mask::Null | Mask::Constant(_) => false,
            Mask::Partial { .. }
            | Mask::PostalCode(_)
            | Mask::Date(_)
            | Mask::Number(_)
            | Mask::Inet(_)
            | Mask::Jsonb(..)
            | Mask::Pseudonym(_) => true,
        }
    }

    /// What tells no more than either of two masks on the same column.
    pub(super) fn meet(self, other: Mask) -> Mask {
        match (self.tells(), other.tells()) {
            _ if self == other => self,
            (true, false) => other,
            (false, true) => self,
            // What each shows the other may hide.
            (true, true) | (false, false) => Mask::Null,
        }
    }

    /// The mask as a reader sees it.
    pub(super) fn under(&self, reader: Arc<str>) -> Mask {
        match self {
            Mask::Pseudonym(Pseudonym { key, purpose: _ }) => {
                Mask::Pseudonym(Pseudonym { key: Arc::clone(key), purpose: reader })
            }
            Mask::Null
            | Mask::Constant(_)
            | Mask::Partial { .. }
            | Mask::PostalCode(_)
            | Mask::Date(_)
            | Mask::Number(_)
            | Mask::Inet(_)
            | Mask::Jsonb(..) => self.clone(),
        }
    }

    /// Whether it is sure to give a value of the column's type for every value of the column.
    pub fn fits(&self, column: &Column) -> bool {
        let text = matches!(column.type_oid, oid::TEXT | oid::VARCHAR | oid::BPCHAR);
        match self {
            Mask::Null => true,
            Mask::Constant(text) => constant::casts(text, column),
            Mask::Partial { .. } | Mask::PostalCode(_) => text,
            Mask::Date(DateUnit::Hour) => matches!(column.type_oid, oid::TIMESTAMP | oid::TIMESTAMPTZ),
            Mask::Date(_) => matches!(column.type_oid, oid::DATE | oid::TIMESTAMP | oid::TIMESTAMPTZ),
            Mask::Number(step) => match column.type_oid {
                oid::INT2 | oid::INT4 | oid::INT8 => !step.contains('.'),
                oid::NUMERIC | oid::FLOAT4 | oid::FLOAT8 => true,
                _another_type => false,
            },
            Mask::Inet(_) => matches!(column.type_oid, oid::INET | oid::CIDR),
            Mask::Jsonb(..) => column.type_oid == oid::JSONB,
            Mask::Pseudonym(_) => match column.type_oid {
                oid::TEXT | oid::INT4 | oid::INT8 | oid::UUID => true,
                oid::VARCHAR | oid::BPCHAR => length(column).is_none_or(|length| length >= PSEUDONYM_LENGTH),
                _another_type => false,
            },
        }
    }

    /// The mask of the column that is written `value`, where [`Mask::fits`] says so.
    pub fn sql(&self, value: &str, column: &Column) -> String {
        let masked = match self {
            Mask::Null => "NULL".to_owned(),
            Mask::Constant(constant) => quote_literal(constant),
            Mask::Partial { first, last } => partial(value, (*first).into(), (*last).into()),
            Mask::PostalCode(first) => {
                let text = as_text(value);
                format!(
                    "CASE WHEN pg_catalog.length({text}) OPERATOR(pg_catalog.>=) {} \
                     THEN pg_catalog.\"left\"({text}, {first}) OPERATOR(pg_catalog.||) CAST('**' AS pg_catalog.text) \
                     WHEN {value} IS NOT NULL THEN CAST('*' AS pg_catalog.text) END",
                    first + 2
                )
            }
            Mask::Date(unit) => date(value, *unit, column),
            Mask::Number(step) => number(value, step, column),
            Mask::Inet(bits) => inet(value, *bits),
            Mask::Jsonb(what, keys) => jsonb(value, *what, keys),
            Mask::Pseudonym(pseudonym) => keyed(value, pseudonym, column),
        };
        format!("CAST({masked} AS {})", column.type_sql)
    }
}

fn as_text(value: &str) -> String {
    format!("CAST({value} AS pg_catalog.text)")
}

/// The longest text that a column takes, where its type says so.
fn length(column: &Column) -> Option<u32> {
    column.type_sql.split_once('(')?.1.strip_suffix(')')?.parse().ok()
}

/// There are as many stars as characters that are hidden at least: so what is masked is as it is when masked again, and never
/// longer than the value, which a type may bound.
fn partial(value: &str, first: usize, last: usize) -> String {
    let (text, hidden) = (as_text(value), (first + last).max(3));
    let end = |function: &str, shown: usize| match shown {
        0 => None,
        _some => Some(format!("pg_catalog.\"{function}\"({text}, {shown})")),
    };
    let stars = format!("CAST('{}' AS pg_catalog.text)", "*".repeat(hidden));
    let parts = [end("left", first), Some(stars), end("right", last)];
    let shown = parts.into_iter().flatten().collect::<Vec<_>>().join(" OPERATOR(pg_catalog.||) ");
    format!(
        "CASE WHEN pg_catalog.length({text}) OPERATOR(pg_catalog.>=) {} THEN {shown} \
         WHEN {value} IS NOT NULL THEN CAST('***' AS pg_catalog.text) END",
        first + last + hidden
    )
}

/// `NULL` outside the years 300 to 9999: types have different ends, and no unit that such a date lies in begins before the
/// first of them, which was a Monday.
fn date(value: &str, unit: DateUnit, column: &Column) -> String {
    let (zone, plain) = match column.type_oid {
        oid::DATE => ("", "pg_catalog.date"),
        oid::TIMESTAMPTZ => (" 00:00:00+00", "pg_catalog.timestamptz"),
        _timestamp => ("", "pg_catalog.timestamp"),
    };
    let truncated = |value: &str| format!("pg_catalog.date_trunc('{}', {value})", unit.word());
    let cut = match column.type_oid {
        oid::DATE => truncated(&format!("CAST({value} AS pg_catalog.timestamp)")),
        // In UTC: a session that changes its time zone would otherwise see other cuts.
        oid::TIMESTAMPTZ => {
            let utc = truncated(&format!("pg_catalog.timezone('UTC', {value})"));
            format!("pg_catalog.timezone('UTC', {utc})")
        }
        _timestamp => truncated(value),
    };
    format!(
        "CASE WHEN {value} OPERATOR(pg_catalog.>=) CAST('0300-01-01{zone}' AS {plain}) \
         AND {value} OPERATOR(pg_catalog.<) CAST('9999-12-31{zone}' AS {plain}) THEN {cut} END"
    )
}

/// Towards zero, so that the result is never beyond the type's ends. What is left of a division is exact, a quotient of
/// numbers with many digits is not.
fn number(value: &str, step: &str, column: &Column) -> String {
    let exact = format!("CAST({value} AS pg_catalog.\"numeric\")");
    // No more digits after the point than the step has: how many the value has is not told.
    let digits = step.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let cut = format!(
        "pg_catalog.trunc({exact} OPERATOR(pg_catalog.-) \
         pg_catalog.mod({exact}, CAST({} AS pg_catalog.\"numeric\")), {digits})",
        quote_literal(step)
    );
    match column.type_oid {
        oid::FLOAT4 | oid::FLOAT8 => format!(
            "CASE WHEN {value} OPERATOR(pg_catalog.>=) CAST('-1e15' AS pg_catalog.float8) \
             AND {value} OPERATOR(pg_catalog.<=) CAST('1e15' AS pg_catalog.float8) THEN {cut} END"
        ),
        _exact => cut,
    }
}

fn inet(value: &str, bits: u8) -> String {
    let network = |bits: u8| {
        format!("pg_catalog.network(pg_catalog.set_masklen({value}, LEAST(pg_catalog.masklen({value}), {bits})))")
    };
    format!(
        "CASE WHEN pg_catalog.family({value}) OPERATOR(pg_catalog.=) 4 THEN {} ELSE {} END",
        network(bits),
        network(2 * bits)
    )
}

/// What is no object has no keys, and is null.
fn jsonb(value: &str, what: Keys, keys: &[Arc<str>]) -> String {
    let text = |key: &Arc<str>| format!("CAST({} AS pg_catalog.text)", quote_literal(key));
    let one = |key: &Arc<str>, then: &str| {
        format!(
            "CASE WHEN pg_catalog.jsonb_exists({value}, {key}) THEN pg_catalog.jsonb_build_object({key}, {then}) \
             ELSE CAST('{{}}' AS pg_catalog.jsonb) END",
            key = text(key)
        )
    };
    let join = |parts: Vec<String>| parts.join(" OPERATOR(pg_catalog.||) ");
    let masked = match what {
        Keys::Keep => {
            let kept = |key: &Arc<str>| format!("({value} OPERATOR(pg_catalog.->) {})", text(key));
            join(keys.iter().map(|key| format!("({})", one(key, &kept(key)))).collect())
        }
        Keys::Remove => {
            let keys: Vec<String> = keys.iter().map(text).collect();
            format!("{value} OPERATOR(pg_catalog.-) ARRAY[{}]", keys.join(", "))
        }
        Keys::Hide => {
            let hidden = keys.iter().map(|key| format!("({})", one(key, "CAST('***' AS pg_catalog.text)")));
            join([value.to_owned()].into_iter().chain(hidden).collect())
        }
    };
    format!(
        "CASE WHEN pg_catalog.jsonb_typeof({value}) OPERATOR(pg_catalog.=) CAST('object' AS pg_catalog.text) THEN {masked} END"
    )
}

/// How many hexadecimal digits a pseudonym of a text has.
const PSEUDONYM_LENGTH: u32 = 32;

fn keyed(value: &str, pseudonym: &Pseudonym, column: &Column) -> String {
    let hash = format!(
        "{}({}, {}, {})",
        pseudonyms::FUNCTION,
        as_text(value),
        quote_literal(&pseudonym.key),
        quote_literal(&pseudonym.purpose)
    );
    let hex = |digits: u32| format!("pg_catalog.\"left\"(pg_catalog.encode({hash}, 'hex'), {digits})");
    let bits = |digits: u32| {
        let hex = hex(digits);
        format!("CAST(CAST('x' AS pg_catalog.text) OPERATOR(pg_catalog.||) {hex} AS pg_catalog.bit({}))", 4 * digits)
    };
    match column.type_oid {
        oid::INT4 => bits(8),
        oid::INT8 => bits(16),
        _text_or_uuid => hex(PSEUDONYM_LENGTH),
    }
}
