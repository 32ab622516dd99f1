//! The queue between sessions and the thread that writes.

use super::chain::{Chain, Every};
use super::file::{FileSink, Found};
use super::key::{Signer, hex};
use super::line::Printer;
use super::mark::{Mark, Need};
use super::ocsf::Activity;
use super::record::{After, Decided, Event, Record, Stopped, What, Who};
use super::settings::{Outcomes, Settings, WhenFull};
use super::sink::{Sink, Sinks};
use super::writer::{Message, Shared, Writer};
use crate::enforce::{Judged, View};
use crate::session::{Decision, Ran, Ticket};
use crate::sql::{Kind, Set};
use crate::vocab::{Refusal, SqlState};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime};

/// How long each list in a line may be, in bytes, where sinks take lines of any length.
const LONGEST: usize = 256 << 10;

/// What a file is opened with.
pub struct FileWish<'a> {
    pub path: &'a Path,
    pub rotation: super::file::Rotation,
    pub sync: super::settings::Sync,
}

/// Why there is no trail.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the audit file {path}: {source}")]
    File { path: String, source: io::Error },
    #[error("the audit trail's {sink} does not take its first line: {source}")]
    First { sink: &'static str, source: io::Error },
    #[error("the system gives no random bytes")]
    Random,
    #[error("the audit trail's thread: {0}")]
    Thread(io::Error),
}

