//! Load errors, each at its place, all at once.

use super::fixture::{parse, policy};
use std::sync::Arc;
use wherefore::policy::{Colour, Policy, Proof, SourceFile};

const GOOD: &str = r#"
[pack]
name = "test"
document = "Privacy Statement"
dated = 2023-08-24
[subject.person]
[category.contact]
[category."contact.email"]
[purpose.service]
[purpose.support]
parent = "service"
[clause."C-1"]
words = "We use it for the service."
[[rule]]
id = "service"
clause = "C-1"
subject = "person"
category = "contact"
purpose = "service"
effect = "allow"
[role.app]
purposes = ["service"]
default = "support"
"#;

/// The good policy with `more` after it, and what the loader says.
#[track_caller]
fn errors(more: &str) -> String {
    match parse(&format!("{GOOD}{more}")) {
        Ok(_) => "loads\n".to_owned(),
        Err(errors) => errors.render(Colour::Plain),
    }
}

#[test]
fn a_policy_in_order_loads_without_lints() {
    let loaded = parse(GOOD).unwrap();
    let lints: String = loaded.lints.iter().map(|lint| lint.render(Colour::Plain)).collect();
    assert_eq!(lints, "");
    let policy = loaded.policy;
    assert_eq!(&**policy.name(), "test");
    let names: Vec<_> = policy.purposes().map(|purpose| policy.purpose_name(purpose).to_string()).collect();
    assert_eq!(names, ["service", "support"]);
    let support = policy.purpose("support").unwrap();
    assert_eq!(policy.purpose_parent(support), policy.purpose("service"));
    let (clause, section) = policy.clauses().next().unwrap();
    assert_eq!((&*clause.dated, section), ("2023-08-24", None));
}

#[test]
fn every_error_is_reported_at_once() {
    insta::assert_snapshot!(errors(
        r#"
[[rule]]
id = "typos"
clause = "C-2"
subject = "persn"
category = ["contact.emial", "contacts"]
purpose = "suport"
rights = ["reed"]
where = ["not erased"]
efect = "allow"
effect = "alow"
[role.marketing]
purposes = ["service", "marketing"]
default = "service"
[table.users]
subject = "people"
default = "contact"
columns.email = ["contact.email", 3]
erased = "deleted_at IS NOT NULL OR EXISTS (SELECT 1 FROM secrets)"
"#
    ));
}

#[test]
fn syntax_errors_of_all_files_are_reported_without_what_follows_from_them() {
    let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
    let errors = Policy::parse(&[
        file("pack.toml", "[pack]\nname = \"test\n\n[purpose.service\n"),
        file("rules.toml", "[[rule]]\nid = \"a\"\npurpose = \"service\"\neffect == \"allow\"\n"),
    ])
    .unwrap_err();
    insta::assert_snapshot!(errors.render(Colour::Plain));
}

/// Each mask that a rule cannot have, at its place.
#[test]
fn masks_that_cannot_be_do_not_load() {
    let masks = [
        "\"hash\"",
        "\"pseudonim\"",
        "{}",
        "3",
        "{ constant = 3 }",
        "{ partial = {} }",
        "{ partial = { keep_last = 17 } }",
        "{ partial = { keep_middle = 1 } }",
        "{ postal_code = 0 }",
        "{ date = \"mounth\" }",
        "{ number = 1 }",
        "{ number = 0.25 }",
        "{ number = \"0.0\" }",
        "{ number = \"1e3\" }",
        "{ inet = 33 }",
        "{ jsonb = [\"a\"] }",
        "{ jsonb = { keep = [] } }",
        "{ jsonb = { keep = [\"a\"], hide = [\"b\"] } }",
        "{ pseudonym = \"it's\" }",
        "{ inet = 24, number = 10 }",
    ];
    let rules = masks.iter().enumerate().map(|(at, mask)| {
        format!("[[rule]]\nid = \"m{at}\"\npurpose = \"support\"\nclause = \"C-1\"\neffect = {{ mask = {mask} }}\n")
    });
    insta::assert_snapshot!(errors(&rules.collect::<String>()));
}

#[test]
fn look_ups_stand_beside_masks() {
    insta::assert_snapshot!(errors(
        r#"
[[rule]]
id = "found"
purpose = "support"
effect = "lookup"
clause = "C-1"
[[rule]]
id = "open"
category = "contact.email"
purpose = "support"
effect = "allow"
filter = "lookup"
[[rule]]
id = "closed"
category = "contact.email"
purpose = "support"
effect = "deny"
filter = "lookup"
[[rule]]
id = "otherwise"
purpose = "support"
effect = { mask = "null" }
filter = "allow"
[[rule]]
id = "written"
purpose = "support"
rights = ["update"]
effect = "lookup"
"#
    ));
}

