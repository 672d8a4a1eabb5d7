//! One message of a chat prompt, in the forms of OpenAI's and Anthropic's APIs, mapped to one.

use std::borrow::Cow;

use flywheel_base::{
    Refusal, RefusalCode,
    fields::{Fields, label, text, wrong_type},
    json::Json,
};
use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use crate::limits::{MAX_PARTS, MAX_TOOL_CALLS};
use crate::media::{Media, MediaKind};
use crate::tool::{ToolCall, optional_name, require_few, unknown_type};

const ROLES: [&str; 5] = ["system", "developer", "user", "assistant", "tool"];

/// The types of parts, as a refusal names them.
const PARTS: &str = "text, image_url, input_audio, file, image, document, tool_use or tool_result";

/// Fields of a message that give a model input besides the content, in the formats of the common APIs and chat
/// templates. Without them the prompt is not the one that the model saw, and the pair would teach an answer to another.
///
/// Reasoning is not among them (`reasoning_content`, `thinking` and the like): APIs and chat templates leave the reasoning of
/// earlier turns out of later prompts. So it is accepted, and not kept.
pub(crate) const UNSUPPORTED: [&str; 16] = [
    // Tool calls and their results, in forms of other libraries.
    "tool_name",
    "function_call",
    "toolInvocations",
    "tool_plan",
    // An assistant's output outside its content.
    "refusal",
    // Media and documents outside the content.
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

/// One message of a chat prompt. As JSON it has its role and its text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChatMessage<'a> {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    pub role: Cow<'a, str>,
    /// The message's text; may be empty. Tool calls, images, audio and files are in it in their plain form.
    pub content: Cow<'a, str>,
    #[serde(skip)]
    rich: Option<Box<Rich<'a>>>,
}

/// The contents of a message that is more than a role and a text.
#[derive(Debug, Clone, PartialEq)]
struct Rich<'a> {
    content: Content<'a>,
    name: Option<Cow<'a, str>>,
    tool_calls: Vec<ToolCall<'a>>,
    tool_call_id: Option<Cow<'a, str>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Content<'a> {
    /// None, beside tool calls.
    Null,
    Text(Cow<'a, str>),
    /// Parts, at least one of which is no text.
    Parts(Vec<Part<'a>>),
}

#[derive(Debug, Clone, PartialEq)]
enum Part<'a> {
    Text(Cow<'a, str>),
    Media(Media),
}

/// The contents of a list of blocks, until a message is made of them.
#[derive(Default)]
struct Blocks<'a> {
    parts: Vec<Part<'a>>,
    tool_calls: Vec<ToolCall<'a>>,
}

impl<'a> ChatMessage<'a> {
    /// Creates a message of a role and a text.
    pub(crate) fn plain(role: Cow<'a, str>, content: Cow<'a, str>) -> Self {
        Self { role, content, rich: None }
    }

    /// Reads the message at `index` of the prompt. One of Anthropic's messages becomes several: each tool's result is a message
    /// of its own.
    pub(crate) fn read(
        index: usize,
        item: Json<'a>,
        event: &mut Fields<'a>,
        messages: &mut Vec<Self>,
    ) -> Result<(), Refusal> {
        let path = format!("prompt[{index}]");
        let Json::Object(entries) = item else {
            return Err(wrong_type(&item, "an object with role and content", &path));
        };
        let mut fields = Fields::new(entries, format!("{path}."));
        fields.refuse_unsupported(&UNSUPPORTED)?;
        let role = role(&mut fields)?;
        let name = optional_name(&mut fields, "name")?;
        let tool_call_id = optional_name(&mut fields, "tool_call_id")?;
        if tool_call_id.is_some() {
            require_role(&role, "tool", &fields.path_of("tool_call_id"))?;
        }
        let tool_calls = ToolCall::take_all(&mut fields, event)?;
        if !tool_calls.is_empty() {
            require_role(&role, "assistant", &fields.path_of("tool_calls"))?;
        }
        let content_path = fields.path_of("content");
        let mut rich = Rich { content: Content::Null, name, tool_calls, tool_call_id };
        match fields.take("content")? {
            None if rich.tool_calls.is_empty() => return Err(fields.missing("content")),
            Some(Json::Null) if rich.tool_calls.is_empty() => {
                let message = "is required, and may be null only beside tool_calls";
                return Err(Refusal::of_field(RefusalCode::NullField, &content_path, message));
            }
            None | Some(Json::Null) => {}
            Some(Json::List(blocks)) => {
                let before = messages.len();
                let blocks = Blocks::read(blocks, &role, &content_path, event, messages)?;
                let is_results_only = messages.len() > before && blocks.parts.is_empty();
                rich.tool_calls.extend(blocks.tool_calls);
                require_few(rich.tool_calls.len(), MAX_TOOL_CALLS, "tool calls", &content_path)?;
                if is_results_only {
                    return Ok(());
                }
                rich.content = Content::of(blocks.parts, !rich.tool_calls.is_empty());
            }
            Some(value @ Json::Text(_)) => rich.content = Content::Text(event.keep(text(value, &content_path)?)),
            Some(other) => return Err(wrong_type(&other, "a string or a list of parts", &content_path)),
        }
        messages.push(Self::of(role, rich));
        Ok(())
    }

    fn of(role: Cow<'a, str>, rich: Rich<'a>) -> Self {
        match rich {
            Rich { content: Content::Text(content), name: None, tool_calls, tool_call_id: None }
                if tool_calls.is_empty() =>
            {
                Self::plain(role, content)
            }
            rich => Self { role, content: Cow::Owned(rich.plain()), rich: Some(Box::new(rich)) },
        }
    }

    /// Returns `true` if the message is more than a role and a text.
    pub(crate) fn is_rich(&self) -> bool {
        self.rich.is_some()
    }

    /// Returns the message as one paragraph of the prompt's plain form: `role: content`. A name stands behind the role, and the
    /// id of the answered call in brackets.
    pub(crate) fn paragraph(&self) -> String {
        let Some(rich) = &self.rich else { return format!("{}: {}", self.role, self.content) };
        let name = rich.name.iter().map(|name| format!(" {name}"));
        let answered = rich.tool_call_id.iter().map(|id| format!(" [{id}]"));
        let speaker: String = name.chain(answered).collect();
        format!("{}{speaker}: {}", self.role, self.content)
    }

    /// Returns the texts of the message. The plain form of tool calls is among them: there a value stands beside its key, by
    /// which some personal data is recognised.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let within = self.rich.iter().flat_map(|rich| rich.texts());
        std::iter::once(self.content.as_ref()).chain(within)
    }

    /// Rewrites its texts, where `rewrite` has another for one.
    pub(crate) fn rewrite(&mut self, rewrite: &impl Fn(&str) -> Option<String>) {
        match &mut self.rich {
            None => replace(&mut self.content, rewrite),
            Some(rich) => {
                rich.rewrite(rewrite);
                self.content = Cow::Owned(rich.plain());
            }
        }
    }
}

