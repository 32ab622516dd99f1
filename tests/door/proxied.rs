//! The PROXY protocol: who must say where a client is, who may not, and that what is said counts.

use super::hostile::{SSL, outcome, start_of, upgrade};
use super::known::Files;
use super::{POLICY, Proxy, tls, world};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;
use tokio::net::TcpSocket;

const FROM: &str = "proxy_protocol = { from = [\"127.0.0.2\", \"127.0.0.16/28\"] }";
const TABLE: &str = r#"
[[hba]]
addresses = ["192.0.2.0/24", "2001:db8::/32", "127.0.0.3", "127.0.0.1"]
action = "allow"
[limits]
login_time = 2
"#;

fn proxy(more: &str) -> Proxy {
    Proxy::full(world().cluster.port, POLICY, FROM, "", more)
}

/// A stream from this address of the machine.
fn stream_from(proxy: &Proxy, from: [u8; 4]) -> TcpStream {
    let stream = super::block_on(async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(IpAddr::from(from), 0)).expect("an address");
        socket.connect(proxy.address).await.expect("connects").into_std().expect("a stream")
    });
    stream.set_nonblocking(false).expect("blocks");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    stream.set_nodelay(true).expect("no delay");
    stream
}

fn startup() -> Vec<u8> {
    start_of("user\0bare\0database\0shop\0wherefore.purpose\0service\0")
}

/// A header of version 2 with what stands behind its fixed part.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &(rest.len() as u16).to_be_bytes(), rest].concat()
}

const LISTED: [u8; 4] = [127, 0, 0, 2];
const BESIDE: [u8; 4] = [127, 0, 0, 3];
const LINE: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 5432\r\n";
const FOUR: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 1, 0, 1, 0, 2];

