use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

use flywheel_base::instant::{Millis, rfc3339};
use flywheel_dataset::StreamDigest;
use flywheel_lake::{LakeError, ListKeys, ListRoute, LoadLive, ReadPart, VisitObject, WriteFile, WritePart};
use flywheel_runtime::millis_since;
use flywheel_table::{DatasetError, DeltaDataset, TableVersion};
use flywheel_training::{
    BASE_KEY, BaseModel, DatasetVersion, InputDigest, InputFile, LiveAdapter, LiveModel, OutputFile, Recipe,
    RunDescription, RunName, Sha256Hex, Unusable,
};
use serde::{Deserialize, Serialize};

use crate::pairs::Pairs;
use crate::replay::Replay;
use crate::spool::Spool;

/// Prepares runs.
#[derive(Debug)]
pub struct Preparer<L> {
    lake: L,
    dataset: DeltaDataset,
    now: fn() -> Millis,
}

/// The run and its dataset version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RunRequest {
    /// The run's name.
    pub run: RunName,
    /// The dataset version that was frozen for the run.
    pub version: u64,
}

/// The result of a preparation: counts and keys only, as the workflow may see no text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prepared {
    /// The run.
    pub run: RunName,
    /// The readiness for training.
    pub readiness: Readiness,
    /// The dataset version.
    pub version: u64,
    /// The number of pairs for training.
    pub train: u64,
    /// The number of pairs for evaluation.
    pub held_out: u64,
    /// The number of liked outputs for training.
    pub replay_train: u64,
    /// The number of liked outputs for evaluation.
    pub replay_held_out: u64,
    /// The folder that the trainer reads.
    pub input: String,
    /// The folder that the trainer writes.
    pub output: String,
    /// The base's folder.
    pub base: String,
    /// The live adapter's folder. Without a live adapter it is the input's again, for an environment that must mount a folder by
    /// name.
    pub incumbent: String,
}

/// The readiness for training, or the reason against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// The run can be trained.
    Ready,
    /// No pair is for training.
    NothingToTrainOn,
    /// No pair is held out: an adapter could not be evaluated.
    NothingToMeasureOn,
    /// The live adapter was trained on this version, from this base: an earlier attempt succeeded.
    AlreadyLive,
}

/// A run cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// No base is configured.
    #[error("there is no models/base.json: put the base into the lake and say so there")]
    NoBase,
    /// The live adapter belongs to another base.
    #[error("the live adapter is of base {live}, and models/base.json says {base}: flywheel demote --to base, first")]
    OtherBase {
        /// The live adapter's base.
        live: String,
        /// The base to train from.
        base: String,
    },
    /// A file of the live adapter is not the one that was promoted.
    #[error(
        "{key} is not the file of the live adapter {adapter} that was promoted: its bytes changed or are gone. Put them back, or flywheel demote"
    )]
    LiveAdapterChanged {
        /// The live adapter.
        adapter: RunName,
        /// The file's key.
        key: String,
    },
    /// The dataset does not have this version.
    #[error("the dataset has no version {0}")]
    NoVersion(u64),
    /// A file of the contract is invalid.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// A row of the dataset lacks a pair's field.
    #[error("row {0} of the dataset version is no pair")]
    CorruptRow(u64),
    /// A part of the log is damaged.
    #[error("part {key} is corrupt")]
    CorruptPart {
        /// The part's key.
        key: String,
    },
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The dataset could not be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A file of this machine could not be written.
    #[error("spool: {0}")]
    Spool(#[from] io::Error),
}

