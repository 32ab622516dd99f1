//! Why a server was not reached.

use super::database::words;
use crate::vocab::SqlState;
use std::fmt;
use std::io;

/// Why a server was not reached, for the log; and what it said itself, if that is for the client.
#[derive(Debug, Clone)]
pub struct Unreached {
    words: String,
    report: Option<(SqlState, String)>,
}

/// What a server says to everybody who comes now: it is full, or starting, stopping, or recovering.
const FOR_EVERYBODY: [SqlState; 2] = [SqlState("53300"), SqlState("57P03")];

const FULL: &str = "sorry, too many clients already";

impl Unreached {
    /// Of several servers, by their names.
    pub fn of_all(failures: Vec<(String, Unreached)>) -> Unreached {
        let words: Vec<String> = failures.iter().map(|(name, error)| format!("{name}: {error}")).collect();
        let report = failures.into_iter().find_map(|(_, error)| error.report);
        Unreached { words: words.join("; "), report }
    }

    /// What the client is told: SQLSTATE and message.
    pub fn report(&self) -> (&'static str, &str) {
        match &self.report {
            Some((code, message)) => (code.0, message),
            None => ("08006", "the database server cannot be reached"),
        }
    }
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl From<String> for Unreached {
    fn from(words: String) -> Unreached {
        Unreached { words, report: None }
    }
}

impl From<io::Error> for Unreached {
    fn from(error: io::Error) -> Unreached {
        error.to_string().into()
    }
}

impl From<tokio_postgres::Error> for Unreached {
    fn from(error: tokio_postgres::Error) -> Unreached {
        let report = error.as_db_error().and_then(|report| {
            let code = FOR_EVERYBODY.into_iter().find(|code| code.0 == report.code().code())?;
            // It may be full for the catalog user only, whose name is nobody's business.
            let full = code.0 == "53300";
            Some((code, if full { FULL.to_owned() } else { report.message().to_owned() }))
        });
        Unreached { words: words(&error), report }
    }
}
