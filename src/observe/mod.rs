//! Logs, counters and the record of every refusal.

mod counters;
mod log;
mod lookups;
mod observer;

pub use counters::{Counters, Tally};
pub use log::{Format, set_up};
pub use lookups::Lookups;
pub use observer::Observer;
