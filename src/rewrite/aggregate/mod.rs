//! Columns that are released in aggregates only: which queries may read them, and what is sent in their place.
//!
//! One query level of a statement may read them: a SELECT that aggregates one table which holds them. Which rows it
//! reads, and how they are grouped, only open columns say; the columns themselves may be bare arguments of aggregates that
//! tell of no single row, bare keys of GROUP BY, and compared with constants at the top of WHERE. So all that leaves the
//! level is the same however the values are dealt out among the rows of a group. Each aggregate is sent behind its
//! threshold, the number of distinct subjects that contribute to that very aggregate, and a group behind that of its rows:
//!
//! ```sql
//! SELECT city, CASE WHEN count(DISTINCT p.subject) FILTER (WHERE p.pay IS NOT NULL) >= 10 THEN avg(p.pay) END
//! FROM people AS p GROUP BY city HAVING count(DISTINCT p.subject) >= 10
//! ```
//!
//! What leaves the level is released, and may be computed with. Every other use is refused.

mod call;
mod condition;
mod group;
mod joins;
mod noise;
mod round;
mod totals;

use super::guard::{SUBJECT, Standing};
use crate::analyze::{Context, Place};
use crate::catalog::{Catalog, Column};
use crate::policy::{Aggregate, Effect};
use crate::sql::{Visitor, all_of, case_when, string, walk};
use crate::vocab::NotUnderstood;
use call::Calls;
use condition::{conjuncts, parameters_fit, plain, restless};
use group::Keys;
use noise::Noise;
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AConst, AExpr, AExprKind, ColumnRef, FuncCall, Integer, LimitOption, Node, NullTest, NullTestType, ParamRef,
    SelectStmt, SetOperation, String as Text, a_const::Val,
};
use std::borrow::Cow;
use totals::Sets;

/// Why what a statement reads cannot be released. Words for a refusal.
type Why = Cow<'static, str>;

/// A reference whose columns cannot be released.
#[derive(Debug)]
pub struct Unreleased {
    /// Where the reference stands ([`crate::analyze::RelationUse::at`]).
    pub reference: i32,
    /// Ends a sentence.
    pub why: Cow<'static, str>,
}

/// Whether a reference needs its aggregates to be released: it uses such a column, or tells of rows that are themselves
/// counted in aggregates only.
pub fn is_aggregated(standing: &Standing<'_>) -> bool {
    let Standing { relation: _, ruling, reference } = standing;
    let uses = |index: usize| ruling.columns.get(index).is_some_and(|column| column.effect.aggregate().is_some());
    reference.place == Place::Text
        && (reference.columns.iter().any(|column| uses(column.index))
            || (ruling.min_subjects().is_some() && !ruling.countable()))
}

/// What a statement releases.
#[derive(Debug)]
pub struct Released {
    /// The places of the references that it reads such columns by.
    pub references: Vec<i32>,
    /// What its numbers tell of a person together, where they are told with noise: the sum of all epsilons, in thousandths.
    pub epsilon: u64,
}

/// Puts thresholds into the level of a statement that reads columns which are released in aggregates only.
pub fn release(tree: &mut Node, standings: &[Standing<'_>], context: &Context<'_>) -> Result<Released, Unreleased> {
    let wanted: Vec<&Standing<'_>> = standings.iter().filter(|standing| is_aggregated(standing)).collect();
    let parameters_fit = parameters_fit(tree, context.catalog);
    let mut levels =
        Levels { wanted: &wanted, standings, context, parameters_fit, released: Vec::new(), epsilon: 0, failed: None };
    let walked = walk(tree, &mut levels);
    let Levels { wanted: _, standings: _, context: _, parameters_fit: _, released, epsilon, failed } = levels;
    if let Some(failed) = failed {
        return Err(failed);
    }
    let missed = wanted.iter().find(|standing| !released.contains(&standing.reference.at));
    match (missed, walked) {
        (Some(missed), _) => {
            Err(Unreleased { reference: missed.reference.at, why: "it does not stand in the FROM of a SELECT".into() })
        }
        // INVARIANT: what the walk refuses was refused before.
        (None, Err(reason)) => Err(Unreleased { reference: -1, why: reason.what.to_string().into() }),
        (None, Ok(())) => Ok(Released { references: released, epsilon }),
    }
}

struct Levels<'a> {
    wanted: &'a [&'a Standing<'a>],
    standings: &'a [Standing<'a>],
    context: &'a Context<'a>,
    parameters_fit: bool,
    released: Vec<i32>,
    epsilon: u64,
    failed: Option<Unreleased>,
}

