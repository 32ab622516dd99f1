//! The machine without a server: a judge that knows a handful of statements, and the server's answers written by hand.

mod counts;
mod doing;
mod doubts;
mod inner;
mod reports;

use super::{Answer, Bounds, Fit, Judge, Legs, Opening, Refresh, Refreshed, Session, Shelf, Start, Step};
use crate::catalog::{Catalog, Filled, Snapshot};
use crate::enforce::{
    Defines, Judged, Limits, Names, Plan, Planned, Reports, Rewritten, Sight, Temporary, Text, Understood, View,
    judge_text,
};
use crate::policy::{Bound, Policy, SourceFile};
use crate::sql::Kind;
use crate::vocab::{Refusal, SqlState};
use crate::wire::{self, Sink};
use bytes::BytesMut;
use counts::Counts;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const PACK: &str = r#"
[pack]
name = "test"
untagged = "deny"
[purpose.a]
ddl = true
[purpose.b]
[purpose.free]
unrestricted = true
[parameter.customer]
type = "int4"
from = "session"
[role.app]
purposes = ["a", "b", "free"]
default = "a"
"#;

/// Reads as the core does, but decides by words: `secret` is refused under `b`, `mask` is rewritten (and with `find` a look-up), of `quiet` the server
/// may quote nothing, `nosuch` is not known.
#[derive(Default)]
struct Words {
    judged: AtomicU64,
}

impl Judge for Words {
    fn judge(&self, view: &View, text: &str) -> Arc<Judged> {
        self.judged.fetch_add(1, Ordering::Relaxed);
        if text.contains("misspanned") {
            let statement = Understood { kind: Kind::Read, span: (0, 9), comment: None };
            return Arc::new(Judged::Many(Box::new([statement.clone(), statement])));
        }
        let judged = judge_text(view, text, &Limits::default());
        let Judged::One(planned) = judged else { return Arc::new(judged) };
        let plan = match (&planned.statement.kind, view.restricted()) {
            (Kind::Read | Kind::Other(_), true) => plan(view, text),
            _ => planned.plan,
        };
        let reports = if text.contains("quiet") { Reports::Discreet } else { Reports::Verbatim };
        Arc::new(Judged::One(Planned {
            statement: Understood { ..planned.statement },
            plan,
            reports,
            shadow: None,
            trace: planned.trace,
        }))
    }
}

fn plan(view: &View, text: &str) -> Plan {
    let purpose = view.purpose().map(|purpose| view.bound().policy().purpose_name(purpose).to_string());
    if text.contains("secret") && purpose.as_deref() != Some("a") {
        let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, "secret")
            .with_position(text, text.find("secret").map(|at| at as u32));
        Plan::Refuse(Arc::new(refusal))
    } else if text.contains("nosuch") {
        Plan::Refuse(Arc::new(Refusal::new(SqlState::UNDEFINED_TABLE, "nosuch")))
    } else if text.contains("mask") {
        let whole = text;
        let text = format!("SELECT masked_{}", purpose.unwrap_or_default()).into();
        Plan::Rewrite(Rewritten {
            looks_up: whole.contains("find"),
            charge: None,
            names: if whole.contains("late") { Names::Late } else { Names::Bound },
            text,
            positions: Arc::from([(1, 1), (8, 8)]),
            columns: None,
            sight: Sight::Whole,
            reports: Reports::Verbatim,
            temporary: Temporary { defines: Defines::Nothing, text: Text::Certain, fills: Filled::ByClient },
        })
    } else {
        Plan::Forward
    }
}

/// A session, and what was sent where.
struct Bench {
    session: Session,
    shelf: Arc<Shelf>,
    words: Arc<Words>,
    counts: Arc<Counts>,
    inbox: Vec<u8>,
    step: Step,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
}

fn bench() -> Bench {
    bench_under("a")
}

