//! Erases one contributor from a lake in a folder with real freezes: everywhere, with crashes at any write, and during other
//! freezes.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use deltalake::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use flywheel_base::{Route, instant::Millis};
use flywheel_curation::{Batch, Curator};
use flywheel_dataset::{DatasetRules, GoldLine, QuarantineSelection, Selection};
use flywheel_event::ContributorKey;
use flywheel_freeze::{FreezeError, FreezeRequest, Freezer};
use flywheel_lake::{
    EraseObject, FolderLake, LakeError, ListKeys, ListParts, ListRoute, Listing, LoadBreaker, LoadLive, LoadPointer,
    LoadedBreaker, LoadedLive, LoadedPointer, MovePointer, Moved, ReadPart, ReplaceObject as _, RewriteObject,
    WritePart,
};
use flywheel_log::{BreakerBounds, FreezeReport, Goal, PartName, Pointer};
use flywheel_operator::{AmendError, Amender, Eraser, Erasure, Request, Wish, open_events, runs_with};
use flywheel_policy::Policy;
use flywheel_runtime::now;
use flywheel_table::{Amendable as _, DatasetError, DeltaDataset, Verified, verify};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Made once: what it looks for takes a while to compile.
static CURATOR: LazyLock<Curator> = LazyLock::new(|| Curator::new(Policy::default(), ContributorKey::new("key")));

/// A run's file with copies of mallory's rows, and of others'.
const COPIES: &str = "runs/crossing-000003-attempt-1/input/train.jsonl";

fn pseudonym() -> String {
    ContributorKey::new("key").unwrap().pseudonym("mallory")
}

/// A lake whose client crashes before the operation of this number, and which another process may write an object in meanwhile.
struct Mortal {
    lake: FolderLake,
    operations_left: AtomicU32,
    /// An object that another process writes after the commit: a freeze that has lost the version to it, or a preparation.
    staged: Option<(String, String)>,
}

impl Mortal {
    async fn operate(&self) -> Result<(), LakeError> {
        let left = self.operations_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        // Any error does; reading a missing object gives one.
        if left.is_ok() { Ok(()) } else { self.lake.read_part("dead").await.map(|_| ()) }
    }
}

impl WritePart for Mortal {
    async fn write_part(&self, key: &str, body: String) -> Result<(), LakeError> {
        self.operate().await?;
        self.lake.write_part(key, body).await
    }
}

impl RewriteObject for Mortal {
    async fn rewrite_object(&self, key: &str, read: &[u8], body: String) -> Result<Moved, LakeError> {
        self.operate().await?;
        self.lake.rewrite_object(key, read, body).await
    }
}

impl EraseObject for Mortal {
    async fn erase_object(&self, key: &str) -> Result<(), LakeError> {
        self.operate().await?;
        self.lake.erase_object(key).await
    }

    async fn erase_older_versions(&self, key: &str) -> Result<(), LakeError> {
        self.operate().await?;
        self.lake.erase_older_versions(key).await
    }
}

impl MovePointer for Mortal {
    async fn move_pointer(&self, from: &LoadedPointer, to: &Pointer) -> Result<Moved, LakeError> {
        self.operate().await?;
        if let Some((key, body)) = &self.staged {
            self.lake.write_part(key, body.clone()).await?;
        }
        self.lake.move_pointer(from, to).await
    }
}

impl LoadPointer for Mortal {
    async fn load_pointer(&self) -> Result<LoadedPointer, LakeError> {
        self.operate().await?;
        self.lake.load_pointer().await
    }
}

impl ReadPart for Mortal {
    async fn read_part(&self, key: &str) -> Result<Vec<u8>, LakeError> {
        self.operate().await?;
        self.lake.read_part(key).await
    }
}

impl ListParts for Mortal {
    async fn list_parts(&self, after: &str) -> Result<Listing, LakeError> {
        self.operate().await?;
        self.lake.list_parts(after).await
    }
}

impl ListKeys for Mortal {
    async fn list_keys(&self, prefix: &str) -> Result<Vec<String>, LakeError> {
        self.operate().await?;
        self.lake.list_keys(prefix).await
    }
}