#[test]
fn what_is_not_supported_yet_is_an_error() {
    insta::assert_snapshot!(errors(
        r#"
[parameter.customer]
type = "int4"
[purpose.legal]
justification = { pattern = "^CASE-[0-9]+$" }
[[rule]]
id = "usages"
purpose = "support"
effect = { mask = { partial = { keep_last = 4 } } }
join = "allow"
[table."public.end_users"]
scope.customer = "customer_id = $customer"
[role.partner]
purposes = "service"
parameters.customer = 42
"#
    ));
}

#[test]
fn trees_are_checked() {
    insta::assert_snapshot!(errors(
        r#"
[purpose.a]
parent = "b"
[purpose.b]
parent = "c"
[purpose.c]
parent = "a"
[purpose.d]
parent = "servce"
[category."contacts.email"]
[category."contact.phone"]
parent = "other"
[category.other]
[subject."End User"]
[purpose.owner]
parent = "service"
unrestricted = true
"#
    ));
}

#[test]
fn names_declared_twice_are_errors_across_files() {
    let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
    let more = "[purpose.service]\n[pack]\n[[rule]]\nid = \"service\"\neffect = \"deny\"\n[role.app]\npurposes = \"service\"\n";
    let errors = Policy::parse(&[file("a.toml", GOOD), file("b.toml", more)]).unwrap_err();
    insta::assert_snapshot!(errors.render(Colour::Plain));
}

#[test]
fn shapes_are_checked() {
    insta::assert_snapshot!(errors(
        r#"
[clause."C-3"]
section = 3
[[rule]]
category = "contact"
purpose = []
effect = { mask = "nul" }
[[rule]]
id = "empty"
purpose = "support"
effect = {}
[[rule]]
id = "writes"
purpose = "support"
rights = ["read", "update"]
except = ["service"]
effect = { mask = { constant = "x" } }
[[rule]]
id = "closed"
purpose = "support"
category = "contact"
where = ["consent.x"]
effect = "deny"
[[narrow]]
clause = "C-1"
where = ["not erased"]
[[narrow]]
id = "writes"
effect = "deny"
purpose = "suport"
rights = ["raed"]
[[narrow]]
id = "unknown"
where = ["not erasde"]
[table."public.t"]
consent.x = "agreed"
conditions.erased = "true"
conditions."a b" = "true"
[role.none]
default = "service"
[role.other]
purposes = "support"
default = "service"
"#
    ));
}

#[test]
fn no_pack_is_an_error() {
    insta::assert_snapshot!(Policy::parse(&[]).unwrap_err().render(Colour::Plain));
}

#[test]
fn tags_that_exclude_each_other_do_not_load() {
    insta::assert_snapshot!(errors(
        r#"
[category.usage]
never_with = ["contact"]
never_about = ["person"]
[table."public.t"]
columns.a = ["usage", "contact.email"]
[table."public.u"]
subject = "person"
default = "usage"
"#
    ));
}

#[test]
fn colour_is_an_option() {
    let errors = parse("[pack]\nnam = 1\n").unwrap_err();
    assert!(!errors.render(Colour::Plain).contains('\u{1b}'));
    assert!(errors.render(Colour::Ansi).contains('\u{1b}'));
}

