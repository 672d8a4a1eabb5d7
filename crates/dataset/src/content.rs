use flywheel_base::digest::{FieldDigest, hex};
use sha2::{Digest as _, Sha256};

use super::gold_line::GoldLine;
use super::split::Split;

/// Digests rows in order.
#[derive(Debug)]
pub struct ContentDigest(Sha256);

impl Default for ContentDigest {
    fn default() -> Self {
        Self(Sha256::new_with_prefix("flywheel content 1"))
    }
}

impl ContentDigest {
    /// Adds a row.
    pub fn add(&mut self, line: &GoldLine<'_>, split: Split) {
        self.0.update(row_digest(line, split));
    }

    /// Returns the digest, in hexadecimal.
    #[must_use]
    pub fn finish(self) -> String {
        hex(self.0.finalize())
    }
}

/// Returns the digest over the columns that define a row.
pub(crate) fn row_digest(line: &GoldLine<'_>, split: Split) -> [u8; 32] {
    FieldDigest::new("flywheel row 1")
        .text(&line.pair_id)
        .text(&line.event_id)
        .text(&line.prompt)
        .text(&line.chosen)
        .text(&line.rejected)
        .text(&line.similarity.to_string())
        .text(&line.policy)
        .optional(line.contributor())
        .text(split.as_str())
        .finish()
}