/// A lake that changes while it is read: what was listed expires, and with each read a later freeze moves the breaker.
struct Busy(FolderLake);

impl ListKeys for Busy {
    async fn list_keys(&self, prefix: &str) -> Result<Vec<String>, LakeError> {
        let keys = self.0.list_keys(prefix).await?;
        for key in &keys {
            self.0.erase_object(key).await?;
        }
        Ok(keys)
    }
}

impl ListRoute for Busy {
    async fn list_route(&self, route: Route, within: RangeInclusive<Millis>, most: u64) -> Result<Listing, LakeError> {
        let listing = self.0.list_route(route, within, most).await?;
        for part in &listing.parts {
            self.0.erase_object(&part.name.key(route)).await?;
        }
        Ok(listing)
    }
}

impl ReadPart for Busy {
    async fn read_part(&self, key: &str) -> Result<Vec<u8>, LakeError> {
        let cause = json!({"kind": "sound_sample", "crossing": 99, "pairs": 1});
        let change = json!({"number": 1, "at": 1, "from": "half_open", "to": "closed", "cause": cause});
        self.0.replace_object("state/breaker.json", json!({"changes": [change]}).to_string()).await?;
        self.0.read_part(key).await
    }
}

impl LoadPointer for Busy {
    async fn load_pointer(&self) -> Result<LoadedPointer, LakeError> {
        self.0.load_pointer().await
    }
}

impl LoadBreaker for Busy {
    async fn load_breaker(&self) -> Result<LoadedBreaker, LakeError> {
        self.0.load_breaker().await
    }
}

impl LoadLive for Busy {
    async fn load_live(&self) -> Result<LoadedLive, LakeError> {
        self.0.load_live().await
    }
}

struct World {
    folder: TempDir,
    start: Millis,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir_all(folder.path().join("datasets/dpo_gold_v1")).unwrap();
        Self { folder, start: now() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn lake(&self) -> FolderLake {
        FolderLake::new(self.path())
    }

    fn dataset(&self) -> DeltaDataset {
        DeltaDataset::in_folder(self.path()).unwrap()
    }

    /// Writes the parts of these edits: contributor, and a number that determines the texts. Mallory's have the word
    /// `secretword`.
    async fn curate(&self, after: Millis, edits: &[(&str, u32)]) {
        let mut batch = Batch::default();
        for (contributor, n) in edits {
            let own = if *contributor == "mallory" { "secretword" } else { "word" };
            let event = json!({"event_id": format!("{contributor}-{n}"), "prompt": format!("question {n} {own}?"),
                               "contributor_id": contributor, "original_llm_output": "an answer of two words",
                               "final_user_edit": format!("answer{n} of {own}{n} y{n}")});
            batch.add(CURATOR.curate(&event.to_string(), self.start + after).unwrap(), ());
        }
        for part in batch.into_parts(self.start + after) {
            self.lake().write_part(&part.name.key(part.route), part.body).await.unwrap();
        }
    }

    async fn freeze(&self, crossing: u64) -> Result<FreezeReport, FreezeError> {
        let rules =
            DatasetRules { max_pairs_per_contributor: 2, max_waiting_per_contributor: 1, ..DatasetRules::default() };
        let freezer = Freezer::new(self.lake(), self.dataset(), rules, BreakerBounds::default(), now);
        freezer.freeze(FreezeRequest { crossing, goal: Goal { threshold: 100, ..Goal::default() } }).await
    }

    /// Makes two versions with rows of mallory's beside others', quarantined pairs of mallory's, waiting pairs, a rolled-back
    /// version with two more, copies in a run, lines in other routes, and a pending part.
    async fn with_mallory() -> Self {
        let world = Self::new();
        world.curate(0, &[("alice", 1), ("mallory", 2), ("mallory", 3), ("mallory", 4), ("mallory", 5)]).await;
        let report = world.freeze(1).await.unwrap();
        assert_eq!((report.held, report.waiting), (1, 1));
        world.curate(1, &[("mallory", 10)]).await;
        assert_eq!(world.freeze(2).await.unwrap().rows, 2);
        let request = Request { wish: Wish::RollBackTo(1), by: "kim".to_owned(), why: "a test".to_owned() };
        let (lake, dataset) = (world.lake(), world.dataset());
        Amender::new(&lake, &dataset, now).amend(&request).await.unwrap().unwrap();
        world.curate(2, &[("bob", 20), ("mallory", 21), ("mallory", 22), ("mallory", 23)]).await;
        let report = world.freeze(3).await.unwrap();
        assert_eq!((report.version, report.rows, report.waiting), (5, 3, 1));
        world.curate(3, &[("bob", 30), ("mallory", 31)]).await;
        let disliked = json!({"event_id": "mallory-40", "prompt": "secretword", "original_llm_output": "secretword is bad",
                              "kind": "thumbs_down", "contributor_id": "mallory"});
        let mut batch = Batch::default();
        batch.add(CURATOR.curate(&disliked.to_string(), world.start).unwrap(), ());
        for part in batch.into_parts(world.start) {
            assert_eq!(part.route, Route::Review);
            lake.write_part(&part.name.key(part.route), part.body).await.unwrap();
        }
        let copies = world.rows(Some(5)).await.into_iter().map(|row| format!("{row}\n")).collect();
        lake.write_part(COPIES, copies).await.unwrap();
        world
    }

    async fn erase(&self, operations: u32) -> Result<Erasure, AmendError> {
        self.erase_while_staged(operations, None).await
    }

    async fn erase_while_staged(
        &self,
        operations: u32,
        staged: Option<(String, String)>,
    ) -> Result<Erasure, AmendError> {
        let lake = Mortal { lake: self.lake(), operations_left: AtomicU32::new(operations), staged };
        Eraser::new(&lake, &self.dataset(), now).erase(&pseudonym(), "kim", "request 117").await
    }

    /// Returns a copy of this world, as it is now.
    fn copied(&self) -> Self {
        let folder = TempDir::new().unwrap();
        for (path, body) in self.files() {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, body).unwrap();
        }
        Self { folder, start: self.start }
    }

