//! Characters with more than one spelling. One pass finds them, so that most texts cost nothing else.

use unicode_normalization::is_nfc;

/// Returns `true` if a text has no other spelling: it is ASCII, its lines end with a line feed, and no white space
/// precedes it.
pub(super) fn is_plain(text: &str) -> bool {
    text.is_ascii() && memchr::memchr(b'\r', text.as_bytes()).is_none() && !has_blanks_at_line_ends(text)
}

/// Returns `true` if a part of an edit has no other spelling, given the marks of the model's text.
pub(super) fn is_plain_beside(part: &str, marks: Marks) -> bool {
    let bytes = part.as_bytes();
    let follows_quotes = marks.quotes && memchr::memchr2(b'\'', b'"', bytes).is_some();
    let follows_line_ends = marks.line_ends && memchr::memchr(b'\n', bytes).is_some();
    let has_spellings = follows_quotes || follows_line_ends || has_blanks_at_line_ends(part) || Marks::of(part).any();
    !has_spellings && (part.is_ascii() || is_nfc(part))
}

/// Returns `true` if there is white space before a line feed.
pub(super) fn has_blanks_at_line_ends(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'\n', bytes).any(|at| text[..at].ends_with(char::is_whitespace) && bytes[at - 1] != b'\n')
}

/// The characters of a text that have another spelling, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Marks {
    /// A line end other than a line feed.
    pub(super) line_ends: bool,
    /// A space character other than U+0020 that looks like it.
    pub(super) spaces: bool,
    /// A curly quote.
    pub(super) quotes: bool,
}

impl Marks {
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut marks = Self { line_ends: memchr::memchr(b'\r', bytes).is_some(), ..Self::default() };
        if text.is_ascii() {
            return marks;
        }
        // All of them begin with one of two bytes in UTF-8.
        for at in memchr::memchr2_iter(0xC2, 0xE2, bytes) {
            match bytes[at..] {
                [0xC2, 0x85, ..] | [0xE2, 0x80, 0xA8 | 0xA9, ..] => marks.line_ends = true,
                [0xC2, 0xA0, ..] | [0xE2, 0x80, 0x80..=0x8A | 0xAF, ..] | [0xE2, 0x81, 0x9F, ..] => marks.spaces = true,
                [0xE2, 0x80, 0x98..=0x9F, ..] => marks.quotes = true,
                _ => {}
            }
        }
        marks
    }

    pub(super) fn any(self) -> bool {
        self.line_ends || self.spaces || self.quotes
    }
}

#[cfg(test)]
mod tests {
    use super::super::quotes::is_curly;
    use super::super::tokens::is_space;
    use super::*;
    use crate::code::is_line_end;
    use proptest::prelude::*;

    #[test]
    fn what_has_no_other_spelling_is_plain() {
        for text in ["", "It's \"fine\".\n\n\tx = 1\n", "a  b"] {
            assert!(is_plain(text), "{text:?}");
        }
        for text in ["a \nb", "a\t\nb", "a\r\nb", "caf\u{e9}"] {
            assert!(!is_plain(text), "{text:?}");
        }
        let beside = |part: &str, text: &str| is_plain_beside(part, Marks::of(text));
        assert!(beside("caf\u{e9}", "") && !beside("cafe\u{301}", "") && !beside("caf\u{e9} \n", ""));
        assert!(beside("'\n\"", "a") && !beside("'", "\u{201c}") && !beside("\n", "\r") && !beside("\u{a0}", ""));
    }

    proptest! {
        #[test]
        fn the_bytes_say_what_the_characters_say(text in "[ -~\u{80}-\u{ff}\u{2000}-\u{206f}\u{3000}\r\n]{0,4}") {
            let has = |is: fn(char) -> bool| text.chars().any(is);
            let expected = Marks {
                line_ends: has(|character| is_line_end(character) && character != '\n'),
                spaces: has(|character| is_space(character) && character != ' '),
                quotes: has(is_curly),
            };
            prop_assert_eq!(Marks::of(&text), expected);
        }
    }
}
