//! What the server still owes: one entry per ReadyForQuery, in order, and the answers inside a segment that the session
//! itself needs or that the client must not see.

use super::portals::Portal;
use super::positions::Positions;
use super::statements::Statement;
use crate::enforce::View;
use std::collections::VecDeque;
use std::sync::Arc;

/// What a ReadyForQuery will end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// A simple Query.
    Simple,
    /// Messages of the extended protocol up to their Sync.
    Extended,
    /// A FunctionCall.
    Call,
    /// A statement of the proxy's own; the client sees nothing of it.
    Own(Own),
    /// No ReadyForQuery: the place in the stream where the client ended a COPY.
    CopyEnd,
}

/// Statements of the proxy's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// Asks for the settings.
    Settle,
    /// Sets the purpose on the server.
    Declare,
    /// Reads the catalog as the transaction sees it.
    Inner,
    /// Asks for the session's temporary relations.
    Temporary,
    /// Goes back to where either began.
    Undo,
}

/// One entry.
#[derive(Debug)]
pub struct Entry {
    pub segment: Segment,
    pub number: u64,
    /// Settings may have changed: ask the server before anything else is judged.
    pub settle: bool,
    /// Settings may have changed if it fails.
    pub settle_on_error: bool,
    /// Something in it was not read, and may have declared a purpose.
    pub opaque: bool,
    /// The catalog may have changed.
    pub catalog: bool,
    /// What it defines is temporary, or else the catalog may have changed.
    pub temporary: bool,
    /// A top-level DISCARD ALL, alone.
    pub discard_all: bool,
    pub failed: bool,
    /// The proxy ended it: the client gets no ReadyForQuery for it.
    pub quiet: bool,
    /// A portal was bound in it.
    pub bound: bool,
    /// The server was asked to answer what it holds back, so that more of the segment can be taken.
    pub flushed: bool,
    /// The first CommandComplete answers the proxy's own SET.
    pub own_complete: bool,
    pub positions: Option<Box<Positions>>,
    /// The view of a statement in it, or before it in its transaction, whose errors and notices must not quote data.
    pub discreet: Option<Arc<View>>,
    /// A refused FunctionCall, which cannot carry the nonce.
    pub refusal: Option<Arc<crate::vocab::Refusal>>,
    /// What its statements will do to prepared statements and cursors, until it is sent.
    pub effects: Vec<Awaited>,
    /// Justifications that it declares, until it is sent.
    pub justified: Vec<Arc<str>>,
}

impl Entry {
    pub fn new(segment: Segment, number: u64) -> Entry {
        Entry {
            segment,
            number,
            settle: false,
            settle_on_error: false,
            opaque: false,
            catalog: false,
            temporary: false,
            discard_all: false,
            failed: false,
            quiet: false,
            bound: false,
            flushed: false,
            own_complete: false,
            positions: None,
            discreet: None,
            refusal: None,
            effects: Vec::new(),
            justified: Vec::new(),
        }
    }
}

/// Whether an answer goes on to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Client,
    /// It answers a message that the proxy put in.
    Nobody,
}

/// A ParseComplete, BindComplete, CloseComplete, or the CommandComplete of a statement that names statements or cursors.
#[derive(Debug)]
pub struct Slot {
    pub segment: u64,
    pub audience: Audience,
    pub what: Awaited,
    /// What it holds, once it is owed.
    bytes: usize,
}

impl Slot {
    pub fn new(segment: u64, audience: Audience, what: Awaited) -> Slot {
        let bytes = match &what {
            Awaited::Bind { portal, .. } => portal.bytes(),
            other => other.statement().map_or(0, Statement::bytes),
        };
        Slot { segment, audience, bytes, what }
    }
}

/// What an answer is to.
#[derive(Debug)]
pub enum Awaited {
    /// `None`: a refused or unreadable statement, whose Parse fails.
    Parse {
        name: Box<[u8]>,
        statement: Option<Statement>,
    },
    /// A Parse that changes nothing the session keeps.
    OwnParse,
    CloseStatement(Box<[u8]>),
    Bind {
        name: Box<[u8]>,
        portal: Portal,
    },
    /// A Bind of the proxy's own.
    OwnBind,
    ClosePortal(Box<[u8]>),
    /// Something of the proxy's own.
    CloseOther,
    /// PREPARE.
    Prepare {
        name: Box<[u8]>,
        statement: Statement,
    },
    /// DEALLOCATE of one, or of all.
    Deallocate(Option<Box<[u8]>>),
    /// DECLARE CURSOR.
    Declare {
        name: Box<[u8]>,
        portal: Portal,
    },
    /// CLOSE of one cursor.
    CloseCursor(Box<[u8]>),
    /// CLOSE ALL. The portal that executes it stays, and can't be executed again.
    CloseCursors {
        by: Option<Box<[u8]>>,
    },
    /// DISCARD ALL, which leaves the portal that executes it too.
    DiscardAll {
        by: Option<Box<[u8]>>,
    },
}

