//! Records as JSON in the form of OCSF: Datastore Activity (class 6005, schema 1.3). What that has no place for stands under
//! `unmapped`. Nothing here prints a literal, a value, or the message of a refusal, which may quote one.

use super::chain::{Chain, Reason};
use super::key::hex;
use super::record::{After, Decided, Event, LogIn, Record, Stopped, What, Who};
use super::settings::ParameterValues;
use crate::enforce::{Judged, Plan, Planned, Shadow, Trace, View};
use crate::policy::{Effect, Policy};
use crate::session::{End, Means, Ran, ReportSort, Ticket};
use crate::sql::{Kind, Set, SetValue};
use crate::vocab::{Cause, Closed, Refusal};
use std::io::Write as _;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How long what a statement is exposed to may be in a line, in bytes.
const LONGEST_EXPOSED: usize = 256 << 10;

/// OCSF's `activity_id` and `activity_name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Activity(pub u8);

impl Activity {
    pub const CONNECT: Activity = Activity(3);
    pub const OTHER: Activity = Activity(99);

    /// Of a statement.
    pub fn of(judged: Option<&Judged>) -> Activity {
        let kind = match judged {
            Some(Judged::One(planned)) => &planned.statement.kind,
            Some(Judged::Many(_) | Judged::Empty) | None => return Activity(0),
        };
        match kind {
            Kind::Read | Kind::Execute(_) | Kind::Declare(_) | Kind::Fetch(_) => Activity(4),
            Kind::Write => Activity(5),
            Kind::Bulk => Activity(1),
            Kind::Define(_) => Activity(6),
            Kind::Unread => Activity(0),
            Kind::Call
            | Kind::Transaction(_)
            | Kind::Set(_)
            | Kind::Show(_)
            | Kind::Discard(_)
            | Kind::Deallocate(_)
            | Kind::Explain
            | Kind::Prepare(_)
            | Kind::Close(_)
            | Kind::Lock
            | Kind::Signal(_)
            | Kind::Other(_) => Activity::OTHER,
        }
    }

    fn name(self) -> &'static str {
        match self.0 {
            0 => "Unknown",
            1 => "Read",
            3 => "Connect",
            4 => "Query",
            5 => "Write",
            6 => "Create",
            _ => "Other",
        }
    }
}

/// What every line of a process says.
#[derive(Debug)]
pub(super) struct Printer {
    /// A name for this run of the proxy: with a record's number it is unique.
    pub run: String,
    pub parameters: ParameterValues,
}

/// How the outcome stands in OCSF's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Allowed,
    Denied,
    /// It passed, though the policy says otherwise.
    Logged,
    Failed,
    /// Something is wrong with the trail.
    Alarm,
}

impl Outcome {
    fn fields(self) -> &'static str {
        match self {
            Outcome::Allowed => {
                r#""severity_id":1,"severity":"Informational","status_id":1,"status":"Success","action_id":1,"action":"Allowed","disposition_id":1,"disposition":"Allowed""#
            }
            Outcome::Denied => {
                r#""severity_id":2,"severity":"Low","status_id":2,"status":"Failure","action_id":2,"action":"Denied","disposition_id":2,"disposition":"Blocked""#
            }
            Outcome::Logged => {
                r#""severity_id":1,"severity":"Informational","status_id":1,"status":"Success","action_id":1,"action":"Allowed","disposition_id":17,"disposition":"Logged""#
            }
            Outcome::Failed => {
                r#""severity_id":1,"severity":"Informational","status_id":2,"status":"Failure","action_id":1,"action":"Allowed","disposition_id":1,"disposition":"Allowed""#
            }
            Outcome::Alarm => {
                r#""severity_id":4,"severity":"High","status_id":2,"status":"Failure","action_id":0,"action":"Unknown","disposition_id":0,"disposition":"Unknown""#
            }
        }
    }
}

/// Milliseconds since 1970, as OCSF's times are.
pub(super) fn milliseconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A string of JSON.
fn text(out: &mut Vec<u8>, text: &str) {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

fn member(out: &mut Vec<u8>, key: &str, value: &str) {
    let _ = write!(out, ",\"{key}\":");
    text(out, value);
}

fn list<'t>(out: &mut Vec<u8>, key: &str, values: impl Iterator<Item = &'t str>) {
    let _ = write!(out, ",\"{key}\":[");
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        text(out, value);
    }
    out.push(b']');
}

