//! The rules that decide what becomes training data: one file, or these defaults.

mod file;

use crate::breaker::BreakerBounds;
use crate::dataset::DatasetRules;
use crate::digest::{FieldDigest, hex};
use crate::gate::GateBounds;
use crate::judge::JudgeLimits;
use crate::reason::Reason;
use crate::reasoning::Think;
use crate::route::Route;
use crate::sampling::Sampling;

pub use file::PolicyError;

/// The rules of curation. Every line in the lake names the policy that judged it, by its hash.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// An edit more similar to the model's text than this is `trivial`. The product's rule: under 5 % changed.
    pub trivial_above: f64,
    /// An edit less similar than this is a `rewrite`. The product's rule: over 90 % changed.
    pub rewrite_below: f64,
    /// An edit that is `trivial` is a `local_correction` if the place that changed most is less similar than this.
    pub local_correction_below: f64,
    /// The work, in word steps of about 1 ns, that comparing one pair may take before it is `too_long_to_compare`. The
    /// default (about 0.05 s) compares any two texts of up to 50,000 characters, and far longer ones that have few edits.
    pub max_similarity_steps: u64,
    /// An edit that shares fewer of its words with the model's text is a `likely_rewrite`.
    pub likely_rewrite_below: f64,
    /// The share of the shorter text's words that the longer one has to hold for an edit to be `shortened` or `extended`. Words count that
    /// stand there in the same order, next to their neighbours.
    pub kept_from: f64,
    /// The treatment of reasoning before an answer.
    pub think: Think,
    /// A sentence that is more probably abusive than this is `toxic`.
    pub toxic_above: f64,
    /// A prompt of more characters than this is taken to carry the source that the answer has to keep to.
    pub grounded_above_chars: usize,
    /// A user's text of fewer characters is `too_short`.
    pub min_chars: usize,
    /// A user's text of more characters is `too_long`.
    pub max_chars: usize,
    /// What is kept of outputs that were liked as they were.
    pub sampling: Sampling,
    /// How far judges are asked, where there are any.
    pub judges: JudgeLimits,
    /// What one dataset version may be made of. It has a hash of its own: it judges no line, so lines do not name it.
    pub dataset: DatasetRules,
    /// What opens the circuit breaker. It judges no line, and is not part of the hash.
    pub breaker: BreakerBounds,
    /// What a trained adapter has to reach. It judges no line, and is not part of the hash.
    pub gate: GateBounds,
    /// Whether an adapter that was trained on versions that a rollback takes back is live no more, and never becomes so. It judges
    /// no line, and is not part of the hash.
    pub rollback_demotes: bool,
    actions: [Action; Reason::ALL.len()],
}

/// What a finding does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// It is not even looked for, or not said.
    Off,
    /// It sends the event there; to gold: it is noted, and does no more.
    Send(Route),
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            trivial_above: 0.95,
            rewrite_below: 0.10,
            local_correction_below: 0.95,
            max_similarity_steps: 1 << 26,
            likely_rewrite_below: 0.05,
            kept_from: 0.8,
            think: Think::Strip,
            toxic_above: 0.5,
            grounded_above_chars: 400,
            min_chars: 1,
            max_chars: 200_000,
            sampling: Sampling::default(),
            judges: JudgeLimits::default(),
            dataset: DatasetRules::default(),
            breaker: BreakerBounds::default(),
            gate: GateBounds::default(),
            rollback_demotes: true,
            actions: Reason::ALL.map(|reason| Action::Send(reason.default_route())),
        }
    }
}

impl Policy {
    /// Where a finding sends an event, or `None` if this policy has it switched off.
    #[must_use]
    pub fn route_of(&self, reason: Reason) -> Option<Route> {
        match self.actions[reason as usize] {
            Action::Off => None,
            Action::Send(route) => Some(route),
        }
    }

    /// 16 hexadecimal digits that change whenever a rule that judges lines does, and not when only the file's words do.
    #[must_use]
    pub fn hash(&self) -> String {
        let numbers = [
            self.trivial_above.to_string(),
            self.rewrite_below.to_string(),
            self.local_correction_below.to_string(),
            self.max_similarity_steps.to_string(),
            self.likely_rewrite_below.to_string(),
            self.kept_from.to_string(),
            self.think.as_str().to_owned(),
            self.toxic_above.to_string(),
            self.grounded_above_chars.to_string(),
            self.min_chars.to_string(),
            self.max_chars.to_string(),
            self.sampling.thumbs_up.to_string(),
            self.sampling.stars.to_string(),
            self.sampling.accept.to_string(),
            self.sampling.salt.clone(),
            self.judges.to_string(),
        ];
        let digest = numbers.iter().fold(FieldDigest::new("flywheel policy 2"), |digest, number| digest.text(number));
        let digest = Reason::ALL.into_iter().fold(digest, |digest, reason| {
            digest.text(reason.as_str()).optional(self.route_of(reason).map(Route::as_str))
        });
        hex(&digest.finish()[..8])
    }
}
