//! Builds guards and puts them in place of relations.

use crate::analyze::{Context, Lock, Offer, Place, RelationUse, Resolved, Trouble, clear_synthetic_locations, resolve};
use crate::catalog::{Catalog, Relation, quote_identifier, quote_qualified};
use crate::policy::{ColumnRuling, Effect, OWN, RelationRuling, SubjectKey};
use crate::sql::{Visitor, all_of, clear_locations, empty_select, expression, only_target, parse, walk};
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AConst, Alias, ColumnRef, Integer, LimitOption, Node, RangeSubselect, RangeVar, ResTarget, String as Text,
    a_const::Val,
};
use rustc_hash::FxHashMap;
use std::ops::Range;

/// What a guard calls the column that says whom a row is about. Nothing that a statement may name is called so.
pub(super) const SUBJECT: &str = "wherefore subject";

/// A relation reference with the ruling on it.
pub struct Standing<'a> {
    pub relation: &'a Relation,
    pub ruling: &'a RelationRuling,
    pub reference: &'a RelationUse,
}

/// Whether a guard keeps the statement's conditions outside until its own have been evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fence {
    /// Every condition of the statement is leakproof, or the guard hides no row: Postgres may merge them.
    Open,
    /// `OFFSET 0`; leakproof conditions of the statement are copied inside, so that an index can serve them.
    Closed,
}

/// Replaces every relation that its ruling does not open whole by a guard. No column that the statement names may be
/// denied by now.
pub fn put_guards(resolved: &mut Resolved, standings: &[Standing<'_>], context: &Context<'_>) -> Result<(), Trouble> {
    let mut guards: FxHashMap<i32, Node> = FxHashMap::default();
    let in_text = |standing: &&Standing<'_>| standing.reference.place == Place::Text;
    let needs_guard = |standing: &&Standing<'_>| !standing.ruling.whole() && !stays_for_its_lock(standing);
    for standing in standings.iter().filter(in_text).filter(needs_guard) {
        // What a look-up does not find is hidden too: which plan finds it depends on statistics of the column.
        let hides = standing.ruling.hides_rows() || standing.reference.lookup.is_some();
        let fence = match (hides, resolved.leakproof) {
            (true, false) => Fence::Closed,
            (false, _) | (true, true) => Fence::Open,
        };
        check_lock(standing, fence)?;
        guards.insert(standing.reference.at, guard(standing, fence, context)?);
    }
    let expected = guards.len();
    let mut placer = Placer { guards, placed: 0 };
    walk(&mut resolved.tree, &mut placer)?;
    if placer.placed != expected {
        return Err(NotUnderstood::new("a relation that could not be found again", None).into());
    }
    if standings.iter().any(|standing| standing.reference.place == Place::Inlined) {
        clear_synthetic_locations(&mut resolved.tree)?;
    }
    Ok(())
}

/// Puts guards where their relations stand.
struct Placer {
    guards: FxHashMap<i32, Node>,
    placed: usize,
}

impl Visitor for Placer {
    fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
        let range = match &node.node {
            Some(NodeEnum::RangeVar(range)) => range,
            // The sample is taken inside the guard.
            Some(NodeEnum::RangeTableSample(sample)) => match sample.relation.as_ref().and_then(|r| r.node.as_ref()) {
                Some(NodeEnum::RangeVar(range)) => range,
                Some(_) | None => return Ok(()),
            },
            Some(_) | None => return Ok(()),
        };
        let RangeVar { catalogname: _, schemaname: _, relname: _, inh, relpersistence: _, alias: _, location } = range;
        let inherit = *inh;
        let Some(mut guard) = self.guards.remove(location) else { return Ok(()) };
        if let Some(NodeEnum::RangeSubselect(select)) = &mut guard.node
            && let Some(NodeEnum::SelectStmt(select)) = select.subquery.as_mut().and_then(|node| node.node.as_mut())
            && let Some(relation) = select.from_clause.first_mut()
        {
            if let Some(NodeEnum::RangeVar(inner)) = &mut relation.node {
                // ONLY stays with the relation.
                inner.inh = inherit;
            }
            if let Some(NodeEnum::RangeTableSample(mut sample)) = node.node.take() {
                sample.relation = boxed(std::mem::take(relation));
                *relation = wrap(NodeEnum::RangeTableSample(sample));
            }
        }
        *node = guard;
        self.placed += 1;
        Ok(())
    }

    fn location(&mut self, _at: &mut i32) {}
}

