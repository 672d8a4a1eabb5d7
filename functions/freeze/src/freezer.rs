use std::time::Instant;

use flywheel_base::{Route, instant::Millis};
use flywheel_dataset::{
    Audited, Consumed, ConsumedPart, DatasetRules, Drift, Newcomers, ObjectDigest, Pair, QuarantinedPart, Shortfall,
    SplitSalt, VersionRecord, audit, object_sha256,
};
use flywheel_lake::{
    CountRows, LakeError, ListParts, ListRoute, LoadBreaker, LoadPointer, LoadedBreaker, MoveBreaker, MovePointer,
    Moved, ReadPart, WritePart,
};
use flywheel_log::{
    Breadth, Breaker, BreakerBounds, FreezeReport, Frozen, Goal, PartName, Pointer, Sender, Watermark, WindowStatistics,
};
use flywheel_runtime::millis_since;
use flywheel_table::{
    Amendable, Dataset, DatasetError, Loaded, Records, background_of, finish, net_new_without, waiting_after,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;

use crate::part_lines::{CorruptPart, part_lines};
use crate::window::Window;

/// The number of times that a freeze starts over because another commit came first.
const ATTEMPTS: u32 = 5;

/// The number of parts that are read at the same time. They are mostly small objects, so sequential round trips would add up.
const CONCURRENT_READS: usize = 8;

/// The most bytes of lines that one freeze takes: with their form in the table, less than half of the function's memory. The
/// remaining parts are left to the next crossing.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// The workflow's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct FreezeRequest {
    /// The number of the crossing.
    pub crossing: u64,
    /// The minimum for a training.
    #[serde(flatten)]
    pub goal: Goal,
}

/// Freezes pending parts into dataset versions.
#[derive(Debug)]
pub struct Freezer<L, D> {
    lake: L,
    dataset: D,
    rules: DatasetRules,
    bounds: BreakerBounds,
    now: fn() -> Millis,
    max_bytes: u64,
}

