//! Statements of sqlsmith, a generator of another make, in two worlds: it reads the schema of one database and
//! prints statements, which both worlds answer.

use crate::common::Cluster;
use crate::core::read;
use crate::doc::text;
use crate::generator::Generated;
use crate::two_worlds;
use std::process::{Command, Stdio};
use wherefore::analyze::is_permitted;
use wherefore::catalog::Catalog;

/// How many statements it prints, and from which seed.
const STATEMENTS: usize = 3000;
const SEED: usize = 7;

/// Tables whose closed column `sqlsmith` does not know; it knows that of `orders`.
const NARROWED: [&str; 2] = ["people", "pets"];
/// Types that `sqlsmith` uses in ways that no server takes: those without equality, and pseudo-types.
const AWKWARD: &str = "SELECT array_agg(oid) FROM pg_type
    WHERE typname ~ '^any(range|multirange|enum|compatible)' OR typname IN ('point', 'polygon', 'box', 'path', 'line', 'lseg', 'xml', 'json', 'cstring')";

/// Functions that ask for the time, for chance, or for what differs between sessions, as a pattern.
const CLOCKS: &str = "^now$|_timestamp$|^timeofday$|^random$|^gen_random_uuid$|^pg_backend_pid$|^current_database$|\
    ^pg_postmaster_start_time$|^pg_conf_load_time$|^pg_current_|^txid_|^inet_client_port$";

/// The database whose schema `sqlsmith` reads: what every restricted purpose is refused is not in it, but for a part that
/// shows that it is. Functions that are closed get names that `sqlsmith` leaves out.
fn schema(cluster: &Cluster) -> (&'static str, Catalog) {
    let name = "worlds_smith";
    cluster.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE worlds_template"));
    let narrow: String = NARROWED.iter().map(|table| format!("ALTER TABLE {table} DROP COLUMN secret;")).collect();
    cluster.sql(name, &narrow);
    let catalog = Catalog::new(read(name), 1);
    let closed = catalog.snapshot().functions.iter().filter(|function| !is_permitted(function));
    let hidden = closed.enumerate().filter(|(index, _)| index % 40 != 0).map(|(_, function)| function.oid.to_string());
    let hidden = hidden.collect::<Vec<_>>().join(",");
    cluster.sql(
        name,
        &format!(
            "SET allow_system_table_mods = on;
             UPDATE pg_proc SET proname = 'ri_fkey_' || oid
                WHERE provolatile = 'v' OR proname ~ '{CLOCKS}' OR oid = ANY ('{{{hidden}}}') OR prokind = 'f' AND (prorettype || proargtypes::oid[]) && ({AWKWARD});
             DELETE FROM pg_operator WHERE ARRAY[oprleft, oprright, oprresult] && ({AWKWARD})"
        ),
    );
    (name, catalog)
}

/// A statement that names the columns which it gives values: the worlds' tables have more of them.
fn with_columns(statement: &str, catalog: &Catalog) -> String {
    let lower = statement.to_lowercase();
    let Some(at) = lower.find("into public.") else { return statement.to_owned() };
    let name: String =
        lower[at + "into public.".len()..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let Some(relation) = catalog.relation_in("public", &name) else { return statement.to_owned() };
    let columns: Vec<&str> = relation.columns.iter().map(|column| &*column.name).collect();
    let columns = columns.join(", ");
    let named = statement.replace("INSERT VALUES", &format!("INSERT ({columns}) VALUES"));
    named.replace(&format!("into public.{name} values"), &format!("into public.{name} ({columns}) values"))
}

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
    CLOCKS.split('|').any(|clock| statement.contains(clock.trim_matches(['^', '$'])))
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
    let (database, catalog) = schema(cluster);
    let statements = statements(cluster, database);
    assert!(statements.len() > STATEMENTS / 2, "sqlsmith printed {} statements", statements.len());
    let generated = |statement: String| {
        let first = statement.split_whitespace().next().unwrap_or_default().to_lowercase();
        let writes = !matches!(first.as_str(), "select" | "with");
        Generated {
            doc: text(with_columns(&statement, &catalog)),
            writes,
            before: vec!["BEGIN"],
            after: vec!["ROLLBACK".to_owned()],
        }
    };
    let (tally, failures) = two_worlds::replay(proxy, statements.into_iter().map(generated).collect());
    println!("PROOF two-worlds-sqlsmith {tally} differences={}", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    let permitted = tally.answered + tally.failed;
    assert!(permitted * 2 >= tally.statements, "only {permitted} of {} were permitted", tally.statements);
}
