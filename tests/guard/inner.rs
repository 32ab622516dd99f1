//! What follows a definition in its transaction: judged by what the transaction sees, read over its own connection.

use super::define::{PACK, SCHEMA, answer};
use super::{clients_on, rows, run};
use crate::common::raw::{Format, Frame, Raw, bind, execute, outlines, parse, query, sync};
use crate::common::{At, Cluster, Proxy};
use tokio_postgres::{Client, SimpleQueryMessage};
use wherefore::catalog::Snapshot;
use wherefore::catalog::read::{Answer, Answers, Extent, SETTINGS, questions};
use wherefore::control::catalog;

/// The view of names shows what is closed to the purpose `narrow`, under the name of what is open.
const GONE: &str = "DROP VIEW names";
const SWAPPED: &str = "CREATE VIEW names AS SELECT id, email AS name FROM people";
const READ: &str = "SELECT max(name) FROM names";

fn raw(port: u16, database: &str, purpose: &str) -> Raw {
    let options = format!("-c wherefore.purpose={purpose}");
    Raw::connect(port, &[("user", "tester"), ("database", database), ("options", &options)]).expect("a session")
}

/// Plays a session: each statement with the beginning of what it answers.
async fn play(client: &Client, steps: &[(&str, &str)]) {
    for (sql, expected) in steps {
        let told = answer(client, sql).await;
        let as_expected = if expected.is_empty() { told.is_empty() } else { told.starts_with(expected) };
        assert!(as_expected, "{sql}: {told}");
    }
}

/// A view is replaced under its name. Whoever reads it next must be judged by what it is now, however it is sent.
#[test]
fn a_committed_definition_is_followed_at_once() {
    run(async {
        let (builder, direct, proxy) = clients_on("inner_followed", SCHEMA, "narrow", PACK).await;
        let all = |first: &str, between: &str| format!("{first} {GONE}; {SWAPPED}; {between} {READ}");
        let (one, other) = (all("BEGIN;", "COMMIT;"), all("", ""));
        let ways: [&[&str]; 7] = [
            // As one message, and as several that wait for nothing.
            &[&one],
            &[&other],
            &[GONE, SWAPPED, READ],
            &["BEGIN", GONE, SWAPPED, "COMMIT", READ],
            &["BEGIN", GONE, SWAPPED, "COMMIT AND CHAIN", READ, "ROLLBACK"],
            &["BEGIN", GONE, SWAPPED, "COMMIT AND CHAIN", "SAVEPOINT s", "ROLLBACK TO s", READ, "ROLLBACK"],
            &["BEGIN", GONE, SWAPPED, READ, "COMMIT"],
        ];
        for way in ways {
            for pipelined in [false, true] {
                let mut raw = raw(proxy.port(), "inner_followed", "narrow");
                let told: Vec<Frame> = if pipelined {
                    raw.exchange(&way.iter().map(|sql| query(sql)).collect::<Vec<_>>())
                } else {
                    way.iter().flat_map(|sql| raw.exchange(&[query(sql)])).collect()
                };
                let leaked = told.iter().any(|frame| String::from_utf8_lossy(&frame.body).contains("SECRET"));
                let refused = told.iter().any(|frame| frame.tag == b'E');
                assert!(!leaked && refused, "{way:?}, pipelined: {pipelined}");
                drop(raw);
                let back = "DROP VIEW IF EXISTS names; CREATE VIEW names AS SELECT id, name FROM people";
                rows(&direct, back).await.expect(back);
                // What was done around the proxy is noticed with what is done through it.
                assert_eq!(answer(&builder, "COMMENT ON TABLE open IS 'x'").await, "");
            }
        }
        // Others follow a chain, too.
        let chained = raw(proxy.port(), "inner_followed", "narrow")
            .exchange(&["BEGIN", GONE, SWAPPED, "COMMIT AND CHAIN"].map(query));
        assert_eq!(outlines(&chained).last().map(String::as_str), Some("Z T"));
        assert!(answer(&builder, READ).await.starts_with("42501"));
    });
}

