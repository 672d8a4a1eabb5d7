//! S p a c e d   o u t words.

use super::leet::may_stand_for_a_letter;

/// The least number of separate letters in a row. Fewer are initials: `e.g.`, `U.S.A.`, `a b c`.
pub(crate) const FEWEST: u32 = 4;

/// Returns `text` with its spaced words joined. One character between two letters belongs to the word; more end the
/// word.
///
/// Only a word of four letters proves the disguise. In a text with one, two letters are a word, too.
pub(crate) fn joined(text: &str) -> String {
    if !pieces(text).any(|piece| matches!(piece, Piece::Run(run) if run.letters >= FEWEST)) {
        return text.to_owned();
    }
    let mut joined = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Run(run) if run.letters > 1 => joined.extend(run.text.chars().filter(|&letter| is_letter(letter))),
            Piece::Run(Run { text, .. }) | Piece::Other(text) => joined.push_str(text),
        }
    }
    joined
}

/// A part of a text.
enum Piece<'t> {
    Run(Run<'t>),
    Other(&'t str),
}

impl<'t> Piece<'t> {
    fn text(&self) -> &'t str {
        match self {
            Self::Run(Run { text, .. }) | Self::Other(text) => text,
        }
    }
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut before = ' ';
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let is_first_of_word = !before.is_alphanumeric() && !may_stand(before);
        let piece = match if is_first_of_word { Run::at(rest) } else { None } {
            Some(run) if run.signs < run.letters => Piece::Run(run),
            // A row of digits is no word. Its shorter ends are rows of digits, too, and not looked at again.
            Some(row) if row.letters > 1 => Piece::Other(&rest[..row.last]),
            _ => Piece::Other(&rest[..first.len_utf8()]),
        };
        before = piece.text().chars().next_back()?;
        rest = &rest[piece.text().len()..];
        Some(piece)
    })
}

/// Single letters with one and the same character between each two.
struct Run<'t> {
    text: &'t str,
    letters: u32,
    /// The number of digits and signs among them.
    signs: u32,
    /// The start of the last one.
    last: usize,
}

impl<'t> Run<'t> {
    /// Returns the run that begins at the first character, if that is a single letter.
    fn at(text: &'t str) -> Option<Self> {
        let mut characters = text.char_indices().peekable();
        let mut separator = None;
        let (mut letters, mut signs, mut last, mut bytes) = (0, 0, 0, 0);
        while let Some((start, letter)) = characters.next() {
            let stands_alone = characters.peek().is_none_or(|(_, next)| !next.is_alphanumeric() && !may_stand(*next));
            if !is_letter(letter) || !stands_alone {
                break;
            }
            letters += 1;
            signs += u32::from(!letter.is_alphabetic());
            (last, bytes) = (start, start + letter.len_utf8());
            let Some((_, between)) = characters.next() else { break };
            if !is_separator(between) || separator.is_some_and(|separator| separator != between) {
                break;
            }
            separator = Some(between);
        }
        (letters > 0).then_some(Self { text: &text[..bytes], letters, signs, last })
    }
}

fn is_letter(letter: char) -> bool {
    letter.is_alphabetic() || may_stand(letter)
}

/// Returns `true` for a character that stands for a letter and does not mostly stand alone.
fn may_stand(letter: char) -> bool {
    !matches!(letter, '!' | '|' | '+') && u8::try_from(letter).is_ok_and(may_stand_for_a_letter)
}

fn is_separator(between: char) -> bool {
    matches!(between, ' ' | '\t' | '\n' | '.' | '-' | '_' | '*' | '~' | '/' | '\'' | '`')
}

#[cfg(test)]
mod tests {
    use super::{Run, joined};

    #[test]
    fn four_letters_are_a_word() {
        assert_eq!(joined("he is d u m b !"), "he is dumb !");
        assert_eq!(joined("d_u_m_b d.u.m.b."), "dumb dumb.");
    }

    #[test]
    fn a_wider_gap_ends_a_word() {
        assert_eq!(joined("y o u r   d o g   i s   a   b r u t e"), "your   dog   is   a   brute");
    }

    #[test]
    fn fewer_are_initials() {
        assert_eq!(joined("the u.s.a. and a b c"), "the u.s.a. and a b c");
        assert_eq!(joined("i.e. the plan b"), "i.e. the plan b");
    }

    #[test]
    fn a_row_of_digits_is_no_word_but_its_last_may_begin_one() {
        assert_eq!(joined("1 0 1 0 1 0"), "1 0 1 0 1 0");
        assert_eq!(joined("1 0 1 0-d-i-o-t"), "1 0 1 0diot");
        assert_eq!(joined("1 0 1-0-1-0 s t u p i d"), "1 0 1-0-1-0stupid");
    }

    #[test]
    fn what_begins_within_a_row_of_digits_is_one_too() {
        let digits = "1 0 1 5-0";
        for start in [2, 4] {
            assert!(Run::at(&digits[start..]).is_some_and(|row| row.signs == row.letters));
        }
    }
}
