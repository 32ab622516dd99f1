//! Parameters: the values by which a policy bounds rows, and who may give them.
//!
//! A condition names a parameter `$customer`. It is kept as `$1`, `$2` … in the order in which the policy declares them, and
//! becomes a constant of its declared type where the condition is put into a statement.

use super::document::Word;
use crate::catalog::quote_literal;
use crate::vocab::Oid;
use std::sync::Arc;

/// The longest value, in bytes: values are part of every plan's key.
const LONGEST: usize = 256;

/// A parameter of a policy, by its place among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParameterId(pub(super) u16);

impl ParameterId {
    /// How a condition numbers it: `$1` is the first.
    pub fn number(self) -> i32 {
        i32::from(self.0) + 1
    }
}

/// Who gives a parameter its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueSource {
    /// The policy, by role.
    Principal,
    /// The proxy's config, by the database's alias.
    Pin,
    /// The session itself, once.
    Session,
    /// The token by which the session was let in.
    Claim,
}

impl ValueSource {
    pub(super) const WORDS: [&'static str; 4] = ["principal", "pin", "session", "claim"];

    pub(super) fn named(word: &str) -> Option<ValueSource> {
        match word {
            "principal" => Some(ValueSource::Principal),
            "pin" => Some(ValueSource::Pin),
            "session" => Some(ValueSource::Session),
            "claim" => Some(ValueSource::Claim),
            _no_source => None,
        }
    }
}

/// What becomes of a statement that needs a parameter without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// It is refused.
    Refuses,
    /// The parameter is null: nothing is equal to it.
    IsNull,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParameterType {
    Int2,
    Int4,
    Int8,
    Text,
    Uuid,
}

impl ParameterType {
    pub(super) const WORDS: [&'static str; 5] = ["int2", "int4", "int8", "text", "uuid"];

    pub(super) fn named(word: &str) -> Option<ParameterType> {
        match word {
            "int2" => Some(ParameterType::Int2),
            "int4" => Some(ParameterType::Int4),
            "int8" => Some(ParameterType::Int8),
            "text" => Some(ParameterType::Text),
            "uuid" => Some(ParameterType::Uuid),
            _no_type => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            ParameterType::Int2 => "int2",
            ParameterType::Int4 => "int4",
            ParameterType::Int8 => "int8",
            ParameterType::Text => "text",
            ParameterType::Uuid => "uuid",
        }
    }

    /// The value in the one way of writing it that stands for all; `None` if it is none of the type.
    fn canonical(self, text: &str) -> Option<Arc<str>> {
        let number = |lowest: i64, highest: i64| {
            let plain = text.strip_prefix('-').unwrap_or(text);
            let digits = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse::<i64>().ok().filter(|_| digits)?;
            (lowest..=highest).contains(&number).then(|| Arc::from(number.to_string()))
        };
        match self {
            ParameterType::Int2 => number(i16::MIN.into(), i16::MAX.into()),
            ParameterType::Int4 => number(i32::MIN.into(), i32::MAX.into()),
            ParameterType::Int8 => number(i64::MIN, i64::MAX),
            ParameterType::Text => (text.len() <= LONGEST && !text.contains('\0')).then(|| text.into()),
            ParameterType::Uuid => {
                let shape = "00000000-0000-0000-0000-000000000000".bytes();
                let fits = text.len() == 36
                    && text.bytes().zip(shape).all(|(b, s)| if s == b'-' { b == b'-' } else { b.is_ascii_hexdigit() });
                fits.then(|| text.to_ascii_lowercase().into())
            }
        }
    }

    /// Whether a column of this type may be compared with it: the server has the operator, and it cannot fail.
    pub(super) fn compares_with(self, column: Oid) -> bool {
        match self {
            // int8, int2, int4
            ParameterType::Int2 | ParameterType::Int4 | ParameterType::Int8 => matches!(column, 20 | 21 | 23),
            // text, varchar
            ParameterType::Text => matches!(column, 25 | 1043),
            ParameterType::Uuid => column == 2950,
        }
    }

    fn constant(self, value: Option<&str>) -> String {
        let value = value.map_or_else(|| "NULL".to_owned(), quote_literal);
        format!("CAST({value} AS pg_catalog.{})", self.word())
    }
}

/// A parameter that a policy declares.
#[derive(Debug)]
pub struct Parameter {
    pub(super) name: Word,
    pub(super) kind: ParameterType,
    pub(super) source: ValueSource,
    pub(super) missing: Missing,
    /// The claim that has its value, where its source is one.
    pub(super) claim: Arc<str>,
}

impl Parameter {
    pub fn name(&self) -> &Arc<str> {
        &self.name.text
    }

