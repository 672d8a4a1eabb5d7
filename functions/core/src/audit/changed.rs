//! What is left of two texts when their common ends are cut off: the part that an edit can have changed.

use super::subject::Texts;
use super::tokens::words;
use crate::common_ends::common_ends;

/// The middles of an edit's texts. Both begin and end at white space, or where the texts do, so that no word is cut.
#[derive(Debug)]
pub(super) struct Changed<'t> {
    /// Everything, the ends included.
    pub(super) texts: Texts<'t>,
    /// Of the user's text.
    pub(super) chosen: &'t str,
    /// Of the model's text.
    pub(super) rejected: &'t str,
    /// Where both begin in their texts, in bytes.
    pub(super) start: usize,
    /// The number of words in the common ends.
    pub(super) common_words: usize,
}

impl<'t> Changed<'t> {
    pub(super) fn new(texts: Texts<'t>) -> Self {
        let Texts { chosen, rejected, .. } = texts;
        let (prefix, suffix) = common_ends(rejected, chosen);
        let is_space = |byte: &u8| byte.is_ascii_whitespace();
        let start = chosen.as_bytes()[..prefix].iter().rposition(is_space).map_or(0, |space| space + 1);
        let end = &chosen.as_bytes()[chosen.len() - suffix..];
        let suffix = end.iter().position(is_space).map_or(0, |space| end.len() - space);
        let (chosen_end, rejected_end) = (chosen.len() - suffix, rejected.len() - suffix);
        Self {
            texts,
            chosen: &chosen[start..chosen_end],
            rejected: &rejected[start..rejected_end],
            start,
            common_words: words(&chosen[..start]).count() + words(&chosen[chosen_end..]).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn middles(rejected: &'static str, chosen: &'static str) -> (&'static str, &'static str, usize, usize) {
        let changed = Changed::new(Texts { prompt: "", chosen, rejected });
        (changed.rejected, changed.chosen, changed.start, changed.common_words)
    }

    #[test]
    fn ends_are_cut_between_words() {
        assert_eq!(middles("within 30 days of it", "within 31 days of it"), ("30", "31", 7, 4));
        assert_eq!(middles("a b d", "a c b d"), ("b", "c b", 2, 2));
        assert_eq!(middles("word", "words"), ("word", "words", 0, 0));
        assert_eq!(middles("天気がいい", "天気が悪い"), ("天気がいい", "天気が悪い", 0, 0));
    }
}
