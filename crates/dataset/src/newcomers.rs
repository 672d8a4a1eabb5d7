//! The pending pairs, compared with the rows of the dataset.
//!
//! The dataset grows for ever and a batch does not. So the batch is kept in memory and indexed, and the dataset's rows are
//! streamed past it: ids and fingerprints, no texts. The result does not depend on the order of the rows.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use flywheel_base::digest::id_key;
use flywheel_event::{Revision, ScopedId};
use flywheel_text::sketch::Sketch;

use super::background::Background;
use super::caps::Attribution;
use super::fingerprint::Fingerprint;
use super::outputs::{Outputs, RowRevision};
use super::pair::Pair;
use super::rules::DatasetRules;
use super::split::{Split, SplitSalt};
use crate::net_new::KnownPairs;

/// The most neighbours of an ordinary prompt. A prompt with more is made from a template, such as an app's instructions before
/// each question. Such prompts are similar in their template, and not because they ask the same. They do not follow one another
/// in the split.
const MOST_NEIGHBOURS: usize = 16;

/// The most texts compared in a band. If more share one, they come from a template, and comparing all would take too long.
const MOST_IN_A_BAND: usize = 64;

/// A row of the dataset, with the fields that newcomers are compared with.
#[derive(Debug)]
pub struct RowInDataset<'r> {
    /// The pair's id.
    pub pair_id: &'r str,
    /// The event that brought it.
    pub event_id: &'r str,
    /// The event's key in the scope of its sender. A row from before scopes has none.
    pub event_key: Option<&'r str>,
    /// Its side of the split.
    pub split: Split,
    /// The fingerprint of its texts.
    pub fingerprint: Fingerprint,
    /// Its place among the revisions of its output. A row from before revisions has none.
    pub revision: Option<RowRevision>,
}

/// The pending pairs.
#[derive(Debug, Default)]
pub struct Newcomers {
    pub(crate) pairs: Vec<Newcomer>,
    /// The number of pairs, from the first, that waited for this version.
    waited: usize,
    /// The attribution of the version before.
    pub(crate) attribution: Attribution,
    seen: HashMap<(u128, u128, u128, bool), usize>,
    pub(crate) outputs: Outputs,
    /// The ids of the dataset's rows that a newer revision replaces.
    pub(crate) outdated: HashSet<String>,
    /// Lines whose pair and event came together in an earlier line.
    pub(crate) repeated: u64,
    near_from: f64,
    wanted: HashSet<u128>,
    pub(crate) known: KnownPairs,
    prompts: HashMap<u64, Prompt>,
    prompts_by_band: HashMap<(u8, u64), Vec<u64>>,
    pairs_by_band: HashMap<(u8, u64), Vec<u32>>,
    pairs_by_text: HashMap<(u64, u64), Vec<u32>>,
    by_direction: HashMap<(u64, u64, u64), Vec<u32>>,
    edits: HashMap<(u64, u64), HashSet<u64>>,
}

/// A pending pair.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) line: Pair,
    pub(crate) pair: u128,
    pub(crate) event: ScopedId,
    pub(crate) output: ScopedId,
    pub(crate) revision: Revision,
    pub(crate) fingerprint: Fingerprint,
    /// `true` if the dataset has a near duplicate.
    pub(crate) repeats: bool,
    /// `true` if the dataset has the pair the other way round.
    pub(crate) reverses: bool,
    /// `true` if the circuit breaker quarantines it in any case.
    pub(crate) is_barred: bool,
    /// `true` if an operator has released it: it passes every check that an operator can overrule.
    pub(crate) is_released: bool,
}

#[derive(Debug, Default)]
struct Prompt {
    sketch: Option<Sketch>,
    /// The side of this very prompt in the dataset.
    settled: Option<Split>,
    neighbours: HashMap<u64, Split>,
}

/// The side of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Is(Split),
    /// It neighbours prompts on both sides.
    Straddles,
}

impl Newcomers {
    /// Starts without a pair.
    #[must_use]
    pub fn new(rules: &DatasetRules) -> Self {
        Self { near_from: rules.near_duplicate_from, ..Self::default() }
    }

    /// Starts without a pair, with the memory of earlier freezes.
    #[must_use]
    pub fn remembering(self, background: &Background) -> Self {
        Self { outputs: Outputs::remembering(background.settled().clone(), background.removed().clone()), ..self }
    }

    /// Adds a line of another route than gold: it may be the last text of an output of which gold has an older one. `false`: the
    /// line is invalid, and nothing was added.
    #[must_use]
    pub fn add_state(&mut self, line: &str) -> bool {
        self.outputs.add_state(line)
    }

    /// Adds a pending pair.
    pub fn add(&mut self, pair: Pair) {
        self.add_pair(pair, false);
    }

    /// Adds a pending pair that the circuit breaker quarantines in any case.
    pub fn add_barred(&mut self, pair: Pair) {
        self.add_pair(pair, true);
    }

    /// Adds a pair that waits since an earlier version. All of them come before any other pair.
    pub fn add_waiting(&mut self, pair: Pair) {
        self.add_pair(pair, false);
        self.waited = self.pairs.len();
    }

