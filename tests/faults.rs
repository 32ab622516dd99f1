//! What goes wrong: hostile clients, bad networks, servers that fall over, and what proxies before this one got wrong.
//!
//! `WHEREFORE_SOAK=1h` goes on with churn for that long, and takes every offset and a value of 1 GB where else a part is taken.

#[path = "faults/chaos.rs"]
mod chaos;
#[path = "faults/churn.rs"]
mod churn;
#[path = "faults/hostile.rs"]
mod hostile;
#[path = "faults/newer.rs"]
mod newer;
#[path = "faults/process.rs"]
mod process;
#[path = "faults/rarities.rs"]
mod rarities;
#[path = "common/raw.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod raw;
mod relay_support;
#[path = "faults/scripts.rs"]
mod scripts;
#[path = "faults/server.rs"]
mod server;
#[path = "common/soak.rs"]
mod soak;
#[path = "faults/talk.rs"]
mod talk;
#[path = "faults/traps.rs"]
mod traps;

use relay_support::{Cluster, Proxy};
use std::sync::OnceLock;
use talk::{Step, Talk};

const SETUP: &str = "
    CREATE ROLE app LOGIN;
    CREATE ROLE bare LOGIN;
    CREATE ROLE owner LOGIN SUPERUSER;
    SET password_encryption = 'scram-sha-256';
    CREATE ROLE secretive LOGIN PASSWORD 'secret';
    CREATE TABLE people (id int PRIMARY KEY, name text, email text, note text);
    INSERT INTO people SELECT n, 'name ' || n, 'p' || n || '@example.org', 'note ' || n FROM generate_series(1, 100) n;
    CREATE TABLE items (id int PRIMARY KEY, label text);
    INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 100) n;
    CREATE TABLE gone (id bigint PRIMARY KEY, days int);
    CREATE SCHEMA other;
    CREATE TABLE other.items (id int, label text);
    GRANT USAGE ON SCHEMA other TO PUBLIC;
    GRANT ALL ON ALL TABLES IN SCHEMA public, other TO PUBLIC;
";

const HBA: &str = "
local all all trust
host all secretive 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
host replication owner 127.0.0.1/32 trust
";

const POLICY: &str = include_str!("relay_support/pack.toml");

/// How long the proxies of these tests wait for a client's start-up.
const LOGIN_TIME: &str = "login_time = 3\n";

struct World {
    cluster: Cluster,
    proxy: Proxy,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let cluster = Cluster::with_settings(HBA, SETUP, &["max_connections=200"]);
        let proxy = Proxy::start(&cluster, POLICY, &format!("[limits]\n{LOGIN_TIME}"));
        World { cluster, proxy }
    })
}

impl World {
    /// The ports of the server and of the proxy in front of it.
    fn ways(&self) -> [(&'static str, u16); 2] {
        [("direct", self.cluster.port), ("proxied", self.proxy.address.port())]
    }
}

/// Start-up parameters of the owner, who may do anything.
const OWNER: &[(&str, &str)] =
    &[("user", "owner"), ("database", "shop"), ("options", "-c wherefore.purpose=everything")];

/// Of an application under a purpose to which the tables it uses are open.
const SERVICE: &[(&str, &str)] = &[("user", "bare"), ("database", "shop"), ("options", "-c wherefore.purpose=service")];

/// Of one to which notes are closed.
const TRAINING: &[(&str, &str)] =
    &[("user", "bare"), ("database", "shop"), ("options", "-c wherefore.purpose=training")];

/// Plays the steps against the server and through the proxy: both must hear the same.
fn same(name: &str, parameters: &[(&str, &str)], steps: &[Step]) {
    let [direct, proxied] = world().ways().map(|(_, port)| Talk::whole(port, parameters, steps));
    direct.assert_same(&proxied, name);
    assert!(!direct.is_stuck(), "{name}: {direct:?}");
}

/// The major version of the server.
fn major() -> u32 {
    static MAJOR: OnceLock<u32> = OnceLock::new();
    *MAJOR.get_or_init(|| {
        let number = world().cluster.psql("shop", "SHOW server_version_num").expect("a version");
        number.trim().parse::<u32>().expect("a number") / 10_000
    })
}

/// Sends a CancelRequest with the body of a BackendKeyData, and waits until it was taken.
fn cancel(port: u16, key: &[u8]) {
    let mut talk = Talk::open(port);
    talk.send(&talk::packet(&[&80_877_102u32.to_be_bytes()[..], key].concat()));
    talk.rest();
}

/// How many of the server's sessions other than the asking one and the proxies' own are so.
fn sessions(cluster: &Cluster, condition: &str) -> usize {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' \
         AND application_name <> 'wherefore catalog' AND ({condition})"
    );
    cluster.psql("postgres", &sql).expect("a number").trim().parse().expect("a number")
}

/// Waits until so many sessions of the shared server are so.
fn wait_for(condition: &str, count: usize) {
    wait_at(&world().cluster, condition, count);
}

fn wait_at(cluster: &Cluster, condition: &str, count: usize) {
    for _ in 0..400 {
        if sessions(cluster, condition) == count {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{condition}: {} sessions, not {count}", sessions(cluster, condition));
}
