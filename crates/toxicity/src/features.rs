//! The features of a text: its words, pairs of words, and three to five letters in a row of each word, as hashes.
//!
//! The training script gets its features from here, so that there is one implementation of them.

/// The maximum length of a word in bytes. Longer words are read in pieces of this length.
const LONGEST_WORD: usize = 40;

/// The size of a word's buffer: a space, the word, a space, and room to load eight bytes from wherever a word may end.
const BUFFER: usize = LONGEST_WORD + 2 + 8;

/// A receiver of the features of a text, each as often as it occurs. A feature is 32 bits, and its highest bits are the
/// best.
pub(super) trait Sink {
    /// Takes a word, or a pair of words.
    fn word(&mut self, hash: u32);
    /// Takes letters in a row.
    fn letters(&mut self, hash: u32);
    /// Takes a word once more, by its [`word_hash`], with its bytes and the number of them beyond ASCII. So the
    /// language check need not read the text again.
    fn heard(&mut self, _hash: u64, _bytes: usize, _wide: usize) {}
}

/// Passes the features of a text in its plain form (see [`flywheel_text::plain::plain`]) to `sink`.
///
/// A word is a run of letters, of any script; apostrophes are left out, and a number is one `0`. Mentions (`@name`) and
/// web addresses are left out: they say who is addressed, not how.
pub(super) fn each(plain: &str, sink: &mut impl Sink) {
    let bytes = plain.as_bytes();
    let mut buffer = [0; BUFFER];
    let mut before = 0_u64;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'@' {
            at = end_of_mention(bytes, at + 1);
            continue;
        }
        if !is_of_word(byte) {
            at += sign_length(byte);
            continue;
        }
        let length;
        (length, at) = read_word(bytes, at, &mut buffer);
        if bytes[at..].starts_with(b"://") {
            at += bytes[at..].iter().position(u8::is_ascii_whitespace).unwrap_or(bytes.len() - at);
            continue;
        }
        let letters = &buffer[1..=length];
        let word = word_hash(letters);
        sink.heard(word, length, letters.iter().filter(|byte| !byte.is_ascii()).count());
        sink.word((word >> 32) as u32);
        if before != 0 {
            sink.word((mix(before.rotate_left(7) ^ word) >> 32) as u32);
        }
        before = word;
        for_letters(&buffer, length, sink);
    }
}

/// Returns `true` if a byte is part of a word: a letter, a digit, or part of a character beyond ASCII that is no sign.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 && !is_start_of_sign(byte)
}

/// Returns `true` for the first byte of a non-letter: of the signs of Latin-1, and of punctuation, arrows, mathematics
/// and dingbats.
fn is_start_of_sign(byte: u8) -> bool {
    matches!(byte, 0xC2 | 0xE2)
}

/// Returns the number of bytes of the character between words that begins with `byte`.
fn sign_length(byte: u8) -> usize {
    match byte {
        0xC2 => 2,
        0xE2 => 3,
        _ => 1,
    }
}

/// Returns the end of the name that begins at `start`.
fn end_of_mention(bytes: &[u8], start: usize) -> usize {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    start + bytes[start..].iter().take_while(|byte| is_of_name(byte)).count()
}

/// Copies the word that begins at `at`, between spaces. Returns its length in the buffer, and its end.
fn read_word(bytes: &[u8], mut at: usize, buffer: &mut [u8; BUFFER]) -> (usize, usize) {
    buffer[0] = b' ';
    let mut length = 0;
    while length < LONGEST_WORD {
        let Some(&byte) = bytes.get(at) else { break };
        if !is_of_word(byte) {
            match apostrophe_length(&bytes[at..]) {
                Some(apostrophe) => at += apostrophe,
                None => break,
            }
            continue;
        }
        at += 1;
        let letter = if byte.is_ascii_digit() { b'0' } else { byte };
        if letter != b'0' || buffer[length] != b'0' {
            length += 1;
            buffer[length] = letter;
        }
    }
    buffer[length + 1] = b' ';
    buffer[length + 2..].fill(0);
    (length, at)
}

/// Returns the length of an apostrophe that has a letter behind it.
fn apostrophe_length(bytes: &[u8]) -> Option<usize> {
    let length = ["'", "’"].iter().find(|apostrophe| bytes.starts_with(apostrophe.as_bytes()))?.len();
    bytes.get(length).is_some_and(u8::is_ascii_alphabetic).then_some(length)
}

/// Returns the hash of a word; not 0.
pub(super) const fn word_hash(word: &[u8]) -> u64 {
    let mut hash = word.len() as u64;
    let mut at = 0;
    while at < word.len() {
        let mut number = 0;
        let mut byte = 0;
        while byte < 8 && at < word.len() {
            number |= (word[at] as u64) << (8 * byte);
            byte += 1;
            at += 1;
        }
        hash = mix(hash ^ number);
    }
    if hash == 0 { 1 } else { hash }
}

/// Passes three, four and five bytes in a row of the word in the buffer and the spaces around it.
fn for_letters(buffer: &[u8; BUFFER], length: usize, sink: &mut impl Sink) {
    let end = length + 2;
    for start in 0..length {
        let Some(eight) = buffer[start..].first_chunk() else { return };
        let eight = u64::from_le_bytes(*eight);
        for count in 3..=5.min(end - start) {
            let row = eight & (u64::MAX >> (64 - 8 * count));
            sink.letters((mix(row) >> 32) as u32);
        }
    }
}

/// Spreads a number over 64 bits: two multiplications by the golden ratio's bits, with high bits shifted down before
/// each.
const fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 29).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (number ^ number >> 32).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Default, PartialEq)]
    struct Seen {
        words: Vec<u32>,
        letters: Vec<u32>,
        heard: usize,
    }

    impl Sink for Seen {
        fn word(&mut self, hash: u32) {
            self.words.push(hash);
        }

        fn letters(&mut self, hash: u32) {
            self.letters.push(hash);
        }

        fn heard(&mut self, _hash: u64, bytes: usize, _wide: usize) {
            self.heard += bytes;
        }
    }

    fn seen(plain: &str) -> Seen {
        let mut seen = Seen::default();
        each(plain, &mut seen);
        seen
    }

    #[test]
    fn words_pairs_and_letters_are_seen() {
        let seen = seen("you are odd");
        assert_eq!(seen.words.len(), 5);
        // " you ": three threes, two fours, one five.
        assert_eq!(seen.letters.len(), 3 * 6);
        assert_eq!(seen.heard, 9);
    }

    #[test]
    fn what_is_heard_alike_is_seen_alike() {
        assert_eq!(seen("don't, it’s 1995"), seen("dont — its 7"));
        assert_eq!(seen("«so»"), seen("so"));
        assert_ne!(seen("tool"), seen("loot"));
    }

    #[test]
    fn who_is_spoken_to_does_not_matter() {
        assert_eq!(seen("@robin_77 hello"), seen("hello"));
        assert_eq!(seen("see https://example.org/some/page now"), seen("see now"));
    }

    proptest! {
        #[test]
        fn features_are_in_proportion_to_the_text(text in any::<String>()) {
            let seen = seen(&text);
            prop_assert!(seen.words.len() <= 2 * text.len() && seen.letters.len() <= 3 * text.len());
        }

        #[test]
        fn any_text_is_read_to_its_end(text in "[a0'’@:/é—а ]{0,100}") {
            seen(&text);
        }
    }
}