fn wrap(node: NodeEnum) -> Node {
    Node { node: Some(node) }
}

fn boxed(node: Node) -> Option<Box<Node>> {
    Some(Box::new(node))
}

/// The guard for one reference. Everything in it has the location -1.
fn guard(standing: &Standing<'_>, fence: Fence, context: &Context<'_>) -> Result<Node, Trouble> {
    let Standing { relation, ruling, reference } = standing;
    let alias = reference.alias.to_string();
    let renames = reference.names.iter().zip(&relation.columns).any(|(name, base)| *name != base.name);
    if let (Some(at), true) = (reference.whole_row, renames) {
        // A table's row keeps its own names, a derived table's takes the aliases.
        return Err(NotUnderstood::new("a whole row under column aliases", Some(at)).into());
    }
    let mut conditions = Vec::new();
    // Those that a column may be asked behind: not a search of another table for each.
    let mut near = Vec::new();
    for condition in ruling.rows.iter() {
        let written = row_condition(relation, &alias, &condition.sql, context)?;
        if condition.reads.is_empty() {
            near.push(written.clone());
        }
        conditions.push(written);
    }
    if let Some(lookup) = &reference.lookup {
        conditions.push(without_locations(lookup.clone(), standing)?);
    }
    let mut targets = Vec::with_capacity(reference.columns.len());
    let mut offered = 0;
    for column in &reference.columns {
        if reference.offer == Offer::All {
            targets.extend(placeholders(standing, offered..column.index)?);
            offered = column.index + 1;
        }
        let (Some(ruling), Some(base), Some(name)) =
            (ruling.columns.get(column.index), relation.columns.get(column.index), reference.names.get(column.index))
        else {
            return Err(NotUnderstood::new("a column that the ruling does not know", column.at).into());
        };
        let mut value = value(&alias, base, ruling)?;
        let stored = matches!(ruling.effect, Effect::Allow | Effect::Aggregate(_));
        let mut plain = stored && base.name == *name;
        if fence == Fence::Closed && stored {
            // The planner estimates a condition on a bare column by running it over the column's statistics, hidden rows'
            // values among them, and a pattern or an operator can fail there. It has none for an expression.
            let asked = if near.is_empty() { vec![true_of(&alias, &base.name)?] } else { near.clone() };
            value = super::target::typed_case(&asked, value, &base.type_sql)?;
            plain = false;
        }
        targets.push(target(value, if plain { String::new() } else { name.to_string() }));
    }
    if reference.offer == Offer::All {
        targets.extend(placeholders(standing, offered..relation.columns.len())?);
    }
    if let Some(key) = ruling.subject_key.as_ref().filter(|key| reference.subject == Some(key.index)) {
        targets.push(target(subject(&alias, relation, key, context.catalog)?, SUBJECT.to_owned()));
    }
    for (name, at) in &reference.system {
        if !ruling.rows.is_empty() {
            let what = format!("system column {name} of {}.{} (its rows are filtered)", relation.schema, relation.name);
            return Err(NotUnderstood::new(what, *at).into());
        }
        if targets.iter().all(|target| !is_reference_to(target, name)) {
            targets.push(target(column(&alias, name), String::new()));
        }
    }
    if fence == Fence::Closed {
        for condition in &reference.copyable {
            // A masked column is compared as masked outside only; inside stands the raw one.
            if copied_columns_are_raw(condition, standing) {
                conditions.push(without_locations(condition.clone(), standing)?);
            }
        }
    }
    let renamed = *alias != *relation.name;
    let range = RangeVar {
        catalogname: String::new(),
        schemaname: relation.schema.to_string(),
        relname: relation.name.to_string(),
        inh: true,
        relpersistence: "p".to_owned(),
        alias: renamed.then(|| Alias { aliasname: alias.clone(), colnames: Vec::new() }),
        location: -1,
    };
    let where_clause = all_of(conditions).map(Box::new);
    let mut select = empty_select();
    select.target_list = targets;
    select.from_clause = vec![wrap(NodeEnum::RangeVar(range))];
    select.where_clause = where_clause;
    if fence == Fence::Closed {
        select.limit_offset = boxed(integer(0));
        select.limit_option = LimitOption::Count as i32;
    }
    Ok(wrap(NodeEnum::RangeSubselect(Box::new(RangeSubselect {
        lateral: false,
        subquery: boxed(wrap(NodeEnum::SelectStmt(Box::new(select)))),
        alias: Some(Alias { aliasname: alias, colnames: Vec::new() }),
    }))))
}

