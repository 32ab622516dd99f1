//! One exhaustive walk over the trees of statements.
//!
//! Every node is taken apart field by field, so that a parser version that adds a field fails to compile, and every
//! node that is not listed is refused by name. Nothing that walks a tree by other means may be trusted to see all of it.

use super::classify::words;
use super::walk_constructs as constructs;
use super::walk_define::walk_definition;
use super::walk_utility as utility;
use super::walk_write as write;
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AArrayExpr, AConst, AExpr, AIndices, AIndirection, Alias, BoolExpr, BooleanTest, CaseExpr, CaseWhen, CoalesceExpr,
    CollateClause, ColumnDef, ColumnRef, CommonTableExpr, FuncCall, GroupingFunc, GroupingSet, JoinExpr, List,
    MergeSupportFunc, MinMaxExpr, NamedArgExpr, Node, NullTest, ParamRef, RangeFunction, RangeSubselect, RangeVar,
    ResTarget, RowExpr, SelectStmt, SortBy, SqlValueFunction, SubLink, TypeCast, TypeName, WindowDef, WithClause,
};

/// What is done along a walk.
pub trait Visitor {
    /// Called for every node before its children.
    fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood>;
    /// Called for every source location (a byte offset, or -1), in a fixed order.
    fn location(&mut self, at: &mut i32);
}

pub(super) type Walked = Result<(), NotUnderstood>;

