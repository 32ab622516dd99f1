//! The server's side: answers are passed on as they come; a few are read, those to the proxy's own messages are kept back.

use super::inner::Fault;
use super::machine::{Rest, Session, Settling};
use super::queue::{Audience, Awaited, Entry, Own, Quiet, Segment};
use super::record::End;
use super::settings::{Anchor, Block, Settings, split_path};
use super::temporary::Standing;
use crate::policy::PurposeId;
use crate::wire::{self, HEADER, Header, Sink};
use std::sync::Arc;

/// What the session needs next from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// More bytes; as many as a frame that must be whole still lacks, as far as is known.
    More(usize),
    /// The session is over: the report is on its way to the client.
    Fatal,
}

/// The longest message of the server that is read whole. A longer error cannot be one of ours.
const LONGEST_READ: usize = 64 << 10;

/// Asked of the server when settings may have changed. SHOW takes no snapshot, so that a transaction may still choose
/// its isolation level.
const SETTLE: [&str; 4] = ["SHOW wherefore.purpose", "SHOW search_path", "SHOW session_authorization", "SHOW role"];

impl Session {
    /// Takes the server's bytes and returns how many are done with, and what is needed next. `to_client` gathers slices
    /// of `input`.
    pub fn server(&mut self, input: &[u8], to_client: &mut Sink, to_server: &mut Sink) -> (usize, Answer) {
        let mut at = 0;
        let mut own = self.answers_own();
        loop {
            let (left, what) = self.server_rest;
            if left > 0 {
                let taken = left.min(input.len() - at);
                if what == Rest::Forward {
                    to_client.forward(input, at..at + taken);
                }
                at += taken;
                self.server_rest.0 -= taken;
                if self.server_rest.0 > 0 {
                    return (at, Answer::More(1));
                }
            }
            let header = match wire::server_header(&input[at..]) {
                None => return (at, Answer::More(1)),
                Some(Ok(header)) => header,
                Some(Err(violation)) => return (at, fatal(&format!("the server: {violation}"), to_client, input)),
            };
            let discreet = matches!(header.tag, b'E' | b'N') && self.is_discreet();
            if discreet && header.body > LONGEST_READ {
                // Its beginning says what may be said of it.
                let Some(front) = input.get(at + HEADER..at + HEADER + LONGEST_READ) else {
                    return (at, Answer::More(at + HEADER + LONGEST_READ - input.len()));
                };
                self.report_in_front(header.tag, front, own, to_client.own(input));
                self.server_rest = (header.frame(), Rest::Drop);
                continue;
            }
            let read = match header.tag {
                // Answers to the proxy's own questions.
                b'D' => own,
                b'N' => discreet,
                b'A' => true,
                b'E' | b'C' => header.body <= LONGEST_READ,
                b'Z' | b'S' | b'1' | b'2' | b'3' | b'G' => true,
                _ => false,
            };
            if matches!(header.tag, b'C' | b'E' | b'I' | b's' | b'Z') {
                self.completed += 1;
            }
            match header.tag {
                b'D' if !own => self.trail.rows += 1,
                b's' | b'I' if !own => self.suspended(header.tag),
                _another => {}
            }
            if !read {
                if header.tag == b'E' {
                    self.failed();
                }
                // Notices and notifications are the client's, whatever is under way.
                let drop = own && !matches!(header.tag, b'N' | b'A');
                self.server_rest = (header.frame(), if drop { Rest::Drop } else { Rest::Forward });
                continue;
            }
            let longest = if header.tag == b'D' { self.longest_own_row(LONGEST_READ) } else { LONGEST_READ };
            if header.body > longest {
                if header.tag == b'D' && self.inner_too_large() {
                    self.server_rest = (header.frame(), Rest::Drop);
                    continue;
                }
                return (at, fatal("the server: a message is too long", to_client, input));
            }
            let Some(body) = input.get(at + HEADER..at + header.frame()) else {
                return (at, Answer::More(at + header.frame() - input.len()));
            };
            let keep = match self.answer(header, body, own, to_client, input) {
                Ok(keep) => keep,
                Err(message) => return (at, fatal(&message, to_client, input)),
            };
            let range = at..at + header.frame();
            at = range.end;
            if keep == Audience::Client {
                to_client.forward(input, range);
            }
            if header.tag == b'Z' {
                self.ask(to_server);
                own = self.answers_own();
            }
        }
    }

