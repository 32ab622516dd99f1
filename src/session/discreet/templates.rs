//! The allow-list of what Postgres may say, read from `templates.txt`, and how a text is held against it.

use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::LazyLock;

const TEMPLATES: &str = include_str!("templates.txt");
const CONDITIONS: &str = include_str!("conditions.txt");
const FILES: &str = include_str!("files.txt");

/// What stands in a message for what was cut out of it.
const CUT: &[u8] = b"...";

/// How far the server's word is taken for what fills a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The server itself raised the report, and nothing stood between it and the statement.
    Statement,
    /// The server itself raised it, inside of a function or something else that could write a statement of its own: what
    /// is taken from a statement may be a value.
    Catalog,
    /// Something else raised it, which may say anything: only the template's own words pass.
    Nothing,
}

/// A text that a template admits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admitted {
    Whole,
    /// Its words without the values.
    Cut(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Text(&'static str),
    /// `%s`
    Name,
    /// `%d`
    Number,
    /// `%t`
    OfStatement,
    /// `%v`
    Value,
}

/// One line of the list.
#[derive(Debug)]
struct Template(Box<[Piece]>);

/// Message, detail and hint have lists of their own.
type Key = (u8, [u8; 5]);

struct Lists {
    templates: FxHashMap<Key, Vec<Template>>,
    conditions: FxHashMap<&'static [u8], &'static str>,
    files: FxHashSet<&'static [u8]>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let mut templates: FxHashMap<Key, Vec<Template>> = FxHashMap::default();
    for (key, text) in lines(TEMPLATES).filter_map(template_line) {
        templates.entry(key).or_default().push(Template(pieces(text)));
    }
    let conditions = lines(CONDITIONS).filter_map(|line| line.split_once(' '));
    Lists {
        templates,
        conditions: conditions.map(|(state, name)| (state.as_bytes(), name)).collect(),
        files: lines(FILES).flat_map(str::split_whitespace).map(str::as_bytes).collect(),
    }
});

/// Lines without comments and empty ones.
fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn template_line(line: &'static str) -> Option<(Key, &'static str)> {
    let (field, rest) = match line.split_once(' ')? {
        ("D", rest) => (b'D', rest),
        ("H", rest) => (b'H', rest),
        _message => (b'M', line),
    };
    let (state, text) = rest.split_once(' ')?;
    Some(((field, state.as_bytes().try_into().ok()?), text))
}

fn pieces(text: &'static str) -> Box<[Piece]> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let piece = match rest.as_bytes().get(at + 1) {
            Some(b's') => Piece::Name,
            Some(b'd') => Piece::Number,
            Some(b't') => Piece::OfStatement,
            Some(b'v') => Piece::Value,
            Some(_) | None => {
                // A percent sign of the text itself.
                pieces.push(Piece::Text(&rest[..=at]));
                rest = &rest[at + 1..];
                continue;
            }
        };
        if at > 0 {
            pieces.push(Piece::Text(&rest[..at]));
        }
        pieces.push(piece);
        rest = &rest[at + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces.into()
}

/// Holds a text of a report (`M`, `D` or `H`) against the list.
pub fn admit(field: u8, state: &[u8], text: &[u8], trust: Trust) -> Option<Admitted> {
    let state: [u8; 5] = state.try_into().ok()?;
    let admitted = LISTS.templates.get(&(field, state))?.iter().filter_map(|template| template.admit(text, trust));
    // The one that passes most.
    admitted.reduce(|one, other| if one == Admitted::Whole { one } else { other })
}

/// The name of a SQLSTATE.
pub fn condition(state: &[u8]) -> Option<&'static str> {
    LISTS.conditions.get(state).copied()
}

/// Whether a report's field F names a file of the server itself.
pub fn is_of_server(file: &[u8]) -> bool {
    LISTS.files.contains(file)
}

