//! The examples of docs/policy.md are policies: each block loads beside the declarations that it leaves out.

use super::fixture::parse;
use super::schema;
use wherefore::policy::Colour;

const PAGE: &str = include_str!("../../docs/policy.md");

/// What examples take as declared, each for the blocks that do not declare it themselves.
const DECLARED: &str = r#"
[pack]
name = "documented"

[subject.user]

[subject.end_user]

[category.contact]

[category."contact.postal_code"]

[category."contact.email"]

[category."contact.phone"]

[category.demographic]

[category."demographic.birth_date"]

[category."demographic.income"]

[category.analytics]

[category."analytics.ip"]

[category."analytics.language"]

[category."analytics.score"]

[category.profile]

[category.interests]

[category.identity]

[category."identity.direct"]

[category.account]

[category."account.number"]

[category.conversation_data]

[category.usage]

[category."usage.log"]

[category.usage_data]

[category."usage_data.day"]

[category."usage_data.total"]

[purpose.service_operation]

[purpose.customer_support]

[purpose.technical_support]

[purpose.analytics]

[purpose.model_training]

[purpose.delivery]

[purpose.marketing_communication]

[purpose.data_subject_request]

[purpose.legal_obligation]

[purpose.administration_of_data]

[purpose.operations]

[parameter.customer]
type = "int4"
from = "principal"

[clause."B-1a"]
words = "…"

[clause."B-1d"]
words = "…"

[clause."B-3c"]
words = "…"

[clause."B-3e"]
words = "…"

[clause."B-3i"]
words = "…"

[clause."B-4b"]
words = "…"

[clause."P-1d"]
words = "…"

[table."public.subscribers"]
erased = "erased_at IS NOT NULL"
consent.marketing = "agreed"
conditions.unsubscribed = "unsubscribed_at IS NOT NULL"
"#;

/// A block of the page with the line that it begins on.
struct Block {
    line: usize,
    text: &'static str,
}

/// The blocks of the page in a language.
fn blocks(language: &str) -> Vec<Block> {
    let fence = format!("```{language}\n");
    let mut blocks = Vec::new();
    let mut at = 0;
    while let Some(found) = PAGE[at..].find(&fence) {
        let start = at + found + fence.len();
        let end = start + PAGE[start..].find("```").expect("the end of a block");
        blocks.push(Block { line: PAGE[..start].lines().count() + 1, text: &PAGE[start..end] });
        at = end + "```".len();
    }
    blocks
}

/// Whether a block is of the tests beside a pack.
fn is_of_tests(block: &Block) -> bool {
    block.text.contains("[[test]]")
}

/// Whether a block only shows what a draft looks like, which is all comments.
fn is_draft(block: &Block) -> bool {
    block.text.lines().all(|line| line.starts_with('#'))
}

/// A block with the declarations that it leaves out.
fn whole(block: &str) -> String {
    let declares = |header: &str| block.lines().any(|line| line.starts_with(header));
    let missing = DECLARED.split("\n\n").filter(|part| !declares(part.trim_start().lines().next().expect("a header")));
    let missing: Vec<&str> = missing.collect();
    format!("{}\n\n{block}", missing.join("\n\n"))
}

#[test]
fn every_example_of_a_policy_loads() {
    let blocks = blocks("toml");
    let policies: Vec<&Block> = blocks.iter().filter(|block| !is_of_tests(block) && !is_draft(block)).collect();
    assert!(policies.len() >= 30, "{} blocks", policies.len());
    assert!(blocks.len() - policies.len() <= 3, "the tests, a draft of `wherefore scan`, a lock file");
    for block in policies {
        if let Err(errors) = parse(&whole(block.text)) {
            panic!("docs/policy.md:{}\n{}", block.line, errors.render(Colour::Plain));
        }
    }
}

#[test]
fn every_example_of_a_test_is_one() {
    let blocks = blocks("toml");
    let tests: Vec<&Block> = blocks.iter().filter(|block| is_of_tests(block)).collect();
    assert_eq!(tests.len(), 1);
    for block in tests {
        assert_eq!(schema::wrong(&schema::TESTS, block.text), [""; 0], "docs/policy.md:{}", block.line);
        let file: toml::Table = block.text.parse().expect("TOML");
        for test in file["test"].as_array().expect("tests") {
            for key in ["before", "sql"] {
                let Some(sql) = test.get(key).and_then(|sql| sql.as_str()) else { continue };
                assert!(pg_query::parse(sql, 0).is_ok(), "docs/policy.md:{}: {sql}", block.line);
            }
        }
    }
}

#[test]
fn every_example_in_sql_is_sql() {
    let blocks = blocks("sql");
    assert!(!blocks.is_empty());
    for block in blocks {
        assert!(pg_query::parse(block.text, 0).is_ok(), "docs/policy.md:{}", block.line);
    }
}

#[test]
fn every_row_of_the_table_of_masks_is_a_mask() {
    let masks = PAGE.lines().filter(|line| line.starts_with("| `{ ") || line.starts_with("| `\"pseudonym\"`"));
    let masks = masks.filter_map(|line| line.strip_prefix('|')?.split('|').next());
    let masks: Vec<&str> =
        masks.flat_map(|cell| cell.split('`').skip(1).step_by(2)).filter(|m| !m.contains('…')).collect();
    assert!(masks.len() >= 12, "{masks:?}");
    for mask in masks {
        let rule = format!("[[rule]]\nid = \"one\"\ncategory = \"contact\"\neffect = {{ mask = {mask} }}\n");
        if let Err(errors) = parse(&whole(&rule)) {
            panic!("{}", errors.render(Colour::Plain));
        }
    }
}
