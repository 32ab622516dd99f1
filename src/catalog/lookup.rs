//! The snapshot with its indexes: look-ups by name and by number.

use super::model::{ForeignKey, Relation, Role, Snapshot};
use super::routine::{CastInfo, Function, Operator, TypeInfo};
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

/// An indexed, immutable snapshot of one database.
#[derive(Debug)]
pub struct Catalog {
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
        Catalog {
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
        }
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn database(&self) -> &str {
        &self.snapshot.database
    }

    /// `server_version_num`, e.g. 150018.
    pub fn server_version(&self) -> u32 {
        self.snapshot.server_version
    }

    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub fn relations(&self) -> &[Relation] {
        &self.snapshot.relations
    }

    pub fn relation(&self, oid: Oid) -> Option<&Relation> {
        self.by_oid.get(&oid).map(|at| &self.snapshot.relations[*at])
    }

    pub fn relation_in(&self, schema: &str, name: &str) -> Option<&Relation> {
        self.by_name.get(&(Arc::from(schema), Arc::from(name))).map(|at| &self.snapshot.relations[*at])
    }

    /// The first relation of that name along the search path.
    pub fn find_relation(&self, path: &SearchPath, name: &str) -> Option<&Relation> {
        path.effective().find_map(|schema| self.relation_in(schema, name))
    }

    /// Whether any schema has a relation of that name, and so a row type.
    pub fn is_relation_name(&self, name: &str) -> bool {
        self.relation_names.contains(name)
    }

    /// Direct children by inheritance or partitioning.
    pub fn children(&self, oid: Oid) -> &[Oid] {
        self.children.get(&oid).map_or(&[], Vec::as_slice)
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
        let tables = self.referencing.get(&oid).into_iter().flatten().filter_map(|table| self.relation(*table));
        tables.flat_map(move |table| {
            table.foreign_keys.iter().filter(move |key| key.references == oid).map(move |key| (table, key))
        })
    }

    /// Every function of that name, in any schema.
    pub fn functions<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Function> {
        self.functions.get(name).into_iter().flatten().map(|at| &self.snapshot.functions[*at])
    }

    /// A function by its number.
    pub fn function(&self, oid: Oid) -> Option<&Function> {
        self.function_oids.get(&oid).filter(|_| oid != 0).map(|at| &self.snapshot.functions[*at])
    }

    /// Every operator of that name outside `pg_catalog`.
    pub fn operators<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Operator> {
        self.operators.get(name).into_iter().flatten().map(|at| &self.snapshot.operators[*at])
    }

    /// Every operator of that name in `pg_catalog`.
    pub fn own_operators<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Operator> {
        self.own_operators.get(name).into_iter().flatten().map(|at| &self.snapshot.own_operators[*at])
    }

    /// Casts that did not come with the server.
    pub fn casts(&self) -> &[CastInfo] {
        &self.snapshot.casts
    }

    /// A type outside `pg_catalog` by its number or that of its arrays.
    pub fn type_of(&self, oid: Oid) -> Option<&TypeInfo> {
        self.type_oids.get(&oid).filter(|_| oid != 0).map(|at| &self.snapshot.types[*at])
    }

    /// Every type of that name outside `pg_catalog`.
    pub fn types<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a TypeInfo> {
        self.types.get(name).into_iter().flatten().map(|at| &self.snapshot.types[*at])
    }

    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.get(name).map(|at| &self.snapshot.roles[*at])
    }
}
