//! The tests of a pack as they are written.

use super::{Failure, load};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// One file of tests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    test: Vec<Case>,
}

/// A statement under a purpose, and what is to become of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Case {
    /// The file it stands in.
    #[serde(skip)]
    pub file: String,
    pub name: String,
    /// The clause that it shows to be kept. A refusal must quote it.
    pub clause: Option<String>,
    /// Without it, a session that declares none.
    pub purpose: Option<String>,
    /// The role that asks; without it, someone who may declare this purpose and no other.
    pub role: Option<String>,
    /// Whom that someone stands for, where no role says it.
    pub recipient: Option<String>,
    /// Values of parameters, as the session would have them.
    #[serde(default)]
    pub parameters: BTreeMap<String, Given>,
    /// What the session declares as its justification.
    pub justification: Option<String>,
    /// Whether its connections are encrypted; they are if nothing is said.
    pub tls: Option<bool>,
    /// Statements that run before it as they are, around any policy. They are undone.
    pub before: Option<String>,
    pub sql: String,
    pub expect: Expected,
    /// Words that a refusal holds, in its message, detail or hint.
    #[serde(default)]
    pub says: Vec<String>,
    /// The text that is sent.
    pub sent: Option<String>,
    /// The rows of the answer, values with `|` between them, null as nothing.
    pub rows: Option<Vec<String>>,
}

/// What is to become of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Expected {
    Answered,
    Refused,
}

/// A parameter's value, as TOML writes it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(in crate::cli) enum Given {
    Number(i64),
    Text(String),
}

impl Given {
    pub(super) fn text(&self) -> String {
        match self {
            Given::Number(number) => number.to_string(),
            Given::Text(text) => text.clone(),
        }
    }
}

impl Case {
    /// Whether only a database can tell.
    pub(super) fn needs_rows(&self) -> bool {
        self.rows.is_some()
    }

    /// What the test says that cannot be.
    fn wrong(&self) -> Option<&'static str> {
        match self.expect {
            Expected::Refused if self.rows.is_some() || self.sent.is_some() => {
                Some("a refusal has no `rows` and no `sent`")
            }
            Expected::Answered if !self.says.is_empty() => Some("`says` is about a refusal"),
            Expected::Refused | Expected::Answered if self.role.is_some() && self.recipient.is_some() => {
                Some("the role gives the recipient")
            }
            Expected::Refused | Expected::Answered => None,
        }
    }
}

/// The tests beside a pack, file by file.
pub(in crate::cli) fn read(pack: &Path) -> Result<Vec<Case>, Failure> {
    let folder = pack.join("tests");
    let mut paths: Vec<_> =
        std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    if paths.is_empty() {
        return Err(Failure::NoTests(folder.display().to_string()));
    }
    let mut cases = Vec::new();
    for path in paths {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|error| load::Failure::file(&path, error))?;
        let file: File = toml::from_str(&text).map_err(|error| Failure::Case(format!("{shown}: {error}")))?;
        for mut case in file.test {
            case.file.clone_from(&shown);
            if let Some(wrong) = case.wrong() {
                return Err(Failure::Case(format!("{shown}: test `{}`: {wrong}", case.name)));
            }
            cases.push(case);
        }
    }
    Ok(cases)
}
