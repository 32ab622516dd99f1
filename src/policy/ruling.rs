//! What a policy says about one relation under one purpose. The rewriter and the refusals read nothing else.

use super::mask::Mask;
use super::parameter::{Missing, ParameterId};
use crate::catalog::Declared;
use crate::vocab::{AttNum, Cause, Clause, Oid, Usage, UsageSet};
use std::fmt;
use std::sync::Arc;

/// The ruling on a relation under a purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationRuling {
    pub relation: Oid,
    /// One for each of the relation's columns, in the same order.
    pub columns: Box<[ColumnRuling]>,
    /// Conditions a row must meet to be seen, all of them; empty if every row may be seen. They are those of every rule
    /// that opens a column of the relation, whether or not the statement names that column: the existence of a row is
    /// data too.
    pub rows: Box<[RowCondition]>,
    /// What says which person a row is about, where every row has one.
    pub subject_key: Option<SubjectKey>,
    /// How many rows a person has at most, or count at most where numbers are told with noise; `None` where nobody says.
    pub rows_per_subject: Option<RowsPerSubject>,
    /// What values of a column, by its index, count as at least and at most where numbers are told with noise.
    pub bounds: Arc<[Option<(i64, i64)>]>,
    /// Where the policy declares what it shows.
    pub declared: Option<Declared>,
}

impl RelationRuling {
    /// Every column is open as it is and no row is hidden: the relation is left alone. What is computed from something that
    /// may be kept back never is: its errors could quote that.
    pub fn whole(&self) -> bool {
        let computed = matches!(self.declared, Some(Declared::Computed | Declared::Result));
        !computed && self.rows.is_empty() && self.columns.iter().all(ColumnRuling::is_raw)
    }

    /// Rows behind it may be hidden: by conditions, or by the definition of a view that is judged by what it shows.
    pub fn hides_rows(&self) -> bool {
        !self.rows.is_empty() || self.declared == Some(Declared::Computed)
    }

    /// The column of this index is open as it is.
    pub fn is_raw(&self, index: usize) -> bool {
        self.columns.get(index).is_some_and(ColumnRuling::is_raw)
    }

    /// Who reads the column of this index learns something of its values.
    pub fn tells(&self, index: usize) -> bool {
        self.columns.get(index).is_some_and(|column| column.effect.tells())
    }

    /// At least one column is shown row by row, so that its rows may be counted. A relation without columns is countable.
    pub fn countable(&self) -> bool {
        let shown = |column: &ColumnRuling| matches!(column.effect, Effect::Allow | Effect::Mask(_));
        self.columns.is_empty() || self.columns.iter().any(shown)
    }

    /// Who reads the relation learns something of its rows: one by one, or in aggregates.
    pub fn tells_of_rows(&self) -> bool {
        self.countable() || self.min_subjects().is_some()
    }

    /// How the columns are released that are released in aggregates only: as strictly as any of them asks for. `None` if
    /// there are none.
    pub fn aggregate(&self) -> Option<Aggregate> {
        self.columns.iter().filter_map(|column| column.effect.aggregate()).reduce(Aggregate::meet)
    }

    /// How many subjects must contribute to what is told of them.
    pub fn min_subjects(&self) -> Option<u32> {
        self.aggregate().map(|aggregate| aggregate.min_subjects)
    }
}

/// How many rows of a relation are about one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsPerSubject {
    /// One: the subject key is the primary key.
    One,
    /// As many as there are, of which so many count.
    Count(u32),
}

/// The way from a row to the person it is about: a column of its own, and further columns by foreign keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectKey {
    /// The relation's own column, by its index.
    pub index: usize,
    pub through: Arc<[Hop]>,
}

impl SubjectKey {
    /// Whether the relation's own column tells people apart; one that leads to them may be many to a person.
    pub fn is(&self, index: usize) -> bool {
        self.index == index && self.through.is_empty()
    }
}

/// A step over a foreign key of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    pub relation: Oid,
    /// The column that the key refers to, by its index.
    pub referenced: usize,
    /// The column that is looked up.
    pub shown: usize,
}

/// The ruling on a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnRuling {
    pub number: AttNum,
    pub effect: Effect,
    pub filter: Filter,
    /// Usages that the effect does not give, each with the rule that closes it.
    pub closed: Arc<[(Usage, Cause)]>,
    /// The categories the column carries.
    pub categories: Arc<[Arc<str>]>,
    /// Whose data it is.
    pub subject: Option<Arc<str>>,
    /// The rule that decided, or why none did.
    pub cause: Cause,
}

