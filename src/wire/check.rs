//! The inner shape of a client's message, checked to the last byte. Nothing is allocated.

use super::frame::Violation;

/// A well-formed Parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parse<'a> {
    pub name: &'a [u8],
    pub text: &'a [u8],
    /// The parameter types: a count and as many OIDs, as they came.
    pub types: &'a [u8],
}

/// The names at the start of a Bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BindNames<'a> {
    pub portal: &'a [u8],
    pub statement: &'a [u8],
    /// The bytes that the names take.
    pub length: usize,
}

/// What a Close or Describe names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    Statement(&'a [u8]),
    Portal(&'a [u8]),
}

/// Splits off a string that ends with NUL.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// The text of a Query.
pub fn query(body: &[u8]) -> Result<&[u8], Violation> {
    match string(body) {
        Some((text, [])) => Ok(text),
        Some(_) => Err(Violation::Shape(b'Q', "bytes after the end of the text")),
        None => Err(Violation::Shape(b'Q', "no end of the text")),
    }
}

/// The parts of a Parse.
pub fn parse(body: &[u8]) -> Result<Parse<'_>, Violation> {
    let bad = |what| Violation::Shape(b'P', what);
    let (name, rest) = string(body).ok_or(bad("no end of the name"))?;
    let (text, types) = string(rest).ok_or(bad("no end of the text"))?;
    let (count, oids) = types.split_first_chunk::<2>().ok_or(bad("no number of parameter types"))?;
    // The count is unsigned since PostgreSQL 14 allows 65535 parameters.
    if oids.len() != 4 * usize::from(u16::from_be_bytes(*count)) {
        return Err(bad("wrong number of parameter types"));
    }
    Ok(Parse { name, text, types })
}

/// The portal's and the statement's name at the start of a Bind, once they are there. `have` is what has arrived of a
/// body of `whole` bytes.
pub fn bind_names(have: &[u8], whole: usize) -> Option<Result<BindNames<'_>, Violation>> {
    let names = string(have).and_then(|(portal, rest)| string(rest).map(|(statement, _)| (portal, statement)));
    match names {
        Some((portal, statement)) => {
            Some(Ok(BindNames { portal, statement, length: portal.len() + statement.len() + 2 }))
        }
        None if have.len() >= whole => Some(Err(Violation::Shape(b'B', "no end of a name"))),
        None => None,
    }
}

/// What a Close (`C`) or Describe (`D`) names.
pub fn close_or_describe(tag: u8, body: &[u8]) -> Result<Target<'_>, Violation> {
    let (kind, rest) = body.split_first().ok_or(Violation::Shape(tag, "empty body"))?;
    let name = match string(rest) {
        Some((name, [])) => name,
        Some(_) => return Err(Violation::Shape(tag, "bytes after the end of the name")),
        None => return Err(Violation::Shape(tag, "no end of the name")),
    };
    match kind {
        b'S' => Ok(Target::Statement(name)),
        b'P' => Ok(Target::Portal(name)),
        _ => Err(Violation::Shape(tag, "neither a statement nor a portal")),
    }
}

/// The portal of an Execute.
pub fn execute(body: &[u8]) -> Result<&[u8], Violation> {
    match string(body) {
        Some((portal, [_, _, _, _])) => Ok(portal),
        Some(_) => Err(Violation::Shape(b'E', "wrong length of the row limit")),
        None => Err(Violation::Shape(b'E', "no end of the name")),
    }
}

/// Flush, Sync, Terminate and CopyDone are empty; CopyFail is one string.
pub fn check_tiny(tag: u8, body: &[u8]) -> Result<(), Violation> {
    match tag {
        b'f' => match string(body) {
            Some((_, [])) => Ok(()),
            Some(_) | None => Err(Violation::Shape(tag, "not one string")),
        },
        _ if body.is_empty() => Ok(()),
        _ => Err(Violation::Shape(tag, "a body")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_is_one_string() {
        assert_eq!(query(b"SELECT 1\0"), Ok(&b"SELECT 1"[..]));
        assert_eq!(query(b"\0"), Ok(&b""[..]));
        for bad in [&b""[..], b"SELECT 1", b"SELECT 1\0Q", b"SELECT 1\0\0", b"a\0b\0"] {
            assert!(query(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn parse_is_exact() {
        assert_eq!(parse(b"s\0SELECT 1\0\0\0"), Ok(Parse { name: b"s", text: b"SELECT 1", types: b"\0\0" }));
        assert!(parse(b"\0SELECT $1\0\0\x01\0\0\0\x17").is_ok());
        for bad in [
            &b""[..],
            b"s",
            b"s\0SELECT 1",
            b"s\0SELECT 1\0",
            b"s\0SELECT 1\0\0",
            b"s\0SELECT 1\0\0\x01",
            b"s\0SELECT 1\0\0\x01\0\0\0",
            b"s\0SELECT 1\0\0\0\0",
            b"s\0SELECT 1\0\xff\xff",
            b"s\0SELECT 1\0\0\0Q\0\0\0\x04",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn bind_waits_for_its_names() {
        assert_eq!(bind_names(b"p\0s\0rest", 100), Some(Ok(BindNames { portal: b"p", statement: b"s", length: 4 })));
        assert_eq!(bind_names(b"p\0s", 100), None);
        assert!(matches!(bind_names(b"p\0s", 3), Some(Err(_))));
        assert!(matches!(bind_names(b"", 0), Some(Err(_))));
    }

    #[test]
    fn small_messages() {
        assert_eq!(close_or_describe(b'C', b"Ss\0"), Ok(Target::Statement(b"s")));
        assert_eq!(close_or_describe(b'D', b"P\0"), Ok(Target::Portal(b"")));
        for bad in [&b""[..], b"S", b"Ss", b"Xs\0", b"Ss\0\0"] {
            assert!(close_or_describe(b'D', bad).is_err(), "{bad:?}");
        }
        assert_eq!(execute(b"p\0\0\0\0\0"), Ok(&b"p"[..]));
        for bad in [&b""[..], b"p", b"p\0", b"p\0\0\0\0", b"p\0\0\0\0\0\0"] {
            assert!(execute(bad).is_err(), "{bad:?}");
        }
        assert!(check_tiny(b'S', b"").is_ok());
        assert!(check_tiny(b'S', b"\0").is_err());
        assert!(check_tiny(b'f', b"why\0").is_ok());
        assert!(check_tiny(b'f', b"why").is_err());
        assert!(check_tiny(b'f', b"why\0more\0").is_err());
    }
}
