//! The policy language: what loads and what does not, which rule decides, how tags meet a catalog, and what the two packs
//! come to. Each test reads as input and expected report.

#[path = "policy/aggregates.rs"]
mod aggregates;
#[path = "policy/binding.rs"]
mod binding;
#[path = "policy/comments.rs"]
mod comments;
#[path = "policy/documented.rs"]
mod documented;
#[path = "policy/errors.rs"]
mod errors;
#[path = "policy/fixture.rs"]
mod fixture;
#[path = "policy/follows.rs"]
mod follows;
#[path = "policy/lock.rs"]
mod lock;
#[path = "policy/opened.rs"]
mod opened;
#[path = "policy/packs.rs"]
mod packs;
#[path = "policy/patterns.rs"]
mod patterns;
#[path = "policy/recipients.rs"]
mod recipients;
#[path = "policy/rules.rs"]
mod rules;
#[path = "policy/schema.rs"]
mod schema;
#[path = "policy/system.rs"]
mod system;
#[path = "policy/taxonomy.rs"]
mod taxonomy;
