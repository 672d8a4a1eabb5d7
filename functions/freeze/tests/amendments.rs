//! Versions by operators between those by freezes: rollbacks and exclusions, in races and after crashes, and verified.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use flywheel_base::instant::Millis;
use flywheel_curation::{Batch, Curator};
use flywheel_dataset::{DatasetRules, GoldLine, Operation, Selection};
use flywheel_event::ContributorKey;
use flywheel_freeze::{FreezeError, FreezeRequest, Freezer};
use flywheel_lake::{Fault, LoadPointer as _, MemoryLake, MovePointer as _, WritePart as _};
use flywheel_log::{BreakerBounds, FreezeReport, Goal, Pointer};
use flywheel_operator::{AmendError, Amender, NewVersion, Request, Wish};
use flywheel_policy::Policy;
use flywheel_table::{Amendable as _, Dataset as _, DeltaDataset, Verified, verify};
use serde_json::json;
use tempfile::TempDir;
use url::Url;

const NOW: Millis = 1_795_342_830_007;
const DAY: Millis = 24 * 60 * 60 * 1000;

/// Built once: its patterns take a while to compile.
static CURATOR: LazyLock<Curator> = LazyLock::new(|| Curator::new(Policy::default(), ContributorKey::new("key")));

struct World {
    lake: MemoryLake,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { lake: MemoryLake::default(), folder: TempDir::new().unwrap() }
    }

    fn dataset(&self) -> DeltaDataset {
        DeltaDataset::at(Url::from_directory_path(self.folder.path()).unwrap())
    }

    async fn freeze(&self, crossing: u64, threshold: u64) -> Result<FreezeReport, FreezeError> {
        self.freeze_with(100, crossing, threshold).await
    }

    /// Freezes with a cap of `most` pairs for a contributor; the rest waits.
    async fn freeze_with(&self, most: u64, crossing: u64, threshold: u64) -> Result<FreezeReport, FreezeError> {
        let rules = DatasetRules { max_pairs_per_contributor: most, ..DatasetRules::default() };
        let freezer = Freezer::new(self.lake.clone(), self.dataset(), rules, BreakerBounds::default(), || NOW);
        freezer.freeze(FreezeRequest { crossing, goal: Goal { threshold, min_contributors: 2, min_prompts: 0 } }).await
    }

    /// Writes a part of different edits by one contributor. An event may repeat another one's pair.
    async fn curate_as(&self, written_at: Millis, contributor: &str, events: &[(&str, u32)]) {
        let mut batch = Batch::default();
        for (event_id, n) in events {
            let (prompt, chosen) = (format!("question {n}"), format!("answer{n} of x{n} y{n}"));
            let message = json!({"event_id": event_id, "prompt": prompt, "original_llm_output": "an answer of two words",
                                 "final_user_edit": chosen, "contributor_id": contributor});
            batch.add(CURATOR.curate(&message.to_string(), written_at).unwrap(), ());
        }
        self.lake.set_clock(written_at);
        for part in batch.into_parts(written_at) {
            self.lake.write_part(&part.name.key(part.route), part.body).await.unwrap();
        }
    }

    async fn curate(&self, written_at: Millis, contributor: &str, numbers: std::ops::Range<u32>) {
        let ids: Vec<_> = numbers.clone().map(|n| format!("e{n}")).collect();
        let events: Vec<_> = ids.iter().map(String::as_str).zip(numbers).collect();
        self.curate_as(written_at, contributor, &events).await;
    }

    async fn amend(&self, wish: Wish) -> Result<Option<NewVersion>, AmendError> {
        Amender::new(&self.lake, &self.dataset(), || NOW).amend(&request(wish)).await
    }

    /// Returns the events of a version's rows; by default of the newest.
    async fn events(&self, version: Option<u64>) -> BTreeSet<String> {
        let snapshot = self.dataset().open_version(version).await.unwrap().unwrap();
        let mut events = BTreeSet::new();
        let see = |row: &str| assert!(events.insert(GoldLine::parse(row).unwrap().event_id.into_owned()));
        self.dataset().each_row(&snapshot, see).await.unwrap();
        events
    }

    /// Returns the events that wait after the newest version.
    async fn waiting(&self) -> Vec<String> {
        let loaded = self.dataset().load().await.unwrap();
        let Some(waiting) = loaded.last_freeze.unwrap().version.unwrap().waiting else { return Vec::new() };
        let body =
            String::from_utf8(self.dataset().get_object(&loaded.snapshot, &waiting.object).await.unwrap()).unwrap();
        body.lines().map(|line| GoldLine::parse(line).unwrap().event_id.into_owned()).collect()
    }

    async fn pointer(&self) -> Pointer {
        self.lake.load_pointer().await.unwrap().pointer
    }

    async fn verify(&self) -> Result<Verified, String> {
        verify(&self.dataset(), &self.lake, |_, _| ()).await.map_err(|error| error.to_string())
    }

    /// Version 1: three of alice's pairs, trained on. Version 2: four of mallory's, too few to train on. Version 3: two of bob's.
    async fn three_versions() -> Self {
        let world = Self::new();
        world.curate(NOW, "alice", 0..3).await;
        world.curate(NOW + 1, "bob", 3..4).await;
        assert!(world.freeze(1, 4).await.unwrap().trainable);
        world.curate(NOW + DAY, "mallory", 10..14).await;
        assert_eq!(world.freeze(2, 5).await.unwrap().net_new, 4);
        world.curate(NOW + 2 * DAY, "bob", 20..22).await;
        assert_eq!(world.freeze(3, 100).await.unwrap().net_new, 6);
        world
    }
}

