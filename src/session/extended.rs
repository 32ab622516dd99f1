//! Parse, Bind, Describe, Execute and Close.

use super::consider::{Considered, Verdict, discreetly};
use super::machine::{Frame, Outs, Rest, Session, Step};
use super::named::{Act, prepared_otherwise};
use super::poison::poison_statement;
use super::portals::{Does, Event, Life, Names, Portal, RESERVED, Ran, name_refusal, odd_name};
use super::queue::{Audience, Awaited, Entry, Segment, Slot};
use super::settings::Block;
use super::simple::{not_utf8, too_long};
use super::statements::{Origin, Stands, Statement, Traits};
use super::temporary::Moment;
use crate::enforce::{Judged, Plan, Planned, View};
use crate::policy::PurposeId;
use crate::sql::Kind;
use crate::vocab::{Refusal, SqlState};
use crate::wire::{self, BindNames, Target};
use std::sync::Arc;

const UNDEFINED_STATEMENT: SqlState = SqlState("26000");

/// A prepared statement as it may be used now.
pub(super) enum Usable {
    /// By the name the client knows.
    AsNamed,
    /// By a name of the proxy's.
    Private(Box<str>),
    Refused(Arc<Refusal>),
}

impl Session {
    pub(super) fn slot(&mut self, audience: Audience, what: Awaited) {
        let segment = self.owed.number;
        self.owed.push_slot(Slot::new(segment, audience, what));
    }

    pub(super) fn parse(&mut self, frame: Frame<'_>, outs: &mut Outs<'_>) -> Result<usize, Step> {
        if frame.header.body > self.longest() {
            let refusal = too_long(self.longest());
            // The name has not been read: the poison takes one of the proxy's own, since it fails anyway.
            return Ok(self.refuse_parse(frame, b"wherefore_own", Arc::new(refusal), outs));
        }
        let parse = self.checked(wire::parse(frame.body()?), outs)?;
        if let Some(refusal) = name_refusal(parse.name) {
            return Ok(self.refuse_parse(frame, parse.name, Arc::new(refusal), outs));
        }
        if let Err(refusal) = self.statements.room(parse.name, parse.text.len(), self.owed.pending_statements()) {
            return Ok(self.refuse_parse(frame, parse.name, Arc::new(refusal), outs));
        }
        let types: Box<[u8]> = if parse.types == [0, 0] { Box::default() } else { parse.types.into() };
        let now = Arc::clone(&self.state.now);
        let text = std::str::from_utf8(parse.text).ok();
        let considered = match text {
            Some(text) => self.consider(&now, text, &types).map_err(Step::Refresh)?,
            None => self.consider_unreadable(&now, parse.text),
        };
        if let Some(refusal) = self.parse_refusal(&considered) {
            self.record_refused(&considered.view, Some(&considered.judged), &refusal);
            return Ok(self.poison_parse(frame, parse.name, refusal, outs));
        }
        let mut statement = Statement {
            text: text.map(Arc::from),
            types,
            view: Arc::clone(&considered.view),
            judged: Arc::clone(&considered.judged),
            traits: Traits::of(&considered.judged),
            sent: None,
            columns: None,
            private: None,
            stands: Stands::AsJudged,
            origin: Origin::Protocol,
        };
        self.tainted |= !considered.view.restricted() && !statement.traits.traceless;
        self.leaves_temporary(&considered.view, &considered.judged, Moment::Prepared);
        self.owed.open().discard_all = false;
        self.be_discreet(considered.discreetly());
        self.close_outgrown(frame, outs);
        let taken = match considered.verdict() {
            Verdict::Forward | Verdict::Refuse(_) => self.pass(frame, outs),
            Verdict::Rewrite(rewritten) => {
                statement.sent = Some(Arc::clone(&rewritten.text));
                statement.columns = rewritten.columns.clone();
                let out = outs.server.own(frame.input);
                wire::make_parse(parse.name, rewritten.text.as_bytes(), parse.types, out);
                self.drop_frame(frame)
            }
        };
        self.count(&considered);
        self.slot(Audience::Client, Awaited::Parse { name: parse.name.into(), statement: Some(statement) });
        Ok(taken)
    }

