//! Transparency: what real drivers see through the proxy under a purpose that opens everything they touch is, byte for byte,
//! what they see of Postgres itself; and a refusal leaves the state that any failing statement leaves.

#[path = "drivers/bytes.rs"]
mod bytes;
mod common;
#[path = "drivers/pgbench.rs"]
mod pgbench;
#[path = "drivers/programs.rs"]
mod programs;
#[path = "drivers/tokio_postgres.rs"]
mod tokio_postgres_driver;
#[path = "drivers/tools.rs"]
mod tools;

use common::{At, Cluster, Proxy};
use std::sync::LazyLock;

const DATABASE: &str = "drivers";

/// The two ways to the same database: around the proxy and through it.
pub struct Ways {
    direct: u16,
    proxied: u16,
}

impl Ways {
    /// Starts the cluster and the proxy when first asked for.
    fn get() -> &'static Ways {
        static WAYS: LazyLock<(Ways, Proxy)> = LazyLock::new(|| {
            let cluster = Cluster::shared();
            cluster.database(DATABASE, include_str!("drivers/schema.sql"));
            let proxy = Proxy::start(cluster, "tests/drivers/policy");
            (Ways { direct: cluster.port(), proxied: proxy.port() }, proxy)
        });
        &WAYS.0
    }

    fn direct(&self, user: &'static str, purpose: &'static str) -> At<'static> {
        At { port: self.direct, database: DATABASE, user, purpose: Some(purpose) }
    }

    fn proxied(&self, user: &'static str, purpose: &'static str) -> At<'static> {
        At { port: self.proxied, database: DATABASE, user, purpose: Some(purpose) }
    }
}
