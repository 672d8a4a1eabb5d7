//! G4 `wins`: the candidate's own answers are nearer to users' texts than the incumbent's.
//!
//! It compares greedy answers to held-out prompts with the user's text, by the same similarity as curation. It is the one
//! criterion about the text that users will read, and noisy: a near miss goes to review.
//!
//! The candidate has to win on pairs that are new to the incumbent (see G1). On the others it must not be further off: both have
//! learned the same, and most answers are alike.

use std::cmp::Ordering;

use super::super::bootstrap::bootstrap_mean;
use super::super::bounds::GateBounds;
use super::super::criterion::{Criterion, Measure, Standing};
use super::super::evidence::{Evidence, MeasuredPair};
use super::super::wilson::wilson_lower;

pub(super) fn judge(evidence: &Evidence, bounds: &GateBounds) -> Criterion {
    let point = |pair: &MeasuredPair| match pair.winner(bounds.tie_within) {
        Ordering::Greater => (pair.prompt, 1.0),
        Ordering::Less => (pair.prompt, 0.0),
        Ordering::Equal => (pair.prompt, 0.5),
    };
    let known: Vec<_> = evidence.known_pairs().map(|pair| (pair.prompt, pair.nearer())).collect();
    let kept = bootstrap_mean(&known).map(|interval| {
        let kept = "gain in similarity of the answers known before (lower bound)";
        let kept = Measure::at_least(kept, Some(interval.lower), -bounds.tie_within);
        (kept, "it answers worse what the live model had learned")
    });
    if evidence.is_nothing_new() {
        return Criterion::of("G4", "wins", kept.into_iter().collect());
    }
    let lower = wilson_lower(&evidence.new_pairs().map(point).collect::<Vec<_>>());
    let won = Measure::at_least("share of new answers nearer to users' texts (lower bound)", lower, bounds.wins_from);
    let is_near = lower.is_some_and(|lower| lower >= bounds.wins_from - bounds.review_within);
    let is_kept = kept.as_ref().is_none_or(|(kept, _)| kept.holds());
    let won = (won, "its answers are no nearer to what users write");
    let mut criterion = Criterion::of("G4", "wins", [won].into_iter().chain(kept).collect());
    if criterion.standing == Standing::Fails && is_near && is_kept {
        criterion.standing = Standing::Open;
    }
    criterion
}
