//! Freezes into a real Delta table in a folder, from a lake in memory: duplicates, races, crashes and damage.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use flywheel_base::{Route, instant::Millis};
use flywheel_curation::{Batch, Curator};
use flywheel_dataset::{DatasetRules, Newcomers, Pair, SplitSalt, audit};
use flywheel_freeze::{FreezeError, FreezeRequest, Freezer};
use flywheel_lake::{
    Fault, LoadBreaker as _, LoadPointer as _, LoadedBreaker, MemoryLake, MoveBreaker as _, WritePart as _,
};
use flywheel_log::{Breaker, BreakerBounds, BreakerState, FreezeReport, Goal, PartName, Pointer};
use flywheel_policy::Policy;
use flywheel_table::{Dataset as _, DatasetError, DeltaDataset, Loaded, Records};
use futures::future::join_all;
use serde_json::json;
use tempfile::TempDir;

use std::collections::HashSet;

const NOW: Millis = 1_795_342_830_007;
const GOAL: Goal = Goal { threshold: 3, min_contributors: 0, min_prompts: 0 };
const BOUNDS: BreakerBounds = BreakerBounds {
    min_events: 4,
    quarantined_above: 0.5,
    contributor_above: 1.0,
    burst_above: 1.0,
    drift_above: 1.0,
    half_open_after_hours: 24,
    sample_pairs: 2,
};

/// The prefix of the ids of events that curation quarantined.
const OTHERS: &str = "quarantined-";

/// A lake and the folder of its dataset.
struct World {
    lake: MemoryLake,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { lake: MemoryLake::default(), folder: TempDir::new().unwrap() }
    }

    fn dataset(&self) -> DeltaDataset {
        DeltaDataset::at(url::Url::from_directory_path(self.folder.path()).unwrap())
    }

    fn freezer(&self) -> Freezer<MemoryLake, DeltaDataset> {
        Freezer::new(self.lake.clone(), self.dataset(), DatasetRules::default(), BOUNDS, || NOW)
    }

    async fn freeze(&self, crossing: u64) -> Result<FreezeReport, FreezeError> {
        self.freezer().freeze(FreezeRequest { crossing, goal: GOAL }).await
    }

    /// Writes a part with an edit for each id. The text depends on the id's first letter.
    async fn curate(&self, written_at: Millis, ids: &[&str]) {
        let curator = Curator::new(Policy::default(), None);
        let mut batch = Batch::default();
        for id in ids {
            let edited = format!("one {} three", &id[..1]);
            let message = json!({"event_id": id, "thread_id": id, "prompt": "p\u{2028}\0", "original_llm_output": "one two three", "final_user_edit": edited});
            batch.add(curator.curate(&message.to_string(), written_at).unwrap(), ());
        }
        self.lake.set_clock(written_at);
        for part in batch.into_parts(written_at) {
            assert_eq!(part.route, Route::Gold);
            self.lake.write_part(&part.name.key(part.route), part.body).await.unwrap();
        }
    }

    /// Writes a part with so many edits of each contributor, each of another output.
    async fn curate_by(&self, written_at: Millis, contributors: &[(&String, u32)]) {
        let curator = Curator::new(Policy::default(), None);
        let mut batch = Batch::default();
        for (contributor, edits) in contributors {
            for n in 0..*edits {
                let text = |word: &str| format!("one two {word} four five {n}");
                let word = format!("zor{}{}blax", char::from(b'a' + n as u8), &contributor[..1]);
                let message = json!({"event_id": format!("{contributor}-{written_at}-{n}"), "contributor": contributor,
                                     "ingest_key": "shop", "prompt": format!("question {n} {written_at} {contributor}"),
                                     "original_llm_output": text("three"), "final_user_edit": text(&word)});
                batch.add(curator.curate(&message.to_string(), written_at).unwrap(), ());
            }
        }
        self.lake.set_clock(written_at);
        for part in batch.into_parts(written_at) {
            assert_eq!(part.route, Route::Gold);
            self.lake.write_part(&part.name.key(part.route), part.body).await.unwrap();
        }
    }

    /// Writes a part with this many edits of different outputs that all bring the same word.
    async fn campaign(&self, written_at: Millis, pairs: u32) {
        let curator = Curator::new(Policy::default(), None);
        let mut batch = Batch::default();
        for n in 0..pairs {
            let text = |word: &str| format!("one two {word} four five {n}");
            let message = json!({"event_id": format!("z{n}"), "prompt": format!("question {n}"),
                                 "original_llm_output": text("three"), "final_user_edit": text("zorblax")});
            batch.add(curator.curate(&message.to_string(), written_at).unwrap(), ());
        }
        self.lake.set_clock(written_at);
        for part in batch.into_parts(written_at) {
            assert_eq!(part.route, Route::Gold);
            self.lake.write_part(&part.name.key(part.route), part.body).await.unwrap();
        }
    }

    /// Quarantines this many events at the given time, as curation does.
    async fn quarantine(&self, written_at: Millis, rows: u64) {
        let part = PartName { written_at, digest: "1".repeat(32), rows };
        let line = |n: u64| format!("{{\"event_id\":\"{OTHERS}{written_at}-{n}\"}}\n");
        self.lake.write_part(&part.key(Route::Quarantine), (0..rows).map(line).collect()).await.unwrap();
    }

    async fn breaker(&self) -> LoadedBreaker {
        self.lake.load_breaker().await.unwrap()
    }

    async fn move_breaker(&self, to: impl Fn(&Breaker) -> Breaker) {
        let loaded = self.breaker().await;
        self.lake.move_breaker(&loaded, &to(&loaded.breaker)).await.unwrap();
    }

    /// Returns the events that freezes quarantined, each with its reasons.
    fn held(&self) -> Vec<(String, serde_json::Value)> {
        let objects = self.lake.objects();
        let bodies = objects.iter().filter(|(key, _)| key.contains("route=quarantine")).map(|(_, body)| body);
        let text: String = bodies.map(|body| String::from_utf8(body.clone()).unwrap()).collect();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let held = lines.map(|line| (line["event_id"].as_str().unwrap().to_owned(), line["reasons"].clone()));
        held.filter(|(event, _)| !event.starts_with(OTHERS)).collect()
    }

    async fn pointer(&self) -> Pointer {
        self.lake.load_pointer().await.unwrap().pointer
    }

    /// Returns the table's newest version.
    async fn version(&self) -> u64 {
        self.dataset().load().await.unwrap().version
    }
}

