//! The first bytes of a connection, up to its start-up message: encryption, and cancel.

use super::buffers::Inbox;
use super::gate::Shared;
use super::hello;
use super::relay::deliver;
use crate::control::Setup;
use crate::net::{Stream, Upstream};
use crate::observe::Counters;
use crate::wire::{First, Startup};
use std::io;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

/// The first byte of a TLS record that holds a handshake.
const HANDSHAKE: u8 = 0x16;

/// A client that has said who it is.
pub struct Arrival {
    pub client: Stream,
    pub inbox: Inbox,
    pub startup: Startup,
}

/// What a connection has asked for already; each may be asked once.
#[derive(Default)]
struct Asked {
    tls: bool,
    gss: bool,
}

/// Answers what comes before the start-up message. `None`: the connection is done with.
pub async fn arrive(shared: &Shared, setup: &Setup, client: Stream) -> io::Result<Option<Arrival>> {
    let mut asked = Asked::default();
    let Some(mut client) = direct(setup, client, &mut asked).await? else { return Ok(None) };
    let mut inbox = Inbox::default();
    loop {
        let (packet, length) = hello::first_packet(&mut client, &mut inbox).await?;
        let again = match packet {
            First::Ssl => std::mem::replace(&mut asked.tls, true),
            First::Gss => std::mem::replace(&mut asked.gss, true),
            First::Cancel => {
                Counters::add(&shared.counters.cancels);
                cancel(shared, setup, &inbox.bytes()[..length]).await;
                return Ok(None);
            }
            First::Startup(startup) => {
                inbox.consume(length);
                return Ok(Some(Arrival { client, inbox, startup }));
            }
            First::Nonsense => return Ok(None),
            First::Bad(code, message) => {
                hello::fatal(&mut client, code, &message).await;
                return Ok(None);
            }
        };
        inbox.consume(length);
        if again {
            hello::fatal(&mut client, "08P01", "encryption was requested twice").await;
            return Ok(None);
        }
        if !inbox.is_empty() {
            // Nothing may be sent before the answer: it could have been put in by someone on the way (CVE-2021-23214).
            let (message, detail) = (
                "received unencrypted data after an encryption request",
                "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.",
            );
            hello::fatal_with(&mut client, "08P01", message, detail, "").await;
            return Ok(None);
        }
        client = match (packet, client, &setup.acceptor) {
            (First::Ssl, Stream::Tcp(mut stream), Some(acceptor)) => {
                stream.write_all(b"S").await?;
                asked.gss = true;
                acceptor.accept(stream).await?
            }
            (_, mut client, _) => {
                client.send(b"N").await?;
                client
            }
        };
    }
}

/// TLS from the first byte on, where the client begins so. It must name the protocol, so that what was meant for another
/// service does not end up here.
async fn direct(setup: &Setup, client: Stream, asked: &mut Asked) -> io::Result<Option<Stream>> {
    let (stream, acceptor) = match (client, &setup.acceptor) {
        (Stream::Tcp(stream), Some(acceptor)) => (stream, acceptor),
        (client, _) => return Ok(Some(client)),
    };
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 || first[0] != HANDSHAKE {
        return Ok(Some(Stream::Tcp(stream)));
    }
    (asked.tls, asked.gss) = (true, true);
    let mut client = acceptor.accept(stream).await?;
    if !client.names_protocol() {
        let message = "received direct SSL connection request without ALPN protocol negotiation extension";
        hello::fatal(&mut client, "08P01", message).await;
        return Ok(None);
    }
    Ok(Some(client))
}

/// Passes a CancelRequest on to the server that its session is on. The key is that server's own, so it reaches only what
/// the client could cancel directly. A session that the proxy does not know (another proxy's behind the same address, or one
/// whose bytes it does not look into) may be on any server.
async fn cancel(shared: &Shared, setup: &Setup, packet: &[u8]) {
    let key = &packet[8..];
    let mut servers: Vec<Upstream> =
        shared.sessions.iter().filter_map(|session| session.value().server_of(key)).collect();
    if servers.is_empty() {
        for host in setup.servers.all() {
            servers.extend(host.by_address().await.unwrap_or_default());
        }
    }
    // All at once: one of them may not answer.
    let mut deliveries = JoinSet::new();
    for server in servers {
        let packet = packet.to_vec();
        deliveries.spawn(async move { deliver(&server, &packet).await });
    }
    deliveries.join_all().await;
}
