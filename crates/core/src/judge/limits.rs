use std::fmt;

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

/// Every limit, in order: what the policy's hash is made of.
impl fmt::Display for JudgeLimits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { max_calls, max_seconds, at_once, max_chars, severity_from } = self;
        write!(formatter, "{max_calls} {max_seconds} {at_once} {max_chars} {severity_from}")
    }
}
