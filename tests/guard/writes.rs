//! Writes: hidden rows are neither changed nor told of, masks hold in RETURNING, copying launders nothing, and what is
//! permitted does what Postgres does.

use super::{Proxy, clients_on, rows, run};
use futures_util::{SinkExt, TryStreamExt};
use std::pin::pin;
use tokio_postgres::Client;

pub(super) const SCHEMA: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text, email text, amount int, city text, consent boolean NOT NULL);
    INSERT INTO people SELECT i, 'name ' || i, i::text, i, 'city ' || i % 3, true FROM generate_series(1, 6) i;
    -- Hidden, and every cast of them an error that shows them.
    INSERT INTO people SELECT i, 'name ' || i, 'SECRET-' || i, 0, 'SECRET-CITY', false FROM generate_series(7, 12) i;
    CREATE TABLE notes (id int PRIMARY KEY, person int REFERENCES people (id) ON DELETE CASCADE, body text,
                        email text, words int GENERATED ALWAYS AS (length(body)) STORED);
    INSERT INTO notes SELECT i, i, 'note ' || i, 'mail ' || i FROM generate_series(1, 12) i;
    CREATE TABLE open (id int PRIMARY KEY, label text, n int DEFAULT 7);
    INSERT INTO open VALUES (1, 'a', 1), (2, 'b', 2);
    CREATE TABLE inbox (id int PRIMARY KEY, addr text CONSTRAINT inbox_addr UNIQUE, flag text, UNIQUE (flag));
    INSERT INTO inbox VALUES (1, 'mail 1', 'a');
    CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree (id) ON DELETE CASCADE, consent boolean);
    INSERT INTO tree VALUES (1, NULL, true), (2, 1, false);
    CREATE TABLE parent (id int, open text);
    CREATE TABLE child (hidden text) INHERITS (parent);
";

pub(super) const PACK: &str = r#"
    [pack]
    name = "writes"
    document = "A Promise"
    dated = 2026-01-01
    [subject.person]
    [category.plain]
    [category.contact]
    [category.hidden]
    [purpose.filtered]
    [purpose.masked]
    [purpose.reader]
    [purpose.closed]
    [purpose.enters]
    [purpose.admin]
    unrestricted = true
    [clause."W-1"]
    section = "1"
    words = "Only if you have agreed."
    [[rule]]
    id = "agreed"
    clause = "W-1"
    category = ["plain", "contact"]
    purpose = "filtered"
    rights = ["read", "update", "delete"]
    where = ["consent.use"]
    effect = "allow"
    [[rule]]
    id = "enter"
    clause = "W-1"
    category = ["plain", "contact"]
    purpose = "filtered"
    rights = ["insert"]
    effect = "allow"
    [[rule]]
    id = "masked"
    clause = "W-1"
    category = "contact"
    purpose = "masked"
    effect = { mask = { constant = "0" } }
    [[rule]]
    id = "masked-writes"
    clause = "W-1"
    category = "plain"
    purpose = "masked"
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "enters"
    clause = "W-1"
    category = "contact"
    purpose = "enters"
    effect = { mask = { constant = "0" } }
    [[rule]]
    id = "enters-plain"
    clause = "W-1"
    category = "plain"
    purpose = "enters"
    rights = ["read", "insert", "update"]
    effect = "allow"
    [[rule]]
    id = "enters-contact"
    clause = "W-1"
    category = "contact"
    purpose = "enters"
    rights = ["insert"]
    effect = "allow"
    [[rule]]
    id = "reads-plain"
    clause = "W-1"
    category = "plain"
    purpose = "reader"
    effect = "allow"
    [table."public.people"]
    subject = "person"
    default = "plain"
    # Dear on purpose: the server evaluates cheap conditions first, and would so keep a missing CASE from being noticed.
    consent.use = "consent OR id IN (-1, -2, -3, -4, -5, -6, -7, -8, -9, -10)"
    columns.email = "contact"
    [table."public.notes"]
    subject = "person"
    default = "plain"
    consent.use = "true"
    columns.email = "contact"
    [table."public.open"]
    default = "plain"
    consent.use = "true"
    [table."public.inbox"]
    subject = "person"
    default = "plain"
    consent.use = "true"
    columns.addr = "contact"
    [table."public.tree"]
    default = "plain"
    consent.use = "consent"
    [table."public.parent"]
    default = "plain"
    consent.use = "true"
    [table."public.child"]
    default = "plain"
    consent.use = "true"
    columns.hidden = "hidden"
    [role.tester]
    purposes = ["filtered", "masked", "reader", "closed", "enters"]
    [role.keeper]
    purposes = ["admin"]
    default = "admin"
