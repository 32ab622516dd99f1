//! Temporary tables of the session: whether it has or may have some, whose they are, and what its server tells of them.
//!
//! Only the server knows them. So it is asked over the session's own connection before the next statement that must be
//! understood, whenever they may have changed. What is sent names them with their schema, so that one that is gone is not
//! found, and none is taken for another.

use super::consider::may_change_catalog;
use super::inner::{BEGIN, Fault, UNDO, prepare};
use super::machine::{Frame, Outs, Refresh, Session, Step};
use super::named::Act;
use super::queue::{Entry, Own};
use super::settings::{Block, Settings, State};
use crate::catalog::read::{Answer, TEMPORARY_RELATIONS, temporary};
use crate::catalog::{Filled, OwnTables, Temporaries};
use crate::enforce::{Defines, Encoding, Judged, Plan, Planned, Temporary, Text, View};
use crate::policy::{Bound, PurposeId};
use crate::sql::{Kind, Transaction};
use crate::vocab::{Refusal, SqlState};
use crate::wire::{self, Sink};
use std::sync::Arc;

/// What the server's answer may take: some ten thousand columns. A session keeps it for as long as it has the tables.
const MOST: usize = 1 << 20;

/// What is known of temporary relations of the session, up to a place in what it sends. Only DISCARD ALL makes it `None` again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There are none, and nothing has run that could have made some.
    None,
    /// Text of users' functions has run: it may have made some, and more of it may run in this transaction.
    Late,
    /// It has, and cannot go on.
    Past,
    /// The same, and the server has told that it has left nothing.
    Checked,
    /// The session has made some, under this purpose.
    Own {
        owner: Option<PurposeId>,
        /// The number of the last change to them.
        change: u64,
        filled: Filled,
    },
}

impl Standing {
    fn change(self) -> Option<u64> {
        match self {
            Standing::None | Standing::Late | Standing::Past | Standing::Checked => None,
            Standing::Own { owner: _, change, filled: _ } => Some(change),
        }
    }
}

/// What the server has told.
#[derive(Debug)]
pub(super) enum Told {
    Nothing,
    Asked(Box<Asking>),
    /// It did not answer, and has to go back to the savepoint, or does.
    Failing,
    /// After this change.
    Tables {
        change: u64,
        own: Arc<OwnTables>,
    },
    /// It did not answer for the message at hand.
    Failed,
}

/// A question under way.
#[derive(Debug)]
pub(super) struct Asking {
    change: Option<u64>,
    answer: Answer,
    /// What it told before.
    last: Option<Arc<OwnTables>>,
    /// How many statements are completed before the question is.
    before: usize,
    completed: usize,
}

/// Whether a statement runs, or is prepared to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Prepared,
    Runs,
}

/// What a statement has to do with temporary tables.
pub(super) fn of(judged: &Judged) -> Option<Temporary> {
    match judged {
        Judged::One(Planned { plan: Plan::Rewrite(rewritten), .. }) => Some(rewritten.temporary),
        Judged::One(Planned { plan: Plan::Forward | Plan::Refuse(_), .. }) | Judged::Many(_) | Judged::Empty => None,
    }
}

/// Whether all that a statement defines is temporary.
pub(super) fn defines(judged: &Judged) -> bool {
    of(judged).is_some_and(|temporary| temporary.defines != Defines::Nothing)
}

impl Session {
    /// The policy and catalog with the session's temporary tables laid over.
    pub(super) fn laid_over(&self, settings: &Settings, bound: Arc<Bound>) -> Arc<Bound> {
        let Standing::Own { owner: _, change, filled } = settings.temporary else { return bound };
        let own = match &self.told_temporary {
            Told::Tables { change: told, own } if *told == change => Arc::clone(own),
            Told::Nothing | Told::Asked(_) | Told::Failing | Told::Tables { .. } | Told::Failed => Default::default(),
        };
        Arc::new(bound.with_temporary(Arc::new(Temporaries { own, filled })))
    }

