//! What hostile start-ups and messages get. The table stands in docs/protocol.md; `INSTA_UPDATE=always` writes it anew.

use crate::process::Process;
use crate::raw::{message, parse, query, sync};
use crate::relay_support::Proxy;
use crate::talk::{End, Heard, Talk, packet, startup};
use crate::{LOGIN_TIME, OWNER, POLICY, SERVICE, TRAINING, major, world};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::time::Duration;

const SSL: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const GSS: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x30";

/// A proxy that authenticates `secretive` itself.
fn own_scram() -> &'static Proxy {
    static PROXY: OnceLock<Proxy> = OnceLock::new();
    PROXY.get_or_init(|| {
        let query = "query = \"SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1\"";
        let limits = format!("[limits]\n{LOGIN_TIME}[auth]\nmethod = \"scram\"\nfailures_per_minute = 1000\n{query}\n");
        Proxy::start(&world().cluster, POLICY, &limits)
    })
}

fn start(parameters: &[(&str, &str)]) -> Vec<u8> {
    startup(0x0003_0000, parameters)
}

fn good() -> Vec<u8> {
    start(TRAINING)
}

/// A start-up message of these bytes behind its version.
fn raw_start(bytes: &[u8]) -> Vec<u8> {
    packet(&[b"\0\x03\0\0", bytes].concat())
}

