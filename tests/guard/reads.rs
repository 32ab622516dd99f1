//! Views and the rarer constructs: what they answer does not depend on what is closed.

use super::{PACK, SCHEMA, clients, clients_on, rows, run};
use tokio_postgres::Client;

/// Changes what `masked` may not see: contacts and secrets of everyone.
const OTHER_CONTACTS: &str = "UPDATE people SET email = 'other' || 5000 - id || '@y.example', phone = '+9' || id,
    secret = CASE WHEN id % 3 = 0 THEN NULL ELSE 'OTHER' || id % 5 END; REFRESH MATERIALIZED VIEW stored_mail";
/// Changes what `filtered` may not see: the rows of those who do not agree, and how many there are.
const OTHER_ROWS: &str = "DELETE FROM orders WHERE person_id % 4 = 1;
    DELETE FROM people WHERE NOT consent AND id % 4 = 1;
    UPDATE people SET name = 'OTHER' || id, city = 'x' || id, email = 'other' WHERE NOT consent;
    REFRESH MATERIALIZED VIEW stored_mail; REFRESH MATERIALIZED VIEW stored_towns";

/// Each statement answers the same in two databases that differ only in what the purpose may not see, though the
/// answers of Postgres itself differ. `Err` is an answer too.
async fn same_in_two_worlds(database: &str, purpose: &str, change: &str, statements: &[&str]) {
    let (guarded, direct, _proxy) = clients(database, purpose).await;
    let mut before = Vec::new();
    for sql in statements {
        before.push((rows(&guarded, sql).await, told(&direct, sql).await));
    }
    direct.batch_execute(change).await.expect("another world");
    for (sql, (answer, bare)) in statements.iter().zip(before) {
        assert_eq!(rows(&guarded, sql).await, answer, "{purpose}: {sql}");
        assert_ne!(told(&direct, sql).await, bare, "nothing to hide in {sql}");
    }
}

/// What Postgres itself answers, in no order.
async fn told(direct: &Client, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    let mut answer = rows(direct, sql).await?;
    answer.sort();
    Ok(answer)
}

