//! Trees that we build ourselves.

use super::parse::parse;
use super::walk::{Visitor, walk};
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::{BoolExpr, BoolExprType, CaseExpr, CaseWhen, LimitOption, Node, SelectStmt, SetOperation};

/// A SELECT without anything in it.
pub fn empty_select() -> SelectStmt {
    SelectStmt {
        distinct_clause: Vec::new(),
        into_clause: None,
        target_list: Vec::new(),
        from_clause: Vec::new(),
        where_clause: None,
        group_clause: Vec::new(),
        group_distinct: false,
        having_clause: None,
        window_clause: Vec::new(),
        values_lists: Vec::new(),
        sort_clause: Vec::new(),
        limit_offset: None,
        limit_count: None,
        limit_option: LimitOption::Default as i32,
        locking_clause: Vec::new(),
        with_clause: None,
        op: SetOperation::SetopNone as i32,
        all: false,
        larg: None,
        rarg: None,
    }
}

/// The conjunction of some conditions; `None` of none.
pub fn all_of(mut conditions: Vec<Node>) -> Option<Node> {
    if conditions.len() < 2 {
        return conditions.pop();
    }
    let boolop = BoolExprType::AndExpr as i32;
    let all = BoolExpr { xpr: None, boolop, args: conditions, location: -1 };
    Some(Node { node: Some(NodeEnum::BoolExpr(Box::new(all))) })
}

/// `CASE WHEN condition THEN result END`: the result is evaluated only where the condition holds.
pub fn case_when(condition: Option<Node>, result: Node) -> Node {
    let when = CaseWhen { xpr: None, expr: condition.map(Box::new), result: Some(Box::new(result)), location: -1 };
    let case = CaseExpr {
        xpr: None,
        casetype: 0,
        casecollid: 0,
        arg: None,
        args: vec![Node { node: Some(NodeEnum::CaseWhen(Box::new(when))) }],
        defresult: None,
        location: -1,
    };
    Node { node: Some(NodeEnum::CaseExpr(Box::new(case))) }
}

/// Parses an expression that we wrote ourselves. It has no locations.
pub fn expression(sql: &str) -> Option<Node> {
    let mut parsed = parse(&format!("SELECT {sql}")).ok()?;
    let mut node = only_target(parsed.pop()?.tree)?;
    clear_locations(&mut node).ok()?;
    Some(node)
}

/// The value of a query's only target.
pub fn only_target(tree: Node) -> Option<Node> {
    let Some(NodeEnum::SelectStmt(mut select)) = tree.node else { return None };
    let (Some(target), true) = (select.target_list.pop(), select.target_list.is_empty()) else { return None };
    let Some(NodeEnum::ResTarget(target)) = target.node else { return None };
    target.val.map(|value| *value)
}

/// Sets every location to -1: the tree stands in no text.
pub fn clear_locations(node: &mut Node) -> Result<(), NotUnderstood> {
    struct Clearer;
    impl Visitor for Clearer {
        fn node(&mut self, _node: &mut Node) -> Result<(), NotUnderstood> {
            Ok(())
        }
        fn location(&mut self, at: &mut i32) {
            *at = -1;
        }
    }
    walk(node, &mut Clearer)
}
