//! Not over-blocking, over the regression SQL of Postgres itself, which is not part of this repository.
//!
//! ```sh
//! WHEREFORE_SUITES=/path/to/15:/path/to/17 cargo test --test suites -- --nocapture
//! ```
//!
//! Each folder holds `*.sql` files of `src/test/regress/sql`; `../data` the files they copy from. Two fresh servers run
//! each file in the suite's order, statement by statement: one directly, the other with every SELECT and every
//! INSERT, UPDATE, DELETE and MERGE through the proxy under a restricted purpose that closes one column nobody uses, and the
//! rest, which sets things up, under an unrestricted one. Printed are the share that is understood, what is
//! not, grouped, and every answer that differs. `tests/suites/report.sh` turns that into a page of the documentation.
//!
//! Transactions are left out on both sides, and temporary tables are made as ordinary ones, because
//! what sets up and what is judged stand in different sessions.

mod common;

use common::raw::{Frame, Raw};
use common::script::{Item, split, without_comments};
use common::transcript::{Difference, bare, code, compare, not_understood, outline};
use common::{At, Cluster, Proxy};
use pg_query::NodeEnum;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use wherefore::sql::parse;

const POLICY: &str = include_str!("suites/policy.toml");

/// Files that act on the cluster, need psql itself, or run for minutes.
const LEFT_OUT: &[&str] = &[
    "alter_system",
    "database",
    "euc_kr",
    "infinite_recurse",
    "largeobject",
    "misc",
    "numa",
    "psql",
    "psql_crosstab",
    "stats",
    "stats_import",
    "subscription",
    "tablespace",
    "vacuum_parallel",
    "test_setup",
    "create_index",
    "brin_bloom",
    "brin_multi",
];

/// What runs before everything else; `create_index` for the tables it makes.
const FIRST: &[&str] = &[
    "test_setup",
    "copy",
    "create_type",
    "create_misc",
    "create_aggregate",
    "create_operator",
    "create_table",
    "create_view",
    "create_index",
];

/// Statements that fail for the role of the suite, and ruin a server for the superuser that stands in for it here; and
/// two that end servers before 17.11.
const RUINOUS: &[&str] = &[
    "UPDATE pg_catalog.pg_class SET relname",
    "DELETE FROM pg_catalog.pg_class",
    "SELECT '{\"a\":1}'::sqljson_mystr IS JSON",
    "SELECT JSON('{\"a\":1}'::sqljson_mystr",
];

/// What a statement is to this test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Select,
    Dml,
    Setting,
    SetUp,
    LeftOut,
    /// Postgres's own grammar does not read it.
    Unreadable,
}

fn sort(text: &str) -> Sort {
    if RUINOUS.iter().any(|ruinous| without_comments(text).starts_with(ruinous)) {
        return Sort::LeftOut;
    }
    let Ok(statements) = wherefore::sql::on_deep_stack(|| parse(text)) else { return Sort::Unreadable };
    let Some(tree) = statements.first().and_then(|statement| statement.tree.node.as_ref()) else {
        return Sort::LeftOut;
    };
    match tree {
        NodeEnum::SelectStmt(select) if select.into_clause.is_none() => Sort::Select,
        NodeEnum::InsertStmt(_) | NodeEnum::UpdateStmt(_) | NodeEnum::DeleteStmt(_) | NodeEnum::MergeStmt(_) => {
            Sort::Dml
        }
        NodeEnum::VariableSetStmt(set) => {
            if matches!(set.name.as_str(), "role" | "session_authorization") {
                Sort::LeftOut
            } else {
                Sort::Setting
            }
        }
        NodeEnum::TransactionStmt(_) | NodeEnum::DiscardStmt(_) | NodeEnum::VacuumStmt(_) => Sort::LeftOut,
        _everything_else => Sort::SetUp,
    }
}

/// A statement as it is run: temporary tables become ordinary ones.
fn lasting(text: &str) -> String {
    let lower = without_comments(text).to_lowercase();
    if !lower.starts_with("create") && !lower.contains("into temp") {
        return text.to_owned();
    }
    let mut out = text.to_owned();
    for word in [
        "TEMPORARY ",
        "temporary ",
        "TEMP ",
        "temp ",
        "Temp ",
        "ON COMMIT DROP",
        "on commit drop",
        "ON COMMIT DELETE ROWS",
        "ON COMMIT PRESERVE ROWS",
    ] {
        out = out.replace(&format!(" {word}"), " ");
    }
    out
}

