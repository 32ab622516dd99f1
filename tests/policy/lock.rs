//! Lock files: what a default covers, what is closed until someone has looked, and what is stale.

use super::fixture::{catalog, ruling};
use std::sync::Arc;
use wherefore::policy::{Bound, Colour, Lack, Policy, SourceFile};

const PACK: &str = r#"
[pack]
untagged = "deny"
lock = true
[category.plain]
[category.secret]
[purpose.service]
[[rule]]
id = "plain"
category = "plain"
effect = "allow"
[[rule]]
id = "secret"
category = "secret"
effect = "deny"
[table."public.people"]
default = "secret"
columns.id = "plain"
columns.name = "plain"
[table."public.events"]
default = "plain"
columns.who = "secret"
[table."public.events_new"]
columns.note = "plain"
"#;

/// `later` and `note` come after the file was written.
const BEFORE: &str =
    "CREATE TABLE people (id int, name text, email text); CREATE TABLE events (id int, who int, what text);
    CREATE TABLE events_old (id int, who int, what text) INHERITS (events); CREATE TABLE other (id int);";
const AFTER: &str = "CREATE TABLE people (id int, name text, email text, later text); CREATE TABLE events (id int, who int, what text, later text);
    CREATE TABLE events_old (id int, who int, what text, later text) INHERITS (events);
    CREATE TABLE events_new (id int, who int, what text, later text, note text) INHERITS (events); CREATE TABLE other (id int);";

fn files(pack: &str, lock: Option<&str>) -> Vec<SourceFile> {
    let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
    let mut files = vec![file("a/pack.toml", pack)];
    files.extend(lock.map(|lock| file("a/policy.lock", lock)));
    files
}

fn bound(lock: &str, ddl: &str) -> Bound {
    let loaded = Policy::parse(&files(PACK, Some(lock)));
    let loaded = loaded.unwrap_or_else(|errors| panic!("{}", errors.render(Colour::Plain)));
    Bound::new(Arc::new(loaded.policy), catalog(ddl))
}

/// The file for the tables as they were.
fn written() -> String {
    bound("", BEFORE).lock_file()
}

#[test]
fn a_lock_file_lists_what_is_not_named_one_column_a_line() {
    let text = written();
    let body = text.split_once("\n\n").expect("a head").1;
    assert_eq!(
        body,
        "[table.\"public.events\"]\ncolumns = [\n    \"id\",\n    \"what\",\n]\n\n[table.\"public.people\"]\ncolumns = [\n    \"email\",\n]\n"
    );
    // Written from what it closes it is the same.
    assert_eq!(bound(&text, BEFORE).lock_file(), text);
    assert_eq!(bound(&text, BEFORE).untagged().len(), 1, "the table that no section names");
}

#[test]
fn a_column_that_comes_later_is_closed() {
    let check = |lock: &str, table: &str, expected: &str| {
        assert_eq!(ruling(&bound(lock, AFTER), Some("service"), table), expected, "{table} under\n{lock}");
    };
    let lock = written();
    let (open, secret) = ("allow, plain", "deny, secret");
    check(&lock, "people", &format!("id: {open}\nname: {open}\nemail: {secret}\nlater: deny, untagged\n"));
    let events = format!("id: {open}\nwho: {secret}\nwhat: {open}\nlater: deny, untagged\n");
    check(&lock, "events", &events);
    check(&lock, "events_old", &events);
    // A new partition has what its parent has. What its own section names its parent's default would cover too.
    check(&lock, "events_new", &format!("{events}note: deny, untagged\n"));
    // Without a line nothing is covered.
    check("", "events", &format!("id: deny, untagged\nwho: {secret}\nwhat: deny, untagged\nlater: deny, untagged\n"));
    let anew = bound(&lock, AFTER).lock_file();
    check(&anew, "events", &events.replace("later: deny, untagged", "later: allow, plain"));
    let of = bound(&lock, AFTER);
    let lacking: Vec<String> =
        of.untagged().iter().map(|column| format!("{}.{} {:?}", column.relation, column.column, column.lack)).collect();
    let locked_out = |column: &str| format!("public.{column} {:?}", Lack::NotLocked);
    assert_eq!(
        lacking,
        [
            locked_out("people.later"),
            locked_out("events.later"),
            locked_out("events_old.later"),
            locked_out("events_new.later"),
            locked_out("events_new.note"),
            format!("public.other.id {:?}", Lack::NoTag),
        ]
    );
}

#[test]
fn what_is_stale_is_a_lint() {
    let lock = written()
        + "[table.\"public.gone\"]\ncolumns = [\"a\"]\n[table.\"public.other\"]\ncolumns = [\"id\"]\n"
        + "[table.\"public.events_old\"]\ncolumns = []\n";
    let lock = lock.replace("    \"email\",\n", "    \"email\",\n    \"name\",\n    \"dropped\",\n");
    let of = bound(&lock, BEFORE);
    let lints: Vec<&str> = of.lints().iter().map(|lint| lint.message()).filter(|text| text.contains("lock")).collect();
    assert_eq!(
        lints,
        [
            "policy.lock lists a column `public.people.name` that the policy names, or does not tag at all",
            "policy.lock lists a column `public.people.dropped` that the table lacks",
            "policy.lock lists a table `public.gone` that database `test` lacks",
            "policy.lock lists a column `public.other.id` that the policy names, or does not tag at all",
        ]
    );
    // A column that the policy names by now is what it is named.
    assert!(ruling(&of, Some("service"), "people").contains("name: allow"), "{lock}");
}

#[test]
fn what_does_not_load() {
    let check = |pack: &str, lock: Option<&str>, expected: &str| {
        let errors = Policy::parse(&files(pack, lock)).expect_err(expected).render(Colour::Plain);
        assert!(errors.contains(expected) && errors.contains("1 error\n"), "`{expected}` in\n{errors}");
    };
    check(PACK, None, "the pack says `lock = true` and has no policy.lock");
    check(&PACK.replace("lock = true\n", ""), Some(""), "there is a policy.lock, and nothing asks for it");
    check(
        &PACK.replace("lock = true\n", "lock = false\n"),
        Some(""),
        "there is a policy.lock, and nothing asks for it",
    );
    check(&PACK.replace("\"deny\"\nlock", "\"allow\"\nlock"), Some(""), "`lock` needs `untagged = \"deny\"`");
    check(PACK, Some("[table.\"people\"]\ncolumns = []"), "`people` is no table");
    check(PACK, Some("[table.\"public.people\"]\ncolumn = []"), "unknown key `column`");
    check(PACK, Some("[table.\"public.people\"]\ncolumns = [1]"), "expected a string");
    check(PACK, Some("[rule]"), "unknown key `rule` in a lock file");
    check(PACK, Some("[table"), "unclosed table");
}
