//! `stars = "permitted"`: a star means the columns that the purpose may see, where neither their number nor their order matters.

use super::{Client, Proxy, clients_on, rows, run};

const SCHEMA: &str = "
    CREATE TABLE people (id int PRIMARY KEY, secret text, name text, email text, pay int, note text);
    INSERT INTO people SELECT i, 's' || i, 'name ' || i, 'e' || i, i, 'n' || i FROM generate_series(1, 2) i;
    CREATE TABLE orders (id int PRIMARY KEY, person_id int, card text, amount int);
    INSERT INTO orders SELECT i, i, 'c' || i, 10 * i FROM generate_series(1, 2) i;
    CREATE TABLE vault (word text);
    CREATE TABLE copies (id int, a text, b text, c text);
    CREATE VIEW everyone AS SELECT * FROM people;
    CREATE FUNCTION first_one() RETURNS SETOF people LANGUAGE sql STABLE AS 'SELECT * FROM public.people';
";

const PACK: &str = r#"
    [pack]
    name = "stars"
    document = "A Promise"
    dated = 2026-01-01
    [subject.person]
    [category.plain]
    [category.closed]
    [category.masked]
    [category.counted]
    [purpose.short]
    stars = "permitted"
    [purpose.below]
    parent = "short"
    [purpose.long]
    parent = "short"
    stars = "refuse"
    [clause."S-1"]
    words = "No more than is needed."
    [[rule]]
    id = "plain"
    clause = "S-1"
    category = "plain"
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "masked"
    clause = "S-1"
    category = "masked"
    effect = { mask = "null" }
    [[rule]]
    id = "counted"
    clause = "S-1"
    category = "counted"
    effect = { aggregate = { min_subjects = 2 } }
    [table."public.people"]
    subject = "person"
    subject_key = "id"
    default = "plain"
    columns.secret = "closed"
    columns.email = "masked"
    columns.pay = "counted"
    [table."public.orders"]
    subject = "person"
    default = "plain"
    columns.card = "closed"
    [table."public.vault"]
    subject = "person"
    default = "closed"
    [table."public.copies"]
    subject = "person"
    default = "plain"
    [role.tester]
    purposes = ["short"]
"#;

async fn clients(database: &str, purpose: &str) -> (Client, Client, Proxy) {
    clients_on(database, SCHEMA, purpose, PACK).await
}

/// The names of a statement's columns, and its rows.
async fn answer(client: &Client, sql: &str) -> Result<String, String> {
    let described = client.prepare(sql).await;
    let found = rows(client, sql).await?;
    let statement = described.map_err(|error| error.to_string())?;
    let names: Vec<&str> = statement.columns().iter().map(tokio_postgres::Column::name).collect();
    let line =
        |row: Vec<Option<String>>| row.into_iter().map(|v| v.unwrap_or("-".into())).collect::<Vec<_>>().join(",");
    Ok(format!("{} | {}", names.join(","), found.into_iter().map(line).collect::<Vec<_>>().join(" ")))
}

