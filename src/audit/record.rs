//! What sessions hand over: shared parts of plans and views, so that nothing is copied and nothing rendered on their way.

use super::mark::Mark;
use crate::enforce::{Judged, Trace, View};
use crate::session::{Means, Ran, ReportSort, Ticket};
use crate::vocab::Refusal;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A session, as every line of it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// A number that no other connection of this process has.
    pub session: u64,
    pub user: Box<str>,
    /// By the name that the client used.
    pub database: Box<str>,
    /// `None`: the unix socket.
    pub address: Option<IpAddr>,
}

/// How a login ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogIn {
    Accepted,
    /// Nothing is judged in it: the config opens the database, or it is for replication.
    Unjudged,
    Refused,
}

/// What is recorded beside decisions.
#[derive(Debug)]
pub enum Event {
    LogIn(LogIn, Option<&'static str>),
    /// A parameter that bounds rows, or the justification, was chosen.
    Chosen {
        parameter: Box<str>,
        value: Box<str>,
    },
    /// An error or notice was kept back: the log has it under the reference.
    Withheld {
        sort: ReportSort,
        code: Box<str>,
        reference: Box<str>,
    },
    /// A reload put these policies in force, by pack, before and after.
    Reloaded(Box<[(Box<str>, u64, u64)]>),
    NotReloaded,
}

/// A decision.
#[derive(Debug)]
pub(super) struct Decided {
    pub number: u64,
    pub view: Arc<View>,
    pub means: Means,
    pub judged: Option<Arc<Judged>>,
    pub refused: Option<Arc<Refusal>>,
    pub named: Option<Arc<Trace>>,
    pub justification: Option<Arc<str>>,
}

/// What a record tells.
#[derive(Debug)]
pub(super) enum What {
    Decided(Decided),
    /// With how long it took.
    Ran(Ticket, Ran, Duration),
    Event(Event),
}

/// A record on its way.
#[derive(Debug)]
pub(super) struct Record {
    pub time: SystemTime,
    pub who: Option<Arc<Who>>,
    pub what: What,
    /// Whose result waits for it, and its number among the session's.
    pub mark: Option<(Arc<Mark>, u64)>,
}

impl Record {
    /// What it takes while it waits, about; its line is about as long.
    pub fn bytes(&self) -> usize {
        match &self.what {
            What::Decided(_) => 1536,
            What::Ran(..) | What::Event(_) => 768,
        }
    }
}

/// How a file was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    pub stopped: Stopped,
    /// Half a line at its end: how long, and its hash.
    pub torn: Option<(u64, [u8; 32])>,
}

/// Whether the run before has said that it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    Cleanly,
    Otherwise,
}
