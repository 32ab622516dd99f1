//! What is about to be written to one side: slices of the other side's read buffer as they are, or bytes of our own.

use bytes::BytesMut;
use std::ops::Range;

/// Output gathered while one read buffer is worked through. As long as everything is passed on unchanged nothing is
/// copied: the run of the buffer is written as it lies.
#[derive(Debug, Default)]
pub struct Sink {
    /// Bytes that come before the run.
    out: BytesMut,
    /// The part of the read buffer that is passed on, last.
    run: Range<usize>,
}

impl Sink {
    /// Passes on a part of the read buffer. Parts are passed on in order.
    pub fn forward(&mut self, input: &[u8], part: Range<usize>) {
        if self.run.end == part.start && !self.run.is_empty() {
            self.run.end = part.end;
        } else {
            self.settle(input);
            self.run = part;
        }
    }

    /// Where bytes of our own are appended.
    pub fn own(&mut self, input: &[u8]) -> &mut BytesMut {
        self.settle(input);
        &mut self.out
    }

    fn settle(&mut self, input: &[u8]) {
        if !self.run.is_empty() {
            self.out.extend_from_slice(&input[self.run.clone()]);
            self.run = 0..0;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.out.is_empty() && self.run.is_empty()
    }

    /// The bytes gathered, in one piece. Copies only if there are both kinds.
    pub fn bytes<'a>(&'a mut self, input: &'a [u8]) -> &'a [u8] {
        if self.out.is_empty() {
            return &input[self.run.clone()];
        }
        self.settle(input);
        &self.out
    }

    /// The bytes gathered that no run is part of: for a sink that has no read buffer.
    pub fn clear(&mut self) {
        // A buffer grown by something big is not kept.
        if self.out.capacity() > 64 << 10 {
            self.out = BytesMut::new();
        } else {
            self.out.clear();
        }
        self.run = 0..0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_join_and_own_bytes_keep_their_place() {
        let input = b"abcdef";
        let mut sink = Sink::default();
        sink.forward(input, 0..2);
        sink.forward(input, 2..3);
        assert_eq!(sink.bytes(input), b"abc");
        sink.own(input).extend_from_slice(b"-");
        sink.forward(input, 4..6);
        assert_eq!(sink.bytes(input), b"abc-ef");
        sink.clear();
        assert!(sink.is_empty());
    }
}
