//! What the server answers to a question: rows of cells as text, and the values in them.

use std::borrow::Cow;
use std::str::FromStr;

/// An answer that is none to the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the catalog answers in another form than was asked for")]
pub struct Unreadable;

/// Rows of text, in one piece of memory.
#[derive(Debug, Default)]
pub struct Answer {
    text: String,
    /// Where each cell ends in the text; `None` where it is NULL.
    ends: Vec<Option<usize>>,
    width: usize,
}

impl Answer {
    /// Adds a row. Every row is as wide as the first.
    pub fn push<'a>(&mut self, cells: impl IntoIterator<Item = Option<&'a str>>) {
        let before = self.ends.len();
        for cell in cells {
            self.text.push_str(cell.unwrap_or_default());
            self.ends.push(cell.map(|_| self.text.len()));
        }
        if before == 0 {
            self.width = self.ends.len();
        }
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        self.text.len() + size_of::<Option<usize>>() * self.ends.len()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let mut start = 0;
        self.ends.chunks(self.width.max(1)).map(move |ends| {
            let row = Row { text: &self.text, start, ends };
            start = ends.iter().rev().find_map(|end| *end).unwrap_or(start);
            row
        })
    }
}

/// One row of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    text: &'a str,
    start: usize,
    ends: &'a [Option<usize>],
}

impl<'a> Row<'a> {
    /// The cell in this column; `None` where it is NULL.
    pub(super) fn cell(&self, column: usize) -> Result<Option<&'a str>, Unreadable> {
        let Some(end) = *self.ends.get(column).ok_or(Unreadable)? else { return Ok(None) };
        let start = self.ends[..column].iter().rev().find_map(|end| *end).unwrap_or(self.start);
        self.text.get(start..end).map(Some).ok_or(Unreadable)
    }

    pub(super) fn text(&self, column: usize) -> Result<&'a str, Unreadable> {
        self.cell(column)?.ok_or(Unreadable)
    }

    pub(super) fn number<T: FromStr>(&self, column: usize) -> Result<T, Unreadable> {
        number(self.text(column)?)
    }

    pub(super) fn number_if_any<T: FromStr>(&self, column: usize) -> Result<Option<T>, Unreadable> {
        self.cell(column)?.map(number).transpose()
    }

    pub(super) fn truth(&self, column: usize) -> Result<bool, Unreadable> {
        match self.text(column)? {
            "t" => Ok(true),
            "f" => Ok(false),
            _neither => Err(Unreadable),
        }
    }

    /// An array of numbers; empty where it is NULL.
    pub(super) fn numbers<T: FromStr>(&self, column: usize) -> Result<Vec<T>, Unreadable> {
        self.texts(column)?.iter().map(|element| number(element)).collect()
    }

    /// An array of texts, none of them NULL; empty where it is NULL itself.
    pub(super) fn texts(&self, column: usize) -> Result<Vec<Cow<'a, str>>, Unreadable> {
        self.cell(column)?.map_or(Ok(Vec::new()), array)
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, Unreadable> {
    text.parse().map_err(|_| Unreadable)
}

/// The elements of an array of one dimension, as `array_out` writes it: `{1,2}`, `{"a b",c}`, `[0:1]={1,2}`.
fn array(text: &str) -> Result<Vec<Cow<'_, str>>, Unreadable> {
    let inside = match text.strip_prefix('[') {
        Some(bounds) => bounds.split_once('=').ok_or(Unreadable)?.1,
        None => text,
    };
    let mut rest = inside.strip_prefix('{').and_then(|inside| inside.strip_suffix('}')).ok_or(Unreadable)?;
    let mut elements = Vec::new();
    while !rest.is_empty() {
        let element = match rest.strip_prefix('"') {
            Some(quoted) => {
                let mut element = String::new();
                let mut chars = quoted.char_indices();
                let end = loop {
                    match chars.next().ok_or(Unreadable)? {
                        (at, '"') => break at + 1,
                        (_, '\\') => element.push(chars.next().ok_or(Unreadable)?.1),
                        (_, c) => element.push(c),
                    }
                };
                rest = &quoted[end..];
                Cow::Owned(element)
            }
            None => {
                let (element, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                rest = after;
                // A NULL, or another dimension.
                if element.is_empty() || element == "NULL" || element.contains(['{', '}', '"', '\\']) {
                    return Err(Unreadable);
                }
                Cow::Borrowed(element)
            }
        };
        elements.push(element);
        match rest.strip_prefix(',') {
            Some(more) if !more.is_empty() => rest = more,
            None if rest.is_empty() => {}
            Some(_) | None => return Err(Unreadable),
        }
    }
    Ok(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_read_as_the_server_writes_them() {
        for (text, expected) in [
            ("{}", Ok(vec![])),
            ("{1,2}", Ok(vec!["1", "2"])),
            ("[0:1]={1,-2}", Ok(vec!["1", "-2"])),
            (r#"{"a b","c\"\\,}",d,"","NULL"}"#, Ok(vec!["a b", "c\"\\,}", "d", "", "NULL"])),
            ("{NULL}", Err(Unreadable)),
            ("{{1}}", Err(Unreadable)),
            ("{1", Err(Unreadable)),
            ("{1,}", Err(Unreadable)),
            (r#"{"a"b}"#, Err(Unreadable)),
            (r#"{"a}"#, Err(Unreadable)),
            ("", Err(Unreadable)),
        ] {
            let expected = expected.map(|elements: Vec<&str>| elements.into_iter().map(Cow::Borrowed).collect());
            assert_eq!(array(text), expected, "{text}");
        }
    }

    #[test]
    fn cells_are_where_they_were_put() {
        let mut answer = Answer::default();
        let none: [&str; 0] = [];
        assert_eq!(answer.rows().count(), 0);
        answer.push([None, Some("ab"), Some(""), Some("t")]);
        answer.push([Some("7"), None, Some("{1}"), Some("x")]);
        let rows: Vec<Row<'_>> = answer.rows().collect();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].cell(0), rows[0].text(1), rows[0].text(2)), (Ok(None), Ok("ab"), Ok("")));
        assert_eq!((rows[0].truth(3), rows[0].texts(0).map(|texts| texts.len())), (Ok(true), Ok(none.len())));
        assert_eq!((rows[1].number(0), rows[1].number_if_any::<i16>(1)), (Ok(7), Ok(None)));
        assert_eq!((rows[1].numbers(2), rows[1].truth(3)), (Ok(vec![1]), Err(Unreadable)));
        assert_eq!((rows[1].text(1), rows[1].cell(4)), (Err(Unreadable), Err(Unreadable)));
    }
}
