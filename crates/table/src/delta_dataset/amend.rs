//! Commits versions that operators make: data files of older versions are restored, and files are replaced without some rows.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use deltalake::arrow::array::{ArrayRef, BooleanArray, RecordBatch, new_null_array};
use deltalake::arrow::compute::filter_record_batch;
use deltalake::arrow::datatypes::{Field, SchemaRef};
use deltalake::arrow::error::ArrowError;
use deltalake::kernel::{Action, Add};
use deltalake::logstore::object_store::ObjectStoreExt as _;
use deltalake::parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use deltalake::protocol::DeltaOperation;
use deltalake::writer::{DeltaWriter as _, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableError, Path};
use flywheel_dataset::{GoldLine, ObjectDigest, Place, ReplacedObject, Replacement};
use futures::{StreamExt as _, TryStreamExt as _};

use super::checkpoint::{commit_properties, write_if_due};
use super::commit::{commit_actions, digests, file_sha256, is_conflict, writer_properties};
use super::records::{last_records, read_commit};
use super::rows::{ActiveFile, FilePlace, active_files, open, open_whole, texts};
use super::versions::{COLUMNS, DataFileName};
use super::{DeltaDataset, TableVersion, storage};
use crate::amendable::{Amendable, Rows};
use crate::dataset::{DatasetError, Loaded, Records};
use crate::erased::Erased;

/// The folder of the lists of erased objects, below the table's.
const LISTS: &str = "_flywheel/erased";

/// The table's property that forbids the removal of rows.
const APPEND_ONLY: &str = "delta.appendOnly";

impl Amendable for DeltaDataset {
    async fn newest(&self) -> Result<Option<Loaded<TableVersion>>, DatasetError> {
        let Some(snapshot) = self.open_version(None).await? else { return Ok(None) };
        let version = snapshot.number();
        let last_freeze = last_records(&snapshot.table, version).await?;
        let salt = snapshot.salt.clone();
        Ok(Some(Loaded { snapshot, version, salt, last_freeze }))
    }

    async fn at(&self, number: u64) -> Result<Option<TableVersion>, DatasetError> {
        self.open_version(Some(number)).await
    }

    async fn records_of(&self, on: &TableVersion, number: u64) -> Result<Option<Records>, DatasetError> {
        Ok(read_commit(&on.table, number).await?.and_then(|commit| commit.records))
    }

    async fn each_row(&self, of: &TableVersion, mut each: impl FnMut(&str) + Send) -> Result<(), DatasetError> {
        let mut rows = std::pin::pin!(of.rows(&COLUMNS));
        while let Some(row) = rows.try_next().await? {
            each(&row);
        }
        Ok(())
    }

    async fn allow_amendments(&self) -> Result<bool, DatasetError> {
        let Some(TableVersion { table, .. }) = self.open_version(None).await? else { return Ok(false) };
        let failed = |error: DeltaTableError| {
            if is_conflict(&error) { DatasetError::Conflict } else { storage("commit to", &error) }
        };
        let metadata = table.snapshot().map_err(failed)?.metadata();
        if metadata.configuration().get(APPEND_ONLY).is_none_or(|is_on| is_on != "true") {
            return Ok(false);
        }
        let off = HashMap::from([(APPEND_ONLY.to_owned(), "false".to_owned())]);
        let set = table.set_tbl_properties().with_properties(off).with_commit_properties(commit_properties());
        let table = set.await.map_err(failed)?;
        write_if_due(&table, table.version().unwrap_or_default()).await;
        Ok(true)
    }

    async fn commit_rows(
        &self,
        on: TableVersion,
        rows: Rows<'_, TableVersion>,
        records: impl FnOnce(Vec<ObjectDigest>) -> Records + Send,
    ) -> Result<Records, DatasetError> {
        let (actions, operation) = match rows {
            Rows::Of(older) => restore(&on.table, older).await?,
            Rows::Without(pairs) => {
                (without_pairs(&on.table, pairs).await?, DeltaOperation::Delete { predicate: None })
            }
        };
        let records = records(digests(&on.table, &added(&actions)).await?);
        commit_actions(&on, actions, operation, &records).await.map(|()| records)
    }
}

/// Returns the added data files.
pub(super) fn added(actions: &[Action]) -> Vec<Add> {
    let add = |action: &Action| match action {
        Action::Add(add) => Some(add.clone()),
        _ => None,
    };
    actions.iter().filter_map(add).collect()
}

