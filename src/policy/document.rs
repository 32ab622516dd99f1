//! TOML values with their places, and the reading of tables key by key so that an unknown key is an error.

use super::report::{Finding, Findings, Place};
use serde_spanned::Spanned;
use std::fmt::Write as _;
use std::sync::Arc;
use toml::de::{DeString, DeTable, DeValue};

/// A word of the policy and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) text: Arc<str>,
    pub(super) place: Place,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Value<'t> {
    value: &'t DeValue<'t>,
    pub(super) place: Place,
}

/// What a value turned out to be, where several shapes are allowed.
pub(super) enum Shape {
    Word(Word),
    Table,
    Other,
}

impl<'t> Value<'t> {
    fn wrong(&self, wanted: &str, findings: &mut Findings) {
        let found = self.value.type_str();
        findings.add(Finding::new(format!("expected {wanted}, found {}", article(found)), &self.place, "here"));
    }

    pub(super) fn shape(&self) -> Shape {
        match self.value {
            DeValue::String(text) => Shape::Word(Word { text: text.as_ref().into(), place: self.place.clone() }),
            DeValue::Table(_) => Shape::Table,
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => Shape::Other,
        }
    }

    /// A whole number; `None` for anything else.
    pub(super) fn integer(&self) -> Option<i64> {
        let DeValue::Integer(number) = &self.value else { return None };
        i64::from_str_radix(number.as_str(), number.radix()).ok()
    }

    pub(super) fn word(&self, findings: &mut Findings) -> Option<Word> {
        match self.shape() {
            Shape::Word(word) => Some(word),
            Shape::Table | Shape::Other => {
                self.wrong("a string", findings);
                None
            }
        }
    }

    /// A string, or a whole number in its digits.
    pub(super) fn word_or_number(&self, findings: &mut Findings) -> Option<Word> {
        match (self.shape(), self.value) {
            (Shape::Word(word), _) => Some(word),
            (_, DeValue::Integer(number)) if number.radix() == 10 => {
                Some(Word { text: number.as_str().replace('_', "").into(), place: self.place.clone() })
            }
            (Shape::Table | Shape::Other, _) => {
                self.wrong("a string or a whole number", findings);
                None
            }
        }
    }

    /// A list of strings, which may be empty.
    pub(super) fn words_or_none(&self, findings: &mut Findings) -> Option<Vec<Word>> {
        match self.value {
            DeValue::Array(items) if items.is_empty() => Some(Vec::new()),
            _filled => self.words(findings),
        }
    }

    /// One string, or a list of strings.
    pub(super) fn words(&self, findings: &mut Findings) -> Option<Vec<Word>> {
        let DeValue::Array(items) = self.value else {
            return match self.shape() {
                Shape::Word(word) => Some(vec![word]),
                Shape::Table | Shape::Other => {
                    self.wrong("a string or a list of strings", findings);
                    None
                }
            };
        };
        if items.is_empty() {
            findings.add(Finding::new("the list is empty", &self.place, "name at least one"));
            return None;
        }
        let item = |item: &'t Spanned<DeValue<'t>>| Value {
            value: item.get_ref(),
            place: Place { file: self.place.file, span: item.span() },
        };
        // Read them all before giving up, so that every wrong item is reported.
        let words: Vec<_> = items.iter().map(|value| item(value).word(findings)).collect();
        words.into_iter().collect()
    }

    /// A whole number from `least` to `most`.
    pub(super) fn number(&self, least: u32, most: u32, findings: &mut Findings) -> Option<u32> {
        let DeValue::Integer(number) = self.value else {
            self.wrong("a whole number", findings);
            return None;
        };
        let number = u32::from_str_radix(number.as_str(), number.radix()).ok();
        let fits = number.filter(|number| (least..=most).contains(number));
        if fits.is_none() {
            let message = format!("expected a number from {least} to {most}");
            findings.add(Finding::new(message, &self.place, "not in that range"));
        }
        fits
    }

