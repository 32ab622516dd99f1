//! A witness that counts.

use crate::enforce::{Shadow, View};
use crate::session::{Decision, Ran, Records, ReportSort, Ticket, Witness};
use crate::vocab::{Refusal, SqlState};
use crate::wire::ErrorFields;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
pub(super) struct Counts {
    pub(super) permitted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) looked_up: AtomicU64,
    /// Look-ups that are permitted still.
    pub(super) look_ups: AtomicU64,
    pub(super) chosen: AtomicU64,
}

impl Witness for Counts {
    fn permitted(&self) {
        self.permitted.fetch_add(1, Ordering::Relaxed);
    }
    fn rewritten(&self) {}
    fn refused(&self, _: &View, _: &Refusal) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
    fn looked_up(&self, _: &View) -> Result<(), Refusal> {
        if self.looked_up.load(Ordering::Relaxed) >= self.look_ups.load(Ordering::Relaxed) {
            return Err(Refusal::new(SqlState("53400"), "too many"));
        }
        self.looked_up.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    fn read_inner(&self, _: &str, _: usize) {}
    fn unread_inner(&self, _: &str, _: &str, _: &str) {}
    fn shadowed(&self, _: &View, _: &Shadow) {}
    fn chosen(&self, _: &str, _: &str, _: &str) {
        self.chosen.fetch_add(1, Ordering::Relaxed);
    }
    fn records(&self) -> Records {
        Records::None
    }
    fn room(&self, _: &View) -> Result<(), Refusal> {
        Ok(())
    }
    fn decided(&self, _: Decision<'_>) -> Option<Ticket> {
        None
    }
    fn ran(&self, _: Ticket, _: Ran) {}
    fn withheld(&self, _: &View, _: ReportSort, _: ErrorFields<'_>) -> String {
        "0123456789abcdef".to_owned()
    }
}
