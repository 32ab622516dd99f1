//! Refusals in the server's own words.
//!
//! In the slot of a refused message the server gets one that is sure to fail there and that names this session's nonce;
//! the body of the error that comes back is replaced by the refusal's report. Transaction abort, skipping to Sync and
//! ReadyForQuery are then right by construction.

use super::positions::shift;
use crate::vocab::{Refusal, SqlState};
use crate::wire::ErrorFields;
use std::collections::VecDeque;
use std::sync::Arc;

/// The refusals whose errors have not come back yet.
#[derive(Debug)]
pub struct Poisons {
    /// `wherefore:<16 hex digits>:`
    prefix: Box<str>,
    next: u64,
    pending: VecDeque<Pending>,
}

#[derive(Debug)]
struct Pending {
    number: u64,
    /// The segment it was sent in.
    segment: u64,
    refusal: Arc<Refusal>,
    /// Characters of the message before the statement.
    offset: u32,
}

impl Poisons {
    pub fn new(nonce: [u8; 8]) -> Poisons {
        let prefix = format!("wherefore:{:016x}:", u64::from_be_bytes(nonce)).into();
        Poisons { prefix, next: 0, pending: VecDeque::new() }
    }

    /// Takes note of a refusal and returns the name that its error will carry.
    pub fn add(&mut self, segment: u64, refusal: Arc<Refusal>, offset: u32) -> String {
        self.next += 1;
        self.pending.push_back(Pending { number: self.next, segment, refusal, offset });
        format!("{}{}", self.prefix, self.next)
    }

    /// What was noted for one segment belongs to another: one of the proxy's own was put before it.
    pub fn moved(&mut self, from: u64, to: u64) {
        for pending in self.pending.iter_mut().filter(|pending| pending.segment == from) {
            pending.segment = to;
        }
    }

    /// The refusal that this error of the server stands for, if it is one of ours. An error with this session's nonce
    /// never reaches the client as it is.
    pub fn find(&self, error: ErrorFields<'_>) -> Option<Refusal> {
        // 42703: the poison statement; 26000 and 34000: a Bind, Describe or Execute of a name that does not exist.
        if !matches!(error.get(b'C')?, b"42703" | b"26000" | b"34000") {
            return None;
        }
        let message = std::str::from_utf8(error.get(b'M')?).ok()?;
        let (_, after) = message.split_once(&*self.prefix)?;
        Some(self.refusal(after).unwrap_or_else(|| {
            Refusal::new(SqlState::FEATURE_NOT_SUPPORTED, "the statement was refused")
                .with_detail("Why is in the proxy's log.")
        }))
    }

    /// The refusal whose number stands at the start of `after`.
    fn refusal(&self, after: &str) -> Option<Refusal> {
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let number: u64 = after[..digits].parse().ok()?;
        let pending = self.pending.iter().find(|pending| pending.number == number)?;
        let mut refusal = Refusal::clone(&pending.refusal);
        refusal.position = shift(refusal.position, pending.offset);
        Some(refusal)
    }

    /// How many errors are still to come, at most.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Forgets what belongs to this segment or an earlier one.
    pub fn done(&mut self, segment: u64) {
        while self.pending.front().is_some_and(|pending| pending.segment <= segment) {
            self.pending.pop_front();
        }
    }
}

/// The statement that stands in a refused statement's place. It parses and fails in analysis, whatever the catalog holds.
pub fn poison_statement(name: &str) -> String {
    format!("SELECT \"{name}\"")
}
