//! G0 `integrity`: the files are those of the run, whole, and enough.
//!
//! Any problem rejects the adapter, because no number that follows would mean anything. Too few rows, or rows of too
//! few prompts, are not the adapter's fault: then an operator decides.

use std::collections::HashSet;

use super::super::bounds::GateBounds;
use super::super::criterion::{Criterion, Measure, Standing};
use super::super::evidence::Evidence;

/// The fewest new pairs. The bounds of G1 and G4 account for small numbers above it.
const LEAST_NEW: f64 = 1.0;

/// The fewest prompts of the pairs, and of the liked outputs. The bounds count prompts, and of a few prompts the bootstrap knows
/// too little: of one it has no width. A policy that asks for fewer rows asks for as few prompts.
const LEAST_PROMPTS: f64 = 30.0;

pub(super) fn judge(evidence: &Evidence, bounds: &GateBounds) -> Criterion {
    let problems = &evidence.problems.list();
    let count: u64 = problems.values().map(|(count, _)| count).sum();
    let size = |rows: usize| Some(rows as f64);
    let prompts: HashSet<_> = evidence.differing_pairs().map(|pair| pair.prompt).collect();
    let liked_prompts: HashSet<_> = evidence.replay_losses.iter().map(|(prompt, _)| prompt).collect();
    let sizes = [
        (
            Measure::at_least("held-out pairs", size(evidence.differing_pairs().count()), bounds.min_held_out as f64),
            "they say too little",
        ),
        (
            Measure::at_least("held-out pairs that are new", size(evidence.new_pairs().count()), LEAST_NEW),
            "nothing says what it has learned",
        ),
        (
            Measure::at_least("held-out liked outputs", size(evidence.replay_losses.len()), bounds.min_replay as f64),
            "they say too little",
        ),
        (
            Measure::at_least(
                "prompts of held-out pairs",
                size(prompts.len()),
                LEAST_PROMPTS.min(bounds.min_held_out as f64),
            ),
            "rows of one prompt depend on one another",
        ),
        (
            Measure::at_least(
                "prompts of held-out liked outputs",
                size(liked_prompts.len()),
                LEAST_PROMPTS.min(bounds.min_replay as f64),
            ),
            "rows of one prompt depend on one another",
        ),
    ];
    let mut criterion = Criterion::of("G0", "integrity", sizes.into());
    if criterion.standing == Standing::Fails {
        criterion.standing = Standing::Open;
    }
    criterion.measures.insert(0, Measure::at_most("problems", Some(count as f64), 0.0));
    if count > 0 {
        criterion.standing = Standing::Fails;
    }
    let told = problems.iter().map(|(problem, (count, first))| {
        let times = if *count > 1 { format!(" ({count} times; the first: {first})") } else { format!(" ({first})") };
        format!("{}{times}", problem.meaning())
    });
    let told: Vec<_> = told.collect();
    criterion.reasons.splice(0..0, told);
    criterion
}