    /// Whether what is known of the session's temporary tables may have changed.
    pub(super) fn temporary_unseen(&self, settings: &Settings) -> bool {
        let Some(change) = settings.temporary.change() else { return false };
        !matches!(&self.told_temporary, Told::Tables { change: told, .. } if *told == change)
    }

    /// Why a statement may not run for what the session has, or may have, of temporary tables; what must be asked first.
    pub(super) fn beside_temporary(
        &self,
        settings: &Settings,
        view: &View,
        planned: &Planned,
    ) -> Result<Option<Refusal>, Refresh> {
        let kind = &planned.statement.kind;
        if let Some(refusal) = self.of_another(settings.temporary, view.purpose()) {
            return Ok(Some(refusal));
        }
        let makes = matches!(&planned.plan, Plan::Rewrite(sent) if sent.temporary.defines == Defines::Makes);
        let asks = match settings.temporary {
            Standing::None | Standing::Checked => false,
            Standing::Late if makes => return Ok(Some(ran_late())),
            Standing::Past => makes,
            Standing::Late => false,
            Standing::Own { .. } => !matches!(kind, Kind::Show(_)) && self.temporary_unseen(settings),
        };
        if !asks {
            return Ok(None);
        }
        if let Told::Failed = self.told_temporary {
            return Ok(Some(unread()));
        }
        if let (Standing::Past, Told::Tables { .. }) = (settings.temporary, &self.told_temporary) {
            return Ok(Some(ran_late()));
        }
        // By a statement of the same message, which was not sent yet.
        let now = settings.temporary.change() != self.state.now.temporary.change();
        // Where it is, ending the client's segment would end a transaction.
        let open = self.owed.open.as_ref().is_some_and(|open| open.bound && self.state.block == Block::Outside);
        let stopped = self.owed.at_rest() && self.status == b'E';
        if now || open || stopped || self.owed.copying || self.encoding.encoding() != Encoding::Utf8 {
            return Ok(Some(changed()));
        }
        Err(Refresh::Temporary)
    }

    /// Why a session with temporary tables may not work under this purpose.
    pub(super) fn of_another(&self, temporary: Standing, purpose: Option<PurposeId>) -> Option<Refusal> {
        let Standing::Own { owner, change: _, filled: _ } = temporary else { return None };
        (owner != purpose).then(|| {
            let message = "a session with temporary tables of one purpose cannot go on under another";
            Refusal::new(SqlState::ACTIVE_SQL_TRANSACTION, message)
                .with_detail("What is in them was shown for the purpose that they were made under.")
                .with_hint("Open a new session or run DISCARD ALL.")
        })
    }

    /// Notes what a statement that is sent does to temporary tables, or may.
    pub(super) fn note_temporary(&mut self, state: &mut State, view: &View, judged: &Judged, moment: Moment) {
        let Some(temporary) = of(judged).filter(|_| view.restricted()) else { return };
        let Temporary { defines, text, fills } = temporary;
        let before = state.now.temporary;
        let after = match (before, text) {
            (Standing::Own { owner, change, filled }, _) => Standing::Own { owner, change, filled: filled.max(fills) },
            (Standing::None | Standing::Late | Standing::Past | Standing::Checked, Text::Late) => Standing::Late,
            (before @ (Standing::None | Standing::Late | Standing::Past | Standing::Checked), Text::Certain) => before,
        };
        let after = match (defines, moment) {
            (Defines::Makes, Moment::Runs) => {
                let filled = match after {
                    Standing::Own { owner: _, change: _, filled } => filled,
                    Standing::None | Standing::Late | Standing::Past | Standing::Checked => Filled::ByClient,
                };
                self.changes += 1;
                Standing::Own { owner: view.purpose(), change: self.changes, filled: filled.max(fills) }
            }
            (Defines::Nothing | Defines::Changes, _) | (Defines::Makes, Moment::Prepared) => after,
        };
        if after != before {
            state.put_temporary(after);
        }
    }

