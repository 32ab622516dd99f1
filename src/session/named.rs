//! Statements of SQL that name prepared statements and cursors.
//!
//! The server keeps one set of prepared statements and one of portals, whether SQL or the protocol made them. What a name
//! stands for where it is used is what was sent before it: an effect of the same message, then an answer that is still to
//! come, then what the server has confirmed. A plan runs only under the purpose that it was made for.

use super::consider::{discreetly, is_about_session};
use super::machine::{Session, Step};
use super::payment::charge;
use super::portals::{Does, Life, Names, Portal, Ran, name_refusal};
use super::queue::{Awaited, Slot};
use super::settings::Settings;
use super::statements::{Origin, Stands, Statement, Traits};
use crate::enforce::{Charge, Judged, Plan, Planned, Sight, Trace, View, plan_refusal};
use crate::policy::PurposeId;
use crate::sql::{Answer, Declare, Execute, Hold, Kind, Named};
use crate::vocab::{Refusal, SqlState};
use std::sync::Arc;

const UNDEFINED_STATEMENT: SqlState = SqlState("26000");
const UNDEFINED_CURSOR: SqlState = SqlState("34000");

/// A statement that is about to be executed, with what it was judged under.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    pub kind: &'a Kind,
    pub text: &'a str,
    pub view: &'a Arc<View>,
    pub judged: &'a Arc<Judged>,
}

/// Whether a portal of this kind keeps its rows, so that it may be executed again for the rest of them.
pub fn answers_rows(kind: &Kind) -> bool {
    *kind == Kind::Unread || *kind == Kind::Explain || kind.named().is_some()
}

/// What the server is sent for a judged statement, where that is not the client's own text.
fn sent(judged: &Judged) -> Option<&Arc<str>> {
    match judged {
        Judged::One(Planned { plan: Plan::Rewrite(rewritten), .. }) => Some(&rewritten.text),
        Judged::One(Planned { plan: Plan::Forward | Plan::Refuse(_), .. }) | Judged::Many(_) | Judged::Empty => None,
    }
}

/// What a record says of a statement.
fn trace(judged: &Judged) -> Option<Arc<Trace>> {
    match judged {
        Judged::One(planned) => planned.trace.clone(),
        Judged::Many(_) | Judged::Empty => None,
    }
}

/// Whether what a statement names may be used.
pub enum Admission {
    Admitted {
        /// The view under which what the server says of it must be discreet, if it must.
        discreet: Option<Arc<View>>,
        /// What executing it costs.
        charge: Option<Arc<Charge>>,
        /// What a record says of what it names.
        named: Option<Arc<Trace>>,
    },
    Refused(Refusal),
}

impl Session {
    /// Whether a statement that is analysed when it is executed would be understood now as it was when it was bound.
    pub(super) fn moved_on(&mut self, act: &Act<'_>, now: &Arc<Settings>) -> Result<Option<Refusal>, Step> {
        if is_about_session(act.kind) || !act.view.restricted() {
            return Ok(None);
        }
        let view = self.view(now, act.view.purpose());
        if view.same(act.view) && now.path.is_some() && !self.is_unseen(now) {
            return Ok(None);
        }
        let considered = self.consider(now, act.text, &[]).map_err(Step::Refresh)?;
        let same = considered.view.purpose() == act.view.purpose()
            && sent(&considered.judged) == sent(act.judged)
            && considered.refusal().is_none();
        Ok((!same).then(moved_on))
    }

    /// What a statement of this kind names at this place.
    pub(super) fn named_by(&mut self, kind: &Kind) -> Result<Names, Step> {
        Ok(match kind.named() {
            Some(Named::Statement(name)) => match self.statement_named(name.as_bytes(), &[])? {
                Some(statement) => Names::Statement(statement.sent.or(statement.text)),
                None => Names::Statement(None),
            },
            Some(Named::Cursor(name)) => Names::Portal(self.portal(name.as_bytes())?.map(|portal| portal.serial)),
            None => Names::Nothing,
        })
    }

    /// Whether what a statement names may be used here. `effects` are those of the statements before it in its message.
    pub(super) fn admit(&mut self, act: &Act<'_>, now: &Arc<Settings>, effects: &[Awaited]) -> Result<Admission, Step> {
        let charge = charge(act.judged).filter(|_| !matches!(act.kind, Kind::Prepare(_)));
        let admitted = Admission::Admitted { discreet: None, charge, named: None };
        let outcome = |refusal: Option<Refusal>| refusal.map_or(admitted, Admission::Refused);
        match act.kind {
            Kind::Execute(execute) => self.admit_execute(execute, act, now, effects),
            Kind::Fetch(name) => self.admit_fetch(name, act, effects),
            Kind::Prepare(name) => {
                let pending = self.owed.pending_statements() + effects.len();
                let room = self.statements.room(name.as_bytes(), act.text.len(), pending).err();
                Ok(outcome(name_refusal(name.as_bytes()).or_else(|| room.filter(|_| act.view.restricted()))))
            }
            Kind::Declare(Declare { name, hold: _ }) => {
                let room = self.portal_room(name.as_bytes());
                Ok(outcome(name_refusal(name.as_bytes()).or_else(|| room.filter(|_| act.view.restricted()))))
            }
            Kind::Read
            | Kind::Unread
            | Kind::Write
            | Kind::Bulk
            | Kind::Call
            | Kind::Transaction(_)
            | Kind::Set(_)
            | Kind::Show(_)
            | Kind::Discard(_)
            | Kind::Deallocate(_)
            | Kind::Close(_)
            | Kind::Explain
            | Kind::Lock
            | Kind::Define(_)
            | Kind::Signal(_)
            | Kind::Other(_) => Ok(outcome(None)),
        }
    }

