//! Which records are meant.

use super::Failure;
use crate::audit::{Line, lines_of};
use serde_json::Value;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct Pick {
    /// The trail's files, rotated ones included, oldest first
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// A clause that the decision rests on
    #[arg(long, value_name = "ID")]
    pub clause: Option<String>,
    /// The purpose in force, or one above it
    #[arg(long, value_name = "NAME")]
    pub purpose: Option<String>,
    /// A category of a column that the statement uses, or one above it
    #[arg(long, value_name = "NAME")]
    pub category: Option<String>,
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[arg(long, value_name = "NAME")]
    recipient: Option<String>,
    /// From this moment on, in UTC: 2026-01-31 or 2026-01-31T12:00:00
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<i64>,
    /// Up to this moment
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<i64>,
}

impl Pick {
    /// Every record in the span of time.
    pub fn each(&self, mut each: impl FnMut(&Line, &[u8])) -> Result<(), Failure> {
        for file in &self.files {
            let (mut number, mut wrong) = (0, None);
            lines_of(file, |bytes, _| {
                number += 1;
                match Line::parse(&bytes) {
                    Ok(line) => {
                        let time = line.number("/time").unwrap_or_default();
                        if self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until) {
                            each(&line, &bytes);
                        }
                    }
                    Err(error) => {
                        wrong.get_or_insert((number, error));
                    }
                }
            })
            .map_err(|source| Failure::file(file, source))?;
            // What a crash has cut off is no record; whether that is what it is, `verify` says.
            if let Some((line, error)) = wrong {
                eprintln!("{}", Failure::Line { path: file.display().to_string(), line, error });
            }
        }
        Ok(())
    }

    /// Whether a record is of this user, recipient and purpose.
    pub fn is_by(&self, line: &Line) -> bool {
        let is = |wanted: &Option<String>, path: &str| {
            wanted.as_ref().is_none_or(|wanted| line.text(path) == Some(wanted.as_str()))
        };
        is(&self.user, "/actor/user/name")
            && is(&self.recipient, "/unmapped/recipient")
            && self.purpose.as_ref().is_none_or(|wanted| purposes(line).any(|purpose| purpose == wanted))
    }

    /// Whether it uses the category and rests on the clause, too.
    pub fn is_of(&self, line: &Line) -> bool {
        let clause = |wanted: &String| parts(line).any(|part| part["clause"].as_str() == Some(wanted));
        let category = |wanted: &String| parts(line).any(|part| lineage(part).any(|known| known == wanted));
        self.is_by(line) && self.clause.as_ref().is_none_or(clause) && self.category.as_ref().is_none_or(category)
    }
}

/// The purpose in force and those above it.
pub fn purposes(line: &Line) -> impl Iterator<Item = &str> {
    let above = line.value.pointer("/unmapped/purposes_above").and_then(Value::as_array);
    line.text("/unmapped/purpose").into_iter().chain(above.into_iter().flatten().filter_map(Value::as_str))
}

pub fn categories(part: &Value) -> impl Iterator<Item = &str> {
    part["categories"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Its categories and those above them.
pub fn lineage(part: &Value) -> impl Iterator<Item = &str> {
    let above = part["categories_above"].as_array().into_iter().flatten().filter_map(Value::as_str);
    categories(part).chain(above)
}

fn array<'l>(value: &'l Value, path: &str) -> impl Iterator<Item = &'l Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

/// The columns that a statement uses.
pub fn columns(line: &Line) -> impl Iterator<Item = &Value> {
    array(&line.value, "/unmapped/relations").flat_map(|relation| array(relation, "/columns"))
}

/// The columns that its refusal names.
pub fn closed(line: &Line) -> impl Iterator<Item = &Value> {
    array(&line.value, "/unmapped/closed")
}

/// Everything that may name a clause: columns, conditions, what is closed.
fn parts(line: &Line) -> impl Iterator<Item = &Value> {
    let conditions = array(&line.value, "/unmapped/relations").flat_map(|relation| array(relation, "/conditions"));
    columns(line).chain(conditions).chain(closed(line))
}

/// A moment in UTC, in milliseconds since 1970.
fn moment(text: &str) -> Result<i64, String> {
    let wrong = || "a moment is written as 2026-01-31 or 2026-01-31T12:00:00".to_owned();
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let numbers = |text: &str, by: char| -> Option<Vec<i64>> { text.split(by).map(|part| part.parse().ok()).collect() };
    let (date, time) = numbers(date, '-').zip(numbers(time, ':')).ok_or_else(wrong)?;
    let (&[year, month, day], &[hour, minute, second]) = (&date[..], &time[..]) else { return Err(wrong()) };
    let fits = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !fits || !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..61).contains(&second) {
        return Err(wrong());
    }
    // A date to days: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Ok((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000)
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("2000-02-29T00:00:00Z", Some(951_782_400_000)),
            ("2025-12-31 23:59:59", Some(1_767_225_599_000)),
            ("2025-13-01", None),
            ("yesterday", None),
        ] {
            assert_eq!(moment(text).ok(), expected, "{text}");
        }
    }
}
