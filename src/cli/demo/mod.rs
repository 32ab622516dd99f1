//! `wherefore demo`: a throwaway Postgres with sample data, the proxy in front, and a tour.
//!
//! Everything lives in one temporary folder and this process: whichever way it ends, the cluster's supervisor stops the
//! server and removes the folder.

mod job;
mod sample;
mod tour;
mod walk;

use super::serve;
use super::term::{Paint, Tone};
use super::throwaway::{self, SUPERUSER, Throwaway};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_postgres::{Client, NoTls};

const DATABASE: &str = "botpress";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// End after the tour; the exit code is 1 if any step did not do what it says
    #[arg(long)]
    once: bool,
    /// The port the proxy listens on, on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The policy pack, with the schema.sql that the sample data goes into
    #[arg(long, value_name = "DIR", default_value = "policy/botpress")]
    policy: PathBuf,
    /// Ask one job under both packs instead of taking the tour, and end
    #[arg(long, value_enum)]
    job: Option<Job>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Job {
    /// Train a model on conversations
    Training,
}

/// Why the demo stopped.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Cluster(#[from] throwaway::Failure),
    #[error(transparent)]
    Proxy(#[from] serve::Failure),
    #[error("loading the sample, {what}: {why}")]
    Sample { what: String, why: String },
    #[error("the connection failed: {0}")]
    Connection(tokio_postgres::Error),
    #[error("{0}")]
    Pack(String),
    #[error("{path}: {error}")]
    File { path: String, error: std::io::Error },
    #[error("waiting for a signal: {0}")]
    Signal(std::io::Error),
    #[error("interrupted before the tour was over")]
    Interrupted,
}

impl Failure {
    fn file(path: &Path, error: std::io::Error) -> Failure {
        Failure::File { path: path.display().to_string(), error }
    }

    /// A failure to load a part of the sample, in the server's words where it has any.
    fn sample(what: &str, error: &tokio_postgres::Error) -> Failure {
        let why = error.as_db_error().map_or_else(|| error.to_string(), |report| report.message().to_owned());
        Failure::Sample { what: what.to_owned(), why }
    }
}

pub(super) fn run(args: &Args) -> ExitCode {
    let paint = Paint::stdout();
    let outcome = serve::runtime().map_err(Failure::from).and_then(|runtime| runtime.block_on(demo(args, paint)));
    match outcome {
        Ok(mismatches) if mismatches.is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(failure) => super::fail(&failure),
    }
}

/// Runs the whole demo. Gives the steps of the tour that did not do what they say.
async fn demo(args: &Args, paint: Paint) -> Result<Vec<String>, Failure> {
    // Signals are caught from here on. What they interrupt is dropped, and with it the cluster.
    let mut signals = Signals::new()?;
    if args.job == Some(Job::Training) {
        let mismatches = tokio::select! {
            outcome = job::training(args, paint) => outcome?,
            () = signals.any() => return Err(Failure::Interrupted),
        };
        conclude(paint, job::steps(), &mismatches);
        return Ok(mismatches);
    }
    let (stage, mismatches) = tokio::select! {
        outcome = tour(args, paint) => outcome?,
        () = signals.any() => return Err(Failure::Interrupted),
    };
    if !args.once {
        stage.invite(paint);
        signals.any().await;
        println!();
    }
    Ok(mismatches)
}

/// The signals that end the demo.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> Result<Signals, Failure> {
        let catch = |kind| signal(kind).map_err(Failure::Signal);
        Ok(Signals {
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
            hang_up: catch(SignalKind::hangup())?,
        })
    }

    /// Waits for one of them.
    async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

/// What stays up after the tour.
struct Stage {
    proxy: serve::Running,
    // Dropped last: the proxy's connections end before the server does.
    _cluster: Throwaway,
}

