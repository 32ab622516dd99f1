//! `wherefore import`: tags that stand in Fides datasets or in the properties of dbt models, as a file of tags to review.
//!
//! It writes a file and reads no database: what becomes of it stands in the policy's history, like any other change.

mod dbt;
mod fides;

use super::load::{self, colour};
use super::scan::draft::{Block, Line, Proposal, draft};
use super::scan::words::{How, Words};
use super::term::{Paint, Tone};
use crate::policy::Policy;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// The longest file that is read, in bytes.
const LONGEST: u64 = 16 << 20;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without a policy the draft is a pack of its own in the words of Fideslang; with one, categories are mapped to its own, \
                        by name or by their `fides` keys (or the nearest above).\n\nExit code: 0 all was written; 1 something could not \
                        be mapped, or is said twice and differently: it stands in the draft as a comment; 2 nothing could be read.\n\n\
                        Examples:\n  wherefore import fides .fides/shop.yml --policy policy/acme --output policy/acme/tags.toml\n  \
                        wherefore import dbt models/schema.yml --schema analytics --policy policy/acme"
)]
pub struct Args {
    /// What the files are
    #[arg(value_enum)]
    kind: Kind,
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The folder of a policy: its categories and subjects are used
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    /// The schema of tables of which the files don't say it
    #[arg(long, value_name = "NAME", default_value = "public")]
    schema: String,
    /// Where to write the draft; standard output where none is named
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Fides datasets: `data_categories` of collections and fields
    Fides,
    /// The properties of dbt models, sources, seeds and snapshots: `meta`
    Dbt,
}

/// What a file says of a table.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    schema: Option<String>,
    table: String,
    subject: Option<String>,
    subject_key: Option<String>,
    default: Vec<String>,
    /// Columns and their categories.
    columns: Vec<(String, Vec<String>)>,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Load(#[from] load::Failure),
    #[error("the policy does not load\n{0}")]
    Policy(String),
    #[error("{path}: longer than {LONGEST} bytes")]
    Long { path: String },
    #[error("{path}: {error}")]
    Unreadable { path: String, error: String },
    #[error("no tag stands in these files")]
    Nothing,
}

pub(super) fn run(args: &Args) -> ExitCode {
    match import(args) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_left) => ExitCode::FAILURE,
        Err(failure) => super::fail(&failure),
    }
}

/// Writes the draft; how much of what the files say it says in comments only.
fn import(args: &Args) -> Result<usize, Failure> {
    let policy = args.policy.as_deref().map(policy).transpose()?;
    let mut drafted =
        Drafted { words: Words::new(policy.as_ref()), policy: policy.as_ref(), blocks: BTreeMap::new(), left: 0 };
    for path in &args.files {
        let name = path.display().to_string();
        let size = std::fs::metadata(path).map_err(|error| load::Failure::file(path, error))?.len();
        if size > LONGEST {
            return Err(Failure::Long { path: name });
        }
        let text = std::fs::read_to_string(path).map_err(|error| load::Failure::file(path, error))?;
        let told = match args.kind {
            Kind::Fides => fides::read(&text),
            Kind::Dbt => dbt::read(&text),
        };
        for table in told.map_err(|error| Failure::Unreadable { path: name.clone(), error })? {
            drafted.add(table, &args.schema, &name);
        }
    }
    let Drafted { words, policy: _, blocks, left } = drafted;
    let blocks: Vec<Block> = blocks.into_values().collect();
    if blocks.is_empty() {
        return Err(Failure::Nothing);
    }
    let text = draft("Drafted by `wherefore import`.", &blocks, &words, "imported");
    match &args.output {
        Some(path) => std::fs::write(path, &text).map_err(|error| load::Failure::file(path, error))?,
        None => print!("{text}"),
    }
    let columns: usize = blocks.iter().map(Block::proposals).sum();
    let summary = format!("{columns} columns in {} tables; {left} left as comments", blocks.len());
    eprintln!("{}", Paint::stderr().tone(if left == 0 { Tone::Good } else { Tone::Bad }, &summary));
    Ok(left)
}

fn policy(folder: &Path) -> Result<Policy, Failure> {
    let loaded = Policy::parse(&load::pack(folder)?);
    Ok(loaded.map_err(|errors| Failure::Policy(errors.render(colour(Paint::stderr()))))?.policy)
}

/// The tables of all files.
struct Drafted<'p> {
    words: Words,
    policy: Option<&'p Policy>,
    blocks: BTreeMap<(String, String), Block>,
    left: usize,
}

impl Drafted<'_> {
    fn add(&mut self, told: Told, schema: &str, file: &str) {
        let Told { schema: own, table, subject, subject_key, default, columns } = told;
        let schema = own.unwrap_or_else(|| schema.to_owned());
        let stands = self.policy.is_some_and(|policy| policy.has_tags_of(&schema, &table));
        let default = (!default.is_empty()).then(|| self.mapped(&default, file));
        let subject = subject.map(|name| match self.words.subject_of(&name) {
            Some(subject) => Proposal { words: vec![subject], note: file.to_owned(), counts: true },
            None => self.unknown(&[name], file),
        });
        let subject_key =
            subject_key.map(|name| Proposal { words: vec![name.into()], note: file.to_owned(), counts: true });
        let lines: Vec<Line> = columns
            .into_iter()
            .map(|(column, categories)| Line { column: column.into(), proposed: Ok(self.mapped(&categories, file)) })
            .collect();
        let place = (schema.clone(), table.clone());
        let Some(block) = self.blocks.get_mut(&place) else {
            let (schema, table) = (schema.into(), table.into());
            let block = Block { schema, table, stands, subject, subject_key, default, lines, remark: None };
            self.blocks.insert(place, block);
            return;
        };
        for (known, new) in
            [(&mut block.subject, subject), (&mut block.subject_key, subject_key), (&mut block.default, default)]
        {
            match (known.as_ref(), new) {
                (None, new) => *known = new,
                (Some(known), Some(new)) if known.words != new.words => self.left += 1,
                (Some(_), _) => {}
            }
        }
        for mut line in lines {
            let known = block.lines.iter().find(|known| known.column == line.column && known.counts());
            let (Some(Ok(known)), Ok(new)) = (known.map(|known| &known.proposed), &mut line.proposed) else {
                block.lines.push(line);
                continue;
            };
            if known.words != new.words {
                new.counts = false;
                new.note = format!("{}: but it is tagged above", new.note);
                self.left += 1;
                block.lines.push(line);
            }
        }
    }

    /// The policy's categories for those of a file: all, or a comment.
    fn mapped(&mut self, categories: &[String], file: &str) -> Proposal {
        let found: Vec<Option<(Arc<str>, How)>> = categories.iter().map(|name| self.words.category_of(name)).collect();
        let Some(found) = found.into_iter().collect::<Option<Vec<(Arc<str>, How)>>>() else {
            return self.unknown(categories, file);
        };
        let wider = if found.iter().all(|(_, how)| *how == How::Said) { "" } else { "; the nearest category above" };
        let mut words: Vec<Arc<str>> = found.into_iter().map(|(name, _)| name).collect();
        words.sort_unstable();
        words.dedup();
        Proposal { words, note: format!("{file} says {}{wider}", categories.join(", ")), counts: true }
    }

    fn unknown(&mut self, names: &[String], file: &str) -> Proposal {
        self.left += 1;
        let words = names.iter().map(|name| name.as_str().into()).collect();
        Proposal { words, note: format!("{file}: the policy has no such name or fides key"), counts: false }
    }
}
