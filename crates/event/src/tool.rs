//! The tools that a model may call, and its calls.

use std::borrow::Cow;

use flywheel_base::{
    Refusal, RefusalCode,
    fields::{Fields, id, wrong_type},
    json,
    json::{Json, Text},
    require_visible,
};
use serde::{Serialize, Serializer, ser::SerializeStruct as _};

use crate::limits::{MAX_ARGUMENTS_BYTES, MAX_JSON_DEPTH, MAX_TOOL_CALLS, MAX_TOOLS, MAX_TOOLS_BYTES};

/// The one type of tool that an event carries.
const FUNCTION: &str = "function";

/// One call of a function by the model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToolCall<'a> {
    /// The id that the answer refers to. Some APIs have none.
    id: Option<Cow<'a, str>>,
    name: Cow<'a, str>,
    /// An object, or a string that is none.
    arguments: Json<'a>,
}

impl<'a> ToolCall<'a> {
    /// Takes the field `tool_calls` of a message.
    pub(crate) fn take_all(message: &mut Fields<'a>, event: &mut Fields<'a>) -> Result<Vec<Self>, Refusal> {
        let path = message.path_of("tool_calls");
        let items = match message.given("tool_calls")? {
            None => return Ok(Vec::new()),
            Some(Json::List(items)) => items,
            Some(other) => return Err(wrong_type(&other, "a list of tool calls", &path)),
        };
        require_few(items.len(), MAX_TOOL_CALLS, "tool calls", &path)?;
        let calls = items.into_iter().enumerate();
        calls.map(|(index, item)| Self::from_json(item, &format!("{path}[{index}]"), event)).collect()
    }

    /// Reads a call in OpenAI's form, `{"id","type":"function","function":{"name","arguments"}}`, or with name and arguments
    /// beside the id.
    fn from_json(item: Json<'a>, path: &str, event: &mut Fields<'a>) -> Result<Self, Refusal> {
        let Json::Object(entries) = item else { return Err(wrong_type(&item, "an object with a function", path)) };
        let mut fields = Fields::new(entries, format!("{path}."));
        let kind = fields.take("type")?.unwrap_or(Json::Null);
        require_function(&kind, false, &fields.path_of("type"))?;
        let id = optional_name(&mut fields, "id")?;
        let mut function = match fields.optional(FUNCTION)? {
            Some(Json::Object(entries)) => Fields::new(entries, format!("{path}.{FUNCTION}.")),
            Some(other) => {
                return Err(wrong_type(&other, "an object with name and arguments", &fields.path_of(FUNCTION)));
            }
            None if fields.contains("name") => fields,
            None => return Err(fields.missing(FUNCTION)),
        };
        // Names of arguments elsewhere. Passed over, they would make calls with different arguments the same.
        function.refuse(&["args", "input", "parameters"], "is no field of a function call: use arguments")?;
        let name = required_name(&mut function)?;
        let arguments = arguments(&mut function, "arguments", event)?;
        Ok(Self { id, name, arguments })
    }

    /// Reads Anthropic's block `tool_use`: `{"id","name","input"}`.
    pub(crate) fn from_block(block: &mut Fields<'a>, event: &mut Fields<'a>) -> Result<Self, Refusal> {
        block.refuse(&["args", "arguments", "parameters"], "is no field of a tool_use block: use input")?;
        let id = optional_name(block, "id")?;
        let name = required_name(block)?;
        let arguments = arguments(block, "input", event)?;
        Ok(Self { id, name, arguments })
    }

    /// Returns the call as text, for the prompt's plain form.
    pub(crate) fn plain(&self) -> String {
        let arguments = self.arguments.plain();
        match &self.id {
            Some(id) => format!("[tool call {id}: {} {arguments}]", self.name),
            None => format!("[tool call: {} {arguments}]", self.name),
        }
    }

