//! Reads versions: their records, and the rows that each added.

use std::collections::HashSet;

use deltalake::arrow::json::WriterBuilder;
use deltalake::arrow::json::writer::LineDelimited;
use deltalake::arrow::record_batch::RecordBatch;
use deltalake::{DeltaTable, Path};
use flywheel_dataset::{ObjectDigest, Place, Split, SplitSalt};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};

use super::columns::{OUTPUT_ID, RECEIVED_AT, SPLIT};
use super::commit::file_sha256;
use super::records::{AddedFile, read_commit};
use super::rows::{ActiveFile, FilePlace, active_files, open};
use super::{DeltaDataset, TableVersion, storage};
use crate::dataset::{DatasetError, Records};
use crate::erased::Instead;

/// The number of data files opened ahead of the one that is read.
const FILES_AHEAD: usize = 16;

/// The columns needed to check a row, and to select it.
pub(super) const COLUMNS: [&str; 16] = [
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
    "curated_at",
    "thread_id",
    "occurred_at",
    RECEIVED_AT,
    OUTPUT_ID,
    SPLIT,
];

/// A version's commit.
#[derive(Debug)]
pub(crate) struct CommitRead {
    /// None if neither a freeze nor an operator made it.
    pub(crate) records: Option<Records>,
    /// The data files that it added.
    pub(crate) added: Vec<DataFileName>,
    /// The data files that it removed, by name.
    pub(crate) removed: Vec<String>,
}

/// A data file, as a commit names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFileName {
    /// Its name in the table's log.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

impl DeltaDataset {
    /// Returns a version's commit; `None` if the commit is gone.
    pub(crate) async fn read_commit(
        &self,
        snapshot: &TableVersion,
        version: u64,
    ) -> Result<Option<CommitRead>, DatasetError> {
        let Some(commit) = read_commit(&snapshot.table, version).await? else { return Ok(None) };
        let added = commit.files.into_iter().map(|file| DataFileName { name: file.path, size: file.size });
        let removed = commit.removed.into_iter().map(|file| file.path).collect();
        Ok(Some(CommitRead { records: commit.records, added: added.collect(), removed }))
    }

    /// Reads a data file's hash, and its rows as lines of JSON with the columns needed to check and select a row.
    pub(crate) async fn read_file(
        &self,
        snapshot: &TableVersion,
        file: &DataFileName,
    ) -> Result<(ObjectDigest, Vec<String>), DatasetError> {
        let sha256 = file_sha256(&snapshot.table, &file.name).await?;
        let path = Path::from_url_path(&file.name).map_err(|error| storage("read", &error))?;
        let rows = file_rows(&snapshot.table, &FilePlace { path, size: file.size, rows: None }, &COLUMNS).await?;
        Ok((ObjectDigest { name: file.name.clone(), sha256 }, rows.try_collect().await?))
    }
}

