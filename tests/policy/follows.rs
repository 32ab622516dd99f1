//! What tables have from those they hang on: conditions by `follows`, whom a row is about by a path.

use super::fixture::{bound, parse, reader, ruling};
use wherefore::policy::{Bound, Colour};

const POLICY: &str = r#"
[pack]
name = "follows"
[subject.person]
[category.plain]
[purpose.all]
[purpose.consented]
[purpose.own]
[purpose.counting]
[parameter.person]
type = "int4"
from = "session"
[[rule]]
id = "all"
purpose = "all"
where = ["not erased"]
effect = "allow"
[[rule]]
id = "consented"
purpose = "consented"
where = ["consent.mail"]
effect = "allow"
[[rule]]
id = "own"
purpose = "own"
where = ["scope.person"]
effect = "allow"
[[rule]]
id = "counting"
purpose = "counting"
effect = { aggregate = { min_subjects = 5 } }
[table."public.accounts"]
default = "plain"
subject_key = "id"
erased = "gone_at IS NOT NULL"
consent.mail = "EXISTS (SELECT FROM public.consents c WHERE c.account_id = id AND c.given)"
scope.person = "id = $person"
[table."public.messages"]
default = "plain"
subject_key = "account_id -> public.accounts.id"
follows = "account_id -> public.accounts"
[table."public.parts"]
default = "plain"
subject_key = "message_id -> public.messages.account_id"
follows = "message_id -> public.messages"
"#;

const TABLES: &str = "
    CREATE TABLE accounts (id int4 PRIMARY KEY, other int4 NOT NULL, gone_at timestamptz);
    CREATE TABLE consents (account_id int4, given bool);
    CREATE TABLE messages (id int4 PRIMARY KEY, account_id int4 NOT NULL REFERENCES accounts (id), to_id int4 NOT NULL REFERENCES accounts (id));
    CREATE TABLE parts (id int4 PRIMARY KEY, message_id int4 NOT NULL REFERENCES messages (id));
";

/// The conditions under which a purpose sees a table, or `closed`.
fn rows(bound: &Bound, purpose: &str, table: &str) -> String {
    let ruled = ruling(bound, Some(purpose), table);
    let rows: Vec<&str> = ruled.lines().filter(|line| line.starts_with("where")).collect();
    match ruled.contains(": allow") {
        true if rows.is_empty() => "all".to_owned(),
        true => rows.join("\n"),
        false => "closed".to_owned(),
    }
}

fn lints(bound: &Bound) -> String {
    bound.lints().iter().map(|lint| lint.render(Colour::Plain)).collect()
}

#[test]
fn conditions_reach_the_children_and_their_children() {
    let bound = bound(POLICY, TABLES);
    assert_eq!(lints(&bound), "");
    for (purpose, table, expected) in [
        (
            "all",
            "messages",
            "where not erased: (EXISTS (SELECT FROM public.accounts accounts WHERE accounts.id OPERATOR(pg_catalog.=) \
             \"$own\".account_id AND (accounts.gone_at IS NOT NULL) IS NOT TRUE))",
        ),
        (
            "all",
            "parts",
            "where not erased: (EXISTS (SELECT FROM public.messages messages, public.accounts accounts WHERE messages.id \
             OPERATOR(pg_catalog.=) \"$own\".message_id AND accounts.id OPERATOR(pg_catalog.=) messages.account_id AND \
             (accounts.gone_at IS NOT NULL) IS NOT TRUE))",
        ),
        (
            "consented",
            "messages",
            "where consent.mail: (EXISTS (SELECT FROM public.accounts accounts, public.consents c WHERE accounts.id \
             OPERATOR(pg_catalog.=) \"$own\".account_id AND c.account_id OPERATOR(pg_catalog.=) accounts.id AND c.given))",
        ),
        // The key holds equal what the condition reads, so nothing is looked up.
        ("own", "messages", "where scope.person: (account_id OPERATOR(pg_catalog.=) $1)"),
        (
            "own",
            "parts",
            "where scope.person: (EXISTS (SELECT FROM public.messages messages WHERE messages.id OPERATOR(pg_catalog.=) \
             \"$own\".message_id AND messages.account_id OPERATOR(pg_catalog.=) $1))",
        ),
    ] {
        assert_eq!(rows(&bound, purpose, table), expected, "{purpose} {table}");
    }
}

/// A condition that cannot join its parent's tables stands in an `EXISTS` of its own.
#[test]
fn conditions_of_any_form_are_inherited() {
    let erased =
        "erased = \"NOT EXISTS (SELECT FROM public.consents c WHERE c.account_id = id) OR gone_at IS NOT NULL\"";
    let bound = bound(&POLICY.replace("erased = \"gone_at IS NOT NULL\"", erased), TABLES);
    assert_eq!(
        rows(&bound, "all", "messages"),
        "where not erased: (EXISTS (SELECT FROM public.accounts accounts WHERE accounts.id OPERATOR(pg_catalog.=) \
         \"$own\".account_id AND (NOT EXISTS (SELECT FROM public.consents c WHERE c.account_id OPERATOR(pg_catalog.=) \
         accounts.id) OR accounts.gone_at IS NOT NULL) IS NOT TRUE))"
    );
    assert_eq!(lints(&bound), "");
}

