//! When nothing can be written.

use super::sinks::Syslog;
use super::{Proxy, of_kind, path, records, said};
use crate::common::raw::{Format, Frame, Raw, bind, execute, parse, query, sync};
use std::time::{Duration, Instant};

fn code(frames: &[Frame]) -> Option<String> {
    frames.iter().find(|frame| frame.tag == b'E')?.field(b'C')
}

/// A file that may not grow any more, as on a disk that is full.
#[test]
fn restricted_purposes_are_refused_and_others_pass() {
    let folder = tempfile::tempdir().expect("a folder");
    let proxy = Proxy::start_in(folder, "[audit]\nhold_time = 1\n[audit.file]\npath = \"audit.jsonl\"\n", Some(24));
    let mut service = proxy.raw("app_service");
    let mut answered = 0;
    // The statement whose record is not written hears nothing but that.
    let lost = loop {
        assert!(service.try_send(&query("SELECT count(*) FROM messages")) && answered < 1000);
        let frame = service.frame();
        match frame.tag {
            b'E' => break frame,
            _ => drop(service.until_ready(1)),
        }
        answered += 1;
    };
    assert!(answered > 3, "{answered}");
    assert_eq!((lost.field(b'C').as_deref(), lost.field(b'S').as_deref()), (Some("58030"), Some("FATAL")));
    let mut next = proxy.raw("app_service");
    let frames = next.exchange(&[query("SELECT 1")]);
    assert_eq!(code(&frames).as_deref(), Some("58030"), "{frames:?}");
    let mut owner = proxy.raw("dba");
    let frames = owner.exchange(&[query("SELECT 1")]);
    assert_eq!(code(&frames), None, "{frames:?}");
    assert!(proxy.log().contains("the audit trail cannot be written"), "{}", proxy.log());
    let folder = proxy.kill();
    // No half line is left.
    let (code, all) = said(&["verify", &path(&folder, "audit.jsonl")]);
    assert_eq!(code, Some(0), "{all}");
    assert!(!all.contains("half a line"), "{all}");
}

/// The result waits for its record, and comes once that is written.
#[test]
fn nothing_is_released_before_its_record_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("log");
    let syslog = Syslog::at(&socket);
    let proxy = Proxy::start_in(folder, "[audit]\nhold_time = 60\n[audit.syslog]\nto = \"unix:DIR/log\"\n", None);
    let mut service = proxy.raw("app_service");
    service.exchange(&[query("SELECT 1")]);
    syslog.close();
    std::fs::remove_file(&socket).expect("the socket");
    let mut waiting: Raw = service.with_patience(Duration::from_millis(700));
    waiting.send(&query("SELECT body FROM messages"));
    assert_eq!(waiting.frame_if_any(), None, "it was released");
    // Others are refused at once meanwhile.
    let begun = Instant::now();
    let frames = proxy.raw("app_service").exchange(&[query("SELECT 1")]);
    assert!(code(&frames).as_deref() == Some("58030") && begun.elapsed() < Duration::from_secs(2), "{frames:?}");
    assert_eq!(code(&proxy.raw("dba").exchange(&[query("SELECT 1")])), None);
    let syslog = Syslog::at(&socket);
    let mut waiting = waiting.with_patience(Duration::from_secs(10));
    assert_eq!(waiting.frame().tag, b'T', "it comes once it is recorded");
    waiting.until_ready(1);
    super::eventually("its record is there", || {
        syslog.lines().iter().any(|line| line.contains("SELECT body FROM messages"))
    });
}

/// With `when_full = "pass"` nothing waits for a trail that cannot be written.
#[test]
fn a_trail_that_may_fail_stops_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("log");
    let syslog = Syslog::at(&socket);
    let audit = "[audit]\nwhen_full = \"pass\"\nbuffer_bytes = 20000\n[audit.syslog]\nto = \"unix:DIR/log\"\n";
    let proxy = Proxy::start_in(folder, audit, None);
    let mut service = proxy.raw("app_service");
    service.exchange(&[query("SELECT 1")]);
    syslog.close();
    std::fs::remove_file(&socket).expect("the socket");
    for _ in 0..40 {
        assert_eq!(code(&service.exchange(&[query("SELECT 1")])), None);
    }
    let syslog = Syslog::at(&socket);
    super::eventually("a line says how many were lost", || {
        syslog.lines().iter().any(|line| line.contains("\"kind\":\"lost\""))
    });
}

/// While writing goes on nothing is lost, however fast a session sends: it waits.
#[test]
fn a_flood_loses_no_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let proxy = Proxy::start_in(folder, "[audit]\nbuffer_bytes = 20000\n[audit.file]\npath = \"audit.jsonl\"\n", None);
    let mut messages = vec![parse("s", "SELECT 1"), bind("", "s", &[], Format::Text)];
    messages.extend((0..3000).map(|_| execute("", 0)));
    messages.extend([parse("", "SELECT body FROM messages"), bind("", "", &[], Format::Text), execute("", 0), sync()]);
    let frames = proxy.raw("dba").exchange(&messages);
    assert_eq!(code(&frames), None);
    // The session's own refusals, too.
    let refused: Vec<Vec<u8>> = (0..300).map(|_| query("SELECT body FROM messages")).collect();
    proxy.raw("ml_engineer").exchange(&refused);
    let file = proxy.file();
    let _folder = proxy.stop();
    let records = records(&file);
    assert_eq!(of_kind(&records, "lost").count(), 0);
    assert_eq!(of_kind(&records, "decision").count(), 3000 + 1 + 300);
}