fn bound(pack: &str) -> Arc<Bound> {
    let file = SourceFile { path: "pack.toml".into(), text: pack.into() };
    let policy = Policy::parse(&[file]).unwrap_or_else(|errors| panic!("{errors:?}")).policy;
    let role = crate::catalog::Role { name: "app".into(), member_of: Vec::new() };
    let snapshot = Snapshot { roles: vec![role], ..Snapshot::default() };
    Arc::new(Bound::new(Arc::new(policy), Arc::new(Catalog::new(snapshot, 1))))
}

fn bench_under(purpose: &str) -> Bench {
    let bound = bound(PACK);
    let start = Start { purpose: bound.policy().purpose(purpose), pinned: None, legs: Legs::Encrypted };
    let shelf = Arc::new(Shelf::new(bound, Fit::Fits));
    let (words, counts) = (Arc::<Words>::default(), Arc::<Counts>::default());
    let session = Session::new(Opening {
        judge: Arc::clone(&words) as _,
        witness: Arc::clone(&counts) as _,
        shelf: Arc::clone(&shelf),
        bounds: Arc::new(Bounds {
            message_bytes: 1000,
            trusted_message_bytes: 2000,
            prepared_statements: 3,
            prepared_bytes: 1000,
            pipelined_messages: 20,
            inner_catalog_bytes: 10_000,
        }),
        user: "app".into(),
        current_user: "app".into(),
        start,
        proof: crate::policy::Proof::default(),
        given: crate::policy::Values::default(),
        justification: None,
        path: "\"$user\", public".into(),
        client_encoding: b"UTF8".to_vec(),
        conforming_strings: b"on".to_vec(),
        unjudged: None,
        nonce: [7; 8],
    });
    let (inbox, step) = (Vec::new(), Step::More(1));
    Bench { session, shelf, words, counts, inbox, step, to_server: Vec::new(), to_client: Vec::new() }
}

fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    out.extend((body.len() as u32 + 4).to_be_bytes());
    out.extend(body);
    out
}

fn query(text: &str) -> Vec<u8> {
    frame(b'Q', format!("{text}\0").as_bytes())
}

fn parse(name: &str, text: &str) -> Vec<u8> {
    frame(b'P', format!("{name}\0{text}\0\0\0").as_bytes())
}

fn bind(portal: &str, name: &str) -> Vec<u8> {
    frame(b'B', format!("{portal}\0{name}\0\0\0\0\0\0\0").as_bytes())
}

fn execute(portal: &str) -> Vec<u8> {
    frame(b'E', format!("{portal}\0\0\0\0\0").as_bytes())
}

fn sync() -> Vec<u8> {
    frame(b'S', b"")
}

fn ready(status: u8) -> Vec<u8> {
    frame(b'Z', &[status])
}

fn row(value: &str) -> Vec<u8> {
    let mut body = vec![0, 1];
    body.extend((value.len() as u32).to_be_bytes());
    body.extend(value.as_bytes());
    frame(b'D', &body)
}

fn error(code: &str, message: &str) -> Vec<u8> {
    let mut out = BytesMut::new();
    wire::write_error(&[(b'S', "ERROR"), (b'V', "ERROR"), (b'C', code), (b'M', message)], &mut out);
    out.to_vec()
}

/// The answers to the four questions of settling.
fn settled(purpose: &str, path: &str, status: u8) -> Vec<u8> {
    let mut out = Vec::new();
    for value in [purpose, path, "app", "none"] {
        for piece in [frame(b'1', b""), frame(b'2', b""), row(value), frame(b'C', b"SHOW\0"), frame(b'3', b"")] {
            out.extend(piece);
        }
        out.extend(frame(b'3', b""));
    }
    out.extend(ready(status));
    out
}

impl Bench {
    /// Client's bytes, cut into pieces of every size that matters by the caller.
    fn client(&mut self, bytes: impl AsRef<[u8]>) -> &mut Bench {
        self.inbox.extend(bytes.as_ref());
        self.turn();
        self
    }

