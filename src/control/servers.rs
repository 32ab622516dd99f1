//! The servers behind the proxy, and which of several a session goes to.
//!
//! What a server is (a primary, a standby, one that writes nothing) it is asked by the catalog user, since of a client's own
//! login nothing can be taken back. An answer holds for a second.

use super::catalog;
use super::unreached::Unreached;
use super::upstream::{Balance, Upstream as Config, Wanted};
use crate::net::{Own, Stream, TlsError, Upstream};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long it is believed what a server was.
const BELIEVED: Duration = Duration::from_secs(1);

const QUESTION: &str = "SELECT pg_catalog.pg_is_in_recovery(), \
    pg_catalog.current_setting('default_transaction_read_only') = 'on'";

/// What a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Primary,
    /// One whose transactions only read unless they say otherwise.
    QuietPrimary,
    Standby,
}

impl Wanted {
    fn fits(self, role: Role) -> bool {
        match (self, role) {
            (Wanted::Any, _) => true,
            (Wanted::ReadWrite, role) => role == Role::Primary,
            (Wanted::ReadOnly, role) => role != Role::Primary,
            (Wanted::Primary, role) => role != Role::Standby,
            (Wanted::Standby | Wanted::PreferStandby, role) => role == Role::Standby,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Wanted::Any => "any",
            Wanted::ReadWrite => "read-write",
            Wanted::ReadOnly => "read-only",
            Wanted::Primary => "primary",
            Wanted::Standby => "standby",
            Wanted::PreferStandby => "prefer-standby",
        }
    }
}

struct Host {
    upstream: Upstream,
    /// What the server behind each of its addresses was.
    known: Mutex<Known>,
}

type Known = HashMap<Option<SocketAddr>, (Instant, Result<Role, Unreached>)>;

/// All of them.
pub struct Servers {
    hosts: Vec<Host>,
    config: Config,
}

/// A connection to one of them.
pub struct Reached {
    pub stream: Stream,
    /// The place of its host among all.
    pub at: usize,
    /// The server, by the address that it was reached at.
    pub upstream: Upstream,
}

impl Reached {
    /// For a login of the proxy's own.
    pub fn own(self) -> Own {
        Own::new(self.stream, self.upstream.is_verified())
    }
}

impl Servers {
    /// Host and port of the server at a place, as the config names them.
    pub fn name(&self, at: usize) -> String {
        self.hosts.get(at).map_or_else(String::new, |host| host.upstream.name())
    }

    pub fn load(config: &Config) -> Result<Servers, TlsError> {
        let wrong = |message: String| TlsError::new(Path::new(&config.host), message);
        let legs = config.legs().map_err(wrong)?;
        let hosts = legs.iter().map(|leg| Ok(Host { upstream: Upstream::load(leg)?, known: Mutex::default() }));
        Ok(Servers { hosts: hosts.collect::<Result<_, TlsError>>()?, config: config.clone() })
    }

    /// Whether what passes is encrypted, or does not leave the machine, whichever server it is.
    pub fn is_protected(&self) -> bool {
        self.hosts.iter().all(|host| host.upstream.is_protected())
    }

    /// The server at this place; the first stands in for one that is not there.
    pub fn host(&self, at: usize) -> &Upstream {
        &self.hosts.get(at).unwrap_or(&self.hosts[0]).upstream
    }

    /// Every server.
    pub fn all(&self) -> impl Iterator<Item = &Upstream> {
        self.hosts.iter().map(|host| &host.upstream)
    }

    /// Connects to one that the config wants.
    pub async fn connect(&self) -> Result<Reached, Unreached> {
        self.connect_to(self.config.target_session_attrs).await
    }

    /// Connects to the one at this place, whatever it is, for a login of the proxy's own.
    pub async fn connect_at(&self, at: usize) -> Result<Own, Unreached> {
        self.reach_own(self.host(at)).await
    }

    /// Connects to one that can be written to, where there are several.
    pub async fn connect_to_primary(&self) -> Result<Reached, Unreached> {
        self.connect_to(if self.hosts.len() > 1 { Wanted::Primary } else { Wanted::Any }).await
    }

