//! Pairs that a freeze quarantines, with crashes at any point; and versions that are verified, untouched and tampered with.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use deltalake::DeltaTableBuilder;
use deltalake::arrow::array::AsArray as _;
use deltalake::datafile::reader::ParquetTableReader;
use deltalake::datafile::{DeltaDataReader as _, ReadOptions};
use flywheel_base::instant::Millis;
use flywheel_curation::{Batch, Curator};
use flywheel_dataset::{BatchReason, DatasetRules, Entry, Newcomers, ObjectDigest, WrittenFiles};
use flywheel_event::ContributorKey;
use flywheel_freeze::{FreezeError, FreezeRequest, Freezer};
use flywheel_lake::{
    Fault, LakeError, LoadBreaker, LoadLive, LoadPointer, LoadedBreaker, LoadedLive, LoadedPointer, MemoryLake,
    ReadPart, WritePart as _,
};
use flywheel_log::{BreakerBounds, FreezeReport, Goal};
use flywheel_policy::Policy;
use flywheel_table::{
    Amendable, Dataset, DatasetError, DeltaDataset, Loaded, Records, Rows, TableVersion, Verified, verify,
};
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

const NOW: Millis = 1_795_342_830_007;

/// Built once: its patterns take a while to compile.
static CURATOR: LazyLock<Curator> = LazyLock::new(|| Curator::new(Policy::default(), ContributorKey::new("key")));

/// A Delta table in which the write of a given number, counted from 0, fails.
struct Failing {
    table: DeltaDataset,
    writes: AtomicU32,
    fault: Option<(u32, Fault)>,
}

impl Failing {
    async fn write<T>(&self, write: impl Future<Output = Result<T, DatasetError>>) -> Result<T, DatasetError> {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let failed = || Err(DatasetError::Storage { action: "write to", cause: "a fault".to_owned() });
        match self.fault.filter(|(at, _)| *at == number) {
            None => write.await,
            Some((_, Fault::Refused)) => failed(),
            Some((_, Fault::AnswerLost)) => {
                write.await?;
                failed()
            }
        }
    }
}

impl Dataset for Failing {
    type Snapshot = TableVersion;

    async fn load(&self) -> Result<Loaded<TableVersion>, DatasetError> {
        self.table.load().await
    }

    async fn deduplicate(&self, snapshot: &TableVersion, newcomers: &mut Newcomers) -> Result<(), DatasetError> {
        self.table.deduplicate(snapshot, newcomers).await
    }

    async fn put_object(
        &self,
        snapshot: &TableVersion,
        object: &ObjectDigest,
        bytes: Vec<u8>,
    ) -> Result<(), DatasetError> {
        self.write(self.table.put_object(snapshot, object, bytes)).await
    }

    async fn get_object(&self, snapshot: &TableVersion, object: &ObjectDigest) -> Result<Vec<u8>, DatasetError> {
        self.table.get_object(snapshot, object).await
    }

    async fn commit(
        &self,
        snapshot: TableVersion,
        entries: Vec<Entry>,
        revised: &HashSet<String>,
        records: impl FnOnce(WrittenFiles) -> Records + Send,
    ) -> Result<Records, DatasetError> {
        self.write(self.table.commit(snapshot, entries, revised, records)).await
    }

    async fn rows_of_pairs(
        &self,
        snapshot: &TableVersion,
        pairs: &HashSet<String>,
    ) -> Result<Vec<String>, DatasetError> {
        self.table.rows_of_pairs(snapshot, pairs).await
    }
}

impl Amendable for Failing {
    async fn newest(&self) -> Result<Option<Loaded<TableVersion>>, DatasetError> {
        self.table.newest().await
    }

    async fn at(&self, number: u64) -> Result<Option<TableVersion>, DatasetError> {
        self.table.at(number).await
    }

    async fn records_of(&self, on: &TableVersion, number: u64) -> Result<Option<Records>, DatasetError> {
        self.table.records_of(on, number).await
    }

    async fn each_row(&self, of: &TableVersion, each: impl FnMut(&str) + Send) -> Result<(), DatasetError> {
        self.table.each_row(of, each).await
    }

    async fn allow_amendments(&self) -> Result<bool, DatasetError> {
        self.write(self.table.allow_amendments()).await
    }

    async fn commit_rows(
        &self,
        on: TableVersion,
        rows: Rows<'_, TableVersion>,
        records: impl FnOnce(Vec<ObjectDigest>) -> Records + Send,
    ) -> Result<Records, DatasetError> {
        self.table.commit_rows(on, rows, records).await
    }
}

