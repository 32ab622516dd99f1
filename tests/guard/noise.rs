//! Numbers that are told with noise: they lie around the truth, as far as they must and no further; a person's rows are
//! bounded; a number is drawn once, by no seed; and each is paid for out of a budget.
//!
//! Each bound on what is drawn is missed by chance in less than one run of a billion.

use super::{At, Cluster, Proxy, clients_on, rows, run};
use std::collections::BTreeSet;
use tokio_postgres::Client;
use wherefore::catalog::{noise, pseudonyms};

/// 174 people in three cities, six in `tiny` and eight, which is enough, in `edge`. Some minutes are out of bounds. Person 1 has
/// a thousand visits, the others two each.
const PEOPLE: &str = "
    CREATE TABLE people (id int PRIMARY KEY, city text NOT NULL, grade text NOT NULL, minutes int, price numeric(10, 2),
        score float8, age int);
    INSERT INTO people SELECT i, (ARRAY['north', 'south', 'west'])[i % 3 + 1], 'g' || i % 2,
            CASE WHEN i % 29 = 0 THEN 100000 WHEN i % 31 = 0 THEN -100000 WHEN i % 11 > 0 THEN i * 37 % 101 END,
            i * 0.11 - 9, CASE WHEN i % 53 = 0 THEN 'Infinity' ELSE i * 0.05 END, 40
        FROM generate_series(1, 174) AS i;
    INSERT INTO people SELECT i, 'tiny', 'g0', 50, 5, 5, 40 FROM generate_series(201, 206) AS i;
    INSERT INTO people SELECT i, 'edge', 'g0', 50, 5, 5, 40 FROM generate_series(301, 308) AS i;
    CREATE TABLE visits (id int PRIMARY KEY, person_id int NOT NULL, place text NOT NULL, minutes int NOT NULL);
    INSERT INTO visits SELECT i, i / 2, 'p' || i % 2, 10 FROM generate_series(4, 349) AS i;
    INSERT INTO visits SELECT 1000 + i, 1, 'p0', 10 FROM generate_series(1, 1000) AS i;
    CREATE TABLE notes (id int PRIMARY KEY, person_id int NOT NULL, words int);
    DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'second') THEN CREATE ROLE second LOGIN SUPERUSER; END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
";

const PACK: &str = r#"
[pack]
name = "noise"
document = "Promises"
[category.open]
[category.usage]
[purpose.statistics]
ddl = true
budget = { epsilon = 1_000_000, per = "1 day" }
[purpose.reports]
budget = { epsilon = 4, per = "2 hours", clause = "N-1" }
[purpose."reports.weekly"]
[purpose."reports.daily"]
budget = { epsilon = 2, per = "1 hour" }
[purpose.unbounded]
[purpose.careful]
budget = { epsilon = 100, per = "1 day" }
[clause."N-1"]
words = "Nobody stands out in what we count."
[[rule]]
id = "open"
category = "open"
purpose = ["statistics", "reports", "unbounded", "careful"]
effect = "allow"
[[rule]]
id = "usage"
clause = "N-1"
category = "usage"
purpose = ["statistics", "reports", "unbounded"]
effect = { aggregate = { min_subjects = 8, noise = { epsilon = 1.0 } } }
[[rule]]
id = "usage-in-tens"
clause = "N-1"
category = "usage"
purpose = "careful"
effect = { aggregate = { min_subjects = 8, round = 10, noise = { epsilon = 0.5 } } }
[role.tester]
purposes = ["statistics", "reports", "reports.weekly", "reports.daily", "unbounded", "careful"]
[role.second]
purposes = ["reports"]
[table."public.people"]
subject_key = "id"
default = "open"
columns.grade = "usage"
columns.minutes = "usage"
columns.price = "usage"
columns.score = "usage"
columns.age = "usage"
bounds.minutes = [0, 100]
bounds.price = [-5, 10]
bounds.score = [0, 8]
[table."public.visits"]
subject_key = "person_id"
default = "usage"
rows_per_subject = 3
bounds.minutes = [0, 60]
[table."public.notes"]
subject_key = "person_id"
default = "usage"
"#;

