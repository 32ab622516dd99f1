//! The first packets of a connection: SSLRequest, GSSENCRequest, CancelRequest, StartupMessage.

use bytes::{BufMut, BytesMut};

/// The longest first packet (`MAX_STARTUP_PACKET_LENGTH`).
const LONGEST: usize = 10_000;

const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;

/// A connection's first packet.
#[derive(Debug, PartialEq, Eq)]
pub enum First {
    Ssl,
    Gss,
    /// To be passed on as it is.
    Cancel,
    Startup(Startup),
    /// Not to be answered by anything but this SQLSTATE and message.
    Bad(&'static str, String),
    /// Not to be answered at all, as Postgres doesn't: a length that no first packet has.
    Nonsense,
}

/// A start-up message: a version and parameters in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Startup {
    /// The minor version of protocol 3.
    pub minor: u16,
    pub parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Startup {
    /// The last value given for a parameter, as the server takes it.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.parameters.iter().rev().find(|(known, _)| known == name.as_bytes()).map(|(_, value)| &value[..])
    }

    /// Sets a parameter, in its place if it is there.
    pub fn set(&mut self, name: &str, value: &[u8]) {
        match self.parameters.iter().rposition(|(known, _)| known == name.as_bytes()) {
            Some(at) => self.parameters[at].1 = value.to_vec(),
            None => self.parameters.push((name.as_bytes().to_vec(), value.to_vec())),
        }
    }

    /// Writes the packet.
    pub fn write(&self, out: &mut BytesMut) {
        let length: usize = self.parameters.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        out.put_u32((9 + length) as u32);
        out.put_u16(3);
        out.put_u16(self.minor);
        for (name, value) in &self.parameters {
            for string in [name, value] {
                out.put_slice(string);
                out.put_u8(0);
            }
        }
        out.put_u8(0);
    }
}

/// A CancelRequest for the session of a BackendKeyData's body: a process number and a key.
pub fn cancel_request(key: &[u8], out: &mut BytesMut) {
    out.put_u32((8 + key.len()) as u32);
    out.put_u32(CANCEL);
    out.put_slice(key);
}

/// Reads the first packet at the start of `bytes` and its length; `None` while it is incomplete.
pub fn first_packet(bytes: &[u8]) -> Option<(First, usize)> {
    let bad = |message: &str| Some((First::Bad("08P01", message.to_owned()), bytes.len()));
    let length = u32::from_be_bytes(*bytes.first_chunk::<4>()?) as usize;
    if !(8..=LONGEST).contains(&length) {
        return Some((First::Nonsense, bytes.len()));
    }
    let packet = bytes.get(..length)?;
    let code = u32::from_be_bytes(*packet[4..].first_chunk::<4>()?);
    let body = &packet[8..];
    let first = match code {
        SSL if body.is_empty() => First::Ssl,
        GSS if body.is_empty() => First::Gss,
        // A process number and a key: 4 bytes before protocol 3.2, up to 256 since.
        CANCEL if (8..=4 + 256).contains(&body.len()) => First::Cancel,
        SSL | GSS | CANCEL => return Some((First::Nonsense, bytes.len())),
        version if version >> 16 == 3 => match parameters(body) {
            Some(parameters) => First::Startup(Startup { minor: version as u16, parameters }),
            None => return bad("invalid startup packet layout: expected terminator as last byte"),
        },
        version => First::Bad(
            "0A000",
            format!("unsupported frontend protocol {}.{}: server supports 3.0 to 3.2", version >> 16, version & 0xffff),
        ),
    };
    Some((first, length))
}

/// Pairs of strings up to an empty name that is the last byte.
fn parameters(mut body: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut string = || {
        let end = body.iter().position(|byte| *byte == 0)?;
        let found = &body[..end];
        body = &body[end + 1..];
        Some((found, body.is_empty()))
    };
    let mut parameters = Vec::new();
    loop {
        let (name, last) = string()?;
        if name.is_empty() {
            return last.then_some(parameters);
        }
        let (value, _) = string()?;
        parameters.push((name.to_vec(), value.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(code: u32, body: &[u8]) -> Vec<u8> {
        let mut out = ((8 + body.len()) as u32).to_be_bytes().to_vec();
        out.extend(code.to_be_bytes());
        out.extend(body);
        out
    }

    #[test]
    fn startup_round_trip() {
        let bytes = packet(196_608, b"user\0a\0options\0-c x=y\0\0");
        let Some((First::Startup(mut startup), length)) = first_packet(&bytes) else { panic!("startup") };
        assert_eq!(length, bytes.len());
        assert_eq!(startup.get("user"), Some(&b"a"[..]));
        let mut out = BytesMut::new();
        startup.write(&mut out);
        assert_eq!(&out[..], &bytes[..]);
        startup.set("user", b"b");
        assert_eq!(startup.get("user"), Some(&b"b"[..]));
    }

    #[test]
    fn hostile_starts() {
        let good = packet(196_608, b"user\0a\0\0");
        assert!(first_packet(&good[..good.len() - 1]).is_none());
        for (bytes, code) in [
            (packet(196_608, b"user\0a\0"), "08P01"),
            (packet(196_608, b"user\0a"), "08P01"),
            (packet(196_608, b"user\0a\0\0\0"), "08P01"),
            (packet(196_608, b"user\0a\0\0Q\0\0\0\x04"), "08P01"),
            (packet(196_608, b""), "08P01"),
            (packet(131_072, b"user\0a\0\0"), "0A000"),
        ] {
            match first_packet(&bytes) {
                Some((First::Bad(got, _), _)) => assert_eq!(got, code, "{bytes:?}"),
                other => panic!("{bytes:?}: {other:?}"),
            }
        }
        for bytes in [
            packet(SSL, b"x"),
            packet(CANCEL, b"1234567"),
            packet(CANCEL, &[0; 261]),
            vec![0, 0, 0, 7],
            vec![0, 0, 0x27, 0x11],
            vec![0xff, 0xff, 0xff, 0xff],
            b"X\0\0\0\x04".to_vec(),
        ] {
            assert!(matches!(first_packet(&bytes), Some((First::Nonsense, _))), "{bytes:?}");
        }
        assert!(matches!(first_packet(&packet(SSL, b"")), Some((First::Ssl, 8))));
        assert!(matches!(first_packet(&packet(CANCEL, b"12345678")), Some((First::Cancel, 16))));
    }
}
