//! The inner catalog: the catalog as the transaction sees it that has changed it.
//!
//! Nobody else sees it, so the server is asked over the session's own connection, before the next statement that must be
//! understood. All that is asked stands in a savepoint that is rolled back, settings included, so that the transaction goes
//! on as it was, also where an answer fails. What was read holds until the schema changes again, here or elsewhere.

use super::machine::{Frame, Outs, Refresh, Session, Step};
use super::queue::Own;
use super::settings::{Block, Schema, Settings, State};
use crate::catalog::quote_literal;
use crate::catalog::read::{Answers, Extent, SETTINGS, Topic, questions};
use crate::enforce::Encoding;
use crate::policy::Bound;
use crate::sql::Kind;
use crate::vocab::{Refusal, SqlState};
use crate::wire::{self, ErrorFields, Sink};
use std::sync::Arc;

/// As a client's savepoint may be called, too: the newest of a name counts, and this one is gone when the client goes on.
pub(super) const BEGIN: &str = "SAVEPOINT wherefore_own";
pub(super) const UNDO: [&str; 2] = ["ROLLBACK TO SAVEPOINT wherefore_own", "RELEASE SAVEPOINT wherefore_own"];

/// What is set beside [`SETTINGS`]: no lock is waited for as long as the server takes to look for a deadlock.
const PATIENCE: [(&str, &str); 3] = [("lock_timeout", "200ms"), ("statement_timeout", "30s"), ("jit", "off")];

/// Settings of ours that the server reports to its client as they come and go.
const REPORTED: [&[u8]; 4] = [b"search_path", b"DateStyle", b"TimeZone", b"IntervalStyle"];

/// How often the catalog is read for one statement while others change theirs.
const MOST_READINGS: u8 = 4;

/// What is known of the inner catalog.
#[derive(Debug)]
pub(super) enum Inner {
    Unknown,
    /// The server answers.
    Asked(Box<Asking>),
    /// An answer has failed; the server has to go back to the savepoint, or does.
    Failing(Fault),
    /// All is answered, and the policy is to be tied to it; then it is.
    Answered(Box<Asking>),
    Binding(Standing),
    Known(Standing, Arc<Bound>),
    /// It could not be read for the message at hand.
    Failed(Fault),
}

/// What an inner catalog was read of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// The change of the session's own that it follows upon.
    change: u64,
    /// What others had changed by then, as far as is known ([`super::Shelf::moves`]).
    moves: u64,
    /// How often the shared catalog had been read.
    readings: u64,
}

/// Questions under way.
#[derive(Debug)]
pub(super) struct Asking {
    standing: Standing,
    shared: Arc<Bound>,
    topics: Vec<Topic>,
    answers: Answers,
    /// How many statements were completed.
    completed: usize,
    bytes: usize,
    fault: Option<Fault>,
}

/// What was read inside a transaction, to be bound.
#[derive(Debug)]
pub struct InnerReading {
    pub answers: Answers,
    /// What the rest is taken from.
    pub shared: Arc<Bound>,
}

/// Why there is no inner catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The server did not tell.
    Unread,
    /// It takes more memory than it may.
    TooLarge,
    /// The transaction keeps its first snapshot of the catalog, while the server runs statements on the newest.
    Isolated,
    /// The policy has errors on it.
    Unfit,
}

impl Session {
    /// What the policy is tied to under these settings.
    pub(super) fn bound_under(&self, settings: &Settings) -> &Arc<Bound> {
        match (settings.schema, &self.inner) {
            (Schema::Changed(change), Inner::Known(standing, bound)) if standing.change == change => bound,
            _shared => &self.bound,
        }
    }

    /// Whether names may mean something else under these settings than what is known of them.
    pub(super) fn is_unseen(&self, settings: &Settings) -> bool {
        self.schema_unseen(settings) || self.temporary_unseen(settings)
    }

    /// Whether the catalog that belongs to these settings is not known, or may have changed since it was read.
    fn schema_unseen(&self, settings: &Settings) -> bool {
        let Schema::Changed(change) = settings.schema else { return false };
        let Inner::Known(standing, _) = &self.inner else { return true };
        let known = standing.change == change && standing.moves == self.shelf.moves();
        // What others do around the proxy is looked for between segments, as often as everywhere else.
        !known || (self.owed.open.is_none() && standing.readings != self.shelf.readings())
    }

    /// Why a statement of this kind cannot be judged after the schema was changed; what must be done first, if it can be.
    pub(super) fn unseen(&self, settings: &Settings, kind: &Kind) -> Result<Option<Refusal>, Refresh> {
        if matches!(kind, Kind::Show(_)) || !self.schema_unseen(settings) {
            return Ok(None);
        }
        if let Inner::Failed(fault) = &self.inner {
            return Ok(Some(fault.refusal()));
        }
        // By a statement of the same message, which was not sent yet.
        let now = settings.schema != self.state.now.schema;
        // Where it is, ending the client's segment would end a transaction.
        let open = self.owed.open.as_ref().is_some_and(|open| open.bound && self.state.block == Block::Outside);
        let stopped = self.owed.at_rest() && self.status != b'T';
        if now || open || stopped || self.owed.copying || self.encoding.encoding() != Encoding::Utf8 {
            return Ok(Some(schema_changed()));
        }
        if self.readings >= MOST_READINGS && !matches!(self.inner, Inner::Answered(_)) {
            return Ok(Some(Fault::Unread.refusal()));
        }
        Err(Refresh::Inner)
    }

