//! A connection of the proxy's own, as the driver sees it that logs in over it: encrypted already where it is encrypted at
//! all, so that the login can be bound to the channel, and closed to requests that give a password away.

use super::stream::Stream;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready as try_ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// Does nothing to a connection.
pub struct Encrypted;

impl TlsConnect<Own> for Encrypted {
    type Stream = Own;
    type Error = io::Error;
    type Future = Ready<io::Result<Own>>;

    fn connect(self, stream: Own) -> Ready<io::Result<Own>> {
        ready(Ok(stream))
    }
}

/// The connection.
pub struct Own {
    stream: Stream,
    /// Where nothing vouches for the other end, until it has let the proxy in.
    wary: Option<Wary>,
}

impl Own {
    /// `verified`: whether what passes reaches the server and nobody else.
    pub fn new(stream: Stream, verified: bool) -> Own {
        Own { stream, wary: (!verified).then(Wary::default) }
    }

    pub fn is_encrypted(&self) -> bool {
        self.stream.is_encrypted()
    }
}

impl TlsStream for Own {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.end_point().map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl AsyncRead for Own {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let own = self.get_mut();
        let before = buf.filled().len();
        try_ready!(Pin::new(&mut own.stream).poll_read(cx, buf))?;
        if let Some(wary) = &mut own.wary
            && wary.hear(&buf.filled()[before..])? == Heard::LetIn
        {
            own.wary = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Own {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Listens for requests that only who is known to be the server may make: a password in clear text, or hashed by MD5,
/// which is as good as the password. `postgres_protocol` has no switch for it.
#[derive(Debug, Default)]
struct Wary {
    /// The beginning of the message at hand: tag, length, kind of request.
    head: [u8; 9],
    have: usize,
    /// How much of it is still to come.
    left: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Nothing,
    LetIn,
}

impl Wary {
    /// Takes what came. An error is a request that must not be answered.
    fn hear(&mut self, mut bytes: &[u8]) -> io::Result<Heard> {
        while let [first, rest @ ..] = bytes {
            if self.left > 0 && self.have == self.head.len() {
                let over = self.left.min(bytes.len());
                self.left -= over;
                bytes = &bytes[over..];
            } else {
                self.head[self.have] = *first;
                self.have += 1;
                bytes = rest;
                let [tag, l0, l1, l2, l3, kind @ ..] = self.head;
                if self.have == 5 {
                    self.left = (u32::from_be_bytes([l0, l1, l2, l3]) as usize).saturating_sub(4);
                } else if self.have > 5 {
                    self.left -= 1;
                }
                if tag == b'R' && self.have == self.head.len() {
                    match u32::from_be_bytes(kind) {
                        0 => return Ok(Heard::LetIn),
                        3 | 5 => return Err(io::Error::other(REQUEST)),
                        _another => {}
                    }
                }
            }
            if self.have >= 5 && self.left == 0 {
                self.have = 0;
            }
        }
        Ok(Heard::Nothing)
    }
}

const REQUEST: &str = "the server asks for the password in clear text or hashed by MD5, and nothing vouches for it: \
    use scram-sha-256 there, or upstream.sslmode = \"verify-full\" here";

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u32 + 4).to_be_bytes();
        [&[tag], &length[..], body].concat()
    }

    #[test]
    fn a_password_is_not_given_to_whom_nobody_vouches_for() {
        let negotiated = message(b'v', &[0; 12]);
        let (ok, sasl) = (message(b'R', &[0; 4]), message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0"));
        let (clear, md5) = (message(b'R', &[0, 0, 0, 3]), message(b'R', &[0, 0, 0, 5, 1, 2, 3, 4]));
        let odd = message(b'N', &[]);
        for (said, expected) in [
            (vec![&sasl, &ok], Some(Heard::LetIn)),
            (vec![&negotiated, &sasl], Some(Heard::Nothing)),
            (vec![&clear], None),
            (vec![&negotiated, &md5], None),
            (vec![&odd, &sasl, &clear], None),
            (vec![&ok, &clear], Some(Heard::LetIn)),
        ] {
            let bytes: Vec<u8> = said.into_iter().flatten().copied().collect();
            for piece in [1, 2, 3, 7, bytes.len()] {
                let mut wary = Wary::default();
                let mut heard = Some(Heard::Nothing);
                for chunk in bytes.chunks(piece) {
                    heard = wary.hear(chunk).ok();
                    if heard != Some(Heard::Nothing) {
                        break;
                    }
                }
                assert_eq!(heard, expected, "{bytes:?} by {piece}");
            }
        }
    }
}