/// Walks a node and everything below it.
pub fn walk(node: &mut Node, visitor: &mut dyn Visitor) -> Walked {
    visitor.node(node)?;
    let Some(inner) = &mut node.node else {
        // An absent list element, as in `ARRAY[][1:]`.
        return Ok(());
    };
    if let Some(parts) = constructs::parts(inner) {
        return constructs::walk_parts(parts, visitor);
    }
    match inner {
        NodeEnum::SelectStmt(select) => walk_select(select, visitor),
        NodeEnum::String(_) | NodeEnum::Integer(_) | NodeEnum::Float(_) | NodeEnum::Boolean(_) | NodeEnum::AStar(_) => {
            Ok(())
        }
        NodeEnum::List(List { items }) => each(items, visitor),
        NodeEnum::ResTarget(target) => {
            let ResTarget { name: _, indirection, val, location } = &mut **target;
            visitor.location(location);
            each(indirection, visitor)?;
            maybe(val, visitor)
        }
        NodeEnum::ColumnRef(ColumnRef { fields, location }) => {
            visitor.location(location);
            each(fields, visitor)
        }
        NodeEnum::AConst(AConst { isnull: _, val: _, location }) => {
            visitor.location(location);
            Ok(())
        }
        NodeEnum::ParamRef(ParamRef { number: _, location }) => {
            visitor.location(location);
            Ok(())
        }
        NodeEnum::AExpr(expr) => {
            let AExpr { kind: _, name, lexpr, rexpr, rexpr_list_start, rexpr_list_end, location } = &mut **expr;
            visitor.location(location);
            visitor.location(rexpr_list_start);
            visitor.location(rexpr_list_end);
            each(name, visitor)?;
            maybe(lexpr, visitor)?;
            maybe(rexpr, visitor)
        }
        NodeEnum::BoolExpr(expr) => {
            let BoolExpr { xpr, boolop: _, args, location } = &mut **expr;
            visitor.location(location);
            maybe(xpr, visitor)?;
            each(args, visitor)
        }
        NodeEnum::NullTest(test) => {
            let NullTest { xpr, arg, nulltesttype: _, argisrow: _, location } = &mut **test;
            visitor.location(location);
            maybe(xpr, visitor)?;
            maybe(arg, visitor)
        }
        NodeEnum::BooleanTest(test) => {
            let BooleanTest { xpr, arg, booltesttype: _, location } = &mut **test;
            visitor.location(location);
            maybe(xpr, visitor)?;
            maybe(arg, visitor)
        }
        NodeEnum::CaseExpr(case) => {
            let CaseExpr { xpr, casetype: _, casecollid: _, arg, args, defresult, location } = &mut **case;
            visitor.location(location);
            maybe(xpr, visitor)?;
            maybe(arg, visitor)?;
            each(args, visitor)?;
            maybe(defresult, visitor)
        }
        NodeEnum::CaseWhen(when) => {
            let CaseWhen { xpr, expr, result, location } = &mut **when;
            visitor.location(location);
            maybe(xpr, visitor)?;
            maybe(expr, visitor)?;
            maybe(result, visitor)
        }
        NodeEnum::CoalesceExpr(coalesce) => {
            let CoalesceExpr { xpr, coalescetype: _, coalescecollid: _, args, location } = &mut **coalesce;
            visitor.location(location);
            maybe(xpr, visitor)?;
            each(args, visitor)
        }
        NodeEnum::MinMaxExpr(extreme) => {
            let MinMaxExpr { xpr, minmaxtype: _, minmaxcollid: _, inputcollid: _, op: _, args, location } =
                &mut **extreme;
            visitor.location(location);
            maybe(xpr, visitor)?;
            each(args, visitor)
        }
        NodeEnum::SqlvalueFunction(function) => {
            let SqlValueFunction { xpr, op: _, r#type: _, typmod: _, location } = &mut **function;
            visitor.location(location);
            maybe(xpr, visitor)
        }
        NodeEnum::MergeSupportFunc(function) => {
            let MergeSupportFunc { xpr, msftype: _, msfcollid: _, location } = &mut **function;
            visitor.location(location);
            maybe(xpr, visitor)
        }
        NodeEnum::FuncCall(call) => walk_call(call, visitor),
        NodeEnum::NamedArgExpr(named) => {
            let NamedArgExpr { xpr, arg, name: _, argnumber: _, location } = &mut **named;
            visitor.location(location);
            maybe(xpr, visitor)?;
            maybe(arg, visitor)
        }
        NodeEnum::SubLink(sublink) => {
            let SubLink { xpr, sub_link_type: _, sub_link_id: _, testexpr, oper_name, subselect, location } =
                &mut **sublink;
            visitor.location(location);
            maybe(xpr, visitor)?;
            maybe(testexpr, visitor)?;
            each(oper_name, visitor)?;
            maybe(subselect, visitor)
        }
        NodeEnum::TypeCast(cast) => {
            let TypeCast { arg, type_name, location } = &mut **cast;
            visitor.location(location);
            maybe(arg, visitor)?;
            type_name.as_mut().map_or(Ok(()), |name| walk_type(name, visitor))
        }
        NodeEnum::TypeName(name) => walk_type(name, visitor),
        NodeEnum::CollateClause(collate) => {
            let CollateClause { arg, collname, location } = &mut **collate;
            visitor.location(location);
            maybe(arg, visitor)?;
            each(collname, visitor)
        }
        NodeEnum::AArrayExpr(array) => {
            let AArrayExpr { elements, list_start, list_end, location } = array;
            visitor.location(location);
            visitor.location(list_start);
            visitor.location(list_end);
            each(elements, visitor)
        }
        NodeEnum::RowExpr(row) => {
            let RowExpr { xpr, args, row_typeid: _, row_format: _, colnames, location } = &mut **row;
            visitor.location(location);
            maybe(xpr, visitor)?;
            each(args, visitor)?;
            each(colnames, visitor)
        }
        NodeEnum::AIndirection(indirection) => {
            let AIndirection { arg, indirection } = &mut **indirection;
            maybe(arg, visitor)?;
            each(indirection, visitor)
        }
        NodeEnum::AIndices(indices) => {
            let AIndices { is_slice: _, lidx, uidx } = &mut **indices;
            maybe(lidx, visitor)?;
            maybe(uidx, visitor)
        }
        NodeEnum::GroupingFunc(grouping) => {
            let GroupingFunc { xpr, args, refs, agglevelsup: _, location } = &mut **grouping;
            visitor.location(location);
            maybe(xpr, visitor)?;
            each(args, visitor)?;
            each(refs, visitor)
        }
        NodeEnum::GroupingSet(set) => {
            let GroupingSet { kind: _, content, location } = set;
            visitor.location(location);
            each(content, visitor)
        }
        NodeEnum::SortBy(sort) => {
            let SortBy { node, sortby_dir: _, sortby_nulls: _, use_op, location } = &mut **sort;
            visitor.location(location);
            maybe(node, visitor)?;
            each(use_op, visitor)
        }
        NodeEnum::WindowDef(window) => walk_window(window, visitor),
        NodeEnum::RangeVar(range) => {
            let RangeVar { catalogname: _, schemaname: _, relname: _, inh: _, relpersistence: _, alias, location } =
                range;
            visitor.location(location);
            walk_alias(alias, visitor)
        }
        NodeEnum::RangeSubselect(range) => {
            let RangeSubselect { lateral: _, subquery, alias } = &mut **range;
            maybe(subquery, visitor)?;
            walk_alias(alias, visitor)
        }
        NodeEnum::RangeFunction(range) => {
            let RangeFunction { lateral: _, ordinality: _, is_rowsfrom: _, functions, alias, coldeflist } = range;
            each(functions, visitor)?;
            walk_alias(alias, visitor)?;
            each(coldeflist, visitor)
        }
        NodeEnum::ColumnDef(definition) => walk_column_definition(definition, visitor),
        NodeEnum::JoinExpr(join) => {
            let JoinExpr {
                jointype: _,
                is_natural: _,
                larg,
                rarg,
                using_clause,
                join_using_alias,
                quals,
                alias,
                rtindex: _,
            } = &mut **join;
            maybe(larg, visitor)?;
            maybe(rarg, visitor)?;
            each(using_clause, visitor)?;
            walk_alias(join_using_alias, visitor)?;
            maybe(quals, visitor)?;
            walk_alias(alias, visitor)
        }
        NodeEnum::CommonTableExpr(cte) => {
            let CommonTableExpr {
                ctename: _,
                aliascolnames,
                ctematerialized: _,
                ctequery,
                search_clause,
                cycle_clause,
                location,
                cterecursive: _,
                cterefcount: _,
                ctecolnames: _,
                ctecoltypes: _,
                ctecoltypmods: _,
                ctecolcollations: _,
            } = &mut **cte;
            visitor.location(location);
            each(aliascolnames, visitor)?;
            maybe(ctequery, visitor)?;
            search_clause.as_mut().map_or(Ok(()), |search| constructs::walk_search(search, visitor))?;
            cycle_clause.as_mut().map_or(Ok(()), |cycle| constructs::walk_cycle(cycle, visitor))
        }
        NodeEnum::RangeTableSample(sample) => constructs::walk_sample(sample, visitor),
        NodeEnum::LockingClause(lock) => constructs::walk_lock(lock, visitor),
        NodeEnum::InsertStmt(insert) => write::walk_insert(insert, visitor),
        NodeEnum::UpdateStmt(update) => write::walk_update(update, visitor),
        NodeEnum::DeleteStmt(delete) => write::walk_delete(delete, visitor),
        NodeEnum::MergeStmt(merge) => write::walk_merge(merge, visitor),
        NodeEnum::MergeWhenClause(when) => write::walk_merge_when(when, visitor),
        NodeEnum::TruncateStmt(truncate) => write::walk_truncate(truncate, visitor),
        NodeEnum::CopyStmt(copy) => write::walk_copy(copy, visitor),
        NodeEnum::DefElem(option) => write::walk_option(option, visitor),
        NodeEnum::IndexElem(element) => write::walk_index_element(element, visitor),
        NodeEnum::MultiAssignRef(assigned) => write::walk_multiple(assigned, visitor),
        NodeEnum::SetToDefault(default) => write::walk_default(default, visitor),
        NodeEnum::CurrentOfExpr(current) => write::walk_current_of(current, visitor),
        NodeEnum::ReturningOption(option) => write::walk_returning_option(option, visitor),
        NodeEnum::ExplainStmt(explain) => utility::walk_explain(explain, visitor),
        NodeEnum::PrepareStmt(prepare) => utility::walk_prepare(prepare, visitor),
        NodeEnum::ExecuteStmt(execute) => utility::walk_execute(execute, visitor),
        NodeEnum::CallStmt(call) => utility::walk_call(call, visitor),
        NodeEnum::DeclareCursorStmt(declare) => utility::walk_declare(declare, visitor),
        NodeEnum::LockStmt(lock) => utility::walk_lock(lock, visitor),
        other => walk_definition(other, visitor).unwrap_or_else(|| Err(NotUnderstood::new(words(other), None))),
    }
}

/// A location as a byte offset.
pub(crate) fn offset(location: i32) -> Option<u32> {
    u32::try_from(location).ok()
}

pub(super) fn each(nodes: &mut [Node], visitor: &mut dyn Visitor) -> Walked {
    nodes.iter_mut().try_for_each(|node| walk(node, visitor))
}

pub(super) fn maybe(node: &mut Option<Box<Node>>, visitor: &mut dyn Visitor) -> Walked {
    node.as_mut().map_or(Ok(()), |node| walk(node, visitor))
}

fn walk_select(select: &mut SelectStmt, visitor: &mut dyn Visitor) -> Walked {
    let SelectStmt {
        distinct_clause,
        into_clause,
        target_list,
        from_clause,
        where_clause,
        group_clause,
        group_distinct: _,
        having_clause,
        window_clause,
        values_lists,
        sort_clause,
        limit_offset,
        limit_count,
        limit_option: _,
        locking_clause,
        with_clause,
        op: _,
        all: _,
        larg,
        rarg,
    } = select;
    if into_clause.is_some() {
        return Err(NotUnderstood::new("SELECT INTO", None));
    }
    walk_with(with_clause, visitor)?;
    each(distinct_clause, visitor)?;
    each(target_list, visitor)?;
    each(from_clause, visitor)?;
    maybe(where_clause, visitor)?;
    each(group_clause, visitor)?;
    maybe(having_clause, visitor)?;
    each(window_clause, visitor)?;
    each(values_lists, visitor)?;
    if let Some(left) = larg {
        walk_select(left, visitor)?;
    }
    if let Some(right) = rarg {
        walk_select(right, visitor)?;
    }
    each(sort_clause, visitor)?;
    maybe(limit_offset, visitor)?;
    maybe(limit_count, visitor)?;
    each(locking_clause, visitor)
}

pub(super) fn walk_with(with: &mut Option<WithClause>, visitor: &mut dyn Visitor) -> Walked {
    let Some(WithClause { ctes, recursive: _, location }) = with else { return Ok(()) };
    visitor.location(location);
    each(ctes, visitor)
}

fn walk_call(call: &mut FuncCall, visitor: &mut dyn Visitor) -> Walked {
    let FuncCall {
        funcname,
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
    } = call;
    visitor.location(location);
    each(funcname, visitor)?;
    each(args, visitor)?;
    each(agg_order, visitor)?;
    maybe(agg_filter, visitor)?;
    over.as_mut().map_or(Ok(()), |window| walk_window(window, visitor))
}

pub(super) fn walk_window(window: &mut WindowDef, visitor: &mut dyn Visitor) -> Walked {
    let WindowDef {
        name: _,
        refname: _,
        partition_clause,
        order_clause,
        frame_options: _,
        start_offset,
        end_offset,
        location,
    } = window;
    visitor.location(location);
    each(partition_clause, visitor)?;
    each(order_clause, visitor)?;
    maybe(start_offset, visitor)?;
    maybe(end_offset, visitor)
}

pub(super) fn walk_type(name: &mut TypeName, visitor: &mut dyn Visitor) -> Walked {
    let TypeName { names, type_oid: _, setof: _, pct_type: _, typmods, typemod: _, array_bounds, location } = name;
    visitor.location(location);
    each(names, visitor)?;
    each(typmods, visitor)?;
    each(array_bounds, visitor)
}

pub(super) fn walk_alias(alias: &mut Option<Alias>, visitor: &mut dyn Visitor) -> Walked {
    let Some(Alias { aliasname: _, colnames }) = alias else { return Ok(()) };
    each(colnames, visitor)
}

fn walk_column_definition(definition: &mut ColumnDef, visitor: &mut dyn Visitor) -> Walked {
    let ColumnDef {
        colname: _,
        type_name,
        compression: _,
        inhcount: _,
        is_local: _,
        is_not_null: _,
        is_from_type: _,
        storage: _,
        storage_name: _,
        raw_default,
        cooked_default,
        identity: _,
        identity_sequence,
        generated: _,
        coll_clause,
        coll_oid: _,
        constraints,
        fdwoptions,
        location,
    } = definition;
    visitor.location(location);
    if cooked_default.is_some() || identity_sequence.is_some() || !fdwoptions.is_empty() {
        return Err(NotUnderstood::new("a column definition", offset(*location)));
    }
    if let Some(collate) = coll_clause {
        let CollateClause { arg, collname, location } = &mut **collate;
        visitor.location(location);
        maybe(arg, visitor)?;
        each(collname, visitor)?;
    }
    type_name.as_mut().map_or(Ok(()), |name| walk_type(name, visitor))?;
    // `USING …` of ALTER COLUMN … TYPE.
    maybe(raw_default, visitor)?;
    each(constraints, visitor)
}
