//! The core's front door: a session's view and a text in, plans out. Pure but for the cache of plans.

mod plan;
mod view;

pub use plan::{Judged, Plan, Planned, Rewritten, Understood};
pub use view::{Encoding, Limits, View};

use std::sync::Arc;

/// Judges statements and remembers the outcome. One for the whole process; cheap to share.
#[derive(Debug)]
pub struct Enforcer {
    limits: Limits,
}

impl Enforcer {
    pub fn new(limits: Limits) -> Enforcer {
        Enforcer { limits }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Judges a text under a view. A text with one statement gets its plan; with several, their spans, so that the
    /// caller can judge each under the view that the ones before it leave. Under an unrestricted purpose every plan is
    /// [`Plan::Forward`], understood or not. Never fails: what cannot be read is a refusal.
    pub fn judge(&self, _view: &View, _text: &str) -> Arc<Judged> {
        unimplemented!()
    }
}
