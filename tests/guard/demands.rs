//! What purposes demand beside what rules open: a justification, columns by name, categories apart, an encrypted connection.

use super::{At, Client, Proxy, clients_on, rows, run};

const SCHEMA: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text, city text);
    INSERT INTO people VALUES (1, 'a', 'x'), (2, 'b', 'y');
    CREATE TABLE log (id int PRIMARY KEY, person_id int, page text);
    INSERT INTO log VALUES (1, 1, '/'), (2, 2, '/a');
    CREATE VIEW visits AS SELECT p.name, l.page FROM people p JOIN log l ON l.person_id = p.id;
";

const PACK: &str = r#"
    [pack]
    name = "demands"
    document = "A Promise"
    dated = 2026-01-01
    [subject.person]
    [category.plain]
    [category.identity]
    [category."identity.direct"]
    [category.usage]
    [category."usage.log"]
    [purpose.legal]
    justification = { pattern = "^CASE-[0-9]+$" }
    [purpose.court]
    parent = "legal"
    named_columns_only = true
    [purpose.order]
    parent = "court"
    justification = { pattern = "^ORDER-" }
    named_columns_only = false
    [purpose.analytics]
    [purpose.traffic]
    parent = "analytics"
    [purpose.minimum]
    named_columns_only = true
    [purpose.sealed]
    require_tls = true
    [clause."D-1"]
    words = "Log file information remains anonymous."
    [[never_together]]
    categories = ["usage", "identity.direct"]
    purpose = "analytics"
    clause = "D-1"
    [[rule]]
    id = "all"
    clause = "D-1"
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [table."public.people"]
    subject = "person"
    default = "plain"
    columns.name = "identity.direct"
    [table."public.log"]
    subject = "person"
    default = "plain"
    columns.page = "usage.log"
    [role.tester]
    purposes = ["legal", "analytics", "minimum", "sealed"]
"#;

async fn clients(database: &str, purpose: &str) -> (Client, Client, Proxy) {
    clients_on(database, SCHEMA, purpose, PACK).await
}

async fn answers(client: &Client, cases: &[(&str, &str)]) {
    for (sql, expected) in cases {
        let answer = match rows(client, sql).await {
            Ok(found) => found.into_iter().flatten().flatten().collect::<Vec<_>>().join(" "),
            Err(error) => error,
        };
        assert_eq!(answer, **expected, "{sql}");
    }
}

const NO_JUSTIFICATION: &str = "42501: purpose \"legal\" needs a justification";

#[test]
fn what_is_read_is_justified() {
    run(async {
        let (guarded, _direct, proxy) = clients("demands_why", "legal").await;
        answers(
            &guarded,
            &[
                ("SELECT id FROM people ORDER BY 1", NO_JUSTIFICATION),
                ("SELECT name FROM visits", NO_JUSTIFICATION),
                ("UPDATE people SET city = 'z'", NO_JUSTIFICATION),
                ("INSERT INTO people VALUES (3, 'c', 'z')", NO_JUSTIFICATION),
                // Drivers read these first.
                ("SELECT 1", "1"),
                ("SELECT relname FROM pg_class WHERE relname = 'people'", "people"),
                ("SET wherefore.justification = 'because'", ""),
                ("SELECT id FROM people ORDER BY 1", NO_JUSTIFICATION),
                ("SET wherefore.justification = 'xCASE-1'", ""),
                ("SELECT id FROM people ORDER BY 1", NO_JUSTIFICATION),
                ("SET wherefore.justification = 'CASE-17'", ""),
                ("SELECT id FROM people ORDER BY 1", "1 2"),
                ("SELECT current_setting('wherefore.justification')", "CASE-17"),
                ("RESET wherefore.justification", ""),
                ("SELECT id FROM people ORDER BY 1", NO_JUSTIFICATION),
                ("BEGIN; SET LOCAL wherefore.justification = 'CASE-18'", ""),
                ("SELECT id FROM people ORDER BY 1", "1 2"),
                ("COMMIT", ""),
                ("SELECT id FROM people ORDER BY 1", NO_JUSTIFICATION),
                ("SET wherefore.justification = 'CASE-19'; SELECT id FROM people ORDER BY 1", "1 2"),
                ("SET wherefore.purpose = 'court'", ""),
                ("SELECT id FROM people ORDER BY 1", "1 2"),
                ("SET wherefore.purpose = 'order'", ""),
                ("SELECT id FROM people ORDER BY 1", "42501: purpose \"order\" needs a justification"),
                ("SET wherefore.justification = 'ORDER-1'", ""),
                ("SELECT * FROM people WHERE id = 1", "1 a x"),
                ("DISCARD ALL", ""),
                ("SELECT id FROM people ORDER BY 1", NO_JUSTIFICATION),
            ],
        )
        .await;
        // A prepared statement, and one in the start-up packet.
        rows(&guarded, "SET wherefore.justification = 'CASE-20'").await.expect("a justification");
        let statement = guarded.prepare("SELECT id FROM people").await.expect("preparing");
        assert_eq!(guarded.query(&statement, &[]).await.expect("rows").len(), 2);
        rows(&guarded, "RESET wherefore.justification").await.expect("RESET");
        guarded.query(&statement, &[]).await.expect_err("no longer justified");
        let mut startup = tokio_postgres::Config::new();
        startup.host("127.0.0.1").port(proxy.port()).user("tester").dbname("demands_why");
        startup.options("-c wherefore.purpose=legal -c wherefore.justification=CASE-21");
        let (client, connection) = startup.connect(tokio_postgres::NoTls).await.expect("connecting");
        tokio::spawn(connection);
        answers(&client, &[("SELECT id FROM people ORDER BY 1", "1 2")]).await;
    });
}