    /// Returns all files, by their paths in the lake.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut files, mut folders) = (BTreeMap::new(), vec![self.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.strip_prefix(self.path()).unwrap().to_owned(), std::fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    async fn plan(&self) -> Result<Erasure, AmendError> {
        Eraser::new(&self.lake(), &self.dataset(), now).plan(&pseudonym()).await
    }

    async fn rows(&self, version: Option<u64>) -> Vec<String> {
        let dataset = self.dataset();
        let snapshot = dataset.open_version(version).await.unwrap().unwrap();
        let mut rows = Vec::new();
        dataset.each_row(&snapshot, |row| rows.push(row.to_owned())).await.unwrap();
        rows
    }

    async fn events(&self, version: Option<u64>) -> BTreeSet<String> {
        let event = |row: &String| GoldLine::parse(row).unwrap().event_id.into_owned();
        self.rows(version).await.iter().map(event).collect()
    }

    async fn verify(&self) -> Result<Verified, String> {
        verify(&self.dataset(), &self.lake(), |_, _| ()).await.map_err(|error| error.to_string())
    }

    /// Returns the files with a trace of mallory: a text or the pseudonym.
    fn traces(&self) -> Vec<PathBuf> {
        let mut traces = Vec::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if says_something(&path) {
                    traces.push(path);
                }
            }
        }
        traces
    }

    async fn check_that_mallory_is_gone(&self) {
        assert_eq!(self.traces(), Vec::<PathBuf>::new());
        self.check_that_no_version_has_mallory().await;
    }

    async fn check_that_no_version_has_mallory(&self) {
        let verified = self.verify().await.unwrap();
        assert!(verified.erased > 0, "{verified:?}");
        for version in [1, 2, 4, 5] {
            let events = self.events(Some(version)).await;
            assert!(
                events.contains("alice-1") && events.iter().all(|event| !event.starts_with("mallory")),
                "{events:?}"
            );
        }
    }
}

fn says_something(path: &Path) -> bool {
    let file = std::fs::read(path).unwrap();
    let text = if path.extension().is_some_and(|extension| extension == "parquet")
        && !path.to_string_lossy().contains("checkpoint")
    {
        let reader =
            ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap().build().unwrap();
        reader.map(|batch| format!("{:?}", batch.unwrap())).collect()
    } else {
        String::from_utf8_lossy(&file).into_owned()
    };
    text.contains("secretword") || text.contains(&pseudonym())
}

