//! Starts in bare bytes: encryption asked for in the wrong way, twice, in the middle, or never finished.

use super::{POLICY, Proxy, block_on, tls, trusting, world};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConnection, StreamOwned};

pub(super) const SSL: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const GSS: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x30";

/// A proxy with these lines of `[tls]`, and little patience.
fn proxy(mode: &str) -> Proxy {
    Proxy::start(&world().cluster, POLICY, &tls(mode, "[limits]\nlogin_time = 3\n"))
}

fn allowing() -> &'static Proxy {
    static PROXY: OnceLock<Proxy> = OnceLock::new();
    PROXY.get_or_init(|| proxy("allow"))
}

fn startup() -> Vec<u8> {
    let body = b"\0\x03\0\0user\0owner\0database\0shop\0wherefore.purpose\0everything\0\0";
    [&(body.len() as u32 + 4).to_be_bytes(), &body[..]].concat()
}

fn open(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    stream
}

/// All that comes until the end, as one word: the SQLSTATE of a report, `ready`, or the bytes in front of both.
pub(super) fn outcome(stream: &mut impl Read) -> String {
    let (mut told, mut byte) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut byte) {
            Ok(0) | Err(_) => break,
            Ok(count) => told.extend(&byte[..count]),
        }
        if told.ends_with(b"Z\0\0\0\x05I") {
            return "ready".to_owned();
        }
    }
    let text = String::from_utf8_lossy(&told);
    match text.find("\0C") {
        Some(at) => text[at + 2..at + 7].to_owned(),
        None => format!("{:?}", &text[..text.len().min(8)]),
    }
}

pub(super) fn upgrade(stream: TcpStream, protocols: &[&str]) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let connection = ClientConnection::new(Arc::new(trusting(protocols)), name).expect("a connection");
    StreamOwned::new(connection, stream)
}

#[test]
fn what_is_buffered_before_the_handshake_ends_the_connection() {
    for (name, bytes, expected) in [
        ("a start-up message behind SSLRequest", [SSL, &startup()].concat(), "08P01"),
        ("one byte behind SSLRequest", [SSL, b"\0"].concat(), "08P01"),
        ("a handshake behind SSLRequest", [SSL, b"\x16\x03\x01\x02\0\x01"].concat(), "08P01"),
        ("behind GSSENCRequest", [GSS, &startup()].concat(), "08P01"),
        ("SSLRequest twice at once", [SSL, SSL].concat(), "08P01"),
        // Postgres says nothing either; a client that ends before it began (node-postgres) must not read an error.
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec(), "\"\""),
        ("Terminate", b"X\0\0\0\x04".to_vec(), "\"\""),
    ] {
        let mut stream = open(allowing());
        stream.write_all(&bytes).expect("writes");
        assert_eq!(outcome(&mut stream), expected, "{name}");
    }
}

#[test]
fn after_the_answer_nothing_but_a_handshake() {
    // Plaintext where the handshake should be: what a man in the middle could put in.
    let mut stream = open(allowing());
    stream.write_all(SSL).expect("writes");
    let mut answer = [0];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer, *b"S");
    stream.write_all(&startup()).expect("writes");
    assert!(!["ready", "28000"].contains(&&*outcome(&mut stream)));
    // GSS is declined, and leaves the way to TLS open.
    let mut stream = open(allowing());
    for (asked, expected) in [(GSS, b"N"), (SSL, b"S")] {
        stream.write_all(asked).expect("writes");
        stream.read_exact(&mut answer).expect("an answer");
        assert_eq!(answer, *expected);
    }
    let mut stream = upgrade(stream, &[]);
    stream.write_all(&startup()).expect("writes");
    assert_eq!(outcome(&mut stream), "ready");
}

#[test]
fn encryption_is_asked_for_once() {
    for (name, inside) in [("SSLRequest within TLS", SSL), ("GSSENCRequest within TLS", GSS)] {
        let mut stream = open(allowing());
        stream.write_all(SSL).expect("writes");
        stream.read_exact(&mut [0]).expect("an answer");
        let mut stream = upgrade(stream, &["postgresql"]);
        stream.write_all(inside).expect("writes");
        assert_eq!(outcome(&mut stream), "08P01", "{name}");
        let mut stream = upgrade(open(allowing()), &["postgresql"]);
        stream.write_all(inside).expect("writes");
        assert_eq!(outcome(&mut stream), "08P01", "{name}, direct");
    }
}

