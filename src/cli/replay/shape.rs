//! What statements that differ in constants only have in common.
//!
//! Two statements of one shape are judged alike, so each shape is judged once. A constant is left out of the shape where no
//! judgement depends on it: where it is compared, listed by IN or VALUES, stored, or bounds the number of rows. All others
//! (arguments of functions, casts, positions in GROUP BY, settings) stay in it.

/// The shape of a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Equal for statements that are judged alike. It may hold constants: it is never shown.
    pub(super) key: String,
    /// The statement without any constant and comment.
    pub(super) shown: String,
}

/// What stands before a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A comparison, LIMIT, OFFSET: the constant is left out.
    Compared,
    /// LIKE: it is left out unless it escapes something.
    Pattern,
    Other,
}

/// A parenthesis that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paren {
    /// That of IN or VALUES: what it lists is left out.
    List,
    Other,
}

/// The first words of statements whose constants may be left out.
const DATA: [&str; 7] = ["select", "insert", "update", "delete", "with", "values", "merge"];

pub(super) fn shape(text: &str) -> Shape {
    let mut reader = Reader {
        text,
        at: 0,
        shape: Shape { key: String::with_capacity(text.len()), shown: String::with_capacity(text.len()) },
        before: Before::Other,
        parens: Vec::new(),
        last_word: Word::None,
        between: false,
        kept: None,
    };
    while reader.token() {}
    let Shape { key, shown } = reader.shape;
    Shape { key: key.trim_end().to_owned(), shown: shown.trim_end_matches([';', ' ']).to_owned() }
}

/// The word that decides what the next parenthesis lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    List,
    /// Behind the parenthesis of a row of VALUES another may follow.
    Row,
    None,
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    shape: Shape,
    before: Before,
    parens: Vec<Paren>,
    last_word: Word,
    /// The AND of BETWEEN is to come.
    between: bool,
    /// Whether the statement keeps all its constants; `None` before its first word.
    kept: Option<Kept>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    All,
    Some,
}

