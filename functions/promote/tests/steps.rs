//! The three steps on a lake in memory, with failing writes, lost answers, and operators in between.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use flywheel_gate::{GateVerdict, Ruling};
use flywheel_lake::{Fault, LoadLive as _, LoadedLive, MemoryLake, MoveLive as _, ReplaceObject as _, WritePart as _};
use flywheel_policy::Policy;
use flywheel_promote::{Answer, Outcome, PromoteError, Promoter, Step};
use flywheel_runtime::{Metric, Metrics};
use flywheel_training::{
    DatasetVersion, HeldOutRow, Incumbent, InputDigest, InputFile, LiveCause, LiveModel, ModelFiles, OutputFile,
    PairRow, Recipe, ReplayRow, Review, RolledBack, RunDescription, RunName, RunReport, ScoredPair, ScoredPairSide,
    ScoredReplay, ScoredReplaySide, ScoredRow, Sha256Hex, Trainer,
};

const NOW: u64 = 1_795_342_830_007;

/// The quality of a run's adapter.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Good,
    TooFewRows,
    Broken,
}

fn asking(number: u64, task_token: &str) -> Step {
    Step::Ask { run: name(number), task_token: task_token.to_owned() }
}

struct World {
    lake: MemoryLake,
}

fn name(number: u64) -> RunName {
    format!("run-{number}").parse().unwrap()
}

fn output(number: u64) -> String {
    name(number).output_folder()
}

fn pair(number: usize, kind: Kind) -> (PairRow, ScoredRow) {
    let row = PairRow {
        pair_id: format!("p{number}"),
        prompt: format!("How is item {number} closed?"),
        prompt_messages: None,
        chosen: format!("Call close({number}) and wait for it."),
        rejected: format!("Set item {number} to none."),
    };
    let side = |logp: f64, output: &str| ScoredPairSide {
        logp_chosen: Some(logp),
        logp_rejected: Some(-2.0),
        output: output.to_owned(),
    };
    let candidate = if kind == Kind::Broken { side(-30.0, &row.rejected) } else { side(-1.0, &row.chosen) };
    let scored = ScoredPair {
        pair_id: row.pair_id.clone(),
        chosen_tokens: 9,
        rejected_tokens: 9,
        equal: false,
        incumbent: side(-5.0, &row.rejected),
        candidate,
    };
    (row, ScoredRow::Pair(scored))
}

/// The configuration of the default recipe's adapter.
const CONFIGURATION: &str =
    r#"{"peft_type":"LORA","task_type":"CAUSAL_LM","r":8,"lora_alpha":16,"target_modules":["q_proj"],"bias":"none"}"#;

/// Returns the weights of an adapter, as a text: each value is made of ASCII characters, and finite. The run's number is among
/// the metadata.
fn weights(number: u64) -> String {
    let header = format!(
        r#"{{"__metadata__":{{"run":"{number:04}"}},
        "base_model.model.model.layers.0.q_proj.lora_A.weight":{{"dtype":"F16","shape":[8,2],"data_offsets":[0,32]}},
        "base_model.model.model.layers.0.q_proj.lora_B.weight":{{"dtype":"F16","shape":[2,8],"data_offsets":[32,64]}}}}"#
    );
    // A text has no byte above 127: the length of the header has to be one, so it is filled up to a multiple of 256.
    let header = format!("{header:<512}");
    let length = String::from_utf8((header.len() as u64).to_le_bytes().to_vec()).unwrap();
    format!("{length}{header}{}", "11".repeat(32))
}

fn held_out(row: &PairRow) -> String {
    serde_json::to_string(&HeldOutRow { pair: row.clone(), is_new: true }).unwrap()
}

fn replay(number: usize) -> (ReplayRow, ScoredRow) {
    let row = ReplayRow {
        event_id: format!("e{number}"),
        prompt: format!("What is {number} plus one?"),
        prompt_messages: None,
        completion: format!("{}", number + 1),
    };
    let side = ScoredReplaySide { logp: Some(-0.5) };
    let scored = ScoredReplay { event_id: row.event_id.clone(), tokens: 2, incumbent: side, candidate: side };
    (row, ScoredRow::Replay(scored))
}

