//! The differences of two token sequences that are nearly the same.

use std::ops::Range;

use super::lexer::Token;

/// The reach of the search for the next agreement, in tokens of both sequences together.
const REACH: usize = 24;

/// The maximum number of partings. Few edits of a twentieth have more, and more gain an attacker nothing: the first
/// ones still count.
const MOST_PARTINGS: usize = 128;

/// Returns the places that differ, in order. It walks both sequences side by side. At a parting it finds the nearest
/// place where two tokens in a row are equal again (one, after a single replaced token). The result is not always the
/// shortest difference, but for few changes it is, in linear time.
pub(super) fn hunks(old: &[Token], new: &[Token]) -> Vec<(Range<usize>, Range<usize>)> {
    let mut hunks: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    let (mut at_old, mut at_new, mut partings) = (0, 0, 0);
    while (at_old < old.len() || at_new < new.len()) && partings < MOST_PARTINGS {
        if at_old < old.len() && at_new < new.len() && old[at_old].hash == new[at_new].hash {
            (at_old, at_new) = (at_old + 1, at_new + 1);
            continue;
        }
        partings += 1;
        let (skip_old, skip_new) = meeting(&old[at_old..], &new[at_new..]);
        let hunk = (at_old..at_old + skip_old, at_new..at_new + skip_new);
        (at_old, at_new) = (hunk.0.end, hunk.1.end);
        match hunks.last_mut() {
            Some(last) if last.0.end == hunk.0.start && last.1.end == hunk.1.start => {
                (last.0.end, last.1.end) = (hunk.0.end, hunk.1.end);
            }
            _ => hunks.push(hunk),
        }
    }
    hunks
}

/// Returns the number of tokens to skip in each sequence until they agree again; one of each if they do not soon. At
/// least one of both is not 0.
fn meeting(old: &[Token], new: &[Token]) -> (usize, usize) {
    if old.is_empty() || new.is_empty() {
        return (old.len(), new.len());
    }
    let agrees = |skip_old: usize, skip_new: usize| {
        let (old, new) = (&old[skip_old..], &new[skip_new..]);
        let is_equal = |ahead: usize| old.get(ahead).map(|token| token.hash) == new.get(ahead).map(|token| token.hash);
        is_equal(0) && (is_equal(1) || (skip_old, skip_new) == (1, 1))
    };
    for skipped in 1..=REACH {
        let splits = (0..=skipped).map(|skip_old| (skip_old, skipped - skip_old));
        let mut splits = splits.filter(|(skip_old, skip_new)| *skip_old <= old.len() && *skip_new <= new.len());
        if let Some(split) = splits.find(|(skip_old, skip_new)| agrees(*skip_old, *skip_new)) {
            return split;
        }
    }
    (1, 1)
}

#[cfg(test)]
mod tests {
    use super::super::super::changed::Middle;
    use super::super::lexer::lex;
    use super::*;
    use proptest::prelude::*;

    fn tokens(text: &str) -> Vec<Token> {
        lex(&Middle::new(text, 0, 0))
    }

    fn changes(old: &str, new: &str) -> Vec<(String, String)> {
        let (old_tokens, new_tokens) = (tokens(old), tokens(new));
        let join = |text: &str, tokens: &[Token]| {
            tokens.iter().map(|token| &text[token.bytes.clone()]).collect::<Vec<_>>().join(" ")
        };
        let hunks = hunks(&old_tokens, &new_tokens).into_iter();
        hunks.map(|(from, to)| (join(old, &old_tokens[from]), join(new, &new_tokens[to]))).collect()
    }

    #[test]
    fn only_what_differs_is_named() {
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(changes("pay in 30 days or so", "pay in 14 days or so"), [pair("30", "14")]);
        assert_eq!(changes("it is safe", "it is not safe"), [pair("", "not")]);
        assert_eq!(changes("x = 5;", "y = 6;"), [pair("x", "y"), pair("5", "6")]);
        assert_eq!(changes("a > b", "a >= b"), [pair(">", ">=")]);
        assert_eq!(changes("The End", "the  end "), []);
        assert_eq!(changes("", "a b"), [pair("", "a b")]);
    }

    proptest! {
        #[test]
        fn what_lies_between_hunks_is_equal(old in "([a-c] ){0,40}", new in "([a-c] ){0,40}") {
            let (old_tokens, new_tokens) = (tokens(&old), tokens(&new));
            prop_assert!(old_tokens.len() < MOST_PARTINGS && new_tokens.len() < MOST_PARTINGS);
            let (mut at_old, mut at_new) = (0, 0);
            for (from, to) in hunks(&old_tokens, &new_tokens) {
                let hashes = |tokens: &[Token]| tokens.iter().map(|token| token.hash).collect::<Vec<_>>();
                prop_assert_eq!(hashes(&old_tokens[at_old..from.start]), hashes(&new_tokens[at_new..to.start]));
                (at_old, at_new) = (from.end, to.end);
            }
            prop_assert_eq!(old_tokens.len() - at_old, new_tokens.len() - at_new);
        }
    }
}
