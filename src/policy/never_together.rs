//! Categories that may not meet in one statement, whatever else permits each of them.

use super::report::Place;
use super::tree::CategoryId;
use super::{Bound, PurposeId, Reader, RecipientId};
use crate::vocab::{Clause, Oid};
use std::sync::Arc;

/// One `[[never_together]]`.
#[derive(Debug)]
pub(super) struct NeverTogether {
    pub(super) place: Place,
    pub(super) categories: Vec<CategoryId>,
    /// Under which it holds, with those below them; none means all.
    pub(super) purposes: Vec<PurposeId>,
    /// For whom it holds, with those below them; none means all.
    pub(super) recipients: Vec<RecipientId>,
    pub(super) clause: Option<Arc<Clause>>,
}

/// Two columns that meet where they may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// The columns, by their places in what was asked about.
    pub columns: (usize, usize),
    /// The categories that the policy keeps apart.
    pub categories: (Arc<str>, Arc<str>),
    pub clause: Option<Arc<Clause>>,
}

impl Bound {
    /// The first two of these columns that may not meet for the reader.
    pub fn met(&self, reader: Reader, columns: &[(Oid, usize)]) -> Option<Met> {
        let policy = self.policy();
        let trees = &policy.trees;
        let holds = |apart: &&NeverTogether| {
            let purpose = |node: &PurposeId| trees.purposes.covers(Some(*node), Some(reader.purpose));
            let recipient = |node: &RecipientId| trees.recipients.covers(Some(*node), reader.recipient);
            (apart.purposes.is_empty() || apart.purposes.iter().any(purpose))
                && (apart.recipients.is_empty() || apart.recipients.iter().any(recipient))
        };
        for apart in policy.never_together.iter().filter(holds) {
            let mut first: Option<(usize, CategoryId)> = None;
            for (at, (oid, index)) in columns.iter().enumerate() {
                let tags = self.relations.get(oid).and_then(|relation| relation.columns.get(*index));
                let tags = tags.into_iter().flat_map(|tags| tags.own.iter().chain(&tags.below));
                for tag in tags {
                    let covers = |category: &&CategoryId| trees.categories.covers(Some(**category), Some(tag.category));
                    let Some(category) = apart.categories.iter().find(covers) else { continue };
                    match first {
                        None => first = Some((at, *category)),
                        Some((_, known)) if known == *category => {}
                        Some((before, known)) => {
                            let name = |category| Arc::clone(trees.categories.name(category));
                            return Some(Met {
                                columns: (before, at),
                                categories: (name(known), name(*category)),
                                clause: apart.clause.clone(),
                            });
                        }
                    }
                }
            }
        }
        None
    }
}