    /// Whether the server is answering the proxy itself.
    fn answers_own(&mut self) -> bool {
        self.owed.front().is_some_and(|entry| matches!(entry.segment, Segment::Own(_)))
    }

    /// One message that is read.
    fn answer(
        &mut self,
        header: Header,
        body: &[u8],
        own: bool,
        to_client: &mut Sink,
        input: &[u8],
    ) -> Result<Audience, String> {
        let audience = if own { Audience::Nobody } else { Audience::Client };
        Ok(match header.tag {
            b'Z' => self.ready(body)?,
            b'E' => self.error(body, own, to_client.own(input)),
            b'N' => self.notice(body, to_client.own(input)),
            b'C' => self.complete(body, own),
            b'A' => self.notification(body),
            b'S' => {
                self.parameter(body);
                if self.is_of_inner(body) { Audience::Nobody } else { Audience::Client }
            }
            b'1' | b'2' | b'3' if own => Audience::Nobody,
            b'1' | b'2' | b'3' => self.slot_answered(header.tag)?,
            b'G' => {
                self.owed.copy_in();
                audience
            }
            b'D' if self.awaits_temporary() => {
                self.temporary_row(body).ok_or("the server: a row that cannot be read")?;
                Audience::Nobody
            }
            b'D' if self.asks_inner() => {
                self.inner_row(body).ok_or("the server: a row that cannot be read")?;
                Audience::Nobody
            }
            b'D' => {
                let row = wire::data_row(body).ok_or("the server: a row that cannot be read")?;
                self.told.extend(row.into_iter().map(Option::unwrap_or_default));
                Audience::Nobody
            }
            _ => audience,
        })
    }

    /// A portal has rows left, or there was no statement.
    fn suspended(&mut self, tag: u8) {
        let Some(number) = self.owed.front().map(|entry| entry.number) else { return };
        self.ran(number, if tag == b's' { End::Suspended } else { End::Done }, b"");
    }

    pub(super) fn failed(&mut self) {
        self.owed.copying = false;
        self.failed = true;
        if let Some(entry) = self.owed.front() {
            entry.failed = true;
        }
    }

    /// A ParseComplete, BindComplete or CloseComplete.
    fn slot_answered(&mut self, tag: u8) -> Result<Audience, String> {
        let Some(slot) = self.owed.pop_slot() else { return Ok(Audience::Client) };
        if slot.what.tag() != tag {
            return Err("the server: an answer to something else than was asked".to_owned());
        }
        match slot.what {
            Awaited::Parse { name, statement: Some(statement) } => {
                let current = statement.private.clone();
                let old = self.statements.put(name, statement);
                let outgrown = old.and_then(|old| old.private).filter(|old| Some(old) != current.as_ref());
                // A private statement that was judged again is closed where its successor was prepared.
                if slot.audience == Audience::Client {
                    self.outgrown.extend(outgrown);
                }
            }
            Awaited::CloseStatement(name) => {
                self.statements.remove(&name);
            }
            Awaited::Bind { name, portal } => {
                self.portals.insert(name, portal);
            }
            Awaited::ClosePortal(name) => {
                self.portals.remove(&name);
            }
            Awaited::Parse { statement: None, .. }
            | Awaited::OwnParse
            | Awaited::OwnBind
            | Awaited::CloseOther
            | Awaited::Prepare { .. }
            | Awaited::Deallocate(_)
            | Awaited::Declare { .. }
            | Awaited::CloseCursor(_)
            | Awaited::CloseCursors { .. }
            | Awaited::DiscardAll { .. } => {}
        }
        Ok(slot.audience)
    }

    fn complete(&mut self, body: &[u8], own: bool) -> Audience {
        if own {
            self.inner_completed();
            self.temporary_completed();
            return Audience::Nobody;
        }
        let Some(entry) = self.owed.front() else { return Audience::Client };
        if std::mem::take(&mut entry.own_complete) {
            return Audience::Nobody;
        }
        let number = entry.number;
        let tag = body.strip_suffix(&[0]).unwrap_or(body);
        self.ran(number, End::Done, tag);
        let Some(entry) = self.owed.front() else { return Audience::Client };
        match body.first() {
            Some(b'C' | b'A' | b'D' | b'G' | b'R' | b'P') => {}
            Some(_) | None => return Audience::Client,
        }
        let first = tag.split(|byte| *byte == b' ').next().unwrap_or_default();
        let defines = matches!(first, b"CREATE" | b"ALTER" | b"DROP" | b"GRANT" | b"REVOKE") && !entry.temporary;
        if defines || tag == b"COMMIT PREPARED" {
            entry.catalog = true;
        }
        match tag {
            b"COMMIT" => {
                // The transaction may go on with a chain: nothing else would tell the others.
                if entry.catalog || self.catalog_changed {
                    self.shelf.mark();
                }
                self.committed();
            }
            b"ROLLBACK" => self.rolled_back = true,
            _another_command => {}
        }
        let answered =
            self.owed.next_slot().is_some_and(|slot| slot.segment == number && slot.what.command() == Some(tag));
        if answered && let Some(slot) = self.owed.pop_slot() {
            self.effected(slot.what);
        }
        Audience::Client
    }

