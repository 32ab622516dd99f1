//! The words that tags are drafted in: a policy's own categories and subjects, else those of Fideslang.

use super::kind::{Kind, snake};
use crate::policy::{Policy, Term};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What tags may be called.
pub(in crate::cli) enum Words {
    Policys {
        categories: Vec<Term>,
        subjects: Vec<Term>,
    },
    /// What is used is noted, to be declared.
    Fideslang {
        categories: BTreeSet<String>,
        subjects: BTreeSet<String>,
    },
}

/// How a category was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum How {
    Said,
    /// By a key above the one that was said.
    Above,
}

/// Whether a policy can declare a category of that name.
fn is_key(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.split('.').all(|part| !part.is_empty() && part.bytes().all(plain))
}

/// The category of the nearest key above one of Fideslang. The topmost says nothing.
fn above<'t>(categories: &'t [Term], key: &str) -> Option<&'t Term> {
    let mut key = key;
    while let Some((prefix, _)) = key.rsplit_once('.').filter(|(prefix, _)| prefix.contains('.')) {
        key = prefix;
        if let Some(term) = categories.iter().find(|term| term.fides.as_deref() == Some(key)) {
            return Some(term);
        }
    }
    None
}

/// Where a column stands, for categories that differ by that.
pub(super) struct Place<'p> {
    pub(super) table: &'p str,
    pub(super) column: &'p str,
    /// The table is about people, and the column is its key.
    pub(super) is_person: bool,
}

/// The words of a name, in the singular.
fn parts(name: &str) -> Vec<String> {
    let singular = |word: &str| match word {
        _ if word.ends_with("ies") && word.len() > 4 => format!("{}y", &word[..word.len() - 3]),
        _ if ["ches", "shes", "sses", "xes"].iter().any(|end| word.ends_with(end)) => word[..word.len() - 2].to_owned(),
        _ if word.ends_with('s') && !word.ends_with("ss") && word.len() > 3 => word[..word.len() - 1].to_owned(),
        _ => word.to_owned(),
    };
    snake(name).split(['_', '.']).filter(|word| !word.is_empty()).map(singular).collect()
}

/// The last part of a name in a tree.
fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

impl Words {
    pub(in crate::cli) fn new(policy: Option<&Policy>) -> Words {
        match policy {
            Some(policy) => {
                Words::Policys { categories: policy.categories().collect(), subjects: policy.subjects().collect() }
            }
            None => Words::Fideslang { categories: BTreeSet::new(), subjects: BTreeSet::new() },
        }
    }

    /// The category of a kind of data.
    pub(super) fn category(&mut self, kind: Kind, place: &Place<'_>) -> Option<Arc<str>> {
        match self {
            Words::Fideslang { categories, subjects: _ } => {
                categories.insert(kind.fides().to_owned());
                Some(kind.fides().into())
            }
            Words::Policys { categories, subjects: _ } => {
                let of_table = by_table(categories, place).filter(|_| kind == Kind::FreeText);
                if let Some(named) = of_table {
                    return Some(Arc::clone(&named.name));
                }
                let found = of_kind(categories, kind, place.column)?;
                Some(Arc::clone(&narrowed(categories, found, place).name))
            }
        }
    }

    /// The category of this name or key of Fideslang; where there is none, the one of the nearest key above.
    pub(in crate::cli) fn category_of(&mut self, name: &str) -> Option<(Arc<str>, How)> {
        match self {
            Words::Fideslang { categories, subjects: _ } => is_key(name).then(|| {
                categories.insert(name.to_owned());
                (name.into(), How::Said)
            }),
            Words::Policys { categories, subjects: _ } => {
                let said = categories.iter().find(|term| *term.name == *name || term.fides.as_deref() == Some(name));
                let said = said.map(|term| (Arc::clone(&term.name), How::Said));
                said.or_else(|| above(categories, name).map(|term| (Arc::clone(&term.name), How::Above)))
            }
        }
    }

    /// The subject of this name or key of Fideslang.
    pub(in crate::cli) fn subject_of(&mut self, name: &str) -> Option<Arc<str>> {
        match self {
            Words::Fideslang { categories: _, subjects } => is_key(name).then(|| {
                subjects.insert(name.to_owned());
                name.into()
            }),
            Words::Policys { categories: _, subjects } => {
                let said = subjects.iter().find(|term| *term.name == *name || term.fides.as_deref() == Some(name));
                said.map(|term| Arc::clone(&term.name))
            }
        }
    }

    /// The category that a table's own name tells, for columns that tell nothing themselves.
    pub(super) fn of_table(&self, place: &Place<'_>) -> Option<Arc<str>> {
        match self {
            Words::Policys { categories, subjects: _ } => {
                by_table(categories, place).map(|term| Arc::clone(&term.name))
            }
            Words::Fideslang { .. } => None,
        }
    }

