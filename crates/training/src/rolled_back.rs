use std::fmt;

use serde::{Deserialize, Serialize};

/// The most ranges kept. Rollbacks whose ranges touch become one, so these are unrelated rollbacks.
const MAX_RANGES: usize = 100;

/// The dataset versions that a rollback removed: those after its target, and before the version that it made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledBack {
    /// The target of the rollback: only versions above it are removed.
    pub above: u64,
    /// The version that the rollback made: only versions below it are removed.
    pub below: u64,
}

impl RolledBack {
    /// Returns `true` if a version is one of them.
    #[must_use]
    pub fn has(self, version: u64) -> bool {
        self.above < version && version < self.below
    }

    fn covers(self, other: Self) -> bool {
        self.above <= other.above && other.below <= self.below
    }

    /// Returns `true` if no version between the two ranges is outside both. A version that one rollback made and another went
    /// back to is outside both, and it stays.
    fn touches(self, other: Self) -> bool {
        self.above < other.below && other.above < self.below
    }

    fn with(self, other: Self) -> Self {
        Self { above: self.above.min(other.above), below: self.below.max(other.below) }
    }
}

/// Writes the versions by number, for people.
impl fmt::Display for RolledBack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.above.saturating_add(1), self.below.saturating_sub(1));
        if first == last {
            write!(formatter, "version {first}")
        } else {
            write!(formatter, "versions {first} to {last}")
        }
    }
}

/// Returns `true` if the ranges cover all versions that a rollback removed.
pub(super) fn cover(ranges: &[RolledBack], rollback: RolledBack) -> bool {
    ranges.iter().any(|range| range.covers(rollback))
}

/// Returns the ranges with one more, oldest first and apart from one another. No version ever leaves them: if there are too many,
/// the two oldest become one, with the versions between them.
pub(super) fn with(ranges: &[RolledBack], rollback: RolledBack) -> Vec<RolledBack> {
    let (touched, mut apart): (Vec<_>, Vec<_>) = ranges.iter().copied().partition(|range| range.touches(rollback));
    apart.push(touched.into_iter().fold(rollback, RolledBack::with));
    apart.sort_unstable_by_key(|range| range.above);
    if apart.len() > MAX_RANGES {
        let oldest = apart.remove(0);
        apart[0] = apart[0].with(oldest);
    }
    apart
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn between(above: u64, below: u64) -> RolledBack {
        RolledBack { above, below }
    }

    #[test]
    fn a_range_has_neither_the_version_gone_back_to_nor_the_one_that_was_made() {
        assert_eq!((0..6).filter(|version| between(1, 4).has(*version)).collect::<Vec<_>>(), [2, 3]);
        assert_eq!([between(1, 4), between(1, 3)].map(|range| range.to_string()), ["versions 2 to 3", "version 2"]);
    }

    #[test]
    fn rollbacks_that_touch_become_one_and_others_stay_apart() {
        let ranges = |rollbacks: &[(u64, u64)]| {
            rollbacks.iter().fold(Vec::new(), |ranges, (above, below)| with(&ranges, between(*above, *below)))
        };
        // A rollback to 1; undone; and back to the version that the first one made.
        assert_eq!(ranges(&[(1, 4), (3, 5)]), [between(1, 5)]);
        assert_eq!(ranges(&[(1, 4), (4, 6)]), [between(1, 4), between(4, 6)], "version 4 was gone back to");
        assert_eq!(ranges(&[(1, 4), (7, 9), (0, 11)]), [between(0, 11)]);
        assert_eq!(ranges(&[(7, 9), (1, 4)]), [between(1, 4), between(7, 9)]);
    }

    #[test]
    fn there_is_a_bound_and_no_version_is_forgotten_for_it() {
        let rollbacks = (0..300).map(|number| between(10 * number, 10 * number + 3));
        let ranges = rollbacks.clone().fold(Vec::new(), |ranges, rollback| with(&ranges, rollback));
        assert_eq!((ranges.len(), ranges[0], ranges[99]), (MAX_RANGES, between(0, 2003), between(2990, 2993)));
        assert!(rollbacks.into_iter().all(|rollback| cover(&ranges, rollback)));
    }

    proptest! {
        #[test]
        fn the_ranges_have_what_any_rollback_had_and_nothing_else(
            rollbacks in proptest::collection::vec((0_u64..30, 2_u64..8), 0..12),
        ) {
            let rollbacks: Vec<_> = rollbacks.into_iter().map(|(above, more)| between(above, above + more)).collect();
            let all = |rollbacks: &[RolledBack]| rollbacks.iter().fold(Vec::new(), |ranges, next| with(&ranges, *next));
            let ranges = all(&rollbacks);
            for version in 0..40 {
                let has = |ranges: &[RolledBack]| ranges.iter().any(|range| range.has(version));
                prop_assert_eq!(has(&ranges), has(&rollbacks), "version {}", version);
            }
            prop_assert!(rollbacks.iter().all(|rollback| cover(&ranges, *rollback)));
            prop_assert_eq!(all(&[ranges.clone(), rollbacks].concat()), ranges, "twice is once");
        }
    }
}
