//! The versions of the table in order, read from its log alone.

use std::collections::HashMap;

use deltalake::{DeltaTableError, Path};
use flywheel_base::instant::Millis;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::records::{AddedFile, Commit, read_commit};
use super::rows::files_of;
use super::{TableVersion, storage};
use crate::dataset::{DatasetError, Records};

/// The number of commits read at the same time: each is one small object.
const CONCURRENT_COMMITS: usize = 16;

/// A version, by its commit.
#[derive(Debug)]
pub struct VersionCommit {
    /// Its number.
    pub number: u64,
    /// The time of the commit, by the committer's clock.
    pub committed_at: Option<Millis>,
    /// Delta's name of the operation, such as `WRITE`.
    pub operation: Option<String>,
    /// The number of pairs in the version; `None` if the log does not tell.
    pub pairs: Option<u64>,
    /// The records of a freeze or an operator; none in other commits.
    pub records: Option<Records>,
}

impl TableVersion {
    /// Returns the newest `most` versions up to this one, newest first. It takes one request a version, and those of loading the
    /// version before the oldest of them.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if the table's log cannot be read.
    pub async fn history(&self, most: u64) -> Result<Vec<VersionCommit>, DatasetError> {
        let newest = self.number();
        let oldest = (newest + 1).saturating_sub(most);
        let mut rows = RowsOfFiles::before(self, oldest).await?;
        let read =
            |number: u64| async move { Ok::<_, DatasetError>((number, read_commit(&self.table, number).await?)) };
        let mut commits = stream::iter(oldest..=newest).map(read).buffered(CONCURRENT_COMMITS);
        let mut versions = Vec::new();
        while let Some((number, commit)) = commits.try_next().await? {
            match commit {
                // The log was cleaned up here, so the rows of the versions from here on are unknown.
                None => rows.known = false,
                Some(commit) => versions.push(rows.after(number, commit)?),
            }
        }
        versions.reverse();
        Ok(versions)
    }

    /// Returns the version's own commit; `None` if the commit is gone.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if the table's log cannot be read.
    pub async fn commit(&self) -> Result<Option<VersionCommit>, DatasetError> {
        let Some(commit) = read_commit(&self.table, self.number()).await? else { return Ok(None) };
        let pairs = self.pairs().await?;
        Ok(Some(version(self.number(), commit, pairs)))
    }

    /// Returns the newest version up to this one that was committed by then; `None` if even the first came later. It takes one
    /// request for each halving of the versions. If a clock was off, so that times go back, it returns a version whose successor
    /// came later.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if the table's log cannot be read.
    pub async fn newest_by(&self, then: Millis) -> Result<Option<u64>, DatasetError> {
        let (mut from, mut to) = (0, self.number() + 1);
        while from < to {
            let middle = from + (to - from) / 2;
            let commit = read_commit(&self.table, middle).await?;
            // A commit that was cleaned up is old.
            let is_later = commit.and_then(|commit| commit.at).is_some_and(|at| at > then);
            if is_later { to = middle } else { from = middle + 1 }
        }
        Ok(from.checked_sub(1))
    }
}

/// The rows of a version's data files.
struct RowsOfFiles {
    rows: HashMap<Path, Option<u64>>,
    known: bool,
}

impl RowsOfFiles {
    async fn before(version: &TableVersion, oldest: u64) -> Result<Self, DatasetError> {
        let Some(before) = oldest.checked_sub(1) else { return Ok(Self { rows: HashMap::new(), known: true }) };
        let mut table = version.table.clone();
        table.load_version(before).await.map_err(|error: DeltaTableError| storage("open", &error))?;
        let files = files_of(&table).await?.into_iter().map(|file| (file.path, file.rows));
        Ok(Self { rows: files.collect(), known: true })
    }

    fn after(&mut self, number: u64, commit: Commit) -> Result<VersionCommit, DatasetError> {
        for removed in &commit.removed {
            let path = Path::from_url_path(&removed.path).map_err(|error| storage("read the log of", &error))?;
            self.rows.remove(&path);
        }
        for added in commit.files.iter().map(AddedFile::place) {
            let added = added?;
            self.rows.insert(added.path, added.rows);
        }
        let pairs = if self.known { self.rows.values().copied().sum() } else { None };
        Ok(version(number, commit, pairs))
    }
}

fn version(number: u64, commit: Commit, pairs: Option<u64>) -> VersionCommit {
    let Commit { records, at, operation, .. } = commit;
    VersionCommit { number, committed_at: at, operation, pairs, records }
}
