use std::time::Instant;

use flywheel_core::dataset::{
    Background, Consumed, ConsumedPart, DatasetRules, HeldPart, Newcomers, ObjectDigest, VersionRecord, audit,
    object_sha256,
};
use flywheel_core::{FreezeReport, Frozen, PartName, Pointer, Route};
use flywheel_lake::{LakeError, ListParts, LoadPointer, MovePointer, ReadPart, WritePart};
use flywheel_runtime::millis_since;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;

use crate::dataset::{Dataset, DatasetError, Loaded, Records};
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
    rules: DatasetRules,
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
    /// What the last version says of those before it is damaged. Another attempt cannot change that.
    #[error("the last version's background of phrases is damaged: restore it, it is an object that never changes")]
    CorruptBackground,
    /// Others kept committing first.
    #[error("gave up after {ATTEMPTS} attempts, each overtaken by another freeze")]
    Contended,
    /// The lake could not be read or written, or the pointer not be moved.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The dataset could not be read or written.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

impl<L: ListParts + ReadPart + WritePart + LoadPointer + MovePointer, D: Dataset> Freezer<L, D> {
    /// A freezer from `lake` into `dataset`, by these rules.
    pub fn new(lake: L, dataset: D, rules: DatasetRules) -> Self {
        Self { lake, dataset, rules, max_bytes: MAX_BYTES }
    }

    /// The same, with another bound of the bytes that one freeze takes.
    #[must_use]
    pub fn with_max_bytes(self, max_bytes: u64) -> Self {
        Self { max_bytes, ..self }
    }

