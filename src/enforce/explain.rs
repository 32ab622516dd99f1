//! What a statement is exposed to, what was decided and why, as data for `wherefore explain`.

use super::judge;
use super::nearest::nearest;
use super::plan::Plan;
use super::view::View;
use super::{Limits, Reading, Unread, read};
use crate::analyze::Place;
use crate::catalog::quote_qualified;
use crate::policy::Effect;
use crate::sql::{Kind, on_deep_stack};
use crate::vocab::{Cause, Refusal, UsageSet};
use pg_query::protobuf::Node;
use std::sync::Arc;

/// One statement under one view, explained.
#[derive(Debug, Clone)]
pub struct Explanation {
    pub kind: Kind,
    /// References to relations; empty where the statement was refused before they were known.
    pub relations: Vec<RelationReport>,
    pub plan: Plan,
    /// The query, where it is refused.
    refused: Option<Box<Node>>,
}

impl Explanation {
    /// Of a query that is refused, the nearest form that is permitted, where one is found.
    pub fn nearest(&self, view: &View, limits: &Limits) -> Option<String> {
        on_deep_stack(|| nearest(view, limits, self.refused.as_ref()?, &self.relations))
    }
}

/// A reference to a relation.
#[derive(Debug, Clone)]
pub struct RelationReport {
    /// Schema-qualified.
    pub relation: String,
    pub alias: Arc<str>,
    /// Whether a guard stands in for it.
    pub guarded: bool,
    pub columns: Vec<ColumnReport>,
    pub rows: Vec<RowReport>,
}

/// A condition on the rows of a relation.
#[derive(Debug, Clone)]
pub struct RowReport {
    /// Its name in the policy.
    pub condition: Arc<str>,
    /// The rule that asks for it.
    pub rule: Arc<str>,
    /// The id of the rule's clause.
    pub clause: Option<Arc<str>>,
}

/// A column that the statement uses.
#[derive(Debug, Clone)]
pub struct ColumnReport {
    pub column: Arc<str>,
    pub usages: UsageSet,
    /// Usages that are closed though the effect gives something.
    pub closed: UsageSet,
    pub categories: Arc<[Arc<str>]>,
    pub subject: Option<Arc<str>>,
    pub effect: Effect,
    pub cause: Cause,
}

/// Explains every statement of a text; under a purpose in shadow mode as if it were enforced. A text that can't be read is the refusal that a client would get.
pub fn explain(view: &View, text: &str, limits: &Limits) -> Result<Vec<Explanation>, Box<Refusal>> {
    on_deep_stack(|| {
        let statements = match read(view, text, limits).map_err(Unread::refusal)? {
            Reading::Statements(statements) => statements,
            Reading::Empty => Vec::new(),
        };
        let mut explained = Vec::with_capacity(statements.len());
        for (understood, statement) in statements {
            let kind = understood.kind.clone();
            let tree = (kind == Kind::Read).then(|| statement.tree.clone());
            let (relations, plan) = match (&kind, view.restricted() || view.shadowed()) {
                (
                    Kind::Read
                    | Kind::Write
                    | Kind::Bulk
                    | Kind::Call
                    | Kind::Explain
                    | Kind::Prepare(_)
                    | Kind::Declare(_)
                    | Kind::Lock
                    | Kind::Define(_),
                    true,
                ) => {
                    let exposures = judge::exposures(view, statement.tree.clone());
                    (exposures, judge::judge(view, text, &understood, statement))
                }
                (_, true) => (Vec::new(), judge::judge(view, text, &understood, statement)),
                (_, false) => (Vec::new(), Plan::Forward),
            };
            let refused = tree.filter(|_| matches!(plan, Plan::Refuse(_))).map(Box::new);
            explained.push(Explanation { kind, relations, plan, refused });
        }
        Ok(explained)
    })
}

impl judge::Exposed {
    /// The report on one reference.
    pub(super) fn report(&self) -> RelationReport {
        let columns = self.reference.columns.iter().filter_map(|used| {
            let (base, ruling) = (self.relation.columns.get(used.index)?, self.ruling.columns.get(used.index)?);
            Some(ColumnReport {
                column: Arc::clone(&base.name),
                usages: used.usages,
                categories: Arc::clone(&ruling.categories),
                subject: ruling.subject.clone(),
                effect: ruling.effect.clone(),
                closed: ruling.closed.iter().map(|(usage, _)| *usage).collect(),
                cause: ruling.cause.clone(),
            })
        });
        let rows = self.ruling.rows.iter().map(|condition| RowReport {
            condition: Arc::clone(&condition.name),
            rule: Arc::clone(&condition.rule),
            clause: condition.clause.as_ref().map(|clause| Arc::clone(&clause.id)),
        });
        RelationReport {
            relation: quote_qualified(&self.relation.schema, &self.relation.name),
            alias: Arc::clone(&self.reference.alias),
            guarded: self.reference.place == Place::Text && !self.ruling.whole(),
            columns: columns.collect(),
            rows: rows.collect(),
        }
    }
}
