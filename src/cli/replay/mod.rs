//! `wherefore replay`: what the statements of a log, or of `pg_stat_statements`, would meet under a policy; or under a new
//! one that they do not meet under the old.

mod judge;
mod log;
mod report;
mod shape;
mod statistics;
mod tally;

use super::load::{self, CatalogSource};
use super::term::Paint;
use crate::catalog::{Catalog, SearchPath};
use crate::control::catalog::APPLICATION;
use crate::policy::Policy;
use judge::{Declared, Judge, Statement, Wanted};
use log::{Entry, Format, Log, Next, Prefix, PrefixError};
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tally::{Outcome, Tally};

/// The buffer a log is read through, in bytes.
const BUFFER: usize = 256 << 10;
/// How often the progress is shown.
const BETWEEN_SHOWS: Duration = Duration::from_millis(200);
/// How many records are read between looks at the clock.
const BETWEEN_LOOKS: u64 = 512;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The purpose of a statement is what its comment declares (/*purpose='…'*/), else what --application says for the \
                  application, else --purpose, else the default of its role. What a comment or a default declares, the role must \
                  be granted; what an option says is taken to be granted.\n\nNo literal of a statement is ever printed.\n\n\
                  Exit code: 0 nothing is refused (with --against: nothing newly); 1 something is; 2 could not tell.\n\n\
                  Examples:\n  wherefore replay --log postgresql.csv --policy policy/acme --url postgres://…/shop\n  \
                  wherefore replay --pg-stat-statements --url postgres://…/shop --policy policy/acme --purpose operation\n  \
                  wherefore replay --log postgresql.json --policy new/ --against policy/acme --catalog snapshot.json"
)]
pub struct Args {
    /// A server's log, also several times; `-` for standard input. csvlog, jsonlog and the plain log are told apart
    #[arg(long = "log", value_name = "FILE", required_unless_present = "statistics", conflicts_with = "statistics")]
    logs: Vec<PathBuf>,
    /// What pg_stat_statements has gathered on the server of --url or --config
    #[arg(long = "pg-stat-statements")]
    statistics: bool,
    /// How the log is written, where it is not recognised
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The server's log_line_prefix, for a plain log whose prefix is none of the common ones
    #[arg(long, value_name = "PREFIX")]
    log_line_prefix: Option<String>,
    /// The folder of the policy; with --config, the one it names
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    /// A policy to compare with: only what differs is listed
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    #[command(flatten)]
    source: CatalogSource,
    /// The database, with --config; statements in others than the catalog's are left out
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// The purpose of statements that declare none, whatever their role's default is
    #[arg(long, value_name = "PURPOSE")]
    purpose: Option<String>,
    /// The purpose of an application's statements that declare none
    #[arg(long = "application", value_name = "NAME=PURPOSE", value_parser = assigned)]
    applications: Vec<(String, String)>,
    /// The role that all statements are taken to be of, instead of the one that the log tells
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// What sessions are taken to declare as wherefore.justification
    #[arg(long, value_name = "TEXT")]
    justification: Option<String>,
    /// The sessions' search_path
    #[arg(long, value_name = "SCHEMAS", value_delimiter = ',', default_value = "public")]
    search_path: Vec<String>,
    /// How many kinds of findings are listed
    #[arg(long, value_name = "NUMBER", default_value_t = 40)]
    most: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn assigned(text: &str) -> Result<(String, String), String> {
    let (name, purpose) = text.rsplit_once('=').ok_or("written NAME=PURPOSE")?;
    Ok((name.to_owned(), purpose.to_owned()))
}

/// Why nothing could be replayed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Load(#[from] load::Failure),
    #[error("no policy: name its folder with --policy, or a configuration with --config")]
    NoPolicy,
    #[error("no catalog: name one with --catalog, --url or --config")]
    NoCatalog,
    #[error("--pg-stat-statements needs a server: --url or --config")]
    NoServer,
    #[error("{path}: {error}")]
    Log { path: String, error: io::Error },
    #[error("{path}: {error}")]
    Prefix { path: String, error: PrefixError },
    #[error("{0}")]
    Statistics(String),
    #[error("the policy knows no purpose `{0}`")]
    UnknownPurpose(String),
}

