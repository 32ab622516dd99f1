//! The walk over utilities: what wraps a statement, what names one, and what locks relations.

use super::walk::{Visitor, Walked, each, maybe};
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::{DeclareCursorStmt, ExecuteStmt, ExplainStmt, LockStmt, PrepareStmt, RangeVar};

pub(super) fn walk_explain(explain: &mut ExplainStmt, visitor: &mut dyn Visitor) -> Walked {
    let ExplainStmt { query, options } = explain;
    each(options, visitor)?;
    maybe(query, visitor)
}

pub(super) fn walk_prepare(prepare: &mut PrepareStmt, visitor: &mut dyn Visitor) -> Walked {
    let PrepareStmt { name: _, argtypes, query } = prepare;
    each(argtypes, visitor)?;
    maybe(query, visitor)
}

pub(super) fn walk_execute(execute: &mut ExecuteStmt, visitor: &mut dyn Visitor) -> Walked {
    let ExecuteStmt { name: _, params } = execute;
    each(params, visitor)
}

pub(super) fn walk_declare(declare: &mut DeclareCursorStmt, visitor: &mut dyn Visitor) -> Walked {
    let DeclareCursorStmt { portalname: _, options: _, query } = declare;
    maybe(query, visitor)
}

/// The relations are not visited as nodes: nothing can stand in for them.
pub(super) fn walk_lock(lock: &mut LockStmt, visitor: &mut dyn Visitor) -> Walked {
    let LockStmt { relations, mode: _, nowait: _ } = lock;
    for relation in relations {
        let Some(NodeEnum::RangeVar(range)) = &mut relation.node else {
            return Err(NotUnderstood::new("LOCK of what is not a table", None));
        };
        let RangeVar { catalogname: _, schemaname: _, relname: _, inh: _, relpersistence: _, alias: _, location } =
            range;
        visitor.location(location);
    }
    Ok(())
}
