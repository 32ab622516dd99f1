//! What is written: INSERT, UPDATE and DELETE. After `analyze.c` of Postgres's parser.
//!
//! No guard can stand in for the relation that is written to. Its masked columns are replaced where they are named, and
//! its row conditions join the statement's own: leakproof conjuncts stay beside them, the others are evaluated only on
//! rows that meet them.

use super::label::{BaseColumn, ColumnSource, Label};
use super::resolver::{Found, Outcome, Resolver, known, not_understood, unresolved};
use super::scope::{Columns, Entry, Level, Visible};
use super::target::Target;
use super::updatable::{Reading, Standing};
use super::{Assignment, Manner, Verb, Write};
use crate::catalog::quote_qualified;
use crate::sql::{all_of, case_when, keep_first_source, string, words};
use crate::vocab::{Right, SqlState, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AExprKind, BoolExpr, BoolExprType, DeleteStmt, IndexElem, InferClause, InsertStmt, Node, OnConflictAction,
    OnConflictClause, ResTarget, ReturningClause, UpdateStmt, WithClause,
};
use std::sync::Arc;

/// A write in the making: labels still count uses.
#[derive(Debug)]
pub(super) struct Draft {
    pub number: usize,
    pub at: i32,
    pub manner: Manner,
    pub verbs: Vec<Verb>,
    pub assigned: Vec<DraftAssignment>,
}

impl Draft {
    /// A write that finds its rows by its own conditions.
    pub(super) fn plain(target: &Target<'_>, verb: Verb, assigned: Vec<DraftAssignment>) -> Draft {
        Draft { number: target.number, at: target.at, manner: Manner::Plain, verbs: vec![verb], assigned }
    }
}

#[derive(Debug)]
pub(super) struct DraftAssignment {
    pub index: usize,
    pub right: Right,
    pub at: i32,
    pub label: Label,
    /// See [`Assignment::arbitrates`].
    pub arbitrates: bool,
}

impl<'a> Resolver<'a> {
    /// Resolves a statement that writes; returns the columns of its RETURNING.
    pub(super) fn write(&mut self, node: &mut NodeEnum) -> Outcome<Columns> {
        let frames = self.ctes.len();
        let levels = self.levels.len();
        let columns = match node {
            NodeEnum::InsertStmt(insert) => self.insert(insert),
            NodeEnum::UpdateStmt(update) => self.update(update),
            NodeEnum::DeleteStmt(delete) => self.delete(delete),
            NodeEnum::MergeStmt(merge) => self.merge(merge),
            other => not_understood(words(other), -1),
        };
        self.levels.truncate(levels);
        self.ctes.truncate(frames);
        columns
    }

    pub(super) fn with_clause(&mut self, with: &mut Option<WithClause>) -> Outcome<()> {
        with.as_mut().map_or(Ok(()), |with| self.with(with))
    }

    fn insert(&mut self, insert: &mut InsertStmt) -> Outcome<Columns> {
        let InsertStmt {
            relation,
            cols,
            select_stmt,
            on_conflict_clause,
            returning_clause,
            with_clause,
            r#override: _,
        } = insert;
        self.with_clause(with_clause)?;
        let target = self.target(relation, Right::Insert)?;
        if let Some(view) = &target.view
            && view.reading == Reading::Refused
            && (on_conflict_clause.is_some() || returning_clause.is_some())
        {
            let name = quote_qualified(&view.relation.schema, &view.relation.name);
            let what = format!("what an INSERT into view {name} reads, whose rows are filtered or columns masked,");
            return not_understood(what, target.at);
        }
        let mut labels = Vec::new();
        match select_stmt.as_mut().map(|node| &mut node.node) {
            None => {}
            Some(Some(NodeEnum::SelectStmt(select))) => match self.query(select, Some(Usage::Output))? {
                Columns::Known(columns) => labels.extend(columns.iter().map(|column| column.label.clone())),
                Columns::Opaque(_) => return not_understood("INSERT of columns that are not known", target.at),
            },
            Some(Some(other)) => return not_understood(words(other), target.at),
            Some(None) => return not_understood("an empty source of INSERT", target.at),
        }
        // A level without entries: nothing is in sight of a column list.
        self.levels.push(Level::default());
        let assigned = self.insert_columns(&target, cols, &labels)?;
        self.levels.pop();
        let mut draft = Draft::plain(&target, Verb::Insert, assigned);
        if let Some(conflict) = on_conflict_clause {
            self.on_conflict(conflict, &target, &mut draft)?;
        }
        self.drafts.push(draft);
        self.levels.push(Level::default());
        self.push_entry(target.entry());
        self.push_old_and_new(&target);
        self.returning(returning_clause)
    }

