//! Temporary tables: what tools do with them works; they hold what was shown, stay with their purpose, and are taken for
//! nothing else.

use super::{At, Client, clients_on, rows, run};

const SCHEMA: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text, email text, salary int, consent boolean NOT NULL DEFAULT true);
    INSERT INTO people SELECT i, 'name ' || i, 'mail' || i || '@x.example', i * 1000, i % 2 = 0 FROM generate_series(1, 8) i;
    CREATE TABLE orders (id serial PRIMARY KEY, person_id int, note text);
    INSERT INTO orders (person_id, note) SELECT i, 'note ' || i FROM generate_series(1, 8) i;
    CREATE TABLE shown (id int, words text);
    CREATE TABLE audited (id int, words text);
    CREATE DOMAIN small AS int CHECK (VALUE < 100);
    CREATE FUNCTION odd_one(int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 % 2 = 1';
    CREATE DOMAIN odd AS int CHECK (odd_one(VALUE));
    CREATE TYPE pair AS (one int, other int);
    CREATE TABLE boxed (id int, duos pair, level odd);
    INSERT INTO boxed VALUES (1, (1, 2), 3);
    CREATE TABLE roots (id int PRIMARY KEY);
    CREATE TABLE leaves (root int REFERENCES roots);
    CREATE TABLE stems (id int PRIMARY KEY);
    CREATE TABLE twigs (stem int REFERENCES stems);
    CREATE FUNCTION unlisted() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION ''%'', (SELECT max(email) FROM people); END';
    CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO shown VALUES (0, ''gone''); RETURN NULL; END';
    CREATE TRIGGER felled AFTER TRUNCATE ON leaves EXECUTE FUNCTION unlisted();
    CREATE TRIGGER pruned AFTER TRUNCATE ON twigs EXECUTE FUNCTION told();
    CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.words := upper(NEW.words); RETURN NEW; END';
    CREATE FUNCTION leave() RETURNS int LANGUAGE plpgsql AS
        'BEGIN CREATE TEMP TABLE left_behind AS SELECT email FROM public.people; RETURN 1; END';
    CREATE FUNCTION mine() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM people); END';
    CREATE FUNCTION texts() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM orders';
    CREATE FUNCTION bound() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM orders; END;
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
    [purpose.joinless]
    [purpose.counting]
    [purpose.none]
    temporary_tables = "refuse"
    [purpose.few]
    max_rows.rows = 3
    [purpose.builder]
    ddl = true
    temporary_tables = "refuse"
    [purpose.public]
    [purpose.everything]
    unrestricted = true
    [clause."T-1"]
    words = "Each sees its own."
    [[rule]]
    id = "plain"
    clause = "T-1"
    category = ["plain", "shown"]
    rights = ["read", "insert", "update", "delete"]
    purpose = ["report", "other", "masked", "mailing", "joinless", "counting", "none", "few"]
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
    purpose = ["report", "other"]
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
    purpose = "mailing"
    where = ["consent.mail"]
    effect = "allow"
    [[rule]]
    id = "contact-joinless"
    clause = "T-1"
    category = "contact"
    purpose = "joinless"
    output = "deny"
    effect = "allow"
    [[rule]]
    id = "pay"
    clause = "T-1"
    category = "pay"
    purpose = "report"
    effect = "allow"
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
    [function."public.mine"]
    reads = []
    [function."public.leave"]
    reads = []
    [function."public.stamp"]
    reads = []
    [function."public.told"]
    reads = []
    [table."public.boxed"]
    subject = "person"
    default = "plain"
    [table."public.roots"]
    subject = "person"
    default = "plain"
    [table."public.leaves"]
    subject = "person"
    default = "plain"
    [table."public.stems"]
    subject = "person"
    default = "plain"
    [table."public.twigs"]
    subject = "person"
    default = "plain"
    [role.tester]
    purposes = ["report", "other", "masked", "mailing", "joinless", "counting", "none", "few", "builder", "public", "everything"]
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

