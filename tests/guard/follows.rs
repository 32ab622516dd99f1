//! What tables have from those they hang on, inside Postgres: inherited conditions do what the same conditions written out do,
//! and people are counted by way of another table.

use super::{Client, clients_on, exists, rows, run};

/// The conditions of tables that hang on others, by what they follow.
fn inherited() -> String {
    let mut pack = String::new();
    for line in exists::PACK.lines() {
        let line = match line.trim() {
            condition if condition.starts_with("scope.customer = \"EXISTS (SELECT 1 FROM public.end_users") => {
                "follows = \"end_user_id -> public.end_users\""
            }
            condition if condition.starts_with("scope.customer = \"EXISTS (SELECT FROM public.conversations") => {
                "follows = \"conversation_id -> public.conversations\""
            }
            _another => line,
        };
        pack.push_str(line);
        pack.push('\n');
    }
    assert_eq!(pack.matches("follows = ").count(), 2);
    pack
}

/// What comes of a statement, without the number under which an error is kept.
async fn outcome(client: &Client, sql: &str) -> String {
    match rows(client, sql).await {
        Ok(rows) => format!("{rows:?}"),
        Err(error) => error.split(": reference ").next().unwrap_or_default().to_owned(),
    }
}

/// Reads, writes into and out of scope, and what would carry values elsewhere, one after another under both packs.
const STATEMENTS: &[&str] = &[
    "SELECT id FROM messages",
    "SET wherefore.customer = 41",
    "SELECT id, body FROM messages ORDER BY id",
    "SELECT m.body, c.topic, e.name FROM messages m JOIN conversations c ON c.id = m.conversation_id JOIN end_users e ON e.id = c.end_user_id",
    "SELECT messages.id FROM messages AS conversations JOIN messages ON messages.id = conversations.id",
    "SELECT end_users.id FROM messages end_users, conversations",
    "SELECT count(*), count(DISTINCT conversation_id) FROM messages",
    "SELECT id FROM messages WHERE 1 / (id - 200) < 5 ORDER BY id",
    "SELECT id FROM messages WHERE body::int > 0",
    "SELECT id FROM messages WHERE id = 200",
    "INSERT INTO messages VALUES (301, 10, 'in') RETURNING id",
    "INSERT INTO messages VALUES (302, 20, 'out')",
    "INSERT INTO messages (id, body) VALUES (303, 'nowhere')",
    "INSERT INTO messages SELECT 304, 20, 'out'",
    "INSERT INTO conversations VALUES (30, 1, 'z')",
    "INSERT INTO conversations VALUES (31, 2, 'z')",
    "INSERT INTO end_users VALUES (3, 41, 'c')",
    "UPDATE messages SET body = 'changed' RETURNING id",
    "UPDATE messages SET conversation_id = 20",
    "UPDATE conversations SET end_user_id = 2",
    "UPDATE end_users SET customer_id = 42",
    "DELETE FROM messages WHERE id = 200 RETURNING id",
    "DELETE FROM messages RETURNING id",
    "DELETE FROM conversations RETURNING id",
    "MERGE INTO messages USING (VALUES (1)) v (i) ON id = i WHEN MATCHED THEN DELETE",
    "TRUNCATE messages",
    "COPY messages TO STDOUT",
    "INSERT INTO notes SELECT id, 1, body FROM messages",
    "CREATE TABLE kept AS SELECT * FROM messages",
    "SET wherefore.purpose = 'clerk'",
    "INSERT INTO end_users SELECT 50 + id, 41, name FROM users",
    "INSERT INTO messages SELECT 400 + id, 10, email FROM users",
    "UPDATE conversations SET topic = (SELECT string_agg(name, ',') FROM end_users)",
    "SELECT id, body FROM messages ORDER BY id",
];

#[test]
fn inherited_conditions_do_what_written_ones_do() {
    run(async {
        let written = clients_on("follows_written", exists::SCHEMA, "service", exists::PACK).await;
        let inherited = clients_on("follows_inherited", exists::SCHEMA, "service", &inherited()).await;
        let mut answered = 0;
        for sql in STATEMENTS {
            let expected = outcome(&written.0, sql).await;
            let found = outcome(&inherited.0, sql).await;
            assert_eq!(found.replace("follows_inherited", "follows_written"), expected, "{sql}");
            answered += usize::from(expected.starts_with('['));
        }
        assert!((10..STATEMENTS.len() - 10).contains(&answered), "{answered} answered");
        for table in ["messages", "conversations", "end_users"] {
            let sql = format!("SELECT * FROM {table} ORDER BY id");
            assert_eq!(outcome(&inherited.1, &sql).await, outcome(&written.1, &sql).await, "{table}");
        }
    });
}