"#;

async fn clients(database: &str, purpose: &str) -> (Client, Client, Proxy) {
    clients_on(database, SCHEMA, purpose, PACK).await
}

/// What a statement does: its answer, and the tables afterwards. It is undone.
pub(super) async fn effect(
    writer: &Client,
    seen_by: &Client,
    sql: &str,
    tables: &[&str],
) -> Result<Vec<String>, String> {
    rows(writer, "BEGIN").await?;
    let answer = rows(writer, sql).await;
    let mut seen = vec![format!("{answer:?}")];
    if answer.is_ok() {
        for table in tables {
            seen.push(format!("{:?}", rows(seen_by, &format!("SELECT * FROM {table} ORDER BY 1, 2")).await?));
        }
    }
    rows(writer, "ROLLBACK").await?;
    answer.map(|_| seen)
}

#[test]
fn what_is_permitted_does_what_postgres_does() {
    run(async {
        let (proxied, direct, _proxy) = clients("writes_same", "filtered").await;
        for sql in [
            "INSERT INTO open (id, label) VALUES (3, 'c'), (4, DEFAULT) RETURNING *",
            "INSERT INTO open VALUES (3) RETURNING n",
            "INSERT INTO open SELECT id + 10, label FROM open",
            // A CTE of the target's name is no target.
            "WITH open AS (SELECT 50 AS id, 'cte' AS label) INSERT INTO open SELECT id, label FROM open RETURNING *",
            // Where no row of the target matches, its columns are not in sight.
            "MERGE INTO open o USING (SELECT 60 AS id, 'new' AS label) AS s ON o.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED AND label = 'new' THEN INSERT (id, label) VALUES (id, label)",
            "INSERT INTO open VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET label = excluded.label || open.label, n = open.n + 1 RETURNING *",
            "INSERT INTO open VALUES (1, 'x') ON CONFLICT DO NOTHING",
            "UPDATE open SET label = upper(label), n = DEFAULT WHERE id = 1 RETURNING *",
            "UPDATE open o SET (label, n) = (SELECT p.label || 'z', p.n FROM open p WHERE p.id <> o.id) RETURNING o.*",
            "UPDATE open SET label = s.label FROM open s WHERE s.id <> open.id RETURNING open.id, s.label",
            "DELETE FROM open WHERE id = 1 RETURNING label",
            "DELETE FROM open USING open s WHERE s.id = open.id AND s.label = 'b'",
            "WITH gone AS (DELETE FROM open RETURNING *) SELECT count(*), max(label) FROM gone",
            "WITH new AS (INSERT INTO open VALUES (9, 'z') RETURNING id) UPDATE open SET n = new.id FROM new",
            "MERGE INTO open USING (VALUES (1, 'm'), (5, 'n')) v (id, label) ON v.id = open.id WHEN MATCHED THEN UPDATE SET label = v.label WHEN NOT MATCHED THEN INSERT (id, label) VALUES (v.id, v.label)",
            "MERGE INTO open o USING open s ON s.id = o.id AND s.n = 1 WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN DO NOTHING",
            "TRUNCATE open",
            "UPDATE notes SET body = 'longer ' || body WHERE id = 2 RETURNING words",
        ] {
            let tables = ["open", "notes"];
            let expected = effect(&direct, &direct, sql, &tables).await.expect(sql);
            assert_eq!(effect(&proxied, &proxied, sql, &tables).await, Ok(expected), "{sql}");
        }
    });
}

