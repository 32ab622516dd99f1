//! What defines and drops relations: CREATE TABLE, CREATE TABLE AS, views, indexes, REFRESH, COMMENT, DROP.
//!
//! Three things matter of a definition: what it reads while it runs, what it evaluates over rows that are there, and what
//! it leaves for others to read. A query that fills a table is resolved like any other. A view's definition stays as it was
//! written: it reads nothing before it is read itself, by lineage. Expressions that a table keeps are resolved for what
//! they call.

use super::known::Known;
use super::label::{ColumnSource, Label, Place, RelationUse};
use super::resolver::{Outcome, Resolver, known, label_of, not_understood, unresolved};
use super::scope::{Columns, Entry, Level, Source, Star, Visible, Written};
use super::temporary::made_in;
use crate::catalog::{Column, Relation, RelationKind, TEMPORARY};
use crate::sql::{string, words};
use crate::vocab::{AttNum, Oid, SqlState, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{
    ColumnDef, CommentStmt, ConstrType, Constraint, CreateSchemaStmt, CreateSeqStmt, CreateStmt, CreateTableAsStmt,
    DefElem, DropBehavior, DropStmt, IndexElem, IndexStmt, IntoClause, Node, ObjectType, RangeVar, RefreshMatViewStmt,
    TableLikeClause, ViewStmt,
};
use std::sync::Arc;

/// Operator classes that may be named in an index: they run nothing of users.
const OPERATOR_CLASSES: [&str; 12] = [
    "text_pattern_ops",
    "varchar_pattern_ops",
    "bpchar_pattern_ops",
    "text_ops",
    "int4_ops",
    "int8_ops",
    "inet_ops",
    "jsonb_ops",
    "jsonb_path_ops",
    "array_ops",
    "gin_trgm_ops",
    "gist_trgm_ops",
];

/// Objects whose comments may be written.
const COMMENTED: [ObjectType; 9] = [
    ObjectType::ObjectTable,
    ObjectType::ObjectColumn,
    ObjectType::ObjectView,
    ObjectType::ObjectMatview,
    ObjectType::ObjectForeignTable,
    ObjectType::ObjectIndex,
    ObjectType::ObjectSequence,
    ObjectType::ObjectSchema,
    ObjectType::ObjectTabconstraint,
];

/// Types that stand for a sequence and a column of numbers.
const SERIAL: [&str; 6] = ["serial", "serial4", "bigserial", "serial8", "smallserial", "serial2"];

/// What a definition does beside what its query reads.
#[derive(Debug, Default)]
pub struct Definition {
    pub runs: Runs,
    /// The schema and name of what will be there.
    pub fresh: Option<(Arc<str>, Arc<str>)>,
    /// The table that a query fills.
    pub made: Option<Made>,
    /// Relations whose every row it evaluates something over, or refers to: it must not tell of what is hidden there.
    pub over: Vec<(Oid, Option<u32>)>,
    pub dropped: Vec<(Oid, Option<u32>)>,
    /// It is about temporary tables of the session's own, and nothing else.
    pub temporary: bool,
}

/// What a definition runs when it is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Runs {
    /// Nothing over a relation of users, or what `over` says.
    #[default]
    Nothing,
    /// A query, once: guards stand in it.
    Query,
    /// A query that is kept, and must be kept as it was written: no guard may be needed in it.
    KeptQuery,
}

/// A table that a query makes.
#[derive(Debug)]
pub struct Made {
    /// What will be there, as far as names go; its number is 0.
    pub relation: Relation,
    /// For each column, what its values depend on.
    pub sources: Vec<Vec<ColumnSource>>,
    pub at: Option<u32>,
}

