//! Usages that a rule closes of a column that it gives: each construct is one usage or another, and what is not told apart is all.

use super::{clients_on, rows, run};

const SCHEMA: &str = "
    CREATE TABLE people (id int PRIMARY KEY, name text, email text, score int);
    INSERT INTO people SELECT i, 'name ' || i, i || '@x', i FROM generate_series(1, 4) i;
    CREATE TABLE mails (id int PRIMARY KEY, address text, body text);
    INSERT INTO mails SELECT i, i || '@x', 'b' FROM generate_series(1, 4) i;
    CREATE TABLE notes (id int PRIMARY KEY, body text);
    INSERT INTO notes VALUES (1, 'a');
    CREATE VIEW everyone AS SELECT id, email, score FROM people;
    CREATE VIEW best AS SELECT max(score) AS best FROM people;
    CREATE FUNCTION mail_of(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM public.people WHERE id = $1';
";

/// Each purpose closes one usage of e-mail and score, and opens the rest.
fn pack() -> String {
    let mut pack = r#"
    [pack]
    name = "usages"
    document = "A Promise"
    dated = 2026-01-01
    [category.plain]
    [category.contact]
    [category.number]
    [purpose.admin]
    unrestricted = true
    [clause."U-1"]
    words = "We do not sort you."
    [[rule]]
    id = "plain"
    clause = "U-1"
    category = "plain"
    rights = ["read", "insert", "update", "delete"]
    effect = "allow"
    [[rule]]
    id = "written"
    clause = "U-1"
    category = ["contact", "number"]
    rights = ["update", "delete"]
    effect = "allow"
    [table."public.people"]
    default = "plain"
    columns.email = "contact"
    columns.score = ["number", "plain"]
    [table."public.mails"]
    default = "plain"
    [table."public.notes"]
    default = "plain"
    [role.keeper]
    purposes = ["admin"]
    default = "admin"
    "#
    .to_owned();
    let usages = ["output", "filter", "join", "group", "sort", "aggregate"];
    for usage in usages {
        pack += &format!(
            "
    [purpose.no_{usage}]
    [[rule]]
    id = \"not-{usage}\"
    clause = \"U-1\"
    category = [\"contact\", \"number\"]
    purpose = \"no_{usage}\"
    effect = \"allow\"
    {usage} = \"deny\"
    "
        );
    }
    pack += r#"
    [purpose.masked]
    [[rule]]
    id = "masked"
    clause = "U-1"
    category = ["contact", "number"]
    purpose = "masked"
    effect = { mask = "null" }
    group = "deny"
    "#;
    let purposes: Vec<String> = usages.iter().map(|usage| format!("\"no_{usage}\"")).collect();
    pack + &format!("[role.tester]\npurposes = [\"masked\", {}]\n", purposes.join(", "))
}

/// A statement, and the usages by which it may be refused.
const STATEMENTS: &[(&str, &[&str])] = &[
    ("SELECT id, name FROM people", &[]),
    ("SELECT count(*) FROM people", &[]),
    ("SELECT id FROM everyone", &[]),
    ("SELECT email FROM people", &["output"]),
    ("SELECT * FROM people", &["output"]),
    ("SELECT p FROM people p", &["output"]),
    ("SELECT upper(email) FROM people", &["output"]),
    ("SELECT CASE WHEN email = '1@x' THEN 1 END FROM people", &["output"]),
    ("SELECT e FROM (SELECT email AS e FROM people) AS s", &["output"]),
    ("WITH c AS (SELECT email FROM people) SELECT email FROM c", &["output"]),
    ("SELECT (SELECT email FROM people WHERE id = 1)", &["output"]),
    ("SELECT email FROM everyone", &["output", "aggregate"]),
    ("SELECT id FROM people WHERE email = '1@x'", &["filter"]),
    ("SELECT id FROM people WHERE id = 1 AND score BETWEEN 1 AND 2", &["filter"]),
    ("SELECT id FROM (SELECT id, email FROM people) s WHERE email LIKE '1%'", &["filter"]),
    ("UPDATE people SET name = 'x' WHERE email = '1@x'", &["filter"]),
    ("DELETE FROM people WHERE score = 100", &["filter"]),
    ("SELECT count(*) FILTER (WHERE score > 1) FROM people", &["filter"]),
    ("SELECT id FROM people LIMIT (SELECT score FROM people WHERE id = 1)", &["filter"]),
    ("SELECT i FROM people, generate_series(1, score) AS i", &["filter", "output"]),
    ("SELECT p.id FROM people p JOIN mails m ON m.address = p.email", &["join", "filter"]),
    ("SELECT p.id FROM people p LEFT JOIN mails m ON p.email = '1@x'", &["join", "filter"]),
    ("SELECT id FROM people a JOIN people b USING (id, email)", &["join", "filter"]),
    ("SELECT p.id FROM people p, mails m WHERE m.address = p.email", &["join", "filter"]),
    ("SELECT p.id FROM people p, mails m WHERE m.id = p.id AND p.email = '1@x'", &["filter"]),
    ("WITH c AS (SELECT email FROM people) SELECT 1 FROM c a, c b WHERE a.email = b.email", &["join", "filter"]),
    ("SELECT id FROM people WHERE email IN (SELECT address FROM mails)", &["join", "filter"]),
    ("SELECT id FROM mails m WHERE EXISTS (SELECT 1 FROM people p WHERE p.email = m.address)", &["join", "filter"]),
    ("SELECT count(*) FROM people GROUP BY email", &["group"]),
    ("SELECT count(*) FROM people GROUP BY ROLLUP (score)", &["group"]),
    ("SELECT rank() OVER (PARTITION BY score) FROM people", &["group"]),
    ("SELECT DISTINCT email FROM people", &["group", "output"]),
    ("SELECT email FROM people UNION SELECT address FROM mails", &["group", "output"]),
    ("SELECT id FROM people ORDER BY email", &["sort"]),
    ("SELECT rank() OVER (ORDER BY score) FROM people", &["sort"]),
    ("SELECT string_agg(name, ',' ORDER BY email) FROM people", &["sort"]),
    ("SELECT sum(score) FROM people", &["aggregate", "output"]),
    ("SELECT count(DISTINCT email) FROM people", &["aggregate", "output"]),
    ("SELECT name FROM people GROUP BY name HAVING max(score) > 2", &["aggregate", "filter"]),
    ("SELECT name FROM people GROUP BY name ORDER BY max(score)", &["aggregate", "sort"]),
    ("SELECT lag(score) OVER (ORDER BY id) FROM people", &["aggregate", "output"]),
    ("SELECT json_agg(email) FROM people", &["aggregate", "output"]),
    ("SELECT best FROM best", &["aggregate", "output"]),
    ("SELECT mail_of(1)", &["output", "filter", "join", "group", "sort", "aggregate"]),
];

#[test]
fn each_construct_is_refused_by_the_usages_that_it_is() {
    run(async {
        let mut wrong = Vec::new();
        for usage in ["output", "filter", "join", "group", "sort", "aggregate"] {
            let (guarded, _direct, _proxy) =
                clients_on(&format!("usages_{usage}"), SCHEMA, &format!("no_{usage}"), &pack()).await;
            for (sql, refused_by) in STATEMENTS {
                let answer = rows(&guarded, sql).await.err();
                let named =
                    |error: &String| error.starts_with("42501: purpose") && error.contains(&format!("(usage {usage})"));
                let as_wanted = match refused_by.contains(&usage) {
                    true => answer.as_ref().is_some_and(named),
                    false => answer.is_none(),
                };
                if !as_wanted {
                    wrong.push(format!("without {usage}: {sql}: {answer:?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn an_error_shows_nothing_of_what_may_not_be_shown() {
    run(async {
        let (guarded, _direct, _proxy) = clients_on("usages_errors", SCHEMA, "no_output", &pack()).await;
        let error = rows(&guarded, "SELECT id FROM people WHERE email::int > 0").await.expect_err("not a number");
        assert!(error.starts_with("22P02") && !error.contains("@x"), "{error}");
    });
}

#[test]
fn what_remains_of_a_mask_is_the_column_and_the_refusal_names_the_rule() {
    run(async {
        let (guarded, _direct, _proxy) = clients_on("usages_masked", SCHEMA, "masked", &pack()).await;
        assert_eq!(rows(&guarded, "SELECT email FROM people WHERE id = 1").await, Ok(vec![vec![None]]));
        let refused = guarded.simple_query("SELECT count(*) FROM people GROUP BY email").await.expect_err("closed");
        let refused = refused.as_db_error().expect("a report");
        assert_eq!(refused.message(), "purpose \"masked\" may not group by public.people.email (usage group)");
        let detail = refused.detail().unwrap_or_default();
        assert!(
            detail.contains("masked") && detail.contains("U-1") && detail.contains("We do not sort you."),
            "{detail}"
        );
    });
}

#[test]
fn what_is_written_is_an_output_and_what_decides_about_it_a_filter_or_join() {
    run(async {
        for (usage, sql) in [
            ("output", "UPDATE notes SET body = (SELECT email FROM people WHERE people.id = 1)"),
            ("output", "INSERT INTO notes SELECT id + 10, email FROM people"),
            ("filter", "INSERT INTO notes SELECT id + 10, name FROM people WHERE email = '1@x'"),
            ("join", "UPDATE mails SET body = 'x' FROM people p WHERE p.email = mails.address"),
        ] {
            let database = format!("usages_written_{usage}_{}", sql.len());
            let (guarded, _direct, _proxy) = clients_on(&database, SCHEMA, &format!("no_{usage}"), &pack()).await;
            let error = rows(&guarded, sql).await.expect_err(sql);
            assert!(error.contains(&format!("(usage {usage})")), "{sql}: {error}");
        }
    });
}

#[test]
fn what_is_copied_goes_to_where_all_may_use_it_in_every_way() {
    run(async {
        // Others may not sort by e-mail, and would sort by what it was copied into.
        let (guarded, _direct, _proxy) = clients_on("usages_flow", SCHEMA, "no_sort", &pack()).await;
        let error = rows(&guarded, "UPDATE notes SET body = (SELECT email FROM people WHERE people.id = 1)").await;
        let error = error.expect_err("laundering");
        assert!(error.starts_with("42501: this would carry"), "{error}");
    });
}