    /// Does what comes next towards an inner catalog, for the statement at hand.
    pub(super) fn read_inner(&mut self, frame: Frame<'_>, outs: &mut Outs<'_>) -> Step {
        if let Inner::Answered(_) = self.inner {
            return Step::Inner;
        }
        if !self.owed.only_open() {
            return Step::Hold;
        }
        if self.owed.open.is_some() {
            outs.server.own(frame.input).extend_from_slice(b"S\0\0\0\x04");
            self.sync_quietly();
            return Step::Hold;
        }
        self.readings += 1;
        let Schema::Changed(change) = self.state.now.schema else { return Step::Hold };
        let standing = Standing { change, moves: self.shelf.moves(), readings: self.shelf.readings() };
        let shared = Arc::clone(&self.bound);
        let asked = questions(shared.catalog().server_version(), Extent::Changeable);
        let (topics, questions): (Vec<Topic>, Vec<String>) = asked.unzip();
        let prepare = prepare();
        let mut texts = vec![BEGIN, &prepare];
        texts.extend(questions.iter().map(String::as_str).chain(UNDO));
        let (answers, completed, bytes, fault) = (Answers::default(), 0, 0, None);
        self.inner = Inner::Asked(Box::new(Asking { standing, shared, topics, answers, completed, bytes, fault }));
        self.views.clear();
        self.run_own(Own::Inner, &texts, outs.server, frame.input);
        Step::Hold
    }

    /// Whether the client's messages wait for the inner catalog.
    pub(super) fn awaits_inner(&self) -> bool {
        match self.inner {
            Inner::Asked(_) | Inner::Failing(_) | Inner::Binding(_) => true,
            Inner::Unknown | Inner::Answered(_) | Inner::Known(..) | Inner::Failed(_) => false,
        }
    }

    /// The longest row that is read of what the server answers to the proxy itself.
    pub(super) fn longest_own_row(&self, usual: usize) -> usize {
        match &self.inner {
            Inner::Asked(asking) => usual.max(self.bounds.inner_catalog_bytes.saturating_sub(asking.bytes)),
            _no_catalog => usual,
        }
    }

    pub(super) fn asks_inner(&self) -> bool {
        matches!(self.inner, Inner::Asked(_))
    }

    /// The server does not answer a question, or cannot go back.
    pub(super) fn inner_refused(&self, report: ErrorFields<'_>) {
        if matches!(self.inner, Inner::Asked(_) | Inner::Failing(_)) || self.awaits_temporary() {
            let field = |code| report.get(code).map(String::from_utf8_lossy).unwrap_or_default();
            self.witness.unread_inner(&self.user, &field(b'C'), &field(b'M'));
        }
    }

    /// One more statement of the questions was completed.
    pub(super) fn inner_completed(&mut self) {
        if let Inner::Asked(asking) = &mut self.inner {
            asking.completed += 1;
        }
    }

    /// A row that is too long to be read.
    pub(super) fn inner_too_large(&mut self) -> bool {
        match &mut self.inner {
            Inner::Asked(asking) => {
                asking.fault = Some(Fault::TooLarge);
                true
            }
            _no_catalog => false,
        }
    }

    /// A row of an answer. `None`: it cannot be read, or nothing of the kind was asked.
    pub(super) fn inner_row(&mut self, body: &[u8]) -> Option<()> {
        let Inner::Asked(asking) = &mut self.inner else { return None };
        // The savepoint answers nothing.
        match asking.completed.checked_sub(1)? {
            0 => {
                let row = wire::data_row(body)?;
                if row.first() != Some(&Some("read committed".to_owned())) {
                    asking.fault = Some(Fault::Isolated);
                }
            }
            at => {
                let topic = *asking.topics.get(at - 1)?;
                if asking.fault.is_none() {
                    let row = wire::data_row(body)?;
                    let answer = asking.answers.to(topic);
                    let before = answer.bytes();
                    answer.push(row.iter().map(Option::as_deref));
                    asking.bytes += answer.bytes() - before;
                }
                if asking.bytes > self.bounds.inner_catalog_bytes {
                    asking.fault = Some(Fault::TooLarge);
                    asking.answers = Answers::default();
                }
            }
        }
        Some(())
    }

    /// Whether the server reports a setting that was changed for the questions only. It is as it was when they are over.
    pub(super) fn is_of_inner(&self, report: &[u8]) -> bool {
        let asks = matches!(self.inner, Inner::Asked(_) | Inner::Failing(_)) || self.awaits_temporary();
        asks && wire::parameter_status(report).is_some_and(|(name, _)| REPORTED.contains(&name))
    }

