//! The audit of a batch.
//!
//! The checks run in this order:
//! 1. Superseded texts leave: of each output only the last text counts.
//! 2. Duplicates of pairs seen before leave, and leave no trace. Another pair under a known event's id is quarantined.
//! 3. Bursts are counted over all pairs left, repeats included, because a campaign consists of repeats.
//! 4. Contradictions are quarantined, as the sibling `conflicts` decides, even where one pair would pass as a repeat of the other.
//! 5. Pairs that the circuit breaker bars are quarantined. No pair repeats them, and they take up no room.
//! 6. Near duplicates leave; the first of them stays.
//! 7. Prompts get their side of the split.
//! 8. The caps come last, because they count the pairs that enter. A pair over a cap waits, and is audited again with the next
//!    version's pairs, before them.
//!
//! A pair that an operator has released passes every check that an operator can overrule: bursts, contradictions, caps and the
//! breaker, even if it was quarantined or removed before. Like all others it enters once, repeats no other pair, and keeps to its
//! side of the split.

use std::collections::{BTreeSet, HashMap, HashSet};

use flywheel_log::Sender;

use super::background::Background;
use super::bursts::{self, Burst};
use super::caps::{Caps, Excess, Owner, excesses, naming_keys};
use super::conflicts;
use super::gold_line::GoldLine;
use super::hold::BatchReason;
use super::net_new::Admission;
use super::newcomers::{Newcomer, Newcomers, Side};
use super::outputs::Outputs;
use super::pair::Pair;
use super::rules::DatasetRules;
use super::split::{Split, SplitSalt};
use super::statistics::Statistics;
use super::waiting::{MAX_BYTES, WaitingPair, WaitingPairs, may_wait};

/// A pair that enters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its line.
    pub line: Pair,
    /// Its side of the split.
    pub split: Split,
    /// Its fingerprint's stored form.
    pub fingerprint: Vec<u8>,
}

/// A quarantined pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedPair {
    /// Its line, as curated.
    pub line: Pair,
    /// The reasons; never empty.
    pub holds: Vec<BatchReason>,
    /// `true` if it waited since an earlier version. Then it does not count among the pairs that came in since.
    pub has_waited: bool,
}

/// The outcome of the pending lines: each of them is in one of these.
#[derive(Debug)]
pub struct Audited {
    /// Pairs that enter, in order.
    pub entries: Vec<Entry>,
    /// Pairs that are quarantined, in order; last those that [`Audited::quarantine_beyond`] added.
    pub held: Vec<QuarantinedPair>,
    /// Pairs that are over a cap and wait for a later version, oldest first.
    pub waiting: Vec<WaitingPair>,
    /// The caps of this version.
    pub caps: Caps,
    /// The ingest keys that named contributors, in this version or before.
    pub naming_keys: BTreeSet<String>,
    /// Lines whose pair or event was seen before: in the dataset, in quarantine, or in this batch.
    pub duplicates: u64,
    /// Pairs that repeat another in other words.
    pub near_duplicates: u64,
    /// Lines whose output has a later text, or whose user withdrew it.
    pub superseded: u64,
    /// The ids of the dataset's pairs that leave it, because a later text replaced them or their user withdrew them.
    pub revised: HashSet<String>,
    /// The bursts, the largest first.
    pub bursts: Vec<Burst>,
    outputs: Outputs,
    /// The background before this freeze.
    background: Background,
    /// The number of entries, from the first, that waited before.
    waited: usize,
}

impl Audited {
    /// Quarantines, for the circuit breaker, the pairs that would enter beyond the first `room`, except those that an operator
    /// has released.
    ///
    /// With a limited room, pairs that waited before go on waiting, because they are outside the judged window. With no room at
    /// all, this window's pairs over a cap are quarantined, too.
    pub fn quarantine_beyond(&mut self, room: u64) {
        if room == u64::MAX {
            return;
        }
        let waited = self.entries.drain(..std::mem::take(&mut self.waited));
        let waited =
            waited.map(|entry| WaitingPair { line: entry.line, why: BatchReason::BreakerOpen, has_waited: true });
        self.waiting.splice(..0, waited.collect::<Vec<_>>());
        if room == 0 {
            let barred = self.waiting.extract_if(.., |waiting| !waiting.has_waited);
            self.held.extend(barred.map(|waiting| barred_pair(waiting.line)));
        }
        let room = usize::try_from(room).unwrap_or(usize::MAX).min(self.entries.len());
        let beyond: Vec<_> = self.entries.drain(room..).collect();
        for entry in beyond {
            if entry.line.gold().is_released() {
                self.entries.push(entry);
            } else {
                self.held.push(barred_pair(entry.line));
            }
        }
    }

    /// Quarantines the pairs of these senders, for the circuit breaker that opened for each of them alone, except those that an
    /// operator has released. Their pairs that waited before go on waiting, because they are outside the judged window.
    pub fn quarantine_senders(&mut self, senders: &[&Sender]) {
        if senders.is_empty() {
            return;
        }
        let is_theirs = |pair: &Pair| {
            let line = pair.gold();
            let is_of = |sender: &&Sender| sender.wrote(line.contributor(), line.ingest_key());
            !line.is_released() && senders.iter().any(is_of)
        };
        let barred = self.waiting.extract_if(.., |waiting| !waiting.has_waited && is_theirs(&waiting.line));
        let mut held: Vec<_> = barred.map(|waiting| barred_pair(waiting.line)).collect();
        let (mut waited, mut go_on) = (0, Vec::new());
        let had_waited = std::mem::take(&mut self.waited);
        for (index, entry) in std::mem::take(&mut self.entries).into_iter().enumerate() {
            let has_waited = index < had_waited;
            match is_theirs(&entry.line) {
                false => {
                    waited += usize::from(has_waited);
                    self.entries.push(entry);
                }
                true if has_waited => {
                    go_on.push(WaitingPair { line: entry.line, why: BatchReason::BreakerOpen, has_waited });
                }
                true => held.push(barred_pair(entry.line)),
            }
        }
        self.waited = waited;
        self.waiting.splice(..0, go_on);
        self.held.extend(held);
    }

