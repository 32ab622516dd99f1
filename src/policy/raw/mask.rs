//! Masks as a rule writes them.

use crate::policy::document::{Fields, Shape, Value, Word, list, with_suggestion};
use crate::policy::mask::{DateUnit, Keys, Mask, Pseudonym};
use crate::policy::report::{Finding, Findings};
use std::sync::Arc;

/// The keys of a mask, each with an example of its value.
const KEYS: [(&str, &str); 8] = [
    ("constant", "\"(hidden)\""),
    ("partial", "{ keep_last = 4 }"),
    ("postal_code", "3"),
    ("date", "\"month\""),
    ("number", "10"),
    ("inet", "24"),
    ("jsonb", "{ keep = [\"key\"] }"),
    ("pseudonym", "\"key\""),
];

/// The most characters that a partial mask shows at one end.
const MOST_SHOWN: u32 = 16;

/// The most keys of an object that a mask names.
const MOST_KEYS: usize = 50;

/// The key of pseudonyms where a rule names none.
const DEFAULT_KEY: &str = "default";

/// Reads the value of `mask`.
pub(super) fn read(value: &Value<'_>, findings: &mut Findings) -> Option<Mask> {
    match value.shape() {
        Shape::Word(word) => match &*word.text {
            "null" => Some(Mask::Null),
            "pseudonym" => Some(pseudonym(DEFAULT_KEY.into())),
            other => {
                let finding = Finding::new(format!("unknown mask `{other}`"), &word.place, "not a mask");
                findings.add(match other {
                    // Anyone finds the e-mail behind a hash by hashing e-mails.
                    "hash" => finding.help("`pseudonym` is a hash with a key; one without is undone by trying"),
                    _unknown => {
                        with_suggestion(finding, other, ["null", "pseudonym", "{ constant = \"…\" }"].into_iter())
                    }
                });
                None
            }
        },
        Shape::Table => table(value, findings),
        Shape::Other => {
            findings.add(Finding::new("a mask is a string or a table", &value.place, "neither of the two"));
            None
        }
    }
}

fn table(value: &Value<'_>, findings: &mut Findings) -> Option<Mask> {
    let mut fields = Fields::new("a mask", value, findings)?;
    let given: Vec<(Word, Value<'_>)> = KEYS.iter().filter_map(|(key, _)| fields.take_keyed(key)).collect();
    let unknown = !fields.is_empty();
    fields.finish(&[], findings);
    let (key, value) = match given.as_slice() {
        [one] => one,
        [] => {
            if !unknown {
                let examples: Vec<String> =
                    KEYS.iter().map(|(key, example)| format!("{{ {key} = {example} }}")).collect();
                let examples: Vec<&str> = examples.iter().map(String::as_str).collect();
                let finding = Finding::new("the mask is empty", &value.place, "for example \"null\"");
                findings.add(finding.help(format!("there is {}", list(&examples))));
            }
            return None;
        }
        [_, (second, _), ..] => {
            findings.add(Finding::new("a mask has one key", &second.place, "a second one"));
            return None;
        }
    };
    match &*key.text {
        "constant" => value.word(findings).map(|word| Mask::Constant(word.text)),
        "partial" => partial(value, findings),
        "postal_code" => small(value, 1, 10, findings).map(Mask::PostalCode),
        "date" => value.word(findings).and_then(|word| date(&word, findings)),
        "number" => number(value, findings),
        "inet" => small(value, 0, 32, findings).map(Mask::Inet),
        "pseudonym" => value.word(findings).and_then(|word| key_of_pseudonyms(&word, findings)),
        _jsonb => jsonb(value, findings),
    }
}

fn small<N: TryFrom<u32>>(value: &Value<'_>, least: u32, most: u32, findings: &mut Findings) -> Option<N> {
    value.number(least, most, findings).and_then(|number| N::try_from(number).ok())
}

fn pseudonym(key: Arc<str>) -> Mask {
    Mask::Pseudonym(Pseudonym { key, purpose: "".into() })
}

/// The name of a key, which stands in the text of statements.
fn key_of_pseudonyms(word: &Word, findings: &mut Findings) -> Option<Mask> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if word.text.is_empty() || word.text.len() > 63 || !word.text.bytes().all(letter) {
        let label =
            "letters, digits, `_`, `-` and `.`: it is the key's name in the table wherefore.keys, never the key";
        findings.add(Finding::new("not a name of a key", &word.place, label));
        return None;
    }
    Some(pseudonym(Arc::clone(&word.text)))
}

fn partial(value: &Value<'_>, findings: &mut Findings) -> Option<Mask> {
    let mut fields = Fields::new("a partial mask", value, findings)?;
    let mut end = |key| fields.take(key).map_or(Some(0), |value| small(&value, 0, MOST_SHOWN, findings));
    let (first, last) = (end("keep_first"), end("keep_last"));
    fields.finish(&[], findings);
    let (first, last) = (first?, last?);
    if first == 0 && last == 0 {
        let label = "`keep_first`, `keep_last`, or both";
        findings.add(Finding::new("a partial mask that keeps nothing", &value.place, label).help("`null` hides all"));
        return None;
    }
    Some(Mask::Partial { first, last })
}

fn date(word: &Word, findings: &mut Findings) -> Option<Mask> {
    let unit = DateUnit::ALL.into_iter().find(|unit| unit.word() == &*word.text);
    if unit.is_none() {
        let finding = Finding::new(format!("unknown unit `{}`", word.text), &word.place, "what is the date cut to?");
        findings.add(with_suggestion(finding, &word.text, DateUnit::ALL.iter().map(|unit| unit.word())));
    }
    unit.map(Mask::Date)
}

/// A whole number, or a decimal in a string: TOML's own are binary.
fn number(value: &Value<'_>, findings: &mut Findings) -> Option<Mask> {
    let Shape::Word(word) = value.shape() else {
        return value.number(2, u32::MAX, findings).map(|step| Mask::Number(step.to_string().into()));
    };
    let digits = |part: &str| !part.is_empty() && part.len() <= 15 && part.bytes().all(|byte| byte.is_ascii_digit());
    let decimal = word.text.split_once('.').is_some_and(|(whole, fraction)| digits(whole) && digits(fraction));
    if !(decimal && word.text.bytes().any(|byte| matches!(byte, b'1'..=b'9'))) {
        let finding = Finding::new("not a step", &word.place, "a whole number, or a decimal such as \"0.25\"");
        findings.add(finding);
        return None;
    }
    Some(Mask::Number(word.text))
}

fn jsonb(value: &Value<'_>, findings: &mut Findings) -> Option<Mask> {
    let mut fields = Fields::new("a mask of keys", value, findings)?;
    let given: Vec<(Keys, Value<'_>)> =
        Keys::ALL.into_iter().filter_map(|what| Some((what, fields.take(what.word())?))).collect();
    fields.finish(&[], findings);
    let [(what, listed)] = given.as_slice() else {
        let finding = Finding::new("a mask of keys says one thing of them", &value.place, "one of the three");
        findings.add(finding.help(format!("there is {}", list(&Keys::ALL.map(Keys::word)))));
        return None;
    };
    let keys = listed.words(findings)?;
    if keys.len() > MOST_KEYS {
        findings.add(Finding::new(format!("more than {MOST_KEYS} keys"), &listed.place, "too many"));
        return None;
    }
    Some(Mask::Jsonb(*what, keys.into_iter().map(|key| key.text).collect()))
}
