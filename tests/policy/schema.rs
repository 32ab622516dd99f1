//! The JSON Schemas of policies and their tests: what editors are told is what the loader does.
//!
//! Whatever loads in any test of this binary is checked by the schema as well (`fixture::parse`).

use super::fixture::parse;
use jsonschema::Validator;
use miette::Diagnostic;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use wherefore::policy::{Policy, PolicyErrors, Problem, SourceFile};

/// A schema, and what checks files by it.
pub struct Schema {
    json: Value,
    validator: Validator,
}

pub static POLICY: LazyLock<Schema> = LazyLock::new(|| schema(include_str!("../../policy/policy.schema.json")));
pub static TESTS: LazyLock<Schema> = LazyLock::new(|| schema(include_str!("../../policy/tests.schema.json")));

fn schema(text: &str) -> Schema {
    let json = serde_json::from_str(text).expect("JSON");
    let validator = jsonschema::draft7::new(&json).expect("a schema of draft 7");
    Schema { json, validator }
}

/// What a schema finds wrong with a file.
pub fn wrong(schema: &Schema, text: &str) -> Vec<String> {
    let file = json_of(toml::Value::Table(text.parse().expect("TOML")));
    schema.validator.iter_errors(&file).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// TOML as editors show it to a schema: dates are strings.
fn json_of(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(truth) => Value::from(truth),
        toml::Value::Datetime(date) => Value::from(date.to_string()),
        toml::Value::Array(items) => items.into_iter().map(json_of).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| (key, json_of(value))).collect())
        }
    }
}

/// Every `*.toml` of a folder, by name.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect(folder);
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths
}

#[test]
fn the_packs_and_their_tests_are_in_order_and_say_where_their_schema_is() {
    let folders = [
        ("policy/botpress", "../policy.schema.json", &*POLICY),
        ("policy/pystorm", "../policy.schema.json", &*POLICY),
        ("policy/botpress/tests", "../../tests.schema.json", &*TESTS),
        ("policy/pystorm/tests", "../../tests.schema.json", &*TESTS),
    ];
    for (folder, named, schema) in folders {
        let paths = files(folder);
        assert!(paths.len() >= 3, "{folder} has {} files", paths.len());
        for path in paths {
            let text = std::fs::read_to_string(&path).expect("a file");
            assert_eq!(wrong(schema, &text), [""; 0], "{}", path.display());
            assert_eq!(text.lines().next(), Some(&*format!("#:schema {named}")), "{}", path.display());
            assert!(Path::new(folder).join(named).exists());
        }
    }
}

#[test]
fn the_first_policy_of_the_readme_is_in_order() {
    let page = include_str!("../../README.md");
    let policies = page.split("```toml\n").skip(1).filter(|block| block.contains("[pack]"));
    let policies: Vec<&str> = policies.filter_map(|block| block.split("```").next()).collect();
    assert_eq!(policies.len(), 1);
    assert_eq!(wrong(&POLICY, policies[0]), [""; 0]);
}

/// A key and a word that the language does not have, and that is near none.
const NONE: &str = "zzzzzzzzzzzz";

/// The shapes that a schema gives to the tables and words of a file, each with the way to it.
struct Shapes<'s> {
    schema: &'s Value,
    /// The keys of a table.
    tables: Vec<(Vec<Step>, BTreeSet<String>)>,
    /// The words that a value may be.
    words: Vec<(Vec<Step>, BTreeSet<String>)>,
}

/// A step from a value to one within it.
#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Item,
}

impl Shapes<'_> {
    fn of(schema: &Value) -> Shapes<'_> {
        let mut shapes = Shapes { schema, tables: Vec::new(), words: Vec::new() };
        shapes.walk(schema, &[]);
        shapes
    }

    fn walk(&mut self, node: &Value, way: &[Step]) {
        let further = |step| [way, &[step]].concat();
        for (keyword, value) in node.as_object().expect("a schema is an object") {
            match keyword.as_str() {
                "$ref" => {
                    let target = value.as_str().and_then(|to| to.strip_prefix('#')).expect("a place in this schema");
                    let target = self.schema.pointer(target).expect("a definition").clone();
                    self.walk(&target, way);
                }
                "allOf" | "oneOf" => {
                    value.as_array().expect("schemas").iter().for_each(|schema| self.walk(schema, way));
                }
                "properties" => {
                    let properties: &Map<String, Value> = value.as_object().expect("properties");
                    self.tables.push((way.to_vec(), properties.keys().cloned().collect()));
                    for (key, schema) in properties {
                        assert!(schema.get("description").is_some() || schema.get("$ref").is_some(), "{way:?} {key}");
                        self.walk(schema, &further(Step::Key(key.clone())));
                    }
                }
                "additionalProperties" if value.is_object() => self.walk(value, &further(Step::Key("x".to_owned()))),
                "items" => self.walk(value, &further(Step::Item)),
                "enum" => {
                    let words = value.as_array().expect("words").iter().map(|word| word.as_str().expect("a word"));
                    self.words.push((way.to_vec(), words.map(str::to_owned).collect()));
                }
                "additionalProperties" => assert_eq!(value, &json!(false), "{way:?}"),
                "$schema" | "title" | "description" | "definitions" | "type" | "required" | "propertyNames" | "not"
                | "pattern" | "minimum" | "maximum" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
                | "minLength" | "maxLength" => {}
                other => panic!("a keyword that this test does not know: {other}"),
            }
        }
    }
}

