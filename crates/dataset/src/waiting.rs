//! Waiting pairs: those over a cap. They wait in an object that their version's record names, and the next freeze offers them
//! first.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::hold::BatchReason;
use super::object::ObjectDigest;
use super::pair::Pair;

/// The most bytes of waiting lines. A freeze reads them all into memory, beside the pending ones.
pub(crate) const MAX_BYTES: usize = 64 * 1024 * 1024;

/// A pair that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingPair {
    /// Its line, as curated.
    pub line: Pair,
    /// The cap that it is over; or the circuit breaker, which admits no pair that waited.
    pub why: BatchReason,
    /// `true` if it waited before this freeze.
    pub has_waited: bool,
}

/// The object of the pairs that wait after a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingPairs {
    /// The object: a line of the log for each, oldest first.
    pub object: ObjectDigest,
    /// The number of waiting pairs.
    pub pairs: u64,
}

impl WaitingPairs {
    /// Returns the object of these lines, with its body; `None` if there are none.
    #[must_use]
    pub fn of<'l>(lines: impl IntoIterator<Item = &'l str>) -> Option<(Self, String)> {
        let (mut body, mut pairs) = (String::new(), 0);
        for line in lines {
            body.push_str(line);
            body.push('\n');
            pairs += 1;
        }
        let object = ObjectDigest::of("waiting", "jsonl", body.as_bytes());
        (pairs > 0).then_some((Self { object, pairs }, body))
    }
}

/// Returns for each pair over a cap, oldest first, `true` if it may wait. Of each contributor of an ingest key the newest
/// `most` may; pairs of a key without a contributor count as one. Of all of them the newest may wait up to `most_bytes` bytes
/// together. The older an edit, the less it says of today's model.
pub(crate) fn may_wait(pairs: &[&Pair], most: u64, most_bytes: usize) -> Vec<bool> {
    // A contributor's name counts within its key: under another key it may be a stranger's word.
    let mut taken: HashMap<(Option<&str>, Option<&str>), u64> = HashMap::new();
    let mut bytes = 0;
    let mut may_wait: Vec<_> = pairs
        .iter()
        .rev()
        .map(|pair| {
            let (line, size) = (pair.gold(), pair.text().len());
            let taken = taken.entry((line.ingest_key(), line.contributor())).or_default();
            let fits = *taken < most && bytes + size <= most_bytes;
            if fits {
                *taken += 1;
                bytes += size;
            }
            fits
        })
        .collect();
    may_wait.reverse();
    may_wait
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pair(number: u32, contributor: Option<&str>, key: &str) -> Pair {
        let line = json!({"pair_id": number.to_string(), "event_id": number.to_string(), "prompt": "p", "chosen": "c",
                          "rejected": "r", "similarity": 0.5, "policy": "x", "contributor": contributor,
                          "context": [{"key": "flywheel.ingest_key", "value": key}]});
        Pair::read(&line.to_string()).unwrap()
    }

    #[test]
    fn the_newest_of_each_contributor_may_wait() {
        let pairs = [(1, Some("a")), (2, None), (3, Some("a")), (4, None), (5, Some("b")), (6, Some("a")), (7, None)];
        let pairs: Vec<_> = pairs.into_iter().map(|(number, by)| pair(number, by, "shop")).collect();
        let pairs: Vec<_> = pairs.iter().collect();
        assert_eq!(may_wait(&pairs, 2, MAX_BYTES), [false, false, true, true, true, true, true]);
        assert_eq!(may_wait(&pairs, 0, MAX_BYTES), [false; 7]);
        let of_the_last_three = pairs[4..].iter().map(|pair| pair.text().len()).sum::<usize>();
        assert_eq!(may_wait(&pairs, 2, of_the_last_three), [false, false, false, false, true, true, true]);
    }

    #[test]
    fn a_contributor_of_another_key_takes_no_room() {
        let pairs = [(1, "shop"), (2, "desk"), (3, "desk")].map(|(number, key)| pair(number, Some("a"), key));
        let pairs: Vec<_> = pairs.iter().collect();
        assert_eq!(may_wait(&pairs, 1, MAX_BYTES), [true, false, true]);
    }

    #[test]
    fn an_object_is_named_after_its_lines() {
        assert_eq!(WaitingPairs::of([]), None);
        let (waiting, body) = WaitingPairs::of(["{}", "[]"]).unwrap();
        assert_eq!((waiting.pairs, body.as_str()), (2, "{}\n[]\n"));
        assert_eq!(waiting.object.name, format!("_flywheel/waiting/{}.jsonl", waiting.object.sha256));
    }
}
