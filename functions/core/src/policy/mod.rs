//! The rules that decide what becomes training data: one file, or these defaults.

mod file;

use crate::digest::{FieldDigest, hex};
use crate::verdict::{Reason, Route};

pub use file::PolicyError;

/// The rules of curation. Every line in the lake names the policy that judged it, by its hash.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// An edit more similar to the model's text than this is `trivial`. The product's rule: under 5 % changed.
    pub trivial_above: f64,
    /// An edit less similar than this is a `rewrite`. The product's rule: over 90 % changed.
    pub rewrite_below: f64,
    /// The work, in word steps of about 2 ns, that comparing one pair may take before it is `too_long_to_compare`. The
    /// default (about 0.15 s) compares any two texts of up to 50,000 characters, and far longer ones that have few edits.
    pub max_similarity_steps: u64,
    /// Where a `trivial` edit goes.
    pub trivial: Route,
    /// Where a `rewrite` goes.
    pub rewrite: Route,
    /// Where texts go that are `too_long_to_compare`.
    pub too_long_to_compare: Route,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            trivial_above: 0.95,
            rewrite_below: 0.10,
            max_similarity_steps: 1 << 26,
            trivial: Route::Dropped,
            rewrite: Route::Dropped,
            too_long_to_compare: Route::Review,
        }
    }
}

impl Policy {
    /// Where an event goes for a reason. No policy decides on two of them: what nobody changed prefers nothing, and what
    /// its user did not consent to is not ours to use.
    #[must_use]
    pub fn route_of(&self, reason: Reason) -> Route {
        match reason {
            Reason::NoConsent | Reason::Unchanged => Route::Dropped,
            Reason::Trivial => self.trivial,
            Reason::Rewrite => self.rewrite,
            Reason::TooLongToCompare => self.too_long_to_compare,
        }
    }

    /// 16 hexadecimal digits that change whenever a rule does, and not when only the file's words do.
    #[must_use]
    pub fn hash(&self) -> String {
        let digest = FieldDigest::new("flywheel policy 1")
            .text(&self.trivial_above.to_string())
            .text(&self.rewrite_below.to_string())
            .text(&self.max_similarity_steps.to_string())
            .text(self.trivial.as_str())
            .text(self.rewrite.as_str())
            .text(self.too_long_to_compare.as_str());
        hex(&digest.finish()[..8])
    }
}
