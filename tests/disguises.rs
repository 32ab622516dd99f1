//! One forbidden question in many disguises: the words of a conversation. Under `model_training` every one is refused with
//! the clause that forbids it, and the upstream role is a superuser; under `service_operation` every one answers as Postgres, though
//! a guard stands in for the tables there.

mod common;

use common::raw::{Format, Frame, bind, execute, parse, query, sync};
use common::{At, Cluster, Proxy};
use std::sync::LazyLock;

const DATABASE: &str = "disguises";
const SCHEMA: &str = include_str!("../policy/botpress/schema.sql");
const ROWS: &str = "
    INSERT INTO companies (name) VALUES ('Aster'), ('Birch');
    INSERT INTO bots (company_id, name) VALUES (1, 'help'), (2, 'orders');
    INSERT INTO end_users (company_id, display_name, email) SELECT 2, 'End-user ' || i, 'e' || i || '@mail.example'
        FROM generate_series(1, 6) AS i;
    INSERT INTO conversations (bot_id, end_user_id) SELECT i % 2 + 1, i FROM generate_series(1, 6) AS i;
    INSERT INTO messages (conversation_id, end_user_id, direction, body)
        SELECT c.id, c.end_user_id, d.direction, 'word ' || c.id || ' ' || d.direction
        FROM conversations AS c, (VALUES ('incoming'), ('outgoing')) AS d (direction);
    CREATE VIEW transcript AS SELECT conversation_id, body FROM messages;
    CREATE FUNCTION all_words() RETURNS SETOF text LANGUAGE sql AS 'SELECT body FROM public.messages';
    CREATE ROLE app_service LOGIN SUPERUSER;
    CREATE ROLE ml_engineer LOGIN SUPERUSER;";

