//! OpenTelemetry: traces as OTLP/JSON with the semantic conventions for generative AI, and a file of edits beside them.
//!
//! | row | from | fields read |
//! |---|---|---|
//! | `{"resourceSpans": […]}` | the file exporter of the Collector, one line a batch | of each span `spanId`, `attributes`: `gen_ai.input.messages`, `gen_ai.output.messages`, `gen_ai.system_instructions`, `gen_ai.tool.definitions`, `gen_ai.response.id`, `gen_ai.response.model`, `gen_ai.request.model`, `gen_ai.conversation.id` |
//! | an edit | `--edits FILE` | an event of the API without `prompt` and `original_llm_output`: `response_id`, with `final_user_edit`, `kind` and the other fields |
//!
//! An edit meets the span whose `gen_ai.response.id`, or else whose `spanId`, is its `response_id`. Attributes with messages are
//! lists, or lists in JSON as a text.

use std::collections::BTreeSet;

use flywheel_base::digest::FieldDigest;
use serde_json::{Map, Value, json};

use crate::content::{answer, messages};
use crate::event::checked;
use crate::notes::{Outcome, Place};
use crate::options::Options;
use crate::skipped::{SkipReason, Skipped};
use crate::tool::Tool;
use crate::value::{id, is_empty, text};
use crate::waiting::Waiting;

/// The fields of an edit that the span gives.
const OF_THE_SPAN: [&str; 2] = ["prompt", "original_llm_output"];

/// The fields of an edit.
type Edit = Map<String, Value>;

/// The edits by the output that they are on. An edit that is given twice is kept once.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    waiting: Waiting<(Place, Edit)>,
    known: BTreeSet<String>,
}

impl Edits {
    /// Keeps an edit.
    pub(crate) fn add(&mut self, edit: &Value, place: Place, options: &Options) -> Result<(), Skipped> {
        let missing = || Skipped::new(SkipReason::NoId, "response_id", "an edit needs the id of its output");
        let response = id(edit, &["response_id"]).ok_or_else(missing)?;
        let Value::Object(mut fields) = edit.clone() else { return Err(missing()) };
        OF_THE_SPAN.iter().for_each(|name| drop(fields.remove(*name)));
        fields.retain(|_, value| !is_empty(value));
        let digest = || {
            let digest =
                FieldDigest::new("flywheel import 1").text(Tool::Otlp.name()).optional(options.project.as_deref());
            digest.text(&Value::Object(fields.clone()).to_string()).hex()
        };
        let event_id = id(edit, &["event_id"]).unwrap_or_else(digest);
        fields.insert("event_id".to_owned(), event_id.clone().into());
        if self.known.insert(format!("{event_id} {}", fields.get("final_user_edit").unwrap_or(&Value::Null))) {
            self.waiting.add(response, (place, fields));
        }
        Ok(())
    }

    /// Returns the events on the outputs of a row.
    pub(crate) fn meet(&mut self, row: &Value) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for span in spans(row) {
            let attributes = attributes(span);
            let ids =
                [attributes.get("gen_ai.response.id").and_then(Value::as_str), text(span, &["spanId", "span_id"])];
            for response in ids.into_iter().flatten() {
                let Some((read, edits)) = self.waiting.meet(response, || output(&attributes)) else { continue };
                outcomes.extend(edits.into_iter().map(|(place, edit)| (place, joined(&read, edit, response))));
            }
        }
        outcomes
    }

    /// Takes the edits that are left.
    pub(crate) fn rest(&mut self) -> Vec<(Place, Skipped)> {
        let named = |(response, (place, _), unread): (String, (Place, Edit), Option<Skipped>)| {
            let missing = || Skipped::new(SkipReason::NoTarget, "response_id", "no span has this output");
            (place, unread.unwrap_or_else(missing).of(&response))
        };
        let mut rest: Vec<_> = self.waiting.rest().into_iter().map(named).collect();
        rest.sort_by_key(|(place, _)| *place);
        rest
    }
}

