//! How often a password was guessed wrong.

use dashmap::DashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The names that are kept count of. Who comes when so many failed within a minute is not counted.
const MOST: usize = 100_000;
const MINUTE: Duration = Duration::from_secs(60);

/// Failed logins by user and address, of the last minute. The address is `None` for a unix socket.
#[derive(Debug, Default)]
pub struct Attempts {
    failed: DashMap<(Box<str>, Option<IpAddr>), (Instant, u32)>,
}

impl Attempts {
    /// Whether a user may try again from there. `most` failures a minute are allowed; 0 sets no bound.
    pub fn may_try(&self, user: &str, from: Option<IpAddr>, most: u32, now: Instant) -> bool {
        let known = self.failed.get(&(user.into(), from));
        most == 0 || known.is_none_or(|entry| now.duration_since(entry.0) >= MINUTE || entry.1 < most)
    }

    /// Notes a failure.
    pub fn failed(&self, user: &str, from: Option<IpAddr>, now: Instant) {
        if self.failed.len() >= MOST {
            self.failed.retain(|_, (since, _)| now.duration_since(*since) < MINUTE);
        }
        if self.failed.len() >= MOST {
            return;
        }
        let mut entry = self.failed.entry((user.into(), from)).or_insert((now, 0));
        if now.duration_since(entry.0) >= MINUTE {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
    }

    /// Forgets the failures of someone who got in.
    pub fn succeeded(&self, user: &str, from: Option<IpAddr>) {
        self.failed.remove(&(user.into(), from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_for_a_minute_by_user_and_address() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        let (here, there) = (Some(IpAddr::from([127, 0, 0, 1])), Some(IpAddr::from([127, 0, 0, 2])));
        for _ in 0..3 {
            assert!(attempts.may_try("ada", here, 3, start));
            attempts.failed("ada", here, start);
        }
        for (user, from, most, after, expected) in [
            ("ada", here, 3, 0, false),
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
        attempts.succeeded("ada", here);
        assert!(attempts.may_try("ada", here, 3, start));
    }
}
