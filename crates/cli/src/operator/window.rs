use std::str::FromStr;

use flywheel_base::instant::{Millis, until};

/// A time range; either end may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: Option<Millis>,
    /// The first millisecond after the range.
    pub(crate) until: Option<Millis>,
}

/// The text is not a time range.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected FROM..TO, each a day such as 2026-11-22 or an instant in RFC 3339, and one of them at least")]
pub(crate) struct NoWindow;

const DAY: Millis = 24 * 60 * 60 * 1000;

impl FromStr for Window {
    type Err = NoWindow;

    fn from_str(text: &str) -> Result<Self, NoWindow> {
        let (from, to) = text.split_once("..").ok_or(NoWindow)?;
        let named = |text: &str| if text.is_empty() { Ok(None) } else { until(text).map(Some).ok_or(NoWindow) };
        let (first, last) = (named(from)?, named(to)?);
        let is_day = !from.contains('T');
        let from = first.map(|last| if is_day { last + 1 - DAY } else { last });
        let window = Self { from, until: last.map(|last| last + 1) };
        let is_empty = window.from.zip(window.until).is_some_and(|(from, until)| from >= until);
        if is_empty || (first.is_none() && last.is_none()) { Err(NoWindow) } else { Ok(window) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_its_first_and_its_last_day() {
        let window = |text: &str| text.parse::<Window>().map(|window| (window.from, window.until));
        let day = |text: &str| until(text).map(|last| last + 1);
        assert_eq!(window("2026-11-22..2026-11-22"), Ok((day("2026-11-21"), day("2026-11-22"))));
        assert_eq!(window("..2026-11-22"), Ok((None, day("2026-11-22"))));
        assert_eq!(window("2026-11-22T00:00:00Z.."), Ok((day("2026-11-21"), None)));
        for text in ["", "..", "2026-11-22", "2026-11-22..2026-11-21", "monday..", "2026-11-22...", "7..8"] {
            assert_eq!(window(text), Err(NoWindow), "{text}");
        }
    }
}
