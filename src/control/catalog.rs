//! Reads what a database contains, in one transaction, over a connection of the proxy's own.

use super::database::words;
use super::servers::Servers;
use super::unreached::Unreached;
use super::upstream::{ChannelBinding, Upstream};
use crate::catalog::Snapshot;
use crate::catalog::read::{Answer, Answers, Extent, SETTINGS, Topic, Unreadable, questions};
use crate::net::{Encrypted, Own};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_postgres::config::{ChannelBinding as Binding, SslMode, SslNegotiation};
use tokio_postgres::{Client, Error, NoTls, SimpleQueryMessage};

/// How long a connection may take to open.
const LONGEST_CONNECT: std::time::Duration = std::time::Duration::from_secs(10);

/// What connections of the proxy's own are called.
pub const APPLICATION: &str = "wherefore catalog";

/// As whom to read a database's catalog.
pub fn login(upstream: &Upstream, database: &str) -> std::io::Result<tokio_postgres::Config> {
    let mut login = tokio_postgres::Config::new();
    login.user(&upstream.catalog_user).dbname(database).application_name(APPLICATION);
    login.channel_binding(match upstream.channel_binding {
        ChannelBinding::Disable => Binding::Disable,
        ChannelBinding::Prefer => Binding::Prefer,
        ChannelBinding::Require => Binding::Require,
    });
    if let Some(password) = upstream.password()? {
        login.password(password);
    }
    Ok(login)
}

/// A client whose connection runs on the current runtime. What fails is told in the server's words.
pub async fn connect(login: &tokio_postgres::Config, servers: &Servers) -> Result<Client, Unreached> {
    open(login, servers.connect().await?.own()).await
}

/// The same, over a connection on which nothing was said yet.
pub async fn open(login: &tokio_postgres::Config, stream: Own) -> Result<Client, Unreached> {
    // Encrypted by ourselves, if at all.
    let opening = async {
        if !stream.is_encrypted() {
            let (client, connection) = login.connect_raw(stream, NoTls).await?;
            tokio::spawn(connection);
            return Ok(client);
        }
        let mut login = login.clone();
        login.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
        let (client, connection) = login.connect_raw(stream, Encrypted).await?;
        tokio::spawn(connection);
        Ok(client)
    };
    let opened = tokio::time::timeout(LONGEST_CONNECT, opening).await;
    let opened: Result<Client, Error> = opened.map_err(|_| "the server does not answer".to_owned())?;
    Ok(opened?)
}

/// How often definitions of relations that are locked are asked for, and how long between.
const ATTEMPTS: usize = 5;
const BETWEEN_ATTEMPTS: std::time::Duration = std::time::Duration::from_millis(100);

/// The OID of the database that this is a connection to.
pub async fn own_oid(client: &Client) -> Result<u32, Error> {
    let sql = "SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()";
    client.query_one(sql, &[]).await?.try_get(0)
}

/// Why a catalog could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{}", words(.0))]
    Server(#[from] Error),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// A version that no other snapshot of this process has: plans are known by it, whichever server, or transaction, a catalog
/// is of.
pub fn next_version() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// Reads a snapshot.
pub async fn read(client: &Client) -> Result<Snapshot, ReadError> {
    client.batch_execute(&begin()).await?;
    let outcome = ask(client).await;
    let _ = client.batch_execute("ROLLBACK").await;
    outcome
}

/// One transaction for one state. No lock is waited for long.
fn begin() -> String {
    let mut begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = '5s'".to_owned();
    for (name, value) in SETTINGS {
        begin += &format!("; SET LOCAL {name} = {value}");
    }
    begin
}

async fn ask(client: &Client) -> Result<Snapshot, ReadError> {
    let row =
        client.query_one("SELECT current_database()::text, current_setting('server_version_num')::int4", &[]).await?;
    let (database, server_version): (&str, i32) = (row.try_get(0)?, row.try_get(1)?);
    let server_version = server_version.unsigned_abs();
    let mut answers = Answers::default();
    for (topic, question) in questions(server_version, Extent::Whole) {
        *answers.to(topic) = answer(client, &question).await?;
        let mut attempts = 1;
        while topic == Topic::Definitions && answers.lack_definitions() && attempts < ATTEMPTS {
            tokio::time::sleep(BETWEEN_ATTEMPTS).await;
            *answers.to(topic) = answer(client, &question).await?;
            attempts += 1;
        }
    }
    Ok(answers.whole(database, server_version)?)
}

async fn answer(client: &Client, question: &str) -> Result<Answer, Error> {
    let mut answer = Answer::default();
    for message in client.simple_query(question).await? {
        if let SimpleQueryMessage::Row(row) = message {
            answer.push((0..row.len()).map(|column| row.get(column)));
        }
    }
    Ok(answer)
}

/// Whether two snapshots hold the same.
pub fn same(one: &Snapshot, other: &Snapshot) -> bool {
    let Snapshot {
        database,
        server_version,
        schemas,
        relations,
        functions,
        operators,
        own_operators,
        casts,
        types,
        sequence_users,
        roles,
        setting_prefixes,
    } = one;
    *database == other.database
        && *server_version == other.server_version
        && *schemas == other.schemas
        && *relations == other.relations
        && *functions == other.functions
        && *operators == other.operators
        && *own_operators == other.own_operators
        && *casts == other.casts
        && *types == other.types
        && *sequence_users == other.sequence_users
        && *roles == other.roles
        && *setting_prefixes == other.setting_prefixes
}
