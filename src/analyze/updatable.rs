//! Views that are written to. The server writes to the table below them, and so the judgement is of a write to that table.
//!
//! After `rewriteTargetView` of Postgres's rewriter. Where the rows of the table may all be reached, and nothing that the
//! definition computes is masked, the statement keeps the view, with its defaults and its CHECK OPTION. Else an UPDATE or
//! DELETE is written as one of the table: the definition's conditions join the statement's, and what it computes stands
//! where its columns are named.

use super::call::{Grouping, is_row_neutral};
use super::from::alias_parts;
use super::label::{Label, Place, RelationUse};
use super::resolver::{Outcome, Resolver, known, not_understood, unresolved};
use super::scope::{Entry, Level, Source, Star, Visible, Written};
use super::target::Target;
use super::write::conjuncts;
use super::{Openness, Shape};
use crate::catalog::{Catalog, Relation, RelationKind, quote_qualified};
use crate::sql::{Visitor, walk};
use crate::vocab::{NotUnderstood, Right, SqlState, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{Alias, Node, RangeVar, SelectStmt};
use std::rc::Rc;
use std::sync::Arc;

/// How deep views may stand in views.
const DEEPEST: usize = 32;

/// Postgres's code where a view is none that it can write to by itself.
const NOT_IN_PREREQUISITE_STATE: SqlState = SqlState("55000");

/// What stands in the statement in the view's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The view.
    View,
    /// The table below it.
    Table,
}

/// A view that is written to.
pub(super) struct TargetView<'a> {
    pub relation: &'a Relation,
    /// The number of its use.
    own: usize,
    pub standing: Standing,
    pub columns: Vec<ViewColumn>,
    /// The conditions of the definitions, where the table stands in the statement.
    pub conditions: Vec<Node>,
    pub reading: Reading,
}

/// Whether the statement may read what it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Open,
    /// Something would have to stand in for columns of the table, which the view does not show.
    Refused,
}

/// A column of a view that is written to.
#[derive(Clone)]
pub(super) struct ViewColumn {
    pub visible: Visible,
    /// The column of the table that it is, if it is one.
    pub base: Option<usize>,
}

/// The relation below a view on the way up.
struct Below {
    columns: Vec<ViewColumn>,
    source: Source,
}

/// One view on the way down to the table.
struct Step<'a> {
    view: &'a Relation,
    query: SelectStmt,
    /// What it calls the relation below it, and that one's columns.
    below: Arc<str>,
    below_names: Vec<Arc<str>>,
    /// Number of the place of the relation below it.
    at: i32,
    inherit: bool,
}