    /// Returns its texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.id.as_deref().into_iter().chain([self.name.as_ref()]).chain(self.arguments.texts())
    }

    /// Rewrites its texts, where `rewrite` has another for one.
    pub(crate) fn rewrite(&mut self, rewrite: &impl Fn(&str) -> Option<String>) {
        for text in self.id.iter_mut().chain([&mut self.name]) {
            if let Some(rewritten) = rewrite(text) {
                *text = Cow::Owned(rewritten);
            }
        }
        self.arguments.rewrite(rewrite);
    }
}

/// A call is written in OpenAI's form, with its arguments as a string of canonical JSON.
impl Serialize for ToolCall<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Function<'c> {
            name: &'c str,
            arguments: String,
        }
        let mut call = serializer.serialize_struct("ToolCall", 3)?;
        if let Some(id) = &self.id {
            call.serialize_field("id", id)?;
        }
        call.serialize_field("type", FUNCTION)?;
        let arguments = match &self.arguments {
            Json::Text(text) => text.value.to_string(),
            object => object.compact(),
        };
        call.serialize_field(FUNCTION, &Function { name: &self.name, arguments })?;
        call.end()
    }
}

/// Takes the field `tools` of an event, in one form: a list of `{"type":"function","function":{…}}`.
///
/// It reads OpenAI's form, the form with the function's fields beside the type, and Anthropic's (`input_schema`).
pub(crate) fn take_tools<'a>(event: &mut Fields<'a>) -> Result<Option<Json<'a>>, Refusal> {
    let items = match event.given("tools")? {
        None => return Ok(None),
        Some(Json::List(items)) => items,
        Some(other) => return Err(wrong_type(&other, "a list of tools", "tools")),
    };
    require_few(items.len(), MAX_TOOLS, "tools", "tools")?;
    let tools = items.into_iter().enumerate().map(|(index, item)| tool(item, &format!("tools[{index}]")));
    let tools = event.keep_json(Json::List(tools.collect::<Result<_, _>>()?));
    require_bounds(&tools, MAX_TOOLS_BYTES, "tools")?;
    Ok(Some(tools))
}

fn tool<'a>(item: Json<'a>, path: &str) -> Result<Json<'a>, Refusal> {
    let Json::Object(entries) = item else { return Err(wrong_type(&item, "an object with a function", path)) };
    let has = |name: &str| entries.iter().any(|(key, _)| key.value == name);
    let is_flat = has("name");
    let is_anthropic = has("input_schema");
    let (mut function, mut flat) = (None, Vec::new());
    for (key, value) in entries {
        match key.value.as_ref() {
            "type" => require_function(&value, is_anthropic, &format!("{path}.type"))?,
            FUNCTION if value != Json::Null => function = Some(value),
            FUNCTION => {}
            // A hint for the API, which the model does not see.
            "cache_control" => {}
            "input_schema" => flat.push((Text::from("parameters"), value)),
            _ => flat.push((key, value)),
        }
    }
    let (flat_path, path) = (format!("{path}.name"), format!("{path}.{FUNCTION}"));
    let name_path = if function.is_some() { format!("{path}.name") } else { flat_path };
    let function = match function {
        Some(Json::Object(entries)) => entries,
        Some(other) => return Err(wrong_type(&other, "an object with a name", &path)),
        None if is_flat => flat,
        None => return Err(Refusal::of_field(RefusalCode::MissingField, &path, "is required")),
    };
    let name = function.iter().find(|(key, _)| key.value == "name").map(|(_, value)| value.clone());
    let name = name.ok_or_else(|| Refusal::of_field(RefusalCode::MissingField, &name_path, "is required"))?;
    require_visible(&id(name, &name_path)?, &name_path)?;
    let text = |text: &'static str| Text::from(text);
    Ok(Json::Object(vec![(text("type"), Json::Text(text(FUNCTION))), (text(FUNCTION), Json::Object(function))]))
}

