//! Recipients: a purpose opens more to those within than to a provider who has declared the same purpose; what is copied
//! does not reach whom it is closed to; nobody chooses for whom a session reads.

use super::{At, Client, Cluster, Proxy, rows, run};

const SCHEMA: &str = "
    CREATE TABLE orders (id int PRIMARY KEY, name text, address text, phone text, note text, agreed boolean);
    INSERT INTO orders SELECT i, 'name ' || i, 'street ' || i, 'phone ' || i, '', i % 2 = 0 FROM generate_series(1, 4) i;
    CREATE TABLE labels (id int PRIMARY KEY, line text);
    CREATE VIEW all_orders AS SELECT * FROM orders;
";

const PACK: &str = r#"
    [pack]
    name = "recipients"
    document = "A Promise"
    dated = 2026-01-01
    [subject.person]
    [category.plain]
    [category.contact]
    [category."contact.name"]
    [category."contact.address"]
    [category."contact.phone"]
    [purpose.delivery]
    [purpose.support]
    [purpose.owner]
    unrestricted = true
    [recipient.provider]
    [recipient.third_party]
    [clause."R-1"]
    words = "Providers get what they need to deliver."
    [clause."R-2"]
    words = "Others get what was agreed to."
    [[rule]]
    id = "within"
    clause = "R-1"
    purpose = ["delivery", "support"]
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "no-phones"
    clause = "R-1"
    category = "contact.phone"
    purpose = "delivery"
    recipient = "provider"
    rights = ["read", "insert", "update", "delete"]
    effect = "forbid"
    [[rule]]
    id = "keyed-names"
    clause = "R-1"
    category = "contact.name"
    purpose = "delivery"
    recipient = "provider"
    effect = { mask = { partial = { keep_first = 1 } } }
    [[rule]]
    id = "who-agreed"
    clause = "R-2"
    category = ["contact", "plain"]
    purpose = "support"
    recipient = "third_party"
    where = ["consent.outside"]
    effect = "allow"
    [[never_together]]
    categories = ["contact.name", "contact.address"]
    recipient = "third_party"
    clause = "R-2"
    [table."public.orders"]
    subject = "person"
    default = "plain"
    consent.outside = "agreed"
    columns.name = "contact.name"
    columns.address = "contact.address"
    columns.phone = "contact.phone"
    [table."public.labels"]
    subject = "person"
    default = "plain"
    consent.outside = "true"
    [role.r_within]
    purposes = ["delivery", "support", "owner"]
    [role.r_postman]
    purposes = ["delivery"]
    default = "delivery"
    recipient = "provider"
    [role.r_partner]
    purposes = ["support"]
    recipient = "third_party"
"#;

/// Users: `r_within`; `r_driver`, who is a member of `r_postman`; `r_partner`; `r_both`, a member of two.
fn proxy(database: &str) -> Proxy {
    static ROLES: std::sync::Once = std::sync::Once::new();
    let cluster = Cluster::shared();
    cluster.database(database, SCHEMA);
    ROLES.call_once(|| {
        cluster.sql(
            "postgres",
            "CREATE ROLE r_within LOGIN SUPERUSER; CREATE ROLE r_postman; CREATE ROLE r_partner LOGIN SUPERUSER;
             CREATE ROLE r_driver LOGIN SUPERUSER IN ROLE r_postman; CREATE ROLE r_both LOGIN SUPERUSER IN ROLE r_postman, r_partner",
        );
    });
    Proxy::with_policy(cluster, PACK)
}

async fn client(proxy: &Proxy, database: &str, user: &str, purpose: Option<&str>) -> Client {
    At { port: proxy.port(), database, user, purpose }.tokio().await
}

async fn lines(client: &Client, sql: &str) -> Result<String, String> {
    let line = |row: Vec<Option<String>>| row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join("|");
    Ok(rows(client, sql).await?.into_iter().map(line).collect::<Vec<_>>().join(" "))
}

