//! The examples of docs/policy.md are policies: each loads beside the declarations that it leaves out.

use super::fixture::parse;
use wherefore::policy::Colour;

const PAGE: &str = include_str!("../../docs/policy.md");

/// What examples of rules take as declared.
const DECLARED: &str = r#"
[pack]
name = "documented"
[category.contact]
[category."contact.postal_code"]
[category."contact.email"]
[category."contact.phone"]
[category.demographic]
[category."demographic.birth_date"]
[category."demographic.income"]
[category.analytics]
[category."analytics.ip"]
[category.profile]
[category.identity]
[category.account]
[category."account.number"]
[purpose.customer_support]
[purpose.analytics]
[purpose.model_training]
[purpose.delivery]
"#;

/// The TOML blocks of a section, by its heading.
fn blocks(heading: &str) -> Vec<&'static str> {
    let (_, section) = PAGE.split_once(&format!("\n## {heading}\n")).expect(heading);
    let section = section.split("\n## ").next().expect("a section");
    section.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// Loads the examples of a section together.
fn load(heading: &str) {
    let blocks = blocks(heading);
    assert!(!blocks.is_empty(), "{heading} has no example");
    if let Err(errors) = parse(&format!("{DECLARED}{}", blocks.concat())) {
        panic!("{}", errors.render(Colour::Plain));
    }
}

#[test]
fn the_examples_of_recipients_load() {
    load("Recipients");
}

#[test]
fn the_example_of_shadow_mode_loads() {
    let (_, section) = PAGE.split_once("\n### Shadow mode\n").expect("a section");
    let block = section.split("```").nth(1).and_then(|block| block.strip_prefix("toml\n")).expect("an example");
    if let Err(errors) = parse(&format!("{DECLARED}{block}")) {
        panic!("{}", errors.render(Colour::Plain));
    }
}

#[test]
fn the_examples_of_masks_and_look_ups_load() {
    let blocks = [blocks("Masks"), blocks("Look-ups")].concat();
    assert!(blocks.len() >= 2, "{} blocks", blocks.len());
    let all = format!("{DECLARED}{}", blocks.concat());
    if let Err(errors) = parse(&all) {
        panic!("{}", errors.render(Colour::Plain));
    }
    // Every row of the table is a mask.
    let masks = PAGE.lines().filter(|line| line.starts_with("| `{ ") || line.starts_with("| `\"pseudonym\"`"));
    let masks = masks.filter_map(|line| line.strip_prefix('|')?.split('|').next());
    let masks: Vec<&str> =
        masks.flat_map(|cell| cell.split('`').skip(1).step_by(2)).filter(|m| !m.contains('…')).collect();
    assert!(masks.len() >= 12, "{masks:?}");
    for mask in masks {
        let rule = format!("[[rule]]\nid = \"one\"\ncategory = \"contact\"\neffect = {{ mask = {mask} }}\n");
        if let Err(errors) = parse(&format!("{DECLARED}{rule}")) {
            panic!("{}", errors.render(Colour::Plain));
        }
    }
}

#[test]
fn the_examples_of_declassifiers_load() {
    let declared = "[pack]\nname = \"documented\"\n[subject.user]\n[category.usage_data]\n[category.\"usage_data.day\"]\n\
                    [category.\"usage_data.total\"]\n[clause.\"B-3e\"]\nwords = \"We process aggregated Usage Data.\"\n";
    let blocks = blocks("Declassifiers");
    assert_eq!(blocks.len(), 1);
    if let Err(errors) = parse(&format!("{declared}{}", blocks.concat())) {
        panic!("{}", errors.render(Colour::Plain));
    }
}
