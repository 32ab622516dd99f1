//! The shape of a text: the text without the values of its literals, by which statements that differ in those only are
//! known as one.
//!
//! Only texts of plain tokens have one. Everything whose end or meaning depends on more than the next character is left to
//! Postgres's own lexer: comments, escapes, `E''`, `U&""`, `$$`, parameters, numbers with a point or a letter, literals
//! that a line break joins. `tests/proofs/shapes.rs` holds this lexer against that one.

use super::places::Place;
use std::ops::Range;

/// What kind of literal stands in a place. Literals of one kind have one type, whatever their value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Digits, as an `int4`.
    Integer,
    /// Digits, as an `int8`.
    Bigint,
    /// `'…'` without a backslash, of a type that what stands around it decides.
    Text,
}

/// A literal of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal {
    /// Bytes of the text, quotes included.
    pub span: Range<usize>,
    pub class: Class,
}

/// A text taken apart.
#[derive(Debug, Default)]
pub struct Shape {
    /// The text with a mark for each literal.
    pub key: String,
    pub literals: Vec<Literal>,
}

/// What stands for literals in a key: no text that has a shape holds these characters.
const MARKS: [char; 3] = ['\u{1}', '\u{2}', '\u{3}'];

/// Above this the literals are a small part of what a statement costs.
const MOST_BYTES: usize = 256 << 10;

impl Class {
    fn mark(self) -> char {
        match self {
            Class::Integer => MARKS[0],
            Class::Bigint => MARKS[1],
            Class::Text => MARKS[2],
        }
    }

    /// Of digits; `None` where their type depends on a sign in front of them, or where they are printed otherwise.
    fn of_digits(digits: &str) -> Option<Class> {
        if digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        let value: i64 = digits.parse().ok()?;
        match i32::try_from(value) {
            Ok(_) => Some(Class::Integer),
            // -2147483648 is an int4.
            Err(_) => (value != -i64::from(i32::MIN)).then_some(Class::Bigint),
        }
    }
}

impl Shape {
    /// The shape of a text, if it has one and a literal.
    pub fn of(text: &str) -> Option<Shape> {
        if text.len() > MOST_BYTES {
            return None;
        }
        let bytes = text.as_bytes();
        let mut shape = Shape { key: String::with_capacity(text.len()), literals: Vec::with_capacity(8) };
        // The first byte that is not in the key.
        let (mut at, mut kept) = (0, 0);
        while let Some(&byte) = bytes.get(at) {
            let next = bytes.get(at + 1).copied();
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => at += 1,
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => {
                    at = end_of(bytes, at, in_name);
                    match (bytes.get(at), bytes.get(at + 1)) {
                        (Some(b'\'' | b'$'), _) | (Some(b'&'), Some(b'\'' | b'"')) => return None,
                        _ => {}
                    }
                }
                b'0'..=b'9' => {
                    let start = at;
                    at = end_of(bytes, at, |byte| byte.is_ascii_digit());
                    if bytes.get(at).is_some_and(|byte| in_name(*byte) || matches!(byte, b'.' | b'\'' | b'$')) {
                        return None;
                    }
                    if &bytes[start..at] == b"0" && start > 0 && bytes[start - 1] == b'-' {
                        // Printed without its sign.
                        return None;
                    }
                    let class = Class::of_digits(&text[start..at])?;
                    shape.take(text, &mut kept, start..at, class);
                }
                b'\'' => {
                    let start = at;
                    at = end_of_quoted(bytes, at)?;
                    if bytes[start..at].iter().any(|byte| matches!(byte, b'\\' | 0)) {
                        return None;
                    }
                    let mut behind = bytes[at..].iter().filter(|byte| !byte.is_ascii_whitespace());
                    if behind.next() == Some(&b'\'') {
                        return None;
                    }
                    shape.take(text, &mut kept, start..at, Class::Text);
                }
                b'"' => {
                    let start = at;
                    at = end_of_quoted(bytes, at)?;
                    if bytes[start..at].iter().any(u8::is_ascii_control) {
                        return None;
                    }
                }
                b'-' if next == Some(b'-') => return None,
                b'/' if next == Some(b'*') => return None,
                b'.' if next.is_some_and(|next| next.is_ascii_digit() || next == b'.') => return None,
                b'(' | b')' | b',' | b'.' | b';' | b':' | b'[' | b']' => at += 1,
                b'=' | b'<' | b'>' | b'+' | b'-' | b'*' | b'/' | b'%' | b'!' | b'~' | b'@' | b'#' | b'^' | b'&'
                | b'|' | b'?' | b'`' => at += 1,
                _another => return None,
            }
        }
        if shape.literals.is_empty() {
            return None;
        }
        shape.key.push_str(&text[kept..]);
        Some(shape)
    }

    /// The key with the literals that are pinned as they are.
    pub fn with_pinned(&self, text: &str, places: &[Place]) -> String {
        let mut key = String::with_capacity(text.len());
        let mut kept = 0;
        for (literal, place) in self.literals.iter().zip(places) {
            if *place != Place::Pinned {
                key.push_str(&text[kept..literal.span.start]);
                key.push(literal.class.mark());
                kept = literal.span.end;
            }
        }
        key.push_str(&text[kept..]);
        key
    }

    fn take(&mut self, text: &str, kept: &mut usize, span: Range<usize>, class: Class) {
        self.key.push_str(&text[*kept..span.start]);
        self.key.push(class.mark());
        *kept = span.end;
        self.literals.push(Literal { span, class });
    }
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn end_of(bytes: &[u8], from: usize, is: impl Fn(u8) -> bool) -> usize {
    from + bytes[from..].iter().take_while(|byte| is(**byte)).count()
}

