//! The pointer to the live adapter, and the rules of its moves.
//!
//! A promotion rests on a comparison: the gate found a candidate better than one incumbent. So it moves the pointer only from
//! that incumbent, and only once. A run may come late, because an operator took days to answer, or because the workflow retries
//! after a crash. It finds another adapter live, or that its own was live and was demoted, and changes nothing.
//!
//! An adapter that was trained on rolled-back data does not stay live and is not promoted, because the pointer knows the
//! rolled-back dataset versions. A run under way at that time is refused at its promotion. So no operator has to find it or stop
//! it in time.

use std::fmt;

use flywheel_base::instant::Millis;
use serde::{Deserialize, Serialize};

use super::description::{DatasetVersion, Incumbent};
use super::rolled_back::{self, RolledBack};
use super::run::RunName;
use super::sha256::Sha256Hex;

/// The pointer's object key. It is moved by conditional writes only (`If-Match`).
pub const LIVE_KEY: &str = "models/live.json";

/// The number of changes kept: years of promotions.
const MAX_CHANGES: usize = 200;

/// The live adapter, and its history. An older version of the software ignores fields that a newer one adds, because both run
/// during a deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LiveModel {
    /// The adapter; none: the bare base is served.
    pub adapter: Option<LiveAdapter>,
    /// The last changes, oldest first.
    pub changes: Vec<LiveChange>,
    /// The dataset versions that rollbacks have removed, oldest first. An adapter trained on them is not promoted.
    pub taken_back: Vec<RolledBack>,
}

/// An adapter, and its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveAdapter {
    /// Its name: that of the run that trained it.
    pub adapter: RunName,
    /// Its folder, with `/` at its end.
    pub prefix: String,
    /// The hash of its weights.
    pub sha256: Sha256Hex,
    /// The hash of its configuration.
    pub config_sha256: Sha256Hex,
    /// The base that it belongs to.
    pub base: String,
    /// The dataset version that it was trained on. A rollback finds the adapter by it.
    pub dataset: DatasetVersion,
}

/// One change of the live adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveChange {
    /// The change's number, counted from 1.
    pub number: u64,
    /// The time of the change, in milliseconds since the Unix epoch.
    pub at: Millis,
    /// The adapter that became live; none: the bare base.
    pub to: Option<LiveAdapter>,
    /// The cause.
    pub cause: LiveCause,
}

/// The cause of a change of the live adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LiveCause {
    /// The gate found it better.
    Gate,
    /// The gate left it to an operator, who promoted it.
    Review {
        /// The operator.
        who: String,
        /// The reason.
        why: String,
    },
    /// An operator moved it.
    ByHand {
        /// The operator.
        who: String,
        /// The reason.
        why: String,
    },
}

/// The reason why the live adapter stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotMoved {
    /// It is live already.
    #[error("{0} is live already")]
    AlreadyLive(String),
    /// Its incumbent is no longer live, or it was live itself and was demoted.
    #[error("{0} is superseded: what it was measured against is live no more")]
    Superseded(RunName),
    /// The dataset version that it was trained on was rolled back.
    #[error("{adapter} was trained on dataset version {version}, which was rolled back")]
    RolledBack {
        /// The adapter.
        adapter: RunName,
        /// The version.
        version: u64,
    },
    /// The history does not have it.
    #[error("{0} was never live, as far as the history goes back")]
    NeverLive(RunName),
}

impl LiveModel {
    /// Returns the pointer after a promotion of a candidate that was measured against `incumbent`.
    ///
    /// # Errors
    /// [`NotMoved::AlreadyLive`] if it is live: an earlier attempt moved the pointer and died before it reported so.
    /// [`NotMoved::RolledBack`] if its dataset version was rolled back. [`NotMoved::Superseded`] if its incumbent is no longer
    /// live, or it was live before, or the live adapter's data is newer.
    pub fn promoted(
        &self,
        candidate: LiveAdapter,
        incumbent: Option<&Incumbent>,
        cause: LiveCause,
        now: Millis,
    ) -> Result<Self, NotMoved> {
        if self.adapter.as_ref() == Some(&candidate) {
            return Err(NotMoved::AlreadyLive(candidate.adapter.to_string()));
        }
        if self.is_taken_back(&candidate) {
            let LiveAdapter { adapter, dataset: DatasetVersion { version, .. }, .. } = candidate;
            return Err(NotMoved::RolledBack { adapter, version });
        }
        let was_live = self.changes.iter().any(|change| change.adapter() == Some(&candidate.adapter));
        let is_newer = self.adapter.as_ref().is_none_or(|live| live.dataset.version <= candidate.dataset.version);
        if was_live || !is_newer || self.incumbent().as_ref() != incumbent {
            return Err(NotMoved::Superseded(candidate.adapter));
        }
        Ok(self.moved(Some(candidate), cause, now))
    }