#[test]
fn the_row_of_a_cursor_is_written_where_every_row_may_be() {
    run(async {
        let (proxied, direct, _proxy) = clients("writes_cursor", "filtered").await;
        for (table, cursor, sql) in [
            (
                "open",
                "SELECT * FROM open ORDER BY id FOR UPDATE",
                "UPDATE open SET label = upper(label) WHERE CURRENT OF c RETURNING *",
            ),
            ("open", "SELECT id FROM open WHERE n > 1", "DELETE FROM open WHERE CURRENT OF c RETURNING label"),
            ("notes", "SELECT id FROM notes", "UPDATE notes SET body = 'x' WHERE CURRENT OF c"),
        ] {
            let mut answers = Vec::new();
            for client in [&direct, &proxied] {
                rows(client, &format!("BEGIN; DECLARE c CURSOR FOR {cursor}")).await.expect(cursor);
                rows(client, "FETCH 1 FROM c").await.expect("fetching");
                let answer = rows(client, sql).await.expect(sql);
                let seen = rows(client, &format!("SELECT * FROM {table} ORDER BY 1")).await.expect(table);
                answers.push((answer, seen));
                rows(client, "ROLLBACK").await.expect("ROLLBACK");
            }
            assert_eq!(answers[0], answers[1], "{sql}");
        }
        rows(&proxied, "BEGIN; DECLARE c CURSOR FOR SELECT id FROM people").await.expect("declaring");
        let refused =
            rows(&proxied, "UPDATE people SET name = 'x' WHERE CURRENT OF c").await.expect_err("rows are filtered");
        assert!(refused.starts_with("0A000"), "{refused}");
    });
}

#[test]
fn hidden_rows_are_not_written() {
    run(async {
        let (proxied, direct, _proxy) = clients("writes_hidden", "filtered").await;
        for (sql, changed) in [
            ("UPDATE people SET name = 'changed'", 6),
            ("UPDATE people SET name = 'changed' WHERE id > 4", 2),
            ("UPDATE people SET name = 'changed' WHERE id = 9", 0),
            ("UPDATE people SET name = 'changed' WHERE id = ANY ('{4,5,9}')", 2),
            ("UPDATE people p SET name = 'changed' FROM notes n WHERE n.person = p.id AND p.id > 3", 3),
            ("UPDATE people SET name = 'changed' WHERE id IN (SELECT person FROM notes) OR true", 6),
            ("WITH c AS (UPDATE people SET name = 'changed' RETURNING id) SELECT count(*) FROM c", 6),
        ] {
            let answered = proxied.execute(sql, &[]).await.expect(sql);
            assert!(answered == changed || sql.starts_with("WITH"), "{sql}: {answered}");
            let seen =
                rows(&direct, "SELECT count(*), count(*) FILTER (WHERE consent) FROM people WHERE name = 'changed'")
                    .await;
            let changed = changed.to_string();
            assert_eq!(seen, Ok(vec![vec![Some(changed.clone()), Some(changed)]]), "{sql}");
            rows(&direct, "UPDATE people SET name = 'name ' || id").await.expect("undoing");
        }
        for (sql, gone) in [
            ("DELETE FROM people WHERE id > 4", 2),
            ("DELETE FROM people WHERE id = 9", 0),
            ("DELETE FROM people USING notes WHERE notes.person = people.id AND people.id IN (2, 8)", 1),
        ] {
            let seen = effect(&proxied, &direct, sql, &[]).await;
            assert!(seen.is_ok(), "{sql}: {seen:?}");
            rows(&proxied, "BEGIN").await.expect("BEGIN");
            assert_eq!(proxied.execute(sql, &[]).await.expect(sql), gone, "{sql}");
            rows(&proxied, "ROLLBACK").await.expect("ROLLBACK");
        }
        // What reaches hidden rows by other ways is refused.
        for sql in [
            "INSERT INTO people (id, name) VALUES (9, 'x') ON CONFLICT (id) DO UPDATE SET name = 'x'",
            "MERGE INTO people p USING open o ON p.id = o.id + 8 WHEN MATCHED THEN UPDATE SET name = 'x'",
            "TRUNCATE people CASCADE",
            "TRUNCATE people",
            "UPDATE people SET consent = true",
            "UPDATE people SET name = 'x' WHERE ctid = '(0,9)'",
            "DELETE FROM tree WHERE id = 1",
            "DELETE FROM parent",
        ] {
            let refused = rows(&proxied, sql).await.expect_err(sql);
            assert!(refused.starts_with("0A000") || refused.starts_with("42501"), "{sql}: {refused}");
        }
    });
}

