//! The command line: one file per subcommand.

mod audit;
mod check;
mod clauses;
mod demo;
mod explain;
mod import;
mod install;
mod load;
mod matrix;
mod page;
mod replay;
mod retention;
mod scan;
mod schema;
pub mod serve;
mod snapshot;
mod term;
pub mod throwaway;
mod trial;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use term::{Paint, Tone};

/// A Postgres proxy that asks every statement what it is for.
///
/// Applications connect to it instead of to Postgres and declare a purpose; the policy says which columns and rows that
/// purpose may see; a statement that wants more is refused, with the clause of the privacy document that says so.
#[derive(Debug, Parser)]
#[command(name = "wherefore", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the proxy
    Serve(serve::Args),
    /// Check a policy pack: every error and lint, underlined in its file
    Check(check::Args),
    /// Show what each purpose gets of each category, or what a change of the policy grants and takes away
    Matrix(matrix::Args),
    /// Run the tests that stand beside a pack, and see whether they would notice a rule that is gone or wider
    Test(trial::Args),
    /// Show what would become of one statement under one purpose
    Explain(explain::Args),
    /// Show what the statements of a server's log would meet
    Replay(replay::Args),
    /// Count the rows that are past what the policy keeps them for
    Retention(retention::Args),
    /// Draft tags: which columns probably hold personal data
    Scan(scan::Args),
    /// Draft tags from Fides datasets or the properties of dbt
    Import(import::Args),
    /// Write what a database contains as JSON, for `explain` and `check` without a server
    Catalog(snapshot::Args),
    /// Write the JSON Schema of policy files, for editors
    Schema(schema::Args),
    /// Write the SQL that lets a database make pseudonyms
    Install(install::Args),
    /// Verify, show and sum up the audit trail
    Audit(audit::Args),
    /// Start a throwaway Postgres with sample data, the proxy in front of it, and take a tour
    Demo(demo::Args),
}

/// Parses the arguments, runs the command, and gives its exit code: 0 went well, 1 found something, 2 could not run.
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Matrix(args) => matrix::run(&args),
        Command::Test(args) => trial::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Retention(args) => retention::run(&args),
        Command::Scan(args) => scan::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Catalog(args) => snapshot::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Install(args) => install::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Demo(args) => demo::run(&args),
    }
}

/// The exit code of a command that could not do its work.
const COULD_NOT_RUN: u8 = 2;

/// Says on standard error why a command could not do its work.
fn fail(failure: &dyn std::error::Error) -> ExitCode {
    eprintln!("{} {failure}", Paint::stderr().tone(Tone::Bad, "error:"));
    ExitCode::from(COULD_NOT_RUN)
}
