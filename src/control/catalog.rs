//! Reads what a database contains, in one transaction, over a connection of the proxy's own.

use super::database::words;
use super::servers::Servers;
use super::upstream::{ChannelBinding, Upstream};
use super::{routines, written};
use crate::catalog::{Column, Relation, RelationKind, Role, Snapshot};
use crate::net::{Encrypted, Stream};
use crate::vocab::{AttNum, Oid};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio_postgres::config::{ChannelBinding as Binding, SslMode, SslNegotiation};
use tokio_postgres::{Client, Error, NoTls};

/// How long a connection may take to open.
const LONGEST_CONNECT: std::time::Duration = std::time::Duration::from_secs(10);

/// What connections of the proxy's own are called.
pub const APPLICATION: &str = "wherefore catalog";

/// As whom to read a database's catalog.
pub fn login(upstream: &Upstream, database: &str) -> std::io::Result<tokio_postgres::Config> {
    let mut login = tokio_postgres::Config::new();
    login.user(&upstream.catalog_user).dbname(database).application_name(APPLICATION);
    login.channel_binding(match upstream.channel_binding {
        ChannelBinding::Disable => Binding::Disable,
        ChannelBinding::Prefer => Binding::Prefer,
        ChannelBinding::Require => Binding::Require,
    });
    if let Some(password) = upstream.password()? {
        login.password(password);
    }
    Ok(login)
}

/// A client whose connection runs on the current runtime. What fails is told in the server's words.
pub async fn connect(login: &tokio_postgres::Config, servers: &Servers) -> Result<Client, String> {
    open(login, servers.connect().await?.0).await
}

/// The same, over a connection on which nothing was said yet.
pub async fn open(login: &tokio_postgres::Config, stream: Stream) -> Result<Client, String> {
    // Encrypted by ourselves, if at all.
    let opening = async {
        if !stream.is_encrypted() {
            let (client, connection) = login.connect_raw(stream, NoTls).await?;
            tokio::spawn(connection);
            return Ok(client);
        }
        let mut login = login.clone();
        login.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
        let (client, connection) = login.connect_raw(stream, Encrypted).await?;
        tokio::spawn(connection);
        Ok(client)
    };
    let opened = tokio::time::timeout(LONGEST_CONNECT, opening).await;
    opened.map_err(|_| "the server does not answer".to_owned())?.map_err(|error: Error| words(&error))
}

/// Everything but functions is small. Names of the first set of columns are those of [`Relation`].
const RELATIONS: &str = "
    SELECT c.oid, n.nspname, c.relname, c.relkind::text,
           (SELECT i.indkey::int2[] FROM pg_index i
             WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid AND i.indimmediate),
           ARRAY(SELECT h.inhparent FROM pg_inherits h WHERE h.inhrelid = c.oid ORDER BY h.inhparent),
           EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.ev_type <> '1'),
           (SELECT p.partattrs::int2[] FROM pg_partitioned_table p WHERE p.partrelid = c.oid),
           coalesce(c.reloptions::text ~ 'check_option=', false),
           ARRAY(SELECT s.oid FROM (
                 SELECT i.indexrelid FROM pg_index i WHERE i.indrelid IN (c.oid, nullif(c.reltoastrelid, 0))
                 UNION ALL SELECT nullif(c.reltoastrelid, 0)) AS s(oid) WHERE s.oid IS NOT NULL ORDER BY s.oid)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
       AND n.nspname <> 'pg_toast'
     ORDER BY c.oid";

/// Definitions of users' views. Writing one locks the relations in it, so those on which someone else holds or awaits an
/// exclusive lock are left out, unless the lock is short; the refresh after their change will have them.
const DEFINITIONS: &str = "
      WITH held AS MATERIALIZED (
             SELECT relation FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation IS NOT NULL),
           busy AS MATERIALIZED (
             SELECT r.ev_class FROM held h
               JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = h.relation
                               AND d.classid = 'pg_rewrite'::regclass
               JOIN pg_rewrite r ON r.oid = d.objid)
    SELECT c.oid, CASE WHEN c.oid NOT IN (SELECT ev_class FROM busy) THEN pg_catalog.pg_get_viewdef(c.oid) END
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('v', 'm') AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')";

/// How often definitions of relations that are locked are asked for, and how long between.
const ATTEMPTS: usize = 5;
const BETWEEN_ATTEMPTS: std::time::Duration = std::time::Duration::from_millis(100);

