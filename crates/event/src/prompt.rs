//! The prompt to the model: one text, or the messages of a chat.

use std::borrow::Cow;

use flywheel_base::{
    Refusal, RefusalCode,
    fields::{Fields, label, non_empty_text, text, wrong_type},
    json::Json,
};
use serde::Serialize;

const ROLES: [&str; 5] = ["system", "developer", "user", "assistant", "tool"];

/// Fields of a message that give a model input besides the content, in the formats of the common APIs and chat
/// templates. Without them the prompt is not the one that the model saw, and the pair would teach an answer to another.
const UNSUPPORTED: [&str; 24] = [
    // Speakers.
    "name",
    // Tool calls and their results.
    "tool_calls",
    "tool_call_id",
    "tool_name",
    "function_call",
    "toolInvocations",
    // An assistant's output outside its content.
    "refusal",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "thinking",
    "thinking_blocks",
    "tool_plan",
    // Media and documents.
    "parts",
    "audio",
    "input_audio",
    "audios",
    "image",
    "images",
    "videos",
    "files",
    "documents",
    "attachments",
    "experimental_attachments",
];

/// One message of a chat prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChatMessage<'a> {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    pub role: Cow<'a, str>,
    /// The message's text; may be empty.
    pub content: Cow<'a, str>,
}

/// A prompt, always with its plain text form. A chat prompt keeps its messages, too.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt<'a> {
    text: Cow<'a, str>,
    messages: Option<Vec<ChatMessage<'a>>>,
}

impl<'a> Prompt<'a> {
    /// Takes the prompt out of an event's fields.
    pub(crate) fn take(fields: &mut Fields<'a>) -> Result<Self, Refusal> {
        match fields.required("prompt")? {
            Json::List(items) => Self::from_messages(items, fields),
            value @ Json::Text(_) => Ok(Self { text: fields.keep(non_empty_text(value, "prompt")?), messages: None }),
            other => Err(wrong_type(&other, "a string or a list of messages", "prompt")),
        }
    }

    fn from_messages(items: Vec<Json<'a>>, fields: &mut Fields<'a>) -> Result<Self, Refusal> {
        if items.is_empty() {
            return Err(Refusal::of_field(RefusalCode::EmptyField, "prompt", "may not be empty"));
        }
        let messages = items.into_iter().enumerate().map(|(index, item)| message(index, item, fields));
        let messages = messages.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { text: Cow::Owned(render(&messages)), messages: Some(messages) })
    }

    /// Returns the prompt as one string. Messages are rendered as `role: content`, with a blank line between them.
    ///
    /// The form is fixed for ever: ids and the held-out split hash it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the texts that people wrote: the text, or each message's content.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &str> {
        let messages = self.messages.iter().flatten().map(|message| message.content.as_ref());
        self.messages.is_none().then_some(self.text.as_ref()).into_iter().chain(messages)
    }

    /// Rewrites these texts, where `rewrite` has another text for one.
    pub(crate) fn rewrite(&mut self, rewrite: impl Fn(&str) -> Option<String>) {
        let Some(messages) = &mut self.messages else {
            if let Some(text) = rewrite(&self.text) {
                self.text = Cow::Owned(text);
            }
            return;
        };
        for message in messages.iter_mut() {
            if let Some(content) = rewrite(&message.content) {
                message.content = Cow::Owned(content);
            }
        }
        self.text = Cow::Owned(render(messages));
    }

    /// Returns the messages of a chat prompt, as they were sent.
    #[must_use]
    pub fn messages(&self) -> Option<&[ChatMessage<'a>]> {
        self.messages.as_deref()
    }
}

/// A prompt is queued as it was sent: a string, or a list of messages.
impl Serialize for Prompt<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.messages {
            Some(messages) => messages.serialize(serializer),
            None => self.text.serialize(serializer),
        }
    }
}

fn message<'a>(index: usize, item: Json<'a>, event: &mut Fields<'a>) -> Result<ChatMessage<'a>, Refusal> {
    let path = format!("prompt[{index}]");
    let Json::Object(entries) = item else { return Err(wrong_type(&item, "an object with role and content", &path)) };
    let mut fields = Fields::new(entries, format!("{path}."));
    // First, because content is often null beside a tool call.
    fields.refuse_unsupported(&UNSUPPORTED)?;
    let role_path = fields.path_of("role");
    let role = label(fields.required("role")?, &role_path)?.value;
    if !ROLES.contains(&role.as_ref()) {
        let message = format!("must be one of {}", ROLES.join(", "));
        return Err(Refusal::of_field(RefusalCode::InvalidValue, &role_path, message));
    }
    let content_path = fields.path_of("content");
    let content = text(fields.required("content")?, &content_path)?;
    Ok(ChatMessage { role, content: event.keep(content) })
}

fn render(messages: &[ChatMessage<'_>]) -> String {
    let turns = messages.iter().map(|message| format!("{}: {}", message.role, message.content));
    turns.collect::<Vec<_>>().join("\n\n")
}
