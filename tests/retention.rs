//! `wherefore retention` on real databases: what it counts against plain SQL, and that the statements that it prints delete just that.

mod common;

use common::Cluster;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Stands in rows, and may stand in nothing that is printed.
const PLANTED: [&str; 3] = ["planted", "example.com", "2011"];

/// A table, and which of its rows are due by plain SQL; `None` where someone keeps them without end.
type Due<'a> = (&'a str, Option<&'a str>);

const OF_ACCOUNTS: &str = "account_id IN (SELECT id FROM accounts WHERE erasure_requested_at IS NOT NULL \
                           OR closed_at <= now() - interval '90 days')";

/// Tables whose rows end in the ways that the packs do not show.
const SCHEMA: &str = "
    CREATE TABLE people (id bigint PRIMARY KEY, \"od\"\"d\" text, gone boolean, made timestamptz);
    CREATE TABLE notes (id bigint PRIMARY KEY, person bigint REFERENCES people ON DELETE CASCADE, made timestamptz);
    CREATE TABLE bins (id bigint, gone boolean);
    CREATE TABLE events (id bigint, made timestamptz NOT NULL) PARTITION BY RANGE (made);
    CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
    CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2020-01-01') TO (MAXVALUE);
    CREATE TABLE above (id bigint, made timestamptz);
    CREATE TABLE below (extra text, made_extra timestamptz) INHERITS (above);
    CREATE TABLE kept (id bigint, made timestamptz, extra text);
    CREATE TABLE scoped (id bigint, tenant int, made timestamptz);
    CREATE TABLE unasked (id bigint, made timestamptz);
    CREATE TABLE hidden (id bigint, made timestamptz);
    CREATE TABLE endless (id bigint);
    INSERT INTO people SELECT i, 'planted' || i, CASE WHEN i % 7 = 0 THEN true WHEN i % 7 < 5 THEN false END,
        CASE WHEN i % 11 > 0 THEN now() - i * interval '40 days' END FROM generate_series(1, 40) AS i;
    INSERT INTO people VALUES (99, 'planted', false, 'infinity'), (100, 'planted', false, '2011-11-11');
    INSERT INTO notes SELECT i, i, now() - i * interval '50 days' FROM generate_series(1, 20) AS i;
    INSERT INTO bins VALUES (1, true), (2, false), (3, NULL);
    INSERT INTO events SELECT i, timestamptz '2017-01-01' + i * interval '100 days' FROM generate_series(1, 20) AS i;
    INSERT INTO above SELECT i, now() - i * interval '100 days' FROM generate_series(1, 6) AS i;
    INSERT INTO below SELECT i, now() - i * interval '100 days', 'planted', now() - i * interval '200 days' FROM generate_series(1, 6) AS i;
    INSERT INTO kept SELECT i, now() - i * interval '100 days', 'planted' FROM generate_series(1, 6) AS i;
    INSERT INTO scoped SELECT i, i, now() - i * interval '100 days' FROM generate_series(1, 6) AS i;
    INSERT INTO unasked SELECT i, now() - i * interval '100 days' FROM generate_series(1, 6) AS i;
    INSERT INTO hidden SELECT i, now() - interval '9 years' FROM generate_series(1, 6) AS i;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO counter;
    ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;";

const PACK: &str = r#"
[pack]
name = "ends"
[clause."C-1"]
words = "not longer than a year"
[parameter.tenant]
type = "int4"
from = "session"
[purpose.service]
[purpose.marketing]
[purpose.requests]
[purpose.cleaning]
[category.person]
[category.note]
[category.bin]
[category.event]
[category.above]
[category.extra]
[category.kept]
[category.scoped]
[category.unasked]
[category.hidden]
[category.endless]
[table."public.people"]
default = "person"
erased = "gone"
retention.person = "made > now() - interval '1 year'"
[table."public.notes"]
default = "note"
retention.note = "made > now() - interval '1 year'"
[table."public.bins"]
default = "bin"
erased = "gone"
[table."public.events"]
default = "event"
retention.event = "made > timestamptz '2019-01-01 00:00:00+00'"
[table."public.above"]
default = "above"
retention.above = "made > now() - interval '1 year'"
[table."public.below"]
columns.extra = "extra"
columns.made_extra = "extra"
retention.late = "made_extra > now() - interval '1 year'"
[table."public.kept"]
default = "kept"
columns.extra = "extra"
retention.kept = "made > now() - interval '1 year'"
retention.late = "made > now() - interval '2 years'"
[table."public.scoped"]
default = "scoped"
retention.scoped = "tenant = $tenant AND made > now() - interval '1 year'"
[table."public.unasked"]
default = "unasked"
retention.unasked = "made > now() - interval '1 year'"
[table."public.hidden"]
default = "hidden"
retention.hidden = "made > now() - interval '1 year'"
[table."public.endless"]
default = "endless"
[[narrow]]
id = "a-year"
clause = "C-1"
category = "person"
where = ["not erased", "retention.person"]
except = ["requests"]
[[rule]]
id = "people"
category = "person"
purpose = ["service", "requests"]
effect = "allow"
[[rule]]
id = "notes"
category = "note"
purpose = "service"
where = ["retention.note"]
effect = "allow"
[[rule]]
id = "bins"
category = "bin"
purpose = "service"
where = ["not erased"]
effect = "allow"
[[rule]]
id = "emptied"
category = "bin"
purpose = "cleaning"
where = ["erased"]
effect = "allow"
[[rule]]
id = "events"
category = "event"
purpose = "service"
where = ["retention.event"]
effect = "allow"
[[rule]]
id = "above"
category = "above"
purpose = "service"
where = ["retention.above"]
effect = "allow"
[[rule]]
id = "extra"
category = "extra"
purpose = "service"
where = ["retention.late"]
effect = "allow"
[[rule]]
id = "kept"
category = "kept"
purpose = "service"
where = ["retention.kept"]
effect = "allow"
[[rule]]
id = "kept-for-good"
category = "kept"
purpose = "marketing"
effect = "allow"
[[rule]]
id = "scoped"
category = "scoped"
purpose = "service"
where = ["retention.scoped"]
effect = "allow"
[[rule]]
id = "others"
category = ["unasked", "endless"]
purpose = "service"
effect = "allow"
[[rule]]
id = "hidden"
category = "hidden"
purpose = "service"
where = ["retention.hidden"]
effect = "allow"
"#;

/// The server with a database of this name.
fn database(name: &str, scripts: &[&str]) -> &'static Cluster {
    static ROLE: OnceLock<()> = OnceLock::new();
    let cluster = Cluster::shared();
    ROLE.get_or_init(|| cluster.sql("postgres", "CREATE ROLE counter LOGIN"));
    cluster.sql("postgres", &format!("CREATE DATABASE {name}"));
    scripts.iter().for_each(|script| cluster.sql(name, script));
    cluster
}

