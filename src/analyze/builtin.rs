//! Which built-in functions a statement under a restricted purpose may call.

use crate::catalog::Function;
use rustc_hash::FxHashSet;
use std::sync::LazyLock;

static PERMITTED: LazyLock<FxHashSet<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("builtin_functions.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
});

/// Helpers of `information_schema` that tools call.
const INFORMATION_SCHEMA: [&str; 4] = ["_pg_expandarray", "_pg_truetypid", "_pg_truetypmod", "_pg_char_max_length"];

/// Aggregates of `pg_catalog`, PostgreSQL 13 to 18 (`prokind = 'a'`).
const AGGREGATES: [&str; 53] = [
    "any_value",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "cume_dist",
    "dense_rank",
    "every",
    "json_agg",
    "json_agg_strict",
    "json_object_agg",
    "json_object_agg_strict",
    "json_object_agg_unique",
    "json_object_agg_unique_strict",
    "jsonb_agg",
    "jsonb_agg_strict",
    "jsonb_object_agg",
    "jsonb_object_agg_strict",
    "jsonb_object_agg_unique",
    "jsonb_object_agg_unique_strict",
    "max",
    "min",
    "mode",
    "percent_rank",
    "percentile_cont",
    "percentile_disc",
    "range_agg",
    "range_intersect_agg",
    "rank",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
];

/// Types of `pg_catalog` without a function of their name, which are written like one all the same.
const TYPES: [&str; 24] = [
    "aclitem",
    "bytea",
    "cid",
    "inet",
    "json",
    "jsonb",
    "jsonpath",
    "macaddr8",
    "oid",
    "pg_lsn",
    "regcollation",
    "regconfig",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
    "tsquery",
    "tsvector",
    "uuid",
    "xid",
];

/// Whether the name is a built-in type's that is no function's.
pub(super) fn is_type(name: &str) -> bool {
    TYPES.contains(&name)
}

/// Whether a function of `pg_catalog` may be called.
pub(super) fn permitted(name: &str) -> bool {
    PERMITTED.contains(name) || AGGREGATES.contains(&name)
}

/// Overloads of permitted names that may not be called, by the number of their arguments: `ts_rewrite(tsquery, text)`
/// runs the text.
const CLOSED_OVERLOADS: [(&str, i16); 1] = [("ts_rewrite", 2)];

/// Whether this overload of a function of `pg_catalog` may be called.
pub fn permitted_overload(function: &Function) -> bool {
    let closed = CLOSED_OVERLOADS.contains(&(&*function.name, function.arguments));
    permitted(&function.name) && !closed
}

/// Whether every overload of a function of `pg_catalog` may be called.
pub(super) fn permitted_whole(name: &str) -> bool {
    permitted(name) && CLOSED_OVERLOADS.iter().all(|(closed, _)| *closed != name)
}

/// Closed functions of `pg_catalog` that a policy may list: they tell how big relations are, what the server has counted
/// and what other sessions do, and reach no value. `pg_stat_get_…` beside these.
const LISTABLE: [&str; 19] = [
    "currval",
    "lastval",
    "pg_blocking_pids",
    "pg_cancel_backend",
    "pg_current_wal_insert_lsn",
    "pg_current_wal_lsn",
    "pg_database_size",
    "pg_indexes_size",
    "pg_last_wal_receive_lsn",
    "pg_last_wal_replay_lsn",
    "pg_last_xact_replay_timestamp",
    "pg_lock_status",
    "pg_relation_size",
    "pg_safe_snapshot_blocking_pids",
    "pg_sequence_last_value",
    "pg_table_size",
    "pg_tablespace_size",
    "pg_terminate_backend",
    "pg_total_relation_size",
];

/// What listing a function of `pg_catalog` in a policy would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listable {
    /// Nothing: it may be called anyway.
    Open,
    Yes,
    /// It runs SQL or reads files, relations or large objects: what it does cannot be bounded.
    No,
}

/// Whether a policy may list the function of `pg_catalog`.
pub fn listable(name: &str) -> Listable {
    match name {
        open if permitted_whole(open) => Listable::Open,
        told if LISTABLE.contains(&told) || told.starts_with("pg_stat_get_") => Listable::Yes,
        _any_other => Listable::No,
    }
}

/// Whether a function of `information_schema` may be called.
pub(super) fn permitted_in_information_schema(name: &str) -> bool {
    INFORMATION_SCHEMA.contains(&name)
}

/// Whether the name is a built-in aggregate's. Names that are both aggregate and window function (`rank`) count.
pub(super) fn is_aggregate(name: &str) -> bool {
    AGGREGATES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::permitted;

    #[test]
    fn what_reads_files_relations_or_runs_sql_is_not_permitted() {
        for name in [
            "query_to_xml",
            "table_to_xml",
            "schema_to_xml",
            "database_to_xml",
            "cursor_to_xml",
            "ts_stat",
            "lo_get",
            "lo_import",
            "loread",
            "pg_read_file",
            "pg_ls_dir",
            "pg_stat_file",
            "pg_logical_slot_get_changes",
            "pg_stat_get_activity",
            "pg_relation_size",
            "currval",
            "nextval",
            "setval",
            "pg_notify",
            "set_config",
            "current_query",
            "pg_export_snapshot",
            "pg_cursor",
            "pg_terminate_backend",
            "pg_sequence_last_value",
            "pg_mcv_list_items",
            "pg_stat_get_live_tuples",
            "pg_hba_file_rules",
        ] {
            assert!(!permitted(name), "{name}");
        }
    }

    #[test]
    fn what_applications_use_is_permitted() {
        for name in [
            "count",
            "sum",
            "lower",
            "now",
            "row_to_json",
            "to_jsonb",
            "generate_series",
            "unnest",
            "date_trunc",
            "format_type",
            "pg_get_expr",
            "current_setting",
            "coalesce_not_a_function",
            "string_agg",
            "row_number",
        ] {
            assert_eq!(permitted(name), name != "coalesce_not_a_function", "{name}");
        }
    }
}