fn text(value: &str) -> Node {
    wrap(NodeEnum::String(Text { sval: value.to_owned() }))
}

fn integer(value: i32) -> Node {
    wrap(NodeEnum::AConst(AConst { isnull: false, location: -1, val: Some(Val::Ival(Integer { ival: value })) }))
}

fn column(alias: &str, name: &str) -> Node {
    wrap(NodeEnum::ColumnRef(ColumnRef { fields: vec![text(alias), text(name)], location: -1 }))
}

fn target(value: Node, name: String) -> Node {
    let target = ResTarget { name, indirection: Vec::new(), val: boxed(value), location: -1 };
    wrap(NodeEnum::ResTarget(Box::new(target)))
}

/// What stands for columns that the statement does not name, where it counts columns by position.
fn placeholders(standing: &Standing<'_>, indexes: Range<usize>) -> Result<Vec<Node>, Trouble> {
    let columns =
        indexes.filter_map(|index| Some((standing.relation.columns.get(index)?, standing.reference.names.get(index)?)));
    columns.map(|(base, name)| Ok(target(constant(&format!("NULL::{}", base.type_sql))?, name.to_string()))).collect()
}

/// Whether a lock leaves the table in its place: all that the statement names of it is open as it is. In a guard the
/// lock would take rows that the statement passes over.
fn stays_for_its_lock(standing: &Standing<'_>) -> bool {
    let Standing { relation: _, ruling, reference } = standing;
    reference.lock.is_some()
        && !ruling.hides_rows()
        && reference.columns.iter().all(|column| ruling.is_raw(column.index))
}

/// Whether a lock would take more rows in the guard than the statement returns, by much or from behind the fence.
fn check_lock(standing: &Standing<'_>, fence: Fence) -> Result<(), Trouble> {
    let Standing { relation, ruling, reference } = standing;
    let why = match (reference.lock, fence) {
        (Some(_), _) if ruling.declared.is_some() => "a row lock",
        (None, _) | (Some(Lock::Returned), Fence::Open) => return Ok(()),
        (Some(Lock::Limited), _) => "a row lock with LIMIT",
        (Some(Lock::Returned), Fence::Closed) => "a row lock beside conditions that could fail on a hidden row,",
    };
    let what = format!("{why} on {}.{} (its rows are filtered or its columns masked)", relation.schema, relation.name);
    Err(NotUnderstood::new(what, u32::try_from(reference.origin).ok()).into())
}