fn numbers(report: &FreezeReport) -> (u64, u64, u64, u64, bool) {
    (report.rows, report.duplicates, report.parts, report.net_new, report.trainable)
}

#[tokio::test]
async fn pending_parts_become_one_version() {
    let world = World::new();
    world.curate(NOW, &["a1", "b1"]).await;
    world.curate(NOW + 1, &["c1"]).await;
    let report = world.freeze(1).await.unwrap();
    assert_eq!((report.crossing, report.version, numbers(&report)), (1, 1, (3, 0, 2, 3, true)));
    assert_eq!(world.version().await, 1);
    let pointer = world.pointer().await;
    assert_eq!((pointer.crossing, pointer.last_freeze), (2, Some(report)));
}

#[tokio::test]
async fn asked_again_it_answers_the_same_and_commits_nothing() {
    let world = World::new();
    world.curate(NOW, &["a1", "b1", "c1"]).await;
    let report = world.freeze(1).await.unwrap();
    world.curate(NOW + 1, &["d1"]).await;
    assert_eq!(world.freeze(1).await.unwrap(), report);
    assert_eq!(world.version().await, 1);
}

#[tokio::test]
async fn a_pair_enters_once_over_all_versions() {
    let world = World::new();
    // The same pair by two events, and the same event twice, in one part and in two.
    world.curate(NOW, &["a1", "a2", "b1"]).await;
    world.curate(NOW + 1, &["a1", "b1"]).await;
    assert_eq!(numbers(&world.freeze(1).await.unwrap()), (2, 3, 2, 2, false));
    world.curate(NOW + 2, &["a3", "b1", "c1"]).await;
    // They were too few for a training the first time, so they are carried over.
    assert_eq!(numbers(&world.freeze(2).await.unwrap()), (1, 2, 1, 3, true));
    assert_eq!(world.pointer().await.carried_over, 0);
}

#[tokio::test]
async fn a_crossing_of_duplicates_only_is_a_version_without_new_pairs() {
    let world = World::new();
    world.curate(NOW, &["a1", "b1", "c1"]).await;
    world.freeze(1).await.unwrap();
    world.curate(NOW + 1, &["a2", "b2", "c2"]).await;
    let report = world.freeze(2).await.unwrap();
    assert_eq!((report.version, numbers(&report)), (2, (0, 3, 1, 0, false)));
    assert_eq!(world.version().await, 2);
}

