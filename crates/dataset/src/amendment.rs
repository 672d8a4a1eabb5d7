//! Versions that operators make: a rollback restores rows of an older version; an exclusion or erasure removes rows of the
//! newest.

use std::borrow::Cow;
use std::collections::HashSet;

use chrono::DateTime;
use flywheel_base::{
    digest::{hex, id_key},
    instant::Millis,
};
use flywheel_log::{Breadth, Goal};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::background::Background;
use super::content::row_digest;
use super::gold_line::GoldLine;
use super::object::ObjectDigest;
use super::split::{Split, SplitSalt};
use super::statistics::{Statistics, Tally};
use super::waiting::WaitingPairs;

/// An operator's change to the dataset. A version that a freeze made has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    /// The kind of change.
    #[serde(flatten)]
    pub operation: Operation,
    /// The operator.
    pub by: String,
    /// The reason.
    pub why: String,
    /// The time of the change, by the operator's clock.
    pub at: Millis,
    /// Rows of the version before that this one lacks.
    pub removed: u64,
    /// Rows of this version that the one before lacks.
    pub added: u64,
    /// Pairs that waited after the version before and no longer wait.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub withdrawn: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
pub(super) fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The kinds of change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub enum Operation {
    /// A rollback: it has the rows of an older version.
    Rollback {
        /// The older version.
        to: u64,
    },
    /// It has the rows of the version before, without the selected ones.
    Exclusion(Selection),
    /// It has the rows of the version before, without one contributor's. Those are erased from the log and the table, too. It
    /// does not say whose they were.
    Erasure {
        /// The list of the objects that were replaced: a line of JSON for each, a [`ReplacedObject`].
        replaced: ObjectDigest,
    },
}

impl Operation {
    /// Returns its name, as in the records.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Rollback { .. } => "rollback",
            Self::Exclusion(_) => "exclusion",
            Self::Erasure { .. } => "erasure",
        }
    }
}

/// An object of the lake that an erasure has deleted, and its replacement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReplacedObject {
    /// The place where it was.
    pub place: Place,
    /// Its key in the lake, or its name below the table's folder.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
    /// The object without the erased lines or rows; none if nothing was left.
    pub by: Option<Replacement>,
    /// Lines or rows that were erased.
    pub erased: u64,
}

/// The place of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The log; the name is the key in the lake.
    Log,
    /// The table; the name is relative to the table's folder.
    Table,
}

/// The replacement of an erased object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Replacement {
    /// Its name, of the same form as the replaced object's.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// Lines or rows in it.
    pub rows: u64,
}

/// A selection of rows to remove: those that match every given field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// By the contributor's pseudonym.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contributor: Option<String>,
    /// Curated at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Millis>,
    /// Curated before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
    /// With this code among its tags, which name findings that passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Deserialize)]
struct Curated<'l> {
    #[serde(borrow)]
    curated_at: Cow<'l, str>,
}

impl Selection {
    /// Returns `true` if no field is given. Such a selection matches no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns `true` if a row is selected. `row` is the row as JSON, `line` the fields parsed from it.
    #[must_use]
    pub fn has(&self, row: &str, line: &GoldLine<'_>) -> bool {
        let is_theirs = self.contributor.as_deref().is_none_or(|contributor| line.contributor() == Some(contributor));
        let has_reason = self.reason.as_deref().is_none_or(|reason| line.tags.iter().any(|tag| tag == reason));
        !self.is_empty() && is_theirs && has_reason && self.is_in_window(row)
    }

    fn is_in_window(&self, row: &str) -> bool {
        if self.from.is_none() && self.until.is_none() {
            return true;
        }
        let curated = serde_json::from_str::<Curated<'_>>(row).ok();
        let at = curated.and_then(|curated| DateTime::parse_from_rfc3339(&curated.curated_at).ok());
        let at = at.and_then(|at| Millis::try_from(at.timestamp_millis()).ok());
        at.is_some_and(|at| self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until))
    }
}

/// All rows of a version, in any order.
#[derive(Debug, Default)]
pub struct RowSet {
    statistics: Tally,
    digests: Vec<[u8; 32]>,
}

impl RowSet {
    /// Counts a row.
    pub fn add(&mut self, line: &GoldLine<'_>, split: Split) {
        self.statistics.add(line, split);
        self.digests.push(row_digest(line, split));
    }