    /// The same of one that changes nothing else of the session.
    pub(super) fn leaves_temporary(&mut self, view: &View, judged: &Judged, moment: Moment) {
        let leaves = |temporary: &Temporary| temporary.text == Text::Late || temporary.fills == Filled::FromTables;
        if of(judged).as_ref().is_some_and(leaves) {
            let mut state = self.state.clone();
            self.note_temporary(&mut state, view, judged, moment);
            self.state = state;
        }
    }

    /// What running a statement does to what is known of temporary tables; the refusal of one that may not make any here.
    pub(super) fn follow_temporary(
        &mut self,
        state: &mut State,
        entry: &mut Entry,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        match defines(act.judged) {
            true => entry.temporary = true,
            false => entry.catalog |= may_change_catalog(act.kind),
        }
        let standing = state.now.temporary;
        let makes = of(act.judged).is_some_and(|temporary| temporary.defines == Defines::Makes);
        if makes && matches!(standing, Standing::Late | Standing::Past) {
            // It was prepared before text ran.
            return Err(ran_late());
        }
        let voids = match act.kind {
            Kind::Transaction(
                Transaction::Commit { chain: _ }
                | Transaction::Rollback { chain: _ }
                | Transaction::RollbackTo
                | Transaction::TwoPhase,
            )
            | Kind::Discard(_)
            | Kind::Define(_) => true,
            Kind::Transaction(
                Transaction::Begin | Transaction::Savepoint | Transaction::Release | Transaction::Constraints,
            )
            | Kind::Read
            | Kind::Unread
            | Kind::Write
            | Kind::Bulk
            | Kind::Call
            | Kind::Set(_)
            | Kind::Show(_)
            | Kind::Deallocate(_)
            | Kind::Explain
            | Kind::Prepare(_)
            | Kind::Execute(_)
            | Kind::Declare(_)
            | Kind::Fetch(_)
            | Kind::Close(_)
            | Kind::Lock
            | Kind::Signal(_)
            | Kind::Other(_) => false,
        };
        if voids {
            self.void_temporary(state);
        }
        // What was prepared may run text.
        if matches!(act.kind, Kind::Execute(_)) && matches!(standing, Standing::Past | Standing::Checked) {
            state.put_temporary(Standing::Late);
        }
        self.note_temporary(state, act.view, act.judged, Moment::Runs);
        Ok(())
    }

    /// Temporary tables may have come or gone.
    pub(super) fn void_temporary(&mut self, state: &mut State) {
        if let Standing::Own { owner, change: _, filled } = state.now.temporary {
            self.changes += 1;
            state.put_temporary(Standing::Own { owner, change: self.changes, filled });
        }
    }

    /// A message has failed: what was reckoned with may have been skipped, or undone.
    pub(super) fn doubts_temporary(&mut self) {
        let mut state = self.state.clone();
        self.void_temporary(&mut state);
        self.state = state;
    }

    /// Everything was answered outside any transaction: what ran is over, but for cursors that are held.
    pub(super) fn temporary_at_rest(&mut self) {
        if self.state.now.temporary == Standing::Late && self.portals.is_empty() {
            self.state.put_temporary(Standing::Past);
        }
    }

    /// Asks the server, or waits until it can be asked.
    pub(super) fn read_temporary(&mut self, frame: Frame<'_>, outs: &mut Outs<'_>) -> Step {
        if !self.owed.only_open() {
            return Step::Hold;
        }
        if self.owed.open.is_some() {
            outs.server.own(frame.input).extend_from_slice(b"S\0\0\0\x04");
            self.sync_quietly();
            return Step::Hold;
        }
        let prepare = prepare();
        let mut texts = vec![&*prepare, TEMPORARY_RELATIONS];
        let mut before = 1;
        if self.status == b'T' {
            texts.insert(0, BEGIN);
            texts.extend(UNDO);
            before = 2;
        }
        let change = self.state.now.temporary.change();
        let last = match std::mem::replace(&mut self.told_temporary, Told::Nothing) {
            Told::Tables { change: _, own } => Some(own),
            Told::Nothing | Told::Asked(_) | Told::Failing | Told::Failed => None,
        };
        let asking = Asking { change, answer: Answer::default(), last, before, completed: 0 };
        self.told_temporary = Told::Asked(Box::new(asking));
        self.run_own(Own::Temporary, &texts, outs.server, frame.input);
        Step::Hold
    }

