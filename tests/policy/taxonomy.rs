//! Fideslang's taxonomy: keys that are none of it, and its categories in a pack.

use super::fixture::{bound, parse, ruling};
use wherefore::policy::Colour;

const POLICY: &str = r#"
[pack]
name = "taxonomy"
[subject.person]
fides = "customer"
[category.contact]
fides = "user.contact.email"
dpv = "pd:EmailAddress"
[purpose.mailing]
fides = "marketing.communications"
dpv = "dpv:Marketing"
[clause.T-1]
words = "We write to you."
[[rule]]
id = "contact"
clause = "T-1"
category = "contact"
effect = "allow"
[role.all]
purposes = ["mailing"]
"#;

#[track_caller]
fn lints(text: &str) -> String {
    match parse(text) {
        Ok(loaded) => loaded.lints.iter().map(|lint| lint.render(Colour::Plain)).collect(),
        Err(errors) => panic!("{}", errors.render(Colour::Plain)),
    }
}

#[test]
fn keys_of_no_vocabulary_are_lints_with_the_nearest() {
    assert_eq!(lints(POLICY), "");
    for (from, to, expected) in [
        (
            "\"user.contact.email\"",
            "\"user.contact.emial\"",
            ["is no data category of Fideslang", "did you mean `user.contact.email`?"],
        ),
        ("\"customer\"", "\"costumer\"", ["is no data subject of Fideslang", "did you mean `customer`?"]),
        (
            "\"marketing.communications\"",
            "\"marketing.comunications\"",
            ["is no data use of Fideslang", "`marketing.communications`"],
        ),
        // A key of another vocabulary is none of this one.
        ("\"customer\"", "\"user.contact\"", ["`user.contact` is no data subject of Fideslang", "there is"]),
    ] {
        let found = lints(&POLICY.replace(from, to));
        assert!(expected.iter().all(|words| found.contains(words)), "{to}\n{found}");
    }
    // What a pack says it adds is known, with what is below it.
    let added = POLICY.replace("\"user.contact.email\"", "\"user.contact.pager.home\"");
    assert!(lints(&added).contains("is no data category"));
    let extended =
        added.replace("name = \"taxonomy\"", "name = \"taxonomy\"\nfideslang_extension = [\"user.contact.pager\"]");
    assert_eq!(lints(&extended), "");
    let beside = extended.replace("user.contact.pager.home", "user.contact.pagers");
    assert!(lints(&beside).contains("is no data category"));
}

#[test]
fn a_pack_can_have_fideslangs_categories() {
    let text = POLICY.replace("name = \"taxonomy\"", "name = \"taxonomy\"\ntaxonomy = \"fideslang\"")
        + r#"
        [category."user.contact.pager"]
        [category."user.device"]
        title = "our own words for it"
        [category.handset]
        parent = "user.device"
        [[rule]]
        id = "contacts"
        clause = "T-1"
        category = "user.contact"
        effect = { mask = "null" }
        [[rule]]
        id = "devices"
        clause = "T-1"
        category = "user.device"
        effect = "allow"
        [table."public.people"]
        columns.email = "user.contact.email"
        columns.pager = "user.contact.pager"
        columns.place = "user.location"
        columns.phone = "handset"
        columns.ip = "user.device.ip_address"
        "#;
    let bound = bound(&text, "CREATE TABLE people (email text, pager text, place text, phone text, ip inet)");
    assert_eq!(
        ruling(&bound, Some("mailing"), "people"),
        "email: null, contacts (T-1)\npager: null, contacts (T-1)\nplace: deny, no rule\nphone: allow, devices (T-1)\n\
         ip: allow, devices (T-1)\n"
    );
    assert!(lints(&text).is_empty(), "{}", lints(&text));
    let without = parse(&text.replace("taxonomy = \"fideslang\"", "")).expect_err("unknown categories");
    assert!(without.render(Colour::Plain).contains("category `user.contact` is not declared"));
}

#[test]
fn what_does_not_load() {
    for (from, to, expected) in [
        ("name = \"taxonomy\"", "name = \"taxonomy\"\ntaxonomy = \"dpv\"", "unknown taxonomy `dpv`"),
        ("\"dpv:Marketing\"", "\"marketing\"", "`marketing` is no term of DPV"),
        ("\"pd:EmailAddress\"", "\"pd:email\"", "`pd:email` is no term of DPV"),
    ] {
        let errors = parse(&POLICY.replace(from, to)).expect_err(expected).render(Colour::Plain);
        assert!(errors.contains(expected), "{expected}\n{errors}");
    }
}