/// What is sent, one after the other; behind a lone request for encryption one byte is read.
fn start_ups() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let of_length =
        |length: u32| vec![[&length.to_be_bytes()[..], b"\0\x03\0\0user\0bare\0database\0shop\0\0"].concat()];
    let version = |version: u32| vec![startup(version, &[("user", "bare"), ("database", "shop")])];
    let with = |more: &[(&str, &str)]| vec![start(&[&[("user", "bare"), ("database", "shop")], more].concat())];
    let owner = |more: &[(&str, &str)]| {
        let all = [&[("user", "owner"), ("database", "shop"), ("wherefore.purpose", "everything")], more].concat();
        vec![start(&all)]
    };
    vec![
        ("`SSLRequest`, then a start-up", vec![SSL.to_vec(), good()]),
        ("`GSSENCRequest`, then a start-up", vec![GSS.to_vec(), good()]),
        ("`SSLRequest` with a start-up behind it at once", vec![[SSL, &good()].concat()]),
        ("`GSSENCRequest` with a byte behind it", vec![[GSS, b"x"].concat()]),
        ("a byte in front of `SSLRequest`", vec![[b"\0", SSL].concat()]),
        ("`SSLRequest` twice", vec![SSL.to_vec(), SSL.to_vec()]),
        ("`GSSENCRequest` twice", vec![GSS.to_vec(), GSS.to_vec()]),
        ("length 0", of_length(0)),
        ("length 3", of_length(3)),
        ("length 4", of_length(4)),
        ("length 7", of_length(7)),
        ("length 10,001", of_length(10_001)),
        ("length 2^31-1", of_length(0x7fff_ffff)),
        ("length -1", of_length(0xffff_ffff)),
        ("a start-up of 64 KiB", vec![start(&[("user", "bare"), ("application_name", &"x".repeat(64 << 10))])]),
        ("less than the length says", of_length(9_000)),
        ("no terminator", vec![raw_start(b"user\0bare\0database\0shop\0")]),
        ("a name without a value", vec![raw_start(b"user\0bare\0database\0")]),
        ("no NUL at all", vec![raw_start(b"user")]),
        ("nothing but a version", vec![raw_start(b"")]),
        ("bytes behind the terminator", vec![raw_start(b"user\0bare\0database\0shop\0\0Q")]),
        ("protocol 0.0", version(0)),
        ("protocol 1.0", version(0x0001_0000)),
        ("protocol 2.0", version(0x0002_0000)),
        ("protocol 4.0", version(0x0004_0000)),
        ("another request code", vec![packet(&80_877_105u32.to_be_bytes())]),
        ("no `user`", vec![start(&[("database", "shop")])]),
        ("an empty `user`", vec![start(&[("user", ""), ("database", "shop")])]),
        ("a `user` that is not there", vec![start(&[("user", "whoever"), ("database", "shop")])]),
        ("a `user` of 64 bytes", vec![start(&[("user", &"x".repeat(64)), ("database", "shop")])]),
        ("a `database` that is not there", vec![start(&[("user", "owner"), ("database", "nowhere")])]),
        ("`user` that is not UTF-8", vec![raw_start(b"user\0\xff\xfe\0database\0shop\0\0")]),
        (
            "`user` twice, the second one is known",
            vec![start(&[("user", "whoever"), ("user", "bare"), ("database", "shop")])],
        ),
        ("a setting twice", with(&[("application_name", "a"), ("application_name", "b")])),
        ("a setting that is not there", with(&[("no_such_setting", "1")])),
        ("a value that is none", with(&[("DateStyle", "nonsense")])),
        ("`options` that end in a backslash", with(&[("options", "-c geqo=off\\")])),
        ("`options` of another program", with(&[("options", "--help")])),
        ("`replication=database`, judged", with(&[("replication", "database")])),
        ("`replication=true`, judged", with(&[("replication", "true")])),
        ("`replication=false`, judged", with(&[("replication", "false")])),
        ("`replication=nonsense`", owner(&[("replication", "nonsense")])),
        ("`replication=database`, not judged", owner(&[("replication", "database")])),
        ("a message before any start-up", vec![query("SELECT 1")]),
        ("HTTP", vec![b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()]),
        ("a handshake of TLS, where it is off", vec![b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".to_vec()]),
        ("a cancel that is too short", vec![b"\0\0\0\x0c\x04\xd2\x16\x2e\0\0\0\x01".to_vec()]),
        ("a cancel of nobody", vec![b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02".to_vec()]),
    ]
}

/// Answers to what is asked of `secretive`: SCRAM.
fn answers() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let hello = |mechanism: &str, length: i32, data: &[u8]| {
        message(b'p', &[mechanism.as_bytes(), b"\0", &length.to_be_bytes()[..], data].concat())
    };
    let first = || hello("SCRAM-SHA-256", 29, b"n,,n=,r=0123456789abcdefghijk");
    vec![
        ("nothing but a query", vec![query("SELECT 1")]),
        ("an unknown message", vec![message(b'!', b"")]),
        ("length 0", vec![b"p\0\0\0\0".to_vec()]),
        ("length -1", vec![b"p\xff\xff\xff\xff".to_vec()]),
        ("length 2^31-1", vec![b"p\x7f\xff\xff\xff".to_vec()]),
        ("a password of 100 KB", vec![message(b'p', &[b'x'; 100_000])]),
        ("nothing in it", vec![message(b'p', b"")]),
        ("a plain password", vec![message(b'p', b"secret\0")]),
        ("a mechanism that was not offered", vec![hello("PLAIN", 5, b"\0a\0bc")]),
        ("SCRAM with channel binding that was not offered", vec![hello("SCRAM-SHA-256-PLUS", 4, b"p=x,")]),
        ("a mechanism without a NUL", vec![message(b'p', b"SCRAM-SHA-256")]),
        ("a length that is too small", vec![hello("SCRAM-SHA-256", 3, b"n,,n=,r=abc")]),
        ("a length that is too big", vec![hello("SCRAM-SHA-256", 900, b"n,,n=,r=abc")]),
        ("a length of -2", vec![hello("SCRAM-SHA-256", -2, b"n,,n=,r=abc")]),
        ("garbage", vec![hello("SCRAM-SHA-256", 4, b"\xff\x00\x01,")]),
        ("no nonce", vec![hello("SCRAM-SHA-256", 6, b"n,,n=,")]),
        ("a nonce that cannot be printed", vec![hello("SCRAM-SHA-256", 11, b"n,,n=,r=\x01\x02 ")]),
        ("a mandatory extension", vec![hello("SCRAM-SHA-256", 15, b"n,,m=x,n=,r=abc")]),
        ("an authorisation identity", vec![hello("SCRAM-SHA-256", 17, b"n,a=other,n=,r=ab")]),
        ("the second answer empty", vec![first(), message(b'p', b"")]),
        ("the second answer garbage", vec![first(), message(b'p', b"\xff\xff\xff\xff")]),
        (
            "another nonce in it",
            vec![first(), message(b'p', b"c=biws,r=zzzzzzzzzz,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")],
        ),
        ("a proof of the wrong length", vec![first(), message(b'p', b"c=biws,r=0123456789abcdefghijk,p=AAAA")]),
        ("no proof", vec![first(), message(b'p', b"c=biws,r=0123456789abcdefghijk")]),
        ("both answers at once", vec![[first(), message(b'p', b"c=biws,r=x,p=AAAA")].concat()]),
    ]
}

/// Messages of a session that is ready.
fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let bind =
        |rest: &[u8]| [parse("", "SELECT $1::text, $2::text"), message(b'B', &[b"\0\0", rest].concat())].concat();
    let read = || query("SELECT id FROM people WHERE id = 1");
    vec![
        ("an unknown message", message(b'!', b"")),
        ("a message of the server's", message(b'Z', b"I")),
        ("a password", message(b'p', b"secret\0")),
        ("a start-up", good()),
        ("Query of length 0", b"Q\0\0\0\0".to_vec()),
        ("Query of length 3", b"Q\0\0\0\x03".to_vec()),
        ("Query of length -1", b"Q\xff\xff\xff\xff".to_vec()),
        ("Query of length 2^31-1", b"Q\x7f\xff\xff\xff".to_vec()),
        ("CopyData of length 0", b"d\0\0\0\0".to_vec()),
        ("Sync of length 2^31-1", b"S\x7f\xff\xff\xff".to_vec()),
        ("Query without a NUL", message(b'Q', b"SELECT 1")),
        ("Query with a message behind its NUL", message(b'Q', b"SELECT 1\0Q\0\0\0\x0dSELECT 2\0")),
        ("Query that is not UTF-8", message(b'Q', b"SELECT '\xff\xfe'\0")),
        ("Query of 64 KiB", query(&format!("SELECT id FROM people WHERE id = 1 {}", " ".repeat(64 << 10)))),
        ("Parse with more types than it says", message(b'P', b"\0SELECT 1\0\0\x01\0\0\0\x17\0\0\0\x17")),
        ("Parse with 65,535 types that are not there", message(b'P', b"\0SELECT 1\0\xff\xff")),
        ("Bind with 65,535 parameters that are not there", bind(b"\0\0\xff\xff\0\0")),
        ("Bind with -1 formats", bind(b"\xff\xff\0\0\0\0")),
        ("Bind with one parameter of two", bind(b"\0\0\0\x01\0\0\0\x01x\0\0")),
        ("Bind with three of two", bind(b"\0\0\0\x03\0\0\0\x01x\0\0\0\x01x\0\0\0\x01x\0\0")),
        ("Bind with a length of -2", bind(b"\0\0\0\x02\xff\xff\xff\xfe\0\0\0\x01x\0\0")),
        ("Bind with a length of 2^31-1", bind(b"\0\0\0\x02\x7f\xff\xff\xff\0\0\0\x01x\0\0")),
        ("Bind with format 7", bind(b"\0\x01\0\x07\0\x02\0\0\0\x01x\0\0\0\x01x\0\0")),
        ("Bind with bytes behind it", bind(b"\0\0\0\x02\0\0\0\x01x\0\0\0\x01x\0\0more")),
        ("Bind of nothing", message(b'B', b"\0nosuch\0\0\0\0\0\0\0")),
        ("Execute of nothing", message(b'E', b"nosuch\0\0\0\0\0")),
        (
            "Execute with a limit of -1",
            [parse("", "SHOW geqo"), message(b'B', b"\0\0\0\0\0\0\0\0"), message(b'E', b"\0\xff\xff\xff\xff")].concat(),
        ),
        ("Describe of neither", message(b'D', b"Xs\0")),
        ("Close of what is not there", message(b'C', b"Snosuch\0")),
        ("Sync with a body", message(b'S', b"x")),
        ("Terminate with a body", message(b'X', b"x")),
        ("FunctionCall", message(b'F', b"\0\0\x07\xea\0\0\0\0\0\0")),
        ("FunctionCall cut short", message(b'F', b"\0\0\x07")),
        ("CopyData where no COPY is", [message(b'd', b"1\n"), read()].concat()),
        ("CopyDone where no COPY is", [message(b'c', b""), read()].concat()),
        ("CopyFail where no COPY is", [message(b'f', b"no\0"), read()].concat()),
        ("CopyFail without a NUL", message(b'f', b"no")),
    ]
}

const PROBE: &str = "SHOW server_encoding";

/// Plays a message, then asks whether the session goes on. What was heard before that.
fn after(port: u16, parameters: &[(&str, &str)], bytes: &[u8]) -> Heard {
    let mut talk = Talk::session(port, parameters);
    talk.stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    talk.send(&[bytes, &sync(), &query(PROBE)].concat());
    let mut frames = Vec::new();
    loop {
        match talk.frame() {
            Ok(frame) if frame.tag == b'C' && frame.body == b"SHOW\0" && ends_so(&frames) => break,
            Ok(frame) => frames.push(frame),
            Err(end) => return Heard { frames, end },
        }
    }
    // Its row description and its row.
    frames.truncate(frames.len() - 2);
    Heard { frames, end: End::Done }
}

/// Whether the last frames are the probe's.
fn ends_so(frames: &[crate::raw::Frame]) -> bool {
    frames.last().is_some_and(|row| row.tag == b'D' && row.body.ends_with(b"UTF8"))
}

/// Plays a start-up and says what came of it.
fn begun(port: u16, sends: &[Vec<u8>]) -> String {
    let mut talk = Talk::open(port);
    talk.stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    let mut words = Vec::new();
    for (at, bytes) in sends.iter().enumerate() {
        talk.send(bytes);
        let is_request = *bytes == SSL || *bytes == GSS;
        if is_request && at + 1 < sends.len() {
            words.push(talk.byte().map_or_else(|| "end".to_owned(), |byte| (byte as char).to_string()));
        }
    }
    words.push(to_the_end(&mut talk).words());
    words.join(" ")
}

/// Everything up to a session that is ready, or to its end.
fn to_the_end(talk: &mut Talk) -> Heard {
    let mut frames = Vec::new();
    loop {
        match talk.frame() {
            Ok(frame) => {
                let ready = frame.tag == b'Z';
                frames.push(frame);
                if ready {
                    return Heard { frames, end: End::Done };
                }
            }
            Err(end) => return Heard { frames, end },
        }
    }
}

/// Answers a request for authentication, one answer for each.
fn answered(port: u16, sends: &[Vec<u8>]) -> String {
    let mut talk = Talk::open(port);
    talk.stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    talk.send(&start(&[("user", "secretive"), ("database", "shop")]));
    for bytes in sends {
        match talk.frame() {
            Ok(frame) if frame.tag == b'R' => {}
            other => return format!("{other:?}"),
        }
        talk.send(bytes);
    }
    to_the_end(&mut talk).words()
}

/// Words as the table has them: SQLSTATEs, and what becomes of the connection.
fn legible(words: &str) -> String {
    let mut told: Vec<String> = Vec::new();
    for word in words.split(' ') {
        let word = match word {
            "end" => "closed".to_owned(),
            "stuck" => "waits".to_owned(),
            "ZI" => continue,
            word if word.len() == 6 && word.starts_with('E') => word[1..].to_owned(),
            "v" => "negotiated".to_owned(),
            _answers => continue,
        };
        if told.last() != Some(&word) {
            told.push(word);
        }
    }
    match (told.is_empty(), words.ends_with('I')) {
        (true, _) => "goes on".to_owned(),
        (false, true) => format!("{}, goes on", told.join(", ")),
        (false, false) => told.join(", "),
    }
}

const BEGIN: &str = "<!-- hostile: begin -->\n";
const END: &str = "<!-- hostile: end -->\n";

/// Cases side by side, on a few threads: some last as long as a login may.
fn side_by_side<T: Sync, R: Send>(cases: &[T], play: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let play = &play;
    let mut results = Vec::new();
    for some in cases.chunks(12) {
        std::thread::scope(|scope| {
            let running: Vec<_> = some.iter().map(|case| scope.spawn(move || play(case))).collect();
            results.extend(running.into_iter().map(|case| case.join().expect("a case")));
        });
    }
    results
}

#[test]
fn what_is_hostile_gets_what_the_table_says() {
    let [(_, direct), (_, proxied)] = world().ways();
    let own = own_scram().address.port();
    let mut bystander = Talk::session(proxied, SERVICE);
    let mut table = String::from("| start-up | Postgres 15 | the proxy |\n|---|---|---|\n");
    let rows = side_by_side(&start_ups(), |(name, sends)| (*name, begun(direct, sends), begun(proxied, sends)));
    for (name, one, other) in &rows {
        let _ = writeln!(table, "| {name} | {} | {} |", legible(one), legible(other));
        assert!(!other.contains("stuck"), "{name}: {other}");
    }
    table += "\n| answer to a request for SCRAM | Postgres 15 | the proxy, the server authenticating | the proxy authenticating |\n\
              |---|---|---|---|\n";
    let rows = side_by_side(&answers(), |(name, sends)| {
        (*name, [direct, proxied, own].map(|port| legible(&answered(port, sends))))
    });
    for (name, [one, other, own]) in &rows {
        let _ = writeln!(table, "| {name} | {one} | {other} | {own} |");
        assert!(other.ends_with("closed") && own.ends_with("closed"), "{name}");
    }
    table += "\n| message | Postgres 15 | the proxy, judged | the proxy, not judged |\n|---|---|---|---|\n";
    let rows = side_by_side(&messages(), |(name, bytes)| {
        let played = |port, parameters| legible(&after(port, parameters, bytes).words());
        (*name, [played(direct, TRAINING), played(proxied, TRAINING), played(proxied, OWNER)])
    });
    for (name, [one, judged, trusted]) in &rows {
        let _ = writeln!(table, "| {name} | {one} | {judged} | {trusted} |");
        assert!(!judged.contains("waits") && !trusted.contains("waits"), "{name}");
    }
    assert_eq!(bystander.ask("SELECT id FROM people LIMIT 1"), "T D C ZI");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/protocol.md");
    let page = std::fs::read_to_string(path).expect("a page");
    let (before, rest) = page.split_once(BEGIN).expect("the table's begin");
    let (kept, behind) = rest.split_once(END).expect("the table's end");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") && major() == 15 {
        std::fs::write(path, format!("{before}{BEGIN}{table}{END}{behind}")).expect("a page");
        return;
    }
    // Of another major only the proxy's own columns count.
    let columns = |table: &str| -> Vec<String> {
        let own = |line: &str| {
            line.split('|').enumerate().filter(|(at, _)| *at != 2).map(|(_, cell)| cell).collect::<Vec<_>>().join("|")
        };
        table.lines().map(|line| if major() == 15 { line.to_owned() } else { own(line) }).collect()
    };
    let differing: Vec<_> = columns(kept).into_iter().zip(columns(&table)).filter(|(a, b)| a != b).collect();
    assert!(differing.is_empty() && kept.lines().count() == table.lines().count(), "{differing:#?}");
}

