//! A connection that is encrypted already, as a driver sees it that would otherwise encrypt it itself: so that it can bind
//! its login to the channel.

use super::stream::Stream;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// Does nothing to a connection.
pub struct Encrypted;

impl TlsConnect<Stream> for Encrypted {
    type Stream = Bindable;
    type Error = io::Error;
    type Future = Ready<io::Result<Bindable>>;

    fn connect(self, stream: Stream) -> Ready<io::Result<Bindable>> {
        ready(Ok(Bindable(stream)))
    }
}

/// The connection.
pub struct Bindable(Stream);

impl TlsStream for Bindable {
    fn channel_binding(&self) -> ChannelBinding {
        self.0.end_point().map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl AsyncRead for Bindable {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Bindable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
