//! Text for a terminal: colour where it is wanted, tables, wrapped SQL.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::IsTerminal;

/// The longest cell shown before it is cut.
const CELL_WIDTH: usize = 60;

/// Whether what we print carries colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    Plain,
    Ansi,
}

/// What a piece of text is, so that it looks the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A heading or something to look at.
    Strong,
    /// Something to read over.
    Faint,
    /// Something that was permitted, or went well.
    Good,
    /// Something that was refused on purpose.
    Refused,
    /// Something that went wrong.
    Bad,
    /// SQL.
    Sql,
}

impl Paint {
    /// Colours on a terminal, unless `NO_COLOR` is set (<https://no-color.org>) or the terminal is a dumb one.
    pub fn for_stream(stream: &impl IsTerminal) -> Paint {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if stream.is_terminal() && !unwanted && !dumb { Paint::Ansi } else { Paint::Plain }
    }

    pub fn stdout() -> Paint {
        Paint::for_stream(&std::io::stdout())
    }

    pub fn stderr() -> Paint {
        Paint::for_stream(&std::io::stderr())
    }

    /// The text in a tone.
    pub fn tone<'t>(self, tone: Tone, text: &'t str) -> Cow<'t, str> {
        let code = match tone {
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Good => "32",
            Tone::Refused => "33",
            Tone::Bad => "31;1",
            Tone::Sql => "36",
        };
        match self {
            Paint::Plain => Cow::Borrowed(text),
            Paint::Ansi => Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m")),
        }
    }
}

/// A value as one line of at most [`CELL_WIDTH`] characters. Control characters are shown, not sent to the terminal.
fn cell(value: Option<&str>) -> String {
    let Some(value) = value else { return "∅".to_owned() };
    let mut out = String::new();
    for (at, character) in value.chars().enumerate() {
        if at == CELL_WIDTH {
            out.pop();
            out.push('…');
            break;
        }
        if character.is_control() { out.extend(character.escape_default()) } else { out.push(character) }
    }
    out
}

/// Rows as a table with a head, indented; NULL is `∅`.
pub fn table(paint: Paint, indent: &str, head: &[String], rows: &[Vec<Option<String>>]) -> String {
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|value| cell(value.as_deref())).collect()).collect();
    let width = |column: usize| {
        let cells = cells.iter().map(|row| row.get(column).map_or(0, |text| text.chars().count()));
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |texts: &[String]| {
        let padded: Vec<String> = texts.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut out = String::new();
    let _ = writeln!(out, "{indent}{}", paint.tone(Tone::Faint, &line(head)));
    for row in &cells {
        let _ = writeln!(out, "{indent}{}", line(row));
    }
    out
}

/// `1 table`, `2 tables`.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Text cut into lines of at most `width` characters at spaces, each after `indent`.
pub fn wrap(indent: &str, width: usize, text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join(&format!("\n{indent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up_and_shows_null_and_control_characters() {
        let head = ["id".to_owned(), "body".to_owned()];
        let rows = [vec![Some("1".to_owned()), None], vec![Some("20".to_owned()), Some("a\x1b[31mb\nc".to_owned())]];
        let shown = table(Paint::Plain, "  ", &head, &rows);
        assert_eq!(shown, "  id  body\n  1   ∅\n  20  a\\u{1b}[31mb\\nc\n");
    }

    #[test]
    fn long_cells_are_cut() {
        assert_eq!(cell(Some(&"x".repeat(60))).chars().count(), CELL_WIDTH);
        assert_eq!(cell(Some(&"x".repeat(CELL_WIDTH))), "x".repeat(CELL_WIDTH));
    }

    #[test]
    fn text_wraps_at_spaces() {
        assert_eq!(wrap("> ", 9, "one two three four"), "one two\n> three\n> four");
    }
}
