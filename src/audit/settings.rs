//! How the trail is kept.

use serde::Deserialize;
use std::time::Duration;

/// Which decisions are recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcomes {
    #[default]
    All,
    /// Those under restricted purposes or none, and every refusal.
    Restricted,
    Refused,
}

/// What becomes of statements under restricted purposes when nothing can be recorded. Others pass, with an alarm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenFull {
    #[default]
    Refuse,
    Pass,
}

/// When a line counts as written to a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sync {
    /// When the disk has it: it outlives the machine.
    #[default]
    Batch,
    /// When the system has it: it outlives the proxy.
    None,
}

/// What lines say of the parameters that bound rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterValues {
    #[default]
    Names,
    Values,
}

/// How the trail is kept.
#[derive(Debug, Clone)]
pub struct Settings {
    pub outcomes: Outcomes,
    pub when_full: WhenFull,
    /// What may wait to be written, in bytes, about.
    pub buffer_bytes: usize,
    /// How long a session waits for its record, once writing fails.
    pub hold: Duration,
    pub parameters: ParameterValues,
    /// A checkpoint comes after so many lines, or so long after the last one where there were lines.
    pub checkpoint_lines: u64,
    pub checkpoint_time: Duration,
}
