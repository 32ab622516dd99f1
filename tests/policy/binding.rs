//! Tags tied to a catalog: inheritance, what is untagged, what does not fit, hints.

use super::fixture::{bound, reader, ruling};
use wherefore::policy::{Bound, Colour};
use wherefore::vocab::{AttNum, Right};

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
        assert!(bound.ruling(reader(&bound, "owner"), relation).whole());
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
        "id: '7', contact-masked\na: deny, secret\ngone: deny, contact-masked, but its mask does not fit the column's type\nb: '7', contact-masked\n"
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
        let names = bound.purposes_that_open(&all, Right::Read, &columns, most);
        assert_eq!(names.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), expected, "{columns:?}");
    };
    check(&[1], 9, &["service", "research", "owner"]);
    check(&[1], 1, &["service"]);
    check(&[2], 9, &["owner"]);
    check(&[1, 2], 9, &["owner"]);
    check(&[3], 9, &["service", "owner"]);
    check(&[0], 9, &["service", "research", "owner"]);
    let nobody = bound.policy().principal("nobody", &[]);
    assert!(bound.purposes_that_open(&nobody, Right::Read, &[(parent, None)], 9).is_empty());
}

#[test]
fn rulings_are_made_once() {
    let bound = bound(POLICY, TABLES);
    let relation = &bound.catalog().relations()[0];
    let service = reader(&bound, "service");
    assert!(std::sync::Arc::ptr_eq(&bound.ruling(service, relation), &bound.ruling(service, relation)));
}