fn spans(row: &Value) -> impl Iterator<Item = &Value> {
    fn list<'v>(value: &'v Value, names: [&str; 2]) -> impl Iterator<Item = &'v Value> {
        names.into_iter().find_map(|name| value.get(name)?.as_array()).into_iter().flatten()
    }
    let scopes = list(row, ["resourceSpans", "resource_spans"])
        .flat_map(|resource| list(resource, ["scopeSpans", "scope_spans"]));
    scopes.flat_map(|scope| list(scope, ["spans", "spans"]))
}

/// Returns a span's attributes as a map of plain values.
fn attributes(span: &Value) -> Map<String, Value> {
    let list = span.get("attributes").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|entry| Some((text(entry, &["key"])?.to_owned(), plain(entry.get("value")?)))).collect()
}

/// Returns an OTLP value as a plain one.
fn plain(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|fields| fields.iter().next()) else { return Value::Null };
    let values = || inner.get("values").and_then(Value::as_array).into_iter().flatten();
    match kind.as_str() {
        "arrayValue" | "array_value" => values().map(plain).collect(),
        "kvlistValue" | "kvlist_value" => {
            let entry = |entry: &Value| Some((text(entry, &["key"])?.to_owned(), plain(entry.get("value")?)));
            Value::Object(values().filter_map(entry).collect())
        }
        _ => inner.clone(),
    }
}

/// Returns an attribute's value; a text in JSON is read.
fn structured(attributes: &Map<String, Value>, name: &str) -> Value {
    let value = attributes.get(name).cloned().unwrap_or_default();
    value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(value)
}

/// Returns the fields of an event that a span gives.
fn output(attributes: &Map<String, Value>) -> Result<Map<String, Value>, Skipped> {
    if !is_empty(&structured(attributes, "gen_ai.tool.definitions")) {
        let message = "the model had tools, and an event does not carry them yet";
        return Err(Skipped::new(SkipReason::UnsupportedContent, "gen_ai.tool.definitions", message));
    }
    let input = structured(attributes, "gen_ai.input.messages");
    let missing = || {
        Skipped::new(SkipReason::NoPrompt, "gen_ai.input.messages", "the span has no messages; record content on spans")
    };
    let mut prompt = match input.as_array() {
        Some(items) => messages(items, "gen_ai.input.messages")?,
        None => return Err(missing()),
    };
    let instructions = structured(attributes, "gen_ai.system_instructions");
    if let (Value::Array(turns), false) = (&mut prompt, is_empty(&instructions)) {
        let system = messages(&[json!({"role": "system", "parts": instructions})], "gen_ai.system_instructions")?;
        turns.insert(0, system[0].clone());
    }
    let mut event = Map::new();
    event.insert("prompt".to_owned(), prompt);
    let text = answer(&structured(attributes, "gen_ai.output.messages"), "gen_ai.output.messages", None)?;
    event.insert("original_llm_output".to_owned(), text.into());
    let named = |names: [&str; 2]| names.into_iter().find_map(|name| attributes.get(name)?.as_str());
    if let Some(model) = named(["gen_ai.response.model", "gen_ai.request.model"]) {
        event.insert("model".to_owned(), json!({"id": model}));
    }
    if let Some(thread) = named(["gen_ai.conversation.id", "session.id"]) {
        event.insert("thread_id".to_owned(), thread.into());
    }
    event.insert("context".to_owned(), json!({"imported_from": Tool::Otlp.name()}));
    Ok(event)
}

/// Returns the event of an edit and its output. The edit's own fields win.
fn joined(output: &Map<String, Value>, edit: Edit, response: &str) -> Result<crate::Event, Skipped> {
    let mut event = output.clone();
    let event_id = text(&Value::Object(edit.clone()), &["event_id"]).unwrap_or_default().to_owned();
    event.extend(edit);
    checked(event_id, Value::Object(event)).map_err(|skipped| skipped.of(response))
}
