//! Who asks, and what of it the catalog decides: a newer one may show other roles.

use super::machine::{Outs, Session, Step};
use crate::policy::{Bound, Principal, RecipientId, Values};
use crate::wire;
use std::sync::Arc;

impl Session {
    /// Whom the session stands for.
    pub fn recipient(&self) -> Option<RecipientId> {
        self.principal.recipient
    }

    /// Takes over a new catalog. A purpose is a number of its policy, so another policy needs a new session.
    pub(super) fn notice_snapshot(&mut self, outs: &mut Outs<'_>) -> Result<(), Step> {
        let epoch = self.shelf.epoch();
        if epoch == self.epoch {
            return Ok(());
        }
        let bound = self.shelf.bound();
        if bound.policy().version() != self.bound.policy().version() {
            wire::fatal("57P01", "the policy has changed: open a new session", outs.client.own(&[]));
            return Err(Step::Fatal);
        }
        self.epoch = epoch;
        self.bound = bound;
        let before = Arc::clone(&self.principal);
        self.meet_principal();
        let stands = |principal: &Principal| (principal.recipient, principal.disagreement.clone());
        if stands(&before) != stands(&self.principal) {
            // The database was told whom it stands for.
            let message = "the recipient of this role has changed: open a new session";
            wire::fatal("57P01", message, outs.client.own(&[]));
            return Err(Step::Fatal);
        }
        Ok(())
    }

    /// Who asks, by the catalog and the values of parameters as they are now.
    pub(super) fn meet_principal(&mut self) {
        self.principal = Arc::new(principal(&self.bound, &self.user, &self.given));
        self.views.clear();
    }
}

/// The principal of a user by the roles that the catalog shows.
pub(super) fn principal(bound: &Bound, user: &str, given: &Values) -> Principal {
    let mut principal = bound.principal(user);
    principal.values = given.or(&principal.values);
    principal
}
