//! pgbench through a restricted purpose.

use crate::common::At;
use crate::{Cluster, Ways};
use std::process::{Command, Output};
use wherefore::cli::throwaway::SUPERUSER;

const DATABASE: &str = "bench";
const CLIENTS: &str = "8";

fn pgbench(at: At<'_>, arguments: &[&str]) -> Output {
    at.run(Command::new(Cluster::shared().program("pgbench")).args(arguments))
}

/// 8 clients select by key in each of pgbench's protocols; the purpose masks a column of a table beside them.
#[test]
fn pgbench_runs_without_a_failure_in_every_protocol() {
    let cluster = Cluster::shared();
    // A database of its own, whole before the proxy first reads its catalog.
    cluster.database(DATABASE, include_str!("schema.sql"));
    let ways = Ways::get();
    let around =
        At { database: DATABASE, user: SUPERUSER, purpose: None, ..ways.direct("tester", "service_operation") };
    let init = pgbench(around, &["-i", "-q", "-s", "1"]);
    assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    cluster.sql(DATABASE, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO tester");

    let through = At { database: DATABASE, ..ways.proxied("tester", "service_operation") };
    for protocol in ["simple", "extended", "prepared"] {
        let run = pgbench(through, &["-n", "-S", "-M", protocol, "-c", CLIENTS, "-j", "2", "-t", "500"]);
        let printed = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(run.status.success(), "{protocol}: {printed}\n{}", String::from_utf8_lossy(&run.stderr));
        assert!(printed.contains("4000/4000"), "{protocol}: {printed}");
        let failed = printed.lines().find(|line| line.contains("failed transactions"));
        // Before version 15 pgbench does not count them: it stops.
        assert!(failed.is_none_or(|line| line.contains(": 0 ")), "{protocol}: {printed}");
    }
    let mut masked = Command::new(cluster.program("psql"));
    let output = through.run(masked.args(["-X", "-A", "-t", "-c", "SELECT count(*), count(email) FROM people"]));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "10|0", "the mask is in force");
}
