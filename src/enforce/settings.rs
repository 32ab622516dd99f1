//! Which settings a session may change under a restricted purpose, and to what.

use crate::catalog::Catalog;
use crate::policy::Policy;
use crate::sql::{Set, SetValue};
use crate::vocab::NotUnderstood;

/// Settings that shape output, time-outs, plans and what DDL makes only, or make the server refuse more. Whether one may be set at all is still the server's to say.
const PERMITTED: [&str; 79] = [
    "all",
    "application_name",
    "backend_flush_after",
    "bytea_output",
    "check_function_bodies",
    "client_encoding",
    "client_min_messages",
    "constraint_exclusion",
    "cpu_index_tuple_cost",
    "cpu_operator_cost",
    "cpu_tuple_cost",
    "cursor_tuple_fraction",
    "datestyle",
    "deadlock_timeout",
    "debug_parallel_query",
    "default_statistics_target",
    "default_table_access_method",
    "default_text_search_config",
    "default_toast_compression",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "default_with_oids",
    "effective_cache_size",
    "effective_io_concurrency",
    "escape_string_warning",
    "extra_float_digits",
    "force_parallel_mode",
    "from_collapse_limit",
    "geqo",
    "geqo_threshold",
    "gin_fuzzy_search_limit",
    "hash_mem_multiplier",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "intervalstyle",
    "jit",
    "jit_above_cost",
    "join_collapse_limit",
    "lc_messages",
    "lc_numeric",
    "lc_time",
    "lock_timeout",
    "maintenance_work_mem",
    "max_parallel_maintenance_workers",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "min_parallel_index_scan_size",
    "min_parallel_table_scan_size",
    "parallel_leader_participation",
    "parallel_setup_cost",
    "parallel_tuple_cost",
    "plan_cache_mode",
    "quote_all_identifiers",
    "random_page_cost",
    "restrict_nonsystem_relation_kind",
    "row_security",
    "search_path",
    "seq_page_cost",
    "standard_conforming_strings",
    "statement_timeout",
    "synchronize_seqscans",
    "synchronous_commit",
    "tcp_keepalives_idle",
    "temp_buffers",
    "timezone",
    "transaction_deferrable",
    "transaction_isolation",
    "transaction_read_only",
    "transaction_timeout",
    "vacuum_cost_delay",
    "vacuum_cost_limit",
    "vacuum_cost_page_dirty",
    "vacuum_cost_page_hit",
    "vacuum_cost_page_miss",
    "wherefore.purpose",
    "work_mem",
    "xmlbinary",
    "xmloption",
];

/// Settings of who the session is. They decide what the server permits; what a purpose opens depends on the login role.
const OF_ROLES: [&str; 2] = ["role", "session_authorization"];

/// What stands before the dot in names of settings that change what extensions do, should they be loaded later.
const OF_EXTENSIONS: [&str; 20] = [
    "anon",
    "auth_delay",
    "auto_explain",
    "basic_archive",
    "citus",
    "ddlx",
    "pg_hint_plan",
    "pg_prewarm",
    "pg_stat_statements",
    "pg_trgm",
    "pgaudit",
    "pgcrypto",
    "pljava",
    "plperl",
    "plpgsql",
    "plpython",
    "plpython3",
    "pltcl",
    "plv8",
    "timescaledb",
];

/// Checks a SET, RESET or `set_config` under a restricted purpose.
pub(super) fn check(set: &Set, policy: &Policy, catalog: &Catalog) -> Result<(), NotUnderstood> {
    let Set { scope: _, name, value, by_function: _ } = set;
    // What they may be set to, and where, the session knows.
    let own =
        name.strip_prefix("wherefore.").is_some_and(|name| name == "justification" || policy.parameter(name).is_some());
    let permitted = own || is_listed(name) || OF_ROLES.contains(&&**name) || is_custom(name, catalog);
    let special = match value {
        SetValue::Special => true,
        SetValue::Values(values) => !values.iter().all(|value| is_permitted_value(name, value)),
        SetValue::Default => false,
        // No statement sets another by a parameter.
        SetValue::Parameter => !is_custom(name, catalog),
    };
    // `SET TRANSACTION …` and `SET SESSION CHARACTERISTICS …` have names of their own in the grammar.
    let transaction = matches!(&**name, "transaction" | "session characteristics");
    if transaction || (permitted && !special) {
        return Ok(());
    }
    let what = if permitted { format!("SET {name} with this value") } else { format!("SET {name}") };
    Err(NotUnderstood::new(what, None))
}

/// Whether a setting of that name may have this value under a restricted purpose, wherever it comes from.
pub fn setting_permitted(name: &str, value: &str, catalog: &Catalog) -> bool {
    let name = name.to_ascii_lowercase();
    let known = is_listed(&name) || is_custom(&name, catalog);
    name != "all" && known && is_permitted_value(&name, value)
}

