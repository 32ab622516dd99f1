//! `EXPLAIN (WHEREFORE)`: what would become of a statement, asked in the session that would send it.

use super::{Client, Proxy, clients_on, rows, run};

const SCHEMA: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text, email text, secret text, gone boolean NOT NULL DEFAULT false);
    INSERT INTO people VALUES (1, 'it''s \\ one', 'e', 's');
    CREATE TABLE visits (id int PRIMARY KEY, person_id int NOT NULL, pages int);
    INSERT INTO visits SELECT i, i, i FROM generate_series(1, 20) i;
";

const PACK: &str = r#"
    [pack]
    name = "explained"
    document = "A Promise"
    dated = 2026-01-01
    [subject.person]
    [category.plain]
    [category.contact]
    [category.secret]
    [category.usage]
    [purpose.reading]
    [purpose.owning]
    unrestricted = true
    [clause."X-1"]
    words = "Nothing “secret” is shown."
    [[rule]]
    id = "plain"
    clause = "X-1"
    category = "plain"
    where = ["not gone"]
    effect = "allow"
    [[rule]]
    id = "contact"
    clause = "X-1"
    category = "contact"
    effect = { mask = "null" }
    [[rule]]
    id = "usage"
    clause = "X-1"
    category = "usage"
    effect = { aggregate = { min_subjects = 5 } }
    [[rule]]
    id = "no-secrets"
    clause = "X-1"
    category = "secret"
    effect = "deny"
    [table."public.people"]
    subject = "person"
    default = "plain"
    columns.email = "contact"
    columns.secret = "secret"
    conditions.gone = "gone"
    [table."public.visits"]
    subject = "person"
    subject_key = "person_id"
    default = "usage"
    [role.tester]
    purposes = ["reading", "owning"]
"#;

async fn clients(database: &str) -> (Client, Client, Proxy) {
    clients_on(database, SCHEMA, "reading", PACK).await
}

/// What a session is told of a statement.
async fn told(client: &Client, sql: &str) -> String {
    let lines =
        rows(client, &format!("EXPLAIN (WHEREFORE) {sql}")).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    lines.into_iter().flatten().flatten().collect::<Vec<_>>().join("\n")
}

#[test]
fn a_session_asks_what_would_become_of_a_statement() {
    run(async {
        let (guarded, direct, _proxy) = clients("explained").await;
        let permitted = told(&guarded, "SELECT id, email FROM people AS p WHERE name = 'it''s \\ one'").await;
        for line in [
            "kind: read",
            "purpose: reading",
            "relation: public.people AS p, a guard stands in for it",
            "    email: output; contact of person; NULL (rule contact, clause X-1)",
            "    name: filter; plain of person; the value (rule plain, clause X-1)",
            "    only rows where: not gone (rule plain, clause X-1)",
            "decision: permitted, rewritten",
        ] {
            assert!(permitted.lines().any(|told| told == line), "{line}\n{permitted}");
        }
        let sent = permitted.lines().find_map(|line| line.strip_prefix("sent: ")).expect("what is sent");
        assert_eq!(rows(&direct, sent).await, Ok(vec![vec![Some("1".to_owned()), None]]));
        let refused = told(&guarded, "UPDATE people SET name = secret").await;
        assert!(refused.contains("decision: refused (42501)"), "{refused}");
        // Nothing of it has run, and a clause of several characters comes through whole.
        assert_eq!(
            rows(&direct, "SELECT count(*) FROM people WHERE name = secret").await,
            Ok(vec![vec![Some("0".to_owned())]])
        );
        let closed = told(&guarded, "SELECT secret FROM people").await;
        assert!(closed.contains("Nothing “secret” is shown."), "{closed}");
        // By the extended protocol too, in a transaction, and under a purpose that does not restrict.
        let statement = guarded.prepare("EXPLAIN (WHEREFORE) TABLE people").await.expect("preparing");
        let lines = guarded.query(&statement, &[]).await.expect("an answer");
        assert!(lines.iter().any(|line| line.get::<_, &str>(0).starts_with("permitted instead: SELECT people.id")));
        rows(&guarded, "BEGIN").await.expect("BEGIN");
        assert!(told(&guarded, "SELECT 1").await.contains("decision: permitted"));
        rows(&guarded, "COMMIT").await.expect("COMMIT");
        rows(&guarded, "SET wherefore.purpose = 'owning'").await.expect("a purpose");
        assert!(
            told(&guarded, "TABLE people").await.ends_with("permitted, sent as it is: the purpose does not restrict")
        );
        let error = rows(&guarded, "EXPLAIN (WHEREFORE, ANALYZE) SELECT 1").await.expect_err("another option");
        assert!(error.contains("EXPLAIN (WHEREFORE) beside other options"), "{error}");
    });
}

/// Each is refused, and what is proposed in its place is answered.
#[test]
fn what_is_permitted_instead_is_permitted() {
    run(async {
        let (guarded, _direct, _proxy) = clients("explained_nearest").await;
        for (sql, nearest) in [
            ("SELECT id, secret, name FROM people", Some("SELECT id, name FROM people")),
            (
                "SELECT * FROM people p WHERE p.id > 0 ORDER BY p.id",
                Some("SELECT p.id, p.name, p.email, p.gone FROM people p WHERE p.id > 0 ORDER BY p.id"),
            ),
            ("SELECT p.*, v.pages FROM people p JOIN visits v ON v.person_id = p.id", None),
            (
                "SELECT upper(secret) FROM people WHERE name = 'x' ORDER BY 1 LIMIT 3",
                Some("SELECT count(*) FROM people WHERE name = 'x'"),
            ),
            ("SELECT pages FROM visits", Some("SELECT count(*) FROM visits")),
            ("SELECT name FROM people WHERE secret = 'x'", None),
            ("SELECT secret FROM people UNION SELECT name FROM people", None),
            ("SELECT name FROM nowhere", None),
        ] {
            assert!(rows(&guarded, sql).await.is_err(), "{sql}");
            let told = told(&guarded, sql).await;
            let found = told.lines().find_map(|line| line.strip_prefix("permitted instead: "));
            assert_eq!(found, nearest, "{sql}\n{told}");
            if let Some(instead) = found {
                rows(&guarded, instead).await.unwrap_or_else(|error| panic!("{instead}: {error}"));
            }
        }
    });
}
