//! Who asks, and which purposes it may declare.

use super::PurposeId;
use std::sync::Arc;

/// A database user with the purposes that its roles are granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub user: Arc<str>,
    /// Every purpose it may declare, ascending; a grant on a purpose covers those below it.
    pub purposes: Box<[PurposeId]>,
    /// The purpose in force where none is declared.
    pub default: Option<PurposeId>,
    /// Equal for principals that no plan can tell apart; part of the plan cache's key.
    pub class: u64,
}

impl Principal {
    pub fn may_declare(&self, purpose: PurposeId) -> bool {
        self.purposes.binary_search(&purpose).is_ok()
    }
}
