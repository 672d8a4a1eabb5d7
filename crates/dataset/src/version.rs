//! The record that a version carries in its commit: its origin, the lines left out with the reasons, and its statistics.
//!
//! Records are chained: each has the digest of the one before, and its own digest covers all its fields. Large parts are objects
//! of their own, and the record has their hashes. So the newest digest suffices to verify everything before it.

use std::collections::{BTreeMap, BTreeSet};

use flywheel_base::{Route, digest::FieldDigest, instant::Millis};
use flywheel_log::{DIGEST_DIGITS, PartName};
use serde::{Deserialize, Serialize};

use super::amendment::{Amendment, RowSet, is_zero};
use super::audit::Audited;
use super::bursts::Burst;
use super::caps::{Attribution, Caps};
use super::content::ContentDigest;
use super::drift::Drift;
use super::gold_line::{GoldLine, quarantined_line};
use super::hold::BatchReason;
use super::object::ObjectDigest;
use super::rules::DatasetRules;
use super::split::{Split, SplitSalt};
use super::statistics::{Statistics, Tally};
use super::waiting::WaitingPairs;

/// The engine that makes versions: the version of this crate, and a digest of the sources behind its decisions. The sources of the
/// function that reads the parts are not among them.
const ENGINE: &str = env!("FLYWHEEL_ENGINE");

/// The most bursts that a record lists. There may be more; their pairs are quarantined all the same.
const MOST_BURSTS: usize = 20;

/// The record of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// The form of this record: 1.
    pub format: u32,
    /// The version's number.
    pub version: u64,
    /// The crossing that it was frozen for.
    pub crossing: u64,
    /// The digest of the record before, whichever version that is; none in the first.
    pub previous: Option<String>,
    /// The parts of the log that went into it.
    pub consumed: Consumed,
    /// The outcome of their lines.
    pub counts: Counts,
    /// Hash of the policy's `[dataset]`.
    pub rules: String,
    /// The table's salt.
    pub salt: SplitSalt,
    /// Digest over the rows that it adds; in an operator's version, over all of its rows.
    pub content: String,
    /// The data files that they are in. If others replace them, as after a compaction, the digest of the rows still holds.
    pub files: Vec<ObjectDigest>,
    /// The pairs that it quarantines, if any.
    pub held: Option<QuarantinedPart>,
    /// The rows of the version before that leave with this one, if any: revised or withdrawn by their users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revised: Option<Revised>,
    /// The pairs that wait for a later version, if any. An operator's version has those of the version before, or fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingPairs>,
    /// The caps of this version; none in a record from before shares were of the pairs that enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caps: Option<Caps>,
    /// The ingest keys that named contributors, in this version or before, while contributors are in use.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub naming_keys: BTreeSet<String>,
    /// The background for the next freeze.
    pub background: ObjectDigest,
    /// The largest bursts.
    pub bursts: Vec<Burst>,
    /// The statistics of the rows that it adds; in an operator's version, of all its rows.
    pub statistics: Statistics,
    /// The drift from the version before; none if either has too few pairs.
    pub drift: Option<Drift>,
    /// The implications for training, and what a reader should know, as codes.
    pub implications: Vec<String>,
    /// The operator's change, if an operator made the version. (A record from before such versions keeps its digest.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amendment: Option<Amendment>,
    /// The engine that made the version: the version of this crate, and a digest of the sources behind its decisions. (A record from
    /// before engines had names keeps its digest.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Digest over all of the above.
    pub digest: String,
}

/// The parts that went into a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumed {
    /// The number of parts.
    pub parts: u64,
    /// Their lines.
    pub lines: u64,
    /// The list of them: a line of JSON for each, a [`ConsumedPart`].
    pub list: ObjectDigest,
}

/// A part that went into a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumedPart {
    /// Its key.
    pub key: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Its lines.
    pub lines: u64,
}

