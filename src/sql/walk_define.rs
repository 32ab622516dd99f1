//! The walk over what defines and drops relations.

use super::walk::{Visitor, Walked, each, maybe};
use super::walk_alter::{walk_alteration, walk_bound, walk_partitioning};
use super::walk_write::walk_target;
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::{
    CommentStmt, Constraint, CreateSchemaStmt, CreateSeqStmt, CreateStmt, CreateTableAsStmt, DropStmt, IndexStmt,
    IntoClause, RefreshMatViewStmt, TableLikeClause, ViewStmt,
};

/// Walks such a node; `None` if it is none.
pub(super) fn walk_definition(node: &mut NodeEnum, visitor: &mut dyn Visitor) -> Option<Walked> {
    Some(match node {
        NodeEnum::CreateStmt(create) => walk_create(create, visitor),
        NodeEnum::Constraint(constraint) => walk_constraint(constraint, visitor),
        NodeEnum::TableLikeClause(like) => {
            let TableLikeClause { relation, options: _, relation_oid: _ } = like;
            walk_target(relation, visitor)
        }
        NodeEnum::CreateTableAsStmt(create) => {
            let CreateTableAsStmt { query, into, objtype: _, is_select_into: _, if_not_exists: _ } = &mut **create;
            walk_into(into, visitor).and_then(|()| maybe(query, visitor))
        }
        NodeEnum::ViewStmt(view) => {
            let ViewStmt { view, aliases, query, replace: _, options, with_check_option: _ } = &mut **view;
            walk_target(view, visitor)
                .and_then(|()| each(aliases, visitor))
                .and_then(|()| maybe(query, visitor))
                .and_then(|()| each(options, visitor))
        }
        NodeEnum::RefreshMatViewStmt(refresh) => {
            let RefreshMatViewStmt { concurrent: _, skip_data: _, relation } = refresh;
            walk_target(relation, visitor)
        }
        NodeEnum::IndexStmt(index) => walk_index(index, visitor),
        NodeEnum::CommentStmt(comment) => {
            let CommentStmt { objtype: _, object, comment: _ } = &mut **comment;
            maybe(object, visitor)
        }
        NodeEnum::DropStmt(drop) => {
            let DropStmt { objects, remove_type: _, behavior: _, missing_ok: _, concurrent: _ } = drop;
            each(objects, visitor)
        }
        NodeEnum::CreateSeqStmt(create) => {
            let CreateSeqStmt { sequence, options, owner_id: _, for_identity: _, if_not_exists: _ } = create;
            walk_target(sequence, visitor).and_then(|()| each(options, visitor))
        }
        NodeEnum::CreateSchemaStmt(create) => {
            let CreateSchemaStmt { schemaname: _, authrole, schema_elts, if_not_exists: _ } = create;
            match authrole.is_none() && schema_elts.is_empty() {
                true => Ok(()),
                false => Err(NotUnderstood::new("CREATE SCHEMA with more than a name", None)),
            }
        }
        other => return walk_alteration(other, visitor),
    })
}

fn walk_create(create: &mut CreateStmt, visitor: &mut dyn Visitor) -> Walked {
    let CreateStmt {
        relation,
        table_elts,
        inh_relations,
        partbound,
        partspec,
        of_typename,
        constraints,
        nnconstraints,
        options,
        oncommit: _,
        tablespacename: _,
        access_method: _,
        if_not_exists: _,
    } = create;
    if of_typename.is_some() || !constraints.is_empty() || !nnconstraints.is_empty() {
        return Err(NotUnderstood::new("CREATE TABLE of a type", None));
    }
    walk_target(relation, visitor)?;
    each(table_elts, visitor)?;
    each(inh_relations, visitor)?;
    walk_bound(partbound, visitor)?;
    walk_partitioning(partspec, visitor)?;
    each(options, visitor)
}

fn walk_constraint(constraint: &mut Constraint, visitor: &mut dyn Visitor) -> Walked {
    let Constraint {
        contype: _,
        conname: _,
        deferrable: _,
        initdeferred: _,
        is_enforced: _,
        skip_validation: _,
        initially_valid: _,
        is_no_inherit: _,
        raw_expr,
        cooked_expr: _,
        generated_when: _,
        generated_kind: _,
        nulls_not_distinct: _,
        keys,
        without_overlaps: _,
        including,
        exclusions,
        options,
        indexname: _,
        indexspace: _,
        reset_default_tblspc: _,
        access_method: _,
        where_clause,
        pktable,
        fk_attrs,
        pk_attrs,
        fk_with_period: _,
        pk_with_period: _,
        fk_matchtype: _,
        fk_upd_action: _,
        fk_del_action: _,
        fk_del_set_cols,
        old_conpfeqop,
        old_pktable_oid: _,
        location,
    } = constraint;
    visitor.location(location);
    maybe(raw_expr, visitor)?;
    for list in [keys, including, exclusions, options, fk_attrs, pk_attrs, fk_del_set_cols, old_conpfeqop] {
        each(list, visitor)?;
    }
    maybe(where_clause, visitor)?;
    walk_target(pktable, visitor)
}

fn walk_into(into: &mut Option<Box<IntoClause>>, visitor: &mut dyn Visitor) -> Walked {
    let Some(into) = into else { return Ok(()) };
    let IntoClause {
        rel,
        col_names,
        access_method: _,
        options,
        on_commit: _,
        table_space_name: _,
        view_query,
        skip_data: _,
    } = &mut **into;
    if view_query.is_some() {
        return Err(NotUnderstood::new("an analysed query", None));
    }
    walk_target(rel, visitor)?;
    each(col_names, visitor)?;
    each(options, visitor)
}

fn walk_index(index: &mut IndexStmt, visitor: &mut dyn Visitor) -> Walked {
    let IndexStmt {
        idxname: _,
        relation,
        access_method: _,
        table_space: _,
        index_params,
        index_including_params,
        options,
        where_clause,
        exclude_op_names,
        idxcomment: _,
        index_oid: _,
        old_number: _,
        old_create_subid: _,
        old_first_relfilelocator_subid: _,
        unique: _,
        nulls_not_distinct: _,
        primary: _,
        isconstraint: _,
        iswithoutoverlaps: _,
        deferrable: _,
        initdeferred: _,
        transformed: _,
        concurrent: _,
        if_not_exists: _,
        reset_default_tblspc: _,
    } = index;
    walk_target(relation, visitor)?;
    for list in [index_params, index_including_params, options, exclude_op_names] {
        each(list, visitor)?;
    }
    maybe(where_clause, visitor)
}
