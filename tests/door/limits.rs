//! Limits of number and of time: who is turned away, what is ended, and that nothing else is.

use super::{POLICY, Proxy, block_on, check, psql, world};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

fn proxy(limits: &str) -> Proxy {
    Proxy::start(&world().cluster, POLICY, &format!("[limits]\n{limits}\n"))
}

/// A stream from this address of the machine.
async fn stream_from(proxy: &Proxy, from: [u8; 4]) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::new(IpAddr::from(from), 0)).expect("an address");
    socket.connect(proxy.address).await.expect("connects")
}

/// A session, or the SQLSTATE and message of its refusal.
async fn come(proxy: &Proxy, from: [u8; 4], user: &str, purpose: &str) -> Result<Client, String> {
    let mut config = tokio_postgres::Config::new();
    config.user(user).password("secret").dbname("shop").options(format!("-c wherefore.purpose={purpose}"));
    match config.connect_raw(stream_from(proxy, from).await, NoTls).await {
        Ok((client, connection)) => {
            tokio::spawn(connection);
            Ok(client)
        }
        Err(error) => Err(error
            .as_db_error()
            .map_or_else(|| "lost".to_owned(), |report| format!("{} {}", report.code().code(), report.message()))),
    }
}

const HERE: [u8; 4] = [127, 0, 0, 1];
const THERE: [u8; 4] = [127, 0, 0, 2];

/// The first value of an answer, or SQLSTATE and message.
async fn one(client: &Client, sql: &str) -> String {
    let value = |row: &SimpleQueryMessage| match row {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("null").to_owned()),
        _no_row => None,
    };
    match client.simple_query(sql).await {
        Ok(rows) => rows.iter().find_map(value).unwrap_or_default(),
        Err(error) => error
            .as_db_error()
            .map_or_else(|| "lost".to_owned(), |report| format!("{} {}", report.code().code(), report.message())),
    }
}