/// What dbt, notebooks, reports and applications do, in one session: each statement answers what the server answers without
/// the proxy.
#[test]
fn what_tools_do_with_temporary_tables_works() {
    run(async {
        let (guarded, direct, _proxy) = clients("temporary_works", "report").await;
        for sql in [
            "DROP TABLE IF EXISTS picked",
            "CREATE TEMP TABLE staged (LIKE shown INCLUDING DEFAULTS) ON COMMIT PRESERVE ROWS",
            "INSERT INTO staged (id, words) VALUES (1, 'staged'), (2, 'twice')",
            "UPDATE staged SET words = upper(words) WHERE id = 2",
            "INSERT INTO shown SELECT id, words FROM staged ORDER BY id RETURNING words",
            "UPDATE shown SET words = s.words FROM staged s WHERE s.id = shown.id",
            "DELETE FROM shown WHERE id IN (SELECT id FROM staged)",
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
            "CREATE UNIQUE INDEX once ON picked (id)",
            "INSERT INTO picked VALUES (2, 'again') ON CONFLICT (id) DO UPDATE SET email = excluded.email",
            "MERGE INTO picked USING people p ON p.id = picked.id WHEN MATCHED THEN UPDATE SET email = p.name
                WHEN NOT MATCHED AND p.id < 3 THEN INSERT VALUES (p.id, p.email)",
            "SELECT id, email FROM picked ORDER BY 1",
            "TRUNCATE picked",
            "SELECT count(*) FROM picked",
            "DROP TABLE picked",
            "SELECT count(*) FROM picked",
            "SELECT id, name INTO TEMP few FROM people WHERE id <= 2",
            "TABLE few",
            "DROP TABLE IF EXISTS few, picked",
            "CREATE TEMP TABLE numbered (n serial, g int GENERATED ALWAYS AS (n * 2) STORED, at timestamptz DEFAULT now(), CHECK (n > 0), UNIQUE (n))",
            "INSERT INTO numbered (at) VALUES ('2026-01-01') RETURNING n, g",
            "CREATE TEMP TABLE counted (n int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, words varchar(20) NOT NULL)",
            "INSERT INTO counted (words) VALUES ('a'), ('b')",
            "SELECT * FROM counted ORDER BY n",
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
            "SET search_path = public, pg_temp",
            "SELECT count(*) FROM people",
            "RESET search_path",
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
            "BEGIN; CREATE TEMP TABLE in_one_message (id int); COMMIT",
            "SELECT * FROM in_one_message",
            "DECLARE c CURSOR WITH HOLD FOR SELECT id FROM in_one_message",
            "FETCH ALL FROM c",
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
        // And so do drivers that prepare everything.
        guarded.execute("CREATE TEMP TABLE prepared (id int, words text)", &[]).await.expect("a table");
        guarded.execute("INSERT INTO prepared VALUES ($1, $2)", &[&1_i32, &"one"]).await.expect("a row");
        let row = guarded.query_one("SELECT words FROM prepared WHERE id = $1", &[&1_i32]).await.expect("a row");
        assert_eq!(row.get::<_, &str>(0), "one");
        // What is sent names it with its schema: were it gone, nothing would be found.
        let sent = super::sent(&guarded, &direct, "SELECT words FROM prepared").await;
        assert!(sent.contains("FROM pg_temp.prepared"), "{sent}");
    });
}

/// Each row is a session of its own: the purpose, the statements before, and the last one with the beginning of its answer.
#[test]
fn what_is_in_a_temporary_table_was_shown_and_goes_no_further() {
    run(async {
        let (_, direct, proxy) = clients("temporary_flow", "report").await;
        let kept = "CREATE TEMP TABLE t AS SELECT id, email FROM people";
        let stored = "42501: purpose \"report\" may not store elsewhere";
        let late = "0A000: functions whose text names relations";
        let ran = "0A000: temporary tables are not understood in a session that has run functions";
        let another = "25001: a session with temporary tables of one purpose";
        let mut wrong: Vec<String> = Vec::new();
        for (purpose, before, last, expected) in [
            // What goes in is judged as if it were shown.
            ("masked", &[kept][..], "SELECT max(email), count(*) FROM t", "(hidden) 8"),
            (
                "masked",
                &["CREATE TEMP TABLE t (a text)", "INSERT INTO t SELECT email FROM people"],
                "SELECT max(a) FROM t",
                "(hidden)",
            ),
            ("mailing", &[kept], "SELECT count(*), min(id) FROM t", "4 2"),
            ("counting", &[], kept, "42501"),
            ("counting", &["CREATE TEMP TABLE t (a text)"], "INSERT INTO t SELECT email FROM people", "42501"),
            (
                "counting",
                &["CREATE TEMP TABLE t (id int)"],
                "INSERT INTO t SELECT id FROM people WHERE email > 'm'",
                "42501",
            ),
            (
                "counting",
                &["CREATE TEMP TABLE t (id int)"],
                "DELETE FROM t USING people p WHERE p.email > 'm'",
                "42501",
            ),
            ("joinless", &[], kept, "42501"),
            (
                "joinless",
                &["CREATE TEMP TABLE t (a text)"],
                "UPDATE t SET a = (SELECT max(email) FROM people)",
                "42501",
            ),
            ("none", &[], "CREATE TEMP TABLE t (a int)", "42501: purpose \"none\" may have no temporary tables"),
            ("few", &[], "SELECT 1 AS a INTO TEMP t", "42501: purpose \"few\" may have no temporary tables"),
            // And is not stored.
            ("report", &[kept], "INSERT INTO shown SELECT id, email FROM t", stored),
            ("report", &[kept], "INSERT INTO shown SELECT id, 'x' FROM t", stored),
            ("report", &[kept], "UPDATE shown SET words = 'x' WHERE id IN (SELECT id FROM t)", stored),
            ("report", &[kept], "DELETE FROM shown USING t WHERE t.id = shown.id", stored),
            (
                "report",
                &[kept],
                "MERGE INTO shown USING t ON false WHEN NOT MATCHED THEN INSERT VALUES (t.id, t.email)",
                stored,
            ),
            ("report", &[kept, "TRUNCATE t"], "INSERT INTO shown SELECT id, email FROM t", stored),
            (
                "report",
                &[kept, "DROP TABLE t", "CREATE TEMP TABLE t (a text)"],
                "INSERT INTO shown SELECT 1, a FROM t",
                stored,
            ),
            (
                "report",
                &["CREATE TEMP TABLE t (a text)", "PREPARE p AS INSERT INTO t SELECT email FROM people", "EXECUTE p"],
                "INSERT INTO shown SELECT 1, a FROM t",
                stored,
            ),
            (
                "report",
                &["CREATE TEMP TABLE t (a text)", "EXPLAIN ANALYZE INSERT INTO t SELECT email FROM people"],
                "INSERT INTO shown SELECT 1, a FROM t",
                stored,
            ),
            (
                "report",
                &[
                    "CREATE TEMP TABLE t (a text)",
                    "COPY (INSERT INTO t SELECT email FROM people RETURNING 1) TO STDOUT",
                ],
                "INSERT INTO shown SELECT 1, a FROM t",
                stored,
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
                stored,
            ),
            (
                "report",
                &["CREATE TEMP TABLE t (a text)"],
                "WITH w AS (INSERT INTO t SELECT email FROM people RETURNING a) INSERT INTO shown SELECT 1, a FROM w",
                "0A000",
            ),
            (
                "report",
                &["CREATE TEMP TABLE t (a text)"],
                "INSERT INTO t SELECT email FROM people; INSERT INTO shown SELECT 1, a FROM t",
                stored,
            ),
            ("report", &[kept], "CREATE VIEW v AS SELECT email FROM t", "42501"),
            ("report", &[kept], "SELECT pg_notify('c', email) FROM t", "0A000"),
            // Nothing that names it by a text of its own is run beside it.
            ("report", &[kept], "SELECT mine()", late),
            ("report", &[kept], "SELECT texts()", late),
            ("report", &[kept], "SELECT bound()", "8"),
            ("report", &[kept], "INSERT INTO audited VALUES (1, 'x')", late),
            ("report", &["PREPARE p AS SELECT mine()", "CREATE TEMP TABLE t (a int)"], "EXECUTE p", late),
            ("report", &["BEGIN", "SELECT mine()"], "CREATE TEMP TABLE t (a int)", ran),
            ("report", &["BEGIN", "DECLARE c CURSOR FOR SELECT mine()"], "CREATE TEMP TABLE t (a int)", ran),
            ("report", &["DECLARE c CURSOR WITH HOLD FOR SELECT mine()"], "CREATE TEMP TABLE t (a int)", ran),
            ("report", &["SELECT leave()"], "CREATE TEMP TABLE t (a int)", ran),
            ("report", &["SELECT leave()"], "SELECT * FROM left_behind", "42P01"),
            ("report", &["SELECT mine()"], "SELECT mine(); CREATE TEMP TABLE t (a int)", ran),
            ("report", &["SELECT mine()", "CREATE TEMP TABLE t (a int)"], "SELECT count(*) FROM t", "0"),
            (
                "report",
                &["SELECT leave()", "DISCARD ALL", "CREATE TEMP TABLE t (a int)"],
                "SELECT count(*) FROM t",
                "0",
            ),
            (
                "report",
                &["PREPARE p AS SELECT mine()", "SELECT 1", "BEGIN", "EXECUTE p"],
                "CREATE TEMP TABLE t (a int)",
                ran,
            ),
            // It belongs to its purpose.
            ("report", &[kept, "SET wherefore.purpose = public"], "SELECT * FROM t", "1 mail"),
            ("report", &[kept], "SET wherefore.purpose = public", another),
            ("report", &[kept], "/*purpose='public'*/ SELECT * FROM t", another),
            ("report", &[kept], "/*purpose='public'*/ SELECT * FROM shown", another),
            ("report", &[kept, "DROP TABLE t"], "SET wherefore.purpose = other", another),
            ("report", &["DROP TABLE IF EXISTS t"], "SET wherefore.purpose = other", ""),
            ("report", &["BEGIN", kept, "ROLLBACK"], "SET wherefore.purpose = other", another),
            ("report", &[kept, "DISCARD TEMP"], "SET wherefore.purpose = other", another),
            ("report", &[kept, "DISCARD ALL", "SET wherefore.purpose = public"], "SELECT * FROM t", "42P01"),
            ("report", &[kept, "BEGIN", "DISCARD ALL", "ROLLBACK"], "SET wherefore.purpose = other", another),
            ("report", &[kept, "SELECT 1; DISCARD ALL"], "SET wherefore.purpose = other", another),
            (
                "everything",
                &[kept],
                "SET wherefore.purpose = report",
                "25001: a session that has worked under an unrestricted",
            ),
            // What is no plain table is none.
            ("report", &[], "CREATE TEMP VIEW v AS SELECT 1", "0A000"),
            ("report", &[], "CREATE TEMP SEQUENCE s", "0A000"),
            ("report", &[], "CREATE TEMP TABLE t () INHERITS (shown)", "0A000"),
            ("report", &[], "CREATE TEMP TABLE t (a int) PARTITION BY LIST (a)", "0A000"),
            ("report", &[], "CREATE TEMP TABLE t (a bigint DEFAULT mine())", "0A000"),
            ("report", &[], "CREATE TEMP TABLE t (a bigint CHECK (a > texts()))", "0A000"),
            ("report", &[], "CREATE TEMP TABLE t (a int DEFAULT nextval('orders_id_seq'))", "0A000"),
            ("report", &[], "CREATE TEMP TABLE t (a int REFERENCES people)", "0A000"),
            ("report", &[], "CREATE TEMP TABLE int4 (a int)", "0A000"),
            ("report", &[], "CREATE TEMP TABLE small (a int)", "0A000"),
            ("report", &[], "CREATE TEMP TABLE t (LIKE people INCLUDING ALL)", "0A000"),
            ("report", &["CREATE TEMP TABLE t (a small)", "INSERT INTO t VALUES (7)"], "SELECT * FROM t", "7"),
            ("report", &["CREATE TEMP TABLE t (a small)"], "INSERT INTO t VALUES (700)", "23514"),
            ("report", &[], "CREATE TEMP TABLE t (a odd)", "0A000"),
            (
                "report",
                &[],
                "CREATE TEMP TABLE t (a pair)",
                "0A000: purpose \"report\" is restricted, and a temporary table with a column of rows",
            ),
            ("report", &[], "CREATE TEMP TABLE t (LIKE boxed)", "0A000"),
            (
                "report",
                &[],
                "CREATE TEMP TABLE t (a int UNIQUE DEFERRABLE)",
                "0A000: purpose \"report\" is restricted, and a deferrable constraint",
            ),
            (
                "report",
                &[],
                "CREATE TEMP TABLE t (a int, UNIQUE (a) DEFERRABLE)",
                "0A000: purpose \"report\" is restricted, and a deferrable constraint",
            ),
            // What is not understood can still be dropped.
            (
                "report",
                &["CREATE TEMP TABLE t AS SELECT duos FROM boxed"],
                "SELECT * FROM t",
                "0A000: purpose \"report\" is restricted, and temporary relation t",
            ),
            (
                "report",
                &["CREATE TEMP TABLE t AS SELECT level FROM boxed"],
                "SELECT * FROM t",
                "0A000: purpose \"report\" is restricted, and temporary relation t",
            ),
            ("report", &["CREATE TEMP TABLE t AS SELECT duos FROM boxed"], "DROP TABLE t", ""),
            ("report", &["CREATE TEMP TABLE t AS SELECT duos FROM boxed", "DROP TABLE t"], "SELECT * FROM t", "42P01"),
            (
                "report",
                &["CREATE TEMP TABLE shown AS SELECT duos FROM boxed", "DROP TABLE IF EXISTS shown"],
                "SELECT * FROM shown",
                "",
            ),
            // What is not there is not taken for temporary by those who may define.
            ("none", &[], "DROP TABLE IF EXISTS nothing", ""),
            ("builder", &[], "DROP TABLE IF EXISTS nothing", ""),
            ("builder", &[], "DROP VIEW IF EXISTS nothing", ""),
            ("builder", &[], "CREATE TEMP TABLE t (a int)", "42501: purpose \"builder\" may have no temporary tables"),
            ("report", &[], "DROP VIEW IF EXISTS nothing", "42501"),
            // TRUNCATE reaches whatever refers to a table, by a key of any kind, and fires triggers of its own.
            (
                "report",
                &[],
                "TRUNCATE roots CASCADE",
                "0A000: purpose \"report\" is restricted, and function public.unlisted",
            ),
            ("report", &[], "TRUNCATE stems CASCADE", ""),
            ("report", &[kept], "TRUNCATE stems CASCADE", late),
            ("report", &["BEGIN", "TRUNCATE stems CASCADE"], "CREATE TEMP TABLE t (a int)", ran),
            ("report", &[kept], "SELECT NULL::t", "0A000"),
            (
                "report",
                &[],
                "CREATE TEMP TABLE t AS SELECT 1 AS a; SELECT * FROM t",
                "0A000: temporary tables were changed",
            ),
            // What is gone is not something else.
            (
                "counting",
                &["CREATE TEMP TABLE people (id int, email text)", "BEGIN", "DROP TABLE people"],
                "SELECT email FROM people",
                "42501",
            ),
            (
                "counting",
                &[
                    "BEGIN",
                    "CREATE TEMP TABLE people (id int, email text) ON COMMIT DROP",
                    "SELECT email FROM people",
                    "COMMIT",
                ],
                "SELECT email FROM people",
                "42501",
            ),
            (
                "counting",
                &[
                    "CREATE TEMP TABLE people (id int, email text)",
                    "PREPARE p AS SELECT email FROM people",
                    "DROP TABLE people",
                ],
                "EXECUTE p",
                "42501",
            ),
            (
                "counting",
                &["CREATE TEMP TABLE people (id int, email text)"],
                "DROP TABLE people; SELECT email FROM people",
                "0A000",
            ),
            (
                "counting",
                &["CREATE TEMP TABLE people (id int, email text)"],
                "SELECT pg_temp.people.email FROM pg_temp.people",
                "",
            ),
        ] {
            let at = At { port: proxy.port(), database: "temporary_flow", user: "tester", purpose: Some(purpose) };
            let client = at.tokio().await;
            for sql in before {
                answer(&client, sql).await;
            }
            let answered = answer(&client, last).await;
            if !answered.starts_with(expected) || (expected.is_empty() && !answered.is_empty()) {
                wrong.push(format!("{purpose}: {before:?} {last}\n    {answered}\n    not {expected}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        // A table that was made around the proxy, which has not heard of it, is dropped by those who may.
        rows(&direct, "CREATE TABLE made_beside (id int)").await.expect("a table");
        let session = |purpose| At { port: proxy.port(), database: "temporary_flow", user: "tester", purpose };
        let builder = session(Some("builder")).tokio().await;
        assert_eq!(answer(&builder, "DROP TABLE IF EXISTS made_beside").await, "");
        assert_eq!(answer(&direct, "SELECT to_regclass('made_beside')").await, "-");
        // And nobody's who may not.
        rows(&direct, "CREATE TABLE made_beside (id int)").await.expect("a table");
        let other = session(Some("other")).tokio().await;
        assert_eq!(answer(&other, "DROP TABLE IF EXISTS made_beside").await, "");
        assert_eq!(answer(&direct, "SELECT to_regclass('made_beside')").await, "made_beside");
        let nobody = session(None).tokio().await;
        let refused = answer(&nobody, "DROP TABLE IF EXISTS nothing").await;
        assert!(refused.starts_with("42501: no purpose is declared, so the schema"), "{refused}");
    });
}

/// Sessions use the same name, also after the catalog was read while one of them had such a table.
#[test]
fn sessions_do_not_meet() {
    run(async {
        let (one, direct, proxy) = clients("temporary_sessions", "report").await;
        let at = At { port: proxy.port(), database: "temporary_sessions", user: "tester", purpose: Some("report") };
        let other = at.tokio().await;
        assert_eq!(answer(&one, "CREATE TEMP TABLE staging (n serial, words text)").await, "");
        // After a definition the catalog is read before anything else is judged.
        let builder = At { purpose: Some("builder"), ..at }.tokio().await;
        assert_eq!(answer(&builder, "CREATE TABLE newer (id int)").await, "");
        for client in [&one, &other] {
            let unknown = answer(client, "SELECT id FROM newer").await;
            assert!(unknown.starts_with("42501"), "{unknown}");
        }
        assert_eq!(answer(&other, "SELECT * FROM staging").await, "42P01: relation \"staging\" does not exist");
        assert_eq!(answer(&other, "CREATE TEMP TABLE staging (words text)").await, "");
        assert_eq!(answer(&other, "INSERT INTO staging VALUES ('other') RETURNING words").await, "other");
        assert_eq!(answer(&one, "INSERT INTO staging (words) VALUES ('one') RETURNING *").await, "1 one");
        assert_eq!(answer(&one, "DROP TABLE staging").await, "");
        assert_eq!(answer(&one, "CREATE TEMP TABLE staging (a int)").await, "");
        assert_eq!(answer(&other, "SELECT * FROM staging").await, "other");
    });
}