fn request(wish: Wish) -> Request {
    Request { wish, by: "kim".to_owned(), why: "a poisoned week".to_owned() }
}

fn by(contributor: &str) -> Wish {
    let contributor = ContributorKey::new("key").unwrap().pseudonym(contributor);
    Wish::Exclude(Selection { contributor: Some(contributor), ..Selection::default() })
}

fn ids(numbers: impl IntoIterator<Item = u32>) -> BTreeSet<String> {
    numbers.into_iter().map(|n| format!("e{n}")).collect()
}

#[tokio::test]
async fn a_rollback_is_a_version_on_top_with_the_rows_and_counts_of_the_old_one() {
    let world = World::three_versions().await;
    let dataset = world.dataset();
    let planned =
        Amender::new(&world.lake, &dataset, || NOW).plan(&request(Wish::RollBackTo(2))).await.unwrap().unwrap();
    assert_eq!((planned.record.version, planned.removed.len()), (4, 2));
    assert_eq!(world.dataset().open_version(None).await.unwrap().unwrap().number(), 3, "a plan changes nothing");

    let made = world.amend(Wish::RollBackTo(2)).await.unwrap().unwrap();
    // A commit of its own, version 4, allowed the table to remove rows.
    let amendment = made.record.amendment.clone().unwrap();
    assert_eq!((made.record.version, amendment.removed, amendment.added), (5, 2, 0));
    assert_eq!((amendment.operation, amendment.by.as_str()), (Operation::Rollback { to: 2 }, "kim"));
    assert_eq!(world.events(None).await, ids((0..4).chain(10..14)));
    assert_eq!(world.events(Some(3)).await, ids((0..4).chain(10..14).chain(20..22)), "older versions are as they were");
    let pointer = world.pointer().await;
    assert_eq!((pointer.crossing, pointer.carried_over, pointer.version()), (4, 4, 5));
    assert_eq!(world.amend(Wish::RollBackTo(2)).await.unwrap(), None, "twice is once");
    let verified = world.verify().await.unwrap();
    assert_eq!((verified.versions, verified.amended, verified.rows), (4, 1, 10));
}

#[tokio::test]
async fn a_rollback_is_undone_by_another_one() {
    let world = World::three_versions().await;
    let before = world.pointer().await;
    world.amend(Wish::RollBackTo(1)).await.unwrap().unwrap();
    assert_eq!((world.events(None).await, world.pointer().await.carried_over), (ids(0..4), 0));
    let back = world.amend(Wish::RollBackTo(3)).await.unwrap().unwrap().record;
    assert_eq!(back.amendment.unwrap().added, 6);
    assert_eq!(world.events(None).await, world.events(Some(3)).await);
    let pointer = world.pointer().await;
    assert_eq!((pointer.carried_over, &pointer.breadth, pointer.version()), (6, &before.breadth, 6));
    assert_eq!(world.verify().await.unwrap().amended, 2);
}