impl<'a> Resolver<'a> {
    /// Resolves a definition; `None` if it is none.
    pub(super) fn define(&mut self, node: &mut NodeEnum) -> Outcome<Option<Definition>> {
        let mut definition = Definition::default();
        match node {
            NodeEnum::SelectStmt(select) if select.into_clause.is_some() => {
                // The same, written so that the query stands by itself.
                let mut query = std::mem::take(&mut **select);
                let into = query.into_clause.take();
                let query = Some(Box::new(Node { node: Some(NodeEnum::SelectStmt(Box::new(query))) }));
                let objtype = ObjectType::ObjectTable as i32;
                let mut create =
                    CreateTableAsStmt { query, into, objtype, is_select_into: false, if_not_exists: false };
                self.create_as(&mut create, &mut definition)?;
                *node = NodeEnum::CreateTableAsStmt(Box::new(create));
            }
            NodeEnum::CreateTableAsStmt(create) => self.create_as(create, &mut definition)?,
            NodeEnum::ViewStmt(view) => self.create_view(view, &mut definition)?,
            NodeEnum::CreateStmt(create) => self.create_table(create, &mut definition)?,
            NodeEnum::IndexStmt(index) => self.create_index(index, &mut definition)?,
            NodeEnum::RefreshMatViewStmt(refresh) => {
                let RefreshMatViewStmt { concurrent: _, skip_data: _, relation } = refresh;
                let Some(range) = relation else { return not_understood("REFRESH of nothing", -1) };
                let relation = self.named_relation(range)?;
                if relation.kind != RelationKind::MaterializedView {
                    let message = format!("\"{}\" is not a materialized view", relation.name);
                    return unresolved(SqlState::WRONG_OBJECT_TYPE, message, range.location);
                }
                self.all_that_is_kept(relation, range.location)?;
            }
            NodeEnum::CreateSeqStmt(create) => {
                let CreateSeqStmt { sequence, options, owner_id: _, for_identity: _, if_not_exists: _ } = create;
                if let Some(owned) = options.iter().find(|option| is_option(option, "owned_by")) {
                    return not_understood("a sequence OWNED BY a column", location_of(owned));
                }
                let Some(range) = sequence else { return not_understood("CREATE SEQUENCE", -1) };
                self.new_name(range, &mut definition)?;
                if definition.temporary {
                    return not_understood("a temporary sequence", range.location);
                }
            }
            NodeEnum::CreateSchemaStmt(create) => {
                let CreateSchemaStmt { schemaname, authrole, schema_elts, if_not_exists: _ } = create;
                if authrole.is_some() || !schema_elts.is_empty() || schemaname.starts_with("pg_") {
                    return not_understood("CREATE SCHEMA with more than a name", -1);
                }
            }
            NodeEnum::CommentStmt(comment) => {
                let CommentStmt { objtype, object: _, comment: _ } = &**comment;
                if !ObjectType::try_from(*objtype).is_ok_and(|object| COMMENTED.contains(&object)) {
                    return not_understood("COMMENT on such an object", -1);
                }
            }
            NodeEnum::DropStmt(drop) => self.drop_of(drop, &mut definition)?,
            _no_definition => return Ok(None),
        }
        Ok(Some(definition))
    }

    /// Whether a relation can be made under this name, and where; the schema is written out.
    fn new_name(&mut self, range: &mut RangeVar, definition: &mut Definition) -> Outcome<()> {
        let RangeVar { catalogname, schemaname, relname, inh: _, relpersistence, alias: _, location } = range;
        if !catalogname.is_empty() && catalogname != self.context.catalog.database() {
            return not_understood(format!("a reference to another database (\"{catalogname}\")"), *location);
        }
        catalogname.clear();
        if relpersistence == "t" {
            if !matches!(schemaname.as_str(), "" | TEMPORARY) {
                let message = "cannot create temporary relation in non-temporary schema".to_owned();
                return unresolved(SqlState("42P16"), message, *location);
            }
            *schemaname = TEMPORARY.to_owned();
        }
        if schemaname.is_empty() {
            let Some(first) = made_in(self.context) else {
                return unresolved(SqlState("3F000"), "no schema has been selected to create in".to_owned(), *location);
            };
            *schemaname = first.to_owned();
        }
        if schemaname == TEMPORARY {
            self.names_no_type(relname, *location)?;
            definition.temporary = true;
            definition.fresh = Some((TEMPORARY.into(), relname.as_str().into()));
            return Ok(());
        }
        if schemaname.starts_with("pg_") || schemaname == "information_schema" {
            return not_understood(format!("a new relation in schema {schemaname}"), *location);
        }
        definition.fresh = Some((schemaname.as_str().into(), relname.as_str().into()));
        Ok(())
    }

