//! Recipients: one more dimension of rules, whom a user stands for, and who may read what under a policy.

use super::fixture::{bound, parse, policy, ruling};
use std::fmt::Write as _;
use wherefore::policy::Colour;

const PACK: &str = r#"
[pack]
[subject.person]
[category.contact]
[category."contact.email"]
[category.other]
[purpose.service]
[purpose.delivery]
[purpose.owner]
unrestricted = true
[recipient.provider]
title = "who works for us"
fides = "third_party.provider"
[recipient."provider.delivery"]
[recipient.third_party]
dpv = "dpv:ThirdParty"
[table."public.t"]
subject = "person"
columns.email = "contact.email"
columns.other = "other"
conditions.fine = "ok"
[role.all]
purposes = ["service", "delivery", "owner"]
[role.partner]
purposes = "service"
recipient = "third_party"
[role.postman]
purposes = "delivery"
recipient = "provider.delivery"
[role.helper]
purposes = "service"
default = "service"
recipient = "provider"
[role.nobody]
purposes = "service"
recipient = "third_party"
"#;

const TABLE: &str = "CREATE TABLE t (email text, other text, ok bool)";

/// Rules one per line: `id | category | purpose | recipient | effect [| more]`; `-` leaves a dimension out.
fn rules(lines: &str) -> String {
    let mut text = PACK.to_owned();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let _ = writeln!(text, "[[rule]]\nid = \"{}\"", parts[0]);
        for (key, value) in ["category", "purpose", "recipient"].iter().zip(&parts[1..4]) {
            if *value != "-" {
                let names: Vec<String> = value.split(' ').map(|name| format!("\"{name}\"")).collect();
                let _ = writeln!(text, "{key} = [{}]", names.join(", "));
            }
        }
        let _ = writeln!(text, "effect = \"{}\"\n{}", parts[4], parts.get(5).unwrap_or(&""));
    }
    text
}

/// What readers see of the two tagged columns: `reader: email, other`.
#[track_caller]
fn check(lines: &str, expected: &[&str]) {
    let bound = bound(&rules(lines), TABLE);
    for line in expected {
        let (reader, seen) = line.split_once(": ").unwrap();
        let all = ruling(&bound, Some(reader), "t");
        let of = |name: &str| {
            let line = all.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap();
            line.to_owned()
        };
        let rows: Vec<&str> = all.lines().filter(|line| line.starts_with("where")).collect();
        let rows = if rows.is_empty() { String::new() } else { format!(" {}", rows.join(" ")) };
        assert_eq!(format!("{}; {}{rows}", of("email"), of("other")), seen, "{reader}\n{lines}");
    }
}

#[track_caller]
fn refused(lines: &str, says: &str) {
    let errors = parse(&rules(lines)).err().unwrap_or_else(|| panic!("loads: {lines}"));
    let text = errors.render(Colour::Plain);
    assert!(text.contains(says), "{text}");
}

#[test]
fn a_rule_without_a_recipient_is_for_all() {
    check(
        "everyone | contact | service | - | allow",
        &[
            "service: allow, everyone; deny, no rule",
            "service for provider: allow, everyone; deny, no rule",
            "service for provider.delivery: allow, everyone; deny, no rule",
            "delivery for provider.delivery: deny, no rule; deny, no rule",
        ],
    );
}

#[test]
fn a_rule_for_a_recipient_is_for_it_and_those_below() {
    check(
        "outside | contact | service | provider third_party | allow",
        &[
            "service: deny, no rule; deny, no rule",
            "service for provider: allow, outside; deny, no rule",
            "service for provider.delivery: allow, outside; deny, no rule",
            "service for third_party: allow, outside; deny, no rule",
        ],
    );
}

