use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use deltalake::logstore::object_store::ObjectStoreExt as _;
use deltalake::parquet::arrow::arrow_reader::ArrowReaderOptions;
use deltalake::parquet::arrow::async_reader::AsyncFileReader;
use deltalake::parquet::errors::{ParquetError, Result};
use deltalake::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use deltalake::{ObjectStore, Path};
use futures::FutureExt as _;
use futures::future::BoxFuture;

/// The bytes read from a file's end to begin with. The footer fits in, so one request fetches it instead of two.
const FOOTER_HINT_BYTES: usize = 32 * 1024;

/// A data file of the table, read in the requested ranges.
pub(super) struct DataFile {
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// Its size in bytes, by the Delta log.
    size: u64,
    /// The whole file, if it is small: that is one request instead of one for the footer and one or more for the columns.
    whole: Option<Bytes>,
}

/// The largest size of a file that is read whole.
const SMALL_FILE_BYTES: u64 = 1024 * 1024;

impl DataFile {
    pub(super) async fn open(store: Arc<dyn ObjectStore>, path: Path, size: u64) -> Result<Self> {
        let external = |error: deltalake::ObjectStoreError| ParquetError::External(Box::new(error));
        let whole = if size <= SMALL_FILE_BYTES {
            Some(store.get(&path).await.map_err(external)?.bytes().await.map_err(external)?)
        } else {
            None
        };
        Ok(Self { store, path, size, whole })
    }
}

impl AsyncFileReader for DataFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move {
            let ranges = self.get_byte_ranges(vec![range]).await?;
            ranges
                .into_iter()
                .next()
                .ok_or_else(|| ParquetError::General("the store answered with no range".to_owned()))
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move {
            if let Some(whole) = &self.whole {
                return ranges.into_iter().map(|range| part_of(whole, range)).collect();
            }
            let bytes = self.store.get_ranges(&self.path, &ranges).await;
            bytes.map_err(|error| ParquetError::External(Box::new(error)))
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        let size = self.size;
        let reader = ParquetMetaDataReader::new().with_prefetch_hint(Some(FOOTER_HINT_BYTES));
        async move { reader.load_and_finish(self, size).await.map(Arc::new) }.boxed()
    }
}

fn part_of(whole: &Bytes, range: Range<u64>) -> Result<Bytes> {
    let within = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    let within = within.filter(|(start, end)| start <= end && *end <= whole.len());
    let (start, end) =
        within.ok_or_else(|| ParquetError::EOF("the file is shorter than the table's log says".to_owned()))?;
    Ok(whole.slice(start..end))
}