    /// What a name of a prepared statement stands for at this place, if the session knows of it.
    pub(super) fn statement_named(&mut self, name: &[u8], effects: &[Awaited]) -> Result<Option<Statement>, Step> {
        let number = self.owed.number;
        Ok(match effects.iter().rev().find(|effect| effect.is_about_statement(name)) {
            Some(effect) => effect.statement().cloned(),
            None => match self.owed.pending(name) {
                // Whether an earlier segment's effect took place is known when it was answered.
                Some(slot) if slot.segment != number => return Err(Step::Hold),
                Some(Slot { what, .. }) => what.statement().cloned(),
                None => self.statements.get(name).cloned(),
            },
        })
    }

    fn admit_execute(
        &mut self,
        execute: &Execute,
        act: &Act<'_>,
        now: &Arc<Settings>,
        effects: &[Awaited],
    ) -> Result<Admission, Step> {
        let Execute { name, answer } = execute;
        if let Some(refusal) = name_refusal(name.as_bytes()) {
            return Ok(Admission::Refused(refusal));
        }
        let statement = match self.statement_named(name.as_bytes(), effects)? {
            Some(statement) => statement,
            None if act.view.restricted() => {
                let message = format!("prepared statement \"{name}\" does not exist");
                return Ok(Admission::Refused(Refusal::new(UNDEFINED_STATEMENT, message)));
            }
            // Prepared under this or another unrestricted purpose.
            None => return Ok(Admission::Admitted { discreet: None, charge: None, named: None }),
        };
        if statement.traits.eventful {
            // SQL executes what a Parse prepared only if it is a query; this one would change the session unseen.
            let message = format!("EXECUTE of \"{name}\", which changes the session, is not understood");
            return Ok(Admission::Refused(Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message)));
        }
        let view = self.view(now, act.view.purpose());
        let stands = statement.stands == Stands::AsJudged && statement.private.is_none();
        if !stands {
            return Ok(Admission::Refused(prepared_otherwise(name)));
        }
        let judged = if view.same(&statement.view) {
            Arc::clone(&statement.judged)
        } else {
            // Judged again: the same text may run, another must be prepared by the client.
            let Some(text) = statement.text.clone() else { return Ok(Admission::Refused(prepared_otherwise(name))) };
            let considered = self.consider(now, &text, &statement.types).map_err(Step::Refresh)?;
            if let Some(refusal) = considered.refusal() {
                return Ok(Admission::Refused(Refusal::clone(&refusal)));
            }
            let same =
                considered.view.purpose() == view.purpose() && sent(&considered.judged) == statement.sent.as_ref();
            if !same {
                return Ok(Admission::Refused(prepared_otherwise(name)));
            }
            considered.judged
        };
        let (discreet, charge, named) = (discreetly(&judged, &view), charge(&judged), trace(&judged));
        Ok(match (answer, Statement { judged, ..statement }.sight()) {
            (Answer::Plan, Sight::Columns | Sight::Rows) if view.restricted() => Admission::Refused(plan_refusal()),
            (Answer::Plan | Answer::Rows, Sight::Whole | Sight::Columns | Sight::Rows) => {
                Admission::Admitted { discreet, charge, named }
            }
        })
    }

    fn admit_fetch(&mut self, name: &str, act: &Act<'_>, effects: &[Awaited]) -> Result<Admission, Step> {
        let bytes = name.as_bytes();
        if let Some(refusal) = name_refusal(bytes) {
            return Ok(Admission::Refused(refusal));
        }
        let known = match effects.iter().rev().find(|effect| effect.is_about_portal(bytes)) {
            Some(effect) => effect.declared().cloned(),
            None => self.portal(bytes)?.map(|portal| portal.clone()),
        };
        let Some(portal) = known else {
            let message = format!("cursor \"{name}\" does not exist");
            return Ok(match act.view.restricted() {
                true => Admission::Refused(Refusal::new(UNDEFINED_CURSOR, message)),
                false => Admission::Admitted { discreet: None, charge: None, named: None },
            });
        };
        if let Does::Event(_) = portal.does {
            // FETCH would execute it unseen.
            let message = format!("FETCH from the portal \"{name}\", which changes the session, is not understood");
            return Ok(Admission::Refused(Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message)));
        }
        let refusal = self.cursor_refusal(bytes, &portal, act.view.purpose());
        // It was paid for when it was declared.
        let named = portal.judged.as_deref().and_then(trace);
        let admitted = Admission::Admitted { discreet: portal.discreet, charge: None, named };
        Ok(refusal.map_or(admitted, Admission::Refused))
    }

    /// Why a cursor may not be read under this purpose.
    pub(super) fn cursor_refusal(&self, name: &[u8], portal: &Portal, purpose: Option<PurposeId>) -> Option<Refusal> {
        let same_policy =
            portal.life == Life::Transaction || portal.view.bound().policy().version() == self.bound.policy().version();
        if portal.view.purpose() == purpose && same_policy {
            return None;
        }
        let message = format!("the cursor \"{}\" was declared under another purpose", String::from_utf8_lossy(name));
        Some(
            Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
                .with_detail(
                    "A cursor belongs to the purpose that it was declared under, and to the policy of that time.",
                )
                .with_hint("Close it and declare it again."),
        )
    }

    /// What a PREPARE leaves, once it has succeeded.
    pub(super) fn prepared(act: &Act<'_>, name: &str) -> Awaited {
        let columns = match &**act.judged {
            Judged::One(Planned { plan: Plan::Rewrite(rewritten), .. }) => rewritten.columns.clone(),
            Judged::One(Planned { plan: Plan::Forward | Plan::Refuse(_), .. }) | Judged::Many(_) | Judged::Empty => {
                None
            }
        };
        let statement = Statement {
            text: Some(Arc::from(act.text)),
            types: Box::default(),
            view: Arc::clone(act.view),
            judged: Arc::clone(act.judged),
            traits: Traits::of_prepared(act.judged),
            sent: sent(act.judged).cloned(),
            columns,
            private: None,
            stands: Stands::AsJudged,
            origin: Origin::Sql,
        };
        Awaited::Prepare { name: name.as_bytes().into(), statement }
    }

    /// What a DECLARE leaves, once it has succeeded.
    pub(super) fn declared(&mut self, act: &Act<'_>, declare: &Declare) -> Awaited {
        let life = match declare.hold {
            Hold::With => Life::Holding,
            Hold::Without => Life::Transaction,
        };
        let discreet = discreetly(act.judged, act.view);
        let view = Arc::clone(act.view);
        let (serial, judged) = (self.serial(), Some(Arc::clone(act.judged)));
        let portal = Portal { does: Does::Nothing, ran: Ran::No, life, view, discreet, judged, serial };
        Awaited::Declare { name: declare.name.as_bytes().into(), portal }
    }

    /// A number for a portal.
    pub(super) fn serial(&mut self) -> u64 {
        self.portal_serial += 1;
        self.portal_serial
    }

    /// A statement of SQL that names statements or cursors was completed.
    pub(super) fn effected(&mut self, what: Awaited) {
        match what {
            Awaited::Prepare { name, statement } => {
                let old = self.statements.put(name, statement);
                self.outgrown.extend(old.and_then(|old| old.private));
            }
            Awaited::Deallocate(Some(name)) => {
                let removed = self.statements.remove(&name);
                self.outgrown.extend(removed.and_then(|statement| statement.private));
            }
            Awaited::Deallocate(None) => {
                self.statements.clear_named();
                self.outgrown.clear();
            }
            Awaited::Declare { name, portal } => {
                self.rolled_back = false;
                self.portals.insert(name, portal);
            }
            Awaited::CloseCursor(name) => {
                self.portals.remove(&name);
            }
            Awaited::CloseCursors { by } => self.portals.retain(|name, _| Some(name) == by.as_ref()),
            Awaited::DiscardAll { by } => {
                self.statements.clear_named();
                self.outgrown.clear();
                self.portals.retain(|name, _| Some(name) == by.as_ref());
            }
            Awaited::Parse { .. }
            | Awaited::OwnParse
            | Awaited::CloseStatement(_)
            | Awaited::Bind { .. }
            | Awaited::OwnBind
            | Awaited::ClosePortal(_)
            | Awaited::CloseOther => {}
        }
    }

    /// A COMMIT was completed: cursors WITH HOLD stay.
    pub(super) fn committed(&mut self) {
        self.rolled_back = false;
        for portal in self.portals.values_mut().filter(|portal| portal.life == Life::Holding) {
            portal.life = Life::Held;
        }
    }

    /// A segment ended outside any transaction: its portals are gone, and the cursors that it would have held if it
    /// failed.
    pub(super) fn portals_end(&mut self, failed: bool) {
        let gone = failed || std::mem::take(&mut self.rolled_back);
        self.portals.retain(|_, portal| match portal.life {
            Life::Transaction => false,
            Life::Holding => !gone,
            Life::Held => true,
        });
        self.committed();
    }
}

/// The refusal for a statement that means something else now than when it was bound.
pub(super) fn moved_on() -> Refusal {
    let message = "what this statement was bound to has changed";
    Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message).with_hint("Bind it again.")
}

/// The refusal for a statement whose plan was made for something else.
pub(super) fn prepared_otherwise(name: &str) -> Refusal {
    let message = format!("prepared statement \"{name}\" means something else now than when it was prepared");
    Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        .with_detail("The purpose, the search path, the policy or the schema has changed since.")
        .with_hint("DEALLOCATE it and PREPARE it again.")
}
