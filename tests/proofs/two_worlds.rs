//! Generated statements in two databases that differ only in what the purpose closes: every answer must be the same.

use crate::common::raw::{self, Frame, Raw, query};
use crate::common::soak::soak;
use crate::common::transcript::{bare, code, not_understood, outline, sorted};
use crate::common::{At, Cluster, Proxy};
use crate::generator::{Generated, Generator};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

const SCHEMA: &str = include_str!("schema.sql");
const POLICY: &str = include_str!("policy.toml");
const PURPOSES: [&str; 5] = ["plain", "masked", "filtered", "both", "scoped"];
/// Statements under each purpose where no soak is asked for.
const STATEMENTS: usize = 4_200;
/// Statements sent before their answers are read.
const BATCH: usize = 25;

/// How long an answer may take: a batch of statements that all run into their time limit, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// One of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum World {
    One,
    Other,
}

/// Which values and rows differ between the worlds of a purpose; the others agree.
struct Closed {
    contact: bool,
    rows: bool,
}

fn closed(purpose: &str) -> Closed {
    match purpose {
        "plain" => Closed { contact: false, rows: false },
        "masked" => Closed { contact: true, rows: false },
        "filtered" | "scoped" => Closed { contact: false, rows: true },
        "both" => Closed { contact: true, rows: true },
        other => panic!("no worlds for {other}"),
    }
}

/// The rows of a world. Visible rows stand in the same order in both, hidden ones between them; whatever is closed has other
/// values, another length, other nulls and another order in the other.
fn rows(purpose: &str, world: World) -> String {
    let Closed { contact, rows } = closed(purpose);
    let other = world == World::Other;
    let secret = if other { "CASE i % 3 WHEN 0 THEN NULL ELSE (1000 - i)::text END" } else { "'secret of ' || i" };
    // What the masks of `masked` keep agrees: the last two characters of phones, the hundreds of ages.
    let (email, phone, age) = match (contact && other, rows) {
        (true, false) => {
            ("CASE i % 4 WHEN 1 THEN NULL ELSE (i * 7 % 13)::text END", "'+999' || (30 - i) * 100 + i", "90 - i")
        }
        (true, true) => (
            "CASE i % 4 WHEN 1 THEN NULL ELSE (i * 7 % 13)::text END",
            "NULLIF('+9' || 30 - i, '+928')",
            "NULLIF(90 - i, 85)",
        ),
        (false, _) => {
            ("CASE i % 5 WHEN 0 THEN NULL ELSE 'mail' || i || '@x.example' END", "'+1555' || 100 + i", "i * 3")
        }
    };
    // How many hidden rows follow each visible one, and what is in them.
    let (hidden, zero) = if rows && other { ("1 + i % 2", "0") } else { ("i % 2", "i") };
    let hidden_name = if rows { format!("concat({secret}, h, 'x')") } else { "'hidden ' || i".to_owned() };
    format!(
        "INSERT INTO people
            SELECT CASE WHEN h = 0 THEN i ELSE 1000 + i * 10 + h END,
                CASE WHEN h > 0 THEN {hidden_name} WHEN i % 4 = 0 THEN i::text ELSE 'name ' || i END,
                {email}, {phone}, {age}, CASE WHEN h = 0 THEN 'city ' || i % 3 ELSE 'hidden ' || {zero} END, {secret},
                (ARRAY['sad', 'ok', 'happy', NULL])[1 + (i + h) % 4]::mood, CASE WHEN h = 0 THEN i % 5 ELSE {zero} END,
                ARRAY['t' || i, 'a'], ARRAY[i + h, 2, NULL], jsonb_build_object('a', i + h, 'b', CASE WHEN h = 0 THEN i ELSE {zero} END),
                h = 0 OR {zero} % 2 = 1, CASE WHEN h > 0 THEN timestamptz '2026-02-01 00:00:00+00' + {zero} * interval '1 day' END
            FROM generate_series(1, 8) AS g (i), generate_series(0, {hidden}) AS e (h) ORDER BY g.i, e.h;
        INSERT INTO orders
            SELECT CASE WHEN h = 0 THEN i ELSE 1000 + i * 10 + h END, CASE WHEN h = 0 THEN 1 + i * 5 % 8 ELSE {zero} END,
                CASE WHEN h = 0 THEN i * 7 % 30 ELSE 0 - {zero} END, CASE i % 3 WHEN 0 THEN NULL ELSE 'note ' || i + h END, {secret},
                timestamptz '2026-01-01 00:00:00+00' + i * interval '7 hours', h > 0
            FROM generate_series(1, 10) AS g (i), generate_series(0, {hidden}) AS e (h) ORDER BY g.i, e.h;
        INSERT INTO readings
            SELECT timestamptz '2025-12-29 00:00:00+00' + i * interval '1 day', CASE WHEN h = 0 THEN i % 4 ELSE 0 - {zero} END, i, {email}, h > 0
            FROM generate_series(1, 6) AS g (i), generate_series(0, {hidden}) AS e (h) ORDER BY g.i, e.h;
        INSERT INTO pets
            SELECT i + h * 100, CASE WHEN h = 0 THEN 'pet ' || i ELSE {zero}::text END, i - 2, 1 + i % 8, {secret}, h > 0
            FROM generate_series(1, 4) AS g (i), generate_series(0, {hidden}) AS e (h) ORDER BY g.i, e.h;
        INSERT INTO cats
            SELECT 20 + i + h * 100, CASE WHEN h = 0 THEN 'cat ' || i ELSE {zero}::text END, i, 1 + i % 8, {secret}, h > 0, 9 - i, {email}
            FROM generate_series(1, 4) AS g (i), generate_series(0, {hidden}) AS e (h) ORDER BY g.i, e.h;
        INSERT INTO log SELECT i, 'line ' || i, i * 2 FROM generate_series(1, 4) AS i;"
    )
}

