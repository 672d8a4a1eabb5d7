//! How much of a model's text a user kept: the number that the gate compares.

mod levenshtein;
mod stripe;
mod word;

pub(crate) use levenshtein::{Distance, distance};

use crate::base::share::Share;

/// `1 - levenshtein / max(length)` over Unicode scalar values, in `0.0..=1.0`; 1.0 for two empty texts.
///
/// The number is bit for bit the one that `strsim::normalized_levenshtein` defines (property-tested against it), in a
/// fraction of the time. `None` when the exact distance would take more than `max_steps` word steps: the time of a
/// quadratic algorithm is an attacker's to choose, unless it is bounded.
///
/// The bound is met only by texts that are both long and far apart. Texts with few edits take time that is linear in their
/// length, whatever it is.
#[must_use]
pub(crate) fn similarity(left: &str, right: &str, max_steps: u64) -> Option<f64> {
    distance(left, right, max_steps).map(Distance::similarity)
}

impl Distance {
    /// The similarity that it amounts to, as [`similarity`] defines it.
    pub(crate) fn similarity(self) -> f64 {
        if self.longer == 0 { 1.0 } else { 1.0 - self.edits as f64 / self.longer as f64 }
    }

    /// The similarity as an exact share, which thresholds are compared with.
    pub(crate) fn kept(self) -> Share {
        Share::new((self.longer - self.edits) as u64, self.longer as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_empty_texts_are_equal() {
        assert_eq!(similarity("", "", u64::MAX), Some(1.0));
    }

    proptest! {
        #[test]
        fn is_bit_for_bit_what_strsim_defines(left in "\\PC{0,120}", right in "\\PC{0,120}") {
            prop_assert_eq!(similarity(&left, &right, u64::MAX), Some(strsim::normalized_levenshtein(&left, &right)));
        }
    }
}