impl<L> Preparer<L>
where
    L: ListKeys + ListRoute + ReadPart + WritePart + WriteFile + VisitObject + LoadLive,
{
    /// Creates a preparer of runs in `lake`, on versions of `dataset`; `now` is the clock.
    pub fn new(lake: L, dataset: DeltaDataset, now: fn() -> Millis) -> Self {
        Self { lake, dataset, now }
    }

    /// Writes the run's input and reports its contents.
    ///
    /// It is idempotent under repeated and concurrent calls and crashes. No written object is ever replaced. The description
    /// comes last and describes the stored objects, by whichever process: liked outputs that arrive after a file is written make
    /// no difference, and the first of two descriptions stands. Once there is a description, all answers come from it.
    ///
    /// # Errors
    /// A [`PrepareError`]. The written objects stay, and the next attempt finds them.
    pub async fn prepare(&self, request: RunRequest) -> Result<Prepared, PrepareError> {
        let started = Instant::now();
        let live = self.lake.load_live().await?.live;
        let description = match self.described(&request.run).await? {
            Some(description) => description,
            None => self.describe(&request, &live).await?,
        };
        let prepared = Prepared::of(&description, &live);
        prepared.log(started);
        Ok(prepared)
    }

    /// Returns the stored description, if there is one.
    async fn described(&self, run: &RunName) -> Result<Option<RunDescription>, PrepareError> {
        match self.lake.read_part(&run.description_key()).await {
            Ok(stored) => Ok(Some(RunDescription::parse(&String::from_utf8_lossy(&stored))?)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn describe(&self, request: &RunRequest, live: &LiveModel) -> Result<RunDescription, PrepareError> {
        let RunRequest { run, version } = request;
        let base = self.base().await?;
        // The adapter could not be loaded on this base for a comparison, and its server has to change the base, too.
        if let Some(other) = live.adapter.as_ref().filter(|adapter| adapter.base != base.model.id) {
            return Err(PrepareError::OtherBase { live: other.base.clone(), base: base.model.id });
        }
        if let Some(adapter) = &live.adapter {
            self.check_promoted(adapter).await?;
        }
        let opened = self.dataset.open_version(Some(*version)).await?.ok_or(PrepareError::NoVersion(*version))?;
        let before = self.trained_on(live).await;
        let Pairs { train, held_out, sides, with_media } = Pairs::of(&opened, before.as_ref()).await?;
        if with_media > 0 {
            tracing::warn!(pairs = with_media, "pairs are left out: their prompts have images, audio or files");
        }
        let replay = Replay::of(&self.lake, (&sides, opened.salt()), run, (self.now)()).await?;
        let mut files = BTreeMap::new();
        for (file, spool) in [
            (InputFile::Train, train),
            (InputFile::HeldOut, held_out),
            (InputFile::ReplayTrain, replay.train),
            (InputFile::ReplayHeldOut, replay.held_out),
        ] {
            files.insert(file, self.put(run, file, spool).await?);
        }
        let Recipe { objective, lora, training, generation, seed } = base.recipe;
        let description = RunDescription {
            run: run.clone(),
            dataset: DatasetVersion { version: *version, digest: opened.digest().await? },
            base: base.model,
            incumbent: live.incumbent(),
            files,
            objective,
            lora,
            training,
            generation,
            seed,
            prepared_at: Some(rfc3339((self.now)())),
        };
        self.lake.write_part(&run.description_key(), description.to_json()?).await?;
        Ok(self.described(run).await?.unwrap_or(description))
    }

    /// Checks that the live adapter's files are still those that were promoted. Servers load them, and trainers refuse others,
    /// so a run would fail after it had waited for a trainer.
    async fn check_promoted(&self, adapter: &LiveAdapter) -> Result<(), PrepareError> {
        for (file, sha256) in [(OutputFile::Adapter, &adapter.sha256), (OutputFile::Config, &adapter.config_sha256)] {
            let key = format!("{}{}", adapter.prefix, file.as_str());
            let mut digest = StreamDigest::default();
            let is_there = match self.lake.visit_object(&key, &mut |piece: &[u8]| digest.add(piece)).await {
                Err(error) if error.is_missing() => false,
                read => read.map(|()| true)?,
            };
            if !is_there || digest.finish() != sha256.as_str() {
                return Err(PrepareError::LiveAdapterChanged { adapter: adapter.adapter.clone(), key });
            }
        }
        Ok(())
    }

    /// Returns the dataset version that the live adapter was trained on. If it cannot be read any more, its pairs are unknown,
    /// and all pairs are evaluated as new.
    async fn trained_on(&self, live: &LiveModel) -> Option<TableVersion> {
        let version = live.adapter.as_ref()?.dataset.version;
        match self.dataset.open_version(Some(version)).await {
            Ok(opened) => opened,
            Err(error) => {
                tracing::warn!(version, %error, "the version that the live adapter was trained on cannot be opened");
                None
            }
        }
    }

    async fn base(&self) -> Result<BaseModel, PrepareError> {
        let stored = match self.lake.read_part(BASE_KEY).await {
            Err(error) if error.is_missing() => return Err(PrepareError::NoBase),
            read => read?,
        };
        Ok(BaseModel::parse(&String::from_utf8_lossy(&stored))?)
    }

    /// Writes a file into the run's input, unless it exists, and digests the stored object.
    async fn put(&self, run: &RunName, file: InputFile, spool: Spool) -> Result<InputDigest, PrepareError> {
        let key = run.input_key(file);
        let spooled = spool.finish()?;
        self.lake.write_file(&key, spooled.path()).await?;
        let (mut digest, mut rows) = (StreamDigest::default(), 0_u64);
        let mut visit = |piece: &[u8]| {
            digest.add(piece);
            rows += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        };
        self.lake.visit_object(&key, &mut visit).await?;
        let sha256 = Sha256Hex::try_from(digest.finish())
            .map_err(|error| Unusable { file: file.as_str().to_owned(), problem: error.to_string() })?;
        Ok(InputDigest { sha256, rows })
    }
}

impl Prepared {
    fn of(description: &RunDescription, live: &LiveModel) -> Self {
        let rows = |file| description.file(file).map_or(0, |digest| digest.rows);
        let (train, held_out) = (rows(InputFile::Train), rows(InputFile::HeldOut));
        let is_live = live
            .adapter
            .as_ref()
            .is_some_and(|adapter| adapter.dataset == description.dataset && adapter.base == description.base.id);
        let readiness = match (is_live, train, held_out) {
            (true, ..) => Readiness::AlreadyLive,
            (_, 0, _) => Readiness::NothingToTrainOn,
            (_, _, 0) => Readiness::NothingToMeasureOn,
            _ => Readiness::Ready,
        };
        let input = description.run.input_folder();
        let incumbent = description.incumbent.as_ref().map_or(&input, |incumbent| &incumbent.prefix);
        Self {
            run: description.run.clone(),
            readiness,
            version: description.dataset.version,
            train,
            held_out,
            replay_train: rows(InputFile::ReplayTrain),
            replay_held_out: rows(InputFile::ReplayHeldOut),
            output: description.run.output_folder(),
            base: description.base.prefix.clone(),
            incumbent: incumbent.clone(),
            input,
        }
    }

    fn log(&self, started: Instant) {
        tracing::info!(
            run = self.run.as_str(),
            readiness = ?self.readiness,
            version = self.version,
            train = self.train,
            held_out = self.held_out,
            replay_train = self.replay_train,
            replay_held_out = self.replay_held_out,
            duration_ms = millis_since(started),
            "run prepared"
        );
    }
}
