//! The dataset as a Delta Lake table, for every reader of that format.

mod amend;
mod checkpoint;
mod columns;
mod commit;
mod compare;
mod data_file;
mod history;
mod line_decoder;
mod records;
mod rows;
mod versions;

pub use amend::FileLeft;
pub use compare::{Compared, compare};
pub use history::VersionCommit;
pub(crate) use versions::CommitRead;
pub use versions::DataFileName;

use std::collections::{HashMap, HashSet};

use deltalake::kernel::StructField;
use deltalake::logstore::object_store::ObjectStoreExt as _;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaResult, DeltaTable, DeltaTableBuilder, DeltaTableError, Path};
use flywheel_dataset::{Entry, Newcomers, ObjectDigest, Place, SplitSalt, WrittenFiles, object_sha256};
use flywheel_runtime::causes;
use url::Url;

use crate::dataset::{Dataset, DatasetError, Loaded, Records};
use crate::erased::{Erased, Instead};

/// The table's folder in the lake's bucket.
pub const DATASET_PREFIX: &str = "datasets/dpo_gold_v1";

/// The table's property that holds the split's salt. It is drawn once, when the table is created.
const SALT_KEY: &str = "flywheel.splitSalt";

/// Properties of the table, which every later writer respects.
const PROPERTIES: [(&str, &str); 6] = [
    ("delta.appendOnly", "true"),
    // Old versions are the purpose of the table, so no log file is ever cleaned up automatically. (delta-rs deletes old log files
    // when it writes a checkpoint, unless configured otherwise, and this function's role may not delete.)
    ("delta.enableExpiredLogCleanup", "false"),
    ("delta.logRetentionDuration", "interval 36500 days"),
    ("delta.deletedFileRetentionDuration", "interval 36500 days"),
    // A load reads the newest checkpoint and the commits after it: at most nine.
    ("delta.checkpointInterval", "10"),
    // The log keeps the smallest and the largest value of these. Of other columns that would be users' texts.
    ("delta.dataSkippingStatsColumns", "similarity,occurred_at,curated_at"),
];

/// The table of preference pairs.
#[derive(Debug)]
pub struct DeltaDataset {
    location: Url,
}

/// One version of the table, as it was loaded.
#[derive(Debug)]
pub struct TableVersion {
    table: DeltaTable,
    salt: SplitSalt,
    /// Its files that were erased, with their replacements. Only a version that is not the newest can have any.
    erased: Erased,
}

/// The error of a lake's name that cannot be part of a URL.
#[derive(Debug, thiserror::Error)]
#[error("no dataset can be addressed in {lake}: {cause}")]
pub struct InvalidLocation {
    lake: String,
    cause: String,
}

impl DeltaDataset {
    /// Returns the table in the lake's bucket. Credentials, region and endpoint come from the environment.
    ///
    /// # Errors
    /// If the bucket's name is invalid.
    pub fn in_bucket(bucket: &str) -> Result<Self, InvalidLocation> {
        let location = Url::parse(&format!("s3://{bucket}/{DATASET_PREFIX}"))
            .map_err(|cause| InvalidLocation { lake: format!("bucket {bucket}"), cause: cause.to_string() })?;
        Ok(Self::at(location))
    }

    /// Returns the table in the lake's folder.
    ///
    /// # Errors
    /// If the folder does not exist.
    pub fn in_folder(lake: &std::path::Path) -> Result<Self, InvalidLocation> {
        let invalid = |cause: String| InvalidLocation { lake: format!("folder {}", lake.display()), cause };
        let folder = lake.canonicalize().map_err(|error| invalid(error.to_string()))?.join(DATASET_PREFIX);
        let location = Url::from_directory_path(folder).map_err(|()| invalid("it is no path".to_owned()))?;
        Ok(Self::at(location))
    }

    /// Returns the table at a URL: a local folder's, or one of S3.
    #[must_use]
    pub fn at(location: Url) -> Self {
        Self { location }
    }