    /// All questions were answered, or one has failed.
    pub(super) fn inner_answered(&mut self, failed: bool) {
        self.inner = match std::mem::replace(&mut self.inner, Inner::Unknown) {
            Inner::Asked(asking) if failed => Inner::Failing(asking.fault.unwrap_or(Fault::Unread)),
            Inner::Asked(asking) => match asking.fault {
                Some(fault) => Inner::Failed(fault),
                None => Inner::Answered(asking),
            },
            other => other,
        };
    }

    /// Goes back to the savepoint.
    pub(super) fn undo_inner(&mut self, to_server: &mut Sink) {
        if let Inner::Failing(_) = self.inner
            && self.owed.at_rest()
        {
            wire::close_own(to_server.own(&[]));
            self.run_own(Own::Undo, &UNDO, to_server, &[]);
        }
    }

    /// The transaction is as it was, or past saving: what the client sends next shows which.
    pub(super) fn inner_undone(&mut self) {
        if let Inner::Failing(fault) = self.inner {
            self.inner = Inner::Failed(fault);
        }
    }

    /// What was read, once, for whoever ties the policy to it: [`Step::Inner`].
    pub fn inner_reading(&mut self) -> Option<InnerReading> {
        match std::mem::replace(&mut self.inner, Inner::Unknown) {
            Inner::Answered(asking) => {
                let Asking { standing, shared, topics: _, answers, completed: _, bytes, fault: _ } = *asking;
                self.witness.read_inner(&self.user, bytes);
                self.inner = Inner::Binding(standing);
                Some(InnerReading { answers, shared })
            }
            other => {
                self.inner = other;
                None
            }
        }
    }

    /// The policy tied to what was read.
    pub fn inner_bound(&mut self, outcome: Result<Arc<Bound>, Fault>) {
        if let Inner::Binding(standing) = self.inner {
            self.inner = match outcome {
                Ok(bound) => Inner::Known(standing, bound),
                Err(fault) => Inner::Failed(fault),
            };
            self.views.clear();
        }
    }

    /// Nothing of it is known any more.
    pub(super) fn forget_inner(&mut self) {
        if !self.awaits_inner() {
            if let Inner::Known(..) = self.inner {
                // Each would hold a catalog of its own in memory.
                self.statements.keep_only(&self.bound);
            }
            self.inner = Inner::Unknown;
            self.views.clear();
        }
    }

    /// A message was taken: what could not be read for it is tried for the next.
    pub(super) fn inner_used(&mut self) {
        self.readings = 0;
        if let Inner::Failed(_) = self.inner {
            self.inner = Inner::Unknown;
        }
    }

    /// A transaction that may have changed the schema is committed, or goes back to a savepoint: what was read in it holds no
    /// longer. One that has failed is rolled back where it is to be committed.
    pub(super) fn void_schema(&mut self, state: &mut State) {
        if state.now.schema != Schema::AsRead {
            state.change_schema(self.changed());
        }
    }

    /// A message has failed in a transaction that may have changed the schema: what was reckoned with it to undo the change,
    /// a ROLLBACK say, may have been skipped.
    pub(super) fn doubts_schema(&mut self) {
        let schema = self.changed();
        self.state.change_schema(schema);
    }

    /// The number of a change to the schema.
    pub(super) fn changed(&mut self) -> Schema {
        self.changes += 1;
        Schema::Changed(self.changes)
    }
}

/// Tells how the transaction sees the catalog, and sets what answers depend on.
pub(super) fn prepare() -> String {
    let mut text = "SELECT pg_catalog.current_setting('transaction_isolation')".to_owned();
    for (name, value) in SETTINGS.into_iter().chain(PATIENCE) {
        text += &format!(", pg_catalog.set_config('{name}', {}, true)", quote_literal(value));
    }
    text
}

impl Fault {
    fn refusal(self) -> Refusal {
        let unread = |detail: &str, hint: &str| {
            let message = "the schema was changed in this transaction, and cannot be read as it is now";
            Refusal::new(SqlState("57P03"), message).with_detail(detail.to_owned()).with_hint(hint.to_owned())
        };
        match self {
            Fault::Unread => unread(
                "The server did not answer what the proxy asked over this connection.",
                "Try again, or end the transaction first. The proxy's log says why.",
            ),
            Fault::TooLarge => unread(
                "The catalog takes more memory than limits.inner_catalog_bytes.",
                "End the transaction first, or raise the limit in the proxy's config.",
            ),
            Fault::Unfit => unread(
                "The policy does not fit it: tags in comments, or patterns, disagree with the policy.",
                "End the transaction first.",
            ),
            Fault::Isolated => schema_changed().with_hint("End the transaction first, or let it be READ COMMITTED."),
        }
    }
}

/// A statement that follows a definition where the catalog cannot be read in between.
pub(super) fn schema_changed() -> Refusal {
    let message = "the schema was changed in this transaction, whose later statements are not understood";
    Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        .with_detail("Nobody but this transaction sees the schema as it is now.")
        .with_hint("Send this statement in a message of its own, or end the transaction first.")
}
