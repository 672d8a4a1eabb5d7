//! Reads versions again: their records, and the rows that each added.

use deltalake::Path;
use deltalake::arrow::json::WriterBuilder;
use deltalake::arrow::json::writer::LineDelimited;
use flywheel_core::dataset::ObjectDigest;
use futures::TryStreamExt as _;

use super::columns::SPLIT;
use super::commit::file_sha256;
use super::records::read_commit;
use super::rows::{FilePlace, open};
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
            rows.extend(rows_of(snapshot, &FilePlace { path, size: file.size }).await?);
        }
        Ok(Some(VersionRead { records, rows, files }))
    }
}

async fn rows_of(snapshot: &TableVersion, place: &FilePlace) -> Result<Vec<String>, DatasetError> {
    let mut batches = open(&snapshot.table, place, &COLUMNS).await.map_err(|error| storage("read", &error))?;
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await.map_err(|error| storage("read", &error))? {
        let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
        writer.write(&batch).map_err(|error| storage("read", &error))?;
        let lines = String::from_utf8(writer.into_inner()).map_err(|error| storage("read", &error))?;
        rows.extend(lines.split_terminator('\n').map(str::to_owned));
    }
    Ok(rows)
}