impl Template {
    /// What of the text passes. Values are cut out of it in a way that does not depend on what they are: what stands
    /// before the first is found from the left, what stands behind the last from the right, so that each name ends no
    /// later, or begins no earlier, than it really does, and nothing of a value can come to stand in a name.
    fn admit(&self, text: &[u8], trust: Trust) -> Option<Admitted> {
        let is_value = |piece: &Piece| match piece {
            Piece::Text(_) => false,
            Piece::Name | Piece::Number => trust == Trust::Nothing,
            Piece::OfStatement => trust != Trust::Statement,
            Piece::Value => true,
        };
        let (first, last) = (self.0.iter().position(is_value), self.0.iter().rposition(is_value));
        let (Some(first), Some(last)) = (first, last) else {
            return whole(&self.0, text).then_some(Admitted::Whole);
        };
        let start = left(&self.0[..first], text)?;
        let end = right(&self.0[last + 1..], text)?;
        let mut values = text.get(start..end)?;
        let mut cut = [&text[..start], CUT].concat();
        for piece in self.0.get(first + 1..last).unwrap_or_default() {
            // A name between two values cannot be told from them.
            let Piece::Text(words) = piece else { continue };
            values = &values[find(values, words.as_bytes())? + words.len()..];
            cut.extend([words.as_bytes(), CUT].concat());
        }
        cut.extend(&text[end..]);
        Some(Admitted::Cut(cut))
    }
}

fn find(text: &[u8], words: &[u8]) -> Option<usize> {
    text.windows(words.len()).position(|window| window == words)
}

fn find_last(text: &[u8], words: &[u8]) -> Option<usize> {
    text.windows(words.len()).rposition(|window| window == words)
}

