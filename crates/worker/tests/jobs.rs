//! A worker on a lake in memory, with the embedded trainer on its golden run: crashes, duplicate deliveries, stops, and invalid
//! jobs.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flywheel_lake::{Fault, MemoryLake, ReplaceObject as _, WriteFile as _, WritePart as _};
use flywheel_trainer::{Job, Observer, TrainerError};
use flywheel_training::{RunReport, Sha256Hex};
use flywheel_worker::{Callback, Callbacks, Done, Jobs, PortError, Pulse, Received, RunFiles, Worker};
use serde_json::{Value, json};
use tempfile::TempDir;

const BUCKET: &str = "a-lake";
const OUTPUT: &str = "runs/golden/output/";

/// The calls to the queue and the workflow, in order.
#[derive(Debug, Clone, Default)]
struct World {
    jobs: Arc<Mutex<VecDeque<String>>>,
    events: Arc<Mutex<Vec<String>>>,
    task_is_gone: Arc<AtomicBool>,
}

impl World {
    fn with(body: impl Into<String>) -> Self {
        let world = Self::default();
        world.deliver(body);
        world
    }

    fn deliver(&self, body: impl Into<String>) {
        self.jobs.lock().unwrap().push_back(body.into());
    }

    fn note(&self, event: impl Into<String>) -> Callback {
        self.events.lock().unwrap().push(event.into());
        if self.task_is_gone.load(Ordering::Relaxed) { Callback::TaskGone } else { Callback::Accepted }
    }

    /// Returns the calls without heartbeats, whose number depends on time.
    fn events(&self) -> Vec<String> {
        let events = self.events.lock().unwrap();
        events.iter().filter(|event| !matches!(event.as_str(), "beat" | "hide 120")).cloned().collect()
    }
}

impl Jobs for World {
    async fn receive(&self) -> Result<Option<Received>, PortError> {
        let body = self.jobs.lock().unwrap().pop_front();
        Ok(body.map(|body| Received { body, receipt: "receipt".to_owned() }))
    }

    async fn hide(&self, _: &str, seconds: u16) -> Result<(), PortError> {
        self.note(format!("hide {seconds}"));
        Ok(())
    }

    async fn delete(&self, _: &str) -> Result<(), PortError> {
        self.note("delete");
        Ok(())
    }
}

impl Callbacks for World {
    async fn heartbeat(&self, _: &str) -> Result<Callback, PortError> {
        Ok(self.note("beat"))
    }

    async fn succeed(&self, _: &str, output: &str) -> Result<Callback, PortError> {
        Ok(self.note(format!("succeed {output}")))
    }

    async fn fail(&self, _: &str, error: &str, _: &str) -> Result<Callback, PortError> {
        Ok(self.note(format!("fail {error}")))
    }
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/tests/golden")
}

fn job() -> String {
    job_of("golden")
}

fn job_of(run: &str) -> String {
    let (input, output) = (format!("runs/{run}/input/"), format!("runs/{run}/output/"));
    json!({"task_token": "token", "run": run, "bucket": BUCKET, "input": input, "output": output}).to_string()
}

/// A lake with the golden run's input and base.
async fn lake() -> MemoryLake {
    let lake = MemoryLake::default();
    for (folder, prefix) in [("input", "runs/golden/input/"), ("base", "models/golden/")] {
        for file in std::fs::read_dir(golden().join(folder)).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            lake.write_file(&format!("{prefix}{name}"), &path).await.unwrap();
        }
    }
    lake
}

fn outputs(lake: &MemoryLake) -> BTreeMap<String, Vec<u8>> {
    lake.objects().into_iter().filter(|(key, _)| key.starts_with(OUTPUT)).collect()
}

