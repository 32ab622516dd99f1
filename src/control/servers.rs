//! The servers behind the proxy, and which of several a session goes to.
//!
//! What a server is (a primary, a standby, one that writes nothing) it is asked by the catalog user, since of a client's own
//! login nothing can be taken back. An answer holds for a second.

use super::catalog;
use super::database::words;
use super::upstream::{Balance, Upstream as Config, Wanted};
use crate::net::{Stream, TlsError, Upstream};
use std::io;
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
    known: Mutex<Option<(Instant, Result<Role, String>)>>,
}

/// All of them.
pub struct Servers {
    hosts: Vec<Host>,
    config: Config,
}

/// A connection, and the place of its server among all.
pub type Reached = (Stream, usize);

impl Servers {
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
    pub async fn connect(&self) -> Result<Reached, String> {
        self.connect_to(self.config.target_session_attrs).await
    }

    /// Connects to the one at this place, whatever it is.
    pub async fn connect_at(&self, at: usize) -> Result<Stream, String> {
        self.reach(self.host(at)).await
    }

    /// Connects to one that can be written to, where there are several.
    pub async fn connect_to_primary(&self) -> Result<Reached, String> {
        self.connect_to(if self.hosts.len() > 1 { Wanted::Primary } else { Wanted::Any }).await
    }

    async fn connect_to(&self, wanted: Wanted) -> Result<Reached, String> {
        match self.first_of(wanted).await {
            Err(_) if wanted == Wanted::PreferStandby => self.first_of(Wanted::Any).await,
            outcome => outcome,
        }
    }

    /// The first that answers and fits. An error says what was wrong with each.
    async fn first_of(&self, wanted: Wanted) -> Result<Reached, String> {
        let mut failures = Vec::new();
        for at in self.order() {
            let host = &self.hosts[at];
            let outcome = match self.fits(host, wanted).await {
                Ok(true) => self.reach(&host.upstream).await,
                Ok(false) => Err(format!("it is not what is wanted ({})", wanted.words())),
                Err(error) => Err(error),
            };
            match outcome {
                Ok(stream) => return Ok((stream, at)),
                Err(error) => failures.push(format!("{}: {error}", host.upstream.name())),
            }
        }
        Err(failures.join("; "))
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

    async fn reach(&self, upstream: &Upstream) -> Result<Stream, String> {
        let reached = tokio::time::timeout(self.config.connect_timeout.0, upstream.connect()).await;
        reached.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(|error| error.to_string())
    }

    /// Whether a server is what is wanted. Many may ask; one looks.
    async fn fits(&self, host: &Host, wanted: Wanted) -> Result<bool, String> {
        if wanted == Wanted::Any {
            return Ok(true);
        }
        let mut known = host.known.lock().await;
        let fresh = known.take().filter(|(at, _)| at.elapsed() < BELIEVED);
        let (at, role) = match fresh {
            Some(fresh) => fresh,
            None => {
                let role = self.ask(host).await;
                (Instant::now(), role)
            }
        };
        // A failure is believed too: whoever waited here would else wait as long for a server that does not answer.
        *known = Some((at, role.clone()));
        role.map(|role| wanted.fits(role))
    }

    /// What a server is at the moment.
    async fn ask(&self, host: &Host) -> Result<Role, String> {
        let asking = async {
            let stream = self.reach(&host.upstream).await?;
            let login = catalog::login(&self.config, &self.config.check_database).map_err(|error| error.to_string())?;
            let client = catalog::open(&login, stream).await?;
            let row = client.query_one(QUESTION, &[]).await.map_err(|error| words(&error))?;
            let told = row.try_get(0).and_then(|standby: bool| Ok((standby, row.try_get::<_, bool>(1)?)));
            told.map_err(|error| words(&error))
        };
        let asked = tokio::time::timeout(self.config.connect_timeout.0, asking).await;
        Ok(match asked.map_err(|_| "it does not answer".to_owned())?? {
            (true, _) => Role::Standby,
            (false, true) => Role::QuietPrimary,
            (false, false) => Role::Primary,
        })
    }
}