fn set(events: &[&str]) -> BTreeSet<String> {
    events.iter().map(|event| (*event).to_owned()).collect()
}

#[tokio::test]
async fn a_contributor_is_erased_everywhere_and_nobody_else() {
    let world = World::with_mallory().await;
    assert!(world.traces().len() >= 12, "{:?}", world.traces());
    let waiting = world.traces().into_iter().filter(|path| path.to_string_lossy().contains("/_flywheel/waiting/"));
    assert_eq!(waiting.count(), 2);
    let before = world.verify().await.unwrap();
    let lake = world.lake();
    let dataset = world.dataset();
    let planned = Eraser::new(&lake, &dataset, now).plan(&pseudonym()).await.unwrap();
    assert_eq!((planned.record.is_none(), planned.rows), (true, 6));
    assert_eq!(world.verify().await.unwrap(), before, "a plan changes nothing");

    let erased = world.erase(u32::MAX).await.unwrap();
    assert_eq!((erased.lines, erased.rows, erased.copies.len()), (planned.lines, 6, 1));
    let record = erased.record.unwrap();
    let amendment = record.amendment.as_ref().unwrap();
    assert_eq!((record.version, amendment.removed, amendment.withdrawn, &record.waiting), (6, 4, 1, &None));
    assert!(!serde_json::to_string(&record).unwrap().contains(&pseudonym()));
    world.check_that_mallory_is_gone().await;
    assert_eq!(world.events(None).await, set(&["alice-1", "bob-20"]));
    assert_eq!(world.events(Some(1)).await, set(&["alice-1"]), "older versions are read without their rows");

    let again = world.erase(u32::MAX).await.unwrap();
    assert_eq!((again.record, again.objects), (None, 0), "there is nothing left");

    // An old event is redelivered, and others' pending pairs are frozen.
    world.curate(4, &[("mallory", 2)]).await;
    let report = world.freeze(4).await.unwrap();
    assert_eq!((report.rows, report.held), (1, 0), "{report:?}");
    assert_eq!(world.events(None).await, set(&["alice-1", "bob-20", "bob-30"]));
    let lines = world.erase(u32::MAX).await.unwrap().lines;
    assert_eq!(lines, 1, "what arrived late goes when it is asked for again");
    world.check_that_mallory_is_gone().await;

    let request = Request { wish: Wish::RollBackTo(2), by: "kim".to_owned(), why: "a test".to_owned() };
    Amender::new(&lake, &dataset, now).amend(&request).await.unwrap().unwrap();
    assert_eq!(world.events(None).await, set(&["alice-1"]), "a rollback behind it brings nothing back");
    world.check_that_mallory_is_gone().await;
}

#[tokio::test]
async fn what_waits_of_others_goes_on_waiting() {
    let world = World::new();
    let of = |contributor, numbers: std::ops::Range<u32>| numbers.map(move |n| (contributor, n));
    world.curate(0, &of("alice", 1..4).chain(of("mallory", 10..13)).collect::<Vec<_>>()).await;
    assert_eq!(world.freeze(1).await.unwrap().waiting, 2);
    let record = world.erase(u32::MAX).await.unwrap().record.unwrap();
    assert_eq!((record.waiting_pairs(), record.amendment.unwrap().withdrawn), (1, 1));
    assert!(world.traces().is_empty(), "{:?}", world.traces());
    world.verify().await.unwrap();
    // A redelivery does not bring erased pairs back, and neither does a rollback to an older version.
    world.curate(1, &[("mallory", 12)]).await;
    let report = world.freeze(2).await.unwrap();
    // The part that the erasure rewrote is read again, and repeats known pairs.
    assert_eq!((report.parts, report.rows, report.duplicates, report.waiting), (2, 1, 3 + 1, 0));
    assert_eq!(world.events(None).await, set(&["alice-1", "alice-2", "alice-3"]));
    let request = Request { wish: Wish::RollBackTo(1), by: "kim".to_owned(), why: "a test".to_owned() };
    let (lake, dataset) = (world.lake(), world.dataset());
    let record = Amender::new(&lake, &dataset, now).amend(&request).await.unwrap().unwrap().record;
    assert_eq!((record.waiting_pairs(), world.events(None).await), (0, set(&["alice-1", "alice-2"])));
    world.verify().await.unwrap();
}