impl Awaited {
    /// The tag of the answer.
    pub fn tag(&self) -> u8 {
        match self {
            Awaited::Parse { .. } | Awaited::OwnParse => b'1',
            Awaited::Bind { .. } | Awaited::OwnBind => b'2',
            Awaited::CloseStatement(_) | Awaited::ClosePortal(_) | Awaited::CloseOther => b'3',
            Awaited::Prepare { .. }
            | Awaited::Deallocate(_)
            | Awaited::Declare { .. }
            | Awaited::CloseCursor(_)
            | Awaited::CloseCursors { .. }
            | Awaited::DiscardAll { .. } => b'C',
        }
    }

    /// What the CommandComplete says that answers a statement of SQL.
    pub fn command(&self) -> Option<&'static [u8]> {
        match self {
            Awaited::Prepare { .. } => Some(b"PREPARE"),
            Awaited::Deallocate(Some(_)) => Some(b"DEALLOCATE"),
            Awaited::Deallocate(None) => Some(b"DEALLOCATE ALL"),
            Awaited::Declare { .. } => Some(b"DECLARE CURSOR"),
            Awaited::CloseCursor(_) => Some(b"CLOSE CURSOR"),
            Awaited::CloseCursors { .. } => Some(b"CLOSE CURSOR ALL"),
            Awaited::DiscardAll { .. } => Some(b"DISCARD ALL"),
            Awaited::Parse { .. }
            | Awaited::OwnParse
            | Awaited::Bind { .. }
            | Awaited::OwnBind
            | Awaited::CloseStatement(_)
            | Awaited::ClosePortal(_)
            | Awaited::CloseOther => None,
        }
    }

    /// Whether it decides which prepared statement the name stands for.
    pub fn is_about_statement(&self, name: &[u8]) -> bool {
        match self {
            Awaited::Parse { name: known, .. }
            | Awaited::Prepare { name: known, .. }
            | Awaited::CloseStatement(known)
            | Awaited::Deallocate(Some(known)) => **known == *name,
            // The unnamed statement stays.
            Awaited::Deallocate(None) | Awaited::DiscardAll { .. } => !name.is_empty(),
            Awaited::Bind { .. }
            | Awaited::Declare { .. }
            | Awaited::OwnParse
            | Awaited::OwnBind
            | Awaited::ClosePortal(_)
            | Awaited::CloseCursor(_)
            | Awaited::CloseCursors { .. }
            | Awaited::CloseOther => false,
        }
    }

    /// The prepared statement that it leaves, if it leaves one.
    pub fn statement(&self) -> Option<&Statement> {
        match self {
            Awaited::Parse { statement, .. } => statement.as_ref(),
            Awaited::Prepare { statement, .. } => Some(statement),
            Awaited::Bind { .. }
            | Awaited::Declare { .. }
            | Awaited::CloseStatement(_)
            | Awaited::Deallocate(_)
            | Awaited::DiscardAll { .. }
            | Awaited::OwnParse
            | Awaited::OwnBind
            | Awaited::ClosePortal(_)
            | Awaited::CloseCursor(_)
            | Awaited::CloseCursors { .. }
            | Awaited::CloseOther => None,
        }
    }

    /// Whether it decides which portal the name stands for.
    pub fn is_about_portal(&self, name: &[u8]) -> bool {
        match self {
            Awaited::Bind { name: known, .. }
            | Awaited::Declare { name: known, .. }
            | Awaited::ClosePortal(known)
            | Awaited::CloseCursor(known) => **known == *name,
            Awaited::CloseCursors { by } | Awaited::DiscardAll { by } => by.as_deref() != Some(name),
            Awaited::Parse { .. }
            | Awaited::Prepare { .. }
            | Awaited::CloseStatement(_)
            | Awaited::Deallocate(_)
            | Awaited::OwnParse
            | Awaited::OwnBind
            | Awaited::CloseOther => false,
        }
    }

    /// The portal that it leaves, if it leaves one.
    pub fn portal(&mut self) -> Option<&mut Portal> {
        match self {
            Awaited::Bind { portal, .. } | Awaited::Declare { portal, .. } => Some(portal),
            Awaited::Parse { .. }
            | Awaited::Prepare { .. }
            | Awaited::CloseStatement(_)
            | Awaited::Deallocate(_)
            | Awaited::DiscardAll { .. }
            | Awaited::OwnParse
            | Awaited::OwnBind
            | Awaited::ClosePortal(_)
            | Awaited::CloseCursor(_)
            | Awaited::CloseCursors { .. }
            | Awaited::CloseOther => None,
        }
    }

    /// The same, to look at.
    pub fn declared(&self) -> Option<&Portal> {
        match self {
            Awaited::Declare { portal, .. } => Some(portal),
            Awaited::Bind { .. }
            | Awaited::Parse { .. }
            | Awaited::Prepare { .. }
            | Awaited::CloseStatement(_)
            | Awaited::Deallocate(_)
            | Awaited::DiscardAll { .. }
            | Awaited::OwnParse
            | Awaited::OwnBind
            | Awaited::ClosePortal(_)
            | Awaited::CloseCursor(_)
            | Awaited::CloseCursors { .. }
            | Awaited::CloseOther => None,
        }
    }

    fn is_of_statement(&self) -> bool {
        match self {
            Awaited::Parse { .. }
            | Awaited::Prepare { .. }
            | Awaited::CloseStatement(_)
            | Awaited::Deallocate(_)
            | Awaited::DiscardAll { .. } => true,
            Awaited::Bind { .. }
            | Awaited::Declare { .. }
            | Awaited::OwnParse
            | Awaited::OwnBind
            | Awaited::ClosePortal(_)
            | Awaited::CloseCursor(_)
            | Awaited::CloseCursors { .. }
            | Awaited::CloseOther => false,
        }
    }
}