    /// Returns the digest over the rows and their statistics. The digest depends neither on the order of the rows nor on how
    /// files divide them.
    #[must_use]
    pub fn finish(mut self) -> (String, Statistics) {
        self.digests.sort_unstable();
        let mut digest = Sha256::new_with_prefix("flywheel rows 1");
        self.digests.iter().for_each(|row| digest.update(row));
        (hex(digest.finalize()), self.statistics.finish())
    }
}

/// The change that an operator's version makes to the newest one's rows.
#[derive(Debug)]
pub struct Change {
    salt: SplitSalt,
    rows: RowSet,
    background: Background,
    removed: HashSet<String>,
    added: u64,
    waiting: Vec<String>,
    withdrawn: u64,
    wait_again: u64,
}

impl Change {
    /// Starts without a row. `background` is that of the newest version.
    #[must_use]
    pub fn new(background: Background, salt: SplitSalt) -> Self {
        let rows = RowSet::default();
        let (removed, waiting) = (HashSet::new(), Vec::new());
        Self { salt, rows, background, removed, added: 0, waiting, withdrawn: 0, wait_again: 0 }
    }

    /// Computes the waiting pairs after an exclusion or an erasure: those that wait now, in order, without those that `goes`
    /// selects.
    ///
    /// # Errors
    /// The index of an invalid line.
    pub fn wait_without(&mut self, now: &[&str], goes: impl Fn(&str, &GoldLine<'_>) -> bool) -> Result<(), usize> {
        for (index, line) in now.iter().enumerate() {
            let gold = GoldLine::parse(line).ok_or(index)?;
            if goes(line, &gold) {
                self.background.withdraw(&gold);
                self.withdrawn += 1;
            } else {
                self.waiting.push((*line).to_owned());
            }
        }
        Ok(())
    }

    /// Computes the waiting pairs after a rollback, once its rows are removed and restored: the pairs that waited after the older
    /// version. Pairs that entered or were quarantined since are left out, because removed rows do not return by themselves. The
    /// pairs that came to wait since then stop waiting, and wait again if the rollback is undone.
    ///
    /// # Errors
    /// The index of an invalid line.
    pub fn wait_as(&mut self, then: &[&str], now: &[&str]) -> Result<(), usize> {
        let ids = |lines: &[&str]| -> Result<Vec<(String, String)>, usize> {
            let id = |(index, line): (usize, &&str)| {
                let gold = GoldLine::parse(line).ok_or(index)?;
                Ok((gold.pair_id.into_owned(), gold.event_id.into_owned()))
            };
            lines.iter().enumerate().map(id).collect()
        };
        let (ids_then, ids_now) = (ids(then)?, ids(now)?);
        let (waited, waits): (HashSet<_>, HashSet<_>) = (ids_then.iter().collect(), ids_now.iter().collect());
        let came_since = now.iter().zip(&ids_now).filter(|(_, id)| !waited.contains(id));
        for gold in came_since.filter_map(|(line, _)| GoldLine::parse(line)) {
            self.background.withdraw(&gold);
            self.withdrawn += 1;
        }
        for (line, id) in then.iter().zip(&ids_then) {
            let waits_now = waits.contains(id);
            if waits_now || GoldLine::parse(line).is_some_and(|gold| self.background.wait_again(&gold)) {
                self.waiting.push((*line).to_owned());
                self.wait_again += u64::from(!waits_now);
            }
        }
        Ok(())
    }

    /// Returns the object of those waiting pairs, with its body; `None` if there are none.
    #[must_use]
    pub fn waiting(&self) -> Option<(WaitingPairs, String)> {
        WaitingPairs::of(self.waiting.iter().map(String::as_str))
    }

    /// Returns the number of pairs that no longer wait.
    #[must_use]
    pub fn withdrawn(&self) -> u64 {
        self.withdrawn
    }

    /// Returns `true` if no row and no waiting pair is removed or restored.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.removed.is_empty() && (self.added, self.withdrawn, self.wait_again) == (0, 0, 0)
    }

    /// Takes a row that stays. `false`: it is an invalid row, and nothing was changed.
    #[must_use]
    pub fn keep(&mut self, row: &str) -> bool {
        let Some((line, split)) = GoldLine::parse_row(row, &self.salt) else { return false };
        self.rows.add(&line, split);
        true
    }

