//! What a statement would meet under a policy: the same as today, something else, or a refusal.

use super::Declarations;
use super::shape::{Shape, shape};
use crate::catalog::{Catalog, SearchPath};
use crate::enforce::{Encoding, Explanation, Limits, Plan, View, explain};
use crate::policy::{Bound, Effect, Policy, Principal, PurposeId};
use crate::session::{Legs, start_purpose};
use crate::sql::purpose_comment;
use crate::vocab::{Cause, Refusal};
use rustc_hash::FxHashMap;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many shapes are remembered; further ones are judged each time they come.
const MOST_SHAPES: usize = 200_000;
/// How many bytes the shapes that are remembered may take.
const MOST_BYTES: usize = 256 << 20;

/// What becomes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fate {
    /// It answers what it answers today.
    Unchanged,
    /// It answers, but something is masked, aggregated or filtered.
    Rewritten,
    Refused,
}

/// What a statement would meet. Without a literal of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub(super) struct Verdict {
    pub(super) fate: Fate,
    /// The SQLSTATE of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'static str>,
    /// What differs or why it is refused; empty where nothing does.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) reason: String,
    /// The rules and clauses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
}

impl Verdict {
    fn of_refusal(refusal: &Refusal) -> Verdict {
        // What the grammar says quotes the statement.
        let message = refusal.message.split(" at or near ").next().unwrap_or_default();
        Verdict {
            fate: Fate::Refused,
            code: Some(refusal.code.0),
            reason: message.to_owned(),
            detail: refusal.detail.clone(),
        }
    }

    /// The verdict on all statements of a text.
    fn of(explained: &[Explanation]) -> Verdict {
        let refused = explained.iter().find_map(|explanation| match &explanation.plan {
            Plan::Refuse(refusal) => Some(Verdict::of_refusal(refusal)),
            Plan::Forward | Plan::Rewrite(_) => None,
        });
        if let Some(refused) = refused {
            return refused;
        }
        let mut differs: BTreeSet<String> = BTreeSet::new();
        for relation in explained.iter().flat_map(|explanation| &explanation.relations) {
            for column in &relation.columns {
                let what = match &column.effect {
                    Effect::Allow | Effect::Deny => continue,
                    Effect::Mask(_) => "masked".to_owned(),
                    Effect::Aggregate(aggregate) => aggregate.to_string(),
                };
                let by = match &column.cause {
                    Cause::Rule { rule, clause: Some(clause) } => format!(" (rule {rule}, clause {})", clause.id),
                    Cause::Rule { rule, clause: None } | Cause::Mask { rule, why: _ } => format!(" (rule {rule})"),
                    Cause::NoRule | Cause::Untagged | Cause::NoPurpose | Cause::System | Cause::Temporary => {
                        String::new()
                    }
                };
                differs.insert(format!("{}.{} {what}{by}", relation.relation, column.column));
            }
            for row in &relation.rows {
                let clause = row.clause.as_ref().map_or_else(String::new, |clause| format!(", clause {clause}"));
                let rule = &row.rule;
                differs.insert(format!("rows of {} by {} (rule {rule}{clause})", relation.relation, row.condition));
            }
        }
        let fate = if differs.is_empty() { Fate::Unchanged } else { Fate::Rewritten };
        let reason = differs.into_iter().collect::<Vec<_>>().join("; ");
        Verdict { fate, code: None, reason, detail: None }
    }
}

/// Which purpose a statement was judged under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Declared {
    /// By the statement's comment, the role's default, or an option.
    Purpose(Arc<str>),
    None,
}

/// A role, and what it asks for.
type Asked = (Option<Arc<str>>, Wanted);

/// A policy over a catalog, and what it was asked before.
pub(super) struct Judge {
    bound: Arc<Bound>,
    path: SearchPath,
    views: FxHashMap<Asked, Result<(View, u32), Verdict>>,
    verdicts: FxHashMap<(u32, String), Arc<Verdict>>,
    bytes: usize,
    justification: Option<String>,
}

/// The purpose that something asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Wanted {
    /// The role must be granted it.
    Declared(Arc<str>),
    /// An option says so: it is taken to be granted.
    Supposed(Arc<str>),
    /// The role's default.
    Default,
}

