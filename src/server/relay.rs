//! The loop of a session: both sockets in one task, one read and one write per direction.

use super::buffers::{Inbox, Outbox};
use super::handle::{Handle, Moment, Patience};
use super::settle::CancelKey;
use crate::audit::{Mark, Release, Trail};
use crate::control::{Database, bind_inner};
use crate::net::{Stream, Upstream};
use crate::policy::Bound;
use crate::session::{Answer, Charged, Doing, Fault, Refresh, Refreshed, Session, Step};
use crate::wire::{self, Sink};
use bytes::BytesMut;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::AsyncWrite;

/// What the relay waits for on the client's side.
enum Client {
    /// Bytes; at least so many.
    Reads(usize),
    /// The server's answers.
    Holds,
    /// A newer catalog, or a payment.
    Awaits(Pin<Box<dyn Future<Output = Awaited> + Send>>),
    /// That the server is told that nothing more comes.
    Leaves,
    /// Nothing.
    Over,
}

/// How a client has parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parting {
    /// With a Terminate.
    Goodbye,
    /// Its side is closed without one, or the connection is lost. It may still listen.
    Gone,
}

/// What a session has waited for.
enum Awaited {
    Catalog(Refreshed),
    Payment(Charged),
    Inner(Result<Arc<Bound>, Fault>),
}

/// How the server is asked to cancel what a session runs.
#[derive(Clone)]
pub struct Canceller {
    pub upstream: Upstream,
    pub key: CancelKey,
}

impl Canceller {
    /// Done once the server has signalled; errors do not matter, since nothing is promised of a cancel.
    async fn cancel(upstream: Upstream, key: CancelKey) {
        let mut packet = BytesMut::new();
        wire::cancel_request(&key, &mut packet);
        deliver(&upstream, &packet).await;
    }
}

/// Delivers a CancelRequest, and waits until the server has closed the connection that it came by.
pub async fn deliver(upstream: &Upstream, packet: &[u8]) {
    let deliver = async {
        let mut server = upstream.connect().await?;
        server.send(packet).await?;
        Inbox::default().fill(&mut server).await
    };
    let _ = tokio::time::timeout(LONGEST_CANCEL, deliver).await;
}

/// How long a cancel may take.
const LONGEST_CANCEL: Duration = Duration::from_secs(5);

/// A session between its two sockets.
pub struct Relay {
    session: Session,
    database: Arc<Database>,
    handle: Arc<Handle>,
    client: Stream,
    server: Stream,
    from_client: Inbox,
    from_server: Inbox,
    to_client: Outbox,
    to_server: Outbox,
    client_sink: Sink,
    server_sink: Sink,
    waits: Client,
    parting: Option<Parting>,
    /// The server's side is closed.
    lost: bool,
    canceller: Canceller,
    /// A cancel under way. Nothing of the client's is sent meanwhile, which it could hit instead.
    cancel: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// What was cancelled last.
    cancelled: Option<Moment>,
    /// How many bytes the server's message lacks.
    lacking: usize,
    hold: Hold,
    /// The session ends once everything was written to the client.
    ending: bool,
}

impl Relay {
    pub fn new(
        session: Session,
        database: Arc<Database>,
        handle: Arc<Handle>,
        client: (Stream, Inbox),
        server: (Stream, Inbox),
        (canceller, hold): (Canceller, Hold),
    ) -> Relay {
        Relay {
            session,
            database,
            handle,
            client: client.0,
            server: server.0,
            from_client: client.1,
            from_server: server.1,
            to_client: Outbox::default(),
            to_server: Outbox::default(),
            client_sink: Sink::default(),
            server_sink: Sink::default(),
            // What came early is worked through before anything is read.
            waits: Client::Holds,
            parting: None,
            lost: false,
            canceller,
            cancel: None,
            cancelled: None,
            lacking: 0,
            hold,
            ending: false,
        }
    }

