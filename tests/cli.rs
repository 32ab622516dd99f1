//! The commands as a person runs them: what they print, and their exit codes.

mod common;

use common::Cluster;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

const DATABASE: &str = "cli";
const PACK: &str = "policy/botpress";

fn wherefore(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wherefore"));
    command.args(arguments).env_remove("WHEREFORE_CONFIG").output().expect("running wherefore")
}

/// What a command prints on standard output; wants this exit code.
fn printed(arguments: &[&str], code: i32) -> String {
    let output = wherefore(arguments);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{stdout}\n{stderr}");
    assert!(!stdout.contains('\x1b') && !stderr.contains('\x1b'), "no colours where there is no terminal");
    if code == 2 { stderr.into_owned() } else { stdout.into_owned() }
}

/// A URL of a database with the pack's schema and some rows.
fn url() -> String {
    static MADE: OnceLock<()> = OnceLock::new();
    let cluster = Cluster::shared();
    MADE.get_or_init(|| {
        let rows = "INSERT INTO companies (name) SELECT 'Company ' || i FROM generate_series(1, 500) AS i;
            INSERT INTO users (company_id, full_name, email, password_hash)
                SELECT i % 500 + 1, 'User ' || i, i || '@example.com', 'x' FROM generate_series(1, 20000) AS i;
            INSERT INTO support_requests (user_id, subject, body) SELECT i, 's', 'b' FROM generate_series(1, 50) AS i;";
        cluster.database(DATABASE, &format!("{}{rows}", include_str!("../policy/botpress/schema.sql")));
    });
    format!("postgres://postgres@127.0.0.1:{}/{DATABASE}", cluster.port())
}

/// `wherefore explain` against the live catalog under a purpose.
fn explain(purpose: &str, more: &[&str], sql: &str, code: i32) -> String {
    let url = url();
    let common = ["explain", "--policy", PACK, "--url", &url, "--purpose", purpose];
    printed(&[&common, more, &[sql]].concat(), code)
}

/// Runs statements around any proxy: unaligned rows.
fn rows(sql: &str) -> String {
    let mut command = Command::new(Cluster::shared().program("psql"));
    let output =
        command.args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &url(), "-c", sql]).output().expect("psql");
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_packs_load() {
    for pack in [PACK, "policy/pystorm"] {
        assert!(printed(&["check", pack], 0).contains(&format!("{pack} loads")));
    }
}

#[test]
fn a_broken_pack_is_shown_with_its_place() {
    let folder = Cluster::shared().new_folder("broken-pack");
    let text = "[pack]\nname = \"x\"\nuntagged = \"deny\"\n\n[purpose.a]\n\n[[rule]]\nid = \"r\"\npurpose = \"b\"\neffect = \"allwo\"\n";
    std::fs::write(folder.join("pack.toml"), text).expect("writing");
    let report = printed(&["check", &folder.to_string_lossy()], 1);
    for words in ["allwo", "pack.toml:10", "did you mean `allow`?", "does not load"] {
        assert!(report.contains(words), "`{words}` in\n{report}");
    }
}

/// The names between backticks after the first, which is the wrong one.
fn expected(report: &str) -> Vec<&str> {
    let mut names: Vec<&str> = report.split('`').skip(1).step_by(2).skip(1).collect();
    names.sort();
    names
}

#[test]
fn the_schemas_are_printed_and_that_of_tests_has_the_keys_of_tests() {
    assert_eq!(printed(&["schema"], 0), include_str!("../policy/policy.schema.json"));
    let schema = printed(&["schema", "--tests"], 0);
    assert_eq!(schema, include_str!("../policy/tests.schema.json"));
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    let keys = |pointer: &str| {
        let mut keys: Vec<String> =
            schema.pointer(pointer).and_then(|keys| keys.as_object()).expect("keys").keys().cloned().collect();
        keys.sort();
        keys
    };
    let expectations = schema["properties"]["test"]["items"]["properties"]["expect"]["enum"].as_array().expect("words");
    let expectations: Vec<String> = expectations.iter().map(|word| word.as_str().expect("a word").to_owned()).collect();
    let folder = Cluster::shared().new_folder("schema-of-tests");
    std::fs::create_dir(folder.join("tests")).expect("a folder");
    std::fs::write(folder.join("pack.toml"), "[pack]\nname = \"x\"\n").expect("writing");
    let cases = [
        ("[[none]]", keys("/properties")),
        ("[[test]]\nnone = 1", keys("/properties/test/items/properties")),
        ("[[test]]\nexpect = \"none\"", expectations),
    ];
    for (file, known) in cases {
        std::fs::write(folder.join("tests/a.toml"), file).expect("writing");
        let report = printed(&["test", &folder.to_string_lossy()], 2);
        let said = report.lines().find(|line| line.contains("expected")).expect("what is expected");
        assert_eq!(expected(said), known, "{report}");
    }
}

