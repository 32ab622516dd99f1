//! `wherefore matrix`: what each purpose gets of each category, on one screen or one page.

use super::load;
use super::term::{Paint, Tone};
use crate::enforce::words::not_for;
use crate::policy::{Cell, Extent, Filter, Gets, Matrix, Policy};
use crate::vocab::Right;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code: 0 the policy loads; 2 it does not, or a file could not be written. `wherefore check` shows \
                        why a policy does not load."
)]
pub struct Args {
    /// The folder with the pack's *.toml files
    #[arg(value_name = "POLICY_DIR")]
    policy: PathBuf,
    /// The right to show
    #[arg(long, value_enum, default_value = "read")]
    right: AskedRight,
    /// Show what a recipient gets
    #[arg(long, value_name = "RECIPIENT", conflicts_with = "diff")]
    recipient: Option<String>,
    /// Show every category, not only those that tables carry
    #[arg(long)]
    all: bool,
    /// Write one self-contained page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Show what changes from this older pack to POLICY_DIR: what is granted and what is taken away, for every right
    #[arg(long, value_name = "OLD_DIR", conflicts_with = "html")]
    diff: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum AskedRight {
    Read,
    Insert,
    Update,
    Delete,
}

const RIGHTS: [Right; 4] = [Right::Read, Right::Insert, Right::Update, Right::Delete];

pub(super) fn run(args: &Args) -> ExitCode {
    let extent = if args.all { Extent::Declared } else { Extent::Tagged };
    let right = match args.right {
        AskedRight::Read => Right::Read,
        AskedRight::Insert => Right::Insert,
        AskedRight::Update => Right::Update,
        AskedRight::Delete => Right::Delete,
    };
    match shown(args, right, extent) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(failure) => super::fail(&failure),
    }
}

fn shown(args: &Args, right: Right, extent: Extent) -> Result<String, load::Failure> {
    let new = policy(&args.policy)?;
    if let Some(old) = &args.diff {
        return Ok(diff(&policy(old)?, &new, Paint::stdout()));
    }
    let recipient = args.recipient.as_deref().map(|name| load::recipient(&new, name)).transpose()?;
    let matrix = new.matrix(right, extent, recipient);
    match &args.html {
        None => Ok(screen(&matrix, Paint::stdout())),
        Some(file) => {
            let page = super::page::matrix(&new, right, &matrix);
            std::fs::write(file, page).map_err(|error| load::Failure::file(file, error))?;
            Ok(String::new())
        }
    }
}

fn policy(folder: &Path) -> Result<Policy, load::Failure> {
    load::policy(folder, &load::pack(folder)?)
}

/// A sign for what a purpose gets.
pub(super) fn sign(gets: &Gets) -> &'static str {
    match gets {
        Gets::Everything => "○",
        Gets::Raw => "●",
        Gets::Masked(_) => "◐",
        Gets::Aggregated(_) => "Σ",
        Gets::Nothing => "·",
        Gets::Denied => "–",
        Gets::Forbidden => "✕",
    }
}

/// What a purpose gets, in words.
pub(super) fn words(gets: &Gets) -> String {
    match gets {
        Gets::Everything => "everything: the purpose is unrestricted".to_owned(),
        Gets::Raw => "as it is".to_owned(),
        Gets::Masked(mask) => format!("masked: {mask}"),
        Gets::Aggregated(aggregate) => aggregate.to_string(),
        Gets::Nothing => "nothing: no rule permits it".to_owned(),
        Gets::Denied => "nothing: denied".to_owned(),
        Gets::Forbidden => "nothing: forbidden for good".to_owned(),
    }
}

/// What a purpose gets and for what, in words.
pub(super) fn words_of(cell: &Cell) -> String {
    let looked_up = match cell.filter {
        Filter::AsShown => "",
        Filter::LookUp => ", found by a look-up",
    };
    format!("{}{looked_up}{}", words(&cell.gets), not_for(cell.closed))
}

