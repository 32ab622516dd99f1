//! `wherefore retention`: which rows of a database are past what the policy keeps them for.
//!
//! Rows are counted where they are, in transactions that read only. Nothing of them is fetched but counts and ages in days.

mod count;
mod report;
mod sql;

use super::load::{self, CatalogSource, colour};
use super::term::Paint;
use crate::catalog::{Catalog, Relation, quote_qualified};
use crate::policy::{Bound, Policy, Retention};
use count::Counts;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "A purpose has lost a row once a `retention.…` condition that its rules ask for does not hold any more, or the row is \
                        `erased`. A row is due for deletion once every purpose that keeps it has lost it; purposes that a [[narrow]] \
                        leaves out of retention by `except` keep nothing. The role needs SELECT, and must not be bound by row security.\n\n\
                        Exit code: 0 nothing is due; 1 something is; 2 nothing could be told, or not of every table.\n\nExamples:\n  \
                        wherefore retention policy/acme --url postgres://…/shop\n  \
                        wherefore retention policy/acme --config wherefore.toml --database shop --sql > due.sql"
)]
pub struct Args {
    /// The folder of the policy
    #[arg(value_name = "POLICY_DIR")]
    policy: PathBuf,
    #[command(flatten)]
    source: CatalogSource,
    /// The database, with --config
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Look at this table only (schema.name); may be given several times
    #[arg(long = "table", value_name = "TABLE")]
    tables: Vec<String>,
    /// How long a table may take, in milliseconds
    #[arg(long, value_name = "NUMBER", default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(1..=86_400_000))]
    timeout: u32,
    /// Print the DELETE statements instead of the report; nothing is run
    #[arg(long, conflicts_with = "json")]
    sql: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Why nothing could be told.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Load(#[from] load::Failure),
    #[error("the policy does not load\n{0}")]
    Policy(String),
    #[error("no database: name one with --url or --config")]
    NoServer,
    #[error("the database has no table `{0}` whose rows end by the policy; a table is named schema.name")]
    NoTable(String),
    #[error("connecting to count rows: {0}")]
    Connect(String),
}

/// A table whose rows end, and what was counted of it.
struct Counted<'c> {
    relation: &'c Relation,
    retention: Retention,
    /// An error in words.
    counts: Result<Counts, String>,
}

impl Counted<'_> {
    fn due(&self) -> u64 {
        self.counts.as_ref().map_or(0, |counts| counts.due.unwrap_or(0))
    }
}

pub(super) fn run(args: &Args) -> ExitCode {
    match retention(args) {
        Ok(code) => code,
        Err(failure) => super::fail(&failure),
    }
}

fn retention(args: &Args) -> Result<ExitCode, Failure> {
    let policy = policy(&args.policy)?;
    let server = args.source.connection(args.database.as_deref())?.ok_or(Failure::NoServer)?;
    let catalog = Arc::new(Catalog::new(load::read(&server)?, 0));
    let bound = Bound::new(Arc::new(policy), Arc::clone(&catalog));
    let asked = asked(&catalog, bound.retention(), &args.tables)?;
    let counted = counted(&server, asked, args.timeout)?;
    let text = match (args.sql, args.json) {
        (true, _) => sql::deletes(&catalog, &counted),
        (false, true) => report::json(&bound, &counted),
        (false, false) => report::text(&bound, &counted, Paint::stdout()),
    };
    print!("{text}");
    let untold = counted.iter().filter(|table| table.counts.is_err());
    untold.clone().for_each(|table| eprintln!("{}", report::not_counted(table, Paint::stderr())));
    Ok(match (counted.iter().any(|table| table.due() > 0), untold.count()) {
        (true, _) => ExitCode::FAILURE,
        (false, 0) => ExitCode::SUCCESS,
        (false, _) => ExitCode::from(super::COULD_NOT_RUN),
    })
}

fn policy(folder: &Path) -> Result<Policy, Failure> {
    let loaded = Policy::parse(&load::pack(folder)?);
    Ok(loaded.map_err(|errors| Failure::Policy(errors.render(colour(Paint::stderr()))))?.policy)
}

/// The tables that are asked for; all where none is named.
fn asked<'c>(
    catalog: &'c Catalog,
    all: Vec<Retention>,
    names: &[String],
) -> Result<Vec<(&'c Relation, Retention)>, Failure> {
    let known = |retention: Retention| Some((catalog.relation(retention.relation)?, retention));
    let all: Vec<(&Relation, Retention)> = all.into_iter().filter_map(known).collect();
    let is = |relation: &Relation, name: &str| {
        name == format!("{}.{}", relation.schema, relation.name)
            || name == quote_qualified(&relation.schema, &relation.name)
    };
    if let Some(name) = names.iter().find(|name| !all.iter().any(|(relation, _)| is(relation, name))) {
        return Err(Failure::NoTable(name.clone()));
    }
    Ok(all
        .into_iter()
        .filter(|(relation, _)| names.is_empty() || names.iter().any(|name| is(relation, name)))
        .collect())
}

fn counted<'c>(
    server: &load::Server,
    asked: Vec<(&'c Relation, Retention)>,
    timeout: u32,
) -> Result<Vec<Counted<'c>>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(load::Failure::Runtime)?;
    runtime.block_on(async {
        let client = server.connect().await.map_err(Failure::Connect)?;
        let shown = std::io::stderr().is_terminal();
        let many = asked.len();
        let mut counted = Vec::with_capacity(many);
        for (at, (relation, retention)) in asked.into_iter().enumerate() {
            if shown {
                eprint!("\r\x1b[K{} of {many} tables: {}.{}", at + 1, relation.schema, relation.name);
                let _ = std::io::stderr().flush();
            }
            let counts = count::count(&client, relation, &retention, timeout).await;
            counted.push(Counted { relation, retention, counts });
        }
        if shown {
            eprint!("\r\x1b[K");
        }
        Ok(counted)
    })
}
