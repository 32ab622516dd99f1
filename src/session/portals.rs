//! Portals of the protocol, and what executing one does to the session.
//!
//! A portal is known once the server has said that it is bound, and until it has said that it is closed or that the
//! transaction is over: a Bind or Close may fail, or be skipped after an error. Within a segment what was sent counts,
//! since nothing after a failure is executed there. Under a restricted purpose nothing else may be executed.

use super::machine::{Frame, Outs, Session, Step};
use super::queue::{Awaited, Entry, Segment, Slot};
use super::settings::{Reach, Settings};
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    Nothing,
    /// SET, transaction control and the like.
    Event(Kind),
    /// Its text could not be read; unrestricted purposes only.
    Unknown,
}

/// Whether a portal was executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    No,
    Sent,
}

/// A portal that was bound.
#[derive(Debug, Clone)]
pub struct Portal {
    pub does: Does,
    pub ran: Ran,
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
        let found = self.portal(name)?.map(|portal| {
            let ran = portal.ran;
            portal.ran = Ran::Sent;
            (portal.does.clone(), ran)
        });
        self.owed.open();
        let refusal = match found {
            Some((Does::Nothing, _)) => {
                self.owed.open().discard_all = false;
                None
            }
            // A second Execute of it does nothing or fails; which, only the server knows.
            Some((Does::Event(_), Ran::Sent)) => {
                let message = format!("portal \"{}\" cannot be run", String::from_utf8_lossy(name));
                Some(Refusal::new(NOT_IN_PREREQUISITE_STATE, message))
            }
            Some((Does::Event(kind), Ran::No)) => self.execute_event(&kind).err(),
            Some((Does::Unknown, _)) => {
                self.execute_unknown();
                None
            }
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
        Ok(match refusal {
            None => self.pass(frame, outs),
            Some(refusal) => {
                let name = self.poison(Arc::new(refusal));
                wire::execute_unknown(&name, outs.server.own(frame.input));
                self.drop_frame(frame)
            }
        })
    }

    /// The portal of that name, if there is one at this place. Whether an earlier segment's Bind or Close took effect is
    /// known when it was answered.
    fn portal(&mut self, name: &[u8]) -> Result<Option<&mut Portal>, Step> {
        let number = self.owed.number;
        match self.owed.pending_portal(name) {
            Some(slot) if slot.segment != number => Err(Step::Hold),
            Some(Slot { what: Awaited::Bind { portal, .. }, .. }) => Ok(Some(portal)),
            Some(_) => Ok(None),
            None => Ok(self.portals.get_mut(name)),
        }
    }

    /// Whether anything in force at this place is restricted.
    fn is_restricted(&self) -> bool {
        self.rules_restrict(self.state.now.purpose)
            || self.of_segment.is_some_and(|purpose| self.rules_restrict(purpose))
    }

    fn execute_event(&mut self, kind: &Kind) -> Result<(), Refusal> {
        let mut state = self.state.clone();
        let mut entry = std::mem::replace(self.owed.open(), Entry::new(Segment::Extended, 0));
        let outcome = self.apply(&mut state, &mut entry, kind);
        entry.settle_on_error |= entry.settle;
        *self.owed.open() = entry;
        outcome?;
        let purpose_before = self.state.now.purpose;
        self.state = state;
        if self.state.now.purpose != purpose_before {
            self.guc = self.state.now.purpose;
        }
        self.of_segment = None;
        Ok(())
    }

    fn execute_unknown(&mut self) {
        self.tainted = true;
        self.state.fresh = false;
        self.state.set(Reach::Session, |settings| Settings { purpose: settings.purpose, path: None });
        let open = self.owed.open();
        open.discard_all = false;
        open.catalog = true;
        open.settle = true;
        open.settle_on_error = true;
    }
}
