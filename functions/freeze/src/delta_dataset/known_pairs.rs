//! Reads which pairs and events the table has: two of its columns, and nothing else of it.

use deltalake::arrow::array::{AsArray as _, StringArray};
use deltalake::arrow::record_batch::RecordBatch;
use deltalake::kernel::LogicalFileView;
use deltalake::parquet::arrow::async_reader::ParquetRecordBatchStream;
use deltalake::parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use deltalake::parquet::errors::ParquetError;
use deltalake::{DeltaTable, DeltaTableError};
use flywheel_core::KnownPairs;
use futures::TryStreamExt as _;

use super::data_file::DataFile;
use super::storage;
use crate::dataset::DatasetError;

/// Files read at the same time. There is one a version and little to read in each, so it is the round trips that add up.
const CONCURRENT_FILES: usize = 16;

/// Streams through the table's files, so that memory grows with the ids alone.
pub(super) async fn known_pairs(table: &DeltaTable) -> Result<KnownPairs, DatasetError> {
    let mut known = KnownPairs::default();
    let files = table.get_active_add_actions_by_partitions(&[]);
    let mut batches = files
        .map_ok(|file| async move { ids(table, &file).await.map_err(DeltaTableError::from) })
        .try_buffer_unordered(CONCURRENT_FILES)
        .map_ok(|batches| batches.map_err(DeltaTableError::from))
        .try_flatten_unordered(CONCURRENT_FILES);
    while let Some(batch) = batches.try_next().await.map_err(|error| storage("read", &error))? {
        admit_all(&batch, &mut known)?;
    }
    Ok(known)
}

async fn ids(table: &DeltaTable, file: &LogicalFileView) -> Result<ParquetRecordBatchStream<DataFile>, ParquetError> {
    let size = u64::try_from(file.size()).unwrap_or_default();
    let reader = DataFile { store: table.object_store(), path: file.object_store_path(), size };
    let builder = ParquetRecordBatchStreamBuilder::new(reader).await?;
    let ids = ProjectionMask::columns(builder.parquet_schema(), ["pair_id", "event_id"]);
    builder.with_projection(ids).build()
}

fn admit_all(batch: &RecordBatch, known: &mut KnownPairs) -> Result<(), DatasetError> {
    let (pairs, events) = (column(batch, "pair_id")?, column(batch, "event_id")?);
    for (pair, event) in pairs.iter().zip(events).filter_map(|(pair, event)| pair.zip(event)) {
        known.admit(pair, event);
    }
    Ok(())
}

fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b StringArray, DatasetError> {
    let missing = || storage("read", &DeltaTableError::generic(format!("column {name} is missing or no text")));
    batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>()).ok_or_else(missing)
}
