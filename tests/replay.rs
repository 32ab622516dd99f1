//! `wherefore replay` on logs that a Postgres wrote, in all three formats, and on its statistics.

mod common;

use common::{At, Cluster};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const DATABASE: &str = "replayed";
/// No value that a client sends or reads may stand in a report.
const PLANTED: [&str; 4] = ["PLANTED", "4711", "2026-03-04", "hunter2"];

const SCHEMA: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text, email text, password text, consent boolean NOT NULL DEFAULT true);
    CREATE TABLE parts (id int PRIMARY KEY, label text);
    CREATE ROLE web LOGIN; CREATE ROLE analyst LOGIN;
    GRANT ALL ON people, parts TO web, analyst;
    CREATE EXTENSION pg_stat_statements;";

const PACK: &str = r#"
    [pack]
    name = "shop"
    document = "The shop's privacy notice"
    untagged = "deny"
    [subject.customer]
    [category.part]
    [category.contact]
    [category.credential]
    [purpose.operation]
    [purpose.reporting]
    [clause."S-1"]
    words = "Passwords are never read."
    [role.web]
    purposes = ["operation"]
    default = "operation"
    [role.analyst]
    purposes = ["reporting"]
    [[rule]]
    id = "parts"
    category = "part"
    effect = "allow"
    [[rule]]
    id = "running"
    category = "contact"
    purpose = "operation"
    where = ["consent.any"]
    effect = "allow"
    [[rule]]
    id = "reports"
    category = "contact"
    purpose = "reporting"
    effect = { mask = "null" }
    [[rule]]
    id = "passwords"
    clause = "S-1"
    category = "credential"
    effect = "forbid"
    [table."public.parts"]
    default = "part"
    [table."public.people"]
    subject = "customer"
    columns.id = "part"
    columns.consent = "part"
    columns.name = "contact"
    columns.email = "contact"
    columns.password = "credential"
    consent.any = "consent"
"#;

struct Logged {
    cluster: Cluster,
    pack: PathBuf,
}

/// A server that has logged some sessions in every format.
fn logged() -> &'static Logged {
    static MADE: OnceLock<Logged> = OnceLock::new();
    MADE.get_or_init(|| {
        let cluster = Cluster::with_settings(&[
            ("logging_collector", "on"),
            ("log_destination", "stderr,csvlog,jsonlog"),
            ("log_directory", "written"),
            ("log_filename", "all.log"),
            ("log_file_mode", "0644"),
            ("log_line_prefix", "%m [%p] user=%u,db=%d,app=%a,client=%h "),
            ("log_statement", "all"),
            ("log_duration", "on"),
            ("shared_preload_libraries", "pg_stat_statements"),
        ]);
        cluster.sql("postgres", &format!("CREATE DATABASE {DATABASE}"));
        cluster.sql(DATABASE, SCHEMA);
        cluster.sql(DATABASE, "SELECT pg_stat_statements_reset()");
        sessions(&cluster);
        let pack = cluster.new_folder("shop");
        std::fs::write(pack.join("pack.toml"), PACK).expect("a pack");
        Logged { cluster, pack }
    })
}

/// What the applications do: by psql, and by the extended protocol, with and without names.
fn sessions(cluster: &Cluster) {
    let psql = |user, application: &str, script: &str| {
        let mut command = Command::new(cluster.program("psql"));
        command.args(["-X", "-q", "-o", "/dev/null"]).env("PGAPPNAME", application);
        for statement in script.split(";;").map(str::trim).filter(|statement| !statement.is_empty()) {
            command.args(["-c", statement]);
        }
        let at = At { port: cluster.port(), database: DATABASE, user, purpose: None };
        assert!(at.run(&mut command).status.success(), "{script}");
    };
    psql(
        "web",
        "shop, \"web\"",
        "SELECT label\nFROM parts\nWHERE id = 4711\n  AND label <> 'PLANTED;\n\tsecond line' ;;
         INSERT INTO parts VALUES (1, 'PLANTED one'), (2, 'PLANTED ''two''') ;;
         SELECT name FROM people WHERE email = 'PLANTED@example.com' ;;
         SELECT name FROM people WHERE email = 'PLANTED2@example.com' ;;
         SELECT name, password FROM people WHERE password = 'hunter2' ;;
         PREPARE p AS SELECT email FROM people WHERE id = $1 ;;
         EXECUTE p(4711) ;;
         SELECT 1 + broken AS \"x''\" FROM (SELECT 1 AS broken) AS s ;;
         /*purpose='reporting'*/ SELECT 1",
    );
    psql(
        "analyst",
        "notebook",
        "SELECT label FROM parts ;;
         SELECT email FROM people WHERE name LIKE 'PLANTED%' ;;
         SELECT count(*) FROM parts /*purpose='reporting'*/ ;;
         SELECT email FROM people /*purpose='reporting',note='PLANTED'*/",
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(cluster.port()).user("web").dbname(DATABASE).application_name("driver");
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("a connection");
        tokio::spawn(connection);
        for (sql, value) in [
            ("SELECT id FROM parts WHERE label = $1", "PLANTED: with 'quotes'"),
            ("SELECT password FROM people WHERE name = $1", "PLANTED\nLOG:  statement: SELECT 'PLANTED'"),
        ] {
            for _ in 0..3 {
                client.query(sql, &[&value]).await.expect("a query");
            }
        }
    });
}

