//! The aggregates of a level: which may read such columns, and what is sent in their place.

use super::condition::{conjuncts, has_rival, plain};
use super::group::Keys;
use super::round::{Number, rounded};
use super::totals::Sets;
use super::{Fact, PLAIN, Why, binary, found, integer, is_not_null, placeholder, wrap};
use crate::analyze::{figure_name, is_aggregate};
use crate::catalog::Column;
use crate::sql::{Visitor, all_of, case_when, expression, is_json_aggregate, string, walk};
use crate::vocab::{NotUnderstood, Oid};
use pg_query::NodeEnum;
use pg_query::protobuf::{
    BoolExpr, BoolExprType, BoolTestType, BooleanTest, FuncCall, Node, SortBy, SortByDir, SortByNulls,
};

/// Aggregates of one argument that show none of its values, and depend on no order.
const OF_ONE: [&str; 9] =
    ["count", "sum", "avg", "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp"];

/// Aggregates of two such arguments.
const OF_TWO: [&str; 12] = [
    "corr",
    "covar_pop",
    "covar_samp",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
];

/// `pg_type.oid` of types of numbers that aggregates compute with.
pub(super) mod number {
    use crate::vocab::Oid;
    pub const INTEGERS: [Oid; 3] = [21, 23, 20];
    /// `sum` of these is a `bigint`.
    pub const SMALL_INTEGERS: [Oid; 2] = [21, 23];
    pub const FLOAT4: Oid = 700;
    pub const FLOAT8: Oid = 701;
    pub const FLOATS: [Oid; 2] = [FLOAT4, FLOAT8];
    pub const NUMERIC: Oid = 1700;
}

/// Beyond these a sum or a square could overflow, and the error would tell of a value in a group that is not shown. Such
/// values do not contribute.
pub(super) fn extremes(type_oid: Oid) -> Option<&'static str> {
    match type_oid {
        number::FLOAT4 => Some("1e25"),
        number::FLOAT8 | number::NUMERIC => Some("1e100"),
        _exact => None,
    }
}

/// The aggregates of one level.
pub(super) struct Calls<'a> {
    pub(super) fact: &'a Fact<'a>,
    keys: &'a Keys,
    /// The conditions of WHERE on such columns. They go into every aggregate: in WHERE they would decide which rows the
    /// other expressions of the level are evaluated on, and whether those fail.
    filters: Vec<Node>,
    /// Whether the rows themselves tell of such a column.
    tells: bool,
    /// The one condition by which aggregates of the level are filtered.
    filter: Option<Node>,
    /// The one pair of columns that aggregates of two arguments take.
    pair: Option<[usize; 2]>,
    seen: usize,
    sets: Option<&'a Sets>,
    /// What the inner of two levels tells, beside its keys.
    columns: Vec<Node>,
    /// The calls that those stand for, where each is told with noise: what is asked twice is told once.
    asked: Vec<Node>,
    /// How many numbers are told with noise of each group.
    told: u32,
}

