//! The background: how common each phrase was in earlier versions, and which pairs were quarantined or removed.

use std::collections::{BTreeSet, HashSet};

use flywheel_base::digest::id_key;
use flywheel_event::ScopedId;
use flywheel_text::sketch::mix;

use super::gold_line::GoldLine;
use super::phrases::added_phrases;
use super::recent::{Recent, Version};
use super::settled::Settled;

/// The rows of the count-min sketch, and the counters a row (Cormode, Muthukrishnan 2005). A phrase's count is never too low. It
/// is too high by the phrases that share its counter in each row. Both are fixed, so that the stored form stays below 5 MB.
const ROWS: usize = 3;
const COUNTERS_A_ROW: usize = 1 << 18;

/// The first bytes of the stored form: without removed pairs, and with them.
const LAYOUT: &[u8] = b"flywheel background 1\n";
const LAYOUT_WITH_REMOVED: &[u8] = b"flywheel background 2\n";
/// The first bytes of the stored form that has revisions, too.
const LAYOUT_WITH_SETTLED: &[u8] = b"flywheel background 3\n";
/// The first bytes of the stored form that also has the number of pairs whose phrases were counted in their plain form.
const LAYOUT_OF_PLAIN: &[u8] = b"flywheel background 4\n";

/// The memory of all earlier freezes, beyond the rows of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Background {
    /// Pairs that were counted.
    pairs: u64,
    /// Those of them whose phrases were counted in their plain form.
    plain_pairs: u64,
    /// The phrases of the last versions.
    recent: Recent,
    /// Empty until the first phrase is counted.
    counters: Vec<u32>,
    /// Keys of the ids of pairs and events that are or were quarantined. A line that is delivered again alone would pass, though
    /// it did not pass among similar ones.
    held: HashSet<u128>,
    /// Keys of the events whose pairs an operator removed, or whose users withdrew their consent. Without them a redelivery would
    /// undo the removal.
    removed: HashSet<u128>,
    /// The last revision of outputs whose last text is not a row.
    settled: Settled,
}

/// The error of bytes that are no stored background.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the background of phrases is damaged")]
pub struct UnreadableBackground;

impl Background {
    /// Returns the number of pairs that were counted.
    pub(crate) fn pairs(&self) -> u64 {
        self.pairs
    }

    /// Returns the number of pairs whose phrases were counted in their plain form. Counts of older pairs are of phrases as they
    /// were spelled, so they are too low for phrases with accents.
    pub(crate) fn plain_pairs(&self) -> u64 {
        self.plain_pairs
    }

    /// Returns the number of pairs so far in which the user added the phrase; an upper bound.
    pub(crate) fn count(&self, phrase: u64) -> u64 {
        let count = |at: usize| self.counters.get(at).copied().map_or(0, u64::from);
        counters_of(phrase).map(count).min().unwrap_or(0)
    }

