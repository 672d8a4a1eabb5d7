//! The dataset as a Delta Lake table, for every reader of that format.

mod columns;
mod commit;
mod data_file;
mod known_pairs;
mod line_decoder;
mod record;

use std::collections::HashMap;

use deltalake::kernel::StructField;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use flywheel_core::Pointer;
use flywheel_runtime::causes;
use url::Url;

use crate::dataset::{Dataset, DatasetError, Loaded};

/// The table's folder in the lake's bucket.
const PREFIX: &str = "datasets/dpo_gold_v1";

/// Properties of the table, for every writer to come.
const PROPERTIES: [(&str, &str); 6] = [
    ("delta.appendOnly", "true"),
    // Versions are what the lake is for: nothing that one needs is ever cleaned up by itself. (delta-rs deletes old log
    // files as it writes a checkpoint, unless told not to, and this function's role may not delete.)
    ("delta.enableExpiredLogCleanup", "false"),
    ("delta.logRetentionDuration", "interval 36500 days"),
    ("delta.deletedFileRetentionDuration", "interval 36500 days"),
    // A load reads the newest checkpoint and the commits after it: at most nine.
    ("delta.checkpointInterval", "10"),
    // The log keeps the smallest and the largest value of these. Of other columns that would be people's texts.
    ("delta.dataSkippingStatsColumns", "similarity,occurred_at,curated_at"),
];

/// The table of preference pairs.
#[derive(Debug)]
pub struct DeltaDataset {
    location: Url,
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
        Ok(Self::at(location))
    }

    /// The table at a URL: a local folder's, or one of S3.
    #[must_use]
    pub fn at(location: Url) -> Self {
        Self { location }
    }

    async fn open(&self) -> Result<DeltaTable, DatasetError> {
        let failed = |error: DeltaTableError| storage("open", &error);
        // Plain http is refused unless allowed, and only an endpoint that is configured to be http is asked by http.
        let options = HashMap::from([
            ("AWS_ALLOW_HTTP".to_owned(), "true".to_owned()),
            ("AWS_CONDITIONAL_PUT".to_owned(), "etag".to_owned()),
        ]);
        let builder = DeltaTableBuilder::from_url(self.location.clone()).map_err(failed)?;
        let mut table = builder.with_storage_options(options).build().map_err(failed)?;
        match table.load().await {
            Ok(()) => with_all_columns(table).await,
            Err(DeltaTableError::NotATable(_)) => create(table).await,
            Err(error) => Err(failed(error)),
        }
    }
}

/// Creates the table. If somebody else does so at the same time, theirs is as good: the schema is fixed.
async fn create(mut table: DeltaTable) -> Result<DeltaTable, DatasetError> {
    let creation = table
        .clone()
        .create()
        .with_columns(columns::columns())
        .with_configuration(PROPERTIES.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))))
        .with_save_mode(SaveMode::ErrorIfExists)
        // Tried again, a creation that finds version 0 taken would create the table over again as version 1.
        .with_commit_properties(CommitProperties::default().with_max_retries(0));
    let Err(error) = creation.await.map(|created| table = created) else { return Ok(table) };
    // Not created, and not there either: then the first error is the reason, not the second.
    table.load().await.map_err(|_| storage("create", &error))?;
    Ok(table)
}

/// A table from before a column was thought of gets it, in a commit of its own, which changes no row and has no record. (In the
/// rows that are there it is null.) If somebody else does so at the same time, theirs is as good.
async fn with_all_columns(mut table: DeltaTable) -> Result<DeltaTable, DatasetError> {
    let failed = |error: DeltaTableError| storage("add columns to", &error);
    let missing = missing_columns(&table).map_err(failed)?;
    if missing.is_empty() {
        return Ok(table);
    }
    let addition = table
        .clone()
        .add_columns()
        .with_fields(missing)
        .with_commit_properties(CommitProperties::default().with_max_retries(0));
    match addition.await {
        Ok(table) => Ok(table),
        Err(error) => {
            table.load().await.map_err(failed)?;
            if missing_columns(&table).map_err(failed)?.is_empty() { Ok(table) } else { Err(failed(error)) }
        }
    }
}

fn missing_columns(table: &DeltaTable) -> Result<Vec<StructField>, DeltaTableError> {
    let schema = table.snapshot()?.schema();
    Ok(columns::columns().into_iter().filter(|column| schema.field(column.name()).is_none()).collect())
}

impl Dataset for DeltaDataset {
    type Snapshot = DeltaTable;

    async fn load(&self) -> Result<Loaded<DeltaTable>, DatasetError> {
        let table = self.open().await?;
        let version = table.version().ok_or_else(|| storage("open", &DeltaTableError::NotInitialized))?;
        let known = known_pairs::known_pairs(&table).await?;
        let record = record::last_record(&table, version).await?;
        Ok(Loaded { snapshot: table, version, known, record })
    }

    async fn commit(&self, table: DeltaTable, lines: Vec<String>, record: &Pointer) -> Result<(), DatasetError> {
        commit::commit(&table, lines, record).await
    }
}

fn storage(action: &'static str, error: &dyn std::error::Error) -> DatasetError {
    DatasetError::Storage { action, cause: causes(error) }
}
