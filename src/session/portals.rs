//! Portals of the protocol, and what executing one does to the session.
//!
//! A portal is known once the server has said that it is bound, and until it has said that it is closed or that the
//! transaction is over: a Bind or Close may fail, or be skipped after an error. Within a segment what was sent counts,
//! since nothing after a failure is executed there. Under a restricted purpose nothing else may be executed.

use super::consider::is_about_session;
use super::machine::{Frame, Outs, Session, Step};
use super::named::{Act, Admission, answers_rows, moved_on};
use super::queue::{Audience, Awaited, Entry, Segment};
use crate::enforce::{Judged, View};
use crate::sql::Kind;
use crate::vocab::{Refusal, SqlState};
use crate::wire;
use rustc_hash::FxHashMap;
use std::sync::Arc;

const UNDEFINED_CURSOR: SqlState = SqlState("34000");
const NOT_IN_PREREQUISITE_STATE: SqlState = SqlState("55000");
const NAME_TOO_LONG: SqlState = SqlState("42622");
const RESERVED_NAME: SqlState = SqlState("42939");

/// Names that begin like this are the proxy's.
pub const RESERVED: &[u8] = b"wherefore";

/// The server cuts longer names (`NAMEDATALEN` - 1).
const LONGEST_NAME: usize = 63;

/// What executing a portal does to the session.
#[derive(Debug, Clone)]
pub enum Does {
    Nothing,
    /// SET, transaction control, statements about statements and cursors, what could not be read.
    Event(Arc<Event>),
}

/// Whether a portal was executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    No,
    Sent,
}

/// A statement of the kinds that [`Does::Event`] names, with what it was judged under.
#[derive(Debug)]
pub struct Event {
    pub kind: Kind,
    /// Empty where it is not UTF-8.
    pub text: Arc<str>,
    pub view: Arc<View>,
    pub judged: Arc<Judged>,
    /// What it named when it was bound. The server describes the rows then, and would take others for them.
    pub names: Names,
}

/// What an EXECUTE or a FETCH names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    Nothing,
    /// A prepared statement: what the server was sent for it.
    Statement(Option<Arc<str>>),
    /// A cursor or portal, by the number that it alone has.
    Portal(Option<u64>),
}

/// How long a portal lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// To the end of its transaction.
    Transaction,
    /// A cursor WITH HOLD whose transaction is not over: it may be rolled back.
    Holding,
    Held,
}

/// A portal that was bound, or a cursor of SQL.
#[derive(Debug, Clone)]
pub struct Portal {
    pub does: Does,
    pub ran: Ran,
    pub life: Life,
    /// What it was judged under.
    pub view: Arc<View>,
    /// That, if what the server says of it must be discreet.
    pub discreet: Option<Arc<View>>,
    /// What was judged, where it is recorded.
    pub judged: Option<Arc<Judged>>,
    /// A number that no other portal of the session has.
    pub serial: u64,
}

impl Portal {
    /// What it keeps for itself: the text of a statement that changes the session.
    pub fn bytes(&self) -> usize {
        match &self.does {
            Does::Nothing => 0,
            Does::Event(event) => event.text.len(),
        }
    }
}

/// The portals that the server has.
pub type Portals = FxHashMap<Box<[u8]>, Portal>;

/// Why a client may not give this name to a statement or portal. The server converts a name to its own encoding and cuts
/// it; names that it could take for one another are not used at all.
pub fn name_refusal(name: &[u8]) -> Option<Refusal> {
    if name.starts_with(RESERVED) {
        Some(Refusal::new(RESERVED_NAME, "names that begin with \"wherefore\" are reserved"))
    } else {
        odd_name(name)
    }
}

/// Why no statement or portal can have this name.
pub fn odd_name(name: &[u8]) -> Option<Refusal> {
    if name.len() > LONGEST_NAME {
        let message = format!("the name of a prepared statement or portal is longer than {LONGEST_NAME} bytes");
        Some(Refusal::new(NAME_TOO_LONG, message))
    } else if !name.is_ascii() {
        let message = "the name of a prepared statement or portal is not ASCII";
        Some(Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message))
    } else {
        None
    }
}

impl Session {
    pub(super) fn execute(&mut self, frame: Frame<'_>, outs: &mut Outs<'_>) -> Result<usize, Step> {
        let name = self.checked(wire::execute(frame.body()?), outs)?;
        let found = self.portal(name)?.map(|portal| portal.clone());
        let unknown;
        let (view, judged) = match &found {
            Some(portal) => (&portal.view, portal.judged.as_ref()),
            None => {
                let settings = Arc::clone(&self.state.now);
                unknown = self.view(&settings, settings.purpose);
                (&unknown, None)
            }
        };
        self.trail.named = None;
        let refusal = match &found {
            Some(portal) => match self.room(view) {
                Some(refusal) => Some(refusal),
                None => self.execute_portal(name, portal)?,
            },
            None if self.is_restricted() => {
                let message = format!("portal \"{}\" does not exist", String::from_utf8_lossy(name));
                Some(Refusal::new(UNDEFINED_CURSOR, message))
            }
            // A cursor of SQL, or nothing.
            None => {
                self.tainted = true;
                self.state.fresh = false;
                self.owed.open().discard_all = false;
                None
            }
        };
        self.owed.open();
        if let Some(portal) = self.portal(name)? {
            portal.ran = Ran::Sent;
        }
        Ok(match refusal {
            None => {
                let named = self.trail.named.take();
                self.record(view, judged, named.as_ref());
                self.pass(frame, outs)
            }
            Some(refusal) => {
                let name = self.poison_under(view, judged, Arc::new(refusal));
                wire::execute_unknown(&name, outs.server.own(frame.input));
                self.drop_frame(frame)
            }
        })
    }

