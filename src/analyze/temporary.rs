//! Temporary tables of the session's own: what may be one, and what one may be made with.

use super::Context;
use super::define::Definition;
use super::label::SequenceUse;
use super::resolver::{Outcome, Resolver, not_understood};
use crate::catalog::{Relation, TEMPORARY};
use crate::sql::string;
use pg_query::NodeEnum;
use pg_query::protobuf::{Node, ObjectType, RangeVar};

/// `CREATE_TABLE_LIKE_DEFAULTS` of `parsenodes.h`.
const LIKE_DEFAULTS: u32 = 1 << 3;

/// The types of `pg_catalog` that are no rows.
const TYPES: &str = "aclitem any anyarray anycompatible anycompatiblearray anycompatiblemultirange \
    anycompatiblenonarray anycompatiblerange anyelement anyenum anymultirange anynonarray anyrange bit bool box bpchar \
    bytea char cid cidr circle cstring date datemultirange daterange event_trigger fdw_handler float4 float8 gtsvector \
    index_am_handler inet int2 int2vector int4 int4multirange int4range int8 int8multirange int8range internal interval \
    json jsonb jsonpath language_handler line lseg macaddr macaddr8 money name numeric nummultirange numrange oid \
    oidvector path point polygon record refcursor regclass regcollation regconfig regdatabase regdictionary regnamespace \
    regoper regoperator regproc regprocedure regrole regtype table_am_handler text tid time timestamp timestamptz timetz \
    trigger tsm_handler tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector txid_snapshot unknown uuid varbit \
    varchar void xid xid8 xml";

impl Resolver<'_> {
    /// A relation's name is that of its rows' type, too, and what is temporary comes first of all types.
    pub(super) fn names_no_type(&self, name: &str, at: i32) -> Outcome<()> {
        let bare = name.trim_start_matches('_');
        let taken = bare.starts_with("pg_")
            || TYPES.split_whitespace().any(|known| known == bare)
            || self.context.catalog.types(bare).any(|found| !self.context.catalog.is_relation_name(&found.name));
        match taken {
            true => not_understood(format!("a temporary table named {name}, which is a type or of the system,"), at),
            false => Ok(()),
        }
    }

    /// What a temporary table is made with is evaluated whenever it is written to: nothing of users may be.
    pub(super) fn only_built_in(&self, definition: &Definition, at: i32) -> Outcome<()> {
        match definition.temporary && !self.functions.is_empty() {
            true => not_understood("a temporary table that calls functions of users", at),
            false => Ok(()),
        }
    }

    /// What a temporary table takes over from another relation.
    pub(super) fn alike(&mut self, relation: &Relation, options: u32, at: i32) -> Outcome<()> {
        if !relation.calls.is_empty() {
            return not_understood("a temporary table LIKE one that calls functions of users", at);
        }
        relation.columns.iter().try_for_each(|column| self.type_open(column.type_oid, at))?;
        if options & LIKE_DEFAULTS != 0 {
            // Whoever writes to it draws from the sequences of the other.
            let users = self.context.catalog.snapshot().sequence_users.iter();
            let drawn = users.filter(|user| user.table == relation.oid);
            let at = u32::try_from(at).ok();
            self.sequences.extend(drawn.map(|user| SequenceUse { sequence: Some(user.sequence), at }));
        }
        Ok(())
    }
}

/// The schema in which a relation is made that is named without one.
pub(super) fn made_in<'c>(context: &Context<'c>) -> Option<&'c str> {
    let schemas = &context.catalog.snapshot().schemas;
    let exists = |schema: &&str| *schema == TEMPORARY || schemas.iter().any(|known| **known == **schema);
    context.path.listed().find(exists)
}

/// Whether a definition is of temporary tables of the session's own and nothing else, as far as its names say.
pub fn is_temporary(tree: &Node, context: &Context<'_>) -> bool {
    let made = |range: &Option<RangeVar>| {
        range.as_ref().is_some_and(|range| {
            let unnamed = range.schemaname.is_empty() && made_in(context) == Some(TEMPORARY);
            range.relpersistence == "t" || range.schemaname == TEMPORARY || unnamed
        })
    };
    let named = |schema: &str, name: &str| match schema {
        "" => context.catalog.find_relation(context.path, name).map(|relation| *relation.schema == *TEMPORARY),
        schema => Some(schema == TEMPORARY),
    };
    match &tree.node {
        Some(NodeEnum::SelectStmt(select)) => select.into_clause.as_ref().is_some_and(|into| made(&into.rel)),
        Some(NodeEnum::CreateTableAsStmt(create)) => create.into.as_ref().is_some_and(|into| made(&into.rel)),
        Some(NodeEnum::CreateStmt(create)) => made(&create.relation),
        // Refused by name, whatever the purpose may define.
        Some(NodeEnum::ViewStmt(view)) => made(&view.view),
        Some(NodeEnum::CreateSeqStmt(create)) => made(&create.sequence),
        Some(NodeEnum::IndexStmt(index)) => {
            index.relation.as_ref().is_some_and(|range| named(&range.schemaname, &range.relname) == Some(true))
        }
        Some(NodeEnum::DropStmt(drop)) => {
            let table = drop.remove_type == ObjectType::ObjectTable as i32;
            table
                && drop.objects.iter().all(|object| {
                    let Some(NodeEnum::List(list)) = &object.node else { return false };
                    let names: Vec<&str> = list.items.iter().filter_map(string).collect();
                    match names.as_slice() {
                        [name] => named("", name).unwrap_or(drop.missing_ok),
                        [schema, name] => named(schema, name) == Some(true),
                        _a_database_too => false,
                    }
                })
        }
        Some(_) | None => false,
    }
}