#[test]
fn the_tables_own_word_goes_before_and_of_two_parents_both_count() {
    let own = POLICY.replace("follows = \"account_id", "erased = \"id = 7\"\nfollows = \"account_id");
    assert_eq!(
        rows(&bound(&own, TABLES), "all", "messages"),
        "where not erased: (id OPERATOR(pg_catalog.=) 7 IS NOT TRUE)"
    );
    let two = POLICY.replace(
        "follows = \"account_id -> public.accounts\"",
        "follows = [\"account_id -> public.accounts\", \"to_id -> public.accounts\"]",
    );
    let both = bound(&two, TABLES);
    assert_eq!(
        rows(&both, "own", "messages"),
        "where scope.person: (account_id OPERATOR(pg_catalog.=) $1)\nwhere scope.person: (to_id OPERATOR(pg_catalog.=) $1)"
    );
    // Where one of them cannot be followed nothing is left of the other.
    let half = bound(&two, &TABLES.replace("to_id int4 NOT NULL", "to_id int4"));
    assert_eq!(rows(&half, "own", "messages"), "closed");
    assert_eq!(rows(&half, "own", "parts"), "closed");
}

/// Without a key that the server keeps a row may have no parent, or several.
#[test]
fn what_no_key_holds_is_closed() {
    let check = |ddl: &str, closed: &[&str]| {
        assert_ne!(ddl, TABLES);
        let bound = bound(POLICY, ddl);
        for table in ["messages", "parts"] {
            let expected = if closed.contains(&table) { "closed" } else { "where" };
            let found = rows(&bound, "all", table);
            assert!(found.starts_with(expected), "{table}: {found}\n{ddl}");
        }
        assert!(lints(&bound).contains("cannot follow"), "{}", lints(&bound));
    };
    check(
        &TABLES.replace("account_id int4 NOT NULL REFERENCES accounts (id)", "account_id int4 NOT NULL"),
        &["messages", "parts"],
    );
    check(&TABLES.replace("account_id int4 NOT NULL REF", "account_id int4 REF"), &["messages", "parts"]);
    check(&TABLES.replace("message_id int4 NOT NULL REF", "message_id int4 REF"), &["parts"]);
    // Rows of a child of the parent may have the same key.
    check(&format!("{TABLES} CREATE TABLE more () INHERITS (accounts);"), &["messages", "parts"]);
    // Rows of a child have no key.
    check(
        &format!("{TABLES} CREATE TABLE more (id int4, account_id int4 NOT NULL, to_id int4) INHERITS (messages);"),
        &["messages", "parts"],
    );
    // What is left of those above a table is not all that it would have.
    let above = format!("{POLICY}\n[table.\"public.above\"]\ndefault = \"plain\"\nerased = \"gone\"\n");
    for (key, expected) in [("account_id int4 NOT NULL REF", 2), ("account_id int4 REF", 0)] {
        let ddl = TABLES.replace("account_id int4 NOT NULL REF", &format!("gone bool, {key}"));
        let ddl = ddl.replace(
            "to_id int4 NOT NULL REFERENCES accounts (id));",
            "to_id int4 NOT NULL REFERENCES accounts (id)) INHERITS (above);",
        );
        let found = rows(&bound(&above, &format!("CREATE TABLE above (gone bool); {ddl}")), "all", "messages");
        assert_eq!(found.matches("where not erased").count(), expected, "{found}");
    }
    let gone = bound(
        POLICY,
        &TABLES[TABLES.find("CREATE TABLE messages").expect("it")..].replace("REFERENCES accounts (id)", ""),
    );
    assert_eq!(rows(&gone, "all", "messages"), "closed");
}

/// Its key is yet to be made: who would read it then is asked.
#[test]
fn a_table_that_is_to_be_made_has_its_conditions() {
    let without = TABLES.replace("message_id int4 NOT NULL REFERENCES messages (id)", "message_id int4");
    let bound = bound(POLICY, &without);
    let parts = bound.catalog().relation_in("public", "parts").expect("a table");
    let ruled = bound.ruling_on_new(reader(&bound, "own"), parts);
    let conditions: Vec<&str> = ruled.rows.iter().map(|row| &*row.name).collect();
    assert_eq!((ruled.countable(), conditions), (true, vec!["scope.person"]));
}

