//! The one small object of state outside the log: where the lake stands.

use serde::{Deserialize, Serialize};

use crate::watermark::Watermark;

/// The pointer's object key. It is moved by conditional writes only (`If-Match`), so that of two writers one learns that
/// it acted on a state that is no more.
pub const POINTER_KEY: &str = "state/pointer.json";

/// Where the lake stands.
/// What a later version adds to it, an earlier one passes over: during a deployment both run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The number of the next crossing of the threshold. Each freeze raises it by one.
    pub crossing: u64,
    /// Net-new pairs that are frozen and have not led to a training run: what earlier crossings left over, because they
    /// shrank below the threshold once duplicates were removed.
    pub carried_over: u64,
    /// How far the log is frozen.
    pub watermark: Watermark,
    /// What the last freeze did; answered again if its crossing is asked for again.
    pub last_freeze: Option<FreezeReport>,
}

impl Default for Pointer {
    fn default() -> Self {
        Self { crossing: 1, carried_over: 0, watermark: Watermark::default(), last_freeze: None }
    }
}

/// What one freeze did. The workflow goes on with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeReport {
    /// The crossing that it was for.
    pub crossing: u64,
    /// The dataset version that holds everything frozen so far.
    pub version: u64,
    /// Pairs that this version has and the one before had not.
    pub rows: u64,
    /// Lines that were left out, for their pair or event is in this version or an earlier one already.
    pub duplicates: u64,
    /// Pairs that were left out, for they repeat another in other words.
    #[serde(default)]
    pub near_duplicates: u64,
    /// Pairs that the audit holds back, in quarantine.
    #[serde(default)]
    pub held: u64,
    /// Parts that were consumed.
    pub parts: u64,
    /// Net-new pairs since the last training run: `rows` and what was carried over.
    pub net_new: u64,
    /// Whether that is enough to train on.
    pub trainable: bool,
}

/// What a freeze found in the pending parts, before it is put on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frozen {
    /// The dataset version that was committed.
    pub version: u64,
    /// Pairs that it adds.
    pub rows: u64,
    /// Lines that were left out as duplicates.
    pub duplicates: u64,
    /// Pairs that were left out as near duplicates.
    pub near_duplicates: u64,
    /// Pairs that are held.
    pub held: u64,
    /// Parts that were consumed.
    pub parts: u64,
}

impl Pointer {
    /// The pointer after a freeze.
    ///
    /// A crossing that shrank below the threshold trains nothing, and blocks nothing: its pairs are carried over, and the
    /// next crossing is reached when they and what is new make the threshold.
    #[must_use]
    pub fn after_freeze(&self, frozen: Frozen, threshold: u64, watermark: Watermark) -> Self {
        let net_new = self.carried_over + frozen.rows;
        let trainable = net_new >= threshold;
        let report = FreezeReport {
            crossing: self.crossing,
            version: frozen.version,
            rows: frozen.rows,
            duplicates: frozen.duplicates,
            near_duplicates: frozen.near_duplicates,
            held: frozen.held,
            parts: frozen.parts,
            net_new,
            trainable,
        };
        Self {
            crossing: self.crossing + 1,
            carried_over: if trainable { 0 } else { net_new },
            watermark,
            last_freeze: Some(report),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frozen(rows: u64) -> Frozen {
        Frozen { version: 4, rows, duplicates: 2, near_duplicates: 0, held: 0, parts: 3 }
    }

    #[test]
    fn enough_pairs_are_trained_on_and_not_carried_over() {
        let pointer = Pointer::default().after_freeze(frozen(100), 100, Watermark::default());
        assert_eq!((pointer.crossing, pointer.carried_over), (2, 0));
        assert!(pointer.last_freeze.unwrap().trainable);
    }

    #[test]
    fn a_crossing_that_shrank_is_carried_over_to_the_next() {
        let pointer = Pointer::default().after_freeze(frozen(70), 100, Watermark::default());
        assert_eq!((pointer.crossing, pointer.carried_over), (2, 70));
        let pointer = pointer.after_freeze(frozen(30), 100, Watermark::default());
        let report = pointer.last_freeze.unwrap();
        assert_eq!((report.crossing, report.net_new, report.trainable), (2, 100, true));
        assert_eq!(pointer.carried_over, 0);
    }
}