    /// Returns the phrases of the last versions.
    pub(crate) fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Keeps the phrases of a version apart: the pairs that entered, and those that were quarantined as a burst.
    pub(crate) fn learn_version<'l>(&mut self, lines: impl Iterator<Item = &'l GoldLine<'l>>) {
        self.recent.add(lines);
    }

    /// Counts the phrases of a pair that enters the dataset.
    pub(crate) fn learn(&mut self, line: &GoldLine<'_>) {
        self.pairs += 1;
        self.plain_pairs += 1;
        for phrase in added_phrases(line) {
            self.counters.resize(ROWS * COUNTERS_A_ROW, 0);
            counters_of(phrase).for_each(|at| self.counters[at] = self.counters[at].saturating_add(1));
        }
    }

    /// Subtracts the counts of a pair. Counts are sums, so no trace of it is left.
    pub(crate) fn unlearn(&mut self, line: &GoldLine<'_>) {
        self.pairs = self.pairs.saturating_sub(1);
        self.plain_pairs = self.plain_pairs.min(self.pairs);
        self.recent.remove(line);
        if self.counters.is_empty() {
            return;
        }
        for phrase in added_phrases(line) {
            counters_of(phrase).for_each(|at| self.counters[at] = self.counters[at].saturating_sub(1));
        }
    }

    /// Removes a pair, as an operator's version does. Another event may bring it again; its own may not, nor may an older text of
    /// its output.
    pub(crate) fn remove(&mut self, line: &GoldLine<'_>) {
        self.unlearn(line);
        self.settled.remember(line.output().own, line.revision());
        self.removed.insert(line.event().own);
    }

    /// Returns the last revision of outputs whose last text is not a row.
    pub(crate) fn settled(&self) -> &Settled {
        &self.settled
    }

    /// Returns the keys of the events whose pairs an operator removed.
    pub(crate) fn removed(&self) -> &HashSet<u128> {
        &self.removed
    }

    /// Remembers which outputs are settled now, and which events' users have withdrawn their consent.
    pub(crate) fn settle(&mut self, settled: Settled, withdrawn: &HashSet<u128>) {
        self.settled = settled;
        self.removed.extend(withdrawn);
        self.removed.extend(withdrawn.iter().map(|event| without_consent(*event)));
    }

    /// Removes a waiting pair: its event may not bring it again.
    pub(crate) fn withdraw(&mut self, line: &GoldLine<'_>) {
        self.removed.insert(withdrawn(line.event().own));
    }

    /// Lets a pair that waited in an older version wait again. Returns `false` if it was in the dataset or quarantined since.
    pub(crate) fn wait_again(&mut self, line: &GoldLine<'_>) -> bool {
        let (pair, event) = (id_key("pair", &line.pair_id), line.event().own);
        let may_wait = !self.held.contains(&pair) && !self.held.contains(&event) && !self.removed.contains(&event);
        if may_wait {
            self.removed.remove(&withdrawn(event));
        }
        may_wait
    }

    /// Remembers that a pair and its event are quarantined.
    pub(crate) fn hold(&mut self, line: &GoldLine<'_>) {
        self.held.extend([id_key("pair", &line.pair_id), line.event().own]);
    }

    /// Remembers that a pair is quarantined because its event's id has another pair. That pair's later texts may come, and another
    /// event may bring this pair.
    pub(crate) fn hold_conflict(&mut self, line: &GoldLine<'_>) {
        self.held.insert(conflict(id_key("pair", &line.pair_id), line.event().own));
    }

    /// Returns `true` if a line was quarantined or removed before. `is_revision`: its event brings a later text than the
    /// quarantined one.
    pub(crate) fn holds(&self, pair: u128, event: ScopedId, is_revision: bool) -> bool {
        let is_event_held = event.keys().iter().any(|key| self.held.contains(key));
        let is_pair_held = self.held.contains(&pair) || self.held.contains(&conflict(pair, event.own));
        is_pair_held || (is_event_held && !is_revision) || is_removed(&self.removed, event)
    }

    /// Returns the stored form. Equal contents have equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let layout = match (self.settled.is_empty(), self.removed.is_empty()) {
            _ if self.plain_pairs > 0 || self.recent != Recent::default() => LAYOUT_OF_PLAIN,
            (false, _) => LAYOUT_WITH_SETTLED,
            (true, false) => LAYOUT_WITH_REMOVED,
            (true, true) => LAYOUT,
        };
        let mut bytes = layout.to_vec();
        let mut number = |number: u64| put_number(&mut bytes, number);
        number(self.pairs);
        let counted = self.counters.iter().enumerate().filter(|(_, count)| **count > 0);
        number(counted.clone().count() as u64);
        let mut next = 0;
        for (at, count) in counted {
            number((at - next) as u64);
            number(u64::from(*count));
            next = at + 1;
        }
        put_keys(&mut bytes, &self.held);
        if layout != LAYOUT {
            put_keys(&mut bytes, &self.removed);
        }
        if [LAYOUT_WITH_SETTLED, LAYOUT_OF_PLAIN].contains(&layout) {
            put_settled(&mut bytes, &self.settled);
        }
        if layout == LAYOUT_OF_PLAIN {
            put_number(&mut bytes, self.plain_pairs);
            put_recent(&mut bytes, &self.recent);
        }
        bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// If the bytes are not exactly a stored form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, UnreadableBackground> {
        let layouts = [LAYOUT_OF_PLAIN, LAYOUT_WITH_SETTLED, LAYOUT_WITH_REMOVED, LAYOUT];
        let layout = layouts.into_iter().find(|layout| bytes.starts_with(layout)).ok_or(UnreadableBackground)?;
        let rest = &mut &bytes[layout.len()..];
        let mut background = Self { pairs: take_number(rest)?, ..Self::default() };
        let mut next = 0;
        let counted = take_number(rest)?;
        background.counters.resize(if counted == 0 { 0 } else { ROWS * COUNTERS_A_ROW }, 0);
        for _ in 0..counted {
            let at = take_number(rest)?.checked_add(next).ok_or(UnreadableBackground)?;
            let counter = usize::try_from(at).ok().and_then(|at| background.counters.get_mut(at));
            *counter.ok_or(UnreadableBackground)? =
                u32::try_from(take_number(rest)?).map_err(|_| UnreadableBackground)?;
            next = at + 1;
        }
        background.held = take_keys(rest)?;
        if layout != LAYOUT {
            background.removed = take_keys(rest)?;
        }
        if [LAYOUT_WITH_SETTLED, LAYOUT_OF_PLAIN].contains(&layout) {
            background.settled = take_settled(rest)?;
        }
        if layout == LAYOUT_OF_PLAIN {
            background.plain_pairs = take_number(rest)?;
            background.recent = take_recent(rest)?;
        }
        if rest.is_empty() { Ok(background) } else { Err(UnreadableBackground) }
    }
}

