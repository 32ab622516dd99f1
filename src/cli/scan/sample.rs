//! Values of columns, looked at and forgotten: only how many look like what is kept.

use super::guess::class;
use super::kind::{Class, Kind};
use crate::catalog::{Relation, RelationKind};
use tokio_postgres::{Client, Error};

/// How many characters of a value are read.
const CHARACTERS: usize = 256;
/// A table with more rows than this many times the sample is sampled in places all over.
const SPREAD: f64 = 20.0;

/// How many values of a column were sampled, and how many of them look like each kind.
#[derive(Debug, Default, Clone)]
pub(super) struct Sampled {
    /// Without nulls and empty texts.
    pub(super) values: usize,
    counts: Vec<(Kind, usize)>,
}

impl Sampled {
    pub(super) fn count(&self, kind: Kind) -> usize {
        self.counts.iter().find(|(known, _)| *known == kind).map_or(0, |(_, count)| *count)
    }

    pub(super) fn add(&mut self, value: &str) {
        if value.trim().is_empty() {
            return;
        }
        self.values += 1;
        for kind in Kind::LOOKS.into_iter().filter(|kind| kind.fits(value)) {
            match self.counts.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += 1,
                None => self.counts.push((kind, 1)),
            }
        }
    }
}

/// Bounds on what is asked of the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Rows of each table.
    pub(super) rows: u32,
    /// How long a table may take, in milliseconds.
    pub(super) timeout: u32,
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Samples a table's columns, in a transaction that reads only. `None` for a column that is not looked at. An error is told
/// by its code: its text may quote a value.
pub(super) async fn sample(
    client: &Client,
    relation: &Relation,
    bounds: Bounds,
) -> Result<Vec<Option<Sampled>>, String> {
    let outcome = read(client, relation, bounds).await;
    let _ = client.batch_execute("ROLLBACK").await;
    outcome.map_err(|error| match error.code() {
        Some(code) if code.code() == "57014" => "took too long".to_owned(),
        Some(code) => format!("the server answered {}", code.code()),
        None => "the connection failed".to_owned(),
    })
}

async fn read(
    client: &Client,
    relation: &Relation,
    Bounds { rows, timeout }: Bounds,
) -> Result<Vec<Option<Sampled>>, Error> {
    let looked_at = |relation: &Relation| match relation.kind {
        RelationKind::Table | RelationKind::PartitionedTable | RelationKind::MaterializedView => true,
        RelationKind::View | RelationKind::ForeignTable | RelationKind::Sequence => false,
    };
    let mut sampled: Vec<Option<Sampled>> = vec![None; relation.columns.len()];
    let columns: Vec<usize> =
        (0..relation.columns.len()).filter(|at| class(&relation.columns[*at]) != Class::Binary).collect();
    if rows == 0 || columns.is_empty() || !looked_at(relation) {
        return Ok(sampled);
    }
    client
        .batch_execute(&format!(
            "BEGIN READ ONLY; SET LOCAL search_path = pg_catalog; SET LOCAL statement_timeout = {timeout};
             SET LOCAL lock_timeout = {timeout}; SET LOCAL datestyle = ISO"
        ))
        .await?;
    let guessed: f32 =
        client.query_one("SELECT reltuples FROM pg_class WHERE oid = $1", &[&relation.oid]).await?.try_get(0)?;
    let texts: Vec<String> = columns
        .iter()
        .map(|at| format!("pg_catalog.left({}::pg_catalog.text, {CHARACTERS})", quoted(&relation.columns[*at].name)))
        .collect();
    let from = format!("SELECT {} FROM {}.{}", texts.join(", "), quoted(&relation.schema), quoted(&relation.name));
    let mut found = Vec::new();
    let wanted = f64::from(rows);
    if f64::from(guessed) > wanted * SPREAD && relation.kind == RelationKind::Table {
        let part = (wanted * SPREAD / f64::from(guessed) * 100.0).clamp(0.0001, 100.0);
        found = client.query(&format!("{from} TABLESAMPLE SYSTEM ({part:.6}) LIMIT {rows}"), &[]).await?;
    }
    if found.len() < rows as usize / 4 {
        found = client.query(&format!("{from} LIMIT {rows}"), &[]).await?;
    }
    for (place, at) in columns.iter().enumerate() {
        let mut of_column = Sampled::default();
        for row in &found {
            if let Some(value) = row.try_get::<_, Option<&str>>(place)? {
                of_column.add(value);
            }
        }
        sampled[*at] = Some(of_column);
    }
    Ok(sampled)
}
