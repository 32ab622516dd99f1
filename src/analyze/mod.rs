//! Names resolved as Postgres resolves them, and what the statement is exposed to.
//!
//! `resolve` takes a statement's tree and returns it with every relation schema-qualified, every column reference
//! printed with its alias and every star written out, together with what it uses: which columns of which relations, and
//! how. It knows the catalog, and nothing of policies, but for one question: for which relations a guard will stand in.
//! What it does not understand it refuses by name.

mod builtin;
mod call;
mod columns;
mod construct;
mod copy;
mod define;
mod expr;
mod extension;
mod from;
mod join;
mod known;
mod label;
mod lookup;
mod merge;
mod naming;
mod operator;
mod quals;
mod recursion;
mod resolver;
mod rewritten;
mod routine;
mod scope;
mod select;
mod sequence;
mod sizes;
mod target;
mod temporary;
mod types;
mod updatable;
mod utility;
mod view;
mod write;
mod written;

pub use builtin::{Listable, listable, permitted_overload as is_permitted};
pub use call::{is_aggregate, may_return_a_set};
pub use define::{Definition, Made, Runs};
pub use extension::is_trusted as is_trusted_extension;
pub use label::{ColumnSource, ColumnUse, FunctionRead, Lock, Offer, Outlet, Place, RelationUse, Sent, SequenceUse};
pub use naming::figure_name;
pub use routine::{OnItsOwn, on_its_own};
pub use temporary::{drop_own, is_temporary};
pub use view::clear_synthetic_locations;
pub use written::{Assignment, Manner, Shape, Verb, Write};

use crate::catalog::{Catalog, Function, Relation, SearchPath};
use crate::vocab::{NotUnderstood, Oid, Right, Unresolved};
use pg_query::NodeEnum;
use pg_query::protobuf::Node;
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// What a statement is resolved against.
pub struct Context<'a> {
    pub catalog: &'a Catalog,
    pub path: &'a SearchPath,
    pub rulings: &'a dyn Rulings,
    /// Types that the client declares for `$1`, `$2` … (0: none); where it declares none the server infers them.
    pub parameters: &'a [Oid],
    pub stars: Stars,
}

/// What a star stands for where some columns of its relation are closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stars {
    /// All of them: it is refused like a list of their names.
    Whole,
    /// Those that the purpose may see, unless their number or order matters to what is around the star.
    Permitted,
}

/// What resolution must know of the decision that follows it.
pub trait Rulings {
    /// Whether a guard will stand in for the relation. Behind a guard Postgres no longer sees that a primary key
    /// determines the other columns, so `GROUP BY` is completed for it.
    fn guarded(&self, relation: &Relation) -> bool;
    /// Whether some of its rows are hidden.
    fn filtered(&self, relation: &Relation) -> bool;
    /// What the purpose gets of a column, by its index. A view in whose definition a column is not open is inlined.
    fn openness(&self, relation: &Relation, column: usize) -> Openness;
    /// Whether the purpose may find rows by what a column holds, though it is shown as something else.
    fn looks_up(&self, relation: &Relation, column: usize) -> bool;
    /// How a relation that is written to is read, by the alias it has in the statement and what is done with it first of
    /// all: no guard can stand in for it.
    fn shape(&self, relation: &Relation, alias: &str, right: Right) -> Result<Shape, Trouble>;
    /// What a function reads beyond its arguments, if the policy lists it; a function that it does not list and that
    /// cannot be seen through is closed.
    fn listed(&self, function: &Function) -> Option<Arc<[FunctionRead]>>;
    /// What the policy says of a relation's rules, if it lists them; rules that it does not list are closed.
    fn rewrites(&self, relation: &Relation) -> Option<Rewrites>;
    /// Whether the policy says of a function that it lists that what it raises may pass.
    fn messages_pass(&self, function: &Function) -> bool;
    /// What stands for `$number` of a row condition, as SQL.
    fn constant(&self, number: i32) -> Option<String>;
    /// Whether a setting of that name, in lower case, is an application's own (`app.tenant`).
    fn is_own_setting(&self, name: &str) -> bool;
}

