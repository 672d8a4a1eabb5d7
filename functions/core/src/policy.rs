//! The thresholds that decide what becomes training data.

use crate::digest::{FieldDigest, hex};

/// The rules of curation. Every line in the lake names the policy that judged it, by its hash.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// An edit more similar to the model's text than this is `trivial`. The product's rule: under 5 % changed.
    pub trivial_above: f64,
    /// An edit less similar than this is a `rewrite`. The product's rule: over 90 % changed.
    pub rewrite_below: f64,
    /// The work, in word steps of about 2 ns, that comparing one pair may take before it goes to `review` instead. The
    /// default (about 0.15 s) compares any two texts of up to 65,000 characters, and far longer ones that have few edits.
    pub max_similarity_steps: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { trivial_above: 0.95, rewrite_below: 0.10, max_similarity_steps: 1 << 26 }
    }
}

impl Policy {
    /// 16 hexadecimal digits that change whenever a rule does.
    #[must_use]
    pub fn hash(&self) -> String {
        let digest = FieldDigest::new("flywheel policy 1")
            .text(&self.trivial_above.to_string())
            .text(&self.rewrite_below.to_string())
            .text(&self.max_similarity_steps.to_string());
        hex(&digest.finish()[..8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_changes_with_every_rule() {
        let hashes = [
            Policy::default(),
            Policy { trivial_above: 0.9, ..Policy::default() },
            Policy { rewrite_below: 0.2, ..Policy::default() },
            Policy { max_similarity_steps: 1, ..Policy::default() },
        ]
        .map(|policy| policy.hash());
        for (index, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..index].contains(hash));
        }
    }
}