fn schema() -> String {
    let roles = ["PUBLIC".to_owned()];
    format!("{PEOPLE}{}{}", pseudonyms::script(&roles, &[]), noise::script(&roles, None))
}

async fn clients(database: &str, purpose: &str) -> (Client, Client, Proxy) {
    clients_on(database, &schema(), purpose, PACK).await
}

/// All of a refusal.
async fn refused(client: &Client, sql: &str) -> String {
    match client.simple_query(sql).await {
        Ok(_) => panic!("{sql} is answered"),
        Err(error) => {
            let error = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}"));
            let parts = [Some(error.code().code()), Some(error.message()), error.detail(), error.hint()];
            parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
        }
    }
}

async fn number(client: &Client, sql: &str) -> f64 {
    let rows = rows(client, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows[0][0].as_ref().unwrap_or_else(|| panic!("{sql}: null")).parse().unwrap()
}

/// Many draws of numbers of one row each.
async fn draws(client: &Client, sql: &str, count: usize) -> Vec<Vec<f64>> {
    let mut draws = Vec::new();
    while draws.len() < count {
        for row in rows(client, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}")) {
            draws.push(row.iter().map(|cell| cell.as_ref().expect("a number").parse().unwrap()).collect());
        }
    }
    draws
}

/// 32 independent draws of one row.
fn often(select: &str) -> String {
    format!("{select} GROUP BY GROUPING SETS ({})", ["()"; 32].join(", "))
}

/// The mean of draws is as near to the truth as that of so many with noise of this scale, and single ones are as far.
fn check_spread(what: &str, draws: &[f64], truth: f64, scale: f64) {
    let count = draws.len() as f64;
    let mean = draws.iter().sum::<f64>() / count;
    // Ten standard deviations of the mean.
    let near = 10.0 * scale * 2f64.sqrt() / count.sqrt();
    assert!((mean - truth).abs() < near, "{what}: the mean {mean} is not near {truth}");
    let far = draws.iter().map(|draw| (draw - truth).abs()).fold(0.0, f64::max);
    assert!(far < 35.0 * scale, "{what}: {far} from {truth}");
    let spread = draws.iter().map(|draw| (draw - truth).abs()).sum::<f64>() / count;
    assert!((0.4..2.5).contains(&(spread / scale)), "{what}: {spread} from {truth} on average, not {scale}");
}

#[test]
fn noisy_numbers_lie_around_what_counts() {
    run(async {
        let (guarded, direct, _proxy) = clients("noise_around", "statistics").await;
        // Each with what it is over values within bounds, and how far one person moves it.
        for (call, truth, most) in [
            ("count(*) FILTER (WHERE minutes < 60)", "count(*) FILTER (WHERE minutes < 60)", 1.0),
            ("count(minutes)", "count(minutes)", 1.0),
            ("count(*) FILTER (WHERE minutes > 60)", "count(*) FILTER (WHERE minutes > 60)", 1.0),
            ("count(DISTINCT grade)", "count(DISTINCT grade)", 1.0),
            ("count(DISTINCT id) FILTER (WHERE minutes < 60)", "count(*) FILTER (WHERE minutes < 60)", 1.0),
            ("sum(minutes)", "sum(least(greatest(minutes, 0), 100))", 100.0),
            ("sum(price)", "sum(least(greatest(price, -5), 10))", 10.0),
            ("sum(score)", "sum(least(score, 8)) FILTER (WHERE score < 'Infinity')", 8.0),
        ] {
            let truth = number(&direct, &format!("SELECT {truth} FROM people")).await;
            let told = draws(&guarded, &often(&format!("SELECT {call} FROM people")), 320).await;
            let told: Vec<f64> = told.into_iter().map(|row| row[0]).collect();
            check_spread(call, &told, truth, most);
        }
        // Half for the sum and half for the count: near enough, and within bounds.
        let truth =
            number(&direct, "SELECT avg(least(greatest(minutes, 0), 100)) FROM people WHERE minutes IS NOT NULL").await;
        let told = draws(&guarded, &often("SELECT avg(minutes) FROM people"), 320).await;
        let mean = told.iter().map(|row| row[0]).sum::<f64>() / told.len() as f64;
        assert!((mean - truth).abs() < 2.0 && told.iter().all(|row| (0.0..=100.0).contains(&row[0])), "{mean} {truth}");
        // With the types that they have otherwise.
        let sql =
            "SELECT count(*), sum(minutes), avg(minutes), sum(price), avg(price), sum(score), avg(score) FROM people";
        let (noisy, exact) = (guarded.prepare(sql).await.unwrap(), direct.prepare(sql).await.unwrap());
        for (one, other) in noisy.columns().iter().zip(exact.columns()) {
            assert_eq!((one.name(), one.type_().oid()), (other.name(), other.type_().oid()));
        }
    });
}

