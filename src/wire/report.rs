//! Reports: what the proxy writes to a client, and what it reads from the server.

use crate::vocab::Refusal;
use bytes::{BufMut, BytesMut};
use pgwire::messages::Message;
use pgwire::messages::response::ErrorResponse;

/// Writes an ErrorResponse. Empty fields are left out; NUL cannot occur in one.
pub fn write_error(fields: &[(u8, &str)], out: &mut BytesMut) {
    let fields: Vec<(u8, String)> = fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(code, value)| (*code, value.replace('\0', "\u{fffd}")))
        .collect();
    let before = out.len();
    if ErrorResponse::new(fields).encode(out).is_err() {
        out.truncate(before);
        out.put_slice(b"E\0\0\0\x1aSERROR\0C54000\0Mreport\0\0");
    }
}

/// A FATAL report; the connection is closed after it.
pub fn fatal(code: &str, message: &str, out: &mut BytesMut) {
    fatal_with(code, message, "", "", out);
}

/// A FATAL report with detail and hint.
pub fn fatal_with(code: &str, message: &str, detail: &str, hint: &str, out: &mut BytesMut) {
    write_error(&[(b'S', "FATAL"), (b'V', "FATAL"), (b'C', code), (b'M', message), (b'D', detail), (b'H', hint)], out);
}

/// A refusal as an ErrorResponse.
pub fn refusal_report(refusal: &Refusal, out: &mut BytesMut) {
    let position = if refusal.position == 0 { String::new() } else { refusal.position.to_string() };
    write_error(
        &[
            (b'S', "ERROR"),
            (b'V', "ERROR"),
            (b'C', refusal.code.0),
            (b'M', &refusal.message),
            (b'D', refusal.detail.as_deref().unwrap_or_default()),
            (b'H', refusal.hint.as_deref().unwrap_or_default()),
            (b'P', &position),
        ],
        out,
    );
}

/// The fields of an ErrorResponse, read where they lie.
#[derive(Debug, Clone, Copy)]
pub struct ErrorFields<'a>(&'a [u8]);

/// Reads an ErrorResponse's body. `None` if it is not a list of fields.
pub fn error_fields(body: &[u8]) -> Option<ErrorFields<'_>> {
    let fields = ErrorFields(body);
    let mut end = 0;
    for (_, value, after) in fields.iter() {
        let _ = value;
        end = after;
    }
    (body.get(end) == Some(&0) && end + 1 == body.len()).then_some(fields)
}

/// Reads as much of an ErrorResponse's body as is there and whole: the fields in front of what is missing.
pub fn error_fields_in_front(body: &[u8]) -> ErrorFields<'_> {
    ErrorFields(body)
}

impl<'a> ErrorFields<'a> {
    /// Code and value of each field, in their order.
    pub fn fields(self) -> impl Iterator<Item = (u8, &'a [u8])> {
        self.iter().map(|(code, value, _)| (code, value))
    }

    /// Code, value, and where the next field starts.
    fn iter(self) -> impl Iterator<Item = (u8, &'a [u8], usize)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let code = *self.0.get(at).filter(|code| **code != 0)?;
            let length = self.0[at + 1..].iter().position(|byte| *byte == 0)?;
            let value = &self.0[at + 1..at + 1 + length];
            at += length + 2;
            Some((code, value, at))
        })
    }

    pub fn get(self, code: u8) -> Option<&'a [u8]> {
        self.iter().find(|field| field.0 == code).map(|field| field.1)
    }

    /// Writes the report again with another position; with 0 it has none.
    pub fn write_with_position(self, tag: u8, position: u32, out: &mut BytesMut) {
        let position = position.to_string();
        let fields = self.fields().filter_map(|(code, value)| match (code, &*position) {
            (b'P', "0") => None,
            (b'P', position) => Some((b'P', position.as_bytes())),
            (code, _) => Some((code, value)),
        });
        write_report(tag, fields, out);
    }
}

/// Writes an ErrorResponse (`E`) or NoticeResponse (`N`).
pub fn write_report<'a>(tag: u8, fields: impl Iterator<Item = (u8, &'a [u8])>, out: &mut BytesMut) {
    let at = out.len();
    out.put_u8(tag);
    out.put_u32(0);
    for (code, value) in fields {
        out.put_u8(code);
        out.put_slice(value);
        out.put_u8(0);
    }
    out.put_u8(0);
    let length = (out.len() - at - 1) as u32;
    out[at + 1..at + 5].copy_from_slice(&length.to_be_bytes());
}

/// Name and value of a ParameterStatus.
pub fn parameter_status(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = body.split(|byte| *byte == 0);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(name), Some(value), Some([]), None) => Some((name, value)),
        _ => None,
    }
}

/// The values of a row in text form.
pub type DataRow = Vec<Option<String>>;

/// Reads a DataRow of the proxy's own query.
pub fn data_row(body: &[u8]) -> Option<DataRow> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    let mut row = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = i32::from_be_bytes(*length);
        rest = after;
        match usize::try_from(length) {
            Err(_) => row.push(None),
            Ok(length) => {
                let (value, after) = rest.split_at_checked(length)?;
                row.push(Some(String::from_utf8_lossy(value).into_owned()));
                rest = after;
            }
        }
    }
    rest.is_empty().then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::SqlState;

    #[test]
    fn a_refusal_reads_back() {
        let mut out = BytesMut::new();
        let refusal = Refusal::new(SqlState::INSUFFICIENT_PRIVILEGE, "no").with_hint("ask");
        refusal_report(&refusal, &mut out);
        let fields = error_fields(&out[5..]).expect("fields");
        assert_eq!(fields.get(b'C'), Some(&b"42501"[..]));
        assert_eq!(fields.get(b'H'), Some(&b"ask"[..]));
        assert_eq!(fields.get(b'D'), None);
        let mut moved = BytesMut::new();
        write_error(&[(b'M', "x"), (b'P', "7")], &mut out);
        let at = out.len() - 12;
        error_fields(&out[at + 5..]).expect("fields").write_with_position(b'E', 123, &mut moved);
        assert_eq!(&moved[..], b"E\0\0\0\x0dMx\0P123\0\0");
        moved.clear();
        error_fields(&out[at + 5..]).expect("fields").write_with_position(b'N', 0, &mut moved);
        assert_eq!(&moved[..], b"N\0\0\0\x08Mx\0\0");
        let cut: Vec<_> = error_fields_in_front(b"Sx\0My\0Dzz").fields().collect();
        assert_eq!(cut, [(b'S', &b"x"[..]), (b'M', b"y")]);
    }

    #[test]
    fn malformed_reports_are_none() {
        for bad in [&b""[..], b"M", b"Mx", b"Mx\0", b"Mx\0\0\0"] {
            assert!(error_fields(bad).is_none(), "{bad:?}");
        }
        assert!(parameter_status(b"a\0b\0").is_some());
        assert!(parameter_status(b"a\0b").is_none());
        assert!(data_row(b"\0\x01\0\0\0\x05ab").is_none());
        assert_eq!(data_row(b"\0\x02\xff\xff\xff\xff\0\0\0\x01x"), Some(vec![None, Some("x".into())]));
    }
}
