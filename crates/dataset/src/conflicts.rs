//! Contradictions: pairs that say the opposite, and outputs that were edited in too many ways.
//!
//! Nothing in the texts says which side is right. If both sides went to quarantine, one person could silence others by posting the
//! reverse of their pairs. So each side is weighed by its voices. A voice is a contributor of an ingest key. Voices of one key may
//! be invented, so sides of different keys are weighed by their keys. Within one key, pairs that name no contributor weigh nothing.
//! Of two sides of one weight the first received stays. Where one voice speaks on both sides, both go, and so where nothing tells
//! voices apart.

use std::collections::{BTreeSet, HashMap, HashSet};

use flywheel_base::instant::Micros;

use super::gold_line::GoldLine;
use super::newcomers::Newcomers;

/// A voice: an ingest key, and a contributor.
type Voice = (Option<String>, Option<String>);

/// The pairs of one side of a contradiction.
struct Side {
    voices: BTreeSet<Voice>,
    received: Micros,
}

impl Side {
    fn of(newcomers: &Newcomers, pairs: impl Iterator<Item = usize>) -> Self {
        let mut side = Self { voices: BTreeSet::new(), received: Micros::MAX };
        for index in pairs {
            let pair = &newcomers.pairs[index];
            side.voices.extend(voice(&pair.line));
            side.received = side.received.min(pair.revision.received);
        }
        side
    }

    fn keys(&self) -> BTreeSet<&Option<String>> {
        self.voices.iter().map(|(key, _)| key).collect()
    }

    /// Returns the number of keys, where the sides differ in them, or else of named contributors.
    fn weight(&self, other: &Self) -> usize {
        let keys = self.keys();
        if keys != other.keys() {
            return keys.len();
        }
        self.voices.iter().filter(|(_, contributor)| contributor.is_some()).count()
    }
}

fn voice(line: &str) -> Option<Voice> {
    let line = GoldLine::parse(line)?;
    Some((line.ingest_key().map(str::to_owned), line.contributor().map(str::to_owned)))
}

/// Returns `true` if other new pairs say the opposite of a pair, and it is not the side that stays. `standing` are the pairs that are
/// the last text of their output: repeats of a pair enter once, and speak for it all the same.
pub(super) fn is_outweighed(
    newcomers: &Newcomers,
    index: usize,
    is_new: &HashSet<usize>,
    standing: &HashSet<usize>,
) -> bool {
    let against = newcomers.reversals(index);
    if !against.iter().any(|pair| is_new.contains(&(*pair as usize))) {
        return false;
    }
    let side = |pairs: &[u32]| {
        Side::of(newcomers, pairs.iter().map(|pair| *pair as usize).filter(|pair| standing.contains(pair)))
    };
    let (own, other) = (side(newcomers.same_direction(index)), side(against));
    if own.voices.intersection(&other.voices).next().is_some() {
        return true;
    }
    let (weight, against) = (own.weight(&other), other.weight(&own));
    weight < against || (weight == against && own.received >= other.received)
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
        let Some(voice) = voice(&pair.line).filter(|_| edits.insert(pair.fingerprint.chosen)) else { continue };
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
