//! Tags tied to a catalog: inheritance, what is untagged, what does not fit, hints.

use super::fixture::{bound, ruling};
use wherefore::policy::{Bound, Colour};
use wherefore::vocab::AttNum;

const POLICY: &str = r#"
[pack]
untagged = "deny"
[subject.person]
[category.plain]
[category.secret]
[category.contact]
[purpose.service]
[purpose.research]
[purpose.owner]
unrestricted = true
[role.all]
purposes = ["owner", "research", "service"]
[[rule]]
id = "plain"
category = "plain"
effect = "allow"
[[rule]]
id = "contact"
category = "contact"
purpose = "service"
where = ["not erased"]
effect = "allow"
[[rule]]
id = "contact-masked"
category = "contact"
purpose = "research"
effect = { mask = { constant = "7" } }
[[rule]]
id = "secret"
category = "secret"
effect = "deny"
[table."public.parent"]
subject = "person"
default = "plain"
erased = "gone"
[table."public.child"]
columns.a = "secret"
"#;

const TABLES: &str = "
    CREATE TABLE parent (id int, a text, gone bool);
    CREATE TABLE child (id int, a text, gone bool, b text) INHERITS (parent);
    CREATE TABLE grandchild (id int, a text, gone bool, b text) INHERITS (child);
    CREATE TABLE loner (a text);
";

fn lints(bound: &Bound) -> String {
    bound.lints().iter().map(|lint| lint.render(Colour::Plain)).collect()
}

#[test]
fn children_have_their_parents_tags_and_parents_their_descendants() {
    let bound = bound(POLICY, TABLES);
    assert_eq!(
        ruling(&bound, Some("service"), "parent"),
        "id: allow, plain\na: deny, secret\ngone: allow, plain\n",
        "a scan of the parent reads the children's rows"
    );
    for below in ["child", "grandchild"] {
        assert_eq!(
            ruling(&bound, Some("service"), below),
            "id: allow, plain\na: deny, secret\ngone: allow, plain\nb: allow, plain\n"
        );
    }
}

#[test]
fn a_tag_below_does_not_tag_the_parent() {
    let text = POLICY.replace("public.parent", "public.grandchild").replace("subject = \"person\"\n", "");
    let bound = bound(&text, TABLES);
    assert_eq!(
        ruling(&bound, Some("service"), "parent"),
        "id: deny, untagged\na: deny, untagged\ngone: deny, untagged\n"
    );
}

#[test]
fn what_is_untagged_is_denied_and_listed() {
    let denied = bound(POLICY, TABLES);
    assert_eq!(ruling(&denied, Some("service"), "loner"), "a: deny, untagged\n");
    let listed: Vec<_> =
        denied.untagged().iter().map(|column| format!("{}.{}", column.relation, column.column)).collect();
    assert_eq!(listed, ["public.loner.a"]);
    let allowed = bound(&POLICY.replace("\"deny\"\n[subject", "\"allow\"\n[subject"), TABLES);
    assert_eq!(ruling(&allowed, Some("service"), "loner"), "a: allow, untagged\n");
    assert_eq!(ruling(&allowed, None, "loner"), "a: deny, no purpose\n");
}

#[test]
fn without_a_purpose_nothing_of_a_users_is_open() {
    let bound = bound(POLICY, TABLES);
    assert_eq!(ruling(&bound, None, "parent"), "id: deny, no purpose\na: deny, no purpose\ngone: deny, no purpose\n");
}

#[test]
fn an_unrestricted_purpose_opens_everything() {
    let bound = bound(POLICY, TABLES);
    for relation in bound.catalog().relations() {
        assert!(bound.ruling(bound.policy().purpose("owner"), relation).whole());
    }
}

#[test]
fn a_condition_that_a_table_lacks_closes_what_it_bounds() {
    let text = POLICY.replace("default = \"plain\"", "default = \"contact\"");
    let with = bound(&text, TABLES);
    assert_eq!(
        ruling(&with, Some("service"), "grandchild"),
        "id: allow, contact\na: deny, secret\ngone: allow, contact\nb: allow, contact\nwhere not erased: (gone IS NOT TRUE)\n",
        "the parent's condition holds for its children"
    );
    let without =
        bound(&text.replace("erased = \"gone\"", "").replace("columns.a", "erased = \"gone\"\ncolumns.a"), TABLES);
    assert_eq!(
        ruling(&without, Some("service"), "parent"),
        "id: deny, contact\na: deny, secret\ngone: deny, contact\n"
    );
    // A child that means something else by the name: the parent's condition would not be right for its rows.
    let differs = bound(&text.replace("columns.a", "erased = \"gone OR b = 'x'\"\ncolumns.a"), TABLES);
    assert_eq!(
        ruling(&differs, Some("service"), "parent"),
        "id: deny, contact\na: deny, secret\ngone: deny, contact\n"
    );
    assert_eq!(
        ruling(&differs, Some("service"), "child"),
        "id: allow, contact\na: deny, secret\ngone: allow, contact\nb: allow, contact\n\
         where not erased: ((gone OR b OPERATOR(pg_catalog.=) 'x') IS NOT TRUE)\nwhere not erased: (gone IS NOT TRUE)\n"
    );
}

#[test]
fn a_constant_that_does_not_cast_closes_its_column() {
    let text = POLICY.replace("default = \"plain\"", "default = \"contact\"");
    let bound = bound(&text, TABLES);
    assert_eq!(
        ruling(&bound, Some("research"), "child"),
        "id: '7', contact-masked\na: deny, secret\ngone: deny, contact-masked\nb: '7', contact-masked\n"
    );
    insta::assert_snapshot!(lints(&bound));
}

#[test]
fn tags_that_fit_nothing_are_lints() {
    let text = format!(
        "{POLICY}{}",
        r#"
[table."public.lonr"]
default = "plain"
[table."public.loner"]
subject_key = "id"
columns.aa = "plain"
erased = "deleted_at IS NOT NULL"
conditions.late = "a::date > now()"
"#
    );
    insta::assert_snapshot!(lints(&bound(&text, TABLES)));
}

#[test]
fn hints_name_the_purposes_that_open_what_was_closed() {
    let text = POLICY.replace("default = \"plain\"", "default = \"contact\"");
    let bound = bound(&text, TABLES);
    let parent = bound.catalog().relation_in("public", "parent").unwrap().oid;
    let all = bound.policy().principal("all", &[]);
    let check = |columns: &[i16], most: usize, expected: &[&str]| {
        let columns: Vec<_> = columns.iter().map(|at| (parent, (*at != 0).then_some(AttNum(*at)))).collect();
        let names = bound.purposes_that_open(&all, &columns, most);
        assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), expected, "{columns:?}");
    };
    check(&[1], 9, &["service", "research", "owner"]);
    check(&[1], 1, &["service"]);
    check(&[2], 9, &["owner"]);
    check(&[1, 2], 9, &["owner"]);
    check(&[3], 9, &["service", "owner"]);
    check(&[0], 9, &["service", "research", "owner"]);
    let nobody = bound.policy().principal("nobody", &[]);
    assert!(bound.purposes_that_open(&nobody, &[(parent, None)], 9).is_empty());
}

#[test]
fn rulings_are_made_once() {
    let bound = bound(POLICY, TABLES);
    let relation = &bound.catalog().relations()[0];
    let service = bound.policy().purpose("service");
    assert!(std::sync::Arc::ptr_eq(&bound.ruling(service, relation), &bound.ruling(service, relation)));
}
