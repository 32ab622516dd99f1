//! Configuration, and the catalog and policy snapshots that are swapped whole.

mod catalog;
mod config;
mod database;
mod files;
mod probe;

pub use config::{Alias, CatalogConfig, Config, ConfigError, Limits, RolePin, Seconds, Upstream};
pub use database::{Databases, NotReady};
pub use files::{PackError, read_pack};