#[tokio::test]
async fn a_rollback_behind_the_training_that_a_freeze_made_due_undoes_that_too() {
    let world = World::three_versions().await;
    world.curate(NOW + 3 * DAY, "bob", 30..31).await;
    let trained = world.freeze(4, 7).await.unwrap();
    assert!(trained.trainable);
    // After an exclusion the training is still due: another attempt trains on the exclusion's version.
    world.amend(by("mallory")).await.unwrap().unwrap();
    let report = world.freeze(4, 7).await.unwrap();
    assert_eq!((report.version, report.trainable), (6, true));
    world.amend(Wish::RollBackTo(3)).await.unwrap().unwrap();
    let report = world.freeze(4, 7).await.unwrap();
    assert_eq!((report.version, report.trainable, world.pointer().await.carried_over), (7, false, 6));
    world.amend(Wish::RollBackTo(4)).await.unwrap().unwrap();
    assert!(!world.freeze(4, 7).await.unwrap().trainable, "its run may have ended by now");
    world.verify().await.unwrap();
}

#[tokio::test]
async fn what_was_rolled_back_does_not_come_back_by_itself_and_may_come_anew() {
    let world = World::three_versions().await;
    world.amend(Wish::RollBackTo(1)).await.unwrap().unwrap();
    // One of them is redelivered; another event brings the pair of another one.
    world.curate_as(NOW + 3 * DAY, "mallory", &[("e10", 10)]).await;
    world.curate_as(NOW + 3 * DAY + 1, "carol", &[("other", 11)]).await;
    let report = world.freeze(4, 100).await.unwrap();
    assert_eq!((report.rows, report.duplicates), (1, 1));
    let mut expected = ids(0..4);
    expected.insert("other".to_owned());
    assert_eq!(world.events(None).await, expected);
    world.verify().await.unwrap();
}

#[tokio::test]
async fn an_exclusion_takes_out_what_is_selected_and_counts_what_is_left() {
    let world = World::three_versions().await;
    let made = world.amend(by("mallory")).await.unwrap().unwrap();
    assert_eq!(made.removed.len(), 4);
    assert_eq!(world.events(None).await, ids((0..4).chain(20..22)));
    let pointer = world.pointer().await;
    assert_eq!((pointer.carried_over, pointer.breadth.as_goal().min_contributors), (2, 1));
    assert_eq!(world.amend(by("mallory")).await.unwrap(), None);
    // One of alice's pairs is excluded, too, and bob's first is in the same file.
    let tuesday = Selection { from: Some(NOW + 1), until: Some(NOW + DAY), ..Selection::default() };
    world.amend(Wish::Exclude(tuesday)).await.unwrap().unwrap();
    assert_eq!(world.events(None).await, ids((0..3).chain(20..22)));
    // Later pairs are judged like those of any contributor.
    world.curate(NOW + 3 * DAY, "mallory", 30..32).await;
    assert_eq!(world.freeze(4, 100).await.unwrap().rows, 2);
    assert_eq!(world.pointer().await.carried_over, 4);
    let verified = world.verify().await.unwrap();
    assert_eq!((verified.versions, verified.amended), (6, 2));
}

#[tokio::test]
async fn an_exclusion_takes_what_waits_and_undone_it_waits_again() {
    let world = World::new();
    world.curate(NOW, "mallory", 10..14).await;
    world.curate(NOW + 1, "bob", 20..22).await;
    assert_eq!(world.freeze_with(1, 1, 100).await.unwrap().waiting, 4);
    let amendment = world.amend(by("mallory")).await.unwrap().unwrap().record.amendment.unwrap();
    assert_eq!((amendment.removed, amendment.withdrawn), (1, 3));
    assert_eq!((world.events(None).await, world.waiting().await), (ids([20]), vec!["e21".to_owned()]));
    assert_eq!(world.amend(by("mallory")).await.unwrap(), None, "twice is once");
    // A redelivery brings none of it back.
    world.curate(NOW + 2, "mallory", 12..13).await;
    let report = world.freeze_with(1, 2, 100).await.unwrap();
    assert_eq!((report.rows, report.duplicates, world.waiting().await), (1, 1, Vec::new()));
    world.amend(Wish::RollBackTo(1)).await.unwrap().unwrap();
    assert_eq!((world.events(None).await, world.waiting().await.join(" ")), (ids([10, 20]), "e11 e12 e13".to_owned()));
    assert_eq!(world.freeze_with(1, 3, 100).await.unwrap().rows, 1);
    assert_eq!(world.events(None).await, ids([10, 11, 20]));
    world.verify().await.unwrap();
}