    /// Opens a version to read it: the newest, or the one of this number. `None` if there is no such version. It creates nothing.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if the table cannot be read.
    pub async fn open_version(&self, number: Option<u64>) -> Result<Option<TableVersion>, DatasetError> {
        let failed = |error: DeltaTableError| storage("open", &error);
        if self.location.to_file_path().is_ok_and(|folder| !folder.is_dir()) {
            return Ok(None);
        }
        let Some(mut table) = self.load_table().await.map_err(failed)? else { return Ok(None) };
        // The newest version has the salt, also for versions from before there was one.
        let salt = salt_of(&table)?;
        let mut erased = Erased::default();
        if let Some(number) = number {
            if table.version().is_none_or(|newest| number > newest) {
                return Ok(None);
            }
            table.load_version(number).await.map_err(failed)?;
            erased = amend::erased_from(&table).await?;
        }
        Ok(Some(TableVersion { table, salt, erased }))
    }

    async fn open(&self) -> Result<DeltaTable, DatasetError> {
        match self.load_table().await.map_err(|error| storage("open", &error))? {
            Some(table) => with_all_columns(table).await,
            None => create(self.table().map_err(|error| storage("open", &error))?).await,
        }
    }

    /// Loads the table's newest version; none if there is no table. It looks for a log first: `deltalake` logs an error when it loads
    /// a table that is not there, and a lake's first freeze is no error.
    async fn load_table(&self) -> DeltaResult<Option<DeltaTable>> {
        let mut table = self.table()?;
        if !table.log_store().is_delta_table_location().await? {
            return Ok(None);
        }
        match table.load().await {
            Ok(()) => Ok(Some(table)),
            Err(DeltaTableError::NotATable(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn table(&self) -> DeltaResult<DeltaTable> {
        // Plain http is refused unless allowed, and only an endpoint that is configured as http gets plain requests.
        let options = HashMap::from([
            ("AWS_ALLOW_HTTP".to_owned(), "true".to_owned()),
            ("AWS_CONDITIONAL_PUT".to_owned(), "etag".to_owned()),
        ]);
        DeltaTableBuilder::from_url(self.location.clone())?.with_storage_options(options).build()
    }
}

/// Creates the table. If another process does so at the same time, its table is as good: the schema is fixed, and so is, from
/// then on, the salt.
async fn create(mut table: DeltaTable) -> Result<DeltaTable, DatasetError> {
    let salt = random_salt()?;
    let properties = PROPERTIES.into_iter().chain([(SALT_KEY, salt.as_str())]);
    let creation = table
        .clone()
        .create()
        .with_columns(columns::columns())
        .with_configuration(properties.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))))
        // The salt is Flywheel's property, and not one of Delta's.
        .with_raise_if_key_not_exists(false)
        .with_save_mode(SaveMode::ErrorIfExists)
        // With a retry, a creation that finds version 0 taken would create the table again as version 1.
        .with_commit_properties(checkpoint::commit_properties());
    let Err(error) = creation.await.map(|created| table = created) else { return Ok(table) };
    // If the table was not created and does not exist either, the first error is the reason.
    table.load().await.map_err(|_| storage("create", &error))?;
    Ok(table)
}

/// Adds the columns that an older table lacks, in a commit of its own that changes no row and has no record. (In existing rows
/// they are null.) If another process does so at the same time, its commit is as good.
async fn with_all_columns(mut table: DeltaTable) -> Result<DeltaTable, DatasetError> {
    let failed = |error: DeltaTableError| storage("add columns to", &error);
    let missing = missing_columns(&table).map_err(failed)?;
    if missing.is_empty() {
        return Ok(table);
    }
    let addition =
        table.clone().add_columns().with_fields(missing).with_commit_properties(checkpoint::commit_properties());
    match addition.await {
        Ok(table) => {
            checkpoint::write_if_due(&table, table.version().unwrap_or_default()).await;
            Ok(table)
        }
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

fn random_salt() -> Result<SplitSalt, DatasetError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| DatasetError::Storage { action: "draw a salt for", cause: error.to_string() })?;
    Ok(SplitSalt::new(random))
}

/// Returns the table's salt. A table from before there was one gets it with its next commit. If two freezes draw one each, one
/// commits, and the other starts over and finds it.
fn salt_of(table: &DeltaTable) -> Result<SplitSalt, DatasetError> {
    let snapshot = table.snapshot().map_err(|error| storage("open", &error))?;
    match snapshot.metadata().configuration().get(SALT_KEY) {
        None => random_salt(),
        Some(salt) => SplitSalt::parse(salt)
            .ok_or_else(|| storage("open", &DeltaTableError::generic(format!("its {SALT_KEY} is no salt")))),
    }
}

impl Dataset for DeltaDataset {
    type Snapshot = TableVersion;

