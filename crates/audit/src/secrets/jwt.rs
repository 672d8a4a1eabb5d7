//! JSON Web Tokens.

use super::Secret;
use super::letters::{Letters, is_within_word, run};
use super::stand_in::is_made_up;

/// The beginning of a JSON object in base64.
pub(super) const MARK: &str = "eyJ";

/// The bound on the length: servers take headers of up to 16 KiB.
const MAX: usize = 16 << 10;

/// The beginning of the claims of jwt.io's example: `{"sub":"1234567890"`.
const EXAMPLE: &str = "eyJzdWIiOiIxMjM0NTY3ODkwI";

/// Reads three parts of base64url: two that start as JSON objects do, and a signature.
pub(super) fn jwt(text: &str, start: usize) -> Option<Secret> {
    let bytes = text.as_bytes();
    if is_within_word(bytes, start) {
        return None;
    }
    let token = text.get(start..start + run(bytes, start, Letters::Dotted, MAX))?;
    let mut parts = token.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let is_token = header.len() >= 12 && claims.starts_with(MARK) && claims.len() >= 12 && signature.len() >= 20;
    let is_token = is_token && !is_made_up(signature) && !claims.starts_with(EXAMPLE);
    is_token.then(|| Secret { rule: "jwt", score: 1.0, bytes: start..start + token.len() })
}
