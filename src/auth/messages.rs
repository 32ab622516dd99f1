//! The few messages of authentication.

use bytes::{BufMut, BytesMut};

/// Kinds of authentication requests (PostgreSQL documentation, "Message Formats").
pub(super) mod kind {
    pub const OK: u32 = 0;
    pub const CLEARTEXT: u32 = 3;
    pub const MD5: u32 = 5;
    pub const SASL: u32 = 10;
    pub const SASL_CONTINUE: u32 = 11;
    pub const SASL_FINAL: u32 = 12;
}

/// AuthenticationOk.
pub fn ok(out: &mut BytesMut) {
    request(kind::OK, &[], out);
}

/// AuthenticationCleartextPassword.
pub fn ask_for_password(out: &mut BytesMut) {
    request(kind::CLEARTEXT, &[], out);
}

/// AuthenticationSASL with these mechanisms, the best first.
pub(super) fn offer(mechanisms: &[&str], out: &mut BytesMut) {
    let mut names = BytesMut::new();
    for name in mechanisms {
        names.put_slice(name.as_bytes());
        names.put_u8(0);
    }
    names.put_u8(0);
    request(kind::SASL, &names, out);
}

pub(super) fn request(kind: u32, body: &[u8], out: &mut BytesMut) {
    message(b'R', &[&kind.to_be_bytes(), body], out);
}

/// A message of the client's: PasswordMessage, SASLInitialResponse, SASLResponse.
pub(super) fn response(parts: &[&[u8]], out: &mut BytesMut) {
    message(b'p', parts, out);
}

fn message(tag: u8, parts: &[&[u8]], out: &mut BytesMut) {
    let body: usize = parts.iter().map(|part| part.len()).sum();
    out.put_u8(tag);
    // Every part is bounded by what was read or configured, far below 2^31.
    out.put_u32((4 + body) as u32);
    parts.iter().for_each(|part| out.put_slice(part));
}

/// The text of a PasswordMessage's body.
pub fn password(body: &[u8]) -> Option<&[u8]> {
    let text = body.strip_suffix(&[0])?;
    (!text.contains(&0)).then_some(text)
}

/// Mechanism and data of a SASLInitialResponse's body.
pub(super) fn initial_response(body: &[u8]) -> Option<(&str, &[u8])> {
    let end = body.iter().position(|byte| *byte == 0)?;
    let mechanism = std::str::from_utf8(&body[..end]).ok()?;
    let (length, data) = body[end + 1..].split_first_chunk::<4>()?;
    (usize::try_from(u32::from_be_bytes(*length)).ok()? == data.len()).then_some((mechanism, data))
}

/// Kind and body of an authentication request.
pub(super) fn read_request(body: &[u8]) -> Option<(u32, &[u8])> {
    let (kind, rest) = body.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*kind), rest))
}
