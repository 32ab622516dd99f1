//! Tags by patterns: what they cover, what goes before them, and that nothing that appears later is opened by one.

use super::fixture::{catalog, parse, policy, reader, ruling};
use std::sync::Arc;
use wherefore::catalog::{Catalog, RelationKind, Tie};
use wherefore::policy::{Bound, Colour, OF_RELATION};
use wherefore::vocab::AttNum;

const POLICY: &str = r#"
[pack]
name = "patterns"
untagged = "deny"
comments = true
[subject.person]
[subject.child]
[category.plain]
[category.secret]
never_about = ["child"]
[category.contact]
[purpose.service]
[[rule]]
id = "plain"
category = "plain"
effect = "allow"
[[rule]]
id = "contact"
category = "contact"
effect = "allow"
[[rule]]
id = "children"
subject = "child"
category = "contact"
effect = "deny"
[[rule]]
id = "secret"
category = "secret"
effect = "deny"
[table."public.users"]
subject = "person"
default = "plain"
columns.spare_email = "secret"
[pattern."public.*"]
columns."*_email" = "contact"
columns."pass*" = "secret"
[pattern."shop.*"]
subject = "child"
columns."*_email" = "contact"
"#;

const TABLES: &str = "
    CREATE TABLE users (id int, work_email text, spare_email text, password text);
    CREATE TABLE members (work_email text) INHERITS (users);
    CREATE TABLE guests (id int, own_email text, pass_phrase text);
    CREATE TABLE shop.pupils (id int, own_email text);
    CREATE TABLE elsewhere.users (own_email text);
";

fn bound(text: &str) -> Bound {
    Bound::new(policy(text), catalog(TABLES))
}

fn errors(bound: &Bound) -> Vec<&str> {
    bound.errors().iter().map(|error| error.message()).collect()
}

#[track_caller]
fn check(bound: &Bound, table: &str, expected: &str) {
    assert_eq!(ruling(bound, Some("service"), table), expected, "{table}");
}

#[test]
fn a_name_goes_before_a_pattern_and_a_pattern_before_a_default() {
    let bound = bound(POLICY);
    check(
        &bound,
        "users",
        "id: allow, plain\nwork_email: allow, contact\nspare_email: deny, secret\npassword: deny, secret\n",
    );
    check(&bound, "guests", "id: deny, untagged\nown_email: allow, contact\npass_phrase: deny, secret\n");
    check(&bound, "shop.pupils", "id: deny, untagged\nown_email: deny, children\n");
    check(&bound, "elsewhere.users", "own_email: deny, untagged\n");
    assert_eq!(errors(&bound), [""; 0]);
    // What a parent's section names no pattern reaches in its children.
    let named = POLICY.replace("columns.spare_email", "columns.work_email = \"plain\"\ncolumns.spare_email");
    check(&self::bound(&named), "members", "work_email: allow, plain\n");
    let shown: Vec<String> = bound
        .patterned()
        .iter()
        .map(|line| {
            format!("{}.{}: {}: {}", line.tables, line.called, line.categories.join(", "), line.columns.join(" "))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "public.*.*_email: contact: public.users.work_email public.members.work_email public.guests.own_email",
            "public.*.pass*: secret: public.users.password public.guests.pass_phrase",
            "shop.*.*_email: contact: shop.pupils.own_email",
        ]
    );
}

#[test]
fn patterns_that_disagree_close_the_column_and_are_named() {
    let other = "[pattern.\"*.guests\"]\ncolumns.\"own*\" = \"plain\"\n";
    let disagree = bound(&format!("{POLICY}{other}"));
    check(&disagree, "guests", "id: deny, untagged\nown_email: deny, untagged\npass_phrase: deny, secret\n");
    assert_eq!(
        errors(&disagree),
        ["patterns `public.*.*_email` and `*.guests.own*` disagree on column `public.guests.own_email`"]
    );
    let agree = bound(&format!("{POLICY}{}", other.replace("plain", "contact")));
    check(&agree, "guests", "id: deny, untagged\nown_email: allow, contact\npass_phrase: deny, secret\n");
    // A tag by name settles it.
    let settled = bound(&format!("{POLICY}{other}[table.\"public.guests\"]\ncolumns.own_email = \"plain\"\n"));
    check(&settled, "guests", "id: deny, untagged\nown_email: allow, plain\npass_phrase: deny, secret\n");
    assert_eq!(errors(&settled), [""; 0]);
    // Whose data it is decides as much as what data.
    let subjects = bound(&format!("{POLICY}[pattern.\"shop.pupils\"]\nsubject = \"person\"\ncolumns.id = \"plain\"\n"));
    check(&subjects, "shop.pupils", "id: deny, untagged\nown_email: deny, untagged\n");
    assert_eq!(
        errors(&subjects),
        ["patterns `shop.pupils.id` and `shop.*.*_email` disagree about whose data table `shop.pupils` holds"]
    );
    // Tags that may not meet, when the table says whose data it is.
    let apart = bound(&format!("{POLICY}[table.\"public.guests\"]\nsubject = \"child\"\n"));
    check(&apart, "guests", "id: deny, untagged\nown_email: deny, children\npass_phrase: deny, untagged\n");
    assert_eq!(errors(&apart), ["`secret` and `child` may not meet on one column"]);
}

