//! Reads the table's rows for the comparison with newcomers: ids, sides and fingerprints, and texts only where there is no
//! fingerprint.

use deltalake::arrow::array::{
    Array as _, AsArray as _, BinaryArray, ListArray, StringArray, TimestampMicrosecondArray,
};
use deltalake::arrow::record_batch::RecordBatch;
use deltalake::kernel::{Add, LogicalFileView, Remove};
use deltalake::parquet::arrow::async_reader::ParquetRecordBatchStream;
use deltalake::parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use deltalake::parquet::errors::ParquetError;
use deltalake::{DeltaTable, DeltaTableError, Path};
use flywheel_dataset::{Fingerprint, Newcomers, Replacement, RowInDataset, RowRevision, Split, SplitSalt};
use flywheel_event::{EVENT_KEY, INGEST_KEY};
use futures::{TryStreamExt as _, stream};

use super::columns::{CONTEXT, FINGERPRINT, OUTPUT_ID, RECEIVED_AT, SPLIT};
use super::data_file::DataFile;
use super::storage;
use crate::dataset::DatasetError;

/// The number of files read at the same time. There is one a version, with little to read in each, so the round trips add up.
const CONCURRENT_FILES: usize = 16;

/// The place and the size of a data file.
#[derive(Debug, Clone)]
pub(super) struct FilePlace {
    pub(super) path: Path,
    /// Its size in bytes, by the Delta log.
    pub(super) size: u64,
    /// Its number of rows, if the Delta log tells.
    pub(super) rows: Option<u64>,
}

/// A data file of a version, as the Delta log knows it.
#[derive(Debug)]
pub(super) struct ActiveFile {
    pub(super) add: Add,
    pub(super) remove: Remove,
    pub(super) place: FilePlace,
}

/// Streams the table's rows past newcomers. Memory grows with neither.
///
/// Rows from before the audit have no fingerprint and no side. Their files are read once more, with the texts that both follow
/// from.
pub(super) async fn deduplicate(
    table: &DeltaTable,
    salt: &SplitSalt,
    newcomers: &mut Newcomers,
) -> Result<(), DatasetError> {
    let files = files_of(table).await?;
    let mut columns =
        vec!["pair_id", "event_id", SPLIT, FINGERPRINT, "occurred_at", "curated_at", RECEIVED_AT, OUTPUT_ID, CONTEXT];
    let unknown = deduplicate_files(table, files, &columns, salt, newcomers).await?;
    columns.extend(["prompt", "chosen", "rejected"]);
    deduplicate_files(table, unknown, &columns, salt, newcomers).await.map(|_| ())
}

/// Returns the table's data files, oldest first.
pub(super) async fn files_of(table: &DeltaTable) -> Result<Vec<FilePlace>, DatasetError> {
    Ok(active_files(table).await?.into_iter().map(|file| file.place).collect())
}

/// Returns the same, with the actions to add and to remove them.
pub(super) async fn active_files(table: &DeltaTable) -> Result<Vec<ActiveFile>, DatasetError> {
    let files = table.get_active_add_actions_by_partitions(&[]).map_ok(|file| active_file(&file));
    let mut files: Vec<_> = files.try_collect().await.map_err(|error| storage("read", &error))?;
    files.sort_by(|a, b| (a.add.modification_time, &a.add.path).cmp(&(b.add.modification_time, &b.add.path)));
    Ok(files)
}

impl ActiveFile {
    /// Returns its replacement, in the same place among the files.
    pub(super) fn replaced_by(self, by: &Replacement) -> Result<Self, DatasetError> {
        let path = Path::from_url_path(&by.name).map_err(|error| storage("read", &error))?;
        let add = Add {
            path: by.name.clone(),
            size: by.size.cast_signed(),
            stats: Some(format!("{{\"numRecords\":{}}}", by.rows)),
            ..self.add
        };
        Ok(Self { add, remove: self.remove, place: FilePlace { path, size: by.size, rows: Some(by.rows) } })
    }
}

fn active_file(file: &LogicalFileView) -> ActiveFile {
    let size = u64::try_from(file.size()).unwrap_or_default();
    let add = Add {
        path: file.path().into_owned(),
        size: file.size(),
        modification_time: file.modification_time(),
        data_change: true,
        stats: file.stats(),
        ..Add::default()
    };
    let rows = file.num_records().and_then(|rows| u64::try_from(rows).ok());
    let place = FilePlace { path: file.object_store_path(), size, rows };
    ActiveFile { add, remove: file.remove_action(true), place }
}

/// Compares newcomers with the rows of files. Returns the files that have rows without a fingerprint or a side.
async fn deduplicate_files(
    table: &DeltaTable,
    files: Vec<FilePlace>,
    columns: &[&str],
    salt: &SplitSalt,
    newcomers: &mut Newcomers,
) -> Result<Vec<FilePlace>, DatasetError> {
    let mut unknown = Vec::new();
    let mut batches = stream::iter(files.into_iter().map(Ok::<_, ParquetError>))
        .map_ok(|place| async move { Ok((open(table, &place, columns).await?, place)) })
        .try_buffer_unordered(CONCURRENT_FILES)
        .map_ok(|(batches, place)| batches.map_ok(move |batch| (batch, place.clone())))
        .try_flatten_unordered(CONCURRENT_FILES);
    while let Some((batch, place)) = batches.try_next().await.map_err(|error| storage("read", &error))? {
        let is_known = deduplicate_batch(&batch, salt, newcomers)?;
        if !is_known && unknown.iter().all(|other: &FilePlace| other.path != place.path) {
            unknown.push(place);
        }
    }
    Ok(unknown)
}

