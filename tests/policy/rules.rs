//! Which rule decides, and which rules may not stand together.

use super::fixture::{bound, parse, ruling};
use wherefore::policy::Colour;

const TREES: &str = r#"
[pack]
[subject.person]
[subject.employee]
parent = "person"
[category.contact]
[category."contact.email"]
[category.other]
[purpose.service]
[purpose.support]
parent = "service"
[purpose.ads]
[table."public.t"]
subject = "employee"
columns.email = "contact.email"
columns.twin = ["contact.email", "other"]
columns.other = "other"
conditions.fine = "ok"
conditions.gone = "gone_at IS NOT NULL"
[role.all]
purposes = ["service", "ads"]
"#;

const TABLE: &str = "CREATE TABLE t (email text, twin text, other text, ok bool, gone_at timestamptz)";

/// Rules one per line: `id | subject | category | purpose | effect [| more]`; `-` leaves a dimension out.
fn rules(lines: &str) -> String {
    let mut text = TREES.to_owned();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        text.push_str(&format!("[[rule]]\nid = \"{}\"\n", parts[0]));
        for (key, value) in ["subject", "category", "purpose"].iter().zip(&parts[1..4]) {
            if *value != "-" {
                text.push_str(&format!("{key} = \"{value}\"\n"));
            }
        }
        let effect = parts[4];
        let effect = if effect.starts_with('{') { effect.to_owned() } else { format!("\"{effect}\"") };
        text.push_str(&format!("effect = {effect}\n{}\n", parts.get(5).unwrap_or(&"")));
    }
    text
}

/// What `purpose` may see of the table's tagged columns.
#[track_caller]
fn check(lines: &str, purpose: &str, expected: &str) {
    let bound = bound(&rules(lines), TABLE);
    let all = ruling(&bound, Some(purpose), "t");
    let tagged: Vec<&str> =
        all.lines().filter(|line| !line.starts_with("ok") && !line.starts_with("gone_at")).collect();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(tagged, expected);
}

#[track_caller]
fn clashes(lines: &str) -> String {
    match parse(&rules(lines)) {
        Ok(_) => "loads".to_owned(),
        Err(errors) => {
            let messages: Vec<_> = errors.problems().iter().map(|problem| problem.message().to_owned()).collect();
            messages.join("; ")
        }
    }
}

#[test]
fn nothing_is_permitted_that_no_rule_permits() {
    check(
        "a | person | contact | ads | allow",
        "service",
        "email: deny, no rule
         twin: deny, no rule
         other: deny, no rule",
    );
}

#[test]
fn a_rule_covers_what_is_below_its_nodes() {
    check(
        "a | person | contact | service | allow",
        "support",
        "email: allow, a
         twin: deny, no rule
         other: deny, no rule",
    );
}

#[test]
fn the_deeper_rule_decides_in_each_dimension() {
    let above = "a | person | contact | service | allow\n";
    for below in ["employee | contact | service", "person | contact.email | service", "person | contact | support"] {
        check(
            &format!("{above}b | {below} | deny"),
            "support",
            "email: deny, b
             twin: deny, b
             other: deny, no rule",
        );
    }
    check(
        "a | - | - | - | allow\nb | person | - | - | { mask = \"null\" }",
        "support",
        "email: null, b
         twin: null, b
         other: null, b",
    );
}

#[test]
fn of_several_categories_the_strictest_effect_wins() {
    let lines = |other: &str| format!("a | - | contact | - | allow\nb | - | other | - | {other}");
    for (other, column) in [
        ("allow", "allow, a"),
        ("{ mask = { constant = \"x\" } }", "'x', b"),
        ("{ mask = \"null\" }", "null, b"),
        ("deny", "deny, b"),
        ("forbid", "deny, b"),
    ] {
        check(
            &lines(other),
            "ads",
            &format!("email: allow, a\ntwin: {column}\nother: {}", column.replace(", a", ", b")),
        );
    }
    check(
        "a | - | contact | - | { mask = \"null\" }\nb | - | other | - | { mask = { constant = \"x\" } }",
        "ads",
        "email: null, a
         twin: null, a
         other: 'x', b",
    );
}

