//! The edit event: a prompt, the model's text, and the user's text.

use std::borrow::Cow;

use chrono::{DateTime, Datelike as _, SecondsFormat, Utc};
use flywheel_base::{
    Refusal, RefusalCode,
    digest::FieldDigest,
    fields::{Fields, given_twice, id, label, wrong_type},
    instant::{Micros, micros, rfc3339_micros},
    json,
    json::{Json, Text},
    printable, require_visible, require_visible_value,
};
use serde::Serialize;

use crate::contributor::{ContributorKey, Writer, take_pseudonym};
use crate::feedback::{Feedback, FeedbackKind};
use crate::prompt::Prompt;
use crate::revision::{OutputOf, Revision};
use crate::sender;
use crate::sender::RESERVED;

/// The maximum number of entries in an event's `context`.
const MAX_CONTEXT_ENTRIES: usize = 32;

/// Fields of common APIs that give a model input besides the prompt.
const UNSUPPORTED: [&str; 3] = ["functions", "system", "instructions"];

/// The fields of an event. Beside `events` they belong to no event of the batch, so they are refused there.
pub(crate) const FIELDS: [&str; 18] = [
    "prompt",
    "original_llm_output",
    "final_user_edit",
    "kind",
    "rating",
    "comment",
    "event_id",
    "response_id",
    "thread_id",
    "contributor_id",
    "model",
    "occurred_at",
    "consent",
    "context",
    "tools",
    "functions",
    "system",
    "instructions",
];

/// The field of a queued event that marks a replaced character. U+FFFD alone is no sign of one: users type it, too.
const REPLACED_CHARACTER: &str = "replaced_character";

/// The names of fields in a compact message. All are shorter, so that a label of up to 11 bytes takes no room of the
/// client's.
const COMPACT: [(&str, &str); 3] = [("event_id", "e"), ("original_llm_output", "o"), ("ingest_key", "k")];

/// One user's edit of one model output, or [`Feedback`] on one. It borrows texts from the message where possible.
#[derive(Debug, Clone, PartialEq)]
pub struct EditEvent<'a> {
    /// The idempotency key: the client's own, or else derived from the whole event. It is never redacted, because a
    /// client that sends the event again must be recognised. So a client's key must not hold personal data.
    pub event_id: Cow<'a, str>,
    /// SHA-256 over prompt, chosen and rejected, as 64 hexadecimal digits. Equal preference pairs have equal ids.
    pub pair_id: String,
    /// The prompt to the model.
    pub prompt: Prompt<'a>,
    /// The user's text (`final_user_edit`). Feedback without an edit leaves the output as it was: then it is the
    /// output.
    pub chosen: Cow<'a, str>,
    /// The model's text (`original_llm_output`).
    pub rejected: Cow<'a, str>,
    /// The user's feedback on the output, besides the edit.
    pub feedback: Option<Feedback<'a>>,
    /// The conversation of the output. An address or a number is stored as a keyed hash only.
    pub thread_id: Option<Cow<'a, str>>,
    /// The client's name for this one output of the model. Edits of it by one contributor are revisions, and the last
    /// one counts.
    pub response_id: Option<Cow<'a, str>>,
    /// The contributor: the pseudonym of the client's `contributor_id`, which is kept nowhere. `None` without a
    /// [`ContributorKey`].
    pub contributor: Option<Cow<'a, str>>,
    /// The model that wrote the rejected text.
    pub model: Option<Model<'a>>,
    /// The time of the user's edit.
    pub occurred_at: Option<OccurredAt<'a>>,
    /// The time at which the front door received the event, in microseconds since the epoch. `None` if it did not come
    /// through it.
    pub received_at: Option<Micros>,
    /// The label of the ingest key that posted it. `None` if it did not come through the front door.
    pub ingest_key: Option<Cow<'a, str>>,
    /// The user's consent to training on the edit. `None` leaves it to the client's agreement with its users.
    pub consent: Option<bool>,
    /// The client's labels for the event, such as a tenant or a feature.
    pub context: Vec<ContextEntry<'a>>,
    /// `true` if one of its texts had half a surrogate pair, which U+FFFD replaces. This is no part of the derived id:
    /// the event is the same without it.
    pub has_replaced_character: bool,
    /// `true` if the client chose `event_id`. A derived one is not queued: the reader of the message derives it again.
    event_id_is_given: bool,
}

