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
    let from = PAGE.find(&format!("```{kind}\n")).unwrap_or_else(|| panic!("no block {kind}")) + kind.len() + 4;
    &PAGE[from..from + PAGE[from..].find("```").unwrap()]
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
    check("{ aggregate = { min_subjects = 10, noise = 1 } }", "`noise` is not supported yet");
    check("{ aggregate = { min_subjects = 10, round = 0 } }", "expected a number from 1 to 1000000000");
    check("{ aggregate = { min_subjects = 10, round = 0.5 } }", "whole number");
    check("{ aggregate = { min_subjects = 10 }, mask = \"null\" }", "two effects in one rule");
    let writing = "{ aggregate = { min_subjects = 10 } }\nrights = [\"read\", \"insert\"]";
    check(writing, "aggregates what is written");
}
