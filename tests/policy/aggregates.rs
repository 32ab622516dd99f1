//! `docs/aggregates.md`: its policy loads, and its statements are permitted or refused as it says.

use super::fixture::{bound, parse};
use std::sync::Arc;
use wherefore::catalog::SearchPath;
use wherefore::enforce::{Encoding, Judged, Limits, Plan, View, judge_text};
use wherefore::policy::Colour;
use wherefore::sql::STACK_BYTES;

const PAGE: &str = include_str!("../../docs/aggregates.md");

const DDL: &str = "
    CREATE TABLE teams (id int4 PRIMARY KEY, label text);
    CREATE TABLE users (id int4 PRIMARY KEY, name text, city text, team_id int4, minutes int4, plan text, seen date);
    CREATE TABLE events (id int4 PRIMARY KEY, user_id int4 NOT NULL, feature text, minutes int4, clicks int4, at timestamptz);
";

/// The first block of the page that begins so.
fn block(kind: &str) -> &'static str {
    blocks(kind).next().unwrap_or_else(|| panic!("no block {kind}"))
}

fn blocks(kind: &str) -> impl Iterator<Item = &'static str> {
    let opening = format!("```{kind}\n");
    let begins = PAGE.match_indices(&opening).map(|(at, opening)| at + opening.len()).collect::<Vec<_>>();
    begins.into_iter().map(|from| &PAGE[from..from + PAGE[from..].find("```").unwrap()])
}

fn judged(policy: &str, statements: &str) -> Vec<(String, Result<String, String>)> {
    let (policy, statements) = (policy.to_owned(), statements.to_owned());
    let work = move || {
        let bound = Arc::new(bound(&policy, DDL));
        let purpose = bound.policy().purpose("product_improvement");
        let principal = Arc::new(bound.policy().principal("analyst", &[]));
        let view = View::new(bound, principal, purpose, SearchPath::new(["public".into()]), Encoding::Utf8);
        let judge = |text: &str| match judge_text(&view, text, &Limits::default()) {
            Judged::One(planned) => match planned.plan {
                Plan::Rewrite(rewritten) => Ok(rewritten.text.to_string()),
                Plan::Refuse(refusal) => Err(refusal.report()),
                Plan::Forward => panic!("{text} is forwarded"),
            },
            other => panic!("{text}: {other:?}"),
        };
        statements.lines().map(|text| (text.to_owned(), judge(text))).collect()
    };
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).unwrap().join().unwrap()
}

#[test]
fn the_page_says_what_may_be_asked() {
    let permitted = judged(block("toml"), block("sql permitted"));
    assert!(permitted.len() >= 8);
    for (text, outcome) in permitted {
        let sent = outcome.unwrap_or_else(|refusal| panic!("{text}\n{refusal}"));
        assert!(sent.contains("\"wherefore subject\"") && sent.contains(">=) 10"), "{text}\n{sent}");
    }
}

#[test]
fn the_page_says_what_is_refused() {
    let refused = judged(block("toml"), block("sql refused"));
    assert!(refused.len() >= 12);
    for (text, outcome) in refused {
        let refusal = outcome.expect_err(&text);
        for told in ["in aggregates over at least 10 subjects only", "clause 3e", "HINT: Permitted is one query"] {
            assert!(refusal.contains(told), "{text}\n{refusal}");
        }
    }
}

/// The example of noise is a policy, but for what the first example declares.
#[test]
fn the_page_says_what_noise_needs() {
    let declared = "[pack]\nname = \"noise\"\ndocument = \"Promises\"\n[category.usage]\n[clause.\"3e\"]\nwords = \"Aggregates only.\"\n";
    let noise = blocks("toml").nth(1).expect("an example of noise");
    let policy = format!("{declared}{noise}");
    for (text, outcome) in judged(&policy, "SELECT sum(minutes) FROM users\nSELECT count(minutes) FROM events") {
        let refusal = outcome.expect_err(&text);
        // All but the function is there, which `wherefore install` makes.
        assert!(refusal.contains("the database has no function for noise"), "{text}\n{refusal}");
        assert!(refusal.contains("in aggregates over at least 10 subjects only"), "{text}\n{refusal}");
    }
}

/// Which subjects a table's rows are about must be known of every row.
#[test]
fn a_subject_key_that_may_be_null_releases_nothing() {
    let policy = block("toml");
    for (from, to) in [("subject_key = \"id\" ", "subject_key = \"team_id\" "), ("subject_key = \"id\" ", "# ")] {
        let changed = policy.replacen(from, to, 1);
        assert_ne!(changed, policy);
        for (text, outcome) in judged(&changed, "SELECT avg(minutes) FROM users") {
            let refusal = outcome.expect_err(&text);
            assert!(refusal.contains("names no `subject_key` of public.users that is NOT NULL"), "{refusal}");
        }
    }
}

/// Of several thresholds the highest counts, and a mask beside one closes.
#[test]
fn several_categories_on_a_column() {
    let second = |effect: &str| {
        let rule = format!(
            "[category.more]\n[[rule]]\nid = \"more\"\nclause = \"3e\"\ncategory = \"more\"\npurpose = \"product_improvement\"\n\
             effect = {effect}\n"
        );
        let tagged = block("toml").replace("columns.minutes = \"usage\"", "columns.minutes = [\"usage\", \"more\"]");
        format!("{tagged}{rule}")
    };
    let text = "SELECT avg(minutes) FROM users";
    let outcome = |effect: &str| judged(&second(effect), text).remove(0).1;
    assert!(outcome("{ aggregate = { min_subjects = 25 } }").unwrap().contains(">=) 25"));
    assert!(outcome("{ aggregate = { min_subjects = 3 } }").unwrap().contains(">=) 10"));
    assert!(outcome("\"allow\"").unwrap().contains(">=) 10"));
    let noisy = outcome("{ aggregate = { min_subjects = 3, noise = { epsilon = 1 } } }").unwrap_err();
    assert!(noisy.contains("no function for noise"), "{noisy}");
    // Each says what it asks for, whichever threshold is the higher.
    for both in
        ["{ aggregate = { min_subjects = 3, round = 50 } }", "{ aggregate = { min_subjects = 25, round = 50 } }"]
    {
        assert!(outcome(both).unwrap().contains("OPERATOR(pg_catalog./) 50"), "{both}");
    }
    for closing in ["{ mask = \"null\" }", "\"deny\""] {
        assert!(outcome(closing).unwrap_err().contains("may not read public.users.minutes"), "{closing}");
    }
}