/// Serialises the whole message, as it is queued and kept in a line.
pub(crate) struct Whole<'m>(pub(crate) &'m ChatMessage<'m>);

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ChatMessage { role, content, rich } = self.0;
        let mut message = serializer.serialize_struct("Message", 5)?;
        message.serialize_field("role", role)?;
        let Some(rich) = rich else {
            message.serialize_field("content", content)?;
            return message.end();
        };
        if let Some(name) = &rich.name {
            message.serialize_field("name", name)?;
        }
        if let Some(id) = &rich.tool_call_id {
            message.serialize_field("tool_call_id", id)?;
        }
        message.serialize_field("content", &rich.content)?;
        if !rich.tool_calls.is_empty() {
            message.serialize_field("tool_calls", &rich.tool_calls)?;
        }
        message.end()
    }
}

impl Rich<'_> {
    fn plain(&self) -> String {
        let content = match &self.content {
            Content::Null => Vec::new(),
            Content::Text(text) => vec![text.to_string()],
            Content::Parts(parts) => parts.iter().map(Part::plain).collect(),
        };
        let calls = self.tool_calls.iter().map(ToolCall::plain);
        content.into_iter().chain(calls).collect::<Vec<_>>().join("\n")
    }

    fn texts(&self) -> Vec<&str> {
        let labels = [&self.name, &self.tool_call_id].into_iter().filter_map(Option::as_deref);
        let content = match &self.content {
            Content::Null => Vec::new(),
            Content::Text(text) => vec![text.as_ref()],
            Content::Parts(parts) => parts.iter().filter_map(Part::text).collect(),
        };
        labels.chain(content).chain(self.tool_calls.iter().flat_map(ToolCall::texts)).collect()
    }

    fn rewrite(&mut self, rewrite: &impl Fn(&str) -> Option<String>) {
        [&mut self.name, &mut self.tool_call_id].into_iter().flatten().for_each(|text| replace(text, rewrite));
        match &mut self.content {
            Content::Null => {}
            Content::Text(text) => replace(text, rewrite),
            Content::Parts(parts) => {
                for part in parts {
                    if let Part::Text(text) = part {
                        replace(text, rewrite);
                    }
                }
            }
        }
        self.tool_calls.iter_mut().for_each(|call| call.rewrite(rewrite));
    }
}

