//! Senders whose gold the circuit breaker quarantines alone.

use std::fmt;

use flywheel_base::instant::Millis;
use serde::{Deserialize, Serialize};

use crate::part::PartName;

/// A sender: a contributor of one ingest key, or all that one ingest key posts.
///
/// A contributor's name counts within its key only. Else one key's holder could name another's contributors, and have them held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sender {
    /// The contributor's pseudonym; none: all who post with the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contributor: Option<String>,
    /// The label of the ingest key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingest_key: Option<String>,
}

impl Sender {
    /// Returns `true` if a line with this contributor and this ingest key is the sender's.
    #[must_use]
    pub fn wrote(&self, contributor: Option<&str>, ingest_key: Option<&str>) -> bool {
        match &self.contributor {
            Some(name) => contributor == Some(name) && ingest_key == self.ingest_key.as_deref(),
            None => self.ingest_key.is_some() && ingest_key == self.ingest_key.as_deref(),
        }
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.contributor, &self.ingest_key) {
            (Some(contributor), Some(key)) => write!(formatter, "contributor {contributor} of the key {key}"),
            (Some(contributor), None) => write!(formatter, "contributor {contributor}"),
            (None, Some(key)) => write!(formatter, "the key {key}"),
            (None, None) => write!(formatter, "a sender without a name"),
        }
    }
}

/// A sender whose gold goes to quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedSender {
    /// The sender.
    #[serde(flatten)]
    pub sender: Sender,
    /// The parts written before this have gold that is held; none: the breaker is open for the sender, and all is held.
    #[serde(default)]
    pub until: Option<Millis>,
}

impl QuarantinedSender {
    /// Returns `true` if a pending line goes to quarantine.
    pub(crate) fn holds(&self, part: &PartName, contributor: Option<&str>, ingest_key: Option<&str>) -> bool {
        self.until.is_none_or(|until| part.written_at < until) && self.sender.wrote(contributor, ingest_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contributor_is_one_keys_and_a_key_is_all_that_it_posts() {
        let of = |contributor: Option<&str>, key: Option<&str>| Sender {
            contributor: contributor.map(str::to_owned),
            ingest_key: key.map(str::to_owned),
        };
        let kim = of(Some("kim"), Some("shop"));
        assert!(kim.wrote(Some("kim"), Some("shop")));
        assert!(
            !kim.wrote(Some("kim"), Some("desk")) && !kim.wrote(Some("kim"), None) && !kim.wrote(None, Some("shop"))
        );
        let desk = of(None, Some("desk"));
        assert!(desk.wrote(Some("kim"), Some("desk")) && desk.wrote(None, Some("desk")) && !desk.wrote(None, None));
        assert!(!of(None, None).wrote(None, None));
    }
}
