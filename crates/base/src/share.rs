//! Exact comparison of shares of a whole with the thresholds of a policy.
//!
//! A share computed in floating point misses an exact edge: `1 - 9/10` is a hair below 0.1. So part and whole stay
//! integers. A threshold is the decimal that its author wrote: the shortest one that reads as the same `f64`.
//! The hash of the rules covers the same decimal.
//!
//! A single division needs none of this. It is rounded once, as the threshold is, so that equal numbers stay equal.

use std::cmp::Ordering;

/// A part of a whole; both are counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    part: u64,
    whole: u64,
}

impl Share {
    /// Creates a share. All of nothing is everything: a share of 1.
    pub fn new(part: u64, whole: u64) -> Self {
        if whole == 0 { Self { part: 1, whole: 1 } } else { Self { part, whole } }
    }

    /// Compares the share with a threshold of 0.0 or more.
    pub fn compared_to(self, threshold: f64) -> Ordering {
        /// Far above the error of a division, and far below any share of a text.
        const NEAR: f64 = 1e-12;
        let distance = self.value() - threshold;
        if distance.abs() > NEAR {
            return distance.total_cmp(&0.0);
        }
        Decimal::of(threshold).compared_to_share(u128::from(self.part), u128::from(self.whole)).reverse()
    }

    /// Returns the share as a number: from 0.0 to 1.0 if `part` is at most `whole`.
    pub fn value(self) -> f64 {
        self.part as f64 / self.whole as f64
    }

    /// Compares two shares, and returns their difference as a share.
    pub fn difference(self, other: Self) -> (Ordering, Self) {
        let (mine, its) = (self.part * other.whole, other.part * self.whole);
        (mine.cmp(&its), Self { part: mine.abs_diff(its), whole: self.whole * other.whole })
    }
}

/// A number of 0 or more in decimal: `digits / unit`, where the unit is a power of ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    digits: u128,
    unit: u128,
}

impl Decimal {
    /// Returns the shortest decimal that reads as this number.
    pub fn of(number: f64) -> Self {
        /// The largest power of ten in a `u128`. Smaller numbers become 0.
        const MOST_DECIMALS: u32 = 38;
        let written = format!("{number:e}");
        let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let digits = format!("{whole}{decimals}").parse().unwrap_or(0);
        let decimals = decimals.len() as i64 - exponent.parse::<i64>().unwrap_or(0);
        match u32::try_from(decimals) {
            Ok(decimals) if decimals <= MOST_DECIMALS => Self { digits, unit: 10_u128.pow(decimals) },
            Ok(_) => Self { digits: 0, unit: 1 },
            Err(_) => {
                Self { digits: digits.saturating_mul(10_u128.saturating_pow(decimals.unsigned_abs() as u32)), unit: 1 }
            }
        }
    }

    fn compared_to_share(self, part: u128, whole: u128) -> Ordering {
        // The digits of an `f64` and a count fit a `u128`, and so does their product. A product that does not fit is
        // larger.
        match (self.digits.checked_mul(whole), self.unit.checked_mul(part)) {
            (Some(of_decimal), Some(of_share)) => of_decimal.cmp(&of_share),
            (None, _) => Ordering::Greater,
            (_, None) => Ordering::Less,
        }
    }

    /// Returns the largest count that is no more than this share of a whole.
    pub fn of_whole(self, whole: u64) -> u64 {
        let of_whole = self.digits.saturating_mul(u128::from(whole)) / self.unit;
        u64::try_from(of_whole).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_decimal_is_what_was_written() {
        for (number, digits, unit) in [
            (0.95, 95, 100),
            (0.1, 1, 10),
            (0.10, 1, 10),
            (1.0, 1, 1),
            (0.0, 0, 1),
            (0.005, 5, 1_000),
            (20.0, 20, 1),
            (2.5, 25, 10),
        ] {
            assert_eq!(Decimal::of(number), Decimal { digits, unit });
        }
        assert_eq!(Decimal::of(1e-300), Decimal { digits: 0, unit: 1 });
        assert_eq!(Decimal::of(0.1 + 0.2), Decimal { digits: 30_000_000_000_000_004, unit: 100_000_000_000_000_000 });
    }

    #[test]
    fn a_share_at_the_edge_is_equal_to_it_whatever_the_whole() {
        for percent in 0..=100_u64 {
            let threshold = format!("{}.{:02}", percent / 100, percent % 100).parse().unwrap();
            for whole in (100..=4_000).step_by(100) {
                let part = percent * whole / 100;
                assert_eq!(Share::new(part, whole).compared_to(threshold), Ordering::Equal, "{percent} % of {whole}");
                assert_eq!(Share::new(part + 1, whole).compared_to(threshold), Ordering::Greater);
                assert!(part == 0 || Share::new(part - 1, whole).compared_to(threshold) == Ordering::Less);
            }
        }
    }

    #[test]
    fn counts_of_a_whole_are_exact() {
        assert_eq!(Decimal::of(0.7).of_whole(10), 7);
        assert_eq!(Decimal::of(0.29).of_whole(100), 29);
        assert_eq!(Decimal::of(0.2).of_whole(9), 1);
    }

    #[test]
    fn a_difference_of_shares_is_exact() {
        // In floating point 0.52 - 0.5 is a hair above 0.02.
        let (order, by) = Share::new(52, 100).difference(Share::new(1, 2));
        assert_eq!((order, by.compared_to(0.02)), (Ordering::Greater, Ordering::Equal));
        let (order, by) = Share::new(1, 3).difference(Share::new(2, 3));
        assert_eq!((order, by.compared_to(0.33)), (Ordering::Less, Ordering::Greater));
    }

    proptest! {
        #[test]
        fn far_from_the_edge_the_quotient_decides(part in 0..5_000_u64, whole in 1..5_000_u64, threshold in 0.0..1.0_f64) {
            let quotient = part as f64 / whole as f64;
            prop_assume!((quotient - threshold).abs() > 1e-9);
            prop_assert_eq!(Share::new(part, whole).compared_to(threshold), quotient.total_cmp(&threshold));
        }

        #[test]
        fn the_exact_comparison_agrees_with_the_quotient(part in 0..5_000_u128, whole in 1..5_000_u128, threshold in 0.0..1.0_f64) {
            let quotient = part as f64 / whole as f64;
            prop_assume!((quotient - threshold).abs() > 1e-9);
            let exact = Decimal::of(threshold).compared_to_share(part, whole).reverse();
            prop_assert_eq!(exact, quotient.total_cmp(&threshold));
        }
    }
}