    /// The columns that an INSERT gives values to; written out where the statement leaves them to their order.
    pub(super) fn insert_columns(
        &mut self,
        target: &Target<'_>,
        cols: &mut Vec<Node>,
        labels: &[Label],
    ) -> Outcome<Vec<DraftAssignment>> {
        if cols.is_empty() {
            // Where there are more values than columns the server says so.
            cols.extend(target.names().iter().take(labels.len()).map(|name| named(name)));
        }
        let mut assigned = Vec::with_capacity(cols.len());
        for (position, node) in cols.iter_mut().enumerate() {
            let Some(NodeEnum::ResTarget(column)) = &mut node.node else {
                return not_understood("a column list", target.at);
            };
            let ResTarget { name, indirection, val: _, location } = &mut **column;
            let index = target.column(name, Right::Insert, *location)?;
            let steps = self.steps(indirection, Some(Usage::Output))?;
            let label = labels.get(position).cloned().unwrap_or_default().join(&steps);
            assigned.push(DraftAssignment { index, right: Right::Insert, at: *location, label, arbitrates: false });
        }
        Ok(assigned)
    }

    fn on_conflict(&mut self, conflict: &mut OnConflictClause, target: &Target<'_>, draft: &mut Draft) -> Outcome<()> {
        let OnConflictClause { action, infer, target_list, where_clause, location } = conflict;
        self.levels.push(Level::default());
        self.push_entry(target.entry());
        // The columns whose new values decide whether a row meets another. It may be any where a constraint is named, or none
        // is, or an index holds expressions or but some of the rows.
        let mut arbiters: Option<Vec<usize>> = None;
        if let Some(infer) = infer {
            let InferClause { index_elems, where_clause, conname, location: inferred } = &mut **infer;
            arbiters = (conname.is_empty() && where_clause.is_none()).then(Vec::new);
            if let Some(tie) = target.relation.ties.iter().find(|tie| !tie.computes && *tie.name == **conname) {
                let columns = target.relation.columns.iter().enumerate();
                let columns = columns.filter(|(_, column)| tie.columns.contains(&column.number));
                let columns: Vec<usize> = columns.map(|(index, _)| index).collect();
                for index in &columns {
                    self.touch(&Label::of((target.number, *index)), Some(Usage::Lookup), *inferred);
                }
                arbiters = (columns.len() == tie.columns.len()).then_some(columns);
            }
            for node in index_elems {
                let Some(NodeEnum::IndexElem(element)) = &mut node.node else {
                    return not_understood("a conflict target", *location);
                };
                let column = self.arbiter(element, target, *inferred)?;
                arbiters = arbiters.zip(column).map(|(mut arbiters, column)| {
                    arbiters.push(column);
                    arbiters
                });
            }
            if let Some(predicate) = where_clause {
                self.expression(predicate, Some(Usage::Filter))?;
            }
        }
        for assigned in &mut draft.assigned {
            assigned.arbitrates = arbiters.as_ref().is_none_or(|arbiters| arbiters.contains(&assigned.index));
        }
        match OnConflictAction::try_from(*action) {
            Ok(OnConflictAction::OnconflictNothing) => {}
            Ok(OnConflictAction::OnconflictUpdate) => {
                draft.manner = Manner::Upsert;
                draft.verbs.push(Verb::Update);
                let excluded: Vec<Visible> = target.excluded(&draft.assigned);
                self.push_entry(super::from::derived(Some("excluded".into()), known(excluded)));
                let mut more = self.assignments(target, target_list)?;
                draft.assigned.append(&mut more);
                if let Some(condition) = where_clause {
                    self.condition(condition, Usage::Filter)?;
                }
            }
            Ok(OnConflictAction::OnconflictNone | OnConflictAction::Undefined) | Err(_) => {
                return not_understood("ON CONFLICT", *location);
            }
        }
        self.levels.pop();
        Ok(())
    }

