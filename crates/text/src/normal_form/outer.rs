//! White space around a text. Clients trim it, and editors add it.

use crate::code::is_line_end;

/// A text, and the white space around it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outer<'t> {
    /// Blank lines, and the blanks before the first word unless they are indentation.
    pub(super) before: &'t str,
    /// The text in between.
    pub(super) core: &'t str,
    /// All white space behind it.
    pub(super) after: &'t str,
}

impl<'t> Outer<'t> {
    /// Splits two texts.
    ///
    /// In a text of several lines, blanks before the first word are indentation, which people do type. A single blank,
    /// which models begin with, is white space around the text. So are all blanks if no other line could be indented.
    pub(super) fn of_both(left: &'t str, right: &'t str) -> (Self, Self) {
        let words = [left, right].map(|text| text.len() - without_white_space(text).len());
        let is_indented = |text: &str, word: usize| !matches!(indentation(&text[..word]), "" | " " | "\u{a0}");
        let has_lines = |text: &&str| without_white_space(text).trim_end().contains(is_line_end);
        let is_indentation =
            (is_indented(left, words[0]) || is_indented(right, words[1])) && [left, right].iter().any(has_lines);
        let cut = |text: &'t str, word: usize| {
            let before = if is_indentation { word - indentation(&text[..word]).len() } else { word };
            let end = word + text[word..].trim_end().len();
            Self { before: &text[..before], core: &text[before..end], after: &text[end..] }
        };
        (cut(left, words[0]), cut(right, words[1]))
    }
}

/// Returns a text from its first word on. A byte order mark before it is white space, too.
pub(super) fn without_white_space(text: &str) -> &str {
    text.trim_start_matches(|character: char| character.is_whitespace() || character == '\u{feff}')
}

/// Returns the last line of some white space.
fn indentation(white_space: &str) -> &str {
    white_space.rsplit(is_line_end).next().unwrap_or_default().trim_start_matches('\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(left: &'static str, right: &'static str) -> [(&'static str, &'static str, &'static str); 2] {
        let (left, right) = Outer::of_both(left, right);
        [left, right].map(|outer| (outer.before, outer.core, outer.after))
    }

    #[test]
    fn white_space_around_a_text_is_cut_off() {
        assert_eq!(cut("\n\n a\n", "a"), [("\n\n ", "a", "\n"), ("", "a", "")]);
        assert_eq!(cut(" a\nb", "a\nb \u{3000}\r\n"), [(" ", "a\nb", ""), ("", "a\nb", " \u{3000}\r\n")]);
        assert_eq!(cut("\u{feff}a", "\u{a0}a"), [("\u{feff}", "a", ""), ("\u{a0}", "a", "")]);
        assert_eq!(cut(" \n", ""), [(" \n", "", ""), ("", "", "")]);
    }

    #[test]
    fn indentation_is_no_white_space_around_a_text_of_several_lines() {
        assert_eq!(cut("    return 4", "return 4"), [("    ", "return 4", ""), ("", "return 4", "")]);
        assert_eq!(
            cut("\n    a = 1\n    b", "a = 1\n    b"),
            [("\n", "    a = 1\n    b", ""), ("", "a = 1\n    b", "")]
        );
        assert_eq!(cut("\ta\nb", " a\nb"), [("", "\ta\nb", ""), ("", " a\nb", "")]);
    }
}