/// The outcome of the lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Lines that entered.
    pub entered: u64,
    /// Lines whose pair or event was seen before.
    pub duplicates: u64,
    /// Lines that repeat another pair in other words.
    pub near_duplicates: u64,
    /// Lines whose output has a later text, or whose user withdrew them. (A record from before revisions keeps its digest.)
    #[serde(default, skip_serializing_if = "is_zero")]
    pub superseded: u64,
    /// Lines that are quarantined, some for more than one reason.
    pub held: u64,
    /// Quarantined pairs by reason.
    pub held_for: BTreeMap<BatchReason, u64>,
    /// Waiting pairs by the cap that they are over.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waiting_for: BTreeMap<BatchReason, u64>,
}

/// Rows that a freeze removes, because their users revised or withdrew them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revised {
    /// The number of rows.
    pub rows: u64,
    /// The data files that replace those with the removed rows, with all their other rows.
    pub files: Vec<ObjectDigest>,
}

/// The data files of a version, as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrittenFiles {
    /// With rows that enter; in an operator's version, all.
    pub entered: Vec<ObjectDigest>,
    /// With rows that stay, rewritten without those that left.
    pub rewritten: Vec<ObjectDigest>,
}

impl From<Vec<ObjectDigest>> for WrittenFiles {
    fn from(entered: Vec<ObjectDigest>) -> Self {
        Self { entered, rewritten: Vec::new() }
    }
}

/// The part of quarantined pairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedPart {
    /// Its key in the route `quarantine`.
    pub key: String,
    /// Its lines.
    pub rows: u64,
    /// The object beside the table that it was staged in.
    pub staged: ObjectDigest,
}

/// A mismatch in a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("version {version}: {what}")]
pub struct Misfit {
    /// The version.
    pub version: u64,
    /// The part that does not match.
    pub what: String,
}

impl QuarantinedPart {
    /// Returns the part of these quarantined pairs, with its body; `None` if there are none. Its key follows from its content and
    /// from the time of the newest consumed part, so a retry makes the same key.
    #[must_use]
    pub fn of(audited: &Audited, written_at: Millis) -> Option<(Self, String)> {
        let mut body = String::new();
        for line in audited.held.iter().filter_map(|held| quarantined_line(held.line.text(), &held.holds)) {
            body.push_str(&line);
            body.push('\n');
        }
        let rows = audited.held.len() as u64;
        let staged = ObjectDigest::of("held", "jsonl", body.as_bytes());
        let digest = staged.sha256[..DIGEST_DIGITS].to_owned();
        let key = PartName { written_at, digest, rows }.key(Route::Quarantine);
        (rows > 0).then_some((Self { key, rows, staged }, body))
    }
}

impl VersionRecord {
    /// Returns the record of an audit's result.
    #[must_use]
    pub fn of(
        audited: &Audited,
        (version, crossing): (u64, u64),
        previous: Option<&Self>,
        consumed: Consumed,
        (held, background): (Option<QuarantinedPart>, ObjectDigest),
        (rules, salt): (&DatasetRules, &SplitSalt),
    ) -> Self {
        let mut content = ContentDigest::default();
        audited.entries.iter().for_each(|entry| content.add(entry.line.gold(), entry.split));
        let statistics = audited.statistics();
        let mut held_for = BTreeMap::new();
        for hold in audited.held.iter().flat_map(|held| &held.holds) {
            *held_for.entry(*hold).or_default() += 1;
        }
        let mut waiting_for = BTreeMap::new();
        audited.waiting.iter().for_each(|waiting| *waiting_for.entry(waiting.why).or_default() += 1);
        let mut implications = statistics.implications();
        if statistics.contributors > 0 && statistics.contributors < rules.min_contributors {
            let few = format!(
                "few_contributors: {} of the {} that the policy asks for",
                statistics.contributors, rules.min_contributors
            );
            implications.push(few);
        }
        let record = Self {
            format: 1,
            version,
            crossing,
            previous: previous.map(|previous| previous.digest.clone()),
            consumed,
            counts: Counts {
                entered: audited.entries.len() as u64,
                duplicates: audited.duplicates,
                near_duplicates: audited.near_duplicates,
                superseded: audited.superseded,
                held: audited.held.len() as u64,
                held_for,
                waiting_for,
            },
            rules: rules.hash(),
            salt: salt.clone(),
            content: content.finish(),
            files: Vec::new(),
            held,
            revised: (!audited.revised.is_empty())
                .then(|| Revised { rows: audited.revised.len() as u64, files: Vec::new() }),
            waiting: audited.waiting_pairs().map(|(waiting, _)| waiting),
            caps: Some(audited.caps),
            naming_keys: audited.naming_keys.clone(),
            background,
            bursts: audited.bursts.iter().take(MOST_BURSTS).copied().collect(),
            drift: previous.and_then(|previous| Drift::between(&previous.statistics, &statistics, rules)),
            statistics,
            implications,
            amendment: None,
            engine: Some(ENGINE.to_owned()),
            digest: String::new(),
        };
        Self { digest: record.own_digest(), ..record }
    }

