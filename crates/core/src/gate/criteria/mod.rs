//! The criteria, one a file: each takes what the evaluation has evidence, and says whether it holds and why not.

mod displacement;
mod forgetting;
mod integrity;
mod learned;
mod safety;
mod wins;

use super::bounds::GateBounds;
use super::criterion::Criterion;
use super::evidence::Evidence;

/// All criteria, in order.
pub(super) fn all(evidence: &Evidence, bounds: &GateBounds) -> Vec<Criterion> {
    vec![
        integrity::judge(evidence, bounds),
        learned::judge(evidence, bounds),
        displacement::judge(evidence, bounds),
        forgetting::judge(evidence, bounds),
        wins::judge(evidence, bounds),
        safety::judge(evidence, bounds),
    ]
}