/// The digits at the start, with their sign.
fn number(text: &[u8]) -> usize {
    let sign = usize::from(text.first() == Some(&b'-'));
    let digits = text[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 { 0 } else { sign + digits }
}

/// Whether pieces without a value are the whole text.
fn whole(pieces: &[Piece], text: &[u8]) -> bool {
    match pieces.split_last() {
        None => text.is_empty(),
        Some((Piece::Text(words), before)) => {
            text.strip_suffix(words.as_bytes()).is_some_and(|rest| whole(before, rest))
        }
        Some((Piece::Number, before)) => {
            left(before, text).is_some_and(|at| at < text.len() && at + number(&text[at..]) == text.len())
        }
        Some((Piece::Name | Piece::OfStatement, before)) => left(before, text).is_some_and(|at| at < text.len()),
        Some((Piece::Value, _)) => false,
    }
}

/// Where pieces that begin the text end, each name as short as can be.
fn left(pieces: &[Piece], text: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut name = false;
    for piece in pieces {
        match piece {
            Piece::Text(words) => {
                let words = words.as_bytes();
                let skip = usize::from(name);
                let rest = text.get(at + skip..)?;
                let found = if name { find(rest, words)? } else { rest.starts_with(words).then_some(0)? };
                at += skip + found + words.len();
                name = false;
            }
            Piece::Number => {
                let digits = number(&text[at..]);
                at += if digits == 0 { return None } else { digits };
            }
            Piece::Name | Piece::OfStatement => name = true,
            Piece::Value => return None,
        }
    }
    // A name directly in front of a value has no end.
    (!name).then_some(at)
}

/// Where pieces that end the text begin, each name as short as can be.
fn right(pieces: &[Piece], text: &[u8]) -> Option<usize> {
    let mut end = text.len();
    let mut name = false;
    for piece in pieces.iter().rev() {
        match piece {
            Piece::Text(words) => {
                let words = words.as_bytes();
                end = if name {
                    find_last(&text[..end.checked_sub(1)?], words)?
                } else {
                    text[..end].ends_with(words).then(|| end - words.len())?
                };
                name = false;
            }
            // A number is held to be a name here: it is found by the words around it.
            Piece::Number | Piece::Name | Piece::OfStatement => name = true,
            Piece::Value => return None,
        }
    }
    (!name).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line is a template: a known SQLSTATE, no doubles, sorted, no placeholder that touches a value's.
    #[test]
    fn the_list_is_in_order() {
        let mut seen = FxHashSet::default();
        let mut before = (0, "", "");
        for line in lines(TEMPLATES) {
            let ((field, _), text) = template_line(line).unwrap_or_else(|| panic!("not a template: {line}"));
            let state = &line.trim_start_matches("D ").trim_start_matches("H ")[..5];
            assert!(condition(state.as_bytes()).is_some(), "no such SQLSTATE: {line}");
            assert!(seen.insert(line), "twice: {line}");
            let place = (b"MDH".iter().position(|known| *known == field).expect("a field"), state, text);
            assert!(before < place, "out of order: {line}");
            before = place;
            let pieces = pieces(text);
            assert!(!text.trim().is_empty() && text.trim() == text, "space around: {line}");
            for pair in pieces.windows(2) {
                assert!(matches!(pair, [Piece::Text(_), _] | [_, Piece::Text(_)]), "no words between: {line}");
            }
            let texts = pieces.iter().filter(|piece| matches!(piece, Piece::Text(_)));
            assert!(texts.count() > 0, "no words: {line}");
        }
        assert!(seen.len() > 1300, "{}", seen.len());
    }

    /// Anchored at both ends: nothing may stand around a template, and its own text passes.
    #[test]
    fn every_template_is_anchored() {
        for line in lines(TEMPLATES) {
            let ((field, state), text) = template_line(line).expect("a template");
            let filled = text.replace("%s", "name").replace("%t", "name").replace("%d", "12").replace("%v", "SECRET");
            let admitted = admit(field, &state, filled.as_bytes(), Trust::Statement);
            match (text.contains("%v"), &admitted) {
                (false, Some(Admitted::Whole)) => {}
                (true, Some(Admitted::Cut(cut))) => {
                    assert!(find(cut, b"SECRET").is_none(), "{line}: {}", String::from_utf8_lossy(cut));
                }
                _otherwise => panic!("{line}: {admitted:?}"),
            }
            let pieces = pieces(text);
            if matches!(pieces.first(), Some(Piece::Text(_))) {
                let around = admit(field, &state, format!("SECRET {filled}").as_bytes(), Trust::Statement);
                assert_eq!(around, None, "{line}");
            }
            if matches!(pieces.last(), Some(Piece::Text(_))) {
                let around = admit(field, &state, format!("{filled} SECRET").as_bytes(), Trust::Statement);
                assert_ne!(around, Some(Admitted::Whole), "{line}");
            }
        }
    }

    #[test]
    fn values_are_cut_out() {
        use Trust::{Catalog, Nothing, Statement};
        let cut = |text: &str| Some(Admitted::Cut(text.as_bytes().to_vec()));
        for (state, text, trust, expected) in [
            ("22012", "division by zero", Nothing, Some(Admitted::Whole)),
            ("22012", "division by zero!", Statement, None),
            ("22003", "division by zero", Statement, None),
            (
                "22P02",
                "invalid input syntax for type integer: \"x\"",
                Statement,
                cut("invalid input syntax for type integer: \"...\""),
            ),
            (
                "22P02",
                "invalid input syntax for type integer: \"x\"",
                Nothing,
                cut("invalid input syntax for type ...: \"...\""),
            ),
            // A value that looks like the template's own words.
            (
                "22P02",
                "invalid input syntax for type integer: \"a: \"b\"",
                Statement,
                cut("invalid input syntax for type integer: \"...\""),
            ),
            (
                "22003",
                "value \"1\" is out of range for type \" is out of range for type integer",
                Statement,
                cut("value \"...\" is out of range for type integer"),
            ),
            ("23505", "duplicate key value violates unique constraint \"a_key\"", Catalog, Some(Admitted::Whole)),
            (
                "23505",
                "duplicate key value violates unique constraint \"secret\"",
                Nothing,
                cut("duplicate key value violates unique constraint \"...\""),
            ),
            ("26000", "prepared statement \"p\" does not exist", Statement, Some(Admitted::Whole)),
            (
                "26000",
                "prepared statement \"p\" does not exist",
                Catalog,
                cut("prepared statement \"...\" does not exist"),
            ),
            ("22001", "value too long for type character varying(3)", Statement, Some(Admitted::Whole)),
            ("22001", "value too long for type character varying(a)", Statement, None),
            ("22001", "value too long for type character varying()", Statement, None),
            ("22P04", "row field count is 9, expected 3", Statement, cut("row field count is ..., expected 3")),
            ("2200H", "nextval: reached maximum value of sequence \"s\" (-9)", Statement, Some(Admitted::Whole)),
            ("22008", "date out of range: \"x\"", Statement, cut("date out of range: ...")),
            ("ZZZZZ", "division by zero", Statement, None),
            ("22012", "", Statement, None),
        ] {
            assert_eq!(admit(b'M', state.as_bytes(), text.as_bytes(), trust), expected, "{text}");
        }
    }

    #[test]
    fn only_the_servers_files_are_its_own() {
        for (file, expected) in
            [("nbtinsert.c", true), ("scan.c", true), ("pl_exec.c", false), ("xml.c", false), ("", false)]
        {
            assert_eq!(is_of_server(file.as_bytes()), expected, "{file}");
        }
    }
}
