//! The middles of two texts, without their common ends: the part that an edit can have changed.

use std::ops::Range;

use flywheel_text::{
    common_ends::common_ends,
    tokens::{words, words_in},
};

use super::subject::Texts;

/// The middles of an edit's texts. Both begin and end at white space, or at the ends of the texts, so that no word is
/// cut.
#[derive(Debug)]
pub(super) struct Changed<'t> {
    /// The whole texts, with their ends.
    pub(super) texts: Texts<'t>,
    /// The middle of the user's text.
    pub(super) chosen: Middle<'t>,
    /// The middle of the model's text.
    pub(super) rejected: Middle<'t>,
    /// The number of words in the common ends.
    pub(super) common_words: usize,
}

/// The middle of one text. Its words are found once, because several checks read them.
#[derive(Debug)]
pub(super) struct Middle<'t> {
    /// The whole text.
    pub(super) text: &'t str,
    /// The place of the middle in the text.
    pub(super) bytes: Range<usize>,
    /// The places of the middle's words in the text.
    pub(super) words: Vec<Range<usize>>,
}

impl<'t> Changed<'t> {
    pub(super) fn new(texts: Texts<'t>) -> Self {
        let Texts { chosen, rejected, .. } = texts;
        let (prefix, suffix) = common_ends(rejected, chosen);
        let is_space = |byte: &u8| byte.is_ascii_whitespace();
        let start = chosen.as_bytes()[..prefix].iter().rposition(is_space).map_or(0, |space| space + 1);
        let end = &chosen.as_bytes()[chosen.len() - suffix..];
        let suffix = end.iter().position(is_space).map_or(0, |space| end.len() - space);
        Self {
            texts,
            chosen: Middle::new(chosen, start, suffix),
            rejected: Middle::new(rejected, start, suffix),
            common_words: words(&chosen[..start]).count() + words(&chosen[chosen.len() - suffix..]).count(),
        }
    }
}

impl<'t> Middle<'t> {
    /// Creates the middle of `text` without its first `start` and its last `suffix` bytes.
    pub(super) fn new(text: &'t str, start: usize, suffix: usize) -> Self {
        /// The length of an average word of prose and the space behind it.
        const WORD: usize = 5;
        let bytes = start..text.len() - suffix;
        let mut words = Vec::with_capacity(bytes.len().div_ceil(WORD));
        words.extend(words_in(text, bytes.clone()));
        Self { text, bytes, words }
    }

    pub(super) fn as_str(&self) -> &'t str {
        &self.text[self.bytes.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn middles(rejected: &'static str, chosen: &'static str) -> (&'static str, &'static str, usize, usize) {
        let changed = Changed::new(Texts { prompt: "", chosen, rejected });
        (changed.rejected.as_str(), changed.chosen.as_str(), changed.chosen.bytes.start, changed.common_words)
    }

    #[test]
    fn ends_are_cut_between_words() {
        assert_eq!(middles("within 30 days of it", "within 31 days of it"), ("30", "31", 7, 4));
        assert_eq!(middles("a b d", "a c b d"), ("b", "c b", 2, 2));
        assert_eq!(middles("word", "words"), ("word", "words", 0, 0));
        assert_eq!(middles("天気がいい", "天気が悪い"), ("天気がいい", "天気が悪い", 0, 0));
    }
}
