//! A statement without its values, for records: no literal and no comment is left of it.

use super::parse::lexes_too_long;
use pg_query::protobuf::{ScanToken, Token};

/// What stands for a literal.
const MARK: &str = "?";

/// The longest text that is kept, in bytes; what is longer is cut.
const LONGEST: usize = 8 << 10;

/// What of a statement's values is told by the grammar, beside literals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// None.
    Literals,
    /// What stands behind `=` or `TO` in a SET, where a name is a value.
    Setting,
}

/// The statement with a mark for each literal, without comments, one space between what was apart. Quoted names of letters,
/// digits and underscores stay; others, which may be values in the wrong quotes, are marked too. `None` where it cannot be
/// taken apart.
pub fn without_values(text: &str, values: Values) -> Option<String> {
    if lexes_too_long(text) {
        return None;
    }
    let scanned = pg_query::scan(text).ok()?;
    let mut out = String::with_capacity(text.len().min(LONGEST));
    let (mut end_of_last, mut before) = (0, [0, 0]);
    let mut set = false;
    for ScanToken { start, end, token, keyword_kind: _ } in scanned.tokens {
        if token == Token::CComment as i32 || token == Token::SqlComment as i32 {
            continue;
        }
        let written = text.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)?;
        if start > end_of_last && !out.is_empty() {
            out.push(' ');
        }
        end_of_last = end;
        let marked = match values {
            Values::Setting if set => token != Token::Ascii44 as i32,
            Values::Setting | Values::Literals => is_value(token, written, before),
        };
        set |= token == Token::Ascii61 as i32 || token == Token::To as i32;
        out.push_str(if marked { MARK } else { written });
        before = [before[1], token];
        if out.len() > LONGEST {
            let cut = (0..=LONGEST).rev().find(|at| out.is_char_boundary(*at)).unwrap_or_default();
            out.truncate(cut);
            out.push('…');
            break;
        }
    }
    Some(out)
}

/// Whether a token is a value, by itself and the two before it.
fn is_value(token: i32, written: &str, before: [i32; 2]) -> bool {
    let is = |known: Token| token == known as i32;
    if [Token::Sconst, Token::Iconst, Token::Fconst, Token::Bconst, Token::Xconst, Token::Usconst, Token::Uident]
        .into_iter()
        .any(is)
    {
        return true;
    }
    if is(Token::TrueP) || is(Token::FalseP) {
        // `IS NOT TRUE` is grammar.
        let after_is = before[1] == Token::Is as i32;
        return !(after_is || before == [Token::Is as i32, Token::Not as i32]);
    }
    is(Token::Ident) && written.starts_with('"') && !is_plain(written.trim_matches('"'))
}

fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Values, without_values};

    #[test]
    fn no_value_is_left() {
        for (text, expected) in [
            ("SELECT  a , 'x'  FROM t\nWHERE b=-17.5 AND c = $1", "SELECT a , ? FROM t WHERE b=-? AND c = $1"),
            ("SELECT E'a\\'b', U&'x', B'1', X'ff', $q$z$q$, N'n', 1e5", "SELECT ?, ?, ?, ?, ?, N?, ?"),
            ("/* secret */ SELECT 1 -- also", "SELECT ?"),
            ("SELECT true, a IS NOT TRUE, b IS FALSE FROM t", "SELECT ?, a IS NOT TRUE, b IS FALSE FROM t"),
            (
                "SELECT \"userId\" FROM \"Orders\" WHERE mail = \"a@b.c\"",
                "SELECT \"userId\" FROM \"Orders\" WHERE mail = ?",
            ),
            ("SELECT 1 AS U&\"d\\0061t\"", "SELECT ? AS ?"),
            ("DO $$ BEGIN RAISE 'x'; END $$", "DO ?"),
            ("CREATE ROLE r PASSWORD 'p'", "CREATE ROLE r PASSWORD ?"),
        ] {
            assert_eq!(without_values(text, Values::Literals).as_deref(), Some(expected), "{text}");
        }
        let set = "SET LOCAL app.tenant = alice, 'b'";
        assert_eq!(without_values(set, Values::Setting).as_deref(), Some("SET LOCAL app.tenant = ?, ?"));
        assert_eq!(without_values("SELECT 'open", Values::Literals), None);
        let long = format!("SELECT {}", "ä, ".repeat(LONGEST));
        assert!(without_values(&long, Values::Literals).is_some_and(|text| text.len() <= LONGEST + 3));
    }
}