    /// Returns the object of the waiting pairs, with its body; `None` if there are none.
    #[must_use]
    pub fn waiting_pairs(&self) -> Option<(WaitingPairs, String)> {
        WaitingPairs::of(self.waiting.iter().map(|waiting| waiting.line.text()))
    }

    /// Returns the statistics of the pairs that enter.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.statistics_without(None)
    }

    /// Returns the statistics of the pairs that enter, without one sender's.
    #[must_use]
    pub fn statistics_without(&self, sender: Option<&Sender>) -> Statistics {
        let is_others = |(line, _): &(&GoldLine<'_>, Split)| {
            sender.is_none_or(|sender| !sender.wrote(line.contributor(), line.ingest_key()))
        };
        let lines = self.entries.iter().map(|entry| (entry.line.gold(), entry.split));
        Statistics::of(lines.filter(is_others))
    }

    /// Returns the background for the next audit, once it is settled which pairs enter and which are quarantined. `revised` are
    /// the rows that leave, as JSON.
    #[must_use]
    pub fn learnt(&self, revised: &[String]) -> Background {
        let mut background = self.background.clone();
        revised.iter().filter_map(|row| GoldLine::parse(row)).for_each(|row| background.unlearn(&row));
        let mut entered = HashMap::new();
        for line in self.entries.iter().map(|entry| entry.line.gold()) {
            background.learn(line);
            entered.insert(line.output().own, line.revision());
        }
        let bursts = self.held.iter().filter(|held| held.holds.contains(&BatchReason::Burst)).map(|held| &held.line);
        let of_version = self.entries.iter().map(|entry| &entry.line).chain(bursts);
        background.learn_version(of_version.map(Pair::gold));
        for held in &self.held {
            let line = held.line.gold();
            if held.holds == [BatchReason::IdConflict] { background.hold_conflict(line) } else { background.hold(line) }
        }
        background.settle(self.outputs.settle(&entered), self.outputs.withdrawn());
        background
    }
}

/// Audits the pending pairs, after every row of the dataset was compared with them.
#[must_use]
pub fn audit(mut newcomers: Newcomers, background: Background, rules: &DatasetRules, salt: &SplitSalt) -> Audited {
    let before = newcomers.pairs.len() as u64 + newcomers.repeated;
    let last = last_texts(&newcomers);
    let superseded = (newcomers.pairs.len() - last.len()) as u64;
    let standing: HashSet<usize> = last.iter().copied().collect();
    let (new, conflicts) = net_new(&mut newcomers, &background, last);
    let duplicates = before - superseded - (new.len() + conflicts.len()) as u64;
    let lines = || new.iter().map(|index| newcomers.pairs[*index].line.gold());
    let found = bursts::find(lines, &background, rules);
    let is_burst: Vec<bool> = lines().map(|line| found.is_in(line)).collect();
    let is_conflict: HashSet<usize> = conflicts.iter().copied().collect();
    // A pair that is quarantined in any case says nothing against others.
    let speaks = |index: usize| {
        let pair = &newcomers.pairs[index];
        let is_kept_out = pair.is_barred || is_conflict.contains(&index);
        standing.contains(&index) && !is_kept_out && (pair.is_released || !found.is_in(pair.line.gold()))
    };
    let outweighed = conflicts::outweighed(&newcomers, &new, speaks);

    let (mut candidates, mut near_duplicates) = (Vec::new(), 0);
    let mut held: Vec<_> = conflicts.into_iter().map(|index| (index, vec![BatchReason::IdConflict])).collect();
    let mut kept = vec![false; newcomers.pairs.len()];
    let give_way = conflicts::giving_way(&newcomers, &new, rules.max_edits_per_output);
    for (index, is_burst) in new.into_iter().zip(is_burst) {
        let is_released = newcomers.pairs[index].is_released;
        let mut holds = Vec::new();
        holds.extend(is_burst.then_some(BatchReason::Burst));
        holds.extend((outweighed.contains(&index) || newcomers.pairs[index].reverses).then_some(BatchReason::Conflict));
        holds.extend(newcomers.pairs[index].is_barred.then_some(BatchReason::BreakerOpen));
        if !holds.is_empty() && !is_released {
            held.push((index, holds));
            continue;
        }
        if newcomers.pairs[index].repeats || newcomers.near_before(index).any(|other| kept[other]) {
            near_duplicates += 1;
            continue;
        }
        let is_too_many =
            give_way.contains(&index) || newcomers.is_one_edit_too_many(index, rules.max_edits_per_output);
        if is_too_many && !is_released {
            held.push((index, vec![BatchReason::Conflict]));
            continue;
        }
        kept[index] = true;
        candidates.push(index);
    }
    let sides = settle_all(&mut newcomers, &candidates, salt);
    let Capped { entering, over, caps, naming_keys } = cap(&newcomers, sides, rules, &mut held);
    held.sort_by_key(|(index, _)| *index);
    let waited = entering.iter().filter(|(index, _)| newcomers.has_waited(*index)).count();

    let entries: Vec<_> = entering.into_iter().map(|(index, split)| entry(&newcomers.pairs[index], split)).collect();
    let held: Vec<_> = held.into_iter().map(|(index, holds)| quarantined_pair(&newcomers, index, holds)).collect();
    let waiting: Vec<_> = over.into_iter().map(|(index, why)| waiting_pair(&newcomers, index, why)).collect();
    let (outputs, revised) = (newcomers.outputs, newcomers.outdated);
    Audited {
        entries,
        held,
        waiting,
        caps,
        naming_keys,
        duplicates,
        near_duplicates,
        superseded,
        revised,
        bursts: found.bursts,
        outputs,
        background,
        waited,
    }
}

