use std::time::Instant;

use flywheel_core::{
    BREAKER_OPEN, Breaker, BreakerBounds, BreakerState, FreezeReport, Frozen, Goal, KnownPairs, Millis, PartName,
    Pointer, Route, UnheldLine, held_parts,
};
use flywheel_lake::{
    CountRows, LakeError, ListParts, LoadBreaker, LoadPointer, LoadedBreaker, MoveBreaker, MovePointer, Moved,
    ReadPart, WritePart,
};
use flywheel_runtime::millis_since;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;

use crate::dataset::{Dataset, DatasetError, Loaded};
use crate::part_lines::{CorruptPart, part_lines};
use crate::window::Window;

/// How often a freeze starts over because another one committed first.
const ATTEMPTS: u32 = 5;

/// Parts read at the same time: mostly small objects, so it is the round trips that would add up.
const CONCURRENT_READS: usize = 8;

/// The bytes of lines that one freeze takes: with what they become on their way into the table, less than half of the
/// function's memory. What is more is left to the next crossing.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// What the workflow asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Crossing {
    /// The number of the crossing.
    pub crossing: u64,
    /// What has to be there to train on.
    #[serde(flatten)]
    pub goal: Goal,
}

/// Freezes pending parts into dataset versions.
#[derive(Debug)]
pub struct Freezer<L, D> {
    lake: L,
    dataset: D,
    bounds: BreakerBounds,
    now: fn() -> Millis,
    max_bytes: u64,
}