    fn turn(&mut self) {
        let (mut server, mut client) = (Sink::default(), Sink::default());
        let (taken, step) = self.session.client(&self.inbox, &mut server, &mut client);
        self.to_server.extend(server.bytes(&self.inbox));
        self.to_client.extend(client.bytes(&[]));
        self.inbox.drain(..taken);
        self.step = step;
    }

    fn server(&mut self, bytes: impl AsRef<[u8]>) -> &mut Bench {
        let bytes = bytes.as_ref();
        let (mut server, mut client) = (Sink::default(), Sink::default());
        let (taken, answer) = self.session.server(bytes, &mut client, &mut server);
        assert_eq!((taken, answer), (bytes.len(), Answer::More(1)));
        self.to_client.extend(client.bytes(bytes));
        self.to_server.extend(server.bytes(&[]));
        self.turn();
        self
    }

    /// What went to the server since the last call: tags, with the texts of queries and parses and names of binds.
    fn sent(&mut self) -> String {
        frames(&std::mem::take(&mut self.to_server))
    }

    fn told(&mut self) -> String {
        frames(&std::mem::take(&mut self.to_client))
    }
}

fn frames(mut bytes: &[u8]) -> String {
    let mut words = Vec::new();
    while let Some(header) = wire::server_header(bytes) {
        let header = header.expect("a header");
        let body = &bytes[wire::HEADER..header.frame()];
        let tag = header.tag as char;
        words.push(match header.tag {
            b'Q' => format!("Q({})", text(body)),
            b'P' | b'B' => format!("{tag}({})", text(body)),
            b'E' | b'N' if body.first() == Some(&b'S') => {
                let fields = wire::error_fields(body).expect("fields");
                let get = |code| String::from_utf8_lossy(fields.get(code).unwrap_or_default()).into_owned();
                format!("{tag}({} {} {})", get(b'C'), get(b'M'), get(b'P'))
            }
            b'Z' => format!("Z{}", body[0] as char),
            _ => tag.to_string(),
        });
        bytes = &bytes[header.frame()..];
    }
    assert!(bytes.is_empty(), "whole frames");
    words.join(" ")
}

fn text(body: &[u8]) -> String {
    let mut parts = body.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if second.is_empty() { first.into_owned() } else { format!("{first}|{second}") }
}

const POISON: &str = "SELECT \"wherefore:0707070707070707:1\"";
const SETTLE: &str = "P(wherefore_own|SHOW wherefore.purpose) B(wherefore_own|wherefore_own) E C C \
    P(wherefore_own|SHOW search_path) B(wherefore_own|wherefore_own) E C C \
    P(wherefore_own|SHOW session_authorization) B(wherefore_own|wherefore_own) E C C \
    P(wherefore_own|SHOW role) B(wherefore_own|wherefore_own) E C C S";

#[test]
fn a_permitted_query_passes() {
    let mut bench = bench();
    assert_eq!(bench.client(query("SELECT 1")).sent(), "Q(SELECT 1)");
    assert_eq!(bench.server([row("1"), ready(b'I')].concat()).told(), "D ZI");
}

#[test]
fn a_refused_query_is_poisoned_and_its_error_replaced() {
    let mut bench = bench_under("b");
    assert_eq!(bench.client(query("SELECT secret")).sent(), format!("Q({POISON})"));
    let report = error("42703", "column \"wherefore:0707070707070707:1\" does not exist");
    assert_eq!(bench.server([report, ready(b'I')].concat()).told(), "E(42501 secret 8) ZI");
    // Another session's nonce, or an error in an aborted transaction, is not ours.
    bench.client(query("SELECT secret"));
    let foreign = error("42703", "column \"wherefore:0808080808080808:2\" does not exist");
    assert!(bench.server(foreign).told().contains("E(42703"));
    assert_eq!(bench.server([error("25P02", "aborted"), ready(b'E')].concat()).told(), "E(25P02 aborted ) ZE");
}

