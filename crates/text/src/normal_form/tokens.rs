//! A text in pieces that have one normal form each, however they are spelled.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;

use super::quotes::{code_of, straight};
use crate::code::is_line_end;
use crate::tokens::exact_hash;

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Its place in the text.
    pub(super) bytes: Range<usize>,
}

/// The kinds of pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A run of anything but white space.
    Word,
    /// White space within a line.
    Spaces,
    /// A line end, with the white space before it.
    LineEnd,
}

/// Returns `true` for white space within a line.
fn is_blank(character: char) -> bool {
    character.is_whitespace() && !is_line_end(character)
}

/// Returns `true` for the space and its look-alikes: the no-break spaces, and those of a fixed width.
pub(super) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}')
}

/// Returns the tokens of a part of a text, in order and without gaps.
pub(super) fn tokens(text: &str, part: Range<usize>) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = part.start;
    while at < part.end {
        let rest = &text[at..part.end];
        let length = |is: fn(char) -> bool| rest.find(|character| !is(character)).unwrap_or(rest.len());
        let blanks = length(is_blank);
        let (kind, length) = match (blanks, line_end_of(&rest[blanks..]).len()) {
            (0, 0) => (Kind::Word, length(|character| !character.is_whitespace())),
            (blanks, 0) => (Kind::Spaces, blanks),
            (blanks, line_end) => (Kind::LineEnd, blanks + line_end),
        };
        tokens.push(Token { kind, bytes: at..at + length });
        at += length;
    }
    tokens
}

/// Returns the line end at the start of a text; empty if there is none.
pub(super) fn line_end_of(text: &str) -> &str {
    if text.starts_with("\r\n") {
        return &text[..2];
    }
    let first = text.chars().next().filter(|first| is_line_end(*first));
    &text[..first.map_or(0, char::len_utf8)]
}

/// A text of an edit, and its code in which quotes matter.
#[derive(Debug)]
pub(super) struct Side<'t> {
    pub(super) text: &'t str,
    pub(super) code: Vec<Range<usize>>,
}

impl<'t> Side<'t> {
    /// Creates a side. Code matters where either text of the edit has curly quotes.
    pub(super) fn new(text: &'t str, has_curly_quotes: bool) -> Self {
        Self { text, code: if has_curly_quotes { code_of(text) } else { Vec::new() } }
    }

    /// Returns a token in its normal form.
    pub(super) fn normal(&self, token: &Token) -> Cow<'t, str> {
        let text = &self.text[token.bytes.clone()];
        match token.kind {
            Kind::LineEnd => Cow::Borrowed("\n"),
            _ if text.is_ascii() => Cow::Borrowed(text),
            Kind::Spaces => text.chars().map(|blank| if is_space(blank) { ' ' } else { blank }).collect(),
            Kind::Word => text.chars().map(|character| straight(character).unwrap_or(character)).nfc().collect(),
        }
    }

    /// Returns a hash that tokens of the same normal form share. Others may share it, too, so a caller must compare the
    /// forms.
    pub(super) fn hash(&self, token: &Token) -> u64 {
        let normal = self.normal(token);
        exact_hash(&normal, 0..normal.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(Kind, &str)> {
        tokens(text, 0..text.len()).into_iter().map(|token| (token.kind, &text[token.bytes])).collect()
    }

    #[test]
    fn line_ends_are_tokens_with_the_blanks_before_them() {
        use Kind::{LineEnd, Spaces, Word};
        assert_eq!(
            cut("a \u{a0}b  \r\n\n\tc\u{2028}"),
            [
                (Word, "a"),
                (Spaces, " \u{a0}"),
                (Word, "b"),
                (LineEnd, "  \r\n"),
                (LineEnd, "\n"),
                (Spaces, "\t"),
                (Word, "c"),
                (LineEnd, "\u{2028}"),
            ]
        );
        assert_eq!(cut(""), []);
    }

    #[test]
    fn spellings_of_one_form_are_the_same_and_no_others() {
        let normal = |text: &str| {
            let side = Side::new(text, true);
            side.normal(&tokens(text, 0..text.len())[0]).into_owned()
        };
        for (left, right) in [
            (" \r\n", "\n"),
            ("\u{a0}", " "),
            ("cafe\u{301}", "caf\u{e9}"),
            ("\u{201c}a\u{201d}", "\"a\""),
            ("it\u{2019}s", "it's"),
        ] {
            assert_eq!(normal(left), normal(right));
        }
        for (left, right) in
            [("\t", " "), ("  ", " "), ("'", "\""), ("\u{ab}a\u{bb}", "\"a\""), ("\u{3000}", " "), ("\u{2014}", "-")]
        {
            assert_ne!(normal(left), normal(right));
        }
    }
}
