//! Query and FunctionCall.

use super::consider::{Considered, Verdict, is_about_session, is_event, may_change_catalog};
use super::machine::{Frame, Outs, Session, Step};
use super::named::{Act, Admission};
use super::poison::poison_statement;
use super::positions::{Part, Positions};
use super::purpose::is_declaration;
use super::queue::{Audience, Entry, Own, Segment};
use super::settings::{Block, State};
use super::temporary::Moment;
use crate::enforce::{Charge, Judged, Trace, Understood};
use crate::policy::PurposeId;
use crate::vocab::{Refusal, SqlState};
use crate::wire::{self, Sink};
use std::sync::Arc;

/// What a whole Query becomes.
enum Sent {
    AsItCame,
    Text(String, Option<Box<Positions>>),
}

/// A Query in the making: the state after the statements taken so far.
struct Making {
    state: State,
    entry: Entry,
    /// The purpose that the message's statements run under, once one of them was taken.
    of_message: Option<Option<PurposeId>>,
    /// The purpose that must be in force on the server before the message, as its first statement says.
    before: Option<Option<PurposeId>>,
    statements: usize,
    /// What one of them costs.
    charge: Option<Arc<Charge>>,
    /// How many of them look something up.
    look_ups: usize,
    /// What was decided of each, to be recorded when all of the message is taken.
    decided: Vec<Decided>,
}

/// What was decided of a statement of a message.
struct Decided {
    considered: Considered,
    refusal: Option<Arc<Refusal>>,
    /// Of an EXECUTE or a FETCH: what it names.
    named: Option<Arc<Trace>>,
}

