//! Cuts a text into words, operators and punctuation marks.

use std::ops::Range;

use flywheel_text::tokens::{exact_hash, folded_hash};

use super::super::changed::Middle;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// The place in the whole text.
    pub(super) bytes: Range<usize>,
    /// The hash of the token. Tokens that differ only in capitals share it.
    pub(super) hash: u64,
    pub(super) form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Word,
    /// A run of characters for calculation and comparison in programs and formulas.
    Operator,
    Mark,
}

/// Returns the tokens of the middle of a text, in order. White space is no token.
pub(super) fn lex(middle: &Middle<'_>) -> Vec<Token> {
    let text = middle.text;
    let mut tokens = Vec::with_capacity(middle.words.len() * 2);
    let mut at = middle.bytes.start;
    for word in &middle.words {
        between_words(text, at..word.start, &mut tokens);
        at = word.end;
        tokens.push(token(text, word.clone(), Form::Word));
    }
    between_words(text, at..middle.bytes.end, &mut tokens);
    tokens
}

fn between_words(text: &str, gap: Range<usize>, tokens: &mut Vec<Token>) {
    let mut run: Option<Range<usize>> = None;
    for (offset, character) in text[gap.clone()].char_indices() {
        let bytes = gap.start + offset..gap.start + offset + character.len_utf8();
        if is_operator(character) {
            run = Some(run.map_or(bytes.start, |run| run.start)..bytes.end);
            continue;
        }
        tokens.extend(run.take().map(|run| token(text, run, Form::Operator)));
        if !character.is_whitespace() {
            tokens.push(token(text, bytes, Form::Mark));
        }
    }
    tokens.extend(run.map(|run| token(text, run, Form::Operator)));
}

fn token(text: &str, bytes: Range<usize>, form: Form) -> Token {
    let hash = if form == Form::Word { folded_hash(text, bytes.clone()) } else { exact_hash(text, bytes.clone()) };
    Token { bytes, hash, form }
}

fn is_operator(character: char) -> bool {
    matches!(character, '<' | '>' | '=' | '!' | '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '~')
        || matches!(character, '≤' | '≥' | '≠' | '×' | '÷' | '±' | '−')
}
