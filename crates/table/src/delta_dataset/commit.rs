//! Writes pairs as one commit.

use std::sync::Arc;

use deltalake::arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
use deltalake::arrow::datatypes::{Field, Schema, SchemaRef};
use deltalake::arrow::error::ArrowError;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{Action, Add, MetadataExt as _, Transaction};
use deltalake::logstore::object_store::ObjectStoreExt as _;
use deltalake::parquet::basic::{Compression, ZstdLevel};
use deltalake::parquet::file::properties::{EnabledStatistics, WriterProperties};
use deltalake::parquet::schema::types::ColumnPath;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter as _, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableError, Path};
use flywheel_dataset::{Entry, ObjectDigest, Pair, StreamDigest};
use futures::TryStreamExt as _;

use super::checkpoint::{commit_properties, write_if_due};
use super::columns::{FINGERPRINT, SPLIT};
use super::line_decoder::LineDecoder;
use super::records::{POINTER_KEY, VERSION_KEY};
use super::{SALT_KEY, TableVersion, storage};
use crate::dataset::{DatasetError, Records};

/// The application id under which the table keeps the last frozen crossing.
const APPLICATION: &str = "flywheel.freeze";

/// The most lines decoded and handed to the writer together: so many, or so many bytes if that is less.
const LINES_A_BATCH: usize = 1_024;
const BYTES_A_BATCH: usize = 4 * 1024 * 1024;

/// The most rows held in memory, compressed, until they are written: so many, or so many bytes if that is less. A reader holds as
/// much, so one file must not be one group.
const ROWS_A_GROUP: usize = 32_768;
const BYTES_A_GROUP: usize = 16 * 1024 * 1024;

/// Commits new data files as the version right after the table's, with the replacements of files that had revised rows.
pub(super) async fn commit(
    version: &TableVersion,
    files: Vec<Add>,
    replaced: Vec<Action>,
    records: &Records,
) -> Result<(), DatasetError> {
    let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
    let actions = files.into_iter().map(Action::Add).chain(replaced).collect();
    commit_actions(version, actions, operation, records).await
}

/// Commits added and removed data files as the version right after the table's.
pub(super) async fn commit_actions(
    version: &TableVersion,
    mut actions: Vec<Action>,
    operation: DeltaOperation,
    records: &Records,
) -> Result<(), DatasetError> {
    let failed = |error: DeltaTableError| {
        if is_conflict(&error) { DatasetError::Conflict } else { storage("commit to", &error) }
    };
    let table = &version.table;
    actions.extend(evolution(version).map_err(failed)?);
    let snapshot = table.snapshot().map_err(failed)?;
    let prepared = CommitBuilder::from(properties(records)?)
        .with_actions(actions)
        .build(Some(snapshot), table.log_store(), operation)
        .into_prepared_commit_future()
        .await
        .map_err(failed)?;
    let committed = prepared.await.map_err(failed)?;
    // The version exists from here on.
    write_if_due(table, committed.version).await;
    Ok(())
}

/// Returns the action that adds the salt to a table from before there was one. Its earlier versions stay as they are.
fn evolution(version: &TableVersion) -> Result<Option<Action>, DeltaTableError> {
    let metadata = version.table.snapshot()?.metadata();
    if metadata.configuration().contains_key(SALT_KEY) {
        return Ok(None);
    }
    let metadata = metadata.clone().add_config_key(SALT_KEY.to_owned(), version.salt.as_str().to_owned())?;
    Ok(Some(Action::Metadata(metadata)))
}

fn properties(records: &Records) -> Result<CommitProperties, DatasetError> {
    let failed = |error: serde_json::Error| storage("record in", &error);
    let mut metadata = vec![(POINTER_KEY.to_owned(), serde_json::to_value(&records.pointer).map_err(failed)?)];
    if let Some(version) = &records.version {
        metadata.push((VERSION_KEY.to_owned(), serde_json::to_value(version).map_err(failed)?));
    }
    let crossing = records.pointer.last_freeze.as_ref().map_or(0, |freeze| freeze.crossing);
    // A commit may only become the version that it was made for, because the records name it.
    Ok(commit_properties()
        .with_metadata(metadata)
        .with_application_transaction(Transaction::new(APPLICATION, crossing.cast_signed())))
}