/// Statements that no two servers answer alike, or that would disturb the run.
fn odd(text: &str) -> bool {
    let lower = text.to_lowercase();
    [
        "pg_sleep",
        "pg_terminate",
        "pg_cancel_backend",
        "pg_backend_pid",
        "random(",
        "now()",
        "current_timestamp",
        "clock_timestamp",
        "localtime",
        "current_time",
        "current_date",
        "'now'",
        "'today'",
        "'tomorrow'",
        "'yesterday'",
        "txid_current",
        "pg_current_",
        "pg_stat",
        "statement_timestamp",
        "xmin",
        "relfilenode",
        "pg_lsn",
        "setseed",
        "pg_reload_conf",
        "pg_log_backend",
        "inet_client_port",
        "inet_server_port",
        "lo_import",
        "lo_export",
        "pg_rotate_logfile",
        "pg_promote",
        "pg_switch_wal",
        "oid",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

#[derive(Default)]
struct Tally {
    /// Judged, understood; by sort.
    counts: BTreeMap<(Sort, &'static str), u32>,
    reasons: BTreeMap<String, (u32, String)>,
    differences: BTreeMap<Difference, Vec<String>>,
}

/// Who sets things up, and whose statements are compared.
const SETTER: &str = "keeper";
const JUDGED: &str = "tester";

/// Two sessions with each server: one that sets things up, one whose answers are compared.
struct Sessions {
    direct_setter: Option<Raw>,
    direct: Option<Raw>,
    setter: Option<Raw>,
    judged: Option<Raw>,
}

struct Places<'a> {
    one: &'a Cluster,
    other: &'a Proxy,
}

impl Places<'_> {
    fn open(&self, port: u16, user: &str) -> Option<Raw> {
        let purpose = (port != self.one.port() && user == JUDGED).then_some("app");
        let at = At { port, database: "regression", user, purpose };
        let opened = std::panic::catch_unwind(|| at.raw());
        opened.ok()
    }

    fn sessions(&self) -> Sessions {
        Sessions {
            direct_setter: self.open(self.one.port(), SETTER),
            direct: self.open(self.one.port(), JUDGED),
            setter: self.open(self.other.port(), SETTER),
            judged: self.open(self.other.port(), JUDGED),
        }
    }

    /// Asks, and connects again where the session was lost.
    fn ask(&self, session: &mut Option<Raw>, port: u16, user: &str, item: &Item, text: &str) -> Vec<Frame> {
        if session.is_none() {
            *session = self.open(port, user);
        }
        match session.as_mut().and_then(|raw| raw.ask(text, item.data.as_deref())) {
            Some(frames) => frames,
            None => {
                *session = None;
                vec![Frame { tag: b'!', body: b"the connection was lost".to_vec() }]
            }
        }
    }
}

fn run_file(places: &Places<'_>, file: &Path, variables: &mut HashMap<String, String>, tally: &mut Tally) {
    let Ok(source) = std::fs::read(file) else { return };
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut sessions = places.sessions();
    let (one, other) = (places.one.port(), places.other.port());
    for item in split(&String::from_utf8_lossy(&source), variables) {
        let (text, sort) = (lasting(&item.text), sort(&item.text));
        match sort {
            Sort::LeftOut | Sort::Unreadable => {}
            Sort::SetUp => {
                places.ask(&mut sessions.direct_setter, one, SETTER, &item, &text);
                places.ask(&mut sessions.setter, other, SETTER, &item, &text);
            }
            Sort::Setting => {
                places.ask(&mut sessions.direct_setter, one, SETTER, &item, &text);
                places.ask(&mut sessions.direct, one, JUDGED, &item, &text);
                places.ask(&mut sessions.setter, other, SETTER, &item, &text);
                let answer = places.ask(&mut sessions.judged, other, JUDGED, &item, &text);
                if let Some(what) = not_understood(&answer) {
                    *tally.counts.entry((sort, "not understood")).or_default() += 1;
                    tally.reasons.entry(format!("(setting) {what}")).or_insert_with(|| (0, text.clone())).0 += 1;
                }
            }
            Sort::Select | Sort::Dml => {
                let direct = places.ask(&mut sessions.direct, one, JUDGED, &item, &text);
                let proxied = places.ask(&mut sessions.judged, other, JUDGED, &item, &text);
                let failed = code(&proxied).is_some() || proxied.iter().any(|frame| frame.tag == b'!');
                if failed && code(&direct).is_none() {
                    // Keeps the two databases in step.
                    places.ask(&mut sessions.setter, other, SETTER, &item, &text);
                }
                let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
                let flat: String = format!("{name}: {flat}").chars().take(400).collect();
                let mut count = |what| *tally.counts.entry((sort, what)).or_default() += 1;
                if let Some(what) = not_understood(&proxied) {
                    count("not understood");
                    let valid = if code(&direct).is_some() { "(fails on the server too) " } else { "" };
                    tally.reasons.entry(format!("{valid}{what}")).or_insert_with(|| (0, flat)).0 += 1;
                    continue;
                }
                count("understood");
                let difference = compare(&direct, &proxied);
                let difference = match difference {
                    Difference::Rows | Difference::Order if odd(&text) => continue,
                    Difference::None => Difference::None,
                    other => other,
                };
                let report = if difference == Difference::None {
                    String::new()
                } else {
                    let (direct, proxied) = apart(&direct, &proxied);
                    format!("{flat}\n      direct:  {direct}\n      proxied: {proxied}")
                };
                tally.differences.entry(difference).or_default().push(report);
            }
        }
    }
}

/// Where two answers part, in a line each.
fn apart(direct: &[Frame], proxied: &[Frame]) -> (String, String) {
    let same = direct.iter().map(bare).zip(proxied.iter().map(bare)).take_while(|(one, other)| one == other).count();
    let short = |frames: &[Frame]| outline(frames.get(same..).unwrap_or_default()).chars().take(300).collect();
    (short(direct), short(proxied))
}

fn order(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    let stem = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let only = std::env::var("WHEREFORE_SUITE_FILES").ok();
    files.retain(|path| {
        let name = stem(path);
        only.as_ref().is_none_or(|only| only.split(',').any(|one| one == name))
            && !FIRST.contains(&name.as_str())
            && !LEFT_OUT.contains(&name.as_str())
    });
    let first = FIRST.iter().map(|name| folder.join(format!("{name}.sql")));
    first.chain(files).collect()
}

fn run(folder: &Path) {
    let settings = [
        ("timezone", "PST8PDT"),
        ("datestyle", "Postgres,MDY"),
        ("intervalstyle", "postgres_verbose"),
        ("statement_timeout", "8s"),
        ("lock_timeout", "2s"),
        ("autovacuum", "off"),
        ("max_prepared_transactions", "2"),
    ];
    let clusters = [Cluster::with_settings(&settings), Cluster::with_settings(&settings)];
    for cluster in &clusters {
        cluster.sql("postgres", "CREATE ROLE tester LOGIN SUPERUSER; CREATE ROLE keeper LOGIN SUPERUSER");
        cluster.sql("postgres", "CREATE DATABASE regression TEMPLATE template0");
        cluster.sql("regression", "CREATE TABLE public.wherefore_unused (closed int, open int)");
    }
    let proxy = Proxy::with_policy(&clusters[1], POLICY);
    let places = Places { one: &clusters[0], other: &proxy };
    let source = folder.parent().unwrap_or(folder).to_string_lossy().into_owned();
    let mut variables = HashMap::from([
        ("PG_ABS_SRCDIR".to_owned(), source.clone()),
        ("PG_ABS_BUILDDIR".to_owned(), source),
        ("PG_LIBDIR".to_owned(), "/nowhere".to_owned()),
        ("PG_DLSUFFIX".to_owned(), ".so".to_owned()),
    ]);
    let mut tally = Tally::default();
    for file in order(folder) {
        let began = std::time::Instant::now();
        run_file(&places, &file, &mut variables, &mut tally);
        eprintln!("{} {} ms", file.display(), began.elapsed().as_millis());
        let sessions = places.sessions();
        assert!(sessions.direct.is_some() && sessions.judged.is_some(), "a server is gone after {}", file.display());
    }
    println!("# {}", folder.file_name().unwrap_or_default().to_string_lossy());
    for ((sort, what), count) in &tally.counts {
        println!("COUNT {sort:?} {what}: {count}");
    }
    for (difference, reports) in &tally.differences {
        println!("COUNT answers, {difference:?}: {}", reports.len());
    }
    let mut reasons: Vec<_> = tally.reasons.iter().collect();
    reasons.sort_by_key(|(what, (count, _))| (std::cmp::Reverse(*count), (*what).clone()));
    for (what, (count, example)) in reasons {
        println!("NOT {count} × {what} — {example}");
    }
    for (difference, reports) in tally.differences.iter().filter(|(difference, _)| **difference != Difference::None) {
        println!("## {difference:?}");
        for report in reports {
            println!("  - {report}");
        }
    }
    let judged: u32 = tally.counts.iter().filter(|((sort, _), _)| *sort != Sort::Setting).map(|(_, count)| count).sum();
    assert!(
        judged > 1000 || std::env::var_os("WHEREFORE_SUITE_FILES").is_some(),
        "only {judged} statements were judged"
    );
}

#[test]
fn the_regression_suites_are_understood() {
    let folders =
        std::env::var("WHEREFORE_SUITES").expect("WHEREFORE_SUITES: folders of regression SQL, with colons between");
    for folder in folders.split(':') {
        run(Path::new(folder));
    }
}