impl Visitor for Levels<'_> {
    fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
        match &mut node.node {
            Some(NodeEnum::SelectStmt(select)) => self.select(select),
            Some(_) | None => Ok(()),
        }
    }

    fn location(&mut self, _at: &mut i32) {}
}

impl Levels<'_> {
    /// A query, and the arms of a set operation, which are no nodes of their own.
    fn select(&mut self, select: &mut SelectStmt) -> Result<(), NotUnderstood> {
        for arm in [&mut select.larg, &mut select.rarg].into_iter().flatten() {
            self.select(arm)?;
        }
        let places = joins::places(&select.from_clause);
        let facts: Vec<&Standing<'_>> =
            self.wanted.iter().copied().filter(|standing| places.contains(&standing.reference.at)).collect();
        if facts.iter().any(|standing| self.released.contains(&standing.reference.at)) {
            // The inner of two levels that were one.
            return Ok(());
        }
        let Some(first) = facts.first() else { return Ok(()) };
        let outcome = match facts.as_slice() {
            [_] if !self.released.is_empty() => {
                Err("another query of the statement aggregates such columns; one statement may hold one".into())
            }
            [fact] => Fact::new(self, fact).and_then(|fact| fact.level(select, self.standings)),
            _several => Err("the query joins two references that hold such columns".into()),
        };
        match outcome {
            Ok(epsilon) => {
                self.released.push(first.reference.at);
                self.epsilon += epsilon;
                Ok(())
            }
            Err(why) => {
                self.failed = Some(Unreleased { reference: first.reference.at, why });
                Err(NotUnderstood::new("an aggregate that is not released", None))
            }
        }
    }
}

/// The reference whose columns a level aggregates.
struct Fact<'a> {
    standing: &'a Standing<'a>,
    context: &'a Context<'a>,
    aggregate: Aggregate,
    noise: Option<Noise>,
    /// What the statement declares its parameters as compares without a chance to fail.
    parameters_fit: bool,
}

impl<'a> Fact<'a> {
    fn new(levels: &Levels<'a>, standing: &'a Standing<'a>) -> Result<Fact<'a>, Why> {
        let (context, parameters_fit) = (levels.context, levels.parameters_fit);
        let Standing { relation, ruling, reference } = standing;
        if ruling.subject_key.is_none() {
            return Err(format!(
                "the policy names no `subject_key` of {}.{} that is NOT NULL, so subjects cannot be counted",
                relation.schema, relation.name
            )
            .into());
        }
        if reference.whole_row.is_some() || !reference.system.is_empty() {
            return Err("a whole row or a system column of it is used".into());
        }
        if reference.correlated {
            return Err("the query depends on the rows of the query around it".into());
        }
        match ruling.aggregate() {
            Some(aggregate) => {
                let noise = aggregate.noise.map(|epsilon| Noise::of(standing, epsilon, context.catalog)).transpose()?;
                Ok(Fact { standing, context, aggregate, noise, parameters_fit })
            }
            None => Err("nothing of it is released in aggregates".into()),
        }
    }

    fn catalog(&self) -> &'a Catalog {
        self.context.catalog
    }

    /// The column that `alias.name` means, where it is one of this reference.
    fn column(&self, node: &Node) -> Option<(usize, &'a Column)> {
        let Some(NodeEnum::ColumnRef(ColumnRef { fields, location: _ })) = &node.node else { return None };
        let [alias, name] = fields.as_slice() else { return None };
        let (alias, name) = (string(alias)?, string(name)?);
        let Standing { relation, ruling: _, reference } = self.standing;
        if alias != &*reference.alias {
            return None;
        }
        let index = reference.names.iter().position(|known| **known == *name)?;
        Some((index, relation.columns.get(index)?))
    }

    /// The column that is released in aggregates only and that `alias.name` means.
    fn closed_column(&self, node: &Node) -> Option<(usize, &'a Column)> {
        self.column(node).filter(|(index, _)| self.is_aggregated(*index))
    }

