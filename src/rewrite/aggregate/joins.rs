//! What a level joins: each row of the table that it aggregates may occur once only. Repeated a million times one row
//! would decide every aggregate.

use super::condition::{compare_alike, compares, conjuncts, is_constant};
use super::{Fact, Standing, Why};
use crate::catalog::{Column, RelationKind};
use crate::sql::string;
use crate::vocab::AttNum;
use pg_query::NodeEnum;
use pg_query::protobuf::{AExprKind, ColumnRef, JoinExpr, JoinType, Node};

/// The places of the relations that stand in a FROM, joined or not.
pub(super) fn places(from: &[Node]) -> Vec<i32> {
    let mut found = Vec::new();
    let mut left: Vec<&Node> = from.iter().collect();
    while let Some(item) = left.pop() {
        match &item.node {
            Some(NodeEnum::RangeVar(range)) => found.push(range.location),
            Some(NodeEnum::JoinExpr(join)) => {
                left.extend([&join.larg, &join.rarg].into_iter().flatten().map(|side| &**side))
            }
            // Nothing else is a relation; a sample of one is none of those that can be aggregated.
            Some(_) | None => {}
        }
    }
    found
}

/// Refuses a FROM that could repeat or lose a row of the fact, or that depends on what it is aggregated for. `conditions`
/// are those at the top of WHERE.
pub(super) fn check(
    fact: &Fact<'_>,
    from: &[Node],
    conditions: &[Node],
    standings: &[Standing<'_>],
) -> Result<(), Why> {
    let mut joined = Joined { fact, standings, members: Vec::new(), equal: Vec::new() };
    for item in from {
        joined.item(item)?;
    }
    for condition in conditions {
        joined.equal.extend(equality(condition));
    }
    joined.each_row_once()
}

/// A relation beside the fact.
struct Member<'a> {
    standing: &'a Standing<'a>,
    /// The equalities of its own LEFT JOIN, which alone hold for the rows that it adds; `None` where it is joined plainly.
    outer: Option<Vec<Equality>>,
}

/// `one = other`.
#[derive(Clone)]
struct Equality {
    one: Node,
    other: Node,
}

struct Joined<'a> {
    fact: &'a Fact<'a>,
    standings: &'a [Standing<'a>],
    members: Vec<Member<'a>>,
    /// What holds in every row.
    equal: Vec<Equality>,
}

impl<'a> Joined<'a> {
    fn item(&mut self, item: &Node) -> Result<(), Why> {
        match &item.node {
            Some(NodeEnum::RangeVar(range)) => {
                self.members.push(Member { standing: self.standing(range.location)?, outer: None });
                Ok(())
            }
            Some(NodeEnum::JoinExpr(join)) => self.join(join),
            Some(_) | None => Err(NO_TABLE.into()),
        }
    }

    fn standing(&self, at: i32) -> Result<&'a Standing<'a>, Why> {
        let mut standings = self.standings.iter();
        standings.find(|standing| standing.reference.at == at).ok_or_else(|| NO_TABLE.into())
    }

