//! The date for chat templates.

use chrono::{DateTime, Utc};
use minijinja::{Error, ErrorKind};

/// The date that a template may ask for. A run uses the instant in its description. By the clock, the same input would give other
/// tokens on another day, and a redelivered job would write other bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Today(Option<DateTime<Utc>>);

/// The directives with equal results in chrono and in Python's `strftime` in the C locale.
const DIRECTIVES: &str = "aAbBcCdDeFgGhHIjklmMnpPrRStTuUVwWxXyY%";
/// The directives that `-` leaves unpadded.
const UNPADDED: &str = "deHIjklmMSUVW";

impl Today {
    /// Takes an instant in RFC 3339. A description without one has no date.
    pub(crate) fn at(instant: Option<&str>) -> Self {
        Self(instant.and_then(|instant| DateTime::parse_from_rfc3339(instant).ok()).map(|instant| instant.to_utc()))
    }

    /// Takes this machine's clock, for prompts at the command line. No run may use it.
    #[allow(clippy::disallowed_methods, reason = "only `generate` asks")]
    pub(crate) fn now() -> Self {
        Self(Some(DateTime::from(std::time::SystemTime::now())))
    }

    /// Formats the date as Python's `datetime.strftime` does.
    pub(super) fn strftime(self, format: &str) -> Result<String, Error> {
        let refuse = |problem: String| Error::new(ErrorKind::UnknownFunction, format!("strftime_now: {problem}"));
        let today =
            self.0.ok_or_else(|| refuse("run.json has no prepared_at, and the template asks for a date".to_owned()))?;
        match unsupported(format) {
            Some(directive) => Err(refuse(format!("`{directive}` is not supported"))),
            None => Ok(today.naive_utc().format(format).to_string()),
        }
    }
}

/// Returns the first directive that is not supported.
fn unsupported(format: &str) -> Option<String> {
    let mut rest = format.split('%');
    rest.next();
    while let Some(directive) = rest.next() {
        let mut letters = directive.chars();
        let (letter, known) = match letters.next() {
            Some('-') => (letters.next(), UNPADDED),
            // `%%`: the text after the second is literal.
            None => (rest.next().map(|_| '%'), DIRECTIVES),
            letter => (letter, DIRECTIVES),
        };
        if !letter.is_some_and(|letter| known.contains(letter)) {
            return Some(format!("%{}", directive.chars().take(2).collect::<String>()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_the_runs_and_in_utc() {
        let today = Today::at(Some("2026-11-05T23:30:07.250+02:00"));
        assert_eq!(
            today.strftime("%d %b %Y, %-d.%-m., %H:%M:%S 100 %%").unwrap(),
            "05 Nov 2026, 5.11., 21:30:07 100 %"
        );
    }

    #[test]
    fn what_is_not_known_is_named() {
        let today = Today::at(Some("2026-11-05T23:30:07Z"));
        for (format, directive) in [("%f", "%f"), ("%d %Z", "%Z"), ("%-p", "%-p"), ("%Y-%", "%"), ("%Ey", "%Ey")] {
            let error = today.strftime(format).unwrap_err();
            assert_eq!(error.detail().unwrap(), format!("strftime_now: `{directive}` is not supported"));
        }
        let error = Today::default().strftime("%Y").unwrap_err();
        assert!(error.detail().unwrap().starts_with("strftime_now: run.json has no prepared_at"));
    }
}
