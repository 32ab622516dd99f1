//! Plans by statement text and view, bounded in bytes.

use super::plan::{Judged, Plan};
use super::shared::Template;
use super::view::ViewKey;
use crate::sql::Place;
use quick_cache::{Equivalent, Weighter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub(super) type PlanCache = quick_cache::sync::Cache<PlanKey, Entry, Bytes, rustc_hash::FxBuildHasher>;

/// A new cache for about so many bytes.
pub(super) fn plan_cache(bytes: u64) -> PlanCache {
    let items = usize::try_from(bytes / TYPICAL_BYTES).unwrap_or(usize::MAX).clamp(64, 1 << 20);
    quick_cache::sync::Cache::with(items, bytes, Bytes, rustc_hash::FxBuildHasher, Default::default())
}

/// What a cached plan of an ordinary statement takes.
const TYPICAL_BYTES: u64 = 1024;
/// What an entry takes beside its texts: the keys, the plan, the cache's own bookkeeping.
const OVERHEAD: u64 = 320;

/// What a key's text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Of {
    /// A client's own.
    Text,
    /// One with marks for its literals ([`crate::sql::Shape`]).
    Shape,
    /// The same, but for those whose value decides.
    Pinned,
}

/// What is known under a key.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Plan(Arc<Judged>),
    /// Of a shape: one text was seen, and judged for itself.
    Once,
    /// Of a shape: each text is judged for itself.
    Unshared,
    /// Of a shape: where its literals stand. Texts are alike where those that are pinned are.
    Pinned(Arc<[Place]>),
    /// Of a shape: what its texts come to.
    Template(Arc<Template>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlanKey {
    pub view: Arc<ViewKey>,
    pub of: Of,
    pub text: Box<str>,
}

/// A key to look up by, without copying the text.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub view: &'a Arc<ViewKey>,
    pub of: Of,
    pub text: &'a str,
}

impl Lookup<'_> {
    pub fn key(&self) -> PlanKey {
        PlanKey { view: Arc::clone(self.view), of: self.of, text: self.text.into() }
    }
}

impl Hash for PlanKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Lookup { view: &self.view, of: self.of, text: &self.text }.hash(state);
    }
}

impl Hash for Lookup<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.view.hash(state);
        self.of.hash(state);
        self.text.hash(state);
    }
}

impl Equivalent<PlanKey> for Lookup<'_> {
    fn equivalent(&self, key: &PlanKey) -> bool {
        self.of == key.of && *self.text == *key.text && (Arc::ptr_eq(self.view, &key.view) || *self.view == key.view)
    }
}

/// Weighs an entry by what it holds in memory.
#[derive(Debug, Clone)]
pub(super) struct Bytes;

impl Weighter<PlanKey, Entry> for Bytes {
    fn weight(&self, key: &PlanKey, entry: &Entry) -> u64 {
        let held = match entry {
            Entry::Plan(judged) => held(judged),
            Entry::Once | Entry::Unshared => 0,
            Entry::Pinned(places) => places.len(),
            Entry::Template(template) => template.bytes(),
        };
        OVERHEAD + (key.text.len() + key.view.bytes() + held) as u64
    }
}

fn held(judged: &Judged) -> usize {
    match judged {
        Judged::One(planned) => {
            let plan = match &planned.plan {
                Plan::Forward => 0,
                Plan::Rewrite(rewritten) => rewritten.text.len() + 8 * rewritten.positions.len(),
                Plan::Refuse(refusal) => {
                    refusal.message.len() + refusal.detail.as_ref().map_or(0, String::len) + 128 * refusal.closed.len()
                }
            };
            plan + planned.trace.as_ref().map_or(0, |trace| trace.bytes())
        }
        Judged::Many(statements) => 64 * statements.len(),
        Judged::Empty => 0,
    }
}