fn database(purpose: &str, world: World) -> String {
    format!("worlds_{purpose}_{}", if world == World::One { "one" } else { "other" })
}

/// The worlds and a proxy in front of them, made once: a template with the schema, so that OIDs agree, and two worlds a
/// purpose.
pub fn prepared(cluster: &'static Cluster) -> (&'static Proxy, MutexGuard<'static, ()>) {
    static PROXY: OnceLock<Proxy> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    // One test at a time: the worlds are refilled under it.
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let proxy = PROXY.get_or_init(|| {
        prepare(cluster);
        Proxy::with_policy(cluster, POLICY)
    });
    (proxy, turn)
}

fn prepare(cluster: &Cluster) {
    cluster.database("worlds_template", SCHEMA);
    cluster.sql("postgres", "ALTER ROLE tester SUPERUSER; ALTER ROLE tester SET statement_timeout = '1s'");
    for purpose in PURPOSES {
        for world in [World::One, World::Other] {
            let name = database(purpose, world);
            cluster.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE worlds_template"));
            cluster.sql(&name, &rows(purpose, world));
        }
    }
}

/// How a statement is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Simple,
    Extended,
}

/// The messages of a statement with what goes around it, and how many ReadyForQuery answer them.
fn messages(statement: &Generated, text: &str, manner: Manner) -> (Vec<Vec<u8>>, usize) {
    let mut messages: Vec<Vec<u8>> = statement.before.iter().map(|text| query(text)).collect();
    match manner {
        Manner::Simple => messages.push(query(text)),
        Manner::Extended => messages.extend([
            raw::parse("", text),
            raw::describe_statement(""),
            raw::bind("", "", &[], raw::Format::Binary),
            raw::execute("", 0),
            raw::sync(),
        ]),
    }
    messages.extend(statement.after.iter().map(|text| query(text)));
    let ready = statement.before.len() + 1 + statement.after.len();
    (messages, ready)
}

/// What both worlds are asked, one statement after another.
type Source<'a> = &'a mut dyn FnMut() -> Option<Generated>;

/// Two sessions in two worlds.
struct Pair {
    sessions: [Raw; 2],
}

impl Pair {
    fn open(proxy: &Proxy, purpose: &str) -> Pair {
        let open = |world| {
            At { port: proxy.port(), database: &database(purpose, world), user: "tester", purpose: Some(purpose) }
                .raw()
                .with_patience(PATIENCE)
        };
        Pair { sessions: [open(World::One), open(World::Other)] }
    }

    /// The answers of both worlds to several statements.
    fn ask(&mut self, batch: &[(&Generated, &str, Manner)]) -> Vec<[Vec<Frame>; 2]> {
        let mut sent = Vec::new();
        let mut counts = Vec::new();
        for (statement, text, manner) in batch {
            let (messages, ready) = messages(statement, text, *manner);
            sent.extend(messages.concat());
            counts.push(ready);
        }
        for session in &mut self.sessions {
            session.send(&sent);
        }
        let [one, other] = &mut self.sessions;
        counts.iter().map(|ready| [one.until_ready(*ready), other.until_ready(*ready)]).collect()
    }

    fn ask_one(&mut self, statement: &Generated, text: &str, manner: Manner) -> [Vec<Frame>; 2] {
        self.ask(&[(statement, text, manner)]).remove(0)
    }
}

/// Whether a session in each world saw the same. Rows that no `ORDER BY` binds may come in any order.
fn same(answers: &[Vec<Frame>; 2]) -> bool {
    let plain = |frames: &[Frame]| sorted(&frames.iter().map(bare).collect::<Vec<_>>());
    answers[0] == answers[1] || plain(&answers[0]) == plain(&answers[1])
}

