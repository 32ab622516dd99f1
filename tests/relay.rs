//! The relay between real clients and a real server.

#[path = "relay_support/named.rs"]
mod named;
#[path = "common/raw.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod raw;
mod relay_support;
#[path = "relay_support/session_attacks.rs"]
mod session_attacks;
#[path = "common/soak.rs"]
mod soak;
#[path = "relay_support/walk.rs"]
mod walk;

use relay_support::{Cluster, Proxy, program};
use std::process::Command;
use std::sync::OnceLock;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

const SETUP: &str = "
    CREATE ROLE app LOGIN PASSWORD 'secret';
    CREATE ROLE owner LOGIN PASSWORD 'secret' SUPERUSER;
    CREATE ROLE bare LOGIN;
    CREATE ROLE sjis LOGIN; ALTER ROLE sjis SET client_encoding = 'SJIS';
    CREATE ROLE nobody LOGIN PASSWORD 'secret';
    CREATE ROLE md LOGIN; SET password_encryption = 'md5'; ALTER ROLE md PASSWORD 'secret'; RESET password_encryption;
    ALTER ROLE postgres PASSWORD 'secret';
    CREATE TABLE people (id int PRIMARY KEY, name text, email text, note text);
    INSERT INTO people SELECT n, 'name ' || n, 'p' || n || '@example.org', 'note ' || n FROM generate_series(1, 100) n;
    CREATE TABLE items (id int PRIMARY KEY, label text);
    INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 100) n;
    CREATE TABLE gone (id bigint PRIMARY KEY, days int);
    INSERT INTO gone VALUES (1, NULL), (6000000000, 3);
    CREATE SCHEMA other;
    CREATE TABLE other.items (id int, label text);
    INSERT INTO other.items VALUES (1, 'other');
    GRANT USAGE ON SCHEMA other TO app, md, nobody, bare, sjis;
    GRANT ALL ON ALL TABLES IN SCHEMA public, other TO app, md, nobody, bare, sjis;
    GRANT CREATE ON SCHEMA public TO app;
";

const HBA: &str = "
local all all trust
host all md 127.0.0.1/32 md5
host all nobody 127.0.0.1/32 password
host all owner 127.0.0.1/32 trust
host all bare,sjis 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
";

const POLICY: &str = include_str!("relay_support/pack.toml");

struct World {
    cluster: Cluster,
    proxy: Proxy,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let cluster = Cluster::start(HBA, SETUP);
        let more = "[database.trained]\ndbname = \"shop\"\npurpose = \"training\"\n[database.template1]\nopen = true\n";
        let proxy = Proxy::start(&cluster, POLICY, more);
        World { cluster, proxy }
    })
}

async fn connect(user: &str, database: &str, more: &str) -> Result<Client, tokio_postgres::Error> {
    let text = format!("{} {more}", world().proxy.url(user, database));
    let (client, connection) = tokio_postgres::connect(&text, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A session under a purpose.
async fn under(user: &str, purpose: &str) -> Client {
    connect(user, "shop", &format!("options='-c wherefore.purpose={purpose}'")).await.expect("connects")
}

fn code<T>(result: Result<T, tokio_postgres::Error>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.as_db_error().map_or_else(|| error.to_string(), |e| e.code().code().to_owned()),
    }
}

async fn one(client: &Client, sql: &str) -> String {
    let rows = client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let row = rows.iter().rev().find_map(|row| match row {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("NULL").to_owned()),
        _ => None,
    });
    row.unwrap_or_default()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime").block_on(work)
}

#[test]
fn every_kind_of_authentication() {
    block_on(async {
        for user in ["app", "md", "nobody", "owner"] {
            let client = connect(user, "shop", "").await.unwrap_or_else(|error| panic!("{user}: {error:?}"));
            assert_eq!(one(&client, "SHOW server_encoding").await, "UTF8");
        }
        let wrong = world().proxy.url("app", "shop").replace("secret", "guess");
        assert_eq!(code(tokio_postgres::connect(&wrong, NoTls).await), "28P01");
        assert_eq!(code(connect("app", "nowhere", "").await), "3D000");
    });
}

