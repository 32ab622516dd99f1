//! Plans by statement text and view, bounded in bytes.

use super::plan::{Judged, Plan};
use super::view::ViewKey;
use quick_cache::{Equivalent, Weighter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub(super) type PlanCache = quick_cache::sync::Cache<PlanKey, Arc<Judged>, Bytes, rustc_hash::FxBuildHasher>;

/// A new cache for about so many bytes.
pub(super) fn plan_cache(bytes: u64) -> PlanCache {
    let items = usize::try_from(bytes / TYPICAL_BYTES).unwrap_or(usize::MAX).clamp(64, 1 << 20);
    quick_cache::sync::Cache::with(items, bytes, Bytes, rustc_hash::FxBuildHasher, Default::default())
}

/// What a cached plan of an ordinary statement takes.
const TYPICAL_BYTES: u64 = 1024;
/// What an entry takes beside its texts: the keys, the plan, the cache's own bookkeeping.
const OVERHEAD: u64 = 320;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlanKey {
    pub view: Arc<ViewKey>,
    pub text: Box<str>,
}

/// A key to look up by, without copying the text.
pub(super) struct Lookup<'a> {
    pub view: &'a Arc<ViewKey>,
    pub text: &'a str,
}

impl Hash for PlanKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Lookup { view: &self.view, text: &self.text }.hash(state);
    }
}

impl Hash for Lookup<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.view.hash(state);
        self.text.hash(state);
    }
}

impl Equivalent<PlanKey> for Lookup<'_> {
    fn equivalent(&self, key: &PlanKey) -> bool {
        *self.text == *key.text && (Arc::ptr_eq(self.view, &key.view) || *self.view == key.view)
    }
}

/// Weighs an entry by what it holds in memory.
#[derive(Debug, Clone)]
pub(super) struct Bytes;

impl Weighter<PlanKey, Arc<Judged>> for Bytes {
    fn weight(&self, key: &PlanKey, judged: &Arc<Judged>) -> u64 {
        let held = match &**judged {
            Judged::One(planned) => match &planned.plan {
                Plan::Forward => 0,
                Plan::Rewrite(rewritten) => rewritten.text.len() + 8 * rewritten.positions.len(),
                Plan::Refuse(refusal) => {
                    refusal.message.len() + refusal.detail.as_ref().map_or(0, String::len) + 128 * refusal.closed.len()
                }
            },
            Judged::Many(statements) => 64 * statements.len(),
            Judged::Empty => 0,
        };
        OVERHEAD + (key.text.len() + key.view.bytes() + held) as u64
    }
}