#[test]
fn a_star_means_what_may_be_seen() {
    run(async {
        let (guarded, _direct, _proxy) = clients("stars_short", "below").await;
        let people = "id,name,email,note | 1,name 1,-,n1 2,name 2,-,n2";
        for (sql, expected) in [
            ("SELECT * FROM people ORDER BY id", people),
            ("SELECT p.* FROM people p ORDER BY id", people),
            ("SELECT public.people.* FROM public.people ORDER BY id", people),
            ("TABLE people ORDER BY id", people),
            ("SELECT * FROM (SELECT * FROM people) AS q ORDER BY id", people),
            ("WITH q AS (SELECT * FROM people) SELECT * FROM q ORDER BY id", people),
            (
                "SELECT q.* FROM (SELECT *, 1 AS one FROM people LIMIT 1) AS q",
                "id,name,email,note,one | 1,name 1,-,n1,1",
            ),
            (
                "SELECT * FROM people p JOIN orders o ON o.person_id = p.id ORDER BY 1 LIMIT 1",
                "id,name,email,note,id,person_id,amount | 1,name 1,-,n1,1,1,10",
            ),
            (
                "SELECT o.*, p.name FROM people p, orders o WHERE o.id = p.id AND p.id = 2",
                "id,person_id,amount,name | 2,2,20,name 2",
            ),
            (
                "SELECT j.amount, j.* FROM (people p JOIN orders o USING (id)) AS j WHERE j.id = 1",
                "amount,id,name,email,note,person_id,amount | 10,1,name 1,-,n1,1,10",
            ),
            ("SELECT * FROM people FETCH FIRST 1 ROWS ONLY", "id,name,email,note | 1,name 1,-,n1"),
            ("SELECT * FROM copies", "id,a,b,c | "),
        ] {
            assert_eq!(answer(&guarded, sql).await, Ok(expected.to_owned()), "{sql}");
        }
        let copied = |sql: &'static str| {
            let guarded = &guarded;
            async move {
                use futures_util::StreamExt as _;
                let stream = guarded.copy_out(sql).await.map_err(|error| error.to_string())?;
                let parts: Vec<_> = stream.map(|part| part.expect("data").to_vec()).collect().await;
                Ok::<_, String>(String::from_utf8_lossy(&parts.concat()).into_owned())
            }
        };
        for sql in ["COPY people TO STDOUT", "COPY (SELECT * FROM people) TO STDOUT", "COPY (TABLE people) TO STDOUT"] {
            assert_eq!(copied(sql).await, Ok("1\tname 1\t\\N\tn1\n2\tname 2\t\\N\tn2\n".to_owned()), "{sql}");
        }
        rows(&guarded, "BEGIN; DECLARE c CURSOR FOR SELECT * FROM people ORDER BY id").await.expect("a cursor");
        assert_eq!(rows(&guarded, "FETCH 1 FROM c").await.expect("a row")[0].len(), 4);
        rows(&guarded, "COMMIT").await.expect("COMMIT");
        rows(&guarded, "PREPARE p AS SELECT * FROM people WHERE id = 1").await.expect("prepared");
        assert_eq!(rows(&guarded, "EXECUTE p").await.expect("a row")[0].len(), 4);
    });
}

/// Where a closed value, its number or its place would come into play, a star is all columns, and refused.
#[test]
fn elsewhere_a_star_is_every_column() {
    run(async {
        let (guarded, _direct, _proxy) = clients("stars_elsewhere", "short").await;
        for sql in [
            "SELECT secret FROM people",
            "SELECT * FROM people WHERE secret = 's1'",
            "SELECT * FROM people ORDER BY secret",
            "SELECT * FROM people p JOIN orders o ON o.card = p.secret",
            "SELECT * FROM (SELECT * FROM people) AS q WHERE q.secret = 's1'",
            "SELECT p FROM people p",
            "SELECT row_to_json(p) FROM people p",
            "SELECT ROW(p.*) FROM people p",
            "SELECT (p).* FROM (SELECT p FROM people p) AS q",
            "SELECT count(p.*) FROM people p",
            "SELECT * FROM people NATURAL JOIN (SELECT 's1'::text AS secret) AS s",
            "SELECT * FROM people JOIN (SELECT 's1'::text AS secret) AS s USING (secret)",
            "INSERT INTO copies SELECT * FROM people",
            "INSERT INTO copies SELECT * FROM (SELECT * FROM people) AS q",
            "SELECT * FROM people UNION ALL SELECT * FROM people",
            "SELECT * FROM (SELECT * FROM people UNION SELECT * FROM people) AS q",
            "SELECT 1 WHERE (1, 2, 3, 4) IN (SELECT * FROM people)",
            "SELECT (SELECT q FROM (SELECT * FROM people) AS q)",
            "SELECT ARRAY(SELECT * FROM people)",
            "SELECT * FROM (SELECT * FROM people) AS q (a, b)",
            "WITH q (a, b) AS (SELECT * FROM people) SELECT * FROM q",
            "WITH RECURSIVE q AS (SELECT * FROM people UNION ALL SELECT * FROM q) SELECT * FROM q",
            "SELECT * FROM everyone",
            "SELECT * FROM first_one()",
            "SELECT * FROM vault",
            "TABLE vault",
            "COPY vault TO STDOUT",
            "UPDATE people SET note = 'x' RETURNING *",
            "DELETE FROM people RETURNING *",
            "WITH d AS (DELETE FROM people RETURNING *) SELECT * FROM d",
            "SELECT DISTINCT ON (secret) * FROM people",
            "SELECT * FROM people GROUP BY secret",
            "SELECT max(secret) FROM (SELECT * FROM people) AS q",
        ] {
            let error = rows(&guarded, sql).await.expect_err(sql);
            let closed = error.starts_with("42501") || error.starts_with("42703") || error.starts_with("0A000");
            assert!(closed, "{sql}: {error}");
        }
        let (guarded, _direct, _proxy) = clients("stars_long", "long").await;
        let error = rows(&guarded, "SELECT * FROM orders").await.expect_err("refused");
        assert!(error.starts_with("42501: purpose \"long\" may not read public.orders.card"), "{error}");
    });
}
