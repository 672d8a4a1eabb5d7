//! Values that a program takes literally: a short string in quotes, the value of a key, a named argument.

use std::ops::Range;

/// The maximum number of words in a value. Longer ones are prose.
const MOST_WORDS: usize = 3;

/// The reach of the search for the ends of a value.
const REACH: usize = 60;

const QUOTES: [(char, char); 7] =
    [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’'), ('«', '»'), ('„', '“')];

/// Returns the value around a place of a text, without its quotes.
pub(super) fn value_at<'t>(text: &'t str, place: &Range<usize>) -> Option<&'t str> {
    let start = text.floor_char_boundary(place.start.saturating_sub(REACH));
    let end = text.ceil_char_boundary((place.end + REACH).min(text.len()));
    let before = &text[start..place.start];
    let before = &before[before.rfind('\n').map_or(0, |feed| feed + 1)..];
    let after = &text[place.end..end];
    let after = &after[..after.find('\n').unwrap_or(after.len())];
    let is_whole_line = start == 0 || before.len() < place.start - start;
    let line = Line { text, before, after, place };
    line.in_quotes().or_else(|| line.behind_equals()).or_else(|| line.behind_key().filter(|_| is_whole_line))
}

/// A place, and its line up to [`REACH`].
struct Line<'t, 'p> {
    text: &'t str,
    before: &'t str,
    after: &'t str,
    place: &'p Range<usize>,
}

impl<'t> Line<'t, '_> {
    fn in_quotes(&self) -> Option<&'t str> {
        let (at, open) = self.before.char_indices().rev().find(|(_, character)| is_quote(*character))?;
        // An apostrophe, or the end of a string.
        if self.before[..at].ends_with(char::is_alphanumeric) {
            return None;
        }
        let content = at + open.len_utf8();
        let closing = |character: char| QUOTES.contains(&(open, character));
        let end = self.after.find(closing)?;
        self.value(&self.before[content..], &self.after[..end])
    }

    /// Reads `mode=fast`, `--mode=fast`.
    fn behind_equals(&self) -> Option<&'t str> {
        let is_of_value = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.');
        let start = self.before.trim_end_matches(is_of_value);
        let name = start.strip_suffix('=')?;
        let end = self.after.find(|character| !is_of_value(character)).unwrap_or(self.after.len());
        let is_named = name.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        is_named.then(|| self.value(&self.before[start.len()..], &self.after[..end])).flatten()
    }

    /// Reads `status: open`, `mode = fast`, to the end of the line.
    fn behind_key(&self) -> Option<&'t str> {
        let line = self.before.trim_start_matches([' ', '\t', '-', '*']);
        let (key, _) = line.split_once([':', '=', ' '])?;
        let rest = line[key.len()..].trim_start();
        let value = rest.strip_prefix([':', '='])?.trim_start();
        let is_key = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '"');
        if key.is_empty() || !key.chars().all(is_key) {
            return None;
        }
        let after = self.after.split(" #").next().unwrap_or_default().trim_end_matches([' ', '\t', '\r', ',', ';']);
        self.value(value, after)
    }

    /// Returns the text around the place and within these bounds, if it is short enough.
    fn value(&self, before: &str, after: &str) -> Option<&'t str> {
        let value = &self.text[self.place.start - before.len()..self.place.end + after.len()];
        let is_tight = !value.starts_with(char::is_whitespace) && !value.ends_with(char::is_whitespace);
        let is_short = value.split_whitespace().count() <= MOST_WORDS && !value.contains('\n');
        (is_tight && is_short && !value.is_empty()).then_some(value)
    }
}

fn is_quote(character: char) -> bool {
    QUOTES.iter().any(|(open, close)| character == *open || character == *close)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the value around `[…]`.
    fn value(marked: &str) -> Option<String> {
        let (before, rest) = marked.split_once('[').unwrap();
        let (place, after) = rest.split_once(']').unwrap();
        let text = format!("{before}{place}{after}");
        value_at(&text, &(before.len()..before.len() + place.len())).map(str::to_owned)
    }

    #[test]
    fn a_value_is_a_short_string_or_what_stands_behind_a_key() {
        for (text, expected) in [
            (r#"{"label": "[spam]", "score": 1}"#, "spam"),
            ("WHERE status = '[in] progress'", "in progress"),
            ("the value «[low]» is", "low"),
            ("open(path, mode=[fast])", "fast"),
            ("run --mode=[very]-fast --now", "very-fast"),
            ("a: b\n  status: [open]  # for now\nc: d", "open"),
            ("- level = [not] known", "not known"),
            ("LEVEL=[warn]", "warn"),
            ("risk: \"[very ]low\"", "very low"),
        ] {
            assert_eq!(value(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn prose_and_code_between_values_are_none() {
        for text in [
            r#"print("this is [the] result")"#,
            "it doesn't [matter] and it won't",
            r#""a" and [then] "b""#,
            "if a == [b] {",
            "The rule: [never] open this while it is hot.",
            "See the note: [this] is long, and longer.",
        ] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
