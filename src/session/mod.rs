//! One client's session without its sockets.
//!
//! The machine takes the bytes of either side as they come and says what to send to whom, so that all of it can be tested
//! without a server. It keeps what the judgement needs (purpose in force, search path, prepared statements) and what order
//! needs (which answers are still to come); the transaction's state, skipping after errors and the settings themselves stay
//! the server's, and where the session cannot know a setting it asks the server before it judges anything else.

mod answers;
mod asking;
mod consider;
mod describe;
mod discreet;
mod doing;
mod extended;
mod inner;
mod judge;
mod machine;
mod named;
mod parameter;
mod payment;
mod poison;
mod portals;
mod positions;
mod purpose;
mod queue;
mod record;
mod reports;
mod settings;
mod shelf;
mod simple;
mod statements;
mod temporary;
#[cfg(test)]
mod tests;

pub use answers::Answer;
pub use discreet::ReportSort;
pub use doing::Doing;
pub use inner::{Fault, InnerReading};
pub use judge::{Judge, Records, Witness};
pub use machine::{Bounds, Opening, Refresh, Refreshed, Session, Step};
pub use parameter::{parameter_of, setting_of, start_values};
pub use payment::Charged;
pub use purpose::{
    JUSTIFICATION, Legs, RECIPIENT, Start, declarable, encrypted, justification, start_purpose, start_up_setting,
    unknown_setting,
};
pub use record::{Decision, End, Means, Ran, Ticket};
pub use shelf::{Fit, Shelf};