#[tokio::test]
async fn an_exclusion_of_nothing_but_what_waits_is_a_version() {
    let world = World::new();
    world.curate(NOW, "mallory", 0..1).await;
    world.curate(NOW + DAY, "mallory", 1..4).await;
    world.freeze_with(1, 1, 100).await.unwrap();
    let today = Selection { from: Some(NOW + DAY), ..Selection::default() };
    let amendment = world.amend(Wish::Exclude(today)).await.unwrap().unwrap().record.amendment.unwrap();
    assert_eq!((amendment.removed, amendment.withdrawn), (0, 3));
    assert_eq!((world.events(None).await, world.waiting().await), (ids([0]), Vec::new()));
    assert_eq!(world.verify().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn a_rollback_gives_back_what_waited_then_and_has_not_entered_since() {
    let world = World::new();
    world.curate(NOW, "mallory", 0..4).await;
    world.freeze_with(1, 1, 100).await.unwrap();
    world.curate(NOW + 1, "mallory", 4..6).await;
    world.freeze_with(1, 2, 100).await.unwrap();
    assert_eq!(world.waiting().await.join(" "), "e2 e3 e4 e5");
    let amendment = world.amend(Wish::RollBackTo(1)).await.unwrap().unwrap().record.amendment.unwrap();
    assert_eq!((amendment.removed, amendment.withdrawn), (1, 2));
    assert_eq!((world.events(None).await, world.waiting().await.join(" ")), (ids([0]), "e2 e3".to_owned()));
    assert_eq!(world.amend(Wish::RollBackTo(1)).await.unwrap(), None, "twice is once");
    world.freeze_with(1, 3, 100).await.unwrap();
    assert_eq!((world.events(None).await, world.waiting().await.join(" ")), (ids([0, 2]), "e3".to_owned()));
    // After the undo, waiting pairs wait again, and a pair that entered in between leaves and does not wait.
    world.amend(Wish::RollBackTo(2)).await.unwrap().unwrap();
    assert_eq!((world.events(None).await, world.waiting().await.join(" ")), (ids([0, 1]), "e3 e4 e5".to_owned()));
    assert_eq!(world.verify().await.unwrap().waiting, 3);
    // Before the first version, nothing waits.
    world.amend(Wish::RollBackTo(0)).await.unwrap().unwrap();
    assert_eq!((world.events(None).await.len(), world.waiting().await), (0, Vec::new()));
    world.verify().await.unwrap();
}

#[tokio::test]
async fn a_death_after_the_commit_is_repaired_by_whoever_comes_next() {
    for fault in [Fault::Refused, Fault::AnswerLost] {
        let world = World::three_versions().await;
        world.lake.fail_next_write("pointer", fault);
        assert!(matches!(world.amend(by("mallory")).await, Err(AmendError::Lake(_))));
        world.curate(NOW + 3 * DAY, "carol", 40..41).await;
        let report = world.freeze(4, 100).await.unwrap();
        assert_eq!((report.rows, report.net_new), (1, 3), "the counts are those without mallory's");
        assert_eq!(world.pointer().await.crossing, 5);
        world.verify().await.unwrap();
    }
}

#[tokio::test]
async fn a_freeze_that_died_is_finished_before_anything_is_put_on_top() {
    let world = World::three_versions().await;
    world.curate(NOW + 3 * DAY, "mallory", 40..41).await;
    world.lake.fail_next_write("pointer", Fault::Refused);
    world.freeze(4, 100).await.unwrap_err();
    world.amend(by("mallory")).await.unwrap().unwrap();
    let pointer = world.pointer().await;
    assert_eq!((pointer.crossing, pointer.carried_over, pointer.version()), (5, 2, 6));
    assert_eq!(world.events(None).await, ids((0..4).chain(20..22)));
    world.verify().await.unwrap();
}

#[tokio::test]
async fn people_and_freezes_at_once_come_one_after_the_other() {
    let world = World::three_versions().await;
    world.curate(NOW + 3 * DAY, "mallory", 40..43).await;
    let (frozen, excluded, rolled_back) =
        tokio::join!(world.freeze(4, 100), world.amend(by("mallory")), world.amend(Wish::RollBackTo(3)));
    assert_eq!(frozen.unwrap().rows, 3);
    excluded.unwrap().unwrap();
    rolled_back.unwrap();
    let verified = world.verify().await.unwrap();
    let newest = world.dataset().load().await.unwrap();
    assert_eq!(newest.last_freeze.unwrap().pointer, world.pointer().await);
    assert!(verified.versions >= 5, "{verified:?}");
}

#[tokio::test]
async fn there_is_nothing_to_change_where_there_is_nothing() {
    let world = World::new();
    assert!(matches!(world.amend(by("mallory")).await, Err(AmendError::NoDataset)));
    assert_eq!(std::fs::read_dir(world.folder.path()).unwrap().count(), 0);
    let world = World::three_versions().await;
    let missing = world.amend(Wish::RollBackTo(4)).await;
    assert!(matches!(missing, Err(AmendError::NoSuchVersion { asked: 4, newest: 3 })));
    assert_eq!(world.amend(Wish::RollBackTo(3)).await.unwrap(), None);
    assert_eq!(world.amend(Wish::Exclude(Selection::default())).await.unwrap(), None);
    assert_eq!(world.dataset().load().await.unwrap().version, 3, "nothing was committed");
    world.amend(Wish::RollBackTo(0)).await.unwrap().unwrap();
    assert!(world.events(None).await.is_empty());
    assert_eq!(world.pointer().await.carried_over, 0);
}

#[tokio::test]
async fn a_version_that_was_lost_stops_everybody_and_a_pointer_that_was_lost_nobody() {
    let world = World::three_versions().await;
    let lost = world.folder.path().join("_delta_log/00000000000000000003.json");
    std::fs::remove_file(&lost).unwrap();
    world.curate(NOW + 3 * DAY, "carol", 40..41).await;
    let error = world.freeze(4, 100).await.unwrap_err().to_string();
    assert!(error.contains("version 3 is missing, the newest one is 2"), "{error}");
    let error = world.amend(by("mallory")).await.unwrap_err().to_string();
    assert!(error.contains("version 3 is missing"), "{error}");
    // If it cannot be restored, a lost pointer is set back to the newest version's, and its parts are pending again.
    let pointer = world.lake.load_pointer().await.unwrap();
    let at = world.dataset().load().await.unwrap().last_freeze.unwrap().pointer;
    world.lake.move_pointer(&pointer, &at).await.unwrap();
    assert_eq!(world.freeze(3, 100).await.unwrap().rows, 3);
    assert_eq!(world.events(None).await, ids((0..4).chain(10..14).chain(20..22).chain(40..41)));
    world.verify().await.unwrap();
}

/// A compaction by a tool without records does this.
#[tokio::test]
async fn the_same_rows_in_other_files_need_no_record() {
    let world = World::three_versions().await;
    let log = world.folder.path().join("_delta_log");
    let commit = std::fs::read_to_string(log.join("00000000000000000002.json")).unwrap();
    let add = commit.lines().find(|line| line.contains("\"add\"")).unwrap();
    let add: serde_json::Value = serde_json::from_str(add).unwrap();
    let name = add["add"]["path"].as_str().unwrap();
    std::fs::copy(world.folder.path().join(name), world.folder.path().join("compacted.parquet")).unwrap();
    let mut compacted = add.clone();
    compacted["add"]["path"] = json!("compacted.parquet");
    compacted["add"]["dataChange"] = json!(false);
    let remove = json!({"remove": {"path": name, "dataChange": false, "deletionTimestamp": NOW}});
    std::fs::write(log.join("00000000000000000004.json"), format!("{remove}\n{compacted}\n")).unwrap();
    assert_eq!(world.verify().await.unwrap().versions, 3);
    world.amend(by("mallory")).await.unwrap().unwrap();
    assert_eq!(world.events(None).await, ids((0..4).chain(20..22)));
    world.amend(Wish::RollBackTo(3)).await.unwrap().unwrap();
    assert_eq!(world.events(None).await, ids((0..4).chain(10..14).chain(20..22)));
    world.verify().await.unwrap();
}

/// A foreign commit, made by copying one with other files.
#[tokio::test]
async fn rows_that_go_or_come_without_a_record_are_noticed() {
    let world = World::three_versions().await;
    world.amend(by("mallory")).await.unwrap().unwrap();
    world.verify().await.unwrap();
    let log = world.folder.path().join("_delta_log");
    let without_record: String = std::fs::read_to_string(log.join("00000000000000000005.json"))
        .unwrap()
        .lines()
        .filter(|line| !line.contains("commitInfo"))
        .map(|line| format!("{line}\n"))
        .collect();
    // With additions and removals swapped, it brings mallory's rows back.
    let swapped =
        without_record.replace("\"remove\"", "\"x\"").replace("\"add\"", "\"remove\"").replace("\"x\"", "\"add\"");
    std::fs::write(log.join("00000000000000000006.json"), swapped.replace("deletionTimestamp", "modificationTime"))
        .unwrap();
    let error = world.verify().await.unwrap_err();
    assert!(error.contains("version 6") && error.contains("no record"), "{error}");
}
