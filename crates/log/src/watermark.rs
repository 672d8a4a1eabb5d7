//! The watermark: it tells which parts are pending, that is curated and in no dataset version yet.
//!
//! Keys sort by the writer's clock. A slow worker, or one whose clock lags, can write a key that sorts before a consumed one. A
//! watermark of only "the last key" would skip that part for ever. So the watermark keeps a window: parts older than it are
//! settled, and inside it the consumed parts are remembered by name.
//!
//! The window ends at the newest listed `LastModified`, less [`WINDOW`]. That time is S3's own. A part that was not in the
//! listing was written after it, because a listing of S3 has all that was written before. So a part is settled wrongly only if
//! its writer's clock lag and its write time together exceed the window. S3 refuses requests signed with a clock 15 minutes off,
//! and a writer names its part at most seconds before it writes it.

use std::collections::{BTreeSet, HashSet};

use flywheel_base::{Route, instant::Millis};
use serde::{Deserialize, Serialize};

use crate::part::{PartName, part_keys_from};

/// The longest time until a part appears under a key of its time: 15 minutes, in milliseconds.
pub(crate) const WINDOW: Millis = 15 * 60 * 1000;

/// A part as a LIST shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPart {
    /// Its name.
    pub name: PartName,
    /// The time of writing, by the store's clock.
    pub last_modified: Millis,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The watermark: how far the log has been consumed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// Every part written before this has been consumed.
    settled_before: Millis,
    /// The parts written at or after it that have been consumed.
    consumed: BTreeSet<PartName>,
}

/// The parts that no dataset version holds yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending {
    /// Their names, in order of their keys.
    pub parts: Vec<PartName>,
    /// Their rows; parts of a batch that was delivered twice count once. It is an upper bound of their pairs: a redelivery in
    /// another batch is only found by reading.
    pub rows: u64,
}

impl Watermark {
    /// Returns the key to list from: every part that may be pending sorts after it.
    #[must_use]
    pub fn list_after(&self) -> String {
        part_keys_from(Route::Gold, self.settled_before)
    }

    /// Returns the time from which parts may be pending: every earlier one has been consumed.
    #[must_use]
    pub fn unsettled_from(&self) -> Millis {
        self.settled_before
    }

    /// Selects the pending parts of a listing.
    #[must_use]
    pub fn pending(&self, listing: &[ListedPart]) -> Pending {
        let mut counted: HashSet<&str> = self.consumed.iter().map(|name| name.digest.as_str()).collect();
        let mut pending = Pending::default();
        let unsettled = listing.iter().map(|part| &part.name).filter(|name| !self.has_consumed(name));
        for name in unsettled {
            if counted.insert(&name.digest) {
                pending.rows += name.rows;
            }
            pending.parts.push(name.clone());
        }
        pending
    }

    fn has_consumed(&self, name: &PartName) -> bool {
        name.written_at < self.settled_before || self.consumed.contains(name)
    }