#[test]
fn the_tests_of_the_packs_notice_every_rule() {
    for pack in [PACK, "policy/pystorm"] {
        let report = printed(&["test", pack, "--quiet", "--mutate"], 0);
        let lines: Vec<&str> = report.lines().collect();
        let [passed, noticed] = lines.as_slice() else { panic!("{report}") };
        for line in [passed, noticed] {
            let (some, rest) = line.split_once(" of ").expect("figures");
            assert_eq!(rest.split(' ').next(), Some(some), "{report}");
            assert!(some.parse::<u32>().is_ok_and(|some| some > 25), "{report}");
        }
    }
}

#[test]
fn tests_of_a_pack_that_are_wrong_or_blind_fail() {
    let folder = Cluster::shared().new_folder("pack-with-tests");
    std::fs::create_dir(folder.join("tests")).expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("writing");
    write(
        "pack.toml",
        r#"
        [pack]
        [category.plain]
        [category.closed]
        [purpose.reading]
        [clause."C-1"]
        words = "Closed is closed."
        [[rule]]
        id = "plain"
        category = "plain"
        purpose = "reading"
        where = ["kept"]
        effect = "allow"
        [[rule]]
        id = "closed"
        clause = "C-1"
        category = "closed"
        effect = "forbid"
        [table."public.t"]
        default = "plain"
        columns.c = "closed"
        conditions.kept = "k"
        "#,
    );
    write("schema.sql", "CREATE TABLE t (a int, c int, k boolean); INSERT INTO t VALUES (1, 2, true), (3, 4, false);");
    let pack = folder.to_string_lossy().into_owned();
    let none = printed(&["test", &pack], 2);
    assert!(none.contains("no tests"), "{none}");
    let case = |name: &str, sql: &str, more: &str| {
        format!("[[test]]\nname = \"{name}\"\npurpose = \"reading\"\nsql = \"{sql}\"\n{more}\n")
    };
    let blind = [
        case("reads", "SELECT a FROM t", "expect = \"answered\""),
        case("closed", "SELECT c FROM t", "expect = \"refused\"\nclause = \"C-1\""),
    ];
    write("tests/a.toml", &blind.concat());
    let report = printed(&["test", &pack, "--mutate"], 1);
    assert!(
        report.contains("2 of 2 tests pass") && report.contains("rule `plain` without `kept`: no test notices"),
        "{report}"
    );
    write("tests/b.toml", &case("rows", "SELECT a FROM t", "expect = \"answered\"\nrows = [\"1\"]"));
    let report = printed(&["test", &pack, "--mutate"], 0);
    assert!(report.contains("ok rows") && report.contains("4 of 4 changes"), "{report}");
    write("tests/b.toml", &case("rows", "SELECT a FROM t", "expect = \"answered\"\nrows = [\"1\", \"3\"]"));
    assert!(printed(&["test", &pack], 1).contains("answered [\"1\"], not [\"1\", \"3\"]"));
    write("tests/b.toml", &case("wrong", "SELECT a FROM t", "expect = \"refused\"\nclause = \"C-1\""));
    assert!(printed(&["test", &pack], 1).contains("FAILED wrong [C-1]"));
    write("tests/b.toml", &case("typo", "SELECT a FROM t", "expects = \"refused\""));
    assert!(printed(&["test", &pack], 2).contains("unknown field `expects`"));
}