    /// A number from a thousandth up to `most`, in thousandths.
    pub(super) fn thousandths(&self, most: u32, findings: &mut Findings) -> Option<u32> {
        let text = match &self.value {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _another_value => {
                self.wrong("a number", findings);
                return None;
            }
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{fraction:0<3}");
        let fits = |number: &u32| fraction.len() <= 3 && (1..=most.saturating_mul(1000)).contains(number);
        let number = digits.parse::<u32>().ok().filter(fits);
        if number.is_none() {
            let message = format!("expected a number from 0.001 to {most}, in thousandths");
            findings.add(Finding::new(message, &self.place, "not one of these"));
        }
        number
    }

    /// Two whole numbers, the lesser first.
    pub(super) fn range(&self, most: i64, findings: &mut Findings) -> Option<(i64, i64)> {
        let whole = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _another_value => None,
        };
        let bounds = match &self.value {
            DeValue::Array(items) => items.iter().map(whole).collect::<Option<Vec<i64>>>(),
            _another_value => None,
        };
        match bounds.as_deref() {
            Some([least, greatest]) if least < greatest && -most <= *least && *greatest <= most => {
                Some((*least, *greatest))
            }
            _no_range => {
                let label = format!("two whole numbers, the lesser first, from -{most} to {most}");
                findings.add(Finding::new("these are no bounds", &self.place, label));
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn truth(&self, findings: &mut Findings) -> Option<bool> {
        let DeValue::Boolean(truth) = self.value else {
            self.wrong("true or false", findings);
            return None;
        };
        Some(*truth)
    }

    /// A date, or a string that holds one.
    pub(super) fn date(&self, findings: &mut Findings) -> Option<Arc<str>> {
        match self.value {
            DeValue::Datetime(date) => Some(date.to_string().into()),
            DeValue::String(text) => Some(text.as_ref().into()),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Array(_) | DeValue::Table(_) => {
                self.wrong("a date", findings);
                None
            }
        }
    }

    /// The entries of a table, by position in the file.
    pub(super) fn entries(&self, findings: &mut Findings) -> Option<Vec<(Word, Value<'t>)>> {
        let DeValue::Table(table) = self.value else {
            self.wrong("a table", findings);
            return None;
        };
        Some(entries(table, self.place.file))
    }

    /// The tables of an array of tables.
    pub(super) fn tables(&self, findings: &mut Findings) -> Vec<Value<'t>> {
        let DeValue::Array(items) = self.value else {
            self.wrong("an array of tables", findings);
            return Vec::new();
        };
        let place = |item: &Spanned<DeValue<'_>>| Place { file: self.place.file, span: item.span() };
        items.iter().map(|item| Value { value: item.get_ref(), place: place(item) }).collect()
    }
}

fn article(kind: &str) -> String {
    if kind.starts_with(['a', 'i']) { format!("an {kind}") } else { format!("a {kind}") }
}

/// The entries of a table, by position in the file.
pub(super) fn entries<'t>(table: &'t DeTable<'t>, file: usize) -> Vec<(Word, Value<'t>)> {
    let place = |span| Place { file, span };
    let entry = |(key, value): (&Spanned<DeString<'t>>, &'t Spanned<DeValue<'t>>)| {
        (
            Word { text: key.get_ref().as_ref().into(), place: place(key.span()) },
            Value { value: value.get_ref(), place: place(value.span()) },
        )
    };
    let mut entries: Vec<_> = table.iter().map(entry).collect();
    entries.sort_by_key(|(key, _)| key.place.span.start);
    entries
}

/// A table read key by key. What is left over at the end is an error.
pub(super) struct Fields<'t> {
    what: &'static str,
    left: Vec<(Word, Value<'t>)>,
    known: Vec<&'static str>,
}

impl<'t> Fields<'t> {
    /// `what` names the kind of table in errors: `a rule`.
    pub(super) fn new(what: &'static str, value: &Value<'t>, findings: &mut Findings) -> Option<Fields<'t>> {
        Some(Fields { what, left: value.entries(findings)?, known: Vec::new() })
    }

    pub(super) fn of(what: &'static str, left: Vec<(Word, Value<'t>)>) -> Fields<'t> {
        Fields { what, left, known: Vec::new() }
    }

    pub(super) fn take(&mut self, key: &'static str) -> Option<Value<'t>> {
        self.take_keyed(key).map(|(_, value)| value)
    }

    /// The value of a key, with the key's own place.
    pub(super) fn take_keyed(&mut self, key: &'static str) -> Option<(Word, Value<'t>)> {
        self.known.push(key);
        let at = self.left.iter().position(|(name, _)| &*name.text == key)?;
        Some(self.left.remove(at))
    }

    /// Whether every key was taken.
    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// Reports what no one took. Keys in `later` belong to the language but not to this version of it.
    pub(super) fn finish(self, later: &[&str], findings: &mut Findings) {
        for (key, _) in self.left {
            if later.contains(&&*key.text) {
                let message = format!("`{}` is not supported yet", key.text);
                findings.add(
                    Finding::new(message, &key.place, "would have to be ignored")
                        .help("nothing in a policy is ignored: take it out, and deny what it would have bounded"),
                );
            } else {
                let message = format!("unknown key `{}` in {}", key.text, self.what);
                let finding = Finding::new(message, &key.place, "not a key of this table");
                findings.add(with_suggestion(finding, &key.text, self.known.iter().copied()));
            }
        }
    }
}

/// A string of TOML on one line.
pub fn basic(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            _ if letter.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(letter));
            }
            _ => out.push(letter),
        }
    }
    out + "\""
}

/// `schema.table` as policies write it: a part with a dot, a quote or none at all in double quotes.
pub fn written(schema: &str, table: &str) -> String {
    let part = |name: &str| match name.contains(['.', '"']) || name.is_empty() {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_owned(),
    };
    format!("{}.{}", part(schema), part(table))
}

/// More names than these are not listed. Every table of the language has fewer keys.
const MOST_LISTED: usize = 24;

/// Adds `did you mean` if a known name is near, or else the names there are.
pub(super) fn with_suggestion<'n>(finding: Finding, name: &str, known: impl Iterator<Item = &'n str>) -> Finding {
    let known: Vec<&str> = known.collect();
    let near = known.iter().map(|candidate| (distance(name, candidate), *candidate)).min();
    match near {
        Some((steps, candidate)) if steps <= 1 + name.chars().count() / 4 => {
            finding.help(format!("did you mean `{candidate}`?"))
        }
        Some(_) if known.len() <= MOST_LISTED => finding.help(format!("there is {}", list(&known))),
        Some(_) | None => finding,
    }
}

/// Names as a list in words: `a`, `b` and `c`.
pub(super) fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

/// Levenshtein distance with neighbouring letters swapped counting as one step (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