/// A Sync of the proxy's own between a Parse and a Query, of which the client does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quiet {
    No,
    Sent,
    /// What stood before it has failed: the server would have skipped the Query, and all up to the client's own Sync.
    Skips,
}

/// Everything the server owes.
#[derive(Debug)]
pub struct Owed {
    pub entries: VecDeque<Entry>,
    slots: VecDeque<Slot>,
    /// How many of them are of a statement's Parse or Close.
    statements: usize,
    /// What their statements hold.
    bytes: usize,
    /// The extended segment that has not seen its Sync.
    pub open: Option<Entry>,
    /// The number of the segment that the client's next message belongs to.
    pub number: u64,
    /// The server reads copy data, as far as is known, and ignores Sync.
    pub copying: bool,
}

impl Owed {
    pub fn new() -> Owed {
        Owed {
            entries: VecDeque::new(),
            slots: VecDeque::new(),
            statements: 0,
            bytes: 0,
            open: None,
            number: 1,
            copying: false,
        }
    }

    /// The entry that the server is answering.
    pub fn front(&mut self) -> Option<&mut Entry> {
        while self.entries.front().is_some_and(|entry| entry.segment == Segment::CopyEnd) {
            self.entries.pop_front();
        }
        self.entries.front_mut().or(self.open.as_mut())
    }

    /// The extended segment being filled.
    pub fn open(&mut self) -> &mut Entry {
        let number = self.number;
        self.open.get_or_insert_with(|| Entry::new(Segment::Extended, number))
    }

    /// Ends the client's segment: the next message belongs to another.
    pub fn push(&mut self, entry: Entry) {
        self.entries.push_back(entry);
        self.number += 1;
    }

    /// Everything was answered but what the open segment holds.
    pub fn only_open(&self) -> bool {
        self.entries.iter().all(|entry| entry.segment == Segment::CopyEnd)
    }

    /// The answer to a simple query is still to come.
    pub fn awaits_simple(&self) -> bool {
        self.entries.iter().any(|entry| entry.segment == Segment::Simple)
    }

    /// Everything was answered.
    pub fn at_rest(&self) -> bool {
        self.open.is_none() && self.only_open()
    }

