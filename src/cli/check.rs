//! `wherefore check`: every error and lint of a pack, underlined in its file; with a catalog, also what does not fit it.

use super::clauses::Clauses;
use super::load::{self, CatalogSource, colour};
use super::scan::draft::key;
use super::term::{Paint, Tone, count};
use super::trial;
use crate::catalog::{Catalog, Snapshot};
use crate::policy::{Bound, LOCK_FILE, Lack, Lint, Patterned, Policy, SourceFile, UntaggedColumn};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// How many columns are listed of a kind before the rest is counted.
const LISTED_COLUMNS: usize = 40;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code: 0 the policy loads; 1 it does not (or has lints, with --deny-lints); 2 nothing could be \
                        checked.\n\nWith a catalog (--config and --database, --url, or --catalog) it also says which \
                        tables and columns the policy names that are not there, and which columns carry no tag."
)]
pub struct Args {
    /// The folder with the pack's *.toml files
    #[arg(value_name = "POLICY_DIR")]
    policy: PathBuf,
    #[command(flatten)]
    source: CatalogSource,
    /// The database to read the catalog of, with --config
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Show of each clause what enforces it and how many tests show it
    #[arg(long)]
    clauses: bool,
    /// Write policy.lock anew: the columns that tags cover without naming them. Needs a catalog
    #[arg(long)]
    write_lock: bool,
    /// Fail on lints too, and on clauses that no test shows
    #[arg(long)]
    deny_lints: bool,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Load(#[from] load::Failure),
    #[error(transparent)]
    Tests(#[from] trial::Failure),
    #[error("--write-lock needs a catalog: name one with --url, --config or --catalog")]
    NoCatalog,
}

/// What a check found.
struct Found {
    report: String,
    summary: String,
    passed: bool,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let paint = Paint::stdout();
    match check(args, paint) {
        Ok(found) => {
            print!("{}", found.report);
            let tone = if found.passed { Tone::Good } else { Tone::Bad };
            println!("{}", paint.tone(tone, &found.summary));
            if found.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => super::fail(&failure),
    }
}

fn check(args: &Args, paint: Paint) -> Result<Found, Failure> {
    let snapshot = args.source.snapshot(args.database.as_deref())?;
    let mut files = load::pack(&args.policy)?;
    if args.write_lock {
        lock(&args.policy, &mut files, snapshot.clone().ok_or(Failure::NoCatalog)?)?;
    }
    let loaded = match Policy::parse(&files) {
        Ok(loaded) => loaded,
        Err(errors) => {
            let summary = format!("{} does not load", args.policy.display());
            return Ok(Found { report: errors.render(colour(paint)), summary, passed: false });
        }
    };
    let mut lints = loaded.lints;
    let clauses = Clauses::of(&loaded.policy, &trial::tests(&args.policy)?);
    let mut report = String::new();
    let mut extra = String::new();
    let mut wrong = 0;
    if let Some(snapshot) = snapshot {
        let bound = Bound::new(Arc::new(loaded.policy), Arc::new(Catalog::new(snapshot, 0)));
        lints.extend(bound.lints().iter().cloned());
        for error in bound.errors() {
            report.push_str(&(error.render(colour(paint)) + "\n"));
        }
        wrong = bound.errors().len();
        report.push_str(&patterned(bound.patterned(), paint));
        report.push_str(&untagged(bound.untagged(), paint));
        extra = format!(", {}", count(bound.untagged().len(), "untagged column"));
    }
    let shown: String = lints.iter().map(|lint: &Lint| lint.render(colour(paint)) + "\n").collect();
    report.insert_str(0, &shown);
    if args.clauses {
        report.push_str(&clauses.render(paint));
    }
    let untested = clauses.untested();
    if !untested.is_empty() {
        let words = format!("no test shows clause {}", untested.join(", "));
        report.push_str(&format!("{} {words}\n", paint.tone(Tone::Strong, "untested:")));
    }
    let passed = wrong == 0 && ((lints.is_empty() && untested.is_empty()) || !args.deny_lints);
    let verdict = match wrong {
        0 if passed => "loads".to_owned(),
        0 => "has lints".to_owned(),
        wrong => format!("loads, but {} in the database cannot stand", count(wrong, "tag")),
    };
    let summary = format!(
        "{} {verdict}: {}, {}{extra}; {}",
        args.policy.display(),
        count(files.len(), "file"),
        count(lints.len(), "lint"),
        clauses.summary()
    );
    Ok(Found { report, summary, passed })
}

/// What patterns tag.
fn patterned(patterns: &[Patterned], paint: Paint) -> String {
    if patterns.is_empty() {
        return String::new();
    }
    let mut out = format!("{}\n", paint.tone(Tone::Strong, "columns that patterns tag"));
    for Patterned { tables, called, categories, columns } in patterns {
        out.push_str(&format!("  {tables}.{called}: {}\n", categories.join(", ")));
        for column in columns.iter().take(LISTED_COLUMNS) {
            out.push_str(&format!("    {column}\n"));
        }
        if let Some(more) = columns.len().checked_sub(LISTED_COLUMNS).filter(|more| *more > 0) {
            out.push_str(&format!("    … and {more} more\n"));
        }
    }
    out + "\n"
}

/// Writes the lock file of a pack that loads but for it; what is wrong with the rest is left to the check.
fn lock(folder: &Path, files: &mut Vec<SourceFile>, snapshot: Snapshot) -> Result<(), Failure> {
    let path = folder.join(LOCK_FILE);
    let name = path.display().to_string();
    files.retain(|file| file.path != name);
    files.push(SourceFile { path: name, text: String::new() });
    let Ok(loaded) = Policy::parse(files) else { return Ok(()) };
    let bound = Bound::new(Arc::new(loaded.policy), Arc::new(Catalog::new(snapshot, 0)));
    let text = bound.lock_file();
    std::fs::write(&path, &text).map_err(|error| load::Failure::file(&path, error))?;
    if let Some(file) = files.last_mut() {
        file.text = text;
    }
    Ok(())
}

/// The columns that carry no tag, by table, and what would tag those that are not in the lock file.
fn untagged(columns: &[UntaggedColumn], paint: Paint) -> String {
    if columns.is_empty() {
        return String::new();
    }
    let mut out = format!("{}\n", paint.tone(Tone::Strong, "columns without a tag (closed under restricted purposes)"));
    for column in columns.iter().take(LISTED_COLUMNS) {
        let UntaggedColumn { id: _, relation, column, lack } = column;
        let more = match lack {
            Lack::NoTag => String::new(),
            Lack::NotLocked => format!(
                ": not in {LOCK_FILE}; tag it by name, `columns.{} = \"…\"`, or look at it and take it in by --write-lock",
                key(column)
            ),
        };
        out.push_str(&format!("  {relation}.{column}{more}\n"));
    }
    if let Some(more) = columns.len().checked_sub(LISTED_COLUMNS).filter(|more| *more > 0) {
        out.push_str(&format!("  … and {more} more\n"));
    }
    out + "\n"
}

#[cfg(test)]
mod tests {
    use super::{Paint, Patterned, patterned};

    #[test]
    fn what_patterns_tag_is_listed() {
        let columns = (1..=42).map(|number| format!("public.t{number}.email")).collect();
        let many = Patterned {
            tables: "public.*".to_owned(),
            called: "email".into(),
            categories: vec!["contact".into(), "account".into()],
            columns,
        };
        let none = Patterned { called: "phone".into(), columns: Vec::new(), ..many.clone() };
        let listed = patterned(&[many, none], Paint::Plain);
        let lines: Vec<&str> = listed.lines().collect();
        assert_eq!(
            lines[..3],
            ["columns that patterns tag", "  public.*.email: contact, account", "    public.t1.email"]
        );
        assert_eq!(lines[42..], ["    … and 2 more", "  public.*.phone: contact, account", ""]);
        assert_eq!(patterned(&[], Paint::Plain), "");
    }
}