/// Refused with clause B-1d.
const DISGUISES: &[&str] = &[
    "SELECT body FROM messages",
    "SELECT m.body AS harmless FROM messages AS m",
    "SELECT public.messages.body FROM public.messages",
    "SELECT * FROM messages",
    "SELECT m.* FROM messages AS m",
    "SELECT m FROM messages AS m",
    "SELECT (m).body FROM messages AS m",
    "SELECT (m).* FROM messages AS m",
    "SELECT body(m) FROM messages AS m",
    "SELECT m.body FROM messages AS m (id, c, e, d, body)",
    "SELECT x.five FROM messages AS x (one, two, three, four, five, six)",
    "SELECT row_to_json(m) FROM messages AS m",
    "SELECT to_jsonb(m) ->> 'body' FROM messages AS m",
    "SELECT row_to_json(messages) FROM messages",
    "SELECT ROW(m.*) FROM messages AS m",
    "SELECT m::text FROM messages AS m",
    "TABLE messages",
    "SELECT body FROM ONLY messages",
    "SELECT body FROM messages *",
    "SELECT \"body\" FROM \"public\".\"messages\"",
    "SELECT U&\"b\\006fdy\" FROM U&\"mess\\0061ges\"",
    "SELECT BoDy FROM MESSAGES",
    "SELECT x FROM (SELECT body AS x FROM messages) AS q",
    "SELECT q FROM (SELECT body FROM messages) AS q",
    "WITH q AS (SELECT body FROM messages) SELECT * FROM q",
    "WITH q (harmless) AS (TABLE messages) SELECT count(*) FROM q",
    "WITH q AS (SELECT m FROM messages AS m) SELECT row_to_json(m) FROM q",
    "WITH RECURSIVE q AS (SELECT id, body FROM messages WHERE id = 1 UNION ALL SELECT m.id, m.body FROM messages AS m \
     JOIN q ON m.id = q.id + 1) SELECT id FROM q",
    "SELECT l.b FROM conversations AS c, LATERAL (SELECT body AS b FROM messages AS m WHERE m.conversation_id = c.id) AS l",
    "SELECT l FROM messages AS m CROSS JOIN LATERAL (SELECT m.body) AS l",
    "SELECT (SELECT body FROM messages ORDER BY id LIMIT 1)",
    "SELECT ARRAY(SELECT body FROM messages ORDER BY id)",
    "SELECT id FROM conversations WHERE EXISTS (SELECT FROM messages WHERE body LIKE 'word 1%')",
    "SELECT id FROM conversations WHERE 'word 1 incoming' IN (SELECT body FROM messages)",
    "SELECT id FROM messages WHERE body LIKE '%word%'",
    "SELECT id FROM messages ORDER BY body",
    "SELECT id FROM messages ORDER BY length(body), id",
    "SELECT count(*) FROM messages GROUP BY body",
    "SELECT count(*) FROM messages GROUP BY GROUPING SETS ((body), ())",
    "SELECT direction FROM messages GROUP BY direction HAVING min(body) > 'a'",
    "SELECT DISTINCT body FROM messages",
    "SELECT DISTINCT ON (body) id FROM messages ORDER BY body, id",
    "SELECT max(body) FROM messages",
    "SELECT string_agg(body, ',' ORDER BY id) FROM messages",
    "SELECT count(body) FROM messages",
    "SELECT count(*) FILTER (WHERE body > 'word 3') FROM messages",
    "SELECT row_number() OVER (ORDER BY body) FROM messages",
    "SELECT id, lag(id) OVER w FROM messages WINDOW w AS (PARTITION BY body)",
    "SELECT CASE WHEN body > 'word 3' THEN 1 ELSE 0 END FROM messages",
    "SELECT a.id FROM messages AS a JOIN messages AS b USING (body)",
    "SELECT a.id FROM messages AS a NATURAL JOIN messages AS b",
    "SELECT c.id FROM conversations AS c JOIN messages AS m ON m.body = 'word 1 incoming'",
    "SELECT c.id, m.body FROM conversations AS c LEFT JOIN messages AS m ON m.conversation_id = c.id",
    "SELECT 'x' UNION ALL SELECT body FROM messages",
    "SELECT id FROM messages EXCEPT SELECT id FROM messages WHERE body = ''",
    "VALUES ((SELECT body FROM messages WHERE id = 1))",
    "SELECT id FROM conversations LIMIT (SELECT length(body) FROM messages WHERE id = 1)",
    "SELECT id FROM conversations ORDER BY (SELECT max(body) FROM messages)",
    "SELECT generate_series(1, length(body)) FROM messages",
    "SELECT w FROM messages, regexp_split_to_table(body, ' ') AS w",
    "SELECT coalesce(NULL, body) FROM messages",
    "SELECT body IS NULL FROM messages",
    "SELECT count(*) FROM messages",
    "SELECT id FROM messages",
    "SELECT FROM messages",
    "SELECT body/**/FROM/**/messages--",
    "/* a comment */ SELECT body FROM messages;",
];

/// Refused too, as not understood yet or as a system matter; the words do not come out either way.
const SHUT: &[&str] = &[
    "SELECT j.body FROM (messages AS m JOIN conversations AS c ON c.id = m.conversation_id) AS j \
     (id, conversation_id, end_user_id, direction, body)",
    "SELECT body FROM transcript",
    "SELECT * FROM all_words()",
    "SELECT all_words()",
    "COPY messages TO STDOUT",
    "COPY (SELECT body FROM messages) TO STDOUT",
    "EXPLAIN ANALYZE SELECT body FROM messages",
    "PREPARE p AS SELECT body FROM messages",
    "DECLARE c CURSOR WITH HOLD FOR SELECT body FROM messages",
    "CREATE TEMP TABLE mine AS SELECT body FROM messages",
    "SELECT body INTO TEMP mine FROM messages",
    "SELECT id FROM messages FOR UPDATE",
    "SELECT body FROM messages TABLESAMPLE SYSTEM (100)",
    "WITH q AS (UPDATE messages SET body = body RETURNING body) SELECT * FROM q",
    "INSERT INTO bots (company_id, name) SELECT 1, body FROM messages",
    "UPDATE messages SET body = body RETURNING body",
    "DELETE FROM messages RETURNING body",
    "DO $$ BEGIN RAISE NOTICE '%', (SELECT body FROM messages LIMIT 1); END $$",
    "SELECT query_to_xml('SELECT body FROM messages', true, true, '')",
    "SELECT table_to_xml('messages', true, true, '')",
    "SELECT most_common_vals FROM pg_stats WHERE tablename = 'messages'",
    "SELECT query FROM pg_stat_activity",
    "SELECT pg_read_file('postgresql.conf')",
    "CREATE VIEW mine AS SELECT body FROM messages",
];

