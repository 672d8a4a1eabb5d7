//! Methods, filters and tests of Python values that minijinja lacks or implements differently.

use minijinja::value::{Kwargs, Rest, Tuple, Value, ValueKind, ValueOrKwargs, from_args};
use minijinja::{Error, ErrorKind, State};

/// The test `is iterable`. In minijinja `none` is iterable, and in Python it is not: templates test `tools` with it.
pub(super) fn is_iterable(value: &Value) -> bool {
    !value.is_none() && value.try_iter().is_ok()
}

/// The test `is sequence`: in Python, values with a length and items, which includes texts and mappings.
pub(super) fn is_sequence(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Undefined | ValueKind::String | ValueKind::Seq | ValueKind::Map)
}

/// The filter `trim`.
pub(super) fn trim(value: &Value, letters: Option<&str>) -> String {
    strip(&value.to_string(), letters, true, true).to_owned()
}

/// The filter `default(default_value='', boolean=false)`.
pub(super) fn default(value: &Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let arguments = arguments.into_values();
    let (other, also_if_false, named): (Option<Value>, Option<bool>, Kwargs) = from_args(&arguments)?;
    let other = match other {
        Some(other) => other,
        None => named.get::<Option<Value>>("default_value")?.unwrap_or_else(|| Value::from("")),
    };
    let also_if_false = match also_if_false {
        Some(flag) => flag,
        None => named.get::<Option<bool>>("boolean")?.unwrap_or(false),
    };
    named.assert_all_used()?;
    Ok(if value.is_undefined() || (also_if_false && !value.is_true()) { other } else { value.clone() })
}

/// Calls a method of a text or list that minijinja lacks, as Python defines it.
pub(super) fn method(state: &mut State, value: &Value, name: &str, arguments: &[Value]) -> Result<Value, Error> {
    let ours = match value.as_str() {
        Some(text) => of_text(text, name, arguments)?,
        None if value.kind() == ValueKind::Seq && name == "index" => {
            let (item,): (&Value,) = from_args(arguments)?;
            Some(Value::from(value.try_iter()?.position(|each| each == *item).ok_or_else(not_found)?))
        }
        None => None,
    };
    match ours {
        Some(value) => Ok(value),
        None => minijinja_contrib::pycompat::unknown_method_callback(state, value, name, arguments),
    }
}

fn of_text(text: &str, name: &str, arguments: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(match name {
        "strip" | "lstrip" | "rstrip" => {
            let (letters,): (Option<&str>,) = from_args(arguments)?;
            Value::from(strip(text, letters, name != "rstrip", name != "lstrip"))
        }
        "split" | "rsplit" => {
            let (separator, most, named): (Option<&str>, Option<i64>, Kwargs) = from_args(arguments)?;
            let separator =
                separator.map_or_else(|| named.get::<Option<&str>>("sep"), |separator| Ok(Some(separator)))?;
            let most = most.map_or_else(|| named.get::<Option<i64>>("maxsplit"), |most| Ok(Some(most)))?;
            named.assert_all_used()?;
            let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
            Value::from(split(text, separator, most, name == "rsplit")?)
        }
        "splitlines" => {
            let (keep_ends,): (Option<bool>,) = from_args(arguments)?;
            Value::from(lines(text, keep_ends.unwrap_or(false)))
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(arguments)?;
            let is_first = name == "partition";
            let found = if is_first { text.split_once(separator) } else { text.rsplit_once(separator) };
            let parts = match found {
                Some((before, after)) => [before, separator, after],
                None if is_first => [text, "", ""],
                None => ["", "", text],
            };
            Value::from(Tuple::from(parts.map(Value::from)))
        }
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(arguments)?;
            Value::from(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(arguments)?;
            Value::from(text.strip_suffix(suffix).unwrap_or(text))
        }
        "index" | "rindex" => {
            let (part,): (&str,) = from_args(arguments)?;
            let found = if name == "index" { text.find(part) } else { text.rfind(part) };
            Value::from(text[..found.ok_or_else(not_found)?].chars().count())
        }
        "title" => {
            from_args::<()>(arguments)?;
            Value::from(title(text))
        }
        _ => return Ok(None),
    }))
}

fn not_found() -> Error {
    Error::new(ErrorKind::UnknownMethod, "index: there is no such part")
}

/// Returns `true` for white space as Python defines it: with the four separators of ASCII.
fn is_space(letter: char) -> bool {
    letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter)
}

fn strip<'t>(text: &'t str, letters: Option<&str>, at_start: bool, at_end: bool) -> &'t str {
    let goes = |letter: char| letters.map_or_else(|| is_space(letter), |letters| letters.contains(letter));
    let text = if at_start { text.trim_start_matches(goes) } else { text };
    if at_end { text.trim_end_matches(goes) } else { text }
}

/// Splits a text at most `most` times, from the end if `from_end`.
fn split(text: &str, separator: Option<&str>, most: usize, from_end: bool) -> Result<Vec<Value>, Error> {
    let cuts = most.saturating_add(1);
    let mut parts: Vec<&str> = match (separator, from_end) {
        (Some(""), _) => return Err(Error::new(ErrorKind::UnknownMethod, "split: the separator is empty")),
        (Some(separator), false) => text.splitn(cuts, separator).collect(),
        (Some(separator), true) => text.rsplitn(cuts, separator).collect(),
        (None, _) => words(text, most, from_end),
    };
    if from_end {
        parts.reverse();
    }
    Ok(parts.into_iter().map(Value::from).collect())
}

/// Splits a text at runs of white space. After the last cut, the rest is one part.
fn words(text: &str, most: usize, from_end: bool) -> Vec<&str> {
    let without_space = |rest| strip(rest, None, !from_end, from_end);
    let (mut words, mut rest) = (Vec::new(), without_space(text));
    while !rest.is_empty() {
        let (word, left) = match (words.len() < most, from_end) {
            (false, _) => (rest, ""),
            (true, false) => rest.split_at(rest.find(is_space).unwrap_or(rest.len())),
            (true, true) => {
                let (left, word) = rest.split_at(rest.trim_end_matches(|letter| !is_space(letter)).len());
                (word, left)
            }
        };
        words.push(word);
        rest = without_space(left);
    }
    words
}

/// Splits a text at all line ends that Python knows.
fn lines(text: &str, keep_ends: bool) -> Vec<Value> {
    let is_end = |letter: char| {
        matches!(letter, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
    };
    let (mut lines, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let end = rest.find(is_end).unwrap_or(rest.len());
        let width =
            if rest[end..].starts_with("\r\n") { 2 } else { rest[end..].chars().next().map_or(0, char::len_utf8) };
        lines.push(Value::from(&rest[..if keep_ends { end + width } else { end }]));
        rest = &rest[end + width..];
    }
    lines
}

/// Capitalizes every letter after a non-letter, also after an apostrophe.
fn title(text: &str) -> String {
    let (mut titled, mut is_in_word) = (String::with_capacity(text.len()), false);
    for letter in text.chars() {
        if is_in_word {
            titled.extend(letter.to_lowercase());
        } else {
            titled.extend(letter.to_uppercase());
        }
        is_in_word = letter.is_alphabetic();
    }
    titled
}
