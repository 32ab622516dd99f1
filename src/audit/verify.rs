//! Whether a trail is as it was written.
//!
//! Each line's hash stands in the next, so that a line that was changed, removed, put in or moved breaks the chain where it
//! stands. Whoever can write the file can make a new chain, but not sign its checkpoints, nor leave them out: each says how
//! soon the next one comes. What stands behind the last checkpoint, and a tail that is gone, only someone knows who knew a
//! later line: [`Anchor`].

use super::chain::{Every, hash, signed};
use super::key::{Verifier, hex};
use super::read::{Line, LineError, Link, Whole, lines_of};
use std::io;
use std::path::{Path, PathBuf};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// Somebody has changed the trail.
    Broken,
    /// To be known.
    Note,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    pub gravity: Gravity,
    pub what: String,
}

/// A line that is known from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    pub seq: u64,
    /// In hexadecimal, or its beginning.
    pub hash: String,
}

/// How a trail ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The proxy has said that it stops.
    Stopped,
    /// It runs, or has crashed, or the tail is gone.
    Open,
}

/// What verifying has come to.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub findings: Vec<Finding>,
    pub lines: u64,
    pub checkpoints: u64,
    /// Checkpoints whose signature was checked, and is good.
    pub signed: u64,
    /// The number of the last line and its hash.
    pub last: Option<(u64, String)>,
    /// Lines behind the last checkpoint.
    pub uncovered: u64,
    pub end: End,
}

impl Verdict {
    /// Whether nothing speaks against the trail.
    pub fn holds(&self) -> bool {
        self.findings.iter().all(|finding| finding.gravity == Gravity::Note)
    }
}

/// What must come next.
struct Next {
    id: String,
    seq: u64,
    prev: String,
}

/// Lines that are none, until it is known why.
#[derive(Default)]
struct Bad {
    bytes: Vec<u8>,
    lines: Vec<(usize, LineError)>,
}

/// How far the last good checkpoint reaches.
#[derive(Default)]
struct Reach {
    /// Its time and what it promises; `None`: there was none yet.
    from: Option<(i64, Every)>,
    /// Records since, and whether they are found to be too many already.
    records: u64,
    told: bool,
}

struct Walk<'v> {
    verifier: Option<&'v Verifier>,
    anchor: Option<&'v Anchor>,
    file: PathBuf,
    next: Option<Next>,
    bad: Bad,
    reach: Reach,
    met: bool,
    verdict: Verdict,
}

/// Verifies files of one trail, in whichever order they are named.
pub fn verify(files: &[PathBuf], verifier: Option<&Verifier>, anchor: Option<&Anchor>) -> io::Result<Verdict> {
    let mut ordered = Vec::with_capacity(files.len());
    for file in files {
        ordered.push((first(file)?, file));
    }
    ordered.sort();
    let verdict =
        Verdict { findings: Vec::new(), lines: 0, checkpoints: 0, signed: 0, last: None, uncovered: 0, end: End::Open };
    let (bad, file) = (Bad::default(), PathBuf::new());
    let reach = Reach::default();
    let mut walk = Walk { verifier, anchor, file, next: None, bad, reach, met: false, verdict };
    for (_, file) in ordered {
        walk.file.clone_from(file);
        let mut number = 0;
        lines_of(file, |bytes, whole| {
            number += 1;
            walk.line(number, &bytes, whole);
        })?;
        walk.judge_bad(None);
    }
    walk.end();
    Ok(walk.verdict)
}

/// The number of a file's first line; files without one go last.
fn first(file: &Path) -> io::Result<u64> {
    let mut first = None;
    lines_of(file, |bytes, _| {
        if first.is_none() {
            first = Line::parse(&bytes).ok().map(|line| line.chain.seq);
        }
    })?;
    Ok(first.unwrap_or(u64::MAX))
}

