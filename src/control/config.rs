//! `wherefore.toml`. Unknown keys are errors, and every error names its place.

use super::authentication::Auth;
use super::hba::{Origin, Row};
use super::trail::Audit;
use super::upstream::Upstream;
use crate::enforce::Traces;
use crate::net::ClientLeg;
use crate::session::Bounds;
use miette::{NamedSource, SourceSpan};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The whole config.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where clients connect by TCP.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Whether another process may listen on the same address: the next proxy, before this one goes.
    #[serde(default)]
    pub reuse_port: bool,
    /// A directory for a unix socket named as Postgres names it (`.s.PGSQL.<port>`), besides TCP.
    #[serde(default)]
    pub listen_unix: Option<PathBuf>,
    /// The policy pack's directory, relative to the config file. A database without one is refused unless it says `open`.
    #[serde(default)]
    pub policy: Option<PathBuf>,
    /// Load balancers that say where a client is.
    #[serde(default)]
    pub proxy_protocol: Option<ProxyProtocol>,
    pub upstream: Upstream,
    /// The leg between clients and the proxy.
    #[serde(default)]
    pub tls: ClientLeg,
    /// Databases by the name that clients use.
    #[serde(default)]
    pub database: BTreeMap<String, Alias>,
    #[serde(default)]
    pub role: BTreeMap<String, RolePin>,
    /// Who may come from where; the first row that matches decides.
    #[serde(default)]
    pub hba: Vec<Row>,
    /// Who finds out who a client is.
    #[serde(default)]
    pub auth: Auth,
    #[serde(default)]
    pub catalog: CatalogConfig,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub log: Log,
    /// Whether decisions are recorded, and where.
    #[serde(default)]
    pub audit: Option<Audit>,
    #[serde(default)]
    pub admin: Admin,
    /// The file it was read from.
    #[serde(skip)]
    pub file: PathBuf,
}

/// `proxy_protocol`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyProtocol {
    /// Where load balancers are, whose connections begin with a header.
    from: Vec<Origin>,
}

impl ProxyProtocol {
    /// Whether a load balancer is there; `None` is the unix socket.
    pub fn is_from(&self, address: Option<IpAddr>) -> bool {
        self.from.iter().any(|origin| origin.holds(address))
    }
}

/// `[database.NAME]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alias {
    /// The database's own name, if the client's is an alias.
    pub dbname: Option<String>,
    /// The purpose that every session by this name has.
    pub purpose: Option<String>,
    /// Values of the policy's parameters for every session by this name.
    pub parameters: BTreeMap<String, Pinned>,
    /// Another pack than the common one.
    pub policy: Option<PathBuf>,
    /// Without a policy: let everything pass.
    pub open: bool,
}

/// A string, or a whole number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Pinned {
    Text(String),
    Number(i64),
}

impl std::fmt::Display for Pinned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Pinned::Text(text) => f.write_str(text),
            Pinned::Number(number) => write!(f, "{number}"),
        }
    }
}

/// `[role.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolePin {
    /// The purpose that every session of this role has.
    pub purpose: String,
}

/// A duration written as a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Seconds(pub Duration);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds)
            .map(Seconds)
            .map_err(|_| serde::de::Error::custom("a number of seconds, at least 0, was expected"))
    }
}

/// `[catalog]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CatalogConfig {
    /// How often the catalog is read although nothing was seen to change it; 0 for never.
    pub refresh_interval: Seconds,
    /// The least time between two readings on behalf of unknown names.
    pub unknown_name_interval: Seconds,
}

