//! Conditions: which are made of leakproof comparisons only, and which may be copied behind a fence.
//!
//! Postgres may run the conditions of a query in any order, also before a guard's row condition, unless they are
//! leakproof (`pg_proc.proleakproof`: no error and no side effect tells of the arguments). Only comparisons of a column
//! with a constant or parameter, or with a column of the same type, are taken for leakproof here; anything else is not.

use super::join::copy_target;
use super::known::Known;
use super::label::Label;
use super::resolver::{Outcome, Resolver};
use super::scope::{Columns, Visible};
use crate::sql::{Visitor, string, walk};
use crate::vocab::{NotUnderstood, Oid, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AExprKind, BoolExprType, ColumnRef, Node, SelectStmt, SetOperation, SubLinkType, a_const::Val,
};

/// What a side of a comparison is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Term {
    /// A column of this type whose comparison operators are leakproof.
    Column(Oid),
    /// A string or NULL, or a parameter without a declared type: it takes the other side's type.
    Untyped,
    /// A parameter of a declared type.
    Typed(Oid),
    Integer,
    Boolean,
}

/// Types whose comparison with their own type is leakproof in PostgreSQL 13 to 18 (`pg_operator` joined with
/// `pg_proc.proleakproof`): bool, int8, int2, int4, text, oid, float4, float8, date, timestamp, timestamptz, varchar
/// (compared as text), uuid.
const LEAKPROOF: [Oid; 13] = [16, 20, 21, 23, 25, 26, 700, 701, 1082, 1114, 1184, 1043, 2950];
const INTEGERS: [Oid; 3] = [20, 21, 23];
/// `text` and `varchar`: compared as text, without a cast that could fail.
const TEXTS: [Oid; 2] = [25, 1043];
/// `pg_type.oid` of `unknown`.
const UNKNOWN: Oid = 705;

