//! The core alone over the proofs' schema: a catalog read once, policies bound to it, statements judged without a socket.

use crate::common::Cluster;
use std::sync::{Arc, OnceLock};
use wherefore::catalog::{Catalog, SearchPath, Snapshot};
use wherefore::enforce::{Encoding, Judged, Limits, Plan, View, judge_text};
use wherefore::policy::{Bound, Colour, Policy, SourceFile};

/// The catalog of a database with a schema, read through the proxy's own reader.
pub fn snapshot(database: &str, schema: &str) -> Snapshot {
    Cluster::shared().database(database, schema);
    read(database)
}

/// The catalog of a database that is there.
pub fn read(database: &str) -> Snapshot {
    let cluster = Cluster::shared();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(cluster.port()).user("keeper").dbname(database);
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("connecting");
        tokio::spawn(connection);
        wherefore::control::catalog::read(&client).await.expect("the catalog")
    })
}

/// The proofs' schema, read once.
pub fn proofs_catalog() -> Arc<Catalog> {
    static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();
    let read = || Arc::new(Catalog::new(snapshot("proofs_core", include_str!("schema.sql")), 1));
    Arc::clone(CATALOG.get_or_init(read))
}

/// A policy tied to a catalog. Lints are no matter here.
pub fn bound(policy: &str, catalog: &Arc<Catalog>) -> Arc<Bound> {
    let files = [SourceFile { path: "policy.toml".into(), text: policy.into() }];
    let policy = Policy::parse(&files).unwrap_or_else(|errors| panic!("{}", errors.render(Colour::Plain))).policy;
    Arc::new(Bound::new(Arc::new(policy), Arc::clone(catalog)))
}

pub fn view(bound: &Arc<Bound>, purpose: &str) -> View {
    let policy = bound.policy();
    let principal = Arc::new(policy.principal("tester", &[]));
    let purpose = policy.purpose(purpose).unwrap_or_else(|| panic!("no purpose {purpose}"));
    View::new(Arc::clone(bound), principal, Some(purpose), SearchPath::new(["public".into()]), Encoding::Utf8)
}

/// What becomes of a text under a view: what is sent, or the refusal. `None` where it is not one statement.
pub fn outcome(view: &View, text: &str) -> Option<Result<String, String>> {
    match judge_text(view, text, &Limits::default()) {
        Judged::One(planned) => Some(match planned.plan {
            Plan::Forward => Ok(text.to_owned()),
            Plan::Rewrite(rewritten) => Ok(rewritten.text.to_string()),
            Plan::Refuse(refusal) => Err(format!("{} {}", refusal.code.0, refusal.message)),
        }),
        Judged::Many(_) | Judged::Empty => None,
    }
}

/// Runs a test on a stack like that of the proxy's workers.
pub fn on_workers_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(wherefore::sql::STACK_BYTES).spawn(work).expect("a thread");
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The statements of the vendored corpora: `(corpus, statement)`.
pub fn corpora() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).expect("tests/corpora").flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut statements = Vec::new();
    for file in files {
        for line in std::fs::read_to_string(&file).expect("a corpus").lines() {
            let entry: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            statements.push((text("corpus"), text("sql")));
        }
    }
    assert!(statements.len() > 1000, "only {} statements in tests/corpora", statements.len());
    statements
}

/// The statements of the golden files.
pub fn goldens() -> Vec<String> {
    let files = [
        include_str!("../golden/names.sql"),
        include_str!("../golden/guards.sql"),
        include_str!("../golden/fences.sql"),
        include_str!("../golden/refusals.sql"),
    ];
    let lines = files.iter().flat_map(|file| file.lines());
    lines.filter(|line| !line.starts_with("--") && !line.trim().is_empty()).map(str::to_owned).collect()
}
