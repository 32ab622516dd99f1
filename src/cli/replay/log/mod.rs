//! What a server's log says was executed: csvlog, jsonlog and the plain log, read record by record.

mod csv;
mod json;
mod message;
mod plain;

pub(super) use message::Executed;
pub(super) use plain::{Prefix, PrefixError};

use std::io::{self, BufRead};

/// The longest record that is read, in bytes; what goes beyond is counted as not understood.
const LONGEST_RECORD: usize = 16 << 20;
/// How many bytes of a log tell what format it has.
const LOOKED_AT: usize = 64 << 10;

/// How a log is written (`log_destination`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// `csvlog`
    Csv,
    /// `jsonlog`, from PostgreSQL 15 on
    Json,
    /// `stderr`: lines that begin with log_line_prefix
    Stderr,
}

/// One record of a log, as far as it is of use here.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) severity: String,
    pub(super) message: String,
    pub(super) detail: Option<String>,
    pub(super) user: Option<String>,
    pub(super) database: Option<String>,
    pub(super) application: Option<String>,
}

/// What a log yields next.
#[derive(Debug)]
pub(super) enum Next {
    Record(Record),
    /// Lines that are no record of this format.
    Unread,
    End,
}

/// A statement that the log says was executed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) text: String,
    pub(super) user: Option<String>,
    pub(super) database: Option<String>,
    pub(super) application: Option<String>,
}

impl Record {
    /// The statement that the record says was executed, if it says so.
    pub(super) fn executed(self) -> Option<Entry> {
        if self.severity != "LOG" {
            return None;
        }
        let Executed { text } = message::executed(&self.message, self.detail.as_deref())?;
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty() && text != "[unknown]");
        let (user, database) = (filled(self.user), filled(self.database));
        Some(Entry { text, user, database, application: filled(self.application) })
    }
}

/// A log that is being read.
pub(super) struct Log<R> {
    lines: Lines<R>,
    kind: Kind,
}

enum Kind {
    Csv,
    Json,
    Stderr(Box<plain::Plain>),
}

impl<R: BufRead> Log<R> {
    /// Begins to read a log. Without a format it is told from its first bytes; without a prefix the common ones are tried.
    pub(super) fn open(
        mut from: R,
        format: Option<Format>,
        prefix: Option<Prefix>,
    ) -> io::Result<Result<Log<R>, PrefixError>> {
        let mut begin = Vec::new();
        // What is looked at is put back in front of the rest.
        while begin.len() < LOOKED_AT {
            let some = from.fill_buf()?;
            if some.is_empty() {
                break;
            }
            let (count, wanted) = (some.len(), LOOKED_AT - begin.len());
            let taken = count.min(wanted);
            begin.extend_from_slice(&some[..taken]);
            from.consume(taken);
        }
        let sample = String::from_utf8_lossy(&begin).into_owned();
        let kind = match format.unwrap_or_else(|| told(&sample)) {
            Format::Csv => Kind::Csv,
            Format::Json => Kind::Json,
            Format::Stderr => match prefix.map_or_else(|| plain::recognised(&sample), Ok) {
                Ok(prefix) => Kind::Stderr(Box::new(plain::Plain::new(prefix))),
                Err(unknown) => return Ok(Err(unknown)),
            },
        };
        Ok(Ok(Log { lines: Lines { begin, at: 0, rest: from, read: 0, count: 0 }, kind }))
    }

    pub(super) fn next(&mut self) -> io::Result<Next> {
        match &mut self.kind {
            Kind::Csv => csv::next(&mut self.lines),
            Kind::Json => json::next(&mut self.lines),
            Kind::Stderr(plain) => plain.next(&mut self.lines),
        }
    }

    /// How many bytes were read.
    pub(super) fn bytes(&self) -> u64 {
        self.lines.read
    }

    /// How many lines were read.
    pub(super) fn lines(&self) -> u64 {
        self.lines.count
    }
}

/// The format of a log that begins like this.
fn told(sample: &str) -> Format {
    let first = sample.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if first.starts_with('{') {
        Format::Json
    } else if csv::looks_like(first) {
        Format::Csv
    } else {
        Format::Stderr
    }
}

/// The lines of a log, as bytes made text: what is no UTF-8 is replaced.
struct Lines<R> {
    begin: Vec<u8>,
    at: usize,
    rest: R,
    read: u64,
    count: u64,
}

