//! Where a connection comes from: its other end, or, behind a load balancer that is known, what the header of the PROXY
//! protocol says in front of everything else (haproxy's proxy-protocol.txt, versions 1 and 2).

use crate::control::config::ProxyProtocol;
use crate::net::Stream;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tokio::io::AsyncReadExt;

/// Where a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whence {
    /// `None` on a unix socket.
    pub address: Option<IpAddr>,
    /// What it sends does not leave the machine.
    pub is_local: bool,
}

/// Why a header is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("a header of the PROXY protocol was expected")]
    Missing,
    #[error("the header of the PROXY protocol is broken")]
    Broken,
    #[error("the header of the PROXY protocol is too long")]
    TooLong,
}

/// What begins a header of version 2.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// What begins one of version 1, and the longest there is.
const WORD: &[u8] = b"PROXY ";
const LONGEST_LINE: usize = 107;
/// The most that may stand behind the fixed part of version 2: addresses, and what else a load balancer has to say.
const LONGEST_REST: usize = 2048;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// A client at this address.
    Client(IpAddr),
    /// The load balancer itself, which looks whether the proxy is there.
    Itself,
    /// A client, of whom it does not know where it is.
    Unknown,
}

impl Whence {
    fn direct(stream: &Stream) -> Whence {
        let address = stream.address();
        Whence { address, is_local: address.is_none_or(|address| address.is_loopback()) }
    }

    fn behind(self, said: Said) -> Whence {
        match said {
            Said::Client(address) => {
                let address = address.to_canonical();
                Whence { address: Some(address), is_local: self.is_local && address.is_loopback() }
            }
            Said::Itself => self,
            Said::Unknown => Whence { address: Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), is_local: false },
        }
    }
}

/// Finds out where a client is. Of a header nothing is left behind, and nothing behind it is read.
pub async fn whence(stream: &mut Stream, config: Option<&ProxyProtocol>) -> io::Result<Result<Whence, HeaderError>> {
    let direct = Whence::direct(stream);
    if !config.is_some_and(|config| config.is_from(direct.address)) {
        return Ok(Ok(direct));
    }
    Ok(header(stream).await?.map(|said| direct.behind(said)))
}

async fn header(stream: &mut Stream) -> io::Result<Result<Said, HeaderError>> {
    let mut head = [0; 16];
    let mut length = 0;
    while length < SIGNATURE.len() {
        let count = stream.read(&mut head[length..SIGNATURE.len()]).await?;
        length += count;
        let begins = |whole: &[u8]| head[..length].iter().zip(whole).all(|(byte, of)| byte == of);
        if count == 0 || !(begins(SIGNATURE) || begins(WORD)) {
            return Ok(Err(HeaderError::Missing));
        }
    }
    if head.starts_with(WORD) {
        let mut line = head[..length].to_vec();
        while !line.ends_with(b"\r\n") {
            if line.len() >= LONGEST_LINE {
                return Ok(Err(HeaderError::TooLong));
            }
            line.push(stream.read_u8().await?);
        }
        return Ok(of_line(&line[..line.len() - 2]).ok_or(HeaderError::Broken));
    }
    stream.read_exact(&mut head[length..]).await?;
    let [.., kind, family, high, low] = head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST_REST {
        return Ok(Err(HeaderError::TooLong));
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    Ok(of_binary(kind, family, &rest).ok_or(HeaderError::Broken))
}

/// `PROXY TCP4 192.0.2.1 198.51.100.1 56324 5432`
fn of_line(line: &[u8]) -> Option<Said> {
    let words: Vec<&str> = std::str::from_utf8(line).ok()?.split(' ').collect();
    let is_port = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit()) && word.parse::<u16>().is_ok();
    match words.as_slice() {
        ["PROXY", "UNKNOWN", ..] => Some(Said::Unknown),
        ["PROXY", family, from, to, one, other] if is_port(one) && is_port(other) => match *family {
            "TCP4" => to.parse::<Ipv4Addr>().and(from.parse()).ok().map(|from| Said::Client(IpAddr::V4(from))),
            "TCP6" => to.parse::<Ipv6Addr>().and(from.parse()).ok().map(|from| Said::Client(IpAddr::V6(from))),
            _no_family => None,
        },
        _no_header => None,
    }
}

