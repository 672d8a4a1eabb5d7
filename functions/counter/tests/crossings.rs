//! Crossings start one run each, with any number of counters and crashes.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use flywheel_base::{Route, instant::Millis};
use flywheel_counter::{Counter, DescribeRun, RunInput, RunsError, StartRun, Started};
use flywheel_lake::{
    LakeError, ListParts, Listing, LoadBreaker, LoadPointer, LoadedBreaker, LoadedPointer, MemoryLake, MoveBreaker,
    MovePointer as _, Moved, WritePart as _,
};
use flywheel_log::{
    Attempt, Breadth, Breaker, BreakerState, Frozen, Goal, PartName, QuarantinedSender, Sender, Trigger,
};
use flywheel_runtime::{Metric, Metrics};
use futures::future::join_all;

const NOW: Millis = 1_795_342_830_007;
const THRESHOLD: u64 = 100;
const GOAL: Goal = Goal { threshold: THRESHOLD, min_contributors: 0, min_prompts: 0 };
const TRIGGER: Trigger = Trigger { goal: GOAL, cooldown: 0, runs_per_month: 0, max_attempts: 3 };

/// The recorded metrics.
type Recorded = Arc<Mutex<Vec<(Metric, u64)>>>;

/// Step Functions in memory: a name is accepted once, for ever.
#[derive(Default)]
struct FakeRuns {
    runs: Mutex<BTreeMap<String, Attempt>>,
    /// The next start succeeds and answers with an error, once.
    loses_answer: Mutex<bool>,
}

impl FakeRuns {
    fn names(&self) -> Vec<String> {
        self.runs.lock().unwrap().keys().cloned().collect()
    }

    fn end(&self, run: &str, how: Attempt) {
        self.runs.lock().unwrap().insert(run.to_owned(), how);
    }
}

impl DescribeRun for &FakeRuns {
    async fn describe_run(&self, run: &str) -> Result<Attempt, RunsError> {
        // Other counters run between the count and the look-up.
        tokio::task::yield_now().await;
        Ok(self.runs.lock().unwrap().get(run).copied().unwrap_or(Attempt::NotStarted))
    }
}

impl StartRun for &FakeRuns {
    async fn start_run(&self, run: &str, _: RunInput) -> Result<Started, RunsError> {
        // Other counters run between the look-up and the start.
        tokio::task::yield_now().await;
        let mut runs = self.runs.lock().unwrap();
        if runs.contains_key(run) {
            return Ok(Started::NameIsTaken);
        }
        runs.insert(run.to_owned(), Attempt::Running);
        if std::mem::take(&mut *self.loses_answer.lock().unwrap()) {
            return Err(RunsError { action: "start", run: run.to_owned(), cause: "time-out".to_owned() });
        }
        Ok(Started::Started)
    }
}

fn counter<'t>(lake: &MemoryLake, runs: &'t FakeRuns) -> Counter<MemoryLake, &'t FakeRuns> {
    Counter::new(lake.clone(), runs, TRIGGER, || NOW)
}

/// Returns a counter that keeps its metrics in `recorded`.
fn recording<'t>(lake: &MemoryLake, runs: &'t FakeRuns, recorded: &Recorded) -> Counter<MemoryLake, &'t FakeRuns> {
    let recorded = recorded.clone();
    let record = move |metric, value| recorded.lock().unwrap().push((metric, value));
    counter(lake, runs).with_metrics(Metrics::recorded_by(record))
}

async fn add_part(lake: &MemoryLake, written_at: Millis, rows: u64) {
    lake.set_clock(written_at);
    let name = PartName { written_at, digest: format!("{written_at:032x}"), rows };
    lake.write_part(&name.key(Route::Gold), String::new()).await.unwrap();
}