impl<R: BufRead> Lines<R> {
    /// Appends the next line, with its end; whether there was one. What makes `to` longer than a record may be is dropped.
    fn append(&mut self, to: &mut Vec<u8>) -> io::Result<bool> {
        let before = to.len();
        let mut read = 0;
        if self.at < self.begin.len() {
            let left = &self.begin[self.at..];
            let end = left.iter().position(|byte| *byte == b'\n').map_or(left.len(), |end| end + 1);
            to.extend_from_slice(&left[..end]);
            self.at += end;
            read = end;
        }
        if to.len() == before || to.last() != Some(&b'\n') {
            read += self.rest.read_until(b'\n', to)?;
        }
        to.truncate(to.len().min(before.max(LONGEST_RECORD)));
        self.read += read as u64;
        self.count += u64::from(read > 0);
        Ok(read > 0)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every statement of a log, `user database application: text`, and how many lines were no records.
    fn entries(log: &str) -> (Vec<String>, usize) {
        // A small buffer cuts lines and records where they must not be cut.
        let from = io::BufReader::with_capacity(16, log.as_bytes());
        let mut log = Log::open(from, None, None).expect("reading").unwrap_or_else(|error| panic!("{error}"));
        let (mut found, mut unread) = (Vec::new(), 0);
        loop {
            match log.next().expect("reading") {
                Next::Record(record) => found.extend(record.executed().map(|entry| {
                    let or = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
                    format!("{} {} {}: {}", or(entry.user), or(entry.database), or(entry.application), entry.text)
                })),
                Next::Unread => unread += 1,
                Next::End => return (found, unread),
            }
        }
    }

    #[test]
    fn csv_records_span_lines() {
        let log = "2026-01-01 10:00:00.000 UTC,\"app\",\"shop\",77,\"[local]\",6543.4d,1,\"SELECT\",2026-01-01 10:00:00 UTC,3/4,0,LOG,00000,\
                   \"statement: SELECT 1,\n\"\"a\"\"\",,,,,,,,,\"web, \"\"two\"\"\",\"client backend\",,0\n\
                   2026-01-01 10:00:00.000 UTC,,,1,,6543.1,2,,2026-01-01 10:00:00 UTC,,0,LOG,00000,\"checkpoint starting: time\",,,,,,,,,\"\",\"checkpointer\",,0\n\
                   no record at all\n";
        assert_eq!(entries(log), (vec!["app shop web, \"two\": SELECT 1,\n\"a\"".to_owned()], 1));
    }

    #[test]
    fn json_records_are_lines() {
        let log = "{\"user\":\"app\",\"dbname\":\"shop\",\"error_severity\":\"LOG\",\"message\":\"execute S_1: SELECT $1\",\"detail\":\"parameters: $1 = 'x'\",\"application_name\":\"web\"}\n\
                   {\"error_severity\":\"LOG\",\"message\":\"checkpoint\"}\nnonsense\n";
        assert_eq!(entries(log), (vec!["app shop web: SELECT $1".to_owned()], 1));
    }

    #[test]
    fn plain_records_go_on_behind_a_tab() {
        let log = "2026-01-01 10:00:00.000 UTC [7] app@shop LOG:  statement: SELECT 1,\n\t2\n\
                   2026-01-01 10:00:00.000 UTC [7] app@shop LOG:  execute <unnamed>: SELECT $1\n\
                   2026-01-01 10:00:00.000 UTC [7] app@shop DETAIL:  parameters: $1 = 'LOG:  statement: x'\n\
                   2026-01-01 10:00:00.000 UTC [7] app@shop LOG:  statement: EXECUTE p(1)\n\
                   2026-01-01 10:00:00.000 UTC [7] app@shop DETAIL:  prepare: PREPARE p AS SELECT 3\n\
                   2026-01-01 10:00:00.000 UTC [9] LOG:  checkpoint starting: time\n\
                   2026-01-01 10:00:00.000 UTC [7] app@shop ERROR:  no\n\
                   2026-01-01 10:00:00.000 UTC [7] app@shop STATEMENT:  SELECT broken\n";
        let told = ["SELECT 1,\n2", "SELECT $1", "PREPARE p AS SELECT 3"].map(|text| format!("app shop -: {text}"));
        assert_eq!(entries(log), (told.to_vec(), 0));
    }

    #[test]
    fn a_log_whose_prefix_is_unknown_says_so() {
        let from = io::BufReader::new("<<7>> LOG:  statement: SELECT 1\n".as_bytes());
        let Err(error) = Log::open(from, None, None).expect("reading") else { panic!("no prefix fits") };
        assert!(error.to_string().contains("--log-line-prefix"), "{error}");
    }
}
