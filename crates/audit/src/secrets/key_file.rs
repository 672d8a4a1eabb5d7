//! Private keys in PEM, in files, in JSON and in source code.

use super::Secret;

/// The beginning of the first line of a PEM file.
pub(super) const MARK: &str = "-----BEGIN";

/// The reach of the search for a key behind its first line. An encrypted one has two more lines before its body.
const LOOK_AHEAD: usize = 512;

/// The minimum number of base64 digits of a key, as opposed to an ellipsis. An Ed25519 key has 64.
const MIN_DIGITS: usize = 40;

/// Returns the private key whose first line starts at `start`.
pub(super) fn private_key(text: &str, start: usize) -> Option<Secret> {
    let bytes = text.as_bytes();
    let label_end = start + MARK.len();
    let label = bytes[label_end..].iter().take(48);
    let label_len = label.take_while(|byte| byte.is_ascii_uppercase() || matches!(byte, b' ' | b'0'..=b'9')).count();
    let body_start = label_end + label_len;
    if !text.get(label_end..body_start)?.contains("PRIVATE KEY") || !bytes[body_start..].starts_with(b"-----") {
        return None;
    }
    let body = &bytes[body_start + 5..];
    let body = &body[..body.len().min(LOOK_AHEAD)];
    // Up to the last line: five dashes again.
    let body = &body[..body.windows(5).position(|window| window == b"-----").unwrap_or(body.len())];
    // Line feeds, escaped ones, and the quotes of continued strings separate lines.
    let lines = body.split(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')));
    let digits: usize = lines.map(<[u8]>::len).filter(|length| *length >= 16).sum();
    let end = body_start + 5 + body.len();
    (digits >= MIN_DIGITS).then(|| Secret {
        rule: "private_key",
        score: 1.0,
        bytes: start..text.floor_char_boundary(end),
    })
}
