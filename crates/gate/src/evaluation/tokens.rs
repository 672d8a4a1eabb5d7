//! Bounds on the numbers of tokens that a trainer reports, from the texts that they are of.
//!
//! Scores are compared by the token, so a trainer that reports too many hides forgetting, and one that reports too few weighs
//! some rows more. The exact numbers need the base's tokenizer and chat template. The gate has neither, so it cannot count again.
//! It refuses numbers that no tokenizer gives. Within the bounds a wrong number goes unnoticed.
//!
//! An answer's tokens are those of its text, and a token that ends it. Trainers truncate a long answer, and keep of it at least
//! half of the model's positions.

use crate::problem::Problem;

/// The most characters of a token, as a mean over all rows. English text has 4 to 5 in the largest vocabularies in use, and code
/// with its runs of spaces 6.
const MOST_CHARS_A_TOKEN: u64 = 16;

/// The characters of a text from which the mean is taken. Where `max_length` is small, half of it bounds the tokens, too.
const MOST_CHARS: u64 = 1_024;

/// The tokens beyond a text's bytes: ends of answers, and what templates write around them.
const SPARE_TOKENS: u64 = 16;

/// The size of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextSize {
    bytes: u64,
    chars: u64,
    /// `true` if a tokenizer cannot ignore all of it.
    has_words: bool,
}

impl TextSize {
    pub(super) fn of(text: &str) -> Self {
        Self {
            bytes: text.len() as u64,
            chars: text.chars().count() as u64,
            has_words: text.chars().any(char::is_alphanumeric),
        }
    }
}

/// The tokens of all texts of one kind together.
#[derive(Debug, Default)]
pub(super) struct TokenTotals {
    tokens: u64,
    least: u64,
    most: u64,
}

impl TokenTotals {
    /// Adds a text's number of tokens and returns it. `max_length` is the most that a row may have.
    ///
    /// # Errors
    /// If it is 0, or cannot be that text's. A normal form such as NFKC may double a text, and a token is at least a byte.
    pub(super) fn add(&mut self, text: TextSize, tokens: u64, max_length: u64) -> Result<f64, Problem> {
        if tokens == 0 {
            return Err(Problem::NotANumber);
        }
        let least = if text.has_words { 2 } else { 1 };
        let most = max_length.min(2 * text.bytes + SPARE_TOKENS);
        if !(least..=most).contains(&tokens) {
            return Err(Problem::Tokens);
        }
        self.tokens += tokens;
        self.least += (text.chars.min(MOST_CHARS) / MOST_CHARS_A_TOKEN).min(max_length / 2);
        self.most += text.bytes + SPARE_TOKENS;
        Ok(tokens as f64)
    }

    /// Returns what contradicts the texts as a whole.
    pub(super) fn contradiction(&self) -> Option<String> {
        let Self { tokens, least, most } = self;
        let is_possible = (least..=most).contains(&tokens);
        (!is_possible).then(|| format!("{tokens} in all, where {least} to {most} are possible"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Call client.open(path_7, retries=3) and close it when you are done.";

    fn of(text: &str, tokens: u64) -> Result<f64, Problem> {
        TokenTotals::default().add(TextSize::of(text), tokens, 2_048)
    }

    #[test]
    fn a_number_that_no_tokenizer_gives_is_refused() {
        assert_eq!((of(TEXT, 2), of(TEXT, 18), of("", 1)), (Ok(2.0), Ok(18.0), Ok(1.0)));
        assert_eq!((of(TEXT, 0), of(TEXT, 1)), (Err(Problem::NotANumber), Err(Problem::Tokens)));
        assert_eq!((of(TEXT, 1_000), of(&TEXT.repeat(100), 2_049)), (Err(Problem::Tokens), Err(Problem::Tokens)));
    }

    #[test]
    fn numbers_that_are_possible_alone_are_refused_if_all_are_extreme() {
        let all = |tokens: u64| {
            let mut totals = TokenTotals::default();
            (0..100).for_each(|_| assert!(totals.add(TextSize::of(TEXT), tokens, 2_048).is_ok()));
            totals.contradiction()
        };
        assert_eq!((all(4), all(80)), (None, None));
        assert_eq!(all(2).as_deref(), Some("200 in all, where 400 to 8300 are possible"));
        assert!(all(100).is_some());
    }

    #[test]
    fn a_long_text_that_was_truncated_to_half_of_a_small_maximum_is_possible() {
        let mut totals = TokenTotals::default();
        (0..100).for_each(|_| assert!(totals.add(TextSize::of(&TEXT.repeat(20)), 32, 64).is_ok()));
        assert_eq!(totals.contradiction(), None);
    }
}