    /// A relation that a definition names, with its schema written out. Nothing of it is read thereby.
    fn named_relation(&mut self, range: &mut RangeVar) -> Outcome<&'a Relation> {
        let RangeVar { catalogname, schemaname, relname, inh: _, relpersistence: _, alias: _, location } = range;
        if !catalogname.is_empty() && catalogname != self.context.catalog.database() {
            return not_understood(format!("a reference to another database (\"{catalogname}\")"), *location);
        }
        let relation = self.find_relation(schemaname, relname, *location)?;
        catalogname.clear();
        *schemaname = relation.schema.to_string();
        Ok(relation)
    }

    /// Notes a table over whose rows something is evaluated.
    fn over(&mut self, relation: &Relation, at: i32, definition: &mut Definition) -> Outcome<()> {
        let names = relation.columns.iter().map(|column| Arc::clone(&column.name)).collect();
        let used = RelationUse::new(relation.oid, at, Arc::clone(&relation.name), names);
        self.add_use(RelationUse { place: Place::Target, ..used })?;
        definition.over.push((relation.oid, u32::try_from(at).ok()));
        Ok(())
    }

    /// Everything that a materialized view keeps is read.
    fn all_that_is_kept(&mut self, relation: &Relation, at: i32) -> Outcome<()> {
        self.levels.push(Level::default());
        let entry = self.view(relation, at, None, &[]);
        self.levels.pop();
        let label = label_of(&entry?.columns);
        self.touch(&label, Some(Usage::Output), at);
        Ok(())
    }

    fn create_as(&mut self, create: &mut CreateTableAsStmt, definition: &mut Definition) -> Outcome<()> {
        let CreateTableAsStmt { query, into, objtype, is_select_into: _, if_not_exists: _ } = create;
        let Some(into) = into else { return not_understood("CREATE TABLE AS without a name", -1) };
        let IntoClause {
            rel,
            col_names,
            access_method: _,
            options: _,
            on_commit: _,
            table_space_name: _,
            view_query: _,
            skip_data: _,
        } = &mut **into;
        let Some(range) = rel else { return not_understood("CREATE TABLE AS without a name", -1) };
        self.new_name(range, definition)?;
        let columns = match query.as_mut().map(|query| &mut query.node) {
            Some(Some(NodeEnum::SelectStmt(select))) => self.query(select, Some(Usage::Output))?,
            Some(Some(other)) => return not_understood(format!("CREATE TABLE AS {}", words(other)), -1),
            Some(None) | None => return not_understood("CREATE TABLE AS of nothing", -1),
        };
        if *objtype == ObjectType::ObjectMatview as i32 {
            if definition.temporary {
                return not_understood("a materialized view among temporary tables", range.location);
            }
            definition.runs = Runs::KeptQuery;
            return Ok(());
        }
        definition.runs = Runs::Query;
        let Columns::Known(columns) = columns else {
            return not_understood("a table of columns that are not known", range.location);
        };
        let given: Vec<&str> = col_names.iter().filter_map(string).collect();
        let named = |(index, column): (usize, &Visible)| {
            given.get(index).map_or_else(|| Arc::clone(&column.name), |name| Arc::from(*name))
        };
        let names: Vec<Arc<str>> = columns.iter().enumerate().map(named).collect();
        let source =
            |(number, index): &(usize, usize)| ColumnSource { relation: self.uses[*number].relation, index: *index };
        definition.made = Some(Made {
            relation: new_relation(&range.schemaname, &range.relname, &names),
            sources: columns.iter().map(|column| column.label.columns().iter().map(source).collect()).collect(),
            at: u32::try_from(range.location).ok(),
        });
        Ok(())
    }

    /// The definition of a view is resolved for what it calls, in a copy: it is sent as it was written.
    fn create_view(&mut self, view: &mut ViewStmt, definition: &mut Definition) -> Outcome<()> {
        let ViewStmt { view, aliases: _, query, replace, options: _, with_check_option: _ } = view;
        let Some(range) = view else { return not_understood("CREATE VIEW without a name", -1) };
        self.new_name(range, definition)?;
        if definition.temporary {
            return not_understood("a temporary view", range.location);
        }
        if *replace && self.context.catalog.relation_in(&range.schemaname, &range.relname).is_some() {
            // What others have understood of it would mean something else before they hear of it.
            let what = format!(
                "replacing {}.{}, which is there, instead of dropping it first,",
                range.schemaname, range.relname
            );
            return not_understood(what, range.location);
        }
        match query.as_ref().and_then(|query| query.node.clone()) {
            Some(NodeEnum::SelectStmt(mut select)) => self.query(&mut select, Some(Usage::Output))?,
            Some(other) => return not_understood(words(&other), range.location),
            None => return not_understood("CREATE VIEW of nothing", range.location),
        };
        // Nothing of it is read yet; that is judged, by lineage, when the view is.
        for used in &mut self.uses {
            let bare = RelationUse::new(used.relation, used.at, Arc::clone(&used.alias), Vec::new());
            *used = RelationUse { place: Place::Target, ..bare };
        }
        self.views.clear();
        self.deferred.clear();
        self.drafts.clear();
        self.sequences.clear();
        Ok(())
    }

    fn create_table(&mut self, create: &mut CreateStmt, definition: &mut Definition) -> Outcome<()> {
        let CreateStmt {
            relation,
            table_elts,
            inh_relations,
            partbound,
            partspec,
            of_typename,
            constraints: _,
            nnconstraints: _,
            options: _,
            oncommit: _,
            tablespacename: _,
            access_method: _,
            if_not_exists: _,
        } = create;
        let Some(range) = relation else { return not_understood("CREATE TABLE without a name", -1) };
        if partbound.is_some() || partspec.is_some() || !inh_relations.is_empty() || of_typename.is_some() {
            return not_understood("CREATE TABLE with parents, partitions or a type", range.location);
        }
        self.new_name(range, definition)?;
        let names = table_elts.iter().filter_map(|element| match &element.node {
            Some(NodeEnum::ColumnDef(column)) => Some(Arc::<str>::from(column.colname.as_str())),
            Some(_) | None => None,
        });
        self.levels.push(bare_level(&range.relname, names));
        for element in table_elts.iter_mut() {
            match &mut element.node {
                Some(NodeEnum::ColumnDef(column)) => self.new_column(column, definition)?,
                Some(NodeEnum::Constraint(constraint)) => self.new_constraint(constraint, definition)?,
                Some(NodeEnum::TableLikeClause(like)) => {
                    let TableLikeClause { relation, options, relation_oid: _ } = like;
                    let Some(range) = relation else { return not_understood("LIKE", -1) };
                    let alike = self.named_relation(range)?;
                    if definition.temporary {
                        self.alike(alike, *options, range.location)?;
                    }
                    let names = alike.columns.iter().map(|column| Arc::clone(&column.name)).collect();
                    let used = RelationUse::new(alike.oid, range.location, Arc::clone(&alike.name), names);
                    self.add_use(RelationUse { place: Place::Target, ..used })?;
                }
                Some(other) => return not_understood(words(other), -1),
                None => return not_understood("an empty table element", -1),
            }
        }
        self.levels.pop();
        self.only_built_in(definition, range.location)
    }

    fn new_column(&mut self, column: &mut ColumnDef, definition: &mut Definition) -> Outcome<()> {
        let at = column.location;
        if let Some(name) = &mut column.type_name {
            let serial = matches!(name.names.as_slice(), [one] if string(one).is_some_and(|one| SERIAL.contains(&one)));
            if !serial {
                self.type_name(name, Known::Untyped, at)?;
                if definition.temporary {
                    self.holds_no_rows(name, at)?;
                }
            }
        }
        for constraint in &mut column.constraints {
            let Some(NodeEnum::Constraint(constraint)) = &mut constraint.node else {
                return not_understood("a column constraint", at);
            };
            self.new_constraint(constraint, definition)?;
        }
        Ok(())
    }

    fn new_constraint(&mut self, constraint: &mut Constraint, definition: &mut Definition) -> Outcome<()> {
        let at = constraint.location;
        let deferrable = constraint.deferrable || constraint.contype == ConstrType::ConstrAttrDeferrable as i32;
        if definition.temporary && deferrable {
            return not_understood("a deferrable constraint of a temporary table", at);
        }
        match ConstrType::try_from(constraint.contype) {
            Ok(
                ConstrType::ConstrNull
                | ConstrType::ConstrNotnull
                | ConstrType::ConstrDefault
                | ConstrType::ConstrIdentity
                | ConstrType::ConstrGenerated
                | ConstrType::ConstrCheck
                | ConstrType::ConstrPrimary
                | ConstrType::ConstrUnique
                | ConstrType::ConstrForeign
                | ConstrType::ConstrAttrDeferrable
                | ConstrType::ConstrAttrNotDeferrable
                | ConstrType::ConstrAttrDeferred
                | ConstrType::ConstrAttrImmediate,
            ) => {}
            Ok(
                ConstrType::ConstrExclusion
                | ConstrType::ConstrAttrEnforced
                | ConstrType::ConstrAttrNotEnforced
                | ConstrType::Undefined,
            )
            | Err(_) => return not_understood("such a constraint", at),
        }
        for expression in [&mut constraint.raw_expr, &mut constraint.where_clause].into_iter().flatten() {
            self.expression(expression, Some(Usage::Filter))?;
        }
        if let Some(range) = &mut constraint.pktable {
            if definition.temporary {
                return not_understood("a foreign key of a temporary table", at);
            }
            // Every row that is written will ask whether a row is there.
            let referenced = self.named_relation(range)?;
            self.over(referenced, range.location, definition)?;
        }
        Ok(())
    }

    fn create_index(&mut self, index: &mut IndexStmt, definition: &mut Definition) -> Outcome<()> {
        let Some(range) = &mut index.relation else { return not_understood("CREATE INDEX", -1) };
        let at = range.location;
        let relation = self.named_relation(range)?;
        definition.temporary = *relation.schema == *TEMPORARY;
        match relation.kind {
            RelationKind::Table | RelationKind::PartitionedTable => self.over(relation, at, definition)?,
            RelationKind::MaterializedView => self.all_that_is_kept(relation, at)?,
            RelationKind::View | RelationKind::ForeignTable | RelationKind::Sequence => {
                return not_understood(format!("an index on a {}", relation.kind.word()), at);
            }
        }
        relation.columns.iter().try_for_each(|column| self.type_open(column.type_oid, at))?;
        self.levels.push(bare_level(&relation.name, relation.columns.iter().map(|column| Arc::clone(&column.name))));
        for node in index.index_params.iter_mut().chain(&mut index.index_including_params) {
            let Some(NodeEnum::IndexElem(element)) = &mut node.node else { return not_understood("an index", at) };
            let IndexElem {
                name: _,
                expr,
                indexcolname: _,
                collation: _,
                opclass,
                opclassopts: _,
                ordering: _,
                nulls_ordering: _,
            } = &mut **element;
            let class: Vec<&str> = opclass.iter().filter_map(string).collect();
            if let Some(class) = class.last().filter(|class| !OPERATOR_CLASSES.contains(class)) {
                return not_understood(format!("operator class {class}"), at);
            }
            if let Some(expression) = expr {
                self.expression(expression, Some(Usage::Filter))?;
            }
        }
        if let Some(predicate) = &mut index.where_clause {
            self.expression(predicate, Some(Usage::Filter))?;
        }
        self.levels.pop();
        self.only_built_in(definition, at)
    }

    fn drop_of(&mut self, drop: &mut DropStmt, definition: &mut Definition) -> Outcome<()> {
        let DropStmt { objects, remove_type, behavior, missing_ok, concurrent: _ } = drop;
        match ObjectType::try_from(*remove_type) {
            Ok(ObjectType::ObjectTable | ObjectType::ObjectView | ObjectType::ObjectMatview) => {}
            Ok(ObjectType::ObjectIndex | ObjectType::ObjectSequence) => return Ok(()),
            Ok(ObjectType::ObjectSchema) if *behavior != DropBehavior::DropCascade as i32 => return Ok(()),
            Ok(_other_object) => return not_understood("DROP of such an object", -1),
            Err(_) => return not_understood("DROP", -1),
        }
        let tables = *remove_type == ObjectType::ObjectTable as i32;
        let (mut temporary, mut others) = (false, false);
        let mut missing = Vec::new();
        for object in objects {
            let Some(NodeEnum::List(list)) = &mut object.node else { return not_understood("a name in DROP", -1) };
            let names: Vec<String> = list.items.iter().filter_map(string).map(str::to_owned).collect();
            let (schema, name) = match names.as_slice() {
                [name] => ("", name),
                [schema, name] => (schema.as_str(), name),
                _a_database_too => return not_understood("a name in DROP", -1),
            };
            if tables && self.is_other(schema, name) {
                temporary = true;
                list.items = [TEMPORARY, name].map(super::columns::text_node).into();
                continue;
            }
            match self.find_relation(schema, name, -1) {
                Ok(relation) => {
                    list.items = [&relation.schema, &relation.name].map(|name| super::columns::text_node(name)).into();
                    let own = *relation.schema == *TEMPORARY;
                    temporary |= own;
                    others |= !own;
                    if !own {
                        definition.dropped.push((relation.oid, None));
                    }
                }
                // The server says that it skips it.
                Err(super::Trouble::Unresolved(_)) if *missing_ok && schema.is_empty() => missing.push(list),
                Err(super::Trouble::Unresolved(_)) if *missing_ok => {
                    temporary |= schema == TEMPORARY;
                    others |= schema != TEMPORARY;
                }
                Err(trouble) => return Err(trouble),
            }
        }
        if temporary && others {
            return not_understood("DROP of temporary tables together with others", -1);
        }
        // Together with temporary tables nothing else may go, whatever was made meanwhile.
        for list in missing.into_iter().filter(|_| temporary) {
            list.items.insert(0, super::columns::text_node(TEMPORARY));
        }
        definition.temporary = temporary;
        Ok(())
    }
}