    fn parameter(&mut self, body: &[u8]) {
        match wire::parameter_status(body) {
            Some((b"client_encoding", value)) => self.encoding.client = value.to_vec(),
            Some((b"standard_conforming_strings", value)) => self.encoding.conforming = value.to_vec(),
            Some(_) | None => return,
        }
        self.views.clear();
    }

    /// A NotificationResponse. A channel that was listened to under another purpose may not be one of this purpose's.
    fn notification(&self, body: &[u8]) -> Audience {
        let Some(purpose) = self.state.now.purpose else { return Audience::Nobody };
        let policy = self.bound.policy();
        let channel = body.get(4..).and_then(|names| names.split(|byte| *byte == 0).next()).unwrap_or_default();
        let may = std::str::from_utf8(channel).is_ok_and(|channel| policy.may_signal(purpose, channel));
        if may || !policy.enforces(purpose) { Audience::Client } else { Audience::Nobody }
    }

    /// ReadyForQuery: a segment is over.
    fn ready(&mut self, body: &[u8]) -> Result<Audience, String> {
        let &[status] = body else { return Err("the server: a ReadyForQuery that cannot be read".to_owned()) };
        self.owed.front();
        // A Sync that the session thought the server would ignore was answered after all.
        let Some(entry) = self.owed.entries.pop_front().or_else(|| self.owed.open.take()) else {
            return Err("the server: a ReadyForQuery that nothing asked for".to_owned());
        };
        self.status = status;
        self.overdue = false;
        self.owed.copying = false;
        self.segment_ran(entry.number);
        self.poisons.done(entry.number);
        self.owed.forget_slots(entry.number);
        if status == b'I' && !matches!(entry.segment, Segment::Own(_)) {
            self.portals_end(entry.failed);
        }
        if entry.segment == Segment::Simple {
            // It ran in the unnamed portal; what it leaves there when it fails may crash the server (PostgreSQL 15).
            self.portals.remove(&b""[..]);
        }
        self.opaque |= entry.opaque;
        if status == b'I' {
            self.discreet_answered = None;
        } else if entry.discreet.is_some() {
            self.discreet_answered.clone_from(&entry.discreet);
        }
        self.catalog_changed |= entry.catalog;
        if self.catalog_changed && status == b'I' {
            self.catalog_changed = false;
            self.shelf.mark();
        }
        if self.catalog_changed && entry.failed {
            self.doubts_schema();
        }
        if entry.failed && !matches!(entry.segment, Segment::Own(_)) {
            self.doubts_temporary();
        }
        if entry.discard_all && !entry.failed {
            self.tainted = false;
            self.state.put_temporary(Standing::None);
        }
        if entry.failed && entry.settle_on_error && self.settling == Settling::No {
            self.settling = Settling::Wanted;
        }
        let audience = match entry.segment {
            Segment::Own(own) => {
                self.own_answered(own, &entry)?;
                Audience::Nobody
            }
            Segment::Extended if entry.quiet => {
                self.quiet = if entry.failed { Quiet::Skips } else { Quiet::No };
                Audience::Nobody
            }
            Segment::Simple | Segment::Extended | Segment::Call | Segment::CopyEnd => Audience::Client,
        };
        // What marks the end of a COPY that there was not, is owed to nobody.
        self.owed.front();
        if self.owed.at_rest() {
            self.at_rest();
        }
        Ok(audience)
    }

