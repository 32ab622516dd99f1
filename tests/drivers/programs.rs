//! psql, psycopg, asyncpg and node-postgres as programs whose output is compared.

use crate::common::{At, Cluster, Proxy};
use crate::{DATABASE, Ways};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Fails as any statement can.
const FAILING: &str = "SELECT 1/0";
/// Refused under `model_training`.
const REFUSED: &str = "SELECT email FROM people";

/// Where `.ci/deps` puts the drivers: beside the folder that cargo gives tests for their own.
fn drivers() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("drivers");
    assert!(folder.is_dir(), "the drivers are not installed in {}: run `make deps`", folder.display());
    folder
}

fn python() -> Command {
    Command::new(drivers().join("venv/bin/python"))
}

fn node() -> Command {
    let mut command = Command::new("node");
    command.env("NODE_PATH", drivers().join("node/node_modules"));
    command
}

/// What a program prints.
fn output(at: At<'_>, mut command: Command, arguments: &[&str]) -> String {
    let output = at.run(command.args(arguments));
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

/// Compares a driver's report around the proxy and through it, and the traces that a refusal leaves with those of an error.
fn compare(command: impl Fn() -> Command, program: &str, traces: &[&str]) {
    let ways = Ways::get();
    let queries = "tests/drivers/queries.json";
    let program = format!("tests/drivers/{program}");
    let run = |at, failing| output(at, command(), &[&program, queries, failing]);
    let direct = run(ways.direct("tester", "service_operation"), FAILING);
    let proxied = run(ways.proxied("tester", "service_operation"), FAILING);
    same_lines(&direct, &proxied);

    let refused = run(ways.proxied("tester", "model_training"), REFUSED);
    let (direct, refused): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(&direct).expect("JSON"), serde_json::from_str(&refused).expect("JSON"));
    for trace in traces {
        assert!(!direct[trace].is_null(), "the driver's report has `{trace}`");
        assert_eq!(direct[trace], refused[trace], "{trace}: what an error leaves, and what a refusal leaves");
    }
}

/// Equal, or the first line that differs with some before it.
fn same_lines(direct: &str, proxied: &str) {
    for (at, (left, right)) in direct.lines().zip(proxied.lines()).enumerate() {
        if left != right {
            let before: Vec<&str> = direct.lines().take(at).collect();
            let context = before[before.len().saturating_sub(12)..].join("\n");
            panic!("line {}:\n{context}\ndirect:  {left}\nproxied: {right}", at + 1);
        }
    }
    assert_eq!(direct.lines().count(), proxied.lines().count(), "the number of lines");
}

#[test]
fn psycopg() {
    compare(python, "psycopg_driver.py", &["failed transaction", "broken pipeline"]);
}

#[test]
fn asyncpg() {
    compare(python, "asyncpg_driver.py", &["failed transaction"]);
}

#[test]
fn node_postgres() {
    compare(node, "node_driver.cjs", &["failed transaction"]);
}

/// Server-side cursors under a purpose with a mask and a row condition show what a view of the permitted part shows.
#[test]
fn cursors_of_drivers_read_the_permitted_part() {
    let ways = Ways::get();
    let read = |at, schema| output(at, python(), &["tests/drivers/cursors.py", schema]);
    let direct = read(ways.direct("tester", "newsletter"), "permitted");
    assert!(direct.contains("'b client 1'") && !direct.contains("client3@"), "{direct}");
    same_lines(&direct, &read(ways.proxied("tester", "newsletter"), "public"));
}

/// What migrations do: a table is made, and used before its transaction ends.
#[test]
fn drivers_use_what_they_have_just_made() {
    let cluster = Cluster::shared();
    let schema = "CREATE TABLE people (id int, email text); INSERT INTO people VALUES (1, 'a@b.c')";
    cluster.database("made", schema);
    cluster.sql("made", "GRANT ALL ON SCHEMA public TO tester");
    let proxy = Proxy::with_policy(cluster, include_str!("definitions.toml"));
    let at = |port| At { port, database: "made", user: "tester", purpose: Some("migration") };
    for (program, command) in [("definitions.py", python as fn() -> Command), ("definitions.cjs", node)] {
        let read = |port| output(at(port), command(), &[&format!("tests/drivers/{program}")]);
        let direct = read(cluster.port());
        assert!(direct.contains("'b'"), "{direct}");
        same_lines(&direct, &read(proxy.port()));
    }
}

