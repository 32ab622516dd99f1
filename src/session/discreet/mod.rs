//! What may be said of a statement whose answer the policy does not open whole.
//!
//! Postgres quotes data in its errors and notices: the text that is not an integer, the key that exists already, whatever
//! a function raises. So a report on such a statement passes only as far as it is on a list of texts that carry no value
//! (`templates.txt`); the rest is withheld, with a reference under which the proxy's log has all of it. SQLSTATE and
//! severity always pass. A report that the server raised while it read the client's own text can quote nothing but that
//! text, and passes as it is. The whole of it is in `docs/errors.md`.

mod templates;

use crate::wire::ErrorFields;
use templates::{Admitted, Trust, admit, condition, is_of_server};

/// Where a report's position lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It names none.
    Nowhere,
    /// In the client's own text.
    InText,
    /// In what the proxy put in.
    Elsewhere,
}

/// Whether it answers or only tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportSort {
    Error,
    Notice,
}

impl ReportSort {
    /// The tag of its message.
    pub fn tag(self) -> u8 {
        match self {
            ReportSort::Error => b'E',
            ReportSort::Notice => b'N',
        }
    }
}

/// What becomes of a report.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    AsItIs,
    /// These fields in its place. Nothing that could be a value was left out.
    Instead(Vec<Field>),
    /// These fields in its place, once the reference is added.
    Withheld(Withheld),
    /// Nothing: a message for whoever looks into the server.
    Nothing,
}

/// A field of a report: its code and its value.
pub type Field = (u8, Vec<u8>);

/// A report of which something is withheld.
#[derive(Debug, PartialEq, Eq)]
pub struct Withheld {
    fields: Vec<Field>,
    note: Note,
}

/// Where the reference goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Note {
    InMessage,
    InDetail,
}

impl Withheld {
    /// The report as the client gets it. `under` is the purpose in force, if there is one.
    pub fn with_reference(mut self, under: Option<&str>, reference: &str) -> Vec<Field> {
        let under =
            under.map_or_else(|| "without a purpose".to_owned(), |purpose| format!("under purpose \"{purpose}\""));
        match self.note {
            Note::InMessage => {
                let message = self.fields.iter_mut().find(|field| field.0 == b'M');
                if let Some((_, message)) = message {
                    message.extend(format!(" (details withheld {under}: reference {reference})").as_bytes());
                }
            }
            Note::InDetail => {
                let note = format!("Details are withheld {under}: reference {reference}.");
                match self.fields.iter_mut().find(|field| field.0 == b'D') {
                    Some((_, detail)) => detail.extend([b" ", note.as_bytes()].concat()),
                    None => {
                        let after = self.fields.iter().position(|field| field.0 == b'M').map_or(0, |at| at + 1);
                        self.fields.insert(after, (b'D', note.into_bytes()));
                    }
                }
            }
        }
        self.fields
    }
}

/// What of a report may reach the client.
pub fn tell(sort: ReportSort, report: ErrorFields<'_>, place: Place) -> Told {
    let level = report.get(b'V').unwrap_or_default();
    if sort == ReportSort::Notice && (level == b"LOG" || level.starts_with(b"DEBUG")) {
        return Told::Nothing;
    }
    let of_server = report.get(b'F').is_some_and(is_of_server);
    // A context is named wherever a function, a type's input from a string of the data or a COPY's line is at work.
    let in_context = [b'W', b'q', b'p'].iter().any(|code| report.get(*code).is_some());
    if of_server && !in_context && place == Place::InText {
        return Told::AsItIs;
    }
    let trust = match (of_server, in_context) {
        (true, false) => Trust::Statement,
        (true, true) => Trust::Catalog,
        (false, _) => Trust::Nothing,
    };
    let state = report.get(b'C').filter(|state| is_sqlstate(state)).unwrap_or(b"XX000");
    let mut fields = Vec::new();
    let (mut note, mut changed) = (None, false);
    for (code, value) in report.fields() {
        let passes = match code {
            b'S' | b'V' => is_word(value),
            b'C' => value == state,
            b'M' => {
                let (text, whole) = message(state, value, trust);
                fields.push((b'M', text));
                if !whole {
                    note = Some(Note::InMessage);
                }
                continue;
            }
            b'D' | b'H' => {
                let listed = trust != Trust::Nothing && admit(code, state, value, trust) == Some(Admitted::Whole);
                if !listed {
                    note = note.or(Some(Note::InDetail));
                }
                listed
            }
            // Where in the server's sources it was raised.
            b'F' | b'L' | b'R' => is_word(value),
            // Names of the schema, unless a function has chosen them.
            b's' | b't' | b'c' | b'd' | b'n' => of_server,
            b'W' | b'q' | b'p' => {
                note = note.or(Some(Note::InDetail));
                false
            }
            // In what is being run, not in what the client wrote.
            b'P' => false,
            _unknown => {
                note = note.or(Some(Note::InDetail));
                false
            }
        };
        if passes {
            fields.push((code, value.to_vec()));
        } else {
            changed = true;
        }
    }
    if fields.iter().all(|field| field.0 != b'M') {
        // Too long to be read.
        fields.push((b'M', message(state, b"", Trust::Nothing).0));
        note = Some(Note::InMessage);
    }
    match note {
        Some(note) => Told::Withheld(Withheld { fields, note }),
        None if changed => Told::Instead(fields),
        None => Told::AsItIs,
    }
}

/// The message that may pass, and whether it is all of it.
fn message(state: &[u8], text: &[u8], trust: Trust) -> (Vec<u8>, bool) {
    match admit(b'M', state, text, trust) {
        Some(Admitted::Whole) => (text.to_vec(), true),
        Some(Admitted::Cut(cut)) => (cut, false),
        None => {
            let name = match state {
                b"00000" => "notice",
                _ => condition(state).unwrap_or("an error of a kind of its own"),
            };
            (name.as_bytes().to_vec(), false)
        }
    }
}

fn is_sqlstate(state: &[u8]) -> bool {
    state.len() == 5 && state.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// A level, the name of a file or function, a number: one word, and not a long one.
fn is_word(value: &[u8]) -> bool {
    value.len() <= 64 && !value.iter().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control())
}

#[cfg(test)]
mod tests;
