//! The walk over utilities: what wraps a statement, what names one, what calls a procedure, and what locks relations.

use super::walk::{Visitor, Walked, each, maybe, offset};
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::{
    CallStmt, DeclareCursorStmt, ExecuteStmt, ExplainStmt, FuncCall, LockStmt, PrepareStmt, RangeVar,
};

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

/// The call is no node of its own: nothing can stand in for it, only for its arguments.
pub(super) fn walk_call(call: &mut CallStmt, visitor: &mut dyn Visitor) -> Walked {
    let CallStmt { funccall, funcexpr: _filled_by_the_server, outargs: _filled_too } = call;
    let Some(call) = funccall else { return Err(NotUnderstood::new("CALL of nothing", None)) };
    let FuncCall {
        funcname: _,
        args,
        agg_order,
        agg_filter,
        over,
        agg_within_group: _,
        agg_star: _,
        agg_distinct: _,
        func_variadic: _,
        funcformat: _,
        location,
    } = &mut **call;
    if !agg_order.is_empty() || agg_filter.is_some() || over.is_some() {
        return Err(NotUnderstood::new("CALL of an aggregate", offset(*location)));
    }
    visitor.location(location);
    each(args, visitor)
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
