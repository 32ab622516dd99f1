//! Definitions that are kept as text, and the names in them.

use super::lookup::Catalog;
use super::model::Relation;
use super::routine::{Body, Function};

impl Catalog {
    /// The views whose definitions speak of a relation, or of a column of it, and would go with it.
    pub fn dependent_views(&self, relation: &Relation, column: Option<&str>) -> Vec<&Relation> {
        let speaks = |other: &&Relation| {
            let definition = other.definition.as_deref().filter(|_| other.oid != relation.oid);
            definition.is_some_and(|text| speaks_of(text, relation, column))
        };
        self.relations().iter().filter(speaks).collect()
    }

    /// The first function whose parsed body speaks of a relation, or of a column of it.
    pub fn dependent_function(&self, relation: &Relation, column: Option<&str>) -> Option<&Function> {
        let parsed = |function: &&Function| match &function.body {
            Body::Parsed(body) => speaks_of(body, relation, column),
            Body::Unreadable | Body::Internal(_) | Body::Text(_) => false,
        };
        self.snapshot().functions.iter().find(parsed)
    }
}

fn speaks_of(text: &str, relation: &Relation, column: Option<&str>) -> bool {
    mentions(text, &relation.name) && column.is_none_or(|column| mentions(text, column))
}

/// Whether a name stands in a text as a word, in whatever case.
pub fn mentions(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let apart = |inner: Option<char>, outer: Option<char>| !(inner.is_some_and(is_word) && outer.is_some_and(is_word));
    !name.is_empty()
        && text.match_indices(&name).any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + name.len()..]);
            apart(name.chars().next(), before.chars().next_back())
                && apart(name.chars().next_back(), after.chars().next())
        })
}

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn names_are_words() {
        for (text, name, expected) in [
            ("SELECT pin FROM public.refusals r", "refusals", true),
            ("select from \"Refusals\"", "refusals", true),
            ("SELECT FROM refusals_before", "refusals", false),
            ("SELECT FROM our_refusals", "refusals", false),
            ("SELECT FROM \"two words\"", "two words", true),
            ("refusals_of, refusals", "refusals", true),
            ("", "x", false),
            ("x", "", false),
        ] {
            assert_eq!(mentions(text, name), expected, "{text}: {name}");
        }
    }
}
