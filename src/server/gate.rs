//! Listening, accepting within bounds, and stopping without cutting anyone off.

use super::admin::AdminPort;
use super::door;
use super::handle::{Ending, Handle};
use super::listen::Listeners;
use super::notify::Supervisor;
use super::places::Crowd;
use super::watch::watch;
use crate::audit::{Event, Trail};
use crate::auth::Attempts;
use crate::control::config::{Log, LogFormat};
use crate::control::{Config, Databases, Reloaded, Revoked, Setup, SetupError, TrailError};
use crate::enforce::{Enforcer, Traces};
use crate::net::Stream;
use crate::observe::{self, Counters, Format};
use dashmap::DashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Interval;

/// Why the proxy does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {address}: {source}")]
    Listen { address: String, source: io::Error },
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Trail(#[from] TrailError),
    #[error("the system gives no random bytes: {0}")]
    Random(String),
    #[error("signals cannot be received: {0}")]
    Signals(io::Error),
}

/// What every session shares.
pub struct Shared {
    pub databases: Databases,
    pub enforcer: Arc<Enforcer>,
    pub counters: Arc<Counters>,
    pub trail: Option<Arc<Trail>>,
    pub sessions: DashMap<u64, Arc<Handle>>,
    /// Connections that are served, or told that there is no room.
    arrived: AtomicUsize,
    /// Sessions by the name of their user, and connections by the address that they come from.
    pub users: Crowd<String>,
    pub addresses: Crowd<IpAddr>,
    /// Failed logins.
    pub attempts: Attempts,
    /// What stands in for the verifiers of users that do not exist is derived from it.
    pub secret: [u8; 32],
    pub started: SystemTime,
    draining: AtomicBool,
    next: AtomicU64,
}

impl Shared {
    /// A number that nothing else of this process has.
    pub fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether the proxy stops.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

/// The runtime that sessions run on. Parsing recurses, so threads have large stacks (which cost nothing until used).
pub fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().thread_stack_size(crate::sql::STACK_BYTES).enable_all().build()
}

/// Starts the process's log as the config says.
pub fn set_up_log(log: &Log) {
    let format = match log.format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    };
    observe::set_up(&log.level, format);
}

/// Serves until TERM (sessions finish their transactions, within a bound) or INT. `ready` gets the address once
/// connections are accepted.
pub async fn serve(config: Config, ready: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    let mut term = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    let mut int = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    let mut hup = signal(SignalKind::hangup()).map_err(ServeError::Signals)?;
    let counters = Arc::new(Counters::default());
    counters.lookups.bound(config.limits.lookups_per_minute);
    let traces = if config.audit.is_some() { Traces::Kept } else { Traces::None };
    let enforcer = Arc::new(Enforcer::new(config.limits.core(traces)));
    let databases = Databases::new(config)?;
    let trail = start_trail(&databases.setup()).await?.map(Arc::new);
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| ServeError::Random(error.to_string()))?;
    let shared = Arc::new(Shared {
        databases,
        enforcer,
        counters,
        trail,
        sessions: DashMap::new(),
        arrived: AtomicUsize::new(0),
        users: Crowd::default(),
        addresses: Crowd::default(),
        attempts: Attempts::default(),
        secret,
        started: SystemTime::now(),
        draining: AtomicBool::new(false),
        next: AtomicU64::new(1),
    });
    let setup = shared.databases.setup();
    let listeners = Listeners::open(&setup.config)?;
    let address = listeners.address()?;
    let admin = AdminPort::open(setup.config.admin.listen).await?;
    drop(setup);
    let refresher = tokio::spawn(refresh(Arc::clone(&shared)));
    let rester = tokio::spawn(let_rest(Arc::clone(&shared)));
    let watcher = tokio::spawn(watch(Arc::clone(&shared)));
    let admin = admin.map(|port| {
        tracing::info!(address = %port.address, "the admin port is open");
        tokio::spawn(port.serve(Arc::clone(&shared)))
    });
    tracing::info!(%address, "listening");
    ready(address);
    let supervisor = Arc::new(Supervisor::of_environment());
    supervisor.tell("READY=1");
    let mut heart = supervisor.every().map(tokio::time::interval);
    loop {
        tokio::select! {
            accepted = listeners.accept() => match accepted {
                Ok(stream) => admit(&shared, stream),
                Err(error) => pause(error).await,
            },
            _ = hup.recv() => {
                let (shared, supervisor) = (Arc::clone(&shared), Arc::clone(&supervisor));
                tokio::spawn(async move {
                    supervisor.tell("RELOADING=1");
                    reload(&shared).await;
                    supervisor.tell("READY=1");
                });
            }
            () = beat(heart.as_mut()) => supervisor.tell("WATCHDOG=1"),
            _ = int.recv() => break,
            _ = term.recv() => {
                supervisor.tell("STOPPING=1");
                shared.draining.store(true, Ordering::Relaxed);
                listeners.close(|stream| admit(&shared, stream)).await;
                drain(&shared, &mut int).await;
                break;
            }
        }
    }
    for task in [Some(refresher), Some(rester), Some(watcher), admin].into_iter().flatten() {
        task.abort();
    }
    if let Some(trail) = shared.trail.clone() {
        let _ = tokio::task::spawn_blocking(move || trail.stop()).await;
    }
    tracing::info!(tally = ?shared.counters.tally(), "stopped");
    Ok(())
}