/// Refuses a tool that is not a function: hosted and custom tools have no schema. Anthropic's API has `custom` for a function.
fn require_function(kind: &Json<'_>, is_anthropic: bool, path: &str) -> Result<(), Refusal> {
    match kind {
        Json::Null => Ok(()),
        Json::Text(kind) if kind.value == FUNCTION || (is_anthropic && kind.value == "custom") => Ok(()),
        Json::Text(kind) => Err(unknown_type(&kind.value, FUNCTION, path)),
        other => Err(wrong_type(other, "a string", path)),
    }
}

/// Takes a call's arguments: an object, or a string, as OpenAI's API has it. A string that is no object of JSON is kept as it is:
/// models write such, too. An absent or empty value means no arguments.
fn arguments<'a>(fields: &mut Fields<'a>, name: &str, event: &mut Fields<'a>) -> Result<Json<'a>, Refusal> {
    let path = fields.path_of(name);
    let arguments = match fields.given(name)? {
        None => Json::Object(Vec::new()),
        Some(Json::Text(text)) => {
            let parsed = json::read(&text.value).ok().filter(|value| matches!(value, Json::Object(_)));
            match parsed.map(Json::into_owned) {
                None if nesting(&text.value) > MAX_JSON_DEPTH => return Err(too_deep(&path)),
                None => Json::Text(text),
                Some(object) => {
                    event.keep(text);
                    object
                }
            }
        }
        Some(object @ Json::Object(_)) => object,
        Some(other) => return Err(wrong_type(&other, "an object, or a string of one", &path)),
    };
    require_bounds(&arguments, MAX_ARGUMENTS_BYTES, &path)?;
    Ok(event.keep_json(arguments))
}

fn require_bounds(value: &Json<'_>, max_bytes: usize, path: &str) -> Result<(), Refusal> {
    let bytes = value.compact().len();
    if bytes > max_bytes {
        let message = format!("has {bytes} bytes of JSON; at most {max_bytes} are taken");
        return Err(Refusal::of_field(RefusalCode::InvalidValue, path, message));
    }
    if value.depth() > MAX_JSON_DEPTH { Err(too_deep(path)) } else { Ok(()) }
}

fn too_deep(path: &str) -> Refusal {
    let message = format!("has lists and objects more than {MAX_JSON_DEPTH} deep; flatten them");
    Refusal::of_field(RefusalCode::InvalidValue, path, message)
}

/// Returns the greatest depth of lists and objects in a text that may be JSON, or nearly. Many readers of JSON call themselves for
/// each level, so a deep text must not reach a file that they read.
fn nesting(text: &str) -> usize {
    let (mut depth, mut greatest) = (0_usize, 0);
    let (mut is_text, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b'{' | b'[' if !is_text => depth += 1,
            b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        greatest = greatest.max(depth);
    }
    greatest
}

/// Refuses a list with more items than `most`.
pub(crate) fn require_few(count: usize, most: usize, items: &str, path: &str) -> Result<(), Refusal> {
    if count <= most {
        return Ok(());
    }
    Err(Refusal::of_field(RefusalCode::InvalidValue, path, format!("has {count} {items}; send at most {most}")))
}

/// Takes an optional name or id, and refuses characters that no one sees.
pub(crate) fn optional_name<'a>(fields: &mut Fields<'a>, name: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
    let Some(value) = fields.given(name)? else { return Ok(None) };
    let path = fields.path_of(name);
    let value = id(value, &path)?;
    require_visible(&value, &path)?;
    Ok(Some(value))
}

fn required_name<'a>(fields: &mut Fields<'a>) -> Result<Cow<'a, str>, Refusal> {
    optional_name(fields, "name")?.ok_or_else(|| fields.missing("name"))
}

/// Returns the refusal of a type that is none of `known`. It quotes the type only if that is a short word: a refusal has no text
/// of a user.
pub(crate) fn unknown_type(kind: &str, known: &str, path: &str) -> Refusal {
    let is_word = |kind: &str| {
        kind.len() <= 32 && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
    };
    let quoted = if is_word(kind) { format!("\"{kind}\" ") } else { String::new() };
    Refusal::of_field(RefusalCode::InvalidValue, path, format!("{quoted}is not known: use {known}"))
}
