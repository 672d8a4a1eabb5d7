//! The phrases of the last few versions, to see a campaign that stays below the number of a burst in each of them.
//!
//! The background sums all versions. A campaign that brings a few pairs with each of them becomes part of it, and looks like a habit.
//! So the last [`VERSIONS`] are also kept apart: for each phrase that two pairs of a version added, how many did, and whose they
//! were.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};

use flywheel_base::digest::id_key;

use super::gold_line::GoldLine;
use super::phrases::added_phrases;

/// The number of versions that are kept apart. A campaign of four pairs a version is seen with the fourth.
const VERSIONS: usize = 4;

/// The fewest pairs of a version that have a phrase. Almost all phrases have one, and take no room.
const FEWEST: u32 = 2;

/// The pairs that added a phrase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Carriers {
    /// Their number.
    pub(crate) pairs: u32,
    /// A bit for each contributor, of 32: contributors that share one count as one.
    voices: u32,
}

impl Carriers {
    /// Counts a pair.
    pub(crate) fn add(&mut self, line: &GoldLine<'_>) {
        self.pairs += 1;
        self.voices |= voice(line);
    }

    /// Adds those of another version.
    fn join(&mut self, other: Self) {
        self.pairs = self.pairs.saturating_add(other.pairs);
        self.voices |= other.voices;
    }

    /// Returns the number of contributors; pairs that name none are one. It may be too low, never too high.
    pub(crate) fn voices(self, other: Self) -> u32 {
        (self.voices | other.voices).count_ones()
    }
}

fn voice(line: &GoldLine<'_>) -> u32 {
    line.contributor().map_or(1, |contributor| 1 << (id_key("voice", contributor) % 31 + 1))
}

/// One version's phrases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Version {
    /// Its pairs.
    pub(crate) pairs: u64,
    /// Its phrases by the upper half of their hashes.
    pub(crate) phrases: BTreeMap<u32, [u32; 2]>,
}

/// The last versions' phrases, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Recent(pub(crate) VecDeque<Version>);

impl Recent {
    /// Adds a version: the pairs that entered, and those that were quarantined as a burst. Without these a campaign would be
    /// forgotten as soon as it is seen.
    pub(crate) fn add<'l>(&mut self, lines: impl Iterator<Item = &'l GoldLine<'l>>) {
        let mut carriers: HashMap<u32, Carriers> = HashMap::new();
        let mut pairs = 0;
        for line in lines {
            pairs += 1;
            added_phrases(line).into_iter().for_each(|phrase| carriers.entry(key(phrase)).or_default().add(line));
        }
        if pairs == 0 {
            return;
        }
        carriers.retain(|_, carriers| carriers.pairs >= FEWEST);
        let phrases = carriers.into_iter().map(|(phrase, carriers)| (phrase, [carriers.pairs, carriers.voices]));
        self.0.push_back(Version { pairs, phrases: phrases.collect() });
        self.0.drain(..self.0.len().saturating_sub(VERSIONS));
    }

    /// Subtracts the counts of a pair that leaves the dataset, from the newest version that has each phrase.
    pub(crate) fn remove(&mut self, line: &GoldLine<'_>) {
        for phrase in added_phrases(line).into_iter().map(key) {
            let Some(version) = self.0.iter_mut().rev().find(|version| version.phrases.contains_key(&phrase)) else {
                continue;
            };
            if let Entry::Occupied(mut entry) = version.phrases.entry(phrase) {
                entry.get_mut()[0] -= 1;
                if entry.get()[0] < FEWEST {
                    entry.remove();
                }
            }
        }
    }

    /// Returns the pairs of all these versions that added a phrase.
    pub(crate) fn of(&self, phrase: u64) -> Carriers {
        let mut all = Carriers::default();
        let found = self.0.iter().filter_map(|version| version.phrases.get(&key(phrase)));
        found.for_each(|[pairs, voices]| all.join(Carriers { pairs: *pairs, voices: *voices }));
        all
    }

    /// Returns the number of pairs of all these versions.
    pub(crate) fn pairs(&self) -> u64 {
        self.0.iter().map(|version| version.pairs).sum()
    }
}

fn key(phrase: u64) -> u32 {
    (phrase >> 32) as u32
}
