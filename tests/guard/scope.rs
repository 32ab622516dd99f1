//! Rows that a parameter bounds: who gives its value, that it is given once, and what may be written within it.

use super::{At, Client, Cluster, Proxy, clients_on, rows, run};
use std::path::Path;
use wherefore::cli::serve;

const SCHEMA: &str = "
    CREATE TABLE users (id int PRIMARY KEY, customer_id int NOT NULL, name text, note varchar(40));
    INSERT INTO users SELECT i, 40 + i % 3, 'name ' || i, 'note ' || i FROM generate_series(1, 9) i;
    CREATE TABLE messages (id int PRIMARY KEY, user_id int REFERENCES users (id) ON DELETE CASCADE, customer_id int, body text);
    INSERT INTO messages SELECT i, i, 40 + i % 3, 'body ' || i FROM generate_series(1, 9) i;
    CREATE TABLE tenants (id bigint PRIMARY KEY, code text);
    INSERT INTO tenants VALUES (41, 'a'), (42, 'b''; DROP TABLE users; --'), (43, 'c\\');
";

const PACK: &str = r#"
    [pack]
    name = "scope"
    document = "A Promise"
    dated = 2026-01-01
    [subject.person]
    [category.plain]
    [purpose.service]
    [purpose.request]
    [purpose.analytics]
    [parameter.customer]
    type = "int4"
    from = "session"
    [parameter.tenant]
    type = "text"
    from = "session"
    required = false
    [parameter.person]
    type = "int8"
    from = "session"
    [clause."S-1"]
    words = "Each customer sees its own."
    [[rule]]
    id = "own-customer"
    clause = "S-1"
    subject = "person"
    purpose = "service"
    rights = ["read", "insert", "update", "delete"]
    where = ["scope.customer"]
    effect = "allow"
    [[rule]]
    id = "own-person"
    clause = "S-1"
    subject = "person"
    purpose = "request"
    rights = ["read", "update", "delete"]
    where = ["scope.person"]
    effect = "allow"
    [[rule]]
    id = "all"
    clause = "S-1"
    category = "plain"
    purpose = "analytics"
    effect = "allow"
    [table."public.users"]
    subject = "person"
    default = "plain"
    scope.customer = "customer_id = $customer"
    scope.person = "id = $person"
    [table."public.messages"]
    subject = "person"
    default = "plain"
    scope.customer = "customer_id = $customer"
    scope.person = "user_id = $person"
    [table."public.tenants"]
    subject = "person"
    default = "plain"
    scope.customer = "code = $tenant"
    scope.person = "id = $person"
    [role.tester]
    purposes = ["service", "request", "analytics"]
"#;

async fn clients(database: &str, purpose: &str) -> (Client, Client, Proxy) {
    clients_on(database, SCHEMA, purpose, PACK).await
}

