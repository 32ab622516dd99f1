//! What a database contains, as an immutable snapshot.
//!
//! The shell reads it from the server (`control::catalog`, `session`) by the questions of [`read`] and swaps it whole; the core
//! only looks things up. A snapshot can be written to and read from JSON, so that `explain` works without a server.

mod lookup;
mod model;
mod names;
pub mod noise;
pub mod pseudonyms;
pub mod read;
mod routine;
mod temporary;

pub use lookup::{Catalog, SearchPath};
pub use model::{
    Call, Column, Declared, ForeignKey, ReferentialAction, Relation, RelationKind, Role, Snapshot, Tie, Trigger,
};
pub use names::{quote_identifier, quote_literal, quote_qualified, truncate_identifier};
pub use routine::{
    Body, CastInfo, CastMethod, FIRST_USER_OID, Function, FunctionKind, Operator, OutColumn, SequenceUser, TypeInfo,
    TypeKind,
};
pub use temporary::{Filled, OwnTables, TEMPORARY, Temporaries, is_temporary};
