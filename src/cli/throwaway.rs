//! A throwaway Postgres for the demo and the tests: a fresh cluster in a temporary folder on a free loopback port.
//!
//! A small shell script stands between us and the server. It holds the reading end of a pipe whose writing end only this
//! process has, so it notices when this process ends, however it ends: by returning, by a panic, by SIGKILL. Then it stops
//! the server and removes the folder. Nothing has to run here for that.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a cluster may take to accept connections.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How often a start is tried again where another process took the port meanwhile.
const PORT_TRIES: u32 = 3;
/// The cluster's superuser.
pub const SUPERUSER: &str = "postgres";

/// Makes the cluster, runs the server, and stops it when the pipe on its standard input closes.
/// Arguments: folder, binaries' folder, then the server's own.
const SUPERVISOR: &str = r#"
folder=$1; bin=$2; shift 2
exec 3<&0 </dev/null
trap '' INT HUP TERM
if ! "$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder/initdb.log" 2>&1; then
    tail -n 5 "$folder/initdb.log" >&2
    rm -rf "$folder"
    exit 1
fi
"$bin/postgres" -D "$folder/data" "$@" >"$folder/server.log" 2>&1 &
server=$!
# Waits for the pipe to close, then asks for an immediate shutdown: nothing of the cluster is kept.
(while read -r line <&3; do :; done; kill -QUIT "$server") 2>/dev/null &
watcher=$!
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
[ "$status" = 1 ] && tail -n 5 "$folder/server.log" >&2
rm -rf "$folder"
exit "$status"
"#;

/// Why there is no throwaway Postgres.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(
        "found no PostgreSQL server (initdb and postgres) on the PATH, by pg_config, in /usr/lib/postgresql or in \
         Homebrew's folders; install one (`make deps` does), or name its folder in WHEREFORE_PG_BIN"
    )]
    NoPostgres,
    #[error("Postgres refuses to run as root, and this system has neither a user `postgres` nor `nobody` to run it as")]
    NoUser,
    #[error("{doing}: {error}")]
    Io { doing: String, error: std::io::Error },
    #[error("the throwaway Postgres did not start: {0}")]
    NotStarted(String),
}

/// Adds to an I/O error what was being done.
fn doing<T>(what: impl Into<String>, result: std::io::Result<T>) -> Result<T, Failure> {
    result.map_err(|error| Failure::Io { doing: what.into(), error })
}

/// The folder with a server's programs.
#[derive(Debug, Clone)]
pub struct Binaries(PathBuf);

impl Binaries {
    /// Looks where servers are installed; the first folder that has both `initdb` and `postgres`.
    pub fn find() -> Result<Binaries, Failure> {
        let named = std::env::var_os("WHEREFORE_PG_BIN").map(PathBuf::from);
        let on_path = std::env::var_os("PATH").into_iter().flat_map(|path| {
            // A link in /usr/local/bin leads to the folder that has the rest.
            let real = |folder: PathBuf| fs::canonicalize(folder.join("initdb")).ok()?.parent().map(Path::to_owned);
            std::env::split_paths(&path).filter_map(real).collect::<Vec<_>>()
        });
        let configured = || {
            let output = Command::new("pg_config").arg("--bindir").output().ok()?;
            Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
        };
        let brew =
            ["/opt/homebrew/opt", "/usr/local/opt"].into_iter().flat_map(|folder| newest_first(folder, "postgresql"));
        named
            .into_iter()
            .chain(on_path)
            .chain(configured())
            .chain(newest_first("/usr/lib/postgresql", ""))
            .chain(brew)
            .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
            .map(Binaries)
            .ok_or(Failure::NoPostgres)
    }

    /// A program of this installation, or the one on the PATH where the folder lacks it.
    pub fn program(&self, name: &str) -> PathBuf {
        let here = self.0.join(name);
        if here.is_file() { here } else { PathBuf::from(name) }
    }
}

/// The `bin` folders under `folder` whose names start with `prefix`, the highest version first.
fn newest_first(folder: &str, prefix: &str) -> Vec<PathBuf> {
    let version = |path: &Path| -> u32 {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.rsplit('@').next().and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix)))
        .collect();
    found.sort_by_key(|path| std::cmp::Reverse(version(path)));
    found.into_iter().map(|path| path.join("bin")).collect()
}

/// The user and group to run the server as.
#[derive(Debug, Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// An account that is not root's.
    fn unprivileged() -> Result<Account, Failure> {
        let number = |user: &str, flag: &str| -> Option<u32> {
            let output = Command::new("id").args([flag, user]).stderr(Stdio::null()).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|user| Some(Account { uid: number(user, "-u")?, gid: number(user, "-g")? }))
            .ok_or(Failure::NoUser)
    }
}

/// A running throwaway cluster. Dropping it stops the server and removes its folder, and waits for both.
#[derive(Debug)]
pub struct Throwaway {
    binaries: Binaries,
    folder: PathBuf,
    port: u16,
    supervisor: Child,
    /// The supervisor works until this closes.
    lifeline: Option<ChildStdin>,
}

