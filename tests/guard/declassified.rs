//! Declassifiers: what is shown of a view or function that the policy declares weaker, what is not, and when one is not in
//! force.

use super::{clients_on, rows, run};
use crate::common::At;

const SCHEMA: &str = "
    CREATE TABLE readings (id int PRIMARY KEY, user_id int NOT NULL, minutes int NOT NULL, hidden boolean NOT NULL);
    INSERT INTO readings SELECT i, i % 3, i * 10, i > 6 FROM generate_series(1, 12) i;
    CREATE TABLE notes (id int PRIMARY KEY, body text, inner_body text);
    INSERT INTO notes VALUES (1, 'a', 'b');
    CREATE VIEW daily_totals AS SELECT user_id AS day, sum(minutes) AS total FROM readings WHERE NOT hidden GROUP BY user_id;
    CREATE VIEW plain AS SELECT id, minutes FROM readings WHERE NOT hidden;
    CREATE VIEW above AS SELECT id, minutes FROM plain;
    CREATE MATERIALIZED VIEW kept AS SELECT user_id AS day, sum(minutes) AS total FROM readings GROUP BY user_id;
    CREATE FUNCTION total_of(who int) RETURNS bigint LANGUAGE sql STABLE AS
        'SELECT sum(minutes) FROM public.readings WHERE user_id = $1 AND NOT hidden';
    CREATE FUNCTION total_of(who int, more int) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT sum(minutes) FROM public.readings';
    CREATE FUNCTION inner_total() RETURNS bigint LANGUAGE plpgsql AS
        $$BEGIN RETURN (SELECT sum(minutes) FROM public.readings); END$$;
    CREATE FUNCTION every() RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT minutes FROM public.readings WHERE NOT hidden';
    CREATE VIEW refuses AS SELECT id, ('x' || minutes)::int AS minutes FROM readings;
";

