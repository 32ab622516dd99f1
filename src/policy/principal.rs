//! Who asks, which purposes it may declare, and for whom.

use super::document::Word;
use super::{ParameterId, Policy, PurposeId, Reader, RecipientId, Values};
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
    /// Whom it stands for.
    pub recipient: Option<RecipientId>,
    /// Why it may declare nothing, whatever its roles are granted.
    pub disagreement: Option<Disagreement>,
    /// The values of parameters that bound its rows.
    pub values: Values,
    /// Equal for principals that no plan can tell apart; part of the plan cache's key.
    pub class: u64,
}

/// Two roles of a user that stand for different recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// Each role with its recipient.
    roles: [(Arc<str>, Arc<str>); 2],
}

impl Disagreement {
    /// It in words, as a detail.
    pub fn words(&self) -> String {
        let [(one, of_one), (other, of_other)] = &self.roles;
        format!(
            "It is a member of roles \"{one}\", for recipient \"{of_one}\", and \"{other}\", for recipient \"{of_other}\": \
             for whom it reads is not clear, so it may declare no purpose."
        )
    }
}

impl Principal {
    /// Someone who may declare this purpose and no other, for this recipient.
    pub fn of_purpose(user: &str, purpose: Option<PurposeId>, recipient: Option<RecipientId>) -> Principal {
        let purposes = purpose.into_iter().collect();
        let values = Values::default();
        Principal { user: user.into(), purposes, default: None, recipient, disagreement: None, values, class: 0 }
    }

    pub fn may_declare(&self, purpose: PurposeId) -> bool {
        self.purposes.binary_search(&purpose).is_ok()
    }

    /// It, under a purpose.
    pub fn reader(&self, purpose: PurposeId) -> Reader {
        Reader { purpose, recipient: self.recipient }
    }
}

/// What one role is granted.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) name: Word,
    /// With those below them, ascending.
    pub(super) purposes: Vec<PurposeId>,
    pub(super) default: Option<PurposeId>,
    pub(super) recipient: Option<RecipientId>,
    pub(super) values: Vec<(ParameterId, Arc<str>)>,
}

pub(super) fn principal(policy: &Policy, user: &str, member_of: &[Arc<str>]) -> Principal {
    let own = policy.roles.get(user);
    let roles = member_of.iter().filter(|role| &***role != user).filter_map(|role| policy.roles.get(role));
    let mut of_roles: Vec<&Grant> = roles.collect();
    let found = recipient(policy, own, &of_roles);
    // What is granted to another recipient is no grant to this one.
    let recipient = found.as_ref().ok().copied().flatten();
    of_roles.retain(|grant| found.is_ok() && grant.recipient.is_none_or(|of| Some(of) == recipient));
    let own = own.filter(|_| found.is_ok());
    let all = || own.into_iter().chain(of_roles.iter().copied());
    let mut purposes: Vec<PurposeId> = all().flat_map(|grant| grant.purposes.clone()).collect();
    purposes.sort_unstable();
    purposes.dedup();
    let mut defaults: Vec<PurposeId> = of_roles.iter().filter_map(|grant| grant.default).collect();
    defaults.sort_unstable();
    defaults.dedup();
    // Roles that name different defaults name none: the session must say which it means.
    let of_one = if let [only] = defaults.as_slice() { Some(*only) } else { None };
    let default = own.and_then(|grant| grant.default).or(of_one);
    let values = values(own, &of_roles);
    let mut hasher = DefaultHasher::new();
    (&purposes, recipient).hash(&mut hasher);
    Principal {
        user: user.into(),
        purposes: purposes.into(),
        default,
        recipient,
        disagreement: found.err(),
        values,
        class: hasher.finish(),
    }
}

/// Whom a user stands for: its own recipient first, else the one that its roles agree on. A role without one says nothing.
fn recipient(policy: &Policy, own: Option<&Grant>, roles: &[&Grant]) -> Result<Option<RecipientId>, Disagreement> {
    if let Some(recipient) = own.and_then(|grant| grant.recipient) {
        return Ok(Some(recipient));
    }
    let named = |grant: &&Grant| Some((Arc::clone(&grant.name.text), grant.recipient?));
    let mut named = roles.iter().filter_map(named);
    let Some((role, recipient)) = named.next() else { return Ok(None) };
    match named.find(|(_, other)| *other != recipient) {
        None => Ok(Some(recipient)),
        Some((other, of_other)) => {
            let shown = |role, recipient| (role, Arc::clone(policy.recipient_name(recipient)));
            Err(Disagreement { roles: [shown(role, recipient), shown(other, of_other)] })
        }
    }
}

/// The values that roles give: the user's own first, else the one that its roles agree on; if they differ, none.
fn values(own: Option<&Grant>, roles: &[&Grant]) -> Values {
    let mut values = Values::default();
    let mut of_roles: Vec<&(ParameterId, Arc<str>)> = roles.iter().flat_map(|grant| &grant.values).collect();
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
