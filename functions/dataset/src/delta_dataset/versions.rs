//! Reads versions again: their records, and the rows that each added.

use deltalake::arrow::json::WriterBuilder;
use deltalake::arrow::json::writer::LineDelimited;
use deltalake::arrow::record_batch::RecordBatch;
use deltalake::{DeltaTable, Path};
use flywheel_core::dataset::ObjectDigest;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};

use super::columns::SPLIT;
use super::commit::file_sha256;
use super::records::read_commit;
use super::rows::{FilePlace, files_of, open};
use super::{DeltaDataset, TableVersion, storage};
use crate::dataset::{DatasetError, Records};

/// What of a row is needed to check it.
const COLUMNS: [&str; 11] = [
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
            let path = Path::from_url_path(&file.path).map_err(|error| storage("read", &error))?;
            let place = FilePlace { path, size: file.size };
            let added = file_rows(&snapshot.table, &place, &COLUMNS).await?;
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

    /// Streams the version's rows as lines of JSON with these columns, those that entered first before the others. Memory
    /// does not grow with the version.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if a data file cannot be read.
    pub fn rows(&self, columns: &'static [&'static str]) -> impl Stream<Item = Result<String, DatasetError>> + Send {
        let files = stream::once(files_of(&self.table)).map_ok(|files| stream::iter(files.into_iter().map(Ok)));
        files
            .try_flatten()
            .and_then(move |place| async move { file_rows(&self.table, &place, columns).await })
            .try_flatten()
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
