use serde::Deserialize;

use super::audit::{AuditRules, AuditSections};
use super::judge::{JudgeLimits, JudgesSection};
use super::reasoning::Think;
use crate::base::digest::{FieldDigest, hex};
use crate::base::reason::Reason;
use crate::base::route::Route;
use crate::base::rule_file::{PolicyError, RuleFile};
use crate::event::sampling::{Sampling, SamplingSection};

/// The rules that judge a line. Every line in the lake names them by their hash.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CurationRules {
    /// The audit's rules and the routes of its findings.
    pub audit: AuditRules,
    /// The treatment of reasoning before an answer.
    pub think: Think,
    /// The sampled shares of liked outputs.
    pub sampling: Sampling,
    /// The limits of judging, where there are judges.
    pub judges: JudgeLimits,
}

/// The sections of the policy file.
pub(crate) struct CurationSections {
    pub(crate) audit: AuditSections,
    pub(crate) reasoning: ReasoningSection,
    pub(crate) sampling: SamplingSection,
    pub(crate) judges: JudgesSection,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReasoningSection {
    think: Option<Think>,
}

impl CurationRules {
    pub(crate) fn of(sections: CurationSections, file: RuleFile<'_>) -> Result<Self, PolicyError> {
        let CurationSections { audit, reasoning, sampling, judges } = sections;
        Ok(Self {
            audit: AuditRules::of(&audit, file)?,
            think: reasoning.think.unwrap_or_default(),
            sampling: Sampling::of(sampling, file)?,
            judges: JudgeLimits::of(&judges, file)?,
        })
    }

    /// Returns the route of a finding, or `None` if it is switched off.
    #[must_use]
    pub fn route_of(&self, reason: Reason) -> Option<Route> {
        self.audit.route_of(reason)
    }

    /// Returns 16 hexadecimal digits that change with any rule. They do not change with the file's wording alone.
    #[must_use]
    pub fn hash(&self) -> String {
        let Self { audit, think, sampling, judges } = self;
        let numbers = [
            audit.trivial_above.to_string(),
            audit.rewrite_below.to_string(),
            audit.local_correction_below.to_string(),
            audit.max_similarity_steps.to_string(),
            audit.likely_rewrite_below.to_string(),
            audit.kept_from.to_string(),
            think.as_str().to_owned(),
            audit.toxic_above.to_string(),
            audit.grounded_above_chars.to_string(),
            audit.min_chars.to_string(),
            audit.max_chars.to_string(),
            sampling.thumbs_up.to_string(),
            sampling.stars.to_string(),
            sampling.accept.to_string(),
            sampling.salt.clone(),
            judges.to_string(),
        ];
        let digest = numbers.iter().fold(FieldDigest::new("flywheel policy 2"), |digest, number| digest.text(number));
        let digest = Reason::ALL.into_iter().fold(digest, |digest, reason| {
            digest.text(reason.as_str()).optional(self.route_of(reason).map(Route::as_str))
        });
        hex(&digest.finish()[..8])
    }
}