impl<'a> Calls<'a> {
    pub(super) fn new(
        fact: &'a Fact<'a>,
        keys: &'a Keys,
        sets: Option<&'a Sets>,
        filters: Vec<Node>,
        tells: bool,
    ) -> Calls<'a> {
        Calls {
            fact,
            keys,
            filters,
            tells,
            filter: None,
            pair: None,
            seen: 0,
            sets,
            columns: Vec::new(),
            asked: Vec::new(),
            told: 0,
        }
    }

    /// What the inner of two levels tells.
    pub(super) fn into_columns(self) -> Vec<Node> {
        self.columns
    }

    /// How many numbers are told with noise of each group.
    pub(super) fn told(&self) -> u32 {
        self.told
    }

    /// Whether the level has aggregates.
    pub(super) fn aggregates(&self) -> bool {
        self.seen > 0
    }

    /// A target, which keeps the name that it has without a threshold.
    pub(super) fn target(&mut self, target: &mut Node) -> Result<(), Why> {
        let Some(NodeEnum::ResTarget(target)) = &mut target.node else { return Err("of its target list".into()) };
        let Some(value) = &mut target.val else { return Err("of its target list".into()) };
        let name = figure_name(value);
        if (self.expression(value)? || self.sets.is_some()) && target.name.is_empty() {
            target.name = name.to_string();
        }
        Ok(())
    }

    pub(super) fn each(&mut self, nodes: &mut [Node]) -> Result<(), Why> {
        nodes.iter_mut().filter(|node| !is_name(node)).try_for_each(|node| self.expression(node).map(|_| ()))
    }

    /// Puts thresholds around the aggregates of an expression that is evaluated on groups. Returns whether there are any.
    pub(super) fn expression(&mut self, node: &mut Node) -> Result<bool, Why> {
        if found(node, |node| matches!(node.node, Some(NodeEnum::SubLink(_) | NodeEnum::SelectStmt(_)))) {
            return Err("a sub-query stands beside its aggregates".into());
        }
        let mut taken = Taken { calls: Vec::new(), catalog: self.fact.catalog(), groupings: self.sets.is_some() };
        walk(node, &mut taken).map_err(|reason| reason.what.to_string())?;
        if self.names_more_than_keys(node) {
            return Err("it stands outside of the aggregates that release it, and is no key of GROUP BY".into());
        }
        let mut calls = Vec::with_capacity(taken.calls.len());
        for call in taken.calls {
            if self.fact.noise.is_some() {
                let number = self.once(call)?;
                calls.push(Some(Sets::shown_aggregate(number)));
                continue;
            }
            let told = self.call(call)?;
            calls.push(Some(match self.sets {
                None => told,
                Some(_) => {
                    self.columns.push(told);
                    Sets::aggregate(self.columns.len() - 1)
                }
            }));
        }
        if let Some(sets) = self.sets {
            sets.put_keys(node)?;
        }
        self.seen += calls.len();
        let any = !calls.is_empty();
        walk(node, &mut Returned(calls)).map_err(|reason| reason.what.to_string())?;
        Ok(any)
    }

    /// Whether a tree names such a column that is not grouped by.
    fn names_more_than_keys(&self, node: &Node) -> bool {
        found(node, |node| self.fact.closed_column(node).is_some_and(|(index, _)| !self.keys.columns.contains(&index)))
    }

    /// The column that tells of an aggregate with noise: that of the same aggregate before, if there is one.
    fn once(&mut self, call: Node) -> Result<usize, Why> {
        let mut bare = call.clone();
        crate::sql::clear_locations(&mut bare).map_err(|reason| reason.what.to_string())?;
        if let Some(known) = self.asked.iter().position(|known| *known == bare) {
            return Ok(known);
        }
        let told = self.call(call)?;
        self.asked.push(bare);
        self.columns.push(told);
        Ok(self.columns.len() - 1)
    }

    /// What is sent for an aggregate.
    fn call(&mut self, node: Node) -> Result<Node, Why> {
        if matches!(node.node, Some(NodeEnum::GroupingFunc(_))) {
            return Ok(node);
        }
        if let Some(noise) = &self.fact.noise {
            self.told += 1;
            return self.noisy(node, noise);
        }
        let named = self.fact.is_named_in(&node);
        let Some(NodeEnum::FuncCall(mut call)) = node.node else {
            // An aggregate with a syntax of its own.
            return match named || self.tells {
                true => Err(UNSAFE.into()),
                false => Ok(node),
            };
        };
        let name = self.plain_name(&call);
        let of_rows = call.agg_star && name.as_deref() == Some("count");
        if !named && !of_rows {
            // Open columns in a level whose rows are open too.
            return match self.tells {
                true => {
                    Err("beside it only count(*) and aggregates of such columns may stand, because which rows there \
                             are tells of it"
                        .into())
                }
                false => Ok(wrap(NodeEnum::FuncCall(call))),
            };
        }
        let FuncCall {
            funcname: _,
            args,
            agg_order,
            agg_filter,
            over: _,
            agg_within_group,
            agg_star: _,
            agg_distinct,
            func_variadic,
            funcformat: _,
            location: _,
        } = &mut *call;
        let columns = args.iter().map(|arg| self.fact.closed_column(arg).map(|(_, column)| column));
        let Some(columns) = columns.collect::<Option<Vec<&Column>>>() else {
            return Err("an argument of an aggregate is more than such a column alone".into());
        };
        let safe = match (name.as_deref(), columns.as_slice()) {
            (Some("count"), []) => of_rows,
            (Some("count"), [column]) => !*agg_distinct || self.fact.is_comparable(column),
            (Some(name), [column]) => OF_ONE.contains(&name) && is_number(column) && !*agg_distinct,
            (Some(name), [one, other]) => {
                OF_TWO.contains(&name) && is_number(one) && is_number(other) && !*agg_distinct
            }
            (Some(_) | None, _) => false,
        };
        if !safe || !agg_order.is_empty() || *agg_within_group || *func_variadic {
            return Err(UNSAFE.into());
        }
        if columns.len() > 1 && self.fact.aggregate.round.is_some() {
            return Err("numbers are rounded, which leaves nothing of corr, covar and regr".into());
        }
        let counts = name.as_deref() == Some("count");
        let bounds: Vec<Option<Node>> = args
            .iter()
            .zip(&columns)
            .map(|(arg, column)| extremes(column.type_oid).filter(|_| !counts).and_then(|extreme| within(arg, extreme)))
            .collect();
        // What each argument must meet for a row to contribute.
        let mut each = args.iter().zip(&bounds).map(|(arg, bound)| [Some(is_not_null(arg.clone())), bound.clone()]);
        let each: Vec<Vec<Node>> = each.by_ref().map(|both| both.into_iter().flatten().collect()).collect();
        let own = agg_filter.take().map(|filter| self.filter_of(*filter)).transpose()?;
        let mut inside: Vec<Node> = each.concat();
        let mut left_out = Vec::new();
        if let [one, other] = each.as_slice() {
            self.only_pair(args)?;
            // Who has one of the two only could be told by a difference to what is told of that one.
            for (has, lacks) in [(one, other), (other, one)] {
                let lacks = all_of(lacks.clone()).ok_or("of a pair")?;
                left_out.push([has.clone(), vec![is_not_true(lacks)]].concat());
            }
        }
        if let Some(own) = &own {
            // Who is left out by the filter could be told by a difference.
            left_out.push([inside.clone(), vec![is_not_true(own.clone())]].concat());
            inside.push(own.clone());
        }
        if self.filter.is_some() && self.pair.is_some() {
            return Err(
                "its aggregates have a filter and a pair of arguments, of which differences could single a person \
                        out"
                .into(),
            );
        }
        let shown = self.shown(inside, left_out)?;
        let bounds = bounds.into_iter().flatten().collect();
        if columns.len() > 1 || (!counts && columns.iter().any(|column| number::FLOATS.contains(&column.type_oid))) {
            // The last digits of a sum of floats depend on the order of the rows.
            *agg_order = args.iter().cloned().map(sorted).collect();
        }
        let mut conditions = self.with_filters(bounds);
        conditions.extend(own);
        *agg_filter = all_of(conditions).map(Box::new);
        let told = wrap(NodeEnum::FuncCall(call));
        let told = match self.fact.aggregate.round {
            None => told,
            Some(step) => rounded(told, Number::of(name.as_deref(), columns.first().copied()), step)
                .ok_or("of what it is rounded to")?,
        };
        Ok(case_when(Some(shown), told))
    }

    /// Where an aggregate is shown: enough subjects contribute, of those that it leaves out there are enough or none, and so
    /// in every group below.
    fn shown(&self, inside: Vec<Node>, left_out: Vec<Vec<Node>>) -> Result<Node, Why> {
        let most = integer(i32::try_from(self.fact.aggregate.min_subjects - 1).unwrap_or(i32::MAX));
        let few = |conditions| {
            let conditions = self.with_filters(conditions);
            // Rows of whom nobody can see count as no subject, and could be one person's.
            let unknown = self.fact.unknown(conditions.clone());
            let few = between(self.fact.subjects(conditions), integer(1), most.clone());
            match unknown {
                Some(unknown) => any(vec![few, unknown]),
                None => few,
            }
        };
        let mut shown = vec![self.threshold(inside.clone())];
        shown.extend(left_out.iter().cloned().map(|outside| not(few(outside))));
        if let Some(sets) = self.sets {
            let some = std::iter::once(inside).chain(left_out).map(few).collect();
            shown.push(not(sets.any_below(either(some).ok_or("of a grouping set")?)));
        }
        all_of(shown).ok_or_else(|| "of a threshold".into())
    }

    /// Aggregates of other pairs would count other rows, and a difference could be one person's.
    fn only_pair(&mut self, args: &[Node]) -> Result<(), Why> {
        let mut pair: Vec<usize> = args.iter().filter_map(|arg| Some(self.fact.column(arg)?.0)).collect();
        pair.sort_unstable();
        let pair = <[usize; 2]>::try_from(pair).map_err(|_| "of a pair")?;
        if *self.pair.get_or_insert(pair) != pair {
            return Err(
                "its aggregates take different pairs of arguments, of which differences could single a person out"
                    .into(),
            );
        }
        Ok(())
    }

    /// The one FILTER that a level may have.
    fn filter_of(&mut self, filter: Node) -> Result<Node, Why> {
        if !conjuncts(filter.clone()).iter().all(|condition| plain(condition, self.fact)) {
            return Err(PLAIN.into());
        }
        let mut bare = filter.clone();
        crate::sql::clear_locations(&mut bare).map_err(|reason| reason.what.to_string())?;
        match &self.filter {
            Some(known) if *known != bare => {
                Err("its aggregates have two different filters, of which differences could single a person out".into())
            }
            Some(_) | None => {
                self.filter = Some(bare);
                Ok(filter)
            }
        }
    }

    pub(super) fn with_filters(&self, mut conditions: Vec<Node>) -> Vec<Node> {
        conditions.splice(0..0, self.filters.iter().cloned());
        conditions
    }

    /// Enough subjects have a row that meets these conditions and those of WHERE.
    pub(super) fn threshold(&self, conditions: Vec<Node>) -> Node {
        self.fact.enough(self.with_filters(conditions))
    }

    /// The name of a function that can be none but the server's own.
    pub(super) fn plain_name(&self, call: &FuncCall) -> Option<String> {
        let names: Vec<&str> = call.funcname.iter().filter_map(string).collect();
        let (qualified, name) = match names.as_slice() {
            [name] => (false, *name),
            ["pg_catalog", name] => (true, *name),
            _another_schema => return None,
        };
        (qualified || !has_rival(name, self.fact.context)).then(|| name.to_owned())
    }
}

