//! Authentication that is the server's: its messages pass in both directions until it says that all is well.

use super::buffers::Inbox;
use super::hello;
use super::whence::Whence;
use crate::net::Stream;
use std::io;

/// Whether the server let the client in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entered {
    /// AuthenticationOk was passed on; what follows it is in the inbox.
    Yes,
    Refused,
}

/// Whether what a client binds to its channel reaches the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// Both channels show the same certificate, or the server's has none that anything could be bound to.
    Reaches,
    /// The server expects its own channel, which the client does not see.
    Ends,
}

impl Binding {
    /// `own` is the certificate that the proxy shows to clients.
    pub fn between(client: &Stream, own: Option<&[u8]>, server: &Stream) -> Binding {
        let same = client.is_encrypted() && own.is_some_and(|own| server.shows(own));
        if same || !server.is_encrypted() { Binding::Reaches } else { Binding::Ends }
    }
}

/// Kinds of authentication requests.
const OK: [u8; 4] = [0, 0, 0, 0];
const CLEARTEXT: [u8; 4] = [0, 0, 0, 3];
const SASL: [u8; 4] = [0, 0, 0, 10];
const SASL_FINAL: [u8; 4] = [0, 0, 0, 12];

/// Passes authentication between client and server.
pub async fn authenticate(
    (client, whence): (&mut Stream, Whence),
    inbox: &mut Inbox,
    server: &mut Stream,
    from_server: &mut Inbox,
    binding: Binding,
) -> io::Result<Entered> {
    loop {
        let (tag, length) = hello::said(server, from_server).await?;
        let message = &from_server.bytes()[..length];
        let kind = (tag == b'R').then(|| message.get(5..9)?.first_chunk::<4>()).flatten().copied();
        match (kind, binding) {
            // It would pass where everybody can read it, and the server thinks that nobody can.
            (Some(CLEARTEXT), _) if server.is_encrypted() && !is_private(client, whence) => {
                let message = "the server asks for the password in clear text, and this connection is not encrypted";
                hello::fatal_with(client, "28000", message, "", "Connect with TLS.").await;
                return Ok(Entered::Refused);
            }
            (Some(SASL), Binding::Ends) => match without_binding(&message[9..]) {
                Some(offer) => client.send(&offer).await?,
                None => {
                    no_binding(client).await;
                    return Ok(Entered::Refused);
                }
            },
            _as_it_came => client.send(message).await?,
        }
        from_server.consume(length);
        match (tag, kind) {
            (b'R', Some(OK)) => return Ok(Entered::Yes),
            // AuthenticationOk follows without a word of the client.
            (b'R', Some(SASL_FINAL)) => {}
            (b'R', Some(kind)) => {
                let length = answer(client, inbox).await?;
                let answered = &inbox.bytes()[..length];
                if kind == SASL && binding == Binding::Ends && binds(answered) {
                    no_binding(client).await;
                    return Ok(Entered::Refused);
                }
                server.send(answered).await?;
                inbox.consume(length);
            }
            (b'v' | b'N', _) => {}
            _ => return Ok(Entered::Refused),
        }
    }
}

/// The longest answer of a client that is not known yet: what Postgres allows it at most.
const LONGEST_ANSWER: usize = 64 << 10;

/// Waits for an answer of the client, a password message. Of what is none, or too long, only the head is read.
pub async fn answer(client: &mut Stream, inbox: &mut Inbox) -> io::Result<usize> {
    let (tag, length) = hello::head(client, inbox).await?;
    if tag != b'p' || length > LONGEST_ANSWER {
        hello::fatal(client, "08P01", &format!("expected password response, got message type {tag}")).await;
        return Err(io::Error::other("not a password message"));
    }
    hello::message(client, inbox).await.map(|(_, length)| length)
}

/// An AuthenticationSASL with the mechanisms that bind no channel; `None` where there are no others.
fn without_binding(mechanisms: &[u8]) -> Option<Vec<u8>> {
    let named = mechanisms.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let kept: Vec<&[u8]> = named.filter(|name| !name.ends_with(b"-PLUS")).collect();
    let list = [kept.join(&0), vec![0, 0]].concat();
    let head = ((8 + list.len()) as u32).to_be_bytes();
    (!kept.is_empty()).then(|| [b"R", &head[..], &SASL, &list].concat())
}

/// Whether a SASLInitialResponse binds the channel, or says that it would have if it had been offered: over an encrypted
/// connection the server takes that for an attack (RFC 5802, section 6).
fn binds(message: &[u8]) -> bool {
    let mut parts = message[5..].splitn(2, |byte| *byte == 0);
    let mechanism = parts.next().unwrap_or_default();
    // Behind the mechanism's NUL four bytes of length, then the GS2 header.
    let flag = parts.next().and_then(|data| data.get(4));
    mechanism.ends_with(b"-PLUS") || flag != Some(&b'n')
}

async fn no_binding(client: &mut Stream) {
    let message = "channel binding does not reach through the proxy";
    let detail = "The client's encryption ends at the proxy, whose certificate is not the server's.";
    let hint = "Connect with channel_binding=disable.";
    hello::fatal_with(client, "28000", message, detail, hint).await;
}

/// Whether nobody outside the machine can listen to a connection without breaking its encryption.
pub fn is_private(stream: &Stream, whence: Whence) -> bool {
    stream.is_encrypted() || whence.is_local
}

/// Waits until the server is ready, or passes on why it is not.
pub async fn hear_out(client: &mut Stream, server: &mut Stream, from_server: &mut Inbox) -> io::Result<Entered> {
    loop {
        let (tag, length) = hello::said(server, from_server).await?;
        if tag == b'E' {
            client.send(&from_server.bytes()[..length]).await?;
            return Ok(Entered::Refused);
        }
        from_server.consume(length);
        if tag == b'Z' {
            return Ok(Entered::Yes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mechanisms_that_bind_are_not_passed_on() {
        for (offered, expected) in [
            (&b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"[..], Some(&b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"[..])),
            (b"SCRAM-SHA-256\0OAUTHBEARER\0\0", Some(b"R\0\0\0\x23\0\0\0\x0aSCRAM-SHA-256\0OAUTHBEARER\0\0")),
            (b"SCRAM-SHA-256-PLUS\0\0", None),
            (b"", None),
        ] {
            assert_eq!(without_binding(offered).as_deref(), expected);
        }
    }

    #[test]
    fn what_binds_a_channel() {
        for (message, expected) in [
            (&b"p\0\0\0\x20SCRAM-SHA-256\0\0\0\0\x04n,,n"[..], false),
            (b"p\0\0\0\x20SCRAM-SHA-256\0\0\0\0\x04y,,n", true),
            (b"p\0\0\0\x20SCRAM-SHA-256\0\0\0\0\x04p=tls", true),
            (b"p\0\0\0\x20SCRAM-SHA-256-PLUS\0\0\0\0\x04n,,n", true),
            (b"p\0\0\0\x20SCRAM-SHA-256", true),
            (b"p\0\0\0\x04", true),
        ] {
            assert_eq!(binds(message), expected, "{message:?}");
        }
    }
}