/// Of a person's rows so many count as the policy says, over all groups together.
#[test]
fn rows_of_a_person_are_bounded() {
    run(async {
        let (guarded, direct, _proxy) = clients("noise_rows", "statistics").await;
        let exact = number(&direct, "SELECT count(*) FROM visits").await;
        let counted = "SELECT sum(least(n, 3)) FROM (SELECT count(*) AS n FROM visits GROUP BY person_id) x";
        let counted = number(&direct, counted).await;
        assert!(exact - counted > 900.0);
        let told = draws(&guarded, &often("SELECT count(*), sum(minutes) FROM visits"), 320).await;
        check_spread("visits", &told.iter().map(|row| row[0]).collect::<Vec<_>>(), counted, 3.0);
        check_spread("minutes", &told.iter().map(|row| row[1]).collect::<Vec<_>>(), counted * 10.0, 180.0);
        let mut places: Vec<f64> = Vec::new();
        for _ in 0..40 {
            let sql = "SELECT place, count(*) FROM visits GROUP BY place";
            let row = rows(&guarded, sql).await.expect("places");
            places.push(row.iter().map(|row| row[1].as_ref().unwrap().parse::<f64>().unwrap()).sum());
        }
        let mean = places.iter().sum::<f64>() / 40.0;
        assert!((mean - counted).abs() < 20.0, "{mean} of {counted}");
    });
}

/// Two queries that differ in one person tell no more of them than epsilon, which is 1 here: whatever is told with them is
/// told without them at most e times as rarely.
#[test]
fn the_difference_of_two_queries_tells_of_nobody() {
    run(async {
        let (guarded, direct, _proxy) = clients("noise_two", "statistics").await;
        let (person, count) = (100, 4000);
        let exact =
            |which: &str| format!("SELECT count(*) FILTER (WHERE minutes < 90) FROM people WHERE id {which} {person}");
        let with = number(&direct, &exact("<=")).await;
        assert_eq!(with - number(&direct, &exact("<")).await, 1.0, "the person is one of them");
        let mut shares = Vec::new();
        for which in ["<=", "<"] {
            let told = draws(&guarded, &often(&exact(which)), count).await;
            let share = |at: f64| told.iter().filter(|row| row[0] >= at).count() as f64 / told.len() as f64;
            shares.push([with - 1.0, with, with + 1.0].map(share));
        }
        // A share of so many is off by more than this once in a billion times (Hoeffding).
        let off = ((2e9f64).ln() / (2.0 * count as f64)).sqrt();
        let bound = |one: f64, other: f64| one - off <= 1f64.exp() * (other + off);
        for at in 0..3 {
            let [one, other] = [shares[0][at], shares[1][at]];
            assert!(bound(one, other) && bound(1.0 - other, 1.0 - one), "{shares:?}");
            assert!(bound(other, one) && bound(1.0 - one, 1.0 - other), "{shares:?}");
        }
    });
}

