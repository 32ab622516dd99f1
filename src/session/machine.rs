//! The session itself: its state, and the loop over the client's bytes.

use super::asking::principal;
use super::inner::Inner;
use super::judge::{Judge, Witness};
use super::payment::Charged;
use super::poison::Poisons;
use super::portals::Portals;
use super::purpose::Start;
use super::queue::{Entry, Owed, Own, Quiet, Segment};
use super::settings::{Anchor, Block, Encodings, Settings, State, split_path};
use super::shelf::Shelf;
use super::statements::Statements;
use super::temporary::Told;
use crate::catalog::quote_literal;
use crate::enforce::{Charge, View};
use crate::policy::{Bound, Principal, Proof, PurposeId, ValueSource, Values};
use crate::wire::{self, ClientTag, HEADER, Header, Sink, Violation};
use std::sync::Arc;

/// Bounds of one session.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// The longest Query or Parse under a restricted purpose, in bytes.
    pub message_bytes: usize,
    /// The longest under an unrestricted one.
    pub trusted_message_bytes: usize,
    pub prepared_statements: usize,
    pub prepared_bytes: usize,
    /// The most answers that the server may owe before more of the client's messages are taken.
    pub pipelined_messages: usize,
    /// What the catalog of a transaction that has changed it may take, in bytes.
    pub inner_catalog_bytes: usize,
}

/// Everything a session starts from.
pub struct Opening {
    pub judge: Arc<dyn Judge>,
    pub witness: Arc<dyn Witness>,
    pub shelf: Arc<Shelf>,
    pub bounds: Arc<Bounds>,
    pub user: Arc<str>,
    pub current_user: Arc<str>,
    pub start: Start,
    /// What the client has proven beside who it is.
    pub proof: Proof,
    /// Values of parameters beside those of the role.
    pub given: Values,
    /// What the start-up packet gives as the reason for what is read.
    pub justification: Option<Arc<str>>,
    /// `search_path` as the server shows it.
    pub path: String,
    pub client_encoding: Vec<u8>,
    pub conforming_strings: Vec<u8>,
    /// A start-up parameter that may not be set under a restricted purpose, if there is one.
    pub unjudged: Option<Box<str>>,
    /// Random; it marks the errors that stand for refusals.
    pub nonce: [u8; 8],
}

/// Why a newer catalog is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// It is known to have changed.
    Behind,
    /// A name was not found that might be new.
    UnknownName,
    /// The transaction has changed it: the session itself asks.
    Inner,
    /// The session's temporary relations may have changed: it asks for them.
    Temporary,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// What was known to have changed when it was asked for is on the shelf.
    Done,
    /// The catalog cannot be read.
    Failed,
}

/// What the session needs next from the client's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// More of the client's bytes. The number is how many a frame still lacks, as far as is known; at least 1.
    More(usize),
    /// Nothing from the client until the server has answered.
    Hold,
    /// A newer catalog, then the same bytes again.
    Refresh(Refresh),
    /// The policy, tied to what was read of a transaction's own catalog ([`Session::inner_reading`]), then the same bytes
    /// again.
    Inner,
    /// A payment out of its role's budget ([`Session::charge`]), then the same bytes again.
    Charge,
    /// The client has said goodbye.
    Finish,
    /// The session is over: the report is on its way to the client.
    Fatal,
}

/// What happens to the rest of a frame that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    Forward,
    Drop,
}

/// Whether the server must be asked for the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settling {
    No,
    Wanted,
    Asked,
}

/// A frame of the client, whole or as far as it has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) input: &'a [u8],
    pub(super) at: usize,
    pub(super) header: Header,
}

impl<'a> Frame<'a> {
    /// The part of the body that is there.
    pub(super) fn have(&self) -> &'a [u8] {
        let end = self.input.len().min(self.at + self.header.frame());
        &self.input[self.at + HEADER..end]
    }

    /// The whole body, or what is missing.
    pub(super) fn body(&self) -> Result<&'a [u8], Step> {
        let have = self.have();
        if have.len() == self.header.body { Ok(have) } else { Err(Step::More(self.header.body - have.len())) }
    }

    pub(super) fn range(&self) -> std::ops::Range<usize> {
        self.at..(self.at + self.header.frame()).min(self.input.len())
    }
}