#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub statements: usize,
    /// Permitted and answered with rows or a tag.
    pub answered: usize,
    /// Permitted and failed while it ran: a cast, a division.
    pub failed: usize,
    closed: usize,
    not_understood: usize,
    /// What the server does not accept at all.
    invalid: usize,
    writes: usize,
    writes_answered: usize,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Tally { statements, answered, failed, closed, not_understood, invalid, writes, writes_answered } = self;
        write!(
            f,
            "statements={statements} answered={answered} failed={failed} closed={closed} not_understood={not_understood} \
             invalid={invalid} writes={writes} writes_answered={writes_answered}"
        )
    }
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.statements += other.statements;
        self.answered += other.answered;
        self.failed += other.failed;
        self.closed += other.closed;
        self.not_understood += other.not_understood;
        self.invalid += other.invalid;
        self.writes += other.writes;
        self.writes_answered += other.writes_answered;
    }

    fn count(
        &mut self,
        statement: &Generated,
        answer: &[Frame],
        reasons: &mut BTreeMap<String, (usize, String)>,
        text: &str,
    ) {
        self.statements += 1;
        self.writes += usize::from(statement.writes);
        let mut reason = |kind: &str, what: String| {
            reasons.entry(format!("{kind}: {what}")).or_insert_with(|| (0, text.to_owned())).0 += 1;
        };
        let words = || {
            let message = answer.iter().find(|frame| frame.tag == b'E').and_then(|error| error.field(b'M'));
            message
                .unwrap_or_default()
                .chars()
                .map(|c| if c.is_ascii_digit() { '#' } else { c })
                .take(90)
                .collect::<String>()
        };
        match (not_understood(answer), code(answer).as_deref()) {
            (Some(what), _) => {
                self.not_understood += 1;
                reason("not understood", what);
            }
            (None, None) => {
                self.answered += 1;
                self.writes_answered += usize::from(statement.writes);
            }
            (None, Some("42501")) => {
                self.closed += 1;
                reason(if statement.writes { "closed to a write" } else { "closed" }, words());
            }
            (None, Some(code)) if code.starts_with("42") || code.starts_with("0A") => {
                self.invalid += 1;
                reason(code, words());
            }
            (None, Some(code)) => {
                self.failed += 1;
                reason(if statement.writes { "failed write" } else { "failed" }, format!("{code} {}", words()));
            }
        }
    }
}

/// A statement whose answers differ, made as small as it goes.
fn report(proxy: &Proxy, purpose: &str, seed: u64, number: usize, statement: &Generated, manner: Manner) -> String {
    let mut pair = Pair::open(proxy, purpose);
    let whole = pair.ask_one(statement, &statement.doc.render(), manner);
    println!("    {purpose}, statement {number}, {manner:?}: {}", statement.doc.render());
    println!("    one:   {}\n    other: {}", outline(&whole[0]), outline(&whole[1]));
    if same(&whole) {
        // What the statements before it left made the difference; alone it can't be made smaller.
        return format!(
            "under purpose {purpose} (seed {seed}) statement {number} differs after those before it only: {}",
            statement.doc.render()
        );
    }
    let small = statement.doc.clone().shrink(250, &mut |text| !same(&pair.ask_one(statement, text, manner)));
    let text = small.render();
    let answers = Pair::open(proxy, purpose).ask_one(statement, &text, manner);
    format!(
        "two worlds differ under purpose {purpose} (seed {seed}, statement {number}, {manner:?}):\n{}\n\nmade small, between {:?} and {:?}:\n{text}\n\n  one:   {}\n  other: {}",
        statement.doc.render(),
        statement.before,
        statement.after,
        outline(&answers[0]),
        outline(&answers[1]),
    )
}

/// Statements between two refills.
const REFILL: usize = 500;

/// Rolled back writes leave dead rows behind, of other lengths in the other world. Tables of other sizes would get
/// other plans, and it may depend on the plan which error a statement meets, or whether it meets one.
fn refill(purpose: &str) {
    for world in [World::One, World::Other] {
        let again = "TRUNCATE people, orders, readings, pets, cats, log;";
        Cluster::shared().sql(&database(purpose, world), &format!("{again} {}", rows(purpose, world)));
    }
}

