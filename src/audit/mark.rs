//! How far the records of one session are written.

use futures_util::task::AtomicWaker;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Context;

/// Whether what answers a record may be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    Released,
    /// The task is woken when it may.
    Waits,
}

/// Counts a session's records: those handed over, and those that every sink has.
#[derive(Debug, Default)]
pub struct Mark {
    submitted: AtomicU64,
    /// The last one without which nothing may be released.
    must: AtomicU64,
    written: AtomicU64,
    waker: AtomicWaker,
}

/// Whether a result may be released without its record, where nothing can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Must,
    May,
}

impl Mark {
    /// The number of the session's next record. Only its own task asks.
    pub(super) fn submit(&self, need: Need) -> u64 {
        let number = self.submitted.load(Ordering::Relaxed) + 1;
        if need == Need::Must {
            self.must.store(number, Ordering::Release);
        }
        self.submitted.store(number, Ordering::Release);
        number
    }

    /// How many were handed over.
    pub fn submitted(&self) -> u64 {
        self.submitted.load(Ordering::Acquire)
    }

    /// All up to this one are written.
    pub(super) fn written(&self, number: u64) {
        self.written.store(number, Ordering::Release);
    }

    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// Whether this one is the last that is written.
    pub(super) fn is_at(&self, number: u64) -> bool {
        self.written.load(Ordering::Acquire) == number
    }

    fn reaches(&self, number: u64) -> bool {
        self.written.load(Ordering::Acquire) >= number
    }

    /// Whether the records up to this one are written.
    pub fn poll(&self, number: u64, cx: &Context<'_>) -> Release {
        if self.reaches(number) {
            return Release::Released;
        }
        self.waker.register(cx.waker());
        if self.reaches(number) { Release::Released } else { Release::Waits }
    }

    /// Whether those up to this one are that may not be missing.
    pub fn has_needed(&self, number: u64) -> bool {
        self.reaches(number.min(self.must.load(Ordering::Acquire)))
    }
}
