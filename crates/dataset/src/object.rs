use flywheel_base::digest::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// An object beside the table, and its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectDigest {
    /// Its name, below the table's folder.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
}

impl ObjectDigest {
    /// Returns an object that is named after its content, so that writing it twice is idempotent.
    #[must_use]
    pub fn of(folder: &str, extension: &str, bytes: &[u8]) -> Self {
        let sha256 = object_sha256(bytes);
        Self { name: format!("_flywheel/{folder}/{sha256}.{extension}"), sha256 }
    }
}

/// The SHA-256 of an object that is read piece by piece.
#[derive(Debug, Default)]
pub struct StreamDigest(Sha256);

impl StreamDigest {
    /// Adds the next piece.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest, in hexadecimal.
    #[must_use]
    pub fn finish(self) -> String {
        hex(self.0.finalize())
    }
}

/// Returns the SHA-256 of an object, in hexadecimal.
#[must_use]
pub fn object_sha256(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}
