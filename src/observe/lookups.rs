//! How often look-ups are made: a role of a database has so many in a minute, over all its sessions. Whoever could ask for one
//! value after another would list them.

use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Look-ups a minute where the config says nothing else.
const LOOKUPS_PER_MINUTE: u32 = 60;

const MINUTE: Duration = Duration::from_secs(60);

/// When minutes that have passed are forgotten.
const MOST_KNOWN: usize = 10_000;

/// A database and a role, with when their minute began and the look-ups in it.
type Minutes = FxHashMap<(Box<str>, Box<str>), (Instant, u32)>;

/// The look-ups of this minute, by database and role.
#[derive(Debug)]
pub struct Lookups {
    most: AtomicU32,
    known: Mutex<Minutes>,
}

impl Default for Lookups {
    fn default() -> Lookups {
        Lookups { most: AtomicU32::new(LOOKUPS_PER_MINUTE), known: Mutex::default() }
    }
}

impl Lookups {
    /// Sets how many a role may make in a minute.
    pub fn bound(&self, most: u32) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// Counts one; `Err` has the bound where it is reached. A role's minute begins with its first look-up.
    pub fn count(&self, database: &str, role: &str, now: Instant) -> Result<(), u32> {
        let most = self.most.load(Ordering::Relaxed);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KNOWN {
            known.retain(|_, (began, _)| now.duration_since(*began) < MINUTE);
        }
        let (began, made) = known.entry((database.into(), role.into())).or_insert((now, 0));
        if now.duration_since(*began) >= MINUTE {
            (*began, *made) = (now, 0);
        }
        if *made >= most {
            return Err(most);
        }
        *made += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Lookups;
    use std::time::{Duration, Instant};

    #[test]
    fn a_role_has_so_many_in_a_minute() {
        let (lookups, start) = (Lookups::default(), Instant::now());
        lookups.bound(2);
        let count = |role, after| lookups.count("app", role, start + Duration::from_secs(after));
        assert_eq!([count("agent", 0), count("agent", 1), count("agent", 59)], [Ok(()), Ok(()), Err(2)]);
        // Another role, and another minute.
        assert_eq!([count("other", 59), count("agent", 60), count("agent", 61)], [Ok(()), Ok(()), Ok(())]);
        assert_eq!(count("agent", 62), Err(2));
    }
}
