//! Ratings: numbers, words and flags of other tools as the feedback of an event.

use crate::options::Scale;
use crate::skipped::{SkipReason, Skipped};

/// The number of steps between one star and five.
const STEPS: f64 = 4.0;

/// Words for the output, and words against it, in lower case.
const UP: [&str; 14] = [
    "thumbs_up",
    "thumbs-up",
    "thumbs up",
    "thumbsup",
    "👍",
    "up",
    "positive",
    "like",
    "liked",
    "good",
    "correct",
    "helpful",
    "accept",
    "accepted",
];
const DOWN: [&str; 16] = [
    "thumbs_down",
    "thumbs-down",
    "thumbs down",
    "thumbsdown",
    "👎",
    "down",
    "negative",
    "dislike",
    "disliked",
    "bad",
    "incorrect",
    "wrong",
    "unhelpful",
    "not helpful",
    "reject",
    "rejected",
];

/// A user's rating of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rating {
    /// For the output, or against it.
    Thumb { up: bool },
    /// One to five stars.
    Stars(u8),
}

impl Rating {
    pub(crate) fn thumb(up: bool) -> Self {
        Self::Thumb { up }
    }

    /// Returns the rating of a number. The ends of a scale of the width of one, such as 0 and 1, are thumbs.
    ///
    /// # Errors
    /// The number is outside of the scale, or the scale is not known. A 1 may be the best value or the worst.
    pub(crate) fn of_number(number: f64, scale: Option<Scale>, name: &str, field: &str) -> Result<Self, Skipped> {
        let Some(Scale { worst, best }) = scale else {
            let message =
                format!("{name} is a number whose scale the file does not say; give it: --scale '{name}=1..5'");
            return Err(Skipped::new(SkipReason::UnknownScale, field, message));
        };
        let share = (number - worst) / (best - worst);
        if !(0.0..=1.0).contains(&share) {
            let message = format!("{name} is outside of its scale {worst}..{best}");
            return Err(Skipped::new(SkipReason::UnknownScale, field, message));
        }
        let is_end = share <= 0.0 || share >= 1.0;
        if is_end && (best - worst).abs() <= 1.0 {
            return Ok(Self::thumb(share >= 1.0));
        }
        Ok(Self::Stars(1 + (share * STEPS).round() as u8))
    }

    /// Returns the rating of a word.
    ///
    /// # Errors
    /// The word is none of the known ones.
    pub(crate) fn of_word(word: &str, name: &str, field: &str) -> Result<Self, Skipped> {
        let plain = word.trim().to_lowercase();
        if UP.contains(&plain.as_str()) {
            return Ok(Self::thumb(true));
        }
        if DOWN.contains(&plain.as_str()) {
            return Ok(Self::thumb(false));
        }
        let message = format!("the label of {name} is neither for the output nor against it");
        Err(Skipped::new(SkipReason::UnknownLabel, field, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rated(number: f64, scale: &str) -> Option<Rating> {
        Rating::of_number(number, Some(scale.parse().unwrap()), "n", "value").ok()
    }

    #[test]
    fn numbers_become_thumbs_at_the_ends_of_a_narrow_scale_and_stars_elsewhere() {
        assert_eq!(rated(1.0, "0..1"), Some(Rating::thumb(true)));
        assert_eq!(rated(0.0, "0..1"), Some(Rating::thumb(false)));
        assert_eq!(rated(0.5, "0..1"), Some(Rating::Stars(3)));
        assert_eq!(rated(1.0, "1..5"), Some(Rating::Stars(1)));
        assert_eq!(rated(10.0, "1..10"), Some(Rating::Stars(5)));
        assert_eq!(rated(1.0, "5..1"), Some(Rating::Stars(5)), "one is the best grade");
        assert_eq!(rated(6.0, "1..5"), None);
        assert!(Rating::of_number(1.0, None, "n", "value").is_err(), "one may be the worst or the best");
    }

    #[test]
    fn scales_that_are_none_are_refused() {
        for text in ["", "1", "1..1", "a..b", "1..inf", "NaN..1"] {
            assert!(text.parse::<Scale>().is_err(), "{text}");
        }
    }

    #[test]
    fn words_are_for_an_output_or_against_it() {
        assert_eq!(Rating::of_word(" Thumbs-Up ", "n", "f"), Ok(Rating::thumb(true)));
        assert_eq!(Rating::of_word("👎", "n", "f"), Ok(Rating::thumb(false)));
        assert_eq!(Rating::of_word("refund", "n", "f").unwrap_err().reason, SkipReason::UnknownLabel);
    }
}
