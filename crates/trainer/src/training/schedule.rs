/// Returns the share of the peak learning rate at a step, counted from 1: it rises linearly during warm-up and then falls along
/// half a cosine.
pub(crate) fn share_of_rate(step: u64, steps: u64, warmup_share: f64) -> f64 {
    let warmup = (warmup_share * steps as f64).ceil();
    let step = step as f64;
    if step <= warmup {
        return step / warmup;
    }
    let progress = (step - 1.0 - warmup) / (steps as f64 - warmup).max(1.0);
    0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_and_falls() {
        let shares: Vec<f64> = (1..=10).map(|step| share_of_rate(step, 10, 0.2)).collect();
        assert_eq!((shares[0], shares[1], shares[2]), (0.5, 1.0, 1.0));
        // Half of the way down after half of the eight steps.
        assert!((shares[6] - 0.5).abs() < 1e-12);
        assert!(shares[2..].is_sorted_by(|left, right| left > right) && shares[9] > 0.0);
        assert_eq!(share_of_rate(1, 3, 0.0), 1.0);
        assert_eq!(share_of_rate(1, 1, 0.9), 1.0);
    }
}