/// Conditions that are an error on hidden rows only.
const TELLING: [&str; 16] = [
    "EXISTS (SELECT FROM open WHERE 1 / people.amount >= 0)",
    "(EXISTS (SELECT 1 WHERE 1 / people.amount >= 0) OR people.id = 2)",
    "email::int > 0",
    "1 / amount > 0",
    "id > 0 AND 1 / amount > 0",
    "1 / amount > 0 AND city < 'z'",
    "CAST(email AS int) = id OR id = 3",
    "NOT (email::int = 99)",
    "(SELECT people.email::int) > 0",
    "EXISTS (SELECT FROM open WHERE open.id = people.email::int OR true)",
    "id IN (SELECT n.id FROM notes n WHERE n.id = people.email::int)",
    "CASE WHEN email::int > 0 THEN true END",
    "coalesce(1 / amount, 1) > 0",
    "ROW(email::int, 1) > ROW(0, 0)",
    "email::int BETWEEN 0 AND 100",
    "generate_series(1, 1 / amount) > 0",
];

#[test]
fn no_error_of_a_write_tells_of_a_hidden_row() {
    run(async {
        let (proxied, direct, _proxy) = clients("writes_errors", "filtered").await;
        let mut told = 0;
        for condition in TELLING {
            for sql in [
                format!("UPDATE people SET consent = consent WHERE {condition}"),
                format!("UPDATE people SET name = name WHERE {condition}"),
                format!("UPDATE people SET city = city FROM (SELECT 1 AS one) o WHERE o.one = 1 AND {condition}"),
                format!("DELETE FROM people WHERE {condition}"),
                format!("DELETE FROM people USING (SELECT 1 AS one) o WHERE o.one = 1 AND {condition}"),
            ] {
                let bare = effect(&direct, &direct, &sql, &[]).await;
                told += usize::from(bare.is_err());
                let answer = effect(&proxied, &proxied, &sql, &[]).await;
                let told =
                    answer.as_ref().err().filter(|error| !error.starts_with("42501") && !error.starts_with("0A000"));
                // A set-returning function stands in no WHERE, here or there.
                assert!(told.is_none() || condition.starts_with("generate_series"), "{sql}: {told:?}");
            }
        }
        assert!(told > 50, "only {told} of the statements are errors without the proxy");
    });
}

