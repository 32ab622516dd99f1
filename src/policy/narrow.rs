//! Conditions that hold wherever a rule permits something, whichever rule that is: what a document says of all rows once
//! need not be said in every rule.

use super::PurposeId;
use super::document::Word;
use super::rules::{Point, Trees, Wanted};
use crate::vocab::{Clause, Right};
use std::sync::Arc;

/// One `[[narrow]]`.
#[derive(Debug)]
pub(super) struct Narrow {
    pub(super) id: Word,
    pub(super) clause: Option<Arc<Clause>>,
    pub(super) points: Vec<Point>,
    pub(super) rights: Vec<Right>,
    pub(super) conditions: Vec<Wanted>,
    /// The purposes that it leaves out, with those below them.
    pub(super) except: Vec<PurposeId>,
}

impl Narrow {
    /// Whether it bounds what a rule permits there.
    pub(super) fn covers(&self, trees: &Trees, right: Right, point: Point) -> bool {
        self.rights.contains(&right)
            && self.points.iter().any(|above| trees.covers(*above, point))
            && !trees.excepts(&self.except, point)
    }
}
