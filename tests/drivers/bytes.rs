//! The bytes themselves: the same messages to the server and to the proxy, the answers compared frame by frame; and the
//! outline of the answers around a refusal compared with that around an error of the server's.

use crate::common::raw::{
    Format, Frame, Raw, bind, close_statement, describe_portal, describe_statement, execute, flush, outlines, parse,
    query, sync,
};
use crate::{Cluster, DATABASE, Ways};

/// What a client sends before it waits for the answers.
type Batch = Vec<Vec<u8>>;

/// A frame that a person can read.
fn legible(frame: &Frame) -> String {
    format!("{} {}", frame.tag as char, String::from_utf8_lossy(&frame.body).escape_debug())
}

/// The answers to a conversation, batch by batch.
fn converse(raw: &mut Raw, batches: &[Batch]) -> Vec<Vec<Frame>> {
    batches.iter().map(|batch| raw.exchange(batch)).collect()
}

/// The fields of an error that are the same whoever reports it: severity, code, message, position.
const COMMON_FIELDS: [u8; 5] = *b"SVCMP";

/// Whether two frames say the same. Frames are equal byte for byte, with one exception: an error about a name or a syntax
/// that the proxy finds itself has no place in the server's source (`R`) and no guess (`H`).
fn same(direct: &Frame, proxied: &Frame) -> bool {
    let own = direct.tag == b'E' && proxied.tag == b'E' && proxied.field(b'R').is_none();
    direct == proxied || (own && COMMON_FIELDS.iter().all(|name| direct.field(*name) == proxied.field(*name)))
}

/// Holds the same conversation with both and wants the same bytes.
fn same_bytes(name: &str, direct: &mut Raw, proxied: &mut Raw, batches: &[Batch]) {
    let wanted = converse(direct, batches);
    let found = converse(proxied, batches);
    for (at, (wanted, found)) in wanted.iter().zip(&found).enumerate() {
        let equal = wanted.len() == found.len() && wanted.iter().zip(found).all(|(one, other)| same(one, other));
        if !equal {
            let (wanted, found): (Vec<_>, Vec<_>) =
                (wanted.iter().map(legible).collect(), found.iter().map(legible).collect());
            assert_eq!(wanted, found, "{name}, batch {}", at + 1);
        }
    }
}

/// The queries of the driver tests: SQL and parameters as text.
fn queries() -> Vec<(String, Vec<String>)> {
    let list: serde_json::Value = serde_json::from_str(include_str!("queries.json")).expect("the queries are JSON");
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let query = |query: &serde_json::Value| {
        (text(&query["sql"]), query["params"].as_array().expect("a list of parameters").iter().map(text).collect())
    };
    list.as_array().expect("a list of queries").iter().map(query).collect()
}

#[test]
fn the_greeting_is_the_same() {
    let ways = Ways::get();
    let direct = ways.direct("tester", "service_operation").raw();
    let proxied = ways.proxied("tester", "service_operation").raw();
    let legible = |raw: &Raw| raw.greeting.iter().map(legible).collect::<Vec<_>>();
    assert_eq!(legible(&direct), legible(&proxied));
}

#[test]
fn simple_queries_answer_the_same_bytes() {
    let ways = Ways::get();
    let mut direct = ways.direct("tester", "service_operation").raw();
    let mut proxied = ways.proxied("tester", "service_operation").raw();
    for (sql, _) in queries().iter().filter(|(_, parameters)| parameters.is_empty()) {
        same_bytes(sql, &mut direct, &mut proxied, &[vec![query(sql)]]);
    }
    let more = [
        "",
        ";",
        "-- nothing\n",
        "SELECT 1; SELECT 2",
        "SELECT 1; SELECT 1/0; SELECT 2",
        "SELECT 1;; ;SELECT 'ü'",
        "SELECT 1; SELEC 2",
        "BEGIN",
        "SELECT 1",
        "SAVEPOINT a",
        "SELECT 1/0",
        "SELECT 2",
        "ROLLBACK TO a",
        "SELECT 3",
        "COMMIT",
        "COMMIT",
        "BEGIN; SELECT 1/0",
        "SELECT 1",
        "ROLLBACK",
        "SHOW search_path",
        "SHOW no_such_setting",
        "BEGIN; SELECT 1; COMMIT; SELECT 2",
        "SET statement_timeout = '5s'",
        "SHOW statement_timeout",
        "RESET statement_timeout",
        "SELECT 'it''s', E'a\\nb', $$dollar$$, U&'\\00e9'",
    ];
    for sql in more {
        same_bytes(sql, &mut direct, &mut proxied, &[vec![query(sql)]]);
    }
}

