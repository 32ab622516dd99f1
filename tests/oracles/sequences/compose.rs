//! Composes sequences of messages that aim at confusion: few names, used again and again, whose meaning hangs on what the session
//! has done before, over both protocols, pipelined or not.

use super::words::{Words, words};
use crate::cases::Who;
use crate::common::worlds::Pair;
use crate::random::Random;

#[path = "several.rs"]
mod several;
#[path = "statements.rs"]
mod statements;

/// One line of the notation of `tests/attacks`, and what the statements that it executes are counted as.
#[derive(Debug, Clone)]
pub struct Line {
    pub text: String,
    pub labels: Vec<&'static str>,
}

/// What one of the speakers sends in one go.
#[derive(Debug, Clone)]
pub struct Unit {
    pub who: Who,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone)]
pub struct Sequence {
    pub purpose: &'static str,
    pub units: Vec<Unit>,
}

impl Sequence {
    /// As a case of `tests/attacks/*.sql`.
    pub fn text(&self, name: &str) -> String {
        let mut text = format!("-- case: {name}\n-- modes: simple\n-- purpose: {}\n", self.purpose);
        let mut speaks = &Who::Attacker;
        for unit in &self.units {
            if unit.who != *speaks {
                text += &match &unit.who {
                    Who::Attacker => "\\as me\n".to_owned(),
                    Who::Other(purpose) => format!("\\as {purpose}\n"),
                    Who::Owner => "\\around\n".to_owned(),
                };
                speaks = &unit.who;
            }
            for line in &unit.lines {
                text += &line.text;
                text.push('\n');
            }
        }
        text
    }

    /// Whether every Query comes after a Sync: behind an error the server would take no notice of it, and nobody could tell how
    /// many answers there will be.
    pub fn is_well_formed(&self) -> bool {
        let mut in_segment = false;
        self.own_lines().next().is_some()
            && self.own_lines().all(|line| match line.text.split(' ').next() {
                Some("\\parse" | "\\bind" | "\\bindb" | "\\describe" | "\\execute" | "\\close" | "\\flush") => {
                    in_segment = true;
                    true
                }
                Some("\\sync" | "\\sync+") => {
                    in_segment = false;
                    true
                }
                Some("\\query" | "\\end") => !in_segment,
                Some(_) | None => true,
            })
    }

    /// Messages of the session that is compared.
    pub fn own_lines(&self) -> impl Iterator<Item = &Line> {
        self.units.iter().filter(|unit| unit.who == Who::Attacker).flat_map(|unit| &unit.lines)
    }
}

/// What a sequence is mostly about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Theme {
    Strings,
    Path,
    Definitions,
    Late,
    Mixed,
}

/// What a statement does to what is known of the session here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Nothing,
    Begins,
    Ends,
    Chains,
    Saves(&'static str),
    Back,
    Fails,
}

/// One statement.
#[derive(Debug, Clone)]
struct Op {
    text: String,
    label: &'static str,
    then: Then,
    /// For its `$1`.
    parameter: Option<&'static str>,
    /// The messages behind a COPY FROM STDIN.
    data: &'static [&'static str],
}

impl Op {
    fn new(label: &'static str, text: impl Into<String>) -> Op {
        Op { text: text.into(), label, then: Then::Nothing, parameter: None, data: &[] }
    }

    fn then(self, then: Then) -> Op {
        Op { then, ..self }
    }
}

/// What a sequence is made of, by weight.
#[derive(Debug, Clone, Copy)]
enum Part {
    Probe,
    Secret,
    Seen,
    Strings,
    StringSetting,
    Path,
    Purpose,
    Setting,
    Transaction,
    Define,
    Others,
    Error,
    Write,
    Copy,
    Early,
    Late,
    Loose,
    /// Bound, then moved, then executed.
    Behind,
    /// Moved twice, the second time in a transaction that fails.
    Undone,
    /// Strings that end elsewhere behind a setting of the same segment.
    Otherwise,
}

use Part::{
    Behind, Copy as CopyIn, Define, Early, Error, Late, Loose, Others, Otherwise, Path, Probe, Purpose, Secret, Seen,
    Setting, StringSetting, Strings, Transaction, Undone, Write,
};

