//! The walk over what writes: INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY.

use super::walk::{Visitor, Walked, each, maybe, offset, walk_alias, walk_with};
use crate::vocab::NotUnderstood;
use pg_query::protobuf::{
    CopyStmt, CurrentOfExpr, DefElem, DeleteStmt, IndexElem, InferClause, InsertStmt, MergeStmt, MergeWhenClause,
    MultiAssignRef, OnConflictClause, RangeVar, ReturningClause, ReturningOption, SetToDefault, TruncateStmt,
    UpdateStmt,
};

pub(super) fn walk_insert(insert: &mut InsertStmt, visitor: &mut dyn Visitor) -> Walked {
    let InsertStmt { relation, cols, select_stmt, on_conflict_clause, returning_clause, with_clause, r#override: _ } =
        insert;
    walk_with(with_clause, visitor)?;
    walk_target(relation, visitor)?;
    each(cols, visitor)?;
    maybe(select_stmt, visitor)?;
    if let Some(conflict) = on_conflict_clause {
        let OnConflictClause { action: _, infer, target_list, where_clause, location } = &mut **conflict;
        visitor.location(location);
        if let Some(infer) = infer {
            let InferClause { index_elems, where_clause, conname: _, location } = &mut **infer;
            visitor.location(location);
            each(index_elems, visitor)?;
            maybe(where_clause, visitor)?;
        }
        each(target_list, visitor)?;
        maybe(where_clause, visitor)?;
    }
    walk_returning(returning_clause, visitor)
}

pub(super) fn walk_update(update: &mut UpdateStmt, visitor: &mut dyn Visitor) -> Walked {
    let UpdateStmt { relation, target_list, where_clause, from_clause, returning_clause, with_clause } = update;
    walk_with(with_clause, visitor)?;
    walk_target(relation, visitor)?;
    each(target_list, visitor)?;
    each(from_clause, visitor)?;
    maybe(where_clause, visitor)?;
    walk_returning(returning_clause, visitor)
}

pub(super) fn walk_delete(delete: &mut DeleteStmt, visitor: &mut dyn Visitor) -> Walked {
    let DeleteStmt { relation, using_clause, where_clause, returning_clause, with_clause } = delete;
    walk_with(with_clause, visitor)?;
    walk_target(relation, visitor)?;
    each(using_clause, visitor)?;
    maybe(where_clause, visitor)?;
    walk_returning(returning_clause, visitor)
}

pub(super) fn walk_merge(merge: &mut MergeStmt, visitor: &mut dyn Visitor) -> Walked {
    let MergeStmt { relation, source_relation, join_condition, merge_when_clauses, returning_clause, with_clause } =
        merge;
    walk_with(with_clause, visitor)?;
    walk_target(relation, visitor)?;
    maybe(source_relation, visitor)?;
    maybe(join_condition, visitor)?;
    each(merge_when_clauses, visitor)?;
    walk_returning(returning_clause, visitor)
}

pub(super) fn walk_merge_when(when: &mut MergeWhenClause, visitor: &mut dyn Visitor) -> Walked {
    let MergeWhenClause { match_kind: _, command_type: _, r#override: _, condition, target_list, values } = when;
    maybe(condition, visitor)?;
    each(target_list, visitor)?;
    each(values, visitor)
}

pub(super) fn walk_truncate(truncate: &mut TruncateStmt, visitor: &mut dyn Visitor) -> Walked {
    let TruncateStmt { relations, restart_seqs: _, behavior: _ } = truncate;
    each(relations, visitor)
}

pub(super) fn walk_copy(copy: &mut CopyStmt, visitor: &mut dyn Visitor) -> Walked {
    let CopyStmt { relation, query, attlist, is_from: _, is_program, filename, options, where_clause } = copy;
    if *is_program || !filename.is_empty() {
        return Err(NotUnderstood::new("COPY with a file or program of the server", None));
    }
    walk_target(relation, visitor)?;
    maybe(query, visitor)?;
    each(attlist, visitor)?;
    each(options, visitor)?;
    maybe(where_clause, visitor)
}

/// An option of COPY and of other utilities: its name, and a value that is text, a number or a list of these.
pub(super) fn walk_option(option: &mut DefElem, visitor: &mut dyn Visitor) -> Walked {
    let DefElem { defnamespace, defname: _, arg, defaction: _, location, arg_location } = option;
    if !defnamespace.is_empty() {
        return Err(NotUnderstood::new("an option with a namespace", offset(*location)));
    }
    visitor.location(location);
    visitor.location(arg_location);
    maybe(arg, visitor)
}

pub(super) fn walk_index_element(element: &mut IndexElem, visitor: &mut dyn Visitor) -> Walked {
    let IndexElem { name: _, expr, indexcolname: _, collation, opclass, opclassopts, ordering: _, nulls_ordering: _ } =
        element;
    maybe(expr, visitor)?;
    each(collation, visitor)?;
    each(opclass, visitor)?;
    each(opclassopts, visitor)
}

/// `(a, b) = (SELECT …)`: the tree holds one node for each column, all with the same source; the first alone keeps it
/// (`print` compares the others without).
pub(super) fn walk_multiple(assigned: &mut MultiAssignRef, visitor: &mut dyn Visitor) -> Walked {
    let MultiAssignRef { source, colno: _, ncolumns: _ } = assigned;
    maybe(source, visitor)
}

pub(super) fn walk_default(default: &mut SetToDefault, visitor: &mut dyn Visitor) -> Walked {
    let SetToDefault { xpr, type_id: _, type_mod: _, collation: _, location } = default;
    visitor.location(location);
    maybe(xpr, visitor)
}

pub(super) fn walk_current_of(current: &mut CurrentOfExpr, visitor: &mut dyn Visitor) -> Walked {
    let CurrentOfExpr { xpr, cvarno: _, cursor_name: _, cursor_param: _ } = current;
    maybe(xpr, visitor)
}

pub(super) fn walk_returning_option(option: &mut ReturningOption, visitor: &mut dyn Visitor) -> Walked {
    let ReturningOption { option: _, value: _, location } = option;
    visitor.location(location);
    Ok(())
}

fn walk_returning(returning: &mut Option<ReturningClause>, visitor: &mut dyn Visitor) -> Walked {
    let Some(ReturningClause { options, exprs }) = returning else { return Ok(()) };
    each(options, visitor)?;
    each(exprs, visitor)
}

/// The relation that is written to. It is not visited as a node: nothing can stand in for it.
pub(super) fn walk_target(target: &mut Option<RangeVar>, visitor: &mut dyn Visitor) -> Walked {
    let Some(range) = target else { return Ok(()) };
    let RangeVar { catalogname: _, schemaname: _, relname: _, inh: _, relpersistence: _, alias, location } = range;
    visitor.location(location);
    walk_alias(alias, visitor)
}
