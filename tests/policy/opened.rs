//! Functions and system relations that a policy opens by name.

use super::fixture::{catalog, parse, policy, reader};
use std::sync::Arc;
use wherefore::catalog::{Body, Catalog, Function, FunctionKind, Snapshot};
use wherefore::policy::{Bound, Colour};

const START: &str = "
[pack]
name = \"test\"
document = \"Privacy Statement\"
[purpose.service]
[purpose.support]
parent = \"service\"
[purpose.training]
[clause.C]
words = \"We tidy.\"
";

fn function(schema: &str, name: &str, signature: &str, extension: Option<&str>) -> Function {
    Function {
        oid: 20_000,
        schema: schema.into(),
        name: name.into(),
        kind: FunctionKind::Function,
        arguments: signature.split(", ").filter(|word| !word.is_empty()).count() as i16,
        defaults: 0,
        argument_types: Box::default(),
        default_values: None,
        argument_names: Box::default(),
        signature: signature.into(),
        set: false,
        volatile: true,
        out: Vec::new(),
        returns: 25,
        returns_row: false,
        extension: extension.map(Arc::from),
        body: Body::Unreadable,
        settings: Box::default(),
        parts: Box::default(),
        digest: None,
        source: None,
    }
}

fn bound(more: &str) -> Bound {
    let relations = catalog(
        "CREATE TABLE people (id int4, name text); CREATE TABLE pg_catalog.pg_stat_activity (query text);
         CREATE TABLE pg_catalog.pg_class (relname text, reltuples float4)",
    );
    let functions = vec![
        function("public", "tidy", "text", None),
        function("public", "tidy", "text, integer", None),
        function("util", "one", "", None),
        function("util", "two", "", None),
        function("public", "dblink", "text", Some("dblink")),
        function("pg_catalog", "pg_table_size", "", None),
    ];
    let snapshot = Snapshot { functions, ..relations.snapshot().clone() };
    Bound::new(policy(&format!("{START}{more}")), Arc::new(Catalog::new(snapshot, 1)))
}

/// What a function reads under a purpose: `closed`, or each relation with its columns.
fn reads(bound: &Bound, purpose: Option<&str>, name: &str, signature: &str) -> String {
    let purpose = purpose.map(|name| bound.policy().purpose(name).unwrap());
    let (schema, name) = name.split_once('.').unwrap();
    let extension = (name == "dblink").then_some("dblink");
    match bound.listed(purpose, &function(schema, name, signature, extension)) {
        None => "closed".to_owned(),
        Some(reads) => reads
            .iter()
            .map(|read| {
                let relation = bound.catalog().relation(read.relation).unwrap();
                let columns: Vec<&str> =
                    read.columns.iter().map(|(index, _)| &*relation.columns[*index].name).collect();
                format!("{}({})", relation.name, columns.join(" "))
            })
            .collect::<Vec<_>>()
            .join(" "),
    }
}

#[test]
fn the_nearest_entry_opens_a_function() {
    let bound = bound(
        r#"
[function."public.tidy"]
reads = ["public.people.name"]
clause = "C"
[function."public.tidy(text, int)"]
reads = ["public.people"]
purpose = "service"
[function."util.*"]
reads = []
[function."util.two"]
reads = ["public.people.id"]
purpose = ["training"]
[function."pg_catalog.pg_table_size"]
reads = []
"#,
    );
    assert!(bound.lints().is_empty(), "{:?}", bound.lints());
    for (purpose, name, signature, expected) in [
        (Some("training"), "public.tidy", "text", "people(name)"),
        (Some("support"), "public.tidy", "text, integer", "people(id name)"),
        (Some("training"), "public.tidy", "text, integer", "closed"),
        (None, "public.tidy", "text", "closed"),
        (Some("service"), "public.other", "text", "closed"),
        (Some("service"), "other.tidy", "text", "closed"),
        (Some("service"), "util.one", "", ""),
        (Some("service"), "util.two", "", "closed"),
        (Some("training"), "util.two", "", "people(id)"),
        (Some("training"), "pg_catalog.pg_table_size", "", ""),
    ] {
        assert_eq!(reads(&bound, purpose, name, signature), expected, "{name}({signature}) for {purpose:?}");
    }
}

