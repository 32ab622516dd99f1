//! Grouping sets. A total less the groups that are shown would tell of those that are not, so a cell of a coarser set shows
//! an aggregate only where every cell of the finest set below it does, or has nothing to add: then all totals are
//! sums of what is shown anyway. The level becomes two, since a cell must see those below it:
//!
//! ```sql
//! SELECT g.k0 AS city, g.a0 AS sum FROM (
//!     SELECT s.city AS k0,
//!         CASE WHEN enough AND NOT CASE GROUPING(s.city) WHEN 0 THEN false WHEN 1 THEN bool_or(few) OVER () END THEN sum(s.pay) END AS a0,
//!         enough AS shown
//!     FROM staff AS s GROUP BY ROLLUP (s.city) OFFSET 0
//! ) AS g WHERE g.shown
//! ```

use super::group::key_of;
use super::{Why, binary, found, integer, text, wrap};
use crate::sql::{Visitor, case_when, empty_select, string, walk};
use crate::vocab::NotUnderstood;
use pg_query::NodeEnum;
use pg_query::protobuf::{
    AConst, Alias, BoolExpr, BoolExprType, Boolean, CaseExpr, CaseWhen, ColumnRef, FuncCall, GroupingFunc, GroupingSet,
    GroupingSetKind, LimitOption, Node, RangeSubselect, ResTarget, RowExpr, SelectStmt, WindowDef, a_const::Val,
};

/// What the inner level is called. Nothing that a statement may name is called so.
pub(super) const GROUPS: &str = "wherefore groups";
const SHOWN: &str = "shown";

/// A window is made for each set.
const MOST_SETS: usize = 32;
/// `GROUPING` takes 31.
const MOST_KEYS: usize = 16;

/// The grouping sets of a level.
#[derive(Debug)]
pub(super) struct Sets {
    /// Columns, written `alias.column`, and what is computed of them, without locations.
    keys: Vec<Node>,
    /// Which of them each set groups by.
    sets: Vec<Vec<usize>>,
}

impl Sets {
    /// The sets that GROUP BY asks for; `None` where it has keys only. Keys that are named by target are written out.
    pub(super) fn of(items: &mut [Node], targets: &[Node]) -> Result<Option<Sets>, Why> {
        if !items.iter().any(|item| matches!(item.node, Some(NodeEnum::GroupingSet(_)))) {
            return Ok(None);
        }
        Sets::read(items, targets).map(Some)
    }

    /// The sets of any GROUP BY: one where it has keys only.
    pub(super) fn read(items: &mut [Node], targets: &[Node]) -> Result<Sets, Why> {
        let mut sets = Sets { keys: Vec::new(), sets: Vec::new() };
        let mut all: Vec<Vec<usize>> = vec![Vec::new()];
        for item in items {
            let some = sets.item(item, targets)?;
            let joined = all.iter().flat_map(|one| some.iter().map(move |other| [&one[..], other].concat()));
            all = few(joined.collect())?;
        }
        all.iter_mut().for_each(|set| {
            set.sort_unstable();
            set.dedup();
        });
        if !all.iter().any(|set| set.len() == sets.keys.len()) {
            return Err("no grouping set has all the keys of the others, of which the totals could be sums".into());
        }
        Ok(Sets { keys: sets.keys, sets: all })
    }

    /// How many sets there are.
    pub(super) fn count(&self) -> usize {
        self.sets.len()
    }