#[test]
fn masks_hold_where_something_is_written() {
    run(async {
        let (proxied, direct, _proxy) = clients("writes_masks", "masked").await;
        for (sql, expected) in [
            ("UPDATE notes SET body = 'x' WHERE id = 1 RETURNING id, email", "1|0"),
            ("UPDATE notes SET body = email WHERE id = 1 RETURNING body", "0"),
            ("UPDATE notes SET body = 'x' WHERE email = 'mail 1' RETURNING id", ""),
            ("UPDATE notes SET body = 'x' WHERE id = 1 AND email = '0' RETURNING upper(email) || 'y'", "0y"),
            (
                "UPDATE notes SET body = (SELECT n.email FROM notes n WHERE n.id = notes.id) WHERE id = 2 RETURNING body",
                "0",
            ),
            ("DELETE FROM people WHERE email = 'SECRET-7' RETURNING id", ""),
        ] {
            rows(&proxied, "BEGIN").await.expect("BEGIN");
            let answer = rows(&proxied, sql).await;
            rows(&proxied, "ROLLBACK").await.expect("ROLLBACK");
            let shown = answer.map(|rows| {
                rows.iter()
                    .map(|row| row.iter().flatten().cloned().collect::<Vec<_>>().join("|"))
                    .collect::<Vec<_>>()
                    .join("\n")
            });
            match shown {
                Ok(shown) => assert_eq!(shown, expected, "{sql}"),
                Err(refused) => assert!(sql.starts_with("DELETE") && refused.starts_with("42501"), "{sql}: {refused}"),
            }
        }
        for sql in [
            "UPDATE notes SET body = 'x' RETURNING notes",
            "UPDATE notes SET email = 'guess'",
            "INSERT INTO notes (id, email) VALUES (99, 'guess')",
            "UPDATE notes SET body = to_json(notes)::text",
        ] {
            assert!(rows(&proxied, sql).await.is_err(), "{sql}");
        }
        drop(direct);
    });
}

#[test]
fn copying_launders_nothing() {
    run(async {
        let (proxied, _direct, _proxy) = clients("writes_launder", "filtered").await;
        // `reader` reads plain columns of every row, and no contact.
        for sql in [
            "INSERT INTO open (id, label) SELECT id + 100, email FROM people",
            "INSERT INTO open (id, label) SELECT id + 100, upper(email) FROM notes",
            "INSERT INTO open (id) SELECT id + 100 FROM notes WHERE email LIKE 'm%'",
            "INSERT INTO open (id) SELECT id + 100 FROM notes ORDER BY email LIMIT 1",
            "INSERT INTO open (id) SELECT max(id) + 100 FROM notes GROUP BY email",
            "INSERT INTO open (id) SELECT n.id + 100 FROM notes n JOIN open o ON o.label < n.email",
            "INSERT INTO open (id, label) VALUES (100, (SELECT email FROM notes WHERE id = 1))",
            "INSERT INTO open (id, n) VALUES (100, (SELECT count(*) FROM notes WHERE email LIKE 'm%'))",
            "INSERT INTO open (id, label) SELECT 100, n::text FROM notes n WHERE id = 1",
            "INSERT INTO open (id, label) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET label = (SELECT email FROM notes WHERE id = 1)",
            "UPDATE notes SET body = email",
            "UPDATE notes SET body = 'x' WHERE email LIKE 'm%'",
            "UPDATE notes SET body = 'x' WHERE email > 'a'",
            "UPDATE notes SET body = CASE WHEN email > 'a' THEN 'x' ELSE 'y' END",
            "UPDATE open SET label = 'x' WHERE EXISTS (SELECT FROM notes WHERE email LIKE 'm%')",
            "UPDATE open SET label = n.email FROM notes n WHERE n.id = open.id",
            "DELETE FROM open WHERE label IN (SELECT email FROM notes)",
            "WITH n AS (SELECT email FROM notes) INSERT INTO open (id, label) SELECT 100, n.email FROM n",
            "WITH n AS (UPDATE notes SET body = body RETURNING email) INSERT INTO open (id, label) SELECT 100, n.email FROM n",
            "MERGE INTO open USING notes n ON n.id = open.id WHEN MATCHED THEN UPDATE SET label = n.email",
            "WITH x AS (UPDATE notes SET email = 'q' WHERE email = 'mail 1' RETURNING id) INSERT INTO open (id) SELECT id + 100 FROM x",
            "MERGE INTO open USING notes n ON n.id = open.id WHEN MATCHED AND n.email > 'a' THEN UPDATE SET label = 'x'",
            "MERGE INTO open USING notes n ON n.email = open.label WHEN NOT MATCHED THEN INSERT (id) VALUES (100)",
            // Which rows there are then, and what is changed in which, tells whether one has met another.
            "INSERT INTO inbox (id, addr) SELECT 9, email FROM notes WHERE id = 1 ON CONFLICT (addr) DO UPDATE SET flag = 'hit'",
            "INSERT INTO inbox (id, addr) SELECT 9, email FROM notes WHERE id = 1 ON CONFLICT (addr) DO NOTHING",
            "INSERT INTO inbox (id, addr) SELECT id + 9, left(email, 4) FROM notes ON CONFLICT DO NOTHING",
            "INSERT INTO inbox (id, addr) SELECT 9, email FROM notes WHERE id = 1 ON CONFLICT ON CONSTRAINT inbox_addr DO UPDATE SET flag = 'hit'",
            "WITH n AS (SELECT email FROM notes) INSERT INTO inbox (id, addr) SELECT 9, n.email FROM n ON CONFLICT (addr) DO NOTHING",
        ] {
            let refused = rows(&proxied, sql).await.expect_err(sql);
            assert!(refused.starts_with("42501: this would carry"), "{sql}: {refused}");
        }
        for sql in [
            "UPDATE notes SET body = 'x' WHERE email = 'mail 1'",
            "UPDATE notes SET email = body",
            "UPDATE notes SET email = lower(email) WHERE email > 'a'",
            "INSERT INTO open (id, label) SELECT id + 100, body FROM notes",
            "INSERT INTO inbox (id, addr) SELECT id, email FROM notes ON CONFLICT (id) DO UPDATE SET addr = excluded.addr",
            "INSERT INTO inbox (id, addr) SELECT id, email FROM notes ON CONFLICT ON CONSTRAINT inbox_pkey DO NOTHING",
            "INSERT INTO inbox (id, addr, flag) VALUES (9, 'mail 1', 'x') ON CONFLICT (addr) DO UPDATE SET flag = excluded.flag",
            "INSERT INTO inbox (id, flag, addr) SELECT id + 100, body, email || id FROM notes ON CONFLICT (flag) DO NOTHING",
        ] {
            assert_eq!(effect(&proxied, &proxied, sql, &[]).await.map(|_| ()), Ok(()), "{sql}");
        }
    });
}