/// Each statement answers as Postgres does where the purpose opens everything that it reaches.
async fn as_postgres_does(database: &str, purpose: &str, statements: &[&str]) {
    let (guarded, direct, _proxy) = clients(database, purpose).await;
    for sql in statements {
        let expected = rows(&direct, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(rows(&guarded, sql).await, Ok(expected), "{sql}");
    }
}

#[test]
fn views_keep_back_what_their_tables_keep_back() {
    run(same_in_two_worlds(
        "reads_views_masked",
        "masked",
        OTHER_CONTACTS,
        &[
            "SELECT * FROM contacts ORDER BY number LIMIT 20",
            "SELECT mail FROM contacts WHERE number = 3",
            "SELECT count(*) FROM contacts WHERE mail LIKE 'mail%'",
            "SELECT number FROM contacts ORDER BY mail DESC, number LIMIT 3",
            "SELECT id, phone FROM keyed ORDER BY id LIMIT 5",
            "SELECT mail, amount FROM nested ORDER BY amount LIMIT 5",
            "SELECT c FROM contacts AS c ORDER BY number LIMIT 2",
            "SELECT row_to_json(c) FROM contacts AS c ORDER BY number LIMIT 2",
            "SELECT email FROM all_names ORDER BY 1 LIMIT 5",
            "SELECT id, email FROM barrier ORDER BY id LIMIT 5",
            "SELECT secret FROM everyone",
            "SELECT id FROM known_secrets",
            "SELECT max(secret) FROM both_names",
            "SELECT everything FROM rowed ORDER BY id LIMIT 2",
            "SELECT max(email) FROM stored_mail",
            "SELECT name FROM stored_mail WHERE email LIKE 'mail%' ORDER BY 1 LIMIT 1",
            "SELECT max(email) FROM over_stored",
            "SELECT x FROM lateral_secret ORDER BY id LIMIT 3",
            "SELECT count(*) FROM spread",
            "SELECT name FROM numbers",
            "SELECT count(*), max(name) FROM over_numbers",
            "SELECT id, n, digits FROM summed ORDER BY id LIMIT 3",
        ],
    ));
}

#[test]
fn views_hide_rows_and_their_number() {
    run(same_in_two_worlds(
        "reads_views_filtered",
        "filtered",
        OTHER_ROWS,
        &[
            "SELECT count(*) FROM adults",
            "SELECT max(name) FROM adults",
            "SELECT count(*) FROM contacts",
            "SELECT who FROM contacts WHERE number = 3",
            "SELECT who FROM contacts WHERE length(mail) < 6 ORDER BY 1",
            "SELECT city, heads FROM towns ORDER BY 1",
            "SELECT count(*) FROM keyed",
            "SELECT name FROM steps ORDER BY id",
            "SELECT EXISTS (SELECT FROM adults WHERE id = 5)",
            "SELECT count(*) FROM adjustable",
            "SELECT name FROM with_ctes ORDER BY id LIMIT 3",
            "SELECT heads FROM stored_towns ORDER BY 1",
            "SELECT count(*) FROM stored_mail",
            "SELECT name FROM over_stored ORDER BY id LIMIT 3",
            "SELECT name FROM adults ORDER BY id FOR UPDATE",
        ],
    ));
}

#[test]
fn views_answer_as_postgres_does() {
    run(as_postgres_does(
        "reads_views_open",
        "plain",
        &[
            "SELECT * FROM counting ORDER BY n",
            "SELECT n FROM counting ORDER BY n",
            "SELECT * FROM adults ORDER BY id LIMIT 5",
            "SELECT a FROM adults a ORDER BY id LIMIT 5",
            "SELECT pg_typeof(a) FROM adults a LIMIT 1",
            "SELECT who, mail FROM contacts ORDER BY number LIMIT 5",
            "SELECT city, heads FROM towns ORDER BY city",
            "SELECT * FROM nested ORDER BY amount LIMIT 5",
            "SELECT * FROM keyed ORDER BY id LIMIT 5",
            "SELECT id FROM everyone ORDER BY name LIMIT 5",
            "SELECT name FROM all_names ORDER BY name LIMIT 5",
            "SELECT * FROM steps ORDER BY id",
            "SELECT * FROM stored_towns ORDER BY city",
            "SELECT id, email FROM over_stored ORDER BY id LIMIT 5",
            "SELECT count(*) FROM relation_names WHERE relname = 'people'",
            "SELECT * FROM latest ORDER BY at LIMIT 3",
            "SELECT u.lexeme, positions FROM unnest(to_tsvector('a b')) AS u ORDER BY 1",
        ],
    ));
}

#[test]
fn constructs_see_masks_only() {
    run(same_in_two_worlds(
        "reads_constructs_masked",
        "masked",
        OTHER_CONTACTS,
        &[
            "SELECT xmlelement(name p, email) FROM people WHERE id = 3",
            "SELECT xmlforest(phone, email) FROM people WHERE id = 3",
            "SELECT xmlagg(xmlelement(name p, phone) ORDER BY id) FROM people WHERE id < 5",
            "SELECT x.v FROM people p, XMLTABLE('/a' PASSING xmlelement(name a, p.email) COLUMNS v text PATH '.') x WHERE p.id = 3",
            "SELECT email FROM people WHERE id = 3 FOR UPDATE",
            "SELECT max(email) FROM people TABLESAMPLE BERNOULLI (100)",
            "SELECT id, email FROM people GROUP BY GROUPING SETS ((id), (id, city)) ORDER BY id, 2 LIMIT 4",
            "SELECT j.a, j.c, j.d FROM (people p JOIN orders o ON o.person_id = p.id) AS j (a, b, c, d) ORDER BY 1, 2 LIMIT 3",
            "SELECT string_agg(email, ',' ORDER BY id) FILTER (WHERE id < 4) FROM people",
            "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY email) FROM people",
            "SELECT first_value(email) OVER (ORDER BY id) FROM people WHERE id = 2",
            "SELECT DISTINCT ON (city) city, email FROM people ORDER BY city, id",
            "WITH RECURSIVE t AS (SELECT id, email FROM people WHERE id = 1 UNION ALL SELECT p.id, p.email FROM people p JOIN t ON p.id = t.id + 1 WHERE p.id < 4) SEARCH DEPTH FIRST BY email SET o SELECT email FROM t ORDER BY o",
            "SELECT secret FROM people FOR UPDATE",
            "SELECT x FROM (SELECT secret AS x FROM people TABLESAMPLE BERNOULLI (100)) s",
        ],
    ));
}

#[test]
fn constructs_hide_rows_and_their_number() {
    run(same_in_two_worlds(
        "reads_constructs_filtered",
        "filtered",
        OTHER_ROWS,
        &[
            "SELECT xmlagg(xmlelement(name p, name) ORDER BY id) FROM people WHERE id < 8",
            "SELECT count(*) FROM people p, XMLTABLE('/a' PASSING xmlelement(name a, p.name) COLUMNS v text PATH '.') x",
            "SELECT count(*) FROM people TABLESAMPLE BERNOULLI (100)",
            "SELECT name FROM people WHERE id < 8 ORDER BY id FOR UPDATE",
            "SELECT name FROM people WHERE length(name) > 1 ORDER BY id FOR SHARE",
            "SELECT name FROM people ORDER BY id LIMIT 3 FOR UPDATE SKIP LOCKED",
            "SELECT city, count(*) FROM people GROUP BY ROLLUP (city) ORDER BY 1",
            "SELECT id, name, count(*) FROM people GROUP BY GROUPING SETS ((id), (id, city)) ORDER BY 1, 2 LIMIT 5",
            "SELECT count(*) FROM (people p JOIN orders o ON o.person_id = p.id) AS j (a, b, c, d)",
            "WITH RECURSIVE t AS (SELECT id FROM people WHERE id < 3 UNION SELECT p.id FROM people p JOIN t ON p.id = t.id + 1 WHERE p.id < 9) CYCLE id SET c USING w SELECT count(*) FROM t",
            "SELECT name FROM people ORDER BY id FETCH FIRST 2 ROWS WITH TIES",
            "SELECT max(x) FROM people p LEFT JOIN LATERAL (SELECT p.name AS x UNION SELECT o.note FROM orders o WHERE o.person_id = p.id AND o.id < 0) l ON true",
        ],
    ));
}

#[test]
fn constructs_answer_as_postgres_does() {
    run(as_postgres_does(
        "reads_constructs_open",
        "plain",
        &[
            "SELECT xmlelement(name person, xmlattributes(id, name AS who), xmlforest(city, email AS mail)) FROM people WHERE id = 3",
            "SELECT xmlserialize(content doc AS text), doc IS DOCUMENT FROM homes WHERE id = 2",
            "SELECT xmlroot(xmlparse(document '<a/>'), version '1.0'), xmlpi(name x, 'y'), xmlconcat('<a/>', '<b/>')",
            "SELECT h.id, x.* FROM homes h, XMLTABLE('/d/w' PASSING h.doc COLUMNS n int PATH '@n', w text PATH '.', i FOR ORDINALITY) AS x WHERE x.n < 4 ORDER BY 1",
            "SELECT id, (home).street, (h.home).zip, tags[1:1], extra['k'] FROM homes h ORDER BY id LIMIT 3",
            "SELECT id, (home).* FROM homes ORDER BY id LIMIT 3",
            "SELECT s.zip FROM (SELECT id, (home).* FROM homes) AS s ORDER BY s.id LIMIT 3",
            "SELECT (jsonb_each(extra)).* FROM homes WHERE id = 1 ORDER BY 1",
            "SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY['a', 'b', 'c'])) WITH ORDINALITY AS r (n, t, o)",
            "SELECT count(*) FROM people TABLESAMPLE BERNOULLI (100)",
            "SELECT id FROM people WHERE id < 4 ORDER BY id FOR UPDATE",
            "SELECT name FROM people ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED",
            "SELECT id FROM adults WHERE id < 4 ORDER BY id FOR SHARE",
            "WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n % 3 + 1 FROM t) CYCLE n SET loops USING way SELECT * FROM t",
            "WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 4) SEARCH BREADTH FIRST BY n SET o SELECT n, o FROM t ORDER BY o",
            "WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n % 3 + 1 FROM t WHERE NOT loops) CYCLE n SET loops USING way SELECT * FROM t",
            "WITH RECURSIVE a AS (SELECT 1 AS b UNION ALL SELECT * FROM a) CYCLE b SET c USING p SELECT * FROM a",
            "WITH RECURSIVE a AS (SELECT x FROM b), b AS (SELECT 1 AS x) SELECT x FROM a",
            "SELECT *, row_to_json(p) FROM unnest(ARRAY[ROW('a', 'b')::place, NULL]) AS p",
            "SELECT p.zip, x FROM unnest(ARRAY[('a', 'b')]::place[]) AS p, unnest(ARRAY[1]) AS x",
            "SELECT id, name, city, count(*) FROM people GROUP BY GROUPING SETS ((id), (id, city)) ORDER BY id, 2, 3 LIMIT 6",
            "SELECT j.b, j.amount FROM (people p JOIN orders o ON o.person_id = p.id) AS j (a, b) ORDER BY 2 LIMIT 3",
            "SELECT city, count(*) FILTER (WHERE id > 30), grouping(city) FROM people GROUP BY ROLLUP (city) ORDER BY 1",
            "SELECT id, sum(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM people ORDER BY id LIMIT 4",
            "SELECT p.id, p.name, count(*) FROM people p JOIN orders o ON o.person_id = p.id GROUP BY p.id ORDER BY 1 LIMIT 3",
        ],
    ));
}

/// A row that a condition hides is not locked, and one that someone else has locked stops nobody.
#[test]
fn locks_reach_permitted_rows_only() {
    run(async {
        let (guarded, direct, _proxy) = clients("reads_locks", "filtered").await;
        guarded.batch_execute("BEGIN").await.expect("a transaction");
        rows(&guarded, "SELECT id FROM people WHERE id IN (3, 4) FOR UPDATE").await.expect("a lock");
        let free = rows(&direct, "SELECT id FROM people WHERE id IN (3, 4) ORDER BY id FOR UPDATE SKIP LOCKED").await;
        assert_eq!(free, Ok(vec![vec![Some("3".into())]]), "the hidden row is free, the permitted one is locked");
        guarded.batch_execute("ROLLBACK").await.expect("an end");
        direct.batch_execute("BEGIN; SELECT id FROM people WHERE id = 3 FOR UPDATE").await.expect("a lock");
        let seen = rows(&guarded, "SELECT id FROM people WHERE id IN (3, 4) FOR UPDATE NOWAIT").await;
        assert_eq!(seen, Ok(vec![vec![Some("4".into())]]), "a lock on a hidden row must not be felt");
    });
}

/// The size of what is seen whole is told; of anything else, of databases and of tablespaces it is null, whoever picks the relation.
#[test]
fn sizes_are_told_of_what_is_seen_whole() {
    run(async {
        let schema = format!(
            "{SCHEMA};
             CREATE VIEW sizes AS SELECT pg_table_size('people') AS size;
             CREATE FUNCTION size_of(regclass) RETURNS bigint LANGUAGE sql AS 'SELECT pg_table_size($1)'"
        );
        let (guarded, direct, _proxy) = clients_on("reads_sizes", &schema, "masked", PACK).await;
        let whole = [
            "SELECT pg_table_size('orders'), pg_relation_size('orders', 'main'), pg_indexes_size('public.orders'::regclass)",
            "SELECT pg_relation_size(indexrelid) FROM pg_index WHERE indrelid = 'orders'::regclass ORDER BY 1",
            "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'orders'",
            "SELECT pg_total_relation_size((SELECT 'orders'::regclass)), pg_size_pretty(pg_table_size('orders'))",
        ];
        for sql in whole {
            let expected = rows(&direct, sql).await.expect(sql);
            assert_eq!(rows(&guarded, sql).await, Ok(expected), "{sql}");
        }
        let closed = [
            "SELECT pg_table_size('people')",
            "SELECT pg_relation_size(x) FROM (VALUES ('people'::regclass)) AS v (x)",
            "SELECT max(pg_total_relation_size(c.oid)) FROM pg_class AS c WHERE c.relname = 'people'",
            "SELECT max(pg_relation_size(indexrelid)) FROM pg_index WHERE indrelid = 'people'::regclass",
            "SELECT max(pg_relation_size(reltoastrelid)) FROM pg_class WHERE relname IN ('people', 'pg_statistic')",
            "SELECT pg_relation_size(CASE WHEN random() < 2 THEN 'people' ELSE 'orders' END)",
            "SELECT pg_table_size('pg_catalog.pg_statistic')",
            "SELECT pg_table_size('stored_mail')",
            "SELECT pg_database_size(current_database())",
            "SELECT max(pg_tablespace_size(oid)) FROM pg_tablespace",
            "SELECT * FROM pg_table_size('people')",
        ];
        for sql in closed {
            assert!(rows(&direct, sql).await.expect(sql)[0][0].is_some(), "nothing to hide in {sql}");
            assert_eq!(rows(&guarded, sql).await, Ok(vec![vec![None]]), "{sql}");
        }
        for sql in ["SELECT * FROM sizes", "SELECT size_of('people')", "SELECT ('people'::regclass).pg_table_size"] {
            let refused = rows(&guarded, sql).await.expect_err(sql);
            assert!(refused.contains("is not understood"), "{sql}: {refused}");
        }
    });
}

#[test]
fn a_queue_over_masked_columns_locks_what_it_takes() {
    run(async {
        let (masked, direct, _proxy) = clients("reads_queue", "masked").await;
        let value = |text: &str| Some(text.to_owned());
        let take =
            "SELECT id, phone, email FROM people WHERE city = 'city 1' ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED";
        masked.batch_execute("BEGIN").await.expect("a transaction");
        let taken = |ids: [&str; 2]| ids.map(|id| vec![value(id), value("(hidden)"), None]).to_vec();
        assert_eq!(rows(&masked, take).await, Ok(taken(["1", "8"])));
        let left = "SELECT id FROM people WHERE city = 'city 1' AND id < 30 ORDER BY id FOR UPDATE SKIP LOCKED";
        let free = ["15", "22", "29"].map(|id| vec![value(id)]).to_vec();
        assert_eq!(rows(&direct, left).await, Ok(free), "what was passed over is free");
        direct.batch_execute("BEGIN; SELECT id FROM people WHERE id = 15 FOR UPDATE").await.expect("a lock");
        assert_eq!(rows(&masked, take).await, Ok(taken(["1", "8"])), "what one holds is not locked to oneself");
        direct.batch_execute("ROLLBACK").await.expect("an end");
    });
}
