//! Several servers: a primary and its standby by streaming replication, which of them sessions go to, and what becomes of
//! new ones when the primary is gone.

use super::reload::one;
use super::{Cluster, HBA, POLICY, Proxy, SETUP, block_on};
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

async fn come(proxy: &Proxy, user: &str, purpose: &str) -> Result<Client, String> {
    let text = format!("{} options='-c wherefore.purpose={purpose}'", proxy.url(user, "shop"));
    match tokio_postgres::connect(&text, NoTls).await {
        Ok((client, connection)) => {
            tokio::spawn(connection);
            Ok(client)
        }
        Err(error) => Err(error.code().map_or_else(|| error.to_string(), |code| code.code().to_owned())),
    }
}

fn behind(ports: &[u16], attrs: &str) -> Proxy {
    let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let upstream = format!("target_session_attrs = \"{attrs}\"\nconnect_timeout = 5");
    Proxy::to(&hosts.join(","), 5432, POLICY, "", &upstream, "")
}

const WHERE: &str = "SELECT inet_server_port()";

#[test]
fn sessions_go_where_they_should_and_follow_a_failover() {
    let primary = Cluster::start(&format!("local replication all trust\n{HBA}"), SETUP);
    let standby = Cluster::standby_of(&primary);
    let (first, second) = (primary.port, standby.port);
    let nowhere = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    for (ports, attrs, expected) in [
        (&[first, second][..], "any", Ok(first)),
        (&[second, first], "any", Ok(second)),
        (&[nowhere, second], "any", Ok(second)),
        (&[second, first], "read-write", Ok(first)),
        (&[second, first], "primary", Ok(first)),
        (&[first, second], "read-only", Ok(second)),
        (&[first, second], "standby", Ok(second)),
        (&[first, second], "prefer-standby", Ok(second)),
        (&[first, nowhere], "prefer-standby", Ok(first)),
        (&[first, nowhere], "standby", Err("08006")),
        (&[second], "read-write", Err("08006")),
        (&[nowhere], "any", Err("08006")),
    ] {
        let proxy = behind(ports, attrs);
        let found = block_on(async {
            let client = come(&proxy, "owner", "everything").await?;
            Ok::<_, String>(one(&client, WHERE).await)
        });
        assert_eq!(found, expected.map(|port| port.to_string()).map_err(str::to_owned), "{ports:?} {attrs}");
    }
    // A cancel reaches its session, whichever server that is on, and by whichever of its addresses.
    let by_name = Proxy::to("localhost", first, POLICY, "", "", "");
    let proxies = ["primary", "standby"].map(|attrs| (attrs, behind(&[first, second], attrs)));
    for (attrs, proxy) in proxies.into_iter().chain([("by name", by_name)]) {
        block_on(async {
            let client = come(&proxy, "owner", "everything").await.expect("a session");
            let token = client.cancel_token();
            let slow = tokio::spawn(async move { one(&client, "SELECT pg_sleep(20)").await });
            tokio::time::sleep(Duration::from_millis(300)).await;
            token.cancel_query(NoTls).await.expect("a cancel");
            assert_eq!(slow.await.expect("a task"), "57014", "{attrs}");
        });
    }
    // A server that is full says so, also where it is the proxy that it does not let in.
    {
        let proxy = behind(&[first], "read-write");
        block_on(async {
            let direct = format!("host=127.0.0.1 port={first} user=owner dbname=postgres");
            let mut all = Vec::new();
            while let Ok((client, connection)) = tokio_postgres::connect(&direct, NoTls).await {
                tokio::spawn(connection);
                all.push(client);
            }
            let told = come(&proxy, "owner", "everything").await;
            assert_eq!((told.err().as_deref(), all.len() > 50), (Some("53300"), true));
        });
    }
    // What a standby holds may be older: each session is judged by the catalog of its own server.
    assert_eq!(standby.psql("postgres", "SELECT pg_wal_replay_pause()").map_err(|_| ()).map(|_| ()), Ok(()));
    let proxy = Proxy::to(
        &format!("127.0.0.1:{first},127.0.0.1:{second}"),
        5432,
        POLICY,
        "",
        "load_balance_hosts = \"random\"",
        "",
    );
    block_on(async {
        let on = async |port: u16, user: &str, purpose: &str| loop {
            let client = come(&proxy, user, purpose).await.expect("a session");
            if one(&client, "SHOW port").await == port.to_string() {
                return client;
            }
        };
        let (ahead, behind) = (on(first, "bare", "service").await, on(second, "bare", "service").await);
        let owner = on(first, "owner", "everything").await;
        assert_eq!(one(&owner, "ALTER TABLE people ADD COLUMN late text").await, "");
        assert_eq!(one(&ahead, "SELECT late FROM people").await, "42501", "known, and closed");
        assert_eq!(one(&behind, "SELECT late FROM people").await, "42703", "not there yet");
        assert_eq!(one(&behind, "SELECT note FROM people WHERE id = 1").await, "note");
    });
    standby.psql("postgres", "SELECT pg_wal_replay_resume()").expect("the standby goes on");
    let proxy = behind(&[first, second], "read-write");
    block_on(async {
        let owner = come(&proxy, "owner", "everything").await.expect("a session");
        let bare = come(&proxy, "bare", "service").await.expect("a session");
        assert_eq!(one(&bare, "SELECT note FROM people WHERE id = 1").await, "note");
        // What was written must have arrived: nobody promises that otherwise.
        assert_eq!(one(&owner, "INSERT INTO items VALUES (1, 'before')").await, "");
        for _ in 0..200 {
            if standby.psql("shop", "SELECT label FROM items").is_ok_and(|told| told.trim() == "before") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        primary.kill();
        let mut lost = one(&owner, "SELECT 1").await;
        // The server's processes hear of it in their own time.
        for _ in 0..200 {
            if lost != "1" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            lost = one(&owner, "SELECT 1").await;
        }
        assert!(["57P01", "57P02", "08006", "lost"].contains(&&*lost), "{lost}");
        // The standby cannot be written to. What it was is believed for a second.
        let mut told = None;
        for _ in 0..200 {
            told = come(&proxy, "owner", "everything").await.err();
            if told.as_deref() == Some("08006") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(told.as_deref(), Some("08006"));
        standby.psql("postgres", "SELECT pg_promote(true, 60)").expect("promoted");
        let mut landed = None;
        for _ in 0..200 {
            landed = come(&proxy, "owner", "everything").await.ok();
            if landed.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let owner = landed.expect("new sessions land on the new primary");
        assert_eq!(one(&owner, WHERE).await, second.to_string());
        assert_eq!(one(&owner, "SELECT label FROM items").await, "before");
        // So does what reads the catalog: what is new is closed, what was known is open.
        assert_eq!(one(&owner, "ALTER TABLE people ADD COLUMN extra text DEFAULT 'x'").await, "");
        let bare = come(&proxy, "bare", "service").await.expect("a session");
        let mut told = String::new();
        for _ in 0..200 {
            told = one(&bare, "SELECT note FROM people WHERE id = 1").await;
            // Until the connection that reads the catalog has moved.
            if told != "57P03" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(told, "note");
        assert_eq!(one(&bare, "SELECT extra FROM people").await, "42501");
    });
}