    /// One element of a conflict target: a column, whose index is returned, or an expression.
    fn arbiter(&mut self, element: &mut IndexElem, target: &Target<'_>, at: i32) -> Outcome<Option<usize>> {
        let IndexElem {
            name,
            expr,
            indexcolname: _,
            collation: _,
            opclass,
            opclassopts: _,
            ordering: _,
            nulls_ordering: _,
        } = element;
        if !opclass.is_empty() {
            return not_understood("an operator class", at);
        }
        if !name.is_empty() {
            if !target.names().iter().any(|known| **known == **name) {
                return unresolved(SqlState::UNDEFINED_COLUMN, format!("column \"{name}\" does not exist"), at);
            }
            let index = target.column(name, Right::Update, at)?;
            self.touch(&Label::of((target.number, index)), Some(Usage::Lookup), at);
            return Ok(Some(index));
        }
        if let Some(expression) = expr {
            self.expression(expression, Some(Usage::Filter))?;
        }
        Ok(None)
    }

    fn update(&mut self, update: &mut UpdateStmt) -> Outcome<Columns> {
        let UpdateStmt { relation, target_list, where_clause, from_clause, returning_clause, with_clause } = update;
        let whole = std::mem::take(&mut self.whole);
        self.with_clause(with_clause)?;
        let target = self.target(relation, Right::Update)?;
        self.levels.push(Level::default());
        self.push_entry(target.entry());
        self.resolve_from(from_clause)?;
        let assigned = self.assignments(&target, target_list)?;
        self.whole = whole;
        self.target_condition(&target, where_clause)?;
        self.drafts.push(Draft::plain(&target, Verb::Update, assigned));
        self.push_old_and_new(&target);
        self.returning(returning_clause)
    }

    fn delete(&mut self, delete: &mut DeleteStmt) -> Outcome<Columns> {
        let DeleteStmt { relation, using_clause, where_clause, returning_clause, with_clause } = delete;
        let whole = std::mem::take(&mut self.whole);
        self.with_clause(with_clause)?;
        let target = self.target(relation, Right::Delete)?;
        self.levels.push(Level::default());
        self.push_entry(target.entry());
        self.resolve_from(using_clause)?;
        self.whole = whole;
        self.target_condition(&target, where_clause)?;
        self.drafts.push(Draft::plain(&target, Verb::Delete, Vec::new()));
        self.push_old_and_new(&target);
        self.returning(returning_clause)
    }

    /// The SET list of an UPDATE.
    pub(super) fn assignments(&mut self, target: &Target<'_>, list: &mut [Node]) -> Outcome<Vec<DraftAssignment>> {
        let mut assigned = Vec::with_capacity(list.len());
        // The columns of `(a, b) = (…)` share one source.
        let mut shared = Label::none();
        for node in list {
            let Some(NodeEnum::ResTarget(column)) = &mut node.node else {
                return not_understood("a SET list", target.at);
            };
            let ResTarget { name, indirection, val, location } = &mut **column;
            let index = target.column(name, Right::Update, *location)?;
            let steps = self.steps(indirection, Some(Usage::Output))?;
            let value = match val.as_mut().map(|value| &mut value.node) {
                Some(Some(NodeEnum::MultiAssignRef(multiple))) => {
                    keep_first_source(multiple);
                    if let Some(source) = &mut multiple.source {
                        shared = self.expression(source, Some(Usage::Output))?;
                    }
                    shared.clone()
                }
                Some(_) => {
                    val.as_mut().map_or(Ok(Label::none()), |value| self.expression(value, Some(Usage::Output)))?
                }
                None => return not_understood("a column that is set to nothing", *location),
            };
            let label = value.join(&steps);
            assigned.push(DraftAssignment { index, right: Right::Update, at: *location, label, arbitrates: false });
        }
        Ok(assigned)
    }

