//! Walks the tour: asks each question through the proxy, shows what happened, and checks it.

use super::Failure;
use super::tour::{Declared, Expected, Step, Upstream};
use crate::catalog::pseudonyms;
use crate::cli::term::{Paint, Tone, table, wrap};
use crate::cli::throwaway::Throwaway;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use tokio_postgres::error::DbError;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// How many rows of an answer are shown.
const SHOWN_ROWS: usize = 3;
/// The width of wrapped text.
const WIDTH: usize = 104;
/// What every line about a step is indented by.
const INDENT: &str = "             ";

/// Begins each entry of the server's log, followed by `user|`.
pub(super) const LOG_MARK: &str = "@@";

/// How a statement begins that is sure to fail: a column that does not exist, named with a number used once.
const POISON: &str = "SELECT \"wherefore:";

/// Where the tour asks.
pub(super) struct Scene<'s> {
    pub(super) cluster: &'s Throwaway,
    pub(super) database: &'s str,
    pub(super) proxy_port: u16,
    /// A superuser's connection around the proxy, to say what is true.
    pub(super) oracle: &'s Client,
    pub(super) paint: Paint,
}

/// Rows with the names of their columns.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

/// What came back.
#[derive(Debug)]
enum Answer {
    Rows(Rows),
    Error(Box<DbError>),
}

/// Runs one statement in the simple protocol.
async fn ask(client: &Client, sql: &str) -> Result<Answer, Failure> {
    let messages = match client.simple_query(sql).await {
        Ok(messages) => messages,
        Err(error) => {
            return match error.as_db_error() {
                Some(report) => Ok(Answer::Error(Box::new(report.clone()))),
                None => Err(Failure::Connection(error)),
            };
        }
    };
    let mut answer = Rows { columns: Vec::new(), rows: Vec::new() };
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                answer.columns = columns.iter().map(|column| column.name().to_owned()).collect();
            }
            SimpleQueryMessage::Row(row) => {
                answer.rows.push((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect());
            }
            // The counts in command tags follow from the rows.
            _ => {}
        }
    }
    Ok(Answer::Rows(answer))
}

/// Takes every step. Gives the reports of those that did not do what they say.
pub(super) async fn walk(scene: &Scene<'_>, steps: &[Step]) -> Result<Vec<String>, Failure> {
    let mut mismatches = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let found = take(scene, at + 1, step).await?;
        let verdict = match found.is_empty() {
            true => scene.paint.tone(Tone::Good, "as expected"),
            false => scene.paint.tone(Tone::Bad, "NOT AS EXPECTED"),
        };
        println!("  {verdict}: {}", step.notice);
        for mismatch in found {
            println!("  {}", scene.paint.tone(Tone::Bad, &mismatch));
            mismatches.push(format!("step {} ({}): {mismatch}", at + 1, step.title));
        }
    }
    Ok(mismatches)
}

/// Takes one step and shows it. Gives what was not as it should be.
async fn take(scene: &Scene<'_>, number: usize, step: &Step) -> Result<Vec<String>, Failure> {
    let paint = scene.paint;
    let purpose = match step.declared {
        Declared::Connection(purpose) => format!("for {purpose}"),
        Declared::Comment(purpose) => format!("for {purpose}, by a comment"),
        Declared::Nowhere => "without saying what for".to_owned(),
    };
    println!("\n{}", paint.tone(Tone::Strong, &format!("{number}. {}", step.title)));
    println!("  {:<9}  {}, {purpose}", "who", step.role);
    println!("  {:<9}  {}", "asks", paint.tone(Tone::Sql, &wrap(INDENT, WIDTH, step.sql)));

    let client = connect(scene, step).await?;
    let log_before = log_length(scene)?;
    let answer = ask(&client, step.sql).await?;
    let logged = logged_statements(scene, step.role, log_before)?;

    let mut mismatches: Vec<String> = Vec::new();
    show_upstream(paint, step, &logged);
    mismatches.extend(check_upstream(step, &logged));
    match (&answer, step.expected) {
        (Answer::Rows(rows), Expected::Rows(truth)) => {
            show_rows(paint, rows);
            let Answer::Rows(truth) = ask(scene.oracle, truth.unwrap_or(step.sql)).await? else {
                return Err(Failure::Sample {
                    what: step.title.to_owned(),
                    why: "the true answer is an error".to_owned(),
                });
            };
            if *rows != truth {
                let (here, there) = (rows.rows.len(), truth.rows.len());
                mismatches
                    .push(format!("expected the {there} rows that Postgres gives, got {here} rows or other values"));
            }
        }
        (Answer::Error(error), Expected::Refusal { code, words }) => {
            show_error(paint, Tone::Refused, error);
            if error.code().code() != code {
                mismatches.push(format!("expected SQLSTATE {code}, got {}", error.code().code()));
            }
            let report =
                [Some(error.message()), error.detail(), error.hint()].map(Option::unwrap_or_default).join("\n");
            let missing = words.iter().filter(|word| !report.contains(**word));
            mismatches.extend(missing.map(|word| format!("the refusal does not say `{word}`")));
        }
        (Answer::Rows(rows), Expected::Done) => {
            println!("  {:<9}  done", "answer");
            if !rows.rows.is_empty() {
                mismatches.push(format!("expected no rows, got {}", rows.rows.len()));
            }
        }
        (Answer::Rows(rows), Expected::Refusal { .. }) => {
            show_rows(paint, rows);
            mismatches.push(format!("expected a refusal, got {} rows", rows.rows.len()));
        }
        (Answer::Error(error), Expected::Rows(_) | Expected::Done) => {
            show_error(paint, Tone::Bad, error);
            mismatches.push(format!("expected success, got an error: {}", error.message()));
        }
    }
    Ok(mismatches)
}

