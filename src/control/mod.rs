//! Configuration, and the catalog and policy snapshots that are swapped whole.

pub mod catalog;
pub mod config;
mod database;
mod pack;
mod probe;
mod routines;
mod written;

pub use config::{Config, ConfigError};
pub use database::{Database, Databases, NotReady};
pub use pack::{PackError, pack_files, read_pack};
