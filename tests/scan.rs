//! `wherefore scan` on a database with good and bad names: what it proposes, that the draft loads, and that no value is printed.

mod common;

use common::Cluster;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

const DATABASE: &str = "scanned";
/// No value of a column may stand in what is printed.
const PLANTED: [&str; 10] =
    ["planted", "Plantedson", "4111 1", "550000", "+49 30", "203.0.113", "10997", "correct horse", "$2b$", "d0be2dc4"];

const SCHEMA: &str = "
    CREATE TABLE people (
        id bigint PRIMARY KEY, full_name text, x1 text, x2 text, x3 inet, born date, pw text, x4 text, place point, remark text,
        email text, flag boolean, \"od\"\"d, name\" text);
    CREATE TABLE orders (id bigint PRIMARY KEY, buyer bigint REFERENCES people (id), amount numeric, x5 text, name text);
    CREATE TABLE newcomers (email text, zip_code text);
    CREATE TABLE stubborn (email text);
    INSERT INTO people SELECT i, 'Plantedson Number' || chr(65 + i % 26), 'planted' || i || '@example.com',
        (ARRAY['4111 1111 1111 1111', '5500000000000004'])[i % 2 + 1], ('203.0.113.' || i)::inet, date '1960-01-01' + i * 100,
        'planted secret ' || i, '$2b$12$planted' || md5(i::text), point(52.1234 + i / 100.0, 13.1234), 'correct horse battery staple planted here',
        'no address', true, md5('planted' || i) FROM generate_series(1, 80) AS i;
    INSERT INTO orders SELECT i, i, i * 10997, '+49 30 ' || 1000000 + i, 'planted thing' FROM generate_series(1, 80) AS i;
    INSERT INTO stubborn VALUES ('planted@example.com');
    CREATE ROLE scanner LOGIN;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO scanner;
    ALTER TABLE stubborn ENABLE ROW LEVEL SECURITY;
    CREATE POLICY p ON stubborn USING (email::int > 0);";

/// The server, and the URL of a database on it as a role that is no superuser.
fn server() -> (&'static Cluster, String) {
    static MADE: OnceLock<()> = OnceLock::new();
    let cluster = Cluster::shared();
    MADE.get_or_init(|| {
        cluster.sql("postgres", &format!("CREATE DATABASE {DATABASE}"));
        cluster.sql(DATABASE, SCHEMA);
    });
    (cluster, format!("postgres://scanner@127.0.0.1:{}/{DATABASE}", cluster.port()))
}

/// Standard output and error of a command that ends well.
#[track_caller]
fn run(arguments: &[&str]) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_wherefore")).args(arguments).output().expect("wherefore");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}\n{stdout}\n{stderr}");
    for planted in PLANTED {
        assert!(!stdout.contains(planted) && !stderr.contains(planted), "`{planted}` in\n{stdout}\n{stderr}");
    }
    (stdout.into_owned(), stderr.into_owned())
}

/// The categories that a file of tags gives columns, `table.column`; a table's default under `table.*`.
fn tags(text: &str) -> BTreeMap<String, Vec<String>> {
    let parsed: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    let words = |value: &toml::Value| match value {
        toml::Value::String(word) => vec![word.clone()],
        other => other.as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect(),
    };
    let mut found = BTreeMap::new();
    for (table, value) in parsed.get("table").and_then(toml::Value::as_table).into_iter().flatten() {
        let value = value.as_table().expect("a table");
        if let Some(default) = value.get("default") {
            found.insert(format!("{table}.*"), words(default));
        }
        for (column, categories) in value.get("columns").and_then(toml::Value::as_table).into_iter().flatten() {
            found.insert(format!("{table}.{column}"), words(categories));
        }
    }
    found
}