/// Returns the actions that restore the files of the older version, all of which must exist.
async fn restore(table: &DeltaTable, older: &TableVersion) -> Result<(Vec<Action>, DeltaOperation), DatasetError> {
    let (now, then) = (active_files(table).await?, older.files().await?);
    let paths = |files: &[ActiveFile]| files.iter().map(|file| file.add.path.clone()).collect::<HashSet<_>>();
    let (paths_now, paths_then) = (paths(&now), paths(&then));
    let mut actions = Vec::new();
    for file in then.into_iter().filter(|file| !paths_now.contains(&file.add.path)) {
        let found = table.object_store().head(&file.place.path).await;
        found.map_err(|error| storage("find a file of the older version of", &error))?;
        actions.push(Action::Add(file.add));
    }
    let gone = now.into_iter().filter(|file| !paths_then.contains(&file.add.path));
    actions.extend(gone.map(|file| Action::Remove(file.remove)));
    let version = Some(older.number());
    Ok((actions, DeltaOperation::Restore { version, datetime: None }))
}

/// Replaces the files that have any of the pairs, each by one without them.
pub(super) async fn without_pairs(table: &DeltaTable, pairs: &HashSet<String>) -> Result<Vec<Action>, DatasetError> {
    let mut actions = Vec::new();
    for file in files_with(table, pairs).await? {
        let left = without(table, &file.place, file.add.modification_time, ("pair_id", pairs)).await?;
        actions.extend(left.map(Action::Add));
        actions.push(Action::Remove(file.remove));
    }
    Ok(actions)
}

/// Returns the files that have any of the pairs.
async fn files_with(table: &DeltaTable, pairs: &HashSet<String>) -> Result<Vec<ActiveFile>, DatasetError> {
    let mut files = Vec::new();
    for file in active_files(table).await? {
        if rows_with(table, &file.place, ("pair_id", pairs)).await? > 0 {
            files.push(file);
        }
    }
    Ok(files)
}

/// Returns the rows of these pairs, as JSON.
pub(super) async fn rows_of_pairs(of: &TableVersion, pairs: &HashSet<String>) -> Result<Vec<String>, DatasetError> {
    let files = files_with(&of.table, pairs).await?.into_iter().map(|file| file.place).collect();
    let is_one = |row: &str| GoldLine::parse(row).is_some_and(|line| pairs.contains(line.pair_id.as_ref()));
    of.rows_of(files, &COLUMNS).try_filter(|row| std::future::ready(is_one(row))).try_collect().await
}

/// Returns the number of a file's rows that have one of these values in a column.
async fn rows_with(
    table: &DeltaTable,
    place: &FilePlace,
    (column, values): (&str, &HashSet<String>),
) -> Result<u64, DatasetError> {
    let mut batches = open(table, place, &[column]).await.map_err(|error| storage("read", &error))?;
    let mut count = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(|error| storage("read", &error))?;
        count += texts(&batch, column)?.iter().flatten().filter(|value| values.contains(*value)).count() as u64;
    }
    Ok(count)
}

/// Writes a data file's rows without those that have one of these values in a column; `None` if no row is left. The rows keep
/// their place among those of other files.
async fn without(
    table: &DeltaTable,
    file: &FilePlace,
    modification_time: i64,
    (column, values): (&str, &HashSet<String>),
) -> Result<Option<Add>, DatasetError> {
    let failed = |error: DeltaTableError| storage("write to", &error);
    let arrow = |error: ArrowError| storage("write to", &error);
    let mut writer = RecordBatchWriter::for_table(table).map_err(failed)?.with_writer_properties(writer_properties());
    let schema = writer.arrow_schema();
    let mut batches = open_whole(table, file).await.map_err(|error| storage("read", &error))?;
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(|error| storage("read", &error))?;
        let stays = texts(&batch, column)?.iter().map(|value| value.is_none_or(|value| !values.contains(value)));
        let stays = BooleanArray::from_iter(stays.map(Some));
        let kept = filter_record_batch(&batch, &stays).and_then(|kept| with_columns(&schema, &kept)).map_err(arrow)?;
        if kept.num_rows() > 0 {
            writer.write(kept).await.map_err(failed)?;
        }
    }
    let written = writer.flush().await.map_err(failed)?.into_iter().next();
    Ok(written.map(|add| Add { modification_time, ..add }))
}

/// Returns the rows with the table's columns. A file from before a column has nulls in it.
fn with_columns(schema: &SchemaRef, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let column = |field: &std::sync::Arc<Field>| -> ArrayRef {
        let found = rows.column_by_name(field.name()).cloned();
        found.unwrap_or_else(|| new_null_array(field.data_type(), rows.num_rows()))
    };
    RecordBatch::try_new(schema.clone(), schema.fields().iter().map(column).collect())
}

/// Returns the objects on the lists of erasures. A list is named after its content, so it never changes.
pub(super) async fn erased_from(table: &DeltaTable) -> Result<Erased, DatasetError> {
    let store = table.object_store();
    let mut lists = store.list(Some(&Path::from(LISTS)));
    let mut erased = Erased::default();
    while let Some(list) = lists.try_next().await.map_err(|error| storage("list", &error))? {
        let found = store.get(&list.location).await.map_err(|error| storage("read", &error))?;
        erased.add_list(&found.bytes().await.map_err(|error| storage("read", &error))?)?;
    }
    Ok(erased)
}

