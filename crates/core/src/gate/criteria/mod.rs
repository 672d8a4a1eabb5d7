//! The criteria, one a file: each takes what the exam has gathered, and says whether it holds and why not.

mod displacement;
mod forgetting;
mod integrity;
mod learned;
mod safety;
mod wins;

use super::bounds::GateBounds;
use super::criterion::Criterion;
use super::exam::Gathered;

pub(super) use integrity::{Problem, Problems};

/// All criteria, in order.
pub(super) fn all(gathered: &Gathered, bounds: &GateBounds) -> Vec<Criterion> {
    vec![
        integrity::judge(gathered, bounds),
        learned::judge(gathered, bounds),
        displacement::judge(gathered, bounds),
        forgetting::judge(gathered, bounds),
        wins::judge(gathered, bounds),
        safety::judge(gathered, bounds),
    ]
}
