//! The server's leg: real servers by every sslmode, and servers that play false.

use super::{POLICY, Proxy, check, path, psql, world};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

const UNREACHED: &str = "!the database server cannot be reached";

#[test]
fn every_sslmode_towards_the_server() {
    let root = |authority: &super::Authority| format!("sslrootcert = \"{}\"", path(&authority.file("ca.crt")));
    let (known, other) = (root(&world().authority), root(&world().stranger));
    for (upstream, expected) in [
        (String::new(), "f"),
        ("sslmode = \"disable\"".to_owned(), "f"),
        ("sslmode = \"require\"".to_owned(), "t"),
        (format!("sslmode = \"require\"\n{known}"), "t"),
        (format!("sslmode = \"require\"\n{other}"), UNREACHED),
        (format!("sslmode = \"verify-ca\"\n{known}"), "t"),
        (format!("sslmode = \"verify-ca\"\n{other}"), UNREACHED),
        (format!("sslmode = \"verify-full\"\n{known}"), "t"),
        (format!("sslmode = \"verify-full\"\n{other}"), UNREACHED),
    ] {
        let proxy = Proxy::behind(world().cluster.port, POLICY, &upstream, "");
        let environment = [("PGOPTIONS", "-c wherefore.purpose=everything")];
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        check(psql(&proxy, &environment, sql), expected, &upstream);
    }
}

/// By the same authority, but for another host.
#[test]
fn the_servers_name_counts_under_verify_full_only() {
    let world = world();
    let authority = &world.authority;
    let cluster = super::Cluster::start(super::HBA, super::SETUP);
    cluster.speak_tls(&authority.file("elsewhere.crt"), &authority.file("elsewhere.key"));
    for (mode, expected) in [("require", "1"), ("verify-ca", "1"), ("verify-full", UNREACHED)] {
        let upstream = format!("sslmode = \"{mode}\"\nsslrootcert = \"{}\"", path(&authority.file("ca.crt")));
        let proxy = Proxy::behind(cluster.port, POLICY, &upstream, "");
        check(psql(&proxy, &[("PGOPTIONS", "-c wherefore.purpose=everything")], "SELECT 1"), expected, mode);
    }
}

/// A server that answers the first eight bytes with these, and tells what it was sent behind them.
fn playing_false(answer: &'static [u8]) -> (u16, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a time limit");
            let mut request = [0; 8];
            let mut rest = Vec::new();
            if stream.read_exact(&mut request).is_ok() {
                let _ = stream.write_all(answer);
                let _ = stream.read_to_end(&mut rest);
            }
            let heard = [&request[..], &rest].concat();
            if tell.send(heard).is_err() {
                return;
            }
        }
    });
    (port, told)
}

#[test]
fn servers_that_play_false_learn_nothing() {
    let greeting = b"SR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    let report = b"E\0\0\0\x15SFATAL\0C28000\0Mno\0\0";
    for (name, answer) in
        [("no TLS", &b"N"[..]), ("bytes behind its S", greeting), ("a report", report), ("silence", b"")]
    {
        let (port, told) = playing_false(answer);
        let proxy = Proxy::behind(port, POLICY, "sslmode = \"require\"", "[limits]\nlogin_time = 3\n");
        let outcome = psql(&proxy, &[], "SELECT 1").expect_err(name);
        assert!(!outcome.contains("no\n") && !outcome.is_empty(), "{name}: {outcome}");
        for heard in told.try_iter().chain(told.recv_timeout(Duration::from_secs(10))) {
            assert!(heard.starts_with(b"\0\0\0\x08\x04\xd2\x16\x2f"), "{name}: {heard:?}");
            let secrets: [&[u8]; 3] = [b"user", b"owner", b"postgres"];
            for secret in secrets {
                let is_told = heard.windows(secret.len()).any(|part| part == secret);
                // A hello says by ALPN that Postgres is spoken, and nothing else of this.
                assert!(
                    !is_told || (secret == b"postgres" && heard.windows(10).any(|part| part == b"postgresql")),
                    "{name}"
                );
            }
        }
    }
}