impl<'a> Resolver<'a> {
    /// Resolves a view as the target of a write.
    pub(super) fn view_target(
        &mut self,
        view: &'a Relation,
        range: &mut RangeVar,
        right: Right,
    ) -> Outcome<Target<'a>> {
        let RangeVar { catalogname, schemaname, relname, inh, relpersistence: _, alias, location } = range;
        let (at, only) = (*location, !*inh);
        let (steps, base) = self.steps_down(view, right, at)?;
        catalogname.clear();
        *schemaname = view.schema.to_string();
        let shown: Arc<str> = alias.as_ref().map_or_else(|| Arc::clone(&view.name), |a| a.aliasname.as_str().into());
        if base.has_rules {
            let base = quote_qualified(&base.schema, &base.name);
            return not_understood(format!("writing through a view to {base}, which has rules"), at);
        }
        self.writable(base, right, at)?;
        let names = base.columns.iter().map(|column| Arc::clone(&column.name)).collect();
        let name = quote_qualified(&view.schema, &view.name);
        let used = RelationUse {
            place: Place::Target,
            through: Some(format!("{} {name}", view.kind.word()).into()),
            ..RelationUse::new(base.oid, at, Arc::clone(&shown), names)
        };
        let number = self.add_use(used)?;
        let shape = self.context.rulings.shape(base, &shown, right)?;
        let checked = steps.iter().any(|step| step.view.check_option);
        let mut columns = base_columns(base, number, &shown, &shape);
        let (mut own, mut conditions, mut decides) = (number, Vec::new(), Label::none());
        let mut source = Source::Base(number);
        for step in steps.iter().rev() {
            let reads_rows = right != Right::Insert || checked;
            let below = Below { columns, source };
            (own, columns) = self.step_up(step, below, (number, at), &shown, reads_rows, &mut conditions)?;
            source = Source::Derived;
        }
        for (_, label) in &conditions {
            decides = decides.join(label);
        }
        let computed = columns.iter().filter(|column| column.base.is_none());
        let computed = computed.fold(Label::none(), |label, column| label.join(&column.visible.label));
        let masked = |label: &Label| {
            let stands_in = |index: &usize| matches!(shape.columns.get(*index), Some(Some(_)));
            label.columns().iter().any(|(used, index)| *used == number && stands_in(index))
        };
        let moves = right != Right::Insert && (!shape.rows.is_empty() || masked(&computed) || masked(&decides));
        // What the server evaluates of a new row is computed from the table's own columns.
        let hides = right == Right::Insert && (self.context.rulings.filtered(base) || masked(&computed));
        let conditions: Vec<Node> = conditions.into_iter().map(|(condition, _)| condition).collect();
        let standing = if moves { Standing::Table } else { Standing::View };
        match standing {
            Standing::View => columns.iter_mut().for_each(|column| stand_for_view(column, &shape, &shown)),
            Standing::Table => {
                let computed = columns.iter().filter_map(|column| match &column.visible.written {
                    Written::Instead(node) => Some(&**node),
                    Written::Qualified(..) | Written::Bare(_) => None,
                });
                let what = if checked && right == Right::Update {
                    Some("an UPDATE WITH CHECK OPTION of")
                } else if only {
                    Some("ONLY before")
                } else {
                    conditions.iter().chain(computed).any(holds_query).then_some("a sub-query in")
                };
                if let Some(what) = what {
                    let what = format!("{what} view {name}, whose rows are filtered or columns masked,");
                    return not_understood(what, at);
                }
                *schemaname = base.schema.to_string();
                *relname = base.name.to_string();
                *inh = steps.last().is_none_or(|step| step.inherit);
                let aliased = Alias { aliasname: shown.to_string(), colnames: Vec::new() };
                *alias = (*shown != *base.name).then_some(aliased);
            }
        }
        let view = TargetView {
            relation: view,
            own,
            standing,
            columns,
            conditions,
            reading: if hides { Reading::Refused } else { Reading::Open },
        };
        Ok(Target { relation: base, number, alias: shown, at, shape, view: Some(view), lineage: Vec::new() })
    }

    /// The views from the one that is named downwards, and the table below them.
    fn steps_down(&mut self, view: &'a Relation, right: Right, at: i32) -> Outcome<(Vec<Step<'a>>, &'a Relation)> {
        let mut steps: Vec<Step<'a>> = Vec::new();
        let mut current = view;
        while current.is_by_lineage() && current.kind == RelationKind::View {
            let name = quote_qualified(&current.schema, &current.name);
            if steps.len() >= DEEPEST {
                return not_understood(format!("a view in {DEEPEST} other views"), at);
            }
            if current.has_rules {
                return not_understood(format!("writing to {name}, which has rules"), at);
            }
            if !current.triggers.is_empty() {
                return not_understood(format!("writing to view {name}, which has triggers"), at);
            }
            if right != Right::Delete && !current.calls.is_empty() {
                return not_understood(format!("a function of users in a default of view {name}"), at);
            }
            let query = current.definition.as_ref().and_then(|definition| self.definition(definition));
            let Some(query) = query else {
                return not_understood(format!("view {name}, whose definition is not known,"), at);
            };
            let Some((mut step, below)) = self.step_down(current, query) else {
                return unresolved(NOT_IN_PREREQUISITE_STATE, cannot(right, &view.name), at);
            };
            let catalog = self.context.catalog;
            for target in &mut step.query.target_list {
                match (is_row_neutral(target, catalog, Grouping::None), holds_query(target)) {
                    (true, _) => {}
                    (false, false) => return unresolved(NOT_IN_PREREQUISITE_STATE, cannot(right, &view.name), at),
                    (false, true) => {
                        return not_understood(
                            format!("writing to view {name}, which computes over several rows,"),
                            at,
                        );
                    }
                }
            }
            steps.push(step);
            current = below;
        }
        Ok((steps, current))
    }

    /// One view taken apart (`view_query_is_auto_updatable`); `None` where the server would not write to it.
    fn step_down(&self, view: &'a Relation, query: SelectStmt) -> Option<(Step<'a>, &'a Relation)> {
        let catalog: &'a Catalog = self.context.catalog;
        let SelectStmt {
            distinct_clause,
            into_clause,
            target_list,
            from_clause,
            where_clause: _,
            group_clause,
            group_distinct: _,
            having_clause,
            window_clause,
            values_lists,
            sort_clause: _,
            limit_offset,
            limit_count,
            limit_option: _,
            locking_clause: _,
            with_clause,
            op: _,
            all: _,
            larg,
            rarg,
        } = &query;
        let lists = [distinct_clause, group_clause, window_clause, values_lists];
        let clauses = [having_clause, limit_offset, limit_count];
        let simple = lists.iter().all(|list| list.is_empty())
            && clauses.iter().all(|clause| clause.is_none())
            && (into_clause.is_none() && with_clause.is_none() && larg.is_none() && rarg.is_none())
            && !target_list.iter().any(holds_window);
        let [Node { node: Some(NodeEnum::RangeVar(range)) }] = from_clause.as_slice() else { return None };
        let schema = if range.schemaname.is_empty() { "pg_catalog" } else { &range.schemaname };
        let below = catalog.relation_in(schema, &range.relname)?;
        let (alias, colnames) = alias_parts(&range.alias);
        let below_names = below.columns.iter().enumerate();
        let below_names = below_names.map(|(at, column)| Arc::clone(colnames.get(at).unwrap_or(&column.name)));
        let step = Step {
            view,
            below: alias.unwrap_or_else(|| Arc::clone(&below.name)),
            below_names: below_names.collect(),
            at: range.location,
            inherit: range.inh,
            query: query.clone(),
        };
        simple.then_some((step, below))
    }

    /// The columns of a view from those of the relation below it; adds its conditions with what they depend on.
    fn step_up(
        &mut self,
        step: &Step<'a>,
        below: Below,
        (number, at): (usize, i32),
        shown: &Arc<str>,
        reads_rows: bool,
        conditions: &mut Vec<(Node, Label)>,
    ) -> Outcome<(usize, Vec<ViewColumn>)> {
        let names: Vec<Arc<str>> = step.view.columns.iter().map(|column| Arc::clone(&column.name)).collect();
        let used = RelationUse {
            place: Place::View,
            origin: at,
            ..RelationUse::new(step.view.oid, step.at, Arc::clone(shown), names.clone())
        };
        let own = self.add_use(used)?;
        let (query, below_names) = (step.query.clone(), &step.below_names);
        let columns = self.in_definition(step.view, at, |resolver| {
            let renamed = below
                .columns
                .iter()
                .zip(below_names)
                .map(|(column, name)| Visible { name: Arc::clone(name), ..column.visible.clone() });
            resolver.levels.push(Level::default());
            resolver.push_entry(Entry {
                name: Some(Arc::clone(&step.below)),
                schema: None,
                by_name: true,
                by_column: true,
                columns: known(renamed),
                source: below.source,
                nullable: false,
            });
            if let (Some(condition), true) = (query.where_clause, reads_rows) {
                for mut condition in conjuncts(*condition) {
                    let label = resolver.deciding(&mut condition, Usage::Filter)?;
                    conditions.push((condition, label));
                }
            }
            let mut columns = Vec::with_capacity(names.len());
            for (index, (node, name)) in query.target_list.into_iter().zip(&names).enumerate() {
                let value = match node.node {
                    Some(NodeEnum::ResTarget(target)) => target.val,
                    Some(_) | None => None,
                };
                let Some(mut value) = value else { return not_understood("a target list", at) };
                let resolved = resolver.value(&mut value, None)?;
                let base = resolved.column.as_ref().and_then(|column| column.base);
                let mut label = resolved.label;
                if resolver.context.rulings.openness(step.view, index) != Openness::Open {
                    // Tags of the view's own close it further.
                    label = label.join(&Label::of((own, index)));
                }
                columns.push(ViewColumn {
                    base: base.filter(|(used, _)| *used == number).map(|(_, index)| index),
                    visible: Visible {
                        name: Arc::clone(name),
                        written: Written::Instead(Rc::new(*value)),
                        label,
                        base,
                        // Its conditions are read again under the table's alias, where another column may have its name.
                        typed: resolved.column.and_then(|column| column.typed.filter(|_| column.name == *name)),
                        star: Star::Expands,
                    },
                });
            }
            Ok(columns)
        })?;
        if columns.len() != names.len() {
            return not_understood(format!("view {}, whose definition is not known,", step.view.name), at);
        }
        Ok((own, columns))
    }
}