    /// From here on what the server says in the open segment is filtered.
    pub(super) fn be_discreet(&mut self, view: Option<Arc<View>>) {
        let open = self.owed.open();
        open.discreet = view.or(open.discreet.take());
    }

    /// Closes private statements that a newer Parse has replaced.
    fn close_outgrown(&mut self, frame: Frame<'_>, outs: &mut Outs<'_>) {
        while let Some(name) = self.outgrown.pop() {
            wire::close_statement(&name, outs.server.own(frame.input));
            self.slot(Audience::Nobody, Awaited::CloseOther);
        }
    }

    /// Why a text may not be prepared.
    fn parse_refusal(&self, considered: &Considered) -> Option<Arc<Refusal>> {
        match considered.verdict() {
            Verdict::Refuse(refusal) => return Some(refusal),
            Verdict::Forward | Verdict::Rewrite(_) => {}
        }
        match &*considered.judged {
            Judged::Many(_) if considered.view.restricted() => {
                let message = "cannot insert multiple commands into a prepared statement";
                Some(Arc::new(Refusal::new(SqlState::SYNTAX_ERROR, message)))
            }
            Judged::Many(_) | Judged::One(_) | Judged::Empty => None,
        }
    }

    /// Refuses a Parse that was not judged.
    fn refuse_parse(&mut self, frame: Frame<'_>, name: &[u8], refusal: Arc<Refusal>, outs: &mut Outs<'_>) -> usize {
        let settings = Arc::clone(&self.state.now);
        let view = self.view(&settings, settings.purpose);
        self.record_refused(&view, None, &refusal);
        self.poison_parse(frame, name, refusal, outs)
    }

    fn poison_parse(&mut self, frame: Frame<'_>, name: &[u8], refusal: Arc<Refusal>, outs: &mut Outs<'_>) -> usize {
        let poison = self.poisons.add(self.owed.number, refusal, 0);
        wire::make_parse(name, poison_statement(&poison).as_bytes(), b"\0\0", outs.server.own(frame.input));
        self.owed.open();
        self.slot(Audience::Client, Awaited::Parse { name: name.into(), statement: None });
        self.drop_frame(frame)
    }

    /// Whether the client's own statement of that name may be used under the view in force; if not so any more it is
    /// judged again and prepared under a private name, in this segment.
    pub(super) fn usable(&mut self, name: &[u8], frame: Frame<'_>, outs: &mut Outs<'_>) -> Result<Usable, Step> {
        let number = self.owed.number;
        let statement = match self.owed.pending(name) {
            // Whether an earlier segment's Parse or Close took effect is known when it was answered.
            Some(slot) if slot.segment != number => return Err(Step::Hold),
            // It fails, and the server skips what follows.
            Some(Slot { what: Awaited::Parse { statement: None, .. }, .. }) => return Ok(Usable::AsNamed),
            Some(slot) => slot.what.statement(),
            None => self.statements.get(name),
        };
        let Some(statement) = statement else {
            if let Some(refusal) = odd_name(name) {
                return Ok(Usable::Refused(Arc::new(refusal)));
            }
            let settings = Arc::clone(&self.state.now);
            if name.starts_with(RESERVED) || self.view(&settings, settings.purpose).restricted() {
                let name = String::from_utf8_lossy(name);
                let message = if name.is_empty() {
                    "unnamed prepared statement does not exist".to_owned()
                } else {
                    format!("prepared statement \"{name}\" does not exist")
                };
                return Ok(Usable::Refused(Arc::new(Refusal::new(UNDEFINED_STATEMENT, message))));
            }
            return Ok(Usable::AsNamed);
        };
        let traits = statement.traits;
        let judged_under = Arc::clone(&statement.view);
        let private = statement.private.clone();
        let stands = statement.stands;
        let settings = Arc::clone(&self.state.now);
        let purpose = if traits.commented { judged_under.purpose() } else { settings.purpose };
        let view = self.view(&settings, purpose);
        self.wait_for_catalog(&view).map_err(Step::Refresh)?;
        let unsettled = !traits.of_session
            && view.restricted()
            && (settings.path.is_none()
                || self.is_unseen(&settings)
                || self.may_be_unclean()
                || self.shelf.is_behind());
        if (Arc::ptr_eq(&view, &judged_under) || view.same(&judged_under)) && !unsettled && stands == Stands::AsJudged {
            return Ok(private.map_or(Usable::AsNamed, Usable::Private));
        }
        self.judge_again(name, frame, outs)
    }

