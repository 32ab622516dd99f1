//! Joins: ON, USING, NATURAL, merged columns, join aliases.

use super::from::{derived, renamed};
use super::known::Known;
use super::label::Offer;
use super::resolver::{Outcome, Resolver, known, not_understood, unresolved};
use super::scope::{Columns, Entry, Source, Star, Visible, Written};
use crate::sql::string;
use crate::vocab::{SqlState, Usage};
use pg_query::NodeEnum;
use pg_query::protobuf::{AConst, Boolean, JoinExpr, JoinType, Node, a_const::Val};
use std::ops::Range;
use std::sync::Arc;

use super::columns::text_node;

impl Resolver<'_> {
    pub(super) fn join(&mut self, join: &mut JoinExpr) -> Outcome<()> {
        let JoinExpr { jointype, is_natural, larg, rarg, using_clause, join_using_alias, quals, alias, rtindex: _ } =
            join;
        let level = self.levels.len() - 1;
        let start = self.levels[level].entries.len();
        let first = self.uses.len();
        let (Some(left), Some(right)) = (larg.as_mut(), rarg.as_mut()) else {
            return not_understood("a join without two sides", -1);
        };
        self.resolve_item(left)?;
        let middle = self.levels[level].entries.len();
        self.resolve_item(right)?;
        let end = self.levels[level].entries.len();
        let kind = JoinType::try_from(*jointype).unwrap_or(JoinType::Undefined);
        let (left_nullable, right_nullable) = match kind {
            JoinType::JoinInner => (false, false),
            JoinType::JoinLeft => (false, true),
            JoinType::JoinRight => (true, false),
            JoinType::JoinFull => (true, true),
            JoinType::Undefined
            | JoinType::JoinSemi
            | JoinType::JoinAnti
            | JoinType::JoinRightSemi
            | JoinType::JoinRightAnti
            | JoinType::JoinUniqueOuter
            | JoinType::JoinUniqueInner => return not_understood("an unknown kind of join", -1),
        };
        for (index, entry) in self.levels[level].entries.iter_mut().enumerate().skip(start) {
            entry.nullable |= if index < middle { left_nullable } else { right_nullable };
        }
        if *is_natural {
            self.spell_natural(start..middle, middle..end, using_clause)?;
            *is_natural = false;
            if using_clause.is_empty() && kind != JoinType::JoinInner {
                *quals = Some(Box::new(true_node()));
            }
        }
        let merged = self.merged_columns(kind, using_clause, start..middle, middle..end)?;
        if let Some(quals) = quals.as_mut() {
            let before = std::mem::replace(&mut self.levels[level].from, start);
            let outcome = self.condition(quals, Usage::Join);
            if kind == JoinType::JoinInner {
                self.harvest(quals);
            }
            self.levels[level].from = before;
            outcome?;
        }
        let using_alias = join_using_alias.as_ref().map(|alias| Arc::<str>::from(alias.aliasname.as_str()));
        if merged.is_empty() && alias.is_none() {
            return Ok(());
        }
        let columns = known(merged.iter().cloned().chain(self.unmerged(start..end, &merged)?));
        match alias {
            Some(alias) => {
                if let Columns::Known(columns) = &columns {
                    not_replaced(columns.iter())?;
                }
                // The alias hides what is joined.
                if !alias.colnames.is_empty() {
                    // They count columns by position.
                    self.uses[first..].iter_mut().for_each(|used| used.offer = Offer::All);
                }
                let name: Arc<str> = alias.aliasname.as_str().into();
                let colnames: Vec<Arc<str>> = alias.colnames.iter().filter_map(string).map(Arc::from).collect();
                let nullable = self.levels[level].entries.drain(start..end).any(|entry| entry.nullable);
                let columns = renamed(&columns, Some(&name), &colnames);
                self.push_entry(Entry { nullable, ..derived(Some(name), columns) });
            }
            None => {
                self.levels[level].entries[start..end].iter_mut().for_each(|entry| entry.by_column = false);
                self.push_entry(derived(None, columns));
            }
        }
        if let Some(name) = using_alias {
            let columns = renamed(&known(merged), Some(&name), &[]);
            self.push_entry(Entry { by_column: false, ..derived(Some(name), columns) });
        }
        Ok(())
    }

    /// The columns of some entries that a bare name finds, in order.
    fn by_column(&self, range: Range<usize>) -> Outcome<Vec<Visible>> {
        let Some(level) = self.levels.last() else { return Ok(Vec::new()) };
        let mut columns = Vec::new();
        for entry in level.entries[range].iter().filter(|entry| entry.by_column) {
            match &entry.columns {
                Columns::Known(known) => {
                    self.spend(known.len())?;
                    columns.extend(known.iter().cloned());
                }
                Columns::Opaque(_) => {
                    return not_understood("a join by name over a function whose columns are not known", -1);
                }
            }
        }
        Ok(columns)
    }

    /// Writes NATURAL out as USING: a guard offers fewer columns, so the names must be fixed now.
    fn spell_natural(&self, left: Range<usize>, right: Range<usize>, using: &mut Vec<Node>) -> Outcome<()> {
        let right = self.by_column(right)?;
        let left = self.by_column(left)?;
        let common = left.iter().filter(|column| right.iter().any(|other| other.name == column.name));
        *using = common.map(|column| text_node(&column.name)).collect();
        Ok(())
    }

    /// The merged columns of USING; both sides are used.
    fn merged_columns(
        &mut self,
        kind: JoinType,
        using: &[Node],
        left: Range<usize>,
        right: Range<usize>,
    ) -> Outcome<Vec<Visible>> {
        if using.is_empty() {
            return Ok(Vec::new());
        }
        self.operator_between("=", (Known::Typed, Known::Typed), -1)?;
        let (left, right) = (self.by_column(left)?, self.by_column(right)?);
        let mut merged = Vec::new();
        for name in using.iter().filter_map(string) {
            let (left, right) = (one(&left, name, "left")?, one(&right, name, "right")?);
            not_replaced([left, right])?;
            self.leakproof = self.leakproof && self.leakproof_equality(left, right);
            let label = left.label.clone().join(&right.label);
            self.touch(&label, Some(Usage::Join), -1);
            let same = match kind {
                JoinType::JoinRight => Some(right),
                JoinType::JoinFull => None,
                _inner_or_left => Some(left),
            };
            let type_of = |column: &Visible| {
                let (relation, index) = column.typed?;
                Some(self.relation_of(relation)?.columns.get(index)?.type_oid)
            };
            // Of two types it has the one that they have in common.
            let alike = type_of(left) == type_of(right);
            merged.push(Visible {
                name: name.into(),
                written: Written::Bare(name.into()),
                label,
                base: same.and_then(|column| column.base),
                typed: same.filter(|_| alike).and_then(|column| column.typed),
                star: Star::Expands,
            });
        }
        Ok(merged)
    }

    /// The columns of a join beside its merged ones.
    fn unmerged(&self, range: Range<usize>, merged: &[Visible]) -> Outcome<Vec<Visible>> {
        let aliased = self.by_column(range);
        // An alias over a join with an unknown side has unknown columns; the caller can't name them.
        Ok(aliased?.into_iter().filter(|column| merged.iter().all(|m| m.name != column.name)).collect())
    }
}

