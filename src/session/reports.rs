//! Errors and notices of the server on their way to the client: a refusal's is replaced by its report, a position is
//! mapped back to the client's text, and of a statement that the policy does not open whole no value is told.

use super::discreet::{Place, ReportSort, Told, tell};
use super::machine::Session;
use super::poison::Poisons;
use super::queue::{Audience, Awaited, Segment};
use crate::enforce::{FAILURE, View};
use crate::vocab::{Refusal, SqlState};
use crate::wire::{self, ErrorFields};
use bytes::BytesMut;
use std::sync::Arc;

impl Session {
    /// The view under which what the server says now must be discreet; `None` where it is passed on as it is.
    fn discreetly(&mut self) -> Option<Arc<View>> {
        let of_front = self.owed.front().map(|entry| (entry.segment, entry.discreet.clone()));
        match of_front {
            // Nothing of the client's is being answered.
            None | Some((Segment::Own(_), _)) => {
                let settings = Arc::clone(&self.state.now);
                let view = self.view(&settings, settings.purpose);
                view.restricted().then_some(view)
            }
            // A segment that is still being sent.
            Some((_, discreet)) if self.owed.entries.is_empty() => discreet.or_else(|| self.discreet.clone()),
            Some((_, discreet)) => discreet,
        }
    }

    pub(super) fn is_discreet(&mut self) -> bool {
        self.discreetly().is_some()
    }

    /// An ErrorResponse.
    pub(super) fn error(&mut self, body: &[u8], own: bool, out: &mut BytesMut) -> Audience {
        self.failed();
        let discreetly = self.discreetly();
        let fields = match (wire::error_fields(body), &discreetly) {
            (Some(fields), _) => fields,
            (None, None) => return Audience::Client,
            (None, Some(_)) => wire::error_fields_in_front(body),
        };
        self.failed_with(fields.get(b'C').unwrap_or_default());
        let ends_session = matches!(fields.get(b'V'), Some(b"FATAL" | b"PANIC"));
        self.over |= ends_session;
        if own && !ends_session {
            self.inner_refused(fields);
            return Audience::Nobody;
        }
        if let Some(refusal) = Poisons::find(&self.poisons, fields) {
            wire::refusal_report(&refusal, out);
            return Audience::Nobody;
        }
        if let Some(refusal) = self.owed.front().and_then(|entry| entry.refusal.clone())
            && fields.get(b'C') != Some(b"25P02")
            && !ends_session
        {
            wire::refusal_report(&refusal, out);
            return Audience::Nobody;
        }
        if discreetly.is_some() && fields.get(b'C') == Some(b"42704") && fields.get(b'M').is_some_and(is_failure) {
            wire::refusal_report(&new_row(), out);
            return Audience::Nobody;
        }
        if fields.get(b'C') == Some(b"57014") && std::mem::take(&mut self.overdue) && !ends_session {
            wire::refusal_report(&too_slow(), out);
            return Audience::Nobody;
        }
        self.pass_on(ReportSort::Error, fields, discreetly.as_deref(), out)
    }

    /// A NoticeResponse of something that must be discreet.
    pub(super) fn notice(&mut self, body: &[u8], out: &mut BytesMut) -> Audience {
        let discreetly = self.discreetly();
        self.pass_on(ReportSort::Notice, wire::error_fields_in_front(body), discreetly.as_deref(), out)
    }

    /// Passes on what may be told, its position in the client's text. `Client`: the report as it is.
    fn pass_on(
        &mut self,
        sort: ReportSort,
        fields: ErrorFields<'_>,
        discreetly: Option<&View>,
        out: &mut BytesMut,
    ) -> Audience {
        let sent = fields.get(b'P').and_then(|text| std::str::from_utf8(text).ok()?.parse::<u32>().ok());
        let original = sent.map(|position| self.original_position(position));
        let place = match original {
            None => Place::Nowhere,
            Some(0) => Place::Elsewhere,
            Some(_) => Place::InText,
        };
        let passed = discreetly.map_or(Audience::Client, |view| self.tell(sort, fields, place, view, out));
        match (passed, original) {
            (Audience::Client, Some(original)) if sent != Some(original) => {
                fields.write_with_position(sort.tag(), original, out);
                Audience::Nobody
            }
            (passed, _) => passed,
        }
    }

    /// A report of which only the beginning was read.
    pub(super) fn report_in_front(&mut self, tag: u8, front: &[u8], own: bool, out: &mut BytesMut) {
        let sort = if tag == b'E' { ReportSort::Error } else { ReportSort::Notice };
        if sort == ReportSort::Error {
            self.failed();
        }
        let Some(view) = self.discreetly() else { return };
        if !own {
            self.tell(sort, wire::error_fields_in_front(front), Place::Elsewhere, &view, out);
        }
    }

    /// Tells the client what it may know. `Client`: the report as it is.
    fn tell(
        &mut self,
        sort: ReportSort,
        fields: ErrorFields<'_>,
        place: Place,
        view: &View,
        out: &mut BytesMut,
    ) -> Audience {
        let fields = match tell(sort, fields, place) {
            Told::AsItIs => return Audience::Client,
            Told::Nothing => return Audience::Nobody,
            Told::Instead(instead) => instead,
            Told::Withheld(withheld) => {
                let reference = self.witness.withheld(view, sort, fields);
                let purpose = view.purpose().map(|purpose| &**view.bound().policy().purpose_name(purpose));
                withheld.with_reference(purpose, &reference)
            }
        };
        wire::write_report(sort.tag(), fields.iter().map(|(code, value)| (*code, &**value)), out);
        Audience::Nobody
    }

    /// Where an error position stands in the client's text; 0: nowhere.
    fn original_position(&mut self, position: u32) -> u32 {
        let Some(entry) = self.owed.front() else { return position };
        let number = entry.number;
        let of_query = entry.positions.as_ref().map(|positions| positions.original(position));
        match (of_query, self.owed.next_slot()) {
            (Some(original), _) => original,
            (None, Some(slot)) if slot.segment == number => match &slot.what {
                Awaited::Parse { statement: Some(statement), .. } => statement.original_position(position),
                Awaited::Parse { statement: None, .. }
                | Awaited::OwnParse
                | Awaited::OwnBind
                | Awaited::Bind { .. }
                | Awaited::CloseStatement(_)
                | Awaited::ClosePortal(_)
                | Awaited::CloseOther
                | Awaited::Prepare { .. }
                | Awaited::Deallocate(_)
                | Awaited::Declare { .. }
                | Awaited::CloseCursor(_)
                | Awaited::CloseCursors { .. }
                | Awaited::DiscardAll { .. } => position,
            },
            (None, Some(_) | None) => position,
        }
    }
}

/// Whether the server says that a new row fails the check that was put into its statement.
fn is_failure(message: &[u8]) -> bool {
    message.strip_suffix(b"\"").is_some_and(|message| message.ends_with(FAILURE.as_bytes()))
}

/// As the server says it where the limit is its own.
fn too_slow() -> Refusal {
    Refusal::new(SqlState("57014"), "canceling statement due to statement timeout")
        .with_hint("The proxy's config bounds it: limits.statement_time.")
}

fn new_row() -> Refusal {
    Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, FAILURE)
        .with_detail("The purpose may insert only rows that it could read.")
}
