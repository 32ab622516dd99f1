//! The plain log: each record begins with `log_line_prefix` and its severity, and goes on in lines that begin with a tab.

use super::{LONGEST_RECORD, Lines, Next, Record, text};
use regex::Regex;
use std::io::{self, BufRead};

/// Prefixes that are common: the server's own default, those of distributions and of cloud providers, and those that
/// pgBadger recommends. Of those that fit, the one that tells most stands first.
const COMMON: [&str; 13] = [
    "%m [%p] user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%m [%p] %q[user=%u,db=%d,app=%a] ",
    "%m [%p]: [%l-1] db=%d,user=%u ",
    "%t [%p]: [%l-1] user=%u,db=%d ",
    "%t:%r:%u@%d:[%p]:",
    "%m [%p] %q%u@%d/%a ",
    "%m [%p] %q%u@%d ",
    "%t [%p] %q%u@%d ",
    "%t [%p]: [%l-1] ",
    "%m [%p] ",
    "%t [%p] ",
];

/// Why a plain log cannot be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli::replay) enum PrefixError {
    #[error(
        "no common log_line_prefix fits this log; give the server's own: --log-line-prefix \"$(psql -AXtc 'SHOW log_line_prefix')\""
    )]
    Unknown,
    #[error("log_line_prefix `{0}` cannot be used: {1}")]
    Unusable(String, regex::Error),
}

/// A `log_line_prefix`, ready to recognise lines by.
#[derive(Debug)]
pub(in crate::cli::replay) struct Prefix {
    header: Regex,
}

impl Prefix {
    /// Reads a setting as the server does (PostgreSQL documentation, `log_line_prefix`).
    pub(in crate::cli::replay) fn new(setting: &str) -> Result<Prefix, PrefixError> {
        let mut pattern = String::from("^");
        let mut sessions_only = false;
        let mut letters = setting.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                pattern.push_str(&regex::escape(&letter.to_string()));
                continue;
            }
            let mut padded = false;
            let escape = letters.by_ref().find(|letter| {
                let pads = *letter == '-' || letter.is_ascii_digit();
                padded |= pads;
                !pads
            });
            let body = match escape {
                Some('a') => "(?P<application>.*?)",
                Some('u') => "(?P<user>.*?)",
                Some('d') => "(?P<database>.*?)",
                Some('b') => "(?:client backend|parallel worker|[a-z ]*?)",
                Some('i') => ".*?",
                Some('r' | 'h') => r"\S*?",
                Some('p' | 'P' | 'l' | 'x' | 'Q') => r"-?\d*",
                Some('t' | 'm' | 's') => r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [^\s:\]]+",
                Some('n') => r"\d+\.\d+",
                Some('e') => r"\w{5}",
                Some('c') => r"[0-9a-f.]*",
                Some('v') => r"\S*?",
                Some('%') => "%",
                Some('q') if !sessions_only => {
                    sessions_only = true;
                    pattern.push_str("(?:");
                    continue;
                }
                Some(_unknown) => "",
                None => break,
            };
            match padded {
                true => pattern.push_str(&format!(" *{body} *")),
                false => pattern.push_str(body),
            }
        }
        if sessions_only {
            pattern.push_str(")?");
        }
        pattern.push_str(r"(?P<severity>[A-Z]+\d?):  ");
        let header = Regex::new(&pattern).map_err(|error| PrefixError::Unusable(setting.to_owned(), error))?;
        Ok(Prefix { header })
    }
}

/// The common prefix that begins most of these lines.
pub(super) fn recognised(sample: &str) -> Result<Prefix, PrefixError> {
    let mut best: Option<(usize, Prefix)> = None;
    for setting in COMMON {
        let prefix = Prefix::new(setting)?;
        let fits = sample.lines().filter(|line| prefix.header.is_match(line)).count();
        if fits > best.as_ref().map_or(0, |(most, _)| *most) {
            best = Some((fits, prefix));
        }
    }
    match best {
        Some((_, prefix)) => Ok(prefix),
        // An empty log is no reason to ask for a prefix.
        None if sample.trim().is_empty() => Prefix::new(COMMON[COMMON.len() - 1]),
        None => Err(PrefixError::Unknown),
    }
}

/// A plain log that is being read.
pub(super) struct Plain {
    prefix: Prefix,
    /// The record whose detail, or whose next lines, may follow.
    begun: Option<Record>,
    /// Which part of it goes on behind a tab.
    part: Part,
    line: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Message,
    Detail,
    /// Hints, contexts, statements that failed.
    Other,
}

