//! The pending lines of a freeze, as the circuit breaker judges them.

use std::collections::HashMap;

use flywheel_base::instant::Millis;
use flywheel_dataset::{Audited, GoldLine, Hold};
use flywheel_log::{PartName, WindowStatistics};

/// The pending lines that the circuit breaker does not bar.
#[derive(Debug, Default)]
pub(crate) struct Window {
    pairs: u64,
    pairs_by_contributor: HashMap<String, u64>,
    time: Option<(Millis, Millis)>,
}

impl Window {
    /// Adds a line of a part. An invalid gold line has no effect: the freeze refuses it.
    pub(crate) fn add(&mut self, part: &PartName, line: &str) {
        let (first, last) = self.time.unwrap_or((part.written_at, part.written_at));
        self.time = Some((first.min(part.written_at), last.max(part.written_at)));
        self.pairs += 1;
        if let Some(contributor) = GoldLine::parse(line).and_then(|line| line.contributor) {
            *self.pairs_by_contributor.entry(contributor.into_owned()).or_default() += 1;
        }
    }

    /// Returns the times at which its first and last part were written; none if it is empty.
    pub(crate) fn time(&self) -> Option<(Millis, Millis)> {
        self.time
    }

    /// Returns its statistics as it was read: the rest after a campaign is quarantined would hide the campaign.
    pub(crate) fn statistics(&self, audited: &Audited, quarantined: u64, drift: Option<f64>) -> WindowStatistics {
        let share = |pairs: u64| (self.pairs > 0).then(|| pairs as f64 / self.pairs as f64);
        let top_contributor = self.pairs_by_contributor.values().max().and_then(|pairs| share(*pairs));
        let is_burst = |holds: &[Hold]| holds.contains(&Hold::Burst) && !holds.contains(&Hold::BreakerOpen);
        let in_bursts = audited.held.iter().filter(|held| !held.has_waited && is_burst(&held.holds)).count();
        WindowStatistics { pairs: self.pairs, quarantined, top_contributor, burst: share(in_bursts as u64), drift }
    }
}

#[cfg(test)]
mod tests {
    use flywheel_dataset::{Background, DatasetRules, Newcomers, SplitSalt, audit};
    use serde_json::json;

    use super::*;

    fn line(number: u32, contributor: Option<&str>, chosen: &str) -> String {
        json!({"pair_id": format!("p{number}"), "event_id": format!("e{number}"), "prompt": format!("p{number}"),
               "chosen": format!("{chosen} c{number}"), "rejected": "r", "similarity": 0.5, "reasons": [], "policy": "x",
               "contributor": contributor})
        .to_string()
    }

    fn part(written_at: Millis) -> PartName {
        PartName { written_at, digest: "0".repeat(32), rows: 1 }
    }

    #[test]
    fn it_measures_what_is_not_barred_as_it_was_read() {
        let rules = DatasetRules { burst_pairs: 3, burst_factor: 1.0, ..DatasetRules::default() };
        let (mut window, mut newcomers) = (Window::default(), Newcomers::new(&rules));
        // Of the burst, one pair waited before and one is barred. A contributor has three of the remaining five, one of them
        // redelivered.
        assert!(newcomers.add_waiting(&line(9, Some("eve"), "buy zorblax")));
        let barred = line(0, Some("eve"), "buy zorblax");
        assert!(newcomers.add_barred(&barred));
        let lines = [
            (1, "eve", "buy zorblax"),
            (2, "eve", "buy zorblax"),
            (3, "alice", "fine"),
            (3, "alice", "fine"),
            (4, "alice", "well"),
        ];
        for (at, (number, contributor, chosen)) in (7..).zip(lines) {
            let line = line(number, Some(contributor), chosen);
            window.add(&part(at), &line);
            assert!(newcomers.add(&line));
        }
        let audited = audit(newcomers, Background::default(), &rules, &SplitSalt::new([0; 16]));
        assert_eq!((audited.held.len(), audited.entries.len(), audited.duplicates), (4, 2, 1));
        let expected = WindowStatistics {
            pairs: 5,
            quarantined: 5,
            top_contributor: Some(0.6),
            burst: Some(0.4),
            drift: Some(0.1),
        };
        assert_eq!(window.statistics(&audited, 5, Some(0.1)), expected);
        assert_eq!(window.time(), Some((7, 11)));
    }

    #[test]
    fn of_nothing_nothing_is_measured() {
        let rules = DatasetRules::default();
        let audited = audit(Newcomers::new(&rules), Background::default(), &rules, &SplitSalt::new([0; 16]));
        assert_eq!(
            Window::default().statistics(&audited, 0, None),
            WindowStatistics { burst: None, ..Default::default() }
        );
        assert_eq!(Window::default().time(), None);
    }
}
