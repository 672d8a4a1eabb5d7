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
    pub(super) fn decode(&self, lines: &[&str]) -> Result<RecordBatch, Misfit> {
        // Columns are decoded one after the other over all lines, so only decoding each line alone finds the misfit.
        self.decode_together(lines).or_else(|reason| {
            for (index, line) in lines.iter().enumerate() {
                self.decode_together(std::slice::from_ref(line)).map_err(|reason| Misfit { index, reason })?;
            }
            Err(Misfit { index: 0, reason })
        })
    }

    fn decode_together(&self, lines: &[&str]) -> Result<RecordBatch, String> {
        let mut decoder = self.decoder(lines.len()).map_err(|error| self.reason(&error))?;
        for (rows, line) in lines.iter().enumerate() {
            let decoded = decoder.decode(line.as_bytes()).map_err(|_| NOT_AN_OBJECT)?;
            let is_one_object = decoded == line.len() && decoder.len() == rows + 1 && !decoder.has_partial_record();
            if !is_one_object {
                return Err(NOT_AN_OBJECT.to_owned());
            }
        }
        let batch = decoder.flush().map_err(|error| self.reason(&error))?.ok_or(NOT_AN_OBJECT)?;
        let is_strict = |line: &&str| serde_json::from_str::<StrictColumns<'_>>(line).is_ok();
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use deltalake::kernel::StructType;
    use deltalake::kernel::engine::arrow_conversion::TryIntoArrow as _;
    use flywheel_curation::Curator;
    use flywheel_policy::Policy;
    use serde_json::{Value, json};

    use super::super::columns::{FINGERPRINT, SPLIT, columns};
    use super::*;

    /// Returns a gold line as curation writes it.
    fn line() -> String {
        let event = r#"{"prompt": "p", "original_llm_output": "one two", "final_user_edit": "a good answer", "event_id": "e",
                       "model": {"id": "m", "adapter": null}, "occurred_at": "2026-11-22T11:00:00Z"}"#;
        Curator::new(Policy::default(), None).curate(event, 1_795_342_830_007).unwrap().line
    }

    /// Returns the line with one column changed, or, without a value, removed.
    fn with(column: &str, value: Option<Value>) -> String {
        let mut line: serde_json::Map<String, Value> = serde_json::from_str(&line()).unwrap();
        line.remove(column);
        line.extend(value.map(|value| (column.to_owned(), value)));
        Value::Object(line).to_string()
    }

    #[test]
    fn a_line_that_does_not_fit_the_columns_is_named_with_the_column() {
        let mut of_lines = columns();
        of_lines.retain(|column| ![SPLIT, FINGERPRINT].contains(&column.name().as_str()));
        let decoder = LineDecoder::new(Arc::new((&StructType::try_new(of_lines).unwrap()).try_into_arrow().unwrap()));
        let good = line();
        assert_eq!(decoder.decode(&[&good, &good]).unwrap().num_rows(), 2);
        let misfits = [
            (with("chosen", None), "column chosen"),
            (with("chosen", Some(Value::Null)), "column chosen"),
            (with("chosen", Some(json!(7))), "column chosen"),
            (with("pair_id", Some(json!(["SECRET"]))), "column pair_id"),
            (with("similarity", Some(json!("0.5"))), "mistyped"),
            (with("similarity", None), "column similarity"),
            (with("scores", Some(json!({"SECRET": "0.5"}))), "mistyped"),
            (with("scores", Some(json!([]))), "column scores"),
            (with("tags", Some(json!([1]))), "column tags"),
            (with("tags", Some(json!([null]))), "columns"),
            (with("curated_at", Some(json!(1_795_342_830))), "mistyped"),
            (with("curated_at", Some(json!("SECRET"))), "column curated_at"),
            (with("model", Some(json!({"adapter": "a"}))), "column model"),
            (with("model", Some(json!({"id": "m", "SECRET": 1}))), "column model"),
            (with("feedback", Some(json!({"kind": "copy", "SECRET": 1}))), "column feedback"),
            (with("SECRET", Some(json!(1))), "columns"),
            (good[..good.len() - 1].to_owned(), "one JSON object"),
            (format!("{good}{good}"), "one JSON object"),
            (format!("{good} SECRET"), "one JSON object"),
            (String::new(), "one JSON object"),
            ("[]".to_owned(), "columns"),
            (good.replace("a good answer", r"\ud800"), "one JSON object"),
        ];
        for (misfit, expected) in misfits {
            let Misfit { index, reason } = decoder.decode(&[&good, &misfit, &good]).unwrap_err();
            assert!(index == 1 && reason.contains(expected) && !reason.contains("SECRET"), "{reason}: not {expected}");
        }
    }
}
