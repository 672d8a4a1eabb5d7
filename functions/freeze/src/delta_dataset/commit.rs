//! Writes lines as one commit.

use deltalake::arrow::json::ReaderBuilder;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{Action, Transaction};
use deltalake::parquet::basic::{Compression, ZstdLevel};
use deltalake::parquet::file::properties::WriterProperties;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter as _, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableError};
use flywheel_core::Pointer;

use super::{RECORD_KEY, storage};
use crate::dataset::DatasetError;

/// The name under which the table keeps the last crossing that was frozen into it.
const APPLICATION: &str = "flywheel.freeze";

/// Lines that are decoded and handed to the writer together.
const LINES_A_BATCH: usize = 1_024;

/// Rows that are held in memory until they are compressed: texts of a few kB make it some tens of MB.
const ROWS_A_GROUP: usize = 8_192;

pub(super) async fn commit(table: DeltaTable, lines: Vec<String>, record: &Pointer) -> Result<(), DatasetError> {
    let actions = write(&table, lines).await?;
    let record_json = serde_json::to_value(record).map_err(|error| storage("record in", &error))?;
    let crossing = record.last_freeze.as_ref().map_or(0, |freeze| freeze.crossing);
    let properties = CommitProperties::default()
        .with_metadata([(RECORD_KEY.to_owned(), record_json)])
        .with_application_transaction(Transaction::new(APPLICATION, crossing.cast_signed()))
        // A commit may only ever become the version that it was made for: the record names it.
        .with_max_retries(0);
    let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
    let snapshot = table.snapshot().map_err(|error| storage("commit to", &error))?;
    CommitBuilder::from(properties)
        .with_actions(actions)
        .build(Some(snapshot), table.log_store(), operation)
        .await
        .map_err(|error| if is_conflict(&error) { DatasetError::Conflict } else { storage("commit to", &error) })?;
    Ok(())
}

/// Writes the data file. It belongs to no version yet: if the commit fails, it is left behind, and a vacuum removes it.
async fn write(table: &DeltaTable, lines: Vec<String>) -> Result<Vec<Action>, DatasetError> {
    let properties = WriterProperties::builder()
        // Text compresses to about two thirds of what the faster default makes of it, and is written once.
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROWS_A_GROUP))
        .build();
    let writer = RecordBatchWriter::for_table(table).map_err(|error| storage("write to", &error))?;
    let mut writer = writer.with_writer_properties(properties);
    let mut decoder = ReaderBuilder::new(writer.arrow_schema())
        .with_batch_size(LINES_A_BATCH)
        .build_decoder()
        .map_err(|error| storage("write to", &error))?;
    let mut lines = lines.into_iter().peekable();
    while lines.peek().is_some() {
        for line in lines.by_ref().take(LINES_A_BATCH) {
            // The decoder's own error may quote the line.
            let decoded = decoder.decode(line.as_bytes()).map_err(|_| DatasetError::InvalidLine)?;
            if decoded < line.len() {
                return Err(DatasetError::InvalidLine);
            }
        }
        if let Some(batch) = decoder.flush().map_err(|_| DatasetError::InvalidLine)? {
            writer.write(batch).await.map_err(|error| storage("write to", &error))?;
        }
    }
    let files = writer.flush().await.map_err(|error| storage("write to", &error))?;
    Ok(files.into_iter().map(Action::Add).collect())
}

fn is_conflict(error: &DeltaTableError) -> bool {
    let DeltaTableError::Transaction { source } = error else {
        return matches!(error, DeltaTableError::VersionAlreadyExists(_));
    };
    matches!(
        source,
        TransactionError::MaxCommitAttempts(_)
            | TransactionError::VersionAlreadyExists(_)
            | TransactionError::CommitConflict(_)
    )
}
