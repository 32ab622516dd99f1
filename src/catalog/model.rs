//! The snapshot as it is read and stored: plain rows, one struct per kind of catalog entry.

use super::routine::{CastInfo, Function, Operator, SequenceUser, TypeInfo};
use crate::vocab::{AttNum, Oid};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything read from one database, before it is indexed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Snapshot {
    pub database: String,
    /// `server_version_num`, e.g. 150018.
    pub server_version: u32,
    /// Every schema, for search-path entries that do not exist.
    pub schemas: Vec<Arc<str>>,
    /// Relations of every schema but `pg_toast` and temporary ones.
    pub relations: Vec<Relation>,
    /// Every function, procedure, aggregate and window function, built in or not.
    pub functions: Vec<Function>,
    /// Operators outside `pg_catalog`.
    pub operators: Vec<Operator>,
    /// Operators of `pg_catalog`: which types they take.
    #[serde(default)]
    pub own_operators: Vec<Operator>,
    /// Casts, but for those that came with the server.
    pub casts: Vec<CastInfo>,
    /// Types outside `pg_catalog`, rows of relations among them, but for arrays of other types.
    pub types: Vec<TypeInfo>,
    #[serde(default)]
    pub sequence_users: Vec<SequenceUser>,
    pub roles: Vec<Role>,
    /// What stands before the dot in names of settings that belong to something loaded or installed, in lower case.
    #[serde(default)]
    pub setting_prefixes: Vec<Arc<str>>,
}

/// `pg_class.relkind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    Table,
    PartitionedTable,
    View,
    MaterializedView,
    ForeignTable,
    Sequence,
}

impl RelationKind {
    /// The words Postgres uses for the kind.
    pub fn word(self) -> &'static str {
        match self {
            RelationKind::Table => "table",
            RelationKind::PartitionedTable => "partitioned table",
            RelationKind::View => "view",
            RelationKind::MaterializedView => "materialized view",
            RelationKind::ForeignTable => "foreign table",
            RelationKind::Sequence => "sequence",
        }
    }
}

/// A table, view or sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    pub oid: Oid,
    pub schema: Arc<str>,
    pub name: Arc<str>,
    pub kind: RelationKind,
    /// Live user columns in the order of their numbers (which may have gaps).
    pub columns: Vec<Column>,
    /// The columns of the primary key, if there is one that is valid and not deferrable.
    #[serde(default)]
    pub primary_key: Vec<AttNum>,
    /// Direct parents by inheritance or partitioning.
    #[serde(default)]
    pub parents: Vec<Oid>,
    /// The query of a view or materialized view outside the system schemas, as `pg_get_viewdef` writes it where the
    /// search path is `pg_catalog`: relations outside it are qualified. `None` where it could not be read.
    #[serde(default)]
    pub definition: Option<Arc<str>>,
    /// The columns that decide in which partition a row lies; 0 stands for an expression.
    #[serde(default)]
    pub partition_key: Vec<AttNum>,
    /// What the server computes or checks over its columns when a row is written.
    #[serde(default)]
    pub ties: Vec<Tie>,
    #[serde(default)]
    pub foreign_keys: Vec<ForeignKey>,
    /// The triggers of users that fire on writes, by event.
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// Functions of users that the server calls when a row is written.
    #[serde(default)]
    pub calls: Vec<Call>,
    /// Whether rules rewrite what is written to it.
    #[serde(default)]
    pub has_rules: bool,
    /// Whether anything other than views, constraints, computed columns, functions, types and children hangs on it or a column of
    /// it, as triggers, policies, rules and publications do: it goes with that.
    #[serde(default)]
    pub is_hung_on: bool,
    /// A view `WITH CHECK OPTION`.
    #[serde(default)]
    pub check_option: bool,
    /// What is stored with it under numbers of its own: its indexes, its TOAST table and the index of that.
    #[serde(default)]
    pub storage: Vec<Oid>,
    /// Comments on it (under number 0) and its columns that hold something in square brackets, as tags are written.
    #[serde(default)]
    pub comments: Vec<(AttNum, Arc<str>)>,
    /// Where a policy declares what it shows to be weaker than what it is made of. No part of the database.
    #[serde(skip)]
    pub declared: Option<Declared>,
}

