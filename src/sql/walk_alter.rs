//! The walk over what alters and renames relations, and over what makes and alters types.

use super::walk::{Visitor, Walked, each, maybe, offset, walk_type};
use super::walk_write::walk_target;
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AlterEnumStmt, AlterObjectSchemaStmt, AlterSeqStmt, AlterTableCmd, AlterTableStmt, CollateClause,
    CompositeTypeStmt, CreateDomainStmt, CreateEnumStmt, PartitionBoundSpec, PartitionCmd, PartitionElem,
    PartitionRangeDatum, PartitionSpec, RenameStmt, RoleSpec,
};

/// Walks such a node; `None` if it is none.
pub(super) fn walk_alteration(node: &mut NodeEnum, visitor: &mut dyn Visitor) -> Option<Walked> {
    Some(match node {
        NodeEnum::AlterTableStmt(alter) => {
            let AlterTableStmt { relation, cmds, objtype: _, missing_ok: _ } = alter;
            walk_target(relation, visitor).and_then(|()| each(cmds, visitor))
        }
        NodeEnum::AlterTableCmd(command) => {
            let AlterTableCmd { subtype: _, name: _, num: _, newowner, def, behavior: _, missing_ok: _, recurse: _ } =
                &mut **command;
            if let Some(RoleSpec { roletype: _, rolename: _, location }) = newowner {
                visitor.location(location);
            }
            maybe(def, visitor)
        }
        NodeEnum::RenameStmt(rename) => {
            let RenameStmt {
                rename_type: _,
                relation_type: _,
                relation,
                object,
                subname: _,
                newname: _,
                behavior: _,
                missing_ok: _,
            } = &mut **rename;
            walk_target(relation, visitor).and_then(|()| maybe(object, visitor))
        }
        NodeEnum::AlterObjectSchemaStmt(alter) => {
            let AlterObjectSchemaStmt { object_type: _, relation, object, newschema: _, missing_ok: _ } = &mut **alter;
            walk_target(relation, visitor).and_then(|()| maybe(object, visitor))
        }
        NodeEnum::AlterSeqStmt(alter) => {
            let AlterSeqStmt { sequence, options, for_identity: _, missing_ok: _ } = alter;
            walk_target(sequence, visitor).and_then(|()| each(options, visitor))
        }
        NodeEnum::PartitionCmd(command) => {
            let PartitionCmd { name, bound, concurrent: _ } = command;
            walk_target(name, visitor).and_then(|()| walk_bound(bound, visitor))
        }
        NodeEnum::PartitionElem(element) => {
            let PartitionElem { name: _, expr, collation, opclass, location } = &mut **element;
            visitor.location(location);
            maybe(expr, visitor).and_then(|()| each(collation, visitor)).and_then(|()| each(opclass, visitor))
        }
        NodeEnum::PartitionRangeDatum(datum) => {
            let PartitionRangeDatum { kind: _, value, location } = &mut **datum;
            visitor.location(location);
            maybe(value, visitor)
        }
        NodeEnum::CompositeTypeStmt(create) => {
            let CompositeTypeStmt { typevar, coldeflist } = create;
            walk_target(typevar, visitor).and_then(|()| each(coldeflist, visitor))
        }
        NodeEnum::CreateEnumStmt(create) => {
            let CreateEnumStmt { type_name, vals } = create;
            each(type_name, visitor).and_then(|()| each(vals, visitor))
        }
        NodeEnum::AlterEnumStmt(alter) => {
            let AlterEnumStmt {
                type_name,
                old_val: _,
                new_val: _,
                new_val_neighbor: _,
                new_val_is_after: _,
                skip_if_new_val_exists: _,
            } = alter;
            each(type_name, visitor)
        }
        NodeEnum::CreateDomainStmt(create) => walk_domain(create, visitor),
        _no_alteration => return None,
    })
}

fn walk_domain(create: &mut CreateDomainStmt, visitor: &mut dyn Visitor) -> Walked {
    let CreateDomainStmt { domainname, type_name, coll_clause, constraints } = create;
    each(domainname, visitor)?;
    type_name.as_mut().map_or(Ok(()), |name| walk_type(name, visitor))?;
    if let Some(collate) = coll_clause {
        let CollateClause { arg, collname, location } = &mut **collate;
        visitor.location(location);
        maybe(arg, visitor)?;
        each(collname, visitor)?;
    }
    each(constraints, visitor)
}

/// `FOR VALUES …`.
pub(super) fn walk_bound(bound: &mut Option<PartitionBoundSpec>, visitor: &mut dyn Visitor) -> Walked {
    let Some(bound) = bound else { return Ok(()) };
    let PartitionBoundSpec {
        strategy: _,
        is_default: _,
        modulus: _,
        remainder: _,
        listdatums,
        lowerdatums,
        upperdatums,
        location,
    } = bound;
    visitor.location(location);
    [listdatums, lowerdatums, upperdatums].into_iter().try_for_each(|list| each(list, visitor))
}

/// `PARTITION BY …`.
pub(super) fn walk_partitioning(by: &mut Option<PartitionSpec>, visitor: &mut dyn Visitor) -> Walked {
    let Some(PartitionSpec { strategy, part_params, location }) = by else { return Ok(()) };
    if pg_query::protobuf::PartitionStrategy::try_from(*strategy).is_err() {
        return Err(NotUnderstood::new("PARTITION BY", offset(*location)));
    }
    visitor.location(location);
    each(part_params, visitor)
}