/// A data file without one contributor's rows.
#[derive(Debug)]
pub struct FileLeft {
    /// The file, and its replacement.
    pub replaced: ReplacedObject,
    /// The table log's entry of its replacement.
    add: Option<Add>,
}

impl DeltaDataset {
    /// Returns the objects that erasures of this dataset have listed so far.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if the table cannot be read.
    pub async fn erased(&self, snapshot: &TableVersion) -> Result<Erased, DatasetError> {
        erased_from(&snapshot.table).await
    }

    /// Returns every data file that any version up to this one has named, oldest first.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if the table cannot be read.
    pub async fn all_files(&self, snapshot: &TableVersion) -> Result<Vec<DataFileName>, DatasetError> {
        let (mut files, mut seen) = (Vec::new(), HashSet::new());
        for version in 0..=snapshot.number() {
            let Some(commit) = read_commit(&snapshot.table, version).await? else { continue };
            let added = commit.files.into_iter().map(|file| DataFileName { name: file.path, size: file.size });
            files.extend(added.filter(|file| seen.insert(file.name.clone())));
        }
        Ok(files)
    }

    /// Returns the number of a data file's rows by a contributor.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if the table cannot be read.
    pub async fn rows_by(
        &self,
        snapshot: &TableVersion,
        file: &DataFileName,
        contributor: &HashSet<String>,
    ) -> Result<u64, DatasetError> {
        rows_with(&snapshot.table, &place_of(file)?, ("contributor", contributor)).await
    }

    /// Returns the number of a contributor's rows in a data file's bytes; none if they are no Parquet. A file of another writer may
    /// lack the column, and then has none of their rows.
    #[must_use]
    pub fn rows_in(file: Vec<u8>, contributor: &str) -> Option<u64> {
        // Without another writer's Arrow types a text is read as one type.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(Bytes::from(file), options).ok()?;
        let batches = builder.build().ok()?;
        let mut count = 0;
        for batch in batches {
            let batch = batch.ok()?;
            let Ok(contributors) = texts(&batch, "contributor") else { continue };
            count += contributors.iter().flatten().filter(|value| *value == contributor).count() as u64;
        }
        Some(count)
    }

    /// Writes a data file again without a contributor's rows. The file itself stays as it is.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if the table cannot be read or written.
    pub async fn write_without(
        &self,
        snapshot: &TableVersion,
        file: &DataFileName,
        contributor: &HashSet<String>,
        erased: u64,
    ) -> Result<FileLeft, DatasetError> {
        let place = place_of(file)?;
        let written_at = snapshot.table.object_store().head(&place.path).await;
        let written_at = written_at.map_err(|error| storage("find a file of", &error))?.last_modified;
        let modification_time =
            match active_files(&snapshot.table).await?.iter().find(|active| active.add.path == file.name) {
                Some(active) => active.add.modification_time,
                None => written_at.timestamp_millis(),
            };
        let add = without(&snapshot.table, &place, modification_time, ("contributor", contributor)).await?;
        let by = match &add {
            None => None,
            Some(add) => Some(Replacement {
                name: add.path.clone(),
                sha256: file_sha256(&snapshot.table, &add.path).await?,
                size: add.size.cast_unsigned(),
                rows: add.get_stats().ok().flatten().map_or(0, |stats| stats.num_records.cast_unsigned()),
            }),
        };
        let sha256 = file_sha256(&snapshot.table, &file.name).await?;
        Ok(FileLeft {
            replaced: ReplacedObject { place: Place::Table, name: file.name.clone(), sha256, by, erased },
            add,
        })
    }

    /// Commits the version right after `on` in which some of its files are replaced by others.
    ///
    /// # Errors
    /// The same as those of [`Dataset::commit`](crate::Dataset::commit).
    pub async fn commit_replaced(
        &self,
        on: TableVersion,
        files: &[FileLeft],
        records: impl FnOnce(Vec<ObjectDigest>) -> Records + Send,
    ) -> Result<Records, DatasetError> {
        let by_name: HashMap<_, _> = files.iter().map(|file| (file.replaced.name.as_str(), file)).collect();
        let mut actions = Vec::new();
        for active in active_files(&on.table).await? {
            let Some(file) = by_name.get(active.add.path.as_str()) else { continue };
            actions.extend(file.add.clone().map(Action::Add));
            actions.push(Action::Remove(active.remove));
        }
        let records = records(digests(&on.table, &added(&actions)).await?);
        commit_actions(&on, actions, DeltaOperation::Delete { predicate: None }, &records).await.map(|()| records)
    }
}

fn place_of(file: &DataFileName) -> Result<FilePlace, DatasetError> {
    let path = Path::from_url_path(&file.name).map_err(|error| storage("read", &error))?;
    Ok(FilePlace { path, size: file.size, rows: None })
}
