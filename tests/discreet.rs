//! Errors and notices: where the policy keeps something of a relation back, no field of them carries a value of it;
//! where it opens everything, they are Postgres's own, byte for byte.
//!
//! Every value of the table contains `CANARY` or one of its numbers, `directly` shows that Postgres quotes it.

#[path = "discreet/cases.rs"]
mod cases;
mod common;

use cases::{CASES, Case, PACK, SCHEMA};
use common::raw::{self, Format, Frame, Raw};
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

/// All fields of all reports.
fn told(frames: &[Frame]) -> Vec<String> {
    reports(frames).into_iter().map(shown).collect()
}
