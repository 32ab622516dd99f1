//! Numbers that are told with noise, so that no statement, nor many of them together, tells much of one person.
//!
//! What holds is differential privacy: whatever is told is by at most exp(epsilon) more or less likely with a person's rows
//! than without. Of each person so many rows count as the policy says, drawn anew by each statement, and each value counts
//! as one within its bounds; so a person moves a count, over all groups together, by at most that many, and a sum by that
//! many times the greatest bound. To that `wherefore.noise` draws its numbers. Sums are taken of whole numbers of a grid.
//!
//! Which groups there are would tell too. A group is shown where enough people are in it, and enough more by a count with
//! noise of its own that the chance to show one that is hidden without one person is below [`CHANCE`].
//!
//! A number must be drawn once, however often it is read: the groups stand in a CTE that the server keeps.
//!
//! ```sql
//! WITH g AS MATERIALIZED (
//!     SELECT s.city AS k0, CASE WHEN count(DISTINCT s.subject) >= 10 THEN count(*) + wherefore.noise(1000, 500) END AS a0,
//!         CASE WHEN count(DISTINCT s.subject) >= 10 THEN count(DISTINCT s.subject) + wherefore.noise(1000, 500) >= 51 END AS shown
//!     FROM staff AS s GROUP BY s.city OFFSET 0
//! ) SELECT g.k0 AS city, g.a0 AS count FROM g WHERE g.shown OFFSET 0
//! ```

use super::call::{Calls, extremes, is_number, within};
use super::condition::{conjuncts, plain};
use super::round::{Number, OTHER, TOLD, filled, rounded};
use super::totals::{GROUPS, Sets, target};
use super::{Fact, PLAIN, Standing, Why, integer, is_not_null, text, wrap};
use crate::catalog::{Catalog, Column, noise};
use crate::policy::RowsPerSubject;
use crate::rewrite::guard::SUBJECT;
use crate::sql::{Visitor, all_of, case_when, empty_select, expression, parse, string, walk};
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::{Alias, ColumnRef, FuncCall, LimitOption, Node, RangeSubselect, SelectStmt, WithClause};

/// The chance to show a group of enough people of which one fewer would be too few.
const CHANCE: f64 = 1e-9;

/// What the level is called that bounds how many rows of a person count.
const ROWS: &str = "wherefore rows";

/// How numbers of a relation are told with noise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    /// Of each number, in thousandths.
    epsilon: u32,
    rows: RowsPerSubject,
}

impl Noise {
    pub(super) fn of(standing: &Standing<'_>, epsilon: u32, catalog: &Catalog) -> Result<Noise, Why> {
        let Standing { relation, ruling, reference: _ } = standing;
        if !noise::installed(catalog) {
            return Err(
                "the database has no function for noise, or another: run what `wherefore install` writes".into()
            );
        }
        match ruling.rows_per_subject {
            Some(rows) => Ok(Noise { epsilon, rows }),
            None => Err(format!(
                "the policy does not say of {}.{} how many rows of a person count (`rows_per_subject`)",
                relation.schema, relation.name
            )
            .into()),
        }
    }

    /// What so many numbers and which groups there are tell together. Each person may be in a group of every set.
    pub(super) fn epsilon(&self, numbers: u32, sets: usize) -> u64 {
        (u64::from(numbers) + 1).saturating_mul(sets as u64).saturating_mul(u64::from(self.epsilon))
    }

    fn rows(&self) -> u64 {
        match self.rows {
            RowsPerSubject::One => 1,
            RowsPerSubject::Count(rows) => u64::from(rows),
        }
    }

    /// The call that draws what covers a change by `most` of each of a person's rows, for one of so many shares of the
    /// epsilon.
    fn drawn(&self, most: u64, shares: u64) -> String {
        format!("{}({}, {})", noise::FUNCTION, self.rows() * most * shares * 1000, self.epsilon)
    }

    /// By how many more than enough a group is shown.
    fn margin(&self) -> u32 {
        let (rows, epsilon) = (self.rows() as f64, f64::from(self.epsilon) / 1000.0);
        // A person may be the one who makes the difference in as many groups as it has rows.
        (rows / epsilon * (rows / CHANCE).ln()).ceil() as u32
    }

