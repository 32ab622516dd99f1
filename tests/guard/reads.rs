//! Views and the rarer constructs: what they answer does not depend on what is closed.

use super::{clients, rows, run};
use tokio_postgres::Client;

/// Changes what `masked` may not see: contacts and secrets of everyone.
const OTHER_CONTACTS: &str = "UPDATE people SET email = 'other' || 5000 - id || '@y.example', phone = '+9' || id,
    secret = CASE WHEN id % 3 = 0 THEN NULL ELSE 'OTHER' || id % 5 END; REFRESH MATERIALIZED VIEW stored_mail";
/// Changes what `filtered` may not see: the rows of those who do not agree, and how many there are.
const OTHER_ROWS: &str = "DELETE FROM orders WHERE person_id % 4 = 1;
    DELETE FROM people WHERE NOT consent AND id % 4 = 1;
    UPDATE people SET name = 'OTHER' || id, city = 'x' || id, email = 'other' WHERE NOT consent;
    REFRESH MATERIALIZED VIEW stored_mail; REFRESH MATERIALIZED VIEW stored_towns";

/// Each statement answers the same in two databases that differ only in what the purpose may not see, though the
/// answers of Postgres itself differ. `Err` is an answer too.
async fn same_in_two_worlds(database: &str, purpose: &str, change: &str, statements: &[&str]) {
    let (guarded, direct, _proxy) = clients(database, purpose).await;
    let mut before = Vec::new();
    for sql in statements {
        before.push((rows(&guarded, sql).await, told(&direct, sql).await));
    }
    direct.batch_execute(change).await.expect("another world");
    for (sql, (answer, bare)) in statements.iter().zip(before) {
        assert_eq!(rows(&guarded, sql).await, answer, "{purpose}: {sql}");
        assert_ne!(told(&direct, sql).await, bare, "nothing to hide in {sql}");
    }
}

/// What Postgres itself answers, in no order.
async fn told(direct: &Client, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    let mut answer = rows(direct, sql).await?;
    answer.sort();
    Ok(answer)
}

/// Each statement answers as Postgres does where the purpose opens everything that it reaches.
async fn as_postgres_does(database: &str, purpose: &str, statements: &[&str]) {
    let (guarded, direct, _proxy) = clients(database, purpose).await;
    for sql in statements {
        let expected = rows(&direct, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(rows(&guarded, sql).await, Ok(expected), "{sql}");
    }
}

#[test]
fn views_keep_back_what_their_tables_keep_back() {
    run(same_in_two_worlds(
        "reads_views_masked",
        "masked",
        OTHER_CONTACTS,
        &[
            "SELECT * FROM contacts ORDER BY number LIMIT 20",
            "SELECT mail FROM contacts WHERE number = 3",
            "SELECT count(*) FROM contacts WHERE mail LIKE 'mail%'",
            "SELECT number FROM contacts ORDER BY mail DESC, number LIMIT 3",
            "SELECT id, phone FROM keyed ORDER BY id LIMIT 5",
            "SELECT mail, amount FROM nested ORDER BY amount LIMIT 5",
            "SELECT c FROM contacts AS c ORDER BY number LIMIT 2",
            "SELECT row_to_json(c) FROM contacts AS c ORDER BY number LIMIT 2",
            "SELECT email FROM all_names ORDER BY 1 LIMIT 5",
            "SELECT id, email FROM barrier ORDER BY id LIMIT 5",
            "SELECT secret FROM everyone",
            "SELECT id FROM known_secrets",
            "SELECT max(secret) FROM both_names",
            "SELECT everything FROM rowed ORDER BY id LIMIT 2",
            "SELECT max(email) FROM stored_mail",
            "SELECT name FROM stored_mail WHERE email LIKE 'mail%' ORDER BY 1 LIMIT 1",
            "SELECT max(email) FROM over_stored",
            "SELECT x FROM lateral_secret ORDER BY id LIMIT 3",
            "SELECT count(*) FROM spread",
        ],
    ));
}

#[test]
fn views_hide_rows_and_their_number() {
    run(same_in_two_worlds(
        "reads_views_filtered",
        "filtered",
        OTHER_ROWS,
        &[
            "SELECT count(*) FROM adults",
            "SELECT max(name) FROM adults",
            "SELECT count(*) FROM contacts",
            "SELECT who FROM contacts WHERE number = 3",
            "SELECT who FROM contacts WHERE length(mail) < 6 ORDER BY 1",
            "SELECT city, heads FROM towns ORDER BY 1",
            "SELECT count(*) FROM keyed",
            "SELECT name FROM steps ORDER BY id",
            "SELECT EXISTS (SELECT FROM adults WHERE id = 5)",
            "SELECT count(*) FROM adjustable",
            "SELECT name FROM with_ctes ORDER BY id LIMIT 3",
            "SELECT heads FROM stored_towns ORDER BY 1",
            "SELECT count(*) FROM stored_mail",
            "SELECT name FROM over_stored ORDER BY id LIMIT 3",
            "SELECT name FROM adults ORDER BY id FOR UPDATE",
        ],
    ));
}

#[test]
fn views_answer_as_postgres_does() {
    run(as_postgres_does(
        "reads_views_open",
        "plain",
        &[
            "SELECT * FROM adults ORDER BY id LIMIT 5",
            "SELECT a FROM adults a ORDER BY id LIMIT 5",
            "SELECT pg_typeof(a) FROM adults a LIMIT 1",
            "SELECT who, mail FROM contacts ORDER BY number LIMIT 5",
            "SELECT city, heads FROM towns ORDER BY city",
            "SELECT * FROM nested ORDER BY amount LIMIT 5",
            "SELECT * FROM keyed ORDER BY id LIMIT 5",
            "SELECT id FROM everyone ORDER BY name LIMIT 5",
            "SELECT name FROM all_names ORDER BY name LIMIT 5",
            "SELECT * FROM steps ORDER BY id",
            "SELECT * FROM stored_towns ORDER BY city",
            "SELECT id, email FROM over_stored ORDER BY id LIMIT 5",
            "SELECT count(*) FROM relation_names WHERE relname = 'people'",
            "SELECT * FROM latest ORDER BY at LIMIT 3",
        ],
    ));
}