    fn item(&mut self, item: &mut Node, targets: &[Node]) -> Result<Vec<Vec<usize>>, Why> {
        match &mut item.node {
            Some(NodeEnum::GroupingSet(GroupingSet { kind, content, location: _ })) => {
                let mut parts = Vec::with_capacity(content.len());
                for item in content {
                    parts.push(self.item(item, targets)?);
                }
                let joined = |parts: &[&Vec<Vec<usize>>]| parts.iter().flat_map(|part| part.concat()).collect();
                match GroupingSetKind::try_from(*kind) {
                    Ok(GroupingSetKind::GroupingSetEmpty) => Ok(vec![Vec::new()]),
                    Ok(GroupingSetKind::GroupingSetRollup) => {
                        let parts: Vec<_> = parts.iter().collect();
                        few((0..=parts.len()).map(|length| joined(&parts[..length])).collect())
                    }
                    Ok(GroupingSetKind::GroupingSetCube) if parts.len() <= MOST_SETS.ilog2() as usize => {
                        let chosen = |mask: usize| {
                            let of = parts.iter().enumerate().filter(|(at, _)| mask & (1 << at) != 0);
                            joined(&of.map(|(_, part)| part).collect::<Vec<_>>())
                        };
                        few((0..1 << parts.len()).map(chosen).collect())
                    }
                    Ok(GroupingSetKind::GroupingSetSets) => few(parts.concat()),
                    Ok(
                        GroupingSetKind::GroupingSetCube
                        | GroupingSetKind::GroupingSetSimple
                        | GroupingSetKind::Undefined,
                    )
                    | Err(_) => Err(MANY.into()),
                }
            }
            Some(NodeEnum::RowExpr(row)) => {
                let RowExpr { xpr: _, args, row_typeid: _, row_format: _, colnames: _, location: _ } = &mut **row;
                let mut all = Vec::new();
                for item in args {
                    all.extend(self.item(item, targets)?.concat());
                }
                Ok(vec![all])
            }
            Some(_) | None => {
                let mut key = key_of(item, targets).ok_or("a key of its grouping sets is no value")?.clone();
                crate::sql::clear_locations(&mut key).map_err(|reason| reason.what.to_string())?;
                if matches!(key.node, Some(NodeEnum::AConst(_))) {
                    // Written out it would be the number of a column.
                    return Err("a key of its grouping sets is a constant".into());
                }
                if found(&key, |node| matches!(node.node, Some(NodeEnum::SubLink(_) | NodeEnum::ParamRef(_)))) {
                    return Err("a key of its grouping sets holds a query or a parameter".into());
                }
                *item = key.clone();
                let known = self.keys.iter().position(|known| *known == key);
                let index = known.unwrap_or(self.keys.len());
                if known.is_none() {
                    self.keys.push(key);
                }
                if self.keys.len() > MOST_KEYS {
                    return Err(MANY.into());
                }
                Ok(vec![vec![index]])
            }
        }
    }

    /// Whether some cell of the finest set below a cell has few: the condition of a cell is evaluated over those.
    pub(super) fn any_below(&self, few: Node) -> Node {
        let finest = all(vec![binary("=", self.mask(), integer(0)), few]);
        let over = |set: &[usize]| WindowDef {
            name: String::new(),
            refname: String::new(),
            partition_clause: set.iter().map(|index| self.keys[*index].clone()).collect(),
            order_clause: Vec::new(),
            // FRAMEOPTION_DEFAULTS: all rows of the partition, as there is no order.
            frame_options: 0x00422,
            start_offset: None,
            end_offset: None,
            location: -1,
        };
        let any = |set: &[usize]| {
            wrap(NodeEnum::FuncCall(Box::new(FuncCall {
                funcname: ["pg_catalog", "bool_or"].map(text).to_vec(),
                args: vec![finest.clone()],
                agg_order: Vec::new(),
                agg_filter: None,
                over: Some(Box::new(over(set))),
                agg_within_group: false,
                agg_star: false,
                agg_distinct: false,
                func_variadic: false,
                funcformat: pg_query::protobuf::CoercionForm::CoerceExplicitCall as i32,
                location: -1,
            })))
        };
        let mut cases = vec![(0, truth(false))];
        for set in &self.sets {
            let missing = (0..self.keys.len()).filter(|index| !set.contains(index));
            let mask = missing.map(|index| 1 << (self.keys.len() - 1 - index)).sum::<i32>();
            if cases.iter().all(|(known, _)| *known != mask) {
                cases.push((mask, any(set)));
            }
        }
        let when = |(mask, result): (i32, Node)| {
            let (expr, result) = (Some(Box::new(integer(mask))), Some(Box::new(result)));
            wrap(NodeEnum::CaseWhen(Box::new(CaseWhen { xpr: None, expr, result, location: -1 })))
        };
        wrap(NodeEnum::CaseExpr(Box::new(CaseExpr {
            xpr: None,
            casetype: 0,
            casecollid: 0,
            arg: Some(Box::new(self.mask())),
            args: cases.into_iter().map(when).collect(),
            defresult: Some(Box::new(truth(true))),
            location: -1,
        })))
    }

    /// `GROUPING(keys)`: 0 for the finest set, else a bit for each key that the set lacks.
    fn mask(&self) -> Node {
        wrap(NodeEnum::GroupingFunc(Box::new(GroupingFunc {
            xpr: None,
            args: self.keys.clone(),
            refs: Vec::new(),
            agglevelsup: 0,
            location: -1,
        })))
    }

    /// That, where its group is shown.
    pub(super) fn shown_aggregate(number: usize) -> Node {
        case_when(Some(of_groups(SHOWN)), Sets::aggregate(number))
    }

    /// The column of the inner level that holds what stands at this place among its aggregates.
    pub(super) fn aggregate(number: usize) -> Node {
        of_groups(&format!("a{number}"))
    }

