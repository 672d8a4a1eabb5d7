//! The interface of the training script, so that the model is trained on the same features that the audit reads.

use flywheel_text::{plain::plain, sentences::sentences};

use super::features::{Sink, each};

/// The features of one sentence, as hashes of 32 bits. Each is there as often as it occurs.
#[derive(Debug, Default)]
pub struct SentenceFeatures {
    /// Words, and pairs of words.
    pub words: Vec<u32>,
    /// Three to five letters in a row.
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

/// Returns the features of each sentence of a text, cut and normalised as in the audit.
#[must_use]
pub fn features_of(text: &str) -> Vec<SentenceFeatures> {
    let of_sentence = |bytes| {
        let mut features = SentenceFeatures::default();
        each(&plain(&text[bytes]), &mut features);
        features
    };
    sentences(text).map(of_sentence).collect()
}
