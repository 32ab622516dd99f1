//! One connection, plain or encrypted.

use super::certificate::{Identity, end_point};
use super::tls::ALPN;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

/// A connection of any kind.
#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// Boxed: it is big, and would make every plain one as big.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Writes everything, and sees that it leaves.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes).await?;
        self.flush().await
    }

    pub fn is_encrypted(&self) -> bool {
        matches!(self, Stream::Tls(_))
    }

    /// The other end's address; none on a unix socket.
    pub fn address(&self) -> Option<IpAddr> {
        let stream = match self {
            Stream::Tcp(stream) => stream,
            Stream::Tls(stream) => stream.get_ref().0,
            Stream::Unix(_) => return None,
        };
        // One that is gone already comes from nowhere, which is not a unix socket.
        let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Some(stream.peer_addr().map_or(nowhere, |address| address.ip().to_canonical()))
    }

    /// The names in the certificate that the client has shown, if it was asked for one.
    pub fn identity(&self) -> Option<Identity> {
        match self {
            Stream::Tls(stream) => Identity::of(stream.get_ref().1.peer_certificates()?.first()?),
            Stream::Tcp(_) | Stream::Unix(_) => None,
        }
    }

    /// What a login may bind to the channel: the hash of the server's certificate.
    pub fn end_point(&self) -> Option<Vec<u8>> {
        match self {
            Stream::Tls(stream) => end_point(stream.get_ref().1.peer_certificates()?.first()?),
            Stream::Tcp(_) | Stream::Unix(_) => None,
        }
    }

    /// Whether the handshake has agreed on Postgres's protocol by name.
    pub fn names_protocol(&self) -> bool {
        matches!(self, Stream::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(ALPN))
    }

    /// Whether the other end has shown this certificate.
    pub fn shows(&self, certificate: &[u8]) -> bool {
        match self {
            Stream::Tls(stream) => {
                let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                shown.is_some_and(|shown| shown.as_ref() == certificate)
            }
            Stream::Tcp(_) | Stream::Unix(_) => false,
        }
    }

    /// Says goodbye where the encryption has a word for it, as far as that goes without waiting.
    pub fn poll_goodbye(&mut self, cx: &mut Context<'_>) {
        if self.is_encrypted() {
            let _ = Pin::new(self).poll_shutdown(cx);
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(&mut **stream).poll_write(cx, bytes),
        }
    }

    /// What was written to an encrypted one may still wait in it.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(_) | Stream::Unix(_) => Poll::Ready(Ok(())),
            Stream::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
        }
    }
}