/// The end of what begins with a quote, in which two quotes stand for one. `None` where it is not closed.
fn end_of_quoted(bytes: &[u8], from: usize) -> Option<usize> {
    let quote = bytes[from];
    let mut at = from + 1;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == quote)? + 1;
        if bytes.get(at) != Some(&quote) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, Shape};

    fn parts(text: &str) -> Option<Vec<(&str, Class)>> {
        let shape = Shape::of(text)?;
        Some(shape.literals.into_iter().map(|literal| (&text[literal.span], literal.class)).collect())
    }

    #[test]
    fn literals_are_taken_out() {
        use Class::{Bigint, Integer, Text};
        for (text, literals) in [
            ("SELECT * FROM t WHERE id = 5", vec![("5", Integer)]),
            ("select a1, \"b'2\" from t2 where x='it''s' and y>-17;", vec![("'it''s'", Text), ("17", Integer)]),
            (
                "VALUES (0, 2147483647, 2147483649, 9223372036854775807, '')",
                vec![
                    ("0", Integer),
                    ("2147483647", Integer),
                    ("2147483649", Bigint),
                    ("9223372036854775807", Bigint),
                    ("''", Text),
                ],
            ),
            ("SELECT 'ä\n'::text, ä1 FROM t LIMIT 10", vec![("'ä\n'", Text), ("10", Integer)]),
            ("SELECT x[1:2] FROM t", vec![("1", Integer), ("2", Integer)]),
        ] {
            assert_eq!(parts(text), Some(literals), "{text}");
        }
        let key = |text: &str| Shape::of(text).unwrap().key;
        assert_eq!(key("SELECT 1, 'a'"), key("SELECT 234, 'b c'"));
        assert_ne!(key("SELECT 1"), key("SELECT 3000000000"));
        assert_ne!(key("SELECT 1"), key("SELECT '1'"));
        assert_ne!(key("SELECT 1"), key("SELECT  1"));
    }

    #[test]
    fn what_needs_another_lexer_has_no_shape() {
        for text in [
            "SELECT a FROM t",
            "SELECT 1 -- comment",
            "SELECT /* comment */ 1",
            "SELECT E'a'",
            "SELECT e'\\''",
            "SELECT U&'a'",
            "SELECT U&\"a\", 1",
            "SELECT B'1'",
            "SELECT n'a'",
            "SELECT $$a$$, 1",
            "SELECT $1, 1",
            "SELECT a$1, 1",
            "SELECT 1.5",
            "SELECT .5",
            "SELECT 5.",
            "SELECT 1e5",
            "SELECT 0x1F",
            "SELECT 1_000",
            "SELECT 1a",
            "SELECT 007",
            "SELECT -0",
            "SELECT 2147483648",
            "SELECT 9223372036854775808",
            "SELECT 'a\\'",
            "SELECT 'a'\n'b'",
            "SELECT 'a' 'b'",
            "SELECT 'a",
            "SELECT \"a\u{1}\", 1",
            "SELECT \u{1}",
            "SELECT 1\u{b}",
            "SELECT \\1",
            "SELECT {1}",
            "",
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