/// Returns `true` if an operator removed an event's pair, from the dataset or from the waiting pairs.
pub(super) fn is_removed(removed: &HashSet<u128>, event: ScopedId) -> bool {
    event.keys().iter().any(|key| removed.contains(key) || removed.contains(&withdrawn(*key)))
}

/// Returns the key of a pair under the id of an event that has another pair.
fn conflict(pair: u128, event: u128) -> u128 {
    pair.rotate_left(1) ^ event.rotate_left(96)
}

/// Returns the key of an event whose user withdrew the consent. It differs from that of an event whose pair an operator removed,
/// because no release and no rollback undoes a withdrawal.
pub(super) fn without_consent(event: u128) -> u128 {
    event.rotate_left(32)
}

/// Returns the key of an event whose pair an operator removed while it waited. It differs from the key of a pair removed from the
/// dataset, because a rollback undoes the one and not the other.
fn withdrawn(event: u128) -> u128 {
    event.rotate_left(64)
}

fn counters_of(phrase: u64) -> impl Iterator<Item = usize> {
    (0..ROWS).map(move |row| row * COUNTERS_A_ROW + (mix(phrase ^ row as u64) as usize & (COUNTERS_A_ROW - 1)))
}

fn put_keys(bytes: &mut Vec<u8>, keys: &HashSet<u128>) {
    put_number(bytes, keys.len() as u64);
    let in_order: BTreeSet<_> = keys.iter().collect();
    in_order.into_iter().for_each(|key| bytes.extend(key.to_be_bytes()));
}

fn take_keys(rest: &mut &[u8]) -> Result<HashSet<u128>, UnreadableBackground> {
    let mut keys = HashSet::new();
    for _ in 0..take_number(rest)? {
        let (key, after) = rest.split_first_chunk().ok_or(UnreadableBackground)?;
        keys.insert(u128::from_be_bytes(*key));
        *rest = after;
    }
    Ok(keys)
}

fn put_recent(bytes: &mut Vec<u8>, recent: &Recent) {
    put_number(bytes, recent.0.len() as u64);
    for version in &recent.0 {
        put_number(bytes, version.pairs);
        put_number(bytes, version.phrases.len() as u64);
        for (phrase, numbers) in &version.phrases {
            bytes.extend(phrase.to_be_bytes());
            numbers.iter().for_each(|number| put_number(bytes, u64::from(*number)));
        }
    }
}

fn take_recent(rest: &mut &[u8]) -> Result<Recent, UnreadableBackground> {
    let mut recent = Recent::default();
    for _ in 0..take_number(rest)? {
        let mut version = Version { pairs: take_number(rest)?, ..Version::default() };
        for _ in 0..take_number(rest)? {
            let (phrase, after) = rest.split_first_chunk().ok_or(UnreadableBackground)?;
            *rest = after;
            let mut number = || u32::try_from(take_number(rest)?).map_err(|_| UnreadableBackground);
            let numbers = [number()?, number()?];
            version.phrases.insert(u32::from_be_bytes(*phrase), numbers);
        }
        recent.0.push_back(version);
    }
    Ok(recent)
}

