//! Temporary tables: what tools do with them works, and what is in them goes no further than what it was made of.

use super::{At, Client, clients_on, rows, run};

const SCHEMA: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text, email text, salary int, consent boolean NOT NULL DEFAULT true);
    INSERT INTO people SELECT i, 'name ' || i, 'mail' || i || '@x.example', i * 1000, i % 2 = 0 FROM generate_series(1, 8) i;
    CREATE TABLE orders (id serial PRIMARY KEY, person_id int, note text);
    INSERT INTO orders (person_id, note) SELECT i, 'note ' || i FROM generate_series(1, 8) i;
    CREATE TABLE shown (id int, words text);
    CREATE TABLE audited (id int, words text);
    CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.words := upper(NEW.words); RETURN NEW; END';
    CREATE FUNCTION swap() RETURNS int LANGUAGE plpgsql AS
        'BEGIN DROP TABLE t; CREATE TEMP TABLE t AS SELECT 1 AS id, max(email) AS email FROM public.people; RETURN 1; END';
    CREATE FUNCTION fill(a text) RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO t (email) VALUES (a); RETURN 1; END';
    CREATE FUNCTION mine() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM people); END';
    CREATE TRIGGER stamped BEFORE INSERT ON audited FOR EACH ROW EXECUTE FUNCTION stamp();
";

const PACK: &str = r#"
    [pack]
    name = "temporary"
    document = "A Promise"
    dated = 2026-01-01
    [subject.person]
    [category.plain]
    [category.contact]
    [category.pay]
    [category.shown]
    [purpose.report]
    [purpose.other]
    [purpose.masked]
    [purpose.mailing]
    [purpose.keeping]
    temporary_rows = "kept"
    [purpose.joinless]
    [purpose.apart]
    [purpose.public]
    [clause."T-1"]
    words = "Each sees its own."
    [[rule]]
    id = "plain"
    clause = "T-1"
    category = ["plain", "shown"]
    rights = ["read", "insert", "update", "delete"]
    purpose = ["report", "other", "masked", "mailing", "keeping", "joinless", "apart"]
    effect = "allow"
    [[rule]]
    id = "public"
    clause = "T-1"
    category = "shown"
    purpose = "public"
    effect = "allow"
    [[rule]]
    id = "contact"
    clause = "T-1"
    category = "contact"
    purpose = ["report", "other", "apart"]
    effect = "allow"
    [[rule]]
    id = "contact-masked"
    clause = "T-1"
    category = "contact"
    purpose = "masked"
    effect = { mask = { constant = "(hidden)" } }
    [[rule]]
    id = "contact-mailed"
    clause = "T-1"
    category = "contact"
    purpose = ["mailing", "keeping"]
    where = ["consent.mail"]
    effect = "allow"
    [[rule]]
    id = "contact-joinless"
    clause = "T-1"
    category = "contact"
    purpose = "joinless"
    filter = "deny"
    join = "deny"
    effect = "allow"
    [[rule]]
    id = "pay"
    clause = "T-1"
    category = "pay"
    purpose = ["report", "apart"]
    effect = "allow"
    [[never_together]]
    categories = ["contact", "pay"]
    purpose = "apart"
    clause = "T-1"
    [table."public.people"]
    subject = "person"
    default = "plain"
    columns.email = "contact"
    columns.salary = "pay"
    consent.mail = "consent"
    [table."public.orders"]
    subject = "person"
    default = "plain"
    [table."public.shown"]
    subject = "person"
    default = "shown"
    [table."public.audited"]
    subject = "person"
    default = "shown"
    [function."public.*"]
    reads = []
    [role.tester]
    purposes = ["report", "other", "masked", "mailing", "keeping", "joinless", "apart", "public"]
"#;

async fn clients(database: &str, purpose: &str) -> (Client, Client, super::Proxy) {
    clients_on(database, SCHEMA, purpose, PACK).await
}

