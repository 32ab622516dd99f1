//! `wherefore audit`: what can be done with the trail that the proxy has written.

mod pick;
mod report;
mod show;
mod verify;

use crate::audit::{LineError, generate};
use crate::control::table_schema;
use clap::Subcommand;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check that no line was changed, removed, put in or moved
    Verify(verify::Args),
    /// Sum up what was read, for whom and on which clause
    Report(report::Args),
    /// Show records, one a line
    Show(show::Args),
    /// Make the key that signs checkpoints, and the one that checks them
    Keygen(Keygen),
    /// Write the SQL that makes the table for [audit.table]
    Schema,
}

#[derive(Debug, clap::Args)]
struct Keygen {
    /// Where the private key goes; the public one goes beside it, with .pub behind
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Why a subcommand could not do its work.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{path}: {source}")]
    File { path: String, source: std::io::Error },
    #[error("{path}, line {line}: {error}")]
    Line { path: String, line: usize, error: LineError },
    #[error(transparent)]
    Key(#[from] crate::audit::KeyError),
    #[error("{0}")]
    Wish(String),
}

impl Failure {
    fn file(path: &Path, source: std::io::Error) -> Failure {
        Failure::File { path: path.display().to_string(), source }
    }
}

pub(super) fn run(args: &Args) -> ExitCode {
    let outcome = match &args.command {
        Command::Verify(args) => verify::run(args),
        Command::Report(args) => report::run(args),
        Command::Show(args) => show::run(args),
        Command::Keygen(args) => keygen(&args.file),
        Command::Schema => {
            print!("{}", table_schema());
            Ok(ExitCode::SUCCESS)
        }
    };
    outcome.unwrap_or_else(|failure| super::fail(&failure))
}

fn keygen(file: &Path) -> Result<ExitCode, Failure> {
    let (private, public) = generate()?;
    let mut beside = file.as_os_str().to_owned();
    beside.push(".pub");
    let beside = PathBuf::from(beside);
    for (path, text, mode) in [(file, private, 0o600), (&*beside, public, 0o644)] {
        // A key that is there is not replaced: what it has signed could not be checked any more.
        let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
        opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|source| Failure::file(path, source))?;
    }
    println!("{}\n{}", file.display(), beside.display());
    Ok(ExitCode::SUCCESS)
}