/// Moves the pointer as the workflow's freeze does.
async fn freeze(lake: &MemoryLake, rows: u64) {
    let loaded = lake.load_pointer().await.unwrap();
    let listing = lake.list_parts(&loaded.pointer.watermark.list_after()).await.unwrap();
    let watermark = loaded.pointer.watermark.after(&listing.parts, &[]);
    let (parts, breadth) = (listing.parts.len() as u64, Breadth::default());
    let frozen = Frozen {
        version: 1,
        rows,
        duplicates: 0,
        near_duplicates: 0,
        superseded: 0,
        revised: 0,
        held: 0,
        waiting: 0,
        parts,
        breadth,
        may_train: true,
    };
    lake.move_pointer(&loaded, &loaded.pointer.after_freeze(frozen, &GOAL, watermark, NOW)).await.unwrap();
}

#[tokio::test]
async fn the_threshold_is_reached_by_the_row_that_makes_it() {
    let (lake, runs) = (MemoryLake::default(), FakeRuns::default());
    add_part(&lake, NOW, THRESHOLD - 1).await;
    let report = counter(&lake, &runs).count().await.unwrap();
    assert_eq!((report.decision, report.pending, report.run), ("below_threshold", THRESHOLD - 1, None));
    add_part(&lake, NOW + 1, 1).await;
    let report = counter(&lake, &runs).count().await.unwrap();
    assert_eq!((report.decision, report.pending), ("start", THRESHOLD));
    assert_eq!(report.run.as_deref(), Some("crossing-000001-attempt-1"));
}

#[tokio::test]
async fn twenty_counters_at_once_start_one_run() {
    let (lake, runs) = (MemoryLake::default(), FakeRuns::default());
    add_part(&lake, NOW, 3 * THRESHOLD).await;
    let counters: Vec<_> = (0..20).map(|_| counter(&lake, &runs)).collect();
    let reports = join_all(counters.iter().map(Counter::count)).await;
    let starts = reports.iter().filter(|report| report.as_ref().unwrap().decision == "start").count();
    assert_eq!((starts, runs.names().len()), (1, 1));
}

#[tokio::test]
async fn a_counter_that_dies_after_the_start_is_followed_by_one_that_finds_the_run() {
    let (lake, runs) = (MemoryLake::default(), FakeRuns { loses_answer: Mutex::new(true), ..FakeRuns::default() });
    add_part(&lake, NOW, THRESHOLD).await;
    assert!(counter(&lake, &runs).count().await.is_err());
    assert_eq!(counter(&lake, &runs).count().await.unwrap().decision, "already_running");
    assert_eq!(runs.names().len(), 1);
}

#[tokio::test]
async fn what_arrives_during_the_run_counts_towards_the_next_crossing() {
    let (lake, runs) = (MemoryLake::default(), FakeRuns::default());
    add_part(&lake, NOW, THRESHOLD).await;
    counter(&lake, &runs).count().await.unwrap();
    freeze(&lake, THRESHOLD).await;
    runs.end("crossing-000001-attempt-1", Attempt::Succeeded);
    // A slow worker writes late, under a key that sorts before frozen parts.
    add_part(&lake, NOW + 5, 60).await;
    add_part(&lake, NOW - 60_000, 40).await;
    let report = counter(&lake, &runs).count().await.unwrap();
    assert_eq!((report.decision, report.pending, report.crossing), ("start", THRESHOLD, 2));
}

#[tokio::test]
async fn a_crossing_that_shrank_does_not_block_the_next() {
    let (lake, runs) = (MemoryLake::default(), FakeRuns::default());
    add_part(&lake, NOW, THRESHOLD).await;
    counter(&lake, &runs).count().await.unwrap();
    runs.end("crossing-000001-attempt-1", Attempt::Succeeded);
    freeze(&lake, 30).await;
    add_part(&lake, NOW + 1, 69).await;
    let report = counter(&lake, &runs).count().await.unwrap();
    assert_eq!((report.decision, report.pending), ("below_threshold", 99));
    add_part(&lake, NOW + 2, 1).await;
    assert_eq!(counter(&lake, &runs).count().await.unwrap().decision, "start");
    assert_eq!(runs.names().len(), 2);
}

