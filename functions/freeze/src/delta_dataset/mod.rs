//! The dataset as a Delta Lake table, for every reader of that format.

mod columns;
mod commit;
mod data_file;
mod known_pairs;

use std::collections::HashMap;

use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use flywheel_core::Pointer;
use flywheel_runtime::causes;
use futures::TryStreamExt as _;
use serde::Deserialize as _;
use url::Url;

use crate::dataset::{Dataset, DatasetError, Loaded};

/// The table's folder in the lake's bucket.
const PREFIX: &str = "datasets/dpo_gold_v1";

/// The key of a commit's metadata under which the freeze keeps its record.
const RECORD_KEY: &str = "flywheel.pointer";

/// Versions are what the lake is for: nothing that one needs is ever cleaned up by itself. (delta-rs deletes old log files
/// as it writes a checkpoint, unless told not to, and this function's role may not delete.)
const PROPERTIES: [(&str, &str); 4] = [
    ("delta.appendOnly", "true"),
    ("delta.enableExpiredLogCleanup", "false"),
    ("delta.logRetentionDuration", "interval 36500 days"),
    ("delta.deletedFileRetentionDuration", "interval 36500 days"),
];

/// The table of preference pairs.
#[derive(Debug)]
pub struct DeltaDataset {
    location: Url,
    storage_options: HashMap<String, String>,
}

/// The bucket's name cannot be part of a URL.
#[derive(Debug, thiserror::Error)]
#[error("no dataset can be addressed in bucket {bucket}: {cause}")]
pub struct InvalidLocation {
    bucket: String,
    cause: url::ParseError,
}

impl DeltaDataset {
    /// The table in the lake's bucket. Credentials, region and endpoint come from the environment.
    ///
    /// # Errors
    /// If the bucket's name is no name of a bucket.
    pub fn in_bucket(bucket: &str) -> Result<Self, InvalidLocation> {
        let location = Url::parse(&format!("s3://{bucket}/{PREFIX}"))
            .map_err(|cause| InvalidLocation { bucket: bucket.to_owned(), cause })?;
        // Plain http is refused unless allowed, and only an endpoint that is configured to be http is asked by http.
        let storage_options = HashMap::from([
            ("AWS_ALLOW_HTTP".to_owned(), "true".to_owned()),
            ("AWS_CONDITIONAL_PUT".to_owned(), "etag".to_owned()),
        ]);
        Ok(Self { location, storage_options })
    }

    /// The table in a local folder's URL.
    #[must_use]
    pub fn at(location: Url) -> Self {
        Self { location, storage_options: HashMap::new() }
    }

    async fn open(&self) -> Result<DeltaTable, DatasetError> {
        let failed = |error: DeltaTableError| storage("open", &error);
        let builder = || DeltaTableBuilder::from_url(self.location.clone());
        let builder = builder().map_err(failed)?.with_storage_options(self.storage_options.clone());
        let mut table = builder.build().map_err(failed)?;
        match table.load().await {
            Ok(()) => Ok(table),
            Err(DeltaTableError::NotATable(_)) => self.create(table).await,
            Err(error) => Err(failed(error)),
        }
    }

    /// Creates the table. If somebody else does so at the same time, theirs is as good: the schema is fixed.
    async fn create(&self, table: DeltaTable) -> Result<DeltaTable, DatasetError> {
        let creation = table
            .clone()
            .create()
            .with_columns(columns::columns())
            .with_configuration(PROPERTIES.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))))
            .with_save_mode(SaveMode::ErrorIfExists);
        if let Ok(created) = creation.await {
            return Ok(created);
        }
        let mut table = table;
        table.load().await.map_err(|error| storage("create", &error))?;
        Ok(table)
    }
}

impl Dataset for DeltaDataset {
    type Snapshot = DeltaTable;

    async fn load(&self) -> Result<Loaded<DeltaTable>, DatasetError> {
        let table = self.open().await?;
        let version = table.version().ok_or_else(|| storage("open", &DeltaTableError::NotInitialized))?;
        let known = known_pairs::known_pairs(&table).await?;
        let record = last_record(&table).await?;
        Ok(Loaded { snapshot: table, version: version as u64, known, record })
    }

    async fn commit(&self, table: DeltaTable, lines: Vec<String>, record: &Pointer) -> Result<(), DatasetError> {
        commit::commit(table, lines, record).await
    }
}

/// The record of the newest commit that has one: other operations on the table leave commits of their own.
async fn last_record(table: &DeltaTable) -> Result<Option<Pointer>, DatasetError> {
    let mut commits = table.history(None);
    while let Some(commit) = commits.try_next().await.map_err(|error| storage("read the history of", &error))? {
        if let Some(record) = commit.info.get(RECORD_KEY) {
            let record = Pointer::deserialize(record).map_err(|error| storage("understand", &error))?;
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn storage(action: &'static str, error: &dyn std::error::Error) -> DatasetError {
    DatasetError::Storage { action, cause: causes(error) }
}