fn weights(theme: Theme) -> &'static [(Part, usize)] {
    match theme {
        Theme::Strings => &[
            (Strings, 22),
            (Otherwise, 16),
            (StringSetting, 26),
            (Transaction, 18),
            (Setting, 4),
            (Path, 4),
            (Error, 4),
            (Late, 6),
            (Early, 5),
            (Seen, 4),
            (Purpose, 2),
        ],
        Theme::Path => &[
            (Probe, 26),
            (Path, 26),
            (Transaction, 16),
            (Early, 9),
            (Late, 11),
            (Error, 4),
            (Define, 4),
            (Others, 2),
            (Setting, 2),
            (Purpose, 2),
            (Seen, 2),
        ],
        Theme::Definitions => &[
            (Probe, 26),
            (Define, 22),
            (Transaction, 20),
            (Early, 8),
            (Late, 10),
            (Error, 7),
            (Others, 3),
            (Seen, 3),
            (Write, 3),
            (Loose, 1),
            (Behind, 6),
            (Undone, 8),
        ],
        Theme::Late => &[
            (Probe, 10),
            (Define, 13),
            (Path, 8),
            (Transaction, 12),
            (Early, 20),
            (Late, 26),
            (Error, 4),
            (Others, 4),
            (Purpose, 3),
            (Loose, 2),
            (Behind, 14),
            (Undone, 3),
        ],
        Theme::Mixed => &[
            (Probe, 12),
            (Secret, 5),
            (Seen, 10),
            (Strings, 5),
            (StringSetting, 4),
            (Path, 6),
            (Purpose, 5),
            (Setting, 7),
            (Transaction, 12),
            (Define, 7),
            (Others, 3),
            (Error, 6),
            (Write, 8),
            (CopyIn, 4),
            (Early, 6),
            (Late, 8),
            (Loose, 5),
        ],
    }
}

const SAVEPOINTS: [&str; 2] = ["a", "b"];
const STATEMENTS: [&str; 4] = ["s", "t", "p", "-"];
const PORTALS: [&str; 4] = ["p", "q", "c", "-"];