/// The model that wrote the rejected text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Model<'a> {
    /// The base model.
    pub id: Cow<'a, str>,
    /// The LoRA adapter that was active on it.
    pub adapter: Option<Cow<'a, str>>,
}

/// An instant, in RFC 3339.
#[derive(Debug, Clone, PartialEq)]
pub struct OccurredAt<'a> {
    /// The client's spelling.
    sent: Cow<'a, str>,
    /// The instant in UTC, with milliseconds.
    pub utc: String,
}

/// One entry of an event's context map.
///
/// Lines keep the map as a list of such entries. A column whose keys vary from row to row has no single type, and
/// readers that infer a schema fail on it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContextEntry<'a> {
    /// The entry's name.
    pub key: Cow<'a, str>,
    /// Its value.
    pub value: Cow<'a, str>,
}

impl<'a> EditEvent<'a> {
    /// Reads one event as it is queued, or as it is posted. It ignores unknown fields. It leaves out contributors
    /// without a pseudonym or a `key` to make one.
    ///
    /// # Errors
    /// A [`Refusal`] that names the first field that is missing, empty, mistyped or out of range.
    pub fn parse(message: &'a str, key: Option<&ContributorKey>) -> Result<Self, Refusal> {
        Self::from_json(json::read(message)?, "event", Writer::Queue, key)
    }

    pub(crate) fn from_json(
        value: Json<'a>,
        field: &str,
        writer: Writer,
        key: Option<&ContributorKey>,
    ) -> Result<Self, Refusal> {
        let Json::Object(mut entries) = value else { return Err(wrong_type(&value, "an object", field)) };
        if writer == Writer::Queue {
            with_whole_names(&mut entries);
        }
        let mut fields = Fields::new(entries, "");
        let feedback = Feedback::take(&mut fields)?;
        fields.refuse_unsupported(&UNSUPPORTED)?;
        let prompt = Prompt::take(&mut fields)?;
        let rejected = fields.required_text("original_llm_output")?;
        let chosen = match feedback {
            None => fields.required_text("final_user_edit")?,
            Some(_) => fields.optional_text("final_user_edit")?.unwrap_or_else(|| rejected.clone()),
        };
        let given_id = fields.optional_id("event_id")?;
        let pair_id = pair_id(&prompt, &chosen, &rejected);
        let mut event = Self {
            event_id_is_given: given_id.is_some(),
            event_id: given_id.unwrap_or_default(),
            pair_id,
            prompt,
            chosen,
            rejected,
            feedback,
            thread_id: fields.optional_id("thread_id")?,
            response_id: fields.optional_id("response_id")?,
            contributor: take_pseudonym(&mut fields, writer, key)?,
            model: model(&mut fields)?,
            occurred_at: occurred_at(&mut fields)?,
            received_at: received_at(&mut fields, writer)?,
            ingest_key: ingest_key(&mut fields, writer)?,
            consent: fields.optional_flag("consent")?,
            context: context(&mut fields, writer)?,
            has_replaced_character: has_replaced_character(&mut fields, writer)?,
        };
        if writer == Writer::Client {
            event.require_visible_ids()?;
        }
        if !event.event_id_is_given {
            event.event_id = Cow::Owned(event.derived_id());
        }
        Ok(event)
    }

    /// Refuses ids and labels with characters that no one sees. Events that were queued before this rule are taken as they are:
    /// they are acknowledged.
    fn require_visible_ids(&self) -> Result<(), Refusal> {
        let model = self.model.as_ref();
        let ids = [
            ("event_id", Some(&self.event_id)),
            ("thread_id", self.thread_id.as_ref()),
            ("response_id", self.response_id.as_ref()),
            ("model.id", model.map(|model| &model.id)),
            ("model.adapter", model.and_then(|model| model.adapter.as_ref())),
        ];
        for (field, id) in ids {
            id.map_or(Ok(()), |id| require_visible(id, field))?;
        }
        for entry in &self.context {
            let field = format!("context.{}", printable(&entry.key));
            require_visible(&entry.key, &field)?;
            require_visible_value(&entry.value, &field)?;
        }
        Ok(())
    }

    /// Returns `true` if the user edited the text, or kept it in an edit. Feedback on an unchanged output is no edit.
    #[must_use]
    pub fn is_edit(&self) -> bool {
        self.feedback.is_none() || self.chosen != self.rejected
    }

    /// Returns the event's id in the scope of its sender. `None` where the sender is not known.
    pub fn event_key(&self) -> Option<String> {
        let key = self.ingest_key.as_deref()?;
        Some(sender::event_key(key, self.contributor.as_deref(), &self.event_id))
    }

