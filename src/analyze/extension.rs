//! Extensions: whose functions compute from their arguments only, and which tell of relations, files or other sessions.
//!
//! An extension that stands in neither list keeps what every extension has: its operators, types, casts and its
//! overloads of permitted functions are trusted, its other functions are closed unless the policy lists them.

/// Extensions whose functions compute from their arguments, or keep a setting of the session at most. Of PostgreSQL's
/// own ones read from their scripts, 13 to 18; `vector` is pgvector.
const COMPUTING: [&str; 19] = [
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "intagg",
    "intarray",
    "isn",
    "ltree",
    "pg_trgm",
    "pgcrypto",
    "seg",
    "unaccent",
    "uuid-ossp",
    "vector",
];

/// Extensions that take SQL, names of relations, files or the pages of a table, or tell of other sessions' statements.
/// Nothing of theirs is open by its name, not even an overload.
const CLOSED: [&str; 22] = [
    "adminpack",
    "amcheck",
    "dblink",
    "file_fdw",
    "lo",
    "old_snapshot",
    "oracle_fdw",
    "pageinspect",
    "pg_buffercache",
    "pg_cron",
    "pg_freespacemap",
    "pg_logicalinspect",
    "pg_prewarm",
    "pg_stat_statements",
    "pg_surgery",
    "pg_visibility",
    "pg_walinspect",
    "pgrowlocks",
    "pgstattuple",
    "postgres_fdw",
    "sslinfo",
    "xml2",
];

/// Functions of `tablefunc` and of `xml2` that only compute; the others take SQL or names.
const SOME: [(&str, &[&str]); 2] = [
    ("tablefunc", &["normal_rand"]),
    (
        "xml2",
        &["xpath_nodeset", "xpath_list", "xpath_string", "xpath_number", "xpath_bool", "xml_encode_special_chars"],
    ),
];

/// Whether a function of the extension may be called under a restricted purpose.
pub(super) fn computes(extension: &str, function: &str) -> bool {
    let some = || SOME.iter().any(|(name, functions)| *name == extension && functions.contains(&function));
    COMPUTING.contains(&extension) || some()
}

/// Whether nothing of the extension is trusted for belonging to one.
pub(super) fn is_closed(extension: &str) -> bool {
    CLOSED.contains(&extension) || extension == "tablefunc"
}

/// Whether the operators, types, casts and overloads of an extension are trusted, and a policy may open its functions.
pub fn is_trusted(extension: &str) -> bool {
    !is_closed(extension)
}

/// Every extension that is in a list.
#[cfg(test)]
pub(super) fn listed() -> impl Iterator<Item = &'static str> {
    COMPUTING.iter().chain(&CLOSED).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_sql_or_names_is_closed() {
        for (extension, function, expected) in [
            ("pgcrypto", "digest", true),
            ("hstore", "akeys", true),
            ("citext", "regexp_matches", true),
            ("tablefunc", "normal_rand", true),
            ("tablefunc", "crosstab", false),
            ("tablefunc", "connectby", false),
            ("dblink", "dblink", false),
            ("xml2", "xpath_string", true),
            ("xml2", "xpath_table", false),
            ("xml2", "xslt_process", false),
            ("pg_stat_statements", "pg_stat_statements", false),
            ("an_extension_of_tomorrow", "f", false),
        ] {
            assert_eq!(computes(extension, function), expected, "{extension}.{function}");
        }
        assert!(listed().all(|name| !(COMPUTING.contains(&name) && is_closed(name))));
    }
}
