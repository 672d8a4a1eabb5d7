//! G0: are these the files that the run is about, whole, and are they enough?
//!
//! Any problem refuses the adapter, because no number that follows would mean anything. Too few rows are no problem of the
//! adapter's: then a person decides.

use std::collections::BTreeMap;

use super::super::bounds::GateBounds;
use super::super::criterion::{Criterion, Measure, Standing};
use super::super::exam::Gathered;

/// What does not fit. Each is counted; the first is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::gate) enum Problem {
    Report,
    OtherRun,
    OtherInput,
    OtherBase,
    Hash,
    RowCount,
    UnreadableLine,
    UnexpectedRow,
    NotANumber,
    UnequalScores,
    LeakedPair,
    LeakedPrompt,
}

impl Problem {
    fn meaning(self) -> &'static str {
        match self {
            Self::Report => "the trainer's report is not what the contract says",
            Self::OtherRun => "the trainer's report is about another run",
            Self::OtherInput => "the trainer followed another description than the run's",
            Self::OtherBase => "the trainer loaded another base than the run's",
            Self::Hash => "a file is not the one that was described: its hash is another",
            Self::RowCount => "a file has more or fewer rows than was described",
            Self::UnreadableLine => "a line is not what the contract says",
            Self::UnexpectedRow => "scored rows are not those of the held-out files, in order",
            Self::NotANumber => "a score is missing, is not finite, or is no log-probability",
            Self::UnequalScores => "texts are said to be the same tokens, and their scores differ",
            Self::LeakedPair => "a held-out pair was trained on",
            Self::LeakedPrompt => "a held-out prompt was trained on",
        }
    }
}

/// What is wrong, and how often, with what is said of the first.
#[derive(Debug, Default)]
pub(in crate::gate) struct Problems(BTreeMap<Problem, (u64, String)>);

impl Problems {
    /// Takes note of a problem; `detail` says where, and quotes nothing.
    pub(in crate::gate) fn add(&mut self, problem: Problem, detail: impl Into<String>) {
        let (count, _) = self.0.entry(problem).or_insert_with(|| (0, detail.into()));
        *count += 1;
    }
}

/// Of fewer new pairs nothing can be said. How far a few go is seen by the bounds of G1 and G4.
const LEAST_NEW: f64 = 1.0;

pub(super) fn judge(gathered: &Gathered, bounds: &GateBounds) -> Criterion {
    let problems = &gathered.problems.0;
    let count: u64 = problems.values().map(|(count, _)| count).sum();
    let size = |rows: usize| Some(rows as f64);
    let sizes = [
        (
            Measure::at_least("held-out pairs", size(gathered.differing_pairs().count()), bounds.min_held_out as f64),
            "they say too little",
        ),
        (
            Measure::at_least("held-out pairs that are new", size(gathered.new_pairs().count()), LEAST_NEW),
            "nothing says what it has learned",
        ),
        (
            Measure::at_least("held-out liked outputs", size(gathered.replay_losses.len()), bounds.min_replay as f64),
            "they say too little",
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