#[test]
fn in_several_statements_each_is_judged_under_what_the_ones_before_leave() {
    let mut bench = bench();
    bench.client(query("SET wherefore.purpose = 'b'; SELECT mask; SELECT secret; SELECT 1"));
    let sent = bench.sent();
    assert_eq!(sent, format!("Q(SET wherefore.purpose = 'b';SELECT masked_b;{POISON})"));
    // What follows waits, and the server is asked.
    assert_eq!(bench.client(query("SELECT 2")).sent(), "");
    assert_eq!(bench.step, Step::Hold);
    let report = error("42703", "column \"wherefore:0707070707070707:1\" does not exist");
    bench.server([frame(b'C', b"SET\0"), row("x"), frame(b'C', b"SELECT 1\0"), report, ready(b'I')].concat());
    assert_eq!(bench.told(), "C D C E(42501 secret 50) ZI");
    assert_eq!(bench.sent(), SETTLE);
    // The message failed, so the server says it is still under `a`.
    bench.server(settled("a", "public", b'I'));
    assert_eq!((bench.told(), bench.sent()), (String::new(), "Q(SELECT 2)".to_owned()));
}

#[test]
fn a_pipeline_flows_without_waiting() {
    let mut bench = bench();
    let segment = [parse("", "SELECT mask"), bind("", ""), execute(""), sync()].concat();
    bench.client([segment.clone(), segment].concat());
    assert_eq!(bench.sent(), "P(|SELECT masked_a) B() E S P(|SELECT masked_a) B() E S");
    let answers = [frame(b'1', b""), frame(b'2', b""), frame(b'C', b"SELECT 0\0"), ready(b'I')].concat();
    assert_eq!(bench.server([answers.clone(), answers].concat()).told(), "1 2 C ZI 1 2 C ZI");
}

#[test]
fn a_refused_parse_fails_in_its_slot() {
    let mut bench = bench_under("b");
    bench.client([parse("s", "SELECT secret"), bind("", "s"), execute(""), sync()].concat());
    assert_eq!(bench.sent(), format!("P(s|{POISON}) B(|s) E S"));
    let report = error("42703", "column \"wherefore:0707070707070707:1\" does not exist");
    assert_eq!(bench.server([report, ready(b'I')].concat()).told(), "E(42501 secret 8) ZI");
    // It is not prepared.
    bench.client([bind("", "s"), sync()].concat());
    assert_eq!(bench.sent(), "B(|wherefore:0707070707070707:2) S");
}

#[test]
fn a_statement_is_judged_again_under_another_purpose() {
    let mut bench = bench();
    bench.client([parse("s", "SELECT mask"), parse("t", "SELECT secret"), sync()].concat());
    bench.server([frame(b'1', b""), frame(b'1', b""), ready(b'I')].concat());
    bench.client(query("SET wherefore.purpose = 'b'"));
    bench.server([frame(b'C', b"SET\0"), ready(b'I')].concat()).server(settled("b", "public", b'I'));
    bench.sent();
    bench.told();
    bench.client([bind("", "s"), execute(""), sync()].concat());
    assert_eq!(bench.sent(), "P(wherefore_1|SELECT masked_b) B(|wherefore_1) E S");
    bench.server([frame(b'1', b""), frame(b'2', b""), frame(b'C', b"SELECT 0\0"), ready(b'I')].concat());
    assert_eq!(bench.told(), "2 C ZI");
    bench.client([bind("", "s"), execute(""), bind("", "t"), sync()].concat());
    assert_eq!(bench.sent(), "B(|wherefore_1) E B(|wherefore:0707070707070707:1) S");
    // Closing it closes the private one too.
    bench.server(
        [error("26000", "prepared statement \"wherefore:0707070707070707:1\" does not exist"), ready(b'I')].concat(),
    );
    assert_eq!(bench.told(), "E(42501 secret 8) ZI");
    bench.client([frame(b'C', b"Ss\0"), sync()].concat());
    assert_eq!(bench.sent(), "C C S");
    assert_eq!(bench.server([frame(b'3', b""), frame(b'3', b""), ready(b'I')].concat()).told(), "3 ZI");
}

