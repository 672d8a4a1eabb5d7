//! The table's columns: those of a gold line, with types, and what the audit of a batch adds.

use deltalake::kernel::{ArrayType, DataType, MapType, StructField, StructType};

/// What a row is for: `train` or `heldout`.
pub(super) const SPLIT: &str = "split";

/// What later freezes know a row's texts by.
pub(super) const FINGERPRINT: &str = "fingerprint";

fn required(name: &str, data_type: DataType) -> StructField {
    StructField::not_null(name, data_type)
}

fn optional(name: &str, data_type: DataType) -> StructField {
    StructField::nullable(name, data_type)
}

fn list(element: DataType) -> DataType {
    ArrayType::new(element, false).into()
}

fn record<const N: usize>(fields: [StructField; N]) -> DataType {
    DataType::Struct(Box::new(StructType::new_unchecked(fields)))
}

/// A column is added at the end and never changed: every version must stay readable.
pub(super) fn columns() -> Vec<StructField> {
    let text = || DataType::STRING;
    vec![
        required("pair_id", text()),
        required("event_id", text()),
        required("prompt", text()),
        required("chosen", text()),
        required("rejected", text()),
        required("similarity", DataType::DOUBLE),
        required("tags", list(text())),
        required("reasons", list(text())),
        required("scores", MapType::new(text(), DataType::DOUBLE, true).into()),
        required("policy", text()),
        optional("contributor", text()),
        optional("model", record([required("id", text()), optional("adapter", text())])),
        optional("thread_id", text()),
        optional("occurred_at", DataType::TIMESTAMP),
        required("curated_at", DataType::TIMESTAMP),
        optional("prompt_messages", list(record([required("role", text()), required("content", text())]))),
        required("context", list(record([required("key", text()), required("value", text())]))),
        optional(
            "feedback",
            record([
                required("kind", text()),
                optional("rating", DataType::LONG),
                optional("comment", text()),
                optional("label", DataType::BOOLEAN),
            ]),
        ),
        // Null in rows from before these columns.
        optional(SPLIT, text()),
        optional(FINGERPRINT, DataType::BINARY),
    ]
}
