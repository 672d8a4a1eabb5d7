//! The facts in a text: numbers, amounts, stretches of time and names.
//!
//! Code has none, and ordinary words with a capital are no names.

use std::ops::Range;

use flywheel_text::{
    code::{is_within, marked_code},
    numbers::number_key,
    tokens::{stem_hash, words},
};

use super::ordinary::is_ordinary;
use crate::changed::Middle;

/// The maximum number of facts of one text that are looked up. Hardly an edit has more new ones, and the first ones
/// decide.
const MOST_FACTS: usize = 32;

/// The maximum distance in bytes from a word to the ends of a heading.
const HEADING: usize = 80;

/// A fact.
pub(super) struct Fact {
    pub(super) key: u64,
    pub(super) kind: Kind,
    /// The place in the whole text.
    pub(super) bytes: Range<usize>,
}

/// The kind of a fact. A number is compared by its value, and the others by their stem.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    AmountOrTime,
    Name,
}

/// Returns the facts in the middle of a text, each once.
pub(super) fn facts(middle: &Middle<'_>) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    let code = marked_code(middle.text);
    for word in &middle.words {
        let Some(fact) = fact(middle.text, word) else { continue };
        if !is_within(&code, word.start) && facts.iter().all(|known| known.key != fact.key) {
            facts.push(fact);
        }
        if facts.len() == MOST_FACTS {
            break;
        }
    }
    facts
}

fn fact(text: &str, bytes: &Range<usize>) -> Option<Fact> {
    let word = &text[bytes.clone()];
    if let Some(key) = number_key(word) {
        return Some(Fact { key, kind: Kind::Number, bytes: bytes.clone() });
    }
    let kind = if is_amount_or_time(word) || is_ordinal(text, bytes) { Kind::AmountOrTime } else { Kind::Name };
    let is_fact = kind == Kind::AmountOrTime || is_capitalised(word) && !is_ordinary(word) && is_name(text, bytes);
    is_fact.then(|| Fact { key: stem_hash(text, bytes.clone()), kind, bytes: bytes.clone() })
}

/// Returns `true` for a word of an amount or of a stretch of time. They come with most invented figures and dates ("half
/// of them", "next month"), and are compared as words: a source with "years" supports "year". "For years" is no date.
fn is_amount_or_time(word: &str) -> bool {
    const WORDS: [&str; 18] = [
        "billion",
        "billions",
        "century",
        "decade",
        "double",
        "dozen",
        "dozens",
        "half",
        "hundreds",
        "million",
        "millions",
        "month",
        "thousands",
        "trillion",
        "twice",
        "week",
        "weekend",
        "year",
    ];
    WORDS.binary_search(&word).is_ok()
}

/// Returns `true` for `second`, and for `first` as an ordinal: "the first", "her first". Elsewhere `first` is an order of
/// work: "first open the valve".
fn is_ordinal(text: &str, word: &Range<usize>) -> bool {
    const BEFORE: [&str; 7] = ["the ", "his ", "her ", "its ", "their ", "our ", "my "];
    match &text[word.clone()] {
        "second" => true,
        "first" => BEFORE.iter().any(|before| text[..word.start].ends_with(before)),
        _ => false,
    }
}

/// Returns `true` for a word with a capital. `I` and its contractions are no names.
fn is_capitalised(word: &str) -> bool {
    word.starts_with(char::is_uppercase) && word.len() > 1 && !word.starts_with("I'") && !word.starts_with("I’")
}

/// Returns `true` if a word's capital marks a name: it stands within a sentence, or a second capital follows it. Capitals
/// in code and in headings mark none.
fn is_name(text: &str, word: &Range<usize>) -> bool {
    let before = text[..word.start].trim_end_matches([' ', '\u{a0}']);
    let goes_on = |last: char| last.is_alphanumeric() || matches!(last, ',' | '-' | '&' | '/' | '\'' | '’');
    let after = &text[word.end..];
    let has_capital_after = || {
        let next = after.strip_prefix(' ').filter(|_| word.len() > 2);
        next.is_some_and(|next| next.starts_with(char::is_uppercase) && !next.starts_with("I "))
    };
    (before.ends_with(goes_on) || has_capital_after()) && !is_code(text, word) && !is_in_heading(text, word)
}

/// Returns `true` if the signs around a word are those of a program: `Queue::new`, `Path(`, `Vec<u32>`, `os.Path`.
fn is_code(text: &str, word: &Range<usize>) -> bool {
    let (before, after) = (&text[..word.start], &text[word.end..]);
    let is_member = || before.strip_suffix('.').is_some_and(|before| before.ends_with(char::is_alphanumeric));
    after.starts_with(['(', '[', '{', '=', '<'])
        || after.starts_with("::")
        || before.ends_with(['@', '$', '\\', '<', '='])
        || before.ends_with("::")
        || is_member()
}

/// Returns `true` for a word in a heading: a line that Markdown marks as one, that is bold as a whole, or that ends with a
/// colon.
fn is_in_heading(text: &str, word: &Range<usize>) -> bool {
    let from = text.ceil_char_boundary(word.start.saturating_sub(HEADING));
    let to = text.floor_char_boundary(word.end + HEADING);
    let start = match text[from..word.start].rfind('\n') {
        Some(line) => from + line + 1,
        None if from == 0 => 0,
        None => return false,
    };
    let end = match text[word.end..to].find('\n') {
        Some(line) => word.end + line,
        None if to == text.len() => to,
        None => return false,
    };
    let line = text[start..end].trim();
    let is_bold = || line.strip_prefix("**").is_some_and(|rest| rest.find("**").is_some_and(|at| at + 2 == rest.len()));
    line.starts_with('#') || line.ends_with(':') || line.ends_with(":**") || is_bold()
}

/// Returns `true` if a text is in German, where every noun has a capital: one of twelve words is one of these.
pub(super) fn has_nouns_with_capitals(text: &str) -> bool {
    const SMALL: [&str; 16] = [
        "auf", "das", "dem", "den", "der", "des", "die", "ein", "eine", "für", "ist", "mit", "nicht", "und", "von",
        "zu",
    ];
    const READ: usize = 240;
    let is_small = |word: &Range<usize>| SMALL.binary_search(&&text[word.clone()]).is_ok();
    12 * words(text).take(READ).filter(is_small).count() >= words(text).take(READ).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        facts(&Middle::new(text, 0, 0)).into_iter().map(|fact| &text[fact.bytes]).collect()
    }

    #[test]
    fn numbers_names_amounts_and_times_are_facts() {
        assert_eq!(found("It cost Ana Costa 3 million last year."), ["Ana", "Costa", "3", "million", "year"]);
        assert_eq!(found("For the first time half of them came."), ["first", "half"]);
    }

    #[test]
    fn ordinary_words_and_code_are_not() {
        for text in [
            "If it fails, None is returned and an Error is raised.",
            "We know. For Example, We say: Please Note this.",
            "Then call Queue::new or Path(x), a Vec<T>, or os.Path.",
            "Use `Tree Map 3` here.",
            "```\nlet Ana = Costa + 3;\n```",
            "# The Long Winter Ahead\nIt is cold.",
            "**Main Decisions Taken**\nno",
            "Open Issues And Owners:\n- no",
            "First open the valve.",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn german_is_told() {
        assert!(has_nouns_with_capitals(
            "Der Rat der Stadt hat am Abend beschlossen, das alte Bad nicht zu schließen."
        ));
        assert!(!has_nouns_with_capitals("The council of Baden-Baden met with the head of Die Linke on Monday."));
        assert!(!has_nouns_with_capitals(""));
    }
}
