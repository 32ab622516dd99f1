//! Errors and notices: where the policy keeps something of a relation back, no field of them carries a value of it;
//! where it opens everything, they are Postgres's own, byte for byte.
//!
//! Every value of the table contains `CANARY` or one of its numbers, `directly` shows that Postgres quotes it.

#[path = "discreet/cases.rs"]
mod cases;
mod common;

use cases::{CASES, Case, PACK, SCHEMA};
use common::raw::{self, Format, Frame, Raw};
use common::transcript::bare;
use common::{At, Cluster, Proxy};

/// What no client may be told: every value of the guarded tables.
const VALUES: [&str; 3] = ["CANARY", "canary", "4711"];

/// A database and a proxy before it; the role is a superuser, so that nothing leans on Postgres's own privileges.
fn stage(database: &str) -> Proxy {
    let cluster = Cluster::shared();
    cluster.database(database, SCHEMA);
    cluster.sql(database, "ALTER ROLE tester SUPERUSER");
    Proxy::with_policy(cluster, PACK)
}

fn client(port: u16, database: &str, purpose: Option<&str>) -> Raw {
    At { port, database, user: "tester", purpose }.raw()
}

fn direct(database: &str) -> Raw {
    client(Cluster::shared().port(), database, None)
}

/// Errors and notices among the frames.
fn reports(frames: &[Frame]) -> Vec<&Frame> {
    frames.iter().filter(|frame| matches!(frame.tag, b'E' | b'N')).collect()
}

fn quotes_a_value(frame: &Frame) -> bool {
    // A reference number is random, and a source line a number: either can look like a value.
    let frame = bare(frame);
    let text = String::from_utf8_lossy(&frame.body);
    VALUES.iter().any(|value| text.contains(value))
}

/// A refusal of the proxy's own has no source file.
fn is_refusal(frame: &Frame) -> bool {
    frame.tag == b'E' && frame.field(b'F').is_none() && !shown(frame).contains("reference")
}

fn shown(frame: &Frame) -> String {
    String::from_utf8_lossy(&frame.body).replace('\0', " | ")
}

/// The messages of a case in a protocol, and of its clean-up.
fn messages(case: &Case, extended: bool) -> Vec<Vec<u8>> {
    if !extended {
        return vec![raw::query(case.sql)];
    }
    vec![raw::parse("", case.sql), raw::bind("", "", &[], Format::Text), raw::execute("", 0), raw::sync()]
}

fn answer(client: &mut Raw, case: &Case, extended: bool) -> Vec<Frame> {
    for setting in case.before {
        client.exchange(&[raw::query(setting)]);
    }
    let frames = client.exchange(&messages(case, extended));
    client.exchange(&[raw::query("ROLLBACK")]);
    frames
}

/// One statement only can be prepared.
fn protocols(case: &Case) -> &'static [bool] {
    if case.sql.contains(';') { &[false] } else { &[false, true] }
}