/// A join by name, or under an alias, would bring out what a mask stands in place of.
fn not_replaced<'c>(columns: impl IntoIterator<Item = &'c Visible>) -> Outcome<()> {
    match columns.into_iter().find(|column| matches!(column.written, Written::Instead(_))) {
        Some(column) => not_understood(format!("a row lock with {}, masked, in a join by name", column.name), -1),
        None => Ok(()),
    }
}

/// The one column of a side that USING names.
fn one<'c>(columns: &'c [Visible], name: &str, side: &str) -> Outcome<&'c Visible> {
    let mut matches = columns.iter().filter(|column| &*column.name == name);
    match (matches.next(), matches.next()) {
        (Some(column), None) => Ok(column),
        (Some(_), Some(_)) => unresolved(
            SqlState::AMBIGUOUS_COLUMN,
            format!("common column name \"{name}\" appears more than once in {side} table"),
            -1,
        ),
        (None, _) => unresolved(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{name}\" specified in USING clause does not exist in {side} table"),
            -1,
        ),
    }
}

fn true_node() -> Node {
    let value = AConst { isnull: false, location: -1, val: Some(Val::Boolval(Boolean { boolval: true })) };
    Node { node: Some(NodeEnum::AConst(value)) }
}

/// Whether an entry is a base relation of the level that a condition may be copied to.
pub(super) fn copy_target(entry: &Entry) -> Option<usize> {
    match entry.source {
        Source::Base(number) if !entry.nullable => Some(number),
        Source::Base(_) | Source::View(_) | Source::Derived => None,
    }
}
