//! Writes lines as one commit.

use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{Action, Transaction};
use deltalake::parquet::basic::{Compression, ZstdLevel};
use deltalake::parquet::file::properties::{EnabledStatistics, WriterProperties};
use deltalake::parquet::schema::types::ColumnPath;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter as _, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableError};
use flywheel_core::Pointer;

use super::line_decoder::LineDecoder;
use super::record::RECORD_KEY;
use super::storage;
use crate::dataset::DatasetError;

/// The name under which the table keeps the last crossing that was frozen into it.
const APPLICATION: &str = "flywheel.freeze";

/// Lines that are decoded and handed to the writer together: so many, or so many bytes if that is less.
const LINES_A_BATCH: usize = 1_024;
const BYTES_A_BATCH: usize = 4 * 1024 * 1024;

/// What is held in memory, compressed, until it is written: so many rows, or so many bytes if that is less. A reader holds
/// as much, so one file must not be one group.
const ROWS_A_GROUP: usize = 32_768;
const BYTES_A_GROUP: usize = 16 * 1024 * 1024;

/// Commits lines as the version right after the table's.
pub(super) async fn commit(table: &DeltaTable, lines: Vec<String>, record: &Pointer) -> Result<(), DatasetError> {
    let failed = |error: DeltaTableError| {
        if is_conflict(&error) { DatasetError::Conflict } else { storage("commit to", &error) }
    };
    let actions = write(table, lines).await?;
    let snapshot = table.snapshot().map_err(failed)?;
    let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
    let prepared = CommitBuilder::from(properties(record)?)
        .with_actions(actions)
        .build(Some(snapshot), table.log_store(), operation)
        .into_prepared_commit_future()
        .await
        .map_err(failed)?;
    let committed = prepared.await.map_err(failed)?;
    // The version exists from here on. What follows, a checkpoint every so many versions, only makes loading faster, so its
    // failure must not be taken for the commit's.
    if let Err(error) = committed.await {
        tracing::warn!(error = flywheel_runtime::causes(&error), "no checkpoint written");
    }
    Ok(())
}

fn properties(record: &Pointer) -> Result<CommitProperties, DatasetError> {
    let record_json = serde_json::to_value(record).map_err(|error| storage("record in", &error))?;
    let crossing = record.last_freeze.as_ref().map_or(0, |freeze| freeze.crossing);
    Ok(CommitProperties::default()
        .with_metadata([(RECORD_KEY.to_owned(), record_json)])
        .with_application_transaction(Transaction::new(APPLICATION, crossing.cast_signed()))
        // A commit may only ever become the version that it was made for: the record names it.
        .with_max_retries(0))
}

/// Writes the data file, if there are lines. It belongs to no version yet: if the commit fails, it is left behind, and a
/// vacuum removes it.
async fn write(table: &DeltaTable, lines: Vec<String>) -> Result<Vec<Action>, DatasetError> {
    let failed = |error: DeltaTableError| storage("write to", &error);
    let mut writer = RecordBatchWriter::for_table(table).map_err(failed)?.with_writer_properties(writer_properties());
    let decoder = LineDecoder::new(writer.arrow_schema());
    let mut lines = lines.into_iter().peekable();
    let mut decoded = 0;
    while lines.peek().is_some() {
        let batch = next_batch(&mut lines);
        let rows = decoder
            .decode(&batch)
            .map_err(|misfit| DatasetError::InvalidLine { index: decoded + misfit.index, reason: misfit.reason })?;
        writer.write(rows).await.map_err(failed)?;
        decoded += batch.len();
    }
    let files = writer.flush().await.map_err(failed)?;
    Ok(files.into_iter().map(Action::Add).collect())
}

/// The next lines: one at least, and no more than fit in a batch.
fn next_batch(lines: &mut impl Iterator<Item = String>) -> Vec<String> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    while batch.len() < LINES_A_BATCH && bytes < BYTES_A_BATCH {
        let Some(line) = lines.next() else { break };
        bytes += line.len();
        batch.push(line);
    }
    batch
}

fn writer_properties() -> WriterProperties {
    let column = |name: &str| ColumnPath::from(name.to_owned());
    let builder = WriterProperties::builder()
        // Of edits it makes 70 % of what the faster default, Snappy, makes, and is written once.
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROWS_A_GROUP))
        .set_max_row_group_bytes(Some(BYTES_A_GROUP))
        // The table keeps statistics of numbers and times only; of ids and texts they would select nothing.
        .set_statistics_enabled(EnabledStatistics::None);
    let builder = ["similarity", "occurred_at", "curated_at"]
        .into_iter()
        .fold(builder, |builder, name| builder.set_column_statistics_enabled(column(name), EnabledStatistics::Chunk));
    // No two rows have the same, so a dictionary would only be built and thrown away.
    let unique = ["pair_id", "event_id", "chosen", "rejected"];
    unique.into_iter().fold(builder, |builder, name| builder.set_column_dictionary_enabled(column(name), false)).build()
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
