//! What is rare: wide rows, big values, sockets of the machine, messages that come by themselves.

use crate::raw::{Format, Frame, bind, execute, message, parse, query, sync};
use crate::relay_support::Proxy;
use crate::scripts::run;
use crate::soak::soak;
use crate::talk::{Heard, Step, Talk, startup, whole};
use crate::{Cluster, HBA, OWNER, POLICY, SERVICE, SETUP, TRAINING, same, wait_for, world};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

#[test]
fn as_many_columns_as_there_may_be() {
    let columns = |each: &dyn Fn(usize) -> String, count: usize| (1..=count).map(each).collect::<Vec<_>>().join(", ");
    let numbers = columns(&|number| format!("{number} AS c{number}"), 1600);
    let steps = [whole(&[query(&format!("SELECT {numbers}")), run(&format!("SELECT {numbers}")), sync()])];
    same("of nothing", OWNER, &steps);
    same("of nothing", SERVICE, &steps);
    let labels = columns(&|number| format!("label AS c{number}"), 1600);
    same("of a table", SERVICE, &[whole(&[query(&format!("SELECT {labels} FROM items WHERE id < 3"))])]);
    let table = columns(&|number| format!("c{number} int"), 1600);
    let values = columns(&|number| number.to_string(), 1600);
    let steps = [
        whole(&[
            query(&format!("CREATE TEMP TABLE wide ({table})")),
            query(&format!("INSERT INTO wide VALUES ({values})")),
        ]),
        whole(&[query("SELECT * FROM wide"), query("COPY wide TO STDOUT"), query("SELECT count(wide) FROM wide")]),
        whole(&[query(&format!("SELECT {}", columns(&|number| number.to_string(), 1665)))]),
    ];
    same("a table", OWNER, &steps);
    let parameters: Vec<String> = (1..=65_535).map(|number| number.to_string()).collect();
    let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
    let list = (1..=65_535).map(|number| format!("${number}::int")).collect::<Vec<_>>().join(",");
    let most =
        [parse("", &format!("SELECT {list}::int[]").replace("SELECT ", "SELECT ARRAY[").replace("::int[]", "]"))];
    let steps = [whole(&[most[0].clone(), bind("", "", &parameters, Format::Text), execute("", 0), sync()])];
    same("parameters", OWNER, &steps);
}

/// Reads a frame that is too big to keep, and sums its bytes.
fn summed(talk: &mut Talk) -> (u8, usize, u64) {
    let mut head = [0; 5];
    talk.stream.read_exact(&mut head).expect("a head");
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize - 4;
    let (mut left, mut sum) = (length, 0);
    let mut piece = vec![0; 1 << 20];
    while left > 0 {
        let most = left.min(piece.len());
        let count = talk.stream.read(&mut piece[..most]).expect("a piece");
        assert!(count > 0, "{left} bytes of {length} are missing");
        sum += piece[..count].iter().map(|byte| u64::from(*byte)).sum::<u64>();
        left -= count;
    }
    (head[0], length, sum)
}