/// Where the session writes to.
pub(super) struct Outs<'a> {
    pub(super) server: &'a mut Sink,
    pub(super) client: &'a mut Sink,
}

/// One client's session.
pub struct Session {
    pub(super) judge: Arc<dyn Judge>,
    pub(super) witness: Arc<dyn Witness>,
    pub(super) shelf: Arc<Shelf>,
    pub(super) bounds: Arc<Bounds>,
    pub(super) user: Arc<str>,
    pub(super) current_user: Arc<str>,
    pub(super) bound: Arc<Bound>,
    pub(super) epoch: u64,
    pub(super) principal: Arc<Principal>,
    pub(super) proof: Proof,
    /// Values of parameters that the config, a token and the session itself give, for as long as it lasts.
    pub(super) given: Values,
    pub(super) encoding: Encodings,
    pub(super) start: Start,
    /// A start-up parameter that keeps the session from coming under a restricted purpose.
    pub(super) unjudged: Option<Box<str>>,
    /// The settings that RESET and DISCARD ALL return to.
    pub(super) first: Arc<Settings>,
    pub(super) first_encoding: Encodings,
    pub(super) first_user: Arc<str>,
    pub(super) state: State,
    /// What `wherefore.purpose` is on the server once everything sent has run.
    pub(super) guc: Option<PurposeId>,
    /// What was in force when the session was last between transactions and nothing was under way.
    pub(super) anchor: Anchor,
    /// Something has failed since.
    pub(super) failed: bool,
    /// Something has run since that was not read.
    pub(super) opaque: bool,
    /// The view of a statement that was sent in the transaction under way and whose answer must be discreet: what it
    /// leaves (cursors, portals, deferred constraints) speaks of the same data.
    pub(super) discreet: Option<Arc<View>>,
    /// The same, of what the server has answered.
    pub(super) discreet_answered: Option<Arc<View>>,
    /// The transaction status of the last ReadyForQuery.
    pub(super) status: u8,
    /// Something was executed under an unrestricted purpose since the start or DISCARD ALL.
    pub(super) tainted: bool,
    pub(super) settling: Settling,
    pub(super) quiet: Quiet,
    /// The server has said that it ends the session.
    pub(super) over: bool,
    /// A segment under way sets the purpose on the server for a statement's comment.
    pub(super) declaring: bool,
    /// How often in a row the proxy's own question failed.
    pub(super) unanswered: u8,
    /// Private statements that are no longer used.
    pub(super) outgrown: Vec<Box<str>>,
    /// The purpose under which the open extended segment executes, once a portal was bound in it.
    pub(super) of_segment: Option<Option<PurposeId>>,
    pub(super) owed: Owed,
    pub(super) statements: Statements,
    pub(super) portals: Portals,
    pub(super) portal_serial: u64,
    /// A ROLLBACK was completed since the last COMMIT or DECLARE, perhaps to a savepoint only.
    pub(super) rolled_back: bool,
    pub(super) poisons: Poisons,
    pub(super) private: u64,
    /// Settings as the proxy's own query has returned them.
    pub(super) told: Vec<String>,
    /// A transaction that is not over may have changed the catalog.
    pub(super) catalog_changed: bool,
    /// A newer catalog was asked for on behalf of the message at hand.
    pub(super) asked: Option<Refreshed>,
    /// The session's temporary relations, as the server has told of them.
    pub(super) told_temporary: Told,
    /// The catalog as a transaction sees it that has changed it.
    pub(super) inner: Inner,
    /// How often it was read for the message at hand.
    pub(super) readings: u8,
    /// How often this session has changed the schema.
    pub(super) changes: u64,
    /// What the message at hand costs, and what came of charging it.
    pub(super) paid: Option<(Arc<Charge>, Option<Charged>)>,
    /// How many look-ups of the message at hand were counted.
    pub(super) looked_up: usize,
    pub(super) views: Vec<(Arc<Settings>, Option<PurposeId>, Arc<View>)>,
    /// How much the server has completed.
    pub(super) completed: u64,
    /// What runs was cancelled by the proxy.
    pub(super) overdue: bool,
    pub(super) trail: super::record::Trail,
    /// What is left of a client's frame, and of a server's.
    pub(super) rest: (usize, Rest),
    pub(super) server_rest: (usize, Rest),
}

