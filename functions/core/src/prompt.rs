//! What the model was asked: one text, or the messages of a chat.

use std::borrow::Cow;

use serde::Serialize;

use crate::fields::{Fields, label, non_empty_text, text, wrong_type};
use crate::json::Json;
use crate::refusal::{Refusal, RefusalCode};

const ROLES: [&str; 5] = ["system", "developer", "user", "assistant", "tool"];

/// One message of a chat prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChatMessage<'a> {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    pub role: Cow<'a, str>,
    /// The message's text; may be empty.
    pub content: Cow<'a, str>,
}

/// A prompt, always with its plain text form; a chat prompt keeps its messages, too.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt<'a> {
    text: Cow<'a, str>,
    messages: Option<Vec<ChatMessage<'a>>>,
}

impl<'a> Prompt<'a> {
    pub(crate) fn from_json(value: Json<'a>) -> Result<Self, Refusal> {
        match value {
            Json::List(items) => Self::from_messages(items),
            Json::Text(_) => Ok(Self { text: non_empty_text(value, "prompt")?, messages: None }),
            other => Err(wrong_type(&other, "a string or a list of messages", "prompt")),
        }
    }

    fn from_messages(items: Vec<Json<'a>>) -> Result<Self, Refusal> {
        if items.is_empty() {
            return Err(Refusal::of_field(RefusalCode::EmptyField, "prompt", "may not be empty"));
        }
        let messages = items.into_iter().enumerate().map(|(index, item)| message(index, item));
        let messages = messages.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { text: Cow::Owned(render(&messages)), messages: Some(messages) })
    }

    /// The prompt as one string. Messages are rendered as `role: content`, a blank line between them.
    ///
    /// The form is fixed for ever: ids and the held-out split hash it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What people wrote: the text, or each message's content.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &str> {
        let messages = self.messages.iter().flatten().map(|message| message.content.as_ref());
        self.messages.is_none().then_some(self.text.as_ref()).into_iter().chain(messages)
    }

    /// Rewrites what people wrote, where `rewrite` has another text for it.
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

    /// The messages of a chat prompt, as they were sent.
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

fn message<'a>(index: usize, item: Json<'a>) -> Result<ChatMessage<'a>, Refusal> {
    let path = format!("prompt[{index}]");
    let Json::Object(entries) = item else { return Err(wrong_type(&item, "an object with role and content", &path)) };
    let mut fields = Fields::new(entries, format!("{path}."));
    let role_path = fields.path_of("role");
    let role = label(fields.required("role")?, &role_path)?;
    if !ROLES.contains(&role.as_ref()) {
        let message = format!("must be one of {}", ROLES.join(", "));
        return Err(Refusal::of_field(RefusalCode::InvalidValue, &role_path, message));
    }
    let content_path = fields.path_of("content");
    let content = text(fields.required("content")?, &content_path)?;
    Ok(ChatMessage { role, content })
}

fn render(messages: &[ChatMessage<'_>]) -> String {
    let turns = messages.iter().map(|message| format!("{}: {}", message.role, message.content));
    turns.collect::<Vec<_>>().join("\n\n")
}
