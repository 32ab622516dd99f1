//! A generated statement as a tree of text that can be made smaller part by part, to show a failure in few words.

/// A piece of a statement.
#[derive(Debug, Clone)]
pub enum Doc {
    Text(String),
    Seq(Vec<Doc>),
    /// A clause that may be left out.
    Maybe(Box<Doc>),
    /// Parts with a separator of which any but `least` may be left out.
    List {
        parts: Vec<Doc>,
        separator: &'static str,
        least: usize,
    },
    /// An expression that a simpler one of the same type may stand in for.
    Or(Box<Doc>, &'static str),
}

use Doc::{List, Maybe, Or, Seq, Text};

pub fn text(text: impl Into<String>) -> Doc {
    Text(text.into())
}

pub fn seq(parts: impl IntoIterator<Item = Doc>) -> Doc {
    Seq(parts.into_iter().collect())
}

pub fn maybe(part: Doc) -> Doc {
    Maybe(Box::new(part))
}

pub fn list(parts: Vec<Doc>, separator: &'static str, least: usize) -> Doc {
    List { parts, separator, least }
}

pub fn or(part: Doc, simpler: &'static str) -> Doc {
    Or(Box::new(part), simpler)
}

impl Doc {
    pub fn render(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Text(text) => out.push_str(text),
            Seq(parts) => parts.iter().for_each(|part| part.write(out)),
            Maybe(part) | Or(part, _) => part.write(out),
            List { parts, separator, least: _ } => {
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        out.push_str(separator);
                    }
                    part.write(out);
                }
            }
        }
    }

    /// Everything that is this statement with one thing less, the biggest steps first.
    fn smaller(&self) -> Vec<Doc> {
        let inner = |part: &Doc, wrap: &dyn Fn(Doc) -> Doc| part.smaller().into_iter().map(wrap).collect::<Vec<_>>();
        match self {
            Text(_) => Vec::new(),
            Maybe(part) => {
                let mut all = vec![Text(String::new())];
                all.extend(inner(part, &|part| maybe(part)));
                all
            }
            Or(part, simpler) => {
                let mut all = vec![text(*simpler)];
                all.extend(inner(part, &|part| or(part, simpler)));
                all
            }
            Seq(parts) => {
                let mut all = Vec::new();
                for (index, part) in parts.iter().enumerate() {
                    for smaller in part.smaller() {
                        let mut parts = parts.clone();
                        parts[index] = smaller;
                        all.push(Seq(parts));
                    }
                }
                all
            }
            List { parts, separator, least } => {
                let again = |parts| List { parts, separator, least: *least };
                let mut all = Vec::new();
                for index in 0..parts.len() {
                    if parts.len() > *least {
                        let mut fewer = parts.clone();
                        fewer.remove(index);
                        all.push(again(fewer));
                    }
                    for smaller in parts[index].smaller() {
                        let mut parts = parts.clone();
                        parts[index] = smaller;
                        all.push(again(parts));
                    }
                }
                all
            }
        }
    }

    /// The smallest statement found that still fails, in at most `tries` runs.
    pub fn shrink(self, mut tries: usize, fails: &mut dyn FnMut(&str) -> bool) -> Doc {
        let mut best = self;
        'again: loop {
            let mut candidates = best.smaller();
            candidates.sort_by_cached_key(|candidate| candidate.render().len());
            for candidate in candidates {
                if tries == 0 {
                    return best;
                }
                tries -= 1;
                if fails(&candidate.render()) {
                    best = candidate;
                    continue 'again;
                }
            }
            return best;
        }
    }
}

#[test]
fn what_does_not_matter_is_dropped() {
    let parts = vec![text("a"), or(seq([text("f("), text("b"), text(")")]), "1"), text("c")];
    let doc = seq([text("SELECT "), list(parts, ", ", 1), maybe(text(" WHERE x"))]);
    assert_eq!(doc.render(), "SELECT a, f(b), c WHERE x");
    let small = doc.shrink(100, &mut |text| text.contains("b"));
    assert_eq!(small.render(), "SELECT f(b)");
}