/// A session of its own, as the step declares it.
async fn connect(scene: &Scene<'_>, step: &Step) -> Result<Client, Failure> {
    let mut config = Config::new();
    config.host("127.0.0.1").port(scene.proxy_port).user(step.role).dbname(scene.database);
    config.application_name("wherefore tour");
    if let Declared::Connection(purpose) = step.declared {
        config.options(format!("-c wherefore.purpose={purpose}"));
    }
    let (client, connection) = config.connect(NoTls).await.map_err(Failure::Connection)?;
    tokio::spawn(connection);
    Ok(client)
}

fn log_length(scene: &Scene<'_>) -> Result<u64, Failure> {
    let log = scene.cluster.log();
    std::fs::metadata(&log).map(|data| data.len()).map_err(|error| Failure::file(&log, error))
}

/// The statements that the server began to run for a role since a place in its log, without our own settings.
fn logged_statements(scene: &Scene<'_>, role: &str, from: u64) -> Result<Vec<String>, Failure> {
    let path = scene.cluster.log();
    let mut log = Vec::new();
    File::open(&path)
        .and_then(|mut file| file.seek(SeekFrom::Start(from)).and_then(|_| file.read_to_end(&mut log)))
        .map_err(|error| Failure::file(&path, error))?;
    Ok(statements_in(&String::from_utf8_lossy(&log), role))
}

/// The statements in a stretch of the log.
fn statements_in(log: &str, role: &str) -> Vec<String> {
    let statement = |entry: &str| -> Option<String> {
        let text = entry.strip_prefix(role)?.strip_prefix("|LOG:  ")?;
        let (what, sql) = text.split_once(": ")?;
        let runs = what == "statement" || what.starts_with("execute ");
        let own = sql.contains("wherefore.") && !sql.contains(pseudonyms::FUNCTION);
        // Continued lines begin with a tab.
        (runs && !own).then(|| sql.trim_end().replace("\n\t", "\n"))
    };
    log.split(LOG_MARK).filter_map(statement).collect()
}

fn show_upstream(paint: Paint, step: &Step, logged: &[String]) {
    let label = format!("  {:<9}  ", "upstream");
    match logged {
        [] => println!("{label}{}", paint.tone(Tone::Faint, "nothing")),
        [sql] if sql == step.sql => println!("{label}{}", paint.tone(Tone::Faint, "the statement as it is")),
        [sql] if sql.starts_with(POISON) => {
            let words = "not the statement; in its place one that is sure to fail";
            println!("{label}{}", paint.tone(Tone::Faint, words));
        }
        statements => {
            for sql in statements {
                println!("{label}{}", paint.tone(Tone::Sql, &wrap(INDENT, WIDTH, sql)));
            }
        }
    }
}

fn check_upstream(step: &Step, logged: &[String]) -> Option<String> {
    let [sql] = logged else { return Some(format!("Postgres was sent {} statements instead of one", logged.len())) };
    let guarded = sql.contains("(SELECT ");
    let (right, wrong) = match step.upstream {
        Upstream::AsWritten => (sql == step.sql, "the statement was not sent as it was written"),
        Upstream::Qualified => (sql != step.sql && !guarded, "it was not sent with its names qualified and no more"),
        Upstream::Guarded => (guarded, "no guard was sent"),
        Upstream::Poison => (sql.starts_with(POISON), "something was sent to Postgres"),
    };
    (!right).then(|| wrong.to_owned())
}

fn show_rows(paint: Paint, answer: &Rows) {
    let shown = &answer.rows[..answer.rows.len().min(SHOWN_ROWS)];
    let text = table(paint, INDENT, &answer.columns, shown);
    print!("  {:<9}  {}", "answer", text.trim_start());
    let count = answer.rows.len();
    if count > shown.len() {
        println!("{INDENT}{}", paint.tone(Tone::Faint, &format!("… {count} rows in all")));
    } else {
        println!("{INDENT}{}", paint.tone(Tone::Faint, &format!("{count} row{}", if count == 1 { "" } else { "s" })));
    }
}

fn show_error(paint: Paint, tone: Tone, error: &DbError) {
    let line = |label: &str, text: &str| println!("  {label:<9}  {}", wrap(INDENT, WIDTH, text));
    line("refused", &paint.tone(tone, &format!("{} ({})", error.message(), error.code().code())));
    for (label, text) in [("detail", error.detail()), ("hint", error.hint())] {
        if let Some(text) = text {
            line(label, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_tells_what_ran_for_a_role() {
        let log = "@@marketing|LOG:  statement: SELECT 1\n\tFROM t\n\
                   @@owner|LOG:  statement: SELECT 2\n\
                   @@marketing|LOG:  statement: SELECT set_config('wherefore.purpose', 'x', false)\n\
                   @@marketing|ERROR:  syntax error\n@@marketing|STATEMENT:  poison\n\
                   @@marketing|LOG:  execute <unnamed>: SELECT 3\n\
                   @@marketing|DETAIL:  parameters: $1 = '1'\n";
        assert_eq!(statements_in(log, "marketing"), ["SELECT 1\nFROM t", "SELECT 3"]);
    }
}
