//! Recursive CTEs: what a column holds in one round depends on what other columns held in the round before.
//!
//! While the second arm is resolved, a column of the CTE itself carries the label of the first arm and a mark of its own: a
//! use of no relation. Once the arm is known the marks say which column passes into which, and give way to all that
//! reaches the column in the end.

use super::from::renamed;
use super::label::{BaseColumn, ColumnSource, Label, RelationUse};
use super::resolver::{Outcome, Resolver, known};
use super::scope::{Columns, Cte, Star, Visible, Written};
use crate::vocab::Oid;
use pg_query::protobuf::{CteCycleClause, CteSearchClause};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The relation of a use that stands for the columns of a recursive CTE.
pub(super) const NO_RELATION: Oid = 0;

/// A recursive CTE whose self-reference becomes visible once its first arm is known.
pub(super) struct Recursive {
    pub name: Arc<str>,
    pub colnames: Vec<Arc<str>>,
    /// The columns that SEARCH and CYCLE make.
    pub made: Vec<Arc<str>>,
}

/// A recursive CTE whose second arm is being resolved.
pub(super) struct Round {
    /// The number of the use that marks its columns.
    mark: usize,
    first: Vec<Label>,
    drafts: usize,
    sent: usize,
}

impl Resolver<'_> {
    /// Puts a recursive CTE in its own sight.
    pub(super) fn begin_round(&mut self, recursive: &Recursive, first: &Columns) -> Outcome<Round> {
        let Recursive { name, colnames, made } = recursive;
        let first = &renamed(first, None, colnames);
        let labels = match first {
            Columns::Known(columns) => columns.iter().map(|column| column.label.clone()).collect(),
            Columns::Opaque(label) => vec![label.clone()],
        };
        let mark = self.add_use(RelationUse::new(NO_RELATION, self.nowhere(), Arc::clone(name), Vec::new()))?;
        let round = Round { mark, first: labels, drafts: self.drafts.len(), sent: self.sent.len() };
        let every = |label: Label| (0..round.first.len()).fold(label, |label, at| label.join(&Label::of((mark, at))));
        let columns = match first {
            Columns::Known(columns) => {
                let own = columns.iter().enumerate().map(|(index, column)| Visible {
                    label: column.label.clone().join(&Label::of((mark, index))),
                    ..column.clone()
                });
                // What SEARCH and CYCLE make is in sight, too.
                let made = made.iter().map(|name| Visible {
                    name: Arc::clone(name),
                    written: Written::Bare(Arc::clone(name)),
                    label: round.first.iter().fold(every(Label::none()), |label, of| label.join(of)),
                    base: None,
                    typed: None,
                    star: Star::LeftOut,
                });
                known(own.chain(made))
            }
            Columns::Opaque(label) => Columns::Opaque(every(label.clone())),
        };
        if let Some(frame) = self.ctes.iter_mut().rev().find(|frame| frame.pending.contains(name)) {
            frame.pending.retain(|other| other != name);
            frame.ready.push(Cte { name: Arc::clone(name), columns });
        }
        Ok(round)
    }

    /// What the columns of both arms hold in the end; `columns` are those of one round.
    pub(super) fn end_round(&mut self, round: &Round, columns: Columns) -> Outcome<Columns> {
        let Columns::Known(columns) = columns else { return Ok(columns) };
        let closed = self.closure(round, &columns)?;
        let settle = |label: &Label| settled(label, round.mark, &closed);
        for used in std::mem::take(&mut self.uses[round.mark].columns) {
            let Some(label) = closed.get(used.index) else { continue };
            for (relation, column) in label.columns() {
                self.uses[*relation].record(*column, None, used.at);
                used.usages.iter().for_each(|usage| self.uses[*relation].record(*column, Some(usage), used.at));
            }
        }
        let deferred = std::mem::take(&mut self.deferred);
        let through = |base: BaseColumn| settle(&Label::of(base)).columns().to_vec();
        self.deferred = deferred.into_iter().flat_map(through).collect();
        for draft in &mut self.drafts[round.drafts..] {
            draft.assigned.iter_mut().for_each(|assigned| assigned.label = settle(&assigned.label));
        }
        let all = closed.iter().fold(Label::none(), |all, label| all.join(label));
        let uses = &self.uses;
        let source = |(number, index): &BaseColumn| ColumnSource { relation: uses[*number].relation, index: *index };
        for sent in &mut self.sent[round.sent..] {
            if sent.sources.iter().any(|source| source.relation == NO_RELATION) {
                sent.sources.retain(|source| source.relation != NO_RELATION);
                sent.sources.extend(all.columns().iter().map(source));
            }
        }
        Ok(known(columns.iter().map(|column| Visible { label: settle(&column.label), ..column.clone() })))
    }

    /// For each column all that reaches it, by whatever way through the others.
    fn closure(&self, round: &Round, columns: &[Visible]) -> Outcome<Vec<Label>> {
        let mut closed = Vec::with_capacity(columns.len());
        for start in 0..columns.len() {
            let mut reached: BTreeSet<usize> = BTreeSet::from([start]);
            let mut next = vec![start];
            let mut label = Label::none();
            while let Some(at) = next.pop() {
                let of_column = columns.get(at).map(|column| &column.label).into_iter();
                for part in of_column.chain(round.first.get(at)) {
                    self.spend(part.columns().len())?;
                    let marks = part.columns().iter().filter(|(number, _)| *number == round.mark);
                    next.extend(marks.map(|(_, index)| *index).filter(|index| reached.insert(*index)));
                    label = label.join(&part.without(round.mark));
                }
            }
            closed.push(label);
        }
        Ok(closed)
    }
}

/// A label with what the marks in it stand for.
fn settled(label: &Label, mark: usize, closed: &[Label]) -> Label {
    let marks = label.columns().iter().filter(|(number, _)| *number == mark);
    marks.filter_map(|(_, index)| closed.get(*index)).fold(label.without(mark), |label, of| label.join(of))
}

/// The columns that SEARCH and CYCLE make.
pub(super) fn made_columns(search: &Option<CteSearchClause>, cycle: &Option<Box<CteCycleClause>>) -> Vec<Arc<str>> {
    let searched = search.iter().map(|search| &search.search_seq_column);
    let cycled = cycle.iter().flat_map(|cycle| [&cycle.cycle_mark_column, &cycle.cycle_path_column]);
    searched.chain(cycled).map(|name| name.as_str().into()).collect()
}
