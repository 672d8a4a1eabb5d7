//! Contradictions: pairs that say the opposite, and outputs that were edited in too many ways.
//!
//! Nothing in the texts says which side is right. If both sides went to quarantine, one person could silence others by posting the
//! reverse of their pairs. So each side is weighed by its voices. A voice is a contributor of an ingest key. Voices of one key may
//! be invented, so sides of different keys are weighed by their keys. Within one key, pairs that name no contributor weigh nothing.
//! Of two sides of one weight the first received stays. A voice on both sides counts on neither. Where no voice is left, as where
//! nothing tells voices apart, both go. Pairs that are quarantined in any case have no voice.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use flywheel_base::instant::Micros;

use super::newcomers::Newcomers;
use super::pair::Pair;

/// A voice: an ingest key, and a contributor.
type Voice = (Option<String>, Option<String>);

/// One side of a contradiction: its voices, each with the time at which its first pair was received.
struct Side(BTreeMap<Voice, Micros>);

impl Side {
    fn of(newcomers: &Newcomers, pairs: impl Iterator<Item = usize>) -> Self {
        let mut voices = BTreeMap::new();
        for index in pairs {
            let pair = &newcomers.pairs[index];
            let first = voices.entry(voice(&pair.line)).or_insert(Micros::MAX);
            *first = pair.revision.received.min(*first);
        }
        Self(voices)
    }

    fn keys(&self) -> BTreeSet<&Option<String>> {
        self.0.keys().map(|(key, _)| key).collect()
    }

    /// Returns the number of keys, where the sides differ in them, or else of named contributors.
    fn weight(&self, other: &Self) -> usize {
        let keys = self.keys();
        if keys != other.keys() {
            return keys.len();
        }
        self.0.keys().filter(|(_, contributor)| contributor.is_some()).count()
    }

    fn received(&self) -> Micros {
        self.0.values().copied().min().unwrap_or(Micros::MAX)
    }
}

fn voice(pair: &Pair) -> Voice {
    let line = pair.gold();
    (line.ingest_key().map(str::to_owned), line.contributor().map(str::to_owned))
}

/// Returns the new pairs that other new pairs contradict, and that are not of the side that stays. `speaks` is `true` for the
/// pairs that count for their side: repeats of a pair enter once, and speak for it all the same.
pub(super) fn outweighed(newcomers: &Newcomers, new: &[usize], speaks: impl Fn(usize) -> bool) -> HashSet<usize> {
    let is_new: HashSet<usize> = new.iter().copied().collect();
    // All pairs of one direction have one outcome. It is found once, or a flood of repeats would be weighed for each of them.
    let mut outcomes: HashMap<(u64, u64, u64), bool> = HashMap::new();
    let is_outweighed = |index: &usize| {
        let fingerprint = &newcomers.pairs[*index].fingerprint;
        let direction = (fingerprint.prompt, fingerprint.rejected, fingerprint.chosen);
        *outcomes.entry(direction).or_insert_with(|| is_outweighed(newcomers, *index, &is_new, &speaks))
    };
    new.iter().copied().filter(is_outweighed).collect()
}

fn is_outweighed(newcomers: &Newcomers, index: usize, is_new: &HashSet<usize>, speaks: impl Fn(usize) -> bool) -> bool {
    let against = newcomers.reversals(index);
    if !against.iter().any(|pair| is_new.contains(&(*pair as usize)) && speaks(*pair as usize)) {
        return false;
    }
    let side =
        |pairs: &[u32]| Side::of(newcomers, pairs.iter().map(|pair| *pair as usize).filter(|pair| speaks(*pair)));
    let (mut own, mut other) = (side(newcomers.same_direction(index)), side(against));
    // A voice that says both says nothing, and takes no other voice with it.
    let shared: Vec<_> = own.0.keys().filter(|voice| other.0.contains_key(*voice)).cloned().collect();
    for voice in &shared {
        own.0.remove(voice);
        other.0.remove(voice);
    }
    if own.0.is_empty() && other.0.is_empty() {
        return true;
    }
    let (weight, against) = (own.weight(&other), other.weight(&own));
    weight < against || (weight == against && own.received() >= other.received())
}

/// Returns the pairs that give way where an output has more edits than the dataset takes: the further edits of a voice give way to
/// the first edits of others, and the further voices of a key to the first of others. Edits of one voice give way to nothing.
pub(super) fn giving_way(newcomers: &Newcomers, new: &[usize], most: u64) -> HashSet<usize> {
    let mut by_output: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
    for index in new {
        let fingerprint = &newcomers.pairs[*index].fingerprint;
        by_output.entry((fingerprint.prompt, fingerprint.rejected)).or_default().push(*index);
    }
    let mut give_way = HashSet::new();
    for (output, pairs) in by_output {
        let room = most.saturating_sub(newcomers.edits_in_dataset(output));
        if pairs.len() as u64 > room {
            give_way.extend(beyond(newcomers, &pairs, usize::try_from(room).unwrap_or(usize::MAX)));
        }
    }
    give_way
}

/// Returns the pairs of one output beyond its room, in the fair order.
fn beyond(newcomers: &Newcomers, pairs: &[usize], room: usize) -> Vec<usize> {
    let mut edits: HashSet<u64> = HashSet::new();
    let mut edits_of: HashMap<Voice, usize> = HashMap::new();
    let mut voices_of: HashMap<Option<String>, usize> = HashMap::new();
    let mut place_of: HashMap<Voice, usize> = HashMap::new();
    let mut ranked = Vec::new();
    for index in pairs {
        let pair = &newcomers.pairs[*index];
        if !edits.insert(pair.fingerprint.chosen) {
            continue;
        }
        let voice = voice(&pair.line);
        let next = voices_of.entry(voice.0.clone()).or_default();
        let place = *place_of.entry(voice.clone()).or_insert_with(|| {
            *next += 1;
            *next
        });
        let rank = edits_of.entry(voice).or_default();
        *rank += 1;
        ranked.push((*rank, place, *index));
    }
    if edits_of.len() < 2 || ranked.len() <= room || ranked.iter().all(|(rank, place, _)| (*rank, *place) == (1, 1)) {
        return Vec::new();
    }
    ranked.sort_unstable();
    ranked.into_iter().skip(room).map(|(_, _, index)| index).collect()
}
