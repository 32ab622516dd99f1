//! The protocol in bare bytes: hostile starts, hostile messages, and the order of answers where drivers hide it.

mod relay_support;

use relay_support::{Cluster, Proxy};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::Duration;

const SETUP: &str = "
    CREATE ROLE app LOGIN;
    CREATE ROLE owner LOGIN SUPERUSER;
    CREATE TABLE people (id int PRIMARY KEY, name text, email text, note text);
    INSERT INTO people SELECT n, 'name', 'mail', 'note' FROM generate_series(1, 10) n;
    CREATE TABLE items (id int PRIMARY KEY, label text);
    CREATE SCHEMA other;
    CREATE TABLE other.items (id int, label text);
    GRANT ALL ON ALL TABLES IN SCHEMA public TO app;
";

const SSL: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const GSS: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x30";
const CANCEL: &[u8] = b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02";

fn world() -> &'static (Cluster, Proxy) {
    static WORLD: OnceLock<(Cluster, Proxy)> = OnceLock::new();
    WORLD.get_or_init(|| {
        let cluster = Cluster::start("", SETUP);
        let proxy = Proxy::start(
            &cluster,
            include_str!("relay_support/pack.toml"),
            "[limits]\nlogin_time = 3\npipelined_messages = 100\n",
        );
        (cluster, proxy)
    })
}

struct Wire(TcpStream);

impl Wire {
    fn open() -> Wire {
        let stream = TcpStream::connect(world().1.address).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
        stream.set_nodelay(true).expect("no delay");
        Wire(stream)
    }

    fn send(&mut self, bytes: &[u8]) -> &mut Wire {
        self.0.write_all(bytes).expect("writes");
        self
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.0.read_exact(&mut byte).expect("a byte");
        byte[0]
    }

    /// The next message: tag and body; `None` at the end.
    fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut header = [0; 5];
        self.0.read_exact(&mut header).ok()?;
        let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
        let mut body = vec![0; length - 4];
        self.0.read_exact(&mut body).ok()?;
        Some((header[0], body))
    }

    /// Answers up to so many ReadyForQuery, or the end of the connection, in short.
    fn answers(&mut self, mut ready: usize) -> String {
        let mut words = Vec::new();
        while ready > 0 {
            let Some((tag, body)) = self.message() else {
                words.push("end".to_owned());
                break;
            };
            words.push(match tag {
                b'E' => format!("E{}", field(&body, b'C')),
                b'Z' => {
                    ready -= 1;
                    format!("Z{}", body[0] as char)
                }
                tag => (tag as char).to_string(),
            });
        }
        words.join(" ")
    }

    /// Logs in where the server trusts.
    fn session(user: &str, more: &[(&str, &str)]) -> Wire {
        let mut wire = Wire::open();
        let mut parameters = vec![("user", user), ("database", "shop")];
        parameters.extend(more);
        wire.send(&startup(196_608, &parameters));
        let words = wire.answers(1);
        assert!(words.starts_with("R S") && words.ends_with("K ZI"), "{words}");
        wire
    }

    fn owner() -> Wire {
        Wire::session("owner", &[("wherefore.purpose", "everything")])
    }
}

fn field(body: &[u8], code: u8) -> String {
    let mut parts = body.split(|byte| *byte == 0).filter(|part| part.first() == Some(&code));
    parts.next().map(|part| String::from_utf8_lossy(&part[1..]).into_owned()).unwrap_or_default()
}

fn startup(version: u32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    for (name, value) in parameters {
        body.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    body.push(0);
    [&(body.len() as u32 + 4).to_be_bytes()[..], &body].concat()
}

fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag], &(body.len() as u32 + 4).to_be_bytes()[..], body].concat()
}

fn query(text: &str) -> Vec<u8> {
    frame(b'Q', format!("{text}\0").as_bytes())
}

