//! Counters in memory. They only grow.

use super::lookups::Lookups;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the process has done so far.
#[derive(Debug, Default)]
pub struct Counters {
    pub connections: AtomicU64,
    pub sessions: AtomicU64,
    pub cancels: AtomicU64,
    pub permitted: AtomicU64,
    pub rewritten: AtomicU64,
    pub refused: AtomicU64,
    pub withheld: AtomicU64,
    pub shadowed: AtomicU64,
    /// Catalogs that were read over sessions' own connections.
    pub inner_catalogs: AtomicU64,
    /// Bounded, not only counted.
    pub lookups: Lookups,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    pub connections: u64,
    pub sessions: u64,
    pub cancels: u64,
    pub permitted: u64,
    pub rewritten: u64,
    pub refused: u64,
    pub withheld: u64,
    pub shadowed: u64,
    pub inner_catalogs: u64,
}

impl Counters {
    pub fn tally(&self) -> Tally {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Tally {
            connections: read(&self.connections),
            sessions: read(&self.sessions),
            cancels: read(&self.cancels),
            permitted: read(&self.permitted),
            rewritten: read(&self.rewritten),
            refused: read(&self.refused),
            withheld: read(&self.withheld),
            shadowed: read(&self.shadowed),
            inner_catalogs: read(&self.inner_catalogs),
        }
    }

    pub fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