    /// Sets the attribution of the version before.
    #[must_use]
    pub fn attributed_as(self, attribution: Attribution) -> Self {
        Self { attribution, ..self }
    }

    pub(crate) fn has_waited(&self, index: usize) -> bool {
        index < self.waited
    }

    fn add_pair(&mut self, line: Pair, is_barred: bool) {
        let gold = line.gold();
        let (pair, event) = (id_key("pair", &gold.pair_id), gold.event());
        let is_released = gold.is_released();
        let (output, revision) = (gold.output(), gold.revision());
        self.outputs.add(event, output, revision);
        // A redelivery of a quarantined line comes again and is left out; it must not take the released line with it.
        match self.seen.entry((pair, event.own, output.own, is_released)) {
            Entry::Occupied(seen) => {
                self.repeated += 1;
                let first = &mut self.pairs[*seen.get()];
                if revision > first.revision {
                    (first.line, first.revision) = (line, revision);
                }
                return;
            }
            Entry::Vacant(vacant) => *vacant.insert(self.pairs.len()),
        };
        let fingerprint = Fingerprint::of(&gold.prompt, &gold.chosen, &gold.rejected);
        self.index(&fingerprint);
        self.wanted.extend([pair, event.own, event.bare]);
        self.pairs.push(Newcomer {
            line,
            pair,
            event,
            output,
            revision,
            fingerprint,
            repeats: false,
            reverses: false,
            is_barred: is_barred && !is_released,
            is_released,
        });
    }

    fn index(&mut self, fingerprint: &Fingerprint) {
        let index = u32::try_from(self.pairs.len()).unwrap_or(u32::MAX);
        let Fingerprint { prompt, chosen, rejected, .. } = *fingerprint;
        self.pairs_by_text.entry((prompt, chosen)).or_default().push(index);
        self.by_direction.entry((prompt, rejected, chosen)).or_default().push(index);
        self.edits.entry((prompt, rejected)).or_default();
        for band in fingerprint.pair_sketch.iter().flat_map(Sketch::bands) {
            push_bounded(&mut self.pairs_by_band, band, index);
        }
        if !self.prompts.contains_key(&prompt) {
            for band in fingerprint.prompt_sketch.iter().flat_map(Sketch::bands) {
                push_bounded(&mut self.prompts_by_band, band, prompt);
            }
            self.prompts.insert(prompt, Prompt { sketch: fingerprint.prompt_sketch.clone(), ..Prompt::default() });
        }
    }