/// From 18 on a column may be marked NOT NULL while rows from before are not checked.
const COLUMNS: &str = "
    SELECT a.attrelid, a.attnum, a.attname, a.atttypid, pg_catalog.format_type(a.atttypid, a.atttypmod),
           a.attnotnull AND NOT EXISTS (
               SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND NOT k.convalidated
                  AND k.conkey = ARRAY[a.attnum]),
           coalesce(NOT l.collisdeterministic, false), a.attgenerated <> ''
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
      LEFT JOIN pg_collation l ON l.oid = a.attcollation
     WHERE a.attnum > 0 AND NOT a.attisdropped
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
     ORDER BY a.attrelid, a.attnum";

/// Comments that may hold tags.
const COMMENTS: &str = r"
    SELECT d.objoid, d.objsubid::int2, d.description FROM pg_description d
     WHERE d.classoid = 'pg_class'::regclass AND d.description ~ '\[\s*(category|subject|subject_key|default)\s*:'
     ORDER BY d.objoid, d.objsubid";

/// One transaction for one state; a path so that names in types and definitions come out qualified; formats of constants
/// in definitions that mean the same in every session. No lock is waited for long.
const BEGIN: &str = "
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL search_path = pg_catalog;
    SET LOCAL datestyle = ISO; SET LOCAL timezone = UTC; SET LOCAL intervalstyle = iso_8601;
    SET LOCAL extra_float_digits = 3; SET LOCAL lock_timeout = '5s'";

/// The OID of the database that this is a connection to.
pub async fn own_oid(client: &Client) -> Result<u32, Error> {
    let sql = "SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()";
    client.query_one(sql, &[]).await?.try_get(0)
}

/// Reads a snapshot.
pub async fn read(client: &Client) -> Result<Snapshot, Error> {
    let mut snapshot = Snapshot::default();
    client.batch_execute(BEGIN).await?;
    let outcome = fill(client, &mut snapshot).await;
    let _ = client.batch_execute("ROLLBACK").await;
    outcome.map(|()| snapshot)
}

async fn fill(client: &Client, snapshot: &mut Snapshot) -> Result<(), Error> {
    let mut names = Names::default();
    let row =
        client.query_one("SELECT current_database()::text, current_setting('server_version_num')::int4", &[]).await?;
    snapshot.database = row.try_get(0)?;
    snapshot.server_version = row.try_get::<_, i32>(1)?.unsigned_abs();
    for row in client.query("SELECT nspname::text FROM pg_namespace ORDER BY 1", &[]).await? {
        snapshot.schemas.push(names.get(row.try_get(0)?));
    }
    snapshot.relations = relations(client, snapshot.server_version, &mut names).await?;
    routines::read(client, snapshot, &mut names).await?;
    snapshot.roles = roles(client, &mut names).await?;
    // Settings that a session made up are not shown.
    let prefixes = "SELECT lower(split_part(name, '.', 1)) FROM pg_settings WHERE name LIKE '%.%'
        UNION SELECT lower(extname) FROM pg_extension ORDER BY 1";
    for row in client.query(prefixes, &[]).await? {
        snapshot.setting_prefixes.push(names.get(row.try_get(0)?));
    }
    Ok(())
}

/// Equal names share their memory.
#[derive(Default)]
pub(super) struct Names(FxHashSet<Arc<str>>);

impl Names {
    pub(super) fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}