    /// Returns the event's revision of its output. `now`, in microseconds, is its time of receipt if the front door
    /// noted none.
    pub fn revision(&self, now: Micros) -> Revision {
        if self.consent == Some(false) {
            return Revision::WITHDRAWN;
        }
        let occurred = self.occurred_at.as_ref().and_then(|instant| micros(&instant.utc));
        Revision::new(occurred, self.received_at.unwrap_or(now), &self.pair_id)
    }

    /// Returns the id of the output that the event is a revision of. All revisions of the output share it. `None` if
    /// the event is no edit.
    ///
    /// Without consent nothing is derived from the texts. Then only a `response_id` names the output.
    pub fn output_id(&self) -> Option<String> {
        if !self.is_edit() || (self.consent == Some(false) && self.response_id.is_none()) {
            return None;
        }
        let output = OutputOf {
            contributor: self.contributor.as_deref(),
            response_id: self.response_id.as_deref(),
            thread_id: self.thread_id.as_deref(),
            prompt: self.prompt.text(),
            rejected: &self.rejected,
        };
        Some(output.id())
    }

    /// Returns the event's texts: the prompt, the model's text, the user's, the context's values, the comment.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let values = self.context.iter().map(|entry| entry.value.as_ref());
        let comment = self.feedback.iter().filter_map(|feedback| feedback.comment.as_deref());
        self.prompt.contents().chain([self.rejected.as_ref(), self.chosen.as_ref()]).chain(values).chain(comment)
    }

    /// Rewrites each of [`EditEvent::texts`] for which `rewrite` has another. The pair id follows the new texts. The
    /// event keeps its id.
    pub fn rewrite(&mut self, rewrite: impl Fn(&str) -> Option<String>) {
        self.prompt.rewrite(&rewrite);
        let values = self.context.iter_mut().map(|entry| &mut entry.value);
        let comment = self.feedback.iter_mut().filter_map(|feedback| feedback.comment.as_mut());
        for text in [&mut self.rejected, &mut self.chosen].into_iter().chain(values).chain(comment) {
            if let Some(rewritten) = rewrite(text) {
                *text = Cow::Owned(rewritten);
            }
        }
        self.pair_id = pair_id(&self.prompt, &self.chosen, &self.rejected);
    }

    /// Replaces the model's and the user's text. The pair id follows the new texts. The event keeps its id.
    pub fn set_texts(&mut self, rejected: Cow<'a, str>, chosen: Cow<'a, str>) {
        (self.rejected, self.chosen) = (rejected, chosen);
        self.pair_id = pair_id(&self.prompt, &self.chosen, &self.rejected);
    }

    /// Derives the event's id. The same event has the same id, however often and wherever it is sent; any difference
    /// makes another event. The pair's id covers the texts.
    ///
    /// The contributor is hashed by pseudonym. The message has it, so its reader derives the id that the client got,
    /// with any key or none. Nor does the id open a way around the key. It enters the lake beside all its other inputs,
    /// so over the raw id it would be a hash without a key, by which an attacker could try contributors.
    fn derived_id(&self) -> String {
        let model = self.model.as_ref();
        let digest = match &self.feedback {
            None => FieldDigest::new("flywheel event 1"),
            Some(feedback) => FieldDigest::new("flywheel feedback 1")
                .text(feedback.kind.as_str())
                .optional(feedback.rating.map(|rating| rating.to_string()).as_deref())
                .optional(feedback.comment.as_deref()),
        };
        let digest = digest
            .text(&self.pair_id)
            .optional(self.thread_id.as_deref())
            .optional(self.contributor.as_deref())
            .optional(model.map(|model| model.id.as_ref()))
            .optional(model.and_then(|model| model.adapter.as_deref()))
            .optional(self.occurred_at.as_ref().map(|instant| instant.utc.as_str()))
            .optional(self.consent.map(|consent| if consent { "yes" } else { "no" }));
        let digest = self.context.iter().fold(digest, |digest, entry| digest.text(&entry.key).text(&entry.value));
        // A later field: without it the id is the same as before the field existed.
        let digest = self.response_id.iter().fold(digest, |digest, id| digest.text("response_id").text(id));
        digest.hex()
    }

    /// Writes the event as one queue message with shorter names of fields, for an event that hardly fits.
    ///
    /// # Errors
    /// As [`EditEvent::to_message`].
    pub(crate) fn to_compact_message(&self) -> serde_json::Result<String> {
        let mut message = self.to_message()?;
        // These fields come before the context, whose keys are the client's. In a text a quotation mark has a backslash before it.
        let written = COMPACT.iter().filter(|(whole, _)| match *whole {
            "event_id" => self.event_id_is_given,
            "ingest_key" => self.ingest_key.is_some(),
            _ => true,
        });
        for (whole, compact) in written {
            message = message.replacen(&format!("\"{whole}\":"), &format!("\"{compact}\":"), 1);
        }
        Ok(message)
    }

    /// Writes the event as one queue message. [`EditEvent::parse`] reads it back to an equal event, whatever the key.
    ///
    /// The message is compact, without white space and unknown fields. It keeps the client's values except the
    /// contributor: a pseudonym takes up to 28 bytes more than a short id. So an event without a contributor does not
    /// grow, except by U+FFFE, U+FFFF, the field that marks a replaced character, and the one form of chats with tool calls and
    /// parts. Such an event, or one with a contributor, may be just within the queue's limit while its message is not.
    ///
    /// # Errors
    /// None in practice: strings and maps of strings always serialise.
    pub fn to_message(&self) -> serde_json::Result<String> {
        let feedback = self.feedback.as_ref();
        let is_unedited = feedback.is_some() && self.chosen == self.rejected;
        let message = Message {
            kind: feedback.map(|feedback| feedback.kind),
            rating: feedback.and_then(|feedback| feedback.rating),
            comment: feedback.and_then(|feedback| feedback.comment.as_deref()),
            event_id: self.event_id_is_given.then_some(&self.event_id),
            prompt: &self.prompt,
            original_llm_output: &self.rejected,
            final_user_edit: (!is_unedited).then_some(&self.chosen),
            thread_id: self.thread_id.as_deref(),
            response_id: self.response_id.as_deref(),
            contributor: self.contributor.as_deref(),
            model: self.model.as_ref().map(|model| QueuedModel { id: &model.id, adapter: model.adapter.as_deref() }),
            occurred_at: self.occurred_at.as_ref().map(|instant| instant.sent.as_ref()),
            received_at: self.received_at.map(rfc3339_micros),
            ingest_key: self.ingest_key.as_deref(),
            consent: self.consent,
            context: ContextMap(&self.context),
            replaced_character: self.has_replaced_character.then_some(true),
        };
        let mut json = serde_json::to_string(&message)?;
        if let Some(tools) = self.prompt.tools() {
            // Spliced in as it is: numbers in schemas keep their spelling.
            json.pop();
            json.push_str(&format!(",\"tools\":{tools}}}"));
        }
        // SQS refuses these two scalars, and JSON may hold them as they are. In JSON they occur only within strings,
        // where an escape means the same.
        Ok(json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"))
    }
}

