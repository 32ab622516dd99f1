//! Operators: whether a user's operator could be meant, or could take the place of one that looks built-in.
//!
//! Operators stay unqualified in the text (their names appear in error messages). An operator outside `pg_catalog` that
//! the operands could reach must run a function that may be run. Which it could be is Postgres's own resolution
//! (`binary_oper_exact`, `func_select_candidate`), as far as the types of the operands are known:
//!
//! * An operator takes values of its types, and of types that pass as them without a cast that is written.
//! * An operator of the server's own for exactly the types of the operands is taken before any other.
//! * Where one of the server's own takes the base types of a domain, one that takes the domain is taken only for
//!   values of that very domain: in each step of the choice the other is at least as near.

use super::extension;
use super::known::Known;
use super::label::Label;
use super::resolver::{Outcome, Resolver, not_understood};
use crate::catalog::{FIRST_USER_OID, Operator, TypeKind};
use crate::sql::string;
use crate::vocab::Oid;
use pg_query::NodeEnum;
use pg_query::protobuf::{AExprKind, Node};

/// What is known of the two operands of an operator.
pub(super) type Operands = (Known, Known);

impl<'a> Resolver<'a> {
    /// Checks an operator by name between operands; returns what the functions that it may run read.
    pub(super) fn operator_between(&mut self, name: &str, operands: Operands, at: i32) -> Outcome<Label> {
        let (catalog, path) = (self.context.catalog, self.context.path);
        let rivals = catalog.operators(name).filter(|rival| path.searches(&rival.schema));
        let rivals: Vec<&Operator> = rivals.filter(|rival| self.may_be_chosen(rival, operands)).collect();
        self.run_operators(rivals, at)
    }

    /// Whether Postgres could choose an operator of users for operands, where those of the server's own are in sight.
    fn may_be_chosen(&self, rival: &Operator, (left, right): Operands) -> bool {
        let own = |signature: (Oid, Oid)| {
            let mut own = self.context.catalog.own_operators(&rival.name);
            own.any(|own| (own.left, own.right) == signature)
        };
        if !(self.reaches(left, rival.left) && self.reaches(right, rival.right)) {
            return false;
        }
        let exact = match (left, right) {
            (Known::Type(left), Known::Type(right)) => Some((left, right)),
            // A literal is first taken for what stands on the other side.
            (Known::Type(one), Known::Untyped) | (Known::Untyped, Known::Type(one)) => Some((one, one)),
            _not_known => None,
        };
        if let Some(exact) = exact.filter(|exact| own(*exact)) {
            return exact == (rival.left, rival.right);
        }
        let base = |oid: Oid| if self.is_domain(oid) { self.bottom(oid) } else { oid };
        let bases = (base(rival.left), base(rival.right));
        if bases == (rival.left, rival.right) || !own(bases) {
            return true;
        }
        self.is_exactly(left, rival.left) && self.is_exactly(right, rival.right)
    }

    fn is_domain(&self, oid: Oid) -> bool {
        // An array of a domain is none.
        let info = self.context.catalog.type_of(oid).filter(|info| info.oid == oid);
        info.is_some_and(|info| info.kind == TypeKind::Domain)
    }

    /// Whether a value can be of exactly this type, or stand for it.
    fn is_exactly(&self, known: Known, oid: Oid) -> bool {
        match known {
            Known::Absent => oid == 0,
            Known::Type(known) => known == oid,
            Known::BuiltIn => oid < FIRST_USER_OID,
            Known::Typed => oid < FIRST_USER_OID || self.is_in_play(oid),
            Known::Untyped | Known::Nothing => true,
        }
    }

