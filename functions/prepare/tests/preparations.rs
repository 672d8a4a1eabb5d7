//! Prepares runs on a real Delta table in a folder, from a lake in memory: repeated, concurrent, and after crashes.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use flywheel_base::instant::Millis;
use flywheel_curation::{Batch, Curator};
use flywheel_dataset::DatasetRules;
use flywheel_freeze::{FreezeRequest, Freezer};
use flywheel_lake::{
    EraseObject as _, Fault, LoadLive as _, MemoryLake, MoveLive as _, ReplaceObject as _, WritePart as _,
};
use flywheel_log::{BreakerBounds, Goal};
use flywheel_policy::Policy;
use flywheel_prepare::{PrepareError, Prepared, Preparer, Readiness, RunRequest};
use flywheel_table::DeltaDataset;
use flywheel_training::{
    DatasetVersion, HeldOutRow, InputFile, LiveAdapter, LiveCause, LiveModel, PairRow, ReplayRow, RunDescription,
    Sha256Hex, prompt_key,
};
use serde_json::json;
use tempfile::TempDir;

const NOW: Millis = 1_795_342_830_007;
const RUN: &str = "crossing-000001-attempt-1";
const PAIRS: u32 = 120;
const LIKED: u32 = 60;

struct World {
    lake: MemoryLake,
    folder: TempDir,
}

impl World {
    /// A lake with a frozen version, liked outputs and a base.
    async fn new() -> Self {
        let world = Self { lake: MemoryLake::default(), folder: TempDir::new().unwrap() };
        world.pairs(0..PAIRS).await;
        world.liked(0..LIKED, NOW).await;
        world.freeze(1).await;
        world.base("tiny").await;
        world
    }

    fn dataset(&self) -> DeltaDataset {
        DeltaDataset::at(url::Url::from_directory_path(self.folder.path()).unwrap())
    }

    fn preparer(&self) -> Preparer<MemoryLake> {
        Preparer::new(self.lake.clone(), self.dataset(), || NOW + 120_000)
    }

    async fn prepare(&self, run: &str) -> Result<Prepared, PrepareError> {
        self.preparer().prepare(RunRequest { run: run.parse().unwrap(), version: 1 }).await
    }

    async fn freeze(&self, crossing: u64) {
        // All texts are alike.
        let rules = DatasetRules { burst_pairs: 10_000, near_duplicate_from: 1.1, ..DatasetRules::default() };
        let freezer = Freezer::new(self.lake.clone(), self.dataset(), rules, BreakerBounds::default(), || NOW + 60_000);
        let goal = Goal { threshold: 1, ..Goal::default() };
        freezer.freeze(FreezeRequest { crossing, goal }).await.unwrap();
    }

    async fn base(&self, id: &str) {
        let base = json!({"id": id, "prefix": "models/tiny/", "files": {"model.safetensors": Sha256Hex::of(b"base")},
                          "recipe": {"training": {"learning_rate": 0.001}, "seed": 7}});
        self.lake.replace_object("models/base.json", base.to_string()).await.unwrap();
    }

    /// Writes edits with different words, some of chats.
    async fn pairs(&self, numbers: std::ops::Range<u32>) {
        self.curate(NOW, numbers.map(|n| {
            let prompt = if n % 3 == 0 { json!([{"role": "user", "content": format!("chat {n}")}]) } else { json!(format!("question {n}")) };
            json!({"event_id": format!("pair-{n}"), "prompt": prompt, "original_llm_output": format!("the answer {n} is on page {n} of the book"),
                   "final_user_edit": format!("answer {n}: see page {n}, and w{} v{}", n * 7, n * 13)})
        })).await;
    }

    async fn liked(&self, numbers: std::ops::Range<u32>, at: Millis) {
        self.curate(at, numbers.map(|n| {
            json!({"event_id": format!("liked-{n}"), "prompt": format!("liked question {n}"), "original_llm_output": format!("a fine answer {n}"), "kind": "thumbs_up"})
        })).await;
    }

