//! What a session does, for those who watch how long it takes.

use super::machine::{Rest, Session};

/// What a session does, as far as limits of time go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It waits for its client, between transactions.
    Idle,
    IdleInTransaction,
    /// The server has not answered everything yet, or the client has not sent everything.
    Statement,
    /// The client has closed its side without a goodbye, and the server has not ended yet.
    Unheard,
}

impl Session {
    /// What the session does, and a number that changes with everything that the server completes.
    pub fn doing(&self) -> (Doing, u64) {
        let doing = match (self.owed.at_rest() && self.rest.0 == 0, self.status) {
            (true, b'I') => Doing::Idle,
            (true, _) => Doing::IdleInTransaction,
            (false, _) => Doing::Statement,
        };
        (doing, self.completed)
    }

    /// Whether a statement that is under way may wait for the client to go on with what it has begun.
    pub fn may_wait_for_client(&self) -> bool {
        self.owed.only_open() || self.owed.copying
    }

    /// The proxy has the server cancel what it runs, because it takes too long.
    pub fn cancelled(&mut self) {
        self.overdue = true;
    }

    /// Whether a last word of the proxy's own makes sense to the client: it is not in the middle of a message, and the server
    /// has not said one.
    pub fn may_be_told(&self) -> bool {
        !self.over && (self.server_rest.0 == 0 || self.server_rest.1 == Rest::Drop)
    }
}
