//! The allow-list of built-in functions against the server's own `pg_proc`.

use super::common::Cluster;
use wherefore::analyze::{Listable, listable};
use wherefore::catalog::{Catalog, Function};
use wherefore::cli::throwaway::SUPERUSER;

/// Overloads of permitted names that were looked at one by one, because they are volatile, or take a text, a number of
/// an object or a name by which they could read something. Of PostgreSQL 13 to 18.
const REVIEWED: &str = include_str!("reviewed_functions.txt");

/// Names whose every overload must be closed, whatever else they do.
const DANGEROUS: &str = "query_to_xml table_to_xml schema_to_xml database_to_xml cursor_to_xml query_to_xmlschema
    table_to_xmlschema query_to_xml_and_xmlschema ts_stat lo_get lo_import lo_export lo_put lo_open loread lowrite
    pg_read_file pg_read_binary_file pg_ls_dir pg_ls_logdir pg_stat_file pg_logical_slot_get_changes
    pg_logical_slot_peek_changes pg_logical_emit_message pg_stat_get_activity pg_relation_size pg_notify setval
    set_config current_query pg_export_snapshot pg_terminate_backend pg_cancel_backend pg_reload_conf
    pg_mcv_list_items pg_sequence_last_value pg_get_sequence_data currtid2 domain_in array_in record_in range_in
    pg_prepared_statement pg_cursor pg_hba_file_rules brin_summarize_range
    gin_clean_pending_list pg_switch_wal pg_create_restore_point binary_upgrade_set_next_pg_type_oid";

/// Built-in overloads as `name(types)`, those that need a look.
const LOOK: &str = "
    SELECT p.proname || '(' || oidvectortypes(p.proargtypes) || ')', p.proname::text, p.oid
      FROM pg_proc p
     WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind <> 'p'
       AND NOT p.proargtypes::oid[] && '{2281}'
       AND (p.provolatile = 'v' OR p.proretset
            OR p.proargtypes::oid[] && '{25, 26, 1790, 2205, 24, 2202, 2206, 4089, 2275, 3734, 3769}')
     ORDER BY 1";

#[test]
fn no_permitted_name_has_an_overload_that_no_one_looked_at() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(Cluster::shared().port()).user(SUPERUSER).dbname("postgres");
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("connecting");
        tokio::spawn(connection);
        let snapshot = wherefore::control::catalog::read(&client).await.expect("the catalog");
        let catalog = Catalog::new(snapshot, 1);
        let reviewed: Vec<&str> = REVIEWED.lines().filter(|line| !line.starts_with('#')).collect();
        let mut unseen = Vec::new();
        for row in client.query(LOOK, &[]).await.expect("pg_proc") {
            let (overload, name, oid): (String, String, u32) = (row.get(0), row.get(1), row.get(2));
            let function: &Function = catalog.function(oid).expect("a function of the catalog");
            if wherefore::analyze::is_permitted(function) && !reviewed.contains(&overload.as_str()) {
                unseen.push(overload);
            }
            let dangerous = DANGEROUS.split_whitespace().any(|dangerous| dangerous == name);
            assert!(!(dangerous && wherefore::analyze::is_permitted(function)), "{name} is permitted");
        }
        assert!(unseen.is_empty(), "permitted and not reviewed:\n{}", unseen.join("\n"));
    });
    for name in DANGEROUS.split_whitespace() {
        assert_ne!(listable(name), Listable::Open, "{name}");
    }
}
