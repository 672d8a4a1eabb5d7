//! G2 `no_displacement`: users' texts have become more probable.
//!
//! DPO widens the margin between the texts, and may do so by making both less probable: the probability goes to neither, and the
//! model's answers break. The gain is in nats a token, so that long texts do not count for more.

use super::super::bootstrap::bootstrap_mean;
use super::super::bounds::GateBounds;
use super::super::criterion::{Criterion, Measure};
use super::super::evidence::{Evidence, MeasuredPair};

pub(super) fn judge(evidence: &Evidence, bounds: &GateBounds) -> Criterion {
    let gain = |pair: &MeasuredPair| (pair.prompt, pair.chosen_gain / pair.chosen_tokens);
    let gains: Vec<_> = evidence.differing_pairs().map(gain).collect();
    let lower = bootstrap_mean(&gains).map(|interval| interval.lower);
    let measure =
        Measure::at_least("gain of users' texts in nats a token (lower bound)", lower, bounds.chosen_gain_from);
    Criterion::of("G2", "no_displacement", vec![(measure, "what users wrote has become less probable")])
}