/// Opens the audit trail, where the config asks for one. That waits for disks and servers.
async fn start_trail(setup: &Arc<Setup>) -> Result<Option<Trail>, ServeError> {
    if setup.config.audit.is_none() {
        return Ok(None);
    }
    let setup = Arc::clone(setup);
    let start = move || setup.config.audit.as_ref().map(|audit| audit.start(&setup.config.upstream)).transpose();
    let started = tokio::task::spawn_blocking(start).await;
    Ok(started.map_err(|error| ServeError::Signals(io::Error::other(error)))??)
}

/// Waits for the next beat; for ever without a heart.
async fn beat(heart: Option<&mut Interval>) {
    match heart {
        Some(heart) => drop(heart.tick().await),
        None => std::future::pending().await,
    }
}

/// Out of file descriptors, most likely: waiting lets sessions end.
pub async fn pause(error: io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Connections beyond the limit that are heard out, because they may want to cancel, and told that there is no room.
const BEYOND: usize = 256;

/// Starts a session's task.
fn admit(shared: &Arc<Shared>, stream: Stream) {
    Counters::add(&shared.counters.connections);
    let setup = shared.databases.setup();
    if shared.arrived.load(Ordering::Relaxed) >= setup.config.limits.connections.saturating_add(BEYOND) {
        // There is no room even to say that there is none.
        return;
    }
    shared.arrived.fetch_add(1, Ordering::Relaxed);
    let full = shared.sessions.len() >= setup.config.limits.connections;
    let number = shared.number();
    let handle = Arc::new(Handle::default());
    if !full {
        shared.sessions.insert(number, Arc::clone(&handle));
    }
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let registered = Registered { shared, number };
        let room = if full { door::Room::Full } else { door::Room::Free };
        door::enter(&registered.shared, &setup, stream, handle, room).await;
    });
}

/// Takes the session off the list when its task ends, however it ends.
struct Registered {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.shared.sessions.remove(&self.number);
        self.shared.arrived.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Puts the config's file in force as it is now, or says why not.
async fn reload(shared: &Shared) {
    match shared.databases.reload().await {
        Ok(Reloaded { databases, replaced, needs_restart }) => {
            tell(shared, Event::Reloaded(replaced));
            let setup = shared.databases.setup();
            shared.counters.lookups.bound(setup.config.limits.lookups_per_minute);
            for session in &shared.sessions {
                session.value().end_if_moved(&shared.databases, &setup);
                if setup.config.auth.revoked == Revoked::End {
                    session.value().end_if_revoked(&setup.doorman);
                }
            }
            tracing::info!(policies = databases, "reloaded");
            for key in needs_restart {
                tracing::warn!(key, "this has changed, and needs a restart");
            }
        }
        Err(error) => {
            tell(shared, Event::NotReloaded);
            tracing::error!(%error, "not reloaded: nothing has changed");
        }
    }
}

fn tell(shared: &Shared, event: Event) {
    if let Some(trail) = &shared.trail {
        trail.tell(None, event);
    }
}

/// Lets sessions finish their transactions.
async fn drain(shared: &Shared, int: &mut tokio::signal::unix::Signal) {
    tracing::info!(sessions = shared.sessions.len(), "draining");
    for session in &shared.sessions {
        session.value().end(Ending::Command);
    }
    let emptied = async {
        while !shared.sessions.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        _ = tokio::time::timeout(shared.databases.setup().config.limits.drain_time.0, emptied) => {}
        _ = int.recv() => {}
    }
}

/// Reads the catalogs again from time to time: DDL done around the proxy is noticed so.
async fn refresh(shared: Arc<Shared>) {
    /// How often a reload is looked for while nothing is to be read.
    const IDLE: Duration = Duration::from_secs(60);
    loop {
        let every = shared.databases.setup().config.catalog.refresh_interval.0;
        tokio::time::sleep(if every.is_zero() { IDLE } else { every }).await;
        if !every.is_zero() {
            shared.databases.refresh_all().await;
        }
    }
}

/// Leaves databases that nobody works with alone, soon enough for a `DROP DATABASE`, which waits five seconds.
async fn let_rest(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        shared.databases.let_rest();
    }
}