    /// Makes levels of one: rows that count, groups with what is told of them, and what is shown.
    pub(super) fn wrap(
        &self,
        fact: &Fact<'_>,
        sets: &Sets,
        select: &mut SelectStmt,
        calls: Calls<'_>,
        shown: Node,
    ) -> Result<(), Why> {
        let wanted = all_of(calls.with_filters(Vec::new()));
        let grouped = !select.group_clause.is_empty();
        let mut inner = sets.inner(select, calls.into_columns(), shown);
        if let RowsPerSubject::Count(rows) = self.rows {
            bound_rows(fact, &mut inner, rows, wanted)?;
        }
        let pattern = format!("WITH \"{GROUPS}\" AS MATERIALIZED (SELECT 1) SELECT 1 FROM \"{GROUPS}\"");
        let (with, from) = kept(&pattern, inner).ok_or("of what keeps its groups")?;
        match &mut select.with_clause {
            Some(WithClause { ctes, recursive: _, location: _ }) => ctes.extend(with.ctes),
            none => *none = Some(with),
        }
        select.from_clause = from;
        if grouped {
            Sets::show(select);
        } else {
            select.where_clause = select.having_clause.take();
        }
        if select.limit_offset.is_none() && select.limit_count.is_none() {
            // Conditions of the queries around it stay there.
            select.limit_offset = Some(Box::new(integer(0)));
            select.limit_option = LimitOption::Count as i32;
        }
        Ok(())
    }
}

/// A WITH and a FROM of ours, with a query in the place of the CTE's.
fn kept(pattern: &str, query: SelectStmt) -> Option<(WithClause, Vec<Node>)> {
    let mut tree = parse(pattern).ok()?.pop()?.tree;
    crate::sql::clear_locations(&mut tree).ok()?;
    let Some(NodeEnum::SelectStmt(select)) = tree.node else { return None };
    let mut with = select.with_clause?;
    let Some(NodeEnum::CommonTableExpr(cte)) = &mut with.ctes.first_mut()?.node else { return None };
    cte.ctequery = Some(Box::new(wrap(NodeEnum::SelectStmt(Box::new(query)))));
    Some((with, select.from_clause))
}

/// Has at most so many rows of a person count, drawn by lot from those that are wanted: which they are depends on nobody
/// else's.
fn bound_rows(fact: &Fact<'_>, level: &mut SelectStmt, rows: u32, wanted: Option<Node>) -> Result<(), Why> {
    let mut named = Named(Vec::new());
    for node in level.target_list.iter_mut().chain(&mut level.group_clause) {
        walk(node, &mut named).map_err(|reason| reason.what.to_string())?;
    }
    let alias = crate::catalog::quote_identifier(&fact.standing.reference.alias);
    let first = if wanted.is_some() { format!("CASE WHEN {TOLD} THEN 0 ELSE 1 END, ") } else { String::new() };
    let lot = format!(
        "pg_catalog.row_number() OVER (PARTITION BY {alias}.\"{SUBJECT}\" ORDER BY {first}pg_catalog.gen_random_uuid())"
    );
    let lot = match wanted {
        Some(wanted) => filled(&lot, [wanted]),
        None => expression(&lot),
    };
    let mut inner = empty_select();
    let columns = named.0.into_iter().enumerate().map(|(at, column)| target(column, format!("c{at}")));
    let lot = target(lot.ok_or("of the rows that count")?, "n".to_owned());
    inner.target_list = columns.chain([lot]).collect();
    inner.from_clause = std::mem::take(&mut level.from_clause);
    inner.where_clause = level.where_clause.take();
    inner.limit_offset = Some(Box::new(integer(0)));
    inner.limit_option = LimitOption::Count as i32;
    let subquery = Some(Box::new(wrap(NodeEnum::SelectStmt(Box::new(inner)))));
    let alias = Some(Alias { aliasname: ROWS.to_owned(), colnames: Vec::new() });
    level.from_clause =
        vec![wrap(NodeEnum::RangeSubselect(Box::new(RangeSubselect { lateral: false, subquery, alias })))];
    let counts = expression(&format!("\"{ROWS}\".n OPERATOR(pg_catalog.<=) {rows}")).ok_or("of the rows that count")?;
    level.where_clause = Some(Box::new(counts));
    Ok(())
}