    /// Returns the record of an operator's version. It consumes nothing and judges nothing. `rows` are the digest over all its
    /// rows and their statistics, from which the next freeze measures its drift.
    #[must_use]
    pub fn of_amendment(
        amendment: Amendment,
        (version, crossing): (u64, u64),
        previous: Option<&Self>,
        (content, statistics): (String, Statistics),
        (list, background): (ObjectDigest, ObjectDigest),
        salt: &SplitSalt,
    ) -> Self {
        let record = Self {
            format: 1,
            version,
            crossing,
            previous: previous.map(|previous| previous.digest.clone()),
            consumed: Consumed { parts: 0, lines: 0, list },
            counts: Counts::default(),
            rules: previous.map(|previous| previous.rules.clone()).unwrap_or_default(),
            salt: salt.clone(),
            content,
            files: Vec::new(),
            held: None,
            revised: None,
            waiting: previous.and_then(|previous| previous.waiting.clone()),
            caps: previous.and_then(|previous| previous.caps),
            naming_keys: previous.map(|previous| previous.naming_keys.clone()).unwrap_or_default(),
            background,
            bursts: Vec::new(),
            drift: None,
            implications: statistics.implications(),
            statistics,
            amendment: Some(amendment),
            engine: Some(ENGINE.to_owned()),
            digest: String::new(),
        };
        Self { digest: record.own_digest(), ..record }
    }

    /// Returns the record with the data files, which are written after everything else is known.
    #[must_use]
    pub fn with_files(self, files: impl Into<WrittenFiles>) -> Self {
        let WrittenFiles { entered, rewritten } = files.into();
        let revised = self.revised.clone().map(|revised| Revised { files: rewritten, ..revised });
        let record = Self { files: entered, revised, ..self };
        Self { digest: record.own_digest(), ..record }
    }

    /// Returns the record with other waiting pairs, as the operator's change leaves them.
    #[must_use]
    pub fn with_waiting(self, waiting: Option<WaitingPairs>) -> Self {
        let record = Self { waiting, ..self };
        Self { digest: record.own_digest(), ..record }
    }

    /// Returns the number of waiting pairs.
    #[must_use]
    pub fn waiting_pairs(&self) -> u64 {
        self.waiting.as_ref().map_or(0, |waiting| waiting.pairs)
    }

    /// Returns the attribution for the next version.
    #[must_use]
    pub fn attribution(&self) -> Attribution {
        let contributors = self.caps.map_or(self.statistics.contributors, |caps| caps.contributors);
        let naming = self.naming_keys.clone();
        Attribution { contributors: contributors / 2, is_used: contributors > 0, naming }
    }

    /// Returns the digest over all fields but the digest.
    fn own_digest(&self) -> String {
        let bare = Self { digest: String::new(), ..self.clone() };
        // No map has keys that are not text, so JSON can represent it; and fields keep their order.
        let json = serde_json::to_string(&bare).unwrap_or_default();
        FieldDigest::new("flywheel version 1").text(&json).hex()
    }