fn retention(cluster: &Cluster, database: &str, policy: &Path, more: &[&str]) -> (Output, String) {
    let url = format!("postgres://counter@127.0.0.1:{}/{database}", cluster.port());
    let mut command = Command::new(env!("CARGO_BIN_EXE_wherefore"));
    let output = command.arg("retention").arg(policy).args(["--url", &url]).args(more).output().expect("wherefore");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    for planted in PLANTED {
        assert!(!text.contains(planted), "`{planted}` in\n{text}");
    }
    (output, text)
}

fn json(cluster: &Cluster, database: &str, policy: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let (output, text) = retention(cluster, database, policy, &[&["--json"], more].concat());
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{text}"));
    (output.status.code(), report)
}

fn table<'r>(report: &'r Value, name: &str) -> &'r Value {
    let tables = report["tables"].as_array().expect("tables");
    tables.iter().find(|table| table["table"] == name).unwrap_or_else(|| panic!("no {name} in {report:#}"))
}

/// What one statement gives: a number.
fn number(cluster: &Cluster, database: &str, sql: &str) -> u64 {
    let mut command = Command::new(cluster.program("psql"));
    let port = cluster.port().to_string();
    command.args(["-X", "-A", "-t", "-h", "127.0.0.1", "-U", "postgres", "-p", &port, "-d", database, "-c", sql]);
    let output = command.output().expect("psql");
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    text.parse().unwrap_or_else(|_| panic!("{sql}: {text} {}", String::from_utf8_lossy(&output.stderr)))
}

