//! Copies a run's files from the lake to a folder of this machine, and the output back.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flywheel_dataset::{StreamDigest, object_sha256};
use flywheel_lake::{LakeError, ReadPart, VisitObject, WriteFile};
use flywheel_trainer::Job;
use flywheel_training::{OutputFile, RunDescription, RunName, RunReport, Sha256Hex};

/// The lake, and the worker's folder.
#[derive(Debug)]
pub struct RunFiles<L> {
    lake: L,
    bucket: String,
    folder: PathBuf,
}

/// A run's files could not be copied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    /// The run's description is invalid or names missing objects. Another worker would fail in the same way.
    #[error("{0}")]
    Unusable(String),
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// This machine's disk could not be read or written.
    #[error("{}: {source}", .path.display())]
    Disk { path: PathBuf, source: std::io::Error },
}

impl<L: ReadPart + VisitObject + WriteFile + Sync> RunFiles<L> {
    /// Creates a copier between `lake`, which is the one in `bucket`, and `folder`.
    pub fn new(lake: L, bucket: &str, folder: &Path) -> Self {
        Self { lake, bucket: bucket.to_owned(), folder: folder.to_owned() }
    }

    /// Returns `true` if these are the files of `bucket`.
    pub(crate) fn is_in(&self, bucket: &str) -> bool {
        self.bucket == bucket
    }

    /// Returns `true` if the lake has the run's output already, made of the present input: an earlier worker crashed before it
    /// answered.
    pub(crate) async fn is_done(&self, run: &RunName) -> Result<bool, FilesError> {
        let report = match self.lake.read_part(&run.output_key(OutputFile::Report)).await {
            Ok(report) => report,
            Err(error) if error.is_missing() => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let description = self.lake.read_part(&run.description_key()).await?;
        let report = std::str::from_utf8(&report).ok().and_then(|report| RunReport::parse(report).ok());
        Ok(report.is_some_and(|report| report.input_sha256 == Sha256Hex::of(&description)))
    }

    /// Fetches a run's input, its base, which is kept for later runs, and the live adapter that it names. The trainer checks them
    /// against the description.
    pub(crate) async fn fetch(&self, run: &RunName) -> Result<Job, FilesError> {
        let folder = self.folder.join(run.as_str());
        let job = Job {
            input: folder.join("input"),
            base: PathBuf::new(),
            incumbent: None,
            output: folder.join("output"),
            checkpoint: Some(folder.join("checkpoint")),
            threads: None,
        };
        let described = job.input.join("run.json");
        self.bring(&run.description_key(), &described).await?;
        let description = std::fs::read(&described).map_err(disk(&described))?;
        let description = RunDescription::parse(&String::from_utf8_lossy(&description));
        let description = description.map_err(|error| FilesError::Unusable(error.to_string()))?;
        for file in description.files.keys() {
            self.bring(&run.input_key(*file), &job.input.join(file.as_str())).await?;
        }
        let base = self.base(&description).await?;
        let Some(live) = &description.incumbent else { return Ok(Job { base, ..job }) };
        let incumbent = folder.join("incumbent");
        for file in [OutputFile::Adapter, OutputFile::Config] {
            self.bring(&format!("{}{}", live.prefix, file.as_str()), &incumbent.join(file.as_str())).await?;
        }
        Ok(Job { base, incumbent: Some(incumbent), ..job })
    }

    /// Writes a run's output to the lake, the report last: if the report is there, so is the rest.
    ///
    /// No object is overwritten. A trainer is deterministic, so another worker's output is the same. If it differs, because that
    /// worker had another kind of processor, the run is given up rather than mixed from two.
    pub(crate) async fn deliver(&self, run: &RunName, output: &Path) -> Result<(), FilesError> {
        for file in [OutputFile::Adapter, OutputFile::Config, OutputFile::Rows, OutputFile::Report] {
            let (path, key) = (output.join(file.as_str()), run.output_key(file));
            self.lake.write_file(&key, &path).await?;
            let written = std::fs::read(&path).map_err(disk(&path))?;
            // The report has the training's duration, which always differs.
            if file != OutputFile::Report && self.sha256(&key).await? != object_sha256(&written) {
                return Err(FilesError::Unusable(format!("{key} is another worker's, and not the same")));
            }
        }
        Ok(())
    }

    /// Removes the files of an answered run. A file that cannot be removed does no harm.
    pub(crate) fn forget(&self, run: &RunName) {
        let _ = std::fs::remove_dir_all(self.folder.join(run.as_str()));
    }

    async fn base(&self, description: &RunDescription) -> Result<PathBuf, FilesError> {
        let base = &description.base;
        // The folder's name depends on the files' digests: another base of the same id gets another folder.
        let named: String = base.files.iter().map(|(name, sha256)| format!("{name} {sha256}\n")).collect();
        let folder = self.folder.join("bases").join(Sha256Hex::of(named.as_bytes()).to_string());
        for (name, sha256) in &base.files {
            let path = folder.join(name);
            let is_there = std::fs::read(&path).is_ok_and(|bytes| &Sha256Hex::of(&bytes) == sha256);
            if !is_there {
                self.bring(&format!("{}{name}", base.prefix), &path).await?;
            }
        }
        Ok(folder)
    }

    async fn sha256(&self, key: &str) -> Result<String, FilesError> {
        let mut digest = StreamDigest::default();
        self.lake.visit_object(key, &mut |piece| digest.add(piece)).await?;
        Ok(digest.finish())
    }

    async fn bring(&self, key: &str, to: &Path) -> Result<(), FilesError> {
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(disk(folder))?;
        }
        let mut file = File::create(to).map_err(disk(to))?;
        let mut written = Ok(());
        let mut write = |piece: &[u8]| {
            if written.is_ok() {
                written = file.write_all(piece);
            }
        };
        match self.lake.visit_object(key, &mut write).await {
            Err(error) if error.is_missing() => Err(FilesError::Unusable(format!("{key} is not in the lake"))),
            Err(error) => Err(error.into()),
            Ok(()) => written.map_err(disk(to)),
        }
    }
}

fn disk(path: &Path) -> impl FnOnce(std::io::Error) -> FilesError {
    let path = path.to_owned();
    move |source| FilesError::Disk { path, source }
}