    /// Writes liked outputs, each in a part of its own.
    async fn liked_in_parts(&self, parts: impl Iterator<Item = (u32, Millis)>) {
        let mut policy = Policy::default();
        policy.curation.sampling.thumbs_up = 1.0;
        let curator = Curator::new(policy, None);
        for (n, at) in parts {
            let event = json!({"event_id": format!("liked-{n}"), "prompt": format!("liked question {n}"), "original_llm_output": format!("a fine answer {n}"), "kind": "thumbs_up"});
            let mut batch = Batch::default();
            batch.add(curator.curate(&event.to_string(), at).unwrap(), ());
            for part in batch.into_parts(at) {
                self.lake.write_part(&part.name.key(part.route), part.body).await.unwrap();
            }
        }
    }

    async fn curate(&self, at: Millis, events: impl Iterator<Item = serde_json::Value>) {
        let mut policy = Policy::default();
        policy.curation.sampling.thumbs_up = 1.0;
        let curator = Curator::new(policy, None);
        let mut batch = Batch::default();
        events.for_each(|event| batch.add(curator.curate(&event.to_string(), at).unwrap(), ()));
        self.lake.set_clock(at);
        for part in batch.into_parts(at) {
            self.lake.write_part(&part.name.key(part.route), part.body).await.unwrap();
        }
    }

    async fn make_live(&self, version: u64, digest: Option<String>, base: &str) {
        let loaded = self.lake.load_live().await.unwrap();
        let adapter = LiveAdapter {
            adapter: format!("run-{version}").parse().unwrap(),
            prefix: format!("runs/run-{version}/output/"),
            sha256: Sha256Hex::of(b"weights"),
            config_sha256: Sha256Hex::of(b"configuration"),
            base: base.to_owned(),
            dataset: DatasetVersion { version, digest },
        };
        for (file, body) in [("adapter_model.safetensors", "weights"), ("adapter_config.json", "configuration")] {
            self.lake.replace_object(&format!("{}{file}", adapter.prefix), body.to_owned()).await.unwrap();
        }
        let next = loaded.live.promoted(adapter, loaded.live.incumbent().as_ref(), LiveCause::Gate, NOW).unwrap();
        self.lake.move_live(&loaded, &next).await.unwrap();
    }

    fn input(&self, run: &str) -> BTreeMap<String, Vec<u8>> {
        self.lake.objects().into_iter().filter(|(key, _)| key.starts_with(&format!("runs/{run}/"))).collect()
    }

    fn description(&self, run: &str) -> RunDescription {
        let stored = &self.input(run)[&format!("runs/{run}/input/run.json")];
        RunDescription::parse(std::str::from_utf8(stored).unwrap()).unwrap()
    }

    fn lines(&self, run: &str, file: InputFile) -> Vec<String> {
        let stored = &self.input(run)[&format!("runs/{run}/input/{}", file.as_str())];
        std::str::from_utf8(stored).unwrap().lines().map(str::to_owned).collect()
    }

    fn pair_rows(&self, run: &str, file: InputFile) -> Vec<PairRow> {
        self.lines(run, file).iter().map(|line| PairRow::parse(file, 1, line).unwrap()).collect()
    }

    /// Returns the held-out pairs' prompts: the new ones and the others.
    fn held_out(&self, run: &str) -> [BTreeSet<String>; 2] {
        let rows = self.lines(run, InputFile::HeldOut).into_iter().map(|line| HeldOutRow::parse(1, &line).unwrap());
        let (new, known): (Vec<_>, Vec<_>) = rows.partition(|row| row.is_new);
        [new, known].map(|rows| rows.into_iter().map(|row| row.pair.prompt).collect())
    }

    fn replay_rows(&self, run: &str, file: InputFile) -> Vec<ReplayRow> {
        self.lines(run, file).iter().map(|line| ReplayRow::parse(file, 1, line).unwrap()).collect()
    }
}