    fn is_aggregated(&self, index: usize) -> bool {
        let column = self.standing.ruling.columns.get(index);
        column.is_some_and(|column| matches!(column.effect, Effect::Aggregate(_)))
    }

    /// Whether a tree names a column that is released in aggregates only, in queries below too.
    fn is_named_in(&self, node: &Node) -> bool {
        found(node, |node| {
            // `alias.*`, should one be left.
            let star = matches!(&node.node, Some(NodeEnum::ColumnRef(reference))
                if matches!(reference.fields.last(), Some(Node { node: Some(NodeEnum::AStar(_)) })));
            star || self.closed_column(node).is_some()
        })
    }

    /// Judges the level and puts its thresholds into it. Returns what its numbers tell of a person, where they are told with
    /// noise.
    fn level(&self, select: &mut SelectStmt, standings: &[Standing<'_>]) -> Result<u64, Why> {
        let SelectStmt {
            distinct_clause,
            into_clause: _,
            target_list,
            from_clause,
            where_clause,
            group_clause,
            group_distinct: _,
            having_clause,
            window_clause,
            values_lists: _,
            sort_clause,
            limit_offset,
            limit_count,
            limit_option,
            locking_clause,
            with_clause: _,
            op,
            all: _,
            larg: _,
            rarg: _,
        } = select;
        if *op != SetOperation::SetopNone as i32 || !locking_clause.is_empty() {
            return Err("its rows are locked".into());
        }
        let (mut open, mut filters) = (Vec::new(), Vec::new());
        for condition in where_clause.take().into_iter().flat_map(|condition| conjuncts(*condition)) {
            match self.is_named_in(&condition) {
                false => open.push(condition),
                true if plain(&condition, self) => filters.push(condition),
                true => return Err(PLAIN.into()),
            }
        }
        joins::check(self, from_clause, &open, standings)?;
        let mut deciding = open.iter().chain(&*from_clause);
        if let Some(restless) = deciding.find_map(|node| restless(node, self.context)) {
            return Err(format!("{restless} decides which rows are aggregated").into());
        }
        let sets = match &self.noise {
            Some(_) => Some(Sets::read(group_clause, target_list)?),
            None => Sets::of(group_clause, target_list)?,
        };
        let keys = Keys::of(self, group_clause, target_list)?;
        // Whether which rows it has, or what is in a group, tells of such a column. Then nothing else may tell of the rows.
        let tells = !filters.is_empty()
            || !keys.columns.is_empty()
            || !self.standing.ruling.countable()
            || self.noise.is_some();
        let mut calls = Calls::new(self, &keys, sets.as_ref(), filters, tells);
        for target in target_list.iter_mut() {
            calls.target(target)?;
        }
        for clause in [&mut *distinct_clause, sort_clause, window_clause] {
            calls.each(clause)?;
        }
        if let Some(having) = having_clause {
            calls.expression(having)?;
        }
        if group_clause.is_empty() && !calls.aggregates() {
            return Err("nothing aggregates it".into());
        }
        *where_clause = all_of(open).map(Box::new);
        if let (Some(sets), Some(noise)) = (&sets, &self.noise) {
            let (shown, epsilon) = (calls.chosen(noise)?, noise.epsilon(calls.told(), sets.count()));
            noise.wrap(self, sets, select, calls, shown)?;
            return Ok(epsilon);
        }
        let shown = calls.threshold(Vec::new());
        if let Some(sets) = &sets {
            sets.wrap(select, calls.into_columns(), shown);
            return Ok(0);
        }
        if !group_clause.is_empty() {
            let having = having_clause.take().map(|having| *having);
            *having_clause = Some(Box::new(match having {
                // The group is suppressed first: a condition on a key could fail, and tell of it.
                Some(having) => case_when(Some(shown), having),
                None => shown,
            }));
        }
        if !keys.columns.is_empty() && limit_offset.is_none() && limit_count.is_none() {
            // Conditions of the queries around it on a key would be evaluated before the threshold.
            *limit_offset = Some(Box::new(integer(0)));
            *limit_option = LimitOption::Count as i32;
        }
        Ok(0)
    }

    /// Whom a row is about.
    fn subject(&self) -> Node {
        let fields = [&*self.standing.reference.alias, SUBJECT].map(text).to_vec();
        wrap(NodeEnum::ColumnRef(ColumnRef { fields, location: -1 }))
    }

    /// How many distinct subjects have a row that meets all conditions.
    fn subjects(&self, conditions: Vec<Node>) -> Node {
        count(Counted::Distinct(Box::new(self.subject())), conditions)
    }

    /// Whether a row that meets all conditions has no subject: whom it is about is found by way of another table, whose row is
    /// not to be seen. `None` where its own column says so, which is never null.
    fn unknown(&self, mut conditions: Vec<Node>) -> Option<Node> {
        self.standing.ruling.subject_key.as_ref().filter(|key| !key.through.is_empty())?;
        conditions.push(wrap(NodeEnum::NullTest(Box::new(NullTest {
            xpr: None,
            arg: Some(Box::new(self.subject())),
            nulltesttype: NullTestType::IsNull as i32,
            argisrow: false,
            location: -1,
        }))));
        Some(binary(">", count(Counted::Rows, conditions), integer(0)))
    }

    /// `count(DISTINCT subject) FILTER (WHERE conditions) >= threshold`.
    fn enough(&self, conditions: Vec<Node>) -> Node {
        binary(">=", self.subjects(conditions), integer(i32::try_from(self.aggregate.min_subjects).unwrap_or(i32::MAX)))
    }
}

/// What is counted.
enum Counted {
    Rows,
    Distinct(Box<Node>),
}

/// `count(…) FILTER (WHERE conditions)`.
fn count(counted: Counted, conditions: Vec<Node>) -> Node {
    let (args, agg_star, agg_distinct) = match counted {
        Counted::Rows => (Vec::new(), true, false),
        Counted::Distinct(node) => (vec![*node], false, true),
    };
    wrap(NodeEnum::FuncCall(Box::new(FuncCall {
        funcname: ["pg_catalog", "count"].map(text).to_vec(),
        args,
        agg_order: Vec::new(),
        agg_filter: all_of(conditions).map(Box::new),
        over: None,
        agg_within_group: false,
        agg_star,
        agg_distinct,
        func_variadic: false,
        funcformat: pg_query::protobuf::CoercionForm::CoerceExplicitCall as i32,
        location: -1,
    })))
}

const PLAIN: &str = "a condition on it is more than a comparison with a constant at the top of WHERE or FILTER";

/// Whether some node of a tree is what is looked for.
fn found(node: &Node, is: impl Fn(&Node) -> bool) -> bool {
    struct Finder<F>(F, bool);
    impl<F: Fn(&Node) -> bool> Visitor for Finder<F> {
        fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
            self.1 |= (self.0)(node);
            Ok(())
        }
        fn location(&mut self, _at: &mut i32) {}
    }
    let mut finder = Finder(is, false);
    // What cannot be walked may hold anything.
    walk(&mut node.clone(), &mut finder).is_err() || finder.1
}

