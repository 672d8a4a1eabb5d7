//! The words of a text, in any script, and their hashes for comparison.

use std::ops::Range;

/// The class of a byte in the iteration over words.
const BETWEEN: u8 = 0;
const LETTER: u8 = 1;
/// Belongs to a character beyond ASCII, which has to be decoded.
const WIDE: u8 = 2;
/// May join letters or digits: `don't`, `1,500.25`.
const JOINER: u8 = 3;

const CLASS: [u8; 256] = {
    let mut class = [BETWEEN; 256];
    let mut byte = 0;
    while byte < 256 {
        let ascii = byte as u8;
        if ascii.is_ascii_alphanumeric() || ascii == b'_' {
            class[byte] = LETTER;
        } else if ascii >= 0x80 {
            class[byte] = WIDE;
        }
        byte += 1;
    }
    class[b'\'' as usize] = JOINER;
    class[b'.' as usize] = JOINER;
    class[b',' as usize] = JOINER;
    class
};

fn class_of(byte: u8) -> u8 {
    CLASS[usize::from(byte)]
}

/// The words of a text as byte ranges, in order.
///
/// A word is a run of letters and digits; `_` is a letter. An apostrophe between letters and a point or comma between
/// digits belong to the word. In scripts that put no spaces between words every character is one.
#[derive(Debug)]
pub struct Words<'t> {
    text: &'t str,
    at: usize,
}

/// See [`Words`].
pub fn words(text: &str) -> Words<'_> {
    Words { text, at: 0 }
}

/// Returns the words of a part of a text, as ranges of the whole. The part must begin and end between words.
pub fn words_in(text: &str, part: Range<usize>) -> Words<'_> {
    Words { text: &text[..part.end], at: part.start }
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    // Inlined: out of line, every word passes through memory in two halves and comes back as one, which stalled for
    // half of the time.
    #[inline(always)]
    fn next(&mut self) -> Option<Range<usize>> {
        let bytes = self.text.as_bytes();
        let start = self.at + bytes[self.at..].iter().position(|byte| matches!(class_of(*byte), LETTER | WIDE))?;
        if class_of(bytes[start]) == WIDE {
            return self.next_wide(start);
        }
        self.at = end_of_letters(bytes, start);
        if bytes.get(self.at).is_some_and(|byte| class_of(*byte) != BETWEEN) {
            self.at = end_of_word(self.text, self.at);
        }
        Some(start..self.at)
    }
}

impl Words<'_> {
    /// Returns the next word if the character at `start` is not ASCII.
    #[inline(never)]
    fn next_wide(&mut self, start: usize) -> Option<Range<usize>> {
        let mut characters = self.text[start..].char_indices();
        let (offset, first) = characters.find(|(_, character)| character.is_alphanumeric())?;
        let start = start + offset;
        let end = start + first.len_utf8();
        self.at = if is_unspaced(first) { end } else { end_of_word(self.text, end) };
        Some(start..self.at)
    }
}

