//! One database as the proxy keeps it: its policy, the connection that reads its catalog, and the shelf on which sessions
//! find both, bound together.

use super::budget::Till;
use super::config::{Config, ConfigError};
use super::setup::{Setup, SetupError};
use super::standing::Standing;
use super::{catalog, probe};
use crate::catalog::Catalog;
use crate::enforce::{Charge, is_english};
use crate::policy::{Bound, Policy};
use crate::session::{Charged, Fit, Refreshed, Shelf};
use arc_swap::ArcSwap;
use dashmap::DashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard};
use tokio_postgres::Client;

/// After so long a server that reads its catalog is given up: whoever waits for it would wait for ever.
const LONGEST_READ: Duration = Duration::from_secs(60);

/// How long a reload may keep everyone from reading catalogs.
const LONGEST_RELOAD: Duration = Duration::from_secs(30);

/// Why a database cannot be served.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotReady {
    #[error("the catalog of database \"{database}\" cannot be read")]
    NoCatalog { database: String },
    #[error("the policy does not fit database \"{database}\"")]
    Unfit { database: String },
}

/// The databases that were asked for, each under its own name, pack and server: what a standby holds is not what its
/// primary holds, so a session is judged by the catalog of the server that it is on.
pub struct Databases {
    current: Arc<Current>,
    known: DashMap<(String, PathBuf, usize), Arc<Database>>,
}

/// What everything is served by, and who is reading by it.
pub(super) struct Current {
    pub(super) setup: ArcSwap<Setup>,
    /// Held by whoever reads a catalog; a reload keeps all of them out.
    readers: RwLock<()>,
}

impl Databases {
    /// Reads everything that the config names.
    pub fn new(config: Config) -> Result<Databases, SetupError> {
        let setup = ArcSwap::from_pointee(Setup::load(config)?);
        Ok(Databases { current: Arc::new(Current { setup, readers: RwLock::default() }), known: DashMap::new() })
    }

    /// What new sessions are served by.
    pub fn setup(&self) -> Arc<Setup> {
        self.current.setup.load_full()
    }

    /// The database by the name that a client uses, on the server at this place; `None` if it has no policy. Nothing is
    /// connected yet.
    pub fn find(&self, setup: &Setup, name: &str, at: usize) -> Option<Arc<Database>> {
        let pack = setup.config.pack(name)?;
        setup.policy(pack)?;
        let dbname = setup.config.dbname(name);
        let key = (dbname.to_owned(), pack.to_owned(), at);
        let make = || {
            Arc::new(Database {
                name: dbname.to_owned(),
                pack: pack.to_owned(),
                at,
                current: Arc::clone(&self.current),
                shelf: OnceLock::new(),
                reading: Mutex::new(Reading::default()),
                sessions: AtomicUsize::new(0),
                rests: AtomicBool::new(false),
                till: Till::default(),
            })
        };
        Some(Arc::clone(&self.known.entry(key).or_insert_with(make)))
    }

    /// Reads the config's file again with everything that it names, tries its policies on the databases in use, and puts all
    /// of it in force, or nothing.
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        let reloading = tokio::time::timeout(LONGEST_RELOAD, self.reload_alone());
        reloading.await.unwrap_or(Err(ReloadError::TooLong))
    }

    async fn reload_alone(&self) -> Result<Reloaded, ReloadError> {
        let _alone = self.current.readers.write().await;
        let old = self.setup();
        let new = Setup::load(Config::load(&old.config.file)?)?;
        let changed = old.config.changed_for_good(&new.config);
        if let Some(key) = changed.iter().find(|key| key.starts_with("upstream.")) {
            return Err(ReloadError::Restart(key));
        }
        let known: Vec<Arc<Database>> = self.known.iter().map(|entry| Arc::clone(entry.value())).collect();
        let mut bounds = Vec::new();
        for database in known {
            let (Some(shelf), Some(policy)) = (database.shelf.get(), new.policy(&database.pack)) else { continue };
            if policy.version() != shelf.bound().policy().version() {
                let bound = database.tried(Arc::clone(policy)).await?;
                bounds.push((Arc::clone(shelf), bound));
            }
        }
        self.current.setup.store(Arc::new(new));
        self.known.retain(|(_, pack, _), _| self.setup().policy(pack).is_some());
        let policies = bounds.len();
        let replaced = bounds.iter().map(|(shelf, bound)| {
            let (before, after) = (shelf.bound().policy().version(), bound.policy().version());
            (bound.policy().name().as_ref().into(), before, after)
        });
        let replaced = replaced.collect();
        for (shelf, bound) in bounds {
            shelf.put(bound, Fit::Fits);
        }
        Ok(Reloaded { databases: policies, replaced, needs_restart: changed })
    }

    /// Forgets a database whose catalog could never be read, once what is returned is dropped: a client may name any.
    pub fn tentatively(&self, database: Option<&Arc<Database>>) -> Tentative<'_> {
        Tentative { databases: self, database: database.cloned() }
    }

    /// What all of them are doing, by name and server.
    pub fn standings(&self) -> Vec<Standing> {
        let setup = self.setup();
        let mut standings: Vec<Standing> = self.known.iter().map(|entry| Standing::of(entry.value(), &setup)).collect();
        standings.sort_by(|one, other| one.name().cmp(&other.name()));
        standings
    }

    /// Closes the connections to databases that nobody works with.
    pub fn let_rest(&self) {
        for database in &self.known {
            database.value().rest();
        }
    }

    /// Reads the catalogs of all databases in use. Those that rest are read when they are asked for again.
    pub async fn refresh_all(&self) {
        let known: Vec<Arc<Database>> = self.known.iter().map(|entry| Arc::clone(entry.value())).collect();
        for database in known {
            if !database.rests.load(Ordering::Acquire) {
                database.refresh_now().await;
            }
        }
    }
}

