//! Tags that may not meet on one column.

use super::document::Word;
use super::report::{Finding, Findings, Place};
use super::rules::Trees;
use super::tree::{CategoryId, SubjectId};

/// A category that may not meet others, or data about certain subjects, on one column.
#[derive(Debug)]
pub(super) struct Apart {
    pub(super) category: CategoryId,
    pub(super) place: Place,
    pub(super) categories: Vec<CategoryId>,
    pub(super) subjects: Vec<SubjectId>,
}

impl Apart {
    /// Reports where a column's tags break it.
    pub(super) fn check(
        &self,
        trees: &Trees,
        column: &Word,
        tags: &[CategoryId],
        subject: Option<SubjectId>,
        findings: &mut Findings,
    ) {
        let carries = |category: CategoryId| tags.iter().any(|tag| trees.categories.covers(Some(category), Some(*tag)));
        if !carries(self.category) {
            return;
        }
        let name = trees.categories.name(self.category);
        let mut clash = |other: &str, label: &str| {
            let message = format!("`{name}` and `{other}` may not meet on one column");
            findings.add(Finding::new(message, &column.place, label).also(&self.place, "says so"));
        };
        for other in self.categories.iter().filter(|other| carries(**other)) {
            clash(trees.categories.name(*other), "carries both");
        }
        for other in self.subjects.iter().filter(|other| trees.subjects.covers(Some(**other), subject)) {
            clash(trees.subjects.name(*other), "is data about that subject");
        }
    }
}
