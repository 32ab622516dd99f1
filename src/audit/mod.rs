//! The audit trail: one JSON line for each decision, chained by hashes, written before the result is released.
//!
//! A session hands records to a bounded queue ([`Trail`]); one thread makes lines of them (`line`), chains and signs them
//! (`chain`, `key`), and writes them to every sink in batches (`file`, `sink`). A session's [`Mark`] says how far its records
//! are written; the relay holds the server's answers back until then. `verify` and `read` are the way back. `docs/audit.md`
//! has the format.

mod chain;
mod file;
mod key;
mod line;
mod mark;
mod ocsf;
mod read;
mod record;
mod settings;
mod sink;
mod trail;
mod verify;
mod writer;

pub use file::{FileSink, Rotation};
pub use key::{KeyError, Signer, Verifier, generate};
pub use mark::{Mark, Release};
pub use read::{Line, LineError, lines_of};
pub use record::{Event, LogIn, Who};
pub use settings::{Outcomes, ParameterValues, Settings, Sync, WhenFull};
pub use sink::{Sink, StdoutSink, SyslogSink, SyslogTo, timestamp_of};
pub use trail::{FileWish, StartError, Trail};
pub use verify::{Anchor, End, Finding, Gravity, Verdict, verify};
