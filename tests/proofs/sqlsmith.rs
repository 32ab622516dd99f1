//! Statements of sqlsmith, a generator of another make, in two worlds: it reads the schema of one database and
//! prints statements, which both worlds answer.

use crate::common::Cluster;
use crate::doc::text;
use crate::generator::Generated;
use crate::two_worlds;
use std::process::{Command, Stdio};

/// How many statements it prints, and from which seed.
const STATEMENTS: usize = 3000;
const SEED: usize = 7;

/// What `sqlsmith` prints for a database, one statement each. It must be there: this test does not pass without it.
fn statements(cluster: &Cluster, database: &str) -> Vec<String> {
    let target = format!("host=127.0.0.1 port={} dbname={database} user=tester", cluster.port());
    let mut command = Command::new("sqlsmith");
    command.arg(format!("--target={target}")).arg(format!("--seed={SEED}")).arg(format!("--max-queries={STATEMENTS}"));
    command.args(["--dry-run", "--exclude-catalog"]).stdin(Stdio::null());
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!(
            "sqlsmith: {error}. The statements of this proof come from the Debian package `sqlsmith`; `.ci/deps test` installs it"
        ),
    };
    assert!(output.status.success(), "sqlsmith: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split(";\n")
        .map(str::trim)
        .filter(|statement| !statement.is_empty() && !tells_time(statement))
        .map(without_samples)
        .collect()
}

/// Whether it asks for the time or for chance, which no two sessions agree on.
fn tells_time(statement: &str) -> bool {
    const CLOCKS: [&str; 12] = [
        "now()",
        "_timestamp()",
        "timeofday()",
        "random()",
        "gen_random_uuid()",
        "pg_backend_pid()",
        "current_database()",
        "pg_postmaster_start_time()",
        "pg_conf_load_time()",
        "pg_current_",
        "txid_",
        "inet_client_port()",
    ];
    CLOCKS.iter().any(|clock| statement.contains(clock))
}

/// A statement without `tablesample …`: a sample is another one each time.
fn without_samples(statement: &str) -> String {
    let mut pieces = statement.split(" tablesample ");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(piece.split_once(')').map_or(piece, |(_, rest)| rest));
    }
    out
}

#[test]
fn statements_of_sqlsmith_answer_alike_in_two_worlds() {
    let cluster = Cluster::shared();
    let (proxy, _turn) = two_worlds::prepared(cluster);
    let statements = statements(cluster, "worlds_template");
    assert!(statements.len() > STATEMENTS / 2, "sqlsmith printed {} statements", statements.len());
    let generated = |statement: String| {
        let first = statement.split_whitespace().next().unwrap_or_default().to_lowercase();
        let writes = !matches!(first.as_str(), "select" | "with");
        Generated { doc: text(statement), writes, before: vec!["BEGIN"], after: vec!["ROLLBACK".to_owned()] }
    };
    let (tally, failures) = two_worlds::replay(proxy, statements.into_iter().map(generated).collect());
    println!("PROOF two-worlds-sqlsmith {tally} differences={}", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(tally.answered > 100, "only {} were answered", tally.answered);
}