/// Comes again until there is room: a place is free once the proxy has noticed that its connection is gone.
async fn come_once_free(proxy: &Proxy, user: &str) -> Client {
    for _ in 0..200 {
        if let Ok(client) = come(proxy, HERE, user, "service").await {
            return client;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("there is no room for {user}");
}

#[test]
fn sessions_of_a_user() {
    let proxy = proxy("connections_per_user = 2");
    block_on(async {
        let first = come(&proxy, HERE, "bare", "service").await.expect("the first");
        let _second = come(&proxy, HERE, "bare", "training").await.expect("the second");
        let refused = come(&proxy, HERE, "bare", "service").await.err();
        assert_eq!(refused.as_deref(), Some("53300 too many connections for role \"bare\""));
        // Another's, and one who only says that it is this user, do not count.
        let _other = come(&proxy, HERE, "owner", "service").await.expect("another user");
        drop(first);
        let _third = come_once_free(&proxy, "bare").await;
    });
}

#[test]
fn who_does_not_prove_to_be_a_user_takes_none_of_its_places() {
    let proxy = proxy("connections_per_user = 1");
    for case in ["first", "second"] {
        check(psql(&proxy, &[("PGUSER", "app"), ("PGPASSWORD", "guess")], "SELECT 1"), "!password", case);
    }
    block_on(async {
        // Asked for its password, it waits.
        let mut waits = stream_from(&proxy, HERE).await;
        tokio::io::AsyncWriteExt::write_all(&mut waits, &startup("app")).await.expect("writes");
        tokio::io::AsyncReadExt::read_u8(&mut waits).await.expect("an answer");
        let app = come(&proxy, HERE, "app", "service").await.expect("a place");
        assert_eq!(one(&app, "SELECT 1").await, "1");
    });
}

#[test]
fn connections_from_an_address() {
    let proxy = proxy("connections_per_address = 2");
    block_on(async {
        let first = come(&proxy, HERE, "bare", "everything").await.err();
        assert_eq!(first.as_deref().map(|told| &told[..5]), Some("42501"), "refused for another reason");
        let first = come(&proxy, HERE, "owner", "everything").await.expect("the first");
        // Nothing was said on it, and it counts.
        let silent = stream_from(&proxy, HERE).await;
        // Once the proxy has seen it.
        for _ in 0..200 {
            if come(&proxy, HERE, "bare", "service").await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let token = first.cancel_token();
        let slow = tokio::spawn(async move { one(&first, "SELECT pg_sleep(20)").await });
        let refused = come(&proxy, HERE, "bare", "service").await.err();
        assert_eq!(refused.as_deref(), Some("53300 too many connections from address \"127.0.0.1\""));
        let _there = come(&proxy, THERE, "bare", "service").await.expect("from another address");
        // Who may not come in may still cancel.
        token.cancel_query_raw(stream_from(&proxy, HERE).await, NoTls).await.expect("a cancel");
        assert_eq!(slow.await.expect("a task"), "57014 canceling statement due to user request");
        drop(silent);
        let _again = come_once_free(&proxy, "bare").await;
    });
    // Far beyond the limit nobody is heard out.
    let waiting: Vec<_> = (0..40).map(|_| std::net::TcpStream::connect(proxy.address).expect("connects")).collect();
    let closed = waiting.into_iter().filter(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a time limit");
        matches!(stream.read(&mut [0]), Ok(0))
    });
    assert!(closed.count() >= 20);
}

fn startup(user: &str) -> Vec<u8> {
    let body = [b"\0\x03\0\0user\0", user.as_bytes(), b"\0database\0shop\0\0"].concat();
    [&(body.len() as u32 + 4).to_be_bytes(), &body[..]].concat()
}

#[test]
fn the_time_to_log_in() {
    let proxy = proxy("login_time = 0.3");
    for (case, bytes, expected) in [
        ("nothing", Vec::new(), ""),
        ("half a start-up message", startup("app")[..20].to_vec(), ""),
        ("no password", startup("app"), "57014"),
    ] {
        let mut stream = std::net::TcpStream::connect(proxy.address).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
        stream.write_all(&bytes).expect("writes");
        let mut told = Vec::new();
        stream.read_to_end(&mut told).expect("closed");
        let told = String::from_utf8_lossy(&told);
        assert!(told.contains(expected) && (told.is_empty() == expected.is_empty()), "{case}: {told:?}");
        assert!(expected.is_empty() || told.contains("canceling authentication due to timeout"), "{case}: {told:?}");
    }
}

/// Waits until the session is closed, and says by which SQLSTATE.
async fn ended(client: &Client) -> String {
    for _ in 0..500 {
        if client.is_closed() {
            return one(client, "SELECT 1").await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    "open".to_owned()
}

/// What a session that does nothing after `before` is told, in bare bytes.
fn told_after(proxy: &Proxy, user: &str, before: &[&[u8]]) -> String {
    let mut stream = std::net::TcpStream::connect(proxy.address).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
    stream.write_all(&startup(user)).expect("writes");
    for message in before {
        stream.write_all(message).expect("writes");
    }
    let mut told = Vec::new();
    stream.read_to_end(&mut told).expect("closed");
    let text = String::from_utf8_lossy(&told);
    let at = text.rfind("\0C").unwrap_or_else(|| panic!("no report: {text:?}"));
    text[at + 2..].replace('\0', " ").trim().to_owned()
}

fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag], &(body.len() as u32 + 4).to_be_bytes()[..], body].concat()
}

#[test]
fn who_is_idle_for_too_long() {
    let proxy = proxy("idle_time = 0.4\nidle_in_transaction_time = 0.2");
    let (begin, fails) = (frame(b'Q', b"BEGIN\0"), frame(b'Q', b"BEGIN; SELECT 1/0\0"));
    let open = frame(b'P', b"\0BEGIN\0\0\0");
    let extended = [open, frame(b'B', b"\0\0\0\0\0\0\0\0"), frame(b'E', b"\0\0\0\0\0"), frame(b'S', b"")].concat();
    for (case, before, expected) in [
        ("from the start", vec![], "57P05 Mterminating connection due to idle-session timeout"),
        ("with half a message", vec![&begin[..3]], "57P05 Mterminating connection due to idle-session timeout"),
        ("in a transaction", vec![&begin[..]], "25P03 Mterminating connection due to idle-in-transaction timeout"),
        ("by the extended protocol", vec![&extended[..]], "25P03 M"),
        ("in one that has failed", vec![&fails[..]], "25P03 M"),
    ] {
        let told = told_after(&proxy, "bare", &before);
        assert!(told.starts_with(expected), "{case}: {told}");
    }
    block_on(async {
        // Work is not idleness, however long it takes, and each pause counts anew.
        let busy = come(&proxy, HERE, "bare", "service").await.expect("a session");
        assert_eq!(one(&busy, "SELECT length(pg_sleep(1.5)::text)").await, "0");
        assert_eq!(one(&busy, "BEGIN; SELECT length(pg_sleep(1)::text)").await, "0");
        assert_eq!(one(&busy, "COMMIT").await, "");
        assert_eq!(ended(&busy).await, "lost");
    });
    let left = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'bare' AND state LIKE 'idle in transaction%'";
    assert_eq!(world().cluster.psql("shop", left).expect("a count").trim(), "0");
}

#[test]
fn statements_that_run_for_too_long() {
    let proxy = proxy("statement_time = 0.3");
    const TOLD: &str = "57014 canceling statement due to statement timeout";
    block_on(async {
        for (user, purpose) in [("bare", "service"), ("owner", "everything")] {
            let client = come(&proxy, HERE, user, purpose).await.expect("a session");
            for (sql, expected) in [
                ("SELECT pg_sleep(20)", TOLD),
                ("SELECT 1", "1"),
                ("SELECT id FROM people WHERE id = 3 AND pg_sleep(20) IS NOT NULL", TOLD),
                ("BEGIN", ""),
                ("SELECT 2", "2"),
                ("SELECT pg_sleep(20)", TOLD),
                ("SELECT 1", "25P02 current transaction is aborted, commands ignored until end of transaction block"),
                ("ROLLBACK", ""),
                ("SELECT 3", "3"),
            ] {
                assert_eq!(one(&client, sql).await, expected, "{user}: {sql}");
            }
            let slow = client.query("SELECT pg_sleep(20)", &[]).await.expect_err("cancelled");
            assert_eq!(slow.code().map(|code| code.code()), Some("57014"), "{slow}");
            assert_eq!(one(&client, "SELECT 4").await, "4");
            // Nobody is ended for being idle.
            tokio::time::sleep(Duration::from_millis(700)).await;
            assert_eq!(one(&client, "SELECT 5").await, "5");
        }
    });
    // What the client has begun and does not go on with: a COPY, and messages without a Sync.
    let unsynced = [frame(b'P', b"\0SELECT 1\0\0\0"), frame(b'H', b"")].concat();
    let half = b"E\0\0\0\x09\0".to_vec();
    let free = frame(b'Q', b"SET wherefore.purpose = 'everything'\0");
    let copy = frame(b'Q', b"CREATE TEMP TABLE t (n int); COPY t FROM STDIN\0");
    for (case, user, before) in [
        ("no Sync", "bare", vec![&unsynced]),
        ("half a message behind it", "bare", vec![&unsynced, &half]),
        ("no end of a COPY", "owner", vec![&free, &copy]),
    ] {
        let before: Vec<&[u8]> = before.into_iter().map(Vec::as_slice).collect();
        let told = told_after(&proxy, user, &before);
        assert!(told.starts_with("25P03"), "{case}: {told}");
    }
}

#[test]
fn statements_of_a_pipeline_have_their_time_each() {
    let proxy = proxy("statement_time = 2");
    block_on(async {
        let client = come(&proxy, HERE, "bare", "service").await.expect("a session");
        let statement = client.prepare("SELECT length(pg_sleep($1)::text)").await.expect("a statement");
        let run = || client.query_one(&statement, &[&0.8_f64]);
        let (a, b, c, d) = tokio::join!(run(), run(), run(), run());
        for row in [a, b, c, d] {
            assert_eq!(row.expect("a row").get::<_, i32>(0), 0);
        }
    });
}

#[test]
fn results_that_nobody_reads() {
    let proxy = proxy("statement_time = 0.3");
    let mut stream = std::net::TcpStream::connect(proxy.address).expect("connects");
    stream.write_all(&startup("owner")).expect("writes");
    stream.write_all(&frame(b'Q', b"SET wherefore.purpose = 'everything'\0")).expect("writes");
    let endless = b"SELECT repeat('unread', 1000), generate_series(1, 10000000)\0";
    stream.write_all(&frame(b'Q', endless)).expect("writes");
    let runs = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT repeat(''unread%' AND state = 'active'";
    let count = || world().cluster.psql("shop", runs).expect("a count").trim().to_owned();
    let becomes = |expected: &str| {
        for _ in 0..500 {
            if count() == expected {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    };
    assert!(becomes("1"), "it does not run");
    assert!(becomes("0"), "it runs for ever");
    drop(stream);
}
