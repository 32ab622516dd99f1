//! Who watches one session: it counts, logs what is refused, and hands everything to the audit trail where there is one.

use super::counters::Counters;
use crate::audit::{Event, Mark, Trail, Who};
use crate::enforce::{Shadow, View};
use crate::session::{Decision, Ran, Records, ReportSort, Ticket, Witness};
use crate::vocab::{Cause, Refusal, SqlState};
use crate::wire::ErrorFields;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The witness of one session.
pub struct Observer {
    counters: Arc<Counters>,
    trail: Option<Arc<Trail>>,
    who: Arc<Who>,
    mark: Arc<Mark>,
}

impl Observer {
    pub fn new(counters: Arc<Counters>, trail: Option<Arc<Trail>>, who: Arc<Who>, mark: Arc<Mark>) -> Observer {
        Observer { counters, trail, who, mark }
    }

    fn tell(&self, event: Event) {
        if let Some(trail) = &self.trail {
            trail.tell(Some(&self.who), event);
        }
    }
}

impl Witness for Observer {
    fn permitted(&self) {
        Counters::add(&self.counters.permitted);
    }

    fn rewritten(&self) {
        Counters::add(&self.counters.rewritten);
    }

    /// One log record per refusal. A refusal for closed columns quotes nothing of the statement's literals; the message of
    /// any other may, so only its code is recorded.
    fn refused(&self, view: &View, refusal: &Refusal) {
        Counters::add(&self.counters.refused);
        let (purpose, recipient) = for_what(view);
        let (columns, rules) = closed(refusal);
        tracing::info!(
            target: "wherefore::decision",
            decision = "refuse",
            code = refusal.code.0,
            database = view.bound().catalog().database(),
            user = &*view.principal().user,
            purpose,
            recipient,
            columns,
            rules,
            "refused"
        );
    }

    /// One log record each: what would have happened, and why.
    fn shadowed(&self, view: &View, shadow: &Shadow) {
        Counters::add(&self.counters.shadowed);
        let (purpose, recipient) = for_what(view);
        let (would, code, (columns, rules)) = match shadow {
            Shadow::Refused(refusal) => ("refuse", refusal.code.0, closed(refusal)),
            Shadow::Rewritten => ("rewrite", "", Default::default()),
        };
        tracing::info!(
            target: "wherefore::decision",
            decision = "shadow",
            would,
            code,
            database = view.bound().catalog().database(),
            user = &*view.principal().user,
            purpose,
            recipient,
            columns,
            rules,
            "passed in shadow mode"
        );
    }

    /// One log record each, without the value that was looked for.
    fn looked_up(&self, view: &View) -> Result<(), Refusal> {
        let (database, user) = (view.bound().catalog().database(), &*view.principal().user);
        self.counters.lookups.count(database, user, Instant::now()).map_err(|most| {
            let message = format!("role \"{user}\" has made {most} look-ups in this minute");
            let detail = "a column that is shown masked is found by value so many times only";
            let hint = "Try again in a minute, or raise limits.lookups_per_minute in the proxy's config.";
            Refusal::new(SqlState("53400"), message).with_detail(detail).with_hint(hint)
        })?;
        let (purpose, recipient) = for_what(view);
        tracing::info!(target: "wherefore::decision", decision = "look-up", database, user, purpose, recipient, "looked up");
        Ok(())
    }

    /// One log record, with the value: it says whose rows the session asked for.
    fn chosen(&self, user: &str, parameter: &str, value: &str) {
        tracing::info!(target: "wherefore::decision", decision = "parameter", user, parameter, value, "chosen");
        self.tell(Event::Chosen { parameter: parameter.into(), value: value.into() });
    }

    fn read_inner(&self, user: &str, bytes: usize) {
        Counters::add(&self.counters.inner_catalogs);
        tracing::debug!(user, bytes, "the catalog was read inside a transaction");
    }

    /// What the server says of its catalog quotes no data.
    fn unread_inner(&self, user: &str, code: &str, message: &str) {
        tracing::warn!(user, code, message, "the catalog could not be read inside a transaction");
    }

    /// One log record with all that the server said. It holds data: the target can be sent elsewhere or nowhere.
    fn withheld(&self, view: &View, sort: ReportSort, report: ErrorFields<'_>) -> String {
        Counters::add(&self.counters.withheld);
        let reference =
            format!("{:016x}", getrandom::u64().unwrap_or_else(|_| self.counters.withheld.load(Ordering::Relaxed)));
        let (purpose, recipient) = for_what(view);
        let field = |code| report.get(code).map(String::from_utf8_lossy).unwrap_or_default();
        macro_rules! record {
            ($level:ident) => {
                tracing::$level!(
                    target: "wherefore::withheld",
                    reference,
                    database = view.bound().catalog().database(),
                    user = &*view.principal().user,
                    purpose,
                    recipient,
                    severity = &*field(b'V'),
                    code = &*field(b'C'),
                    message = &*field(b'M'),
                    detail = &*field(b'D'),
                    hint = &*field(b'H'),
                    context = &*field(b'W'),
                    query = &*field(b'q'),
                )
            };
        }
        match sort {
            ReportSort::Error => record!(warn),
            ReportSort::Notice => record!(info),
        }
        self.tell(Event::Withheld { sort, code: field(b'C').into(), reference: reference.as_str().into() });
        reference
    }

    fn records(&self) -> Records {
        if self.trail.is_some() { Records::Kept } else { Records::None }
    }

    fn room(&self, view: &View) -> Result<(), Refusal> {
        self.trail.as_ref().map_or(Ok(()), |trail| trail.room(view))
    }

    fn decided(&self, decision: Decision<'_>) -> Option<Ticket> {
        self.trail.as_ref()?.decided(&self.who, &self.mark, decision)
    }

    fn ran(&self, ticket: Ticket, ran: Ran) {
        if let Some(trail) = &self.trail {
            trail.ran(&self.who, ticket, ran);
        }
    }
}

/// The names of the purpose in force and of whom the session stands for.
fn for_what(view: &View) -> (&str, &str) {
    let policy = view.bound().policy();
    let purpose = view.purpose().map_or("none", |purpose| policy.purpose_name(purpose));
    let recipient = view.principal().recipient.map_or("none", |recipient| policy.recipient_name(recipient));
    (purpose, recipient)
}

/// The columns that a refusal names, and the rules that close them.
fn closed(refusal: &Refusal) -> (String, String) {
    let columns: Vec<String> = refusal
        .closed
        .iter()
        .map(|closed| match &closed.column {
            Some(column) => format!("{}.{column}", closed.relation),
            None => closed.relation.to_string(),
        })
        .collect();
    let rules: Vec<&str> = refusal
        .closed
        .iter()
        .filter_map(|closed| match &closed.cause {
            Cause::Rule { rule, clause: _ } | Cause::Mask { rule, why: _ } => Some(&**rule),
            Cause::NoRule | Cause::Untagged | Cause::NoPurpose | Cause::System | Cause::Temporary => None,
        })
        .collect();
    (columns.join(","), rules.join(","))
}
