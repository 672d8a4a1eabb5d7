//! SHA-256 over a sequence of fields. No two different sequences encode to the same bytes.

pub use ::hex::encode as hex;
use sha2::{Digest as _, Sha256};

/// A SHA-256 that is fed field by field.
pub struct FieldDigest(Sha256);

impl FieldDigest {
    /// Starts a digest. `domain` separates the digests of different things and names the version of their layout.
    pub fn new(domain: &'static str) -> Self {
        Self(Sha256::new()).text(domain)
    }

    /// Adds a field after its length, so that a field boundary cannot move.
    pub fn text(mut self, field: &str) -> Self {
        self.0.update((field.len() as u64).to_le_bytes());
        self.0.update(field.as_bytes());
        self
    }

    /// Adds an optional field. An absent field differs from an empty one.
    pub fn optional(mut self, field: Option<&str>) -> Self {
        self.0.update([u8::from(field.is_some())]);
        match field {
            Some(field) => self.text(field),
            None => self,
        }
    }

    /// Returns the digest.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// Returns the digest as 64 lower-case hexadecimal digits.
    pub fn hex(self) -> String {
        hex(self.finish())
    }
}

/// Returns 128 bits of a digest in place of the id. It takes tens of bytes a pair, and no two ids of a real lake
/// collide.
pub fn id_key(kind: &str, id: &str) -> u128 {
    let digest = Sha256::new().chain_update(kind).chain_update(id).finalize();
    digest.iter().take(16).fold(0, |key, &byte| key << 8 | u128::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_boundary_changes_the_digest() {
        let digest = |left, right| FieldDigest::new("test").text(left).text(right).hex();
        assert_ne!(digest("ab", "c"), digest("a", "bc"));
    }

    #[test]
    fn absent_is_not_empty() {
        let digest = |field| FieldDigest::new("test").optional(field).hex();
        assert_ne!(digest(None), digest(Some("")));
    }
}