impl Walk<'_> {
    fn find(&mut self, line: usize, gravity: Gravity, what: impl Into<String>) {
        let (file, what) = (self.file.clone(), what.into());
        self.verdict.findings.push(Finding { file, line, gravity, what });
    }

    fn line(&mut self, number: usize, bytes: &[u8], whole: Whole) {
        let line = match Line::parse(bytes) {
            Ok(line) => line,
            Err(error) => {
                if !self.bad.lines.is_empty() {
                    self.bad.bytes.push(b'\n');
                }
                self.bad.bytes.extend_from_slice(bytes);
                self.bad.lines.push((number, error));
                if whole == Whole::No {
                    self.bad.lines.clear();
                    self.bad.bytes.clear();
                    self.find(
                        number,
                        Gravity::Note,
                        "half a line: the proxy crashed while it wrote it, or the tail is gone",
                    );
                }
                return;
            }
        };
        self.judge_bad(Some((&line, number)));
        self.follows(&line, number);
        self.meets(&line.chain, bytes, number);
        self.verdict.lines += 1;
        self.verdict.uncovered += 1;
        self.verdict.end = End::Open;
        let promise = line.checkpoint().and_then(|reason| self.checkpoint(&line, reason, number));
        if self.verifier.is_some() {
            self.reaches(&line, promise, number);
        }
        let hash = hex(&hash(bytes));
        self.verdict.last = Some((line.chain.seq, hash.clone()));
        self.next = Some(Next { id: line.chain.id, seq: line.chain.seq + 1, prev: hash });
    }

    /// Whether lines that are none are what a crash has left, as the line behind them says.
    fn judge_bad(&mut self, behind: Option<(&Line, usize)>) {
        let Bad { bytes, lines } = std::mem::take(&mut self.bad);
        let Some((first, _)) = lines.first() else { return };
        let told = behind.filter(|(line, _)| line.checkpoint() == Some("start")).is_some_and(|(line, _)| {
            let length = line.number("/unmapped/torn/bytes").and_then(|length| usize::try_from(length).ok());
            length == Some(bytes.len()) && line.text("/unmapped/torn/sha256") == Some(&hex(&hash(&bytes)))
        });
        if told {
            let what =
                format!("{} bytes of a line that a crash has cut off: the next start has noted them", bytes.len());
            return self.find(*first, Gravity::Note, what);
        }
        for (number, error) in lines {
            self.find(number, Gravity::Broken, format!("this is no line of the trail: {error}"));
        }
    }

    /// Whether a line stands where it was written.
    fn follows(&mut self, line: &Line, number: usize) {
        let Link { id, seq, prev } = &line.chain;
        let Some(next) = &self.next else {
            if *seq > 1 {
                let what = format!("the trail begins with record {seq} here: what came before is not in these files");
                self.find(number, Gravity::Note, what);
            } else if prev.bytes().any(|byte| byte != b'0') {
                self.find(number, Gravity::Broken, "the first record names one before it");
            }
            return;
        };
        let (expected, same) = (next.seq, next.prev == *prev);
        let what = if next.id != *id {
            format!("record {seq} is of another chain, {id}")
        } else if *seq > expected {
            format!("records {expected} to {} are missing before this line", seq - 1)
        } else if *seq < expected {
            format!("record {seq} stands behind record {}: lines were moved or put in", expected - 1)
        } else if !same {
            format!("record {seq} does not follow from the line before it: record {} was changed", seq - 1)
        } else {
            return;
        };
        self.find(number, Gravity::Broken, what);
    }

    fn meets(&mut self, link: &Link, bytes: &[u8], number: usize) {
        let Some(anchor) = self.anchor.filter(|anchor| anchor.seq == link.seq) else { return };
        self.met = true;
        if !hex(&hash(bytes)).starts_with(&anchor.hash) {
            self.find(number, Gravity::Broken, format!("record {} is not the one that is known", link.seq));
        }
    }

    /// Whether checkpoints come as soon as was promised; `promise` is that of a good one.
    fn reaches(&mut self, line: &Line, promise: Option<Every>, number: usize) {
        if self.verdict.lines == 1 && line.chain.seq == 1 && (promise.is_none() || line.checkpoint() != Some("start")) {
            self.find(number, Gravity::Broken, "the trail does not begin with a signed checkpoint: it was made anew");
        }
        let time = line.number("/time").unwrap_or_default();
        let records = self.reach.records + u64::from(promise.is_none());
        // Of what stands before the first one there is only its own promise.
        let late = match (self.reach.from, promise) {
            (Some((_, every)), Some(_)) | (None, Some(every)) => records > every.lines,
            (Some((from, every)), None) => {
                records > every.lines || records > 1 && time >= from.saturating_add(every.milliseconds)
            }
            (None, None) => false,
        };
        if late && !self.reach.told {
            self.reach.told = true;
            let what =
                "a signed checkpoint was promised before this record: it was left out, and what it covered made anew";
            self.find(number, Gravity::Broken, what);
        }
        match promise {
            Some(every) => self.reach = Reach { from: Some((time, every)), records: 0, told: false },
            None => self.reach.records = records,
        }
    }

    /// Takes a checkpoint; what it promises, if it is good.
    fn checkpoint(&mut self, line: &Line, reason: &str, number: usize) -> Option<Every> {
        let lines = line.number("/unmapped/every/lines").map_or(0, i64::unsigned_abs);
        let milliseconds = line.number("/unmapped/every/milliseconds").unwrap_or_default();
        let every = Every { lines, milliseconds };
        self.verdict.checkpoints += 1;
        let signature = line.text("/unmapped/key").zip(line.text("/unmapped/signature"));
        let good = match (self.verifier, signature) {
            (None, _) => false,
            (Some(_), None) => {
                self.find(number, Gravity::Broken, "this checkpoint is not signed");
                false
            }
            (Some(verifier), Some((key, _))) if key != verifier.id() => {
                self.find(number, Gravity::Broken, format!("this checkpoint is signed by another key, {key}"));
                false
            }
            (Some(verifier), Some((_, signature))) => {
                let Link { id, seq, prev } = &line.chain;
                let time = line.number("/time").unwrap_or_default();
                let holds = verifier.holds(&signed(id, *seq, prev, time, reason, every), signature);
                if !holds {
                    self.find(number, Gravity::Broken, "the signature of this checkpoint is not good: it was forged");
                }
                holds
            }
        };
        self.verdict.signed += u64::from(good);
        self.verdict.uncovered = 0;
        match reason {
            "stop" => self.verdict.end = End::Stopped,
            "start" if line.text("/unmapped/after") == Some("crash") => {
                let what = "the proxy began again here after a run that did not say that it ends: it crashed, or lines are gone";
                self.find(number, Gravity::Note, what);
            }
            _another => {}
        }
        good.then_some(every)
    }

    fn end(&mut self) {
        if self.verifier.is_some() && self.verdict.lines > 0 && self.verdict.signed == 0 {
            self.find(0, Gravity::Broken, "none of these records is covered by a checkpoint that this key has signed");
        }
        let last = self.verdict.last.as_ref().map_or(0, |(seq, _)| *seq);
        if let Some(anchor) = self.anchor.filter(|_| !self.met) {
            let what = match anchor.seq > last {
                true => {
                    format!("the trail ends with record {last}, and record {} is known: its tail is gone", anchor.seq)
                }
                false => format!("record {} is not in these files", anchor.seq),
            };
            self.find(0, Gravity::Broken, what);
        }
    }
}