impl TargetView<'_> {
    /// The conditions that the statement must have in the view's stead.
    pub(super) fn conditions_in_text(&self) -> &[Node] {
        match self.standing {
            Standing::View => &[],
            Standing::Table => &self.conditions,
        }
    }

    /// The column of the table that a column in a column list or SET list stands for, and what it is called there.
    pub(super) fn assigned(&self, name: &mut String, base: &Relation, right: Right, at: i32) -> Outcome<usize> {
        let found = self.columns.iter().find(|column| *column.visible.name == **name);
        let Some(column) = found else {
            let message = format!("column \"{name}\" of relation \"{}\" does not exist", self.relation.name);
            return unresolved(SqlState::UNDEFINED_COLUMN, message, at);
        };
        let Some(index) = column.base else {
            let what = if right == Right::Insert { "insert into" } else { "update" };
            let message = format!("cannot {what} column \"{name}\" of view \"{}\"", self.relation.name);
            return unresolved(SqlState::FEATURE_NOT_SUPPORTED, message, at);
        };
        if self.standing == Standing::Table {
            *name = base.columns[index].name.to_string();
        }
        Ok(index)
    }

    /// The view in sight of its statement's expressions.
    pub(super) fn entry(&self, name: &Arc<str>) -> Entry {
        let at = |column: &ViewColumn| {
            let mut visible = column.visible.clone();
            if let Written::Qualified(_, column) = &visible.written {
                visible.written = Written::Qualified(Arc::clone(name), Arc::clone(column));
            }
            visible
        };
        Entry {
            name: Some(Arc::clone(name)),
            schema: (**name == *self.relation.name).then(|| Arc::clone(&self.relation.schema)),
            by_name: true,
            by_column: true,
            columns: known(self.columns.iter().map(at)),
            source: Source::View(self.own),
            nullable: false,
        }
    }
}