#[test]
fn lints_stand_at_their_place() {
    let text = format!(
        "{GOOD}{}",
        r#"
[clause."C-2"]
words = "Nothing rests on this."
[clause."C-3"]
words = "But a rule does."
without_rule = "for a reason"
[purpose.nobody]
[purpose.owner]
unrestricted = true
[role.dba]
purposes = "owner"
[[rule]]
id = "cites-nothing"
purpose = "support"
subject = "person"
category = "contact.email"
effect = "deny"
[[rule]]
id = "never-judged"
clause = "C-3"
purpose = "owner"
effect = "deny"
[[rule]]
id = "forbidden"
clause = "C-1"
category = "contact"
purpose = "nobody"
effect = "forbid"
[[rule]]
id = "unreachable"
clause = "C-1"
category = "contact.email"
purpose = "nobody"
effect = "deny"
[[rule]]
id = "conditional"
clause = "C-1"
category = "contact"
subject = "person"
purpose = "support"
where = ["consent.x"]
effect = "allow"
[table."public.with"]
subject = "person"
default = "contact"
consent.x = "agreed"
[table."public.without"]
subject = "person"
default = "contact"
"#
    );
    let loaded = parse(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let lints: Vec<_> = loaded.lints.iter().map(|lint| lint.render(Colour::Plain)).collect();
    insta::assert_snapshot!(lints.join("\n"));
}

#[test]
fn principals_are_the_union_of_their_roles() {
    let policy = policy(
        r#"
[pack]
[purpose.service]
[purpose.support]
parent = "service"
[purpose.marketing]
[role.app]
purposes = "service"
default = "support"
[role.ads]
purposes = "marketing"
default = "marketing"
[role.quiet]
purposes = "marketing"
"#,
    );
    let check = |user: &str, roles: &[&str], purposes: &str, default: &str| {
        let roles: Vec<_> = roles.iter().map(|role| (*role).into()).collect();
        let principal = policy.principal(user, &roles);
        let name = |purpose| policy.purpose_name(purpose).to_string();
        let names: Vec<_> = principal.purposes.iter().map(|purpose| name(*purpose)).collect();
        assert_eq!(names.join(" "), purposes, "{user}");
        assert_eq!(principal.default.map(name).unwrap_or_default(), default, "{user}");
        principal.class
    };
    let app = check("app", &[], "service support", "support");
    let alice = check("alice", &["app", "unknown"], "service support", "support");
    assert_eq!(app, alice, "no plan can tell them apart");
    check("alice", &["app", "quiet"], "service support marketing", "support");
    check("alice", &["app", "ads"], "service support marketing", "");
    check("ads", &["app"], "service support marketing", "marketing");
    let nobody = check("nobody", &[], "", "");
    assert_ne!(app, nobody);
}

#[test]
fn what_is_proven_beside_a_name_decides_too() {
    let policy = policy(
        r#"
[pack]
[recipient.provider]
[recipient.partner]
[recipient.nobody]
[purpose.service]
[purpose.support]
parent = "service"
[purpose.marketing]
[role.app]
purposes = ["service", "marketing"]
default = "marketing"
[role.batch]
purposes = "marketing"
certificates = ["CN=batch-7", "SAN=batch.example"]
[role.provider]
purposes = "marketing"
recipient = "provider"
[role.partner]
purposes = "marketing"
recipient = "partner"
"#,
    );
    let names = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect::<Box<[Arc<str>]>>();
    let none = || Proof::default();
    let shows = |shown: &[&str]| Proof { certificate: names(shown), ..none() };
    let permits = |purposes: &[&str]| Proof { purposes: Some(names(purposes)), ..none() };
    let reads_for = |recipient: &str| Proof { recipient: Some(recipient.into()), ..none() };
    for (user, member_of, proof, purposes, default, recipient) in [
        ("app", "", none(), "service support marketing", "marketing", ""),
        // The purposes of a token, and those below them, take away and give nothing.
        ("app", "", permits(&["support"]), "support", "", ""),
        ("app", "", permits(&["service", "unknown"]), "service support", "", ""),
        ("app", "", permits(&["marketing"]), "marketing", "marketing", ""),
        ("app", "", permits(&[]), "", "", ""),
        ("nobody", "", permits(&["service"]), "", "", ""),
        // Roles of a token are as good as those of the database.
        (
            "nobody",
            "",
            Proof { roles: names(&["app", "unknown"]), ..none() },
            "service support marketing",
            "marketing",
            "",
        ),
        // A role with certificates is theirs alone, whatever name or token says.
        ("batch", "", none(), "", "", ""),
        ("nobody", "batch", none(), "", "", ""),
        ("nobody", "", Proof { roles: names(&["batch"]), ..none() }, "", "", ""),
        ("nobody", "", shows(&["CN=batch-70", "SAN=batch-7"]), "", "", ""),
        ("nobody", "", shows(&["CN=other", "SAN=batch.example"]), "marketing", "", ""),
        ("batch", "", shows(&["CN=batch-7"]), "marketing", "", ""),
        // Whom a token says that it reads for: someone for whom a role does, and not against the user's own.
        ("app", "", reads_for("provider"), "service support marketing", "marketing", "provider"),
        ("nobody", "provider partner", reads_for("partner"), "marketing", "", "partner"),
        ("provider", "", reads_for("provider"), "marketing", "", "provider"),
        ("provider", "", reads_for("partner"), "", "", "for \"provider\""),
        ("app", "", reads_for("nobody"), "", "", "no role of the policy"),
        ("app", "", reads_for("unknown"), "", "", "no role of the policy"),
    ] {
        let roles: Vec<Arc<str>> = member_of.split_whitespace().map(Arc::from).collect();
        let principal = policy.proven_principal(user, &roles, &proof);
        let name = |purpose| policy.purpose_name(purpose).to_string();
        let found: Vec<_> = principal.purposes.iter().map(|purpose| name(*purpose)).collect();
        let case = format!("{user} {member_of} {proof:?}");
        assert_eq!(found.join(" "), purposes, "{case}");
        assert_eq!(principal.default.map(name).unwrap_or_default(), default, "{case}");
        match &principal.disagreement {
            Some(disagreement) => assert!(disagreement.words().contains(recipient) && !recipient.is_empty(), "{case}"),
            None => {
                let of = principal.recipient.map(|of| policy.recipient_name(of).to_string());
                assert_eq!(of.unwrap_or_default(), recipient, "{case}");
            }
        }
        // Nobody reads whom the policy does not count with.
        for purpose in &principal.purposes {
            assert!(policy.readers().contains(&principal.reader(*purpose)), "{case}");
        }
    }
}

#[test]
fn the_version_changes_with_the_files() {
    assert_eq!(policy(GOOD).version(), policy(GOOD).version());
    assert_ne!(policy(GOOD).version(), policy(&GOOD.replace("\"allow\"", "\"deny\"")).version());
}

#[test]
fn parameters_are_declared_typed_and_compared() {
    insta::assert_snapshot!(errors(
        r#"
[parameter.customer]
type = "int5"
from = "princpal"
[parameter.claimed]
type = "int4"
from = "pin"
claim = "customer_id"
[parameter.purpose]
type = "int4"
from = "pin"
[parameter."Not.a.word"]
type = "int4"
from = "pin"
[parameter.small]
type = "int2"
from = "principal"
required = "yes"
[parameter.of_session]
type = "int8"
from = "session"
[role.other]
purposes = ["service"]
certificates = ["batch", "CN=", "SAN=a.example"]
parameters.small = 40000
parameters.of_session = 1
parameters.smal = 1
[table."public.a"]
scope.small = "small_id = $small"
scope.unknown = "a = $smal"
scope.alone = "$small"
scope.number = "$1 = a"
scope.sum = "now() + $small > a"
scope.constant = "$small = 1"
scope.dollars = "a = $small$x$small$"
"#
    ));
}

#[test]
fn a_condition_may_name_parameters() {
    let text = format!(
        "{GOOD}
[parameter.customer]
type = \"int4\"
from = \"principal\"
[parameter.code]
type = \"text\"
from = \"session\"
[table.\"public.a\"]
default = \"contact\"
subject = \"person\"
scope.customer = \"customer_id = $customer AND (code = $code OR code = '$code' OR code IN ($code, 'x'))\"
[[rule]]
id = \"scoped\"
clause = \"C-1\"
category = \"contact.email\"
subject = \"person\"
purpose = \"service\"
where = [\"scope.customer\"]
effect = \"allow\"
"
    );
    let text = text.replace("default = \"contact\"\nsubject", "default = \"contact.email\"\nsubject");
    let bound = super::fixture::bound(&text, "CREATE TABLE a (customer_id int4, code text)");
    assert_eq!(
        super::fixture::ruling(&bound, Some("service"), "a"),
        "customer_id: allow, scoped (C-1)\ncode: allow, scoped (C-1)\nwhere scope.customer: \
         (customer_id OPERATOR(pg_catalog.=) $1 AND (code OPERATOR(pg_catalog.=) $2 OR code OPERATOR(pg_catalog.=) \
         '$code' OR (code OPERATOR(pg_catalog.=) $2 OR code OPERATOR(pg_catalog.=) 'x')))\n"
    );
    // A column of another type: closed, with a lint.
    let bound = super::fixture::bound(&text, "CREATE TABLE a (customer_id text, code text)");
    assert!(super::fixture::ruling(&bound, Some("service"), "a").starts_with("customer_id: deny"));
    let lints: String = bound.lints().iter().map(|lint| lint.render(Colour::Plain)).collect();
    assert!(lints.contains("compares a parameter with a column of another type"), "{lints}");
}

#[test]
fn purposes_in_shadow_mode_are_lints() {
    let text = "[pack]\n[purpose.trial]\nmode = \"shadow\"\n[purpose.below]\nparent = \"trial\"\n[purpose.real]\nparent = \"trial\"\nmode = \"enforce\"\n[role.x]\npurposes = \"trial\"\n";
    let loaded = super::fixture::parse(text).unwrap_or_else(|errors| panic!("{}", errors.render(Colour::Plain)));
    let lints: Vec<_> = loaded.lints.iter().map(|lint| lint.message()).collect();
    let of = |name: &str| format!("purpose `{name}` is in shadow mode: nothing is enforced under it");
    assert_eq!(lints, [of("trial"), of("below")]);
}

#[test]
fn what_purposes_demand_is_checked_when_it_loads() {
    insta::assert_snapshot!(errors(
        r#"
[purpose.legal]
justification = { pattern = "^CASE-[0-9+$" }
named_columns_only = "yes"
[purpose.court]
justification = { patern = "x" }
require_tls = 1
[purpose.quiet]
mode = "silent"
[purpose.free]
unrestricted = true
mode = "shadow"
[[never_together]]
categories = ["contact", "contacts"]
purpose = "servce"
clause = "C-2"
[[never_together]]
categories = ["contact"]
"#
    ));
}

#[test]
fn a_declassifier_says_on_what_words_and_what_it_gives() {
    for (more, wanted) in [
        ("[declassifier.\"public.v\"]\ndefault = \"contact\"", "`clause` is missing"),
        ("[declassifier.\"public.v\"]\nclause = \"C-2\"\ndefault = \"contact\"", "unknown clause `C-2`"),
        ("[declassifier.\"public.v\"]\nclause = \"C-1\"", "a declassifier says what it gives"),
        (
            "[declassifier.\"public.v\"]\nclause = \"C-1\"\ndefault = \"contact\"\ncategory = \"contact\"",
            "a declassifier is a view or a function",
        ),
        ("[declassifier.\"public.v\"]\nclause = \"C-1\"\ndefault = \"contacts\"", "unknown category `contacts`"),
        (
            "[declassifier.\"public.v\"]\nclause = \"C-1\"\ndefault = \"contact\"\ndefinition = \"md5:1\"",
            "`definition` is no digest",
        ),
        ("[declassifier.\"public.*\"]\nclause = \"C-1\"\ncategory = \"contact\"", "`public.*` is no declassifier"),
        (
            "[declassifier.\"pg_catalog.pg_table_size\"]\nclause = \"C-1\"\ncategory = \"contact\"",
            "`pg_catalog.pg_table_size` is no declassifier",
        ),
        (
            "[declassifier.\"public.f\"]\nclause = \"C-1\"\ncategory = \"contact\"\nerased = \"false\"",
            "a function has no rows to condition",
        ),
        (
            "[table.\"public.v\"]\ndefault = \"contact\"\n[declassifier.\"public.v\"]\nclause = \"C-1\"\ndefault = \"contact\"",
            "table `public.v` is declared twice",
        ),
    ] {
        let got = errors(&format!("{more}\n"));
        assert!(got.contains(wanted), "{more}\n{got}");
    }
}

#[test]
fn usages_are_closed_of_what_a_rule_gives_to_read() {
    for (more, wanted) in [
        ("effect = \"allow\"\nsort = \"deny\"\nfilter = \"deny\"", "loads"),
        ("effect = \"allow\"\nsort = \"allow\"", "`sort = \"allow\"` is not supported"),
        ("effect = \"lookup\"\nfilter = \"deny\"", "`filter = \"deny\"` beside the effect `lookup`"),
        ("effect = \"forbid\"\noutput = \"deny\"", "rule `usage` closes usages of what it does not give to read"),
        (
            "effect = \"allow\"\nrights = [\"insert\"]\noutput = \"deny\"",
            "rule `usage` closes usages of what it does not give to read",
        ),
    ] {
        let rule = "[[rule]]\nid = \"usage\"\nclause = \"C-1\"\ncategory = \"contact.email\"\nsubject = \"person\"\npurpose = \"support\"\n";
        let got = errors(&format!("{rule}{more}\n"));
        assert!(got.contains(wanted), "{more}\n{got}");
    }
    // Two rules for the same that close different usages decide differently.
    let rule = |id: &str, usage: &str| {
        format!(
            "[[rule]]\nid = \"{id}\"\nclause = \"C-1\"\ncategory = \"contact.email\"\nsubject = \"person\"\npurpose = \"support\"\neffect = \"allow\"\n{usage} = \"deny\"\n"
        )
    };
    let got = errors(&(rule("one", "sort") + &rule("other", "group")));
    assert!(got.contains("rules `one` and `other` tie"), "{got}");
}
