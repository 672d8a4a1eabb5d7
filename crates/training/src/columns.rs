//! The columns of the files that other programs read, with their types: of a line of the lake, and of a line of each training
//! format.
//!
//! JSON carries no types. A reader that infers them looks at the first rows. It fails where those have only nulls and empty
//! lists, or takes a text that looks like a date for one. These columns make inference unnecessary.

use crate::training_format::TrainingFormat;

/// A column, or a field of a record. Any may be null.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type, which never changes.
    pub kind: ColumnType,
}

/// The type of a column.
#[derive(Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Unicode text. Times are texts, too, in RFC 3339.
    Text,
    /// A 64-bit floating-point number.
    Double,
    /// A 64-bit whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A list with elements of one type.
    List(&'static ColumnType),
    /// An object with these fields.
    Record(&'static [Column]),
}

use ColumnType::{Boolean, Double, Integer, List, Record, Text};

/// The columns of a line of the lake, in order and the same in every route. A new one comes at the end; older lines lack it.
pub const LINE_COLUMNS: &[Column] = &[
    column("pair_id", Text),
    column("event_id", Text),
    column("prompt", Text),
    column("chosen", Text),
    column("rejected", Text),
    column("similarity", Double),
    column("tags", List(&Text)),
    column("reasons", List(&Text)),
    column("scores", Record(SCORES)),
    column("policy", Text),
    column("contributor", Text),
    column("model", Record(&[column("id", Text), column("adapter", Text)])),
    column("thread_id", Text),
    column("occurred_at", Text),
    column("curated_at", Text),
    column("prompt_messages", MESSAGES),
    column("context", List(&Record(&[column("key", Text), column("value", Text)]))),
    column("feedback", Record(FEEDBACK)),
    column("response_id", Text),
    column("received_at", Text),
    column("output_id", Text),
    column("engine", Text),
    column("prompt_chat", Text),
    column("prompt_tools", Text),
];

const SCORES: &[Column] = &[
    column("word_similarity", Double),
    column("region_similarity", Double),
    column("toxicity", Double),
    column("injection", Double),
    column("unsupported_facts", Double),
    column("loaded_language", Double),
];

const FEEDBACK: &[Column] =
    &[column("kind", Text), column("rating", Integer), column("comment", Text), column("label", Boolean)];

const MESSAGES: ColumnType = List(&Record(&[column("role", Text), column("content", Text)]));

/// The messages of prompts of which some have tool calls. Fields that a message does not have are null.
const WHOLE_MESSAGES: ColumnType = List(&Record(&[
    column("role", Text),
    column("content", Text),
    column("name", Text),
    column("tool_call_id", Text),
    column("tool_calls", List(&Record(TOOL_CALL))),
]));

const TOOL_CALL: &[Column] = &[
    column("id", Text),
    column("type", Text),
    column("function", Record(&[column("name", Text), column("arguments", Text)])),
];

/// The tools' schemas: a text of JSON.
const TOOLS: Column = column("tools", Text);

const fn column(name: &'static str, kind: ColumnType) -> Column {
    Column { name, kind }
}

const TEXTS: &[Column] = &[column("prompt", Text), column("chosen", Text), column("rejected", Text)];

const CHATS: &[Column] = &[column("prompt", MESSAGES), column("chosen", MESSAGES), column("rejected", MESSAGES)];

const OPENAI: &[Column] = &[
    column("input", Record(CONVERSATION)),
    column("preferred_output", MESSAGES),
    column("non_preferred_output", MESSAGES),
];

const UNPAIRED: &[Column] = &[column("prompt", MESSAGES), column("completion", MESSAGES), column("label", Boolean)];

const CONVERSATION: &[Column] = &[column("messages", MESSAGES)];

const CHATS_WITH_TOOLS: &[Column] =
    &[column("prompt", WHOLE_MESSAGES), column("chosen", MESSAGES), column("rejected", MESSAGES), TOOLS];

const OPENAI_WITH_TOOLS: &[Column] = &[
    column("input", Record(&[column("messages", WHOLE_MESSAGES), TOOLS])),
    column("preferred_output", MESSAGES),
    column("non_preferred_output", MESSAGES),
];

const UNPAIRED_WITH_TOOLS: &[Column] =
    &[column("prompt", WHOLE_MESSAGES), column("completion", MESSAGES), column("label", Boolean), TOOLS];

const CONVERSATION_WITH_TOOLS: &[Column] = &[column("messages", WHOLE_MESSAGES), TOOLS];

impl TrainingFormat {
    /// Returns the columns of a table of which some row has tools or tool calls.
    #[must_use]
    pub fn columns_with_tools(self) -> &'static [Column] {
        match self {
            Self::Trl => TEXTS,
            Self::TrlMessages => CHATS_WITH_TOOLS,
            Self::OpenAi => OPENAI_WITH_TOOLS,
            Self::Kto => UNPAIRED_WITH_TOOLS,
            Self::Sft => CONVERSATION_WITH_TOOLS,
        }
    }

    /// Returns the columns of its lines. Lines of prompts with tools have more fields ([`Self::columns_with_tools`]).
    #[must_use]
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Trl => TEXTS,
            Self::TrlMessages => CHATS,
            Self::OpenAi => OPENAI,
            Self::Kto => UNPAIRED,
            Self::Sft => CONVERSATION,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_curation::Curator;
    use flywheel_policy::Policy;
    use serde_json::{Value, json};

    /// Returns the first difference between an object's columns and these, in this order. It needs objects that keep the order of
    /// their text.
    fn misfit(object: &str, columns: &[Column]) -> Option<String> {
        let value: Value = serde_json::from_str(object).unwrap();
        let names: Vec<_> = columns.iter().map(|column| format!("\"{}\":", column.name)).collect();
        let positions: Vec<_> = names.iter().map(|name| object.find(name)).collect();
        if value.as_object().unwrap().len() != columns.len() || !positions.is_sorted() || positions.contains(&None) {
            return Some(format!("{object} has not the columns {names:?}"));
        }
        columns.iter().find(|column| !fits(&value[column.name], &column.kind)).map(|column| column.name.to_owned())
    }

    fn fits(value: &Value, kind: &ColumnType) -> bool {
        match (value, kind) {
            (Value::Null, _) | (Value::String(_), Text) | (Value::Number(_), Double) | (Value::Bool(_), Boolean) => {
                true
            }
            (Value::Number(number), Integer) => number.is_i64(),
            (Value::Array(elements), List(kind)) => elements.iter().all(|element| fits(element, kind)),
            (Value::Object(fields), Record(columns)) => {
                fields.len() == columns.len()
                    && columns
                        .iter()
                        .all(|column| fields.get(column.name).is_some_and(|value| fits(value, &column.kind)))
            }
            _ => false,
        }
    }

    /// Returns `true` if each leaf has a value: a null or an empty list shows no type.
    fn fills(value: &Value, kind: &ColumnType) -> bool {
        match kind {
            List(kind) => value.as_array().is_some_and(|list| list.iter().any(|element| fills(element, kind))),
            Record(columns) => columns.iter().all(|column| fills(&value[column.name], &column.kind)),
            _ => !value.is_null(),
        }
    }

    fn line(event: Value) -> String {
        let everything = "[sampling]\nthumbs_up = 1.0\n[routes]\ncritical = \"gold\"\n";
        let key = flywheel_event::ContributorKey::new("key");
        Curator::new(Policy::parse(everything).unwrap(), key).curate(&event.to_string(), 0).unwrap().line
    }

    #[test]
    fn the_columns_of_a_line_are_those_that_are_written_whatever_the_event_and_its_route() {
        let minimal = json!({"prompt": "p", "original_llm_output": "one two", "final_user_edit": "one three"});
        let with = |fields: Value| {
            let mut event = minimal.clone();
            event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            line(event)
        };
        let rich = json!({"event_id": "e", "thread_id": "t", "response_id": "r", "received_at": "2026-11-22T10:00:01.000002Z", "contributor_id": "c", "model": {"id": "m", "adapter": "a"},
            "occurred_at": "2026-11-22T10:00:00Z", "context": {"tenant": "acme"}, "kind": "stars", "rating": 4,
            "comment": "2026-11-22", "prompt": [{"role": "user", "content": "Wait how long?"}],
            "original_llm_output": "Please wait for 30 days, and then write to us again, by letter.",
            "final_user_edit": "Please wait for 14 days, and then write to us again, by letter."});
        let edit_of = |text: &str| json!({"original_llm_output": "the same text", "final_user_edit": text});
        let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}});
        let tools = json!({"prompt": [{"role": "assistant", "content": null, "tool_calls": [call]},
                                      {"role": "tool", "tool_call_id": "c", "content": "2"}],
                           "tools": [{"type": "function", "function": {"name": "f"}}]});
        let lines = [
            line(minimal.clone()),
            with(rich.clone()),
            with(tools),
            with(edit_of("the same text")),
            with(edit_of("the same text\u{202e}")),
            with(json!({"consent": false})),
            with(json!({"kind": "thumbs_up", "final_user_edit": "one two"})),
            with(json!({"kind": "thumbs_down", "final_user_edit": "one two"})),
            with(json!({"kind": "regenerate", "final_user_edit": "one two"})),
        ];
        for line in &lines {
            assert_eq!(misfit(line, LINE_COLUMNS), None, "{line}");
        }
        // Some line shows each type.
        let lines = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
        for column in LINE_COLUMNS.iter().filter(|column| column.name != "scores") {
            assert!(
                lines.iter().any(|line| fills(&line[column.name], &column.kind)),
                "{} is never filled",
                column.name
            );
        }
    }

    #[test]
    fn the_columns_of_a_format_are_those_that_are_written() {
        let messages = json!([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]);
        for prompt_messages in [Value::Null, messages] {
            let row = json!({"prompt": "p", "chosen": "c", "rejected": "r", "prompt_messages": prompt_messages});
            for format in TrainingFormat::ALL {
                let lines = format.of_pair(&row.to_string()).unwrap().unwrap();
                for line in lines.lines() {
                    assert_eq!(misfit(line, format.columns()), None, "{format:?}");
                    let line: Value = serde_json::from_str(line).unwrap();
                    assert!(
                        format.columns().iter().all(|column| fills(&line[column.name], &column.kind)),
                        "{format:?}"
                    );
                }
            }
        }
    }
}