#[test]
fn a_recipient_sees_its_own() {
    run(async {
        let database = "recipients_sees";
        let proxy = proxy(database);
        let within = client(&proxy, database, "r_within", Some("delivery")).await;
        let driver = client(&proxy, database, "r_driver", Some("delivery")).await;
        let partner = client(&proxy, database, "r_partner", Some("support")).await;
        // The same text, first by one and then by the other: no plan is shared.
        for (client, sql, expected) in [
            (&within, "SELECT name, phone FROM orders WHERE id = 1", "name 1|phone 1"),
            (&driver, "SELECT name, address FROM orders WHERE id = 1", "n***|street 1"),
            (&within, "SELECT name, address FROM orders WHERE id = 1", "name 1|street 1"),
            (&driver, "SELECT address FROM all_orders WHERE id = 2", "street 2"),
            (&partner, "SELECT id, phone FROM orders ORDER BY id", "2|phone 2 4|phone 4"),
            (&driver, "SELECT current_setting('wherefore.recipient')", "provider"),
            (&driver, "SHOW wherefore.recipient", "provider"),
            (&within, "SELECT current_setting('wherefore.recipient')", ""),
            (&partner, "SELECT current_setting('wherefore.recipient')", "third_party"),
        ] {
            assert_eq!(lines(client, sql).await, Ok(expected.to_owned()), "{sql}");
        }
        let no_phones = "42501: purpose \"delivery\" for recipient \"provider\" may not read";
        let together = "42501: purpose \"support\" for recipient \"third_party\" may not bring";
        for (client, sql, refused) in [
            (&driver, "SELECT phone FROM orders", format!("{no_phones} public.orders.phone")),
            (&driver, "SELECT * FROM all_orders", format!("{no_phones} public.orders.phone")),
            (&driver, "UPDATE orders SET phone = 'x'", "42501: purpose \"delivery\" for recipient".to_owned()),
            (&partner, "SELECT name, address FROM orders", together.to_owned()),
        ] {
            let error = lines(client, sql).await.expect_err(sql);
            assert!(error.starts_with(&refused), "{sql}: {error}");
        }
        let error = driver.simple_query("SELECT phone FROM orders").await.expect_err("closed");
        let error = error.as_db_error().expect("a report");
        assert_eq!(
            error.detail(),
            Some(
                "phone: category contact.phone of person; rule \"no-phones\", clause R-1 of A Promise (2026-01-01): \
                 \"Providers get what they need to deliver.\""
            )
        );
    });
}

/// What one reader sees is not copied to where another may read it.
#[test]
fn copying_reaches_no_recipient_that_may_not_read() {
    run(async {
        let database = "recipients_copies";
        let proxy = proxy(database);
        let within = client(&proxy, database, "r_within", Some("delivery")).await;
        let support = client(&proxy, database, "r_within", Some("support")).await;
        let driver = client(&proxy, database, "r_driver", Some("delivery")).await;
        let carry = "42501: this would carry";
        for sql in [
            "INSERT INTO labels SELECT id, phone FROM orders",
            "UPDATE orders SET note = phone",
            "UPDATE orders SET address = phone",
            "UPDATE orders SET note = 'x' WHERE phone LIKE '%1'",
            "INSERT INTO labels SELECT id, name FROM orders",
        ] {
            for client in [&within, &support] {
                let error = lines(client, sql).await.expect_err(sql);
                assert!(error.starts_with(carry), "{sql}: {error}");
                assert!(error.contains("for recipient \"provider\" may read"), "{sql}: {error}");
            }
        }
        // Third parties see rows of those who agreed only, and labels would outlive that.
        let sql = "INSERT INTO labels SELECT id, address FROM orders";
        let error = lines(&within, sql).await.expect_err(sql);
        assert!(error.contains("purpose \"support\" for recipient \"third_party\" may read"), "{error}");
        assert!(error.contains("not all of public.orders"), "{error}");
        for sql in ["UPDATE orders SET phone = address", "UPDATE orders SET note = address || '!'"] {
            assert_eq!(lines(&support, sql).await, Ok(String::new()), "{sql}");
        }
        assert_eq!(lines(&driver, "SELECT note FROM orders WHERE id = 1").await, Ok("street 1!".to_owned()));
    });
}

