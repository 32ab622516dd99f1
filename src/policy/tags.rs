//! Tags as the policy writes them: by the names of tables and columns.

use super::condition::Condition;
use super::document::Word;
use super::follow::Follow;
use super::raw::Measures;
use super::report::Place;
use super::tree::{CategoryId, SubjectId};
use std::sync::Arc;

/// What becomes of columns without a tag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Untagged {
    /// Closed under every restricted purpose.
    #[default]
    Deny,
    /// Open as soon as a purpose is declared.
    Allow,
}

/// A value that the policy gives a name.
#[derive(Debug, Clone)]
pub(super) struct Named<T> {
    pub(super) name: Word,
    pub(super) value: T,
}

/// The tags of one table.
#[derive(Debug, Clone)]
pub(super) struct TableTags {
    pub(super) place: Place,
    pub(super) schema: Arc<str>,
    pub(super) table: Arc<str>,
    pub(super) subject: Option<SubjectId>,
    /// The column that says which person a row is about, or the path to it. Kept for aggregates and look-ups.
    pub(super) subject_key: Option<Word>,
    /// The category of columns without tags of their own.
    pub(super) default: Option<CategoryId>,
    pub(super) columns: Vec<Named<Vec<CategoryId>>>,
    /// What patterns give columns that are not named above.
    pub(super) patterned: Vec<Named<Vec<CategoryId>>>,
    pub(super) conditions: Vec<Named<Condition>>,
    pub(super) measures: Measures,
    /// The tables whose conditions it has beside its own.
    pub(super) follows: Vec<Follow>,
}

impl TableTags {
    pub(super) fn condition(&self, name: &str) -> Option<&Condition> {
        self.conditions.iter().find(|named| &*named.name.text == name).map(|named| &named.value)
    }

    /// Whether a column of that name has tags of its own here.
    pub(super) fn names(&self, column: &str) -> bool {
        self.columns.iter().any(|named| &*named.name.text == column)
    }

    /// Whether patterns speak of a column of that name here.
    pub(super) fn is_patterned(&self, column: &str) -> bool {
        self.patterned.iter().any(|named| &*named.name.text == column)
    }

    /// Whether a column of that name has tags here that do not name it.
    pub(super) fn covers_unnamed(&self, column: &str) -> bool {
        !self.names(column) && !self.categories(column).is_empty()
    }

    /// The categories that the tags give a column of that name.
    pub(super) fn categories(&self, column: &str) -> &[CategoryId] {
        match self.columns.iter().chain(&self.patterned).find(|named| &*named.name.text == column) {
            Some(named) => &named.value,
            None => self.default.as_slice(),
        }
    }

    /// Every category that some column of the table carries.
    pub(super) fn all_categories(&self) -> Vec<CategoryId> {
        let named = self.columns.iter().chain(&self.patterned);
        let mut all: Vec<CategoryId> = named.flat_map(|named| named.value.iter().copied()).collect();
        all.extend(self.default);
        all.sort_unstable();
        all.dedup();
        all
    }
}