/// What others see may depend on a write by more than the columns that it names: by the rows that their own conditions show, by
/// the condition of the writing purpose, and by what foreign keys carry on.
#[test]
fn what_is_not_written_by_name_launders_nothing() {
    const SCHEMA: &str = "
        CREATE TABLE flags (id int PRIMARY KEY, agreed boolean, mark text, secret int);
        INSERT INTO flags SELECT i, i < 4, 'mark', i FROM generate_series(1, 6) i;
        CREATE TABLE vault (id int PRIMARY KEY, secret int);
        INSERT INTO vault SELECT i, i FROM generate_series(1, 6) i;
        CREATE TABLE slips (id int, vault int REFERENCES vault (id) ON DELETE CASCADE ON UPDATE CASCADE);
        INSERT INTO slips SELECT i, i FROM generate_series(1, 6) i;
        CREATE TABLE traces (id int, vault int REFERENCES vault (id) ON DELETE SET NULL ON UPDATE SET NULL);
        CREATE TABLE mixed (id int, open text, secret int);
        INSERT INTO mixed SELECT i, i, i FROM generate_series(1, 6) i;
        CREATE TABLE pages (id int, body text);
    ";
    const PACK: &str = r#"
        [pack]
        [category.plain]
        [category.secret]
        [purpose.office]
        [purpose.agreed]
        [purpose.reader]
        [purpose.admin]
        unrestricted = true
        [[rule]]
        id = "office"
        purpose = "office"
        rights = ["read", "insert", "update", "delete"]
        effect = "allow"
        [[rule]]
        id = "agreed"
        purpose = "agreed"
        category = "plain"
        rights = ["read", "update"]
        where = ["consent.use"]
        effect = "allow"
        [[rule]]
        id = "reader"
        purpose = "reader"
        category = "plain"
        effect = "allow"
        [table."public.flags"]
        default = "plain"
        columns.agreed = "secret"
        columns.secret = "secret"
        consent.use = "agreed"
        [table."public.vault"]
        default = "secret"
        consent.use = "true"
        [table."public.slips"]
        default = "plain"
        consent.use = "true"
        [table."public.traces"]
        default = "plain"
        consent.use = "true"
        [table."public.mixed"]
        default = "plain"
        columns.secret = "secret"
        consent.use = "true"
        [table."public.pages"]
        default = "plain"
        consent.use = "true"
        [role.tester]
        purposes = ["office", "agreed"]
        [role.keeper]
        purposes = ["admin"]
    "#;
    run(async {
        let (office, _direct, _proxy) = clients_on("writes_office", SCHEMA, "office", PACK).await;
        for sql in [
            "UPDATE flags SET agreed = true WHERE secret > 3",
            "UPDATE flags SET agreed = (secret > 3)",
            // A value that reaches the column in the third round only.
            "INSERT INTO pages WITH RECURSIVE r (n, a, b) AS (SELECT 1, '', '' UNION ALL SELECT n + 1, b, m.secret::text FROM r, mixed m WHERE n < 3 AND m.id = 1) SELECT 100, a FROM r WHERE n = 3",
            "INSERT INTO pages WITH RECURSIVE r (n, a, b) AS (SELECT 1, '', '' UNION ALL SELECT n + 1, b, (SELECT m.secret::text FROM mixed m WHERE m.id = 1) FROM r WHERE n < 3) SELECT 100, a FROM r WHERE n = 3",
            "INSERT INTO flags (id, agreed) SELECT id + 10, secret > 3 FROM vault",
            "DELETE FROM vault WHERE secret > 3",
            "DELETE FROM vault USING flags WHERE flags.secret = vault.id",
            "UPDATE vault SET id = secret + 10",
            "UPDATE vault SET id = id + 10 WHERE secret > 3",
        ] {
            let refused = rows(&office, sql).await.expect_err(sql);
            assert!(refused.starts_with("42501: this would carry"), "{sql}: {refused}");
        }
        for sql in [
            "INSERT INTO pages WITH RECURSIVE r (n, a, b) AS (SELECT 1, '', '' UNION ALL SELECT n + 1, b, m.open FROM r, mixed m WHERE n < 3 AND m.id = 1) SELECT 100, a FROM r WHERE n = 3",
            "UPDATE flags SET agreed = true WHERE id = 5",
            "UPDATE flags SET secret = secret + 1 WHERE secret > 3",
            "UPDATE vault SET secret = secret + 1 WHERE secret > 3",
            "DELETE FROM vault WHERE id = 6",
        ] {
            assert_eq!(effect(&office, &office, sql, &[]).await.map(|_| ()), Ok(()), "{sql}");
        }
        let (agreed, _direct, _proxy) = clients_on("writes_agreed", SCHEMA, "agreed", PACK).await;
        for sql in ["UPDATE flags SET mark = 'x'", "UPDATE flags SET mark = 'x' WHERE id = 5"] {
            let refused = rows(&agreed, sql).await.expect_err(sql);
            assert!(refused.starts_with("42501: this would carry"), "{sql}: {refused}");
        }
    });
}