#[test]
fn nobody_chooses_a_recipient() {
    run(async {
        let database = "recipients_chosen";
        let proxy = proxy(database);
        let driver = client(&proxy, database, "r_driver", Some("delivery")).await;
        let owner = client(&proxy, database, "r_within", Some("owner")).await;
        for sql in [
            "SET wherefore.recipient = ''",
            "SET LOCAL wherefore.recipient = 'third_party'",
            "SET SESSION wherefore.recipient TO DEFAULT",
            "RESET wherefore.recipient",
            "SELECT set_config('wherefore.recipient', '', false)",
            "SELECT set_config('wherefore.' || 'recipient', '', false)",
            "BEGIN; SET wherefore.recipient = ''; COMMIT",
            "PREPARE p AS SELECT set_config('wherefore.recipient', $1, false)",
        ] {
            for client in [&driver, &owner] {
                let answered = lines(client, sql).await;
                let own = sql.contains("||") || sql.contains("PREPARE");
                if std::ptr::eq(client, &raw const driver) || !own {
                    answered.expect_err(sql);
                }
                let _ = lines(client, "ROLLBACK").await;
            }
        }
        for sql in ["RESET ALL", "DISCARD ALL", "SET wherefore.purpose = 'delivery'"] {
            lines(&driver, sql).await.expect(sql);
            assert_eq!(lines(&driver, "SHOW wherefore.recipient").await, Ok("provider".to_owned()), "{sql}");
            lines(&driver, "SELECT phone FROM orders").await.expect_err("closed");
        }
        // What an unrestricted session does on the server decides nothing.
        lines(&owner, "SELECT set_config('wherefore.' || 'recipient', 'provider', false)").await.expect("unrestricted");
        let mut startup = tokio_postgres::Config::new();
        startup.host("127.0.0.1").port(proxy.port()).dbname(database).user("r_driver");
        startup.options("-c wherefore.recipient=third_party");
        let error = startup.connect(tokio_postgres::NoTls).await.err().expect("refused");
        let error = error.as_db_error().map(|error| error.message().to_owned());
        assert_eq!(error.as_deref(), Some("a session may not choose wherefore.recipient"));
    });
}

#[test]
fn roles_that_disagree_declare_nothing() {
    run(async {
        let database = "recipients_disagree";
        let proxy = proxy(database);
        let both = client(&proxy, database, "r_both", None).await;
        for sql in ["SET wherefore.purpose = 'delivery'", "SELECT id FROM orders"] {
            let error = both.simple_query(sql).await.expect_err(sql);
            let hint = error.as_db_error().and_then(|error| error.hint()).unwrap_or_default().to_owned();
            assert!(hint.contains("\"r_partner\", for recipient \"third_party\""), "{sql}: {hint}");
            assert!(hint.contains("\"r_postman\", for recipient \"provider\""), "{sql}: {hint}");
        }
    });
}

/// Whoever comes to stand for someone else needs a new session.
#[test]
fn a_session_ends_when_its_recipient_changes() {
    run(async {
        let database = "recipients_changes";
        let cluster = Cluster::shared();
        let proxy = proxy(database);
        cluster.sql("postgres", "CREATE ROLE r_moves LOGIN SUPERUSER IN ROLE r_within");
        let owner = client(&proxy, database, "r_within", Some("owner")).await;
        // A definition by the proxy brings a new catalog.
        lines(&owner, "CREATE TABLE first (id int)").await.expect("a definition");
        let moves = client(&proxy, database, "r_moves", Some("delivery")).await;
        assert_eq!(lines(&moves, "SELECT phone FROM orders WHERE id = 1").await, Ok("phone 1".to_owned()));
        lines(&owner, "GRANT r_postman TO r_moves; CREATE TABLE second (id int)").await.expect("a definition");
        let error = lines(&moves, "SELECT phone FROM orders WHERE id = 1").await.expect_err("another recipient");
        assert!(error.contains("57P01") || error.contains("closed"), "{error}");
        let again = client(&proxy, database, "r_moves", Some("delivery")).await;
        lines(&again, "SELECT phone FROM orders WHERE id = 1").await.expect_err("closed");
    });
}