/// The columns of the table as the definitions see them: written under the alias that the statement has for the view.
fn base_columns(base: &Relation, number: usize, alias: &Arc<str>, shape: &Shape) -> Vec<ViewColumn> {
    let column = |(index, column): (usize, &crate::catalog::Column)| {
        let written = match shape.columns.get(index) {
            Some(Some(instead)) => Written::Instead(Rc::clone(instead)),
            Some(None) | None => Written::Qualified(Arc::clone(alias), Arc::clone(&column.name)),
        };
        let base = Some((number, index));
        let name = Arc::clone(&column.name);
        let visible =
            Visible { name, written, label: Label::of((number, index)), base, typed: base, star: Star::Expands };
        ViewColumn { visible, base: Some(index) }
    };
    base.columns.iter().enumerate().map(column).collect()
}

/// Writes a column as the view's own, or as its mask.
fn stand_for_view(column: &mut ViewColumn, shape: &Shape, alias: &Arc<str>) {
    let mask = column.base.and_then(|index| shape.columns.get(index).cloned().flatten());
    column.visible.written = match mask {
        Some(mask) => Written::Instead(mask),
        None => Written::Qualified(Arc::clone(alias), Arc::clone(&column.visible.name)),
    };
    column.visible.typed = column.visible.base;
}

/// Whether a target holds a window function.
fn holds_window(node: &Node) -> bool {
    struct Finder(bool);
    impl Visitor for Finder {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            self.0 |= matches!(&node.node, Some(NodeEnum::FuncCall(call)) if call.over.is_some());
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let mut finder = Finder(false);
    walk(&mut node.clone(), &mut finder).is_err() || finder.0
}

/// Whether an expression holds a sub-query: names in it could be taken for the statement's.
fn holds_query(node: &Node) -> bool {
    struct Finder(bool);
    impl Visitor for Finder {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            self.0 |= matches!(node.node, Some(NodeEnum::SubLink(_) | NodeEnum::SelectStmt(_)));
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let mut finder = Finder(false);
    walk(&mut node.clone(), &mut finder).is_err() || finder.0
}

/// What Postgres says of a view that it cannot write to by itself.
fn cannot(right: Right, view: &str) -> String {
    let what = match right {
        Right::Insert => "insert into",
        Right::Update => "update",
        Right::Read | Right::Delete => "delete from",
    };
    format!("cannot {what} view \"{view}\"")
}
