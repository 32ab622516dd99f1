//! The few messages that the proxy itself sends to the server.

use bytes::{BufMut, BytesMut};
use pgwire::messages::Message;
use pgwire::messages::extendedquery::{Bind, Close, Describe, Execute, Parse, Sync};
use pgwire::messages::simplequery::Query;

/// The names under which the proxy's own statements are prepared. Clients may not use names that begin like this.
const OWN: &str = "wherefore_own";

fn put(message: impl Message, out: &mut BytesMut) {
    // Encoding fails only beyond a gigabyte, which the bounds on texts exclude.
    let before = out.len();
    if message.encode(out).is_err() {
        out.truncate(before);
    }
}

/// A simple query.
pub fn query(text: &str, out: &mut BytesMut) {
    put(Query::new(text.to_owned()), out);
}

/// A Parse whose parameter types are given as they came from a client (a count and OIDs).
pub fn parse(name: &[u8], text: &[u8], types: &[u8], out: &mut BytesMut) {
    out.put_u8(b'P');
    out.put_u32((4 + name.len() + 1 + text.len() + 1 + types.len()) as u32);
    for string in [name, text] {
        out.put_slice(string);
        out.put_u8(0);
    }
    out.put_slice(types);
}

/// One statement of the proxy's own by the extended protocol, so that the client's unnamed statement and portal survive.
/// Answers: 1 2 (D …) C 3 3.
pub fn run_inside(text: &str, out: &mut BytesMut) {
    let name = Some(OWN.to_owned());
    put(Parse::new(name.clone(), text.to_owned(), Vec::new()), out);
    put(Bind::new(name.clone(), name.clone(), Vec::new(), Vec::new(), Vec::new()), out);
    put(Execute::new(name.clone(), 0), out);
    put(Close::new(b'P', name.clone()), out);
    put(Close::new(b'S', name), out);
}

/// Statements of the proxy's own in a segment of their own.
pub fn run_apart(texts: &[&str], out: &mut BytesMut) {
    for text in texts {
        run_inside(text, out);
    }
    put(Sync::new(), out);
}

/// Closes what is left of a statement of the proxy's own that failed. Answers: 3 3.
pub fn close_own(out: &mut BytesMut) {
    put(Close::new(b'P', Some(OWN.to_owned())), out);
    put(Close::new(b'S', Some(OWN.to_owned())), out);
}

/// Describe of a prepared statement.
pub fn describe_statement(name: &str, out: &mut BytesMut) {
    put(Describe::new(b'S', Some(name.to_owned())), out);
}

/// Describe of a portal.
pub fn describe_portal(name: &str, out: &mut BytesMut) {
    put(Describe::new(b'P', Some(name.to_owned())), out);
}

/// An Execute of a portal that does not exist: fails with 34000 and the name in the message.
pub fn execute_unknown(name: &str, out: &mut BytesMut) {
    put(Execute::new(Some(name.to_owned()), 0), out);
}

/// Close of a prepared statement.
pub fn close_statement(name: &str, out: &mut BytesMut) {
    put(Close::new(b'S', Some(name.to_owned())), out);
}

/// A Bind of a statement that does not exist: fails with 26000 and the name in the message.
pub fn bind_unknown(name: &str, out: &mut BytesMut) {
    put(Bind::new(None, Some(name.to_owned()), Vec::new(), Vec::new(), Vec::new()), out);
}

/// The header and names of a Bind whose remaining `rest` bytes follow as they come.
pub fn bind_prefix(portal: &[u8], statement: &[u8], rest: usize, out: &mut BytesMut) {
    out.put_u8(b'B');
    out.put_u32((4 + portal.len() + statement.len() + 2 + rest) as u32);
    for name in [portal, statement] {
        out.put_slice(name);
        out.put_u8(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ClientTag, client_header};

    #[test]
    fn what_we_send_is_well_formed() {
        let mut out = BytesMut::new();
        run_apart(&["SELECT 1"], &mut out);
        parse(b"s", b"SELECT $1", b"\0\x01\0\0\0\x17", &mut out);
        bind_prefix(b"p", b"s", 6, &mut out);
        out.extend_from_slice(&[0; 6]);
        let (mut at, mut tags) = (0, Vec::new());
        while let Some(header) = client_header(&out[at..]) {
            let (tag, header) = header.expect("well-formed");
            tags.push(tag);
            at += header.frame();
        }
        assert_eq!(at, out.len());
        use ClientTag::{Bind, Close, Execute, Parse, Sync};
        assert_eq!(tags, [Parse, Bind, Execute, Close, Close, Sync, Parse, Bind]);
    }
}