    /// Whether the client's messages wait for the answer.
    pub(super) fn awaits_temporary(&self) -> bool {
        matches!(self.told_temporary, Told::Asked(_) | Told::Failing)
    }

    /// One more statement of the proxy's own was completed.
    pub(super) fn temporary_completed(&mut self) {
        if let Told::Asked(asking) = &mut self.told_temporary {
            asking.completed += 1;
        }
    }

    /// A row of the answer. `None`: it cannot be read.
    pub(super) fn temporary_row(&mut self, body: &[u8]) -> Option<()> {
        if let Told::Asked(asking) = &mut self.told_temporary
            && asking.completed == asking.before
            && asking.answer.bytes() <= MOST
        {
            asking.answer.push(wire::data_row(body)?.iter().map(Option::as_deref));
        }
        Some(())
    }

    /// The question was answered, or has failed.
    pub(super) fn temporary_answered(&mut self, outcome: Result<(), Fault>) {
        self.told_temporary = match std::mem::replace(&mut self.told_temporary, Told::Nothing) {
            Told::Asked(_) if outcome.is_err() && self.status == b'E' => Told::Failing,
            Told::Asked(asking) if outcome.is_ok() && asking.answer.bytes() <= MOST => {
                match temporary(&asking.answer) {
                    Ok((tables, others)) => {
                        let own = OwnTables::told(tables, others, asking.last.as_ref());
                        if self.state.now.temporary == Standing::Past && own.is_empty() {
                            self.state.put_temporary(Standing::Checked);
                        }
                        if asking.last.is_none_or(|last| !Arc::ptr_eq(&last, &own)) {
                            // They would keep what was told before.
                            self.statements.keep_only(&self.bound);
                        }
                        Told::Tables { change: asking.change.unwrap_or(0), own }
                    }
                    Err(_) => Told::Failed,
                }
            }
            Told::Asked(_) => Told::Failed,
            other @ (Told::Nothing | Told::Failing | Told::Tables { .. } | Told::Failed) => other,
        };
        self.views.clear();
    }

    /// Goes back to the savepoint.
    pub(super) fn undo_temporary(&mut self, to_server: &mut Sink) {
        if let Told::Failing = self.told_temporary
            && self.owed.at_rest()
        {
            wire::close_own(to_server.own(&[]));
            self.run_own(Own::Undo, &UNDO, to_server, &[]);
        }
    }

    pub(super) fn temporary_undone(&mut self) {
        if let Told::Failing = self.told_temporary {
            self.told_temporary = Told::Failed;
        }
    }

    /// A message was taken: what could not be read for it is tried for the next.
    pub(super) fn temporary_used(&mut self) {
        let stale = matches!(self.told_temporary, Told::Tables { .. }) && self.state.now.temporary.change().is_none();
        if stale || matches!(self.told_temporary, Told::Failed) {
            self.told_temporary = Told::Nothing;
        }
    }
}

/// Temporary tables where text of users' functions may have made some, or may find them.
fn ran_late() -> Refusal {
    let message = "temporary tables are not understood in a session that has run functions whose text names relations";
    Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        .with_detail("They may have made some themselves, or run again at the end of the transaction. Triggers, rules and defaults count.")
        .with_hint("End the transaction and close cursors first; else open a new session or run DISCARD ALL.")
}

/// A statement that follows a change to temporary tables where the server cannot be asked in between.
fn changed() -> Refusal {
    let message = "temporary tables were changed earlier in this message or segment, or may have been";
    Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_hint("Send this statement in a message of its own.")
}

fn unread() -> Refusal {
    Refusal::new(SqlState("57P03"), "the session's temporary tables cannot be read")
        .with_detail("The server did not answer what the proxy asked over this connection, or they have too many columns: some ten thousand.")
        .with_hint("Try again, or run DISCARD ALL or DISCARD TEMP.")
}
