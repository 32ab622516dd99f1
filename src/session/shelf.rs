//! Where a session finds its database's snapshot. The shell puts a new one there; the session notices.

use crate::policy::Bound;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The current snapshot of one database, and whether it is known to be behind.
#[derive(Debug)]
pub struct Shelf {
    bound: ArcSwap<Bound>,
    /// Grows with every snapshot put here.
    epoch: AtomicU64,
    /// Grows whenever the catalog may have changed.
    wanted: AtomicU64,
    /// The value of `wanted` that the snapshot covers.
    covered: AtomicU64,
    /// Grows with every reading of the catalog, whether or not it brought something new.
    readings: AtomicU64,
    unfit: AtomicBool,
}

/// Whether the policy's SQL works on the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    Fits,
    /// Restricted purposes are not served.
    Unfit,
}

impl Shelf {
    pub fn new(bound: Arc<Bound>, fit: Fit) -> Shelf {
        Shelf {
            bound: ArcSwap::new(bound),
            epoch: AtomicU64::new(0),
            wanted: AtomicU64::new(0),
            covered: AtomicU64::new(0),
            readings: AtomicU64::new(0),
            unfit: AtomicBool::new(fit == Fit::Unfit),
        }
    }

    pub fn bound(&self) -> Arc<Bound> {
        self.bound.load_full()
    }

    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// The catalog may have changed: restricted statements of every session wait for the next snapshot.
    pub fn mark(&self) {
        self.wanted.fetch_add(1, Ordering::AcqRel);
    }

    pub fn is_behind(&self) -> bool {
        self.covered.load(Ordering::Acquire) < self.wanted.load(Ordering::Acquire)
    }

    /// Whether everything marked up to `read` is in the snapshot that is on the shelf now.
    pub fn covers(&self, read: u64) -> bool {
        self.covered.load(Ordering::Acquire) >= read
    }

    /// To be taken before a snapshot is read and handed to [`Shelf::cover`] after.
    pub fn mark_read(&self) -> u64 {
        self.wanted.load(Ordering::Acquire)
    }

    /// Everything marked up to `read` is in the snapshot that is on the shelf now.
    pub fn cover(&self, read: u64) {
        self.covered.fetch_max(read, Ordering::AcqRel);
        self.readings.fetch_add(1, Ordering::AcqRel);
    }

    /// Grows whenever the catalog may have changed, and with every snapshot put here.
    pub fn moves(&self) -> u64 {
        self.wanted.load(Ordering::Acquire) + self.epoch()
    }

    /// Grows with every reading of the catalog.
    pub fn readings(&self) -> u64 {
        self.readings.load(Ordering::Acquire)
    }

    pub fn fit(&self) -> Fit {
        if self.unfit.load(Ordering::Acquire) { Fit::Unfit } else { Fit::Fits }
    }

    /// Swaps the snapshot whole.
    pub fn put(&self, bound: Arc<Bound>, fit: Fit) {
        self.unfit.store(fit == Fit::Unfit, Ordering::Release);
        self.bound.store(bound);
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }
}