const CONSENTED: &str = "
    CREATE TABLE people (id int PRIMARY KEY, agreed boolean NOT NULL);
    INSERT INTO people VALUES (1, true), (2, true), (3, false);
    CREATE TABLE letters (id int PRIMARY KEY, person_id int NOT NULL REFERENCES people (id));
    INSERT INTO letters VALUES (10, 1), (20, 2), (30, 3);
    CREATE TABLE pages (id int PRIMARY KEY, letter_id int NOT NULL REFERENCES letters (id));
    INSERT INTO pages VALUES (100, 10), (200, 20), (300, 30);
";

const CONSENTS: &str = r#"
    [pack]
    name = "follows"
    document = "A Promise"
    dated = 2026-01-01
    [category.plain]
    [category.consent]
    [purpose.mailing]
    [[rule]]
    id = "agreed"
    category = "plain"
    where = ["consent.mail"]
    rights = ["read", "insert", "update"]
    effect = "allow"
    [[rule]]
    id = "consents"
    category = "consent"
    where = ["consent.mail"]
    rights = ["read", "update"]
    effect = "allow"
    [table."public.people"]
    default = "consent"
    consent.mail = "agreed"
    [table."public.letters"]
    default = "plain"
    follows = "person_id -> public.people"
    [table."public.pages"]
    default = "plain"
    follows = "letter_id -> public.letters"
    [role.tester]
    purposes = ["mailing"]
"#;

#[test]
fn withdrawn_consent_reaches_the_grandchildren_at_once() {
    run(async {
        let (guarded, direct, _proxy) = clients_on("follows_consent", CONSENTED, "mailing", CONSENTS).await;
        assert_eq!(outcome(&guarded, "SELECT id FROM pages ORDER BY id").await, "[[Some(\"100\")], [Some(\"200\")]]");
        rows(&guarded, "BEGIN").await.expect("BEGIN");
        rows(&direct, "UPDATE people SET agreed = false WHERE id = 1").await.expect("withdrawing");
        assert_eq!(outcome(&guarded, "SELECT id FROM pages ORDER BY id").await, "[[Some(\"200\")]]");
        rows(&guarded, "COMMIT").await.expect("COMMIT");
        for (sql, expected) in [
            ("INSERT INTO pages VALUES (201, 20)", "[]"),
            ("INSERT INTO pages VALUES (301, 30)", "42501"),
            ("UPDATE letters SET person_id = 2", "42501"),
            ("UPDATE people SET agreed = true", "42501"),
        ] {
            let found = outcome(&guarded, sql).await;
            assert!(found.starts_with(expected), "{sql}: {found}");
        }
    });
}

/// Someone who is erased, or whom nobody can see, is not someone who is not erased.
#[test]
fn what_hangs_on_nothing_that_is_seen_is_not_seen() {
    run(async {
        let pack = CONSENTS.replace("consent.mail = \"agreed\"", "erased = \"NOT agreed\"");
        let pack = pack.replace("where = [\"consent.mail\"]", "where = [\"not erased\"]");
        let (guarded, direct, _proxy) = clients_on("follows_orphans", CONSENTED, "mailing", &pack).await;
        let all = "SELECT id FROM pages ORDER BY id";
        assert_eq!(outcome(&guarded, all).await, "[[Some(\"100\")], [Some(\"200\")]]");
        for (gone, left) in [("people WHERE id = 1", "[[Some(\"200\")]]"), ("letters WHERE id = 20", "[]")] {
            let sql =
                format!("SET session_replication_role = replica; DELETE FROM {gone}; RESET session_replication_role");
            direct.batch_execute(&sql).await.expect("orphans");
            assert_eq!(outcome(&guarded, all).await, left, "{gone}");
        }
        assert_eq!(outcome(&guarded, "SELECT id FROM letters").await, "[]");
    });
}

/// Fifty people; of each topic a number of them wrote, each in up to four conversations of his own.
const COUNTED: &str = "
    CREATE TABLE users (id int PRIMARY KEY, name text);
    INSERT INTO users SELECT i, 'name ' || i FROM generate_series(1, 50) i;
    CREATE TABLE conversations (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users (id), place text);
    INSERT INTO conversations SELECT i, 1 + i % 50, CASE WHEN i % 50 < 3 THEN 'few' ELSE 'many' END FROM generate_series(1, 200) i;
    CREATE TABLE messages (id int PRIMARY KEY, conversation_id int NOT NULL REFERENCES conversations (id), topic text, length int);
    INSERT INTO messages
        SELECT row_number() OVER (), c.id, t.topic, CASE WHEN c.id % 7 = 0 THEN NULL ELSE c.id * 3 % 101 END
        FROM conversations c JOIN (VALUES ('rare', 2), ('four', 4), ('five', 5), ('common', 50)) t (topic, people) ON c.user_id <= t.people;
