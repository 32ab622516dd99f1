//! The policy's SQL, tried on the server before anything relies on it: row conditions and masking constants.

use crate::catalog::{quote_literal, quote_qualified};
use crate::policy::{Bound, Effect, Mask};
use std::collections::BTreeSet;
use tokio_postgres::Client;

/// What the server said against the policy's SQL; empty if nothing. An error means that the server could not be asked.
pub(super) async fn probe(client: &Client, bound: &Bound) -> Result<Vec<String>, tokio_postgres::Error> {
    let mut failures = Vec::new();
    for text in statements(bound) {
        if let Err(error) = client.prepare(&text).await {
            match error.as_db_error() {
                Some(report) => failures.push(format!("{}: {}", text, report.message())),
                None => return Err(error),
            }
        }
    }
    Ok(failures)
}

/// One statement for each condition on a relation and each constant for a type.
fn statements(bound: &Bound) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for relation in bound.catalog().relations() {
        for purpose in bound.policy().purposes().map(Some).chain([None]) {
            let ruling = bound.ruling(purpose, relation);
            for condition in &ruling.rows {
                let from = quote_qualified(&relation.schema, &relation.name);
                texts.insert(format!("SELECT ({})::bool FROM {from} LIMIT 0", condition.sql));
            }
            for (ruled, column) in ruling.columns.iter().zip(&relation.columns) {
                if let Effect::Mask(Mask::Constant(constant)) = &ruled.effect {
                    texts.insert(format!("SELECT CAST({} AS {})", quote_literal(constant), column.type_sql));
                }
            }
        }
    }
    texts
}