impl Judge {
    pub(super) fn new(policy: Policy, catalog: Arc<Catalog>, path: SearchPath, justification: Option<String>) -> Judge {
        let bound = Arc::new(Bound::new(Arc::new(policy), catalog));
        let (views, verdicts) = (FxHashMap::default(), FxHashMap::default());
        Judge { bound, path, views, verdicts, bytes: 0, justification }
    }

    /// The default purpose of a role.
    pub(super) fn default_of(&self, role: Option<&str>) -> Declared {
        let principal = role.map(|role| self.principal(role));
        let default = principal.and_then(|principal| principal.default);
        default
            .map_or(Declared::None, |purpose| Declared::Purpose(Arc::clone(self.bound.policy().purpose_name(purpose))))
    }

    fn principal(&self, role: &str) -> Principal {
        self.bound.principal(role)
    }

    /// What a statement of this shape would meet.
    pub(super) fn verdict(&mut self, role: Option<&Arc<str>>, wanted: &Wanted, text: &str, key: &str) -> Arc<Verdict> {
        let place = (role.cloned(), wanted.clone());
        if !self.views.contains_key(&place) {
            let number = self.views.len() as u32;
            let view = self.view(role, wanted).map(|view| (view, number));
            self.views.insert(place.clone(), view.map_err(|refusal| Verdict::of_refusal(&refusal)));
        }
        let (view, number) = match &self.views[&place] {
            Ok((view, number)) => (view, *number),
            Err(refused) => return Arc::new(refused.clone()),
        };
        let place = (number, key.to_owned());
        if let Some(known) = self.verdicts.get(&place) {
            return Arc::clone(known);
        }
        let verdict = match explain(view, text, &Limits::default()) {
            Ok(explained) => Verdict::of(&explained),
            Err(refusal) if view.restricted() || view.shadowed() => Verdict::of_refusal(&refusal),
            Err(_) => Verdict { fate: Fate::Unchanged, code: None, reason: String::new(), detail: None },
        };
        let verdict = Arc::new(verdict);
        if self.verdicts.len() < MOST_SHAPES && self.bytes < MOST_BYTES {
            self.bytes += key.len();
            self.verdicts.insert(place, Arc::clone(&verdict));
        }
        verdict
    }

    fn view(&self, role: Option<&Arc<str>>, wanted: &Wanted) -> Result<View, Box<Refusal>> {
        let policy = self.bound.policy();
        let supposed = |principal: Principal, purpose: Option<PurposeId>| {
            let mut purposes = principal.purposes.to_vec();
            purposes.extend(purpose.filter(|purpose| !principal.may_declare(*purpose)));
            purposes.sort_unstable();
            Principal { purposes: purposes.into(), ..principal }
        };
        let (named, known) = match wanted {
            Wanted::Declared(name) | Wanted::Supposed(name) => (Some(&**name), policy.purpose(name)),
            Wanted::Default => (None, None),
        };
        let principal = match (role, wanted) {
            (Some(role), Wanted::Declared(_) | Wanted::Default) => self.principal(role),
            (Some(role), Wanted::Supposed(_)) => supposed(self.principal(role), known),
            (None, _) => Principal::of_purpose("", known, None),
        };
        let start = start_purpose(policy, &principal, Legs::Encrypted, &[], named).map_err(Box::new)?;
        let (bound, path) = (Arc::clone(&self.bound), self.path.clone());
        let view = View::new(bound, Arc::new(principal), start.purpose, path, Encoding::Utf8);
        Ok(view.justified(self.justification.as_deref()))
    }
}

/// A statement, ready to be judged by several policies.
pub(super) struct Statement<'t> {
    pub(super) text: &'t str,
    pub(super) shape: Shape,
    pub(super) wanted: Wanted,
    /// Why its comment declares nothing that can be read.
    pub(super) misdeclared: Option<Verdict>,
}

impl<'t> Statement<'t> {
    pub(super) fn new(text: &'t str, application: Option<&str>, declarations: &Declarations) -> Statement<'t> {
        let (wanted, misdeclared) = match purpose_comment(text) {
            Ok(Some(name)) => (Wanted::Declared(Arc::from(name)), None),
            Ok(None) => (declarations.supposed(application), None),
            Err(refusal) => (Wanted::Default, Some(Verdict::of_refusal(&refusal))),
        };
        Statement { text, shape: shape(text), wanted, misdeclared }
    }
}