fn run(text: &str) -> Vec<u8> {
    [frame(b'P', format!("\0{text}\0\0\0").as_bytes()), frame(b'B', b"\0\0\0\0\0\0\0\0"), frame(b'E', b"\0\0\0\0\0")]
        .concat()
}

fn sync() -> Vec<u8> {
    frame(b'S', b"")
}

#[test]
fn hostile_starts_are_answered_and_closed() {
    let user = |value: &str| startup(196_608, &[("user", value), ("database", "shop")]);
    for (name, bytes, expected) in [
        ("too short", vec![0, 0, 0, 7], "end"),
        ("too long", vec![0, 0, 0x40, 0], "end"),
        ("negative", vec![0xff; 4], "end"),
        ("protocol 2", startup(131_072, &[("user", "app")]), "E0A000 end"),
        ("no terminator", b"\0\0\0\x10\0\x03\0\0user\0a\0x".to_vec(), "E08P01 end"),
        ("bytes after", b"\0\0\0\x11\0\x03\0\0user\0a\0\0x".to_vec(), "E08P01 end"),
        ("TLS hello", b"\x16\x03\x01\x02\0\x01\0\x01\xfc".to_vec(), "end"),
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec(), "end"),
        ("a query first", query("SELECT 1"), "end"),
        ("injected before SSL", [SSL, &user("app")].concat(), "E08P01 end"),
        (
            "not UTF-8",
            startup(196_608, &[("user", "app")]).iter().map(|b| if *b == b'p' { 0xff } else { *b }).collect(),
            "E22021 end",
        ),
        ("cancel of nothing", CANCEL.to_vec(), "end"),
        ("short cancel", b"\0\0\0\x0c\x04\xd2\x16\x2e\0\0\0\x01".to_vec(), "end"),
    ] {
        let mut wire = Wire::open();
        wire.send(&bytes);
        assert_eq!(wire.answers(1), expected, "{name}");
    }
    let mut wire = Wire::open();
    wire.send(SSL);
    assert_eq!(wire.byte(), b'N');
    wire.send(GSS);
    assert_eq!(wire.byte(), b'N');
    wire.send(&user("app"));
    assert!(wire.answers(1).ends_with("ZI"));
    let mut twice = Wire::open();
    twice.send(SSL);
    assert_eq!(twice.byte(), b'N');
    twice.send(SSL);
    assert_eq!(twice.answers(1), "E08P01 end");
}

#[test]
fn a_slow_start_is_closed() {
    let mut wire = Wire::open();
    wire.send(b"\0\0");
    assert_eq!(wire.answers(1), "end");
}

#[test]
fn newer_protocols_are_negotiated_by_the_server() {
    for version in [196_610, 0x0003_270f] {
        let mut wire = Wire::open();
        wire.send(&startup(version, &[("user", "app"), ("database", "shop"), ("_pq_.extra", "1")]));
        let words = wire.answers(1);
        assert!(words.contains('v') && words.ends_with("ZI"), "{words}");
        wire.send(&query("SELECT id FROM people LIMIT 1"));
        assert_eq!(wire.answers(1), "T D C ZI");
    }
}

#[test]
fn hostile_messages_end_only_their_own_session() {
    let mut bystander = Wire::session("app", &[]);
    for bytes in [
        frame(b'Q', b"SELECT 1"),
        frame(b'Q', b"SELECT 1\0Q\0\0\0\x0dDROP\0"),
        frame(b'P', b"\0SELECT 1\0\xff\xff"),
        frame(b'B', b"x"),
        frame(b'p', b"password\0"),
        frame(b'!', b""),
        b"d\0\0\0\0".to_vec(),
        b"Q\0\0\0\0".to_vec(),
        b"B\x7f\xff\xff\xff".to_vec(),
        frame(b'S', b"x"),
    ] {
        let mut wire = Wire::session("app", &[]);
        wire.send(&bytes);
        assert_eq!(wire.answers(1), "E08P01 end", "{bytes:?}");
        bystander.send(&query("SELECT id FROM people LIMIT 1"));
        assert_eq!(bystander.answers(1), "T D C ZI");
    }
}