#[test]
fn extended_queries_answer_the_same_bytes() {
    let ways = Ways::get();
    let mut direct = ways.direct("tester", "service_operation").raw();
    let mut proxied = ways.proxied("tester", "service_operation").raw();
    for (at, (sql, parameters)) in queries().iter().enumerate() {
        let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
        for format in [Format::Text, Format::Binary] {
            let unnamed = vec![
                parse("", sql),
                describe_statement(""),
                bind("", "", &parameters, format),
                describe_portal(""),
                execute("", 0),
                sync(),
            ];
            same_bytes(sql, &mut direct, &mut proxied, &[unnamed]);
        }
        let name = format!("s{at}");
        let named = [
            vec![parse(&name, sql), describe_statement(&name), sync()],
            vec![bind("p", &name, &parameters, Format::Text), execute("p", 2), execute("p", 0), sync()],
            vec![bind("", &name, &parameters, Format::Text), execute("", 0), sync()],
            vec![parse(&name, sql), sync()],
            vec![close_statement(&name), bind("", &name, &parameters, Format::Text), sync()],
        ];
        same_bytes(&format!("named {sql}"), &mut direct, &mut proxied, &named);
    }
}

/// One statement from Parse to Execute in the unnamed slots.
fn whole(sql: &str) -> Batch {
    vec![parse("", sql), bind("", "", &[], Format::Text), describe_portal(""), execute("", 0)]
}

/// Statements in one pipeline with one Sync.
fn pipeline(statements: &[&str]) -> Batch {
    let mut batch: Batch = statements.iter().flat_map(|sql| whole(sql)).collect();
    batch.push(sync());
    batch
}

#[test]
fn pipelines_answer_the_same_bytes() {
    let ways = Ways::get();
    let mut direct = ways.direct("tester", "service_operation").raw();
    let mut proxied = ways.proxied("tester", "service_operation").raw();
    let many: Vec<&str> = vec!["SELECT id, name FROM things ORDER BY id"; 50];
    let conversations: Vec<(&str, Vec<Batch>)> = vec![
        ("fifty in one", vec![pipeline(&many)]),
        ("fifty Syncs", vec![many.iter().flat_map(|sql| pipeline(&[sql])).collect()]),
        ("an error in the middle", vec![pipeline(&["SELECT 1", "SELECT 1/0", "SELECT 2"]), pipeline(&["SELECT 3"])]),
        (
            "an error, then another segment in the same packet",
            vec![[pipeline(&["SELECT 1", "SELECT nope", "SELECT 2"]), pipeline(&["SELECT 3"])].concat()],
        ),
        (
            "a transaction in a pipeline",
            vec![pipeline(&["BEGIN", "SELECT 1", "SELECT nope"]), pipeline(&["SELECT 1"]), pipeline(&["ROLLBACK"])],
        ),
        ("Flush", vec![[whole("SELECT 1"), vec![flush()], whole("SELECT 2"), vec![sync()]].concat()]),
        (
            "unknown names",
            vec![
                vec![describe_statement("nobody"), sync()],
                vec![bind("", "nobody", &[], Format::Text), sync()],
                vec![execute("nobody", 0), sync()],
                vec![describe_portal("nobody"), sync()],
                vec![close_statement("nobody"), sync()],
            ],
        ),
        ("an empty statement", vec![pipeline(&["", ";", "-- a comment"])]),
        ("two statements in one Parse", vec![pipeline(&["SELECT 1; SELECT 2"])]),
        (
            "simple and extended mixed",
            vec![[pipeline(&["SELECT 1"]), vec![query("SELECT 2; SELECT 3")], pipeline(&["SELECT 4"])].concat()],
        ),
        ("Sync alone", vec![vec![sync(), sync(), sync()]]),
        (
            "a portal ends with its transaction",
            vec![
                vec![query("BEGIN")],
                vec![
                    parse("", "SELECT * FROM notes ORDER BY id"),
                    bind("p", "", &[], Format::Text),
                    execute("p", 3),
                    sync(),
                ],
                vec![execute("p", 2), sync()],
                vec![query("COMMIT")],
                vec![execute("p", 2), sync()],
            ],
        ),
    ];
    for (name, batches) in &conversations {
        same_bytes(name, &mut direct, &mut proxied, batches);
    }
}

