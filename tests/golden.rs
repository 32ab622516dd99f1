//! Golden files of the core: what is exposed, decided and sent, for each statement under each purpose.
//!
//! `tests/golden/*.sql` hold the statements, one a line, below a line `-- under PURPOSE, PURPOSE …`; the snapshots beside
//! them are what the core makes of each. The catalog is read from a real Postgres. `cargo insta review` (or
//! `INSTA_UPDATE=always`) takes over what has changed.
//!
//! Every rewritten statement is also run on the server: it must at least be accepted.

#[path = "golden/builtins.rs"]
mod builtins;
mod common;

use common::Cluster;
use std::fmt::Write as _;
use std::sync::Arc;
use wherefore::catalog::{Catalog, SearchPath, noise, pseudonyms};
use wherefore::enforce::{Encoding, Limits, Plan, View, explain};
use wherefore::policy::{Bound, Colour, Effect, Mask, Policy, SourceFile};
use wherefore::sql::STACK_BYTES;
use wherefore::vocab::Usage;

const SCHEMA: &str = include_str!("golden/schema.sql");
const PACK: &str = include_str!("golden/pack.toml");
/// What a pack of writes adds.
const WRITES: &str = include_str!("golden/writes.toml");
/// What edges.sql has of its own.
const EDGES_SCHEMA: &str = include_str!("golden/edges_schema.sql");
const EDGES: &str = include_str!("golden/edges.toml");

/// aggregates.sql has a schema and a pack of its own.
const AGGREGATES_SCHEMA: &str = include_str!("golden/aggregates_schema.sql");
const AGGREGATES: &str = include_str!("golden/aggregates.toml");

/// The core over the golden schema, and a superuser's connection to run what it writes.
struct Bench {
    bound: Arc<Bound>,
    client: tokio_postgres::Client,
}

impl Bench {
    async fn start(database: &str) -> Bench {
        let cluster = Cluster::shared();
        let edges = database == "golden_edges";
        let schema = match database {
            "golden_aggregates" => {
                let roles = ["PUBLIC".to_owned()];
                format!("{AGGREGATES_SCHEMA}{}{}", pseudonyms::script(&roles, &[]), noise::script(&roles, None))
            }
            "golden_edges" => format!("{SCHEMA}{EDGES_SCHEMA}"),
            _others => SCHEMA.to_owned(),
        };
        cluster.database(database, &schema);
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(cluster.port()).user("keeper").dbname(database);
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("connecting");
        tokio::spawn(connection);
        let snapshot = wherefore::control::catalog::read(&client).await.expect("the catalog");
        let files = [("pack.toml", PACK), ("writes.toml", WRITES), ("edges.toml", EDGES), ("pack.toml", AGGREGATES)]
            .map(|(path, text)| SourceFile { path: path.into(), text: text.into() });
        // What is written has purposes of its own, which other refusals need not offer.
        let files = match database {
            "golden_aggregates" => &files[3..],
            "golden_edges" => &files[..3],
            "golden_writes" | "golden_define" | "golden_alter" => &files[..2],
            _reads => &files[..1],
        };
        let policy = Policy::parse(files).unwrap_or_else(|errors| panic!("{}", errors.render(Colour::Plain))).policy;
        let bound = Arc::new(Bound::new(Arc::new(policy), Arc::new(Catalog::new(snapshot, 1))));
        assert!(edges || database == "golden_aggregates" || bound.lints().is_empty(), "{:?}", bound.lints());
        Bench { bound, client }
    }

    fn view(&self, purpose: &str) -> View {
        let policy = self.bound.policy();
        let principal =
            Arc::new(policy.principal(if policy.purpose("clerk").is_some() { "clerk" } else { "tester" }, &[]));
        let purpose = match purpose {
            "none" => None,
            name => Some(policy.purpose(name).unwrap_or_else(|| panic!("no purpose {name}"))),
        };
        View::new(Arc::clone(&self.bound), principal, purpose, SearchPath::new(["public".into()]), Encoding::Utf8)
    }

    /// What the core makes of one statement, as text; and that Postgres accepts what it would be sent.
    async fn report(&self, purpose: &str, text: &str) -> String {
        let mut out = format!("{text}\n");
        let explained = match explain(&self.view(purpose), text, &Limits::default()) {
            Ok(explained) => explained,
            Err(refusal) => {
                let _ = writeln!(out, "  {}", indented(&refusal.report()));
                return out;
            }
        };
        for statement in explained {
            for relation in &statement.relations {
                let guarded = if relation.guarded { ", guarded" } else { "" };
                let _ = writeln!(out, "  {} as {}{guarded}", relation.relation, relation.alias);
                for column in &relation.columns {
                    let usages: Vec<&str> = column.usages.iter().map(Usage::word).collect();
                    let usages = if usages.is_empty() { "named".to_owned() } else { usages.join(" ") };
                    let _ = writeln!(out, "    {}: {usages} → {}", column.column, effect(&column.effect));
                }
                for row in &relation.rows {
                    let _ = writeln!(out, "    only rows: {} ({})", row.condition, row.rule);
                }
            }
            match statement.plan {
                Plan::Forward => out.push_str("  = as it is\n"),
                Plan::Refuse(refusal) => {
                    let at = if refusal.position > 0 { format!(" at {}", refusal.position) } else { String::new() };
                    let _ = writeln!(out, "  × {}{at}", indented(&refusal.report()));
                }
                Plan::Rewrite(rewritten) => {
                    let _ = writeln!(out, "  → {}", without_numbers(&rewritten.text));
                    if let Err(error) = self.client.prepare(&rewritten.text).await {
                        let said = error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string);
                        let _ = writeln!(out, "  ! the server says: {said}");
                    }
                }
            }
        }
        out
    }
}