#[test]
fn what_columns_hold_is_proposed_and_no_value_is_printed() {
    let (cluster, url) = server();
    let folder = cluster.new_folder("drafted");
    let file = folder.join("tags.toml");
    let (stdout, stderr) = run(&["scan", "--url", &url, "--output", &file.to_string_lossy()]);
    assert!(stdout.is_empty() && stderr.contains("columns without a tag have a proposal"), "{stdout}{stderr}");
    let text = std::fs::read_to_string(&file).expect("the draft");
    for planted in PLANTED {
        assert!(!text.contains(planted), "`{planted}` in\n{text}");
    }
    let proposed = tags(&text);
    for (column, category) in [
        ("people.id", Some("user.unique_id")),
        ("people.full_name", Some("user.name")),
        ("people.x1", Some("user.contact.email")),
        ("people.x2", Some("user.financial.credit_card")),
        ("people.x3", Some("user.device.ip_address")),
        ("people.born", Some("user.demographic.date_of_birth")),
        ("people.pw", None),
        ("people.x4", Some("user.authorization.credentials")),
        ("people.place", Some("user.location.precise")),
        ("people.remark", Some("user.content")),
        // Its name says so, but its values do not look like it.
        ("people.email", None),
        ("people.flag", None),
        ("people.od\"d, name", Some("user.authorization.credentials")),
        ("orders.buyer", Some("user.unique_id")),
        ("orders.amount", Some("user.financial")),
        ("orders.x5", Some("user.contact.phone_number")),
        ("orders.name", None),
        ("newcomers.email", Some("user.contact.email")),
        ("newcomers.zip_code", Some("user.contact.address.postal_code")),
        ("stubborn.email", Some("user.contact.email")),
    ] {
        let found = proposed.get(&format!("public.{column}")).map(|categories| categories.join(", "));
        assert_eq!(found.as_deref(), category, "{column} in\n{text}");
    }
    for words in [
        "100 % of 80 sampled values look like e-mail addresses",
        "subject_key = \"buyer\"    # a guess: refers to public.people",
        "# not sampled: the server answered 22P02",
        "# columns.email = \"user.contact.email\"    # 35 %: its name says so, but only 0 % of 80",
    ] {
        assert!(text.contains(words), "`{words}` in\n{text}");
    }
    let (report, _) = run(&["check", &folder.to_string_lossy(), "--url", &url]);
    assert!(report.contains("loads"), "{report}");
}

#[test]
fn names_alone_are_looked_at_where_no_row_is_wanted() {
    let (_, url) = server();
    let (stdout, _) = run(&["scan", "--url", &url, "--rows", "0"]);
    let proposed = tags(&stdout);
    assert!(!proposed.contains_key("public.people.x1") && proposed.contains_key("public.people.email"), "{stdout}");
    assert!(stdout.contains("no value was sampled") && !stdout.contains("22P02"), "{stdout}");
}

#[test]
fn a_table_that_is_locked_is_passed_over() {
    let (cluster, url) = server();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let held = runtime.block_on(async {
        let text = format!("host=127.0.0.1 port={} user=postgres dbname={DATABASE}", cluster.port());
        let (client, connection) = tokio_postgres::connect(&text, tokio_postgres::NoTls).await.expect("a connection");
        tokio::spawn(connection);
        client.batch_execute("BEGIN; LOCK newcomers").await.expect("a lock");
        client
    });
    let (stdout, _) = run(&["scan", "--url", &url, "--timeout", "300"]);
    assert!(stdout.contains("not sampled: ") && tags(&stdout).contains_key("public.people.x1"), "{stdout}");
    drop(held);
}

