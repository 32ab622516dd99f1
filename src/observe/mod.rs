//! Logs, counters and the record of every refusal.

mod counters;
mod log;
mod lookups;

pub use counters::{Counters, Tally};
pub use log::{Format, set_up};
pub use lookups::Lookups;
