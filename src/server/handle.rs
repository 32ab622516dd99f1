//! What the rest of the proxy holds of a session: how it is told to end, and seen to take too long.

use super::relay::Canceller;
use crate::auth::LEEWAY;
use crate::control::{Attending, Databases, Doorman, Setup};
use crate::net::Upstream;
use crate::session::Doing;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Waker};

/// What a session does, and the how-manieth thing that is: equal for as long as it does the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(u64);

impl Moment {
    pub fn of((doing, completed): (Doing, u64)) -> Moment {
        let kind = match doing {
            Doing::Idle => 1,
            Doing::IdleInTransaction => 2,
            Doing::Statement => 3,
            Doing::Unheard => 4,
        };
        Moment(completed << 3 | kind)
    }

    pub fn doing(self) -> Doing {
        match self.0 & 7 {
            1 => Doing::Idle,
            2 => Doing::IdleInTransaction,
            4 => Doing::Unheard,
            _statement => Doing::Statement,
        }
    }
}

/// Why a session ends once it is idle outside a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The proxy stops, or the database's name means another one.
    Command,
    Revoked,
    Expired,
}

impl Ending {
    const ALL: [Ending; 3] = [Ending::Command, Ending::Revoked, Ending::Expired];

    /// SQLSTATE and message.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Ending::Command => ("57P01", "terminating connection due to administrator command"),
            Ending::Revoked => ("28000", "terminating connection: this user may no longer log in"),
            Ending::Expired => ("28000", "terminating connection: the token has expired"),
        }
    }
}

/// How long a session that is to end is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Until it is idle outside a transaction.
    Waits,
    /// No longer, whatever it does. It is told why.
    Ends,
    /// It does not even hear why.
    Gone,
}

impl Patience {
    const ALL: [Patience; 3] = [Patience::Waits, Patience::Ends, Patience::Gone];
}

/// By what a session was let in, as far as it may end.
#[derive(Debug, Default)]
pub struct Admission {
    /// A user that the file of users had.
    pub listed: Option<String>,
    /// When its token ends, in seconds since 1970.
    pub expires: Option<u64>,
}

/// What the rest of the proxy holds of a session.
#[derive(Default)]
pub struct Handle {
    /// Why the session is to end, by its place among [`Ending`]s and one; 0: it is not.
    ends: AtomicU8,
    /// How much longer that may take, by its place in [`Patience::ALL`].
    patience: AtomicU8,
    /// By what its server cancels what it runs.
    canceller: OnceLock<Canceller>,
    /// By what it was let in, where that may end.
    admission: OnceLock<Admission>,
    /// What the session does, as it says itself.
    moment: AtomicU64,
    /// What of that has taken too long.
    overdue: AtomicU64,
    waker: Mutex<Option<Waker>>,
    /// The database, with the name that the client used for it.
    served: OnceLock<(String, Attending)>,
}

impl Handle {
    /// The session is to end as soon as it is between transactions.
    pub fn end(&self, why: Ending) {
        let place = Ending::ALL.iter().position(|known| *known == why).map_or(0, |at| at as u8 + 1);
        // The first reason stays.
        let _ = self.ends.compare_exchange(0, place, Ordering::Release, Ordering::Relaxed);
        self.wake();
    }

    /// By what the server cancels what the session runs.
    pub fn has_canceller(&self, canceller: Canceller) {
        let _ = self.canceller.set(canceller);
    }

    /// The session's server, if that is its key. How long that takes tells nothing of the key.
    pub fn server_of(&self, key: &[u8]) -> Option<Upstream> {
        let Canceller { upstream, key: own } = self.canceller.get()?;
        let differ = own.iter().zip(key).fold(0, |differ, (one, other)| differ | (one ^ other));
        (own.len() == key.len() && differ == 0).then(|| upstream.clone())
    }

    /// By what the session was let in.
    pub fn admit(&self, admission: Admission) {
        let _ = self.admission.set(admission);
    }

    /// Ends the session if its user is no longer in the file of users that let it in.
    pub fn end_if_revoked(&self, doorman: &Doorman) {
        let listed = self.admission.get().and_then(|admission| admission.listed.as_ref());
        // Where there is no file any more, none says that it may not.
        let Doorman::Scram { users, .. } = doorman else { return };
        if listed.is_some_and(|user| users.get(user).is_none()) {
            self.end(Ending::Revoked);
        }
    }

    /// Ends the session if its token has expired by now, in seconds since 1970.
    pub fn end_if_expired(&self, now: u64) {
        let expires = self.admission.get().and_then(|admission| admission.expires);
        if expires.is_some_and(|at| now > at.saturating_add(LEEWAY)) {
            self.end(Ending::Expired);
        }
    }

    /// Waits less for a session that is to end and has not.
    pub fn lose_patience(&self) {
        let _ = self.patience.fetch_update(Ordering::Release, Ordering::Relaxed, |at| {
            Some(at + 1).filter(|at| usize::from(*at) < Patience::ALL.len())
        });
        self.wake();
    }

    /// How long a session that is to end is waited for.
    pub fn patience(&self) -> Patience {
        Patience::ALL.get(usize::from(self.patience.load(Ordering::Acquire))).copied().unwrap_or(Patience::Gone)
    }

    /// Has the session look again whether it can go on.
    pub fn wake(&self) {
        if let Some(waker) = &*self.waker.lock().unwrap_or_else(PoisonError::into_inner) {
            waker.wake_by_ref();
        }
    }

    /// Says what the session does from now on.
    pub fn does(&self, moment: Moment) {
        self.moment.store(moment.0, Ordering::Relaxed);
    }

    /// What the session does; `None` before it is ready.
    pub fn moment(&self) -> Option<Moment> {
        Some(Moment(self.moment.load(Ordering::Relaxed))).filter(|moment| moment.0 != 0)
    }

    /// What it does has taken too long.
    pub fn is_late(&self, moment: Moment) {
        self.overdue.store(moment.0, Ordering::Release);
        self.wake();
    }

    /// What has taken too long, once.
    pub fn overdue(&self) -> Option<Moment> {
        if self.overdue.load(Ordering::Relaxed) == 0 {
            return None;
        }
        Some(Moment(self.overdue.swap(0, Ordering::Acquire))).filter(|moment| moment.0 != 0)
    }

    /// What the session is served from now on, unless another database has come to stand behind the name meanwhile.
    pub fn serve(&self, databases: &Databases, name: String, attending: Attending) {
        let _ = self.served.set((name, attending));
        self.end_if_moved(databases, &databases.setup());
    }

    /// Ends the session if a client that comes now by the same name would find another database or policy.
    pub fn end_if_moved(&self, databases: &Databases, setup: &Setup) {
        let moved = |(name, attending): &(String, Attending)| {
            let at = attending.database().at();
            databases.find(setup, name, at).is_none_or(|found| !Arc::ptr_eq(&found, attending.database()))
        };
        if self.served.get().is_some_and(moved) {
            self.end(Ending::Command);
        }
    }

    /// Why the session is to end; `None` if it is not.
    pub fn ending(&self) -> Option<Ending> {
        Ending::ALL.get(usize::from(self.ends.load(Ordering::Acquire)).checked_sub(1)?).copied()
    }

    /// Has the task woken by what others say to it. A task keeps its waker, so once is enough.
    pub fn watch(&self, cx: &Context<'_>) {
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if waker.is_none() {
            *waker = Some(cx.waker().clone());
        }
    }
}
