//! Fides datasets (Fideslang's `dataset` resource): collections are tables, fields columns.

use super::Told;
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    dataset: Vec<Dataset>,
}

#[derive(Deserialize)]
struct Dataset {
    #[serde(default)]
    collections: Vec<Collection>,
    fides_meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    namespace: Option<Namespace>,
}

#[derive(Deserialize)]
struct Namespace {
    schema: Option<String>,
}

#[derive(Deserialize)]
struct Collection {
    name: String,
    data_categories: Option<Vec<String>>,
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    name: String,
    data_categories: Option<Vec<String>>,
    fields: Option<Vec<Field>>,
}

impl Field {
    /// Its categories, and those of what lies inside it: a column holds all of it.
    fn categories(&self) -> Vec<String> {
        let mut all = self.data_categories.clone().unwrap_or_default();
        all.extend(self.fields.iter().flatten().flat_map(Field::categories));
        all.sort_unstable();
        all.dedup();
        all
    }
}

pub(super) fn read(text: &str) -> Result<Vec<Told>, String> {
    let File { dataset } = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let mut told = Vec::new();
    for Dataset { collections, fides_meta } in dataset {
        let schema = fides_meta.and_then(|meta| meta.namespace).and_then(|namespace| namespace.schema);
        for Collection { name, data_categories, fields } in collections {
            let columns: Vec<(String, Vec<String>)> = fields
                .iter()
                .map(|field| (field.name.clone(), field.categories()))
                .filter(|(_, categories)| !categories.is_empty())
                .collect();
            let default = data_categories.unwrap_or_default();
            if !(columns.is_empty() && default.is_empty()) {
                told.push(Told { schema: schema.clone(), table: name, default, columns, ..Told::default() });
            }
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_are_tables() {
        let text = "
dataset:
  - fides_key: shop
    name: Shop
    fides_meta: {namespace: {database_name: shop, schema: sales}}
    collections:
      - name: users
        data_categories: [user]
        fields:
          - name: email
            data_categories: [user.contact.email]
            fides_meta: {primary_key: false}
          - name: address
            fields:
              - name: city
                data_categories: [user.contact.address.city]
              - name: inner
                fields: [{name: street, data_categories: [user.contact.address.street]}]
          - name: id
      - name: logs
        fields: [{name: id}]
";
        let word = str::to_owned;
        let users = Told {
            schema: Some(word("sales")),
            table: word("users"),
            default: vec![word("user")],
            columns: vec![
                (word("email"), vec![word("user.contact.email")]),
                (word("address"), vec![word("user.contact.address.city"), word("user.contact.address.street")]),
            ],
            ..Told::default()
        };
        assert_eq!(read(text), Ok(vec![users]));
        assert!(read("dataset: [{collections: [{fields: []}]}]").is_err(), "a collection without a name");
        assert!(read(": :\n  -").is_err());
    }
}
