//! The snapshot with its indexes: look-ups by name and by number.

use super::model::{ForeignKey, Relation, Role, Snapshot};
use super::routine::{CastInfo, Function, Operator, TypeInfo};
use super::temporary::{TEMPORARY, Temporaries};
use crate::vocab::Oid;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// The schemas in which unqualified names are looked up, in order, as the session's `search_path` names them
/// (`"$user"` already replaced). `pg_catalog` is searched first unless it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SearchPath(Box<[Arc<str>]>);

impl SearchPath {
    pub fn new(schemas: impl IntoIterator<Item = Arc<str>>) -> SearchPath {
        SearchPath(schemas.into_iter().collect())
    }

    /// The schemas in the order in which Postgres searches them, `pg_catalog` included.
    pub fn effective(&self) -> impl Iterator<Item = &str> {
        let listed = self.0.iter().any(|schema| &**schema == "pg_catalog");
        (!listed).then_some("pg_catalog").into_iter().chain(self.0.iter().map(|schema| &**schema))
    }

    /// The schemas as they are listed: the first that exists is where new relations are made.
    pub fn listed(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|schema| &**schema)
    }

    /// Whether unqualified names are looked up in this schema.
    pub fn searches(&self, schema: &str) -> bool {
        self.effective().any(|searched| searched == schema)
    }
}

/// An indexed, immutable snapshot of one database, and for some sessions their own temporary tables.
#[derive(Debug)]
pub struct Catalog {
    indexed: Arc<Indexed>,
    /// Of a session that has or may have temporary tables.
    temporary: Option<Arc<Temporaries>>,
}

#[derive(Debug)]
struct Indexed {
    snapshot: Snapshot,
    /// No other snapshot in this process has it.
    version: u64,
    by_oid: FxHashMap<Oid, usize>,
    by_name: FxHashMap<(Arc<str>, Arc<str>), usize>,
    relation_names: FxHashSet<Arc<str>>,
    children: FxHashMap<Oid, Vec<Oid>>,
    /// Tables with foreign keys to a table.
    referencing: FxHashMap<Oid, Vec<Oid>>,
    functions: FxHashMap<Arc<str>, Vec<usize>>,
    function_oids: FxHashMap<Oid, usize>,
    operators: FxHashMap<Arc<str>, Vec<usize>>,
    own_operators: FxHashMap<Arc<str>, Vec<usize>>,
    types: FxHashMap<Arc<str>, Vec<usize>>,
    /// Types by their number and by that of their arrays.
    type_oids: FxHashMap<Oid, usize>,
    roles: FxHashMap<Arc<str>, usize>,
}

/// Groups row numbers by a name.
fn index_by<T>(rows: &[T], name: impl Fn(&T) -> &Arc<str>) -> FxHashMap<Arc<str>, Vec<usize>> {
    let mut index: FxHashMap<Arc<str>, Vec<usize>> = FxHashMap::default();
    for (at, row) in rows.iter().enumerate() {
        index.entry(Arc::clone(name(row))).or_default().push(at);
    }
    index
}

impl Catalog {
    /// Indexes a snapshot.
    pub fn new(snapshot: Snapshot, version: u64) -> Catalog {
        let rows = || snapshot.relations.iter().enumerate();
        let mut children: FxHashMap<Oid, Vec<Oid>> = FxHashMap::default();
        for relation in &snapshot.relations {
            for parent in &relation.parents {
                children.entry(*parent).or_default().push(relation.oid);
            }
        }
        let mut referencing: FxHashMap<Oid, Vec<Oid>> = FxHashMap::default();
        for relation in &snapshot.relations {
            for key in &relation.foreign_keys {
                let known = referencing.entry(key.references).or_default();
                if !known.contains(&relation.oid) {
                    known.push(relation.oid);
                }
            }
        }
        let indexed = Indexed {
            referencing,
            by_oid: rows().map(|(at, r)| (r.oid, at)).collect(),
            by_name: rows().map(|(at, r)| ((Arc::clone(&r.schema), Arc::clone(&r.name)), at)).collect(),
            relation_names: snapshot.relations.iter().map(|r| Arc::clone(&r.name)).collect(),
            children,
            functions: index_by(&snapshot.functions, |f| &f.name),
            function_oids: snapshot.functions.iter().enumerate().map(|(at, f)| (f.oid, at)).collect(),
            operators: index_by(&snapshot.operators, |o| &o.name),
            own_operators: index_by(&snapshot.own_operators, |o| &o.name),
            types: index_by(&snapshot.types, |t| &t.name),
            type_oids: snapshot.types.iter().enumerate().flat_map(|(at, t)| [(t.oid, at), (t.array, at)]).collect(),
            roles: snapshot.roles.iter().enumerate().map(|(at, r)| (Arc::clone(&r.name), at)).collect(),
            version,
            snapshot,
        };
        Catalog { indexed: Arc::new(indexed), temporary: None }
    }

    /// The same with the temporary tables of a session.
    pub fn with_temporary(&self, temporary: Arc<Temporaries>) -> Catalog {
        Catalog { indexed: Arc::clone(&self.indexed), temporary: Some(temporary) }
    }

