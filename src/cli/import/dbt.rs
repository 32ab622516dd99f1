//! Properties of dbt: `meta` of models, sources, seeds and snapshots, and of their columns, beside it or in `config`.
//!
//! `meta: {wherefore: {category: contact.email}}` is ours; `data_category`, `data_categories` and `fides: {data_categories: …}`
//! are read too.

use super::Told;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    models: Vec<Table>,
    #[serde(default)]
    seeds: Vec<Table>,
    #[serde(default)]
    snapshots: Vec<Table>,
    #[serde(default)]
    sources: Vec<Source>,
}

#[derive(Deserialize)]
struct Source {
    name: String,
    schema: Option<String>,
    #[serde(default)]
    tables: Vec<Table>,
}

#[derive(Deserialize)]
struct Table {
    name: String,
    /// What a source's table is called in the database.
    identifier: Option<String>,
    meta: Option<Value>,
    config: Option<Config>,
    #[serde(default)]
    columns: Vec<Column>,
}

#[derive(Default, Deserialize)]
struct Config {
    schema: Option<String>,
    alias: Option<String>,
    meta: Option<Value>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
    meta: Option<Value>,
    config: Option<Config>,
}

/// Where categories may stand, the first that says any first.
const CATEGORIES: [&[&str]; 8] = [
    &["wherefore", "category"],
    &["wherefore", "categories"],
    &["wherefore"],
    &["data_category"],
    &["data_categories"],
    &["fides", "data_category"],
    &["fides", "data_categories"],
    &["fides_data_categories"],
];

/// The words at a place in `meta`: a text or a list of them.
fn words(meta: &[&Value], path: &[&str]) -> Vec<String> {
    let at = |meta: &Value| path.iter().try_fold(meta.clone(), |value, key| value.get(key).cloned());
    let texts = |value: Value| match value {
        Value::String(word) => vec![word],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    meta.iter().filter_map(|meta| at(meta)).map(texts).find(|words| !words.is_empty()).unwrap_or_default()
}

fn categories(meta: &[&Value]) -> Vec<String> {
    CATEGORIES.iter().map(|path| words(meta, path)).find(|words| !words.is_empty()).unwrap_or_default()
}

impl Table {
    fn told(self, schema: Option<String>) -> Option<Told> {
        let Table { name, identifier, meta, config, columns } = self;
        let Config { schema: own, alias, meta: of_config } = config.unwrap_or_default();
        let meta: Vec<&Value> = meta.iter().chain(&of_config).collect();
        let one = |key: &str| words(&meta, &["wherefore", key]).into_iter().next();
        let of_column = |Column { name, meta, config }: Column| {
            let of_config = config.and_then(|config| config.meta);
            let meta: Vec<&Value> = meta.iter().chain(&of_config).collect();
            (name, categories(&meta))
        };
        let columns = columns.into_iter().map(of_column).filter(|(_, categories)| !categories.is_empty());
        let told = Told {
            schema: own.or(schema),
            table: alias.or(identifier).unwrap_or(name),
            subject: one("subject"),
            subject_key: one("subject_key"),
            default: words(&meta, &["wherefore", "default"]),
            columns: columns.collect(),
        };
        let Told { schema: _, table: _, subject, subject_key, default, columns } = &told;
        let silent = subject.is_none() && subject_key.is_none() && default.is_empty() && columns.is_empty();
        (!silent).then_some(told)
    }
}

pub(super) fn read(text: &str) -> Result<Vec<Told>, String> {
    let file = serde_saphyr::from_str(text).map_err(|error: serde_saphyr::Error| error.to_string())?;
    let File { models, seeds, snapshots, sources } = file;
    let own = models.into_iter().chain(seeds).chain(snapshots).filter_map(|table| table.told(None));
    let of_sources = sources.into_iter().flat_map(|Source { name, schema, tables }| {
        // A source without a schema is called as its schema.
        let schema = schema.unwrap_or(name);
        tables.into_iter().filter_map(move |table| table.told(Some(schema.clone())))
    });
    Ok(own.chain(of_sources).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_is_read_in_its_spellings() {
        let text = "
version: 2
models:
  - name: stg_users
    config: {alias: users, schema: staging, meta: {wherefore: {subject: user, subject_key: id, default: account}}}
    columns:
      - {name: email, meta: {wherefore: {category: contact.email}}}
      - {name: phone, config: {meta: {wherefore: contact.phone}}}
      - {name: city, meta: {data_categories: [user.location, user.contact], owner: 7}}
      - {name: name, meta: {fides: {data_categories: [user.name]}}}
      - {name: id, meta: {owner: me}}
  - name: silent
    columns: [{name: id}]
sources:
  - name: raw
    tables:
      - {name: events, identifier: evts, columns: [{name: ip, meta: {data_category: user.device.ip_address}}]}
";
        let told = read(text).expect("it is read");
        let shown: Vec<String> = told
            .iter()
            .map(|told| {
                let Told { schema, table, subject, subject_key, default, columns } = told;
                let columns: Vec<String> =
                    columns.iter().map(|(name, words)| format!("{name}={}", words.join("+"))).collect();
                let or = |text: &Option<String>| text.clone().unwrap_or_default();
                format!(
                    "{}.{table} {} {} {} {}",
                    or(schema),
                    or(subject),
                    or(subject_key),
                    default.join("+"),
                    columns.join(" ")
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "staging.users user id account email=contact.email phone=contact.phone city=user.location+user.contact name=user.name",
                "raw.evts    ip=user.device.ip_address",
            ]
        );
    }
}