struct World {
    lake: MemoryLake,
    folder: TempDir,
    rules: DatasetRules,
}

impl World {
    /// A lake in which five pairs of a contributor enter a version, one waits, and the rest is quarantined.
    fn new() -> Self {
        Self::where_may_wait(1)
    }

    fn where_may_wait(most: u64) -> Self {
        let rules =
            DatasetRules { max_pairs_per_contributor: 5, max_waiting_per_contributor: most, ..DatasetRules::default() };
        Self { lake: MemoryLake::default(), folder: TempDir::new().unwrap(), rules }
    }

    fn location(&self) -> Url {
        Url::from_directory_path(self.folder.path()).unwrap()
    }

    async fn freeze(&self, crossing: u64, fault: Option<(u32, Fault)>) -> Result<FreezeReport, FreezeError> {
        let table = DeltaDataset::at(self.location());
        let dataset = Failing { table, writes: AtomicU32::new(0), fault };
        let (rules, bounds) = (self.rules.clone(), BreakerBounds::default());
        let freezer = Freezer::new(self.lake.clone(), dataset, rules, bounds, || NOW);
        let goal = Goal { threshold: 3, ..Goal::default() };
        freezer.freeze(FreezeRequest { crossing, goal }).await
    }

    /// Writes a part of different edits by one contributor.
    async fn curate(&self, written_at: Millis, contributor: &str, numbers: std::ops::Range<u32>) {
        let mut batch = Batch::default();
        for n in numbers {
            let (prompt, chosen) = (format!("question {n}"), format!("answer{n} of x{n} y{n}"));
            let message = json!({"event_id": format!("e{n}"), "prompt": prompt, "original_llm_output": "an answer of two words",
                                 "final_user_edit": chosen, "contributor_id": contributor});
            batch.add(CURATOR.curate(&message.to_string(), written_at).unwrap(), ());
        }
        self.lake.set_clock(written_at);
        for part in batch.into_parts(written_at) {
            self.lake.write_part(&part.name.key(part.route), part.body).await.unwrap();
        }
    }

    fn quarantined(&self) -> BTreeMap<String, Vec<Value>> {
        let parts = self.lake.objects().into_iter().filter(|(key, _)| key.contains("/route=quarantine/"));
        let lines = |body: Vec<u8>| {
            let body = String::from_utf8(body).unwrap();
            body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        parts.map(|(key, body)| (key, lines(body))).collect()
    }

    fn quarantined_events(&self) -> Vec<String> {
        let lines = self.quarantined().into_values().flatten();
        lines.map(|line| line["event_id"].as_str().unwrap().to_owned()).collect()
    }

    /// Returns the events that wait since the newest version.
    async fn waiting_events(&self) -> Vec<String> {
        let table = DeltaDataset::at(self.location());
        let Loaded { snapshot, last_freeze, .. } = table.load().await.unwrap();
        let Some(waiting) = last_freeze.and_then(|last| last.version?.waiting) else { return Vec::new() };
        let body = String::from_utf8(table.get_object(&snapshot, &waiting.object).await.unwrap()).unwrap();
        assert_eq!(body.lines().count() as u64, waiting.pairs);
        let line = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        body.lines().map(|text| line(text)["event_id"].as_str().unwrap().to_owned()).collect()
    }

    async fn events_in_table(&self) -> Vec<String> {
        let table = DeltaTableBuilder::from_url(self.location()).unwrap().load().await.unwrap();
        let reader = ParquetTableReader::try_new(&table).await.unwrap();
        let batches: Vec<_> = reader.read(ReadOptions::default()).await.unwrap().try_collect().await.unwrap();
        let events = |batch: &deltalake::arrow::array::RecordBatch| -> Vec<String> {
            let column = batch.column_by_name("event_id").unwrap().as_string::<i32>();
            column.iter().map(|event| event.unwrap().to_owned()).collect()
        };
        batches.iter().flat_map(events).collect()
    }

    async fn verify(&self) -> Result<Verified, String> {
        verify(&DeltaDataset::at(self.location()), &self.lake, |_, _| ()).await.map_err(|error| error.to_string())
    }

    fn files(&self, below: &str, extension: &str) -> Vec<PathBuf> {
        let mut files: Vec<_> =
            std::fs::read_dir(self.folder.path().join(below)).unwrap().map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|found| found == extension));
        files.sort();
        files
    }
}