#[test]
fn the_rest_of_a_transaction_is_judged_by_what_it_sees() {
    run(async {
        let (builder, direct, proxy) = clients_on("inner_block", SCHEMA, "builder", PACK).await;
        let reader = At { port: proxy.port(), database: "inner_block", user: "tester", purpose: Some("narrow") };
        let narrow = reader.tokio().await;
        for end in ["ROLLBACK", "COMMIT"] {
            play(
                &builder,
                &[
                    ("BEGIN", ""),
                    ("CREATE TABLE planned (id serial PRIMARY KEY, address text)", ""),
                    ("SHOW search_path", "\"$user\", public"),
                    ("INSERT INTO planned (address) VALUES ('here'), ('there')", ""),
                    ("SELECT address FROM planned ORDER BY id", "here,there"),
                    ("SELECT count(*) FROM open", "2"),
                    ("CREATE TABLE planned_too (id int REFERENCES planned)", ""),
                    ("CREATE VIEW shown AS SELECT address FROM planned WHERE id = 1", ""),
                    ("SELECT address FROM shown", "here"),
                    ("UPDATE planned SET address = 'nowhere' WHERE id = 2", ""),
                    ("SAVEPOINT s", ""),
                    // Without a tag: closed, as after the transaction.
                    ("INSERT INTO planned_too VALUES (1)", "42501"),
                    ("ROLLBACK TO s", ""),
                    ("SELECT nothing FROM planned", "42703"),
                    ("ROLLBACK TO s", ""),
                    // Not by a name that others may read under.
                    ("CREATE TABLE told AS SELECT address AS label FROM planned", ""),
                    ("SELECT label FROM told", "42501"),
                    ("ROLLBACK TO s", ""),
                    ("SELECT count(*) FROM told", "42P01"),
                    ("ROLLBACK TO s", ""),
                    ("SELECT max(address) FROM planned", "nowhere"),
                    (end, ""),
                ],
            )
            .await;
            let there = if end == "COMMIT" { "nowhere" } else { "42P01" };
            play(&builder, &[("SELECT max(address) FROM planned", there), ("SELECT count(*) FROM open", "2")]).await;
        }
        play(&narrow, &[("SELECT count(id) FROM planned", "2"), ("SELECT address FROM planned", "42501")]).await;
        play(
            &narrow,
            &[
                ("BEGIN", ""),
                (READ, "name 9"),
                ("SAVEPOINT s", ""),
                (GONE, ""),
                (READ, "42P01"),
                ("ROLLBACK TO s", ""),
                (READ, "name 9"),
                (GONE, ""),
                (SWAPPED, ""),
                (READ, "42501"),
                ("ROLLBACK TO s", ""),
                (READ, "name 9"),
                // Another's name, while it is free.
                ("DROP VIEW names", ""),
                ("CREATE TABLE names (id int, name text)", ""),
                ("SELECT count(*) FROM names", "42501"),
                ("ROLLBACK", ""),
                (READ, "name 9"),
                // A path on which a name is another's.
                ("BEGIN", ""),
                ("CREATE SCHEMA aside", ""),
                ("CREATE VIEW aside.names AS SELECT id, email AS name FROM people", ""),
                (READ, "name 9"),
                ("SET LOCAL search_path = aside, public", ""),
                (READ, "42501"),
                ("ROLLBACK", ""),
                (READ, "name 9"),
                // A cursor shows what it was declared over.
                ("BEGIN", ""),
                ("DECLARE c CURSOR FOR SELECT name FROM names ORDER BY id", ""),
                ("FETCH 1 FROM c", "name 1"),
                ("CREATE TABLE other (id int)", ""),
                ("FETCH 1 FROM c", "name 2"),
                ("ROLLBACK", ""),
                ("DROP TABLE IF EXISTS planned_too", ""),
            ],
        )
        .await;
        assert_eq!(answer(&direct, "SELECT max(address) FROM planned").await, "nowhere");
    });
}

#[test]
fn what_was_prepared_is_judged_again() {
    run(async {
        let (narrow, _direct, _proxy) = clients_on("inner_prepared", SCHEMA, "narrow", PACK).await;
        let before = narrow.prepare(READ).await.expect("preparing");
        let read = async |prepared: &tokio_postgres::Statement| match narrow.query_one(prepared, &[]).await {
            Ok(row) => row.get::<_, String>(0),
            Err(error) => error.code().map_or_else(|| error.to_string(), |code| code.code().to_owned()),
        };
        assert_eq!(read(&before).await, "name 9");
        play(&narrow, &[("PREPARE p AS SELECT max(name) FROM names", ""), ("EXECUTE p", "name 9"), ("BEGIN", "")])
            .await;
        play(&narrow, &[("SAVEPOINT s", ""), (GONE, ""), (SWAPPED, "")]).await;
        assert_eq!(read(&before).await, "42501");
        play(&narrow, &[("ROLLBACK TO s", ""), ("EXECUTE p", "name 9")]).await;
        assert_eq!(read(&before).await, "name 9");
        play(&narrow, &[(GONE, ""), (SWAPPED, ""), ("EXECUTE p", "42501"), ("ROLLBACK", "")]).await;
        // Made of something that is gone.
        play(&narrow, &[("BEGIN", ""), ("CREATE VIEW mine AS SELECT id, label AS name FROM open", "")]).await;
        let within = narrow.prepare("SELECT max(name) FROM mine").await.expect("preparing");
        assert_eq!(read(&within).await, "b");
        play(&narrow, &[("ROLLBACK", "")]).await;
        assert_eq!(read(&within).await, "42P01");
        play(&narrow, &[("CREATE VIEW mine AS SELECT id, email AS name FROM people", "")]).await;
        assert_eq!(read(&within).await, "42501");
        assert_eq!(read(&before).await, "name 9");
    });
}

