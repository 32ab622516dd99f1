//! The proofs that need no judgement of ours beyond what is compared: generated statements in two worlds, rewrites that are
//! stable, policies that widen, two readers, corpora that are understood, hostile texts.
//!
//! `make proofs` runs them and prints their figures; `WHEREFORE_SOAK=1h` runs the generated ones that long with new
//! seeds. Each prints a line `PROOF name key=value …`.

mod common;

#[path = "proofs/choice.rs"]
mod choice;
#[path = "proofs/core.rs"]
mod core;
#[path = "proofs/doc.rs"]
mod doc;
#[path = "proofs/generator.rs"]
mod generator;
#[path = "proofs/hostile.rs"]
mod hostile;
#[path = "proofs/random.rs"]
mod random;
#[path = "proofs/readers.rs"]
mod readers;
#[path = "proofs/shapes.rs"]
mod shapes;
#[path = "proofs/sqlsmith.rs"]
mod sqlsmith;
#[path = "proofs/stability.rs"]
mod stability;
#[path = "proofs/two_worlds.rs"]
mod two_worlds;
#[path = "proofs/understood.rs"]
mod understood;
#[path = "proofs/widening.rs"]
mod widening;
#[path = "proofs/writes.rs"]
mod writes;