/// The answer as one text: values with spaces, rows with semicolons; or the error.
async fn answer(client: &Client, sql: &str) -> String {
    match rows(client, sql).await {
        Ok(rows) => {
            let line = |row: Vec<Option<String>>| {
                row.into_iter().map(|value| value.unwrap_or_else(|| "-".to_owned())).collect::<Vec<_>>().join(" ")
            };
            rows.into_iter().map(line).collect::<Vec<_>>().join("; ")
        }
        Err(error) => error,
    }
}

/// What dbt, notebooks and applications do, in one session: each statement with what it answers, which is what the server
/// answers without the proxy.
#[test]
fn what_tools_do_with_temporary_tables_works() {
    run(async {
        let (guarded, direct, _proxy) = clients("temporary_works", "report").await;
        for sql in [
            "DROP TABLE IF EXISTS picked",
            "CREATE TEMP TABLE picked AS SELECT id, email FROM people WHERE id < 4",
            "SELECT * FROM picked ORDER BY id",
            "SELECT p.name, k.email FROM people p JOIN picked k USING (id) ORDER BY p.id",
            "SELECT count(*) FROM pg_temp.picked",
            "INSERT INTO picked VALUES (9, 'nine')",
            "INSERT INTO picked SELECT id, email FROM people WHERE id = 8",
            "UPDATE picked SET email = upper(email) WHERE id = 1 RETURNING *",
            "DELETE FROM picked USING people p WHERE p.id = picked.id AND p.salary > 2500",
            "SELECT id, email FROM picked ORDER BY 1",
            "CREATE TEMPORARY TABLE picked (id int)",
            "CREATE TEMP TABLE IF NOT EXISTS picked AS SELECT 1 AS one",
            "CREATE INDEX ON picked (id)",
            "TRUNCATE picked",
            "SELECT count(*) FROM picked",
            "DROP TABLE picked",
            "SELECT count(*) FROM picked",
            "SELECT id, name INTO TEMP few FROM people WHERE id <= 2",
            "TABLE few",
            "DROP TABLE IF EXISTS few, picked",
            "CREATE TEMP TABLE staged (LIKE orders INCLUDING DEFAULTS) ON COMMIT PRESERVE ROWS",
            "INSERT INTO staged (person_id, note) VALUES (1, 'staged')",
            "INSERT INTO orders (person_id, note) SELECT person_id, note FROM staged RETURNING note",
            "CREATE TEMP TABLE numbered (n serial, g int GENERATED ALWAYS AS (n * 2) STORED, at timestamptz DEFAULT now(), CHECK (n > 0), UNIQUE (n))",
            "INSERT INTO numbered (at) VALUES ('2026-01-01') RETURNING n, g",
            "BEGIN",
            "CREATE TEMP TABLE gone (id int) ON COMMIT DROP",
            "INSERT INTO gone VALUES (1)",
            "SAVEPOINT a",
            "CREATE TEMP TABLE sooner AS SELECT 1 AS id",
            "SELECT * FROM sooner, gone",
            "ROLLBACK TO a",
            "SELECT * FROM gone",
            "SELECT * FROM sooner",
            "ROLLBACK",
            "SELECT * FROM gone",
            "BEGIN",
            "CREATE TEMP TABLE gone (id int) ON COMMIT DELETE ROWS",
            "INSERT INTO gone VALUES (1)",
            "COMMIT",
            "SELECT count(*) FROM gone",
            "CREATE TEMP TABLE people AS SELECT 1 AS id, 'mine' AS name",
            "SELECT * FROM people",
            "SELECT count(*) FROM public.people",
            "BEGIN",
            "DROP TABLE people",
            "SELECT count(*) FROM people",
            "ROLLBACK",
            "SELECT count(*) FROM people",
            "DISCARD TEMP",
            "SELECT count(*) FROM people",
            "SELECT count(*) FROM gone",
            "CREATE TEMP TABLE public.wrong (id int)",
            "CREATE TABLE pg_temp.right (id int)",
            "SELECT * FROM \"right\"",
            "DISCARD ALL",
            "SELECT * FROM \"right\"",
        ] {
            let (mut through, mut beside) = (answer(&guarded, sql).await, answer(&direct, sql).await);
            if through.contains("withheld") {
                // Definitions may fire event triggers, which could quote anything.
                through.truncate(5);
                beside.truncate(5);
            }
            assert_eq!(through, beside, "{sql}");
        }
        // What is prepared follows the names.
        let statement = guarded.prepare("SELECT count(*) FROM people").await.expect("a statement");
        let count = async || guarded.query_one(&statement, &[]).await.expect("a row").get::<_, i64>(0);
        assert_eq!(count().await, 8);
        rows(&guarded, "CREATE TEMP TABLE people AS SELECT 1 AS id").await.expect("a table");
        assert_eq!(count().await, 1);
        rows(&guarded, "DROP TABLE people").await.expect("it goes");
        assert_eq!(count().await, 8);
    });
}