impl World {
    fn new() -> Self {
        Self { lake: MemoryLake::default() }
    }

    fn promoter(&self) -> Promoter<MemoryLake> {
        Promoter::new(self.lake.clone(), Policy::default(), || NOW)
    }

    async fn put(&self, key: &str, body: &str) {
        self.lake.replace_object(key, body.to_owned()).await.unwrap();
    }

    async fn live(&self) -> LoadedLive {
        self.lake.load_live().await.unwrap()
    }

    /// Writes the files of preparation and a trainer for a run on dataset version `number`.
    async fn trained(&self, number: u64, incumbent: Option<Incumbent>, kind: Kind) {
        let run = name(number);
        let pairs: Vec<_> = (0..if kind == Kind::TooFewRows { 150 } else { 250 }).map(|n| pair(n, kind)).collect();
        let replays: Vec<_> = (0..120).map(replay).collect();
        let lines = |rows: Vec<String>| rows.into_iter().map(|row| row + "\n").collect::<String>();
        let inputs = [
            (InputFile::Train, lines(vec![serde_json::to_string(&pair(9_999, kind).0).unwrap()])),
            (InputFile::HeldOut, lines(pairs.iter().map(|(row, _)| held_out(row)).collect())),
            (InputFile::ReplayTrain, String::new()),
            (
                InputFile::ReplayHeldOut,
                lines(replays.iter().map(|(row, _)| serde_json::to_string(row).unwrap()).collect()),
            ),
        ];
        let digest =
            |body: &str| InputDigest { sha256: Sha256Hex::of(body.as_bytes()), rows: body.lines().count() as u64 };
        let base = ModelFiles {
            id: "tiny".to_owned(),
            prefix: "models/tiny/".to_owned(),
            files: [("model.safetensors".to_owned(), Sha256Hex::of(b"base"))].into(),
        };
        let Recipe { objective, lora, training, generation, seed } = Recipe::default();
        let description = RunDescription {
            run: run.clone(),
            dataset: DatasetVersion { version: number, digest: None },
            base: base.clone(),
            incumbent,
            files: inputs.iter().map(|(file, body)| (*file, digest(body))).collect(),
            objective,
            lora,
            training,
            generation,
            seed,
            prepared_at: None,
        };
        let description = description.to_json().unwrap();
        let scored = pairs.iter().map(|(_, row)| row).chain(replays.iter().map(|(_, row)| row));
        let scored = lines(scored.map(|row| row.to_json().unwrap()).collect());
        let (weights, configuration) = (weights(number), CONFIGURATION);
        let report = RunReport {
            run: run.clone(),
            input_sha256: Sha256Hex::of(description.as_bytes()),
            base_files: base.files,
            adapter_sha256: Sha256Hex::of(weights.as_bytes()),
            config_sha256: Sha256Hex::of(configuration.as_bytes()),
            rows_sha256: Sha256Hex::of(scored.as_bytes()),
            rows: scored.lines().count() as u64,
            truncated: 0,
            dropped: 0,
            left_out: [].into(),
            trainer: Trainer { name: "test".to_owned(), version: "1".to_owned() },
            seconds: 1.0,
            summary: serde_json::Value::Null,
        };
        for (file, body) in &inputs {
            self.put(&run.input_key(*file), body).await;
        }
        self.put(&run.description_key(), &description).await;
        self.put(&run.output_key(OutputFile::Adapter), &weights).await;
        self.put(&run.output_key(OutputFile::Config), configuration).await;
        self.put(&run.output_key(OutputFile::Rows), &scored).await;
        self.put(&run.output_key(OutputFile::Report), &report.to_json().unwrap()).await;
    }

    async fn evaluate(&self, number: u64) -> Result<(Ruling, Vec<String>), PromoteError> {
        let step = Step::Evaluate { run: name(number), output: output(number) };
        match self.promoter().take(step).await? {
            Answer::Evaluated(evaluated) => Ok((evaluated.ruling, evaluated.reasons)),
            other => panic!("{other:?}"),
        }
    }