/// The signs, explained.
pub(super) const LEGEND: [(&str, &str); 10] = [
    ("●", "as it is"),
    ("◐", "masked"),
    ("Σ", "in aggregates over enough subjects"),
    ("·", "no rule permits it"),
    ("–", "denied by a rule"),
    ("✕", "forbidden for good"),
    ("○", "unrestricted, not judged"),
    ("?", "rows are found by a look-up of one given value"),
    ("!", "not for every usage"),
    ("*", "only rows that meet the rule's conditions"),
];

/// What stands behind a sign: look-ups, closed usages, conditions.
pub(super) fn marks(cell: &Cell) -> String {
    let looked_up = match cell.filter {
        Filter::AsShown => "",
        Filter::LookUp => "?",
    };
    let closed = if cell.closed.is_empty() { "" } else { "!" };
    let conditions = if cell.conditions.is_empty() { "" } else { "*" };
    format!("{looked_up}{closed}{conditions}")
}

/// A cell in a few characters: the sign, its marks, the clause.
fn short(cell: &Cell) -> String {
    let clause = cell.clause.as_ref().map_or("", |clause| &*clause.id);
    format!("{}{}{clause}", sign(&cell.gets), marks(cell))
}

fn tone(gets: &Gets) -> Tone {
    match gets {
        Gets::Raw => Tone::Good,
        Gets::Masked(_) | Gets::Aggregated(_) => Tone::Sql,
        Gets::Denied | Gets::Forbidden => Tone::Refused,
        Gets::Nothing | Gets::Everything => Tone::Faint,
    }
}