    /// Everything sent was answered: the transaction's state is what the server says.
    fn at_rest(&mut self) {
        self.declaring = false;
        self.discreet.clone_from(&self.discreet_answered);
        if self.status == b'I' {
            if self.state.changed && self.settling == Settling::No {
                self.settling = Settling::Wanted;
            }
            self.state.block = Block::Outside;
            self.state.fresh = true;
            self.state.schema_is_shared();
            self.forget_inner();
            self.temporary_at_rest();
            if self.settling == Settling::No {
                self.drop_anchor();
            }
        } else {
            if self.state.block == Block::Outside {
                self.state.fresh = false;
            }
            self.state.block = Block::Inside;
        }
    }

    /// Between transactions, all settings known.
    fn drop_anchor(&mut self) {
        self.anchor = Anchor { purpose: self.state.now.purpose, guc: self.guc };
        self.failed = false;
        self.opaque = false;
    }

    /// Asks the server for the settings, if it is time.
    fn ask(&mut self, to_server: &mut Sink) {
        self.undo_inner(to_server);
        self.undo_temporary(to_server);
        let idle = self.owed.at_rest() && self.rest.0 == 0;
        if self.settling == Settling::Wanted && idle && self.status != b'E' {
            self.settling = Settling::Asked;
            self.told.clear();
            if self.unanswered > 0 {
                wire::close_own(to_server.own(&[]));
            }
            self.run_own(Own::Settle, &SETTLE, to_server, &[]);
        }
    }

    fn own_answered(&mut self, own: Own, entry: &Entry) -> Result<(), String> {
        match own {
            Own::Inner => {
                self.inner_answered(entry.failed);
                return Ok(());
            }
            Own::Temporary => {
                self.temporary_answered(if entry.failed { Err(Fault::Unread) } else { Ok(()) });
                return Ok(());
            }
            Own::Undo => {
                self.inner_undone();
                self.temporary_undone();
                return Ok(());
            }
            Own::Declare | Own::Settle => {}
        }
        if entry.failed {
            // A cancel that came late, most likely.
            self.unanswered += 1;
            if self.unanswered > 3 {
                return Err("the server does not tell the session's settings".to_owned());
            }
            self.settling = Settling::Wanted;
            return Ok(());
        }
        self.unanswered = 0;
        match own {
            Own::Declare | Own::Inner | Own::Temporary | Own::Undo => Ok(()),
            Own::Settle => self.settle(),
        }
    }

    /// Takes over what the server says about the settings.
    fn settle(&mut self) -> Result<(), String> {
        let [purpose, path, login, role] = &self.told[..] else {
            return Err("the server does not tell the session's settings".to_owned());
        };
        let policy = self.bound.policy();
        let purpose = match &**purpose {
            "" => None,
            name => match policy.purpose(name) {
                Some(purpose) => Some(purpose),
                None => return Err("wherefore.purpose was changed behind the proxy".to_owned()),
            },
        };
        // Functions could set it too; they gain nothing by it.
        let allowed = match (self.start.pinned, purpose) {
            (Some(pin), purpose) => purpose == Some(pin),
            (None, Some(purpose)) => Some(purpose) == self.start.purpose || self.principal.may_declare(purpose),
            (None, None) => true,
        };
        if !allowed {
            return Err("wherefore.purpose was changed behind the proxy".to_owned());
        }
        let user = if role == "none" { login } else { role };
        if **user != *self.current_user {
            self.current_user = Arc::from(user.as_str());
        }
        let block = if self.status == b'I' { Block::Outside } else { Block::Inside };
        let fresh = self.state.fresh;
        self.guc = purpose;
        let purpose = self.own_purpose(purpose, block);
        let path = split_path(path, &self.current_user);
        self.state.learn(Settings::told(purpose, None, path), block);
        self.state.fresh = fresh || block == Block::Outside;
        self.settling = Settling::No;
        if block == Block::Outside {
            self.drop_anchor();
        }
        Ok(())
    }

    /// The session's own purpose, where the server is under `told`. A purpose that the proxy set there for a comment is
    /// not the session's.
    fn own_purpose(&self, told: Option<PurposeId>, block: Block) -> Option<PurposeId> {
        let simulated = self.state.now.purpose;
        if self.opaque {
            told
        } else if block == Block::Inside || !self.failed {
            simulated
        } else if told != self.anchor.guc && told == simulated {
            // A SET that was committed before the failure.
            simulated
        } else {
            self.anchor.purpose
        }
    }
}

fn fatal(message: &str, to_client: &mut Sink, input: &[u8]) -> Answer {
    wire::fatal("08P01", message, to_client.own(input));
    Answer::Fatal
}