/// Of the columns of a pack's schema: how many proposals are right, and how many of its tags are proposed.
#[test]
fn the_packs_own_tags_are_proposed() {
    let (cluster, _) = server();
    for (pack, precision, recall) in [("botpress", 60, 50), ("pystorm", 60, 50)] {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("policy").join(pack);
        let read = |name: &str| std::fs::read_to_string(own.join(name)).unwrap_or_default();
        cluster.sql("postgres", &format!("CREATE DATABASE scan_{pack}"));
        cluster.sql(&format!("scan_{pack}"), &format!("{};{}", read("schema.sql"), read("data.sql")));
        // The pack without its tags: what they say is of another schema.
        let folder = cluster.new_folder(&format!("scan-{pack}"));
        for entry in std::fs::read_dir(&own).expect("the pack").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".toml") || name.ends_with(".lock") {
                let text = read(&name).replace("[table.\"public.", "[table.\"elsewhere.");
                let text = text.replace("-> public.", "-> elsewhere.");
                std::fs::write(folder.join(&name), text).expect("a file");
            }
        }
        let url = format!("postgres://postgres@127.0.0.1:{}/scan_{pack}", cluster.port());
        let (stdout, _) = run(&["scan", "--url", &url, "--policy", &folder.to_string_lossy()]);
        std::fs::write(folder.join("drafted.toml"), &stdout).expect("the draft");
        run(&["check", &folder.to_string_lossy(), "--url", &url]);
        let (truth, proposed) = (tags(&read("tables.toml")), tags(&stdout));
        let of = |column: &str| {
            let (table, _) = column.rsplit_once('.').expect("a table");
            truth.get(column).or_else(|| truth.get(&format!("{table}.*")))
        };
        let right = proposed.iter().filter(|(column, categories)| of(column) == Some(*categories)).count();
        let columns =
            stdout.lines().filter(|line| line.starts_with("columns.") || line.starts_with("# columns.")).count();
        let (exact, found) = (right * 100 / proposed.len(), right * 100 / columns);
        println!(
            "{pack}: {columns} columns, {} proposals, {right} right: precision {exact} %, recall {found} %",
            proposed.len()
        );
        for (column, categories) in proposed.iter().filter(|(column, categories)| of(column) != Some(*categories)) {
            println!("    {column}: {categories:?}, not {:?}", of(column));
        }
        assert!(exact >= precision && found >= recall, "{pack}: {exact} % precision, {found} % recall\n{stdout}");
    }
}

#[test]
fn what_others_have_tagged_is_imported() {
    let (cluster, _) = server();
    let folder = cluster.new_folder("imported");
    let file = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).expect("a file");
        folder.join(name).to_string_lossy().into_owned()
    };
    let fides = file(
        "fides.yml",
        "dataset:\n- fides_key: shop\n  collections:\n  - name: leads\n    fields:\n    - {name: mail, data_categories: [user.contact.email]}\n    \
         - {name: street, data_categories: [user.contact.address.street]}\n    - {name: shoe, data_categories: [system.operations]}\n",
    );
    let dbt = file(
        "schema.yml",
        "models:\n- name: leads\n  meta: {wherefore: {subject: visitor, subject_key: id}}\n  columns:\n  - {name: id, meta: {wherefore: {category: identifier.person}}}\n  \
         - {name: mail, meta: {data_category: user.contact.email}}\n",
    );
    let pack = "policy/botpress";
    let printed = |arguments: &[&str], code: i32| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_wherefore")).arg("import").args(arguments).output().expect("wherefore");
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{stdout}\n{stderr}");
        if code == 2 { stderr.into_owned() } else { stdout.into_owned() }
    };
    let text = printed(&["fides", &fides, "--policy", pack], 1);
    let found = tags(&text);
    assert_eq!(found["public.leads.mail"], ["contact.email"], "{text}");
    assert_eq!(found["public.leads.street"], ["contact"], "the nearest above: {text}");
    assert!(
        text.contains("# columns.shoe = \"system.operations\"") && !found.contains_key("public.leads.shoe"),
        "{text}"
    );
    let text = printed(&["dbt", &dbt, "--policy", pack], 0);
    for line in [
        "subject = \"visitor\"",
        "subject_key = \"id\"",
        "columns.id = \"identifier.person\"",
        "columns.mail = \"contact.email\"",
    ] {
        assert!(text.lines().any(|written| written.starts_with(line)), "`{line}` in\n{text}");
    }
    // Without a policy it is a pack of its own.
    let drafted = cluster.new_folder("imported-pack");
    let own = drafted.join("tags.toml");
    printed(&["fides", &fides, "--output", &own.to_string_lossy()], 0);
    run(&["check", &drafted.to_string_lossy()]);
    assert!(printed(&["dbt", &file("broken.yml", "models: ["), "--policy", pack], 2).contains("broken.yml"));
    assert!(printed(&["dbt", &file("empty.yml", "version: 2"), "--policy", pack], 2).contains("no tag stands"));
}
