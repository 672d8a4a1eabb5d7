//! Tokens that their first letters identify.
//!
//! Formats are those that the issuers publish, or that their tokens plainly have. A token does not start within a word.
//! That spares words, and keeps the runs to read apart from one another, so that the work is linear.

use std::ops::Range;

use super::Secret;
use super::randomness::{changes, is_made_up};

/// A format: fixed letters, then a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    rule: &'static str,
    /// The letters of a token behind its anchor's start.
    letters: Letters,
    /// Its minimum length as a whole.
    min: usize,
    max: usize,
    /// A further condition on its form.
    form: Option<fn(&str) -> bool>,
}

#[derive(Debug, Clone, Copy)]
enum Letters {
    Base62,
    /// And `_`.
    Word,
    /// And `_` and `-`.
    UrlSafe,
    /// And `.`.
    Dotted,
    /// And `/`.
    Path,
}

impl Letters {
    fn has(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || match self {
                Self::Base62 => false,
                Self::Word => byte == b'_',
                Self::UrlSafe => matches!(byte, b'_' | b'-'),
                Self::Dotted => matches!(byte, b'_' | b'-' | b'.'),
                Self::Path => matches!(byte, b'_' | b'-' | b'.' | b'/'),
            }
    }
}

const fn token(rule: &'static str, letters: Letters, min: usize, max: usize) -> Token {
    Token { rule, letters, min, max, form: None }
}

const fn formed(token: Token, form: fn(&str) -> bool) -> Token {
    Token { form: Some(form), ..token }
}

pub(super) const AWS_ACCESS_KEY: Token = formed(token("aws_access_key", Letters::Base62, 20, 20), |token| {
    token.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
});
pub(super) const GCP_API_KEY: Token = token("gcp_api_key", Letters::UrlSafe, 39, 39);
pub(super) const GOOGLE_OAUTH: Token = formed(token("google_oauth", Letters::Dotted, 30, 2048), is_mixed);
pub(super) const GOOGLE_CLIENT_SECRET: Token = token("google_client_secret", Letters::UrlSafe, 35, 35);
pub(super) const GITHUB: Token = formed(token("github_token", Letters::Word, 40, 255), is_mixed);
pub(super) const GITHUB_FINE_GRAINED: Token = formed(token("github_token", Letters::Word, 60, 255), is_mixed);
pub(super) const GITLAB: Token = formed(token("gitlab_token", Letters::Dotted, 26, 255), is_mixed);
pub(super) const NPM: Token = formed(token("npm_token", Letters::Base62, 40, 40), |token| is_mixed(&token[4..]));
pub(super) const PYPI: Token =
    formed(token("pypi_token", Letters::UrlSafe, 85, 512), |token| token[5..].starts_with("AgE"));
pub(super) const SLACK: Token = formed(token("slack_token", Letters::UrlSafe, 20, 255), |token| {
    token.as_bytes()[3].is_ascii_lowercase() && token.as_bytes()[4] == b'-' && is_mixed(&token[5..])
});
pub(super) const SLACK_APP: Token = formed(token("slack_token", Letters::UrlSafe, 40, 255), is_mixed);
pub(super) const SLACK_WEBHOOK: Token = formed(token("slack_webhook", Letters::Path, 50, 512), |url| {
    let mut path = url.split('/').skip(1);
    matches!(path.next(), Some("services" | "workflows" | "triggers"))
        && path.clone().count() >= 3
        && path.last().is_some_and(|last| last.len() >= 16 && is_mixed(last))
});
pub(super) const DISCORD_WEBHOOK: Token = formed(token("discord_webhook", Letters::Path, 90, 255), |url| {
    let mut path = url.split('/').skip(3);
    let id = path.next().unwrap_or_default();
    id.len() >= 17 && id.bytes().all(|byte| byte.is_ascii_digit()) && path.next().is_some_and(is_mixed)
});
pub(super) const STRIPE: Token = formed(token("stripe_key", Letters::Base62, 24, 255), is_mixed);
pub(super) const STRIPE_WEBHOOK: Token = formed(token("stripe_webhook_secret", Letters::Base62, 38, 128), is_mixed);
pub(super) const SENDGRID: Token = formed(token("sendgrid_key", Letters::Dotted, 66, 72), |token| {
    let mut parts = token.split('.').skip(1);
    matches!((parts.next(), parts.next(), parts.next()), (Some(id), Some(key), None) if id.len() >= 20 && key.len() >= 40)
});
/// OpenAI, Anthropic, OpenRouter, and the many that adopted their form.
pub(super) const MODEL_API_KEY: Token = formed(token("model_api_key", Letters::UrlSafe, 35, 255), is_mixed);
pub(super) const HUGGING_FACE: Token = formed(token("hugging_face_token", Letters::Base62, 37, 40), is_mixed);
pub(super) const GROQ: Token = formed(token("groq_key", Letters::Base62, 44, 64), is_mixed);
pub(super) const XAI: Token = formed(token("xai_key", Letters::Base62, 44, 128), is_mixed);
pub(super) const DIGITAL_OCEAN: Token = token("digital_ocean_token", Letters::Base62, 71, 71);
pub(super) const SHOPIFY: Token = token("shopify_token", Letters::Base62, 38, 38);
pub(super) const DATABRICKS: Token = formed(token("databricks_token", Letters::UrlSafe, 36, 38), |token| {
    token[4..].bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') && is_mixed(token)
});