#[tokio::test]
async fn what_is_held_is_in_quarantine_with_its_reason() {
    let world = World::where_may_wait(0);
    world.curate(NOW, "alice", 0..7).await;
    world.curate(NOW + 1, "bob", 10..13).await;
    let report = world.freeze(1, None).await.unwrap();
    assert_eq!((report.rows, report.held, report.duplicates, report.near_duplicates), (8, 2, 0, 0));
    let quarantined = world.quarantined();
    let (key, lines) = quarantined.first_key_value().unwrap();
    assert!(key.contains("/dt=2026-11-22/hour=10/1795342830008-") && key.ends_with("-n2.jsonl"), "{key}");
    for (line, event) in lines.iter().zip(["e5", "e6"]) {
        assert_eq!((&line["event_id"], &line["reasons"]), (&json!(event), &json!(["contributor_cap"])));
        assert!(line["chosen"].is_string(), "it can be released: {line}");
    }
    let records = DeltaDataset::at(world.location()).load().await.unwrap().last_freeze.unwrap();
    let version = records.version.unwrap();
    assert_eq!(version.counts.held_for, BTreeMap::from([(BatchReason::ContributorCap, 2)]));
    assert_eq!(version.held.unwrap().key, *key);
    // Redelivered pairs stay quarantined, and are not quarantined twice.
    world.curate(NOW + 2, "alice", 5..7).await;
    let report = world.freeze(2, None).await.unwrap();
    assert_eq!((report.rows, report.held, report.duplicates), (0, 0, 2));
}

#[tokio::test]
async fn what_is_over_a_cap_waits_and_enters_later_even_if_nothing_is_pending() {
    let world = World::where_may_wait(100);
    world.curate(NOW, "alice", 0..12).await;
    let report = world.freeze(1, None).await.unwrap();
    assert_eq!((report.rows, report.held, report.waiting), (5, 0, 7));
    assert!(world.quarantined().is_empty());
    world.curate(NOW + 1, "bob", 20..22).await;
    let report = world.freeze(2, None).await.unwrap();
    assert_eq!((report.rows, report.waiting, report.net_new), (7, 2, 7));
    let report = world.freeze(3, None).await.unwrap();
    assert_eq!((report.rows, report.waiting, report.parts), (2, 0, 0));
    assert_eq!(world.events_in_table().await.len(), 14);
    let verified = world.verify().await.unwrap();
    assert_eq!((verified.rows, verified.held, verified.waiting), (14, 0, 0));
}

#[tokio::test]
async fn what_waited_and_is_held_then_is_in_quarantine_even_if_nothing_is_pending() {
    let mut world = World::where_may_wait(100);
    world.curate(NOW, "alice", 0..12).await;
    world.freeze(1, None).await.unwrap();
    world.rules.max_waiting_per_contributor = 0;
    let report = world.freeze(2, None).await.unwrap();
    assert_eq!((report.rows, report.held, report.waiting, report.parts), (5, 2, 0, 0));
    assert_eq!(world.quarantined_events(), ["e10", "e11"]);
    assert_eq!(world.verify().await.unwrap().held, 2);
}

#[tokio::test]
async fn what_waits_leaves_room_in_memory_for_what_is_pending() {
    let world = World::where_may_wait(100);
    world.curate(NOW, "alice", 0..12).await;
    world.freeze(1, None).await.unwrap();
    for n in 20..23 {
        world.curate(NOW + u64::from(n) * 60_000, "bob", n..n + 1).await;
    }
    let dataset = DeltaDataset::at(world.location());
    let bounds = BreakerBounds::default();
    let freezer = Freezer::new(world.lake.clone(), dataset, world.rules.clone(), bounds, || NOW).with_max_bytes(1);
    let goal = Goal { threshold: 3, ..Goal::default() };
    let report = freezer.freeze(FreezeRequest { crossing: 2, goal }).await.unwrap();
    assert_eq!((report.parts, report.rows), (1, 6), "one part at least, and what waited");
}

#[tokio::test]
async fn waiting_pairs_that_are_lost_stop_the_freeze_and_are_named() {
    let world = World::where_may_wait(100);
    world.curate(NOW, "alice", 0..12).await;
    world.freeze(1, None).await.unwrap();
    let object = world.files("_flywheel/waiting", "jsonl").remove(0);
    let body = std::fs::read(&object).unwrap();
    std::fs::remove_file(&object).unwrap();
    world.freeze(2, None).await.unwrap_err();
    assert!(world.verify().await.unwrap_err().starts_with("version 1: "));
    std::fs::write(&object, body).unwrap();
    assert_eq!(world.freeze(2, None).await.unwrap().rows, 5);
}