    /// Returns the pointer after a demotion by hand: to an adapter that was live before, or, without one, to the bare base.
    ///
    /// # Errors
    /// If that is live already, or never was.
    pub fn demoted(&self, to: Option<&RunName>, who: &str, why: &str, now: Millis) -> Result<Self, NotMoved> {
        if self.adapter.as_ref().map(|live| &live.adapter) == to {
            return Err(NotMoved::AlreadyLive(to.map_or_else(|| "the bare base".to_owned(), RunName::to_string)));
        }
        let before = |run: &RunName| {
            let found = self.changes.iter().rev().find(|change| change.adapter() == Some(run));
            found.and_then(|change| change.to.clone()).ok_or_else(|| NotMoved::NeverLive(run.clone()))
        };
        let to = to.map(before).transpose()?;
        Ok(self.moved(to, LiveCause::ByHand { who: who.to_owned(), why: why.to_owned() }, now))
    }

    /// Returns the pointer after rollbacks of the dataset. It remembers them, and demotes an adapter that was trained on versions
    /// they removed. `None` if it knew all of them, so that the call is idempotent.
    ///
    /// Only rollbacks that are new to it move the live adapter. An operator may restore an adapter that a rollback demoted, as
    /// after an undone rollback. Neither that rollback, reported again, nor a later one of other versions demotes it a second
    /// time.
    #[must_use]
    pub fn rolled_back(&self, rollbacks: &[RolledBack], who: &str, why: &str, now: Millis) -> Option<Self> {
        let is_new = |rollback: &&RolledBack| !rolled_back::cover(&self.taken_back, **rollback);
        let new: Vec<_> = rollbacks.iter().filter(is_new).copied().collect();
        if new.is_empty() {
            return None;
        }
        let taken_back =
            new.iter().fold(self.taken_back.clone(), |ranges, rollback| rolled_back::with(&ranges, *rollback));
        let knowing = Self { taken_back, ..self.clone() };
        let is_concerned = |live: &LiveAdapter| new.iter().any(|rollback| rollback.has(live.dataset.version));
        if !self.adapter.as_ref().is_some_and(is_concerned) {
            return Some(knowing);
        }
        // The cause is a move by hand, because an operator rolls back, and because older versions of the software have to be able
        // to read it.
        let cause = LiveCause::ByHand { who: who.to_owned(), why: why.to_owned() };
        Some(knowing.moved(knowing.last_sound(), cause, now))
    }

    /// Returns the incumbent of a candidate: the live adapter.
    #[must_use]
    pub fn incumbent(&self) -> Option<Incumbent> {
        let LiveAdapter { adapter, prefix, sha256, config_sha256, .. } = self.adapter.clone()?;
        Some(Incumbent { adapter, prefix, sha256, config_sha256 })
    }

    fn is_taken_back(&self, adapter: &LiveAdapter) -> bool {
        self.taken_back.iter().any(|range| range.has(adapter.dataset.version))
    }

    /// Returns the last live adapter whose dataset version was not rolled back; the bare base if the history has none.
    ///
    /// An operator who restored an adapter skipped everything newer that was live before. Those are no way back either, even if
    /// the restored adapter is not sound.
    fn last_sound(&self) -> Option<LiveAdapter> {
        let mut newest = u64::MAX;
        for LiveChange { to, cause, .. } in self.changes.iter().rev() {
            let adapter = to.as_ref()?;
            let version = adapter.dataset.version;
            if version <= newest && !self.is_taken_back(adapter) {
                return Some(adapter.clone());
            }
            if matches!(cause, LiveCause::ByHand { .. }) {
                newest = newest.min(version);
            }
        }
        None
    }