impl Session {
    pub fn new(opening: Opening) -> Session {
        let bound = opening.shelf.bound();
        let principal = Arc::new(principal(&bound, &opening.user, &opening.proof, &opening.given));
        for (id, parameter) in bound.policy().parameters() {
            if let (ValueSource::Session, Some(value)) = (parameter.source(), opening.given.get(id)) {
                opening.witness.chosen(&opening.user, parameter.name(), value);
            }
        }
        let path = split_path(&opening.path, &opening.current_user);
        let encoding = Encodings { client: opening.client_encoding, conforming: opening.conforming_strings };
        if let Some(text) = &opening.justification {
            opening.witness.chosen(&opening.user, "justification", text);
        }
        let justification = opening.justification;
        let first = Arc::new(Settings::told(opening.start.purpose, justification, path));
        Session {
            epoch: opening.shelf.epoch(),
            judge: opening.judge,
            shelf: opening.shelf,
            user: opening.user,
            current_user: Arc::clone(&opening.current_user),
            bound,
            principal,
            proof: opening.proof,
            given: opening.given,
            first_encoding: encoding.clone(),
            encoding,
            first_user: opening.current_user,
            start: opening.start,
            unjudged: opening.unjudged,
            state: State::new(Arc::clone(&first)),
            first,
            guc: opening.start.purpose,
            anchor: Anchor { purpose: opening.start.purpose, guc: opening.start.purpose },
            failed: false,
            opaque: false,
            discreet: None,
            discreet_answered: None,
            status: b'I',
            tainted: false,
            settling: Settling::No,
            quiet: Quiet::No,
            over: false,
            declaring: false,
            unanswered: 0,
            outgrown: Vec::new(),
            of_segment: None,
            owed: Owed::new(),
            statements: Statements::new(opening.bounds.prepared_statements, opening.bounds.prepared_bytes),
            bounds: opening.bounds,
            portals: Portals::default(),
            portal_serial: 0,
            rolled_back: false,
            poisons: Poisons::new(opening.nonce),
            private: 0,
            told: Vec::new(),
            catalog_changed: false,
            asked: None,
            told_temporary: Told::Nothing,
            inner: Inner::Unknown,
            readings: 0,
            changes: 0,
            paid: None,
            looked_up: 0,
            views: Vec::new(),
            completed: 0,
            overdue: false,
            trail: super::record::Trail::new(opening.witness.records()),
            witness: opening.witness,
            rest: (0, Rest::Forward),
            server_rest: (0, Rest::Forward),
        }
    }

    /// The purpose in force.
    pub fn purpose(&self) -> Option<PurposeId> {
        self.state.now.purpose
    }

    /// Between transactions, with nothing under way: the session may be ended without harm.
    pub fn is_idle(&self) -> bool {
        self.status == b'I' && self.owed.at_rest() && self.rest.0 == 0 && self.settling != Settling::Asked
    }

    /// The catalog was read as [`Step::Refresh`] asked, or could not be.
    pub fn refreshed(&mut self, outcome: Refreshed) {
        self.asked = Some(outcome);
    }