/// The three logs, and their names of the formats.
fn logs() -> Vec<(&'static str, PathBuf)> {
    let folder = logged().cluster.folder().join("data/written");
    ["csv", "json", "log"].map(|format| (format, folder.join(format!("all.{format}")))).to_vec()
}

fn url() -> String {
    format!("postgres://postgres@127.0.0.1:{}/{DATABASE}", logged().cluster.port())
}

/// What `wherefore replay` prints.
#[track_caller]
fn replayed(arguments: &[&str], code: i32) -> String {
    let (url, pack) = (url(), logged().pack.to_string_lossy().into_owned());
    let common = ["replay", "--url", &url, "--policy", &pack];
    let output =
        Command::new(env!("CARGO_BIN_EXE_wherefore")).args(common).args(arguments).output().expect("wherefore");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{stdout}\n{stderr}");
    for planted in PLANTED {
        assert!(!stdout.contains(planted) && !stderr.contains(planted), "`{planted}` in\n{stdout}\n{stderr}");
    }
    if code == 2 { stderr.into_owned() } else { stdout.into_owned() }
}

/// The counts of a group: unchanged, rewritten, refused.
fn counts(report: &serde_json::Value, application: Option<&str>, purpose: Option<&str>) -> [u64; 3] {
    let groups = report["groups"].as_array().expect("groups");
    let of = |group: &&serde_json::Value| {
        group["application"].as_str() == application && group["purpose"].as_str() == purpose
    };
    let group = groups.iter().find(of).unwrap_or_else(|| panic!("{application:?} {purpose:?} in {report:#}"));
    ["unchanged", "rewritten", "refused"].map(|fate| group[fate].as_u64().expect("a count"))
}