#[test]
fn thresholds_that_are_none() {
    let check = |effect: &str, expected: &str| {
        let policy = block("toml").replace("{ aggregate = { min_subjects = 10 } }", effect);
        let errors = parse(&policy).expect_err(effect).render(Colour::Plain);
        assert!(errors.contains(expected), "{effect}\n{errors}");
    };
    check("\"aggregate\"", "lacks its threshold");
    check("{ aggregate = {} }", "`min_subjects` is missing");
    check("{ aggregate = { min_subjects = 1 } }", "`min_subjects` is no threshold");
    check("{ aggregate = { min_subjects = \"10\" } }", "`min_subjects` is no threshold");
    check("{ aggregate = { min_subjects = 99999999999 } }", "`min_subjects` is no threshold");
    check("{ aggregate = { min_subjects = 10, noise = 1 } }", "expected a table");
    check("{ aggregate = { min_subjects = 10, noise = {} } }", "`epsilon` is missing");
    check("{ aggregate = { min_subjects = 10, noise = { epsilon = 0 } } }", "expected a number from 0.001 to 10");
    check("{ aggregate = { min_subjects = 10, noise = { epsilon = 0.0005 } } }", "expected a number from 0.001 to 10");
    check("{ aggregate = { min_subjects = 10, noise = { epsilon = -1.0 } } }", "expected a number from 0.001 to 10");
    check("{ aggregate = { min_subjects = 10, noise = { epsilon = 1, delta = 1 } } }", "unknown key `delta` in noise");
    check("{ aggregate = { min_subjects = 10, round = 0 } }", "expected a number from 1 to 1000000000");
    check("{ aggregate = { min_subjects = 10, round = 0.5 } }", "whole number");
    check("{ aggregate = { min_subjects = 10 }, mask = \"null\" }", "two effects in one rule");
    let writing = "{ aggregate = { min_subjects = 10 } }\nrights = [\"read\", \"insert\"]";
    check(writing, "aggregates what is written");
}

/// What noise needs beside its rule.
#[test]
fn budgets_and_bounds_that_are_none() {
    let check = |purpose: &str, table: &str, expected: &str| {
        let policy = block("toml")
            .replace("[purpose.product_improvement]", &format!("[purpose.product_improvement]\n{purpose}"))
            .replace("[table.\"public.users\"]", &format!("[table.\"public.users\"]\n{table}"));
        let errors = parse(&policy).expect_err(expected).render(Colour::Plain);
        assert!(errors.contains(expected), "{purpose} {table}\n{errors}");
    };
    check("budget = 10", "", "expected a table");
    check("budget = { per = \"1 day\" }", "", "`epsilon` of the budget is missing");
    check("budget = { epsilon = 10 }", "", "`per` is missing");
    check("budget = { epsilon = 10, per = \"a day\" }", "", "`a day` is no length of time");
    check("budget = { epsilon = 10, per = \"1 month\" }", "", "`1 month` is no length of time");
    check("budget = { epsilon = 10, per = \"1 day\", clause = \"none\" }", "", "`none`");
    check("", "bounds.minutes = 10", "these are no bounds");
    check("", "bounds.minutes = [10, 0]", "these are no bounds");
    check("", "bounds.minutes = [0, 1.5]", "these are no bounds");
    check("", "bounds.minutes = [0, 1_000_000_000_001]", "these are no bounds");
    check("", "rows_per_subject = 0", "expected a number from 1 to 10000");
}

#[test]
fn lints_of_noise() {
    let check = |purpose: &str, tables: &str, expected: &[&str]| {
        let policy = block("toml")
            .replace("[purpose.product_improvement]", &format!("[purpose.product_improvement]\n{purpose}"))
            .replace("min_subjects = 10 }", "min_subjects = 10, noise = { epsilon = 0.5 } }")
            .replace("[table.\"public.events\"]", &format!("[table.\"public.events\"]\n{tables}"));
        let bound = bound(&policy, DDL);
        let loaded = parse(&policy).expect("a policy");
        let told: Vec<String> =
            loaded.lints.iter().chain(bound.lints()).map(|lint| lint.message().to_owned()).collect();
        for lint in [
            "tells nothing to purposes without a budget",
            "tells with noise, which this database cannot make",
            "tells nothing of tables that do not bound a person's rows",
            "tells no sum and no average of columns without bounds",
        ] {
            assert_eq!(told.iter().any(|told| told.contains(lint)), expected.contains(&lint), "{lint}: {told:?}");
        }
    };
    let (budget, made) =
        ("tells nothing to purposes without a budget", "tells with noise, which this database cannot make");
    let rows = "tells nothing of tables that do not bound a person's rows";
    let bounds = "tells no sum and no average of columns without bounds";
    check("", "", &[budget, made, rows, bounds]);
    check("budget = { epsilon = 5, per = \"1 day\" }", "rows_per_subject = 5", &[made, bounds]);
}
