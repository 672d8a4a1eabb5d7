//! Characters that no one sees in an id or a label.
//!
//! Two ids must not differ only in characters that no one sees: operators copy ids, and compare them by eye. So an id has no
//! control, no mark of direction, no character without width, and no blank but plain spaces between its words.
//!
//! A value is no id. It may have the characters that make one sign of several, as emoji do, and line feeds.

use crate::refusal::{Refusal, RefusalCode};

/// Refuses an id or a label with a character that no one sees.
///
/// # Errors
/// A [`Refusal`] that names the field and the first such character.
pub fn require_visible(text: &str, field: &str) -> Result<(), Refusal> {
    require(text, field, |_| false)
}

/// Refuses a value with a character that no one sees, except those of ordinary text: the line feed, the joiners U+200C and
/// U+200D, and the emoji selector U+FE0F.
///
/// # Errors
/// A [`Refusal`] that names the field and the first such character.
pub fn require_visible_value(text: &str, field: &str) -> Result<(), Refusal> {
    require(text, field, |character| matches!(character, '\n' | '\u{200c}' | '\u{200d}' | '\u{fe0f}'))
}

fn require(text: &str, field: &str, is_allowed: fn(char) -> bool) -> Result<(), Refusal> {
    let refused = |character: char, why: &str| {
        let message = format!("holds U+{:04X}, {why}: send it without", u32::from(character));
        Err(Refusal::of_field(RefusalCode::InvalidValue, field, message))
    };
    let mut judged = text.chars().filter(|character| !is_allowed(*character));
    if let Some(character) = judged.clone().find(|character| is_hidden(*character)) {
        return refused(character, "which is not visible");
    }
    if let Some(character) = judged.find(|character| *character != ' ' && is_blank(*character)) {
        return refused(character, "a blank that is no plain space");
    }
    if text.starts_with(' ') || text.ends_with(' ') {
        return refused(' ', "a space at its start or end");
    }
    Ok(())
}

/// Returns `true` for controls, marks of direction, characters without width, tags, selectors of a form, U+FFFE and U+FFFF.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{fffe}'..='\u{ffff}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Returns `true` for white space, and for letters that are blank: fillers of Hangul, and the empty Braille pattern.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_is_an_id() {
        for id in ["order-1001", "Ümlaut/漢字:7", "Acme Corp", "a@b.example", "\u{fffd}", "مرحبا"] {
            assert!(require_visible(id, "event_id").is_ok(), "{id}");
        }
    }

    #[test]
    fn a_value_may_have_emoji_joiners_and_line_feeds() {
        for value in ["\u{2764}\u{fe0f}", "\u{1f469}\u{200d}\u{1f4bb}", "\u{645}\u{6cc}\u{200c}\u{62e}", "two\nlines\n"]
        {
            assert!(require_visible_value(value, "context.a").is_ok(), "{value:?}");
            assert!(require_visible(value, "event_id").is_err(), "{value:?}");
        }
        for value in ["a\tb", "a\u{200b}b", "a\u{fe0e}", "a\u{2028}b", " a"] {
            assert!(require_visible_value(value, "context.a").is_err(), "{value:?}");
        }
    }

    #[test]
    fn what_is_not_seen_is_refused_by_name() {
        for (id, code) in [
            ("a\0b", "U+0000"),
            ("a\tb", "U+0009"),
            ("a\u{7f}", "U+007F"),
            ("a\u{85}b", "U+0085"),
            ("a\u{ad}b", "U+00AD"),
            ("a\u{200b}b", "U+200B"),
            ("a\u{200d}b", "U+200D"),
            ("a\u{202e}b", "U+202E"),
            ("a\u{2066}b", "U+2066"),
            ("\u{feff}a", "U+FEFF"),
            ("a\u{e0041}", "U+E0041"),
            ("a\u{a0}b", "U+00A0"),
            ("a\u{3000}b", "U+3000"),
            ("\u{3164}", "U+3164"),
            ("\u{2800}", "U+2800"),
            (" ", "U+0020"),
            (" a", "U+0020"),
            ("a ", "U+0020"),
        ] {
            let refusal = require_visible(id, "event_id").unwrap_err();
            assert!(
                refusal.message.contains(code) && refusal.field.as_deref() == Some("event_id"),
                "{id:?}: {refusal:?}"
            );
        }
    }
}