    /// Resolves the WHERE of a write and adds the target's row conditions.
    fn target_condition(&mut self, target: &Target<'_>, clause: &mut Option<Box<Node>>) -> Outcome<()> {
        let whole = std::mem::take(&mut self.whole);
        if matches!(clause.as_ref().map(|node| &node.node), Some(Some(NodeEnum::CurrentOfExpr(_)))) {
            // A cursor of this transaction: its rows were judged, under this purpose. The row conditions could not stand
            // beside it.
            if target.view.is_some() {
                let message = "WHERE CURRENT OF on a view is not implemented".to_owned();
                return unresolved(SqlState::FEATURE_NOT_SUPPORTED, message, -1);
            }
            if !target.shape.rows.is_empty() {
                let what = format!("WHERE CURRENT OF on {}, whose rows are filtered,", target.relation.name);
                return not_understood(what, target.at);
            }
            return Ok(());
        }
        let mut conjuncts = clause.take().map_or_else(Vec::new, |node| conjuncts(*node));
        let mut found = false;
        let mut looked_up = Vec::new();
        for conjunct in &mut conjuncts {
            if whole && target.view.is_none() && self.look_up_target(target, conjunct, &mut found)? {
                looked_up.push(std::mem::take(conjunct));
                continue;
            }
            let lookup = self.is_lookup(conjunct, target.number)?;
            self.deciding(conjunct, if lookup { Usage::Lookup } else { Usage::Filter })?;
        }
        conjuncts.retain(|conjunct| conjunct.node.is_some());
        // From here on names are those of the text: the table's, where it stands in a view's place.
        let shown = self.swap_target(target.table_entry());
        let of_view = target.view.as_ref().map_or(&[][..], |view| view.conditions_in_text());
        for condition in conjuncts.iter().chain(of_view) {
            self.leakproof = self.leakproof && self.is_leakproof(condition);
            self.harvest(condition);
        }
        // Each group is evaluated only on rows that meet those before it.
        for conditions in [&looked_up, of_view, &target.shape.rows] {
            if conditions.is_empty() {
                continue;
            }
            let mut open = conditions.to_vec();
            let (leakproof, others): (Vec<Node>, Vec<Node>) =
                conjuncts.into_iter().partition(|conjunct| is_plain(conjunct) && self.is_leakproof(conjunct));
            open.extend(leakproof);
            if let Some(others) = all_of(others) {
                open.push(case_when(all_of(conditions.to_vec()), others));
            }
            conjuncts = open;
        }
        self.swap_target(shown);
        *clause = all_of(conjuncts).map(Box::new);
        Ok(())
    }

    /// Puts another entry in the place of the target's, which is its level's first.
    fn swap_target(&mut self, entry: Option<Entry>) -> Option<Entry> {
        let first = self.levels.last_mut().and_then(|level| level.entries.first_mut());
        first.zip(entry).map(|(first, entry)| std::mem::replace(first, entry))
    }

    /// Whether a conjunct that is not resolved yet compares a column of the target for equality with given values.
    fn is_lookup(&self, node: &Node, number: usize) -> Outcome<bool> {
        let Some(NodeEnum::AExpr(expr)) = &node.node else { return Ok(false) };
        let (Some(left), Some(right)) = (&expr.lexpr, &expr.rexpr) else { return Ok(false) };
        let equality = matches!(expr.name.as_slice(), [name] if string(name) == Some("="));
        let given = match AExprKind::try_from(expr.kind) {
            Ok(AExprKind::AexprOp | AExprKind::AexprIn | AExprKind::AexprOpAny) => equality && is_given(right),
            Ok(_other_kind) => false,
            Err(_) => false,
        };
        let Some(NodeEnum::ColumnRef(reference)) = &left.node else { return Ok(false) };
        let names: Vec<&str> = reference.fields.iter().filter_map(string).collect();
        let found = match (names.as_slice(), given) {
            ([name], true) => match self.find_column(name, reference.location)? {
                Found::Column(_, column) => column.base,
                Found::System(..) | Found::Opaque(..) | Found::Nothing => None,
            },
            ([alias, name], true) => match self.find_entry(None, alias, reference.location)? {
                Some(place) => match self.columns_at(place) {
                    Columns::Known(columns) => {
                        columns.iter().find(|column| *column.name == **name).and_then(|column| column.base)
                    }
                    Columns::Opaque(_) => None,
                },
                None => None,
            },
            _anything_else => None,
        };
        // Where the policy has look-ups of its own, nothing else is one.
        let bounded =
            |index| self.relation_of(number).is_some_and(|relation| self.context.rulings.looks_up(relation, index));
        Ok(found.is_some_and(|(found, index)| found == number && !bounded(index)))
    }

