//! The record of a login: whatever becomes of it is told to the audit trail, once.

use super::gate::Shared;
use crate::audit::{Event, LogIn, Mark, Trail, Who};
use crate::observe::Observer;
use crate::session::Witness;
use std::net::IpAddr;
use std::sync::Arc;

/// A login under way. One that is dropped was refused.
pub struct Login {
    trail: Option<Arc<Trail>>,
    who: Arc<Who>,
    outcome: LogIn,
    code: Option<&'static str>,
}

impl Login {
    pub fn new(shared: &Shared, user: &str, database: &str, address: Option<IpAddr>) -> Login {
        let who = Who { session: shared.number(), user: user.into(), database: database.into(), address };
        Login { trail: shared.trail.clone(), who: Arc::new(who), outcome: LogIn::Refused, code: None }
    }

    /// Who watches the session, and how far what it records is written.
    pub fn witness(&self, shared: &Shared) -> (Arc<dyn Witness>, Arc<Mark>) {
        let (counters, mark) = (Arc::clone(&shared.counters), Arc::<Mark>::default());
        (Arc::new(Observer::new(counters, self.trail.clone(), Arc::clone(&self.who), Arc::clone(&mark))), mark)
    }

    /// Why it is refused.
    pub fn refused(&mut self, code: &'static str) {
        self.code = Some(code);
    }

    pub fn accepted(&mut self) {
        self.outcome = LogIn::Accepted;
    }

    /// It is let in, and nothing that it does is judged.
    pub fn unjudged(&mut self) {
        self.outcome = LogIn::Unjudged;
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        if let Some(trail) = &self.trail {
            trail.tell(Some(&self.who), Event::LogIn(self.outcome, self.code));
        }
    }
}