/// A definition and its use in one segment of the extended protocol.
#[test]
fn a_pipeline_stops_to_look() {
    run(async {
        let (_builder, _direct, proxy) = clients_on("inner_pipeline", SCHEMA, "builder", PACK).await;
        let all = |texts: &[&str]| {
            let one = |sql: &&str| [parse("", sql), bind("", "", &[], Format::Text), execute("", 0)].concat();
            vec![texts.iter().flat_map(one).collect::<Vec<u8>>(), sync()]
        };
        let mut builder = raw(proxy.port(), "inner_pipeline", "builder");
        let made = ["CREATE TABLE planned (id int)", "INSERT INTO planned VALUES (7)", "SELECT id FROM planned"];
        let begun = [&["BEGIN"], &made[..], &["COMMIT"]].concat();
        assert_eq!(
            outlines(&builder.exchange(&all(&begun))).join(" "),
            "1 2 C BEGIN 1 2 C CREATE TABLE 1 2 C INSERT 0 1 1 2 D C SELECT 1 1 2 C COMMIT Z I"
        );
        // Where its Sync commits there is no stopping.
        let told = builder.exchange(&all(&["DROP TABLE planned", "SELECT count(*) FROM open"]));
        assert_eq!(outlines(&told).join(" "), "1 2 C DROP TABLE E ERROR Z I");
        // What fails before it is skipped to the client's own Sync.
        let told =
            builder.exchange(&all(&["BEGIN", "DROP TABLE planned", "SELECT 1 / 0", "SELECT id FROM open", "COMMIT"]));
        assert_eq!(outlines(&told).join(" "), "1 2 C BEGIN 1 2 C DROP TABLE 1 E ERROR Z E");
        assert_eq!(
            outlines(&builder.exchange(&[query("ROLLBACK"), query(made[2])])).join(" "),
            "C ROLLBACK Z I T D C SELECT 1 Z I"
        );
        let mut narrow = raw(proxy.port(), "inner_pipeline", "narrow");
        let told = narrow.exchange(&all(&["BEGIN", GONE, SWAPPED, READ, "COMMIT"]));
        assert_eq!(outlines(&told).join(" "), "1 2 C BEGIN 1 2 C DROP VIEW 1 2 C CREATE VIEW E ERROR Z E");
        // What was bound before means what it meant, or nothing.
        let mut narrow = raw(proxy.port(), "inner_pipeline", "narrow");
        let declare = [parse("d", "DECLARE c CURSOR FOR SELECT name FROM names"), bind("d", "d", &[], Format::Text)];
        let mut messages = vec![query("BEGIN")];
        messages.extend(declare);
        messages.extend([sync(), query(GONE), query(SWAPPED), execute("d", 0), sync(), query("FETCH ALL FROM c")]);
        let told = narrow.exchange(&messages);
        assert!(!told.iter().any(|frame| String::from_utf8_lossy(&frame.body).contains("SECRET")));
        assert!(outlines(&told).join(" ").ends_with("E ERROR Z E E ERROR Z E"), "{:?}", outlines(&told));
        // Also what the server analyses when it is executed, not when it is bound.
        let mut narrow = raw(proxy.port(), "inner_pipeline", "narrow");
        let copy = parse("copy", "COPY (SELECT name FROM names) TO STDOUT");
        let bound = [copy, bind("copy", "copy", &[], Format::Text), sync()].concat();
        narrow.send(&[query("BEGIN"), bound, query(GONE), query(SWAPPED), execute("copy", 0), sync()].concat());
        let told = narrow.until_ready(5);
        assert!(!told.iter().any(|frame| String::from_utf8_lossy(&frame.body).contains("SECRET")));
        assert!(outlines(&told).join(" ").ends_with("C CREATE VIEW Z T E ERROR Z E"), "{:?}", outlines(&told));
    });
}