impl<'a> Content<'a> {
    /// Returns the content of these parts. Texts alone are one text, a line each.
    fn of(parts: Vec<Part<'a>>, has_calls: bool) -> Self {
        if parts.iter().any(|part| matches!(part, Part::Media(_))) {
            return Self::Parts(parts);
        }
        let mut texts: Vec<_> = parts.into_iter().filter_map(Part::into_text).collect();
        match texts.len() {
            0 if has_calls => Self::Null,
            0 => Self::Text(Cow::Borrowed("")),
            1 => Self::Text(texts.remove(0)),
            _ => Self::Text(Cow::Owned(texts.join("\n"))),
        }
    }
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Text(text) => text.serialize(serializer),
            Self::Parts(parts) => parts.serialize(serializer),
        }
    }
}

impl<'a> Part<'a> {
    /// Returns the part as text, for the prompt's plain form.
    fn plain(&self) -> String {
        match self {
            Self::Text(text) => text.to_string(),
            Self::Media(media) => media.plain(),
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Media(_) => None,
        }
    }

    fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Media(_) => None,
        }
    }

    /// Reads a part with a text or a medium. `None` for reasoning, which is not kept.
    fn read(kind: &str, part: &mut Fields<'a>, event: &mut Fields<'a>) -> Result<Option<Self>, Refusal> {
        let known = match kind {
            "text" | "input_text" | "output_text" => Self::Text(required_text(part, "text", event)?),
            "refusal" => Self::Text(required_text(part, "refusal", event)?),
            "thinking" | "redacted_thinking" | "reasoning" => return Ok(None),
            "image_url" | "input_image" => Self::Media(wrapped(MediaKind::Image, part, "image_url")?),
            "image" => Self::Media(wrapped(MediaKind::Image, part, "source")?),
            "input_audio" | "audio" => Self::Media(wrapped(MediaKind::Audio, part, "input_audio")?),
            "file" | "input_file" => Self::Media(wrapped(MediaKind::File, part, "file")?),
            "document" => return document(part, event).map(Some),
            other => return Err(unknown_type(other, PARTS, &part.path_of("type"))),
        };
        Ok(Some(known))
    }
}

/// A part is written as it is queued. A medium has its digest alone.
impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = match self {
            Self::Text(text) => text,
            Self::Media(media) => return media.serialize(serializer),
        };
        let mut part = serializer.serialize_struct("Text", 2)?;
        part.serialize_field("type", "text")?;
        part.serialize_field("text", text)?;
        part.end()
    }
}

impl<'a> Blocks<'a> {
    /// Reads a list of parts or blocks. What stands before a tool's result, and the result, become messages of their own.
    fn read(
        items: Vec<Json<'a>>,
        role: &Cow<'a, str>,
        path: &str,
        event: &mut Fields<'a>,
        messages: &mut Vec<ChatMessage<'a>>,
    ) -> Result<Self, Refusal> {
        if items.is_empty() {
            return Err(Refusal::of_field(RefusalCode::EmptyField, path, "may not be an empty list"));
        }
        require_few(items.len(), MAX_PARTS, "parts", path)?;
        let mut blocks = Self::default();
        for (index, item) in items.into_iter().enumerate() {
            let path = format!("{path}[{index}]");
            let (kind, mut block) = typed(item, &path)?;
            match kind.as_ref() {
                "tool_use" => {
                    require_role(role, "assistant", &path)?;
                    blocks.tool_calls.push(ToolCall::from_block(&mut block, event)?);
                }
                "tool_result" => {
                    require_role(role, "user", &path)?;
                    let before = std::mem::take(&mut blocks.parts);
                    if !before.is_empty() {
                        let rich = Rich::of(Content::of(before, false));
                        messages.push(ChatMessage::of(role.clone(), rich));
                    }
                    messages.push(tool_result(&mut block, event)?);
                }
                kind => blocks.parts.extend(Part::read(kind, &mut block, event)?),
            }
        }
        Ok(blocks)
    }
}

