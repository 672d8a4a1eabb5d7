//! The prompt to the model: one text, or the messages of a chat with the tools that the model may call.

use std::borrow::Cow;

use flywheel_base::{
    Refusal, RefusalCode,
    fields::{Fields, non_empty_text, wrong_type},
    json::Json,
};
use serde::Serialize;

use crate::message::{ChatMessage, Whole};
use crate::tool::take_tools;

/// A prompt, always with its plain text form. A chat prompt keeps its messages, too.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt<'a> {
    text: Cow<'a, str>,
    messages: Option<Vec<ChatMessage<'a>>>,
    /// The tools' schemas, as a list in one form.
    tools: Option<Box<Json<'a>>>,
    /// The same as one text.
    tools_text: Option<String>,
}

impl<'a> Prompt<'a> {
    /// Takes the prompt out of an event's fields. One text beside tools is the message of a user.
    pub(crate) fn take(fields: &mut Fields<'a>) -> Result<Self, Refusal> {
        let mut prompt = match fields.required("prompt")? {
            Json::List(items) => Self::from_messages(items, fields)?,
            value @ Json::Text(_) => Self {
                text: fields.keep(non_empty_text(value, "prompt")?),
                messages: None,
                tools: None,
                tools_text: None,
            },
            other => return Err(wrong_type(&other, "a string or a list of messages", "prompt")),
        };
        if let Some(tools) = take_tools(fields)? {
            let Self { text, messages, .. } = prompt;
            let messages = messages.unwrap_or_else(|| vec![ChatMessage::plain(Cow::Borrowed("user"), text)]);
            prompt = Self::of(messages, Some(Box::new(tools)));
        }
        Ok(prompt)
    }

    fn from_messages(items: Vec<Json<'a>>, fields: &mut Fields<'a>) -> Result<Self, Refusal> {
        if items.is_empty() {
            return Err(Refusal::of_field(RefusalCode::EmptyField, "prompt", "may not be empty"));
        }
        let mut messages = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            ChatMessage::read(index, item, fields, &mut messages)?;
        }
        Ok(Self::of(messages, None))
    }

    fn of(messages: Vec<ChatMessage<'a>>, tools: Option<Box<Json<'a>>>) -> Self {
        let tools_text = tools.as_ref().map(|tools| tools.plain());
        let text = Cow::Owned(render(&messages, tools_text.as_deref()));
        Self { text, messages: Some(messages), tools, tools_text }
    }

    /// Returns the prompt as one string. Messages are rendered as `role: content`, with a blank line between them. Tools come
    /// first, as `tools: […]`; the name of a speaker and the id of an answered call stand behind the role.
    ///
    /// The form is fixed for ever: ids and the held-out split hash it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the texts that people and tools wrote: the text, or those of each message; then those of the tools' schemas, and all
    /// schemas as one text, in which a key says what a value is.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &str> {
        let messages = self.messages.iter().flatten().flat_map(ChatMessage::texts);
        let tools = self.tools.iter().flat_map(|tools| tools.texts());
        let tools = tools.chain(self.tools_text.as_deref());
        self.messages.is_none().then_some(self.text.as_ref()).into_iter().chain(messages).chain(tools)
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
            message.rewrite(&rewrite);
        }
        if let Some(tools) = &mut self.tools {
            tools.rewrite(&rewrite);
            self.tools_text = Some(tools.plain());
        }
        self.text = Cow::Owned(render(messages, self.tools_text.as_deref()));
    }

    /// Returns the messages of a chat prompt, each with its role and its text.
    #[must_use]
    pub fn messages(&self) -> Option<&[ChatMessage<'a>]> {
        self.messages.as_deref()
    }

    /// Returns the whole messages as JSON, in OpenAI's form, if one of them is more than a role and a text. Arguments are strings
    /// of canonical JSON. Images, audio and files are digests.
    ///
    /// # Errors
    /// None in practice: texts always serialise.
    pub fn whole_messages(&self) -> serde_json::Result<Option<String>> {
        let Some(messages) = self.messages.as_ref().filter(|messages| messages.iter().any(ChatMessage::is_rich)) else {
            return Ok(None);
        };
        serde_json::to_string(&messages.iter().map(Whole).collect::<Vec<_>>()).map(Some)
    }

    /// Returns the schemas of the tools as canonical JSON: a list of `{"type":"function","function":{…}}`.
    #[must_use]
    pub fn tools(&self) -> Option<String> {
        self.tools.as_ref().map(|tools| tools.compact())
    }
}

/// A prompt is queued as a string, or as a list of whole messages. Its tools are a field of their own.
impl Serialize for Prompt<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.messages {
            Some(messages) => serializer.collect_seq(messages.iter().map(Whole)),
            None => self.text.serialize(serializer),
        }
    }
}

fn render(messages: &[ChatMessage<'_>], tools: Option<&str>) -> String {
    let tools = tools.map(|tools| format!("tools: {tools}"));
    let turns = messages.iter().map(ChatMessage::paragraph);
    tools.into_iter().chain(turns).collect::<Vec<_>>().join("\n\n")
}