/// Gives the fields of a compact message their names. A message with an `original_llm_output` is not compact.
fn with_whole_names(entries: &mut [(Text<'_>, Json<'_>)]) {
    if entries.iter().any(|(key, _)| key.value == "original_llm_output") {
        return;
    }
    for (key, _) in entries {
        if let Some((whole, _)) = COMPACT.iter().find(|(_, compact)| key.value == *compact) {
            key.value = Cow::Borrowed(whole);
        }
    }
}

fn pair_id(prompt: &Prompt<'_>, chosen: &str, rejected: &str) -> String {
    pair_id_of(prompt.text(), chosen, rejected)
}

/// Returns the id of a pair, given the prompt's plain form.
pub fn pair_id_of(prompt: &str, chosen: &str, rejected: &str) -> String {
    FieldDigest::new("flywheel pair 1").text(prompt).text(chosen).text(rejected).hex()
}

/// Returns `true` if a text had a replaced character. Call it after all texts are taken.
fn has_replaced_character(fields: &mut Fields<'_>, writer: Writer) -> Result<bool, Refusal> {
    let is_said = writer == Writer::Queue && fields.take(REPLACED_CHARACTER)? == Some(Json::Bool(true));
    Ok(is_said || fields.has_mended())
}

fn model<'a>(fields: &mut Fields<'a>) -> Result<Option<Model<'a>>, Refusal> {
    let Some(value) = fields.optional("model")? else { return Ok(None) };
    let Json::Object(entries) = value else { return Err(wrong_type(&value, "an object with an id", "model")) };
    let mut fields = Fields::new(entries, "model.");
    let id = id(fields.required("id")?, "model.id")?;
    Ok(Some(Model { id, adapter: fields.optional_id("adapter")? }))
}

