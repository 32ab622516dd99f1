//! Loads the schema of the Botpress pack and the sample data, showing how far it is.

use super::Failure;
use crate::cli::term::{Paint, Tone};
use std::io::Write;
use std::time::Instant;
use tokio_postgres::Client;

const SAMPLE: &str = include_str!("sample.sql");
/// What a section of the sample begins with.
const MARK: &str = "--@ ";

/// A part of the sample: what it makes, and how many rows it must make.
#[derive(Debug, PartialEq, Eq)]
struct Section<'s> {
    rows: u64,
    what: &'s str,
    sql: &'s str,
}

/// The sections of the sample in order.
fn sections(sample: &str) -> Vec<Section<'_>> {
    let section = |text| -> Option<Section<'_>> {
        let (head, sql) = str::split_once(text, '\n')?;
        let (rows, what) = head.split_once(' ')?;
        Some(Section { rows: rows.parse().ok()?, what: what.trim(), sql })
    };
    sample.split(MARK).skip(1).filter_map(section).collect()
}

/// Loads everything over a superuser's connection to an empty database.
pub(super) async fn load(client: &Client, schema: &str, paint: Paint) -> Result<(), Failure> {
    let started = Instant::now();
    progress(paint, "tables");
    client.batch_execute(schema).await.map_err(|error| Failure::sample("the schema", &error))?;
    let mut total = 0;
    for section in sections(SAMPLE) {
        let Section { rows, what, sql } = section;
        let shown = if rows > 0 { format!("{rows} {}", what.replace('_', " ")) } else { what.to_owned() };
        progress(paint, &shown);
        client.batch_execute(sql).await.map_err(|error| Failure::sample(what, &error))?;
        if rows > 0 {
            let count = format!("SELECT count(*) FROM public.{what}");
            let row = client.query_one(&count, &[]).await.map_err(|error| Failure::sample(what, &error))?;
            let found: i64 = row.get(0);
            if found.unsigned_abs() != rows {
                return Err(Failure::Sample { what: what.to_owned(), why: format!("{found} rows instead of {rows}") });
            }
        }
        total += rows;
    }
    clear(paint);
    let seconds = started.elapsed().as_secs_f32();
    println!("{} {total} rows in 12 tables ({seconds:.1} s)", paint.tone(Tone::Good, "loaded"));
    Ok(())
}

/// Says what is being loaded: on a terminal over the line before, else one line for each.
fn progress(paint: Paint, what: &str) {
    match paint {
        Paint::Ansi => print!("\r\x1b[Kloading {what} …"),
        Paint::Plain => println!("loading {what}"),
    }
    let _ = std::io::stdout().flush();
}

/// Takes the line of progress away.
fn clear(paint: Paint) {
    if paint == Paint::Ansi {
        print!("\r\x1b[K");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_has_every_table_once() {
        let sections = sections(SAMPLE);
        let tables: Vec<&str> =
            sections.iter().filter(|section| section.rows > 0).map(|section| section.what).collect();
        assert_eq!(tables.len(), 12, "{tables:?}");
        assert!(sections.iter().all(|section| !section.sql.trim().is_empty()));
        assert!(!SAMPLE.contains("random()"), "the sample is the same every time");
    }
}
