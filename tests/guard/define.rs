//! What may be defined: made tables, views, indexes; what they leave for others; when the catalog follows.

use super::{clients_on, rows, run};
use crate::common::At;

pub const SCHEMA: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text, email text, amount int, consent boolean NOT NULL);
    INSERT INTO people SELECT i, 'name ' || i, 'mail ' || i, i, true FROM generate_series(1, 6) i;
    INSERT INTO people SELECT i, 'name ' || i, 'SECRET-' || i, 0, false FROM generate_series(7, 12) i;
    CREATE TABLE open (id int PRIMARY KEY, label text);
    INSERT INTO open VALUES (1, 'a'), (2, 'b');
    CREATE MATERIALIZED VIEW labels AS SELECT label FROM open;
    CREATE MATERIALIZED VIEW mails AS SELECT email FROM people;
    CREATE VIEW names AS SELECT id, name FROM people;
";

pub const PACK: &str = r#"
    [pack]
    name = "definitions"
    document = "A Promise"
    dated = 2026-01-01
    [subject.person]
    [category.plain]
    [category.contact]
    [purpose.builder]
    ddl = true
    [purpose.filtered]
    parent = "builder"
    # May define, and read what is plain.
    [purpose.narrow]
    ddl = true
    [purpose.reader]
    [purpose.admin]
    unrestricted = true
    [clause."W-1"]
    section = "1"
    words = "Only if you have agreed."
    [[rule]]
    id = "builds"
    clause = "W-1"
    category = ["plain", "contact"]
    purpose = "builder"
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "agreed"
    clause = "W-1"
    category = ["plain", "contact"]
    purpose = "filtered"
    where = ["consent.use"]
    effect = "allow"
    [[rule]]
    id = "reads"
    clause = "W-1"
    category = "plain"
    purpose = "reader"
    effect = "allow"
    [[rule]]
    id = "narrows"
    clause = "W-1"
    category = "plain"
    purpose = "narrow"
    effect = "allow"
    [table."public.people"]
    subject = "person"
    default = "plain"
    consent.use = "consent"
    columns.email = "contact"
    [table."public.open"]
    default = "plain"
    consent.use = "true"
    # Without a condition of that name: closed to who asks for one.
    [table."public.planned"]
    default = "plain"
    columns.address = "contact"
    [role.tester]
    purposes = ["builder", "filtered", "narrow", "reader"]
    [role.keeper]
    purposes = ["admin"]
    default = "admin"
"#;

/// The first column of what a statement answers, or the beginning of its error.
pub async fn answer(client: &tokio_postgres::Client, sql: &str) -> String {
    match rows(client, sql).await {
        Ok(rows) => rows.iter().map(|row| row[0].clone().unwrap_or_default()).collect::<Vec<_>>().join(","),
        Err(error) => error,
    }
}

