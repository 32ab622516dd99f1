//! Which system relations are open.
//!
//! Drivers, ORMs, psql and pg_dump read the catalogs before anything else, so what describes the schema is open under
//! every purpose and without one. What tells of data is closed: statistics, counts, the last value of a sequence, other
//! sessions' statements, secrets. The lists name what is open; what they do not name is closed, so a catalog that a new
//! version of Postgres brings stays closed until someone has looked at it. Where a catalog that tools read has such a
//! column among others (`SELECT c.* FROM pg_class c`), the column is null.

use super::{Effect, Mask};
use crate::catalog::{Relation, pseudonyms};

/// What kind of relation it is, as far as openness goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Openness {
    /// A user's: the policy decides.
    User,
    /// A system relation that is open, perhaps but for some of its columns.
    OpenSystem,
    /// A system relation that is closed.
    ClosedSystem,
}

pub(super) fn openness(relation: &Relation) -> Openness {
    let open: &[&str] = match &*relation.schema {
        "pg_catalog" => &CATALOGS,
        "information_schema" => &INFORMATION_SCHEMA,
        pseudonyms::SCHEMA => &[],
        // `pg_toast` holds data as it is stored; Postgres reserves the other names that begin so.
        schema if schema.starts_with("pg_") => &[],
        _ => return Openness::User,
    };
    if open.contains(&&*relation.name) { Openness::OpenSystem } else { Openness::ClosedSystem }
}

/// What everyone gets of a column of a system relation.
pub(super) fn column_effect(openness: Openness, relation: &Relation, column: &str) -> Effect {
    match openness {
        Openness::User | Openness::ClosedSystem => Effect::Deny,
        Openness::OpenSystem => {
            let masked = MASKED_COLUMNS.iter().find(|(name, _)| *name == &*relation.name);
            match masked.is_some_and(|(_, columns)| columns.contains(&column)) {
                true => Effect::Mask(Mask::Null),
                false => Effect::Allow,
            }
        }
    }
}

/// Whether a system relation holds values of columns, so that no policy can open it: it would open what the policy
/// closes.
pub(super) fn holds_values(name: &str) -> bool {
    let statistics = name == "pg_statistic_ext_data" || name.starts_with("pg_stats") || name == "pg_statistic";
    statistics || name == "pg_largeobject"
}

/// Columns of open catalogs that count rows, tell when they change, or hold secrets: null for everyone.
const MASKED_COLUMNS: [(&str, &[&str]); 10] = [
    // Of the session itself; the text is what the proxy wrote.
    ("pg_cursors", &["statement"]),
    ("pg_prepared_statements", &["statement"]),
    ("pg_class", &["reltuples", "relpages", "relallvisible", "relallfrozen", "relfrozenxid", "relminmxid"]),
    ("pg_database", &["datfrozenxid", "datminmxid"]),
    ("pg_sequences", &["last_value"]),
    // Passwords, and a connection string that may hold one.
    ("pg_authid", &["rolpassword"]),
    ("pg_shadow", &["passwd"]),
    ("pg_user_mapping", &["umoptions"]),
    ("pg_user_mappings", &["umoptions"]),
    ("pg_subscription", &["subconninfo"]),
];

/// Catalogs and views of `pg_catalog`, PostgreSQL 13 to 18, that describe the schema, its owners and its settings.
/// Defaults and constants in definitions (`pg_attrdef`, `attmissingval`, `pg_views`) are part of the schema.
/// `pg_statistic_ext_data` is left out; so are all of `pg_stat*` and what tells of other sessions: locks, replication.
const CATALOGS: [&str; 82] = [
    "pg_aggregate",
    "pg_am",
    "pg_amop",
    "pg_amproc",
    "pg_attrdef",
    "pg_attribute",
    "pg_auth_members",
    "pg_authid",
    "pg_available_extension_versions",
    "pg_available_extensions",
    "pg_cast",
    "pg_class",
    "pg_collation",
    "pg_constraint",
    "pg_conversion",
    "pg_cursors",
    "pg_database",
    "pg_db_role_setting",
    "pg_default_acl",
    "pg_depend",
    "pg_description",
    "pg_enum",
    "pg_event_trigger",
    "pg_extension",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_foreign_table",
    "pg_group",
    "pg_index",
    "pg_indexes",
    "pg_inherits",
    "pg_init_privs",
    "pg_language",
    "pg_largeobject_metadata",
    "pg_matviews",
    "pg_namespace",
    "pg_opclass",
    "pg_operator",
    "pg_opfamily",
    "pg_parameter_acl",
    "pg_partitioned_table",
    "pg_policies",
    "pg_policy",
    "pg_prepared_statements",
    "pg_prepared_xacts",
    "pg_proc",
    "pg_publication",
    "pg_publication_namespace",
    "pg_publication_rel",
    "pg_publication_tables",
    "pg_range",
    "pg_rewrite",
    "pg_roles",
    "pg_rules",
    "pg_seclabel",
    "pg_seclabels",
    "pg_sequence",
    "pg_sequences",
    "pg_settings",
    "pg_shdepend",
    "pg_shadow",
    "pg_shdescription",
    "pg_shseclabel",
    "pg_statistic_ext",
    "pg_subscription",
    "pg_tables",
    "pg_tablespace",
    "pg_timezone_abbrevs",
    "pg_timezone_names",
    "pg_transform",
    "pg_trigger",
    "pg_ts_config",
    "pg_ts_config_map",
    "pg_ts_dict",
    "pg_ts_parser",
    "pg_ts_template",
    "pg_type",
    "pg_user",
    "pg_user_mapping",
    "pg_user_mappings",
    "pg_wait_events",
    "pg_views",
];

/// All of the information schema of PostgreSQL 13 to 18 but `user_mapping_options` and the view below it, which show
/// passwords.
const INFORMATION_SCHEMA: [&str; 67] = [
    "_pg_foreign_data_wrappers",
    "_pg_foreign_servers",
    "_pg_foreign_table_columns",
    "_pg_foreign_tables",
    "administrable_role_authorizations",
    "applicable_roles",
    "attributes",
    "character_sets",
    "check_constraint_routine_usage",
    "check_constraints",
    "collation_character_set_applicability",
    "collations",
    "column_column_usage",
    "column_domain_usage",
    "column_options",
    "column_privileges",
    "column_udt_usage",
    "columns",
    "constraint_column_usage",
    "constraint_table_usage",
    "data_type_privileges",
    "domain_constraints",
    "domain_udt_usage",
    "domains",
    "element_types",
    "enabled_roles",
    "foreign_data_wrapper_options",
    "foreign_data_wrappers",
    "foreign_server_options",
    "foreign_servers",
    "foreign_table_options",
    "foreign_tables",
    "information_schema_catalog_name",
    "key_column_usage",
    "parameters",
    "referential_constraints",
    "role_column_grants",
    "role_routine_grants",
    "role_table_grants",
    "role_udt_grants",
    "role_usage_grants",
    "routine_column_usage",
    "routine_privileges",
    "routine_routine_usage",
    "routine_sequence_usage",
    "routine_table_usage",
    "routines",
    "schemata",
    "sequences",
    "sql_features",
    "sql_implementation_info",
    "sql_parts",
    "sql_sizing",
    "table_constraints",
    "table_privileges",
    "tables",
    "transforms",
    "triggered_update_columns",
    "triggers",
    "udt_privileges",
    "usage_privileges",
    "user_defined_types",
    "user_mappings",
    "view_column_usage",
    "view_routine_usage",
    "view_table_usage",
    "views",
];