/// A level in which the columns of one table are named as they are: what is evaluated over them belongs to the table.
fn bare_level(table: &str, names: impl Iterator<Item = Arc<str>>) -> Level {
    let columns = names.map(|name| Visible {
        written: Written::Bare(Arc::clone(&name)),
        name,
        label: Label::none(),
        base: None,
        typed: None,
        star: Star::Expands,
    });
    let mut level = Level::default();
    level.entries.push(Entry {
        name: Some(table.into()),
        schema: None,
        by_name: true,
        by_column: true,
        columns: known(columns),
        source: Source::Derived,
        nullable: false,
    });
    level
}

/// A table that is not there yet.
fn new_relation(schema: &str, name: &str, columns: &[Arc<str>]) -> Relation {
    let column = |(index, name): (usize, &Arc<str>)| Column {
        number: AttNum(i16::try_from(index + 1).unwrap_or(i16::MAX)),
        name: Arc::clone(name),
        type_oid: 0,
        type_sql: "".into(),
        not_null: false,
        nondeterministic: false,
        generated: false,
    };
    Relation::new(0, schema, name, RelationKind::Table, columns.iter().enumerate().map(column).collect())
}

fn is_option(node: &Node, name: &str) -> bool {
    matches!(&node.node, Some(NodeEnum::DefElem(option)) if option.defname == name)
}

fn location_of(node: &Node) -> i32 {
    match &node.node {
        Some(NodeEnum::DefElem(option)) => {
            let DefElem { defnamespace: _, defname: _, arg: _, defaction: _, location, arg_location: _ } = &**option;
            *location
        }
        Some(_) | None => -1,
    }
}