#[tokio::test]
async fn a_held_out_pair_is_new_if_the_live_adapter_was_trained_without_it() {
    let world = World::new().await;
    world.prepare(RUN).await.unwrap();
    let [first, none] = world.held_out(RUN);
    assert!(!first.is_empty() && none.is_empty(), "without a live adapter all are new");
    world.make_live(1, None, "tiny").await;
    world.pairs(PAIRS..2 * PAIRS).await;
    world.freeze(2).await;
    let run = "crossing-000002-attempt-1";
    let second = RunRequest { run: run.parse().unwrap(), version: 2 };
    world.preparer().prepare(second).await.unwrap();
    let [new, known] = world.held_out(run);
    assert_eq!(known, first);
    assert!(!new.is_empty() && new.is_disjoint(&known));
    // A training on a version that does not exist any more counts as unknown.
    let world = World::new().await;
    world.make_live(7, None, "tiny").await;
    world.prepare(RUN).await.unwrap();
    let [all, none] = world.held_out(RUN);
    assert!(!all.is_empty() && none.is_empty());
}

#[tokio::test]
async fn a_version_is_split_and_described() {
    let world = World::new().await;
    let prepared = world.prepare(RUN).await.unwrap();
    assert_eq!(prepared.readiness, Readiness::Ready);
    assert_eq!((prepared.train + prepared.held_out, prepared.version), (u64::from(PAIRS), 1));
    assert_eq!(prepared.replay_train + prepared.replay_held_out, u64::from(LIKED));
    assert!(prepared.held_out > 0 && prepared.train > 60, "{prepared:?}");
    assert_eq!(prepared.incumbent, format!("runs/{RUN}/input/"));

    let description = world.description(RUN);
    assert_eq!(
        (description.base.id.as_str(), description.training.learning_rate, description.seed),
        ("tiny", 0.001, 7)
    );
    assert!(description.dataset.digest.is_some() && description.incumbent.is_none());
    for file in InputFile::ALL {
        let bytes = &world.input(RUN)[&format!("runs/{RUN}/input/{}", file.as_str())];
        let digest = description.file(file).unwrap();
        assert_eq!((&digest.sha256, digest.rows), (&Sha256Hex::of(bytes), world.lines(RUN, file).len() as u64));
    }
    let (train, held_out) = (world.pair_rows(RUN, InputFile::Train), world.pair_rows(RUN, InputFile::HeldOut));
    let (replay_train, replay_held_out) =
        (world.replay_rows(RUN, InputFile::ReplayTrain), world.replay_rows(RUN, InputFile::ReplayHeldOut));
    let keys = |pairs: &[PairRow], replay: &[ReplayRow]| -> BTreeSet<u64> {
        pairs
            .iter()
            .map(|row| prompt_key(&row.prompt))
            .chain(replay.iter().map(|row| prompt_key(&row.prompt)))
            .collect()
    };
    assert!(keys(&train, &replay_train).is_disjoint(&keys(&held_out, &replay_held_out)));
    let chats = train.iter().chain(&held_out).filter(|row| row.prompt_messages.is_some());
    assert_eq!(chats.count() as u32, PAIRS.div_ceil(3));
    assert_eq!(replay_train[0].completion, replay_train[0].prompt.replace("liked question", "a fine answer"));
}

#[tokio::test]
async fn prepared_again_it_is_the_same_whatever_came_in_between() {
    let world = World::new().await;
    let first = (world.prepare(RUN).await.unwrap(), world.input(RUN));
    assert_eq!((world.prepare(RUN).await.unwrap(), world.input(RUN)), first);
    world.liked(LIKED..2 * LIKED, NOW + 1).await;
    world.liked(0..LIKED, NOW + 2).await;
    world.base("tiny").await;
    assert_eq!((world.prepare(RUN).await.unwrap(), world.input(RUN)), first);
    // Another run of the same version includes later liked outputs, and redelivered ones once.
    let second = world.prepare("another").await.unwrap();
    assert_eq!(second.replay_train + second.replay_held_out, 2 * u64::from(LIKED));
    assert_eq!((second.train, second.held_out), (first.0.train, first.0.held_out));
    assert_eq!(world.lines("another", InputFile::Train), world.lines(RUN, InputFile::Train));
}

