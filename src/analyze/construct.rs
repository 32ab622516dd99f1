//! The rarer constructs: SQL/XML, SQL/JSON, TABLESAMPLE, SEARCH and CYCLE, row locks.

use super::Stars;
use super::from::{alias_parts, derived, renamed};
use super::known::Known;
use super::label::{Label, Lock};
use super::resolver::{Outcome, Resolver, Use, known, label_of, not_understood, unresolved};
use super::scope::{Columns, Locked, Source, Star, Visible, Written};
use super::written::Shape;
use crate::catalog::Relation;
use crate::sql::{Part, is_json_aggregate, parts, string};
use crate::vocab::{Right, SqlState, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AIndirection, Alias, CteCycleClause, CteSearchClause, JsonTable, JsonTableColumnType, LockingClause, Node,
    RangeTableFunc, RangeTableSample,
};
use std::ops::Range;
use std::sync::Arc;

/// The sampling methods of `pg_catalog`.
const METHODS: [&str; 2] = ["system", "bernoulli"];

impl Resolver<'_> {
    /// Resolves a construct of SQL/XML or SQL/JSON; `None` if the node is none.
    pub(super) fn construct(&mut self, node: &mut NodeEnum, usage: Use) -> Outcome<Option<Label>> {
        let deferred = self.inside.is_some() && usage.is_none();
        let outer = usage;
        let usage = if is_json_aggregate(node) && !deferred { Some(Usage::Aggregate) } else { usage };
        let Some(parts) = parts(node) else { return Ok(None) };
        let mut label = Label::none();
        for part in parts {
            let more = match part {
                Part::Value(node) => {
                    let label = self.expression(node, usage)?;
                    if outer != usage && outer.is_some() {
                        self.touch(&label, outer, -1);
                    }
                    label
                }
                Part::Query(node) => match &mut node.node {
                    Some(NodeEnum::SelectStmt(select)) => {
                        label_of(&self.with_stars(Stars::Whole, |inner| inner.query(select, usage))?)
                    }
                    Some(_) | None => return not_understood("a sub-query that is no SELECT", -1),
                },
                Part::Filter(node) => self.deciding(node, Usage::Filter)?,
                Part::Sort(nodes) => self.sort_list(nodes)?,
                Part::Window(window) => self.window(window)?,
                Part::Type(name) => self.type_name(name, Known::Nothing, -1)?,
                Part::Names(_) | Part::Alias(_) | Part::Location(_) => Label::none(),
            };
            label = label.join(&more);
        }
        Ok(Some(label))
    }

    /// `(value).*`: the fields of a composite value. Their names are known where it is a function's result.
    pub(super) fn composite_star(&mut self, node: &mut Node, usage: Use) -> Outcome<Option<Columns>> {
        let Some(NodeEnum::AIndirection(indirection)) = &mut node.node else { return Ok(None) };
        let AIndirection { arg, indirection: steps } = &mut **indirection;
        let is_star = matches!(steps.last(), Some(Node { node: Some(NodeEnum::AStar(_)) }));
        let (Some(arg), true) = (arg, is_star) else { return Ok(None) };
        let star = steps.pop();
        let names = match (&arg.node, steps.is_empty()) {
            (Some(NodeEnum::FuncCall(_)), true) => self.function_columns(arg, &"*".into()),
            _other_value => None,
        };
        let mut label = self.expression(arg, usage)?;
        label = label.join(&self.steps(steps, usage)?);
        steps.extend(star);
        let visible = |name: Arc<str>| Visible {
            written: Written::Bare(Arc::clone(&name)),
            name,
            label: label.clone(),
            base: None,
            typed: None,
            star: Star::Expands,
        };
        Ok(Some(match names.filter(|names| names.iter().all(|name| &**name != "*")) {
            Some(names) => known(names.into_iter().map(visible)),
            None => Columns::Opaque(label),
        }))
    }

    /// `XMLTABLE` in FROM. It decides which rows there are.
    pub(super) fn xml_table(&mut self, node: &mut NodeEnum) -> Outcome<()> {
        let label = self.construct(node, Some(Usage::Filter))?.unwrap_or_default();
        let NodeEnum::RangeTableFunc(table) = node else { return Ok(()) };
        let RangeTableFunc { lateral: _, docexpr: _, rowexpr: _, namespaces: _, columns, alias, location: _ } =
            &**table;
        let name_of = |node: &Node| match &node.node {
            Some(NodeEnum::RangeTableFuncCol(column)) => Some(Arc::<str>::from(column.colname.as_str())),
            Some(_) | None => None,
        };
        let names = columns.iter().filter_map(name_of).collect();
        self.table_of(names, label, alias, "xmltable");
        Ok(())
    }

    /// `JSON_TABLE` in FROM.
    pub(super) fn json_table(&mut self, node: &mut NodeEnum) -> Outcome<()> {
        let label = self.construct(node, Some(Usage::Filter))?.unwrap_or_default();
        let NodeEnum::JsonTable(table) = node else { return Ok(()) };
        let JsonTable {
            context_item: _,
            pathspec: _,
            passing: _,
            columns,
            on_error: _,
            alias,
            lateral: _,
            location: _,
        } = &**table;
        let mut names = Vec::new();
        json_columns(columns, &mut names);
        self.table_of(names, label, alias, "json_table");
        Ok(())
    }

    fn table_of(&mut self, names: Vec<Arc<str>>, label: Label, alias: &Option<Alias>, called: &str) {
        let (name, colnames) = alias_parts(alias);
        let name = name.unwrap_or_else(|| called.into());
        let visible = |name: Arc<str>| Visible {
            written: Written::Bare(Arc::clone(&name)),
            name,
            label: label.clone(),
            base: None,
            typed: None,
            star: Star::Expands,
        };
        let columns = renamed(&known(names.into_iter().map(visible)), Some(&name), &colnames);
        self.push_entry(derived(Some(name), columns));
    }

    /// `t TABLESAMPLE method (…)`. Of a table whose rows are filtered a sample would count hidden rows.
    pub(super) fn sample(&mut self, sample: &mut RangeTableSample) -> Outcome<()> {
        let RangeTableSample { relation, method, args, repeatable, location } = sample;
        let at = *location;
        let names: Vec<&str> = method.iter().filter_map(string).collect();
        let known = match names.as_slice() {
            [name] | ["pg_catalog", name] => METHODS.contains(name),
            _other => false,
        };
        if !known {
            return not_understood(format!("TABLESAMPLE by the method {}", names.join(".")), at);
        }
        let Some(relation) = relation else { return not_understood("TABLESAMPLE", at) };
        self.resolve_item(relation)?;
        let source = self.levels.last().and_then(|level| level.entries.last()).map(|entry| entry.source.clone());
        match source {
            Some(Source::Base(number)) => {
                let Some(relation) = self.relation_of(number) else { return not_understood("TABLESAMPLE", at) };
                if self.context.rulings.filtered(relation) {
                    let what = format!("TABLESAMPLE of {}.{} (its rows are filtered)", relation.schema, relation.name);
                    return not_understood(what, at);
                }
            }
            Some(Source::View(number)) if self.is_stored_view(number) => {}
            Some(Source::View(_) | Source::Derived) | None => {
                let message = "TABLESAMPLE clause can only be applied to tables and materialized views".to_owned();
                return unresolved(SqlState::FEATURE_NOT_SUPPORTED, message, at);
            }
        }
        self.expressions(args, Some(Usage::Filter))?;
        if let Some(seed) = repeatable {
            self.expression(seed, Some(Usage::Filter))?;
        }
        Ok(())
    }

    /// Adds the columns that SEARCH makes to those of a recursive CTE.
    pub(super) fn search_columns(&mut self, search: &CteSearchClause, columns: Columns) -> Outcome<Columns> {
        let CteSearchClause { search_col_list, search_breadth_first: _, search_seq_column, location } = search;
        let label = self.listed(search_col_list, &columns, Usage::Sort, *location)?;
        with_columns(columns, [search_seq_column.as_str()], &label, *location)
    }

    /// Adds the columns that CYCLE makes to those of a recursive CTE.
    pub(super) fn cycle_columns(&mut self, cycle: &mut CteCycleClause, columns: Columns) -> Outcome<Columns> {
        let CteCycleClause {
            cycle_col_list,
            cycle_mark_column,
            cycle_mark_value,
            cycle_mark_default,
            cycle_path_column,
            location,
            cycle_mark_type: _,
            cycle_mark_typmod: _,
            cycle_mark_collation: _,
            cycle_mark_neop: _,
        } = cycle;
        self.operator_between("=", (Known::Typed, Known::Typed), *location)?;
        self.operator_between("<>", (Known::Nothing, Known::Nothing), *location)?;
        let label = self.listed(cycle_col_list, &columns, Usage::Filter, *location)?;
        for mark in [cycle_mark_value, cycle_mark_default].into_iter().flatten() {
            self.expression(mark, Some(Usage::Output))?;
        }
        // The comparisons run below whatever reads the CTE.
        self.leakproof = false;
        with_columns(columns, [cycle_mark_column.as_str(), cycle_path_column.as_str()], &label, *location)
    }

    /// The label of columns that a clause lists by name.
    fn listed(&mut self, names: &[Node], columns: &Columns, usage: Usage, at: i32) -> Outcome<Label> {
        let Columns::Known(columns) = columns else { return not_understood("a CTE whose columns are not known", at) };
        let mut label = Label::none();
        for name in names.iter().filter_map(string) {
            for column in columns.iter().filter(|column| &*column.name == name) {
                label = label.join(&column.label);
            }
        }
        self.touch(&label, Some(usage), at);
        Ok(label)
    }

    /// Says which relations of the level are going to be locked as far as LIMIT lets rows through, before they are resolved.
    pub(super) fn announce_locks(&mut self, locks: &[Node]) {
        let Some(level) = self.levels.last_mut() else { return };
        for node in locks {
            let Some(NodeEnum::LockingClause(LockingClause { locked_rels, strength: _, wait_policy: _ })) = &node.node
            else {
                continue;
            };
            let names = locked_rels.iter().filter_map(|node| match &node.node {
                Some(NodeEnum::RangeVar(locked)) => Some(locked.relname.clone()),
                Some(_) | None => None,
            });
            match &mut level.locked {
                _all if locked_rels.is_empty() => level.locked = Locked::All,
                Locked::All => {}
                Locked::These(known) => known.extend(names),
                none @ Locked::None => *none = Locked::These(names.collect()),
            }
        }
    }

    /// What stands in the place of a relation's columns, where it stays for a lock on its rows though some are masked.
    pub(super) fn masked_for_a_lock(&self, relation: &Relation, alias: &str) -> Outcome<Option<Shape>> {
        let locked = self.levels.last().is_some_and(|level| level.locked.takes(alias));
        if !locked || self.inside.is_some() || self.context.rulings.filtered(relation) {
            return Ok(None);
        }
        let shape = self.context.rulings.shape(relation, alias, Right::Read)?;
        Ok(shape.columns.iter().any(Option::is_some).then_some(shape))
    }

    /// Notes the row locks of a level whose FROM is resolved; a guard in their way may be a reason to refuse. `from`: the
    /// uses in it.
    pub(super) fn locks(&mut self, locks: &[Node], from: Range<usize>, lock: Lock) -> Outcome<()> {
        for node in locks {
            let Some(NodeEnum::LockingClause(LockingClause { locked_rels, strength: _, wait_policy: _ })) = &node.node
            else {
                return not_understood("a row lock", -1);
            };
            let mut all = locked_rels.is_empty();
            for locked in locked_rels {
                let Some(NodeEnum::RangeVar(locked)) = &locked.node else { return not_understood("a row lock", -1) };
                let name = locked.relname.as_str();
                let level = self.levels.last();
                let entry = level.and_then(|l| l.entries.iter().find(|e| e.by_name && e.name.as_deref() == Some(name)));
                match entry.map(|entry| &entry.source) {
                    Some(Source::Base(number)) => self.uses[*number].lock(lock),
                    // Whatever is locked below it.
                    Some(Source::View(_) | Source::Derived) => all = true,
                    None => {
                        let message = format!("relation \"{name}\" in FOR UPDATE clause not found in FROM clause");
                        return unresolved(SqlState::UNDEFINED_TABLE, message, locked.location);
                    }
                }
            }
            if all {
                self.uses[from.clone()].iter_mut().for_each(|used| used.lock(lock));
            }
        }
        Ok(())
    }
}

/// The names of the columns of `JSON_TABLE`: those of a level first, then those of the levels nested in it.
fn json_columns(columns: &[Node], names: &mut Vec<Arc<str>>) {
    let columns = || {
        columns.iter().filter_map(|node| match &node.node {
            Some(NodeEnum::JsonTableColumn(column)) => Some(column),
            Some(_) | None => None,
        })
    };
    let nested = JsonTableColumnType::JtcNested as i32;
    names.extend(columns().filter(|column| column.coltype != nested).map(|column| Arc::from(column.name.as_str())));
    columns().filter(|column| column.coltype == nested).for_each(|column| json_columns(&column.columns, names));
}

fn with_columns<'s>(
    columns: Columns,
    more: impl IntoIterator<Item = &'s str>,
    label: &Label,
    at: i32,
) -> Outcome<Columns> {
    let Columns::Known(columns) = columns else { return not_understood("a CTE whose columns are not known", at) };
    let made = more.into_iter().map(|name| Visible {
        name: name.into(),
        written: Written::Bare(name.into()),
        label: label.clone(),
        base: None,
        typed: None,
        star: Star::Expands,
    });
    Ok(known(columns.iter().cloned().chain(made)))
}
