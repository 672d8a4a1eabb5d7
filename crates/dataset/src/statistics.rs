//! The statistics of a set of pairs. They are counts and sums of whole numbers, so that a recount gives the same to the last
//! digit.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::gold_line::GoldLine;
use super::split::Split;

/// Equal bins of the similarity, from 0 to 1.
pub(crate) const BINS: usize = 20;

/// The least similarity of a near-identical pair. Plain DPO on such pairs lowers the likelihood of the chosen text, too (arXiv
/// 2402.13228). By default curation admits no pair of 0.95 or more.
const NEAR_IDENTICAL_FROM: f64 = 0.9;

/// The similarity below which a pair is easy. Unrelated texts score 0.16 to 0.34, and a model tells those apart without learning.
const EASY_BELOW: f64 = 0.3;

/// The most tags, and policies, counted by name. Further ones are counted together.
const MOST_NAMES: usize = 40;

/// The statistics of a set of pairs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statistics {
    /// Pairs.
    pub rows: u64,
    /// Of them, for training.
    pub train: u64,
    /// Of them, held out.
    pub held_out: u64,
    /// Pairs by similarity, in 20 equal bins.
    pub similarity: Vec<u64>,
    /// Pairs that are at least 0.9 similar.
    pub near_identical: u64,
    /// Pairs that are less than 0.3 similar.
    pub easy: u64,
    /// Pairs whose chosen text is the longer one.
    pub chosen_is_longer: u64,
    /// Characters of all chosen texts.
    pub chosen_chars: u64,
    /// Characters of all rejected texts.
    pub rejected_chars: u64,
    /// Sum of 1,000,000 × ln(chosen / rejected length), each rounded.
    pub log_length_ratio_ppm: i64,
    /// Pairs by the script of most letters of the chosen text: the part of its language that shows without a model.
    pub scripts: BTreeMap<String, u64>,
    /// Pairs by tag, the findings that the policy let pass.
    pub tags: BTreeMap<String, u64>,
    /// Pairs by the policy that judged them.
    pub policies: BTreeMap<String, u64>,
    /// Different prompts.
    pub prompts: u64,
    /// Different contributors.
    pub contributors: u64,
    /// Pairs without a contributor.
    pub unattributed: u64,
    /// Pairs of the contributor with most pairs.
    pub largest_contributor: u64,
    /// Different tenants.
    pub tenants: u64,
    /// Pairs of the tenant with most pairs.
    pub largest_tenant: u64,
}

/// Counts pairs, one by one. It remembers their prompts, contributors and tenants, and no texts.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    statistics: Statistics,
    prompts: HashSet<u64>,
    contributors: HashMap<String, u64>,
    tenants: HashMap<String, u64>,
}

impl Statistics {
    /// Returns the statistics of pairs, each with its side of the split.
    #[must_use]
    pub fn of<'l>(pairs: impl Iterator<Item = (&'l GoldLine<'l>, Split)>) -> Self {
        let mut tally = Tally::default();
        pairs.for_each(|(line, split)| tally.add(line, split));
        tally.finish()
    }

    /// Returns the mean of ln(chosen / rejected length): above 0, users write more than the model.
    #[must_use]
    pub fn mean_log_length_ratio(&self) -> f64 {
        self.log_length_ratio_ppm as f64 / 1e6 / self.rows.max(1) as f64
    }

    /// Returns the implications for training, as codes.
    #[must_use]
    pub fn implications(&self) -> Vec<String> {
        let share = |pairs: u64| pairs as f64 / self.rows.max(1) as f64;
        let mut implied = Vec::new();
        if share(self.near_identical) > 0.1 {
            implied.push(
                "near_identical_pairs: keep the NLL term on the chosen text, plain DPO lowers its likelihood"
                    .to_owned(),
            );
        }
        if share(self.easy) > 0.3 {
            implied.push(
                "easy_pairs: reward accuracy will be high whatever is learnt, go by the chosen text's likelihood"
                    .to_owned(),
            );
        }
        if self.mean_log_length_ratio().abs() > 0.2 {
            implied.push(
                "length_bias: chosen texts differ in length, normalise by length or expect the model to follow"
                    .to_owned(),
            );
        }
        if self.rows > 0 && self.unattributed == self.rows {
            implied
                .push("single_tenant_mode: no pair names a contributor, so no cap tells contributors apart".to_owned());
        }
        implied
    }
}

impl Tally {
    /// Counts a pair.
    pub fn add(&mut self, line: &GoldLine<'_>, split: Split) {
        let Self { statistics: counts, prompts, contributors, tenants } = self;
        counts.rows += 1;
        counts.train += u64::from(split == Split::Train);
        counts.held_out += u64::from(split == Split::HeldOut);
        counts.similarity.resize(BINS, 0);
        counts.similarity[((line.similarity * BINS as f64) as usize).min(BINS - 1)] += 1;
        counts.near_identical += u64::from(line.similarity >= NEAR_IDENTICAL_FROM);
        counts.easy += u64::from(line.similarity < EASY_BELOW);
        let (chosen, rejected) = (line.chosen.chars().count() as u64, line.rejected.chars().count() as u64);
        counts.chosen_is_longer += u64::from(chosen > rejected);
        counts.chosen_chars += chosen;
        counts.rejected_chars += rejected;
        let ratio = (chosen.max(1) as f64 / rejected.max(1) as f64).ln();
        counts.log_length_ratio_ppm += (ratio * 1e6).round() as i64;
        count(&mut counts.scripts, script_of(&line.chosen));
        line.tags.iter().for_each(|tag| count(&mut counts.tags, tag));
        count(&mut counts.policies, &line.policy);
        prompts.insert(flywheel_text::normal::key(&flywheel_text::normal::normalised(&line.prompt)));
        match line.contributor() {
            Some(contributor) => *contributors.entry(contributor.to_owned()).or_default() += 1,
            None => counts.unattributed += 1,
        }
        if let Some(tenant) = line.tenant() {
            *tenants.entry(tenant.to_owned()).or_default() += 1;
        }
    }

