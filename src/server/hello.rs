//! Small exchanges before the relay: reading a first packet, a whole message, sending a report.

use super::buffers::Inbox;
use crate::net::Stream;
use crate::wire::{self, First, HEADER};
use bytes::BytesMut;
use std::io;
use tokio::io::AsyncWriteExt;

/// The longest message of the server before it is ready for queries.
const LONGEST: usize = 1 << 20;

/// Reads a connection's first packet and its length; it stays in the inbox.
pub async fn first_packet(stream: &mut Stream, inbox: &mut Inbox) -> io::Result<(First, usize)> {
    loop {
        if let Some(found) = wire::first_packet(inbox.bytes()) {
            return Ok(found);
        }
        inbox.fill(stream).await?;
    }
}

/// Waits for the head of a message: its tag, and its length in all.
pub async fn head(stream: &mut Stream, inbox: &mut Inbox) -> io::Result<(u8, usize)> {
    loop {
        if let Some(header) = wire::server_header(inbox.bytes()) {
            let header = header.map_err(io::Error::other)?;
            return Ok((header.tag, header.frame()));
        }
        inbox.fill(stream).await?;
    }
}

/// Waits for a whole message and returns its tag and length in all; it stays in the inbox.
pub async fn message(stream: &mut Stream, inbox: &mut Inbox) -> io::Result<(u8, usize)> {
    let (tag, length) = head(stream, inbox).await?;
    if length > HEADER + LONGEST {
        return Err(io::Error::other("a message is too long"));
    }
    while inbox.bytes().len() < length {
        inbox.fill(stream).await?;
    }
    Ok((tag, length))
}

/// The connection to the server was lost before its session was ready.
#[derive(Debug, thiserror::Error)]
#[error("the server: {0}")]
pub struct Lost(io::Error);

/// As [`message`], of the server: an error is a [`Lost`].
pub async fn said(server: &mut Stream, inbox: &mut Inbox) -> io::Result<(u8, usize)> {
    message(server, inbox).await.map_err(|error| io::Error::other(Lost(error)))
}

/// The body of a whole message at the front of an inbox.
pub fn body(inbox: &Inbox, length: usize) -> &[u8] {
    &inbox.bytes()[HEADER..length]
}

/// Sends a FATAL report; whether it arrives does not matter any more.
pub async fn fatal(stream: &mut Stream, code: &str, message: &str) {
    fatal_with(stream, code, message, "", "").await;
}

/// Sends a FATAL report with detail and hint.
pub async fn fatal_with(stream: &mut Stream, code: &str, message: &str, detail: &str, hint: &str) {
    let mut out = BytesMut::new();
    wire::fatal_with(code, message, detail, hint, &mut out);
    let _ = stream.send(&out).await;
    let _ = stream.shutdown().await;
}
