//! Phoenix: spans in OpenInference's attributes, and the annotations on them, as its REST API returns them.
//!
//! | row | from | fields read |
//! |---|---|---|
//! | span | `GET /v1/projects/{project}/spans` (`{"data": […]}`) | `context.span_id`, `attributes`: `llm.input_messages`, `llm.output_messages`, else `input.value`, `output.value`; `llm.model_name`, `llm.tools`, `session.id` |
//! | annotation | `GET /v1/projects/{project}/span_annotations` | `id`, `span_id`, `name`, `annotator_kind`, `result.label`, `result.score`, `result.explanation`, `user_id`, `updated_at` |
//!
//! Attributes come flat (`llm.input_messages.0.message.role`) or nested. Phoenix has no corrections; a team that keeps
//! corrected outputs in an annotation names it (`--edit NAME`).

use serde_json::{Map, Value};

use crate::content::{answer, messages, prompt};
use crate::event::{Act, Output, Source};
use crate::notes::{Note, Notes, Outcome, Place};
use crate::options::Options;
use crate::rating::Rating;
use crate::skipped::{SkipReason, Skipped};
use crate::tool::Tool;
use crate::value::{at, id, instant, is_empty, text};

/// The most items of a list in flat attributes. An index beyond it is a key.
const MOST_ITEMS: usize = 10_000;

fn is_annotation(row: &Value) -> bool {
    row.get("annotator_kind").is_some()
}

/// Keeps the annotation of a row.
pub(crate) fn note(row: &Value, place: Place, options: &Options, notes: &mut Notes) -> Vec<Skipped> {
    if !is_annotation(row) {
        return Vec::new();
    }
    notes.keep(row, of_annotation(row, place, options)).into_iter().collect()
}

fn of_annotation(row: &Value, place: Place, options: &Options) -> Result<(String, Note), Skipped> {
    let record = id(row, &["id"]).ok_or_else(|| Skipped::new(SkipReason::NoId, "id", "has no id"))?;
    let name = text(row, &["name"]).unwrap_or("annotation");
    if options.ignored.contains(name) {
        return Err(Skipped::new(SkipReason::Ignored, "name", format!("{name} is ignored")));
    }
    if text(row, &["annotator_kind"]) != Some("HUMAN") {
        return Err(Skipped::new(SkipReason::NotAUser, "annotator_kind", format!("{name} is by a model or by code")));
    }
    let missing =
        || Skipped::new(SkipReason::UnsupportedKind, "span_id", "is on a trace or a session, and on no single output");
    let span = id(row, &["span_id"]).ok_or_else(missing)?;
    let source = Source {
        tool: Tool::Phoenix,
        project: options.project.clone(),
        id: record,
        user: id(row, &["user_id"]),
        occurred_at: instant(row, &["updated_at", "created_at"])?,
        name: Some(name.to_owned()),
    };
    Ok((format!("span {span}"), Note { act: act(row, name, options)?, source, place }))
}

fn act(row: &Value, name: &str, options: &Options) -> Result<Act, Skipped> {
    let result = row.get("result").unwrap_or(&Value::Null);
    let explanation = text(result, &["explanation"]).map(str::to_owned);
    let label = text(result, &["label"]);
    if options.edits.contains(name) {
        let edit = label.map(str::to_owned).or_else(|| explanation.clone());
        let comment = explanation.filter(|_| label.is_some());
        return Ok(Act { edit, rating: None, comment });
    }
    let score = result.get("score").and_then(Value::as_f64);
    let rating = match (score, label) {
        (Some(score), _) if options.scales.contains_key(name) => {
            Some(Rating::of_number(score, options.scales.get(name).copied(), name, "result.score")?)
        }
        (_, Some(label)) => Some(Rating::of_word(label, name, "result.label")?),
        (Some(score), None) => Some(Rating::of_number(score, None, name, "result.score")?),
        (None, None) => None,
    };
    Ok(Act { edit: None, rating, comment: explanation })
}

/// Returns the events on the output of a span.
pub(crate) fn meet(row: &Value, options: &Options, notes: &mut Notes) -> Vec<Outcome> {
    let span = row.get("context").and_then(|context| id(context, &["span_id"]));
    let Some(span) = span.filter(|_| !is_annotation(row)) else { return Vec::new() };
    notes.meet(&format!("span {span}"), None, || output(row, &span, options))
}

fn output(row: &Value, span: &str, options: &Options) -> Result<Output, Skipped> {
    let flat = row.get("attributes").and_then(Value::as_object);
    let attributes = flat.map(nested).unwrap_or_default();
    if at(&attributes, "llm.tools").is_some_and(|tools| !is_empty(tools)) {
        let message = "the model had tools, and an event does not carry them yet";
        return Err(Skipped::new(SkipReason::UnsupportedContent, "attributes.llm.tools", message));
    }
    let field = |path: &str| at(&attributes, path).unwrap_or(&Value::Null);
    let list = |path: &str| field(path).as_array().filter(|items| !items.is_empty());
    let prompt = match (list("llm.input_messages"), &options.prompt) {
        (Some(items), None) => messages(items, "attributes.llm.input_messages")?,
        _ => prompt(field("input.value"), "attributes.input.value", options.prompt.as_deref())?,
    };
    let text = match (list("llm.output_messages"), &options.output) {
        (Some(_), None) => answer(field("llm.output_messages"), "attributes.llm.output_messages", None)?,
        _ => answer(field("output.value"), "attributes.output.value", options.output.as_deref())?,
    };
    Ok(Output {
        prompt,
        text,
        response_id: Some(span.to_owned()),
        thread_id: id(field("session"), &["id"]),
        model: id(field("llm"), &["model_name"]),
    })
}

/// The most parts of an attribute's key.
const MOST_PARTS: usize = 64;

/// Returns attributes as nested objects and lists. A whole number in a key is the index of a list.
fn nested(flat: &Map<String, Value>) -> Value {
    let mut root = Value::Object(Map::new());
    // The order of keys puts an object before what lies in it, so that a value never replaces one.
    for (key, value) in flat {
        let mut place = &mut root;
        // A key of very many parts is no key of a span.
        let parts = if key.matches('.').count() < MOST_PARTS { key.split('.').collect() } else { vec![key.as_str()] };
        for part in parts {
            place = child(place, part);
        }
        if place.is_null() {
            *place = value.clone();
        }
    }
    root
}

fn child<'v>(place: &'v mut Value, part: &str) -> &'v mut Value {
    let index = part.parse::<usize>().ok().filter(|index| *index < MOST_ITEMS);
    let is_list = place.is_array() || place.is_null() && index.is_some();
    if let (true, Some(index)) = (is_list, index) {
        if place.is_null() {
            *place = Value::Array(Vec::new());
        }
        if let Value::Array(items) = place {
            if items.len() <= index {
                items.resize(index + 1, Value::Null);
            }
            return &mut items[index];
        }
    }
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    &mut place[part]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn flat_and_nested_attributes_are_the_same() {
        let deep = json!({"llm": {"model_name": "m", "input_messages": [{"message": {"role": "user", "content": "a"}}]}, "session": {"id": "s"}});
        let flat = json!({
            "llm.model_name": "m", "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "a", "session.id": "s",
        });
        assert_eq!(nested(flat.as_object().unwrap()), deep);
        assert_eq!(nested(deep.as_object().unwrap()), deep);
        assert_eq!(nested(json!({"a.99999999999": 1}).as_object().unwrap()), json!({"a": {"99999999999": 1}}));
    }
}