#[tokio::test]
async fn only_the_crossing_that_the_lake_stands_at_is_frozen() {
    let world = World::new();
    for crossing in [0, 2] {
        assert!(matches!(world.freeze(crossing).await, Err(FreezeError::StaleCrossing { current: 1, .. })));
    }
    world.freeze(1).await.unwrap();
    world.freeze(2).await.unwrap();
    assert!(matches!(world.freeze(1).await, Err(FreezeError::StaleCrossing { asked: 1, current: 3 })));
}

#[tokio::test]
async fn freezes_at_once_commit_once() {
    let world = World::new();
    world.curate(NOW, &["a1", "b1", "c1"]).await;
    let reports = join_all((0..4).map(|_| world.freeze(1))).await;
    for report in reports {
        assert_eq!(numbers(&report.unwrap()), (3, 0, 1, 3, true));
    }
    assert_eq!(world.version().await, 1);
}

#[tokio::test]
async fn a_death_between_the_commit_and_the_pointer_is_repaired() {
    for fault in [Fault::Refused, Fault::AnswerLost] {
        let world = World::new();
        world.curate(NOW, &["a1", "b1", "c1"]).await;
        world.lake.fail_next_write("pointer", fault);
        assert!(matches!(world.freeze(1).await, Err(FreezeError::Lake(_))));
        // A part that arrives in between belongs to the next crossing.
        world.curate(NOW + 1, &["d1"]).await;
        let report = world.freeze(1).await.unwrap();
        assert_eq!((world.version().await, numbers(&report)), (1, (3, 0, 1, 3, true)), "{fault:?}");
        assert_eq!(numbers(&world.freeze(2).await.unwrap()), (1, 0, 1, 1, false));
    }
}

#[tokio::test]
async fn what_one_freeze_cannot_hold_is_left_to_the_next() {
    let world = World::new();
    for (minute, id) in (0..).zip(["a1", "b1", "c1"]) {
        world.curate(NOW + minute * 60_000, &[id]).await;
    }
    let freezer = world.freezer().with_max_bytes(1);
    let mut reports = Vec::new();
    for crossing in 1..=3 {
        reports.push(numbers(&freezer.freeze(FreezeRequest { crossing, goal: GOAL }).await.unwrap()));
    }
    assert_eq!(reports, [(1, 0, 1, 1, false), (1, 0, 1, 2, false), (1, 0, 1, 3, true)]);
}

#[tokio::test]
async fn a_damaged_part_stops_the_freeze_and_changes_nothing() {
    let world = World::new();
    world.curate(NOW, &["a1"]).await;
    let damaged = PartName { written_at: NOW + 1, digest: "0".repeat(32), rows: 2 };
    world.lake.write_part(&damaged.key(Route::Gold), "{\"pair_id\":\"p\"".to_owned()).await.unwrap();
    assert!(matches!(world.freeze(1).await, Err(FreezeError::CorruptPart(_))));
    assert_eq!(world.pointer().await, Pointer::default());
}

#[tokio::test]
async fn a_line_without_the_columns_is_not_committed() {
    let world = World::new();
    let part = PartName { written_at: NOW, digest: "0".repeat(32), rows: 1 };
    let line = "{\"pair_id\":\"p\",\"event_id\":\"e\",\"prompt\":7}\n";
    world.lake.write_part(&part.key(Route::Gold), line.to_owned()).await.unwrap();
    assert!(world.freeze(1).await.is_err());
    assert_eq!((world.pointer().await, world.version().await), (Pointer::default(), 0));
}

#[tokio::test]
async fn of_two_commits_on_one_version_one_is_refused() {
    let world = World::new();
    let (first, second) = (world.dataset(), world.dataset());
    let records = Records { pointer: Pointer::default(), version: None };
    let Loaded { snapshot: ours, version, .. } = first.load().await.unwrap();
    let theirs = second.load().await.unwrap().snapshot;
    assert_eq!(version, 0);
    first.commit(ours, Vec::new(), &HashSet::new(), |_| records.clone()).await.unwrap();
    assert!(matches!(
        second.commit(theirs, Vec::new(), &HashSet::new(), |_| records).await,
        Err(DatasetError::Conflict)
    ));
    assert_eq!(world.version().await, 1);
}