#[tokio::test]
async fn a_run_is_dated_when_it_is_first_described() {
    let world = World::new().await;
    world.prepare(RUN).await.unwrap();
    assert_eq!(world.description(RUN).prepared_at.as_deref(), Some("2026-11-22T10:22:30.007Z"));
    let tomorrow = Preparer::new(world.lake.clone(), world.dataset(), || NOW + 86_400_000);
    tomorrow.prepare(RunRequest { run: RUN.parse().unwrap(), version: 1 }).await.unwrap();
    assert_eq!(world.description(RUN).prepared_at.as_deref(), Some("2026-11-22T10:22:30.007Z"));
}

#[tokio::test]
async fn after_a_death_anywhere_the_description_is_of_what_is_there() {
    for part in ["train.jsonl", "heldout.jsonl", "replay_train.jsonl", "replay_heldout.jsonl", "input/run.json"] {
        for fault in [Fault::Refused, Fault::AnswerLost] {
            let world = World::new().await;
            world.lake.fail_next_write(part, fault);
            assert!(matches!(world.prepare(RUN).await, Err(PrepareError::Lake(_))), "{part} {fault:?}");
            world.liked(LIKED..2 * LIKED, NOW + 1).await;
            let prepared = world.prepare(RUN).await.unwrap();
            assert_eq!(prepared.readiness, Readiness::Ready);
            let description = world.description(RUN);
            for file in InputFile::ALL {
                let bytes = &world.input(RUN)[&format!("runs/{RUN}/input/{}", file.as_str())];
                assert_eq!(description.file(file).unwrap().sha256, Sha256Hex::of(bytes), "{part} {fault:?}");
            }
        }
    }
}

#[tokio::test]
async fn two_at_once_describe_the_same_objects() {
    let world = World::new().await;
    let (one, other) = tokio::join!(world.prepare(RUN), world.prepare(RUN));
    assert_eq!(one.unwrap(), other.unwrap());
}

#[tokio::test]
async fn the_live_adapter_is_the_incumbent() {
    let world = World::new().await;
    world.make_live(0, None, "tiny").await;
    let prepared = world.prepare(RUN).await.unwrap();
    assert_eq!((prepared.incumbent.as_str(), prepared.readiness), ("runs/run-0/output/", Readiness::Ready));
    assert_eq!(world.description(RUN).incumbent, world.lake.load_live().await.unwrap().live.incumbent());
}

#[tokio::test]
async fn a_live_adapter_whose_bytes_changed_since_its_promotion_is_named() {
    for file in ["adapter_model.safetensors", "adapter_config.json"] {
        let world = World::new().await;
        world.make_live(0, None, "tiny").await;
        let key = format!("runs/run-0/output/{file}");
        for change in ["other bytes", ""] {
            world.lake.replace_object(&key, change.to_owned()).await.unwrap();
            let error = world.prepare(RUN).await.unwrap_err();
            assert!(matches!(error, PrepareError::LiveAdapterChanged { .. }), "{error}");
            assert!(error.to_string().starts_with(&key) && error.to_string().contains("flywheel demote"), "{error}");
        }
        world.lake.erase_object(&key).await.unwrap();
        assert!(matches!(world.prepare(RUN).await, Err(PrepareError::LiveAdapterChanged { .. })));
        assert!(world.input(RUN).is_empty(), "nothing is written");
    }
}

#[tokio::test]
async fn the_liked_outputs_of_many_parts_are_read_at_once_and_in_their_order() {
    const PARTS: u32 = 200;
    let world = World::new().await;
    world.liked_in_parts((0..PARTS).map(|part| (LIKED + part, NOW + 1 + u64::from(part)))).await;
    world.lake.delay_reads(Duration::ZERO);
    world.prepare("without-delay").await.unwrap();
    let delay = Duration::from_millis(20);
    world.lake.delay_reads(delay);
    let started = Instant::now();
    world.prepare(RUN).await.unwrap();
    assert!(started.elapsed() < PARTS * delay, "{:?}", started.elapsed());
    assert_eq!(world.lake.most_reads_at_once(), 16);
    for file in [InputFile::ReplayTrain, InputFile::ReplayHeldOut] {
        assert_eq!(world.lines(RUN, file), world.lines("without-delay", file));
    }
    let of_parts = world.replay_rows(RUN, InputFile::ReplayTrain);
    let numbers: Vec<u32> = of_parts.iter().map(|row| row.event_id["liked-".len()..].parse().unwrap()).collect();
    assert!(numbers.is_sorted() && numbers.len() > 200, "not as if they were read one after the other: {numbers:?}");
}