fn occurred_at<'a>(fields: &mut Fields<'a>) -> Result<Option<OccurredAt<'a>>, Refusal> {
    let Some(sent) = fields.optional_id("occurred_at")? else { return Ok(None) };
    let instant = DateTime::parse_from_rfc3339(&sent).ok().map(|instant| instant.with_timezone(&Utc));
    // In UTC, the first and the last hours that RFC 3339 can write may fall into a year that it cannot write.
    let Some(instant) = instant.filter(|instant| (1..=9998).contains(&instant.year())) else {
        let message = "must be a date and time in RFC 3339, such as 2026-11-22T10:00:00Z";
        return Err(Refusal::of_field(RefusalCode::InvalidValue, "occurred_at", message));
    };
    Ok(Some(OccurredAt { utc: instant.to_rfc3339_opts(SecondsFormat::Millis, true), sent }))
}

/// Takes the time of receipt from the front door. From a client it is an unknown field.
fn received_at(fields: &mut Fields<'_>, writer: Writer) -> Result<Option<Micros>, Refusal> {
    if writer == Writer::Client {
        return Ok(None);
    }
    let Some(Json::Text(Text { value, .. })) = fields.take("received_at")? else { return Ok(None) };
    Ok(micros(&value))
}

/// Takes the label of the ingest key from the front door. From a client it is an unknown field.
fn ingest_key<'a>(fields: &mut Fields<'a>, writer: Writer) -> Result<Option<Cow<'a, str>>, Refusal> {
    if writer == Writer::Client {
        return Ok(None);
    }
    let Some(Json::Text(Text { value, .. })) = fields.take("ingest_key")? else { return Ok(None) };
    Ok(Some(value).filter(|label| !label.is_empty()))
}

/// Takes the context. Entries that only Flywheel writes are refused from a client. In a queued event they are another line's, as
/// in a correction, and are left out.
fn context<'a>(fields: &mut Fields<'a>, writer: Writer) -> Result<Vec<ContextEntry<'a>>, Refusal> {
    let Some(value) = fields.optional("context")? else { return Ok(Vec::new()) };
    let Json::Object(entries) = value else {
        return Err(wrong_type(&value, "an object of strings", "context"));
    };
    if entries.len() > MAX_CONTEXT_ENTRIES {
        let message = format!("may have at most {MAX_CONTEXT_ENTRIES} entries");
        return Err(Refusal::of_field(RefusalCode::InvalidValue, "context", message));
    }
    let entry = |(key, value): (Text<'a>, Json<'a>)| {
        let path = format!("context.{}", printable(&key.value));
        let key = fields.keep(label(Json::Text(key), &path)?);
        Ok(ContextEntry { key, value: fields.keep(label(value, &path)?) })
    };
    let mut context = entries.into_iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    let is_reserved = |entry: &ContextEntry<'_>| entry.key.starts_with(RESERVED);
    if let Some(reserved) = context.iter().find(|entry| writer == Writer::Client && is_reserved(entry)) {
        let path = format!("context.{}", printable(&reserved.key));
        let message = format!("is reserved: choose a key that does not begin with {RESERVED}");
        return Err(Refusal::of_field(RefusalCode::InvalidValue, &path, message));
    }
    context.retain(|entry| !is_reserved(entry));
    // Sorted, so that the derived id does not depend on the iteration order of a client's map.
    context.sort_by(|left, right| left.key.cmp(&right.key));
    if let Some(twice) = context.windows(2).find(|pair| pair[0].key == pair[1].key) {
        let path = format!("context.{}", printable(&twice[0].key));
        return Err(given_twice(&path));
    }
    Ok(context)
}

#[derive(Serialize)]
struct Message<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<FeedbackKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'e Cow<'e, str>>,
    prompt: &'e Prompt<'e>,
    original_llm_output: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    final_user_edit: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_id: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_id: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contributor: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<QueuedModel<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ingest_key: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<bool>,
    #[serde(skip_serializing_if = "ContextMap::is_empty")]
    context: ContextMap<'e>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_character: Option<bool>,
}

/// The model as it was sent. (A line keeps the absent adapter as `null`, because its columns are always there.)
#[derive(Serialize)]
struct QueuedModel<'e> {
    id: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    adapter: Option<&'e str>,
}