const UNSAFE: &str = "only count, sum, avg, stddev, variance, corr, covar and regr of bare columns release it";

pub(super) fn is_number(column: &Column) -> bool {
    let oid = column.type_oid;
    number::INTEGERS.contains(&oid) || number::FLOATS.contains(&oid) || oid == number::NUMERIC
}

/// `column BETWEEN -extreme AND extreme`.
pub(super) fn within(column: &Node, extreme: &str) -> Option<Node> {
    Some(between(column.clone(), expression(&format!("-{extreme}"))?, expression(extreme)?))
}

fn between(node: Node, least: Node, most: Node) -> Node {
    let args = vec![binary(">=", node.clone(), least), binary("<=", node, most)];
    let boolop = BoolExprType::AndExpr as i32;
    wrap(NodeEnum::BoolExpr(Box::new(BoolExpr { xpr: None, boolop, args, location: -1 })))
}

/// An item of ORDER BY.
fn sorted(node: Node) -> Node {
    wrap(NodeEnum::SortBy(Box::new(SortBy {
        node: Some(Box::new(node)),
        sortby_dir: SortByDir::SortbyDefault as i32,
        sortby_nulls: SortByNulls::SortbyNullsDefault as i32,
        use_op: Vec::new(),
        location: -1,
    })))
}