impl<'a> Rich<'a> {
    fn of(content: Content<'a>) -> Self {
        Self { content, name: None, tool_calls: Vec::new(), tool_call_id: None }
    }
}

/// Reads Anthropic's block `tool_result` as a message of the tool: `{"tool_use_id","content"}`. `is_error` is not kept; the
/// content says the error.
fn tool_result<'a>(block: &mut Fields<'a>, event: &mut Fields<'a>) -> Result<ChatMessage<'a>, Refusal> {
    let tool_call_id = optional_name(block, "tool_use_id")?.ok_or_else(|| block.missing("tool_use_id"))?;
    let path = block.path_of("content");
    let content = match block.given("content")? {
        None => Content::Text(Cow::Borrowed("")),
        Some(value @ Json::Text(_)) => Content::Text(event.keep(text(value, &path)?)),
        Some(Json::List(items)) => {
            require_few(items.len(), MAX_PARTS, "parts", &path)?;
            let mut parts = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                let (kind, mut part) = typed(item, &format!("{path}[{index}]"))?;
                parts.extend(Part::read(&kind, &mut part, event)?);
            }
            Content::of(parts, false)
        }
        Some(other) => return Err(wrong_type(&other, "a string or a list of parts", &path)),
    };
    let rich = Rich { tool_call_id: Some(tool_call_id), ..Rich::of(content) };
    Ok(ChatMessage::of(Cow::Borrowed("tool"), rich))
}

/// Takes the type of a part or block.
fn typed<'a>(item: Json<'a>, path: &str) -> Result<(Cow<'a, str>, Fields<'a>), Refusal> {
    let Json::Object(entries) = item else { return Err(wrong_type(&item, "an object with a type", path)) };
    let mut fields = Fields::new(entries, format!("{path}."));
    let kind = fields.required("type")?;
    let kind = label(kind, &fields.path_of("type"))?.value;
    Ok((kind, fields))
}

/// Takes a medium whose fields are in the object `name`, or beside the type. In some APIs `name` is the link itself.
fn wrapped<'a>(kind: MediaKind, part: &mut Fields<'a>, name: &str) -> Result<Media, Refusal> {
    let path = part.path_of(name);
    match part.given(name)? {
        None => Media::take(kind, part),
        Some(Json::Object(entries)) => Media::take(kind, &mut Fields::new(entries, format!("{path}."))),
        Some(address) => Media::of_address(kind, address, false, &path),
    }
}

/// Takes Anthropic's block `document`: a file, or a text.
fn document<'a>(part: &mut Fields<'a>, event: &mut Fields<'a>) -> Result<Part<'a>, Refusal> {
    part.refuse_unsupported(&["context"])?;
    let path = part.path_of("source");
    let source = part.required("source")?;
    let is_text = matches!(source.field("type"), Some(Json::Text(kind)) if kind.value == "text");
    let Json::Object(entries) = source else { return Err(wrong_type(&source, "an object", &path)) };
    let mut source = Fields::new(entries, format!("{path}."));
    if is_text {
        return required_text(&mut source, "data", event).map(Part::Text);
    }
    Media::take(MediaKind::File, &mut source).map(Part::Media)
}

fn required_text<'a>(part: &mut Fields<'a>, name: &str, event: &mut Fields<'a>) -> Result<Cow<'a, str>, Refusal> {
    let value = part.required(name)?;
    Ok(event.keep(text(value, &part.path_of(name))?))
}

fn role<'a>(fields: &mut Fields<'a>) -> Result<Cow<'a, str>, Refusal> {
    let path = fields.path_of("role");
    let role = label(fields.required("role")?, &path)?.value;
    if ROLES.contains(&role.as_ref()) {
        return Ok(role);
    }
    Err(Refusal::of_field(RefusalCode::InvalidValue, &path, format!("must be one of {}", ROLES.join(", "))))
}

fn require_role(role: &str, wanted: &str, path: &str) -> Result<(), Refusal> {
    if role == wanted {
        return Ok(());
    }
    let message = format!("belongs to a message of the role {wanted}; send it there");
    Err(Refusal::of_field(RefusalCode::InvalidValue, path, message))
}

fn replace(text: &mut Cow<'_, str>, rewrite: &impl Fn(&str) -> Option<String>) {
    if let Some(rewritten) = rewrite(text) {
        *text = Cow::Owned(rewritten);
    }
}