/// A database that is known for as long as somebody logs in to it, or its catalog was read.
pub struct Tentative<'a> {
    databases: &'a Databases,
    database: Option<Arc<Database>>,
}

impl Drop for Tentative<'_> {
    fn drop(&mut self) {
        if let Some(database) = self.database.as_ref().filter(|database| database.shelf.get().is_none()) {
            self.databases.known.retain(|_, known| !Arc::ptr_eq(known, database) || known.shelf.get().is_some());
        }
    }
}

/// What a reload came to.
#[derive(Debug)]
pub struct Reloaded {
    /// Databases in use that have got another policy.
    pub databases: usize,
    /// Their packs' names, and the versions before and after.
    pub replaced: Box<[(Box<str>, u64, u64)]>,
    /// Keys of the config that differ, and count from the next start on.
    pub needs_restart: Vec<&'static str>,
}

/// Why a reload changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("the databases in use did not answer in time")]
    TooLong,
    #[error("{0} has changed, which needs a restart")]
    Restart(&'static str),
    #[error("database \"{database}\": the policy does not fit: {why}")]
    Unfit { database: String, why: String },
    #[error("database \"{database}\": the policy could not be tried: {why}")]
    Untried { database: String, why: String },
}

/// The connection that reads a catalog. Held by whoever is reading.
#[derive(Default)]
struct Reading {
    client: Option<Client>,
    /// When the last attempt to connect failed, and how often in a row.
    failed: Option<(Instant, u32)>,
    /// When the catalog was last read.
    last: Option<Instant>,
    /// The database's own OID when its catalog was last read. One that was dropped and made again has another.
    oid: Option<u32>,
}

/// One database.
pub struct Database {
    name: String,
    pack: PathBuf,
    /// The place of its server.
    at: usize,
    current: Arc<Current>,
    shelf: OnceLock<Arc<Shelf>>,
    reading: Mutex<Reading>,
    /// Sessions that work with it, or are about to.
    sessions: AtomicUsize,
    /// The connection was closed because there were none.
    rests: AtomicBool,
    till: Till,
}

/// A session of a database, for as long as this is held.
pub struct Attending(Arc<Database>);

impl Attending {
    pub fn database(&self) -> &Arc<Database> {
        &self.0
    }
}