#[test]
fn purposes_are_declared_in_every_way() {
    block_on(async {
        let show = "SHOW wherefore.purpose";
        for (user, database, more, expected) in [
            ("app", "shop", "", "service"),
            ("app", "shop", "options='-c wherefore.purpose=training'", "training"),
            ("app", "shop", "options='--wherefore.purpose=training -c geqo=off'", "training"),
            ("app", "trained", "", "training"),
            ("owner", "shop", "", ""),
            ("owner", "shop", "options='-c wherefore.purpose=everything'", "everything"),
        ] {
            let client = connect(user, database, more).await.unwrap_or_else(|error| panic!("{user} {more}: {error:?}"));
            assert_eq!(one(&client, show).await, expected, "{user} {database} {more}");
        }
        for (user, database, more, expected) in [
            ("app", "shop", "options='-c wherefore.purpose=everything'", "42501"),
            ("app", "shop", "options='-c wherefore.purpose=nonsense'", "22023"),
            ("app", "shop", "options='-c wherefore.reason=nonsense'", "42704"),
            ("app", "trained", "options='-c wherefore.purpose=service'", "42501"),
            ("nobody", "trained", "", "42501"),
        ] {
            assert_eq!(code(connect(user, database, more).await), expected, "{user} {database} {more}");
        }
    });
}

#[test]
fn set_and_its_places() {
    block_on(async {
        let client = connect("app", "shop", "").await.expect("connects");
        let show = "SHOW wherefore.purpose";
        one(&client, "SET wherefore.purpose = 'training'").await;
        assert_eq!(one(&client, show).await, "training");
        one(&client, "RESET wherefore.purpose").await;
        assert_eq!(one(&client, show).await, "service");
        one(&client, "SELECT set_config('wherefore.purpose', 'training', false)").await;
        assert_eq!(one(&client, show).await, "training");
        one(&client, "BEGIN; SET LOCAL wherefore.purpose = 'service'").await;
        assert_eq!(one(&client, show).await, "service");
        assert_eq!(one(&client, "SELECT note FROM people WHERE id = 1").await, "note 1");
        one(&client, "ROLLBACK").await;
        assert_eq!(one(&client, show).await, "training");
        assert_eq!(code(client.simple_query("SELECT note FROM people").await), "42501");
        // A leading SET decides over the rest of the message.
        assert_eq!(
            one(&client, "SET wherefore.purpose = 'service'; SELECT note FROM people WHERE id = 2").await,
            "note 2"
        );
        for (sql, expected) in [
            ("SET wherefore.purpose = 'everything'", "42501"),
            ("SET wherefore.purpose = 'nonsense'", "22023"),
            ("SET wherefore.scope = '1'", "42704"),
            ("SELECT 1; SET wherefore.purpose = 'training'", "25001"),
            ("BEGIN; SELECT 1; SET LOCAL wherefore.purpose = 'training'", "25001"),
        ] {
            let got = code(client.simple_query(sql).await);
            client.simple_query("ROLLBACK").await.expect("rolls back");
            assert!(got == expected || (expected == "42704" && got == "0A000"), "{sql}: {got}");
            assert_eq!(one(&client, show).await, "service", "{sql}");
        }
        assert_eq!(code(client.simple_query("BEGIN; SET wherefore.purpose = 'training'").await), "25001");
        client.simple_query("ROLLBACK").await.expect("rolls back");
        // By the extended protocol.
        client.execute("SET wherefore.purpose = 'training'", &[]).await.expect("sets");
        assert_eq!(one(&client, show).await, "training");
        assert_eq!(code(client.query("SELECT note FROM people", &[]).await), "42501");
        assert_eq!(client.query("SELECT id FROM people", &[]).await.expect("rows").len(), 100);
    });
}