#[test]
fn the_more_specific_rule_decides() {
    check(
        "within | contact | service | - | allow
         outside | contact | service | provider | deny
         post | contact | service | provider.delivery | allow | where = [\"fine\"]",
        &[
            "service: allow, within; deny, no rule",
            "service for third_party: allow, within; deny, no rule",
            "service for provider: deny, outside; deny, no rule",
            "service for provider.delivery: allow, post; deny, no rule where fine: ok",
        ],
    );
}

#[test]
fn rules_that_tie_need_one_where_they_meet() {
    let tie = "within | contact | service | - | allow
               outside | contact | - | third_party | allow | where = [\"fine\"]";
    refused(tie, "rules `within` and `outside` tie");
    refused(tie, "both match every subject × contact × service × third_party with different effects");
    check(
        &format!("{tie}\nmet | contact | service | third_party | deny"),
        &[
            "service: allow, within; deny, no rule",
            "service for third_party: deny, met; deny, no rule",
            "delivery for third_party: allow, outside; deny, no rule where fine: ok",
            "delivery: deny, no rule; deny, no rule",
        ],
    );
}

#[test]
fn a_forbid_is_final_for_the_recipient_and_those_below() {
    refused(
        "never | contact | - | provider | forbid
         but | contact.email | service | provider.delivery | allow",
        "rule `but` permits what rule `never` forbids",
    );
    check(
        "never | contact | - | provider | forbid | except = [\"delivery\"]
         but | contact.email | delivery | provider.delivery | allow
         within | contact | service | third_party | allow",
        &[
            "delivery for provider.delivery: allow, but; deny, no rule",
            "service for provider: deny, never; deny, no rule",
            "service for third_party: allow, within; deny, no rule",
            "delivery: deny, no rule; deny, no rule",
        ],
    );
}

/// What a document says of third parties is said once, whatever opens the data.
#[test]
fn a_narrow_is_for_a_recipient() {
    let text = rules("within | contact | service delivery | - | allow");
    let narrow = "[[narrow]]\nid = \"who-agreed\"\nrecipient = \"third_party\"\nwhere = [\"fine\"]\n";
    let bound = bound(&format!("{text}{narrow}"), TABLE);
    for (reader, bounded) in [("service", false), ("service for provider", false), ("delivery for third_party", true)] {
        assert_eq!(ruling(&bound, Some(reader), "t").contains("where fine: ok"), bounded, "{reader}");
    }
}

#[test]
fn unknown_recipients_are_errors() {
    refused("x | contact | service | provder | allow", "unknown recipient `provder`");
    let with = |more: &str| parse(&format!("{PACK}{more}")).expect_err(more).render(Colour::Plain);
    assert!(with("[role.x]\npurposes = \"service\"\nrecipient = \"nobody\"\n").contains("unknown recipient `nobody`"));
    assert!(with("[recipient.\"court.supreme\"]\n").contains("recipient `court` is not declared"));
    let together = "[[never_together]]\ncategories = [\"contact\", \"other\"]\nrecipient = \"x\"\n";
    assert!(with(together).contains("unknown recipient `x`"));
}

#[test]
fn lints_say_what_is_not_meant() {
    let lints = |text: &str| {
        let lints = parse(text).unwrap_or_else(|errors| panic!("{}", errors.render(Colour::Plain))).lints;
        lints.iter().map(|lint| lint.message()).collect::<Vec<_>>().join("\n")
    };
    let all = lints(&rules(
        "everyone | contact | service | - | allow
         outside | contact | service | provider | deny
         shadowed | other | owner | provider | allow",
    ));
    assert!(!all.contains("never decides"), "{all}");
    assert!(all.contains("rule `shadowed` stands under unrestricted purposes only"), "{all}");
    let alone = PACK.replace("recipient = \"provider.delivery\"\n", "").replace("recipient = \"provider\"\n", "");
    let all = lints(&alone);
    assert!(all.contains("no role stands for recipient `provider`"), "{all}");
    assert!(!all.contains("no role stands for recipient `third_party`"), "{all}");
    let all = lints(&format!("{PACK}[role.auditor]\npurposes = \"owner\"\nrecipient = \"third_party\"\n"));
    assert!(all.contains("role `auditor` has a recipient and may declare `owner`"), "{all}");
}

/// The user's own recipient first, else the one that its roles agree on; what is granted to another is no grant.
#[test]
fn whom_a_user_stands_for() {
    let policy = policy(PACK);
    let check = |user: &str, roles: &[&str], expected: &str| {
        let member_of: Vec<_> = roles.iter().map(|role| (*role).into()).collect();
        let principal = policy.principal(user, &member_of);
        let purposes: Vec<&str> = principal.purposes.iter().map(|purpose| &**policy.purpose_name(*purpose)).collect();
        let recipient = principal.recipient.map_or("-", |recipient| policy.recipient_name(recipient));
        let default = principal.default.map_or("-", |purpose| policy.purpose_name(purpose));
        let found = match &principal.disagreement {
            Some(disagreement) => disagreement.words(),
            None => format!("{recipient} | {} | {default}", purposes.join(" ")),
        };
        assert_eq!(found, expected, "{user} {roles:?}");
        assert_eq!(principal.disagreement.is_some(), expected.starts_with("It is"), "{user}");
        assert!(principal.disagreement.is_none() || (purposes.is_empty() && principal.recipient.is_none()));
    };
    check("someone", &[], "- |  | -");
    check("someone", &["all"], "- | service delivery owner | -");
    check("someone", &["postman"], "provider.delivery | delivery | -");
    check("someone", &["postman", "all"], "provider.delivery | service delivery owner | -");
    check("someone", &["partner", "nobody"], "third_party | service | -");
    check("all", &["helper"], "provider | service delivery owner | service");
    check("postman", &["helper"], "provider.delivery | delivery | -");
    check("postman", &["helper", "partner"], "provider.delivery | delivery | -");
    check(
        "someone",
        &["all", "helper", "partner"],
        "It is a member of roles \"helper\", for recipient \"provider\", and \"partner\", for recipient \"third_party\": \
         for whom it reads is not clear, so it may declare no purpose.",
    );
    check(
        "all",
        &["postman", "helper"],
        "It is a member of roles \"postman\", for recipient \"provider.delivery\", and \"helper\", for recipient \
         \"provider\": for whom it reads is not clear, so it may declare no purpose.",
    );
}

/// Whoever a session can be for is a reader, and nobody else.
#[test]
fn readers_are_whom_roles_can_stand_for() {
    let words = |text: &str| {
        let policy = policy(text);
        let words = policy.readers().iter().map(|reader| {
            policy.reader_words(*reader).replace("purpose ", "").replace(" recipient", "").replace('"', "")
        });
        words.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(
        words(PACK),
        "service, delivery, service for provider, delivery for provider, service for provider.delivery, \
         delivery for provider.delivery, service for third_party, delivery for third_party"
    );
    let without = PACK.replace("[role.all]\npurposes = [\"service\", \"delivery\", \"owner\"]\n", "");
    assert_eq!(
        words(&without),
        "service, delivery, service for provider, delivery for provider.delivery, service for third_party"
    );
}

#[test]
fn a_matrix_is_for_a_recipient() {
    use wherefore::policy::{Extent, Gets};
    use wherefore::vocab::Right;
    let text = rules("within | contact | service | - | allow\noutside | contact | service | provider | deny");
    let policy = policy(&text);
    let first = |recipient: Option<&str>| {
        let recipient = recipient.map(|name| policy.recipient(name).unwrap());
        let matrix = policy.matrix(Right::Read, Extent::Declared, recipient);
        matrix.parts[0].rows[0].cells[0].gets.clone()
    };
    assert_eq!(first(None), Gets::Raw);
    assert_eq!(first(Some("third_party")), Gets::Raw);
    assert_eq!(first(Some("provider.delivery")), Gets::Denied);
}
