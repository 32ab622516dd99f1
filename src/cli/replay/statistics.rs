//! What `pg_stat_statements` has gathered: texts without constants, and how often each was executed.

use super::super::load;
use super::log::Entry;

/// What was gathered of a database.
pub(super) struct Gathered {
    /// Each with the number of its executions.
    pub(super) statements: Vec<(Entry, u64)>,
    /// Executions of statements whose text may not be seen.
    pub(super) hidden: u64,
}

/// Where the extension's view is, and whether it tells statements of clients from those inside functions.
const PLACE: &str = "
    SELECT n.nspname::text, EXISTS (SELECT FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attname = 'toplevel' AND NOT a.attisdropped)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
      JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
     WHERE e.extname = 'pg_stat_statements' AND c.relname = 'pg_stat_statements'";

/// Reads it. What fails is told in the server's words.
pub(super) fn read(server: &load::Server) -> Result<Gathered, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let told = |error: tokio_postgres::Error| format!("reading pg_stat_statements: {}", load::words(&error));
        let client = server.connect().await.map_err(|error| format!("reading pg_stat_statements: {error}"))?;
        let Some(place) = client.query_opt(PLACE, &[]).await.map_err(told)? else {
            return Err("the database has no extension pg_stat_statements".to_owned());
        };
        let (schema, tells): (String, bool) = (place.get(0), place.get(1));
        let only = if tells { "AND s.toplevel" } else { "" };
        let sql = format!(
            "SELECT r.rolname::text, s.query, s.calls FROM \"{}\".pg_stat_statements AS s
               LEFT JOIN pg_roles AS r ON r.oid = s.userid
              WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) {only}",
            schema.replace('"', "\"\"")
        );
        let mut gathered = Gathered { statements: Vec::new(), hidden: 0 };
        for row in client.query(&sql, &[]).await.map_err(told)? {
            let calls = u64::try_from(row.get::<_, i64>(2)).unwrap_or(0);
            match row.get::<_, Option<String>>(1).filter(|text| text != "<insufficient privilege>") {
                Some(text) => {
                    let entry = Entry { text, user: row.get(0), database: None, application: None };
                    gathered.statements.push((entry, calls));
                }
                None => gathered.hidden += calls,
            }
        }
        Ok(gathered)
    })
}
