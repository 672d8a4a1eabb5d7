//! Contributors are pseudonymous: an event names them by keyed hashes of their ids from the moment it is read. Neither
//! the queues nor the lake ever hold an id.

use std::borrow::Cow;
use std::fmt;

use flywheel_base::{
    Refusal,
    digest::hex,
    fields::Fields,
    json::{Json, Text},
    require_visible,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The number of hexadecimal digits of a pseudonym.
const PSEUDONYM_DIGITS: usize = 32;

/// The writer of the text that is read as an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// A client. It names contributors by `contributor_id`. Its fields are never read as a pseudonym.
    Client,
    /// Ingest, which names them by `contributor`. A message that reached the queue by other means may name them as a
    /// client does.
    Queue,
}

/// The key of the hash. Without it the ids behind the hashes stay secret, even from an attacker who tries all ids.
/// Deleting the key makes every stored hash anonymous.
#[derive(Clone)]
pub struct ContributorKey(Hmac<Sha256>);

impl ContributorKey {
    /// Takes any non-empty secret; 32 random bytes are right.
    #[must_use]
    pub fn new(secret: &str) -> Option<Self> {
        if secret.is_empty() {
            return None;
        }
        Hmac::new_from_slice(secret.as_bytes()).ok().map(Self)
    }

    /// Returns the pseudonym of an id: 32 hexadecimal digits of HMAC-SHA-256.
    #[must_use]
    pub fn pseudonym(&self, contributor_id: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(contributor_id.as_bytes());
        hex(&mac.finalize().into_bytes()[..PSEUDONYM_DIGITS / 2])
    }
}

/// Takes the contributor out of an event's fields, as a pseudonym. Without a key an id has none, and is left out.
///
/// A queued event keeps its pseudonym, under whatever key it was made: the event's id may depend on it.
pub(crate) fn take_pseudonym<'a>(
    fields: &mut Fields<'a>,
    writer: Writer,
    key: Option<&ContributorKey>,
) -> Result<Option<Cow<'a, str>>, Refusal> {
    let id = fields.optional_id("contributor_id")?;
    if let Some(id) = id.as_deref().filter(|_| writer == Writer::Client) {
        require_visible(id, "contributor_id")?;
    }
    if writer == Writer::Queue
        && let Some(Json::Text(Text { value: pseudonym, .. })) = fields.take("contributor")?
        && is_pseudonym(&pseudonym)
    {
        return Ok(Some(pseudonym));
    }
    Ok(id.zip(key).map(|(id, key)| Cow::Owned(key.pseudonym(&id))))
}

/// Returns `true` for a well-formed pseudonym. Any other value is ignored as an unknown field, lest it enter the lake
/// as a pseudonym.
fn is_pseudonym(text: &str) -> bool {
    text.len() == PSEUDONYM_DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Debug for ContributorKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ContributorKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudonyms_are_stable_and_depend_on_the_key() {
        let key = ContributorKey::new("k").unwrap();
        assert_eq!(key.pseudonym("alice"), key.pseudonym("alice"));
        assert_ne!(key.pseudonym("alice"), key.pseudonym("bob"));
        assert_ne!(key.pseudonym("alice"), ContributorKey::new("other").unwrap().pseudonym("alice"));
    }

    #[test]
    fn there_is_no_empty_key() {
        assert!(ContributorKey::new("").is_none());
    }
}
