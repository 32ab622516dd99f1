//! A throwaway Postgres and a proxy in front of it, in this process.
#![allow(dead_code)]

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;
use wherefore::control::Config;

/// Where a program of the server's is: in the folder that `WHEREFORE_PG_BIN` names, if it is there, or else with the others.
pub fn program(name: &str) -> PathBuf {
    let named = std::env::var_os("WHEREFORE_PG_BIN").map(|folder| PathBuf::from(folder).join(name));
    named.filter(|path| path.exists()).unwrap_or_else(|| bindir().join(name))
}

/// Where all of the server's programs are: on the PATH, by pg_config, or in the distribution's versioned folders.
fn bindir() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let mut candidates: Vec<PathBuf> =
                std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
            if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
                candidates.push(String::from_utf8_lossy(&output.stdout).trim().into());
            }
            for root in ["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt"] {
                let versions = std::fs::read_dir(root).into_iter().flatten().flatten();
                candidates.extend(versions.map(|version| version.path().join("bin")));
            }
            let programs = ["initdb", "postgres", "psql", "pgbench"];
            let complete = |path: &PathBuf| programs.iter().all(|program| path.join(program).exists());
            let found = candidates.into_iter().find(complete);
            found.expect("Postgres is installed")
        })
        .clone()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// A command as the user that Postgres may run as.
