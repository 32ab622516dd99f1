//! Identifiers and literals as Postgres writes and cuts them.

/// The longest identifier in bytes (`NAMEDATALEN - 1`).
const IDENTIFIER_BYTES: usize = 63;

/// Cuts an identifier to 63 bytes at a character boundary, as the server does.
pub fn truncate_identifier(name: &str) -> &str {
    if name.len() <= IDENTIFIER_BYTES {
        return name;
    }
    let end = (0..=IDENTIFIER_BYTES).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
    &name[..end]
}

/// Quotes an identifier where it needs it. Keywords are not known here: what might be one is quoted by being compared
/// to the plain shape only, so use this for messages; SQL is printed by the deparser.
pub fn quote_identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// `schema.name`, each part quoted where it needs it. What stands in no schema is no relation, and written as it is.
pub fn quote_qualified(schema: &str, name: &str) -> String {
    if schema.is_empty() {
        return name.to_owned();
    }
    format!("{}.{}", quote_identifier(schema), quote_identifier(name))
}

/// A string constant that means the same whatever `standard_conforming_strings` says.
pub fn quote_literal(value: &str) -> String {
    let quoted = value.replace('\'', "''");
    if quoted.contains('\\') { format!(" E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}