impl Resolver<'_> {
    /// Resolves a condition and notes whether it is leakproof.
    pub(super) fn condition(&mut self, node: &mut Node, usage: Usage) -> Outcome<()> {
        self.deciding(node, usage)?;
        self.leakproof = self.leakproof && self.is_leakproof(node);
        Ok(())
    }

    /// Resolves what decides about rows. Each part of it that names more than one relation, or asks a sub-query, decides which
    /// rows meet too, wherever it stands.
    pub(super) fn deciding(&mut self, node: &mut Node, usage: Usage) -> Outcome<Label> {
        if let Some(NodeEnum::BoolExpr(expr)) = &mut node.node
            && expr.boolop == BoolExprType::AndExpr as i32
        {
            let mut label = Label::none();
            for conjunct in &mut expr.args {
                label = label.join(&self.deciding(conjunct, usage)?);
            }
            return Ok(label);
        }
        let label = self.expression(node, Some(usage))?;
        if brings_together(node)? {
            self.touch(&label, Some(Usage::Join), -1);
        }
        Ok(label)
    }

    /// Whether a resolved condition is made of leakproof comparisons only. Conditions inside its sub-queries are judged
    /// where they stand.
    pub(super) fn is_leakproof(&self, node: &Node) -> bool {
        let Some(node) = &node.node else { return false };
        match node {
            NodeEnum::BoolExpr(expr) => expr.args.iter().all(|arg| self.is_leakproof(arg)),
            NodeEnum::NullTest(test) => !test.argisrow && test.arg.as_ref().is_some_and(|arg| self.term(arg).is_some()),
            NodeEnum::BooleanTest(test) => test.arg.as_ref().is_some_and(|arg| self.is_leakproof(arg)),
            NodeEnum::AExpr(expr) => {
                let (Some(left), Some(right)) = (&expr.lexpr, &expr.rexpr) else { return false };
                let Some(left) = self.term(left) else { return false };
                match AExprKind::try_from(expr.kind) {
                    Ok(AExprKind::AexprOp) => {
                        is_comparison(&expr.name) && self.term(right).is_some_and(|right| comparable(left, right))
                    }
                    Ok(AExprKind::AexprIn | AExprKind::AexprBetween | AExprKind::AexprNotBetween) => {
                        let Some(NodeEnum::List(list)) = &right.node else { return false };
                        list.items.iter().all(|item| self.term(item).is_some_and(|item| comparable(left, item)))
                    }
                    // `column = ANY ($1)`: the parameter is an array of the column's type.
                    Ok(AExprKind::AexprOpAny) => {
                        is_comparison(&expr.name)
                            && matches!(left, Term::Column(_))
                            && matches!(self.term(right), Some(Term::Untyped))
                    }
                    Ok(_other_kind) => false,
                    Err(_) => false,
                }
            }
            NodeEnum::SubLink(link) => match SubLinkType::try_from(link.sub_link_type) {
                Ok(SubLinkType::ExistsSublink) => link.subselect.as_deref().is_some_and(evaluates_conditions_only),
                Ok(_other_kind) => false,
                Err(_) => false,
            },
            NodeEnum::ColumnRef(_) | NodeEnum::AConst(_) | NodeEnum::ParamRef(_) => {
                matches!(self.node_term(node), Some(Term::Column(16) | Term::Typed(16) | Term::Boolean | Term::Untyped))
            }
            _any_other_expression => false,
        }
    }

    fn term(&self, node: &Node) -> Option<Term> {
        self.node_term(node.node.as_ref()?)
    }

    fn node_term(&self, node: &NodeEnum) -> Option<Term> {
        match node {
            NodeEnum::ParamRef(parameter) => self.parameter(parameter.number),
            NodeEnum::AConst(value) => match &value.val {
                Some(Val::Sval(_)) => Some(Term::Untyped),
                Some(Val::Ival(_)) => Some(Term::Integer),
                Some(Val::Boolval(_)) => Some(Term::Boolean),
                Some(Val::Fval(_) | Val::Bsval(_)) => None,
                // NULL, or the integer zero, which has no value on the wire.
                None => Some(if value.isnull { Term::Untyped } else { Term::Integer }),
            },
            NodeEnum::ColumnRef(reference) => self.column_type(reference).map(Term::Column),
            _any_other_expression => None,
        }
    }

    /// Whether two columns that USING merges are compared by a leakproof equality.
    pub(super) fn leakproof_equality(&self, left: &Visible, right: &Visible) -> bool {
        match (self.visible_type(left), self.visible_type(right)) {
            (Some(left), Some(right)) => comparable(Term::Column(left), Term::Column(right)),
            (None, _) | (_, None) => false,
        }
    }

    /// A parameter. A declared type that is not the column's could make Postgres cast the column, and a cast can fail.
    fn parameter(&self, number: i32) -> Option<Term> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Some(match self.declared_parameter(index) {
            None | Some(0 | UNKNOWN) => Term::Untyped,
            Some(declared) => Term::Typed(declared),
        })
    }

    /// The type of a column whose comparisons are leakproof.
    fn visible_type(&self, visible: &Visible) -> Option<Oid> {
        let (relation, index) = visible.typed?;
        let column = self.relation_of(relation)?.columns.get(index)?;
        (LEAKPROOF.contains(&column.type_oid) && !column.nondeterministic).then_some(column.type_oid)
    }

    /// The type of a column that a resolved reference names, where it is a relation's.
    pub(super) fn type_of(&self, reference: &ColumnRef) -> Option<Oid> {
        let (relation, index) = self.referenced(reference)?.typed?;
        Some(self.relation_of(relation)?.columns.get(index)?.type_oid)
    }

    /// Whether a column and a value are compared by a leakproof equality that casts neither.
    pub(super) fn compares_as_it_is(&self, column: &Visible, given: &Node) -> Option<()> {
        let column = self.visible_type(column)?;
        let same = match self.known(Some(given)) {
            Known::Untyped => true,
            Known::Type(given) => same_family(column, given),
            Known::Absent | Known::BuiltIn | Known::Typed | Known::Nothing => false,
        };
        same.then_some(())
    }

    /// What a resolved reference names.
    fn referenced(&self, reference: &ColumnRef) -> Option<Visible> {
        let parts: Vec<&str> = reference.fields.iter().filter_map(string).collect();
        let [alias, name] = parts.as_slice() else { return None };
        let place = self.find_entry(None, alias, -1).ok()??;
        let Columns::Known(columns) = self.columns_at(place) else { return None };
        columns.iter().find(|column| &*column.name == *name).cloned()
    }

    /// The type of a column reference whose comparisons are leakproof.
    fn column_type(&self, reference: &ColumnRef) -> Option<Oid> {
        self.visible_type(&self.referenced(reference)?)
    }

    /// Hands the conjuncts of a resolved condition to the relations that alone they are about, to be copied behind a
    /// fence if there is to be one. Only for conditions of inner joins and WHERE.
    pub(super) fn harvest(&mut self, node: &Node) {
        if let Some(NodeEnum::BoolExpr(expr)) = &node.node
            && expr.boolop == BoolExprType::AndExpr as i32
        {
            expr.args.iter().for_each(|arg| self.harvest(arg));
            return;
        }
        if let Some(relation) = self.copy_target(node) {
            self.uses[relation].copyable.push(node.clone());
        }
    }

    /// The relation reference that a strict, leakproof comparison with constants is about.
    fn copy_target(&self, node: &Node) -> Option<usize> {
        let Some(NodeEnum::AExpr(expr)) = &node.node else { return None };
        if !self.is_leakproof(node) {
            return None;
        }
        let (left, right) = (expr.lexpr.as_ref()?, expr.rexpr.as_ref()?);
        let column = match (&left.node, &right.node) {
            (Some(NodeEnum::ColumnRef(_)), Some(NodeEnum::ColumnRef(_))) => return None,
            (Some(NodeEnum::ColumnRef(column)), _) | (_, Some(NodeEnum::ColumnRef(column))) => column,
            _no_column => return None,
        };
        // A list may hold columns of other relations.
        if let Some(NodeEnum::List(list)) = &right.node
            && list.items.iter().any(|item| matches!(item.node, Some(NodeEnum::ColumnRef(_))))
        {
            return None;
        }
        let alias = column.fields.first().and_then(string)?;
        let (level, index) = self.find_entry(None, alias, -1).ok()??;
        (level == self.levels.len() - 1).then(|| copy_target(&self.levels[level].entries[index])).flatten()
    }
}

