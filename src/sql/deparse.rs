//! A tree to text by libpg_query.
//!
//! A tree goes there serialised, and serialising takes the square of its depth. A long chain of set operations, the one
//! deep shape that programs write, is printed arm by arm instead. That the text means the tree is proved afterwards
//! ([`super::print`]), so nothing here needs to be trusted.

use super::build::empty_select;
use pg_query::NodeEnum;
use pg_query::protobuf::{Node, ParseResult, RawStmt, SelectStmt, SetOperation};

/// `PG_VERSION_NUM` of the grammar; the deparser wants it.
const PARSER_VERSION: i32 = 180_000;
/// Shorter chains are printed whole.
const LONG_CHAIN: usize = 32;

/// The text of a statement; `None` where it can't be written.
pub(super) fn deparse(tree: &Node) -> Option<String> {
    match &tree.node {
        Some(NodeEnum::SelectStmt(select)) => deparse_select(select),
        Some(_) | None => whole(tree.clone()),
    }
}

fn whole(tree: Node) -> Option<String> {
    let statement = RawStmt { stmt: Some(Box::new(tree)), stmt_location: 0, stmt_len: 0 };
    let wrapped = ParseResult { version: PARSER_VERSION, stmts: vec![statement] };
    pg_query::deparse(&wrapped, pg_query::DeparseOptions::default()).ok()
}

fn whole_select(select: SelectStmt) -> Option<String> {
    whole(Node { node: Some(NodeEnum::SelectStmt(Box::new(select))) })
}

fn deparse_select(select: &SelectStmt) -> Option<String> {
    let Some((first, rest)) = chain(select).filter(|(_, rest)| rest.len() >= LONG_CHAIN) else {
        return whole_select(select.clone());
    };
    let operator = match (SetOperation::try_from(select.op).ok()?, select.all) {
        (SetOperation::SetopUnion, true) => " UNION ALL ",
        (SetOperation::SetopUnion, false) => " UNION ",
        (SetOperation::SetopIntersect, true) => " INTERSECT ALL ",
        (SetOperation::SetopIntersect, false) => " INTERSECT ",
        (SetOperation::SetopExcept, true) => " EXCEPT ALL ",
        (SetOperation::SetopExcept, false) => " EXCEPT ",
        (SetOperation::SetopNone | SetOperation::Undefined, _) => return None,
    };
    // What stands around the arms, printed around an empty SELECT.
    let mut before = empty_select();
    before.with_clause = select.with_clause.clone();
    let mut text = whole_select(before)?.strip_suffix("SELECT")?.to_owned();
    text.push_str(&arm(first)?);
    for other in rest {
        text.push_str(operator);
        text.push_str(&arm(other)?);
    }
    let mut after = empty_select();
    after.sort_clause = select.sort_clause.clone();
    after.limit_count = select.limit_count.clone();
    after.limit_offset = select.limit_offset.clone();
    after.limit_option = select.limit_option;
    text.push_str(whole_select(after)?.strip_prefix("SELECT")?);
    Some(text)
}

/// The arms of a chain of one set operation, the first and the others in order.
fn chain(select: &SelectStmt) -> Option<(&SelectStmt, Vec<&SelectStmt>)> {
    let mut rest = vec![select.rarg.as_deref()?];
    let mut left = select.larg.as_deref()?;
    while left.op == select.op && left.all == select.all && is_bare(left) {
        rest.push(left.rarg.as_deref()?);
        left = left.larg.as_deref()?;
    }
    rest.reverse();
    Some((left, rest))
}

/// Whether nothing belongs to a set operation as a whole.
fn is_bare(select: &SelectStmt) -> bool {
    select.with_clause.is_none()
        && select.sort_clause.is_empty()
        && select.limit_count.is_none()
        && select.limit_offset.is_none()
        && select.locking_clause.is_empty()
}

fn arm(select: &SelectStmt) -> Option<String> {
    let text = deparse_select(select)?;
    Some(if is_bare(select) && select.larg.is_none() { text } else { format!("({text})") })
}