    /// Returns the statistics of the counted pairs.
    #[must_use]
    pub fn finish(self) -> Statistics {
        let largest = |of: &HashMap<String, u64>| of.values().copied().max().unwrap_or(0);
        let mut statistics = self.statistics;
        statistics.similarity.resize(BINS, 0);
        statistics.prompts = self.prompts.len() as u64;
        statistics.contributors = self.contributors.len() as u64;
        statistics.largest_contributor = largest(&self.contributors);
        statistics.tenants = self.tenants.len() as u64;
        statistics.largest_tenant = largest(&self.tenants);
        statistics
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    let name = if counts.contains_key(name) || counts.len() < MOST_NAMES { name } else { "other" };
    *counts.entry(name.to_owned()).or_default() += 1;
}

fn script_of(text: &str) -> &'static str {
    const SCRIPTS: [(&str, &[std::ops::RangeInclusive<u32>]); 12] = [
        ("latin", &[0x41..=0x5A, 0x61..=0x7A, 0xC0..=0x24F, 0x1E00..=0x1EFF]),
        ("cyrillic", &[0x400..=0x52F]),
        ("greek", &[0x370..=0x3FF, 0x1F00..=0x1FFF]),
        ("arabic", &[0x600..=0x6FF, 0x750..=0x77F]),
        ("hebrew", &[0x590..=0x5FF]),
        ("devanagari", &[0x900..=0x97F]),
        ("sinhala", &[0xD80..=0xDFF]),
        ("thai", &[0xE00..=0xE7F]),
        ("hangul", &[0xAC00..=0xD7AF, 0x1100..=0x11FF]),
        ("kana", &[0x3040..=0x30FF]),
        ("han", &[0x3400..=0x4DBF, 0x4E00..=0x9FFF]),
        ("other", &[]),
    ];
    let mut letters = [0_u32; SCRIPTS.len()];
    for letter in text.chars().filter(|letter| letter.is_alphabetic()) {
        let is_of = |(_, ranges): &(&str, &[std::ops::RangeInclusive<u32>])| {
            ranges.iter().any(|range| range.contains(&u32::from(letter)))
        };
        letters[SCRIPTS.iter().position(is_of).unwrap_or(SCRIPTS.len() - 1)] += 1;
    }
    // A Japanese text has more Han than kana characters, and a Chinese one has no kana.
    let (kana, han) = (9, 10);
    if letters[kana] > 0 {
        letters[kana] += std::mem::take(&mut letters[han]);
    }
    let most = letters.iter().max().copied().unwrap_or(0);
    let first = letters.iter().position(|count| *count == most && most > 0);
    first.map_or("none", |at| SCRIPTS[at].0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<'l>(chosen: &'l str, rejected: &'l str, similarity: f64, contributor: Option<&'l str>) -> GoldLine<'l> {
        GoldLine {
            prompt: chosen.into(),
            chosen: chosen.into(),
            rejected: rejected.into(),
            similarity,
            tags: vec!["critical".into()],
            policy: "x".into(),
            contributor: contributor.map(Into::into),
            ..GoldLine::empty()
        }
    }

    #[test]
    fn pairs_are_counted() {
        let (first, second) = (line("ééé", "é", 1.0, Some("a")), line("ab", "abcd", 0.29, None));
        let counts = Statistics::of([(&first, Split::Train), (&second, Split::HeldOut)].into_iter());
        assert_eq!((counts.rows, counts.train, counts.held_out, counts.near_identical, counts.easy), (2, 1, 1, 1, 1));
        assert_eq!((counts.similarity[19], counts.similarity[5], counts.similarity.len()), (1, 1, 20));
        assert_eq!((counts.chosen_chars, counts.rejected_chars, counts.chosen_is_longer), (5, 5, 1));
        assert_eq!(
            (counts.contributors, counts.unattributed, counts.largest_contributor, counts.prompts),
            (1, 1, 1, 2)
        );
        assert_eq!(counts.log_length_ratio_ppm, 1_098_612 - 693_147);
        assert_eq!((counts.tags["critical"], counts.policies["x"], counts.scripts["latin"]), (2, 2, 2));
    }

    #[test]
    fn scripts_are_told() {
        for (text, script) in [
            ("Hello, 世界", "latin"),
            ("привет", "cyrillic"),
            ("今日は晴れ", "kana"),
            ("今天天气", "han"),
            ("සිංහල", "sinhala"),
            ("12 + 3", "none"),
            ("", "none"),
            ("𐎠𐎡", "other"),
        ] {
            assert_eq!(script_of(text), script, "{text}");
        }
    }

    #[test]
    fn what_it_implies_is_said() {
        let pair = line("a", "b", 0.93, None);
        let near = Statistics::of((0..9).map(|_| (&pair, Split::Train)));
        let codes: Vec<_> = near.implications().iter().map(|code| code.split(':').next().unwrap().to_owned()).collect();
        assert_eq!(codes, ["near_identical_pairs", "single_tenant_mode"]);
        assert!(Statistics::of(std::iter::empty()).implications().is_empty());
    }
}