    /// Checks that the record is whole, and follows the one before.
    ///
    /// # Errors
    /// The first mismatch.
    pub fn check(&self, previous: Option<&Self>) -> Result<(), Misfit> {
        let misfit = |what: &str| Err(Misfit { version: self.version, what: what.to_owned() });
        if self.own_digest() != self.digest {
            return misfit("its record was changed: the digest is of another one");
        }
        if self.previous.as_ref() != previous.map(|previous| &previous.digest) {
            return misfit("its record does not follow the one before: the chain of digests is broken");
        }
        if previous.is_some_and(|previous| previous.salt != self.salt) {
            return misfit("the split's salt is not that of the version before");
        }
        // An operator's version judges no line: its waiting pairs are those left over.
        let waits = |record: &Self| if self.amendment.is_some() { 0 } else { record.waiting_pairs() };
        let offered = self.consumed.lines + previous.map_or(0, waits);
        let Counts { entered, duplicates, near_duplicates, superseded, held, .. } = self.counts;
        if entered + duplicates + near_duplicates + superseded + held + waits(self) != offered {
            return misfit("its counts do not add up to the lines that it consumed, and those that waited");
        }
        if self.held.as_ref().map_or(0, |part| part.rows) != held {
            return misfit("its part of held pairs has not as many as it counts");
        }
        Ok(())
    }

