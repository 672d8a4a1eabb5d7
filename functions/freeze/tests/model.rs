//! The real trigger, freeze and circuit breaker in random schedules over a lake in memory.
//!
//! Every call of a port has two steps, before and after its effect. Between any two steps anything may happen: other counters and
//! freezes, late and repeated parts, skewed clocks, a breaker moved by hand, a crash of any process, a run that is declared dead
//! while its freeze goes on. Then faults stop, time passes, and the invariants must hold. A schedule depends on its seed alone. A
//! failing seed is printed, and `FLYWHEEL_MODEL_SEED=<seed>` runs it again.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use flywheel_base::{Route, instant::Millis};
use flywheel_counter::{Counter, DescribeRun, RunInput, RunsError, StartRun, Started};
use flywheel_dataset::{
    Background, DatasetRules, Entry, Fingerprint, Newcomers, ObjectDigest, Operation, RowInDataset, RowRevision,
    Selection, SplitSalt, WrittenFiles,
};
use flywheel_freeze::{FreezeRequest, Freezer};
use flywheel_lake::{
    CountRows, LakeError, ListParts, ListRoute, Listing, LoadBreaker, LoadPointer, LoadedBreaker, LoadedPointer,
    MemoryLake, MoveBreaker, MovePointer, Moved, ReadPart, WritePart,
};
use flywheel_log::{Attempt, Breaker, BreakerBounds, BreakerState, Goal, PartName, Pointer, Trigger};
use flywheel_operator::{Amender, Request, Wish};
use flywheel_runtime::Settings;
use flywheel_table::{Amendable, Dataset, DatasetError, Loaded, Records, Rows};

const START: Millis = 1_795_342_830_007;
const MINUTE: Millis = 60 * 1000;
const DAY: Millis = 24 * 60 * MINUTE;
const THRESHOLD: u64 = 4;
const SCHEDULES: u64 = 100_000;
const STEPS: u64 = 60;

/// A deliberate defect, which the checks must detect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sabotage {
    Nothing,
    /// The watermark forgets which parts of its window were consumed.
    ConsumedForgotten,
    /// A version's record is not found.
    RecordForgotten,
    /// A commit succeeds though its version is taken.
    VersionsTakenTwice,
    /// A run's name can be taken again.
    NamesTakenTwice,
    /// A listing leaves out parts under an older key than the last part's.
    LateKeysUnlisted,
    /// The dataset does not know its pairs.
    PairsForgotten,
    /// Quarantined pairs are not written.
    QuarantineUnwritten,
    /// A freeze that finishes a crashed one's version does not find its quarantined pairs, and moves the pointer without them.
    QuarantineForgotten,
    /// The waiting pairs are not found.
    WaitingForgotten,
    /// Earlier quarantined pairs are not recognised.
    BackgroundForgotten,
    /// A crashed run looks as if it ran.
    DeadRunsRun,
    /// Pairs that operators removed are not recognised.
    RemovedForgotten,
    /// The other routes are not read.
    StatesUnlisted,
    /// A row does not name its output.
    OutputsForgotten,
    /// An operator's version moves the pointer by crossings alone, as if it were a freeze's.
    PeopleUnfinished,
}

thread_local! {
    static CLOCK: Cell<Millis> = const { Cell::new(START) };
}

