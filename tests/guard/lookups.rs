//! Look-ups: a column that is shown masked is found by one given value, and by nothing else.

use super::{Cluster, Proxy, clients_on, rows, run};
use tokio_postgres::Client;
use wherefore::cli::serve;

const SCHEMA: &str =
    "CREATE TABLE people (id int PRIMARY KEY, name text, email text, number int8, code char(4), consent boolean);
    INSERT INTO people SELECT i, 'name ' || i, 'mail' || i || '@x.example', 1000 + i, 'c' || i, i % 2 = 1
        FROM generate_series(1, 8) AS i;
    CREATE TABLE orders (id int PRIMARY KEY, person_id int, amount int);
    INSERT INTO orders SELECT i, i % 8 + 1, i * 10 FROM generate_series(1, 16) AS i;
    CREATE VIEW everyone AS SELECT * FROM people;
    CREATE FUNCTION echo(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1'";

const PACK: &str = r#"
[pack]
name = "look-ups"
[category.open]
[category.email]
[category.number]
[purpose.support]
[purpose.closed]
[[rule]]
id = "open"
category = "open"
purpose = "support"
rights = ["read", "insert", "update", "delete"]
where = ["consent.use"]
effect = "allow"
[[rule]]
id = "find-by-e-mail"
category = "email"
purpose = "support"
where = ["consent.use"]
effect = { mask = { partial = { keep_last = 4 } } }
filter = "lookup"
[[rule]]
id = "find-by-number"
category = "number"
purpose = "support"
where = ["consent.use"]
effect = "lookup"
[[rule]]
id = "masked-only"
category = ["email", "number"]
purpose = "closed"
effect = { mask = { constant = "7" } }
[[rule]]
id = "rows-go"
category = ["email", "number"]
purpose = "support"
rights = "delete"
where = ["consent.use"]
effect = "allow"
[[rule]]
id = "open-here"
category = "open"
purpose = "closed"
effect = "allow"
[role.tester]
purposes = ["support", "closed"]
[table."public.people"]
default = "open"
consent.use = "consent"
columns.email = "email"
columns.number = "number"
columns.code = "email"
[table."public.orders"]
default = "open"
consent.use = "true"
"#;

async fn support(database: &str) -> (Client, Client, Proxy) {
    clients_on(database, SCHEMA, "support", PACK).await
}

fn row(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| (*value != "NULL").then(|| (*value).to_owned())).collect()
}

#[test]
fn one_given_value_finds_a_row_that_may_be_seen() {
    run(async {
        let (guarded, direct, _proxy) = support("lookup_finds").await;
        let third = vec![row(&["3", "name 3", "****mple", "NULL"])];
        for (sql, expected) in [
            ("SELECT id, name, email, number FROM people WHERE email = 'mail3@x.example'", &third),
            ("SELECT id, name, email, number FROM people WHERE 'mail3@x.example' = people.email", &third),
            ("SELECT id, name, email, number FROM people WHERE email = 'mail3@x.example'::text", &third),
            (
                "SELECT id, name, email, number FROM people p WHERE id > 1 AND (p.email = 'mail3@x.example' AND name <> '')",
                &third,
            ),
            ("SELECT id, name, email, number FROM people WHERE number = 1003", &third),
            ("SELECT id, name, email, number FROM people WHERE email = 'mail3@x.example' AND name LIKE '%3'", &third),
            (
                "WITH w AS (SELECT 1 AS one) SELECT id, name, email, number FROM people, w WHERE email = 'mail3@x.example'",
                &third,
            ),
            // A row that the purpose may not see is not found.
            ("SELECT id, name, email, number FROM people WHERE email = 'mail4@x.example'", &vec![]),
            // The mask is not the value.
            ("SELECT id, name, email, number FROM people WHERE email = '****mple'", &vec![]),
            ("SELECT id, name, email, number FROM people WHERE email = NULL", &vec![]),
            (
                "SELECT p.id, p.name, p.email, p.number FROM people p JOIN orders o ON o.person_id = p.id \
              WHERE p.email = 'mail3@x.example' AND o.amount > 50",
                &third,
            ),
            ("SELECT count(*), min(email) FROM people WHERE email = 'mail3@x.example'", &vec![row(&["1", "****mple"])]),
            // A join compares what is shown.
            ("SELECT id FROM orders o JOIN people p USING (id) WHERE p.email = 'mail5@x.example'", &vec![row(&["5"])]),
            ("SELECT o.id FROM orders o JOIN people p ON p.email = 'mail5@x.example'", &vec![]),
        ] {
            assert_eq!(rows(&guarded, sql).await.as_ref(), Ok(expected), "{sql}");
        }
        // By a parameter, also one whose type is declared, as often as it is bound.
        let statement = guarded.prepare("SELECT id FROM people WHERE email = $1").await.expect("a statement");
        for (value, found) in [("mail3@x.example", 1), ("mail4@x.example", 0), ("mail7@x.example", 1)] {
            assert_eq!(guarded.query(&statement, &[&value]).await.expect(value).len(), found, "{value}");
        }
        let typed =
            guarded.prepare_typed("SELECT id FROM people WHERE number = $1", &[tokio_postgres::types::Type::INT4]);
        let typed = typed.await.expect("a statement");
        assert_eq!(guarded.query(&typed, &[&1003_i32]).await.expect("a row").len(), 1);
        // The row is found by the index of the table, if there is one.
        direct.batch_execute("CREATE INDEX ON people (email); SET enable_seqscan = off").await.expect("an index");
        let text = super::sent(&guarded, &direct, "SELECT id FROM people WHERE email = 'mail3@x.example'").await;
        assert!(super::plan_of(&direct, &text).await.contains("people_email_idx"), "{text}");
    });
}

