//! Configuration, and the catalog and policy snapshots that are swapped whole.

mod authentication;
mod budget;
pub mod catalog;
pub mod config;
mod database;
mod hba;
mod inner;
mod pack;
mod probe;
mod servers;
mod setup;
mod standing;
mod trail;
mod unreached;
mod upstream;

pub use authentication::{AuthError, Carrier, Doorman, Revoked, Token};
pub use config::{Config, ConfigError};
pub use database::{Attending, Database, Databases, NotReady, ReloadError, Reloaded};
pub use hba::{Comer, Name, Turned, admits};
pub use inner::bind_inner;
pub use pack::{PackError, pack_files, read_pack};
pub use servers::{Reached, Servers};
pub use setup::{Setup, SetupError};
pub use standing::{Standing, State};
pub use trail::{Audit, TrailError, table_schema};
pub use upstream::{ChannelBinding, Upstream};
