//! What a freeze has read, as far as the circuit breaker judges it.

use std::collections::HashMap;

use flywheel_core::dataset::{Audited, GoldLine, Hold};
use flywheel_core::{Millis, PartName, WindowStatistics};

/// The pending lines that the circuit breaker does not bar.
#[derive(Debug, Default)]
pub(crate) struct Window {
    pairs: u64,
    pairs_by_contributor: HashMap<String, u64>,
    time: Option<(Millis, Millis)>,
}

impl Window {
    /// Adds a line of a part. One that is no gold line does not count: the freeze refuses it.
    pub(crate) fn add(&mut self, part: &PartName, line: &str) {
        let (first, last) = self.time.unwrap_or((part.written_at, part.written_at));
        self.time = Some((first.min(part.written_at), last.max(part.written_at)));
        self.pairs += 1;
        if let Some(contributor) = GoldLine::parse(line).and_then(|line| line.contributor) {
            *self.pairs_by_contributor.entry(contributor.into_owned()).or_default() += 1;
        }
    }

    /// From when until when its parts were written; none if it is empty.
    pub(crate) fn time(&self) -> Option<(Millis, Millis)> {
        self.time
    }

    /// What is measured of it: as it was read, for what is left of a campaign once it is held says nothing of it.
    pub(crate) fn statistics(&self, audited: &Audited, quarantined: u64, drift: Option<f64>) -> WindowStatistics {
        let share = |pairs: u64| (self.pairs > 0).then(|| pairs as f64 / self.pairs as f64);
        let top_contributor = self.pairs_by_contributor.values().max().and_then(|pairs| share(*pairs));
        let is_burst = |holds: &[Hold]| holds.contains(&Hold::Burst) && !holds.contains(&Hold::BreakerOpen);
        let in_bursts = audited.held.iter().filter(|held| is_burst(&held.holds)).count();
        WindowStatistics { pairs: self.pairs, quarantined, top_contributor, burst: share(in_bursts as u64), drift }
    }
}