/// Whom a row is about: a column of its own, or one that foreign keys lead to, each to one row that is there.
fn subject(alias: &str, relation: &Relation, key: &SubjectKey, catalog: &Catalog) -> Result<Node, Trouble> {
    let broken = || NotUnderstood::new("a subject key of the policy", None);
    let name = |relation: &Relation, index: usize| {
        relation.columns.get(index).map(|column| column.name.to_string()).ok_or_else(broken)
    };
    let own = name(relation, key.index)?;
    let mut value = format!("{}.{}", quote_alias(alias), quote_identifier(&own));
    for (number, hop) in key.through.iter().enumerate() {
        let parent = catalog.relation(hop.relation).ok_or_else(broken)?;
        let mut of = format!("of_{}", number + 1);
        if of == alias {
            of.push('_');
        }
        let (shown, referenced) = (name(parent, hop.shown)?, name(parent, hop.referenced)?);
        let (shown, referenced) = (quote_identifier(&shown), quote_identifier(&referenced));
        let from = quote_qualified(&parent.schema, &parent.name);
        value =
            format!("(SELECT {of}.{shown} FROM {from} AS {of} WHERE {of}.{referenced} OPERATOR(pg_catalog.=) {value})");
    }
    Ok(expression(&value).ok_or_else(broken)?)
}

fn is_reference_to(target: &Node, name: &str) -> bool {
    let Some(NodeEnum::ResTarget(target)) = &target.node else { return false };
    let value = target.val.as_ref().and_then(|value| value.node.as_ref());
    matches!(value, Some(NodeEnum::ColumnRef(reference))
        if reference.fields.last().and_then(crate::sql::string) == Some(name))
}

/// What a column is inside its guard.
pub(super) fn value(alias: &str, base: &crate::catalog::Column, ruling: &ColumnRuling) -> Result<Node, Trouble> {
    match &ruling.effect {
        // Only aggregates over enough subjects reach it: the statement was judged.
        Effect::Allow | Effect::Aggregate(_) => Ok(column(alias, &base.name)),
        Effect::Mask(mask) => {
            let value = format!("{}.{}", quote_alias(alias), quote_identifier(&base.name));
            constant(&mask.sql(&value, base))
        }
        Effect::Deny => Err(NotUnderstood::new("a denied column in a guard", None).into()),
    }
}

/// What is true of every value, and yet no constant for the planner.
fn true_of(alias: &str, name: &str) -> Result<Node, Trouble> {
    let column = format!("{}.{}", quote_alias(alias), quote_identifier(name));
    constant(&format!("({column} IS NULL OR {column} IS NOT NULL)"))
}

pub(super) fn constant(sql: &str) -> Result<Node, Trouble> {
    expression(sql).ok_or_else(|| NotUnderstood::new("a mask of the policy", None).into())
}

/// A row condition with its columns written `alias.column`. It is resolved like a client's statement, so that no
/// operator or function along the session's search path can stand in for a built-in one.
pub(super) fn row_condition(
    relation: &Relation,
    alias: &str,
    sql: &str,
    context: &Context<'_>,
) -> Result<Node, Trouble> {
    let from = quote_qualified(&relation.schema, &relation.name);
    let source = format!("SELECT ({sql}) FROM {from} AS {}", quote_alias(alias));
    let broken = || Trouble::NotUnderstood(NotUnderstood::new("a row condition of the policy", None));
    let mut parsed = parse(&source).map_err(|_| broken())?;
    let mut statement = parsed.pop().ok_or_else(broken)?;
    let mut filler = Filler::new(&mut statement.tree, alias, context)?;
    walk(&mut statement.tree, &mut filler)?;
    let resolved = resolve(statement.tree, context)?;
    let mut node = only_target(resolved.tree).ok_or_else(broken)?;
    clear_locations(&mut node)?;
    Ok(node)
}

/// Puts constants in the places of a condition's parameters, and the alias where an `EXISTS` reads the table's own columns.
struct Filler<'a> {
    context: &'a Context<'a>,
    alias: &'a str,
    /// What another table of the condition is called that is called as the client calls the condition's own.
    instead: &'static str,
}

/// More names than a condition has tables.
const INSTEAD: [&str; 6] = ["other", "other_2", "other_3", "other_4", "other_5", "other_6"];

