//! Reads the attack corpus. `tests/attacks/README.md` describes the format.

use crate::common::raw::{
    Format, bind, close_statement, describe_portal, describe_statement, execute, flush, message, parse, query, sync,
};
use std::path::Path;

/// How the statements of a case are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Simple,
    /// Parse, Describe, Bind, Describe, Execute, Sync for each statement.
    Extended,
    /// The same, with results in binary.
    Binary,
}

impl Mode {
    pub const ALL: [Mode; 3] = [Mode::Simple, Mode::Extended, Mode::Binary];

    pub fn word(self) -> &'static str {
        match self {
            Mode::Simple => "simple",
            Mode::Extended => "extended",
            Mode::Binary => "binary",
        }
    }
}

/// Who takes a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The session whose answers are compared.
    Attacker,
    /// Another session, under this purpose.
    Other(String),
    /// The owner, around any proxy.
    Owner,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A statement in the case's mode, and what to send if it is a COPY FROM STDIN.
    Statement { text: String, data: Vec<u8> },
    /// Messages as they are, in one go.
    Messages(Vec<Vec<u8>>),
}

impl Step {
    fn text(&self) -> String {
        match self {
            Step::Statement { text, data } => format!("{text}{}", String::from_utf8_lossy(data)),
            Step::Messages(messages) => String::from_utf8_lossy(&messages.concat()).into_owned(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Case {
    pub class: String,
    pub name: String,
    pub purposes: Vec<String>,
    pub modes: Vec<Mode>,
    /// Rows are compared in any order, and why.
    pub unordered: Option<String>,
    pub steps: Vec<(Who, Step)>,
}

impl Case {
    /// `file/name`, unique in the corpus.
    pub fn id(&self) -> String {
        format!("{}/{}", self.class, self.name)
    }

    /// Whether the client itself writes this.
    pub fn says(&self, text: &str) -> bool {
        self.steps.iter().any(|(_, step)| step.text().contains(text))
    }

    fn has_word(&self, words: &[&str]) -> bool {
        self.steps.iter().any(|(_, step)| {
            let text = step.text().to_uppercase();
            text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| words.contains(&word))
        })
    }

    /// Whether it can change rows.
    pub fn writes(&self) -> bool {
        const WORDS: &[&str] = &[
            "INSERT",
            "UPDATE",
            "DELETE",
            "MERGE",
            "TRUNCATE",
            "COPY",
            "NEXTVAL",
            "SETVAL",
            "LO_PUT",
            "LO_UNLINK",
            "LOWRITE",
        ];
        self.has_word(WORDS) || self.defines()
    }

    /// Whether it can change definitions.
    pub fn defines(&self) -> bool {
        const WORDS: &[&str] =
            &["CREATE", "ALTER", "DROP", "DO", "CALL", "REFRESH", "COMMENT", "GRANT", "REINDEX", "ANALYZE", "VACUUM"];
        self.has_word(WORDS) || self.has_word(&["INTO"]) && !self.has_word(&["INSERT", "MERGE"])
    }

    /// Whether it ends a transaction that was open before, or cannot be part of one.
    pub fn ends_transactions(&self) -> bool {
        self.has_word(&["COMMIT", "ROLLBACK", "DISCARD", "BEGIN", "LISTEN", "VACUUM"])
    }

    /// The same in a transaction that never ends.
    pub fn in_transaction(&self) -> Case {
        let mut case = self.clone();
        case.steps.insert(0, (Who::Attacker, Step::Statement { text: "BEGIN".to_owned(), data: Vec::new() }));
        case
    }

    /// Whether every step is the attacker's.
    pub fn is_alone(&self) -> bool {
        self.steps.iter().all(|(who, _)| *who == Who::Attacker)
    }
}

/// Every case of the corpus, files in the order of their names.
pub fn corpus() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks");
    let entries = std::fs::read_dir(&folder).expect("tests/attacks").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "sql")).collect();
    files.sort();
    let mut cases: Vec<Case> = Vec::new();
    for file in files {
        let class = file.file_stem().expect("a name").to_string_lossy().into_owned();
        cases.extend(read(&class, &std::fs::read_to_string(&file).expect("a file of cases")));
    }
    for (at, case) in cases.iter().enumerate() {
        assert!(cases[..at].iter().all(|other| other.id() != case.id()), "two cases are called {}", case.id());
        assert!(case.steps.iter().any(|(who, _)| *who == Who::Attacker), "{} has no statement", case.id());
        let pairs = case.purposes.iter().map(|purpose| crate::common::worlds::Pair::of(purpose));
        assert!(pairs.clone().all(|pair| Some(pair) == pairs.clone().next()), "{}: purposes of two pairs", case.id());
    }
    cases
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|word| word.trim().to_owned()).collect()
}

