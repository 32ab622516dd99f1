//! Writes through views: what Postgres does where all is open, and what the tables below keep back otherwise.

use super::writes::PACK;
use super::{clients_on, rows, run};
use tokio_postgres::Client;

const SCHEMA: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text, email text, amount int, city text DEFAULT 'nowhere', consent boolean NOT NULL DEFAULT true);
    INSERT INTO people SELECT i, 'name ' || i, i::text, i, 'city ' || i % 3, true FROM generate_series(1, 6) i;
    -- Hidden, and every cast of them an error that shows them.
    INSERT INTO people SELECT i, 'name ' || i, 'SECRET-' || i, 0, 'SECRET-CITY', false FROM generate_series(7, 12) i;
    CREATE TABLE open (id int PRIMARY KEY, label text, n int DEFAULT 7);
    INSERT INTO open VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', -1);
    CREATE VIEW same AS SELECT * FROM open;
    CREATE VIEW renamed (number, called) AS SELECT id, label FROM open WHERE n > 0;
    CREATE VIEW swapped (label, id) AS SELECT id, label FROM open;
    CREATE VIEW kept AS SELECT id, label, n, n * 2 AS twice FROM open WHERE n > 0 WITH CHECK OPTION;
    CREATE VIEW nested AS SELECT number FROM renamed WHERE number < 3 WITH LOCAL CHECK OPTION;
    CREATE VIEW filled AS SELECT id, label FROM open;
    ALTER VIEW filled ALTER label SET DEFAULT 'by the view';
    CREATE VIEW barrier WITH (security_barrier) AS SELECT id, label FROM open WHERE length(label) = 1;
    CREATE VIEW ruled AS SELECT * FROM open;
    CREATE RULE ruled AS ON UPDATE TO ruled DO INSTEAD NOTHING;
    CREATE VIEW folk (town, id, who) AS SELECT city, id, name FROM people WHERE id < 12;
    CREATE VIEW mails AS SELECT id, name, email, amount, email::int AS number FROM people;
    CREATE VIEW counted AS SELECT count(*) AS n FROM open;
";

/// What a statement does: its answer, and the open table afterwards.
async fn effect(writer: &Client, sql: &str) -> Result<Vec<String>, String> {
    super::writes::effect(writer, writer, sql, &["open"]).await
}

#[test]
fn where_all_is_open_a_view_is_written_to_as_postgres_does() {
    run(async {
        let (proxied, direct, _proxy) = clients_on("view_writes_same", SCHEMA, "filtered", PACK).await;
        for sql in [
            "INSERT INTO same VALUES (7, 'x') RETURNING *",
            "INSERT INTO renamed VALUES (7, 'x') RETURNING called, number",
            "INSERT INTO renamed (called, number) SELECT label || 'y', id + 10 FROM open",
            "INSERT INTO renamed VALUES (1, 'x') ON CONFLICT (number) DO UPDATE SET called = renamed.called || excluded.called RETURNING *",
            "INSERT INTO swapped (id, label) VALUES ('x', 9) RETURNING swapped",
            "INSERT INTO kept VALUES (8, 'x', 1) RETURNING twice",
            "INSERT INTO kept (id, label) VALUES (8, 'x') RETURNING *",
            "INSERT INTO filled (id) VALUES (8) RETURNING label",
            "INSERT INTO nested VALUES (0)",
            "UPDATE same SET label = upper(label) WHERE id = 1 RETURNING same, *",
            "UPDATE renamed r SET called = o.label FROM open o WHERE o.id = r.number + 1 RETURNING r.*",
            "UPDATE swapped SET id = 'x' || label WHERE label > 1",
            "UPDATE kept SET n = twice WHERE twice > 2 RETURNING n, twice",
            "UPDATE nested SET number = 0 WHERE number = 2 RETURNING number",
            "UPDATE barrier SET label = 'long' WHERE id > 1",
            "UPDATE renamed SET (called, number) = (SELECT 'z', renamed.number + 20)",
            "DELETE FROM renamed WHERE called = 'a' RETURNING *",
            "DELETE FROM nested USING open WHERE open.id = nested.number AND open.n = 2",
            "DELETE FROM barrier",
            "WITH gone AS (DELETE FROM renamed RETURNING number) SELECT sum(number) FROM gone",
            "WITH new AS (INSERT INTO same VALUES (30, 'z') RETURNING id) UPDATE renamed SET called = 'new' FROM new",
        ] {
            let expected = effect(&direct, sql).await.expect(sql);
            assert_eq!(effect(&proxied, sql).await, Ok(expected), "{sql}");
        }
        // The server's own refusals.
        for (sql, code) in [
            ("INSERT INTO kept VALUES (8, 'x', -1)", "44000"),
            ("UPDATE kept SET n = -1", "44000"),
            ("UPDATE kept SET twice = 1", "0A000"),
            ("UPDATE counted SET n = 1", "55000"),
            ("UPDATE renamed SET n = 1", "42703"),
            ("TRUNCATE same", "42809"),
        ] {
            for client in [&direct, &proxied] {
                let error = effect(client, sql).await.expect_err(sql);
                assert!(error.starts_with(code), "{sql}: {error}");
            }
        }
        let refused = effect(&proxied, "UPDATE ruled SET n = 1").await.expect_err("rules");
        assert!(refused.starts_with("0A000"), "{refused}");
    });
}