/// 256 MB, in a soak nearly 1 GB, in both directions, by a parameter and by COPY.
#[test]
fn values_as_big_as_there_may_be() {
    let size = if soak().is_some() { (1 << 30) - (1 << 20) } else { 256 << 20 };
    let proxy = crate::process::Process::start(&world().cluster, "");
    drop(Talk::session(proxy.port, SERVICE));
    let before = proxy.megabytes();
    for parameters in [OWNER, SERVICE] {
        let mut talk = Talk::session(proxy.port, parameters);
        talk.send(&query(&format!("SELECT repeat('x', {size})")));
        assert_eq!(summed(&mut talk).0, b'T');
        assert_eq!(summed(&mut talk), (b'D', size + 6, u64::from(b'x') * size as u64 + 2 + row_head(size)));
        assert_eq!([summed(&mut talk).0, summed(&mut talk).0], [b'C', b'Z']);
        // A parameter: the head of the Bind, then its value in pieces.
        talk.send(&parse("", "SELECT length($1::bytea)"));
        let body = 1 + 1 + 2 + 2 + 2 + 4 + size + 2;
        let head = [
            &b"B"[..],
            &(body as u32 + 4).to_be_bytes(),
            b"\0\0",
            b"\0\x01\0\x01",
            b"\0\x01",
            &(size as u32).to_be_bytes(),
        ];
        talk.send(&head.concat());
        let piece = vec![b'y'; 1 << 20];
        for _ in 0..size >> 20 {
            talk.stream.write_all(&piece).expect("writes");
        }
        let rest = [b"\0\0".to_vec(), execute("", 0), sync()].concat();
        let heard = talk.play(&[Step::until(b'Z', rest)]);
        assert_eq!(heard.words(), "1 2 D C ZI");
        assert!(heard.frames[2].body.ends_with(size.to_string().as_bytes()));
    }
    let mut talk = Talk::session(proxy.port, OWNER);
    talk.play(&[whole(&[query("CREATE TEMP TABLE c (t text)")]), Step::until(b'G', query("COPY c FROM STDIN"))]);
    talk.send(&[&b"d"[..], &(size as u32 + 5).to_be_bytes()].concat());
    let piece = vec![b'z'; 1 << 20];
    for _ in 0..size >> 20 {
        talk.stream.write_all(&piece).expect("writes");
    }
    let heard = talk.play(&[Step::until(b'Z', [b"\n".to_vec(), message(b'c', b"")].concat())]);
    assert_eq!(heard.words(), "C ZI");
    assert_eq!(talk.value("SELECT length(t) FROM c"), size.to_string());
    let after = proxy.megabytes();
    assert!(after < before + 32, "values pass through: {before} MB, then {after} MB");
}

/// What the number of columns and the length word add to the sum of a row's bytes.
fn row_head(size: usize) -> u64 {
    let words: u64 = (size as u32).to_be_bytes().iter().map(|byte| u64::from(*byte)).sum();
    words - 1
}

/// Both legs over sockets of the machine.
#[test]
fn unix_sockets_on_both_legs() {
    let world = world();
    let folder = tempfile::tempdir().expect("a folder");
    let listen = format!("listen_unix = \"{}\"", folder.path().display());
    let upstream = world.cluster.directory.path().display().to_string();
    let proxy = Proxy::to(&upstream, world.cluster.port, POLICY, &listen, "", "");
    let socket = |folder: &std::path::Path, port: u16| folder.join(format!(".s.PGSQL.{port}"));
    let speak = |path: std::path::PathBuf, parameters: &[(&str, &str)]| {
        let mut stream = UnixStream::connect(path).expect("connects");
        let batch =
            [startup(0x0003_0000, parameters), query("SELECT id, label FROM items WHERE id < 5"), message(b'X', b"")]
                .concat();
        stream.write_all(&batch).expect("writes");
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).expect("reads");
        frames(&heard)
    };
    for parameters in [OWNER, SERVICE] {
        let direct = speak(socket(world.cluster.directory.path(), world.cluster.port), parameters);
        let proxied = speak(socket(folder.path(), proxy.address.port()), parameters);
        direct.assert_same(&proxied, "unix");
        assert!(direct.words().contains("T D D D D C ZI"), "{}", direct.words());
    }
    let mut refused = Talk::open(proxy.address.port());
    assert!(refused.play(&[Step::until(b'Z', startup(0x0003_0000, TRAINING))]).words().ends_with("ZI"));
}

fn frames(mut bytes: &[u8]) -> Heard {
    let mut frames = Vec::new();
    while let [tag, a, b, c, d, rest @ ..] = bytes {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize - 4;
        frames.push(Frame { tag: *tag, body: rest[..length].to_vec() });
        bytes = &rest[length..];
    }
    Heard { frames, end: crate::talk::End::Done }
}