struct ContextMap<'e>(&'e [ContextEntry<'e>]);

impl ContextMap<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for ContextMap<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|entry| (&entry.key, &entry.value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINIMAL: &str = r#"{"prompt": "Write a python function", "original_llm_output": "def foo(): pass", "final_user_edit": "def calculate_tax(): return 0.2"}"#;

    fn refused(message: &str) -> (RefusalCode, Option<String>) {
        let refusal = EditEvent::parse(message, None).unwrap_err();
        (refusal.code, refusal.field)
    }

    /// Returns the minimal event with `field` set to `value` (JSON), or without it.
    fn with(field: &str, value: Option<&str>) -> String {
        let mut event: serde_json::Map<String, serde_json::Value> = serde_json::from_str(MINIMAL).unwrap();
        event.remove(field);
        if let Some(value) = value {
            event.insert(field.to_owned(), serde_json::from_str(value).unwrap());
        }
        serde_json::to_string(&event).unwrap()
    }

    #[test]
    fn the_minimal_payload_works_exactly_as_it_is() {
        let event = EditEvent::parse(MINIMAL, None).unwrap();
        assert_eq!(event.prompt.text(), "Write a python function");
        assert_eq!(event.rejected, "def foo(): pass");
        assert_eq!(event.chosen, "def calculate_tax(): return 0.2");
        assert_eq!(event.event_id.len(), 64);
        // Pinned: ids stay in the lake for ever, so a change of the layout is a break, not a refactoring.
        assert_eq!(event.pair_id, "cc2ebd7ee361b72e950e2946f4b696c55718e6298fa9dce8c60ac429bc517018");
        assert_eq!(event.event_id, "b812bc2bbaa31016cc7fc859929bbc5455ce841a333ceaba5d5f44b57a20b54f");
    }

    #[test]
    fn names_each_required_field_that_is_missing_null_empty_or_mistyped() {
        for field in ["prompt", "original_llm_output", "final_user_edit"] {
            let named = Some(field.to_owned());
            assert_eq!(refused(&with(field, None)), (RefusalCode::MissingField, named.clone()));
            assert_eq!(refused(&with(field, Some("null"))), (RefusalCode::NullField, named.clone()));
            assert_eq!(refused(&with(field, Some("\"\""))), (RefusalCode::EmptyField, named.clone()));
            assert_eq!(refused(&with(field, Some("7"))), (RefusalCode::WrongType, named));
        }
    }

    #[test]
    fn names_each_optional_field_that_is_wrong() {
        let long = format!("\"{}\"", "x".repeat(MAX_CONTEXT_ENTRIES * 10));
        let cases = [
            ("event_id", "1", RefusalCode::WrongType, "event_id"),
            ("event_id", "\"\"", RefusalCode::EmptyField, "event_id"),
            ("thread_id", long.as_str(), RefusalCode::InvalidValue, "thread_id"),
            ("contributor_id", "{}", RefusalCode::WrongType, "contributor_id"),
            ("model", "\"gpt\"", RefusalCode::WrongType, "model"),
            ("model", "{}", RefusalCode::MissingField, "model.id"),
            ("model", r#"{"id":"m","adapter":3}"#, RefusalCode::WrongType, "model.adapter"),
            ("occurred_at", "\"yesterday\"", RefusalCode::InvalidValue, "occurred_at"),
            ("occurred_at", "1763800000", RefusalCode::WrongType, "occurred_at"),
            ("occurred_at", "\"9999-12-31T23:59:59-01:00\"", RefusalCode::InvalidValue, "occurred_at"),
            ("occurred_at", "\"0000-01-01T00:00:00+01:00\"", RefusalCode::InvalidValue, "occurred_at"),
            ("consent", "\"yes\"", RefusalCode::WrongType, "consent"),
            ("context", "[]", RefusalCode::WrongType, "context"),
            ("context", r#"{"tenant":1}"#, RefusalCode::WrongType, "context.tenant"),
            ("prompt", "[]", RefusalCode::EmptyField, "prompt"),
            ("prompt", r#"["hi"]"#, RefusalCode::WrongType, "prompt[0]"),
            ("prompt", r#"[{"role":"user"}]"#, RefusalCode::MissingField, "prompt[0].content"),
            ("prompt", r#"[{"role":"robot","content":"x"}]"#, RefusalCode::InvalidValue, "prompt[0].role"),
        ];
        for (field, value, code, path) in cases {
            assert_eq!(refused(&with(field, Some(value))), (code, Some(path.to_owned())), "{field} = {value}");
        }
    }

    #[test]
    fn null_in_an_optional_field_is_the_same_as_leaving_it_out() {
        let plain = EditEvent::parse(MINIMAL, None).unwrap();
        for field in ["event_id", "thread_id", "contributor_id", "model", "occurred_at", "consent", "context"] {
            assert_eq!(EditEvent::parse(&with(field, Some("null")), None).unwrap(), plain);
        }
    }

    #[test]
    fn refuses_what_is_not_one_json_object() {
        assert_eq!(refused("[]").0, RefusalCode::WrongType);
        assert_eq!(refused("").0, RefusalCode::MalformedJson);
        assert_eq!(refused(&MINIMAL[..40]).0, RefusalCode::MalformedJson);
        let twice = MINIMAL.replacen('{', r#"{"prompt":"other","#, 1);
        assert_eq!(refused(&twice), (RefusalCode::DuplicateField, Some("prompt".to_owned())));
    }

    #[test]
    fn a_refusal_never_quotes_the_texts() {
        let refusal = EditEvent::parse(r#"{"prompt":"SECRET","original_llm_output":"SECRET\q"}"#, None).unwrap_err();
        assert!(!refusal.message.contains("SECRET"), "{refusal}");
    }

    #[test]
    fn a_chat_prompt_is_rendered_and_kept() {
        let messages = r#"[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]"#;
        let message = with("prompt", Some(messages));
        let event = EditEvent::parse(&message, None).unwrap();
        assert_eq!(event.prompt.text(), "system: Be brief.\n\nuser: Hi");
        assert_eq!(event.prompt.messages().unwrap().len(), 2);
        // Pinned, as above.
        assert_eq!(event.pair_id, "39eff53471b071ca78fd5be36af5393d6265646aa2338d608400218492bfde53");
    }

    #[test]
    fn what_the_model_saw_and_an_event_cannot_carry_is_refused_by_name() {
        let message = |fields: &str| {
            let messages =
                format!(r#"[{{"role":"user","content":"q"}},{{"role":"assistant","content":"a",{fields}}}]"#);
            with("prompt", Some(&messages))
        };
        for (name, value) in [
            ("function_call", r#"{"name":"f","arguments":"{}"}"#),
            ("refusal", r#""I cannot.""#),
            ("audio", r#"{"id":"audio_1"}"#),
            ("images", r#"["…"]"#),
        ] {
            let path = format!("prompt[1].{name}");
            let said = message(&format!(r#""{name}":{value}"#));
            assert_eq!(refused(&said), (RefusalCode::UnsupportedField, Some(path)));
        }
        for name in ["function_call", "images", "name", "tool_calls", "tool_call_id"] {
            for nothing in ["null", "[]", "{}", "\"\""] {
                let unsaid = message(&format!(r#""{name}":{nothing}"#));
                assert_eq!(EditEvent::parse(&unsaid, None), EditEvent::parse(&message("\"id\":\"m-1\""), None));
            }
        }
        for name in UNSUPPORTED {
            assert_eq!(refused(&with(name, Some("[{}]"))), (RefusalCode::UnsupportedField, Some(name.to_owned())));
            assert!(EditEvent::parse(&with(name, Some("[]")), None).is_ok());
        }
    }

    #[test]
    fn tools_may_answer_and_functions_may_not() {
        for role in ["system", "developer", "user", "assistant", "tool"] {
            let messages = format!(r#"[{{"role":"{role}","content":"4","created_at":1,"metadata":{{"a":1}}}}]"#);
            let event = with("prompt", Some(&messages));
            assert_eq!(EditEvent::parse(&event, None).unwrap().prompt.text(), format!("{role}: 4"));
        }
        let function = r#"[{"role":"function","content":"4"}]"#;
        assert_eq!(refused(&with("prompt", Some(function))).1.as_deref(), Some("prompt[0].role"));
    }

    #[test]
    fn the_derived_id_depends_on_all_that_the_event_says_but_not_on_order() {
        let key = ContributorKey::new("key");
        let id = |message: &str| EditEvent::parse(message, key.as_ref()).unwrap().event_id.into_owned();
        let plain = id(MINIMAL);
        let ids = [
            with("prompt", Some("\"t\"")),
            with("original_llm_output", Some("\"t\"")),
            with("final_user_edit", Some("\"t\"")),
            with("thread_id", Some("\"t\"")),
            with("contributor_id", Some("\"t\"")),
            with("model", Some(r#"{"id":"t"}"#)),
            with("model", Some(r#"{"id":"t","adapter":"u"}"#)),
            with("occurred_at", Some("\"2026-11-22T10:00:00Z\"")),
            with("consent", Some("true")),
            with("consent", Some("false")),
            with("context", Some(r#"{"a":"b"}"#)),
        ]
        .map(|message| id(&message));
        for (index, id) in ids.iter().enumerate() {
            assert!(*id != plain && !ids[..index].contains(id), "{index}");
        }
        let one = MINIMAL.replacen('{', r#"{"context":{"a":"1","b":"2"},"#, 1);
        let other = MINIMAL.replacen('}', r#","context":{"b":"2","a":"1"}}"#, 1);
        assert_eq!(id(&one), id(&other));
    }

    #[test]
    fn the_derived_id_depends_on_the_pseudonym_and_not_on_what_is_behind_it() {
        let key = ContributorKey::new("key");
        let id = |contributor_id: &str, key: Option<&ContributorKey>| {
            let message = with("contributor_id", Some(contributor_id));
            EditEvent::parse(&message, key).unwrap().event_id.into_owned()
        };
        let without = EditEvent::parse(MINIMAL, None).unwrap().event_id;
        assert_eq!(id("\"alice\"", None), without, "the hash of an id without a key would tell whose it is");
        // Pinned, as above.
        assert_eq!(id("\"alice\"", key.as_ref()), "89eebc3875f17688c4c973016cd62c78651bf68a1e597960aaba0997ffd7ddf2");
        assert_ne!(id("\"alice\"", key.as_ref()), id("\"bob\"", key.as_ref()));
        assert_ne!(id("\"alice\"", key.as_ref()), id("\"alice\"", ContributorKey::new("other").as_ref()));
    }

    #[test]
    fn occurred_at_is_kept_in_utc() {
        let message = with("occurred_at", Some("\"2026-11-22T11:30:00.5+01:00\""));
        assert_eq!(EditEvent::parse(&message, None).unwrap().occurred_at.unwrap().utc, "2026-11-22T10:30:00.500Z");
    }

    #[test]
    fn a_message_escapes_what_the_queue_refuses() {
        let message = with("final_user_edit", Some(r#""a\u0000b\ufffe\uffff""#));
        let event = EditEvent::parse(&message, None).unwrap();
        let queued = event.to_message().unwrap();
        assert!(queued.contains(r"a\u0000b\ufffe\uffff"), "{queued}");
        assert_eq!(EditEvent::parse(&queued, None).unwrap(), event);
    }

    proptest! {
        #[test]
        fn a_message_reads_back_as_the_same_event_and_grows_by_a_pseudonym_at_most(
            contributor_id in prop::option::of("\\PC{1,256}"), has_key in any::<bool>(), reader_has_key in any::<bool>(),
            prompt in "\\PC{1,40}", rejected in "\\PC{1,40}", chosen in "\\PC{1,40}",
            event_id in prop::option::of("[a-z]{1,8}"), consent in prop::option::of(any::<bool>()),
            context in prop::collection::btree_map("[a-z]{1,5}", "\\PC{1,9}", 0..4), model in "\\PC{1,9}",
            adapter in prop::option::of("\\PC{1,9}"), hour in 0..24_u8, offset in -23..24_i8,
        ) {
            let mut model = serde_json::json!({"id": model});
            if let Some(adapter) = adapter {
                model["adapter"] = adapter.into();
            }
            let sent = serde_json::json!({
                "prompt": prompt, "original_llm_output": rejected, "final_user_edit": chosen,
                "contributor_id": contributor_id, "event_id": event_id, "consent": consent, "context": context, "unknown": 1, "model": model,
                "occurred_at": format!("2026-11-22T{hour:02}:00:00{offset:+03}:30"),
            }).to_string();
            let key = ContributorKey::new("key").filter(|_| has_key);
            let readers_key = ContributorKey::new("another key").filter(|_| reader_has_key);
            let event = EditEvent::parse(&sent, key.as_ref()).unwrap();
            prop_assert_eq!(event.contributor.is_some(), contributor_id.is_some() && has_key);
            let message = event.to_message().unwrap();
            let pseudonym = if event.contributor.is_some() { 28 } else { 0 };
            prop_assert!(message.len() <= sent.len() + pseudonym);
            prop_assert_eq!(EditEvent::parse(&message, readers_key.as_ref()).unwrap(), event);
        }
    }
}
