//! What a session needs of the core and of the observers.

use super::discreet::ReportSort;
use super::record::{Decision, Ran, Ticket};
use crate::enforce::{Enforcer, Judged, Shadow, View};
use crate::vocab::Refusal;
use crate::wire::ErrorFields;
use std::sync::Arc;

/// The core's front door, as a session uses it.
pub trait Judge: Send + Sync {
    /// See [`Enforcer::judge`].
    fn judge(&self, view: &View, text: &str) -> Arc<Judged>;
}

impl Judge for Enforcer {
    fn judge(&self, view: &View, text: &str) -> Arc<Judged> {
        Enforcer::judge(self, view, text)
    }
}

/// Whether decisions are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    Kept,
    None,
}

/// Whoever counts and records decisions.
pub trait Witness: Send + Sync {
    fn permitted(&self);
    fn rewritten(&self);
    /// A statement was refused under this view.
    fn refused(&self, view: &View, refusal: &Refusal);
    /// A statement passes under this view, where it would have been refused or rewritten were its purpose enforced.
    fn shadowed(&self, view: &View, shadow: &Shadow);
    /// A look-up is about to be made: it is counted, or refused where there were too many.
    fn looked_up(&self, view: &View) -> Result<(), Refusal>;
    /// A session has chosen the value of a parameter that bounds rows.
    fn chosen(&self, user: &str, parameter: &str, value: &str);
    /// The catalog was read over a session's own connection, so many bytes of it.
    fn read_inner(&self, user: &str, bytes: usize);
    /// It could not be read: what the server said.
    fn unread_inner(&self, user: &str, code: &str, message: &str);
    /// Something of an error or notice was withheld from the client. All of it is recorded under the reference that is
    /// returned: unguessable, always as long, and free of quotes.
    fn withheld(&self, view: &View, sort: ReportSort, report: ErrorFields<'_>) -> String;
    /// Whether each decision is recorded.
    fn records(&self) -> Records;
    /// Whether what is about to be decided under this view can be recorded; the refusal where it cannot and must.
    fn room(&self, view: &View) -> Result<(), Refusal>;
    /// A statement is about to be sent, or was refused. The ticket is for how it ends.
    fn decided(&self, decision: Decision<'_>) -> Option<Ticket>;
    /// What was sent has ended.
    fn ran(&self, ticket: Ticket, ran: Ran);
}
