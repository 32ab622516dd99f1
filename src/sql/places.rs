//! Where the literals of a statement stand: in a place that any value may take, or where what they are decides.

use super::parse::parse;
use super::shape::{Literal, Shape};
use super::walk::{Visitor, walk};
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::a_const::Val;
use pg_query::protobuf::{AConst, Node, ParamRef};
use std::collections::BTreeSet;

/// Where a literal of a shape stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Its value may decide what the statement means: `ORDER BY 1`, `varchar(5)`, `interval '1 day'`.
    Pinned,
    /// A value among others: an operand, an argument, a new value.
    Free,
    /// The same, and the sign in front of it belongs to it, as the grammar sees it.
    Negated,
}

impl Place {
    /// The bytes that the value takes, sign included; `None` where it is pinned.
    pub fn value<'t>(self, text: &'t str, literal: &Literal) -> Option<&'t str> {
        match self {
            Place::Pinned => None,
            Place::Free => text.get(literal.span.clone()),
            Place::Negated => text.get(literal.span.start.checked_sub(1)?..literal.span.end),
        }
    }
}

/// Where each literal of a text stands, if it is one statement that reads or writes data. Call inside
/// [`super::on_deep_stack`].
pub fn places(text: &str, shape: &Shape) -> Option<Vec<Place>> {
    let mut tree = only_statement(text)?;
    match &tree.node {
        Some(
            NodeEnum::SelectStmt(_)
            | NodeEnum::InsertStmt(_)
            | NodeEnum::UpdateStmt(_)
            | NodeEnum::DeleteStmt(_)
            | NodeEnum::MergeStmt(_),
        ) => {}
        Some(_) | None => return None,
    }
    let mut finder = Finder { text, at: BTreeSet::new() };
    walk(&mut tree, &mut finder).ok()?;
    let place = |literal: &Literal| {
        let start = literal.span.start;
        match start.checked_sub(1).filter(|sign| text.as_bytes().get(*sign) == Some(&b'-')) {
            _ if finder.at.contains(&start) => Place::Free,
            Some(sign) if finder.at.contains(&sign) => Place::Negated,
            Some(_) | None => Place::Pinned,
        }
    };
    Some(shape.literals.iter().map(place).collect())
}

/// The tree of a text that is one statement.
fn only_statement(text: &str) -> Option<Node> {
    let mut statements = parse(text).ok()?;
    statements.pop().filter(|_| statements.is_empty()).map(|statement| statement.tree)
}

/// Finds literals that are operands, arguments and values.
struct Finder<'t> {
    text: &'t str,
    at: BTreeSet<usize>,
}

impl Finder<'_> {
    fn free(&mut self, node: &Node) {
        if let Some(NodeEnum::AConst(AConst { isnull: false, val: Some(val), location })) = &node.node
            && matches!(val, Val::Ival(_) | Val::Fval(_) | Val::Sval(_))
            && let Ok(at) = usize::try_from(*location)
        {
            self.at.insert(at);
        }
    }

    fn each<'n>(&mut self, nodes: impl IntoIterator<Item = &'n Node>) {
        for node in nodes {
            match &node.node {
                Some(NodeEnum::List(list)) => list.items.iter().for_each(|item| self.free(item)),
                Some(_) | None => self.free(node),
            }
        }
    }

    /// `date '2000-01-01'` is no cast of a value: the type stands in front.
    fn is_cast(&self, cast: i32, value: Option<&Node>) -> bool {
        let Some(NodeEnum::AConst(value)) = value.and_then(|value| value.node.as_ref()) else { return false };
        let word = usize::try_from(cast).ok().and_then(|at| self.text.get(at..at + 4));
        cast > value.location || word.is_some_and(|word| word.eq_ignore_ascii_case("cast"))
    }
}

impl Visitor for Finder<'_> {
    // What is not listed is pinned, so a node that is missed here costs time. One that is listed and should not be is a hole:
    // in each place of these the server makes the same of a constant and of a parameter. In a row it does not: `GROUP BY (1, 2)`
    // are two targets.
    fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
        match &node.node {
            Some(NodeEnum::AExpr(expr)) => self.each(expr.lexpr.as_deref().into_iter().chain(expr.rexpr.as_deref())),
            Some(NodeEnum::FuncCall(call)) => self.each(&call.args),
            Some(NodeEnum::CoalesceExpr(call)) => self.each(&call.args),
            Some(NodeEnum::MinMaxExpr(call)) => self.each(&call.args),
            Some(NodeEnum::AArrayExpr(array)) => self.each(&array.elements),
            Some(NodeEnum::CaseExpr(case)) => self.each(case.defresult.as_deref()),
            Some(NodeEnum::CaseWhen(when)) => self.each(when.result.as_deref()),
            Some(NodeEnum::TypeCast(cast)) if self.is_cast(cast.location, cast.arg.as_deref()) => {
                self.each(cast.arg.as_deref());
            }
            Some(NodeEnum::SelectStmt(select)) => {
                self.each(&select.values_lists);
                // LIMIT has few values, and where rows are bounded its own says how many they are.
                self.each(select.limit_offset.as_deref());
            }
            Some(NodeEnum::UpdateStmt(update)) => {
                for target in &update.target_list {
                    if let Some(NodeEnum::ResTarget(target)) = &target.node {
                        self.each(target.val.as_deref());
                    }
                }
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    fn location(&mut self, _at: &mut i32) {}
}

/// The parameters of one statement, by the bytes where they stand. Call inside [`super::on_deep_stack`].
pub fn parameters(text: &str) -> Option<Vec<(usize, i32)>> {
    struct Parameters(Vec<(i32, i32)>);
    impl Visitor for Parameters {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            if let Some(NodeEnum::ParamRef(ParamRef { number, location })) = &node.node {
                self.0.push((*location, *number));
            }
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let mut tree = only_statement(text)?;
    let mut found = Parameters(Vec::new());
    walk(&mut tree, &mut found).ok()?;
    found.0.sort_unstable();
    // Several nodes may share what the parser made of one.
    found.0.dedup();
    found.0.into_iter().map(|(at, number)| Some((usize::try_from(at).ok()?, number))).collect()
}