impl Drop for Attending {
    fn drop(&mut self) {
        self.0.sessions.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Database {
    /// Counts a session.
    pub fn attend(self: &Arc<Database>) -> Attending {
        self.sessions.fetch_add(1, Ordering::AcqRel);
        Attending(Arc::clone(self))
    }

    /// Closes the connection where there is no session: it would stand in the way of `DROP DATABASE`, which waits for others
    /// to leave, but not for long.
    fn rest(&self) {
        let Ok(mut reading) = self.reading.try_lock() else { return };
        if self.sessions.load(Ordering::Acquire) == 0 && reading.client.take().is_some() {
            self.rests.store(true, Ordering::Release);
        }
    }

    /// After a rest: reads the catalog again where that is due, where the database is another one of the same name, and where
    /// nobody can tell.
    async fn wake(&self) {
        let (_reads, mut reading) = self.lock().await;
        if !self.rests.load(Ordering::Acquire) {
            return;
        }
        let interval = self.current.setup.load().config.catalog.refresh_interval.0;
        let due = !interval.is_zero() && reading.last.is_none_or(|last| last.elapsed() >= interval);
        if due || !self.is_as_read(&mut reading).await {
            if let Some(shelf) = self.shelf.get() {
                shelf.mark();
            }
            self.read(&mut reading).await;
        }
        self.rests.store(reading.client.is_none(), Ordering::Release);
    }

    /// Whether the database is the very one whose catalog was read.
    async fn is_as_read(&self, reading: &mut Reading) -> bool {
        if self.connect(reading).await.is_none() {
            return false;
        }
        let Some(client) = &reading.client else { return false };
        let oid = catalog::own_oid(client).await.ok();
        oid.is_some() && oid == reading.oid
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The place of the server that it is on.
    pub fn at(&self) -> usize {
        self.at
    }

    pub(super) fn pack(&self) -> &Path {
        &self.pack
    }

    pub(super) fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Acquire)
    }

    /// When the catalog was last read, and whether the last attempt to connect for it failed; `None` while it is read.
    pub(super) fn last_reading(&self) -> Option<(Option<Instant>, bool)> {
        self.reading.try_lock().ok().map(|reading| (reading.last, reading.failed.is_some()))
    }

    /// Charges a role's budget.
    pub async fn charge(&self, user: &str, charge: &Charge) -> Charged {
        self.till.charge(self.current.setup.load_full(), &self.name, user, charge).await
    }

    /// The shelf, if the catalog was read before.
    pub fn shelf(&self) -> Option<&Arc<Shelf>> {
        self.shelf.get()
    }

    /// The shelf, the catalog read if it was not yet.
    pub async fn ready(&self) -> Result<Arc<Shelf>, NotReady> {
        if self.shelf.get().is_none() {
            let (_reads, mut reading) = self.lock().await;
            if self.shelf.get().is_none() {
                self.read(&mut reading).await;
            }
        } else if self.rests.load(Ordering::Acquire) {
            self.wake().await;
        }
        self.shelf.get().cloned().ok_or_else(|| NotReady::NoCatalog { database: self.name.clone() })
    }

    /// Reads the catalog again if what is known to have changed was not read meanwhile. Many may ask; one reads.
    pub async fn catch_up(&self) -> Refreshed {
        let wanted = self.shelf.get().map(|shelf| shelf.mark_read());
        let (_reads, mut reading) = self.lock().await;
        if self.shelf.get().is_none_or(|shelf| shelf.is_behind()) {
            self.read(&mut reading).await;
        }
        self.outcome(wanted)
    }

    fn outcome(&self, wanted: Option<u64>) -> Refreshed {
        let done = self.shelf.get().zip(wanted).is_some_and(|(shelf, wanted)| shelf.covers(wanted));
        if done { Refreshed::Done } else { Refreshed::Failed }
    }

    /// Reads the catalog again on behalf of an unknown name, unless it was read a moment ago.
    pub async fn look_again(&self) -> Refreshed {
        let wanted = self.shelf.get().map(|shelf| shelf.mark_read());
        let least = self.current.setup.load().config.catalog.unknown_name_interval.0;
        let (_reads, mut reading) = self.lock().await;
        let behind = self.shelf.get().is_none_or(|shelf| shelf.is_behind());
        if behind || reading.last.is_none_or(|last| last.elapsed() >= least) {
            self.read(&mut reading).await;
        }
        self.outcome(wanted)
    }

    /// Reads the catalog again.
    pub async fn refresh_now(&self) {
        let (_reads, mut reading) = self.lock().await;
        self.read(&mut reading).await;
    }

    /// Lets one read at a time, and nobody while a reload is under way.
    async fn lock(&self) -> (RwLockReadGuard<'_, ()>, MutexGuard<'_, Reading>) {
        (self.current.readers.read().await, self.reading.lock().await)
    }

    /// Ties another policy to the catalog, and tries it. Nobody else reads meanwhile.
    async fn tried(&self, policy: Arc<Policy>) -> Result<Arc<Bound>, ReloadError> {
        let database = self.name.clone();
        let untried = |why: String| ReloadError::Untried { database: database.clone(), why };
        let mut reading = self.reading.lock().await;
        reading.failed = None;
        if self.connect(&mut reading).await.is_none() {
            return Err(untried("there is no connection to the server".to_owned()));
        }
        // A connection on which something was left under way is not used again.
        let Some(client) = reading.client.take() else {
            return Err(untried("the connection was lost".to_owned()));
        };
        let snapshot = catalog::read(&client).await.map_err(|error| untried(error.to_string()))?;
        let bound = Arc::new(Bound::new(policy, Arc::new(Catalog::new(snapshot, catalog::next_version()))));
        let failures = probe::probe(&client, &bound).await.map_err(|error| untried(words(&error)))?;
        reading.client = Some(client);
        if let Some(first) = failures.into_iter().next() {
            return Err(ReloadError::Unfit { database: self.name.clone(), why: first });
        }
        self.log_lints(&bound);
        Ok(bound)
    }

    /// Reads the catalog and puts it on the shelf if it changed. What fails is logged; the last good snapshot goes on
    /// serving.
    async fn read(&self, reading: &mut Reading) {
        if self.connect(reading).await.is_none() {
            return;
        }
        let Some(client) = &reading.client else { return };
        let covers = self.shelf.get().map(|shelf| shelf.mark_read());
        let snapshot = match tokio::time::timeout(LONGEST_READ, catalog::read(client)).await {
            Ok(Ok(snapshot)) => snapshot,
            Err(_too_late) => {
                tracing::warn!(database = self.name, "the catalog could not be read in time");
                reading.client = None;
                return;
            }
            Ok(Err(error)) => {
                tracing::warn!(database = self.name, %error, "the catalog could not be read");
                reading.client = None;
                return;
            }
        };
        tracing::debug!(database = self.name, "the catalog was read");
        reading.last = Some(Instant::now());
        reading.oid = catalog::own_oid(client).await.ok();
        let current = self.shelf.get().map(|shelf| shelf.bound());
        if current.as_ref().is_none_or(|bound| !catalog::same(bound.catalog().snapshot(), &snapshot)) {
            let catalog = Arc::new(Catalog::new(snapshot, catalog::next_version()));
            let setup = self.current.setup.load_full();
            let Some(policy) = current.as_ref().map(|bound| bound.policy()).or_else(|| setup.policy(&self.pack)) else {
                return;
            };
            let bound = Arc::new(Bound::succeeding(Arc::clone(policy), catalog, current.as_deref()));
            self.log_lints(&bound);
            let fit = match probe::probe(client, &bound).await {
                Ok(failures) => {
                    for failure in &failures {
                        tracing::error!(database = self.name, "the policy does not fit: {failure}");
                    }
                    if failures.is_empty() { Fit::Fits } else { Fit::Unfit }
                }
                Err(error) => {
                    tracing::warn!(database = self.name, error = %words(&error), "the policy could not be tried");
                    reading.client = None;
                    return;
                }
            };
            match self.shelf.get() {
                Some(shelf) => shelf.put(bound, fit),
                None => {
                    let _ = self.shelf.set(Arc::new(Shelf::new(bound, fit)));
                }
            }
        }
        if let (Some(shelf), Some(covers)) = (self.shelf.get(), covers) {
            shelf.cover(covers);
        }
    }

    fn log_lints(&self, bound: &Bound) {
        for error in bound.errors() {
            tracing::error!(database = self.name, "{}", error.message());
        }
        for lint in bound.lints() {
            tracing::warn!(database = self.name, "{}", lint.message());
        }
    }

    /// Errors are told by a list of English texts.
    async fn warn_of_language(&self, client: &Client) {
        let language = match client.query_one("SHOW lc_messages", &[]).await {
            Ok(row) => row.try_get::<_, String>(0).unwrap_or_default(),
            Err(_) => return,
        };
        if !is_english(&language) {
            tracing::warn!(
                database = self.name,
                lc_messages = language,
                "the server speaks another language than English: of its errors under a policy that keeps something back \
                 only the code is told"
            );
        }
    }

    /// Connects if need be, after a pause that grows with every failure.
    async fn connect(&self, reading: &mut Reading) -> Option<()> {
        if reading.client.as_ref().is_some_and(|client| !client.is_closed()) {
            return Some(());
        }
        reading.client = None;
        if let Some((at, times)) = reading.failed
            && at.elapsed() < Duration::from_millis(100 << times.min(6))
        {
            return None;
        }
        let setup = self.current.setup.load_full();
        let outcome = match catalog::login(&setup.config.upstream, &self.name) {
            Ok(login) => match setup.servers.connect_at(self.at).await {
                Ok(own) => catalog::open(&login, own).await,
                Err(error) => Err(error),
            },
            Err(error) => Err(error.into()),
        };
        match outcome {
            Ok(client) => {
                self.warn_of_language(&client).await;
                reading.client = Some(client);
                reading.failed = None;
                Some(())
            }
            Err(error) => {
                tracing::warn!(database = self.name, %error, "no connection to read the catalog");
                reading.failed = Some((Instant::now(), reading.failed.map_or(0, |(_, times)| times + 1)));
                None
            }
        }
    }
}

/// An error in the server's words, where it has any.
pub(super) fn words(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |report| report.message().to_owned())
}
