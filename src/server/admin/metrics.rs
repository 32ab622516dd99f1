//! What Prometheus is told, in the OpenMetrics form. Written anew at every scrape, from what the proxy counts anyway.

use crate::control::{Standing, State};
use crate::observe::Tally;
use crate::server::gate::Shared;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, UNIX_EPOCH};

/// The media type of what [`text`] gives.
pub const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;
/// What is told of a database, if anything.
type Sample = fn(&Standing) -> Option<f64>;
type Decimal = Gauge<f64, AtomicU64>;

/// Everything that is told.
pub fn text(shared: &Shared) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("wherefore");
    process(shared, &mut registry);
    work(&shared.counters.tally(), &mut registry);
    cache(shared, &mut registry);
    databases(&shared.databases.standings(), &mut registry);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn process(shared: &Shared, registry: &mut Registry) {
    let build = Family::<Labels, Gauge>::default();
    build.get_or_create(&vec![("version", env!("CARGO_PKG_VERSION").to_owned())]).set(1);
    registry.register("build", "The version of the proxy", build);
    let started: Decimal = Gauge::default();
    started.set(shared.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
    registry.register_with_unit("start_time", "When the proxy was started, since 1970", Unit::Seconds, started);
    gauge(registry, "draining", "1 while the proxy stops", i64::from(shared.is_draining()));
    gauge(registry, "sessions_open", "Sessions that are open", amount(shared.sessions.len()));
    let limit = shared.databases.setup().config.limits.connections;
    gauge(registry, "sessions_limit", "Sessions that may be open: limits.connections", amount(limit));
}

fn work(tally: &Tally, registry: &mut Registry) {
    let Tally { connections, sessions, cancels, permitted, rewritten, refused, withheld, shadowed, inner_catalogs } =
        *tally;
    counter(registry, "connections", "Connections that were accepted", connections);
    counter(registry, "sessions", "Sessions that became ready for queries", sessions);
    counter(registry, "cancels", "Requests to cancel that were passed on", cancels);
    let decisions = Family::<Labels, Counter>::default();
    let outcomes = [("permitted", permitted), ("rewritten", rewritten), ("refused", refused), ("shadowed", shadowed)];
    for (outcome, count) in outcomes {
        decisions.get_or_create(&vec![("outcome", outcome.to_owned())]).inc_by(count);
    }
    registry.register("decisions", "Statements and log-ins by what became of them", decisions);
    counter(registry, "withheld_reports", "Errors and notices of which something was withheld", withheld);
    counter(registry, "inner_catalogs", "Catalogs that were read inside a client's transaction", inner_catalogs);
}

fn cache(shared: &Shared, registry: &mut Registry) {
    let figures = shared.enforcer.figures();
    gauge(registry, "plan_cache_entries", "Plans and shapes that are kept", amount(figures.entries));
    let bytes = |name, help, value: u64, registry: &mut Registry| {
        let gauge = Gauge::<i64>::default();
        gauge.set(amount(value));
        registry.register_with_unit(name, help, Unit::Bytes, gauge);
    };
    bytes("plan_cache", "What is kept of plans and shapes takes", figures.bytes, registry);
    bytes("plan_cache_limit", "What it may take: limits.cache_bytes", figures.limit, registry);
    counter(registry, "statements_parsed", "Statements that had no plan yet, and were read and judged", figures.judged);
}

/// A gauge of each database that is in use, by its name, pack and server.
fn databases(standings: &[Standing], registry: &mut Registry) {
    let families: [(&str, &str, Sample); 6] = [
        ("database_sessions", "Sessions of a database", |standing| Some(standing.sessions as f64)),
        ("catalog_version", "Grows with every catalog that differs from the one before", |standing| {
            standing.catalog_version.map(|version| version as f64)
        }),
        ("catalog_age_seconds", "How long ago the catalog was read", |standing| {
            standing.age.as_ref().map(Duration::as_secs_f64)
        }),
        ("catalog_readable", "Whether the catalog could be read when that was last tried", |standing| {
            Some(flag(standing.state != State::Unread))
        }),
        (
            "policy_fits",
            "Whether the policy's SQL works on the database; else restricted purposes are not served",
            |standing| Some(flag(standing.state != State::Unfit)),
        ),
        ("untagged_columns", "Columns that the policy says nothing of", |standing| {
            standing.untagged.map(|count| count as f64)
        }),
    ];
    for (name, help, value) in families {
        let family = Family::<Labels, Decimal>::default();
        for standing in standings {
            if let Some(value) = value(standing) {
                family.get_or_create(&labels(standing)).set(value);
            }
        }
        registry.register(name, help, family);
    }
    let policies = Family::<Labels, Gauge>::default();
    for standing in standings {
        let mut labels = labels(standing);
        labels.push(("version", standing.policy_version.clone()));
        policies.get_or_create(&labels).set(1);
    }
    registry.register("policy", "The policy in force, by the digest of its files", policies);
}

fn labels(standing: &Standing) -> Labels {
    vec![("database", standing.database.clone()), ("pack", standing.pack.clone()), ("server", standing.server.clone())]
}

fn flag(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

fn amount<N: TryInto<i64>>(count: N) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn counter(registry: &mut Registry, name: &str, help: &str, value: u64) {
    let counter = Counter::<u64>::default();
    counter.inc_by(value);
    registry.register(name, help, counter);
}
