//! Reads which pairs and events the table has: two of its columns, and nothing else of it.

use deltalake::arrow::array::{Array as _, AsArray as _, RecordBatch};
use deltalake::parquet::arrow::ParquetRecordBatchStreamBuilder;
use deltalake::parquet::arrow::ProjectionMask;
use deltalake::{DeltaTable, DeltaTableError};
use flywheel_core::KnownPairs;
use futures::TryStreamExt as _;

use super::data_file::DataFile;
use super::storage;
use crate::dataset::DatasetError;

/// Streams through the table's files, so that memory grows with the ids alone.
pub(super) async fn known_pairs(table: &DeltaTable) -> Result<KnownPairs, DatasetError> {
    let store = table.object_store();
    let mut known = KnownPairs::default();
    let mut files = table.get_active_add_actions_by_partitions(&[]);
    while let Some(file) = files.try_next().await.map_err(|error| storage("list the files of", &error))? {
        let size = u64::try_from(file.size()).unwrap_or_default();
        let reader = DataFile { store: store.clone(), path: file.object_store_path(), size };
        let builder = ParquetRecordBatchStreamBuilder::new(reader).await.map_err(|error| storage("read", &error))?;
        let ids = ProjectionMask::columns(builder.parquet_schema(), ["pair_id", "event_id"]);
        let mut batches = builder.with_projection(ids).build().map_err(|error| storage("read", &error))?;
        while let Some(batch) = batches.try_next().await.map_err(|error| storage("read", &error))? {
            admit_all(&batch, &mut known)?;
        }
    }
    Ok(known)
}

fn admit_all(batch: &RecordBatch, known: &mut KnownPairs) -> Result<(), DatasetError> {
    let column = |name: &str| {
        let missing = || storage("read", &DeltaTableError::generic(format!("column {name} is missing")));
        batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>()).ok_or_else(missing)
    };
    let (pairs, events) = (column("pair_id")?, column("event_id")?);
    for row in 0..pairs.len() {
        known.admit(pairs.value(row), events.value(row));
    }
    Ok(())
}