/// Returns the pairs that are the last text of their output.
fn last_texts(newcomers: &Newcomers) -> Vec<usize> {
    let is_last = |(index, pair): (usize, &Newcomer)| {
        let is_superseded = newcomers.outputs.is_superseded(pair.event, pair.output, pair.revision);
        (!is_superseded).then_some(index)
    };
    newcomers.pairs.iter().enumerate().filter_map(is_last).collect()
}

/// Returns the pairs whose pair and event were not seen before, and those whose event was seen with another pair.
fn net_new(newcomers: &mut Newcomers, background: &Background, last: Vec<usize>) -> (Vec<usize>, Vec<usize>) {
    let mut known = std::mem::take(&mut newcomers.known);
    let (mut new, mut conflicts) = (Vec::new(), Vec::new());
    for index in last {
        let pair = &newcomers.pairs[index];
        let settled = background.settled().of_scoped(pair.output);
        let is_revision = settled.is_some_and(|settled| settled < pair.revision);
        let admission = match pair.is_released {
            true => known.admit_released(pair.pair),
            false if background.holds(pair.pair, pair.event, is_revision) => Admission::Repeat,
            false => known.admit(pair.pair, pair.event),
        };
        match admission {
            Admission::New => new.push(index),
            Admission::IdConflict => conflicts.push(index),
            Admission::Repeat => {}
        }
    }
    (new, conflicts)
}

fn settle_all(newcomers: &mut Newcomers, candidates: &[usize], salt: &SplitSalt) -> Vec<(usize, Side)> {
    candidates.iter().map(|index| (*index, newcomers.settle(*index, salt))).collect()
}

/// The candidates after the caps.
struct Capped {
    entering: Vec<(usize, Split)>,
    /// The pairs that wait, each with the cap that it is over.
    over: Vec<(usize, BatchReason)>,
    caps: Caps,
    naming_keys: BTreeSet<String>,
}

/// Divides the candidates by the caps into those that enter and those that wait; the rest is quarantined.
fn cap(
    newcomers: &Newcomers,
    sides: Vec<(usize, Side)>,
    rules: &DatasetRules,
    held: &mut Vec<(usize, Vec<BatchReason>)>,
) -> Capped {
    let mut candidates = Vec::new();
    for (index, side) in sides {
        match side {
            Side::Is(split) => candidates.push((index, split)),
            Side::Straddles => held.push((index, vec![BatchReason::SplitConflict])),
        }
    }
    // The operator who releases pairs answers for their number, so they count towards no contributor's share.
    let (released, candidates): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|(index, _)| newcomers.pairs[*index].is_released);
    let owner = |(index, _): &(usize, Split)| {
        let line = newcomers.pairs[*index].line.gold();
        Owner { contributor: line.contributor(), tenant: line.tenant(), key: line.ingest_key() }
    };
    let owners: Vec<_> = candidates.iter().map(owner).collect();
    let (excesses, caps) = excesses(&owners, &newcomers.attribution, rules);
    let naming_keys = naming_keys(&owners, &newcomers.attribution, caps);
    let (mut entering, mut over) = (released, Vec::new());
    for ((index, split), excess) in candidates.into_iter().zip(excesses) {
        match excess {
            None => entering.push((index, split)),
            Some(excess) => over.push((index, reason_of(excess))),
        }
    }
    entering.sort_unstable_by_key(|(index, _)| *index);
    let lines: Vec<_> = over.iter().map(|(index, _)| &newcomers.pairs[*index].line).collect();
    let mut may_wait = may_wait(&lines, rules.max_waiting_per_contributor, MAX_BYTES).into_iter();
    let give_way = over.extract_if(.., |_| !may_wait.next().unwrap_or(false));
    held.extend(give_way.map(|(index, hold)| (index, vec![hold])));
    Capped { entering, over, caps, naming_keys }
}

fn reason_of(excess: Excess) -> BatchReason {
    match excess {
        Excess::Contributor => BatchReason::ContributorCap,
        Excess::Unattributed => BatchReason::UnattributedCap,
        Excess::Tenant => BatchReason::TenantCap,
        Excess::Key => BatchReason::KeyCap,
    }
}

fn entry(pair: &Newcomer, split: Split) -> Entry {
    Entry { line: pair.line.clone(), split, fingerprint: pair.fingerprint.to_bytes() }
}

fn quarantined_pair(newcomers: &Newcomers, index: usize, holds: Vec<BatchReason>) -> QuarantinedPair {
    QuarantinedPair { line: newcomers.pairs[index].line.clone(), holds, has_waited: newcomers.has_waited(index) }
}

fn waiting_pair(newcomers: &Newcomers, index: usize, why: BatchReason) -> WaitingPair {
    WaitingPair { line: newcomers.pairs[index].line.clone(), why, has_waited: newcomers.has_waited(index) }
}