    pub fn source(&self) -> ValueSource {
        self.source
    }

    pub fn missing(&self) -> Missing {
        self.missing
    }

    /// How a session comes by a value, as a hint says it.
    pub fn how(&self) -> String {
        let name = &self.name.text;
        match self.source {
            ValueSource::Principal => format!("The policy gives it by role: parameters.{name}."),
            ValueSource::Pin => format!("The proxy's config gives it by database alias: parameters.{name}."),
            ValueSource::Session => format!("Give it once, before anything else: SET wherefore.{name} = '…'."),
            ValueSource::Claim => format!("The token gives it that the session logs in by: claim \"{}\".", self.claim),
        }
    }

    /// The claim of the session's token that has its value; `None` where it comes from elsewhere.
    pub fn claim(&self) -> Option<&str> {
        (self.source == ValueSource::Claim).then_some(&self.claim)
    }

    /// The value as it is kept, or what it had to be.
    pub fn read(&self, text: &str) -> Result<Arc<str>, String> {
        self.kind.canonical(text).ok_or_else(|| match self.kind {
            ParameterType::Text => format!("a text of at most {LONGEST} bytes"),
            ParameterType::Int2 | ParameterType::Int4 | ParameterType::Int8 | ParameterType::Uuid => {
                format!("a value of type {}", self.kind.word())
            }
        })
    }
}

/// The values of a policy's parameters, by their place; what lies beyond the last has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Values(Vec<Option<Arc<str>>>);

impl Values {
    pub fn get(&self, parameter: ParameterId) -> Option<&Arc<str>> {
        self.0.get(usize::from(parameter.0))?.as_ref()
    }

    /// Sets a value that [`Parameter::read`] gave.
    pub fn set(&mut self, parameter: ParameterId, value: Arc<str>) {
        let at = usize::from(parameter.0);
        if self.0.len() <= at {
            self.0.resize(at + 1, None);
        }
        self.0[at] = Some(value);
    }

    /// These values, and those of `other` where there is none.
    pub fn or(&self, other: &Values) -> Values {
        let mut all = self.clone();
        for (at, value) in other.0.iter().enumerate() {
            let at = ParameterId(at as u16);
            if let (None, Some(value)) = (all.get(at), value) {
                all.set(at, Arc::clone(value));
            }
        }
        all
    }

    /// What they take in memory, in bytes.
    pub fn bytes(&self) -> usize {
        self.0.iter().flatten().map(|value| value.len() + 32).sum()
    }
}

/// The constant that stands for the parameter of this number (from 1) in what is sent.
pub(super) fn constant(parameters: &[Parameter], values: &Values, number: i32) -> Option<String> {
    let at = u16::try_from(number).ok()?.checked_sub(1)?;
    let parameter = parameters.get(usize::from(at))?;
    Some(parameter.kind.constant(values.get(ParameterId(at)).map(|value| &**value)))
}

/// A condition with `$1`, `$2` … for the parameters that it names.
pub(super) fn numbered(sql: &str, parameters: &[Parameter]) -> Result<String, String> {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => quoted(rest, first, out.ends_with(['e', 'E'])),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '$' => {
                let name = rest[1..].split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
                let at = parameters.iter().position(|known| *known.name.text == *name);
                match at {
                    _a_quote if rest[1 + name.len()..].starts_with('$') => {
                        return Err("a text between dollar signs may not stand in a condition".to_owned());
                    }
                    Some(at) => out.push_str(&format!("${}", at + 1)),
                    None if parameters.is_empty() => {
                        return Err(format!("`${name}` is no parameter: the policy declares none"));
                    }
                    None => {
                        let known: Vec<String> =
                            parameters.iter().map(|known| format!("`${}`", known.name.text)).collect();
                        return Err(format!("`${name}` is no parameter; there is {}", known.join(", ")));
                    }
                }
                rest = &rest[1 + name.len()..];
                continue;
            }
            other => other.len_utf8(),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    Ok(out)
}

/// How long a quoted text or name is, its quotes among it. Whether a backslash escapes does not change what is sent: the
/// grammar reads what comes of this again.
fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == '\\' && escapes && quote == '\'' {
            chars.next();
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}
