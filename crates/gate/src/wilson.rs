//! Wilson's score interval for a share: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA
//! 22 (1927), as recommended over the normal approximation by R. G. Newcombe, Statistics in Medicine 17 (1998), method 3.
//!
//! Rows of one prompt are a cluster. The interval takes the number of independent rows that would have as much variance: the
//! rows divided by the design effect (L. Kish, Survey Sampling, 1965, section 8.2). The variance is the linearised one of a ratio
//! of cluster sums (W. G. Cochran, Sampling Techniques, 1977, section 6.3). With few clusters it is uncertain itself, so
//! the number shrinks by Student's quantile (E. L. Korn and B. I. Graubard, Survey Methodology 24, 1998). N. Dean and M. Pagano
//! (J. Surv. Stat. Methodol. 3, 2015) compare such intervals and recommend Wilson's.

use super::clusters::{Cluster, clusters};

/// The normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// Returns the lower bound of a share; none if there are no rows. A row is given by its prompt and its points: 1, 0, or a half
/// for a tie.
pub(super) fn wilson_lower(rows: &[(u64, f64)]) -> Option<f64> {
    if rows.is_empty() {
        return None;
    }
    let share = rows.iter().map(|(_, points)| points).sum::<f64>() / rows.len() as f64;
    Some(lower(share, effective_rows(&clusters(rows), share)))
}

/// Returns the number of independent rows that say as much as the clusters.
fn effective_rows(clusters: &[Cluster], share: f64) -> f64 {
    let count = clusters.len() as f64;
    let rows: f64 = clusters.iter().map(|cluster| cluster.rows).sum();
    if clusters.len() < 2 || rows <= count {
        return count;
    }
    // As if all rows of a cluster were alike. Rows that are all the same show nothing of how alike they are.
    let least = rows * rows / clusters.iter().map(|cluster| cluster.rows * cluster.rows).sum::<f64>();
    let of_independent = share * (1.0 - share) / rows;
    if of_independent <= 0.0 {
        return least;
    }
    let residuals: f64 = clusters.iter().map(|cluster| (cluster.sum - share * cluster.rows).powi(2)).sum();
    let variance = count / (count - 1.0) * residuals / (rows * rows);
    let design_effect = (variance / of_independent).max(1.0);
    let uncertainty = (Z / student(count - 1.0)).powi(2);
    rows / design_effect * uncertainty
}

/// Returns Student's quantile of a two-sided 95 % interval: the expansion 26.7.5 of Abramowitz and Stegun, Handbook of Mathematical
/// Functions (1964), up to the third power of 1/ν. From ν = 3 on it is right to 1 %; below, it is too small.
fn student(freedom: f64) -> f64 {
    let z = Z;
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + first / freedom + second / freedom.powi(2) + third / freedom.powi(3)
}

/// Returns Wilson's lower bound of a share of `n` independent rows.
fn lower(share: f64, n: f64) -> f64 {
    let centre = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // Rounding may leave a share of 0 just below it.
    ((centre - half) / (1.0 + Z * Z / n)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the bound of independent rows: `successes` of `n`, of which the last may be a half.
    fn of(successes: f64, n: usize) -> Option<f64> {
        let rows: Vec<_> = (0..n).map(|row| (row as u64, (successes - row as f64).clamp(0.0, 1.0))).collect();
        wilson_lower(&rows)
    }

    #[test]
    fn it_is_what_newcombe_has_in_his_table() {
        // Table I, method 3. The upper bound of a share is 1 − the lower bound of the rest.
        for (successes, n, lower, upper) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let found = of(f64::from(successes), n).unwrap();
            let rest = 1.0 - of(n as f64 - f64::from(successes), n).unwrap();
            assert!((found - lower).abs() < 5e-5 && (rest - upper).abs() < 5e-5, "{successes}/{n}: {found} {rest}");
        }
    }

    #[test]
    fn more_rows_are_more_certain_and_halves_count() {
        let bounds = [10, 100, 1_000].map(|n| of(0.7 * n as f64, n).unwrap());
        assert!(bounds.is_sorted() && bounds[2] < 0.7, "{bounds:?}");
        assert!(of(50.5, 100) > of(50.0, 100));
        assert_eq!(of(0.0, 0), None);
    }

    #[test]
    fn students_quantile_is_that_of_the_tables() {
        for (freedom, quantile) in [(5.0, 2.571), (10.0, 2.228), (30.0, 2.042), (120.0, 1.980)] {
            assert!((student(freedom) - quantile).abs() < 0.005, "{freedom}: {}", student(freedom));
        }
    }

    #[test]
    fn rows_of_one_prompt_count_as_one_if_they_are_alike_and_in_full_if_they_are_not() {
        // 20 prompts with five rows each: 14 prompts succeed as a whole, or 70 rows as chance has it.
        let alike: Vec<_> = (0..100).map(|row| (row / 5, f64::from(u8::from(row / 5 < 14)))).collect();
        let mixed: Vec<_> = (0..100).map(|row| (row / 5, f64::from(u8::from(row * 7 % 10 < 7)))).collect();
        let bounds = [
            wilson_lower(&alike).unwrap(),
            of(14.0, 20).unwrap(),
            wilson_lower(&mixed).unwrap(),
            of(70.0, 100).unwrap(),
        ];
        assert!(bounds[0] < bounds[1] && bounds[1] - bounds[0] < 0.03, "{bounds:?}");
        assert!(bounds[2] < bounds[3] && bounds[3] - bounds[2] < 0.02, "{bounds:?}");
        // One prompt is one row, and rows without a failure may all be alike.
        assert_eq!(wilson_lower(&[(1, 1.0); 100]), of(1.0, 1));
        let all: Vec<_> = (0..100).map(|row| (row / 5, 1.0)).collect();
        assert_eq!(wilson_lower(&all), of(20.0, 20));
    }
}