fn is_operator(byte: u8) -> bool {
    b"~!@#^&|?+-*/%<>=".contains(&byte)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// How many bytes of the rest fit.
    fn run(&self, fits: impl Fn(u8) -> bool) -> usize {
        self.rest().bytes().take_while(|byte| fits(*byte)).count()
    }

    /// Takes this many bytes, up to the end of a character.
    fn take(&mut self, count: usize) -> &'t str {
        let mut end = (self.at + count).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        let token = &self.text[self.at..end];
        self.at = end;
        token
    }

    fn space(&mut self) {
        for to in [&mut self.shape.key, &mut self.shape.shown] {
            if !to.is_empty() && !to.ends_with(' ') {
                to.push(' ');
            }
        }
    }

    fn plain(&mut self, token: &str, before: Before) {
        self.shape.key.push_str(token);
        self.shape.shown.push_str(token);
        self.before = before;
    }

    /// Reads one token; whether there was one.
    fn token(&mut self) -> bool {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let Some(first) = bytes.first().copied() else { return false };
        match first {
            _ if first.is_ascii_whitespace() => {
                self.at += self.run(|byte| byte.is_ascii_whitespace());
                self.space();
            }
            _ if rest.starts_with("--") => {
                self.at += self.run(|byte| byte != b'\n');
                self.space();
            }
            _ if rest.starts_with("/*") => {
                self.at += comment(bytes);
                self.space();
            }
            b'\'' => self.string(0, Backslash::IsPlain),
            b'"' => {
                let end = quoted(bytes, b'"', Backslash::IsPlain);
                let token = self.take(end);
                self.plain(token, Before::Other);
                self.last_word = Word::None;
            }
            b'$' => self.dollar(),
            _ if first.is_ascii_digit() || (first == b'.' && bytes.get(1).is_some_and(u8::is_ascii_digit)) => {
                self.number()
            }
            _ if is_word(first) => self.word(),
            _ if is_operator(first) => self.operator(),
            _ => self.punctuation(first),
        }
        true
    }

    fn word(&mut self) {
        let length = self.run(|byte| is_word(byte) || byte == b'$');
        let rest = self.rest();
        let word = rest[..length].to_ascii_lowercase();
        let behind = &rest[length..];
        if behind.starts_with('\'') && matches!(&*word, "e" | "b" | "x" | "n") {
            let backslash = if word == "e" { Backslash::Escapes } else { Backslash::IsPlain };
            return self.string(length, backslash);
        }
        if word == "u" && behind.starts_with("&'") {
            return self.string(length + 1, Backslash::IsPlain);
        }
        if self.kept.is_none() {
            self.kept = Some(if DATA.contains(&&*word) { Kept::Some } else { Kept::All });
        }
        let before = match &*word {
            "limit" | "offset" => Before::Compared,
            "between" => {
                self.between = true;
                Before::Compared
            }
            "and" if std::mem::take(&mut self.between) => Before::Compared,
            "like" | "ilike" => Before::Pattern,
            _other => Before::Other,
        };
        self.last_word = if matches!(&*word, "in" | "values") { Word::List } else { Word::None };
        let token = self.take(length);
        self.plain(token, before);
    }

    fn operator(&mut self) {
        let bytes = self.rest().as_bytes();
        let mut length = self.run(is_operator);
        // A comment ends an operator.
        if let Some(end) = (1..length).find(|at| bytes[*at..].starts_with(b"--") || bytes[*at..].starts_with(b"/*")) {
            length = end;
        }
        let token = self.take(length);
        let before = match token {
            "=" | "<>" | "!=" | "<" | ">" | "<=" | ">=" => Before::Compared,
            // The sign of a number.
            "-" | "+" => self.before,
            _other => Before::Other,
        };
        self.last_word = Word::None;
        self.plain(token, before);
    }

    fn punctuation(&mut self, first: u8) {
        let mut before = Before::Other;
        let word = std::mem::replace(&mut self.last_word, Word::None);
        match first {
            b'(' => {
                let paren = if word == Word::None { Paren::Other } else { Paren::List };
                self.parens.push(paren);
                if paren == Paren::List {
                    before = Before::Compared;
                }
            }
            b')' if self.parens.pop() == Some(Paren::List) => self.last_word = Word::Row,
            b',' => {
                if self.parens.last() == Some(&Paren::List) {
                    before = Before::Compared;
                }
                // The next row of VALUES.
                if word == Word::Row {
                    self.last_word = Word::Row;
                }
            }
            b';' => {
                self.parens.clear();
                self.between = false;
                self.kept = None;
            }
            _other => {}
        }
        let token = self.take(1);
        self.plain(token, before);
    }

    fn dollar(&mut self) {
        let bytes = self.rest().as_bytes();
        let digits = bytes[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 {
            let token = self.take(1 + digits);
            return self.plain(token, Before::Other);
        }
        let tag = 1 + bytes[1..].iter().take_while(|byte| is_word(**byte)).count();
        if bytes.get(tag) != Some(&b'$') {
            let token = self.take(1);
            return self.plain(token, Before::Other);
        }
        let tag = &self.rest()[..=tag];
        let length = self.rest()[tag.len()..].find(tag).map_or(bytes.len(), |end| end + 2 * tag.len());
        self.constant(length, None);
    }

    /// A string whose quote stands behind this many bytes.
    fn string(&mut self, prefix: usize, backslash: Backslash) {
        let rest = self.rest();
        let length = prefix + quoted(&rest.as_bytes()[prefix..], b'\'', backslash);
        let body = &rest[..length];
        let left_out = match self.before {
            Before::Compared if prefix == 0 || backslash == Backslash::Escapes => Some("'?'".to_owned()),
            Before::Pattern if !body.contains('\\') => Some("'?'".to_owned()),
            Before::Compared | Before::Pattern | Before::Other => None,
        };
        // Where it is cast, the text may matter, but not which day it names.
        let left_out = match is_cast(&rest[length..]) || left_out.is_none() {
            true => is_moment(body).then(|| body.replace(|c: char| c.is_ascii_digit(), "0")),
            false => left_out,
        };
        self.constant(length, left_out);
    }

    fn number(&mut self) {
        let bytes = self.rest().as_bytes();
        let mut length = 0;
        while let Some(byte) = bytes.get(length) {
            let exponent = matches!(byte, b'+' | b'-') && matches!(bytes[length - 1], b'e' | b'E');
            if !(byte.is_ascii_alphanumeric() || *byte == b'.' || *byte == b'_' || (exponent && length > 0)) {
                break;
            }
            length += 1;
        }
        let body = &self.rest()[..length];
        let plain = body.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let left_out = match self.before {
            Before::Compared if plain && !is_cast(&self.rest()[length..]) => {
                // A number that does not fit is of another type.
                Some(if body.parse::<i32>().is_ok() { "0" } else { "0.0" }.to_owned())
            }
            Before::Compared | Before::Pattern | Before::Other => None,
        };
        self.constant(length, left_out);
    }

    /// A constant of this many bytes: `left_out` stands for it in the key.
    fn constant(&mut self, length: usize, left_out: Option<String>) {
        let token = self.take(length);
        match left_out.filter(|_| self.kept == Some(Kept::Some)) {
            Some(stands) => self.shape.key.push_str(&stands),
            None => self.shape.key.push_str(token),
        }
        self.shape.shown.push('?');
        self.before = Before::Other;
        self.last_word = Word::None;
    }
}

/// Whether what follows a constant casts it.
fn is_cast(behind: &str) -> bool {
    behind.trim_start().starts_with("::")
}