    /// Takes the client's bytes and returns how many are done with, and what is needed next. `to_server` gathers slices
    /// of `input`.
    pub fn client(&mut self, input: &[u8], to_server: &mut Sink, to_client: &mut Sink) -> (usize, Step) {
        let mut outs = Outs { server: to_server, client: to_client };
        let mut at = 0;
        loop {
            let (left, what) = self.rest;
            if left > 0 {
                let taken = left.min(input.len() - at);
                if what == Rest::Forward {
                    outs.server.forward(input, at..at + taken);
                }
                at += taken;
                self.rest.0 -= taken;
                if self.rest.0 > 0 {
                    return (at, Step::More(self.rest.0));
                }
            }
            let (tag, header) = match wire::client_header(&input[at..]) {
                None => return (at, Step::More(1)),
                Some(Ok(found)) => found,
                Some(Err(violation)) => return (at, self.violated(violation, &mut outs)),
            };
            let frame = Frame { input, at, header };
            match self.take(tag, frame, &mut outs) {
                Ok(taken) => {
                    self.paid = None;
                    self.looked_up = 0;
                    at += taken;
                    if tag == ClientTag::Terminate {
                        return (at, Step::Finish);
                    }
                }
                Err(step) => return (at, step),
            }
        }
    }

    /// Takes one frame, or as much of it as has come where that is enough. Nothing has changed where a step is returned.
    fn take(&mut self, tag: ClientTag, frame: Frame<'_>, outs: &mut Outs<'_>) -> Result<usize, Step> {
        match tag {
            ClientTag::CopyData => return Ok(self.pass(frame, outs)),
            ClientTag::CopyDone | ClientTag::CopyFail => {
                self.checked(wire::check_tiny(frame.header.tag, frame.body()?), outs)?;
                if self.is_full() && !self.owed.copying && !self.owed.only_open() {
                    return Err(Step::Hold);
                }
                self.copy_ends();
                return Ok(self.pass(frame, outs));
            }
            ClientTag::Flush | ClientTag::Terminate => {
                self.checked(wire::check_tiny(frame.header.tag, frame.body()?), outs)?;
                return Ok(self.pass(frame, outs));
            }
            ClientTag::Sync => {
                self.checked(wire::check_tiny(b'S', frame.body()?), outs)?;
                if self.is_full() && !self.owed.only_open() || self.quiet == Quiet::Sent {
                    return Err(Step::Hold);
                }
                self.quiet = Quiet::No;
                self.sync();
                return Ok(self.pass(frame, outs));
            }
            ClientTag::Parse
            | ClientTag::Bind
            | ClientTag::Describe
            | ClientTag::Execute
            | ClientTag::Close
            | ClientTag::Query
            | ClientTag::FunctionCall => {
                if self.is_skipped() {
                    return Ok(self.drop_frame(frame));
                }
            }
        }
        if self.quiet == Quiet::Sent || self.is_held() || self.waits_for_room(frame, outs) {
            return Err(Step::Hold);
        }
        self.notice_snapshot(outs)?;
        let outcome = match tag {
            ClientTag::Query => self.query(frame, outs),
            ClientTag::Parse => self.parse(frame, outs),
            ClientTag::Bind => self.bind(frame, outs),
            ClientTag::Describe => self.describe(frame, outs),
            ClientTag::Execute => self.execute(frame, outs),
            ClientTag::Close => self.close(frame, outs),
            ClientTag::FunctionCall => self.call(frame, outs),
            ClientTag::Flush
            | ClientTag::Sync
            | ClientTag::Terminate
            | ClientTag::CopyData
            | ClientTag::CopyDone
            | ClientTag::CopyFail => Ok(self.pass(frame, outs)),
        };
        let taken = match outcome {
            Err(Step::Refresh(Refresh::Inner)) => return Err(self.read_inner(frame, outs)),
            Err(Step::Refresh(Refresh::Temporary)) => return Err(self.read_temporary(frame, outs)),
            outcome => outcome?,
        };
        self.asked = None;
        self.inner_used();
        self.temporary_used();
        Ok(taken)
    }

    /// Forwards a frame as it comes, however much of it is there.
    pub(super) fn pass(&mut self, frame: Frame<'_>, outs: &mut Outs<'_>) -> usize {
        let range = frame.range();
        let taken = range.len();
        outs.server.forward(frame.input, range);
        self.rest = (frame.header.frame() - taken, Rest::Forward);
        taken
    }

    /// Drops a frame.
    pub(super) fn drop_frame(&mut self, frame: Frame<'_>) -> usize {
        let taken = frame.range().len();
        self.rest = (frame.header.frame() - taken, Rest::Drop);
        taken
    }