#[test]
fn copy_goes_through_guards() {
    run(async {
        let (proxied, direct, _proxy) = clients("writes_copy", "filtered").await;
        for (sql, expected) in [
            ("COPY people (id, email) TO STDOUT", "1\t1\n2\t2\n3\t3\n4\t4\n5\t5\n6\t6\n"),
            ("COPY (SELECT count(*) FROM people) TO STDOUT", "6\n"),
            ("COPY open TO STDOUT (FORMAT csv, HEADER)", "id,label,n\n1,a,1\n2,b,2\n"),
        ] {
            let stream = proxied.copy_out(sql).await.expect(sql);
            let chunks: Vec<bytes::Bytes> = pin!(stream).try_collect().await.expect(sql);
            assert_eq!(String::from_utf8(chunks.concat()).as_deref(), Ok(expected), "{sql}");
        }
        for (sql, data, expected) in [
            ("COPY open (id, label) FROM STDIN", "11\tk\n12\tl\n", 2),
            ("COPY open FROM STDIN (FORMAT csv)", "13,m,3\n", 1),
        ] {
            let sink = proxied.copy_in::<_, bytes::Bytes>(sql).await.expect(sql);
            let mut sink = pin!(sink);
            sink.send(bytes::Bytes::from_static(data.as_bytes())).await.expect(sql);
            assert_eq!(sink.finish().await.expect(sql), expected, "{sql}");
        }
        let seen = rows(&direct, "SELECT string_agg(id || label || n, ',' ORDER BY id) FROM open WHERE id > 10").await;
        assert_eq!(seen, Ok(vec![vec![Some("11k7,12l7,13m3".to_owned())]]));
        for sql in [
            "COPY people TO '/tmp/people'",
            "COPY open FROM PROGRAM 'echo 1'",
            "COPY child TO STDOUT",
            "COPY parent FROM '/etc/passwd'",
        ] {
            assert!(rows(&proxied, sql).await.is_err(), "{sql}");
        }
    });
}

