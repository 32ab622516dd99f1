//! tokio-postgres: simple, prepared, pipelined, transactions, cancel.

use crate::Ways;
use crate::common::At;
use tokio_postgres::error::DbError;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, NoTls, Row, SimpleQueryMessage};

/// What of an error is the same whoever reports it, or what of it is not the server's.
fn error(error: &Error) -> String {
    let fields = |report: &DbError| format!("{:?} {} {:?}", report.code(), report.message(), report.position());
    error.as_db_error().map_or_else(|| error.to_string(), fields)
}

/// The columns and raw values of rows.
fn rows(rows: Result<Vec<Row>, Error>) -> String {
    let rows = match rows {
        Ok(rows) => rows,
        Err(failed) => return error(&failed),
    };
    let row = |row: &Row| {
        let columns: Vec<_> = row.columns().iter().map(|column| (column.name(), column.type_().name())).collect();
        format!(
            "{columns:?} {row:?} {:?}",
            (0..row.len()).map(|at| row.try_get::<_, Option<Raw>>(at)).collect::<Vec<_>>()
        )
    };
    rows.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// Any value as its bytes.
#[derive(Debug)]
#[allow(dead_code, reason = "shown by Debug")]
struct Raw(Vec<u8>);

impl<'a> tokio_postgres::types::FromSql<'a> for Raw {
    fn from_sql(
        _: &tokio_postgres::types::Type,
        bytes: &'a [u8],
    ) -> Result<Raw, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Raw(bytes.to_vec()))
    }

    fn accepts(_: &tokio_postgres::types::Type) -> bool {
        true
    }
}

fn simple(answer: Result<Vec<SimpleQueryMessage>, Error>) -> String {
    answer.map_or_else(|failed| error(&failed), |messages| format!("{messages:?}"))
}

/// What a session shows of itself in every form.
async fn session(client: &Client) -> Vec<String> {
    let mut seen = Vec::new();
    for sql in ["SELECT * FROM things ORDER BY id", "SELECT 1; SELECT 'two'", "SELECT nope FROM things", "SELECT 4"] {
        seen.push(simple(client.simple_query(sql).await));
    }
    let key = "SELECT id, name, amount::text, made_at FROM things WHERE id = $1";
    let statement = client.prepare(key).await.expect("preparing");
    seen.push(format!("{:?} {:?}", statement.params(), statement.columns()));
    for id in [1i32, 5, 99] {
        seen.push(rows(client.query(&statement, &[&id]).await));
        seen.push(rows(client.query(key, &[&id as &(dyn ToSql + Sync)]).await));
    }
    // Polled together, these are sent without waiting for each other.
    let (a, b, c, d) = tokio::join!(
        client.query("SELECT count(*) FROM notes", &[]),
        client.query("SELECT name::int FROM things", &[]),
        client.query("SELECT body FROM notes WHERE id = 7", &[]),
        client.query(&statement, &[&2i32]),
    );
    seen.extend([a, b, c, d].map(rows));
    seen
}

#[tokio::test]
async fn every_form_answers_the_same() {
    let ways = Ways::get();
    let direct = session(&ways.direct("tester", "service_operation").tokio().await).await;
    let proxied = session(&ways.proxied("tester", "service_operation").tokio().await).await;
    assert_eq!(direct, proxied);
}

/// The outcome of each statement of a transaction in which one fails.
async fn broken(at: At<'_>, bad: &str) -> Vec<String> {
    let client = at.tokio().await;
    let mut seen = Vec::new();
    for sql in ["BEGIN", "SELECT 1", bad, "SELECT 2", "ROLLBACK", "SELECT 3"] {
        seen.push(match client.execute(sql, &[]).await {
            Ok(rows) => format!("{rows}"),
            Err(failed) if failed.code().is_some_and(|code| code.code() == "25P02") => error(&failed),
            Err(_) => "failed".to_owned(),
        });
    }
    let (good, bad, after) =
        tokio::join!(client.execute("SELECT 1", &[]), client.execute(bad, &[]), client.execute("SELECT 2", &[]));
    seen.push(format!("{:?} {} {:?}", good.ok(), bad.is_err(), after.ok()));
    seen
}

#[tokio::test]
async fn a_refusal_breaks_a_transaction_as_an_error_does() {
    let ways = Ways::get();
    let direct = broken(ways.direct("tester", "model_training"), "SELECT nope FROM people").await;
    let proxied = broken(ways.proxied("tester", "model_training"), "SELECT email FROM people").await;
    assert_eq!(direct, proxied);
}

#[tokio::test]
async fn a_cancel_reaches_its_own_query() {
    let ways = Ways::get();
    let client = ways.proxied("keeper", "maintenance").tokio().await;
    let bystander = ways.proxied("keeper", "maintenance").tokio().await;
    let token = client.cancel_token();
    let cancel = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        token.cancel_query(NoTls).await.expect("sending the cancel request");
    };
    let sleep = client.execute("SELECT pg_sleep(20)", &[]);
    let (slept, (), other) = tokio::join!(sleep, cancel, bystander.execute("SELECT pg_sleep(1)", &[]));
    assert_eq!(slept.expect_err("cancelled").code().map(|code| code.code().to_owned()), Some("57014".to_owned()));
    assert_eq!(other.expect("not cancelled"), 1);
    assert_eq!(client.execute("SELECT 1", &[]).await.expect("alive"), 1);
}
