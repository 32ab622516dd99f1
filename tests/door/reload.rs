//! HUP: everything is read again and put in force at once, or nothing is.

use super::relay_support::kill;
use super::{Authority, POLICY, block_on, path, program, world};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// Any free port.
const LISTEN: &str = "listen = \"127.0.0.1:0\"";

/// A proxy in a process of its own, whose files can be changed under it.
pub(super) struct Process {
    child: Child,
    lines: Receiver<String>,
    pub(super) port: u16,
    files: TempDir,
}

impl Process {
    pub(super) fn start(config: &str) -> Process {
        Process::start_in(config, &[])
    }

    /// The same, with these variables in its environment.
    fn start_in(config: &str, environment: &[(&str, &str)]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wherefore"));
        command.envs(environment.iter().copied());
        Process::start_by(command, LISTEN, config)
    }

    /// The same by a command that becomes the proxy, with these keys of where it listens.
    pub(super) fn start_by(command: Command, listen: &str, config: &str) -> Process {
        let mut process = Process::prepare();
        process.write("wherefore.toml", &process.config(config).replace(LISTEN, listen));
        process.run(command);
        process.port = port_in(&process.line(&["listening"]));
        process
    }

    /// Its files but for the config, and no process yet.
    fn prepare() -> Process {
        let files = tempfile::tempdir().expect("a folder");
        for (pack, text) in [("policy", POLICY), ("other", POLICY)] {
            std::fs::create_dir(files.path().join(pack)).expect("a folder");
            std::fs::write(files.path().join(pack).join("pack.toml"), text).expect("a file");
        }
        let child = Command::new("true").spawn().expect("a child");
        Process { child, lines: channel().1, port: 0, files }
    }

    /// Starts it.
    fn run(&mut self, mut command: Command) {
        let _ = self.child.wait();
        command.args(["serve", "--config"]).arg(self.files.path().join("wherefore.toml"));
        self.child = command.env_remove("RUST_LOG").stderr(Stdio::piped()).spawn().expect("the proxy");
        let (tell, lines) = channel();
        let stderr = BufReader::new(self.child.stderr.take().expect("a pipe"));
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        self.lines = lines;
    }

    /// One in front of the server at a port, and its admin port.
    pub(super) fn start_with_admin(config: &str, server: u16) -> (Process, u16) {
        let mut process = Process::prepare();
        let text =
            process.config(config).replace(&format!("port = {}", world().cluster.port), &format!("port = {server}"));
        process.write("wherefore.toml", &text);
        process.run(Command::new(env!("CARGO_BIN_EXE_wherefore")));
        let admin = port_in(&process.line(&["the admin port is open"]));
        process.port = port_in(&process.line(&["listening"]));
        (process, admin)
    }

    fn config(&self, more: &str) -> String {
        format!(
            "{LISTEN}\npolicy = \"policy\"\n[upstream]\nhost = \"127.0.0.1\"\nport = {}\n\
             catalog_user = \"postgres\"\ncatalog_password = \"secret\"\n{more}",
            world().cluster.port
        )
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.files.path().join(file), text).expect("a file");
    }

    /// The next line of the log that has one of these words.
    fn line(&self, words: &[&str]) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("no {words:?}"));
            if words.iter().any(|word| line.contains(word)) {
                return line;
            }
        }
    }

    /// Sends HUP, and says what came of it.
    pub(super) fn reload(&self) -> String {
        self.signal("HUP");
        self.line(&["reloaded"])
    }

    pub(super) fn signal(&self, signal: &str) {
        kill(signal, &self.child.id().to_string());
    }

    pub(super) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Waits until it has ended.
    pub(super) fn ended(&mut self) {
        assert!(self.child.wait().expect("a child").success());
    }

    pub(super) async fn connect(&self, user: &str, database: &str) -> Client {
        let text = format!("host=127.0.0.1 port={} user={user} dbname={database} password=secret", self.port);
        let (client, connection) = tokio_postgres::connect(&text, NoTls).await.expect("a session");
        tokio::spawn(connection);
        client
    }
}

/// The port of the address on the loopback in a line of the log.
fn port_in(line: &str) -> u16 {
    let port = line.split("127.0.0.1:").nth(1).expect("an address");
    port.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a port")
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first value of an answer, or the SQLSTATE.
pub(super) async fn one(client: &Client, sql: &str) -> String {
    match client.simple_query(sql).await {
        Ok(rows) => {
            let value = |row: &SimpleQueryMessage| match row {
                SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("null").to_owned()),
                _no_row => None,
            };
            rows.iter().find_map(value).unwrap_or_default()
        }
        Err(error) => error.code().map_or_else(|| "lost".to_owned(), |code| code.code().to_owned()),
    }
}

