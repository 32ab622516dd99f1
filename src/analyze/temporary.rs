//! Temporary tables of the session's own: what may be one, and what one may be made with.

use super::Context;
use super::columns::text_node;
use super::define::Definition;
use super::resolver::{Outcome, Resolver, not_understood};
use crate::catalog::{Relation, TEMPORARY, TypeKind, is_temporary as is_own};
use crate::sql::string;
use crate::vocab::Oid;
use pg_query::NodeEnum;
use pg_query::protobuf::{Node, ObjectType, RangeVar, TypeName};

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
        let users = !self.functions.is_empty() || self.runs_text || self.runs_listed || !self.sequences.is_empty();
        match definition.temporary && users {
            true => not_understood("a temporary table that calls functions of users, or draws from sequences,", at),
            false => Ok(()),
        }
    }

    /// Whether a name means a temporary relation of which nothing may be used.
    pub(super) fn is_other(&self, schema: &str, name: &str) -> bool {
        match schema {
            "" => unnamed(self.context, name) == Some(Named::Temporary) && self.is_unknown(name),
            schema => schema == TEMPORARY && self.is_unknown(name),
        }
    }

    fn is_unknown(&self, name: &str) -> bool {
        self.context.catalog.temporary().is_some_and(|temporary| temporary.own.is_other(name))
    }

    /// A column of rows would make a table that is not understood.
    pub(super) fn holds_no_rows(&self, name: &TypeName, at: i32) -> Outcome<()> {
        let parts: Vec<&str> = name.names.iter().filter_map(string).collect();
        let (schema, bare) = match parts.as_slice() {
            [schema, name] => (Some(*schema), *name),
            [name] => (None, *name),
            _other => (None, ""),
        };
        let found = self.types_in_sight(schema, bare);
        match found.iter().any(|found| found.kind == TypeKind::Composite) {
            true => not_understood("a temporary table with a column of rows", at),
            false => Ok(()),
        }
    }

    /// What a temporary table takes over from another relation.
    pub(super) fn alike(&mut self, relation: &Relation, options: u32, at: i32) -> Outcome<()> {
        if !relation.calls.is_empty() {
            return not_understood("a temporary table LIKE one that calls functions of users", at);
        }
        relation.columns.iter().try_for_each(|column| self.type_open(column.type_oid, at))?;
        let of_rows =
            |oid: Oid| self.context.catalog.type_of(oid).is_some_and(|found| found.kind == TypeKind::Composite);
        if relation.columns.iter().any(|column| of_rows(column.type_oid)) {
            return not_understood("a temporary table with a column of rows", at);
        }
        if options & !LIKE_DEFAULTS != 0 {
            return not_understood("a temporary table LIKE another INCLUDING more than DEFAULTS", at);
        }
        // Whoever writes to it would draw from the sequences of the other.
        let users = &self.context.catalog.snapshot().sequence_users;
        if options & LIKE_DEFAULTS != 0 && users.iter().any(|user| user.table == relation.oid) {
            return not_understood("a temporary table LIKE one INCLUDING DEFAULTS that draw from sequences", at);
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

/// What a relation is that is named without a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Temporary,
    Other,
}

/// What a name means without a schema, if anything is known by it.
fn unnamed(context: &Context<'_>, name: &str) -> Option<Named> {
    let catalog = context.catalog;
    let unknown = catalog.temporary().is_some_and(|temporary| temporary.own.is_other(name));
    match catalog.find_relation(context.path, name) {
        Some(relation) if is_own(relation) => Some(Named::Temporary),
        Some(_) if unknown && !context.path.searches(TEMPORARY) => Some(Named::Temporary),
        Some(_) => Some(Named::Other),
        None => unknown.then_some(Named::Temporary),
    }
}

/// Puts the names of tables that `DROP TABLE IF EXISTS` does not find under the session's own schema: for whoever may drop
/// nothing else.
pub fn drop_own(tree: &mut Node, context: &Context<'_>) {
    let Some(NodeEnum::DropStmt(drop)) = &mut tree.node else { return };
    if drop.remove_type != ObjectType::ObjectTable as i32 || !drop.missing_ok {
        return;
    }
    for object in &mut drop.objects {
        let Some(NodeEnum::List(list)) = &mut object.node else { continue };
        let missing = match list.items.as_slice() {
            [name] => string(name).is_some_and(|name| unnamed(context, name).is_none()),
            _with_a_schema => false,
        };
        if missing {
            list.items.insert(0, text_node(TEMPORARY));
        }
    }
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
        "" => unnamed(context, name).map(|named| named == Named::Temporary),
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
