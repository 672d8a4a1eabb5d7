//! The percentile cluster bootstrap of a mean: B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
//! It resamples whole clusters, with all their rows: A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application
//! (1997), section 3.8; C. A. Field and A. H. Welsh, Bootstrapping clustered data, J. R. Statist. Soc. B 69 (2007).
//!
//! 1,999 resamples make the 2.5 % quantile one of them, the 50th (A. C. Davison and D. V. Hinkley, Bootstrap Methods and their
//! Application, 1997, section 5.2). The generator is SplitMix64 (G. L. Steele, D. Lea and C. H. Flood, OOPSLA 2014) from a fixed
//! seed, so the same rows always have the same bounds.

use super::clusters::{Cluster, clusters};

const RESAMPLES: usize = 1_999;

/// The position of the 2.5 % quantile among the sorted means: the 50th of 1,999.
const LOWER: usize = 49;

const SEED: u64 = 0x0066_6C79_7768_6565;

/// Both ends of the 95 % interval of a mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Interval {
    pub(super) lower: f64,
    pub(super) upper: f64,
}

/// Returns the 95 % interval of the mean of rows, each given by its prompt and its value; none if there are no rows.
pub(super) fn bootstrap_mean(rows: &[(u64, f64)]) -> Option<Interval> {
    if rows.is_empty() {
        return None;
    }
    let clusters = clusters(rows);
    let mut generator = SplitMix64(SEED);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let (mut sum, mut rows) = (0.0, 0.0);
            for _ in 0..clusters.len() {
                let drawn: Cluster = clusters[generator.below(clusters.len())];
                (sum, rows) = (sum + drawn.sum, rows + drawn.rows);
            }
            sum / rows
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    Some(Interval { lower: means[LOWER], upper: means[RESAMPLES - 1 - LOWER] })
}

struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `n`. Its bias, of `n` in 2⁶⁴, is far below the resolution of 1,999 resamples.
    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn independent(values: &[f64]) -> Vec<(u64, f64)> {
        (0..).zip(values.iter().copied()).collect()
    }

    fn interval(values: &[f64]) -> (f64, f64) {
        let Interval { lower, upper } = bootstrap_mean(&independent(values)).unwrap();
        (lower, upper)
    }

    #[test]
    fn the_generator_is_the_published_one() {
        // The reference implementation's first outputs for the seed 1234567.
        let mut generator = SplitMix64(1_234_567);
        let first = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([generator.next(), generator.next(), generator.next()], first);
    }

    #[test]
    fn where_the_distribution_is_known_the_quantiles_are_its() {
        assert_eq!(interval(&[3.5; 40]), (3.5, 3.5));
        // The number of ones in a resample is binomial: of 8 at 1/8, P(0) = 0.34 and P(≤ 2) = 0.93, P(≤ 3) = 0.99.
        assert_eq!(interval(&[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]), (0.0, 0.375));
        // Of 100 at 1/2, the quantiles are 40 and 60.
        let coin: Vec<f64> = (0..100).map(|number| f64::from(number % 2)).collect();
        let (lower, upper) = interval(&coin);
        assert!((lower - 0.40).abs() < 0.011 && (upper - 0.60).abs() < 0.011, "{lower} {upper}");
    }

    #[test]
    fn of_many_values_it_is_near_the_normal_interval() {
        let values: Vec<f64> = (0..1_000).map(|number| f64::from(number * 7_919 % 1_000) / 1_000.0).collect();
        let half = 1.96 * (1.0 / 12.0_f64).sqrt() / 1_000.0_f64.sqrt();
        let (lower, upper) = interval(&values);
        assert!((lower - (0.4995 - half)).abs() < 0.002 && (upper - (0.4995 + half)).abs() < 0.002, "{lower} {upper}");
    }

    #[test]
    fn it_is_the_same_again_and_nothing_of_nothing() {
        let values = independent(&[0.1, -0.4, 0.3, 0.25, -0.05]);
        assert_eq!(bootstrap_mean(&values), bootstrap_mean(&values));
        assert_eq!(bootstrap_mean(&[]), None);
    }
}
