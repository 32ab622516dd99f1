//! How many there are of each: connections from an address, sessions of a user. Whoever has gone takes no memory, so there
//! are never more entries than connections.

use dashmap::DashMap;
use std::hash::Hash;

/// Those that are here, counted by what they have in common.
pub struct Crowd<K>(DashMap<K, usize>)
where
    K: Eq + Hash + Clone;

impl<K: Eq + Hash + Clone> Default for Crowd<K> {
    fn default() -> Crowd<K> {
        Crowd(DashMap::new())
    }
}

impl<K: Eq + Hash + Clone> Crowd<K> {
    /// Counts one more until what is returned is dropped.
    pub fn join(&self, key: K) -> Place<'_, K> {
        let count = {
            let mut count = self.0.entry(key.clone()).or_insert(0);
            *count += 1;
            *count
        };
        Place { crowd: self, key, count }
    }
}

/// One of a crowd.
pub struct Place<'a, K: Eq + Hash + Clone> {
    crowd: &'a Crowd<K>,
    key: K,
    count: usize,
}

impl<K: Eq + Hash + Clone> Place<'_, K> {
    /// Whether there were more than `most` when this one came; 0 for no bound.
    pub fn is_beyond(&self, most: usize) -> bool {
        most > 0 && self.count > most
    }
}

impl<K: Eq + Hash + Clone> Drop for Place<'_, K> {
    fn drop(&mut self) {
        self.crowd.0.remove_if_mut(&self.key, |_, count| {
            *count -= 1;
            *count == 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_counts_who_is_there_and_forgets_who_has_gone() {
        let crowd = Crowd::default();
        let (first, second) = (crowd.join("ada"), crowd.join("ada"));
        for (place, most, expected) in
            [(&first, 1, false), (&second, 1, true), (&second, 2, false), (&second, 0, false)]
        {
            assert_eq!(place.is_beyond(most), expected, "{most}");
        }
        assert!(!crowd.join("bob").is_beyond(1));
        drop(first);
        assert!(crowd.join("ada").is_beyond(1));
        drop(second);
        assert!(!crowd.join("ada").is_beyond(1) && crowd.0.is_empty());
    }
}
