use flywheel_base::{PolicyError, RuleFile};
use serde::Deserialize;
use toml::Spanned;

/// The rules of attempts at a training: the policy's `[training]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainingRules {
    /// The most attempts at the training of one crossing's version, at least 1. After that no run starts until new pairs reach
    /// the threshold again, or an operator starts one.
    pub max_attempts: u64,
}

/// With the waits between attempts, eight take a day and a half: a mistake costs eight trainings at most.
impl Default for TrainingRules {
    fn default() -> Self {
        Self { max_attempts: 8 }
    }
}

/// The policy file's `[training]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSection {
    max_attempts: Option<Spanned<u64>>,
}

impl TrainingRules {
    /// Reads the rules from the policy file's section. An absent one has its default.
    ///
    /// # Errors
    /// A value out of its bounds, with its line.
    pub fn of(given: &TrainingSection, file: RuleFile<'_>) -> Result<Self, PolicyError> {
        let defaults = Self::default();
        let max_attempts = file.at_least(given.max_attempts.as_ref(), 1, defaults.max_attempts)?;
        let why = "each attempt costs a training, and fifty take six weeks";
        file.sensible(("max_attempts", given.max_attempts.as_ref()), 1..=50, why)?;
        Ok(Self { max_attempts })
    }
}
