//! One statement under the settings that those before it leave: judged, its comment's purpose applied, and the rules
//! checked that need the session.

use super::machine::{Refresh, Refreshed, Session};
use super::named::Act;
use super::parameter::{parameter_of, set_value};
use super::payment::charge;
use super::portals::RESERVED;
use super::purpose::{
    JUSTIFICATION, PURPOSE, Rules, comment_out_of_place, declared_justification, needs_clean_session,
    needs_new_session, unfit, unknown_setting, unread_catalog,
};
use super::queue::{Awaited, Entry};
use super::settings::{Block, Reach, Schema, Settings, Settled, State, Strings, path_of, split_path};
use super::shelf::Fit;
use super::simple::not_utf8;
use super::temporary::defines;
use crate::catalog::SearchPath;
use crate::enforce::{Charge, Judged, Plan, Planned, Reports, Rewritten, Shadow, View, unread};
use crate::policy::PurposeId;
use crate::sql::{Discard, Kind, Set, SetScope, SetValue, Transaction, purpose_comment, purpose_hint};
use crate::vocab::{Oid, Refusal, SqlState};
use std::sync::Arc;

/// A statement that was judged.
#[derive(Debug, Clone)]
pub struct Considered {
    pub judged: Arc<Judged>,
    pub view: Arc<View>,
    /// A refusal of the session's own, before the core's.
    refused: Option<Arc<Refusal>>,
}

/// What to send.
#[derive(Debug)]
pub enum Verdict<'a> {
    Forward,
    Rewrite(&'a Rewritten),
    Refuse(Arc<Refusal>),
}

impl Considered {
    pub fn planned(&self) -> Option<&Planned> {
        match &*self.judged {
            Judged::One(planned) => Some(planned),
            Judged::Many(_) | Judged::Empty => None,
        }
    }

    pub fn kind(&self) -> Option<&Kind> {
        self.planned().map(|planned| &planned.statement.kind)
    }

    /// The view, if what the server says of the statement must be discreet.
    pub fn discreetly(&self) -> Option<Arc<View>> {
        discreetly(&self.judged, &self.view)
    }

    /// Whether it is sent, and looks a row up.
    pub fn looks_up(&self) -> bool {
        matches!(self.verdict(), Verdict::Rewrite(rewritten) if rewritten.looks_up)
    }

    /// What executing it costs.
    pub fn charge(&self) -> Option<Arc<Charge>> {
        charge(&self.judged).filter(|_| !matches!(self.kind(), Some(Kind::Prepare(_))))
    }

    /// What would have become of it, were its purpose enforced.
    pub fn shadow(&self) -> Option<&Shadow> {
        self.planned().and_then(|planned| planned.shadow.as_ref())
    }

    pub fn verdict(&self) -> Verdict<'_> {
        match (&self.refused, self.planned().map(|planned| &planned.plan)) {
            (Some(refusal), _) => Verdict::Refuse(Arc::clone(refusal)),
            (None, Some(Plan::Refuse(refusal))) => Verdict::Refuse(Arc::clone(refusal)),
            (None, Some(Plan::Rewrite(rewritten))) => Verdict::Rewrite(rewritten),
            (None, Some(Plan::Forward) | None) => Verdict::Forward,
        }
    }
}

impl Considered {
    /// Why it may not be sent, if it may not.
    pub fn refusal(&self) -> Option<Arc<Refusal>> {
        match self.verdict() {
            Verdict::Refuse(refusal) => Some(refusal),
            Verdict::Forward | Verdict::Rewrite(_) => None,
        }
    }
}

/// Statements about the session itself: a comment's purpose means nothing to them, and nothing is left behind by them.
pub fn is_about_session(kind: &Kind) -> bool {
    match kind {
        Kind::Transaction(_) | Kind::Set(_) | Kind::Discard(Discard::All) | Kind::Deallocate(_) => true,
        Kind::Read
        | Kind::Unread
        | Kind::Write
        | Kind::Bulk
        | Kind::Call
        | Kind::Show(_)
        | Kind::Discard(Discard::Plans | Discard::Sequences | Discard::Temp)
        | Kind::Explain
        | Kind::Prepare(_)
        | Kind::Execute(_)
        | Kind::Declare(_)
        | Kind::Fetch(_)
        | Kind::Close(_)
        | Kind::Lock
        | Kind::Define(_)
        | Kind::Signal(_)
        | Kind::Other(_) => false,
    }
}

