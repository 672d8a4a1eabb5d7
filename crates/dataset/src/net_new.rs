//! Net-new pairs: those that a dataset version adds, because neither it nor any earlier version has them.

use std::collections::HashSet;

/// The pairs and events of the dataset, by the keys of their ids.
///
/// Delivery is at least once, so a line may be in the log twice, in one part or in two. Duplicates end here: a pair enters the
/// dataset once.
#[derive(Debug, Default)]
pub(crate) struct KnownPairs {
    ids: HashSet<u128>,
}

impl KnownPairs {
    /// Admits a pair if neither it nor its event is known yet. Returns `true` if it was admitted.
    ///
    /// A refused line leaves no trace. If event `e` first said A and now says B, B is refused as a repeat of `e`. It is still
    /// admitted when another event brings it.
    pub(crate) fn admit(&mut self, pair: u128, event: u128) -> bool {
        if self.ids.contains(&pair) || self.ids.contains(&event) {
            return false;
        }
        self.ids.extend([pair, event]);
        true
    }

    /// Remembers an id of the dataset.
    pub(crate) fn remember(&mut self, id: u128) {
        self.ids.insert(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_base::digest::id_key;

    fn admit(known: &mut KnownPairs, pair: &str, event: &str) -> bool {
        known.admit(id_key("pair", pair), id_key("event", event))
    }

    #[test]
    fn a_pair_is_admitted_once_under_any_event() {
        let mut known = KnownPairs::default();
        assert!(admit(&mut known, "p1", "e1"));
        assert!(!admit(&mut known, "p1", "e1"));
        assert!(!admit(&mut known, "p1", "e2"));
        assert!(admit(&mut known, "p2", "e2"));
    }

    #[test]
    fn an_event_brings_one_pair_and_a_refused_one_can_still_come_by_another() {
        let mut known = KnownPairs::default();
        assert!(admit(&mut known, "p1", "e1"));
        assert!(!admit(&mut known, "p2", "e1"));
        assert!(admit(&mut known, "p2", "e2"));
    }

    #[test]
    fn ids_of_pairs_and_events_do_not_meet() {
        let mut known = KnownPairs::default();
        assert!(admit(&mut known, "same", "other"));
        assert!(admit(&mut known, "other", "same"));
    }
}