    /// Takes a row that is restored. `false`: it is an invalid row, and nothing was changed.
    #[must_use]
    pub fn add(&mut self, row: &str) -> bool {
        let Some((line, split)) = GoldLine::parse_row(row, &self.salt) else { return false };
        self.rows.add(&line, split);
        self.background.learn(&line);
        self.added += 1;
        true
    }

    /// Takes a row that is removed. `false`: it is an invalid row, and nothing was changed.
    #[must_use]
    pub fn remove(&mut self, row: &str) -> bool {
        let Some(line) = GoldLine::parse(row) else { return false };
        self.background.remove(&line);
        self.removed.insert(line.pair_id.into_owned());
        true
    }

    /// Returns the ids of the removed pairs.
    #[must_use]
    pub fn removed(&self) -> &HashSet<String> {
        &self.removed
    }

    /// Returns the number of restored rows.
    #[must_use]
    pub fn added(&self) -> u64 {
        self.added
    }

    /// Returns the background for the next freeze.
    #[must_use]
    pub fn background(&self) -> &Background {
        &self.background
    }

    /// Returns the digest over the rows of the new version, and their statistics.
    #[must_use]
    pub fn into_rows(self) -> (String, Statistics) {
        self.rows.finish()
    }
}

/// Counts the rows that a trained version lacks.
#[derive(Debug)]
pub struct NetNew {
    trained: HashSet<u128>,
    goal: Goal,
    pairs: u64,
    breadth: Breadth,
}

impl NetNew {
    /// Starts without a row. `before` is the breadth of the net-new pairs, so that the remaining ones are counted by the same
    /// goal.
    #[must_use]
    pub fn new(before: &Breadth) -> Self {
        Self { trained: HashSet::new(), goal: before.as_goal(), pairs: 0, breadth: Breadth::default() }
    }

    /// Takes a row of the trained version.
    pub fn trained(&mut self, pair_id: &str) {
        self.trained.insert(id_key("pair", pair_id));
    }

    /// Takes a row of the new version.
    pub fn count(&mut self, line: &GoldLine<'_>) {
        if self.trained.contains(&id_key("pair", &line.pair_id)) {
            return;
        }
        self.pairs += 1;
        self.breadth.add(&self.goal, line.contributor(), &line.prompt);
    }

    /// Returns their number and their breadth.
    #[must_use]
    pub fn finish(self) -> (u64, Breadth) {
        (self.pairs, self.breadth)
    }
}

