//! What the training script needs of this crate, so that the model is trained on what it will see.

use super::features::{Sink, each};
use crate::text::plain::plain;
use crate::text::sentences::sentences;

/// The features of one sentence, as hashes of 32 bits. Each is there as often as it occurs.
#[derive(Debug, Default)]
pub struct SentenceFeatures {
    /// Of words, and of pairs of words.
    pub words: Vec<u32>,
    /// Of three to five letters in a row.
    pub letters: Vec<u32>,
}

impl Sink for SentenceFeatures {
    fn word(&mut self, hash: u32) {
        self.words.push(hash);
    }

    fn letters(&mut self, hash: u32) {
        self.letters.push(hash);
    }
}

/// The features of each sentence of a text, cut and normalised as the audit does it.
#[must_use]
pub fn toxicity_features(text: &str) -> Vec<SentenceFeatures> {
    let of_sentence = |bytes| {
        let mut features = SentenceFeatures::default();
        each(&plain(&text[bytes]), &mut features);
        features
    };
    sentences(text).map(of_sentence).collect()
}