/// A freeze failed.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// The lake does not stand at this crossing: it is long past, or yet to come. Another attempt cannot change that.
    #[error("crossing {asked} cannot be frozen: the lake stands at crossing {current}")]
    StaleCrossing {
        /// The crossing that was asked for.
        asked: u64,
        /// The crossing that is next.
        current: u64,
    },
    /// A part is not what its writer made it. Another attempt cannot change that.
    #[error(transparent)]
    CorruptPart(#[from] CorruptPart),
    /// A line cannot be held back. Another attempt cannot change that.
    #[error(transparent)]
    UnheldLine(#[from] UnheldLine),
    /// Others kept committing first.
    #[error("gave up after {ATTEMPTS} attempts, each overtaken by another freeze")]
    Contended,
    /// The lake could not be read, or the pointer not be moved.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The dataset could not be read or written.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

impl<L, D: Dataset> Freezer<L, D>
where
    L: ListParts + ReadPart + WritePart + CountRows + LoadPointer + MovePointer + LoadBreaker + MoveBreaker,
{
    /// A freezer from `lake` into `dataset`, whose windows the circuit breaker judges by `bounds`.
    pub fn new(lake: L, dataset: D, bounds: BreakerBounds, now: fn() -> Millis) -> Self {
        Self { lake, dataset, bounds, now, max_bytes: MAX_BYTES }
    }

    /// The same, with another bound of the bytes that one freeze takes.
    #[must_use]
    pub fn with_max_bytes(self, max_bytes: u64) -> Self {
        Self { max_bytes, ..self }
    }

    /// Freezes what is pending, as much as one freeze can hold, as one version, for one crossing. Asked again for the same
    /// crossing it answers the same and commits nothing.
    ///
    /// A freeze is two writes, the version and the pointer, and can die between them. The version goes first and carries
    /// the pointer that belongs to it, so whoever comes next finds a version that is ahead of the pointer, and moves the
    /// pointer there. Of two freezes at once, one takes the version number; the other finds it taken and starts over,
    /// which ends at the same answer.
    ///
    /// What the circuit breaker holds back is written to quarantine before either, under keys that follow from it; so the
    /// watermark never moves past a line that is nowhere. The breaker itself is moved first of all: whoever comes after a
    /// death finds it as it was decided.
    ///
    /// # Errors
    /// See [`FreezeError`]. After any error the freeze may simply be asked for again.
    pub async fn freeze(&self, crossing: Crossing) -> Result<FreezeReport, FreezeError> {
        let started = Instant::now();
        for attempt in 1..=ATTEMPTS {
            let Some(report) = self.attempt(crossing).await? else { continue };
            log(&report, attempt, started);
            return Ok(report);
        }
        Err(FreezeError::Contended)
    }

    /// One attempt. `None`: the lake has moved, look again.
    async fn attempt(&self, asked: Crossing) -> Result<Option<FreezeReport>, FreezeError> {
        let stored = self.lake.load_pointer().await?;
        if let Some(report) = frozen_before(&stored.pointer, asked.crossing)? {
            return Ok(Some(report));
        }
        let Loaded { snapshot, version, mut known, record } = self.dataset.load().await?;
        if let Some(ahead) = record.filter(|record| record.crossing > stored.pointer.crossing) {
            self.lake.move_pointer(&stored, &ahead).await?;
            return Ok(None);
        }
        let breaker = self.lake.load_breaker().await?;
        let room = breaker.breaker.room(&self.bounds);
        let pointer = &stored.pointer;
        let listing = self.lake.list_parts(&pointer.watermark.list_after()).await?;
        let (within_bytes, _) = pointer.watermark.divide(&listing.parts, self.max_bytes);
        let (taken, _) = pointer.watermark.sample(within_bytes, room, |part| breaker.breaker.holds(part));
        let rest = &listing.parts[taken.len()..];
        let parts = pointer.watermark.pending(taken).parts;

        let mut window = Window::new(asked.goal, pointer.breadth.clone(), room);
        self.read(&parts, &breaker.breaker, &mut known, &mut window).await?;
        let Some(judged) = self.judge(&window, &breaker, asked.crossing).await? else { return Ok(None) };
        let may_train = judged.state != BreakerState::Open;
        if !may_train {
            window.hold_everything(&pointer.breadth);
        }
        self.quarantine(&window).await?;

        let frozen = Frozen {
            version: version + 1,
            rows: window.lines.len() as u64,
            duplicates: window.duplicates,
            held: window.held.len() as u64,
            parts: parts.len() as u64,
            breadth: window.breadth,
            may_train,
        };
        let watermark = pointer.watermark.after(taken, rest);
        let moved = pointer.after_freeze(frozen, &asked.goal, watermark, (self.now)());
        match self.dataset.commit(snapshot, window.lines, &moved).await {
            Err(DatasetError::Conflict) => return Ok(None),
            other => other?,
        }
        // If somebody moved it first, then to what this version records: nobody can have committed past it.
        self.lake.move_pointer(&stored, &moved).await?;
        Ok(moved.last_freeze)
    }

    /// Reads parts, several at a time and yet in order: of two lines with one pair, the first to be curated is kept.
    async fn read(
        &self,
        parts: &[PartName],
        breaker: &Breaker,
        known: &mut KnownPairs,
        window: &mut Window,
    ) -> Result<(), FreezeError> {
        let read = |name: PartName| async move {
            let body = self.lake.read_part(&name.key(Route::Gold)).await?;
            Ok::<_, FreezeError>((name, body))
        };
        let mut bodies = stream::iter(parts.to_vec()).map(read).buffered(CONCURRENT_READS);
        while let Some((name, body)) = bodies.try_next().await? {
            let is_held = breaker.holds(&name);
            for line in part_lines(&name, &body)? {
                window.add(&name, &line, is_held, known);
            }
        }
        Ok(())
    }

    /// The circuit breaker after this window, moved if the window changes it. `None`: somebody else moved it, look again.
    async fn judge(
        &self,
        window: &Window,
        breaker: &LoadedBreaker,
        crossing: u64,
    ) -> Result<Option<Breaker>, FreezeError> {
        // Events of a time that is held already have had their say.
        let quarantined = match window.time() {
            Some((first, last)) => {
                let first = first.max(breaker.breaker.hold_before);
                self.lake.count_rows(Route::Quarantine, first, last).await?
            }
            None => 0,
        };
        let statistics = window.statistics(quarantined);
        let Some(next) = breaker.breaker.after_window(&statistics, &self.bounds, crossing, (self.now)()) else {
            return Ok(Some(breaker.breaker.clone()));
        };
        if self.lake.move_breaker(breaker, &next).await? == Moved::WasMovedBefore {
            return Ok(None);
        }
        tracing::warn!(from = breaker.breaker.state.as_str(), to = next.state.as_str(), crossing, "breaker moved");
        Ok(Some(next))
    }

    async fn quarantine(&self, window: &Window) -> Result<(), FreezeError> {
        for (key, body) in held_parts(&window.held, window.held_at, BREAKER_OPEN)? {
            self.lake.write_part(&key, body).await?;
        }
        Ok(())
    }
}

/// The answer to a crossing that is frozen already; `None` if it is the current one.
fn frozen_before(pointer: &Pointer, asked: u64) -> Result<Option<FreezeReport>, FreezeError> {
    if asked == pointer.crossing {
        return Ok(None);
    }
    let report = pointer.last_freeze.clone().filter(|report| report.crossing == asked);
    report.map(Some).ok_or(FreezeError::StaleCrossing { asked, current: pointer.crossing })
}

fn log(report: &FreezeReport, attempt: u32, started: Instant) {
    tracing::info!(
        crossing = report.crossing,
        version = report.version,
        rows = report.rows,
        duplicates = report.duplicates,
        held = report.held,
        parts = report.parts,
        net_new = report.net_new,
        trainable = report.trainable,
        attempt,
        duration_ms = millis_since(started),
        "pairs frozen"
    );
}