impl Printer {
    /// Writes a record's line up to inside `unmapped`.
    pub fn print(&self, record: &Record, out: &mut Vec<u8>) {
        let who = record.who.as_deref();
        let time = milliseconds(record.time);
        match &record.what {
            What::Decided(decided) => self.decided(decided, who, time, out),
            What::Ran(ticket, ran) => self.ran(*ticket, *ran, who, time, out),
            What::Event(event) => self.event(event, who, time, out),
        }
    }

    fn head(
        &self,
        out: &mut Vec<u8>,
        (activity, outcome): (Activity, Outcome),
        uid: Option<u64>,
        correlates: Option<u64>,
        (who, time): (Option<&Who>, i64),
    ) {
        let Activity(id) = activity;
        let _ = write!(
            out,
            "{{\"category_uid\":6,\"category_name\":\"Application Activity\",\"class_uid\":6005,\"class_name\":\"Datastore Activity\",\
             \"activity_id\":{id},\"activity_name\":\"{}\",\"type_uid\":{},{},\"time\":{time},\"metadata\":{{\"version\":\"1.3.0\",\
             \"profiles\":[\"security_control\"],\"product\":{{\"name\":\"wherefore\",\"vendor_name\":\"wherefore\",\"version\":\"{}\"}}",
            activity.name(),
            600_500 + u32::from(id),
            outcome.fields(),
            env!("CARGO_PKG_VERSION"),
        );
        let run = &self.run;
        if let Some(uid) = uid {
            let _ = write!(out, ",\"uid\":\"{run}-{uid}\"");
        }
        if let Some(other) = correlates {
            let _ = write!(out, ",\"correlation_uid\":\"{run}-{other}\"");
        }
        out.extend_from_slice(b"},\"actor\":{");
        match who {
            Some(who) => {
                out.extend_from_slice(b"\"user\":{\"name\":");
                text(out, &who.user);
                let _ = write!(out, "}},\"session\":{{\"uid\":\"{run}-{}\"}}}},\"src_endpoint\":{{", who.session);
                match who.address {
                    Some(address) => {
                        let _ = write!(out, "\"ip\":\"{address}\"");
                    }
                    None => out.extend_from_slice(b"\"name\":\"unix socket\""),
                }
                out.extend_from_slice(b"},\"database\":{\"type_id\":1,\"type\":\"Relational\",\"name\":");
                text(out, &who.database);
                out.push(b'}');
            }
            // The proxy itself.
            None => out.extend_from_slice(
                b"\"app_name\":\"wherefore\"},\"src_endpoint\":{\"name\":\"wherefore\"},\"database\":{\"type_id\":0,\"type\":\"Unknown\",\"name\":\"\"}",
            ),
        }
    }

    fn decided(&self, decided: &Decided, who: Option<&Who>, time: i64, out: &mut Vec<u8>) {
        let Decided { number, view, means, judged, refused, named, justification } = decided;
        let planned = match judged.as_deref() {
            Some(Judged::One(planned)) => Some(planned),
            Some(Judged::Many(_) | Judged::Empty) | None => None,
        };
        let shadow = planned.and_then(|planned| planned.shadow.as_ref()).filter(|_| refused.is_none());
        let outcome = match (refused, shadow) {
            (Some(_), _) => Outcome::Denied,
            (None, Some(_)) => Outcome::Logged,
            (None, None) => Outcome::Allowed,
        };
        let activity = Activity::of(judged.as_deref());
        self.head(out, (activity, outcome), Some(*number), None, (who, time));
        if let Some(refusal) = refused {
            member(out, "status_code", refusal.code.0);
        }
        let policy = view.bound().policy();
        policy_member(out, policy);
        match (planned.and_then(|planned| planned.trace.as_ref()), named) {
            (Some(trace), None) => out.extend_from_slice(trace.rendered(rendered).as_bytes()),
            (Some(trace), Some(named)) => {
                statement(out, trace);
                out.extend_from_slice(b",\"unmapped\":{\"kind\":\"decision\"");
                exposed(out, named);
            }
            (None, named) => {
                out.extend_from_slice(b",\"unmapped\":{\"kind\":\"decision\"");
                if let Some(named) = named {
                    exposed(out, named);
                }
            }
        }
        member(out, "decision", decision_word(planned, refused.as_deref(), shadow));
        if let Some(planned) = planned {
            plan(out, planned, refused.is_none(), policy);
        }
        let refusal = refused.as_deref().or(match shadow {
            Some(Shadow::Refused(refusal)) => Some(&**refusal),
            Some(Shadow::Rewritten) | None => None,
        });
        if let Some(refusal) = refusal {
            closed(out, refusal);
        }
        self.declared(out, view, *means);
        if let Some(justification) = justification {
            member(out, "justification", justification);
        }
        let _ = write!(out, ",\"catalog_version\":{}", view.bound().catalog().version());
    }