#[test]
fn what_is_made_is_read_by_who_may_read_what_it_was_made_of() {
    run(async {
        let (builder, direct, proxy) = clients_on("define_made", SCHEMA, "builder", PACK).await;
        let reader = At { port: proxy.port(), database: "define_made", user: "tester", purpose: Some("reader") };
        let reader = reader.tokio().await;
        assert_eq!(answer(&reader, "SELECT count(*) FROM open").await, "2");
        // The simple protocol, and the extended.
        assert_eq!(answer(&builder, "CREATE TABLE planned AS SELECT id, name, email AS address FROM people").await, "");
        assert_eq!(answer(&reader, "SELECT max(name) FROM planned").await, "name 9");
        let refused = answer(&reader, "SELECT max(address) FROM planned").await;
        assert!(refused.starts_with("42501"), "{refused}");
        builder.execute("CREATE TABLE unplanned AS SELECT email FROM people", &[]).await.expect("making");
        let refused = answer(&reader, "SELECT count(*) FROM unplanned").await;
        assert!(refused.starts_with("42501"), "{refused}");
        builder.execute("DROP TABLE planned", &[]).await.expect("dropping");
        for sql in [
            "CREATE TABLE planned AS SELECT id, email AS name FROM people",
            "CREATE TABLE planned AS SELECT id FROM people WHERE email LIKE 'm%'",
            "CREATE TABLE planned (id) AS SELECT length(email) FROM people",
            "SELECT id, email AS name INTO planned FROM people",
        ] {
            let refused = answer(&builder, sql).await;
            assert!(refused.starts_with("42501: this would carry"), "{sql}: {refused}");
        }
        // By lineage.
        assert_eq!(answer(&builder, "CREATE VIEW fresh AS SELECT id, name, email FROM people WHERE id < 3").await, "");
        assert_eq!(answer(&reader, "SELECT name FROM fresh ORDER BY id").await, "name 1,name 2");
        assert!(answer(&reader, "SELECT email FROM fresh").await.starts_with("42501"));
        assert_eq!(answer(&builder, "CREATE MATERIALIZED VIEW kept AS SELECT name, email FROM people").await, "");
        assert_eq!(answer(&reader, "SELECT count(name) FROM kept").await, "12");
        assert!(answer(&reader, "SELECT max(email) FROM kept").await.starts_with("42501"));
        // What is defined is what was written.
        let view = "SELECT pg_get_viewdef('fresh'::regclass) NOT LIKE '%(SELECT%'";
        assert_eq!(answer(&direct, view).await, "t");
        for sql in [
            "CREATE TABLE made (id serial PRIMARY KEY, open int REFERENCES open (id), at timestamptz DEFAULT now(), CHECK (id > 0))",
            "CREATE UNIQUE INDEX ON open (lower(label)) WHERE id > 0",
            "COMMENT ON TABLE made IS 'made'",
            "REFRESH MATERIALIZED VIEW labels",
            "CREATE SEQUENCE numbers",
            "CREATE SCHEMA fresh",
            "CREATE TABLE fresh.made (LIKE made INCLUDING ALL)",
            "DROP TABLE fresh.made, made CASCADE",
            "DROP SEQUENCE numbers",
            "DROP SCHEMA fresh",
        ] {
            assert_eq!(answer(&builder, sql).await, "", "{sql}");
        }
        let refused = answer(&reader, "CREATE TABLE mine AS SELECT 1 AS one").await;
        assert!(refused.starts_with("42501: purpose \"reader\" may not change the schema"), "{refused}");
    });
}

#[test]
fn a_definition_tells_nothing_of_hidden_rows_and_keeps_no_guard() {
    run(async {
        let (filtered, direct, _proxy) = clients_on("define_hidden", SCHEMA, "filtered", PACK).await;
        assert_eq!(answer(&filtered, "CREATE TABLE mine AS SELECT id, 10 / amount AS x FROM people").await, "");
        assert_eq!(answer(&direct, "SELECT count(*) FROM mine").await, "6");
        assert_eq!(answer(&filtered, "CREATE VIEW fresh AS SELECT id, name FROM people").await, "");
        assert_eq!(answer(&direct, "SELECT count(*) FROM fresh").await, "12");
        assert_eq!(answer(&filtered, "SELECT count(*) FROM fresh").await, "6");
        for (sql, code) in [
            ("CREATE MATERIALIZED VIEW kept AS SELECT name FROM people", "0A000"),
            ("CREATE MATERIALIZED VIEW kept AS SELECT name FROM names", "0A000"),
            ("REFRESH MATERIALIZED VIEW mails", "42501"),
            ("CREATE UNIQUE INDEX ON people (amount)", "42501"),
            ("CREATE INDEX ON people ((10 / amount))", "42501"),
            ("CREATE TABLE probe (id int REFERENCES people (id))", "42501"),
            ("DROP TABLE people CASCADE", "42501"),
            ("CREATE TEMP TABLE t AS SELECT name FROM people", "42501"),
            ("ALTER TABLE open ADD x int", "0A000"),
            ("CREATE OR REPLACE VIEW names AS SELECT id, email AS name FROM people", "0A000"),
        ] {
            let refused = answer(&filtered, sql).await;
            assert!(refused.starts_with(code), "{sql}: {refused}");
        }
    });
}

