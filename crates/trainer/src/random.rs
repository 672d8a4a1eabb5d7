//! Random numbers that are equal for equal seeds, in every version of this crate.

use sha2::{Digest as _, Sha256};

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Random(u64);

impl Random {
    /// Creates a separate stream for each purpose and number, so that no draw depends on the number of earlier ones. A resumed
    /// training draws the same numbers as an uninterrupted one.
    pub(crate) fn new(seed: u64, purpose: &str, number: u64) -> Self {
        let digest =
            Sha256::new().chain_update(seed.to_le_bytes()).chain_update(number.to_le_bytes()).chain_update(purpose);
        let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = digest.finalize().into();
        Self(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number in `0.0..1.0`, one of 2^53 values.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns a number in `0..bound`; 0 for a bound of 0. The bias of at most `bound / 2^64` is negligible here.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// Returns a number of the standard normal distribution (Box, Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let (radius, angle) = ((-2.0 * (1.0 - self.unit()).ln()).sqrt(), std::f64::consts::TAU * self.unit());
        radius * angle.cos()
    }

    /// Shuffles a list (Fisher, Yates).
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            list.swap(end, self.below(end + 1));
        }
    }
}

/// Returns the numbers `0..count` in a random order.
pub(crate) fn order(seed: u64, purpose: &str, number: u64, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    Random::new(seed, purpose, number).shuffle(&mut order);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // The reference implementation's first numbers for the state 1234567.
        let mut random = Random(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn an_order_has_everything_once_and_depends_on_all_that_names_it() {
        let first = order(7, "pairs", 0, 100);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..100));
        assert_eq!(order(7, "pairs", 0, 100), first);
        for other in [order(8, "pairs", 0, 100), order(7, "replay", 0, 100), order(7, "pairs", 1, 100)] {
            assert_ne!(other, first);
        }
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_deviation_one() {
        let mut random = Random::new(1, "test", 0);
        let drawn: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let variance = drawn.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