/// Reads one file.
pub fn read(class: &str, text: &str) -> Vec<Case> {
    let (mut cases, mut purposes): (Vec<Case>, Vec<String>) = (Vec::new(), Vec::new());
    let (mut who, mut pending, mut data) = (Who::Attacker, String::new(), Vec::new());
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let wrong = || -> ! { panic!("{class}.sql:{}: {line}", number + 1) };
        let head = |key: &str| if pending.is_empty() { line.strip_prefix(&format!("-- {key}: ")) } else { None };
        if let Some(name) = head("case") {
            assert!(messages.is_empty(), "{class}.sql:{}: messages without \\sync or \\end", number + 1);
            let modes = Mode::ALL.to_vec();
            let (name, purposes) = (name.to_owned(), purposes.clone());
            cases.push(Case { class: class.to_owned(), name, purposes, modes, unordered: None, steps: Vec::new() });
            who = Who::Attacker;
        } else if let Some(named) = head("purpose") {
            // Before the first case it holds for the file.
            *cases.last_mut().map_or(&mut purposes, |case| &mut case.purposes) = list(named);
        } else if let Some(named) = head("modes") {
            let named = list(named);
            let modes = Mode::ALL.into_iter().filter(|mode| named.iter().any(|name| name == mode.word()));
            cases.last_mut().unwrap_or_else(|| wrong()).modes = modes.collect();
        } else if let Some(why) = head("unordered") {
            cases.last_mut().unwrap_or_else(|| wrong()).unordered = Some(why.to_owned());
        } else if pending.is_empty() && (line.trim().is_empty() || line.starts_with("-- ")) {
            // A remark.
        } else if let (true, Some(command)) = (pending.is_empty(), line.strip_prefix('\\')) {
            let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
            let case = cases.last_mut().unwrap_or_else(|| wrong());
            match word {
                "as" if rest == "me" => who = Who::Attacker,
                "as" => who = Who::Other(rest.to_owned()),
                "around" => who = Who::Owner,
                "data" => data.extend_from_slice(format!("{rest}\n").as_bytes()),
                "end" => case.steps.push((who.clone(), Step::Messages(std::mem::take(&mut messages)))),
                "sync" => {
                    messages.push(sync());
                    case.steps.push((who.clone(), Step::Messages(std::mem::take(&mut messages))));
                }
                _ => messages.push(raw_message(word, rest).unwrap_or_else(|| wrong())),
            }
        } else {
            if !pending.is_empty() {
                pending.push('\n');
            }
            pending.push_str(line);
            if line.ends_with(';') {
                let text = pending.strip_suffix(';').unwrap_or(&pending).to_owned();
                pending.clear();
                let step = Step::Statement { text, data: std::mem::take(&mut data) };
                cases.last_mut().unwrap_or_else(|| wrong()).steps.push((who.clone(), step));
            }
        }
    }
    assert!(pending.is_empty() && messages.is_empty(), "{class}.sql ends in the middle of a step");
    cases
}

/// A message of the protocol from its line. `-` is the unnamed statement or portal.
fn raw_message(word: &str, rest: &str) -> Option<Vec<u8>> {
    fn name(word: &str) -> &str {
        if word == "-" { "" } else { word }
    }
    let mut words = rest.split(' ');
    Some(match word {
        "query" => query(rest),
        "flush" => flush(),
        // A Sync with more to come behind it.
        "sync+" => sync(),
        "copydata" => message(b'd', format!("{rest}\n").as_bytes()),
        "copydone" => message(b'c', b""),
        "copyfail" => message(b'f', &[rest.as_bytes(), &[0]].concat()),
        "parse" => {
            let (statement, text) = rest.split_once(' ')?;
            match text.strip_prefix('[').and_then(|text| text.split_once("] ")) {
                None => parse(name(statement), text),
                Some((types, text)) => {
                    let types: Vec<u32> = types.split(',').map(|oid| oid.parse().ok()).collect::<Option<_>>()?;
                    let mut body = [name(statement).as_bytes(), &[0], text.as_bytes(), &[0]].concat();
                    body.extend((types.len() as u16).to_be_bytes());
                    body.extend(types.iter().flat_map(|oid| oid.to_be_bytes()));
                    message(b'P', &body)
                }
            }
        }
        "bind" | "bindb" => {
            let (portal, statement) = (name(words.next()?), name(words.next()?));
            let format = if word == "bindb" { Format::Binary } else { Format::Text };
            bind(portal, statement, &words.collect::<Vec<_>>(), format)
        }
        "describe" | "close" => {
            let (kind, of) = (words.next()?, name(words.next()?));
            match (word, kind) {
                ("describe", "S") => describe_statement(of),
                ("describe", _) => describe_portal(of),
                (_, "S") => close_statement(of),
                (_, _) => message(b'C', &[b"P", of.as_bytes(), &[0]].concat()),
            }
        }
        "execute" => execute(name(words.next()?), words.next()?.parse().ok()?),
        // FunctionCall: oid, one format (text) for all arguments, the arguments, the result's format.
        "call" => {
            let oid: u32 = words.next()?.parse().ok()?;
            let arguments: Vec<&str> = words.collect();
            let mut body = [&oid.to_be_bytes()[..], &[0, 1, 0, 0], &(arguments.len() as u16).to_be_bytes()].concat();
            for argument in arguments {
                body.extend((argument.len() as u32).to_be_bytes());
                body.extend(argument.as_bytes());
            }
            message(b'F', &[&body[..], &[0, 0]].concat())
        }
        _ => return None,
    })
}