#[tokio::test]
async fn a_run_reads_the_liked_outputs_that_are_new_and_its_rows_are_as_if_it_read_all() {
    const OLD: u32 = 520;
    let day = 86_400_000;
    let world = World::new().await;
    // Half of the events come twice.
    world.liked_in_parts((0..OLD).map(|part| (LIKED + part - part % 50 % 2, NOW - 9 * day + u64::from(part)))).await;
    let reads = async |run: &str| {
        let before = world.lake.reads();
        world.prepare(run).await.unwrap();
        world.lake.reads() - before
    };
    let compactions = || world.lake.objects().into_keys().filter(|key| key.contains("replay_log-")).collect::<Vec<_>>();
    let of_all = reads("first").await;
    assert_eq!(compactions().len(), 1, "the newest part is not settled, the others are");
    assert!(compactions()[0].starts_with("runs/first/input/replay_log-") && compactions()[0].ends_with(".jsonl"));
    world.liked_in_parts([(2_000, NOW + 4), (LIKED, NOW + 5), (2_001, NOW + 6)].into_iter()).await;
    let of_new = reads("second").await;
    assert!(of_new + u64::from(OLD) / 2 < of_all, "{of_new} of {of_all} reads");
    assert_eq!(compactions().len(), 1, "few parts are new");
    // Without the compaction, as on a lake from before there was any, all parts are read. The rows are the same.
    world.lake.erase_object(&compactions()[0]).await.unwrap();
    reads("without").await;
    for file in [InputFile::ReplayTrain, InputFile::ReplayHeldOut] {
        assert_eq!(world.lines("second", file), world.lines("without", file));
        assert!(!world.lines("second", file).is_empty());
    }
    let damaged = compactions().pop().unwrap();
    world.lake.replace_object(&damaged, "{}\n".to_owned()).await.unwrap();
    assert!(matches!(world.prepare("third").await, Err(PrepareError::CorruptPart { key }) if key == damaged));
    // A part in the place of another one, as an erasure leaves it, has another name. The older compaction is not used any more.
    let replaced = world.lake.objects().into_keys().find(|key| key.starts_with("dpo_gold_v1/route=replay/")).unwrap();
    world.lake.erase_object(&replaced).await.unwrap();
    world.liked_in_parts([(3_000, NOW - 9 * day)].into_iter()).await;
    assert!(reads("replaced").await >= u64::from(OLD));
    let has_new_row = |file| world.replay_rows("replaced", file).iter().any(|row| row.event_id == "liked-3000");
    assert!(has_new_row(InputFile::ReplayTrain) || has_new_row(InputFile::ReplayHeldOut));
    assert_eq!(compactions().len(), 2, "there is one for the parts as they are now");
}

#[tokio::test]
async fn liked_outputs_of_two_senders_with_one_id_both_count() {
    let world = World::new().await;
    let line = |event_id: &str, event_key: Option<&str>, n: u32| {
        let context: Vec<_> =
            event_key.map(|key| json!({"key": "flywheel.event_key", "value": key})).into_iter().collect();
        json!({"event_id": event_id, "prompt": format!("another question {n}"), "chosen": "fine", "context": context})
            .to_string()
            + "\n"
    };
    let (one, other) = (Some("key-of-one"), Some("key-of-another"));
    // The third is a redelivery. Ids that differ in case are two.
    let lines = [
        line("order-1001", one, 1),
        line("order-1001", other, 2),
        line("order-1001", other, 2),
        line("Order-7", None, 3),
        line("order-7", None, 4),
    ];
    let name = flywheel_log::PartName { written_at: NOW + 1, digest: "1".repeat(32), rows: lines.len() as u64 };
    world.lake.write_part(&name.key(flywheel_base::Route::Replay), lines.concat()).await.unwrap();
    let prepared = world.prepare(RUN).await.unwrap();
    assert_eq!(prepared.replay_train + prepared.replay_held_out, u64::from(LIKED) + 4);
}