#[test]
fn what_is_written_by_look_up_is_what_may_be_seen() {
    run(async {
        let (guarded, direct, _proxy) = support("lookup_writes").await;
        let all = "SELECT id, name FROM people WHERE name = 'changed' ORDER BY id";
        for (sql, changed) in [
            ("UPDATE people SET name = 'changed' WHERE email = 'mail4@x.example'", vec![]),
            ("UPDATE people SET name = 'changed' WHERE email = '****mple'", vec![]),
            ("UPDATE people SET name = 'changed' WHERE email = 'mail3@x.example'", vec![row(&["3", "changed"])]),
            (
                "UPDATE people p SET name = 'changed' FROM orders o WHERE o.person_id = p.id AND p.email = 'mail5@x.example'",
                vec![row(&["3", "changed"]), row(&["5", "changed"])],
            ),
            ("DELETE FROM people WHERE email = 'mail3@x.example' AND length(name) > 3", vec![row(&["5", "changed"])]),
            ("DELETE FROM people WHERE number = 1004", vec![row(&["5", "changed"])]),
        ] {
            rows(&guarded, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
            assert_eq!(rows(&direct, all).await, Ok(changed), "{sql}");
        }
        let found =
            rows(&guarded, "UPDATE people SET name = 'x' WHERE email = 'mail7@x.example' RETURNING id, email").await;
        assert_eq!(found, Ok(vec![row(&["7", "****mple"])]));
        assert_eq!(rows(&direct, "SELECT count(*) FROM people").await, Ok(vec![row(&["7"])]));
    });
}

#[test]
fn nothing_else_is_a_look_up() {
    run(async {
        let (guarded, _direct, proxy) = support("lookup_only").await;
        for sql in [
            "SELECT id FROM people WHERE email = 'mail3@x.example' OR id = 1",
            "SELECT id FROM people WHERE NOT email = 'mail3@x.example'",
            "SELECT id FROM people WHERE email <> 'mail3@x.example'",
            "SELECT id FROM people WHERE email < 'mail3@x.example'",
            "SELECT id FROM people WHERE email LIKE 'mail3%'",
            "SELECT id FROM people WHERE email IN ('mail3@x.example', 'mail5@x.example')",
            "SELECT id FROM people WHERE email = ANY (ARRAY['mail3@x.example'])",
            "SELECT id FROM people WHERE (email = 'mail3@x.example') IS TRUE",
            "SELECT id FROM people WHERE (email, id) = ('mail3@x.example', 3)",
            "SELECT id FROM people WHERE email IS NOT DISTINCT FROM 'mail3@x.example'",
            "SELECT id FROM people WHERE email = echo('mail3@x.example')",
            "SELECT id FROM people WHERE email = 'mail3' || '@x.example'",
            "SELECT id FROM people WHERE email = name",
            "SELECT id FROM people WHERE lower(email) = 'mail3@x.example'",
            "SELECT id FROM people WHERE email COLLATE \"C\" = 'mail3@x.example'",
            "SELECT id FROM people WHERE email::varchar = 'mail3@x.example'",
            "SELECT id FROM people WHERE email = (SELECT 'mail3@x.example'::text)",
            "SELECT id FROM people WHERE CASE WHEN email = 'mail3@x.example' THEN true ELSE false END",
            "SELECT id FROM people WHERE email = 'mail3@x.example' AND email = 'mail5@x.example'",
            "SELECT id FROM people WHERE email = 'mail3@x.example' AND number = 1003",
            "SELECT a.id FROM people a, people b WHERE a.email = 'mail3@x.example' AND b.email = 'mail5@x.example'",
            "SELECT id FROM people WHERE email = 'mail3@x.example' AND email LIKE '%3%'",
            "SELECT id FROM people WHERE number = 1003.0",
            "SELECT id FROM people WHERE number = '1003'::numeric",
            "SELECT id FROM people WHERE code = 'c3'",
            "SELECT id FROM people GROUP BY id HAVING min(email) = 'mail3@x.example' AND id IN (SELECT id FROM people WHERE email = 'x')",
            "SELECT id FROM people WHERE email = 'mail3@x.example' UNION SELECT 1",
            "SELECT id FROM orders WHERE person_id IN (SELECT id FROM people WHERE email = 'mail3@x.example')",
            "SELECT id FROM orders o WHERE EXISTS (SELECT FROM people WHERE email = 'mail3@x.example' AND id = o.person_id)",
            "WITH w AS (SELECT id FROM people WHERE email = 'mail3@x.example') SELECT * FROM w",
            "SELECT * FROM (SELECT id FROM people WHERE email = 'mail3@x.example') AS s",
            "SELECT o.id FROM orders o LEFT JOIN people p ON p.id = o.person_id WHERE p.email = 'mail3@x.example'",
            "SELECT id FROM people, (VALUES ('mail3@x.example'), ('mail5@x.example')) AS v (e) WHERE email = v.e",
            "SELECT id FROM everyone WHERE email = 'mail3@x.example'",
            "SELECT count(*) FILTER (WHERE email = 'mail3@x.example') FROM people",
            "UPDATE people SET name = 'x' WHERE email LIKE 'mail3%'",
            "UPDATE people SET name = 'x' WHERE email = 'mail3@x.example' OR id = 3",
            "UPDATE people SET name = 'x' WHERE email = 'mail3@x.example' AND number = 1003",
            "UPDATE everyone SET name = 'x' WHERE email = 'mail3@x.example'",
            "WITH w AS (UPDATE people SET name = 'x' WHERE email = 'mail3@x.example' RETURNING id) SELECT * FROM w",
            "DELETE FROM people USING orders WHERE email = 'mail3@x.example' AND number = 1003",
            "COPY (SELECT id FROM people WHERE email = 'mail3@x.example') TO STDOUT",
            "DECLARE c CURSOR WITH HOLD FOR SELECT id FROM people WHERE email = 'mail3@x.example'",
            "EXPLAIN SELECT id FROM people WHERE email = 'mail3@x.example'",
            "PREPARE p (text) AS SELECT id FROM people WHERE email = $1",
            "CREATE TABLE found AS SELECT id FROM people WHERE email = 'mail3@x.example'",
            "INSERT INTO orders (id) SELECT id FROM people WHERE email = 'mail3@x.example'",
        ] {
            let answer = rows(&guarded, sql).await;
            assert!(
                answer.as_ref().is_err_and(|refused| refused.starts_with("42501") || refused.starts_with("0A000")),
                "{sql}: {answer:?}"
            );
        }
        let error = guarded.simple_query("SELECT id FROM people WHERE email LIKE 'm%'").await.expect_err("refused");
        let report = error.as_db_error().expect("a report");
        assert_eq!(
            report.message(),
            "purpose \"support\" may look public.people.email up by one given value, and filter by it in no other way"
        );
        assert!(report.hint().is_some_and(|hint| hint.starts_with("Write email = $1")), "{report:?}");
        // A parameter of another type would cast the column.
        let other = tokio_postgres::types::Type::NUMERIC;
        assert!(guarded.prepare_typed("SELECT id FROM people WHERE number = $1", &[other]).await.is_err());
        // Where there is no look-up the mask is compared.
        let at = super::At { port: proxy.port(), database: "lookup_only", user: "tester", purpose: Some("closed") };
        let closed = at.tokio().await;
        let none = rows(&closed, "SELECT id FROM people WHERE email = 'mail3@x.example'").await;
        assert_eq!(none, Ok(vec![]));
    });
}

#[test]
fn look_ups_are_counted() {
    run(async {
        let (_, direct, _proxy) = support("lookup_counts").await;
        let cluster = Cluster::shared();
        let folder = cluster.new_folder("policy-of-few-look-ups");
        std::fs::write(folder.join("policy.toml"), PACK).expect("a policy");
        let config = serve::config_text(0, cluster.port(), &folder);
        let proxy = Proxy::with_config(cluster, &format!("{config}\n[limits]\nlookups_per_minute = 4\n"));
        let at = super::At { port: proxy.port(), database: "lookup_counts", user: "tester", purpose: Some("support") };
        let (one, other) = (at.tokio().await, at.tokio().await);
        let find = "SELECT id FROM people WHERE email = 'mail3@x.example'";
        let statement = one.prepare("SELECT id FROM people WHERE email = $1").await.expect("a statement");
        // One of each kind, over two sessions; what is refused, and what looks nothing up, does not count.
        rows(&one, find).await.expect("a look-up");
        rows(&other, "SELECT id FROM people WHERE email LIKE '%'").await.expect_err("no look-up");
        rows(&other, "SELECT id FROM people WHERE id = 3").await.expect("a row");
        one.query(&statement, &[&"mail3@x.example"]).await.expect("a look-up");
        rows(&other, &format!("{find}; {find}")).await.expect("two look-ups");
        for refused in [
            rows(&other, find).await.expect_err("too many"),
            rows(&one, "UPDATE people SET name = 'x' WHERE email = 'mail3@x.example'").await.expect_err("too many"),
        ] {
            assert!(refused.starts_with("53400"), "{refused}");
        }
        let error = one.query(&statement, &[&"mail5@x.example"]).await.expect_err("too many");
        assert_eq!(error.code().map(|code| code.code()), Some("53400"));
        assert_eq!(rows(&one, "SELECT id FROM people WHERE id = 3").await, Ok(vec![row(&["3"])]));
        assert_eq!(rows(&direct, "SELECT count(*) FROM people WHERE name = 'x'").await, Ok(vec![row(&["0"])]));
    });
}