/// A file that is nothing but a value and the way to it.
fn file(way: &[Step], value: toml::Value) -> String {
    let whole = way.iter().rev().fold(value, |inner, step| match step {
        Step::Key(key) => toml::Value::Table([(key.clone(), inner)].into_iter().collect()),
        Step::Item => toml::Value::Array(vec![inner]),
    });
    toml::to_string(&whole).expect("TOML")
}

/// What the loader says of the key or word that there is not.
#[track_caller]
fn problem(file: &str) -> Problem {
    let errors: PolicyErrors = parse(file).err().unwrap_or_else(|| panic!("loads:\n{file}"));
    let about = errors.problems().iter().find(|problem| problem.message().contains(NONE));
    about.unwrap_or_else(|| panic!("nothing is said of it:\n{file}\n{errors}")).clone()
}

/// The names between backticks, but for examples of tables.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).filter(|name| !name.starts_with('{')).map(str::to_owned).collect()
}

#[test]
fn every_key_of_the_loader_is_one_of_the_schema_and_the_other_way_round() {
    let shapes = Shapes::of(&POLICY.json);
    assert!(shapes.tables.len() >= 20, "{} tables", shapes.tables.len());
    for (way, keys) in shapes.tables {
        let table = toml::Value::Table([(NONE.to_owned(), 1.into())].into_iter().collect());
        let problem = problem(&file(&way, table));
        assert!(problem.message().starts_with(&format!("unknown key `{NONE}`")), "{}", problem.message());
        let help = problem.help().unwrap_or_else(|| panic!("{way:?}: more keys than are listed")).to_string();
        assert_eq!(quoted(&help), keys, "{way:?}: the loader's keys and the schema's");
    }
}

#[test]
fn every_word_of_the_loader_is_one_of_the_schema_and_the_other_way_round() {
    let shapes = Shapes::of(&POLICY.json);
    assert!(shapes.words.len() >= 10, "{} lists of words", shapes.words.len());
    for (way, words) in shapes.words {
        let problem = problem(&file(&way, NONE.into()));
        let labels = problem.labels().into_iter().flatten().filter_map(|label| label.label().map(str::to_owned));
        let told: Vec<String> = labels.chain(problem.help().map(|help| help.to_string())).collect();
        assert_eq!(quoted(&told.join("\n")), words, "{way:?}: the loader's words and the schema's");
    }
}