impl Filler<'_> {
    fn new<'a>(tree: &mut Node, alias: &'a str, context: &'a Context<'a>) -> Result<Filler<'a>, NotUnderstood> {
        struct Names(Vec<String>);
        impl Visitor for Names {
            fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
                if let Some(NodeEnum::RangeVar(table)) = &node.node
                    && let Some(alias) = &table.alias
                {
                    self.0.push(alias.aliasname.clone());
                }
                Ok(())
            }
            fn location(&mut self, _at: &mut i32) {}
        }
        let mut names = Names(vec![alias.to_owned()]);
        walk(tree, &mut names)?;
        let free = INSTEAD.into_iter().find(|name| names.0.iter().all(|known| known != name));
        let instead = free.ok_or_else(|| NotUnderstood::new("a row condition of the policy", None))?;
        Ok(Filler { context, alias, instead })
    }

    fn other(&self, name: &str) -> String {
        if name == self.alias { self.instead.to_owned() } else { name.to_owned() }
    }
}

impl Visitor for Filler<'_> {
    fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
        match &mut node.node {
            Some(NodeEnum::ParamRef(reference)) => {
                let constant = self.context.rulings.constant(reference.number).as_deref().and_then(expression);
                *node = constant.ok_or_else(|| NotUnderstood::new("a parameter of the policy", None))?;
            }
            Some(NodeEnum::ColumnRef(reference)) => {
                if let [qualifier, _name] = reference.fields.as_mut_slice() {
                    let name = match crate::sql::string(qualifier) {
                        Some(OWN) => self.alias.to_owned(),
                        Some(other) => self.other(other),
                        None => return Ok(()),
                    };
                    *qualifier = text(&name);
                }
            }
            Some(NodeEnum::SubLink(link)) => {
                if let Some(NodeEnum::SelectStmt(select)) = link.subselect.as_mut().and_then(|node| node.node.as_mut())
                {
                    for table in &mut select.from_clause {
                        if let Some(NodeEnum::RangeVar(table)) = &mut table.node
                            && let Some(alias) = &mut table.alias
                        {
                            alias.aliasname = self.other(&alias.aliasname);
                        }
                    }
                }
            }
            Some(_) | None => {}
        }
        Ok(())
    }
    fn location(&mut self, _at: &mut i32) {}
}

/// An alias that may be any identifier; quoting it always is harmless.
fn quote_alias(alias: &str) -> String {
    let plain = quote_identifier(alias);
    if plain.starts_with('"') { plain } else { format!("\"{plain}\"") }
}

/// Whether every column that a copied condition names is open as it is.
fn copied_columns_are_raw(condition: &Node, standing: &Standing<'_>) -> bool {
    struct Names(Vec<String>);
    impl Visitor for Names {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            if let Some(NodeEnum::ColumnRef(reference)) = &node.node {
                self.0.extend(reference.fields.last().and_then(crate::sql::string).map(str::to_owned));
            }
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let mut names = Names(Vec::new());
    walk(&mut condition.clone(), &mut names).is_ok()
        && names.0.iter().all(|name| {
            let index = standing.reference.names.iter().position(|visible| **visible == **name);
            let ruling = index.and_then(|index| standing.ruling.columns.get(index));
            ruling.is_some_and(|ruling| ruling.effect == Effect::Allow)
        })
}

/// A copied condition for the inside of the guard: base names instead of aliased ones, no locations.
fn without_locations(mut condition: Node, standing: &Standing<'_>) -> Result<Node, Trouble> {
    struct Renamer<'a>(&'a Standing<'a>);
    impl Visitor for Renamer<'_> {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            if let Some(NodeEnum::ColumnRef(reference)) = &mut node.node
                && let [_, name] = reference.fields.as_mut_slice()
            {
                let visible = crate::sql::string(name).unwrap_or_default();
                let index = self.0.reference.names.iter().position(|known| **known == *visible);
                let base = index.and_then(|index| self.0.relation.columns.get(index));
                let base = base.ok_or_else(|| NotUnderstood::new("a copied condition", None))?;
                *name = text(&base.name);
            }
            Ok(())
        }
        fn location(&mut self, at: &mut i32) {
            *at = -1;
        }
    }
    walk(&mut condition, &mut Renamer(standing))?;
    Ok(condition)
}