fn wait_for_logs() {
    // The collector writes what the server has handed to it a moment later.
    let runs_out = std::time::Instant::now() + std::time::Duration::from_secs(30);
    for (_, path) in logs() {
        while !std::fs::read_to_string(&path).is_ok_and(|text| text.matches("SELECT password FROM people").count() >= 3)
        {
            assert!(std::time::Instant::now() < runs_out, "{} is not written", path.display());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

#[test]
fn every_format_says_the_same() {
    wait_for_logs();
    for (format, path) in logs() {
        let report = replayed(&["--log", &path.to_string_lossy(), "--json"], 1);
        let report: serde_json::Value = serde_json::from_str(&report).expect("json");
        assert_eq!(report["unread"], 0, "{format}");
        let web = counts(&report, Some("shop, \"web\""), Some("operation"));
        // Passwords are refused, and what inserts without a right. What is prepared is counted, and what executes it.
        assert_eq!(web, [2, 4, 2], "{format}: {report:#}");
        assert_eq!(counts(&report, Some("shop, \"web\""), Some("reporting")), [0, 0, 1], "{format}");
        assert_eq!(counts(&report, Some("notebook"), None), [0, 0, 2], "{format}");
        assert_eq!(counts(&report, Some("notebook"), Some("reporting")), [1, 1, 0], "{format}");
        assert_eq!(counts(&report, Some("driver"), Some("operation")), [3, 0, 3], "{format}");
        assert!(report["elsewhere"].as_u64().is_some_and(|count| count > 0), "{format}: CREATE DATABASE");
    }
}

#[test]
fn a_report_names_rules_and_shapes() {
    wait_for_logs();
    let csv = logs()[0].1.to_string_lossy().into_owned();
    let report = replayed(&["--log", &csv], 1);
    let report: String = report.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "shop, \"web\" under operation",
        "42501: purpose \"operation\" may not read public.people.password",
        "rule \"passwords\", clause S-1 of The shop's privacy notice: \"Passwords are never read.\"",
        "SELECT name, password FROM people WHERE password = ?",
        "public.people.email masked (rule reports)",
        "rows of public.people by consent.any (rule running)",
        "\"web\" may not declare the purpose \"reporting\"",
    ] {
        assert!(report.contains(words), "`{words}` in\n{report}");
    }
    let supposed = replayed(&["--log", &csv, "--json", "--application", "notebook=reporting"], 1);
    let supposed: serde_json::Value = serde_json::from_str(&supposed).expect("json");
    assert_eq!(counts(&supposed, Some("notebook"), Some("reporting")), [2, 2, 0]);
    let supposed = replayed(&["--log", &csv, "--json", "--purpose", "operation"], 1);
    let supposed: serde_json::Value = serde_json::from_str(&supposed).expect("json");
    assert_eq!(counts(&supposed, Some("notebook"), Some("operation")), [1, 1, 0], "an option's purpose is granted");
    assert!(replayed(&["--log", &csv, "--purpose", "nonsense"], 2).contains("knows no purpose `nonsense`"));
    assert!(replayed(&["--log", "no/such.csv"], 2).contains("no/such.csv"));
}

#[test]
fn a_new_policy_is_held_against_the_old() {
    wait_for_logs();
    let csv = logs()[0].1.to_string_lossy().into_owned();
    let changed = |name: &str, from: &str, to: &str| {
        assert!(PACK.contains(from));
        let folder = logged().cluster.new_folder(name);
        std::fs::write(folder.join("pack.toml"), PACK.replacen(from, to, 1)).expect("a pack");
        folder.to_string_lossy().into_owned()
    };
    let own = logged().pack.to_string_lossy().into_owned();
    assert!(replayed(&["--log", &csv, "--against", &own], 0).contains("0 newly refused, 0 newly answered, 0 changed"));
    // What the old policy gave for the reports as it is, and what it closed.
    let open = changed("open", "effect = { mask = \"null\" }", "effect = \"allow\"");
    let report = replayed(&["--log", &csv, "--against", &open], 0);
    assert!(report.contains("0 newly refused, 0 newly answered, 1 changed"), "{report}");
    assert!(report.contains("was: unchanged") && report.contains("now: public.people.email masked"), "{report}");
    let closed =
        changed("closed", "id = \"reports\"\n    category = \"contact\"", "id = \"reports\"\n    category = \"part\"");
    let report = replayed(&["--log", &csv, "--against", &closed], 0);
    assert!(report.contains("newly answered") && report.contains("SELECT email FROM people"), "{report}");
    let closing = ["--log", &csv, "--policy", &closed, "--against", &own];
    let (url, binary) = (url(), env!("CARGO_BIN_EXE_wherefore"));
    let output = Command::new(binary).args(["replay", "--url", &url]).args(closing).output().expect("wherefore");
    assert_eq!(output.status.code(), Some(1), "newly refused");
}

#[test]
fn a_prefix_that_is_given_is_used() {
    wait_for_logs();
    let log = logs()[2].1.clone();
    let odd = Path::new(&log).with_file_name("odd.log");
    let text = std::fs::read_to_string(&log).expect("the log");
    let odd_text: String = text
        .lines()
        .map(|line| if line.starts_with('\t') { format!("{line}\n") } else { format!("<7>{line}\n") })
        .collect();
    std::fs::write(&odd, odd_text).expect("a log");
    let odd = odd.to_string_lossy().into_owned();
    assert!(replayed(&["--log", &odd], 2).contains("--log-line-prefix"));
    let prefix = "<7>%m [%p] user=%u,db=%d,app=%a,client=%h ";
    assert!(replayed(&["--log", &odd, "--log-line-prefix", prefix], 1).contains("shop, \"web\""));
}

#[test]
fn statistics_of_the_server_are_replayed() {
    logged();
    let report = replayed(&["--pg-stat-statements", "--json"], 1);
    let report: serde_json::Value = serde_json::from_str(&report).expect("json");
    let [unchanged, _, refused] = counts(&report, None, Some("operation"));
    assert!(unchanged >= 4 && refused >= 4, "{report:#}");
    let again = replayed(&["--pg-stat-statements"], 1);
    assert!(again.contains("SELECT name, password FROM people WHERE password = $1"), "{again}");
}