    async fn promote(&self, number: u64, who: Option<&str>) -> Result<Outcome, PromoteError> {
        let step =
            Step::Promote { run: name(number), who: who.map(str::to_owned), why: who.map(|_| "fine".to_owned()) };
        match self.promoter().take(step).await? {
            Answer::Promoted(promoted) => Ok(promoted.outcome),
            other => panic!("{other:?}"),
        }
    }

    async fn ask(&self, number: u64, task_token: &str) -> Result<Answer, PromoteError> {
        self.promoter().take(asking(number, task_token)).await
    }

    /// Moves the live adapter as `flywheel rollback` does from version `below - 1` to `above`.
    async fn roll_back(&self, above: u64, below: u64) {
        let loaded = self.live().await;
        let next = loaded.live.rolled_back(&[RolledBack { above, below }], "kim", "poisoned", NOW).unwrap();
        self.lake.move_live(&loaded, &next).await.unwrap();
    }

    /// Makes a good run and evaluates it.
    async fn judged(&self, number: u64, incumbent: Option<Incumbent>) {
        self.trained(number, incumbent, Kind::Good).await;
        assert_eq!(self.evaluate(number).await.unwrap(), (Ruling::Promote, Vec::new()));
    }
}

#[tokio::test]
async fn a_good_adapter_becomes_live_and_the_verdict_says_why() {
    let world = World::new();
    world.judged(1, None).await;
    assert_eq!(world.promote(1, None).await.unwrap(), Outcome::Promoted);
    let live = world.live().await.live;
    let adapter = live.adapter.unwrap();
    assert_eq!((adapter.adapter, adapter.prefix), (name(1), output(1)));
    assert_eq!((live.changes.len(), &live.changes[0].cause, live.changes[0].at), (1, &LiveCause::Gate, NOW));
    let verdict: GateVerdict = serde_json::from_slice(&world.lake.objects()["runs/run-1/verdict.json"]).unwrap();
    assert_eq!((verdict.ruling, verdict.criteria.len()), (Ruling::Promote, 6));
}

#[tokio::test]
async fn a_broken_adapter_is_refused_and_cannot_be_promoted_by_anybody() {
    let world = World::new();
    world.trained(1, None, Kind::Broken).await;
    let (ruling, reasons) = world.evaluate(1).await.unwrap();
    assert_eq!(ruling, Ruling::Reject, "{reasons:?}");
    assert!(matches!(world.promote(1, None).await, Err(PromoteError::NotPassed(_))));
    assert!(matches!(world.promote(1, Some("kim")).await, Err(PromoteError::NotPassed(_))));
    assert!(matches!(world.ask(1, "token").await, Err(PromoteError::NotPassed(_))));
    assert_eq!(world.live().await.live, LiveModel::default());
}

#[tokio::test]
async fn what_the_gate_leaves_to_a_person_only_a_person_promotes() {
    let world = World::new();
    world.trained(1, None, Kind::TooFewRows).await;
    assert_eq!(world.evaluate(1).await.unwrap().0, Ruling::Review);
    assert!(matches!(world.promote(1, None).await, Err(PromoteError::NotPassed(_))));
    // After a repetition, the newest token counts.
    world.ask(1, "first").await.unwrap();
    world.ask(1, "second").await.unwrap();
    let stored = world.lake.objects()["runs/run-1/review.json"].clone();
    let review = Review::parse(&String::from_utf8(stored).unwrap()).unwrap();
    assert_eq!((review.task_token.as_str(), review.asked_at, review.reasons.len()), ("second", NOW, 1));
    assert_eq!(world.promote(1, Some("kim")).await.unwrap(), Outcome::Promoted);
    let cause = LiveCause::Review { who: "kim".to_owned(), why: "fine".to_owned() };
    assert_eq!(world.live().await.live.changes[0].cause, cause);
}

#[tokio::test]
async fn each_question_to_a_person_is_one_for_the_alarm_and_a_refused_one_is_none() {
    let world = World::new();
    world.trained(1, None, Kind::TooFewRows).await;
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let kept = recorded.clone();
    let metrics = Metrics::recorded_by(move |metric, value| kept.lock().unwrap().push((metric, value)));
    let promoter = world.promoter().with_metrics(metrics);
    promoter.take(asking(1, "too early")).await.unwrap_err();
    world.evaluate(1).await.unwrap();
    promoter.take(asking(1, "token")).await.unwrap();
    assert_eq!(*recorded.lock().unwrap(), [(Metric::ReviewsAsked, 1)]);
}