/// Whether a resolved condition names columns by more than one name, or by none, or asks a sub-query.
fn brings_together(node: &mut Node) -> Outcome<bool> {
    #[derive(Default)]
    struct Names {
        first: Option<String>,
        several: bool,
    }
    impl Visitor for Names {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            match &node.node {
                Some(NodeEnum::SubLink(_)) => self.several = true,
                Some(NodeEnum::ColumnRef(reference)) => match reference.fields.as_slice() {
                    [qualifier, _name, ..] => {
                        let qualifier = string(qualifier).unwrap_or_default();
                        self.several |= self.first.as_ref().is_some_and(|first| *first != *qualifier);
                        self.first = Some(qualifier.to_owned());
                    }
                    _bare => self.several = true,
                },
                Some(_) | None => {}
            }
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let mut names = Names::default();
    walk(node, &mut names)?;
    Ok(names.several)
}

/// Whether a sub-query evaluates nothing but its conditions, which are judged where they stand. A function in its FROM, a
/// DISTINCT or a LIMIT could fail on a value of the outer row, before the outer row's condition is met.
fn evaluates_conditions_only(node: &Node) -> bool {
    let Some(NodeEnum::SelectStmt(select)) = &node.node else { return false };
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
        sort_clause,
        limit_offset,
        limit_count,
        limit_option: _,
        locking_clause,
        with_clause,
        op,
        all: _,
        larg: _,
        rarg: _,
    } = &**select;
    // A column of the outer row may be negative, which is an error.
    let given = |node: &Node| matches!(node.node, Some(NodeEnum::AConst(_) | NodeEnum::ParamRef(_)));
    let constant = |limit: &Option<Box<Node>>| limit.as_ref().is_none_or(|limit| given(limit));
    distinct_clause.is_empty()
        // A row that is locked for a hidden one is felt by other sessions.
        && locking_clause.is_empty()
        && into_clause.is_none()
        && target_list.iter().all(|target| match &target.node {
            Some(NodeEnum::ResTarget(target)) => target.val.as_ref().is_some_and(|value| is_bare(value)),
            Some(_) | None => false,
        })
        && from_clause.iter().all(joins_conditions_only)
        && group_clause.is_empty()
        && having_clause.is_none()
        && window_clause.is_empty()
        && values_lists.is_empty()
        && sort_clause.iter().all(|sort| match &sort.node {
            Some(NodeEnum::SortBy(sort)) => sort.node.as_ref().is_some_and(|value| is_bare(value)),
            Some(_) | None => false,
        })
        && constant(limit_offset)
        && constant(limit_count)
        && with_clause.is_none()
        && *op == SetOperation::SetopNone as i32
}

/// The same for an element of FROM.
fn joins_conditions_only(node: &Node) -> bool {
    match &node.node {
        Some(NodeEnum::RangeVar(_)) => true,
        Some(NodeEnum::RangeSubselect(sub)) => {
            sub.subquery.as_ref().is_some_and(|query| evaluates_conditions_only(query))
        }
        Some(NodeEnum::JoinExpr(join)) => [&join.larg, &join.rarg]
            .into_iter()
            .all(|side| side.as_ref().is_some_and(|side| joins_conditions_only(side))),
        Some(_) | None => false,
    }
}

/// A column, constant or parameter by itself.
fn is_bare(node: &Node) -> bool {
    matches!(node.node, Some(NodeEnum::ColumnRef(_) | NodeEnum::AConst(_) | NodeEnum::ParamRef(_)))
}

/// An unqualified comparison operator.
fn is_comparison(name: &[Node]) -> bool {
    let [name] = name else { return false };
    matches!(string(name), Some("=" | "<>" | "<" | "<=" | ">" | ">="))
}

fn comparable(left: Term, right: Term) -> bool {
    match (left, right) {
        (Term::Column(a), Term::Column(b) | Term::Typed(b)) | (Term::Typed(a), Term::Column(b)) => same_family(a, b),
        (Term::Column(_), Term::Untyped) | (Term::Untyped, Term::Column(_)) => true,
        (Term::Column(a), Term::Integer) | (Term::Integer, Term::Column(a)) => INTEGERS.contains(&a),
        (Term::Column(a), Term::Boolean) | (Term::Boolean, Term::Column(a)) => a == 16,
        // Constants among themselves are computed without any row.
        (
            Term::Untyped | Term::Typed(_) | Term::Integer | Term::Boolean,
            Term::Untyped | Term::Typed(_) | Term::Integer | Term::Boolean,
        ) => true,
    }
}

/// Whether the comparison of two types is leakproof and casts neither side.
fn same_family(a: Oid, b: Oid) -> bool {
    a == b || [&INTEGERS[..], &TEXTS[..]].iter().any(|family| family.contains(&a) && family.contains(&b))
}