    /// The server has begun to read copy data: Syncs that were sent before the copy's end are ignored by it
    /// (pgbouncer #1023).
    pub fn copy_in(&mut self) {
        let Some(front) = self.front() else { return };
        let closed = front.segment == Segment::Extended;
        if self.entries.is_empty() {
            self.copying = true;
            return;
        }
        // Of an extended segment the front entry is such a Sync itself; of a simple query the first one comes after it.
        let mut at = if closed { 0 } else { 1 };
        let mut reopened = None;
        let mut ended = false;
        while let Some(entry) = self.entries.get(at) {
            match entry.segment {
                Segment::CopyEnd => {
                    self.entries.remove(at);
                    ended = true;
                    break;
                }
                Segment::Extended => {
                    let entry = self.entries.remove(at);
                    if closed && reopened.is_none() {
                        reopened = entry;
                    }
                }
                Segment::Simple | Segment::Call | Segment::Own(_) => at += 1,
            }
        }
        self.copying = !ended;
        if let Some(mut entry) = reopened {
            match self.entries.front_mut().filter(|next| next.segment == Segment::Extended) {
                // Its real Sync came after the copy's end.
                Some(next) => {
                    next.settle |= entry.settle;
                    next.settle_on_error |= entry.settle_on_error;
                    next.catalog |= entry.catalog;
                    next.own_complete |= entry.own_complete;
                    next.discreet = next.discreet.take().or(entry.discreet);
                }
                None => {
                    if let Some(open) = self.open.take() {
                        entry.settle |= open.settle;
                        entry.settle_on_error |= open.settle_on_error;
                        entry.catalog |= open.catalog;
                        entry.discreet = entry.discreet.or(open.discreet);
                        entry.number = open.number;
                    }
                    entry.number = entry.number.max(self.number);
                    self.open = Some(entry);
                }
            }
        }
    }

    /// The newest that decides about a statement's name and was not answered yet.
    pub fn pending(&mut self, name: &[u8]) -> Option<&mut Slot> {
        if self.statements == 0 {
            return None;
        }
        self.slots.iter_mut().rev().find(|slot| slot.what.is_about_statement(name))
    }

    /// The newest that decides about a portal's name and was not answered yet.
    pub fn pending_portal(&mut self, name: &[u8]) -> Option<&mut Slot> {
        self.slots.iter_mut().rev().find(|slot| slot.what.is_about_portal(name))
    }

    /// How many that decide about statements' names were not answered yet.
    pub fn pending_statements(&self) -> usize {
        self.statements
    }

    pub fn push_slot(&mut self, slot: Slot) {
        self.statements += usize::from(slot.what.is_of_statement());
        self.bytes += slot.bytes;
        self.slots.push_back(slot);
    }

    pub fn next_slot(&self) -> Option<&Slot> {
        self.slots.front()
    }

    pub fn pop_slot(&mut self) -> Option<Slot> {
        let slot = self.slots.pop_front()?;
        self.statements -= usize::from(slot.what.is_of_statement());
        self.bytes -= slot.bytes;
        Some(slot)
    }

    /// How many answers and ends of segments are still to come, at most.
    pub fn outstanding(&self) -> usize {
        self.slots.len() + self.entries.len()
    }

    /// What the session keeps for them, in bytes of statements.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets the answers that a segment no longer owes.
    pub fn forget_slots(&mut self, segment: u64) {
        while self.slots.front().is_some_and(|slot| slot.segment <= segment) {
            self.pop_slot();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(owed: &Owed) -> Vec<(Segment, u64)> {
        owed.entries.iter().map(|entry| (entry.segment, entry.number)).collect()
    }

    #[test]
    fn a_sync_before_the_end_of_a_copy_is_absorbed() {
        let mut owed = Owed::new();
        // P B E S | d c S, all sent before the server answered.
        for segment in [Segment::Extended, Segment::CopyEnd, Segment::Extended] {
            let number = owed.number;
            owed.push(Entry::new(segment, number));
        }
        owed.copy_in();
        assert_eq!(numbers(&owed), [(Segment::Extended, 3)]);
        assert!(!owed.copying);
    }

    #[test]
    fn a_sync_sent_before_the_server_reads_reopens_the_segment() {
        let mut owed = Owed::new();
        let number = owed.number;
        owed.push(Entry::new(Segment::Extended, number));
        owed.copy_in();
        assert!(owed.entries.is_empty() && owed.open.is_some() && owed.copying);
    }

    #[test]
    fn a_simple_copy_keeps_its_entry() {
        let mut owed = Owed::new();
        for segment in [Segment::Simple, Segment::Extended, Segment::CopyEnd] {
            let number = owed.number;
            owed.push(Entry::new(segment, number));
        }
        owed.copy_in();
        assert_eq!(numbers(&owed), [(Segment::Simple, 1)]);
    }
}