/// Returns the end of a run of ASCII letters and digits. It reads eight bytes at a time: a processor predicts a word's
/// end badly, and in most words this leaves nothing to predict.
fn end_of_letters(bytes: &[u8], mut at: usize) -> usize {
    while let Some(eight) = bytes[at..].first_chunk() {
        let others = !letters(u64::from_le_bytes(*eight)) & HIGH_BITS;
        if others != 0 {
            return at + others.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let length = bytes[at..].iter().position(|byte| class_of(*byte) != LETTER);
    length.map_or(bytes.len(), |length| at + length)
}

const HIGH_BITS: u64 = spread(0x80);

/// Returns the high bits of those of eight bytes that are ASCII letters, digits or `_`. A sum of two numbers of seven
/// bits stays within its byte, and its high bit shows that a bound is reached.
fn letters(eight: u64) -> u64 {
    let reaches = |value: u64, bound: u8| value + spread(0x80 - bound);
    let low = eight & !HIGH_BITS;
    let lower = low | spread(0x20);
    let alphabetic = reaches(lower, b'a') & !reaches(lower, b'z' + 1);
    let digit = reaches(low, b'0') & !reaches(low, b'9' + 1);
    let underscore = !((low ^ spread(b'_')) + spread(0x7F));
    (alphabetic | digit | underscore) & !eight & HIGH_BITS
}

const fn spread(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Returns the end of the word whose first characters end at `at`.
#[inline(never)]
fn end_of_word(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    loop {
        at = end_of_letters(bytes, at);
        let Some(next) = text[at..].chars().next() else { return at };
        let after = at + next.len_utf8();
        let following = bytes.get(after).copied().unwrap_or_default();
        let goes_on = match next {
            '\'' | '’' => following.is_ascii_alphabetic(),
            '.' | ',' => bytes[at - 1].is_ascii_digit() && following.is_ascii_digit(),
            _ => next.is_alphanumeric() && !is_unspaced(next),
        };
        if !goes_on {
            return at;
        }
        at = after;
    }
}

/// Returns `true` for a script that puts no spaces between words: Thai, Lao, Burmese, Khmer, kana, and Han.
fn is_unspaced(character: char) -> bool {
    matches!(u32::from(character),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
        | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

/// Returns the hash of a part of a text, byte by byte as written. It is not secret: a caller that finds a place by it
/// must bound the search.
pub fn exact_hash(text: &str, part: Range<usize>) -> u64 {
    let bytes = text.as_bytes();
    let hash = part.clone().step_by(8).fold(part.len() as u64, |hash, at| mix(hash, load(bytes, at, part.end)));
    hash ^ hash >> 32
}

/// Returns a word's hash, the same for any capitals.
pub fn folded_hash(text: &str, word: Range<usize>) -> u64 {
    /// Bit 5 of an ASCII letter is its case. In the other bytes of a word it is set or does not matter.
    const LOWER: u64 = 0x2020_2020_2020_2020;
    const WIDE: u64 = 0x8080_8080_8080_8080;
    let (bytes, mut hash, mut wide) = (text.as_bytes(), word.len() as u64, 0);
    for at in word.clone().step_by(8) {
        let letters = load(bytes, at, word.end);
        wide |= letters & WIDE;
        hash = mix(hash, letters | LOWER & keep(word.end - at));
    }
    if wide != 0 {
        return folded_wide_hash(text, word);
    }
    hash ^ hash >> 32
}

fn folded_wide_hash(text: &str, word: Range<usize>) -> u64 {
    // In scripts where every character is a word, no character has a case.
    if text[word.clone()].starts_with(is_unspaced) {
        return exact_hash(text, word);
    }
    // Upper case first: `ß` and `SS` are the same letters.
    let folded = || text[word.clone()].chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    if folded().eq(text[word.clone()].chars()) {
        return exact_hash(text, word);
    }
    let folded: String = folded().collect();
    let all = 0..folded.len();
    if folded.is_ascii() { folded_hash(&folded, all) } else { exact_hash(&folded, all) }
}

/// Loads up to eight bytes from `at`, and none from `end` on.
fn load(bytes: &[u8], at: usize, end: usize) -> u64 {
    match bytes[at..].first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight) & keep(end - at),
        None => bytes[at..end].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)),
    }
}

/// Returns ones in the lowest `length` bytes; `length` is at least 1.
fn keep(length: usize) -> u64 {
    u64::MAX >> (64 - 8 * length.min(8))
}

/// Runs one round of multiply and rotate, with the golden ratio's bits for want of better ones.
fn mix(hash: u64, number: u64) -> u64 {
    (hash.rotate_left(26) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Returns a word without a possessive or plural ending: `Britain's` and `Britain`, `Italians` and `Italian` are the
/// same names.
pub fn stem(word: &str) -> &str {
    let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
    match word.strip_suffix(['s', 'S']) {
        Some(stem) if stem.len() > 2 => stem,
        _ => word,
    }
}

/// Returns the hash of a word's stem, the same for any capitals.
pub fn stem_hash(text: &str, word: Range<usize>) -> u64 {
    let end = word.start + stem(&text[word.clone()]).len();
    folded_hash(text, word.start..end)
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
        assert_eq!(
            split("It's 1,500.25 — don’t call get_user(x)."),
            ["It's", "1,500.25", "don’t", "call", "get_user", "x"]
        );
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
        let folded = |word: &str| folded_hash(word, 0..word.len());
        let exact = |word: &str| exact_hash(word, 0..word.len());
        // `ß` has as many bytes as `SS`.
        assert_eq!(folded("Straße"), folded("STRASSE"));
        assert_eq!(folded("İstanbul"), folded("i̇STANBUL"));
        assert_eq!(folded("Internationally"), folded("INTERNATIONALLY"));
        assert_ne!(folded("paris"), folded("parts"));
        assert_ne!(exact("Paris"), exact("paris"));
        assert_ne!(exact("internationally"), exact("internationals"));
        assert_ne!(exact("a"), exact("a\0"));
    }

    #[test]
    fn a_hash_does_not_depend_on_what_stands_around() {
        let text = "parisians in paris, paris";
        assert_eq!(exact_hash(text, 13..18), exact_hash(text, 20..25));
        assert_eq!(folded_hash(text, 13..18), folded_hash("PARIS", 0..5));
        assert_eq!(stem_hash("the Parisian's", 4..14), stem_hash("parisians", 0..9));
    }

    #[test]
    fn stems_drop_possessives_and_plurals() {
        assert_eq!(
            ["Britain's", "Britain’s", "Italians", "US", "is"].map(stem),
            ["Britain", "Britain", "Italian", "US", "is"]
        );
    }

    proptest! {
        #[test]
        fn eight_bytes_at_once_are_what_each_is(eight in any::<[u8; 8]>()) {
            let letters = letters(u64::from_le_bytes(eight)).to_le_bytes();
            for (byte, mark) in eight.into_iter().zip(letters) {
                prop_assert_eq!(mark == 0x80, class_of(byte) == LETTER, "{}", byte);
                prop_assert!(mark & 0x7F == 0);
            }
        }

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
