//! What a database contains, as an immutable snapshot.
//!
//! The shell reads it from the server (`control::catalog`) and swaps it whole; the core only looks things up. A snapshot
//! can be written to and read from JSON, so that `explain` works without a server.

mod lookup;
mod model;
mod names;

pub use lookup::{Catalog, SearchPath};
pub use model::{
    CastInfo, Column, ForeignKey, Function, FunctionKind, Operator, OutColumn, ReferentialAction, Relation,
    RelationKind, Role, Snapshot, Tie, Trigger, TypeInfo, TypeKind,
};
pub use names::{quote_identifier, quote_literal, quote_qualified, truncate_identifier};