    /// The purpose in force and how it was declared, for whom, within which parameters.
    fn declared(&self, out: &mut Vec<u8>, view: &View, means: Means) {
        let policy = view.bound().policy();
        match view.purpose() {
            Some(purpose) => {
                member(out, "purpose", policy.purpose_name(purpose));
                let lineage = std::iter::successors(policy.purpose_parent(purpose), |at| policy.purpose_parent(*at));
                let above: Vec<_> = lineage.collect();
                list(out, "purposes_above", above.iter().map(|purpose| &**policy.purpose_name(*purpose)));
            }
            None => out.extend_from_slice(b",\"purpose\":null,\"purposes_above\":[]"),
        }
        member(out, "declared_by", means_word(means));
        let enforced = match (view.restricted(), view.shadowed()) {
            (true, _) => "enforced",
            (false, true) => "shadow",
            (false, false) => "unrestricted",
        };
        member(out, "mode", enforced);
        if let Some(recipient) = view.principal().recipient {
            member(out, "recipient", policy.recipient_name(recipient));
        }
        let values = &view.principal().values;
        let mut set =
            policy.parameters().filter_map(|(id, parameter)| Some((parameter.name(), values.get(id)?))).peekable();
        if set.peek().is_none() {
            return;
        }
        match self.parameters {
            ParameterValues::Names => list(out, "parameters", set.map(|(name, _)| &**name)),
            ParameterValues::Values => {
                for (at, (name, value)) in set.enumerate() {
                    out.extend_from_slice(if at == 0 { b",\"parameters\":{" } else { b"," });
                    text(out, name);
                    out.push(b':');
                    text(out, value);
                }
                out.push(b'}');
            }
        }
    }

    fn ran(&self, ticket: Ticket, ran: Ran, who: Option<&Who>, time: i64, out: &mut Vec<u8>) {
        let Ran { rows, written, end } = ran;
        let (outcome, ended) = match end {
            End::Done => (Outcome::Allowed, "done"),
            End::Suspended => (Outcome::Allowed, "suspended"),
            End::Failed(_) => (Outcome::Failed, "failed"),
        };
        self.head(out, (Activity(ticket.activity), outcome), None, Some(ticket.number), (who, time));
        if let End::Failed(state) = end {
            member(out, "status_code", &String::from_utf8_lossy(&state));
        }
        let duration = ticket.began.elapsed();
        let _ = write!(
            out,
            ",\"duration\":{},\"unmapped\":{{\"kind\":\"completion\",\"end\":\"{ended}\",\"microseconds\":{},\"rows\":{rows}",
            duration.as_millis(),
            duration.as_micros()
        );
        if let Some(written) = written {
            let _ = write!(out, ",\"rows_written\":{written}");
        }
    }

    fn event(&self, event: &Event, who: Option<&Who>, time: i64, out: &mut Vec<u8>) {
        let what = (who, time);
        match event {
            Event::LogIn(how, code) => {
                let (outcome, word) = match how {
                    LogIn::Accepted => (Outcome::Allowed, "accepted"),
                    LogIn::Unjudged => (Outcome::Allowed, "unjudged"),
                    LogIn::Refused => (Outcome::Denied, "refused"),
                };
                self.head(out, (Activity::CONNECT, outcome), None, None, what);
                if let Some(code) = code {
                    member(out, "status_code", code);
                }
                let _ = write!(out, ",\"unmapped\":{{\"kind\":\"login\",\"login\":\"{word}\"");
            }
            Event::Chosen { parameter, value } => {
                self.head(out, (Activity::OTHER, Outcome::Allowed), None, None, what);
                out.extend_from_slice(b",\"unmapped\":{\"kind\":\"chosen\"");
                member(out, "parameter", parameter);
                // The justification says why, not whose.
                if &**parameter == "justification" || self.parameters == ParameterValues::Values {
                    member(out, "value", value);
                }
            }
            Event::Withheld { sort, code, reference } => {
                self.head(out, (Activity::OTHER, Outcome::Allowed), None, None, what);
                member(out, "status_code", code);
                let sort = match sort {
                    ReportSort::Error => "error",
                    ReportSort::Notice => "notice",
                };
                let _ = write!(out, ",\"unmapped\":{{\"kind\":\"withheld\",\"sort\":\"{sort}\"");
                member(out, "reference", reference);
            }
            Event::Reloaded(packs) => {
                self.head(out, (Activity::OTHER, Outcome::Allowed), None, None, what);
                out.extend_from_slice(b",\"unmapped\":{\"kind\":\"reload\",\"by\":\"signal\",\"policies\":[");
                for (at, (pack, before, after)) in packs.iter().enumerate() {
                    out.extend_from_slice(if at == 0 { b"{\"pack\":" } else { b",{\"pack\":" });
                    text(out, pack);
                    let _ = write!(out, ",\"before\":\"{before:016x}\",\"after\":\"{after:016x}\"}}");
                }
                out.push(b']');
            }
            Event::NotReloaded => {
                self.head(out, (Activity::OTHER, Outcome::Failed), None, None, what);
                out.extend_from_slice(b",\"unmapped\":{\"kind\":\"reload\",\"by\":\"signal\",\"policies\":[]");
            }
        }
    }

