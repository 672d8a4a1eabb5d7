//! The evidence of a run: the measured numbers that the criteria judge.

use std::cmp::Ordering;

use flywheel_base::Share;
use serde::{Deserialize, Serialize};

use super::problem::Problems;

/// The evidence that the criteria judge.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) problems: Problems,
    pub(super) pairs: Vec<MeasuredPair>,
    /// The prompt of each liked output, as a key, and the loss on it in nats a token.
    pub(super) replay_losses: Vec<(u64, f64)>,
    pub(super) replay_nlls: (f64, f64),
    /// Rows that came where they were expected, whatever their content.
    pub(super) scored_pairs: usize,
    pub(super) scored_replay: usize,
}

/// The measures of a scored pair, without its texts.
#[derive(Debug)]
pub(super) struct MeasuredPair {
    /// The key of its prompt. Rows of one prompt depend on one another.
    pub(super) prompt: u64,
    /// `true` if the incumbent was trained on a version without it.
    pub(super) is_new: bool,
    /// `true` if both texts are the same tokens, so that no score of it shows a preference.
    pub(super) is_equal: bool,
    /// `Δ ln p(chosen)`, from incumbent to candidate.
    pub(super) chosen_gain: f64,
    /// `Δ ln p(rejected)`.
    pub(super) rejected_gain: f64,
    pub(super) chosen_tokens: f64,
    pub(super) incumbent: MeasuredAnswer,
    pub(super) candidate: MeasuredAnswer,
    pub(super) chosen_chars: f64,
    pub(super) logps: [f64; 4],
}

impl MeasuredPair {
    /// Returns the similarity of the candidate's answer to the user's text, minus the incumbent's.
    pub(super) fn nearer(&self) -> f64 {
        self.candidate.similarity.value() - self.incumbent.similarity.value()
    }

    /// Returns which of the two answers is more similar to the user's text; equal if they differ by at most `tie_within`.
    pub(super) fn winner(&self, tie_within: f64) -> Ordering {
        let (order, by) = self.candidate.similarity.difference(self.incumbent.similarity);
        if by.compared_to(tie_within).is_gt() { order } else { Ordering::Equal }
    }
}

/// The measures of a model's own answer.
#[derive(Debug)]
pub(super) struct MeasuredAnswer {
    /// Its similarity to the user's text.
    pub(super) similarity: Share,
    /// `true` if the audit would quarantine or drop it.
    pub(super) is_violation: bool,
    pub(super) chars: f64,
}

impl Evidence {
    /// Returns the pairs whose texts differ as tokens. The others show no preference, so no criterion about preferences uses
    /// them.
    pub(super) fn differing_pairs(&self) -> impl Iterator<Item = &MeasuredPair> {
        self.pairs.iter().filter(|pair| !pair.is_equal)
    }

    /// Returns the number of pairs whose texts are the same tokens.
    pub(super) fn equal_pairs(&self) -> u64 {
        (self.pairs.len() - self.differing_pairs().count()) as u64
    }

    /// Returns the pairs that are new since the incumbent's training: those that the candidate could learn.
    pub(super) fn new_pairs(&self) -> impl Iterator<Item = &MeasuredPair> {
        self.differing_pairs().filter(|pair| pair.is_new)
    }

    /// Returns `true` if there are pairs, and none is new.
    pub(super) fn is_nothing_new(&self) -> bool {
        !self.pairs.is_empty() && self.new_pairs().next().is_none()
    }

    /// Returns the known pairs: those to be kept.
    pub(super) fn known_pairs(&self) -> impl Iterator<Item = &MeasuredPair> {
        self.differing_pairs().filter(|pair| !pair.is_new)
    }

    /// Returns the means, for people: no criterion uses a mean alone.
    pub(super) fn means(&self) -> Means {
        let of = |value: &dyn Fn(&MeasuredPair) -> f64| {
            let sum: f64 = self.pairs.iter().map(value).sum();
            sum / self.pairs.len().max(1) as f64
        };
        let replay = self.replay_losses.len().max(1) as f64;
        let share = |is_so: bool| f64::from(u8::from(is_so));
        Means {
            incumbent_logp_chosen: of(&|pair| pair.logps[0]),
            incumbent_logp_rejected: of(&|pair| pair.logps[1]),
            candidate_logp_chosen: of(&|pair| pair.logps[2]),
            candidate_logp_rejected: of(&|pair| pair.logps[3]),
            incumbent_similarity: of(&|pair| pair.incumbent.similarity.value()),
            candidate_similarity: of(&|pair| pair.candidate.similarity.value()),
            incumbent_replay_nll: self.replay_nlls.0 / replay,
            candidate_replay_nll: self.replay_nlls.1 / replay,
            incumbent_violations: of(&|pair| share(pair.incumbent.is_violation)),
            candidate_violations: of(&|pair| share(pair.candidate.is_violation)),
            incumbent_chars: of(&|pair| pair.incumbent.chars),
            candidate_chars: of(&|pair| pair.candidate.chars),
            chosen_chars: of(&|pair| pair.chosen_chars),
        }
    }
}

/// Means over the scored rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Means {
    /// `ln p(chosen)` in nats.
    pub incumbent_logp_chosen: f64,
    /// `ln p(rejected)` in nats.
    pub incumbent_logp_rejected: f64,
    /// `ln p(chosen)` in nats.
    pub candidate_logp_chosen: f64,
    /// `ln p(rejected)` in nats.
    pub candidate_logp_rejected: f64,
    /// Similarity of answers to users' texts.
    pub incumbent_similarity: f64,
    /// Similarity of answers to users' texts.
    pub candidate_similarity: f64,
    /// Negative log-likelihood of liked outputs, in nats a token.
    pub incumbent_replay_nll: f64,
    /// Negative log-likelihood of liked outputs, in nats a token.
    pub candidate_replay_nll: f64,
    /// Share of answers that the audit would quarantine or drop.
    pub incumbent_violations: f64,
    /// Share of answers that the audit would quarantine or drop.
    pub candidate_violations: f64,
    /// Length of answers in characters.
    pub incumbent_chars: f64,
    /// Length of answers in characters.
    pub candidate_chars: f64,
    /// Length of users' texts in characters.
    pub chosen_chars: f64,
}