    /// `old` and `new` in RETURNING, from PostgreSQL 18 on.
    pub(super) fn push_old_and_new(&mut self, target: &Target<'_>) {
        // Where the table stands in a view's place `old` and `new` are the table's.
        let moved = target.view.as_ref().is_some_and(|view| view.standing == Standing::Table);
        if self.context.catalog.server_version() < 180_000 || moved {
            return;
        }
        for name in ["old", "new"] {
            let Some(level) = self.levels.last() else { return };
            if level.entries.iter().any(|entry| entry.name.as_deref() == Some(name)) {
                continue;
            }
            let entry = target.entry_as(&Arc::from(name));
            self.push_entry(Entry { by_column: false, ..entry });
        }
    }

    pub(super) fn returning(&mut self, clause: &mut Option<ReturningClause>) -> Outcome<Columns> {
        let Some(ReturningClause { options, exprs }) = clause else { return Ok(known([])) };
        if !options.is_empty() {
            return not_understood("names for OLD and NEW in RETURNING", -1);
        }
        self.targets(exprs, Some(Usage::Output))
    }

    /// Columns that a row may get from their default. `DEFAULT` anywhere in the statement counts for every column that it
    /// gives a value to.
    fn defaulted(&self, draft: &Draft) -> Vec<usize> {
        let columns = self.relation_of(draft.number).map_or(0, |relation| relation.columns.len());
        let given = |index: usize| draft.assigned.iter().any(|a| a.index == index && a.right == Right::Insert);
        let inserts = draft.verbs.contains(&Verb::Insert);
        let assigned = |index: usize| draft.assigned.iter().any(|a| a.index == index);
        (0..columns).filter(|index| (inserts && !given(*index)) || (self.says_default && assigned(*index))).collect()
    }

    /// Finishes the drafts: labels that count uses become columns of relations.
    pub(super) fn finish_writes(&mut self) -> Vec<Write> {
        let source =
            |(number, index): &BaseColumn| ColumnSource { relation: self.uses[*number].relation, index: *index };
        let drafts = std::mem::take(&mut self.drafts);
        let finish = |draft: Draft| Write {
            relation: self.uses[draft.number].relation,
            at: draft.at,
            manner: draft.manner,
            defaulted: self.defaulted(&draft),
            verbs: draft.verbs,
            assigned: draft
                .assigned
                .into_iter()
                .map(|assigned| Assignment {
                    index: assigned.index,
                    right: assigned.right,
                    at: u32::try_from(assigned.at).ok(),
                    sources: assigned.label.columns().iter().map(source).collect(),
                    own: assigned.label.columns().iter().all(|(number, _)| *number == draft.number),
                    arbitrates: assigned.arbitrates,
                })
                .collect(),
        };
        drafts.into_iter().map(finish).collect()
    }
}

/// A column in a column list.
pub(super) fn named(name: &str) -> Node {
    let target = ResTarget { name: name.to_owned(), indirection: Vec::new(), val: None, location: -1 };
    Node { node: Some(NodeEnum::ResTarget(Box::new(target))) }
}

/// Constants and parameters, also cast, in a list or an array.
fn is_given(node: &Node) -> bool {
    match &node.node {
        Some(NodeEnum::AConst(_) | NodeEnum::ParamRef(_)) => true,
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_ref().is_some_and(|arg| is_given(arg)),
        Some(NodeEnum::List(list)) => list.items.iter().all(is_given),
        Some(NodeEnum::AArrayExpr(array)) => array.elements.iter().all(is_given),
        Some(_) | None => false,
    }
}

/// A comparison or test without a sub-query in it: one could evaluate anything on the row at hand.
fn is_plain(node: &Node) -> bool {
    match &node.node {
        Some(NodeEnum::AExpr(_) | NodeEnum::NullTest(_) | NodeEnum::ColumnRef(_)) => true,
        Some(NodeEnum::BoolExpr(expr)) => expr.args.iter().all(is_plain),
        Some(_) | None => false,
    }
}

/// The terms of a conjunction.
pub(super) fn conjuncts(node: Node) -> Vec<Node> {
    match node.node {
        Some(NodeEnum::BoolExpr(expr)) if expr.boolop == BoolExprType::AndExpr as i32 => {
            let BoolExpr { xpr: _, boolop: _, args, location: _ } = *expr;
            args.into_iter().flat_map(conjuncts).collect()
        }
        other => vec![Node { node: other }],
    }
}
