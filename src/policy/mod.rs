//! From policy files to rulings.
//!
//! `Policy::parse` turns the files of a pack into trees and rules, or into every error at once. `Bound` ties a policy to
//! a catalog snapshot: tags stick to (relation, column number). A `Bound` answers what a purpose may see of a relation.

mod bound;
mod principal;
mod ruling;

pub use bound::Bound;
pub use principal::Principal;
pub use ruling::{ColumnRuling, Effect, Mask, RelationRuling, RowCondition};

use std::sync::Arc;

/// A purpose of a policy. Only [`Policy::purpose`] and a [`Principal`] make one, so whoever holds one holds a name that
/// the policy knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PurposeId(u16);

/// A file of a policy pack: its path as shown in errors, and its text.
#[derive(Debug, Clone)]
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

/// A policy, checked and free of any catalog.
#[derive(Debug)]
pub struct Policy {
    names: Vec<Arc<str>>,
}

impl Policy {
    /// A number that changes whenever the meaning of the policy may have changed (a hash of its files).
    pub fn version(&self) -> u64 {
        0
    }

    pub fn purpose(&self, name: &str) -> Option<PurposeId> {
        self.names.iter().position(|known| &**known == name).map(|at| PurposeId(at as u16))
    }

    pub fn purpose_name(&self, purpose: PurposeId) -> &Arc<str> {
        &self.names[purpose.0 as usize]
    }

    /// Whether statements under this purpose pass without being understood.
    pub fn is_unrestricted(&self, _purpose: PurposeId) -> bool {
        false
    }

    /// The principal for a database user that is a member of these roles.
    pub fn principal(&self, user: &str, _member_of: &[Arc<str>]) -> Principal {
        Principal { user: user.into(), purposes: Box::default(), default: None, class: 0 }
    }
}