impl TableVersion {
    /// Returns the version's number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.table.version().unwrap_or_default()
    }

    /// Returns its data files, oldest first; a file with erased rows is replaced by the one without them.
    pub(super) async fn files(&self) -> Result<Vec<ActiveFile>, DatasetError> {
        let files = active_files(&self.table).await?;
        if self.erased.is_empty() {
            return Ok(files);
        }
        let is_or_instead = |file: ActiveFile| match self.erased.instead_of(Place::Table, &file.add.path) {
            None => Some(Ok(file)),
            Some(Instead { by, .. }) => by.map(|by| file.replaced_by(&by)),
        };
        files.into_iter().filter_map(is_or_instead).collect()
    }

    /// Returns the places of its data files.
    pub(super) async fn places(&self) -> Result<Vec<FilePlace>, DatasetError> {
        Ok(self.files().await?.into_iter().map(|file| file.place).collect())
    }

    /// Returns the digest of the version's record; none if it has no record of its own.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if its commit cannot be read.
    pub async fn digest(&self) -> Result<Option<String>, DatasetError> {
        let record = read_commit(&self.table, self.number()).await?.and_then(|commit| commit.records?.version);
        Ok(record.filter(|record| record.version == self.number()).map(|record| record.digest))
    }

    /// Returns the salt of the held-out split.
    #[must_use]
    pub fn salt(&self) -> &SplitSalt {
        &self.salt
    }

    /// Returns the number of its pairs; `None` if a data file of another writer does not give its number of rows.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if the table's log cannot be read.
    pub async fn pairs(&self) -> Result<Option<u64>, DatasetError> {
        Ok(self.places().await?.iter().map(|file| file.rows).sum())
    }

    /// Returns a row's side: the stored one, or, in rows from before the column, its prompt's.
    #[must_use]
    pub fn side_of(&self, stored: Option<Split>, prompt: &str) -> Split {
        stored.unwrap_or_else(|| self.salt.side_of(prompt))
    }

    /// Streams the version's rows as lines of JSON with these columns, oldest first. Memory does not grow with the version. Rows
    /// from before a column lack it.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if a data file cannot be read.
    pub fn rows(&self, columns: &'static [&'static str]) -> impl Stream<Item = Result<String, DatasetError>> + Send {
        let files = stream::once(self.places());
        files.map_ok(move |files| self.rows_of(files, columns)).try_flatten()
    }

    /// Streams the same, each row with `true` if the earlier version lacks its data file. Without an earlier version all rows are
    /// new, and so are rows in files that were rewritten in between.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if a data file cannot be read.
    pub fn rows_since<'v>(
        &'v self,
        earlier: Option<&'v Self>,
        columns: &'static [&'static str],
    ) -> impl Stream<Item = Result<(bool, String), DatasetError>> + Send + 'v {
        let files = stream::once(async move {
            let known = match earlier {
                Some(earlier) => earlier.places().await?,
                None => Vec::new(),
            };
            let known: HashSet<_> = known.into_iter().map(|file| file.path).collect();
            let files = self.places().await?.into_iter();
            Ok(files.map(|file| (!known.contains(&file.path), file)).collect::<Vec<_>>())
        });
        files.map_ok(move |files| self.rows_of_each(files, columns)).try_flatten()
    }

    /// Streams the rows that entered with the version's own commit. Rows that only moved to another file did not.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if the commit or a data file cannot be read.
    pub fn added_rows(
        &self,
        columns: &'static [&'static str],
    ) -> impl Stream<Item = Result<String, DatasetError>> + Send {
        let files = stream::once(async {
            let commit = read_commit(&self.table, self.number()).await?.unwrap_or_default();
            let revised = commit.records.as_ref().and_then(|records| records.version.as_ref()?.revised.as_ref());
            let rewritten: HashSet<_> =
                revised.into_iter().flat_map(|revised| &revised.files).map(|file| file.name.as_str()).collect();
            let entered = commit.files.iter().filter(|file| !rewritten.contains(file.path.as_str()));
            entered.map(AddedFile::place).collect::<Result<Vec<_>, _>>()
        });
        files.map_ok(move |files| self.rows_of(files, columns)).try_flatten()
    }

    /// Streams the rows of some data files.
    pub(super) fn rows_of(
        &self,
        files: Vec<FilePlace>,
        columns: &'static [&'static str],
    ) -> impl Stream<Item = Result<String, DatasetError>> + Send {
        let files = files.into_iter().map(|place| ((), place)).collect();
        self.rows_of_each(files, columns).map_ok(|((), row)| row)
    }

    /// Streams the same, each row with its file's tag. Several files are opened ahead, because there is one a version and often
    /// little in it.
    fn rows_of_each<T: Copy + Send>(
        &self,
        files: Vec<(T, FilePlace)>,
        columns: &'static [&'static str],
    ) -> impl Stream<Item = Result<(T, String), DatasetError>> + Send {
        let opened = stream::iter(files).map(move |(of_file, place)| async move {
            let rows = file_rows(&self.table, &place, columns).await?;
            Ok(rows.map_ok(move |row| (of_file, row)))
        });
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
