//! Writes lines of JSON as a Parquet file, whose columns have given types.

use std::io::{self, Write};
use std::sync::Arc;

use deltalake::arrow::datatypes::{DataType, Field, Fields, Schema};
use deltalake::arrow::json::ReaderBuilder;
use deltalake::arrow::json::reader::Decoder;
use deltalake::parquet::arrow::ArrowWriter;
use deltalake::parquet::basic::{Compression, ZstdLevel};
use deltalake::parquet::errors::ParquetError;
use deltalake::parquet::file::properties::{EnabledStatistics, WriterProperties};
use flywheel_training::{Column, ColumnType};

/// The most lines decoded together: so many, or so many bytes if that is less.
const LINES_A_BATCH: usize = 1_024;
const BYTES_A_BATCH: usize = 4 * 1024 * 1024;

/// The most rows held in memory, compressed, until they are written: so many, or so many bytes if that is less.
const ROWS_A_GROUP: usize = 32_768;
const BYTES_A_GROUP: usize = 16 * 1024 * 1024;

/// Writes lines as a Parquet file. Memory does not grow with their number.
#[derive(Debug)]
pub struct ParquetLines<W: Write + Send> {
    decoder: Decoder,
    /// Bytes of the lines that the decoder holds.
    undecoded: usize,
    writer: ArrowWriter<W>,
}

impl<W: Write + Send> ParquetLines<W> {
    /// Begins a file of these columns.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn new(output: W, columns: &[Column]) -> io::Result<Self> {
        let schema = Arc::new(Schema::new(fields(columns)));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROWS_A_GROUP))
            .set_max_row_group_bytes(Some(BYTES_A_GROUP))
            // A trainer reads every row, so the smallest and the largest text would select none of them.
            .set_statistics_enabled(EnabledStatistics::None)
            .build();
        let decoder = ReaderBuilder::new(schema.clone()).with_batch_size(LINES_A_BATCH).with_strict_mode(true);
        let decoder = decoder.build_decoder().map_err(io::Error::other)?;
        let writer = ArrowWriter::try_new(output, schema, Some(properties)).map_err(as_io)?;
        Ok(Self { decoder, undecoded: 0, writer })
    }

    /// Adds whole lines.
    ///
    /// # Errors
    /// If a line does not have exactly these columns, or the output cannot be written.
    pub fn write(&mut self, lines: &str) -> io::Result<()> {
        let mut rest = lines.as_bytes();
        while !rest.is_empty() {
            // The decoder stops at the end of a full batch.
            let decoded = self.decoder.decode(rest).map_err(|_| misfit())?;
            self.undecoded += decoded;
            rest = &rest[decoded..];
            if !rest.is_empty() || self.undecoded >= BYTES_A_BATCH {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The same as those of [`Self::write`].
    pub fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        // Syncing first keeps the output's own error; the closing writer would only return its text.
        self.writer.sync()?;
        self.writer.into_inner().map_err(as_io)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.undecoded = 0;
        match self.decoder.flush().map_err(|_| misfit())? {
            Some(batch) => self.writer.write(&batch).map_err(as_io),
            None => Ok(()),
        }
    }
}

/// Returns an error of its own, because the decoder's may quote the line.
fn misfit() -> io::Error {
    io::Error::other("a line does not have the columns of its format")
}

/// Returns the output's own error, if it is one: a reader that closed the pipe is no failure.
fn as_io(error: ParquetError) -> io::Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(of_output) = error.downcast_ref::<io::Error>() {
            return of_output.kind().into();
        }
        cause = error.source();
    }
    io::Error::other(error)
}

fn fields(columns: &[Column]) -> Fields {
    columns.iter().map(|column| Field::new(column.name, data_type(&column.kind), true)).collect()
}

fn data_type(kind: &ColumnType) -> DataType {
    match kind {
        ColumnType::Text => DataType::Utf8,
        ColumnType::Double => DataType::Float64,
        ColumnType::Integer => DataType::Int64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::List(element) => DataType::new_list(data_type(element), true),
        ColumnType::Record(columns) => DataType::Struct(fields(columns)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use deltalake::arrow::array::{AsArray as _, RecordBatch};
    use deltalake::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use flywheel_training::TrainingFormat;
    use serde_json::json;

    fn row(answer: &str) -> String {
        json!({"prompt": [{"role": "user", "content": "When?"}], "completion": [{"role": "assistant", "content": answer}],
               "label": true})
        .to_string()
            + "\n"
    }

    fn written(lines: impl Iterator<Item = String>) -> Bytes {
        let mut file = ParquetLines::new(Vec::new(), TrainingFormat::Kto.columns()).unwrap();
        lines.for_each(|lines| file.write(&lines).unwrap());
        file.finish().unwrap().into()
    }

    fn read(file: Bytes) -> (usize, Vec<RecordBatch>) {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let groups = reader.metadata().num_row_groups();
        (groups, reader.build().unwrap().map(Result::unwrap).collect())
    }

    fn answers(batches: &[RecordBatch]) -> Vec<String> {
        let answers = batches.iter().flat_map(|batch| {
            let messages = batch.column_by_name("completion").unwrap().as_list::<i32>().values().clone();
            let texts = messages.as_struct().column_by_name("content").unwrap().as_string::<i32>().clone();
            texts.iter().map(|text| text.unwrap().to_owned()).collect::<Vec<_>>()
        });
        answers.collect()
    }

    #[test]
    fn texts_stay_texts_whatever_they_look_like() {
        let texts = ["2026-11-22", "2026-11-22T10:00:00Z", "12", "true", "null", "", "a\nb\"c\\ \u{2028}"];
        let (_, batches) = read(written(texts.iter().map(|text| row(text))));
        assert_eq!(answers(&batches), texts);
        assert!(batches[0].column_by_name("label").unwrap().as_boolean().value(0));
    }

    #[test]
    fn lines_come_out_in_order_however_many_are_written_at_once_and_none_at_all_is_a_file() {
        let numbers: Vec<_> = (0..5_000).map(|number| number.to_string()).collect();
        let one_by_one = written(numbers.iter().map(|text| row(text)));
        let at_once = written(std::iter::once(numbers.iter().map(|text| row(text)).collect()));
        assert_eq!(answers(&read(one_by_one).1), numbers);
        assert_eq!(answers(&read(at_once).1), numbers);
        assert_eq!(read(written(std::iter::empty())), (0, Vec::new()));
    }

    #[test]
    fn what_is_held_in_memory_is_bounded() {
        // 48 MB of texts that do not compress: more than one group may have.
        let mut state = 1_u64;
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b' ' + (state >> 57) as u8 % 90)
        };
        let text: String = (0..1 << 20).map(|_| letter()).collect();
        let (groups, batches) = read(written((0..48).map(|turn| row(&(text[turn..].to_owned() + &text[..turn])))));
        assert_eq!((answers(&batches).len(), groups > 1), (48, true), "{groups}");
    }

    #[test]
    fn a_line_of_other_columns_is_refused_and_not_quoted() {
        for line in ["{\"secret\": 1}\n", "{\"prompt\": \"secret\"}\n", "secret\n"] {
            let mut file = ParquetLines::new(Vec::new(), TrainingFormat::Kto.columns()).unwrap();
            let error = file.write(line).and_then(|()| file.finish().map(drop)).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_reader_that_leaves_is_known_by_its_error() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error =
            ParquetLines::new(Gone, TrainingFormat::Sft.columns()).and_then(ParquetLines::finish).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