/// Sets the stage and takes the tour.
async fn tour(args: &Args, paint: Paint) -> Result<(Stage, Vec<String>), Failure> {
    let schema_file = args.policy.join("schema.sql");
    let schema = std::fs::read_to_string(&schema_file).map_err(|error| Failure::file(&schema_file, error))?;
    let started = Instant::now();
    let mark = format!("{}%u|", walk::LOG_MARK);
    let cluster = tokio::task::spawn_blocking(move || Throwaway::start(&[("log_line_prefix", &mark)]));
    let cluster = cluster.await.map_err(|_| Failure::Interrupted)??;
    let oracle = prepare(&cluster, DATABASE).await?;
    let version = one(&oracle, "SELECT current_setting('server_version')").await?;
    let version = version.split(' ').next().unwrap_or_default();
    let seconds = started.elapsed().as_secs_f32();
    let done = paint.tone(Tone::Good, "started");
    println!("{done} a throwaway PostgreSQL {version} on port {} ({seconds:.1} s)", cluster.port());
    sample::load(&oracle, &schema, paint).await?;

    let file = cluster.folder().join("wherefore.toml");
    let config = serve::config_text(args.port, cluster.port(), &args.policy);
    std::fs::write(&file, config).map_err(|error| Failure::file(&file, error))?;
    let proxy = serve::start(&file).await?;
    println!("{done} wherefore on port {}, in front of it", proxy.port());

    let scene = walk::Scene { cluster: &cluster, database: DATABASE, proxy_port: proxy.port(), oracle: &oracle, paint };
    let mismatches = walk::walk(&scene, tour::STEPS).await?;
    conclude(paint, tour::STEPS.len(), &mismatches);
    Ok((Stage { proxy, _cluster: cluster }, mismatches))
}

/// Says whether every step did what it says.
fn conclude(paint: Paint, steps: usize, mismatches: &[String]) {
    println!();
    if mismatches.is_empty() {
        println!("{}", paint.tone(Tone::Good, &format!("All {steps} steps did what they say.")));
    } else {
        println!("{}", paint.tone(Tone::Bad, "Not every step did what it says:"));
        mismatches.iter().for_each(|mismatch| println!("  {mismatch}"));
    }
}

/// Makes the database; gives a superuser's connection to it.
async fn prepare(cluster: &Throwaway, database: &str) -> Result<Client, Failure> {
    let client = connect(cluster, "postgres").await?;
    let create = format!("CREATE DATABASE {database}");
    client.batch_execute(&create).await.map_err(|error| Failure::sample("the database", &error))?;
    connect(cluster, database).await
}

async fn connect(cluster: &Throwaway, database: &str) -> Result<Client, Failure> {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(cluster.port()).user(SUPERUSER).dbname(database);
    let (client, connection) = config.connect(NoTls).await.map_err(Failure::Connection)?;
    tokio::spawn(connection);
    Ok(client)
}

async fn one(client: &Client, sql: &str) -> Result<String, Failure> {
    client.query_one(sql, &[]).await.map(|row| row.get(0)).map_err(Failure::Connection)
}

impl Stage {
    /// Says what to try by hand.
    fn invite(&self, paint: Paint) {
        let port = self.proxy.port();
        println!("\n{}", paint.tone(Tone::Strong, "Try it yourself, in another terminal"));
        let tries = [
            ("app_service", "service_operation", "SELECT body FROM messages LIMIT 3"),
            ("ml_engineer", "model_training", "SELECT body FROM messages LIMIT 3"),
            ("marketing", "marketing_communication", "SELECT count(*) FROM users"),
            ("support_agent", "customer_support", "SELECT * FROM users"),
        ];
        for (role, purpose, sql) in tries {
            let options = format!("options='-c wherefore.purpose={purpose}'");
            let line =
                format!("psql \"host=127.0.0.1 port={port} dbname={DATABASE} user={role} {options}\" -c '{sql}'");
            println!("  {}", paint.tone(Tone::Sql, &line));
        }
        println!("  Inside a session: SHOW wherefore.purpose;  SET wherefore.purpose = '…';");
        println!("\n{}", paint.tone(Tone::Faint, "Ctrl-C stops the proxy and removes the cluster."));
    }
}