impl Throwaway {
    /// Starts a cluster with these settings (`name`, `value`) beside the ones that make it quick.
    /// Local connections are trusted; the superuser is [`SUPERUSER`].
    pub fn start(settings: &[(&str, &str)]) -> Result<Throwaway, Failure> {
        let binaries = Binaries::find()?;
        let mut attempt = 1;
        loop {
            match Throwaway::start_once(&binaries, settings) {
                Err(Failure::NotStarted(why)) if why.contains("Address already in use") && attempt < PORT_TRIES => {
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn start_once(binaries: &Binaries, settings: &[(&str, &str)]) -> Result<Throwaway, Failure> {
        let port = free_port()?;
        let (folder, account) = new_folder(port)?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SUPERVISOR, "wherefore-throwaway"]).arg(&folder).arg(&binaries.0);
        command.args(["-p", &port.to_string()]);
        let quick = [
            ("listen_addresses", "127.0.0.1"),
            ("unix_socket_directories", ""),
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
            ("max_connections", "100"),
        ];
        for (name, value) in quick.iter().chain(settings) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        if let Some(account) = account {
            command.uid(account.uid).gid(account.gid);
        }
        // A group of its own: Ctrl-C in the terminal is for us; the server goes when we do.
        command.current_dir(&folder).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let started = doing("starting /bin/sh", command.spawn());
        let mut supervisor = started.inspect_err(|_| drop(fs::remove_dir_all(&folder)))?;
        let lifeline = supervisor.stdin.take();
        let mut cluster = Throwaway { binaries: binaries.clone(), folder, port, supervisor, lifeline };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// Waits until the server lets a client in.
    fn wait_until_ready(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + START_LIMIT;
        while !lets_in(self.port) {
            if let Some(status) = doing("waiting for the server", self.supervisor.try_wait())? {
                return Err(Failure::NotStarted(self.last_words(status)));
            }
            if Instant::now() > deadline {
                return Err(Failure::NotStarted(format!("no answer within {} seconds", START_LIMIT.as_secs())));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// What the supervisor wrote before it ended.
    fn last_words(&mut self, status: ExitStatus) -> String {
        let mut words = String::new();
        if let Some(stderr) = self.supervisor.stderr.as_mut() {
            let _ = stderr.read_to_string(&mut words);
        }
        if words.trim().is_empty() { status.to_string() } else { words.trim().to_owned() }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The cluster's folder. Removed with the cluster.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.supervisor.wait();
    }
}

/// A loopback port that was free a moment ago.
pub fn free_port() -> Result<u16, Failure> {
    let listener = doing("looking for a free port", TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    Ok(doing("looking for a free port", listener.local_addr())?.port())
}

/// A new folder that only the server's account can read, and that account where it is not ours.
fn new_folder(port: u16) -> Result<(PathBuf, Option<Account>), Failure> {
    let name = format!("wherefore-{}-{port}", std::process::id());
    let mut folder = std::env::temp_dir().join(&name);
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700);
    doing(format!("creating {}", folder.display()), builder.create(&folder))?;
    let is_root = doing("looking at our folder", fs::metadata(&folder))?.uid() == 0;
    if !is_root {
        return Ok((folder, None));
    }
    let account = Account::unprivileged().inspect_err(|_| drop(fs::remove_dir(&folder)))?;
    // Root's own temporary folder may be closed to others.
    if std::env::temp_dir() != Path::new("/tmp") {
        let _ = fs::remove_dir(&folder);
        folder = Path::new("/tmp").join(&name);
        doing(format!("creating {}", folder.display()), builder.create(&folder))?;
    }
    doing("giving away the folder", chown(&folder, Some(account.uid), Some(account.gid)))
        .inspect_err(|_| drop(fs::remove_dir(&folder)))?;
    Ok((folder, Some(account)))
}

/// Whether the server answers a start-up packet with a request for authentication rather than an error.
fn lets_in(port: u16) -> bool {
    let ask = || -> std::io::Result<u8> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let parameters = format!("user\0{SUPERUSER}\0database\0postgres\0\0");
        let mut packet = (parameters.len() as u32 + 8).to_be_bytes().to_vec();
        packet.extend(196_608u32.to_be_bytes()); // protocol 3.0
        packet.extend(parameters.as_bytes());
        stream.write_all(&packet)?;
        let mut tag = [0];
        stream.read_exact(&mut tag)?;
        Ok(tag[0])
    };
    ask().is_ok_and(|tag| tag == b'R')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_comes_up_and_leaves_nothing_behind() {
        let cluster = Throwaway::start(&[("log_statement", "all")]).expect("a throwaway cluster");
        let (folder, port) = (cluster.folder().to_owned(), cluster.port());
        assert!(lets_in(port), "the server lets a client in");
        assert!(cluster.binaries().program("psql").exists() || cfg!(not(target_os = "linux")));
        drop(cluster);
        assert!(!folder.exists(), "the folder is removed");
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err(), "the server is stopped");
    }

    #[test]
    fn a_server_that_can_not_start_says_why() {
        let failure = Throwaway::start(&[("no_such_setting", "1")]).expect_err("no such setting");
        let text = failure.to_string();
        assert!(text.contains("no_such_setting"), "{text}");
    }
}