    pub(super) fn checked<T>(&mut self, result: Result<T, Violation>, outs: &mut Outs<'_>) -> Result<T, Step> {
        result.map_err(|violation| self.violated(violation, outs))
    }

    fn violated(&mut self, violation: Violation, outs: &mut Outs<'_>) -> Step {
        wire::fatal("08P01", &violation.to_string(), outs.client.own(&[]));
        Step::Fatal
    }

    /// Ends an extended segment. While the server reads copy data it ignores Sync.
    fn sync(&mut self) {
        if self.owed.copying {
            return;
        }
        let mut entry = self.owed.open.take().unwrap_or_else(|| Entry::new(Segment::Extended, self.owed.number));
        entry.number = self.owed.number;
        self.end_segment(entry);
    }

    /// Ends the open segment in the client's stead.
    pub(super) fn sync_quietly(&mut self) {
        if let Some(open) = &mut self.owed.open {
            open.quiet = true;
        }
        self.quiet = Quiet::Sent;
        self.sync();
    }

    /// A message that ends a segment was sent.
    pub(super) fn end_segment(&mut self, mut entry: Entry) {
        self.state.end_of_segment();
        match &entry.discreet {
            Some(view) => self.discreet = Some(Arc::clone(view)),
            None => entry.discreet.clone_from(&self.discreet),
        }
        if self.state.block == Block::Outside {
            self.discreet = None;
        }
        self.of_segment = None;
        if entry.settle {
            self.settling = Settling::Wanted;
        }
        self.owed.push(entry);
    }

    /// Where the server is not known to read copy data yet, the place is marked for when it turns out that it does.
    fn copy_ends(&mut self) {
        if !std::mem::take(&mut self.owed.copying) && !self.owed.entries.is_empty() {
            let number = self.owed.number;
            self.owed.push(Entry::new(Segment::CopyEnd, number));
        }
    }

    /// Whether the client's next statement must wait for the server.
    fn is_held(&self) -> bool {
        if self.awaits_inner() || self.awaits_temporary() {
            return true;
        }
        match self.settling {
            // What the proxy has set on the server is undone if its segment fails.
            Settling::No => self.declaring && !self.owed.only_open(),
            Settling::Asked => true,
            // In a failed transaction the server cannot be asked; nothing but its end is executed there.
            Settling::Wanted => !(self.owed.only_open() && self.status == b'E'),
        }
    }

    /// Whether the server skips what comes until the Sync: an error in the open segment was answered.
    fn is_skipped(&self) -> bool {
        self.quiet == Quiet::Skips || self.owed.only_open() && self.owed.open.as_ref().is_some_and(|open| open.failed)
    }

    /// Whether the server owes so much that nothing more is taken.
    fn is_full(&self) -> bool {
        self.owed.outstanding() + self.poisons.pending() >= self.bounds.pipelined_messages
            || self.owed.bytes() > self.bounds.prepared_bytes
    }

    /// Whether the server must answer before more is sent; it is asked to where it would wait for a Sync.
    fn waits_for_room(&mut self, frame: Frame<'_>, outs: &mut Outs<'_>) -> bool {
        let full = self.is_full();
        if self.owed.only_open()
            && let Some(open) = &mut self.owed.open
        {
            if full && !open.flushed {
                outs.server.own(frame.input).extend_from_slice(b"H\0\0\0\x04");
            }
            open.flushed = full;
        }
        full
    }

    /// The statement that puts a purpose in force on the server.
    pub(super) fn declaration(&self, purpose: Option<PurposeId>) -> String {
        let name = purpose.map_or("", |purpose| self.bound.policy().purpose_name(purpose));
        format!("SET wherefore.purpose = {}", quote_literal(name))
    }

    /// Sends a statement of the proxy's own in a segment of its own. Only where nothing else is under way.
    pub(super) fn run_own(&mut self, own: Own, texts: &[&str], to_server: &mut Sink, input: &[u8]) {
        wire::run_apart(texts, to_server.own(input));
        let number = self.owed.number;
        self.owed.push(Entry::new(Segment::Own(own), number));
    }
}