#[test]
fn what_does_not_fit_the_database_opens_nothing() {
    let bound = bound(
        r#"
[function."public.tidy"]
reads = ["public.people.nosuch"]
[function."public.tidi"]
reads = []
[function."public.tidy(boolean)"]
reads = []
[function."public.dblink"]
reads = []
clause = "C"
[rewrite."public.people"]
reads = []
[rewrite."public.nowhere"]
reads = ["public.people"]
"#,
    );
    let lints: String = bound.lints().iter().map(|lint| lint.render(Colour::Plain)).collect();
    insta::assert_snapshot!(lints);
    assert_eq!(reads(&bound, Some("service"), "public.tidy", "text"), "closed");
    assert_eq!(reads(&bound, Some("service"), "public.dblink", "text"), "closed");
}

#[test]
fn entries_are_checked_when_a_policy_is_loaded() {
    let errors = parse(&format!(
        "{START}{}",
        r#"
[function."tidy"]
reads = []
[function."public.tidy("]
reads = []
[function."public.untold"]
[function."pg_catalog.pg_read_file"]
reads = []
[function."pg_catalog.*"]
reads = []
[function."public.misread"]
reads = ["people"]
clause = "D"
purpose = "servce"
leakproof = true
[rewrite."people"]
reads = []
[rewrite."public.people"]
[system."pg_statistic"]
[system."pg_largeobject"]
[system."public.people"]
"#
    ));
    insta::assert_snapshot!(errors.unwrap_err().render(Colour::Plain));
}

#[test]
fn a_system_relation_opens_for_the_purposes_that_are_named() {
    let bound = bound("[system.\"pg_stat_activity\"]\npurpose = \"service\"\n[system.\"pg_catalog.pg_class\"]\n");
    let check = |purpose: Option<&str>, name: &str, expected: bool| {
        let relation = bound.catalog().relation_in("pg_catalog", name).unwrap();
        let reader = purpose.map(|name| reader(&bound, name).unwrap());
        assert_eq!(bound.ruling(reader, relation).whole(), expected, "{name} for {purpose:?}");
    };
    check(Some("service"), "pg_stat_activity", true);
    check(Some("support"), "pg_stat_activity", true);
    check(Some("training"), "pg_stat_activity", false);
    check(None, "pg_stat_activity", false);
    check(Some("training"), "pg_class", true);
    check(None, "pg_class", false);
}

#[test]
fn the_messages_of_a_function_pass_where_the_policy_says_so() {
    let bound = bound(
        r#"
[function."public.tidy(text)"]
reads = []
messages = "pass"
purpose = "service"
[function."util.*"]
reads = []
[function."util.one"]
reads = []
messages = "pass"
"#,
    );
    let check = |purpose: Option<&str>, schema: &str, name: &str, signature: &str, expected: bool| {
        let mut functions = bound.catalog().functions(name);
        let function = functions.find(|f| &*f.schema == schema && &*f.signature == signature).unwrap();
        let purpose = purpose.map(|name| bound.policy().purpose(name).unwrap());
        assert_eq!(bound.messages_pass(purpose, function), expected, "{schema}.{name}({signature}) for {purpose:?}");
    };
    check(Some("service"), "public", "tidy", "text", true);
    check(Some("support"), "public", "tidy", "text", true);
    check(Some("training"), "public", "tidy", "text", false);
    check(Some("service"), "public", "tidy", "text, integer", false);
    check(Some("training"), "util", "one", "", true);
    check(Some("training"), "util", "two", "", false);
    check(None, "util", "one", "", false);
    let wrong = parse(&format!("{START}[function.\"util.one\"]\nreads = []\nmessages = \"all\"\n"));
    insta::assert_snapshot!(wrong.unwrap_err().render(Colour::Plain));
}
