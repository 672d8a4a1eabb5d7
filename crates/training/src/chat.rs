//! The messages of a chat, from the columns of a line, in the shapes that trainers read.

use std::borrow::Cow;

use flywheel_base::JsonObject;
use serde::Deserialize;
use serde::de::IgnoredAny;

const ASSISTANT: &str = "assistant";

/// A message of a chat as it is exported. Fields that it does not have are not written.
#[derive(Clone)]
pub(crate) struct Message<'l> {
    pub(crate) role: Cow<'l, str>,
    /// Its text; none beside tool calls.
    pub(crate) content: Option<Cow<'l, str>>,
    name: Option<String>,
    tool_call_id: Option<String>,
    tool_calls: Vec<ToolCall>,
}

/// A call of a function.
#[derive(Clone, Deserialize)]
struct ToolCall {
    #[serde(default)]
    id: Option<String>,
    function: Function,
}

#[derive(Clone, Deserialize)]
struct Function {
    name: String,
    /// An object as canonical JSON, or another text that the model wrote in its place.
    arguments: String,
}

/// The form of tool calls' arguments and of the tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Arguments are objects, as chat templates read them, where they are JSON; and the tools are a text of JSON, which TRL decodes: a type of their
    /// own would differ from row to row.
    Templates,
    /// Arguments are texts of JSON, and the tools are a list, as OpenAI's API has them.
    OpenAi,
    /// Both are texts: in a table, a column has one type.
    Table,
}

/// The prompt has an image, audio or a file, of which the lake has a digest only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HasMedia;

/// A message in the column `prompt_chat`.
#[derive(Deserialize)]
struct Whole {
    role: String,
    content: Option<Content>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    tool_call_id: Option<String>,
    #[serde(default)]
    tool_calls: Vec<ToolCall>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    /// A list is kept only where one of the parts is a medium.
    Parts(#[expect(dead_code, reason = "no export has the parts")] Vec<IgnoredAny>),
}

/// Reads the column `prompt_chat`.
///
/// # Errors
/// If the column is none of the lake's.
pub(crate) fn whole_messages(column: &str) -> serde_json::Result<Result<Vec<Message<'static>>, HasMedia>> {
    let messages = serde_json::from_str::<Vec<Whole>>(column)?;
    Ok(messages.into_iter().map(Whole::into_message).collect())
}

/// Returns `true` if a row's prompt has an image, audio or a file, by the row's column `prompt_chat`. The lake has the digest
/// only, so no trainer can show it to a model.
#[must_use]
pub fn has_media(prompt_chat: Option<&str>) -> bool {
    prompt_chat.is_some_and(|column| matches!(whole_messages(column), Ok(Err(HasMedia))))
}

impl Whole {
    fn into_message(self) -> Result<Message<'static>, HasMedia> {
        let content = match self.content {
            None => None,
            Some(Content::Text(text)) => Some(Cow::Owned(text)),
            Some(Content::Parts(_)) => return Err(HasMedia),
        };
        let Self { role, name, tool_call_id, tool_calls, .. } = self;
        Ok(Message { role: Cow::Owned(role), content, name, tool_call_id, tool_calls })
    }
}

impl<'l> Message<'l> {
    /// Creates a message of a role and a text.
    pub(crate) fn text(role: Cow<'l, str>, content: Cow<'l, str>) -> Self {
        Self { role, content: Some(content), name: None, tool_call_id: None, tool_calls: Vec::new() }
    }

    /// Creates the assistant's answer.
    pub(crate) fn answer(text: Cow<'l, str>) -> Self {
        Self::text(Cow::Borrowed(ASSISTANT), text)
    }

    pub(crate) fn is_assistant(&self) -> bool {
        self.role == ASSISTANT
    }

    pub(crate) fn calls_tools(&self) -> bool {
        !self.tool_calls.is_empty()
    }

    /// Appends another of the assistant's turns: its text after a blank line, and its calls.
    pub(crate) fn append(&mut self, other: Self) {
        self.content = match (self.content.take(), other.content) {
            (Some(before), Some(content)) => Some(Cow::Owned(format!("{before}\n\n{content}"))),
            (before, content) => before.or(content),
        };
        self.tool_calls.extend(other.tool_calls);
    }

    /// Returns the message as JSON, in a shape.
    fn to_json(&self, shape: Shape) -> String {
        let mut json = JsonObject::with_capacity(self.content.as_ref().map_or(0, |text| text.len()) + 64);
        json.text("role", Some(&self.role));
        json.text("content", self.content.as_deref());
        if let Some(name) = &self.name {
            json.text("name", Some(name));
        }
        if let Some(id) = &self.tool_call_id {
            json.text("tool_call_id", Some(id));
        }
        if !self.tool_calls.is_empty() {
            json.raw("tool_calls", &list(self.tool_calls.iter().map(|call| call.to_json(shape))));
        }
        json.finish()
    }
}

impl ToolCall {
    fn to_json(&self, shape: Shape) -> String {
        let mut function = JsonObject::with_capacity(self.function.arguments.len() + 64);
        function.text("name", Some(&self.function.name));
        let arguments = &self.function.arguments;
        if shape == Shape::Templates && is_object(arguments) {
            function.raw("arguments", arguments);
        } else {
            function.text("arguments", Some(arguments));
        }
        let mut call = JsonObject::with_capacity(self.function.arguments.len() + 128);
        if let Some(id) = &self.id {
            call.text("id", Some(id));
        }
        call.text("type", Some("function"));
        call.raw("function", &function.finish());
        call.finish()
    }
}

/// Returns messages as JSON, in a shape.
pub(crate) fn messages_json<'m>(messages: impl IntoIterator<Item = &'m Message<'m>>, shape: Shape) -> String {
    list(messages.into_iter().map(|message| message.to_json(shape)))
}

/// Adds the tools of a prompt that has some, in a shape. `tools` is a text of JSON.
pub(crate) fn add_tools(json: &mut JsonObject, tools: Option<&str>, shape: Shape) {
    match (tools, shape) {
        (None, _) => {}
        (Some(tools), Shape::OpenAi) => json.raw("tools", tools),
        (Some(tools), Shape::Templates | Shape::Table) => json.text("tools", Some(tools)),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    let mut list = "[".to_owned();
    for (index, item) in items.enumerate() {
        if index > 0 {
            list.push(',');
        }
        list.push_str(&item);
    }
    list.push(']');
    list
}

/// Returns `true` for an object in JSON that any reader takes: on one line, no deeper than serde_json reads values, with numbers
/// that are finite.
fn is_object(arguments: &str) -> bool {
    let is_one = || serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(arguments).is_ok();
    arguments.starts_with('{') && !arguments.contains('\n') && is_one()
}

/// Checks that a text is JSON on one line: it is written among other JSON as it is.
pub(crate) fn check(json: &str) -> serde_json::Result<()> {
    if json.contains('\n') {
        return Err(serde::de::Error::custom("JSON of one line is expected"));
    }
    serde_json::from_str::<IgnoredAny>(json).map(drop)
}
