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
mod shared;
mod temporary;
mod trace;
mod utility;
mod view;
pub mod words;
mod writes;

pub use crate::rewrite::FAILURE;
pub use explain::{ColumnReport, Explanation, RelationReport, RowReport, explain};
pub use plan::{
    Charge, Defines, Judged, Names, Plan, Planned, Purse, Reports, Rewritten, Shadow, Sight, Temporary, Text,
    Understood,
};
pub use settings::{is_ascii_safe, is_english, setting_permitted};
pub use trace::Trace;
pub use utility::plan_refusal;
pub use view::{Encoding, Justification, Limits, Traces, View};

use crate::sql::{Kind, Place, Shape, Statement, classify, on_deep_stack, parse, places, purpose_comment};
use crate::vocab::{NotUnderstood, Refusal, SqlState};
use cache::{Entry, Lookup, Of, PlanCache, plan_cache};
use shared::Template;
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
        let whole = Lookup { view: view.key(), of: Of::Text, text };
        if let Some(Entry::Plan(judged)) = self.plans.get(&whole) {
            return judged;
        }
        if let Some(judged) = self.judge_shape(view, text) {
            return judged;
        }
        let judged = Arc::new(judge_text(view, text, &self.limits));
        self.plans.insert(whole.key(), Entry::Plan(Arc::clone(&judged)));
        judged
    }

    /// Whether a text would be sent by what is known of its shape.
    pub fn shares(&self, view: &View, text: &str) -> bool {
        let whole = Lookup { view: view.key(), of: Of::Text, text };
        self.plans.peek(&whole).is_none() && self.judge_shape(view, text).is_some()
    }

    /// Judges a text by its shape, where that is known. The first text of a shape is not, the second makes it known.
    fn judge_shape(&self, view: &View, text: &str) -> Option<Arc<Judged>> {
        // What a purpose in shadow mode would have done is told of each text.
        let readable = view.encoding() == Encoding::Utf8 || text.is_ascii();
        if view.shadowed() || !view.parameters().is_empty() || !readable || text.len() > self.limits.statement_bytes {
            return None;
        }
        let shape = Shape::of(text)?;
        let whole = Lookup { view: view.key(), of: Of::Shape, text: &shape.key };
        match self.plans.get(&whole) {
            Some(Entry::Template(template)) => Some(filled(&template, text, &shape)),
            Some(Entry::Pinned(places)) => self.judge_pinned(view, text, (&shape, &places)),
            Some(Entry::Unshared | Entry::Plan(_)) => None,
            Some(Entry::Once) => {
                let places: Option<Arc<[Place]>> = on_deep_stack(|| places(text, &shape)).map(Arc::from);
                let Some(places) = places.filter(|places| places.iter().any(|place| *place != Place::Pinned)) else {
                    self.plans.insert(whole.key(), Entry::Unshared);
                    return None;
                };
                if places.contains(&Place::Pinned) {
                    self.plans.insert(whole.key(), Entry::Pinned(Arc::clone(&places)));
                    return self.judge_pinned(view, text, (&shape, &places));
                }
                Some(self.learn(view, text, (&shape, &places), whole))
            }
            None => {
                self.plans.insert(whole.key(), Entry::Once);
                None
            }
        }
    }

    /// Judges a text by its shape and those of its literals whose value decides.
    fn judge_pinned(&self, view: &View, text: &str, (shape, places): (&Shape, &Arc<[Place]>)) -> Option<Arc<Judged>> {
        let key = shape.with_pinned(text, places);
        let pinned = Lookup { view: view.key(), of: Of::Pinned, text: &key };
        match self.plans.get(&pinned) {
            Some(Entry::Template(template)) => Some(filled(&template, text, shape)),
            Some(Entry::Unshared | Entry::Plan(_) | Entry::Pinned(_)) => None,
            Some(Entry::Once) => Some(self.learn(view, text, (shape, places), pinned)),
            None => {
                self.plans.insert(pinned.key(), Entry::Once);
                None
            }
        }
    }

    /// Judges a text, and keeps what others of its shape come to.
    fn learn(&self, view: &View, text: &str, shape: (&Shape, &Arc<[Place]>), key: Lookup<'_>) -> Arc<Judged> {
        let judged = judge_text(view, text, &self.limits);
        let template = Template::of(view, text, shape, &judged, &self.limits);
        let entry = template.map_or(Entry::Unshared, |template| Entry::Template(Arc::new(template)));
        self.plans.insert(key.key(), entry);
        Arc::new(judged)
    }
}