/// Whether a string is a date, a time, or both, of digits.
fn is_moment(body: &str) -> bool {
    body.len() > 8 && body.trim_matches('\'').bytes().all(|byte| byte.is_ascii_digit() || b"-:. +TZ".contains(&byte))
}

/// Whether a backslash in a string escapes what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backslash {
    Escapes,
    IsPlain,
}

/// The length of what begins with a quote, to the end where it is never closed.
fn quoted(bytes: &[u8], quote: u8, backslash: Backslash) -> usize {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        let escapes = *byte == b'\\' && backslash == Backslash::Escapes;
        if escapes || (*byte == quote && bytes.get(at + 1) == Some(&quote)) {
            at += 2;
        } else if *byte == quote {
            return at + 1;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// The length of a comment, which may hold others.
fn comment(bytes: &[u8]) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 && at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if bytes[at..].starts_with(b"*/") {
            (at, depth) = (at + 2, depth - 1);
        } else {
            at += 1;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_constant_is_shown() {
        for (text, shown) in [
            ("SELECT 1", "SELECT ?"),
            ("select  a /* x */ from t where b = 'it''s' -- end\n;", "select a from t where b = ?"),
            (r"SELECT E'a\'b', $tag$ 'x' $tag$, B'01', U&'x', 1.5e-3 FROM t", "SELECT ?, ?, ?, ?, ? FROM t"),
            ("SELECT \"a 1\", t1.c2 FROM t1 LIMIT 10", "SELECT \"a 1\", t1.c2 FROM t1 LIMIT ?"),
            ("SELECT f($1) WHERE x=$2", "SELECT f($1) WHERE x=$2"),
            ("SELECT 'never closed", "SELECT ?"),
            ("SELECT é'x'", "SELECT é?"),
            ("SELECT $$open", "SELECT ?"),
            ("SELECT 'a", "SELECT ?"),
            ("DO $$ secret $$", "DO ?"),
            ("/* never 'closed", ""),
        ] {
            assert_eq!(shape(text).shown, shown, "{text}");
        }
    }

    #[test]
    fn statements_that_are_judged_alike_have_one_shape() {
        for (one, other) in [
            ("SELECT a FROM t WHERE b = 5", "SELECT a  FROM t WHERE b = 600 /*x*/"),
            ("SELECT a FROM t WHERE b = 'x' LIMIT 5", "SELECT a FROM t WHERE b = 'O''Hara' LIMIT 7"),
            ("SELECT a FROM t WHERE b IN (1, 2)", "SELECT a FROM t WHERE b IN (3, 4)"),
            ("SELECT a FROM t WHERE b BETWEEN 1 AND 2", "SELECT a FROM t WHERE b BETWEEN 3 AND 40"),
            ("INSERT INTO t VALUES (1, 'a'), (-2, 'b')", "INSERT INTO t VALUES (3, 'c'), (-4, 'd')"),
            ("UPDATE t SET a = 'x' WHERE b LIKE 'x%'", "UPDATE t SET a = 'y' WHERE b LIKE '%y'"),
            ("SELECT '2026-01-01'::date", "SELECT '2025-12-31'::date"),
            (
                "SELECT a FROM t WHERE b > '2026-01-01 10:00:00'::timestamp",
                "SELECT a FROM t WHERE b > '2025-12-31 09:00:00'::timestamp",
            ),
        ] {
            assert_eq!(shape(one).key, shape(other).key);
        }
    }

    #[test]
    fn statements_that_may_be_judged_otherwise_have_two() {
        for (one, other) in [
            ("SELECT a FROM t WHERE b = 5", "SELECT a FROM t WHERE b = '5'"),
            ("SELECT a FROM t WHERE b = 5", "SELECT a FROM t WHERE b = 5000000000"),
            ("SELECT a FROM t WHERE b = 5", "SELECT a FROM t WHERE c = 5"),
            ("SELECT a, b FROM t GROUP BY 1", "SELECT a, b FROM t GROUP BY 2"),
            ("SELECT a FROM t WHERE b LIKE 'x'", r"SELECT a FROM t WHERE b LIKE 'x\'"),
            ("SELECT nextval('a')", "SELECT nextval('b')"),
            ("SELECT f(a, 1) FROM t", "SELECT f(a, 2) FROM t"),
            ("SELECT 'a'::regclass", "SELECT 'b'::regclass"),
            ("SELECT a FROM t WHERE b = 'a'::regclass", "SELECT a FROM t WHERE b = 'b'::regclass"),
            ("SET x = 'a'", "SET x = 'b'"),
            ("SELECT 1; SET x = 'a'", "SELECT 1; SET x = 'b'"),
            ("SELECT set_config('x', 'a', true)", "SELECT set_config('x', 'b', true)"),
            ("SELECT a FROM t WHERE b IN (f('a'), 2)", "SELECT a FROM t WHERE b IN (f('b'), 2)"),
        ] {
            assert_ne!(shape(one).key, shape(other).key, "{one}");
        }
    }
}
