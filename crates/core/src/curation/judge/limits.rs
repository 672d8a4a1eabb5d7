use std::fmt;

use serde::Deserialize;
use toml::Spanned;

use crate::base::rule_file::{PolicyError, RuleFile};

/// How far judges are asked: the policy's `[judges]`. What lies beyond is unjudged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgeLimits {
    /// The most calls to one judge for one batch, the control's included. The default takes 16 s of [`Self::max_seconds`] if a
    /// call takes one.
    pub max_calls: usize,
    /// The most seconds for all calls of one batch.
    pub max_seconds: u64,
    /// The most calls to one judge that are under way at once.
    pub at_once: usize,
    /// The most characters that an edit's three texts may have together. Nothing is ever cut off: what is cut off is where
    /// one would hide something.
    pub max_chars: usize,
    /// The severity at which something that guardrail checks found counts. Theirs are 0, 0.2, 0.4, 0.6, 0.8 and 1; the
    /// default is the first that is more than a trace. Not measured.
    pub severity_from: f64,
}

impl Default for JudgeLimits {
    fn default() -> Self {
        Self { max_calls: 250, max_seconds: 20, at_once: 16, max_chars: 30_000, severity_from: 0.4 }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct JudgesSection {
    max_calls: Option<usize>,
    max_seconds: Option<u64>,
    at_once: Option<Spanned<usize>>,
    max_chars: Option<usize>,
    severity_from: Option<Spanned<f64>>,
}

impl JudgeLimits {
    pub(crate) fn of(given: &JudgesSection, file: RuleFile<'_>) -> Result<Self, PolicyError> {
        let defaults = Self::default();
        if let Some(at_once) = given.at_once.as_ref().filter(|at_once| *at_once.get_ref() == 0) {
            let message = "at_once must be 1 or more; judges are switched off by the deployment's parameters";
            return Err(file.error(&at_once.span(), message));
        }
        Ok(Self {
            max_calls: given.max_calls.unwrap_or(defaults.max_calls),
            max_seconds: given.max_seconds.unwrap_or(defaults.max_seconds),
            at_once: given.at_once.as_ref().map_or(defaults.at_once, |value| *value.get_ref()),
            max_chars: given.max_chars.unwrap_or(defaults.max_chars),
            severity_from: file.share(given.severity_from.as_ref(), defaults.severity_from)?,
        })
    }
}

/// Every limit, in order: what the policy's hash is made of.
impl fmt::Display for JudgeLimits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { max_calls, max_seconds, at_once, max_chars, severity_from } = self;
        write!(formatter, "{max_calls} {max_seconds} {at_once} {max_chars} {severity_from}")
    }
}