async fn work<T>(world: &World, lake: &MemoryLake, folder: &TempDir, train: T) -> Done
where
    T: Fn(&Job, &mut Observer<'_>) -> Result<RunReport, TrainerError> + Clone + Send + 'static,
{
    let files = RunFiles::new(lake.clone(), BUCKET, folder.path());
    let pulse = Pulse { every: Duration::from_millis(5), ..Pulse::default() };
    let worker = Worker::new(world.clone(), world.clone(), files, pulse, train);
    worker.work(&Arc::new(AtomicBool::new(false))).await.unwrap()
}

fn trained() -> Done {
    Done::Trained("golden".parse().unwrap())
}

fn refuse(_: &Job, _: &mut Observer<'_>) -> Result<RunReport, TrainerError> {
    Err(TrainerError::Other("no".to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_whether_it_is_there_a_worker_answers_at_once_and_trains_nothing() {
    let asked = job().replacen('{', r#"{"request":"ready","#, 1);
    let (world, lake, folder) = (World::with(asked.clone()), lake().await, TempDir::new().unwrap());
    let done = work(&world, &lake, &folder, |_, _| panic!("nothing is trained")).await;
    assert_eq!(done, Done::Ready("golden".parse().unwrap()));
    assert_eq!(world.events(), [r#"succeed {"run":"golden"}"#, "delete"]);
    assert!(outputs(&lake).is_empty());
    // A question is deleted, too, once the workflow no longer waits for its answer.
    world.deliver(asked);
    world.task_is_gone.store(true, Ordering::Relaxed);
    assert_eq!(work(&world, &lake, &folder, |_, _| panic!("nothing is trained")).await, done);
    assert_eq!(world.events()[2..], [r#"succeed {"run":"golden"}"#, "delete"]);
    // Any other request is no job for this worker.
    let other = job().replacen('{', r#"{"request":"dance","#, 1);
    assert_eq!(work(&World::with(other), &lake, &folder, |_, _| panic!("nothing")).await, Done::NoSuchJob);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_trained_delivered_answered_and_deleted_in_this_order() {
    let (world, lake, folder) = (World::with(job()), lake().await, TempDir::new().unwrap());
    assert_eq!(work(&world, &lake, &folder, flywheel_trainer::run).await, trained());
    let names: Vec<_> = outputs(&lake).into_keys().map(|key| key.replace(OUTPUT, "")).collect();
    assert_eq!(names, ["adapter_config.json", "adapter_model.safetensors", "rows.jsonl", "run.json"]);
    let events = world.events();
    let answer: Value = serde_json::from_str(events[0].strip_prefix("succeed ").unwrap()).unwrap();
    assert_eq!((answer, &events[1..]), (json!({"run": "golden", "output": OUTPUT}), &["delete".to_owned()][..]));
    assert!(!folder.path().join("golden").exists() && folder.path().join("bases").exists());
    assert_eq!(work(&world, &lake, &folder, refuse).await, Done::NoJob);
}

/// Writes the golden run's input again as another run, which is evaluated against the golden run's adapter.
async fn put_run_against_the_golden_one(lake: &MemoryLake, run: &str) {
    for (key, body) in lake.objects().into_iter().filter(|(key, _)| key.starts_with("runs/golden/input/")) {
        let mut body = String::from_utf8(body).unwrap();
        if key.ends_with("run.json") {
            let sha256 = |file: &str| Sha256Hex::of(&lake.objects()[&format!("{OUTPUT}{file}")]);
            let mut described: Value = serde_json::from_str(&body).unwrap();
            described["run"] = json!(run);
            described["incumbent"] = json!({"adapter": "golden", "prefix": OUTPUT, "sha256": sha256("adapter_model.safetensors"),
                                            "config_sha256": sha256("adapter_config.json")});
            body = described.to_string();
        }
        lake.write_part(&key.replace("golden", run), body).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_live_adapter_is_brought_along_and_another_one_in_its_place_is_refused() {
    let (world, lake, folder) = (World::with(job()), lake().await, TempDir::new().unwrap());
    assert_eq!(work(&world, &lake, &folder, flywheel_trainer::run).await, trained());
    for run in ["second", "third"] {
        put_run_against_the_golden_one(&lake, run).await;
    }
    world.deliver(job_of("second"));
    assert_eq!(work(&world, &lake, &folder, flywheel_trainer::run).await, Done::Trained("second".parse().unwrap()));
    // The weights stay the same; the changed configuration scales them differently.
    let key = format!("{OUTPUT}adapter_config.json");
    let configuration = String::from_utf8(lake.objects()[&key].clone()).unwrap();
    let changed = configuration.replace("\"lora_alpha\": ", "\"lora_alpha\": 1");
    assert_ne!(changed, configuration);
    lake.replace_object(&key, changed).await.unwrap();
    world.deliver(job_of("third"));
    assert_eq!(work(&world, &lake, &folder, flywheel_trainer::run).await, Done::Refused("third".parse().unwrap()));
    assert_eq!(world.events()[4..], ["fail TrainingFailed", "delete"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_delivered_again_is_answered_and_not_trained_again() {
    let (world, lake, folder) = (World::with(job()), lake().await, TempDir::new().unwrap());
    work(&world, &lake, &folder, flywheel_trainer::run).await;
    let before = outputs(&lake);
    world.deliver(job());
    assert_eq!(work(&world, &lake, &folder, refuse).await, trained());
    assert_eq!(outputs(&lake), before);
    assert_eq!(world.events().last().unwrap(), "delete");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_write_fails_or_loses_its_answer_the_next_delivery_ends_the_same() {
    let (clean, folder) = (lake().await, TempDir::new().unwrap());
    work(&World::with(job()), &clean, &folder, flywheel_trainer::run).await;
    let but_the_report = |lake: &MemoryLake| {
        outputs(lake).into_iter().filter(|(key, _)| !key.ends_with("run.json")).collect::<BTreeMap<_, _>>()
    };
    for file in ["adapter_model", "adapter_config", "rows.jsonl", "output/run.json"] {
        for fault in [Fault::Refused, Fault::AnswerLost] {
            let (world, lake, folder) = (World::with(job()), lake().await, TempDir::new().unwrap());
            lake.fail_next_write(file, fault);
            let first = work(&world, &lake, &folder, flywheel_trainer::run).await;
            assert_eq!(first, Done::HandedBack("golden".parse().unwrap()), "{file}");
            assert_eq!(world.events(), ["hide 0"], "the job is back in the queue, and the workflow is not told");
            world.deliver(job());
            assert_eq!(work(&world, &lake, &folder, flywheel_trainer::run).await, trained(), "{file}");
            assert_eq!(but_the_report(&lake), but_the_report(&clean), "{file}");
            assert_eq!(world.events().last().unwrap(), "delete");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_not_mixed_from_two_workers() {
    let (world, lake, folder) = (World::with(job()), lake().await, TempDir::new().unwrap());
    lake.write_file(&format!("{OUTPUT}rows.jsonl"), &golden().join("input/train.jsonl")).await.unwrap();
    let done = work(&world, &lake, &folder, flywheel_trainer::run).await;
    assert_eq!(done, Done::Refused("golden".parse().unwrap()));
    assert!(!outputs(&lake).contains_key(&format!("{OUTPUT}run.json")), "without a report it is no output");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_that_nobody_waits_for_ends() {
    let (world, lake, folder) = (World::with(job()), lake().await, TempDir::new().unwrap());
    world.task_is_gone.store(true, Ordering::Relaxed);
    // Training begins after the first heartbeat is answered.
    let late = |job: &Job, observer: &mut Observer<'_>| {
        std::thread::sleep(Duration::from_millis(200));
        flywheel_trainer::run(job, observer)
    };
    assert_eq!(work(&world, &lake, &folder, late).await, Done::Cancelled("golden".parse().unwrap()));
    assert_eq!((world.events(), outputs(&lake).len()), (vec!["delete".to_owned()], 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_stopped_hands_its_job_back_and_the_next_goes_on() {
    let (world, lake, folder) = (World::with(job()), lake().await, TempDir::new().unwrap());
    let files = RunFiles::new(lake.clone(), BUCKET, folder.path());
    let worker = Worker::new(world.clone(), world.clone(), files, Pulse::default(), flywheel_trainer::run);
    let done = worker.work(&Arc::new(AtomicBool::new(true))).await.unwrap();
    assert_eq!(done, Done::HandedBack("golden".parse().unwrap()));
    assert_eq!((world.events(), outputs(&lake).len()), (vec!["hide 0".to_owned()], 0));
    world.deliver(job());
    assert_eq!(work(&world, &lake, &folder, flywheel_trainer::run).await, trained());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_stopped_does_not_say_that_it_is_there() {
    let asked = job().replacen('{', r#"{"request":"ready","#, 1);
    let (world, lake, folder) = (World::with(asked), lake().await, TempDir::new().unwrap());
    let files = RunFiles::new(lake.clone(), BUCKET, folder.path());
    let worker = Worker::new(world.clone(), world.clone(), files, Pulse::default(), flywheel_trainer::run);
    let done = worker.work(&Arc::new(AtomicBool::new(true))).await.unwrap();
    assert_eq!((done, world.events()), (Done::HandedBack("golden".parse().unwrap()), vec!["hide 0".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_train_is_refused_and_the_workflow_hears_why() {
    let refused = || Done::Refused("golden".parse().unwrap());
    let (world, folder) = (World::with(job()), TempDir::new().unwrap());
    assert_eq!(work(&world, &MemoryLake::default(), &folder, refuse).await, refused());
    assert_eq!(world.events(), ["fail UnusableRun", "delete"]);

    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let panics = move |_: &Job, _: &mut Observer<'_>| {
        counted.fetch_add(1, Ordering::Relaxed);
        panic!("in the trainer")
    };
    let world = World::with(job());
    assert_eq!(work(&world, &lake().await, &folder, panics).await, refused());
    assert_eq!(
        (world.events(), calls.load(Ordering::Relaxed)),
        (vec!["fail TrainingFailed".to_owned(), "delete".to_owned()], 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_job_of_this_lake_is_left_to_the_dead_letters() {
    let (lake, folder) = (lake().await, TempDir::new().unwrap());
    for body in ["", "{}", &job().replace(BUCKET, "another-lake"), &job().replace("golden", "../golden")] {
        let world = World::with(body);
        assert_eq!(work(&world, &lake, &folder, refuse).await, Done::NoSuchJob, "{body}");
        assert_eq!(world.events(), Vec::<String>::new());
    }
}

/// The local cloud ignores the condition on `If-None-Match`, so no test of the deployed stack would miss it.
#[test]
fn by_its_policy_a_worker_writes_each_object_once_and_reads_neither_reviews_nor_verdicts() {
    let template = include_str!("../../../infra/template.yaml");
    let (_, policy) = template.split_once("\n  WorkerPolicy:\n").unwrap();
    let (policy, _) = policy.split_once("\n\n").unwrap();
    let (_, denied) = policy.split_once("Effect: Deny").unwrap();
    for condition in [r#""Null": { "s3:if-none-match": "true" }"#, r#"Bool: { "s3:ObjectCreationOperation": "true" }"#]
    {
        assert!(denied.contains(condition), "{policy}");
    }
    for wide in ["}/runs/*\"", "}/runs/*\n", "}/*\""] {
        assert!(!policy.contains(wide), "{wide}: {policy}");
    }
}