fn either(mut conditions: Vec<Node>) -> Option<Node> {
    if conditions.len() < 2 {
        return conditions.pop();
    }
    Some(any(conditions))
}

fn any(args: Vec<Node>) -> Node {
    let boolop = BoolExprType::OrExpr as i32;
    wrap(NodeEnum::BoolExpr(Box::new(BoolExpr { xpr: None, boolop, args, location: -1 })))
}

/// Whether an item of ORDER BY or DISTINCT ON is the name of a target.
fn is_name(node: &Node) -> bool {
    let item = match &node.node {
        Some(NodeEnum::SortBy(sort)) => sort.node.as_deref(),
        Some(_) => Some(node),
        None => None,
    };
    matches!(item.map(|item| &item.node), Some(Some(NodeEnum::ColumnRef(reference))) if reference.fields.len() == 1)
}

fn not(node: Node) -> Node {
    let boolop = BoolExprType::NotExpr as i32;
    wrap(NodeEnum::BoolExpr(Box::new(BoolExpr { xpr: None, boolop, args: vec![node], location: -1 })))
}

fn is_not_true(node: Node) -> Node {
    let booltesttype = BoolTestType::IsNotTrue as i32;
    let arg = Some(Box::new(node));
    wrap(NodeEnum::BooleanTest(Box::new(BooleanTest { xpr: None, arg, booltesttype, location: -1 })))
}

/// Takes the aggregates out of an expression.
struct Taken<'a> {
    calls: Vec<Node>,
    /// `GROUPING (…)` too, which has a meaning in the inner of two levels only.
    groupings: bool,
    catalog: &'a crate::catalog::Catalog,
}

impl Visitor for Taken<'_> {
    fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
        let aggregates = match &node.node {
            // Over a window it computes with what the groups release.
            Some(NodeEnum::FuncCall(call)) => {
                let name = call.funcname.iter().filter_map(string).next_back().unwrap_or_default();
                call.over.is_none() && is_aggregate(name, self.catalog)
            }
            Some(NodeEnum::GroupingFunc(_)) => self.groupings,
            Some(other) => is_json_aggregate(other),
            None => false,
        };
        if aggregates {
            let call = std::mem::replace(node, placeholder(self.calls.len()));
            self.calls.push(call);
        }
        Ok(())
    }
    fn location(&mut self, _at: &mut i32) {}
}

/// Puts what is sent for aggregates where they stood.
struct Returned(Vec<Option<Node>>);

impl Visitor for Returned {
    fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
        if let Some(NodeEnum::ParamRef(param)) = &node.node
            && let Ok(number) = usize::try_from(-1 - i64::from(param.number))
            && param.number < 0
        {
            let call = self.0.get_mut(number).and_then(Option::take);
            *node = call.ok_or_else(|| NotUnderstood::new("an aggregate that could not be found again", None))?;
        }
        Ok(())
    }
    fn location(&mut self, _at: &mut i32) {}
}