impl Default for CatalogConfig {
    fn default() -> CatalogConfig {
        CatalogConfig {
            refresh_interval: Seconds(Duration::from_secs(60)),
            unknown_name_interval: Seconds(Duration::from_secs(1)),
        }
    }
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub connections: usize,
    /// Of one user, over all databases; 0 sets no bound.
    pub connections_per_user: usize,
    /// From one address (of version 6: its /64); 0 sets no bound.
    pub connections_per_address: usize,
    pub login_time: Seconds,
    /// How long a session may wait for its client between transactions; 0 for ever.
    pub idle_time: Seconds,
    /// The same inside a transaction.
    pub idle_in_transaction_time: Seconds,
    /// How long a statement may run; 0 for ever.
    pub statement_time: Seconds,
    /// How long what a client has sent may still run once it has closed its side without a goodbye; 0 for ever.
    pub vanished_time: Seconds,
    /// How long running sessions may go on after TERM.
    pub drain_time: Seconds,
    /// The longest Query or Parse under a restricted purpose.
    pub message_bytes: usize,
    /// The longest Query or Parse under an unrestricted one.
    pub trusted_message_bytes: usize,
    pub statement_bytes: usize,
    pub cache_bytes: u64,
    pub prepared_statements: usize,
    pub prepared_bytes: usize,
    pub pipelined_messages: usize,
    /// What the catalog of a transaction that has changed it may take, as it is read.
    pub inner_catalog_bytes: usize,
    /// Look-ups that a role may make in a minute, over all its sessions.
    pub lookups_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        let core = crate::enforce::Limits::default();
        Limits {
            connections: 10_000,
            connections_per_user: 0,
            connections_per_address: 0,
            login_time: Seconds(Duration::from_secs(60)),
            idle_time: Seconds(Duration::ZERO),
            idle_in_transaction_time: Seconds(Duration::ZERO),
            statement_time: Seconds(Duration::ZERO),
            vanished_time: Seconds(Duration::from_secs(10)),
            drain_time: Seconds(Duration::from_secs(30)),
            message_bytes: 16 << 20,
            trusted_message_bytes: 64 << 20,
            statement_bytes: core.statement_bytes,
            cache_bytes: core.cache_bytes,
            prepared_statements: 10_000,
            prepared_bytes: 64 << 20,
            pipelined_messages: 10_000,
            inner_catalog_bytes: 64 << 20,
            lookups_per_minute: 60,
        }
    }
}

impl Limits {
    /// The bounds of one session.
    pub fn session(&self) -> Bounds {
        Bounds {
            message_bytes: self.message_bytes,
            trusted_message_bytes: self.trusted_message_bytes,
            prepared_statements: self.prepared_statements,
            prepared_bytes: self.prepared_bytes,
            pipelined_messages: self.pipelined_messages,
            inner_catalog_bytes: self.inner_catalog_bytes,
        }
    }

    /// The bounds of the core.
    pub fn core(&self, traces: Traces) -> crate::enforce::Limits {
        crate::enforce::Limits { statement_bytes: self.statement_bytes, cache_bytes: self.cache_bytes, traces }
    }
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// A level, or directives as `RUST_LOG` takes them. `RUST_LOG` itself goes first.
    pub level: String,
    pub format: LogFormat,
}

/// `[admin]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Where metrics and health are asked for over HTTP; nowhere without it.
    pub listen: Option<SocketAddr>,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

impl Default for Log {
    fn default() -> Log {
        Log { level: "info".to_owned(), format: LogFormat::Text }
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 6432))
}

/// Where a section begins.
fn section_of(text: &str, header: &str) -> Option<SourceSpan> {
    text.find(header).map(|start| SourceSpan::from(start..start + header.len()))
}

/// What is wrong with a config, shown under its text.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ConfigError {
    #[error("{path}: {source}")]
    Unreadable { path: String, source: std::io::Error },
    #[error("{message}")]
    #[diagnostic(code(config))]
    Wrong {
        message: String,
        #[source_code]
        text: NamedSource<String>,
        #[label("here")]
        at: Option<SourceSpan>,
    },
}