#[test]
fn no_report_carries_a_value() {
    let proxy = stage("discreet");
    let (mut filtered, mut refused, mut wrong) = (0, Vec::new(), Vec::new());
    for case in CASES {
        for &extended in protocols(case) {
            let bare = answer(&mut direct("discreet"), case, extended);
            let bare = reports(&bare);
            if !bare.iter().any(|frame| quotes_a_value(frame)) {
                wrong.push(format!("Postgres quotes nothing: {}", case.sql));
            }
            let answered = answer(&mut client(proxy.port(), "discreet", Some("support")), case, extended);
            let told = reports(&answered);
            for frame in &told {
                if quotes_a_value(frame) {
                    wrong.push(format!("{}: {}", case.sql, shown(frame)));
                }
            }
            if told.iter().any(|frame| is_refusal(frame)) {
                refused.push(case.sql);
                continue;
            }
            // The same errors with the same codes, and whoever asks is told where to look.
            let codes = |frames: &[&Frame]| {
                let codes = frames.iter().map(|frame| (frame.tag, frame.field(b'C'), frame.field(b'V')));
                codes.collect::<Vec<_>>()
            };
            if codes(&told) != codes(&bare) {
                wrong.push(format!("{}: {:?} instead of {:?}", case.sql, codes(&told), codes(&bare)));
            }
            for (frame, original) in told.iter().zip(&bare) {
                if quotes_a_value(original) {
                    let text = shown(frame);
                    if !text.contains("withheld under purpose \"support\": reference ") {
                        wrong.push(format!("no reference: {}: {text}", case.sql));
                    }
                    filtered += 1;
                }
            }
        }
    }
    let distinct: std::collections::BTreeSet<_> = refused.iter().collect();
    println!("{} cases, {filtered} reports filtered; refused: {distinct:#?}", CASES.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(CASES.len() >= 60);
    assert!(distinct.len() <= REFUSED, "more is refused than before: {distinct:#?}");
}

/// Cases that the proxy does not let through to the server at all.
const REFUSED: usize = 2;

#[test]
fn what_is_open_is_told_as_postgres_tells_it() {
    let proxy = stage("discreet_open");
    for case in CASES {
        for &extended in protocols(case) {
            let bare = answer(&mut direct("discreet_open"), case, extended);
            let answered = answer(&mut client(proxy.port(), "discreet_open", Some("everything")), case, extended);
            if reports(&answered).iter().any(|frame| is_refusal(frame)) {
                continue;
            }
            assert_eq!(told(&answered), told(&bare), "{}", case.sql);
        }
    }
}

/// Triggers that say something, some with the policy's word that they may.
const SPEAKING: &str = "
    CREATE FUNCTION says() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no % here', NEW.word; END$$;
    CREATE FUNCTION says_too() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no % here', NEW.word; END$$;
    CREATE FUNCTION shout(text) RETURNS int LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no % here', $1; END$$;
    CREATE TABLE spoken (id int, word text);
    CREATE TRIGGER says BEFORE INSERT ON spoken FOR EACH ROW EXECUTE FUNCTION says();
    CREATE TABLE spoken_too (id int, word text);
    CREATE TRIGGER says BEFORE INSERT ON spoken_too FOR EACH ROW EXECUTE FUNCTION says_too();
    CREATE TABLE spoken_beside (id int, word text, secret text);
    CREATE TRIGGER says BEFORE INSERT ON spoken_beside FOR EACH ROW EXECUTE FUNCTION says();
    -- A key that is followed to a table with another trigger.
    CREATE TABLE spoken_of (id int PRIMARY KEY);
    INSERT INTO spoken_of VALUES (1);
    CREATE TABLE follows (id int REFERENCES spoken_of ON UPDATE CASCADE, word text DEFAULT 'CANARY');
    INSERT INTO follows VALUES (1);
    CREATE TRIGGER says BEFORE UPDATE ON follows FOR EACH ROW EXECUTE FUNCTION says_too();
";

#[test]
fn the_words_of_a_trigger_pass_where_the_policy_says_so() {
    let cluster = Cluster::shared();
    cluster.database("discreet_words", &format!("{SCHEMA}{SPEAKING}"));
    cluster.sql("discreet_words", "ALTER ROLE tester SUPERUSER");
    let functions = [("says", "messages = \"pass\""), ("says_too", ""), ("shout", "messages = \"pass\"")]
        .map(|(name, messages)| format!("[function.\"public.{name}\"]\nreads = []\n{messages}\n"));
    let tables = ["spoken", "spoken_too", "spoken_beside", "spoken_of", "follows"].map(|name| {
        format!("[table.\"public.{name}\"]\nsubject = \"person\"\ndefault = \"open\"\ncolumns.secret = \"secret\"\n")
    });
    let proxy = Proxy::with_policy(cluster, &format!("{PACK}{}{}", functions.concat(), tables.concat()));
    for (sql, passes) in [
        ("INSERT INTO spoken VALUES (1, 'CANARY')", true),
        ("INSERT INTO spoken_too VALUES (1, 'CANARY')", false),
        ("INSERT INTO spoken_beside VALUES (1, 'CANARY')", false),
        ("UPDATE spoken_of SET id = 2", false),
        ("SELECT shout('CANARY')", true),
        ("SELECT shout(word) FROM people", false),
        ("SELECT raise_it('exception', 'CANARY')", false),
    ] {
        let case = Case { sql, before: &[] };
        let bare = answer(&mut direct("discreet_words"), &case, true);
        let answered = answer(&mut client(proxy.port(), "discreet_words", Some("support")), &case, true);
        assert!(reports(&bare).iter().any(|frame| quotes_a_value(frame)), "{sql}: {:?}", told(&bare));
        match passes {
            true => assert_eq!(told(&answered), told(&bare), "{sql}"),
            false => {
                let told = told(&answered);
                assert!(
                    told.iter().all(|text| !text.contains("CANARY") && text.contains("reference")),
                    "{sql}: {told:?}"
                );
            }
        }
    }
}

/// All fields of all reports.
fn told(frames: &[Frame]) -> Vec<String> {
    reports(frames).into_iter().map(shown).collect()
}
