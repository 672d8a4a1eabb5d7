//! G1: of what is new, does the candidate tell users' texts from the model's better than the incumbent does?
//!
//! Of a pair, `Δ ln p(chosen) > Δ ln p(rejected)`, with Δ from incumbent to candidate: DPO's reward accuracy. Alone it is worth
//! nothing (it was 1.00 for good adapters and for broken ones), but an adapter without it has learned nothing.
//!
//! Only pairs that are new since the incumbent's training are asked about. Each training is on all pairs so far, and of those that the incumbent
//! knows as well there is nothing left to learn: half of them come out this way and half that, so that the share of all pairs
//! sinks towards one half as the dataset grows, however well the candidate has learned what is new. Where nothing is new, G0 leaves it to a
//! person.

use super::super::bounds::GateBounds;
use super::super::criterion::{Criterion, Measure};
use super::super::evidence::Evidence;
use super::super::wilson::wilson_lower;

pub(super) fn judge(evidence: &Evidence, bounds: &GateBounds) -> Criterion {
    if evidence.is_nothing_new() {
        return Criterion::of("G1", "learned", Vec::new());
    }
    let learned = evidence.new_pairs().filter(|pair| pair.chosen_gain > pair.rejected_gain).count();
    let lower = wilson_lower(learned as f64, evidence.new_pairs().count());
    let measure = Measure::at_least("share of new pairs told apart better (lower bound)", lower, bounds.learned_from);
    Criterion::of("G1", "learned", vec![(measure, "it has learned too little of what users prefer")])
}
