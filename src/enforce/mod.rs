//! The core's front door: a session's view and a text in, plans out. Pure but for the cache of plans.

mod aggregate;
mod asked;
mod bounded;
mod cache;
mod called;
mod deciding;
mod define;
mod demands;
mod explain;
mod flow;
mod judge;
mod landing;
mod nearest;
mod parameters;
mod plan;
mod report;
mod reports;
mod sent;
mod sequences;
mod settings;
mod utility;
mod view;
pub mod words;
mod writes;

pub use crate::rewrite::FAILURE;
pub use explain::{ColumnReport, Explanation, RelationReport, RowReport, explain};
pub use plan::{Charge, Judged, Plan, Planned, Purse, Reports, Rewritten, Shadow, Sight, Understood};
pub use settings::{is_ascii_safe, is_english, setting_permitted};
pub use utility::plan_refusal;
pub use view::{Encoding, Justification, Limits, View};

use crate::sql::{Kind, Statement, classify, on_deep_stack, parse, purpose_comment};
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
    /// [`Plan::Forward`], understood or not, but where a comment declares a purpose wrongly. Never fails: what cannot be
    /// read is a refusal, or [`Kind::Unread`].
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
        Ok(Reading::Statements(statements)) => judge_statements(view, text, statements, limits),
        Ok(Reading::Empty) => Judged::Empty,
        Err(Unread::Text(refusal)) => unread(view, *refusal),
        Err(Unread::Comment(refusal)) => unread_as(Plan::Refuse(Arc::from(refusal)), None),
    })
}

/// Characters of SJIS, BIG5, GBK, UHC, JOHAB and GB18030 contain bytes that are ASCII elsewhere.
const OVERLAPPING: &str = "a statement under this client_encoding";

/// What a text was found to hold.
enum Reading {
    Statements(Vec<(Understood, Statement)>),
    Empty,
}

/// Why a text was not read.
enum Unread {
    /// Under an unrestricted purpose it passes.
    Text(Box<Refusal>),
    /// It declares a purpose wrongly: it may not run under any other.
    Comment(Box<Refusal>),
}

impl Unread {
    fn refusal(self) -> Box<Refusal> {
        let (Unread::Text(refusal) | Unread::Comment(refusal)) = self;
        refusal
    }
}

fn read(view: &View, text: &str, limits: &Limits) -> Result<Reading, Unread> {
    // A tree takes many times the memory of its text.
    if text.len() > limits.statement_bytes {
        let message = format!(
            "statement of {} bytes is longer than limits.statement_bytes ({})",
            text.len(),
            limits.statement_bytes
        );
        return Err(Unread::Text(Box::new(Refusal::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message))));
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
    if let (true, Some(what)) = (view.restricted(), foreign) {
        return Err(Unread::Text(Box::new(report::not_understood(view, text, &NotUnderstood::new(what, None)))));
    }
    let statements = parse(text).map_err(|unreadable| Unread::Text(Box::new(Refusal::from(unreadable))))?;
    if statements.is_empty() {
        return Ok(Reading::Empty);
    }
    let mut understood = Vec::with_capacity(statements.len());
    for statement in statements {
        let span = statement.span.clone();
        let comment = purpose_comment(&text[span.clone()]).map_err(|refusal| Unread::Comment(Box::new(refusal)))?;
        let span = (span.start as u32, span.end as u32);
        understood.push((Understood { kind: classify(&statement.tree), span, comment }, statement));
    }
    Ok(Reading::Statements(understood))
}

fn judge_statements(view: &View, text: &str, mut statements: Vec<(Understood, Statement)>, limits: &Limits) -> Judged {
    if statements.len() > 1 {
        return Judged::Many(statements.into_iter().map(|(understood, _)| understood).collect());
    }
    let Some((understood, statement)) = statements.pop() else { return Judged::Empty };
    if let Some(plan) = asked::plan(view, text, &statement.tree, limits) {
        let statement = Understood { kind: Kind::Read, ..understood };
        return Judged::One(Planned { statement, plan, reports: Reports::Verbatim, shadow: None });
    }
    if !view.restricted() {
        let shadow = match view.shadowed() {
            true => Shadow::of(judge::judge(view, text, &understood, statement)),
            false => None,
        };
        return Judged::One(Planned { statement: understood, plan: Plan::Forward, reports: Reports::Verbatim, shadow });
    }
    let plan = judge::judge(view, text, &understood, statement);
    let reports = reports::of_plan(&understood.kind, &plan);
    Judged::One(Planned { statement: understood, plan, reports, shadow: None })
}

/// What becomes of a text that could not be read: refused under restriction, passed otherwise.
pub fn unread(view: &View, refusal: Refusal) -> Judged {
    let refusal = Arc::new(refusal);
    match (view.restricted(), view.shadowed()) {
        (true, _) => unread_as(Plan::Refuse(refusal), None),
        (false, true) => unread_as(Plan::Forward, Some(Shadow::Refused(refusal))),
        (false, false) => unread_as(Plan::Forward, None),
    }
}

fn unread_as(plan: Plan, shadow: Option<Shadow>) -> Judged {
    let statement = Understood { kind: Kind::Unread, span: (0, 0), comment: None };
    Judged::One(Planned { statement, plan, reports: Reports::Verbatim, shadow })
}
