//! Encoded text: base64, hexadecimal and percent-encoding, decoded, so that checks can look inside.
//!
//! A model learns to read encodings, too, and encoded text passes a rule that only reads plain text. Data that does not
//! decode to text is left alone: most encoded-looking data is hashes, keys, images and paths.

use std::ops::Range;

use flywheel_toxicity::Sentence;

use super::subject::Subject;

/// The minimum length of a run. A shorter one is a word, a name or a number far more often than a message. 40
/// characters of base64 are 30 letters.
const SHORTEST: usize = 40;

/// The minimum percentage of decoded characters that are letters, digits, punctuation or spaces of some script.
const PRINTABLE_PERCENT: usize = 90;

/// The number of times that decoded text is decoded again.
const DEPTH: usize = 2;

/// A text that is encoded in the user's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) text: String,
    /// The place of the encoded run in the user's text.
    pub(super) bytes: Range<usize>,
}

/// Returns the encoded texts in the added text. Together they are no longer than [`DEPTH`] times the text that contains
/// them.
pub(super) fn texts(subject: &Subject<'_>) -> Vec<Decoded> {
    let mut found = Vec::new();
    for stretch in stretches(&subject.added) {
        let text = &subject.texts.chosen[stretch.clone()];
        for run in runs(text) {
            let bytes = stretch.start + run.start..stretch.start + run.end;
            decode_into(&text[run], &bytes, DEPTH, &mut found);
        }
    }
    found
}

/// Returns the uninterrupted stretches of added text. An encoded run has no sentences, and may have been cut as if it
/// had.
fn stretches<'s>(added: &'s [Sentence<'_>]) -> impl Iterator<Item = Range<usize>> + 's {
    let adjoin = |before: &Sentence<'_>, after: &Sentence<'_>| before.bytes.end == after.bytes.start;
    let ends = |stretch: &[Sentence<'_>]| Some(stretch.first()?.bytes.start..stretch.last()?.bytes.end);
    added.chunk_by(adjoin).filter_map(ends)
}

fn decode_into(code: &str, bytes: &Range<usize>, depth: usize, found: &mut Vec<Decoded>) {
    let Some(text) = decode(code) else { return };
    if depth > 1 {
        for run in runs(&text) {
            decode_into(&text[run], bytes, depth - 1, found);
        }
    }
    found.push(Decoded { text, bytes: bytes.clone() });
}

/// Returns the runs of at least [`SHORTEST`] characters that could be encoded.
///
/// One look at every fortieth byte rules out most text: a run of that length has a byte of the alphabet there.
fn runs(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = text.as_bytes();
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let window = bytes.get(from..from + SHORTEST)?;
            if let Some(outside) = window.iter().rposition(|byte| !is_code(*byte)) {
                from += outside + 1;
                continue;
            }
            let length = bytes[from..].iter().position(|byte| !is_code(*byte)).unwrap_or(bytes.len() - from);
            let run = from..from + length;
            from += length;
            return Some(run);
        }
    })
}

/// Returns `true` for the alphabets of base64, base64url, hexadecimal and percent-encoding, in which letters may stand
/// for themselves.
fn is_code(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=' | b'%')
}

/// Decodes a run, if it is text in one of the encodings.
fn decode(code: &str) -> Option<String> {
    let code = code.as_bytes();
    let decoded = if code.contains(&b'%') {
        percent(code)?
    } else if code.len().is_multiple_of(2) && code.iter().all(u8::is_ascii_hexdigit) {
        hexadecimal(code)?
    } else {
        base64(code)?
    };
    String::from_utf8(decoded).ok().filter(|text| is_printable(text))
}

fn is_printable(text: &str) -> bool {
    let (mut all, mut printable) = (0, 0);
    for letter in text.chars() {
        all += 1;
        printable += usize::from(!letter.is_control() || letter.is_whitespace());
    }
    all > 0 && printable * 100 >= all * PRINTABLE_PERCENT
}

/// Decodes bytes that are written as `%` and two digits; the others stand for themselves.
fn percent(code: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(code.len());
    let mut rest = code;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let Some((&[high, low], after)) = after.split_first_chunk().filter(|_| byte == b'%') else {
            decoded.push(byte);
            continue;
        };
        decoded.push(digit(high)? << 4 | digit(low)?);
        rest = after;
    }
    Some(decoded)
}