#[test]
fn others_definitions_are_followed_inside() {
    run(async {
        let (one, direct, proxy) = clients_on("inner_others", SCHEMA, "narrow", PACK).await;
        let two = At { port: proxy.port(), database: "inner_others", user: "tester", purpose: Some("narrow") };
        let two = two.tokio().await;
        play(&one, &[("BEGIN", ""), ("CREATE TABLE mine (id int)", ""), ("SELECT count(*) FROM open", "2")]).await;
        play(&two, &[("BEGIN", ""), (GONE, ""), (SWAPPED, ""), ("COMMIT", "")]).await;
        play(&one, &[(READ, "42501"), ("ROLLBACK", "")]).await;
        play(&two, &[(GONE, ""), ("CREATE VIEW names AS SELECT id, name FROM people", "")]).await;
        // What keeps its first snapshot would not see them.
        play(&one, &[("BEGIN ISOLATION LEVEL REPEATABLE READ", ""), ("CREATE TABLE mine (id int)", "")]).await;
        play(&one, &[(READ, "0A000: the schema was changed in this transaction"), ("ROLLBACK", "")]).await;
        assert_eq!(answer(&direct, READ).await, "name 9");
    });
}

#[test]
fn a_reading_that_fails_leaves_the_transaction_as_it_was() {
    run(async {
        let pack = PACK.replace(
            "purposes = [\"admin\"]\n    default = \"admin\"",
            "purposes = [\"admin\"]\n    [role.plain]\n    purposes = [\"builder\"]",
        );
        let (builder, direct, proxy) = clients_on("inner_failing", SCHEMA, "builder", &pack).await;
        let setup = "CREATE ROLE plain LOGIN; GRANT ALL ON SCHEMA public TO plain; GRANT ALL ON ALL TABLES IN SCHEMA public TO plain;
                     REVOKE SELECT ON pg_catalog.pg_rewrite FROM PUBLIC";
        rows(&direct, setup).await.expect("another role");
        let plain = At { port: proxy.port(), database: "inner_failing", user: "plain", purpose: Some("builder") };
        let plain = plain.tokio().await;
        let unread = "57P03: the schema was changed in this transaction, and cannot be read as it is now";
        play(
            &plain,
            &[
                ("BEGIN", ""),
                ("CREATE TABLE planned (id int)", ""),
                ("SAVEPOINT s", ""),
                ("SELECT count(*) FROM open", unread),
                ("ROLLBACK TO s", ""),
                ("SHOW lock_timeout", "0"),
                ("COMMIT", ""),
                ("SELECT count(*) FROM planned", "0"),
            ],
        )
        .await;
        rows(&direct, "GRANT SELECT ON pg_catalog.pg_rewrite TO PUBLIC; SET application_name = x")
            .await
            .expect("as it was");
        // Nobody else's lock is waited for: a view over what is locked is not known, all else is.
        rows(&direct, "BEGIN; LOCK TABLE people IN ACCESS EXCLUSIVE MODE").await.expect("locking");
        play(
            &plain,
            &[
                ("BEGIN", ""),
                ("DROP TABLE planned", ""),
                ("SET LOCAL statement_timeout = '7s'", ""),
                ("SELECT count(*) FROM open", "2"),
                ("SHOW statement_timeout", "7s"),
                ("SHOW lock_timeout", "0"),
                ("SHOW datestyle", "ISO, MDY"),
                ("SHOW search_path", "\"$user\", public"),
                ("SELECT max(name) FROM names", "0A000"),
                ("ROLLBACK", ""),
            ],
        )
        .await;
        rows(&direct, "ROLLBACK").await.expect("unlocking");
        play(&builder, &[("SELECT count(*) FROM open", "2")]).await;
    });
}

/// A catalog that takes more than it may is not read.
#[test]
fn an_inner_catalog_is_bounded() {
    run(async {
        let cluster = Cluster::shared();
        cluster.database("inner_bounded", SCHEMA);
        let folder = cluster.new_folder("inner-bounded");
        std::fs::write(folder.join("policy.toml"), PACK).expect("writing the policy");
        let config = wherefore::cli::serve::config_text(0, cluster.port(), &folder);
        let proxy = Proxy::with_config(cluster, &format!("{config}\n[limits]\ninner_catalog_bytes = 10000\n"));
        cluster.sql("inner_bounded", "ALTER ROLE tester SUPERUSER");
        let builder = At { port: proxy.port(), database: "inner_bounded", user: "tester", purpose: Some("builder") };
        let builder = builder.tokio().await;
        play(
            &builder,
            &[
                ("BEGIN", ""),
                ("CREATE TABLE planned (id int)", ""),
                ("SELECT count(*) FROM open", "57P03"),
                ("ROLLBACK", ""),
                ("SELECT count(*) FROM open", "2"),
            ],
        )
        .await;
    });
}

