//! Proofs that need no judgement of ours: Postgres itself says what must not come out.
//!
//! `attacks`: the corpus of `tests/attacks/`, played in two worlds. `grants`: a role with the same column grants. `sequences`: generated sequences
//! of messages, played in the same worlds.

mod common;

#[path = "oracles/aggregates.rs"]
mod aggregates;
#[path = "oracles/attacks.rs"]
mod attacks;
#[path = "oracles/cases.rs"]
mod cases;
#[path = "oracles/grants.rs"]
mod grants;
#[path = "oracles/play.rs"]
mod play;
#[path = "proofs/random.rs"]
mod random;
#[path = "oracles/sequences.rs"]
mod sequences;
