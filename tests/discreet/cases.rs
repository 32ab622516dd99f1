//! Ways to make Postgres quote data in an error or notice.

/// One way.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub sql: &'static str,
    /// Sent first, each on its own.
    pub before: &'static [&'static str],
}

const fn case(sql: &'static str) -> Case {
    Case { sql, before: &[] }
}

/// Every value of `people` but its key can be told by `CANARY` or `4711`. `support` may see all of it but `secret`.
pub const SCHEMA: &str = r#"
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE people (
    id     int PRIMARY KEY,
    word   text UNIQUE NOT NULL,
    small  int CHECK (small > 0),
    digits text,
    broken text,
    doc    jsonb,
    words  text[],
    span   int4range,
    secret text,
    EXCLUDE USING gist (span WITH &&)
);
INSERT INTO people VALUES
    (1, 'CANARY one two', 4711, '4711471147114711471147114711', '{"CANARY": tru}',
     '{"canary": "CANARY", "n": 1}', '{CANARY,x}', '[4711,4720)', 'CANARY secret'),
    (2, 'CANARY two', 4711, '4711471147114711471147114711', '<CANARY', '{"canary": "CANARY", "n": 2}',
     '{CANARY,y}', '[47110,47120)', 'CANARY secret');
CREATE TABLE notes (id int PRIMARY KEY, of_word text REFERENCES people (word), body text, secret text);
INSERT INTO notes VALUES (1, 'CANARY two', 'CANARY', 'CANARY');
CREATE TABLE parted (id int, word text, secret text) PARTITION BY LIST (word);
CREATE VIEW short_words AS SELECT id, word, small, secret FROM people WHERE length(word) < 5 WITH CHECK OPTION;
CREATE TABLE keys (id int PRIMARY KEY);
INSERT INTO keys VALUES (1);
CREATE TABLE holders (key_id int REFERENCES keys ON UPDATE CASCADE CHECK (key_id < 100), secret text);
INSERT INTO holders VALUES (1, 'CANARY secret');
CREATE TABLE later (id int UNIQUE DEFERRABLE INITIALLY DEFERRED, word text, secret text);
INSERT INTO later VALUES (4711, 'x', 'x');
CREATE FUNCTION raise_it(kind text, value text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    CASE kind
        WHEN 'notice' THEN RAISE NOTICE 'it is %', value;
        WHEN 'warning' THEN RAISE WARNING 'it is %', value;
        WHEN 'info' THEN RAISE INFO 'it is %', value;
        WHEN 'exception' THEN RAISE EXCEPTION 'it is %', value;
        WHEN 'listed' THEN RAISE EXCEPTION 'duplicate key value violates unique constraint "%"', value USING ERRCODE = '23505';
        WHEN 'state' THEN RAISE EXCEPTION 'it is %', value USING ERRCODE = '22012';
        WHEN 'detail' THEN RAISE EXCEPTION 'division by zero' USING ERRCODE = '22012', DETAIL = value;
        WHEN 'hint' THEN RAISE EXCEPTION 'division by zero' USING ERRCODE = '22012', HINT = value;
        WHEN 'column' THEN RAISE EXCEPTION 'division by zero' USING ERRCODE = '22012', COLUMN = value, TABLE = value,
            SCHEMA = value, CONSTRAINT = value, DATATYPE = value;
        WHEN 'cast' THEN RETURN value::int;
        WHEN 'dynamic' THEN EXECUTE format('SELECT %I', value);
    END CASE;
    RETURN 1;
END $$;
"#;

/// `everything` opens all of it without being trusted, `support` all but the secrets.
pub const PACK: &str = r#"
[pack]
name     = "discreet"
document = "A Promise"
dated    = 2026-01-01
[subject.person]
[category.open]
[category.secret]
[purpose.everything]
[purpose.support]
[clause."D-1"]
words = "Secrets are for nobody."

[[rule]]
id      = "everything"
clause  = "D-1"
purpose = "everything"
rights  = ["read", "insert", "update", "delete"]
effect  = "allow"
[[rule]]
id       = "support"
clause   = "D-1"
category = "open"
purpose  = "support"
rights   = ["read", "insert", "update", "delete"]
effect   = "allow"
[[rule]]
id       = "support-writes-secrets"
clause   = "D-1"
category = "secret"
purpose  = "support"
rights   = ["insert", "update", "delete"]
effect   = "allow"

[function."public.raise_it"]
reads = []

[table."public.people"]
subject = "person"
default = "open"
columns.secret = "secret"
[table."public.notes"]
subject = "person"
default = "open"
columns.secret = "secret"
[table."public.parted"]
subject = "person"
default = "open"
columns.secret = "secret"
[table."public.keys"]
subject = "person"
default = "open"
[table."public.holders"]
subject = "person"
default = "open"
columns.secret = "secret"
[table."public.later"]
subject = "person"
default = "open"
columns.secret = "secret"

[role.tester]
purposes = ["everything", "support"]
"#;

pub const CASES: &[Case] = &[
    // Input functions of types, on a column's value.
    case("SELECT word::smallint FROM people"),
    case("SELECT word::int FROM people"),
    case("SELECT word::bigint FROM people"),
    case("SELECT digits::smallint FROM people"),
    case("SELECT digits::int FROM people"),
    case("SELECT digits::bigint FROM people"),
    case("SELECT digits::oid FROM people"),
    case("SELECT word::numeric FROM people"),
    case("SELECT word::real FROM people"),
    case("SELECT word::float8 FROM people"),
    case("SELECT (digits || 'e999')::float8 FROM people"),
    case("SELECT word::money FROM people"),
    case("SELECT word::boolean FROM people"),
    case("SELECT word::date FROM people"),
    case("SELECT (small || '-13-13')::date FROM people"),
    case("SELECT (small || '00000-01-01')::date FROM people"),
    case("SELECT word::time FROM people"),
    case("SELECT word::timetz FROM people"),
    case("SELECT word::timestamp FROM people"),
    case("SELECT word::timestamptz FROM people"),
    case("SELECT ('2026-01-01 10:00 +' || small || '00')::timestamptz FROM people"),
    case("SELECT word::interval FROM people"),
    case("SELECT (digits || ' years')::interval FROM people"),
    case("SELECT word::uuid FROM people"),
    case("SELECT word::inet FROM people"),
    case("SELECT word::cidr FROM people"),
    case("SELECT word::macaddr FROM people"),
    case("SELECT word::macaddr8 FROM people"),
    case("SELECT word::point FROM people"),
    case("SELECT word::box FROM people"),
    case("SELECT word::circle FROM people"),
    case("SELECT word::path FROM people"),
    case("SELECT word::json FROM people"),
    case("SELECT broken::json FROM people"),
    case("SELECT broken::jsonb FROM people"),
    case("SELECT broken::xml FROM people WHERE id = 2"),
    case("SELECT word::tsquery FROM people"),
    case("SELECT ('''' || word)::tsvector FROM people"),
    case("SELECT word::int4range FROM people"),
    case("SELECT word::int[] FROM people"),
    case("SELECT ('{' || word || '}')::int[] FROM people"),
    case("SELECT words::int[] FROM people"),
    case("SELECT word::pg_lsn FROM people"),
    case("SELECT word::tid FROM people"),
    case("SELECT word::mood FROM people"),
    case("SELECT word::pair FROM people"),
    case("SELECT word::positive FROM people"),
    // A type's or relation's name is looked for in the data; the first with a position inside the data.
    case("SELECT word::regtype FROM people"),
    case("SELECT split_part(word, ' ', 1)::regtype FROM people"),
    case("SELECT split_part(word, ' ', 1)::regclass FROM people"),
    case("SELECT split_part(word, ' ', 1)::regproc FROM people"),
    case("SELECT split_part(word, ' ', 1)::regrole FROM people"),
    case("SELECT split_part(word, ' ', 1)::regnamespace FROM people"),
    case("SELECT to_tsvector(split_part(word, ' ', 1)::regconfig, 'x') FROM people"),
    case("SELECT has_table_privilege(split_part(word, ' ', 1), 'select') FROM people"),
    case("SELECT has_table_privilege('people', word) FROM people"),
    case("SELECT nextval(split_part(word, ' ', 1)) FROM people"),
    case("SELECT current_setting(split_part(word, ' ', 1)) FROM people"),
    // Functions that quote an argument.
    case("SELECT to_date(word, 'Month') FROM people"),
    case("SELECT to_timestamp(word, 'Month') FROM people"),
    case("SELECT date_trunc(word, now()) FROM people"),
    case("SELECT date_part(word, now()) FROM people"),
    case("SELECT timezone(word, now()) FROM people"),
    case("SELECT now() AT TIME ZONE word FROM people"),
    case("SELECT encode('x', split_part(word, ' ', 1)) FROM people"),
    case("SELECT decode('x', split_part(word, ' ', 1)) FROM people"),
    case("SELECT convert_from('x', split_part(word, ' ', 1)) FROM people"),
    case("SELECT convert_to('x', split_part(word, ' ', 1)) FROM people"),
    case("SELECT jsonb_path_query(doc, '$.canary.datetime()') FROM people"),
    case("SELECT jsonb_set('[1]', ARRAY[word], '2') FROM people"),
    case("SELECT (doc ->> 'canary')::int FROM people"),
    case("SELECT words[1]::int FROM people"),
    case("SELECT get_byte('x', small) FROM people"),
    case("SELECT set_bit(B'1', small, 1) FROM people"),
    case("SELECT chr(small * 1000) FROM people"),
    case("SELECT make_date(small, 13, 1) FROM people"),
    case("SELECT make_time(small, 0, 0) FROM people"),
    case("SELECT make_timestamp(small, 13, 1, 0, 0, 0) FROM people"),
    case("SELECT setseed(small) FROM people"),
    case("SELECT percentile_cont(small) WITHIN GROUP (ORDER BY id) FROM people GROUP BY small"),
    case("SELECT set_masklen('10.0.0.1', small) FROM people"),
    case("SELECT pg_size_bytes(word) FROM people"),
    case("SELECT parse_ident(word) FROM people"),
    case("SELECT xmlparse(DOCUMENT broken) FROM people WHERE id = 2"),
    // Wherever the expression stands.
    case("SELECT id FROM people WHERE word::int = 1"),
    case("SELECT id FROM people ORDER BY word::int"),
    case("SELECT count(*) FROM people GROUP BY word::int"),
    case("SELECT word FROM people GROUP BY word HAVING word::int = 1"),
    case("SELECT sum(word::int) FROM people"),
    case("SELECT sum(id) FILTER (WHERE word::int = 1) FROM people"),
    case("SELECT sum(word::int) OVER (ORDER BY id) FROM people"),
    case("SELECT p.id FROM people p JOIN notes n ON n.id = p.word::int"),
    case("SELECT id FROM notes WHERE id IN (SELECT word::int FROM people)"),
    case("WITH w AS (SELECT word::int AS n FROM people) SELECT n FROM w"),
    case("SELECT n FROM people, LATERAL (SELECT word::int AS n) AS l"),
    case("SELECT g FROM people, generate_series(1, word::int) AS g"),
    case("SELECT id FROM people LIMIT (SELECT word::int FROM people LIMIT 1)"),
    case("SELECT CASE WHEN id = 2 THEN word::int ELSE 0 END FROM people"),
    case("SELECT word::int FROM people UNION SELECT 1"),
    case("SELECT DISTINCT ON (word::int) id FROM people"),
    case("SELECT coalesce(NULL, word::int) FROM people"),
    case("VALUES ((SELECT word::int FROM people LIMIT 1))"),
    // What comes later in the transaction.
    case("BEGIN; DECLARE c CURSOR FOR SELECT word::int FROM people; FETCH c"),
    case("PREPARE p AS SELECT word::int FROM people; EXECUTE p"),
    case("COPY (SELECT word::int FROM people) TO STDOUT"),
    case("EXPLAIN ANALYZE SELECT word::int FROM people"),
    // Writes: the row, the key, the other row's key.
    case("INSERT INTO people (id, word) VALUES (9, 'CANARY two')"),
    case("INSERT INTO people (id, word, small) VALUES (9, 'CANARY nine', -1)"),
    case("INSERT INTO people (id, small) VALUES (9, 4711)"),
    case("UPDATE people SET small = 0 WHERE id = 1"),
    case("UPDATE people SET word = NULL WHERE id = 1"),
    case("UPDATE people SET small = word::int WHERE id = 1"),
    case("UPDATE people SET word = 'CANARY two' WHERE id = 1"),
    case("UPDATE people SET span = '[47110,47111)' WHERE id = 1"),
    case("DELETE FROM people WHERE id = 2"),
    case("INSERT INTO notes (id, of_word) VALUES (9, 'CANARY nobody')"),
    case("INSERT INTO parted (id, word) SELECT id, word FROM people"),
    case("INSERT INTO notes (id, of_word, body) SELECT word::int, word, word FROM people"),
    case("DELETE FROM people WHERE word::int = 1"),
    case("INSERT INTO people (id, word) VALUES (1, 'CANARY one two') ON CONFLICT (id) DO UPDATE SET small = 0"),
    // A row that the statement doesn't name, of a table that follows a key.
    case("UPDATE keys SET id = 1000"),
    // At the end of the transaction.
    case("BEGIN; INSERT INTO later (id) VALUES (4711); COMMIT"),
    Case { sql: "COMMIT", before: &["BEGIN", "INSERT INTO later (id) VALUES (4711)"] },
    Case {
        sql: "SET CONSTRAINTS ALL IMMEDIATE",
        before: &["BEGIN", "SET CONSTRAINTS later_id_key DEFERRED", "INSERT INTO later (id) VALUES (4711)"],
    },
    Case { sql: "COMMIT", before: &["BEGIN", "INSERT INTO later (id) VALUES (4711)", "SET CONSTRAINTS ALL DEFERRED"] },
    case("INSERT INTO later (id) VALUES (4711)"),
    // Functions say what they like.
    case("SELECT raise_it('notice', word) FROM people"),
    case("SELECT raise_it('warning', word) FROM people"),
    case("SELECT raise_it('info', word) FROM people"),
    case("SELECT raise_it('exception', word) FROM people"),
    case("SELECT raise_it('listed', word) FROM people"),
    case("SELECT raise_it('state', word) FROM people"),
    case("SELECT raise_it('detail', word) FROM people"),
    case("SELECT raise_it('hint', word) FROM people"),
    case("SELECT raise_it('column', word) FROM people"),
    case("SELECT raise_it('cast', word) FROM people"),
    case("SELECT raise_it('dynamic', word) FROM people"),
    Case { sql: "SELECT word::int FROM people", before: &["SET client_min_messages = error"] },
    Case { sql: "SELECT word::int FROM people", before: &["BEGIN", "SELECT count(*) FROM people"] },
    Case { sql: "SELECT raise_it('info', word) FROM people", before: &["SET client_min_messages = error"] },
];
