//! Words near a number that name its kind.

use std::ops::Range;

/// The maximum distance of a word before its number: "my card number is", "please call me back at".
const BEFORE: usize = 40;
/// The maximum distance of a word behind its number: "-Office", " fax".
const AFTER: usize = 12;

/// Returns `true` if one of `words` (in lower case) stands shortly before or right behind `place`, as a word of its
/// own.
pub(super) fn are_near(text: &str, place: &Range<usize>, words: &[&str]) -> bool {
    let bytes = text.as_bytes();
    stand_before(text, place.start, words) || has_word(&bytes[place.end..bytes.len().min(place.end + AFTER)], words)
}

/// Returns `true` if one of `words` stands shortly before `start`.
pub(super) fn stand_before(text: &str, start: usize, words: &[&str]) -> bool {
    has_word(&text.as_bytes()[start.saturating_sub(BEFORE)..start], words)
}

fn has_word(window: &[u8], words: &[&str]) -> bool {
    // Most numbers of a table have only more numbers beside them.
    if !window.iter().fold(false, |any, byte| any | byte.is_ascii_alphabetic()) {
        return false;
    }
    let is_letter = |at: usize| window.get(at).is_some_and(u8::is_ascii_alphabetic);
    // The last word of a constant's name, `SET_VRING_CALL`, says nothing of the constant's value.
    let is_of_constant = |at: usize| window[at - 1] == b'_' && window[at].is_ascii_uppercase();
    let starts = |at: &usize| is_letter(*at) && (*at == 0 || !(is_letter(at - 1) || is_of_constant(*at)));
    (0..window.len()).filter(starts).any(|at| {
        words.iter().any(|word| {
            let end = at + word.len();
            window.get(at..end).is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
                && (!is_letter(end) || (window[end].eq_ignore_ascii_case(&b's') && !is_letter(end + 1)))
        })
    })
}