/// A session in the making.
struct Composer {
    dice: Random,
    pair: Pair,
    words: Words,
    theme: Theme,
    units: Vec<Unit>,
    /// What will be sent in one go.
    lines: Vec<Line>,
    /// Whether its end is in a segment of the extended protocol.
    in_segment: bool,
    /// Whether the server most likely skips what comes in that segment.
    skips: bool,
    block: bool,
    failed: bool,
    saved: Vec<&'static str>,
    /// What names stand for, most likely.
    parsed: Vec<(&'static str, Op)>,
    bound: Vec<(&'static str, Op)>,
    prepared: Vec<(&'static str, Op)>,
    cursors: Vec<(&'static str, Op)>,
    /// Relations that are there, most likely.
    defined: Vec<&'static str>,
    messages: usize,
}

/// The sequence of this seed.
pub fn compose(seed: u64, pair: Pair) -> Sequence {
    let mut dice = Random::new(seed);
    let all = words(pair);
    let words = *dice.pick(&all);
    let themes = [
        Theme::Strings,
        Theme::Strings,
        Theme::Path,
        Theme::Definitions,
        Theme::Definitions,
        Theme::Definitions,
        Theme::Late,
        Theme::Late,
        Theme::Mixed,
    ];
    let theme = *dice.pick(&themes);
    let length = 5 + dice.below(36);
    let mut composer = Composer {
        dice,
        pair,
        words,
        theme,
        units: Vec::new(),
        lines: Vec::new(),
        in_segment: false,
        skips: false,
        block: false,
        failed: false,
        saved: Vec::new(),
        parsed: Vec::new(),
        bound: Vec::new(),
        prepared: Vec::new(),
        cursors: Vec::new(),
        defined: vec!["people_names"],
        messages: 0,
    };
    while composer.messages < length {
        composer.go_on();
    }
    // What was confused shows at the end, if it has not before.
    let last = composer.probe();
    composer.emit(last);
    composer.send();
    Sequence { purpose: composer.words.purpose, units: composer.units }
}

impl Composer {
    fn go_on(&mut self) {
        if self.block && self.failed && self.dice.percent(75) {
            let op = self.transaction();
            return self.emit(op);
        }
        if self.dice.percent(4) {
            return self.calm();
        }
        let weights = weights(self.theme);
        let mut at = self.dice.below(weights.iter().map(|(_, weight)| weight).sum());
        let (part, _) = weights
            .iter()
            .find(|(_, weight)| match at.checked_sub(*weight) {
                Some(rest) => {
                    at = rest;
                    false
                }
                None => true,
            })
            .expect("a part");
        let op = match part {
            Probe => self.probe(),
            Secret => self.secret(),
            Seen => Op::new("read", *self.dice.pick(self.words.seen)),
            Strings => self.string(),
            StringSetting => self.string_setting(),
            Path => self.path(),
            Purpose => self.purpose(),
            Setting => self.setting(),
            Transaction => self.transaction(),
            Define => self.definition(),
            Error => self.error(),
            Write | CopyIn if self.words.writes.is_empty() => self.probe(),
            Write => Op::new("write", *self.dice.pick(self.words.writes)),
            CopyIn => self.copy_in(),
            Others => return self.others(),
            Early => return self.early(),
            Late => return self.late(),
            Loose => return self.loose(),
            Behind => return self.behind(),
            Undone => return self.undone(),
            Otherwise => return self.otherwise(),
        };
        if matches!(part, Define) && op.text.starts_with("DROP VIEW") {
            return self.replaced(op);
        }
        let moves = matches!(part, StringSetting | Path | Define | Transaction) && op.then != Then::Begins;
        if !moves || self.dice.percent(45) {
            return self.emit(op);
        }
        // What has moved is asked for at once, before anything was answered.
        let probe = if matches!(part, StringSetting) { self.string_behind(&op.text) } else { self.probe() };
        self.put(op, 65);
        self.emit(probe);
    }

    fn line(&mut self, text: impl Into<String>, labels: Vec<&'static str>) {
        self.lines.push(Line { text: text.into(), labels });
        self.messages += 1;
    }

    /// Ends what is sent in one go.
    fn send(&mut self) {
        if self.in_segment {
            self.line("\\sync", Vec::new());
            (self.in_segment, self.skips) = (false, false);
            self.segment_ends();
        } else if !self.lines.is_empty() {
            let more = "\\sync+";
            // The last Sync does the same.
            match self.lines.last_mut() {
                Some(last) if last.text == more => last.text = "\\sync".to_owned(),
                _ => self.lines.push(Line { text: "\\end".to_owned(), labels: Vec::new() }),
            }
        }
        if !self.lines.is_empty() {
            self.units.push(Unit { who: Who::Attacker, lines: std::mem::take(&mut self.lines) });
        }
    }

    fn segment_ends(&mut self) {
        if !self.block {
            self.bound.clear();
            self.cursors.retain(|(_, op)| op.text.contains("WITH HOLD"));
        }
    }

    /// A Sync, and more behind it.
    fn sync(&mut self) {
        if self.in_segment {
            self.line("\\sync+", Vec::new());
            (self.in_segment, self.skips) = (false, false);
            self.segment_ends();
        }
    }

    fn happens(&mut self, then: Then) {
        if self.skips {
            return;
        }
        match then {
            Then::Nothing => {}
            Then::Begins => self.block = true,
            Then::Ends | Then::Chains => {
                self.block = then == Then::Chains;
                self.failed = false;
                self.saved.clear();
                self.bound.clear();
                self.cursors.clear();
            }
            Then::Saves(name) => self.saved.push(name),
            Then::Back => self.failed = false,
            Then::Fails => {
                self.failed = self.block;
                self.skips = self.in_segment;
            }
        }
    }

    /// Sends a statement, in some way.
    fn emit(&mut self, op: Op) {
        let extended = if self.in_segment { 70 } else { 42 };
        self.put(op, extended);
        match self.dice.below(100) {
            0..45 => self.send(),
            45..60 => self.sync(),
            _ => {}
        }
    }

    /// Takes a statement into what is sent next; so many times of a hundred by the extended protocol.
    fn put(&mut self, op: Op, extended: usize) {
        let many = op.text.contains("; ");
        let joins = !self.in_segment
            && op.data.is_empty()
            && self.lines.last().is_some_and(|line| line.text.starts_with("\\query ") && !line.text.contains("--"));
        match self.dice.below(100) {
            _ if many => self.query(op),
            at if at < extended || op.parameter.is_some() => self.extended(op),
            _ if joins && self.dice.percent(40) => {
                let last = self.lines.last_mut().expect("a line");
                last.text += &format!("; {}", op.text);
                last.labels.push(op.label);
                self.happens(op.then);
            }
            _ => self.query(op),
        }
    }

    fn query(&mut self, op: Op) {
        self.sync();
        self.line(format!("\\query {}", op.text), vec![op.label]);
        self.copies(&op);
        self.happens(op.then);
    }

    fn copies(&mut self, op: &Op) {
        for line in op.data {
            self.line(*line, Vec::new());
        }
    }

    fn extended(&mut self, op: Op) {
        self.in_segment = true;
        self.line(format!("\\parse - {}", op.text), Vec::new());
        if self.dice.percent(15) {
            self.line("\\describe S -", Vec::new());
        }
        self.bind("-", "-", &op);
        self.execute("-", &op);
        self.happens(op.then);
    }

    fn bind(&mut self, portal: &str, statement: &str, op: &Op) {
        let word = if self.dice.percent(15) { "bindb" } else { "bind" };
        let parameter = match (op.parameter, self.dice.below(100)) {
            // Too many, or none where one is needed.
            (None, 0..2) | (Some(_), 2..95) => " 0",
            (Some(_), 95..) => " word",
            (None, _) | (Some(_), _) => "",
        };
        self.line(format!("\\{word} {portal} {statement}{parameter}"), Vec::new());
        if self.dice.percent(12) {
            self.line(format!("\\describe P {portal}"), Vec::new());
        }
    }

    fn execute(&mut self, portal: &str, op: &Op) {
        let rows = if self.dice.percent(75) { 0 } else { 1 + self.dice.below(2) };
        self.line(format!("\\execute {portal} {rows}"), vec![op.label]);
        self.copies(op);
    }

    /// Something that is executed later: when names may mean something else.
    fn early(&mut self) {
        if !self.block && !self.in_segment && self.dice.percent(50) {
            self.emit(Op::new("transactions", "BEGIN").then(Then::Begins));
        }
        let how = self.dice.below(10);
        let op = match self.dice.below(10) {
            0..6 => self.probe(),
            6 => self.definition(),
            7 => self.transaction(),
            8 => self.string(),
            _ => self.path(),
        };
        let selects = op.text.starts_with("SELECT") && op.label == "read";
        if op.text.contains("; ") {
            return self.emit(op);
        }
        match how {
            0..2 if selects || self.dice.percent(5) => {
                let name = *self.dice.pick(&["e", "f", "s"]);
                let text = format!("PREPARE {name} AS {}", op.text);
                self.emit(Op::new("prepare", text));
                self.prepared.push((name, op));
            }
            2..4 if selects && !self.failed => {
                let name = *self.dice.pick(&["c", "d", "p"]);
                if !self.block {
                    self.emit(Op::new("transactions", "BEGIN").then(Then::Begins));
                }
                if self.cursors.iter().any(|(known, _)| *known == name) {
                    self.emit(Op::new("other utilities", format!("CLOSE {name}")));
                    self.cursors.retain(|(known, _)| *known != name);
                }
                let (scroll, hold) = (self.dice.percent(30), self.dice.percent(20));
                let (scroll, hold) = (if scroll { " SCROLL" } else { "" }, if hold { " WITH HOLD" } else { "" });
                let declare = Op::new("declare", format!("DECLARE {name}{scroll} CURSOR{hold} FOR {}", op.text));
                if self.dice.percent(25) {
                    self.extended_early(declare);
                } else {
                    self.emit(declare);
                }
                self.cursors.push((name, op));
            }
            _ => self.extended_early(op),
        }
    }

    /// Parsed, and perhaps bound.
    fn extended_early(&mut self, op: Op) {
        self.in_segment = true;
        let name = *self.dice.pick(&STATEMENTS);
        if name != "-" && self.dice.percent(40) {
            self.line(format!("\\close S {name}"), Vec::new());
        }
        self.line(format!("\\parse {name} {}", op.text), Vec::new());
        self.parsed.retain(|(known, _)| *known != name);
        self.parsed.push((name, op.clone()));
        if self.dice.percent(60) {
            let portal = *self.dice.pick(&PORTALS);
            if portal != "-" && self.dice.percent(40) {
                self.line(format!("\\close P {portal}"), Vec::new());
            }
            self.bind(portal, name, &op);
            self.bound.retain(|(known, _)| *known != portal);
            self.bound.push((portal, op.clone()));
            if self.dice.percent(25) {
                self.line(format!("\\execute {portal} 1"), vec![op.label]);
            }
        }
        match (self.block, self.dice.below(100)) {
            (true, 0..30) => self.send(),
            (true, 30..45) | (false, 0..10) => self.sync(),
            (true | false, _) => {}
        }
    }

    /// What was prepared, bound or declared before.
    fn late(&mut self) {
        let (bound, parsed, prepared, cursors) =
            (self.bound.clone(), self.parsed.clone(), self.prepared.clone(), self.cursors.clone());
        match self.dice.below(10) {
            0..4 if !bound.is_empty() => {
                self.in_segment = true;
                let (portal, op) = self.dice.pick(&bound).clone();
                self.execute(portal, &op);
                self.happens(op.then);
            }
            0..6 if !parsed.is_empty() && !self.failed => {
                self.in_segment = true;
                let (name, op) = self.dice.pick(&parsed).clone();
                let portal = *self.dice.pick(&PORTALS);
                if self.dice.percent(20) {
                    self.line(format!("\\describe S {name}"), Vec::new());
                }
                if portal != "-" {
                    self.line(format!("\\close P {portal}"), Vec::new());
                }
                self.bind(portal, name, &op);
                self.execute(portal, &op);
                self.happens(op.then);
            }
            0..8 if !prepared.is_empty() => {
                let (name, op) = self.dice.pick(&prepared).clone();
                let argument = if op.parameter.is_some() { "(0)" } else { "" };
                let before = if self.dice.percent(10) { "EXPLAIN (COSTS OFF) " } else { "" };
                self.emit(Op::new("execute", format!("{before}EXECUTE {name}{argument}")));
            }
            _ if !cursors.is_empty() && !self.failed => {
                let (name, _) = *self.dice.pick(&cursors.iter().map(|(name, op)| (*name, op)).collect::<Vec<_>>());
                if self.dice.percent(20) {
                    self.in_segment = true;
                    self.line(format!("\\execute {name} {}", self.dice.clone().below(3)), vec!["fetch"]);
                } else {
                    let how = *self.dice.pick(&[
                        "FETCH 1 FROM",
                        "FETCH ALL FROM",
                        "FETCH BACKWARD 1 FROM",
                        "MOVE 1 IN",
                        "FETCH ABSOLUTE 1 FROM",
                    ]);
                    self.emit(Op::new("fetch", format!("{how} {name}")));
                }
            }
            _ => {
                let op = self.probe();
                self.emit(op);
            }
        }
        if self.in_segment {
            match self.dice.below(100) {
                0..35 => self.send(),
                35..45 => self.sync(),
                _ => {}
            }
        }
    }

    /// Messages that belong to nothing.
    fn loose(&mut self) {
        let plain = [
            "DEALLOCATE ALL",
            "DEALLOCATE s",
            "CLOSE ALL",
            "CLOSE c",
            "DISCARD PLANS",
            "DISCARD SEQUENCES",
            "LISTEN jobs",
            "NOTIFY jobs, 'done'",
            "UNLISTEN *",
            "SHOW search_path",
            "SHOW standard_conforming_strings",
            "SELECT 1",
            "DISCARD TEMP",
            "",
        ];
        let names = ["s", "t", "p", "q", "-"];
        let name = *self.dice.pick(&names);
        match self.dice.below(10) {
            0..4 => {
                let op = Op::new("other utilities", *self.dice.pick(&plain));
                self.emit(op);
            }
            kind => {
                self.in_segment = true;
                let text = match kind {
                    4 => format!("\\close S {name}"),
                    5 => format!("\\close P {name}"),
                    6 => format!("\\describe S {name}"),
                    7 => format!("\\describe P {name}"),
                    8 => format!("\\execute {name} 0"),
                    _ => "\\flush".to_owned(),
                };
                self.line(text, Vec::new());
            }
        }
    }

    /// Another session defines something, through the proxy or around it, and the proxy is made to look.
    fn others(&mut self) {
        let body = self.body();
        let texts = [
            format!("DROP VIEW IF EXISTS people_names; CREATE VIEW people_names AS {body}"),
            format!("DROP VIEW IF EXISTS people_names; CREATE VIEW people_names AS {body}"),
            format!("DROP TABLE IF EXISTS mine; CREATE TABLE mine AS {body}"),
            format!("CREATE SCHEMA IF NOT EXISTS aside; CREATE OR REPLACE VIEW aside.people_names AS {body}"),
            format!("CREATE SCHEMA IF NOT EXISTS insider; CREATE OR REPLACE VIEW insider.people_names AS {body}"),
        ];
        let text = self.dice.pick(&texts).clone();
        self.others_say(&text);
    }

    fn others_say(&mut self, text: &str) {
        self.send();
        let line = |text: &str| Line { text: text.to_owned(), labels: Vec::new() };
        let said = |text: &str| {
            vec![line("\\query SET lock_timeout = '100ms'"), line(&format!("\\query {text}")), line("\\end")]
        };
        let clerk = Who::Other("clerk".to_owned());
        if self.dice.percent(60) {
            self.units.push(Unit { who: clerk, lines: said(text) });
        } else {
            self.units.push(Unit { who: Who::Owner, lines: said(text) });
            self.units.push(Unit { who: clerk, lines: said("DROP TABLE IF EXISTS nothing_of_this_name") });
        }
        self.messages += 1;
    }
}
