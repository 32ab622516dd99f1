//! The buffers that are lent to connections.

use crate::net::Stream;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// The size of a read.
const READ: usize = 64 << 10;

/// Buffers kept for each thread.
const KEPT: usize = 4;

thread_local! {
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

fn lend() -> Vec<u8> {
    POOL.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; READ])
}

fn give_back(buffer: Vec<u8>) {
    if buffer.len() == READ {
        POOL.with_borrow_mut(|pool| {
            if pool.len() < KEPT {
                pool.push(buffer);
            }
        });
    }
}

/// Bytes read and not yet done with. An empty one holds no memory while it waits.
#[derive(Debug, Default)]
pub struct Inbox {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Inbox {
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Marks bytes from the front as done with.
    pub fn consume(&mut self, count: usize) {
        self.start += count;
        if self.is_empty() {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Makes room for some of the `more` bytes that are missing. While data flows a buffer has at least the size of a read.
    fn make_room(&mut self, more: usize) {
        if self.buffer.len() < READ {
            // None yet, or a small one that was kept while waiting.
            let mut buffer = lend();
            let left = self.end - self.start;
            buffer[..left].copy_from_slice(&self.buffer[self.start..self.end]);
            (self.buffer, self.start, self.end) = (buffer, 0, left);
        }
        if self.start > 0 && self.buffer.len() - self.end < more.max(READ / 4) {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.end < more.min(READ / 4) {
            // Doubled when it is full, so that a long message is copied a few times only and a length word alone reserves
            // nothing.
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
    }

    /// Reads once. `lacking` is how many bytes are known to be missing.
    pub fn poll_fill(&mut self, stream: &mut Stream, lacking: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.make_room(lacking);
        let mut room = ReadBuf::new(&mut self.buffer[self.end..]);
        let outcome = Pin::new(stream).poll_read(cx, &mut room);
        let count = room.filled().len();
        match outcome {
            Poll::Ready(outcome) => {
                self.end += count;
                Poll::Ready(outcome.map(|()| count))
            }
            Poll::Pending => {
                self.rest();
                Poll::Pending
            }
        }
    }

    /// Gives the memory back that is not needed while waiting.
    fn rest(&mut self) {
        if self.is_empty() {
            give_back(std::mem::take(&mut self.buffer));
            self.start = 0;
            self.end = 0;
        } else if self.buffer.len() == READ && self.bytes().len() <= READ / 8 {
            let mut left = self.bytes().to_vec();
            self.end = left.len();
            self.start = 0;
            std::mem::swap(&mut self.buffer, &mut left);
            give_back(left);
        }
    }

    /// Reads until there are more bytes than before. An end of the stream is an error.
    pub async fn fill(&mut self, stream: &mut Stream) -> io::Result<()> {
        // Small: many may be at the door at once.
        if self.end == self.buffer.len() {
            self.buffer.resize((self.buffer.len() * 2).max(2 << 10), 0);
        }
        let count = stream.read(&mut self.buffer[self.end..]).await?;
        self.end += count;
        if count == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

/// Bytes that could not be written at once.
#[derive(Debug, Default)]
pub struct Outbox {
    buffer: Vec<u8>,
    start: usize,
}

impl Outbox {
    pub fn is_empty(&self) -> bool {
        self.start == self.buffer.len()
    }

    /// Writes what is left, also what an encrypted stream has taken and kept.
    pub fn poll_flush(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            match Pin::new(&mut *stream).poll_write(cx, &self.buffer[self.start..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => self.start += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        self.start = 0;
        self.buffer = Vec::new();
        Pin::new(stream).poll_flush(cx)
    }

    /// Writes bytes as far as they go and keeps the rest.
    pub fn send(&mut self, stream: &mut Stream, mut bytes: &[u8], cx: &mut Context<'_>) -> io::Result<()> {
        while self.is_empty() && !bytes.is_empty() {
            match Pin::new(&mut *stream).poll_write(cx, bytes) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => bytes = &bytes[count..],
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        if !bytes.is_empty() {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_while_waiting_does_not_shrink_the_next_read() {
        let mut inbox = Inbox::default();
        inbox.make_room(1);
        inbox.buffer[..3].copy_from_slice(b"abc");
        inbox.end = 3;
        inbox.consume(1);
        inbox.rest();
        assert_eq!((inbox.bytes(), inbox.buffer.len()), (&b"bc"[..], 2));
        inbox.make_room(1);
        assert_eq!((inbox.bytes(), inbox.buffer.len()), (&b"bc"[..], READ));
        for _ in 0..10 {
            inbox.make_room(1000 * READ);
        }
        assert_eq!(inbox.buffer.len(), READ, "what is not there yet takes no memory");
        inbox.end = READ;
        inbox.make_room(1000 * READ);
        assert_eq!(inbox.buffer.len(), 2 * READ);
        inbox.consume(READ);
        inbox.rest();
        assert!(inbox.buffer.is_empty());
    }
}