    async fn load(&self) -> Result<Loaded<TableVersion>, DatasetError> {
        let table = self.open().await?;
        let version = table.version().ok_or_else(|| storage("open", &DeltaTableError::NotInitialized))?;
        let last_freeze = records::last_records(&table, version).await?;
        let salt = salt_of(&table)?;
        Ok(Loaded {
            snapshot: TableVersion { table, salt: salt.clone(), erased: Erased::default() },
            version,
            salt,
            last_freeze,
        })
    }

    async fn deduplicate(&self, snapshot: &TableVersion, newcomers: &mut Newcomers) -> Result<(), DatasetError> {
        if newcomers.is_empty() {
            return Ok(());
        }
        rows::deduplicate(&snapshot.table, &snapshot.salt, newcomers).await
    }

    async fn put_object(
        &self,
        snapshot: &TableVersion,
        object: &ObjectDigest,
        bytes: Vec<u8>,
    ) -> Result<(), DatasetError> {
        let put = snapshot.table.object_store().put(&Path::from(object.name.as_str()), bytes.into()).await;
        put.map(|_| ()).map_err(|error| storage("write an object of", &error))
    }

    async fn get_object(&self, snapshot: &TableVersion, object: &ObjectDigest) -> Result<Vec<u8>, DatasetError> {
        let failed = |error| storage("read an object of", &error);
        let (name, sha256) = match snapshot.erased.instead_of(Place::Table, &object.name) {
            None => (object.name.clone(), object.sha256.clone()),
            Some(Instead { by: None, .. }) => return Ok(Vec::new()),
            Some(Instead { by: Some(by), .. }) => (by.name, by.sha256),
        };
        let found = snapshot.table.object_store().get(&Path::from(name.as_str())).await.map_err(failed)?;
        let bytes = found.bytes().await.map_err(failed)?;
        if object_sha256(&bytes) == sha256 {
            return Ok(bytes.to_vec());
        }
        Err(storage("read an object of", &DeltaTableError::generic(format!("{name} was changed"))))
    }

    async fn rows_of_pairs(
        &self,
        snapshot: &TableVersion,
        pairs: &HashSet<String>,
    ) -> Result<Vec<String>, DatasetError> {
        amend::rows_of_pairs(snapshot, pairs).await
    }

    async fn commit(
        &self,
        snapshot: TableVersion,
        entries: Vec<Entry>,
        revised: &HashSet<String>,
        records: impl FnOnce(WrittenFiles) -> Records + Send,
    ) -> Result<Records, DatasetError> {
        let table = &snapshot.table;
        let written = commit::write(table, entries).await?;
        let replaced = if revised.is_empty() { Vec::new() } else { amend::without_pairs(table, revised).await? };
        let files = WrittenFiles {
            entered: commit::digests(table, &written).await?,
            rewritten: commit::digests(table, &amend::added(&replaced)).await?,
        };
        let records = records(files);
        commit::commit(&snapshot, written, replaced, &records).await.map(|()| records)
    }
}

fn storage(action: &'static str, error: &dyn std::error::Error) -> DatasetError {
    DatasetError::Storage { action, cause: causes(error) }
}