#[test]
fn headers_and_what_each_gets() {
    let proxy = proxy(TABLE);
    let six = |third: u8| [&[0x20, 1, 0xd, third][..], &[0; 28], &[0, 1, 0, 2]].concat();
    let with_more = [&FOUR[..], &[4, 0, 5, 1, 2, 3, 4, 5], &[3, 0, 4, 0, 0, 0, 0]].concat();
    let long_line = [b"PROXY UNKNOWN ", &[b'x'; 200][..], b"\r\n"].concat();
    for (name, from, header, expected) in [
        ("a line", LISTED, LINE.to_vec(), "ready"),
        ("a line from a listed network", [127, 0, 0, 17], LINE.to_vec(), "ready"),
        ("version 2", LISTED, binary(0x21, 0x11, &FOUR), "ready"),
        ("version 6 of IP", LISTED, binary(0x21, 0x21, &six(0xb8)), "ready"),
        ("a line of version 6", LISTED, b"PROXY TCP6 2001:db8::7 2001:db8::8 1 2\r\n".to_vec(), "ready"),
        ("more than addresses", LISTED, binary(0x21, 0x11, &with_more), "ready"),
        // The table of who may come from where knows these addresses.
        ("another address", LISTED, b"PROXY TCP4 198.51.100.7 192.0.2.1 1 2\r\n".to_vec(), "28000"),
        ("another address of version 6", LISTED, binary(0x21, 0x21, &six(0xb9)), "28000"),
        ("nobody knows where", LISTED, b"PROXY UNKNOWN\r\n".to_vec(), "28000"),
        ("nobody knows where, version 2", LISTED, binary(0x21, 0, &[]), "28000"),
        ("a socket elsewhere", LISTED, binary(0x21, 0x31, &[b'/'; 216]), "28000"),
        ("the load balancer itself", LISTED, binary(0x20, 0, &[]), "28000"),
        // It is demanded of whom it is expected from, and of nobody else.
        ("none", LISTED, Vec::new(), "08P01"),
        ("none, from beside", BESIDE, Vec::new(), "ready"),
        ("a line from beside", BESIDE, LINE.to_vec(), "08P01"),
        ("version 2 from beside", BESIDE, binary(0x21, 0x11, &FOUR), "08P01"),
        ("two", LISTED, [LINE, LINE].concat(), "08P01"),
        ("two of version 2", LISTED, [binary(0x21, 0x11, &FOUR), binary(0x21, 0x11, &FOUR)].concat(), "08P01"),
        // What is broken.
        ("a line that is too long", LISTED, long_line, "08P01"),
        ("a line without a port", LISTED, b"PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n".to_vec(), "08P01"),
        ("a line of another family", LISTED, b"PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n".to_vec(), "08P01"),
        ("a line by datagrams", LISTED, b"PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n".to_vec(), "08P01"),
        ("a lower-case line", LISTED, b"proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n".to_vec(), "08P01"),
        ("HTTP", LISTED, b"GET / HTTP/1.1\r\n\r\n".to_vec(), "08P01"),
        ("TLS", LISTED, b"\x16\x03\x01\x02\0\x01\0\0\0\0\0\0\0\0".to_vec(), "08P01"),
        ("a request for TLS", LISTED, SSL.to_vec(), "08P01"),
        ("too long, version 2", LISTED, binary(0x21, 0x11, &[0; 2049]), "08P01"),
        ("as long as may be", LISTED, binary(0x21, 0x11, &[&FOUR[..], &[0; 2036]].concat()), "ready"),
        ("too short for its family", LISTED, binary(0x21, 0x11, &FOUR[..11]), "08P01"),
        ("by datagrams", LISTED, binary(0x21, 0x12, &FOUR), "08P01"),
        ("another version", LISTED, binary(0x31, 0x11, &FOUR), "08P01"),
        ("another command", LISTED, binary(0x22, 0x11, &FOUR), "08P01"),
    ] {
        let mut stream = stream_from(&proxy, from);
        // Where it is closed with bytes unread, the report may be lost with them: the startup is not sent behind what fails.
        let behind = if expected == "08P01" && !header.is_empty() { Vec::new() } else { startup() };
        let _ = stream.write_all(&[&header[..], &behind].concat());
        let told = outcome(&mut stream);
        // The same for what is left of a header that is too long.
        assert!(told == expected || (expected == "08P01" && told == "\"\""), "{name}: {told}");
    }
    // Byte by byte, and one that breaks off: nothing is told to who has said nothing.
    for header in [LINE.to_vec(), binary(0x21, 0x11, &with_more)] {
        let mut stream = stream_from(&proxy, LISTED);
        for byte in [&header[..], &startup()].concat() {
            stream.write_all(&[byte]).expect("writes");
        }
        assert_eq!(outcome(&mut stream), "ready", "byte by byte");
        for end in [0, 5, 12, header.len() - 1] {
            let mut stream = stream_from(&proxy, LISTED);
            stream.write_all(&header[..end]).expect("writes");
            let mut told = Vec::new();
            stream.read_to_end(&mut told).expect("closed");
            assert!(told.is_empty(), "broken off at {end}: {told:?}");
        }
    }
}

#[test]
fn encryption_begins_behind_the_header() {
    let proxy = proxy(&tls("require", TABLE));
    let mut stream = stream_from(&proxy, LISTED);
    stream.write_all(&[LINE, SSL].concat()).expect("writes");
    let mut answer = [0];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer, *b"S");
    let mut stream = upgrade(stream, &["postgresql"]);
    stream.write_all(&startup()).expect("writes");
    assert_eq!(outcome(&mut stream), "ready");
    // TLS from the first byte behind it.
    let mut stream = stream_from(&proxy, LISTED);
    stream.write_all(LINE).expect("writes");
    let mut stream = upgrade(stream, &["postgresql"]);
    stream.write_all(&startup()).expect("writes");
    assert_eq!(outcome(&mut stream), "ready");
    // Nothing may be sent before the answer.
    for (name, bytes, expected) in [
        ("in plaintext", [LINE, &startup()].concat(), "28000"),
        ("behind the request", [LINE, SSL, &startup()].concat(), "08P01"),
    ] {
        let mut stream = stream_from(&proxy, LISTED);
        stream.write_all(&bytes).expect("writes");
        assert_eq!(outcome(&mut stream), expected, "{name}");
    }
}

fn behind(proxy: &Proxy, last: u8, startup: &[u8]) -> TcpStream {
    let mut stream = stream_from(proxy, LISTED);
    let line = format!("PROXY TCP4 192.0.2.{last} 198.51.100.1 56324 5432\r\n");
    stream.write_all(&[line.as_bytes(), startup].concat()).expect("writes");
    stream
}

