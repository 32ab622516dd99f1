//! `max_rows`: what bounds a statement, what does not, and the LIMIT that is put there instead.

use super::{Client, clients_on, rows, run, sent};

const SCHEMA: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text, city text);
    INSERT INTO people SELECT i, 'name ' || i, 'city ' || i % 3 FROM generate_series(1, 40) i;
    CREATE TABLE pairs (a int, b int, note text, PRIMARY KEY (a, b));
    INSERT INTO pairs SELECT i, i % 2, 'x' FROM generate_series(1, 40) i;
    CREATE TABLE parents (id int PRIMARY KEY);
    CREATE TABLE children () INHERITS (parents);
    INSERT INTO children SELECT 1 FROM generate_series(1, 40);
    CREATE VIEW everyone AS SELECT id, name FROM people;
    CREATE FUNCTION several(int) RETURNS SETOF int LANGUAGE sql IMMUTABLE AS 'SELECT generate_series(1, $1)';
    CREATE FUNCTION twice(int, int) RETURNS SETOF int LANGUAGE sql IMMUTABLE AS 'SELECT generate_series(1, 40)';
    CREATE OPERATOR ### (FUNCTION = twice, LEFTARG = int, RIGHTARG = int);
    CREATE SCHEMA other;
    CREATE FUNCTION other.avg(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
    CREATE AGGREGATE other.max (text) (SFUNC = textcat, STYPE = text, INITCOND = '');
    CREATE AGGREGATE all_of (text) (SFUNC = textcat, STYPE = text, INITCOND = '');
";

const PACK: &str = r#"
    [pack]
    name = "bounded"
    document = "A Promise"
    dated = 2026-01-01
    [category.plain]
    [purpose.disclosure]
    max_rows = { rows = 10, clause = "M-1" }
    ddl = true
    [purpose.dashboard]
    max_rows = { rows = 10, over = "limit", clause = "M-1" }
    [purpose.widget]
    parent = "dashboard"
    [purpose.free]
    [clause."M-1"]
    words = "We disclose no more than is asked for."
    [[rule]]
    id = "all"
    clause = "M-1"
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [table."public.people"]
    default = "plain"
    [table."public.pairs"]
    default = "plain"
    [table."public.parents"]
    default = "plain"
    [table."public.kept"]
    default = "plain"
    [role.tester]
    purposes = ["disclosure", "dashboard", "free"]
"#;

async fn count(client: &Client, sql: &str) -> Result<usize, String> {
    rows(client, sql).await.map(|rows| rows.len())
}

/// Statements that say themselves that they release ten rows or fewer.
const BOUNDED: &[(&str, usize)] = &[
    ("SELECT id FROM people LIMIT 10", 10),
    ("SELECT id FROM people ORDER BY id FETCH FIRST 3 ROWS ONLY", 3),
    ("SELECT id FROM people LIMIT 0", 0),
    ("TABLE people LIMIT 2", 2),
    ("SELECT id FROM everyone OFFSET 38 LIMIT 5", 2),
    ("SELECT count(*), min(name), sum(id) FROM people", 1),
    ("SELECT count(*) FROM people HAVING count(*) > 50", 0),
    ("SELECT name FROM people WHERE id = 7", 1),
    ("SELECT name FROM people p WHERE city = 'city 1' AND p.id = 7::int", 1),
    ("SELECT note FROM pairs WHERE a = 4 AND b = 0", 1),
    ("SELECT id FROM people WHERE id = 1 UNION ALL SELECT id FROM people WHERE id = 2", 2),
    ("SELECT id FROM people UNION SELECT id + 100 FROM people LIMIT 4", 4),
    ("SELECT id FROM people LIMIT 3 OFFSET 1", 3),
    ("SELECT (SELECT count(*) FROM people), (SELECT name FROM people WHERE id = 1)", 1),
    ("WITH all_of_them AS (SELECT * FROM people) SELECT count(*) FROM all_of_them", 1),
    ("SELECT row_number() OVER (ORDER BY id) FROM people LIMIT 2", 2),
    ("VALUES ((SELECT count(*) FROM people)), (1)", 2),
    ("UPDATE people SET city = 'x' WHERE id = 3 RETURNING name", 1),
    ("INSERT INTO people VALUES (101, 'a', 'b'), (102, 'c', 'd') RETURNING id", 2),
    ("DELETE FROM people WHERE id IN (101, 102)", 0),
    ("UPDATE people SET city = 'y'", 0),
    ("INSERT INTO people SELECT id + 1000, name, city FROM people", 0),
    ("DELETE FROM people WHERE id > 1000", 0),
    ("CREATE TABLE kept AS SELECT id, name FROM people", 0),
    // What describes the schema is no one's data.
    ("SELECT relname FROM pg_catalog.pg_class ORDER BY oid LIMIT 12", 12),
    ("SELECT generate_series(1, 20)", 20),
    ("SELECT id FROM people LIMIT 7::bigint", 7),
    ("SELECT id FROM people LIMIT LEAST(30, 4::int)", 4),
    ("SELECT id FROM people LIMIT LEAST('40'::text::bigint, 6)", 6),
    ("WITH people AS (SELECT * FROM people) SELECT count(*) FROM people", 1),
    ("SELECT several(3) LIMIT 2", 2),
];

/// Statements that release more, or do not say; with words of the refusal.
const UNBOUNDED: &[(&str, &str)] = &[
    ("SELECT id FROM people", "LIMIT 10"),
    ("SELECT id FROM people LIMIT 11", "LIMIT 10"),
    ("SELECT id FROM people LIMIT ALL", "LIMIT 10"),
    ("SELECT id FROM people LIMIT NULL", "LIMIT 10"),
    ("SELECT id FROM people LIMIT 5 + 5", "LIMIT 10"),
    ("SELECT id FROM people LIMIT (SELECT 10)", "LIMIT 10"),
    ("SELECT id FROM people LIMIT 3000000000", "LIMIT 10"),
    ("SELECT city FROM people ORDER BY city FETCH FIRST 2 ROWS WITH TIES", "nothing bounds"),
    ("TABLE people", "LIMIT 10"),
    ("SELECT * FROM everyone WHERE id = 7", "LIMIT 10"),
    ("SELECT id FROM people WHERE id = 7 OR true", "LIMIT 10"),
    ("SELECT id FROM people WHERE id = id", "LIMIT 10"),
    ("SELECT note FROM pairs WHERE a = 4", "LIMIT 10"),
    ("SELECT id FROM parents WHERE id = 1", "LIMIT 10"),
    ("SELECT p.id FROM people p, people q WHERE p.id = 7", "LIMIT 10"),
    ("SELECT several(40) FROM people WHERE id = 1", "LIMIT 10"),
    ("SELECT several((SELECT count(*)::int FROM people))", "LIMIT 10"),
    ("SELECT count(*), generate_series(1, 40) FROM people", "LIMIT 10"),
    ("SELECT city, count(*) FROM people GROUP BY city", "LIMIT 10"),
    ("SELECT count(*) OVER () FROM people", "LIMIT 10"),
    ("SELECT id FROM people WHERE id = 1 UNION ALL SELECT id FROM people", "LIMIT 10"),
    ("(SELECT id FROM people LIMIT 6) UNION ALL (SELECT id FROM people LIMIT 6)", "LIMIT 10"),
    ("WITH gone AS (DELETE FROM people RETURNING id) SELECT id FROM gone", "LIMIT 10"),
    // A number that a cast makes another of, a text that is less than a text, a value that becomes several rows.
    ("SELECT id FROM people LIMIT 1::bit(1)::bit(31)::int", "LIMIT 10"),
    ("SELECT id FROM people LIMIT 1::text::int", "LIMIT 10"),
    ("SELECT id FROM people LIMIT LEAST(5::text, '1000000')::int", "LIMIT 10"),
    ("SELECT id FROM people LIMIT LEAST(5, '40')", "LIMIT 10"),
    (
        "INSERT INTO people VALUES (generate_series(101, 140)) RETURNING id, (SELECT name FROM people LIMIT 1)",
        "nothing bounds",
    ),
    ("SELECT id ### 1 FROM people WHERE id = 1", "LIMIT 10"),
    ("SELECT several(40)", "LIMIT 10"),
    ("SELECT other.avg(id) FROM people", "LIMIT 10"),
    ("SELECT other.max(name) FROM people", "collects rows in one value"),
    (
        "WITH RECURSIVE all_in_one (n, packed) AS (SELECT 0, '' UNION ALL SELECT n + 1, packed || (SELECT name FROM people WHERE id = n + 1) \
         FROM all_in_one WHERE n < 40) SELECT packed FROM all_in_one ORDER BY n DESC LIMIT 1",
        "collects rows in one value",
    ),
    ("SELECT array_agg(name) FROM people", "collects rows in one value"),
    ("SELECT string_agg(name, ',') FROM people LIMIT 1", "collects rows in one value"),
    ("SELECT all_of(name) FROM people", "collects rows in one value"),
    ("SELECT json_agg(p) FROM people p", "collects rows in one value"),
    ("SELECT ARRAY (SELECT name FROM people) LIMIT 1", "collects rows in one value"),
    ("SELECT 1 FROM people WHERE ARRAY (SELECT name FROM people) IS NOT NULL LIMIT 1", "collects rows in one value"),
    ("SELECT percentile_disc(ARRAY[0.1, 0.2]) WITHIN GROUP (ORDER BY name) FROM people", "collects rows in one value"),
    ("UPDATE people SET city = 'x' RETURNING name", "nothing bounds"),
    ("DELETE FROM people RETURNING *", "nothing bounds"),
    ("INSERT INTO people SELECT id + 1000, name, city FROM people RETURNING id", "nothing bounds"),
    ("COPY people TO STDOUT", "nothing bounds"),
    ("COPY (SELECT id FROM people) TO STDOUT", "LIMIT 10"),
    ("DECLARE c CURSOR FOR SELECT id FROM people", "LIMIT 10"),
    ("PREPARE p AS SELECT id FROM people", "LIMIT 10"),
];

#[test]
fn a_statement_says_how_many_rows_it_releases() {
    run(async {
        let (guarded, direct, _proxy) = clients_on("bounded_refuse", SCHEMA, "disclosure", PACK).await;
        for (sql, expected) in BOUNDED {
            assert_eq!(count(&guarded, sql).await, Ok(*expected), "{sql}");
        }
        for (sql, expected) in UNBOUNDED {
            let error = guarded.simple_query(sql).await.expect_err(sql);
            let error = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}"));
            let told = format!("{} {} {}", error.message(), error.detail().unwrap_or(""), error.hint().unwrap_or(""));
            assert!(told.contains("may read at most 10 rows at once"), "{sql}: {told}");
            assert!(
                told.contains(expected) && told.contains("We disclose no more than is asked for."),
                "{sql}: {told}"
            );
        }
        assert_eq!(count(&direct, "SELECT id FROM people").await, Ok(40), "nothing was done");
        // A parameter says nothing before it has a value.
        let error = guarded.prepare("SELECT id FROM people LIMIT $1").await.expect_err("a parameter");
        assert!(error.as_db_error().expect("an error").message().contains("at most 10 rows"), "{error}");
        rows(&guarded, "SET wherefore.purpose = 'free'").await.expect("a purpose");
        assert_eq!(count(&guarded, "SELECT id FROM people").await, Ok(40));
    });
}

