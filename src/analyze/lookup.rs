//! Look-ups: one condition of a statement's own WHERE that compares a column with one given value, where the policy lets
//! the column be found by what it really holds, though it is shown as something else.
//!
//! Such a condition stands beside nothing but AND, once in a statement. In a read it goes behind the guard, to the row
//! conditions, so that what it finds is a row that the purpose may see. In a write it stays where it is, beside them.

use super::resolver::{Found, Outcome, Resolver, not_understood};
use super::scope::{Columns, Source, Visible, Written};
use super::target::Target;
use super::write::conjuncts;
use crate::sql::{all_of, string};
use crate::vocab::Usage;
use pg_query::NodeEnum;
use pg_query::protobuf::{AExprKind, Node};

/// A condition that may be a look-up.
struct Candidate {
    /// The reference to the relation, and the column's index.
    number: usize,
    index: usize,
    column: Visible,
    at: i32,
}

impl Resolver<'_> {
    /// Takes the look-up out of the WHERE of a statement that is a SELECT, and hands it to the relation that it is about.
    pub(super) fn look_up(&mut self, clause: &mut Option<Box<Node>>) -> Outcome<()> {
        let Some(node) = clause.take() else { return Ok(()) };
        let mut rest = Vec::new();
        let mut found = false;
        for mut conjunct in conjuncts(*node) {
            let Some(candidate) = self.candidate(&conjunct)? else {
                rest.push(conjunct);
                continue;
            };
            only_one(&mut found, candidate.at)?;
            self.looked_up(&mut conjunct, &candidate)?;
            self.uses[candidate.number].lookup = Some(conjunct);
        }
        *clause = all_of(rest).map(Box::new);
        Ok(())
    }

    /// Resolves a condition of a write's WHERE if it is a look-up in the relation that is written to; `found` says whether
    /// one was met before.
    pub(super) fn look_up_target(&mut self, target: &Target<'_>, node: &mut Node, found: &mut bool) -> Outcome<bool> {
        let Some(candidate) = self.candidate(node)?.filter(|candidate| candidate.number == target.number) else {
            return Ok(false);
        };
        only_one(found, candidate.at)?;
        // The column itself, where other conditions see its mask.
        let plain = Written::Qualified(target.alias.clone(), candidate.column.name.clone());
        let masked = self.write_target_as(candidate.index, plain);
        self.looked_up(node, &candidate)?;
        if let Some(masked) = masked {
            self.write_target_as(candidate.index, masked);
        }
        Ok(true)
    }

    /// Puts another spelling in place of a column's of the relation that is written to, its level's first entry.
    fn write_target_as(&mut self, index: usize, written: Written) -> Option<Written> {
        let entry = self.levels.last_mut()?.entries.first_mut()?;
        let Columns::Known(columns) = &entry.columns else { return None };
        let mut columns: Vec<Visible> = columns.to_vec();
        let before = std::mem::replace(&mut columns.get_mut(index)?.written, written);
        entry.columns = Columns::Known(columns.into());
        Some(before)
    }

    /// Resolves a look-up, whose comparison must be one of the column's own type.
    fn looked_up(&mut self, node: &mut Node, candidate: &Candidate) -> Outcome<()> {
        self.expression(node, Some(Usage::Lookup))?;
        self.uses[candidate.number].looks_up = true;
        let given = sides(node).and_then(|(_, given)| self.compares_as_it_is(&candidate.column, given));
        if given.is_none() {
            return not_understood("a look-up by a value of another type, or in a column of such a type", candidate.at);
        }
        Ok(())
    }

    /// The column that a condition, which is not resolved yet, would look up.
    fn candidate(&self, node: &Node) -> Outcome<Option<Candidate>> {
        let Some((reference, given)) = sides(node) else { return Ok(None) };
        let Some(NodeEnum::ColumnRef(reference)) = &reference.node else { return Ok(None) };
        if !is_one_value(given) {
            return Ok(None);
        }
        let at = reference.location;
        let names: Vec<&str> = reference.fields.iter().filter_map(string).collect();
        let (place, column) = match names.as_slice() {
            [name] => match self.find_column(name, at)? {
                Found::Column(place, column) => (place, column),
                Found::System(..) | Found::Opaque(..) | Found::Nothing => return Ok(None),
            },
            [alias, name] => {
                let Some(place) = self.find_entry(None, alias, at)? else { return Ok(None) };
                let Columns::Known(columns) = self.columns_at(place) else { return Ok(None) };
                let mut named = columns.iter().filter(|column| *column.name == **name);
                match named.next() {
                    Some(column) => (place, column.clone()),
                    None => return Ok(None),
                }
            }
            _whole_or_longer => return Ok(None),
        };
        let Some((number, index)) = column.base else { return Ok(None) };
        let (level, entry) = place;
        let entry = &self.levels[level].entries[entry];
        let plain = level == self.levels.len() - 1 && !entry.nullable && matches!(entry.source, Source::Base(_));
        let relation = self.relation_of(number);
        let permitted = relation.is_some_and(|relation| self.context.rulings.looks_up(relation, index));
        Ok((plain && permitted).then_some(Candidate { number, index, column, at }))
    }
}

/// The column and the given value of `column = value`, either way round.
fn sides(node: &Node) -> Option<(&Node, &Node)> {
    let Some(NodeEnum::AExpr(expr)) = &node.node else { return None };
    let plain = AExprKind::try_from(expr.kind) == Ok(AExprKind::AexprOp);
    let equality = matches!(expr.name.as_slice(), [name] if string(name) == Some("="));
    let (left, right) = (expr.lexpr.as_deref()?, expr.rexpr.as_deref()?);
    match (plain && equality, &left.node, &right.node) {
        (true, Some(NodeEnum::ColumnRef(_)), _) => Some((left, right)),
        (true, _, Some(NodeEnum::ColumnRef(_))) => Some((right, left)),
        _another_comparison => None,
    }
}

/// A constant or a parameter, also cast.
fn is_one_value(node: &Node) -> bool {
    match &node.node {
        Some(NodeEnum::AConst(_) | NodeEnum::ParamRef(_)) => true,
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_ref().is_some_and(|arg| is_one_value(arg)),
        Some(_) | None => false,
    }
}

fn only_one(found: &mut bool, at: i32) -> Outcome<()> {
    if std::mem::replace(found, true) {
        return not_understood("more than one look-up in a statement", at);
    }
    Ok(())
}