/// What is due in each table is what plain SQL counts; then what `--sql` prints deletes that, and nothing else.
#[track_caller]
fn check(cluster: &Cluster, database: &str, policy: &Path, due: &[Due<'_>]) {
    let (code, report) = json(cluster, database, policy, &[]);
    assert_eq!(code, Some(1), "{report:#}");
    let mut rests = Vec::new();
    let mut total = 0;
    for (name, wanted) in due {
        let counted = wanted.map(|wanted| {
            let all = number(cluster, database, &format!("SELECT count(*) FROM {name}"));
            let due = number(cluster, database, &format!("SELECT count(*) FROM {name} WHERE {wanted}"));
            rests.push((*name, all - due));
            total += due;
            due
        });
        let bare = name.trim_start_matches("ONLY ");
        assert_eq!(table(&report, bare)["due"].as_u64(), counted, "{name} in {report:#}");
    }
    assert_eq!(report["due"].as_u64(), Some(total), "a table that is not listed here is due: {report:#}");
    let (output, text) = retention(cluster, database, policy, &["--sql"]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    cluster.sql(database, &String::from_utf8_lossy(&output.stdout));
    for (name, rest) in rests {
        assert_eq!(number(cluster, database, &format!("SELECT count(*) FROM {name}")), rest, "{name} after\n{text}");
    }
    assert_eq!(json(cluster, database, policy, &[]).1["due"].as_u64(), Some(0));
}

fn pack(name: &str) -> (std::path::PathBuf, [String; 2]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policy").join(name);
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).expect("a script of the pack");
    let scripts = [read("schema.sql"), read("data.sql")];
    (folder, scripts)
}

const GRANT: &str = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO counter";

#[test]
fn what_pystorm_keeps_no_longer() {
    let (policy, [schema, data]) = pack("pystorm");
    let cluster = database("pystorm_ends", &[&schema, &data, GRANT]);
    let usage = format!("{OF_ACCOUNTS} OR created_at <= now() - interval '1 year'");
    let due = [
        ("accounts", Some("erasure_requested_at IS NOT NULL OR closed_at <= now() - interval '90 days'")),
        ("linked_accounts", Some(OF_ACCOUNTS)),
        ("messages", Some(OF_ACCOUNTS)),
        ("documents", Some(OF_ACCOUNTS)),
        ("designs", Some(OF_ACCOUNTS)),
        ("media", Some(OF_ACCOUNTS)),
        ("searches", Some(OF_ACCOUNTS)),
        ("usage_events", Some(&usage)),
        ("access_logs", Some("created_at <= now() - interval '1 year'")),
        ("devices", Some(OF_ACCOUNTS)),
        ("transactions", Some(OF_ACCOUNTS)),
    ];
    let (_, report) = json(cluster, "pystorm_ends", &policy, &[]);
    let left_out = &table(&report, "accounts")["left_out"];
    assert_eq!(*left_out, serde_json::json!(["data_subject_request", "legal_protection", "legal_disclosure"]));
    let (_, text) = retention(cluster, "pystorm_ends", &policy, &[]);
    for words in [
        "closed-accounts-end (P-3)",
        "whoever-asked-to-be-deleted-is-gone (P-5)",
        "the oldest of 365 days ago",
        "gone for service_provision",
    ] {
        assert!(text.contains(words), "`{words}` in\n{text}");
    }
    check(cluster, "pystorm_ends", &policy, &due);
}

#[test]
fn what_botpress_keeps_no_longer() {
    let (policy, [schema, data]) = pack("botpress");
    let cluster = database("botpress_ends", &[&schema, &data, GRANT]);
    let of = |column: &str, table: &str, age: &str| {
        format!(
            "{column} IN (SELECT id FROM {table} WHERE deletion_requested_at IS NOT NULL) OR created_at <= now() - interval '{age}'"
        )
    };
    let (messages, usage) = (of("end_user_id", "end_users", "2 years"), of("user_id", "users", "18 months"));
    let (requests, payments) = (of("user_id", "users", "3 years"), of("user_id", "users", "7 years"));
    let views = of("visitor_id", "visitors", "13 months");
    let conversations = messages.replace("created_at", "started_at");
    // A visitor's address is kept where what was collected of the visit is not.
    let (_, report) = json(cluster, "botpress_ends", &policy, &["--table", "public.visitors"]);
    let analytics = "SELECT count(*) FROM visitors WHERE deletion_requested_at IS NOT NULL OR created_at <= now() - interval '13 months'";
    let parts = table(&report, "visitors")["parts"].as_array().expect("parts");
    let part = parts
        .iter()
        .find(|part| part["categories"].as_array().is_some_and(|all| all.iter().any(|c| c == "analytics.device")));
    assert_eq!(part.expect("a part")["rows"].as_u64(), Some(number(cluster, "botpress_ends", analytics)), "{report:#}");
    check(
        cluster,
        "botpress_ends",
        &policy,
        &[
            ("users", Some("deletion_requested_at IS NOT NULL")),
            ("end_users", Some("deletion_requested_at IS NOT NULL")),
            ("conversations", Some(&conversations)),
            ("messages", Some(&messages)),
            ("usage_events", Some(&usage)),
            ("support_requests", Some(&requests)),
            ("payments", Some(&payments)),
            ("visitors", Some("deletion_requested_at IS NOT NULL")),
            ("visitor_page_views", Some(&views)),
            // A key alone is kept for security.
            ("rehearsals", Some("user_id IN (SELECT id FROM users WHERE deletion_requested_at IS NOT NULL)")),
        ],
    );
}

#[test]
fn what_ends_in_other_ways() {
    let cluster = database("ends", &[SCHEMA]);
    let policy = cluster.new_folder("ends");
    std::fs::write(policy.join("pack.toml"), PACK).expect("the pack");
    let (output, text) = retention(cluster, "ends", &policy, &[]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for words in [
        "public.people: ",
        "left out, keep nothing: requests",
        "kept without end for marketing",
        "retention.scoped             not counted: it needs tenant",
        "no rule asks for it",
        "only public.above: ",
        "public.below: ",
        "not counted: public.hidden: the role may not read it whole",
        "; 1 table not counted",
    ] {
        assert!(text.contains(words), "`{words}` in\n{text}");
    }
    assert!(!text.contains("events_old") && !text.contains("endless"), "{text}");
    let (code, report) = json(cluster, "ends", &policy, &["--table", "public.kept", "--table", "public.scoped"]);
    assert_eq!((code, report["tables"].as_array().map(Vec::len)), (Some(0), Some(2)), "{report:#}");
    let part = &table(&report, "kept")["parts"][0];
    let late = "SELECT count(*) FROM kept WHERE made <= now() - interval '1 year'";
    assert_eq!(part["rows"].as_u64(), Some(number(cluster, "ends", late)), "{report:#}");
    assert_eq!(part["categories"], serde_json::json!(["extra"]), "{report:#}");
    // The day of the oldest alone is told, and `infinity` is none.
    let (_, report) = json(cluster, "ends", &policy, &["--table", "public.people"]);
    let days = "SELECT floor(extract(epoch FROM now() - min(made)) / 86400) FROM people";
    assert_eq!(table(&report, "people")["conditions"][1]["oldest_days"].as_u64(), Some(number(cluster, "ends", days)));
    cluster.sql("ends", "ALTER TABLE hidden DISABLE ROW LEVEL SECURITY");
    let year = Some("(made > now() - interval '1 year') IS NOT TRUE");
    let due = [
        ("people", Some("gone OR (made > now() - interval '1 year') IS NOT TRUE")),
        ("bins", Some("gone")),
        ("events", Some("made <= '2019-01-01 00:00:00+00'")),
        ("ONLY above", year),
        ("ONLY below", Some("made <= now() - interval '1 year' OR made_extra <= now() - interval '1 year'")),
        ("kept", None),
        ("scoped", None),
        ("unasked", None),
        ("hidden", year),
    ];
    // Notes go with their people.
    let notes = number(cluster, "ends", "SELECT count(*) FROM notes WHERE made <= now() - interval '1 year'");
    assert_eq!(table(&json(cluster, "ends", &policy, &[]).1, "notes")["due"].as_u64(), Some(notes));
    cluster.sql("ends", "DELETE FROM notes WHERE made <= now() - interval '1 year'");
    let (_, sql) = retention(cluster, "ends", &policy, &["--sql"]);
    assert!(sql.contains("-- rows of public.notes that refer to it go with it (ON DELETE CASCADE)"), "{sql}");
    check(cluster, "ends", &policy, &due);
}

#[test]
fn what_cannot_be_told() {
    let cluster = database("untold", &[SCHEMA]);
    let policy = cluster.new_folder("untold");
    std::fs::write(policy.join("pack.toml"), PACK).expect("the pack");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let held = runtime.block_on(async {
        let text = format!("host=127.0.0.1 port={} user=postgres dbname=untold", cluster.port());
        let (client, connection) = tokio_postgres::connect(&text, tokio_postgres::NoTls).await.expect("a connection");
        tokio::spawn(connection);
        client.batch_execute("BEGIN; LOCK people").await.expect("a lock");
        client
    });
    let check = |more: &[&str], code: i32, words: &str| {
        let (output, text) = retention(cluster, "untold", &policy, more);
        assert!(output.status.code() == Some(code) && text.contains(words), "{more:?}: {:?}\n{text}", output.status);
    };
    check(&["--table", "public.people", "--timeout", "300"], 2, "not counted: public.people: took too long");
    check(&["--table", "public.people", "--timeout", "300", "--sql"], 2, "-- nothing is due for deletion");
    check(&["--table", "people"], 2, "no table `people` whose rows end");
    check(&["--table", "public.endless"], 2, "no table `public.endless` whose rows end");
    check(&["--catalog", "x.json"], 2, "cannot be used with");
    check(&["--table", "public.bins"], 1, "1 row due for deletion");
    drop(held);
}