#[test]
fn comments_declare_for_one_statement() {
    block_on(async {
        let client = connect("app", "shop", "").await.expect("connects");
        let sql = "SELECT current_setting('wherefore.purpose') /*purpose='training'*/";
        let shown = client.simple_query(sql).await;
        assert!(shown.is_ok() || code(shown) == "0A000");
        assert_eq!(code(client.simple_query("SELECT note FROM people /*purpose='training'*/").await), "42501");
        assert_eq!(code(client.query("SELECT note FROM people /*purpose='training'*/", &[]).await), "42501");
        assert_eq!(client.query("SELECT id FROM people /*purpose='training'*/", &[]).await.expect("rows").len(), 100);
        assert_eq!(one(&client, "SELECT note FROM people WHERE id = 3").await, "note 3");
        assert_eq!(one(&client, "SHOW wherefore.purpose").await, "service");
        client.simple_query("BEGIN").await.expect("begins");
        assert_eq!(code(client.simple_query("SELECT id FROM people /*purpose='training'*/").await), "25001");
        client.simple_query("ROLLBACK").await.expect("rolls back");
        client.simple_query("BEGIN").await.expect("begins");
        assert_eq!(one(&client, "SELECT note FROM people WHERE id = 1 /*purpose='service'*/").await, "note 1");
        client.simple_query("COMMIT").await.expect("commits");
        // A prepared statement keeps its comment.
        let statement = client.prepare("SELECT id FROM people WHERE id = $1 /*purpose='training'*/").await.expect("s");
        for _ in 0..2 {
            assert_eq!(client.query(&statement, &[&7]).await.expect("rows").len(), 1);
            assert_eq!(one(&client, "SHOW wherefore.purpose").await, "service");
        }
    });
}

#[test]
fn prepared_statements_are_judged_again() {
    block_on(async {
        let client = connect("app", "shop", "").await.expect("connects");
        let statement = client.prepare("SELECT id, note FROM people WHERE id = $1").await.expect("prepares");
        assert_eq!(client.query(&statement, &[&1]).await.expect("rows")[0].get::<_, &str>(1), "note 1");
        let masked = client.prepare("SELECT id, email FROM people WHERE id = $1").await.expect("prepares");
        assert_eq!(client.query(&masked, &[&1]).await.expect("rows")[0].get::<_, &str>(1), "p1@example.org");
        one(&client, "SET wherefore.purpose = 'training'").await;
        assert_eq!(code(client.query(&statement, &[&1]).await), "42501");
        assert_eq!(client.query(&masked, &[&1]).await.expect("rows")[0].get::<_, Option<&str>>(1), None);
        one(&client, "RESET wherefore.purpose").await;
        assert_eq!(client.query(&statement, &[&1]).await.expect("rows")[0].get::<_, &str>(1), "note 1");
        assert_eq!(client.query(&masked, &[&1]).await.expect("rows")[0].get::<_, &str>(1), "p1@example.org");
    });
}

#[test]
fn unrestricted_work_needs_a_clean_session() {
    block_on(async {
        let client = under("owner", "everything").await;
        client.simple_query("CREATE TEMP TABLE copy AS SELECT * FROM people").await.expect("creates");
        let set = "SET wherefore.purpose = 'training'";
        assert_eq!(code(client.simple_query(set).await), "25001");
        client.simple_query("DISCARD ALL").await.expect("discards");
        client.simple_query(set).await.expect("sets");
        assert_eq!(code(client.simple_query("SELECT note FROM people").await), "42501");
        client.simple_query("DISCARD ALL").await.expect("discards");
        assert_eq!(one(&client, "SHOW wherefore.purpose").await, "everything");
        assert_eq!(one(&client, "SELECT note FROM people WHERE id = 9").await, "note 9");
    });
}

