//! Sizes of what is stored: `pg_table_size` and its kin, which psql asks in `\dt+`, `\l+` and `\db+`.
//!
//! How big a relation is tells of its hidden rows and closed values. So a size is told only of relations that are seen
//! whole, with their indexes; of others, and of databases and tablespaces, it is null. The server picks the relation
//! when the statement runs, so the argument itself is bounded: these functions give null for null.
//!
//! ```sql
//! pg_table_size(('{16384,16390}'::oid[])[array_position('{16384,16390}'::oid[], argument::regclass::oid)])
//! ```
//!
//! The argument is evaluated once, and what it gives is passed on only if it is in the list.

use super::resolver::{Outcome, Resolver};
use crate::catalog::{FIRST_USER_OID, Relation, RelationKind};
use crate::sql::{case_when, clear_locations, expression};
use crate::vocab::Oid;
use pg_query::NodeEnum;
use pg_query::protobuf::{FuncCall, Node};

/// Of more no size is told: the list stands in the statement twice.
const MOST: usize = 20_000;

/// What a function tells the size of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sized {
    Relation,
    /// A database or tablespace: nobody sees all of it.
    Whole,
}

/// Whether a function of `pg_catalog` tells a size that can be bounded.
pub(super) fn sized(name: &str) -> Option<Sized> {
    match name {
        "pg_relation_size" | "pg_table_size" | "pg_indexes_size" | "pg_total_relation_size" => Some(Sized::Relation),
        "pg_database_size" | "pg_tablespace_size" => Some(Sized::Whole),
        _other => None,
    }
}

impl Resolver<'_> {
    /// Bounds the argument of a call whose arguments are resolved.
    pub(super) fn bound_size(&mut self, sized: Sized, call: &mut FuncCall) -> Outcome<()> {
        let at = call.location;
        let Some(argument) = call.args.first_mut() else { return Ok(()) };
        match sized {
            Sized::Whole => {
                if !is_never(argument) {
                    *argument = case_when(expression("false"), std::mem::take(argument));
                }
            }
            Sized::Relation => {
                let list = self.told_of();
                if is_bounded(argument, &list) {
                    return Ok(());
                }
                let known = self.known(Some(argument));
                self.written_cast("regclass", known, at)?;
                if let Some(mut bounded) = bounded(&list)
                    && let Some(inner) = inner(&mut bounded)
                {
                    *inner = std::mem::take(argument);
                    *argument = bounded;
                }
            }
        }
        Ok(())
    }

    /// The relations whose size may be told, with what is stored with them, as an array's text.
    fn told_of(&self) -> String {
        let told = |relation: &&Relation| match relation.kind {
            // The catalogs would make the list long; some of them count.
            _any if relation.oid < FIRST_USER_OID => false,
            RelationKind::Table => !self.context.rulings.guarded(relation),
            // What it holds was computed from other tables.
            RelationKind::MaterializedView => false,
            // Nothing is stored there; of a sequence one row.
            RelationKind::PartitionedTable
            | RelationKind::View
            | RelationKind::ForeignTable
            | RelationKind::Sequence => true,
        };
        let relations = self.context.catalog.relations().iter().filter(told);
        let mut oids: Vec<Oid> = relations.flat_map(|r| r.storage.iter().copied().chain([r.oid])).collect();
        if oids.len() > MOST {
            oids.clear();
        }
        oids.sort_unstable();
        let oids: Vec<String> = oids.iter().map(Oid::to_string).collect();
        format!("{{{}}}", oids.join(","))
    }
}

/// An argument that is null but for the listed relations; null stands where the client's belongs.
fn bounded(list: &str) -> Option<Node> {
    let array = format!("'{list}'::pg_catalog.oid[]");
    let position = format!("pg_catalog.array_position({array}, NULL::pg_catalog.regclass::pg_catalog.oid)");
    expression(&format!("({array})[{position}]"))
}

/// The place of the client's argument in a bounded one.
fn inner(bounded: &mut Node) -> Option<&mut Node> {
    let Some(NodeEnum::AIndirection(element)) = &mut bounded.node else { return None };
    let Some(NodeEnum::AIndices(index)) = &mut element.indirection.first_mut()?.node else { return None };
    let Some(NodeEnum::FuncCall(position)) = &mut index.uidx.as_mut()?.node else { return None };
    let Some(NodeEnum::TypeCast(number)) = &mut position.args.get_mut(1)?.node else { return None };
    let Some(NodeEnum::TypeCast(name)) = &mut number.arg.as_mut()?.node else { return None };
    name.arg.as_deref_mut()
}

/// Whether a rewritten statement is being rewritten again: the argument is bounded by this very list.
fn is_bounded(argument: &Node, list: &str) -> bool {
    let (Some(mut meant), mut candidate) = (bounded(list), argument.clone()) else { return false };
    let (Some(wanted), Some(given)) = (inner(&mut meant), inner(&mut candidate)) else { return false };
    *given = wanted.clone();
    clear_locations(&mut candidate).is_ok() && candidate == meant
}

/// Whether an argument is `CASE WHEN false THEN … END`.
fn is_never(argument: &Node) -> bool {
    let (Some(NodeEnum::CaseExpr(case)), Some(never)) = (&argument.node, expression("false")) else { return false };
    let mut candidate = argument.clone();
    let [Node { node: Some(NodeEnum::CaseWhen(when)) }] = case.args.as_slice() else { return false };
    let Some(result) = when.result.clone() else { return false };
    let mut meant = case_when(Some(never), *result);
    clear_locations(&mut candidate).is_ok() && clear_locations(&mut meant).is_ok() && candidate == meant
}