async fn relations(client: &Client, server_version: u32, names: &mut Names) -> Result<Vec<Relation>, Error> {
    let mut columns: FxHashMap<Oid, Vec<Column>> = FxHashMap::default();
    for row in client.query(COLUMNS, &[]).await? {
        columns.entry(row.try_get(0)?).or_default().push(Column {
            number: AttNum(row.try_get(1)?),
            name: names.get(row.try_get(2)?),
            type_oid: row.try_get(3)?,
            type_sql: names.get(row.try_get(4)?),
            not_null: row.try_get(5)?,
            nondeterministic: row.try_get(6)?,
            generated: row.try_get(7)?,
        });
    }
    let mut written = written::read(client, server_version, names).await?;
    let mut definitions: FxHashMap<Oid, Option<String>> = FxHashMap::default();
    for attempt in 0..ATTEMPTS {
        for row in client.query(DEFINITIONS, &[]).await? {
            definitions.insert(row.try_get(0)?, row.try_get(1)?);
        }
        if attempt + 1 == ATTEMPTS || definitions.values().all(Option::is_some) {
            break;
        }
        tokio::time::sleep(BETWEEN_ATTEMPTS).await;
    }
    let mut comments: FxHashMap<Oid, Vec<(AttNum, Arc<str>)>> = FxHashMap::default();
    for row in client.query(COMMENTS, &[]).await? {
        let comment: &str = row.try_get(2)?;
        comments.entry(row.try_get(0)?).or_default().push((AttNum(row.try_get(1)?), comment.into()));
    }
    let mut relations = Vec::new();
    for row in client.query(RELATIONS, &[]).await? {
        let oid: Oid = row.try_get(0)?;
        let kind: &str = row.try_get(3)?;
        let key: Option<Vec<i16>> = row.try_get(4)?;
        relations.push(Relation {
            oid,
            schema: names.get(row.try_get(1)?),
            name: names.get(row.try_get(2)?),
            kind: relation_kind(kind),
            columns: columns.remove(&oid).unwrap_or_default(),
            primary_key: key.unwrap_or_default().into_iter().map(AttNum).collect(),
            parents: row.try_get(5)?,
            ties: written.ties.remove(&oid).unwrap_or_default(),
            foreign_keys: written.foreign_keys.remove(&oid).unwrap_or_default(),
            triggers: written.triggers.remove(&oid).unwrap_or_default(),
            calls: written.calls.remove(&oid).unwrap_or_default(),
            has_rules: row.try_get(6)?,
            check_option: row.try_get(8)?,
            partition_key: row.try_get::<_, Option<Vec<i16>>>(7)?.unwrap_or_default().into_iter().map(AttNum).collect(),
            storage: row.try_get(9)?,
            comments: comments.remove(&oid).unwrap_or_default(),
            definition: definitions.remove(&oid).flatten().map(Arc::from),
            declared: None,
        });
    }
    Ok(relations)
}

fn relation_kind(kind: &str) -> RelationKind {
    match kind {
        "p" => RelationKind::PartitionedTable,
        "v" => RelationKind::View,
        "m" => RelationKind::MaterializedView,
        "f" => RelationKind::ForeignTable,
        "S" => RelationKind::Sequence,
        _ => RelationKind::Table,
    }
}

/// Every role with all the roles it is a member of, at whatever distance.
async fn roles(client: &Client, names: &mut Names) -> Result<Vec<Role>, Error> {
    let mut by_oid: Vec<(Oid, Arc<str>)> = Vec::new();
    for row in client.query("SELECT oid, rolname FROM pg_roles ORDER BY oid", &[]).await? {
        by_oid.push((row.try_get(0)?, names.get(row.try_get(1)?)));
    }
    let mut direct: FxHashMap<Oid, Vec<Oid>> = FxHashMap::default();
    for row in client.query("SELECT member, roleid FROM pg_auth_members", &[]).await? {
        direct.entry(row.try_get(0)?).or_default().push(row.try_get(1)?);
    }
    let name_of: FxHashMap<Oid, Arc<str>> = by_oid.iter().cloned().collect();
    let role = |(oid, name): &(Oid, Arc<str>)| {
        let mut seen = BTreeSet::new();
        let mut next = vec![*oid];
        while let Some(oid) = next.pop() {
            let parents = direct.get(&oid).into_iter().flatten();
            next.extend(parents.filter(|parent| seen.insert(**parent)));
        }
        let member_of = seen.iter().filter_map(|oid| name_of.get(oid).cloned()).collect();
        Role { name: Arc::clone(name), member_of }
    };
    Ok(by_oid.iter().map(role).collect())
}

/// Whether two snapshots hold the same.
pub fn same(one: &Snapshot, other: &Snapshot) -> bool {
    let Snapshot {
        database,
        server_version,
        schemas,
        relations,
        functions,
        operators,
        own_operators,
        casts,
        types,
        sequence_users,
        roles,
        setting_prefixes,
    } = one;
    *database == other.database
        && *server_version == other.server_version
        && *schemas == other.schemas
        && *relations == other.relations
        && *functions == other.functions
        && *operators == other.operators
        && *own_operators == other.own_operators
        && *casts == other.casts
        && *types == other.types
        && *sequence_users == other.sequence_users
        && *roles == other.roles
        && *setting_prefixes == other.setting_prefixes
}