#[test]
fn the_matrix_shows_what_each_purpose_gets() {
    let shown = printed(&["matrix", PACK], 0);
    let names: Vec<&str> = shown.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    let column = names.iter().position(|name| *name == "model_training").expect("a purpose");
    let row = |subject: &str, category: &str| -> Vec<String> {
        let part = shown.split("\n\n").find(|part| part.starts_with(subject)).expect(subject);
        let line = part.lines().find(|line| line.trim_start().starts_with(&format!("{category} "))).expect(category);
        line.split_whitespace().skip(1).map(str::to_owned).collect()
    };
    assert_eq!(row("end_user ", "conversation_data")[column], "✕B-1d", "{shown}");
    assert_eq!(row("end_user ", "conversation_data")[0], "●*B-3a", "{shown}");
    assert_eq!(row("user ", "credential")[0], "◐*B-1e", "{shown}");
    let support = names.iter().position(|name| *name == "customer_support").expect("a purpose");
    assert_eq!(row("end_user ", "contact.email")[support], "◐?*B-1c", "{shown}");
    assert!(shown.contains("? rows are found by a look-up"), "{shown}");
    assert!(!shown.contains("bot_content.prompt"), "no table carries it: {shown}");
    assert!(printed(&["matrix", PACK, "--all"], 0).contains("bot_content.prompt"));
    let inserts = printed(&["matrix", PACK, "--right", "insert"], 0);
    assert!(inserts != shown && inserts.contains("conversation_data"), "{inserts}");

    let folder = Cluster::shared().new_folder("matrix");
    let file = folder.join("matrix.html");
    assert_eq!(printed(&["matrix", PACK, "--html", &file.to_string_lossy()], 0), "");
    let page = std::fs::read_to_string(&file).expect("the page");
    for words in [
        "<!doctype html>",
        "We do not use Conversation Data",
        "aria-label=\"nothing: forbidden for good",
        "the first 1 and last 4 characters, found by a look-up, rows where",
    ] {
        assert!(page.contains(words), "`{words}` in\n{page}");
    }
    for fetched in ["http://", "https://", "<script", "src="] {
        assert!(!page.contains(fetched), "{fetched}");
    }
}

#[test]
fn a_matrix_of_two_packs_shows_what_changes() {
    assert_eq!(printed(&["matrix", PACK, "--diff", PACK], 0), "no right changes\n");
    let folder = Cluster::shared().new_folder("wider-pack");
    for entry in std::fs::read_dir(PACK).expect("the pack").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let declares = name.ends_with(".toml") || name.ends_with(".lock");
        if let Some(text) = declares.then(|| std::fs::read_to_string(entry.path()).expect("a file")) {
            std::fs::write(folder.join(name), text).expect("writing");
        }
    }
    let rule = "\n[[rule]]\nid = \"wider\"\nclause = \"B-3e\"\nsubject = \"user\"\ncategory = \"preference\"\npurpose = \"analytics\"\neffect = { mask = \"null\" }\n";
    std::fs::write(folder.join("wider.toml"), rule).expect("writing");
    let wider = folder.to_string_lossy();
    let line = "  analytics: read user × preference: nothing: no rule permits it → masked: NULL where not erased [wider, B-3e]\n";
    assert_eq!(printed(&["matrix", &wider, "--diff", PACK], 0), format!("granted (1)\n{line}"));
    let back = printed(&["matrix", PACK, "--diff", &wider], 0);
    assert!(
        back.starts_with(
            "taken away (1)\n  analytics: read user × preference: masked: NULL where not erased [wider, B-3e] →"
        ),
        "{back}"
    );
    // A look-up that is gone, and a usage that is closed.
    std::fs::remove_file(folder.join("wider.toml")).expect("a file");
    let file = folder.join("rules.toml");
    let rules = std::fs::read_to_string(&file).expect("the rules");
    std::fs::write(&file, rules.replace("filter   = \"lookup\"", "sort = \"deny\"")).expect("writing");
    let told = printed(&["matrix", &wider, "--diff", PACK], 0);
    let was = "read end_user × contact.email: masked: the first 1 and last 4 characters, found by a look-up";
    assert!(told.starts_with("taken away (2)\n") && told.contains(was), "{told}");
    assert!(told.contains("→ masked: the first 1 and last 4 characters, not for sort"), "{told}");
    assert!(printed(&["matrix", PACK, "--diff", &wider], 0).starts_with("granted (2)\n"));
    let broken = printed(&["matrix", &Cluster::shared().new_folder("no-pack").to_string_lossy()], 2);
    assert!(broken.contains("error:"), "{broken}");
}