    fn judge_again(&mut self, name: &[u8], frame: Frame<'_>, outs: &mut Outs<'_>) -> Result<Usable, Step> {
        let Some(old) = statement_of(self, name).cloned() else { return Err(Step::Hold) };
        let Some(text) = old.text.clone() else {
            let settings = Arc::clone(&self.state.now);
            let restricted = self.view(&settings, settings.purpose).restricted();
            return Ok(if restricted { Usable::Refused(Arc::new(not_utf8())) } else { Usable::AsNamed });
        };
        let now = Arc::clone(&self.state.now);
        let considered = self.consider(&now, &text, &old.types).map_err(Step::Refresh)?;
        if let Some(refusal) = self.parse_refusal(&considered) {
            return Ok(Usable::Refused(refusal));
        }
        let (sent, columns) = match considered.verdict() {
            Verdict::Rewrite(rewritten) => (Some(Arc::clone(&rewritten.text)), rewritten.columns.clone()),
            Verdict::Forward | Verdict::Refuse(_) => (None, None),
        };
        let unchanged = sent == old.sent && old.stands == Stands::AsJudged;
        if !unchanged && old.origin == Origin::Sql {
            let refusal = prepared_otherwise(&String::from_utf8_lossy(name));
            return Ok(Usable::Refused(Arc::new(refusal)));
        }
        if !unchanged && columns.is_some() && old.columns.is_some() && columns != old.columns {
            return Ok(Usable::Refused(Arc::new(Refusal::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "cached plan must not change result type",
            ))));
        }
        let traits = match old.origin {
            Origin::Protocol => Traits::of(&considered.judged),
            Origin::Sql => Traits::of_prepared(&considered.judged),
        };
        let mut statement = Statement {
            view: considered.view,
            judged: considered.judged,
            traits,
            sent,
            columns,
            stands: Stands::AsJudged,
            ..old
        };
        if unchanged {
            let private = statement.private.clone();
            self.replace(name, statement);
            return Ok(private.map_or(Usable::AsNamed, Usable::Private));
        }
        self.be_discreet(discreetly(&statement.judged, &statement.view));
        self.private += 1;
        let private: Box<str> = format!("wherefore_{}", self.private).into();
        let outgrown = statement.private.replace(private.clone());
        let out = outs.server.own(frame.input);
        let bytes = statement.sent.as_deref().unwrap_or(&text).as_bytes();
        wire::make_parse(private.as_bytes(), bytes, statement.types(), out);
        if let Some(outgrown) = &outgrown {
            wire::close_statement(outgrown, out);
        }
        self.owed.open();
        self.slot(Audience::Nobody, Awaited::Parse { name: name.into(), statement: Some(statement) });
        if outgrown.is_some() {
            self.slot(Audience::Nobody, Awaited::CloseOther);
        }
        Ok(Usable::Private(private))
    }

    /// Puts a statement that was judged again, and is the same on the server, where it was found.
    fn replace(&mut self, name: &[u8], new: Statement) {
        match self.owed.pending(name) {
            Some(Slot { what: Awaited::Parse { statement, .. }, .. }) => *statement = Some(new),
            Some(Slot { what: Awaited::Prepare { statement, .. }, .. }) => *statement = new,
            Some(_) | None => {
                self.statements.put(name.into(), new);
            }
        }
    }

    pub(super) fn bind(&mut self, frame: Frame<'_>, outs: &mut Outs<'_>) -> Result<usize, Step> {
        let BindNames { portal, statement: name, length: taken } =
            match wire::bind_names(frame.have(), frame.header.body) {
                Some(names) => self.checked(names, outs)?,
                None if frame.have().len() > LONGEST_NAMES => {
                    wire::fatal("54000", "a name in a Bind is too long", outs.client.own(&[]));
                    return Err(Step::Fatal);
                }
                None => return Err(Step::More(1)),
            };
        let event = statement_of(self, name).filter(|statement| statement.traits.eventful).and_then(kind).cloned();
        let names = event.map_or(Ok(Names::Nothing), |kind| self.named_by(&kind))?;
        let paid = self.pay_for_bind(name)?;
        let room = |session: &mut Session| session.portal_room(portal).or_else(|| session.event_room(portal, name));
        let mut usable = match name_refusal(portal).or_else(|| room(self)) {
            Some(refusal) => Usable::Refused(Arc::new(refusal)),
            None => self.usable(name, frame, outs)?,
        };
        if let Usable::AsNamed | Usable::Private(_) = usable
            && let Some(refusal) = self.bind_effects(name, frame, outs)?
        {
            usable = Usable::Refused(refusal);
        }
        if let Usable::AsNamed | Usable::Private(_) = usable
            && let Some(refusal) = self.unpaid(name, paid)
        {
            usable = Usable::Refused(Arc::new(refusal));
        }
        if let Usable::AsNamed | Usable::Private(_) = usable
            && let Some(refusal) = self.look_up(name)
        {
            usable = Usable::Refused(Arc::new(refusal));
        }
        let bound = self.portal_of(name, names);
        self.owed.open().discard_all = false;
        self.slot(Audience::Client, Awaited::Bind { name: portal.into(), portal: bound });
        Ok(match usable {
            Usable::AsNamed => self.pass(frame, outs),
            Usable::Private(private) => {
                let rest = frame.header.body - taken;
                wire::bind_prefix(portal, private.as_bytes(), rest, outs.server.own(frame.input));
                // What follows the names goes through as it comes.
                self.rest = (rest, Rest::Forward);
                wire::HEADER + taken
            }
            Usable::Refused(refusal) => {
                let known = statement_of(self, name).map(|known| {
                    let view = known.traits.commented.then(|| Arc::clone(&known.view));
                    (view, Arc::clone(&known.judged))
                });
                let (view, judged) = known.map_or((None, None), |(view, judged)| (view, Some(judged)));
                let settings = Arc::clone(&self.state.now);
                let view = view.unwrap_or_else(|| self.view(&settings, settings.purpose));
                let name = self.poison_under(&view, judged.as_ref(), refusal);
                wire::bind_unknown(&name, outs.server.own(frame.input));
                self.drop_frame(frame)
            }
        })
    }

    /// Counts a look-up with each Bind, which gives it a value; the refusal where there were too many.
    fn look_up(&mut self, name: &[u8]) -> Option<Refusal> {
        let statement = statement_of(self, name)?;
        let Judged::One(Planned { statement: _, plan: Plan::Rewrite(rewritten), reports: _, shadow: _, trace: _ }) =
            &*statement.judged
        else {
            return None;
        };
        let view = rewritten.looks_up.then(|| Arc::clone(&statement.view))?;
        self.witness.looked_up(&view).err()
    }

    pub(super) fn portal_room(&self, portal: &[u8]) -> Option<Refusal> {
        let most = self.bounds.prepared_statements;
        if portal.is_empty() || self.portals.len() < most {
            return None;
        }
        let message = format!("a transaction may hold {most} portals");
        Some(Refusal::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message).with_hint(
            "Close portals that are no longer used, or raise limits.prepared_statements in the proxy's config.",
        ))
    }

    /// Whether a portal may keep the text of a statement that changes the session.
    fn event_room(&mut self, portal: &[u8], name: &[u8]) -> Option<Refusal> {
        let statement = statement_of(self, name).filter(|statement| statement.traits.eventful)?;
        let text = statement.text.as_ref().map_or(0, |text| text.len());
        let most = self.bounds.prepared_bytes;
        let kept: usize = self.portals.values().map(Portal::bytes).sum();
        if portal.is_empty() || kept + text <= most {
            return None;
        }
        let message = format!("a transaction may hold {most} bytes of portals");
        Some(
            Refusal::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message).with_hint(
                "Close portals that are no longer used, or raise limits.prepared_bytes in the proxy's config.",
            ),
        )
    }

    /// The portal that binding this statement makes: what executing it will do.
    fn portal_of(&mut self, name: &[u8], names: Names) -> Portal {
        let serial = self.serial();
        let found = statement_of(self, name);
        let does = match found {
            Some(statement) if statement.traits.eventful => match kind(statement) {
                Some(kind) => Does::Event(Arc::new(Event {
                    kind: kind.clone(),
                    text: statement.text.clone().unwrap_or_default(),
                    view: Arc::clone(&statement.view),
                    judged: Arc::clone(&statement.judged),
                    names,
                })),
                None => Does::Nothing,
            },
            // Prepared by SQL, which prepares nothing eventful; or the Bind fails.
            Some(_) | None => Does::Nothing,
        };
        let judged = found.map(|statement| Arc::clone(&statement.judged));
        let view = found.map(|statement| Arc::clone(&statement.view));
        let discreet = found.and_then(|statement| discreetly(&statement.judged, &statement.view));
        let settings = Arc::clone(&self.state.now);
        let view = view.unwrap_or_else(|| self.view(&settings, settings.purpose));
        Portal { does, ran: Ran::No, life: Life::Transaction, view, discreet, judged, serial }
    }

    /// What binding a portal means to the segment: the purpose it runs under, and whether it will change something.
    fn bind_effects(
        &mut self,
        name: &[u8],
        frame: Frame<'_>,
        outs: &mut Outs<'_>,
    ) -> Result<Option<Arc<Refusal>>, Step> {
        let Some(statement) = statement_of(self, name) else {
            // It fails, or it is not known to us and the purpose is unrestricted.
            self.state.fresh = false;
            self.tainted |= !self.view(&Arc::clone(&self.state.now), self.state.now.purpose).restricted();
            return Ok(None);
        };
        let traits = statement.traits;
        let purpose = statement.view.purpose();
        let restricted = statement.view.restricted();
        let reports_under = discreetly(&statement.judged, &statement.view);
        let session =
            traits.of_session.then(|| (statement.view.clone(), statement.judged.clone(), statement.text.clone()));
        let runs = (Arc::clone(&statement.view), Arc::clone(&statement.judged));
        let in_force = self.of_segment.unwrap_or(self.state.now.purpose);
        if (purpose != in_force || traits.declaration) && !self.owed.only_open() {
            // Whether this is inside a transaction is known when what was sent before is answered.
            return Err(Step::Hold);
        }
        if let Some(refusal) = self.purpose_fits(&self.state, purpose, self.of_segment) {
            return Ok(Some(Arc::new(refusal)));
        }
        if self.guc != purpose && self.state.block == Block::Outside {
            if self.owed.open().bound {
                let refusal = super::purpose::comment_out_of_place(self.bound.policy(), in_force);
                return Ok(Some(Arc::new(refusal)));
            }
            self.declare_in_segment(purpose, frame, outs);
        }
        match session {
            Some((view, judged, text)) => {
                // Its effect comes when it is executed; where it cannot stand is known now.
                let mut probe = (self.state.clone(), Entry::new(Segment::Extended, self.owed.number));
                if let (Judged::One(planned), Some(text)) = (&*judged, &text) {
                    let act = Act { kind: &planned.statement.kind, text, view: &view, judged: &judged };
                    if let Err(refusal) = self.apply(&mut probe.0, &mut probe.1, &act) {
                        return Ok(Some(Arc::new(refusal)));
                    }
                }
            }
            None => {
                self.of_segment = Some(purpose);
                self.leaves_temporary(&runs.0, &runs.1, Moment::Prepared);
                self.state.fresh = false;
                self.tainted |= !restricted && !traits.traceless;
            }
        }
        self.be_discreet(reports_under);
        let open = self.owed.open();
        open.catalog |= traits.catalog;
        open.bound = true;
        Ok(None)
    }

    /// Sets the purpose on the server inside the client's segment: it is the first thing executed there, so the first
    /// BindComplete and CommandComplete are its own, and it fails or is undone together with the rest.
    fn declare_in_segment(&mut self, purpose: Option<PurposeId>, frame: Frame<'_>, outs: &mut Outs<'_>) {
        let declaration = self.declaration(purpose);
        wire::run_inside(&declaration, outs.server.own(frame.input));
        let open = self.owed.open();
        open.own_complete = true;
        open.settle_on_error = true;
        self.declaring = true;
        // A ROLLBACK would undo it.
        self.state.changed = true;
        for awaited in [Awaited::OwnParse, Awaited::OwnBind, Awaited::CloseOther, Awaited::CloseOther] {
            self.slot(Audience::Nobody, awaited);
        }
        self.guc = purpose;
    }

    pub(super) fn poison(&mut self, refusal: Arc<Refusal>) -> String {
        let settings = Arc::clone(&self.state.now);
        let view = self.view(&settings, settings.purpose);
        self.poison_under(&view, None, refusal)
    }

    pub(super) fn poison_under(
        &mut self,
        view: &Arc<View>,
        judged: Option<&Arc<Judged>>,
        refusal: Arc<Refusal>,
    ) -> String {
        self.record_refused(view, judged, &refusal);
        self.poisons.add(self.owed.number, refusal, 0)
    }

    pub(super) fn close(&mut self, frame: Frame<'_>, outs: &mut Outs<'_>) -> Result<usize, Step> {
        let target = self.checked(wire::close_or_describe(b'C', frame.body()?), outs)?;
        let (Target::Statement(name) | Target::Portal(name)) = target;
        self.owed.open().discard_all = false;
        if name_refusal(name).is_some() {
            // Nothing of the client's has such a name, and closing what is not there succeeds.
            wire::close_statement("wherefore_none", outs.server.own(frame.input));
            self.slot(Audience::Client, Awaited::CloseOther);
            return Ok(self.drop_frame(frame));
        }
        match target {
            Target::Portal(portal) => self.slot(Audience::Client, Awaited::ClosePortal(portal.into())),
            Target::Statement(name) => {
                let private = statement_of(self, name).and_then(|statement| statement.private.clone());
                if let Some(private) = private {
                    wire::close_statement(&private, outs.server.own(frame.input));
                    self.slot(Audience::Nobody, Awaited::CloseOther);
                }
                self.slot(Audience::Client, Awaited::CloseStatement(name.into()));
            }
        }
        Ok(self.pass(frame, outs))
    }
}

/// The names in a Bind together.
const LONGEST_NAMES: usize = 8 << 10;

/// The statement that a name stands for once what was sent has been answered.
pub(super) fn statement_of<'a>(session: &'a mut Session, name: &[u8]) -> Option<&'a Statement> {
    match session.owed.pending(name) {
        Some(slot) => slot.what.statement(),
        None => session.statements.get(name),
    }
}

pub(super) fn kind(statement: &Statement) -> Option<&Kind> {
    match &*statement.judged {
        Judged::One(planned) => Some(&planned.statement.kind),
        Judged::Many(_) | Judged::Empty => None,
    }
}
