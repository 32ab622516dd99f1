//! What is past, table by table: as text and as JSON.

use super::Counted;
use crate::catalog::quote_qualified;
use crate::cli::term::{Paint, Tone, count, wrap};
use crate::policy::{Bound, End, Reader, Rows, Test};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The width of lists of purposes.
const WIDTH: usize = 96;

/// `1 row`, `2 rows`.
pub(super) fn rows(number: u64) -> String {
    format!("{number} row{}", if number == 1 { "" } else { "s" })
}

fn name(table: &Counted<'_>) -> String {
    let name = quote_qualified(&table.relation.schema, &table.relation.name);
    match table.retention.extent {
        Rows::WithChildren => name,
        Rows::Own => format!("only {name}"),
    }
}

/// That a table was not counted, and why.
pub(super) fn not_counted(table: &Counted<'_>, paint: Paint) -> String {
    let why = table.counts.as_ref().err().map_or("", String::as_str);
    format!("{} {}: {why}", paint.tone(Tone::Bad, "not counted:"), name(table))
}

/// Readers in a few words: a purpose, and for whom.
fn readers(bound: &Bound, readers: &[Reader]) -> Vec<String> {
    let policy = bound.policy();
    let words = |reader: &Reader| match reader.recipient {
        None => policy.purpose_name(reader.purpose).to_string(),
        Some(recipient) => {
            format!("{} for {}", policy.purpose_name(reader.purpose), policy.recipient_name(recipient))
        }
    };
    readers.iter().map(words).collect()
}

/// Who asks for an end: rule and clause.
fn asked(end: &End) -> String {
    let words = end.asked.iter().map(|(rule, clause)| match clause {
        Some(clause) => format!("{rule} ({})", clause.id),
        None => rule.to_string(),
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { "no rule asks for it".to_owned() } else { words.join(", ") }
}

pub(super) fn text(bound: &Bound, counted: &[Counted<'_>], paint: Paint) -> String {
    let mut out = String::new();
    for table in counted {
        one(&mut out, bound, table, paint);
    }
    let tables = counted.iter().filter(|table| table.due() > 0).count();
    let untold = counted.iter().filter(|table| table.counts.is_err()).count();
    let untold = if untold > 0 { format!("; {} not counted", count(untold, "table")) } else { String::new() };
    let summary = match tables {
        0 => format!("nothing is due for deletion in {}{untold}", count(counted.len(), "table")),
        _ => {
            let all = rows(counted.iter().map(Counted::due).sum());
            format!("{all} due for deletion in {tables} of {}{untold}", count(counted.len(), "table"))
        }
    };
    let tone = if tables == 0 && untold.is_empty() { Tone::Good } else { Tone::Bad };
    let _ = writeln!(out, "{}", paint.tone(tone, &summary));
    out
}

fn one(out: &mut String, bound: &Bound, table: &Counted<'_>, paint: Paint) {
    let Ok(counts) = &table.counts else { return };
    let retention = &table.retention;
    let (tone, due) = match counts.due {
        None => (Tone::Faint, "someone keeps its rows without end".to_owned()),
        Some(0) => (Tone::Good, "nothing is due".to_owned()),
        Some(due) => (Tone::Bad, format!("{} due for deletion", rows(due))),
    };
    let _ = writeln!(out, "{}: {}", paint.tone(Tone::Strong, &name(table)), paint.tone(tone, &due));
    let list = |out: &mut String, label: &str, words: &[String]| {
        let indent = " ".repeat(label.chars().count() + 2);
        let _ = writeln!(out, "  {label}{}", wrap(&indent, WIDTH, &words.join(", ")));
    };
    for (end, counted) in retention.ends.iter().zip(&counts.ends) {
        let found = match (&end.test, counted) {
            (Test::Sql(_), Some((number, Some(days)))) if *number > 0 => {
                format!("{}, the oldest of {} ago", rows(*number), count(usize::try_from(*days).unwrap_or(0), "day"))
            }
            (Test::Sql(_), Some((number, _))) => rows(*number),
            (Test::Needs(parameters), _) => format!("not counted: it needs {}", parameters.join(", ")),
            (Test::Unusable, _) | (Test::Sql(_), None) => {
                "not counted: it does not fit the table (`wherefore check` says why)".to_owned()
            }
        };
        let _ = writeln!(out, "  {:<28} {found}; {}", end.name, asked(end));
    }
    for (holders, lost) in retention.holders.iter().zip(&counts.holders) {
        let label = match holders.ends.is_empty() {
            true => "kept without end for ".to_owned(),
            false => format!("{} gone for ", rows(*lost)),
        };
        list(out, &label, &readers(bound, &holders.readers));
    }
    for (part, past) in retention.parts.iter().zip(&counts.parts) {
        let words: Vec<String> = part.categories.iter().map(ToString::to_string).collect();
        list(out, &format!("{} in which nobody keeps ", rows(*past)), &words);
    }
    if !retention.left_out.is_empty() {
        list(out, "left out, keep nothing: ", &readers(bound, &retention.left_out));
    }
    out.push('\n');
}

pub(super) fn json(bound: &Bound, counted: &[Counted<'_>]) -> String {
    let tables: Vec<Value> = counted.iter().map(|table| of_table(bound, table)).collect();
    let due: u64 = counted.iter().map(Counted::due).sum();
    let whole = json!({ "database": bound.catalog().database(), "due": due, "tables": tables });
    serde_json::to_string_pretty(&whole).unwrap_or_default() + "\n"
}

fn of_table(bound: &Bound, table: &Counted<'_>) -> Value {
    let Counted { relation, retention, counts } = table;
    let (schema, name) = (&*relation.schema, &*relation.name);
    let with_children = retention.extent == Rows::WithChildren;
    let counts = match counts {
        Ok(counts) => counts,
        Err(why) => {
            return json!({ "schema": schema, "table": name, "with_children": with_children, "not_counted": why });
        }
    };
    let ends = retention.ends.iter().zip(&counts.ends).map(|(end, counted)| {
        let asked = end
            .asked
            .iter()
            .map(|(rule, clause)| json!({ "rule": &**rule, "clause": clause.as_ref().map(|clause| &*clause.id) }));
        let needs: &[std::sync::Arc<str>] = match &end.test {
            Test::Needs(parameters) => parameters,
            Test::Sql(_) | Test::Unusable => &[],
        };
        json!({
            "condition": &*end.name,
            "rows": counted.map(|(rows, _)| rows),
            "oldest_days": counted.and_then(|(_, days)| days),
            "needs": needs.iter().map(|name| &**name).collect::<Vec<_>>(),
            "fits": end.test != Test::Unusable,
            "asked_by": asked.collect::<Vec<_>>(),
        })
    });
    let holders = retention.holders.iter().zip(&counts.holders).map(|(holders, lost)| {
        let ends: Vec<&str> = holders.ends.iter().map(|end| &*retention.ends[*end].name).collect();
        json!({ "readers": readers(bound, &holders.readers), "conditions": ends, "rows": lost })
    });
    let parts = retention.parts.iter().zip(&counts.parts).map(|(part, past)| {
        json!({ "categories": part.categories.iter().map(|category| &**category).collect::<Vec<_>>(), "rows": past })
    });
    json!({
        "schema": schema,
        "table": name,
        "with_children": with_children,
        "due": counts.due,
        "conditions": ends.collect::<Vec<_>>(),
        "holders": holders.collect::<Vec<_>>(),
        "parts": parts.collect::<Vec<_>>(),
        "left_out": readers(bound, &retention.left_out),
    })
}
