//! Quotes: straight and curly ones, and the places where the difference matters.
//!
//! Editors curl quotes as people type, and straighten them when text is pasted. In prose that is no edit.
//!
//! In code it is an edit in one direction. `print(“hi”)` does not run, so a user who straightens the model's curly
//! quotes corrects it. Curling the model's straight quotes is never meant: that is the editor's doing there, too. Code
//! is text that Markdown marks as code ([`marked_code`]), a line with a quote where only programs have one, and a JSON
//! text. Single and double quotes differ everywhere: people type that change.

use std::borrow::Cow;
use std::ops::Range;

use super::tokens::{Side, Token};
use crate::code::{is_line_end, is_within, marked_code};

/// Returns the straight form of a curly quote.
pub(super) fn straight(character: char) -> Option<char> {
    match character {
        '\u{2018}'..='\u{201b}' => Some('\''),
        '\u{201c}'..='\u{201f}' => Some('"'),
        _ => None,
    }
}

/// Returns `true` for curly quotes.
pub(super) fn is_curly(character: char) -> bool {
    straight(character).is_some()
}

/// Returns `true` for quotes of either form.
pub(super) fn is_quote(character: char) -> bool {
    matches!(character, '\'' | '"') || is_curly(character)
}

/// Returns `true` if a quote behind this text is an opening one.
pub(super) fn is_opening(before: &str) -> bool {
    /// Quotes in a row are of the same kind.
    const MOST_IN_A_ROW: usize = 4;
    let mut before = before.chars().rev();
    let mut last = before.next();
    for _ in 0..MOST_IN_A_ROW {
        if last.is_some_and(is_quote) {
            last = before.next();
        }
    }
    last.is_none_or(|last| {
        last.is_whitespace() || matches!(last, '(' | '[' | '{' | '<' | '/' | '=' | '\u{2013}' | '\u{2014}')
    })
}

/// Returns a token of the model's with its curly quotes in code straightened, where the user's are straight. `written`
/// is the same token in the user's text.
pub(super) fn mended<'t>(model: &Side<'t>, token: &Token, written: &str) -> Cow<'t, str> {
    let text = &model.text[token.bytes.clone()];
    let is_wrong = |at: usize, quote: char| is_curly(quote) && is_within(&model.code, token.bytes.start + at);
    if model.code.is_empty() || !text.char_indices().any(|(at, character)| is_wrong(at, character)) {
        return Cow::Borrowed(text);
    }
    let mut written = written.chars().filter(|character| is_quote(*character));
    let mended = text.char_indices().map(|(at, character)| {
        let by_user = if is_quote(character) { written.next() } else { None };
        by_user.filter(|_| is_wrong(at, character)).unwrap_or(character)
    });
    mended.collect()
}

/// Returns the parts of a text in which quotes are code, in order.
pub(super) fn code_of(text: &str) -> Vec<Range<usize>> {
    if is_json(text) {
        let whole = 0..text.len();
        return vec![whole];
    }
    let mut code = marked_code(text);
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive(is_line_end) {
        if is_line_of_code(line) && !is_within(&code, start) {
            lines.push(start..start + line.len());
        }
        start += line.len();
    }
    code.append(&mut lines);
    code.sort_unstable_by_key(|range| (range.start, range.end));
    joined(code)
}

/// Returns the ranges in order, with overlapping ones joined.
fn joined(ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// Returns `true` if a text is a JSON object or list, except for the form of its quotes.
fn is_json(text: &str) -> bool {
    let inside = match (text.chars().next(), text.chars().last()) {
        (Some('{'), Some('}')) | (Some('['), Some(']')) => text[1..].trim_start(),
        _ => return false,
    };
    inside.starts_with(|first: char| is_quote(first) || matches!(first, '{' | '[' | ']' | '}' | '-' | '0'..='9'))
}

/// Returns `true` if a line has a quote where only programs have one: in brackets behind a name, or behind `=`, `[` or
/// `{`.
fn is_line_of_code(line: &str) -> bool {
    let quotes = line.char_indices().filter(|(_, character)| is_quote(*character));
    let is_of_program = |at: usize| {
        let before = line[..at].strip_suffix(' ').unwrap_or(&line[..at]);
        match before.as_bytes() {
            [.., b'='] => true,
            [.., b'[' | b'{'] => before.len() == at,
            [.., name, b'('] => before.len() == at && (name.is_ascii_alphanumeric() || *name == b'_'),
            _ => false,
        }
    };
    quotes.map(|(at, _)| at).any(is_of_program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_open_behind_white_space_and_brackets() {
        for before in ["", "a ", "a\n", "(", "a \u{201c}", "a \u{201c}\u{2018}", "a\u{2014}"] {
            assert!(is_opening(before), "{before}");
        }
        for before in ["a", "a.", "a\u{2019}", "a)", "1"] {
            assert!(!is_opening(before), "{before}");
        }
    }

    #[test]
    fn code_is_told_from_prose() {
        let code = |text: &str| code_of(text).into_iter().map(|range| text[range].to_owned()).collect::<Vec<_>>();
        for text in [
            "print(\u{201c}hi\u{201d})",
            "name = \u{201c}a\u{201d}",
            "x['a']",
            "{\u{201c}a\u{201d}: [1, 2]}",
            "[\n  {\"a\": 1}\n]",
            "<a href=\u{201c}b\u{201d}>",
        ] {
            assert_eq!(code(text), [text]);
        }
        for text in [
            "She said \u{201c}hi\u{201d} (\u{201c}hello\u{201d}).",
            "It\u{2019}s \u{201c}a\u{201d}: b",
            "[Note: \u{201c}a\u{201d}]",
            "{name}, \u{201c}a\u{201d} {x}",
            "",
        ] {
            assert_eq!(code(text), [""; 0], "{text}");
        }
        assert_eq!(code("Use `a` so:\nprint('a')\nThen \u{201c}b\u{201d}."), ["`a`", "print('a')\n"]);
    }
}