#[test]
fn search_path_is_followed() {
    block_on(async {
        let client = connect("app", "shop", "").await.expect("connects");
        let label = "SELECT label FROM items WHERE id = 1";
        assert_eq!(one(&client, label).await, "item 1");
        one(&client, "SET search_path = other").await;
        assert_eq!(one(&client, label).await, "other");
        one(&client, "RESET search_path").await;
        assert_eq!(one(&client, label).await, "item 1");
        one(&client, "BEGIN").await;
        one(&client, "SET search_path = other").await;
        one(&client, "SAVEPOINT s").await;
        one(&client, "SET LOCAL search_path = public").await;
        assert_eq!(one(&client, label).await, "item 1");
        one(&client, "ROLLBACK TO s").await;
        assert_eq!(one(&client, label).await, "other");
        one(&client, "ROLLBACK").await;
        assert_eq!(one(&client, label).await, "item 1");
        assert_eq!(one(&client, &format!("SET search_path = other; {label}")).await, "other");
        one(&client, "SELECT set_config('search_path', 'public', false)").await;
        assert_eq!(one(&client, label).await, "item 1");
    });
}

#[test]
fn a_refusal_leaves_what_a_failing_statement_leaves() {
    block_on(async {
        let client = under("app", "training").await;
        client.simple_query("BEGIN").await.expect("begins");
        assert_eq!(code(client.simple_query("SELECT note FROM people").await), "42501");
        assert_eq!(code(client.simple_query("SELECT 1").await), "25P02");
        assert_eq!(code(client.simple_query("SELECT note FROM people").await), "25P02");
        client.simple_query("ROLLBACK").await.expect("rolls back");
        // In a pipeline: those before and after are answered, in order.
        let (a, b, c) = tokio::join!(
            client.query("SELECT id FROM people WHERE id = 1", &[]),
            client.query("SELECT note FROM people", &[]),
            client.query("SELECT id FROM people WHERE id = 2", &[]),
        );
        assert_eq!((a.expect("rows").len(), code(b), c.expect("rows").len()), (1, "42501".to_owned(), 1));
        let error = client.simple_query("SELECT id FROM people;  SELECT note FROM people").await.expect_err("refused");
        let report = error.as_db_error().expect("a report").clone();
        assert!(report.message().contains("note"), "{report:?}");
        assert!(report.hint().is_some(), "{report:?}");
        assert_eq!(report.position(), Some(&tokio_postgres::error::ErrorPosition::Original(32)), "{report:?}");
    });
}

#[test]
fn ddl_is_seen_by_the_next_statement_of_any_session() {
    block_on(async {
        let owner = under("owner", "everything").await;
        let client = connect("app", "shop", "").await.expect("connects");
        for turn in 0..3 {
            owner.simple_query("CREATE TABLE things (id int)").await.expect("creates");
            assert_eq!(code(client.simple_query("SELECT id FROM things").await), "42501", "{turn}: untagged");
            owner.simple_query("DROP TABLE things").await.expect("drops");
            assert_eq!(code(client.simple_query("SELECT id FROM things").await), "42P01", "{turn}");
        }
    });
}

#[test]
fn copy_in_and_out() {
    use futures_util::{SinkExt, StreamExt};
    block_on(async {
        let client = under("owner", "everything").await;
        client.simple_query("CREATE TEMP TABLE target (line text)").await.expect("creates");
        for turn in 0..3 {
            let sink = client.copy_in::<_, bytes::Bytes>("COPY target FROM STDIN").await.expect("copies");
            let mut sink = std::pin::pin!(sink);
            for _ in 0..100 {
                sink.send(bytes::Bytes::from(vec![b'x'; 10_000])).await.expect("sends");
            }
            sink.send(bytes::Bytes::from_static(b"\n")).await.expect("sends");
            assert_eq!(sink.finish().await.expect("finishes"), 1);
            assert_eq!(one(&client, "SELECT count(*) FROM target").await, (turn + 1).to_string());
        }
        let stream = client.copy_out("COPY target TO STDOUT").await.expect("copies");
        let mut stream = std::pin::pin!(stream);
        let mut total = 0;
        while let Some(piece) = stream.next().await {
            total += piece.expect("a piece").len();
        }
        assert_eq!(total, 3 * 1_000_001);
        let failing = client.copy_in::<_, bytes::Bytes>("COPY items FROM STDIN").await.expect("copies");
        let mut failing = std::pin::pin!(failing);
        failing.send(bytes::Bytes::from_static(b"not a number\tx\n")).await.expect("sends");
        assert_eq!(code(failing.finish().await), "22P02");
        assert_eq!(one(&client, "SELECT 1").await, "1");
    });
}