/// Tags stick to column numbers for as long as the policy stays: a rename does not open a column, and a default does not
/// cover what appears later.
#[test]
fn tags_stick_to_column_numbers() {
    let text = r#"
        [pack]
        [category.plain]
        [category.secret]
        [purpose.service]
        [[rule]]
        id = "plain"
        category = "plain"
        effect = "allow"
        [table."public.t"]
        default = "plain"
        columns.hidden = "secret"
    "#;
    let policy = super::fixture::policy(text);
    let bind = |ddl: &str, before: Option<&Bound>| {
        Bound::succeeding(std::sync::Arc::clone(&policy), super::fixture::catalog(ddl), before)
    };
    let first = bind("CREATE TABLE public.t (id int, hidden text)", None);
    let effects = |bound: &Bound| {
        let ruling = bound.ruling(reader(bound, "service"), &bound.catalog().relations()[0]);
        ruling.columns.iter().map(|column| format!("{:?}", column.effect)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(effects(&first), "Allow Deny");
    let renamed = bind("CREATE TABLE public.t (id int, shown text)", Some(&first));
    assert_eq!(effects(&renamed), "Allow Deny", "it is still the column that was tagged");
    let swapped = bind("CREATE TABLE public.t (hidden int, id text)", Some(&first));
    assert_eq!(effects(&swapped), "Deny Deny", "the old tags and those of the new name");
    let longer = bind("CREATE TABLE public.t (id int, hidden text, later text)", Some(&first));
    assert_eq!(effects(&longer), "Allow Deny Deny", "a default does not cover a later column");
    assert_eq!(longer.untagged().len(), 1);
    let longest = "CREATE TABLE public.t (id int, hidden text, later text, last text)";
    let third = bind(longest, Some(&longer));
    assert_eq!(effects(&third), "Allow Deny Deny Deny", "nor at the next reading");
    assert_eq!(third.untagged().len(), 2);
    let parent = "CREATE TABLE public.t (id int, later text)";
    let child = format!("{parent}; CREATE TABLE public.child (id int, later text) INHERITS (public.t)");
    let inherited = bind(&child, Some(&bind("CREATE TABLE public.t (id int)", None)));
    let child = inherited.catalog().relation_in("public", "child").expect("the child");
    let ruling = inherited.ruling(reader(&inherited, "service"), child);
    let of_child = ruling.columns.iter().map(|column| format!("{:?}", column.effect)).collect::<Vec<_>>().join(" ");
    assert_eq!(of_child, "Allow Deny", "nor in a child of its table");
    // Nor when its table leaves a parent, or gets one that says nothing of it.
    let of = |bound: &Bound, name: &str| {
        let relation = bound.catalog().relation_in("public", name).expect("a table");
        let ruling = bound.ruling(reader(bound, "service"), relation);
        ruling.columns.iter().map(|column| format!("{:?}", column.effect)).collect::<Vec<_>>().join(" ")
    };
    let alone = "CREATE TABLE public.p (id int); CREATE TABLE public.t (id int, later text)";
    let part = format!("{alone} INHERITS (public.p)");
    let of_p = bind("CREATE TABLE public.p (id int); CREATE TABLE public.t (id int) INHERITS (public.p)", None);
    let late = bind(&part, Some(&of_p));
    assert_eq!(of(&late, "t"), "Allow Deny");
    let detached = bind(alone, Some(&late));
    assert_eq!(of(&detached, "t"), "Allow Deny", "detached");
    assert_eq!(of(&bind(&part, Some(&detached)), "t"), "Allow Deny", "attached again");
    // What a new parent says of it counts.
    let tagged = super::fixture::policy(&format!("{text}\n[table.\"public.p\"]\ncolumns.later = \"plain\"\n"));
    let bind_tagged = |ddl: &str, before: Option<&Bound>| {
        Bound::succeeding(std::sync::Arc::clone(&tagged), super::fixture::catalog(ddl), before)
    };
    let apart = "CREATE TABLE public.p (id int, later text); CREATE TABLE public.t (id int";
    let late = bind_tagged(&format!("{apart}, later text)"), Some(&bind_tagged(&format!("{apart})"), None)));
    assert_eq!(of(&late, "t"), "Allow Deny");
    let attached = bind_tagged(&format!("{apart}, later text) INHERITS (public.p)"), Some(&late));
    assert_eq!(of(&attached, "t"), "Allow Allow");
    let again = bind("CREATE TABLE public.t (id int, hidden text, later text)", None);
    assert_eq!(effects(&again), "Allow Deny Allow", "defaults are not frozen beyond the process yet");
}

/// What a date means depends on the session's settings, which the client sets.
#[test]
fn conditions_mean_the_same_in_every_session() {
    let opens = |condition: &str| {
        let text = format!(
            r#"
            [pack]
            [category.plain]
            [purpose.service]
            [[rule]]
            id = "plain"
            category = "plain"
            where = ["c"]
            effect = "allow"
            [table."public.t"]
            default = "plain"
            conditions.c = "{condition}"
            "#
        );
        let ddl = "CREATE TABLE public.t (a timestamptz, b timestamptz, d date, s text, n int)";
        let Ok(loaded) = super::fixture::parse(&text) else { return "unreadable" };
        let bound = Bound::new(std::sync::Arc::new(loaded.policy), super::fixture::catalog(ddl));
        let ruling = bound.ruling(reader(&bound, "service"), &bound.catalog().relations()[0]);
        if ruling.countable() { "open" } else { "closed" }
    };
    for condition in [
        "a > now() - interval '2 years'",
        "a + interval '2 years' > now()",
        "a < timestamptz '2026-01-31 00:00:00+00'",
        "a < b",
        "d IS NULL AND s = 'x'",
        "s IN ('x', 'y') AND n BETWEEN 1 AND 3",
    ] {
        assert_eq!(opens(condition), "open", "{condition}");
    }
    for condition in
        ["a > '2026-01-31'", "d > now()", "a > d", "d = '2026-01-31'", "a::date = d", "a IN ('2026-01-31')"]
    {
        assert_eq!(opens(condition), "closed", "{condition}");
    }
    for condition in ["a > timestamptz '2026-01-31'", "d > date '2026-01-31'", "now() > '2026-01-31'"] {
        assert_eq!(opens(condition), "unreadable", "{condition}");
    }
}

#[test]
fn what_is_read_masked_and_updated_is_a_lint() {
    let rights = |rights: &str| {
        format!(
            r#"
            [pack]
            [category.contact]
            [category.plain]
            [purpose.service]
            [purpose.support]
            parent = "service"
            [role.all]
            purposes = ["service"]
            [clause.C]
            words = "w"
            [[rule]]
            id = "masked"
            clause = "C"
            category = "contact"
            effect = {{ mask = "null" }}
            [[rule]]
            id = "saves"
            clause = "C"
            purpose = "support"
            rights = [{rights}]
            effect = "allow"
            [table."public.t"]
            default = "plain"
            columns.mail = "contact"
            columns.phone = "contact"
            "#
        )
    };
    let ddl = "CREATE TABLE t (id int, mail text, phone text)";
    assert_eq!(lints(&bound(&rights(r#""insert", "delete""#), ddl)), "");
    insta::assert_snapshot!(lints(&bound(&rights(r#""update""#), ddl)));
}
