//! The thread that makes lines of records and writes them.

use super::chain::{Chain, Every, Reason};
use super::line::{Printer, milliseconds};
use super::record::{After, Record};
use super::settings::Settings;
use super::sink::{Progress, Sinks};
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// The most bytes of lines that are written at once.
const BATCH: usize = 1 << 20;

/// How long writing rests after it has failed.
const REST: Duration = Duration::from_millis(200);

/// How often it is tried at the end, when nobody waits any more.
const LAST_TRIES: usize = 10;

/// What comes through the queue.
#[derive(Debug)]
pub(super) enum Message {
    Record(Record),
    Stop,
}

/// What the thread and the sessions know of each other.
#[derive(Debug, Default)]
pub(super) struct Shared {
    queued: AtomicUsize,
    lost: AtomicU64,
    failing: AtomicBool,
    since: Mutex<Option<Instant>>,
    stopping: AtomicBool,
}

impl Shared {
    pub fn queues(&self, bytes: usize) {
        self.queued.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// A record is not kept.
    pub fn lose(&self) {
        if self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::error!("the audit trail loses records: it cannot be written, and its buffer is full");
        }
    }

    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    pub fn failing_since(&self) -> Option<Instant> {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody waits for lines any more.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    fn fails(&self, sink: &str, error: &io::Error) {
        if !self.failing.swap(true, Ordering::AcqRel) {
            *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            tracing::error!(sink, %error, "the audit trail cannot be written");
        }
    }

    fn works(&self) {
        if self.failing.swap(false, Ordering::AcqRel) {
            *self.since.lock().unwrap_or_else(PoisonError::into_inner) = None;
            tracing::warn!("the audit trail is written again");
        }
    }
}

/// Writes the trail.
pub(super) struct Writer {
    printer: Printer,
    chain: Chain,
    sinks: Sinks,
    shared: Arc<Shared>,
    settings: Settings,
    /// Lines since the last checkpoint, and when that was.
    since: (u64, Instant),
    /// The time that it says.
    said: i64,
    out: Vec<u8>,
    lines: Vec<Range<usize>>,
}

impl Writer {
    pub fn new(printer: Printer, chain: Chain, sinks: Sinks, shared: Arc<Shared>, settings: Settings) -> Writer {
        let since = (0, Instant::now());
        Writer { printer, chain, sinks, shared, settings, since, out: Vec::new(), said: 0, lines: Vec::new() }
    }

    /// Writes the first line.
    pub fn begin(&mut self, after: Option<&After>) -> Result<(), (&'static str, io::Error)> {
        self.checkpoint(Reason::Start, after);
        let outcome = self.sinks.write(&self.out, &self.lines, &mut Progress::default());
        self.clear();
        outcome
    }

    /// Writes what comes until it is told to stop, or nobody can send any more.
    pub fn run(mut self, receiver: &Receiver<Message>) {
        let mut batch: Vec<Record> = Vec::new();
        let mut going = true;
        while going {
            match receiver.recv_timeout(self.pause()) {
                Ok(Message::Record(record)) => self.take(record, &mut batch),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => going = false,
                Err(RecvTimeoutError::Timeout) => {}
            }
            while going && self.out.len() < BATCH {
                match receiver.try_recv() {
                    Ok(Message::Record(record)) => self.take(record, &mut batch),
                    Ok(Message::Stop) => going = false,
                    Err(_) => break,
                }
            }
            let lost = self.shared.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let now = SystemTime::now();
                self.keep_promise(now);
                self.line(|printer, chain, out| printer.lost(chain, out, (lost, now)));
            }
            let (count, last) = self.since;
            if !going {
                self.checkpoint(Reason::Stop, None);
            } else if count > 0 && last.elapsed() >= self.settings.checkpoint_time {
                self.checkpoint(Reason::Time, None);
            }
            self.write(&mut batch);
            if going {
                self.rotate();
            }
        }
    }

    /// How long the next record is waited for.
    fn pause(&self) -> Duration {
        let due = self.settings.checkpoint_time.saturating_sub(self.since.1.elapsed());
        due.clamp(Duration::from_millis(1), Duration::from_secs(1))
    }

    fn take(&mut self, record: Record, batch: &mut Vec<Record>) {
        self.keep_promise(record.time);
        self.line(|printer, chain, out| chain.append(out, |out| printer.print(&record, out)));
        batch.push(record);
    }

    /// Puts a checkpoint before a line of this time, where the last one has promised that: `verify` misses it otherwise.
    fn keep_promise(&mut self, time: SystemTime) {
        let Every { lines, milliseconds: apart } = self.printer.every;
        let count = self.since.0;
        if count >= lines {
            self.checkpoint(Reason::Lines, None);
        } else if count > 0 && milliseconds(time) >= self.said.saturating_add(apart) {
            self.checkpoint(Reason::Time, None);
        }
    }

    fn line(&mut self, print: impl FnOnce(&Printer, &mut Chain, &mut Vec<u8>)) {
        let start = self.out.len();
        print(&self.printer, &mut self.chain, &mut self.out);
        self.lines.push(start..self.out.len());
        self.since.0 += 1;
    }

    fn checkpoint(&mut self, reason: Reason, after: Option<&After>) {
        let time = milliseconds(SystemTime::now());
        self.line(|printer, chain, out| printer.checkpoint(chain, out, (reason, time), after));
        self.since = (0, Instant::now());
        self.said = time;
    }

    /// Writes the lines, however long that takes, and releases what waits for them.
    fn write(&mut self, batch: &mut Vec<Record>) {
        if self.out.is_empty() {
            return;
        }
        let mut progress = Progress::default();
        let mut tries = 0;
        while let Err((sink, error)) = self.sinks.write(&self.out, &self.lines, &mut progress) {
            self.shared.fails(sink, &error);
            tries += usize::from(self.shared.stopping.load(Ordering::Acquire));
            if tries >= LAST_TRIES {
                tracing::error!(records = batch.len(), "the audit trail ends without its last records");
                break;
            }
            std::thread::sleep(REST);
        }
        if tries < LAST_TRIES {
            self.shared.works();
        }
        self.clear();
        let bytes = batch.iter().map(Record::bytes).sum();
        self.shared.queued.fetch_sub(bytes, Ordering::Relaxed);
        if tries < LAST_TRIES {
            for (mark, number) in batch.iter().filter_map(|record| record.mark.as_ref()) {
                mark.written(*number);
            }
            for (mark, number) in batch.iter().filter_map(|record| record.mark.as_ref()) {
                // Once for each session.
                if mark.is_at(*number) {
                    mark.wake();
                }
            }
        }
        batch.clear();
    }

    fn clear(&mut self) {
        self.out.clear();
        self.lines.clear();
        if self.out.capacity() > 2 * BATCH {
            self.out = Vec::new();
        }
    }

    /// Begins a new file where one is due. What fails is tried again with the next lines.
    fn rotate(&mut self) {
        if self.sinks.file.as_ref().is_none_or(|file| !file.is_due()) {
            return;
        }
        self.checkpoint(Reason::Rotation, None);
        self.write(&mut Vec::new());
        let last = self.chain.place().seq;
        if let Some(file) = &mut self.sinks.file
            && let Err(error) = file.rotate(last)
        {
            tracing::error!(%error, "the audit file cannot be rotated");
        }
    }
}