#[test]
fn the_rights_to_write_are_their_own() {
    run(async {
        let (reader, _, _one) = clients("writes_rights_reader", "reader").await;
        let (closed, _, _two) = clients("writes_rights_closed", "closed").await;
        let (masked, _, _three) = clients("writes_rights_masked", "masked").await;
        for (purpose, sql) in [
            ("reader", "INSERT INTO open (id) VALUES (100)"),
            ("reader", "UPDATE open SET n = 1"),
            ("reader", "DELETE FROM open"),
            ("reader", "TRUNCATE open"),
            ("closed", "INSERT INTO open (id) VALUES (100)"),
            ("closed", "INSERT INTO open DEFAULT VALUES"),
            ("masked", "INSERT INTO notes (id, email) VALUES (100, 'x')"),
            ("masked", "DELETE FROM notes"),
            ("masked", "DELETE FROM people"),
        ] {
            let client = match purpose {
                "reader" => &reader,
                "closed" => &closed,
                _masked => &masked,
            };
            let refused = rows(client, sql).await.expect_err(sql);
            assert!(refused.starts_with("42501"), "{sql}: {refused}");
        }
    });
}

#[test]
fn a_conflict_finds_no_row_by_a_key_that_is_not_seen() {
    run(async {
        let (proxied, _direct, _proxy) = clients("writes_conflict", "enters").await;
        for sql in [
            "INSERT INTO inbox (id, addr) VALUES (9, 'mail 1') ON CONFLICT ON CONSTRAINT inbox_addr DO UPDATE SET flag = 'hit' RETURNING id",
            "INSERT INTO inbox (id, addr) VALUES (9, 'mail 1') ON CONFLICT (addr) DO UPDATE SET flag = 'hit' RETURNING id",
            "INSERT INTO inbox (id, addr) VALUES (9, 'mail 1') ON CONFLICT (addr) DO UPDATE SET flag = 'hit'",
        ] {
            let refused = rows(&proxied, sql).await.expect_err(sql);
            assert!(refused.starts_with("42501: purpose \"enters\" may not update rows of"), "{sql}: {refused}");
        }
        for (sql, expected) in [
            (
                "INSERT INTO inbox (id, addr) VALUES (2, 'mail 2') ON CONFLICT (id) DO UPDATE SET flag = 'new' RETURNING id",
                "2",
            ),
            (
                "INSERT INTO inbox (id, addr) VALUES (1, 'mail 3') ON CONFLICT ON CONSTRAINT inbox_pkey DO UPDATE SET flag = 'hit' RETURNING flag",
                "hit",
            ),
            (
                "INSERT INTO inbox (id, flag, addr) VALUES (3, 'hit', 'mail 3') ON CONFLICT (flag) DO UPDATE SET flag = 'b' RETURNING id",
                "1",
            ),
        ] {
            let answer = rows(&proxied, sql).await;
            assert!(answer.as_ref().is_ok_and(|rows| format!("{rows:?}").contains(expected)), "{sql}: {answer:?}");
        }
    });
}
