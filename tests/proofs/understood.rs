//! Not over-blocking: what tools and ORMs send is understood under a restricted purpose that closes one column nobody uses.

use crate::common::raw::Raw;
use crate::common::transcript::{Difference, compare, outline};
use crate::common::{At, Cluster, Proxy};
use crate::core::{bound, corpora, on_workers_stack, outcome, read, view};
use std::collections::BTreeMap;
use std::sync::Arc;
use wherefore::catalog::Catalog;

/// What the corpora set up is run directly; those that change the schema need a right that no restricted purpose has.
const SET_UP: &[&str] = &[
    "create",
    "alter",
    "drop",
    "grant",
    "revoke",
    "comment",
    "reindex",
    "analyze",
    "vacuum",
    "cluster",
    "refresh",
    "reassign",
    "checkpoint",
    "security",
];
/// What is not understood, and why: what a DO block runs stands in another language.
const NOT: &[&str] = &["DO is not understood"];

/// Where an answer may differ from the server's own, by words of the statement.
const BY_DESIGN: &[(Difference, &[&str])] = &[
    (Difference::ErrorThroughProxy, &["do $$"]),
    // Columns of catalogs that are null for everyone: counts, sizes, secrets.
    (Difference::Columns, &["relpages", "subconninfo", "datfrozenxid", "rolpassword"]),
    (Difference::Order, &["relpages"]),
    // Both sides draw from one sequence.
    (Difference::Rows, &["pg_table_size", "pg_tablespace_size", "pg_database_size", "RETURNING"]),
    // It fails on both sides: a row that is shown holds a number of the sequence, a relation is not there.
    (Difference::Words, &["violates not-null constraint", "does not exist"]),
    (Difference::Codes, &["schema \"app\" does not exist"]),
];

fn sets_up(text: &str) -> bool {
    let text = crate::common::script::without_comments(text).to_lowercase();
    let first: String = text.chars().take_while(|c| c.is_alphabetic()).collect();
    SET_UP.contains(&first.as_str())
}

/// The tools' tables and views in a database of their own.
fn set_up(database: &'static str, statements: &[(String, String)]) -> At<'static> {
    let cluster = Cluster::shared();
    cluster.database(database, "CREATE TABLE wherefore_unused (closed int, open int)");
    let at = At { port: cluster.port(), database, user: "keeper", purpose: None };
    let mut session: Raw = at.raw();
    for (_, text) in statements.iter().filter(|(_, text)| sets_up(text)) {
        // What fails here, for want of an extension or of a role, leaves its statements without their tables.
        let _ = session.ask(text, None);
        let _ = session.ask("ROLLBACK", None);
    }
    at
}

/// A statement with nulls in place of its parameters.
fn with_nulls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let digits = rest[at + 1..].chars().take_while(char::is_ascii_digit).count();
        out.push_str(&rest[..at]);
        out.push_str(if digits > 0 { "NULL" } else { "$" });
        rest = &rest[at + 1 + digits..];
    }
    out + rest
}

#[test]
fn what_tools_send_is_answered_as_without_the_proxy() {
    let statements = corpora();
    let direct = At { user: "tester", ..set_up("answered", &statements) };
    let cluster = Cluster::shared();
    cluster.sql("answered", "ALTER ROLE tester SUPERUSER");
    let proxy = Proxy::with_policy(cluster, include_str!("../suites/policy.toml"));
    let through = At { port: proxy.port(), purpose: Some("app"), ..direct };
    let (mut one, mut other) = (direct.raw(), through.raw());
    let (mut compared, mut alike) = (0, 0);
    let mut different: BTreeMap<Difference, Vec<String>> = BTreeMap::new();
    for (_, text) in statements.iter().filter(|(_, text)| !sets_up(text)) {
        let text = with_nulls(text);
        let ask = |session: &mut Raw| {
            let _ = session.ask("BEGIN", None);
            let answer = session.ask(&text, Some("\\.\n")).expect("an answer");
            let _ = session.ask("ROLLBACK", None);
            let _ = session.ask("RESET ALL", None);
            answer
        };
        let (expected, answer) = (ask(&mut one), ask(&mut other));
        compared += 1;
        match compare(&expected, &answer) {
            Difference::None => alike += 1,
            how => different.entry(how).or_default().push(format!(
                "{}\n      direct:  {}\n      proxied: {}",
                text.chars().take(3000).collect::<String>(),
                outline(&expected).chars().take(300).collect::<String>(),
                outline(&answer).chars().take(300).collect::<String>()
            )),
        }
    }
    let mut unexplained: Vec<String> = Vec::new();
    for (how, reports) in &different {
        println!("    {how:?}: {}", reports.len());
        let known = BY_DESIGN.iter().filter(|(known, _)| known == how);
        let explained =
            |report: &&String| known.clone().all(|(_, words)| !words.iter().any(|word| report.contains(word)));
        unexplained.extend(reports.iter().filter(explained).map(|report| format!("{how:?}: {report}")));
    }
    println!("PROOF answered statements={compared} alike={alike}");
    assert!(unexplained.is_empty(), "answered differently:\n{}", unexplained.join("\n"));
    assert!(alike > 1_100, "only {alike} of {compared} answers are alike");
}

#[test]
fn what_tools_send_is_understood() {
    let statements = corpora();
    set_up("understood", &statements);
    let catalog = Arc::new(Catalog::new(read("understood"), 1));
    let (counts, reasons) = on_workers_stack(move || {
        // No function of the tools' own is listed.
        let policy = include_str!("../suites/policy.toml").split("[function.").next().unwrap_or_default();
        let view = view(&bound(policy, &catalog), "app");
        let (mut counts, mut reasons) =
            (BTreeMap::<String, (usize, usize)>::new(), BTreeMap::<String, (usize, String)>::new());
        for (corpus, text) in statements.into_iter().filter(|(_, text)| !sets_up(text)) {
            let Some(outcome) = outcome(&view, &text) else { continue };
            let count = counts.entry(corpus).or_default();
            count.0 += 1;
            match outcome {
                Err(refusal) if refusal.contains("is not understood") => {
                    let what = refusal.split_once("is restricted, and ").map_or(refusal.as_str(), |(_, what)| what);
                    reasons.entry(what.to_owned()).or_insert_with(|| (0, text)).0 += 1;
                }
                _understood => count.1 += 1,
            }
        }
        (counts, reasons)
    });
    let (all, understood) =
        counts.values().fold((0, 0), |(all, understood), count| (all + count.0, understood + count.1));
    for (corpus, (all, understood)) in &counts {
        println!("    {corpus}: {understood} of {all}");
    }
    for (what, (count, example)) in &reasons {
        println!(
            "    {count} × {what} — {}",
            example.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(160).collect::<String>()
        );
    }
    println!(
        "PROOF understood corpora={} statements={all} understood={understood} reasons={}",
        counts.len(),
        reasons.len()
    );
    assert!(all > 900, "only {all} statements were judged");
    let left: Vec<&String> = reasons.keys().filter(|what| !NOT.contains(&what.as_str())).collect();
    assert!(left.is_empty(), "not understood in the tool corpora: {left:?}");
}