    /// The subject that rows of a table about people are about.
    pub(super) fn subject(&mut self, table: &str) -> Option<Arc<str>> {
        let wanted = parts(table);
        match self {
            Words::Policys { categories: _, subjects } => {
                let named = subjects.iter().find(|subject| parts(&subject.name) == wanted);
                let only = || if let [only] = subjects.as_slice() { Some(only) } else { None };
                named.or_else(only).map(|subject| Arc::clone(&subject.name))
            }
            Words::Fideslang { categories: _, subjects } => {
                let name: String =
                    wanted.join("_").chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let name = if name.is_empty() { "person".to_owned() } else { name };
                subjects.insert(name.clone());
                Some(name.into())
            }
        }
    }
}

/// By what the column's name says, then by the key of Fideslang, then by its name, then by the nearest key above.
fn of_kind<'t>(categories: &'t [Term], kind: Kind, column: &str) -> Option<&'t Term> {
    let fides = |key: &str| categories.iter().find(|term| term.fides.as_deref() == Some(key));
    let named = |name: &&str| {
        let ends = |term: &&Term| *term.name == **name || term.name.ends_with(&format!(".{name}"));
        categories.iter().find(ends)
    };
    let column = parts(column);
    let mut said = kind.categories().iter().filter(|name| column.iter().any(|word| word == *name));
    said.find_map(named)
        .or_else(|| fides(kind.fides()))
        .or_else(|| kind.categories().iter().find_map(named))
        .or_else(|| above(categories, kind.fides()))
}

/// The category below one whose name table or column tell: `key.message` in a table of messages, `key.person` in one of
/// people.
fn narrowed<'t>(categories: &'t [Term], found: &'t Term, place: &Place<'_>) -> &'t Term {
    let below = |word: &str| {
        let name = format!("{}.{word}", found.name);
        categories.iter().find(|term| *term.name == *name)
    };
    if place.is_person
        && let Some(term) = below("person")
    {
        return term;
    }
    parts(place.table).iter().chain(&parts(place.column)).find_map(|word| below(word)).unwrap_or(found)
}

/// The category that shares most words with a table's name, and the fewest besides; that beside or below it which the
/// column's name tells. Keys of people are found by what they refer to.
fn by_table<'t>(categories: &'t [Term], place: &Place<'_>) -> Option<&'t Term> {
    let table = parts(place.table);
    let rank = |term: &&Term| {
        let words = parts(last(&term.name));
        let shared = words.iter().filter(|word| table.contains(word)).count();
        (shared, std::cmp::Reverse(words.len()))
    };
    let keys = of_kind(categories, Kind::UserKey, "").map_or("", |term| &*term.name);
    let is_key = |term: &&Term| *term.name == *keys || (!keys.is_empty() && term.name.starts_with(&format!("{keys}.")));
    let best = categories.iter().filter(|term| !is_key(term)).max_by_key(rank)?;
    if rank(&best).0 == 0 {
        return None;
    }
    let beside = |word: &String| {
        let (above, _) = best.name.rsplit_once('.')?;
        let name = format!("{above}.{word}");
        categories.iter().find(|term| *term.name == *name)
    };
    Some(parts(place.column).iter().find_map(beside).unwrap_or_else(|| narrowed(categories, best, place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        let term = |(name, fides): (&str, &str)| Term {
            name: name.into(),
            fides: Some(fides.into()).filter(|_| !fides.is_empty()),
        };
        let categories = [
            ("contact", "user.contact"),
            ("contact.email", "user.contact.email"),
            ("credential", ""),
            ("key", "user.unique_id"),
            ("key.person", ""),
            ("key.message", ""),
            ("message", ""),
            ("content", "user.content"),
            ("content.document", ""),
            ("place.fine", ""),
            ("usage", ""),
            ("usage.event", ""),
        ];
        let subjects = [("customer", ""), ("end_user", "")];
        Words::Policys { categories: categories.map(term).to_vec(), subjects: subjects.map(term).to_vec() }
    }

    #[test]
    fn a_policys_own_categories_are_proposed() {
        for (kind, table, is_person, expected) in [
            (Kind::Email, "t", false, Some("contact.email")),
            (Kind::Phone, "t", false, Some("contact")),
            (Kind::Credential, "t", false, Some("credential")),
            (Kind::UserKey, "people", true, Some("key.person")),
            (Kind::UserKey, "messages", false, Some("key.message")),
            (Kind::UserKey, "orders", false, Some("key")),
            (Kind::FreeText, "messages", false, Some("message")),
            (Kind::FreeText, "documents", false, Some("content.document")),
            (Kind::Money, "t", false, None),
        ] {
            let found = words().category(kind, &Place { table, column: "x", is_person });
            assert_eq!(found.as_deref(), expected, "{kind:?} in {table}");
        }
    }

    #[test]
    fn tables_tell_categories_and_subjects() {
        for (table, category, subject) in [
            ("usage_events", Some("usage.event"), None),
            ("end_users", None, Some("end_user")),
            ("Customers", None, Some("customer")),
            ("orders", None, None),
        ] {
            assert_eq!(
                words().of_table(&Place { table, column: "x", is_person: false }).as_deref(),
                category,
                "{table}"
            );
            assert_eq!(words().subject(table).as_deref(), subject, "{table}");
        }
    }
}