/// Asks both worlds until the source is dry or a statement is answered differently.
fn run(proxy: &Proxy, purpose: &str, seed: u64, source: Source<'_>) -> Run {
    let mut pair = Pair::open(proxy, purpose);
    let (mut tally, mut reasons) = (Tally::default(), BTreeMap::new());
    let mut filled = 0;
    loop {
        if tally.statements - filled >= REFILL {
            filled = tally.statements;
            refill(purpose);
        }
        let batch: Vec<(Generated, String, Manner)> = std::iter::from_fn(&mut *source)
            .take(BATCH)
            .enumerate()
            .map(|(index, statement)| {
                let text = statement.doc.render();
                // COPY answers a Describe in a way of its own; the simple protocol shows it whole.
                let extended =
                    index % 3 == 0 && (statement.writes || statement.after.len() < 2) && !text.starts_with("COPY");
                (statement, text, if extended { Manner::Extended } else { Manner::Simple })
            })
            .collect();
        if batch.is_empty() {
            return Run { tally, reasons, failure: None };
        }
        let asked: Vec<(&Generated, &str, Manner)> = batch.iter().map(|(s, t, m)| (s, t.as_str(), *m)).collect();
        let answered = pair.ask(&asked);
        for ((statement, text, manner), answers) in asked.into_iter().zip(answered) {
            tally.count(statement, &answers[0], &mut reasons, text);
            // A time limit is not an answer.
            let timed_out = answers.iter().any(|answer| code(answer).as_deref() == Some("57014"));
            if !timed_out && !same(&answers) {
                let failure = report(proxy, purpose, seed, tally.statements, statement, manner);
                return Run { tally, reasons, failure: Some(failure) };
            }
        }
    }
}

/// What came of a run under one purpose.
struct Run {
    tally: Tally,
    reasons: BTreeMap<String, (usize, String)>,
    failure: Option<String>,
}

/// Asks the worlds of every purpose their share of these statements. Returns the figures and what differed.
pub fn replay(proxy: &Proxy, statements: Vec<Generated>) -> (Tally, Vec<String>) {
    let share = statements.len().div_ceil(PURPOSES.len());
    let runs: Vec<Run> = std::thread::scope(|scope| {
        let threads: Vec<_> = statements
            .chunks(share)
            .zip(PURPOSES)
            .map(|(share, purpose)| {
                let mut share = share.iter().cloned();
                scope.spawn(move || run(proxy, purpose, 0, &mut || share.next()))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).collect()
    });
    let mut total = Tally::default();
    runs.iter().for_each(|run| total.add(&run.tally));
    show(&runs);
    (total, runs.into_iter().filter_map(|run| run.failure).collect())
}

/// With `WHEREFORE_REASONS` set: what was not permitted or not accepted, by number.
fn show(runs: &[Run]) {
    if std::env::var_os("WHEREFORE_REASONS").is_none() {
        return;
    }
    let mut reasons: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for (what, (count, example)) in runs.iter().flat_map(|run| &run.reasons) {
        reasons.entry(what).or_insert((0, example)).0 += count;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for (what, (count, example)) in reasons.into_iter().take(120) {
        println!("    {count} × {what} — {example}");
    }
}

#[test]
fn generated_statements_answer_alike_in_two_worlds() {
    let (proxy, _turn) = prepared(Cluster::shared());
    let began = Instant::now();
    let deadline = soak().map(|length| began + length);
    let first = match deadline {
        Some(_) => std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs(),
        None => 1,
    };
    let runs: Vec<(u64, Run)> = std::thread::scope(|scope| {
        let threads: Vec<_> = PURPOSES
            .iter()
            .enumerate()
            .map(|(index, purpose)| {
                let seed = first * 1000 + index as u64;
                scope.spawn(move || {
                    let mut generator = Generator::new(seed);
                    let mut left = if deadline.is_some() { usize::MAX } else { STATEMENTS };
                    let mut source = || {
                        let more = left > 0 && deadline.is_none_or(|deadline| Instant::now() < deadline);
                        left = left.saturating_sub(1);
                        more.then(|| generator.statement())
                    };
                    (seed, run(proxy, purpose, seed, &mut source))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).collect()
    });
    let (mut total, mut failures, mut seeds) = (Tally::default(), Vec::new(), Vec::new());
    for (seed, run) in &runs {
        total.add(&run.tally);
        failures.extend(run.failure.clone());
        seeds.push(seed.to_string());
    }
    show(&runs.into_iter().map(|(_, run)| run).collect::<Vec<_>>());
    let permitted = total.answered + total.failed;
    println!(
        "PROOF two-worlds-generated {total} differences={} seconds={} seeds={}",
        failures.len(),
        began.elapsed().as_secs(),
        seeds.join(",")
    );
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(deadline.is_some() || total.statements >= 20_000, "only {} statements", total.statements);
    // Else the comparison would be about refusals only.
    assert!(permitted * 2 >= total.statements, "only {permitted} of {} were permitted and accepted", total.statements);
    assert!(total.answered * 3 >= total.statements, "only {} of {} were answered", total.answered, total.statements);
}