#[tokio::test]
async fn what_was_excluded_before_is_erased_from_the_versions_that_had_it() {
    let world = World::with_mallory().await;
    let selection = Selection { contributor: Some(pseudonym()), ..Selection::default() };
    let request = Request { wish: Wish::Exclude(selection), by: "kim".to_owned(), why: "a test".to_owned() };
    let (lake, dataset) = (world.lake(), world.dataset());
    Amender::new(&lake, &dataset, now).amend(&request).await.unwrap().unwrap();
    let rollback = |to| Request { wish: Wish::RollBackTo(to), ..request.clone() };
    Amender::new(&lake, &dataset, now).amend(&rollback(5)).await.unwrap().unwrap();
    Amender::new(&lake, &dataset, now).amend(&rollback(6)).await.unwrap().unwrap();
    let record = world.erase(u32::MAX).await.unwrap().record.unwrap();
    assert_eq!((record.version, record.amendment.unwrap().removed), (9, 0));
    world.check_that_no_version_has_mallory().await;
    // An exclusion's record is immutable and names the excluded contributor: a pseudonym with no text left.
    let log = world.path().join("datasets/dpo_gold_v1/_delta_log/00000000000000000006.json");
    assert_eq!(world.traces(), [log]);
}

#[tokio::test]
async fn killed_at_any_operation_and_run_again_it_ends_the_same() {
    let alive = World::with_mallory().await;
    let before = alive.files();
    for operations in 0.. {
        let world = alive.copied();
        if world.erase(operations).await.is_ok() {
            assert!(operations > 30, "it took only {operations} operations");
            return;
        }
        let was_copied = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().any(|path| path.starts_with("runs"));
        assert!(was_copied(&world.files()) && was_copied(&before), "a run's file is there at every moment");
        // The next process may be a freeze.
        if operations % 2 == 0 {
            world.freeze(4).await.unwrap();
        }
        world.erase(u32::MAX).await.unwrap();
        world.check_that_mallory_is_gone().await;
        let mut expected = set(&["alice-1", "bob-20"]);
        expected.extend((operations % 2 == 0).then(|| "bob-30".to_owned()));
        assert_eq!(world.events(None).await, expected, "killed at operation {operations}");
        let pointer = world.lake().load_pointer().await.unwrap().pointer;
        assert_eq!(pointer.carried_over, expected.len() as u64, "killed at operation {operations}");
        let copies = std::fs::read_to_string(world.path().join(COPIES)).unwrap();
        assert_eq!(copies.lines().count(), 2, "others' copies stay: {copies}");
    }
}

#[tokio::test]
async fn no_line_that_cannot_be_read_stops_it_and_each_is_named() {
    let world = World::with_mallory().await;
    let lake = world.lake();
    let output = "runs/crossing-000003-attempt-1/output/rows.jsonl";
    lake.write_part(output, "{\"pair_id\":\"of another\"}\n{ \"secretword\n[\"secretword\"]\n".to_owned())
        .await
        .unwrap();
    let name = PartName { written_at: world.start + 9, digest: "0".repeat(32), rows: 2 };
    let part = name.key(Route::Review);
    let path = world.path().join(&part);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, b"{\"contributor\":\"other\"}\n{\"prompt\":\"secretword \xff\"}\n").unwrap();
    let orphan = "datasets/dpo_gold_v1/part-of-a-dead-freeze.parquet";
    std::fs::write(world.path().join(orphan), "secretword").unwrap();

    let before = world.files();
    let planned = world.plan().await.unwrap();
    assert_eq!(world.files(), before, "a plan changes nothing");
    assert_eq!((&planned.unreadable, planned.copies.len()), (&vec![part.clone(), output.to_owned()], 2));
    let erased = world.erase(u32::MAX).await.unwrap();
    assert_eq!(erased.unreadable, [part, output.to_owned(), orphan.to_owned()]);
    assert_eq!((&erased.copies, erased.lines), (&planned.copies, planned.lines));
    world.check_that_mallory_is_gone().await;
    let output = std::fs::read_to_string(world.path().join(output)).unwrap();
    assert_eq!(output, "{\"pair_id\":\"of another\"}\n");
}