    /// Relays until one side is done.
    pub async fn run(mut self) -> io::Result<()> {
        let outcome = std::future::poll_fn(|cx| self.poll(cx)).await;
        if !self.lost && self.session.doing().0 == Doing::Statement {
            // Closing does not end what says nothing: the server would notice when it has something to say.
            let Canceller { upstream, key } = &self.canceller;
            Canceller::cancel(upstream.clone(), key.clone()).await;
        }
        std::future::poll_fn(|cx| {
            self.client.poll_goodbye(cx);
            self.server.poll_goodbye(cx);
            Poll::Ready(())
        })
        .await;
        outcome
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.handle.watch(cx);
        loop {
            if let Some(why) = self.handle.ending() {
                let (code, message) = why.words();
                match (self.handle.patience(), self.ending) {
                    (Patience::Gone, _) => return Poll::Ready(Ok(())),
                    (_, true) => {}
                    (Patience::Waits, false) if !self.session.is_idle() => {}
                    (Patience::Waits | Patience::Ends, false) if self.session.may_be_told() => self.tell(code, message),
                    // It would stand in the middle of a message.
                    (Patience::Waits | Patience::Ends, false) => self.ending = true,
                }
            }
            match self.turn(cx) {
                Ok(Turn::Moved) => {}
                Ok(Turn::Waits) => {
                    let moment = self.moment();
                    if self.handle.overdue() == Some(moment) {
                        if self.ending {
                            // It does not even hear that it is over.
                            return Poll::Ready(Ok(()));
                        }
                        self.late(moment);
                        continue;
                    }
                    self.handle.does(moment);
                    return Poll::Pending;
                }
                Ok(Turn::Ended) => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// What the session does. What the proxy itself takes time for is no idleness.
    fn moment(&self) -> Moment {
        let (doing, completed) = self.session.doing();
        let doing = match (self.parting, &self.waits) {
            (Some(Parting::Gone), _) => Doing::Unheard,
            (_, Client::Awaits(_)) => Doing::Statement,
            _no_other => doing,
        };
        Moment::of((doing, completed))
    }

    /// Does what the limits of time say.
    fn late(&mut self, moment: Moment) {
        if matches!(self.waits, Client::Awaits(_)) {
            return;
        }
        const IN_TRANSACTION: &str = "terminating connection due to idle-in-transaction timeout";
        match moment.doing() {
            Doing::Idle => self.tell("57P05", "terminating connection due to idle-session timeout"),
            Doing::IdleInTransaction => self.tell("25P03", IN_TRANSACTION),
            // What runs is cancelled when the relay ends.
            Doing::Unheard => self.ending = true,
            // There was nothing to cancel: the client does not go on with what it has begun.
            Doing::Statement if self.cancelled == Some(moment) && self.session.may_wait_for_client() => {
                match self.session.may_be_told() {
                    true => self.tell("25P03", IN_TRANSACTION),
                    // It would stand in the middle of a message.
                    false => self.ending = true,
                }
            }
            // It was cancelled, and the client does not take what the server said before.
            Doing::Statement if self.cancelled == Some(moment) && !self.to_client.is_empty() => self.ending = true,
            Doing::Statement => {
                self.session.cancelled();
                self.cancelled = Some(moment);
                let Canceller { upstream, key } = &self.canceller;
                self.cancel = Some(Box::pin(Canceller::cancel(upstream.clone(), key.clone())));
            }
        }
    }

    /// Ends the session with a report to the client.
    fn tell(&mut self, code: &str, message: &str) {
        wire::fatal(code, message, self.client_sink.own(&[]));
        self.ending = true;
        self.waits = Client::Over;
    }

    /// Ends the session, since what it was answered must be recorded first and cannot be.
    fn lost_record(&mut self) {
        if self.session.may_be_told() {
            self.tell("58030", "the audit trail cannot be written");
        } else {
            self.ending = true;
        }
    }

    /// Everything that can be done without waiting, once around.
    fn turn(&mut self, cx: &mut Context<'_>) -> io::Result<Turn> {
        let mut moved = false;
        if !self.client_sink.is_empty() {
            let bytes = self.client_sink.bytes(&[]);
            self.to_client.send(&mut self.client, bytes, cx)?;
            self.client_sink.clear();
        }
        let client_takes = match self.to_client.poll_flush(&mut self.client, cx) {
            Poll::Ready(done) => done.map(|()| true)?,
            Poll::Pending => false,
        };
        if self.ending {
            return Ok(if client_takes { Turn::Ended } else { Turn::Waits });
        }
        let server_takes = match self.to_server.poll_flush(&mut self.server, cx) {
            // A server that is gone has its say first: its last words are read below.
            Poll::Ready(Err(_)) => {
                self.waits = Client::Over;
                true
            }
            Poll::Ready(Ok(())) => true,
            Poll::Pending => false,
        };
        let cancels = match &mut self.cancel {
            Some(cancel) => cancel.as_mut().poll(cx).is_pending(),
            None => false,
        };
        if !cancels {
            self.cancel = None;
        }
        if server_takes && !cancels {
            moved |= self.client_side(cx)?;
        }
        if client_takes && !self.ending {
            moved |= self.server_side(cx)?;
        }
        Ok(if moved || self.ending { Turn::Moved } else { Turn::Waits })
    }

    /// Reads from the client and sends on.
    fn client_side(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        match &mut self.waits {
            Client::Over => return Ok(false),
            Client::Leaves => {
                if Pin::new(&mut self.server).poll_shutdown(cx).is_ready() {
                    self.waits = Client::Over;
                }
                return Ok(false);
            }
            Client::Holds => {
                if self.from_client.is_empty() {
                    self.waits = Client::Reads(1);
                    return Ok(true);
                }
            }
            Client::Reads(lacking) => match self.from_client.poll_fill(&mut self.client, *lacking, cx) {
                Poll::Pending => return Ok(false),
                // As the server would: what was sent is done, and answered if somebody listens.
                Poll::Ready(Ok(0) | Err(_)) => {
                    self.parting = Some(Parting::Gone);
                    self.waits = Client::Leaves;
                    return Ok(true);
                }
                Poll::Ready(Ok(_)) => {}
            },
            Client::Awaits(outcome) => match outcome.as_mut().poll(cx) {
                Poll::Pending => return Ok(false),
                Poll::Ready(Awaited::Catalog(outcome)) => self.session.refreshed(outcome),
                Poll::Ready(Awaited::Payment(outcome)) => self.session.charged(outcome),
                Poll::Ready(Awaited::Inner(outcome)) => self.session.inner_bound(outcome),
            },
        }
        let held = matches!(self.waits, Client::Holds);
        let bytes = self.from_client.bytes();
        let (taken, step) = self.session.client(bytes, &mut self.server_sink, &mut self.client_sink);
        let sent = self.to_server.send(&mut self.server, self.server_sink.bytes(bytes), cx);
        self.server_sink.clear();
        self.from_client.consume(taken);
        self.waits = match step {
            Step::More(lacking) => Client::Reads(lacking),
            Step::Hold => Client::Holds,
            Step::Refresh(why) => {
                let database = Arc::clone(&self.database);
                Client::Awaits(Box::pin(async move {
                    Awaited::Catalog(match why {
                        Refresh::Behind => database.catch_up().await,
                        Refresh::UnknownName | Refresh::Inner | Refresh::Temporary => database.look_again().await,
                    })
                }))
            }
            Step::Charge => {
                let (database, user) = (Arc::clone(&self.database), Arc::clone(self.session.user()));
                let charge = self.session.charge().map(Arc::clone);
                Client::Awaits(Box::pin(async move {
                    Awaited::Payment(match charge {
                        Some(charge) => database.charge(&user, &charge).await,
                        None => Charged::Failed,
                    })
                }))
            }
            Step::Inner => match self.session.inner_reading() {
                Some(reading) => Client::Awaits(Box::pin(async move { Awaited::Inner(bind_inner(reading).await) })),
                None => Client::Holds,
            },
            Step::Finish => {
                self.parting = Some(Parting::Goodbye);
                Client::Over
            }
            Step::Fatal => {
                self.ending = true;
                Client::Over
            }
        };
        if sent.is_err() {
            self.waits = Client::Over;
        }
        let holds_still = held && taken == 0 && matches!(self.waits, Client::Holds);
        Ok(!holds_still)
    }

    /// Reads from the server and passes on.
    fn server_side(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        if self.hold.until > 0 {
            match self.hold.poll(cx) {
                Held::No => {}
                Held::Waits => return Ok(false),
                Held::Never => {
                    self.lost_record();
                    return Ok(true);
                }
            }
        } else if self.from_server.is_empty() || self.lacking > 0 {
            match self.from_server.poll_fill(&mut self.server, self.lacking.max(1), cx) {
                Poll::Pending => return Ok(false),
                // What the server said last is still written to the client.
                Poll::Ready(Ok(0) | Err(_)) => {
                    self.lost = true;
                    self.ending = true;
                    if self.parting.is_none() && self.session.may_be_told() {
                        self.tell("08006", "the connection to the database server was lost");
                    }
                    return Ok(true);
                }
                Poll::Ready(Ok(_)) => self.hold.begin(),
            }
            if self.hold.until > 0 {
                return Ok(true);
            }
        }
        let bytes = self.from_server.bytes();
        let (taken, answer) = self.session.server(bytes, &mut self.client_sink, &mut self.server_sink);
        self.to_client.send(&mut self.client, self.client_sink.bytes(bytes), cx)?;
        self.client_sink.clear();
        self.from_server.consume(taken);
        if !self.server_sink.is_empty() {
            // An error shows when the server's side is read next.
            let _ = self.to_server.send(&mut self.server, self.server_sink.bytes(&[]), cx);
            self.server_sink.clear();
        }
        match answer {
            Answer::More(lacking) => self.lacking = lacking,
            Answer::Fatal => self.ending = true,
        }
        Ok(true)
    }
}

/// What the server has said waits until what it may answer is recorded.
pub struct Hold {
    trail: Option<Arc<Trail>>,
    mark: Arc<Mark>,
    /// The session's last record when it was read; 0: nothing waits.
    until: u64,
}

/// Whether it waits still.
enum Held {
    No,
    Waits,
    /// It could not be recorded for too long.
    Never,
}

impl Hold {
    /// Without a trail nothing waits.
    pub fn new(trail: Option<Arc<Trail>>, mark: Arc<Mark>) -> Hold {
        Hold { trail, mark, until: 0 }
    }

    /// Something was read.
    fn begin(&mut self) {
        if self.trail.is_some() {
            self.until = self.mark.submitted();
        }
    }

    fn poll(&mut self, cx: &Context<'_>) -> Held {
        let Some(trail) = &self.trail else { return Held::No };
        let released = match self.mark.poll(self.until, cx) {
            Release::Released => true,
            Release::Waits => trail.is_failing() && self.mark.has_needed(self.until),
        };
        match released {
            true => {
                self.until = 0;
                Held::No
            }
            false if trail.gave_up() => Held::Never,
            false => Held::Waits,
        }
    }
}

/// What a turn came to.
enum Turn {
    Moved,
    Waits,
    Ended,
}
