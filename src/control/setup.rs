//! The config with everything that it names read: packs, certificates, users. Swapped whole.

use super::authentication::{AuthError, Doorman, secret, service};
use super::config::Config;
use super::pack::{PackError, read_pack};
use super::servers::Servers;
use crate::auth::Credential;
use crate::net::{Acceptor, TlsError};
use crate::policy::Policy;
use crate::session::Bounds;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What sessions are served by.
pub struct Setup {
    pub config: Config,
    pub bounds: Arc<Bounds>,
    /// Encrypts connections of clients, where TLS is on.
    pub acceptor: Option<Acceptor>,
    pub servers: Servers,
    pub doorman: Doorman,
    /// As whom sessions log in to the server, if not as their own users.
    pub service: Option<(String, Credential)>,
    /// What the salts of users that do not exist are made of, if the config says so.
    pub secret: Option<[u8; 32]>,
    packs: BTreeMap<PathBuf, Arc<Policy>>,
}

/// Why a config cannot be served by, although it could be read.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Auth(#[from] AuthError),
}

impl Setup {
    /// Reads everything that the config names.
    pub fn load(config: Config) -> Result<Setup, SetupError> {
        let mut packs: BTreeMap<PathBuf, Arc<Policy>> = BTreeMap::new();
        let named = config.database.values().filter_map(|alias| alias.policy.as_ref());
        for directory in config.policy.iter().chain(named) {
            if !packs.contains_key(directory) {
                packs.insert(directory.clone(), Arc::new(read_pack(directory)?));
            }
        }
        let servers = Servers::load(&config.upstream)?;
        let acceptor = Acceptor::load(&config.tls)?;
        for (directory, policy) in packs.iter().filter(|_| !servers.is_protected()) {
            let demanding = policy.purposes().filter(|purpose| policy.requires_tls(*purpose).is_some());
            for purpose in demanding {
                let (pack, purpose) = (directory.display(), policy.purpose_name(purpose));
                tracing::warn!(%pack, %purpose, "nobody can declare it: it requires TLS, and upstream.sslmode is \"disable\"");
            }
        }
        let (doorman, service, secret) = (Doorman::load(&config.auth)?, service(&config.auth)?, secret(&config.auth)?);
        let bounds = Arc::new(config.limits.session());
        Ok(Setup { bounds, acceptor, servers, doorman, service, secret, packs, config })
    }

    /// The policy in a pack's directory.
    pub fn policy(&self, pack: &Path) -> Option<&Arc<Policy>> {
        self.packs.get(pack)
    }
}