";

const COUNTS: &str = r#"
    [pack]
    name = "counts"
    document = "A Promise"
    dated = 2026-01-01
    [category.open]
    [category.length]
    [purpose.analytics]
    [[rule]]
    id = "open"
    category = "open"
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "lengths"
    category = "length"
    effect = { aggregate = { min_subjects = 5 } }
    [[rule]]
    id = "lengths-are-written"
    category = "length"
    rights = ["insert", "update"]
    effect = "allow"
    [table."public.users"]
    default = "open"
    [table."public.conversations"]
    default = "open"
    [table."public.messages"]
    default = "open"
    subject_key = "conversation_id -> public.conversations.user_id"
    columns.length = "length"
    [role.tester]
    purposes = ["analytics"]
"#;

/// Against a computation on the raw data that joins where the guard looks up.
#[test]
fn people_are_counted_by_way_of_another_table() {
    run(async {
        let (guarded, direct, _proxy) = clients_on("follows_counts", COUNTED, "analytics", COUNTS).await;
        let mut released = 0;
        for (call, of) in [
            ("count(m.length)", "m.length IS NOT NULL"),
            ("sum(m.length)", "m.length IS NOT NULL"),
            ("avg(m.length)", "m.length IS NOT NULL"),
            ("stddev(m.length)", "m.length IS NOT NULL"),
        ] {
            for (key, from) in [
                ("m.topic", "messages m"),
                ("m.topic || (m.conversation_id % 3)", "messages m"),
                ("c.place", "messages m JOIN conversations c ON c.id = m.conversation_id"),
                (
                    "u.name",
                    "messages m JOIN conversations c ON c.id = m.conversation_id JOIN users u ON u.id = c.user_id",
                ),
            ] {
                for condition in ["true", "m.id % 2 = 0", "m.topic <> 'common'"] {
                    let sql = format!("SELECT {key}, {call} FROM {from} WHERE {condition} GROUP BY 1 ORDER BY 1");
                    let whole = format!(
                        "SELECT {key}, CASE WHEN count(DISTINCT w.user_id) FILTER (WHERE {of}) >= 5 THEN {call} END
                         FROM {from} JOIN conversations w ON w.id = m.conversation_id
                         WHERE {condition} GROUP BY 1 HAVING count(DISTINCT w.user_id) >= 5 ORDER BY 1"
                    );
                    let found = rows(&guarded, &sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
                    assert_eq!(found, rows(&direct, &whole).await.expect("the whole"), "{sql}");
                    released += found.len();
                }
            }
        }
        assert!(released > 50, "{released} groups");
        // Four people in sixteen conversations are four people.
        assert_eq!(outcome(&guarded, "SELECT sum(length) FROM messages WHERE topic = 'four'").await, "[[None]]");
        // Whom nobody can see is not left out alone: his rows are what the two sums differ by.
        let orphans = "SET session_replication_role = replica; DELETE FROM conversations WHERE id = 6; RESET session_replication_role";
        direct.batch_execute(orphans).await.expect("orphans");
        let told =
            rows(&guarded, "SELECT sum(length), sum(length) FILTER (WHERE conversation_id <> 6) FROM messages").await;
        let told = told.expect("sums");
        assert!(told[0][0].is_some() && told[0][1].is_none(), "{told:?}");
        for (sql, expected) in [
            // Whoever could say whose conversations are whose could count one person as five.
            ("UPDATE conversations SET user_id = id % 50 + 1", "by which conditions decide what it sees"),
            ("UPDATE conversations SET id = id + 1000 WHERE id = 1", "42501"),
            ("UPDATE messages SET conversation_id = 1", "in aggregates"),
            ("INSERT INTO messages VALUES (9000, 1, 'x', 1)", "in aggregates"),
            ("SELECT topic, \"wherefore subject\" FROM messages", "42703"),
            ("UPDATE conversations SET place = 'x' WHERE id = 1", "[]"),
        ] {
            let found = outcome(&guarded, sql).await;
            assert!(found.contains(expected), "{sql}: {found}");
        }
    });
}