#[test]
fn a_failed_parse_does_not_replace_what_the_server_has() {
    let mut bench = bench();
    bench.client([parse("s", "SELECT mask"), sync()].concat());
    bench.server([frame(b'1', b""), ready(b'I')].concat());
    bench.client([parse("s", "SELECT other"), sync(), bind("", "s"), sync()].concat());
    bench.to_client.clear();
    // The Bind waits until it is known which statement `s` is.
    assert!(!bench.sent().contains("B("));
    bench.server([error("42P05", "already exists"), ready(b'I')].concat());
    assert_eq!(bench.sent(), "B(|s) S");
}

#[test]
fn a_comment_sets_the_purpose_for_its_statement() {
    let mut bench = bench();
    bench.client(query("SELECT mask /*purpose='b'*/"));
    let declared = "P(wherefore_own|SET wherefore.purpose = 'b') B(wherefore_own|wherefore_own) E C C S";
    assert_eq!(bench.sent(), format!("{declared} Q(SELECT masked_b)"));
    let own = [frame(b'1', b""), frame(b'2', b""), frame(b'C', b"SET\0"), frame(b'3', b""), frame(b'3', b"")].concat();
    bench.server([own.clone(), ready(b'I'), row("x"), ready(b'I')].concat());
    assert_eq!(bench.told(), "D ZI");
    bench.client(query("SELECT mask"));
    assert!(bench.sent().ends_with("E C C S Q(SELECT masked_a)"));
    bench.server([own.clone(), ready(b'I'), row("x"), ready(b'I')].concat());
    bench.told();
    // By the extended protocol it goes into the client's segment.
    bench.client([parse("", "SELECT mask /*purpose='b'*/"), bind("", ""), execute(""), sync()].concat());
    let inside = declared.strip_suffix(" S").expect("a sync");
    assert_eq!(bench.sent(), format!("P(|SELECT masked_b) {inside} B() E S"));
    let answers = [frame(b'1', b""), own, frame(b'2', b""), frame(b'C', b"SELECT 0\0"), ready(b'I')].concat();
    assert_eq!(bench.server(answers).told(), "1 2 C ZI");
    // Inside a transaction it may not.
    bench.client(query("BEGIN; SELECT mask /*purpose='b'*/"));
    assert!(bench.sent().ends_with(&format!("Q(BEGIN;{POISON})")));
}

#[test]
fn work_under_an_unrestricted_purpose_taints_until_discard_all() {
    let mut bench = bench_under("free");
    bench.client(query("CREATE TABLE x ()")).server([frame(b'C', b"CREATE TABLE\0"), ready(b'I')].concat());
    bench.sent();
    assert!(bench.client(query("SET wherefore.purpose = 'a'")).sent().contains(POISON));
    let report = error("42703", "column \"wherefore:0707070707070707:1\" does not exist");
    assert!(bench.server([report, ready(b'I')].concat()).told().contains("E(25001"));
    bench.client(query("DISCARD ALL"));
    bench.server([frame(b'C', b"DISCARD ALL\0"), ready(b'I')].concat()).server(settled("free", "public", b'I'));
    bench.sent();
    assert_eq!(bench.client(query("SET wherefore.purpose = 'a'")).sent(), "Q(SET wherefore.purpose = 'a')");
}

#[test]
fn a_failed_transaction_is_settled_when_it_is_over() {
    let mut bench = bench();
    bench.client(query("BEGIN; SET LOCAL wherefore.purpose = 'b'; SELECT broken"));
    bench.sent();
    bench.server([error("42703", "broken"), ready(b'E')].concat());
    // Nothing can be asked now; the client's ROLLBACK passes, and what follows it in the message is under `a` again.
    assert_eq!(bench.client(query("ROLLBACK; SELECT mask")).sent(), "Q(ROLLBACK;SELECT masked_a)");
    bench.server([frame(b'C', b"ROLLBACK\0"), row("x"), ready(b'I')].concat());
    assert_eq!(bench.sent(), SETTLE);
}

