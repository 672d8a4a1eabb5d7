//! Drift: how far a version's new pairs are from those of the version before. It is a signal, and decides nothing here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::rules::DatasetRules;
use super::statistics::Statistics;

/// The fewest pairs on either side. With fewer, a distance would be noise.
const FEWEST_PAIRS: u64 = 200;

/// Distances between two sets of pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Population stability index of the similarity's histogram, Σ (p − q) · ln(p / q) over 10 bins, half a pair added to each.
    /// By convention 0.1 is little and 0.25 is much.
    pub similarity_psi: f64,
    /// Change of the mean of ln(chosen / rejected length).
    pub log_length_ratio: f64,
    /// Total variation distance of the shares of scripts, from 0 to 1.
    pub scripts: f64,
    /// The largest change of a tag's share of pairs, from 0 to 1.
    pub tags: f64,
    /// The names of those beyond the policy's bounds.
    pub beyond: Vec<String>,
}

impl Drift {
    /// Returns the drift from one set of pairs to the next; `None` where either has too few.
    #[must_use]
    pub fn between(before: &Statistics, after: &Statistics, rules: &DatasetRules) -> Option<Self> {
        if before.rows.min(after.rows) < FEWEST_PAIRS {
            return None;
        }
        let similarity_psi = stability_index(&before.similarity, &after.similarity);
        let log_length_ratio = after.mean_log_length_ratio() - before.mean_log_length_ratio();
        let changes = |of: fn(&Statistics) -> &BTreeMap<String, u64>| {
            share_changes((of(before), before.rows), (of(after), after.rows))
        };
        let scripts = changes(|counts| &counts.scripts).iter().sum::<f64>() / 2.0;
        let tags = changes(|counts| &counts.tags).into_iter().fold(0.0, f64::max);
        // The recorded value is the compared one: 0.8 - 0.6 is a hair above 0.2.
        let [similarity_psi, log_length_ratio, scripts, tags] =
            [similarity_psi, log_length_ratio, scripts, tags].map(rounded);
        let bounds = [
            ("similarity", similarity_psi, rules.max_similarity_drift),
            ("length", log_length_ratio.abs(), rules.max_length_drift),
            ("scripts", scripts, rules.max_mix_drift),
            ("tags", tags, rules.max_mix_drift),
        ];
        let beyond = bounds.into_iter().filter(|(_, is, bound)| is > bound).map(|(name, ..)| name.to_owned()).collect();
        Some(Self { similarity_psi, log_length_ratio, scripts, tags, beyond })
    }

    /// Returns the share of pairs that would have to change their script, or one of their tags, for the two sets to be alike: 0
    /// is the same, 1 is nothing in common. The other two distances have no such limit, and are for people to read.
    #[must_use]
    pub fn share_changed(&self) -> f64 {
        self.scripts.max(self.tags)
    }
}

/// Rounds to six decimals. A number that is written as JSON and digested has to read back as itself, and not every parser is
/// exact to the last of seventeen digits.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

fn stability_index(before: &[u64], after: &[u64]) -> f64 {
    let coarse = |bins: &[u64]| bins.chunks(2).map(|two| two.iter().sum::<u64>() as f64 + 0.5).collect::<Vec<_>>();
    let (before, after) = (coarse(before), coarse(after));
    let (all_before, all_after) = (before.iter().sum::<f64>(), after.iter().sum::<f64>());
    let term = |(p, q): (&f64, &f64)| (q / all_after - p / all_before) * ((q / all_after) / (p / all_before)).ln();
    before.iter().zip(&after).map(term).sum()
}

fn share_changes(
    (before, rows_before): (&BTreeMap<String, u64>, u64),
    (after, rows_after): (&BTreeMap<String, u64>, u64),
) -> Vec<f64> {
    let share =
        |of: &BTreeMap<String, u64>, rows: u64, name: &str| of.get(name).copied().unwrap_or(0) as f64 / rows as f64;
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    names.into_iter().map(|name| (share(after, rows_after, name) - share(before, rows_before, name)).abs()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(rows: u64, bin: usize, script: &str, log_ratio: f64) -> Statistics {
        let mut similarity = vec![0; 20];
        similarity[bin] = rows;
        Statistics {
            rows,
            similarity,
            scripts: BTreeMap::from([(script.to_owned(), rows)]),
            log_length_ratio_ppm: (log_ratio * 1e6) as i64 * rows as i64,
            ..Statistics::default()
        }
    }

    fn beyond(before: &Statistics, after: &Statistics) -> Vec<String> {
        Drift::between(before, after, &DatasetRules::default()).unwrap().beyond
    }

    #[test]
    fn nothing_changed_is_no_drift() {
        let same = statistics(500, 12, "latin", 0.1);
        assert!(beyond(&same, &statistics(900, 12, "latin", 0.1)).is_empty());
    }

    #[test]
    fn each_change_is_named() {
        let before = statistics(500, 12, "latin", 0.0);
        assert_eq!(beyond(&before, &statistics(500, 3, "latin", 0.0)), ["similarity"]);
        assert_eq!(beyond(&before, &statistics(500, 12, "latin", -0.3)), ["length"]);
        assert_eq!(beyond(&before, &statistics(500, 12, "han", 0.0)), ["scripts"]);
        let shares = |after: &Statistics| {
            Drift::between(&before, after, &DatasetRules::default()).map(|drift| drift.share_changed())
        };
        assert_eq!(shares(&statistics(500, 12, "han", 0.0)), Some(1.0));
        assert_eq!(shares(&statistics(500, 3, "latin", -0.3)), Some(0.0));
    }

    #[test]
    fn exactly_the_bound_is_not_beyond_it() {
        let tagged = |pairs: u64| Statistics {
            tags: BTreeMap::from([("personal_data".to_owned(), pairs)]),
            ..statistics(1_000, 12, "latin", 0.0)
        };
        assert_eq!(beyond(&tagged(600), &tagged(800)), [""; 0]);
        assert_eq!(beyond(&tagged(600), &tagged(801)), ["tags"]);
    }

    #[test]
    fn distances_read_back_as_themselves() {
        for n in 0..20_000_u32 {
            let number = rounded(f64::from(n).sqrt() * if n % 2 == 0 { 1.0 } else { -0.001 });
            let json = serde_json::to_string(&number).unwrap();
            assert_eq!(serde_json::from_str::<f64>(&json).unwrap().to_bits(), number.to_bits(), "{json}");
        }
    }

    #[test]
    fn of_few_pairs_nothing_is_said() {
        let (few, many) = (statistics(199, 1, "latin", 0.0), statistics(500, 1, "latin", 0.0));
        assert_eq!(Drift::between(&few, &many, &DatasetRules::default()), None);
        assert_eq!(Drift::between(&many, &few, &DatasetRules::default()), None);
    }
}