/// Nothing of what the catalog is read with reaches the client, whatever the server reports.
#[test]
fn the_client_sees_nothing_of_it() {
    run(async {
        let (_builder, _direct, proxy) = clients_on("inner_unseen", SCHEMA, "builder", PACK).await;
        let mut raw = raw(proxy.port(), "inner_unseen", "builder");
        raw.exchange(&[query("BEGIN"), parse("", "SELECT id FROM open ORDER BY id"), sync()]);
        let told = raw.exchange(&[query("SET datestyle = 'German'"), query("CREATE TABLE planned (id int)")]);
        assert!(outlines(&told).contains(&"S".to_owned()), "{:?}", outlines(&told));
        for _again in 0..2 {
            let told = raw.exchange(&[query("SELECT count(*) FROM planned")]);
            assert_eq!(outlines(&told), ["T", "D", "C SELECT 1", "Z T"]);
        }
        let told = raw.exchange(&[query("SHOW datestyle"), query("ROLLBACK TO wherefore_own")]);
        assert_eq!(outlines(&told), ["T", "D", "C SHOW", "Z T", "E ERROR", "S", "Z E"]);
        assert_eq!(told[1].body[6..], *b"German, DMY");
        // The client's own unnamed statement is there still.
        raw.exchange(&[query("ROLLBACK")]);
        let told = raw.exchange(&[query("BEGIN"), query("CREATE TABLE planned (id int)")]);
        assert_eq!(outlines(&told).last().map(String::as_str), Some("Z T"));
        raw.exchange(&[parse("", "SELECT id FROM open"), sync(), query("SAVEPOINT s"), query("DROP TABLE planned")]);
        raw.exchange(&[parse("", "SELECT id FROM open"), sync()]);
        raw.exchange(&[
            parse("n", "CREATE TABLE again (id int)"),
            bind("", "n", &[], Format::Text),
            execute("", 0),
            sync(),
        ]);
        let told = raw.exchange(&[bind("", "", &[], Format::Text), execute("", 0), sync()]);
        assert_eq!(outlines(&told), ["2", "D", "D", "C SELECT 2", "Z T"]);
    });
}

async fn asked(client: &Client, shared: &Snapshot) -> Snapshot {
    let mut answers = Answers::default();
    for (topic, question) in questions(shared.server_version, Extent::Changeable) {
        let mut answer = Answer::default();
        for message in client.simple_query(&question).await.expect(&question) {
            if let SimpleQueryMessage::Row(row) = message {
                answer.push((0..row.len()).map(|column| row.get(column)));
            }
        }
        *answers.to(topic) = answer;
    }
    answers.inside(shared).expect("a snapshot")
}

/// What is read over a session's connection is what is read over the proxy's own, whatever the session has made or set.
#[test]
fn both_ways_of_reading_tell_the_same() {
    run(async {
        let schema = include_str!("../golden/schema.sql");
        let (_builder, direct, proxy) = clients_on("inner_same", schema, "masked", super::PACK).await;
        let other =
            At { port: Cluster::shared().port(), database: "inner_same", user: "keeper", purpose: None }.tokio().await;
        drop(proxy);
        let shared = catalog::read(&other).await.expect("the catalog");
        assert!(catalog::same(&shared, &catalog::read(&direct).await.expect("the catalog")));
        let set: Vec<String> = SETTINGS.iter().map(|(name, value)| format!("SET {name} = {value}")).collect();
        rows(&direct, &set.join(";")).await.expect("settings");
        assert!(catalog::same(&shared, &asked(&direct, &shared).await));
        // What is temporary stands in front of the catalog where the path does not name it.
        for table in ["pg_class", "pg_namespace", "pg_depend", "pg_rewrite", "pg_proc", "pg_type", "pg_locks"] {
            let make = format!("CREATE TEMP TABLE {table} AS SELECT * FROM pg_catalog.{table} LIMIT 0");
            rows(&direct, &make).await.expect(&make);
        }
        let shared = catalog::read(&other).await.expect("the catalog");
        assert!(catalog::same(&shared, &catalog::read(&direct).await.expect("the catalog")));
        assert!(catalog::same(&shared, &asked(&direct, &shared).await));
        // And something that changes is not the same.
        rows(&direct, "BEGIN; CREATE TABLE public.another (id int)").await.expect("a table");
        let inside = asked(&direct, &shared).await;
        assert!(!catalog::same(&shared, &inside));
        assert_eq!(inside.relations.len(), shared.relations.len() + 1);
    });
}
