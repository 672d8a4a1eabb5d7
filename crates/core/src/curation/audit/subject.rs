//! The input of checks: the texts of an edit, and the user's additions.

use crate::text::plain::plain;
use crate::text::sentences::added_sentences;
use std::ops::Range;

/// The texts of one edit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts<'t> {
    pub(crate) prompt: &'t str,
    pub(crate) chosen: &'t str,
    pub(crate) rejected: &'t str,
}

/// An edit as most checks see it.
#[derive(Debug)]
pub(crate) struct Subject<'t> {
    pub(crate) texts: Texts<'t>,
    /// The sentences of `chosen` that are not in `rejected` as they are, in order.
    pub(crate) added: Vec<Sentence<'t>>,
}

/// A sentence that the user added or changed.
#[derive(Debug)]
pub(crate) struct Sentence<'t> {
    /// The place in `chosen`.
    pub(crate) bytes: Range<usize>,
    /// The user's spelling.
    pub(crate) text: &'t str,
    /// The plain form: lower case, without the disguises that hide words from a machine. See [`plain`].
    pub(crate) plain: String,
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