fn put_settled(bytes: &mut Vec<u8>, settled: &Settled) {
    let entries = settled.in_order();
    put_number(bytes, entries.len() as u64);
    for (output, numbers) in entries {
        bytes.extend(output.to_be_bytes());
        numbers.iter().for_each(|number| bytes.extend(number.to_be_bytes()));
    }
}

fn take_settled(rest: &mut &[u8]) -> Result<Settled, UnreadableBackground> {
    let mut entries = Vec::new();
    for _ in 0..take_number(rest)? {
        let (output, after) = rest.split_first_chunk().ok_or(UnreadableBackground)?;
        *rest = after;
        let mut numbers = [0; 3];
        for number in &mut numbers {
            let (eight, after) = rest.split_first_chunk().ok_or(UnreadableBackground)?;
            (*number, *rest) = (u64::from_be_bytes(*eight), after);
        }
        entries.push((u128::from_be_bytes(*output), numbers));
    }
    Ok(Settled::from_entries(entries))
}

/// Appends a number as LEB128: seven bits a byte, the last byte without the high bit.
fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(rest: &mut &[u8]) -> Result<u64, UnreadableBackground> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(UnreadableBackground)?;
        *rest = after;
        number |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(UnreadableBackground)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line<'l>(pair_id: &'l str, chosen: &'l str) -> GoldLine<'l> {
        GoldLine {
            pair_id: pair_id.into(),
            event_id: pair_id.into(),
            prompt: "p".into(),
            chosen: chosen.into(),
            rejected: "r".into(),
            ..GoldLine::empty()
        }
    }

    fn event(id: &str) -> ScopedId {
        ScopedId::of_event(id, None)
    }

    #[test]
    fn what_is_learnt_is_counted_and_what_is_held_is_known() {
        let mut background = Background::default();
        (0..3).for_each(|_| background.learn(&line("p", "acme rules")));
        let phrases: Vec<_> = added_phrases(&line("p", "acme")).into_iter().collect();
        assert_eq!((background.pairs(), background.count(phrases[0])), (3, 3));
        background.hold(&line("x", ""));
        assert!(background.holds(id_key("pair", "x"), event("-"), false) && background.holds(0, event("x"), false));
        assert!(!background.holds(id_key("pair", "y"), event("y"), false));
    }

    #[test]
    fn what_is_taken_out_leaves_no_phrase_and_its_event_stays_out() {
        let mut before = Background::default();
        before.learn(&line("p", "acme rules"));
        let mut background = before.clone();
        background.learn(&line("q", "acme rules the zorblax"));
        background.remove(&line("q", "acme rules the zorblax"));
        assert_eq!((background.pairs, &background.counters), (before.pairs, &before.counters));
        assert!(background.holds(id_key("pair", "other"), event("q"), false));
        assert!(!background.holds(id_key("pair", "q"), event("other"), false), "another event may bring it");
        let bytes = background.to_bytes();
        assert_eq!(Background::from_bytes(&bytes), Ok(background));
        assert!(Background::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    }

    proptest! {
        #[test]
        fn the_stored_form_reads_back_and_a_damaged_one_does_not(texts in prop::collection::vec("[a-d ]{0,30}", 0..20), cut in 0..1_000_usize) {
            let mut background = Background::default();
            for (n, text) in texts.iter().enumerate() {
                background.learn(&line("p", text));
                background.hold(&line(&n.to_string(), text));
            }
            let lines: Vec<_> = texts.iter().map(|text| line("p", text)).collect();
            background.learn_version(lines.iter());
            let bytes = background.to_bytes();
            prop_assert!(Background::from_bytes(&bytes[..cut % bytes.len()]).is_err());
            prop_assert!(Background::from_bytes(&[bytes.as_slice(), &[0]].concat()).is_err());
            prop_assert_eq!(Background::from_bytes(&bytes), Ok(background));
        }
    }
}
