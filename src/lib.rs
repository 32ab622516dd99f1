//! wherefore: a Postgres proxy that asks every statement what it is for.
//!
//! The modules stand in the order in which data meets them, and import in one direction only:
//! `vocab ← sql, catalog ← analyze ← policy ← rewrite ← enforce` is the pure core (no I/O, no async, no clock, no
//! randomness); `wire ← session, net, auth, audit ← control, observe ← server ← cli` is the shell around it. `ARCHITECTURE.md` tells why;
//! `tests/house.rs` holds us to it.
#![deny(unsafe_code)]

/// Names resolved as Postgres resolves them, and exposures: which column, used how.
pub mod analyze;
/// What a database contains: an immutable snapshot of relations, functions, operators, types and roles.
pub mod catalog;
/// The core's front door: a statement and a session view in, a plan out; and the cache of plans.
pub mod enforce;
/// Policy files to trees of purposes and categories, and to a ruling per purpose and relation.
pub mod policy;
/// Guards: the derived tables that stand in for relations a purpose may not see whole.
pub mod rewrite;
/// Text to Postgres's own syntax tree and back, statement kinds, the purpose comment, the second reader.
pub mod sql;
/// The words: columns, usages, rights, refusals. Everything else speaks in them.
pub mod vocab;

/// The audit trail: one line per decision, chained, signed, written before the result is released.
#[cfg(feature = "proxy")]
pub mod audit;
/// Who a client is, where the proxy finds out; and how the proxy logs in to the server.
#[cfg(feature = "proxy")]
pub mod auth;
/// `wherefore serve`, `check`, `explain`, `demo`: one file per subcommand.
#[cfg(feature = "proxy")]
pub mod cli;
/// Configuration, and the catalog and policy snapshots that are swapped whole.
#[cfg(feature = "proxy")]
pub mod control;
/// Connections to clients and to the server, plain and encrypted; certificates.
#[cfg(feature = "proxy")]
pub mod net;
/// Logs, counters and the record of refusals.
#[cfg(feature = "proxy")]
pub mod observe;
/// The listener, the door, the relay between client and server, cancel.
#[cfg(feature = "proxy")]
pub mod server;
/// One client's session without its sockets: purposes, prepared statements, outstanding requests.
#[cfg(feature = "proxy")]
pub mod session;
/// Frames of the Postgres protocol: exact validation, start-up packets, errors.
#[cfg(feature = "proxy")]
pub mod wire;