#[test]
fn row_conditions_are_those_of_every_rule_that_opens_a_column() {
    check(
        "a | - | contact | - | allow | where = [\"fine\", \"not gone\"]
         b | - | other | - | { mask = \"null\" } | where = [\"not gone\"]",
        "ads",
        "email: allow, a
         twin: null, b
         other: null, b
         where fine: ok
         where not gone: ((gone_at IS NOT NULL) IS NOT TRUE)",
    );
    // The rule that opens nothing hides nothing.
    check(
        "a | - | contact | - | deny
         b | - | other | - | allow | where = [\"fine\"]",
        "ads",
        "email: deny, a
         twin: deny, a
         other: allow, b
         where fine: ok",
    );
}

#[test]
fn a_narrow_bounds_whatever_rule_permits() {
    let narrowed = |narrow: &str, purpose: &str| {
        let lines = "a | - | contact | - | allow | where = [\"fine\"]
             b | - | other | - | { mask = \"null\" }
             c | - | other | ads | deny";
        let text = format!("{}[[narrow]]\nid = \"n\"\n{narrow}\n", rules(lines));
        let bound = bound(&text, TABLE);
        let all = ruling(&bound, Some(purpose), "t");
        let told = |line: &&str| line.starts_with("email") || line.starts_with("other") || line.starts_with("where");
        all.lines().filter(told).collect::<Vec<_>>().join("; ")
    };
    let open = "email: allow, a; other: null, b; where fine: ok";
    let gone = "where not gone: ((gone_at IS NOT NULL) IS NOT TRUE)";
    let cases = [
        ("where = [\"not gone\"]", "service", format!("{open}; {gone}")),
        ("where = [\"not gone\"]\ncategory = \"other\"", "service", format!("{open}; {gone}")),
        ("where = [\"not gone\"]\nsubject = \"person\"", "support", format!("{open}; {gone}")),
        ("where = [\"not gone\"]\nrights = [\"update\"]", "service", open.to_owned()),
        ("where = [\"not gone\"]\nexcept = [\"service\"]", "support", open.to_owned()),
        ("where = [\"not gone\"]\npurpose = \"ads\"", "service", open.to_owned()),
        // What nothing opens hides no row.
        (
            "where = [\"not gone\"]\ncategory = \"other\"",
            "ads",
            "email: allow, a; other: deny, c; where fine: ok".to_owned(),
        ),
    ];
    for (narrow, purpose, expected) in cases {
        assert_eq!(narrowed(narrow, purpose), expected, "{narrow} for {purpose}");
    }
}

#[test]
fn a_narrow_closes_where_a_table_lacks_its_condition() {
    let other = "[table.\"public.u\"]\nsubject = \"employee\"\ndefault = \"contact\"\n";
    let narrow = "[[narrow]]\nid = \"n\"\nwhere = [\"not gone\"]\n";
    let text = format!("{}{other}{narrow}", rules("a | - | contact | - | allow"));
    let bound = bound(&text, &format!("{TABLE}; CREATE TABLE u (name text)"));
    assert_eq!(ruling(&bound, Some("ads"), "u").trim(), "name: deny, n");
    let lints = parse(&text).unwrap().lints;
    let lints: Vec<&str> = lints.iter().map(|lint| lint.message()).collect();
    assert!(lints.contains(&"table `public.u` has no condition `gone`, which rule `n` asks for"), "{lints:?}");
    let idle = text.replace("id = \"n\"", "id = \"n\"\npurpose = \"support\"\ncategory = \"other\"");
    let lints = parse(&idle).unwrap().lints;
    assert!(lints.iter().any(|lint| lint.message() == "narrow `n` bounds nothing"));
}

#[test]
fn a_column_that_stays_closed_hides_no_row() {
    let lines = "a | - | contact | - | allow | where = [\"fine\"]
         b | - | contact.email | - | deny
         c | - | other | - | allow
         d | employee | other | ads | deny";
    let text = rules(lines).replace("[\"contact.email\", \"other\"]", "[\"contact\", \"other\"]");
    let table = "CREATE TABLE t (email text, twin text, other text, ok bool, gone_at timestamptz)";
    let bound = bound(&text, table);
    let tagged = |purpose| {
        ruling(&bound, Some(purpose), "t")
            .lines()
            .filter(|line| !line.contains("untagged"))
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert_eq!(tagged("service"), "email: deny, b; twin: allow, a; other: allow, c; where fine: ok");
    assert_eq!(tagged("ads"), "email: deny, b; twin: deny, d; other: deny, d");
}

#[test]
fn rules_that_tie_do_not_load() {
    let check = |lines: &str, expected: &str| assert_eq!(clashes(lines), expected, "{lines}");
    let tie = "rules `a` and `b` tie";
    check("a | person | contact | service | allow\nb | person | contact | service | deny", tie);
    check("a | person | contact | service | allow\nb | person | contact | service | allow", "loads");
    check("a | employee | contact | service | allow\nb | person | contact.email | service | deny", tie);
    check("a | employee | - | - | allow\nb | - | - | service | deny", tie);
    check("a | employee | contact | service | allow\nb | person | contact.email | ads | deny", "loads");
    check("a | - | contact | - | allow\nb | - | other | - | deny", "loads");
    check(
        "a | employee | - | - | allow | where = [\"fine\"]\nb | - | - | service | allow | where = [\"not gone\"]",
        tie,
    );
    check(
        "a | employee | - | - | allow | where = [\"fine\", \"not gone\"]\nb | - | - | service | allow | where = [\"not gone\", \"fine\"]",
        "loads",
    );
    check("a | employee | - | - | { mask = \"null\" }\nb | - | - | service | { mask = { constant = \"\" } }", tie);
    // Reading and writing are rights of their own.
    check("a | employee | - | - | allow\nb | - | - | service | deny | rights = [\"update\"]", "loads");
    // A rule exactly where two meet settles it; one elsewhere does not, nor one that leaves that place out.
    check(
        "a | employee | - | - | allow | where = [\"fine\"]
         b | - | - | service | allow
         c | employee | - | service | forbid | except = [\"service\"]",
        tie,
    );
    check("a | employee | - | - | allow\nb | - | - | service | deny\nc | employee | - | service | deny", "loads");
    check("a | employee | - | - | allow\nb | - | - | service | deny\nc | employee | - | support | deny", tie);
}

#[test]
fn a_forbid_is_final() {
    let check = |lines: &str, expected: &str| assert_eq!(clashes(lines), expected, "{lines}");
    let below = "rule `b` permits what rule `a` forbids";
    check("a | person | - | - | forbid\nb | employee | contact | service | allow", below);
    check("b | employee | contact | service | { mask = \"null\" }\na | person | - | - | forbid", below);
    check("a | person | - | - | forbid\nb | employee | contact | service | deny", "loads");
    check("a | employee | contact | service | forbid\nb | person | - | - | allow", "loads");
    check("a | person | contact | - | forbid\nb | person | contact | - | allow", "rules `a` and `b` tie");
    check("a | person | - | - | forbid\nb | - | contact | - | allow", "rules `a` and `b` tie");
    // What it leaves out itself it does not forbid, nor what is below that.
    let except = "a | person | - | - | forbid | except = [\"service\"]\n";
    check(&format!("{except}b | employee | contact | support | allow"), "loads");
    check(&format!("{except}b | employee | contact | ads | allow"), below);
    check("a | person | - | - | forbid | except = [\"support\"]\nb | employee | contact | service | allow", below);
}

#[test]
fn a_forbid_decides_over_whatever_is_above_and_below_it() {
    let lines = "a | - | - | - | allow
         f | - | contact | - | forbid | except = [\"service\"]
         d | - | contact.email | ads | deny";
    check(
        lines,
        "ads",
        "email: deny, f
         twin: deny, f
         other: allow, a",
    );
    check(
        lines,
        "support",
        "email: allow, a
         twin: allow, a
         other: allow, a",
    );
}

#[test]
fn a_tie_shows_both_rules() {
    let text = rules("a | employee | - | - | allow\nb | - | - | service | deny");
    insta::assert_snapshot!(parse(&text).unwrap_err().render(Colour::Plain));
}