#[test]
fn what_a_pattern_covers_no_comment_changes() {
    let commented = |comments: &[(&str, i16, &str)]| {
        let mut snapshot = catalog(TABLES).snapshot().clone();
        for (table, column, text) in comments {
            let relation = snapshot.relations.iter_mut().find(|relation| *relation.name == **table).expect("a table");
            relation.comments.push((AttNum(*column), (*text).into()));
        }
        Bound::new(policy(POLICY), Arc::new(Catalog::new(snapshot, 1)))
    };
    let table = OF_RELATION.0;
    let same = commented(&[("guests", 2, "[category: contact]"), ("guests", 1, "[category: plain]")]);
    check(&same, "guests", "id: allow, plain\nown_email: allow, contact\npass_phrase: deny, secret\n");
    assert_eq!(errors(&same), [""; 0]);
    let other = commented(&[("guests", 3, "[category: plain]")]);
    check(&other, "guests", "id: deny, untagged\nown_email: allow, contact\npass_phrase: deny, secret\n");
    assert_eq!(
        errors(&other),
        ["the comment on column `public.guests.pass_phrase` says category plain, and the policy's files say secret"]
    );
    // Of a table that only patterns know, whose data it is may stand in its comment, if no pattern says so.
    let whose = commented(&[("guests", table, "[subject: child] [default: plain]")]);
    check(&whose, "guests", "id: allow, plain\nown_email: deny, children\npass_phrase: deny, secret\n");
    let whose = commented(&[("pupils", table, "[subject: person]")]);
    check(&whose, "shop.pupils", "id: deny, untagged\nown_email: deny, children\n");
    assert_eq!(
        errors(&whose),
        ["the comment on table `shop.pupils` says subject `person`, and the policy's files say `child`"]
    );
}

#[test]
fn what_appears_later_no_pattern_opens() {
    let policy = policy(POLICY);
    let bind = |ddl: &str, before: Option<&Bound>| Bound::succeeding(Arc::clone(&policy), catalog(ddl), before);
    let first = bind(TABLES, None);
    let longer = TABLES.replace("pass_phrase text", "pass_phrase text, new_email text, pass_word text");
    let second = bind(&longer, Some(&first));
    let closed = "id: deny, untagged\nown_email: allow, contact\npass_phrase: deny, secret\nnew_email: deny, untagged\n\
                  pass_word: deny, untagged\n";
    check(&second, "guests", closed);
    check(&bind(&longer, Some(&second)), "guests", closed);
    check(
        &bind(&longer, None),
        "guests",
        "id: deny, untagged\nown_email: allow, contact\npass_phrase: deny, secret\nnew_email: allow, contact\n\
         pass_word: deny, secret\n",
    );
    // Neither is a column that is given such a name, nor a table that comes later, but for what its parents are.
    let renamed = bind(&TABLES.replace("guests (id int", "guests (id_email int"), Some(&first));
    check(&renamed, "guests", "id_email: deny, untagged\nown_email: allow, contact\npass_phrase: deny, secret\n");
    let more =
        format!("{TABLES} CREATE TABLE later (own_email text); CREATE TABLE part (own_email text) INHERITS (guests);");
    let third = bind(&more, Some(&first));
    check(&third, "later", "own_email: deny, untagged\n");
    check(&third, "part", "own_email: allow, contact\n");
    check(&bind(&more, Some(&third)), "later", "own_email: deny, untagged\n");
    // Who will read a table that is being made is judged by what a pattern will say of it.
    let later = third.catalog().relation_in("public", "later").expect("a table");
    let ruling = third.ruling_on_new(reader(&third, "service"), later);
    assert!(ruling.is_raw(0), "{ruling:?}");
}

