//! The similarity of two texts: the share of a model's text that a user kept. The gate compares it with its thresholds.

mod levenshtein;
mod stripe;
mod word;

pub use levenshtein::{Distance, distance};

use flywheel_base::Share;

/// Returns `1 - levenshtein / max(length)` over Unicode scalar values, in `0.0..=1.0`; 1.0 for two empty texts.
///
/// The number equals `strsim::normalized_levenshtein` bit for bit (property-tested against it), in a fraction of the
/// time. Returns `None` when the exact distance would take more than `max_steps` word steps. Without this bound an
/// attacker could choose the time of a quadratic algorithm.
///
/// Only texts that are both long and far apart reach the bound. Texts with few edits take time linear in their length.
#[must_use]
pub fn similarity(left: &str, right: &str, max_steps: u64) -> Option<f64> {
    distance(left, right, max_steps).map(Distance::similarity)
}

impl Distance {
    /// Returns the similarity, as [`similarity`] defines it.
    pub fn similarity(self) -> f64 {
        if self.longer == 0 { 1.0 } else { 1.0 - self.edits as f64 / self.longer as f64 }
    }

    /// Returns the similarity as an exact share, for comparison with thresholds.
    pub fn kept(self) -> Share {
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
