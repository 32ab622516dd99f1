//! The door: who gets in how, encrypted or not, on the clients' leg and on the server's.

#[path = "door/admin.rs"]
mod admin;
#[path = "door/authority.rs"]
mod authority;
#[path = "door/claims.rs"]
mod claims;
#[path = "door/clients.rs"]
mod clients;
#[path = "door/ends.rs"]
mod ends;
#[path = "door/failover.rs"]
mod failover;
#[path = "door/hostile.rs"]
mod hostile;
#[path = "door/known.rs"]
mod known;
#[path = "door/limits.rs"]
mod limits;
#[path = "door/proxied.rs"]
mod proxied;
mod relay_support;
#[path = "door/reload.rs"]
mod reload;
#[path = "door/restart.rs"]
mod restart;
#[path = "door/server.rs"]
mod server;
#[path = "door/table.rs"]
mod table;

use authority::Authority;
use relay_support::{Cluster, Proxy, program};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const SETUP: &str = "
    CREATE ROLE app LOGIN PASSWORD 'secret';
    CREATE ROLE owner LOGIN SUPERUSER;
    CREATE ROLE bare LOGIN;
    CREATE TABLE gone (id bigint PRIMARY KEY, days int);
    ALTER ROLE postgres PASSWORD 'secret';
    CREATE TABLE people (id int PRIMARY KEY, name text, email text, note text);
    INSERT INTO people SELECT n, 'name', 'mail', 'note' FROM generate_series(1, 10) n;
    CREATE TABLE items (id int PRIMARY KEY, label text);
    CREATE SCHEMA other;
    CREATE TABLE other.items (id int, label text);
    GRANT ALL ON ALL TABLES IN SCHEMA public TO app, bare;
";

const HBA: &str = "
local all all trust
host all owner,bare 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
";

const POLICY: &str = include_str!("relay_support/pack.toml");

/// A cluster that speaks TLS, and the authority that all good certificates come from.
struct World {
    cluster: Cluster,
    authority: Authority,
    /// One that nobody trusts.
    stranger: Authority,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let (authority, stranger) = (Authority::new("authority"), Authority::new("stranger"));
        let cluster = Cluster::start(HBA, SETUP);
        authority.server("server", &["127.0.0.1"]);
        authority.server("elsewhere", &["db.example.org"]);
        authority.client("app");
        stranger.client("app");
        stranger.server("server", &["127.0.0.1"]);
        cluster.speak_tls(&authority.file("server.crt"), &authority.file("server.key"));
        World { cluster, authority, stranger }
    })
}

/// `[tls]` with the proxy's certificate.
fn tls(mode: &str, more: &str) -> String {
    let folder = world().authority.folder();
    format!(
        "[tls]\nmode = \"{mode}\"\ncertificate = \"{0}/server.crt\"\nkey = \"{0}/server.key\"\n{more}\n",
        folder.display()
    )
}

/// A program of psql's kind at a proxy, and what it says on both streams.
fn psql(proxy: &Proxy, environment: &[(&str, &str)], sql: &str) -> Result<String, String> {
    let mut command = Command::new(program("psql"));
    command.args(["-XAtw", "-v", "ON_ERROR_STOP=1", "-c", sql]);
    said(proxy, environment, command)
}

fn said(proxy: &Proxy, environment: &[(&str, &str)], mut command: Command) -> Result<String, String> {
    command.env("PGHOST", "127.0.0.1").env("PGPORT", proxy.address.port().to_string()).env("PGDATABASE", "shop");
    command.env("PGUSER", "owner").env("PGPASSWORD", "secret").env("PGCONNECT_TIMEOUT", "20");
    // Nothing of whoever runs the tests.
    command.env("HOME", "/nonexistent").env("PGSSLROOTCERT", world().authority.file("ca.crt"));
    command.envs(environment.iter().copied());
    let output = command.output().expect("a program");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// What a program says, held against a part of it; in front of that `!` if it is to fail.
fn check(outcome: Result<String, String>, expected: &str, case: &str) {
    match (outcome, expected.strip_prefix('!')) {
        (Ok(said), None) => assert!(said.contains(expected), "{case}: {said}"),
        (Err(said), Some(expected)) => assert!(said.contains(expected), "{case}: {said}"),
        (outcome, _) => panic!("{case}: {outcome:?}, not {expected}"),
    }
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime").block_on(work)
}

/// The interpreter that `.ci/deps` has given psycopg, with a libpq newer than the system's.
fn python() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("drivers");
    assert!(folder.is_dir(), "the drivers are not installed in {}: run `make deps`", folder.display());
    folder.join("venv/bin/python")
}

/// TLS as a client speaks it that trusts the good authority, and offers these protocols.
fn trusting(protocols: &[&str]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(world().authority.file("ca.crt")).expect("a certificate");
    roots.add(ca).expect("an authority");
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

type Encrypted = tokio_rustls::client::TlsStream<tokio::net::TcpStream>;

/// tokio-postgres over TLS from the first byte on.
async fn encrypted(
    proxy: &Proxy,
    user: &str,
    purpose: &str,
) -> (tokio_postgres::Client, tokio_postgres::Connection<Encrypted, tokio_postgres::tls::NoTlsStream>) {
    let stream = tokio::net::TcpStream::connect(proxy.address).await.expect("connects");
    let connector = tokio_rustls::TlsConnector::from(Arc::new(trusting(&["postgresql"])));
    let stream = connector.connect("127.0.0.1".try_into().expect("a name"), stream).await.expect("a handshake");
    let mut config = tokio_postgres::Config::new();
    config.user(user).password("secret").dbname("shop").options(format!("-c wherefore.purpose={purpose}"));
    config.connect_raw(stream, tokio_postgres::NoTls).await.expect("a session")
}