fn as_postgres(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// A directory that belongs to the user that Postgres may run as.
fn scratch() -> TempDir {
    let directory = tempfile::Builder::new().prefix("wherefore").tempdir().expect("a directory");
    if is_root() {
        let status = Command::new("chown").arg("postgres").arg(directory.path()).status();
        assert!(status.is_ok_and(|status| status.success()), "chown");
    }
    directory
}

/// A cluster that ends with this value.
pub struct Cluster {
    server: Child,
    pub port: u16,
    pub directory: TempDir,
}

impl Cluster {
    /// Starts a cluster with the roles and tables of `setup` in database `shop`.
    pub fn start(hba: &str, setup: &str) -> Cluster {
        Cluster::with_settings(hba, setup, &[])
    }

    /// As [`Cluster::start`], with settings of the server (`name=value`).
    pub fn with_settings(hba: &str, setup: &str, settings: &[&str]) -> Cluster {
        let directory = scratch();
        let data = directory.path().join("data");
        let status = as_postgres(&program("initdb"))
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .expect("initdb");
        assert!(status.success(), "initdb");
        if !hba.is_empty() {
            std::fs::write(data.join("pg_hba.conf"), hba).expect("pg_hba.conf");
        }
        let cluster = Cluster::serve(directory, settings);
        cluster.psql("postgres", "CREATE DATABASE shop").expect("database");
        cluster.psql("shop", setup).expect("setup");
        cluster
    }

    /// A standby that follows a cluster whose `pg_hba.conf` lets replication in over the socket.
    pub fn standby_of(primary: &Cluster) -> Cluster {
        let directory = scratch();
        let status = as_postgres(&program("pg_basebackup"))
            .args(["-R", "-X", "stream", "-c", "fast", "-U", "postgres", "-p", &primary.port.to_string(), "-h"])
            .arg(primary.directory.path())
            .arg("-D")
            .arg(directory.path().join("data"))
            .status()
            .expect("pg_basebackup");
        assert!(status.success(), "pg_basebackup");
        Cluster::serve(directory, &[])
    }

    /// Starts the server whose data are in the directory.
    fn serve(directory: TempDir, settings: &[&str]) -> Cluster {
        let data = directory.path().join("data");
        let port = free_port();
        // The pipe ends with this process, and the cluster with the pipe, whatever becomes of destructors.
        // A line means that the server starts again once it has ended.
        let watch = "d=$1; shift; \"$@\" 2>$d/server.log & while read x; do wait $!; \"$@\" 2>>$d/server.log & done; \
                     kill -INT $!; wait $!; rm -rf $d";
        let server = as_postgres(Path::new("/bin/sh"))
            .args(["-c", watch, "sh"])
            .arg(directory.path())
            .arg(program("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-F", "-c", "listen_addresses=127.0.0.1", "-k"])
            .arg(directory.path())
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("postgres");
        let cluster = Cluster { server, port, directory };
        cluster.wait_until_up();
        cluster
    }

    fn wait_until_up(&self) {
        for _ in 0..400 {
            if self.psql("postgres", "SELECT 1").is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the server does not start");
    }

    /// Crashes the server: no checkpoint, no word to a standby.
    pub fn kill(&self) {
        self.signal("QUIT");
    }

    /// Sends a signal to the server's first process: `INT` shuts down fast, `QUIT` at once.
    pub fn signal(&self, signal: &str) {
        let text =
            std::fs::read_to_string(self.directory.path().join("data/postmaster.pid")).expect("a running server");
        kill(signal, text.lines().next().expect("a process"));
    }

    /// Starts the server again, once it has ended.
    pub fn start_again(&mut self) {
        self.server.stdin.as_mut().expect("a pipe").write_all(b"\n").expect("the server's keeper");
        self.wait_until_up();
    }

    /// Has the server speak TLS with copies of these files.
    pub fn speak_tls(&self, certificate: &Path, key: &Path) {
        for (from, to) in [(certificate, "server.crt"), (key, "server.key")] {
            let to = self.directory.path().join("data").join(to);
            std::fs::copy(from, &to).expect("copies");
            if is_root() {
                assert!(Command::new("chown").arg("postgres").arg(&to).status().is_ok_and(|status| status.success()));
            }
        }
        self.psql("postgres", "ALTER SYSTEM SET ssl = on").expect("settings");
        self.psql("postgres", "SELECT pg_reload_conf()").expect("settings");
        // The postmaster answers to the signal in its own time.
        for _ in 0..200 {
            if self.psql("postgres", "SHOW ssl").expect("a setting").trim() == "on" {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the server does not speak TLS");
    }

    /// Runs SQL as the superuser, over the unix socket.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut child = Command::new(program("psql"))
            .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-p", &self.port.to_string()])
            .arg("-h")
            .arg(self.directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql");
        child.stdin.take().expect("stdin").write_all(sql.as_bytes()).expect("psql reads");
        let output = child.wait_with_output().expect("psql");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(text) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

/// Sends a signal to a process.
pub fn kill(signal: &str, process: &str) {
    let status = Command::new("kill").args([&format!("-{signal}"), process]).status().expect("kill");
    assert!(status.success(), "kill -{signal} {process}");
}

/// The proxy, on a runtime of its own.
pub struct Proxy {
    pub address: SocketAddr,
    pub runtime: tokio::runtime::Runtime,
    _files: TempDir,
}

impl Proxy {
    /// Starts a proxy with a policy and further lines of config.
    pub fn start(cluster: &Cluster, policy: &str, more: &str) -> Proxy {
        Proxy::behind(cluster.port, policy, "", more)
    }

    /// Starts a proxy in front of this port, with further lines of its section `upstream` and of the config.
    pub fn behind(port: u16, policy: &str, upstream: &str, more: &str) -> Proxy {
        Proxy::full(port, policy, "", upstream, more)
    }

    /// As [`Proxy::behind`], with further lines in front of any section.
    pub fn full(port: u16, policy: &str, listen: &str, upstream: &str, more: &str) -> Proxy {
        Proxy::to("127.0.0.1", port, policy, listen, upstream, more)
    }

    /// As [`Proxy::full`], in front of these hosts.
    pub fn to(hosts: &str, port: u16, policy: &str, listen: &str, upstream: &str, more: &str) -> Proxy {
        let files = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(files.path().join("policy")).expect("a directory");
        std::fs::write(files.path().join("policy/pack.toml"), policy).expect("policy");
        let text = format!(
            "listen = \"127.0.0.1:0\"\npolicy = \"policy\"\n{listen}\n[upstream]\nhost = \"{hosts}\"\nport = {port}\n\
             catalog_user = \"postgres\"\ncatalog_password = \"secret\"\n{upstream}\n[log]\nlevel = \"warn\"\n{more}"
        );
        let path = files.path().join("wherefore.toml");
        std::fs::write(&path, text).expect("config");
        let config = Config::load(&path).unwrap_or_else(|error| panic!("{error:?}"));
        wherefore::server::set_up_log(&config.log);
        let runtime = wherefore::server::runtime().expect("runtime");
        let (send, receive) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let outcome = wherefore::server::serve(config, move |address| send.send(address).expect("ready")).await;
            if let Err(error) = outcome {
                eprintln!("{error}");
            }
        });
        let address = receive.recv_timeout(std::time::Duration::from_secs(20)).expect("the proxy starts");
        Proxy { address, runtime, _files: files }
    }

    pub fn url(&self, user: &str, database: &str) -> String {
        format!("host=127.0.0.1 port={} user={user} dbname={database} password=secret", self.address.port())
    }
}