    /// Checks operators of users that could be chosen.
    fn run_operators(&mut self, operators: Vec<&'a Operator>, at: i32) -> Outcome<Label> {
        let mut label = Label::none();
        for operator in operators {
            let function = self.context.catalog.function(operator.function);
            let result = function.map_or(0, |function| function.returns);
            self.in_play.extend([operator.left, operator.right, result]);
            if operator.extension.as_ref().is_some_and(|owner| !extension::is_closed(owner)) {
                continue;
            }
            let what = || not_understood(format!("operator {}.{}", operator.schema, operator.name), at);
            let Some(function) = function else { return what() };
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
        let is_list = matches!(right.map(|node| &node.node), Some(Some(NodeEnum::List(_))));
        match (is_row(left) || is_row(right), elementwise) {
            (true, _) => self.operator_of_rows(name, (left, right), at),
            (false, true) if is_list => {
                let tested = self.known(left);
                self.operator_named(name, (tested, self.known_in_list(tested, right)), at)
            }
            (false, true) => self.operator_named(name, (self.known(left), self.known_elements(right)), at),
            (false, false) => self.operator_named(name, (self.known(left), self.known(right)), at),
        }
    }

    /// Rows are compared field by field where both are written out.
    fn operator_of_rows(
        &mut self,
        name: &[Node],
        (left, right): (Option<&Node>, Option<&Node>),
        at: i32,
    ) -> Outcome<Label> {
        let fields = |node: Option<&'_ Node>| match node.map(|node| &node.node) {
            Some(Some(NodeEnum::RowExpr(row))) => Some(row.args.iter().map(|field| self.known(Some(field))).collect()),
            _other => None,
        };
        let (left, right): (Option<Vec<Known>>, Option<Vec<Known>>) = (fields(left), fields(right));
        match (left, right) {
            (Some(left), Some(right)) if left.len() == right.len() => {
                let mut label = Label::none();
                for operands in left.into_iter().zip(right) {
                    label = label.join(&self.operator_named(name, operands, at)?);
                }
                Ok(label)
            }
            _other => self.operator_named(name, (Known::Nothing, Known::Nothing), at),
        }
    }

    /// Checks the operator that compares a tested expression, a row perhaps, with what a sub-query gives.
    pub(super) fn operator_of_sublink(&mut self, name: &[Node], tested: &Node, at: i32) -> Outcome<Label> {
        let left = match &tested.node {
            Some(NodeEnum::RowExpr(_)) => Known::Nothing,
            Some(_) | None => self.known(Some(tested)),
        };
        match name {
            [] => self.operator_between("=", (left, Known::Typed), at),
            name => self.operator_named(name, (left, Known::Typed), at),
        }
    }

    /// Checks the equality of `CASE value WHEN other …`.
    pub(super) fn operator_of_case(&mut self, value: &Node, branches: &[Node], at: i32) -> Outcome<Label> {
        let left = match self.known(Some(value)) {
            // A literal is taken for a text.
            Known::Untyped | Known::Nothing => Known::Typed,
            known => known,
        };
        let mut label = Label::none();
        for branch in branches {
            let Some(NodeEnum::CaseWhen(when)) = &branch.node else { continue };
            let operands = (left, self.known(when.expr.as_deref()));
            label = label.join(&self.operator_between("=", operands, at)?);
        }
        Ok(label)
    }

    /// Checks an operator by the name list of an expression (`=`, or `OPERATOR(schema.=)`).
    pub(super) fn operator_named(&mut self, name: &[Node], operands: Operands, at: i32) -> Outcome<Label> {
        let parts: Vec<&str> = name.iter().filter_map(string).collect();
        match parts.as_slice() {
            [] => Ok(Label::none()),
            ["BETWEEN" | "NOT BETWEEN" | "BETWEEN SYMMETRIC" | "NOT BETWEEN SYMMETRIC"] => {
                let label = self.operator_between(">=", operands, at)?;
                Ok(label.join(&self.operator_between("<=", operands, at)?))
            }
            [operator] => self.operator_between(operator, operands, at),
            ["pg_catalog", _] => Ok(Label::none()),
            [schema, operator] => {
                let catalog = self.context.catalog;
                let meant: Vec<&Operator> =
                    catalog.operators(operator).filter(|other| &*other.schema == *schema).collect();
                if meant.is_empty() {
                    return not_understood(format!("operator {schema}.{operator}"), at);
                }
                let (left, right) = operands;
                let reached = |other: &&Operator| self.reaches(left, other.left) && self.reaches(right, other.right);
                let meant = meant.into_iter().filter(reached).collect();
                self.run_operators(meant, at)
            }
            _other => not_understood(format!("operator {}", parts.join(".")), at),
        }
    }
}
