//! Statements as long as people and programs write them: understood, in time that grows with their length.

use super::{Cluster, PACK, SCHEMA};
use std::fmt::Write as _;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wherefore::catalog::{Catalog, SearchPath};
use wherefore::enforce::{Encoding, Judged, Limits, Plan, View, judge_text};
use wherefore::policy::{Bound, Policy, SourceFile};

/// Runs on a stack like that of the proxy's workers.
fn run<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let work = std::thread::Builder::new().stack_size(wherefore::sql::STACK_BYTES).spawn(|| super::run(test()));
    work.expect("a thread").join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// A restricted view over the golden schema.
async fn view(database: &str) -> View {
    let cluster = Cluster::shared();
    cluster.database(database, SCHEMA);
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(cluster.port()).user("keeper").dbname(database);
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("connecting");
    tokio::spawn(connection);
    let snapshot = wherefore::control::catalog::read(&client).await.expect("the catalog");
    let files = [SourceFile { path: "pack.toml".into(), text: PACK.into() }];
    let Ok(loaded) = Policy::parse(&files) else { panic!("the pack does not load") };
    let policy = loaded.policy;
    let bound = Arc::new(Bound::new(Arc::new(policy), Arc::new(Catalog::new(snapshot, 1))));
    let principal = Arc::new(bound.policy().principal("tester", &[]));
    let purpose = bound.policy().purpose("masked");
    View::new(bound, principal, purpose, SearchPath::new(["public".into()]), Encoding::Utf8)
}

/// `count` pieces, made by `piece` and joined.
fn repeated(count: usize, between: &str, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect::<Vec<_>>().join(between)
}

fn statements(size: usize) -> Vec<(&'static str, String)> {
    let joins = 60 * size;
    let mut joined = "SELECT p0.name FROM people p0".to_owned();
    for i in 1..joins {
        let _ = write!(joined, " JOIN people p{i} ON p{i}.id = p{}.id", i - 1);
    }
    let terms = 1_000 * size;
    let arms = 1_000 * size;
    vec![
        ("joins", joined.clone()),
        ("arms of a union", repeated(arms, " UNION ALL ", |i| format!("SELECT name FROM people WHERE id = {i}"))),
        (
            "terms of an AND",
            format!("SELECT name FROM people WHERE {}", repeated(terms, " AND ", |i| format!("id <> {i}"))),
        ),
        (
            "terms of an OR",
            format!("SELECT name FROM people WHERE {}", repeated(terms, " OR ", |i| format!("id = {i}"))),
        ),
        ("terms of a concatenation", format!("SELECT {} FROM people", repeated(terms, " || ", |_| "name".to_owned()))),
        (
            "constants in a list",
            format!("SELECT name FROM people WHERE id IN ({})", repeated(100_000 * size, ", ", |i| i.to_string())),
        ),
        (
            "rows of VALUES",
            format!("SELECT * FROM (VALUES {}) v", repeated(10_000 * size, ", ", |i| format!("({i}, 'x')"))),
        ),
        ("targets", format!("SELECT {} FROM people", repeated(750 * size, ", ", |i| format!("id + {i}")))),
        (
            "CTEs",
            format!(
                "WITH {} SELECT x FROM c{}",
                repeated(150 * size, ", ", |i| match i {
                    0 => "c0 AS (SELECT id AS x FROM people)".to_owned(),
                    i => format!("c{i} AS (SELECT x FROM c{})", i - 1),
                }),
                150 * size - 1
            ),
        ),
        ("views", format!("SELECT 1 FROM {}", repeated(100 * size, ", ", |i| format!("contacts c{i}")))),
        ("a long constant", format!("SELECT name FROM people WHERE name = '{}'", "x".repeat(500_000 * size))),
    ]
}

#[test]
fn long_statements_are_understood_in_time_that_grows_with_them() {
    run(|| async {
        let view = view("scale").await;
        let limits = Limits { statement_bytes: 4 << 20, ..Limits::default() };
        let mut times: Vec<Duration> = Vec::new();
        for size in [1, 2] {
            for (at, (what, text)) in statements(size).into_iter().enumerate() {
                let begun = Instant::now();
                let judged = judge_text(&view, &text, &limits);
                let took = begun.elapsed();
                println!("{size} × {what}: {} bytes, {took:?}", text.len());
                match &judged {
                    Judged::One(planned) => match &planned.plan {
                        Plan::Rewrite(_) => {}
                        Plan::Refuse(refusal) => panic!("{size} × {what}: {}", refusal.report()),
                        Plan::Forward => panic!("{size} × {what}: forwarded"),
                    },
                    Judged::Many(_) | Judged::Empty => panic!("{what} is one statement"),
                }
                assert!(took < Duration::from_secs(20), "{size} × {what} took {took:?}");
                match size {
                    1 => times.push(took),
                    // Twice as long: four times as slow would be quadratic. Short times say nothing.
                    _twice => assert!(
                        took < Duration::from_secs(1) || took < times[at] * 10,
                        "{what}: {:?}, then {took:?}",
                        times[at]
                    ),
                }
            }
        }
    });
}

/// What is too much is refused, and the process lives.
#[test]
fn hostile_statements_are_refused() {
    run(|| async {
        let view = view("scale_hostile").await;
        let deep =
            |open: &str, close: &str, times: usize| format!("SELECT {}1{}", open.repeat(times), close.repeat(times));
        let statements = [
            deep("(", ")", 100_000),
            deep("ARRAY[", "]", 50_000),
            deep("(SELECT ", ")", 20_000),
            deep("NOT ", "", 100_000),
            deep("- ", "", 100_000),
            deep("CASE WHEN true THEN ", " END", 20_000),
            deep("coalesce(", ")", 50_000),
            deep("xmlforest(", " AS a)", 20_000),
            format!("SELECT {}", "a AND ".repeat(150_000)),
            format!("SELECT * FROM {}people{}", "(".repeat(10_000), " JOIN orders ON true)".repeat(10_000)),
            format!(
                "WITH {} SELECT 1",
                repeated(3_000, ", ", |i| format!("RECURSIVE{i} AS (SELECT 1 FROM contacts, contacts b)"))
            ),
            format!("WITH RECURSIVE {} SELECT 1", repeated(38_000, ", ", |i| format!("c{i} AS (TABLE c{})", i + 1))),
            format!("SELECT {}", repeated(50_000, ", ", |_| "ROW(p.*, p.*)".to_owned()) + " FROM people p"),
            format!("SELECT ROW({}) FROM people p", repeated(200_000, ", ", |_| "p.*".to_owned())),
            format!("SELECT 1 FROM people WHERE name IN ('é'{})", repeated(90_000, "", |i| format!(", '{i}'"))),
            format!("SELECT 1 FROM {}", repeated(20_000, ", ", |i| format!("contacts c{i}"))),
        ];
        for text in statements {
            let begun = Instant::now();
            let judged = judge_text(&view, &text[..text.len().min(1 << 20)], &Limits::default());
            let took = begun.elapsed();
            println!("{}…: {took:?}", &text[..30]);
            assert!(took < Duration::from_secs(20), "{}… took {took:?}", &text[..30]);
            drop(judged);
        }
    });
}
