//! What a session tells whoever keeps records: each statement that is about to be sent or was refused, and how what was sent
//! has ended. The server answers in order, so what runs stands in a queue.

use super::judge::Records;
use super::machine::Session;
use super::queue::Segment;
use super::settings::Block;
use crate::enforce::{Judged, Trace, View};
use crate::policy::PurposeId;
use crate::vocab::Refusal;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// How the purpose in force was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// None is.
    Undeclared,
    /// The config fixes it.
    Pin,
    /// A comment on the statement.
    Comment,
    /// `SET LOCAL`.
    Transaction,
    /// `SET`.
    Session,
    /// The start-up packet.
    StartUp,
    /// The role's default.
    Default,
}

/// A statement that is about to be sent, or was refused.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    pub view: &'a Arc<View>,
    pub means: Means,
    /// `None`: it was never read, or is a call of a function without SQL.
    pub judged: Option<&'a Arc<Judged>>,
    pub refused: Option<&'a Arc<Refusal>>,
    /// Of an EXECUTE or a FETCH: what it names.
    pub named: Option<&'a Arc<Trace>>,
    pub justification: Option<&'a Arc<str>>,
}

/// What stands for a recorded statement that runs.
#[derive(Debug, Clone, Copy)]
pub struct Ticket {
    /// That of its record.
    pub number: u64,
    pub began: Instant,
    /// OCSF's `activity_id`.
    pub activity: u8,
}

/// How a statement has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ran {
    /// Rows that the client was sent.
    pub rows: u64,
    /// Rows that were written, as the command tag says.
    pub written: Option<u64>,
    pub end: End,
}

/// What it ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Done,
    /// The client asked for so many rows, and may ask for more.
    Suspended,
    /// An error, with its SQLSTATE.
    Failed([u8; 5]),
}

/// A statement that was sent.
#[derive(Debug)]
struct Running {
    segment: u64,
    ticket: Option<Ticket>,
}

/// What is recorded of a session.
#[derive(Debug)]
pub(super) struct Trail {
    records: Records,
    /// What was sent, in the order of the answers.
    running: VecDeque<Running>,
    /// The last segment in which something was refused: the server skips the rest of it.
    refused: u64,
    /// Rows that the client was sent of the statement that runs.
    pub(super) rows: u64,
    /// What the EXECUTE or FETCH at hand names.
    pub(super) named: Option<Arc<Trace>>,
}

impl Trail {
    pub(super) fn new(records: Records) -> Trail {
        Trail { records, running: VecDeque::new(), refused: 0, rows: 0, named: None }
    }
}

impl Session {
    fn means(&self, judged: Option<&Arc<Judged>>, purpose: Option<PurposeId>) -> Means {
        let commented =
            matches!(judged.map(|judged| &**judged), Some(Judged::One(planned)) if planned.statement.comment.is_some());
        match purpose {
            None => Means::Undeclared,
            Some(_) if commented => Means::Comment,
            Some(_) if self.start.pinned == purpose => Means::Pin,
            Some(_) if self.start.purpose == purpose && self.principal.default == purpose => Means::Default,
            Some(_) if self.start.purpose == purpose => Means::StartUp,
            Some(_) if self.state.block == Block::Inside && self.state.is_local(purpose) => Means::Transaction,
            Some(_) => Means::Session,
        }
    }

    /// Records a statement that is about to be sent.
    pub(super) fn record(&mut self, view: &Arc<View>, judged: Option<&Arc<Judged>>, named: Option<&Arc<Trace>>) {
        if self.trail.records == Records::None || self.trail.refused == self.owed.number {
            return;
        }
        let means = self.means(judged, view.purpose());
        let justification = self.state.now.justification.as_ref();
        let decision = Decision { view, means, judged, refused: None, named, justification };
        let ticket = self.witness.decided(decision);
        self.trail.running.push_back(Running { segment: self.owed.number, ticket });
    }

    /// Counts and records a refusal.
    pub(super) fn record_refused(&mut self, view: &Arc<View>, judged: Option<&Arc<Judged>>, refusal: &Arc<Refusal>) {
        self.witness.refused(view, refusal);
        if self.trail.records == Records::None {
            return;
        }
        let means = self.means(judged, view.purpose());
        let justification = self.state.now.justification.as_ref();
        let refused = Some(refusal);
        self.witness.decided(Decision { view, means, judged, refused, named: None, justification });
        self.trail.refused = self.owed.number;
        self.trail.running.push_back(Running { segment: self.owed.number, ticket: None });
    }

    /// Whether what is about to be sent can be recorded.
    pub(super) fn room(&self, view: &View) -> Option<Refusal> {
        match self.trail.records {
            Records::Kept => self.witness.room(view).err(),
            Records::None => None,
        }
    }

    /// The server has answered a statement of the segment at the front.
    pub(super) fn ran(&mut self, segment: u64, end: End, tag: &[u8]) {
        let rows = std::mem::take(&mut self.trail.rows);
        if self.trail.running.front().is_none_or(|running| running.segment > segment) {
            return;
        }
        let ticket = self.trail.running.pop_front().and_then(|running| running.ticket);
        if let Some(ticket) = ticket {
            self.witness.ran(ticket, Ran { rows, written: written(tag), end });
        }
    }

    /// The server has answered with an error.
    pub(super) fn failed_with(&mut self, state: &[u8]) {
        let known = self.owed.front().map(|entry| (entry.number, matches!(entry.segment, Segment::Own(_))));
        if let Some((segment, false)) = known {
            self.ran(segment, End::Failed(state.first_chunk().copied().unwrap_or(*b"XX000")), b"");
        }
    }

    /// A segment is over: of what it has not come to nothing is told.
    pub(super) fn segment_ran(&mut self, segment: u64) {
        while self.trail.running.front().is_some_and(|running| running.segment <= segment) {
            self.trail.running.pop_front();
        }
        self.trail.rows = 0;
    }
}

/// How many rows a command has written, by its tag.
fn written(tag: &[u8]) -> Option<u64> {
    let tag = std::str::from_utf8(tag).ok()?;
    let (command, rest) = tag.split_once(' ')?;
    let writes = matches!(command, "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "COPY");
    rest.rsplit(' ').next().filter(|_| writes)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn tags_tell_what_was_written() {
        let told = [&b"INSERT 0 3"[..], b"UPDATE 2", b"SELECT 5", b"COPY 7", b"BEGIN", b"DELETE x"].map(written);
        assert_eq!(told, [Some(3), Some(2), None, Some(7), None, None]);
    }
}
