//! Phrases: runs of one to three words, by their hashes.
//!
//! They are counted in the plain form of the text ([`plain`]): look-alike letters, accents and invisible characters do not make
//! another phrase. Otherwise a campaign could give each of its pairs a spelling of its own.

use std::collections::HashSet;

use flywheel_text::{
    plain::plain,
    sketch::mix,
    tokens::{folded_hash, words},
};

use super::gold_line::GoldLine;

/// The longest phrase, in words.
const LONGEST: usize = 3;

/// Returns the phrases of the user's text that neither the prompt nor the model's text has.
pub(crate) fn added_phrases(line: &GoldLine<'_>) -> HashSet<u64> {
    let mut added = HashSet::new();
    for_each_phrase(&line.chosen, |phrase| {
        added.insert(phrase);
    });
    for text in [&line.rejected, &line.prompt] {
        for_each_phrase(text, |phrase| {
            added.remove(&phrase);
        });
    }
    added
}

/// Calls `each` with the hash of every run of one to three words of the plain form.
pub(crate) fn for_each_phrase(text: &str, mut each: impl FnMut(u64)) {
    let text = &plain(text);
    let mut before = [0_u64; LONGEST - 1];
    for (count, word) in words(text).enumerate() {
        let mut phrase = mix(folded_hash(text, word) | 1);
        each(phrase);
        let word = phrase;
        for length in 1..=count.min(LONGEST - 1) {
            phrase = mix(phrase.rotate_left(17) ^ before[length - 1].wrapping_mul(0x9E37_79B9_7F4A_7C15));
            each(phrase);
        }
        before = [word, before[0]];
    }
}
