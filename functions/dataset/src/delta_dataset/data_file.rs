use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use deltalake::parquet::arrow::arrow_reader::ArrowReaderOptions;
use deltalake::parquet::arrow::async_reader::AsyncFileReader;
use deltalake::parquet::errors::{ParquetError, Result};
use deltalake::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use deltalake::{ObjectStore, Path};
use futures::FutureExt as _;
use futures::future::BoxFuture;

/// Read from a file's end to begin with. Its table of contents fits in, so that one request fetches it instead of two.
const FOOTER_HINT_BYTES: usize = 32 * 1024;

/// A data file of the table, read in the ranges that are asked for.
pub(super) struct DataFile {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) path: Path,
    /// In bytes, as the Delta log says.
    pub(super) size: u64,
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
