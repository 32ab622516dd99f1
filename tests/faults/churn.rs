//! Sessions that are opened and dropped at every stage leave nothing behind: no memory, no sockets, no sessions of the server.

use crate::process::Process;
use crate::raw::{message, query};
use crate::relay_support::Proxy;
use crate::soak::soak;
use crate::talk::{Step, Talk, startup, whole};
use crate::{Cluster, HBA, LOGIN_TIME, OWNER, POLICY, SERVICE, SETUP, TRAINING, wait_at, world};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const SSL: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const SECRETIVE: &[(&str, &str)] = &[("user", "secretive"), ("database", "shop")];

/// Where a client drops its connection.
#[allow(clippy::type_complexity, reason = "a table")]
const STAGES: [(&str, fn(u16)); 10] = [
    ("connected", |port| drop(Talk::open(port))),
    ("asked for encryption", |port| {
        let mut talk = Talk::open(port);
        talk.send(SSL);
        talk.byte();
    }),
    ("half a start-up", |port| {
        Talk::open(port).send(&startup(0x0003_0000, OWNER)[..20]);
    }),
    ("a start-up", |port| {
        Talk::open(port).send(&startup(0x0003_0000, OWNER));
    }),
    ("asked for a password", |port| {
        let mut talk = Talk::open(port);
        talk.play(&[Step::until(b'R', startup(0x0003_0000, SECRETIVE))]);
        talk.send(&message(b'p', b"SCRAM-SHA-256\0\0\0\0\x15n,,n=,r=abcdefghijklm"));
    }),
    ("ready", |port| drop(Talk::session(port, SERVICE))),
    ("a query that is not read", |port| {
        Talk::session(port, OWNER).send(&query("SELECT repeat('x', 1000) FROM generate_series(1, 10000)"));
    }),
    ("a query that says nothing", |port| {
        Talk::session(port, OWNER).send(&query("SELECT pg_sleep(600)"));
    }),
    ("COPY in", |port| {
        let mut talk = Talk::session(port, OWNER);
        talk.play(&[Step::until(b'G', query("COPY items FROM STDIN"))]);
        talk.send(&message(b'd', b"1000\tne")[..9]);
    }),
    ("goodbye", |port| {
        let mut talk = Talk::session(port, TRAINING);
        talk.play(&[whole(&[query("SELECT id FROM people"), query("SELECT note FROM people")])]);
        talk.send(&message(b'X', b""));
    }),
];

/// Opens and drops so many connections, as many of each stage, eight at a time.
fn churn(port: u16, count: usize) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    STAGES[number % STAGES.len()].1(port);
                }
            });
        }
    });
}

/// Waits for what a proxy still does for clients that are gone.
fn settled(proxy: &Process, files: usize) -> usize {
    for _ in 0..400 {
        if proxy.files() <= files {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    proxy.files()
}

#[test]
fn dropped_sessions_leave_nothing_behind() {
    let cluster = Cluster::with_settings(HBA, SETUP, &["max_connections=300"]);
    let proxy = Process::start(&cluster, &format!("[limits]\n{LOGIN_TIME}vanished_time = 1\n"));
    Talk::session(proxy.port, SERVICE);
    wait_at(&cluster, "true", 0);
    let files = proxy.files();
    churn(proxy.port, 1000);
    wait_at(&cluster, "true", 0);
    assert_eq!(settled(&proxy, files), files, "sockets");
    let before = proxy.megabytes();
    let (start, mut rounds) = (Instant::now(), 0);
    while rounds == 0 || soak().is_some_and(|time| start.elapsed() < time) {
        churn(proxy.port, 1000);
        rounds += 1;
    }
    wait_at(&cluster, "true", 0);
    assert_eq!(settled(&proxy, files), files, "sockets");
    let after = proxy.megabytes();
    println!(
        "{} sessions: {files} files, {before} MB after the first thousand, {after} MB at the end",
        1000 * (rounds + 1)
    );
    assert!(after <= before + 16, "memory: {before} MB, then {after} MB");
    assert_eq!(Talk::session(proxy.port, SERVICE).ask("SELECT id FROM people LIMIT 1"), "T D C ZI");
}

#[test]
fn dropped_sessions_leave_no_task() {
    let proxy = Proxy::start(&world().cluster, POLICY, &format!("[limits]\n{LOGIN_TIME}vanished_time = 1\n"));
    let tasks = || proxy.runtime.metrics().num_alive_tasks();
    Talk::session(proxy.address.port(), SERVICE);
    let settle = |most: usize| {
        for _ in 0..400 {
            if tasks() <= most {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        tasks()
    };
    // The proxy itself, its reader of catalogs, and the connection that it reads by.
    let before = settle(3);
    churn(proxy.address.port(), 100);
    assert_eq!(settle(before), before);
}

/// What a client may send before anybody knows who it is does not pile up.
#[test]
fn what_is_sent_before_login_is_bounded() {
    let proxy = Process::start(&world().cluster, &format!("[limits]\n{LOGIN_TIME}"));
    drop(Talk::session(proxy.port, SERVICE));
    let before = proxy.megabytes();
    let piece = vec![b'x'; 1 << 20];
    std::thread::scope(|scope| {
        for start in [
            // A start-up that says it is as long as may be, an answer that is too long, and neither.
            [&0x7fff_ffffu32.to_be_bytes()[..], b"\0\x03\0\0user\0"].concat(),
            [&startup(0x0003_0000, SECRETIVE)[..], b"p\x3f\xff\xff\xff"].concat(),
            b"\x16\x03\x01\xff\xff".to_vec(),
            [&9_999u32.to_be_bytes()[..], b"\0\x03\0\0user\0"].concat(),
        ] {
            let (piece, port) = (&piece, proxy.port);
            scope.spawn(move || {
                for _ in 0..8 {
                    let mut talk = Talk::open(port);
                    talk.send(&start);
                    // Up to 64 MB each, as far as they are taken.
                    let _ = (0..64).all(|_| talk.send(piece));
                }
            });
        }
    });
    let after = proxy.megabytes();
    assert!(after < before + 16, "{before} MB, then {after} MB");
}
