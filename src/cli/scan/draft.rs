//! The draft as TOML: what is proposed, with the reason beside it, and what is not, as comments.

use super::words::Words;
use crate::policy::{basic, written};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

/// What is proposed, and why.
#[derive(Debug)]
pub(in crate::cli) struct Proposal {
    pub(in crate::cli) words: Vec<Arc<str>>,
    pub(in crate::cli) note: String,
    /// Whether it is written as a tag, or as a comment only.
    pub(in crate::cli) counts: bool,
}

/// What is proposed for a column, or why nothing is.
#[derive(Debug)]
pub(in crate::cli) struct Line {
    pub(in crate::cli) column: Arc<str>,
    pub(in crate::cli) proposed: Result<Proposal, String>,
}

impl Line {
    pub(in crate::cli) fn counts(&self) -> bool {
        self.proposed.as_ref().is_ok_and(|proposal| proposal.counts)
    }
}

/// What is proposed for a table.
#[derive(Debug)]
pub(in crate::cli) struct Block {
    pub(in crate::cli) schema: Arc<str>,
    pub(in crate::cli) table: Arc<str>,
    /// Whether the policy has tags for it already: then it cannot have a second block.
    pub(in crate::cli) stands: bool,
    pub(in crate::cli) subject: Option<Proposal>,
    pub(in crate::cli) subject_key: Option<Proposal>,
    pub(in crate::cli) default: Option<Proposal>,
    pub(in crate::cli) lines: Vec<Line>,
    /// Something to know of the whole table.
    pub(in crate::cli) remark: Option<String>,
}

impl Block {
    /// How many columns have a proposal that counts.
    pub(in crate::cli) fn proposals(&self) -> usize {
        self.lines.iter().filter(|line| line.counts()).count()
    }
}

const HEADER: &str = "\
# Every line is a proposal, with the reason beside it. Read each, change what is wrong, and take the comments away. What is
# not tagged stays closed under restricted purposes.
";

/// A key of TOML.
pub(in crate::cli) fn key(text: &str) -> String {
    let bare =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if bare { text.to_owned() } else { basic(text) }
}

/// A name in a comment: on one line.
fn told(text: &str) -> String {
    text.chars()
        .flat_map(|letter| if letter.is_control() { letter.escape_default().collect() } else { vec![letter] })
        .collect()
}

/// `schema.table` as a key.
fn table_key(schema: &str, table: &str) -> String {
    basic(&written(schema, table))
}

/// A word of TOML, or a list of them.
fn value(words: &[Arc<str>]) -> String {
    match words {
        [word] => basic(word),
        words => format!("[{}]", words.iter().map(|word| basic(word)).collect::<Vec<_>>().join(", ")),
    }
}

/// The whole draft. `name` is that of the pack, where it must be one of its own.
pub(in crate::cli) fn draft(title: &str, blocks: &[Block], words: &Words, name: &str) -> String {
    let mut out = format!("# {title}\n{HEADER}");
    if let Words::Fideslang { categories, subjects } = words {
        declared(categories, subjects, name, &mut out);
    }
    for block in blocks {
        let Block { schema, table, stands, subject, subject_key, default, lines, remark } = block;
        let name = table_key(schema, table);
        let _ = match stands {
            true => writeln!(out, "\n# [table.{name}] stands in the policy already; beside what it says:"),
            false => writeln!(out, "\n[table.{name}]"),
        };
        if let Some(remark) = remark {
            let _ = writeln!(out, "# {}", told(remark));
        }
        let mut written = |key: &str, Proposal { words, note, counts }: &Proposal| {
            let off = if *stands || !counts { "# " } else { "" };
            let _ = writeln!(out, "{off}{key} = {}    # {}", value(words), told(note));
        };
        for (key, proposal) in [("subject", subject), ("subject_key", subject_key), ("default", default)] {
            if let Some(proposal) = proposal {
                written(key, proposal);
            }
        }
        for Line { column, proposed } in lines {
            let place = format!("columns.{}", key(column));
            match proposed {
                Ok(proposal) => written(&place, proposal),
                Err(why) => written(&place, &Proposal { words: vec!["…".into()], note: why.clone(), counts: false }),
            }
        }
    }
    out
}

/// The trees that a draft without a policy speaks of, each node with those above it.
fn declared(categories: &BTreeSet<String>, subjects: &BTreeSet<String>, database: &str, out: &mut String) {
    let mut all: BTreeSet<&str> = BTreeSet::new();
    for category in categories {
        all.insert(category);
        all.extend(category.match_indices('.').map(|(at, _)| &category[..at]));
    }
    let _ = writeln!(out, "\n[pack]\nname     = {}\ndocument = \"\"\nuntagged = \"deny\"\n", basic(database));
    for subject in subjects {
        let _ = writeln!(out, "[subject.{}]", key(subject));
    }
    for category in all {
        let _ = writeln!(out, "[category.{}]\nfides = {}", key(category), basic(category));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_stay_on_one_line_and_load() {
        let name: Arc<str> = "a \"b\".c\\\nd".into();
        let proposed = |note: &str| Proposal { words: vec!["user.name".into()], note: note.to_owned(), counts: true };
        let line = Line { column: Arc::clone(&name), proposed: Ok(proposed("its name\nsays so")) };
        let none = Line { column: Arc::clone(&name), proposed: Err("nothing\nrecognised".to_owned()) };
        let subject = Proposal { words: vec!["person".into()], ..proposed("why") };
        let block = Block {
            schema: "s".into(),
            table: name,
            stands: false,
            subject: Some(subject),
            subject_key: None,
            default: None,
            lines: vec![line, none],
            remark: Some("not\nsampled".to_owned()),
        };
        let words =
            Words::Fideslang { categories: ["user.name".to_owned()].into(), subjects: ["person".to_owned()].into() };
        let text = draft("Drafted.", &[block], &words, "db");
        let parsed: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(parsed["category"].as_table().map(toml::Table::len), Some(2), "{text}");
        let table = parsed["table"].as_table().and_then(|tables| tables.values().next()).expect("a table");
        assert_eq!(table["columns"].as_table().map(toml::Table::len), Some(1), "{text}");
    }
}