#[test]
fn a_copy_by_the_extended_protocol_absorbs_the_early_sync() {
    let mut bench = bench_under("free");
    bench.client([parse("", "COPY t FROM STDIN"), bind("", ""), execute(""), sync()].concat());
    bench.client([frame(b'd', b"1\n"), frame(b'c', b""), sync()].concat());
    let answers = [frame(b'1', b""), frame(b'2', b""), frame(b'G', b"\0\0\0"), frame(b'C', b"COPY 1\0"), ready(b'I')];
    assert_eq!(bench.server(answers.concat()).told(), "1 2 G C ZI");
    assert!(bench.session.is_idle());
    bench.sent();
    assert_eq!(bench.client(query("SELECT 1")).sent(), "Q(SELECT 1)");
    assert_eq!(bench.server(ready(b'I')).told(), "ZI");
    assert!(bench.session.is_idle());
}

#[test]
fn a_function_call_is_refused_under_restriction() {
    let mut bench = bench();
    bench.client(frame(b'F', &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
    assert_eq!(bench.sent(), "F");
    let answer = [error("42883", "function with OID 0 does not exist"), ready(b'I')].concat();
    assert!(bench.server(answer).told().starts_with("E(0A000"));
}

#[test]
fn any_cut_of_the_bytes_gives_the_same() {
    let client = [
        query("SELECT mask; SELECT 1"),
        parse("s", "SELECT mask"),
        bind("", "s"),
        execute(""),
        frame(b'C', b"Ss\0"),
        sync(),
        query("SELECT 2"),
    ]
    .concat();
    let answers = [
        row("1"),
        ready(b'I'),
        frame(b'1', b""),
        frame(b'2', b""),
        row("2"),
        frame(b'C', b"SELECT 1\0"),
        frame(b'3', b""),
        ready(b'I'),
        error("42601", "no"),
        ready(b'I'),
    ]
    .concat();
    let mut whole = bench();
    whole.client(&client).server(&answers);
    let expected = (whole.sent(), whole.told());
    for cut in 1..client.len() {
        let mut bench = bench();
        bench.client(&client[..cut]).client(&client[cut..]);
        let mut inbox = Vec::new();
        for piece in answers.chunks(cut.min(answers.len())) {
            inbox.extend(piece);
            let (mut server, mut client) = (Sink::default(), Sink::default());
            let (taken, answer) = bench.session.server(&inbox, &mut client, &mut server);
            assert!(matches!(answer, Answer::More(_)));
            let bytes = client.bytes(&inbox).to_vec();
            bench.to_client.extend(bytes);
            inbox.drain(..taken);
        }
        assert_eq!((bench.sent(), bench.told()), expected, "cut at {cut}");
    }
}

#[test]
fn hostile_frames_end_the_session() {
    for bytes in [
        &b"Z\0\0\0\x05I"[..],
        b"p\0\0\0\x05x",
        b"Q\0\0\0\x03",
        b"Q\0\0\0\x04",
        b"Q\0\0\0\x05x",
        b"Q\0\0\0\x08x\0Q\0",
        b"P\0\0\0\x06\0\0",
        b"B\0\0\0\x05x",
        b"B\0\0\0\x04",
        b"D\0\0\0\x06X\0",
        b"E\0\0\0\x05\0",
        b"S\0\0\0\x05x",
        b"X\0\0\0\x05x",
        b"f\0\0\0\x05x",
        b"d\0\0\0\0",
    ] {
        let mut bench = bench();
        bench.client(bytes);
        assert_eq!(bench.step, Step::Fatal, "{bytes:?}");
        assert!(bench.told().starts_with("E(08P01"), "{bytes:?}");
        assert_eq!(bench.sent(), "", "{bytes:?}");
    }
}
