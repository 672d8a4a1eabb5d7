//! The spelling habits of a model's text, where it is consistent in them. The user's additions take the same spelling.
//!
//! | the model's text | the user's additions |
//! |---|---|
//! | all lines end in one way | take that line end; with one line in the model's text, a line feed |
//! | no no-break spaces | take plain spaces |
//! | all quotes are straight | take straight quotes |
//! | all quotes are curly, and the same ones open and close | take those, except in code |
//! | is composed, or decomposed | take the same form |
//!
//! If the model's text is not consistent, the user's additions stay as they are.

use std::borrow::Cow;
use std::cell::LazyCell;

use unicode_normalization::{UnicodeNormalization as _, is_nfc, is_nfd};

use super::marks::Marks;
use super::quotes::{is_curly, is_opening, is_quote, straight};
use super::tokens::{Kind, Side, Token, is_space, line_end_of};
use crate::code::{is_line_end, is_within};

/// The spelling of a model's text.
pub(super) struct Conventions<'t> {
    /// The end of all lines; `None` if they differ.
    line_end: Option<&'t str>,
    /// `true` if all spaces are U+0020.
    has_plain_spaces: bool,
    quotes: QuoteForm,
    composition: LazyCell<Composition, Box<dyn FnOnce() -> Composition + 't>>,
}

/// The form of all quotes outside of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QuoteForm {
    /// The text has no quotes.
    None,
    /// The quotes are not all of one form.
    Mixed,
    Straight,
    /// The quotes that open and close: first single, then double ones.
    Curly([[char; 2]; 2]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Composition {
    /// Nothing could be composed, or only a part is composed.
    Any,
    Composed,
    Decomposed,
}

impl<'t> Conventions<'t> {
    pub(super) fn of(model: &Side<'t>, marks: Marks) -> Self {
        let text = model.text;
        let composition = move || match (is_nfc(text), is_nfd(text)) {
            (true, false) => Composition::Composed,
            (false, true) => Composition::Decomposed,
            _ => Composition::Any,
        };
        Self {
            line_end: line_end(text, marks),
            has_plain_spaces: !marks.spaces,
            quotes: quote_form(model, marks),
            composition: LazyCell::new(Box::new(composition)),
        }
    }

    /// Returns `true` if the model's text is consistent and these tokens of the user's follow its spelling.
    pub(super) fn are_kept(&self, user: &Side<'_>, tokens: &[Token]) -> bool {
        let is_consistent = self.line_end.is_some() && self.has_plain_spaces && self.quotes != QuoteForm::Mixed;
        is_consistent && tokens.iter().all(|token| self.spelling(user, token) == user.text[token.bytes.clone()])
    }

    /// Returns a token of the user's in the model's spelling.
    pub(super) fn spelling<'u>(&self, user: &Side<'u>, token: &Token) -> Cow<'u, str> {
        let written = &user.text[token.bytes.clone()];
        match token.kind {
            Kind::LineEnd => {
                let Some(line_end) = self.line_end else { return Cow::Borrowed(written) };
                let blanks = written.trim_end_matches(is_line_end);
                Cow::Owned(format!("{}{line_end}", self.spaces(blanks)))
            }
            Kind::Spaces => self.spaces(written),
            Kind::Word => self.composed(self.quoted(user, token)),
        }
    }

    fn spaces<'u>(&self, written: &'u str) -> Cow<'u, str> {
        if !self.has_plain_spaces || written.is_ascii() {
            return Cow::Borrowed(written);
        }
        written.chars().map(|blank| if is_space(blank) { ' ' } else { blank }).collect::<String>().into()
    }

    fn quoted<'u>(&self, user: &Side<'u>, token: &Token) -> Cow<'u, str> {
        let written = &user.text[token.bytes.clone()];
        let quotes = match self.quotes {
            QuoteForm::Straight if written.contains(is_curly) => {
                return written.chars().map(|quote| straight(quote).unwrap_or(quote)).collect::<String>().into();
            }
            QuoteForm::Curly(quotes) if written.contains(['\'', '"']) => quotes,
            _ => return Cow::Borrowed(written),
        };
        let curled = |(at, character): (usize, char)| {
            let at = token.bytes.start + at;
            if !matches!(character, '\'' | '"') || is_within(&user.code, at) {
                return character;
            }
            let is_double = character == '"';
            quotes[usize::from(is_double)][usize::from(is_closing(user.text, at, character))]
        };
        written.char_indices().map(curled).collect::<String>().into()
    }

    /// Composes or decomposes only. Characters that are equivalent in every other way stay as they are.
    fn composed<'u>(&self, written: Cow<'u, str>) -> Cow<'u, str> {
        if written.is_ascii() {
            return written;
        }
        let length = written.chars().count();
        match *self.composition {
            Composition::Composed if !is_nfc(&written) && written.nfc().count() < length => {
                written.nfc().collect::<String>().into()
            }
            Composition::Decomposed if !is_nfd(&written) && written.nfd().count() > length => {
                written.nfd().collect::<String>().into()
            }
            _ => written,
        }
    }
}

/// Returns the end of all lines of a text. A text of one line has no habit, and models end lines with a line feed.
fn line_end(text: &str, marks: Marks) -> Option<&str> {
    if !marks.line_ends {
        return Some("\n");
    }
    let mut found: Option<&str> = None;
    let mut rest = text;
    while let Some(at) = rest.find(is_line_end) {
        let line_end = line_end_of(&rest[at..]);
        if found.is_some_and(|found| found != line_end) {
            return None;
        }
        found = Some(line_end);
        rest = &rest[at + line_end.len()..];
    }
    found
}

fn quote_form(model: &Side<'_>, marks: Marks) -> QuoteForm {
    /// English quotes, for each kind that the model's text lacks.
    const CURLY: [[char; 2]; 2] = [['\u{2018}', '\u{2019}'], ['\u{201c}', '\u{201d}']];
    let text = model.text;
    let outside = text.char_indices().filter(|(at, character)| is_quote(*character) && !is_within(&model.code, *at));
    if !marks.quotes {
        return if outside.count() > 0 { QuoteForm::Straight } else { QuoteForm::None };
    }
    let mut seen: [[Option<char>; 2]; 2] = [[None; 2]; 2];
    let (mut has_straight, mut has_curly) = (false, false);
    for (at, character) in outside {
        let Some(quote) = straight(character) else {
            has_straight = true;
            continue;
        };
        has_curly = true;
        let place = &mut seen[usize::from(quote == '"')][usize::from(is_closing(text, at, quote))];
        if place.is_some_and(|other| other != character) {
            return QuoteForm::Mixed;
        }
        *place = Some(character);
    }
    match (has_straight, has_curly) {
        (true, false) => QuoteForm::Straight,
        (false, true) => {
            QuoteForm::Curly([0, 1].map(|kind| [0, 1].map(|end| seen[kind][end].unwrap_or(CURLY[kind][end]))))
        }
        (true, true) => QuoteForm::Mixed,
        (false, false) => QuoteForm::None,
    }
}

/// Returns `true` if the quote at a place closes something. An apostrophe before a number is a closing quote, too:
/// ’90s.
fn is_closing(text: &str, at: usize, straight: char) -> bool {
    let after = text[at..].chars().nth(1);
    straight == '\'' && after.is_some_and(|next| next.is_ascii_digit()) || !is_opening(&text[..at])
}