#[tokio::test]
async fn a_loaded_dataset_has_its_last_records_and_newcomers_meet_its_pairs() {
    let world = World::new();
    world.curate(NOW, &["a1", "b1"]).await;
    world.freeze(1).await.unwrap();
    let loaded = world.dataset().load().await.unwrap();
    let Records { pointer, version } = loaded.last_freeze.unwrap();
    assert_eq!(pointer, world.pointer().await);
    let version = version.unwrap();
    assert_eq!((version.version, version.counts.entered, version.consumed.parts), (1, 2, 1));
    version.check(None).unwrap();
    let mut newcomers = Newcomers::new(&DatasetRules::default());
    let lines = world.lake.objects().into_values().map(|body| String::from_utf8(body).unwrap());
    let lines: Vec<_> = lines.flat_map(|body| body.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let pairs: Vec<_> = lines.iter().filter_map(|line| Pair::read(line)).collect();
    let added = pairs.len();
    pairs.into_iter().for_each(|pair| newcomers.add(pair));
    world.dataset().deduplicate(&loaded.snapshot, &mut newcomers).await.unwrap();
    let audited = audit(newcomers, Default::default(), &DatasetRules::default(), &SplitSalt::new([0; 16]));
    assert_eq!((added, audited.duplicates), (2, 2));
}

fn open(breaker: &Breaker) -> Breaker {
    breaker.opened_by_hand("kim", "a campaign", NOW).unwrap()
}

fn reason() -> serde_json::Value {
    json!(["breaker_open"])
}

#[tokio::test]
async fn a_window_beyond_the_bounds_goes_to_quarantine_and_trains_nothing() {
    let world = World::new();
    world.curate(NOW, &["a1", "b1"]).await;
    world.quarantine(NOW + 1, 4).await;
    world.curate(NOW + 2, &["c1"]).await;
    // These are of another time and not of this window.
    world.quarantine(NOW + 3, 1_000).await;
    let report = world.freeze(1).await.unwrap();
    assert_eq!((numbers(&report), report.held), ((0, 0, 2, 0, false), 3));
    assert_eq!(
        world.held(),
        [("a1", reason()), ("b1", reason()), ("c1", reason())].map(|(id, why)| (id.to_owned(), why))
    );
    let breaker = world.breaker().await.breaker;
    assert_eq!((breaker.state, breaker.changes.len()), (BreakerState::Open, 1));
    // A repetition gives the same answer and quarantines nothing twice.
    assert_eq!((world.freeze(1).await.unwrap(), world.held().len()), (report, 3));
}

#[tokio::test]
async fn a_window_that_is_sound_without_one_contributor_holds_that_ones_edits_and_trains_on_the_others() {
    let world = World::new();
    let [eve, kim, lee] = ["e", "a", "b"].map(|digit| digit.repeat(32));
    let bounds = BreakerBounds { contributor_above: 0.5, ..BOUNDS };
    let freeze = |crossing| {
        let freezer = Freezer::new(world.lake.clone(), world.dataset(), DatasetRules::default(), bounds, || NOW);
        async move { freezer.freeze(FreezeRequest { crossing, goal: GOAL }).await.unwrap() }
    };
    world.curate_by(NOW, &[(&eve, 6), (&kim, 2), (&lee, 2)]).await;
    let report = freeze(1).await;
    assert_eq!((report.rows, report.held, report.trainable), (4, 6, true));
    let breaker = world.breaker().await.breaker;
    assert_eq!((breaker.state, breaker.is_open_for_all()), (BreakerState::Open, false));
    assert_eq!(breaker.senders[0].sender.contributor.as_ref(), Some(&eve), "it names the contributor");
    assert!(world.held().iter().all(|(id, why)| id.starts_with(&eve) && *why == reason()));
    world.curate_by(NOW + 1, &[(&eve, 1), (&kim, 1)]).await;
    let report = freeze(2).await;
    assert_eq!((report.rows, report.held), (1, 1));
    assert_eq!(world.held().len(), 7);
}

#[tokio::test]
async fn a_death_at_any_write_of_a_freeze_that_opens_the_breaker_is_repaired() {
    for place in ["breaker", "route=quarantine", "pointer"] {
        for fault in [Fault::Refused, Fault::AnswerLost] {
            let world = World::new();
            world.quarantine(NOW, 4).await;
            world.curate(NOW, &["a1", "b1", "c1"]).await;
            world.lake.fail_next_write(place, fault);
            assert!(world.freeze(1).await.is_err(), "{place}");
            let report = world.freeze(1).await.unwrap();
            assert_eq!((report.rows, report.held, report.trainable), (0, 3, false), "{place}, {fault:?}");
            assert_eq!((world.held().len(), world.version().await), (3, 1), "{place}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn behind_an_open_breaker_everything_is_held() {
    let world = World::new();
    world.curate(NOW, &["a1", "b1", "c1", "d1"]).await;
    world.move_breaker(open).await;
    let report = world.freeze(1).await.unwrap();
    assert_eq!((report.rows, report.held, report.trainable), (0, 4, false));
}

#[tokio::test]
async fn half_open_lets_a_sample_through_holds_what_came_before_and_leaves_the_rest() {
    let world = World::new();
    world.curate(NOW - 1, &["a1", "b1", "c1"]).await;
    world.move_breaker(|breaker| Breaker { half_open_at: Some(NOW), ..open(breaker) }).await;
    world.move_breaker(|breaker| breaker.after_time(NOW).unwrap()).await;
    world.curate(NOW + 1, &["d1", "e1"]).await;
    world.curate(NOW + 2, &["f1", "g1"]).await;
    let report = world.freeze(1).await.unwrap();
    assert_eq!((numbers(&report), report.held), ((2, 0, 2, 2, false), 3));
    assert_eq!(world.breaker().await.breaker.state, BreakerState::Closed);
    // The pairs beyond the sample were not quarantined: they are pending.
    let report = world.freeze(2).await.unwrap();
    assert_eq!((numbers(&report), report.held), ((2, 0, 1, 4, true), 0));
}

#[tokio::test]
async fn a_sample_has_no_more_pairs_than_it_may_even_if_they_are_in_one_part() {
    let world = World::new();
    world.move_breaker(|breaker| Breaker { half_open_at: Some(NOW), ..open(breaker) }).await;
    world.move_breaker(|breaker| breaker.after_time(NOW).unwrap()).await;
    world.curate(NOW + 1, &["d1", "e1", "f1"]).await;
    let report = world.freeze(1).await.unwrap();
    assert_eq!((report.rows, report.held), (2, 1));
}

#[tokio::test]
async fn a_sample_that_is_not_sound_opens_it_again() {
    let world = World::new();
    world.move_breaker(|breaker| Breaker { half_open_at: Some(NOW), ..open(breaker) }).await;
    world.move_breaker(|breaker| breaker.after_time(NOW).unwrap()).await;
    world.curate(NOW + 1, &["d1", "e1"]).await;
    world.quarantine(NOW + 1, 9).await;
    let report = world.freeze(1).await.unwrap();
    assert_eq!((report.rows, report.held), (0, 2));
    assert_eq!(world.breaker().await.breaker.state, BreakerState::Open);
}

#[tokio::test]
async fn enough_pairs_of_too_few_people_are_frozen_and_wait() {
    let world = World::new();
    let goal = Goal { min_contributors: 2, ..GOAL };
    world.curate(NOW, &["a1", "b1", "c1"]).await;
    let report = world.freezer().freeze(FreezeRequest { crossing: 1, goal }).await.unwrap();
    assert_eq!((report.rows, report.net_new, report.trainable), (3, 3, false));
    assert_eq!(world.pointer().await.carried_over, 3);
}

#[tokio::test]
async fn a_burst_opens_the_breaker_and_the_rest_of_its_window_is_held_too() {
    let world = World::new();
    world.curate(NOW, &["a1", "b1", "c1", "d1"]).await;
    let bounds = BreakerBounds { burst_above: 0.5, ..BOUNDS };
    let rules = DatasetRules { burst_pairs: 5, burst_factor: 1.0, burst_small_batch: 0, ..DatasetRules::default() };
    world.campaign(NOW + 1, 5).await;
    let freezer = Freezer::new(world.lake.clone(), world.dataset(), rules, bounds, || NOW);
    let report = freezer.freeze(FreezeRequest { crossing: 1, goal: GOAL }).await.unwrap();
    assert_eq!((report.rows, report.held, report.trainable), (0, 9, false));
    let reasons: Vec<_> = world.held().into_iter().map(|(_, reasons)| reasons).collect();
    assert_eq!(reasons[..5], vec![json!(["burst"]); 5]);
    assert_eq!(reasons[5..], vec![reason(); 4]);
}

#[tokio::test]
async fn what_was_quarantined_is_counted_once_though_a_late_part_reaches_back() {
    let world = World::new();
    world.curate(NOW, &["a1", "b1", "c1"]).await;
    world.quarantine(NOW, 3).await;
    assert_eq!(world.freeze(1).await.unwrap().rows, 3);
    world.curate(NOW - 1, &["d1"]).await;
    world.curate(NOW + 1, &["e1"]).await;
    assert_eq!(world.freeze(2).await.unwrap().rows, 2);
    assert_eq!(world.breaker().await.breaker.state, BreakerState::Closed);
}