    /// Appends a checkpoint; `after` tells of how the run before ended, at the start.
    pub fn checkpoint(&self, chain: &mut Chain, out: &mut Vec<u8>, reason: Reason, after: Option<&After>) {
        let time = milliseconds(SystemTime::now());
        let signature = chain.signature(time, reason).map(|(key, signature)| (key.to_owned(), signature));
        chain.append(out, |out| {
            self.head(out, (Activity::OTHER, Outcome::Allowed), None, None, (None, time));
            let _ = write!(out, ",\"unmapped\":{{\"kind\":\"checkpoint\",\"reason\":\"{}\"", reason.word());
            if let Some((key, signature)) = signature {
                let _ = write!(out, ",\"key\":\"{key}\",\"signature\":\"{signature}\"");
            }
            if let Some(After { stopped, torn }) = after {
                let _ = write!(out, ",\"after\":\"{}\"", if *stopped == Stopped::Cleanly { "stop" } else { "crash" });
                if let Some((bytes, hash)) = torn {
                    let _ = write!(out, ",\"torn\":{{\"bytes\":{bytes},\"sha256\":\"{}\"}}", hex(hash));
                }
            }
        });
    }

    /// Appends a line that says how many records could not be kept.
    pub fn lost(&self, chain: &mut Chain, out: &mut Vec<u8>, count: u64) {
        let time = milliseconds(SystemTime::now());
        chain.append(out, |out| {
            self.head(out, (Activity::OTHER, Outcome::Alarm), None, None, (None, time));
            let _ = write!(out, ",\"unmapped\":{{\"kind\":\"lost\",\"records\":{count}");
        });
    }
}

fn policy_member(out: &mut Vec<u8>, policy: &Policy) {
    out.extend_from_slice(b",\"policy\":{\"name\":");
    text(out, policy.name());
    let _ = write!(out, ",\"version\":\"{:016x}\"}}", policy.version());
}

fn means_word(means: Means) -> &'static str {
    match means {
        Means::Undeclared => "nothing",
        Means::Pin => "pin",
        Means::Comment => "comment",
        Means::Transaction => "set local",
        Means::Session => "set",
        Means::StartUp => "start-up",
        Means::Default => "role default",
    }
}

fn decision_word(planned: Option<&Planned>, refused: Option<&Refusal>, shadow: Option<&Shadow>) -> &'static str {
    match (refused, shadow, planned.map(|planned| &planned.plan)) {
        (Some(_), _, _) => "refuse",
        (None, Some(Shadow::Refused(_)), _) => "shadow refuse",
        (None, Some(Shadow::Rewritten), _) => "shadow rewrite",
        (None, None, Some(Plan::Rewrite(_))) => "rewrite",
        (None, None, Some(Plan::Forward | Plan::Refuse(_)) | None) => "forward",
    }
}

/// What a plan costs and finds, and the purpose that it declares.
fn plan(out: &mut Vec<u8>, planned: &Planned, permitted: bool, policy: &Policy) {
    if let Plan::Rewrite(rewritten) = &planned.plan {
        if rewritten.looks_up {
            out.extend_from_slice(b",\"look_up\":true");
        }
        if let Some(charge) = &rewritten.charge {
            let _ = write!(out, ",\"epsilon_thousandths\":{}", charge.epsilon);
            list(out, "purses", charge.purses.iter().map(|purse| &*purse.purpose));
        }
    }
    if let Kind::Set(Set { scope: _, name, value, by_function: _ }) = &planned.statement.kind
        && permitted
        && &**name == "wherefore.purpose"
    {
        let declared = match value {
            SetValue::Values(values) => values.first().map_or("", |value| value),
            SetValue::Default | SetValue::Parameter | SetValue::Special => "",
        };
        // Only what the policy knows is no value.
        let known = policy.purpose(declared).map_or("", |purpose| policy.purpose_name(purpose));
        member(out, "declares", known);
    }
}