/// Puts columns of the inner level in the place of those that it takes from tables.
struct Named(Vec<Node>);

impl Visitor for Named {
    fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
        if let Some(NodeEnum::ColumnRef(ColumnRef { fields, location })) = &mut node.node {
            if fields.len() != 2 || fields.iter().any(|field| string(field).is_none()) {
                return Err(NotUnderstood::new("a column that is not named by its table", None));
            }
            *location = -1;
            if fields.first().and_then(string) == Some(ROWS) {
                return Ok(());
            }
            let at = self.0.iter().position(|known| known == node).unwrap_or(self.0.len());
            let own = wrap(NodeEnum::ColumnRef(ColumnRef {
                fields: vec![text(ROWS), text(&format!("c{at}"))],
                location: -1,
            }));
            let column = std::mem::replace(node, own);
            if at == self.0.len() {
                self.0.push(column);
            }
        }
        Ok(())
    }
    fn location(&mut self, _at: &mut i32) {}
}

/// A grid that values within bounds are rounded to, and what the greatest is in its steps.
struct Grid {
    /// A power of ten.
    step: String,
    most: u64,
}

impl Grid {
    /// Of a million steps, or some fewer.
    fn of((least, greatest): (i64, i64)) -> Grid {
        let most = least.unsigned_abs().max(greatest.unsigned_abs());
        let mut digits: i32 = -6;
        while 10f64.powi(digits + 6) < most as f64 {
            digits += 1;
        }
        match u32::try_from(digits) {
            Ok(digits) => Grid { step: 10u64.pow(digits).to_string(), most: most.div_ceil(10u64.pow(digits)) },
            Err(_) => {
                let digits = digits.unsigned_abs();
                Grid { step: format!("0.{}1", "0".repeat(digits as usize - 1)), most: most * 10u64.pow(digits) }
            }
        }
    }
}

const UNTOLD: &str = "only count(*), count, sum and avg of a bare column, and count(DISTINCT …) of it or of the subject key are \
                      told with noise";
const BROKEN: &str = "of its noise";

