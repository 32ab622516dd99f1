//! The two packs: they load, they fit their schema, and what each purpose may see.

use super::fixture::{catalog, pack, reader, ruling};
use std::fmt::Write as _;
use std::sync::Arc;
use wherefore::catalog::Catalog;
use wherefore::policy::{Bound, Colour, Effect, Policy};
use wherefore::vocab::{Cause, Right};

fn load(name: &str) -> (Bound, Vec<String>) {
    let loaded = Policy::parse(&pack(name)).unwrap_or_else(|errors| panic!("{}", errors.render(Colour::Plain)));
    let lints = loaded.lints.iter().map(|lint| lint.message().to_owned()).collect();
    let ddl = std::fs::read_to_string(format!("policy/{name}/schema.sql")).unwrap();
    let catalog: Arc<Catalog> = catalog(&ddl);
    (Bound::new(Arc::new(loaded.policy), catalog), lints)
}

#[track_caller]
fn check_lints(name: &str, of_catalog: &[&str]) {
    let (bound, lints) = load(name);
    assert_eq!(lints, [""; 0]);
    assert_eq!(bound.lints().iter().map(|lint| lint.message()).collect::<Vec<_>>(), of_catalog);
    assert_eq!(bound.untagged(), []);
}

#[test]
fn botpress_lacks_nothing() {
    check_lints("botpress", &[]);
}

#[test]
fn pystorm_lacks_nothing_but_what_the_database_installs() {
    let pseudonyms = |rule| format!("rule `{rule}` shows pseudonyms, which this database cannot make");
    let rules = ["training-without-the-person", "moderation-without-the-person", "improvement-without-the-person"];
    let lints = rules.map(pseudonyms);
    check_lints("pystorm", &lints.each_ref().map(String::as_str));
}

/// Every ruling of a pack, relation by relation and purpose by purpose.
fn matrix(name: &str) -> String {
    let (bound, _) = load(name);
    let mut out = String::new();
    for relation in bound.catalog().relations() {
        for purpose in bound.policy().purposes() {
            let name = bound.policy().purpose_name(purpose);
            let ruled = bound.ruling(Some(purpose.into()), relation);
            let all_alike =
                ruled.columns.windows(2).all(|pair| pair[0].cause == pair[1].cause && pair[0].effect == pair[1].effect);
            let report = ruling(&bound, Some(name), &relation.name);
            if ruled.whole() {
                writeln!(out, "{} for {name}: whole", relation.name).unwrap();
            } else if all_alike {
                let line = report.lines().next().unwrap().split_once(": ").unwrap().1;
                writeln!(out, "{} for {name}: {line}", relation.name).unwrap();
            } else {
                writeln!(out, "{} for {name}:\n    {}", relation.name, report.trim_end().replace('\n', "\n    "))
                    .unwrap();
            }
        }
    }
    out
}

#[test]
fn rulings_of_botpress() {
    insta::assert_snapshot!(matrix("botpress"));
}

#[test]
fn rulings_of_pystorm() {
    insta::assert_snapshot!(matrix("pystorm"));
}

#[test]
fn a_message_is_not_for_training_and_the_refusal_can_quote_why() {
    let (bound, _) = load("botpress");
    let messages = bound.catalog().relation_in("public", "messages").unwrap();
    let ruled = bound.ruling(reader(&bound, "model_training"), messages);
    let body = &ruled.columns[messages.columns.iter().position(|column| &*column.name == "body").unwrap()];
    let Cause::Rule { rule, clause: Some(clause) } = &body.cause else { panic!("{:?}", body.cause) };
    assert_eq!((&**rule, &*clause.id, &*clause.dated), ("no-training-on-end-users", "B-1d", "2023-08-24"));
    assert_eq!(
        &*clause.words,
        "We do not use Conversation Data or other End-User personal data for any other purpose, which includes analytics \
         and algorithms and model improvements or training."
    );
    assert_eq!((&*body.categories[0], body.subject.as_deref()), ("conversation_data", Some("end_user")));
    assert!(!ruled.countable());
}

#[test]
fn the_service_passes_untouched() {
    let (bound, _) = load("botpress");
    for name in ["companies", "bots", "bot_contents"] {
        let relation = bound.catalog().relation_in("public", name).unwrap();
        assert!(bound.ruling(reader(&bound, "service_operation"), relation).whole(), "{name}");
    }
}

#[test]
fn hints_name_only_what_the_principal_may_declare() {
    let (bound, _) = load("botpress");
    let messages = bound.catalog().relation_in("public", "messages").unwrap();
    let body = messages.columns.iter().find(|column| &*column.name == "body").unwrap().number;
    let check = |user: &str, expected: &[&str]| {
        let principal = bound.policy().principal(user, &[]);
        let names = bound.purposes_that_open(&principal, Right::Read, &[(messages.oid, Some(body))], 5);
        assert_eq!(names.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), expected, "{user}");
    };
    check("ml_engineer", &[]);
    check("support_agent", &["customer_support", "technical_support"]);
    check("app_service", &["service_operation", "customer_support", "technical_support", "end_user_collection"]);
    check("dba", &["administration"]);
}

#[test]
fn who_serves_may_write_what_it_serves_and_no_one_else_may() {
    for (name, purpose, relation, right, expected) in [
        ("botpress", "service_operation", "bots", Right::Insert, true),
        ("botpress", "service_operation", "bots", Right::Delete, true),
        ("botpress", "service_operation", "messages", Right::Insert, false),
        ("botpress", "service_operation", "support_requests", Right::Update, true),
        ("botpress", "model_training", "messages", Right::Insert, false),
        ("botpress", "product_improvement", "usage_events", Right::Update, false),
        ("botpress", "marketing_communication", "users", Right::Delete, false),
        ("botpress", "authentication", "users", Right::Insert, false),
    ] {
        let (bound, _) = load(name);
        let relation = bound.catalog().relation_in("public", relation).unwrap();
        let ruling = bound.ruling_for(reader(&bound, purpose), right, relation);
        assert_eq!(ruling.whole(), expected, "{name} {relation:?} {right:?}");
    }
    // A password is set by whoever authenticates, not by the service.
    let (bound, _) = load("botpress");
    let users = bound.catalog().relation_in("public", "users").unwrap();
    let may_set = |purpose: &str| {
        let at = users.columns.iter().position(|column| &*column.name == "password_hash").unwrap();
        bound.ruling_for(reader(&bound, purpose), Right::Update, users).columns[at].effect == Effect::Allow
    };
    assert!(may_set("authentication") && !may_set("service_operation"));
}
