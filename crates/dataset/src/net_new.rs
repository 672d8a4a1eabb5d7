//! Net-new pairs: those that a dataset version adds, because neither it nor any earlier version has them.

use std::collections::HashSet;

use flywheel_event::ScopedId;

/// The pairs and events of the dataset, by the keys of their ids.
///
/// Delivery is at least once, so a line may be in the log twice, in one part or in two. Duplicates end here: a pair enters the
/// dataset once.
#[derive(Debug, Default)]
pub(crate) struct KnownPairs {
    ids: HashSet<u128>,
}

/// The standing of a pending pair among the known ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Neither the pair nor its event is known.
    New,
    /// The pair is known.
    Repeat,
    /// Its event is known with another pair: one id for two contents.
    IdConflict,
}

impl KnownPairs {
    /// Admits a pair if neither it nor its event is known yet.
    ///
    /// A refused line leaves no trace. If event `e` first said A and now says B, B is refused as a conflict. It is still admitted
    /// when another event brings it. A bare id is known from lines from before scopes only, and counts for every sender.
    pub(crate) fn admit(&mut self, pair: u128, event: ScopedId) -> Admission {
        if self.ids.contains(&pair) {
            return Admission::Repeat;
        }
        if event.keys().iter().any(|key| self.ids.contains(key)) {
            return Admission::IdConflict;
        }
        self.ids.extend([pair, event.own]);
        Admission::New
    }

    /// Admits a pair that an operator has released, whatever else its event's id brought.
    pub(crate) fn admit_released(&mut self, pair: u128) -> Admission {
        if self.ids.insert(pair) { Admission::New } else { Admission::Repeat }
    }

    /// Remembers an id of the dataset.
    pub(crate) fn remember(&mut self, id: u128) {
        self.ids.insert(id);
    }
}

#[cfg(test)]
mod tests {
    use flywheel_base::digest::id_key;

    use super::*;

    use Admission::{IdConflict, New, Repeat};

    fn admit(known: &mut KnownPairs, pair: &str, event: &str) -> Admission {
        known.admit(id_key("pair", pair), ScopedId::of_event(event, None))
    }

    #[test]
    fn a_pair_is_admitted_once_under_any_event() {
        let mut known = KnownPairs::default();
        let admitted = [("p1", "e1"), ("p1", "e1"), ("p1", "e2"), ("p2", "e2")];
        let admitted = admitted.map(|(pair, event)| admit(&mut known, pair, event));
        assert_eq!(admitted, [New, Repeat, Repeat, New]);
    }

    #[test]
    fn an_event_brings_one_pair_and_a_refused_one_can_still_come_by_another() {
        let mut known = KnownPairs::default();
        let admitted = [("p1", "e1"), ("p2", "e1"), ("p2", "e2")].map(|(pair, event)| admit(&mut known, pair, event));
        assert_eq!(admitted, [New, IdConflict, New]);
    }

    #[test]
    fn ids_of_pairs_and_events_do_not_meet() {
        let mut known = KnownPairs::default();
        assert_eq!([admit(&mut known, "same", "other"), admit(&mut known, "other", "same")], [New, New]);
    }

    #[test]
    fn one_id_of_two_senders_is_two_events_and_an_id_from_before_scopes_is_everyones() {
        let of = |id: &str, sender: &str| ScopedId::of_event(id, Some(sender));
        let mut known = KnownPairs::default();
        let pair = |name: &str| id_key("pair", name);
        assert_eq!(known.admit(pair("p1"), of("e", "victim")), New);
        assert_eq!(known.admit(pair("p2"), of("e", "stranger")), New);
        assert_eq!(known.admit(pair("p3"), of("e", "victim")), IdConflict);
        known.remember(ScopedId::of_event("old", None).own);
        assert_eq!(known.admit(pair("p4"), of("old", "victim")), IdConflict);
    }
}