/// Writes the data file, if there are pairs. It belongs to no version yet: if the commit fails, a vacuum removes it.
pub(super) async fn write(table: &DeltaTable, entries: Vec<Entry>) -> Result<Vec<Add>, DatasetError> {
    let failed = |error: DeltaTableError| storage("write to", &error);
    let mut writer = RecordBatchWriter::for_table(table).map_err(failed)?.with_writer_properties(writer_properties());
    let schema = writer.arrow_schema();
    let of_lines: Vec<_> = schema.fields().iter().filter(|field| !is_added(field)).cloned().collect();
    let decoder = LineDecoder::new(Arc::new(Schema::new(of_lines)));
    let mut entries = entries.into_iter().peekable();
    let mut decoded = 0;
    while entries.peek().is_some() {
        let Batch { pairs, splits, fingerprints } = next_batch(&mut entries);
        let rows = decoder
            .decode(&pairs.iter().map(Pair::text).collect::<Vec<_>>())
            .map_err(|misfit| DatasetError::InvalidLine { index: decoded + misfit.index, reason: misfit.reason })?;
        decoded += pairs.len();
        drop(pairs);
        let rows = with_added(&schema, &rows, splits, &fingerprints).map_err(|error| storage("write to", &error))?;
        writer.write(rows).await.map_err(failed)?;
    }
    writer.flush().await.map_err(failed)
}

/// Returns the digests of data files, as they are in the store: each written file is read again, once.
pub(super) async fn digests(table: &DeltaTable, files: &[Add]) -> Result<Vec<ObjectDigest>, DatasetError> {
    let mut digests = Vec::new();
    for file in files {
        digests.push(ObjectDigest { name: file.path.clone(), sha256: file_sha256(table, &file.path).await? });
    }
    Ok(digests)
}

/// Returns the SHA-256 of a data file, by its path in the Delta log.
pub(super) async fn file_sha256(table: &DeltaTable, path: &str) -> Result<String, DatasetError> {
    let failed = |error: &dyn std::error::Error| storage("read a file of", error);
    let path = Path::from_url_path(path).map_err(|error| failed(&error))?;
    let found = table.object_store().get(&path).await.map_err(|error| failed(&error))?;
    let mut bytes = found.into_stream();
    let mut digest = StreamDigest::default();
    while let Some(chunk) = bytes.try_next().await.map_err(|error| failed(&error))? {
        digest.add(&chunk);
    }
    Ok(digest.finish())
}

fn is_added(field: &Field) -> bool {
    [SPLIT, FINGERPRINT].contains(&field.name().as_str())
}

/// Returns the columns of the lines, and those that the audit adds, in the table's order.
fn with_added(
    schema: &SchemaRef,
    rows: &RecordBatch,
    splits: Vec<&str>,
    fingerprints: &[Vec<u8>],
) -> Result<RecordBatch, ArrowError> {
    let splits: ArrayRef = Arc::new(StringArray::from(splits));
    let fingerprints: ArrayRef = Arc::new(BinaryArray::from_iter_values(fingerprints));
    let column = |field: &Arc<Field>| match field.name().as_str() {
        SPLIT => Some(splits.clone()),
        FINGERPRINT => Some(fingerprints.clone()),
        name => rows.column_by_name(name).cloned(),
    };
    RecordBatch::try_new(schema.clone(), schema.fields().iter().filter_map(column).collect())
}

#[derive(Default)]
struct Batch {
    pairs: Vec<Pair>,
    splits: Vec<&'static str>,
    fingerprints: Vec<Vec<u8>>,
}

/// Returns the next pairs: at least one, and no more than fit in a batch.
fn next_batch(entries: &mut impl Iterator<Item = Entry>) -> Batch {
    let mut batch = Batch::default();
    let mut bytes = 0;
    while batch.pairs.len() < LINES_A_BATCH && bytes < BYTES_A_BATCH {
        let Some(entry) = entries.next() else { break };
        bytes += entry.line.text().len();
        batch.pairs.push(entry.line);
        batch.splits.push(entry.split.as_str());
        batch.fingerprints.push(entry.fingerprint);
    }
    batch
}

pub(super) fn writer_properties() -> WriterProperties {
    let column = |name: &str| ColumnPath::from(name.to_owned());
    let builder = WriterProperties::builder()
        // On edits, Zstandard makes 70 % of the size of the faster default, Snappy, and a file is written once.
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROWS_A_GROUP))
        .set_max_row_group_bytes(Some(BYTES_A_GROUP))
        // The table keeps statistics of numbers and times only; those of ids and texts would select no file.
        .set_statistics_enabled(EnabledStatistics::None);
    let builder = ["similarity", "occurred_at", "curated_at"]
        .into_iter()
        .fold(builder, |builder, name| builder.set_column_statistics_enabled(column(name), EnabledStatistics::Chunk));
    // No two rows have the same value, so a dictionary would only be built and discarded.
    let unique = ["pair_id", "event_id", "chosen", "rejected", FINGERPRINT];
    unique.into_iter().fold(builder, |builder, name| builder.set_column_dictionary_enabled(column(name), false)).build()
}

pub(super) fn is_conflict(error: &DeltaTableError) -> bool {
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
