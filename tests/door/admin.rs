//! The admin port: health, readiness and metrics of a proxy that works, has lost its server, and stops.

use super::reload::{Process, one};
use super::{Cluster, HBA, SETUP, block_on, world};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const ADMIN: &str = "[admin]\nlisten = \"127.0.0.1:0\"\n";

/// A request, and the status and body that it is answered with.
fn ask(port: u16, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the admin port");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
    // What is too long may be answered before its end.
    let _ = write!(stream, "{request} HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n");
    let mut answer = Vec::new();
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        answer.extend_from_slice(&bytes[..count]);
    }
    let answer = String::from_utf8(answer).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head[9..12].parse().expect("a status"), body.to_owned())
}

/// The samples of a scrape by name and labels.
fn scrape(port: u16) -> BTreeMap<String, f64> {
    let (status, text) = ask(port, "GET /metrics");
    assert_eq!(status, 200);
    assert!(text.ends_with("# EOF\n"), "{text}");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
            (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
        })
        .collect()
}

fn sample(samples: &BTreeMap<String, f64>, name: &str) -> f64 {
    *samples.get(name).unwrap_or_else(|| panic!("no {name} in {:#?}", samples.keys()))
}

/// Waits until an answer is as expected.
fn becomes(port: u16, path: &str, status: u16, part: &str) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let (found, body) = ask(port, path);
        if found == status && body.contains(part) {
            return;
        }
        assert!(Instant::now() < until, "{path}: {found} {body}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_counted_is_told() {
    let (process, admin) = Process::start_with_admin(ADMIN, world().cluster.port);
    assert_eq!(ask(admin, "GET /health"), (200, "ok\n".to_owned()));
    assert_eq!(ask(admin, "GET /ready"), (200, "ready\n".to_owned()));
    assert_eq!((ask(admin, "GET /nothing").0, ask(admin, "POST /metrics").0), (404, 405));
    let before = scrape(admin);
    assert_eq!(sample(&before, "wherefore_sessions_total"), 0.0);
    assert!(before.keys().all(|name| !name.contains("database=")), "no database is in use: {before:#?}");
    block_on(async {
        let client = process.connect("app", "shop").await;
        for _ in 0..3 {
            assert_eq!(one(&client, "SELECT id FROM people WHERE id = 1").await, "1");
        }
        one(&client, "SET wherefore.purpose = 'training'").await;
        assert_eq!(one(&client, "SELECT note FROM people WHERE id = 1").await, "42501");
        let after = scrape(admin);
        let server = format!("127.0.0.1:{}", world().cluster.port);
        let labels = format!("database=\"shop\",pack=\"shop\",server=\"{server}\"");
        for (name, expected) in [
            ("wherefore_sessions_total", 1.0),
            ("wherefore_sessions_open", 1.0),
            ("wherefore_draining", 0.0),
            ("wherefore_decisions_total{outcome=\"refused\"}", 1.0),
            ("wherefore_decisions_total{outcome=\"shadowed\"}", 0.0),
            (&format!("wherefore_database_sessions{{{labels}}}"), 1.0),
            (&format!("wherefore_catalog_readable{{{labels}}}"), 1.0),
            (&format!("wherefore_policy_fits{{{labels}}}"), 1.0),
        ] {
            assert_eq!(sample(&after, name), expected, "{name}");
        }
        let rewritten = sample(&after, "wherefore_decisions_total{outcome=\"rewritten\"}");
        // The purpose's declaration is a statement, too.
        assert_eq!(rewritten + sample(&after, "wherefore_decisions_total{outcome=\"permitted\"}"), 4.0);
        assert!(sample(&after, &format!("wherefore_catalog_age_seconds{{{labels}}}")) < 600.0);
        assert!(sample(&after, "wherefore_plan_cache_bytes") > 0.0);
        assert!(sample(&after, "wherefore_start_time_seconds") > 1.7e9);
        let parsed = sample(&after, "wherefore_statements_parsed_total");
        assert!(
            (3.0..=5.0).contains(&parsed),
            "of five statements three are alike, which are read once or twice: {parsed}"
        );
        let policy = after.keys().filter(|name| name.starts_with("wherefore_policy{")).collect::<Vec<_>>();
        assert!(policy.len() == 1 && policy[0].contains("version=\""), "{policy:?}");
    });
    becomes(admin, "GET /metrics", 200, "wherefore_sessions_open 0");
}

#[test]
fn who_should_get_no_new_sessions_says_why() {
    let cluster = Cluster::start(HBA, SETUP);
    let config = format!("[catalog]\nrefresh_interval = 0.2\n{ADMIN}");
    let (process, admin) = Process::start_with_admin(&config, cluster.port);
    block_on(async {
        let _client = process.connect("app", "shop").await;
        becomes(admin, "GET /ready", 200, "ready");
        cluster.kill();
        becomes(admin, "GET /ready", 503, "the catalog of database \"shop\" on 127.0.0.1:");
        assert_eq!(ask(admin, "GET /health").0, 200);
    });
    let (process, admin) = Process::start_with_admin(ADMIN, world().cluster.port);
    block_on(async {
        let client = process.connect("app", "shop").await;
        becomes(admin, "GET /ready", 200, "ready");
        // A transaction keeps the proxy from ending at once.
        assert_eq!(one(&client, "BEGIN").await, "");
        process.terminate();
        becomes(admin, "GET /ready", 503, "the proxy is draining\n");
        assert_eq!(ask(admin, "GET /health").0, 200);
        assert_eq!(sample(&scrape(admin), "wherefore_draining"), 1.0);
        assert_eq!(one(&client, "SELECT id FROM people WHERE id = 1").await, "1");
    });
}

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.filter(|word| word.starts_with("wherefore_") && !word.ends_with("catalog")).collect()
}

#[test]
fn what_dashboards_alarms_and_docs_name_is_there() {
    let (process, admin) = Process::start_with_admin(ADMIN, world().cluster.port);
    let (_, text) = block_on(async {
        let _client = process.connect("app", "shop").await;
        ask(admin, "GET /metrics")
    });
    let told = names(&text);
    let docs = include_str!("../../docs/operations.md");
    let docs =
        docs.split("## Watching the proxy").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    for (file, text, least) in [
        ("docs/operations.md", docs, 15),
        ("docker/prometheus/alerts.yml", include_str!("../../docker/prometheus/alerts.yml"), 6),
        ("docker/grafana", include_str!("../../docker/grafana/dashboards/wherefore.json"), 12),
    ] {
        let named = names(text);
        assert!(named.len() >= least, "{file}: {named:?}");
        let unknown: Vec<_> = named.difference(&told).collect();
        assert!(unknown.is_empty(), "{file} names what is not told: {unknown:?}");
    }
    serde_json::from_str::<serde_json::Value>(include_str!("../../docker/grafana/dashboards/wherefore.json"))
        .expect("JSON");
}

#[test]
fn a_silent_request_ends_and_a_long_one_is_refused() {
    let (_process, admin) = Process::start_with_admin(ADMIN, world().cluster.port);
    let mut silent: Vec<TcpStream> =
        (0..63).map(|_| TcpStream::connect(("127.0.0.1", admin)).expect("a port")).collect();
    // There is room for one more.
    assert_eq!(ask(admin, "GET /health").0, 200);
    let long = format!("GET /health?{}", "x".repeat(20_000));
    assert!(matches!(ask(admin, &long).0, 414 | 431));
    for stream in &mut silent {
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
        // Told that it was too slow, or not; in either case it is over.
        let _ = stream.read_to_end(&mut Vec::new()).expect("an end");
    }
}