/// Files that the schema refuses, each with where and why.
const WRONG: &[(&str, &str)] = &[
    ("[package]", ": Additional properties are not allowed ('package' was unexpected)"),
    ("pack = 1", "/pack: 1 is not of type \"object\""),
    ("[pack]\nuntagged = \"open\"", "/pack/untagged: \"open\" is not one of"),
    ("[purpose.Analytics]", "/purpose: \"Analytics\" does not match"),
    ("[category.contact.email]", "/category/contact: Additional properties are not allowed ('email' was unexpected)"),
    ("[purpose.a]\nmax_row = 1", "/purpose/a: Additional properties are not allowed ('max_row' was unexpected)"),
    ("[purpose.a]\njustification = \"CASE\"", "/purpose/a/justification: \"CASE\" is not of type \"object\""),
    ("[purpose.a]\nmode = \"off\"", "/purpose/a/mode: \"off\" is not one of"),
    ("[clause.a]", "/clause/a: \"words\" is a required property"),
    ("[rule]\nid = \"a\"", "/rule: {\"id\":\"a\"} is not of type \"array\""),
    ("[[rule]]\nid = \"a\"", "/rule/0: \"effect\" is a required property"),
    ("[[rule]]\nid = \"a\"\neffect = \"permit\"", "/rule/0/effect: \"permit\" is not valid under any"),
    (
        "[[rule]]\nid = \"a\"\neffect = { mask = \"hash\" }",
        "/rule/0/effect: {\"mask\":\"hash\"} is not valid under any",
    ),
    ("[[rule]]\nid = \"a\"\neffect = { aggregate = { min_subjects = 1 } }", "/rule/0/effect: "),
    ("[[rule]]\nid = \"a\"\neffect = { mask = \"null\", aggregate = { min_subjects = 2 } }", "/rule/0/effect: "),
    ("[[rule]]\nid = \"a\"\neffect = { mask = { inet = 33 } }", "/rule/0/effect: "),
    ("[[rule]]\nid = \"a\"\neffect = { mask = { jsonb = { keep = [\"a\"], hide = [\"b\"] } } }", "/rule/0/effect: "),
    (
        "[[rule]]\nid = \"a\"\neffect = \"allow\"\nrights = [\"write\"]",
        "/rule/0/rights: [\"write\"] is not valid under any",
    ),
    ("[[rule]]\nid = \"a\"\neffect = \"allow\"\ncategory = []", "/rule/0/category: [] is not valid under any"),
    ("[[narrow]]\nid = \"a\"", "/narrow/0: \"where\" is a required property"),
    ("[[never_together]]\ncategories = [\"a\"]", "/never_together/0/categories: [\"a\"] has less than 2 items"),
    ("[table.\"public.a\"]\ncolumns.b = 1", "/table/public.a/columns/b: 1 is not valid under any"),
    ("[table.\"public.a\"]\nconditions.erased = \"true\"", "/table/public.a/conditions: "),
    ("[declassifier.\"public.a\"]\nclause = \"a\"\ndefinition = \"md5:0\"", "/declassifier/public.a/definition: "),
    ("[pattern.\"public.*\"]\ndefault = \"a\"", "/pattern/public.*: Additional properties are not allowed"),
    ("[pack]\ntaxonomy = \"own\"", "/pack/taxonomy: \"own\" is not one of"),
    ("[category.a]\ndpv = \"Marketing\"", "/category/a/dpv: \"Marketing\" does not match"),
    ("[purpose.a]\nmax_rows = 0", "/purpose/a/max_rows: "),
    ("[purpose.a]\nmax_rows = { over = \"limit\" }", "/purpose/a/max_rows: "),
    ("[table.\"public.a\"]\nfollows = []", "/table/public.a/follows: [] is not valid under any"),
    ("[role.a]", "/role/a: \"purposes\" is a required property"),
    ("[parameter.a]\ntype = \"date\"\nfrom = \"pin\"", "/parameter/a/type: \"date\" is not one of"),
    ("[function.\"public.a\"]", "/function/public.a: \"reads\" is a required property"),
    (
        "[system.pg_class]\nreads = []",
        "/system/pg_class: Additional properties are not allowed ('reads' was unexpected)",
    ),
];

#[test]
fn what_is_wrong_is_shown_where_it_stands_and_does_not_load_either() {
    for (file, expected) in WRONG {
        let found = wrong(&POLICY, file);
        assert!(found.iter().any(|error| error.starts_with(expected)), "{file}\n{found:#?}");
        let loaded = Policy::parse(&[
            SourceFile { path: "pack.toml".to_owned(), text: "[pack]\nname = \"a\"".to_owned() },
            SourceFile { path: "wrong.toml".to_owned(), text: (*file).to_owned() },
        ]);
        let errors = loaded.expect_err(file);
        assert!(errors.problems().iter().any(|problem| problem.path() == "wrong.toml"), "{file}\n{errors}");
    }
    let tests = [
        ("[[tests]]", ": Additional properties are not allowed ('tests' was unexpected)"),
        ("[[test]]\nname = \"a\"\nsql = \"\"", "/test/0: \"expect\" is a required property"),
        ("[[test]]\nname = \"a\"\nsql = \"\"\nexpect = \"denied\"", "/test/0/expect: \"denied\" is not one of"),
        (
            "[[test]]\nname = \"a\"\nsql = \"\"\nexpect = \"refused\"\nrow = []",
            "/test/0: Additional properties are not",
        ),
        ("[[test]]\nname = \"a\"\nsql = \"\"\nexpect = \"refused\"\nrole = \"a\"\nrecipient = \"b\"", "/test/0: "),
    ];
    for (file, expected) in tests {
        let found = wrong(&TESTS, file);
        assert!(found.iter().any(|error| error.starts_with(expected)), "{file}\n{found:#?}");
    }
}