const NOTE: &str = "SELECT note FROM people WHERE id = 1";
const MAIL: &str = "SELECT email FROM people WHERE id = 1";

/// The policy with notes closed to the service.
fn tighter() -> String {
    POLICY.replace("category = [\"contact\", \"note\", \"public\"]", "category = [\"contact\", \"public\"]")
}

#[test]
fn a_tighter_policy_holds_from_the_next_statement_on() {
    let process = Process::start("");
    block_on(async {
        let open = process.connect("bare", "shop").await;
        let inside = process.connect("bare", "shop").await;
        let prepared = open.prepare("SELECT note FROM people WHERE id = $1").await.expect("a statement");
        for client in [&open, &inside] {
            assert_eq!((one(client, NOTE).await, one(client, MAIL).await), ("note".to_owned(), "mail".to_owned()));
        }
        one(&inside, "BEGIN").await;
        assert_eq!(one(&inside, NOTE).await, "note");
        process.write("policy/pack.toml", &tighter());
        assert!(!process.reload().contains("not reloaded"));
        assert_eq!((one(&open, NOTE).await, one(&open, MAIL).await), ("42501".to_owned(), "mail".to_owned()));
        let refused = open.query(&prepared, &[&1]).await.expect_err("refused");
        assert_eq!(refused.code().map(|code| code.code()), Some("42501"), "{refused}");
        assert_eq!(one(&inside, NOTE).await, "42501");
        one(&inside, "ROLLBACK").await;
        assert_eq!(one(&inside, MAIL).await, "mail");
        let new = process.connect("bare", "shop").await;
        assert_eq!(one(&new, NOTE).await, "42501");
        // And back.
        process.write("policy/pack.toml", POLICY);
        process.reload();
        assert_eq!(one(&open, NOTE).await, "note");
    });
}

#[test]
fn what_is_broken_changes_nothing_and_is_named() {
    let process = Process::start("");
    let more = |more: &str| process.config(more);
    block_on(async {
        let open = process.connect("bare", "shop").await;
        assert_eq!(one(&open, NOTE).await, "note");
        let good = more("");
        for (name, config, policy, expected) in [
            ("a policy that does not parse", &*good, format!("{}\n[[rule]\n", tighter()), "pack.toml"),
            ("a policy that means nothing", &good, tighter().replace("[category.note]", ""), "note"),
            (
                "a condition that the database does not take",
                &good,
                tighter().replace("erased = \"days > 0", "erased = \"days > 'many'"),
                "does not fit",
            ),
            ("a config that does not parse", "listen = 1", tighter(), "not reloaded"),
            ("a config with an unknown key", &more("sslmoed = \"require\""), tighter(), "sslmoed"),
            (
                "a certificate that is not there",
                &more("[tls]\nmode = \"allow\"\ncertificate = \"none.crt\"\nkey = \"none.key\""),
                tighter(),
                "none.crt",
            ),
            ("another server", &good.replace("127.0.0.1\"\nport", "localhost\"\nport"), tighter(), "upstream.host"),
        ] {
            process.write("wherefore.toml", config);
            process.write("policy/pack.toml", &policy);
            let said = process.reload();
            assert!(said.contains("not reloaded"), "{name}: {said}");
            let said = if said.contains(expected) { said } else { process.line(&[expected]) };
            assert!(said.contains(expected), "{name}: {said}");
            assert_eq!(one(&open, NOTE).await, "note", "{name}");
            let new = process.connect("bare", "shop").await;
            assert_eq!(one(&new, NOTE).await, "note", "{name}");
        }
        process.write("wherefore.toml", &more("[log]\nlevel = \"debug\"").replace("127.0.0.1:0", "127.0.0.1:1"));
        process.reload();
        for key in ["listen", "log"] {
            assert!(process.line(&["needs a restart"]).contains(key), "{key}");
        }
        assert_eq!(one(&open, NOTE).await, "42501");
    });
}

