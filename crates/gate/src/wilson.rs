//! Wilson's score interval for a share: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA
//! 22 (1927), as recommended over the normal approximation by R. G. Newcombe, Statistics in Medicine 17 (1998), method 3.

/// The normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// Returns the lower bound of a share of `successes` (a tie may count half) among `n`; none if `n` is 0.
pub(super) fn wilson_lower(successes: f64, n: usize) -> Option<f64> {
    if n == 0 {
        return None;
    }
    let n = n as f64;
    let share = successes / n;
    let centre = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // Rounding may leave a share of 0 just below it.
    Some(((centre - half) / (1.0 + Z * Z / n)).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_newcombe_has_in_his_table() {
        // Table I, method 3. The upper bound of a share is 1 − the lower bound of the rest.
        for (successes, n, lower, upper) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let found = wilson_lower(f64::from(successes), n).unwrap();
            let rest = 1.0 - wilson_lower(n as f64 - f64::from(successes), n).unwrap();
            assert!((found - lower).abs() < 5e-5 && (rest - upper).abs() < 5e-5, "{successes}/{n}: {found} {rest}");
        }
    }

    #[test]
    fn more_rows_are_more_certain_and_halves_count() {
        let bounds = [10, 100, 1_000].map(|n| wilson_lower(0.7 * n as f64, n).unwrap());
        assert!(bounds.is_sorted() && bounds[2] < 0.7, "{bounds:?}");
        assert!(wilson_lower(50.5, 100) > wilson_lower(50.0, 100));
        assert_eq!(wilson_lower(0.0, 0), None);
    }
}
