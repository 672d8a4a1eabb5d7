use flywheel_audit::{AuditRules, AuditSections};
use flywheel_base::{
    PolicyError, Reason, Route, RuleFile,
    digest::{FieldDigest, hex},
};
use flywheel_event::{Sampling, SamplingSection};
use serde::Deserialize;

use super::judge::{JudgeLimits, JudgesSection};
use super::reasoning::Think;

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
pub struct CurationSections {
    /// The sections of the audit.
    pub audit: AuditSections,
    /// `[reasoning]`.
    pub reasoning: ReasoningSection,
    /// `[sampling]`.
    pub sampling: SamplingSection,
    /// `[judges]`.
    pub judges: JudgesSection,
}

/// The policy file's `[reasoning]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct ReasoningSection {
    think: Option<Think>,
}

impl CurationRules {
    /// Reads the rules from the policy file's sections. An absent one has its default.
    ///
    /// # Errors
    /// A value out of its bounds, or rules that contradict each other; with the line.
    pub fn of(sections: CurationSections, file: RuleFile<'_>) -> Result<Self, PolicyError> {
        let CurationSections { audit, reasoning, sampling, judges } = sections;
        Ok(Self {
            audit: AuditRules::of(&audit, file)?,
            think: reasoning.think.unwrap_or_default(),
            sampling: Sampling::of(sampling, file)?,
            judges: JudgeLimits::of(&judges, file)?,
        })
    }

    /// Reads the sections of a policy file that judge a line.
    #[cfg(test)]
    pub(crate) fn parse(text: &str) -> Result<Self, PolicyError> {
        use flywheel_audit::{AuditSection, LimitsSection, RoutesSection, SimilaritySection};

        #[derive(Deserialize, Default)]
        #[serde(deny_unknown_fields, default)]
        struct File {
            similarity: SimilaritySection,
            audit: AuditSection,
            limits: LimitsSection,
            routes: RoutesSection,
            reasoning: ReasoningSection,
            sampling: SamplingSection,
            judges: JudgesSection,
        }

        let file = RuleFile::new(text);
        let File { similarity, audit, limits, routes, reasoning, sampling, judges } = file.read()?;
        let audit = AuditSections { similarity, audit, limits, routes };
        Self::of(CurationSections { audit, reasoning, sampling, judges }, file)
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