#[test]
fn limits_count_the_address_in_the_header() {
    let proxy = proxy("[limits]\nconnections_per_address = 1\n");
    let mut first = behind(&proxy, 1, &startup());
    assert_eq!(outcome(&mut first), "ready");
    for (last, expected) in [(1, "53300"), (2, "ready"), (3, "ready")] {
        assert_eq!(outcome(&mut behind(&proxy, last, &startup())), expected, "192.0.2.{last}");
    }
}

/// The next message: its tag and body.
fn message(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 5];
    stream.read_exact(&mut head).expect("a message");
    let mut body = vec![0; u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize - 4];
    stream.read_exact(&mut body).expect("a message");
    (head[0], body)
}

fn password(stream: &mut TcpStream, body: &[u8]) {
    stream.write_all(&[b"p", &(body.len() as u32 + 4).to_be_bytes()[..], body].concat()).expect("writes");
}

#[test]
fn guesses_count_by_the_address_in_the_header() {
    let files = Files::new();
    let auth = format!("[auth]\nmethod = \"scram\"\nfailures_per_minute = 1\nusers_file = \"{}\"\n", files.at("users"));
    let proxy = proxy(&auth);
    let guess = |last: u8| {
        let mut stream = behind(&proxy, last, &start_of("user\0app\0database\0shop\0"));
        let report = |body: Vec<u8>| {
            let text = String::from_utf8_lossy(&body).into_owned();
            text.split('\0').find_map(|field| field.strip_prefix('C').map(str::to_owned)).expect("a code")
        };
        let (tag, body) = message(&mut stream);
        if tag == b'E' {
            return report(body);
        }
        password(&mut stream, b"SCRAM-SHA-256\0\0\0\0\x0cn,,n=,r=abcd");
        assert_eq!(message(&mut stream).0, b'R');
        password(&mut stream, b"c=biws,r=x,p=AAAA");
        report(message(&mut stream).1)
    };
    for (last, expected) in [(1, "28P01"), (1, "28000"), (2, "28P01"), (2, "28000")] {
        assert_eq!(guess(last), expected, "192.0.2.{last}");
    }
}

/// Which salt a user is asked for.
fn salt(proxy: &Proxy, user: &str) -> String {
    let mut stream = TcpStream::connect(proxy.address).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    stream.write_all(&start_of(&format!("user\0{user}\0database\0shop\0"))).expect("writes");
    assert_eq!(message(&mut stream).0, b'R');
    password(&mut stream, b"SCRAM-SHA-256\0\0\0\0\x0cn,,n=,r=abcd");
    let (_, body) = message(&mut stream);
    let text = String::from_utf8_lossy(&body).into_owned();
    text.split(",s=").nth(1).and_then(|rest| rest.split(',').next()).expect("a salt").to_owned()
}

/// Which users exist cannot be told by asking two proxies, or one before and after a restart.
#[test]
fn a_secret_gives_who_does_not_exist_a_salt_that_lasts() {
    let files = Files::new();
    files.write("secret", "0123456789abcdef");
    files.write("short", "0123456789abcde");
    let auth = |secret: &str| {
        let secret =
            if secret.is_empty() { String::new() } else { format!("secret_file = \"{}\"\n", files.at(secret)) };
        format!("[auth]\nmethod = \"scram\"\n{secret}users_file = \"{}\"\n", files.at("users"))
    };
    let start = |secret: &str| Proxy::start(&world().cluster, POLICY, &auth(secret));
    let (one, other, alone) = (start("secret"), start("secret"), start(""));
    for (user, lasts) in [("app", true), ("nobody", true), ("anybody", true)] {
        assert_eq!(salt(&one, user) == salt(&other, user), lasts, "{user}");
    }
    assert_ne!(salt(&one, "nobody"), salt(&one, "anybody"));
    assert_ne!(salt(&one, "nobody"), salt(&alone, "nobody"));
    let config = tempfile::tempdir().expect("a folder");
    let file = config.path().join("wherefore.toml");
    let text = format!("[upstream]\nhost = \"127.0.0.1\"\ncatalog_user = \"postgres\"\n{}", auth("short"));
    std::fs::write(&file, text).expect("a file");
    let setup = wherefore::control::Setup::load(wherefore::control::Config::load(&file).expect("a config"));
    assert!(setup.err().is_some_and(|error| error.to_string().contains("at least 16 bytes")));
}
