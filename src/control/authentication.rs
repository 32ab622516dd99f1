//! `[auth]`: who finds out who a client is, and as whom the proxy then logs in to the server.

use super::catalog;
use super::config::Config;
use super::database::words;
use super::hba::Name;
use super::servers::Servers;
use crate::auth::{Credential, Secret, Tokens, TokensError, Users, UsersError, Verifier};
use crate::net::{ClientCertificates, ClientLeg};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_postgres::Client;

/// `[auth]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    pub method: Method,
    /// Users and their verifiers, in the form of pgbouncer's `auth_file`.
    pub users_file: Option<PathBuf>,
    /// Asked for users that are not in the file: `$1` is the name, the first column of the one row the verifier.
    pub query: Option<String>,
    /// The database that it is asked in, by the catalog user.
    pub query_database: String,
    /// As whom every session logs in to the server, instead of as its own user.
    pub service: Option<Service>,
    pub token: Option<Token>,
    /// Roles by the name in a certificate.
    pub certificates: Option<BTreeMap<Name, Vec<String>>>,
    /// Failed logins of a user from an address within a minute; 0 sets no bound.
    pub failures_per_minute: u32,
    /// What users that do not exist are asked for.
    pub scram_iterations: u32,
    /// What their salts are made of; processes that share it ask for the same.
    pub secret_file: Option<PathBuf>,
    pub revoked: Revoked,
}

/// What becomes of a session whose user is no longer in the file of users, or whose token has expired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Revoked {
    /// It ends as soon as it is idle outside a transaction.
    #[default]
    End,
    Stay,
}

impl Default for Auth {
    fn default() -> Auth {
        Auth {
            method: Method::Server,
            users_file: None,
            query: None,
            query_database: "postgres".to_owned(),
            service: None,
            token: None,
            certificates: None,
            failures_per_minute: 20,
            scram_iterations: 4096,
            secret_file: None,
            revoked: Revoked::End,
        }
    }
}

/// Who finds out who a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The server: its messages pass.
    Server,
    /// The proxy, by SCRAM-SHA-256.
    Scram,
    /// The proxy, by a signed token in place of the password.
    Token,
    /// The proxy, by the client's certificate.
    Certificate,
}

/// `[auth.service]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub user: String,
    /// A file that holds its password; without one the server trusts the proxy, or knows it by its certificate.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
}

/// `[auth.token]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The issuer's public keys, a JSON Web Key Set.
    pub keys_file: PathBuf,
    pub issuer: String,
    pub audience: String,
    /// The claim that names the role, or a list of those that the bearer may log in as.
    #[serde(default = "subject")]
    pub role: String,
    /// The claim that names roles of the policy that the bearer has beside those that the database knows.
    #[serde(default)]
    pub member_of: Option<String>,
    /// The claim that names the purposes that the bearer may declare, of those that its roles may.
    #[serde(default)]
    pub purposes: Option<String>,
    /// The claim that names for whom the bearer reads.
    #[serde(default)]
    pub recipient: Option<String>,
    #[serde(default)]
    pub carrier: Carrier,
}

fn subject() -> String {
    "sub".to_owned()
}

/// How a client hands over its token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// As its password: any client can.
    #[default]
    Password,
    /// By OAUTHBEARER, as clients of PostgreSQL 18 can.
    OAuthBearer,
}

impl Auth {
    /// The files that it names.
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let service = self.service.as_mut().and_then(|service| service.password_file.as_mut());
        let token = self.token.as_mut().map(|token| &mut token.keys_file);
        self.users_file.iter_mut().chain(&mut self.secret_file).chain(service).chain(token)
    }

    /// What does not go together.
    pub(super) fn contradiction(&self, leg: &ClientLeg) -> Option<&'static str> {
        let sources = self.users_file.is_some() || self.query.is_some();
        match self.method {
            Method::Scram if !sources => {
                Some("method = \"scram\" needs verifiers: auth.users_file, auth.query, or both")
            }
            Method::Token if self.token.is_none() => Some("method = \"token\" needs [auth.token]"),
            Method::Token if self.service.is_none() => {
                Some("method = \"token\" needs [auth.service]: a token opens no role on the server")
            }
            Method::Certificate if self.service.is_none() => {
                Some("method = \"certificate\" needs [auth.service]: a certificate opens no role on the server")
            }
            Method::Certificate if leg.client_certificates == ClientCertificates::Off => {
                Some("method = \"certificate\" needs [tls] with `client_certificates`")
            }
            Method::Certificate if self.certificates.as_ref().is_some_and(BTreeMap::is_empty) => {
                Some("auth.certificates names nobody; without it the common name says who comes")
            }
            Method::Scram | Method::Token | Method::Server if self.certificates.is_some() => {
                Some("auth.certificates needs method = \"certificate\"")
            }
            Method::Server if sources || self.service.is_some() || self.token.is_some() => Some(
                "method = \"server\" leaves authentication to the server: users, query, service and token have no use",
            ),
            Method::Scram | Method::Token | Method::Certificate | Method::Server => None,
        }
    }
}

