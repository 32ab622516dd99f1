//! One pass over a table: how many rows are past each of its ends, and for whom.

use crate::catalog::{Relation, quote_identifier};
use crate::policy::{Past, Retention, Test};
use tokio_postgres::{Client, Error};

/// Settings under which conditions mean the same wherever they are asked. A role that row security binds would count the rows that it
/// may see only: that fails instead.
pub(super) const SETTINGS: &str = "SET LOCAL search_path = pg_catalog; SET LOCAL TimeZone = 'UTC'; \
                                   SET LOCAL standard_conforming_strings = on; SET LOCAL row_security = off";

/// Stands where nothing can be counted; an aggregate like the others, so that one row comes back.
const NONE: &str = "min(NULL::int8)";

/// What was counted.
#[derive(Debug)]
pub(super) struct Counts {
    /// Rows that nobody keeps; `None` where someone keeps them without end.
    pub(super) due: Option<u64>,
    /// For each end its rows, and the whole days since the oldest of them where that can be told; `None` where it cannot be asked.
    pub(super) ends: Vec<Option<(u64, Option<i64>)>>,
    /// What each group of holders has lost.
    pub(super) holders: Vec<u64>,
    pub(super) parts: Vec<u64>,
}

/// Counts in a transaction that reads only. An error is told by its code: its text may quote a value.
pub(super) async fn count(
    client: &Client,
    relation: &Relation,
    retention: &Retention,
    timeout: u32,
) -> Result<Counts, String> {
    let outcome = read(client, relation, retention, timeout).await;
    let _ = client.batch_execute("ROLLBACK").await;
    outcome.map_err(|error| match error.code().map(|code| code.code()) {
        Some("57014" | "55P03") => "took too long".to_owned(),
        Some("42501") => "the role may not read it whole".to_owned(),
        Some(code) => format!("the server answered {code}"),
        None => "the connection failed".to_owned(),
    })
}

async fn read(client: &Client, relation: &Relation, retention: &Retention, timeout: u32) -> Result<Counts, Error> {
    client
        .batch_execute(&format!(
            "BEGIN READ ONLY; SET LOCAL statement_timeout = {timeout}; SET LOCAL lock_timeout = {timeout}; {SETTINGS}"
        ))
        .await?;
    let counted = |condition: &str| format!("count(*) FILTER (WHERE {condition})");
    let past = |past: &Past| counted(&retention.sql(past));
    let mut wanted = vec![retention.due.as_ref().map_or_else(|| NONE.to_owned(), past)];
    for end in &retention.ends {
        let Test::Sql(sql) = &end.test else {
            wanted.extend([NONE.to_owned(), NONE.to_owned()]);
            continue;
        };
        let come = format!("{sql} IS NOT TRUE");
        wanted.push(counted(&come));
        wanted.push(end.since.as_ref().map_or_else(
            || NONE.to_owned(),
            |since| {
                let since = quote_identifier(since);
                let oldest = format!("min({since}) FILTER (WHERE {come} AND isfinite({since}))");
                format!("floor(extract(epoch FROM statement_timestamp() - {oldest}) / 86400)::int8")
            },
        ));
    }
    wanted.extend(retention.holders.iter().map(|holders| match holders.ends.is_empty() {
        true => NONE.to_owned(),
        false => counted(&retention.any_of(&holders.ends)),
    }));
    wanted.extend(retention.parts.iter().map(|part| past(&part.past)));
    let row =
        client.query_one(&format!("SELECT {} FROM {}", wanted.join(", "), retention.named(relation)), &[]).await?;
    let mut numbers = Vec::with_capacity(wanted.len());
    for at in 0..wanted.len() {
        numbers.push(row.try_get::<_, Option<i64>>(at)?);
    }
    let mut numbers = numbers.into_iter();
    let mut next = || numbers.next().flatten();
    let rows = |number: Option<i64>| number.map(i64::unsigned_abs);
    let due = rows(next());
    let ends =
        retention.ends.iter().map(|_| (rows(next()), next())).map(|(count, days)| Some((count?, days))).collect();
    let holders = retention.holders.iter().map(|_| rows(next()).unwrap_or(0)).collect();
    let parts = retention.parts.iter().map(|_| rows(next()).unwrap_or(0)).collect();
    Ok(Counts { due, ends, holders, parts })
}