impl Session {
    pub(super) fn query(&mut self, frame: Frame<'_>, outs: &mut Outs<'_>) -> Result<usize, Step> {
        if let Some(open) = &self.owed.open {
            // asyncpg prepares with Flush, and then may send a Query. Where nothing was bound a Sync in between changes
            // nothing; the client gets no answer to it. It is waited for: after an error the server would skip the Query.
            if !open.bound && !self.owed.copying {
                outs.server.own(frame.input).extend_from_slice(b"S\0\0\0\x04");
                self.sync_quietly();
                return Err(Step::Hold);
            }
            // If there is an error to come the server discards it without an answer, else it answers: the answers to come
            // cannot be told.
            wire::fatal("08P01", "a simple query before the Sync of an extended query", outs.client.own(&[]));
            return Err(Step::Fatal);
        }
        if frame.header.body > self.longest() {
            let refusal = too_long(self.longest());
            return Ok(self.refuse_query(frame, Arc::new(refusal), outs));
        }
        let body = frame.body()?;
        let bytes = self.checked(wire::query(body), outs)?;
        let now = Arc::clone(&self.state.now);
        let (text, considered) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, self.consider(&now, text, &[]).map_err(Step::Refresh)?),
            Err(_) => ("", self.consider_unreadable(&now, bytes)),
        };
        if let Some(taken) = self.plain(&considered, frame, outs) {
            return Ok(taken);
        }
        let mut making = Making {
            state: self.state.clone(),
            entry: Entry::new(Segment::Simple, self.owed.number),
            of_message: None,
            before: None,
            statements: 0,
            charge: None,
            look_ups: 0,
            decided: Vec::new(),
        };
        let sent = match &*considered.judged {
            Judged::One(_) => self.one(&mut making, &considered, text)?,
            Judged::Empty => Sent::AsItCame,
            Judged::Many(statements) => self.many(&mut making, statements, text)?,
        };
        if let Some(purpose) = making.before {
            let number = self.owed.number;
            self.ensure(purpose, outs.server, frame.input)?;
            self.poisons.moved(number, self.owed.number);
        }
        for Decided { considered, refusal, named } in &making.decided {
            match refusal {
                Some(refusal) => self.record_refused(&considered.view, Some(&considered.judged), refusal),
                None => {
                    self.count(considered);
                    self.record_sent(considered, named.as_ref());
                }
            }
        }
        if self.state.now.purpose != making.state.now.purpose {
            self.guc = making.state.now.purpose;
        }
        self.state = making.state;
        let taken = match sent {
            Sent::AsItCame => self.pass(frame, outs),
            Sent::Text(text, positions) => {
                wire::make_query(&text, outs.server.own(frame.input));
                making.entry.positions = positions;
                self.drop_frame(frame)
            }
        };
        self.finish_query(making.entry);
        Ok(taken)
    }

    /// The short way for a statement that changes nothing of the session and is not refused.
    fn plain(&mut self, considered: &Considered, frame: Frame<'_>, outs: &mut Outs<'_>) -> Option<usize> {
        let kind = considered.kind()?;
        let purpose = considered.view.purpose();
        let plain = purpose == self.state.now.purpose && purpose == self.guc;
        if is_event(kind) || !plain || considered.looks_up() || considered.charge().is_some() {
            return None;
        }
        if self.room(&considered.view).is_some() {
            return None;
        }
        let mut entry = Entry::new(Segment::Simple, self.owed.number);
        entry.catalog = may_change_catalog(kind);
        entry.discreet = considered.discreetly();
        let taken = match considered.verdict() {
            Verdict::Refuse(_) => return None,
            Verdict::Forward => self.pass(frame, outs),
            Verdict::Rewrite(rewritten) => {
                wire::make_query(&rewritten.text, outs.server.own(frame.input));
                let table = Some(Arc::clone(&rewritten.positions));
                entry.positions = Some(Box::new(Positions(vec![Part { sent: 0, original: 0, table }])));
                self.drop_frame(frame)
            }
        };
        self.state.fresh = false;
        self.leaves_temporary(&considered.view, &considered.judged, Moment::Runs);
        self.count(considered);
        self.record_sent(considered, None);
        self.finish_query(entry);
        Some(taken)
    }

    fn finish_query(&mut self, mut entry: Entry) {
        entry.number = self.owed.number;
        entry.settle_on_error |= entry.settle;
        for effect in std::mem::take(&mut entry.effects) {
            self.slot(Audience::Client, effect);
        }
        self.record_justified(&mut entry);
        self.end_segment(entry);
    }

    /// A Query of one statement.
    fn one(&mut self, making: &mut Making, considered: &Considered, text: &str) -> Result<Sent, Step> {
        if let Some(refusal) = self.take_statement(making, considered, text)? {
            let name = self.poisons.add(self.owed.number, refusal, 0);
            return Ok(Sent::Text(poison_statement(&name), None));
        }
        Ok(match considered.verdict() {
            Verdict::Forward | Verdict::Refuse(_) => Sent::AsItCame,
            Verdict::Rewrite(rewritten) => {
                let table = Some(Arc::clone(&rewritten.positions));
                let positions = Positions(vec![Part { sent: 0, original: 0, table }]);
                Sent::Text(rewritten.text.to_string(), Some(Box::new(positions)))
            }
        })
    }

    /// A Query of several statements, each judged under what those before it leave. After a refused one nothing is sent:
    /// the server executes nothing after an error.
    fn many(&mut self, making: &mut Making, statements: &[Understood], text: &str) -> Result<Sent, Step> {
        let mut assembled = String::new();
        let mut sent_chars = 0;
        let mut positions = Positions::default();
        let mut changed = false;
        let (mut counted, mut original) = (0, 0);
        for statement in statements {
            let (start, end) = (statement.span.0 as usize, statement.span.1 as usize);
            let piece = text.get(start..end);
            original += text.get(counted..start).unwrap_or_default().chars().count() as u32;
            counted = start;
            let considered = self.consider(&making.state.now, piece.unwrap_or_default(), &[]).map_err(Step::Refresh)?;
            if !assembled.is_empty() {
                assembled.push(';');
                sent_chars += 1;
            }
            let before = assembled.len();
            let mut table = None;
            let refusal = match (piece, &*considered.judged) {
                (Some(piece), Judged::One(_) | Judged::Empty) => self.take_statement(making, &considered, piece)?,
                (None, _) | (Some(_), Judged::Many(_)) => {
                    let message = "a statement of this message could not be told from the next";
                    let refusal = Arc::new(Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                    let (considered, refused) = (considered.clone(), Some(Arc::clone(&refusal)));
                    making.decided.push(Decided { considered, refusal: refused, named: None });
                    Some(refusal)
                }
            };
            let piece = piece.unwrap_or_default();
            let verdict = refusal.map_or_else(|| considered.verdict(), Verdict::Refuse);
            match verdict {
                Verdict::Refuse(refusal) => {
                    changed = true;
                    let name = self.poisons.add(self.owed.number, refusal, original);
                    assembled.push_str(&poison_statement(&name));
                    break;
                }
                Verdict::Forward => {
                    assembled.push_str(piece);
                    // A comment at the end of a piece must not swallow the semicolon.
                    if piece.contains("--") {
                        assembled.push('\n');
                    }
                }
                Verdict::Rewrite(rewritten) => {
                    changed = true;
                    assembled.push_str(&rewritten.text);
                    table = Some(Arc::clone(&rewritten.positions));
                }
            }
            positions.0.push(Part { sent: sent_chars, original, table });
            sent_chars += assembled[before..].chars().count() as u32;
        }
        Ok(if changed { Sent::Text(assembled, Some(Box::new(positions))) } else { Sent::AsItCame })
    }

    /// Takes one statement into the message: its refusal, or its effect on the state.
    fn take_statement(
        &mut self,
        making: &mut Making,
        considered: &Considered,
        text: &str,
    ) -> Result<Option<Arc<Refusal>>, Step> {
        let purpose = considered.view.purpose();
        let needs_certainty = purpose != making.state.now.purpose || considered.kind().is_some_and(is_declaration);
        let declares = making.statements == 0 && making.state.block == Block::Outside && self.guc != purpose;
        if (needs_certainty || declares) && !self.owed.at_rest() {
            // Whether this is inside a transaction is known when what was sent before is answered.
            return Err(Step::Hold);
        }
        let mut refusal = match considered.verdict() {
            Verdict::Refuse(refusal) => Some(refusal),
            Verdict::Forward | Verdict::Rewrite(_) => None,
        };
        if refusal.is_none() {
            refusal = self.room(&considered.view).map(Arc::new);
        }
        let mut names = None;
        if refusal.is_none() {
            refusal = self.purpose_fits(&making.state, purpose, making.of_message).map(Arc::new);
        }
        if refusal.is_none()
            && let Some(kind) = considered.kind()
        {
            let act = Act { kind, text, view: &considered.view, judged: &considered.judged };
            match self.admit(&act, &Arc::clone(&making.state.now), &making.entry.effects)? {
                Admission::Refused(reason) => refusal = Some(Arc::new(reason)),
                Admission::Admitted { discreet, charge, named } => {
                    names = named;
                    making.entry.discreet = discreet.or(making.entry.discreet.take());
                    refusal = self.pay_once(&mut making.charge, charge)?.map(Arc::new);
                }
            }
        }
        if refusal.is_none() && considered.looks_up() {
            making.look_ups += 1;
            if making.look_ups > self.looked_up {
                refusal = self.witness.looked_up(&considered.view).err().map(Arc::new);
                self.looked_up += usize::from(refusal.is_none());
            }
        }
        if refusal.is_none()
            && let Some(kind) = considered.kind()
        {
            let act = Act { kind, text, view: &considered.view, judged: &considered.judged };
            if making.statements == 0 && making.state.block == Block::Outside {
                making.before = Some(purpose);
            }
            making.statements += 1;
            let mut state = making.state.clone();
            match self.apply(&mut state, &mut making.entry, &act) {
                Ok(()) => {
                    making.entry.discreet = considered.discreetly().or(making.entry.discreet.take());
                    making.of_message = (!is_about_session(kind)).then_some(purpose);
                    making.state = state;
                }
                Err(error) => refusal = Some(Arc::new(error)),
            }
        }
        making.decided.push(Decided { considered: considered.clone(), refusal: refusal.clone(), named: names });
        Ok(refusal)
    }

    pub(super) fn count(&mut self, considered: &Considered) {
        match considered.verdict() {
            Verdict::Forward => self.witness.permitted(),
            Verdict::Rewrite(_) => self.witness.rewritten(),
            Verdict::Refuse(_) => {}
        }
        if let Some(shadow) = considered.shadow() {
            self.witness.shadowed(&considered.view, shadow);
        }
        self.sent(considered);
    }

    /// Records a statement of a message; an empty one is none.
    fn record_sent(&mut self, considered: &Considered, named: Option<&Arc<Trace>>) {
        if considered.planned().is_some() {
            self.record(&considered.view, Some(&considered.judged), named);
        }
    }

    /// Puts a purpose in force on the server before a message, if it is not.
    fn ensure(&mut self, purpose: Option<PurposeId>, to_server: &mut Sink, input: &[u8]) -> Result<(), Step> {
        if self.guc == purpose {
            return Ok(());
        }
        if !self.owed.at_rest() {
            return Err(Step::Hold);
        }
        let declaration = self.declaration(purpose);
        self.run_own(Own::Declare, &[&declaration], to_server, input);
        self.guc = purpose;
        Ok(())
    }

    fn refuse_query(&mut self, frame: Frame<'_>, refusal: Arc<Refusal>, outs: &mut Outs<'_>) -> usize {
        let settings = Arc::clone(&self.state.now);
        let view = self.view(&settings, settings.purpose);
        self.record_refused(&view, None, &refusal);
        let entry = Entry::new(Segment::Simple, self.owed.number);
        let name = self.poisons.add(entry.number, refusal, 0);
        wire::make_query(&poison_statement(&name), outs.server.own(frame.input));
        self.finish_query(entry);
        self.drop_frame(frame)
    }

    /// FunctionCall runs a function without SQL: refused under restriction.
    pub(super) fn call(&mut self, frame: Frame<'_>, outs: &mut Outs<'_>) -> Result<usize, Step> {
        if self.owed.open.is_some() {
            wire::fatal("08P01", "a function call before the Sync of an extended query", outs.client.own(&[]));
            return Err(Step::Fatal);
        }
        let settings = Arc::clone(&self.state.now);
        let view = self.view(&settings, settings.purpose);
        let mut entry = Entry::new(Segment::Call, self.owed.number);
        self.state.fresh = false;
        let taken = if view.restricted() {
            let refusal = Arc::new(
                Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, "function calls of the wire protocol are not understood")
                    .with_hint("Call the function in a SELECT."),
            );
            self.record_refused(&view, None, &refusal);
            entry.refusal = Some(refusal);
            // No function has number 0: fails, and answers ReadyForQuery, as any failing call does.
            outs.server.own(frame.input).extend_from_slice(b"F\0\0\0\x0e\0\0\0\0\0\0\0\0\0\0");
            self.drop_frame(frame)
        } else {
            self.tainted = true;
            self.record(&view, None, None);
            self.pass(frame, outs)
        };
        self.finish_query(entry);
        Ok(taken)
    }
}

pub(super) fn too_long(most: usize) -> Refusal {
    Refusal::new(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("the statement is longer than {most} bytes"))
        .with_hint("The bounds are limits.message_bytes and limits.trusted_message_bytes in the proxy's config.")
}

pub(super) fn not_utf8() -> Refusal {
    Refusal::new(SqlState("22021"), "the statement is not valid UTF-8")
        .with_hint("Under a restricted purpose statements are read as UTF-8: set client_encoding to UTF8.")
}
