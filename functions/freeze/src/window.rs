//! The pending lines of a freeze, as the circuit breaker judges them.

use std::collections::HashMap;

use flywheel_base::instant::Millis;
use flywheel_dataset::{Audited, BatchReason, GoldLine, LineSender};
use flywheel_log::{PartName, Sender, WindowStatistics};

/// The pending lines that the circuit breaker does not bar, and the events that curation quarantined meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Window {
    pairs: Tally,
    quarantined: Vec<(Millis, LineSender)>,
    time: Option<(Millis, Millis)>,
}

/// A number of events, in all and by sender.
#[derive(Debug, Default)]
struct Tally {
    all: u64,
    by_contributor: HashMap<Sender, u64>,
    by_key: HashMap<Sender, u64>,
}

impl Tally {
    fn add(&mut self, sender: &LineSender) {
        self.all += 1;
        if let Some(contributor) = sender.as_contributor() {
            *self.by_contributor.entry(contributor).or_default() += 1;
        }
        if let Some(key) = sender.as_key() {
            *self.by_key.entry(key).or_default() += 1;
        }
    }

    fn of<'s>(senders: impl Iterator<Item = &'s LineSender>) -> Self {
        let mut tally = Self::default();
        senders.for_each(|sender| tally.add(sender));
        tally
    }

    fn by(&self, sender: &Sender) -> u64 {
        self.by_contributor.get(sender).or(self.by_key.get(sender)).copied().unwrap_or_default()
    }

    /// Returns the contributor and the key with the most events.
    fn largest(&self) -> impl Iterator<Item = Sender> {
        [largest(&self.by_contributor), largest(&self.by_key)].into_iter().flatten().cloned()
    }
}

/// Returns the entry with the largest number; of several the last in their order, so that it is the same each time.
fn largest<K: Ord>(counts: &HashMap<K, u64>) -> Option<&K> {
    counts.iter().max_by_key(|(key, count)| (**count, *key)).map(|(key, _)| key)
}

impl Window {
    /// Adds a line of a part.
    pub(crate) fn add(&mut self, part: &PartName, line: &GoldLine<'_>) {
        let (first, last) = self.time.unwrap_or((part.written_at, part.written_at));
        self.time = Some((first.min(part.written_at), last.max(part.written_at)));
        self.pairs.add(&line.sender());
    }

    /// Adds a line that curation quarantined, of whatever time.
    pub(crate) fn add_quarantined(&mut self, part: &PartName, line: &str) {
        self.quarantined.push((part.written_at, LineSender::of(line)));
    }

    /// Returns the times at which its first and last part were written; none if it is empty.
    pub(crate) fn time(&self) -> Option<(Millis, Millis)> {
        self.time
    }

    /// Returns its statistics as it was read: the rest after a campaign is quarantined would hide the campaign. With them come
    /// the statistics of windows without one sender each: those with the most pairs, pairs in bursts, or quarantined events.
    ///
    /// `quarantined` is the number of events that curation quarantined, and `since` the time from which on they count. `drift` is
    /// that of the pairs that would enter, without a sender's.
    pub(crate) fn statistics(
        &self,
        audited: &Audited,
        (quarantined, since): (u64, Millis),
        drift: impl Fn(Option<&Sender>) -> Option<f64>,
    ) -> (WindowStatistics, Vec<(Sender, WindowStatistics)>) {
        let is_burst =
            |holds: &[BatchReason]| holds.contains(&BatchReason::Burst) && !holds.contains(&BatchReason::BreakerOpen);
        let in_bursts = audited.held.iter().filter(|held| !held.has_waited && is_burst(&held.holds));
        let in_bursts: Vec<_> = in_bursts.map(|held| held.line.gold().sender()).collect();
        let bursts = Tally::of(in_bursts.iter());
        let last = self.time.map_or(0, |(_, last)| last);
        let counted = self.quarantined.iter().filter(|(at, _)| (since..=last).contains(at));
        let held = Tally::of(counted.map(|(_, sender)| sender));
        let without = |sender: Option<&Sender>| {
            let by = |tally: &Tally| sender.map_or(0, |sender| tally.by(sender));
            let pairs = self.pairs.all.saturating_sub(by(&self.pairs));
            let share = |count: u64| (pairs > 0).then(|| count as f64 / pairs as f64);
            let is_other = |name: &Sender| {
                sender.is_none_or(|sender| !sender.wrote(name.contributor.as_deref(), name.ingest_key.as_deref()))
            };
            let others = self.pairs.by_contributor.iter().filter(|(name, _)| is_other(name));
            WindowStatistics {
                pairs,
                quarantined: quarantined.saturating_sub(by(&held)),
                top_contributor: others.map(|(_, pairs)| *pairs).max().and_then(share),
                burst: share(bursts.all.saturating_sub(by(&bursts))),
                drift: drift(sender),
            }
        };
        let mut suspects: Vec<Sender> = Vec::new();
        for sender in [&bursts, &held, &self.pairs].into_iter().flat_map(Tally::largest) {
            if !suspects.contains(&sender) {
                suspects.push(sender);
            }
        }
        // A contributor is a smaller part than a key.
        suspects.sort_by_key(|sender| sender.contributor.is_none());
        let rest = suspects.into_iter().map(|sender| (sender.clone(), without(Some(&sender)))).collect();
        (without(None), rest)
    }
}

#[cfg(test)]
mod tests {
    use flywheel_dataset::{Background, DatasetRules, Newcomers, Pair, SplitSalt, audit};
    use serde_json::json;

    use super::*;

    fn pair(number: u32, contributor: Option<&str>, chosen: &str) -> Pair {
        let line = json!({"pair_id": format!("p{number}"), "event_id": format!("e{number}"), "prompt": format!("p{number}"),
               "chosen": format!("{chosen} c{number}"), "rejected": "r", "similarity": 0.5, "reasons": [], "policy": "x",
               "contributor": contributor});
        Pair::read(&line.to_string()).unwrap()
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
        newcomers.add_waiting(pair(9, Some("eve"), "buy zorblax"));
        newcomers.add_barred(pair(0, Some("eve"), "buy zorblax"));
        let lines = [
            (1, "eve", "buy zorblax"),
            (2, "eve", "buy zorblax"),
            (3, "alice", "fine"),
            (3, "alice", "fine"),
            (4, "alice", "well"),
        ];
        for (at, (number, contributor, chosen)) in (7..).zip(lines) {
            let pair = pair(number, Some(contributor), chosen);
            window.add(&part(at), pair.gold());
            newcomers.add(pair);
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
        let (all, without) = window.statistics(&audited, (5, 0), |_| Some(0.1));
        assert_eq!(all, expected);
        let (eve, rest) = without.first().unwrap();
        assert_eq!(eve.contributor.as_deref(), Some("eve"));
        assert_eq!((rest.pairs, rest.burst, rest.top_contributor), (3, Some(0.0), Some(1.0)));
        assert_eq!(window.time(), Some((7, 11)));
    }

    #[test]
    fn of_nothing_nothing_is_measured() {
        let rules = DatasetRules::default();
        let audited = audit(Newcomers::new(&rules), Background::default(), &rules, &SplitSalt::new([0; 16]));
        assert_eq!(
            Window::default().statistics(&audited, (0, 0), |_| None),
            (WindowStatistics { burst: None, ..Default::default() }, Vec::new())
        );
        assert_eq!(Window::default().time(), None);
    }
}
