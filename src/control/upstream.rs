//! `[upstream]`: the servers behind the proxy, and how they are reached.

use super::config::Seconds;
use crate::net::{ServerLeg, SslMode};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// The server behind the proxy.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// A host name, an address, or the directory of a unix socket; or several, with commas between, each with `:port` where
    /// it is another.
    pub host: String,
    #[serde(default = "default_port")]
    pub port: u16,
    /// Who reads the catalogs.
    pub catalog_user: String,
    #[serde(default)]
    pub catalog_password: Option<String>,
    #[serde(default)]
    pub catalog_password_file: Option<PathBuf>,
    /// The name of an environment variable.
    #[serde(default)]
    pub catalog_password_env: Option<String>,
    /// How the connection is protected; not said, it follows from the host.
    #[serde(default)]
    pub sslmode: Option<SslMode>,
    /// Authorities that vouch for the server.
    #[serde(default)]
    pub sslrootcert: Option<PathBuf>,
    /// The proxy's own certificate towards the server.
    #[serde(default)]
    pub sslcert: Option<PathBuf>,
    #[serde(default)]
    pub sslkey: Option<PathBuf>,
    /// Whether the proxy's own logins are bound to the channel.
    #[serde(default)]
    pub channel_binding: ChannelBinding,
    /// Which of several servers sessions go to.
    #[serde(default)]
    pub target_session_attrs: Wanted,
    #[serde(default)]
    pub load_balance_hosts: Balance,
    /// How long one server may take to answer.
    #[serde(default = "default_patience")]
    pub connect_timeout: Seconds,
    /// Where servers are asked what they are.
    #[serde(default = "default_check_database")]
    pub check_database: String,
}

/// Whether a login is bound to its channel, in libpq's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelBinding {
    Disable,
    /// Where the server offers it.
    #[default]
    Prefer,
    /// A server that does not ask for it is not logged in to.
    Require,
}

/// Which servers sessions go to, in libpq's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    #[default]
    Any,
    /// Transactions write unless they say otherwise.
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    /// A standby, or else any.
    PreferStandby,
}

/// In which order servers are tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Balance {
    /// As they are named.
    #[default]
    Disable,
    /// From any of them on.
    Random,
}

impl Upstream {
    /// How each server is reached.
    pub fn legs(&self) -> Result<Vec<ServerLeg<'_>>, String> {
        let hosts = self.host.split(',').map(|named| self.one(named.trim()));
        hosts
            .map(|found| {
                let (host, port) = found?;
                Ok(ServerLeg {
                    host,
                    port,
                    mode: self.sslmode,
                    root: self.sslrootcert.as_deref(),
                    certificate: self.sslcert.as_deref(),
                    key: self.sslkey.as_deref(),
                })
            })
            .collect()
    }

    /// `host`, `host:port`, `[address]:port`; an address of version 6 without brackets has no port.
    fn one<'a>(&self, named: &'a str) -> Result<(&'a str, u16), String> {
        let broken = || format!("`{named}` is no host: host, host:port or [address]:port was expected");
        let (host, port) = match named.strip_prefix('[').map(|rest| rest.split_once(']')) {
            Some(None) => return Err(broken()),
            Some(Some((host, ""))) => (host, None),
            Some(Some((host, rest))) => (host, Some(rest.strip_prefix(':').ok_or_else(broken)?)),
            None if named.starts_with('/') || named.matches(':').count() != 1 => (named, None),
            None => named.split_once(':').map_or((named, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map(|port| port.parse().map_err(|_| broken())).transpose()?.unwrap_or(self.port);
        if host.is_empty() { Err(broken()) } else { Ok((host, port)) }
    }

    /// What does not go together.
    pub(super) fn contradiction(&self) -> Option<String> {
        match self.legs() {
            Ok(legs) => {
                let bare = |leg: &ServerLeg<'_>| {
                    (self.channel_binding == ChannelBinding::Require && leg.mode() == SslMode::Disable)
                        .then(|| "channel_binding = \"require\" needs an encrypted connection: sslmode".to_owned())
                };
                legs.iter().find_map(|leg| leg.contradiction().or_else(|| bare(leg)))
            }
            Err(message) => Some(message),
        }
    }

    /// The files that it names.
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let Upstream { catalog_password_file, sslrootcert, sslcert, sslkey, .. } = self;
        [catalog_password_file, sslrootcert, sslcert, sslkey].into_iter().flatten()
    }

    /// The password of the catalog user, from wherever the config says.
    pub fn password(&self) -> std::io::Result<Option<String>> {
        if let Some(path) = &self.catalog_password_file {
            return std::fs::read_to_string(path).map(|text| Some(text.trim_end_matches(['\r', '\n']).to_owned()));
        }
        if let Some(name) = &self.catalog_password_env {
            return std::env::var(name).map(Some).map_err(|error| std::io::Error::other(format!("{name}: {error}")));
        }
        Ok(self.catalog_password.clone())
    }
}

fn default_port() -> u16 {
    5432
}

fn default_patience() -> Seconds {
    Seconds(Duration::from_secs(10))
}

fn default_check_database() -> String {
    "postgres".to_owned()
}

#[cfg(test)]
mod tests {
    use crate::control::Config;

    #[test]
    fn hosts_are_named_as_in_a_connection_string() {
        for (host, expected) in [
            ("localhost", Ok("localhost 5432")),
            ("/run/postgresql", Ok("/run/postgresql 5432")),
            ("localhost:6000, 127.0.0.1", Ok("localhost 6000, 127.0.0.1 5432")),
            ("[::1]:6000,[::1],::1", Ok("::1 6000, ::1 5432, ::1 5432")),
            ("", Err("is no host")),
            ("localhost,", Err("is no host")),
            ("localhost:", Err("is no host")),
            ("localhost:65536", Err("is no host")),
            (":5432", Err("is no host")),
            ("[::1", Err("is no host")),
            ("[::1]5432", Err("is no host")),
            // Each for itself.
            ("localhost,db.internal", Err("leaves this machine")),
        ] {
            let text = format!("[upstream]\nhost = \"{host}\"\ncatalog_user = \"reader\"\n");
            let found = Config::parse("wherefore.toml", &text).map_err(|error| error.to_string()).map(|config| {
                let legs = config.upstream.legs().expect("checked");
                legs.iter().map(|leg| format!("{} {}", leg.host, leg.port)).collect::<Vec<_>>().join(", ")
            });
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{host}: {found}"),
                (found, _) => panic!("{host}: {found:?}"),
            }
        }
    }
}