    /// Executes a portal that is known: what it does to the session, or why it may not.
    fn execute_portal(&mut self, name: &[u8], portal: &Portal) -> Result<Option<Refusal>, Step> {
        if portal.life != Life::Transaction {
            let in_force = self.of_segment.unwrap_or(self.state.now.purpose);
            if let Some(refusal) = self.cursor_refusal(name, portal, in_force) {
                return Ok(Some(refusal));
            }
            self.state.fresh = false;
            self.be_discreet(portal.discreet.clone());
        }
        match (&portal.does, portal.ran) {
            (Does::Nothing, _) => {
                self.owed.open().discard_all = false;
                Ok(None)
            }
            // Functions in it go on finding out what names mean.
            (Does::Event(event), Ran::Sent) if matches!(event.kind, Kind::Read | Kind::Write) => {
                let act = Act { kind: &event.kind, text: &event.text, view: &event.view, judged: &event.judged };
                let now = Arc::clone(&self.state.now);
                self.moved_on(&act, &now)
            }
            // What it answers was computed by the first; the rest of it comes.
            (Does::Event(event), Ran::Sent) if answers_rows(&event.kind) => Ok(None),
            // A second Execute of it does nothing or fails; which, only the server knows.
            (Does::Event(_), Ran::Sent) => {
                let message = format!("portal \"{}\" cannot be run", String::from_utf8_lossy(name));
                Ok(Some(Refusal::new(NOT_IN_PREREQUISITE_STATE, message)))
            }
            (Does::Event(event), Ran::No) => self.execute_event(name, event),
        }
    }

    /// The portal of that name, if there is one at this place. Whether an earlier segment's Bind or Close took effect, and
    /// whether a simple query took the unnamed one, is known when it was answered.
    pub(super) fn portal(&mut self, name: &[u8]) -> Result<Option<&mut Portal>, Step> {
        let number = self.owed.number;
        let awaited = name.is_empty() && self.owed.awaits_simple();
        match self.owed.pending_portal(name) {
            Some(slot) if slot.segment != number => Err(Step::Hold),
            Some(slot) => Ok(slot.what.portal()),
            None if awaited => Err(Step::Hold),
            None => Ok(self.portals.get_mut(name)),
        }
    }

    /// Whether anything in force at this place is restricted.
    pub(super) fn is_restricted(&self) -> bool {
        self.rules_restrict(self.state.now.purpose)
            || self.of_segment.is_some_and(|purpose| self.rules_restrict(purpose))
    }

    fn execute_event(&mut self, name: &[u8], event: &Event) -> Result<Option<Refusal>, Step> {
        let open = Entry::new(Segment::Extended, self.owed.number);
        let act = Act { kind: &event.kind, text: &event.text, view: &event.view, judged: &event.judged };
        let now = Arc::clone(&self.state.now);
        if self.named_by(&event.kind)? != event.names {
            return Ok(Some(moved_on()));
        }
        if let Some(refusal) = self.moved_on(&act, &now)? {
            return Ok(Some(refusal));
        }
        match self.admit(&act, &now, &[])? {
            Admission::Refused(refusal) => return Ok(Some(refusal)),
            Admission::Admitted { discreet, charge, named } => {
                if let Some(charge) = charge
                    && let Some(refusal) = self.pay(&charge)?
                {
                    return Ok(Some(refusal));
                }
                self.trail.named = named;
                self.be_discreet(discreet);
            }
        }
        let mut state = self.state.clone();
        let mut entry = std::mem::replace(self.owed.open(), open);
        let outcome = self.apply(&mut state, &mut entry, &act);
        entry.settle_on_error |= entry.settle;
        let effects = std::mem::take(&mut entry.effects);
        if outcome.is_ok() {
            self.record_justified(&mut entry);
        }
        *self.owed.open() = entry;
        if let Err(refusal) = outcome {
            return Ok(Some(refusal));
        }
        for mut effect in effects {
            if let Awaited::CloseCursors { by } | Awaited::DiscardAll { by } = &mut effect {
                *by = Some(name.into());
            }
            self.slot(Audience::Client, effect);
        }
        let purpose_before = self.state.now.purpose;
        self.state = state;
        if self.state.now.purpose != purpose_before {
            self.guc = self.state.now.purpose;
        }
        if is_about_session(&event.kind) {
            self.of_segment = None;
        }
        Ok(None)
    }
}