#[test]
fn errors_in_pipelines_keep_their_place() {
    let mut wire = Wire::session("app", &[("wherefore.purpose", "training")]);
    // A refusal between two good ones, one segment: what follows is skipped.
    let good = run("SELECT id FROM people LIMIT 1");
    let refused = run("SELECT note FROM people");
    wire.send(&[good.clone(), refused.clone(), good.clone(), sync()].concat());
    assert_eq!(wire.answers(1), "1 2 D C E42501 ZI");
    // In segments of their own: only the refused one fails.
    wire.send(&[good.clone(), sync(), refused.clone(), sync(), good.clone(), sync()].concat());
    assert_eq!(wire.answers(3), "1 2 D C ZI E42501 ZI 1 2 D C ZI");
    // An error, then Flush, then more, then Sync.
    wire.send(&[refused, frame(b'H', b""), good.clone(), sync(), query("SELECT id FROM people LIMIT 1")].concat());
    assert_eq!(wire.answers(2), "E42501 ZI T D C ZI");
    // A refused statement undoes what its segment did before it.
    let mut owner = Wire::owner();
    owner.send(&query("CREATE TABLE undone (id int)"));
    assert_eq!(owner.answers(1), "C ZI");
    owner.send(&[run("INSERT INTO undone VALUES (1)"), run("SELECT nonsense"), sync()].concat());
    assert_eq!(owner.answers(1), "1 2 C E42703 ZI");
    owner.send(&query("SELECT id FROM undone"));
    assert_eq!(owner.answers(1), "T C ZI");
}

#[test]
fn pipelines_longer_than_what_the_server_may_owe() {
    // Refused, without a Sync for long: one error, and nothing is kept of the rest.
    let mut wire = Wire::session("app", &[("wherefore.purpose", "training")]);
    wire.send(&run("SELECT note FROM people").repeat(4000));
    wire.send(&[sync(), query("SELECT id FROM people LIMIT 1")].concat());
    assert_eq!(wire.answers(2), "E42501 ZI T D C ZI");
    // Permitted: all are answered, in segments and without.
    let good = run("SELECT id FROM people LIMIT 1");
    for (count, bytes) in [(1, [good.repeat(4000), sync()].concat()), (4000, [good, sync()].concat().repeat(4000))] {
        let mut writer = Wire(wire.0.try_clone().expect("a second handle"));
        let answers = std::thread::scope(|scope| {
            scope.spawn(move || {
                writer.send(&bytes);
            });
            wire.answers(count)
        });
        assert_eq!((answers.matches("1 2 D C").count(), answers.contains('E')), (4000, false));
    }
}

#[test]
fn every_byte_on_its_own() {
    let mut wire = Wire::session("app", &[("wherefore.purpose", "training")]);
    let bytes = [run("SELECT email FROM people LIMIT 1"), sync(), query("SELECT note FROM people; SELECT 1")].concat();
    for byte in bytes {
        wire.send(&[byte]);
    }
    assert_eq!(wire.answers(2), "1 2 D C ZI E42501 ZI");
}