pub(super) fn run(args: &Args) -> ExitCode {
    match replay(args) {
        Ok(tally) => {
            match args.json {
                true => println!("{}", report::json(&tally)),
                false => print!("{}", report::text(&tally, args.most, Paint::stdout())),
            }
            if tally.alarms() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(failure) => super::fail(&failure),
    }
}

/// What options say of the purposes of statements.
struct Declarations {
    applications: Vec<(String, Arc<str>)>,
    otherwise: Option<Arc<str>>,
}

impl Declarations {
    /// The purpose of a statement that declares none.
    fn supposed(&self, application: Option<&str>) -> Wanted {
        let named = self.applications.iter().find(|(name, _)| Some(&**name) == application);
        let purpose = named.map(|(_, purpose)| purpose).or(self.otherwise.as_ref());
        purpose.map_or(Wanted::Default, |purpose| Wanted::Supposed(Arc::clone(purpose)))
    }
}

/// Everything that judges a statement and counts what it meets.
struct Replay {
    judge: Judge,
    before: Option<Judge>,
    declarations: Declarations,
    role: Option<Arc<str>>,
    database: String,
    tally: Tally,
}

impl Replay {
    /// Judges a statement that was executed so often.
    fn count(&mut self, entry: &Entry, times: u64) {
        if entry.database.as_ref().is_some_and(|database| *database != self.database) {
            self.tally.elsewhere += times;
            return;
        }
        let application = entry.application.as_deref();
        if application == Some(APPLICATION) {
            self.tally.own += times;
            return;
        }
        let role = self.role.clone().or_else(|| entry.user.as_deref().map(Arc::from));
        let statement = Statement::new(&entry.text, application, &self.declarations);
        let declared = match &statement.wanted {
            Wanted::Declared(name) | Wanted::Supposed(name) => Declared::Purpose(Arc::clone(name)),
            Wanted::Default => self.judge.default_of(role.as_deref()),
        };
        let judged = |judge: &mut Judge| match &statement.misdeclared {
            Some(refused) => Arc::new(refused.clone()),
            None => judge.verdict(role.as_ref(), &statement.wanted, statement.text, &statement.shape.key),
        };
        let outcome = Outcome { after: judged(&mut self.judge), before: self.before.as_mut().map(judged) };
        self.tally.add(application, &declared, &outcome, &statement.shape.shown, times);
    }
}

fn replay(args: &Args) -> Result<Tally, Failure> {
    let mut replay = prepare(args)?;
    if args.statistics {
        let config = match (&args.source.url, &args.source.config) {
            (Some(_), _) | (_, Some(_)) => {
                args.source.connection(args.database.as_deref())?.ok_or(Failure::NoServer)?
            }
            (None, None) => return Err(Failure::NoServer),
        };
        let gathered = statistics::read(&config).map_err(Failure::Statistics)?;
        replay.tally.unread = gathered.hidden;
        let mut progress = Progress::new(gathered.statements.len() as u64);
        for (at, (entry, times)) in gathered.statements.iter().enumerate() {
            replay.count(entry, *times);
            progress.show(at as u64, &replay.tally);
        }
        progress.clear();
    }
    for path in &args.logs {
        read(path, args, &mut replay)?;
    }
    Ok(replay.tally)
}

fn prepare(args: &Args) -> Result<Replay, Failure> {
    let folder = match (&args.policy, &args.source.config) {
        (Some(folder), _) => folder.clone(),
        (None, Some(config)) => load::policy_folder(config, args.database.as_deref())?,
        (None, None) => return Err(Failure::NoPolicy),
    };
    let policy = |folder: &Path| -> Result<Policy, Failure> { Ok(load::policy(folder, &load::pack(folder)?)?) };
    let new = policy(&folder)?;
    let old = args.against.as_deref().map(policy).transpose()?;
    let applications = args.applications.iter().map(|(name, purpose)| (name.clone(), Arc::from(purpose.as_str())));
    let declarations =
        Declarations { applications: applications.collect(), otherwise: args.purpose.as_deref().map(Arc::from) };
    let supposed = declarations.applications.iter().map(|(_, purpose)| purpose).chain(&declarations.otherwise);
    for name in supposed {
        if new.purpose(name).is_none() {
            return Err(Failure::UnknownPurpose(name.to_string()));
        }
    }
    let snapshot = args.source.snapshot(args.database.as_deref())?.ok_or(Failure::NoCatalog)?;
    let catalog = Arc::new(Catalog::new(snapshot, 0));
    let judge = |policy| {
        let path = SearchPath::new(args.search_path.iter().map(|schema| Arc::from(schema.as_str())));
        Judge::new(policy, Arc::clone(&catalog), path, args.justification.clone())
    };
    Ok(Replay {
        judge: judge(new),
        before: old.map(judge),
        declarations,
        role: args.role.as_deref().map(Arc::from),
        database: catalog.database().to_owned(),
        tally: Tally::new(args.against.is_some()),
    })
}

/// Replays one log.
fn read(path: &Path, args: &Args, replay: &mut Replay) -> Result<(), Failure> {
    let failed = |error| Failure::Log { path: path.display().to_string(), error };
    let unusable = |error| Failure::Prefix { path: path.display().to_string(), error };
    let prefix = args.log_line_prefix.as_deref().map(Prefix::new).transpose().map_err(unusable)?;
    let (from, size): (Box<dyn Read>, u64) = match path == Path::new("-") {
        true => (Box::new(io::stdin()), 0),
        false => {
            let file = File::open(path).map_err(failed)?;
            let size = file.metadata().map_or(0, |about| about.len());
            (Box::new(file), size)
        }
    };
    let from: Box<dyn BufRead> = Box::new(BufReader::with_capacity(BUFFER, from));
    let mut log = Log::open(from, args.format, prefix).map_err(failed)?.map_err(unusable)?;
    let mut progress = Progress::new(size);
    loop {
        match log.next().map_err(failed)? {
            Next::Record(record) => {
                if let Some(entry) = record.executed() {
                    replay.count(&entry, 1);
                }
            }
            Next::Unread => replay.tally.unread += 1,
            Next::End => break,
        }
        progress.show(log.bytes(), &replay.tally);
    }
    progress.clear();
    replay.tally.lines += log.lines();
    Ok(())
}

/// How far it is, on a terminal.
struct Progress {
    /// The whole way; 0 where it is not known.
    whole: u64,
    shown: Option<Instant>,
    looked: u64,
}

impl Progress {
    fn new(whole: u64) -> Progress {
        let shown = std::io::stderr().is_terminal().then(Instant::now);
        Progress { whole, shown, looked: 0 }
    }

    fn show(&mut self, done: u64, tally: &Tally) {
        self.looked += 1;
        let Some(shown) = &mut self.shown else { return };
        if !self.looked.is_multiple_of(BETWEEN_LOOKS) || shown.elapsed() < BETWEEN_SHOWS {
            return;
        }
        *shown = Instant::now();
        let part =
            done.saturating_mul(100).checked_div(self.whole).map_or_else(String::new, |part| format!("{part:>3} %, "));
        eprint!("\r\x1b[K{part}{} statements", report::grouped(tally.statements()));
        let _ = io::stderr().flush();
    }

    fn clear(&self) {
        if self.shown.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}