    async fn connect_to(&self, wanted: Wanted) -> Result<Reached, Unreached> {
        match self.first_of(wanted).await {
            Err(_) if wanted == Wanted::PreferStandby => self.first_of(Wanted::Any).await,
            outcome => outcome,
        }
    }

    /// The first that answers and fits. An error says what was wrong with each.
    async fn first_of(&self, wanted: Wanted) -> Result<Reached, Unreached> {
        let mut failures = Vec::new();
        for at in self.order() {
            let host = &self.hosts[at];
            let upstreams = match self.by_address(&host.upstream).await {
                Ok(upstreams) => upstreams,
                Err(error) => {
                    failures.push((host.upstream.name(), error));
                    continue;
                }
            };
            for upstream in upstreams {
                let outcome = match self.fits(host, &upstream, wanted).await {
                    Ok(true) => self.reach(&upstream).await,
                    Ok(false) => Err(format!("it is not what is wanted ({})", wanted.words()).into()),
                    Err(error) => Err(error),
                };
                match outcome {
                    Ok(stream) => return Ok(Reached { stream, at, upstream }),
                    Err(error) => failures.push((upstream.name(), error)),
                }
            }
        }
        Err(Unreached::of_all(failures))
    }

    async fn by_address(&self, upstream: &Upstream) -> Result<Vec<Upstream>, Unreached> {
        let found = tokio::time::timeout(self.config.connect_timeout.0, upstream.by_address()).await;
        Ok(found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?)
    }

    /// The places of all servers in the order in which they are tried.
    fn order(&self) -> impl Iterator<Item = usize> {
        let count = self.hosts.len();
        let mut random = [0; 2];
        let first = match self.config.load_balance_hosts {
            Balance::Random if getrandom::fill(&mut random).is_ok() => usize::from(u16::from_be_bytes(random)) % count,
            Balance::Random | Balance::Disable => 0,
        };
        (first..count).chain(0..first)
    }

    async fn reach(&self, upstream: &Upstream) -> Result<Stream, Unreached> {
        let reached = tokio::time::timeout(self.config.connect_timeout.0, upstream.connect()).await;
        Ok(reached.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?)
    }

    async fn reach_own(&self, upstream: &Upstream) -> Result<Own, Unreached> {
        Ok(Own::new(self.reach(upstream).await?, upstream.is_verified()))
    }

    /// Whether a server is what is wanted. Many may ask; one looks.
    async fn fits(&self, host: &Host, upstream: &Upstream, wanted: Wanted) -> Result<bool, Unreached> {
        if wanted == Wanted::Any {
            return Ok(true);
        }
        let mut known = host.known.lock().await;
        known.retain(|_, (at, _)| at.elapsed() < BELIEVED);
        let role = match known.get(&upstream.address()) {
            Some((_, role)) => role.clone(),
            None => {
                let role = self.ask(upstream).await;
                // A failure is believed too: whoever waited here would else wait as long for a server that does not answer.
                known.insert(upstream.address(), (Instant::now(), role.clone()));
                role
            }
        };
        role.map(|role| wanted.fits(role))
    }

    /// What a server is at the moment.
    async fn ask(&self, upstream: &Upstream) -> Result<Role, Unreached> {
        let asking = async {
            let own = self.reach_own(upstream).await?;
            let login = catalog::login(&self.config, &self.config.check_database)?;
            let client = catalog::open(&login, own).await?;
            let row = client.query_one(QUESTION, &[]).await?;
            Ok::<(bool, bool), Unreached>((row.try_get(0)?, row.try_get(1)?))
        };
        let asked = tokio::time::timeout(self.config.connect_timeout.0, asking).await;
        Ok(match asked.map_err(|_| "it does not answer".to_owned())?? {
            (true, _) => Role::Standby,
            (false, true) => Role::QuietPrimary,
            (false, false) => Role::Primary,
        })
    }
}