#[test]
fn a_check_against_a_server_names_what_is_untagged() {
    rows("CREATE TABLE IF NOT EXISTS untold (secret text)");
    let report = printed(&["check", PACK, "--url", &url()], 0);
    assert!(report.contains("public.untold.secret"), "{report}");
}

#[test]
fn what_can_not_be_done_says_why() {
    let cases: [(&[&str], &str); 5] = [
        (&["check", "no/such/folder"], "no/such/folder"),
        (&["serve", "--config", "no-such.toml"], "no-such.toml"),
        (&["explain", "--policy", PACK, "SELECT 1"], "no catalog"),
        (&["explain", "--policy", PACK, "--catalog", "Cargo.toml", "SELECT 1"], "no catalog snapshot"),
        (&["catalog", "--url", "postgres://nobody@127.0.0.1:1/nowhere"], "reading the catalog"),
    ];
    for (arguments, words) in cases {
        let report = printed(arguments, 2);
        assert!(report.contains(words), "{arguments:?}: `{words}` in\n{report}");
    }
    assert!(explain("no_such_purpose", &[], "SELECT 1", 2).contains("customer_support"), "it names those there are");
    let denied = explain("model_training", &["--role", "marketing"], "SELECT 1", 2);
    assert!(denied.contains("may declare marketing_communication"), "{denied}");
}

#[test]
fn explain_shows_exposures_decision_and_clause() {
    let sql = "SELECT email FROM users WHERE marketing_consent ORDER BY full_name";
    let report = explain("customer_support", &["--role", "support_agent"], sql, 0);
    for words in ["public.users", "contact.email", "filter", "preference", "sort", "permitted, rewritten"] {
        assert!(report.contains(words), "`{words}` in\n{report}");
    }
    let report = explain("model_training", &["--role", "ml_engineer"], "SELECT body FROM messages", 1);
    for words in ["conversation_data", "refused (42501)", "B-1d", "We do not use", "character 8"] {
        assert!(report.contains(words), "`{words}` in\n{report}");
    }
}

#[test]
fn a_snapshot_serves_without_a_server() {
    let file = Cluster::shared().folder().join("snapshot.json");
    std::fs::write(&file, printed(&["catalog", "--url", &url()], 0)).expect("writing the snapshot");
    let sql = "SELECT full_name, password_hash FROM users";
    let file = file.to_string_lossy();
    let offline = ["explain", "--policy", PACK, "--catalog", &file, "--purpose", "customer_support", sql];
    assert_eq!(printed(&offline, 0), explain("customer_support", &[], sql, 0));
}

#[test]
fn a_configuration_names_upstream_and_policy() {
    url();
    let file = Cluster::shared().folder().join("explain.toml");
    let config = wherefore::cli::serve::config_text(0, Cluster::shared().port(), Path::new(PACK));
    std::fs::write(&file, config).expect("writing the configuration");
    let config = file.to_string_lossy();
    let arguments =
        ["explain", "--config", &config, "--database", DATABASE, "--purpose", "model_training", "TABLE messages"];
    assert!(printed(&arguments, 1).contains("B-1d"));
}

#[test]
fn a_guard_keeps_the_primary_key() {
    let sent = explain("customer_support", &["--sent"], "SELECT email, password_hash FROM users WHERE id = 7", 0);
    assert!(sent.contains("NULL::text"), "the guard masks: {sent}");
    let plan = rows(&format!("EXPLAIN (COSTS off) {sent}"));
    assert!(plan.contains("Index Scan using users_pkey") && !plan.contains("Seq Scan"), "{plan}");
}

