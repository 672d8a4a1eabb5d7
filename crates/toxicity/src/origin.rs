//! The authorship of a sentence: the user's, or the model's with a word changed.

use std::cell::OnceCell;

use flywheel_text::{
    plain::plain,
    sentences::sentences,
    tokens::{folded_hash, words},
};

use super::Sentence;
use super::sums::Sums;

/// The maximum number of sentences of one edit that are looked up in the model's text. All further ones count as the
/// user's: a look-up is linear in the model's text, and models do not write so much abuse.
const LOOKED_FOR: u32 = 16;

/// The log-odds by which a sentence may be worse than the model's and still count as no worse.
const SLACK: f32 = 0.5;

/// The sentences of the model's text, read on first use, which is rare.
pub(super) struct ModelsOwn<'t> {
    rejected: &'t str,
    sentences: OnceCell<Vec<Original>>,
    looked_for: u32,
}

struct Original {
    log_odds: f32,
    /// The hashes of its words, sorted.
    words: Vec<u64>,
}

impl<'t> ModelsOwn<'t> {
    pub(super) fn new(rejected: &'t str) -> Self {
        Self { rejected, sentences: OnceCell::new(), looked_for: 0 }
    }

    /// Returns `true` if a sentence is an edited one of the model's: most of its words are in that one, and it is no
    /// worse.
    pub(super) fn has(&mut self, sentence: &Sentence<'_>, log_odds: f32) -> bool {
        self.looked_for += 1;
        if self.looked_for > LOOKED_FOR {
            return false;
        }
        let words = word_hashes(sentence.text);
        let is_original = |original: &Original| {
            original.log_odds + SLACK >= log_odds && 2 * in_common(&words, &original.words) > words.len()
        };
        self.sentences.get_or_init(|| originals(self.rejected)).iter().any(is_original)
    }
}

fn originals(rejected: &str) -> Vec<Original> {
    let original = |text: &str| Original { log_odds: Sums::of(&plain(text)).log_odds(), words: word_hashes(text) };
    sentences(rejected).map(|bytes| original(&rejected[bytes])).collect()
}

fn word_hashes(text: &str) -> Vec<u64> {
    let mut hashes: Vec<_> = words(text).map(|word| folded_hash(text, word)).collect();
    hashes.sort_unstable();
    hashes
}

/// Returns the number of words that two sorted lists share.
fn in_common(one: &[u64], other: &[u64]) -> usize {
    let (mut shared, mut at) = (0, 0);
    for word in one {
        at += other[at..].iter().take_while(|other| *other < word).count();
        if other.get(at) == Some(word) {
            shared += 1;
            at += 1;
        }
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::in_common;

    #[test]
    fn words_are_shared_as_often_as_both_have_them() {
        assert_eq!(in_common(&[1, 2, 2, 5], &[2, 2, 2, 3, 5, 9]), 3);
        assert_eq!(in_common(&[1, 2], &[]), 0);
    }
}