/// Between its messages the catalog is read as the transaction sees it (module `inner`); within one it cannot be.
#[test]
fn after_a_definition_nothing_is_understood_until_its_message_ends() {
    run(async {
        let (builder, direct, _proxy) = clients_on("define_block", SCHEMA, "builder", PACK).await;
        for end in ["COMMIT", "ROLLBACK"] {
            let message = "CREATE TABLE made AS SELECT email FROM people; SELECT count(*) FROM open";
            for message in [format!("BEGIN; {message}"), message.to_owned()] {
                let refused = answer(&builder, &message).await;
                assert!(refused.starts_with("0A000: the schema was changed in this transaction"), "{refused}");
                rows(&builder, end).await.expect(end);
                // What failed is rolled back either way.
                assert_eq!(answer(&builder, "SELECT count(*) FROM open").await, "2");
                assert_eq!(answer(&direct, "SELECT to_regclass('made') IS NULL").await, "t");
            }
        }
        // A statement that was prepared before means what it meant, or nothing.
        let prepared = builder.prepare("SELECT max(label) FROM open").await.expect("preparing");
        rows(&builder, "BEGIN; DROP TABLE open CASCADE").await.expect("dropping");
        let refused = builder.query(&prepared, &[]).await.expect_err("it is gone");
        assert_eq!(refused.code().map(|code| code.code()), Some("42P01"), "{refused}");
        rows(&builder, "ROLLBACK").await.expect("ROLLBACK");
        assert_eq!(builder.query_one(&prepared, &[]).await.expect("it is back").get::<_, &str>(0), "b");
        rows(&builder, "BEGIN; CREATE TABLE made AS SELECT 1 AS id; COMMIT").await.expect("all in one");
        assert_eq!(answer(&builder, "SELECT count(*) FROM pg_class WHERE relname = 'made'").await, "1");
    });
}

/// Where tags are read from comments, whoever comments changes the policy.
#[test]
fn comments_that_are_tags_are_no_definitions() {
    run(async {
        let pack = PACK.replace("[pack]\n", "[pack]\n    comments = true\n");
        let schema = format!(
            "{SCHEMA} CREATE TABLE told (id int, label text, mail text); INSERT INTO told VALUES (1, 'a', 'SECRET');
             COMMENT ON COLUMN told.label IS 'what it is called [category: plain]';
             COMMENT ON COLUMN told.mail IS '[category: contact]'; COMMENT ON COLUMN people.email IS '[category: plain]';"
        );
        let (builder, direct, proxy) = clients_on("define_comments", &schema, "builder", &pack).await;
        let at = |user, purpose| At { port: proxy.port(), database: "define_comments", user, purpose };
        let (reader, keeper) = (at("tester", Some("reader")).tokio().await, at("keeper", None).tokio().await);
        assert_eq!(answer(&reader, "SELECT label FROM told").await, "a");
        for sql in ["SELECT id FROM told", "SELECT mail FROM told", "SELECT email FROM people"] {
            let refused = answer(&reader, sql).await;
            assert!(refused.starts_with("42501"), "{sql}: {refused}");
        }
        for sql in [
            "COMMENT ON COLUMN told.mail IS '[category: plain]'",
            "COMMENT ON COLUMN told.mail IS NULL",
            "COMMENT ON TABLE told IS '[default: plain]'",
            "COMMENT ON VIEW names IS 'a view'",
        ] {
            let refused = answer(&builder, sql).await;
            assert!(refused.starts_with("42501: purpose \"builder\" may not comment"), "{sql}: {refused}");
        }
        // Whoever may is followed at once.
        assert_eq!(answer(&keeper, "COMMENT ON COLUMN told.id IS '[category: plain]'").await, "");
        assert_eq!(answer(&reader, "SELECT id FROM told").await, "1");
        assert_eq!(answer(&direct, "SELECT mail FROM told").await, "SECRET");
    });
}