#[tokio::test]
async fn what_cannot_be_done_changes_nothing() {
    let world = World::with_mallory().await;
    let folder = world.path().join("datasets/dpo_gold_v1/_flywheel/background");
    for background in std::fs::read_dir(folder).unwrap() {
        std::fs::write(background.unwrap().path(), "damaged").unwrap();
    }
    let before = world.files();
    let planned = world.plan().await.unwrap_err().to_string();
    assert!(planned.contains("was changed"), "{planned}");
    assert_eq!(world.erase(u32::MAX).await.unwrap_err().to_string(), planned);
    assert_eq!(world.files(), before);
}

#[tokio::test]
async fn pairs_that_a_lost_freeze_stages_meanwhile_go_too() {
    for folder in ["held", "waiting"] {
        let world = World::with_mallory().await;
        let key = format!("datasets/dpo_gold_v1/_flywheel/{folder}/{}.jsonl", "0".repeat(64));
        let line = json!({"contributor": pseudonym(), "prompt": "secretword"}).to_string() + "\n";
        world.erase_while_staged(u32::MAX, Some((key, line))).await.unwrap();
        // It may be about to be committed, so the second call takes it, which has to come anyway.
        world.erase(u32::MAX).await.unwrap();
        world.check_that_mallory_is_gone().await;
    }
}

/// The copied file may be a freeze's that is about to commit, with the rows of others.
#[tokio::test]
async fn a_data_file_that_a_freeze_stages_meanwhile_stays() {
    let world = World::with_mallory().await;
    let key = "datasets/dpo_gold_v1/part-of-a-freeze-under-way.parquet";
    let staged = Some((key.to_owned(), "not written in full".to_owned()));
    world.erase_while_staged(u32::MAX, staged).await.unwrap();
    assert!(world.path().join(key).exists());
    let erased = world.erase(u32::MAX).await.unwrap();
    assert_eq!((erased.unreadable, world.path().join(key).exists()), (vec![key.to_owned()], false));
}

#[tokio::test]
async fn copies_that_a_preparation_writes_meanwhile_go_too() {
    let world = World::with_mallory().await;
    let key = "runs/crossing-000004-attempt-1/input/train.jsonl";
    let lines = "{\"event_id\":\"mallory-2\",\"prompt\":\"secretword\"}\n{\"event_id\":\"alice-1\"}\n";
    let erased = world.erase_while_staged(u32::MAX, Some((key.to_owned(), lines.to_owned()))).await.unwrap();
    assert_eq!(erased.copies, [COPIES, key]);
    assert_eq!(std::fs::read_to_string(world.path().join(key)).unwrap(), "{\"event_id\":\"alice-1\"}\n");
    world.check_that_mallory_is_gone().await;
}

/// A later run does not read the parts behind a compaction, so another sender's event of the same id would be lost with a line.
#[tokio::test]
async fn a_compaction_with_copies_is_erased_whole() {
    let world = World::with_mallory().await;
    let [theirs, others] = [1, 2].map(|until| format!("runs/crossing-000002-attempt-1/input/replay_log-{until}.jsonl"));
    let line = |event: &str| format!("{{\"event_id\":\"{event}\",\"prompt\":\"p\",\"completion\":\"c\"}}\n");
    world.lake().write_part(&theirs, line("alice-1") + &line("mallory-2")).await.unwrap();
    world.lake().write_part(&others, line("alice-1")).await.unwrap();
    world.erase(u32::MAX).await.unwrap();
    assert!(!world.path().join(theirs).exists());
    assert_eq!(std::fs::read_to_string(world.path().join(others)).unwrap(), line("alice-1"));
    world.check_that_mallory_is_gone().await;
}