/// The view a statement was judged under, if what the server says of it must be discreet.
pub fn discreetly(judged: &Judged, view: &Arc<View>) -> Option<Arc<View>> {
    match judged {
        Judged::One(planned) if planned.reports == Reports::Discreet => Some(Arc::clone(view)),
        Judged::One(_) | Judged::Many(_) | Judged::Empty => None,
    }
}

/// Statements whose effect comes when they are executed, not when they are bound, or that are analysed only then.
pub fn is_event(kind: &Kind) -> bool {
    match kind {
        Kind::Unread
        | Kind::Bulk
        | Kind::Call
        | Kind::Explain
        | Kind::Prepare(_)
        | Kind::Execute(_)
        | Kind::Declare(_)
        | Kind::Fetch(_)
        | Kind::Close(_)
        | Kind::Lock
        | Kind::Discard(Discard::Temp)
        | Kind::Define(_) => true,
        Kind::Read
        | Kind::Write
        | Kind::Transaction(_)
        | Kind::Set(_)
        | Kind::Show(_)
        | Kind::Discard(Discard::All | Discard::Plans | Discard::Sequences)
        | Kind::Deallocate(_)
        | Kind::Signal(_)
        | Kind::Other(_) => is_about_session(kind),
    }
}

/// Whether a statement of this kind may change what the catalog snapshot holds without its command tag saying so.
pub fn may_change_catalog(kind: &Kind) -> bool {
    match kind {
        Kind::Other(words) => &**words == "DO",
        Kind::Define(_) | Kind::Call | Kind::Unread => true,
        Kind::Read
        | Kind::Write
        | Kind::Bulk
        | Kind::Transaction(_)
        | Kind::Set(_)
        | Kind::Show(_)
        | Kind::Discard(_)
        | Kind::Deallocate(_)
        | Kind::Explain
        | Kind::Prepare(_)
        | Kind::Execute(_)
        | Kind::Declare(_)
        | Kind::Fetch(_)
        | Kind::Close(_)
        | Kind::Lock
        | Kind::Signal(_) => false,
    }
}

impl Session {
    /// The view under these settings and this purpose.
    pub(super) fn view(&mut self, settings: &Arc<Settings>, purpose: Option<PurposeId>) -> Arc<View> {
        let known = self.views.iter().find(|known| Arc::ptr_eq(&known.0, settings) && known.1 == purpose);
        if let Some((_, _, view)) = known {
            return Arc::clone(view);
        }
        let path = settings.path.clone().unwrap_or_else(|| SearchPath::new([]));
        let encoding = settings.read_by(self.encoding.encoding());
        let bound = self.laid_over(settings, Arc::clone(self.bound_under(settings)));
        let view = View::new(bound, Arc::clone(&self.principal), purpose, path, encoding);
        let view = Arc::new(view.justified(settings.justification.as_deref()));
        if self.views.len() >= 4 {
            self.views.remove(0);
        }
        self.views.push((Arc::clone(settings), purpose, Arc::clone(&view)));
        view
    }

