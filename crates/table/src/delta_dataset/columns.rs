//! The table's columns: those of a gold line, with types, and those that the audit of a batch adds.

use deltalake::kernel::{ArrayType, DataType, MapType, StructField, StructType};

/// The row's side of the split: `train` or `heldout`.
pub(super) const SPLIT: &str = "split";

/// The fingerprint by which later freezes recognise the row's texts.
pub(super) const FINGERPRINT: &str = "fingerprint";

/// The time at which the front door received the edit.
pub(super) const RECEIVED_AT: &str = "received_at";

/// The output that the row revises.
pub(super) const OUTPUT_ID: &str = "output_id";

/// The client's entries, and the sender's.
pub(super) const CONTEXT: &str = "context";

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

/// Returns the columns. A new one comes at the end and never changes, because every version must stay readable.
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
        required(CONTEXT, list(record([required("key", text()), required("value", text())]))),
        optional(
            "feedback",
            record([
                required("kind", text()),
                optional("rating", DataType::LONG),
                optional("comment", text()),
                optional("label", DataType::BOOLEAN),
            ]),
        ),
        // These are null in rows from before the columns.
        optional(SPLIT, text()),
        optional(FINGERPRINT, DataType::BINARY),
        // Null in rows from before revisions.
        optional("response_id", text()),
        optional(RECEIVED_AT, DataType::TIMESTAMP),
        optional(OUTPUT_ID, text()),
        // Null in rows from before lines named their engine.
        optional("engine", text()),
        // Null in rows of plain prompts, and from before chats with tool calls and parts. Texts of JSON: a type of their own would
        // change with each tool.
        optional("prompt_chat", text()),
        optional("prompt_tools", text()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_base::Route;
    use flywheel_curation::Curator;
    use flywheel_policy::Policy;
    use flywheel_training::{Column, ColumnType, LINE_COLUMNS};

    const TEMPLATE: &str = include_str!("../../../../infra/template.yaml");

    /// Returns the columns that the template gives one of its tables: names and types.
    fn of_template(table: &str) -> Vec<(String, String)> {
        let (_, columns) = TEMPLATE.split_once(&format!("Columns: # of the {table}\n")).unwrap();
        let columns = columns.lines().map_while(|line| line.trim().strip_prefix("- { Name: ")?.strip_suffix(" }"));
        let columns = columns.map(|column| column.split_once(", Type: ").unwrap());
        columns.map(|(name, kind)| (name.to_owned(), kind.trim_matches('"').to_owned())).collect()
    }

    /// Returns a type's name in Glue.
    fn glue_type(data_type: &DataType) -> String {
        match data_type {
            DataType::Primitive(primitive) => primitive.to_string().replace("long", "bigint"),
            DataType::Array(array) => format!("array<{}>", glue_type(array.element_type())),
            DataType::Map(map) => format!("map<{},{}>", glue_type(map.key_type()), glue_type(map.value_type())),
            DataType::Struct(record) => {
                let fields = record.fields().map(|field| format!("{}:{}", field.name(), glue_type(field.data_type())));
                format!("struct<{}>", fields.collect::<Vec<_>>().join(","))
            }
            DataType::Variant(_) => panic!("a variant"),
        }
    }

    fn of_table() -> Vec<(String, String)> {
        columns().iter().map(|column| (column.name().clone(), glue_type(column.data_type()))).collect()
    }

    /// Returns the Glue name of the type of a line's column.
    fn glue_type_of_line(kind: &ColumnType) -> String {
        match kind {
            ColumnType::Text => "string".to_owned(),
            ColumnType::Double => "double".to_owned(),
            ColumnType::Integer => "bigint".to_owned(),
            ColumnType::Boolean => "boolean".to_owned(),
            ColumnType::List(element) => format!("array<{}>", glue_type_of_line(element)),
            ColumnType::Record(fields) => {
                let field = |field: &Column| format!("{}:{}", field.name, glue_type_of_line(&field.kind));
                format!("struct<{}>", fields.iter().map(field).collect::<Vec<_>>().join(","))
            }
        }
    }

    #[test]
    fn the_table_has_the_columns_of_a_line_in_their_order() {
        let is_number = |field: &Column| field.kind == ColumnType::Double;
        let of_table = |column: &Column| match &column.kind {
            // A line has times as texts.
            ColumnType::Text if column.name.ends_with("_at") => "timestamp".to_owned(),
            // More scores may come, so the table has a map of them.
            ColumnType::Record(scores) if column.name == "scores" && scores.iter().all(is_number) => {
                "map<string,double>".to_owned()
            }
            kind => glue_type_of_line(kind),
        };
        let expected: Vec<_> = LINE_COLUMNS.iter().map(|column| (column.name.to_owned(), of_table(column))).collect();
        let mut columns = self::of_table();
        columns.retain(|(name, _)| ![SPLIT, FINGERPRINT].contains(&name.as_str()));
        assert_eq!(columns, expected);
    }

    #[test]
    fn the_template_knows_the_columns_of_the_dataset() {
        assert_eq!(of_template("dataset"), of_table());
    }

    #[test]
    fn the_template_knows_the_columns_of_the_log() {
        let event = r#"{"prompt": "p", "original_llm_output": "one two", "final_user_edit": "one three"}"#;
        let line = Curator::new(Policy::default(), None).curate(event, 0).unwrap().line;
        let written: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&line).unwrap();
        let mut expected = of_table();
        // The columns that the audit adds are in no line, and a time is a text in JSON.
        expected.retain(|(name, _)| ![SPLIT, FINGERPRINT].contains(&name.as_str()));
        expected.iter_mut().for_each(|(_, kind)| *kind = kind.replace("timestamp", "string"));
        assert_eq!(of_template("log"), expected);
        assert!(expected.iter().all(|(name, _)| written.contains_key(name)) && expected.len() == written.len());
        let routes = Route::ALL.map(Route::as_str).join(",");
        assert!(TEMPLATE.contains(&format!("projection.route.values: {routes}\n")), "{routes}");
    }
}
