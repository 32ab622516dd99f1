//! Tags from comments in the database: what they give, and what goes before them.

use super::fixture::{catalog, parse, policy, ruling};
use std::sync::Arc;
use wherefore::catalog::Catalog;
use wherefore::policy::{Bound, Colour, OF_RELATION};
use wherefore::vocab::AttNum;

const POLICY: &str = r#"
[pack]
untagged = "deny"
comments = true
[subject.person]
fides = "customer"
[subject.child]
[category.plain]
[category.secret]
never_with = ["contact"]
[category.contact]
[category."contact.email"]
fides = "user.contact.email"
[purpose.service]
[[rule]]
id = "plain"
category = "plain"
effect = "allow"
[[rule]]
id = "contact"
category = "contact"
purpose = "service"
effect = "allow"
[[rule]]
id = "children"
subject = "child"
category = "contact"
purpose = "service"
effect = "deny"
[[rule]]
id = "secret"
category = "secret"
effect = "deny"
[table."public.filed"]
columns.a = "secret"
[table."public.covered"]
default = "secret"
"#;

const TABLES: &str = "CREATE TABLE t (id int, a text, b text); CREATE TABLE filed (id int, a text, b text);
    CREATE TABLE below (id int, a text, b text) INHERITS (t); CREATE TABLE covered (a text, b text);";

/// A policy over tables with comments: `table.column` or `table`, and the text.
fn bound(text: &str, comments: &[(&str, &str)]) -> Bound {
    let mut snapshot = catalog(TABLES).snapshot().clone();
    for (place, comment) in comments {
        let (table, column) = place.split_once('.').map_or((*place, None), |(table, column)| (table, Some(column)));
        let relation = snapshot.relations.iter_mut().find(|relation| *relation.name == *table).expect("a table");
        let number = column.map_or(OF_RELATION, |name| {
            let at = relation.columns.iter().position(|column| *column.name == *name).expect("a column");
            AttNum(relation.columns[at].number.0)
        });
        relation.comments.push((number, (*comment).into()));
    }
    Bound::new(policy(text), Arc::new(Catalog::new(snapshot, 1)))
}

/// What a purpose may see of a table, and the errors.
#[track_caller]
fn check(comments: &[(&str, &str)], table: &str, expected: &str, errors: &[&str]) {
    let bound = bound(POLICY, comments);
    assert_eq!(ruling(&bound, Some("service"), table), expected);
    let found: Vec<&str> = bound.errors().iter().map(|error| error.message()).collect();
    assert_eq!(found, errors);
}

#[test]
fn comments_tag_tables_and_columns() {
    let comments =
        [("t", "People. [subject: person] [default: plain]"), ("t.a", "where we write [category: contact.email]")];
    check(&comments, "t", "id: allow, plain\na: allow, contact\nb: allow, plain\n", &[]);
    check(&comments, "below", "id: allow, plain\na: allow, contact\nb: allow, plain\n", &[]);
    check(
        &[("t.a", "[category: user.contact.email]")],
        "t",
        "id: deny, untagged\na: allow, contact\nb: deny, untagged\n",
        &[],
    );
    check(
        &[("t", "[subject: child]"), ("t.a", "[category: contact]")],
        "t",
        "id: deny, untagged\na: deny, children\nb: deny, untagged\n",
        &[],
    );
    check(
        &[("t.a", "no tag at all [see: t.b]")],
        "t",
        "id: deny, untagged\na: deny, untagged\nb: deny, untagged\n",
        &[],
    );
}

#[test]
fn without_the_packs_word_comments_are_prose() {
    let bound = bound(&POLICY.replace("comments = true\n", ""), &[("t.a", "[category: plain]")]);
    assert_eq!(ruling(&bound, Some("service"), "t"), "id: deny, untagged\na: deny, untagged\nb: deny, untagged\n");
    assert!(!bound.policy().reads_comments());
}

#[test]
fn what_a_file_says_holds() {
    check(
        &[("filed.a", "[category: secret]")],
        "filed",
        "id: deny, untagged\na: deny, secret\nb: deny, untagged\n",
        &[],
    );
    check(
        &[("filed.a", "[category: plain]"), ("filed.b", "[category: plain]")],
        "filed",
        "id: deny, untagged\na: deny, secret\nb: allow, plain\n",
        &["the comment on column `public.filed.a` says category plain, and the policy's files say secret"],
    );
    check(
        &[("filed", "[default: plain] [subject: person] [subject_key: id]")],
        "filed",
        "id: deny, untagged\na: deny, secret\nb: deny, untagged\n",
        &[
            "the comment on table `public.filed` says subject `person`, and the policy's files say none",
            "the comment on table `public.filed` says subject_key `id`, and the policy's files say none",
            "the comment on table `public.filed` says default `plain`, and the policy's files say none",
        ],
    );
}

#[test]
fn what_a_files_default_covers_no_comment_opens() {
    check(
        &[("covered.a", "[category: plain]"), ("covered.b", "[category: secret]")],
        "covered",
        "a: deny, secret\nb: deny, secret\n",
        &["the comment on column `public.covered.a` says category plain, and the policy's files say secret"],
    );
    check(
        &[("covered.a", "[category: plian]")],
        "covered",
        "a: deny, secret\nb: deny, secret\n",
        &["the comment on column `public.covered.a` names the unknown category `plian`"],
    );
}

#[test]
fn what_cannot_be_read_tags_nothing() {
    let closed = "id: deny, untagged\na: deny, untagged\nb: deny, untagged\n";
    check(
        &[("t.a", "[category: plian]")],
        "t",
        closed,
        &["the comment on column `public.t.a` names the unknown category `plian`"],
    );
    check(
        &[("t.a", "[category: plain, plian]")],
        "t",
        closed,
        &["the comment on column `public.t.a` names the unknown category `plian`"],
    );
    // Not a table about nobody: the rule on children would not be seen.
    check(
        &[("t", "[subject: chidl] [default: plain]"), ("t.a", "[category: contact]")],
        "t",
        closed,
        &["the comment on table `public.t` names the unknown subject `chidl`"],
    );
    check(
        &[("t", "[subject: person, child]"), ("t.a", "[category: contact]")],
        "t",
        closed,
        &["the comment on table `public.t` says more than one subject"],
    );
    // A column's own comment that cannot be read is not covered by the default.
    check(
        &[("t", "[default: plain]"), ("t.a", "[category: plian]")],
        "t",
        "id: allow, plain\na: deny, untagged\nb: allow, plain\n",
        &["the comment on column `public.t.a` names the unknown category `plian`"],
    );
    check(
        &[("t.a", "[category: secret, contact]")],
        "t",
        closed,
        &["`secret` and `contact` may not meet on one column"],
    );
    check(
        &[("t", "[subject_key: nothing]")],
        "t",
        closed,
        &["the comment on table `public.t` names a subject_key `nothing` that it lacks"],
    );
}

#[test]
fn comments_need_that_untagged_columns_are_denied() {
    let errors = parse(&POLICY.replace("\"deny\"\ncomments", "\"allow\"\ncomments")).expect_err("it does not load");
    assert!(errors.render(Colour::Plain).contains("`comments` needs `untagged = \"deny\"`"), "{errors}");
}
