//! SQL text: parsed by Postgres's own grammar, classified, printed again.

mod kind;

pub use kind::{Discard, Kind, Set, SetScope, SetValue, Transaction};
