//! Guards: the derived tables that stand in for relations a purpose may not see whole.
//!
//! A guard lists exactly the columns that the statement names, masks inside, row conditions in its WHERE. Whatever the
//! statement does around it, Postgres itself can reach nothing else, because nothing else is there. Where a relation is
//! written to, no guard can stand; `target` says what its columns and rows are replaced by.

mod aggregate;
mod guard;
mod insert;
mod recognise;
mod target;

pub use aggregate::{Released, Unreleased, is_aggregated, release};
pub use guard::{Standing, put_guards};
pub use insert::{FAILURE, NewRows, check_new_rows};
pub use recognise::{Unlisted, same_text, without_guards};
pub use target::shape;
