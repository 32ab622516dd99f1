//! FROM: relations, joins, sub-queries and functions become entries of the level's namespace. After
//! `transformFromClauseItem` of Postgres's parser.

use super::known::Known;
use super::label::{Label, Place, RelationUse};
use super::naming::figure_name;
use super::resolver::{Outcome, Resolver, known, not_understood, unresolved};
use super::scope::{Columns, Entry, Source, Star, Visible, Written};
use super::{Openness, Stars};
use crate::catalog::{Function, FunctionKind, Relation, TEMPORARY, TypeKind};
use crate::sql::{string, words};
use crate::vocab::{Oid, SqlState, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{Alias, ColumnDef, List, Node, RangeFunction, RangeSubselect, RangeVar};
use rustc_hash::FxHashMap;
use std::rc::Rc;
use std::sync::Arc;

/// `pg_type.oid` of `record`.
const RECORD: u32 = 2249;

/// `pg_type.oid` of `tsvector`.
const TSVECTOR: u32 = 3614;

/// The first server that takes a sub-query in FROM without an alias.
const NAMELESS: u32 = 160_000;

/// What sub-queries without an alias are called, with a number behind it.
const UNNAMED: &str = "wherefore query ";

/// The alias's own name and its column names.
pub(super) fn alias_parts(alias: &Option<Alias>) -> (Option<Arc<str>>, Vec<Arc<str>>) {
    let Some(Alias { aliasname, colnames }) = alias else { return (None, Vec::new()) };
    (Some(aliasname.as_str().into()), colnames.iter().filter_map(string).map(Arc::from).collect())
}

impl<'a> Resolver<'a> {
    /// Resolves the FROM list of the current level.
    pub fn resolve_from(&mut self, items: &mut [Node]) -> Outcome<()> {
        for item in items {
            self.resolve_item(item)?;
        }
        self.check_aliases()
    }

    /// Two entries of one level must not have one name.
    fn check_aliases(&self) -> Outcome<()> {
        let Some(level) = self.levels.last() else { return Ok(()) };
        let mut seen: FxHashMap<&Arc<str>, &Entry> = FxHashMap::default();
        for entry in level.entries.iter().filter(|entry| entry.by_name) {
            let Some(name) = &entry.name else { continue };
            let Some(twin) = seen.insert(name, entry) else { continue };
            let at = match entry.source {
                Source::Base(number) | Source::View(number) => self.uses[number].at,
                Source::Derived => -1,
            };
            if entry.schema.is_some() && twin.schema.is_some() && entry.schema != twin.schema {
                return not_understood(format!("two relations named {name} without aliases"), at);
            }
            let message = format!("table name \"{name}\" specified more than once");
            return unresolved(SqlState::DUPLICATE_ALIAS, message, -1);
        }
        Ok(())
    }

    pub(super) fn resolve_item(&mut self, item: &mut Node) -> Outcome<()> {
        match &mut item.node {
            Some(NodeEnum::RangeVar(range)) => self.range_var(range),
            Some(NodeEnum::JoinExpr(join)) => self.join(join),
            Some(NodeEnum::RangeSubselect(range)) => self.range_subselect(range),
            Some(NodeEnum::RangeFunction(range)) => self.range_function(range),
            Some(NodeEnum::RangeTableSample(sample)) => self.sample(sample),
            Some(table @ NodeEnum::RangeTableFunc(_)) => self.xml_table(table),
            Some(table @ NodeEnum::JsonTable(_)) => self.json_table(table),
            Some(other) => not_understood(words(other), -1),
            None => not_understood("an empty FROM item", -1),
        }
    }

    pub(super) fn push_entry(&mut self, entry: Entry) {
        if let Some(name) = entry.name.as_ref().filter(|name| name.starts_with(UNNAMED)) {
            self.named_alike.insert(Arc::clone(name));
        }
        if let Some(level) = self.levels.last_mut() {
            level.entries.push(entry);
        }
    }

    fn range_var(&mut self, range: &mut RangeVar) -> Outcome<()> {
        let RangeVar { catalogname, schemaname, relname, inh: _, relpersistence: _, alias, location } = range;
        let at = *location;
        let (alias_name, colnames) = alias_parts(alias);
        if schemaname.is_empty()
            && let Some(columns) = self.find_cte(relname, at)?
        {
            let name = alias_name.unwrap_or_else(|| relname.as_str().into());
            let columns = renamed(&columns, Some(&name), &colnames);
            self.push_entry(derived(Some(name), columns));
            return Ok(());
        }
        if !catalogname.is_empty() && catalogname != self.context.catalog.database() {
            return not_understood(format!("a reference to another database (\"{catalogname}\")"), at);
        }
        let relation = self.find_relation(schemaname, relname, at)?;
        catalogname.clear();
        if colnames.len() > relation.columns.len() {
            let (has, given) = (relation.columns.len(), colnames.len());
            let name = alias_name.as_deref().unwrap_or(&relation.name);
            let message = format!("table \"{name}\" has {has} columns available but {given} columns specified");
            return unresolved(SqlState::INVALID_COLUMN_REFERENCE, message, at);
        }
        if relation.is_by_lineage() {
            *schemaname = relation.schema.to_string();
            let entry = self.view(relation, at, alias_name, &colnames)?;
            self.push_entry(entry);
            return Ok(());
        }
        let had_alias = alias_name.is_some();
        let name = alias_name.unwrap_or_else(|| Arc::clone(&relation.name));
        *schemaname = relation.schema.to_string();
        let visible_name = |index: usize| colnames.get(index).unwrap_or(&relation.columns[index].name);
        let names: Vec<Arc<str>> = (0..relation.columns.len()).map(|index| Arc::clone(visible_name(index))).collect();
        let masks = self.masked_for_a_lock(relation, &name)?;
        let mut used = self.placed(RelationUse::new(relation.oid, at, Arc::clone(&name), names));
        if masks.is_some() {
            used.place = Place::Locked;
        }
        let number = self.add_use(used)?;
        let written = |index: usize| match masks.as_ref().and_then(|masks| masks.columns.get(index)) {
            Some(Some(mask)) => Written::Instead(Rc::clone(mask)),
            Some(None) | None => Written::Qualified(Arc::clone(&name), Arc::clone(visible_name(index))),
        };
        let columns = known((0..relation.columns.len()).map(|index| Visible {
            name: Arc::clone(visible_name(index)),
            written: written(index),
            label: Label::of((number, index)),
            base: Some((number, index)),
            typed: Some((number, index)),
            star: self.star_of(relation, index),
        }));
        self.push_entry(Entry {
            name: Some(name),
            schema: (!had_alias).then(|| Arc::clone(&relation.schema)),
            by_name: true,
            by_column: true,
            columns,
            source: Source::Base(number),
            nullable: false,
        });
        Ok(())
    }

    pub(super) fn find_relation(&self, schema: &str, name: &str, at: i32) -> Outcome<&'a Relation> {
        let catalog = self.context.catalog;
        // What stands in for another session's, and this one's by its number.
        if schema.starts_with("pg_temp_") || schema.starts_with("pg_toast") {
            return not_understood(format!("a relation of schema {schema}"), at);
        }
        let looked_for = (schema.is_empty() && self.inside.is_none()) || schema == TEMPORARY;
        if looked_for && catalog.temporary().is_some_and(|temporary| temporary.own.is_other(name)) {
            return not_understood(format!("temporary relation {name}, which is no plain table,"), at);
        }
        let found = match schema {
            // Definitions name relations outside `pg_catalog` with their schema.
            "" if self.inside.is_some() => catalog.relation_in("pg_catalog", name),
            "" => catalog.find_relation(self.context.path, name),
            schema => catalog.relation_in(schema, name),
        };
        let Some(relation) = found else {
            let shown = if schema.is_empty() { name.to_owned() } else { format!("{schema}.{name}") };
            return unresolved(SqlState::UNDEFINED_TABLE, format!("relation \"{shown}\" does not exist"), at);
        };
        Ok(relation)
    }

    /// The columns of a CTE in sight, innermost first. A name of a WITH RECURSIVE that is in sight but not resolved yet
    /// must not be taken for a relation.
    fn find_cte(&self, name: &str, at: i32) -> Outcome<Option<Columns>> {
        for frame in self.ctes.iter().rev() {
            if let Some(cte) = frame.ready.iter().rev().find(|cte| &*cte.name == name) {
                return Ok(Some(cte.columns.clone()));
            }
            if frame.pending.iter().any(|pending| &**pending == name) {
                return not_understood(format!("a reference to \"{name}\" before its part of WITH RECURSIVE"), at);
            }
        }
        Ok(None)
    }

    /// Whether a star over a relation stands for its column.
    pub(super) fn star_of(&self, relation: &Relation, index: usize) -> Star {
        if self.context.stars == Stars::Whole {
            return Star::Expands;
        }
        match self.context.rulings.openness(relation, index) {
            Openness::Open | Openness::Masked => Star::Expands,
            Openness::Aggregated | Openness::Closed => Star::Closed,
        }
    }

    fn range_subselect(&mut self, range: &mut RangeSubselect) -> Outcome<()> {
        let RangeSubselect { lateral, subquery, alias } = range;
        let Some(NodeEnum::SelectStmt(select)) = subquery.as_mut().and_then(|node| node.node.as_mut()) else {
            return not_understood("a sub-query in FROM that is no SELECT", -1);
        };
        let level = self.levels.len() - 1;
        let before = std::mem::replace(&mut self.levels[level].hidden, !*lateral);
        let (name, colnames) = alias_parts(alias);
        // Other names are given by position.
        let stars = if colnames.is_empty() { self.stars } else { Stars::Whole };
        let columns = self.with_stars(stars, |inner| inner.query(select, None));
        self.levels[level].hidden = before;
        let columns = columns?;
        if name.is_some() || self.context.catalog.server_version() < NAMELESS {
            let columns = renamed(&columns, name.as_ref(), &colnames);
            self.push_entry(derived(name, columns));
            return Ok(());
        }
        // Its columns could not be told from others of their names. The client does not see the alias.
        self.unnamed += 1;
        let name: Arc<str> = format!("{UNNAMED}{}", self.unnamed).into();
        *alias = Some(Alias { aliasname: name.to_string(), colnames: Vec::new() });
        let columns = renamed(&columns, Some(&name), &[]);
        if let Some(level) = self.levels.last_mut() {
            level.entries.push(Entry { by_name: false, ..derived(Some(name), columns) });
        }
        Ok(())
    }

    /// Whether no alias of the client's can be taken for one that a sub-query was given.
    pub(super) fn unnamed_are_told_apart(&self) -> Outcome<()> {
        let taken = (1..=self.unnamed).find(|number| self.named_alike.contains(&*format!("{UNNAMED}{number}")));
        match taken {
            Some(number) => {
                not_understood(format!("the alias \"{UNNAMED}{number}\" beside a sub-query without one"), -1)
            }
            None => Ok(()),
        }
    }

    fn range_function(&mut self, range: &mut RangeFunction) -> Outcome<()> {
        let RangeFunction { lateral: _, ordinality, is_rowsfrom: _, functions, alias, coldeflist } = range;
        let (alias_name, colnames) = alias_parts(alias);
        let mut names: Option<Vec<Arc<str>>> = Some(Vec::new());
        let mut label = Label::none();
        let mut entry_name = alias_name.clone();
        let single = functions.len() == 1;
        for function in functions.iter_mut() {
            let Some(NodeEnum::List(List { items })) = &mut function.node else {
                return not_understood("a function in FROM", -1);
            };
            let Some((call, definitions)) = items.split_first_mut() else {
                return not_understood("a function in FROM", -1);
            };
            // A function in FROM decides which rows there are.
            label = label.join(&self.expression(call, Some(Usage::Filter))?);
            let called = figure_name(call);
            let mut defined: Vec<Arc<str>> = Vec::new();
            let lists = definitions.iter_mut().filter_map(|node| match &mut node.node {
                Some(NodeEnum::List(List { items })) => Some(items),
                Some(_) | None => None,
            });
            for definition in lists.flatten().chain(if single { coldeflist.iter_mut() } else { [].iter_mut() }) {
                defined.push(self.column_definition(definition)?);
            }
            let columns = if defined.is_empty() {
                self.function_columns(call, alias_name.as_ref().filter(|_| single).unwrap_or(&called))
            } else {
                Some(defined)
            };
            names = names.zip(columns).map(|(mut names, columns)| {
                names.extend(columns);
                names
            });
            entry_name.get_or_insert(called);
        }
        if *ordinality {
            names = names.map(|mut names| {
                names.push("ordinality".into());
                names
            });
        }
        let columns = match names {
            Some(names) => {
                let visible = |name: Arc<str>| Visible {
                    written: Written::Bare(Arc::clone(&name)),
                    name,
                    label: label.clone(),
                    base: None,
                    typed: None,
                    star: Star::Expands,
                };
                renamed(&known(names.into_iter().map(visible)), entry_name.as_ref(), &colnames)
            }
            None => Columns::Opaque(label),
        };
        self.push_entry(derived(entry_name, columns));
        Ok(())
    }

    /// One `name type` of a column definition list; returns the name.
    fn column_definition(&mut self, node: &mut Node) -> Outcome<Arc<str>> {
        let Some(NodeEnum::ColumnDef(definition)) = &mut node.node else {
            return not_understood("a column definition list", -1);
        };
        // What else a definition can hold is refused by the walk over what is printed.
        let ColumnDef {
            colname,
            type_name,
            compression: _,
            inhcount: _,
            is_local: _,
            is_not_null: _,
            is_from_type: _,
            storage: _,
            storage_name: _,
            raw_default: _,
            cooked_default: _,
            identity: _,
            identity_sequence: _,
            generated: _,
            coll_clause: _,
            coll_oid: _,
            constraints: _,
            fdwoptions: _,
            location,
        } = &mut **definition;
        if let Some(type_name) = type_name {
            self.type_name(type_name, Known::Untyped, *location)?;
        }
        Ok(colname.as_str().into())
    }

    /// Whether a resolved argument of `unnest` is plainly a text search vector. Where another one is, the columns that
    /// are looked for are not found, as if they had other names.
    fn is_text_search_vector(&self, node: &Node) -> bool {
        let last = |names: &[Node]| names.iter().filter_map(string).next_back().map(str::to_owned);
        match &node.node {
            Some(NodeEnum::TypeCast(cast)) => {
                cast.type_name.as_ref().and_then(|name| last(&name.names)).as_deref() == Some("tsvector")
            }
            Some(NodeEnum::FuncCall(call)) => last(&call.funcname).as_deref() == Some("to_tsvector"),
            Some(NodeEnum::ColumnRef(reference)) => self.type_of(reference) == Some(TSVECTOR),
            Some(_) | None => false,
        }
    }

    /// The fields of the row that a polymorphic function makes of its first argument, where that is plainly of a row type:
    /// `json_populate_record(NULL::point, …)`, `unnest(points)`.
    fn fields_of_argument(&self, name: &str, argument: Option<&Node>) -> Option<Vec<Arc<str>>> {
        let elements = match name {
            "unnest" => true,
            "json_populate_record"
            | "json_populate_recordset"
            | "jsonb_populate_record"
            | "jsonb_populate_recordset" => false,
            _other => return None,
        };
        let Known::Type(oid) = self.known(argument) else { return None };
        let info = self.context.catalog.type_of(self.bottom(oid))?;
        let is_array = self.context.catalog.type_of(oid).is_some_and(|info| info.array == oid);
        (info.kind == TypeKind::Composite && is_array == elements).then(|| info.names.to_vec())
    }

    fn is_row(&self, oid: Oid) -> bool {
        self.context.catalog.type_of(oid).is_some_and(|info| info.kind == TypeKind::Composite && info.oid == oid)
    }

    /// The columns of a function's result; `None` where the catalog does not tell.
    pub(super) fn function_columns(&self, call: &Node, scalar_name: &Arc<str>) -> Option<Vec<Arc<str>>> {
        let Some(NodeEnum::FuncCall(call)) = &call.node else { return Some(vec![Arc::clone(scalar_name)]) };
        let name = call.funcname.iter().filter_map(string).next_back()?;
        if name == "unnest" && call.args.len() > 1 {
            // Several arrays side by side: one column for each.
            return Some(vec!["unnest".into(); call.args.len()]);
        }
        if let Some(fields) = self.fields_of_argument(name, call.args.first()) {
            return Some(fields);
        }
        if name == "unnest" {
            let vector = call.args.first().is_some_and(|arg| self.is_text_search_vector(arg));
            let columns = ["lexeme", "positions", "weights"].map(Arc::from);
            return Some(if vector { columns.into() } else { vec![Arc::clone(scalar_name)] });
        }
        let fits = |function: &&Function| {
            matches!(function.kind, FunctionKind::Function | FunctionKind::Window)
                && (function.arguments < 0 || function.arguments as usize >= call.args.len())
        };
        let mut shapes = self.context.catalog.functions(name).filter(fits).map(|function| {
            let out: Vec<Arc<str>> = function.out.iter().map(|column| Arc::clone(&column.name)).collect();
            // One OUT parameter gives a scalar, but its name stays.
            match (out.is_empty(), function.returns) {
                (false, _) => Some(out),
                (true, RECORD) => None,
                // A domain over a row type gives the row's columns, too.
                (true, row) if function.returns_row || self.bottom(row) != row && self.is_row(self.bottom(row)) => {
                    let names = self.context.catalog.type_of(self.bottom(row)).map(|info| info.names.to_vec());
                    names.filter(|names| !names.is_empty())
                }
                (true, _) if function.oid == 0 && &*function.schema != "pg_catalog" => None,
                (true, _) => Some(vec![Arc::clone(scalar_name)]),
            }
        });
        let first = shapes.next()??;
        shapes.all(|shape| shape.as_ref() == Some(&first)).then_some(first)
    }
}

/// An entry that is not a base relation.
pub(super) fn derived(name: Option<Arc<str>>, columns: Columns) -> Entry {
    Entry {
        by_name: name.is_some(),
        name,
        schema: None,
        by_column: true,
        columns,
        source: Source::Derived,
        nullable: false,
    }
}

/// Columns under an alias: renamed by position as far as it has column names, written with the alias.
pub(super) fn renamed(columns: &Columns, alias: Option<&Arc<str>>, colnames: &[Arc<str>]) -> Columns {
    let Columns::Known(columns) = columns else { return columns.clone() };
    let under = |(index, column): (usize, &Visible)| {
        let name = Arc::clone(colnames.get(index).unwrap_or(&column.name));
        let written = match alias {
            Some(alias) => Written::Qualified(Arc::clone(alias), Arc::clone(&name)),
            None => Written::Bare(Arc::clone(&name)),
        };
        Visible { name, written, label: column.label.clone(), base: None, typed: column.typed, star: column.star }
    };
    Columns::Known(columns.iter().enumerate().map(under).collect::<Rc<[Visible]>>())
}
