//! One proxy in place of another, while clients come: none is turned away by it.

use super::reload::{Process, one};
use super::{block_on, python};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio_postgres::NoTls;

/// Puts its first streams, as many as it is told, where a supervisor puts sockets, and becomes the proxy.
const SUPERVISOR: &str = "
import os, sys
count, program = int(sys.argv[1]), sys.argv[2:]
for at in range(count):
    os.dup2(at, 3 + at, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count))
os.execv(program[0], program)
";

/// Clients that come one after the other, each with a question, until they are told to stop.
struct Comers {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicU64>,
    task: std::thread::JoinHandle<Vec<String>>,
}

impl Comers {
    fn at(port: u16) -> Comers {
        let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&served));
        let task = std::thread::spawn(move || {
            let text = format!("host=127.0.0.1 port={port} user=app password=secret dbname=shop");
            let mut faults = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let outcome = block_on(async {
                    let (client, connection) = tokio_postgres::connect(&text, NoTls).await?;
                    let connection = tokio::spawn(connection);
                    let answer = client.simple_query("SELECT id FROM people WHERE id = 1").await;
                    drop(client);
                    let _ = connection.await;
                    Ok::<_, tokio_postgres::Error>(answer.is_ok())
                });
                match outcome {
                    // Who is between transactions when the proxy goes is told so, which is not to be turned away.
                    Ok(served) => drop(count.fetch_add(u64::from(served), Ordering::Relaxed)),
                    Err(error) if error.code().is_some_and(|code| code.code() == "57P01") => {}
                    Err(error) => faults.push(format!("{error:?}")),
                }
            }
            faults
        });
        Comers { stop, served, task }
    }

    /// Waits until so many more have been served.
    fn go_on(&self, more: u64) {
        let until = self.served.load(Ordering::Relaxed) + more;
        for _ in 0..2_000 {
            if self.served.load(Ordering::Relaxed) >= until {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("only {} of {until} were served", self.served.load(Ordering::Relaxed));
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        assert_eq!(self.task.join().expect("no panic"), Vec::<String>::new());
    }
}

/// A port that is free, most likely also in a moment.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

fn proxy() -> Command {
    Command::new(env!("CARGO_BIN_EXE_wherefore"))
}

#[test]
fn the_next_proxy_listens_before_the_last_one_goes() {
    let listen = format!("listen = \"127.0.0.1:{}\"\nreuse_port = true", free_port());
    let mut first = Process::start_by(proxy(), &listen, "");
    let comers = Comers::at(first.port);
    for _ in 0..3 {
        comers.go_on(10);
        let next = Process::start_by(proxy(), &listen, "");
        comers.go_on(10);
        first.terminate();
        first.ended();
        first = next;
    }
    comers.go_on(10);
    comers.end();
}

#[test]
fn an_address_is_shared_only_where_the_config_says_so() {
    let listen = format!("listen = \"127.0.0.1:{}\"", free_port());
    let first = Process::start_by(proxy(), &format!("{listen}\nreuse_port = true"), "");
    let outcome = std::panic::catch_unwind(|| Process::start_by(proxy(), &listen, "").port);
    assert!(outcome.is_err(), "a second proxy listens at {}", first.port);
}

#[test]
fn who_has_arrived_when_the_proxy_is_to_stop_is_heard() {
    let mut process = Process::start_by(proxy(), "listen = \"127.0.0.1:0\"", "");
    process.signal("STOP");
    let mut packet = [&0_u32.to_be_bytes()[..], &196_608_u32.to_be_bytes(), b"user\0app\0database\0shop\0\0"].concat();
    let length = u32::try_from(packet.len()).expect("a short packet");
    packet[..4].copy_from_slice(&length.to_be_bytes());
    let mut arrived: Vec<TcpStream> = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(("127.0.0.1", process.port)).expect("the kernel takes it");
        stream.write_all(&packet).expect("the kernel takes it");
        arrived.push(stream);
    }
    process.terminate();
    process.signal("CONT");
    for (number, stream) in arrived.iter_mut().enumerate() {
        let mut first = [0];
        assert!(matches!(stream.read(&mut first), Ok(1)), "connection {number} was turned away");
    }
    drop(arrived);
    process.ended();
}

/// What becomes a proxy that gets these sockets handed over.
fn handed(first: impl Into<OwnedFd>, second: impl Into<OwnedFd>) -> Command {
    let mut command = Command::new(python());
    command.args(["-c", SUPERVISOR, "2", env!("CARGO_BIN_EXE_wherefore")]);
    command.stdin(first.into()).stdout(second.into());
    command
}

#[test]
fn sockets_that_are_handed_over_outlive_the_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join(format!(".s.PGSQL.{port}"));
    let unix = UnixListener::bind(&at).expect("a socket");
    // An address that would fail, and a folder that is not there: neither is used.
    let listen = "listen = \"192.0.2.1:1\"\nlisten_unix = \"/nonexistent\"";
    let begin = || {
        let again = (listener.try_clone().expect("a socket"), unix.try_clone().expect("a socket"));
        Process::start_by(handed(again.0, again.1), listen, "")
    };
    let mut first = begin();
    assert_eq!(first.port, port);
    let comers = Comers::at(port);
    comers.go_on(10);
    let by_unix = format!("host={} port={port} user=app password=secret dbname=shop", folder.path().display());
    assert_eq!(block_on(answer(&by_unix)), "1");
    // The socket stays: whoever comes in between waits for the next one.
    first.terminate();
    first.ended();
    let next = begin();
    comers.go_on(10);
    assert_eq!(block_on(answer(&by_unix)), "1");
    comers.end();
    drop(next);
}

async fn answer(text: &str) -> String {
    let (client, connection) = tokio_postgres::connect(text, NoTls).await.expect("a session");
    tokio::spawn(connection);
    one(&client, "SELECT id FROM people WHERE id = 1").await
}

#[test]
fn what_is_no_listener_is_not_taken_for_one() {
    let tcp = || TcpListener::bind("127.0.0.1:0").expect("a port");
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("wherefore.toml");
    std::fs::write(&config, "[upstream]\nhost = \"127.0.0.1\"\ncatalog_user = \"postgres\"\n").expect("a file");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let file = std::fs::File::open(&config).expect("a file");
    for mut command in [handed(udp, tcp()), handed(tcp(), tcp()), handed(tcp(), file)] {
        let output =
            command.args(["serve", "--config"]).arg(&config).stderr(Stdio::piped()).output().expect("the proxy");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("handed over"), "{said}");
    }
}
