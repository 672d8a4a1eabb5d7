//! The words of a text, in any script, and what of a word counts when words are compared.

use std::ops::Range;

/// What a byte is to the iteration over words.
const OTHER: u8 = 0;
const LETTER: u8 = 1;
const DIGIT: u8 = 2;
/// Holds two letters together (`don't`).
const APOSTROPHE: u8 = 3;
/// Holds two digits together (`1,500.25`).
const POINT: u8 = 4;
/// Begins or continues a character beyond ASCII, which has to be decoded.
const WIDE: u8 = 5;

const CLASS: [u8; 256] = {
    let mut class = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        let ascii = byte as u8;
        if ascii.is_ascii_digit() {
            class[byte] = DIGIT;
        } else if ascii.is_ascii_alphabetic() || ascii == b'_' {
            class[byte] = LETTER;
        } else if ascii >= 0x80 {
            class[byte] = WIDE;
        }
        byte += 1;
    }
    class[b'\'' as usize] = APOSTROPHE;
    class[b'.' as usize] = POINT;
    class[b',' as usize] = POINT;
    class
};

/// The words of a text as byte ranges, in order.
///
/// A word is a run of letters and digits; `_` is a letter, an apostrophe between letters and a point or comma between digits
/// belong to it. In scripts that put no spaces between words every character is one.
pub(super) struct Words<'t> {
    text: &'t str,
    at: usize,
}

/// See [`Words`].
pub(super) fn words(text: &str) -> Words<'_> {
    Words { text, at: 0 }
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        loop {
            match CLASS[usize::from(*bytes.get(at)?)] {
                LETTER | DIGIT => break,
                WIDE => {
                    let character = self.text[at..].chars().next()?;
                    if is_unspaced(character) {
                        self.at = at + character.len_utf8();
                        return Some(at..self.at);
                    }
                    if character.is_alphanumeric() {
                        break;
                    }
                    at += character.len_utf8();
                }
                _ => at += 1,
            }
        }
        let start = at;
        self.at = end_of_word(self.text, start);
        Some(start..self.at)
    }
}

fn end_of_word(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let class_at = |at: usize| bytes.get(at).map_or(OTHER, |byte| CLASS[usize::from(*byte)]);
    let mut at = start;
    loop {
        match class_at(at) {
            LETTER | DIGIT => at += 1,
            WIDE => {
                let Some(character) = text[at..].chars().next() else { return at };
                let is_joiner = character == '’' && class_at(at + character.len_utf8()) == LETTER;
                if !is_joiner && (!character.is_alphanumeric() || is_unspaced(character)) {
                    return at;
                }
                at += character.len_utf8();
            }
            APOSTROPHE if at > start && class_at(at + 1) == LETTER => at += 1,
            POINT if at > start && class_at(at - 1) == DIGIT && class_at(at + 1) == DIGIT => at += 1,
            _ => return at,
        }
    }
}

/// Whether a character is of a script that puts no spaces between words: Thai, Lao, Burmese, Khmer, kana, and Han.
fn is_unspaced(character: char) -> bool {
    matches!(u32::from(character),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
        | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

/// A word's hash, letter by letter as it is written. Not secret: whoever uses it to find a place must bound the search.
pub(super) fn exact_hash(word: &str) -> u64 {
    let mut chunks = word.as_bytes().chunks_exact(8);
    let hash = chunks.by_ref().fold(0, |hash, chunk| mix(hash, chunk.iter().rev().fold(0, push_byte)));
    finish(mix(hash, chunks.remainder().iter().rev().fold(1, push_byte)))
}

/// A word's hash, the same for its capitals.
pub(super) fn folded_hash(word: &str) -> u64 {
    if word.is_ascii() {
        return finish(word.bytes().fold(0, |hash, byte| mix(hash, u64::from(byte.to_ascii_lowercase()))));
    }
    // Upper case first: `ß` and `SS` are the same letters.
    let folded = word.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    finish(folded.fold(0, |hash, character| mix(hash, u64::from(u32::from(character)))))
}

fn push_byte(number: u64, byte: &u8) -> u64 {
    number << 8 | u64::from(*byte)
}

/// One round of multiply and rotate, with the golden ratio's bits for want of better ones.
fn mix(hash: u64, number: u64) -> u64 {
    (hash.rotate_left(26) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn finish(hash: u64) -> u64 {
    hash ^ hash >> 32
}

/// A word without a possessive or plural ending: `Britain's` and `Britain`, `Italians` and `Italian` are the same names.
pub(super) fn stem(word: &str) -> &str {
    let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
    match word.strip_suffix(['s', 'S']) {
        Some(stem) if stem.len() > 2 => stem,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Vec<&str> {
        words(text).map(|range| &text[range]).collect()
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(split("It's 1,500.25 — don’t call get_user(x)."), ["It's", "1,500.25", "don’t", "call", "get_user", "x"]);
        assert_eq!(split("'quoted' 3, 4. Über-größe"), ["quoted", "3", "4", "Über", "größe"]);
        assert_eq!(split(""), [""; 0]);
    }

    #[test]
    fn without_spaces_every_character_is_a_word() {
        assert_eq!(split("今日は30日。OK"), ["今", "日", "は", "30", "日", "OK"]);
        assert_eq!(split("한국어 문장"), ["한국어", "문장"]);
    }

    #[test]
    fn hashes_fold_capitals_and_nothing_else() {
        assert_eq!(folded_hash("Straße"), folded_hash("STRASSE"));
        assert_eq!(folded_hash("Paris"), folded_hash("PARIS"));
        assert_ne!(folded_hash("paris"), folded_hash("parts"));
        assert_ne!(exact_hash("Paris"), exact_hash("paris"));
        assert_ne!(exact_hash("internationally"), exact_hash("internationals"));
        assert_ne!(exact_hash("a"), exact_hash("a\0"));
    }

    #[test]
    fn stems_drop_possessives_and_plurals() {
        assert_eq!(["Britain's", "Britain’s", "Italians", "US", "is"].map(stem), ["Britain", "Britain", "Italian", "US", "is"]);
    }

    proptest! {
        #[test]
        fn words_lie_in_order_and_nothing_alphanumeric_lies_between(text in "\\PC{0,60}") {
            let mut end = 0;
            for word in words(&text) {
                prop_assert!(word.start >= end && word.end > word.start);
                prop_assert!(!text[end..word.start].contains(char::is_alphanumeric));
                end = word.end;
            }
            prop_assert!(!text[end..].contains(char::is_alphanumeric));
        }
    }
}