#[test]
fn big_results_and_values() {
    block_on(async {
        let client = under("owner", "everything").await;
        let rows =
            client.query("SELECT g, repeat('x', 1000) FROM generate_series(1, 50000) g", &[]).await.expect("rows");
        assert_eq!(rows.len(), 50_000);
        let value = "y".repeat(5 << 20);
        let row = client.query_one("SELECT length($1::text), $1::text", &[&value]).await.expect("a row");
        assert_eq!((row.get::<_, i32>(0), row.get::<_, &str>(1).len()), (5 << 20, 5 << 20));
        assert_eq!(one(&client, &format!("SELECT length('{value}')")).await, (5 << 20).to_string());
    });
}

#[test]
fn cancel_reaches_the_server() {
    block_on(async {
        let client = under("owner", "everything").await;
        let token = client.cancel_token();
        let (slept, ()) = tokio::join!(client.simple_query("SELECT pg_sleep(20)"), async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            token.cancel_query(NoTls).await.expect("cancels");
        });
        assert_eq!(code(slept), "57014");
        assert_eq!(one(&client, "SELECT 1").await, "1");
    });
}

#[test]
fn psql_and_pgbench() {
    let world = world();
    let port = world.proxy.address.port().to_string();
    let run = |name: &str, arguments: &[&str]| {
        let output = Command::new(program(name))
            .args(["-h", "127.0.0.1", "-p", &port, "-U", "owner"])
            .env("PGOPTIONS", "-c wherefore.purpose=everything")
            .args(arguments)
            .output()
            .expect(name);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} {arguments:?}: {text}");
        text
    };
    assert!(run("psql", &["-X", "-d", "shop", "-c", "\\d people"]).contains("people_pkey"));
    world.cluster.psql("postgres", "CREATE DATABASE bench").expect("creates");
    run("pgbench", &["-i", "-s", "1", "-q", "bench"]);
    for mode in ["simple", "extended", "prepared"] {
        run("pgbench", &["-S", "-n", "-c", "4", "-t", "200", "-M", mode, "bench"]);
        run("pgbench", &["-n", "-c", "4", "-t", "50", "-M", mode, "bench"]);
    }
}

#[test]
fn an_open_database_is_not_judged() {
    block_on(async {
        let client = connect("app", "template1", "").await.expect("connects");
        assert_eq!(one(&client, "SELECT count(*) FROM pg_class WHERE relname = 'pg_class'").await, "1");
    });
}

/// The proxy's own connection to a database does not stand in the way of dropping it, and of one that is made anew by that name
/// nothing is believed that was known of the old one.
#[test]
fn a_database_that_nobody_uses_can_be_dropped() {
    block_on(async {
        let owner = under("owner", "everything").await;
        let turns = [
            ("CREATE TABLE people (id int, email text, note text)", "ok"),
            (
                "CREATE TABLE secrets (a text); CREATE VIEW people AS SELECT 1 AS id, a AS email, a AS note FROM secrets",
                "42501",
            ),
        ];
        for (tables, expected) in turns {
            owner.simple_query("CREATE DATABASE fleeting").await.expect("creates");
            let make =
                connect("owner", "fleeting", "options='-c wherefore.purpose=everything'").await.expect("connects");
            let grant = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO app";
            make.simple_query(&format!("{tables}; {grant}")).await.expect("makes the tables");
            drop(make);
            let app = connect("app", "fleeting", "").await.expect("connects");
            assert_eq!(code(app.simple_query("SELECT note FROM people").await), expected, "{tables}");
            assert_eq!(code(owner.simple_query("DROP DATABASE fleeting").await), "55006", "in use");
            drop(app);
            assert_eq!(code(owner.simple_query("DROP DATABASE fleeting").await), "ok", "{tables}");
        }
    });
}