/// A text without the numbers of relations, which differ from run to run: `'{16384,16390}'::pg_catalog.oid[]`.
fn without_numbers(text: &str) -> String {
    let mut parts = text.split("'{");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ',');
        let listed = rest.starts_with("}'::pg_catalog.oid[]");
        out.push_str(if listed { "'{…" } else { "'{" });
        out.push_str(if listed { rest } else { part });
    }
    out
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Allow => "raw".to_owned(),
        Effect::Mask(Mask::Null) => "NULL".to_owned(),
        Effect::Mask(Mask::Constant(constant)) => format!("'{constant}'"),
        Effect::Mask(mask) => format!("{mask:?}"),
        Effect::Aggregate(aggregate) => {
            aggregate.to_string().replace("in aggregates over at least ", "aggregates over ").replace(" subjects", "")
        }
        Effect::Deny => "denied".to_owned(),
    }
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n    ")
}

/// Runs a file of statements and compares the reports with its snapshot.
fn check(file: &str, statements: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (name, statements) = (file.to_owned(), statements.to_owned());
    // Statements are judged on a stack like that of the proxy's workers.
    let work = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        runtime.block_on(async {
            let bench = Bench::start(&format!("golden_{name}")).await;
            let mut out = String::new();
            let mut purposes: Vec<String> = Vec::new();
            for line in statements.lines().filter(|line| !line.trim().is_empty()) {
                if let Some(list) = line.strip_prefix("-- under ") {
                    purposes = list.split(", ").map(str::to_owned).collect();
                    let _ = writeln!(out, "======== under {list}");
                } else if let Some(remark) = line.strip_prefix("-- ") {
                    let _ = writeln!(out, "-------- {remark}");
                } else {
                    assert!(!purposes.is_empty(), "a statement before any `-- under`");
                    for purpose in &purposes {
                        if purposes.len() > 1 {
                            let _ = write!(out, "[{purpose}] ");
                        }
                        out.push_str(&bench.report(purpose, line).await);
                        out.push('\n');
                    }
                }
            }
            out
        })
    });
    let out = work.expect("a thread").join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    assert!(out.contains("→") || out.contains("×"), "no statement was judged");
    insta::with_settings!({ snapshot_path => "golden", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(file, out);
    });
}

#[test]
fn names() {
    check("names", include_str!("golden/names.sql"));
}

#[test]
fn guards() {
    check("guards", include_str!("golden/guards.sql"));
}

#[test]
fn fences() {
    check("fences", include_str!("golden/fences.sql"));
}

#[test]
fn refusals() {
    check("refusals", include_str!("golden/refusals.sql"));
}

#[test]
fn views() {
    check("views", include_str!("golden/views.sql"));
}

#[test]
fn writes() {
    check("writes", include_str!("golden/writes.sql"));
}

#[test]
fn aggregates() {
    check("aggregates", include_str!("golden/aggregates.sql"));
}

#[test]
fn define() {
    check("define", include_str!("golden/define.sql"));
}

#[test]
fn alter() {
    check("alter", include_str!("golden/alter.sql"));
}

#[test]
fn constructs() {
    check("constructs", include_str!("golden/constructs.sql"));
}

#[test]
fn functions() {
    check("functions", include_str!("golden/functions.sql"));
}

#[test]
fn types() {
    check("types", include_str!("golden/types.sql"));
}

#[test]
fn utility() {
    check("utility", include_str!("golden/utility.sql"));
}

#[test]
fn edges() {
    check("edges", include_str!("golden/edges.sql"));
}

/// What only later servers take: not run, but as it would be sent to one.
#[test]
fn later_servers() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let work = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        runtime.block_on(async {
            let bench = Bench::start("golden_later").await;
            let mut snapshot = bench.bound.catalog().snapshot().clone();
            snapshot.server_version = 170_000;
            let bound = Bound::new(Arc::clone(bench.bound.policy()), Arc::new(Catalog::new(snapshot, 2)));
            let later = Bench { bound: Arc::new(bound), client: bench.client };
            let one = "(SELECT people.id FROM (SELECT people.id FROM public.people) people) \"wherefore query 1\"";
            for (text, expected) in [
                ("SELECT id FROM (SELECT id FROM people)", format!("SELECT \"wherefore query 1\".id FROM {one}")),
                (
                    "SELECT * FROM (SELECT id FROM people), LATERAL (SELECT id)",
                    format!(
                        "SELECT \"wherefore query 1\".id, \"wherefore query 2\".id FROM {one}, \
                         LATERAL (SELECT \"wherefore query 1\".id) \"wherefore query 2\""
                    ),
                ),
                (
                    "SELECT * FROM (SELECT id FROM people) AS \"wherefore query 1\"",
                    format!("SELECT \"wherefore query 1\".id FROM {one}"),
                ),
                (
                    "SELECT (SELECT \"wherefore query 1\".id FROM (SELECT id FROM people) LIMIT 1) \
                     FROM orders AS \"wherefore query 1\"",
                    "the alias \"wherefore query 1\" beside a sub-query without one is not understood".to_owned(),
                ),
                (
                    "SELECT \"wherefore query 1\".id FROM (SELECT id FROM people)",
                    "missing FROM-clause entry for table \"wherefore query 1\"".to_owned(),
                ),
                (
                    "SELECT * FROM unnest(JSON_QUERY('[]', '$' RETURNING pair[]))",
                    "SELECT unnest.a, unnest.b FROM unnest(".to_owned(),
                ),
            ] {
                let report = later.report("masked", text).await;
                assert!(report.contains(&*expected), "{text}: {report}");
            }
        });
    });
    work.expect("a thread").join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}