const PACK: &str = r#"
    [pack]
    name = "declassified"
    document = "A Promise"
    dated = 2026-01-01
    [subject.user]
    [category.raw]
    [category.total]
    [category.inner]
    [category.note]
    [purpose.improvement]
    ddl = true
    [purpose.reader]
    [purpose.admin]
    unrestricted = true
    [clause."B-3e"]
    words = "We process aggregated data."
    [[rule]]
    id = "totals"
    clause = "B-3e"
    category = "total"
    purpose = "improvement"
    effect = "allow"
    [[rule]]
    id = "notes"
    clause = "B-3e"
    category = ["note", "inner"]
    purpose = "improvement"
    rights = ["insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "notes-are-read"
    clause = "B-3e"
    category = "note"
    purpose = ["reader", "improvement"]
    effect = "allow"
    [table."public.readings"]
    subject = "user"
    default = "raw"
    erased = "hidden"
    [table."public.notes"]
    default = "note"
    columns.inner_body = "inner"
    [declassifier."public.daily_totals"]
    clause = "B-3e"
    columns.day = "total"
    columns.total = "total"
    [declassifier."public.plain"]
    clause = "B-3e"
    subject = "user"
    columns.id = "total"
    columns.minutes = "total"
    [declassifier."public.kept"]
    clause = "B-3e"
    columns.day = "total"
    columns.total = "inner"
    [declassifier."public.total_of(int)"]
    clause = "B-3e"
    category = "total"
    [declassifier."public.inner_total"]
    clause = "B-3e"
    category = "inner"
    [declassifier."public.every"]
    clause = "B-3e"
    category = "total"
    [declassifier."public.planned"]
    clause = "B-3e"
    default = "total"
    [declassifier."public.refuses"]
    clause = "B-3e"
    default = "total"
    [role.tester]
    purposes = ["improvement", "reader"]
    [role.keeper]
    purposes = ["admin"]
    default = "admin"
"#;

/// What a statement answers, rows with `;` and values with `|` between them, or its error.
async fn answer(client: &tokio_postgres::Client, sql: &str) -> String {
    match rows(client, sql).await {
        Ok(rows) => {
            let row = |row: &Vec<Option<String>>| {
                row.iter().map(|value| value.as_deref().unwrap_or("null")).collect::<Vec<_>>().join("|")
            };
            rows.iter().map(row).collect::<Vec<_>>().join(";")
        }
        Err(error) => error,
    }
}

#[test]
fn a_declassifier_is_judged_by_what_it_is_declared_to_give() {
    run(async {
        let (guarded, _direct, _proxy) = clients_on("declassified_reads", SCHEMA, "improvement", PACK).await;
        for (sql, wanted) in [
            ("SELECT * FROM daily_totals ORDER BY day", "0|90;1|50;2|70"),
            ("SELECT count(*), sum(total) FROM daily_totals WHERE total > 60", "2|160"),
            ("SELECT t.day FROM daily_totals t JOIN plain p ON p.minutes = t.total - 40 ORDER BY 1", "0;1;2"),
            ("SELECT minutes FROM plain WHERE 600 / minutes > 20 ORDER BY 1", "10;20"),
            ("SELECT a.minutes FROM above a WHERE a.id = 2", "20"),
            ("SELECT p FROM plain p WHERE id = 1", "(1,10)"),
            ("SELECT day FROM kept ORDER BY day", "0;1;2"),
            ("SELECT total_of(1)", "50"),
            ("SELECT day FROM daily_totals WHERE total_of(day) > 60 ORDER BY day", "0;2"),
        ] {
            assert_eq!(answer(&guarded, sql).await, wanted, "{sql}");
        }
        for (sql, wanted) in [
            ("SELECT minutes FROM readings", "42501"),
            ("SELECT p.id FROM plain p JOIN readings r USING (id)", "42501"),
            ("SELECT total FROM kept", "42501: purpose \"improvement\" may not read public.kept.total"),
            ("SELECT inner_total()", "42501: purpose \"improvement\" may not read public.inner_total.result"),
            ("SELECT day FROM daily_totals WHERE inner_total() > 0", "42501"),
            ("SELECT total_of(1, 2)", "42501"),
            ("SELECT total_of(minutes) FROM readings", "42501"),
            // Not in force: the server could run conditions within it.
            ("SELECT every FROM every() WHERE 1 / every > -1", "42501"),
            ("SELECT id FROM plain FOR UPDATE", "0A000"),
            ("UPDATE plain SET minutes = 0", "0A000"),
            ("DELETE FROM above WHERE id = 1", "0A000"),
            ("INSERT INTO plain VALUES (100, 1)", "0A000"),
            ("EXPLAIN SELECT id FROM plain", "42501"),
            ("CREATE MATERIALIZED VIEW m AS SELECT id FROM plain", "0A000"),
            ("CREATE OR REPLACE VIEW daily_totals AS SELECT id AS day, 0::bigint AS total FROM notes", "0A000"),
            (
                "CREATE VIEW planned AS SELECT minutes FROM readings",
                "42501: the policy declares what public.planned is",
            ),
            ("CREATE TABLE planned AS SELECT 1 AS minutes", "42501: the policy declares what public.planned is"),
            ("DROP VIEW daily_totals", "42501"),
            ("REFRESH MATERIALIZED VIEW kept", "42501"),
            // Nothing can name a function's result.
            (r#"SELECT * FROM "public.total_of(int)""#, "42P01"),
            (r#"SELECT * FROM public."public.total_of(int)""#, "42P01"),
        ] {
            let got = answer(&guarded, sql).await;
            assert!(got.starts_with(wanted), "{sql}\n{got}");
        }
    });
}

#[test]
fn what_a_declassifier_gives_is_not_copied_to_where_others_read_it() {
    run(async {
        let (guarded, direct, _proxy) = clients_on("declassified_flow", SCHEMA, "improvement", PACK).await;
        for sql in [
            "INSERT INTO notes (id, body) SELECT 2, total FROM daily_totals WHERE day = 1",
            "INSERT INTO notes (id, body) VALUES (3, total_of(1))",
            "UPDATE notes SET body = 'x' WHERE total_of(1) > 20",
        ] {
            let got = answer(&guarded, sql).await;
            assert!(got.starts_with("42501: this would carry") && got.contains("\"reader\""), "{sql}\n{got}");
        }
        // Nobody else reads that column; but that there is a new row everyone sees.
        assert_eq!(answer(&guarded, "UPDATE notes SET inner_body = total_of(1)").await, "");
        assert_eq!(answer(&direct, "SELECT inner_body FROM notes").await, "50");
    });
}

#[test]
fn no_error_of_a_declassifier_quotes_what_it_reads() {
    run(async {
        let (guarded, direct, _proxy) = clients_on("declassified_errors", SCHEMA, "improvement", PACK).await;
        let sql = "SELECT minutes FROM refuses WHERE id = 1";
        assert!(answer(&direct, sql).await.contains("x10"));
        let got = answer(&guarded, sql).await;
        assert!(got.starts_with("22P02") && !got.contains("x10"), "{got}");
    });
}

#[test]
fn one_that_is_not_pinned_to_its_definition_is_judged_by_lineage() {
    run(async {
        let pinned = |view: &str, function: &str| {
            let at = |pack: String, name: &str, digest: &str| {
                let head = format!("[declassifier.\"public.{name}\"]\n");
                pack.replace(&head, &format!("{head}    definition = \"sha256:{digest}\"\n"))
            };
            at(at(PACK.to_owned(), "daily_totals", view), "total_of(int)", function)
        };
        let cluster = crate::common::Cluster::shared();
        cluster.database("declassified_pins", SCHEMA);
        let direct = At { port: cluster.port(), database: "declassified_pins", user: "keeper", purpose: None };
        let direct = direct.tokio().await;
        // As the lint would have it written.
        rows(&direct, "SET search_path = pg_catalog").await.expect("a path");
        let digest = |what: &str| {
            let sql = format!("SELECT encode(sha256(convert_to({what}, 'UTF8')), 'hex')");
            let direct = &direct;
            async move { rows(direct, &sql).await.expect(&sql)[0][0].clone().expect("a digest") }
        };
        let view = digest("pg_get_viewdef('public.daily_totals'::regclass)").await;
        let function = digest("pg_get_functiondef('public.total_of(int)'::regprocedure)").await;
        let other = "0".repeat(64);
        for (view, function, wanted) in
            [(&view, &function, ["0", "50"]), (&other, &function, ["42501", "50"]), (&view, &other, ["0", "42501"])]
        {
            let proxy = crate::common::Proxy::with_policy(cluster, &pinned(view, function));
            let at =
                At { port: proxy.port(), database: "declassified_pins", user: "tester", purpose: Some("improvement") };
            let guarded = at.tokio().await;
            for (sql, wanted) in
                ["SELECT day FROM daily_totals ORDER BY day", "SELECT total_of(1)"].into_iter().zip(wanted)
            {
                let got = answer(&guarded, sql).await;
                assert!(got.starts_with(wanted), "{sql}\n{got}");
            }
        }
    });
}