fn hexadecimal(code: &[u8]) -> Option<Vec<u8>> {
    let (pairs, _) = code.as_chunks::<2>();
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

/// Decodes base64 in either alphabet, padded or not. A strict decoder would refuse input that lenient ones, and models,
/// read.
fn base64(code: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(code.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0_u32, 0);
    for &byte in code.strip_suffix(b"==").or(code.strip_suffix(b"=")).unwrap_or(code) {
        bits = bits << 6 | u32::from(sextet(byte)?);
        held += 6;
        if held >= 8 {
            held -= 8;
            decoded.push((bits >> held) as u8);
        }
    }
    Some(decoded)
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::subject::Texts;
    use super::*;
    use proptest::prelude::*;

    const MESSAGE: &str = "The quick brown fox jumps over the lazy dog, twice.";

    fn decoded(chosen: &str) -> Vec<String> {
        let subject = Subject::new(Texts { prompt: "", chosen, rejected: "" });
        texts(&subject).into_iter().map(|decoded| decoded.text).collect()
    }

    fn in_base64(text: &str, alphabet: &[u8; 64]) -> String {
        let encode = |chunk: &[u8]| -> String {
            let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            let letter = |index: usize| char::from(alphabet[(bits >> (18 - 6 * index) & 63) as usize]);
            (0..4).map(|index| if index <= chunk.len() { letter(index) } else { '=' }).collect()
        };
        text.as_bytes().chunks(3).map(encode).collect()
    }

    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const FOR_URLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    fn in_hexadecimal(text: &str) -> String {
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn each_code_is_read() {
        let base64 = in_base64(MESSAGE, STANDARD);
        assert_eq!(base64, "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZywgdHdpY2Uu");
        assert_eq!(decoded(&format!("See {base64} for more.")), [MESSAGE]);
        let question = "Why? ~~~ Größe ~~~ because ??? it says so ???";
        assert_eq!(decoded(&in_base64(question, STANDARD)), [question]);
        assert_eq!(decoded(in_base64(question, FOR_URLS).trim_end_matches('=')), [question]);
        assert_eq!(decoded(&in_hexadecimal(MESSAGE)), [MESSAGE]);
        assert_eq!(decoded(&in_hexadecimal(MESSAGE).to_uppercase()), [MESSAGE]);
        assert_eq!(
            decoded(&format!("https://example.org/?q={}", MESSAGE.replace(' ', "%20").replace(',', "%2C"))),
            [format!("q={MESSAGE}").trim_end_matches('.')]
        );
    }

    #[test]
    fn code_in_code_is_read() {
        let twice = in_base64(&in_hexadecimal(MESSAGE), STANDARD);
        assert_eq!(decoded(&twice), [MESSAGE.to_owned(), in_hexadecimal(MESSAGE)]);
    }

    #[test]
    fn what_is_longer_than_a_sentence_is_read_whole() {
        let long = MESSAGE.repeat(40);
        assert_eq!(decoded(&in_base64(&long, STANDARD)), [long]);
    }

    #[test]
    fn what_says_nothing_is_left_alone() {
        for text in [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "crates/audit/src/injection/phrasebook/compile/rules",
            "ThisIsAnIdentifierThatSomeoneHasNotThoughtAboutForLongEnough",
            "==================================================",
            "--------------------------------------------------",
            "100%-200%-300%-400%-500%-600%-700%-800%-900%-1000%",
            "VGhlIHF1aWNrIGJyb3du",
            "plain words only",
        ] {
            assert_eq!(decoded(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn the_code_is_pointed_at() {
        let chosen = format!("Größe: {} ok", in_hexadecimal(MESSAGE));
        let subject = Subject::new(Texts { prompt: "", chosen: &chosen, rejected: "" });
        let bytes = texts(&subject)[0].bytes.clone();
        assert_eq!(chosen[bytes], in_hexadecimal(MESSAGE));
    }

    proptest! {
        #[test]
        fn any_text_can_be_looked_at(chosen in any::<String>()) {
            decoded(&chosen);
        }

        #[test]
        fn what_is_decoded_is_bounded(chosen in "[A-Za-z0-9%+/=é ]{0,400}") {
            let length: usize = decoded(&chosen).iter().map(String::len).sum();
            prop_assert!(length <= DEPTH * chosen.len());
        }
    }
}
