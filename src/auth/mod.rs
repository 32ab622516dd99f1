//! Who a client is, where the proxy and not the server finds out; and how the proxy then logs in to the server.
//!
//! Nothing here touches a socket: messages go in, messages come out. The proxy keeps no passwords, only what Postgres keeps
//! itself: SCRAM verifiers. Of a client that has proven its password it learns keys that open the same role on a server
//! that has the same verifier, and nothing else.

mod attempts;
pub mod bearer;
mod keys;
mod messages;
mod scram;
mod token;
mod upstream;
mod users;
mod verifier;

pub use attempts::{Attempts, network};
pub use keys::ClientKeys;
pub use messages::{ask_for_password, ok, password};
pub use scram::{Exchange, Heard, Stranger};
pub use token::{Claims, LEEWAY, NotOneValue, Tokens, TokensError};
pub use upstream::{Answer, Bound, Channel, Credential, Secret, UpstreamLogin};
pub use users::{Users, UsersError};
pub use verifier::{Verifier, VerifierError};

/// Why a client is not let in. What the client is told is the same for all of them; the log has the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("no such user")]
    NoSuchUser,
    #[error("the password does not match")]
    WrongPassword,
    /// Others have failed meanwhile.
    #[error("too many failed logins")]
    TooMany,
    #[error("{0}")]
    Token(String),
    #[error("no certificate, or one that is not this user's")]
    Certificate,
    /// The message itself is wrong.
    #[error("{0}")]
    Malformed(String),
}
