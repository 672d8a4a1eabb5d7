//! Credentials in HTTP's `Authorization` header.

use super::Secret;
use super::stand_in::{is_made_up, is_of_one_case, is_stand_in};

/// The bound on the length of a token: Node.js takes headers of up to 16 KiB, most servers of up to 8.
const MAX: usize = 16 << 10;

/// Returns the credential in `Authorization: Basic ...` or `Bearer ...`, as a header or in source code; `sign` is the
/// `:` or `=`.
pub(super) fn authorization(text: &str, sign: usize) -> Option<Secret> {
    let bytes = text.as_bytes();
    let name = &bytes[sign.saturating_sub(18)..sign];
    if !name.windows(12).any(|window| window.eq_ignore_ascii_case(b"uthorization")) {
        return None;
    }
    let blanks = bytes[sign + 1..].iter().take(5).take_while(|byte| b" '\"\\`".contains(byte)).count();
    let scheme_start = sign + 1 + blanks;
    let scheme_len = bytes[scheme_start..].iter().take(8).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let start = scheme_start + scheme_len + 1;
    if bytes.get(start - 1) != Some(&b' ') {
        return None;
    }
    match text.get(scheme_start..start - 1)?.to_ascii_lowercase().as_str() {
        "bearer" | "token" => bearer(text, start),
        "basic" => basic(text, start),
        _ => None,
    }
}

/// Reads a token of any issuer. Three dots leave out a token.
fn bearer(text: &str, start: usize) -> Option<Secret> {
    let run = run(text, start, |byte| byte.is_ascii_alphanumeric() || b"._~+/=-".contains(&byte))?;
    let token = run.trim_end_matches('.');
    let is_secret = token.len() >= 20 && !is_made_up(token) && !is_of_one_case(token) && !run.contains("..");
    is_secret.then(|| Secret { rule: "bearer_token", score: 0.9, bytes: start..start + token.len() })
}

/// Reads a user and a password in base64.
fn basic(text: &str, start: usize) -> Option<Secret> {
    let encoded = run(text, start, |byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))?;
    if !(8..=512).contains(&encoded.len()) {
        return None;
    }
    let decoded = decoded(encoded)?;
    let (user, password) = decoded.split_once(':')?;
    let is_secret =
        password.len() >= 4 && password != user && !is_stand_in(password) && !decoded.contains(char::is_control);
    is_secret.then(|| Secret { rule: "basic_auth", score: 0.9, bytes: start..start + encoded.len() })
}

fn run(text: &str, start: usize, is_in: impl Fn(u8) -> bool) -> Option<&str> {
    let length = text.as_bytes()[start..].iter().take(MAX).take_while(|byte| is_in(**byte)).count();
    text.get(start..start + length)
}

/// Decodes base64 as text; `None` if it is not.
fn decoded(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let (mut bits, mut count) = (0_u32, 0);
    for byte in encoded.trim_end_matches('=').bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    String::from_utf8(bytes).ok()
}