    /// The session's temporary tables, where it has or may have some.
    pub fn temporary(&self) -> Option<&Arc<Temporaries>> {
        self.temporary.as_ref()
    }

    fn tables(&self) -> impl Iterator<Item = &Relation> {
        self.temporary.iter().flat_map(|temporary| temporary.own.tables())
    }

    pub fn version(&self) -> u64 {
        self.indexed.version
    }

    pub fn database(&self) -> &str {
        &self.indexed.snapshot.database
    }

    /// `server_version_num`, e.g. 150018.
    pub fn server_version(&self) -> u32 {
        self.indexed.snapshot.server_version
    }

    pub fn snapshot(&self) -> &Snapshot {
        &self.indexed.snapshot
    }

    pub fn relations(&self) -> &[Relation] {
        &self.indexed.snapshot.relations
    }

    pub fn relation(&self, oid: Oid) -> Option<&Relation> {
        if let Some(own) = self.tables().find(|relation| relation.oid == oid) {
            return Some(own);
        }
        self.indexed.by_oid.get(&oid).map(|at| &self.indexed.snapshot.relations[*at])
    }

    pub fn relation_in(&self, schema: &str, name: &str) -> Option<&Relation> {
        if schema == TEMPORARY {
            return self.tables().find(|relation| *relation.name == *name);
        }
        self.indexed.by_name.get(&(Arc::from(schema), Arc::from(name))).map(|at| &self.indexed.snapshot.relations[*at])
    }

    /// The first relation of that name along the search path. Temporary ones come first of all where the path does not list
    /// them.
    pub fn find_relation(&self, path: &SearchPath, name: &str) -> Option<&Relation> {
        let first = (!path.searches(TEMPORARY)).then_some(TEMPORARY);
        first.into_iter().chain(path.effective()).find_map(|schema| self.relation_in(schema, name))
    }

    /// Whether any schema has a relation of that name, and so a row type.
    pub fn is_relation_name(&self, name: &str) -> bool {
        self.indexed.relation_names.contains(name) || self.tables().any(|relation| *relation.name == *name)
    }

    /// Direct children by inheritance or partitioning.
    pub fn children(&self, oid: Oid) -> &[Oid] {
        self.indexed.children.get(&oid).map_or(&[], Vec::as_slice)
    }

    /// A relation and everything below it by inheritance or partitioning.
    pub fn with_descendants<'a>(&'a self, relation: &'a Relation) -> Vec<&'a Relation> {
        let mut found = vec![relation];
        let mut at = 0;
        while let Some(next) = found.get(at).copied() {
            for child in self.children(next.oid).iter().filter_map(|oid| self.relation(*oid)) {
                if found.iter().all(|known| known.oid != child.oid) {
                    found.push(child);
                }
            }
            at += 1;
        }
        found
    }

    /// Foreign keys to a relation, with the tables that have them.
    pub fn references_to(&self, oid: Oid) -> impl Iterator<Item = (&Relation, &ForeignKey)> {
        let tables = self.indexed.referencing.get(&oid).into_iter().flatten().filter_map(|table| self.relation(*table));
        tables.flat_map(move |table| {
            table.foreign_keys.iter().filter(move |key| key.references == oid).map(move |key| (table, key))
        })
    }

    /// Every function of that name, in any schema.
    pub fn functions<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Function> {
        self.indexed.functions.get(name).into_iter().flatten().map(|at| &self.indexed.snapshot.functions[*at])
    }

    /// A function by its number.
    pub fn function(&self, oid: Oid) -> Option<&Function> {
        self.indexed.function_oids.get(&oid).filter(|_| oid != 0).map(|at| &self.indexed.snapshot.functions[*at])
    }

    /// Every operator of that name outside `pg_catalog`.
    pub fn operators<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Operator> {
        self.indexed.operators.get(name).into_iter().flatten().map(|at| &self.indexed.snapshot.operators[*at])
    }

    /// Every operator of that name in `pg_catalog`.
    pub fn own_operators<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Operator> {
        self.indexed.own_operators.get(name).into_iter().flatten().map(|at| &self.indexed.snapshot.own_operators[*at])
    }

    /// Casts that did not come with the server.
    pub fn casts(&self) -> &[CastInfo] {
        &self.indexed.snapshot.casts
    }

    /// A type outside `pg_catalog` by its number or that of its arrays.
    pub fn type_of(&self, oid: Oid) -> Option<&TypeInfo> {
        self.indexed.type_oids.get(&oid).filter(|_| oid != 0).map(|at| &self.indexed.snapshot.types[*at])
    }

    /// Every type of that name outside `pg_catalog`.
    pub fn types<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a TypeInfo> {
        self.indexed.types.get(name).into_iter().flatten().map(|at| &self.indexed.snapshot.types[*at])
    }

    pub fn role(&self, name: &str) -> Option<&Role> {
        self.indexed.roles.get(name).map(|at| &self.indexed.snapshot.roles[*at])
    }
}
