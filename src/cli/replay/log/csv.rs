//! `csvlog`: fields separated by commas, texts in double quotes, which may hold line ends.

use super::{LONGEST_RECORD, Lines, Next, Record, text};
use std::io::{self, BufRead};

/// The places of the fields (PostgreSQL documentation, "Using CSV-Format Log Output"); later versions add at the end.
const USER: usize = 1;
const DATABASE: usize = 2;
const SEVERITY: usize = 11;
const MESSAGE: usize = 13;
const DETAIL: usize = 14;
const APPLICATION: usize = 22;
/// PostgreSQL 9.0 to 12 write 23 fields, 13 24, and those after it 26.
const FIELDS: std::ops::RangeInclusive<usize> = 23..=40;

/// Whether a log that begins with this line is written so: a time, then a user in quotes or none.
pub(super) fn looks_like(line: &str) -> bool {
    let mut fields = line.splitn(4, ',');
    let time = fields.next().is_some_and(|field| field.starts_with(|c: char| c.is_ascii_digit()));
    let quoted = |field: Option<&str>| field.is_some_and(|field| field.is_empty() || field.starts_with('"'));
    time && quoted(fields.next()) && quoted(fields.next())
}

pub(super) fn next<R: BufRead>(lines: &mut Lines<R>) -> io::Result<Next> {
    let mut bytes = Vec::new();
    let mut open = false;
    loop {
        let before = bytes.len();
        if !lines.append(&mut bytes)? {
            return Ok(if bytes.is_empty() { Next::End } else { Next::Unread });
        }
        // A doubled quote changes nothing.
        open ^= bytes[before..].iter().filter(|byte| **byte == b'"').count() % 2 == 1;
        if !open {
            break;
        }
        if bytes.len() >= LONGEST_RECORD {
            return Ok(Next::Unread);
        }
    }
    Ok(record(&text(&bytes)).map_or(Next::Unread, Next::Record))
}

fn record(text: &str) -> Option<Record> {
    let mut record = Record::default();
    let mut rest = text.trim_end_matches(['\r', '\n']);
    let mut count = 0;
    loop {
        let (field, behind) = field(rest)?;
        match count {
            USER => record.user = Some(field),
            DATABASE => record.database = Some(field),
            SEVERITY => record.severity = field,
            MESSAGE => record.message = field,
            DETAIL => record.detail = Some(field).filter(|detail| !detail.is_empty()),
            APPLICATION => record.application = Some(field),
            _other => {}
        }
        count += 1;
        match behind.strip_prefix(',') {
            Some(behind) => rest = behind,
            None if behind.is_empty() => break,
            None => return None,
        }
    }
    FIELDS.contains(&count).then_some(record)
}

/// The first field and what stands behind it.
fn field(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    loop {
        let end = rest.find('"')?;
        value.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                value.push('"');
                rest = more;
            }
            None => return Some((value, rest)),
        }
    }
}
