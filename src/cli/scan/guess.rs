//! What a column probably holds: by its name, its type, what was sampled of it, and what its table is about.

use super::kind::{Class, Kind, by_name};
use super::sample::Sampled;
use crate::catalog::{Catalog, Column, Relation};

/// Below this share of the sampled values a kind that only values tell is not proposed.
const SHARE: usize = 60;
/// So many values must have been sampled for their looks to count against a name.
const ENOUGH: usize = 10;

/// What a column probably holds, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guess {
    pub(super) kind: Kind,
    /// From 0 to 100.
    pub(super) confidence: usize,
    pub(super) why: String,
}

/// What a type says of its values.
pub(super) fn class(column: &Column) -> Class {
    match column.type_oid {
        16 => Class::Boolean,
        17 => Class::Binary,
        20 | 21 | 23 | 700 | 701 | 1700 => Class::Number,
        25 | 1042 | 1043 | 19 => Class::Text,
        114 | 3802 => Class::Json,
        869 | 650 => Class::Inet,
        1082 | 1114 | 1184 => Class::Time,
        2950 => Class::Uuid,
        _other if column.type_sql.ends_with("citext") || column.type_sql.starts_with("text") => Class::Text,
        _other => Class::Other,
    }
}

/// The guess at a column. Of values only how many looked like what is known here.
pub(super) fn guess(column: &Column, sampled: Option<&Sampled>) -> Option<Guess> {
    let class = class(column);
    let named = by_name(&column.name, class);
    let nothing = Sampled::default();
    let sampled = sampled.unwrap_or(&nothing);
    let count = sampled.values;
    let share = |kind: Kind| (sampled.count(kind) * 100).checked_div(count).unwrap_or(0);
    let looks = |kind: Kind| format!("{} % of {count} sampled values look like {}", share(kind), kind.words());
    let told = Kind::LOOKS.into_iter().filter(|kind| kind.is_told_by_values() && count > 0 && class != Class::Time);
    let told = told.filter(|kind| share(*kind) >= SHARE).max_by_key(|kind| share(*kind));
    if let Some(kind) = told {
        let agrees = named == Some(kind);
        let confidence = (if agrees { 59 } else { 45 }) + share(kind) * 40 / 100;
        let name = if agrees { ", and its name says so" } else { "" };
        return Some(Guess { kind, confidence: confidence - few(count), why: format!("{}{name}", looks(kind)) });
    }
    if let Some(kind) = named {
        let (confidence, why) = match count {
            0 => (60, "its name says so; no value was sampled".to_owned()),
            _ if !kind.has_looks() => (70, "its name says so".to_owned()),
            _ if count >= ENOUGH && share(kind) < 10 => (35, format!("its name says so, but only {}", looks(kind))),
            _ => (60 + share(kind) * 35 / 100 - few(count), format!("its name says so; {}", looks(kind))),
        };
        return Some(Guess { kind, confidence, why });
    }
    let weak = |kind: &Kind| matches!(kind, Kind::FreeText | Kind::Name) && count >= ENOUGH && share(*kind) >= 80;
    let kind = Kind::LOOKS.into_iter().find(|kind| class == Class::Text && weak(kind))?;
    Some(Guess { kind, confidence: 45, why: looks(kind) })
}

/// Few values make little sure.
fn few(count: usize) -> usize {
    if count < ENOUGH { 15 } else { 0 }
}

/// The one column of a table's primary key.
pub(super) fn key_of(relation: &Relation) -> Option<&Column> {
    let [number] = relation.primary_key.as_slice() else { return None };
    relation.columns.iter().find(|column| column.number == *number)
}

/// Whether a table is probably about people, going by what its columns hold: an e-mail address, or two other such things.
pub(super) fn is_of_people(guesses: &[Option<Guess>]) -> bool {
    let mut kinds: Vec<Kind> =
        guesses.iter().flatten().filter(|guess| guess.confidence >= 40).map(|guess| guess.kind).collect();
    kinds.retain(|kind| kind.is_of_people());
    kinds.sort_unstable();
    kinds.dedup();
    kinds.contains(&Kind::Email) || kinds.len() > 1
}

/// The columns of single-column foreign keys, with the tables that they refer to.
pub(super) fn references<'c>(relation: &'c Relation, catalog: &'c Catalog) -> Vec<(&'c Column, &'c Relation)> {
    let single = relation.foreign_keys.iter().filter_map(|key| match key.columns.as_slice() {
        [number] => {
            Some((relation.columns.iter().find(|column| column.number == *number)?, catalog.relation(key.references)?))
        }
        _several => None,
    });
    single.collect()
}