/// What is released in aggregates, held against pandas over the raw data: no group of too few people, every value right,
/// and no total that gives a suppressed group away, also by ROLLUP and CUBE.
#[test]
fn aggregates_are_what_pandas_computes() {
    let ways = Ways::get();
    let around = ways.direct.to_string();
    let printed = output(ways.proxied("tester", "statistics"), python(), &["tests/drivers/aggregates.py", &around]);
    println!("PROOF aggregates {}", printed.trim());
    let counts: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    for (count, least) in [("statements", 50), ("told", 500), ("suppressed", 100), ("hidden cells", 100)] {
        assert!(counts[count].as_u64() >= Some(least), "{count}: {printed}");
    }
}

/// Runs a script in psql: what it prints on both streams.
fn psql(at: At<'_>, script: &str) -> String {
    static SCRIPTS: AtomicU32 = AtomicU32::new(0);
    let number = SCRIPTS.fetch_add(1, Ordering::Relaxed);
    let file = Cluster::shared().folder().join(format!("script-{number}.sql"));
    std::fs::write(&file, script).expect("writing the script");
    let mut command = Command::new(Cluster::shared().program("psql"));
    command.args(["-X", "-e", "-v", "SHOW_CONTEXT=always"]).arg("-f").arg(&file);
    let output = at.run(&mut command);
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    // Each run has a script file of its own.
    text.replace(&*file.to_string_lossy(), "script")
}

#[test]
fn psql_prints_the_same() {
    let ways = Ways::get();
    let queries: serde_json::Value = serde_json::from_str(include_str!("queries.json")).expect("the queries are JSON");
    let mut script = String::from("\\pset null '(null)'\n");
    for query in queries.as_array().expect("a list of queries") {
        let sql = query["sql"].as_str().expect("the SQL of a query");
        if query["params"].as_array().is_none_or(Vec::is_empty) {
            script.push_str(&format!("{sql};\n{sql} \\gdesc\n"));
        }
    }
    script.push_str("BEGIN;\nSELECT 1/0;\nSELECT 2;\nROLLBACK;\nSELECT 1 \\; SELECT 2;\n\\echo :SQLSTATE :ROW_COUNT\n");
    let direct = psql(ways.direct("tester", "service_operation"), &script);
    let proxied = psql(ways.proxied("tester", "service_operation"), &script);
    assert!(direct.contains("(12 rows)"), "{direct}");
    // The core knows which names there are, but does not guess what was meant.
    let without_guesses =
        |text: &str| text.lines().filter(|line| !line.starts_with("HINT:")).collect::<Vec<_>>().join("\n");
    same_lines(&without_guesses(&direct), &without_guesses(&proxied));
}

#[test]
fn psql_shows_the_refusal_with_its_clause() {
    let ways = Ways::get();
    let printed = psql(
        ways.proxied("tester", "model_training"),
        "\\set VERBOSITY verbose\nSELECT email FROM people;\nSELECT 1 AS alive;\n",
    );
    for words in ["42501", "email", "model_training", "T-2", "We do not train models on it", "alive"] {
        assert!(printed.contains(words), "`{words}` in\n{printed}");
    }
}

#[test]
fn psql_lists_databases_and_describes_tables_when_unrestricted() {
    let ways = Ways::get();
    let script = "\\l\n\\d\n\\d+ things\n\\df\n\\du\n\\dn\n";
    let direct = psql(ways.direct("keeper", "maintenance"), script);
    same_lines(&direct, &psql(ways.proxied("keeper", "maintenance"), script));
    assert!(direct.contains(DATABASE));
}
