//! Expressions. Every node is taken apart whole; what is not listed is refused by name.

use super::Stars;
use super::columns::{MOST_TARGETS, Value, column_node, target_node};
use super::known::Known;
use super::label::Label;
use super::resolver::{Found, Outcome, Resolver, Use, not_understood, unresolved};
use super::scope::Written;
use crate::sql::{string, words};
use crate::vocab::{SqlState, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AArrayExpr, AExpr, AIndices, AIndirection, BoolExpr, BooleanTest, CaseExpr, CaseWhen, CoalesceExpr, CollateClause,
    GroupingFunc, List, MergeSupportFunc, MinMaxExpr, NamedArgExpr, Node, NullTest, ResTarget, RowExpr, SetToDefault,
    SortBy, SqlValueFunction, SubLink, SubLinkType, TypeCast, WindowDef,
};

impl Resolver<'_> {
    /// Resolves an expression; returns what its value depends on.
    pub(super) fn expression(&mut self, node: &mut Node, usage: Use) -> Outcome<Label> {
        Ok(self.value(node, usage)?.label)
    }

    pub(super) fn expressions(&mut self, nodes: &mut [Node], usage: Use) -> Outcome<Label> {
        let mut label = Label::none();
        for node in nodes {
            label = label.join(&self.expression(node, usage)?);
        }
        Ok(label)
    }

    fn optional(&mut self, node: &mut Option<Box<Node>>, usage: Use) -> Outcome<Label> {
        node.as_mut().map_or(Ok(Label::none()), |node| self.expression(node, usage))
    }

    /// Resolves an expression, and tells whether it is a column or a whole row.
    pub(super) fn value(&mut self, node: &mut Node, usage: Use) -> Outcome<Value> {
        if let Some(NodeEnum::AIndirection(_)) = &node.node {
            return self.indirection(node, usage);
        }
        if let Some(NodeEnum::FuncCall(_)) = &node.node {
            return self.call(node, usage);
        }
        let Some(inner) = &mut node.node else { return Ok(Value::of(Label::none())) };
        if let Some(label) = self.construct(inner, usage)? {
            return Ok(Value::of(label));
        }
        let label = match inner {
            NodeEnum::ColumnRef(reference) => {
                let at = reference.location;
                let value = self.column_ref(reference, usage)?;
                if let Some(Written::Instead(_)) = value.column.as_ref().map(|column| &column.written) {
                    *node =
                        column_node(&value.column.as_ref().map_or(Written::Bare("".into()), |c| c.written.clone()), at);
                }
                return Ok(value);
            }
            NodeEnum::SetToDefault(default) => {
                let SetToDefault { xpr: _, type_id: _, type_mod: _, collation: _, location: _ } = &**default;
                self.says_default = true;
                Label::none()
            }
            NodeEnum::AConst(_) | NodeEnum::ParamRef(_) => Label::none(),
            NodeEnum::AExpr(expr) => {
                let AExpr { kind, name, lexpr, rexpr, rexpr_list_start: _, rexpr_list_end: _, location } = &mut **expr;
                let label = self.optional(lexpr, usage)?.join(&self.optional(rexpr, usage)?);
                label.join(&self.operator_of(*kind, name, (lexpr.as_deref(), rexpr.as_deref()), *location)?)
            }
            NodeEnum::List(List { items }) => self.expressions(items, usage)?,
            NodeEnum::BoolExpr(expr) => {
                let BoolExpr { xpr: _, boolop: _, args, location: _ } = &mut **expr;
                self.expressions(args, usage)?
            }
            NodeEnum::NullTest(test) => {
                let NullTest { xpr: _, arg, nulltesttype: _, argisrow: _, location: _ } = &mut **test;
                self.optional(arg, usage)?
            }
            NodeEnum::BooleanTest(test) => {
                let BooleanTest { xpr: _, arg, booltesttype: _, location: _ } = &mut **test;
                self.optional(arg, usage)?
            }
            NodeEnum::CaseExpr(case) => {
                let CaseExpr { xpr: _, casetype: _, casecollid: _, arg, args, defresult, location } = &mut **case;
                let label = self.optional(arg, usage)?.join(&self.expressions(args, usage)?);
                let label = label.join(&self.optional(defresult, usage)?);
                match arg {
                    Some(arg) => label.join(&self.operator_of_case(arg, args, *location)?),
                    None => label,
                }
            }
            NodeEnum::CaseWhen(when) => {
                let CaseWhen { xpr: _, expr, result, location: _ } = &mut **when;
                self.optional(expr, usage)?.join(&self.optional(result, usage)?)
            }
            NodeEnum::CoalesceExpr(coalesce) => {
                let CoalesceExpr { xpr: _, coalescetype: _, coalescecollid: _, args, location: _ } = &mut **coalesce;
                self.expressions(args, usage)?
            }
            NodeEnum::MinMaxExpr(extreme) => {
                let MinMaxExpr { xpr: _, minmaxtype: _, minmaxcollid: _, inputcollid: _, op: _, args, location: _ } =
                    &mut **extreme;
                self.expressions(args, usage)?
            }
            NodeEnum::SqlvalueFunction(function) => {
                let SqlValueFunction { xpr: _, op: _, r#type: _, typmod: _, location: _ } = &**function;
                Label::none()
            }
            // merge_action(): which WHEN it was. What decided that is used there.
            NodeEnum::MergeSupportFunc(function) => {
                let MergeSupportFunc { xpr: _, msftype: _, msfcollid: _, location: _ } = &**function;
                Label::none()
            }
            NodeEnum::NamedArgExpr(named) => {
                let NamedArgExpr { xpr: _, arg, name: _, argnumber: _, location: _ } = &mut **named;
                self.optional(arg, usage)?
            }
            NodeEnum::SubLink(link) => self.sublink(link, usage)?,
            NodeEnum::TypeCast(cast) => {
                let TypeCast { arg, type_name, location } = &mut **cast;
                let label = self.optional(arg, usage)?;
                let Some(name) = type_name else { return Ok(Value::of(label)) };
                match arg.as_deref().map(|arg| &arg.node) {
                    // A row is cast field by field.
                    Some(Some(NodeEnum::RowExpr(row))) => {
                        let mut label = label.join(&self.type_name(name, Known::Untyped, *location)?);
                        for field in &row.args {
                            let from = self.known(Some(field));
                            label = label.join(&self.type_name(name, from, *location)?);
                        }
                        label
                    }
                    _value => {
                        let from = self.known(arg.as_deref());
                        label.join(&self.type_name(name, from, *location)?)
                    }
                }
            }
            NodeEnum::CollateClause(collate) => {
                let CollateClause { arg, collname: _, location: _ } = &mut **collate;
                self.optional(arg, usage)?
            }
            NodeEnum::AArrayExpr(array) => {
                let AArrayExpr { elements, list_start: _, list_end: _, location: _ } = array;
                self.expressions(elements, usage)?
            }
            NodeEnum::RowExpr(row) => {
                let RowExpr { xpr: _, args, row_typeid: _, row_format: _, colnames: _, location: _ } = &mut **row;
                let labels = self.fields(args, usage)?;
                labels.iter().fold(Label::none(), Label::join)
            }
            NodeEnum::GroupingFunc(grouping) => {
                let GroupingFunc { xpr: _, args, refs: _, agglevelsup: _, location: _ } = &mut **grouping;
                self.expressions(args, Some(Usage::Group))?
            }
            other => return not_understood(words(other), -1),
        };
        Ok(Value::of(label))
    }

    /// The fields of a ROW or of a row of VALUES, where a star stands for all columns. A label for each.
    pub(super) fn fields(&mut self, args: &mut Vec<Node>, usage: Use) -> Outcome<Vec<Label>> {
        let mut labels = Vec::with_capacity(args.len());
        let mut expanded = Vec::with_capacity(args.len());
        for mut arg in std::mem::take(args) {
            let is_star = matches!(&arg.node, Some(NodeEnum::ColumnRef(reference))
                if reference.fields.iter().any(|field| string(field).is_none()));
            if !is_star {
                labels.push(self.expression(&mut arg, usage)?);
                expanded.push(arg);
                continue;
            }
            let Some(NodeEnum::ResTarget(target)) = target_node(arg, -1).node else { continue };
            let whole = self.with_stars(Stars::Whole, |row| row.star(&target, usage));
            let Some((nodes, columns)) = whole? else { continue };
            if nodes.len() != columns.len() {
                return not_understood("a star over two columns of the same name", target.location);
            }
            labels.extend(columns.into_iter().map(|column| column.label));
            if labels.len() > MOST_TARGETS {
                let message = format!("ROW expressions can have at most {MOST_TARGETS} entries");
                return unresolved(SqlState::TOO_MANY_COLUMNS, message, target.location);
            }
            for node in nodes {
                if let Some(NodeEnum::ResTarget(target)) = node.node {
                    let ResTarget { name: _, indirection: _, val, location: _ } = *target;
                    expanded.extend(val.map(|value| *value));
                }
            }
        }
        *args = expanded;
        Ok(labels)
    }

    fn sublink(&mut self, link: &mut SubLink, usage: Use) -> Outcome<Label> {
        let SubLink { xpr: _, sub_link_type, sub_link_id: _, testexpr, oper_name, subselect, location } = link;
        let inner = match SubLinkType::try_from(*sub_link_type) {
            // Only whether there is a row matters.
            Ok(SubLinkType::ExistsSublink) => None,
            Ok(SubLinkType::AllSublink | SubLinkType::AnySublink | SubLinkType::RowcompareSublink) => usage,
            Ok(SubLinkType::ExprSublink | SubLinkType::ArraySublink) => usage,
            Ok(SubLinkType::Undefined | SubLinkType::MultiexprSublink | SubLinkType::CteSublink) | Err(_) => {
                return not_understood("a sub-query of an unknown kind", *location);
            }
        };
        let label = self.optional(testexpr, usage)?;
        let Some(NodeEnum::SelectStmt(select)) = subselect.as_mut().and_then(|node| node.node.as_mut()) else {
            return not_understood("a sub-query that is no SELECT", *location);
        };
        let columns = self.with_stars(Stars::Whole, |query| query.query(select, inner))?;
        let label = label.join(&super::resolver::label_of(&columns));
        match testexpr {
            Some(tested) => Ok(label.join(&self.operator_of_sublink(oper_name, tested, *location)?)),
            None => Ok(label),
        }
    }

    /// `(value).field[subscript]…`; `(t).field` is the column `t.field`.
    fn indirection(&mut self, node: &mut Node, usage: Use) -> Outcome<Value> {
        let Some(NodeEnum::AIndirection(indirection)) = &mut node.node else { return Ok(Value::of(Label::none())) };
        let AIndirection { arg, indirection: steps } = &mut **indirection;
        if let Some(Node { node: Some(NodeEnum::ColumnRef(reference)) }) = arg.as_deref()
            && let [field] = reference.fields.as_slice()
            && let (Some(row), Some(name)) = (string(field), steps.first().and_then(string))
        {
            let (at, name) = (reference.location, name.to_owned());
            if matches!(self.find_column(row, at)?, Found::Nothing)
                && let Some(place) = self.find_entry(None, row, at)?
                && let Some((written, value)) = self.column_of(place, &name, usage, at)?
            {
                steps.remove(0);
                let column = column_node(&written, at);
                if steps.is_empty() {
                    *node = column;
                    return Ok(value);
                }
                *arg = Some(Box::new(column));
                let label = value.label.join(&self.steps(steps, usage)?);
                return Ok(Value::of(label));
            }
        }
        let label = self.optional(arg, usage)?;
        let label = label.join(&self.steps(steps, usage)?);
        Ok(Value::of(label))
    }

    pub(super) fn steps(&mut self, steps: &mut [Node], usage: Use) -> Outcome<Label> {
        let mut label = Label::none();
        for step in steps {
            match &mut step.node {
                Some(NodeEnum::String(name)) => label = label.join(&self.attribute(&name.sval, -1)?),
                Some(NodeEnum::AIndices(indices)) => {
                    let AIndices { is_slice: _, lidx, uidx } = &mut **indices;
                    label = label.join(&self.optional(lidx, usage)?).join(&self.optional(uidx, usage)?);
                }
                Some(other) => return not_understood(words(other), -1),
                None => {}
            }
        }
        Ok(label)
    }

    /// A window definition, inline or of the WINDOW clause.
    pub(super) fn window(&mut self, window: &mut WindowDef) -> Outcome<Label> {
        let WindowDef {
            name: _,
            refname: _,
            partition_clause,
            order_clause,
            frame_options: _,
            start_offset,
            end_offset,
            location: _,
        } = window;
        let label = self.expressions(partition_clause, Some(Usage::Group))?;
        let label = label.join(&self.sort_list(order_clause)?);
        let label = label.join(&self.optional(start_offset, Some(Usage::Sort))?);
        Ok(label.join(&self.optional(end_offset, Some(Usage::Sort))?))
    }

    /// An ORDER BY whose names are columns only (inside aggregates and windows).
    pub(super) fn sort_list(&mut self, sorts: &mut [Node]) -> Outcome<Label> {
        let mut label = Label::none();
        for sort in sorts {
            let Some(NodeEnum::SortBy(sort)) = &mut sort.node else { return not_understood("ORDER BY", -1) };
            let SortBy { node, sortby_dir: _, sortby_nulls: _, use_op, location } = &mut **sort;
            label = label.join(&self.optional(node, Some(Usage::Sort))?);
            self.operator_named(use_op, (Known::Typed, Known::Typed), *location)?;
        }
        Ok(label)
    }
}