/// The cluster, the proxy, and the ports around it and through it.
fn ports() -> (u16, u16) {
    static PROXY: LazyLock<(u16, Proxy)> = LazyLock::new(|| {
        let cluster = Cluster::shared();
        cluster.database(DATABASE, &format!("{SCHEMA}{ROWS}"));
        (cluster.port(), Proxy::start(cluster, "policy/botpress"))
    });
    (PROXY.0, PROXY.1.port())
}

fn at(port: u16, user: &'static str, purpose: &'static str) -> At<'static> {
    At { port, database: DATABASE, user, purpose: Some(purpose) }
}

/// Asks in a session of its own, in both protocols.
fn ask(at: At<'_>, sql: &str) -> [Vec<Frame>; 2] {
    let simple = at.raw().exchange(&[query(sql)]);
    let extended = [parse("", sql), bind("", "", &[], Format::Text), execute("", 0), sync()];
    [simple, at.raw().exchange(&extended)]
}

/// The refusal among the answers; a test failure where there is none, or where a row came before it.
fn refusal<'f>(sql: &str, frames: &'f [Frame]) -> &'f Frame {
    assert!(!frames.iter().any(|frame| matches!(frame.tag, b'D' | b'd')), "a row came back: {sql}");
    let error = frames.iter().find(|frame| frame.tag == b'E');
    error.unwrap_or_else(|| panic!("not refused: {sql}"))
}

#[test]
fn every_disguise_is_refused_with_the_clause() {
    let (_, proxied) = ports();
    for sql in DISGUISES {
        for frames in ask(at(proxied, "ml_engineer", "model_training"), sql) {
            let error = refusal(sql, &frames);
            let field = |name| error.field(name).unwrap_or_default();
            assert_eq!(field(b'C'), "42501", "{sql}: {}", field(b'M'));
            assert!(field(b'M').contains("model_training"), "{sql}: {}", field(b'M'));
            assert!(field(b'D').contains("B-1d"), "{sql}: {}", field(b'D'));
            assert!(field(b'D').contains("We do not use Conversation Data"), "{sql}: {}", field(b'D'));
        }
    }
}

#[test]
fn nothing_else_brings_the_words_out() {
    let (_, proxied) = ports();
    for sql in SHUT {
        for frames in ask(at(proxied, "ml_engineer", "model_training"), sql) {
            let error = refusal(sql, &frames);
            let code = error.field(b'C').unwrap_or_default();
            // Not an error of the server's: the statement never reached it.
            assert!(
                matches!(code.as_str(), "42501" | "0A000"),
                "{sql}: {code} {}",
                error.field(b'M').unwrap_or_default()
            );
        }
    }
}

/// The rows in an order of their own, and how the statement ended.
fn outcome(frames: &[Frame]) -> (Vec<Vec<u8>>, Vec<String>) {
    let mut rows: Vec<Vec<u8>> =
        frames.iter().filter(|frame| frame.tag == b'D').map(|frame| frame.body.clone()).collect();
    rows.sort_unstable();
    let ends = frames.iter().filter(|frame| matches!(frame.tag, b'C' | b'E' | b'Z')).map(Frame::outline).collect();
    (rows, ends)
}

#[test]
fn the_service_gets_what_postgres_answers() {
    let (direct, proxied) = ports();
    for sql in DISGUISES {
        let wanted = ask(at(direct, "app_service", "service_operation"), sql);
        let found = ask(at(proxied, "app_service", "service_operation"), sql);
        for (wanted, found) in wanted.iter().zip(&found) {
            assert!(!wanted.iter().any(|frame| frame.tag == b'E'), "a disguise is a statement that runs: {sql}");
            let report = found.iter().find(|frame| frame.tag == b'E').and_then(|frame| frame.field(b'M'));
            assert_eq!(outcome(wanted), outcome(found), "{sql}: {report:?}");
        }
    }
}