/// Where sessions hand their records over. Cheap to share.
pub struct Trail {
    sender: Sender<Message>,
    shared: Arc<Shared>,
    settings: Settings,
    next: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Trail {
    /// Opens the sinks, writes a first line to each, and starts the thread.
    pub fn start(
        settings: Settings,
        file: Option<FileWish<'_>>,
        others: Vec<Box<dyn Sink>>,
        signer: Option<Signer>,
    ) -> Result<Trail, StartError> {
        let random = || getrandom::u64().map(|number| hex(&number.to_be_bytes())).map_err(|_| StartError::Random);
        let (mut place, mut after) = (Found::beginning(random()?), None);
        let file = match file {
            None => None,
            Some(FileWish { path, rotation, sync }) => {
                let error = |source| StartError::File { path: path.display().to_string(), source };
                let (file, found) = FileSink::open(path, rotation, sync).map_err(error)?;
                if let Some(found) = found {
                    (place, after) = (found.place, Some(found.after));
                }
                Some(file)
            }
        };
        if let Some(After { stopped: Stopped::Otherwise, torn }) = &after {
            tracing::warn!(torn = torn.is_some(), "the audit trail's last run ended without a last line");
        }
        let every = Every {
            lines: settings.checkpoint_lines,
            milliseconds: i64::try_from(settings.checkpoint_time.as_millis()).unwrap_or(i64::MAX),
        };
        // There are two such lists in a line, and the text of a statement.
        let longest = others.iter().filter_map(|sink| sink.longest()).min().map_or(LONGEST, |longest| longest / 4);
        let printer = Printer { run: random()?, parameters: settings.parameters, every, longest };
        let shared = Arc::new(Shared::default());
        let sinks = Sinks { file, others };
        let chain = Chain::new(place, signer);
        let mut writer = Writer::new(printer, chain, sinks, Arc::clone(&shared), settings.clone());
        writer.begin(after.as_ref()).map_err(|(sink, source)| StartError::First { sink, source })?;
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new().name("audit".to_owned());
        let thread = thread.spawn(move || writer.run(&receiver)).map_err(StartError::Thread)?;
        Ok(Trail { sender, shared, settings, next: AtomicU64::new(1), thread: Mutex::new(Some(thread)) })
    }

    /// Since when nothing can be written, if that is longer than sessions wait for it.
    pub fn gave_up(&self) -> bool {
        self.is_failing() && self.shared.failing_since().is_some_and(|since| since.elapsed() >= self.settings.hold)
    }

    pub fn is_failing(&self) -> bool {
        self.shared.is_failing()
    }

    fn need(&self, view: &View) -> Need {
        match (self.settings.when_full, view.restricted()) {
            (WhenFull::Refuse, true) => Need::Must,
            (WhenFull::Refuse, false) | (WhenFull::Pass, _) => Need::May,
        }
    }

    fn is_full(&self) -> bool {
        self.shared.queued() >= self.settings.buffer_bytes
    }

    /// Whether a record that may be missing is: nothing can be written, and no more is kept meanwhile. While writing goes on
    /// none is lost: a session waits that has too much outstanding.
    fn loses(&self) -> bool {
        let loses = self.is_failing() && self.is_full();
        if loses {
            self.shared.lose();
        }
        loses
    }

    /// Whether what is about to be decided under this view can be recorded; the refusal where it cannot and must.
    pub fn room(&self, view: &View) -> Result<(), Refusal> {
        let (code, message) = match (self.is_failing(), self.is_full()) {
            (false, false) => return Ok(()),
            (true, _) => ("58030", "the audit trail cannot be written"),
            (false, true) => ("53100", "the audit trail's buffer is full"),
        };
        match self.need(view) {
            Need::May => Ok(()),
            Need::Must => Err(Refusal::new(SqlState(code), message)
                .with_detail("Nothing is sent under a restricted purpose that cannot be recorded.")
                .with_hint("Try again later. The proxy's log says why; audit.when_full decides this.")),
        }
    }

    /// Records a decision; the ticket is for how it ends.
    pub fn decided(&self, who: &Arc<Who>, mark: &Arc<Mark>, decision: Decision<'_>) -> Option<Ticket> {
        let Decision { view, means, judged, refused, named, justification } = decision;
        let wanted = match self.settings.outcomes {
            Outcomes::All => true,
            Outcomes::Restricted => refused.is_some() || view.restricted(),
            Outcomes::Refused => refused.is_some(),
        };
        if !wanted || refused.is_none() && judged.is_some_and(|judged| says_nothing(judged)) {
            return None;
        }
        // A refusal releases nothing.
        let need = if refused.is_some() { Need::May } else { self.need(view) };
        if need == Need::May && self.loses() {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let decided = Decided {
            number,
            view: Arc::clone(view),
            means,
            judged: judged.map(Arc::clone),
            refused: refused.map(Arc::clone),
            named: named.map(Arc::clone),
            justification: justification.map(Arc::clone),
        };
        let waits = Some((Arc::clone(mark), mark.submit(need)));
        self.push(Record {
            time: SystemTime::now(),
            who: Some(Arc::clone(who)),
            what: What::Decided(decided),
            mark: waits,
        });
        Some(Ticket { number, began: Instant::now(), activity: Activity::of(judged.map(|judged| &**judged)).0 })
    }

    /// Records how it ended. Nothing waits for that.
    pub fn ran(&self, who: &Arc<Who>, ticket: Ticket, ran: Ran) {
        self.push(Record {
            time: SystemTime::now(),
            who: Some(Arc::clone(who)),
            what: What::Ran(ticket, ran, ticket.began.elapsed()),
            mark: None,
        });
    }

    /// Records something else.
    pub fn tell(&self, who: Option<&Arc<Who>>, event: Event) {
        if self.loses() {
            return;
        }
        let (time, who) = (SystemTime::now(), who.map(Arc::clone));
        self.push(Record { time, who, what: What::Event(event), mark: None });
    }

    fn push(&self, record: Record) {
        self.shared.queues(record.bytes());
        if self.sender.send(Message::Record(record)).is_err() {
            self.shared.lose();
        }
    }

    /// Writes what is queued and a last line, and ends the thread.
    pub fn stop(&self) {
        self.shared.stop();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = self.sender.send(Message::Stop);
            let _ = thread.join();
        }
    }
}

/// Statements that neither read nor write anything nor declare on what terms.
fn says_nothing(judged: &Judged) -> bool {
    let kind = match judged {
        Judged::One(planned) => &planned.statement.kind,
        Judged::Many(_) => return false,
        Judged::Empty => return true,
    };
    match kind {
        Kind::Transaction(_) | Kind::Show(_) | Kind::Discard(_) | Kind::Deallocate(_) | Kind::Close(_) => true,
        Kind::Set(Set { scope: _, name, value: _, by_function: _ }) => {
            !name.starts_with("wherefore.") && !matches!(&**name, "role" | "session_authorization" | "all")
        }
        Kind::Read
        | Kind::Unread
        | Kind::Write
        | Kind::Bulk
        | Kind::Call
        | Kind::Explain
        | Kind::Prepare(_)
        | Kind::Execute(_)
        | Kind::Declare(_)
        | Kind::Fetch(_)
        | Kind::Lock
        | Kind::Define(_)
        | Kind::Signal(_)
        | Kind::Other(_) => false,
    }
}