/// Settings that the server changes, notices and notifications, while idle, in a transaction and in COPY.
#[test]
fn what_comes_by_itself_is_passed_on() {
    let cluster = Cluster::with_settings(HBA, SETUP, &[]);
    let proxy = Proxy::start(&cluster, POLICY, "");
    let ports = [cluster.port, proxy.address.port()];
    // A setting of the server: reported before the next answer that is ready.
    for parameters in [OWNER, SERVICE] {
        let mut talks = ports.map(|port| Talk::session(port, parameters));
        for zone in ["Asia/Tokyo", "UTC"] {
            cluster.psql("postgres", &format!("ALTER SYSTEM SET timezone = '{zone}'")).expect("a setting");
            cluster.psql("postgres", "SELECT pg_reload_conf()").expect("a reload");
            for talk in &mut talks {
                let mut reports = Vec::new();
                // The server's processes hear of it in their own time.
                for _ in 0..400 {
                    let heard = talk.play(&[whole(&[query("SELECT id FROM items WHERE id = 1")])]);
                    reports.extend(
                        heard
                            .frames
                            .into_iter()
                            .filter(|frame| frame.tag == b'S' && frame.body.starts_with(b"TimeZone")),
                    );
                    if !reports.is_empty() {
                        break;
                    }
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                let bodies: Vec<&[u8]> = reports.iter().map(|frame| &frame.body[..]).collect();
                assert_eq!(bodies, [format!("TimeZone\0{zone}\0").as_bytes()]);
            }
        }
    }
    // Notifications, while idle and in a COPY, at whose end they come; a purpose hears what it may listen to.
    for (port, parameters) in [(ports[0], OWNER), (ports[1], OWNER), (ports[1], SERVICE)] {
        let mut talk = Talk::session(port, parameters);
        assert_eq!(talk.ask("LISTEN jobs"), "C ZI");
        cluster.psql("shop", "NOTIFY jobs, 'idle'").expect("notifies");
        let frame = talk.frame().expect("a notification");
        assert_eq!((frame.tag, &frame.body[4..]), (b'A', &b"jobs\0idle\0"[..]));
        assert_eq!(talk.ask("BEGIN"), "C ZT");
        cluster.psql("shop", "NOTIFY jobs, 'later'").expect("notifies");
        assert_eq!(talk.ask("SELECT id FROM items WHERE id = 1"), "T D C ZT");
        let words = talk.ask("COMMIT");
        assert!(matches!(&*words, "C ZI" | "C A ZI"), "{words}");
        if words == "C ZI" {
            assert_eq!(talk.frame().expect("a notification").tag, b'A');
        }
    }
    let notices = "CREATE TABLE loud (id int); CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS \
                   $$ BEGIN RAISE NOTICE 'row %', NEW.id; RETURN NEW; END $$; \
                   CREATE TRIGGER loud BEFORE INSERT ON loud FOR EACH ROW EXECUTE FUNCTION shout()";
    cluster.psql("shop", notices).expect("a trigger");
    let steps = [
        whole(&[query("LISTEN jobs")]),
        Step::until(b'G', query("COPY loud FROM STDIN")),
        Step::until(b'Z', [message(b'd', b"1\n"), message(b'd', b"2\n3\n"), message(b'c', b"")].concat()),
        whole(&[query("NOTIFY jobs, 'own'"), query("COPY (SELECT g FROM generate_series(1, 3) g) TO STDOUT")]),
    ];
    let [direct, proxied] = ports.map(|port| Talk::whole(port, OWNER, &steps));
    direct.assert_same(&proxied, "notices in COPY");
    assert_eq!(direct.frames.iter().filter(|frame| frame.tag == b'N').count(), 3);
    // A session that the server ends while nothing is asked.
    let mut talk = Talk::session(ports[1], SERVICE);
    let ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bare' AND query LIKE '%label%'";
    assert_eq!(talk.ask("SELECT label FROM items WHERE id = 1"), "T D C ZI");
    cluster.psql("postgres", ends).expect("ends");
    assert_eq!(talk.rest().words(), "E57P01 end");
}

/// Answers that are asked for before a Sync come before it.
#[test]
fn flushed_answers_come_without_a_sync() {
    let flushed = |bytes: Vec<u8>, tag| Step::until(tag, [bytes, crate::raw::flush()].concat());
    for parameters in [OWNER, SERVICE] {
        let steps = [
            flushed(parse("s", "SELECT id FROM items WHERE id < $1 ORDER BY id"), b'1'),
            flushed(crate::raw::describe_statement("s"), b'T'),
            flushed(bind("p", "s", &["6"], Format::Text), b'2'),
            flushed(execute("p", 2), b's'),
            flushed(execute("p", 2), b's'),
            flushed(execute("p", 2), b'C'),
            flushed(execute("p", 2), b'C'),
            flushed(crate::raw::close_portal("p"), b'3'),
            flushed(run(""), b'I'),
            whole(&[sync()]),
        ];
        same("flushed", parameters, &steps);
    }
    wait_for("state = 'idle in transaction'", 0);
}