impl Plain {
    pub(super) fn new(prefix: Prefix) -> Plain {
        Plain { prefix, begun: None, part: Part::Other, line: Vec::new() }
    }

    pub(super) fn next<R: BufRead>(&mut self, lines: &mut Lines<R>) -> io::Result<Next> {
        loop {
            self.line.clear();
            if !lines.append(&mut self.line)? {
                return Ok(self.begun.take().map_or(Next::End, Next::Record));
            }
            let line = text(&self.line);
            let line = line.trim_end_matches(['\r', '\n']);
            if let Some(more) = line.strip_prefix('\t') {
                self.go_on(more);
                continue;
            }
            let Some(header) = self.prefix.header.captures(line) else {
                self.part = Part::Other;
                match line.is_empty() {
                    true => continue,
                    false => return Ok(Next::Unread),
                }
            };
            let message = line.get(header.get(0).map_or(0, |whole| whole.end())..).unwrap_or_default();
            let named = |name: &str| header.name(name).map(|part| part.as_str().to_owned());
            let severity = named("severity").unwrap_or_default();
            match &*severity {
                "DETAIL" => {
                    self.part = Part::Detail;
                    if let Some(record) = &mut self.begun {
                        record.detail = Some(message.to_owned());
                    }
                }
                "HINT" | "CONTEXT" | "STATEMENT" | "QUERY" | "LOCATION" | "BACKTRACE" => self.part = Part::Other,
                _begins => {
                    self.part = Part::Message;
                    let record = Record {
                        severity,
                        message: message.to_owned(),
                        detail: None,
                        user: named("user"),
                        database: named("database"),
                        application: named("application"),
                    };
                    if let Some(before) = self.begun.replace(record) {
                        return Ok(Next::Record(before));
                    }
                }
            }
        }
    }

    /// Adds a line that belongs to the record.
    fn go_on(&mut self, more: &str) {
        let Some(record) = &mut self.begun else { return };
        let part = match self.part {
            Part::Message => &mut record.message,
            Part::Detail => record.detail.get_or_insert_default(),
            Part::Other => return,
        };
        if part.len() + more.len() < LONGEST_RECORD {
            part.push('\n');
            part.push_str(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_read_as_the_server_does() {
        for (setting, line, user, application) in [
            ("%m [%p] ", "2026-01-01 10:00:00.123 UTC [42] LOG:  x", None, None),
            ("%m [%p] %q%u@%d ", "2026-01-01 10:00:00.123 UTC [42] a@b LOG:  x", Some("a"), None),
            ("%m [%p] %q%u@%d ", "2026-01-01 10:00:00.123 UTC [42] LOG:  x", None, None),
            ("%t:%r:%u@%d:[%p]:", "2026-01-01 10:00:00 UTC:10.0.0.1(5432):a@b:[42]:LOG:  x", Some("a"), None),
            ("%-8u|%a%%", "app     |web 2%LOG:  x", Some("app"), Some("web 2")),
            ("(%Q) %e %c [%l-1] %b %a: ", "(-12) 00000 6543.4d [3-1] client backend web: LOG:  x", None, Some("web")),
        ] {
            let prefix = Prefix::new(setting).expect("a prefix");
            let found = prefix.header.captures(line).unwrap_or_else(|| panic!("{setting} begins {line}"));
            let named = |name: &str| found.name(name).map(|part| part.as_str());
            assert_eq!((named("user"), named("application")), (user, application), "{setting}: {line}");
        }
    }

    #[test]
    fn common_prefixes_are_recognised() {
        for setting in COMMON {
            let line = setting
                .replace("%m", "2026-01-01 10:00:00.123 CET")
                .replace("%t", "2026-01-01 10:00:00 CET")
                .replace("%p", "42")
                .replace("%q", "")
                .replace("%u", "app")
                .replace("%d", "shop")
                .replace("%l", "7")
                .replace("%a", "web")
                .replace("%r", "10.0.0.1(99)")
                .replace("%h", "10.0.0.1");
            let line = format!("{line}LOG:  statement: SELECT 1\n");
            let prefix = recognised(&line).unwrap_or_else(|error| panic!("{setting}: {error}"));
            let found = prefix.header.captures(&line).expect("it fits");
            let user = found.name("user").map(|part| part.as_str());
            assert_eq!(user, setting.contains("%u").then_some("app"), "{setting}");
            let application = found.name("application").map(|part| part.as_str());
            assert_eq!(application, setting.contains("%a").then_some("web"), "{setting}");
        }
    }
}