impl Token {
    /// Returns the token that starts with the anchor, if there is one.
    pub(super) fn at(self, text: &str, anchor: Range<usize>) -> Option<Secret> {
        let (bytes, start) = (text.as_bytes(), anchor.start);
        if is_within_word(bytes, start) {
            return None;
        }
        // The anchor's own letters may differ from those of the run (`npm_`, then base 62).
        let run = bytes[anchor.end..].iter().take(self.max + 1).take_while(|byte| self.letters.has(**byte)).count();
        let mut token = text.get(start..anchor.end + run)?;
        if matches!(self.letters, Letters::Dotted | Letters::Path) {
            token = token.trim_end_matches(['.', '/', '-']); // a sentence's full stop
        }
        let is_whole = (self.min..=self.max).contains(&token.len()) && !is_made_up(&token[3..]);
        let is_formed = is_whole && self.form.is_none_or(|form| form(token));
        is_formed.then(|| Secret { rule: self.rule, score: 1.0, bytes: start..start + token.len() })
    }
}

/// Returns `true` if the token is mixed as chance does it: names behind a token's prefix (`sk-fading-circle-...`) are
/// not.
fn is_mixed(token: &str) -> bool {
    token.bytes().filter(u8::is_ascii_digit).count() >= 2 && changes(token) * 5 >= token.len()
}

/// Reads a bot's id, a colon, `AA`, 33 more. The anchor is in the middle, so the id's length is bounded here.
pub(super) fn telegram_bot(text: &str, colon: usize) -> Option<Secret> {
    const SECRET: usize = 35;
    let bytes = text.as_bytes();
    let digits = bytes[..colon].iter().rev().take(12).take_while(|byte| byte.is_ascii_digit()).count();
    let start = colon - digits;
    let run = bytes[colon + 1..].iter().take(SECRET + 1).take_while(|byte| Letters::UrlSafe.has(**byte)).count();
    let secret = text.get(colon + 1..colon + 1 + run)?;
    let is_token = (8..=10).contains(&digits) && run == SECRET && !is_made_up(secret) && is_mixed(secret);
    is_token.then(|| Secret { rule: "telegram_bot", score: 1.0, bytes: start..colon + 1 + run })
}

/// Reads three parts of base64url: two that start as JSON objects do, and a signature.
pub(super) fn jwt(text: &str, start: usize) -> Option<Secret> {
    const MAX: usize = 8192;
    let bytes = text.as_bytes();
    if is_within_word(bytes, start) {
        return None;
    }
    let run = bytes[start..].iter().take(MAX).take_while(|byte| Letters::Dotted.has(**byte)).count();
    let token = text.get(start..start + run)?.trim_end_matches('.');
    let mut parts = token.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let is_token = header.len() >= 12 && claims.starts_with("eyJ") && claims.len() >= 12 && signature.len() >= 20;
    let is_token = is_token && !is_made_up(signature);
    is_token.then(|| Secret { rule: "jwt", score: 1.0, bytes: start..start + token.len() })
}

fn is_within_word(bytes: &[u8], start: usize) -> bool {
    bytes[..start].last().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}
