//! psql's backslash commands, pg_dump with a restore, and pgbench's scripts, under a restricted purpose that opens all that they touch:
//! every statement is judged, and what comes out is what comes out around the proxy. The whole suites: `tests/suites/README.md`.

use crate::common::{At, Cluster, Proxy};
use std::process::Command;
use std::sync::LazyLock;
use wherefore::cli::throwaway::SUPERUSER;

const DATABASE: &str = "tools";
const SCHEMA: &str = include_str!("../suites/clients/dump.sql");

/// A proxy of its own, whose policy closes one column that nobody uses.
static PROXY: LazyLock<Proxy> = LazyLock::new(|| {
    let cluster = Cluster::shared();
    let unused = "CREATE SCHEMA closed; CREATE TABLE closed.unused (closed int);";
    cluster.database(DATABASE, &format!("{unused} {SCHEMA}"));
    let roles = format!("[role.{SUPERUSER}]\npurposes = [\"app\", \"set_up\"]\n");
    Proxy::with_policy(cluster, &(include_str!("../suites/clients/policy.toml").to_owned() + &roles))
});

fn direct() -> At<'static> {
    let around = Cluster::shared().port();
    LazyLock::force(&PROXY);
    At { port: around, database: DATABASE, user: SUPERUSER, purpose: None }
}

fn through(purpose: &'static str) -> At<'static> {
    At { port: PROXY.port(), purpose: Some(purpose), ..direct() }
}

/// What a program prints on both streams.
fn run(at: At<'_>, program: &str, arguments: &[&str]) -> String {
    let output = at.run(Command::new(Cluster::shared().program(program)).args(arguments));
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() || program == "psql", "{program} {arguments:?}: {text}");
    text
}

/// The lines of the list up to its second heading, with the escapes that `printf %b` knows undone.
fn commands() -> Vec<String> {
    let list = include_str!("../suites/clients/psql.list");
    let lines = list.lines().skip(1).take_while(|line| !line.starts_with('#'));
    let plain = |line: &str| line.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace('\0', "\\");
    lines.map(plain).collect()
}

#[test]
fn psql_prints_what_it_prints_around_the_proxy() {
    let (alone, together): (Vec<String>, Vec<String>) = commands().into_iter().partition(|command| {
        // What may leave something behind has a session of its own.
        command.contains('\n') || !command.starts_with('\\')
    });
    assert!(alone.len() > 20 && together.len() > 100, "{} {}", alone.len(), together.len());
    for script in alone.into_iter().chain([together.join("\n")]) {
        let file = Cluster::shared().folder().join("tools.sql");
        std::fs::write(&file, &script).expect("writing the script");
        let psql = |at| run(at, "psql", &["-X", "-a", "-f", &file.to_string_lossy()]);
        let expected = psql(direct());
        assert!(expected.len() > script.len(), "{script}: {expected}");
        for purpose in ["app", "set_up"] {
            assert_eq!(psql(through(purpose)), expected, "{purpose}: {script}");
        }
    }
}

#[test]
fn a_dump_is_the_same_and_restores_to_the_same() {
    let dump = |at| {
        let text = run(at, "pg_dump", &["-N", "closed"]);
        // Random since the minor releases of August 2025.
        text.lines().filter(|line| !line.contains("restrict ")).collect::<Vec<_>>().join("\n")
    };
    let expected = dump(direct());
    assert!(expected.contains("CREATE POLICY everyone") && expected.contains("COPY shop.orders"), "{expected}");
    for purpose in ["app", "set_up"] {
        assert_eq!(dump(through(purpose)), expected, "{purpose}");
    }
    let archive = Cluster::shared().folder().join("tools.dump");
    let archive = archive.to_string_lossy();
    run(through("app"), "pg_dump", &["-N", "closed", "-F", "custom", "-f", &archive]);
    Cluster::shared().sql("postgres", "CREATE DATABASE restored");
    let restored = At { database: "restored", ..through("set_up") };
    run(restored, "pg_restore", &["-e", "-d", "restored", &archive]);
    assert_eq!(dump(At { database: "restored", ..direct() }), expected);
    // The proxy's own connection to it does not stay in the way.
    run(through("set_up"), "dropdb", &["restored"]);
}

#[test]
fn pgbench_writes_in_every_mode() {
    let pipeline = Cluster::shared().folder().join("pipeline.sql");
    let script = "\\set aid random(1, 100000)\n\\startpipeline\nBEGIN;\n\
        UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;\n\
        SELECT abalance FROM pgbench_accounts WHERE aid = :aid;\nEND;\n\\endpipeline\n";
    std::fs::write(&pipeline, script).expect("writing the script");
    let pipeline = pipeline.to_string_lossy();
    Cluster::shared().sql("postgres", "CREATE DATABASE benched");
    let at = |purpose| At { database: "benched", ..through(purpose) };
    run(at("set_up"), "pgbench", &["-i", "-q", "-s", "1", "--foreign-keys"]);
    for mode in ["simple", "extended", "prepared"] {
        for script in ["tpcb-like", "simple-update", "select-only"] {
            let printed = run(at("app"), "pgbench", &["-n", "-M", mode, "-c", "4", "-t", "25", "-b", script]);
            assert!(printed.contains("100/100"), "{mode}, {script}: {printed}");
        }
        // A session for each transaction.
        run(at("app"), "pgbench", &["-n", "-M", mode, "-C", "-c", "2", "-t", "5", "-b", "select-only"]);
    }
    for mode in ["extended", "prepared"] {
        let printed = run(at("app"), "pgbench", &["-n", "-M", mode, "-c", "4", "-t", "25", "-f", &pipeline]);
        assert!(printed.contains("100/100"), "{mode}: {printed}");
    }
}