    /// Freezes what is pending, as much as one freeze can hold, as one version, for one crossing. Asked again for the same
    /// crossing it answers the same and commits nothing.
    ///
    /// # Why nothing is lost or doubled, whenever a freeze dies
    /// A freeze writes, in this order: objects beside the table (the list of parts, the background, the pairs that are held), the
    /// data file, the commit, the part of held pairs in the route `quarantine`, the pointer.
    ///
    /// Until the commit nothing has happened: what was written is named after its content and named by nobody, and the parts
    /// are still pending. A freeze that comes next may see more of them, decide otherwise, and hold other pairs; so held
    /// pairs must not be in quarantine yet.
    ///
    /// With the commit everything has happened: it carries the pointer that belongs to it, and the name and digest of the
    /// held pairs. Whoever comes next finds a version that is ahead of the pointer, and finishes it: first the
    /// part in quarantine, whose key and body follow from the commit, so that it is there once however often it is
    /// written; then the pointer. The pointer is last, because it is what says that there is nothing left to finish.
    ///
    /// Of two freezes at once, one takes the version number; the other finds it taken and starts over, which ends at the
    /// same answer.
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
        let loaded = self.dataset.load().await?;
        if let Some(ahead) = loaded.last_freeze.as_ref().filter(|last| last.pointer.crossing > stored.pointer.crossing)
        {
            self.publish_held(&loaded.snapshot, ahead).await?;
            self.lake.move_pointer(&stored, &ahead.pointer).await?;
            return Ok(None);
        }
        let listing = self.lake.list_parts(&stored.pointer.watermark.list_after()).await?;
        let (taken, rest) = stored.pointer.watermark.divide(&listing.parts, self.max_bytes);
        let parts = stored.pointer.watermark.pending(taken).parts;
        let watermark = stored.pointer.watermark.after(taken, rest);
        let records = |frozen: Frozen, version: VersionRecord| Records {
            pointer: stored.pointer.after_freeze(frozen, asked.threshold, watermark.clone()),
            version: Some(version),
        };
        let Some(records) = self.commit(loaded, &parts, records, asked.crossing).await? else { return Ok(None) };
        // If somebody moved it first, then to what this version records: nobody can have committed past it.
        self.lake.move_pointer(&stored, &records.pointer).await?;
        Ok(records.pointer.last_freeze)
    }

    /// Audits parts and commits what enters. `None`: another commit came first.
    async fn commit(
        &self,
        loaded: Loaded<D::Snapshot>,
        parts: &[PartName],
        records: impl FnOnce(Frozen, VersionRecord) -> Records + Send,
        crossing: u64,
    ) -> Result<Option<Records>, FreezeError> {
        let Loaded { snapshot, version, salt, last_freeze } = loaded;
        let previous = last_freeze.and_then(|last| last.version);
        let (mut newcomers, consumed) = self.gather(parts).await?;
        self.dataset.meet(&snapshot, &mut newcomers).await?;
        let background = self.background(&snapshot, previous.as_ref()).await?;
        let audited = audit(newcomers, background, &self.rules, &salt);

        let list = put_object(&self.dataset, &snapshot, "parts", "jsonl", consumed.list.into_bytes()).await?;
        let consumed = Consumed { parts: parts.len() as u64, lines: consumed.lines, list };
        let learnt = audited.background.to_bytes();
        let background = put_object(&self.dataset, &snapshot, "background", "bin", learnt).await?;
        let held = parts.last().and_then(|newest| HeldPart::of(&audited, newest));
        let held_body = held.as_ref().map(|(_, body)| body.clone());
        let held = match held {
            None => None,
            Some((held, body)) => {
                self.dataset.put_object(&snapshot, &held.staged, body.into_bytes()).await?;
                Some(held)
            }
        };
        let frozen = Frozen {
            version: version + 1,
            rows: audited.entries.len() as u64,
            duplicates: audited.duplicates,
            near_duplicates: audited.near_duplicates,
            held: audited.held.len() as u64,
            parts: parts.len() as u64,
        };
        let record = VersionRecord::of(
            &audited,
            (version + 1, crossing),
            previous.as_ref(),
            consumed,
            (held, background),
            (&self.rules, &salt),
        );
        let records = |files| records(frozen, record.with_files(files));
        let records = match self.dataset.commit(snapshot, audited.entries, records).await {
            Err(DatasetError::Conflict) => return Ok(None),
            other => other?,
        };
        if let Some((part, body)) = records.version.as_ref().and_then(|version| version.held.as_ref()).zip(held_body) {
            self.lake.write_part(&part.key, body).await?;
        }
        Ok(Some(records))
    }

    /// Reads parts, several at a time and yet in order: of two lines with one pair, the first to be curated is kept.
    async fn gather(&self, parts: &[PartName]) -> Result<(Newcomers, Gathered), FreezeError> {
        let read = |name: PartName| async move {
            let body = self.lake.read_part(&name.key(Route::Gold)).await?;
            Ok::<_, FreezeError>((name, body))
        };
        let mut bodies = stream::iter(parts.to_vec()).map(read).buffered(CONCURRENT_READS);
        let mut newcomers = Newcomers::new(&self.rules);
        let mut gathered = Gathered::default();
        while let Some((name, body)) = bodies.try_next().await? {
            for (index, line) in part_lines(&name, &body)?.into_iter().enumerate() {
                if !newcomers.add(line) {
                    return Err(CorruptPart::line(&name, index).into());
                }
            }
            gathered.add(&name, &body);
        }
        Ok((newcomers, gathered))
    }

    async fn background(
        &self,
        snapshot: &D::Snapshot,
        previous: Option<&VersionRecord>,
    ) -> Result<Background, FreezeError> {
        let Some(previous) = previous else { return Ok(Background::default()) };
        let bytes = self.dataset.get_object(snapshot, &previous.background).await?;
        Background::from_bytes(&bytes).map_err(|_| FreezeError::CorruptBackground)
    }

    /// Writes the part of held pairs of a version that is committed, if it has one and it is not there.
    async fn publish_held(&self, snapshot: &D::Snapshot, records: &Records) -> Result<(), FreezeError> {
        let Some(held) = records.version.as_ref().and_then(|version| version.held.as_ref()) else { return Ok(()) };
        let body = self.dataset.get_object(snapshot, &held.staged).await?;
        let damaged = |_| DatasetError::Storage { action: "read the held pairs of", cause: "not UTF-8".to_owned() };
        let body = String::from_utf8(body).map_err(damaged)?;
        Ok(self.lake.write_part(&held.key, body).await?)
    }
}

/// What was read of the parts, for the record.
#[derive(Default)]
struct Gathered {
    lines: u64,
    /// A line for each part.
    list: String,
}

impl Gathered {
    fn add(&mut self, name: &PartName, body: &[u8]) {
        let part = ConsumedPart { key: name.key(Route::Gold), sha256: object_sha256(body), lines: name.rows };
        // Text and numbers: there is nothing in it that JSON could not say.
        self.list.push_str(&serde_json::to_string(&part).unwrap_or_default());
        self.list.push('\n');
        self.lines += name.rows;
    }
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
        near_duplicates = report.near_duplicates,
        held = report.held,
        parts = report.parts,
        net_new = report.net_new,
        trainable = report.trainable,
        attempt,
        duration_ms = millis_since(started),
        "pairs frozen"
    );
}