/// A freeze failed.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// The lake is at another crossing, earlier or later. A retry cannot succeed.
    #[error("crossing {asked} cannot be frozen: the lake stands at crossing {current}")]
    StaleCrossing {
        /// The requested crossing.
        asked: u64,
        /// The lake's next crossing.
        current: u64,
    },
    /// A part is damaged. A retry cannot succeed.
    #[error(transparent)]
    CorruptPart(#[from] CorruptPart),
    /// Other commits came first on every attempt.
    #[error("gave up after {ATTEMPTS} attempts, each overtaken by another change of the lake")]
    Contended,
    /// The lake could not be read or written, or the pointer could not be moved.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The dataset could not be read or written.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

impl<L, D: Amendable> Freezer<L, D>
where
    L: ListParts + ListRoute + ReadPart + WritePart + CountRows + LoadPointer + MovePointer + LoadBreaker + MoveBreaker,
{
    /// Creates a freezer from `lake` into `dataset` by these rules. The circuit breaker judges its windows by `bounds`.
    pub fn new(lake: L, dataset: D, rules: DatasetRules, bounds: BreakerBounds, now: fn() -> Millis) -> Self {
        Self { lake, dataset, rules, bounds, now, max_bytes: MAX_BYTES }
    }

    /// Sets another limit on the bytes of one freeze.
    #[must_use]
    pub fn with_max_bytes(self, max_bytes: u64) -> Self {
        Self { max_bytes, ..self }
    }

    /// Freezes pending pairs, as many as one freeze can hold, as one version for one crossing. It is idempotent: a repetition for
    /// the same crossing gives the same answer and commits nothing.
    ///
    /// # Why nothing is lost or doubled, wherever a freeze crashes
    /// A freeze writes in this order: the circuit breaker, if the window moves it; objects beside the table (the list of parts,
    /// the background, the quarantined pairs, the waiting pairs); the data file; the commit; the part of quarantined pairs in the
    /// route `quarantine`; the pointer.
    ///
    /// Until the commit nothing has happened to any pair: the written objects are named after their content and are not
    /// referenced, and the parts are still pending. The next freeze may see more parts, decide differently and quarantine other
    /// pairs, so no pair may be in the route `quarantine` yet. Only the breaker stays as it was moved: one that opened stays
    /// open, so the same window is quarantined; one that a sound sample closed judges the next window as usual.
    ///
    /// With the commit everything has happened. It carries its own pointer, and the names and digests of the quarantined and the
    /// waiting pairs, which the next freeze reads. The next freeze or operator finds a version ahead of the pointer and finishes
    /// it. The part in quarantine comes first; its key and body follow from the commit, so repeated writes leave one part. The
    /// pointer comes last, because it says that the version is finished.
    ///
    /// Of two concurrent freezes, or of a freeze and an operator, one gets the version number; the other finds it in use and
    /// starts over. Two freezes end at the same answer. After an operator's version (`Amender` of `flywheel-operator`) a
    /// freeze deduplicates against its rows.
    ///
    /// # Errors
    /// See [`FreezeError`]. After any error the freeze may be requested again.
    pub async fn freeze(&self, crossing: FreezeRequest) -> Result<FreezeReport, FreezeError> {
        let started = Instant::now();
        for attempt in 1..=ATTEMPTS {
            let Some(report) = self.attempt(crossing).await? else { continue };
            log(&report, attempt, started);
            return Ok(report);
        }
        Err(FreezeError::Contended)
    }

    /// Makes one attempt. `None` means that the lake has moved, and asks for another attempt.
    async fn attempt(&self, asked: FreezeRequest) -> Result<Option<FreezeReport>, FreezeError> {
        let stored = self.lake.load_pointer().await?;
        if let Some(report) = frozen_before(&stored.pointer, asked.crossing)? {
            return Ok(Some(report));
        }
        let loaded = self.dataset.load().await?;
        if finish::<_, _, FreezeError>(&self.lake, &self.dataset, &stored, &loaded).await? {
            return Ok(None);
        }
        let breaker = self.lake.load_breaker().await?;
        let room = breaker.breaker.room(&self.bounds);
        let pointer = &stored.pointer;
        let listing = self.lake.list_parts(&pointer.watermark.list_after()).await?;
        let Loaded { snapshot, version, salt, last_freeze } = loaded;
        let previous = last_freeze.and_then(|last| last.version);
        let waiting = waiting_after(&self.dataset, &snapshot, previous.as_ref()).await?;
        let max_bytes = self.max_bytes.saturating_sub(waiting.len() as u64);
        let (within_bytes, _) = pointer.watermark.divide(&listing.parts, max_bytes);
        let (taken, _) = pointer.watermark.sample(within_bytes, room, |part| breaker.breaker.holds(part));
        let rest = &listing.parts[taken.len()..];
        let parts = pointer.watermark.pending(taken).parts;

        let background = background_of(&self.dataset, &snapshot, previous.as_ref()).await?;
        let attribution = previous.as_ref().map(VersionRecord::attribution).unwrap_or_default();
        let newcomers = Newcomers::new(&self.rules).remembering(&background).attributed_as(attribution);
        let newcomers = add_waiting(newcomers, &waiting, version)?;
        let Gathered { mut newcomers, mut window, list, lines } =
            self.gather(newcomers, &parts, &breaker.breaker).await?;
        self.add_states(&mut newcomers, &mut window, &pointer.watermark).await?;
        self.dataset.deduplicate(&snapshot, &mut newcomers).await?;
        let mut audited = audit(newcomers, background, &self.rules, &salt);

        // Before the first revision the table's own property forbids removing rows.
        if !audited.revised.is_empty() && self.dataset.allow_amendments().await? {
            return Ok(None);
        }
        let drift = |sender: Option<&Sender>| self.drift(previous.as_ref()?, &audited, sender);
        let quarantined = self.quarantined(&window, pointer, &breaker.breaker).await?;
        let statistics = window.statistics(&audited, quarantined, drift);
        let Some(judged) = self.judge(statistics, &breaker, asked.crossing).await? else { return Ok(None) };
        let may_train = !judged.is_open_for_all();
        let senders: Vec<_> =
            judged.senders.iter().filter(|held| held.until.is_none()).map(|held| &held.sender).collect();
        audited.quarantine_senders(&senders);
        audited.quarantine_beyond(if may_train { room } else { 0 });

        let revised = self.dataset.rows_of_pairs(&snapshot, &audited.revised).await?;
        let pointer = &self.without_revised(pointer, &audited, &snapshot, version).await?;
        let frozen = Frozen {
            version: version + 1,
            rows: audited.entries.len() as u64,
            duplicates: audited.duplicates,
            near_duplicates: audited.near_duplicates,
            superseded: audited.superseded,
            revised: audited.revised.len() as u64,
            held: audited.held.len() as u64,
            waiting: audited.waiting.len() as u64,
            parts: parts.len() as u64,
            breadth: breadth_with(&pointer.breadth, &asked.goal, &audited),
            may_train,
        };
        let shortfall = audited.caps.shortfall(asked.goal.threshold, frozen.rows, frozen.waiting);
        let moved = pointer.after_freeze(frozen, &asked.goal, pointer.watermark.after(taken, rest), (self.now)());
        let list = put_object(&self.dataset, &snapshot, "parts", "jsonl", list.into_bytes()).await?;
        let consumed = Consumed { parts: parts.len() as u64, lines, list };
        // A freeze that consumes no part may quarantine waiting pairs: under the time of the last consumed part.
        let newest =
            parts.last().map_or(pointer.watermark.consumed_until().saturating_sub(1), |newest| newest.written_at);
        let draft = Draft { previous, salt, consumed, newest, audited, revised, pointer: &moved };
        if !self.commit(snapshot, (version + 1, asked.crossing), draft).await? {
            return Ok(None);
        }
        if let Some(shortfall) = shortfall {
            warn_of(&shortfall, asked.crossing);
        }
        // A pointer that another process moved first is at this version, too: no commit can have come after it.
        self.lake.move_pointer(&stored, &moved).await?;
        Ok(moved.last_freeze)
    }

    /// Commits the new version and publishes its quarantined pairs. Returns `false` if another commit came first; then nothing
    /// has happened.
    async fn commit(
        &self,
        snapshot: D::Snapshot,
        number_and_crossing: (u64, u64),
        draft: Draft<'_>,
    ) -> Result<bool, FreezeError> {
        let Draft { previous, salt, consumed, newest, audited, revised, pointer } = draft;
        let learnt = audited.learnt(&revised).to_bytes();
        let background = put_object(&self.dataset, &snapshot, "background", "bin", learnt).await?;
        let held = QuarantinedPart::of(&audited, newest);
        if let Some((held, body)) = &held {
            self.dataset.put_object(&snapshot, &held.staged, body.clone().into_bytes()).await?;
        }
        if let Some((waiting, body)) = audited.waiting_pairs() {
            self.dataset.put_object(&snapshot, &waiting.object, body.into_bytes()).await?;
        }
        let (held, held_body) = held.unzip();
        let record = VersionRecord::of(
            &audited,
            number_and_crossing,
            previous.as_ref(),
            consumed,
            (held, background),
            (&self.rules, &salt),
        );
        let records = |files| Records { pointer: pointer.clone(), version: Some(record.with_files(files)) };
        let records = match self.dataset.commit(snapshot, audited.entries, &audited.revised, records).await {
            Err(DatasetError::Conflict) => return Ok(false),
            other => other?,
        };
        if let Some((part, body)) = records.version.as_ref().and_then(|version| version.held.as_ref()).zip(held_body) {
            self.lake.write_part(&part.key, body).await?;
        }
        Ok(true)
    }

    /// Reads parts, several at a time but in order: of two lines with one pair, the first curated one is kept.
    async fn gather(
        &self,
        newcomers: Newcomers,
        parts: &[PartName],
        breaker: &Breaker,
    ) -> Result<Gathered, FreezeError> {
        let read = |name: PartName| async move {
            let body = self.lake.read_part(&name.key(Route::Gold)).await?;
            Ok::<_, FreezeError>((name, body))
        };
        let mut bodies = stream::iter(parts.to_vec()).map(read).buffered(CONCURRENT_READS);
        let mut gathered = Gathered { newcomers, window: Window::default(), list: String::new(), lines: 0 };
        while let Some((name, body)) = bodies.try_next().await? {
            gathered.add(&name, &body, breaker)?;
        }
        Ok(gathered)
    }

    /// Reads new parts of other routes: the last text of an output may be there, as a trivial edit or waiting for an operator.
    ///
    /// The listing starts where gold parts are unsettled, so each of these parts is seen by the next freeze at the latest, and by
    /// some freezes twice. That is idempotent: a revision is a maximum.
    async fn add_states(
        &self,
        newcomers: &mut Newcomers,
        window: &mut Window,
        watermark: &Watermark,
    ) -> Result<(), FreezeError> {
        for route in [Route::Dropped, Route::Review, Route::Quarantine] {
            let listing = self.lake.list_route(route, watermark.unsettled_from()..=Millis::MAX, u64::MAX).await?;
            let read = |name: PartName| async move {
                let body = self.lake.read_part(&name.key(route)).await;
                // A part that expires between the listing and this read is older than any pending text.
                match body {
                    Err(error) if error.is_missing() => Ok(None),
                    body => body.map(|body| Some((name, body))),
                }
            };
            let names = listing.parts.into_iter().map(|part| part.name);
            let mut bodies = stream::iter(names).map(read).buffered(CONCURRENT_READS);
            while let Some(part) = bodies.try_next().await? {
                let Some((name, body)) = part else { continue };
                for (index, line) in part_lines(&name, route, &body)?.into_iter().enumerate() {
                    if !newcomers.add_state(line) {
                        return Err(CorruptPart::line(&name, route, index).into());
                    }
                    if route == Route::Quarantine {
                        window.add_quarantined(&name, line);
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the pointer's counts without the revised rows: a row that was never trained on counts once, under its last text.
    async fn without_revised(
        &self,
        pointer: &Pointer,
        audited: &Audited,
        snapshot: &D::Snapshot,
        version: u64,
    ) -> Result<Pointer, FreezeError> {
        if audited.revised.is_empty() {
            return Ok(pointer.clone());
        }
        let (carried_over, breadth) =
            net_new_without(&self.dataset, &audited.revised, snapshot, version, pointer).await?;
        Ok(Pointer { carried_over, breadth, ..pointer.clone() })
    }

    /// Returns the drift from the version before, in the breaker's terms, without one sender's pairs.
    fn drift(&self, previous: &VersionRecord, audited: &Audited, sender: Option<&Sender>) -> Option<f64> {
        let drift = Drift::between(&previous.statistics, &audited.statistics_without(sender), &self.rules);
        drift.map(|drift| drift.share_changed())
    }

    /// Counts the rows that curation quarantined in the window's time, and returns the time from which on they count.
    ///
    /// Each time is counted once: times that were consumed, or quarantined behind the breaker, are left out, although a late part
    /// may reach back into them. The pairs that freezes quarantined have the time of the parts that they consumed.
    async fn quarantined(
        &self,
        window: &Window,
        pointer: &Pointer,
        breaker: &Breaker,
    ) -> Result<(u64, Millis), FreezeError> {
        let Some((first, last)) = window.time() else { return Ok((0, 0)) };
        let first = first.max(breaker.hold_before).max(pointer.watermark.consumed_until());
        Ok((self.lake.count_rows(Route::Quarantine, first, last).await?, first))
    }

    /// Returns the circuit breaker after this window, moved if the window changes it. `None` means that another process moved it,
    /// and asks for another attempt.
    async fn judge(
        &self,
        (window, without): (WindowStatistics, Vec<(Sender, WindowStatistics)>),
        breaker: &LoadedBreaker,
        crossing: u64,
    ) -> Result<Option<Breaker>, FreezeError> {
        let Some(next) = breaker.breaker.after_window_of(&window, without, &self.bounds, crossing, (self.now)()) else {
            return Ok(Some(breaker.breaker.clone()));
        };
        if self.lake.move_breaker(breaker, &next).await? == Moved::WasMovedBefore {
            return Ok(None);
        }
        tracing::warn!(from = breaker.breaker.state.as_str(), to = next.state.as_str(), crossing, "breaker moved");
        Ok(Some(next))
    }
}

/// A version that is not committed yet.
struct Draft<'f> {
    previous: Option<VersionRecord>,
    salt: SplitSalt,
    consumed: Consumed,
    /// The time at which the newest consumed part was written.
    newest: Millis,
    audited: Audited,
    /// The removed rows, as JSON.
    revised: Vec<String>,
    pointer: &'f Pointer,
}

/// The contents of the parts.
struct Gathered {
    newcomers: Newcomers,
    window: Window,
    /// The list of parts for the record, one line each.
    list: String,
    lines: u64,
}

impl Gathered {
    fn add(&mut self, name: &PartName, body: &[u8], breaker: &Breaker) -> Result<(), CorruptPart> {
        for (index, line) in part_lines(name, Route::Gold, body)?.into_iter().enumerate() {
            let pair = Pair::read(line).ok_or_else(|| CorruptPart::line(name, Route::Gold, index))?;
            let gold = pair.gold();
            if breaker.holds(name) || breaker.holds_sender(name, gold.contributor(), gold.ingest_key()) {
                self.newcomers.add_barred(pair);
            } else {
                self.window.add(name, gold);
                self.newcomers.add(pair);
            }
        }
        let part = ConsumedPart { key: name.key(Route::Gold), sha256: object_sha256(body), lines: name.rows };
        // Text and numbers always serialize.
        self.list.push_str(&serde_json::to_string(&part).unwrap_or_default());
        self.list.push('\n');
        self.lines += name.rows;
        Ok(())
    }
}

/// Adds the waiting pairs before all pending ones.
fn add_waiting(mut newcomers: Newcomers, waiting: &str, version: u64) -> Result<Newcomers, DatasetError> {
    for line in waiting.split_terminator('\n') {
        newcomers.add_waiting(Pair::read(line).ok_or_else(|| DatasetError::damaged_waiting(version))?);
    }
    Ok(newcomers)
}

/// Returns the contributors and prompts of the carried-over and the new pairs.
fn breadth_with(carried_over: &Breadth, goal: &Goal, audited: &Audited) -> Breadth {
    let mut breadth = carried_over.clone();
    for line in audited.entries.iter().map(|entry| entry.line.gold()) {
        breadth.add(goal, line.contributor.as_deref(), &line.prompt);
    }
    breadth
}

async fn put_object<D: Dataset>(
    dataset: &D,
    snapshot: &D::Snapshot,
    folder: &str,
    extension: &str,
    bytes: Vec<u8>,
) -> Result<ObjectDigest, DatasetError> {
    let object = ObjectDigest::of(folder, extension, &bytes);
    dataset.put_object(snapshot, &object, bytes).await.map(|()| object)
}

/// Returns the answer to a crossing that was frozen before; `None` for the current crossing.
fn frozen_before(pointer: &Pointer, asked: u64) -> Result<Option<FreezeReport>, FreezeError> {
    if asked == pointer.crossing {
        return Ok(None);
    }
    let report = pointer.last_freeze.clone().filter(|report| report.crossing == asked);
    report.map(Some).ok_or(FreezeError::StaleCrossing { asked, current: pointer.crossing })
}

fn warn_of(shortfall: &Shortfall, crossing: u64) {
    tracing::warn!(
        crossing,
        threshold = shortfall.threshold,
        entered = shortfall.entered,
        waiting = shortfall.over,
        contributors = shortfall.caps.contributors,
        pairs_per_contributor = shortfall.caps.per_contributor,
        edits_until_a_run = shortfall.edits,
        "caps keep the threshold out of reach"
    );
}

fn log(report: &FreezeReport, attempt: u32, started: Instant) {
    tracing::info!(
        crossing = report.crossing,
        version = report.version,
        rows = report.rows,
        duplicates = report.duplicates,
        near_duplicates = report.near_duplicates,
        superseded = report.superseded,
        revised = report.revised,
        held = report.held,
        waiting = report.waiting,
        parts = report.parts,
        net_new = report.net_new,
        trainable = report.trainable,
        attempt,
        duration_ms = millis_since(started),
        "pairs frozen"
    );
}