impl Config {
    /// Reads a config file. Paths in it are relative to its directory.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let shown = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: shown.clone(), source })?;
        let mut config = Config::parse(&shown, &text)?;
        config.file = path.to_owned();
        let base = path.parent().unwrap_or(Path::new("."));
        let aliases = config.database.values_mut().filter_map(|alias| alias.policy.as_mut());
        let audit = config.audit.iter_mut().flat_map(Audit::files);
        let files = config.upstream.files().chain(config.tls.files()).chain(config.auth.files()).chain(audit);
        for relative in config.policy.iter_mut().chain(aliases).chain(files) {
            *relative = base.join(&*relative);
        }
        Ok(config)
    }

    /// Parses a config. `path` is the name shown in errors.
    pub fn parse(path: &str, text: &str) -> Result<Config, ConfigError> {
        let wrong = |message: String, at: Option<SourceSpan>| ConfigError::Wrong {
            message,
            text: NamedSource::new(path, text.to_owned()),
            at,
        };
        let config: Config = toml::from_str(text)
            .map_err(|error| wrong(error.message().to_owned(), error.span().map(SourceSpan::from)))?;
        let section = |name: &str| section_of(text, &format!("[{name}]"));
        if let Some(message) = config.upstream.contradiction() {
            return Err(wrong(message, section("upstream")));
        }
        if let Some(message) = config.tls.contradiction() {
            return Err(wrong(message.to_owned(), section("tls")));
        }
        if let Some(message) = config.auth.contradiction(&config.tls) {
            return Err(wrong(message.to_owned(), section("auth")));
        }
        if let Some(message) = config.audit.as_ref().and_then(Audit::contradiction) {
            return Err(wrong(message, section("audit").or_else(|| section_of(text, "[audit."))));
        }
        if let Some(message) = config.hba.iter().find_map(|row| row.contradiction(&config.tls)) {
            return Err(wrong(message.to_owned(), section("[hba]")));
        }
        for (name, alias) in &config.database {
            let at = section(&format!("database.{name}"));
            let has_policy = alias.policy.is_some() || config.policy.is_some();
            if alias.open && alias.policy.is_some() {
                return Err(wrong(format!("database {name} is open and has a policy"), at));
            }
            if !alias.parameters.is_empty() && (alias.open || !has_policy) {
                return Err(wrong(format!("database {name} pins parameters but has no policy"), at));
            }
            if alias.purpose.is_some() && (alias.open || !has_policy) {
                return Err(wrong(format!("database {name} pins a purpose but has no policy"), at));
            }
        }
        Ok(config)
    }

    /// The database's own name, by the name that the client used.
    pub fn dbname<'a>(&'a self, name: &'a str) -> &'a str {
        self.database.get(name).and_then(|alias| alias.dbname.as_deref()).unwrap_or(name)
    }

    /// The keys that differ in another config and are looked at only when the proxy starts.
    pub fn changed_for_good(&self, other: &Config) -> Vec<&'static str> {
        let log = |config: &Config| (config.log.level.clone(), config.log.format);
        let differ = [
            ("listen", self.listen != other.listen),
            ("reuse_port", self.reuse_port != other.reuse_port),
            ("listen_unix", self.listen_unix != other.listen_unix),
            ("upstream.host", self.upstream.host != other.upstream.host),
            ("upstream.port", self.upstream.port != other.upstream.port),
            ("limits.statement_bytes", self.limits.statement_bytes != other.limits.statement_bytes),
            ("limits.cache_bytes", self.limits.cache_bytes != other.limits.cache_bytes),
            ("admin", self.admin.listen != other.admin.listen),
            ("log", log(self) != log(other)),
            ("audit", self.audit != other.audit),
        ];
        differ.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }

    /// The pack that governs a database, by the name that the client used; `None` if it has none.
    pub fn pack(&self, name: &str) -> Option<&Path> {
        match self.database.get(name) {
            Some(alias) if alias.open => None,
            Some(Alias { policy: Some(policy), .. }) => Some(policy),
            Some(_) | None => self.policy.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPSTREAM: &str = "[upstream]\nhost = \"localhost\"\ncatalog_user = \"reader\"\n";

    #[test]
    fn the_least_config() {
        let config = Config::parse("wherefore.toml", UPSTREAM).expect("config");
        assert_eq!(config.upstream.port, 5432);
        assert_eq!(config.limits.connections, 10_000);
        assert!(config.pack("any").is_none());
    }

    #[test]
    fn what_leaves_the_machine_is_verified_or_decided_upon() {
        let leg = |host: &str, more: &str| {
            let text = format!("[upstream]\nhost = \"{host}\"\ncatalog_user = \"reader\"\n{more}\n");
            Config::parse("wherefore.toml", &text).map_err(|error| error.to_string()).map(|config| {
                let legs = config.upstream.legs().expect("checked");
                let leg = &legs[0];
                let protected = crate::net::Upstream::load(leg).map(|way| way.is_protected());
                (leg.mode(), protected.ok())
            })
        };
        use crate::net::SslMode::{Disable, Require, VerifyFull};
        for (host, more, expected) in [
            ("/run/postgresql", "", Ok((Disable, Some(true)))),
            ("localhost", "", Ok((Disable, Some(true)))),
            ("127.0.0.1", "", Ok((Disable, Some(true)))),
            ("::1", "", Ok((Disable, Some(true)))),
            ("127.0.0.1", "sslmode = \"require\"", Ok((Require, Some(true)))),
            ("db.internal", "", Err("leaves this machine")),
            ("10.0.0.7", "", Err("leaves this machine")),
            ("localhost.evil.example", "", Err("leaves this machine")),
            ("db.internal", "sslmode = \"disable\"", Ok((Disable, Some(false)))),
            ("db.internal", "sslmode = \"require\"", Ok((Require, Some(true)))),
            ("db.internal", "sslmode = \"verify-ca\"", Err("need `sslrootcert`")),
            ("db.internal", "sslmode = \"prefer\"", Err("unknown variant `prefer`")),
            // The file is not there.
            ("db.internal", "sslrootcert = \"/nonexistent\"", Ok((VerifyFull, None))),
            ("/run/postgresql", "sslmode = \"require\"", Err("a unix socket is not encrypted")),
            ("127.0.0.1", "sslcert = \"c\"", Err("go together")),
        ] {
            match (leg(host, more), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{host} {more}"),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{host} {more}: {error}"),
                (found, expected) => panic!("{host} {more}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn tls_sections_that_cannot_be_meant() {
        let files = "certificate = \"c\"\nkey = \"k\"\n";
        for (text, expected) in [
            ("mode = \"allow\"".to_owned(), "needs `certificate` and `key`"),
            (format!("mode = \"allow\"\n{files}client_certificates = \"optional\""), "needs `client_ca`"),
            (format!("mode = \"allow\"\n{files}client_ca = \"a\""), "needs `client_certificates`"),
            (
                format!("mode = \"allow\"\n{files}client_ca = \"a\"\nclient_certificates = \"required\""),
                "needs `mode = \"require\"`",
            ),
            ("mode = \"prefer\"".to_owned(), "unknown variant"),
            ("minimum_version = \"1.1\"".to_owned(), "unknown variant"),
        ] {
            let error = Config::parse("wherefore.toml", &format!("{UPSTREAM}[tls]\n{text}\n")).map(|_| ());
            let error = error.expect_err(&text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    /// Whoever takes the last name away does not mean that any may come.
    #[test]
    fn certificates_that_name_nobody_are_an_error() {
        let tls = "[tls]\nmode = \"require\"\ncertificate = \"c\"\nkey = \"k\"\nclient_ca = \"a\"\nclient_certificates = \"required\"\n";
        let text = format!(
            "{UPSTREAM}{tls}[auth]\nmethod = \"certificate\"\nservice = {{ user = \"app\" }}\n[auth.certificates]\n"
        );
        let error = Config::parse("wherefore.toml", &text).map(|_| ()).expect_err("names nobody").to_string();
        assert!(error.contains("auth.certificates names nobody"), "{error}");
        let all = text.replace("[auth.certificates]\n", "");
        assert!(
            Config::parse("wherefore.toml", &all).is_ok(),
            "{:?}",
            Config::parse("wherefore.toml", &all).map(|_| ())
        );
    }

    #[test]
    fn errors_name_their_place() {
        for (text, message, place) in [
            (format!("{UPSTREAM}user = 1\n"), "unknown field `user`", "user"),
            (format!("listen = \"here\"\n{UPSTREAM}"), "invalid socket address", "\"here\""),
            (format!("{UPSTREAM}[limits]\nlogin_time = -1\n"), "number of seconds", "-1"),
            (format!("{UPSTREAM}[database.a]\npurpose = \"x\"\n"), "has no policy", "[database.a]"),
        ] {
            match Config::parse("wherefore.toml", &text) {
                Err(ConfigError::Wrong { message: got, at: Some(at), .. }) => {
                    assert!(got.contains(message), "{got}");
                    assert_eq!(&text[at.offset()..at.offset() + at.len()], place);
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
