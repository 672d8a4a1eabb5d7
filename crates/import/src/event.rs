//! The event of an annotation, in the format of the API.

use flywheel_base::digest::FieldDigest;
use flywheel_event::{Endpoint, FeedbackKind, Received, Submission};
use serde_json::{Map, Value, json};

use crate::rating::Rating;
use crate::skipped::{SkipReason, Skipped};
use crate::tool::Tool;

/// The maximum length in characters of a label in an event's context.
const MAX_LABEL_CHARS: usize = 256;

/// An event that the API accepts, as one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The event's id, derived from the tool, the project and the record's id.
    pub id: String,
    /// The event in the format of the API, without a line end.
    pub json: String,
    /// The endpoint that takes the event.
    pub endpoint: Endpoint,
}

/// One output of a model, with its prompt.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) prompt: Value,
    pub(crate) text: String,
    pub(crate) response_id: Option<String>,
    pub(crate) thread_id: Option<String>,
    pub(crate) model: Option<String>,
}

/// The act of a user on an output.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Act {
    /// The user's text.
    pub(crate) edit: Option<String>,
    pub(crate) rating: Option<Rating>,
    pub(crate) comment: Option<String>,
}

/// The record of an act.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) tool: Tool,
    pub(crate) project: Option<String>,
    /// The record's id in its tool, with the part of the record if it has several acts.
    pub(crate) id: String,
    /// The user's id in the tool.
    pub(crate) user: Option<String>,
    pub(crate) occurred_at: Option<String>,
    /// The name of the score, the question or the control.
    pub(crate) name: Option<String>,
}

impl Source {
    /// Returns the id of the record's event. It depends on the tool, the project and the record's id alone, so that a
    /// record that is imported twice is one event, also after its text changed.
    fn event_id(&self) -> String {
        let digest = FieldDigest::new("flywheel import 1").text(self.tool.name());
        digest.optional(self.project.as_deref()).text(&self.id).hex()
    }
}

/// Returns the event of an act.
///
/// # Errors
/// The act says nothing, or the API would refuse the event.
pub(crate) fn event(output: &Output, act: &Act, source: &Source) -> Result<Event, Skipped> {
    let record = |skipped: Skipped| skipped.of(&source.id);
    let comment = act.comment.as_deref().filter(|comment| !comment.is_empty());
    let edit = act.edit.as_deref().filter(|edit| *edit != output.text);
    let kind = match act.rating {
        Some(Rating::Thumb { up: true }) => Some(FeedbackKind::ThumbsUp),
        Some(Rating::Thumb { up: false }) => Some(FeedbackKind::ThumbsDown),
        Some(Rating::Stars(_)) => Some(FeedbackKind::Stars),
        // A user who keeps the model's text as it is accepts it.
        None if act.edit.is_some() && edit.is_none() => Some(FeedbackKind::Accept),
        None => comment.map(|_| FeedbackKind::Comment),
    };
    if kind.is_none() && edit.is_none() {
        return Err(record(Skipped::new(
            SkipReason::SaysNothing,
            "",
            "has neither an edit nor a rating nor a comment",
        )));
    }
    let id = source.event_id();
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    put("event_id", Some(id.clone().into()));
    put("response_id", output.response_id.clone().map(Value::from));
    put("thread_id", output.thread_id.clone().map(Value::from));
    put("contributor_id", source.user.as_ref().map(|user| format!("{}:{user}", source.tool.name()).into()));
    put("model", output.model.as_ref().map(|model| json!({"id": model})));
    put("prompt", Some(output.prompt.clone()));
    put("original_llm_output", Some(output.text.clone().into()));
    put("final_user_edit", edit.map(Value::from));
    put("kind", kind.map(|kind| kind.as_str().into()));
    if let Some(Rating::Stars(stars)) = act.rating {
        put("rating", Some(stars.into()));
    }
    put("comment", comment.filter(|_| kind.is_some()).map(Value::from));
    put("occurred_at", source.occurred_at.clone().map(Value::from));
    put("context", Some(context(source)));
    checked(id, Value::Object(fields)).map_err(record)
}

fn context(source: &Source) -> Value {
    let mut labels = Map::new();
    labels.insert("imported_from".to_owned(), source.tool.name().into());
    for (key, label) in [("project", &source.project), ("name", &source.name)] {
        // A label is to find events by; one that the API refuses is no reason to lose the event.
        let usable = label.as_deref().filter(|label| {
            label.chars().count() <= MAX_LABEL_CHARS && flywheel_base::require_visible_value(label, key).is_ok()
        });
        if let Some(label) = usable.filter(|label| !label.is_empty()) {
            labels.insert(key.to_owned(), label.into());
        }
    }
    Value::Object(labels)
}

/// Returns the event if the API's own parser accepts it.
pub(crate) fn checked(id: String, event: Value) -> Result<Event, Skipped> {
    let endpoint = if event.get("final_user_edit").is_some() { Endpoint::Edits } else { Endpoint::Feedback };
    let json = event.to_string();
    match Submission::parse(json.as_bytes(), endpoint, None, Received::at(0)) {
        Ok(_) => Ok(Event { id, json, endpoint }),
        Err(refusal) => {
            let message = format!("the API refuses the event: {} ({})", refusal.message, refusal.code.as_str());
            Err(Skipped::new(SkipReason::Refused, refusal.field.as_deref().unwrap_or_default(), message))
        }
    }
}