/// Nobody but the server draws, and each number once, however often it is read.
#[test]
fn a_number_is_drawn_once() {
    run(async {
        let (guarded, _direct, proxy) = clients("noise_once", "statistics").await;
        let other = At { port: proxy.port(), database: "noise_once", user: "tester", purpose: Some("statistics") };
        let other = other.tokio().await;
        let mut told = Vec::new();
        for client in [&guarded, &other] {
            // Where it may be called at all.
            let _ = client.simple_query("SELECT setseed(0.5)").await;
            let sums = draws(client, "SELECT sum(minutes) FROM people", 12).await;
            told.push(sums.into_iter().map(|row| row[0] as i64).collect::<Vec<_>>());
        }
        assert_ne!(told[0], told[1]);
        assert!(told[0].iter().collect::<BTreeSet<_>>().len() > 6, "{told:?}");
        for sql in [
            "SELECT DISTINCT x.n FROM generate_series(1, 50) AS g, LATERAL (SELECT sum(minutes) AS n FROM people) AS x",
            "SELECT DISTINCT (SELECT sum(minutes) FROM people) FROM generate_series(1, 50)",
            "SELECT DISTINCT x.n FROM generate_series(1, 50) AS g CROSS JOIN (SELECT sum(minutes) AS n FROM people) AS x WHERE g > 1",
            "WITH a AS NOT MATERIALIZED (SELECT sum(minutes) AS n FROM people) SELECT 1 FROM a, a AS b WHERE a.n = b.n",
            "SELECT 1 FROM people HAVING sum(minutes) = sum(minutes) AND sum(minutes) - sum(minutes) = 0",
            "SELECT DISTINCT n FROM (SELECT sum(minutes) AS n, sum(minutes) AS m FROM people) x WHERE n = m",
        ] {
            assert_eq!(rows(&guarded, sql).await.map(|rows| rows.len()), Ok(1), "{sql}");
        }
        let ordered = "SELECT count(minutes), count(minutes) FROM people GROUP BY city ORDER BY count(minutes)";
        let ordered = rows(&guarded, ordered).await.expect("groups");
        let number = |row: &Vec<Option<String>>| row[0].as_ref().unwrap().parse::<i64>().unwrap();
        assert!(ordered.iter().all(|row| row[0] == row[1]) && ordered.is_sorted_by_key(number), "{ordered:?}");
        for kind in ["SCROLL CURSOR", "CURSOR", "CURSOR WITH HOLD", "SCROLL CURSOR WITH HOLD"] {
            guarded.batch_execute("BEGIN").await.unwrap();
            let sql = format!("DECLARE c {kind} FOR SELECT city, sum(minutes) FROM people GROUP BY city");
            guarded.batch_execute(&sql).await.unwrap();
            let first = rows(&guarded, "FETCH ALL FROM c").await.expect("rows");
            assert_eq!(first.len(), 3);
            if kind.starts_with("SCROLL") {
                for again in ["FETCH FIRST FROM c", "FETCH ABSOLUTE 2 FROM c", "FETCH LAST FROM c"] {
                    let row = rows(&guarded, again).await.expect(again);
                    assert!(first.contains(&row[0]), "{kind}: {again}: {row:?} {first:?}");
                }
                guarded.batch_execute("MOVE BACKWARD ALL FROM c").await.unwrap();
                assert_eq!(rows(&guarded, "FETCH ALL FROM c").await, Ok(first.clone()), "{kind}");
            }
            guarded.batch_execute("COMMIT").await.unwrap();
            if kind.ends_with("HOLD") {
                if kind.starts_with("SCROLL") {
                    guarded.batch_execute("MOVE BACKWARD ALL FROM c").await.unwrap();
                    assert_eq!(rows(&guarded, "FETCH ALL FROM c").await, Ok(first), "{kind}");
                }
                guarded.batch_execute("CLOSE c").await.unwrap();
            }
        }
    });
}

