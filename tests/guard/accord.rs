//! What the server does of its own accord when something is written: functions it calls, rows that follow keys, constraints it
//! checks, partitions that rows move between. None of it tells of what is closed.

use super::writes::{PACK, SCHEMA, effect};
use super::{clients_on, rows, run};

#[test]
fn what_the_server_calls_and_checks_of_its_own_accord_tells_nothing() {
    run(async {
        let schema = format!(
            "{SCHEMA}
            CREATE FUNCTION reads_secret(int) RETURNS text LANGUAGE sql AS 'SELECT email FROM public.people WHERE id = 9';
            CREATE FUNCTION fixed(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';
            CREATE FUNCTION opaque(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
            CREATE TABLE defaulted (id int, label text DEFAULT reads_secret(1));
            CREATE TABLE checked (id int, label text CHECK (fixed(label) <> 'x'));
            CREATE TABLE indexed (id int, label text);
            CREATE INDEX ON indexed (fixed(label));
            CREATE TABLE computed (id int, label text, again text GENERATED ALWAYS AS (fixed(label)) STORED);
            CREATE TABLE checked_unseen (id int, label text CHECK (opaque(label) <> 'x'));
            CREATE TABLE indexed_unseen (id int, label text);
            CREATE INDEX ON indexed_unseen (opaque(label));
            CREATE TABLE computed_unseen (id int, label text, again text GENERATED ALWAYS AS (opaque(label)) STORED);
            CREATE TABLE closed (id int, open int REFERENCES open (id));
            INSERT INTO closed VALUES (1, 1);
            CREATE TABLE moving (id int, k int, s text) PARTITION BY LIST (k);
            CREATE TABLE moving_1 PARTITION OF moving FOR VALUES IN (1);
            CREATE TABLE moving_2 PARTITION OF moving FOR VALUES IN (2);
            CREATE UNIQUE INDEX ON moving_2 (s);
            CREATE TABLE met (id int, s text DEFAULT 'S1', v int, UNIQUE (v, s));
            CREATE TABLE made (id int, s text, v int, g text GENERATED ALWAYS AS (s || v::text) STORED);
            CREATE FUNCTION of_contact(int, t text DEFAULT reads_mail(1)) RETURNS text LANGUAGE sql AS 'SELECT t';"
        )
        .replace("CREATE TABLE defaulted", "CREATE FUNCTION reads_mail(int) RETURNS text LANGUAGE sql AS 'SELECT email FROM public.notes WHERE id = $1'; CREATE TABLE defaulted");
        let tables = [
            "defaulted",
            "checked",
            "indexed",
            "computed",
            "checked_unseen",
            "indexed_unseen",
            "computed_unseen",
            "moving",
            "met",
            "made",
        ];
        let tags: String = tables
            .iter()
            .map(|table| format!("[table.\"public.{table}\"]\ndefault = \"plain\"\nconsent.use = \"true\"\n"))
            .map(|tags| if tags.contains(".m") { format!("{tags}columns.s = \"hidden\"\n") } else { tags })
            .collect();
        let pack = format!("{PACK}\n{tags}");
        let (proxied, _direct, _proxy) = clients_on("accord_calls", &schema, "filtered", &pack).await;
        for (sql, permitted) in [
            ("INSERT INTO defaulted (id) VALUES (1) RETURNING label", false),
            ("INSERT INTO defaulted DEFAULT VALUES", false),
            ("INSERT INTO defaulted (id, label) VALUES (1, DEFAULT)", false),
            ("UPDATE defaulted SET label = DEFAULT RETURNING label", false),
            ("UPDATE defaulted SET (id, label) = (1, DEFAULT)", false),
            ("COPY defaulted (id) FROM STDIN", false),
            ("MERGE INTO defaulted USING open ON false WHEN NOT MATCHED THEN INSERT (id) VALUES (1)", false),
            ("INSERT INTO defaulted (id, label) VALUES (1, 'x') RETURNING label", true),
            ("UPDATE defaulted SET label = 'x'", true),
            // What a function written in SQL does is seen.
            ("INSERT INTO checked VALUES (1, 'y')", true),
            ("INSERT INTO indexed VALUES (1, 'y')", true),
            ("UPDATE computed SET label = 'y'", true),
            ("INSERT INTO checked_unseen VALUES (1, 'y')", false),
            ("INSERT INTO indexed_unseen VALUES (1, 'y')", false),
            ("UPDATE computed_unseen SET label = 'y'", false),
            ("DELETE FROM computed", true),
            // The row that moves is inserted into the other partition with its closed column.
            ("UPDATE moving SET k = 2", false),
            ("UPDATE moving SET id = 2", true),
            ("INSERT INTO moving (id, k) VALUES (1, 2)", true),
            // A default that is closed meets an index together with what is given.
            ("INSERT INTO met (id, v) VALUES (1, 50)", false),
            ("INSERT INTO met (id, v) VALUES (1, 50) ON CONFLICT DO NOTHING", false),
            ("INSERT INTO met (id) VALUES (1)", true),
            // A generated column is what it is computed from.
            ("SELECT g FROM made", false),
            ("INSERT INTO made (id) VALUES (1) RETURNING g", false),
            ("INSERT INTO made (id) VALUES (1) RETURNING id", true),
            // What the default of an argument reads is read.
            ("INSERT INTO open (id, label) VALUES (50, of_contact(1))", false),
            ("UPDATE open SET label = 'x' WHERE of_contact(1) < 'M'", false),
            ("SELECT of_contact(1)", true),
            // `closed` is untagged: that it refers to a row must not be told.
            ("DELETE FROM open WHERE id = 2", false),
            ("UPDATE open SET id = 5 WHERE id = 2", false),
            ("UPDATE open SET label = 'x' WHERE id = 2", true),
        ] {
            let seen = effect(&proxied, &proxied, sql, &[]).await;
            assert_eq!(seen.is_ok(), permitted, "{sql}: {seen:?}");
        }
    });
}

/// `writer` may write all that is plain, `clerk` everything; `seen` sees the rows of those who agreed.
const RELEASES: &str = r#"
    [pack]
    name = "accord"
    document = "A Promise"
    dated = 2026-01-01
    [category.plain]
    [category.hidden]
    [purpose.writer]
    [purpose.clerk]
    [purpose.seen]
    [[rule]]
    id = "plain"
    category = "plain"
    purpose = "writer"
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "all"
    purpose = "clerk"
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "agreed"
    category = "plain"
    purpose = "seen"
    where = ["consent.use"]
    effect = "allow"
    [function."public.listed"]
    reads = ["public.people.secret"]
    [role.tester]
    purposes = ["writer", "clerk", "seen"]
"#;

/// `s` and `secret` are hidden, and all of `low`.
const ACCORD: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text, secret text, consent boolean DEFAULT false);
    INSERT INTO people VALUES (1, 'a', 'SECRET', false), (2, 'b', 'other', true);
    CREATE FUNCTION secret(int) RETURNS text LANGUAGE sql AS 'SELECT secret FROM public.people WHERE id = $1';
    CREATE FUNCTION listed() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT max(p.secret) FROM public.people p); END';
    CREATE FUNCTION unseen(anyelement) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1::text; END';
    CREATE FUNCTION seen(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1';
    CREATE FUNCTION spread(a int, VARIADIC t text[] DEFAULT ARRAY[secret(1)]) RETURNS text LANGUAGE sql AS 'SELECT t[1]';

    -- Keys that are set to a default or to null, and what is computed from them.
    CREATE TABLE ref (id int PRIMARY KEY);
    INSERT INTO ref VALUES (1), (2), (6);
    CREATE TABLE by_default (id int, ref int DEFAULT length(secret(1)) REFERENCES ref ON DELETE SET DEFAULT ON UPDATE SET DEFAULT);
    INSERT INTO by_default VALUES (1, 1);
    CREATE TABLE ref_seen (id int PRIMARY KEY);
    INSERT INTO ref_seen VALUES (1), (2);
    CREATE TABLE by_seen (id int, ref int DEFAULT seen(1) REFERENCES ref_seen ON DELETE SET DEFAULT,
                          g int GENERATED ALWAYS AS (seen(ref)) STORED);
    INSERT INTO by_seen VALUES (1, 1);
    CREATE TABLE ref_made (id int PRIMARY KEY);
    INSERT INTO ref_made VALUES (1), (2);
    CREATE TABLE by_made (id int, ref int REFERENCES ref_made ON DELETE SET NULL ON UPDATE CASCADE,
                          g text GENERATED ALWAYS AS (unseen(ref)) STORED);
    INSERT INTO by_made VALUES (1, 1);

    -- Cascades over two tables.
    CREATE TABLE top (id int PRIMARY KEY);
    CREATE TABLE mid (id int PRIMARY KEY, top int REFERENCES top ON DELETE CASCADE);
    CREATE TABLE low (id int, mid int REFERENCES mid ON DELETE CASCADE, secret text);
    INSERT INTO top VALUES (1); INSERT INTO mid VALUES (1, 1); INSERT INTO low VALUES (1, 1, 'SECRET');
    CREATE TABLE top_set (id int PRIMARY KEY);
    CREATE TABLE mid_set (id int PRIMARY KEY, top int REFERENCES top_set ON DELETE CASCADE);
    CREATE TABLE low_set (id int, s int REFERENCES mid_set ON DELETE SET NULL);
    INSERT INTO top_set VALUES (1); INSERT INTO mid_set VALUES (1, 1); INSERT INTO low_set VALUES (1, 1);
    CREATE TABLE top_open (id int PRIMARY KEY);
    CREATE TABLE mid_open (id int PRIMARY KEY, top int REFERENCES top_open ON DELETE CASCADE);
    CREATE TABLE low_open (id int, mid int REFERENCES mid_open ON DELETE CASCADE);
    INSERT INTO top_open VALUES (1); INSERT INTO mid_open VALUES (1, 1); INSERT INTO low_open VALUES (1, 1);

    -- TRUNCATE reaches whatever refers to a table, by a key of any kind, and fires triggers of its own.
    CREATE TABLE root (id int PRIMARY KEY);
    CREATE TABLE leaf (id int, root int REFERENCES root);
    CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION ''%'', (SELECT max(p.secret) FROM public.people p); END';
    CREATE TRIGGER felled AFTER TRUNCATE ON leaf EXECUTE FUNCTION tell();
    CREATE TABLE root_open (id int PRIMARY KEY);
    CREATE TABLE leaf_open (id int, root int REFERENCES root_open);
    CREATE TRIGGER told BEFORE DELETE ON leaf_open EXECUTE FUNCTION tell();

    -- A key that is checked at COMMIT.
    CREATE TABLE late (id int PRIMARY KEY);
    CREATE TABLE low_late (id int, s int REFERENCES late DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO late VALUES (1), (2); INSERT INTO low_late VALUES (1, 1);

    -- Partitions: by a closed column below, by a function.
    CREATE TABLE parts (id int, k int, s text) PARTITION BY LIST (k);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
    CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2) PARTITION BY LIST (s);
    CREATE TABLE parts_2_a PARTITION OF parts_2 FOR VALUES IN ('other');
    INSERT INTO parts VALUES (1, 1, 'SECRET');
    CREATE TABLE by_function (id int, t text) PARTITION BY LIST (unseen(t));
    CREATE TABLE by_function_a PARTITION OF by_function FOR VALUES IN ('a');

    -- Defaults of domains, and of what the policy lists.
    CREATE DOMAIN kept AS text DEFAULT secret(1);
    CREATE DOMAIN kept_too AS kept;
    CREATE TABLE of_domain (id int, t kept);
    CREATE TABLE of_domains (id int, t kept_too);
    CREATE TABLE of_listed (id int, t text DEFAULT listed());
";

const TABLES: [&str; 30] = [
    "people",
    "ref",
    "by_default",
    "ref_seen",
    "by_seen",
    "ref_made",
    "by_made",
    "top",
    "mid",
    "low",
    "top_set",
    "mid_set",
    "low_set",
    "top_open",
    "mid_open",
    "low_open",
    "root",
    "leaf",
    "root_open",
    "leaf_open",
    "late",
    "low_late",
    "parts",
    "parts_1",
    "parts_2",
    "parts_2_a",
    "by_function",
    "of_domain",
    "of_domains",
    "of_listed",
];

#[test]
fn what_follows_from_a_write_tells_nothing() {
    run(async {
        let tags: String = TABLES
            .iter()
            .map(|table| {
                let hidden = if table.contains("people") || *table == "low" { "secret" } else { "s" };
                let (consent, more) = match *table {
                    "people" => ("consent OR name = 'nobody'", "columns.consent = \"hidden\"\n"),
                    _other => ("true", ""),
                };
                format!(
                    "[table.\"public.{table}\"]\ndefault = \"plain\"\ncolumns.{hidden} = \"hidden\"\n\
                     consent.use = \"{consent}\"\n{more}"
                )
            })
            .collect();
        let pack = format!("{RELEASES}\n{tags}");
        let (writer, direct, _one) = clients_on("accord_follows", ACCORD, "writer", &pack).await;
        for (sql, permitted) in [
            ("DELETE FROM ref WHERE id = 1", false),
            ("UPDATE ref SET id = 9 WHERE id = 1", false),
            ("DELETE FROM ref_seen WHERE id = 1", true),
            ("DELETE FROM ref_made WHERE id = 1", false),
            ("UPDATE ref_made SET id = 9 WHERE id = 1", false),
            ("DELETE FROM top WHERE id = 1", false),
            ("TRUNCATE top CASCADE", false),
            ("DELETE FROM top_set WHERE id = 1", false),
            ("DELETE FROM top_open WHERE id = 1", true),
            ("TRUNCATE top_open CASCADE", true),
            ("TRUNCATE root CASCADE", false),
            ("TRUNCATE root_open CASCADE", true),
            ("DELETE FROM late WHERE id = 1", false),
            ("UPDATE late SET id = 9 WHERE id = 1", false),
            ("INSERT INTO late VALUES (3)", true),
            ("UPDATE parts SET k = 2", false),
            ("UPDATE parts SET id = 2", true),
            ("INSERT INTO by_function VALUES (1, 'a')", false),
            ("INSERT INTO by_function_a VALUES (1, 'a')", false),
            ("INSERT INTO of_domain (id) VALUES (1)", false),
            ("INSERT INTO of_domain VALUES (1, DEFAULT)", false),
            ("INSERT INTO of_domains (id) VALUES (1)", false),
            ("INSERT INTO of_domain VALUES (1, 'x')", true),
            ("INSERT INTO of_listed (id) VALUES (1)", false),
            ("SELECT spread(1)", false),
            ("SELECT spread(1, 'x')", false),
            ("INSERT INTO of_domain VALUES (1, spread(1))", false),
        ] {
            let seen = effect(&writer, &writer, sql, &[]).await;
            assert_eq!(seen.is_ok(), permitted, "{sql}: {seen:?}");
            let bare = effect(&direct, &direct, sql, &[]).await;
            assert!(bare.is_ok() || !permitted, "{sql}: {bare:?}");
        }

        // The clerk may read and write everything; what others may not read must not come to them.
        let (clerk, _direct, _two) = clients_on("accord_releases", ACCORD, "clerk", &pack).await;
        for (sql, permitted) in [
            ("INSERT INTO of_domain (id) VALUES (1)", false),
            ("INSERT INTO of_domain (id, t) VALUES (1, 'x')", true),
            // What the policy says that the function reads is stored.
            ("INSERT INTO of_listed (id) VALUES (1)", false),
            ("INSERT INTO of_domain VALUES (1, spread(1))", false),
            // `seen` may not read the secret, but sees which rows appear.
            ("UPDATE people SET consent = true WHERE secret LIKE 'S%'", false),
            ("UPDATE people SET consent = secret LIKE 'S%'", false),
            ("INSERT INTO people (id, name, consent) SELECT 9, 'x', secret LIKE 'S%' FROM people WHERE id = 1", false),
            ("UPDATE people SET consent = true WHERE id = 1", true),
            ("UPDATE people SET consent = false", true),
        ] {
            let seen = effect(&clerk, &clerk, sql, &[]).await;
            assert_eq!(seen.is_ok(), permitted, "{sql}: {seen:?}");
        }
        assert_eq!(rows(&clerk, "SELECT count(*) FROM people").await, Ok(vec![vec![Some("2".to_owned())]]));
    });
}