/// What a policy declares to be weaker than what it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declared {
    /// A view: its definition runs where it is read, over rows and values that may be kept back.
    Computed,
    /// A materialized view: nothing but what it shows is there.
    Kept,
    /// No relation, but what a function returns, in one column.
    Result,
}

/// A function of a user in a default, generated column, CHECK constraint or index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The column, constraint or index.
    pub by: Arc<str>,
    /// The column whose default it is; `None` where every write calls it.
    pub column: Option<AttNum>,
    /// The function's schema and name.
    pub function: (Arc<str>, Arc<str>),
}

/// A constraint, unique index, index on expressions or generated column: its outcome for a written column depends on the
/// others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tie {
    /// The constraint, index or column.
    pub name: Arc<str>,
    pub columns: Vec<AttNum>,
    /// It compares a row with the others: a key, a unique index, an exclusion.
    #[serde(default)]
    pub compares: bool,
    /// It is how a generated column is computed, of which it has the name; the column is among its own.
    pub computes: bool,
}

/// A foreign key, as its referencing table has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    pub columns: Vec<AttNum>,
    pub references: Oid,
    pub referenced: Vec<AttNum>,
    pub on_delete: ReferentialAction,
    pub on_update: ReferentialAction,
    /// Every row has been held against it, and is by the end of its statement.
    #[serde(default)]
    pub valid: bool,
}

/// What happens to referencing rows (`pg_constraint.confdeltype`, `confupdtype`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferentialAction {
    /// `NO ACTION`, `RESTRICT`.
    Refuse,
    Cascade,
    /// `SET NULL`, `SET DEFAULT`.
    Set,
}

/// A trigger that is not one of the server's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    pub name: Arc<str>,
    /// The function's schema and name.
    pub function: (Arc<str>, Arc<str>),
    /// Whether an extension owns the function, or it is built in.
    pub extension: bool,
    pub on_insert: bool,
    pub on_update: bool,
    pub on_delete: bool,
    pub on_truncate: bool,
}

impl Relation {
    /// A relation of which no more is known than its columns.
    pub fn new(oid: Oid, schema: &str, name: &str, kind: RelationKind, columns: Vec<Column>) -> Relation {
        Relation {
            oid,
            schema: schema.into(),
            name: name.into(),
            kind,
            columns,
            primary_key: Vec::new(),
            parents: Vec::new(),
            definition: None,
            partition_key: Vec::new(),
            ties: Vec::new(),
            foreign_keys: Vec::new(),
            triggers: Vec::new(),
            calls: Vec::new(),
            has_rules: false,
            is_hung_on: false,
            check_option: false,
            storage: Vec::new(),
            declared: None,
            comments: Vec::new(),
        }
    }

    /// Whether what it shows is judged by the lineage of its definition: a view or materialized view, but for those of
    /// the system and those that the policy declares, which are judged like tables.
    pub fn is_by_lineage(&self) -> bool {
        match self.kind {
            _any if self.declared.is_some() => false,
            RelationKind::Table
            | RelationKind::PartitionedTable
            | RelationKind::ForeignTable
            | RelationKind::Sequence => false,
            RelationKind::View | RelationKind::MaterializedView => {
                !matches!(&*self.schema, "pg_catalog" | "information_schema")
            }
        }
    }
}

/// A column of a relation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub number: AttNum,
    pub name: Arc<str>,
    pub type_oid: Oid,
    /// The type as SQL that means the same under any search path, with its modifier: `character varying(255)`,
    /// `public.citext`. A mask casts to it.
    pub type_sql: Arc<str>,
    pub not_null: bool,
    /// True where the column's collation is nondeterministic, so that text equality on it is not leakproof.
    #[serde(default)]
    pub nondeterministic: bool,
    /// The server computes it from the row's other columns.
    #[serde(default)]
    pub generated: bool,
}

/// A role and every role it is a member of, directly or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    pub name: Arc<str>,
    #[serde(default)]
    pub member_of: Vec<Arc<str>>,
}