#[test]
fn hidden_rows_below_a_view_are_not_written() {
    run(async {
        let (proxied, direct, _proxy) = clients_on("view_writes_hidden", SCHEMA, "filtered", PACK).await;
        for (sql, changed) in [
            ("UPDATE folk SET who = 'changed'", 6),
            ("UPDATE folk SET who = 'changed' WHERE id > 4", 2),
            ("UPDATE folk SET who = 'changed' WHERE id = 9", 0),
            ("UPDATE folk SET who = 'changed' WHERE town = 'SECRET-CITY' OR id = 2", 1),
            ("UPDATE folk f SET who = 'changed' FROM open o WHERE o.id = f.id AND length(f.who) > 2", 3),
            ("UPDATE mails SET name = 'changed' WHERE 10 / amount > 2", 3),
        ] {
            assert_eq!(proxied.execute(sql, &[]).await.expect(sql), changed, "{sql}");
            let seen = "SELECT count(*), count(*) FILTER (WHERE consent) FROM people WHERE name = 'changed'";
            let changed = changed.to_string();
            let seen = rows(&direct, seen).await;
            assert_eq!(seen, Ok(vec![vec![Some(changed.clone()), Some(changed)]]), "{sql}");
            rows(&direct, "UPDATE people SET name = 'name ' || id").await.expect("undoing");
        }
        rows(&proxied, "BEGIN").await.expect("BEGIN");
        let gone =
            rows(&proxied, "DELETE FROM folk WHERE length(town) > 0 RETURNING id, town").await.expect("deleting");
        assert_eq!(gone.len(), 6, "{gone:?}");
        rows(&proxied, "ROLLBACK").await.expect("ROLLBACK");
        let (mut told, mut answered) = (0, 0);
        for condition in ["number > 0", "email::int > 0", "1 / amount > 0", "id > 0 AND 1 / amount > 0 AND number < 9"]
        {
            for sql in [
                format!("UPDATE mails SET email = email WHERE {condition}"),
                format!("DELETE FROM mails WHERE {condition}"),
                format!("UPDATE mails SET email = number WHERE {condition}"),
            ] {
                told += usize::from(effect(&direct, &sql).await.is_err());
                let answer = effect(&proxied, &sql).await;
                answered += usize::from(answer.is_ok());
                assert!(
                    answer.is_ok() || answer.as_ref().is_err_and(|error| error.starts_with("42501")),
                    "{sql}: {answer:?}"
                );
            }
        }
        assert_eq!(
            (told, answered),
            (12, 9),
            "all are errors without the proxy; three deletions would tell by which rows go"
        );
        // A new row may not be seen: what it would show is refused.
        for sql in
            ["INSERT INTO folk (id, who) VALUES (20, 'x') RETURNING town", "UPDATE folk SET who = 'x' RETURNING folk"]
        {
            let refused = effect(&proxied, sql).await.expect_err(sql);
            assert!(refused.starts_with("0A000"), "{sql}: {refused}");
        }
    });
}

#[test]
fn masks_hold_below_a_view() {
    run(async {
        let (proxied, _direct, _proxy) = clients_on("view_writes_masks", SCHEMA, "masked", PACK).await;
        for (sql, expected) in [
            ("UPDATE mails SET name = email WHERE id = 3 RETURNING name, email, number", "0|0|0"),
            ("UPDATE mails SET name = 'x' WHERE email = '3' RETURNING id", ""),
            ("UPDATE mails SET name = number WHERE id = 4 AND number = 0 RETURNING name || number", "00"),
        ] {
            rows(&proxied, "BEGIN").await.expect("BEGIN");
            let answer = rows(&proxied, sql).await.expect(sql);
            rows(&proxied, "ROLLBACK").await.expect("ROLLBACK");
            let line = |row: &Vec<Option<String>>| row.iter().flatten().cloned().collect::<Vec<_>>().join("|");
            assert_eq!(answer.iter().map(line).collect::<Vec<_>>().join("\n"), expected, "{sql}");
        }
    });
}
