//! `wherefore test`: the tests that stand beside a pack, against a throwaway database or a catalog alone; and whether they would
//! notice if a rule were gone or wider.

mod case;
mod run;

use super::load::{self, CatalogSource};
use super::term::{Paint, Tone, wrap};
use super::throwaway::{self, SUPERUSER, Throwaway};
use crate::catalog::{Catalog, Snapshot, noise, pseudonyms};
use crate::policy::{Policy, SourceFile};
pub(super) use case::Case;
use run::{Ground, Outcome};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// The width of wrapped text.
const WIDTH: usize = 104;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Tests are the files tests/*.toml of the pack's folder; docs/policy.md says how they are written. Without a \
                        catalog they run in a throwaway Postgres, with the schema.sql and data.sql of the pack's folder.\n\n\
                        Exit code: 0 all is as the tests want it; 1 it is not; 2 they could not be run."
)]
pub struct Args {
    /// The folder of the pack
    #[arg(value_name = "POLICY_DIR")]
    policy: PathBuf,
    #[command(flatten)]
    source: CatalogSource,
    /// The database to read the catalog of, with --config
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Take away or widen each rule, bound and demand in turn, and fail if no test notices
    #[arg(long)]
    mutate: bool,
    /// Say only what is not as it should be
    #[arg(long, short)]
    quiet: bool,
}

/// Why tests could not be run.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Load(#[from] load::Failure),
    #[error(transparent)]
    Cluster(#[from] throwaway::Failure),
    #[error("{0}")]
    Case(String),
    #[error("no tests: there is no file {0}/*.toml")]
    NoTests(String),
    #[error("no catalog: the pack has no schema.sql; name a catalog with --catalog, --url or --config")]
    NoSchema,
    #[error("{path}: {error}")]
    Script { path: String, error: String },
    #[error("starting the runtime: {0}")]
    Runtime(std::io::Error),
}

pub(super) fn run(args: &Args) -> ExitCode {
    match trial(args, Paint::stdout()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => super::fail(&failure),
    }
}

/// The tests that stand beside a pack; none where there is no such folder.
pub(super) fn tests(pack: &Path) -> Result<Vec<Case>, Failure> {
    match case::read(pack) {
        Err(Failure::NoTests(_)) => Ok(Vec::new()),
        read => read,
    }
}

/// Whether everything is as the tests want it.
fn trial(args: &Args, paint: Paint) -> Result<bool, Failure> {
    let files = load::pack(&args.policy)?;
    let policy = load::policy(&args.policy, &files)?;
    let cases = case::read(&args.policy)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)?;
    let (snapshot, cluster) = match args.source.snapshot(args.database.as_deref())? {
        Some(snapshot) => (snapshot, None),
        None => {
            let (snapshot, cluster) = runtime.block_on(database(&args.policy, &policy))?;
            (snapshot, Some(cluster))
        }
    };
    let catalog = Arc::new(Catalog::new(snapshot, 0));
    let ground = Ground::new(catalog, cluster.as_ref().map(|(_, client)| client), &runtime);
    let policy = Arc::new(policy);
    let outcomes: Vec<Outcome> = ground.play(&policy, &cases);
    let mut failed = 0;
    for (case, outcome) in cases.iter().zip(&outcomes) {
        failed += usize::from(outcome.failure.is_some());
        print!("{}", told(case, outcome, args.quiet, paint));
    }
    let played = outcomes.iter().filter(|outcome| !outcome.skipped).count();
    let skipped = outcomes.len() - played;
    let beside = if skipped > 0 { format!(", {skipped} need a database and were left out") } else { String::new() };
    let summary = format!("{} of {played} tests pass{beside}", played - failed);
    println!("{}", paint.tone(if failed == 0 { Tone::Good } else { Tone::Bad }, &summary));
    if failed > 0 || !args.mutate {
        return Ok(failed == 0);
    }
    Ok(survivors(&files, &policy, &cases, &outcomes, &ground, paint))
}

/// Changes every rule, bound and demand in turn; whether some test notices each.
fn survivors(
    files: &[SourceFile],
    policy: &Policy,
    cases: &[Case],
    outcomes: &[Outcome],
    ground: &Ground<'_>,
    paint: Paint,
) -> bool {
    let (mut changed, mut survived) = (0, 0);
    for change in policy.changes() {
        changed += 1;
        // What does not load is noticed by whoever loads it.
        let Ok(loaded) = Policy::parse_changed(files, &change) else { continue };
        if ground.notices(&Arc::new(loaded.policy), cases, outcomes) {
            continue;
        }
        survived += 1;
        println!("{} {change}: no test notices", paint.tone(Tone::Bad, "survives:"));
    }
    let summary = format!("{} of {changed} changes to the policy are noticed", changed - survived);
    println!("{}", paint.tone(if survived == 0 { Tone::Good } else { Tone::Bad }, &summary));
    survived == 0
}

/// A line for a test, and what is wrong with it.
fn told(case: &Case, outcome: &Outcome, quiet: bool, paint: Paint) -> String {
    let mut out = String::new();
    let clause = case.clause.as_ref().map_or_else(String::new, |clause| format!(" [{clause}]"));
    let name = format!("{}{clause}", case.name);
    match &outcome.failure {
        None if quiet => {}
        None => {
            let (tone, word) = if outcome.skipped { (Tone::Faint, "left out") } else { (Tone::Good, "ok") };
            let _ = writeln!(out, "{} {name}", paint.tone(tone, word));
        }
        Some(failure) => {
            let _ = writeln!(out, "{} {name} ({})", paint.tone(Tone::Bad, "FAILED"), case.file);
            let _ = writeln!(out, "    {}", paint.tone(Tone::Sql, &wrap("    ", WIDTH, case.sql.trim())));
            let _ = writeln!(out, "    {}", wrap("    ", WIDTH, failure));
        }
    }
    out
}

/// A throwaway database with the pack's schema and data, and what makes the pseudonyms that it shows.
async fn database(folder: &Path, policy: &Policy) -> Result<(Snapshot, (Throwaway, tokio_postgres::Client)), Failure> {
    let schema = folder.join("schema.sql");
    if !schema.is_file() {
        return Err(Failure::NoSchema);
    }
    let cluster = Throwaway::start(&[])?;
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(cluster.port()).user(SUPERUSER).dbname("postgres");
    let script = |path: &Path, error: &tokio_postgres::Error| Failure::Script {
        path: path.display().to_string(),
        error: load::words(error),
    };
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(|error| script(&schema, &error))?;
    tokio::spawn(connection);
    for path in [schema, folder.join("data.sql")] {
        if path.is_file() {
            let text = std::fs::read_to_string(&path).map_err(|error| load::Failure::file(&path, error))?;
            client.batch_execute(&text).await.map_err(|error| script(&path, &error))?;
        }
    }
    let roles = ["PUBLIC".to_owned()];
    let install = pseudonyms::script(&roles, &policy.pseudonym_keys()) + &noise::script(&roles, None);
    client.batch_execute(&install).await.map_err(|error| script(Path::new("wherefore install"), &error))?;
    let snapshot = crate::control::catalog::read(&client).await;
    let snapshot = snapshot.map_err(|error| load::Failure::Catalog(load::unread(&error)))?;
    Ok((snapshot, (cluster, client)))
}
