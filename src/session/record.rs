//! What a session tells whoever keeps records: each statement that is about to be sent or was refused, and how what was sent
//! has ended. The server answers in order, so what runs stands in a queue.

use super::judge::Records;
use super::machine::Session;
use super::queue::Segment;
use super::settings::{Block, State};
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

/// The most statements that a session has under way: no more of the client's messages are taken then.
const MOST_RUNNING: usize = 256;

/// On what terms a statement is made.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    means: Means,
    justification: Option<Arc<str>>,
}

/// What is recorded of a session.
#[derive(Debug)]
pub(super) struct Trail {
    records: Records,
    /// What was sent, in the order of the answers.
    running: VecDeque<Running>,
    /// The last segment in which something was refused with nothing under way before it: the server skips the rest of it.
    /// Behind a COPY, some servers take the refusal for data, and go on.
    refused: u64,
    /// Rows that the client was sent of the statement that runs.
    pub(super) rows: u64,
    /// It copies rows to the client, which only its tag counts.
    pub(super) copies_out: bool,
    /// What the EXECUTE or FETCH at hand names.
    pub(super) named: Option<Arc<Trace>>,
}

impl Trail {
    pub(super) fn new(records: Records) -> Trail {
        Trail { records, running: VecDeque::new(), refused: 0, rows: 0, copies_out: false, named: None }
    }

    /// Whether so much is under way that nothing more is taken. Answers are read as records are written, so that bounds what
    /// waits to be written, too.
    pub(super) fn is_full(&self) -> bool {
        self.running.len() >= MOST_RUNNING
    }

    pub(super) fn records(&self) -> Records {
        self.records
    }
}

impl Session {
    fn means(&self, state: &State, judged: Option<&Arc<Judged>>, purpose: Option<PurposeId>) -> Means {
        let commented =
            matches!(judged.map(|judged| &**judged), Some(Judged::One(planned)) if planned.statement.comment.is_some());
        match purpose {
            None => Means::Undeclared,
            Some(_) if commented => Means::Comment,
            Some(_) if self.start.pinned == purpose => Means::Pin,
            Some(_) if self.start.purpose == purpose && self.principal.default == purpose => Means::Default,
            Some(_) if self.start.purpose == purpose => Means::StartUp,
            Some(_) if state.block == Block::Inside && state.is_local(purpose) => Means::Transaction,
            Some(_) => Means::Session,
        }
    }

    /// The terms of a statement of the session in this state; `None` where nothing is recorded.
    pub(super) fn terms(&self, state: &State, view: &View, judged: Option<&Arc<Judged>>) -> Option<Terms> {
        match self.trail.records {
            Records::None => None,
            Records::Kept => {
                let means = self.means(state, judged, view.purpose());
                Some(Terms { means, justification: state.now.justification.clone() })
            }
        }
    }

    /// Records a statement that is about to be sent.
    pub(super) fn record(&mut self, view: &Arc<View>, judged: Option<&Arc<Judged>>, named: Option<&Arc<Trace>>) {
        let terms = self.terms(&self.state, view, judged);
        self.record_on(terms.as_ref(), view, judged, named);
    }

    /// The same, on these terms.
    pub(super) fn record_on(
        &mut self,
        terms: Option<&Terms>,
        view: &Arc<View>,
        judged: Option<&Arc<Judged>>,
        named: Option<&Arc<Trace>>,
    ) {
        let Some(Terms { means, justification }) = terms else { return };
        if self.trail.refused == self.owed.number {
            return;
        }
        let (means, justification) = (*means, justification.as_ref());
        let decision = Decision { view, means, judged, refused: None, named, justification };
        let ticket = self.witness.decided(decision);
        self.trail.running.push_back(Running { segment: self.owed.number, ticket });
    }

    /// Counts and records a refusal.
    pub(super) fn record_refused(&mut self, view: &Arc<View>, judged: Option<&Arc<Judged>>, refusal: &Arc<Refusal>) {
        let terms = self.terms(&self.state, view, judged);
        self.record_refused_on(terms.as_ref(), view, judged, refusal);
    }

    /// The same, on these terms.
    pub(super) fn record_refused_on(
        &mut self,
        terms: Option<&Terms>,
        view: &Arc<View>,
        judged: Option<&Arc<Judged>>,
        refusal: &Arc<Refusal>,
    ) {
        self.witness.refused(view, refusal);
        let Some(Terms { means, justification }) = terms else { return };
        let (means, justification) = (*means, justification.as_ref());
        let refused = Some(refusal);
        self.witness.decided(Decision { view, means, judged, refused, named: None, justification });
        if self.owed.only_open() {
            self.trail.refused = self.owed.number;
        }
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
        let copied_out = std::mem::take(&mut self.trail.copies_out);
        if self.trail.running.front().is_none_or(|running| running.segment > segment) {
            return;
        }
        let ticket = self.trail.running.pop_front().and_then(|running| running.ticket);
        if let Some(ticket) = ticket {
            let (rows, written) = match (copied_out, written(tag)) {
                (true, Some(copied)) => (copied, None),
                (true | false, written) => (rows, written),
            };
            self.witness.ran(ticket, Ran { rows, written, end });
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
        (self.trail.rows, self.trail.copies_out) = (0, false);
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