/// What `[auth]` names, read.
pub enum Doorman {
    /// The server finds out.
    Server,
    Scram {
        users: Users,
        query: Option<Query>,
    },
    Token {
        tokens: Tokens,
        /// The claims that are looked at, and how a token comes.
        config: Token,
    },
    /// The client's certificate: `names` says who may be which role; empty, its common name is the role.
    Certificate {
        names: BTreeMap<Name, Vec<String>>,
    },
}

/// Why `[auth]` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error(transparent)]
    Users(#[from] UsersError),
    #[error(transparent)]
    Tokens(#[from] TokensError),
    #[error("{}: {source}", path.display())]
    Password { path: PathBuf, source: std::io::Error },
    #[error("{}: a secret has at least {LEAST_SECRET} bytes", path.display())]
    Secret { path: PathBuf },
}

/// The shortest secret.
const LEAST_SECRET: usize = 16;

/// What is made of the file with the secret, where there is one.
pub(super) fn secret(auth: &Auth) -> Result<Option<[u8; 32]>, AuthError> {
    let Some(path) = &auth.secret_file else { return Ok(None) };
    let bytes = std::fs::read(path).map_err(|source| AuthError::Password { path: path.clone(), source })?;
    if bytes.len() < LEAST_SECRET {
        return Err(AuthError::Secret { path: path.clone() });
    }
    Ok(Some(Sha256::digest(&bytes).into()))
}

impl Doorman {
    /// How tokens are read, where clients come by one.
    pub fn token(&self) -> Option<&Token> {
        match self {
            Doorman::Token { config, .. } => Some(config),
            Doorman::Server | Doorman::Scram { .. } | Doorman::Certificate { .. } => None,
        }
    }

    /// Whether a file of users has this one.
    pub fn lists(&self, user: &str) -> bool {
        match self {
            Doorman::Scram { users, .. } => users.get(user).is_some(),
            Doorman::Server | Doorman::Token { .. } | Doorman::Certificate { .. } => false,
        }
    }

    pub(super) fn load(auth: &Auth) -> Result<Doorman, AuthError> {
        Ok(match (auth.method, &auth.token) {
            (Method::Scram, _) => Doorman::Scram {
                users: auth.users_file.as_deref().map(Users::read).transpose()?.unwrap_or_default(),
                query: auth.query.as_ref().map(|text| Query { text: text.clone(), client: Mutex::default() }),
            },
            (Method::Token, Some(token)) => Doorman::Token {
                tokens: Tokens::read(&token.keys_file, &token.issuer, &token.audience)?,
                config: token.clone(),
            },
            (Method::Certificate, _) => Doorman::Certificate { names: auth.certificates.clone().unwrap_or_default() },
            (Method::Server, _) | (Method::Token, None) => Doorman::Server,
        })
    }
}

/// The proxy's own login to the server, where there is one.
pub(super) fn service(auth: &Auth) -> Result<Option<(String, Credential)>, AuthError> {
    let Some(Service { user, password_file }) = &auth.service else { return Ok(None) };
    let credential = match password_file {
        None => Credential::Nothing,
        Some(path) => {
            let text =
                std::fs::read_to_string(path).map_err(|source| AuthError::Password { path: path.clone(), source })?;
            Credential::Password(Secret(text.trim_end_matches(['\r', '\n']).as_bytes().into()))
        }
    };
    Ok(Some((user.clone(), credential)))
}

/// Asks the server for verifiers.
pub struct Query {
    text: String,
    client: Mutex<Option<Arc<Client>>>,
}

/// How long the server may take to tell a verifier.
const LONGEST_QUERY: Duration = Duration::from_secs(5);

impl Query {
    /// The verifier of a user; `None` where the server knows none. Errors are for the log.
    pub async fn verifier(&self, user: &str, config: &Config, servers: &Servers) -> Result<Option<Verifier>, String> {
        let asking = async {
            let client = self.client(config, servers).await?;
            client.query_opt(&self.text, &[&user]).await.map_err(|error| words(&error))
        };
        let row = match tokio::time::timeout(LONGEST_QUERY, asking).await {
            Ok(row) => row?,
            Err(_) => {
                // A connection that is silent is not asked again.
                if let Ok(mut held) = self.client.try_lock() {
                    *held = None;
                }
                return Err("the server did not answer in time".to_owned());
            }
        };
        let secret = row.map(|row| row.try_get::<_, Option<String>>(0)).transpose().map_err(|error| words(&error))?;
        // An md5 hash is as good as none here.
        Ok(secret.flatten().and_then(|secret| secret.parse().ok()))
    }

    /// The connection, on which many may ask at once.
    async fn client(&self, config: &Config, servers: &Servers) -> Result<Arc<Client>, String> {
        let mut held = self.client.lock().await;
        if let Some(client) = held.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let login = catalog::login(&config.upstream, &config.auth.query_database).map_err(|error| error.to_string())?;
        let client = catalog::connect(&login, servers).await.map_err(|error| error.to_string())?;
        let client = Arc::new(client);
        *held = Some(Arc::clone(&client));
        Ok(client)
    }
}
