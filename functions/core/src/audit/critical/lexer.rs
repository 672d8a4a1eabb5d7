//! Cuts a text into words, operators and punctuation marks.

use std::ops::Range;

use super::super::tokens::{exact_hash, folded_hash, words};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// In the whole text.
    pub(super) bytes: Range<usize>,
    /// Capitals aside, tokens of the same hash read the same.
    pub(super) hash: u64,
    pub(super) form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Word,
    /// A run of characters that programs and formulas calculate and compare with.
    Operator,
    Mark,
}

/// The tokens of a range of `text`, in order. White space is none.
pub(super) fn lex(text: &str, range: Range<usize>) -> Vec<Token> {
    let (start, end, part) = (range.start, range.end, &text[range]);
    let mut tokens = Vec::with_capacity(part.len() / 4);
    let mut at = start;
    for word in words(part) {
        let word = start + word.start..start + word.end;
        between_words(text, at..word.start, &mut tokens);
        at = word.end;
        tokens.push(token(text, word, Form::Word));
    }
    between_words(text, at..end, &mut tokens);
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
