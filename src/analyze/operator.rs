//! Operators: whether a user's operator could be meant, or could take the place of one that looks built-in.
//!
//! Operators stay unqualified in the text (their names appear in error messages). An operator outside `pg_catalog` that
//! the operands could reach must run a function that may be run.

use super::extension;
use super::known::Known;
use super::label::Label;
use super::resolver::{Outcome, Resolver, not_understood};
use crate::catalog::Operator;
use crate::sql::string;
use pg_query::NodeEnum;
use pg_query::protobuf::{AExprKind, Node};

impl<'a> Resolver<'a> {
    /// Checks an operator that is only implied, whatever its operands.
    pub(super) fn operator(&mut self, name: &str, at: i32) -> Outcome<()> {
        self.operator_between(name, Known::Nothing, Known::Nothing, at)?;
        Ok(())
    }

    /// Checks an operator by name between operands; returns what the functions that it may run read.
    pub(super) fn operator_between(&mut self, name: &str, left: Known, right: Known, at: i32) -> Outcome<Label> {
        let catalog = self.context.catalog;
        let path = self.context.path;
        let rivals = catalog.operators(name).filter(|operator| path.searches(&operator.schema));
        self.run_operators(rivals, (left, right), at)
    }

    fn run_operators(
        &mut self,
        operators: impl Iterator<Item = &'a Operator>,
        (left, right): (Known, Known),
        at: i32,
    ) -> Outcome<Label> {
        let mut label = Label::none();
        for operator in operators {
            if !(self.reaches(left, operator.left) && self.reaches(right, operator.right)) {
                continue;
            }
            self.in_play.extend([operator.left, operator.right]);
            if operator.extension.as_ref().is_some_and(|owner| !extension::is_closed(owner)) {
                continue;
            }
            let what = || not_understood(format!("operator {}.{}", operator.schema, operator.name), at);
            let Some(function) = self.context.catalog.function(operator.function) else { return what() };
            match self.run(function, at) {
                Ok(reads) => label = label.join(&reads),
                Err(super::Trouble::NotUnderstood(_)) => return what(),
                Err(unresolved @ super::Trouble::Unresolved(_)) => return Err(unresolved),
            }
        }
        Ok(label)
    }

    /// Checks the operator of an expression whose operands are resolved.
    pub(super) fn operator_of(
        &mut self,
        kind: i32,
        name: &[Node],
        (left, right): (Option<&Node>, Option<&Node>),
        at: i32,
    ) -> Outcome<Label> {
        let unrivalled = |name: &str| self.context.catalog.operators(name).next().is_none();
        if let [only] = name
            && string(only).is_some_and(|name| !name.contains("BETWEEN") && unrivalled(name))
        {
            return Ok(Label::none());
        }
        let elementwise = match AExprKind::try_from(kind) {
            Ok(
                AExprKind::AexprOp
                | AExprKind::AexprDistinct
                | AExprKind::AexprNotDistinct
                | AExprKind::AexprNullif
                | AExprKind::AexprLike
                | AExprKind::AexprIlike
                | AExprKind::AexprSimilar,
            ) => false,
            Ok(
                AExprKind::AexprOpAny
                | AExprKind::AexprOpAll
                | AExprKind::AexprIn
                | AExprKind::AexprBetween
                | AExprKind::AexprNotBetween
                | AExprKind::AexprBetweenSym
                | AExprKind::AexprNotBetweenSym
                | AExprKind::Undefined,
            )
            | Err(_) => true,
        };
        let is_row = |node: Option<&Node>| matches!(node.map(|node| &node.node), Some(Some(NodeEnum::RowExpr(_))));
        let known = match (is_row(left) || is_row(right), elementwise) {
            (true, _) => (Known::Nothing, Known::Nothing),
            (false, true) => (self.known(left), Known::Nothing),
            (false, false) => (self.known(left), self.known(right)),
        };
        self.operator_named(name, known, at)
    }

    /// Checks an operator by the name list of an expression (`=`, or `OPERATOR(schema.=)`).
    pub(super) fn operator_name(&mut self, name: &[Node], at: i32) -> Outcome<()> {
        self.operator_named(name, (Known::Nothing, Known::Nothing), at)?;
        Ok(())
    }

    fn operator_named(&mut self, name: &[Node], (left, right): (Known, Known), at: i32) -> Outcome<Label> {
        let parts: Vec<&str> = name.iter().filter_map(string).collect();
        match parts.as_slice() {
            [] => Ok(Label::none()),
            ["BETWEEN" | "NOT BETWEEN" | "BETWEEN SYMMETRIC" | "NOT BETWEEN SYMMETRIC"] => {
                let label = self.operator_between(">=", left, right, at)?;
                Ok(label.join(&self.operator_between("<=", left, right, at)?))
            }
            [operator] => self.operator_between(operator, left, right, at),
            ["pg_catalog", _] => Ok(Label::none()),
            [schema, operator] => {
                let catalog = self.context.catalog;
                let mut meant = catalog.operators(operator).filter(|o| &*o.schema == *schema).peekable();
                if meant.peek().is_none() {
                    return not_understood(format!("operator {schema}.{operator}"), at);
                }
                self.run_operators(meant, (left, right), at)
            }
            _other => not_understood(format!("operator {}", parts.join(".")), at),
        }
    }
}
