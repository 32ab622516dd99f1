//! The audit trail of the real proxy, a process of its own in front of a real Postgres: what it says, that it is there before
//! the result, that whatever is done to it is found, and what happens when it cannot be written.

mod common;

#[path = "audit/full.rs"]
mod full;
#[path = "audit/lines.rs"]
mod lines;
#[path = "audit/sinks.rs"]
mod sinks;
#[path = "audit/tampering.rs"]
mod tampering;

use common::raw::Raw;
use common::{At, Cluster};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DATABASE: &str = "audited";
const SCHEMA: &str = include_str!("../policy/botpress/schema.sql");
/// Every value here begins with `zq`, or is a number that no line has by chance.
const ROWS: &str = "
    INSERT INTO companies (name) VALUES ('zqaster'), ('zqbirch');
    INSERT INTO bots (company_id, name) VALUES (1, 'zqhelp'), (2, 'zqorders');
    INSERT INTO end_users (company_id, display_name, email) SELECT 2, 'zqname' || i, 'zq' || i || '@mail.example'
        FROM generate_series(1, 6) AS i;
    INSERT INTO conversations (bot_id, end_user_id) SELECT i % 2 + 1, i FROM generate_series(1, 6) AS i;
    INSERT INTO messages (conversation_id, end_user_id, direction, body)
        SELECT c.id, c.end_user_id, d.direction, 'zqword ' || c.id
        FROM conversations AS c, (VALUES ('incoming'), ('outgoing')) AS d (direction);
    CREATE ROLE app_service LOGIN SUPERUSER;
    CREATE ROLE ml_engineer LOGIN SUPERUSER;
    CREATE ROLE dba LOGIN SUPERUSER;";

static CLUSTER: LazyLock<&Cluster> = LazyLock::new(|| {
    let cluster = Cluster::shared();
    cluster.database(DATABASE, &format!("{SCHEMA}{ROWS}"));
    cluster
});

/// A proxy in a process of its own, with a folder for its trail.
struct Proxy {
    child: Child,
    port: u16,
    folder: TempDir,
    errors: PathBuf,
}

impl Proxy {
    /// The trail goes to `audit.jsonl`, signed.
    fn with_file(more: &str) -> Proxy {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(cli(&["keygen", &path(&folder, "key.pem")]).status.success());
        Proxy::start_in(
            folder,
            &format!("[audit]\nkey = \"key.pem\"\n{more}\n[audit.file]\npath = \"audit.jsonl\"\n"),
            None,
        )
    }

    /// In this folder, where files may not grow longer than so many KiB. `audit` stands in the config behind `upstream`; `DIR`
    /// in it is the folder.
    fn start_in(folder: TempDir, audit: &str, longest: Option<u32>) -> Proxy {
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("policy/botpress");
        let config = wherefore::cli::serve::config_text(0, CLUSTER.port(), &policy);
        let audit = audit.replace("DIR", &folder.path().to_string_lossy());
        std::fs::write(folder.path().join("wherefore.toml"), format!("{config}{audit}")).expect("the config");
        Proxy::again(folder, longest)
    }

    fn again(folder: TempDir, longest: Option<u32>) -> Proxy {
        let errors = folder.path().join("errors");
        let binary = env!("CARGO_BIN_EXE_wherefore");
        let mut command = match longest {
            // The signal that says that a file is too long is ignored, so that writing fails instead. Blocks of 512 bytes.
            Some(kilobytes) => {
                let mut shell = Command::new("sh");
                let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", 2 * kilobytes);
                shell.args(["-c", &script, "sh", binary]);
                shell
            }
            None => Command::new(binary),
        };
        command.args(["serve", "--config"]).arg(folder.path().join("wherefore.toml"));
        // Its log goes by a pipe, which has no such bound.
        let mut child =
            command.env_remove("RUST_LOG").stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the proxy");
        let mut reader = BufReader::new(child.stderr.take().expect("a pipe"));
        let (mut port, mut line) = (0, String::new());
        let mut seen = String::new();
        while port == 0 {
            line.clear();
            assert!(reader.read_line(&mut line).expect("its log") > 0, "it ended: {seen}");
            seen += &line;
            if let Some(rest) = line.split("127.0.0.1:").nth(1).filter(|_| line.contains("listening")) {
                port = rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a port");
            }
        }
        let file = errors.clone();
        std::thread::spawn(move || {
            let mut all = seen;
            for line in reader.lines().map_while(Result::ok) {
                all += &line;
                all += "\n";
                let _ = std::fs::write(&file, &all);
            }
        });
        Proxy { child, port, folder, errors }
    }

    fn at<'a>(&self, user: &'a str) -> At<'a> {
        At { port: self.port, database: DATABASE, user, purpose: None }
    }

    fn raw(&self, user: &str) -> Raw {
        self.at(user).raw()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    /// Ends it as a supervisor does, and gives its folder back.
    fn stop(mut self) -> TempDir {
        self.signal("TERM");
        let _ = self.child.wait();
        std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"))
    }

    /// Ends it at once.
    fn kill(mut self) -> TempDir {
        let _ = self.child.kill();
        let _ = self.child.wait();
        std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"))
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill").success());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_string_lossy().into_owned()
}

/// `wherefore audit …`
fn cli(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wherefore")).arg("audit").args(args).output().expect("wherefore audit")
}

/// What it prints, with its exit code.
fn said(args: &[&str]) -> (Option<i32>, String) {
    let output = cli(args);
    let all = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&all).into_owned())
}

/// The records of a file.
fn records(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("the trail");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn of_kind<'r>(records: &'r [Value], kind: &'r str) -> impl Iterator<Item = &'r Value> {
    records.iter().filter(move |record| record["unmapped"]["kind"] == kind)
}

/// Waits until something is so.
fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(15);
    while !is() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