#[tokio::test]
async fn a_failed_run_is_attempted_again_but_not_at_once() {
    let (lake, runs) = (MemoryLake::default(), FakeRuns::default());
    add_part(&lake, NOW, THRESHOLD).await;
    runs.end("crossing-000001-attempt-1", Attempt::Failed { stopped_at: NOW });
    assert_eq!(counter(&lake, &runs).count().await.unwrap().decision, "backing_off");
    runs.end("crossing-000001-attempt-1", Attempt::Failed { stopped_at: NOW - 3_600_000 });
    let report = counter(&lake, &runs).count().await.unwrap();
    assert_eq!((report.decision, report.run.as_deref()), ("start", Some("crossing-000001-attempt-2")));
}

/// A lake whose pointer moves right after the first load.
struct MovedMeanwhile<'l>(&'l MemoryLake, Mutex<u32>);

impl ListParts for MovedMeanwhile<'_> {
    async fn list_parts(&self, after: &str) -> Result<Listing, LakeError> {
        self.0.list_parts(after).await
    }
}

impl LoadPointer for MovedMeanwhile<'_> {
    async fn load_pointer(&self) -> Result<LoadedPointer, LakeError> {
        let looks = {
            let mut looks = self.1.lock().unwrap();
            *looks += 1;
            *looks
        };
        if looks == 2 {
            freeze(self.0, THRESHOLD).await;
        }
        self.0.load_pointer().await
    }
}

impl LoadBreaker for MovedMeanwhile<'_> {
    async fn load_breaker(&self) -> Result<LoadedBreaker, LakeError> {
        self.0.load_breaker().await
    }
}

impl MoveBreaker for MovedMeanwhile<'_> {
    async fn move_breaker(&self, from: &LoadedBreaker, to: &Breaker) -> Result<Moved, LakeError> {
        self.0.move_breaker(from, to).await
    }
}

#[tokio::test]
async fn the_next_crossing_waits_for_the_run_of_the_last() {
    let (lake, runs) = (MemoryLake::default(), FakeRuns::default());
    add_part(&lake, NOW, THRESHOLD).await;
    counter(&lake, &runs).count().await.unwrap();
    freeze(&lake, THRESHOLD).await;
    add_part(&lake, NOW + 1, THRESHOLD).await;
    let report = counter(&lake, &runs).count().await.unwrap();
    assert_eq!((report.decision, report.run.as_deref()), ("already_running", Some("crossing-000001-attempt-1")));
    runs.end("crossing-000001-attempt-1", Attempt::Succeeded);
    assert_eq!(counter(&lake, &runs).count().await.unwrap().run.as_deref(), Some("crossing-000002-attempt-1"));
}

#[tokio::test]
async fn a_training_that_died_is_started_again_for_the_crossing_that_it_was_for() {
    let (lake, runs) = (MemoryLake::default(), FakeRuns::default());
    add_part(&lake, NOW, THRESHOLD).await;
    counter(&lake, &runs).count().await.unwrap();
    freeze(&lake, THRESHOLD).await;
    runs.end("crossing-000001-attempt-1", Attempt::Failed { stopped_at: NOW - 3_600_000 });
    let report = counter(&lake, &runs).count().await.unwrap();
    assert_eq!((report.decision, report.run.as_deref()), ("start", Some("crossing-000001-attempt-2")));
}

#[tokio::test]
async fn after_the_last_attempt_nothing_starts_until_there_are_pairs_for_another_crossing() {
    let (lake, runs) = (MemoryLake::default(), FakeRuns::default());
    add_part(&lake, NOW, THRESHOLD).await;
    counter(&lake, &runs).count().await.unwrap();
    freeze(&lake, THRESHOLD).await;
    let day = 86_400_000;
    runs.end("crossing-000001-attempt-1", Attempt::Failed { stopped_at: NOW - 9 * day });
    runs.end("crossing-000001-attempt-2", Attempt::Untrained { stopped_at: NOW - 8 * day });
    assert_eq!(counter(&lake, &runs).count().await.unwrap().run.as_deref(), Some("crossing-000001-attempt-3"));
    runs.end("crossing-000001-attempt-3", Attempt::Failed { stopped_at: NOW - 7 * day });
    for _ in 0..2 {
        let report = counter(&lake, &runs).count().await.unwrap();
        assert_eq!((report.decision, report.attempts), ("attempts_spent", Some(3)));
        assert_eq!(report.run.as_deref(), Some("crossing-000001-attempt-4"), "the run that an operator may start");
        assert!(!runs.names().contains(&"crossing-000001-attempt-4".to_owned()));
    }
    add_part(&lake, NOW + 1, THRESHOLD).await;
    let report = counter(&lake, &runs).count().await.unwrap();
    assert_eq!((report.decision, report.run.as_deref()), ("start", Some("crossing-000002-attempt-1")));
}

