use std::fmt;

use flywheel_base::{PolicyError, RuleFile, given_or};
use serde::Deserialize;
use toml::Spanned;

/// The limits of judging: the policy's `[judges]`. An event beyond them is unjudged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgeLimits {
    /// The maximum number of calls to one judge for one batch, including the control's. At one second a call the
    /// default takes 16 s of [`Self::max_seconds`].
    pub max_calls: usize,
    /// The maximum number of seconds for all calls of one batch.
    pub max_seconds: u64,
    /// The maximum number of concurrent calls to one judge.
    pub at_once: usize,
    /// The maximum length of an edit's three texts together, in characters. Nothing is ever cut off: an attacker would
    /// hide something in the part that is cut off.
    pub max_chars: usize,
    /// The severity from which a finding of guardrail checks counts. Theirs are 0, 0.2, 0.4, 0.6, 0.8 and 1; the
    /// default is the first that is more than a trace. Not measured.
    pub severity_from: f64,
}

impl Default for JudgeLimits {
    fn default() -> Self {
        Self { max_calls: 250, max_seconds: 20, at_once: 16, max_chars: 30_000, severity_from: 0.4 }
    }
}

/// The policy file's `[judges]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct JudgesSection {
    max_calls: Option<Spanned<usize>>,
    max_seconds: Option<Spanned<u64>>,
    at_once: Option<Spanned<usize>>,
    max_chars: Option<Spanned<usize>>,
    severity_from: Option<Spanned<f64>>,
}

impl JudgeLimits {
    pub(crate) fn of(given: &JudgesSection, file: RuleFile<'_>) -> Result<Self, PolicyError> {
        let defaults = Self::default();
        if let Some(at_once) = given.at_once.as_ref().filter(|at_once| *at_once.get_ref() == 0) {
            let message = "at_once must be 1 or more; judges are switched off by the deployment's parameters";
            return Err(file.error(&at_once.span(), message));
        }
        let severity_from = file.share(given.severity_from.as_ref(), defaults.severity_from)?;
        let off = "the deployment's parameters switch judges off";
        let longest = "the deployment's parameters switch judges off, and a function ends after 900 s";
        let all = "from 0 on every answer of a guardrail is a finding";
        file.sensible(("max_calls", given.max_calls.as_ref()), 1..=10_000, off)?;
        file.sensible(("max_seconds", given.max_seconds.as_ref()), 1..=900, longest)?;
        file.sensible(("at_once", given.at_once.as_ref()), 1..=1_000, "a judge's quota ends long before")?;
        file.sensible(("max_chars", given.max_chars.as_ref()), 1..=10_000_000, "with 0 no edit is ever judged")?;
        file.sensible(("severity_from", given.severity_from.as_ref()), 0.01..=1.0, all)?;
        Ok(Self {
            max_calls: given_or(given.max_calls.as_ref(), defaults.max_calls),
            max_seconds: given_or(given.max_seconds.as_ref(), defaults.max_seconds),
            at_once: given_or(given.at_once.as_ref(), defaults.at_once),
            max_chars: given_or(given.max_chars.as_ref(), defaults.max_chars),
            severity_from,
        })
    }
}

/// Formats every limit, in order, for the policy's hash.
impl fmt::Display for JudgeLimits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { max_calls, max_seconds, at_once, max_chars, severity_from } = self;
        write!(formatter, "{max_calls} {max_seconds} {at_once} {max_chars} {severity_from}")
    }
}
