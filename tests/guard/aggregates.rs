//! What is told in aggregates, held against what the test computes itself from the raw rows.

use super::{clients_on, rows, run};
use std::collections::BTreeMap;
use tokio_postgres::Client;

/// 180 people in four cities, of which `tiny` has too few. No two columns are alike, and some values are missing.
const SCHEMA: &str = "
    CREATE TABLE people (
        id int PRIMARY KEY, city text NOT NULL, grade text NOT NULL, minutes int, clicks int8, price numeric(10, 2),
        score float8, weight real);
    INSERT INTO people SELECT i, (ARRAY['north', 'south', 'west'])[i % 3 + 1], 'g' || i % 2, i * 37 % 101,
            CASE WHEN i % 7 > 0 THEN i * 1009 % 5003 END, i * 7.31 - 400, i * 1.37 - 90, i * 0.61
        FROM generate_series(1, 174) AS i;
    INSERT INTO people SELECT i, 'tiny', 'g0', 50, 60, 70, 80, 90 FROM generate_series(201, 206) AS i";

const ROUNDED: &str = r#"
[pack]
name = "rounded"
[category.open]
[category.usage]
[purpose.statistics]
[[rule]]
id = "open"
category = "open"
purpose = "statistics"
effect = "allow"
[[rule]]
id = "usage"
category = "usage"
purpose = "statistics"
effect = { aggregate = { min_subjects = 8, round = 7 } }
[role.tester]
purposes = ["statistics"]
[table."public.people"]
subject_key = "id"
default = "open"
columns.grade = "usage"
columns.minutes = "usage"
columns.clicks = "usage"
columns.price = "usage"
columns.score = "usage"
columns.weight = "usage"
"#;

const NUMBERS: [&str; 5] = ["minutes", "clicks", "price", "score", "weight"];

/// The values of a column in each city, and of all under ``.
async fn raw(direct: &Client, column: &str) -> BTreeMap<String, Vec<f64>> {
    let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in rows(direct, &format!("SELECT city, {column} FROM people")).await.expect("the raw rows") {
        for city in [row[0].clone().unwrap_or_default(), String::new()] {
            groups
                .entry(city)
                .or_default()
                .extend(row[1].as_ref().map(|value| value.parse::<f64>().expect("a number")));
        }
    }
    groups
}

fn nearest(value: f64) -> f64 {
    (value / 7.0).round() * 7.0
}

#[test]
fn rounded_numbers_are_multiples_nearest_to_the_truth() {
    run(async {
        let (guarded, direct, _proxy) = clients_on("aggregates_rounded", SCHEMA, "statistics", ROUNDED).await;
        for column in NUMBERS {
            let raw = raw(&direct, column).await;
            let calls =
                format!("count({column}), sum({column}), avg({column}), stddev_pop({column}), variance({column})");
            let told =
                rows(&guarded, &format!("SELECT city, {calls} FROM people GROUP BY city")).await.expect("groups");
            assert_eq!(told.len(), 3, "{told:?}");
            let whole = rows(&guarded, &format!("SELECT '', {calls} FROM people")).await.expect("a total");
            for row in told.iter().chain(&whole) {
                let values = &raw[row[0].as_deref().unwrap_or_default()];
                let count = values.len() as f64;
                let sum: f64 = values.iter().sum();
                let squares: f64 = values.iter().map(|value| (value - sum / count).powi(2)).sum();
                let truth = [count, sum, sum / count, (squares / count).sqrt(), squares / (count - 1.0)];
                for (cell, truth) in row[1..].iter().zip(truth) {
                    let cell = cell.as_deref().expect("enough people").parse::<f64>().expect("a number");
                    assert!((cell - nearest(truth)).abs() < 1e-6, "{column} of {row:?}: {truth}");
                }
            }
            // With the types that they have otherwise.
            let sql = format!("SELECT {calls} FROM people");
            let (rounded, exact) = (guarded.prepare(&sql).await.unwrap(), direct.prepare(&sql).await.unwrap());
            let types = |statement: &tokio_postgres::Statement| -> Vec<u32> {
                statement.columns().iter().map(|column| column.type_().oid()).collect()
            };
            assert_eq!(types(&rounded), types(&exact), "{column}");
        }
    });
}

/// A total below which a group is left out is not told, and no clause sees another number than is told.
#[test]
fn every_clause_sees_what_is_told() {
    run(async {
        let (guarded, direct, _proxy) = clients_on("aggregates_clauses", SCHEMA, "statistics", ROUNDED).await;
        let raw = raw(&direct, "minutes").await;
        for (city, sum) in raw.iter().filter(|(city, _)| !["", "tiny"].contains(&city.as_str())) {
            let (exact, told) = (sum.iter().sum::<f64>(), nearest(sum.iter().sum()));
            assert_ne!(exact, told, "the data shall not be rounded already");
            for (number, found) in [(exact, 0), (told, 1)] {
                for text in [
                    format!("SELECT city FROM people GROUP BY city HAVING sum(minutes) = {number} AND city = '{city}'"),
                    format!(
                        "SELECT x.n FROM (SELECT city, sum(minutes) AS n FROM people GROUP BY city) x WHERE x.n = {number}"
                    ),
                    format!(
                        "SELECT sum(sum(minutes)) OVER () FROM people WHERE city = '{city}' HAVING sum(minutes) = {number}"
                    ),
                    format!(
                        "SELECT g.n FROM (SELECT city, sum(minutes) AS n FROM people WHERE city <> 'tiny' GROUP BY ROLLUP (city)) g WHERE g.n = {number}"
                    ),
                ] {
                    assert_eq!(rows(&guarded, &text).await.map(|rows| rows.len()), Ok(found), "{text}");
                }
            }
        }
        let ordered = "SELECT count(*) FROM people GROUP BY grade, city ORDER BY count(*), city";
        for row in rows(&guarded, ordered).await.expect("groups") {
            assert_eq!(row[0].as_ref().unwrap().parse::<i64>().unwrap() % 7, 0);
        }
        let totals =
            rows(&guarded, "SELECT city, sum(minutes) FROM people GROUP BY ROLLUP (city)").await.expect("totals");
        let total = totals.iter().find(|row| row[0].is_none()).expect("a total");
        assert_eq!((totals.len(), &total[1]), (4, &None), "the six of `tiny` would be the difference");
        let refusal = rows(&guarded, "SELECT corr(minutes, clicks) FROM people").await.expect_err("a refusal");
        assert!(refusal.contains("which leaves nothing of corr"), "{refusal}");
    });
}
