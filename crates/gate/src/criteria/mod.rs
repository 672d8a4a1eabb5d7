//! The criteria, one a file. Each judges the evidence, and returns its standing with reasons.

mod displacement;
mod forgetting;
mod integrity;
mod learned;
mod safety;
mod wins;

use super::bounds::GateBounds;
use super::criterion::Criterion;
use super::evidence::Evidence;

/// Returns all criteria, in order.
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
