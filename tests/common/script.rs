//! SQL scripts as psql reads them: split into statements, psql's own commands left out, its variables put in.

use std::collections::HashMap;

/// One statement of a script, without its semicolon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub text: String,
    /// The lines that follow a `COPY … FROM STDIN`.
    pub data: Option<String>,
}

/// Splits a script. `variables` are psql's; a statement that uses one that is not set is left out.
pub fn split(source: &str, variables: &mut HashMap<String, String>) -> Vec<Item> {
    let bytes = source.as_bytes();
    let (mut at, mut start, mut depth) = (0, 0, 0usize);
    let mut items = Vec::new();
    while at < bytes.len() {
        let rest = &source[at..];
        match bytes[at] {
            b'-' if rest.starts_with("--") => at = line_end(source, at),
            b'/' if rest.starts_with("/*") => at = comment_end(source, at),
            b'\'' => {
                let escapes = at > 0
                    && matches!(bytes[at - 1], b'e' | b'E')
                    && !(at > 1 && (bytes[at - 2].is_ascii_alphanumeric() || bytes[at - 2] == b'_'));
                at = string_end(bytes, at, escapes);
            }
            b'"' => at = rest[1..].find('"').map_or(bytes.len(), |end| at + end + 2),
            b'$' => at = dollar_end(source, at).unwrap_or(at + 1),
            b'\\' => {
                let end = line_end(source, at);
                let command = &source[at + 1..end];
                let ends = ["g", "gx", "gset", "gexec", "gdesc", ";"].iter().any(|word| {
                    command.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
                });
                if ends && !command.starts_with("gset") && !command.starts_with("gexec") {
                    push(&mut items, &source[start..at], None, variables);
                }
                if let Some(assignment) = command.strip_prefix("set ") {
                    assign(assignment, variables);
                } else if let Some(names) = command.strip_prefix("getenv ") {
                    let mut names = names.split_whitespace();
                    if let (Some(name), Some(from)) = (names.next(), names.next())
                        && let Some(value) = variables.get(from).cloned()
                    {
                        variables.insert(name.to_owned(), value);
                    }
                }
                (at, start, depth) = (end, end, 0);
            }
            b'(' => {
                depth += 1;
                at += 1;
            }
            b')' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b';' if depth == 0 && !inside_body(&source[start..at]) => {
                let text = &source[start..at];
                at += 1;
                let data = copies_in(text).then(|| {
                    let begin = (line_end(source, at) + 1).min(source.len());
                    let end = source[begin..].find("\\.").map_or(source.len(), |end| begin + end);
                    at = line_end(source, end);
                    source[begin..end].to_owned()
                });
                push(&mut items, text, data, variables);
                start = at;
            }
            _ => at += 1,
        }
    }
    push(&mut items, &source[start.min(source.len())..], None, variables);
    items
}

fn line_end(source: &str, at: usize) -> usize {
    source[at..].find('\n').map_or(source.len(), |end| at + end)
}

fn comment_end(source: &str, mut at: usize) -> usize {
    let bytes = source.as_bytes();
    let mut depth = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn string_end(bytes: &[u8], mut at: usize, escapes: bool) -> usize {
    at += 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn dollar_end(source: &str, at: usize) -> Option<usize> {
    let before = source[..at].chars().next_back();
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let tag = &source[at + 1..];
    let length = tag.find('$')?;
    if !tag[..length].chars().all(|c| c.is_alphanumeric() || c == '_') || tag.starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let tag = &source[at..at + length + 2];
    let begin = at + tag.len();
    Some(source[begin..].find(tag).map_or(source.len(), |end| begin + end + tag.len()))
}

/// Whether a semicolon here ends a statement of a body in SQL rather than the whole.
fn inside_body(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    words.windows(2).any(|pair| pair == ["begin", "atomic"]) && words.last() != Some(&"end")
}

fn copies_in(text: &str) -> bool {
    let lower = without_comments(text).to_lowercase();
    lower.starts_with("copy") && lower.contains("from stdin")
}

/// A statement without the comments and the space in front of it.
pub fn without_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        if rest.starts_with("--") {
            rest = rest[line_end(rest, 0)..].trim_start();
        } else if rest.starts_with("/*") {
            rest = rest[comment_end(rest, 0)..].trim_start();
        } else {
            return rest;
        }
    }
}

fn push(items: &mut Vec<Item>, text: &str, data: Option<String>, variables: &HashMap<String, String>) {
    let text = text.trim();
    if without_comments(text).is_empty() {
        return;
    }
    if let Some(text) = interpolate(text, variables) {
        items.push(Item { text, data });
    }
}

fn assign(assignment: &str, variables: &mut HashMap<String, String>) {
    let mut words = assignment.split_whitespace();
    let Some(name) = words.next() else { return };
    let value: String = words
        .map(|word| match word.strip_prefix(':') {
            Some(other) => variables.get(other).cloned().unwrap_or_default(),
            None => word.trim_matches('\'').to_owned(),
        })
        .collect();
    variables.insert(name.to_owned(), value);
}

/// Puts `:name`, `:'name'` and `:"name"` in; `None` where such a variable is not set.
fn interpolate(text: &str, variables: &HashMap<String, String>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(':') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        out.push_str(before);
        let quoted = after.starts_with(['\'', '"']).then(|| after[1..].find(&after[..1])).flatten();
        let bare = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
        let previous = before.chars().next_back();
        let inside = previous == Some(':') || previous.is_some_and(|c| c.is_alphanumeric() || c == ']' || c == '[');
        if let (Some(end), false) = (quoted, inside) {
            let name = &after[1..=end];
            if name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.is_empty() {
                let value = variables.get(name)?;
                let quote = &after[..1];
                out.push_str(&format!("{quote}{value}{quote}"));
                rest = &after[end + 2..];
                continue;
            }
        }
        if let (false, true) = (inside, bare > 0)
            && let Some(value) = variables.get(&after[..bare])
        {
            out.push_str(value);
            rest = &after[bare..];
            continue;
        }
        out.push(':');
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[test]
fn scripts_are_split_as_psql_splits_them() {
    let mut variables = HashMap::from([("DIR".to_owned(), "/x".to_owned())]);
    let script = "-- a; comment\nSELECT ';', $$ ; $$; \\pset null x\n\\getenv dir DIR\n\\set file :dir '/data'\n\
        COPY t FROM :'file';\nCOPY t FROM stdin;\n1;2\n\\.\nSELECT E'\\';' /* ; /* ; */ */ , (';');SELECT 1 \\gset\nSELECT a[1:2]::int;\n\
        CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;SELECT :'unset'";
    let items = split(script, &mut variables);
    let texts: Vec<&str> = items.iter().map(|item| without_comments(&item.text)).collect();
    let expected = [
        "SELECT ';', $$ ; $$",
        "COPY t FROM '/x/data'",
        "COPY t FROM stdin",
        "SELECT E'\\';' /* ; /* ; */ */ , (';')",
        "SELECT a[1:2]::int",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END",
    ];
    assert_eq!(texts, expected);
    assert_eq!(items[2].data.as_deref(), Some("1;2\n"));
}
