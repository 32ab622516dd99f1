//! Names beside those of tags by which something is found: in the texts of functions, and in what the policy says that
//! functions and rules read.
//!
//! A function that the policy opens or declares is taken at its word, and finds out what names mean when it runs. Whoever gives
//! such a name to something else decides what it reads.

use super::bound::Bound;
use super::opened;
use crate::catalog::{Body, Function, Relation, mentions};
use crate::vocab::Oid;

impl Bound {
    /// What speaks of a relation by this name, in any schema.
    pub fn speaks_of_table(&self, name: &str) -> Option<String> {
        let listed = opened::read_by_name(&self.policy).any(|(_, table, _)| *table == *name);
        self.texts()
            .find(|(_, text)| mentions(text, name))
            .map(|(function, _)| shown(function))
            .or_else(|| listed.then(of_policy))
    }

    /// What speaks of a column of this name of a relation, or of what is above or below it.
    pub fn speaks_of_column(&self, relation: &Relation, column: &str) -> Option<String> {
        let lineage = self.lineage(relation);
        let of_one = |table: &str| lineage.iter().any(|one| *one.name == *table);
        let mut listed = opened::read_by_name(&self.policy);
        let listed = listed.any(|(_, table, named)| of_one(&table) && named.is_some_and(|named| *named == *column));
        let both = |text: &str| mentions(text, column) && lineage.iter().any(|one| mentions(text, &one.name));
        self.texts()
            .find(|(_, text)| both(text))
            .map(|(function, _)| shown(function))
            .or_else(|| listed.then(of_policy))
    }

    /// What speaks of a word.
    pub fn speaks_of(&self, word: &str) -> Option<String> {
        self.texts().find(|(_, text)| mentions(text, word)).map(|(function, _)| shown(function))
    }

    /// Whether the policy has anything to say of a relation by this name, in any schema.
    pub fn names(&self, name: &str) -> bool {
        let tagged = self.policy.tables.iter().any(|table| *table.table == *name);
        tagged
            || self.policy.untagged() == super::Untagged::Allow
            || self.is_read_elsewhere(&|_, table| *table == *name, None)
    }

    /// The functions of users whose texts count: all, as one may call another, where the policy opens or declares any.
    fn texts(&self) -> impl Iterator<Item = (&Function, &str)> {
        let opened = opened::opens_of_users(&self.policy) || !self.policy.declassifiers.is_empty();
        let functions = self.catalog().snapshot().functions.iter().filter(move |_| opened);
        functions.filter(|function| function.extension.is_none()).filter_map(|function| {
            let text = match &function.body {
                Body::Text(text) => Some(&**text),
                Body::Unreadable => function.source.as_deref(),
                // What was parsed goes by numbers.
                Body::Internal(_) | Body::Parsed(_) => None,
            };
            text.map(|text| (function, text))
        })
    }

    /// A relation with everything above it and below.
    pub(super) fn lineage<'a>(&'a self, relation: &'a Relation) -> Vec<&'a Relation> {
        let mut all = self.catalog().with_descendants(relation);
        let mut next: Vec<Oid> = relation.parents.clone();
        while let Some(parent) = next.pop().and_then(|oid| self.catalog().relation(oid)) {
            if all.iter().all(|known| known.oid != parent.oid) {
                all.push(parent);
                next.extend(&parent.parents);
            }
        }
        all
    }
}

fn shown(function: &Function) -> String {
    format!("function {}.{}", function.schema, function.name)
}

fn of_policy() -> String {
    "what the policy says that a function reads".to_owned()
}