#[tokio::test]
async fn the_first_verdict_stands() {
    let world = World::new();
    world.judged(1, None).await;
    world.put(&name(1).output_key(OutputFile::Rows), "{}\n").await;
    assert_eq!(world.evaluate(1).await.unwrap(), (Ruling::Promote, Vec::new()));
}

#[tokio::test]
async fn poisoned_files_are_refused_and_files_of_another_run_are_not_looked_at() {
    for file in [OutputFile::Rows, OutputFile::Adapter, OutputFile::Config, OutputFile::Report] {
        let world = World::new();
        world.trained(1, None, Kind::Good).await;
        world.put(&name(1).output_key(file), "poison\n").await;
        let (ruling, reasons) = world.evaluate(1).await.unwrap();
        assert_eq!(ruling, Ruling::Reject, "{file:?}: {reasons:?}");
        assert!(reasons[0].starts_with("G0") && !reasons.concat().contains("poison"), "{reasons:?}");
    }
    let world = World::new();
    world.trained(1, None, Kind::Good).await;
    let foreign = Step::Evaluate { run: name(2), output: output(1) };
    assert!(matches!(world.promoter().take(foreign).await, Err(PromoteError::ForeignOutput(_))));
    assert!(matches!(world.evaluate(2).await, Err(PromoteError::NotPrepared(_))));
}

#[tokio::test]
async fn files_that_are_no_adapter_are_refused_though_the_report_has_their_hashes() {
    for (file, body) in [
        (OutputFile::Adapter, "\u{80}\u{4}cposix\nsystem\n."),
        (OutputFile::Adapter, ""),
        (OutputFile::Config, "{}"),
        (OutputFile::Config, &CONFIGURATION.replace("\"bias\"", "\"evil\"")),
    ] {
        let world = World::new();
        world.trained(1, None, Kind::Good).await;
        let key = name(1).output_key(OutputFile::Report);
        let mut report: serde_json::Value = serde_json::from_slice(&world.lake.objects()[&key]).unwrap();
        let field = if file == OutputFile::Adapter { "adapter_sha256" } else { "config_sha256" };
        report[field] = Sha256Hex::of(body.as_bytes()).as_str().into();
        world.put(&key, &report.to_string()).await;
        world.put(&name(1).output_key(file), body).await;
        let (ruling, reasons) = world.evaluate(1).await.unwrap();
        assert_eq!((ruling, reasons.len()), (Ruling::Reject, 1), "{file:?}: {reasons:?}");
        assert!(reasons[0].starts_with("G0 integrity: the adapter's "), "{reasons:?}");
        assert!(matches!(world.promote(1, Some("kim")).await, Err(PromoteError::NotPassed(_))));
    }
}

#[tokio::test]
async fn without_a_report_nothing_is_judged() {
    let world = World::new();
    world.trained(1, None, Kind::Good).await;
    let unfinished = MemoryLake::default();
    for (key, body) in world.lake.objects().into_iter().filter(|(key, _)| !key.ends_with("output/run.json")) {
        unfinished.write_part(&key, String::from_utf8(body).unwrap()).await.unwrap();
    }
    let unfinished = World { lake: unfinished };
    assert!(matches!(unfinished.evaluate(1).await, Err(PromoteError::NoOutput(_))));
    assert!(!unfinished.lake.objects().contains_key("runs/run-1/verdict.json"));
}

#[tokio::test]
async fn a_death_anywhere_is_harmless() {
    for key in ["verdict.json", "models/live.json"] {
        for fault in [Fault::Refused, Fault::AnswerLost] {
            let world = World::new();
            world.trained(1, None, Kind::Good).await;
            world.lake.fail_next_write(key, fault);
            let died = match world.evaluate(1).await {
                Ok(_) => world.promote(1, None).await.map(|_| ()),
                Err(error) => Err(error),
            };
            assert!(died.is_err(), "{key} {fault:?}");
            assert_eq!(world.evaluate(1).await.unwrap(), (Ruling::Promote, Vec::new()));
            assert_eq!(world.promote(1, None).await.unwrap(), Outcome::Promoted);
            assert_eq!(world.promote(1, None).await.unwrap(), Outcome::Promoted);
            let live = world.live().await.live;
            assert_eq!((live.adapter.unwrap().adapter, live.changes.len()), (name(1), 1), "{key} {fault:?}");
        }
    }
}

