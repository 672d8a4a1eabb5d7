//! Parts: the immutable objects of the JSONL log, one for each batch and route.

use std::fmt;
use std::str::FromStr;

use flywheel_base::{
    Route,
    instant::{Millis, partition},
};
use serde::{Deserialize, Serialize};

/// The log's first folder: the data set's name, with the version of its line format.
pub(crate) const LOG_PREFIX: &str = "dpo_gold_v1";

/// Hexadecimal digits of a batch's digest in a part's name.
pub const DIGEST_DIGITS: usize = 32;

/// A part's name within its partition: `<ms>-<batch digest>-n<rows>`.
///
/// Names sort by time and contain the number of rows, so one LIST counts a thousand parts without reading any. The digest is over
/// the events in the part, and excludes the time of writing. A batch delivered twice makes two parts with one digest, so a
/// counter can tell from the names alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PartName {
    /// The time of writing, by the writer's clock.
    pub written_at: Millis,
    /// Digest over the ids of the events in it, 32 hexadecimal digits.
    pub digest: String,
    /// Lines in it; never 0.
    pub rows: u64,
}

impl PartName {
    /// Returns the object key of a part of this name in the given route.
    #[must_use]
    pub fn key(&self, route: Route) -> String {
        format!("{}{}/{self}.jsonl", route_prefix(route), partition(self.written_at))
    }

    /// Reads the name from the key of a part of the given route; `None` if it is not exactly such a key. (An object in the wrong
    /// partition would be listed out of order, and could be settled unseen.)
    #[must_use]
    pub fn of_key(key: &str, route: Route) -> Option<Self> {
        let (_, file) = key.rsplit_once('/')?;
        let name: Self = file.strip_suffix(".jsonl")?.parse().ok()?;
        (name.key(route) == key).then_some(name)
    }
}

/// Returns the prefix of all keys of a route.
#[must_use]
pub fn route_prefix(route: Route) -> String {
    format!("{LOG_PREFIX}/route={}/", route.as_str())
}

/// Returns a key that sorts before every part of the route written at or after `from`, and after every earlier one.
#[must_use]
pub fn part_keys_from(route: Route, from: Millis) -> String {
    format!("{}{}/{from:013}", route_prefix(route), partition(from))
}

impl fmt::Display for PartName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:013}-{}-n{}", self.written_at, self.digest, self.rows)
    }
}

/// The error of a text that is not a part's name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a part name such as 1795342830007-<32 hexadecimal digits>-n12")]
pub struct InvalidPartName;

impl FromStr for PartName {
    type Err = InvalidPartName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut fields = text.splitn(3, '-');
        let mut field = || fields.next().ok_or(InvalidPartName);
        let (written_at, digest, rows) = (field()?, field()?, field()?);
        let rows = rows.strip_prefix('n').ok_or(InvalidPartName)?;
        let name = Self {
            written_at: written_at.parse().map_err(|_| InvalidPartName)?,
            digest: digest.to_owned(),
            rows: rows.parse().map_err(|_| InvalidPartName)?,
        };
        let is_hexadecimal = digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        // Only the canonical form is a name: `+7` and `007` parse as numbers, too.
        let is_canonical = name.to_string() == text && name.rows > 0;
        if is_canonical && is_hexadecimal && digest.len() == DIGEST_DIGITS { Ok(name) } else { Err(InvalidPartName) }
    }
}

impl TryFrom<String> for PartName {
    type Error = InvalidPartName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PartName> for String {
    fn from(name: PartName) -> Self {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIGEST: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_key_is_a_hive_partition_and_a_name() {
        let name = PartName { written_at: 1_795_342_830_007, digest: DIGEST.to_owned(), rows: 12 };
        let key = name.key(Route::Gold);
        assert_eq!(key, format!("dpo_gold_v1/route=gold/dt=2026-11-22/hour=10/1795342830007-{DIGEST}-n12.jsonl"));
        assert_eq!(PartName::of_key(&key, Route::Gold), Some(name));
        assert_eq!(PartName::of_key(&key, Route::Review), None);
        assert_eq!(PartName::of_key(&key.replace("hour=10", "hour=11"), Route::Gold), None);
    }

    #[test]
    fn other_keys_have_no_name() {
        let digest = DIGEST;
        for file in [
            String::new(),
            "_SUCCESS".to_owned(),
            format!("1795342830007-{digest}-n0"),
            format!("1795342830007-{digest}-n+1"),
            format!("1795342830007-{digest}-n01"),
            format!("1795342830007-{}-n1", digest.to_uppercase()),
            format!("1795342830007-{}-n1", &digest[1..]),
            format!("5-{digest}-n1"),
        ] {
            let key = format!("dpo_gold_v1/route=gold/dt=2026-11-22/hour=10/{file}.jsonl");
            assert_eq!(PartName::of_key(&key, Route::Gold), None, "{file}");
        }
    }

    proptest! {
        #[test]
        fn keys_sort_by_time_and_the_floor_divides_them(a in 0..4_000_000_000_000_u64, b in 0..4_000_000_000_000_u64) {
            let key = |written_at| PartName { written_at, digest: DIGEST.to_owned(), rows: 1 }.key(Route::Gold);
            prop_assert_eq!(a.cmp(&b), key(a).cmp(&key(b)));
            prop_assert_eq!(a >= b, key(a) > part_keys_from(Route::Gold, b));
        }
    }
}
