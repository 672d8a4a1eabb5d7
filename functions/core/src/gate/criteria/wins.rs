//! G4: are its own answers nearer to what users wrote than the incumbent's?
//!
//! Greedy answers to held-out prompts against the user's text, by the same similarity that curation goes by. It is the one
//! criterion about what users will read, and noisy: a near miss is left to a person.

use super::super::bounds::GateBounds;
use super::super::criterion::{Criterion, Measure, Standing};
use super::super::exam::Gathered;
use super::super::wilson::wilson_lower;

pub(super) fn judge(gathered: &Gathered, bounds: &GateBounds) -> Criterion {
    let point = |gain: f64| match gain {
        gain if gain > bounds.tie_within => 1.0,
        gain if gain < -bounds.tie_within => 0.0,
        _ => 0.5,
    };
    let points: f64 =
        gathered.pairs.iter().map(|pair| point(pair.candidate.similarity - pair.incumbent.similarity)).sum();
    let lower = wilson_lower(points, gathered.pairs.len());
    let measure = Measure::at_least("share of answers nearer to users' texts (lower bound)", lower, bounds.wins_from);
    let is_near = lower.is_some_and(|lower| lower >= bounds.wins_from - bounds.review_within);
    let mut criterion = Criterion::of("G4", "wins", vec![(measure, "its answers are no nearer to what users write")]);
    if criterion.standing == Standing::Fails && is_near {
        criterion.standing = Standing::Open;
    }
    criterion
}
