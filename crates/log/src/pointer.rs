//! The pointer: the one small object of state outside the log.

use flywheel_base::instant::{Millis, month};
use serde::{Deserialize, Serialize};

use crate::breadth::{Breadth, Goal};
use crate::watermark::Watermark;

/// The pointer's object key. It is moved by conditional writes only (`If-Match`), so one of two writers learns that the state it
/// acted on is outdated.
pub const POINTER_KEY: &str = "state/pointer.json";

/// The pointer: how far the log is frozen, and the number of the next crossing. An older version of the software ignores fields
/// that a newer one adds, because both run during a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The number of the next crossing of the threshold. Each freeze raises it by one.
    pub crossing: u64,
    /// Net-new pairs that are frozen and have not led to a training run. Earlier crossings left them over, because they shrank
    /// below the threshold once duplicates were removed.
    pub carried_over: u64,
    /// The contributors and prompts of those pairs.
    #[serde(default)]
    pub breadth: Breadth,
    /// The training runs so far, as cooldown and budget need them.
    #[serde(default)]
    pub trainings: Trainings,
    /// The watermark of the log.
    pub watermark: Watermark,
    /// The report of the last freeze. It is the answer if its crossing is asked for again.
    pub last_freeze: Option<FreezeReport>,
}

impl Default for Pointer {
    fn default() -> Self {
        Self {
            crossing: 1,
            carried_over: 0,
            breadth: Breadth::default(),
            trainings: Trainings::default(),
            watermark: Watermark::default(),
            last_freeze: None,
        }
    }
}

/// The training runs that freezes have led to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trainings {
    /// The time at which the last one became due.
    pub last_at: Option<Millis>,
    /// The calendar month of that time, such as `2026-11`.
    pub month: String,
    /// The number of runs that became due in that month.
    pub runs: u64,
}

impl Trainings {
    fn after(&self, now: Millis) -> Self {
        let month = month(now);
        let runs = 1 + if self.month == month { self.runs } else { 0 };
        Self { last_at: Some(now), month, runs }
    }
}

/// The report of one freeze. The workflow goes on with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeReport {
    /// The crossing that was frozen.
    pub crossing: u64,
    /// The dataset version to train on: the one that the freeze committed, or a later one that an operator made.
    pub version: u64,
    /// Pairs that this version has and the one before lacks.
    pub rows: u64,
    /// Lines that were left out because their pair or event is in this version or an earlier one already.
    pub duplicates: u64,
    /// Pairs that were left out as near duplicates.
    #[serde(default)]
    pub near_duplicates: u64,
    /// Lines that were left out because their output has a later text, or their user withdrew them.
    #[serde(default)]
    pub superseded: u64,
    /// Pairs of the version before that this one lacks: their users revised or withdrew them.
    #[serde(default)]
    pub revised: u64,
    /// Pairs that the audit or the circuit breaker quarantined.
    #[serde(default)]
    pub held: u64,
    /// Pairs that are over a cap, and wait for a later version.
    #[serde(default)]
    pub waiting: u64,
    /// Parts that were consumed.
    pub parts: u64,
    /// Net-new pairs since the last training run: `rows` and those carried over.
    pub net_new: u64,
    /// `true` if that is enough to train on.
    pub trainable: bool,
    /// The threshold that the freeze was asked for. (Reports from before it was kept have none.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u64>,
}

/// The change that an operator's version makes to the pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amended {
    /// The dataset version that was committed.
    pub version: u64,
    /// Its pairs that the last trained version lacks.
    pub net_new: u64,
    /// The contributors and prompts of those pairs.
    pub breadth: Breadth,
    /// `true` if the training that the last freeze led to is, or was, due.
    pub trainable: bool,
}

/// The result of a freeze, before it is recorded in the pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The dataset version that was committed.
    pub version: u64,
    /// Pairs that it adds.
    pub rows: u64,
    /// Lines that were left out as duplicates.
    pub duplicates: u64,
    /// Pairs that were left out as near duplicates.
    pub near_duplicates: u64,
    /// Lines that were left out as superseded.
    pub superseded: u64,
    /// Rows that were removed as revised.
    pub revised: u64,
    /// Pairs that the audit or the circuit breaker quarantined.
    pub held: u64,
    /// Pairs that wait after this version, new and old.
    pub waiting: u64,
    /// Parts that were consumed.
    pub parts: u64,
    /// The contributors and prompts of the pairs that it adds and of those carried over.
    pub breadth: Breadth,
    /// `true` unless the circuit breaker forbids training.
    pub may_train: bool,
}

impl Pointer {
    /// Returns `true` if a training became due with the last freeze.
    #[must_use]
    pub fn is_training_due(&self) -> bool {
        self.last_freeze.as_ref().is_some_and(|freeze| freeze.trainable)
    }

    /// Returns the pointer after a freeze.
    ///
    /// A crossing that shrank below the goal trains nothing and blocks nothing. Its pairs are carried over, and the next crossing
    /// is reached when they and new pairs together meet the goal.
    #[must_use]
    pub fn after_freeze(&self, frozen: Frozen, goal: &Goal, watermark: Watermark, now: Millis) -> Self {
        let net_new = self.carried_over + frozen.rows;
        let trainable = frozen.may_train && goal.is_reached(net_new, &frozen.breadth);
        let report = FreezeReport {
            crossing: self.crossing,
            version: frozen.version,
            rows: frozen.rows,
            duplicates: frozen.duplicates,
            near_duplicates: frozen.near_duplicates,
            superseded: frozen.superseded,
            revised: frozen.revised,
            held: frozen.held,
            waiting: frozen.waiting,
            parts: frozen.parts,
            net_new,
            trainable,
            threshold: Some(goal.threshold),
        };
        Self {
            crossing: self.crossing + 1,
            carried_over: if trainable { 0 } else { net_new },
            breadth: if trainable { Breadth::default() } else { frozen.breadth },
            trainings: if trainable { self.trainings.after(now) } else { self.trainings.clone() },
            watermark,
            last_freeze: Some(report),
        }
    }

