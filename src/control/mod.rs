//! Configuration, and the catalog and policy snapshots that are swapped whole.

mod authentication;
mod budget;
pub mod catalog;
pub mod config;
mod database;
mod hba;
mod pack;
mod probe;
mod routines;
mod setup;
mod written;

pub use authentication::{AuthError, Carrier, Doorman};
pub use config::{Config, ConfigError};
pub use database::{Attending, Database, Databases, NotReady, ReloadError, Reloaded};
pub use hba::{Comer, Turned, admits};
pub use pack::{PackError, pack_files, read_pack};
pub use setup::{Setup, SetupError};
