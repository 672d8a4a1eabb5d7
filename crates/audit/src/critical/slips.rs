//! Separates slips of spelling and grammar from replaced words.

use std::ops::Range;

use flywheel_text::{
    numbers::number_key,
    spelling::{is_misspelling, is_of_grammar, is_same_word},
};

use super::super::changed::Middle;
use super::diff::hunks;
use super::item::is_listed;
use super::lexer::{Form, Token, lex};

/// A text, and some of its tokens.
type Part<'t> = (&'t str, &'t [Token]);

/// The maximum number of replaced words. More at once are a rewording, not word for word.
const MOST_SWAPPED: usize = 4;

/// Returns the words that others replace, one for one. Two words that are both [listed](is_listed) are items of their
/// own.
pub(super) fn other_words<'t>((rejected, old): Part<'t>, (chosen, new): Part<'t>) -> Vec<(&'t Token, &'t Token)> {
    let (from, to) = (words(old), words(new));
    if from.len() != to.len() || from.len() > MOST_SWAPPED {
        return Vec::new();
    }
    let is_other = |(from, to): &(&Token, &Token)| {
        let (from, to) = (word(rejected, from), word(chosen, to));
        is_other_word(from, to) && !(is_listed(from) && is_listed(to))
    };
    from.into_iter().zip(to).filter(is_other).collect()
}

/// Returns `true` if two short texts differ in more than spelling, grammar, punctuation and looks.
pub(in super::super) fn is_more_than_slips(rejected: &str, chosen: &str) -> bool {
    let (old, new) = (lex(&Middle::new(rejected, 0, 0)), lex(&Middle::new(chosen, 0, 0)));
    hunks(&old, &new).into_iter().any(|(from, to)| !is_slip((rejected, &old, from), (chosen, &new, to)))
}

fn is_slip(
    (rejected, old, from): (&str, &[Token], Range<usize>),
    (chosen, new, to): (&str, &[Token], Range<usize>),
) -> bool {
    let is_operator = |text: &str, token: &Token| {
        token.form == Form::Operator && !matches!(word(text, token), "-" | "--" | "*" | "**" | "/" | "−")
    };
    let (removed, added) = (&old[from.clone()], &new[to.clone()]);
    if removed.iter().any(|token| is_operator(rejected, token)) || added.iter().any(|token| is_operator(chosen, token))
    {
        return false;
    }
    let (removed_words, added_words) = (words(removed), words(added));
    match (removed_words.as_slice(), added_words.as_slice()) {
        ([], []) => true,
        (words, []) => mends_grammar(rejected, words) || is_repeated(old, &from),
        ([], words) => mends_grammar(chosen, words),
        (before, after) if before.len() == after.len() => {
            before.iter().zip(after).all(|(before, after)| !is_other_word(word(rejected, before), word(chosen, after)))
        }
        // `alot` and `a lot`, `every day` and `everyday`.
        (before, after) => is_misspelling(&joined(rejected, before), &joined(chosen, after)),
    }
}

fn words(tokens: &[Token]) -> Vec<&Token> {
    tokens.iter().filter(|token| token.form == Form::Word).collect()
}

fn word<'t>(text: &'t str, token: &Token) -> &'t str {
    &text[token.bytes.clone()]
}

fn joined(text: &str, words: &[&Token]) -> String {
    words.iter().map(|token| word(text, token)).collect()
}

fn mends_grammar(text: &str, words: &[&Token]) -> bool {
    words.iter().all(|token| is_of_grammar(word(text, token)))
}

/// Returns `true` if the removed tokens stand before or behind them once more: `to the to the`.
fn is_repeated(tokens: &[Token], taken: &Range<usize>) -> bool {
    let is_same = |other: Option<&[Token]>| {
        other.is_some_and(|other| {
            other.iter().map(|token| token.hash).eq(tokens[taken.clone()].iter().map(|token| token.hash))
        })
    };
    let before = taken.start.checked_sub(taken.len()).map(|start| start..taken.start);
    is_same(before.and_then(|before| tokens.get(before))) || is_same(tokens.get(taken.end..taken.end + taken.len()))
}

fn is_other_word(from: &str, to: &str) -> bool {
    if let (Some(from), Some(to)) = (number_key(from), number_key(to)) {
        return from != to;
    }
    if is_part_of_word(from) && is_part_of_word(to) {
        return false;
    }
    // `GET` and `GETS`, `ASC` and `DESC` are values.
    let are_values = is_in_capitals(from) && is_in_capitals(to);
    if are_values { !is_misspelling(from, to) } else { !is_same_word(from, to) }
}

fn is_in_capitals(word: &str) -> bool {
    word.chars().count() > 1 && word.chars().all(char::is_uppercase)
}

/// Returns `true` if a token is a letter of a script without spaces, such as kana and Thai. A Han character is a word.
fn is_part_of_word(token: &str) -> bool {
    let mut letters = token.chars();
    let is_one = |letter: char| {
        let is_han = matches!(u32::from(letter), 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF);
        letter.is_alphabetic() && !letter.is_ascii() && !is_han
    };
    letters.next().is_some_and(is_one) && letters.next().is_none()
}
