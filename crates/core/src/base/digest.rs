//! SHA-256 over a sequence of fields. No two different sequences encode to the same bytes.

use sha2::{Digest as _, Sha256};

pub(crate) struct FieldDigest(Sha256);

impl FieldDigest {
    /// Starts a digest. `domain` separates the digests of different things and names the version of their layout.
    pub(crate) fn new(domain: &'static str) -> Self {
        Self(Sha256::new()).text(domain)
    }

    /// Adds a field after its length, so that a field boundary cannot move.
    pub(crate) fn text(mut self, field: &str) -> Self {
        self.0.update((field.len() as u64).to_le_bytes());
        self.0.update(field.as_bytes());
        self
    }

    /// Adds an optional field. An absent field differs from an empty one.
    pub(crate) fn optional(mut self, field: Option<&str>) -> Self {
        self.0.update([u8::from(field.is_some())]);
        match field {
            Some(field) => self.text(field),
            None => self,
        }
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    pub(crate) fn hex(self) -> String {
        hex(&self.finish())
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    /// The bytes of a SHA-256. Nearly all callers pass at most this many.
    const BLOCK: usize = 32;
    let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
    let mut hex = String::with_capacity(2 * bytes.len());
    for block in bytes.chunks(BLOCK) {
        // Pushes a whole block at once, because a string takes characters one by one.
        let mut digits = [0; 2 * BLOCK];
        for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(block) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        hex.push_str(str::from_utf8(&digits[..2 * block.len()]).unwrap_or_default());
    }
    hex
}

/// Returns 128 bits of a digest in place of the id. It takes tens of bytes a pair, and no two ids of a real lake
/// collide.
pub(crate) fn id_key(kind: &str, id: &str) -> u128 {
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

    #[test]
    fn hex_is_lower_case_and_padded() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
