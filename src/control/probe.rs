//! The policy's SQL, tried on the server before anything relies on it: row conditions and masks.

use crate::catalog::quote_qualified;
use crate::policy::{Bound, Effect, OWN, Values};
use std::collections::BTreeSet;
use tokio_postgres::Client;

/// What the server said against the policy's SQL; empty if nothing. An error means that the server could not be asked.
pub(super) async fn probe(client: &Client, bound: &Bound) -> Result<Vec<String>, tokio_postgres::Error> {
    let mut failures = Vec::new();
    for text in statements(bound) {
        match client.prepare(&text.sql).await {
            Ok(prepared) => {
                let found = prepared.columns().first().map(|column| column.type_().oid());
                if text.boolean && found != Some(BOOL) {
                    failures.push(format!("{}: the condition is not boolean", text.sql));
                }
            }
            Err(error) => match error.as_db_error() {
                Some(report) => failures.push(format!("{}: {}", text.sql, report.message())),
                None => return Err(error),
            },
        }
    }
    Ok(failures)
}

/// `pg_type.oid` of `boolean`.
const BOOL: u32 = 16;

/// A statement to try.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Trial {
    sql: String,
    /// Whether its only column must be boolean.
    boolean: bool,
}

/// One statement for each condition on a relation and each mask for a type.
fn statements(bound: &Bound) -> BTreeSet<Trial> {
    let mut texts = BTreeSet::new();
    for relation in bound.catalog().relations() {
        for reader in bound.policy().readers().iter().copied().map(Some).chain([None]) {
            let ruling = bound.ruling(reader, relation);
            for condition in &ruling.rows {
                let from = quote_qualified(&relation.schema, &relation.name);
                let sql =
                    format!("SELECT ({}) FROM {from} AS \"{OWN}\" LIMIT 0", without_values(bound, &condition.sql));
                texts.insert(Trial { sql, boolean: true });
            }
            for (ruled, column) in ruling.columns.iter().zip(&relation.columns) {
                let Effect::Mask(mask) = &ruled.effect else { continue };
                let null = format!("CAST(NULL AS {})", column.type_sql);
                let sql = format!("SELECT {}", mask.sql(&null, column));
                texts.insert(Trial { sql, boolean: false });
            }
        }
    }
    texts
}

/// A condition whose parameters are null.
fn without_values(bound: &Bound, sql: &str) -> String {
    let mut sql = sql.to_owned();
    // The last first: `$1` is the beginning of `$12`.
    for number in (1..=bound.policy().parameters().count()).rev() {
        let constant =
            i32::try_from(number).ok().and_then(|number| bound.policy().constant(&Values::default(), number));
        sql = sql.replace(&format!("${number}"), &constant.unwrap_or_default());
    }
    sql
}