    fn join(&mut self, join: &JoinExpr) -> Result<(), Why> {
        let JoinExpr { jointype, is_natural, larg, rarg, using_clause, join_using_alias, quals, alias, rtindex: _ } =
            join;
        let (Some(left), Some(right)) = (larg, rarg) else { return Err(NO_TABLE.into()) };
        if *is_natural || join_using_alias.is_some() || alias.is_some() {
            return Err("a join has an alias".into());
        }
        let before = self.members.len();
        self.item(left)?;
        let middle = self.members.len();
        let outer = match JoinType::try_from(*jointype) {
            Ok(JoinType::JoinInner) => false,
            Ok(JoinType::JoinLeft) => true,
            _other => return Err("a join is neither an inner nor a left one".into()),
        };
        match (outer, &right.node) {
            (true, Some(NodeEnum::RangeVar(range))) => {
                let standing = self.standing(range.location)?;
                if standing.reference.at == self.fact.standing.reference.at {
                    return Err("it stands on the right side of a LEFT JOIN".into());
                }
                self.members.push(Member { standing, outer: Some(Vec::new()) });
            }
            (true, _) => return Err("more than a table stands on the right side of a LEFT JOIN".into()),
            (false, _) => self.item(right)?,
        }
        let mut equal = Vec::new();
        for condition in quals.iter().flat_map(|quals| conjuncts((**quals).clone())) {
            if self.fact.is_named_in(&condition) {
                return Err("a join depends on it".into());
            }
            equal.extend(equality(&condition));
        }
        for name in using_clause.iter().filter_map(string) {
            let reference = |member: &Member<'_>| {
                let named = member.standing.reference.names.iter().any(|known| **known == *name);
                named.then(|| column_of(&member.standing.reference.alias, name))
            };
            let lefts: Vec<Node> = self.members[before..middle].iter().filter_map(reference).collect();
            let rights: Vec<Node> = self.members[middle..].iter().filter_map(reference).collect();
            if lefts.iter().chain(&rights).any(|column| self.fact.is_named_in(column)) {
                return Err("a join depends on it".into());
            }
            for one in &lefts {
                equal.extend(rights.iter().map(|other| Equality { one: one.clone(), other: other.clone() }));
            }
        }
        match self.members.last_mut() {
            Some(Member { standing: _, outer: Some(own) }) if outer => *own = equal,
            _plain => self.equal.extend(equal),
        }
        Ok(())
    }

    /// Whether every other relation adds at most one row to each row of the fact: its primary key equals columns of
    /// relations of which that is known.
    fn each_row_once(&self) -> Result<(), Why> {
        let own = self.fact.standing.reference.at;
        let mut single: Vec<&Standing<'_>> = vec![self.fact.standing];
        let mut left: Vec<&Member<'_>> =
            self.members.iter().filter(|member| member.standing.reference.at != own).collect();
        while !left.is_empty() {
            let before = left.len();
            let (known, rest): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|member| self.adds_one_row(member, &single));
            single.extend(known.into_iter().map(|member| member.standing));
            left = rest;
            if left.len() == before {
                let name = &left[0].standing.reference.alias;
                return Err(format!("{name} is not joined by its whole primary key, and could repeat a row").into());
            }
        }
        Ok(())
    }

    fn adds_one_row(&self, member: &Member<'_>, single: &[&Standing<'_>]) -> bool {
        let Standing { relation, ruling, reference } = member.standing;
        let catalog = self.fact.catalog();
        // A key of a table holds for itself, not for what inherits from it.
        let alone = match relation.kind {
            RelationKind::Table => catalog.children(relation.oid).is_empty(),
            RelationKind::PartitionedTable => true,
            RelationKind::View
            | RelationKind::MaterializedView
            | RelationKind::ForeignTable
            | RelationKind::Sequence => false,
        };
        let equal = member.outer.as_ref().unwrap_or(&self.equal);
        let given = |index: usize| {
            let (Some(column), Some(name)) = (relation.columns.get(index), reference.names.get(index)) else {
                return false;
            };
            let is_own =
                |node: &Node| matches!(parts(node), Some((alias, own)) if alias == &*reference.alias && own == &**name);
            equal.iter().any(|Equality { one, other }| {
                let other = match (is_own(one), is_own(other)) {
                    (true, false) => other,
                    (false, true) => one,
                    (true, true) | (false, false) => return false,
                };
                is_constant(other, column, self.fact)
                    || single
                        .iter()
                        .any(|known| column_in(known, other).is_some_and(|other| compare_alike(catalog, column, other)))
            })
        };
        let keyed = |number: &AttNum| {
            let index = relation.columns.iter().position(|column| column.number == *number);
            index.is_some_and(|index| ruling.is_raw(index) && !relation.columns[index].nondeterministic && given(index))
        };
        let equality = super::text("=");
        let native = compares(std::slice::from_ref(&equality), 0, &["="], self.fact.context);
        alone && native && !relation.primary_key.is_empty() && relation.primary_key.iter().all(keyed)
    }
}

const NO_TABLE: &str = "something other than a table is joined to it";

fn column_of(alias: &str, name: &str) -> Node {
    super::wrap(NodeEnum::ColumnRef(ColumnRef { fields: vec![super::text(alias), super::text(name)], location: -1 }))
}

fn parts(node: &Node) -> Option<(&str, &str)> {
    let NodeEnum::ColumnRef(reference) = node.node.as_ref()? else { return None };
    let [alias, name] = reference.fields.as_slice() else { return None };
    Some((string(alias)?, string(name)?))
}

/// The column that a reference means, where it is one of this relation.
fn column_in<'s>(standing: &Standing<'s>, node: &Node) -> Option<&'s Column> {
    let (alias, name) = parts(node)?;
    // A mask has the column's type too.
    let Standing { relation, ruling: _, reference } = standing;
    if alias != &*reference.alias {
        return None;
    }
    let index = reference.names.iter().position(|known| **known == *name)?;
    relation.columns.get(index)
}

fn equality(condition: &Node) -> Option<Equality> {
    let NodeEnum::AExpr(expr) = condition.node.as_ref()? else { return None };
    let names: Vec<&str> = expr.name.iter().filter_map(string).collect();
    let native = matches!(names.as_slice(), ["="] | ["pg_catalog", "="]);
    if expr.kind != AExprKind::AexprOp as i32 || !native {
        return None;
    }
    Some(Equality { one: *expr.lexpr.clone()?, other: *expr.rexpr.clone()? })
}
