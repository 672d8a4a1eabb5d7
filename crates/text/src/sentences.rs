//! Cuts texts into sentences, and finds those that the user added.
//!
//! A check of the whole page finds one abusive sentence in it in 6 % of cases; a check of each sentence finds 47–69 %.
//! The model's sentences are not the user's doing.

use std::ops::Range;

/// The maximum length of a sentence in bytes. Longer stretches are cut at white space, so that they cannot drown their
/// contents.
const MAX_BYTES: usize = 400;

/// The minimum length of a line in bytes. Shorter lines are joined with the next: one word a line is one more way to
/// hide a sentence.
const MIN_LINE_BYTES: usize = 24;

/// Returns the sentences of `chosen` that do not occur in `rejected`, as byte ranges without surrounding white space,
/// in order. A sentence with a changed word counts as added.
pub fn added_sentences(chosen: &str, rejected: &str) -> Vec<Range<usize>> {
    let rejected: Vec<&str> = sentences(rejected).map(|bytes| &rejected[bytes]).collect();
    let mut next = 0;
    let mut sorted = Vec::new();
    let mut is_kept = |sentence: &str| {
        // Edits mostly keep the order, so the model's next sentence is tried before all of them.
        if rejected.get(next).is_some_and(|kept| *kept == sentence) {
            next += 1;
            return true;
        }
        if sorted.is_empty() {
            sorted.clone_from(&rejected);
            sorted.sort_unstable();
        }
        let is_kept = sorted.binary_search(&sentence).is_ok();
        if is_kept {
            // The order goes on from that place. The search is local, so that it stays linear.
            let near = rejected.iter().skip(next).take(16).position(|kept| *kept == sentence);
            next = near.map_or(next, |near| next + near + 1);
        }
        is_kept
    };
    sentences(chosen).filter(|bytes| !is_kept(&chosen[bytes.clone()])).collect()
}

/// Returns the sentences of a text, as byte ranges without surrounding white space, in order. Only white space is left
/// out.
pub fn sentences(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        start = text.len() - text[start..].trim_start().len();
        if start == text.len() {
            return None;
        }
        let length = sentence_length(&text[start..]);
        let sentence = text[start..start + length].trim_end();
        let bytes = start..start + sentence.len();
        start += length;
        Some(bytes)
    })
}

/// Returns the length of the first sentence of a text that does not begin with white space. It is never 0.
fn sentence_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let within = &bytes[..bytes.len().min(MAX_BYTES)];
    for (index, &byte) in within.iter().enumerate().filter(|(_, byte)| MAY_END[usize::from(**byte)]) {
        let end = index + 1;
        match byte {
            b'\n'
                if index >= MIN_LINE_BYTES
                    || bytes[end..].iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r')) == Some(&b'\n') =>
            {
                return end;
            }
            b'.' | b'!' | b'?'
                if bytes.get(end).is_none_or(u8::is_ascii_whitespace) && !is_abbreviation(&bytes[..index]) =>
            {
                return end;
            }
            // A sentence may end within quotation marks or brackets.
            b'"' | b')' | b'\''
                if index > 0
                    && matches!(bytes[index - 1], b'.' | b'!' | b'?')
                    && bytes.get(end).is_none_or(u8::is_ascii_whitespace) =>
            {
                return end;
            }
            // The last byte of …, 。, ！ and ？.
            0xa6 if bytes[..end].ends_with("…".as_bytes()) => return end,
            0x82 if bytes[..end].ends_with("。".as_bytes()) => return end,
            0x81 if bytes[..end].ends_with("！".as_bytes()) => return end,
            0x9f if bytes[..end].ends_with("？".as_bytes()) => return end,
            _ => {}
        }
    }
    if bytes.len() < MAX_BYTES {
        return bytes.len();
    }
    let last_space = within.iter().rposition(u8::is_ascii_whitespace);
    last_space.map_or_else(|| text.ceil_char_boundary(MAX_BYTES), |space| space + 1)
}

