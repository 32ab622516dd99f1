//! Who asks, and which purposes it may declare.

use super::{Policy, PurposeId};
use std::hash::{DefaultHasher, Hash, Hasher};
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

/// What one role is granted.
#[derive(Debug)]
pub(super) struct Grant {
    /// With those below them, ascending.
    pub(super) purposes: Vec<PurposeId>,
    pub(super) default: Option<PurposeId>,
}

pub(super) fn principal(policy: &Policy, user: &str, member_of: &[Arc<str>]) -> Principal {
    let own = policy.roles.get(user);
    let roles = member_of.iter().filter(|role| &***role != user).filter_map(|role| policy.roles.get(role));
    let mut purposes: Vec<PurposeId> = own.into_iter().chain(roles.clone()).flat_map(|g| g.purposes.clone()).collect();
    purposes.sort_unstable();
    purposes.dedup();
    let mut defaults: Vec<PurposeId> = roles.filter_map(|grant| grant.default).collect();
    defaults.sort_unstable();
    defaults.dedup();
    // Roles that name different defaults name none: the session must say which it means.
    let of_roles = if let [only] = defaults.as_slice() { Some(*only) } else { None };
    let default = own.and_then(|grant| grant.default).or(of_roles);
    let mut hasher = DefaultHasher::new();
    purposes.hash(&mut hasher);
    Principal { user: user.into(), purposes: purposes.into(), default, class: hasher.finish() }
}
