//! Values that only their names identify: `password = "..."`, `API_KEY=...`, `"client_secret": "..."`.
//!
//! Nearly all false alarms of such searches come from here, hence the conditions. The name must be a credential's
//! (`name.rs`). The value must be literal (no call, no variable, no placeholder), and look random.

use std::ops::Range;

use super::Secret;
use super::name::{Value, kind_of_value};
use super::randomness::{changes, entropy, is_drawn, is_name};
use super::stand_in::is_stand_in;

const MAX_NAME: usize = 48;
const MAX_VALUE: usize = 160;

/// Returns the end of the name before a sign, if it ends as a credential's name does. This rules out nearly all names.
pub(super) fn name_end(bytes: &[u8], sign: usize) -> Option<usize> {
    let is_between = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b']' | b'=' | b'-');
    let end = sign - bytes[..sign].iter().rev().take(6).take_while(is_between).count();
    let last: &[u8; 3] = bytes[..end].last_chunk()?;
    let last = last.map(|byte| byte | 0x20);
    matches!(&last, b"ord" | b"swd" | b"pwd" | b"ase" | b"ass" | b"ret" | b"ken" | b"key" | b"sig" | b"ion")
        .then_some(end)
}

/// Returns the value that `sign` assigns to the name that ends at `name_end`.
pub(super) fn assigned(text: &str, name_end: usize, sign: usize) -> Option<Secret> {
    let is_in_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let length = text.as_bytes()[..name_end].iter().rev().take(MAX_NAME).take_while(is_in_name).count();
    let name = text.get(name_end - length..name_end)?;
    let kind = kind_of_value(name)?;
    let name = name.to_ascii_lowercase();
    let (value, is_quoted) = value(text, sign)?;
    let given = text.get(value.clone())?;
    let (rule, score) = match kind {
        Value::Chosen if is_password(given, is_quoted) => ("password", 0.6),
        Value::Drawn if is_key(&name, given) => known_key(&name, given).unwrap_or(("assigned_credential", 0.7)),
        _ => return None,
    };
    (!is_stand_in(given)).then_some(Secret { rule, score, bytes: value })
}

/// Returns the place of the value behind a sign, and `true` if it is in quotes. `None`: it is computed, or there is
/// none.
fn value(text: &str, sign: usize) -> Option<(Range<usize>, bool)> {
    let bytes = text.as_bytes();
    let mut at = sign + 1;
    let skip = |at: &mut usize, most: usize, is_skipped: fn(u8) -> bool| {
        *at += bytes[*at..].iter().take(most).take_while(|byte| is_skipped(**byte)).count();
    };
    skip(&mut at, 2, |byte| matches!(byte, b'=' | b'>'));
    // `name: str = value`: a type comes first.
    let is_in_type = |byte: &u8| byte.is_ascii_alphabetic() || b" &'<>[]._|".contains(byte);
    let type_len = bytes[at..].iter().take(24).take_while(|byte| is_in_type(byte)).count();
    if bytes[sign] == b':' && bytes.get(at + type_len) == Some(&b'=') {
        at += type_len + 1;
    }
    skip(&mut at, 8, |byte| matches!(byte, b' ' | b'\t'));
    skip(&mut at, 2, |byte| byte == b'\\');
    if let Some(quote) = bytes.get(at).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`')) {
        at += 1;
        let is_end = |byte: &u8| *byte == quote || matches!(byte, b'\n' | b'\\');
        let length = bytes[at..].iter().take(MAX_VALUE + 1).position(is_end)?;
        return Some((at..at + length, true));
    }
    if bytes.get(at).is_some_and(|byte| matches!(byte, b'$' | b'%' | b'@' | b'&' | b'*' | b'#' | b'!')) {
        return None;
    }
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b",;\"'`<>(){}[]&|\\=".contains(byte);
    let length = bytes[at..].iter().take(MAX_VALUE + 1).take_while(|byte| !is_end(byte)).count();
    let is_computed = bytes.get(at + length).is_some_and(|byte| matches!(byte, b'(' | b'[' | b'{'));
    (length <= MAX_VALUE && !is_computed).then_some((at..at + length, false))
}

/// Returns `true` for letters with digits or signs among them. A value without quotes could be an expression, and must
/// be mixed more.
fn is_password(value: &str, is_quoted: bool) -> bool {
    if !(8..=64).contains(&value.len()) || value.contains(char::is_whitespace) {
        return false;
    }
    let has = |class: fn(&u8) -> bool| value.as_bytes().iter().any(class);
    let has_sign = has(|byte| byte.is_ascii_punctuation() && !b"_-./:,".contains(byte));
    let is_mixed = has(u8::is_ascii_alphabetic) && (has(u8::is_ascii_digit) || has_sign);
    let least_changes = if is_quoted { 1 } else { 3 };
    is_mixed
        && (has_sign || !is_name(value))
        && changes(value) >= least_changes
        && entropy(value) >= 2.5
        && (is_quoted || has(u8::is_ascii_digit))
        && !is_reference(value)
}

fn is_key(name: &str, value: &str) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-.~:".contains(&byte);
    (16..=MAX_VALUE).contains(&value.len())
        && value.bytes().all(is_base64)
        && is_drawn(value)
        && !is_reference(value)
        && (!is_uuid(value) || ["secret", "api"].iter().any(|kind| name.contains(kind)))
}

/// Returns `true` for a path, a URL, or a field of something.
fn is_reference(value: &str) -> bool {
    value.starts_with(['/', '.', '~']) || value.contains("://") || value.contains("::") || value.contains("->")
}

/// Returns `true` for a UUID, which is an id as a rule.
fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Returns the rule of a key whose issuer follows from its name and length together.
fn known_key(name: &str, value: &str) -> Option<(&'static str, f32)> {
    match value.trim_end_matches('=').len() {
        40 if name.contains("aws") || name.contains("secret") && name.contains("access") => {
            Some(("aws_secret_key", 0.9))
        }
        86 if name.contains("account") => Some(("azure_storage_key", 1.0)),
        43 if name.contains("sharedaccess") => Some(("azure_shared_access_key", 1.0)),
        _ => None,
    }
}