/// Opens a file's rows, with all columns.
pub(super) async fn open_whole(
    table: &DeltaTable,
    place: &FilePlace,
) -> Result<ParquetRecordBatchStream<DataFile>, ParquetError> {
    let reader = DataFile::open(table.object_store(), place.path.clone(), place.size).await?;
    ParquetRecordBatchStreamBuilder::new(reader).await?.build()
}

/// Opens a file's rows, with those of the columns that it has.
pub(super) async fn open(
    table: &DeltaTable,
    place: &FilePlace,
    columns: &[&str],
) -> Result<ParquetRecordBatchStream<DataFile>, ParquetError> {
    let reader = DataFile::open(table.object_store(), place.path.clone(), place.size).await?;
    let builder = ParquetRecordBatchStreamBuilder::new(reader).await?;
    let projection = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    builder.with_projection(projection).build()
}

/// Compares newcomers with a batch. `false`: a row has no fingerprint, nor the texts that it follows from.
fn deduplicate_batch(batch: &RecordBatch, salt: &SplitSalt, newcomers: &mut Newcomers) -> Result<bool, DatasetError> {
    let (pairs, events) = (texts(batch, "pair_id")?, texts(batch, "event_id")?);
    let (splits, fingerprints) = (texts(batch, SPLIT).ok(), bytes(batch, FINGERPRINT));
    let (revisions, contexts) = (Revisions::of_batch(batch), Contexts::of_batch(batch));
    let whole = texts(batch, "prompt").ok().zip(texts(batch, "chosen").ok()).zip(texts(batch, "rejected").ok());
    for row in 0..batch.num_rows() {
        let split = splits.filter(|splits| splits.is_valid(row)).and_then(|splits| Split::parse(splits.value(row)));
        let stored = fingerprints.filter(|stored| stored.is_valid(row));
        let stored = stored.and_then(|stored| Fingerprint::from_bytes(stored.value(row)));
        let of_texts = whole.map(|((prompt, chosen), rejected)| {
            let (prompt, chosen, rejected) = (prompt.value(row), chosen.value(row), rejected.value(row));
            (split.unwrap_or_else(|| salt.side_of(prompt)), Fingerprint::of(prompt, chosen, rejected))
        });
        let Some((split, fingerprint)) = split.zip(stored).or(of_texts) else { return Ok(false) };
        let (pair_id, event_id) = (pairs.value(row), events.value(row));
        let (event_key, ingest_key) = (contexts.value(row, EVENT_KEY), contexts.value(row, INGEST_KEY));
        let revision = revisions.of(row, pair_id, ingest_key);
        newcomers.deduplicate_against(&RowInDataset { pair_id, event_id, event_key, split, fingerprint, revision });
    }
    Ok(true)
}

/// The columns of a row's place among the revisions of its output. A file from before revisions lacks the output.
struct Revisions<'b> {
    outputs: Option<&'b StringArray>,
    occurred: Option<&'b TimestampMicrosecondArray>,
    received: Option<&'b TimestampMicrosecondArray>,
    curated: Option<&'b TimestampMicrosecondArray>,
}

impl<'b> Revisions<'b> {
    fn of_batch(batch: &'b RecordBatch) -> Self {
        let instants = |name| batch.column_by_name(name).and_then(|column| column.as_primitive_opt());
        let outputs = texts(batch, OUTPUT_ID).ok();
        Self {
            outputs,
            occurred: instants("occurred_at"),
            received: instants(RECEIVED_AT),
            curated: instants("curated_at"),
        }
    }

    fn of(&self, row: usize, pair_id: &str, ingest_key: Option<&str>) -> Option<RowRevision> {
        let outputs = self.outputs.filter(|outputs| outputs.is_valid(row))?;
        let at = |instants: Option<&TimestampMicrosecondArray>| {
            let instants = instants.filter(|instants| instants.is_valid(row))?;
            u64::try_from(instants.value(row)).ok()
        };
        let received = at(self.received).or(at(self.curated)).unwrap_or_default();
        Some(RowRevision::new(outputs.value(row), ingest_key, at(self.occurred), received, pair_id))
    }
}

/// The entries of the rows' contexts: the sender is among them.
struct Contexts<'b>(Option<&'b ListArray>);

impl<'b> Contexts<'b> {
    fn of_batch(batch: &'b RecordBatch) -> Self {
        Self(batch.column_by_name(CONTEXT).and_then(|column| column.as_list_opt()))
    }

    /// Returns the value of an entry. A list of another shape has none, as in rows of other programs.
    fn value(&self, row: usize, key: &str) -> Option<&'b str> {
        let lists = self.0.filter(|lists| lists.is_valid(row))?;
        let entries = lists.values().as_struct_opt()?;
        let column = |name| entries.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let (keys, values) = column("key").zip(column("value"))?;
        let offsets = lists.value_offsets();
        let [start, end] = [row, row + 1].map(|at| usize::try_from(offsets[at]).unwrap_or_default());
        (start..end).find(|at| keys.value(*at) == key).map(|at| values.value(at))
    }
}

pub(super) fn texts<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b StringArray, DatasetError> {
    let missing = || storage("read", &DeltaTableError::generic(format!("column {name} is missing or no text")));
    batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>()).ok_or_else(missing)
}

fn bytes<'b>(batch: &'b RecordBatch, name: &str) -> Option<&'b BinaryArray> {
    batch.column_by_name(name).and_then(|column| column.as_binary_opt::<i32>())
}
