//! Shadow mode: what would be refused or rewritten passes as it was sent, and is recorded; what guards the session still holds.

use super::{At, Client, Proxy, clients_on, rows, run};
use std::io::Write;
use std::sync::{Mutex, Once};

const SCHEMA: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text, email text, note text);
    INSERT INTO people SELECT i, 'name ' || i, 'e' || i, 'n' FROM generate_series(1, 3) i;
    CREATE TABLE notes (id int PRIMARY KEY, body text);
";

const PACK: &str = r#"
    [pack]
    name = "shadow"
    document = "A Promise"
    dated = 2026-01-01
    [subject.person]
    [category.plain]
    [category.contact]
    [category.masked]
    [purpose.trial]
    mode = "shadow"
    [purpose.below]
    parent = "trial"
    [purpose.real]
    parent = "trial"
    mode = "enforce"
    [purpose.within]
    [clause."S-1"]
    words = "No addresses."
    [[rule]]
    id = "plain"
    clause = "S-1"
    category = "plain"
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "no-addresses"
    clause = "S-1"
    category = "contact"
    purpose = "trial"
    effect = "forbid"
    [[rule]]
    id = "all"
    clause = "S-1"
    category = ["contact", "masked"]
    purpose = "within"
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "masked-names"
    clause = "S-1"
    category = "masked"
    purpose = "trial"
    effect = { mask = "null" }
    [table."public.people"]
    subject = "person"
    default = "plain"
    columns.email = "contact"
    columns.name = "masked"
    [table."public.notes"]
    subject = "person"
    default = "plain"
    [role.tester]
    purposes = ["trial", "within"]
"#;

/// What the process has logged of decisions.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

#[derive(Clone, Copy)]
struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().expect("the log").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn keep_the_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(|| Log);
        let _ = subscriber.with_env_filter("wherefore::decision=info,wherefore=warn").try_init();
    });
}

/// The records about a database so far.
fn logged(database: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(&LOG.lock().expect("the log")).into_owned();
    let of = format!("database=\"{database}\"");
    text.lines().filter(|line| line.contains(&of) && line.contains("decision=\"shadow\"")).map(str::to_owned).collect()
}

async fn shadowed(database: &str, purpose: &str) -> (Client, Client, Proxy) {
    keep_the_log();
    clients_on(database, SCHEMA, purpose, PACK).await
}

#[test]
fn what_would_be_refused_passes_and_is_recorded() {
    run(async {
        for (database, purpose) in [("shadow_passes", "trial"), ("shadow_inherited", "below")] {
            let (guarded, direct, _proxy) = shadowed(database, purpose).await;
            let mut known = 0;
            for (sql, expected) in [
                ("SELECT id, body FROM notes ORDER BY id", None),
                ("SELECT id, note FROM people ORDER BY id", Some("would=\"rewrite\"")),
                ("SELECT id, email FROM people ORDER BY id", Some("would=\"refuse\" code=\"42501\"")),
                ("SELECT * FROM people ORDER BY id", Some("columns=\"public.people.email\" rules=\"no-addresses\"")),
                ("SELECT id, name FROM people ORDER BY id", Some("would=\"rewrite\"")),
                ("SELECT lo_create(0) > 0", Some("would=\"refuse\" code=\"0A000\"")),
                ("SELECT FROM people WHERE", Some("would=\"refuse\" code=\"42601\"")),
                ("SELECT 1 / 0", None),
                ("SELECT email::int FROM people", Some("would=\"refuse\"")),
            ] {
                let told = |error: tokio_postgres::Error| {
                    let error = error.as_db_error().expect("a report");
                    format!("{} {} {:?}", error.code().code(), error.message(), error.detail())
                };
                let through = guarded.simple_query(sql).await.map_err(told);
                let around = direct.simple_query(sql).await.map_err(told);
                assert_eq!(format!("{through:?}"), format!("{around:?}"), "{sql}");
                let log = logged(database);
                match expected {
                    None => assert_eq!(log.len(), known, "{sql}: {log:?}"),
                    Some(words) => {
                        assert_eq!(log.len(), known + 1, "{sql}: {log:?}");
                        let line = log.last().expect("a record");
                        assert!(line.contains(words) && line.contains(&format!("purpose=\"{purpose}\"")), "{line}");
                    }
                }
                known = log.len();
            }
            // Prepared, and several statements in one message.
            let statement = guarded.prepare("SELECT email FROM people WHERE id = $1").await.expect("it passes");
            let row = guarded.query_one(&statement, &[&1]).await.expect("it passes");
            assert_eq!(row.get::<_, String>(0), "e1");
            assert_eq!(logged(database).len(), known + 1);
            rows(&guarded, "SELECT email FROM people; SELECT name FROM people").await.expect("they pass");
            assert_eq!(logged(database).len(), known + 3);
            // Nothing of what was asked for is in the log.
            assert!(!logged(database).join("").contains("e1"), "{:?}", logged(database));
        }
    });
}

/// A purpose below may be enforced, and what guards the session holds under every purpose.
#[test]
fn the_session_is_guarded_all_the_same() {
    run(async {
        let database = "shadow_session";
        let (guarded, _direct, proxy) = shadowed(database, "trial").await;
        for (sql, code) in [
            ("SET wherefore.purpose = 'owner'", "22023"),
            ("SET wherefore.recipient = 'x'", "42501"),
            ("SET wherefore.nothing = 'x'", "42704"),
            ("BEGIN; SELECT 1; SET LOCAL wherefore.purpose = 'within'", "25001"),
        ] {
            let error = rows(&guarded, sql).await.expect_err(sql);
            assert!(error.starts_with(code), "{sql}: {error}");
            let _ = rows(&guarded, "ROLLBACK").await;
        }
        // What was never understood does not come along.
        rows(&guarded, "CREATE TEMP TABLE kept AS SELECT email FROM people").await.expect("it passes");
        let error = rows(&guarded, "SET wherefore.purpose = 'real'").await.expect_err("tainted");
        assert!(error.starts_with("25001: a session that has worked under"), "{error}");
        rows(&guarded, "DISCARD ALL; SET wherefore.purpose = 'real'").await.expect_err("on its own");
        rows(&guarded, "DISCARD ALL").await.expect("clean");
        rows(&guarded, "SET wherefore.purpose = 'real'").await.expect("a purpose");
        let error = rows(&guarded, "SELECT email FROM people").await.expect_err("enforced");
        assert!(error.starts_with("42501: purpose \"real\" may not read"), "{error}");
        let at = At { port: proxy.port(), database, user: "tester", purpose: Some("real") };
        rows(&at.tokio().await, "SELECT email FROM people").await.expect_err("enforced");
    });
}

/// As a reader a purpose in shadow mode counts as if it were enforced.
#[test]
fn copying_counts_it_as_a_reader() {
    run(async {
        let (guarded, _direct, _proxy) = shadowed("shadow_reader", "within").await;
        let sql = "INSERT INTO notes SELECT id, email FROM people";
        let error = rows(&guarded, sql).await.expect_err(sql);
        assert!(error.contains("purpose \"trial\" may read public.notes.body"), "{error}");
    });
}
