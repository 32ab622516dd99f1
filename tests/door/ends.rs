//! Sessions whose reason to be is gone: a user that the file no longer has, a token that has expired.

use super::known::{Files, Issuer};
use super::reload::{Process, one};
use super::{POLICY, Proxy, block_on, world};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

/// A session, and what ends it: SQLSTATE and message.
async fn come(port: u16, user: &str, password: &str) -> (Client, JoinHandle<String>) {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(port).user(user).password(password).dbname("shop");
    let (client, connection) = config.connect(NoTls).await.expect("a session");
    let end = tokio::spawn(async move {
        match connection.await {
            Ok(()) => "closed".to_owned(),
            Err(error) => error
                .as_db_error()
                .map_or_else(|| "lost".to_owned(), |report| format!("{} {}", report.code().code(), report.message())),
        }
    });
    (client, end)
}

async fn end_of(end: JoinHandle<String>) -> String {
    match tokio::time::timeout(Duration::from_secs(20), end).await {
        Ok(end) => end.expect("a task"),
        Err(_) => "it goes on".to_owned(),
    }
}

const REVOKED: &str = "28000 terminating connection: this user may no longer log in";
const EXPIRED: &str = "28000 terminating connection: the token has expired";

#[test]
fn users_that_the_file_no_longer_has() {
    for (setting, ends) in [("", true), ("revoked = \"stay\"", false)] {
        let files = Files::new();
        let auth = format!("[auth]\nmethod = \"scram\"\nusers_file = \"{}\"\n{setting}\n", files.at("users"));
        let process = Process::start(&auth);
        block_on(async {
            let users = std::fs::read_to_string(files.at("users")).expect("a file");
            let (idle, idle_end) = come(process.port, "app", "secret").await;
            let (busy, busy_end) = come(process.port, "app", "secret").await;
            assert_eq!(one(&idle, "SELECT 1").await, "1");
            one(&busy, "BEGIN").await;
            // Another user's coming and going does not matter.
            files.write("users", &users.replace("\"ghost\"", "\"other\""));
            assert!(!process.reload().contains("not reloaded"));
            assert_eq!(one(&idle, "SELECT 1").await, "1");
            let without: Vec<&str> = users.lines().filter(|line| !line.starts_with("\"app\"")).collect();
            files.write("users", &without.join("\n"));
            assert!(!process.reload().contains("not reloaded"));
            if ends {
                assert_eq!(end_of(idle_end).await, REVOKED);
                // A transaction is not cut off.
                assert_eq!(one(&busy, "SELECT id FROM people WHERE id = 1").await, "1");
                one(&busy, "COMMIT").await;
                assert_eq!(end_of(busy_end).await, REVOKED);
            } else {
                one(&busy, "COMMIT").await;
                assert_eq!((one(&idle, "SELECT 1").await, one(&busy, "SELECT 1").await), ("1".into(), "1".into()));
            }
            let text = format!("host=127.0.0.1 port={} user=app password=secret dbname=shop", process.port);
            assert!(tokio_postgres::connect(&text, NoTls).await.is_err());
            // A file that others may read is not taken, and changes nothing.
            for (mode, taken) in [(0o644, false), (0o604, false), (0o640, true), (0o600, true)] {
                std::fs::set_permissions(files.at("users"), PermissionsExt::from_mode(mode)).expect("a mode");
                let said = process.reload();
                let refused = said.contains("not reloaded") && said.contains("others may open it");
                assert_eq!(!refused, taken, "{mode:o}: {said}");
            }
        });
    }
}

#[test]
fn tokens_that_expire() {
    let issuer = Issuer::new("one");
    let files = Files::new();
    files.write("keys", &issuer.keys.to_string());
    for (setting, ends) in [("", true), ("revoked = \"stay\"", false)] {
        let auth = format!(
            "[auth]\nmethod = \"token\"\nfailures_per_minute = 0\n{setting}\n[auth.token]\nkeys_file = \"{}\"\n\
             issuer = \"https://issuer.example\"\naudience = \"wherefore\"\n\
             [auth.service]\nuser = \"app\"\npassword_file = \"{}\"\n",
            files.at("keys"),
            files.at("password")
        );
        let proxy = Proxy::start(&world().cluster, POLICY, &auth);
        block_on(async {
            let port = proxy.address.port();
            // It ended 24 seconds ago, and clocks may differ by 30.
            let short = issuer.token("one", &json!({ "exp": -24 }));
            let (_idle, idle_end) = come(port, "app", &short).await;
            let (busy, busy_end) = come(port, "app", &short).await;
            let (long, _long_end) = come(port, "app", &issuer.token("one", &json!({}))).await;
            one(&busy, "BEGIN").await;
            if ends {
                assert_eq!(end_of(idle_end).await, EXPIRED);
                assert_eq!(one(&busy, "SELECT id FROM people WHERE id = 1").await, "1");
                one(&busy, "COMMIT").await;
                assert_eq!(end_of(busy_end).await, EXPIRED);
                assert_eq!(one(&long, "SELECT 1").await, "1");
            } else {
                tokio::time::sleep(Duration::from_secs(9)).await;
                assert!(!idle_end.is_finished() && !busy_end.is_finished());
            }
        });
    }
}

#[test]
fn transactions_that_never_end() {
    let files = Files::new();
    let auth =
        format!("[auth]\nmethod = \"scram\"\nusers_file = \"{}\"\n[limits]\ndrain_time = 0.5\n", files.at("users"));
    let process = Process::start(&auth);
    block_on(async {
        let (idle, idle_end) = come(process.port, "app", "secret").await;
        let (busy, busy_end) = come(process.port, "app", "secret").await;
        one(&idle, "BEGIN").await;
        one(&busy, "BEGIN").await;
        let slow = tokio::spawn(async move { one(&busy, "SELECT pg_sleep(60)").await });
        files.write("users", "");
        assert!(!process.reload().contains("not reloaded"));
        // Each statement shows that it is not idle.
        let mut told = "1".to_owned();
        for _ in 0..10_000 {
            told = one(&idle, "SELECT id FROM people WHERE id = 1").await;
            if told != "1" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // Whom it meets at rest is told so beside its answers.
        assert!(told == "28000" || end_of(idle_end).await == REVOKED, "{told}");
        assert_eq!(slow.await.expect("a task"), "28000");
        assert_ne!(end_of(busy_end).await, "it goes on");
    });
    let left = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'";
    for _ in 0..500 {
        if world().cluster.psql("shop", left).expect("a count").trim() == "0" {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the server goes on");
}