#[tokio::test]
async fn where_the_tables_log_is_lost_nothing_is_erased() {
    let world = World::with_mallory().await;
    std::fs::remove_dir_all(world.path().join("datasets/dpo_gold_v1/_delta_log")).unwrap();
    let before = world.files();
    for error in [world.plan().await.unwrap_err(), world.erase(u32::MAX).await.unwrap_err()] {
        let lost = matches!(error, AmendError::Dataset(DatasetError::LostVersion { pointer: 5, newest: 0 }));
        assert!(lost, "{error}");
    }
    assert_eq!(world.files(), before);
}

#[tokio::test]
async fn a_freeze_at_the_same_time_brings_nothing_back() {
    let world = World::with_mallory().await;
    let (frozen, erased) = tokio::join!(world.freeze(4), world.erase(u32::MAX));
    erased.unwrap();
    // A freeze may find that a listed part is gone. It is then retried, as in the workflow.
    if frozen.is_err() {
        world.freeze(4).await.unwrap();
    }
    world.erase(u32::MAX).await.unwrap();
    world.check_that_mallory_is_gone().await;
    assert_eq!(world.events(None).await, set(&["alice-1", "bob-20", "bob-30"]));
}

#[tokio::test]
async fn a_lake_that_goes_on_while_it_is_verified_fits() {
    let world = World::with_mallory().await;
    verify(&world.dataset(), &Busy(world.lake()), |_, _| ()).await.unwrap();
    let error = world.verify().await.unwrap_err();
    assert!(error.contains("the breaker was moved at crossing 99"), "{error}");
}

#[tokio::test]
async fn what_expires_after_it_was_listed_stops_no_command() {
    let world = World::with_mallory().await;
    let lake = Busy(world.lake());
    lake.0.write_part("runs/a-run/input/run.json", "{}".to_owned()).await.unwrap();
    assert!(runs_with(&lake, &world.dataset(), &HashSet::new()).await.unwrap().is_empty());
    assert!(open_events(&lake, &QuarantineSelection::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn where_nothing_was_frozen_lines_are_erased_all_the_same() {
    let world = World::new();
    world.curate(0, &[("alice", 1), ("mallory", 2)]).await;
    let erased = world.erase(u32::MAX).await.unwrap();
    assert_eq!((erased.record, erased.lines), (None, 1));
    assert!(world.traces().is_empty());
    let report = world.freeze(1).await.unwrap();
    assert_eq!((report.rows, world.events(None).await), (1, set(&["alice-1"])));
}

#[tokio::test]
async fn what_took_an_erased_objects_place_is_verified_like_all_else() {
    let world = World::with_mallory().await;
    world.erase(u32::MAX).await.unwrap();
    let listed = std::fs::read_dir(world.path().join("datasets/dpo_gold_v1/_flywheel/erased")).unwrap();
    let mut changed = 0;
    for list in listed {
        for line in std::fs::read_to_string(list.unwrap().path()).unwrap().lines() {
            let object: Value = serde_json::from_str(line).unwrap();
            let Some(by) = object["by"]["name"].as_str() else { continue };
            let folder = if object["place"] == "table" { "datasets/dpo_gold_v1" } else { "" };
            let path = world.path().join(folder).join(by);
            if !path.exists() || path.to_string_lossy().contains("/_flywheel/held/") || by.contains("quarantine") {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, [&bytes[..], b"\n"].concat()).unwrap();
            let error = world.verify().await;
            assert!(error.is_err() || by.contains("/route=") && !was_consumed(&world, by).await, "{by}");
            changed += u32::from(error.is_err());
            std::fs::write(&path, bytes).unwrap();
        }
    }
    assert!(changed >= 3, "{changed}");
    world.verify().await.unwrap();
}

/// Returns `true` if the part is in a version: a pending part is in none.
async fn was_consumed(world: &World, key: &str) -> bool {
    let pointer = world.lake().load_pointer().await.unwrap().pointer;
    let listing = world.lake().list_parts(&pointer.watermark.list_after()).await.unwrap();
    let body = std::fs::read_to_string(world.path().join(key)).unwrap();
    let is_pending = pointer.watermark.pending(&listing.parts).parts.iter().any(|name| name.key(Route::Gold) == key);
    !is_pending || !body.contains("bob-30")
}