    /// Returns the dataset version that the pointer stands at. A version above it is one whose maker died before it moved the
    /// pointer.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.last_freeze.as_ref().map_or(0, |freeze| freeze.version)
    }

    /// Returns the pointer after an operator's version. It stays at the same crossing, because such a version consumes nothing.
    ///
    /// The last freeze's report names this version from then on, so that a retry trains on it. If that freeze is undone, the
    /// report is not trainable any more. Past training runs stay counted.
    #[must_use]
    pub fn after_amendment(&self, amended: Amended) -> Self {
        let Amended { version, net_new, breadth, trainable } = amended;
        let last_freeze = self.last_freeze.clone().map(|report| FreezeReport { version, trainable, ..report });
        Self { carried_over: net_new, breadth, last_freeze, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_795_342_830_007;
    const GOAL: Goal = Goal { threshold: 100, min_contributors: 0, min_prompts: 0 };

    fn frozen(rows: u64) -> Frozen {
        let breadth = Breadth::default();
        Frozen {
            version: 4,
            rows,
            duplicates: 2,
            near_duplicates: 0,
            superseded: 0,
            revised: 0,
            held: 0,
            waiting: 0,
            parts: 3,
            breadth,
            may_train: true,
        }
    }

    fn after(pointer: &Pointer, frozen: Frozen, goal: &Goal) -> Pointer {
        pointer.after_freeze(frozen, goal, Watermark::default(), NOW)
    }

    #[test]
    fn enough_pairs_are_trained_on_and_not_carried_over() {
        let pointer = after(&Pointer::default(), frozen(100), &GOAL);
        assert_eq!((pointer.crossing, pointer.carried_over), (2, 0));
        assert!(pointer.last_freeze.unwrap().trainable);
    }

    #[test]
    fn a_crossing_that_shrank_is_carried_over_to_the_next() {
        let pointer = after(&Pointer::default(), frozen(70), &GOAL);
        assert_eq!((pointer.crossing, pointer.carried_over), (2, 70));
        assert_eq!(pointer.trainings, Trainings::default());
        let pointer = after(&pointer, frozen(30), &GOAL);
        let report = pointer.last_freeze.unwrap();
        assert_eq!((report.crossing, report.net_new, report.trainable), (2, 100, true));
        assert_eq!(pointer.carried_over, 0);
    }

    #[test]
    fn pairs_of_too_few_people_or_behind_an_open_breaker_are_carried_over_however_many() {
        let goal = Goal { min_contributors: 2, ..GOAL };
        let mut breadth = Breadth::default();
        breadth.add(&goal, Some("a"), "p");
        let pointer = after(&Pointer::default(), Frozen { breadth: breadth.clone(), ..frozen(100) }, &goal);
        assert_eq!((pointer.carried_over, &pointer.breadth), (100, &breadth));
        breadth.add(&goal, Some("b"), "p");
        let shut = after(&pointer, Frozen { breadth: breadth.clone(), may_train: false, ..frozen(1) }, &goal);
        assert_eq!(shut.carried_over, 101);
        let pointer = after(&pointer, Frozen { breadth, ..frozen(1) }, &goal);
        assert_eq!((pointer.carried_over, &pointer.breadth), (0, &Breadth::default()));
    }

    #[test]
    fn trainings_are_counted_by_the_month() {
        let once = after(&Pointer::default(), frozen(100), &GOAL);
        let twice = after(&once, frozen(100), &GOAL);
        let expected = Trainings { last_at: Some(NOW), month: "2026-11".to_owned(), runs: 2 };
        assert_eq!(twice.trainings, expected);
        let later = twice.after_freeze(frozen(100), &GOAL, Watermark::default(), NOW + 31 * 86_400_000);
        assert_eq!((later.trainings.month.as_str(), later.trainings.runs), ("2026-12", 1));
    }

    #[test]
    fn a_version_on_top_is_what_is_trained_on_next_and_belongs_to_no_new_crossing() {
        let trained = after(&Pointer::default(), frozen(100), &GOAL);
        let amended = |trainable| Amended { version: 5, net_new: 7, breadth: Breadth::default(), trainable };
        let excluded = trained.after_amendment(amended(true));
        assert_eq!((excluded.crossing, excluded.carried_over, excluded.version()), (2, 7, 5));
        assert!(excluded.last_freeze.as_ref().is_some_and(|report| report.trainable && report.rows == 100));
        let undone = trained.after_amendment(amended(false));
        assert_eq!((undone.version(), undone.last_freeze.unwrap().trainable), (5, false));
        assert_eq!(undone.trainings, trained.trainings);
    }

    #[test]
    fn a_pointer_that_an_earlier_version_wrote_is_read() {
        let stored = r#"{"crossing":3,"carried_over":7,"watermark":{"settled_before":0,"consumed":[]},"last_freeze":
            {"crossing":2,"version":2,"rows":7,"duplicates":0,"parts":1,"net_new":7,"trainable":false}}"#;
        let pointer: Pointer = serde_json::from_str(stored).unwrap();
        let report = pointer.last_freeze.unwrap();
        assert_eq!((pointer.crossing, pointer.carried_over, report.held, report.near_duplicates), (3, 7, 0, 0));
    }
}
