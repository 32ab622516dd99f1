//! Who is given what a statement brings out: a purpose, and the recipient that the role stands for.

use super::{Policy, PurposeId};
use std::sync::Arc;

/// A recipient of a policy: someone outside whom data is given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecipientId(pub(super) u16);

/// A purpose with the recipient of whoever declares it. Rulings are about one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reader {
    pub purpose: PurposeId,
    /// `None` where the policy's roles name none.
    pub recipient: Option<RecipientId>,
}

impl From<PurposeId> for Reader {
    /// Someone without a recipient.
    fn from(purpose: PurposeId) -> Reader {
        Reader { purpose, recipient: None }
    }
}

impl Policy {
    pub fn recipient(&self, name: &str) -> Option<RecipientId> {
        self.trees.recipients.find(name)
    }

    pub fn recipient_name(&self, recipient: RecipientId) -> &Arc<str> {
        self.trees.recipients.name(recipient)
    }

    /// Every recipient, in the order of the files.
    pub fn recipients(&self) -> impl Iterator<Item = RecipientId> + use<> {
        self.trees.recipients.nodes()
    }

    /// Every reader whom the policy restricts: all purposes without a recipient, and with each recipient those that some
    /// session of it may declare. Which roles are members of which only a database knows, so that any may be.
    pub fn readers(&self) -> &[Reader] {
        &self.readers
    }

    /// What the pseudonyms that a reader sees are keyed by: two readers share none.
    pub(super) fn keyed(&self, reader: Reader) -> Arc<str> {
        let purpose = self.purpose_name(reader.purpose);
        match reader.recipient {
            None => Arc::clone(purpose),
            Some(recipient) => format!("{purpose} for {}", self.recipient_name(recipient)).into(),
        }
    }

    /// The reader in words: `purpose "delivery" for recipient "provider"`.
    pub fn reader_words(&self, reader: Reader) -> String {
        let Reader { purpose, recipient } = reader;
        let purpose = self.purpose_name(purpose);
        match recipient {
            None => format!("purpose \"{purpose}\""),
            Some(recipient) => format!("purpose \"{purpose}\" for recipient \"{}\"", self.recipient_name(recipient)),
        }
    }
}

/// What [`Policy::readers`] gives.
pub(super) fn readers(policy: &Policy) -> Vec<Reader> {
    let restricted = || policy.purposes().filter(|purpose| !policy.is_unrestricted(*purpose));
    let mut readers: Vec<Reader> = restricted().map(Reader::from).collect();
    for recipient in policy.recipients().map(Some) {
        if !policy.roles.values().any(|grant| grant.recipient == recipient) {
            continue;
        }
        let grants = || policy.roles.values().filter(|grant| grant.recipient.is_none_or(|of| Some(of) == recipient));
        let granted = restricted().filter(|purpose| grants().any(|grant| grant.purposes.contains(purpose)));
        readers.extend(granted.map(|purpose| Reader { purpose, recipient }));
    }
    readers
}