/// Returns a pair that the circuit breaker quarantines once it is settled which pairs would enter.
fn barred_pair(line: Pair) -> QuarantinedPair {
    QuarantinedPair { line, holds: vec![BatchReason::BreakerOpen], has_waited: false }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use flywheel_event::pair_id_of;
    use flywheel_text::sketch::mix;
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::caps::Attribution;
    use super::super::fingerprint::Fingerprint;
    use super::super::newcomers::RowInDataset;
    use super::super::outputs::RowRevision;
    use super::*;

    /// A dataset in memory.
    struct World {
        rows: Vec<Entry>,
        background: Background,
        waiting: Vec<String>,
        attribution: Attribution,
        salt: SplitSalt,
        rules: DatasetRules,
    }

    impl World {
        fn new() -> Self {
            Self {
                rows: Vec::new(),
                background: Background::default(),
                waiting: Vec::new(),
                attribution: Attribution::default(),
                salt: SplitSalt::new([3; 16]),
                rules: DatasetRules::default(),
            }
        }

        /// Returns a world whose cap is a number, and no share. Pairs over it wait, up to the limit of waiting pairs.
        fn with_cap(most: u64) -> Self {
            let mut world = Self::new();
            world.rules.max_pairs_per_contributor = most;
            world
        }

        fn freeze(&mut self, lines: &[String]) -> Audited {
            let audited = self.audit(lines);
            let all = audited.entries.len() + audited.held.len() + audited.waiting.len();
            let left_out = audited.duplicates + audited.near_duplicates + audited.superseded;
            assert_eq!(all as u64 + left_out, (lines.len() + self.waiting.len()) as u64);
            let is_revised = |row: &Entry| audited.revised.contains(row.line.gold().pair_id.as_ref());
            let (revised, rows) = std::mem::take(&mut self.rows).into_iter().partition::<Vec<_>, _>(is_revised);
            self.rows = rows;
            self.rows.extend(audited.entries.iter().cloned());
            let revised: Vec<_> = revised.into_iter().map(|row| row.line.text().to_owned()).collect();
            self.background = audited.learnt(&revised);
            self.waiting = audited.waiting.iter().map(|waiting| waiting.line.text().to_owned()).collect();
            let (contributors, naming) = (audited.caps.contributors, audited.naming_keys.clone());
            self.attribution = Attribution { contributors: contributors / 2, is_used: contributors > 0, naming };
            audited
        }

        fn audit(&self, lines: &[String]) -> Audited {
            let mut newcomers =
                Newcomers::new(&self.rules).remembering(&self.background).attributed_as(self.attribution.clone());
            self.waiting.iter().for_each(|line| newcomers.add_waiting(Pair::read(line).unwrap()));
            lines.iter().for_each(|line| newcomers.add(Pair::read(line).unwrap()));
            for row in &self.rows {
                let line = row.line.gold();
                newcomers.deduplicate_against(&RowInDataset {
                    pair_id: &line.pair_id,
                    event_id: &line.event_id,
                    event_key: line.event_key(),
                    split: row.split,
                    fingerprint: Fingerprint::from_bytes(&row.fingerprint).unwrap(),
                    revision: Some(RowRevision::of_line(line)),
                });
            }
            audit(newcomers, self.background.clone(), &self.rules, &self.salt)
        }
    }

    fn line(event_id: &str, prompt: &str, rejected: &str, chosen: &str) -> String {
        let pair_id = pair_id_of(prompt, chosen, rejected);
        // Each has a thread of its own, so that no event is a revision of another.
        json!({"pair_id": pair_id, "event_id": event_id, "thread_id": event_id, "prompt": prompt, "chosen": chosen, "rejected": rejected,
               "similarity": 0.5, "tags": [], "reasons": [], "policy": "x", "contributor": null, "context": []})
        .to_string()
    }

    /// Returns the line with its id for another output: a client's mistake.
    fn in_another_thread(line: String) -> String {
        line.replace("\"thread_id\":\"", "\"thread_id\":\"another-")
    }

    fn by(contributor: &str, line: String) -> String {
        line.replace("\"contributor\":null", &format!("\"contributor\":\"{contributor}\""))
    }

    /// Returns a hundred words that follow from a number, the last few from another.
    fn text(seed: u64, tail: u64) -> String {
        let word = |number: u64| format!("w{:x}", mix(number) >> 44);
        let words = (0..95).map(|n| word(seed * 1_000 + n)).chain((0..5).map(|n| word(tail * 7_777_777 + n)));
        words.collect::<Vec<_>>().join(" ")
    }

    fn released(line: &str) -> String {
        line.replace("\"tags\":[]", "\"tags\":[\"burst\",\"released\"]")
    }

    #[test]
    fn what_a_person_releases_enters_though_it_was_held_and_is_over_its_cap() {
        let mut world = World::with_cap(1);
        world.rules.max_waiting_per_contributor = 0;
        let lines: Vec<_> =
            (0..3).map(|n| by("a", line(&n.to_string(), &format!("p{n}"), "r", &n.to_string()))).collect();
        assert_eq!(holds(&world.freeze(&lines)), [BatchReason::ContributorCap; 2]);
        // A redelivery beside it stays out, before or after it; and a third time it is a duplicate.
        let again = [lines[1].clone(), released(&lines[1]), lines[1].clone(), released(&lines[2])];
        assert_eq!(numbers(&world.freeze(&again)), (2, 0, 2, 0));
        assert_eq!(numbers(&world.freeze(&[released(&lines[1])])), (0, 0, 1, 0));
    }

    #[test]
    fn what_a_person_releases_is_held_for_nothing_that_people_can_overrule() {
        let mut world = World::new();
        world.rules.max_edits_per_output = 1;
        let (there, back) = (line("1", "p", "a", "b"), line("2", "p", "b", "a"));
        // The released one is right, so the other one contradicts it.
        let audited = world.freeze(&[released(&there), back]);
        assert_eq!((audited.entries.len(), holds(&audited)), (1, vec![BatchReason::Conflict]));
        assert_eq!(world.freeze(&[released(&line("3", "p", "a", "c"))]).entries.len(), 1);

        let mut newcomers = Newcomers::new(&world.rules);
        let lines = [line("4", "q", "a", "b"), released(&line("5", "r", "a", "b"))];
        lines.iter().for_each(|line| newcomers.add_barred(Pair::read(line).unwrap()));
        let mut audited = audit(newcomers, Background::default(), &world.rules, &world.salt);
        assert_eq!((audited.entries.len(), holds(&audited)), (1, vec![BatchReason::BreakerOpen]));
        audited.quarantine_beyond(0);
        assert_eq!((audited.entries.len(), audited.held.len()), (1, 1));
    }

    fn holds(audited: &Audited) -> Vec<BatchReason> {
        audited.held.iter().flat_map(|held| held.holds.clone()).collect()
    }

    fn numbers(audited: &Audited) -> (usize, usize, u64, u64) {
        (audited.entries.len(), audited.held.len(), audited.duplicates, audited.near_duplicates)
    }

    #[test]
    fn a_pair_enters_once_over_all_versions() {
        let mut world = World::new();
        let first = [
            line("e1", "p", "r", "a"),
            line("e1", "p", "r", "a"),
            line("e2", "p", "r", "a"),
            in_another_thread(line("e1", "p", "r", "b")),
        ];
        assert_eq!(numbers(&world.freeze(&first)), (1, 1, 2, 0));
        let second =
            [line("e9", "p", "r", "a"), in_another_thread(line("e1", "p", "r", "c")), line("e3", "p", "r", "b")];
        assert_eq!(numbers(&world.freeze(&second)), (1, 1, 1, 0));
    }

    #[test]
    fn a_line_that_is_refused_leaves_no_trace() {
        let mut world = World::new();
        world.freeze(&[line("e0", "p", "r", "a")]);
        // e1 brings a pair that the dataset has. So it has brought nothing yet, and may bring another.
        assert_eq!(
            numbers(&world.freeze(&[line("e1", "p", "r", "a"), in_another_thread(line("e1", "p", "r", "b"))])),
            (1, 0, 1, 0)
        );
    }

    /// Returns the line as a key's holder posted it, at a second of the day.
    fn posted(key: &str, second: u8, line: String) -> String {
        let entry = json!([{"key": "flywheel.ingest_key", "value": key}]);
        let times = format!("\"received_at\":\"2026-11-22T10:00:{second:02}Z\",\"context\":{entry}");
        line.replace("\"context\":[]", &times)
    }

    #[test]
    fn the_reverse_of_a_pair_does_not_silence_it() {
        let pair = |event: &str, is_reversed| {
            let (rejected, chosen) = if is_reversed { ("blue", "green") } else { ("green", "blue") };
            line(event, "p", rejected, chosen)
        };
        let kim = || posted("shop", 1, by("kim", pair("kim", false)));
        let cases = [
            ("a later reverse by another", vec![kim(), posted("shop", 2, by("eve", pair("eve", true)))]),
            ("an earlier one without a contributor", vec![posted("shop", 0, pair("eve", true)), kim()]),
            (
                "invented contributors of another key",
                (0..5)
                    .map(|n| posted("desk", 2, by(&format!("eve-{n}"), pair(&format!("eve-{n}"), true))))
                    .chain([kim()])
                    .collect(),
            ),
            (
                "an earlier one against two voices",
                vec![
                    posted("shop", 0, by("eve", pair("eve", true))),
                    kim(),
                    posted("shop", 3, by("lee", pair("lee", false))),
                ],
            ),
        ];
        for (case, lines) in cases {
            let audited = World::new().audit(&lines);
            assert_eq!(
                (entered(&audited), holds(&audited)),
                (vec!["kim".to_owned()], vec![BatchReason::Conflict]),
                "{case}"
            );
        }
        let both = [
            posted("shop", 0, by("eve", pair("eve", true))),
            posted("shop", 0, by("eve", pair("eve-again", false))),
            kim(),
        ];
        let audited = World::new().audit(&both);
        let stays = vec!["eve-again".to_owned()];
        assert_eq!(
            (entered(&audited), holds(&audited)),
            (stays, vec![BatchReason::Conflict]),
            "one voice is on both sides"
        );
        let mut newcomers = Newcomers::new(&DatasetRules::default());
        newcomers.add_barred(Pair::read(&posted("shop", 0, by("eve", pair("eve", true)))).unwrap());
        newcomers.add(Pair::read(&kim()).unwrap());
        let world = World::new();
        let audited = audit(newcomers, Background::default(), &world.rules, &world.salt);
        assert_eq!((entered(&audited), audited.held.len()), (vec!["kim".to_owned()], 1), "a barred pair has no voice");
        let itself = [kim(), posted("shop", 2, by("kim", pair("again", true)))];
        assert_eq!(World::new().audit(&itself).held.len(), 2, "one voice that says both says nothing");
    }

    #[test]
    fn many_edits_of_one_output_by_one_voice_leave_room_for_others() {
        let edit = |event: &str, text: u8| line(event, "p", "the output", &format!("edit number {text} of the output"));
        let mut lines: Vec<_> = (0..5).map(|n| posted("shop", n, by("eve", edit(&format!("eve-{n}"), n)))).collect();
        lines.push(posted("shop", 9, by("kim", edit("kim", 9))));
        assert!(entered(&World::new().audit(&lines)).contains(&"kim".to_owned()));
        let invented = |n: u8| posted("desk", n, by(&format!("eve-{n}"), edit(&format!("eve-{n}"), n)));
        let mut lines: Vec<_> = (0..5).map(invented).collect();
        lines.push(posted("shop", 9, by("kim", edit("kim", 9))));
        let audited = World::new().audit(&lines);
        assert!(entered(&audited).contains(&"kim".to_owned()) && audited.entries.len() == 5);
    }

    #[test]
    fn near_duplicates_leave_the_first_over_all_versions() {
        let mut world = World::new();
        let batch =
            [line("1", "p", "r1", &text(1, 1)), line("2", "p", "r2", &text(1, 2)), line("3", "p", "r3", &text(2, 1))];
        let audited = world.freeze(&batch);
        assert_eq!(numbers(&audited), (2, 0, 0, 1));
        assert!(audited.entries[0].line.text().contains("\"event_id\":\"1\""));
        assert_eq!(
            numbers(&world.freeze(&[line("4", "p", "r4", &text(2, 3)), line("5", "P ", "r5", &text(1, 1))])),
            (0, 0, 0, 2)
        );
    }

    #[test]
    fn where_nearness_is_switched_off_only_the_same_texts_repeat() {
        let mut world = World::new();
        world.rules.near_duplicate_from = 1.1;
        world.freeze(&[line("1", "p", "r1", &text(1, 1))]);
        let again = [line("2", "p", "r2", &text(1, 2)), line("3", "p", "r3", &text(1, 1))];
        assert_eq!(numbers(&world.freeze(&again)), (1, 0, 0, 1));
    }

    #[test]
    fn both_sides_of_a_reversal_are_held_and_the_new_side_of_an_old_one() {
        let mut world = World::new();
        let audited = world.freeze(&[line("1", "p", "a", "b"), line("2", "P", "B", "A"), line("3", "p", "a", "c")]);
        assert_eq!((numbers(&audited), holds(&audited)), ((1, 2, 0, 0), vec![BatchReason::Conflict; 2]));
        let audited = world.freeze(&[line("4", "p", "c", "a"), line("5", "other", "c", "a")]);
        assert_eq!((numbers(&audited), holds(&audited)), ((1, 1, 0, 0), vec![BatchReason::Conflict]));
    }

    #[test]
    fn a_pair_whose_texts_differ_in_case_alone_is_not_its_own_opposite() {
        assert_eq!(numbers(&World::new().freeze(&[line("1", "p", "a b", "A B")])), (1, 0, 0, 0));
    }

    #[test]
    fn of_one_output_so_many_edits_are_taken() {
        let mut world = World::new();
        let edits: Vec<_> = (0..4).map(|n| line(&n.to_string(), "p", "r", &format!("edit{n}"))).collect();
        assert_eq!(world.freeze(&edits).entries.len(), 4);
        let more: Vec<_> = (4..7).map(|n| line(&n.to_string(), "p", "r", &format!("edit{n}"))).collect();
        let audited = world.freeze(&more);
        assert_eq!((numbers(&audited), holds(&audited)), ((1, 2, 0, 0), vec![BatchReason::Conflict; 2]));
    }

    #[test]
    fn what_is_held_stays_held_when_it_comes_again_alone() {
        let mut world = World::new();
        world.rules.burst_small_batch = 0;
        let campaign: Vec<_> =
            (0..8).map(|n| line(&n.to_string(), &format!("p{n}"), "r", &format!("c{n} buy zorblax"))).collect();
        let audited = world.freeze(&campaign);
        assert_eq!((numbers(&audited), holds(&audited)), ((0, 8, 0, 0), vec![BatchReason::Burst; 8]));
        assert_eq!((audited.bursts[0].pairs, audited.bursts[0].expected), (8, 0.0));
        assert_eq!(numbers(&world.freeze(&campaign[..1])), (0, 0, 1, 0));
        assert_eq!(numbers(&world.freeze(&[line("new", "p3", "r", "c3 buy zorblax")])), (0, 0, 1, 0));
    }

    fn pairs_of(contributor: &str, numbers: std::ops::Range<u32>) -> Vec<String> {
        let pair = |n: u32| by(contributor, line(&n.to_string(), &format!("p{n}"), "r", &format!("c{n}")));
        numbers.map(pair).collect()
    }

    fn waiting(audited: &Audited) -> Vec<String> {
        audited.waiting.iter().map(|pair| pair.line.gold().event_id.to_string()).collect()
    }

    fn entered(audited: &Audited) -> Vec<String> {
        audited.entries.iter().map(|pair| pair.line.gold().event_id.to_string()).collect()
    }

    #[test]
    fn what_is_over_a_cap_waits_and_enters_later_before_what_is_new() {
        let mut world = World::with_cap(2);
        let first = world.freeze(&pairs_of("alice", 0..5));
        assert_eq!((entered(&first).join(" "), waiting(&first).join(" ")), ("0 1".to_owned(), "2 3 4".to_owned()));
        assert!(first.held.is_empty() && first.waiting.iter().all(|pair| pair.why == BatchReason::ContributorCap));
        let second = world.freeze(&[pairs_of("alice", 5..6), pairs_of("bob", 10..11)].concat());
        assert_eq!((entered(&second).join(" "), waiting(&second).join(" ")), ("2 3 10".to_owned(), "4 5".to_owned()));
        assert_eq!(second.waiting.iter().map(|pair| pair.has_waited).collect::<Vec<_>>(), [true, false]);
        // Nothing is pending, and the waiting pairs fit.
        let third = world.freeze(&[]);
        assert_eq!((entered(&third).join(" "), waiting(&third).len()), ("4 5".to_owned(), 0));
    }

    #[test]
    fn what_waits_is_a_duplicate_of_nothing_and_a_redelivery_of_it_is_one() {
        let mut world = World::with_cap(1);
        world.freeze(&pairs_of("alice", 0..3));
        let again = world.freeze(&pairs_of("alice", 1..3));
        assert_eq!(
            (entered(&again).join(" "), waiting(&again).join(" "), again.duplicates),
            ("1".to_owned(), "2".to_owned(), 2)
        );
    }

    #[test]
    fn what_waits_is_judged_again_with_the_new_pairs() {
        let mut world = World::with_cap(1);
        world.freeze(&[pairs_of("alice", 0..1), vec![by("alice", line("1", "p", "a", "b"))]].concat());
        // Another contributor says the opposite meanwhile.
        let audited = world.freeze(&[by("bob", line("2", "p", "b", "a"))]);
        assert_eq!((holds(&audited), waiting(&audited).len()), (vec![BatchReason::Conflict; 2], 0));
        assert_eq!(audited.held.iter().map(|held| held.has_waited).collect::<Vec<_>>(), [true, false]);
        // It is known from now on, as all quarantined pairs are.
        assert_eq!(world.freeze(&[by("alice", line("1", "p", "a", "b"))]).duplicates, 1);
    }

    #[test]
    fn of_what_waits_too_long_the_oldest_is_held_by_name() {
        let mut world = World::with_cap(1);
        world.rules.max_waiting_per_contributor = 2;
        let audited = world.freeze(&[pairs_of("alice", 0..5), pairs_of("bob", 5..7)].concat());
        assert_eq!((entered(&audited).join(" "), waiting(&audited).join(" ")), ("0 5".to_owned(), "3 4 6".to_owned()));
        assert_eq!(holds(&audited), [BatchReason::ContributorCap; 2]);
        // The older ones enter in time, or newer ones displace them.
        let audited = world.freeze(&pairs_of("alice", 7..9));
        assert_eq!((entered(&audited).join(" "), waiting(&audited).join(" ")), ("3 6".to_owned(), "7 8".to_owned()));
        assert_eq!(holds(&audited), [BatchReason::ContributorCap]);
    }

    #[test]
    fn pairs_of_nobody_and_of_one_tenant_wait_as_well() {
        let mut world = World::new();
        let nobodys: Vec<_> = (0..6).map(|n| line(&n.to_string(), &format!("p{n}"), "r", &format!("c{n}"))).collect();
        let audited = world.freeze(&[nobodys, pairs_of("alice", 30..36)].concat());
        assert_eq!((audited.entries.len(), audited.waiting.len()), (11, 1));
        assert!(audited.waiting.iter().all(|pair| pair.why == BatchReason::UnattributedCap));
        let mut world = World::new();
        let of = |tenant: &str, n: u32| {
            line(&n.to_string(), &format!("p{n}"), "r", &format!("c{n}"))
                .replace("\"context\":[]", &format!("\"context\":[{{\"key\":\"tenant\",\"value\":\"{tenant}\"}}]"))
        };
        let names = std::iter::repeat_n("a", 8).chain(["b", "c", "d", "e"]);
        let tenants: Vec<_> = (0..).zip(names).map(|(n, tenant)| of(tenant, n)).collect();
        let audited = world.freeze(&tenants);
        assert_eq!((audited.entries.len(), audited.waiting.len()), (5, 7));
        assert!(audited.waiting.iter().all(|pair| pair.why == BatchReason::TenantCap));
    }

    #[test]
    fn behind_the_breaker_what_waited_waits_on_and_what_is_new_is_held() {
        let mut world = World::with_cap(1);
        world.freeze(&[pairs_of("alice", 0..3), pairs_of("bob", 10..11)].concat());
        let new = [pairs_of("bob", 11..13), pairs_of("carol", 20..21)].concat();
        let mut audited = world.audit(&new);
        assert_eq!(
            (entered(&audited).join(" "), waiting(&audited).join(" ")),
            ("1 11 20".to_owned(), "2 12".to_owned())
        );
        audited.quarantine_beyond(u64::MAX);
        assert_eq!(audited.entries.len(), 3);
        // The room is one pair: the pair that waited is no part of the sample.
        audited.quarantine_beyond(1);
        assert_eq!((entered(&audited).join(" "), waiting(&audited).join(" ")), ("11".to_owned(), "1 2 12".to_owned()));
        assert_eq!(holds(&audited), [BatchReason::BreakerOpen]);
        let mut audited = world.audit(&new);
        audited.quarantine_beyond(0);
        assert_eq!((entered(&audited).len(), waiting(&audited).join(" ")), (0, "1 2".to_owned()));
        assert_eq!(holds(&audited), [BatchReason::BreakerOpen; 3]);
        assert!(audited.held.iter().all(|held| !held.has_waited));
    }

    #[test]
    fn what_the_breaker_bars_is_held_and_nothing_repeats_it_or_lacks_room_for_it() {
        let world = World::new();
        let mut newcomers = Newcomers::new(&world.rules);
        let of_alice = |n: u64, tail: u64| by("alice", line(&n.to_string(), "p", &format!("r{n}"), &text(1, tail)));
        for n in 0..6 {
            let barred = by("alice", line(&n.to_string(), &format!("p{n}"), "r", &text(n + 1, 1)));
            newcomers.add_barred(Pair::read(&barred).unwrap());
        }
        for (n, tail) in [(10, 2), (0, 9), (11, 3)] {
            newcomers.add(Pair::read(&of_alice(n, tail)).unwrap());
        }
        let audited = audit(newcomers, Background::default(), &world.rules, &world.salt);
        assert_eq!(numbers(&audited), (1, 7, 0, 1));
        assert!(audited.entries[0].line.text().contains("\"event_id\":\"10\""));
        assert_eq!(holds(&audited), [[BatchReason::BreakerOpen; 6].as_slice(), &[BatchReason::IdConflict]].concat());
    }

    #[test]
    fn what_is_held_beyond_the_room_teaches_nothing_and_stays_held() {
        let mut world = World::new();
        let lines: Vec<_> = (0..3).map(|n| line(&n.to_string(), &format!("p{n}"), "r", &format!("c{n}"))).collect();
        let audit_of = |world: &World| {
            let mut newcomers = Newcomers::new(&world.rules);
            lines.iter().for_each(|line| newcomers.add(Pair::read(line).unwrap()));
            audit(newcomers, world.background.clone(), &world.rules, &world.salt)
        };
        let mut audited = audit_of(&world);
        audited.quarantine_beyond(u64::MAX);
        assert_eq!((numbers(&audited), audited.learnt(&[]).pairs()), ((3, 0, 0, 0), 3));
        audited.quarantine_beyond(1);
        assert_eq!((numbers(&audited), holds(&audited)), ((1, 2, 0, 0), vec![BatchReason::BreakerOpen; 2]));
        assert!(audited.held[0].line.text() == lines[1] && audited.held[1].line.text() == lines[2], "in order");
        world.background = audited.learnt(&[]);
        assert_eq!(world.background.pairs(), 1);
        assert_eq!(numbers(&audit_of(&world)), (1, 0, 2, 0), "the first is known by the table alone");
    }

    #[test]
    fn a_prompt_between_both_sides_goes_to_neither() {
        let mut world = World::new();
        // Two prompts on different sides that are no neighbours, and one that neighbours both.
        let words: Vec<_> = (0..160).map(|n| format!("w{:x}", mix(n) >> 40)).collect();
        let left = words[..140].join(" ");
        let right = (0..1_000).map(|n| format!("{} end{n}", words[20..].join(" ")));
        let right = right.into_iter().find(|right| world.salt.side_of(right) != world.salt.side_of(&left)).unwrap();
        let is_near = |left: &str, right: &str| {
            let sketch = |text: &str| flywheel_text::sketch::Sketch::of(text).unwrap();
            sketch(left).similarity(&sketch(right))
        };
        let between = words[10..150].join(" ");
        assert!(is_near(&left, &right) < 0.8 && is_near(&left, &between) >= 0.8 && is_near(&right, &between) >= 0.8);
        world.freeze(&[line("1", &left, "r", "a"), line("2", &right, "r", "b")]);
        assert_eq!(holds(&world.freeze(&[line("3", &between, "r", "c")])), [BatchReason::SplitConflict]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Over many versions, in any order: a prompt keeps its side for ever, and so do its near duplicates.
        #[test]
        fn no_prompt_crosses(batches in prop::collection::vec(prop::collection::vec((0..6_u64, 0..5_u64, 0..4_u64, any::<bool>()), 0..12), 1..8), salt in any::<u8>()) {
            let mut world = World { salt: SplitSalt::new([salt; 16]), ..World::new() };
            world.rules.burst_pairs = 1_000;
            let mut event = 0;
            for batch in &batches {
                let lines: Vec<_> = batch.iter().map(|(seed, tail, chosen, is_long)| {
                    event += 1;
                    let prompt = if *is_long { text(*seed, *tail) } else { format!("Ask {seed} {tail}") };
                    line(&event.to_string(), &prompt, "r", &format!("c{chosen}"))
                }).collect();
                world.freeze(&lines);
                let mut sides: BTreeMap<String, Split> = BTreeMap::new();
                let mut families: BTreeMap<String, Split> = BTreeMap::new();
                for row in &world.rows {
                    let prompt = row.line.gold().prompt.to_string();
                    let family = prompt.split(' ').take(90).collect::<Vec<_>>().join(" ");
                    prop_assert_eq!(*sides.entry(prompt.clone()).or_insert(row.split), row.split);
                    if prompt.len() > 200 {
                        prop_assert_eq!(*families.entry(family).or_insert(row.split), row.split);
                    } else {
                        prop_assert_eq!(row.split, world.salt.side_of(&prompt));
                    }
                }
            }
        }

        /// Over many versions each pair enters, is quarantined or waits, and is in one of these only. No version has too much of
        /// one contributor.
        #[test]
        fn what_waits_is_neither_lost_nor_doubled(
            batches in prop::collection::vec(prop::collection::vec((0..4_u32, any::<bool>()), 0..12), 1..6), most in 1..4_u64, may_wait in 0..4_u64,
        ) {
            let mut world = World::with_cap(most);
            world.rules.max_waiting_per_contributor = may_wait;
            let (mut pairs, mut held) = (0, Vec::new());
            for batch in &batches {
                let mut lines = Vec::new();
                for (contributor, is_repeated) in batch {
                    let new = pairs_of(&format!("c{contributor}"), pairs..pairs + 1);
                    lines.extend(if *is_repeated { [new.clone(), new].concat() } else { new });
                    pairs += 1;
                }
                let audited = world.freeze(&lines);
                let mut by_contributor: BTreeMap<_, u64> = BTreeMap::new();
                for entry in &audited.entries {
                    *by_contributor.entry(entry.line.gold().contributor().unwrap().to_owned()).or_default() += 1;
                }
                prop_assert!(by_contributor.values().all(|pairs| *pairs <= most));
                held.extend(audited.held.iter().map(|held| held.line.text().to_owned()));
            }
            let kept_out = held.iter().chain(&world.waiting).map(String::as_str);
            let all: Vec<_> = world.rows.iter().map(|row| row.line.text()).chain(kept_out).collect();
            let distinct: std::collections::BTreeSet<_> = all.iter().collect();
            prop_assert_eq!((all.len(), distinct.len()), (pairs as usize, pairs as usize));
        }

        #[test]
        fn the_same_lines_have_the_same_outcome_and_each_is_somewhere(lines in prop::collection::vec((0..9_u8, 0..3_u8, 0..3_u8, 0..3_u8), 0..60)) {
            let lines: Vec<_> = lines.iter().map(|(event, prompt, rejected, chosen)| {
                line(&event.to_string(), &format!("p{prompt}"), &format!("t{rejected}"), &format!("t{chosen}"))
            }).collect();
            let (first, second) = (World::new().freeze(&lines), World::new().freeze(&lines));
            prop_assert_eq!((&first.entries, &first.held, &first.waiting), (&second.entries, &second.held, &second.waiting));
            prop_assert_eq!(first.learnt(&[]).to_bytes(), second.learnt(&[]).to_bytes());
        }
    }
}