#[test]
fn a_message_cut_short_anywhere_is_an_error_or_the_end() {
    let [(_, direct), (_, proxied)] = world().ways();
    let mut cases: Vec<Vec<u8>> = Vec::new();
    for (tag, body) in [
        (b'Q', &b"SELECT 1\0"[..]),
        (b'P', b"s\0SELECT $1\0\0\x01\0\0\0\x19"),
        (b'B', b"\0\0\0\x01\0\0\0\x01\0\0\0\x02ab\0\x01\0\0"),
        (b'D', b"Ss\0"),
        (b'E', b"p\0\0\0\0\0"),
        (b'C', b"Ps\0"),
        (b'S', b""),
        (b'H', b""),
        (b'f', b"why\0"),
        (b'c', b""),
        (b'F', b"\0\0\x07\xea\0\0\0\0\0\0"),
    ] {
        cases.extend((0..body.len()).map(|cut| message(tag, &body[..cut])));
        cases.push(message(tag, &[body, b"\0"].concat()));
        cases.push(message(tag, &[body, b"Q\0\0\0\x0dSELECT 2\0"].concat()));
    }
    assert!(cases.len() > 80);
    let mut bystander = Talk::session(proxied, SERVICE);
    side_by_side(&cases, |bytes| {
        let direct = after(direct, OWNER, bytes).words();
        let proxied = after(proxied, OWNER, bytes).words();
        assert!(proxied == direct || proxied == "E08P01 end", "{}: {direct}, {proxied}", bytes.escape_ascii());
    });
    assert_eq!(bystander.ask("SELECT id FROM people LIMIT 1"), "T D C ZI");
}