#[test]
fn a_guard_keeps_grouping_by_the_primary_key() {
    let sql = "SELECT u.id, u.email, count(*) FROM users AS u JOIN support_requests AS s ON s.user_id = u.id GROUP BY u.id \
               ORDER BY u.id";
    let sent = explain("customer_support", &["--sent"], sql, 0);
    assert_eq!(rows(sql), rows(&sent), "{sent}");
}

/// The blocks of code of a page, each with its language, from a chapter's title to the next.
fn blocks(page: &str, chapter: Option<&str>) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).expect("the page");
    let text = match chapter {
        Some(title) => text.split_once(title).expect("the chapter").1.split("\n## ").next().unwrap_or_default(),
        None => &text,
    };
    let inside = text.split("```").skip(1).step_by(2);
    inside.map(|block| block.split_once('\n').expect("a language")).map(|(l, b)| (l.into(), b.into())).collect()
}

/// What is printed, without empty lines and space at their ends.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_first_policy_works_as_written() {
    let cluster = Cluster::shared();
    let all = blocks("README.md", Some("## A first policy in five minutes"));
    let languages: Vec<&str> = all.iter().map(|block| &*block.0).collect();
    assert_eq!(languages, ["sh", "sql", "toml", "toml", "console", "console", "console"]);
    let [sh, sql, config, policy, check, explain, session] = all.iter().map(|block| &*block.1).collect::<Vec<_>>()[..]
    else {
        panic!("seven blocks")
    };
    // Passwords are asked for, as a server is set up that was not made for tests.
    let hba = rows("SHOW hba_file");
    let hba = Path::new(hba.trim());
    let rest = std::fs::read_to_string(hba).expect("pg_hba.conf");
    let asked = "host all writer,catalog_reader 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(hba, format!("{asked}{rest}")).expect("pg_hba.conf");
    rows("SELECT pg_reload_conf()");
    let folder = cluster.new_folder("first-policy");
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let config = config.replace("5432", &cluster.port().to_string()).replace("7500", &port.to_string());
    std::fs::write(folder.join("wherefore.toml"), config).expect("writing");
    std::fs::create_dir(folder.join("policy")).expect("a folder");
    std::fs::write(folder.join("policy/shop.toml"), policy).expect("writing");
    let (exports, makes): (Vec<&str>, Vec<&str>) = sh.lines().partition(|line| line.starts_with("export "));
    let binaries = [Path::new(env!("CARGO_BIN_EXE_wherefore")).to_path_buf(), cluster.program("psql")];
    let folders = binaries.iter().filter_map(|program| program.parent()).map(Path::to_path_buf);
    let path =
        std::env::join_paths(folders.chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())));
    let path = path.expect("a path").into_string().expect("a path");
    let shell = |script: &str| {
        let mut command = Command::new("sh");
        command.arg("-ec").arg(format!("{}\nPATH=\"$BINARIES\"\ncd \"$FOLDER\"\n{script}", exports.join("\n")));
        command.env("BINARIES", &path).env("FOLDER", &folder).env_remove("WHEREFORE_CONFIG");
        command.env("PGHOST", "127.0.0.1").env("PGPORT", cluster.port().to_string()).env("PGUSER", "postgres");
        command.env("PGPASSWORD", "writer-secret").env("PGCLIENTENCODING", "UTF8");
        command
    };
    let printed = |script: &str| {
        let output = shell(&format!("( {script} ) 2>&1")).output().expect("sh");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(printed(&makes.join("\n")), "");
    std::fs::write(folder.join("shop.sql"), sql).expect("writing");
    assert_eq!(lines(&printed("psql -X -q -v ON_ERROR_STOP=1 -d shop -f shop.sql")), [""; 0]);
    let page = blocks("docs/how-a-read-is-rewritten.md", None);
    let page: Vec<&str> = page.iter().filter(|block| block.0 == "console").map(|block| &*block.1).collect();
    assert_eq!(page.len(), 3);
    for console in [check, explain].into_iter().chain(page) {
        let console = console.strip_prefix("$ ").expect("a command").replacen(" \\\n", " ", 1);
        let (command, shown) = console.split_once('\n').expect("an answer");
        assert_eq!(lines(&printed(command)), lines(shown), "{command}");
    }
    let mut serve = shell("exec wherefore serve --config wherefore.toml").spawn().expect("sh");
    let (command, talk) = session.strip_prefix("$ ").and_then(|text| text.split_once('\n')).expect("a session");
    let command = command.replace("7500", &port.to_string()).replacen("psql", "psql -X", 1);
    for _ in 0..200 {
        if printed(&format!("{command} -c 'SHOW wherefore.purpose'")).contains("row") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let (asked, answers): (Vec<&str>, Vec<&str>) = talk.lines().partition(|line| line.starts_with("shop=> "));
    let asked: String = asked.iter().map(|line| format!("{}\n", line.trim_start_matches("shop=> "))).collect();
    std::fs::write(folder.join("asked.sql"), asked).expect("writing");
    let got = printed(&format!("{command} < asked.sql"));
    serve.kill().and_then(|()| serve.wait()).expect("it ends");
    assert_eq!(lines(&got), lines(&answers.join("\n")));
}

#[test]
fn the_tour_does_what_it_says() {
    let output = wherefore(&["demo", "--once"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("steps did what they say"), "{printed}");
}

#[test]
fn one_training_job_under_both_packs() {
    let output = wherefore(&["demo", "--job", "training"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    let (botpress, pystorm) = printed.split_once("Under the Pystorm Privacy Policy").expect("both packs");
    let job = "SELECT person, body FROM conversations ORDER BY id";
    for (part, words) in [
        (botpress, [job, "clause B-1d of Botpress Privacy Statement", "model improvements or training"]),
        (pystorm, [job, "wherefore.pseudonym", "steps did what they say"]),
    ] {
        // Wherever lines end.
        let part = part.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in words {
            assert!(part.contains(words), "`{words}` in\n{part}");
        }
    }
}

#[test]
fn a_lock_file_is_written_and_closes_what_comes_later() {
    let cluster = Cluster::shared();
    cluster.database("locked", "CREATE TABLE kept (id int, a text)");
    let url = format!("postgres://postgres@127.0.0.1:{}/locked", cluster.port());
    let folder = cluster.new_folder("locked-pack");
    let pack = "[pack]\nuntagged = \"deny\"\nlock = true\n[category.plain]\n[purpose.reading]\n[[rule]]\nid = \"plain\"\n\
                category = \"plain\"\neffect = \"allow\"\n[table.\"public.kept\"]\ndefault = \"plain\"\n";
    std::fs::write(folder.join("pack.toml"), pack).expect("writing");
    let policy = folder.to_string_lossy();
    let check = |more: &[&str], code: i32, words: &str| {
        let report = printed(&[&["check", &*policy], more].concat(), code);
        assert!(report.contains(words), "{more:?}: `{words}` in\n{report}");
    };
    let reads = |column: &str, code: i32| {
        let sql = format!("SELECT {column} FROM kept");
        printed(&["explain", "--policy", &policy, "--url", &url, "--purpose", "reading", &sql], code)
    };
    check(&[], 1, "the pack says `lock = true` and has no policy.lock");
    check(&["--write-lock"], 2, "--write-lock needs a catalog");
    check(&["--url", &url, "--write-lock"], 0, "0 untagged columns");
    let lock = std::fs::read_to_string(folder.join("policy.lock")).expect("the file");
    assert!(lock.ends_with("\n\n[table.\"public.kept\"]\ncolumns = [\n    \"a\",\n    \"id\",\n]\n"), "{lock}");
    reads("a", 0);
    cluster.sql("locked", "ALTER TABLE kept ADD COLUMN later text");
    let line = "public.kept.later: not in policy.lock; tag it by name, `columns.later = \"…\"`, or look at it";
    check(&["--url", &url], 0, line);
    assert!(reads("later", 1).contains("it carries no tag"));
    check(&["--url", &url, "--write-lock"], 0, "0 untagged columns");
    reads("later", 0);
    cluster.sql("locked", "ALTER TABLE kept DROP COLUMN a");
    check(&["--url", &url, "--deny-lints"], 1, "policy.lock lists a column `public.kept.a` that the table lacks");
}
