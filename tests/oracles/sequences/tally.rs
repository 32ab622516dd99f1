//! What became of the statements of sequences: which were answered, by what they are counted as.

use super::compose::Sequence;
use crate::common::raw::Frame;
use std::collections::BTreeMap;

/// The figures of a run.
#[derive(Debug, Default)]
pub struct Tally {
    sequences: usize,
    messages: usize,
    statements: usize,
    answered: usize,
    /// Sequences that were played at the bare server, and those that told the worlds apart there.
    bare: usize,
    telling: usize,
    /// By what is counted: answered, of all.
    labels: BTreeMap<&'static str, (usize, usize)>,
    /// The errors that were met, by their words.
    errors: BTreeMap<String, usize>,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Tally { sequences, messages, statements, answered, bare, telling, labels, errors: _ } = self;
        let kinds = labels.len();
        write!(
            f,
            "sequences={sequences} messages={messages} statements={statements} answered={answered} kinds={kinds} \
             tried_on_a_bare_server={bare} telling_there={telling}"
        )
    }
}

/// Frames of the answers, in order, without what comes unasked.
struct Answers<'a>(Box<dyn Iterator<Item = u8> + 'a>);

impl Answers<'_> {
    /// Skips to the first of these tags and says which it is.
    fn to(&mut self, tags: &[u8]) -> Option<u8> {
        self.0.find(|tag| tags.contains(tag))
    }
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.sequences += other.sequences;
        self.messages += other.messages;
        self.statements += other.statements;
        self.answered += other.answered;
        self.bare += other.bare;
        self.telling += other.telling;
        for (words, count) in &other.errors {
            *self.errors.entry(words.clone()).or_default() += count;
        }
        for (label, (answered, all)) in &other.labels {
            let sum = self.labels.entry(label).or_default();
            *sum = (sum.0 + answered, sum.1 + all);
        }
    }

    pub fn bare(&mut self, tells: bool) {
        self.bare += 1;
        self.telling += usize::from(tells);
    }

    fn statement(&mut self, label: &'static str, answered: bool) {
        let sum = self.labels.entry(label).or_default();
        *sum = (sum.0 + usize::from(answered), sum.1 + 1);
        self.statements += 1;
        self.answered += usize::from(answered);
    }

    /// Follows the messages of a sequence and their answers.
    pub fn count(&mut self, sequence: &Sequence, transcript: &[Frame]) {
        self.sequences += 1;
        for error in transcript.iter().filter(|frame| frame.tag == b'E') {
            let words = error.field(b'M').unwrap_or_default();
            *self.errors.entry(words).or_default() += 1;
        }
        let mut answers = Answers(Box::new(transcript.iter().map(|frame| frame.tag)));
        answers.to(b"Z");
        let mut skips = false;
        for line in sequence.own_lines() {
            self.messages += usize::from(line.text != "\\end");
            let word = line.text.split(' ').next().unwrap_or_default();
            let answer: &[u8] = match word {
                "\\query" => {
                    let mut left = line.labels.iter();
                    loop {
                        match answers.to(b"CIEZ!") {
                            Some(b'C' | b'I') => left.next().into_iter().for_each(|label| self.statement(label, true)),
                            Some(b'E') => {}
                            _ready_or_over => break,
                        }
                    }
                    left.for_each(|label| self.statement(label, false));
                    b""
                }
                "\\sync" | "\\sync+" => {
                    skips = false;
                    b""
                }
                "\\parse" => b"1E",
                "\\bind" | "\\bindb" => b"2E",
                "\\describe" => b"TnE",
                "\\close" => b"3E",
                "\\execute" => b"CsIE",
                _ => b"",
            };
            let ended = match (skips, answer) {
                (true, _) => Some(b'E'),
                (false, b"") => None,
                (false, tags) => answers.to(tags),
            };
            skips |= ended == Some(b'E');
            if word == "\\execute" {
                line.labels.iter().for_each(|label| self.statement(label, ended.is_some_and(|tag| tag != b'E')));
            }
            if matches!(word, "\\sync" | "\\sync+") {
                answers.to(b"Z!");
            }
        }
    }

    /// With `WHEREFORE_REASONS` set, prints how many of each kind were answered, and which errors were met.
    pub fn show(&self) {
        if std::env::var_os("WHEREFORE_REASONS").is_some() {
            for (label, (answered, all)) in &self.labels {
                println!("    {label}: {answered} of {all}");
            }
            let mut errors: Vec<_> = self.errors.iter().collect();
            errors.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            errors.iter().take(70).for_each(|(words, count)| println!("    {count} × {words}"));
        }
    }

    /// Whether the run has shown enough.
    pub fn suffices(&self) {
        let few: Vec<_> = self.labels.iter().filter(|(label, (answered, _))| *answered < least(label)).collect();
        assert!(few.is_empty(), "too few are answered: {few:?}");
        assert!(self.sequences >= 300 && self.statements >= 3_000, "{self}");
        assert!(self.answered * 3 >= self.statements, "too few are answered: {self}");
        assert!(self.telling * 5 >= self.bare * 2, "too few tell anything: {self}");
    }
}

/// The least number of statements of a kind that must be answered.
fn least(label: &str) -> usize {
    match label {
        "a closed value" | "errors" => 0,
        "copy in" => 1,
        _ => 3,
    }
}
