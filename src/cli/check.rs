//! `wherefore check`: every error and lint of a pack, underlined in its file; with a catalog, also what does not fit it.

use super::clauses::Clauses;
use super::load::{self, CatalogSource, colour};
use super::term::{Paint, Tone, count};
use super::trial;
use crate::catalog::Catalog;
use crate::policy::{Bound, Lint, Patterned, Policy, UntaggedColumn};
use std::path::PathBuf;
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
    let files = load::pack(&args.policy)?;
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
    if let Some(snapshot) = args.source.snapshot(args.database.as_deref())? {
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

/// The columns that carry no tag, by table.
fn untagged(columns: &[UntaggedColumn], paint: Paint) -> String {
    if columns.is_empty() {
        return String::new();
    }
    let mut out = format!("{}\n", paint.tone(Tone::Strong, "columns without a tag (closed under restricted purposes)"));
    for column in columns.iter().take(LISTED_COLUMNS) {
        out.push_str(&format!("  {}.{}\n", column.relation, column.column));
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
