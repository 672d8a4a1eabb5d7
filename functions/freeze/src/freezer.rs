use std::time::Instant;

use flywheel_core::{FreezeReport, Frozen, KnownPairs, PartName, Pointer, Route};
use flywheel_lake::{LakeError, ListParts, LoadPointer, MovePointer, ReadPart};
use flywheel_runtime::millis_since;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;

use crate::dataset::{Dataset, DatasetError, Loaded};
use crate::part_lines::{CorruptPart, part_lines};

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
    /// The net-new pairs that are enough to train on.
    pub threshold: u64,
}

/// Freezes pending parts into dataset versions.
#[derive(Debug)]
pub struct Freezer<L, D> {
    lake: L,
    dataset: D,
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

/// What the pending parts add to the dataset.
struct NetNew {
    lines: Vec<String>,
    duplicates: u64,
}

impl<L: ListParts + ReadPart + LoadPointer + MovePointer, D: Dataset> Freezer<L, D> {
    /// A freezer from `lake` into `dataset`.
    pub fn new(lake: L, dataset: D) -> Self {
        Self { lake, dataset, max_bytes: MAX_BYTES }
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
        let listing = self.lake.list_parts(&stored.pointer.watermark.list_after()).await?;
        let (taken, rest) = stored.pointer.watermark.divide(&listing.parts, self.max_bytes);
        let parts = stored.pointer.watermark.pending(taken).parts;
        let net_new = self.net_new(&parts, &mut known).await?;
        let frozen = Frozen {
            version: version + 1,
            rows: net_new.lines.len() as u64,
            duplicates: net_new.duplicates,
            parts: parts.len() as u64,
        };
        let watermark = stored.pointer.watermark.after(taken, rest);
        let moved = stored.pointer.after_freeze(frozen, asked.threshold, watermark);
        match self.dataset.commit(snapshot, net_new.lines, &moved).await {
            Err(DatasetError::Conflict) => return Ok(None),
            other => other?,
        }
        // If somebody moved it first, then to what this version records: nobody can have committed past it.
        self.lake.move_pointer(&stored, &moved).await?;
        Ok(moved.last_freeze)
    }

    /// Reads parts, several at a time and yet in order: of two lines with one pair, the first to be curated is kept.
    async fn net_new(&self, parts: &[PartName], known: &mut KnownPairs) -> Result<NetNew, FreezeError> {
        let read = |name: PartName| async move {
            let body = self.lake.read_part(&name.key(Route::Gold)).await?;
            Ok::<_, FreezeError>((name, body))
        };
        let mut bodies = stream::iter(parts.to_vec()).map(read).buffered(CONCURRENT_READS);
        let mut net_new = NetNew { lines: Vec::new(), duplicates: 0 };
        while let Some((name, body)) = bodies.try_next().await? {
            for line in part_lines(&name, &body)? {
                if known.admit(&line.pair_id, &line.event_id) {
                    net_new.lines.push(line.text.to_owned());
                } else {
                    net_new.duplicates += 1;
                }
            }
        }
        Ok(net_new)
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
        parts = report.parts,
        net_new = report.net_new,
        trainable = report.trainable,
        attempt,
        duration_ms = millis_since(started),
        "pairs frozen"
    );
}
