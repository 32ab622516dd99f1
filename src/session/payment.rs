//! What is told with noise is paid for before anything is sent that could tell it, and once for each execution.
//!
//! The shell charges the budget, which takes a while. Until then nothing has changed: the message is taken again when it is
//! known what came of that.

use super::extended::statement_of;
use super::machine::{Session, Step};
use super::named::moved_on;
use crate::enforce::{Charge, Judged, Plan, Planned, Purse};
use crate::vocab::{Refusal, SqlState};
use std::sync::Arc;

/// What came of charging a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charged {
    Paid,
    /// So much is spent of this purse, in thousandths, that what is left is not enough before it is full again at this time.
    Spent {
        purse: Purse,
        spent: u64,
        renewed: Box<str>,
    },
    /// Nothing is known.
    Failed,
}

/// What a Bind costs, and why it cannot be paid, if it cannot.
pub(super) struct Paid {
    charge: Option<Arc<Charge>>,
    refusal: Option<Refusal>,
}

/// What each execution costs of a statement, or of what it prepares.
pub fn charge(judged: &Judged) -> Option<Arc<Charge>> {
    match judged {
        Judged::One(Planned { plan: Plan::Rewrite(rewritten), .. }) => rewritten.charge.clone(),
        Judged::One(Planned { plan: Plan::Forward | Plan::Refuse(_), .. }) | Judged::Many(_) | Judged::Empty => None,
    }
}

impl Session {
    /// Whom the session logged in as.
    pub fn user(&self) -> &Arc<str> {
        &self.user
    }

    /// What is to be paid, after [`Step::Charge`].
    pub fn charge(&self) -> Option<&Arc<Charge>> {
        self.paid.as_ref().map(|(charge, _)| charge)
    }

    /// That was charged, or could not be.
    pub fn charged(&mut self, outcome: Charged) {
        if let Some((_, paid)) = &mut self.paid {
            *paid = Some(outcome);
        }
    }

    /// Whether what executing a statement costs was paid for the message at hand; the refusal where nothing can be.
    pub(super) fn pay(&mut self, charge: &Arc<Charge>) -> Result<Option<Refusal>, Step> {
        match &self.paid {
            Some((paid, Some(outcome))) if paid == charge => Ok(match outcome {
                Charged::Paid => None,
                Charged::Spent { purse, spent, renewed } => Some(charge.spent(&self.user, purse, *spent, renewed)),
                Charged::Failed => Some(charge.unpaid()),
            }),
            Some(_) | None => {
                self.paid = Some((Arc::clone(charge), None));
                Err(Step::Charge)
            }
        }
    }

    /// Pays for one statement of a message; the refusal where it cannot be paid, or where another was paid for.
    pub(super) fn pay_once(
        &mut self,
        known: &mut Option<Arc<Charge>>,
        charge: Option<Arc<Charge>>,
    ) -> Result<Option<Refusal>, Step> {
        let Some(charge) = charge else { return Ok(None) };
        if known.is_some() {
            let message = "a message asks for numbers with noise in more than one statement";
            let hint = "Send each of them in a message of its own.";
            return Ok(Some(Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_hint(hint)));
        }
        let refusal = self.pay(&charge)?;
        *known = Some(charge);
        Ok(refusal)
    }

    /// What a Bind costs, which is executed once at most: paid before anything is sent for it. What is executed otherwise
    /// pays then.
    pub(super) fn pay_for_bind(&mut self, name: &[u8]) -> Result<Paid, Step> {
        let number = self.owed.number;
        if self.owed.pending(name).is_some_and(|slot| slot.segment != number) {
            return Err(Step::Hold);
        }
        let Some(statement) = statement_of(self, name).filter(|statement| !statement.traits.eventful) else {
            return Ok(Paid { charge: None, refusal: None });
        };
        let (traits, before, judged) = (statement.traits, Arc::clone(&statement.view), Arc::clone(&statement.judged));
        let settings = Arc::clone(&self.state.now);
        let view = self.view(&settings, if traits.commented { before.purpose() } else { settings.purpose });
        self.wait_for_catalog(&view).map_err(Step::Refresh)?;
        let again = match view.same(&before) {
            true => None,
            false => statement_of(self, name).and_then(|known| Some((known.text.clone()?, known.types.clone()))),
        };
        let charge = match again {
            Some((text, types)) => charge(&self.consider(&settings, &text, &types).map_err(Step::Refresh)?.judged),
            None => charge(&judged),
        };
        let refusal = match &charge {
            Some(charge) => self.pay(charge)?,
            None => None,
        };
        Ok(Paid { charge, refusal })
    }

    /// Why what is about to be bound was not paid for, if it was not: it may have been judged again since.
    pub(super) fn unpaid(&mut self, name: &[u8], paid: Paid) -> Option<Refusal> {
        let statement = statement_of(self, name).filter(|statement| !statement.traits.eventful);
        let charge = statement.and_then(|statement| charge(&statement.judged));
        if charge == paid.charge { paid.refusal } else { Some(moved_on()) }
    }
}
