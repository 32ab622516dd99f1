//! `wherefore serve`: the proxy; and its starting in-process, for the demo and the tests.

use super::load;
use super::throwaway::SUPERUSER;
use crate::control::Config;
use crate::observe;
use crate::server::{self, ServeError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration: where to listen, which Postgres stands behind, which policy holds for which database
    #[arg(long, value_name = "FILE", default_value = "wherefore.toml", env = "WHEREFORE_CONFIG")]
    config: PathBuf,
}

/// Why the proxy does not run.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Config(#[from] load::Failure),
    #[error("starting the runtime: {0}")]
    Runtime(std::io::Error),
    #[error("the proxy stopped: {0}")]
    Serve(String),
}

pub(super) fn run(args: &Args) -> ExitCode {
    match serve(&args.config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => super::fail(&failure),
    }
}

/// Serves until a signal ends it.
fn serve(config: &Path) -> Result<(), Failure> {
    let config = load::config(config)?;
    observe::set_up(&config.log);
    runtime()?.block_on(async {
        let proxy = begin(config).await?;
        proxy.ended().await
    })
}

/// The proxy's runtime.
pub fn runtime() -> Result<Runtime, Failure> {
    server::runtime().map_err(Failure::Runtime)
}

/// A proxy that runs in this process until the runtime ends.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Waits until it stops serving.
    async fn ended(self) -> Result<(), Failure> {
        outcome(self.task.await)
    }
}

fn outcome(ended: Result<Result<(), ServeError>, JoinError>) -> Result<(), Failure> {
    match ended {
        Ok(outcome) => outcome.map_err(|error| Failure::Serve(error.to_string())),
        Err(error) => Err(Failure::Serve(error.to_string())),
    }
}

/// Starts the proxy on the current runtime; it accepts connections when this returns.
pub async fn start(config: &Path) -> Result<Running, Failure> {
    begin(load::config(config)?).await
}

async fn begin(config: Config) -> Result<Running, Failure> {
    let (tell, listening) = oneshot::channel();
    let ready = move |address| {
        // Nobody listens any more only where this future was dropped meanwhile.
        let _ = tell.send(address);
    };
    let mut task = tokio::spawn(server::serve(config, ready));
    tokio::select! {
        Ok(address) = listening => Ok(Running { address, task }),
        ended = &mut task => {
            outcome(ended)?;
            Err(Failure::Serve("it stopped before it listened".to_owned()))
        }
    }
}

/// A configuration for a proxy on the loopback in front of a throwaway cluster; every database gets the policy. Port 0 takes
/// a free one.
pub fn config_text(listen: u16, upstream: u16, policy: &Path) -> String {
    // The file lies elsewhere, and paths in it are relative to it.
    let policy = std::path::absolute(policy).unwrap_or_else(|_| policy.to_owned());
    let policy = toml::Value::String(policy.to_string_lossy().into_owned());
    format!(
        "listen = \"127.0.0.1:{listen}\"\npolicy = {policy}\n\n\
         [upstream]\nhost = \"127.0.0.1\"\nport = {upstream}\ncatalog_user = \"{SUPERUSER}\"\n"
    )
}