    /// Checks that rows are those of the record.
    ///
    /// # Errors
    /// The first mismatch.
    pub fn check_rows<'l>(&self, rows: impl Iterator<Item = (GoldLine<'l>, Split)>) -> Result<(), Misfit> {
        let misfit = |what: &str| Err(Misfit { version: self.version, what: what.to_owned() });
        let mut content = ContentDigest::default();
        let mut has_foreign_id = false;
        let mut tally = Tally::default();
        for (line, split) in rows {
            content.add(&line, split);
            tally.add(&line, split);
            has_foreign_id |= flywheel_event::pair_id_of(&line.prompt, &line.chosen, &line.rejected) != line.pair_id;
        }
        if has_foreign_id {
            return misfit("a row's pair_id is not the digest of its texts");
        }
        if content.finish() != self.content {
            return misfit("its rows are not those that were frozen");
        }
        if tally.finish() != self.statistics {
            return misfit("its statistics are not those of its rows");
        }
        Ok(())
    }

    /// Checks that all rows of an operator's version are those of the record.
    ///
    /// # Errors
    /// The first mismatch.
    pub fn check_all_rows(&self, rows: RowSet) -> Result<(), Misfit> {
        let misfit = |what: &str| Err(Misfit { version: self.version, what: what.to_owned() });
        let (content, statistics) = rows.finish();
        if content != self.content {
            return misfit("its rows are not those that it was made of");
        }
        if statistics != self.statistics {
            return misfit("its statistics are not those of its rows");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::amendment::Operation;
    use super::super::audit::audit;
    use super::super::background::Background;
    use super::super::newcomers::Newcomers;
    use super::super::pair::Pair;
    use super::*;
    use serde_json::json;

    fn lines(numbers: std::ops::Range<u32>) -> Vec<String> {
        let line = |n: u32| {
            let (prompt, chosen) = (format!("p{n}"), format!("c{n}"));
            let pair_id = flywheel_event::pair_id_of(&prompt, &chosen, "r");
            json!({"pair_id": pair_id, "event_id": n.to_string(), "prompt": prompt, "chosen": chosen, "rejected": "r",
                   "similarity": 0.25, "tags": [], "reasons": [], "policy": "x", "contributor": "a", "context": []})
            .to_string()
        };
        numbers.map(line).collect()
    }

    /// Returns a record: of one contributor five pairs enter, and the rest is quarantined.
    fn record(version: u64, lines: &[String], previous: Option<&VersionRecord>) -> (VersionRecord, Audited) {
        record_with(0, version, &[], lines, previous)
    }

    /// Returns a record: of one contributor five pairs enter and so many wait; the rest is quarantined. Some have waited before.
    fn record_with(
        may_wait: u64,
        version: u64,
        waited: &[String],
        lines: &[String],
        previous: Option<&VersionRecord>,
    ) -> (VersionRecord, Audited) {
        let rules = DatasetRules {
            max_pairs_per_contributor: 5,
            max_waiting_per_contributor: may_wait,
            ..DatasetRules::default()
        };
        let salt = SplitSalt::new([1; 16]);
        let mut newcomers = Newcomers::new(&rules);
        waited.iter().for_each(|line| newcomers.add_waiting(Pair::read(line).unwrap()));
        lines.iter().for_each(|line| newcomers.add(Pair::read(line).unwrap()));
        let audited = audit(newcomers, Background::default(), &rules, &salt);
        let held = QuarantinedPart::of(&audited, 1_795_342_830_007).map(|(held, _)| held);
        let consumed = Consumed { parts: 1, lines: lines.len() as u64, list: ObjectDigest::of("parts", "jsonl", b"") };
        let background = ObjectDigest::of("background", "bin", &audited.learnt(&[]).to_bytes());
        let record =
            VersionRecord::of(&audited, (version, version), previous, consumed, (held, background), (&rules, &salt));
        (record, audited)
    }

    fn rows(audited: &Audited) -> Vec<(GoldLine<'_>, Split)> {
        audited.entries.iter().map(|entry| (entry.line.gold().clone(), entry.split)).collect()
    }

    fn what(outcome: Result<(), Misfit>) -> String {
        outcome.unwrap_err().what
    }

    #[test]
    fn records_follow_one_another_and_read_back() {
        let (first, audited) = record(1, &lines(0..7), None);
        assert_eq!((first.counts.entered, first.counts.held), (5, 2));
        assert_eq!(first.counts.held_for[&BatchReason::ContributorCap], 2);
        first.check(None).unwrap();
        first.check_rows(rows(&audited).into_iter()).unwrap();
        let (second, _) = record(2, &lines(7..9), Some(&first));
        second.check(Some(&first)).unwrap();
        let json = serde_json::to_string(&second).unwrap();
        let read: VersionRecord = serde_json::from_str(&json).unwrap();
        read.check(Some(&first)).unwrap();
        assert_eq!(read, second);
        assert!(json.len() < 4_000, "{}", json.len());
    }

    /// Digests of stored records must hold for ever, also of a record from before a field existed.
    #[test]
    fn a_freezes_record_says_nothing_of_people() {
        let (first, _) = record(1, &lines(0..7), None);
        let json = serde_json::to_value(&first).unwrap();
        let columns: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = "background bursts caps consumed content counts crossing digest drift engine files format held implications \
                        previous rules salt statistics version";
        assert_eq!(columns.join(" "), expected);
    }

    #[test]
    fn a_version_that_people_make_follows_the_one_before() {
        let (first, _) = record(1, &lines(0..7), None);
        let amendment = Amendment {
            operation: Operation::Rollback { to: 1 },
            by: "kim".to_owned(),
            why: "a poisoned week".to_owned(),
            at: 7,
            removed: 3,
            added: 0,
            withdrawn: 0,
        };
        let all = lines(0..3);
        let tally = || {
            let mut tally = RowSet::default();
            all.iter().for_each(|line| tally.add(&GoldLine::parse(line).unwrap(), Split::Train));
            tally
        };
        let objects = (ObjectDigest::of("parts", "jsonl", b""), first.background.clone());
        let salt = SplitSalt::new([1; 16]);
        let second = VersionRecord::of_amendment(amendment, (2, 1), Some(&first), tally().finish(), objects, &salt);
        second.check(Some(&first)).unwrap();
        second.check_all_rows(tally()).unwrap();
        let json = serde_json::to_value(&second).unwrap();
        assert_eq!((&json["amendment"]["operation"], &json["amendment"]["to"]), (&json!("rollback"), &json!(1)));
        let read: VersionRecord = serde_json::from_value(json).unwrap();
        read.check(Some(&first)).unwrap();
        let mut other = tally();
        other.add(&GoldLine::parse(&lines(9..10)[0]).unwrap(), Split::Train);
        assert!(what(second.check_all_rows(other)).contains("rows are not"));
    }

    #[test]
    fn what_waits_is_counted_until_it_enters() {
        let (first, audited) = record_with(9, 1, &[], &lines(0..7), None);
        first.check(None).unwrap();
        assert_eq!((first.counts.entered, first.waiting_pairs(), &first.held), (5, 2, &None));
        assert_eq!(first.counts.waiting_for[&BatchReason::ContributorCap], 2);
        let waited: Vec<_> = audited.waiting.iter().map(|pair| pair.line.text().to_owned()).collect();
        let (second, _) = record_with(9, 2, &waited, &lines(7..9), Some(&first));
        second.check(Some(&first)).unwrap();
        assert_eq!((second.counts.entered, &second.waiting), (4, &None));
        // Forgotten or invented pairs would show.
        let (forgotten, _) = record_with(9, 2, &[], &lines(7..9), Some(&first));
        assert!(what(forgotten.check(Some(&first))).contains("add up"));
        let none = first.clone().with_waiting(None);
        assert!(what(none.check(None)).contains("add up"));
        let (unasked, _) = record_with(9, 2, &waited, &lines(7..9), Some(&none));
        assert!(what(unasked.check(Some(&none))).contains("add up"));
    }

    #[test]
    fn a_record_from_before_pairs_waited_is_as_it_was() {
        let (first, _) = record(1, &lines(0..5), None);
        let before = VersionRecord { caps: None, ..first };
        let before = VersionRecord { digest: before.own_digest(), ..before };
        let json = serde_json::to_string(&before).unwrap();
        assert!(!json.contains("waiting") && !json.contains("caps") && !json.contains("withdrawn"), "{json}");
        let read: VersionRecord = serde_json::from_str(&json).unwrap();
        read.check(None).unwrap();
        assert_eq!(read.attribution(), Attribution { contributors: 0, is_used: true, ..Attribution::default() });
        let (second, _) = record(2, &lines(5..6), Some(&before));
        second.check(Some(&before)).unwrap();
    }

    #[test]
    fn what_was_changed_is_named() {
        let (first, audited) = record(1, &lines(0..7), None);
        let (second, _) = record(2, &lines(7..9), Some(&first));
        let changed = VersionRecord { crossing: 9, ..first.clone() };
        assert!(what(changed.check(None)).contains("record was changed"));
        let (other, _) = record(1, &lines(1..8), None);
        assert!(what(second.check(Some(&other))).contains("chain"));
        assert!(what(second.check(None)).contains("chain"));
        let mut wrong = first.clone();
        wrong.counts.duplicates = 1;
        wrong.digest = wrong.own_digest();
        assert!(what(wrong.check(None)).contains("add up"));
        let mut changed = rows(&audited);
        changed[0].0.chosen = "other".into();
        assert!(what(first.check_rows(changed.into_iter())).contains("pair_id"));
        let mut missing = rows(&audited);
        missing.pop();
        assert!(what(first.check_rows(missing.into_iter())).contains("rows are not"));
        let mut moved = rows(&audited);
        moved[0].1 = if moved[0].1 == Split::Train { Split::HeldOut } else { Split::Train };
        assert!(what(first.check_rows(moved.into_iter())).contains("rows are not"));
    }

    #[test]
    fn a_part_of_held_pairs_is_named_after_what_is_in_it() {
        let (first, _) = record(1, &lines(0..7), None);
        let held = first.held.unwrap();
        let name = PartName::of_key(&held.key, Route::Quarantine).unwrap();
        assert_eq!(
            (name.rows, name.written_at, &held.staged.sha256[..32]),
            (2, 1_795_342_830_007, name.digest.as_str())
        );
        assert_eq!(held.staged.name, format!("_flywheel/held/{}.jsonl", held.staged.sha256));
    }
}