/// Whether it is a setting of an application's own: `app.tenant`, which row security and triggers read.
pub(super) fn is_custom(name: &str, catalog: &Catalog) -> bool {
    let Some((prefix, _)) = name.split_once('.') else { return false };
    let loaded = catalog.snapshot().setting_prefixes.iter().any(|known| **known == *prefix);
    !loaded && prefix != "wherefore" && !prefix.is_empty() && !OF_EXTENSIONS.contains(&prefix)
}

fn is_listed(name: &str) -> bool {
    PERMITTED.contains(&name) || name.starts_with("enable_")
}

fn is_permitted_value(name: &str, value: &str) -> bool {
    match name {
        "client_encoding" => is_ascii_safe(value),
        // Errors are told by a list of English texts.
        "lc_messages" => !value.is_empty() && is_english(value),
        // Below NOTICE the server tells of its plans.
        "client_min_messages" => matches!(&*value.to_ascii_lowercase(), "notice" | "warning" | "error"),
        _ => true,
    }
}

/// Whether a locale's messages are the texts of the server's sources. The empty one is left to the server's environment.
pub fn is_english(locale: &str) -> bool {
    matches!(locale, "" | "C" | "POSIX") || locale.starts_with("C.") || locale.to_ascii_lowercase().starts_with("en")
}

/// Whether every byte of ASCII in a text of this `client_encoding` is that character (`pg_char_to_encoding`).
pub fn is_ascii_safe(client_encoding: &str) -> bool {
    let name: String =
        client_encoding.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let windows = name.strip_prefix("windows").or_else(|| name.strip_prefix("win"));
    match windows {
        Some(page) => matches!(page, "" | "866" | "874") || (page.len() == 4 && page.starts_with("125")),
        None => {
            matches!(&*name, "utf8" | "unicode" | "sqlascii" | "muleinternal" | "alt" | "abc" | "vscii")
                || ["latin", "iso8859", "koi8", "euc", "tcvn"].iter().any(|family| name.starts_with(family))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Snapshot;
    use crate::sql::SetScope;

    #[test]
    fn only_listed_settings_may_change() {
        let set = |name: &str| Set {
            scope: SetScope::Session,
            name: name.into(),
            value: SetValue::Values(vec!["x".into()]),
            by_function: false,
        };
        let prefixes = vec!["loaded".into()];
        let snapshot = Snapshot { setting_prefixes: prefixes, ..Snapshot::default() };
        let catalog = Catalog::new(snapshot, 1);
        let pack = crate::policy::SourceFile { path: "pack.toml".into(), text: "[pack]".into() };
        let policy = Policy::parse(&[pack]).expect("a policy").policy;
        let check = |set: &Set| super::check(set, &policy, &catalog);
        for name in
            ["timezone", "enable_seqscan", "search_path", "role", "session_authorization", "app.tenant", "a.b.c"]
        {
            assert_eq!(check(&set(name)), Ok(()), "{name}");
        }
        for name in ["wherefore.x", "loaded.x", "auto_explain.log_min_duration", "plpgsql.variable_conflict", ".x"] {
            assert!(check(&set(name)).is_err(), "{name}");
        }
        for (name, permitted) in [("app.tenant", true), ("search_path", false), ("role", false)] {
            assert_eq!(check(&Set { value: SetValue::Parameter, ..set(name) }).is_ok(), permitted, "{name}");
        }
        for (name, value, expected) in [
            ("client_encoding", "utf-8", true),
            ("client_encoding", "LATIN1", true),
            ("client_encoding", "windows-1252", true),
            ("client_encoding", "Shift_JIS", false),
            ("client_encoding", "windows-932", false),
            ("Client_Encoding", "GB18030", false),
            ("client_encoding", "SHIFT_JIS_2004", false),
            ("lc_messages", "C", true),
            ("lc_messages", "en_US.UTF-8", true),
            ("lc_messages", "de_DE", false),
            ("lc_messages", "", false),
            ("client_min_messages", "warning", true),
            ("client_min_messages", "debug1", false),
            ("client_min_messages", "log", false),
            ("debug_print_plan", "on", false),
            ("session_preload_libraries", "auto_explain", false),
            ("backslash_quote", "on", false),
            ("TimeZone", "UTC", true),
            ("all", "", false),
            ("app.tenant", "5", true),
            ("App.Tenant", "5", true),
            ("loaded.x", "5", false),
            ("auto_explain.log_min_duration", "0", false),
        ] {
            assert_eq!(setting_permitted(name, value, &catalog), expected, "{name} {value}");
        }
        for name in ["session_replication_role", "lc_messages", "log_statement", "transaction snapshot"] {
            assert!(check(&set(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn other_languages_are_noticed() {
        for (locale, expected) in [
            ("C", true),
            ("C.UTF-8", true),
            ("POSIX", true),
            ("", true),
            ("en_US.UTF-8", true),
            ("English_United States.1252", true),
            ("de_DE.UTF-8", false),
            ("zh_CN.UTF-8", false),
        ] {
            assert_eq!(is_english(locale), expected, "{locale}");
        }
    }
}
