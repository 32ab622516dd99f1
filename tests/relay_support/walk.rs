//! Random walks through the protocol. Compiled into the `relay` binary.
//!
//! One walks under a purpose that opens everything it touches, beside the server itself: both must say the same, frame by
//! frame. The other changes between two purposes, and what is closed to the one in force must never come. `WALK_SEED`
//! repeats one; `WHEREFORE_SOAK=10m` goes on with new ones for that long.

use super::raw::{self, Format, Frame, Raw};
use super::soak::soak;
use super::world;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// `xorshift64*`: a walk depends on its seed alone.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % sides
    }

    fn of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// A message with the words that show it.
struct Step {
    shown: String,
    bytes: Vec<u8>,
}

impl Step {
    fn new(shown: impl Into<String>, bytes: Vec<u8>) -> Step {
        Step { shown: shown.into(), bytes }
    }
}

/// What a walk may say.
struct Words {
    reads: &'static [&'static str],
    /// Statements of every other kind.
    others: &'static [&'static str],
    settings: &'static [&'static str],
}

const NAMES: [&str; 4] = ["", "p", "q", "r"];
const PORTALS: [&str; 4] = ["", "c", "d", "e"];

impl Words {
    /// A text of one statement.
    fn text(&self, dice: &mut Dice) -> String {
        let read = dice.of(self.reads);
        let (name, cursor) = (dice.of(&NAMES[1..]), dice.of(&PORTALS[1..]));
        let hold = dice.of(&["", "", "WITH HOLD "]);
        match dice.below(16) {
            0..=3 => read.to_owned(),
            4 | 5 => dice.of(self.others).to_owned(),
            6 => dice.of(self.settings).to_owned(),
            7 => dice
                .of(&["BEGIN", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s", "RELEASE s"])
                .to_owned(),
            8 => format!("PREPARE {name} AS {read}"),
            9 | 10 => format!("EXECUTE {name}"),
            11 => dice
                .of(&["DEALLOCATE p", "DEALLOCATE q", "DEALLOCATE ALL", "CLOSE c", "CLOSE d", "CLOSE ALL"])
                .to_owned(),
            12 => format!("DECLARE {cursor} CURSOR {hold}FOR {read}"),
            13 | 14 => {
                let how = dice.of(&["FETCH", "FETCH 2 FROM", "FETCH ALL FROM", "MOVE", "FETCH ABSOLUTE 1 FROM"]);
                format!("{how} {cursor}")
            }
            _ => dice.of(&["SHOW search_path", "DISCARD PLANS", "SELECT 1 / 0", "SELECT nosuch", ""]).to_owned(),
        }
    }

    /// The messages up to one ReadyForQuery.
    fn segment(&self, dice: &mut Dice) -> Vec<Step> {
        if dice.once_in(2) {
            let count = if dice.once_in(4) { 1 + dice.below(4) } else { 1 };
            let text = (0..count).map(|_| self.text(dice)).collect::<Vec<_>>().join("; ");
            return vec![Step::new(format!("Q {text}"), raw::query(&text))];
        }
        let mut steps = Vec::new();
        for _ in 0..1 + dice.below(8) {
            let (name, portal) = (dice.of(&NAMES), dice.of(&PORTALS));
            match dice.below(12) {
                0..=2 => {
                    let text = self.text(dice);
                    steps.push(Step::new(format!("P {name} {text}"), raw::parse(name, &text)));
                    steps.push(Step::new(format!("B {portal} {name}"), raw::bind(portal, name, &[], Format::Text)));
                    steps.push(Step::new(format!("E {portal}"), raw::execute(portal, 0)));
                }
                3 => {
                    let text = self.text(dice);
                    steps.push(Step::new(format!("P {name} {text}"), raw::parse(name, &text)));
                }
                4 | 5 => {
                    steps.push(Step::new(format!("B {portal} {name}"), raw::bind(portal, name, &[], Format::Text)))
                }
                6 | 7 => {
                    let rows = dice.below(3) as u32;
                    steps.push(Step::new(format!("E {portal} {rows}"), raw::execute(portal, rows)));
                }
                8 => steps.push(Step::new(format!("DS {name}"), raw::describe_statement(name))),
                9 => steps.push(Step::new(format!("DP {portal}"), raw::describe_portal(portal))),
                10 => steps.push(Step::new(format!("CS {name}"), raw::close_statement(name))),
                _ => match dice.below(2) {
                    0 => steps.push(Step::new(format!("CP {portal}"), raw::close_portal(portal))),
                    _ => steps.push(Step::new("H", raw::flush())),
                },
            }
        }
        steps.push(Step::new("S", raw::sync()));
        steps
    }
}

/// What was said so far, shown if the walk fails.
struct Script {
    seed: u64,
    said: String,
}

impl Script {
    fn new(seed: u64) -> Script {
        Script { seed, said: String::new() }
    }

    fn add(&mut self, steps: &[Step]) {
        for step in steps {
            let _ = writeln!(self.said, "  {}", step.shown);
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::thread::sleep(Duration::from_secs(1));
            let log = std::fs::read_to_string(world().cluster.directory.path().join("server.log")).unwrap_or_default();
            let crash: Vec<&str> = log
                .lines()
                .filter(|line| line.contains("signal") || line.contains("DETAIL") || line.contains("PANIC"))
                .collect();
            eprintln!("seed {}:\n{}\n{}", self.seed, self.said, crash.join("\n"));
        }
    }
}

fn legible(frames: &[Frame]) -> String {
    let mut out = String::new();
    for frame in frames {
        let _ = writeln!(out, "    {} {}", frame.tag as char, String::from_utf8_lossy(&frame.body).escape_debug());
    }
    out
}

fn connect(port: u16, purpose: &str) -> Raw {
    let options = format!("-c wherefore.purpose={purpose}");
    let parameters = [("user", "bare"), ("database", "shop"), ("options", &*options)];
    Raw::connect(port, &parameters).unwrap_or_else(|error| panic!("{:?}", error.field(b'M')))
}

/// How many walks each test makes, where no soak is asked for.
const WALKS: u64 = 250;

/// Runs walks with one seed after the other; the seed that `WALK_SEED` names alone.
fn walks(walk: impl Fn(u64)) {
    if let Ok(seed) = std::env::var("WALK_SEED") {
        return walk(seed.parse().expect("WALK_SEED is a number"));
    }
    let (start, soak) = (Instant::now(), soak());
    let mut seed = 1;
    while soak.map_or(seed <= WALKS, |length| start.elapsed() < length) {
        walk(seed);
        seed += 1;
    }
    println!("{} walks", seed - 1);
}

const OPEN: Words = Words {
    reads: &[
        "SELECT label FROM items WHERE id = 1",
        "SELECT id, label FROM items ORDER BY id LIMIT 3",
        "SELECT id, name, email, note FROM people ORDER BY id LIMIT 2",
        "SELECT count(*) FROM people",
        "VALUES (1, 'a'), (2, NULL)",
        "SELECT 1 / (id - 2) FROM items ORDER BY id",
        "SELECT p.note FROM people p JOIN items i USING (id) WHERE i.id = 3",
    ],
    others: &[
        "LOCK TABLE items IN ACCESS SHARE MODE",
        "EXPLAIN (COSTS OFF) SELECT label FROM items WHERE id = 1",
        "EXPLAIN (COSTS OFF) EXECUTE p",
        "SELECT set_config('app.tenant', 'x', false)",
        "SHOW app.tenant",
        "COMMIT AND CHAIN",
        "ROLLBACK AND CHAIN",
        "DISCARD ALL",
        "UNLISTEN *",
        "SELECT nosuch FROM items",
        "SELEC",
    ],
    settings: &[
        "SET search_path = other, public",
        "SET search_path = public",
        "SET LOCAL search_path = other",
        "RESET search_path",
        "SET statement_timeout = '20s'",
        "SET LOCAL app.tenant = 'y'",
        "RESET ALL",
        "SET ROLE NONE",
    ],
};

/// Refusals for what the session cannot follow, or does not do though the server does. The client learns what to do.
const OWN_REFUSALS: [&str; 11] = [
    // The server may crash.
    "cannot be described",
    // Of a utility that the protocol has prepared, which has none.
    "the plan of a statement that does not see its tables whole",
    // The server would execute what a failed simple query has left there, and may crash (PostgreSQL 15).
    "portal \"\" does not exist",
    "a setting that decides what names mean was changed earlier in this message",
    "means something else now than when it was prepared",
    "what this statement was bound to has changed",
    "which changes the session, is not understood",
    "cached plan must not change result type",
    "cannot be run",
    "before anything else in a message",
    "inside a transaction block",
];

/// Whether two answers say the same. An error that the proxy finds itself has no place in the server's source.
fn same(direct: &Frame, proxied: &Frame) -> bool {
    let own = direct.tag == b'E' && proxied.tag == b'E' && proxied.field(b'R').is_none();
    // In a failed transaction the server may know a portal that has no use any more, or meet a Parse of the proxy's own.
    let aborted = direct.tag == b'E' && proxied.tag == b'E' && direct.field(b'C').as_deref() == Some("25P02");
    // And it reads a text before it says that the transaction has failed.
    let unread = direct.field(b'C').as_deref() == Some("42601") && proxied.field(b'C').as_deref() == Some("25P02");
    direct == proxied
        || aborted
        || unread
        || (own && b"SVCM".iter().all(|name| direct.field(*name) == proxied.field(*name)))
}

/// Where a Describe fails the server has told the parameters already; the proxy finds a name that is not there before.
fn without_early_parameters(frames: Vec<Frame>) -> Vec<Frame> {
    let next = frames.iter().skip(1).map(|frame| frame.tag).chain([b'Z']).collect::<Vec<_>>();
    let early = |(frame, next): &(Frame, u8)| frame.tag == b't' && *next == b'E';
    frames.into_iter().zip(next).filter(|both| !early(both)).map(|(frame, _)| frame).collect()
}

#[test]
fn beside_the_server() {
    walks(|seed| {
        let mut dice = Dice::new(seed);
        let mut direct = connect(world().cluster.port, "service");
        let mut proxied = connect(world().proxy.address.port(), "service");
        let mut script = Script::new(seed);
        for _ in 0..30 {
            let segments = if dice.once_in(4) { 1 + dice.below(4) } else { 1 };
            let steps: Vec<Step> = (0..segments).flat_map(|_| OPEN.segment(&mut dice)).collect();
            script.add(&steps);
            let messages: Vec<Vec<u8>> = steps.into_iter().map(|step| step.bytes).collect();
            let found = proxied.exchange(&messages);
            let errors = found.iter().filter(|frame| frame.tag == b'E');
            // Of the unnamed portal the server may say it too: in a failed transaction it lost what it has without the proxy.
            let own = |frame: &&Frame| frame.field(b'R').is_none() || frame.field(b'C').as_deref() == Some("34000");
            let mut words = errors.filter(own).filter_map(|frame| frame.field(b'M'));
            if words.any(|message| OWN_REFUSALS.iter().any(|known| message.contains(known))) {
                // The server is not asked: it would go on in another state, and some of these end it.
                return;
            }
            script.said.push_str("  (direct)\n");
            let wanted = direct.exchange(&messages);
            let wanted = without_early_parameters(wanted);
            let found = without_early_parameters(found);
            let differ = wanted.len() != found.len() || !wanted.iter().zip(&found).all(|(one, other)| same(one, other));
            assert!(!differ, "direct:\n{}proxied:\n{}", legible(&wanted), legible(&found));
        }
    });
}

const CLOSED: Words = Words {
    reads: &[
        "SELECT current_setting('wherefore.purpose') || '|' || note FROM people ORDER BY id LIMIT 2",
        "SELECT current_setting('wherefore.purpose') || '|' || email FROM people ORDER BY id LIMIT 2",
        "SELECT note FROM people ORDER BY id LIMIT 2",
        "SELECT email FROM people WHERE id = 1",
        "SELECT label FROM items WHERE id = 1",
    ],
    others: &[
        "COPY people (note) TO STDOUT",
        "EXPLAIN (COSTS OFF) EXECUTE p",
        "SELECT note::int FROM people",
        "LISTEN x",
        "DO $$BEGIN END$$",
        "COMMIT AND CHAIN",
        "DISCARD ALL",
    ],
    settings: &["SET search_path = other, public", "RESET search_path", "SET LOCAL search_path = public"],
};

/// Statements that may change the purpose.
const TURNS: [&str; 8] = [
    "SET wherefore.purpose = 'service'",
    "SET wherefore.purpose = 'training'",
    "BEGIN; SET LOCAL wherefore.purpose = 'training'",
    "BEGIN; SET LOCAL wherefore.purpose = 'service'",
    "RESET wherefore.purpose",
    "COMMIT",
    "ROLLBACK",
    "SELECT note FROM people WHERE id = 2 /*purpose='service'*/",
];

#[test]
fn between_two_purposes() {
    walks(|seed| {
        let mut dice = Dice::new(seed);
        let mut client = connect(world().proxy.address.port(), "service");
        let mut script = Script::new(seed);
        // `None` while the purpose cannot be asked for, in a failed transaction.
        let mut before: Option<String> = None;
        for _ in 0..60 {
            let turns = dice.once_in(4);
            let mut steps = Vec::new();
            if turns {
                let text = dice.of(&TURNS);
                match dice.once_in(3) && !text.contains(';') {
                    true => steps.extend([
                        Step::new(format!("P  {text}"), raw::parse("", text)),
                        Step::new("B", raw::bind("", "", &[], Format::Text)),
                        Step::new("E", raw::execute("", 0)),
                        Step::new("S", raw::sync()),
                    ]),
                    false => steps.push(Step::new(format!("Q {text}"), raw::query(text))),
                }
            }
            for _ in 0..1 + dice.below(3) {
                steps.extend(CLOSED.segment(&mut dice));
            }
            script.add(&steps);
            // These may end a transaction, and the purpose with it.
            let turns = turns || steps.iter().any(|step| ends_transaction(&step.shown));
            let messages: Vec<Vec<u8>> = steps.into_iter().map(|step| step.bytes).collect();
            let found = client.exchange(&messages);
            let asked = client.exchange(&[raw::query("SHOW wherefore.purpose")]);
            let after = asked
                .iter()
                .find(|frame| frame.tag == b'D')
                .map(|frame| String::from_utf8_lossy(&frame.body[6..]).into_owned());
            let told = |marker: &str| {
                let holds = |frame: &&Frame| String::from_utf8_lossy(&frame.body).contains(marker);
                found.iter().filter(|frame| matches!(frame.tag, b'D' | b'E' | b'N' | b'd')).find(holds).cloned()
            };
            let training = Some("training");
            let mut leaks = vec![told("training|note"), told("training|p1@"), told("training|p2@")];
            if !turns && before.as_deref() == training && after.as_deref() == training {
                leaks.extend([told("note 1"), told("note 2"), told("p1@example"), told("p2@example")]);
            }
            if let Some(leak) = leaks.into_iter().flatten().next() {
                panic!("{}came back:\n{}", legible(&[leak]), legible(&found));
            }
            before = after;
        }
    });
}

fn ends_transaction(shown: &str) -> bool {
    ["COMMIT", "ROLLBACK", "DISCARD ALL"].iter().any(|word| shown.contains(word))
}