#[test]
fn subjects_are_found_through_keys() {
    let counted = |text: &str, ddl: &str, table: &str| {
        let bound = bound(text, ddl);
        let relation = bound.catalog().relation_in("public", table).expect("a table");
        let key = bound.ruling(reader(&bound, "counting"), relation).subject_key.clone();
        key.map(|key| (key.index, key.through.iter().map(|hop| (hop.referenced, hop.shown)).collect::<Vec<_>>()))
    };
    assert_eq!(counted(POLICY, TABLES, "accounts"), Some((0, vec![])));
    assert_eq!(counted(POLICY, TABLES, "messages"), Some((1, vec![(0, 0)])));
    assert_eq!(counted(POLICY, TABLES, "parts"), Some((1, vec![(0, 1)])));
    let further = POLICY.replace(
        "subject_key = \"message_id -> public.messages.account_id\"",
        "subject_key = \"message_id -> public.messages.account_id -> public.accounts.other\"",
    );
    assert_eq!(counted(&further, TABLES, "parts"), Some((1, vec![(0, 1), (0, 1)])));
    for (from, to) in [
        ("account_id int4 NOT NULL REF", "account_id int4 REF"),
        ("message_id int4 NOT NULL REF", "message_id int4 REF"),
        ("other int4 NOT NULL", "other int4"),
        ("REFERENCES messages (id)", ""),
        ("account_id int4 NOT NULL REFERENCES accounts (id)", "account_id int4 NOT NULL"),
        ("message_id int4", "message_id own_type"),
    ] {
        let ddl = TABLES.replace(from, to);
        assert_ne!(ddl, TABLES, "{from}");
        assert_eq!(counted(&further, &ddl, "parts"), None, "{to}");
        assert!(lints(&bound(&further, &ddl)).contains("the subjects of `public.parts` cannot be found"), "{to}");
    }
    let children = format!("{TABLES} CREATE TABLE more (id int4, message_id int4 NOT NULL) INHERITS (parts);");
    assert_eq!(counted(&further, &children, "parts"), None, "rows of a child have no key");
}

#[test]
fn what_does_not_load() {
    for (from, to, expected) in [
        ("\"message_id -> public.messages\"", "\"message_id\"", "`message_id` follows no table"),
        ("\"message_id -> public.messages\"", "\"() -> public.messages\"", "follows no table"),
        ("\"message_id -> public.messages\"", "\"message_id -> messages\"", "follows no table"),
        ("\"message_id -> public.messages\"", "\"message_id -> public.mesages\"", "did you mean `public.messages`?"),
        ("\"message_id -> public.messages\"", "\"message_id -> public.parts\"", "`public.parts` follows itself"),
        ("\"account_id -> public.accounts\"", "\"account_id -> public.parts\"", "`public.messages` follows itself"),
        ("\"message_id -> public.messages.account_id\"", "\"message_id -> public.messages\"", "is no path to a column"),
    ] {
        let text = POLICY.replace(from, to);
        assert_ne!(text, POLICY, "{from}");
        let errors = parse(&text).expect_err(expected).render(Colour::Plain);
        assert!(errors.contains(expected), "{expected}\n{errors}");
        assert_eq!(errors.matches("follows itself").count(), usize::from(expected.contains("itself")), "{errors}");
    }
    // Four tables are the most that a condition reads, however it came to be.
    let mut text = POLICY.to_owned();
    let mut ddl = TABLES.to_owned();
    for depth in 2..6 {
        let above = if depth == 2 { "parts".to_owned() } else { format!("parts_{}", depth - 1) };
        text += &format!("[table.\"public.parts_{depth}\"]\ndefault = \"plain\"\nfollows = \"up -> public.{above}\"\n");
        ddl += &format!("CREATE TABLE parts_{depth} (id int4 PRIMARY KEY, up int4 NOT NULL REFERENCES {above} (id));");
    }
    let deep = bound(&text, &ddl);
    assert!(rows(&deep, "all", "parts_3").starts_with("where not erased"));
    assert_eq!(rows(&deep, "all", "parts_4"), "closed");
    assert_eq!(rows(&deep, "all", "parts_5"), "closed");
    let found = lints(&deep);
    for (table, condition) in [("parts_3", "consent.mail"), ("parts_4", "erased")] {
        let above = format!(
            "parts_{}",
            table.strip_prefix("parts_").and_then(|n| n.parse::<u32>().ok()).expect("a number") - 1
        );
        let lint = format!("`public.{table}` cannot follow the condition `{condition}` of `public.{above}`");
        assert_eq!(found.matches(&lint).count(), 1, "{lint}\n{found}");
    }
    // What cannot be had of one of two parents is not had of the other either.
    let both = text.replace(
        "follows = \"up -> public.parts_2\"",
        "follows = [\"up -> public.parts_2\", \"account_id -> public.accounts\"]",
    );
    let ddl = ddl.replace(
        "up int4 NOT NULL REFERENCES parts_2",
        "account_id int4 NOT NULL REFERENCES accounts (id), up int4 NOT NULL REFERENCES parts_2",
    );
    let both = bound(&both, &ddl);
    assert_eq!(rows(&both, "all", "parts_3").lines().count(), 2);
    assert_eq!(rows(&both, "consented", "parts_3"), "closed");
}