#[test]
fn categories_that_never_meet() {
    run(async {
        let (guarded, _direct, _proxy) = clients("demands_apart", "traffic").await;
        for sql in [
            "SELECT p.name, l.page FROM people p JOIN log l ON l.person_id = p.id",
            "SELECT l.page FROM people p JOIN log l ON l.person_id = p.id WHERE p.name = 'a'",
            "SELECT name FROM people WHERE id IN (SELECT person_id FROM log WHERE page = '/')",
            "SELECT name FROM people UNION ALL SELECT page FROM log",
            "SELECT count(*) FROM people p, log l WHERE p.name < l.page",
            "SELECT * FROM visits",
            "WITH n AS (SELECT name FROM people) SELECT n.name, (SELECT max(page) FROM log) FROM n",
            "SELECT to_json(p), to_json(l) FROM people p, log l",
            "UPDATE people SET city = l.page FROM log l WHERE people.name = 'a'",
        ] {
            let error = rows(&guarded, sql).await.expect_err(sql);
            assert!(error.starts_with("42501: purpose \"traffic\" may not bring public."), "{sql}: {error}");
        }
        answers(
            &guarded,
            &[
                ("SELECT page FROM log ORDER BY id", "/ /a"),
                ("SELECT name FROM people ORDER BY id", "a b"),
                ("SELECT p.city, l.page FROM people p JOIN log l ON l.person_id = p.id ORDER BY l.id", "x / y /a"),
                ("SELECT name FROM visits ORDER BY name", "a b"),
            ],
        )
        .await;
        let (guarded, _direct, _proxy) = clients("demands_met", "minimum").await;
        answers(&guarded, &[("SELECT p.name, l.page FROM people p JOIN log l ON l.id = p.id WHERE p.id = 1", "a /")])
            .await;
    });
}

#[test]
fn columns_are_named() {
    run(async {
        let (guarded, _direct, _proxy) = clients("demands_names", "minimum").await;
        for sql in [
            "SELECT * FROM people",
            "SELECT p.* FROM people p",
            "TABLE people",
            "SELECT id FROM (SELECT * FROM people) s",
            "SELECT p FROM people p",
            "SELECT row_to_json(p) FROM people p",
            "SELECT (p).* FROM people p",
            "SELECT count(p) FROM people p",
            "SELECT people.id FROM people NATURAL JOIN log",
            "COPY people TO STDOUT",
            "UPDATE people SET city = 'z' RETURNING *",
            "WITH n AS (SELECT * FROM people) SELECT id FROM n",
        ] {
            let error = rows(&guarded, sql).await.expect_err(sql);
            assert!(error.starts_with("42501: purpose \"minimum\" takes named columns only"), "{sql}: {error}");
        }
        answers(
            &guarded,
            &[
                ("SELECT id, name FROM people WHERE id = 1", "1 a"),
                ("SELECT count(*) FROM people", "2"),
                ("SELECT p.name FROM people p JOIN log l USING (id) ORDER BY 1", "a b"),
            ],
        )
        .await;
    });
}

#[test]
fn an_encrypted_connection_is_required() {
    run(async {
        let (guarded, _direct, proxy) = clients("demands_tls", "minimum").await;
        let error = rows(&guarded, "SET wherefore.purpose = 'sealed'").await.expect_err("not encrypted");
        assert_eq!(error, "42501: purpose \"sealed\" requires an encrypted connection");
        rows(&guarded, "/*purpose='sealed'*/ SELECT id FROM people").await.expect_err("not encrypted");
        let at = At { port: proxy.port(), database: "demands_tls", user: "tester", purpose: Some("sealed") };
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(at.port).user(at.user).dbname(at.database).options(at.options());
        config.connect(tokio_postgres::NoTls).await.map(|_| ()).expect_err("not encrypted");
    });
}
