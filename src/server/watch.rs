//! The one watch over all sessions that their limits of time need. A session only says what it does; the watch looks from
//! time to time, and tells those that still do the same after too long. So a limit costs a session no timer and no clock.

use super::gate::Shared;
use super::handle::{Handle, Moment, Patience};
use crate::control::Revoked;
use crate::control::config::Limits;
use crate::session::Doing;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The longest and the shortest pause between two looks. A limit is met at most two of them late.
const LONGEST: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(20);

/// How long a session may take to hear why it ends.
const LONGEST_GOODBYE: Duration = Duration::from_secs(5);

/// Looks at the sessions for as long as the proxy runs.
pub async fn watch(shared: Arc<Shared>) {
    let mut known: HashMap<u64, (Moment, Instant)> = HashMap::new();
    let mut parting: HashMap<u64, Instant> = HashMap::new();
    loop {
        let setup = shared.databases.setup();
        let limits = &setup.config.limits;
        tokio::time::sleep(pause(limits)).await;
        let now = Instant::now();
        known = look(&shared, limits, &known, now);
        if shared.trail.as_ref().is_some_and(|trail| trail.is_failing()) {
            // What waits for its record may have waited long enough.
            shared.sessions.iter().for_each(|session| session.value().wake());
        }
        parting = hurry(&shared, limits.drain_time.0, &parting, now);
        if setup.config.auth.revoked == Revoked::End {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
            for session in &shared.sessions {
                session.value().end_if_expired(now);
            }
        }
    }
}

/// The limit on what a session does, where there is one.
fn limit(limits: &Limits, doing: Doing) -> Option<Duration> {
    let time = match doing {
        Doing::Idle => limits.idle_time,
        Doing::IdleInTransaction => limits.idle_in_transaction_time,
        Doing::Statement => limits.statement_time,
        Doing::Unheard => {
            let bounds = [limits.vanished_time.0, limits.statement_time.0];
            return bounds.into_iter().filter(|time| !time.is_zero()).min();
        }
    };
    Some(time.0).filter(|time| !time.is_zero())
}

/// Waits less for sessions that were to end so long ago and have not, and returns since when the others were. A transaction
/// that never ends would else outlive a user's dismissal.
fn hurry(shared: &Shared, patience: Duration, known: &HashMap<u64, Instant>, now: Instant) -> HashMap<u64, Instant> {
    let mut seen = HashMap::new();
    for session in &shared.sessions {
        let (number, handle): (&u64, &Arc<Handle>) = session.pair();
        if handle.ending().is_none() || handle.patience() == Patience::Gone {
            continue;
        }
        let since = known.get(number).copied().unwrap_or(now);
        let long = match handle.patience() {
            Patience::Waits => patience,
            Patience::Ends | Patience::Gone => LONGEST_GOODBYE,
        };
        if now.duration_since(since) >= long {
            handle.lose_patience();
            seen.insert(*number, now);
        } else {
            seen.insert(*number, since);
        }
    }
    seen
}

fn pause(limits: &Limits) -> Duration {
    let all = [Doing::Idle, Doing::IdleInTransaction, Doing::Statement, Doing::Unheard];
    let shortest = all.into_iter().filter_map(|doing| limit(limits, doing)).min();
    shortest.map_or(LONGEST, |shortest| (shortest / 4).clamp(SHORTEST, LONGEST))
}

/// Tells the sessions that have taken too long, and returns since when the others do what they do.
fn look(
    shared: &Shared,
    limits: &Limits,
    known: &HashMap<u64, (Moment, Instant)>,
    now: Instant,
) -> HashMap<u64, (Moment, Instant)> {
    let mut seen = HashMap::with_capacity(known.len());
    for session in &shared.sessions {
        let (number, handle) = session.pair();
        let Some(moment) = handle.moment() else { continue };
        let Some(limit) = limit(limits, moment.doing()) else { continue };
        let since = known.get(number).filter(|(before, _)| *before == moment).map_or(now, |(_, since)| *since);
        if now.duration_since(since) >= limit {
            handle.is_late(moment);
            seen.insert(*number, (moment, now));
        } else {
            seen.insert(*number, (moment, since));
        }
    }
    seen
}
