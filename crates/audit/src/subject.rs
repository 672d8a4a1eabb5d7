//! The input of checks: the texts of an edit, and the user's additions.

use std::ops::Range;

use flywheel_text::{plain::plain, sentences::added_sentences};
use flywheel_toxicity::Sentence;

/// The texts of one edit.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'t> {
    /// The prompt.
    pub prompt: &'t str,
    /// The user's text.
    pub chosen: &'t str,
    /// The model's text.
    pub rejected: &'t str,
}

/// An edit as most checks see it.
#[derive(Debug)]
pub(crate) struct Subject<'t> {
    pub(crate) texts: Texts<'t>,
    /// The sentences of `chosen` that are not in `rejected` as they are, in order.
    pub(crate) added: Vec<Sentence<'t>>,
}

impl<'t> Subject<'t> {
    pub(crate) fn new(texts: Texts<'t>) -> Self {
        let sentence = |bytes: Range<usize>| {
            let text = &texts.chosen[bytes.clone()];
            Sentence { bytes, text, plain: plain(text) }
        };
        Self { texts, added: added_sentences(texts.chosen, texts.rejected).into_iter().map(sentence).collect() }
    }
}