#[test]
fn a_copy_ignores_the_sync_before_its_end() {
    let mut wire = Wire::owner();
    wire.send(&query("CREATE TEMP TABLE target (id int)"));
    assert_eq!(wire.answers(1), "C ZI");
    let data = [frame(b'd', b"1\n2\n"), frame(b'c', b"")].concat();
    for _ in 0..3 {
        // All at once.
        wire.send(&[run("COPY target FROM STDIN"), sync(), data.clone(), sync()].concat());
        assert_eq!(wire.answers(1), "1 2 G C ZI");
        // Step by step.
        wire.send(&[run("COPY target FROM STDIN"), sync()].concat());
        let mut tags = Vec::new();
        while tags.last() != Some(&b'G') {
            tags.push(wire.message().expect("a message").0);
        }
        wire.send(&[data.clone(), sync()].concat());
        assert_eq!(wire.answers(1), "C ZI");
        // A copy that fails, and CopyFail.
        wire.send(&[run("COPY target FROM STDIN"), frame(b'd', b"x\n"), frame(b'c', b""), sync()].concat());
        assert_eq!(wire.answers(1), "1 2 G E22P02 ZI");
        wire.send(&[run("COPY target FROM STDIN"), sync(), frame(b'f', b"no\0"), sync()].concat());
        assert_eq!(wire.answers(1), "1 2 G E57014 ZI");
        wire.send(&[query("COPY target FROM STDIN; SELECT 1"), data.clone(), query("SELECT 2")].concat());
        assert_eq!(wire.answers(2), "G C T D C ZI T D C ZI");
        // A settle waits its turn: SET and COPY in one segment.
        wire.send(
            &[run("SET search_path = public"), run("COPY pg_temp.target FROM STDIN"), sync(), data.clone(), sync()]
                .concat(),
        );
        wire.send(&query("SELECT count(*) FROM people"));
        assert_eq!(wire.answers(2), "1 2 C 1 2 G C ZI T D C ZI");
    }
}

#[test]
fn replication_and_function_calls() {
    let mut refused = Wire::open();
    refused.send(&startup(196_608, &[("user", "owner"), ("database", "shop"), ("replication", "database")]));
    assert_eq!(refused.answers(1), "R E0A000 end");
    let mut open = Wire::open();
    let parameters =
        [("user", "owner"), ("database", "shop"), ("replication", "on"), ("wherefore.purpose", "everything")];
    open.send(&startup(196_608, &parameters));
    assert!(open.answers(1).ends_with("ZI"));
    open.send(&query("IDENTIFY_SYSTEM"));
    assert_eq!(open.answers(1), "T D C ZI");
    // pg_backend_pid() is 2026.
    let call = frame(b'F', b"\0\0\x07\xea\0\0\0\0\0\0");
    let mut wire = Wire::session("app", &[]);
    wire.send(&[call.clone(), query("SELECT id FROM people LIMIT 1")].concat());
    assert_eq!(wire.answers(2), "E0A000 ZI T D C ZI");
    let mut owner = Wire::owner();
    owner.send(&[call, query("SELECT 1")].concat());
    assert_eq!(owner.answers(2), "V ZI T D C ZI");
}

#[test]
fn portals_with_row_limits_and_describes() {
    let mut wire = Wire::session("app", &[]);
    let limited = [
        frame(b'P', b"s\0SELECT id FROM people ORDER BY id\0\0\0"),
        frame(b'D', b"Ss\0"),
        frame(b'B', b"p\0s\0\0\0\0\0\0\0"),
        frame(b'D', b"Pp\0"),
        frame(b'E', b"p\0\0\0\0\x04"),
        frame(b'E', b"p\0\0\0\0\x04"),
        frame(b'C', b"Pp\0"),
        frame(b'C', b"Ss\0"),
        sync(),
    ];
    wire.send(&limited.concat());
    assert_eq!(wire.answers(1), "1 t T 2 T D D D D s D D D D s 3 3 ZI");
    wire.send(&[run(""), sync(), query(""), query(";")].concat());
    assert_eq!(wire.answers(3), "1 2 I ZI I ZI I ZI");
}

#[test]
fn a_client_that_vanishes_leaves_nothing_behind() {
    let before = sessions();
    for _ in 0..20 {
        let mut wire = Wire::session("app", &[]);
        wire.send(&query("SELECT id FROM people LIMIT 1")[..7]);
    }
    for _ in 0..100 {
        if sessions() <= before {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("sessions stay: {} before, {} after", before, sessions());
}

/// Server sessions of `app` that other tests of this binary do not hold for long.
fn sessions() -> usize {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'";
    world().0.psql("shop", sql).expect("counts").trim().parse().expect("a number")
}
