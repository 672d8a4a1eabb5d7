//! Names of credentials, and those that only end as they do.

/// Endings of names of credentials, and the kind of their values.
const ENDINGS: [(&str, Value); 8] = [
    ("password", Value::Chosen),
    ("passwd", Value::Chosen),
    ("passphrase", Value::Chosen),
    ("pwd", Value::Chosen),
    ("pass", Value::Chosen),
    ("secret", Value::Drawn),
    ("token", Value::Drawn),
    ("key", Value::Drawn),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// By people: short, and not quite random.
    Chosen,
    /// By machines.
    Drawn,
}

/// Words that make a key a credential.
const SECRET_KEYS: [&str; 13] = [
    "api",
    "access",
    "account",
    "secret",
    "private",
    "encryption",
    "signing",
    "auth",
    "master",
    "storage",
    "service",
    "subscription",
    "webhook",
];

/// The last words before `token` or `key` in names of values that open nothing: the place in a list, proofs that a form
/// came from its page, tokens of a model's vocabulary, marks of a request.
const OTHER: [&str; 34] = [
    "next",
    "page",
    "nextpage",
    "previous",
    "prev",
    "continuation",
    "continue",
    "pagination",
    "paging",
    "cursor",
    "search",
    "query",
    "scroll",
    "skip",
    "sync",
    "delta",
    "resume",
    "change",
    "csrf",
    "xsrf",
    "csrfmiddleware",
    "antiforgery",
    "authenticity",
    "verification",
    "captcha",
    "recaptcha",
    "pad",
    "eos",
    "bos",
    "mask",
    "cancel",
    "cancellation",
    "idempotency",
    "idempotent",
];

/// Returns the kind of a name's value; `None` if it is no credential.
pub(super) fn kind_of_value(name: &str) -> Option<Value> {
    let lower = name.to_ascii_lowercase();
    let (ending, kind) = ENDINGS.into_iter().find(|(ending, _)| lower.ends_with(ending))?;
    // `compass`, `bypass`: as an ending of a longer name `pass` must be a word of its own.
    let is_part = ending == "pass" && !matches!(lower.as_bytes(), [.., b'_' | b'-', _, _, _, _] | [_, _, _, _]);
    let is_any_key = ending == "key" && !SECRET_KEYS.iter().any(|kind| lower.contains(kind));
    let is_other = kind == Value::Drawn && opens_nothing(ending, &name[..name.len() - ending.len()]);
    (!is_part && !is_any_key && !is_other).then_some(kind)
}

/// Returns `true` for a name such as `public_key`, `nextPageToken`, `csrf-token`. `before`: the name without its ending. A secret
/// opens something, whatever it is for.
fn opens_nothing(ending: &str, before: &str) -> bool {
    let is_public = |word: &str| ["public", "publishable"].iter().any(|public| word.eq_ignore_ascii_case(public));
    let is_other = |word: &str| OTHER.iter().any(|other| word.eq_ignore_ascii_case(other));
    words(before).any(is_public) || ending != "secret" && is_other(last_word(before))
}

/// Returns the words of a name, the last first.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let word = Some(last_word(rest)).filter(|word| !word.is_empty())?;
        rest = &rest[..rest.trim_end_matches(['_', '-']).len() - word.len()];
        Some(word)
    })
}

/// Returns the last word of a name: `page` of `next_page`, `next-page-`, `nextPage`, `NEXT_PAGE_`.
fn last_word(name: &str) -> &str {
    let name = name.trim_end_matches(['_', '-']);
    let bytes = name.as_bytes();
    let starts = |at: &usize| match bytes[at - 1] {
        b'_' | b'-' => true,
        last => last.is_ascii_lowercase() && bytes[*at].is_ascii_uppercase(),
    };
    &name[(1..bytes.len()).rev().find(starts).unwrap_or(0)..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_told_from_names_that_end_alike() {
        for name in [
            "token",
            "accessToken",
            "page_access_token",
            "NEXTAUTH_SECRET",
            "researchToken",
            "X-Auth-Token",
            "api_key",
            "secretKey",
            "client-secret",
            "RECAPTCHA_SECRET",
            "csrfSecret",
            "REPUBLIC_BANK_API_KEY",
        ] {
            assert_eq!(kind_of_value(name), Some(Value::Drawn), "{name}");
        }
        for name in ["password", "DB_PASSWORD", "user_pass", "pass"] {
            assert_eq!(kind_of_value(name), Some(Value::Chosen), "{name}");
        }
        for name in [
            "searchToken",
            "pageToken",
            "nextToken",
            "NextPageToken",
            "next_page_token",
            "nextpagetoken",
            "NEXT_TOKEN",
            "continuation-token",
            "syncToken",
            "csrf_token",
            "X-CSRF-Token",
            "_csrfToken",
            "csrfmiddlewaretoken",
            "__RequestVerificationToken",
            "authenticity_token",
            "idempotency-key",
            "pad_token",
            "public_key",
            "NEXT_PUBLIC_API_KEY",
            "publicApiKey",
            "cache_key",
            "monkey",
            "compass",
            "token_type",
        ] {
            assert_eq!(kind_of_value(name), None, "{name}");
        }
    }
}
