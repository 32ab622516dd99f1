//! The harness of the integration tests: a throwaway Postgres for each test binary, and proxies in front of it.
#![allow(dead_code, reason = "every test binary uses a part of it")]

pub mod raw;
pub mod script;
pub mod soak;
pub mod transcript;
pub mod worlds;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use wherefore::cli::serve;
use wherefore::cli::throwaway::{SUPERUSER, Throwaway};

/// A cluster shared by all tests of a binary. Its supervisor ends it with the process, however that ends.
#[derive(Debug)]
pub struct Cluster {
    server: Throwaway,
}

impl Cluster {
    /// The binary's cluster, started when first asked for.
    pub fn shared() -> &'static Cluster {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Cluster { server: Throwaway::start(&[]).unwrap_or_else(|failure| panic!("{failure}")) })
    }

    /// A cluster of one's own with these settings, for tests that compare servers.
    pub fn with_settings(settings: &[(&str, &str)]) -> Cluster {
        Cluster { server: Throwaway::start(settings).unwrap_or_else(|failure| panic!("{failure}")) }
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The server's own folder for scratch files that go with it.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// A new folder that goes with the server.
    pub fn new_folder(&self, name: &str) -> PathBuf {
        self.server.new_folder(name).unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// A program of the server's installation: `psql`, `pgbench`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.server.binaries().program(name)
    }

    /// Makes a database and runs a script in it. The roles `tester` (ordinary) and `keeper` (superuser) can log in.
    pub fn database(&self, name: &str, script: &str) {
        static ROLES: OnceLock<()> = OnceLock::new();
        ROLES.get_or_init(|| self.sql("postgres", "CREATE ROLE tester LOGIN; CREATE ROLE keeper LOGIN SUPERUSER"));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.sql(name, script);
        self.sql(name, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO tester; ANALYZE");
    }

    /// Runs statements as superuser, around any proxy. Panics where one fails.
    pub fn sql(&self, database: &str, sql: &str) {
        let mut command = Command::new(self.program("psql"));
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        let output = At { port: self.port(), database, user: SUPERUSER, purpose: None }.run(&mut command);
        assert!(output.status.success(), "{sql}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Where a client connects and as whom.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    pub port: u16,
    pub database: &'a str,
    pub user: &'a str,
    /// Declared in the start-up packet.
    pub purpose: Option<&'a str>,
}

impl At<'_> {
    /// The start-up packet's `options`; empty without a purpose.
    pub fn options(&self) -> String {
        self.purpose.map_or_else(String::new, |purpose| format!("-c wherefore.purpose={purpose}"))
    }

    /// Runs a program that reads libpq's environment variables.
    pub fn run(&self, command: &mut Command) -> Output {
        command.env("PGHOST", "127.0.0.1").env("PGPORT", self.port.to_string());
        command.env("PGDATABASE", self.database).env("PGUSER", self.user);
        command.env("PGOPTIONS", self.options()).env("PURPOSE", self.purpose.unwrap_or_default());
        // Time zone and encoding must not depend on who runs the tests.
        command.env("PGCLIENTENCODING", "UTF8").env("PGTZ", "UTC").env("PGCONNECT_TIMEOUT", "20");
        command.env_remove("PGSERVICE").env_remove("PGPASSFILE");
        command.output().unwrap_or_else(|error| panic!("{}: {error}", command.get_program().to_string_lossy()))
    }

    /// A client that speaks bare frames.
    pub fn raw(&self) -> raw::Raw {
        let options = self.options();
        let mut parameters = vec![("user", self.user), ("database", self.database), ("client_encoding", "UTF8")];
        if !options.is_empty() {
            parameters.push(("options", &options));
        }
        raw::Raw::connect(self.port, &parameters)
            .unwrap_or_else(|error| panic!("login refused: {}", error.field(b'M').unwrap_or_default()))
    }

    /// A tokio-postgres client whose connection runs on the calling runtime.
    pub async fn tokio(&self) -> tokio_postgres::Client {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).user(self.user).dbname(self.database).options(self.options());
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("connecting");
        tokio::spawn(connection);
        client
    }
}

/// A proxy in this process, on a port and a runtime of its own. It stops when dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    /// The runtime's thread ends when this is dropped.
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy in front of the cluster. Every database gets the policy in this folder.
    pub fn start(cluster: &Cluster, policy: &str) -> Proxy {
        Proxy::with_config(cluster, &serve::config_text(0, cluster.port(), Path::new(policy)))
    }

    /// Starts a proxy with a policy written in the test.
    pub fn with_policy(cluster: &Cluster, policy: &str) -> Proxy {
        let folder = cluster.new_folder(&format!("policy-{}", Proxy::number()));
        std::fs::write(folder.join("policy.toml"), policy).expect("writing the policy");
        Proxy::start(cluster, &folder.to_string_lossy())
    }

    /// Starts a proxy with a configuration written in the test.
    pub fn with_config(cluster: &Cluster, config: &str) -> Proxy {
        let file = cluster.folder().join(format!("wherefore-{}.toml", Proxy::number()));
        std::fs::write(&file, config).expect("writing the configuration");
        let (told, port) = std::sync::mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let run = move || {
            let runtime = serve::runtime().expect("a runtime");
            runtime.block_on(async {
                let started = serve::start(&file).await;
                let proxy = told.send(started.as_ref().map(serve::Running::port).map_err(ToString::to_string));
                if proxy.is_ok() {
                    let _ = stopped.await;
                }
            });
            runtime.shutdown_background();
        };
        let thread = std::thread::spawn(run);
        let port = port.recv().expect("the proxy's thread").unwrap_or_else(|failure| panic!("{failure}"));
        Proxy { port, stop: Some(stop), thread: Some(thread) }
    }

    fn number() -> u32 {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        NUMBER.fetch_add(1, Ordering::Relaxed)
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
