//! `[audit]`: whether decisions are recorded, where, and what happens when they cannot be.

use super::catalog::{connect, login};
use super::config::Seconds;
use super::database::words;
use super::servers::Servers;
use super::upstream::Upstream;
use crate::audit::{
    FileWish, KeyError, Line, Outcomes, ParameterValues, Rotation, Settings, Signer, Sink, StartError, StdoutSink,
    Sync, SyslogSink, SyslogTo, Trail, WhenFull,
};
use serde::Deserialize;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_postgres::Client;

/// `[audit]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    pub outcomes: Outcomes,
    pub when_full: WhenFull,
    pub buffer_bytes: usize,
    /// How long a session waits for its record once writing fails; then it ends.
    pub hold_time: Seconds,
    pub parameters: ParameterValues,
    /// The private key that signs checkpoints.
    pub key: Option<PathBuf>,
    pub checkpoint_lines: u64,
    pub checkpoint_time: Seconds,
    pub file: Option<AuditFile>,
    pub stdout: Option<AuditStdout>,
    pub syslog: Option<AuditSyslog>,
    pub table: Option<AuditTable>,
}

impl Default for Audit {
    fn default() -> Audit {
        Audit {
            outcomes: Outcomes::All,
            when_full: WhenFull::Refuse,
            buffer_bytes: 16 << 20,
            hold_time: Seconds(Duration::from_secs(10)),
            parameters: ParameterValues::Names,
            key: None,
            checkpoint_lines: 10_000,
            checkpoint_time: Seconds(Duration::from_secs(60)),
            file: None,
            stdout: None,
            syslog: None,
            table: None,
        }
    }
}

/// `[audit.file]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditFile {
    pub path: PathBuf,
    /// 0: never by size.
    #[serde(default = "rotate_bytes")]
    pub rotate_bytes: u64,
    /// 0: never by time.
    #[serde(default = "rotate_time")]
    pub rotate_time: Seconds,
    /// Rotated files that stay; 0: all.
    #[serde(default)]
    pub keep: usize,
    #[serde(default)]
    pub sync: Sync,
}

fn rotate_bytes() -> u64 {
    256 << 20
}

fn rotate_time() -> Seconds {
    Seconds(Duration::from_secs(86_400))
}

/// `[audit.stdout]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditStdout {}

/// `[audit.syslog]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditSyslog {
    /// `unix:/dev/log`, `udp:host:514`, `tcp:host:601`.
    pub to: String,
    /// `local0` and so on, by number.
    #[serde(default = "local0")]
    pub facility: u8,
    /// What messages say that they come from.
    #[serde(default = "host")]
    pub host: String,
}

fn local0() -> u8 {
    16
}

fn host() -> String {
    "-".to_owned()
}

/// `[audit.table]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditTable {
    /// The database that it is in, behind the proxy.
    pub database: String,
    /// Schema-qualified, as SQL writes it.
    #[serde(default = "table")]
    pub name: String,
}

fn table() -> String {
    "wherefore.audit".to_owned()
}

/// Why there is no trail.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Audit {
    /// What cannot be meant.
    pub fn contradiction(&self) -> Option<String> {
        let all = [self.file.is_some(), self.stdout.is_some(), self.syslog.is_some(), self.table.is_some()];
        if !all.contains(&true) {
            return Some("audit names no sink: audit.file, audit.stdout, audit.syslog or audit.table".to_owned());
        }
        if self.buffer_bytes == 0 || self.checkpoint_lines == 0 || self.checkpoint_time.0.is_zero() {
            return Some("audit.buffer_bytes, checkpoint_lines and checkpoint_time must be more than 0".to_owned());
        }
        let syslog = self.syslog.as_ref()?;
        if syslog.facility > 23 {
            return Some("audit.syslog.facility is a number up to 23".to_owned());
        }
        if syslog.host.is_empty() || !syslog.host.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Some("audit.syslog.host is a word of ASCII".to_owned());
        }
        destination(&syslog.to).err()
    }

    /// The files that it names.
    pub fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.key.iter_mut().chain(self.file.as_mut().map(|file| &mut file.path))
    }

    /// Opens the trail. Only on a thread that may wait.
    pub fn start(&self, upstream: &Upstream) -> Result<Trail, TrailError> {
        let signer = self.key.as_deref().map(Signer::load).transpose()?;
        if signer.is_none() {
            tracing::warn!("the audit trail's checkpoints are not signed: audit.key names no key");
        }
        let settings = Settings {
            outcomes: self.outcomes,
            when_full: self.when_full,
            buffer_bytes: self.buffer_bytes,
            hold: self.hold_time.0,
            parameters: self.parameters,
            checkpoint_lines: self.checkpoint_lines,
            checkpoint_time: self.checkpoint_time.0,
        };
        let file = self.file.as_ref().map(|file| {
            let rotation = Rotation { bytes: file.rotate_bytes, time: file.rotate_time.0, keep: file.keep };
            FileWish { path: &file.path, rotation, sync: file.sync }
        });
        let mut others: Vec<Box<dyn Sink>> = Vec::new();
        if self.stdout.is_some() {
            others.push(Box::new(StdoutSink));
        }
        if let Some(AuditSyslog { to, facility, host }) = &self.syslog {
            let to = destination(to).unwrap_or(SyslogTo::Unix(PathBuf::from("/dev/log")));
            others.push(Box::new(SyslogSink::new(to, *facility, host.clone())));
        }
        if let Some(AuditTable { database, name }) = &self.table {
            others.push(Box::new(TableSink {
                runtime: Handle::current(),
                upstream: upstream.clone(),
                database: database.clone(),
                insert: format!(
                    "INSERT INTO {name} (chain, seq, line) \
                     SELECT * FROM unnest($1::text[], $2::int8[], $3::text[]) ON CONFLICT DO NOTHING"
                ),
                client: None,
            }));
        }
        Ok(Trail::start(settings, file, others, signer)?)
    }
}

