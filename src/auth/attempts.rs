//! How often a password was guessed wrong.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Counters. Whoever falls on the same one shares it; which that is nobody outside can know.
const COUNTERS: usize = 1 << 16;

/// Failures that one address may have for each that one of its users may have.
const USERS: u32 = 10;

/// Failed logins of the current minute, by user and address and by address alone, in memory that does not grow.
pub struct Attempts {
    /// The minute in the upper half, the failures within it in the lower.
    counters: Box<[AtomicU64]>,
    hasher: RandomState,
    start: Instant,
}

impl Default for Attempts {
    fn default() -> Attempts {
        let counters = std::iter::repeat_with(AtomicU64::default).take(COUNTERS).collect();
        Attempts { counters, hasher: RandomState::new(), start: Instant::now() }
    }
}

impl Attempts {
    /// Whether a user may go on from there: fewer than `most` failures this minute, 0 for no bound. To be asked again before a
    /// password is checked, for those who come many at once. The address is `None` for a unix socket.
    pub fn may_try(&self, user: &str, from: Option<IpAddr>, most: u32, now: Instant) -> bool {
        let minute = self.minute(now);
        let fewer = |counter: &AtomicU64, most: u32| failures(counter.load(Ordering::Relaxed), minute) < most;
        let (own, all) = self.counters_of(user, from);
        most == 0 || (fewer(own, most) && all.is_none_or(|all| fewer(all, most.saturating_mul(USERS))))
    }

    /// Notes a failure.
    pub fn failed(&self, user: &str, from: Option<IpAddr>, now: Instant) {
        let minute = self.minute(now);
        let more = |known: u64| Some((minute << 32) | u64::from(failures(known, minute).saturating_add(1)));
        let (own, all) = self.counters_of(user, from);
        for counter in [Some(own), all].into_iter().flatten() {
            let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        }
    }

    fn minute(&self, now: Instant) -> u64 {
        now.duration_since(self.start).as_secs() / 60
    }

    fn counters_of(&self, user: &str, from: Option<IpAddr>) -> (&AtomicU64, Option<&AtomicU64>) {
        let from = from.map(network);
        // The remainder is below the number of counters.
        let at = |hash: u64| &self.counters[(hash % COUNTERS as u64) as usize];
        (at(self.hasher.hash_one((user, from))), from.map(|from| at(self.hasher.hash_one(from))))
    }
}

/// The failures of a counter in a minute.
fn failures(counter: u64, minute: u64) -> u32 {
    if counter >> 32 == minute { (counter & u64::from(u32::MAX)) as u32 } else { 0 }
}

/// Whoever has one address of version 6 has the 2⁶⁴ around it.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn failures_count_for_a_minute_by_user_and_address() {
        let (attempts, here, there) = (Attempts::default(), "2001:db8::1".parse().ok(), "127.0.0.2".parse().ok());
        let near = "2001:db8::2:3".parse().ok();
        let start = attempts.start;
        for _ in 0..3 {
            assert!(attempts.may_try("ada", here, 3, start));
            attempts.failed("ada", here, start);
        }
        for (user, from, most, after, expected) in [
            ("ada", here, 3, 0, false),
            ("ada", near, 3, 0, false),
            ("ada", here, 4, 0, true),
            ("ada", here, 0, 0, true),
            ("ada", there, 3, 0, true),
            ("ada", None, 3, 0, true),
            ("bob", here, 3, 0, true),
            ("ada", here, 3, 59, false),
            ("ada", here, 3, 60, true),
        ] {
            let now = start + Duration::from_secs(after);
            assert_eq!(attempts.may_try(user, from, most, now), expected, "{user} {from:?} {most} {after}");
        }
        // One password tried on many users.
        for user in 0..30 {
            attempts.failed(&user.to_string(), there, start);
        }
        assert!(!attempts.may_try("carol", there, 3, start) && attempts.may_try("carol", None, 3, start));
    }
}