#[test]
fn views_are_judged_by_what_they_read() {
    let mut snapshot = catalog(TABLES).snapshot().clone();
    let guests = snapshot.relations.iter_mut().find(|relation| *relation.name == *"guests").expect("a table");
    guests.kind = RelationKind::View;
    let bound = Bound::new(policy(POLICY), Arc::new(Catalog::new(snapshot, 1)));
    check(&bound, "guests", "id: allow, untagged\nown_email: allow, untagged\npass_phrase: allow, untagged\n");
}

#[test]
fn what_tags_nothing_is_a_lint() {
    let lints = |text: &str| {
        let bound = bound(text);
        bound.lints().iter().map(|lint| lint.message().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(lints(POLICY), [""; 0]);
    assert_eq!(lints(&POLICY.replace("\"pass*\"", "\"card_*\"")), ["pattern `public.*.card_*` tags nothing"]);
    // So is a condition that the tables lack to which a pattern brings a category.
    let narrowed = POLICY.replace("id = \"contact\"\n", "id = \"contact\"\nwhere = [\"not erased\"]\n");
    let narrowed = narrowed.replace("default = \"plain\"", "default = \"plain\"\nerased = \"false\"");
    assert_eq!(
        lints(&narrowed),
        [
            "table `public.members` has no condition `erased`, which rule `contact` asks for",
            "table `public.guests` has no condition `erased`, which rule `contact` asks for",
        ]
    );
}

#[test]
fn patterns_that_do_not_load() {
    for (from, to, expected) in [
        ("untagged = \"deny\"\ncomments = true", "untagged = \"allow\"", "patterns need `untagged = \"deny\"`"),
        ("[pattern.\"shop.*\"]", "[pattern.\"shop\"]", "`shop` is no table"),
        ("columns.\"pass*\" = \"secret\"", "columns.\"pass*\" = \"secrets\"", "unknown category `secrets`"),
        ("subject = \"child\"\ncolumns", "subject = \"children\"\ncolumns", "unknown subject `children`"),
        ("subject = \"child\"\ncolumns.\"*_email\" = \"contact\"", "", "a pattern says what columns hold"),
        (
            "subject = \"child\"\ncolumns.\"*_email\" = \"contact\"",
            "subject = \"child\"\ncolumns.\"*_email\" = \"secret\"",
            "`secret` and `child` may not meet on one column",
        ),
    ] {
        let text = POLICY.replace(from, to);
        assert_ne!(text, POLICY, "{from}");
        let errors = parse(&text).expect_err(expected).render(Colour::Plain);
        assert!(errors.contains(expected), "{expected}\n{errors}");
    }
}

/// Where what is untagged is open, losing a tag must not open a column.
#[test]
fn no_tag_is_lost_where_untagged_columns_are_open() {
    let text = POLICY.replace("untagged = \"deny\"\ncomments = true", "untagged = \"allow\"");
    let text = text[..text.find("[pattern").expect("patterns")].replace("default = \"plain\"", "default = \"secret\"");
    let policy = policy(&text);
    let bind = |catalog: Arc<Catalog>, before: Option<&Bound>| Bound::succeeding(Arc::clone(&policy), catalog, before);
    let first = bind(catalog("CREATE TABLE users (id int)"), None);
    let later = bind(catalog("CREATE TABLE users (id int, later text)"), Some(&first));
    check(&later, "users", "id: deny, secret\nlater: deny, secret\n");
    // Neither does being computed from an open column beside a closed one.
    let mut snapshot = catalog("CREATE TABLE guests (open text, spare_email text, mixed text)").snapshot().clone();
    let guests = &mut snapshot.relations[0];
    guests.columns[2].generated = true;
    let columns = guests.columns.iter().map(|column| column.number).collect();
    guests.ties.push(Tie { name: "mixed".into(), columns, compares: false, computes: true });
    let text = text.replace("public.users", "public.guests").replace("default = \"secret\"\n", "");
    let bound = Bound::new(super::fixture::policy(&text), Arc::new(Catalog::new(snapshot, 1)));
    check(&bound, "guests", "open: allow, untagged\nspare_email: deny, secret\nmixed: deny, secret\n");
}
