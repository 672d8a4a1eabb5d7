//! Decodes lines into the table's columns, and refuses a line that does not fit them exactly.

use std::borrow::Cow;
use std::collections::HashMap;

use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::datatypes::SchemaRef;
use deltalake::arrow::error::ArrowError;
use deltalake::arrow::json::ReaderBuilder;
use deltalake::arrow::json::reader::Decoder;
use serde::Deserialize;

/// Decodes lines.
pub(super) struct LineDecoder {
    schema: SchemaRef,
}

/// The error of a line that does not fit, among those to decode. (The decoder's own error may quote the line, so it is not passed
/// on.)
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) index: usize,
    pub(super) reason: String,
}

/// The columns in which the decoder is too lenient: it accepts a text as a number, and a number as a time.
#[derive(Deserialize)]
struct StrictColumns<'l> {
    #[serde(rename = "similarity")]
    _similarity: f64,
    #[serde(rename = "scores")]
    _scores: HashMap<String, Option<f64>>,
    #[serde(rename = "occurred_at", borrow)]
    _occurred_at: Option<Cow<'l, str>>,
    #[serde(rename = "curated_at", borrow)]
    _curated_at: Cow<'l, str>,
}

const NOT_AN_OBJECT: &str = "it is not one JSON object";

impl LineDecoder {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self { schema }
    }

    /// Decodes lines into a batch with one row each.
    pub(super) fn decode(&self, lines: &[String]) -> Result<RecordBatch, Misfit> {
        // Columns are decoded one after the other over all lines, so only decoding each line alone finds the misfit.
        self.decode_together(lines).or_else(|reason| {
            for (index, line) in lines.iter().enumerate() {
                self.decode_together(std::slice::from_ref(line)).map_err(|reason| Misfit { index, reason })?;
            }
            Err(Misfit { index: 0, reason })
        })
    }

    fn decode_together(&self, lines: &[String]) -> Result<RecordBatch, String> {
        let mut decoder = self.decoder(lines.len()).map_err(|error| self.reason(&error))?;
        for (rows, line) in lines.iter().enumerate() {
            let decoded = decoder.decode(line.as_bytes()).map_err(|_| NOT_AN_OBJECT)?;
            let is_one_object = decoded == line.len() && decoder.len() == rows + 1 && !decoder.has_partial_record();
            if !is_one_object {
                return Err(NOT_AN_OBJECT.to_owned());
            }
        }
        let batch = decoder.flush().map_err(|error| self.reason(&error))?.ok_or(NOT_AN_OBJECT)?;
        let is_strict = |line: &String| serde_json::from_str::<StrictColumns<'_>>(line).is_ok();
        if lines.iter().all(is_strict) { Ok(batch) } else { Err("a number or a time is mistyped".to_owned()) }
    }

    fn decoder(&self, lines: usize) -> Result<Decoder, ArrowError> {
        // The batch holds one row more than there are lines, so that a line with two objects is noticed. The decoder is strict: a
        // column that the table lacks must not be lost silently.
        ReaderBuilder::new(self.schema.clone()).with_batch_size(lines + 1).with_strict_mode(true).build_decoder()
    }

    /// Returns the column that the decoder rejects, without its message, which may quote the line.
    fn reason(&self, error: &ArrowError) -> String {
        let message = error.to_string();
        let is_named = |column: &&String| {
            let mistyped = format!("whilst decoding field '{column}'");
            let missing = format!("Field {{ \"{column}\":");
            message.contains(&mistyped) || message.contains(&missing)
        };
        match self.schema.fields().iter().map(|field| field.name()).find(is_named) {
            Some(column) => format!("column {column} is missing or mistyped"),
            None => "it does not have the dataset's columns".to_owned(),
        }
    }
}
