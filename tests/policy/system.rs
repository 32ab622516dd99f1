//! System relations: open where they describe the schema, closed where they tell of data.

use super::fixture::{catalog, policy, reader, ruling};
use std::sync::Arc;
use wherefore::policy::Bound;

fn open(relation: &str) -> &'static str {
    let ddl = format!(
        "CREATE TABLE {relation} (oid int, reltuples int, last_value int, datfrozenxid int, statement text,
            subconninfo text, rolpassword text, passwd text, umoptions text[])"
    );
    let bound = Bound::new(policy("[pack]\n[purpose.service]"), catalog(&ddl));
    let relation = &bound.catalog().relations()[0];
    let ruling = bound.ruling(reader(&bound, "service"), relation);
    assert_eq!(ruling, bound.ruling(None, relation), "a purpose makes no difference");
    if ruling.whole() {
        "whole"
    } else if ruling.countable() {
        "in part"
    } else {
        "closed"
    }
}

#[test]
fn what_tells_of_data_is_closed() {
    let check = |names: &str, expected: &str| {
        for name in names.split_whitespace() {
            assert_eq!(open(name), expected, "{name}");
        }
    };
    check("pg_catalog.pg_class pg_catalog.pg_database pg_catalog.pg_sequences", "in part");
    check(
        "pg_catalog.pg_authid pg_catalog.pg_shadow pg_catalog.pg_user_mapping pg_catalog.pg_user_mappings",
        "in part",
    );
    check("pg_catalog.pg_cursors pg_catalog.pg_prepared_statements pg_catalog.pg_subscription", "in part");
    check(
        "pg_catalog.pg_statistic pg_catalog.pg_stats pg_catalog.pg_stats_ext pg_catalog.pg_stats_ext_exprs
         pg_catalog.pg_statistic_ext_data pg_catalog.pg_largeobject pg_catalog.pg_stat_activity
         pg_catalog.pg_stat_user_tables pg_catalog.pg_statio_all_tables pg_catalog.pg_file_settings
         pg_catalog.pg_hba_file_rules pg_catalog.pg_subscription_rel pg_catalog.pg_locks pg_catalog.pg_replication_slots pg_catalog.pg_aios
         pg_catalog.pg_a_catalog_of_tomorrow information_schema.user_mapping_options
         information_schema._pg_user_mappings information_schema.tomorrow pg_toast.pg_toast_1247 pg_temp_3.t",
        "closed",
    );
}

/// The catalogs that the recorded statements of psql, pg_dump and its kin, Django and SQLAlchemy read, but for those
/// that are open in part, and those that hold values: `pg_largeobject`, `pg_statistic`.
#[test]
fn what_tools_read_is_open() {
    let whole = "pg_namespace pg_attribute pg_constraint pg_type pg_description pg_index pg_collation pg_sequence pg_am
        pg_proc pg_attrdef pg_enum pg_inherits pg_operator pg_language pg_opfamily pg_tablespace pg_ts_parser pg_ts_template
        pg_roles pg_opclass pg_ts_dict pg_ts_config pg_foreign_server pg_depend pg_rewrite pg_cast pg_conversion
        pg_foreign_table pg_extension pg_foreign_data_wrapper pg_trigger pg_publication pg_auth_members pg_event_trigger
        pg_amproc pg_amop pg_statistic_ext pg_range pg_policy pg_transform pg_settings pg_init_privs pg_db_role_setting
        pg_ts_config_map pg_publication_namespace pg_publication_rel pg_largeobject_metadata pg_parameter_acl
        pg_default_acl pg_partitioned_table pg_aggregate pg_shdescription pg_shseclabel pg_seclabels pg_views pg_tables
        pg_indexes pg_matviews pg_user pg_timezone_names pg_available_extensions";
    for name in whole.split_whitespace() {
        assert_eq!(open(&format!("pg_catalog.{name}")), "whole", "{name}");
    }
    for name in ["columns", "tables", "key_column_usage", "schemata", "sequences", "views", "routines", "sql_features"]
    {
        assert_eq!(open(&format!("information_schema.{name}")), "whole", "{name}");
    }
}

#[test]
fn what_open_catalogs_keep_back_is_null() {
    let bound = Bound::new(
        policy("[pack]\n[purpose.service]"),
        Arc::clone(&catalog("CREATE TABLE pg_catalog.pg_class (oid int, relname text, reltuples real)")),
    );
    assert_eq!(
        ruling(&bound, Some("service"), "pg_catalog.pg_class"),
        "oid: allow, system\nrelname: allow, system\nreltuples: null, system\n"
    );
}
