//! The nearest form of a refused query that is permitted: without the columns that are closed, or its rows counted.

use super::explain::RelationReport;
use super::{Judged, Limits, Plan, View, judge_text};
use crate::catalog::quote_identifier;
use crate::policy::Effect;
use crate::sql::{parse, print};
use crate::vocab::{Usage, UsageSet};
use pg_query::NodeEnum;
use pg_query::protobuf::{LimitOption, Node, SelectStmt, SetOperation};

/// How many columns of a result are tried.
const MOST_TARGETS: usize = 200;

/// A statement that is permitted and asks for as much of this one as may be; `None` where none was found.
pub(super) fn nearest(view: &View, limits: &Limits, tree: &Node, relations: &[RelationReport]) -> Option<String> {
    let most = view.purpose().and_then(|purpose| view.bound().policy().max_rows(purpose));
    let limited = most.and_then(|most| super::bounded::with_limit(tree, most.asked.rows));
    let Some(NodeEnum::SelectStmt(select)) = &limited.as_ref().unwrap_or(tree).node else { return None };
    if select.op != SetOperation::SetopNone as i32 || select.target_list.is_empty() {
        return None;
    }
    let targets: Vec<Node> = select.target_list.iter().flat_map(|target| written_out(target, relations)).collect();
    if targets.len() > MOST_TARGETS {
        return None;
    }
    let with = |targets: Vec<Node>| Node {
        node: Some(NodeEnum::SelectStmt(Box::new(SelectStmt { target_list: targets, ..(**select).clone() }))),
    };
    let open = targets.into_iter().filter(|target| permitted(view, limits, &with(vec![target.clone()])).is_some());
    let open: Vec<Node> = open.collect();
    let shorter = (!open.is_empty()).then(|| permitted(view, limits, &with(open))).flatten();
    shorter.or_else(|| permitted(view, limits, &counted(select)?))
}

/// The text of a statement, if it is permitted.
fn permitted(view: &View, limits: &Limits, tree: &Node) -> Option<String> {
    let text = print(tree).ok()?.text;
    let Judged::One(planned) = judge_text(view, &text, limits) else { return None };
    match planned.plan {
        Plan::Forward | Plan::Rewrite(_) => Some(text),
        Plan::Refuse(_) => None,
    }
}

/// A target, and in the place of a star the columns that it stands for and that show something.
fn written_out(target: &Node, relations: &[RelationReport]) -> Vec<Node> {
    let Some(of) = star_of(target) else { return vec![target.clone()] };
    let shown = |relation: &&RelationReport| of.as_deref().is_none_or(|alias| *relation.alias == *alias);
    let mut columns = Vec::new();
    for relation in relations.iter().filter(shown) {
        let output = |usages: &UsageSet| usages.contains(Usage::Output);
        let open = relation.columns.iter().filter(|column| column.effect != Effect::Deny && output(&column.usages));
        columns.extend(open.filter_map(|column| {
            let (alias, column) = (quote_identifier(&relation.alias), quote_identifier(&column.column));
            target_of(&format!("SELECT {alias}.{column}"))
        }));
    }
    columns
}

/// Whether a target is `*` (`Some(None)`) or `alias.*`.
fn star_of(target: &Node) -> Option<Option<String>> {
    let Some(NodeEnum::ResTarget(target)) = &target.node else { return None };
    let Some(NodeEnum::ColumnRef(reference)) = &target.val.as_ref()?.node else { return None };
    match reference.fields.as_slice() {
        [Node { node: Some(NodeEnum::AStar(_)) }] => Some(None),
        [Node { node: Some(NodeEnum::String(alias)) }, Node { node: Some(NodeEnum::AStar(_)) }] => {
            Some(Some(alias.sval.clone()))
        }
        _no_star => None,
    }
}

/// The same rows, counted.
fn counted(select: &SelectStmt) -> Option<Node> {
    let select = SelectStmt {
        target_list: vec![target_of("SELECT count(*)")?],
        distinct_clause: Vec::new(),
        sort_clause: Vec::new(),
        group_clause: Vec::new(),
        having_clause: None,
        limit_count: None,
        limit_offset: None,
        limit_option: LimitOption::Default as i32,
        locking_clause: Vec::new(),
        ..select.clone()
    };
    Some(Node { node: Some(NodeEnum::SelectStmt(Box::new(select))) })
}

fn target_of(sql: &str) -> Option<Node> {
    let statement = parse(sql).ok()?.pop()?;
    let Some(NodeEnum::SelectStmt(select)) = statement.tree.node else { return None };
    select.target_list.into_iter().next()
}
