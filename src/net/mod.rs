//! Connections to clients and to the server, plain and encrypted. Nothing that was read before a handshake survives it.

mod binding;
mod certificate;
mod stream;
mod tls;
mod upstream;

pub use binding::{Encrypted, Own};
pub use certificate::Identity;
pub use stream::Stream;
pub use tls::{Acceptor, ClientCertificates, ClientLeg, TlsError, TlsMode};
pub use upstream::{ServerLeg, SslMode, Upstream};

use socket2::{SockRef, TcpKeepalive};
use std::time::Duration;
use tokio::net::TcpStream;

/// Has small messages sent at once, and a connection break within two minutes or so when the other end is gone without a
/// word: behind a router that forgot it, or without power.
pub fn keep(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let probes = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(10));
    SockRef::from(stream).set_tcp_keepalive(&probes.with_retries(6))
}