fn wrap(node: NodeEnum) -> Node {
    Node { node: Some(node) }
}

fn text(value: &str) -> Node {
    wrap(NodeEnum::String(Text { sval: value.to_owned() }))
}

fn integer(value: i32) -> Node {
    wrap(NodeEnum::AConst(AConst { isnull: false, location: -1, val: Some(Val::Ival(Integer { ival: value })) }))
}

fn binary(sign: &str, left: Node, right: Node) -> Node {
    wrap(NodeEnum::AExpr(Box::new(AExpr {
        kind: AExprKind::AexprOp as i32,
        name: ["pg_catalog", sign].map(text).to_vec(),
        lexpr: Some(Box::new(left)),
        rexpr: Some(Box::new(right)),
        rexpr_list_start: 0,
        rexpr_list_end: 0,
        location: -1,
    })))
}

fn is_not_null(node: Node) -> Node {
    wrap(NodeEnum::NullTest(Box::new(NullTest {
        xpr: None,
        arg: Some(Box::new(node)),
        nulltesttype: NullTestType::IsNotNull as i32,
        argisrow: false,
        location: -1,
    })))
}

/// What keeps the place of a call while the rest is looked at. No client can write it: its number is below 1.
fn placeholder(number: usize) -> Node {
    let number = i32::try_from(number).map_or(i32::MIN, |number| -1 - number);
    wrap(NodeEnum::ParamRef(ParamRef { number, location: -1 }))
}