#[test]
fn direct_tls_names_its_protocol() {
    for (protocols, expected) in
        [(["postgresql"].as_slice(), "ready"), (&["h2", "postgresql"], "ready"), (&[], "08P01"), (&["h2"], "\"\"")]
    {
        let mut stream = upgrade(open(allowing()), protocols);
        let _ = stream.write_all(&startup());
        assert_eq!(outcome(&mut stream), expected, "{protocols:?}");
    }
    // Where TLS is off a handshake is not a start-up message.
    let mut stream = upgrade(open(&Proxy::start(&world().cluster, POLICY, "")), &["postgresql"]);
    assert!(stream.write_all(&startup()).is_err());
}

#[test]
fn what_stalls_is_closed() {
    let proxy = allowing();
    let hello = {
        let mut connection = upgrade(open(proxy), &["postgresql"]);
        let mut bytes = Vec::new();
        connection.conn.write_tls(&mut bytes).expect("a hello");
        bytes
    };
    for (name, bytes) in [
        ("nothing", Vec::new()),
        ("half a hello, direct", hello[..hello.len() / 2].to_vec()),
        ("a hello and no more, direct", hello.clone()),
    ] {
        let mut stream = open(proxy);
        stream.write_all(&bytes).expect("writes");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let mut stream = open(proxy);
    stream.write_all(SSL).expect("writes");
    stream.read_exact(&mut [0]).expect("an answer");
    stream.write_all(&hello[..hello.len() / 2]).expect("writes");
    stream.read_to_end(&mut Vec::new()).expect("closed: half a hello behind SSLRequest");
}

#[test]
fn plaintext_is_refused_where_tls_is_required() {
    let proxy = proxy("require");
    let mut stream = open(&proxy);
    stream.write_all(&startup()).expect("writes");
    assert_eq!(outcome(&mut stream), "28000");
    let mut stream = upgrade(open(&proxy), &["postgresql"]);
    stream.write_all(&startup()).expect("writes");
    assert_eq!(outcome(&mut stream), "ready");
    block_on(async {
        let (client, connection) = super::encrypted(&proxy, "owner", "everything").await;
        tokio::spawn(connection);
        assert_eq!(client.query("SELECT id FROM people", &[]).await.expect("rows").len(), 10);
    });
}

/// A start-up message with these parameters, a NUL behind each name and value.
pub(super) fn start_of(parameters: &str) -> Vec<u8> {
    let body = [b"\0\x03\0\0", parameters.as_bytes(), b"\0"].concat();
    [&(body.len() as u32 + 4).to_be_bytes(), &body[..]].concat()
}

#[test]
fn start_ups_that_ask_for_more_than_they_may() {
    let long = "x".repeat(64);
    let judged = "database\0shop\0wherefore.purpose\0service\0";
    for (name, parameters, expected) in [
        ("no user", "database\0shop\0".to_owned(), "28000"),
        ("an empty user", "user\0\0database\0shop\0".to_owned(), "28000"),
        // The server would cut it to the name of another.
        ("a long user", format!("user\0{long}\0{judged}"), "28000"),
        ("a long database", format!("user\0owner\0database\0{long}\0"), "3D000"),
        ("a name with NUL", format!("user\0owner\0\0{judged}"), "08P01"),
        ("the last user counts", format!("user\0nobody\0user\0owner\0{judged}"), "ready"),
        // What the server takes for false is an ordinary session, and judged; the rest needs an unrestricted purpose, and
        // of the server's own table a row.
        ("no replication", format!("user\0owner\0replication\0fa\0{judged}"), "ready"),
        ("no replication", format!("user\0owner\0replication\0OF\0{judged}"), "ready"),
        ("replication", format!("user\0owner\0replication\0database\0{judged}"), "0A000"),
        ("replication", format!("user\0owner\0replication\0tr\0{judged}"), "28000"),
    ] {
        let mut stream = open(allowing());
        stream.write_all(&start_of(&parameters)).expect("writes");
        assert_eq!(outcome(&mut stream), expected, "{name}: {parameters:?}");
    }
}

#[test]
fn of_an_answer_that_is_too_long_only_the_head_is_read() {
    for (name, head) in
        [("a long password", b"p\0\x10\0\0"), ("a query", b"Q\0\0\0\x05"), ("no length", b"p\0\0\0\x03")]
    {
        let mut stream = open(allowing());
        stream.write_all(&start_of("user\0app\0database\0shop\0")).expect("writes");
        let mut asked = [0; 9];
        stream.read_exact(&mut asked).expect("a request");
        assert_eq!((asked[0], &asked[5..]), (b'R', &b"\0\0\0\x0a"[..]), "{name}: SCRAM is asked for");
        stream.write_all(head).expect("writes");
        let told = outcome(&mut stream);
        assert!(told == "08P01" || (name == "no length" && told != "ready"), "{name}: {told}");
    }
}
