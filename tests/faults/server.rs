//! The server falls over, is full, loses a session or is not there at all; or the client is gone.

use crate::process::Process;
use crate::raw::{message, query};
use crate::relay_support::{Proxy, kill};
use crate::scripts::run;
use crate::talk::{End, Heard, Step, Talk, startup, whole};
use crate::{
    Cluster, HBA, LOGIN_TIME, OWNER, POLICY, SERVICE, SETUP, TRAINING, cancel, major, wait_at, wait_for, world,
};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const READ: &str = "SELECT id FROM people LIMIT 1";

fn own(settings: &[&str]) -> (Cluster, Proxy) {
    let cluster = Cluster::with_settings(HBA, SETUP, settings);
    let proxy = Proxy::start(
        &cluster,
        POLICY,
        &format!("[limits]\n{LOGIN_TIME}vanished_time = 1\n[catalog]\nrefresh_interval = 1\n"),
    );
    assert_eq!(Talk::session(proxy.address.port(), SERVICE).ask(READ), "T D C ZI");
    (cluster, proxy)
}

/// Tries until a session is let in and answers.
fn comes_back(port: u16, parameters: &[(&str, &str)]) {
    let mut heard = String::new();
    for _ in 0..400 {
        let talk = Talk::whole(port, parameters, &[whole(&[query(READ)])]);
        heard = talk.words();
        if heard.ends_with("T D C ZI") {
            return;
        }
        // Let in before the catalog could be read again.
        assert!(talk.end == End::Closed || heard.ends_with("E57P03 ZI"), "{heard}");
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no session: {heard}");
}

#[test]
fn a_restart_ends_sessions_and_the_next_ones_land() {
    let (mut cluster, proxy) = own(&[]);
    let port = proxy.address.port();
    for (signal, expected) in
        [("INT", "E57P01 end"), ("QUIT", if major() >= 14 { "N57P01 E08006 end" } else { "N57P02 E08006 end" })]
    {
        let mut idle = Talk::session(port, SERVICE);
        let mut judged = Talk::session(port, TRAINING);
        let mut busy = Talk::session(port, OWNER);
        assert_eq!(judged.ask("SELECT id FROM people LIMIT 1"), "T D C ZI");
        busy.send(&query("SELECT pg_sleep(60)"));
        wait_at(&cluster, "query LIKE '%pg_sleep(60)%'", 1);
        cluster.signal(signal);
        for (name, talk) in [("idle", &mut idle), ("judged", &mut judged)] {
            let heard = talk.rest();
            // A server that stops at once may be gone before it has said so.
            assert!(
                heard.words() == expected || (signal == "QUIT" && heard.words() == "E08006 end"),
                "{signal} {name}: {}",
                heard.words()
            );
        }
        let heard = busy.rest();
        let last = heard.frames.last().and_then(|frame| frame.field(b'C')).unwrap_or_default();
        assert!(heard.end == End::Closed && matches!(&*last, "57P01" | "08006"), "{signal}: {}", heard.words());
        // Nobody is there, or somebody who is shutting down.
        let away = Talk::whole(port, SERVICE, &[]);
        assert!(matches!(&*away.words(), "E08006 end" | "E57P03 end"), "{}", away.words());
        cluster.start_again();
        comes_back(port, SERVICE);
        comes_back(port, OWNER);
    }
}

#[test]
fn a_session_whose_process_is_killed_is_told_and_so_are_the_others() {
    let (cluster, proxy) = own(&["restart_after_crash=on"]);
    let port = proxy.address.port();
    for in_copy in [false, true] {
        let mut other = Talk::session(port, SERVICE);
        let mut victim = Talk::session(port, OWNER);
        let process = victim.value("SELECT pg_backend_pid()");
        if in_copy {
            victim.play(&[Step::until(b'G', query("COPY items FROM STDIN"))]);
            victim.send(&message(b'd', b"1001\tx\n"));
        } else {
            victim.send(&query("SELECT pg_sleep(60)"));
            wait_at(&cluster, "query LIKE '%pg_sleep(60)%'", 1);
        }
        kill("KILL", &process);
        assert_eq!(victim.rest().words(), "E08006 end", "in COPY: {in_copy}");
        // Shared memory may be spoilt: the server ends everyone.
        let heard = other.rest().words();
        assert!(matches!(&*heard, "N57P02 E08006 end" | "E08006 end"), "{heard}");
        comes_back(port, SERVICE);
        assert_eq!(Talk::session(port, OWNER).value("SELECT count(*) FROM items"), "100");
    }
}

#[test]
fn a_full_server_says_so_itself() {
    let cluster = Cluster::with_settings(HBA, SETUP, &["max_connections=8", "superuser_reserved_connections=3"]);
    let proxy = Proxy::start(&cluster, POLICY, "");
    let held: Vec<Talk> = (0..5).map(|_| Talk::session(cluster.port, SERVICE)).collect();
    for parameters in [SERVICE, TRAINING] {
        let direct = Talk::whole(cluster.port, parameters, &[]);
        let proxied = Talk::whole(proxy.address.port(), parameters, &[]);
        assert_eq!(direct.words(), "R E53300 end");
        direct.assert_same(&proxied, "full");
    }
    drop(held);
    comes_back(proxy.address.port(), SERVICE);
}

#[test]
fn the_catalog_connection_may_be_lost_at_any_time() {
    let (cluster, proxy) = own(&[]);
    let port = proxy.address.port();
    let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for parameters in [SERVICE, TRAINING] {
            let (stop, answered) = (&stop, &answered);
            scope.spawn(move || {
                let mut talk = Talk::session(port, parameters);
                while !stop.load(Ordering::Relaxed) {
                    let heard = talk.play(&[whole(&[query(READ), query("SELECT nosuch FROM things")])]);
                    let words = heard.words();
                    // The table comes and goes; while the catalog cannot be read nothing is judged by an old one.
                    let read = matches!(&words[..8.min(words.len())], "T D C ZI" | "E57P03 Z");
                    let things =
                        ["E42P01 ZI", "E42703 ZI", "E42501 ZI", "E57P03 ZI"].iter().any(|end| words.ends_with(end));
                    assert!(read && things && heard.end == End::Done, "{words}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut owner = Talk::session(port, OWNER);
        for _ in 0..25 {
            assert_eq!(owner.ask("CREATE TABLE things (id int); DROP TABLE things"), "C C ZI");
            let lost =
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wherefore catalog'";
            cluster.psql("postgres", lost).expect("lost");
            let seen = answered.load(Ordering::Relaxed);
            while answered.load(Ordering::Relaxed) < seen + 4 {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    comes_back(port, SERVICE);
}

#[test]
fn a_server_that_is_not_there() {
    // A port that was free a moment ago, and a listener that never answers.
    let nobody =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mute_port = mute.local_addr().expect("an address").port();
    for (name, port, expected) in [("nobody", nobody, "E08006 end"), ("mute", mute_port, "end")] {
        let proxy = Proxy::behind(port, POLICY, "", &format!("[limits]\n{LOGIN_TIME}"));
        let heard = Talk::whole(proxy.address.port(), SERVICE, &[]);
        let ended = heard.words();
        // One that took too long to log in may be told so.
        assert!(
            ended == expected || (name == "mute" && matches!(&*ended, "E57014 end" | "E08006 end")),
            "{name}: {ended}"
        );
        if let Some(error) = heard.frames.last() {
            assert_eq!(error.field(b'S').as_deref(), Some("FATAL"), "{name}");
            assert!(!error.field(b'M').unwrap_or_default().contains("Error"), "{name}: {error:?}");
        }
    }
}

#[test]
fn a_client_that_vanishes_ends_what_it_has_begun() {
    let (cluster, proxy) = own(&[]);
    let port = proxy.address.port();
    let sleep = "SELECT pg_sleep(600)";
    for (name, bytes) in [
        ("simple", query(sleep)),
        ("extended", [run(sleep), crate::raw::sync()].concat()),
        ("without its Sync", [run(sleep), crate::raw::flush()].concat()),
        ("in a transaction", query(&format!("BEGIN; {sleep}"))),
        ("with more behind it", [query(sleep), query("SELECT 1")].concat()),
    ] {
        let mut talk = Talk::session(port, OWNER);
        talk.send(&bytes);
        wait_at(&cluster, "query LIKE '%pg_sleep(600)%' AND state = 'active'", 1);
        drop(talk);
        wait_at(&cluster, "true", 0);
        println!("{name}: ended");
    }
    // Who says goodbye has what was sent done to its end, as has who is gone a moment after it.
    let mut talk = Talk::session(port, OWNER);
    talk.send(&[query("SELECT pg_sleep(0.3); INSERT INTO gone VALUES (1)"), message(b'X', b"")].concat());
    drop(talk);
    let mut talk = Talk::session(port, OWNER);
    talk.send(&query("SELECT pg_sleep(0.3); INSERT INTO gone VALUES (2)"));
    drop(talk);
    wait_at(&cluster, "true", 0);
    assert_eq!(cluster.psql("shop", "SELECT count(*) FROM gone").expect("a number").trim(), "2");
}

/// A cancel's key and what is heard of a sleep under it.
fn sleeping(port: u16, parameters: &[(&str, &str)]) -> (Talk, Vec<u8>) {
    let mut talk = Talk::open(port);
    let greeting = talk.play(&[Step::until(b'Z', startup(0x0003_0000, parameters))]);
    let key = greeting.frames.iter().find(|frame| frame.tag == b'K').expect("a key").body.clone();
    (talk, key)
}

fn answer(talk: &mut Talk) -> Heard {
    talk.play(&[Step { bytes: Vec::new(), tag: b'Z', count: 1 }])
}

#[test]
fn a_cancel_reaches_its_own_session_only() {
    let port = world().proxy.address.port();
    let (mut one, key) = sleeping(port, OWNER);
    let (mut other, other_key) = sleeping(port, OWNER);
    assert_ne!(key, other_key);
    let (gone, gone_key) = sleeping(port, OWNER);
    drop(gone);
    for talk in [&mut one, &mut other] {
        talk.send(&query("SELECT pg_sleep(1.5), 'apart'"));
    }
    wait_for("query LIKE '%''apart''%' AND state = 'active'", 2);
    // Keys of nobody: one that has ended, one's process with another's key, one bit, nothing, too much.
    let mut bit = key.clone();
    *bit.last_mut().expect("a byte") ^= 1;
    let mixed = [&key[..4], &other_key[4..]].concat();
    for wrong in [&gone_key, &bit, &mixed, &vec![0; 8], &vec![0xff; 300], &key[..6].to_vec()] {
        cancel(port, wrong);
    }
    cancel(port, &key);
    assert_eq!(answer(&mut one).words(), "T E57014 ZI");
    assert_eq!(answer(&mut other).words(), "T D C ZI");
}

#[test]
fn a_drain_lets_transactions_end() {
    let mut proxy = Process::start(&world().cluster, "[limits]\ndrain_time = 20\n");
    let mut idle = Talk::session(proxy.port, SERVICE);
    let mut busy = Talk::session(proxy.port, SERVICE);
    assert_eq!(busy.ask("BEGIN"), "C ZT");
    proxy.signal("TERM");
    assert_eq!(idle.rest().words(), "E57P01 end");
    assert_eq!(busy.ask(READ), "T D C ZT");
    assert_eq!(busy.ask("COMMIT"), "C ZI");
    assert_eq!(busy.rest().words(), "E57P01 end");
    assert!(proxy.wait());
}