#[test]
fn sessions_that_could_not_have_begun_so_end() {
    for (name, from, to) in [
        ("purposes have other numbers", "[purpose.service]", "[purpose.aaa]\n[purpose.service]"),
        ("the grant is gone", "[role.bare]\npurposes = [\"service\", \"training\"]\ndefault = \"service\"", ""),
        ("it requires TLS now", "[purpose.service]", "[purpose.service]\nrequire_tls = true"),
    ] {
        let process = Process::start("");
        block_on(async {
            let open = process.connect("bare", "shop").await;
            assert_eq!(one(&open, NOTE).await, "note", "{name}");
            assert!(POLICY.contains(from), "{name}");
            process.write("policy/pack.toml", &POLICY.replace(from, to));
            assert!(!process.reload().contains("not reloaded"), "{name}");
            assert_eq!(one(&open, MAIL).await, "57P01", "{name}");
        });
    }
    // What was never understood does not come under a restricted purpose so.
    let process = Process::start("");
    block_on(async {
        let owner = process.connect("owner", "shop").await;
        one(&owner, "SET wherefore.purpose = 'everything'").await;
        one(&owner, "CREATE TEMP TABLE copy AS SELECT note FROM people").await;
        process.write("policy/pack.toml", &POLICY.replace("unrestricted = true", ""));
        assert!(!process.reload().contains("not reloaded"));
        assert_eq!(one(&owner, "SELECT note FROM copy").await, "57P01");
    });
}

#[test]
fn a_name_that_moves_ends_its_sessions() {
    let process = Process::start("[database.shop]\npolicy = \"policy\"\n");
    block_on(async {
        let moved = process.connect("bare", "shop").await;
        let stays = process.connect("bare", "postgres").await;
        assert_eq!(one(&moved, NOTE).await, "note");
        assert_eq!(one(&stays, "SELECT 1").await, "1");
        process.write("other/pack.toml", &tighter());
        process.write("wherefore.toml", &process.config("[database.shop]\npolicy = \"other\"\n"));
        assert!(!process.reload().contains("not reloaded"));
        let code = one(&moved, NOTE).await;
        assert!(["57P01", "lost"].contains(&&*code), "{code}");
        assert_eq!(one(&stays, "SELECT 1").await, "1");
        assert_eq!(one(&process.connect("bare", "shop").await, NOTE).await, "42501");
    });
}

#[test]
fn certificates_change_and_sessions_stay() {
    let config = |authority: &Authority| {
        let folder = path(authority.folder());
        format!("[tls]\nmode = \"require\"\ncertificate = \"{folder}/server.crt\"\nkey = \"{folder}/server.key\"\n")
    };
    let process = Process::start(&config(&world().authority));
    let shown = || {
        let output = Command::new(program("psql"))
            .args(["-XAt", "-c", "SELECT 1"])
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", process.port.to_string())
            .env("PGUSER", "bare")
            .env("PGDATABASE", "shop")
            .env("PGSSLMODE", "verify-full")
            .env("PGSSLROOTCERT", world().authority.file("ca.crt"))
            .output();
        output.expect("psql").status.success()
    };
    assert!(shown());
    block_on(async {
        let text = format!("port={} user=bare dbname=shop", process.port);
        let config_of: tokio_postgres::Config = text.parse().expect("a config");
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", process.port)).await.expect("connects");
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(super::trusting(&["postgresql"])));
        let stream = connector.connect("127.0.0.1".try_into().expect("a name"), stream).await.expect("a handshake");
        let (open, connection) = config_of.connect_raw(stream, NoTls).await.expect("a session");
        tokio::spawn(connection);
        process.write("wherefore.toml", &process.config(&config(&world().stranger)));
        assert!(!process.reload().contains("not reloaded"));
        assert!(!shown(), "the new certificate is shown");
        assert_eq!(one(&open, NOTE).await, "note");
    });
}

#[test]
fn a_supervisor_is_told_what_becomes_of_the_proxy() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("notify");
    let listener = std::os::unix::net::UnixDatagram::bind(&socket).expect("a socket");
    listener.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
    let process = Process::start_in("", &[("NOTIFY_SOCKET", &*path(&socket)), ("WATCHDOG_USEC", "400000")]);
    let heard = || {
        let mut bytes = [0; 64];
        let count = listener.recv(&mut bytes).expect("a word");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    };
    let next = || std::iter::repeat_with(heard).find(|word| word != "WATCHDOG=1").expect("a word");
    assert_eq!(next(), "READY=1");
    assert_eq!([heard(), heard()], ["WATCHDOG=1", "WATCHDOG=1"]);
    process.reload();
    assert_eq!([next(), next()], ["RELOADING=1", "READY=1"]);
    process.terminate();
    assert_eq!(next(), "STOPPING=1");
}
