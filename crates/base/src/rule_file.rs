//! Values of the policy file, in TOML. An invalid one is refused with its line, and an absent one takes its default.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;

/// The error of an invalid policy file, with its place.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy line {line}: {message}")]
pub struct PolicyError {
    /// The line, counted from 1.
    pub line: usize,
    /// The fault on that line.
    pub message: String,
}

/// The text of a policy file, kept for the lines of its errors.
#[derive(Clone, Copy)]
pub struct RuleFile<'t>(&'t str);

/// Returns a value of the file, or its default.
pub fn given_or<N: Copy>(given: Option<&Spanned<N>>, default: N) -> N {
    given.map_or(default, |value| *value.get_ref())
}

impl<'t> RuleFile<'t> {
    /// Takes the text of a policy file.
    pub fn new(text: &'t str) -> Self {
        Self(text)
    }

    /// Reads the file's tables and values.
    pub fn read<F: serde::de::DeserializeOwned>(self) -> Result<F, PolicyError> {
        let refused = |error: toml::de::Error| self.error(&error.span().unwrap_or_default(), error.message());
        toml::from_str(self.0).map_err(refused)
    }

    /// Checks a share, of a text or of a scale: within 0 and 1. It refuses a 95 that means percent, rather than read it
    /// as "never".
    pub fn share(self, given: Option<&Spanned<f64>>, default: f64) -> Result<f64, PolicyError> {
        let is_share = |value: f64| (0.0..=1.0).contains(&value);
        self.value(given, default, is_share, |value| format!("{value} is no share: give it between 0.0 and 1.0"))
    }

    /// Checks nats a token: within -10 and 10. A comparison beyond that, or with NaN, would be void.
    pub fn nats(self, given: Option<&Spanned<f64>>, default: f64) -> Result<f64, PolicyError> {
        let is_bound = |value: f64| (-10.0..=10.0).contains(&value);
        let message = |value| format!("{value} is no bound in nats a token: give it between -10.0 and 10.0");
        self.value(given, default, is_bound, message)
    }

    /// Checks a number: `least` or more.
    pub fn at_least<N: PartialOrd + Copy + Display>(
        self,
        given: Option<&Spanned<N>>,
        least: N,
        default: N,
    ) -> Result<N, PolicyError> {
        let message = |value| format!("{value} is too little: give {least} or more");
        self.value(given, default, |value| value >= least, message)
    }

    /// Checks that a value makes sense: within `bounds`. A value beyond them would switch something off, or on for everything, by
    /// accident. The error names the `key`, the bounds, and in `why` the consequence.
    ///
    /// # Errors
    /// A value beyond the bounds. NaN is beyond any.
    pub fn sensible<N: PartialOrd + Copy + Display>(
        self,
        (key, given): (&str, Option<&Spanned<N>>),
        bounds: RangeInclusive<N>,
        why: &str,
    ) -> Result<(), PolicyError> {
        let Some(given) = given.filter(|given| !bounds.contains(given.get_ref())) else { return Ok(()) };
        let (value, least, most) = (given.get_ref(), bounds.start(), bounds.end());
        Err(self.error(&given.span(), &format!("{key} is {value}: give {least} to {most}; {why}")))
    }

    /// Checks that a value is `right`. NaN never is, whatever the bounds.
    fn value<N: Copy>(
        self,
        given: Option<&Spanned<N>>,
        default: N,
        right: impl Fn(N) -> bool,
        message: impl Fn(N) -> String,
    ) -> Result<N, PolicyError> {
        let Some(given) = given else { return Ok(default) };
        let value = *given.get_ref();
        if right(value) { Ok(value) } else { Err(self.error(&given.span(), &message(value))) }
    }

    /// Returns the error of a value, with the line of its place.
    pub fn error(self, at: &Range<usize>, message: &str) -> PolicyError {
        PolicyError { line: self.line_of(at), message: message.to_owned() }
    }

    /// Reports two values that contradict each other, at the line of the second.
    pub fn contradiction<N>(self, values: [&Option<Spanned<N>>; 2], message: &str) -> PolicyError {
        let lines = values.into_iter().flatten().map(|value| self.line_of(&value.span()));
        PolicyError { line: lines.max().unwrap_or(1), message: message.to_owned() }
    }

    fn line_of(self, span: &Range<usize>) -> usize {
        1 + self.0.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
    }
}
