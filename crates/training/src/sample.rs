use std::collections::BTreeSet;

use flywheel_text::normal::key as text_key;

/// The most rows to score, of each kind: new pairs, known pairs, and liked outputs. Two models answer each pair, which is the
/// main cost of an evaluation. At 1,000 rows a rate is known to within 3.1 percentage points (Wilson, 95 %).
const MOST_ROWS: usize = 1_000;

/// The most bytes of those rows, because the gate holds them in memory.
const MOST_BYTES: u64 = 32 << 20;

/// The held-out rows to score, where there are more than needed.
///
/// It samples the rows whose ids have the smallest hashes. The sample is the same for the same rows in any order, and mostly the
/// same when rows are added. Only ids decide, so memory does not grow with the dataset.
#[derive(Debug)]
pub struct HeldOutSample {
    kept: BTreeSet<(u64, u64)>,
    bytes: u64,
    /// The smallest hash that found no room. No row from it on is taken any more. Otherwise a short row that comes later would
    /// enter where a long one before it did not, and order would matter.
    full_from: u64,
}

impl Default for HeldOutSample {
    fn default() -> Self {
        Self { kept: BTreeSet::new(), bytes: 0, full_from: u64::MAX }
    }
}

impl HeldOutSample {
    /// Adds a row. An id that comes twice is one row.
    pub fn add(&mut self, id: &str, bytes: u64) {
        let key = text_key(id);
        if key >= self.full_from || self.has_key(key) {
            return;
        }
        self.kept.insert((key, bytes));
        self.bytes += bytes;
        while self.kept.len() > MOST_ROWS || self.bytes > MOST_BYTES {
            let Some((key, bytes)) = self.kept.pop_last() else { return };
            self.full_from = key;
            self.bytes -= bytes;
        }
    }

    /// Returns `true` if a row is in the sample, once all rows were added.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.has_key(text_key(id))
    }

    /// Returns the number of rows in the sample.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Returns `true` if the sample is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    fn has_key(&self, key: u64) -> bool {
        self.kept.range((key, 0)..=(key, u64::MAX)).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(ids: impl Iterator<Item = u64>, bytes: u64) -> HeldOutSample {
        let mut sample = HeldOutSample::default();
        ids.for_each(|id| sample.add(&format!("{id}"), bytes));
        sample
    }

    fn has(sample: &HeldOutSample) -> Vec<u64> {
        (0..6_000).filter(|id| sample.has(&format!("{id}"))).collect()
    }

    #[test]
    fn few_rows_are_all_in_it() {
        let few = sample((0..999).chain(0..999), 10);
        assert_eq!((few.len(), has(&few).len(), few.is_empty()), (999, 999, false));
    }

    #[test]
    fn of_many_it_has_the_same_whatever_their_order_and_mostly_the_same_when_there_are_more() {
        let (upwards, downwards) = (sample(0..5_000, 10), sample((0..5_000).rev(), 10));
        assert_eq!((has(&upwards), upwards.len()), (has(&downwards), 1_000));
        let more = sample(0..5_100, 10);
        let stayed = has(&upwards).iter().filter(|id| more.has(&format!("{id}"))).count();
        assert!(stayed > 950, "{stayed}");
    }

    #[test]
    fn it_is_bounded_in_bytes_too() {
        let large = sample(0..100, 4 << 20);
        assert_eq!(large.len(), 8);
        assert!(sample(0..3, 33 << 20).is_empty());
        let rows: Vec<_> = (0..200_u64).map(|id| (id.to_string(), (id % 7) << 19)).collect();
        let of = |rows: &mut dyn Iterator<Item = &(String, u64)>| {
            let mut sample = HeldOutSample::default();
            rows.for_each(|(id, bytes)| sample.add(id, *bytes));
            has(&sample)
        };
        assert_eq!(of(&mut rows.iter()), of(&mut rows.iter().rev()));
    }
}