impl ColumnRuling {
    /// The column is open as it is, for whatever it is used.
    pub fn is_raw(&self) -> bool {
        self.effect == Effect::Allow && self.closed.is_empty()
    }

    /// The first of these usages that is closed, and why. ON may hold any condition, so it filters as well; a look-up
    /// filters.
    pub fn closing(&self, usages: UsageSet) -> Option<&(Usage, Cause)> {
        let meant = |usage: Usage| match usage {
            Usage::Filter => [Usage::Filter, Usage::Lookup, Usage::Join].into_iter().any(|used| usages.contains(used)),
            other => usages.contains(other),
        };
        self.closed.iter().find(|(usage, _)| meant(*usage))
    }
}

/// What conditions compare of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// What the purpose gets of it.
    AsShown,
    /// What it holds, in a look-up, and nothing else.
    LookUp,
}

/// What a purpose gets of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The value as it is.
    Allow,
    /// The value replaced inside the guard.
    Mask(Mask),
    /// Only in aggregates over enough subjects.
    Aggregate(Aggregate),
    /// Nothing: any use is a refusal.
    Deny,
}

impl Effect {
    /// Whether who gets this of a column learns something of its values.
    pub fn tells(&self) -> bool {
        match self {
            Effect::Allow | Effect::Aggregate(_) => true,
            Effect::Mask(mask) => mask.tells(),
            Effect::Deny => false,
        }
    }

    /// How the column is released, where that is in aggregates only.
    pub fn aggregate(&self) -> Option<Aggregate> {
        match self {
            Effect::Aggregate(aggregate) => Some(*aggregate),
            Effect::Allow | Effect::Mask(_) | Effect::Deny => None,
        }
    }
}

/// How a column is released in aggregates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aggregate {
    /// How many distinct subjects must contribute to each.
    pub min_subjects: u32,
    /// Each is told as the nearest multiple of this.
    pub round: Option<u32>,
    /// Each is told with noise: by at most this much more or less likely with a person's rows than without, as an epsilon
    /// of differential privacy in thousandths.
    pub noise: Option<u32>,
}

impl Aggregate {
    /// As strict as both.
    pub(super) fn meet(self, other: Aggregate) -> Aggregate {
        Aggregate {
            min_subjects: self.min_subjects.max(other.min_subjects),
            round: self.round.max(other.round),
            noise: [self.noise, other.noise].into_iter().flatten().min(),
        }
    }
}

/// A number of thousandths, as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thousandths(pub u64);

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03}", self.0 / 1000, self.0 % 1000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Aggregate { min_subjects, round, noise } = self;
        write!(f, "in aggregates over at least {min_subjects} subjects")?;
        round.map_or(Ok(()), |step| write!(f, ", in multiples of {step}"))?;
        noise.map_or(Ok(()), |epsilon| write!(f, ", with noise of epsilon {}", Thousandths(epsilon.into())))
    }
}

/// The rows that meet a condition for different values of its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slices {
    /// No row is in two of them: each parameter equals a column of the row, or of the one row that a key leads to.
    Disjoint,
    Overlapping,
}

/// A column of a relation, by its index.
pub type ColumnOf = (Oid, usize);

/// A condition on the rows of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowCondition {
    /// Its name in the policy, e.g. `not erased`.
    pub name: Arc<str>,
    /// A boolean SQL expression over the relation's own bare columns, checked at load and written anew: in parentheses
    /// unless it is one column, operators and functions qualified. A negated one is already `(… IS NOT TRUE)`.
    pub sql: Arc<str>,
    /// The columns it reads.
    pub columns: Arc<[Arc<str>]>,
    /// The parameters that it needs, `$1` … in `sql`, each with what becomes of a statement where it has no value.
    pub parameters: Arc<[(ParameterId, Missing)]>,
    /// It is `column = $parameter`.
    pub equality: Option<(Arc<str>, ParameterId)>,
    /// Whether a row can meet it for two values of its parameters.
    pub slices: Slices,
    /// Columns of other tables that it reads.
    pub reads: Arc<[ColumnOf]>,
    /// The other tables whose rows may come and go: a foreign key keeps any row from being there before, or after, the row
    /// of them that decides whether it is seen.
    pub anchors: Arc<[Oid]>,
    /// Where it reads one other table, and by a foreign key: that table's rows decide of which these columns equal the
    /// relation's own, each pair the relation's own first.
    pub ties: Arc<[(Arc<str>, Arc<str>)]>,
    /// The first rule that asks for it.
    pub rule: Arc<str>,
    pub clause: Option<Arc<Clause>>,
}