impl Calls<'_> {
    /// Whether a group is shown.
    pub(super) fn chosen(&self, noise: &Noise) -> Result<Node, Why> {
        let least = u64::from(self.fact.aggregate.min_subjects) + u64::from(noise.margin());
        let sql = format!("{TOLD} OPERATOR(pg_catalog.+) {} OPERATOR(pg_catalog.>=) {least}", noise.drawn(1, 1));
        let enough = filled(&sql, [self.fact.subjects(self.with_filters(Vec::new()))]).ok_or(BROKEN)?;
        Ok(case_when(Some(self.threshold(Vec::new())), enough))
    }

    /// What is sent for an aggregate.
    pub(super) fn noisy(&self, node: Node, noise: &Noise) -> Result<Node, Why> {
        let Some(NodeEnum::FuncCall(call)) = node.node else { return Err(UNTOLD.into()) };
        let name = self.plain_name(&call);
        let FuncCall {
            funcname: _,
            args,
            agg_order,
            agg_filter,
            over: _,
            agg_within_group,
            agg_star,
            agg_distinct,
            func_variadic,
            funcformat: _,
            location: _,
        } = *call;
        if !agg_order.is_empty() || agg_within_group || func_variadic {
            return Err(UNTOLD.into());
        }
        let columns = args.iter().map(|arg| self.fact.column(arg)).collect::<Option<Vec<_>>>().ok_or(UNTOLD)?;
        let mut conditions = self.with_filters(Vec::new());
        if let Some(filter) = agg_filter {
            if !conjuncts((*filter).clone()).iter().all(|condition| plain(condition, self.fact)) {
                return Err(PLAIN.into());
            }
            conditions.push(*filter);
        }
        let released = |index: usize| self.fact.is_aggregated(index);
        let is_subject =
            |index: usize| self.fact.standing.ruling.subject_key.as_ref().is_some_and(|key| key.index == index);
        let (told, number) = match (name.as_deref(), columns.as_slice(), args.as_slice()) {
            (Some("count"), [], []) if agg_star => {
                let count = aggregate("pg_catalog.count(*)", [], conditions)?;
                (filled(&format!("{TOLD} OPERATOR(pg_catalog.+) {}", noise.drawn(1, 1)), [count]), Number::Bigint)
            }
            (Some("count"), [(index, column)], [arg])
                if (released(*index) || (is_subject(*index) && agg_distinct)) && self.fact.is_comparable(column) =>
            {
                let distinct = if agg_distinct { "DISTINCT " } else { "" };
                let count = aggregate(&format!("pg_catalog.count({distinct}{TOLD})"), [arg.clone()], conditions)?;
                (filled(&format!("{TOLD} OPERATOR(pg_catalog.+) {}", noise.drawn(1, 1)), [count]), Number::Bigint)
            }
            (Some(name @ ("sum" | "avg")), [(index, column)], [arg])
                if released(*index) && is_number(column) && !agg_distinct =>
            {
                conditions.push(is_not_null(arg.clone()));
                conditions.extend(extremes(column.type_oid).and_then(|extreme| within(arg, extreme)));
                let number = Number::of(Some(name), Some(column));
                (self.measured(name, (*index, column), arg, conditions, noise)?, number)
            }
            (Some(_) | None, _, _) => return Err(UNTOLD.into()),
        };
        let told = told.ok_or(BROKEN)?;
        let told = match self.fact.aggregate.round {
            None => told,
            Some(step) => rounded(told, number, step).ok_or(BROKEN)?,
        };
        // Where it is not shown anyway nothing is drawn.
        Ok(case_when(Some(self.threshold(Vec::new())), told))
    }

    /// A sum, or the quotient of a sum and a count, of values within the bounds of their column.
    fn measured(
        &self,
        name: &str,
        (index, column): (usize, &Column),
        arg: &Node,
        conditions: Vec<Node>,
        noise: &Noise,
    ) -> Result<Option<Node>, Why> {
        let bounds = self.fact.standing.ruling.bounds.get(index).copied().flatten();
        let Some(bounds @ (least, greatest)) = bounds else {
            let why = format!("the policy does not say within which bounds values of {} count (`bounds`)", column.name);
            return Err(why.into());
        };
        let Grid { step, most } = Grid::of(bounds);
        let within = |value: &str| {
            format!("LEAST(GREATEST({value}, ({least})::pg_catalog.numeric), ({greatest})::pg_catalog.numeric)")
        };
        let value = within(&format!("CAST({TOLD} AS pg_catalog.numeric)"));
        let sum = format!("pg_catalog.sum(pg_catalog.round({value} OPERATOR(pg_catalog./) {step}))");
        let sum = aggregate(&sum, [arg.clone()], conditions.clone())?;
        let told = |shares| {
            let drawn = noise.drawn(most, shares);
            format!("(COALESCE({TOLD}, 0) OPERATOR(pg_catalog.+) {drawn}) OPERATOR(pg_catalog.*) {step}")
        };
        let type_sql = Number::of(Some(name), Some(column)).sql();
        if name == "sum" {
            return Ok(filled(&format!("CAST({} AS pg_catalog.{type_sql})", told(1)), [sum]));
        }
        let count = aggregate(&format!("pg_catalog.count({TOLD})"), [arg.clone()], conditions)?;
        let among = format!("GREATEST({OTHER} OPERATOR(pg_catalog.+) {}, 1)", noise.drawn(1, 2));
        let quotient = within(&format!("({}) OPERATOR(pg_catalog./) {among}", told(2)));
        Ok(filled(&format!("CAST({quotient} AS pg_catalog.{type_sql})"), [sum, count]))
    }
}

/// An aggregate of ours over the rows that meet conditions.
fn aggregate<const N: usize>(sql: &str, args: [Node; N], conditions: Vec<Node>) -> Result<Node, Why> {
    let mut node = filled(sql, args).ok_or(BROKEN)?;
    match &mut node.node {
        Some(NodeEnum::FuncCall(call)) => call.agg_filter = all_of(conditions).map(Box::new),
        Some(_) | None => return Err(BROKEN.into()),
    }
    Ok(node)
}