async fn ids(client: &Client, sql: &str) -> String {
    let found = rows(client, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    found.into_iter().flatten().flatten().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_value_is_needed_and_given_once() {
    run(async {
        let (guarded, _direct, proxy) = clients("scope_once", "service").await;
        let refused = rows(&guarded, "SELECT id FROM users").await.expect_err("no value");
        assert_eq!(
            refused,
            "42501: parameter \"customer\" has no value, and condition \"scope.customer\" shows rows of public.users by it"
        );
        for (sql, refused) in [
            ("SELECT 1 FROM messages", "42501: parameter \"customer\" has no value"),
            ("UPDATE users SET name = 'x'", "42501: parameter \"customer\" has no value"),
            ("DELETE FROM messages", "42501: parameter \"customer\" has no value"),
            ("INSERT INTO users VALUES (10, 41, 'x', 'y')", "42501: parameter \"customer\" has no value"),
            ("SET wherefore.customer = 'x'", "22023: parameter \"customer\" must be a value of type int4"),
            ("SET wherefore.customer = '2147483648'", "22023: parameter \"customer\" must be"),
            ("SET wherefore.customer = 41, 42", "22023: wherefore.customer takes one value"),
            ("SET LOCAL wherefore.customer = 41", "22023: wherefore.customer holds for a whole session"),
            (
                "SET wherefore.costumer = 41",
                "0A000: purpose \"service\" is restricted, and SET wherefore.costumer is not understood",
            ),
            ("BEGIN; SET wherefore.customer = 41", "25001: wherefore.customer can be set only"),
        ] {
            let error = rows(&guarded, sql).await.expect_err(sql);
            assert!(error.starts_with(refused), "{sql}: {error}");
            rows(&guarded, "ROLLBACK").await.expect("ROLLBACK");
        }
        rows(&guarded, "SET wherefore.customer = 41").await.expect("a value");
        assert_eq!(ids(&guarded, "SELECT id FROM users ORDER BY id").await, "1 4 7");
        assert_eq!(ids(&guarded, "SHOW wherefore.customer").await, "41");
        rows(&guarded, "SET wherefore.customer = '41'").await.expect("the same value");
        for sql in [
            "SET wherefore.customer = 42",
            "SELECT set_config('wherefore.customer', '42', false)",
            "RESET wherefore.customer",
            "SET wherefore.customer TO DEFAULT",
        ] {
            rows(&guarded, sql).await.expect_err(sql);
        }
        for sql in ["RESET ALL", "DISCARD ALL"] {
            rows(&guarded, sql).await.expect(sql);
            rows(&guarded, "SET wherefore.customer = 42").await.expect_err(sql);
            assert_eq!(ids(&guarded, "SELECT id FROM users ORDER BY id").await, "1 4 7", "{sql}");
        }
        // Another session beside it, with a plan for the same text.
        let at = At { port: proxy.port(), database: "scope_once", user: "tester", purpose: Some("service") };
        let other = at.tokio().await;
        rows(&other, "SET wherefore.customer = 42").await.expect("a value");
        for _again in 0..3 {
            assert_eq!(ids(&other, "SELECT id FROM users ORDER BY id").await, "2 5 8");
            assert_eq!(ids(&guarded, "SELECT id FROM users ORDER BY id").await, "1 4 7");
        }
    });
}

#[test]
fn a_prepared_statement_follows_the_value() {
    run(async {
        let (guarded, _direct, _proxy) = clients("scope_prepared", "analytics").await;
        let statement = guarded.prepare("SELECT id FROM users ORDER BY id").await.expect("preparing");
        rows(&guarded, "SET wherefore.purpose = 'service'").await.expect("a purpose");
        let error = guarded.query(&statement, &[]).await.expect_err("no value");
        assert_eq!(error.code().map(|code| code.code()), Some("42501"));
        rows(&guarded, "SET wherefore.customer = 40").await.expect("a value");
        let found: Vec<i32> =
            guarded.query(&statement, &[]).await.expect("rows").iter().map(|row| row.get(0)).collect();
        assert_eq!(found, [3, 6, 9]);
    });
}

#[test]
fn values_are_constants_whatever_is_in_them() {
    run(async {
        for (number, (value, found)) in
            [("b'; DROP TABLE users; --", "42"), ("c\\", "43"), ("a' OR 'x' = 'x", ""), ("", "")]
                .into_iter()
                .enumerate()
        {
            let (guarded, direct, _proxy) = clients(&format!("scope_quoting_{number}"), "service").await;
            let quoted = value.replace('\'', "''");
            rows(&guarded, &format!("SET wherefore.tenant = '{quoted}'")).await.expect(value);
            assert_eq!(ids(&guarded, "SELECT id FROM tenants ORDER BY id").await, found, "{value}");
            assert_eq!(ids(&direct, "SELECT count(*) FROM users").await, "9");
        }
        // Not required: without a value it is null, and equal to nothing.
        let (guarded, _direct, _proxy) = clients("scope_optional", "service").await;
        assert_eq!(ids(&guarded, "SELECT id FROM tenants").await, "");
    });
}

#[test]
fn writes_stay_within_the_scope() {
    run(async {
        let (guarded, direct, _proxy) = clients("scope_writes", "service").await;
        rows(&guarded, "SET wherefore.customer = 41").await.expect("a value");
        for sql in [
            "INSERT INTO users VALUES (10, 41, 'ten', 'y')",
            "INSERT INTO users (customer_id, id) VALUES ('41', 11), (41, 12)",
            "INSERT INTO users (id, customer_id) SELECT v.i, v.c FROM (VALUES (13, 41)) AS v (i, c)",
            "UPDATE users SET name = 'changed'",
            "DELETE FROM messages",
        ] {
            rows(&guarded, sql).await.expect(sql);
        }
        for (id, customer, inserted) in [(20, 41, true), (21, 42, false), (22, -41, false)] {
            let sql = "INSERT INTO users (id, customer_id, name) VALUES ($1, $2, 'p')";
            let outcome = guarded.execute(sql, &[&id, &customer]).await;
            match outcome {
                Ok(count) => assert!(inserted && count == 1, "{customer}"),
                Err(error) => {
                    let error = error.as_db_error().expect("a report");
                    let report = (error.code().code(), error.message());
                    assert_eq!(report, ("42501", "a new row does not meet the conditions of the policy"));
                    assert!(!inserted);
                }
            }
        }
        for sql in [
            "INSERT INTO users VALUES (30, 42, 'x', 'y')",
            "INSERT INTO users VALUES (30, NULL, 'x', 'y')",
            "INSERT INTO users VALUES (30, 41, 'x', 'y'), (31, 42, 'x', 'y')",
            "INSERT INTO users (id) VALUES (30)",
            "INSERT INTO users VALUES (30, DEFAULT, 'x', 'y')",
            "INSERT INTO users VALUES (30, 41 + 1, 'x', 'y')",
            "INSERT INTO users (id, customer_id) SELECT v.i, v.c FROM (VALUES (30, 42)) AS v (i, c)",
            "INSERT INTO users (id, customer_id) SELECT 30, 41 UNION SELECT 31, 42",
            "INSERT INTO users DEFAULT VALUES",
            "WITH new AS (INSERT INTO users VALUES (30, 42, 'x', 'y') RETURNING id) SELECT id FROM new",
            "PREPARE p AS INSERT INTO users VALUES (30, $1, 'x', 'y'); EXECUTE p (42)",
            "COPY users FROM STDIN",
            "MERGE INTO users USING (VALUES (30)) v (i) ON v.i = users.id WHEN NOT MATCHED THEN INSERT VALUES (30, 42, 'x', 'y')",
            "UPDATE users SET customer_id = 42",
            "UPDATE users SET customer_id = 42 WHERE id = 1",
            "INSERT INTO users VALUES (2, 41, 'x', 'y') ON CONFLICT (id) DO UPDATE SET name = 'x'",
            "TRUNCATE messages",
        ] {
            let error = rows(&guarded, sql).await.expect_err(sql);
            assert!(error.starts_with("42501") || error.starts_with("0A000"), "{sql}: {error}");
        }
        let users = ids(&direct, "SELECT id FROM users WHERE name = 'changed' OR customer_id = 41 ORDER BY id").await;
        assert_eq!(users, "1 4 7 10 11 12 13 20");
        assert_eq!(ids(&direct, "SELECT id FROM messages ORDER BY id").await, "2 3 5 6 8 9");
    });
}

/// Clause P-5 of the second pack: a person's own data is read, corrected and deleted, and no one else's.
#[test]
fn a_request_reaches_one_person() {
    run(async {
        let (guarded, direct, _proxy) = clients("scope_person", "request").await;
        rows(&guarded, "SET wherefore.person = 5").await.expect("a value");
        assert_eq!(ids(&guarded, "SELECT id FROM users").await, "5");
        assert_eq!(ids(&guarded, "SELECT body FROM messages").await, "body 5");
        rows(&guarded, "UPDATE users SET name = 'corrected'").await.expect("an update");
        rows(&guarded, "DELETE FROM messages").await.expect("a deletion");
        rows(&guarded, "DELETE FROM users").await.expect("a deletion that its messages follow");
        assert_eq!(ids(&direct, "SELECT id FROM users ORDER BY id").await, "1 2 3 4 6 7 8 9");
        assert_eq!(ids(&direct, "SELECT count(*) FROM messages").await, "8");
        assert_eq!(ids(&direct, "SELECT count(*) FROM users WHERE name = 'corrected'").await, "0");
    });
}

#[test]
fn roles_and_pins_give_values() {
    run(async {
        let cluster = Cluster::shared();
        cluster.database("scope_given", SCHEMA);
        cluster.sql("scope_given", "ALTER ROLE tester SUPERUSER");
        let folder = cluster.new_folder("scope-given");
        let pack = PACK
            .replace("type = \"int4\"\n    from = \"session\"", "type = \"int4\"\n    from = \"principal\"")
            .replace("type = \"int8\"\n    from = \"session\"", "type = \"int8\"\n    from = \"pin\"")
            .replace("\"analytics\"]\n", "\"analytics\"]\n    parameters.customer = 42\n");
        std::fs::write(folder.join("policy.toml"), &pack).expect("writing the policy");
        let config = serve::config_text(0, cluster.port(), Path::new(&folder));
        let config = format!("{config}\n[database.given]\ndbname = \"scope_given\"\nparameters.person = 7\n");
        let proxy = Proxy::with_config(cluster, &config);
        let at = |purpose| At { port: proxy.port(), database: "given", user: "tester", purpose: Some(purpose) };
        let service = at("service").tokio().await;
        assert_eq!(ids(&service, "SELECT id FROM users ORDER BY id").await, "2 5 8");
        assert_eq!(ids(&service, "SELECT current_setting('wherefore.customer')").await, "42");
        for sql in ["SET wherefore.customer = 41", "SET wherefore.customer = 42", "SET wherefore.person = 1"] {
            let error = rows(&service, sql).await.expect_err(sql);
            assert!(error.contains("a session may not choose parameter"), "{error}");
        }
        let request = at("request").tokio().await;
        assert_eq!(ids(&request, "SELECT id FROM users").await, "7");
        // In the start-up packet: refused as in SQL.
        for option in ["wherefore.person=1", "wherefore.persno=1"] {
            let mut startup = tokio_postgres::Config::new();
            startup.host("127.0.0.1").port(proxy.port()).user("tester").dbname("given").options(format!("-c {option}"));
            startup.connect(tokio_postgres::NoTls).await.map(|_| ()).expect_err(option);
        }
    });
}

#[test]
fn a_start_up_packet_gives_a_value() {
    run(async {
        let (_guarded, _direct, proxy) = clients("scope_start", "service").await;
        let mut startup = tokio_postgres::Config::new();
        startup.host("127.0.0.1").port(proxy.port()).user("tester").dbname("scope_start");
        startup.options("-c wherefore.purpose=service -c wherefore.customer=42");
        let (client, connection) = startup.connect(tokio_postgres::NoTls).await.expect("connecting");
        tokio::spawn(connection);
        assert_eq!(ids(&client, "SELECT id FROM users ORDER BY id").await, "2 5 8");
        rows(&client, "DISCARD ALL").await.expect("DISCARD ALL");
        rows(&client, "SET wherefore.purpose = 'service'").await.expect("a purpose");
        rows(&client, "SET wherefore.customer = 41").await.expect_err("another value");
        assert_eq!(ids(&client, "SELECT id FROM users ORDER BY id").await, "2 5 8");
        assert_eq!(ids(&client, "SHOW wherefore.customer").await, "42");
    });
}
