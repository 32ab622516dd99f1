//! `jsonlog`: an object on each line.

use super::{Lines, Next, Record};
use serde::Deserialize;
use std::io::{self, BufRead};

/// The keys that are of use; whatever else stands there is passed over.
#[derive(Deserialize)]
struct Line {
    user: Option<String>,
    dbname: Option<String>,
    error_severity: Option<String>,
    message: Option<String>,
    detail: Option<String>,
    application_name: Option<String>,
}

pub(super) fn next<R: BufRead>(lines: &mut Lines<R>) -> io::Result<Next> {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if !lines.append(&mut bytes)? {
            return Ok(Next::End);
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let Ok(line) = serde_json::from_slice::<Line>(&bytes) else { return Ok(Next::Unread) };
        let Line { user, dbname, error_severity, message, detail, application_name } = line;
        let (Some(severity), message) = (error_severity, message.unwrap_or_default()) else { return Ok(Next::Unread) };
        return Ok(Next::Record(Record {
            severity,
            message,
            detail,
            user,
            database: dbname,
            application: application_name,
        }));
    }
}