#[test]
fn a_hundred_thousand_tiny_messages() {
    const MANY: usize = 100_000;
    let proxy = Process::start(&world().cluster, "");
    drop(Talk::session(proxy.port, SERVICE));
    let mut before = None;
    for (name, one) in [
        ("Sync", sync()),
        ("Flush", message(b'H', b"")),
        ("CopyData", message(b'd', b"")),
        ("CopyDone", message(b'c', b"")),
        ("an empty Query", query("")),
        ("Parse", parse("", "SELECT 1")),
        ("Close", message(b'C', b"Sx\0")),
        ("Describe of what is not there", message(b'D', b"Sx\0")),
    ] {
        let heard = [world().cluster.port, proxy.port].map(|port| {
            let mut talk = Talk::session(port, TRAINING);
            let mut writer = talk.stream.try_clone().expect("a second handle");
            let bytes = [one.repeat(MANY), sync(), query(PROBE)].concat();
            std::thread::scope(|scope| {
                scope.spawn(move || std::io::Write::write_all(&mut writer, &bytes).expect("writes"));
                let mut counts: BTreeMap<char, usize> = BTreeMap::new();
                loop {
                    let frame = talk.frame().unwrap_or_else(|end| panic!("{name}: {end:?} {counts:?}"));
                    *counts.entry(frame.tag as char).or_default() += 1;
                    if frame.tag == b'C' && frame.body == b"SHOW\0" {
                        return counts;
                    }
                }
            })
        });
        assert_eq!(heard[0], heard[1], "{name}");
        let now = proxy.megabytes();
        let first = *before.get_or_insert(now);
        assert!(now <= first + 24, "{name}: {first} MB, then {now} MB");
    }
}

/// Bytes that come one by one do not keep a connection open for longer than a login may take.
#[test]
fn a_start_up_that_trickles_is_ended() {
    let mut talk = Talk::open(world().proxy.address.port());
    let bytes = start(&[("user", "bare"), ("application_name", &"x".repeat(2000))]);
    let mut writer = talk.stream.try_clone().expect("a second handle");
    let trickle = std::thread::spawn(move || {
        bytes
            .iter()
            .take_while(|byte| {
                std::thread::sleep(Duration::from_millis(50));
                std::io::Write::write_all(&mut writer, &[**byte]).is_ok()
            })
            .count()
    });
    assert_eq!(talk.rest().end, End::Closed);
    assert!(trickle.join().expect("a count") < 200);
}