/// The grid for a terminal: a column for each purpose, by number.
fn screen(matrix: &Matrix, paint: Paint) -> String {
    let mut out = String::new();
    let cells = matrix.parts.iter().flat_map(|part| &part.rows).flat_map(|row| &row.cells);
    let width = cells.map(|cell| short(cell).chars().count()).max().unwrap_or(1).max(2) + 1;
    let rows = matrix.parts.iter().flat_map(|part| &part.rows);
    let names = rows.map(|row| row.category.name.chars().count() + 2 * row.category.depth).max().unwrap_or(0) + 4;
    let recipient = matrix.recipient.as_ref().map_or(String::new(), |name| format!(", for recipient {name}"));
    let _ = writeln!(out, "{}", paint.tone(Tone::Strong, &format!("purposes{recipient}")));
    for (at, purpose) in matrix.purposes.iter().enumerate() {
        let name = format!("{:indent$}{}", "", purpose.name, indent = 2 * purpose.depth);
        let title = paint.tone(Tone::Faint, purpose.title.as_deref().unwrap_or_default());
        let mode = if purpose.shadowed { paint.tone(Tone::Refused, "shadow: not enforced  ") } else { "".into() };
        let line = format!("{:>4}  {name:<32}  {mode}{title}", at + 1);
        let _ = writeln!(out, "{}", line.trim_end());
    }
    for part in &matrix.parts {
        let subject = part.subject.as_deref().unwrap_or("(no subject)");
        let numbers = (1..=matrix.purposes.len()).map(|at| format!("{at:<width$}")).collect::<String>();
        let _ = writeln!(
            out,
            "\n{}{}",
            pad(paint, Tone::Strong, subject, names),
            paint.tone(Tone::Faint, numbers.trim_end())
        );
        for row in &part.rows {
            let name = format!("  {:indent$}{}", "", row.category.name, indent = 2 * row.category.depth);
            let mut line = format!("{name:<names$}");
            for cell in &row.cells {
                line.push_str(&pad(paint, tone(&cell.gets), &short(cell), width));
            }
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
    let legend: Vec<String> = LEGEND.iter().map(|(sign, words)| format!("{sign} {words}")).collect();
    let _ = writeln!(out, "\n{}", paint.tone(Tone::Faint, &legend.join(" · ")));
    out
}

/// A text in a tone, with spaces up to a width.
fn pad(paint: Paint, tone: Tone, text: &str, width: usize) -> String {
    let spaces = width.saturating_sub(text.chars().count());
    format!("{}{:spaces$}", paint.tone(tone, text), "")
}

/// Where a right stands: right, subject, category, purpose, recipient.
type Place = (usize, String, String, String, Option<String>);

/// What a new policy grants and takes away.
fn diff(old: &Policy, new: &Policy, paint: Paint) -> String {
    let (before, after) = (places(old), places(new));
    let every: std::collections::BTreeSet<&Place> = before.keys().chain(after.keys()).collect();
    let (mut granted, mut taken, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for place in every {
        let (was, is) = (before.get(place), after.get(place));
        let (right, subject, category, purpose, recipient) = place;
        let without = (*right, subject.clone(), category.clone(), purpose.clone(), None);
        if recipient.is_some() && (was, is) == (before.get(&without), after.get(&without)) {
            // As without a recipient.
            continue;
        }
        let meaning = |cell: &&Cell| (cell.gets.clone(), cell.filter, cell.closed, cell.conditions.clone());
        if was.as_ref().map(meaning) == is.as_ref().map(meaning) {
            continue;
        }
        let told = |cell: Option<&Cell>| cell.map_or_else(|| "not declared".to_owned(), told);
        let word = RIGHTS[*right].word();
        let recipient = recipient.as_ref().map_or(String::new(), |recipient| format!(" for {recipient}"));
        let line = format!("  {purpose}{recipient}: {word} {subject} × {category}: {} → {}", told(was), told(is));
        let rank = |cell: Option<&Cell>| cell.map_or((0, 0, 0), openness);
        match rank(was).cmp(&rank(is)) {
            std::cmp::Ordering::Less => granted.push(line),
            std::cmp::Ordering::Greater => taken.push(line),
            std::cmp::Ordering::Equal => other.push(line),
        }
    }
    let mut out = String::new();
    for (title, tone, lines) in
        [("granted", Tone::Refused, granted), ("taken away", Tone::Good, taken), ("changed", Tone::Strong, other)]
    {
        if !lines.is_empty() {
            let _ = writeln!(out, "{} ({})\n{}", paint.tone(tone, title), lines.len(), lines.join("\n"));
        }
    }
    if out.is_empty() { "no right changes\n".to_owned() } else { out }
}

/// How much a purpose gets: nothing, something in its place, or the value; whether it looks values up; for how many usages.
fn openness(cell: &Cell) -> (u8, u8, i32) {
    let gets = match cell.gets {
        Gets::Nothing | Gets::Denied | Gets::Forbidden => 0,
        Gets::Masked(_) | Gets::Aggregated(_) => 1,
        Gets::Raw => 2,
        Gets::Everything => 3,
    };
    let looked_up = match cell.filter {
        Filter::AsShown => 0,
        Filter::LookUp => 1,
    };
    (gets, looked_up, -(cell.closed.iter().count() as i32))
}

fn told(cell: &Cell) -> String {
    let conditions: Vec<&str> = cell.conditions.iter().map(|condition| &**condition).collect();
    let where_ = if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(", ")) };
    let rule = cell.rule.as_ref().map_or_else(String::new, |rule| match &cell.clause {
        Some(clause) => format!(" [{rule}, {}]", clause.id),
        None => format!(" [{rule}]"),
    });
    format!("{}{where_}{rule}", words_of(cell))
}

fn places(policy: &Policy) -> BTreeMap<Place, Cell> {
    let mut all = BTreeMap::new();
    let recipients = || policy.recipients().map(Some).chain([None]);
    let every = RIGHTS.into_iter().enumerate().flat_map(|right| recipients().map(move |recipient| (right, recipient)));
    for ((number, right), recipient) in every {
        let Matrix { purposes, parts, recipient } = policy.matrix(right, Extent::Declared, recipient);
        let recipient = recipient.map(|name| name.to_string());
        for part in parts {
            let subject = part.subject.as_deref().unwrap_or("(no subject)").to_owned();
            for row in part.rows {
                for (purpose, cell) in purposes.iter().zip(row.cells) {
                    let (category, purpose) = (row.category.name.to_string(), purpose.name.to_string());
                    let place = (number, subject.clone(), category, purpose, recipient.clone());
                    all.insert(place, cell);
                }
            }
        }
    }
    all
}