/// Each freeze of two pending parts makes five writes to the dataset (parts, background, quarantined pairs, waiting pairs,
/// commit) and two to the lake.
#[tokio::test]
async fn a_death_between_any_two_writes_loses_and_doubles_nothing() {
    for fault in [Fault::Refused, Fault::AnswerLost] {
        for write in 0..7 {
            let world = World::new();
            world.curate(NOW, "alice", 0..7).await;
            match write {
                5 => world.lake.fail_next_write("route=quarantine", fault),
                6 => world.lake.fail_next_write("pointer", fault),
                _ => {}
            }
            let died = world.freeze(1, (write < 5).then_some((write, fault))).await;
            assert!(died.is_err(), "write {write}: {died:?}");
            let is_committed = write > 4 || (write == 4 && fault == Fault::AnswerLost);
            if !is_committed {
                assert!(world.quarantined().is_empty(), "write {write}, {fault:?}: nothing has happened yet");
            }
            // These pairs are older. They would change the quarantined ones if the freeze decided again.
            world.curate(NOW - 1, "alice", 20..24).await;
            let mut rows = world.freeze(1, None).await.unwrap().rows;
            rows += world.freeze(2, None).await.unwrap().rows;
            let (entered, held) = (world.events_in_table().await, world.quarantined_events());
            let waiting = world.waiting_events().await;
            let all: BTreeSet<_> = entered.iter().chain(&held).chain(&waiting).collect();
            assert_eq!(
                (all.len(), entered.len() + held.len() + waiting.len()),
                (11, 11),
                "write {write}, {fault:?}: {entered:?} {held:?} {waiting:?}"
            );
            assert_eq!(rows, entered.len() as u64, "write {write}, {fault:?}");
            let verified = world.verify().await.unwrap();
            let expected = (rows, held.len() as u64, waiting.len() as u64);
            assert_eq!((verified.rows, verified.held, verified.waiting), expected, "write {write}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn freezes_at_once_hold_once() {
    let world = World::new();
    world.curate(NOW, "alice", 0..9).await;
    for report in futures::future::join_all((0..4).map(|_| world.freeze(1, None))).await {
        let report = report.unwrap();
        assert_eq!((report.held, report.waiting), (3, 1));
    }
    assert_eq!((world.quarantined_events().len(), world.waiting_events().await.len()), (3, 1));
    assert_eq!(world.verify().await.unwrap().held, 3);
}

/// Makes two versions, each with quarantined and waiting pairs.
async fn two_versions() -> World {
    let world = World::new();
    world.curate(NOW, "alice", 0..7).await;
    world.freeze(1, None).await.unwrap();
    world.curate(NOW + 1, "bob", 10..18).await;
    world.freeze(2, None).await.unwrap();
    world
}

#[tokio::test]
async fn versions_that_nobody_touched_are_verified() {
    let world = two_versions().await;
    let verified = world.verify().await.unwrap();
    assert_eq!((verified.versions, verified.rows, verified.parts), (2, 11, 2));
    assert_eq!((verified.held, verified.waiting), (3, 1));
    let records = DeltaDataset::at(world.location()).load().await.unwrap().last_freeze.unwrap();
    assert_eq!(verified.digest, Some(records.version.unwrap().digest));
}

/// A lake in which one object is replaced or missing.
struct Tampered {
    lake: MemoryLake,
    key: String,
    body: Option<Vec<u8>>,
}

impl ReadPart for Tampered {
    async fn read_part(&self, key: &str) -> Result<Vec<u8>, LakeError> {
        if key != self.key {
            return self.lake.read_part(key).await;
        }
        match &self.body {
            Some(body) => Ok(body.clone()),
            None => self.lake.read_part("no such object").await,
        }
    }
}

impl LoadPointer for Tampered {
    async fn load_pointer(&self) -> Result<LoadedPointer, LakeError> {
        self.lake.load_pointer().await
    }
}

impl LoadBreaker for Tampered {
    async fn load_breaker(&self) -> Result<LoadedBreaker, LakeError> {
        self.lake.load_breaker().await
    }
}

impl LoadLive for Tampered {
    async fn load_live(&self) -> Result<LoadedLive, LakeError> {
        self.lake.load_live().await
    }
}

#[tokio::test]
async fn a_part_that_was_changed_is_named_and_so_is_one_that_was_removed_but_for_what_expires() {
    let world = two_versions().await;
    for (key, body) in world.lake.objects().into_iter().filter(|(key, _)| key.contains("/route=")) {
        let mut changed = body.clone();
        changed[40] ^= 1;
        for body in [Some(changed), None] {
            let is_changed = body.is_some();
            let expires = key.contains("/route=quarantine/");
            let tampered = Tampered { lake: world.lake.clone(), key: key.clone(), body };
            let outcome = verify(&DeltaDataset::at(world.location()), &tampered, |_, _| ()).await;
            if expires && !is_changed {
                assert!(outcome.is_ok(), "{key}: {outcome:?}");
                continue;
            }
            let error = outcome.unwrap_err().to_string();
            let version = if key.contains(&format!("/{NOW}-")) { "version 1: " } else { "version 2: " };
            assert!(error.starts_with(version), "{key}: {error}");
            assert!(error.contains(if is_changed { "was changed since" } else { "gone" }), "{key}: {error}");
        }
    }
}

fn tamper(file: &Path, with: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let bytes = std::fs::read(file).unwrap();
    std::fs::write(file, with(bytes)).unwrap();
}

#[tokio::test]
async fn every_object_of_the_dataset_that_was_changed_or_removed_is_noticed() {
    let original = two_versions().await;
    let mut objects: Vec<PathBuf> = original.files("", "parquet");
    objects.extend(original.files("_flywheel/parts", "jsonl"));
    objects.extend(original.files("_flywheel/held", "jsonl"));
    objects.extend(original.files("_flywheel/background", "bin"));
    objects.extend(original.files("_flywheel/waiting", "jsonl"));
    assert_eq!(objects.len(), 10);
    for object in objects {
        let untouched = std::fs::read(&object).unwrap();
        let mut changed = untouched.clone();
        // In a data file, the changed byte is in the data.
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        std::fs::write(&object, changed).unwrap();
        let error = original.verify().await.unwrap_err();
        assert!(error.starts_with("version "), "{}: {error}", object.display());
        std::fs::remove_file(&object).unwrap();
        assert!(original.verify().await.is_err(), "{}", object.display());
        std::fs::write(&object, untouched).unwrap();
    }
    original.verify().await.unwrap();
}

#[tokio::test]
async fn a_record_that_was_changed_is_noticed() {
    let changes = [
        (r#""duplicates":0,"entered""#, r#""duplicates":1,"entered""#),
        (r#""rules":""#, r#""rules":"0"#),
        (r#""content":""#, r#""content":"0"#),
        (r#""contributors":1"#, r#""contributors":9"#),
    ];
    for (from, to) in changes {
        let world = two_versions().await;
        let commit = &world.files("_delta_log", "json")[1];
        tamper(commit, |bytes| {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains(from), "{from} is not in {text}");
            text.replace(from, to).into_bytes()
        });
        let error = world.verify().await.unwrap_err();
        assert!(error.starts_with("version 1: its record was changed"), "{error}");
    }
}

#[tokio::test]
async fn a_version_from_elsewhere_breaks_the_chain() {
    let (world, other) = (two_versions().await, two_versions().await);
    let ours = &world.files("_delta_log", "json")[1];
    let theirs = std::fs::read(&other.files("_delta_log", "json")[1]).unwrap();
    std::fs::write(ours, theirs).unwrap();
    let error = world.verify().await.unwrap_err();
    assert!(error.starts_with("version "), "{error}");
}

impl World {
    /// Writes the parts of a user's text for an output, at this second.
    async fn save(&self, output: u32, second: u64, text: &str) {
        let written_at = NOW + second * 1_000;
        let message = json!({"prompt": format!("question {output}"), "original_llm_output": "an answer of two words",
                             "final_user_edit": text, "thread_id": format!("t{output}"), "contributor_id": "kim",
                             "received_at": format!("2026-11-22T10:20:{:02}Z", 30 + second)});
        let mut batch = Batch::default();
        batch.add(CURATOR.curate(&message.to_string(), written_at).unwrap(), ());
        self.lake.set_clock(written_at);
        for part in batch.into_parts(written_at) {
            self.lake.write_part(&part.name.key(part.route), part.body).await.unwrap();
        }
    }

    /// Returns the users' texts in a version, in order.
    async fn chosen_in(&self, version: u64) -> Vec<String> {
        let version = DeltaDataset::at(self.location()).open_version(Some(version)).await.unwrap().unwrap();
        let rows: Vec<String> = version.rows(&["chosen"]).try_collect().await.unwrap();
        let chosen = |row: &String| serde_json::from_str::<Value>(row).unwrap()["chosen"].as_str().unwrap().to_owned();
        let mut chosen: Vec<_> = rows.iter().map(chosen).collect();
        chosen.sort();
        chosen
    }

    async fn newest(&self) -> u64 {
        DeltaDataset::at(self.location()).load().await.unwrap().version
    }
}

#[tokio::test]
async fn after_a_freeze_the_last_text_is_in_the_next_version_and_the_older_version_stays_as_it_was() {
    let world = World::new();
    world.save(1, 0, "half an answer").await;
    world.save(2, 0, "the other answer").await;
    let first = world.freeze(1, None).await.unwrap();
    world.save(1, 2, "the whole answer at last").await;
    world.save(1, 1, "most of the answer").await;
    let second = world.freeze(2, None).await.unwrap();
    assert_eq!((second.rows, second.revised, second.superseded), (1, 1, 1));
    assert_eq!(world.chosen_in(first.version).await, ["half an answer", "the other answer"]);
    assert_eq!(world.chosen_in(second.version).await, ["the other answer", "the whole answer at last"]);
    // Two pairs were never trained on, one of them with two texts.
    let pointer = DeltaDataset::at(world.location()).load().await.unwrap().last_freeze.unwrap().pointer;
    assert_eq!(pointer.carried_over, 2);
    let verified = world.verify().await.unwrap();
    assert_eq!((verified.versions, verified.rows), (2, 3));
}

#[tokio::test]
async fn a_text_that_its_user_put_back_leaves_the_next_version() {
    let world = World::new();
    world.save(1, 0, "half an answer").await;
    world.save(2, 0, "the other answer").await;
    world.freeze(1, None).await.unwrap();
    world.save(1, 1, "an answer of two words").await;
    world.save(3, 1, "a third answer").await;
    let second = world.freeze(2, None).await.unwrap();
    assert_eq!((second.rows, second.revised), (1, 1));
    assert_eq!(world.chosen_in(second.version).await, ["a third answer", "the other answer"]);
    world.verify().await.unwrap();
}

/// A first freeze with a revision makes four writes to the dataset (the permission to remove rows, after which it starts over,
/// then parts, background and commit) and one to the lake.
#[tokio::test]
async fn a_death_between_any_two_writes_of_a_revision_ends_in_the_same_rows() {
    for fault in [Fault::Refused, Fault::AnswerLost] {
        for write in 0..5 {
            let world = World::new();
            world.save(1, 0, "half an answer").await;
            world.save(2, 0, "the other answer").await;
            world.freeze(1, None).await.unwrap();
            world.save(1, 1, "the whole answer at last").await;
            if write == 4 {
                world.lake.fail_next_write("pointer", fault);
            }
            let died = world.freeze(2, (write < 4).then_some((write, fault))).await;
            assert!(died.is_err(), "write {write}: {died:?}");
            let report = world.freeze(2, None).await.unwrap();
            assert_eq!((report.rows, report.revised), (1, 1), "write {write}, {fault:?}");
            let newest = world.newest().await;
            let expected = ["the other answer", "the whole answer at last"];
            assert_eq!(world.chosen_in(newest).await, expected, "write {write}, {fault:?}");
            world.verify().await.unwrap();
        }
    }
}

#[tokio::test]
async fn rows_that_leave_without_a_record_are_noticed() {
    let world = World::new();
    world.save(1, 0, "half an answer").await;
    world.save(2, 0, "the other answer").await;
    world.freeze(1, None).await.unwrap();
    world.save(1, 1, "the whole answer at last").await;
    let report = world.freeze(2, None).await.unwrap();
    let log = world.files("_delta_log", "json");
    let commit = log.iter().find(|file| file.ends_with(format!("{:020}.json", report.version))).unwrap();
    let text = std::fs::read_to_string(commit).unwrap();
    let tampered = text.replacen("],\"rows\":1}", "],\"rows\":0}", 1);
    assert_ne!(tampered, text);
    std::fs::write(commit, tampered).unwrap();
    let error = world.verify().await.unwrap_err();
    assert!(error.contains("its record was changed"), "{error}");
}
