//! Who asks, which purposes it may declare, and for whom.

use super::document::Word;
use super::{ParameterId, Policy, PurposeId, Reader, RecipientId, Values};
use rustc_hash::FxHashSet;
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

/// What whoever logs in has proven beside who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// The names in its certificate: `CN=…`, `SAN=…`.
    pub certificate: Box<[Arc<str>]>,
    /// Roles that it has by its token, beside those that the database knows.
    pub roles: Box<[Arc<str>]>,
    /// The purposes that its token permits, with those below them; `None` where no token decides that.
    pub purposes: Option<Box<[Arc<str>]>>,
    /// For whom it reads, by its token.
    pub recipient: Option<Arc<str>>,
}

/// Why it is not clear for whom a user reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disagreement {
    /// Two of its roles, each with its recipient.
    Roles([(Arc<str>, Arc<str>); 2]),
    /// Its token names a recipient for whom no role reads.
    NoRole { recipient: Arc<str> },
    /// Its token names another recipient than its own role has.
    Token { recipient: Arc<str>, own: Arc<str> },
}

impl Disagreement {
    /// It in words, as a detail.
    pub fn words(&self) -> String {
        match self {
            Disagreement::Roles([(one, of_one), (other, of_other)]) => format!(
                "It is a member of roles \"{one}\", for recipient \"{of_one}\", and \"{other}\", for recipient \
                 \"{of_other}\": for whom it reads is not clear, so it may declare no purpose."
            ),
            Disagreement::NoRole { recipient } => format!(
                "Its token says that it reads for recipient \"{recipient}\", for whom no role of the policy does, so it may \
                 declare no purpose."
            ),
            Disagreement::Token { recipient, own } => format!(
                "Its token says that it reads for recipient \"{recipient}\", and the policy that it does for \"{own}\", so it \
                 may declare no purpose."
            ),
        }
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
    /// Names in certificates: who shows none of them has not got the role. Empty where none is asked for.
    pub(super) certificates: Vec<Arc<str>>,
}

impl Grant {
    /// Whether a certificate gives the role.
    fn is_shown(&self, proof: &Proof) -> bool {
        self.certificates.iter().any(|name| proof.certificate.contains(name))
    }

    /// Whether nothing speaks against who has the role by name.
    fn may_be_held(&self, proof: &Proof) -> bool {
        self.certificates.is_empty() || self.is_shown(proof)
    }
}

pub(super) fn principal(policy: &Policy, user: &str, member_of: &[Arc<str>], proof: &Proof) -> Principal {
    let own = policy.roles.get(user).filter(|grant| grant.may_be_held(proof));
    let named = member_of.iter().chain(&proof.roles).filter_map(|role| policy.roles.get(role));
    let mut of_roles: Vec<&Grant> = named.filter(|grant| grant.may_be_held(proof)).collect();
    let mut shown: Vec<&Grant> = policy.roles.values().filter(|grant| grant.is_shown(proof)).collect();
    shown.sort_by(|a, b| a.name.text.cmp(&b.name.text));
    of_roles.extend(shown);
    let mut seen = FxHashSet::default();
    of_roles.retain(|grant| *grant.name.text != *user && seen.insert(&grant.name.text));
    let found = recipient(policy, own, &of_roles, proof);
    // What is granted to another recipient is no grant to this one.
    let recipient = found.as_ref().ok().copied().flatten();
    of_roles.retain(|grant| found.is_ok() && grant.recipient.is_none_or(|of| Some(of) == recipient));
    let own = own.filter(|_| found.is_ok());
    let all = || own.into_iter().chain(of_roles.iter().copied());
    let mut purposes: Vec<PurposeId> = all().flat_map(|grant| grant.purposes.clone()).collect();
    purposes.sort_unstable();
    purposes.dedup();
    if let Some(permitted) = &proof.purposes {
        let permitted: Vec<PurposeId> = permitted.iter().filter_map(|name| policy.purpose(name)).collect();
        let covers = |purpose: &PurposeId, node: &PurposeId| policy.trees.purposes.covers(Some(*node), Some(*purpose));
        purposes.retain(|purpose| permitted.iter().any(|node| covers(purpose, node)));
    }
    let mut defaults: Vec<PurposeId> = of_roles.iter().filter_map(|grant| grant.default).collect();
    defaults.sort_unstable();
    defaults.dedup();
    // Roles that name different defaults name none: the session must say which it means.
    let of_one = if let [only] = defaults.as_slice() { Some(*only) } else { None };
    let default = own.and_then(|grant| grant.default).or(of_one);
    let default = default.filter(|purpose| purposes.contains(purpose));
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

/// Whom a user stands for: what its token says first, then its own recipient, else the one that its roles agree on. A role
/// without one says nothing.
fn recipient(
    policy: &Policy,
    own: Option<&Grant>,
    roles: &[&Grant],
    proof: &Proof,
) -> Result<Option<RecipientId>, Disagreement> {
    if let Some(name) = &proof.recipient {
        // Only readers that the policy counts with may come about (`Policy::readers`).
        let read_for = |recipient: &RecipientId| policy.roles.values().any(|grant| grant.recipient == Some(*recipient));
        let Some(recipient) = policy.recipient(name).filter(read_for) else {
            return Err(Disagreement::NoRole { recipient: Arc::clone(name) });
        };
        return match own.and_then(|grant| grant.recipient).filter(|own| *own != recipient) {
            None => Ok(Some(recipient)),
            Some(own) => {
                let own = Arc::clone(policy.recipient_name(own));
                Err(Disagreement::Token { recipient: Arc::clone(name), own })
            }
        };
    }
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
            Err(Disagreement::Roles([shown(role, recipient), shown(other, of_other)]))
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