#[test]
fn the_nearest_form_has_the_limit() {
    run(async {
        let (guarded, _direct, _proxy) = clients_on("bounded_nearest", SCHEMA, "disclosure", PACK).await;
        for (sql, expected) in [
            ("SELECT name FROM people ORDER BY id", "permitted instead: SELECT name FROM people ORDER BY id LIMIT 10"),
            ("SELECT name FROM people LIMIT 50", "permitted instead: SELECT name FROM people LIMIT 10"),
        ] {
            let told = rows(&guarded, &format!("EXPLAIN (WHEREFORE) {sql}")).await.expect(sql);
            let told: Vec<String> = told.into_iter().flatten().flatten().collect();
            assert!(told.iter().any(|line| line == expected), "{told:#?}");
        }
    });
}

#[test]
fn a_limit_is_put_where_a_query_can_have_one() {
    run(async {
        let (guarded, direct, _proxy) = clients_on("bounded_limit", SCHEMA, "widget", PACK).await;
        for (sql, expected) in [
            ("SELECT id FROM people", 10),
            ("SELECT id FROM people LIMIT 4", 4),
            ("SELECT id FROM people LIMIT 30", 10),
            ("SELECT id FROM people LIMIT ALL", 10),
            ("SELECT id FROM people LIMIT 5 + 4", 9),
            ("SELECT id FROM people LIMIT 5 * 4", 10),
            ("SELECT id FROM people LIMIT (SELECT NULL::bigint)", 10),
            ("SELECT id FROM people ORDER BY id OFFSET 35", 5),
            ("SELECT id FROM people UNION ALL SELECT id FROM people", 10),
            ("TABLE people", 10),
            ("SELECT city, count(*) FROM people GROUP BY city", 3),
            ("SELECT several(40) FROM people", 10),
            ("SELECT 1 FROM people ORDER BY 1", 10),
        ] {
            assert_eq!(count(&guarded, sql).await, Ok(expected), "{sql}");
        }
        for (sql, expected) in UNBOUNDED.iter().filter(|(_, expected)| *expected != "LIMIT 10") {
            let error = count(&guarded, sql).await.expect_err(sql);
            let why = if *expected == "nothing bounds" { *expected } else { "collects rows" };
            assert!(error.contains(why), "{sql}: {error}");
        }
        let prepared = guarded.prepare("SELECT id FROM people LIMIT $1").await.expect("a parameter");
        assert_eq!(prepared.params(), [tokio_postgres::types::Type::INT8]);
        for (given, expected) in [(Some(3_i64), 3), (Some(30), 10), (None, 10)] {
            assert_eq!(guarded.query(&prepared, &[&given]).await.expect("rows").len(), expected, "{given:?}");
        }
        // What was limited is the same when it is sent again.
        for sql in ["SELECT id FROM people", "SELECT id FROM people LIMIT 5 + 4", "SELECT id FROM people LIMIT 30"] {
            let once = sent(&guarded, &direct, sql).await;
            assert!(once.contains("LIMIT"), "{once}");
            assert_eq!(sent(&guarded, &direct, &once).await, once);
        }
        rows(&guarded, "BEGIN; DECLARE c CURSOR FOR SELECT id FROM people").await.expect("a cursor");
        assert_eq!(count(&guarded, "FETCH ALL FROM c").await, Ok(10));
        rows(&guarded, "COMMIT").await.expect("COMMIT");
        rows(&guarded, "PREPARE p AS SELECT id FROM people").await.expect("a statement");
        assert_eq!(count(&guarded, "EXECUTE p").await, Ok(10));
        let copied = guarded.copy_out("COPY (SELECT id FROM people) TO STDOUT").await.expect("a copy");
        let lines = futures_util::TryStreamExt::try_fold(copied, 0, |lines, part| async move {
            Ok(lines + part.iter().filter(|byte| **byte == b'\n').count())
        });
        assert_eq!(lines.await.expect("rows"), 10);
        // Rows that are locked would be more than those that come back.
        let error = count(&guarded, "SELECT id FROM people WHERE name LIKE 'n%' FOR UPDATE").await;
        assert!(error == Ok(10) || error.as_ref().is_err_and(|error| error.contains("row lock")), "{error:?}");
    });
}
