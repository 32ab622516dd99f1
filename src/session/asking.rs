//! Who asks, and what of it the catalog decides: a newer one may show other roles.

use super::machine::{Outs, Session, Step};
use crate::policy::{Bound, Principal, Proof, PurposeId, RecipientId, Values};
use crate::wire;
use std::sync::Arc;

impl Session {
    /// Whom the session stands for.
    pub fn recipient(&self) -> Option<RecipientId> {
        self.principal.recipient
    }

    /// The version of the policy that the session is judged by.
    pub fn policy_version(&self) -> u64 {
        self.bound.policy().version()
    }

    pub(super) fn rules_restrict(&self, purpose: Option<PurposeId>) -> bool {
        purpose.is_none_or(|purpose| self.bound.policy().enforces(purpose))
    }

    /// The longest text taken under the purpose in force.
    pub(super) fn longest(&self) -> usize {
        if self.rules_restrict(self.state.now.purpose) {
            self.bounds.message_bytes
        } else {
            self.bounds.trusted_message_bytes
        }
    }

    /// Takes over a new catalog or policy, if the session could have become what it is under it.
    pub(super) fn notice_snapshot(&mut self, outs: &mut Outs<'_>) -> Result<(), Step> {
        let epoch = self.shelf.epoch();
        if epoch == self.epoch {
            return Ok(());
        }
        let bound = self.shelf.bound();
        let another = bound.policy().version() != self.bound.policy().version();
        // A purpose is a number of its policy.
        let alike = !another || bound.policy().numbers_as(self.bound.policy());
        self.epoch = epoch;
        self.bound = bound;
        let before = Arc::clone(&self.principal);
        self.meet_principal();
        if another {
            self.forget_inner();
        }
        if !alike || (another && !self.could_begin()) {
            wire::fatal("57P01", "the policy has changed: open a new session", outs.client.own(&[]));
            return Err(Step::Fatal);
        }
        let stands = |principal: &Principal| (principal.recipient, principal.disagreement.clone());
        if stands(&before) != stands(&self.principal) {
            // The database was told whom it stands for.
            let message = "the recipient of this role has changed: open a new session";
            wire::fatal("57P01", message, outs.client.own(&[]));
            return Err(Step::Fatal);
        }
        Ok(())
    }

    /// Whether every purpose that the session has declared, or may return to, could be declared still, and what is in force
    /// may follow on what was done.
    fn could_begin(&self) -> bool {
        let kept = [self.start.purpose, self.first.purpose, self.anchor.purpose, self.anchor.guc, self.guc];
        let mut purposes = kept.into_iter().chain(self.state.purposes()).flatten();
        let rules = self.rules();
        purposes.all(|purpose| rules.may_hold(purpose)) && self.may_turn(self.state.now.purpose).is_ok()
    }

    /// Who asks, by the catalog and the values of parameters as they are now.
    pub(super) fn meet_principal(&mut self) {
        self.principal = Arc::new(principal(&self.bound, &self.user, &self.proof, &self.given));
        self.views.clear();
    }
}

/// The principal of a user by the roles that the catalog shows.
pub(super) fn principal(bound: &Bound, user: &str, proof: &Proof, given: &Values) -> Principal {
    let mut principal = bound.proven_principal(user, proof);
    principal.values = given.or(&principal.values);
    principal
}