/// `kind` is version and command, `rest` begins with the client's address.
fn of_binary(kind: u8, family: u8, rest: &[u8]) -> Option<Said> {
    const LOCAL: u8 = 0x20;
    const PROXY: u8 = 0x21;
    // Both addresses and both ports must be there.
    let begins = |least: usize| rest.len() >= least;
    match (kind, family) {
        (LOCAL, _) => Some(Said::Itself),
        (PROXY, 0x00) => Some(Said::Unknown),
        (PROXY, 0x11) if begins(12) => Some(Said::Client(IpAddr::V4(Ipv4Addr::from(*rest.first_chunk::<4>()?)))),
        (PROXY, 0x21) if begins(36) => Some(Said::Client(IpAddr::V6(Ipv6Addr::from(*rest.first_chunk::<16>()?)))),
        // A socket of another machine's.
        (PROXY, 0x31) if begins(216) => Some(Said::Unknown),
        _no_stream_of_this_version => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Said> {
        Some(Said::Client(text.parse().expect("an address")))
    }

    #[test]
    fn lines_of_version_1() {
        for (line, expected) in [
            ("PROXY TCP4 192.0.2.1 198.51.100.1 56324 5432", at("192.0.2.1")),
            ("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535", at("2001:db8::1")),
            ("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2", at("::ffff:192.0.2.1")),
            ("PROXY UNKNOWN", Some(Said::Unknown)),
            ("PROXY UNKNOWN ffff::1 ffff::2 1 2", Some(Said::Unknown)),
            ("PROXY TCP4 192.0.2.1 198.51.100.1 56324", None),
            ("PROXY TCP4 192.0.2.1 198.51.100.1 56324 5432 x", None),
            ("PROXY TCP4 192.0.2.1 198.51.100.1 56324 65536", None),
            ("PROXY TCP4 192.0.2.1 198.51.100.1 +1 2", None),
            ("PROXY TCP4 192.0.2.1  198.51.100.1 1 2", None),
            ("PROXY TCP4 192.0.2.256 198.51.100.1 1 2", None),
            ("PROXY TCP4 192.0.2.1 x 1 2", None),
            ("PROXY TCP4 2001:db8::1 2001:db8::2 1 2", None),
            ("PROXY TCP6 192.0.2.1 198.51.100.1 1 2", None),
            ("PROXY UDP4 192.0.2.1 198.51.100.1 1 2", None),
            ("PROXY tcp4 192.0.2.1 198.51.100.1 1 2", None),
            ("PROXY ", None),
        ] {
            assert_eq!(of_line(line.as_bytes()), expected, "{line}");
        }
        assert_eq!(of_line(b"PROXY TCP4 192.0.2.\xff 198.51.100.1 1 2"), None);
    }

    #[test]
    fn headers_of_version_2() {
        let four = [192, 0, 2, 1, 198, 51, 100, 1, 0, 1, 0, 2];
        let six = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[1], &[0; 16], &[0; 4]].concat();
        let more = [&four[..], &[4, 0, 1, b'x']].concat();
        for (kind, family, rest, expected) in [
            (0x21, 0x11, &four[..], at("192.0.2.1")),
            (0x21, 0x11, &more, at("192.0.2.1")),
            (0x21, 0x21, &six, at("2001:db8::1")),
            (0x21, 0x31, &[b'/'; 216], Some(Said::Unknown)),
            (0x21, 0x00, &[], Some(Said::Unknown)),
            (0x20, 0x00, &[], Some(Said::Itself)),
            (0x20, 0x11, &four, Some(Said::Itself)),
            (0x21, 0x11, &four[..11], None),
            (0x21, 0x21, &six[..35], None),
            (0x21, 0x31, &[b'/'; 215], None),
            (0x21, 0x12, &four, None),
            (0x21, 0x41, &four, None),
            (0x22, 0x11, &four, None),
            (0x11, 0x11, &four, None),
            (0x31, 0x11, &four, None),
        ] {
            assert_eq!(of_binary(kind, family, rest), expected, "{kind:x} {family:x} {}", rest.len());
        }
    }

    #[test]
    fn only_what_never_leaves_the_machine_is_local() {
        let (unix, loopback) = (None, Some("127.0.0.1"));
        let far = Some("10.0.0.7");
        for (other_end, said, expected) in [
            (unix, Said::Itself, (None, true)),
            (unix, Said::Unknown, (Some("0.0.0.0"), false)),
            (unix, Said::Client("192.0.2.1".parse().expect("one")), (Some("192.0.2.1"), false)),
            (loopback, Said::Client("::ffff:127.0.0.1".parse().expect("one")), (Some("127.0.0.1"), true)),
            (far, Said::Client("127.0.0.1".parse().expect("one")), (Some("127.0.0.1"), false)),
            (far, Said::Itself, (Some("10.0.0.7"), false)),
        ] {
            let address = |text: Option<&str>| text.map(|text| text.parse::<IpAddr>().expect("an address"));
            let address_of = address(other_end);
            let direct =
                Whence { address: address_of, is_local: address_of.is_none_or(|address| address.is_loopback()) };
            let expected = Whence { address: address(expected.0), is_local: expected.1 };
            assert_eq!(direct.behind(said), expected, "{other_end:?} {said:?}");
        }
    }
}
