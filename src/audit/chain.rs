//! The chain: each line has a number and the SHA-256 of the line before it, over its exact bytes without the line end. A
//! checkpoint is a line that also has a signature over its place in the chain.

use super::key::{Signer, hex};
use aws_lc_rs::digest::{SHA256, digest};
use std::io::Write as _;

/// The hash of what stands before the first line.
pub const NOTHING: [u8; 32] = [0; 32];

/// Why there is a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Start,
    Lines,
    Time,
    Rotation,
    Stop,
}

impl Reason {
    pub fn word(self) -> &'static str {
        match self {
            Reason::Start => "start",
            Reason::Lines => "lines",
            Reason::Time => "time",
            Reason::Rotation => "rotation",
            Reason::Stop => "stop",
        }
    }
}

/// The hash of a line.
pub fn hash(line: &[u8]) -> [u8; 32] {
    let mut hash = NOTHING;
    hash.copy_from_slice(digest(&SHA256, line).as_ref());
    hash
}

/// What a checkpoint promises of those that follow: no more records stand between two, and none behind the first of them that
/// is so much later than the checkpoint before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every {
    pub lines: u64,
    pub milliseconds: i64,
}

/// What a checkpoint's signature is over.
pub fn signed(id: &str, seq: u64, prev: &str, time: i64, reason: &str, every: Every) -> Vec<u8> {
    let Every { lines, milliseconds } = every;
    format!("wherefore audit checkpoint\n{id}\n{seq}\n{prev}\n{time}\n{reason}\n{lines}\n{milliseconds}\n").into_bytes()
}

/// Where a chain stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub id: String,
    /// The number of the last line; 0 where there is none.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// A chain that is being written.
#[derive(Debug)]
pub struct Chain {
    place: Place,
    signer: Option<Signer>,
}

impl Chain {
    pub fn new(place: Place, signer: Option<Signer>) -> Chain {
        Chain { place, signer }
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Appends a line. `body` writes an object up to inside its last member, which is an object with at least one member.
    pub fn append(&mut self, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
        let start = out.len();
        body(out);
        self.place.seq += 1;
        let Place { id, seq, hash: prev } = &self.place;
        let _ = write!(out, ",\"chain\":{{\"id\":\"{id}\",\"seq\":{seq},\"prev\":\"{}\"}}}}}}", hex(prev));
        self.place.hash = hash(&out[start..]);
        out.push(b'\n');
    }

    /// The key's name and the signature of a checkpoint that is appended next.
    pub fn signature(&self, time: i64, reason: Reason, every: Every) -> Option<(&str, String)> {
        let signer = self.signer.as_ref()?;
        let Place { id, seq, hash } = &self.place;
        let message = signed(id, seq + 1, &hex(hash), time, reason.word(), every);
        Some((signer.id(), signer.sign(&message)))
    }
}
