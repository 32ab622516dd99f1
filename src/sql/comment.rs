//! A purpose declared in a comment, in the sqlcommenter format: `/*key='value',key2='value2'*/`, keys and values
//! URL-encoded, quotes in values escaped by a backslash (google.github.io/sqlcommenter/spec).

use super::parse::lexes_too_long;
use crate::vocab::{Refusal, SqlState};
use pg_query::protobuf::Token;

/// The key that declares a purpose.
const KEY: &str = "purpose";

/// The purpose that a statement's comment declares, if any. The comment stands before or behind the statement, and
/// only once; anywhere else is an error, so that no declaration is overlooked.
pub fn purpose(text: &str) -> Result<Option<Box<str>>, Refusal> {
    if !text.contains("/*") || !text.contains(KEY) {
        return Ok(None);
    }
    let misplaced = |message: &str| Refusal::new(SqlState::SYNTAX_ERROR, message);
    let unread = || misplaced("the statement's comments could not be read");
    if lexes_too_long(text) {
        return Err(unread());
    }
    let scanned = pg_query::scan(text).map_err(|_| unread())?;
    let is_comment = |token: i32| token == Token::CComment as i32 || token == Token::SqlComment as i32;
    let code =
        |token: &&pg_query::protobuf::ScanToken| !is_comment(token.token) && token.token != Token::Ascii59 as i32;
    let first = scanned.tokens.iter().find(code).map_or(i32::MAX, |token| token.start);
    let last = scanned.tokens.iter().rfind(code).map_or(-1, |token| token.end);
    let mut declared: Option<Box<str>> = None;
    for token in scanned.tokens.iter().filter(|token| token.token == Token::CComment as i32) {
        let (start, end) = (token.start as usize, token.end as usize);
        let Some(value) = text.get(start..end).and_then(value_of) else { continue };
        if token.start > first && token.end < last {
            return Err(misplaced("a comment that declares a purpose must stand before or behind the statement"));
        }
        if declared.replace(value.into()).is_some() {
            return Err(misplaced("the purpose is declared by more than one comment"));
        }
    }
    Ok(declared)
}

/// A guess at what [`purpose`] will find, without reading the text: in the comment at its front or its end.
pub fn purpose_hint(text: &str) -> Option<String> {
    let text = text.trim();
    let front = text.starts_with("/*").then(|| text.find("*/")).flatten().and_then(|end| value_of(&text[..end + 2]));
    let back = || text.ends_with("*/").then(|| text.rfind("/*")).flatten().and_then(|start| value_of(&text[start..]));
    front.or_else(back)
}

/// The value of the key in one comment; `None` where the comment is not in the format or lacks the key.
fn value_of(comment: &str) -> Option<String> {
    let mut rest = comment.strip_prefix("/*")?.strip_suffix("*/")?.trim();
    let mut found = None;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let (value, after) = quoted(after.trim_start())?;
        if url_decode(key.trim())? == KEY {
            found = Some(url_decode(&value)?);
        }
        rest = after.trim_start();
        rest = match rest.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    found
}

/// A single-quoted value with backslash escapes, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('\'')?;
    let mut value = String::new();
    let mut letters = inner.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' => return Some((value, &inner[at + 1..])),
            '\\' => value.push(letters.next()?.1),
            _plain => value.push(letter),
        }
    }
    None
}

fn url_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first == b'%' {
            let hex = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::purpose;

    #[track_caller]
    fn check(text: &str, expect: Option<&str>) {
        assert_eq!(purpose(text).expect(text).as_deref(), expect, "{text}");
    }

    #[test]
    fn a_comment_declares_a_purpose() {
        check("SELECT 1", None);
        check("/*purpose='customer_support'*/ SELECT 1", Some("customer_support"));
        check("SELECT 1 /*purpose='customer_support'*/", Some("customer_support"));
        check("SELECT 1; /*purpose='a'*/", Some("a"));
        check("SELECT 1 /*controller='c',purpose='a%20b',route='%2Fx'*/", Some("a b"));
        check("SELECT 1 /* purpose = 'a' , traceparent='00-x' */", Some("a"));
        check("SELECT ' /*purpose=''x''*/ '", None);
        check("SELECT 1 -- /*purpose='x'*/", None);
        check("SELECT 1 /*purpose=x*/", None);
        check("SELECT 1 /* on purpose */", None);
        check(r"SELECT 1 /*x='it\'s, purpose=1',purpose='b'*/", Some("b"));
    }

    #[test]
    fn twice_or_in_the_middle_is_an_error() {
        assert!(purpose("/*purpose='a'*/ SELECT 1 /*purpose='b'*/").is_err());
        assert!(purpose("SELECT /*purpose='a'*/ 1").is_err());
    }
}
