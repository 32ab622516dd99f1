//! Who asks, and which purposes it may declare.

use super::{ParameterId, Policy, PurposeId, Values};
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
    /// The values of parameters that bound its rows.
    pub values: Values,
    /// Equal for principals that no plan can tell apart; part of the plan cache's key.
    pub class: u64,
}

impl Principal {
    /// Someone who may declare this purpose and no other.
    pub fn of_purpose(user: &str, purpose: Option<PurposeId>) -> Principal {
        let purposes = purpose.into_iter().collect();
        Principal { user: user.into(), purposes, default: None, values: Values::default(), class: 0 }
    }

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
    pub(super) values: Vec<(ParameterId, Arc<str>)>,
}

pub(super) fn principal(policy: &Policy, user: &str, member_of: &[Arc<str>]) -> Principal {
    let own = policy.roles.get(user);
    let roles = member_of.iter().filter(|role| &***role != user).filter_map(|role| policy.roles.get(role));
    let mut purposes: Vec<PurposeId> = own.into_iter().chain(roles.clone()).flat_map(|g| g.purposes.clone()).collect();
    purposes.sort_unstable();
    purposes.dedup();
    let mut defaults: Vec<PurposeId> = roles.clone().filter_map(|grant| grant.default).collect();
    defaults.sort_unstable();
    defaults.dedup();
    // Roles that name different defaults name none: the session must say which it means.
    let of_roles = if let [only] = defaults.as_slice() { Some(*only) } else { None };
    let default = own.and_then(|grant| grant.default).or(of_roles);
    let values = values(own, roles.clone());
    let mut hasher = DefaultHasher::new();
    purposes.hash(&mut hasher);
    Principal { user: user.into(), purposes: purposes.into(), default, values, class: hasher.finish() }
}

/// The values that roles give: the user's own first, else the one that its roles agree on; if they differ, none.
fn values<'g>(own: Option<&'g Grant>, roles: impl Iterator<Item = &'g Grant>) -> Values {
    let mut values = Values::default();
    let mut of_roles: Vec<&(ParameterId, Arc<str>)> = roles.flat_map(|grant| &grant.values).collect();
    of_roles.sort_unstable();
    of_roles.dedup();
    for alike in of_roles.chunk_by(|a, b| a.0 == b.0) {
        if let [(parameter, value)] = alike {
            values.set(*parameter, Arc::clone(value));
        }
    }
    for (parameter, value) in own.into_iter().flat_map(|grant| &grant.values) {
        values.set(*parameter, Arc::clone(value));
    }
    values
}