#[tokio::test]
async fn an_open_breaker_starts_nothing_until_its_time_has_come() {
    let (lake, runs) = (MemoryLake::default(), FakeRuns::default());
    add_part(&lake, NOW, THRESHOLD).await;
    let closed = lake.load_breaker().await.unwrap();
    let open = closed.breaker.opened_by_hand("kim", "a campaign", NOW).unwrap();
    lake.move_breaker(&closed, &open).await.unwrap();
    let recorded = Arc::new(Mutex::default());
    let report = recording(&lake, &runs, &recorded).count().await.unwrap();
    assert_eq!((report.decision, report.breaker, report.until), ("breaker_open", "open", None));
    let waits = lake.load_breaker().await.unwrap();
    lake.move_breaker(&waits, &Breaker { half_open_at: Some(NOW), ..open }).await.unwrap();
    let report = recording(&lake, &runs, &recorded).count().await.unwrap();
    assert_eq!((report.decision, report.breaker), ("start", "half_open"));
    let breaker =
        [(Metric::BreakerOpen, 1), (Metric::AttemptsSpent, 0), (Metric::BreakerOpen, 0), (Metric::AttemptsSpent, 0)];
    assert_eq!(*recorded.lock().unwrap(), breaker, "alarms read these");
    assert_eq!(lake.load_breaker().await.unwrap().breaker.state, BreakerState::HalfOpen);
}

#[tokio::test]
async fn a_breaker_that_is_open_for_one_sender_raises_no_alarm() {
    let (lake, runs) = (MemoryLake::default(), FakeRuns::default());
    add_part(&lake, NOW, THRESHOLD).await;
    let closed = lake.load_breaker().await.unwrap();
    let sender = Sender { contributor: None, ingest_key: Some("desk".to_owned()) };
    let senders = vec![QuarantinedSender { sender, until: None }];
    let open = Breaker { state: BreakerState::Open, senders, ..Breaker::default() };
    lake.move_breaker(&closed, &open).await.unwrap();
    let recorded = Arc::new(Mutex::default());
    let report = recording(&lake, &runs, &recorded).count().await.unwrap();
    assert_eq!((report.decision, report.breaker), ("start", "open"));
    assert_eq!(*recorded.lock().unwrap(), [(Metric::BreakerOpen, 0), (Metric::AttemptsSpent, 0)]);
}

#[tokio::test]
async fn a_crossing_that_is_frozen_while_it_is_counted_is_not_started_again() {
    let (lake, runs) = (MemoryLake::default(), FakeRuns::default());
    add_part(&lake, NOW, THRESHOLD).await;
    let late = Counter::new(MovedMeanwhile(&lake, Mutex::default()), &runs, TRIGGER, || NOW);
    assert_eq!(late.count().await.unwrap().decision, "already_frozen");
    assert_eq!(runs.names(), [""; 0]);
}

#[tokio::test]
async fn requests_grow_with_what_is_pending_and_not_with_the_lake() {
    let (lake, runs) = (MemoryLake::default(), FakeRuns::default());
    for n in 0..3_000 {
        add_part(&lake, NOW + n * 60_000, 1).await;
    }
    assert_eq!(counter(&lake, &runs).count().await.unwrap().list_requests, 3);
    freeze(&lake, 3_000).await;
    runs.end("crossing-000001-attempt-1", Attempt::Succeeded);
    add_part(&lake, NOW + 3_000 * 60_000, 1).await;
    let report = counter(&lake, &runs).count().await.unwrap();
    assert_eq!((report.list_requests, report.parts, report.pending), (1, 1, 1));
}