#[tokio::test]
async fn an_older_run_never_takes_the_place_of_a_newer_one() {
    let world = World::new();
    world.judged(1, None).await;
    world.judged(2, None).await;
    assert_eq!(world.promote(2, None).await.unwrap(), Outcome::Promoted);
    assert_eq!(world.promote(1, None).await.unwrap(), Outcome::Superseded);
    assert_eq!(world.live().await.live.adapter.unwrap().adapter, name(2));
}

#[tokio::test]
async fn what_a_person_took_back_does_not_come_back_by_itself() {
    let world = World::new();
    world.judged(1, None).await;
    world.promote(1, None).await.unwrap();
    let loaded = world.live().await;
    let back = loaded.live.demoted(None, "kim", "it rambles", NOW).unwrap();
    world.lake.move_live(&loaded, &back).await.unwrap();
    assert_eq!(world.promote(1, None).await.unwrap(), Outcome::Superseded);
    assert_eq!(world.live().await.live, back);
    // The next run, compared with the present live adapter, is promoted.
    world.judged(2, back.incumbent()).await;
    assert_eq!(world.promote(2, None).await.unwrap(), Outcome::Promoted);
}

#[tokio::test]
async fn a_run_on_a_version_that_was_rolled_back_meanwhile_does_not_go_live() {
    let world = World::new();
    world.judged(1, None).await;
    world.promote(1, None).await.unwrap();
    let incumbent = world.live().await.live.incumbent();
    // Run 3 is frozen and trained; the rollback leaves only the numbers of versions 2 and 3.
    world.judged(3, incumbent.clone()).await;
    world.roll_back(1, 4).await;
    let before = world.live().await.live;
    assert_eq!((before.incumbent(), &incumbent), (incumbent.clone(), &incumbent), "it would not be superseded");
    assert_eq!(world.promote(3, None).await.unwrap(), Outcome::RolledBack);
    assert_eq!(serde_json::to_value(Outcome::RolledBack).unwrap(), "taken_back");
    // An operator's approval does not help, neither after the gate asks nor before the rollback.
    world.trained(2, incumbent.clone(), Kind::TooFewRows).await;
    assert_eq!(world.evaluate(2).await.unwrap().0, Ruling::Review);
    assert_eq!(world.promote(2, Some("kim")).await.unwrap(), Outcome::RolledBack);
    assert_eq!(world.live().await.live, before);
    // An adapter of the rollback's own version becomes live.
    world.judged(4, incumbent).await;
    assert_eq!(world.promote(4, None).await.unwrap(), Outcome::Promoted);
}

#[tokio::test]
async fn whether_the_rollback_or_the_promotion_comes_first_the_run_is_not_live_in_the_end() {
    for fault in [Fault::Refused, Fault::AnswerLost] {
        let world = World::new();
        world.judged(1, None).await;
        world.promote(1, None).await.unwrap();
        world.judged(3, world.live().await.live.incumbent()).await;
        // The promotion crashes before or after the move.
        world.lake.fail_next_write("models/live.json", fault);
        assert!(world.promote(3, None).await.is_err());
        world.roll_back(1, 4).await;
        assert_eq!(world.promote(3, None).await.unwrap(), Outcome::RolledBack, "{fault:?}");
        assert_eq!(world.live().await.live.adapter.unwrap().adapter, name(1), "{fault:?}");
    }
}

#[tokio::test]
async fn an_adapter_that_was_changed_after_it_was_judged_is_not_promoted() {
    let world = World::new();
    world.judged(1, None).await;
    world.put(&name(1).output_key(OutputFile::Adapter), "other weights").await;
    assert!(matches!(world.promote(1, None).await, Err(PromoteError::AdapterChanged(_))));
    assert_eq!(world.live().await.live, LiveModel::default());
}
