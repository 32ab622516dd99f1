//! Connections to clients and to the server, plain and encrypted. Nothing that was read before a handshake survives it.

mod binding;
mod certificate;
mod stream;
mod tls;
mod upstream;

pub use binding::Encrypted;
pub use certificate::Identity;
pub use stream::Stream;
pub use tls::{Acceptor, ClientCertificates, ClientLeg, TlsError, TlsMode};
pub use upstream::{ServerLeg, SslMode, Upstream};