    /// Divides a listing into what one freeze takes, and the rest. The freeze takes the first parts, of at most `max_bytes`
    /// pending bytes together, but at least one pending part.
    #[must_use]
    pub fn divide<'l>(&self, listing: &'l [ListedPart], max_bytes: u64) -> (&'l [ListedPart], &'l [ListedPart]) {
        let mut bytes = 0;
        let overflows = |part: &ListedPart| {
            if self.has_consumed(&part.name) {
                return false;
            }
            let is_first = bytes == 0;
            bytes += part.bytes.max(1);
            bytes > max_bytes && !is_first
        };
        listing.split_at(listing.iter().position(overflows).unwrap_or(listing.len()))
    }

    /// Divides a listing into a sample and the rest. The sample has at most `max_rows` pending rows, but at least one pending
    /// part. Parts that are `held` count for nothing, and come before the rest.
    #[must_use]
    pub fn sample<'l>(
        &self,
        listing: &'l [ListedPart],
        max_rows: u64,
        held: impl Fn(&PartName) -> bool,
    ) -> (&'l [ListedPart], &'l [ListedPart]) {
        let mut rows = 0_u64;
        let overflows = |part: &ListedPart| {
            if self.has_consumed(&part.name) || held(&part.name) {
                return false;
            }
            let is_first = rows == 0;
            rows = rows.saturating_add(part.name.rows);
            rows > max_rows && !is_first
        };
        listing.split_at(listing.iter().position(overflows).unwrap_or(listing.len()))
    }

    /// Returns the end of the consumed time: one more than when the newest part was written.
    #[must_use]
    pub fn consumed_until(&self) -> Millis {
        self.consumed.last().map_or(self.settled_before, |newest| newest.written_at + 1)
    }

    /// Returns the watermark after the first parts of a listing are consumed, and the rest is not.
    #[must_use]
    pub fn after(&self, consumed: &[ListedPart], rest: &[ListedPart]) -> Self {
        let newest = consumed.iter().map(|part| part.last_modified).max().unwrap_or(0);
        let first_left = rest.iter().map(|part| part.name.written_at).min().unwrap_or(Millis::MAX);
        // Keys sort by time, so the remaining parts are newer than those taken, and are not settled. If a clock was off by more
        // than the window, the remaining parts set the limit.
        let settled_before = self.settled_before.max(newest.saturating_sub(WINDOW).min(first_left));
        let taken = consumed.iter().map(|part| &part.name);
        let unsettled = self.consumed.iter().chain(taken).filter(|name| name.written_at >= settled_before);
        Self { settled_before, consumed: unsettled.cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Millis = 60 * 60 * 1000;
    const NOON: Millis = 12 * HOUR;

    /// Returns a part named at `written_at` that appeared `delay` later.
    fn part(written_at: Millis, delay: Millis, batch: u64, rows: u64) -> ListedPart {
        let name = PartName { written_at, digest: format!("{batch:032x}"), rows };
        ListedPart { name, last_modified: written_at + delay, bytes: 100 }
    }

    fn after(watermark: &Watermark, listing: &[ListedPart]) -> Watermark {
        watermark.after(listing, &[])
    }

    fn rows(watermark: &Watermark, listing: &[ListedPart]) -> u64 {
        watermark.pending(listing).rows
    }

    #[test]
    fn what_was_consumed_is_not_pending_again() {
        let listing = [part(NOON, 0, 1, 10), part(NOON + 5, 0, 2, 5)];
        assert_eq!(rows(&Watermark::default(), &listing), 15);
        assert_eq!(after(&Watermark::default(), &listing).pending(&listing), Pending::default());
    }

    #[test]
    fn what_was_consumed_comes_up_to_its_newest_part() {
        assert_eq!(Watermark::default().consumed_until(), 0);
        let watermark = after(&Watermark::default(), &[part(NOON, 0, 1, 10), part(NOON + 5, 0, 2, 5)]);
        assert_eq!(watermark.consumed_until(), NOON + 6);
        let late = [part(NOON - 9, 9, 3, 1), part(NOON, 0, 1, 10), part(NOON + 5, 0, 2, 5)];
        assert_eq!(after(&watermark, &late).consumed_until(), NOON + 6);
    }

    #[test]
    fn a_part_that_appears_late_under_an_older_key_is_pending() {
        let watermark = after(&Watermark::default(), &[part(NOON, 0, 1, 10)]);
        let late = part(NOON - WINDOW, WINDOW, 2, 3);
        assert!(late.name.key(Route::Gold) > watermark.list_after());
        assert_eq!(rows(&watermark, &[late]), 3);
    }

    #[test]
    fn a_part_from_a_fast_clock_does_not_settle_anything() {
        let from_the_future = ListedPart { last_modified: NOON, ..part(NOON + HOUR, 0, 1, 10) };
        let watermark = after(&Watermark::default(), std::slice::from_ref(&from_the_future));
        assert_eq!(rows(&watermark, &[part(NOON, 1, 2, 3), from_the_future]), 3);
    }

    #[test]
    fn a_batch_that_was_delivered_twice_counts_once() {
        let (first, again) = (part(NOON, 0, 1, 10), part(NOON + 5, 0, 1, 10));
        assert_eq!(rows(&Watermark::default(), &[first.clone(), again.clone()]), 10);
        let watermark = after(&Watermark::default(), &[first]);
        let pending = watermark.pending(&[again]);
        assert_eq!((pending.rows, pending.parts.len()), (0, 1));
    }

    #[test]
    fn the_window_forgets_what_is_settled() {
        let old = part(NOON, 0, 1, 10);
        let watermark = after(&Watermark::default(), std::slice::from_ref(&old));
        let watermark = after(&watermark, &[part(NOON + HOUR, 0, 2, 5)]);
        assert_eq!(watermark.consumed.len(), 1);
        assert_eq!(rows(&watermark, &[old]), 0);
    }

    #[test]
    fn an_empty_listing_moves_nothing() {
        let watermark = after(&Watermark::default(), &[part(NOON, 0, 1, 10)]);
        assert_eq!(after(&watermark, &[]), watermark);
    }

    #[test]
    fn a_freeze_takes_what_it_can_hold_and_one_part_at_least() {
        let watermark = after(&Watermark::default(), &[part(NOON, 0, 1, 10)]);
        let listing = [0, 1, 2, 3].map(|minute| part(NOON + minute, 0, 1 + minute, 10));
        let taken = |max_bytes| watermark.divide(&listing, max_bytes).0.len();
        // The first is consumed, and adds no bytes.
        assert_eq!([taken(0), taken(100), taken(199), taken(200), taken(300)], [2, 2, 2, 3, 4]);
    }

    #[test]
    fn a_sample_is_bounded_by_rows_and_has_one_part_at_least() {
        let watermark = after(&Watermark::default(), &[part(NOON, 0, 1, 10)]);
        let listing = [0, 1, 2, 3, 4].map(|minute| part(NOON + minute, 0, 1 + minute, 10));
        let held = |name: &PartName| name.written_at == NOON + 1;
        let taken = |max_rows| watermark.sample(&listing, max_rows, held).0.len();
        // The first is consumed, the second held: neither counts.
        assert_eq!([taken(0), taken(10), taken(19), taken(20), taken(30)], [3, 3, 3, 4, 5]);
    }

    #[test]
    fn what_is_left_is_never_settled() {
        // Its writer's clock lagged by more than the window.
        let (late, left) = (part(NOON, HOUR, 1, 1), part(NOON + 1, HOUR, 2, 1));
        let watermark = Watermark::default().after(&[late], std::slice::from_ref(&left));
        assert_eq!(rows(&watermark, &[left]), 1);
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let watermark = after(&Watermark::default(), &[part(NOON, 0, 1, 10)]);
        let stored = r#"{"settled_before":42300000,"consumed":["0000043200000-00000000000000000000000000000001-n10"]}"#;
        assert_eq!(serde_json::to_string(&watermark).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Watermark>(stored).unwrap(), watermark);
    }

    proptest! {
        /// In any order of appearance and consumption, each part is consumed exactly once. The condition is that no part appears
        /// later than the window after the time in its name.
        #[test]
        fn every_part_is_consumed_exactly_once(
            written in prop::collection::vec((0..6 * HOUR, 0..=WINDOW), 1..40),
            looks in prop::collection::vec(0..8 * HOUR, 0..12), max_bytes in 100..4_000_u64,
        ) {
            let parts: Vec<_> =
                written.iter().enumerate().map(|(i, (at, delay))| part(NOON + at, *delay, i as u64, 1)).collect();
            let last_looks = (0..parts.len() as u64).map(|look| 9 * HOUR + look);
            let mut looks: Vec<_> = looks.into_iter().chain(last_looks).map(|look| NOON + look).collect();
            looks.sort_unstable();
            let mut watermark = Watermark::default();
            let mut consumed = Vec::new();
            for look in looks {
                let after = watermark.list_after();
                let is_listed = |part: &&ListedPart| part.last_modified < look && part.name.key(Route::Gold) > after;
                let mut listing: Vec<_> = parts.iter().filter(is_listed).cloned().collect();
                listing.sort_by(|left, right| left.name.cmp(&right.name));
                let (taken, rest) = watermark.divide(&listing, max_bytes);
                consumed.extend(watermark.pending(taken).parts);
                watermark = watermark.after(taken, rest);
            }
            let mut all: Vec<_> = parts.into_iter().map(|part| part.name).collect();
            all.sort();
            consumed.sort();
            prop_assert_eq!(consumed, all);
        }
    }
}