/// Each row is a session of its own: the purpose, the statements before, and the last one with the beginning of its error.
#[test]
fn what_is_in_a_temporary_table_goes_no_further_than_its_sources() {
    run(async {
        let (_, direct, proxy) = clients("temporary_flow", "report").await;
        let kept = "CREATE TEMP TABLE t AS SELECT id, email FROM people";
        let mut wrong: Vec<String> = Vec::new();
        for (purpose, before, last, refused) in [
            // Copying on: `public` may read `shown`, and not the address.
            (
                "report",
                &[kept][..],
                "INSERT INTO shown SELECT id, email FROM t",
                "42501: this would carry public.people.email",
            ),
            ("report", &[kept], "INSERT INTO shown SELECT id, 'x' FROM t", "42501: this would carry"),
            (
                "report",
                &["CREATE TEMP TABLE t AS SELECT 1 AS id FROM people WHERE email LIKE '%3%'"],
                "INSERT INTO shown SELECT id FROM t",
                "42501: this would carry public.people.email",
            ),
            (
                "report",
                &["CREATE TEMP TABLE t (a text)", "INSERT INTO t SELECT email FROM people"],
                "INSERT INTO shown SELECT 1, a FROM t",
                "42501: this would carry public.people.email",
            ),
            (
                "report",
                &[
                    "CREATE TEMP TABLE t (a text)",
                    "INSERT INTO t VALUES ('x')",
                    "UPDATE t SET a = email FROM people p WHERE p.id = 3",
                ],
                "INSERT INTO shown SELECT 1, a FROM t",
                "42501: this would carry public.people.email",
            ),
            (
                "report",
                &[
                    "CREATE TEMP TABLE t (a text)",
                    "MERGE INTO t USING people p ON false WHEN NOT MATCHED THEN INSERT VALUES (p.email)",
                ],
                "INSERT INTO shown SELECT 1, a FROM t",
                "42501: this would carry public.people.email",
            ),
            (
                "report",
                &[kept, "CREATE TEMP TABLE u AS SELECT email AS a FROM t", "DROP TABLE t"],
                "UPDATE shown SET words = a FROM u",
                "42501: this would carry public.people.email",
            ),
            (
                "report",
                &[
                    "CREATE TEMP TABLE t (a text, g text GENERATED ALWAYS AS (a) STORED)",
                    "INSERT INTO t (a) SELECT email FROM people",
                ],
                "INSERT INTO shown SELECT 1, g FROM t",
                "42501: this would carry public.people.email",
            ),
            (
                "report",
                &[
                    "CREATE TEMP TABLE t (a text)",
                    "BEGIN",
                    "INSERT INTO t SELECT email FROM people",
                    "SAVEPOINT a",
                    "ROLLBACK TO a",
                    "COMMIT",
                ],
                "INSERT INTO shown SELECT 1, a FROM t",
                "42501: this would carry public.people.email",
            ),
            (
                "report",
                &[kept, "BEGIN", "DROP TABLE t", "CREATE TEMP TABLE t (id int, email text)", "ROLLBACK"],
                "INSERT INTO shown SELECT 1, email FROM t",
                "42501: this would carry public.people.email",
            ),
            (
                "report",
                &[kept, "PREPARE p AS INSERT INTO t SELECT salary, email FROM people", "EXECUTE p"],
                "INSERT INTO shown SELECT id FROM t",
                "42501: this would carry",
            ),
            (
                "report",
                &["CREATE TEMP TABLE t AS SELECT row_to_json(people) AS a FROM people"],
                "INSERT INTO shown SELECT 1, a ->> 'email' FROM t",
                "42501: this would carry",
            ),
            (
                "report",
                &[kept],
                "UPDATE shown SET words = 'x' WHERE id IN (SELECT id FROM t)",
                "42501: this would carry",
            ),
            (
                "report",
                &[kept],
                "WITH w AS (UPDATE t SET id = id RETURNING email) INSERT INTO shown SELECT 1, email FROM w",
                "42501: this would carry public.people.email",
            ),
            (
                "report",
                &["CREATE TEMP TABLE t (a text)"],
                "WITH w AS (INSERT INTO t SELECT email FROM people RETURNING a) INSERT INTO orders (note) SELECT a FROM w",
                "42501: this would carry",
            ),
            (
                "report",
                &["CREATE TEMP TABLE t (a text)"],
                "WITH w AS (INSERT INTO t SELECT email FROM people RETURNING a) SELECT a FROM w",
                "0A000",
            ),
            // What stood before it in the message is not known yet.
            (
                "report",
                &[],
                "CREATE TEMP TABLE t AS SELECT email FROM people; INSERT INTO shown SELECT 1, email FROM t",
                "0A000",
            ),
            (
                "report",
                &[kept],
                "DROP TABLE t; CREATE TEMP TABLE t AS SELECT email FROM people; INSERT INTO shown SELECT 1, email FROM t",
                "0A000",
            ),
            (
                "report",
                &[
                    "BEGIN",
                    "DROP TABLE IF EXISTS t",
                    kept,
                    "SAVEPOINT a",
                    "DROP TABLE t",
                    "CREATE TEMP TABLE t (id int, email text)",
                ],
                "ROLLBACK TO a; INSERT INTO shown SELECT * FROM t",
                "0A000",
            ),
            // Another purpose.
            (
                "report",
                &[kept, "SET wherefore.purpose = 'masked'"],
                "SELECT email FROM t",
                "42501: temporary table \"t\" was not made under purpose \"masked\"",
            ),
            ("report", &[kept, "SET wherefore.purpose = 'masked'"], "SELECT count(*) FROM t", "42501: temporary table"),
            ("report", &[kept, "SET wherefore.purpose = 'other'"], "SELECT 1 FROM t", "42501: temporary table"),
            ("report", &[kept, "SET wherefore.purpose = 'masked'"], "INSERT INTO t SELECT 1", "42501: temporary table"),
            ("report", &[kept, "SET wherefore.purpose = 'masked'"], "COPY t TO STDOUT", "42501: temporary table"),
            ("report", &[kept], "SELECT email FROM t /*purpose='masked'*/", "42501: temporary table"),
            (
                "report",
                &["CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS email", "SET wherefore.purpose = 'masked'"],
                "SELECT email FROM people",
                "42501: temporary table",
            ),
            // Rows that a condition decides about.
            ("mailing", &[], kept, "42501: purpose \"mailing\" may not keep rows of public.people"),
            (
                "mailing",
                &[],
                "CREATE TEMP TABLE t AS SELECT count(*) FROM people",
                "42501: purpose \"mailing\" may not keep rows",
            ),
            (
                "mailing",
                &["CREATE TEMP TABLE t (a text)"],
                "INSERT INTO t SELECT email FROM people",
                "42501: purpose \"mailing\" may not keep rows",
            ),
            (
                "mailing",
                &["CREATE TEMP TABLE t (a text)", "INSERT INTO t VALUES ('x')"],
                "UPDATE t SET a = p.name FROM people p",
                "42501: purpose \"mailing\" may not keep rows",
            ),
            (
                "mailing",
                &["CREATE TEMP TABLE t (a text)"],
                "MERGE INTO t USING people p ON false WHEN NOT MATCHED THEN INSERT VALUES (p.email)",
                "42501: purpose \"mailing\" may not keep rows",
            ),
            ("keeping", &[kept], "INSERT INTO orders (note) SELECT email FROM t", "42501: this would carry"),
            // What sources may not be used for, and what they may not meet.
            ("joinless", &[kept], "SELECT id FROM t WHERE email = 'x'", "42501: purpose \"joinless\" may not"),
            (
                "joinless",
                &[kept],
                "SELECT p.id FROM t JOIN people p ON p.name = t.email",
                "42501: purpose \"joinless\" may not",
            ),
            (
                "apart",
                &[kept],
                "SELECT t.email, p.salary FROM t JOIN people p USING (id)",
                "42501: purpose \"apart\" may not bring public.people.email and public.people.salary together",
            ),
            (
                "apart",
                &[kept, "CREATE TEMP TABLE u AS SELECT id, salary FROM people"],
                "SELECT email, salary FROM t JOIN u USING (id)",
                "42501: purpose \"apart\" may not bring",
            ),
            (
                "apart",
                &[kept, "UPDATE t SET email = p.salary FROM people p"],
                "SELECT email FROM t",
                "42501: purpose \"apart\" may not bring",
            ),
            // What is not understood.
            ("report", &[], "CREATE TEMP VIEW v AS SELECT email FROM people", "0A000"),
            ("report", &[], "CREATE TEMP SEQUENCE s", "0A000"),
            ("report", &[], "CREATE TEMP TABLE t (id int REFERENCES people)", "0A000"),
            ("report", &[], "CREATE TEMP TABLE t () INHERITS (people)", "0A000"),
            ("report", &[], "CREATE TEMP TABLE text (a int)", "0A000"),
            ("report", &[], "CREATE TEMP TABLE pg_class (a int)", "0A000"),
            ("report", &["CREATE TEMP TABLE t (a int)"], "SELECT '(1)'::t", "0A000"),
            ("report", &["CREATE TEMP TABLE t (a serial)"], "SELECT nextval('t_a_seq')", "42501"),
            ("report", &["CREATE TEMP TABLE t (a serial)"], "SELECT last_value FROM t_a_seq", "0A000"),
            (
                "report",
                &["CREATE TEMP TABLE t (a int)"],
                "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION stamp()",
                "0A000",
            ),
            ("report", &[], "CREATE TABLE t (a int)", "42501: purpose \"report\" may not change the schema"),
            (
                "report",
                &["CREATE TEMP TABLE t (a int)"],
                "DROP TABLE t, shown",
                "42501: purpose \"report\" may not change the schema",
            ),
            ("report", &["CREATE TEMP TABLE shown (a int)"], "INSERT INTO audited VALUES (1, 'x')", "0A000"),
            ("report", &[], "SELECT * FROM pg_temp_3.t", "0A000"),
            // Functions of users may do anything with them.
            ("report", &["CREATE TEMP TABLE t (id int, email text)", "SELECT swap()"], "SELECT * FROM t", "0A000"),
            ("report", &["CREATE TEMP TABLE t (id int, email text)"], "SELECT swap(); SELECT * FROM t", "0A000"),
            (
                "report",
                &["CREATE TEMP TABLE t (id int, email text)", "SELECT fill(email) FROM people"],
                "INSERT INTO shown SELECT * FROM t",
                "42501: this would carry public.people.email",
            ),
            ("report", &["CREATE TEMP TABLE people (id int)"], "SELECT mine()", "0A000"),
        ] {
            let at = At { port: proxy.port(), database: "temporary_flow", user: "tester", purpose: Some(purpose) };
            let guarded = at.tokio().await;
            for sql in before {
                rows(&guarded, sql).await.unwrap_or_else(|error| panic!("{purpose}: {sql} (before {last}): {error}"));
            }
            match rows(&guarded, last).await {
                Err(error) if error.starts_with(refused) => {}
                answered => wrong.push(format!("{purpose}: {before:?} {last}: {answered:?}")),
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(answer(&direct, "SELECT count(*) FROM shown").await, "0");
    });
}

/// What is permitted stays permitted by way of a temporary table.
#[test]
fn what_sources_permit_a_temporary_table_permits() {
    run(async {
        let (_, _direct, proxy) = clients("temporary_permits", "report").await;
        let at =
            |purpose| At { port: proxy.port(), database: "temporary_permits", user: "tester", purpose: Some(purpose) };
        for (purpose, before, last, expected) in [
            (
                "masked",
                &["CREATE TEMP TABLE t AS SELECT id, email FROM people WHERE id = 3"][..],
                "TABLE t",
                "3 (hidden)",
            ),
            (
                "masked",
                &["CREATE TEMP TABLE t AS SELECT email FROM people"],
                "SELECT count(*) FROM t WHERE email LIKE 'mail%'",
                "0",
            ),
            ("keeping", &["CREATE TEMP TABLE t AS SELECT id FROM people"], "SELECT count(*) FROM t", "4"),
            (
                "report",
                &[
                    "CREATE TEMP TABLE t (id int, words text)",
                    "INSERT INTO t VALUES (1, 'one')",
                    "INSERT INTO shown SELECT * FROM t",
                ],
                "SELECT words FROM shown",
                "one",
            ),
            (
                "report",
                &[
                    "CREATE TEMP TABLE t (id int, words text)",
                    "INSERT INTO t VALUES (1, 'one')",
                    "INSERT INTO audited SELECT * FROM t",
                    "INSERT INTO t VALUES (2, 'two')",
                ],
                "SELECT words FROM audited",
                "ONE",
            ),
            (
                "report",
                &[
                    "CREATE TEMP TABLE t AS SELECT email FROM people",
                    "SET wherefore.purpose = 'other'",
                    "DROP TABLE t",
                    "CREATE TEMP TABLE t AS SELECT 5 AS five",
                ],
                "TABLE t",
                "5",
            ),
            (
                "report",
                &[
                    "CREATE TEMP TABLE t AS SELECT id, email FROM people",
                    "SET wherefore.purpose = 'masked'",
                    "SET wherefore.purpose = 'report'",
                ],
                "SELECT email FROM t WHERE id = 1",
                "mail1@x.example",
            ),
            (
                "joinless",
                &["CREATE TEMP TABLE t AS SELECT id, email FROM people"],
                "SELECT email FROM t WHERE id = 1",
                "mail1@x.example",
            ),
        ] {
            let guarded = at(purpose).tokio().await;
            for sql in before {
                rows(&guarded, sql).await.unwrap_or_else(|error| panic!("{purpose}: {sql} (before {last}): {error}"));
            }
            assert_eq!(answer(&guarded, last).await, expected, "{purpose}: {last}");
        }
    });
}

/// Casts name types without a schema, and what is temporary comes first of all types.
#[test]
fn no_temporary_table_has_the_name_of_a_type() {
    run(async {
        let (guarded, direct, _proxy) = clients("temporary_types", "report").await;
        let names = "SELECT quote_ident(typname) FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype <> 'c'
                     AND typname !~ '^_'";
        let names = rows(&direct, names).await.expect("types");
        assert!(names.len() > 80, "{names:?}");
        for name in names.into_iter().flatten().flatten() {
            let refused = answer(&guarded, &format!("CREATE TEMP TABLE {name} (a int)")).await;
            assert!(refused.starts_with("0A000"), "{name}: {refused}");
        }
    });
}
