//! Whose sentence it is: the user's, or the model's with a word changed.

use std::cell::OnceCell;

use super::super::subject::Sentence;
use super::sums::Sums;
use crate::text::plain::plain;
use crate::text::sentences::sentences;
use crate::text::tokens::{folded_hash, words};

/// So many sentences of one edit are looked for among the model's. All further ones are taken to be the user's: looking is
/// linear in the model's text, and models do not write so much abuse.
const LOOKED_FOR: u32 = 16;

/// The log-odds by which a sentence may be worse than the model's and still be taken for no worse.
const SLACK: f32 = 0.5;

/// The sentences of the model's text, read when they are first needed: hardly ever.
pub(super) struct ModelsOwn<'t> {
    rejected: &'t str,
    sentences: OnceCell<Vec<Original>>,
    looked_for: u32,
}

struct Original {
    log_odds: f32,
    /// The hashes of its words, in order of the hashes.
    words: Vec<u64>,
}

impl<'t> ModelsOwn<'t> {
    pub(super) fn new(rejected: &'t str) -> Self {
        Self { rejected, sentences: OnceCell::new(), looked_for: 0 }
    }

    /// Whether a sentence is one of the model's that was touched: most of its words are in that one, and it is no worse.
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

/// How many words two sorted lists share.
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