fn now() -> Millis {
    CLOCK.get()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Lets all other tasks run once.
fn step() -> impl Future<Output = ()> + Send {
    let mut had_turn = false;
    std::future::poll_fn(move |context: &mut Context<'_>| {
        if std::mem::replace(&mut had_turn, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

async fn stepped<T>(effect: impl Future<Output = T> + Send) -> T {
    step().await;
    let answer = effect.await;
    step().await;
    answer
}

#[derive(Clone)]
struct SteppedLake(MemoryLake, Sabotage);

impl WritePart for SteppedLake {
    async fn write_part(&self, key: &str, body: String) -> Result<(), LakeError> {
        if self.1 == Sabotage::QuarantineUnwritten {
            return Ok(());
        }
        stepped(self.0.write_part(key, body)).await
    }
}

impl ListParts for SteppedLake {
    async fn list_parts(&self, after: &str) -> Result<Listing, LakeError> {
        let mut listing = stepped(self.0.list_parts(after)).await?;
        if self.1 == Sabotage::LateKeysUnlisted {
            let mut newest = 0;
            let mut in_order: Vec<_> = listing.parts.clone();
            in_order.sort_by_key(|part| part.last_modified);
            in_order.retain(|part| {
                newest = newest.max(part.name.written_at);
                part.name.written_at == newest
            });
            in_order.sort_by(|left, right| left.name.cmp(&right.name));
            listing.parts = in_order;
        }
        Ok(listing)
    }
}

impl ReadPart for SteppedLake {
    async fn read_part(&self, key: &str) -> Result<Vec<u8>, LakeError> {
        stepped(self.0.read_part(key)).await
    }
}

impl ListRoute for SteppedLake {
    async fn list_route(&self, route: Route, within: RangeInclusive<Millis>, most: u64) -> Result<Listing, LakeError> {
        let listing = stepped(self.0.list_route(route, within, most)).await?;
        Ok(if self.1 == Sabotage::StatesUnlisted { Listing::default() } else { listing })
    }
}

impl CountRows for SteppedLake {
    async fn count_rows(&self, route: Route, from: Millis, to: Millis) -> Result<u64, LakeError> {
        stepped(self.0.count_rows(route, from, to)).await
    }
}

impl LoadPointer for SteppedLake {
    async fn load_pointer(&self) -> Result<LoadedPointer, LakeError> {
        let mut loaded = stepped(self.0.load_pointer()).await?;
        if self.1 == Sabotage::ConsumedForgotten {
            let mut pointer = serde_json::to_value(&loaded.pointer).unwrap();
            pointer["watermark"]["consumed"] = serde_json::json!([]);
            loaded.pointer = serde_json::from_value(pointer).unwrap();
        }
        Ok(loaded)
    }
}

impl MovePointer for SteppedLake {
    async fn move_pointer(&self, from: &LoadedPointer, to: &Pointer) -> Result<Moved, LakeError> {
        stepped(self.0.move_pointer(from, to)).await
    }
}

impl LoadBreaker for SteppedLake {
    async fn load_breaker(&self) -> Result<LoadedBreaker, LakeError> {
        stepped(self.0.load_breaker()).await
    }
}

impl MoveBreaker for SteppedLake {
    async fn move_breaker(&self, from: &LoadedBreaker, to: &Breaker) -> Result<Moved, LakeError> {
        stepped(self.0.move_breaker(from, to)).await
    }
}

/// A dataset in memory: its versions and the objects beside it.
#[derive(Clone)]
struct MemoryDataset(Arc<Mutex<DatasetState>>, Sabotage);

#[derive(Default)]
struct DatasetState {
    versions: Vec<Version>,
    objects: BTreeMap<String, Vec<u8>>,
}

impl DatasetState {
    fn rows(&self, version: usize) -> &[Entry] {
        version.checked_sub(1).and_then(|index| self.versions.get(index)).map_or(&[], |version| &version.entries)
    }
}

/// A version with all of its rows.
#[derive(Clone)]
struct Version {
    entries: Vec<Entry>,
    records: Records,
}

impl Version {
    /// Returns the pairs as (pair, event).
    fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        self.entries.iter().map(|entry| ids(entry.line.text()))
    }

    fn operation(&self) -> Option<&Operation> {
        self.records.version.as_ref()?.amendment.as_ref().map(|amendment| &amendment.operation)
    }
}

impl Dataset for MemoryDataset {
    type Snapshot = usize;

    async fn load(&self) -> Result<Loaded<usize>, DatasetError> {
        step().await;
        let loaded = {
            let versions = &self.0.lock().unwrap().versions;
            let mut last_freeze = versions.last().map(|version| version.records.clone());
            match (self.1, last_freeze.as_mut()) {
                (Sabotage::RecordForgotten, _) => last_freeze = None,
                (Sabotage::QuarantineForgotten, Some(Records { version: Some(version), .. })) => version.held = None,
                (Sabotage::PeopleUnfinished, Some(Records { pointer, version: Some(version) }))
                    if version.amendment.is_some() =>
                {
                    if let Some(freeze) = &mut pointer.last_freeze {
                        freeze.version = 0;
                    }
                }
                _ => {}
            }
            let salt = SplitSalt::new([7; 16]);
            Loaded { snapshot: versions.len(), version: versions.len() as u64, salt, last_freeze }
        };
        step().await;
        Ok(loaded)
    }

    async fn deduplicate(&self, snapshot: &usize, newcomers: &mut Newcomers) -> Result<(), DatasetError> {
        step().await;
        if self.1 != Sabotage::PairsForgotten {
            let state = self.0.lock().unwrap();
            for entry in state.rows(*snapshot) {
                let (pair_id, event_id) = ids(entry.line.text());
                let fingerprint = Fingerprint::from_bytes(&entry.fingerprint).unwrap();
                let line = entry.line.gold();
                let revision = RowRevision::of_line(line);
                newcomers.deduplicate_against(&RowInDataset {
                    pair_id: &pair_id,
                    event_id: &event_id,
                    event_key: line.event_key(),
                    split: entry.split,
                    fingerprint,
                    revision: Some(revision).filter(|_| self.1 != Sabotage::OutputsForgotten),
                });
            }
        }
        step().await;
        Ok(())
    }

    async fn put_object(&self, _: &usize, object: &ObjectDigest, bytes: Vec<u8>) -> Result<(), DatasetError> {
        step().await;
        self.0.lock().unwrap().objects.insert(object.name.clone(), bytes);
        step().await;
        Ok(())
    }

    async fn get_object(&self, _: &usize, object: &ObjectDigest) -> Result<Vec<u8>, DatasetError> {
        step().await;
        let found = self.0.lock().unwrap().objects.get(&object.name).cloned();
        let found = found.ok_or(DatasetError::Storage { action: "read", cause: "not there".to_owned() })?;
        if object.name.contains("/waiting/") && self.1 == Sabotage::WaitingForgotten {
            return Ok(Vec::new());
        }
        let is_background = object.name.contains("background");
        if is_background && self.1 == Sabotage::BackgroundForgotten {
            return Ok(Background::default().to_bytes());
        }
        // The newer layout, which has removed pairs.
        let knows_removed = |background: &[u8]| !background.starts_with(b"flywheel background 1");
        if is_background && self.1 == Sabotage::RemovedForgotten && knows_removed(&found) {
            return Ok(Background::default().to_bytes());
        }
        step().await;
        Ok(found)
    }

    async fn rows_of_pairs(&self, snapshot: &usize, pairs: &HashSet<String>) -> Result<Vec<String>, DatasetError> {
        step().await;
        let state = self.0.lock().unwrap();
        let lines = state.rows(*snapshot).iter().map(|entry| entry.line.text().to_owned());
        Ok(lines.filter(|line| pairs.contains(&ids(line).0)).collect())
    }

    async fn commit(
        &self,
        snapshot: usize,
        entries: Vec<Entry>,
        revised: &HashSet<String>,
        records: impl FnOnce(WrittenFiles) -> Records + Send,
    ) -> Result<Records, DatasetError> {
        let records = records(WrittenFiles::default());
        step().await;
        {
            let mut state = self.0.lock().unwrap();
            if state.versions.len() != snapshot && self.1 != Sabotage::VersionsTakenTwice {
                return Err(DatasetError::Conflict);
            }
            let stays = |entry: &&Entry| !revised.contains(&ids(entry.line.text()).0);
            let entries = state.rows(snapshot).iter().filter(stays).chain(&entries).cloned().collect();
            state.versions.push(Version { entries, records: records.clone() });
        }
        step().await;
        Ok(records)
    }
}

impl Amendable for MemoryDataset {
    async fn newest(&self) -> Result<Option<Loaded<usize>>, DatasetError> {
        self.load().await.map(Some)
    }

    async fn at(&self, number: u64) -> Result<Option<usize>, DatasetError> {
        step().await;
        Ok(Some(number as usize))
    }

    async fn records_of(&self, _: &usize, number: u64) -> Result<Option<Records>, DatasetError> {
        step().await;
        let state = self.0.lock().unwrap();
        Ok((number as usize).checked_sub(1).map(|index| state.versions[index].records.clone()))
    }

    async fn each_row(&self, of: &usize, mut each: impl FnMut(&str) + Send) -> Result<(), DatasetError> {
        step().await;
        self.0.lock().unwrap().rows(*of).iter().for_each(|entry| each(entry.line.text()));
        Ok(())
    }

    async fn allow_amendments(&self) -> Result<bool, DatasetError> {
        Ok(false)
    }

    async fn commit_rows(
        &self,
        on: usize,
        rows: Rows<'_, usize>,
        records: impl FnOnce(Vec<ObjectDigest>) -> Records + Send,
    ) -> Result<Records, DatasetError> {
        let records = records(Vec::new());
        step().await;
        {
            let mut state = self.0.lock().unwrap();
            if state.versions.len() != on && self.1 != Sabotage::VersionsTakenTwice {
                return Err(DatasetError::Conflict);
            }
            let mut entries = state.rows(if let Rows::Of(older) = rows { *older } else { on }).to_vec();
            if let Rows::Without(pairs) = rows {
                entries.retain(|entry| !pairs.contains(&ids(entry.line.text()).0));
            }
            state.versions.push(Version { entries, records: records.clone() });
        }
        step().await;
        Ok(records)
    }
}

/// Returns a line. Every third pair is by one contributor; a version takes one of them, two more wait, and the audit quarantines
/// the rest. The prompt has the chosen text's only word, so that there is no phrase to count.
fn line(pair: u64, state: &State) -> String {
    let State { output, is_gold } = state;
    // Of one output, the pair with the highest number was written last.
    let revision = format!("\"output_id\":\"o{output}\",\"received_at\":\"2026-11-22T10:00:00.{pair:06}Z\"");
    if !is_gold {
        return format!("{{\"pair_id\":\"p{pair}\",\"event_id\":\"e{pair}\",\"reasons\":[\"trivial\"],{revision}}}\n");
    }
    let contributor = if pair.is_multiple_of(3) { "\"busy\"" } else { "null" };
    format!(
        "{{\"pair_id\":\"p{pair}\",\"event_id\":\"e{pair}\",\"prompt\":\"p{pair}\",\"chosen\":\"p{pair}\",\"rejected\":\"r\",\
         \"similarity\":0.5,\"tags\":[],\"reasons\":[],\"policy\":\"x\",\"contributor\":{contributor},{revision}}}\n"
    )
}

fn is_busy(pair: &str) -> bool {
    pair[1..].parse::<u64>().unwrap().is_multiple_of(3)
}

fn ids(line: &str) -> (String, String) {
    let fields: Vec<_> = line.split('"').collect();
    (fields[3].to_owned(), fields[7].to_owned())
}

/// Step Functions: a name is accepted once.
#[derive(Clone)]
struct Runs(Arc<Mutex<RunsState>>, Sabotage);

#[derive(Default)]
struct RunsState {
    attempts: BTreeMap<String, Attempt>,
    /// The runs that were started and not yet carried out.
    due: Vec<(String, RunInput)>,
    violation: Option<String>,
    /// The net-new pairs of each training, by crossing.
    trained: Vec<(u64, u64)>,
}

impl DescribeRun for Runs {
    async fn describe_run(&self, run: &str) -> Result<Attempt, RunsError> {
        step().await;
        let attempt = self.0.lock().unwrap().attempts.get(run).copied().unwrap_or(Attempt::NotStarted);
        step().await;
        let is_dead = matches!(attempt, Attempt::Failed { .. });
        Ok(if is_dead && self.1 == Sabotage::DeadRunsRun { Attempt::Running } else { attempt })
    }
}

impl StartRun for Runs {
    async fn start_run(&self, run: &str, input: RunInput) -> Result<Started, RunsError> {
        step().await;
        {
            let mut state = self.0.lock().unwrap();
            if state.attempts.contains_key(run) && self.1 != Sabotage::NamesTakenTwice {
                return Ok(Started::NameIsTaken);
            }
            let running = state.attempts.iter().find(|(_, attempt)| **attempt == Attempt::Running);
            if let Some((other, _)) = running {
                state.violation = Some(format!("{run} was started while {other} ran"));
            }
            state.attempts.insert(run.to_owned(), Attempt::Running);
            state.due.push((run.to_owned(), input));
        }
        step().await;
        Ok(Started::Started)
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A counter or a run's workflow.
struct Work {
    run: Option<String>,
    task: Task,
}

struct World {
    lake: SteppedLake,
    dataset: MemoryDataset,
    runs: Runs,
    work: Vec<Work>,
    /// The parts with a name that are not written yet, with the time of the name.
    unwritten: Vec<Unwritten>,
    /// The written batches, for redeliveries.
    batches: Vec<(u64, Vec<u64>)>,
    /// The state of each pair, by its number.
    pairs: Vec<State>,
    has_people: bool,
    has_revisions: bool,
}

type Unwritten = (Millis, PartName, Route, String);

/// A text as the state of an output.
#[derive(Debug, Clone, Copy)]
struct State {
    output: u64,
    is_gold: bool,
}

impl World {
    fn new(sabotage: Sabotage, has_people: bool, has_revisions: bool) -> Self {
        CLOCK.set(START);
        let lake = MemoryLake::default();
        lake.set_clock(START);
        Self {
            lake: SteppedLake(lake, sabotage),
            dataset: MemoryDataset(Arc::default(), sabotage),
            runs: Runs(Arc::default(), sabotage),
            work: Vec::new(),
            unwritten: Vec::new(),
            batches: Vec::new(),
            pairs: Vec::new(),
            has_people,
            has_revisions,
        }
    }

    fn pass(&mut self, time: Millis) {
        CLOCK.set(now() + time);
        self.lake.0.set_clock(now());
        // A writer takes at most nine minutes, and its clock is off by at most five: fourteen together, less than the window.
        let (late, rest) =
            std::mem::take(&mut self.unwritten).into_iter().partition(|(at, ..)| at + 9 * MINUTE <= now());
        self.unwritten = rest;
        self.lake.0.set_clock(now());
        self.write(late);
    }

    fn write(&mut self, parts: Vec<Unwritten>) {
        for (at, name, route, body) in parts {
            self.lake.0.set_clock(now().min(at + 9 * MINUTE));
            finish(self.lake.0.write_part(&name.key(route), body)).unwrap();
            self.lake.0.set_clock(now());
        }
    }

    fn name_part(&mut self, digest: u64, pairs: &[u64], random: &mut Random) {
        let written_at = now() + random.below(10 * MINUTE) - 5 * MINUTE;
        for route in [Route::Gold, Route::Dropped] {
            let state = |pair: u64| &self.pairs[pair as usize];
            let is_here = |pair: &&u64| state(**pair).is_gold == (route == Route::Gold);
            let lines: Vec<_> = pairs.iter().filter(is_here).map(|pair| line(*pair, state(*pair))).collect();
            if !lines.is_empty() {
                let name = PartName { written_at, digest: format!("{digest:032x}"), rows: lines.len() as u64 };
                self.unwritten.push((now(), name, route, lines.concat()));
            }
        }
    }

    /// Returns a new text. Every fourth one revises an earlier output, and every third of those is not for gold.
    fn new_state(&self, random: &mut Random) -> State {
        let number = self.pairs.len() as u64;
        if !self.has_revisions || number == 0 || random.below(4) > 0 {
            return State { output: number, is_gold: true };
        }
        let output = self.pairs[random.below(number) as usize].output;
        State { output, is_gold: random.below(3) > 0 }
    }

    /// Returns `true` if the output has a later text than this.
    fn is_superseded(&self, pair: u64) -> bool {
        let output = self.pairs[pair as usize].output;
        self.pairs[pair as usize + 1..].iter().any(|later| later.output == output)
    }

    fn curate(&mut self, random: &mut Random) {
        let rows = 1 + random.below(3);
        let first = self.pairs.len() as u64;
        let pairs: Vec<_> = (first..first + rows).collect();
        for _ in 0..rows {
            let state = self.new_state(random);
            self.pairs.push(state);
        }
        let digest = self.batches.len() as u64;
        self.batches.push((digest, pairs.clone()));
        self.name_part(digest, &pairs, random);
    }

    /// Redelivers the same batch, or some of its events in another one.
    fn redeliver(&mut self, random: &mut Random) {
        if self.batches.is_empty() {
            return;
        }
        let (digest, pairs) = self.batches[random.below(self.batches.len() as u64) as usize].clone();
        let digest = if random.below(2) == 0 { digest } else { 1_000_000 + random.below(1_000_000) };
        let kept = if digest < 1_000_000 { pairs.len() } else { 1 };
        self.name_part(digest, &pairs[..kept], random);
    }

    fn quarantine(&self, random: &mut Random) {
        let digest = random.below(u64::MAX);
        let line = |n: u64| format!("{{\"pair_id\":\"q{digest}-{n}\",\"event_id\":\"q{digest}-{n}\"}}\n");
        let name = PartName { written_at: now(), digest: format!("{digest:032x}"), rows: 9 };
        finish(self.lake.0.write_part(&name.key(Route::Quarantine), (0..9).map(line).collect())).unwrap();
    }

    fn spawn_counter(&mut self) {
        let goal = Goal { threshold: THRESHOLD, ..Goal::default() };
        let trigger = Trigger { goal, cooldown: 10 * MINUTE, runs_per_month: 0, max_attempts: 0 };
        let counter = Counter::new(self.lake.clone(), self.runs.clone(), trigger, now);
        let task = Box::pin(async move { drop(counter.count().await) });
        self.work.push(Work { run: None, task });
    }

    /// Starts an operator's command, which excludes a contributor's pairs or rolls back to some version.
    fn spawn_person(&mut self, random: &mut Random) {
        let versions = self.dataset.0.lock().unwrap().versions.len() as u64;
        if versions == 0 {
            return;
        }
        let wish = match random.below(2) {
            0 => Wish::RollBackTo(random.below(versions + 1)),
            _ => Wish::Exclude(Selection { contributor: Some("busy".to_owned()), ..Selection::default() }),
        };
        let (lake, dataset) = (self.lake.clone(), self.dataset.clone());
        let task = Box::pin(async move {
            let request = Request { wish, by: "kim".to_owned(), why: "model".to_owned() };
            drop(Amender::new(&lake, &dataset, now).amend(&request).await);
        });
        self.work.push(Work { run: None, task });
    }

    /// Carries out the started runs, as Step Functions does.
    fn spawn_workflows(&mut self) {
        let due = std::mem::take(&mut self.runs.0.lock().unwrap().due);
        for (run, input) in due {
            let task = workflow(run.clone(), input, freezer(&self.lake, &self.dataset), self.runs.clone());
            self.work.push(Work { run: Some(run), task: Box::pin(task) });
        }
    }

    fn poll(&mut self, index: usize) {
        let mut context = Context::from_waker(Waker::noop());
        if self.work[index].task.as_mut().poll(&mut context).is_ready() {
            drop(self.work.swap_remove(index));
        }
        self.spawn_workflows();
    }

    fn end(&self, run: &str) {
        if let Some(attempt @ Attempt::Running) = self.runs.0.lock().unwrap().attempts.get_mut(run) {
            *attempt = Attempt::Failed { stopped_at: now() };
        }
    }

    /// Kills a counter; a freeze with its run; or only a run, while its freeze goes on.
    fn kill(&mut self, index: usize, random: &mut Random) {
        let lives_on = random.below(2) == 0;
        if let Some(run) = self.work[index].run.clone() {
            self.end(&run);
            if lives_on {
                return;
            }
        }
        drop(self.work.swap_remove(index));
    }

    fn move_breaker(&self, random: &mut Random) {
        let loaded = finish(self.lake.0.load_breaker()).unwrap();
        let moved = match random.below(2) {
            0 => loaded.breaker.opened_by_hand("kim", "model", now()),
            _ => loaded.breaker.closed_by_hand("kim", "model", now()),
        };
        if let Ok(moved) = moved {
            finish(self.lake.0.move_breaker(&loaded, &moved)).unwrap();
        }
    }

    fn act(&mut self, random: &mut Random) {
        match random.below(40) {
            0..5 => self.curate(random),
            5..7 => self.redeliver(random),
            7..9 => {
                let parts = std::mem::take(&mut self.unwritten);
                self.write(parts);
            }
            9..12 => self.spawn_counter(),
            12..14 => self.pass(random.below(15 * MINUTE)),
            14 if random.below(4) == 0 => self.pass(random.below(2 * DAY)),
            15 if random.below(3) == 0 => self.quarantine(random),
            16 if random.below(3) == 0 => self.move_breaker(random),
            18 if self.has_people && random.below(2) == 0 => self.spawn_person(random),
            17 if !self.work.is_empty() => self.kill(random.below(self.work.len() as u64) as usize, random),
            _ => {
                for _ in 0..6 {
                    if !self.work.is_empty() {
                        self.poll(random.below(self.work.len() as u64) as usize);
                    }
                }
            }
        }
    }

    /// Ends the faults: all tasks finish, and counters run once a day.
    fn settle(&mut self) -> Result<(), String> {
        for _ in 0..40 {
            self.pass(DAY);
            let loaded = finish(self.lake.0.load_breaker()).unwrap();
            if loaded.breaker.state == BreakerState::Open && loaded.breaker.half_open_at.is_none() {
                let closed = loaded.breaker.closed_by_hand("kim", "settled", now()).unwrap();
                finish(self.lake.0.move_breaker(&loaded, &closed)).unwrap();
            }
            self.spawn_counter();
            self.finish_work()?;
            if self.is_settled() {
                return Ok(());
            }
        }
        Err(format!("stuck: {:?}", finish(self.lake.0.load_pointer()).unwrap().pointer))
    }

    fn finish_work(&mut self) -> Result<(), String> {
        for _ in 0..10_000 {
            if self.work.is_empty() {
                return Ok(());
            }
            self.poll(0);
        }
        Err("somebody never ends".to_owned())
    }

    fn is_settled(&self) -> bool {
        let pointer = finish(self.lake.0.load_pointer()).unwrap().pointer;
        let listing = finish(self.lake.0.list_parts(&pointer.watermark.list_after())).unwrap();
        let pending = pointer.watermark.pending(&listing.parts).rows + pointer.carried_over;
        let is_trained = |last: &flywheel_log::FreezeReport| {
            !last.trainable
                || self.runs.0.lock().unwrap().trained.iter().any(|(crossing, _)| *crossing == last.crossing)
        };
        pending < THRESHOLD && pointer.last_freeze.as_ref().is_none_or(is_trained)
    }

    fn check(&mut self) -> Result<(), String> {
        let pointer = finish(self.lake.0.load_pointer()).unwrap().pointer;
        let versions = self.dataset.0.lock().unwrap().versions.clone();
        if let Some(violation) = &self.runs.0.lock().unwrap().violation {
            return Err(violation.clone());
        }
        if versions.last().is_some_and(|version| version.records.pointer.crossing != pointer.crossing) {
            return Err("the pointer is not where the last version says".to_owned());
        }
        let mut crossing = 0;
        for (index, version) in versions.iter().enumerate() {
            let report = version.records.pointer.last_freeze.as_ref().unwrap();
            // A freeze belongs to the next crossing, an operator's version to the current one.
            crossing += u64::from(version.operation().is_none());
            if (report.version, report.crossing) != (index as u64 + 1, crossing) {
                return Err(format!("version {} says that it is {report:?}", index + 1));
            }
            check_version(&versions, index, |pair| self.is_superseded(pair))?;
        }
        if self.has_revisions && !self.has_people {
            self.check_last_texts(&versions, &pointer)?;
        }
        for version in versions.iter().filter(|version| matches!(version.operation(), Some(Operation::Exclusion(_)))) {
            if let Some(pair) = self.waiting(version).iter().find(|pair| is_busy(pair)) {
                return Err(format!("{pair} waits though it was taken out"));
            }
        }
        if self.has_people || self.has_revisions {
            return check_counts(&versions, &pointer)
                .and_then(|()| self.check_that_nothing_is_lost(&pointer, &versions));
        }
        let mut trained = self.runs.0.lock().unwrap().trained.clone();
        let trainings = trained.len();
        trained.sort_unstable();
        trained.dedup_by_key(|(crossing, _)| *crossing);
        if trained.len() != trainings {
            return Err("a crossing was trained on twice".to_owned());
        }
        let rows = versions.last().map_or(0, |version| version.entries.len());
        let counted = trained.iter().map(|(_, net_new)| net_new).sum::<u64>() + pointer.carried_over;
        if counted != rows as u64 {
            return Err(format!("{rows} rows are frozen, {counted} were trained on or carried over"));
        }
        self.check_that_nothing_is_lost(&pointer, &versions)
    }

    /// Checks that the newest version has no text with a later one that a freeze has seen.
    fn check_last_texts(&self, versions: &[Version], pointer: &Pointer) -> Result<(), String> {
        let listing = finish(self.lake.0.list_parts(&pointer.watermark.list_after())).unwrap();
        let objects = self.lake.0.objects();
        let pending = pointer.watermark.pending(&listing.parts).parts;
        let bodies = pending.iter().map(|part| std::str::from_utf8(&objects[&part.key(Route::Gold)]).unwrap());
        let pending: BTreeSet<_> = bodies.flat_map(str::lines).map(|line| number_of(&ids(line).0)).collect();
        for (pair, _) in versions.last().into_iter().flat_map(Version::pairs) {
            let pair = number_of(&pair);
            let output = self.pairs[pair as usize].output;
            let later =
                (pair + 1..self.pairs.len() as u64).filter(|later| self.pairs[*later as usize].output == output);
            if let Some(later) = later.into_iter().find(|later| !pending.contains(later)) {
                return Err(format!("p{pair} is still there, and p{later} came after it"));
            }
        }
        Ok(())
    }

    /// Returns the pairs that wait after a version.
    fn waiting(&self, version: &Version) -> Vec<String> {
        let Some(waiting) = version.records.version.as_ref().and_then(|version| version.waiting.as_ref()) else {
            return Vec::new();
        };
        let objects = &self.dataset.0.lock().unwrap().objects;
        std::str::from_utf8(&objects[&waiting.object.name]).unwrap().lines().map(|line| ids(line).0).collect()
    }

    /// Checks that each pair is frozen, quarantined, waiting or pending, in only one of these, and quarantined at most once.
    /// Waiting pairs that operators removed are not lost: they wait after an older version.
    fn check_that_nothing_is_lost(&self, pointer: &Pointer, versions: &[Version]) -> Result<(), String> {
        let mut found = ever(versions);
        let waiting = versions.last().map(|version| self.waiting(version)).unwrap_or_default();
        for pair in waiting {
            if !found.insert(pair.clone()) {
                return Err(format!("{pair} waits, and was frozen, or waits twice"));
            }
        }
        let objects = self.lake.0.objects();
        let pairs_of = |body: &Vec<u8>| -> Vec<String> {
            std::str::from_utf8(body).unwrap().lines().map(|line| ids(line).0).collect()
        };
        let held = objects.iter().filter(|(key, _)| key.contains("route=quarantine"));
        for pair in held.flat_map(|(_, body)| pairs_of(body)) {
            if found.contains(&pair) {
                return Err(format!("{pair} is held, and frozen or held elsewhere"));
            }
            found.insert(pair);
        }
        if self.has_people {
            found.extend(versions.iter().flat_map(|version| self.waiting(version)));
        }
        let listing = finish(self.lake.0.list_parts(&pointer.watermark.list_after())).unwrap();
        for part in pointer.watermark.pending(&listing.parts).parts {
            found.extend(pairs_of(&objects[&part.key(Route::Gold)]));
        }
        let counts = |pair: &u64| self.pairs[*pair as usize].is_gold && !self.is_superseded(*pair);
        let counted = (0..self.pairs.len() as u64).filter(counts);
        match counted.map(|pair| format!("p{pair}")).find(|pair| !found.contains(pair)) {
            Some(lost) => Err(format!("{lost} is lost")),
            None => Ok(()),
        }
    }
}

/// Returns the pairs that were ever frozen.
fn ever(versions: &[Version]) -> BTreeSet<String> {
    versions.iter().flat_map(Version::pairs).map(|(pair, _)| pair).collect()
}

fn number_of(pair: &str) -> u64 {
    pair[1..].parse().unwrap()
}

/// Checks that no pair is there twice. The rows are those of the version before, with new ones and without revised ones, or those
/// that an operator asked for.
fn check_version(versions: &[Version], index: usize, is_superseded: impl Fn(u64) -> bool) -> Result<(), String> {
    let pairs = |index: Option<usize>| -> BTreeSet<String> {
        index.map_or_else(BTreeSet::new, |index| versions[index].pairs().map(|(pair, _)| pair).collect())
    };
    let (number, before, now) = (index + 1, pairs(index.checked_sub(1)), pairs(Some(index)));
    if now.len() != versions[index].entries.len() {
        return Err(format!("version {number} has a pair twice"));
    }
    let fits = match versions[index].operation() {
        // A redelivery does not bring earlier frozen pairs back.
        None => {
            let earlier = ever(&versions[..index]);
            before.difference(&now).all(|pair| is_superseded(number_of(pair)))
                && now.difference(&before).all(|pair| !earlier.contains(pair))
        }

        Some(Operation::Rollback { to }) => now == pairs((*to as usize).checked_sub(1)),
        Some(_) => now.is_subset(&before) && !now.iter().any(|pair| is_busy(pair)),
    };
    if fits {
        Ok(())
    } else {
        Err(format!(
            "version {number}, {:?}, has other rows than it should: {before:?} became {now:?}",
            versions[index].operation()
        ))
    }
}

/// Checks the count towards the next training: the pairs that the last trained version lacks, along the versions that the rows
/// come from.
fn check_counts(versions: &[Version], pointer: &Pointer) -> Result<(), String> {
    let mut number = versions.len();
    while number > 0 {
        let version = &versions[number - 1];
        let freeze = version.records.pointer.last_freeze.as_ref().unwrap();
        match version.operation() {
            Some(Operation::Rollback { to }) => number = *to as usize,
            None if freeze.trainable => break,
            _ => number -= 1,
        }
    }
    let pairs = |number: usize| -> HashSet<String> {
        number.checked_sub(1).map_or_else(HashSet::new, |index| versions[index].pairs().map(|(pair, _)| pair).collect())
    };
    let net_new = pairs(versions.len()).difference(&pairs(number)).count() as u64;
    if net_new == pointer.carried_over {
        return Ok(());
    }
    Err(format!("{net_new} pairs are net-new, {} are carried over", pointer.carried_over))
}

fn freezer(lake: &SteppedLake, dataset: &MemoryDataset) -> Freezer<SteppedLake, MemoryDataset> {
    let bounds = BreakerBounds {
        min_events: 3,
        quarantined_above: 0.6,
        contributor_above: 1.0,
        burst_above: 1.0,
        drift_above: 1.0,
        half_open_after_hours: 24,
        sample_pairs: 3,
    };
    let rules = DatasetRules {
        max_pairs_per_contributor: 1,
        max_waiting_per_contributor: 2,
        max_unattributed_share: 1.0,
        max_tenant_share: 1.0,
        near_duplicate_from: 1.1,
        burst_pairs: u64::MAX,
        ..DatasetRules::default()
    };
    // The limit is so small that a crossing sometimes takes more than one freeze.
    Freezer::new(lake.clone(), dataset.clone(), rules, bounds, now).with_max_bytes(2_200)
}

/// Runs the state machine: freeze, with retries; then train, if it is due; then the end.
async fn workflow(run: String, input: RunInput, freezer: Freezer<SteppedLake, MemoryDataset>, runs: Runs) {
    let mut report = None;
    for _ in 0..3 {
        if let Ok(frozen) = freezer.freeze(FreezeRequest { crossing: input.crossing, goal: input.goal }).await {
            report = Some(frozen);
            break;
        }
    }
    step().await;
    let mut state = runs.0.lock().unwrap();
    let Some(attempt @ Attempt::Running) = state.attempts.get_mut(&run) else { return };
    let Some(report) = report else {
        *attempt = Attempt::Failed { stopped_at: now() };
        return;
    };
    *attempt = Attempt::Succeeded;
    if report.trainable {
        state.trained.push((report.crossing, report.net_new));
    }
}

/// Runs a future that never waits.
fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

/// Runs a schedule. In every other one operators make versions, and in every third one users revise their texts.
fn schedule(seed: u64, sabotage: Sabotage) -> Result<(), String> {
    let mut random = Random(seed);
    let mut world = World::new(sabotage, seed % 4 > 1, seed.is_multiple_of(3));
    for _ in 0..STEPS {
        world.act(&mut random);
    }
    world.settle()?;
    if world.has_revisions {
        // One more freeze sees the texts of the other routes.
        world.has_revisions = false;
        (0..THRESHOLD).for_each(|_| world.curate(&mut random));
        world.pass(DAY);
        world.settle()?;
        world.has_revisions = true;
    }
    world.check()
}

#[test]
fn in_every_schedule_each_pair_is_frozen_once_and_nothing_is_lost_or_stuck() {
    if let Some(seed) = Settings::from_env().optional("FLYWHEEL_MODEL_SEED") {
        return schedule(seed.parse().unwrap(), Sabotage::Nothing).unwrap();
    }
    let threads: Vec<_> = (0..2)
        .map(|half| {
            std::thread::spawn(move || {
                for seed in (half..SCHEDULES).step_by(2) {
                    if let Err(violation) = schedule(seed, Sabotage::Nothing) {
                        panic!("seed {seed}: {violation}");
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Shows that the checks of the test above are effective.
#[test]
fn what_is_broken_on_purpose_is_noticed() {
    for sabotage in [
        Sabotage::ConsumedForgotten,
        Sabotage::RecordForgotten,
        Sabotage::VersionsTakenTwice,
        Sabotage::NamesTakenTwice,
        Sabotage::LateKeysUnlisted,
        Sabotage::PairsForgotten,
        Sabotage::QuarantineUnwritten,
        Sabotage::QuarantineForgotten,
        Sabotage::WaitingForgotten,
        Sabotage::BackgroundForgotten,
        Sabotage::DeadRunsRun,
        Sabotage::RemovedForgotten,
        Sabotage::StatesUnlisted,
        Sabotage::OutputsForgotten,
        Sabotage::PeopleUnfinished,
    ] {
        let noticed = (0..20_000).find_map(|seed| schedule(seed, sabotage).err().map(|violation| (seed, violation)));
        let Some((seed, violation)) = noticed else { panic!("{sabotage:?} is not noticed") };
        println!("{sabotage:?}: seed {seed}: {violation}");
    }
}