/// Where syslog messages go.
fn destination(to: &str) -> Result<SyslogTo, String> {
    match to.split_once(':') {
        Some(("unix", path)) if Path::new(path).is_absolute() => Ok(SyslogTo::Unix(path.into())),
        Some(("udp", address)) if address.contains(':') => Ok(SyslogTo::Udp(address.to_owned())),
        Some(("tcp", address)) if address.contains(':') => Ok(SyslogTo::Tcp(address.to_owned())),
        Some(_) | None => Err("audit.syslog.to is unix:/path, udp:host:port or tcp:host:port".to_owned()),
    }
}

/// A table of a database behind the proxy.
struct TableSink {
    runtime: Handle,
    upstream: Upstream,
    database: String,
    insert: String,
    client: Option<Client>,
}

/// What the connection is called.
const APPLICATION: &str = "wherefore audit";

/// How long a batch may take.
const LONGEST: Duration = Duration::from_secs(10);

impl TableSink {
    async fn insert(&mut self, (chains, seqs, lines): (&[String], &[i64], &[&str])) -> io::Result<()> {
        let client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => {
                let mut login = login(&self.upstream, &self.database)?;
                login.application_name(APPLICATION);
                let servers = Servers::load(&self.upstream).map_err(io::Error::other)?;
                connect(&login, &servers).await.map_err(|error| io::Error::other(error.to_string()))?
            }
        };
        // One statement: all of the batch, or nothing.
        client
            .execute(&self.insert, &[&chains, &seqs, &lines])
            .await
            .map_err(|error| io::Error::other(words(&error)))?;
        self.client = Some(client);
        Ok(())
    }
}

impl Sink for TableSink {
    fn write(&mut self, batch: &[u8], lines: &[Range<usize>]) -> io::Result<()> {
        let (mut chains, mut seqs, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for line in lines {
            let text = &batch[line.start..line.end.saturating_sub(1)];
            let read = Line::parse(text).map_err(io::Error::other)?;
            seqs.push(i64::try_from(read.chain.seq).unwrap_or(i64::MAX));
            chains.push(read.chain.id);
            texts.push(std::str::from_utf8(text).map_err(io::Error::other)?);
        }
        let runtime = self.runtime.clone();
        let insert = async { tokio::time::timeout(LONGEST, self.insert((&chains, &seqs, &texts))).await };
        runtime.block_on(insert).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    fn name(&self) -> &'static str {
        "table"
    }
}

/// What makes the table.
pub fn table_schema() -> &'static str {
    "CREATE SCHEMA IF NOT EXISTS wherefore;\n\
     CREATE TABLE wherefore.audit (\n    \
         chain text NOT NULL,\n    \
         seq bigint NOT NULL,\n    \
         at timestamptz NOT NULL DEFAULT now(),\n    \
         -- The line as it was hashed, byte by byte.\n    \
         line text NOT NULL,\n    \
         PRIMARY KEY (chain, seq)\n\
     );\n\
     -- The role that the proxy reads catalogs as may add lines, and nothing else.\n\
     REVOKE ALL ON wherefore.audit FROM PUBLIC;\n\
     -- GRANT USAGE ON SCHEMA wherefore TO catalog_user;\n\
     -- GRANT INSERT, SELECT (chain, seq) ON wherefore.audit TO catalog_user;\n"
}
