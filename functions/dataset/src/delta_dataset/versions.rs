//! Reads versions again: their records, and the rows that each added.

use deltalake::DeltaTable;
use deltalake::arrow::json::WriterBuilder;
use deltalake::arrow::json::writer::LineDelimited;
use deltalake::arrow::record_batch::RecordBatch;
use flywheel_core::dataset::{ObjectDigest, Split, SplitSalt};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};

use super::columns::SPLIT;
use super::commit::file_sha256;
use super::records::{AddedFile, read_commit};
use super::rows::{FilePlace, files_of, open};
use super::{DeltaDataset, TableVersion, storage};
use crate::dataset::{DatasetError, Records};

/// Data files that are opened ahead of the one that is read.
const FILES_AHEAD: usize = 16;

/// What of a row is needed to check it, or to count it.
pub(super) const COLUMNS: [&str; 11] = [
    "pair_id",
    "event_id",
    "prompt",
    "chosen",
    "rejected",
    "similarity",
    "tags",
    "policy",
    "contributor",
    "context",
    SPLIT,
];

/// A version's records, and the rows that it added, as lines of JSON.
#[derive(Debug)]
pub(crate) struct VersionRead {
    pub(crate) records: Records,
    pub(crate) rows: Vec<String>,
    /// The data files of those rows.
    pub(crate) files: Vec<ObjectDigest>,
}

impl DeltaDataset {
    /// A version as its commit and its data files have it; `None` if its commit is no freeze's, or is not there any more.
    pub(crate) async fn read_version(
        &self,
        snapshot: &TableVersion,
        version: u64,
    ) -> Result<Option<VersionRead>, DatasetError> {
        let Some(commit) = read_commit(&snapshot.table, version).await? else { return Ok(None) };
        let Some(records) = commit.records else { return Ok(None) };
        let (mut rows, mut files) = (Vec::new(), Vec::new());
        for file in commit.files {
            let sha256 = file_sha256(&snapshot.table, &file.path).await?;
            files.push(ObjectDigest { name: file.path.clone(), sha256 });
            let added = file_rows(&snapshot.table, &file.place()?, &COLUMNS).await?;
            rows.extend(added.try_collect::<Vec<_>>().await?);
        }
        Ok(Some(VersionRead { records, rows, files }))
    }
}

impl TableVersion {
    /// The version's number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.table.version().unwrap_or_default()
    }

    /// The digest of the version's record; none: it is no freeze's, or from before there were records.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if its commit cannot be read.
    pub async fn digest(&self) -> Result<Option<String>, DatasetError> {
        let record = read_commit(&self.table, self.number()).await?.and_then(|commit| commit.records?.version);
        Ok(record.filter(|record| record.version == self.number()).map(|record| record.digest))
    }

    /// The salt of the held-out split.
    #[must_use]
    pub fn salt(&self) -> &SplitSalt {
        &self.salt
    }

    /// How many pairs it has; `None` if a data file of somebody else's does not say how many rows it has.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if the table's log cannot be read.
    pub async fn pairs(&self) -> Result<Option<u64>, DatasetError> {
        Ok(files_of(&self.table).await?.iter().map(|file| file.rows).sum())
    }

    /// What a row is for: what it says, or, in rows from before they said it, what its prompt is for.
    #[must_use]
    pub fn side_of(&self, stored: Option<Split>, prompt: &str) -> Split {
        stored.unwrap_or_else(|| self.salt.side_of(prompt))
    }

    /// Streams the version's rows as lines of JSON with these columns, those that entered first before the others. Memory
    /// does not grow with the version. A column that rows of an older form lack is left out of theirs.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if a data file cannot be read.
    pub fn rows(&self, columns: &'static [&'static str]) -> impl Stream<Item = Result<String, DatasetError>> + Send {
        let files = stream::once(files_of(&self.table));
        files.map_ok(move |files| self.rows_of(files, columns)).try_flatten()
    }

    /// Streams the rows that the version's own commit added.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if the commit or a data file cannot be read.
    pub fn added_rows(
        &self,
        columns: &'static [&'static str],
    ) -> impl Stream<Item = Result<String, DatasetError>> + Send {
        let files = stream::once(async {
            let commit = read_commit(&self.table, self.number()).await?.unwrap_or_default();
            commit.files.iter().map(AddedFile::place).collect::<Result<Vec<_>, _>>()
        });
        files.map_ok(move |files| self.rows_of(files, columns)).try_flatten()
    }

    /// Streams the rows of some data files. Several are opened ahead, for there is one a version and often little in it.
    pub(super) fn rows_of(
        &self,
        files: Vec<FilePlace>,
        columns: &'static [&'static str],
    ) -> impl Stream<Item = Result<String, DatasetError>> + Send {
        let opened = stream::iter(files).map(move |place| async move { file_rows(&self.table, &place, columns).await });
        opened.buffered(FILES_AHEAD).try_flatten()
    }
}

/// Streams a data file's rows as lines of JSON with these columns.
async fn file_rows(
    table: &DeltaTable,
    place: &FilePlace,
    columns: &[&str],
) -> Result<impl Stream<Item = Result<String, DatasetError>> + Send + use<>, DatasetError> {
    let batches = open(table, place, columns).await.map_err(|error| storage("read", &error))?;
    let lines = batches.map(|batch| batch.map_err(|error| storage("read", &error)).and_then(|batch| as_lines(&batch)));
    Ok(lines.map_ok(|lines| stream::iter(lines.into_iter().map(Ok))).try_flatten())
}

fn as_lines(batch: &RecordBatch) -> Result<Vec<String>, DatasetError> {
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    writer.write(batch).map_err(|error| storage("read", &error))?;
    let lines = String::from_utf8(writer.into_inner()).map_err(|error| storage("read", &error))?;
    Ok(lines.split_terminator('\n').map(str::to_owned).collect())
}