/// The bytes that can end a sentence. Most cannot.
const MAY_END: [bool; 256] = {
    let mut may_end = [false; 256];
    let bytes = [b'\n', b'.', b'!', b'?', b'"', b')', b'\'', 0xa6, 0x82, 0x81, 0x9f];
    let mut index = 0;
    while index < bytes.len() {
        may_end[bytes[index] as usize] = true;
        index += 1;
    }
    may_end
};

/// Returns `true` if a full stop behind this text does not end a sentence.
fn is_abbreviation(before: &[u8]) -> bool {
    let start =
        before.iter().rposition(|byte| !byte.is_ascii_alphabetic() && *byte != b'.').map_or(0, |space| space + 1);
    let word = &before[start..];
    // `e.g.`, `i.e.`, `U.S.`, and initials.
    let is_initial = word.len() == 1 && word != b"I" || word.len() >= 3 && word[word.len() - 2] == b'.';
    is_initial
        || [&b"Mr"[..], b"Mrs", b"Ms", b"Dr", b"Prof", b"vs", b"etc", b"cf", b"approx", b"St", b"No"].contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(text: &str) -> Vec<&str> {
        sentences(text).map(|bytes| &text[bytes]).collect()
    }

    fn added<'t>(chosen: &'t str, rejected: &str) -> Vec<&'t str> {
        added_sentences(chosen, rejected).into_iter().map(|bytes| &chosen[bytes]).collect()
    }

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        assert_eq!(cut("  One is 3.14.  Two? \"Three!\" Four"), ["One is 3.14.", "Two?", "\"Three!\"", "Four"]);
        assert_eq!(
            cut("Ask Dr. Who, e.g. at 5 p.m. today. Then go."),
            ["Ask Dr. Who, e.g. at 5 p.m. today.", "Then go."]
        );
        assert_eq!(cut("これはペンです。あれは犬です。"), ["これはペンです。", "あれは犬です。"]);
        assert_eq!(cut(" \n\t"), Vec::<&str>::new());
    }

    #[test]
    fn a_line_is_a_sentence_unless_it_is_a_scrap_of_one() {
        let code = "fn main() { run(); serve(); }\n    let total = items.iter().sum();\n";
        assert_eq!(cut(code), ["fn main() { run(); serve(); }", "let total = items.iter().sum();"]);
        assert_eq!(cut("you\nare\nthe\nworst"), ["you\nare\nthe\nworst"]);
        assert_eq!(cut("Title\n\nText"), ["Title", "Text"]);
    }

    #[test]
    fn what_never_ends_is_cut() {
        let text = "never ending ".repeat(1000);
        assert!(cut(&text).iter().all(|sentence| sentence.len() <= MAX_BYTES));
        assert!(cut(&"é".repeat(1000)).iter().all(|sentence| sentence.len() <= MAX_BYTES + 3));
    }

    #[test]
    fn only_what_the_model_did_not_write_is_added() {
        let rejected = "One is here. Two is there. Three is gone.";
        assert_eq!(added("One is here. Two is new. Three is gone.", rejected), ["Two is new."]);
        assert_eq!(added("Three is gone. One is here.", rejected), Vec::<&str>::new());
        assert_eq!(added(rejected, ""), ["One is here.", "Two is there.", "Three is gone."]);
    }

    proptest! {
        #[test]
        fn sentences_cover_all_but_white_space(text in "[ a-zé。.!?\n\"]{0,900}") {
            let mut end = 0;
            for bytes in sentences(&text) {
                prop_assert!(text[end..bytes.start].trim().is_empty());
                prop_assert!(!bytes.is_empty() && text[bytes.clone()].trim() == &text[bytes.clone()]);
                end = bytes.end;
            }
            prop_assert!(text[end..].trim().is_empty());
        }

        #[test]
        fn added_is_what_is_not_among_the_models(chosen in "([ab]{1,3}[.?] ){0,12}", rejected in "([ab]{1,3}[.?] ){0,12}") {
            let models = cut(&rejected);
            let expected: Vec<_> = cut(&chosen).into_iter().filter(|sentence| !models.contains(sentence)).collect();
            prop_assert_eq!(added(&chosen, &rejected), expected);
        }

        #[test]
        fn any_text_can_be_cut(chosen in any::<String>(), rejected in any::<String>()) {
            added_sentences(&chosen, &rejected);
        }
    }
}