    pub(super) fn rules(&self) -> Rules<'_> {
        Rules { policy: self.bound.policy(), principal: &self.principal, start: self.start }
    }

    /// Judges one text under these settings. `types` are those that a Parse declares for its parameters, as they came.
    pub(super) fn consider(&mut self, now: &Arc<Settings>, text: &str, types: &[u8]) -> Result<Considered, Refresh> {
        // What the comment really says is known when the text was read; nearly always it is what it looks like.
        let hinted = purpose_hint(text).and_then(|name| self.rules().declare(&name).ok());
        let mut view = self.view(now, hinted.or(now.purpose));
        self.wait_for_catalog(&view)?;
        let mut judged = self.judge_declared(&view, text, types);
        let mut refused = None;
        match self.purpose_of(&judged, text, now) {
            Err(refusal) => refused = Some(refusal),
            Ok(purpose) if purpose == view.purpose() => {}
            Ok(purpose) => {
                view = self.view(now, purpose);
                self.wait_for_catalog(&view)?;
                judged = self.judge_declared(&view, text, types);
            }
        }
        if refused.is_none()
            && let Judged::One(planned) = &*judged
            && let calls = matches!(&planned.statement.kind, Kind::Set(set) if set.by_function)
            && (!is_about_session(&planned.statement.kind) || (calls && now.path.is_none()))
            && view.restricted()
        {
            if now.path.is_none() {
                refused = Some(
                    Refusal::new(
                        SqlState::FEATURE_NOT_SUPPORTED,
                        "a setting that decides what names mean was changed earlier in this message",
                    )
                    .with_hint("Send this statement in a message of its own."),
                );
            } else if let Some(refusal) = self.unseen(now, &planned.statement.kind)? {
                refused = Some(refusal);
            } else if let Some(refusal) = self.beside_temporary(now, &view, planned)? {
                refused = Some(refusal);
            } else if self.asked == Some(Refreshed::Failed) && self.shelf.is_behind() {
                refused = Some(unread_catalog());
            } else if let Some(refusal) = self.unclean() {
                refused = Some(refusal);
            } else if self.asked.is_none()
                && now.schema == Schema::AsRead
                && matches!(&planned.plan, Plan::Refuse(refusal) if is_unknown_name(refusal))
            {
                return Err(Refresh::UnknownName);
            }
        }
        Ok(Considered { judged, view, refused: refused.map(Arc::new) })
    }

    /// The purpose that a text runs under: that of its comment, else the one in force.
    fn purpose_of(&self, judged: &Judged, text: &str, now: &Settings) -> Result<Option<PurposeId>, Refusal> {
        let Judged::One(Planned { statement, .. }) = judged else { return Ok(now.purpose) };
        let comment = match &statement.kind {
            Kind::Unread => purpose_comment(text)?,
            kind if is_about_session(kind) => None,
            _understood => statement.comment.clone(),
        };
        let Some(name) = comment else { return Ok(now.purpose) };
        let purpose = self.rules().declare(&name)?;
        if statement.kind == Kind::Unread && Some(purpose) != now.purpose && !self.rules_restrict(Some(purpose)) {
            // What it leaves in force could not be told from what its comment put there.
            let message = "a statement that cannot be read declares a purpose by its comment";
            return Err(
                Refusal::new(SqlState::SYNTAX_ERROR, message).with_hint("Declare it with SET wherefore.purpose.")
            );
        }
        Ok(Some(purpose))
    }

    /// A text that is not UTF-8, as what could not be read.
    pub(super) fn consider_unreadable(&mut self, now: &Arc<Settings>, bytes: &[u8]) -> Considered {
        let view = self.view(now, now.purpose);
        let declares = !matches!(purpose_comment(&String::from_utf8_lossy(bytes)), Ok(None));
        let refused = declares.then(|| Arc::new(not_utf8()));
        Considered { judged: Arc::new(unread(&view, not_utf8())), view, refused }
    }

    /// Nothing is judged under restriction while the catalog is known to have changed, until it was tried to read it.
    pub(super) fn wait_for_catalog(&self, view: &View) -> Result<(), Refresh> {
        let waits = view.restricted() && self.asked.is_none() && self.shelf.is_behind();
        if waits { Err(Refresh::Behind) } else { Ok(()) }
    }

    fn judge_declared(&self, view: &View, text: &str, types: &[u8]) -> Arc<Judged> {
        let (count, oids) = types.split_at_checked(2).unwrap_or_default();
        if matches!(count, [] | [0, 0]) {
            return self.judge.judge(view, text);
        }
        let oids: Vec<Oid> = oids.as_chunks::<4>().0.iter().map(|oid| Oid::from_be_bytes(*oid)).collect();
        self.judge.judge(&view.with_parameters(&oids), text)
    }

    /// Applies what a statement does to the session when it is executed, or says why it may not stand here.
    pub(super) fn apply(&mut self, state: &mut State, entry: &mut Entry, act: &Act<'_>) -> Result<(), Refusal> {
        let kind = act.kind;
        // What comes after a DISCARD ALL in its segment was not discarded.
        entry.discard_all = false;
        self.follow_temporary(state, entry, act)?;
        match kind {
            Kind::Transaction(Transaction::Begin) => state.begin(),
            Kind::Transaction(Transaction::Commit { chain }) => {
                entry.settle |= state.changed;
                self.void_schema(state);
                state.commit();
                if *chain {
                    state.begin();
                }
            }
            Kind::Transaction(Transaction::Rollback { chain }) => {
                entry.settle |= state.changed;
                state.rollback();
                if *chain {
                    state.begin();
                }
            }
            Kind::Transaction(Transaction::RollbackTo) => {
                entry.settle |= state.changed;
                state.rollback_to();
                self.void_schema(state);
                state.fresh = false;
            }
            Kind::Transaction(Transaction::Savepoint | Transaction::Release | Transaction::Constraints) => {
                state.fresh = false;
            }
            Kind::Transaction(Transaction::TwoPhase) => {
                entry.settle |= state.changed;
                entry.catalog = true;
                self.void_schema(state);
                state.commit();
            }
            Kind::Set(set) => self.apply_set(state, entry, set)?,
            Kind::Discard(Discard::All) => {
                if state.block == Block::Outside {
                    entry.effects.push(Awaited::DiscardAll { by: None });
                    entry.settle = true;
                    entry.discard_all = state.fresh;
                    let purpose = self.first.purpose;
                    let justification = self.first.justification.clone();
                    state.set(Reach::Session, |settings| {
                        let told = Settings::told(purpose, justification.clone(), None);
                        Settings { schema: settings.schema, temporary: settings.temporary, ..told.unsettled() }
                    });
                }
                state.fresh = false;
            }
            Kind::Deallocate(Some(name)) if name.as_bytes().starts_with(RESERVED) => {
                let message = format!("prepared statement \"{name}\" does not exist");
                return Err(Refusal::new(SqlState("26000"), message));
            }
            Kind::Close(Some(name)) if name.as_bytes().starts_with(RESERVED) => {
                return Err(Refusal::new(SqlState("34000"), format!("cursor \"{name}\" does not exist")));
            }
            Kind::Deallocate(name) => {
                let name = name.as_ref().map(|name| name.as_bytes().into());
                entry.effects.push(Awaited::Deallocate(name));
                state.fresh = false;
            }
            Kind::Close(name) => {
                entry.effects.push(match name {
                    Some(name) => Awaited::CloseCursor(name.as_bytes().into()),
                    None => Awaited::CloseCursors { by: None },
                });
                state.fresh = false;
            }
            // What an unrestricted session prepares and declares is gone before it comes under a restricted purpose.
            Kind::Prepare(name) => {
                if act.view.restricted() {
                    entry.effects.push(Session::prepared(act, name));
                }
                state.fresh = false;
            }
            Kind::Declare(declare) => {
                if act.view.restricted() {
                    entry.effects.push(self.declared(act, declare));
                }
                state.fresh = false;
            }
            Kind::Define(_) => {
                if act.view.restricted() && !defines(act.judged) {
                    state.change_schema(self.changed());
                }
                state.fresh = false;
            }
            // It may have done anything.
            Kind::Unread => {
                state.set(Reach::Session, Settings::unsettled);
                state.fresh = false;
                entry.settle = true;
                entry.settle_on_error = true;
                entry.opaque = true;
            }
            Kind::Explain => {
                // `EXPLAIN ANALYZE CREATE TABLE … AS` creates it.
                entry.catalog |= !act.view.restricted();
                state.fresh = false;
            }
            Kind::Show(_)
            | Kind::Read
            | Kind::Write
            | Kind::Bulk
            | Kind::Call
            | Kind::Discard(Discard::Plans | Discard::Sequences | Discard::Temp)
            | Kind::Execute(_)
            | Kind::Fetch(_)
            | Kind::Lock
            | Kind::Signal(_)
            | Kind::Other(_) => {
                state.fresh = false;
            }
        }
        Ok(())
    }

    fn apply_set(&mut self, state: &mut State, entry: &mut Entry, set: &Set) -> Result<(), Refusal> {
        let reach = Reach::of(set.scope);
        // Outside a transaction a lone SET LOCAL is a warning and nothing else; undone at the end of the segment.
        match &*set.name {
            PURPOSE => {
                let purpose = self.rules().set(set, state)?;
                self.may_turn(purpose)?;
                state.set(reach, |settings| Settings { purpose, ..settings.clone() });
                entry.settle = true;
            }
            JUSTIFICATION => {
                let justification = declared_justification(set, self.first.justification.as_ref())?;
                self.rules().place(set.scope, state)?;
                entry.justified.extend(justification.clone());
                state.set(reach, |settings| Settings { justification: justification.clone(), ..settings.clone() });
                entry.settle = true;
            }
            "search_path" => {
                let path = match &set.value {
                    // Where `$user` stands for another user by now only the server knows.
                    SetValue::Default if self.current_user == self.first_user => self.first.path.clone(),
                    SetValue::Default => None,
                    SetValue::Values(values) if set.by_function => match &values[..] {
                        [text] => split_path(text, &self.current_user),
                        _ => None,
                    },
                    SetValue::Values(values) => Some(path_of(values.iter().map(|value| &**value), &self.current_user)),
                    SetValue::Special | SetValue::Parameter => None,
                };
                state.set(reach, |settings| settings.with_path(path.as_ref()));
                entry.settle = true;
            }
            "all" => {
                if state.now.purpose != self.first.purpose {
                    self.rules().place(SetScope::Session, state)?;
                    self.may_turn(self.first.purpose)?;
                }
                let purpose = self.first.purpose;
                let known = state.now.settled == Settled::Yes
                    && state.strings == Strings::AsReported
                    && self.encoding == self.first_encoding
                    && self.current_user == self.first_user;
                let path = if known { self.first.path.clone() } else { None };
                let justification = self.first.justification.clone();
                let settled = if known { Settled::Yes } else { Settled::No };
                state.set(reach, |settings| Settings {
                    purpose,
                    justification: justification.clone(),
                    path: path.clone(),
                    settled,
                    ..settings.clone()
                });
                if !known {
                    state.strings = Strings::Changed;
                }
                entry.settle = true;
            }
            // What names and strings mean depends on these; only the server knows how.
            "role" | "session_authorization" | "client_encoding" | "standard_conforming_strings" => {
                state.set(reach, Settings::unsettled);
                state.strings = Strings::Changed;
                entry.settle = true;
            }
            name if name.starts_with("wherefore.") => self.set_parameter(state, set)?,
            _ => {}
        }
        Ok(())
    }

    /// Records what was given as the reason for what is read.
    pub(super) fn record_justified(&self, entry: &mut Entry) {
        for text in entry.justified.drain(..) {
            self.witness.chosen(&self.user, "justification", &text);
        }
    }

    /// A value that bounds rows. The server keeps it too, for triggers and policies of the database to see.
    fn set_parameter(&mut self, state: &State, set: &Set) -> Result<(), Refusal> {
        let policy = Arc::clone(self.bound.policy());
        let Some((id, parameter)) = parameter_of(&policy, &set.name) else {
            return Err(unknown_setting(&policy, &set.name));
        };
        let value = set_value((id, parameter), &self.principal.values, set, state)?;
        // A message that is held is taken again.
        if self.given.get(id) != Some(&value) {
            self.witness.chosen(&self.user, parameter.name(), &value);
            self.given.set(id, value);
        }
        self.meet_principal();
        Ok(())
    }

    /// Whether the session may come under this purpose: not a restricted one after work under an unrestricted one.
    pub(super) fn may_turn(&self, purpose: Option<PurposeId>) -> Result<(), Refusal> {
        let policy = self.bound.policy();
        if purpose.is_none_or(|purpose| policy.enforces(purpose))
            && let Some(refusal) = self.unclean().or_else(|| self.of_another(self.state.now.temporary, purpose))
        {
            return Err(refusal);
        }
        Ok(())
    }

    /// Why nothing can be done under a restricted purpose.
    fn unclean(&self) -> Option<Refusal> {
        match &self.unjudged {
            Some(name) => Some(needs_new_session(name)),
            None if self.shelf.fit() == Fit::Unfit => Some(unfit()),
            None => self.tainted.then(needs_clean_session),
        }
    }

    /// Whether [`Session::unclean`] may have something to say.
    pub(super) fn may_be_unclean(&self) -> bool {
        self.tainted || self.unjudged.is_some() || self.shelf.fit() == Fit::Unfit
    }

    /// A refusal if the purpose that this statement is judged under cannot be put in force here.
    pub(super) fn purpose_fits(
        &self,
        state: &State,
        purpose: Option<PurposeId>,
        of_message: Option<Option<PurposeId>>,
    ) -> Option<Refusal> {
        let in_force = of_message.unwrap_or(state.now.purpose);
        if purpose == in_force || (state.block == Block::Outside && of_message.is_none()) {
            return None;
        }
        Some(comment_out_of_place(self.bound.policy(), in_force))
    }

    /// Counts what is sent, and remembers that something ran that was not understood.
    pub(super) fn sent(&mut self, considered: &Considered) {
        if !considered.view.restricted()
            && considered.kind().is_some_and(|kind| !is_about_session(kind) && !matches!(kind, Kind::Show(_)))
        {
            self.tainted = true;
        }
    }
}

/// Names that a newer catalog might know.
fn is_unknown_name(refusal: &Refusal) -> bool {
    matches!(refusal.code.0, "42P01" | "42703" | "3F000")
}