#[test]
fn an_unrestricted_purpose_answers_the_same_bytes_whatever_is_sent() {
    let ways = Ways::get();
    let mut direct = ways.direct("keeper", "maintenance").raw();
    let mut proxied = ways.proxied("keeper", "maintenance").raw();
    let statements = [
        "BEGIN",
        "INSERT INTO notes SELECT 1000 + i, 1, 'new ' || i FROM generate_series(1, 3) AS i RETURNING id, body",
        "UPDATE notes SET body = body || '!' WHERE id > 1000 RETURNING body",
        "DELETE FROM notes WHERE id = 1003",
        "DECLARE c CURSOR FOR SELECT * FROM notes ORDER BY id DESC",
        "FETCH 2 FROM c",
        "COPY (SELECT * FROM notes ORDER BY id LIMIT 3) TO STDOUT",
        "CREATE TEMP TABLE scratch (a int) ON COMMIT DROP",
        "DO $$ BEGIN RAISE NOTICE 'a notice'; END $$",
        "EXPLAIN (COSTS off) SELECT * FROM notes WHERE id = 1",
        "ROLLBACK",
        "TABLE people",
        "SELECT count(*) FROM notes",
    ];
    // One after the other: the transactions of both would wait for each other's rows.
    let simple: Vec<Batch> = statements.iter().map(|sql| vec![query(sql)]).collect();
    same_bytes("simple", &mut direct, &mut proxied, &simple);
    let again: Vec<Batch> = statements.iter().map(|sql| pipeline(&[sql])).collect();
    same_bytes("extended", &mut direct, &mut proxied, &again);
}

/// Conversations around a statement that can not run.
fn around(bad: &str) -> Vec<(&'static str, Vec<Batch>)> {
    let several = format!("SELECT 1; {bad}; SELECT 2");
    vec![
        ("alone", vec![vec![query(bad)], vec![query("SELECT 1")]]),
        ("between others", vec![vec![query(&several)], vec![query("SELECT 1")]]),
        (
            "in a transaction",
            vec![vec![query("BEGIN")], vec![query(bad)], vec![query("SELECT 1")], vec![query("COMMIT")]],
        ),
        (
            "after a savepoint",
            ["BEGIN", "SAVEPOINT s", bad, "SELECT 1", "ROLLBACK TO s", "SELECT 2", "COMMIT"]
                .map(|sql| vec![query(sql)])
                .into(),
        ),
        ("extended", vec![pipeline(&[bad]), pipeline(&["SELECT 1"])]),
        ("in a pipeline", vec![[pipeline(&["SELECT 1", bad, "SELECT 2"]), pipeline(&["SELECT 3"])].concat()]),
        ("twice in a pipeline", vec![[pipeline(&[bad, bad]), pipeline(&[bad]), pipeline(&["SELECT 3"])].concat()]),
        (
            "in a pipeline's transaction",
            vec![pipeline(&["BEGIN", bad, "SELECT 1"]), pipeline(&["SELECT 1"]), pipeline(&["ROLLBACK"])],
        ),
        (
            "under a name",
            vec![
                vec![parse("n", bad), sync()],
                vec![bind("", "n", &[], Format::Text), execute("", 0), sync()],
                vec![describe_statement("n"), sync()],
                vec![close_statement("n"), sync()],
            ],
        ),
        ("described, with Flush", vec![vec![parse("", bad), describe_statement(""), flush(), sync()]]),
        (
            "the unnamed statement after it",
            vec![vec![parse("", "SELECT 1"), sync()], vec![query(bad)], vec![bind("", "", &[], Format::Text), sync()]],
        ),
    ]
}

