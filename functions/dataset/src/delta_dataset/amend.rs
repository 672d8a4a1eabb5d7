//! Commits versions that people make: data files of older versions come back, and files are replaced by files without some rows.

use std::collections::{HashMap, HashSet};

use deltalake::arrow::array::{ArrayRef, BooleanArray, RecordBatch, new_null_array};
use deltalake::arrow::compute::filter_record_batch;
use deltalake::arrow::datatypes::{Field, SchemaRef};
use deltalake::arrow::error::ArrowError;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::kernel::{Action, Add};
use deltalake::logstore::object_store::ObjectStoreExt as _;
use deltalake::protocol::DeltaOperation;
use deltalake::writer::{DeltaWriter as _, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableError};
use flywheel_core::Millis;
use flywheel_core::dataset::ObjectDigest;
use futures::{StreamExt as _, TryStreamExt as _};

use super::commit::{commit_actions, digests, is_conflict, writer_properties};
use super::records::{last_records, read_commit};
use super::rows::{ActiveFile, FilePlace, active_files, open, open_whole, texts};
use super::versions::COLUMNS;
use super::{DeltaDataset, TableVersion, storage};
use crate::amendable::{Amendable, Rows};
use crate::dataset::{DatasetError, Loaded, Records};

/// The property of the table that forbids to take rows out.
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

    async fn committed_at(&self, on: &TableVersion, number: u64) -> Result<Option<Millis>, DatasetError> {
        Ok(read_commit(&on.table, number).await?.and_then(|commit| commit.timestamp))
    }

    async fn each_row(&self, of: &TableVersion, mut each: impl FnMut(&str) + Send) -> Result<(), DatasetError> {
        let mut rows = std::pin::pin!(of.rows(&COLUMNS));
        while let Some(row) = rows.try_next().await? {
            each(&row);
        }
        Ok(())
    }

    async fn allow_amendments(&self) -> Result<(), DatasetError> {
        let Some(TableVersion { table, .. }) = self.open_version(None).await? else { return Ok(()) };
        let failed = |error: DeltaTableError| {
            if is_conflict(&error) { DatasetError::Conflict } else { storage("commit to", &error) }
        };
        let metadata = table.snapshot().map_err(failed)?.metadata();
        if metadata.configuration().get(APPEND_ONLY).is_none_or(|is_on| is_on != "true") {
            return Ok(());
        }
        let off = HashMap::from([(APPEND_ONLY.to_owned(), "false".to_owned())]);
        let properties = CommitProperties::default().with_max_retries(0);
        let set = table.set_tbl_properties().with_properties(off).with_commit_properties(properties);
        set.await.map(|_| ()).map_err(failed)
    }

    async fn commit_rows(
        &self,
        on: TableVersion,
        rows: Rows<'_, TableVersion>,
        records: impl FnOnce(Vec<ObjectDigest>) -> Records + Send,
    ) -> Result<Records, DatasetError> {
        let (actions, operation) = match rows {
            Rows::Of(older) => restore(&on.table, older).await?,
            Rows::Without(pairs) => take_out(&on.table, pairs).await?,
        };
        let added: Vec<_> = actions.iter().filter_map(as_add).cloned().collect();
        let records = records(digests(&on.table, &added).await?);
        commit_actions(&on, actions, operation, &records).await.map(|()| records)
    }
}

fn as_add(action: &Action) -> Option<&Add> {
    match action {
        Action::Add(add) => Some(add),
        _ => None,
    }
}

/// The files of the older version, all of which must be there.
async fn restore(table: &DeltaTable, older: &TableVersion) -> Result<(Vec<Action>, DeltaOperation), DatasetError> {
    let (now, then) = (active_files(table).await?, active_files(&older.table).await?);
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

/// The files that have any of the pairs, each replaced by one without them.
async fn take_out(table: &DeltaTable, pairs: &HashSet<String>) -> Result<(Vec<Action>, DeltaOperation), DatasetError> {
    let mut actions = Vec::new();
    for file in active_files(table).await? {
        if !has_any(table, &file.place, pairs).await? {
            continue;
        }
        actions.extend(without(table, &file, pairs).await?.map(Action::Add));
        actions.push(Action::Remove(file.remove));
    }
    Ok((actions, DeltaOperation::Delete { predicate: None }))
}

async fn has_any(table: &DeltaTable, place: &FilePlace, pairs: &HashSet<String>) -> Result<bool, DatasetError> {
    let mut batches = open(table, place, &["pair_id"]).await.map_err(|error| storage("read", &error))?;
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(|error| storage("read", &error))?;
        if texts(&batch, "pair_id")?.iter().flatten().any(|pair| pairs.contains(pair)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes a data file's rows without these pairs; `None` if no row is left. Its rows keep their place among those of other files.
async fn without(table: &DeltaTable, file: &ActiveFile, pairs: &HashSet<String>) -> Result<Option<Add>, DatasetError> {
    let failed = |error: DeltaTableError| storage("write to", &error);
    let arrow = |error: ArrowError| storage("write to", &error);
    let mut writer = RecordBatchWriter::for_table(table).map_err(failed)?.with_writer_properties(writer_properties());
    let schema = writer.arrow_schema();
    let mut batches = open_whole(table, &file.place).await.map_err(|error| storage("read", &error))?;
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(|error| storage("read", &error))?;
        let stays = texts(&batch, "pair_id")?.iter().map(|pair| pair.is_none_or(|pair| !pairs.contains(pair)));
        let stays = BooleanArray::from_iter(stays.map(Some));
        let kept = filter_record_batch(&batch, &stays).and_then(|kept| with_columns(&schema, &kept)).map_err(arrow)?;
        if kept.num_rows() > 0 {
            writer.write(kept).await.map_err(failed)?;
        }
    }
    let written = writer.flush().await.map_err(failed)?.into_iter().next();
    Ok(written.map(|add| Add { modification_time: file.add.modification_time, ..add }))
}

/// The rows with the table's columns. A file from before a column was thought of has it null.
fn with_columns(schema: &SchemaRef, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let column = |field: &std::sync::Arc<Field>| -> ArrayRef {
        let found = rows.column_by_name(field.name()).cloned();
        found.unwrap_or_else(|| new_null_array(field.data_type(), rows.num_rows()))
    };
    RecordBatch::try_new(schema.clone(), schema.fields().iter().map(column).collect())
}