/// What a policy says of what the rules of a relation do.
#[derive(Debug, Clone)]
pub struct Rewrites {
    /// What they read beyond their own relation.
    pub reads: Arc<[FunctionRead]>,
    /// What is raised on the way may pass.
    pub messages_pass: bool,
}

/// What a purpose gets of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// The value as it is.
    Open,
    /// Something else in its place.
    Masked,
    /// Nothing, but in aggregates.
    Aggregated,
    Closed,
}

/// A statement whose every name is known.
#[derive(Debug)]
pub struct Resolved {
    /// The tree; locations are still those of the client's text.
    pub tree: Node,
    /// Every reference to a base relation, in the order of their places in the text.
    pub relations: Vec<RelationUse>,
    /// What it writes.
    pub writes: Vec<Write>,
    /// Names of the result's columns, where they are all known.
    pub columns: Option<Arc<[Arc<str>]>>,
    /// Whether every condition in the statement is made of leakproof comparisons only. If not, a guard with a row
    /// condition must be fenced: Postgres could run the statement's condition on a row that the guard hides, and an
    /// error of it would tell the row's values.
    pub leakproof: bool,
    /// Sequences that the statement draws from.
    pub sequences: Vec<SequenceUse>,
    /// What it puts into channels and sequences.
    pub sent: Vec<Sent>,
    /// It calls functions of users: what they raise is their own.
    pub calls_users: bool,
    /// The server reads some of it only when it runs: SQL that functions are given as text, or are written as. Names in it mean
    /// what they mean then.
    pub runs_text: bool,
    /// It runs functions that the policy lists, whose text may be unknown.
    pub runs_listed: bool,
    /// Functions that did not come with the server and that it may run: called, or by an operator, cast or type.
    pub functions: FxHashSet<Oid>,
    /// What it defines.
    pub definition: Option<Definition>,
}

impl Resolved {
    /// Whether a function that returns a set and did not come with the server may run, by whatever is written: a call, an
    /// operator, a name after a dot.
    pub fn runs_users_set(&self, catalog: &Catalog) -> bool {
        self.functions.iter().any(|oid| catalog.function(*oid).is_none_or(|function| function.set))
    }
}

/// Why a statement could not be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    NotUnderstood(NotUnderstood),
    /// Postgres would not resolve it either; a stale snapshot may be the reason.
    Unresolved(Unresolved),
}

impl From<NotUnderstood> for Trouble {
    fn from(reason: NotUnderstood) -> Trouble {
        Trouble::NotUnderstood(reason)
    }
}

/// Resolves a statement that reads or writes data. Call inside [`crate::sql::on_deep_stack`].
pub fn resolve(mut tree: Node, context: &Context<'_>) -> Result<Resolved, Trouble> {
    let mut resolver = resolver::Resolver::new(context);
    let definition = match &mut tree.node {
        Some(node) => resolver.define(node)?,
        None => None,
    };
    // Of what EXPLAIN, PREPARE and DECLARE are about it is not known how often it runs.
    resolver.whole =
        matches!(tree.node, Some(NodeEnum::SelectStmt(_) | NodeEnum::UpdateStmt(_) | NodeEnum::DeleteStmt(_)));
    let columns = if definition.is_some() { None } else { resolver.statement(&mut tree)? };
    resolver.no_captured_casts()?;
    resolver.place_views(&mut tree)?;
    resolver.settings_stand_alone()?;
    resolver.unnamed_are_told_apart()?;
    let writes = resolver.finish_writes();
    let sent = std::mem::take(&mut resolver.sent);
    if !sent.is_empty() && definition.as_ref().is_some_and(|definition| definition.runs != Runs::Query) {
        // It would be put there by whoever reads or writes what is defined.
        return resolver::not_understood("a definition that notifies or numbers", -1);
    }
    let calls_users = resolver.calls_users;
    let (runs_text, runs_listed) = (resolver.runs_text, resolver.runs_listed);
    let functions = std::mem::take(&mut resolver.functions);
    let (relations, leakproof, sequences) = resolver.finish();
    Ok(Resolved {
        tree,
        relations,
        writes,
        columns,
        leakproof,
        sequences,
        sent,
        calls_users,
        runs_text,
        runs_listed,
        functions,
        definition,
    })
}
