//! G1 `learned`: on new pairs, the candidate tells users' texts from the model's better than the incumbent does.
//!
//! A pair counts if `Δ ln p(chosen) > Δ ln p(rejected)`, with Δ from incumbent to candidate: DPO's reward accuracy. Alone it
//! proves nothing (it was 1.00 for good adapters and for broken ones), but an adapter without it has learned nothing.
//!
//! Only pairs that are new since the incumbent's training count. Each training is on all pairs so far, and the incumbent has
//! learned the known ones already. Half of those come out either way. So the share over all pairs would sink towards one half as
//! the dataset grows, however well the candidate has learned the new ones. If no pair is new, G0 leaves the run to an operator.

use super::super::bounds::GateBounds;
use super::super::criterion::{Criterion, Measure};
use super::super::evidence::{Evidence, MeasuredPair};
use super::super::wilson::wilson_lower;

pub(super) fn judge(evidence: &Evidence, bounds: &GateBounds) -> Criterion {
    if evidence.is_nothing_new() {
        return Criterion::of("G1", "learned", Vec::new());
    }
    let point = |pair: &MeasuredPair| (pair.prompt, f64::from(u8::from(pair.chosen_gain > pair.rejected_gain)));
    let lower = wilson_lower(&evidence.new_pairs().map(point).collect::<Vec<_>>());
    let measure = Measure::at_least("share of new pairs told apart better (lower bound)", lower, bounds.learned_from);
    Criterion::of("G1", "learned", vec![(measure, "it has learned too little of what users prefer")])
}
