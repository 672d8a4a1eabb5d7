//! What the model sees of a text: its words, pairs of words, and the three to five letters in a row of each word, as hashes.
//!
//! The training script gets its features from here, so that there is one implementation of them.

/// Longer words are seen in pieces of so many bytes.
const LONGEST_WORD: usize = 40;

/// A word's buffer: a space, the word, a space, and room to load eight bytes from wherever a word may end.
const BUFFER: usize = LONGEST_WORD + 2 + 8;

/// Takes the features of a text, each as often as it occurs, as 32 bits of which the highest are the best.
pub(super) trait Sink {
    fn word(&mut self, hash: u32);
    fn letters(&mut self, hash: u32);
}

/// Hands the features of a text in its plain form (see [`super::super::plain::plain`]) to `sink`.
///
/// A word is a run of letters, of any script; what was typed as an apostrophe is left out, and a number is one `0`. Mentions
/// (`@name`) and addresses of pages are left out: they say who is spoken to, not how.
pub(super) fn each(plain: &str, sink: &mut impl Sink) {
    let bytes = plain.as_bytes();
    let mut buffer = [0; BUFFER];
    let mut before = 0_u64;
    let mut at = 0;
    while at < bytes.len() {
        if !is_of_word(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        let length;
        (length, at) = read_word(bytes, start, &mut buffer);
        if start > 0 && bytes[start - 1] == b'@' {
            continue;
        }
        if bytes[at..].starts_with(b"://") {
            at += bytes[at..].iter().position(u8::is_ascii_whitespace).unwrap_or(bytes.len() - at);
            continue;
        }
        let word = word_hash(&buffer, length);
        sink.word((word >> 32) as u32);
        if before != 0 {
            sink.word((mix(before.rotate_left(7) ^ word) >> 32) as u32);
        }
        before = word;
        for_letters(&buffer, length, sink);
    }
}

/// Whether a byte is part of a word: a letter, a digit, or part of a character beyond ASCII.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// Copies the word that begins at `at`, between spaces, and says how long it is in there, and where it ends.
fn read_word(bytes: &[u8], mut at: usize, buffer: &mut [u8; BUFFER]) -> (usize, usize) {
    buffer[0] = b' ';
    let mut length = 0;
    while length < LONGEST_WORD {
        let Some(&byte) = bytes.get(at) else { break };
        if byte == b'\'' && bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic) {
            at += 1;
            continue;
        }
        if !is_of_word(byte) {
            break;
        }
        at += 1;
        if byte.is_ascii_digit() {
            if buffer[length] == b'0' {
                continue;
            }
            length += 1;
            buffer[length] = b'0';
        } else {
            length += 1;
            buffer[length] = byte;
        }
    }
    buffer[length + 1..].fill(0);
    buffer[length + 1] = b' ';
    (length, at)
}

/// Of the word in the buffer, not 0.
fn word_hash(buffer: &[u8; BUFFER], length: usize) -> u64 {
    let eights = buffer[1..=length].chunks(8);
    let hash = eights.fold(length as u64, |hash, eight| {
        let number = eight.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
        mix(hash ^ number)
    });
    hash.max(1)
}

/// Three, four and five bytes in a row of the word in the buffer and the spaces around it.
fn for_letters(buffer: &[u8; BUFFER], length: usize, sink: &mut impl Sink) {
    let end = length + 2;
    for start in 0..length {
        let Some(eight) = buffer[start..].first_chunk() else { return };
        let eight = u64::from_le_bytes(*eight);
        for count in 3..=5.min(end - start) {
            let gram = eight & (u64::MAX >> (64 - 8 * count));
            sink.letters((mix(gram) >> 32) as u32);
        }
    }
}

/// Spreads a number over 64 bits: a multiplication by the golden ratio's bits, after one that lets low bits see high ones.
fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 29).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (number ^ number >> 32).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