fn filled(template: &Template, text: &str, shape: &Shape) -> Arc<Judged> {
    Arc::new(Judged::One(template.fill(text, shape)))
}

/// Judges a text without a cache.
pub fn judge_text(view: &View, text: &str, limits: &Limits) -> Judged {
    on_deep_stack(|| match read(view, text, limits) {
        Ok(Reading::Statements(statements)) => judge_statements(view, text, statements, limits),
        Ok(Reading::Empty) => Judged::Empty,
        Err(Unread::Text(refusal)) => unread_with(view, *refusal, Trace::unread(text, limits)),
        Err(Unread::Comment(refusal)) => unread_as(Plan::Refuse(Arc::from(refusal)), None, Trace::unread(text, limits)),
    })
}

/// Characters of SJIS, BIG5, GBK, UHC, JOHAB and GB18030 contain bytes that are ASCII elsewhere.
const OVERLAPPING: &str = "a statement under this client_encoding";

const UNSETTLED: &str =
    "a backslash, or a character that is not ASCII, behind a setting by which text is read, in one message";

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
        other @ (Encoding::Foreign | Encoding::Unsettled | Encoding::Overlapping) => {
            let same = text.is_ascii() && !text.contains('\\');
            (!same).then_some(match other {
                Encoding::Foreign => "a backslash while standard_conforming_strings is off",
                Encoding::Unsettled => UNSETTLED,
                Encoding::Utf8 | Encoding::AsciiOnly | Encoding::Overlapping => OVERLAPPING,
            })
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
    let trace = Trace::of(view, text, &understood, &statement.tree, limits);
    if let Some(plan) = asked::plan(view, text, &statement.tree, limits) {
        let statement = Understood { kind: Kind::Read, ..understood };
        return Judged::One(Planned { statement, plan, reports: Reports::Verbatim, shadow: None, trace });
    }
    if !view.restricted() {
        let shadow = match view.shadowed() {
            true => Shadow::of(judge::judge(view, text, &understood, statement)),
            false => None,
        };
        let (statement, reports) = (understood, Reports::Verbatim);
        return Judged::One(Planned { statement, plan: Plan::Forward, reports, shadow, trace });
    }
    let plan = judge::judge(view, text, &understood, statement);
    let reports = reports::of_plan(&understood.kind, &plan);
    Judged::One(Planned { statement: understood, plan, reports, shadow: None, trace })
}

/// What becomes of a text that could not be read: refused under restriction, passed otherwise.
pub fn unread(view: &View, refusal: Refusal) -> Judged {
    unread_with(view, refusal, None)
}

fn unread_with(view: &View, refusal: Refusal, trace: Option<Arc<Trace>>) -> Judged {
    let refusal = Arc::new(refusal);
    match (view.restricted(), view.shadowed()) {
        (true, _) => unread_as(Plan::Refuse(refusal), None, trace),
        (false, true) => unread_as(Plan::Forward, Some(Shadow::Refused(refusal)), trace),
        (false, false) => unread_as(Plan::Forward, None, trace),
    }
}

fn unread_as(plan: Plan, shadow: Option<Shadow>, trace: Option<Arc<Trace>>) -> Judged {
    let statement = Understood { kind: Kind::Unread, span: (0, 0), comment: None };
    Judged::One(Planned { statement, plan, reports: Reports::Verbatim, shadow, trace })
}