/// Returns a short key for a pair's id, used where there are many.
#[must_use]
pub fn pair_key(pair_id: &str) -> u128 {
    id_key("pair", pair_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_event::{ScopedId, pair_id_of};
    use serde_json::json;

    fn row(number: u32, contributor: Option<&str>, curated_at: &str) -> String {
        let (prompt, chosen) = (format!("p{number}"), format!("the chosen {number}"));
        json!({"pair_id": pair_id_of(&prompt, &chosen, "r"), "event_id": number.to_string(), "prompt": prompt,
               "chosen": chosen, "rejected": "r", "similarity": 0.25, "tags": ["critical"], "reasons": [], "policy": "x",
               "contributor": contributor, "context": [], "curated_at": curated_at, "split": "train"})
        .to_string()
    }

    #[test]
    fn a_selection_takes_what_fits_all_that_is_given() {
        let noon = row(1, Some("a"), "2026-11-22T12:00:00.5Z");
        let has = |selection: Selection| selection.has(&noon, &GoldLine::parse(&noon).unwrap());
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis().cast_unsigned();
        assert!(!has(Selection::default()), "nothing is given");
        let theirs = Selection { contributor: Some("a".to_owned()), ..Selection::default() };
        assert!(has(theirs.clone()));
        assert!(!has(Selection { contributor: Some("b".to_owned()), ..Selection::default() }));
        assert!(has(Selection { reason: Some("critical".to_owned()), ..theirs.clone() }));
        assert!(!has(Selection { reason: Some("toxic".to_owned()), ..theirs.clone() }));
        assert!(has(Selection { from: Some(at("2026-11-22T12:00:00.5Z")), ..Selection::default() }));
        assert!(!has(Selection { until: Some(at("2026-11-22T12:00:00.5Z")), ..theirs }));
    }

    #[test]
    fn rows_have_one_digest_in_any_order() {
        let salt = SplitSalt::new([0; 16]);
        let rows: Vec<_> = (0..5).map(|number| row(number, None, "2026-11-22T12:00:00Z")).collect();
        let digest = |rows: &mut dyn Iterator<Item = &String>| {
            let mut change = Change::new(Background::default(), salt.clone());
            rows.for_each(|row| assert!(change.keep(row)));
            change.into_rows()
        };
        assert_eq!(digest(&mut rows.iter()), digest(&mut rows.iter().rev()));
        assert_ne!(digest(&mut rows.iter()), digest(&mut rows.iter().skip(1)));
        assert!(!Change::new(Background::default(), salt).keep("{}"));
    }

    #[test]
    fn what_goes_and_comes_back_leaves_the_phrases_as_they_were() {
        let salt = SplitSalt::new([0; 16]);
        let rows: Vec<_> = (0..4).map(|number| row(number, None, "2026-11-22T12:00:00Z")).collect();
        let mut before = Background::default();
        rows.iter().for_each(|row| before.learn(&GoldLine::parse(row).unwrap()));
        let mut change = Change::new(before.clone(), salt.clone());
        assert!(change.remove(&rows[0]) && change.remove(&rows[1]) && change.keep(&rows[2]));
        assert_eq!((change.removed().len(), change.added()), (2, 0));
        let mut back = Change::new(change.background().clone(), salt);
        assert!(back.add(&rows[0]) && back.add(&rows[1]));
        assert_eq!(back.background().pairs(), before.pairs());
    }

    #[test]
    fn what_waited_goes_and_waits_again_but_for_what_entered_since() {
        let salt = SplitSalt::new([0; 16]);
        let rows: Vec<_> = (0..5).map(|number| row(number, None, "2026-11-22T12:00:00Z")).collect();
        let lines: Vec<_> = rows.iter().map(String::as_str).collect();
        let events = |change: &Change| {
            let body = change.waiting().map(|(_, body)| body).unwrap_or_default();
            let event = |line: &str| GoldLine::parse(line).unwrap().event_id.into_owned();
            body.lines().map(event).collect::<Vec<_>>().join(" ")
        };
        let is_out =
            |change: &Change, number: &str| change.background().holds(0, ScopedId::of_event(number, None), false);
        // Then 0 to 2 waited; since then 0 has entered, and 3 and 4 came.
        let mut back = Change::new(Background::default(), salt.clone());
        assert!(back.remove(lines[0]));
        back.wait_as(&lines[..3], &lines[1..]).unwrap();
        assert_eq!((events(&back).as_str(), back.withdrawn(), back.is_none()), ("1 2", 2, false));
        assert!(is_out(&back, "0") && is_out(&back, "3") && !is_out(&back, "1"));
        let mut undone = Change::new(back.background().clone(), salt.clone());
        undone.wait_as(&lines[1..], &lines[1..3]).unwrap();
        assert_eq!((events(&undone).as_str(), undone.withdrawn(), undone.is_none()), ("1 2 3 4", 0, false));
        assert!(is_out(&undone, "0") && !is_out(&undone, "3"));
        let mut same = Change::new(undone.background().clone(), salt.clone());
        same.wait_as(&lines[1..], &lines[1..]).unwrap();
        assert!(same.is_none());
        let mut without = Change::new(Background::default(), salt);
        without.wait_without(&lines[..2], |_, line| line.event_id == "0").unwrap();
        assert_eq!((events(&without).as_str(), without.withdrawn(), is_out(&without, "0")), ("1", 1, true));
        assert_eq!(without.wait_without(&["{}"], |_, _| true), Err(0));
    }

    #[test]
    fn net_new_is_what_the_trained_version_lacks() {
        let rows: Vec<_> = (0..4).map(|n| row(n, Some(["a", "b"][n as usize % 2]), "2026-11-22T12:00:00Z")).collect();
        let goal = Goal { threshold: 1, min_contributors: 5, min_prompts: 2 };
        let mut before = Breadth::default();
        let lines: Vec<_> = rows.iter().map(|row| GoldLine::parse(row).unwrap()).collect();
        lines.iter().for_each(|line| before.add(&goal, line.contributor(), &line.prompt));
        let mut net_new = NetNew::new(&before);
        net_new.trained(&lines[0].pair_id);
        [0, 2, 3].iter().for_each(|index: &usize| net_new.count(&lines[*index]));
        let (pairs, breadth) = net_new.finish();
        assert_eq!((pairs, breadth.as_goal()), (2, before.as_goal()));
    }
}
