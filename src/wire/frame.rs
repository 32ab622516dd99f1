//! The five bytes in front of every message after start-up.

use std::fmt;

/// Tag and length word.
pub const HEADER: usize = 5;

/// The largest body Postgres reads or writes (`PQ_LARGE_MESSAGE_LIMIT`, less the length word).
pub const LARGEST_BODY: usize = 0x3fff_fffe - 4;

/// The largest body of a message that carries no data (`PQ_SMALL_MESSAGE_LIMIT`).
const SMALL_BODY: usize = 10_000 - 4;

/// A frame's tag and the length of its body, without the length word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub tag: u8,
    pub body: usize,
}

impl Header {
    /// The whole frame's length.
    pub fn frame(self) -> usize {
        HEADER + self.body
    }
}

/// A message that breaks the protocol; the session ends with `08P01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// The length word is smaller than itself or larger than Postgres allows.
    Length(u8),
    /// No message of this tag is allowed here.
    Tag(u8),
    /// The body is not what the tag promises.
    Shape(u8, &'static str),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::Length(tag) => write!(f, "invalid message length in message type {tag:?}", tag = *tag as char),
            Violation::Tag(tag) => write!(f, "invalid frontend message type {tag}"),
            Violation::Shape(tag, what) => {
                write!(f, "invalid message format: {what} in message type {:?}", *tag as char)
            }
        }
    }
}

impl std::error::Error for Violation {}

/// Every message a client may send after authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientTag {
    Query,
    Parse,
    Bind,
    Describe,
    Execute,
    Close,
    Flush,
    Sync,
    Terminate,
    CopyData,
    CopyDone,
    CopyFail,
    FunctionCall,
}

impl ClientTag {
    fn of(tag: u8) -> Option<ClientTag> {
        Some(match tag {
            b'Q' => ClientTag::Query,
            b'P' => ClientTag::Parse,
            b'B' => ClientTag::Bind,
            b'D' => ClientTag::Describe,
            b'E' => ClientTag::Execute,
            b'C' => ClientTag::Close,
            b'H' => ClientTag::Flush,
            b'S' => ClientTag::Sync,
            b'X' => ClientTag::Terminate,
            b'd' => ClientTag::CopyData,
            b'c' => ClientTag::CopyDone,
            b'f' => ClientTag::CopyFail,
            b'F' => ClientTag::FunctionCall,
            _ => return None,
        })
    }

    /// The bound of `SocketBackend` in postgres.c.
    fn most(self) -> usize {
        match self {
            ClientTag::Query | ClientTag::Parse | ClientTag::Bind | ClientTag::CopyData | ClientTag::FunctionCall => {
                LARGEST_BODY
            }
            ClientTag::Describe
            | ClientTag::Execute
            | ClientTag::Close
            | ClientTag::Flush
            | ClientTag::Sync
            | ClientTag::Terminate
            | ClientTag::CopyDone
            | ClientTag::CopyFail => SMALL_BODY,
        }
    }
}

/// Reads a header without judging the tag. `None` while fewer than five bytes are there.
fn header(bytes: &[u8]) -> Option<Result<Header, Violation>> {
    let [tag, a, b, c, d] = *bytes.first_chunk::<HEADER>()?;
    let length = i32::from_be_bytes([a, b, c, d]);
    Some(match usize::try_from(length) {
        Ok(length) if length >= 4 => Ok(Header { tag, body: length - 4 }),
        _ => Err(Violation::Length(tag)),
    })
}

/// The header of a client's message, its tag known and its length within the tag's bound.
pub fn client_header(bytes: &[u8]) -> Option<Result<(ClientTag, Header), Violation>> {
    // An unknown tag is reported before its length, as Postgres does.
    let tag = *bytes.first()?;
    let Some(kind) = ClientTag::of(tag) else { return Some(Err(Violation::Tag(tag))) };
    Some(
        header(bytes)?.and_then(|header| {
            if header.body <= kind.most() { Ok((kind, header)) } else { Err(Violation::Length(tag)) }
        }),
    )
}

/// The header of a server's message. The server is trusted as far as its length words.
pub fn server_header(bytes: &[u8]) -> Option<Result<Header, Violation>> {
    header(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_headers() {
        let check = |bytes: &[u8], expected| assert_eq!(client_header(bytes), expected, "{bytes:?}");
        check(b"", None);
        check(b"Q\0\0\0", None);
        check(b"Q\0\0\0\x04", Some(Ok((ClientTag::Query, Header { tag: b'Q', body: 0 }))));
        check(b"Q\0\0\0\x03", Some(Err(Violation::Length(b'Q'))));
        check(b"p\0\0\0\0", Some(Err(Violation::Tag(b'p'))));
        check(b"d\0\0\0\0", Some(Err(Violation::Length(b'd'))));
        check(b"Q\xff\xff\xff\xff", Some(Err(Violation::Length(b'Q'))));
        check(b"S\0\x01\0\0", Some(Err(Violation::Length(b'S'))));
        check(b"\0", Some(Err(Violation::Tag(0))));
    }
}
