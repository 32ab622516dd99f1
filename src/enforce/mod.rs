//! The core's front door: a session's view and a text in, plans out. Pure but for the cache of plans.

mod cache;
mod called;
mod explain;
mod flow;
mod judge;
mod landing;
mod plan;
mod report;
mod reports;
mod sent;
mod sequences;
mod settings;
mod utility;
mod view;
mod writes;

pub use explain::{ColumnReport, Explanation, RelationReport, RowReport, explain};
pub use plan::{Judged, Plan, Planned, Reports, Rewritten, Sight, Understood};
pub use settings::{is_ascii_safe, setting_permitted};
pub use utility::plan_refusal;
pub use view::{Encoding, Limits, View};

use crate::sql::{Statement, classify, on_deep_stack, parse, purpose_comment};
use crate::vocab::{NotUnderstood, Refusal, SqlState};
use cache::{Lookup, PlanCache, PlanKey, plan_cache};
use std::sync::Arc;

/// Judges statements and remembers the outcome. One for the whole process; cheap to share.
#[derive(Debug)]
pub struct Enforcer {
    limits: Limits,
    plans: PlanCache,
}

impl Enforcer {
    pub fn new(limits: Limits) -> Enforcer {
        Enforcer { plans: plan_cache(limits.cache_bytes), limits }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Judges a text under a view. A text with one statement gets its plan; with several, their spans, so that the
    /// caller can judge each under the view that the ones before it leave. Under an unrestricted purpose every plan is
    /// [`Plan::Forward`], understood or not. Never fails: what cannot be read is a refusal.
    pub fn judge(&self, view: &View, text: &str) -> Arc<Judged> {
        if let Some(judged) = self.plans.get(&Lookup { view: view.key(), text }) {
            return judged;
        }
        let judged = Arc::new(judge_text(view, text, &self.limits));
        self.plans.insert(PlanKey { view: Arc::clone(view.key()), text: text.into() }, Arc::clone(&judged));
        judged
    }
}

/// Judges a text without a cache.
pub fn judge_text(view: &View, text: &str, limits: &Limits) -> Judged {
    on_deep_stack(|| match read(view, text, limits) {
        Ok(Reading::Statements(statements)) => judge_statements(view, text, statements),
        Ok(Reading::Empty) => Judged::Empty,
        Err(refusal) => Judged::One(unread(view, text, *refusal)),
    })
}

/// Characters of SJIS, BIG5, GBK, UHC, JOHAB and GB18030 contain bytes that are ASCII elsewhere.
const OVERLAPPING: &str = "a statement under this client_encoding";

/// What a text was found to hold.
enum Reading {
    Statements(Vec<(Understood, Statement)>),
    Empty,
}

fn read(view: &View, text: &str, limits: &Limits) -> Result<Reading, Box<Refusal>> {
    let restricted = view.restricted();
    if restricted && text.len() > limits.statement_bytes {
        let message = format!(
            "statement of {} bytes is longer than limits.statement_bytes ({})",
            text.len(),
            limits.statement_bytes
        );
        return Err(Box::new(Refusal::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)));
    }
    let foreign = match view.encoding() {
        Encoding::Utf8 => None,
        Encoding::AsciiOnly => (!text.is_ascii()).then_some("a statement that is not ASCII under this client_encoding"),
        Encoding::Foreign | Encoding::Overlapping => {
            let same = text.is_ascii() && !text.contains('\\');
            let off = "a backslash while standard_conforming_strings is off";
            (!same).then_some(if view.encoding() == Encoding::Foreign { off } else { OVERLAPPING })
        }
    };
    if let (true, Some(what)) = (restricted, foreign) {
        return Err(Box::new(report::not_understood(view, text, &NotUnderstood::new(what, None))));
    }
    let statements = parse(text).map_err(|unreadable| Box::new(Refusal::from(unreadable)))?;
    if statements.is_empty() {
        return Ok(Reading::Empty);
    }
    let mut understood = Vec::with_capacity(statements.len());
    for statement in statements {
        let span = statement.span.clone();
        let comment = purpose_comment(&text[span.clone()]).map_err(Box::new)?;
        let span = (span.start as u32, span.end as u32);
        understood.push((Understood { kind: classify(&statement.tree), span, comment }, statement));
    }
    Ok(Reading::Statements(understood))
}

fn judge_statements(view: &View, text: &str, mut statements: Vec<(Understood, Statement)>) -> Judged {
    if statements.len() > 1 {
        return Judged::Many(statements.into_iter().map(|(understood, _)| understood).collect());
    }
    let Some((understood, statement)) = statements.pop() else { return Judged::Empty };
    if !view.restricted() {
        return Judged::One(Planned { statement: understood, plan: Plan::Forward, reports: Reports::Verbatim });
    }
    let plan = judge::judge(view, text, &understood, statement);
    let reports = reports::of_plan(&understood.kind, &plan);
    Judged::One(Planned { statement: understood, plan, reports })
}

/// A text that could not be read: refused under restriction, passed otherwise.
fn unread(view: &View, text: &str, refusal: Refusal) -> Planned {
    let statement = Understood {
        kind: crate::sql::Kind::Other("a statement that could not be read".into()),
        span: (0, text.len() as u32),
        comment: None,
    };
    let plan = if view.restricted() { Plan::Refuse(Arc::new(refusal)) } else { Plan::Forward };
    Planned { statement, plan, reports: Reports::Verbatim }
}
