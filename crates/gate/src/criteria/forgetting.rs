//! G3 `no_forgetting`: outputs that users liked are as probable as before.
//!
//! Edits show what to change and never what to keep. Liked outputs do; a loss on held-out ones measures forgetting.

use super::super::bootstrap::bootstrap_mean;
use super::super::bounds::GateBounds;
use super::super::criterion::{Criterion, Measure};
use super::super::evidence::Evidence;

pub(super) fn judge(evidence: &Evidence, bounds: &GateBounds) -> Criterion {
    let upper = bootstrap_mean(&evidence.replay_losses).map(|interval| interval.upper);
    let measure = Measure::at_most("loss on liked outputs in nats a token (upper bound)", upper, bounds.replay_loss_to);
    Criterion::of("G3", "no_forgetting", vec![(measure, "it forgets what users liked")])
}
