//! Not over-blocking: what tools and ORMs send is understood under a restricted purpose that closes one column nobody uses.

use crate::common::raw::Raw;
use crate::common::{At, Cluster};
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

fn sets_up(text: &str) -> bool {
    let text = crate::common::script::without_comments(text).to_lowercase();
    let first: String = text.chars().take_while(|c| c.is_alphabetic()).collect();
    SET_UP.contains(&first.as_str())
}

#[test]
fn what_tools_send_is_understood() {
    let cluster = Cluster::shared();
    cluster.database("understood", "CREATE TABLE wherefore_unused (closed int, open int)");
    let at = At { port: cluster.port(), database: "understood", user: "keeper", purpose: None };
    let mut session: Raw = at.raw();
    let statements = corpora();
    for (_, text) in statements.iter().filter(|(_, text)| sets_up(text)) {
        // What fails here, for want of an extension or of a role, leaves its statements without their tables.
        let _ = session.ask(text, None);
        let _ = session.ask("ROLLBACK", None);
    }
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