    fn moved(&self, to: Option<LiveAdapter>, cause: LiveCause, now: Millis) -> Self {
        let number = 1 + self.changes.last().map_or(0, |change| change.number);
        let mut changes = self.changes.clone();
        changes.push(LiveChange { number, at: now, to: to.clone(), cause });
        changes.drain(..changes.len().saturating_sub(MAX_CHANGES));
        Self { adapter: to, changes, taken_back: self.taken_back.clone() }
    }
}

impl LiveChange {
    fn adapter(&self) -> Option<&RunName> {
        self.to.as_ref().map(|adapter| &adapter.adapter)
    }
}

impl fmt::Display for LiveAdapter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (base {}, dataset version {})", self.adapter, self.base, self.dataset.version)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn adapter(number: u64) -> LiveAdapter {
        LiveAdapter {
            adapter: format!("run-{number}").parse().unwrap(),
            prefix: format!("runs/run-{number}/output/"),
            sha256: Sha256Hex::of(&number.to_le_bytes()),
            config_sha256: Sha256Hex::of(b""),
            base: "tiny".to_owned(),
            dataset: DatasetVersion { version: number, digest: None },
        }
    }

    fn promote(live: &LiveModel, number: u64, incumbent: Option<&Incumbent>) -> Result<LiveModel, NotMoved> {
        live.promoted(adapter(number), incumbent, LiveCause::Gate, number)
    }

    fn name(number: u64) -> RunName {
        adapter(number).adapter
    }

    #[test]
    fn a_candidate_takes_the_place_of_what_it_was_measured_against_and_of_nothing_else() {
        let bare = LiveModel::default();
        let first = promote(&bare, 1, None).unwrap();
        assert_eq!(first.adapter, Some(adapter(1)));
        let second = promote(&first, 2, first.incumbent().as_ref()).unwrap();
        assert_eq!(second.changes.iter().map(|change| change.number).collect::<Vec<_>>(), [1, 2]);
        // It was measured against the bare base, while another run was promoted.
        assert_eq!(promote(&second, 3, None), Err(NotMoved::Superseded(name(3))));
        assert_eq!(promote(&second, 3, first.incumbent().as_ref()), Err(NotMoved::Superseded(name(3))));
        // It was trained on less than the live adapter.
        assert_eq!(promote(&second, 0, second.incumbent().as_ref()), Err(NotMoved::Superseded(name(0))));
    }

    #[test]
    fn asked_again_it_changes_nothing() {
        let first = promote(&LiveModel::default(), 1, None).unwrap();
        assert_eq!(promote(&first, 1, None), Err(NotMoved::AlreadyLive("run-1".to_owned())));
        // It stays superseded even after an operator restores the state that it was measured in.
        let back = first.demoted(None, "kim", "it rambles", 5).unwrap();
        assert_eq!((back.adapter.clone(), back.incumbent()), (None, None));
        assert_eq!(promote(&back, 1, None), Err(NotMoved::Superseded(name(1))));
    }

    #[test]
    fn a_person_puts_back_what_was_live() {
        let first = promote(&LiveModel::default(), 1, None).unwrap();
        let second = promote(&first, 2, first.incumbent().as_ref()).unwrap();
        let back = second.demoted(Some(&name(1)), "kim", "it rambles", 5).unwrap();
        assert_eq!(back.adapter, Some(adapter(1)));
        let cause = LiveCause::ByHand { who: "kim".to_owned(), why: "it rambles".to_owned() };
        assert_eq!(back.changes.last().map(|change| (change.number, &change.cause)), Some((3, &cause)));
        assert_eq!(back.demoted(Some(&name(1)), "kim", "", 6), Err(NotMoved::AlreadyLive("run-1".to_owned())));
        assert_eq!(back.demoted(Some(&name(9)), "kim", "", 6), Err(NotMoved::NeverLive(name(9))));
        assert_eq!(
            LiveModel::default().demoted(None, "kim", "", 6).unwrap_err().to_string(),
            "the bare base is live already"
        );
        // An operator may go forward again, too.
        assert_eq!(back.demoted(Some(&name(2)), "kim", "", 7).unwrap().adapter, Some(adapter(2)));
    }

    /// Rolls back from the newest version, `below - 1`, to version `above`.
    fn roll_back(live: &LiveModel, above: u64, below: u64) -> Option<LiveModel> {
        live.rolled_back(&[RolledBack { above, below }], "kim", "poisoned", 9)
    }

    fn live_version(live: &LiveModel) -> Option<u64> {
        live.adapter.as_ref().map(|adapter| adapter.dataset.version)
    }

    /// Returns a pointer with adapters of these versions, each promoted over the one before.
    fn promoted(versions: &[u64]) -> LiveModel {
        let next = |live: LiveModel, version: &u64| promote(&live, *version, live.incumbent().as_ref()).unwrap();
        versions.iter().fold(LiveModel::default(), next)
    }

    #[test]
    fn what_was_trained_on_what_is_rolled_back_is_live_no_more() {
        let back = roll_back(&promoted(&[1, 2, 4]), 1, 6).unwrap();
        assert_eq!((back.adapter.as_ref(), back.changes.len()), (Some(&adapter(1)), 4));
        let cause = LiveCause::ByHand { who: "kim".to_owned(), why: "poisoned".to_owned() };
        assert_eq!((&back.changes[3].cause, back.changes[3].at, back.changes[3].number), (&cause, 9, 4));
        assert_eq!(back.taken_back, [RolledBack { above: 1, below: 6 }]);
        assert_eq!(roll_back(&back, 1, 6), None, "twice is once");
        // Where no other adapter was live, the bare base is.
        assert_eq!(live_version(&roll_back(&promoted(&[2, 4]), 1, 6).unwrap()), None);
        // An older adapter stays, and so does one of the rollback's own version.
        for sound in [1, 6] {
            let kept = roll_back(&promoted(&[sound]), 1, 6).unwrap();
            assert_eq!((live_version(&kept), kept.changes.len(), kept.taken_back.len()), (Some(sound), 1, 1));
        }
    }

    #[test]
    fn a_run_on_what_was_rolled_back_never_becomes_live() {
        let taken_back = |version| Err(NotMoved::RolledBack { adapter: name(version), version });
        let back = roll_back(&promoted(&[1]), 1, 4).unwrap();
        assert_eq!(promote(&back, 3, back.incumbent().as_ref()), taken_back(3));
        assert_eq!(promote(&back, 2, None), taken_back(2), "whatever it was measured against");
        assert_eq!(live_version(&promote(&back, 4, back.incumbent().as_ref()).unwrap()), Some(4));
        // Nor does one that was live and was demoted.
        let back = roll_back(&promoted(&[1, 3]), 1, 4).unwrap();
        assert_eq!(promote(&back, 3, back.incumbent().as_ref()), taken_back(3));
        assert_eq!(
            promote(&back, 3, None).unwrap_err().to_string(),
            "run-3 was trained on dataset version 3, which was rolled back"
        );
    }

    #[test]
    fn an_undone_rollback_brings_nothing_back_but_a_person_may() {
        let back = roll_back(&promoted(&[1, 3]), 1, 5).unwrap();
        let undone = roll_back(&back, 4, 6).unwrap();
        assert_eq!(live_version(&undone), Some(1));
        assert!(matches!(promote(&undone, 3, undone.incumbent().as_ref()), Err(NotMoved::RolledBack { .. })));
        let by_hand = undone.demoted(Some(&name(3)), "kim", "it was fine", 7).unwrap();
        assert_eq!((live_version(&by_hand), &by_hand.taken_back), (Some(3), &undone.taken_back));
        // Neither that rollback, reported again, nor one of other versions demotes it; one of that very version does.
        assert_eq!(roll_back(&by_hand, 1, 5).or(roll_back(&by_hand, 4, 6)), None);
        assert_eq!(live_version(&roll_back(&by_hand, 7, 9).unwrap()), Some(3));
        assert_eq!(live_version(&roll_back(&by_hand, 2, 9).unwrap()), Some(1));
    }

    #[test]
    fn what_a_person_put_back_is_not_jumped_over() {
        // From 3 back to 2; then 2 goes as well.
        let by_hand = promoted(&[1, 2, 3]).demoted(Some(&name(2)), "kim", "", 5).unwrap();
        assert_eq!(live_version(&roll_back(&by_hand, 1, 4).unwrap()), Some(1));
        // To the bare base, which comes back when the next adapter is demoted.
        let bare = promoted(&[1, 2]).demoted(None, "kim", "", 5).unwrap();
        let next = promote(&bare, 5, None).unwrap();
        assert_eq!(live_version(&roll_back(&next, 4, 7).unwrap()), None);
        // From 5 back to 2, which an older rollback had removed; then 6 was promoted. A rollback of 6 does not restore 5, though
        // only 2 and 6 were rolled back, but the adapter live before both.
        let knowing = roll_back(&promoted(&[1, 2]), 1, 4).unwrap();
        let over = promote(&knowing, 5, knowing.incumbent().as_ref()).unwrap();
        let by_hand = over.demoted(Some(&name(2)), "kim", "", 5).unwrap();
        let next = promote(&by_hand, 6, by_hand.incumbent().as_ref()).unwrap();
        assert_eq!(live_version(&roll_back(&next, 5, 8).unwrap()), Some(1));
    }

    #[derive(Debug, Clone)]
    enum Act {
        Promote(u64),
        Demote(Option<u64>),
        RollBack(u64),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            3 => (0_u64..3).prop_map(Act::Promote),
            1 => proptest::option::of(1_u64..30).prop_map(Act::Demote),
            1 => (0_u64..30).prop_map(Act::RollBack),
        ]
    }

    proptest! {
        /// Each action makes a version of the dataset. Promotions are of runs on it, or on a slightly older one.
        #[test]
        fn only_a_hand_makes_live_what_was_rolled_back(acts in proptest::collection::vec(act(), 1..40)) {
            let (mut live, mut gone) = (LiveModel::default(), BTreeSet::new());
            for (newest, act) in (1_u64..).zip(acts) {
                let before = live.clone();
                match act {
                    Act::Promote(late) => {
                        let version = newest.saturating_sub(late);
                        if let Ok(next) = promote(&live, version, live.incumbent().as_ref()) {
                            prop_assert!(!gone.contains(&version));
                            live = next;
                        }
                    }
                    Act::Demote(to) => live = live.demoted(to.map(name).as_ref(), "kim", "", 5).unwrap_or(live),
                    Act::RollBack(to) if to < newest => {
                        live = roll_back(&live, to, newest).unwrap_or(live);
                        gone.extend(to + 1..newest);
                        prop_assert_eq!(roll_back(&live, to, newest), None, "twice is once");
                        let moved = live.changes.len() > before.changes.len();
                        prop_assert_eq!(moved, live_version(&before).is_some_and(|version| version > to && version < newest));
                        if moved {
                            let now = live_version(&live);
                            prop_assert!(now.is_none_or(|version| !gone.contains(&version)), "{:?}", live);
                            prop_assert!(now < live_version(&before), "it only ever goes back");
                        }
                    }
                    Act::RollBack(_) => {}
                }
                prop_assert!(gone.iter().all(|version| live.is_taken_back(&adapter(*version))), "none is forgotten");
            }
        }
    }

    #[test]
    fn the_history_is_bounded_and_numbers_go_on() {
        let live = (1..=300)
            .fold(LiveModel::default(), |live, number| promote(&live, number, live.incumbent().as_ref()).unwrap());
        assert_eq!((live.changes.len(), live.changes[0].number, live.changes[199].number), (200, 101, 300));
    }

    #[test]
    fn it_is_read_as_it_was_written_and_what_was_added_later_is_passed_over() {
        let live = roll_back(&promoted(&[1]), 4, 7).unwrap();
        let json = serde_json::to_string(&live).unwrap();
        let later = json.replacen('{', r#"{"added_later":1,"#, 1);
        assert_eq!(serde_json::from_str::<LiveModel>(&later).unwrap(), live);
        assert_eq!(serde_json::from_str::<LiveModel>("{}").unwrap(), LiveModel::default());
    }
}