#[tokio::test]
async fn what_an_earlier_attempt_brought_live_is_not_trained_again() {
    let world = World::new().await;
    world.prepare(RUN).await.unwrap();
    world.make_live(1, world.description(RUN).dataset.digest, "tiny").await;
    assert_eq!(world.prepare("crossing-000001-attempt-2").await.unwrap().readiness, Readiness::AlreadyLive);
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let world = World { lake: MemoryLake::default(), folder: TempDir::new().unwrap() };
    assert!(matches!(world.prepare(RUN).await, Err(PrepareError::NoBase)));
    world.base("tiny").await;
    assert!(matches!(world.prepare(RUN).await, Err(PrepareError::NoVersion(1))));
    world.lake.replace_object("models/base.json", "{}".to_owned()).await.unwrap();
    assert!(matches!(world.prepare(RUN).await, Err(PrepareError::Unusable(_))));

    let world = World::new().await;
    world.make_live(0, None, "another").await;
    let error = world.prepare(RUN).await.unwrap_err();
    assert!(error.to_string().contains("demote --to base"), "{error}");

    let world = World::new().await;
    let damaged = flywheel_log::PartName { written_at: NOW, digest: "0".repeat(32), rows: 1 };
    world.lake.write_part(&damaged.key(flywheel_base::Route::Replay), "damaged\n".to_owned()).await.unwrap();
    assert!(matches!(world.prepare(RUN).await, Err(PrepareError::CorruptPart { .. })));
    assert_eq!(LiveModel::default(), world.lake.load_live().await.unwrap().live);
}

#[tokio::test]
async fn without_a_pair_on_each_side_there_is_nothing_to_do() {
    let world = World { lake: MemoryLake::default(), folder: TempDir::new().unwrap() };
    world.pairs(0..1).await;
    world.freeze(1).await;
    world.base("tiny").await;
    let prepared = world.prepare(RUN).await.unwrap();
    let expected = if prepared.train == 0 { Readiness::NothingToTrainOn } else { Readiness::NothingToMeasureOn };
    assert_eq!((prepared.train + prepared.held_out, prepared.readiness), (1, expected));
}

#[tokio::test]
async fn a_prompt_with_an_image_is_not_trained_on_and_one_with_tool_calls_is_in_its_plain_form() {
    let world = World { lake: MemoryLake::default(), folder: TempDir::new().unwrap() };
    world.pairs(0..PAIRS).await;
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,YWJj"}});
    let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}});
    let edit = |id: &str, prompt: serde_json::Value| {
        json!({"event_id": id, "prompt": prompt, "original_llm_output": format!("the answer to {id} is on page 7 of the book"),
               "final_user_edit": format!("answer to {id}: see page 7, and the index of the book")})
    };
    let with_image = json!([{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}]);
    let with_call =
        json!([{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": "2"}]);
    let mut liked = edit("liked-image", with_image.clone());
    liked["kind"] = json!("thumbs_up");
    liked.as_object_mut().unwrap().remove("final_user_edit");
    world.curate(NOW + 1, [edit("image", with_image), edit("call", with_call), liked].into_iter()).await;
    world.freeze(1).await;
    world.base("tiny").await;
    let prepared = world.prepare(RUN).await.unwrap();
    assert_eq!(prepared.train + prepared.held_out, u64::from(PAIRS) + 1);
    assert_eq!(prepared.replay_train + prepared.replay_held_out, 0);
    let held_out = world.lines(RUN, InputFile::HeldOut);
    let lines = [world.lines(RUN, InputFile::Train), held_out].concat();
    let of_call = lines.iter().find(|line| line.contains("tool call c")).unwrap();
    let row: serde_json::Value = serde_json::from_str(of_call).unwrap();
    assert_eq!(row["prompt_messages"][0], json!({"role": "assistant", "content": "[tool call c: f {\"a\":1}]"}));
    assert!(lines.iter().all(|line| !line.contains("sha256:")));
}
