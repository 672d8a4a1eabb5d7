//! The tools, and the shapes by which their exports are known.

use std::str::FromStr;

use serde_json::Value;

use crate::value::present;

/// A tool whose exports can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Langfuse.
    Langfuse,
    /// LangSmith.
    LangSmith,
    /// Open WebUI.
    OpenWebUi,
    /// Label Studio.
    LabelStudio,
    /// Argilla.
    Argilla,
    /// Phoenix.
    Phoenix,
    /// OpenTelemetry traces with the semantic conventions for generative AI.
    Otlp,
}

impl Tool {
    /// Every tool.
    pub const ALL: [Self; 7] =
        [Self::Langfuse, Self::LangSmith, Self::OpenWebUi, Self::LabelStudio, Self::Argilla, Self::Phoenix, Self::Otlp];

    /// Returns the tool's name on the command line, in ids and in the context of events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Langfuse => "langfuse",
            Self::LangSmith => "langsmith",
            Self::OpenWebUi => "openwebui",
            Self::LabelStudio => "labelstudio",
            Self::Argilla => "argilla",
            Self::Phoenix => "phoenix",
            Self::Otlp => "otlp",
        }
    }

    /// Returns the records of a row: the items of a page of an API, else the row itself.
    #[must_use]
    pub fn records(self, row: Value) -> Vec<Value> {
        let list = match self {
            Self::Langfuse | Self::Phoenix => "data",
            Self::LangSmith if row.get("runs").is_some() => "runs",
            Self::LangSmith => "feedback",
            Self::OpenWebUi | Self::LabelStudio | Self::Argilla | Self::Otlp => return vec![row],
        };
        match row {
            Value::Object(mut page) if page.get(list).is_some_and(Value::is_array) && !page.contains_key("id") => {
                match page.remove(list) {
                    Some(Value::Array(items)) => items,
                    _ => Vec::new(),
                }
            }
            record => vec![record],
        }
    }

    /// Returns `true` if the record has the shape of this tool's exports.
    #[must_use]
    pub fn knows(self, record: &Value) -> bool {
        let has = |name: &str| record.get(name).is_some();
        let has_one = |names: &[&str]| names.iter().any(|name| has(name));
        match self {
            Self::Langfuse => {
                let is_score = has_one(&["dataType", "data_type"]) && has("name") && has("source");
                let is_observation = has("type") && has_one(&["traceId", "trace_id"]) && !has("run_type");
                let is_trace = has("timestamp") && has_one(&["input", "output"]) && !has("fields");
                is_score || is_observation || is_trace
            }
            Self::LangSmith => has("run_type") || has("key") && has_one(&["run_id", "trace_id"]),
            Self::OpenWebUi => {
                let is_chat = record.get("chat").is_some_and(Value::is_object);
                is_chat || has("meta") && has("data") && has("user_id") && has("version")
            }
            Self::LabelStudio => has("data") && has("annotations"),
            Self::Argilla => has("fields") && has("responses") && has("suggestions"),
            Self::Phoenix => {
                let is_span =
                    has("span_kind") && present(record, "context").is_some_and(|span| span.get("span_id").is_some());
                is_span || has("annotator_kind") && has_one(&["span_id", "trace_id", "session_id"])
            }
            Self::Otlp => has("resourceSpans") || has("resource_spans"),
        }
    }

    /// Returns the tool whose export the record seems to be from. A record may be of this tool and of others; then it is
    /// of this one.
    #[must_use]
    pub fn guess(self, record: &Value) -> Option<Self> {
        if self.knows(record) {
            return Some(self);
        }
        Self::ALL.into_iter().find(|tool| tool.records(record.clone()).first().is_some_and(|first| tool.knows(first)))
    }
}

impl FromStr for Tool {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|tool| tool.name() == name).ok_or_else(|| format!("must be one of {}", names()))
    }
}