    /// Returns the number of pending pairs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Returns `true` if there are no pairs, and no state that concerns the dataset's rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty() && self.outputs.is_empty()
    }

    /// Compares the pairs with a row of the dataset. An outdated row leaves with this version, so no pair repeats it; its prompt
    /// stays on its side.
    pub fn deduplicate_against(&mut self, row: &RowInDataset<'_>) {
        let event = ScopedId::of_event(row.event_id, row.event_key);
        if self.outputs.outdates(event, row.revision) {
            self.outdated.insert(row.pair_id.to_owned());
            if let Some(same) = self.prompts.get_mut(&row.fingerprint.prompt) {
                same.settled = Some(row.split);
            }
            self.settle_prompt(&row.fingerprint, row.split);
            return;
        }
        for id in [id_key("pair", row.pair_id), event.own] {
            if self.wanted.contains(&id) {
                self.known.remember(id);
            }
        }
        let Fingerprint { prompt, chosen, rejected, .. } = row.fingerprint;
        if let Some(same) = self.prompts.get_mut(&prompt) {
            same.settled = Some(row.split);
        }
        self.settle_prompt(&row.fingerprint, row.split);
        for index in self.near(&row.fingerprint) {
            self.pairs[index].repeats = true;
        }
        for index in opposites(&self.by_direction, &row.fingerprint) {
            self.pairs[*index as usize].reverses = true;
        }
        if let Some(edits) = self.edits.get_mut(&(prompt, rejected)) {
            edits.insert(chosen);
        }
    }

    fn settle_prompt(&mut self, fingerprint: &Fingerprint, split: Split) {
        for neighbour in self.prompts_near(fingerprint.prompt, fingerprint.prompt_sketch.as_ref()) {
            if let Some(prompt) = self.prompts.get_mut(&neighbour) {
                add_neighbour(&mut prompt.neighbours, fingerprint.prompt, split);
            }
        }
    }

    /// Returns the other pending pairs that are near duplicates of a pair.
    fn near(&self, fingerprint: &Fingerprint) -> Vec<usize> {
        let bands = fingerprint.pair_sketch.iter().flat_map(Sketch::bands);
        let by_band = bands.filter_map(|band| self.pairs_by_band.get(&band)).flatten();
        let by_text = self.pairs_by_text.get(&(fingerprint.prompt, fingerprint.chosen)).into_iter().flatten();
        let mut near: Vec<_> = by_text.chain(by_band).map(|index| *index as usize).collect();
        near.sort_unstable();
        near.dedup();
        near.retain(|index| self.pairs[*index].fingerprint.is_near_duplicate(fingerprint, self.near_from));
        near
    }

    /// Returns the pending pairs before this one that are near duplicates of it.
    pub(crate) fn near_before(&self, index: usize) -> impl Iterator<Item = usize> {
        self.near(&self.pairs[index].fingerprint).into_iter().filter(move |other| *other < index)
    }

    /// Returns the pending pairs that say the opposite of this one: of one prompt, with chosen and rejected exchanged.
    pub(crate) fn reversals(&self, index: usize) -> &[u32] {
        opposites(&self.by_direction, &self.pairs[index].fingerprint)
    }

    /// Returns the pending pairs that say the same as this one, with itself.
    pub(crate) fn same_direction(&self, index: usize) -> &[u32] {
        let Fingerprint { prompt, chosen, rejected, .. } = self.pairs[index].fingerprint;
        self.by_direction.get(&(prompt, rejected, chosen)).map_or(&[], Vec::as_slice)
    }

    /// Returns the number of different edits that the dataset has of an output, by the keys of its prompt and its text.
    pub(crate) fn edits_in_dataset(&self, output: (u64, u64)) -> u64 {
        self.edits.get(&output).map_or(0, |edits| edits.len() as u64)
    }

    /// Returns `true` if one more edit of the pair's model output is too many; counts it if not.
    pub(crate) fn is_one_edit_too_many(&mut self, index: usize, most: u64) -> bool {
        let Fingerprint { prompt, chosen, rejected, .. } = self.pairs[index].fingerprint;
        let edits = self.edits.entry((prompt, rejected)).or_default();
        if !edits.contains(&chosen) && edits.len() as u64 >= most {
            return true;
        }
        edits.insert(chosen);
        false
    }

    /// Returns the side of a pair's prompt, and fixes it.
    ///
    /// A prompt of the dataset stays on its side. A new one goes to the side of its near duplicates, so that training does not
    /// see evaluation prompts. If they are on both sides, it can go to neither. Without neighbours the hash decides.
    pub(crate) fn settle(&mut self, index: usize, salt: &SplitSalt) -> Side {
        let key = self.pairs[index].fingerprint.prompt;
        let by_hash = || salt.side_of(&self.pairs[index].line.gold().prompt);
        let Some(prompt) = self.prompts.get(&key) else { return Side::Is(by_hash()) };
        if let Some(settled) = prompt.settled {
            return Side::Is(settled);
        }
        let is_template = prompt.neighbours.len() > MOST_NEIGHBOURS;
        let mut sides = prompt.neighbours.values().filter(|_| !is_template);
        let side = match sides.next() {
            None => by_hash(),
            Some(first) if sides.all(|side| side == first) => *first,
            Some(_) => return Side::Straddles,
        };
        let sketch = prompt.sketch.clone();
        for neighbour in self.prompts_near(key, sketch.as_ref()) {
            if let Some(prompt) = self.prompts.get_mut(&neighbour) {
                add_neighbour(&mut prompt.neighbours, key, side);
            }
        }
        if let Some(prompt) = self.prompts.get_mut(&key) {
            prompt.settled = Some(side);
        }
        Side::Is(side)
    }

    /// Returns the other pending prompts that are near duplicates of a prompt.
    fn prompts_near(&self, key: u64, sketch: Option<&Sketch>) -> Vec<u64> {
        let Some(sketch) = sketch else { return Vec::new() };
        let by_band = sketch.bands().filter_map(|band| self.prompts_by_band.get(&band)).flatten();
        let mut near: Vec<_> = by_band.copied().filter(|other| *other != key).collect();
        near.sort_unstable();
        near.dedup();
        let is_near = |other: &u64| {
            let other = self.prompts.get(other).and_then(|prompt| prompt.sketch.as_ref());
            other.is_some_and(|other| other.similarity(sketch) >= PROMPT_NEAR_FROM)
        };
        near.retain(is_near);
        near
    }
}

/// Returns the pairs that prefer a pair's rejected text to its chosen one. A pair whose texts differ only in formatting is not
/// its own opposite.
fn opposites<'b>(by_direction: &'b HashMap<(u64, u64, u64), Vec<u32>>, of: &Fingerprint) -> &'b [u32] {
    let found = by_direction.get(&(of.prompt, of.chosen, of.rejected)).filter(|_| of.chosen != of.rejected);
    found.map_or(&[], Vec::as_slice)
}

/// The similarity from which on two prompts are neighbours. It is fixed, as the split is: a policy that changed it would move
/// prompts across.
const PROMPT_NEAR_FROM: f64 = 0.8;

/// Adds a neighbour. One more than the most is kept, to tell that there are more.
fn add_neighbour(neighbours: &mut HashMap<u64, Split>, key: u64, split: Split) {
    if neighbours.len() <= MOST_NEIGHBOURS {
        neighbours.insert(key, split);
    }
}

fn push_bounded<T>(bands: &mut HashMap<(u8, u64), Vec<T>>, band: (u8, u64), found: T) {
    let bucket = bands.entry(band).or_default();
    if bucket.len() < MOST_IN_A_BAND {
        bucket.push(found);
    }
}
