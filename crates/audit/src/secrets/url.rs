//! Credentials in URLs: a user's password, and Azure's signatures.

use super::Secret;
use super::stand_in::{is_made_up, is_stand_in};

/// The maximum length of a URL's authority.
const MAX: usize = 256;

/// Returns the password in `scheme://user:password@host`, where `start` is behind the slashes.
pub(super) fn password(text: &str, start: usize) -> Option<Secret> {
    let is_end = |byte: &u8| {
        byte.is_ascii_whitespace() || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'`' | b'<' | b'>')
    };
    let length = text.as_bytes()[start..].iter().take(MAX).take_while(|byte| !is_end(byte)).count();
    let authority = text.get(start..start + length)?;
    let (user_info, host) = authority.rsplit_once('@')?;
    let (user, password) = user_info.split_once(':')?;
    let is_secret =
        password.len() >= 6 && password != user && !host.is_empty() && !is_local(host) && !is_blank(password);
    let from = start + user.len() + 1;
    is_secret.then(|| Secret { rule: "url_password", score: 0.9, bytes: from..from + password.len() })
}

/// Returns `true` for a placeholder of documentation, not a real password.
fn is_blank(text: &str) -> bool {
    const WORDS: [&str; 6] = ["pass", "postgres", "user", "$", "[", "%("];
    is_stand_in(text) || WORDS.iter().any(|word| text.to_ascii_lowercase().contains(word))
}

fn is_local(host: &str) -> bool {
    host == "host"
        || ["localhost", "127.", "0.0.0.0", "example.", "host:", "[::1]"].iter().any(|local| host.starts_with(local))
        || host.contains(".example.")
}

/// Returns the signature of a shared access signature: a query's `sig`, 32 bytes in base64 that may be escaped.
pub(super) fn signature(text: &str, sign: usize) -> Option<Secret> {
    let bytes = text.as_bytes();
    if bytes[sign] != b'=' || !matches!(bytes.get(sign.wrapping_sub(4)), Some(b'?' | b'&' | b';')) {
        return None;
    }
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'%' | b'+' | b'/' | b'=' | b'-' | b'_');
    let start = sign + 1;
    let length = bytes[start..].iter().take(MAX).take_while(|byte| is_digit(byte)).count();
    let value = text.get(start..start + length)?;
    let is_secret =
        (43..=96).contains(&length) && !is_made_up(value) && value.bytes().any(|byte| byte.is_ascii_digit());
    is_secret.then(|| Secret { rule: "azure_sas", score: 1.0, bytes: start..start + length })
}