/// No group of too few, nor one that a single person makes enough.
#[test]
fn groups_are_shown_where_enough_more_than_enough_are_in_them() {
    run(async {
        let (guarded, _direct, _proxy) = clients("noise_groups", "statistics").await;
        for sql in [
            "SELECT city, count(minutes) FROM people GROUP BY city",
            "SELECT city, count(minutes) FROM people GROUP BY ROLLUP (city)",
            "SELECT city, sum(minutes) FROM people GROUP BY 1 HAVING sum(minutes) > -100000 ORDER BY sum(minutes)",
        ] {
            for _ in 0..10 {
                let cities: BTreeSet<_> =
                    rows(&guarded, sql).await.expect(sql).into_iter().map(|row| row[0].clone()).collect();
                let shown = ["north", "south", "west"].map(|city| Some(city.to_owned()));
                let total = sql.contains("ROLLUP").then_some(None);
                assert_eq!(cities, shown.into_iter().chain(total).collect(), "{sql}");
            }
        }
        // Of what is computed of a column too, wherever it is written.
        for sql in [
            "SELECT upper(city), count(minutes) FROM people GROUP BY upper(city) ORDER BY upper(city)",
            "SELECT upper(p.city) AS place, count(minutes) FROM people AS p GROUP BY place HAVING upper(p.city) > 'A' ORDER BY 1",
            "SELECT upper(city) || '', count(id % 1 + count(minutes)) OVER () FROM people GROUP BY ROLLUP (upper(city), id % 1) \
             HAVING GROUPING(upper(city), id % 1) = 0 ORDER BY 1",
        ] {
            let cities = rows(&guarded, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
            let cities: Vec<_> = cities.into_iter().map(|row| row[0].clone().unwrap()).collect();
            assert_eq!(cities, ["NORTH", "SOUTH", "WEST"], "{sql}");
        }
        for sql in [
            "SELECT count(minutes) FROM people WHERE city = 'tiny'",
            "SELECT sum(minutes) FROM people WHERE city = 'edge'",
        ] {
            assert_eq!(rows(&guarded, sql).await, Ok(vec![vec![None]]), "{sql}");
        }
        let keys =
            rows(&guarded, "SELECT grade, count(*) FROM people GROUP BY grade ORDER BY grade").await.expect("grades");
        assert_eq!(keys.iter().map(|row| row[0].as_deref().unwrap()).collect::<Vec<_>>(), ["g0", "g1"]);
    });
}

#[test]
fn noise_and_steps_go_together() {
    run(async {
        let (guarded, direct, _proxy) = clients("noise_tens", "careful").await;
        let told = draws(&guarded, &often("SELECT count(minutes) FROM people"), 32).await;
        assert!(told.iter().all(|row| row[0] % 10.0 == 0.0), "{told:?}");
        let spent =
            number(&direct, "SELECT spent FROM wherefore.budget WHERE role = 'tester' AND purpose = 'careful'").await;
        assert_eq!(spent, 32.0 * 2.0 * 500.0);
    });
}

#[test]
fn what_noise_does_not_cover_is_refused_by_name() {
    run(async {
        let (guarded, direct, proxy) = clients("noise_refused", "statistics").await;
        for (sql, why) in [
            ("SELECT stddev(minutes) FROM people", "are told with noise"),
            ("SELECT max(minutes) FROM people", "are told with noise"),
            ("SELECT corr(minutes, price) FROM people", "are told with noise"),
            ("SELECT sum(DISTINCT minutes) FROM people", "are told with noise"),
            ("SELECT sum(id), count(minutes) FROM people", "are told with noise"),
            ("SELECT max(city), count(minutes) FROM people", "are told with noise"),
            ("SELECT sum(minutes * 2) FROM people", "are told with noise"),
            ("SELECT sum(age) FROM people", "within which bounds values of age count"),
            ("SELECT avg(age) FROM people", "within which bounds values of age count"),
            ("SELECT count(*) FROM notes", "how many rows of a person count (`rows_per_subject`)"),
            (
                "SELECT unnest(ARRAY[city, city]), count(minutes) FROM people GROUP BY 1",
                "a key of GROUP BY returns a set",
            ),
            ("SELECT upper(grade), count(*) FROM people GROUP BY upper(grade)", "is more than such a column alone"),
            ("SELECT (SELECT city), count(minutes) FROM people GROUP BY 1", "holds a query or a parameter"),
            ("SELECT 7, count(minutes) FROM people GROUP BY 1", "is a constant"),
            (
                "SELECT random() < 0.5, count(minutes) FROM people GROUP BY 1",
                "function random decides how rows are grouped",
            ),
            ("SELECT count(*) FROM people WHERE minutes > id", "more than a comparison"),
            ("CREATE TABLE kept AS SELECT count(minutes) FROM people", "not stored"),
            ("INSERT INTO people (id) SELECT count(minutes) FROM people", "not stored"),
            ("EXPLAIN ANALYZE SELECT count(minutes) FROM people", "the plan of a statement"),
            ("SELECT count(minutes) FROM people; SELECT count(minutes) FROM people", "in more than one statement"),
            ("SELECT wherefore.noise(1, 1)", "wherefore"),
            ("SELECT * FROM wherefore.budget", "wherefore"),
        ] {
            let refusal = refused(&guarded, sql).await;
            assert!(refusal.contains(why), "{sql}\n{refusal}");
        }
        let unbounded =
            At { port: proxy.port(), database: "noise_refused", user: "tester", purpose: Some("unbounded") };
        let refusal = refused(&unbounded.tokio().await, COUNT).await;
        assert!(refusal.contains("the purpose has no `budget`"), "{refusal}");
        // The function with another volatility, by which the server would draw once for all.
        for kind in ["IMMUTABLE", "STABLE"] {
            direct.batch_execute(&format!("ALTER FUNCTION wherefore.noise(bigint, bigint) {kind}")).await.unwrap();
            let proxy = Proxy::with_policy(Cluster::shared(), PACK);
            let at = At { port: proxy.port(), database: "noise_refused", user: "tester", purpose: Some("statistics") };
            let refusal = refused(&at.tokio().await, COUNT).await;
            assert!(refusal.contains("the database has no function for noise"), "{kind}: {refusal}");
        }
        // Another function in its place.
        let other = "CREATE OR REPLACE FUNCTION wherefore.noise(t bigint, s bigint) RETURNS bigint LANGUAGE sql VOLATILE STRICT \
                     SET search_path = pg_catalog, pg_temp AS 'SELECT 0::bigint'";
        direct.batch_execute(other).await.unwrap();
        let proxy = Proxy::with_policy(Cluster::shared(), PACK);
        let at = At { port: proxy.port(), database: "noise_refused", user: "tester", purpose: Some("statistics") };
        let refusal = refused(&at.tokio().await, COUNT).await;
        assert!(refusal.contains("the database has no function for noise"), "{refusal}");
    });
}

const COUNT: &str = "SELECT count(minutes) FROM people";

async fn spent(direct: &Client, role: &str) -> f64 {
    let sql = format!("SELECT coalesce(sum(spent), 0) FROM wherefore.budget WHERE role = '{role}'");
    number(direct, &sql).await / 1000.0
}

/// Which groups there are costs as much as a number of each: a count costs 2 of the 4 that there are.
#[test]
fn a_budget_is_spent_once_for_all() {
    run(async {
        let (reports, direct, proxy) = clients("noise_budget", "reports").await;
        let at = |port, user, purpose| At { port, database: "noise_budget", user, purpose: Some(purpose) };
        // What is rolled back is paid for, and what fails afterwards.
        reports.batch_execute("BEGIN").await.unwrap();
        rows(&reports, COUNT).await.expect("a count");
        reports.batch_execute("ROLLBACK").await.unwrap();
        assert_eq!(spent(&direct, "tester").await, 2.0);
        // The purposes below share it.
        let weekly = at(proxy.port(), "tester", "reports.weekly").tokio().await;
        assert!(rows(&weekly, "SELECT 1 / (count(minutes) - count(minutes)) FROM people").await.is_err());
        assert_eq!(spent(&direct, "tester").await, 4.0);
        // So do sessions, purposes below and other proxies.
        let second_proxy = Proxy::with_policy(Cluster::shared(), PACK);
        let elsewhere = at(second_proxy.port(), "tester", "reports").tokio().await;
        for client in [&reports, &weekly, &elsewhere] {
            let refusal = refused(client, COUNT).await;
            for told in [
                "53400",
                "the budget of role \"tester\" for purpose \"reports\" is spent",
                "an epsilon of 2 with noise; of 4 in 2 hours, 0 are left; clause N-1 of Promises: \"Nobody stands out in what we count.\"",
                "renewed at 2",
            ] {
                assert!(refusal.contains(told), "{refusal}");
            }
            // Anything else goes on.
            assert_eq!(number(client, "SELECT count(id) FROM people WHERE id < 0").await, 0.0);
        }
        // Another role has its own.
        let second = at(proxy.port(), "second", "reports").tokio().await;
        rows(&second, COUNT).await.expect("a count");
        assert_eq!([spent(&direct, "second").await, spent(&direct, "tester").await], [2.0, 4.0]);
        // It is new after its time.
        let earlier = "UPDATE wherefore.budget SET began = began - interval '2 hours' WHERE role = 'tester'";
        direct.batch_execute(earlier).await.unwrap();
        rows(&elsewhere, COUNT).await.expect("a count");
        assert_eq!(spent(&direct, "tester").await, 2.0);
        // More than there ever is.
        let refusal = refused(&second, "SELECT city, count(*) FROM people GROUP BY CUBE (city, grade)").await;
        assert!(refusal.contains("an epsilon of 8 with noise; of 4 in 2 hours, 2 are left"), "{refusal}");
        // Where it cannot be charged nothing is told.
        direct.batch_execute("DROP TABLE wherefore.budget").await.unwrap();
        let refusal = refused(&elsewhere, COUNT).await;
        assert!(refusal.contains("57P03\nthe budget for purpose \"reports\" cannot be charged"), "{refusal}");
    });
}

/// A budget below another is a part of it: a payment comes out of both, or out of neither.
#[test]
fn a_budget_within_a_budget() {
    run(async {
        let (reports, direct, proxy) = clients("noise_within", "reports").await;
        let at = |purpose| At { port: proxy.port(), database: "noise_within", user: "tester", purpose: Some(purpose) };
        let daily = at("reports.daily").tokio().await;
        let spent = async || {
            let sql = "SELECT string_agg(purpose || ' ' || spent, ', ' ORDER BY purpose) FROM wherefore.budget";
            rows(&direct, sql).await.expect("what is spent")[0][0].clone().unwrap_or_default()
        };
        rows(&daily, COUNT).await.expect("a count");
        assert_eq!(spent().await, "reports 2000, reports.daily 2000");
        let refusal = refused(&daily, COUNT).await;
        assert!(
            refusal.contains("53400\nthe budget of role \"tester\" for purpose \"reports.daily\" is spent"),
            "{refusal}"
        );
        assert!(refusal.contains("of 2 in 1 hour, 0 are left"), "{refusal}");
        assert_eq!(spent().await, "reports 2000, reports.daily 2000", "nothing is paid for what is refused");
        rows(&reports, COUNT).await.expect("the rest of it");
        // The inner one is full again, the outer one is not.
        let earlier = "UPDATE wherefore.budget SET began = began - interval '1 hour'";
        direct.batch_execute(earlier).await.unwrap();
        let refusal = refused(&daily, COUNT).await;
        assert!(refusal.contains("for purpose \"reports\" is spent"), "{refusal}");
        assert!(refusal.contains("of 4 in 2 hours, 0 are left; clause N-1"), "{refusal}");
        assert_eq!(spent().await, "reports 4000, reports.daily 2000");
        direct.batch_execute("DROP TABLE wherefore.budget").await.unwrap();
        let refusal = refused(&daily, COUNT).await;
        assert!(
            refusal.contains("the budget for purpose \"reports\" or \"reports.daily\" cannot be charged"),
            "{refusal}"
        );
    });
}

/// Whatever executes it.
#[test]
fn every_execution_is_paid_for() {
    run(async {
        let (guarded, direct, _proxy) = clients("noise_paid", "statistics").await;
        let mut before = 0.0;
        let mut paid = async |what: &str, cost: f64| {
            let after = spent(&direct, "tester").await;
            assert_eq!(after - before, cost, "{what}");
            before = after;
        };
        rows(&guarded, COUNT).await.unwrap();
        paid("a query", 2.0).await;
        rows(&guarded, "SELECT city, count(*), sum(minutes), avg(price) FROM people GROUP BY city HAVING count(*) > 3")
            .await
            .unwrap();
        paid("three numbers, one of them twice", 4.0).await;
        rows(&guarded, "SELECT city, grade, count(*) FROM people GROUP BY ROLLUP (city, grade)").await.unwrap();
        paid("three grouping sets", 6.0).await;
        rows(&guarded, "COPY (SELECT count(minutes) FROM people) TO STDOUT").await.ok();
        paid("a copy", 2.0).await;
        let statement = guarded.prepare("SELECT count(*) FROM people WHERE minutes > $1").await.unwrap();
        paid("a statement that is prepared", 0.0).await;
        for minutes in [10, 20, 30] {
            guarded.query_one(&statement, &[&minutes]).await.unwrap();
            paid("a statement that is executed", 2.0).await;
        }
        guarded.batch_execute("PREPARE p AS SELECT count(minutes) FROM people").await.unwrap();
        paid("PREPARE", 0.0).await;
        for _ in 0..2 {
            rows(&guarded, "EXECUTE p").await.unwrap();
            paid("EXECUTE", 2.0).await;
        }
        guarded
            .batch_execute("BEGIN; DECLARE c CURSOR FOR SELECT city, count(minutes) FROM people GROUP BY city")
            .await
            .unwrap();
        paid("DECLARE", 2.0).await;
        for _ in 0..3 {
            rows(&guarded, "FETCH 1 FROM c").await.unwrap();
            paid("FETCH", 0.0).await;
        }
        guarded.batch_execute("COMMIT").await.unwrap();
        // Of EXECUTE and DECLARE by the extended protocol too.
        guarded.query("EXECUTE p", &[]).await.unwrap();
        paid("EXECUTE that is bound", 2.0).await;
        guarded.query(COUNT, &[]).await.unwrap();
        paid("a query that is bound", 2.0).await;
        guarded.query("SELECT id FROM people", &[]).await.unwrap();
        paid("what tells of open columns", 0.0).await;
        let pipeline = async |sql: &'static str| guarded.query(sql, &[]).await.map(|rows| rows.len());
        let all = futures_of(&pipeline, &[COUNT, "SELECT sum(minutes) FROM people", COUNT]).await;
        assert_eq!(all, [Ok(1), Ok(1), Ok(1)]);
        paid("a pipeline", 6.0).await;
    });
}

/// At once, as a pipeline.
async fn futures_of<F: AsyncFn(&'static str) -> Result<usize, tokio_postgres::Error>>(
    ask: &F,
    texts: &[&'static str; 3],
) -> Vec<Result<usize, String>> {
    let (a, b, c) = tokio::join!(ask(texts[0]), ask(texts[1]), ask(texts[2]));
    [a, b, c].into_iter().map(|outcome| outcome.map_err(|error| error.to_string())).collect()
}

/// Many sessions at once spend no more than there is.
#[test]
fn a_budget_is_not_overdrawn_by_many_at_once() {
    run(async {
        let (_guarded, direct, proxy) = clients("noise_many", "reports").await;
        let second_proxy = Proxy::with_policy(Cluster::shared(), PACK);
        let ports = [proxy.port(), second_proxy.port()];
        let ask = |number: usize| {
            let at = At { port: ports[number % 2], database: "noise_many", user: "tester", purpose: Some("reports") };
            async move {
                let client = at.tokio().await;
                rows(&client, COUNT).await.is_ok()
            }
        };
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..8 {
            tasks.spawn(ask(number));
        }
        let answered = tasks.join_all().await.into_iter().filter(|answered| *answered).count();
        assert_eq!((answered, spent(&direct, "tester").await), (2, 4.0));
    });
}

/// Whoever keeps budgets may do that and no more; clients may not.
#[test]
fn budgets_are_kept_by_one_role() {
    let cluster = Cluster::shared();
    let roles = ["PUBLIC".to_owned()];
    let script = pseudonyms::script(&roles, &[]) + &noise::script(&roles, Some("purse keeper"));
    let schema = format!("CREATE ROLE \"purse keeper\"; CREATE ROLE teller; {script}{script}");
    cluster.database("noise_keeper", &schema);
    let allowed = |role: &str, right: &str| {
        let sql = format!(
            "DO $$ BEGIN IF has_table_privilege('{role}', 'wherefore.budget', '{right}') THEN RAISE 'may'; END IF; END $$"
        );
        std::panic::catch_unwind(|| cluster.sql("noise_keeper", &sql)).is_err()
    };
    for right in ["SELECT", "INSERT", "UPDATE"] {
        assert!(allowed("purse keeper", right) && !allowed("teller", right), "{right}");
    }
    assert!(!allowed("purse keeper", "DELETE") && !allowed("purse keeper", "TRUNCATE"));
    cluster.sql("noise_keeper", "SET ROLE teller; SELECT wherefore.noise(1000, 500)");
    cluster.sql("noise_keeper", &format!("{}{}", noise::REMOVAL, pseudonyms::REMOVAL));
}