/// What a trace says, made once: the statement, and what it is exposed to.
fn rendered(trace: &Trace) -> Box<str> {
    let mut out = Vec::with_capacity(512);
    statement(&mut out, trace);
    out.extend_from_slice(b",\"unmapped\":{\"kind\":\"decision\"");
    exposed(&mut out, trace);
    String::from_utf8_lossy(&out).into()
}

fn statement(out: &mut Vec<u8>, trace: &Trace) {
    if let Some(statement) = trace.statement() {
        out.extend_from_slice(b",\"query_info\":{\"query_string\":");
        text(out, statement);
        let _ = write!(out, ",\"uid\":\"{}\"}}", hex(&super::chain::hash(statement.as_bytes())));
    }
}

fn exposed(out: &mut Vec<u8>, trace: &Trace) {
    let start = out.len();
    out.extend_from_slice(b",\"relations\":[");
    let mut first = true;
    for relation in trace.exposed() {
        if out.len() - start > LONGEST_EXPOSED {
            break;
        }
        out.extend_from_slice(if first { b"{\"relation\":" } else { b",{\"relation\":" });
        first = false;
        text(out, &relation.relation);
        let _ = write!(out, ",\"guarded\":{},\"columns\":[", relation.guarded);
        for (at, column) in relation.columns.iter().enumerate() {
            if out.len() - start > LONGEST_EXPOSED {
                break;
            }
            out.extend_from_slice(if at == 0 { b"{\"column\":" } else { b",{\"column\":" });
            text(out, &column.column);
            list(out, "categories", column.categories.iter().map(|category| &**category));
            if let Some(subject) = &column.subject {
                member(out, "subject", subject);
            }
            list(out, "usages", column.usages.iter().map(|usage| usage.word()));
            let effect = match &column.effect {
                Effect::Allow => "allow",
                Effect::Mask(_) => "mask",
                Effect::Aggregate(_) => "aggregate",
                Effect::Deny => "deny",
            };
            member(out, "effect", effect);
            cause(out, &column.cause);
            out.push(b'}');
        }
        out.extend_from_slice(b"],\"conditions\":[");
        for (at, row) in relation.rows.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"{\"condition\":" } else { b",{\"condition\":" });
            text(out, &row.condition);
            member(out, "rule", &row.rule);
            if let Some(clause) = &row.clause {
                member(out, "clause", clause);
            }
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
    }
    out.push(b']');
    if out.len() - start > LONGEST_EXPOSED {
        out.extend_from_slice(b",\"relations_cut\":true");
    }
}

fn cause(out: &mut Vec<u8>, cause: &Cause) {
    match cause {
        Cause::Rule { rule, clause } => {
            member(out, "rule", rule);
            if let Some(clause) = clause {
                member(out, "clause", &clause.id);
            }
        }
        Cause::Mask { rule, why: _ } => member(out, "rule", rule),
        Cause::NoRule => member(out, "because", "no rule"),
        Cause::Untagged => member(out, "because", "untagged"),
        Cause::NoPurpose => member(out, "because", "no purpose"),
        Cause::System => member(out, "because", "system"),
        Cause::Temporary => member(out, "because", "temporary"),
    }
}

/// The columns that a refusal names, and why.
fn closed(out: &mut Vec<u8>, refusal: &Refusal) {
    out.extend_from_slice(b",\"closed\":[");
    for (at, closed) in refusal.closed.iter().take(1000).enumerate() {
        let Closed { relation, column, categories, subject, through, cause: why } = closed;
        out.extend_from_slice(if at == 0 { b"{\"relation\":" } else { b",{\"relation\":" });
        text(out, relation);
        if let Some(column) = column {
            member(out, "column", column);
        }
        list(out, "categories", categories.iter().map(|category: &Arc<str>| &**category));
        for (key, value) in [("subject", subject), ("through", through)] {
            if let Some(value) = value {
                member(out, key, value);
            }
        }
        cause(out, why);
        out.push(b'}');
    }
    out.push(b']');
}