/// The outlines of the answers to a conversation, batch by batch.
fn outline(raw: &mut Raw, batches: &[Batch]) -> Vec<Vec<String>> {
    batches.iter().map(|batch| outlines(&raw.exchange(batch))).collect()
}

#[test]
fn a_refusal_leaves_the_state_that_an_error_leaves() {
    let ways = Ways::get();
    let errors = around("SELECT nope FROM people");
    let refusals = around("SELECT email FROM people");
    for ((name, errors), (_, refusals)) in errors.iter().zip(&refusals) {
        let wanted = outline(&mut ways.direct("tester", "model_training").raw(), errors);
        let found = outline(&mut ways.proxied("tester", "model_training").raw(), refusals);
        assert_eq!(wanted, found, "{name}");
    }
}

/// asyncpg prepares with Flush, and may then send a simple query.
#[test]
fn a_simple_query_before_the_sync_is_answered() {
    let ways = Ways::get();
    let batches: [Batch; 4] = [
        vec![parse("", "SELECT 1"), query("SELECT 2")],
        vec![parse("early", "SELECT 3"), describe_statement("early"), flush(), query("SELECT 4")],
        vec![close_statement("early"), flush(), query("BEGIN")],
        vec![parse("", "SELECT 5"), query("ROLLBACK"), query("SELECT 6")],
    ];
    let (mut direct, mut proxied) =
        (ways.direct("tester", "model_training").raw(), ways.proxied("tester", "model_training").raw());
    same_bytes("a query before the Sync", &mut direct, &mut proxied, &batches);
}

/// After an error the server discards a simple query that comes before the Sync, before one it answers it. Where something
/// was bound the proxy cannot tell which it will be: the session ends rather than that answers are told wrong.
#[test]
fn a_simple_query_after_a_bind_and_before_the_sync_ends_the_session() {
    let mut raw = Ways::get().proxied("tester", "model_training").raw();
    raw.send(&[parse("", "SELECT 1"), bind("", "", &[], Format::Text), query("SELECT 2"), sync()].concat());
    let error = std::iter::repeat_with(|| raw.frame()).find(|frame| frame.tag == b'E').expect("an error");
    assert_eq!(error.field(b'S').as_deref(), Some("FATAL"));
    assert_eq!(error.field(b'C').as_deref(), Some("08P01"));
}

#[test]
fn a_refusal_takes_back_what_was_written_before_it() {
    let ways = Ways::get();
    let insert = "INSERT INTO notes VALUES (2000, 1, 'taken back')";
    let bad = "/*purpose='model_training'*/ SELECT email FROM people";
    let count = "SELECT count(*) FROM notes WHERE id >= 2000";
    let conversations: [(&str, Vec<Batch>); 4] = [
        ("in one simple query", vec![vec![query(&format!("{insert}; {bad}"))]]),
        ("in one pipeline", vec![pipeline(&[insert, bad])]),
        ("in a transaction", vec![vec![query("BEGIN")], vec![query(insert)], vec![query(bad)], vec![query("COMMIT")]]),
        ("before a Flush", vec![[whole(insert), vec![flush()], whole(bad), vec![sync()]].concat()]),
    ];
    for (name, batches) in &conversations {
        let mut raw = ways.proxied("keeper", "maintenance").raw();
        let answers = converse(&mut raw, batches).concat();
        let error = answers.iter().find(|frame| frame.tag == b'E');
        assert!(error.is_some(), "{name}: refused");
        assert_eq!(outlines(&answers).last().map(String::as_str), Some("Z I"), "{name}");
        let left = raw.exchange(&[query(count)]);
        assert!(left.iter().any(|frame| frame.tag == b'D' && frame.body.ends_with(b"0")), "{name}: rolled back");
    }
    Cluster::shared().sql(DATABASE, "DELETE FROM notes WHERE id >= 2000");
}