    /// Puts the columns of the inner level in place of keys. Nothing else of the level's tables may be named.
    pub(super) fn put_keys(&self, node: &mut Node) -> Result<(), Why> {
        struct Putter<'a>(&'a Sets);
        impl Visitor for Putter<'_> {
            fn node(&mut self, node: &mut Node) -> Result<(), NotUnderstood> {
                let same = |key: &Node| match (parts(key), parts(node)) {
                    (Some(key), Some(column)) => key == column,
                    (None, None) => key == node,
                    (Some(_), None) | (None, Some(_)) => false,
                };
                if let Some(index) = self.0.keys.iter().position(same) {
                    *node = of_groups(&format!("k{index}"));
                }
                Ok(())
            }
            fn location(&mut self, _at: &mut i32) {}
        }
        if self.keys.iter().any(|key| parts(key).is_none()) {
            crate::sql::clear_locations(node).map_err(|reason| reason.what.to_string())?;
        }
        walk(node, &mut Putter(self)).map_err(|reason| reason.what.to_string())?;
        let strange = found(node, |node| {
            matches!(node.node, Some(NodeEnum::ColumnRef(_))) && parts(node).is_none_or(|(alias, _)| alias != GROUPS)
        });
        if strange {
            Err("with grouping sets a column that is no key stands beside its aggregates".into())
        } else {
            Ok(())
        }
    }

    /// The inner of two levels, which groups, taken out of the outer, which shows.
    pub(super) fn inner(&self, select: &mut SelectStmt, aggregates: Vec<Node>, shown: Node) -> SelectStmt {
        let mut inner = empty_select();
        inner.from_clause = std::mem::take(&mut select.from_clause);
        inner.where_clause = select.where_clause.take();
        inner.group_clause = std::mem::take(&mut select.group_clause);
        inner.group_distinct = std::mem::take(&mut select.group_distinct);
        let keys = self.keys.iter().enumerate().map(|(index, key)| target(key.clone(), format!("k{index}")));
        let told = aggregates.into_iter().enumerate().map(|(index, node)| target(node, format!("a{index}")));
        inner.target_list = keys.chain(told).chain([target(shown, SHOWN.to_owned())]).collect();
        // Conditions of the outer level stay there.
        inner.limit_offset = Some(Box::new(integer(0)));
        inner.limit_option = LimitOption::Count as i32;
        inner
    }

    /// Makes two levels of one.
    pub(super) fn wrap(&self, select: &mut SelectStmt, aggregates: Vec<Node>, shown: Node) {
        let inner = self.inner(select, aggregates, shown);
        let subquery = Some(Box::new(wrap(NodeEnum::SelectStmt(Box::new(inner)))));
        let alias = Some(Alias { aliasname: GROUPS.to_owned(), colnames: Vec::new() });
        select.from_clause =
            vec![wrap(NodeEnum::RangeSubselect(Box::new(RangeSubselect { lateral: false, subquery, alias })))];
        Sets::show(select);
    }

    /// Has the outer level leave groups out that are not shown.
    pub(super) fn show(select: &mut SelectStmt) {
        let having = select.having_clause.take().map(|having| *having);
        select.where_clause = Some(Box::new(match having {
            Some(having) => case_when(Some(of_groups(SHOWN)), having),
            None => of_groups(SHOWN),
        }));
    }
}

const MANY: &str = "it has too many grouping sets";

fn few(sets: Vec<Vec<usize>>) -> Result<Vec<Vec<usize>>, Why> {
    if sets.len() > MOST_SETS { Err(MANY.into()) } else { Ok(sets) }
}

/// `alias` and `column` of a qualified reference.
fn parts(node: &Node) -> Option<(&str, &str)> {
    let NodeEnum::ColumnRef(ColumnRef { fields, location: _ }) = node.node.as_ref()? else { return None };
    let [alias, name] = fields.as_slice() else { return None };
    Some((string(alias)?, string(name)?))
}

fn of_groups(name: &str) -> Node {
    wrap(NodeEnum::ColumnRef(ColumnRef { fields: [GROUPS, name].map(text).to_vec(), location: -1 }))
}

pub(super) fn target(value: Node, name: String) -> Node {
    let target = ResTarget { name, indirection: Vec::new(), val: Some(Box::new(value)), location: -1 };
    wrap(NodeEnum::ResTarget(Box::new(target)))
}

fn truth(value: bool) -> Node {
    let val = Some(Val::Boolval(Boolean { boolval: value }));
    wrap(NodeEnum::AConst(AConst { isnull: false, val, location: -1 }))
}

fn all(args: Vec<Node>) -> Node {
    let boolop = BoolExprType::AndExpr as i32;
    wrap(NodeEnum::BoolExpr(Box::new(BoolExpr { xpr: None, boolop, args, location: -1 })))
}
