//! Other sinks than files.

use super::{CLUSTER, DATABASE, Proxy, cli, path, said};
use crate::common::raw::query;
use std::io::Read;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A syslog server on a unix socket.
pub struct Syslog {
    lines: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Syslog {
    pub fn at(path: &Path) -> Syslog {
        let socket = UnixDatagram::bind(path).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a time limit");
        let (lines, stop) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicBool>::default());
        let (all, ends) = (Arc::clone(&lines), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while !ends.load(Ordering::Acquire) {
                if let Ok(length) = socket.recv(&mut buffer) {
                    all.lock().expect("lines").push(String::from_utf8_lossy(&buffer[..length]).into_owned());
                }
            }
        });
        Syslog { lines, stop, thread }
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("lines").clone()
    }

    pub fn close(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.join().expect("the thread");
    }
}

#[test]
fn every_sink_has_every_line() {
    let schema = String::from_utf8(cli(&["schema"]).stdout).expect("SQL");
    CLUSTER.sql(DATABASE, &schema);
    let folder = tempfile::tempdir().expect("a folder");
    let syslog = Syslog::at(&folder.path().join("log"));
    let audit = format!(
        "[audit.file]\npath = \"audit.jsonl\"\nsync = \"none\"\n[audit.stdout]\n[audit.syslog]\nto = \"unix:DIR/log\"\n\
         [audit.table]\ndatabase = \"{DATABASE}\"\n"
    );
    let mut proxy = Proxy::start_in(folder, &audit, None);
    let mut stdout = proxy.child.stdout.take().expect("a pipe");
    proxy.raw("ml_engineer").exchange(&[query("SELECT body FROM messages"), query("SELECT 1")]);
    let folder = proxy.stop();
    let file = std::fs::read_to_string(folder.path().join("audit.jsonl")).expect("the trail");
    let mut printed = String::new();
    stdout.read_to_string(&mut printed).expect("its output");
    assert_eq!(file, printed);
    super::eventually("syslog has them all", || syslog.lines().len() >= file.lines().count());
    for (sent, line) in syslog.lines().iter().zip(file.lines()) {
        let (head, said) = sent.split_once(" audit - ").expect("a head");
        assert!(head.starts_with("<134>1 2") && head.contains("Z - wherefore "), "{head}");
        assert_eq!(said, line);
    }
    syslog.close();
    let mut psql = Command::new(CLUSTER.program("psql"));
    psql.args(["-X", "-A", "-t", "-c", "SELECT line FROM wherefore.audit ORDER BY seq"]);
    let at = crate::common::At { port: CLUSTER.port(), database: DATABASE, user: "keeper", purpose: None };
    let stored = String::from_utf8(at.run(&mut psql).stdout).expect("lines");
    assert_eq!(stored, file);
    // What the table has is as good as the file.
    std::fs::write(folder.path().join("stored.jsonl"), stored).expect("a file");
    let (code, all) = said(&["verify", "--stopped", &path(&folder, "stored.jsonl")]);
    assert_eq!(code, Some(0), "{all}");
}

/// What a statement is exposed to may be longer than a datagram: the line is cut, and says so.
#[test]
fn a_long_line_does_not_stop_the_trail() {
    let folder = tempfile::tempdir().expect("a folder");
    let syslog = Syslog::at(&folder.path().join("log"));
    let proxy = Proxy::start_in(folder, "[audit.syslog]\nto = \"unix:DIR/log\"\n", None);
    let references: Vec<String> = (0..200).map(|at| format!("messages m{at}")).collect();
    let long = format!("SELECT * FROM {}", references.join(", "));
    let mut training = proxy.raw("ml_engineer");
    training.exchange(&[query(&long), query("SELECT 1")]);
    let frames = proxy.raw("app_service").exchange(&[query("SELECT id FROM messages")]);
    assert!(frames.iter().any(|frame| frame.tag == b'D'), "{frames:?}");
    super::eventually("those behind it are there", || {
        syslog.lines().iter().any(|line| line.contains("SELECT id FROM messages"))
    });
    let lines = syslog.lines();
    let cut = lines.iter().find(|line| line.contains("\"relations_cut\":true")).expect("the line that was cut");
    assert!(cut.len() < 61_000, "{}", cut.len());
    drop(proxy.stop());
    syslog.close();
}
