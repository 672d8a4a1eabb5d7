//! Contributors are pseudonymous: the lake holds keyed hashes of their ids, never the ids.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::digest::hex;

/// The key of the hash. Without it nobody can tell which ids hide behind the hashes, not even by trying all ids; deleting
/// it makes every stored hash anonymous.
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

    /// The pseudonym of an id: 32 hexadecimal digits of HMAC-SHA-256.
    #[must_use]
    pub fn pseudonym(&self, contributor_id: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(contributor_id.as_bytes());
        hex(&mac.finalize().into_bytes()[..16])
    }
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
